"""What courses teach and students hand in: the tutorials of 2016 to 2019, written again and grown a bit."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from benchmarks.endpoints.cases import Truth, Truths, case, v1

Tensor = Any
Act = Callable[..., Any] | None


def _dense(x: Tensor, units: int, act: Act = None, name: str | None = None, bias: bool = True) -> Tensor:
    """A dense layer under the default names of the layers module."""
    with v1.variable_scope(name, default_name="dense"):
        kernel = v1.get_variable("kernel", [x.shape[-1], units], initializer=v1.glorot_uniform_initializer())
        y = tf.matmul(x, kernel, name="MatMul") if x.shape.rank == 2 else tf.tensordot(x, kernel, 1)
        if bias:
            added = v1.get_variable("bias", [units], initializer=v1.zeros_initializer())
            y = tf.nn.bias_add(y, added, name="BiasAdd")
        return act(y) if act else y


def _conv(
    x: Tensor,
    filters: int,
    size: int,
    stride: int = 1,
    act: Act = None,
    padding: str = "SAME",
    name: str | None = None,
    bias: bool = True,
    rate: int = 1,
) -> Tensor:
    """A convolution under the default names of the layers module."""
    with v1.variable_scope(name, default_name="conv2d"):
        kernel = v1.get_variable("kernel", [size, size, x.shape[-1], filters])
        y = tf.nn.conv2d(x, kernel, stride, padding.upper(), dilations=rate, name="Conv2D")
        if bias:
            added = v1.get_variable("bias", [filters], initializer=v1.zeros_initializer())
            y = tf.nn.bias_add(y, added, name="BiasAdd")
        return act(y) if act else y


def _up(
    x: Tensor, filters: int, size: int, stride: int = 2, act: Act = None, name: str | None = None
) -> Tensor:
    """A transposed convolution that asks its input for the batch, as the layers module did."""
    with v1.variable_scope(name, default_name="conv2d_transpose"):
        kernel = v1.get_variable("kernel", [size, size, filters, x.shape[-1]])
        bias = v1.get_variable("bias", [filters], initializer=v1.zeros_initializer())
        shape = tf.shape(x)
        height, width = shape[1] * stride, shape[2] * stride
        y = tf.nn.conv2d_transpose(x, kernel, tf.stack([shape[0], height, width, filters]), stride, "SAME")
        sides = [None if side is None else int(side) * stride for side in x.shape[1:3].as_list()]
        y.set_shape([x.shape[0], *sides, filters])
        y = tf.nn.bias_add(y, bias, name="BiasAdd")
        return act(y) if act else y


def _bn(x: Tensor, training: Tensor | bool, name: str | None = None, momentum: float = 0.99) -> Tensor:
    """Fused batch normalization (plain for vectors); a tensor as flag makes two branches."""
    with v1.variable_scope(name, default_name="batch_normalization"):
        depth = [x.shape[-1]]
        gamma = v1.get_variable("gamma", depth, initializer=v1.ones_initializer())
        beta = v1.get_variable("beta", depth, initializer=v1.zeros_initializer())
        mean = v1.get_variable("moving_mean", depth, initializer=v1.zeros_initializer(), trainable=False)
        var = v1.get_variable("moving_variance", depth, initializer=v1.ones_initializer(), trainable=False)

        def of_batch() -> tuple[Tensor, Tensor, Tensor]:
            if x.shape.rank == 4:
                y, m, v = v1.nn.fused_batch_norm(x, gamma, beta, epsilon=1e-3, is_training=True)
                return y, m, v
            m, v = tf.nn.moments(x, list(range(x.shape.rank - 1)))
            return tf.nn.batch_normalization(x, m, v, beta, gamma, 1e-3), m, v

        def of_history() -> tuple[Tensor, Tensor, Tensor]:
            if x.shape.rank == 4:
                y, m, v = v1.nn.fused_batch_norm(x, gamma, beta, mean, var, 1e-3, is_training=False)
                return y, m, v
            y = tf.nn.batch_normalization(x, mean, var, beta, gamma, 1e-3)
            return y, tf.identity(mean), tf.identity(var)

        if training is False:
            return of_history()[0]
        y, m, v = of_batch() if training is True else v1.cond(training, of_batch, of_history)
        for kept, now in ((mean, m), (var, v)):
            moved = v1.assign_sub(kept, (kept - now) * (1 - momentum), name="AssignMovingAvg")
            v1.add_to_collection(v1.GraphKeys.UPDATE_OPS, moved)
        return y


def _drop(x: Tensor, rate: float, training: Tensor) -> Tensor:
    """Dropout that asks a flag, as the layers module did."""
    with v1.name_scope("dropout"):
        return v1.cond(training, lambda: v1.nn.dropout(x, rate=rate), lambda: tf.identity(x))


def _rows(x: Tensor) -> Tensor:
    """All but the first axis in one."""
    return tf.reshape(x, [-1, math.prod(int(side) for side in x.shape[1:])])


def _half(x: Tensor) -> Tensor:
    """The largest of each two by two."""
    return tf.nn.max_pool2d(x, 2, 2, "SAME")


def _raw(*shape: int, name: str | None = None) -> Tensor:
    """A variable made directly."""
    return v1.Variable(tf.random.truncated_normal(shape, stddev=0.1), name=name)


def _xent(labels: Tensor, logits: Tensor) -> Tensor:
    """Mean cross entropy with one-hot labels."""
    return tf.reduce_mean(v1.nn.softmax_cross_entropy_with_logits_v2(labels=labels, logits=logits))


def _sparse_xent(labels: Tensor, logits: Tensor) -> Tensor:
    """Mean cross entropy with numbered labels."""
    return tf.reduce_mean(v1.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits))


def _bce(logits: Tensor, label: float) -> Tensor:
    """Mean binary cross entropy against labels that are all alike."""
    labels = tf.ones_like(logits) * label
    return tf.reduce_mean(v1.nn.sigmoid_cross_entropy_with_logits(logits=logits, labels=labels))


def _of(scope: str) -> list[Any]:
    """The trainable variables of a scope."""
    return list(v1.get_collection(v1.GraphKeys.TRAINABLE_VARIABLES, scope=scope))


class _Lstm:
    """The basic LSTM cell."""

    def __init__(self, units: int, keep: Tensor | None = None) -> None:
        self.units = self.output_size = units
        self.state_size = (units, units)
        self.keep = keep

    def zero_state(self, batch: Tensor, dtype: Any = tf.float32) -> tuple[Tensor, Tensor]:
        """No memory yet."""
        with v1.name_scope("BasicLSTMCellZeroState"):
            return tf.zeros([batch, self.units], dtype), tf.zeros([batch, self.units], dtype)

    def __call__(self, x: Tensor, state: Any, scope: Any = None) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """Output and state."""
        c, h = state
        with v1.variable_scope("basic_lstm_cell"):
            kernel = v1.get_variable("kernel", [x.shape[-1] + self.units, 4 * self.units])
            bias = v1.get_variable("bias", [4 * self.units], initializer=v1.zeros_initializer())
            i, j, f, o = tf.split(tf.nn.bias_add(tf.matmul(tf.concat([x, h], 1), kernel), bias), 4, 1)
            c = tf.add(tf.multiply(c, tf.sigmoid(tf.add(f, 1.0))), tf.multiply(tf.sigmoid(i), tf.tanh(j)))
            h = tf.multiply(tf.tanh(c), tf.sigmoid(o))
        return (h if self.keep is None else v1.nn.dropout(h, keep_prob=self.keep)), (c, h)


class _Gru:
    """The gated cell."""

    def __init__(self, units: int, keep: Tensor | None = None) -> None:
        self.units = self.output_size = self.state_size = units
        self.keep = keep

    def zero_state(self, batch: Tensor, dtype: Any = tf.float32) -> Tensor:
        """No memory yet."""
        return tf.zeros([batch, self.units], dtype)

    def __call__(self, x: Tensor, state: Tensor, scope: Any = None) -> tuple[Tensor, Tensor]:
        """Output and state, which are one."""
        if self.keep is not None:
            x = v1.nn.dropout(x, keep_prob=self.keep)
        with v1.variable_scope("gru_cell"):
            gates = _dense(tf.concat([x, state], 1), 2 * self.units, tf.sigmoid, "gates")
            r, u = tf.split(gates, 2, 1)
            c = _dense(tf.concat([x, r * state], 1), self.units, tf.tanh, "candidate")
            state = u * state + (1 - u) * c
        return state, state


class _Stack:
    """Cells one above the other; the state is a tuple, or one long vector as it was at first."""

    def __init__(self, cells: Sequence[Any], tupled: bool = True) -> None:
        self.cells = list(cells)
        self.tupled = tupled
        sizes = [cell.state_size for cell in cells]
        self.state_size: Any = tuple(sizes) if tupled else sum(sizes)
        self.output_size = cells[-1].output_size

    def zero_state(self, batch: Tensor, dtype: Any = tf.float32) -> Any:
        """No memory yet."""
        if self.tupled:
            return tuple(cell.zero_state(batch, dtype) for cell in self.cells)
        return tf.zeros([batch, self.state_size], dtype)

    def __call__(self, x: Tensor, state: Any, scope: Any = None) -> tuple[Tensor, Any]:
        """Output of the highest and states of all."""
        after: list[Any] = []
        at = 0
        with v1.variable_scope("multi_rnn_cell"):
            for k, cell in enumerate(self.cells):
                with v1.variable_scope(f"cell_{k}"):
                    if self.tupled:
                        own = state[k]
                    else:
                        own = tf.slice(state, [0, at], [-1, cell.state_size])
                        at += cell.state_size
                    x, new = cell(x, own)
                    after.append(new)
        return x, (tuple(after) if self.tupled else tf.concat(after, 1))


@case("classifier")
def flowers_with_a_feed_for_each_card_and_a_tower_to_check() -> Truths:
    """Two towers with placeholders of their own, mean gradients, averages; a third tower tells the flower."""

    def inference(images: Tensor) -> Tensor:
        h = images
        for k, filters in enumerate((8, 12), 1):
            with v1.variable_scope(f"conv{k}") as scope:
                init = v1.truncated_normal_initializer(stddev=5e-2)
                kernel = v1.get_variable("weights", [5, 5, h.shape[-1], filters], initializer=init)
                conv = tf.nn.conv2d(h, kernel, [1, 1, 1, 1], padding="SAME")
                biases = v1.get_variable("biases", [filters], initializer=v1.constant_initializer(0.0))
                h = tf.nn.relu(tf.nn.bias_add(conv, biases), name=scope.name)
            v1.summary.histogram(f"conv{k}/activations", h)
            h = tf.nn.max_pool2d(h, 3, 2, "SAME", name=f"pool{k}")
            h = v1.nn.lrn(h, 4, bias=1.0, alpha=0.001 / 9.0, beta=0.75, name=f"norm{k}")
        h = _rows(h)
        for k, units in enumerate((24, 16), 3):
            with v1.variable_scope(f"local{k}") as scope:
                weights = v1.get_variable("weights", [h.shape[-1], units])
                v1.add_to_collection("losses", tf.multiply(tf.nn.l2_loss(weights), 0.004, name="weight_loss"))
                biases = v1.get_variable("biases", [units], initializer=v1.constant_initializer(0.1))
                h = tf.nn.relu(tf.matmul(h, weights) + biases, name=scope.name)
        with v1.variable_scope("softmax_linear") as scope:
            weights, biases = v1.get_variable("weights", [16, 5]), v1.get_variable("biases", [5])
            return tf.add(tf.matmul(h, weights), biases, name=scope.name)

    with tf.device("/cpu:0"):
        step = v1.get_variable("global_step", [], initializer=v1.constant_initializer(0), trainable=False)
        lr = v1.train.exponential_decay(0.1, step, 350, 0.1, staircase=True)
        opt = v1.train.GradientDescentOptimizer(lr)
        tower_grads = []
        with v1.variable_scope(v1.get_variable_scope()):
            for i in range(2):
                with tf.device(f"/gpu:{i}"), v1.name_scope(f"tower_{i}") as scope:
                    image_batch = v1.placeholder(tf.float32, [None, 24, 24, 3], name="images")
                    label_batch = v1.placeholder(tf.int32, [None], name="labels")
                    logits = inference(image_batch)
                    v1.add_to_collection("losses", _sparse_xent(label_batch, logits))
                    losses = v1.get_collection("losses", scope)
                    total = tf.add_n(losses, name="total_loss")
                    for part in [*losses, total]:
                        v1.summary.scalar(part.op.name.split("/")[-1], part)
                    v1.get_variable_scope().reuse_variables()
                    tower_grads.append(opt.compute_gradients(total))
            with v1.name_scope("validation"):
                checked = v1.placeholder(tf.float32, [None, 24, 24, 3], name="images")
                wanted = v1.placeholder(tf.int32, [None], name="labels")
                val_logits = inference(checked)
                prob = tf.nn.softmax(val_logits)
                tf.reduce_mean(tf.cast(tf.nn.in_top_k(wanted, val_logits, 1), tf.float32), name="accuracy")
        averaged = []
        for pairs in zip(*tower_grads, strict=True):
            stacked = tf.concat([tf.expand_dims(g, 0) for g, _ in pairs], 0)
            averaged.append((tf.reduce_mean(stacked, 0), pairs[0][1]))
        applied = opt.apply_gradients(averaged, global_step=step)
        ema = v1.train.ExponentialMovingAverage(0.9999, step)
        tf.group(applied, ema.apply(v1.trainable_variables()))
        v1.summary.merge_all()
    best = tf.argmax(val_logits, 1)
    return [([checked], [prob]), ([checked], [val_logits]), ([checked], [best])]


@case("classifier")
def flowers_retrained_with_the_decoder_apart() -> Truth:
    """A loaded mobile net, features that may be fed over, a new last layer; JPEGs are decoded apart."""
    rng = np.random.RandomState(3)

    def held(*shape: int) -> Tensor:
        return tf.constant(rng.normal(0, 0.1, shape).astype("f"), name="weights")

    images = v1.placeholder(tf.float32, [1, 32, 32, 3], name="input")
    h = images
    with v1.name_scope("MobilenetV1/MobilenetV1"):
        with v1.name_scope("Conv2d_0"):
            h = tf.nn.relu6(tf.nn.bias_add(tf.nn.conv2d(h, held(3, 3, 3, 8), 2, "SAME"), held(8)))
        for k, filters in enumerate((12, 16, 24), 1):
            with v1.name_scope(f"Conv2d_{k}_depthwise"):
                h = tf.nn.depthwise_conv2d(h, held(3, 3, h.shape[-1], 1), [1, 2, 2, 1], "SAME")
                h = tf.nn.relu6(tf.nn.bias_add(h, held(h.shape[-1])))
            with v1.name_scope(f"Conv2d_{k}_pointwise"):
                h = tf.nn.conv2d(h, held(1, 1, h.shape[-1], filters), 1, "SAME")
                h = tf.nn.relu6(tf.nn.bias_add(h, held(filters)))
    with v1.name_scope("MobilenetV1/Logits"):
        h = tf.nn.avg_pool2d(h, 2, 2, "VALID", name="AvgPool_1a")
        h = tf.nn.bias_add(tf.nn.conv2d(h, held(1, 1, 24, 40), 1, "SAME"), held(40))
        h = tf.squeeze(h, [1, 2], name="SpatialSqueeze")
    bottleneck = tf.reshape(h, [-1, 40], name="MobilenetV1/Predictions/Reshape")
    tf.nn.softmax(bottleneck, name="MobilenetV1/Predictions/Reshape_1")

    jpeg = v1.placeholder(tf.string, name="DecodeJPGInput")
    decoded = tf.cast(tf.image.decode_jpeg(jpeg, channels=3), tf.float32)
    decoded = v1.image.resize_bilinear(tf.expand_dims(decoded, 0), tf.stack([32, 32]))
    tf.multiply(tf.subtract(decoded, 127.5), 1.0 / 127.5)
    jpeg = v1.placeholder(tf.string, name="DistortJPGInput")
    distorted = tf.expand_dims(tf.cast(tf.image.decode_jpeg(jpeg, channels=3), tf.float32), 0)
    scale = tf.multiply(tf.constant(1.1), v1.random_uniform([], minval=1.0, maxval=1.2))
    size = tf.cast(tf.stack([scale * 32, scale * 32]), tf.int32)
    distorted = tf.squeeze(v1.image.resize_bilinear(distorted, size), [0])
    distorted = tf.image.random_flip_left_right(v1.random_crop(distorted, [32, 32, 3]))
    brightness = v1.random_uniform([], minval=0.9, maxval=1.1)
    distorted = tf.multiply(tf.subtract(tf.multiply(distorted, brightness), 127.5), 1.0 / 127.5)
    tf.expand_dims(distorted, 0, name="DistortResult")

    with v1.name_scope("input"):
        features = v1.placeholder_with_default(bottleneck, [None, 40], name="BottleneckInputPlaceholder")
        truth = v1.placeholder(tf.int64, [None], name="GroundTruthInput")
    with v1.name_scope("final_training_ops"):
        with v1.name_scope("weights"):
            weights = _raw(40, 5, name="final_weights")
            v1.summary.histogram("histogram", weights)
        with v1.name_scope("biases"):
            biases = v1.Variable(tf.zeros([5]), name="final_biases")
        with v1.name_scope("Wx_plus_b"):
            logits = tf.matmul(features, weights) + biases
            v1.summary.histogram("pre_activations", logits)
    final = tf.nn.softmax(logits, name="final_result")
    v1.summary.histogram("activations", final)
    with v1.name_scope("cross_entropy"):
        loss = v1.losses.sparse_softmax_cross_entropy(labels=truth, logits=logits)
    with v1.name_scope("train"):
        v1.train.GradientDescentOptimizer(0.01).minimize(loss)
    with v1.name_scope("accuracy"):
        right = tf.equal(tf.argmax(final, 1), truth)
        v1.summary.scalar("accuracy", tf.reduce_mean(tf.cast(right, tf.float32)))
    return [images], [final]


@case("autoencoder")
def numbers_copied_by_layers_trained_in_two_phases() -> Truth:
    """A book's stacked coder in one graph: the outer layers learn first, then the inner ones copy them."""
    n_inputs, n1, n2 = 64, 20, 8
    x = v1.placeholder(tf.float32, shape=[None, n_inputs])
    initializer = v1.variance_scaling_initializer()
    weights1 = v1.Variable(initializer([n_inputs, n1]), dtype=tf.float32, name="weights1")
    weights2 = v1.Variable(initializer([n1, n2]), dtype=tf.float32, name="weights2")
    weights3 = v1.Variable(initializer([n2, n1]), dtype=tf.float32, name="weights3")
    weights4 = v1.Variable(initializer([n1, n_inputs]), dtype=tf.float32, name="weights4")
    biases1, biases2 = v1.Variable(tf.zeros(n1), name="biases1"), v1.Variable(tf.zeros(n2), name="biases2")
    biases3 = v1.Variable(tf.zeros(n1), name="biases3")
    biases4 = v1.Variable(tf.zeros(n_inputs), name="biases4")
    hidden1 = tf.nn.elu(tf.matmul(x, weights1) + biases1)
    hidden2 = tf.nn.elu(tf.matmul(hidden1, weights2) + biases2)
    hidden3 = tf.nn.elu(tf.matmul(hidden2, weights3) + biases3)
    outputs = tf.matmul(hidden3, weights4) + biases4
    reconstruction_loss = tf.reduce_mean(tf.square(outputs - x))
    v1.summary.scalar("mse", reconstruction_loss)
    optimizer = v1.train.AdamOptimizer(0.01)
    with v1.name_scope("phase1"):
        phase1_outputs = tf.matmul(hidden1, weights4) + biases4
        phase1_loss = tf.reduce_mean(tf.square(phase1_outputs - x))
        phase1_reg = 0.0001 * (tf.nn.l2_loss(weights1) + tf.nn.l2_loss(weights4))
        optimizer.minimize(phase1_loss + phase1_reg)
    with v1.name_scope("phase2"):
        phase2_loss = tf.reduce_mean(tf.square(hidden3 - hidden1))
        phase2_reg = 0.0001 * (tf.nn.l2_loss(weights2) + tf.nn.l2_loss(weights3))
        train_vars = [weights2, biases2, weights3, biases3]
        optimizer.minimize(phase2_loss + phase2_reg, var_list=train_vars)
    return [x], [outputs]


