"""Physics, points in space, adaptation, distillation, memories, clusters, weather and machines."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import tensorflow as tf

from benchmarks.endpoints.cases import Truth, Truths, case, v1

Tensor = Any


class PhysicsInformedNN:
    """Burgers' equation: data points and collocation points through one network."""

    lb = np.array([-1.0, 0.0], np.float32)
    ub = np.array([1.0, 0.99], np.float32)

    def __init__(self, layers: Sequence[int], nu: float) -> None:
        self.nu = nu
        self.weights = [self.xavier_init(a, b) for a, b in pairwise(layers)]
        self.biases = [tf.Variable(tf.zeros([1, b])) for b in layers[1:]]
        self.x_u_tf = v1.placeholder(tf.float32, shape=[None, 1])
        self.t_u_tf = v1.placeholder(tf.float32, shape=[None, 1])
        self.u_tf = v1.placeholder(tf.float32, shape=[None, 1])
        self.x_f_tf = v1.placeholder(tf.float32, shape=[None, 1])
        self.t_f_tf = v1.placeholder(tf.float32, shape=[None, 1])
        self.u_pred = self.net_u(self.x_u_tf, self.t_u_tf)
        self.f_pred = self.net_f(self.x_f_tf, self.t_f_tf)
        self.loss = tf.reduce_mean(tf.square(self.u_tf - self.u_pred)) + tf.reduce_mean(
            tf.square(self.f_pred)
        )
        self.train_op_adam = v1.train.AdamOptimizer().minimize(self.loss)
        self.init = v1.global_variables_initializer()

    def xavier_init(self, rows: int, columns: int) -> Tensor:
        """Scaled normal weights."""
        return tf.Variable(v1.truncated_normal([rows, columns], stddev=math.sqrt(2 / (rows + columns))))

    def net_u(self, x: Tensor, t: Tensor) -> Tensor:
        """The solution."""
        h = 2.0 * (tf.concat([x, t], 1) - self.lb) / (self.ub - self.lb) - 1.0
        for w, b in zip(self.weights[:-1], self.biases[:-1], strict=True):
            h = tf.tanh(tf.add(tf.matmul(h, w), b))
        return tf.add(tf.matmul(h, self.weights[-1]), self.biases[-1])

    def net_f(self, x: Tensor, t: Tensor) -> Tensor:
        """The residual of the equation."""
        u = self.net_u(x, t)
        u_t = v1.gradients(u, t)[0]
        u_x = v1.gradients(u, x)[0]
        return u_t + u * u_x - self.nu * v1.gradients(u_x, x)[0]


@case("science", plain=True)
def burgers_equation_informed_network() -> Truths:
    """predict() feeds the data coordinates and fetches u, or also the residual at collocation points."""
    model = PhysicsInformedNN([2, 16, 16, 16, 1], 0.01 / math.pi)
    at, inside = [model.x_u_tf, model.t_u_tf], [model.x_f_tf, model.t_f_tf]
    return [(at, [model.u_pred]), (at + inside, [model.u_pred, model.f_pred])]


@case("science", frozen=True)
def energies_and_forces_of_molecules() -> Truth:
    """Continuous filters on distances; energy and its negative gradient, frozen for dynamics."""
    atomic_numbers = v1.placeholder(tf.int32, [None, 12], name="atomic_numbers")
    positions = v1.placeholder(tf.float32, [None, 12, 3], name="positions")
    energy_ref = v1.placeholder(tf.float32, [None], name="energy_ref")
    forces_ref = v1.placeholder(tf.float32, [None, 12, 3], name="forces_ref")

    def ssp(x: Tensor) -> Tensor:
        return tf.math.softplus(x) - math.log(2.0)

    def dense(x: Tensor, n_out: int, scope: str) -> Tensor:
        with v1.variable_scope(scope):
            w = v1.get_variable("W", [int(x.shape[-1]), n_out], initializer=v1.glorot_uniform_initializer())
            return tf.tensordot(x, w, 1) + v1.get_variable("b", [n_out], initializer=v1.zeros_initializer())

    real = tf.cast(atomic_numbers > 0, tf.float32)
    pairs = real[:, :, None] * real[:, None, :] * (1.0 - tf.eye(12))
    rij = positions[:, :, None, :] - positions[:, None, :, :]
    dij = tf.sqrt(tf.reduce_sum(tf.square(rij), -1) + 1e-9)
    rbf = tf.exp(-10.0 * tf.square(dij[..., None] - tf.linspace(0.0, 5.0, 16)))
    x = tf.nn.embedding_lookup(v1.get_variable("embedding", [20, 16]), atomic_numbers)
    for block in range(2):
        with v1.variable_scope(f"interaction_{block}"):
            w_filter = ssp(dense(ssp(dense(rbf, 16, "filter1")), 16, "filter2")) * pairs[..., None]
            gathered = tf.reduce_sum(w_filter * dense(x, 16, "in2f")[:, None, :, :], 2)
            x += dense(ssp(dense(gathered, 16, "f2out")), 16, "out")
    e_atom = tf.squeeze(dense(ssp(dense(x, 8, "atomwise1")), 1, "atomwise2"), -1)
    energy = tf.reduce_sum(e_atom * real, 1, name="energy")
    forces = tf.negative(v1.gradients(energy, positions)[0], name="forces")
    loss = 0.01 * tf.nn.l2_loss(energy - energy_ref) + tf.nn.l2_loss(forces - forces_ref)
    step = tf.Variable(0, trainable=False, name="global_step")
    rate = v1.train.exponential_decay(1e-3, step, 100000, 0.96)
    v1.train.AdamOptimizer(rate).minimize(loss, global_step=step)
    return [atomic_numbers, positions], [energy, forces]


