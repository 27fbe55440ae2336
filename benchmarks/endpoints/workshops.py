"""What is built in workshops: first tutorials, agents, equations, signals, molecules, odd generators."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow.python.ops.data_flow_ops import StagingArea

from benchmarks.endpoints.cases import Truth, Truths, case, v1

Tensor = Any
Act = Callable[[Any], Any] | None


def _raw(shape: Sequence[int], name: str | None = None, deviation: float = 0.1) -> Tensor:
    """A variable as beginners make it."""
    return v1.Variable(tf.random.truncated_normal(list(shape), stddev=deviation), name=name)


def _fc(x: Tensor, units: int, scope: str, act: Act = None) -> Tensor:
    """A dense layer with ``w`` and ``b`` in a scope of its own, shared when asked for again."""
    with v1.variable_scope(scope, reuse=v1.AUTO_REUSE):
        w = v1.get_variable("w", [x.shape[-1], units], initializer=v1.orthogonal_initializer(1.0))
        b = v1.get_variable("b", [units], initializer=v1.constant_initializer(0.0))
        y = tf.matmul(x, w) + b
        return y if act is None else act(y)


def _slim_fc(x: Tensor, units: int, act: Act = tf.nn.relu, scope: str | None = None) -> Tensor:
    """A fully connected layer with the names and the default activation of a well known library."""
    with v1.variable_scope(scope, default_name="fully_connected"):
        w = v1.get_variable("weights", [x.shape[-1], units], initializer=v1.glorot_uniform_initializer())
        b = v1.get_variable("biases", [units], initializer=v1.zeros_initializer())
        y = tf.nn.bias_add(tf.matmul(x, w), b)
        return y if act is None else act(y)


def _slim_conv(
    x: Tensor, filters: int, size: int, stride: int = 1, act: Act = tf.nn.relu, scope: str | None = None
) -> Tensor:
    """A convolution of the same library."""
    with v1.variable_scope(scope, default_name="Conv"):
        w = v1.get_variable("weights", [size, size, x.shape[-1], filters])
        b = v1.get_variable("biases", [filters], initializer=v1.zeros_initializer())
        y = tf.nn.bias_add(tf.nn.conv2d(x, w, stride, "SAME"), b)
        return y if act is None else act(y)


def _conv_1d(x: Tensor, filters: int, size: int, stride: int = 1, padding: str = "SAME") -> Tensor:
    """A convolution along time under default names, without activation."""
    with v1.variable_scope(None, default_name="conv1d"):
        w = v1.get_variable("kernel", [size, x.shape[-1], filters])
        b = v1.get_variable("bias", [filters], initializer=v1.zeros_initializer())
        return tf.nn.bias_add(tf.nn.conv1d(x, w, stride, padding), b)


def _normed(x: Tensor, training: Tensor | bool, momentum: float = 0.99) -> Tensor:
    """Batch normalization under default names; a tensor as flag chooses by a conditional."""
    with v1.variable_scope(None, default_name="batch_normalization"):
        depth = [x.shape[-1]]
        gamma = v1.get_variable("gamma", depth, initializer=v1.ones_initializer())
        beta = v1.get_variable("beta", depth, initializer=v1.zeros_initializer())
        mean = v1.get_variable("moving_mean", depth, initializer=v1.zeros_initializer(), trainable=False)
        var = v1.get_variable("moving_variance", depth, initializer=v1.ones_initializer(), trainable=False)

        def of_batch() -> tuple[Tensor, Tensor]:
            now, spread = tf.nn.moments(x, list(range(x.shape.rank - 1)), name="moments")
            return now, spread

        if training is False:
            return tf.nn.batch_normalization(x, mean, var, beta, gamma, 1e-3)
        if training is True:
            now, spread = of_batch()
        else:
            now, spread = v1.cond(training, of_batch, lambda: (tf.identity(mean), tf.identity(var)))
        for kept, value in ((mean, now), (var, spread)):
            moved = v1.assign(kept, kept * momentum + value * (1 - momentum))
            v1.add_to_collection(v1.GraphKeys.UPDATE_OPS, moved)
        return tf.nn.batch_normalization(x, now, spread, beta, gamma, 1e-3)


def _all(scope: str) -> list[Any]:
    """The trainable variables of a scope."""
    return list(v1.get_collection(v1.GraphKeys.TRAINABLE_VARIABLES, scope=scope))


def _rows(x: Tensor) -> Tensor:
    """All but the first axis in one."""
    return tf.reshape(x, [-1, math.prod(int(side) for side in x.shape[1:])])


@case("first steps")
def iris_model_function_written_out() -> Truths:
    """The four measures come as a dictionary from a data set; a dictionary of predictions is returned."""
    rng = np.random.RandomState(0)
    columns = ["SepalLength", "SepalWidth", "PetalLength", "PetalWidth"]
    table = {name: rng.rand(12).astype("f") for name in columns}
    dataset = tf.data.Dataset.from_tensor_slices((table, rng.randint(0, 3, 12)))
    dataset = dataset.shuffle(1000).repeat().batch(6)
    features: Any
    features, labels = v1.data.make_one_shot_iterator(dataset).get_next()
    with v1.variable_scope("input_layer"):
        parts = []
        for name in sorted(columns):
            with v1.name_scope(name):
                parts.append(tf.reshape(tf.expand_dims(features[name], -1), [-1, 1]))
        net = tf.concat(parts, axis=1, name="concat")
    for units in (10, 10):
        with v1.variable_scope(None, default_name="dense"):
            kernel = v1.get_variable("kernel", [net.shape[-1], units])
            net = tf.nn.relu(tf.nn.bias_add(tf.matmul(net, kernel), v1.get_variable("bias", [units])))
    with v1.variable_scope(None, default_name="dense"):
        kernel = v1.get_variable("kernel", [10, 3])
        logits = tf.nn.bias_add(tf.matmul(net, kernel), v1.get_variable("bias", [3]))
    predicted = tf.argmax(logits, 1)
    ids, probabilities = predicted[:, tf.newaxis], tf.nn.softmax(logits)
    loss = v1.losses.sparse_softmax_cross_entropy(labels=labels, logits=logits)
    accuracy = v1.metrics.accuracy(labels=labels, predictions=predicted, name="acc_op")
    v1.summary.scalar("accuracy", accuracy[1])
    step = v1.train.get_or_create_global_step()
    v1.train.AdagradOptimizer(learning_rate=0.1).minimize(loss, global_step=step)
    fed = [features[name] for name in columns]
    wanted = [
        [ids, probabilities, logits],
        [ids, probabilities],
        [probabilities],
        [ids],
        [predicted],
        [logits],
    ]
    return [(fed, list(fetched)) for fetched in wanted]


@case("first steps")
def exclusive_or_by_two_sigmoids() -> Truth:
    """Four rows at once, two hidden units, the cross entropy written out with logarithms."""
    x = v1.placeholder(tf.float32, shape=[4, 2], name="x-input")
    y = v1.placeholder(tf.float32, shape=[4, 1], name="y-input")
    theta1 = v1.Variable(tf.random.uniform([2, 2], -1, 1), name="Theta1")
    theta2 = v1.Variable(tf.random.uniform([2, 1], -1, 1), name="Theta2")
    bias1, bias2 = v1.Variable(tf.zeros([2]), name="Bias1"), v1.Variable(tf.zeros([1]), name="Bias2")
    with v1.name_scope("layer2"):
        a2 = tf.sigmoid(tf.matmul(x, theta1) + bias1)
    with v1.name_scope("layer3"):
        hypothesis = tf.sigmoid(tf.matmul(a2, theta2) + bias2)
    with v1.name_scope("cost"):
        cost = tf.reduce_mean(((y * v1.log(hypothesis)) + ((1 - y) * v1.log(1.0 - hypothesis))) * -1)
    with v1.name_scope("train"):
        v1.train.GradientDescentOptimizer(0.01).minimize(cost)
    return [x], [hypothesis]


@case("classifier")
def cluttered_digits_straightened_first() -> Truths:
    """A spatial transformer: a small net says how to turn the grid that the picture is sampled by."""
    x = v1.placeholder(tf.float32, [None, 400])
    y = v1.placeholder(tf.float32, [None, 10])
    keep_prob = v1.placeholder(tf.float32)
    image = tf.reshape(x, [-1, 20, 20, 1])
    w_loc1, b_loc1 = _raw([400, 12]), _raw([12])
    w_loc2 = v1.Variable(tf.zeros([12, 6]))
    b_loc2 = v1.Variable(np.array([1, 0, 0, 0, 1, 0], "f"), name="b_fc_loc2")
    h_loc = v1.nn.dropout(tf.nn.tanh(tf.matmul(x, w_loc1) + b_loc1), keep_prob)
    theta = tf.nn.tanh(tf.matmul(h_loc, w_loc2) + b_loc2)
    side = 10
    with v1.variable_scope("SpatialTransformer"):
        batch = tf.shape(image)[0]
        x_t, y_t = tf.meshgrid(tf.linspace(-1.0, 1.0, side), tf.linspace(-1.0, 1.0, side))
        ones = tf.ones([1, side * side])
        grid = tf.concat([tf.reshape(x_t, [1, -1]), tf.reshape(y_t, [1, -1]), ones], 0)
        places = tf.matmul(tf.reshape(theta, [-1, 2, 3]), tf.tile(grid[None], tf.stack([batch, 1, 1])))
        px = (tf.reshape(tf.slice(places, [0, 0, 0], [-1, 1, -1]), [-1]) + 1.0) * 20 / 2.0
        py = (tf.reshape(tf.slice(places, [0, 1, 0], [-1, 1, -1]), [-1]) + 1.0) * 20 / 2.0
        x0, y0 = tf.cast(tf.floor(px), tf.int32), tf.cast(tf.floor(py), tf.int32)
        base = tf.reshape(tf.tile(tf.expand_dims(tf.range(batch) * 400, 1), [1, side * side]), [-1])
        pixels = tf.reshape(image, [-1, 1])
        total = []
        for dx in (0, 1):
            for dy in (0, 1):
                cx = tf.clip_by_value(x0 + dx, 0, 19)
                cy = tf.clip_by_value(y0 + dy, 0, 19)
                wx = 1 - tf.abs(px - tf.cast(cx, tf.float32))
                wy = 1 - tf.abs(py - tf.cast(cy, tf.float32))
                total.append(tf.expand_dims(wx * wy, 1) * tf.gather(pixels, base + cy * 20 + cx))
        h_trans = tf.reshape(tf.add_n(total), tf.stack([batch, side, side, 1]))
        h_trans.set_shape([None, side, side, 1])
    h1 = tf.nn.relu(tf.nn.conv2d(h_trans, _raw([3, 3, 1, 6]), 2, "SAME") + _raw([6]))
    h2 = tf.nn.relu(tf.nn.conv2d(h1, _raw([3, 3, 6, 6]), 2, "SAME") + _raw([6]))
    h = v1.nn.dropout(tf.nn.relu(tf.matmul(_rows(h2), _raw([54, 20])) + _raw([20])), keep_prob)
    y_logits = tf.matmul(h, _raw([20, 10])) + _raw([10])
    cross = tf.reduce_mean(v1.nn.softmax_cross_entropy_with_logits_v2(logits=y_logits, labels=y))
    opt = v1.train.AdamOptimizer()
    opt.minimize(cross)
    opt.compute_gradients(cross, [b_loc2])
    best = tf.argmax(y_logits, 1)
    tf.reduce_mean(tf.cast(tf.equal(best, tf.argmax(y, 1)), "float"))
    return [([x], [y_logits]), ([x], [best])]


@case("classifier")
def digits_sliced_over_cards_first_card_tested() -> Truths:
    """Each card takes its slice twice, with dropout and without; accuracy is asked of the first card only."""
    batch, cards = 8, 2
    x = v1.placeholder(tf.float32, [None, 784])
    y = v1.placeholder(tf.float32, [None, 10])

    def conv_net(given: Tensor, reuse: bool, is_training: bool) -> Tensor:
        with v1.variable_scope("ConvNet", reuse=reuse):
            h = tf.reshape(given, shape=[-1, 28, 28, 1])
            h = tf.nn.max_pool2d(_slim_conv(h, 6, 5, scope="conv2d"), 2, 2, "SAME")
            h = tf.nn.max_pool2d(_slim_conv(h, 8, 3, scope="conv2d_1"), 2, 2, "SAME")
            h = _slim_fc(_rows(h), 16, scope="dense")
            h = v1.nn.dropout(h, keep_prob=0.25) if is_training else h
            out = _slim_fc(h, 10, None, scope="dense_1")
            return out if is_training else tf.nn.softmax(out)

    grads: list[Any] = []
    answers: list[Any] = []
    optimizer = v1.train.AdamOptimizer(learning_rate=0.001)
    for i in range(cards):
        with tf.device(f"/gpu:{i}"):
            _x, _y = x[i * batch : (i + 1) * batch], y[i * batch : (i + 1) * batch]
            logits_train = conv_net(_x, i > 0, True)
            logits_test = conv_net(_x, True, False)
            loss = tf.reduce_mean(
                v1.nn.softmax_cross_entropy_with_logits_v2(logits=logits_train, labels=tf.stop_gradient(_y))
            )
            grads.append(optimizer.compute_gradients(loss))
            if i == 0:
                best = tf.argmax(logits_test, 1)
                tf.reduce_mean(tf.cast(tf.equal(best, tf.argmax(_y, 1)), tf.float32))
                answers = [([x], [logits_test]), ([x], [best])]
    averaged = []
    for pairs in zip(*grads, strict=True):
        stacked = tf.concat([tf.expand_dims(g, 0) for g, _ in pairs], 0)
        averaged.append((tf.reduce_mean(stacked, 0), pairs[0][1]))
    optimizer.apply_gradients(averaged)
    return answers


@case("reinforcement")
def arm_pulled_given_the_context() -> Truths:
    """A contextual bandit: one state as a number, a weight for each arm, the largest is pulled."""
    state_in = v1.placeholder(shape=[1], dtype=tf.int32)
    one_hot = tf.one_hot(state_in, 3)
    weights = v1.get_variable("fully_connected/weights", [3, 4], initializer=v1.ones_initializer())
    output = tf.reshape(tf.nn.sigmoid(tf.matmul(one_hot, weights)), [-1])
    chosen_action = tf.argmax(output, 0)
    reward_holder = v1.placeholder(shape=[1], dtype=tf.float32)
    action_holder = v1.placeholder(shape=[1], dtype=tf.int32)
    responsible_weight = tf.slice(output, action_holder, [1])
    loss = -(v1.log(responsible_weight) * reward_holder)
    v1.train.GradientDescentOptimizer(learning_rate=0.001).minimize(loss)
    return [([state_in], [chosen_action]), ([state_in], [output])]


@case("reinforcement")
def returns_at_drawn_fractions() -> Truths:
    """Implicit quantiles: fractions are drawn in the graph; what was lived comes from a Python function."""
    state_ph = v1.placeholder(tf.uint8, [1, 16, 16, 4], name="state_ph")
    with v1.name_scope("replay"):

        def lived() -> list[Any]:
            seen = np.zeros([8, 16, 16, 4], np.uint8)
            return [seen, np.zeros(8, np.int32), np.zeros(8, np.float32), seen, np.zeros(8, np.uint8)]

        kinds = [tf.uint8, tf.int32, tf.float32, tf.uint8, tf.uint8]
        sampled = v1.py_func(lived, [], kinds, name="replay_sample_py_func")
        for tensor, shape in zip(sampled, ([8, 16, 16, 4], [8], [8], [8, 16, 16, 4], [8]), strict=True):
            tensor.set_shape(shape)
        staging = StagingArea(kinds, shapes=[t.shape for t in sampled])
        staging.put(sampled)
        states, actions, rewards, next_states, terminals = staging.get()

    def net(state: Tensor, scope: str, count: int) -> tuple[Tensor, Tensor]:
        with v1.variable_scope(scope, reuse=v1.AUTO_REUSE):
            h = v1.div(tf.cast(state, tf.float32), 255.0)
            h = _slim_conv(h, 6, 4, 2, scope="Conv")
            h = _rows(_slim_conv(h, 6, 3, 2, scope="Conv_1"))
            width = int(h.shape[-1])
            tiled = tf.tile(h, [count, 1])
            quantiles = tf.random.uniform([count * int(state.shape[0]), 1], 0, 1)
            angles = tf.cast(tf.range(1, 9), tf.float32) * math.pi * tf.tile(quantiles, [1, 8])
            phi = _slim_fc(tf.cos(angles), width, scope="fully_connected")
            h = _slim_fc(tf.multiply(tiled, phi), 16, scope="fully_connected_1")
            return _slim_fc(h, 3, None, scope="fully_connected_2"), quantiles

    values, _ = net(state_ph, "Online", 4)
    q_values = tf.squeeze(tf.reduce_mean(tf.reshape(values, [4, 1, 3]), axis=0))
    q_argmax = tf.argmax(q_values, axis=0)
    replay_values, replay_quantiles = net(states, "Online", 5)
    target_values, _ = net(next_states, "Target", 5)
    mean_next = tf.reduce_mean(tf.reshape(target_values, [5, 8, 3]), axis=0)
    best_next = tf.one_hot(tf.argmax(mean_next, axis=1), 3)
    best_values = tf.reduce_sum(tf.reshape(target_values, [5, 8, 3]) * best_next, 2)
    discount = 0.99 * (1.0 - tf.cast(terminals, tf.float32))
    goal = tf.stop_gradient(rewards + discount * best_values)
    chosen = tf.reduce_sum(tf.reshape(replay_values, [5, 8, 3]) * tf.one_hot(actions, 3), 2)
    errors = goal[:, None] - chosen[None]
    huber = tf.where(tf.abs(errors) <= 1.0, 0.5 * errors**2, tf.abs(errors) - 0.5)
    below = tf.stop_gradient(tf.cast(errors < 0, tf.float32))
    loss = tf.reduce_sum(tf.abs(tf.reshape(replay_quantiles, [1, 5, 8]) - below) * huber, [0, 1])
    v1.train.AdamOptimizer(5e-5, epsilon=0.0003125).minimize(tf.reduce_mean(loss))
    for w_online, w_target in zip(_all("Online"), _all("Target"), strict=True):
        w_target.assign(w_online, use_locking=True)
    v1.summary.scalar("Losses/QuantileLoss", tf.reduce_mean(loss))
    return [([state_ph], [q_argmax]), ([state_ph], [q_values])]


@case("reinforcement")
def goals_in_hindsight_from_a_staging_area() -> Truths:
    """An arm shall reach a goal: what was staged is fed over when the actor is asked."""
    shapes: dict[str, list[Any]] = {"g": [None, 3], "o": [None, 7], "o_2": [None, 7]}
    shapes |= {"r": [None], "u": [None, 2]}
    with v1.variable_scope("ddpg"):
        staging = StagingArea([tf.float32] * 5, shapes=list(shapes.values()))
        staging.put([v1.placeholder(tf.float32, shape=shape) for shape in shapes.values()])
        staged = dict(zip(shapes, staging.get(), strict=True))
        rewards = tf.reshape(staged["r"], [-1, 1])
        stats = {}
        for key in ("o", "g"):
            with v1.variable_scope(key + "_stats"):
                size = shapes[key][1]
                ones, zeros = v1.ones_initializer(), v1.zeros_initializer()
                mean = v1.get_variable("mean", [size], initializer=zeros, trainable=False)
                std = v1.get_variable("std", [size], initializer=ones, trainable=False)
                total = v1.get_variable("sum", [size], initializer=zeros, trainable=False)
                count = v1.get_variable("count", [1], initializer=ones, trainable=False)
                v1.assign(mean, total / count)
                stats[key] = (mean, std)

        def mlp(x: Tensor, last: int, name: str) -> Tensor:
            for i, units in enumerate([16, 16, last]):
                x = _fc(x, units, f"{name}/_{i}", tf.nn.relu if i < 2 else None)
            return x

        def actor_critic(o: Tensor, g: Tensor, u: Tensor) -> tuple[Tensor, Tensor, Tensor]:
            o = tf.clip_by_value((o - stats["o"][0]) / stats["o"][1], -5.0, 5.0)
            g = tf.clip_by_value((g - stats["g"][0]) / stats["g"][1], -5.0, 5.0)
            pi_tf = 1.5 * tf.tanh(mlp(tf.concat(axis=1, values=[o, g]), 2, "pi"))
            q_pi = mlp(tf.concat(axis=1, values=[o, g, pi_tf / 1.5]), 1, "Q")
            return pi_tf, q_pi, mlp(tf.concat(axis=1, values=[o, g, u / 1.5]), 1, "Q")

        with v1.variable_scope("main"):
            pi, q_pi, q = actor_critic(staged["o"], staged["g"], staged["u"])
        with v1.variable_scope("target"):
            _, target_q_pi, _ = actor_critic(staged["o_2"], staged["g"], staged["u"])
        goal = tf.clip_by_value(rewards + 0.98 * target_q_pi, -50.0, 0.0)
        q_loss = tf.reduce_mean(tf.square(tf.stop_gradient(goal) - q))
        pi_loss = -tf.reduce_mean(q_pi) + tf.reduce_mean(tf.square(pi / 1.5))
        for loss, scope in ((q_loss, "ddpg/main/Q"), (pi_loss, "ddpg/main/pi")):
            gradients = tf.gradients(loss, _all(scope))
            tf.concat([tf.reshape(grad, [-1]) for grad in gradients], 0)
            theta = v1.placeholder(tf.float32, [sum(math.prod(v.shape) for v in _all(scope))])
            start = 0
            for v in _all(scope):
                end = start + math.prod(v.shape)
                v1.assign(v, tf.reshape(theta[start:end], v.shape))
                start = end
        for t, m in zip(_all("ddpg/target"), _all("ddpg/main"), strict=True):
            t.assign(0.95 * t + 0.05 * m)
    fed = [staged["o"], staged["g"]]
    return [(fed, [pi]), (fed, [pi, q_pi])]


@case("reinforcement")
def steps_within_a_trusted_region() -> Truths:
    """A Gaussian policy; flat gradients, products with the curvature, parameters set from one vector."""
    obs = v1.placeholder(tf.float32, [None, 11])
    action = v1.placeholder(tf.float32, [None, 3])
    advant = v1.placeholder(tf.float32, [None])
    old_mu, old_logstd = v1.placeholder(tf.float32, [None, 3]), v1.placeholder(tf.float32, [None, 3])
    with v1.variable_scope("policy"):
        h = _fc(_fc(obs, 16, "h1", tf.nn.relu), 16, "h2", tf.nn.relu)
        mu = _fc(h, 3, "h3")
        logstd_param = v1.Variable((0.01 * np.random.RandomState(1).randn(1, 3)).astype("f"), name="logstd")
    logstd = tf.tile(logstd_param, tf.stack((tf.shape(mu)[0], 1)))

    def log_density(x: Tensor, mean: Tensor, log_std: Tensor) -> Tensor:
        density = -tf.square(x - mean) / (2 * tf.exp(log_std * 2)) - 0.5 * math.log(2 * math.pi) - log_std
        return tf.reduce_sum(density, 1)

    def divergence(m1: Tensor, l1: Tensor, m2: Tensor, l2: Tensor) -> Tensor:
        var1, var2 = tf.exp(2 * l1), tf.exp(2 * l2)
        return tf.reduce_sum(l2 - l1 + (var1 + tf.square(m1 - m2)) / (2 * var2) - 0.5)

    n = tf.cast(tf.shape(obs)[0], tf.float32)
    ratio = tf.exp(log_density(action, mu, logstd) - log_density(action, old_mu, old_logstd))
    surr = -tf.reduce_mean(ratio * advant)
    divergence(old_mu, old_logstd, mu, logstd) / n
    tf.reduce_sum(logstd + 0.5 * math.log(2 * math.pi * math.e)) / n
    params = v1.trainable_variables()
    tf.concat([tf.reshape(g, [-1]) for g in tf.gradients(surr, params)], 0)
    fixed = divergence(tf.stop_gradient(mu), tf.stop_gradient(logstd), mu, logstd) / n
    first = tf.gradients(fixed, params)
    flat_tangent = v1.placeholder(tf.float32, [None])
    theta = v1.placeholder(tf.float32, [None])
    start, tangents = 0, []
    for p in params:
        size = math.prod(p.shape.as_list())
        tangents.append(tf.reshape(flat_tangent[start : start + size], p.shape))
        v1.assign(p, tf.reshape(theta[start : start + size], p.shape))
        start += size
    product = [tf.reduce_sum(g * t) for g, t in zip(first, tangents, strict=True)]
    tf.concat([tf.reshape(g, [-1]) for g in tf.gradients(product, params)], 0)
    tf.concat([tf.reshape(p, [-1]) for p in params], 0)
    return [([obs], [mu, logstd]), ([obs], [mu]), ([obs], [mu, logstd_param])]


@case("reinforcement")
def two_hunters_whose_critics_see_all() -> Truths:
    """Each agent acts on its own view; its critic gets the views and acts of both, from its own feeds."""
    views = [6, 8]
    own_views, acts, scores = [], [], []
    for me in range(2):
        name = f"agent_{me}"
        obs_n = [v1.placeholder(tf.float32, [None, size], f"observation{i}") for i, size in enumerate(views)]
        with v1.variable_scope(name, reuse=None):
            act_n = [v1.placeholder(tf.float32, [None, 5], f"action{i}") for i in range(2)]
            target_ph = v1.placeholder(tf.float32, [None], name="target")

            def model(x: Tensor, outputs: int, scope: str) -> Tensor:
                with v1.variable_scope(scope, reuse=v1.AUTO_REUSE):
                    h = _slim_fc(_slim_fc(x, 16, scope="fully_connected"), 16, scope="fully_connected_1")
                    return _slim_fc(h, outputs, None, scope="fully_connected_2")

            p = model(obs_n[me], 5, "p_func")
            noise = tf.random.uniform(tf.shape(p))
            act_sample = tf.nn.softmax(p - v1.log(-v1.log(noise)), axis=-1)
            p_reg = tf.reduce_mean(tf.square(p))
            put_in = [*act_n[:me], act_sample, *act_n[me + 1 :]]
            q_of_p = model(tf.concat(obs_n + put_in, 1), 1, "q_func")[:, 0]
            q = model(tf.concat(obs_n + act_n, 1), 1, "q_func")[:, 0]
            q_loss = tf.reduce_mean(tf.square(q - target_ph))
            for loss, part in ((-tf.reduce_mean(q_of_p) + p_reg * 1e-3, "p_func"), (q_loss, "q_func")):
                optimizer = v1.train.AdamOptimizer(learning_rate=0.01)
                pairs = optimizer.compute_gradients(loss, var_list=_all(f"{name}/{part}"))
                clipped = [(tf.clip_by_norm(g, 0.5), v) for g, v in pairs if g is not None]
                optimizer.apply_gradients(clipped)
            target_p = model(obs_n[me], 5, "target_p_func")
            tf.nn.softmax(target_p - v1.log(-v1.log(tf.random.uniform(tf.shape(target_p)))), axis=-1)
            model(tf.concat(obs_n + act_n, 1), 1, "target_q_func")
            for part in ("p_func", "q_func"):
                pairs = zip(_all(f"{name}/{part}"), _all(f"{name}/target_{part}"), strict=True)
                tf.group(*[v1.assign(t, 0.99 * t + 0.01 * s) for s, t in pairs])
        own_views.append(obs_n[me])
        acts.append(act_sample)
        scores.append(p)
    alone = [([view], [act]) for view, act in zip(own_views, acts, strict=True)]
    return [(own_views, acts), (own_views, scores), *alone]


@case("reinforcement")
def pendulum_workers_push_to_global_weights() -> Truths:
    """The global net only keeps weights; each worker draws from its normal, within the bounds."""
    opt_a, opt_c = v1.train.RMSPropOptimizer(1e-4, name="RMSPropA"), v1.train.RMSPropOptimizer(1e-3)

    def build(s: Tensor, scope: str) -> tuple[Tensor, Tensor, Tensor, list[Any], list[Any]]:
        init = v1.random_normal_initializer(0.0, 0.1)

        def layer(x: Tensor, units: int, name: str, act: Act = None) -> Tensor:
            with v1.variable_scope(name):
                kernel = v1.get_variable("kernel", [x.shape[-1], units], initializer=init)
                y = tf.nn.bias_add(tf.matmul(x, kernel), v1.get_variable("bias", [units]))
                return act(y) if act else y

        with v1.variable_scope("actor"):
            l_a = layer(s, 20, "la", tf.nn.relu6)
            mu, sigma = layer(l_a, 1, "mu", tf.nn.tanh), layer(l_a, 1, "sigma", tf.nn.softplus)
        with v1.variable_scope("critic"):
            v = layer(layer(s, 10, "lc", tf.nn.relu6), 1, "v")
        return mu, sigma, v, _all(scope + "/actor"), _all(scope + "/critic")

    with v1.variable_scope("Global_Net"):
        _, _, _, global_a, global_c = build(v1.placeholder(tf.float32, [None, 3], "S"), "Global_Net")
    answers: list[Any] = []
    for i in range(2):
        with v1.variable_scope(f"W_{i}"):
            s = v1.placeholder(tf.float32, [None, 3], "S")
            a_his = v1.placeholder(tf.float32, [None, 1], "A")
            v_target = v1.placeholder(tf.float32, [None, 1], "Vtarget")
            mu, sigma, v, a_params, c_params = build(s, f"W_{i}")
            td = tf.subtract(v_target, v, name="TD_error")
            with v1.name_scope("c_loss"):
                c_loss = tf.reduce_mean(tf.square(td))
            with v1.name_scope("wrap_a_out"):
                mu, sigma = mu * 2.0, sigma + 1e-4
            normal = v1.distributions.Normal(mu, sigma)
            with v1.name_scope("a_loss"):
                exp_v = normal.log_prob(a_his) * tf.stop_gradient(td)
                a_loss = tf.reduce_mean(-(0.01 * normal.entropy() + exp_v))
            with v1.name_scope("choose_a"):
                act = tf.clip_by_value(tf.squeeze(normal.sample(1), axis=[0, 1]), -2.0, 2.0)
            with v1.name_scope("local_grad"):
                a_grads, c_grads = tf.gradients(a_loss, a_params), tf.gradients(c_loss, c_params)
            with v1.name_scope("sync"):
                with v1.name_scope("pull"):
                    for local, shared in zip(a_params + c_params, global_a + global_c, strict=True):
                        local.assign(shared)
                with v1.name_scope("push"):
                    opt_a.apply_gradients(zip(a_grads, global_a, strict=True))
                    opt_c.apply_gradients(zip(c_grads, global_c, strict=True))
            answers += [([s], [act]), ([s], [mu]), ([s], [mu, sigma])]
    return answers


@case("imitation")
def drives_by_the_branch_of_the_command() -> Truths:
    """A car that is told where to turn: four branches of steering, gas and brake, a fifth for the speed."""
    image = v1.placeholder("float", shape=[None, 32, 48, 3], name="input_image")
    v1.placeholder(tf.float32, shape=[None, 4], name="input_control")  # chooses a branch in Python
    speed = v1.placeholder(tf.float32, shape=[None, 1], name="input_speed")
    dout = v1.placeholder("float", shape=[6])
    counts = {"conv": 0, "fc": 0, "drop": 0}

    def count(kind: str) -> str:
        counts[kind] += 1
        return str(counts[kind])

    def drop(x: Tensor) -> Tensor:
        counts["drop"] += 1
        return v1.nn.dropout(x, dout[counts["drop"] - 1], name=f"d_{counts['drop']}")

    def conv_block(x: Tensor, size: int, stride: int, filters: int) -> Tensor:
        number = count("conv")
        w = v1.get_variable("W_c_" + number, [size, size, x.shape[-1], filters])
        bias = v1.get_variable("B_c_" + number, [filters], initializer=v1.constant_initializer(0.1))
        y = tf.add(tf.nn.conv2d(x, w, stride, "SAME", name="conv2d_" + number), bias, name="add_" + number)
        return tf.nn.relu(_normed(y, False), name="relu" + number)

    def fc(x: Tensor, units: int) -> Tensor:
        number = count("fc")
        w = v1.get_variable("W_f_" + number, [x.shape[-1], units])
        return v1.nn.xw_plus_b(x, w, v1.get_variable("B_f_" + number, [units]), name="fc_" + number)

    def fc_block(x: Tensor, units: int) -> Tensor:
        return tf.nn.relu(drop(fc(x, units)))

    with v1.name_scope("Network"):
        xc = conv_block(image, 5, 2, 6)
        xc = conv_block(xc, 3, 1, 6)
        xc = conv_block(xc, 3, 2, 8)
        x = fc_block(tf.reshape(xc, [-1, 8 * 12 * 8]), 24)
        with v1.name_scope("Speed"):
            told = fc_block(speed, 8)
        j = fc_block(tf.concat([x, told], 1), 24)
        branches = []
        for i, targets in enumerate([3, 3, 3, 3, 1]):
            with v1.name_scope(f"Branch_{i}"):
                hidden = tf.nn.relu(fc(x if targets == 1 else j, 12))
                branches.append(fc(hidden, targets))
    return [([image, speed], branches), ([image, speed], branches[:4])]


@case("reinforcement")
def plans_by_iterating_values() -> Truths:
    """A value iteration net: a map of walls and the goal, a place on it; recurrent convolutions plan."""
    x = v1.placeholder(tf.float32, name="X", shape=[None, 8, 8, 2])
    s1 = v1.placeholder(tf.int32, name="S1", shape=[None])
    s2 = v1.placeholder(tf.int32, name="S2", shape=[None])
    y = v1.placeholder(tf.int64, name="y", shape=[None])
    lr = v1.placeholder(tf.float32, name="lr")
    bias = _raw([1, 1, 1, 12], "bias", 0.01)
    w0, w1 = _raw([3, 3, 2, 12], "w0", 0.01), _raw([1, 1, 12, 1], "w1", 0.01)
    w, w_fb = _raw([3, 3, 1, 6], "w", 0.01), _raw([3, 3, 1, 6], "w_fb", 0.01)
    w_o = _raw([6, 8], "w_o", 0.01)
    h = tf.nn.conv2d(x, w0, 1, "SAME", name="h0") + bias
    r = tf.nn.conv2d(h, w1, 1, "SAME", name="r")
    q = tf.nn.conv2d(r, w, 1, "SAME", name="q")
    v = tf.reduce_max(q, axis=3, keepdims=True, name="v")
    for _ in range(5):
        q = tf.nn.conv2d(tf.concat([r, v], 3), tf.concat([w, w_fb], 2), 1, "SAME")
        v = tf.reduce_max(q, axis=3, keepdims=True)
    q = tf.nn.conv2d(tf.concat([r, v], 3), tf.concat([w, w_fb], 2), 1, "SAME")
    q = tf.transpose(q, perm=[0, 3, 1, 2])
    rows = tf.transpose(q, [0, 2, 3, 1])
    index = tf.transpose(tf.stack([tf.range(tf.shape(q)[0]), s1, s2]))
    q_out = tf.gather_nd(rows, index, name="q_out")
    logits = tf.matmul(q_out, w_o)
    prob_actions = tf.nn.softmax(logits, name="probability_actions")
    cross = v1.nn.sparse_softmax_cross_entropy_with_logits(logits=logits, labels=y, name="cross_entropy")
    cost = tf.reduce_mean(cross, name="cross_entropy_mean")
    v1.train.RMSPropOptimizer(learning_rate=lr, epsilon=1e-6, centered=True).minimize(cost)
    guess = tf.argmax(prob_actions, 1)
    tf.reduce_mean(tf.cast(tf.not_equal(guess, y), tf.float32))
    fed = [x, s1, s2]
    return [(fed, [prob_actions]), (fed, [logits]), (fed, [guess])]


@case("autoencoder")
def digits_drawn_through_moving_windows() -> Truths:
    """A recurrent coder that looks and writes through Gaussian grids, one stroke after another."""
    width, grid, steps, batch = 8, 4, 3, 5
    x = v1.placeholder(tf.float32, shape=(batch, width * width))
    e = v1.random_normal((batch, 6), mean=0, stddev=1)

    def linear(given: Tensor, units: int) -> Tensor:
        w = v1.get_variable("w", [given.shape[1], units])
        return tf.matmul(given, w) + v1.get_variable("b", [units], initializer=v1.zeros_initializer())

    def lstm(given: Tensor, state: tuple[Tensor, Tensor], scope: str) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        c, h = state
        with v1.variable_scope(scope, reuse=v1.AUTO_REUSE):
            i, j, f, o = tf.split(linear(tf.concat([given, h], 1), 64), 4, 1)
        c = tf.sigmoid(f + 1.0) * c + tf.sigmoid(i) * tf.tanh(j)
        h = tf.sigmoid(o) * tf.tanh(c)
        return h, (c, h)

    def window(scope: str, h_dec: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        with v1.variable_scope(scope, reuse=v1.AUTO_REUSE):
            gx, gy, log_sigma2, log_delta, log_gamma = tf.split(linear(h_dec, 5), 5, 1)
        delta = (width - 1) / (grid - 1) * tf.exp(log_delta)
        places = tf.reshape(tf.cast(tf.range(grid), tf.float32), [1, -1]) - grid / 2 - 0.5
        pixels = tf.reshape(tf.cast(tf.range(width), tf.float32), [1, 1, -1])
        filters = []
        for centre in (gx, gy):
            mu = tf.reshape((width + 1) / 2 * (centre + 1) + places * delta, [-1, grid, 1])
            f = tf.exp(-tf.square(pixels - mu) / (2 * tf.reshape(tf.exp(log_sigma2), [-1, 1, 1])))
            filters.append(f / tf.maximum(tf.reduce_sum(f, 2, keepdims=True), 1e-8))
        return filters[0], filters[1], tf.exp(log_gamma)

    def look(img: Tensor, fx: Tensor, fy: Tensor, gamma: Tensor) -> Tensor:
        img = tf.reshape(img, [-1, width, width])
        glimpse = tf.matmul(fy, tf.matmul(img, tf.transpose(fx, perm=[0, 2, 1])))
        return tf.reshape(glimpse, [-1, grid * grid]) * gamma

    zero = tf.zeros((batch, 16))
    h_dec, enc_state, dec_state = zero, (zero, zero), (zero, zero)
    canvases: list[Tensor] = []
    terms = []
    for _ in range(steps):
        before = canvases[-1] if canvases else tf.zeros((batch, width * width))
        x_hat = x - tf.sigmoid(before)
        fx, fy, gamma = window("read", h_dec)
        r = tf.concat([look(x, fx, fy, gamma), look(x_hat, fx, fy, gamma)], 1)
        h_enc, enc_state = lstm(tf.concat([r, h_dec], 1), enc_state, "encoder")
        with v1.variable_scope("mu", reuse=v1.AUTO_REUSE):
            mu = linear(h_enc, 6)
        with v1.variable_scope("sigma", reuse=v1.AUTO_REUSE):
            log_sigma = linear(h_enc, 6)
            sigma = tf.exp(log_sigma)
        h_dec, dec_state = lstm(mu + sigma * e, dec_state, "decoder")
        with v1.variable_scope("writeW", reuse=v1.AUTO_REUSE):
            patch = tf.reshape(linear(h_dec, grid * grid), [batch, grid, grid])
        fx, fy, gamma = window("write", h_dec)
        stroke = tf.matmul(tf.transpose(fy, perm=[0, 2, 1]), tf.matmul(patch, fx))
        canvases.append(before + tf.reshape(stroke, [batch, width * width]) * tf.math.reciprocal(gamma))
        terms.append(0.5 * tf.reduce_sum(mu**2 + sigma**2 - 2 * log_sigma, 1) - 0.5)
    x_recons = tf.nn.sigmoid(canvases[-1])
    cross = -(x * v1.log(x_recons + 1e-8) + (1.0 - x) * v1.log(1.0 - x_recons + 1e-8))
    lx, lz = tf.reduce_mean(tf.reduce_sum(cross, 1)), tf.reduce_mean(tf.add_n(terms))
    optimizer = v1.train.AdamOptimizer(1e-3, beta1=0.5)
    grads = optimizer.compute_gradients(lx + lz)
    optimizer.apply_gradients([(tf.clip_by_norm(g, 5), v) if g is not None else (g, v) for g, v in grads])
    return [([x], canvases), ([x], [x_recons]), ([x], [canvases[-1]])]


@case("energy model")
def pictures_found_downhill_in_energy() -> Truths:
    """From noise and a class, steps along the gradient of an energy in a loop; real ones must lie lower."""
    x = v1.placeholder(shape=(None, 12, 12, 3), dtype=tf.float32)
    x_noise = v1.placeholder(shape=(None, 12, 12, 3), dtype=tf.float32)
    label = v1.placeholder(shape=(None, 4), dtype=tf.float32)
    label_pos = v1.placeholder(shape=(None, 4), dtype=tf.float32)

    def energy(inp: Tensor, kind: Tensor) -> Tensor:
        with v1.variable_scope("ebm", reuse=v1.AUTO_REUSE):
            h = _slim_conv(inp, 6, 3, 1, tf.nn.leaky_relu, "c1_pre")
            for i in range(2):
                gain = _fc(kind, int(h.shape[-1]), f"gain_{i}")[:, None, None, :]
                h = h + _slim_conv(h * (1.0 + gain), 6, 3, 1, tf.nn.leaky_relu, f"res_{i}")
                h = tf.nn.avg_pool2d(h, 2, 2, "SAME")
            return _fc(tf.reduce_sum(tf.nn.relu(h), [1, 2]), 1, "fc5")

    def langevin(counter: Tensor, x_mod: Tensor) -> tuple[Tensor, Tensor]:
        x_mod = x_mod + tf.random.normal(tf.shape(x_mod), mean=0.0, stddev=0.005)
        x_grad = tf.gradients(energy(x_mod, label), [x_mod])[0]
        return counter + 1, tf.clip_by_value(x_mod - 10.0 * x_grad, 0, 1)

    energy_pos = energy(x, label_pos)
    _, x_mod = tf.while_loop(lambda i, _: tf.less(i, 5), langevin, (tf.constant(0), x_noise))
    x_mod = tf.stop_gradient(x_mod)
    energy_neg = energy(x_mod, label)
    loss_ml = tf.reduce_mean(energy_pos) - tf.reduce_mean(energy_neg)
    loss_l2 = tf.reduce_mean(tf.square(energy_pos)) + tf.reduce_mean(tf.square(energy_neg))
    optimizer = v1.train.AdamOptimizer(1e-4, beta1=0.0, beta2=0.999)
    gvs = optimizer.compute_gradients(loss_ml + loss_l2)
    optimizer.apply_gradients([(tf.clip_by_value(g, -0.01, 0.01), v) for g, v in gvs])
    v1.summary.scalar("energy_gap", loss_ml)
    return [([x_noise, label], [x_mod]), ([x, label_pos], [energy_pos])]


@case("gan", frozen=True)
def faces_by_mapped_style_exported() -> Truth:
    """The averaged generator of a style net: codes are mapped, drawn to the mean, and steer each layer."""
    latents = v1.placeholder(tf.float32, [None, 16], name="latents_in")

    def dense(x: Tensor, units: int, gain: float = 1.4) -> Tensor:
        w = v1.get_variable("weight", [x.shape[-1], units], initializer=v1.random_normal_initializer())
        b = v1.get_variable("bias", [units], initializer=v1.zeros_initializer())
        return tf.matmul(x, w * (gain / math.sqrt(int(x.shape[-1])))) + b

    with v1.variable_scope("G_mapping"):
        h = latents * v1.rsqrt(tf.reduce_mean(tf.square(latents), axis=1, keepdims=True) + 1e-8)
        for i in range(3):
            with v1.variable_scope(f"Dense{i}"):
                h = tf.nn.leaky_relu(dense(h, 16), 0.2)
        dlatents = tf.tile(h[:, np.newaxis], [1, 4, 1], name="dlatents_out")
    with v1.variable_scope("Truncation"):
        average = v1.get_variable("dlatent_avg", [16], trainable=False)
        psi = np.where(np.arange(4)[None, :, None] < 2, 0.7, 1.0).astype("f")
        dlatents = average + (dlatents - average) * psi

    def epilogue(x: Tensor, layer: int) -> Tensor:
        side = int(x.shape[2])
        noise = v1.get_variable(f"noise{layer}", [1, 1, side, side], trainable=False)
        x = x + noise * v1.get_variable("noise_strength", [x.shape[1], 1, 1])
        x = tf.nn.leaky_relu(x, 0.2)
        x = x - tf.reduce_mean(x, axis=[2, 3], keepdims=True)
        x = x * v1.rsqrt(tf.reduce_mean(tf.square(x), axis=[2, 3], keepdims=True) + 1e-8)
        with v1.variable_scope("StyleMod"):
            style = dense(dlatents[:, layer], 2 * int(x.shape[1]), 1.0)
            style = tf.reshape(style, [-1, 2, int(x.shape[1]), 1, 1])
        return x * (style[:, 0] + 1) + style[:, 1]

    def conv(x: Tensor, filters: int, size: int) -> Tensor:
        w = v1.get_variable("weight", [size, size, x.shape[1], filters])
        b = v1.get_variable("bias", [filters], initializer=v1.zeros_initializer())
        return tf.nn.conv2d(x, w, 1, "SAME", data_format="NCHW") + tf.reshape(b, [1, -1, 1, 1])

    with v1.variable_scope("G_synthesis"):
        with v1.variable_scope("4x4/Const"):
            x = v1.get_variable("const", [1, 8, 4, 4], initializer=v1.ones_initializer())
            x = epilogue(tf.tile(x, [tf.shape(dlatents)[0], 1, 1, 1]), 0)
        with v1.variable_scope("4x4/Conv"):
            x = epilogue(conv(x, 8, 3), 1)
        with v1.variable_scope("8x8/Conv0_up"):
            x = tf.tile(tf.reshape(x, [-1, 8, 4, 1, 4, 1]), [1, 1, 1, 2, 1, 2])
            x = epilogue(conv(tf.reshape(x, [-1, 8, 8, 8]), 6, 3), 2)
        with v1.variable_scope("8x8/Conv1"):
            x = epilogue(conv(x, 6, 3), 3)
        with v1.variable_scope("ToRGB_lod0"):
            x = conv(x, 3, 1)
    x = tf.transpose(x, [0, 2, 3, 1]) * 127.5 + (0.5 + 127.5)
    return [latents], [tf.saturate_cast(x, tf.uint8, name="images_out")]


@case("classifier")
def kernels_woven_by_a_smaller_net() -> Truths:
    """A static hypernet: the weights of the convolutions come from small codes and two shared matrices."""
    with v1.variable_scope("conv_mnist"):
        batch_images = v1.placeholder(tf.float32, [None, 14, 14, 1])
        batch_labels = v1.placeholder(tf.int64, [None])
        lr = v1.Variable(0.005, name="learning_rate", trainable=False)
        step = v1.Variable(0, name="global_step", trainable=False)
        z_size, f, deep = 3, 5, 6
        hyper_w2 = v1.get_variable("hyper_w2", [z_size, deep * z_size])
        hyper_b2 = v1.get_variable("hyper_b2", [deep * z_size], initializer=v1.zeros_initializer())
        hyper_w1 = v1.get_variable("hyper_w1", [z_size, f * f * deep])
        hyper_b1 = v1.get_variable("hyper_b1", [f * f * deep], initializer=v1.zeros_initializer())

        def woven(name: str) -> Tensor:
            z = v1.get_variable(name, [1, z_size], initializer=v1.truncated_normal_initializer(stddev=0.01))
            h = tf.reshape(tf.matmul(z, hyper_w2) + hyper_b2, [deep, z_size])
            k = tf.reshape(tf.matmul(h, hyper_w1) + hyper_b1, [deep, deep, f, f])
            return tf.transpose(k, [2, 3, 1, 0])

        first = v1.get_variable("conv1_weights", [f, f, 1, deep])
        net = tf.nn.relu(
            tf.nn.conv2d(batch_images, first, 1, "SAME") + v1.get_variable("conv1_biases", [deep])
        )
        net = tf.nn.max_pool2d(net, 2, 2, "SAME")
        kernel2 = woven("z_signal_2")
        net = tf.nn.conv2d(net, kernel2, 1, "SAME") + v1.get_variable("conv2_biases", [deep])
        net = tf.nn.max_pool2d(tf.nn.relu(net), 2, 2, "SAME")
        kernel3 = woven("z_signal_3")
        net = net + tf.nn.relu(tf.nn.conv2d(net, kernel3, 1, "SAME"))
        flat = _rows(net)
        logits = v1.nn.xw_plus_b(
            flat, v1.get_variable("softmax_w", [flat.shape[1], 10]), v1.get_variable("softmax_b", [10])
        )
        probabilities = tf.nn.softmax(logits)
        cross = v1.nn.sparse_softmax_cross_entropy_with_logits(logits=logits, labels=batch_labels)
        cost = tf.reduce_mean(cross)
        class_predictions = tf.argmax(logits, 1)
        tf.reduce_mean(tf.cast(tf.equal(class_predictions, batch_labels), tf.float32))
        v1.summary.histogram("conv2_weights", kernel2)
        optimizer = v1.train.AdamOptimizer(lr, 0.9, 0.999, epsilon=1e-6)
        gvs = [(tf.clip_by_value(g, -100.0, 100.0), v) for g, v in optimizer.compute_gradients(cost)]
        optimizer.apply_gradients(gvs, global_step=step, name="train_step")
    found = [probabilities], [class_predictions], [logits]
    return [([batch_images], list(fetched)) for fetched in found]


@case("exported")
def video_labels_by_gated_logistics_served() -> Truths:
    """Examples as bytes; a gate with one dummy expert weighs logistic experts of each label; best labels."""
    serialized = v1.placeholder(tf.string, shape=[None], name="example_bytes")
    parsed: Any = v1.io.parse_example(
        serialized,
        {
            "id": v1.FixedLenFeature([], tf.string),
            "mean_rgb": v1.FixedLenFeature([12], tf.float32),
            "mean_audio": v1.FixedLenFeature([4], tf.float32),
        },
    )
    video_id = tf.identity(parsed["id"], name="video_id")
    features = tf.concat([parsed["mean_rgb"], parsed["mean_audio"]], 1)
    classes, mixtures = 9, 2
    with v1.variable_scope("tower"):
        model_input = tf.nn.l2_normalize(features, 1)
        with v1.variable_scope("gates"):
            w = v1.get_variable("weights", [16, classes * (mixtures + 1)])
            gate_activations = tf.matmul(model_input, w)
        with v1.variable_scope("experts"):
            w = v1.get_variable("weights", [16, classes * mixtures])
            b = v1.get_variable("biases", [classes * mixtures], initializer=v1.zeros_initializer())
            expert_activations = tf.nn.bias_add(tf.matmul(model_input, w), b)
        gating = tf.nn.softmax(tf.reshape(gate_activations, [-1, mixtures + 1]))
        experts = tf.nn.sigmoid(tf.reshape(expert_activations, [-1, mixtures]))
        final = tf.reduce_sum(gating[:, :mixtures] * experts, 1)
        predictions = tf.reshape(final, [-1, classes])
    v1.add_to_collection("predictions", predictions)
    top_predictions, top_indices = tf.nn.top_k(predictions, 5)
    best = [top_indices, top_predictions]
    return [([serialized], [video_id, *best]), ([serialized], best), ([serialized], [predictions])]


@case("semi-supervised")
def guesses_sharpened_and_mixed() -> Truths:
    """Labelled and guessed pictures are mixed; the averaged weights answer through a getter of variables."""
    batch, nu, classes = 4, 2, 5
    xt_in = v1.placeholder(tf.float32, [batch, 8, 8, 3], "xt")
    x_in = v1.placeholder(tf.float32, [None, 8, 8, 3], "x")
    y_in = v1.placeholder(tf.float32, [batch, nu, 8, 8, 3], "y")
    l_in = v1.placeholder(tf.int32, [batch], "labels")
    w_match = tf.constant(75.0) * tf.clip_by_value(
        tf.cast(v1.train.get_or_create_global_step(), tf.float32) / 1024.0, 0, 1
    )

    def classifier(x: Tensor, training: bool, getter: Any = None) -> Tensor:
        with v1.variable_scope("classify", reuse=v1.AUTO_REUSE, custom_getter=getter):
            h = x
            for i, filters in enumerate((6, 8)):
                with v1.variable_scope(f"layer_{i}"):
                    kernel = v1.get_variable("conv/kernel", [3, 3, h.shape[-1], filters])
                    h = tf.nn.conv2d(h, kernel, 2, "SAME")
                    gamma = v1.get_variable("gamma", [filters], initializer=v1.ones_initializer())
                    beta = v1.get_variable("beta", [filters], initializer=v1.zeros_initializer())
                    mean = v1.get_variable("moving_mean", [filters], trainable=False)
                    var = v1.get_variable("moving_variance", [filters], trainable=False)
                    if training:
                        now, spread = tf.nn.moments(h, [0, 1, 2])
                        for kept, value in ((mean, now), (var, spread)):
                            moved = v1.assign_sub(kept, (kept - value) * 0.001)
                            v1.add_to_collection(v1.GraphKeys.UPDATE_OPS, moved)
                    else:
                        now, spread = mean, var
                    h = tf.nn.leaky_relu(tf.nn.batch_normalization(h, now, spread, beta, gamma, 1e-3), 0.1)
            h = tf.reduce_mean(h, [1, 2])
            kernel = v1.get_variable("dense/kernel", [h.shape[-1], classes])
            return tf.nn.bias_add(tf.matmul(h, kernel), v1.get_variable("dense/bias", [classes]))

    y = tf.reshape(tf.transpose(y_in, [1, 0, 2, 3, 4]), [-1, 8, 8, 3])
    logits_y = [classifier(yi, training=True) for yi in tf.split(y, nu)]
    del v1.get_collection_ref(v1.GraphKeys.UPDATE_OPS)[4:]
    p_model_y = tf.add_n([tf.nn.softmax(logit) for logit in logits_y]) / nu
    p_target = tf.pow(p_model_y, 2.0)
    guess = tf.stop_gradient(p_target / tf.reduce_sum(p_target, axis=1, keepdims=True))
    labels_x = tf.one_hot(l_in, classes)
    everything = tf.concat([xt_in, y], 0)
    targets = tf.concat([labels_x] + [guess] * nu, 0)
    mix = v1.distributions.Beta(0.75, 0.75).sample([tf.shape(everything)[0], 1, 1, 1])
    mix = tf.maximum(mix, 1 - mix)
    order = tf.random.shuffle(tf.range(tf.shape(everything)[0]))
    xmix = everything * mix + tf.gather(everything, order) * (1 - mix)
    lmix = targets * mix[:, :, 0, 0] + tf.gather(targets, order) * (1 - mix[:, :, 0, 0])
    logits = tf.concat([classifier(part, training=True) for part in tf.split(xmix, nu + 1)], 0)
    loss_xe = tf.reduce_mean(
        v1.nn.softmax_cross_entropy_with_logits_v2(labels=lmix[:batch], logits=logits[:batch])
    )
    loss_l2u = tf.reduce_mean(v1.squared_difference(lmix[batch:], tf.nn.softmax(logits[batch:])))
    v1.summary.scalar("losses/xe", loss_xe)
    v1.summary.scalar("losses/l2u", loss_l2u)
    variables = _all("classify")
    ema = v1.train.ExponentialMovingAverage(decay=0.999)
    ema_op = ema.apply(variables)

    def ema_getter(getter: Any, name: str, *args: Any, **kwargs: Any) -> Any:
        var = getter(name, *args, **kwargs)
        average = ema.average(var)
        return var if average is None else average

    post = list(v1.get_collection(v1.GraphKeys.UPDATE_OPS))
    post += [v1.assign(v, v * (1 - 0.02 * 0.002)) for v in variables if "kernel" in v.name]
    train = v1.train.AdamOptimizer(0.002).minimize(
        loss_xe + w_match * loss_l2u, colocate_gradients_with_ops=True
    )
    with tf.control_dependencies([train, ema_op]):
        tf.group(*post)
    raw = tf.nn.softmax(classifier(x_in, training=False))
    classify_op = tf.nn.softmax(classifier(x_in, training=False, getter=ema_getter))
    return [([x_in], [classify_op]), ([x_in], [raw])]


@case("equation")
def flow_and_pressure_with_two_unknown_constants() -> Truth:
    """Navier and Stokes: a stream function and the pressure from place and time, two constants to find."""
    lambda_1 = v1.Variable([0.0], dtype=tf.float32)
    lambda_2 = v1.Variable([0.0], dtype=tf.float32)
    layers = [3, 12, 12, 2]
    weights, biases = [], []
    for m, n in itertools.pairwise(layers):
        weights.append(_raw([m, n], None, math.sqrt(2 / (m + n))))
        biases.append(v1.Variable(tf.zeros([1, n], dtype=tf.float32), dtype=tf.float32))
    x_tf, y_tf, t_tf, u_tf, v_tf = (v1.placeholder(tf.float32, shape=[None, 1]) for _ in range(5))
    lower, upper = np.array([1.0, -2.0, 0.0], "f"), np.array([8.0, 2.0, 20.0], "f")
    h = 2.0 * (tf.concat([x_tf, y_tf, t_tf], 1) - lower) / (upper - lower) - 1.0
    for w, b in zip(weights[:-1], biases[:-1], strict=True):
        h = tf.tanh(tf.add(tf.matmul(h, w), b))
    psi_and_p = tf.add(tf.matmul(h, weights[-1]), biases[-1])
    psi, p = psi_and_p[:, 0:1], psi_and_p[:, 1:2]
    u = tf.gradients(psi, y_tf)[0]
    v = -tf.gradients(psi, x_tf)[0]
    u_t, u_x, u_y = (tf.gradients(u, by)[0] for by in (t_tf, x_tf, y_tf))
    v_t, v_x, v_y = (tf.gradients(v, by)[0] for by in (t_tf, x_tf, y_tf))
    u_xx, u_yy = tf.gradients(u_x, x_tf)[0], tf.gradients(u_y, y_tf)[0]
    v_xx, v_yy = tf.gradients(v_x, x_tf)[0], tf.gradients(v_y, y_tf)[0]
    p_x, p_y = tf.gradients(p, x_tf)[0], tf.gradients(p, y_tf)[0]
    f_u = u_t + lambda_1 * (u * u_x + v * u_y) + p_x - lambda_2 * (u_xx + u_yy)
    f_v = v_t + lambda_1 * (u * v_x + v * v_y) + p_y - lambda_2 * (v_xx + v_yy)
    loss = tf.reduce_sum(tf.square(u_tf - u)) + tf.reduce_sum(tf.square(v_tf - v))
    loss += tf.reduce_sum(tf.square(f_u)) + tf.reduce_sum(tf.square(f_v))
    v1.train.AdamOptimizer().minimize(loss)
    return [x_tf, y_tf, t_tf], [u, v, p]


@case("molecules", frozen=True)
def potential_with_forces_and_virial_frozen() -> Truths:
    """Smooth surroundings of atoms, two nets for each element; energy, force and virial by fixed names."""
    coord = v1.placeholder(tf.float32, [None], name="t_coord")
    kind = v1.placeholder(tf.int32, [None], name="t_type")
    natoms = v1.placeholder(tf.int32, [4], name="t_natoms")
    box = v1.placeholder(tf.float32, [None], name="t_box")
    n = tf.slice(natoms, [0], [1])[0]
    places = tf.reshape(coord, [-1, n, 3])
    types = tf.one_hot(tf.reshape(kind, [-1, n]), 2)
    lengths = tf.linalg.diag_part(tf.reshape(box, [-1, 3, 3]))[:, None, None, :]

    def net(x: Tensor, sizes: Sequence[int], scope: str) -> Tensor:
        with v1.variable_scope(scope):
            for i, size in enumerate(sizes):
                w = v1.get_variable(f"matrix_{i}", [x.shape[-1], size])
                b = v1.get_variable(f"bias_{i}", [size])
                y = tf.tensordot(x, w, 1) + b
                x = y if i == len(sizes) - 1 and size == 1 else tf.tanh(y)
        return x

    with v1.name_scope("DescrptSeA"):
        apart = places[:, None] - places[:, :, None]
        apart = tf.identity(apart - lengths * tf.round(apart / lengths), name="rij")
        self_mask = tf.eye(n)[None, :, :, None]
        r = tf.sqrt(tf.reduce_sum(tf.square(apart), -1, keepdims=True) + self_mask)
        smooth = tf.where(r < 6.0, 0.5 * tf.cos(math.pi * r / 6.0) + 0.5, tf.zeros_like(r))
        s = smooth / r * (1.0 - self_mask)
        environment = tf.concat([s, s * apart / r], -1, name="o_rmat")
    embedded = tf.add_n([
        net(s, [4, 8], f"filter_type_{t}") * types[:, None, :, t : t + 1] for t in range(2)
    ])  # fmt: skip
    first = tf.matmul(environment, embedded, transpose_a=True)
    descriptor = tf.reshape(
        tf.matmul(first, first[..., :4], transpose_a=True), [-1, n, 32], name="o_descriptor"
    )
    descriptor.set_shape([None, None, 32])
    each = [net(descriptor, [12, 12, 1], f"layer_type_{t}")[..., 0] * types[..., t] for t in range(2)]
    shift = tf.constant([-93.5, -187.2], name="t_bias_atom_e")
    atom = tf.add_n(each) + tf.reduce_sum(types * shift, -1)
    atom_energy = tf.identity(atom, name="o_atom_energy")
    energy = tf.reduce_sum(atom_energy, axis=1, name="o_energy")
    slope = tf.gradients(atom_energy, apart)[0]
    force = tf.reduce_sum(slope, 2) - tf.reduce_sum(slope, 1)
    force = tf.reshape(force, [-1, 3 * n], name="o_force")
    pairs = tf.einsum("bijk,bijl->bkl", slope, apart)
    virial = tf.reshape(-0.5 * pairs, [-1, 9], name="o_virial")
    fed = [coord, kind, natoms, box]
    together = [energy, force, virial]
    return [(fed, together), (fed, [*together, atom_energy]), (fed, [energy, force])]


@case("graph net")
def crystals_by_gated_neighbours() -> Truths:
    """Atoms and their six nearest in crystals of any size; gates on bonds, the mean of each crystal."""
    with v1.name_scope("inputs"):
        atom_fea = v1.placeholder(tf.float32, [None, 20], name="atom_fea")
        nbr_fea = v1.placeholder(tf.float32, [None, 6, 9], name="nbr_fea")
        nbr_fea_idx = v1.placeholder(tf.int32, [None, 6], name="nbr_fea_idx")
        crystal_idx = v1.placeholder(tf.int32, [None], name="crystal_atom_idx")
        target = v1.placeholder(tf.float32, [None, 1], name="target")
        training = v1.placeholder(tf.bool, [], name="training")
    mean = v1.get_variable("normalizer_mean", [], trainable=False, initializer=v1.zeros_initializer())
    std = v1.get_variable("normalizer_std", [], trainable=False, initializer=v1.ones_initializer())
    x = _fc(atom_fea, 12, "embedding")
    for i in range(3):
        with v1.variable_scope(f"conv_{i}"):
            around = tf.gather(x, nbr_fea_idx)
            own = tf.tile(tf.expand_dims(x, 1), [1, 6, 1])
            total = tf.concat([own, around, nbr_fea], axis=2)
            gated = _normed(_fc(tf.reshape(total, [-1, 33]), 24, "fc_full"), training)
            gate, core = tf.split(tf.reshape(gated, [-1, 6, 24]), 2, axis=2)
            summed = tf.reduce_sum(tf.sigmoid(gate) * tf.nn.softplus(core), axis=1)
            x = tf.nn.softplus(x + _normed(summed, training))
    crystal = tf.math.segment_mean(x, crystal_idx)
    crystal = _fc(tf.nn.softplus(crystal), 16, "conv_to_fc", tf.nn.softplus)
    output = _fc(crystal, 1, "fc_out")
    prediction = tf.add(output * std, mean, name="prediction")
    loss = tf.reduce_mean(tf.square(output - (target - mean) / std), name="loss")
    tf.reduce_mean(tf.abs(prediction - target), name="mae")
    step = v1.train.get_or_create_global_step()
    rate = v1.train.piecewise_constant(step, [100], [0.01, 0.001])
    with tf.control_dependencies(v1.get_collection(v1.GraphKeys.UPDATE_OPS)):
        v1.train.MomentumOptimizer(rate, 0.9).minimize(loss, global_step=step)
    fed = [atom_fea, nbr_fea, nbr_fea_idx, crystal_idx]
    return [(fed, [prediction]), (fed, [output])]


@case("medical signals")
def twelve_leads_with_age_and_sex() -> Truths:
    """Heart rhythms from records: residual blocks over time, two numbers of the patient joined at the end."""

    def parse(record: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        keys: Any = {
            "ecg": v1.FixedLenFeature([128 * 12], tf.float32),
            "age": v1.FixedLenFeature([1], tf.float32),
            "sex": v1.FixedLenFeature([1], tf.float32),
            "label": v1.FixedLenFeature([5], tf.float32),
        }
        example: Any = v1.io.parse_single_example(record, keys)
        ecg = tf.reshape(example["ecg"], [128, 12])
        return ecg, tf.concat([example["age"] / 100.0, example["sex"]], 0), example["label"]

    train_set = tf.data.TFRecordDataset(["train.tfrecords"]).map(parse).shuffle(64).repeat().batch(16)
    test_set = tf.data.TFRecordDataset(["test.tfrecords"]).map(parse).batch(16)
    iterator = v1.data.Iterator.from_structure(
        v1.data.get_output_types(train_set), v1.data.get_output_shapes(train_set)
    )
    iterator.make_initializer(train_set, name="train_init")
    iterator.make_initializer(test_set, name="test_init")
    ecg, patient, labels = iterator.get_next()
    is_train = v1.placeholder_with_default(False, [], name="is_train")
    rate = v1.cond(is_train, lambda: tf.constant(0.2), lambda: tf.constant(0.0))
    net = tf.nn.relu(_normed(_conv_1d(ecg, 8, 15), is_train))
    for i in range(3):
        filters, stride = 8 + 4 * (i // 2), 1 + i % 2
        shortcut = tf.nn.max_pool1d(net, stride, stride, "SAME") if stride > 1 else net
        if filters != int(net.shape[-1]):
            shortcut = _conv_1d(shortcut, filters, 1)
        h = tf.nn.relu(_normed(_conv_1d(net, filters, 9, stride), is_train))
        h = _conv_1d(tf.nn.dropout(h, rate=rate), filters, 9)
        net = tf.nn.relu(_normed(h, is_train) + shortcut)
    pooled = tf.reduce_mean(net, axis=1)
    joined = tf.concat([pooled, tf.nn.relu(_slim_fc(patient, 4))], 1)
    logits = _slim_fc(joined, 5, None, scope="logits")
    probabilities = tf.nn.sigmoid(logits, name="probabilities")
    weighted = tf.nn.weighted_cross_entropy_with_logits(labels, logits, pos_weight=tf.constant(3.0))
    decay = 1e-4 * tf.add_n([tf.nn.l2_loss(v) for v in v1.trainable_variables() if "kernel" in v.name])
    loss = tf.reduce_mean(weighted) + decay
    _, auc_update = v1.metrics.auc(labels, probabilities)
    v1.summary.scalar("auc", auc_update)
    step = v1.train.get_or_create_global_step()
    with tf.control_dependencies(v1.get_collection(v1.GraphKeys.UPDATE_OPS)):
        v1.train.AdamOptimizer(v1.train.cosine_decay(1e-3, step, 1000)).minimize(loss, global_step=step)
    return [([ecg, patient], [probabilities]), ([ecg, patient], [logits])]


@case("medical signals")
def nights_scored_by_fine_and_coarse_filters() -> Truths:
    """Brain waves, half a minute a row: two sizes of filters, a recurrent pass, a shortcut around it."""
    steps, batch = 5, 4
    built: dict[bool, Any] = {}

    def conv_bn(x: Tensor, name: str, filters: int, size: int, stride: int, training: bool) -> Tensor:
        with v1.variable_scope(name):
            w = v1.get_variable("weights", [size, 1, x.shape[-1], filters])
            y = tf.nn.conv2d(x, w, [1, stride, 1, 1], "SAME")
            return tf.nn.relu(_normed(y, training, 0.999), name="relu")

    for training in (True, False):
        which = "train" if training else "valid"
        with (
            v1.name_scope(which),
            v1.variable_scope("deepsleepnet", reuse=not training),
        ):
            x = v1.placeholder(tf.float32, [batch * steps, 200, 1, 1], name="x_" + which)
            y = v1.placeholder(tf.int32, [batch * steps], name="y_" + which)
            branches = []
            for scope, size, stride in (("fine", 12, 4), ("coarse", 50, 10)):
                with v1.variable_scope(scope):
                    h = conv_bn(x, "l1", 6, size, stride, training)
                    h = tf.nn.max_pool2d(h, [4, 1], [4, 1], "SAME")
                    h = v1.nn.dropout(h, keep_prob=0.5) if training else h
                    h = conv_bn(conv_bn(h, "l2", 8, 5, 1, training), "l3", 8, 5, 1, training)
                    branches.append(_rows(tf.nn.max_pool2d(h, [4, 1], [4, 1], "SAME")))
            net = tf.concat(branches, 1, name="l4_concat")
            net = v1.nn.dropout(net, keep_prob=0.5) if training else net
            shortcut = _slim_fc(net, 16, scope="fc_residual")
            seq = tf.unstack(tf.reshape(net, [batch, steps, int(net.shape[-1])]), axis=1)
            passes = []
            for way in (1, -1):
                with v1.variable_scope("fw" if way == 1 else "bw"):
                    w = v1.get_variable("lstm/weights", [int(net.shape[-1]) + 8, 32])
                    b = v1.get_variable("lstm/biases", [32])
                c = h = tf.zeros([batch, 8])
                outputs = []
                for moment in seq[::way]:
                    i, j, f, o = tf.split(tf.matmul(tf.concat([moment, h], 1), w) + b, 4, 1)
                    c = c * tf.sigmoid(f + 1.0) + tf.sigmoid(i) * tf.tanh(j)
                    h = tf.tanh(c) * tf.sigmoid(o)
                    outputs.append(h)
                passes.append(tf.stack(outputs[::way], 1))
            both = tf.reshape(tf.concat(passes, -1), [-1, 16])
            net = tf.add(both, shortcut, name="l5_add")
            net = v1.nn.dropout(net, keep_prob=0.5) if training else net
            logits = _slim_fc(net, 5, None, scope="softmax_linear")
            cross = v1.nn.sparse_softmax_cross_entropy_with_logits(labels=y, logits=logits)
            loss = tf.reduce_mean(cross)
            pred_op = tf.argmax(logits, 1)
            built[training] = (x, logits, pred_op, loss)
    optimizer = v1.train.AdamOptimizer(1e-4)
    params = v1.trainable_variables()
    grads, _ = tf.clip_by_global_norm(tf.gradients(built[True][3], params), 10.0)
    with tf.control_dependencies(v1.get_collection(v1.GraphKeys.UPDATE_OPS)):
        optimizer.apply_gradients(zip(grads, params, strict=True))
    x, logits, pred_op, _ = built[False]
    return [([x], [pred_op]), ([x], [logits])]


@case("audio")
def band_into_four_stems_sample_by_sample() -> Truth:
    """Separation on raw samples with true context: three stems are drawn, the last is what remains."""
    mix = v1.placeholder(tf.float32, [1, 97, 2], name="mix_context")

    def crop(x: Tensor, to: int) -> Tensor:
        start = (int(x.shape[1]) - to) // 2
        return x[:, start : start + to, :]

    with v1.variable_scope("separator"):
        skips = []
        net = mix
        for i in range(2):
            net = tf.nn.leaky_relu(_conv_1d(net, 6 + 3 * i, 5, 1, "VALID"))
            skips.append(net)
            net = net[:, ::2, :]
        net = tf.nn.leaky_relu(_conv_1d(net, 12, 5, 1, "VALID"))
        for skip in reversed(skips):
            longer = 2 * int(net.shape[1]) - 1
            net = v1.image.resize_bilinear(tf.expand_dims(net, axis=1), [1, longer], align_corners=True)
            net = tf.squeeze(net, axis=1)
            net = tf.concat([crop(skip, longer), net], axis=2)
            net = tf.nn.leaky_relu(_conv_1d(net, int(skip.shape[-1]), 3, 1, "VALID"))
        net = tf.concat([crop(mix, int(net.shape[1])), net], axis=2)
        stems = {}
        rest = crop(mix, int(net.shape[1]))
        for name in ("bass", "drums", "other"):
            stems[name] = tf.clip_by_value(tf.tanh(_conv_1d(net, 2, 1, 1, "VALID")), -1.0, 1.0)
            rest = rest - stems[name]
        stems["vocals"] = tf.clip_by_value(rest, -1.0, 1.0)
    v1.train.get_or_create_global_step()
    return [mix], list(stems.values())


@case("audio")
def next_sample_through_queues_of_the_past() -> Truth:
    """Generation of a dilated net: each layer's past waits in a queue, one sample goes in at a time."""
    samples = v1.placeholder(tf.int32)
    levels, channels, skip = 16, 6, 8
    x = tf.reshape(tf.one_hot(samples, levels), [-1, levels])
    init_ops, push_ops, skips = [], [], []
    names = ["causal_layer", *(f"layer{i}" for i in range(4))]
    with v1.variable_scope("wavenet"):
        for i, (name, dilation) in enumerate(zip(names, (1, 1, 2, 4, 8), strict=True)):
            width = levels if i == 0 else channels
            queue = tf.queue.FIFOQueue(dilation, dtypes=tf.float32, shapes=(1, width))
            init_ops.append(queue.enqueue_many(tf.zeros((dilation, 1, width))))
            past = queue.dequeue()
            push_ops.append(queue.enqueue([x]))
            with v1.variable_scope(name):
                kernels = {
                    part: v1.get_variable(part, [2, width, channels])
                    for part in ("filter", "gate")[: 1 + (i > 0)]
                }
                mixed = {
                    part: tf.matmul(past, w[0, :, :]) + tf.matmul(x, w[1, :, :])
                    for part, w in kernels.items()
                }
                if i == 0:
                    x = mixed["filter"]
                    continue
                out = tf.tanh(mixed["filter"]) * tf.sigmoid(mixed["gate"])
                skips.append(tf.matmul(out, v1.get_variable("skip", [1, channels, skip])[0, :, :]))
                x = x + tf.matmul(out, v1.get_variable("dense", [1, channels, channels])[0, :, :])
        with v1.variable_scope("postprocessing"):
            w1, w2 = (
                v1.get_variable("postprocess1", [skip, skip]),
                v1.get_variable("postprocess2", [skip, levels]),
            )
            h = tf.matmul(tf.nn.relu(sum(skips)), w1)
            raw = tf.matmul(tf.nn.relu(h), w2)
    proba = tf.cast(tf.nn.softmax(tf.cast(tf.reshape(raw, [-1, levels]), tf.float64)), tf.float32)
    last = tf.slice(proba, [tf.shape(proba)[0] - 1, 0], [1, levels])
    last = tf.reshape(last, [-1])
    tf.group(*init_ops, name="init_queues")
    tf.group(*push_ops, name="push_all")
    return [samples], [last]