@case("autoencoder")
def digits_painted_from_drawn_codes_with_keep_prob() -> Truths:
    """A blog's variational coder: the code in the middle is fed with noise to show new digits."""
    x_in = v1.placeholder(dtype=tf.float32, shape=[None, 28, 28], name="X")
    y = v1.placeholder(dtype=tf.float32, shape=[None, 28, 28], name="Y")
    y_flat = tf.reshape(y, shape=[-1, 28 * 28])
    keep_prob = v1.placeholder(dtype=tf.float32, shape=(), name="keep_prob")

    def lrelu(t: Tensor, alpha: float = 0.3) -> Tensor:
        return tf.maximum(t, tf.multiply(t, alpha))

    with v1.variable_scope("encoder"):
        h = tf.reshape(x_in, shape=[-1, 28, 28, 1])
        for stride in (2, 2, 1):
            h = v1.nn.dropout(_conv(h, 8, 4, stride, lrelu), keep_prob)
        h = _rows(h)
        mn = _dense(h, 8)
        sd = 0.5 * _dense(h, 8)
        epsilon = tf.random.normal(tf.stack([tf.shape(h)[0], 8]))
        sampled = mn + tf.multiply(epsilon, tf.exp(sd))
    with v1.variable_scope("decoder"):
        h = _dense(sampled, 24, lrelu)
        h = _dense(h, 49, lrelu)
        h = tf.reshape(h, [-1, 7, 7, 1])
        h = v1.nn.dropout(_up(h, 8, 4, 2, tf.nn.relu), keep_prob)
        h = v1.nn.dropout(_up(h, 8, 4, 1, tf.nn.relu), keep_prob)
        h = _up(h, 8, 4, 1, tf.nn.relu)
        h = _dense(_rows(h), 28 * 28, tf.nn.sigmoid)
        dec = tf.reshape(h, shape=[-1, 28, 28])
    unreshaped = tf.reshape(dec, [-1, 28 * 28])
    img_loss = tf.reduce_sum(v1.squared_difference(unreshaped, y_flat), 1)
    latent_loss = -0.5 * tf.reduce_sum(1.0 + 2.0 * sd - tf.square(mn) - tf.exp(2.0 * sd), 1)
    loss = tf.reduce_mean(img_loss + latent_loss)
    v1.train.AdamOptimizer(0.0005).minimize(loss)
    return [([sampled], [dec]), ([x_in], [dec])]


@case("autoencoder")
def noise_wiped_off_by_resized_neighbours() -> Truth:
    """A course's denoiser: noisy pictures in, clean ones as targets, nearest neighbours for strides."""
    inputs_ = v1.placeholder(tf.float32, (None, 28, 28, 1), name="inputs")
    targets_ = v1.placeholder(tf.float32, (None, 28, 28, 1), name="targets")
    h = inputs_
    for filters in (16, 16, 8):
        h = _half(_conv(h, filters, 3, act=tf.nn.relu))
    for side, filters in ((7, 8), (14, 16), (28, 16)):
        h = v1.image.resize_nearest_neighbor(h, (side, side))
        h = _conv(h, filters, 3, act=tf.nn.relu)
    logits = _conv(h, 1, 3)
    decoded = tf.nn.sigmoid(logits, name="decoded")
    loss = v1.nn.sigmoid_cross_entropy_with_logits(labels=targets_, logits=logits)
    cost = tf.reduce_mean(loss)
    v1.train.AdamOptimizer(0.001).minimize(cost)
    return [inputs_], [decoded]


@case("language model")
def plays_written_letter_by_letter_with_one_long_state() -> Truth:
    """A workshop's gated net over letters: one state vector for all layers goes in and comes out by name."""
    alphabet, size, layers = 30, 16, 3
    lr = v1.placeholder(tf.float32, name="lr")
    pkeep = v1.placeholder(tf.float32, name="pkeep")
    batchsize = v1.placeholder(tf.int32, name="batchsize")
    x = v1.placeholder(tf.uint8, [None, None], name="X")
    xo = tf.one_hot(x, alphabet, 1.0, 0.0)
    y_ = v1.placeholder(tf.uint8, [None, None], name="Y_")
    yo_ = tf.one_hot(y_, alphabet, 1.0, 0.0)
    hin = v1.placeholder(tf.float32, [None, size * layers], name="Hin")
    multicell = _Stack([_Gru(size, keep=pkeep) for _ in range(layers)], tupled=False)
    yr, h = v1.nn.dynamic_rnn(multicell, xo, dtype=tf.float32, initial_state=hin)
    h = tf.identity(h, name="H")
    yr = v1.nn.dropout(yr, keep_prob=pkeep)
    yflat = tf.reshape(yr, [-1, size])
    with v1.variable_scope("fully_connected"):
        weights, biases = v1.get_variable("weights", [size, alphabet]), v1.get_variable("biases", [alphabet])
        ylogits = tf.nn.bias_add(tf.matmul(yflat, weights), biases)
    yflat_ = tf.reshape(yo_, [-1, alphabet])
    loss = v1.nn.softmax_cross_entropy_with_logits_v2(logits=ylogits, labels=yflat_)
    loss = tf.reshape(loss, [batchsize, -1])
    yo = tf.nn.softmax(ylogits, name="Yo")
    y = tf.reshape(tf.argmax(yo, 1), [batchsize, -1], name="Y")
    v1.train.AdamOptimizer(lr).minimize(loss)
    seqloss = tf.reduce_mean(loss, 1)
    right = tf.cast(tf.equal(y_, tf.cast(y, tf.uint8)), tf.float32)
    v1.summary.scalar("batch_loss", tf.reduce_mean(seqloss))
    v1.summary.scalar("batch_accuracy", tf.reduce_mean(right))
    v1.summary.merge_all()
    return [x, hin], [yo, h]