@case("science", modern=True)
def controlled_neural_ode() -> Truth:
    """Runge-Kutta steps in a scan: a start, actions and times are fed, the whole trajectory comes out."""
    x0 = v1.placeholder(tf.float32, [None, 4], name="x0")
    u = v1.placeholder(tf.float32, [None, None, 1], name="controls")
    t = v1.placeholder(tf.float32, [None], name="t")
    observed = v1.placeholder(tf.float32, [None, None, 4], name="observed")
    with v1.variable_scope("odefunc"):
        w_1 = v1.get_variable("w_1", [5, 24])
        b_1 = v1.get_variable("b_1", [24], initializer=v1.zeros_initializer())
        w_2 = v1.get_variable("w_2", [24, 4])

    def func(state: Tensor, control: Tensor) -> Tensor:
        return tf.matmul(tf.tanh(tf.matmul(tf.concat([state, control], 1), w_1) + b_1), w_2)

    def rk4(state: Tensor, step: tuple[Tensor, Tensor]) -> Tensor:
        control, dt = step
        k1 = func(state, control)
        k2 = func(state + dt * k1 / 2, control)
        k3 = func(state + dt * k2 / 2, control)
        k4 = func(state + dt * k3, control)
        return state + dt * (k1 + 2 * k2 + 2 * k3 + k4) / 6

    steps = (tf.transpose(u, [1, 0, 2]), t[1:] - t[:-1])
    later = tf.scan(rk4, steps, initializer=x0)
    trajectory = tf.transpose(tf.concat([x0[None], later], 0), [1, 0, 2], name="trajectory")
    loss = tf.reduce_mean(tf.abs(trajectory - observed))
    optimizer = v1.train.RMSPropOptimizer(1e-3)
    grads, variables = zip(*optimizer.compute_gradients(loss), strict=True)
    clipped, norm = tf.clip_by_global_norm(grads, 1.0)
    optimizer.apply_gradients(zip(clipped, variables, strict=True))
    v1.summary.scalar("grad_norm", norm)
    return [x0, u, t], [trajectory]


def bn_template(inputs: Tensor, is_training: Tensor, scope: str, axes: list[int], decay: Tensor) -> Tensor:
    """Batch norm whose averages come from an ExponentialMovingAverage."""
    with v1.variable_scope(scope):
        depth = int(inputs.shape[-1])
        beta = v1.Variable(tf.constant(0.0, shape=[depth]), name="beta", trainable=True)
        gamma = v1.Variable(tf.constant(1.0, shape=[depth]), name="gamma", trainable=True)
        batch_mean, batch_var = tf.nn.moments(inputs, axes, name="moments")
        ema = v1.train.ExponentialMovingAverage(decay=decay)
        ema_apply_op = v1.cond(is_training, lambda: ema.apply([batch_mean, batch_var]), lambda: tf.no_op())

        def mean_var_with_update() -> tuple[Tensor, Tensor]:
            with tf.control_dependencies([ema_apply_op]):
                return tf.identity(batch_mean), tf.identity(batch_var)

        averages = ema.average(batch_mean), ema.average(batch_var)
        mean, var = v1.cond(is_training, mean_var_with_update, lambda: averages)
        return tf.nn.batch_normalization(inputs, mean, var, beta, gamma, 1e-3)