@case("robotics")
def how_well_a_gripper_would_hold() -> Truths:
    """A crop of a depth image and the gripper's depth; batches wait in a queue unless something is fed."""
    with v1.name_scope("train_data_node"):
        data_batch = v1.placeholder(tf.float32, (8, 16, 16, 1))
    with v1.name_scope("train_pose_node"):
        pose_batch = v1.placeholder(tf.float32, (8, 1))
    with v1.name_scope("train_labels_node"):
        labels_batch = v1.placeholder(tf.int64, (8,))
    queue = tf.queue.FIFOQueue(
        4, [tf.float32, tf.float32, tf.int64], shapes=[(8, 16, 16, 1), (8, 1), (8,)], name="data_queue"
    )
    queue.enqueue([data_batch, pose_batch, labels_batch])
    queued_im, queued_pose, labels = queue.dequeue()
    image = v1.placeholder_with_default(queued_im, (None, 16, 16, 1), name="input_im")
    pose = v1.placeholder_with_default(queued_pose, (None, 1), name="input_pose")
    drop_rate = v1.placeholder_with_default(0.0, (), name="drop_rate")
    with v1.name_scope("im_stream"):
        h = _slim_conv(image, 6, 7, scope="conv1_1")
        h = tf.nn.local_response_normalization(h, depth_radius=2, alpha=2e-5, beta=0.75, bias=1.0)
        h = tf.nn.max_pool2d(_slim_conv(h, 6, 5, scope="conv1_2"), 2, 2, "SAME")
        h = tf.nn.max_pool2d(_slim_conv(h, 8, 3, scope="conv2_1"), 2, 2, "SAME")
        fc3 = tf.nn.dropout(_slim_fc(_rows(h), 16, scope="fc3"), rate=drop_rate)
    with v1.name_scope("pose_stream"):
        pc1 = _slim_fc(pose, 4, scope="pc1")
    with v1.name_scope("merge_stream"):
        w_im, w_pose = v1.get_variable("fc4W_im", [16, 12]), v1.get_variable("fc4W_pose", [4, 12])
        fc4 = tf.nn.relu(tf.matmul(fc3, w_im) + tf.matmul(pc1, w_pose) + v1.get_variable("fc4b", [12]))
        fc5 = _slim_fc(fc4, 2, None, scope="fc5")
    with v1.name_scope("softmax"):
        output = tf.nn.softmax(fc5)
    with v1.name_scope("loss"):
        cross = v1.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=fc5)
        decay = 0.0005 * tf.add_n([tf.nn.l2_loss(v) for v in v1.trainable_variables()])
        loss = tf.reduce_mean(cross) + decay
    batch = v1.Variable(0, name="batch", trainable=False)
    rate = v1.train.exponential_decay(0.01, batch * 8, 10000, 0.95, staircase=True)
    optimizer = v1.train.MomentumOptimizer(rate, 0.9)
    gradients, variables = zip(*optimizer.compute_gradients(loss), strict=True)
    gradients, _ = tf.clip_by_global_norm(gradients, 1000.0)
    optimizer.apply_gradients(zip(gradients, variables, strict=True), global_step=batch)
    v1.summary.scalar("minibatch_loss", loss)
    return [([image, pose], [output]), ([image, pose], [fc5])]