@case("language model", plain=True)
def lines_of_a_series_with_a_packed_state() -> Truth:
    """Words of a script: all states of two LSTM layers in one placeholder, unpacked, and packed again."""
    vocab, size, layers = 50, 12, 2
    input_text = v1.placeholder(tf.int32, [None, None], name="input")
    targets = v1.placeholder(tf.int32, [None, None], name="targets")
    lr = v1.placeholder(tf.float32, name="learning_rate")
    init_state = v1.placeholder(tf.float32, [layers, 2, None, size], name="initial_state")
    per_layer = tf.unstack(init_state, axis=0)
    rnn_tuple_state = tuple((per_layer[k][0], per_layer[k][1]) for k in range(layers))
    embedding = v1.Variable(tf.random.uniform((vocab, size), -1, 1))
    embed = tf.nn.embedding_lookup(embedding, input_text)
    cell = _Stack([_Lstm(size) for _ in range(layers)])
    outputs, state = v1.nn.dynamic_rnn(cell, embed, initial_state=rnn_tuple_state)
    final_state = tf.stack([tf.stack(pair) for pair in state], name="final_state")
    logits = _dense(outputs, vocab)
    probs = tf.nn.softmax(logits, name="probs")
    shape = tf.shape(input_text)
    cross = v1.nn.sparse_softmax_cross_entropy_with_logits(labels=targets, logits=logits)
    cost = tf.reduce_sum(cross * tf.ones([shape[0], shape[1]])) / tf.cast(shape[0] * shape[1], tf.float32)
    optimizer = v1.train.AdamOptimizer(lr)
    gradients = optimizer.compute_gradients(cost)
    capped = [(tf.clip_by_value(grad, -1.0, 1.0), var) for grad, var in gradients if grad is not None]
    optimizer.apply_gradients(capped)
    return [input_text, init_state], [probs, final_state]


@case("translator")
def sentences_translated_by_a_greedy_loop_beside_the_taught_one() -> Truth:
    """A course's project: an encoder, additive attention, one cell in two loops, taught and greedy."""
    source_vocab, target_vocab, size, go, eos = 40, 45, 12, 1, 2
    input_data = v1.placeholder(tf.int32, [None, None], name="input")
    targets = v1.placeholder(tf.int32, [None, None], name="targets")
    lr = v1.placeholder(tf.float32, name="learning_rate")
    keep_prob = v1.placeholder(tf.float32, name="keep_prob")
    target_len = v1.placeholder(tf.int32, [None], name="target_sequence_length")
    max_target = tf.reduce_max(target_len, name="max_target_len")
    source_len = v1.placeholder(tf.int32, [None], name="source_sequence_length")
    batch = tf.shape(input_data)[0]
    backwards = tf.reverse(input_data, [-1])
    with v1.variable_scope("EmbedSequence"):
        table = v1.get_variable("embeddings", [source_vocab, size])
        embedded = tf.nn.embedding_lookup(table, backwards)
    memory, (c, h) = v1.nn.dynamic_rnn(_Lstm(size, keep_prob), embedded, source_len, dtype=tf.float32)
    ending = tf.strided_slice(targets, [0, 0], [tf.shape(targets)[0], -1], [1, 1])
    dec_input = tf.concat([tf.fill([batch, 1], go), ending], 1)
    dec_embeddings = v1.Variable(tf.random.uniform([target_vocab, size]))
    dec_embed_input = tf.nn.embedding_lookup(dec_embeddings, dec_input)
    cell = _Lstm(size, keep_prob)

    def step(x: Tensor, state: Any, context: Tensor) -> tuple[Tensor, Any, Tensor]:
        with v1.variable_scope("decode", reuse=v1.AUTO_REUSE):
            output, state = cell(tf.concat([x, context], 1), state)
            with v1.variable_scope("bahdanau_attention"):
                keys = _dense(memory, size, name="memory_layer", bias=False)
                query = tf.expand_dims(_dense(output, size, name="query_layer", bias=False), 1)
                v = v1.get_variable("attention_v", [size])
                score = tf.reduce_sum(v * tf.tanh(keys + query), [2])
                inside = tf.sequence_mask(source_len, tf.shape(score)[1])
                score = tf.where(inside, score, tf.ones_like(score) * -math.inf)
                alignments = tf.nn.softmax(score)
            context = tf.squeeze(tf.matmul(tf.expand_dims(alignments, 1), memory), [1])
            context.set_shape([None, size])
            return _dense(tf.concat([output, context], 1), target_vocab, name="dense"), state, context

    nothing = tf.zeros([batch, size])

    def taught(t: Tensor, c: Tensor, h: Tensor, context: Tensor, out: Any) -> tuple[Any, ...]:
        logits, (c, h), context = step(dec_embed_input[:, t], (c, h), context)
        return t + 1, c, h, context, out.write(t, logits)

    array = tf.TensorArray(tf.float32, 0, dynamic_size=True, clear_after_read=False)
    *_, array = v1.while_loop(
        lambda t, *_: t < tf.shape(dec_input)[1], taught, [tf.constant(0), c, h, nothing, array]
    )
    training_logits = tf.identity(tf.transpose(array.stack(), [1, 0, 2]), "logits")

    def unfinished(t: Tensor, ids: Tensor, finished: Tensor, *_: Any) -> Tensor:
        return tf.logical_and(t < max_target, tf.logical_not(tf.reduce_all(finished)))

    def greedy(
        t: Tensor, ids: Tensor, finished: Tensor, c: Tensor, h: Tensor, context: Tensor, out: Any
    ) -> tuple[Any, ...]:
        logits, (c, h), context = step(tf.nn.embedding_lookup(dec_embeddings, ids), (c, h), context)
        ids = tf.argmax(logits, 1, output_type=tf.int32)
        finished = tf.logical_or(finished, tf.equal(ids, eos))
        return t + 1, ids, finished, c, h, context, out.write(t, ids)

    start = tf.tile(tf.constant([go], dtype=tf.int32), [batch], name="start_tokens")
    array = tf.TensorArray(tf.int32, 0, dynamic_size=True, clear_after_read=False)
    *_, array = v1.while_loop(
        unfinished, greedy, [tf.constant(0), start, tf.zeros([batch], tf.bool), c, h, nothing, array]
    )
    predictions = tf.transpose(array.stack(), [1, 0], name="predictions")
    masks = tf.sequence_mask(target_len, max_target, dtype=tf.float32, name="masks")
    with v1.name_scope("optimization"):
        cross = v1.nn.sparse_softmax_cross_entropy_with_logits(labels=targets, logits=training_logits)
        cost = tf.reduce_sum(cross * masks) / tf.reduce_sum(masks)
        optimizer = v1.train.AdamOptimizer(lr)
        gradients = optimizer.compute_gradients(cost)
        optimizer.apply_gradients(
            [(tf.clip_by_value(g, -1.0, 1.0), v) for g, v in gradients if g is not None]
        )
    return [input_data, target_len, source_len], [predictions]


@case("word vectors")
def words_from_groups_of_letters_and_their_neighbours() -> Truths:
    """Skip-gram whose words are means of letter groups; a query is compared with the vocabulary."""
    vocabulary, groups, size, longest = 60, 90, 12, 6
    with v1.name_scope("inputs"):
        train_ngrams = v1.placeholder(tf.int32, shape=[None, longest])
        train_context = v1.placeholder(tf.int32, shape=[None, 1])
    table = np.random.RandomState(5).randint(1, groups, (vocabulary, longest))
    ngrams_of_words = tf.constant(table, tf.int32, name="ngrams_of_words")
    with tf.device("/cpu:0"), v1.name_scope("embeddings"):
        embeddings = v1.Variable(tf.random.uniform([groups, size], -1.0, 1.0))

    def vectors(ngrams: Tensor) -> Tensor:
        there = tf.cast(tf.not_equal(ngrams, 0), tf.float32)
        found = tf.nn.embedding_lookup(embeddings, ngrams) * tf.expand_dims(there, -1)
        return tf.reduce_sum(found, 1) / tf.maximum(tf.reduce_sum(there, 1, keepdims=True), 1.0)

    embed = vectors(train_ngrams)
    with v1.name_scope("weights"):
        nce_weights = v1.Variable(
            tf.random.truncated_normal([vocabulary, size], stddev=1.0 / math.sqrt(size))
        )
    with v1.name_scope("biases"):
        nce_biases = v1.Variable(tf.zeros([vocabulary]))
    with v1.name_scope("loss"):
        loss = tf.reduce_mean(
            v1.nn.nce_loss(
                weights=nce_weights,
                biases=nce_biases,
                labels=train_context,
                inputs=embed,
                num_sampled=8,
                num_classes=vocabulary,
            )
        )
    v1.summary.scalar("loss", loss)
    with v1.name_scope("optimizer"):
        v1.train.GradientDescentOptimizer(1.0).minimize(loss)
    nearby_ngrams = v1.placeholder(tf.int32, shape=[None, longest])
    everything = tf.nn.l2_normalize(vectors(ngrams_of_words), 1)
    nearby = tf.nn.l2_normalize(vectors(nearby_ngrams), 1)
    nearby_dist = tf.matmul(nearby, everything, transpose_b=True)
    nearby_val, nearby_idx = tf.nn.top_k(nearby_dist, 9)
    v1.summary.merge_all()
    return [
        ([nearby_ngrams], [nearby_val, nearby_idx]),
        ([nearby_ngrams], [nearby_idx]),
        ([nearby_ngrams], [nearby_dist]),
    ]


@case("gan")
def faces_shown_by_a_generator_called_once_more() -> Truth:
    """A course's project: to show faces, the generator is built again, its norms with the averages."""
    inputs_real = v1.placeholder(tf.float32, (None, 28, 28, 3), name="input_real")
    inputs_z = v1.placeholder(tf.float32, (None, 20), name="input_z")
    learning_rate = v1.placeholder(tf.float32, (), name="learning_rate")

    def discriminator(images: Tensor, reuse: bool = False) -> tuple[Tensor, Tensor]:
        with v1.variable_scope("discriminator", reuse=reuse):
            h = _conv(images, 8, 5, 2)
            h = tf.maximum(0.2 * h, h)
            for filters in (12, 16):
                h = _bn(_conv(h, filters, 5, 2), True)
                h = tf.maximum(0.2 * h, h)
            logits = _dense(tf.reshape(h, (-1, 4 * 4 * 16)), 1)
            return tf.sigmoid(logits), logits

    def generator(z: Tensor, out_channel_dim: int, is_train: bool = True) -> Tensor:
        with v1.variable_scope("generator", reuse=not is_train):
            h = tf.reshape(_dense(z, 7 * 7 * 16), (-1, 7, 7, 16))
            h = _bn(h, is_train)
            h = tf.maximum(0.2 * h, h)
            h = _bn(_up(h, 12, 5, 2), is_train)
            h = tf.maximum(0.2 * h, h)
            return tf.tanh(_up(h, out_channel_dim, 5, 2))

    g_model = generator(inputs_z, 3)
    _, real = discriminator(inputs_real)
    _, fake = discriminator(g_model, reuse=True)
    d_loss = _bce(real, 0.9) + _bce(fake, 0.0)
    g_loss = _bce(fake, 1.0)
    with v1.control_dependencies(v1.get_collection(v1.GraphKeys.UPDATE_OPS)):
        v1.train.AdamOptimizer(learning_rate, beta1=0.5).minimize(d_loss, var_list=_of("discriminator"))
        v1.train.AdamOptimizer(learning_rate, beta1=0.5).minimize(g_loss, var_list=_of("generator"))
    samples = generator(inputs_z, 3, is_train=False)
    return [inputs_z], [samples]


@case("gan")
def numbers_painted_against_a_critic_of_clipped_weights() -> Truth:
    """Two layers against two layers, lists of raw variables, a critic without sigmoid that is clipped."""
    x_dim, z_dim, h_dim = 64, 8, 24

    def xavier_init(size: list[int]) -> Tensor:
        return tf.random.normal(shape=size, stddev=1.0 / tf.sqrt(size[0] / 2.0))

    x = v1.placeholder(tf.float32, shape=[None, x_dim])
    d_w1, d_b1 = v1.Variable(xavier_init([x_dim, h_dim])), v1.Variable(tf.zeros(shape=[h_dim]))
    d_w2, d_b2 = v1.Variable(xavier_init([h_dim, 1])), v1.Variable(tf.zeros(shape=[1]))
    theta_d = [d_w1, d_w2, d_b1, d_b2]
    z = v1.placeholder(tf.float32, shape=[None, z_dim])
    g_w1, g_b1 = v1.Variable(xavier_init([z_dim, h_dim])), v1.Variable(tf.zeros(shape=[h_dim]))
    g_w2, g_b2 = v1.Variable(xavier_init([h_dim, x_dim])), v1.Variable(tf.zeros(shape=[x_dim]))
    theta_g = [g_w1, g_w2, g_b1, g_b2]

    def generator(z: Tensor) -> Tensor:
        g_h1 = tf.nn.relu(tf.matmul(z, g_w1) + g_b1)
        g_log_prob = tf.matmul(g_h1, g_w2) + g_b2
        return tf.nn.sigmoid(g_log_prob)

    def discriminator(x: Tensor) -> Tensor:
        d_h1 = tf.nn.relu(tf.matmul(x, d_w1) + d_b1)
        return tf.matmul(d_h1, d_w2) + d_b2

    g_sample = generator(z)
    d_real = discriminator(x)
    d_fake = discriminator(g_sample)
    d_loss = tf.reduce_mean(d_real) - tf.reduce_mean(d_fake)
    g_loss = -tf.reduce_mean(d_fake)
    v1.train.RMSPropOptimizer(learning_rate=1e-4).minimize(-d_loss, var_list=theta_d)
    v1.train.RMSPropOptimizer(learning_rate=1e-4).minimize(g_loss, var_list=theta_g)
    [p.assign(tf.clip_by_value(p, -0.01, 0.01)) for p in theta_d]
    return [z], [g_sample]