@case("segmentation")
def parts_of_point_clouds() -> Truth:
    """PointNet for parts: points and the one-hot category are fed, scores for each part come out."""
    batch, num_point, parts = 8, 128, 10
    pointclouds_ph = v1.placeholder(tf.float32, shape=(batch, num_point, 3))
    labels_ph = v1.placeholder(tf.float32, shape=(batch, 4))
    seg_ph = v1.placeholder(tf.int32, shape=(batch, num_point))
    is_training_ph = v1.placeholder(tf.bool, shape=())
    step = tf.Variable(0, trainable=False)
    bn_decay = tf.minimum(0.99, 1 - v1.train.exponential_decay(0.5, step * batch, 1000, 0.5, staircase=True))

    def shared(net: Tensor, width: int, scope: str, bn: bool = True) -> Tensor:
        with v1.variable_scope(scope):
            kernel = v1.get_variable("weights", [1, int(net.shape[2]), int(net.shape[3]), width])
            v1.add_to_collection("losses", tf.nn.l2_loss(kernel) * 1e-4)
            net = tf.nn.bias_add(tf.nn.conv2d(net, kernel, 1, "VALID"), v1.get_variable("biases", [width]))
            return tf.nn.relu(bn_template(net, is_training_ph, "bn", [0, 1, 2], bn_decay)) if bn else net

    image = tf.expand_dims(pointclouds_ph, -1)
    with v1.variable_scope("transform_net1"):
        net = shared(shared(image, 16, "tconv1"), 32, "tconv2")
        net = tf.reshape(v1.nn.max_pool(net, [1, num_point, 1, 1], [1, 1, 1, 1], "VALID"), [batch, -1])
        w = v1.get_variable("weights", [32, 9], initializer=v1.zeros_initializer())
        b = tf.Variable(np.eye(3).flatten(), dtype=tf.float32)
        transform = tf.reshape(tf.nn.bias_add(tf.matmul(net, w), b), [batch, 3, 3])
    turned = tf.expand_dims(tf.matmul(pointclouds_ph, transform), 2)
    out1 = shared(turned, 16, "conv1")
    out2 = shared(out1, 24, "conv2")
    out3 = shared(out2, 32, "conv3")
    out_max = v1.nn.max_pool(out3, [1, num_point, 1, 1], [1, 1, 1, 1], "VALID")
    one_hot = tf.reshape(labels_ph, [batch, 1, 1, 4])
    expand = tf.tile(tf.concat([out_max, one_hot], 3), [1, num_point, 1, 1])
    net = shared(tf.concat([expand, out1, out2, out3], 3), 24, "seg/conv1")
    net = v1.cond(is_training_ph, lambda: tf.nn.dropout(net, 0.2), lambda: net)
    seg_pred = tf.reshape(shared(net, parts, "seg/conv2", bn=False), [batch, num_point, parts])
    per_point = v1.nn.sparse_softmax_cross_entropy_with_logits(logits=seg_pred, labels=seg_ph)
    off = tf.matmul(transform, tf.transpose(transform, perm=[0, 2, 1])) - tf.eye(3)
    loss = tf.reduce_mean(per_point) + 1e-3 * tf.nn.l2_loss(off) + tf.add_n(v1.get_collection("losses"))
    right = tf.equal(tf.argmax(seg_pred, 2, output_type=tf.int32), seg_ph)
    v1.summary.scalar("accuracy", tf.reduce_mean(tf.cast(right, tf.float32)))
    v1.train.AdamOptimizer(1e-3).minimize(loss, global_step=step)
    return [pointclouds_ph, labels_ph], [seg_pred]


@tf.custom_gradient  # type: ignore[untyped-decorator, unused-ignore]
def flip_gradient(x: Tensor, scale: Tensor) -> Any:
    """Identity forwards, minus the scale backwards."""
    return tf.identity(x), lambda dy: (-dy * scale, None)


class DigitsAcrossDomains:
    """Half of each training batch is source, half target; only the source has labels."""

    def __init__(self) -> None:
        self.X = v1.placeholder(tf.uint8, [None, 28, 28, 3])
        self.y = v1.placeholder(tf.float32, [None, 10])
        self.domain = v1.placeholder(tf.float32, [None, 2])
        self.lam = v1.placeholder(tf.float32, [])
        self.train = v1.placeholder(tf.bool, [])
        mean = np.array([0.2, 0.25, 0.3], np.float32)
        x_input = (tf.cast(self.X, tf.float32) - mean) / 255.0
        with v1.variable_scope("feature_extractor"):
            h = x_input
            for i, width in enumerate((8, 12)):
                w = tf.Variable(v1.truncated_normal([5, 5, int(h.shape[-1]), width], stddev=0.1))
                h = tf.nn.relu(tf.nn.conv2d(h, w, 1, "SAME") + tf.Variable(tf.constant(0.1, shape=[width])))
                h = tf.nn.max_pool2d(h, 2 + i, 2, "SAME")
            self.feature = tf.reshape(h, [-1, 7 * 7 * 12])
        with v1.variable_scope("label_predictor"):
            half = tf.shape(self.X)[0] // 2
            features = v1.cond(
                self.train, lambda: tf.slice(self.feature, [0, 0], [half, -1]), lambda: self.feature
            )
            labels = v1.cond(self.train, lambda: tf.slice(self.y, [0, 0], [half, -1]), lambda: self.y)
            logits = self.layers(tf.ensure_shape(features, [None, 7 * 7 * 12]), 10)
            self.pred = tf.nn.softmax(logits)
            self.pred_loss = v1.nn.softmax_cross_entropy_with_logits(logits=logits, labels=labels)
        with v1.variable_scope("domain_predictor"):
            d_logits = self.layers(flip_gradient(self.feature, self.lam), 2)
            self.domain_pred = tf.nn.softmax(d_logits)
            self.domain_loss = v1.nn.softmax_cross_entropy_with_logits(logits=d_logits, labels=self.domain)
        right = tf.equal(tf.argmax(labels, 1), tf.argmax(self.pred, 1))
        self.label_acc = tf.reduce_mean(tf.cast(right, tf.float32))

    def layers(self, h: Tensor, out: int) -> Tensor:
        """One hidden layer and scores."""
        w0 = tf.Variable(v1.truncated_normal([int(h.shape[1]), 20], stddev=0.1))
        w1 = tf.Variable(v1.truncated_normal([20, out], stddev=0.1))
        h = tf.nn.relu(tf.matmul(h, w0) + tf.Variable(tf.constant(0.1, shape=[20])))
        return tf.matmul(h, w1) + tf.Variable(tf.constant(0.1, shape=[out]))