@case("recommender")
def tastes_smoothed_over_who_bought_what() -> Truth:
    """A graph of buyers and things, thrice averaged without weights; pairs are ranked for the loss."""
    buyers, things = 12, 15
    users = v1.placeholder(tf.int32, shape=(None,))
    pos_items = v1.placeholder(tf.int32, shape=(None,))
    neg_items = v1.placeholder(tf.int32, shape=(None,))
    table_u = v1.Variable(v1.glorot_uniform_initializer()([buyers, 6]), name="user_embedding")
    table_i = v1.Variable(v1.glorot_uniform_initializer()([things, 6]), name="item_embedding")
    bought = (np.random.RandomState(3).rand(buyers, things) < 0.2).astype("f")
    both = np.block([[np.zeros((buyers, buyers)), bought], [bought.T, np.zeros((things, things))]])
    scale = 1.0 / np.sqrt(both.sum(1) + 1.0)
    both = (both * scale[:, None] * scale[None]).astype("f")
    ego = tf.concat([table_u, table_i], axis=0)
    levels = [ego]
    for _ in range(3):
        folds = []
        for half in (both[:13], both[13:]):
            where = np.argwhere(half > 0)
            part = tf.SparseTensor(where, half[half > 0], half.shape)
            folds.append(tf.sparse.sparse_dense_matmul(part, ego))
        ego = tf.concat(folds, 0)
        levels.append(ego)
    final = tf.reduce_mean(tf.stack(levels, 1), axis=1, keepdims=False)
    ua, ia = tf.split(final, [buyers, things], 0)
    u_g, pos_g = tf.nn.embedding_lookup(ua, users), tf.nn.embedding_lookup(ia, pos_items)
    neg_g = tf.nn.embedding_lookup(ia, neg_items)
    u_pre, pos_pre = tf.nn.embedding_lookup(table_u, users), tf.nn.embedding_lookup(table_i, pos_items)
    neg_pre = tf.nn.embedding_lookup(table_i, neg_items)
    batch_ratings = tf.matmul(u_g, pos_g, transpose_a=False, transpose_b=True)
    pos_scores = tf.reduce_sum(tf.multiply(u_g, pos_g), axis=1)
    neg_scores = tf.reduce_sum(tf.multiply(u_g, neg_g), axis=1)
    mf_loss = tf.reduce_mean(tf.nn.softplus(-(pos_scores - neg_scores)))
    regularizer = tf.nn.l2_loss(u_pre) + tf.nn.l2_loss(pos_pre) + tf.nn.l2_loss(neg_pre)
    v1.train.AdamOptimizer(learning_rate=1e-3).minimize(mf_loss + 1e-4 * regularizer / 16)
    return [users, pos_items], [batch_ratings]