@case("image to image")
def maps_from_aerial_pictures_served_as_letters() -> Truths:
    """The export of a paired translator: base64 of a picture in, base64 out, a key passed through."""
    side = 32
    served = v1.placeholder(tf.string, shape=[1])
    input_data = tf.io.decode_base64(served[0])
    input_image = tf.image.decode_png(input_data)
    alpha = tf.equal(tf.shape(input_image)[2], 4)
    input_image = v1.cond(alpha, lambda: input_image[:, :, :3], lambda: input_image)
    grey = tf.equal(tf.shape(input_image)[2], 1)
    coloured = v1.cond(grey, lambda: tf.image.grayscale_to_rgb(input_image), lambda: input_image)
    coloured = tf.image.convert_image_dtype(coloured, dtype=tf.float32)
    coloured.set_shape([side, side, 3])
    batch_input = tf.expand_dims(coloured, axis=0)

    def batchnorm(x: Tensor) -> Tensor:
        with v1.variable_scope("batchnorm"):
            offset = v1.get_variable("offset", [x.shape[3]], initializer=v1.zeros_initializer())
            scale = v1.get_variable("scale", [x.shape[3]], initializer=v1.ones_initializer())
            mean, variance = tf.nn.moments(x, axes=[0, 1, 2], keepdims=False)
            return tf.nn.batch_normalization(x, mean, variance, offset, scale, variance_epsilon=1e-5)

    def lrelu(x: Tensor, a: float) -> Tensor:
        with v1.name_scope("lrelu"):
            x = tf.identity(x)
            return (0.5 * (1 + a)) * x + (0.5 * (1 - a)) * tf.abs(x)

    with v1.variable_scope("generator"):
        with v1.name_scope("preprocess"):
            h = batch_input * 2 - 1
        layers = []
        for k, filters in enumerate((6, 8, 12, 12), 1):
            with v1.variable_scope(f"encoder_{k}"):
                h = h if k == 1 else lrelu(h, 0.2)
                kernel = v1.get_variable("filter", [4, 4, h.shape[3], filters])
                padded = tf.pad(h, [[0, 0], [1, 1], [1, 1], [0, 0]], mode="CONSTANT")
                h = tf.nn.conv2d(padded, kernel, [1, 2, 2, 1], padding="VALID")
                h = h if k == 1 else batchnorm(h)
                layers.append(h)
        for k, (filters, dropout) in zip((4, 3, 2), ((12, 0.5), (8, 0.5), (6, 0.0)), strict=True):
            with v1.variable_scope(f"decoder_{k}"):
                h = tf.nn.relu(h if k == 4 else tf.concat([h, layers[k - 1]], axis=3))
                kernel = v1.get_variable("filter", [4, 4, filters, h.shape[3]])
                _, height, width, _ = (int(d) for d in h.shape)
                h = tf.nn.conv2d_transpose(
                    h, kernel, [1, height * 2, width * 2, filters], [1, 2, 2, 1], "SAME"
                )
                h = batchnorm(h)
                h = v1.nn.dropout(h, keep_prob=1 - dropout) if dropout else h
        with v1.variable_scope("decoder_1"):
            h = tf.nn.relu(tf.concat([h, layers[0]], axis=3))
            kernel = v1.get_variable("filter", [4, 4, 3, h.shape[3]])
            h = tf.tanh(tf.nn.conv2d_transpose(h, kernel, [1, side, side, 3], [1, 2, 2, 1], "SAME"))
        with v1.name_scope("deprocess"):
            batch_output = (h + 1) / 2
    output_image = tf.image.convert_image_dtype(batch_output, dtype=tf.uint8)[0]
    output_data = tf.image.encode_png(output_image)
    output = tf.convert_to_tensor([tf.io.encode_base64(output_data)])
    key = v1.placeholder(tf.string, shape=[1])
    key_out = tf.identity(key)
    v1.add_to_collection("inputs", json.dumps({"key": key.name, "input": served.name}))
    v1.add_to_collection("outputs", json.dumps({"key": key_out.name, "output": output.name}))
    return [([served], [output]), ([key, served], [key_out, output])]


@case("image to image")
def apples_to_oranges_exported_beside_the_training() -> Truths:
    """Two readers and pools of fakes train two painters; the export feeds one picture and fetches a JPEG."""
    side, ngf = 32, 6

    def reader(file: str, name: str) -> Tensor:
        with v1.name_scope(name):
            filenames = v1.train.string_input_producer([file])
            _, serialized = v1.TFRecordReader().read(filenames)
            features = v1.parse_single_example(
                serialized,
                features={
                    "image/file_name": tf.io.FixedLenFeature([], tf.string),
                    "image/encoded_image": tf.io.FixedLenFeature([], tf.string),
                },
            )
            image = tf.image.decode_jpeg(features["image/encoded_image"], channels=3)
            image = tf.image.resize(image, size=(side, side))
            image = tf.image.convert_image_dtype(tf.cast(image, tf.uint8), dtype=tf.float32) * 2.0 - 1.0
            image.set_shape([side, side, 3])
            batch: Any = v1.train.shuffle_batch([image], 1, 150, 100, num_threads=2)
            v1.summary.image("_input", batch)
            return batch

    def c(
        x: Tensor, k: int, size: int, stride: int, name: str, norm: bool = True, act: Act = tf.nn.relu
    ) -> Tensor:
        with v1.variable_scope(name, reuse=v1.AUTO_REUSE):
            weights = v1.get_variable("weights", [size, size, x.shape[3], k])
            y = tf.nn.conv2d(x, weights, strides=[1, stride, stride, 1], padding="SAME")
            if norm:
                with v1.variable_scope("instance_norm"):
                    scale, offset = v1.get_variable("scale", [k]), v1.get_variable("offset", [k])
                    mean, variance = tf.nn.moments(y, axes=[1, 2], keepdims=True)
                    y = scale * ((y - mean) * tf.math.rsqrt(variance + 1e-5)) + offset
            return act(y) if act else y

    def generator(x: Tensor, name: str) -> Tensor:
        with v1.variable_scope(name, reuse=v1.AUTO_REUSE):
            h = c(x, ngf, 7, 1, "c7s1_32")
            h = c(c(h, 2 * ngf, 3, 2, "d64"), 4 * ngf, 3, 2, "d128")
            for k in range(2):
                h = h + c(c(h, 4 * ngf, 3, 1, f"R128_{k}_a"), 4 * ngf, 3, 1, f"R128_{k}_b", act=None)
            for k, name_ in ((2, "u64"), (1, "u32")):
                with v1.variable_scope(name_, reuse=v1.AUTO_REUSE):
                    weights = v1.get_variable("weights", [3, 3, k * ngf, h.shape[3]])
                    size = int(h.shape[1]) * 2
                    h = tf.nn.relu(tf.nn.conv2d_transpose(h, weights, [1, size, size, k * ngf], 2, "SAME"))
            return c(h, 3, 7, 1, "output", False, tf.nn.tanh)

    def discriminator(x: Tensor, name: str) -> Tensor:
        with v1.variable_scope(name, reuse=v1.AUTO_REUSE):
            h = c(x, 8, 4, 2, "C64", False, tf.nn.leaky_relu)
            h = c(h, 16, 4, 2, "C128", True, tf.nn.leaky_relu)
            return c(h, 1, 4, 1, "output", False, None)

    def to_int(x: Tensor) -> Tensor:
        return tf.image.convert_image_dtype((x + 1.0) / 2.0, tf.uint8)

    def sample(x: Tensor, name: str) -> Tensor:
        return tf.image.encode_jpeg(tf.squeeze(to_int(generator(x, name)), [0]))

    pool_x = v1.placeholder(tf.float32, shape=[1, side, side, 3])
    pool_y = v1.placeholder(tf.float32, shape=[1, side, side, 3])
    x, y = reader("apple.tfrecords", "X"), reader("orange.tfrecords", "Y")
    fake_y, fake_x = generator(x, "G"), generator(y, "F")
    cycle = tf.reduce_mean(tf.abs(generator(fake_y, "F") - x))
    cycle = 10.0 * (cycle + tf.reduce_mean(tf.abs(generator(fake_x, "G") - y)))
    g_loss = cycle + tf.reduce_mean(v1.squared_difference(discriminator(fake_y, "D_Y"), 0.9))
    f_loss = cycle + tf.reduce_mean(v1.squared_difference(discriminator(fake_x, "D_X"), 0.9))
    d_losses = []
    for real, fake, name in ((y, pool_y, "D_Y"), (x, pool_x, "D_X")):
        error_real = tf.reduce_mean(v1.squared_difference(discriminator(real, name), 0.9))
        d_losses.append((error_real + tf.reduce_mean(tf.square(discriminator(fake, name)))) / 2)
    v1.summary.scalar("loss/cycle", cycle)
    v1.summary.image("X/generated", to_int(generator(x, "G")))
    v1.summary.image("Y/reconstruction", to_int(generator(generator(y, "F"), "G")))
    for loss, scope in ((g_loss, "G/"), (d_losses[0], "D_Y/"), (f_loss, "F/"), (d_losses[1], "D_X/")):
        step = v1.Variable(0, trainable=False)
        late = v1.train.polynomial_decay(2e-4, step - 100, 100, 0.0, power=1.0)
        rate = tf.where(tf.greater_equal(step, 100), late, 2e-4)
        v1.train.AdamOptimizer(rate, beta1=0.5).minimize(loss, global_step=step, var_list=_of(scope))
    input_image = v1.placeholder(tf.float32, shape=[side, side, 3], name="input_image")
    output_image = tf.identity(sample(tf.expand_dims(input_image, 0), "G"), name="output_image")
    return [([input_image], [output_image])]


@case("agent")
def screens_made_grey_and_valued_by_two_estimators() -> Truths:
    """A course's exercise: a small graph crops the screen, two nets of one class estimate the values."""
    with v1.variable_scope("state_processor"):
        input_state = v1.placeholder(shape=[210, 160, 3], dtype=tf.uint8)
        grey = tf.image.rgb_to_grayscale(input_state)
        grey = tf.image.crop_to_bounding_box(grey, 34, 0, 160, 160)
        grey = tf.image.resize(grey, [42, 42], method=tf.image.ResizeMethod.NEAREST_NEIGHBOR)
        processed = tf.squeeze(grey)
    v1.Variable(0, name="global_step", trainable=False)
    step = v1.train.get_or_create_global_step()

    def estimator(scope: str) -> tuple[Tensor, Tensor]:
        with v1.variable_scope(scope):
            x_pl = v1.placeholder(shape=[None, 42, 42, 4], dtype=tf.uint8, name="X")
            y_pl = v1.placeholder(shape=[None], dtype=tf.float32, name="y")
            actions_pl = v1.placeholder(shape=[None], dtype=tf.int32, name="actions")
            h = tf.cast(x_pl, tf.float32) / 255.0
            batch_size = tf.shape(x_pl)[0]
            for k, (filters, size, stride) in enumerate(((8, 8, 4), (12, 4, 2), (12, 3, 1))):
                with v1.variable_scope("Conv" if k == 0 else f"Conv_{k}"):
                    weights = v1.get_variable("weights", [size, size, h.shape[-1], filters])
                    biases = v1.get_variable("biases", [filters])
                    h = tf.nn.relu(tf.nn.bias_add(tf.nn.conv2d(h, weights, stride, "SAME"), biases))
            h = _rows(h)
            for k, (units, act) in enumerate(((24, tf.nn.relu), (4, tf.identity))):
                with v1.variable_scope("fully_connected" if k == 0 else f"fully_connected_{k}"):
                    weights = v1.get_variable("weights", [h.shape[-1], units])
                    h = act(tf.nn.bias_add(tf.matmul(h, weights), v1.get_variable("biases", [units])))
            predictions = h
            gather_indices = tf.range(batch_size) * tf.shape(predictions)[1] + actions_pl
            action_predictions = tf.gather(tf.reshape(predictions, [-1]), gather_indices)
            losses = v1.squared_difference(y_pl, action_predictions)
            loss = tf.reduce_mean(losses)
            optimizer = v1.train.RMSPropOptimizer(0.00025, 0.99, 0.0, 1e-6)
            optimizer.minimize(loss, global_step=step)
            v1.summary.merge(
                [
                    v1.summary.scalar("loss", loss),
                    v1.summary.histogram("loss_hist", losses),
                    v1.summary.histogram("q_values_hist", predictions),
                    v1.summary.scalar("max_q_value", tf.reduce_max(predictions)),
                ]
            )
            return x_pl, predictions

    x, q = estimator("q")
    estimator("target_q")
    for e1, e2 in zip(_of("q"), _of("target_q"), strict=True):
        e2.assign(e1)
    return [([x], [q]), ([input_state, x], [processed, q])]