@case("classifier")
def digits_adapted_by_gradient_reversal() -> Truth:
    """Raw bytes are fed; the label predictor's softmax answers, the domain head exists only for training."""
    model = DigitsAcrossDomains()
    learning_rate = v1.placeholder(tf.float32, [])
    pred_loss, domain_loss = tf.reduce_mean(model.pred_loss), tf.reduce_mean(model.domain_loss)
    v1.train.MomentumOptimizer(learning_rate, 0.9).minimize(pred_loss)
    v1.train.MomentumOptimizer(learning_rate, 0.9).minimize(pred_loss + domain_loss)
    same = tf.equal(tf.argmax(model.domain, 1), tf.argmax(model.domain_pred, 1))
    tf.reduce_mean(tf.cast(same, tf.float32))
    return [model.X], [model.pred]


@case("science")
def mean_teacher_on_dna_motifs() -> Truth:
    """Unlabelled sequences teach by consistency; the averaged teacher, without dropout, is kept."""
    sequences = v1.placeholder(tf.float32, [None, 120, 4], name="one_hot_dna")
    labels = v1.placeholder(tf.float32, [None, 3], name="binding")
    labelled = v1.placeholder(tf.float32, [None], name="is_labelled")

    def motif_cnn(x: Tensor, drop: float, getter: Any = None) -> Tensor:
        with v1.variable_scope("cnn", reuse=v1.AUTO_REUSE, custom_getter=getter):
            motif = v1.get_variable("motifs", [15, 4, 16])
            w = v1.get_variable("w", [32, 3])
            b = v1.get_variable("b", [3], initializer=v1.zeros_initializer())
            strands = []
            for strand in (x, tf.reverse(x, [1, 2])):
                scan = tf.nn.relu(tf.nn.conv1d(strand, motif, 1, "SAME"))
                strands.append(tf.concat([tf.reduce_max(scan, 1), tf.reduce_mean(scan, 1)], 1))
            pooled = tf.maximum(strands[0], strands[1])
            pooled = tf.nn.dropout(pooled, drop) if drop else pooled
            return tf.matmul(pooled, w) + b

    step = v1.train.get_or_create_global_step()
    student_logits = motif_cnn(sequences, 0.5)
    ema = v1.train.ExponentialMovingAverage(0.99, num_updates=step)
    update = ema.apply(v1.trainable_variables("cnn"))

    def averaged(getter: Any, name: str, *args: Any, **kwargs: Any) -> Tensor:
        return ema.average(getter(name, *args, **kwargs))

    with v1.name_scope("teacher"):
        noisy = motif_cnn(sequences, 0.5, averaged)
        teacher_prob = tf.sigmoid(motif_cnn(sequences, 0.0, averaged), name="prob")
    xent = tf.nn.sigmoid_cross_entropy_with_logits(labels=labels, logits=student_logits)
    class_cost = tf.reduce_sum(tf.reduce_mean(xent, 1) * labelled) / (tf.reduce_sum(labelled) + 1e-8)
    consistency = tf.reduce_mean(tf.square(tf.sigmoid(student_logits) - tf.stop_gradient(tf.sigmoid(noisy))))
    ramp = tf.exp(-5.0 * tf.square(1.0 - tf.minimum(tf.cast(step, tf.float32) / 4000.0, 1.0)))
    train = v1.train.AdamOptimizer(3e-3).minimize(class_cost + 10.0 * ramp * consistency, global_step=step)
    with tf.control_dependencies([train]):
        tf.group(update, name="train_and_average")
    _, auc_update = v1.metrics.auc(labels, teacher_prob)
    v1.summary.scalar("teacher_auc", auc_update)
    return [sequences], [teacher_prob]


@case("classifier")
def rhythm_student_of_a_keras_teacher() -> Truth:
    """Teacher and small student of Keras layers on ECG leads; the student without dropout is deployed."""
    ecg = v1.placeholder(tf.float32, [None, 500, 2], name="ecg")
    rhythm = v1.placeholder(tf.int64, [None], name="rhythm")
    temperature = v1.placeholder_with_default(4.0, [], name="temperature")
    keras = tf.keras
    glorot = keras.initializers.GlorotUniform(seed=3)

    def layers(prefix: str, widths: tuple[int, ...]) -> list[Any]:
        stack: list[Any] = []
        for i, width in enumerate(widths):
            name = f"{prefix}_conv{i}"
            stack.append(
                keras.layers.Conv1D(width, 7, 2, activation="relu", kernel_initializer=glorot, name=name)
            )
        stack.append(keras.layers.GlobalAveragePooling1D(name=f"{prefix}_pool"))
        stack.append(keras.layers.Dense(4, kernel_initializer=glorot, name=f"{prefix}_out"))
        return stack

    def run(stack: list[Any], x: Tensor, drop: float) -> Tensor:
        for layer in stack[:-1]:
            x = layer(x)
        return stack[-1](tf.nn.dropout(x, drop) if drop else x)

    teacher, student = layers("teacher", (16, 24, 32)), layers("student", (8, 8))
    teacher_logits = tf.stop_gradient(run(teacher, ecg, 0.0))
    student_logits = run(student, ecg, 0.3)
    eval_logits = run(student, ecg, 0.0)
    answer = tf.nn.softmax(eval_logits)
    soft = v1.nn.softmax_cross_entropy_with_logits_v2(
        labels=tf.nn.softmax(teacher_logits / temperature), logits=student_logits / temperature
    )
    hard = v1.nn.sparse_softmax_cross_entropy_with_logits(labels=rhythm, logits=student_logits)
    loss = tf.reduce_mean(0.9 * soft * temperature**2 + 0.1 * hard)
    accuracy = tf.reduce_mean(tf.cast(tf.equal(tf.argmax(answer, 1), rhythm), tf.float32))
    v1.summary.scalar("student_accuracy", accuracy)
    taught = [v for v in v1.trainable_variables() if v.name.startswith("student")]
    v1.train.AdamOptimizer(1e-3).minimize(loss, var_list=taught)
    return [ecg], [answer]