@case("bayesian", modern=True)
def chances_of_dropping_are_learned() -> Truths:
    """Concrete dropout around dense layers; mean and log variance are joined, and drawn again and again."""
    x = v1.placeholder(tf.float32, [None, 5], name="input_1")
    target = v1.placeholder(tf.float32, [None, 1], name="target")
    losses = []

    def wrapped(given: Tensor, units: int, name: str, act: Act = None) -> Tensor:
        with v1.variable_scope(name):
            kernel = v1.get_variable("kernel", [given.shape[-1], units])
            bias = v1.get_variable("bias", [units], initializer=v1.zeros_initializer())
            p_logit = v1.get_variable("p_logit", [1], initializer=v1.random_uniform_initializer(-2.2, -2.0))
            p = tf.nn.sigmoid(p_logit[0])
            weight_part = 1e-6 * tf.reduce_sum(tf.square(kernel)) / (1.0 - p)
            entropy = p * tf.math.log(p) + (1.0 - p) * tf.math.log(1.0 - p)
            losses.append(tf.reduce_sum(weight_part + 1e-5 * entropy * int(given.shape[-1])))
            noise = tf.random.uniform(tf.shape(given))
            chance = tf.math.log(p + 1e-7) - tf.math.log(1.0 - p + 1e-7)
            chance += tf.math.log(noise + 1e-7) - tf.math.log(1.0 - noise + 1e-7)
            kept = given * (1.0 - tf.sigmoid(chance / 0.1)) / (1.0 - p)
            y = tf.nn.bias_add(tf.matmul(kept, kernel), bias, name="BiasAdd")
            return act(y) if act else y

    h = wrapped(x, 16, "concrete_dropout_1", tf.nn.relu)
    h = wrapped(h, 16, "concrete_dropout_2", tf.nn.relu)
    mean = wrapped(h, 1, "concrete_dropout_3")
    log_var = wrapped(h, 1, "concrete_dropout_4")
    out = tf.concat([mean, log_var], -1, name="concatenate_1/concat")
    with v1.name_scope("loss"):
        told_mean, told_var = out[:, :1], out[:, 1:]
        apart = tf.exp(-told_var) * (target - told_mean) ** 2.0 + told_var
        total = tf.reduce_mean(tf.reduce_sum(apart, -1)) + tf.add_n(losses)
    v1.train.AdamOptimizer().minimize(total)
    return [([x], [out]), ([x], [mean, log_var])]