@case("agent")
def carts_balanced_by_workers_of_one_shared_net() -> Truths:
    """Asynchronous actor and critic for a few discrete acts: a shared net, workers that push and pull."""
    n_s, n_a = 4, 2
    opt_a = v1.train.RMSPropOptimizer(0.001, name="RMSPropA")
    opt_c = v1.train.RMSPropOptimizer(0.001, name="RMSPropC")
    w_init = v1.random_normal_initializer(0.0, 0.1)

    def layer(x: Tensor, units: int, act: Act, name: str) -> Tensor:
        with v1.variable_scope(name):
            kernel = v1.get_variable("kernel", [x.shape[-1], units], initializer=w_init)
            y = tf.nn.bias_add(tf.matmul(x, kernel), v1.get_variable("bias", [units]))
            return act(y) if act else y

    def build_net(s: Tensor, scope: str) -> tuple[Tensor, Tensor, list[Any], list[Any]]:
        with v1.variable_scope("actor"):
            l_a = layer(s, 20, tf.nn.relu6, "la")
            a_prob = layer(l_a, n_a, tf.nn.softmax, "ap")
        with v1.variable_scope("critic"):
            l_c = layer(s, 16, tf.nn.relu6, "lc")
            v = layer(l_c, 1, None, "v")
        return a_prob, v, _of(scope + "/actor"), _of(scope + "/critic")

    with v1.variable_scope("Global_Net"):
        global_s = v1.placeholder(tf.float32, [None, n_s], "S")
        global_prob, _, global_a, global_c = build_net(global_s, "Global_Net")
    answers: list[Truth] = []
    for name in ("W_0", "W_1"):
        with v1.variable_scope(name):
            s = v1.placeholder(tf.float32, [None, n_s], "S")
            a_his = v1.placeholder(tf.int32, [None], "A")
            v_target = v1.placeholder(tf.float32, [None, 1], "Vtarget")
            a_prob, v, a_params, c_params = build_net(s, name)
            td = tf.subtract(v_target, v, name="TD_error")
            with v1.name_scope("c_loss"):
                c_loss = tf.reduce_mean(tf.square(td))
            with v1.name_scope("a_loss"):
                log_prob = v1.log(a_prob + 1e-5) * tf.one_hot(a_his, n_a, dtype=tf.float32)
                exp_v = tf.reduce_sum(log_prob, axis=1, keepdims=True) * tf.stop_gradient(td)
                entropy = -tf.reduce_sum(a_prob * v1.log(a_prob + 1e-5), axis=1, keepdims=True)
                a_loss = tf.reduce_mean(-(0.001 * entropy + exp_v))
            with v1.name_scope("local_grad"):
                a_grads, c_grads = tf.gradients(a_loss, a_params), tf.gradients(c_loss, c_params)
            with v1.name_scope("sync"):
                with v1.name_scope("pull"):
                    for own, shared in ((a_params, global_a), (c_params, global_c)):
                        [l_p.assign(g_p) for l_p, g_p in zip(own, shared, strict=True)]
                with v1.name_scope("push"):
                    opt_a.apply_gradients(zip(a_grads, global_a, strict=True))
                    opt_c.apply_gradients(zip(c_grads, global_c, strict=True))
            answers += [([s], [a_prob]), ([s], [a_prob, v])]
    return [*answers, ([global_s], [global_prob])]


@case("agent", frozen=True)
def arms_that_reach_with_the_noise_from_outside() -> Truth:
    """A toolkit's brain as its trainer froze it: a normalized state, noise fed in, three named ends."""
    s_size, a_size = 9, 3
    step = v1.Variable(0, name="global_step", trainable=False, dtype=tf.int32)
    v1.Variable(0, name="last_reward", trainable=False, dtype=tf.float32)
    v1.placeholder(shape=None, dtype=tf.int32, name="batch_size")
    state_in = v1.placeholder(shape=[None, s_size], dtype=tf.float32, name="state")
    mean = v1.get_variable("running_mean", [s_size], trainable=False, initializer=v1.zeros_initializer())
    variance = v1.get_variable(
        "running_variance", [s_size], trainable=False, initializer=v1.ones_initializer()
    )
    spread = tf.sqrt(variance / (tf.cast(step, tf.float32) + 1))
    normalized = tf.clip_by_value((state_in - mean) / spread, -5, 5, name="normalized_state")
    new_mean = v1.placeholder(shape=[s_size], dtype=tf.float32, name="new_mean")
    new_variance = v1.placeholder(shape=[s_size], dtype=tf.float32, name="new_variance")
    v1.assign(mean, new_mean)
    v1.assign(variance, new_variance)
    streams = []
    for _ in range(2):
        h = normalized
        for _ in range(2):
            h = _dense(h, 20, tf.nn.tanh)
        streams.append(h)
    mu = _dense(streams[0], a_size, bias=False)
    log_sigma_sq = v1.get_variable("log_sigma_squared", [a_size], initializer=v1.zeros_initializer())
    sigma_sq = tf.exp(log_sigma_sq)
    epsilon = v1.placeholder(shape=[None, a_size], dtype=tf.float32, name="epsilon")
    output = tf.identity(mu + tf.sqrt(sigma_sq) * epsilon, name="action")
    a = tf.exp(-1 * tf.pow(tf.stop_gradient(output) - mu, 2) / (2 * sigma_sq))
    b = 1 / tf.sqrt(2 * sigma_sq * np.pi)
    probs = tf.multiply(a, b, name="action_probs")
    entropy = tf.reduce_sum(0.5 * v1.log(2 * np.pi * np.e * sigma_sq))
    value = tf.identity(_dense(streams[1], 1), name="value_estimate")
    old_probs = v1.placeholder(shape=[None, a_size], dtype=tf.float32, name="old_probabilities")
    returns = v1.placeholder(shape=[None], dtype=tf.float32, name="discounted_rewards")
    advantage = v1.placeholder(shape=[None, 1], dtype=tf.float32, name="advantages")
    decay_epsilon = v1.train.polynomial_decay(0.2, step, 50000, 1e-2, power=1.0)
    r_theta = probs / (old_probs + 1e-10)
    p_opt_b = tf.clip_by_value(r_theta, 1 - decay_epsilon, 1 + decay_epsilon) * advantage
    policy_loss = -tf.reduce_mean(tf.minimum(r_theta * advantage, p_opt_b))
    value_loss = tf.reduce_mean(v1.squared_difference(returns, tf.reduce_sum(value, axis=1)))
    loss = policy_loss + 0.5 * value_loss - 0.005 * entropy
    rate = v1.train.polynomial_decay(3e-4, step, 50000, 1e-10, power=1.0)
    v1.train.AdamOptimizer(learning_rate=rate).minimize(loss)
    v1.assign(step, step + 1)
    return [state_in, epsilon], [output, value, probs]


@case("agent")
def pendulum_with_gradients_carried_by_hand() -> Truth:
    """A blog's actor and critic: the critic's slopes are fetched and fed to the actor as numbers."""
    training = v1.get_variable("is_training", [], tf.bool, v1.zeros_initializer(), trainable=False)
    flag = tf.identity(training)

    def fully_connected(x: Tensor, units: int, act: Act = None, limit: float | None = None) -> Tensor:
        with v1.variable_scope(None, default_name="FullyConnected"):
            init = v1.random_uniform_initializer(-limit, limit) if limit else None
            w = v1.get_variable("W", [x.shape[-1], units], initializer=init)
            b = v1.get_variable("b", [units], initializer=v1.zeros_initializer())
            y = tf.nn.bias_add(tf.matmul(x, w), b)
            return act(y) if act else y

    def input_data(size: int) -> Tensor:
        with v1.name_scope("InputData"):
            return v1.placeholder(tf.float32, [None, size], name="X")

    def actor() -> tuple[Tensor, Tensor]:
        inputs = input_data(3)
        net = fully_connected(inputs, 24)
        net = tf.nn.relu(_bn(net, flag, momentum=0.9))
        net = fully_connected(net, 16)
        net = tf.nn.relu(_bn(net, flag, momentum=0.9))
        out = fully_connected(net, 1, tf.tanh, 0.003)
        return inputs, tf.multiply(out, [2.0])

    def critic() -> tuple[Tensor, Tensor, Tensor]:
        inputs, action = input_data(3), input_data(1)
        net = fully_connected(inputs, 24)
        net = tf.nn.relu(_bn(net, flag, momentum=0.9))
        t1, t2 = fully_connected(net, 16), fully_connected(action, 16)
        net = tf.nn.relu(t1 + t2)
        return inputs, action, fully_connected(net, 1, limit=0.003)

    inputs, scaled_out = actor()
    network_params = v1.trainable_variables()
    actor()
    target_params = v1.trainable_variables()[len(network_params) :]
    for new, old in zip(target_params, network_params, strict=True):
        old.assign(tf.multiply(new, 0.001) + tf.multiply(old, 1.0 - 0.001))
    action_gradient = v1.placeholder(tf.float32, [None, 1])
    unnormalized = tf.gradients(scaled_out, network_params, -action_gradient)
    actor_gradients = [tf.divide(x, 64) for x in unnormalized]
    v1.train.AdamOptimizer(0.0001).apply_gradients(zip(actor_gradients, network_params, strict=True))
    before = len(v1.trainable_variables())
    _, action, out = critic()
    critic_params = v1.trainable_variables()[before:]
    critic()
    target_critic = v1.trainable_variables()[before + len(critic_params) :]
    for new, old in zip(target_critic, critic_params, strict=True):
        new.assign(tf.multiply(old, 0.001) + tf.multiply(new, 1.0 - 0.001))
    predicted_q_value = v1.placeholder(tf.float32, [None, 1])
    loss = tf.reduce_mean(tf.square(predicted_q_value - out))
    v1.train.AdamOptimizer(0.001).minimize(loss)
    tf.gradients(out, action)
    episode_reward = v1.Variable(0.0)
    v1.summary.scalar("Reward", episode_reward)
    episode_ave_max_q = v1.Variable(0.0)
    v1.summary.scalar("Qmax_Value", episode_ave_max_q)
    v1.summary.merge_all()
    return [inputs], [scaled_out]


@case("style transfer")
def photographs_from_files_painted_against_one_style() -> Truth:
    """The training of a fast painter: photographs from a queue of files, losses behind a net of names."""
    side, batch = 32, 2
    means = tf.constant([123.68, 116.78, 103.94])
    files = v1.train.string_input_producer(["a.jpg", "b.jpg"], shuffle=True, num_epochs=2)
    _, img_bytes = v1.WholeFileReader().read(files)
    image = tf.image.decode_jpeg(img_bytes, channels=3)
    image = v1.image.resize_bilinear(tf.expand_dims(image, 0), [side, side])
    image = tf.squeeze(image, [0]) - means
    image.set_shape([side, side, 3])
    processed_images = v1.train.batch([image], batch, dynamic_pad=True)

    def conv2d(x: Tensor, filters: int, kernel: int, strides: int) -> Tensor:
        with v1.variable_scope("conv"):
            weight = _raw(kernel, kernel, int(x.shape[-1]), filters, name="weight")
            around = kernel // 2
            x_padded = tf.pad(x, [[0, 0], [around] * 2, [around] * 2, [0, 0]], mode="REFLECT")
            return tf.nn.conv2d(x_padded, weight, strides=[1, strides, strides, 1], padding="VALID")

    def instance_norm(x: Tensor) -> Tensor:
        mean, var = tf.nn.moments(x, [1, 2], keepdims=True)
        return tf.divide(tf.subtract(x, mean), tf.sqrt(tf.add(var, 1e-9)))

    def relu(x: Tensor) -> Tensor:
        found = tf.nn.relu(x)
        return tf.where(tf.equal(found, found), found, tf.zeros_like(found))

    h = tf.pad(processed_images, [[0, 0], [10, 10], [10, 10], [0, 0]], mode="REFLECT")
    for k, (filters, kernel, strides) in enumerate(((6, 9, 1), (8, 3, 2), (12, 3, 2)), 1):
        with v1.variable_scope(f"conv{k}"):
            h = relu(instance_norm(conv2d(h, filters, kernel, strides)))
    for k in (1, 2):
        with v1.variable_scope(f"res{k}"):
            h = h + conv2d(relu(conv2d(h, 12, 3, 1)), 12, 3, 1)
    for k, filters in ((1, 8), (2, 6)):
        with v1.variable_scope(f"deconv{k}"), v1.variable_scope("conv_transpose"):
            shape = tf.shape(h)
            larger = v1.image.resize_images(h, tf.stack([shape[1] * 4, shape[2] * 4]), 1)
            h = relu(instance_norm(conv2d(larger, filters, 3, 2)))
    with v1.variable_scope("deconv3"):
        h = tf.nn.tanh(instance_norm(conv2d(h, 3, 9, 1)))
    h = (h + 1) * 127.5
    size = tf.shape(h)
    generated = tf.slice(h, [0, 10, 10, 0], tf.stack([-1, size[1] - 20, size[2] - 20, -1]))
    generated.set_shape([batch, side, side, 3])
    processed_generated = tf.stack([img - means for img in tf.unstack(generated, axis=0, num=batch)])
    ends: dict[str, Tensor] = {}
    h = tf.concat([processed_generated, processed_images], 0)
    with v1.variable_scope("vgg_16"):
        for block, (times, filters) in enumerate(((2, 4), (2, 6), (3, 8)), 1):
            for k in range(1, times + 1):
                with v1.variable_scope(f"conv{block}/conv{block}_{k}"):
                    weights = v1.get_variable("weights", [3, 3, h.shape[-1], filters])
                    biases = v1.get_variable("biases", [filters])
                    h = tf.nn.relu(tf.nn.bias_add(tf.nn.conv2d(h, weights, 1, "SAME"), biases))
                ends[f"conv{block}_{k}"] = h
            h = tf.nn.max_pool2d(h, 2, 2, "VALID", name=f"pool{block}")
        logits = tf.reduce_mean(h, [1, 2])
        with v1.variable_scope("fc8"):
            logits = tf.matmul(logits, v1.get_variable("weights", [8, 10])) + v1.get_variable("biases", [10])

    def gram(layer: Tensor) -> Tensor:
        n, height, width, filters = (int(d) for d in layer.shape)
        filters_flat = tf.reshape(layer, tf.stack([n, -1, filters]))
        return tf.matmul(filters_flat, filters_flat, transpose_a=True) / (height * width * filters)

    made, given = tf.split(ends["conv3_3"], 2, 0)
    content_loss = tf.nn.l2_loss(made - given) * 2 / tf.cast(tf.size(made), tf.float32)
    style_loss: Tensor = 0
    for name in ("conv1_2", "conv2_2", "conv3_3"):
        made, _ = tf.split(ends[name], 2, 0)
        filters = int(made.shape[-1])
        style_gram = tf.constant(np.eye(filters, dtype="f"), name=name + "_style")
        layer_loss = tf.nn.l2_loss(gram(made) - style_gram) * 2 / (batch * filters * filters)
        v1.summary.scalar("style_losses/" + name, layer_loss)
        style_loss += layer_loss
    y = tf.slice(generated, [0, 0, 0, 0], [-1, side - 1, -1, -1])
    y -= tf.slice(generated, [0, 1, 0, 0], [-1, -1, -1, -1])
    tv_loss = tf.nn.l2_loss(y) / tf.cast(tf.size(y), tf.float32)
    loss = 220.0 * style_loss + 1.0 * content_loss + 0.0 * tv_loss
    for part, value in (("content_loss", content_loss), ("style_loss", style_loss), ("total", loss)):
        v1.summary.scalar("losses/" + part, value)
    v1.summary.image("generated", generated)
    v1.summary.image("origin", tf.stack([img + means for img in tf.unstack(processed_images, num=batch)]))
    step = v1.Variable(0, name="global_step", trainable=False)
    trained = [v for v in v1.trainable_variables() if not v.name.startswith("vgg_16")]
    v1.train.AdamOptimizer(1e-3).minimize(loss, global_step=step, var_list=trained)
    return [processed_images], [generated]


