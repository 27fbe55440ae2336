"""Agents: value networks, actors and critics, workers, several players; as people write and train them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf

from benchmarks.endpoints.cases import Truth, Truths, case, v1

Tensor = Any


def _weight_variable(shape: list[int]) -> Tensor:
    return tf.Variable(tf.random.truncated_normal(shape, stddev=0.01))


def _bias_variable(shape: list[int]) -> Tensor:
    return tf.Variable(tf.constant(0.01, shape=shape))


@case("agent", plain=True)
def flappy_bird_q_network() -> Truth:
    """The arcade script: no class, no names, no target network; ``readout.eval({s: [s_t]})`` plays."""
    w_conv1, b_conv1 = _weight_variable([8, 8, 4, 8]), _bias_variable([8])
    w_conv2, b_conv2 = _weight_variable([4, 4, 8, 16]), _bias_variable([16])
    w_conv3, b_conv3 = _weight_variable([3, 3, 16, 16]), _bias_variable([16])
    w_fc1, b_fc1 = _weight_variable([400, 32]), _bias_variable([32])
    w_fc2, b_fc2 = _weight_variable([32, 2]), _bias_variable([2])
    s = v1.placeholder("float", [None, 80, 80, 4])
    h_conv1 = tf.nn.relu(v1.nn.conv2d(s, w_conv1, [1, 4, 4, 1], "SAME") + b_conv1)
    h_pool1 = v1.nn.max_pool(h_conv1, [1, 2, 2, 1], [1, 2, 2, 1], "SAME")
    h_conv2 = tf.nn.relu(v1.nn.conv2d(h_pool1, w_conv2, [1, 2, 2, 1], "SAME") + b_conv2)
    h_conv3 = tf.nn.relu(v1.nn.conv2d(h_conv2, w_conv3, [1, 1, 1, 1], "SAME") + b_conv3)
    h_fc1 = tf.nn.relu(tf.matmul(tf.reshape(h_conv3, [-1, 400]), w_fc1) + b_fc1)
    readout = tf.matmul(h_fc1, w_fc2) + b_fc2

    a = v1.placeholder("float", [None, 2])
    y = v1.placeholder("float", [None])
    readout_action = tf.reduce_sum(tf.multiply(readout, a), axis=1)
    cost = tf.reduce_mean(tf.square(y - readout_action))
    v1.train.AdamOptimizer(1e-6).minimize(cost)
    v1.train.Saver()
    v1.global_variables_initializer()
    return [s], [readout]


class _PrioritizedDueling:
    """A double, dueling Q network with weights of importance."""

    def __init__(self, n_actions: int, n_features: int) -> None:
        self.n_actions = n_actions
        self.s = v1.placeholder(tf.float32, [None, n_features], name="s")
        self.s_ = v1.placeholder(tf.float32, [None, n_features], name="s_")
        self.r = v1.placeholder(tf.float32, [None], name="r")
        self.done = v1.placeholder(tf.float32, [None], name="done")
        self.a = v1.placeholder(tf.int32, [None], name="a")
        self.is_weights = v1.placeholder(tf.float32, [None, 1], name="IS_weights")
        with v1.variable_scope("eval_net"):
            self.q_eval = self.layers(self.s)
        with v1.variable_scope("eval_net", reuse=True):
            q_choice = self.layers(self.s_)
        with v1.variable_scope("target_net"):
            q_next = self.layers(self.s_)
        best = tf.one_hot(tf.argmax(q_choice, 1), n_actions)
        target = self.r + 0.99 * (1.0 - self.done) * tf.reduce_sum(q_next * best, 1)
        with v1.variable_scope("loss"):
            index = tf.stack([tf.range(tf.shape(self.a)[0]), self.a], 1)
            delta = tf.stop_gradient(target) - tf.gather_nd(self.q_eval, index)
            self.abs_errors = tf.abs(delta, name="TD_error")
            self.loss = tf.reduce_mean(self.is_weights[:, 0] * tf.square(delta))
        with v1.variable_scope("train"):
            kept = v1.get_collection(v1.GraphKeys.TRAINABLE_VARIABLES, "eval_net")
            v1.train.RMSPropOptimizer(5e-4).minimize(self.loss, var_list=kept)
        old = v1.get_collection(v1.GraphKeys.GLOBAL_VARIABLES, "target_net")
        self.replace = [v1.assign(t, e) for t, e in zip(old, kept, strict=True)]

    def layers(self, s: Tensor) -> Tensor:
        """Value plus centred advantage."""
        width = int(s.shape[1])
        with v1.variable_scope("l1"):
            w1, b1 = v1.get_variable("w1", [width, 20]), v1.get_variable("b1", [1, 20])
            hidden = tf.nn.relu(tf.matmul(s, w1) + b1)
        with v1.variable_scope("Value"):
            value = tf.matmul(hidden, v1.get_variable("w2", [20, 1])) + v1.get_variable("b2", [1, 1])
        with v1.variable_scope("Advantage"):
            w2, b2 = v1.get_variable("w2", [20, self.n_actions]), v1.get_variable("b2", [1, self.n_actions])
            advantage = tf.matmul(hidden, w2) + b2
        with v1.variable_scope("Q"):
            return value + (advantage - tf.reduce_mean(advantage, axis=1, keepdims=True))


@case("agent")
def prioritized_dueling_double_dqn() -> Truth:
    """A class with ``eval_net`` twice and ``target_net`` once; choosing runs ``q_eval`` on ``s``."""
    net = _PrioritizedDueling(4, 8)
    v1.summary.scalar("loss", net.loss)
    v1.summary.merge_all()
    return [net.s], [net.q_eval]


class _RecurrentQ:
    """Frames of an episode, through a convolution and an LSTM, to action values."""

    def __init__(self, scope: str, actions: int = 4, units: int = 16) -> None:
        with v1.variable_scope(scope):
            self.frames = v1.placeholder(tf.float32, [None, None, 20, 20, 3], name="frames")
            self.c_in = v1.placeholder(tf.float32, [None, units], name="c_in")
            self.h_in = v1.placeholder(tf.float32, [None, units], name="h_in")
            batch, steps = tf.shape(self.frames)[0], tf.shape(self.frames)[1]
            image = tf.reshape(self.frames, [-1, 20, 20, 3]) / 255.0
            for i, (size, stride, depth) in enumerate([(6, 4, 8), (3, 2, 16)]):
                k = v1.get_variable(f"conv{i}/k", [size, size, int(image.shape[-1]), depth])
                image = tf.nn.relu(v1.nn.conv2d(image, k, [1, stride, stride, 1], "VALID"))
            flat = int(image.shape[1]) * int(image.shape[2]) * int(image.shape[3])
            inputs = tf.transpose(tf.reshape(image, [batch, steps, flat]), [1, 0, 2])
            kernel = v1.get_variable("rnn/lstm_cell/kernel", [flat + units, 4 * units])
            bias = v1.get_variable("rnn/lstm_cell/bias", [4 * units], initializer=v1.zeros_initializer())

            def step(state: tuple[Tensor, Tensor], x: Tensor) -> tuple[Tensor, Tensor]:
                gates = tf.matmul(tf.concat([x, state[1]], 1), kernel) + bias
                i, j, f, o = tf.split(gates, 4, 1)
                c = tf.sigmoid(f + 1.0) * state[0] + tf.sigmoid(i) * tf.tanh(j)
                return c, tf.sigmoid(o) * tf.tanh(c)

            cs, hs = tf.scan(step, inputs, initializer=(self.c_in, self.h_in))
            self.c_out, self.h_out = tf.identity(cs[-1], "c_out"), tf.identity(hs[-1], "h_out")
            rnn = tf.reshape(tf.transpose(hs, [1, 0, 2]), [-1, units])
            stream_a, stream_v = tf.split(rnn, 2, 1)
            adv = tf.matmul(stream_a, v1.get_variable("AW", [units // 2, actions]))
            val = tf.matmul(stream_v, v1.get_variable("VW", [units // 2, 1]))
            self.q_out = val + adv - tf.reduce_mean(adv, 1, keepdims=True)
            self.predict = tf.argmax(self.q_out, 1, name="predict")


@case("agent")
def drqn_gridworld_two_networks() -> Truths:
    """``main`` and ``target`` networks with fed LSTM state; playing runs ``predict`` and the new state."""
    main, target = _RecurrentQ("main"), _RecurrentQ("target")
    target_q = v1.placeholder(tf.float32, [None], name="targetQ")
    actions = v1.placeholder(tf.int32, [None], name="actions")
    mask_a = tf.zeros([tf.size(target_q) // 2])
    mask = tf.concat([mask_a, tf.ones([tf.size(target_q) - tf.size(target_q) // 2])], 0)
    q = tf.reduce_sum(main.q_out * tf.one_hot(actions, 4), 1)
    loss = tf.reduce_mean(tf.square(target_q - q) * mask)
    v1.train.AdamOptimizer(1e-4).minimize(loss)
    half = len(v1.trainable_variables()) // 2
    for kept, old in zip(v1.trainable_variables()[:half], v1.trainable_variables()[half:], strict=True):
        v1.assign(old, kept.value() * 0.001 + 0.999 * old.value())
    del target
    fed = [main.frames, main.c_in, main.h_in]
    return [
        (fed, [main.predict, main.c_out, main.h_out]),
        (fed, [main.q_out, main.c_out, main.h_out]),
    ]


@case("agent", frozen=True)
def ddpg_pendulum_with_moving_averages() -> Truth:
    """Actor and critic whose targets are read through an EMA getter; frozen: only the actor stays."""
    s = v1.placeholder(tf.float32, [None, 3], "s")
    s2 = v1.placeholder(tf.float32, [None, 3], "s_")
    r = v1.placeholder(tf.float32, [None, 1], "r")
    noise_scale = v1.placeholder_with_default(0.0, [], name="noise_scale")

    def fc(x: Tensor, n: int, name: str, act: Any = None) -> Tensor:
        with v1.variable_scope(name):
            y = tf.matmul(x, v1.get_variable("kernel", [int(x.shape[1]), n])) + v1.get_variable("bias", [n])
        return act(y) if act else y

    def build_a(s: Tensor, reuse: bool = False, getter: Any = None) -> Tensor:
        with v1.variable_scope("Actor", reuse=reuse, custom_getter=getter):
            return tf.multiply(fc(fc(s, 30, "l1", tf.nn.relu), 1, "a", tf.tanh), 2.0, name="scaled_a")

    def build_c(s: Tensor, a: Tensor, reuse: bool = False, getter: Any = None) -> Tensor:
        with v1.variable_scope("Critic", reuse=reuse, custom_getter=getter):
            w1_s, w1_a = v1.get_variable("w1_s", [3, 30]), v1.get_variable("w1_a", [1, 30])
            net = tf.nn.relu(tf.matmul(s, w1_s) + tf.matmul(a, w1_a) + v1.get_variable("b1", [1, 30]))
            return fc(net, 1, "q")

    a = build_a(s)
    _explored = a + noise_scale * tf.random.normal(tf.shape(a))
    q = build_c(s, a)
    a_params = v1.get_collection(v1.GraphKeys.TRAINABLE_VARIABLES, scope="Actor")
    c_params = v1.get_collection(v1.GraphKeys.TRAINABLE_VARIABLES, scope="Critic")
    ema = tf.train.ExponentialMovingAverage(decay=0.99)

    def ema_getter(getter: Callable[..., Any], name: str, *args: Any, **kwargs: Any) -> Tensor:
        return ema.average(getter(name, *args, **kwargs))

    update = [ema.apply(a_params), ema.apply(c_params)]
    q2 = build_c(s2, build_a(s2, True, ema_getter), True, ema_getter)
    v1.train.AdamOptimizer(0.001).minimize(-tf.reduce_mean(q), var_list=a_params)
    with tf.control_dependencies(update):
        td_error = tf.reduce_mean(tf.square(r + 0.9 * q2 - q))
        v1.train.AdamOptimizer(0.002).minimize(td_error, var_list=c_params)
    return [s], [a]


def _mlp(x: Tensor, sizes: Sequence[int], last: Any = None) -> Tensor:
    for i, n in enumerate(sizes):
        w = v1.get_variable(f"dense_{i}/kernel", [int(x.shape[-1]), n])
        x = tf.matmul(x, w) + v1.get_variable(f"dense_{i}/bias", [n], initializer=v1.zeros_initializer())
        activation = tf.nn.relu if i < len(sizes) - 1 else last
        x = activation(x) if activation else x
    return x


def _squashed_gaussian(x: Tensor, act_dim: int) -> tuple[Tensor, Tensor, Tensor]:
    with v1.variable_scope("pi"):
        net = _mlp(x, [24, 24], tf.nn.relu)
        with v1.variable_scope("mu"):
            mu = _mlp(net, [act_dim])
        with v1.variable_scope("log_std"):
            log_std = _mlp(net, [act_dim], tf.tanh)
        log_std = -20 + 0.5 * 22 * (log_std + 1)
        pi = mu + tf.random.normal(tf.shape(mu)) * tf.exp(log_std)
        pre_sum = -0.5 * (((pi - mu) / (tf.exp(log_std) + 1e-8)) ** 2 + 2 * log_std + 1.8379)
        logp = tf.reduce_sum(pre_sum, axis=1)
        logp -= tf.reduce_sum(2 * (0.6931 - pi - tf.nn.softplus(-2 * pi)), axis=1)
    return tf.tanh(mu), tf.tanh(pi), logp


@case("agent")
def soft_actor_critic_with_twin_critics() -> Truths:
    """Five placeholders without names; tests act with ``mu``, training episodes with the sample ``pi``."""
    x_ph, a_ph, x2_ph = (v1.placeholder(tf.float32, [None, n]) for n in (11, 3, 11))
    r_ph, d_ph = v1.placeholder(tf.float32, [None]), v1.placeholder(tf.float32, [None])
    log_alpha = v1.get_variable("log_alpha", [], initializer=v1.zeros_initializer())

    def q_of(name: str, x: Tensor, a: Tensor) -> Tensor:
        with v1.variable_scope(name, reuse=v1.AUTO_REUSE):
            return tf.squeeze(_mlp(tf.concat([x, a], -1), [24, 24, 1]), axis=1)

    with v1.variable_scope("main"):
        mu, pi, logp_pi = _squashed_gaussian(x_ph, 3)
        q1, q2 = q_of("q1", x_ph, a_ph), q_of("q2", x_ph, a_ph)
        q1_pi = q_of("q1", x_ph, pi)
    with v1.variable_scope("main", reuse=True):
        _, pi_next, logp_next = _squashed_gaussian(x2_ph, 3)
    with v1.variable_scope("target"):
        q_targ = tf.minimum(q_of("q1", x2_ph, pi_next), q_of("q2", x2_ph, pi_next))
    mu, pi = 1.5 * mu, 1.5 * pi
    alpha = tf.exp(log_alpha)
    backup = tf.stop_gradient(r_ph + 0.99 * (1 - d_ph) * (q_targ - alpha * logp_next))
    pi_loss = tf.reduce_mean(alpha * logp_pi - q1_pi)
    value_loss = 0.5 * tf.reduce_mean((backup - q1) ** 2) + 0.5 * tf.reduce_mean((backup - q2) ** 2)
    alpha_loss = -tf.reduce_mean(log_alpha * tf.stop_gradient(logp_pi - 3.0))
    main = [v for v in v1.trainable_variables() if v.name.startswith("main")]
    train_pi = v1.train.AdamOptimizer(1e-3).minimize(pi_loss, var_list=[v for v in main if "/pi/" in v.name])
    with tf.control_dependencies([train_pi]):
        qs = [v for v in main if "/q" in v.name]
        train_q = v1.train.AdamOptimizer(1e-3).minimize(value_loss, var_list=qs)
    v1.train.AdamOptimizer(1e-3).minimize(alpha_loss, var_list=[log_alpha])
    old = [v for v in v1.trainable_variables() if v.name.startswith("target")]
    with tf.control_dependencies([train_q]):
        tf.group([v1.assign(t, 0.995 * t + 0.005 * v) for v, t in zip(qs, old, strict=True)])
    tf.group([v1.assign(t, v) for v, t in zip(qs, old, strict=True)])
    return [([x_ph], [mu]), ([x_ph], [pi])]


class _DoomWorker:
    """The policy and value of one thread, with gradients that go to the global net."""

    def __init__(self, scope: str, trainer: Any) -> None:
        with v1.variable_scope(scope):
            self.inputs = v1.placeholder(tf.float32, [None, 1764])
            image = tf.reshape(self.inputs, [-1, 42, 42, 1])
            k1, k2 = (
                v1.get_variable("Conv/weights", [8, 8, 1, 8]),
                v1.get_variable("Conv_1/weights", [4, 4, 8, 8]),
            )
            conv = tf.nn.elu(v1.nn.conv2d(image, k1, [1, 4, 4, 1], "VALID"))
            conv = tf.nn.elu(v1.nn.conv2d(conv, k2, [1, 2, 2, 1], "VALID"))
            hidden = tf.nn.elu(self.fully_connected(tf.reshape(conv, [-1, 72]), 16, "fully_connected"))
            self.policy = tf.nn.softmax(self.fully_connected(hidden, 3, "fully_connected_1"))
            self.value = self.fully_connected(hidden, 1, "fully_connected_2")
            if scope == "global":
                return
            actions = v1.placeholder(tf.int32, [None])
            target_v = v1.placeholder(tf.float32, [None])
            advantages = v1.placeholder(tf.float32, [None])
            responsible = tf.reduce_sum(self.policy * tf.one_hot(actions, 3), [1])
            value_loss = 0.5 * tf.reduce_sum(tf.square(target_v - tf.reshape(self.value, [-1])))
            entropy = -tf.reduce_sum(self.policy * tf.math.log(self.policy + 1e-8))
            policy_loss = -tf.reduce_sum(tf.math.log(responsible + 1e-8) * advantages)
            loss = 0.5 * value_loss + policy_loss - entropy * 0.01
            local = v1.get_collection(v1.GraphKeys.TRAINABLE_VARIABLES, scope)
            grads, self.norm = tf.clip_by_global_norm(tf.gradients(loss, local), 40.0)
            shared = v1.get_collection(v1.GraphKeys.TRAINABLE_VARIABLES, "global")
            self.apply_grads = trainer.apply_gradients(zip(grads, shared, strict=True))
            self.pull = [v1.assign(mine, theirs) for mine, theirs in zip(local, shared, strict=True)]

    @staticmethod
    def fully_connected(x: Tensor, n: int, name: str) -> Tensor:
        """A layer in the manner of contrib."""
        with v1.variable_scope(name):
            return tf.matmul(x, v1.get_variable("weights", [int(x.shape[1]), n])) + v1.get_variable(
                "biases", [n]
            )


@case("agent")
def a3c_doom_with_three_workers() -> Truths:
    """A master network that has the weights, and workers that play; whoever deploys it feeds the master.

    The author's own evaluation asks a worker that has pulled the weights, which is right as well.
    """
    v1.Variable(0, dtype=tf.int32, name="global_episodes", trainable=False)
    trainer = v1.train.AdamOptimizer(1e-4)
    master = _DoomWorker("global", None)
    workers = [_DoomWorker(f"worker_{i}", trainer) for i in range(3)]
    for worker in workers:
        v1.summary.scalar("Losses/Grad_Norm", worker.norm)
    return [
        ([master.inputs], [master.policy]),
        ([master.inputs], [master.policy, master.value]),
        ([workers[0].inputs], [workers[0].policy, workers[0].value]),
    ]


@case("agent")
def ppo_continuous_with_old_policy() -> Truths:
    """``pi`` and ``oldpi`` read the same state; acting runs the clipped sample of ``pi``, or its mean."""
    tfs = v1.placeholder(tf.float32, [None, 6], "state")
    with v1.variable_scope("critic"):
        w = v1.get_variable("w", [6, 32])
        l1 = tf.nn.relu(tf.matmul(tfs, w))
        v = tf.matmul(l1, v1.get_variable("v", [32, 1]))
        tfdc_r = v1.placeholder(tf.float32, [None, 1], "discounted_r")
        advantage = tfdc_r - v
        closs = tf.reduce_mean(tf.square(advantage))
        v1.train.AdamOptimizer(2e-4).minimize(closs)

    def build_anet(name: str, trainable: bool) -> tuple[Tensor, Tensor, list[Tensor]]:
        with v1.variable_scope(name):
            w = v1.get_variable("w", [6, 32], trainable=trainable)
            hidden = tf.nn.relu(tf.matmul(tfs, w))
            mu = 2 * tf.nn.tanh(tf.matmul(hidden, v1.get_variable("mu", [32, 2], trainable=trainable)))
            sigma = tf.nn.softplus(tf.matmul(hidden, v1.get_variable("sigma", [32, 2], trainable=trainable)))
        return mu, sigma + 1e-4, v1.get_collection(v1.GraphKeys.GLOBAL_VARIABLES, scope=name)

    def log_prob(mu: Tensor, sigma: Tensor, a: Tensor) -> Tensor:
        return tf.reduce_sum(
            -0.5 * tf.square((a - mu) / sigma) - tf.math.log(sigma) - 0.919, 1, keepdims=True
        )

    mu, sigma, pi_params = build_anet("pi", True)
    old_mu, old_sigma, oldpi_params = build_anet("oldpi", False)
    with v1.variable_scope("sample_action"):
        sample = mu + sigma * tf.random.normal(tf.shape(mu))
        sample_op = tf.clip_by_value(sample, -2.0, 2.0)
    with v1.variable_scope("update_oldpi"):
        _ = [oldp.assign(p) for p, oldp in zip(pi_params, oldpi_params, strict=True)]
    tfa = v1.placeholder(tf.float32, [None, 2], "action")
    tfadv = v1.placeholder(tf.float32, [None, 1], "advantage")
    with v1.variable_scope("loss"):
        ratio = tf.exp(log_prob(mu, sigma, tfa) - log_prob(old_mu, old_sigma, tfa))
        clipped = tf.clip_by_value(ratio, 0.8, 1.2) * tfadv
        aloss = -tf.reduce_mean(tf.minimum(ratio * tfadv, clipped))
    with v1.variable_scope("atrain"):
        v1.train.AdamOptimizer(1e-4).minimize(aloss)
    return [([tfs], [sample_op]), ([tfs], [mu])]


def _cnn_policy(ob_ph: Tensor, n_act: int, reuse: bool) -> tuple[Tensor, Tensor, Tensor]:
    with v1.variable_scope("model", reuse=reuse):
        h = tf.cast(ob_ph, tf.float32) / 255.0
        for name, rf, stride, nf in (("c1", 8, 4, 8), ("c2", 4, 2, 8)):
            w = v1.get_variable(
                f"{name}/w", [rf, rf, int(h.shape[-1]), nf], initializer=v1.orthogonal_initializer()
            )
            h = tf.nn.relu(v1.nn.conv2d(h, w, [1, stride, stride, 1], "VALID"))
        h = tf.reshape(h, [-1, int(h.shape[1]) * int(h.shape[2]) * 8])
        h = tf.nn.relu(tf.matmul(h, v1.get_variable("fc1/w", [int(h.shape[1]), 32])))
        pi = tf.matmul(h, v1.get_variable("pi/w", [32, n_act])) + v1.get_variable("pi/b", [n_act])
        vf = tf.matmul(h, v1.get_variable("v/w", [32, 1]))[:, 0]
    return pi, vf, h


@case("agent")
def a2c_step_and_train_models_with_curiosity() -> Truths:
    """One policy built for 4 environments to act, and again for 20 frames to learn.

    A forward and an inverse model make a bonus. ``step`` feeds the small batch and fetches actions
    (and values, for the rollouts).
    """
    n_act = 6
    step_x = v1.placeholder(tf.uint8, [4, 44, 44, 4])
    train_x = v1.placeholder(tf.uint8, [20, 44, 44, 4])
    step_pi, step_v, _ = _cnn_policy(step_x, n_act, False)
    u = tf.random.uniform(tf.shape(step_pi))
    a0 = tf.argmax(step_pi - tf.math.log(-tf.math.log(u)), axis=-1)
    pi, vf, phi = _cnn_policy(train_x, n_act, True)
    acts, adv, rew, lr = (
        v1.placeholder(d, s)
        for d, s in ((tf.int32, [20]), (tf.float32, [20]), (tf.float32, [20]), (tf.float32, []))
    )
    with v1.variable_scope("icm"):
        onehot = tf.one_hot(acts[:-1], n_act)
        guess = tf.matmul(tf.concat([phi[:-1], phi[1:]], 1), v1.get_variable("inv/w", [64, n_act]))
        inverse = tf.reduce_mean(
            v1.nn.sparse_softmax_cross_entropy_with_logits(labels=acts[:-1], logits=guess)
        )
        ahead = tf.matmul(tf.concat([phi[:-1], onehot], 1), v1.get_variable("fwd/w", [32 + n_act, 32]))
        bonus = 0.5 * tf.reduce_sum(tf.square(ahead - tf.stop_gradient(phi[1:])), 1, name="bonus")
    neglogpac = v1.nn.sparse_softmax_cross_entropy_with_logits(logits=pi, labels=acts)
    p0 = tf.nn.softmax(pi)
    entropy = tf.reduce_mean(-tf.reduce_sum(p0 * tf.math.log(p0 + 1e-9), 1))
    loss = tf.reduce_mean(adv * neglogpac) - entropy * 0.01 + tf.reduce_mean(tf.square(vf - rew)) * 0.5
    loss += 0.8 * inverse + 0.2 * tf.reduce_mean(bonus)
    params = v1.trainable_variables()
    grads, _norm = tf.clip_by_global_norm(tf.gradients(loss, params), 0.5)
    v1.train.RMSPropOptimizer(lr, decay=0.99, epsilon=1e-5).apply_gradients(zip(grads, params, strict=True))
    return [([step_x], [a0]), ([step_x], [a0, step_v])]


@case("agent")
def three_particles_that_share_critics() -> Truth:
    """Multi-agent DDPG: each actor sees its own observation, each critic all of them; all act at once."""
    n, obs_dims, act_dim = 3, (8, 10, 10), 5
    obs_n = [v1.placeholder(tf.float32, [None, d], name=f"observation{i}") for i, d in enumerate(obs_dims)]
    act_ph = [v1.placeholder(tf.float32, [None, act_dim], name=f"action{i}") for i in range(n)]
    samples = []
    for i in range(n):
        with v1.variable_scope(f"agent_{i}"):
            with v1.variable_scope("p_func"):
                p = _mlp(obs_n[i], [16, act_dim])
            noise = tf.random.uniform(tf.shape(p))
            act = tf.nn.softmax(p - tf.math.log(-tf.math.log(noise)), axis=-1)
            samples.append(act)
            given = [*act_ph[:i], act, *act_ph[i + 1 :]]
            with v1.variable_scope("q_func"):
                q = _mlp(tf.concat([*obs_n, *given], 1), [16, 1])[:, 0]
            with v1.variable_scope("q_func", reuse=True):
                q_taken = _mlp(tf.concat([*obs_n, *act_ph], 1), [16, 1])[:, 0]
            with v1.variable_scope("target_p_func"):
                target_p = tf.nn.softmax(_mlp(obs_n[i], [16, act_dim]), name="target_act")
            with v1.variable_scope("target_q_func"):
                _mlp(tf.concat([*obs_n, *act_ph], 1), [16, 1])
            target = v1.placeholder(tf.float32, [None], name="target")
            scope = v1.get_variable_scope().name
            q_vars = v1.get_collection(v1.GraphKeys.TRAINABLE_VARIABLES, f"{scope}/q_func")
            p_vars = v1.get_collection(v1.GraphKeys.TRAINABLE_VARIABLES, f"{scope}/p_func")
            p_loss = -tf.reduce_mean(q) + 1e-3 * tf.reduce_mean(tf.square(p))
            for loss, kept in ((tf.reduce_mean(tf.square(q_taken - target)), q_vars), (p_loss, p_vars)):
                opt = v1.train.AdamOptimizer(1e-2)
                pairs = opt.compute_gradients(loss, kept)
                opt.apply_gradients([(tf.clip_by_norm(g, 0.5), v) for g, v in pairs])
            for new, old in (("p_func", "target_p_func"), ("q_func", "target_q_func")):
                news = v1.get_collection(v1.GraphKeys.GLOBAL_VARIABLES, f"{scope}/{new}/dense")
                olds = v1.get_collection(v1.GraphKeys.GLOBAL_VARIABLES, f"{scope}/{old}/dense")
                tf.group(
                    *[v1.assign(o, 0.99 * o + 0.01 * w) for w, o in zip(news[: len(olds)], olds, strict=True)]
                )
            del target_p
    return obs_n, samples


@case("agent")
def trpo_cartpole_with_fisher_products() -> Truth:
    """Natural gradients: flat parameters, tangents, a line search; the policy is the softmax of the obs."""
    obs = v1.placeholder(tf.float32, shape=[None, 4], name="obs")
    action = v1.placeholder(tf.int64, shape=[None], name="action")
    advant = v1.placeholder(tf.float32, shape=[None], name="advant")
    oldaction_dist = v1.placeholder(tf.float32, shape=[None, 2], name="oldaction_dist")
    h = tf.tanh(
        tf.matmul(obs, tf.Variable(tf.random.normal([4, 32]) * 0.1, name="w0")) + tf.Variable(tf.zeros([32]))
    )
    action_dist = tf.nn.softmax(tf.matmul(h, tf.Variable(tf.random.normal([32, 2]) * 0.1, name="w1")))
    n = tf.shape(obs)[0]
    rows = tf.stack([tf.range(n), tf.cast(action, tf.int32)], 1)
    ratio = tf.gather_nd(action_dist, rows) / tf.gather_nd(oldaction_dist, rows)
    surr = -tf.reduce_mean(ratio * advant)
    total = tf.cast(n, tf.float32)
    kl = tf.reduce_sum(oldaction_dist * tf.math.log((oldaction_dist + 1e-8) / (action_dist + 1e-8))) / total
    entropy = tf.reduce_sum(-action_dist * tf.math.log(action_dist + 1e-8)) / total
    losses = [surr, kl, entropy]
    var_list = v1.trainable_variables()
    sizes = [int(v.shape.num_elements()) for v in var_list]
    tf.concat(
        [tf.reshape(g, [size]) for g, size in zip(tf.gradients(surr, var_list), sizes, strict=True)],
        0,
        name="pg",
    )
    fixed = tf.stop_gradient(action_dist)
    kl_firstfixed = tf.reduce_sum(fixed * tf.math.log((fixed + 1e-8) / (action_dist + 1e-8))) / total
    grads = tf.gradients(kl_firstfixed, var_list)
    flat_tangent = v1.placeholder(tf.float32, shape=[sum(sizes)])
    tangents, start = [], 0
    for v, size in zip(var_list, sizes, strict=True):
        tangents.append(tf.reshape(flat_tangent[start : start + size], v.shape))
        start += size
    gvp = [tf.reduce_sum(g * t) for g, t in zip(grads, tangents, strict=True)]
    tf.concat([tf.reshape(g, [-1]) for g in tf.gradients(gvp, var_list)], 0, name="fvp")
    theta = v1.placeholder(tf.float32, [sum(sizes)], name="theta")
    parts = tf.split(theta, sizes)
    tf.group(*[v1.assign(v, tf.reshape(p, v.shape)) for v, p in zip(var_list, parts, strict=True)])
    with v1.variable_scope("vf"):
        feats = v1.placeholder(tf.float32, [None, 7], name="x")
        y = v1.placeholder(tf.float32, [None], name="y")
        net = tf.reshape(_mlp(feats, [16, 1]), [-1])
        v1.train.AdamOptimizer().minimize(tf.nn.l2_loss(net - y))
    v1.summary.scalar("entropy", losses[2])
    return [obs], [action_dist]