class MemN2N:
    """End-to-end memory network with position encoding and adjacent hops."""

    def __init__(self, vocab: int = 60, sentence: int = 7, memory: int = 10, size: int = 16, hops: int = 3):
        self._stories = v1.placeholder(tf.int32, [None, memory, sentence], name="stories")
        self._queries = v1.placeholder(tf.int32, [None, sentence], name="queries")
        self._answers = v1.placeholder(tf.int32, [None, vocab], name="answers")
        self._lr = v1.placeholder(tf.float32, [], name="learning_rate")
        start = v1.random_normal_initializer(stddev=0.1)
        with v1.variable_scope("MemN2N"):
            nil = tf.zeros([1, size])
            tables = []
            for hop in range(hops + 1):
                rest = v1.get_variable(f"C_{hop}", [vocab - 1, size], initializer=start)
                tables.append(tf.concat([nil, rest], 0))
            self.times = [
                v1.get_variable(f"T_{hop}", [memory, size], initializer=start) for hop in range(hops)
            ]
        j, d = np.mgrid[1 : sentence + 1, 1 : size + 1]
        self._encoding = tf.constant((1 + 4.0 * (j - 4) * (d - 8) / (sentence * size)).astype(np.float32))
        u = tf.reduce_sum(tf.nn.embedding_lookup(tables[0], self._queries) * self._encoding, 1)
        for hop in range(hops):
            m = tf.reduce_sum(tf.nn.embedding_lookup(tables[hop], self._stories) * self._encoding, 2)
            c = tf.reduce_sum(tf.nn.embedding_lookup(tables[hop + 1], self._stories) * self._encoding, 2)
            probs = tf.nn.softmax(tf.reduce_sum((m + self.times[hop]) * tf.expand_dims(u, 1), 2))
            u = u + tf.reduce_sum(c * tf.expand_dims(probs, -1), 1)
        logits = tf.matmul(u, tables[-1], transpose_b=True)
        labels = tf.cast(self._answers, tf.float32)
        cross_entropy = v1.nn.softmax_cross_entropy_with_logits(logits=logits, labels=labels)
        self.loss_op = tf.reduce_sum(cross_entropy, name="cross_entropy_sum")
        self._opt = v1.train.GradientDescentOptimizer(self._lr)
        grads = [(tf.clip_by_norm(g, 40.0), v) for g, v in self._opt.compute_gradients(self.loss_op)]
        noisy = [(g + v1.random_normal(tf.shape(g), stddev=1e-3), v) for g, v in grads]
        self.train_op = self._opt.apply_gradients(noisy, name="train_op")
        self.predict_op = tf.argmax(logits, 1, name="predict_op")
        self.predict_proba_op = tf.nn.softmax(logits, name="predict_proba_op")


@case("language")
def babi_answers_from_memories() -> Truths:
    """Stories and queries are fed; predict() fetches the word, predict_proba() the distribution."""
    model = MemN2N()
    fed = [model._stories, model._queries]
    return [(fed, [model.predict_op]), (fed, [model.predict_proba_op])]