@case("super resolution", frozen=True)
def photographs_enlarged_in_their_brightness_only() -> Truth:
    """A student's demo: the brightness through a sub-pixel net, the colours by cubes, put together again."""
    r = 3
    lr_image = v1.placeholder(tf.uint8, [None, None, 3], name="lr_image")
    rgb = tf.cast(lr_image, tf.float32) / 255.0
    to_yuv = tf.constant([[0.299, -0.169, 0.5], [0.587, -0.331, -0.419], [0.114, 0.5, -0.081]], tf.float32)
    shape = tf.shape(rgb)
    ycc = tf.add(tf.matmul(tf.reshape(rgb, [-1, 3]), to_yuv), [0.0, 0.5, 0.5])
    ycc = tf.reshape(ycc, tf.stack([1, shape[0], shape[1], 3]))
    y, cbcr = tf.split(ycc, [1, 2], axis=3)
    with v1.variable_scope("espcn"):
        w1, b1 = _raw(5, 5, 1, 12, name="w1"), v1.Variable(tf.zeros([12]), name="b1")
        w2, b2 = _raw(3, 3, 12, 8, name="w2"), v1.Variable(tf.zeros([8]), name="b2")
        w3, b3 = _raw(3, 3, 8, r * r, name="w3"), v1.Variable(tf.zeros([r * r]), name="b3")
        conv1 = tf.nn.tanh(tf.nn.conv2d(y, w1, strides=[1, 1, 1, 1], padding="SAME") + b1)
        conv2 = tf.nn.tanh(tf.nn.conv2d(conv1, w2, strides=[1, 1, 1, 1], padding="SAME") + b2)
        conv3 = tf.nn.conv2d(conv2, w3, strides=[1, 1, 1, 1], padding="SAME") + b3
        sr_y = tf.nn.depth_to_space(conv3, r)
    colours = v1.image.resize_bicubic(cbcr, tf.stack([shape[0] * r, shape[1] * r]))
    full = tf.concat([sr_y, colours], axis=3)
    to_rgb = tf.constant([[1.0, 1.0, 1.0], [0.0, -0.344, 1.772], [1.402, -0.714, 0.0]], tf.float32)
    out = tf.matmul(tf.reshape(full - [0.0, 0.5, 0.5], [-1, 3]), to_rgb)
    out = tf.reshape(out, tf.stack([shape[0] * r, shape[1] * r, 3]))
    sr_image = tf.cast(tf.clip_by_value(tf.round(out * 255.0), 0, 255), tf.uint8, name="sr_image")
    return [lr_image], [sr_image]


@case("segmentation")
def cars_cut_out_with_their_ends_in_collections() -> Truth:
    """A competition's net for masks: a flag for the mode, overlap as the loss, ends in collections."""
    x = v1.placeholder(tf.float32, shape=[None, 32, 48, 3], name="X")
    y = v1.placeholder(tf.float32, shape=[None, 32, 48, 1], name="y")
    mode = v1.placeholder(tf.bool, name="mode")

    def conv_conv_pool(t: Tensor, n_filters: Sequence[int], name: str, pool: bool = True) -> Any:
        with v1.variable_scope(f"layer{name}"):
            for i, f in enumerate(n_filters):
                t = _conv(t, f, 3, name=f"conv_{i + 1}")
                v1.add_to_collection(
                    v1.GraphKeys.REGULARIZATION_LOSSES, 0.1 * tf.nn.l2_loss(v1.trainable_variables()[-2])
                )
                t = _bn(t, mode, name=f"bn_{i + 1}")
                t = tf.nn.relu(t, name=f"relu{name}_{i + 1}")
            return (t, tf.nn.max_pool2d(t, 2, 2, "VALID", name=f"pool_{name}")) if pool else t

    net = x / 127.5 - 1
    net = _conv(net, 3, 1, name="color_space_adjust")
    conv1, pool1 = conv_conv_pool(net, [6, 6], "1")
    conv2, pool2 = conv_conv_pool(pool1, [8, 8], "2")
    conv3, pool3 = conv_conv_pool(pool2, [12, 12], "3")
    conv4 = conv_conv_pool(pool3, [16, 16], "4", pool=False)
    for name, below, filters in (("5", conv3, 12), ("6", conv2, 8), ("7", conv1, 6)):
        up = _up(conv4, filters, 2, 2, name=f"upsample_{name}")
        conv4 = conv_conv_pool(
            tf.concat([up, below], -1, name=f"concat_{name}"), [filters] * 2, name, pool=False
        )
    pred = _conv(conv4, 1, 1, act=tf.nn.sigmoid, name="final")
    v1.add_to_collection("inputs", x)
    v1.add_to_collection("inputs", mode)
    v1.add_to_collection("outputs", pred)
    v1.summary.histogram("Predicted_Mask", pred)
    v1.summary.image("Predicted_Mask_image", pred)
    flat_p, flat_t = tf.reshape(pred, [-1, 32 * 48]), tf.reshape(y, [-1, 32 * 48])
    intersection = 2 * tf.reduce_sum(flat_p * flat_t, axis=1) + 1e-7
    denominator = tf.reduce_sum(flat_p, axis=1) + tf.reduce_sum(flat_t, axis=1) + 1e-7
    iou = tf.reduce_mean(intersection / denominator)
    step = v1.train.get_or_create_global_step()
    with v1.control_dependencies(v1.get_collection(v1.GraphKeys.UPDATE_OPS)):
        v1.train.AdamOptimizer().minimize(-iou, global_step=step)
    v1.summary.scalar("IOU", iou)
    v1.summary.merge_all()
    return [x], [pred]


@case("detector")
def boxes_of_a_notebook_on_one_photograph() -> Truths:
    """A notebook shows a single-shot detector: any photograph in, scores and places of each scale fetched."""
    img_input = v1.placeholder(tf.uint8, shape=(None, None, 3))
    with v1.name_scope("ssd_preprocessing_train"):
        image = tf.cast(img_input, tf.float32)
        image = image - tf.constant([123.0, 117.0, 104.0], dtype=image.dtype)
        bboxes = tf.constant([[0.0, 0.0, 1.0, 1.0]])
        with v1.name_scope("resize_image"):
            image = v1.image.resize_images(tf.expand_dims(image, 0), (64, 64), 0, False)
            image = tf.reshape(image, tf.stack([64, 64, 3]))
        bbox_img = bboxes[0]
    image_4d = tf.expand_dims(image, 0)

    def conv2d(
        x: Tensor, filters: int, size: int, scope: str, stride: int = 1, rate: int = 1, act: Act = tf.nn.relu
    ) -> Tensor:
        with v1.variable_scope(scope):
            weights = v1.get_variable("weights", [size, size, x.shape[-1], filters])
            biases = v1.get_variable("biases", [filters], initializer=v1.zeros_initializer())
            y = tf.nn.conv2d(x, weights, stride, "SAME", dilations=rate)
            y = tf.nn.bias_add(y, biases)
            return act(y) if act else y

    ends = {}
    classes = 5
    with v1.variable_scope("ssd_300_vgg"):
        net = image_4d
        for block, (times, filters) in enumerate(((2, 4), (2, 6), (3, 8), (3, 12)), 1):
            for k in range(1, times + 1):
                net = conv2d(net, filters, 3, f"conv{block}/conv{block}_{k}")
            ends[f"block{block}"] = net
            net = tf.nn.max_pool2d(net, 2, 2, "SAME", name=f"pool{block}")
        net = conv2d(net, 16, 3, "conv6", rate=6)
        net = ends["block7"] = conv2d(net, 16, 1, "conv7")
        with v1.variable_scope("block8"):
            net = ends["block8"] = conv2d(conv2d(net, 8, 1, "conv1x1"), 12, 3, "conv3x3", 2)
        logits, predictions, localisations = [], [], []
        for layer, anchors in (("block4", 4), ("block7", 6), ("block8", 4)):
            with v1.variable_scope(layer + "_box"):
                net = ends[layer]
                if layer == "block4":
                    with v1.variable_scope("L2Normalization"):
                        scale = v1.get_variable("gamma", [12], initializer=v1.constant_initializer(20.0))
                        net = tf.multiply(tf.nn.l2_normalize(net, 3, 1e-12), scale)
                grid = [1, int(net.shape[1]), int(net.shape[2]), anchors]
                loc = conv2d(net, anchors * 4, 3, "conv_loc", act=None)
                localisations.append(tf.reshape(loc, [*grid, 4]))
                cls = tf.reshape(conv2d(net, anchors * classes, 3, "conv_cls", act=None), [*grid, classes])
                logits.append(cls)
        with v1.name_scope("softmax"):
            for cls in logits:
                flat = tf.nn.softmax(tf.reshape(cls, [-1, classes]))
                predictions.append(tf.reshape(flat, tf.shape(cls)))
    return [
        ([img_input], [image_4d, *predictions, *localisations, bbox_img]),
        ([img_input], [*predictions, *localisations, bbox_img]),
        ([img_input], [*predictions, *localisations]),
    ]


@case("speech")
def sentences_heard_through_reversed_gates() -> Truths:
    """Spectrograms through strided convolutions, gates both ways by reversing, a beam over letters."""
    features, units, letters = 24, 12, 29
    inputs = v1.placeholder(tf.float32, [None, None, features], name="spectrograms")
    seq_len = v1.placeholder(tf.int32, [None], name="spectrogram_lengths")
    targets = v1.sparse_placeholder(tf.int32, name="transcripts")
    is_training = v1.placeholder_with_default(False, [], name="is_training")
    h = tf.expand_dims(inputs, -1)
    lengths = seq_len
    for stride, filters in ((2, 4), (1, 6)):
        with v1.variable_scope(None, default_name="conv_layer"):
            kernel = v1.get_variable("kernel", [5, 7, h.shape[-1], filters])
            h = tf.nn.conv2d(h, kernel, [1, stride, 2, 1], "SAME")
            h = tf.minimum(tf.nn.relu(_bn(h, is_training)), 20.0)
        lengths = (lengths + stride - 1) // stride
    shape = tf.shape(h)
    h = tf.reshape(h, tf.stack([shape[0], shape[1], 6 * 6]))
    for layer in range(2):
        with v1.variable_scope(f"birnn_{layer}"):
            with v1.variable_scope("fw"):
                fw, _ = v1.nn.dynamic_rnn(_Gru(units), h, lengths, dtype=tf.float32)
            with v1.variable_scope("bw"):
                turned = tf.reverse_sequence(h, lengths, seq_axis=1, batch_axis=0)
                bw, _ = v1.nn.dynamic_rnn(_Gru(units), turned, lengths, dtype=tf.float32)
                bw = tf.reverse_sequence(bw, lengths, seq_axis=1, batch_axis=0)
            h = _drop(tf.add(fw, bw), 0.3, is_training)
            h.set_shape([None, None, units])
    logits = tf.transpose(_dense(h, letters), [1, 0, 2])
    with v1.name_scope("loss"):
        each = v1.nn.ctc_loss(targets, logits, lengths, ignore_longer_outputs_than_inputs=True)
        loss = tf.reduce_mean(each)
        v1.summary.scalar("ctc", loss)
    step = v1.train.get_or_create_global_step()
    rate = v1.train.exponential_decay(5e-4, step, 1000, 0.97)
    optimizer = v1.train.AdamOptimizer(rate)
    grads, variables = zip(*optimizer.compute_gradients(loss), strict=True)
    grads, _ = tf.clip_by_global_norm(grads, 100.0)
    with v1.control_dependencies(v1.get_collection(v1.GraphKeys.UPDATE_OPS)):
        optimizer.apply_gradients(zip(grads, variables, strict=True), step)
    with v1.name_scope("decoder"):
        decoded, log_probs = tf.nn.ctc_beam_search_decoder(logits, lengths, beam_width=16)
        hypothesis = tf.cast(decoded[0], tf.int32)
        distances = tf.edit_distance(hypothesis, targets, normalize=True)
        v1.summary.scalar("label_error_rate", tf.reduce_mean(distances))
        text = tf.sparse.to_dense(hypothesis, default_value=-1, name="hypothesis")
    return [([inputs, seq_len], [text]), ([inputs, seq_len], [text, log_probs])]