@case("exported", frozen=True)
def digits_with_fake_rounding_for_a_phone() -> Truths:
    """Ready to be converted: weights and activations pass through fake rounding with known ranges."""
    fingerprint = v1.placeholder(tf.float32, [1, 28, 28, 1], name="input")

    def ranged(x: Tensor, name: str, low: float, high: float) -> Tensor:
        with v1.variable_scope(name):
            least = v1.get_variable("min", [], initializer=v1.constant_initializer(low), trainable=False)
            most = v1.get_variable("max", [], initializer=v1.constant_initializer(high), trainable=False)
            return tf.quantization.fake_quant_with_min_max_vars(
                x, least, most, num_bits=8, narrow_range=low == -high, name="FakeQuantWithMinMaxVars"
            )

    net = ranged(fingerprint, "input_quant", 0.0, 1.0)
    for name, filters in (("Conv", 6), ("Conv_1", 8)):
        with v1.variable_scope(name):
            w = v1.get_variable("weights", [3, 3, net.shape[-1], filters])
            gamma = v1.get_variable("BatchNorm/gamma", [filters], initializer=v1.ones_initializer())
            beta = v1.get_variable("BatchNorm/beta", [filters], initializer=v1.zeros_initializer())
            mean = v1.get_variable("BatchNorm/moving_mean", [filters], trainable=False)
            var = v1.get_variable(
                "BatchNorm/moving_variance", [filters], initializer=v1.ones_initializer(), trainable=False
            )
            factor = gamma * v1.rsqrt(var + 0.001)
            folded = ranged(tf.multiply(w, factor, name="mul_fold"), "weights_quant", -0.7, 0.7)
            net = tf.nn.conv2d(net, folded, 2, "SAME", name="Conv2D_Fold")
            net = tf.nn.relu6(tf.add(net, beta - mean * factor, name="add_fold"))
            net = ranged(net, "act_quant", 0.0, 6.0)
    with v1.variable_scope("Logits"):
        w = ranged(v1.get_variable("weights", [7 * 7 * 8, 10]), "weights_quant", -0.5, 0.5)
        logits = tf.matmul(tf.reshape(net, [1, -1]), w) + v1.get_variable("biases", [10])
        logits = ranged(logits, "act_quant", -8.0, 8.0)
    probabilities = tf.nn.softmax(logits, name="output")
    return [([fingerprint], [probabilities]), ([fingerprint], [logits])]