@case("multi task")
def gated_experts_for_clicks_on_titles() -> Truth:
    """Experts with a gate for each task on ids, title, thumbnail and numbers; two rates are served."""
    inputs = {
        "user_id": v1.placeholder(tf.int64, [None], name="user_id"),
        "item_id": v1.placeholder(tf.int64, [None], name="item_id"),
        "title_tokens": v1.placeholder(tf.int64, [None, None], name="title_tokens"),
        "title_len": v1.placeholder(tf.int32, [None], name="title_len"),
        "thumbnail": v1.placeholder(tf.float32, [None, 24, 24, 3], name="thumbnail"),
        "numeric": v1.placeholder(tf.float32, [None, 6], name="numeric"),
    }
    click = v1.placeholder(tf.float32, [None], name="click")
    buy = v1.placeholder(tf.float32, [None], name="conversion")
    weight = v1.placeholder_with_default(tf.ones_like(click), [None], name="sample_weight")
    is_train = v1.placeholder_with_default(False, [], name="is_train")

    def fc(x: Tensor, units: int, name: str, act: Any = tf.nn.relu) -> Tensor:
        w = v1.get_variable(f"{name}_w", [int(x.shape[-1]), units])
        y = v1.nn.xw_plus_b(x, w, v1.get_variable(f"{name}_b", [units]))
        return act(y) if act else y

    with v1.variable_scope("input_layer"):
        user = tf.nn.embedding_lookup(v1.get_variable("user_emb", [200, 8]), inputs["user_id"] % 200)
        item = tf.nn.embedding_lookup(v1.get_variable("item_emb", [100, 8]), inputs["item_id"] % 100)
        words = tf.nn.embedding_lookup(v1.get_variable("word_emb", [80, 8]), inputs["title_tokens"])
        there = tf.sequence_mask(inputs["title_len"], tf.shape(words)[1], tf.float32)[..., None]
        title = tf.reduce_sum(words * there, 1) / tf.maximum(tf.reduce_sum(there, 1), 1.0)
        patches = tf.nn.conv2d(inputs["thumbnail"], v1.get_variable("conv", [4, 4, 3, 8]), 4, "VALID")
        look = tf.reduce_max(tf.nn.relu(patches), [1, 2])
        deep = tf.concat([user, item, title, look, tf.math.log1p(tf.nn.relu(inputs["numeric"]))], 1)
    deep = v1.cond(is_train, lambda: tf.nn.dropout(deep, 0.1), lambda: deep)
    experts = tf.stack([fc(deep, 16, f"expert{i}") for i in range(4)], axis=1)
    outputs, losses = {}, []
    for task, label, chosen in (("ctr", click, weight), ("cvr", buy, weight * click)):
        with v1.variable_scope(task):
            gate = fc(deep, 4, "gate", tf.nn.softmax)
            mixed = tf.reduce_sum(experts * gate[:, :, None], 1)
            logit = tf.squeeze(fc(fc(mixed, 8, "tower"), 1, "logit", None), 1)
            outputs[task] = tf.sigmoid(logit, name=f"p{task}")
            losses.append(v1.losses.sigmoid_cross_entropy(label, logit, weights=chosen))
            v1.summary.scalar("auc", v1.metrics.auc(label, outputs[task], weights=chosen)[1])
    v1.train.FtrlOptimizer(0.05, l1_regularization_strength=1e-3).minimize(losses[0] + 0.5 * losses[1])
    return list(inputs.values()), [outputs["ctr"], outputs["cvr"]]


@case("autoencoder")
def deep_embedded_clusters_of_cells() -> Truths:
    """An autoencoder first, then soft assignments to centroids sharpened by a fed target; q is the answer."""
    x = v1.placeholder(tf.float32, [None, 50])
    p = v1.placeholder(tf.float32, [None, 6])
    kmeans_centers = v1.placeholder(tf.float32, [6, 5])
    sizes = [50, 24, 12, 5]
    layers = []
    h = x
    corrupted = tf.nn.dropout(x, 0.2)
    for n_in, n_out in pairwise(sizes):
        w = tf.Variable(v1.random_normal([n_in, n_out], stddev=0.01))
        b = tf.Variable(tf.zeros([n_out]))
        layers.append((w, b))
        act = tf.nn.relu if n_out != 5 else tf.identity
        h, corrupted = act(tf.matmul(h, w) + b), act(tf.matmul(corrupted, w) + b)
    z = h
    r = corrupted
    for w, _ in reversed(layers):
        r = tf.matmul(r, w, transpose_b=True) + tf.Variable(tf.zeros([int(w.shape[0])]))
        r = tf.nn.relu(r) if int(w.shape[0]) != 50 else r
    mse = tf.reduce_mean(tf.square(r - x))
    pretrain_op = v1.train.MomentumOptimizer(0.1, 0.9).minimize(mse)

    mu = tf.Variable(tf.zeros([6, 5]), name="mu")
    v1.assign(mu, kmeans_centers, name="set_centers")
    dist = tf.reduce_sum(tf.square(tf.expand_dims(z, 1) - mu), 2)
    q = 1.0 / (1.0 + dist)
    q = q / tf.reduce_sum(q, axis=1, keepdims=True)
    weighted = tf.square(q) / tf.reduce_sum(q, axis=0)
    tf.divide(weighted, tf.reduce_sum(weighted, 1, keepdims=True), name="target_distribution")
    pred = tf.argmax(q, 1)
    kl = tf.reduce_mean(tf.reduce_sum(p * tf.math.log((p + 1e-9) / (q + 1e-9)), axis=1))
    trainer = v1.train.AdamOptimizer(0.001)
    trainer.minimize(kl, var_list=[mu, *[v for pair in layers for v in pair]])
    tf.group(pretrain_op, name="pretrain")
    return [([x], [q]), ([x], [pred])]