@case("ocr")
def words_in_pictures_whose_scores_are_fed_back() -> Truths:
    """A blog's reader of handwriting: a sparse best path; the saved scores may be fed back for the chance."""
    chars, imgs, high = 20, 32, 16
    is_train = v1.placeholder(tf.bool, name="is_train")
    input_imgs = v1.placeholder(tf.float32, shape=(None, imgs, high))
    pool = tf.expand_dims(input_imgs, 3)
    kernels, depths = [5, 5, 3, 3], [1, 6, 8, 10, 12]
    strides = [(2, 2), (1, 2), (1, 2), (1, 2)]
    for i in range(4):
        kernel = _raw(kernels[i], kernels[i], depths[i], depths[i + 1])
        conv = tf.nn.conv2d(pool, kernel, padding="SAME", strides=(1, 1, 1, 1))
        relu = tf.nn.relu(_bn(conv, is_train))
        size = (1, strides[i][0], strides[i][1], 1)
        pool = v1.nn.max_pool(relu, size, size, "VALID")
    rnn_in3d = tf.squeeze(pool, axis=[2])
    cells = [_Stack([_Lstm(12) for _ in range(2)]) for _ in range(2)]
    (fw, bw), _ = v1.nn.bidirectional_dynamic_rnn(cells[0], cells[1], rnn_in3d, dtype=rnn_in3d.dtype)
    concat = tf.expand_dims(tf.concat([fw, bw], 2), 2)
    kernel = _raw(1, 1, 24, chars + 1)
    rnn_out_3d = tf.squeeze(tf.nn.atrous_conv2d(concat, kernel, rate=1, padding="SAME"), axis=[2])
    ctc_in_3d_tbc = tf.transpose(rnn_out_3d, [1, 0, 2])
    gt_texts = tf.SparseTensor(
        v1.placeholder(tf.int64, shape=[None, 2]),
        v1.placeholder(tf.int32, [None]),
        v1.placeholder(tf.int64, [2]),
    )
    seq_len = v1.placeholder(tf.int32, [None])
    each = v1.nn.ctc_loss(gt_texts, ctc_in_3d_tbc, seq_len, ctc_merge_repeated=True)
    loss = tf.reduce_mean(each)
    saved_ctc_input = v1.placeholder(tf.float32, shape=[None, None, chars + 1])
    v1.nn.ctc_loss(gt_texts, saved_ctc_input, seq_len, ctc_merge_repeated=True)
    decoded, score = tf.nn.ctc_greedy_decoder(ctc_in_3d_tbc, seq_len)
    with v1.control_dependencies(v1.get_collection(v1.GraphKeys.UPDATE_OPS)):
        v1.train.AdamOptimizer().minimize(loss)
    fed = [input_imgs, seq_len]
    path = [decoded[0].indices, decoded[0].values, decoded[0].dense_shape]
    return [
        (fed, [*path, score]),
        (fed, path),
        (fed, [*path, ctc_in_3d_tbc]),
        ([input_imgs], [ctc_in_3d_tbc]),
    ]


@case("forecaster")
def signals_to_come_from_lists_of_moments() -> Truth:
    """A guided exercise: lists of placeholders for the past and what comes, a decoder fed the past."""
    seq_length, dims, hidden = 6, 2, 10
    with v1.variable_scope("Seq2seq"):
        enc_inp = [v1.placeholder(tf.float32, shape=(None, dims), name=f"inp_{t}") for t in range(seq_length)]
        expected_sparse_output = [
            v1.placeholder(tf.float32, shape=(None, dims), name=f"expected_sparse_output_{t}")
            for t in range(seq_length)
        ]
        dec_inp = [tf.zeros_like(enc_inp[0], dtype=np.float32, name="GO"), *enc_inp[:-1]]
        cell = _Stack([_Gru(hidden), _Gru(hidden)])
        w_out = v1.Variable(tf.random.normal([hidden, dims]))
        b_out = v1.Variable(tf.random.normal([dims]))
        with v1.variable_scope("basic_rnn_seq2seq"):
            _, state = v1.nn.static_rnn(cell, enc_inp, dtype=tf.float32)
            dec_outputs = []
            with v1.variable_scope("rnn_decoder"):
                for i, inp in enumerate(dec_inp):
                    if i > 0:
                        v1.get_variable_scope().reuse_variables()
                    output, state = cell(inp, state)
                    dec_outputs.append(output)
        output_scale_factor = v1.Variable(1.0, name="Output_ScaleFactor")
        reshaped_outputs = [output_scale_factor * (tf.matmul(i, w_out) + b_out) for i in dec_outputs]
    with v1.variable_scope("Loss"):
        output_loss: Tensor = 0
        for y, wanted in zip(reshaped_outputs, expected_sparse_output, strict=True):
            output_loss += tf.reduce_mean(tf.nn.l2_loss(y - wanted))
        reg_loss: Tensor = 0
        for tf_var in v1.trainable_variables():
            if not ("Bias" in tf_var.name or "Output_" in tf_var.name):
                reg_loss += tf.reduce_mean(tf.nn.l2_loss(tf_var))
        loss = output_loss + 0.003 * reg_loss
    with v1.variable_scope("Optimizer"):
        v1.train.RMSPropOptimizer(0.007, decay=0.92, momentum=0.5).minimize(loss)
    return list(enc_inp), list(reshaped_outputs)


@case("recommender")
def films_ranked_by_pairs_of_liked_and_not() -> Truths:
    """Factors learned from triples of a user and two films; all films are scored for the one that asks."""
    user_count, item_count, hidden_dim = 40, 60, 8
    u = v1.placeholder(tf.int32, [None])
    i = v1.placeholder(tf.int32, [None])
    j = v1.placeholder(tf.int32, [None])
    with tf.device("/cpu:0"):
        init = v1.random_normal_initializer(0, 0.1)
        user_emb_w = v1.get_variable("user_emb_w", [user_count + 1, hidden_dim], initializer=init)
        item_emb_w = v1.get_variable("item_emb_w", [item_count + 1, hidden_dim], initializer=init)
        item_b = v1.get_variable("item_b", [item_count + 1, 1], initializer=v1.constant_initializer(0.0))
        u_emb = tf.nn.embedding_lookup(user_emb_w, u)
        i_emb, i_b = tf.nn.embedding_lookup(item_emb_w, i), tf.nn.embedding_lookup(item_b, i)
        j_emb, j_b = tf.nn.embedding_lookup(item_emb_w, j), tf.nn.embedding_lookup(item_b, j)
    x = i_b - j_b + tf.reduce_sum(tf.multiply(u_emb, (i_emb - j_emb)), 1, keepdims=True)
    mf_auc = tf.reduce_mean(tf.cast(x > 0, tf.float32))
    v1.summary.scalar("user_auc", mf_auc)
    l2_norm = tf.add_n([tf.reduce_sum(tf.multiply(e, e)) for e in (u_emb, i_emb, j_emb)])
    bprloss = 0.0001 * l2_norm - tf.reduce_mean(v1.log(tf.sigmoid(x)))
    v1.train.GradientDescentOptimizer(0.1).minimize(bprloss)
    scores = tf.matmul(u_emb, item_emb_w, transpose_b=True) + tf.transpose(item_b)
    values, indices = tf.nn.top_k(scores, k=5)
    return [([u], [values, indices]), ([u], [indices]), ([u], [scores])]


@case("recommender")
def incomes_by_a_wide_and_a_deep_side_from_lines() -> Truths:
    """An official example under the hood: lines to columns, two optimizers, a head of many answers."""
    names = "age workclass fnlwgt education education_num occupation relationship capital_gain income_bracket"
    defaults: list[list[Any]] = [[0], [""], [0], [""], [0], [""], [""], [0], [""]]

    def parse_csv(value: Tensor) -> tuple[dict[str, Tensor], Tensor]:
        columns = dict(zip(names.split(), v1.decode_csv(value, record_defaults=defaults), strict=True))
        labels = columns.pop("income_bracket")
        return columns, tf.equal(labels, ">50K")

    dataset = v1.data.TextLineDataset("adult.data").shuffle(100).map(parse_csv, num_parallel_calls=5)
    dataset = dataset.repeat(40).batch(40)
    features: Any
    features, labels = v1.data.make_one_shot_iterator(dataset).get_next()
    kinds = {"education": ["Bachelors", "HS-grad", "11th"], "relationship": ["Husband", "Wife", "Unmarried"]}
    kinds["workclass"] = ["Private", "State-gov", "Never-worked"]
    ids: dict[str, Tensor] = {}
    for name in sorted(kinds):
        with v1.name_scope(f"{name}_lookup"):
            keys = tf.constant(kinds[name])
            numbers = tf.range(3, dtype=tf.int64)
            found = tf.lookup.StaticHashTable(tf.lookup.KeyValueTensorInitializer(keys, numbers), -1)
            ids[name] = found.lookup(features[name])
    ids["occupation"] = tf.strings.to_hash_bucket_fast(features["occupation"], 50)
    step = v1.train.get_or_create_global_step()
    with v1.variable_scope("dnn"):
        with v1.variable_scope("input_from_feature_columns/input_layer"):
            parts = []
            for name in ("age", "capital_gain", "education_num"):
                with v1.name_scope(name):
                    number = tf.expand_dims(tf.cast(features[name], tf.float32), -1)
                    parts.append(tf.reshape(number, [tf.shape(number)[0], 1]))
            for name in sorted(kinds):
                with v1.name_scope(f"{name}_indicator"):
                    parts.append(tf.one_hot(ids[name], 3))
            with v1.variable_scope("occupation_embedding"):
                weights = v1.get_variable("embedding_weights", [50, 8])
                parts.append(tf.nn.embedding_lookup(weights, ids["occupation"]))
            net = tf.concat(parts, 1)
        for k, units in enumerate((20, 12, 8)):
            net = _dense(net, units, tf.nn.relu, f"hiddenlayer_{k}")
            v1.summary.scalar(f"hiddenlayer_{k}/fraction_of_zero_values", tf.nn.zero_fraction(net))
            v1.summary.histogram(f"hiddenlayer_{k}/activation", net)
        dnn_logits = _dense(net, 1, name="logits")
    with v1.variable_scope("linear/linear_model"):
        with v1.name_scope("education_X_occupation"):
            both = tf.strings.join([features["education"], features["occupation"]], "_X_")
            ids["education_X_occupation"] = tf.strings.to_hash_bucket_fast(both, 100)
        with v1.name_scope("age_bucketized"):
            borders = [18.0, 25.0, 30.0, 35.0, 40.0, 45.0, 50.0, 55.0, 60.0, 65.0]
            age = tf.cast(features["age"], tf.float32)
            ids["age_bucketized"] = tf.cast(tf.raw_ops.Bucketize(input=age, boundaries=borders), tf.int64)
        sums = []
        for name, size in (("age_bucketized", 11), ("education", 3), ("education_X_occupation", 100)):
            with v1.variable_scope(name):
                zeros = v1.zeros_initializer()
                weights = v1.get_variable("weights", [size, 1], initializer=zeros)
                sums.append(tf.nn.embedding_lookup(weights, tf.maximum(ids[name], 0), name="weighted_sum"))
        bias = v1.get_variable("bias_weights", [1], initializer=v1.zeros_initializer())
        linear_logits = tf.nn.bias_add(tf.add_n(sums, name="weighted_sum_no_bias"), bias, name="weighted_sum")
    logits = tf.add(dnn_logits, linear_logits, name="add")
    with v1.name_scope("head"):
        with v1.name_scope("predictions"):
            logistic = tf.sigmoid(logits, name="logistic")
            two_class = tf.concat((tf.zeros_like(logits), logits), axis=-1, name="two_class_logits")
            probabilities = tf.nn.softmax(two_class, name="probabilities")
            class_ids = tf.expand_dims(tf.argmax(two_class, axis=-1), -1, name="class_ids")
            classes = tf.strings.as_string(class_ids, name="str_classes")
        wanted = tf.expand_dims(tf.cast(labels, tf.float32), -1)
        each = v1.nn.sigmoid_cross_entropy_with_logits(labels=wanted, logits=logits)
        loss = tf.reduce_sum(each, name="weighted_loss")
        v1.summary.scalar("loss", loss)
    linear_rate = 1.0 / math.sqrt(3)
    tf.group(
        v1.train.AdagradOptimizer(0.05).minimize(loss, var_list=_of("dnn")),
        v1.train.FtrlOptimizer(linear_rate, l1_regularization_strength=0.1).minimize(
            loss, var_list=_of("linear")
        ),
    )
    v1.assign_add(step, 1)
    fed = [features[n] for n in names.split() if n not in ("fnlwgt", "income_bracket")]
    fetched = [
        [logits, logistic, probabilities, class_ids, classes],
        [class_ids, classes, logistic, probabilities],
        [class_ids, probabilities],
        [probabilities],
        [logistic],
        [class_ids],
        [logits],
    ]
    return [(fed, list(one)) for one in fetched]