@case("text")
def headline_and_hours_to_two_answers() -> Truths:
    """A library's guide to models with two inputs and two outputs, with its targets and sample weights."""
    learning = v1.placeholder_with_default(False, [], name="dropout_1/keras_learning_phase")
    main_input = v1.placeholder(tf.float32, [None, 10], name="main_input")
    with v1.variable_scope("embedding_1"):
        table = v1.get_variable("embeddings", [50, 8], initializer=v1.random_uniform_initializer(-0.05, 0.05))
        x = tf.gather(table, tf.cast(main_input, tf.int32))
    with v1.variable_scope("lstm_1"):
        kernel = v1.get_variable("kernel", [8, 32])
        recurrent = v1.get_variable("recurrent_kernel", [8, 32], initializer=v1.orthogonal_initializer())
        bias = v1.get_variable("bias", [32], initializer=v1.zeros_initializer())
        zeros = tf.tile(tf.expand_dims(tf.reduce_sum(tf.zeros_like(x), axis=(1, 2)), 1), [1, 8])
        moments = tf.TensorArray(tf.float32, tf.shape(x)[1], tensor_array_name="input_ta")
        moments = moments.unstack(tf.transpose(x, [1, 0, 2]))
        outputs = tf.TensorArray(tf.float32, tf.shape(x)[1], tensor_array_name="output_ta")

        def step(time: Tensor, kept: Any, h: Tensor, c: Tensor) -> tuple[Any, ...]:
            z = tf.matmul(moments.read(time), kernel) + tf.matmul(h, recurrent) + bias
            z0, z1, z2, z3 = tf.split(z, 4, 1)
            hard = [tf.clip_by_value(0.2 * part + 0.5, 0.0, 1.0) for part in (z0, z1, z3)]
            c = hard[1] * c + hard[0] * tf.tanh(z2)
            h = hard[2] * tf.tanh(c)
            return time + 1, kept.write(time, h), h, c

        _, outputs, last, _ = tf.while_loop(
            lambda time, *_: time < tf.shape(x)[1], step, (tf.constant(0), outputs, zeros, zeros)
        )
        outputs.stack()
        last.set_shape([None, 8])
    dropped = v1.cond(learning, lambda: tf.nn.dropout(last, rate=0.2), lambda: tf.identity(last))
    dropped.set_shape([None, 8])

    def dense(given: Tensor, units: int, name: str, act: Act = tf.nn.relu) -> Tensor:
        with v1.variable_scope(name):
            w = v1.get_variable("kernel", [given.shape[-1], units])
            y = tf.nn.bias_add(tf.matmul(given, w), v1.get_variable("bias", [units]), name="BiasAdd")
            return act(y) if act else y

    auxiliary_output = dense(dropped, 1, "aux_output", tf.sigmoid)
    auxiliary_input = v1.placeholder(tf.float32, [None, 5], name="aux_input")
    x = tf.concat([dropped, auxiliary_input], -1, name="concatenate_1/concat")
    for i in range(3):
        x = dense(x, 12, f"dense_{i + 1}")
    main_output = dense(x, 1, "main_output", tf.sigmoid)
    total: Any = 0.0
    for name, output, share in (("aux_output", auxiliary_output, 0.2), ("main_output", main_output, 1.0)):
        target = v1.placeholder(tf.float32, [None, None], name=name + "_target")
        sample_weights = v1.placeholder(tf.float32, [None], name=name + "_sample_weights")
        with v1.name_scope(f"loss/{name}_loss"):
            clipped = tf.clip_by_value(output, 1e-7, 1 - 1e-7)
            logits = v1.log(clipped / (1 - clipped))
            score = v1.nn.sigmoid_cross_entropy_with_logits(labels=target, logits=logits)
            score = tf.reduce_mean(score, axis=-1) * sample_weights
            score /= tf.reduce_mean(tf.cast(tf.not_equal(sample_weights, 0.0), tf.float32))
            total = total + share * tf.reduce_mean(score)
        with v1.name_scope(f"metrics/{name}_acc"):
            tf.reduce_mean(tf.cast(tf.equal(target, tf.round(output)), tf.float32))
    with v1.name_scope("training/RMSprop"):
        rate = v1.Variable(0.001, name="lr")
        params = [v for v in v1.trainable_variables() if v is not rate]
        for p, g in zip(params, tf.gradients(total, params), strict=True):
            a = v1.Variable(tf.zeros(p.shape))
            new_a = 0.9 * a + 0.1 * tf.square(tf.convert_to_tensor(g))
            v1.assign(a, new_a)
            v1.assign(p, p - rate * tf.convert_to_tensor(g) / (tf.sqrt(new_a) + 1e-7))
    fed = [main_input, auxiliary_input]
    return [(fed, [main_output, auxiliary_output]), (fed, [main_output])]