@case("science")
def deep_kernel_gaussian_process() -> Truth:
    """Exact regression in a learned space: training pairs are part of the question; mean and variance."""
    xs = v1.placeholder(tf.float32, [None, 5], name="X")
    ys = v1.placeholder(tf.float32, [None, 1], name="Y")
    new = v1.placeholder(tf.float32, [None, 5], name="Xnew")
    log_noise = v1.get_variable("log_noise", [], initializer=v1.constant_initializer(-2.0))
    log_scale = v1.get_variable("log_scale", [2], initializer=v1.zeros_initializer())
    log_var = v1.get_variable("log_variance", [], initializer=v1.zeros_initializer())

    def warp(points: Tensor) -> Tensor:
        with v1.variable_scope("warp", reuse=v1.AUTO_REUSE):
            hidden = tf.tanh(tf.matmul(points, v1.get_variable("w1", [5, 16])))
            return tf.matmul(hidden, v1.get_variable("w2", [16, 2]))

    def kernel(a: Tensor, b: Tensor) -> Tensor:
        a, b = warp(a) * tf.exp(-log_scale), warp(b) * tf.exp(-log_scale)
        square = tf.reduce_sum(a**2, 1)[:, None] + tf.reduce_sum(b**2, 1)[None, :]
        return tf.exp(log_var - 0.5 * (square - 2 * tf.matmul(a, b, transpose_b=True)))

    n = tf.shape(xs)[0]
    chol = tf.linalg.cholesky(kernel(xs, xs) + (tf.exp(log_noise) + 1e-5) * tf.eye(n))
    alpha = tf.linalg.cholesky_solve(chol, ys)
    fit = 0.5 * tf.reduce_sum(ys * alpha)
    volume = tf.reduce_sum(tf.math.log(tf.linalg.diag_part(chol)))
    nll = fit + volume + 0.5 * tf.cast(n, tf.float32) * math.log(2 * math.pi)
    v1.train.AdamOptimizer(0.01).minimize(nll)
    v1.summary.scalar("marginal_likelihood", -nll)
    cross = kernel(xs, new)
    v = tf.linalg.triangular_solve(chol, cross)
    mean = tf.matmul(cross, alpha, transpose_a=True, name="mean")
    var = tf.subtract(tf.exp(log_var), tf.reduce_sum(v**2, 0), name="var")
    return [xs, ys, new], [mean, var]


def nowcast_model_fn(features: Tensor, labels: Tensor, params: dict[str, Any]) -> dict[str, Tensor]:
    """Encoder and forecaster of convolutional cells, as an Estimator would want it."""
    hidden = params["hidden"]

    def cell(x: Tensor, state: tuple[Tensor, Tensor], name: str) -> tuple[Tensor, Tensor]:
        with v1.variable_scope(name, reuse=v1.AUTO_REUSE):
            c, h = state
            kernel = v1.get_variable("kernel", [3, 3, int(x.shape[-1]) + hidden, 4 * hidden])
            bias = v1.get_variable("biases", [4 * hidden], initializer=v1.zeros_initializer())
            gates = tf.nn.conv2d(tf.concat([x, h], -1), kernel, 1, "SAME") + bias
            i, j, f, o = tf.split(gates, 4, -1)
            c = tf.sigmoid(f + 1.0) * c + tf.sigmoid(i) * tf.tanh(j)
            return c, tf.sigmoid(o) * tf.tanh(c)

    frames = tf.cast(features, tf.float32) / 255.0
    zero = tf.zeros_like(frames[:, 0, :, :, :1]) * tf.ones([hidden])
    states = [(zero, zero), (zero, zero)]
    for t in range(params["past"]):
        states[0] = cell(frames[:, t], states[0], "encoder/cell_0")
        states[1] = cell(states[0][1], states[1], "encoder/cell_1")
    future, x = [], zero
    for _ in range(params["ahead"]):
        states[1] = cell(x, states[1], "forecaster/cell_1")
        states[0] = cell(states[1][1], states[0], "forecaster/cell_0")
        with v1.variable_scope("forecaster/out", reuse=v1.AUTO_REUSE):
            frame = tf.nn.conv2d(states[0][1], v1.get_variable("kernel", [1, 1, hidden, 1]), 1, "SAME")
        future.append(tf.sigmoid(frame))
    predictions = {"forecast": tf.stack(future, axis=1)}
    target = tf.cast(labels, tf.float32) / 255.0
    balance = 1.0 + 4.0 * tf.cast(target > 0.3, tf.float32)
    error = predictions["forecast"] - target
    loss = tf.reduce_mean(balance * tf.square(error)) + tf.reduce_mean(balance * tf.abs(error))
    v1.losses.add_loss(loss)
    hits = tf.logical_and(predictions["forecast"] > 0.3, target > 0.3)
    either = tf.logical_or(predictions["forecast"] > 0.3, target > 0.3)
    csi = tf.math.count_nonzero(hits) / tf.maximum(tf.math.count_nonzero(either), 1)
    v1.summary.scalar("csi", csi)
    rate = v1.train.polynomial_decay(1e-3, v1.train.get_or_create_global_step(), 10000, 1e-5)
    v1.train.AdamOptimizer(rate).minimize(v1.losses.get_total_loss(), v1.train.get_global_step())
    return predictions


@case("forecast")
def radar_nowcast_from_an_iterator() -> Truth:
    """Arrays are placeholders of a dataset; a deployer feeds the past frames that its iterator yields."""
    past_ph = v1.placeholder(tf.uint8, [None, 4, 32, 32, 1], name="past_array")
    future_ph = v1.placeholder(tf.uint8, [None, 3, 32, 32, 1], name="future_array")
    dataset = v1.data.Dataset.from_tensor_slices((past_ph, future_ph)).shuffle(50).repeat().batch(4)
    iterator = v1.data.make_initializable_iterator(dataset)
    past, future = iterator.get_next()
    predictions = nowcast_model_fn(past, future, {"hidden": 8, "past": 4, "ahead": 3})
    return [past], [predictions["forecast"]]