@case("embedding", modern=True)
def digits_embedded_by_all_valid_triplets() -> Truth:
    """A university's tutorial: a model function over a data set, all triplets of a batch within the graph."""
    pictures = np.zeros([20, 784], "f")
    numbers = np.arange(20) % 10
    dataset = tf.data.Dataset.from_tensor_slices((pictures, numbers))
    dataset = dataset.shuffle(20).repeat(2).batch(10).prefetch(1)
    images: Any
    images, labels = v1.data.make_one_shot_iterator(dataset).get_next()
    step = v1.train.get_or_create_global_step()
    out = tf.reshape(images, [-1, 28, 28, 1])
    v1.summary.image("train_image", out, max_outputs=1)
    with v1.variable_scope("model"):
        for i, c in enumerate([6, 12]):
            with v1.variable_scope(f"block_{i + 1}"):
                out = _conv(out, c, 3)
                out = _bn(out, True, momentum=0.9)
                out = tf.nn.relu(out)
                out = tf.nn.max_pool2d(out, 2, 2, "VALID")
        out = tf.reshape(out, [-1, 7 * 7 * 12])
        with v1.variable_scope("fc_1"):
            embeddings = _dense(out, 8)
    embedding_mean_norm = tf.reduce_mean(tf.norm(embeddings, axis=1))
    v1.summary.scalar("embedding_mean_norm", embedding_mean_norm)
    labels = tf.cast(labels, tf.int64)
    dot_product = tf.matmul(embeddings, tf.transpose(embeddings))
    square_norm = tf.linalg.diag_part(dot_product)
    distances = tf.expand_dims(square_norm, 0) - 2.0 * dot_product + tf.expand_dims(square_norm, 1)
    distances = tf.maximum(distances, 0.0)
    loss = tf.expand_dims(distances, 2) - tf.expand_dims(distances, 1) + 0.5
    apart = tf.logical_not(tf.cast(tf.eye(tf.shape(labels)[0]), tf.bool))
    distinct = tf.logical_and(tf.expand_dims(apart, 2), tf.expand_dims(apart, 1))
    distinct = tf.logical_and(distinct, tf.expand_dims(apart, 0))
    label_equal = tf.equal(tf.expand_dims(labels, 0), tf.expand_dims(labels, 1))
    i_equal_j, i_equal_k = tf.expand_dims(label_equal, 2), tf.expand_dims(label_equal, 1)
    valid = tf.logical_and(i_equal_j, tf.logical_not(i_equal_k))
    mask = tf.cast(tf.logical_and(distinct, valid), tf.float32)
    loss = tf.maximum(tf.multiply(mask, loss), 0.0)
    positive = tf.reduce_sum(tf.cast(tf.greater(loss, 1e-16), tf.float32))
    fraction = positive / (tf.reduce_sum(mask) + 1e-16)
    loss = tf.reduce_sum(loss) / (positive + 1e-16)
    with v1.variable_scope("metrics"):
        v1.metrics.mean(embedding_mean_norm)
        v1.metrics.mean(fraction)
    v1.summary.scalar("loss", loss)
    v1.summary.scalar("fraction_positive_triplets", fraction)
    with v1.control_dependencies(v1.get_collection(v1.GraphKeys.UPDATE_OPS)):
        v1.train.AdamOptimizer(1e-3).minimize(loss, global_step=step)
    return [images], [embeddings]


@case("text classifier", frozen=True)
def news_sorted_by_letters_in_one_convolution() -> Truths:
    """A blog's sorter of news: signs, one convolution, the largest of each filter, a class number."""
    input_x = v1.placeholder(tf.int32, [None, 60], name="input_x")
    input_y = v1.placeholder(tf.float32, [None, 10], name="input_y")
    keep_prob = v1.placeholder(tf.float32, name="keep_prob")
    with tf.device("/cpu:0"):
        embedding = v1.get_variable("embedding", [200, 16])
        embedding_inputs = tf.nn.embedding_lookup(embedding, input_x)
    with v1.name_scope("cnn"), v1.variable_scope("conv"):
        kernel = v1.get_variable("kernel", [5, 16, 24])
        bias = v1.get_variable("bias", [24], initializer=v1.zeros_initializer())
        conv = tf.nn.bias_add(tf.nn.conv1d(embedding_inputs, kernel, 1, "VALID"), bias)
        gmp = tf.reduce_max(conv, axis=[1], name="gmp")
    with v1.name_scope("score"):
        fc = _dense(gmp, 16, name="fc1")
        fc = tf.nn.relu(v1.nn.dropout(fc, keep_prob=keep_prob))
        logits = _dense(fc, 10, name="fc2")
        y_pred_cls = tf.argmax(tf.nn.softmax(logits), 1)
    with v1.name_scope("optimize"):
        cross_entropy = v1.nn.softmax_cross_entropy_with_logits_v2(logits=logits, labels=input_y)
        loss = tf.reduce_mean(cross_entropy)
        v1.train.AdamOptimizer(learning_rate=1e-3).minimize(loss)
    with v1.name_scope("accuracy"):
        correct_pred = tf.equal(tf.argmax(input_y, 1), y_pred_cls)
        acc = tf.reduce_mean(tf.cast(correct_pred, tf.float32))
    v1.summary.scalar("loss", loss)
    v1.summary.scalar("accuracy", acc)
    v1.summary.merge_all()
    return [([input_x], [y_pred_cls]), ([input_x], [logits])]


class _Forward:
    """The way forth of the best path: scores of tags, and where each came from."""

    def __init__(self, transitions: Tensor) -> None:
        self.transitions = tf.expand_dims(transitions, 0)
        self.state_size = self.output_size = int(transitions.shape[0])

    def zero_state(self, batch: Tensor, dtype: Any) -> Tensor:
        """Never used: the first scores are the state."""
        return tf.zeros([batch, self.state_size], dtype)

    def __call__(self, x: Tensor, state: Tensor, scope: Any = None) -> tuple[Tensor, Tensor]:
        """Pointers back, and scores."""
        sums = tf.expand_dims(state, 2) + self.transitions
        return tf.argmax(sums, 1, output_type=tf.int32), x + tf.reduce_max(sums, [1])


class _Backward:
    """The way back along the pointers."""

    def __init__(self, tags: int) -> None:
        self.state_size = self.output_size = 1
        self.tags = tags

    def zero_state(self, batch: Tensor, dtype: Any) -> Tensor:
        """Never used: the best last tag is the state."""
        return tf.zeros([batch, 1], dtype)

    def __call__(self, x: Tensor, state: Tensor, scope: Any = None) -> tuple[Tensor, Tensor]:
        """The tag before."""
        state = tf.squeeze(state, axis=[1])
        places = tf.stack([tf.range(tf.shape(x)[0]), state], axis=1)
        tags = tf.expand_dims(tf.gather_nd(x, places), axis=-1)
        return tags, tags


@case("tagger")
def names_told_by_words_as_strings_served() -> Truths:
    """The export of a blog's tagger: strings looked up, fused cells, the best path, tags as strings."""
    words = v1.placeholder(dtype=tf.string, shape=[None, None], name="words")
    nwords = v1.placeholder(dtype=tf.int32, shape=[None], name="nwords")
    vocabulary = tf.constant(["the", "of", "city", "London", "Anna", "bank"])
    init = tf.lookup.KeyValueTensorInitializer(vocabulary, tf.range(6, dtype=tf.int64))
    word_ids = tf.lookup.StaticVocabularyTable(init, 1).lookup(words)
    glove = np.zeros([7, 10], "f")
    variable = v1.Variable(glove, dtype=tf.float32, trainable=False)
    embeddings = tf.nn.embedding_lookup(variable, word_ids)
    t = tf.transpose(embeddings, perm=[1, 0, 2])

    def fused(x: Tensor, scope: str) -> Tensor:
        with v1.variable_scope(scope):
            batch = tf.shape(x)[1]
            kernel = v1.get_variable("kernel", [10 + 8, 4 * 8])
            bias = v1.get_variable("bias", [4 * 8], initializer=v1.zeros_initializer())
            nought, peephole = tf.zeros(tf.stack([batch, 8])), tf.zeros([8])
            outputs = tf.raw_ops.BlockLSTM(
                seq_len_max=tf.cast(tf.reduce_max(nwords), tf.int64),
                x=x,
                cs_prev=nought,
                h_prev=nought,
                w=kernel,
                wci=peephole,
                wcf=peephole,
                wco=peephole,
                b=bias,
            )
            return outputs.h

    output_fw = fused(t, "lstm_fused_cell")
    turned = tf.reverse_sequence(t, nwords, seq_axis=0, batch_axis=1)
    output_bw = fused(turned, "lstm_fused_cell_1")
    output_bw = tf.reverse_sequence(output_bw, nwords, seq_axis=0, batch_axis=1)
    output = tf.transpose(tf.concat([output_fw, output_bw], axis=-1), perm=[1, 0, 2])
    num_tags = 5
    logits = _dense(output, num_tags)
    crf_params = v1.get_variable("crf", [num_tags, num_tags], dtype=tf.float32)
    first = tf.squeeze(tf.slice(logits, [0, 0, 0], [-1, 1, -1]), axis=[1])
    rest = tf.slice(logits, [0, 1, 0], [-1, -1, -1])
    fewer = tf.maximum(0, nwords - 1)
    with v1.variable_scope("crf_fwd"):
        pointers, last_score = v1.nn.dynamic_rnn(
            _Forward(crf_params), rest, fewer, initial_state=first, dtype=tf.int32
        )
    pointers = tf.reverse_sequence(pointers, fewer, seq_axis=1)
    start = tf.expand_dims(tf.cast(tf.argmax(last_score, axis=1), tf.int32), axis=-1)
    with v1.variable_scope("crf_bwd"):
        decode_tags, _ = v1.nn.dynamic_rnn(
            _Backward(num_tags), pointers, fewer, initial_state=start, dtype=tf.int32
        )
    decode_tags = tf.concat([start, tf.squeeze(decode_tags, axis=[2])], axis=1)
    pred_ids = tf.reverse_sequence(decode_tags, nwords, seq_axis=1)
    of_tags = tf.constant(["O", "B-LOC", "I-LOC", "B-PER", "I-PER"])
    reverse = tf.lookup.KeyValueTensorInitializer(tf.range(num_tags, dtype=tf.int64), of_tags)
    pred_strings = tf.lookup.StaticHashTable(reverse, "O").lookup(tf.cast(pred_ids, tf.int64))
    fed = [words, nwords]
    return [(fed, [pred_ids, pred_strings]), (fed, [pred_strings]), (fed, [pred_ids])]


@case("capsules")
def overlapping_digits_by_capsules_agreeing_in_a_loop() -> Truths:
    """A student's project: votes agree in a while loop, the two longest capsules are redrawn."""
    images = v1.placeholder(tf.float32, [None, 20, 20, 1], name="images")
    labels = v1.placeholder(tf.float32, [None, 10], name="two_hot_labels")
    learning_rate = v1.placeholder_with_default(0.001, [], name="learning_rate")
    batch = tf.shape(images)[0]

    def squash(s: Tensor, axis: int = -1) -> Tensor:
        with v1.name_scope("squash"):
            squared = tf.reduce_sum(tf.square(s), axis=axis, keepdims=True)
            return squared / (1.0 + squared) * s / tf.sqrt(squared + 1e-7)

    with v1.variable_scope("primary_caps"):
        h = _conv(images, 12, 5, 1, tf.nn.relu, "valid", name="conv1")
        h = _conv(h, 4 * 6, 5, 2, tf.nn.relu, "valid", name="conv2")
        u = squash(tf.reshape(h, [-1, 6 * 6 * 4, 6]))
    with v1.variable_scope("digit_caps"):
        w = v1.get_variable("W", [1, 144, 10, 8, 6], initializer=v1.random_normal_initializer(stddev=0.1))
        tiled = tf.tile(u[:, :, None, :, None], [1, 1, 10, 1, 1])
        votes = tf.squeeze(tf.matmul(tf.tile(w, [batch, 1, 1, 1, 1]), tiled), axis=-1)
        fixed = tf.stop_gradient(votes)

        def agree(i: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
            v = squash(tf.reduce_sum(tf.nn.softmax(b, 2) * fixed, axis=1, keepdims=True))
            return i + 1, b + tf.reduce_sum(fixed * v, axis=-1, keepdims=True)

        none_yet = tf.zeros(tf.stack([batch, 144, 10, 1]))
        _, b = v1.while_loop(lambda i, _: i < 2, agree, [tf.constant(0), none_yet], name="routing")
        caps = squash(tf.reduce_sum(tf.nn.softmax(b, 2) * votes, axis=1), -1)
    lengths = tf.sqrt(tf.reduce_sum(tf.square(caps), axis=-1) + 1e-7, name="lengths")
    _, predicted = tf.nn.top_k(lengths, 2, name="two_digits")
    with v1.variable_scope("decoder"):
        masked = tf.gather(caps, predicted, batch_dims=1)
        which = tf.one_hot(predicted, 10)
        code = tf.reshape(tf.expand_dims(which, -1) * tf.expand_dims(masked, 2), [-1, 80])
        h = _dense(code, 24, tf.nn.relu, "fc1")
        redrawn = tf.reshape(_dense(h, 400, tf.nn.sigmoid, "fc2"), [-1, 2, 20, 20], name="redrawn")
    with v1.name_scope("loss"):
        present = labels * tf.square(tf.maximum(0.0, 0.9 - lengths))
        absent = 0.5 * (1 - labels) * tf.square(tf.maximum(0.0, lengths - 0.1))
        margin = tf.reduce_mean(tf.reduce_sum(present + absent, axis=1))
        both = tf.minimum(tf.reduce_sum(redrawn, 1), 1.0)
        again = tf.reduce_mean(tf.square(both - tf.squeeze(images, -1)))
        total = margin + 0.0005 * 400 * again
        v1.summary.scalar("margin", margin)
        v1.summary.scalar("reconstruction", again)
    right = tf.reduce_sum(tf.one_hot(predicted, 10), 1) * labels
    v1.summary.scalar("accuracy", tf.reduce_mean(tf.reduce_sum(right, 1) / 2.0))
    v1.train.AdamOptimizer(learning_rate).minimize(total)
    return [
        ([images], [predicted, redrawn]),
        ([images], [lengths, redrawn]),
        ([images], [predicted]),
        ([images], [lengths]),
    ]