@case("flow")
def pictures_from_noise_of_a_given_heat() -> Truth:
    """Invertible mixing and couplings: bits for each dimension in training; class and heat make pictures."""
    x_in = v1.placeholder(tf.uint8, [None, 8, 8, 3], name="image")
    y = v1.placeholder(tf.int32, [None], name="label")
    lr = v1.placeholder(tf.float32, None, name="learning_rate")
    eps_std = v1.placeholder(tf.float32, [None], name="eps_std")

    def prior(batch: Tensor, kinds: Tensor) -> tuple[Tensor, Tensor]:
        with v1.variable_scope("prior", reuse=v1.AUTO_REUSE):
            both = tf.zeros([batch, 24]) + _fc(tf.one_hot(kinds, 4), 24, "y_emb")
        mean, logsd = tf.split(both[:, None, None, :], 2, 3)
        return mean, logsd

    def f(h: Tensor) -> Tensor:
        h = _slim_conv(h, 12, 3, scope="l_1")
        return _slim_conv(_slim_conv(h, 12, 1, scope="l_2"), 12, 3, act=None, scope="l_last")

    def revnet(z: Tensor, reverse: bool) -> tuple[Tensor, Tensor]:
        logdet: Any = 0.0
        for i in reversed(range(3)) if reverse else range(3):
            with v1.variable_scope(f"model/{i}", reuse=v1.AUTO_REUSE):
                b = v1.get_variable("actnorm/b", [12], initializer=v1.zeros_initializer())
                logs = v1.get_variable("actnorm/logs", [12], initializer=v1.zeros_initializer())
                turned = np.linalg.qr(np.random.RandomState(i).randn(12, 12))[0].astype("f")
                w = v1.get_variable("invconv/W", initializer=turned)
                if reverse:
                    z1, z2 = tf.split(z, 2, 3)
                    shift, scale = tf.split(f(z1), 2, 3)
                    z = tf.concat([z1, z2 / tf.nn.sigmoid(scale + 2.0) - shift], 3)
                    z = tf.nn.conv2d(z, tf.linalg.inv(w)[None, None], 1, "SAME")
                    z = z * tf.exp(-logs) - b
                else:
                    z = (z + b) * tf.exp(logs)
                    z = tf.nn.conv2d(z, w[None, None], 1, "SAME")
                    z1, z2 = tf.split(z, 2, 3)
                    shift, scale = tf.split(f(z1), 2, 3)
                    scale = tf.nn.sigmoid(scale + 2.0)
                    z = tf.concat([z1, (z2 + shift) * scale], 3)
                    fixed = tf.reduce_sum(logs) + v1.log(tf.abs(tf.linalg.det(w)))
                    logdet += 16 * fixed + tf.reduce_sum(v1.log(scale), [1, 2, 3])
        return z, logdet

    x = tf.cast(x_in, tf.float32) / 256.0 - 0.5
    x = x + tf.random.uniform(tf.shape(x), 0, 1.0 / 256)
    z, objective = revnet(v1.space_to_depth(x, 2), False)
    mean, logsd = prior(tf.shape(x)[0], y)
    logp = -0.5 * (math.log(2 * math.pi) + 2.0 * logsd + (z - mean) ** 2 / tf.exp(2.0 * logsd))
    objective += tf.reduce_sum(logp, [1, 2, 3]) - math.log(256.0) * 192
    bits_x = -objective / (math.log(2.0) * 192)
    v1.train.AdamOptimizer(lr, 0.9, 0.999).minimize(tf.reduce_mean(bits_x))
    with v1.name_scope("sample"):
        mean, logsd = prior(tf.shape(y)[0], y)
        eps = tf.random.normal(tf.stack([tf.shape(y)[0], 4, 4, 12])) * tf.reshape(eps_std, [-1, 1, 1, 1])
        drawn, _ = revnet(mean + tf.exp(logsd) * eps, True)
        drawn = v1.depth_to_space(drawn, 2)
        sampled = tf.cast(tf.clip_by_value(tf.floor((drawn + 0.5) * 256.0), 0, 255), tf.uint8)
    return [y, eps_std], [sampled]