@case("forecast", modern=True)
def remaining_life_of_engines_with_uncertainty() -> Truth:
    """A loop over sensor cycles of different lengths; the head gives the remaining life and its deviation."""
    sensors = v1.placeholder(tf.float32, [None, None, 14], "sensors")
    cycles = v1.placeholder(tf.int32, [None], "cycles")
    rul_true = v1.placeholder(tf.float32, [None], "rul_true")
    keep_prob = v1.placeholder(tf.float32, name="keep_prob")
    shift = v1.get_variable("scaler/mean", [14], initializer=v1.zeros_initializer(), trainable=False)
    width = v1.get_variable("scaler/std", [14], initializer=v1.ones_initializer(), trainable=False)
    units = 16
    w = v1.get_variable("rnn/basic_lstm_cell/kernel", [14 + units, 4 * units])
    b = v1.get_variable("rnn/basic_lstm_cell/bias", [4 * units], initializer=v1.zeros_initializer())
    series = tf.transpose((sensors - shift) / width, [1, 0, 2])
    zero = tf.zeros([tf.shape(sensors)[0], units])

    def step(t: Tensor, c: Tensor, h: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        i, j, f, o = tf.split(tf.matmul(tf.concat([series[t], h], 1), w) + b, 4, 1)
        new_c = c * tf.sigmoid(f + 1.0) + tf.sigmoid(i) * tf.tanh(j)
        new_h = tf.sigmoid(o) * tf.tanh(new_c)
        alive = (t < cycles)[:, None]
        return t + 1, tf.where(alive, new_c, c), tf.where(alive, new_h, h)

    t_max = tf.shape(series)[0]
    _, _, last = v1.while_loop(lambda t, c, h: t < t_max, step, (tf.constant(0), zero, zero))
    last = v1.nn.dropout(tf.ensure_shape(last, [None, units]), rate=1.0 - keep_prob)
    out = tf.matmul(last, v1.get_variable("head/kernel", [units, 2])) + v1.get_variable("head/bias", [2])
    mu, raw = tf.unstack(out, 2, axis=1)
    rul = tf.multiply(tf.nn.relu(mu), 125.0, name="rul")
    sigma = tf.add(125.0 * tf.nn.softplus(raw), 1e-3, name="sigma")
    nll = tf.reduce_mean(tf.math.log(sigma) + 0.5 * tf.square((rul_true - rul) / sigma))
    gap = rul - rul_true
    score = tf.reduce_sum(tf.where(gap < 0, tf.exp(-gap / 13.0), tf.exp(gap / 10.0)) - 1.0)
    v1.summary.scalar("nasa_score", score)
    v1.summary.scalar("rmse", tf.sqrt(tf.reduce_mean(tf.square(gap))))
    opt = v1.train.AdamOptimizer(v1.placeholder_with_default(1e-3, [], "lr"))
    opt.minimize(nll, global_step=v1.train.get_or_create_global_step())
    v1.summary.merge_all()
    return [sensors, cycles], [rul, sigma]


@case("agent", frozen=True)
def driving_cloned_by_command() -> Truth:
    """Conditional imitation: camera, speed and the navigator's command are fed; steering and pedals out."""
    x = v1.placeholder(tf.float32, [None, 66, 100, 3], name="input_image")
    speed = v1.placeholder(tf.float32, [None, 1], name="input_speed")
    command = v1.placeholder(tf.float32, [None, 4], name="input_control")
    y_ = v1.placeholder(tf.float32, [None, 3])
    speed_ = v1.placeholder(tf.float32, [None, 1])
    dropout_vec = v1.placeholder(tf.float32, [2])

    def weight_variable(shape: list[int]) -> Tensor:
        return tf.Variable(v1.truncated_normal(shape, stddev=0.1))

    def fc_block(h: Tensor, n: int, keep: Tensor | None = None) -> Tensor:
        h = tf.nn.relu(tf.matmul(h, weight_variable([int(h.shape[1]), n])) + tf.Variable(tf.zeros([n])))
        return h if keep is None else v1.nn.dropout(h, keep_prob=keep)

    h = x / 127.5 - 1.0
    for width, size in ((8, 5), (12, 5), (16, 3)):
        h = tf.nn.relu(tf.nn.conv2d(h, weight_variable([size, size, int(h.shape[3]), width]), 2, "VALID"))
    flat = fc_block(tf.reshape(h, [-1, int(np.prod(h.shape[1:]))]), 24, dropout_vec[0])
    joined = fc_block(tf.concat([flat, fc_block(speed, 8)], 1), 24, dropout_vec[1])
    branches = []
    for i in range(4):
        with v1.name_scope(f"Branch_{i}"):
            out = tf.matmul(fc_block(joined, 12), weight_variable([12, 3])) + tf.Variable(tf.zeros([3]))
            steer = 2.0 * tf.atan(out[:, :1])
            branches.append(tf.concat([steer, tf.sigmoid(out[:, 1:])], 1))
    with v1.name_scope("Branch_speed"):
        guess = tf.matmul(fc_block(flat, 8), weight_variable([8, 1]))
    controls = tf.reduce_sum(tf.stack(branches, 1) * command[:, :, None], 1, name="controls")
    loss = tf.reduce_mean(tf.square(controls - y_)) + 0.05 * tf.reduce_mean(tf.square(guess - speed_))
    loss += 1e-3 * tf.add_n([tf.nn.l2_loss(v) for v in v1.trainable_variables()])
    v1.train.AdamOptimizer(2e-4).minimize(loss)
    return [x, speed, command], [controls]
