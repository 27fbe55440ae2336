"""Nets for pictures and films: what is on them, where, how deep, and what they could be made to be."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import tensorflow as tf

from benchmarks.endpoints.cases import Truth, Truths, case, v1

Tensor = Any


def _conv2d(
    x: Tensor,
    filters: int,
    size: int = 3,
    strides: int = 1,
    padding: str = "SAME",
    activation: Any = None,
    use_bias: bool = True,
    dilation: int = 1,
    name: str | None = None,
    reuse: Any = None,
) -> Tensor:
    """A convolution with the names that the layers of version 1 give."""
    with v1.variable_scope(name, "conv2d", reuse=reuse):
        kernel = v1.get_variable("kernel", [size, size, int(x.shape[-1]), filters])
        x = tf.nn.conv2d(x, kernel, strides, padding.upper(), dilations=dilation, name="Conv2D")
        if use_bias:
            bias = v1.get_variable("bias", [filters], initializer=v1.zeros_initializer())
            x = tf.nn.bias_add(x, bias, name="BiasAdd")
        return activation(x) if activation else x


def _up2d(x: Tensor, filters: int, size: int = 4, strides: int = 2, name: str | None = None) -> Tensor:
    """A transposed convolution, as above."""
    with v1.variable_scope(name, "conv2d_transpose"):
        kernel = v1.get_variable("kernel", [size, size, filters, int(x.shape[-1])])
        shape = tf.shape(x)
        target = tf.stack([shape[0], shape[1] * strides, shape[2] * strides, filters])
        y = tf.nn.conv2d_transpose(x, kernel, target, strides, "SAME")
        rows, cols = (None if n is None else n * strides for n in x.shape.as_list()[1:3])
        y.set_shape([None, rows, cols, filters])
        bias = v1.get_variable("bias", [filters], initializer=v1.zeros_initializer())
        return tf.nn.bias_add(y, bias, name="BiasAdd")


def _dense(
    x: Tensor, units: int, activation: Any = None, name: str | None = None, use_bias: bool = True
) -> Tensor:
    """A full layer, as above."""
    with v1.variable_scope(name, "dense"):
        kernel = v1.get_variable("kernel", [int(x.shape[-1]), units])
        y = tf.matmul(x, kernel) if len(x.shape) == 2 else tf.tensordot(x, kernel, [[len(x.shape) - 1], [0]])
        if use_bias:
            y = tf.nn.bias_add(y, v1.get_variable("bias", [units], initializer=v1.zeros_initializer()))
        return activation(y) if activation else y


def _bn(x: Tensor, training: Any, name: str | None = None, momentum: float = 0.99) -> Tensor:
    """Batch normalization; the flag is true, false, or a tensor, and updates are collected."""
    with v1.variable_scope(name, "batch_normalization"):
        width = [int(x.shape[-1])]
        gamma = v1.get_variable("gamma", width, initializer=v1.ones_initializer())
        beta = v1.get_variable("beta", width, initializer=v1.zeros_initializer())
        mean = v1.get_variable("moving_mean", width, initializer=v1.zeros_initializer(), trainable=False)
        var = v1.get_variable("moving_variance", width, initializer=v1.ones_initializer(), trainable=False)

        def now() -> list[Tensor]:
            return list(v1.nn.fused_batch_norm(x, gamma, beta, epsilon=1e-3)[:3])

        def known() -> list[Tensor]:
            done = v1.nn.fused_batch_norm(x, gamma, beta, mean, var, epsilon=1e-3, is_training=False)
            return [done[0], tf.identity(mean), tf.identity(var)]

        if isinstance(training, bool):
            y, m, v = now() if training else known()
        else:
            y, m, v = v1.cond(training, now, known)
        y.set_shape(x.shape)
        if training is not False:
            for old, new in ((mean, m), (var, v)):
                v1.add_to_collection(
                    v1.GraphKeys.UPDATE_OPS, v1.assign_sub(old, (old - new) * (1.0 - momentum))
                )
        return y


def _pool(x: Tensor, size: int = 2, strides: int = 2, padding: str = "SAME") -> Tensor:
    return v1.nn.max_pool(x, [1, size, size, 1], [1, strides, strides, 1], padding)


def _learn(optimizer: Any, loss: Tensor, variables: Any = None, step: Any = None) -> Tensor:
    """One step of training after the collected updates, as everybody copies it."""
    update_ops = v1.get_collection(v1.GraphKeys.UPDATE_OPS)
    with tf.control_dependencies(update_ops):
        return optimizer.minimize(loss, global_step=step, var_list=variables)


def _of(*scopes: str) -> list[Any]:
    return [v for v in v1.trainable_variables() if v.name.startswith(scopes)]


@case("classifier")
def groups_of_channels_shuffled() -> Truths:
    """ShuffleNet: grouped pointwise kernels and shuffled channels; accuracy beside the argmax."""
    x_in = v1.placeholder(tf.float32, [None, 32, 32, 3])
    y_in = v1.placeholder(tf.int32, [None])
    is_training = v1.placeholder(tf.bool)

    def grouped(x: Tensor, out: int, groups: int, name: str) -> Tensor:
        with v1.variable_scope(name):
            parts = []
            for g, part in enumerate(tf.split(x, groups, axis=3, name="split")):
                shape = [1, 1, int(part.shape[3]), out // groups]
                w = v1.get_variable(f"weights_{g}", shape, regularizer=lambda t: 4e-5 * tf.nn.l2_loss(t))
                parts.append(tf.nn.conv2d(part, w, 1, "SAME"))
            return _bn(tf.concat(parts, axis=3, name="concat"), is_training, "bn")

    def shuffled(x: Tensor, groups: int) -> Tensor:
        _, h, w, c = x.shape.as_list()
        x = tf.reshape(x, tf.stack([-1, h, w, groups, c // groups]))
        return tf.reshape(tf.transpose(x, [0, 1, 2, 4, 3]), tf.stack([-1, h, w, c]))

    def unit(x: Tensor, out: int, stride: int, name: str, first: bool = False) -> Tensor:
        with v1.variable_scope(name):
            wide = out - int(x.shape[3]) if stride == 2 else out
            h = tf.nn.relu(grouped(x, 12, 1 if first else 3, "gconv1"))
            h = h if first else shuffled(h, 3)
            depth = v1.get_variable("dw", [3, 3, 12, 1])
            h = _bn(tf.nn.depthwise_conv2d(h, depth, [1, stride, stride, 1], "SAME"), is_training, "dwbn")
            h = grouped(h, wide, 3, "gconv2")
            if stride == 2:
                return tf.nn.relu(tf.concat([v1.nn.avg_pool(x, 3, 2, "SAME"), h], 3))
            return tf.nn.relu(x + h)

    with v1.variable_scope("shufflenet"):
        mean = tf.constant([103.94, 116.78, 123.68], name="mean")
        h = (x_in - mean) * tf.constant(0.017)
        h = _pool(tf.nn.relu(_bn(_conv2d(h, 12, 3, 2, use_bias=False), is_training)), 3)
        h = unit(h, 36, 2, "stage2_0", first=True)
        h = unit(h, 36, 1, "stage2_1")
        h = unit(h, 72, 2, "stage3_0")
        h = unit(h, 72, 1, "stage3_1")
        h = tf.reduce_mean(h, [1, 2], keepdims=True)
        logits = tf.squeeze(_conv2d(h, 10, 1, name="conv1c/conv2d"), [1, 2])
    with v1.variable_scope("output"):
        penalty = tf.reduce_sum(v1.get_collection(v1.GraphKeys.REGULARIZATION_LOSSES))
        cross = v1.nn.sparse_softmax_cross_entropy_with_logits(logits=logits, labels=y_in, name="loss")
        loss = penalty + tf.reduce_mean(cross)
        _learn(v1.train.AdamOptimizer(1e-3), loss)
        y_out_softmax = tf.nn.softmax(logits)
        y_out_argmax = tf.argmax(y_out_softmax, axis=-1, output_type=tf.int32)
        accuracy = tf.reduce_mean(tf.cast(tf.equal(y_in, y_out_argmax), tf.float32))
    step = v1.Variable(0, trainable=False, name="global_step")
    v1.assign(step, v1.placeholder(tf.int32, None))
    v1.summary.scalar("loss", loss)
    v1.summary.scalar("accuracy", accuracy)
    v1.summary.merge_all()
    return [([x_in], [y_out_argmax]), ([x_in], [y_out_softmax]), ([x_in], [logits])]


@case("classifier")
def many_paths_squeezed_and_weighed() -> Truths:
    """SE-ResNeXt on two pipelines: a tower to train, the same weights on what is kept apart."""

    def pipeline(train: bool) -> Any:
        rng = np.random.RandomState(0)
        images = rng.randint(0, 255, [16, 32, 32, 3]).astype(np.uint8)
        data = tf.data.Dataset.from_tensor_slices((images, np.arange(16, dtype=np.int64) % 10))
        if train:
            data = data.shuffle(16).repeat()

        def prepare(image: Tensor, label: Tensor) -> tuple[Tensor, Tensor]:
            image = tf.cast(image, tf.float32)
            if train:
                image = v1.image.resize_image_with_crop_or_pad(image, 36, 36)
                image = v1.random_crop(image, [32, 32, 3], seed=3)
                image = tf.image.random_flip_left_right(image, seed=4)
            return v1.image.per_image_standardization(image), label

        return v1.data.make_one_shot_iterator(data.map(prepare).batch(8)).get_next()

    def model(x: Tensor, training: bool) -> Tensor:
        layer = iter(range(100))

        def block(x: Tensor, out: int, stride: int) -> Tensor:
            index = next(layer)
            with v1.variable_scope(f"layer{index}"):
                paths = []
                for i in range(4):
                    with v1.variable_scope(f"splitN_{i}"):
                        h = tf.nn.relu(_bn(_conv2d(x, 4, 1, stride, name="conv1"), training, "b1"))
                        paths.append(tf.nn.relu(_bn(_conv2d(h, 4, 3, name="conv2"), training, "b2")))
                h = _bn(_conv2d(tf.concat(paths, 3), out, 1, name="trans"), training, "b3")
                s = tf.reduce_mean(h, [1, 2], name="squeeze")
                s = _dense(_dense(s, out // 4, tf.nn.relu, "fc1"), out, tf.nn.sigmoid, "fc2")
                h = h * tf.reshape(s, [-1, 1, 1, out])
                if stride == 2:
                    x = v1.nn.avg_pool(x, 2, 2, "SAME")
                x = tf.pad(x, [[0, 0], [0, 0], [0, 0], [0, out - int(x.shape[3])]])
                return tf.nn.relu(h + x)

        with v1.variable_scope("se_resnext", reuse=not training):
            h = tf.nn.relu(_bn(_conv2d(x, 8, name="first"), training, "first_bn"))
            for out, stride in ((8, 1), (16, 2)):
                h = block(block(h, out, stride), out, 1)
            return _dense(tf.reduce_mean(h, [1, 2]), 10, name="final_fully_connected")

    train_x, train_y = pipeline(True)
    test_x, test_y = pipeline(False)
    logits = model(train_x, True)
    test_logits = model(test_x, False)
    cost = tf.reduce_mean(
        v1.nn.softmax_cross_entropy_with_logits(labels=tf.one_hot(train_y, 10), logits=logits)
    )
    l2_loss = tf.add_n([tf.nn.l2_loss(var) for var in v1.trainable_variables()])
    step = v1.train.get_or_create_global_step()
    rate = v1.train.piecewise_constant(step, [30000, 60000], [0.1, 0.01, 0.001])
    optimizer = v1.train.MomentumOptimizer(rate, 0.9, use_nesterov=True)
    _learn(optimizer, cost + l2_loss * 0.0005, step=step)
    right = tf.equal(tf.argmax(logits, -1), train_y)
    v1.summary.scalar("train_acc", tf.reduce_mean(tf.cast(right, tf.float32)))
    test_probs = tf.nn.softmax(test_logits)
    test_pred = tf.argmax(test_probs, 1)
    test_right = tf.equal(test_pred, test_y)
    test_accuracy = tf.reduce_mean(tf.cast(test_right, tf.float32))
    v1.summary.scalar("test_acc", test_accuracy)
    return [([test_x], [test_pred]), ([test_x], [test_probs]), ([test_x], [test_logits])]


@case("classifier")
def cats_by_a_net_with_frozen_trunk() -> Truths:
    """AlexNet with loaded kernels, two groups, and three layers of it learned anew."""
    batch = 8
    x = v1.placeholder(tf.float32, [batch, 67, 67, 3])
    y = v1.placeholder(tf.float32, [batch, 2])
    keep_prob = v1.placeholder(tf.float32)

    def conv(
        x: Tensor, height: int, filters: int, stride: int, name: str, padding: str = "SAME", groups: int = 1
    ) -> Tensor:
        channels = int(x.get_shape()[-1])
        with v1.variable_scope(name) as scope:
            weights = v1.get_variable("weights", shape=[height, height, channels // groups, filters])
            biases = v1.get_variable("biases", shape=[filters])
            if groups == 1:
                out = tf.nn.conv2d(x, weights, [1, stride, stride, 1], padding)
            else:
                inputs, kernels = tf.split(x, groups, axis=3), tf.split(weights, groups, axis=3)
                out = tf.concat(
                    [tf.nn.conv2d(i, k, 1, padding) for i, k in zip(inputs, kernels, strict=True)], axis=3
                )
            bias = tf.reshape(tf.nn.bias_add(out, biases), tf.shape(out))
            return tf.nn.relu(bias, name=scope.name)

    def fc(x: Tensor, num_in: int, num_out: int, name: str, relu: bool = True) -> Tensor:
        with v1.variable_scope(name) as scope:
            weights = v1.get_variable("weights", shape=[num_in, num_out], trainable=True)
            biases = v1.get_variable("biases", [num_out], trainable=True)
            act = v1.nn.xw_plus_b(x, weights, biases, name=scope.name)
            return tf.nn.relu(act) if relu else act

    def lrn(x: Tensor, name: str) -> Tensor:
        return tf.nn.local_response_normalization(
            x, depth_radius=2, alpha=2e-05, beta=0.75, bias=1.0, name=name
        )

    conv1 = conv(x, 11, 8, 4, "conv1", "VALID")
    pool1 = _pool(lrn(conv1, "norm1"), 3, 2, "VALID")
    pool2 = _pool(lrn(conv(pool1, 5, 12, 1, "conv2", groups=2), "norm2"), 3, 2, "VALID")
    conv4 = conv(conv(pool2, 3, 16, 1, "conv3"), 3, 16, 1, "conv4", groups=2)
    pool5 = conv(conv4, 3, 12, 1, "conv5", groups=2)
    size = int(np.prod(pool5.shape.as_list()[1:]))
    fc6 = fc(tf.reshape(pool5, [-1, size]), size, 24, "fc6")
    fc7 = fc(v1.nn.dropout(fc6, keep_prob), 24, 24, "fc7")
    score = fc(v1.nn.dropout(fc7, keep_prob), 24, 2, "fc8", relu=False)

    loaded = {}
    for var in v1.global_variables():
        if var.name.split("/")[0] not in ("fc7", "fc8"):
            loaded[var.op.name] = v1.assign(var, v1.placeholder(var.dtype.base_dtype, var.shape))
    var_list = [v for v in v1.trainable_variables() if v.name.split("/")[0] in ["fc8", "fc7"]]
    with tf.name_scope("cross_ent"):
        loss = tf.reduce_mean(v1.nn.softmax_cross_entropy_with_logits(logits=score, labels=y))
    with tf.name_scope("train"):
        gradients = list(zip(tf.gradients(loss, var_list), var_list, strict=True))
        v1.train.GradientDescentOptimizer(0.01).apply_gradients(grads_and_vars=gradients)
    for gradient, var in gradients:
        v1.summary.histogram(var.op.name + "/gradient", gradient)
    for var in var_list:
        v1.summary.histogram(var.op.name, var)
    v1.summary.scalar("cross_entropy", loss)
    with tf.name_scope("accuracy"):
        guess = tf.argmax(score, 1)
        accuracy = tf.reduce_mean(tf.cast(tf.equal(guess, tf.argmax(y, 1)), tf.float32))
    v1.summary.scalar("accuracy", accuracy)
    return [([x], [score]), ([x], [guess])]


@case("classifier")
def forests_rivers_and_the_weather_above() -> Truths:
    """Chips from the air: one of four weathers, any of thirteen kinds of land; thresholds for F2."""
    with tf.name_scope("inputs"):
        chips = v1.placeholder(tf.float32, [None, 32, 32, 4], name="chips")
        tags = v1.placeholder(tf.float32, [None, 17], name="tags")
        learning_phase = v1.placeholder_with_default(False, [], name="learning_phase")

    def augmented(images: Tensor) -> Tensor:
        turned = tf.image.random_flip_up_down(tf.image.random_flip_left_right(images))
        return tf.map_fn(
            lambda im: tf.image.rot90(im, v1.random_uniform([], 0, 4, tf.int32)), turned, dtype=tf.float32
        )

    net = v1.cond(learning_phase, lambda: augmented(chips), lambda: chips)
    net.set_shape([None, 32, 32, 4])
    net = _bn(net, learning_phase)
    for filters in (8, 12, 16):
        net = _conv2d(net, filters, activation=tf.nn.elu)
        net = _pool(_bn(_conv2d(net, filters, activation=tf.nn.elu), learning_phase))
        net = v1.nn.dropout(net, rate=tf.where(learning_phase, 0.25, 0.0))
    net = _dense(tf.reshape(net, [-1, 4 * 4 * 16]), 24, tf.nn.elu)
    weather_logits = _dense(net, 4, name="weather")
    land_logits = _dense(net, 13, name="land")
    weather, land = tf.nn.softmax(weather_logits), tf.nn.sigmoid(land_logits)
    predictions = tf.concat([weather, land], axis=1, name="predictions")
    weather_loss = v1.losses.softmax_cross_entropy(tags[:, :4], weather_logits)
    land_loss = v1.losses.sigmoid_cross_entropy(tags[:, 4:], land_logits)
    loss = v1.losses.get_total_loss()
    thresholds = tf.constant([0.2] * 17)
    hard = tf.cast(predictions > thresholds, tf.float32)
    hits = tf.reduce_sum(hard * tags, 1)
    precision = hits / (tf.reduce_sum(hard, 1) + 1e-6)
    recall = hits / (tf.reduce_sum(tags, 1) + 1e-6)
    f2 = tf.reduce_mean(5 * precision * recall / (4 * precision + recall + 1e-6), name="f2")
    step = v1.Variable(0, trainable=False)
    optimizer = v1.train.AdamOptimizer(v1.train.inverse_time_decay(1e-3, step, 100, 1e-2))
    _learn(optimizer, loss, step=step)
    for name, value in (("loss/weather", weather_loss), ("loss/land", land_loss), ("f2", f2)):
        v1.summary.scalar(name, value)
    v1.summary.merge_all()
    return [([chips], [predictions]), ([chips], [weather, land]), ([chips], [hard])]


@case("classifier", modern=True)
def swish_blocks_for_jpegs_served() -> Truths:
    """An EfficientNet as its export makes it: bytes are decoded in a loop, averages of weights restored."""
    image_bytes = v1.placeholder(tf.string, [None], name="image_bytes")

    def preprocess(raw: Tensor) -> Tensor:
        shape = tf.image.extract_jpeg_shape(raw)
        side = tf.cast(tf.cast(tf.minimum(shape[0], shape[1]), tf.float32) * 0.875, tf.int32)
        window = tf.stack([(shape[0] - side) // 2, (shape[1] - side) // 2, side, side])
        image = tf.image.decode_and_crop_jpeg(raw, window, channels=3)
        image = v1.image.resize_bicubic([image], [32, 32])[0]
        return tf.reshape(image, [32, 32, 3])

    images = tf.map_fn(preprocess, image_bytes, back_prop=False, dtype=tf.float32)
    ema = tf.train.ExponentialMovingAverage(0.9999)
    features = images - tf.constant([123.675, 116.28, 103.53], shape=[1, 1, 3])
    features /= tf.constant([58.395, 57.12, 57.375], shape=[1, 1, 3])

    def swish(x: Tensor) -> Tensor:
        return x * tf.sigmoid(x)

    def mb_block(x: Tensor, out: int, kernel: int, stride: int, name: str) -> Tensor:
        with v1.variable_scope(name):
            wide = 4 * int(x.shape[3])
            h = swish(_bn(_conv2d(x, wide, 1, use_bias=False), False, "tpu_batch_normalization"))
            with v1.variable_scope("depthwise_conv2d"):
                w = v1.get_variable("depthwise_kernel", [kernel, kernel, wide, 1])
                h = tf.nn.depthwise_conv2d(h, w, [1, stride, stride, 1], "SAME")
            h = swish(_bn(h, False, "tpu_batch_normalization_1"))
            with v1.variable_scope("se"):
                s = tf.reduce_mean(h, [1, 2], keepdims=True)
                s = _conv2d(swish(_conv2d(s, max(1, wide // 16), 1, name="reduce")), wide, 1, name="expand")
                h = tf.sigmoid(s) * h
            h = _bn(_conv2d(h, out, 1, use_bias=False, name="project"), False, "tpu_batch_normalization_2")
            return h + x if stride == 1 and out == int(x.shape[3]) else h

    with v1.variable_scope("efficientnet-b0"):
        with v1.variable_scope("stem"):
            h = swish(_bn(_conv2d(features, 8, 3, 2, use_bias=False), False, "tpu_batch_normalization"))
        plan = [(8, 3, 1), (12, 3, 2), (12, 3, 1), (16, 5, 2), (16, 5, 1)]
        for i, (out, kernel, stride) in enumerate(plan):
            h = mb_block(h, out, kernel, stride, f"blocks_{i}")
        with v1.variable_scope("head"):
            h = swish(_bn(_conv2d(h, 32, 1, use_bias=False), False, "tpu_batch_normalization"))
            logits = _dense(tf.reduce_mean(h, [1, 2]), 10)
    ema.variables_to_restore()
    classes = tf.argmax(logits, axis=1)
    probabilities = tf.nn.softmax(logits, name="softmax_tensor")
    return [
        ([image_bytes], [classes, probabilities]),
        ([image_bytes], [probabilities]),
        ([image_bytes], [classes]),
    ]


@case("detector")
def fires_that_vote_for_boxes_on_the_road() -> Truth:
    """SqueezeDet: placeholders fill a queue, what is dequeued is read; the demo feeds the dequeued batch."""
    batch, anchors, classes = 2, 4 * 4 * 3, 3
    ph_keep_prob = v1.placeholder(tf.float32, name="keep_prob")
    ph_image = v1.placeholder(tf.float32, [32, 32, 3], name="image_input")
    ph_mask = v1.placeholder(tf.float32, [anchors, 1], name="box_mask")
    ph_delta = v1.placeholder(tf.float32, [anchors, 4], name="box_delta_input")
    ph_box = v1.placeholder(tf.float32, [anchors, 4], name="box_input")
    ph_labels = v1.placeholder(tf.float32, [anchors, classes], name="labels")
    fed = [ph_image, ph_mask, ph_delta, ph_box, ph_labels]
    queue = v1.FIFOQueue(100, [t.dtype for t in fed], [t.shape for t in fed])
    queue.enqueue(fed)
    image_input, input_mask, box_delta_input, box_input, labels = v1.train.batch(
        queue.dequeue(), batch_size=batch, capacity=100
    )
    ious = v1.Variable(tf.zeros([batch, anchors]), trainable=False, name="iou")

    def conv_layer(name: str, x: Tensor, filters: int, size: int, stride: int, relu: bool = True) -> Tensor:
        with v1.variable_scope(name):
            kernel = v1.get_variable("kernels", [size, size, int(x.shape[3]), filters])
            biases = v1.get_variable("biases", [filters], initializer=v1.constant_initializer(0.0))
            decay = tf.multiply(tf.nn.l2_loss(kernel), 0.0001, name="weight_loss")
            v1.add_to_collection("losses", decay)
            out = tf.nn.bias_add(tf.nn.conv2d(x, kernel, stride, "SAME", name="convolution"), biases)
            return tf.nn.relu(out, "relu") if relu else out

    def fire(name: str, x: Tensor, s1: int, e1: int, e3: int) -> Tensor:
        sq = conv_layer(name + "/squeeze1x1", x, s1, 1, 1)
        ex1 = conv_layer(name + "/expand1x1", sq, e1, 1, 1)
        ex3 = conv_layer(name + "/expand3x3", sq, e3, 3, 1)
        return tf.concat([ex1, ex3], 3, name=name + "/concat")

    pool1 = _pool(conv_layer("conv1", image_input, 8, 3, 2), 3)
    fire3 = fire("fire3", fire("fire2", pool1, 4, 8, 8), 4, 8, 8)
    fire5 = fire("fire5", fire("fire4", _pool(fire3, 3), 6, 12, 12), 6, 12, 12)
    dropout = v1.nn.dropout(fire5, ph_keep_prob, name="drop11")
    preds = conv_layer("conv12", dropout, 3 * (classes + 1 + 4), 3, 1, relu=False)

    with v1.variable_scope("interpret_output"):
        num_class = 3 * classes
        pred_class_probs = tf.reshape(
            tf.nn.softmax(tf.reshape(preds[:, :, :, :num_class], [-1, classes])),
            [batch, anchors, classes],
            name="pred_class_probs",
        )
        pred_conf = tf.sigmoid(
            tf.reshape(preds[:, :, :, num_class : num_class + 3], [batch, anchors]),
            name="pred_confidence_score",
        )
        pred_box_delta = tf.reshape(preds[:, :, :, num_class + 3 :], [batch, anchors, 4], name="bbox_delta")
        num_objects = tf.reduce_sum(input_mask, name="num_objects")
    grid = np.stack(np.meshgrid(np.arange(4), np.arange(4), np.arange(3), indexing="ij"), -1).reshape(-1, 3)
    anchor = np.concatenate([grid[:, 1::-1] * 8.0 + 4.0, np.array([[6, 6], [12, 6], [6, 12]])[grid[:, 2]]], 1)
    anchor_box = tf.constant(anchor, tf.float32, name="anchor_box")
    with v1.variable_scope("bbox"):
        dx, dy, dw, dh = tf.unstack(pred_box_delta, axis=2)
        cx = tf.identity(anchor_box[:, 0] + dx * anchor_box[:, 2], name="bbox_cx")
        cy = tf.identity(anchor_box[:, 1] + dy * anchor_box[:, 3], name="bbox_cy")
        width = tf.identity(anchor_box[:, 2] * tf.exp(tf.minimum(dw, 1.0)), name="bbox_width")
        height = tf.identity(anchor_box[:, 3] * tf.exp(tf.minimum(dh, 1.0)), name="bbox_height")
        low_x, low_y = tf.maximum(cx - width / 2, 0.0), tf.maximum(cy - height / 2, 0.0)
        high_x, high_y = tf.minimum(cx + width / 2, 31.0), tf.minimum(cy + height / 2, 31.0)
        det_boxes = tf.stack(
            [(low_x + high_x) / 2, (low_y + high_y) / 2, high_x - low_x, high_y - low_y], 2, name="bbox"
        )
    with v1.variable_scope("IOU"):
        gx, gy, gw, gh = tf.unstack(box_input, axis=2)
        iw = tf.maximum(0.0, tf.minimum(high_x, gx + gw / 2) - tf.maximum(low_x, gx - gw / 2))
        ih = tf.maximum(0.0, tf.minimum(high_y, gy + gh / 2) - tf.maximum(low_y, gy - gh / 2))
        union = (high_x - low_x) * (high_y - low_y) + gw * gh - iw * ih
        overlap = v1.assign(ious, iw * ih / (union + 1e-6) * tf.reshape(input_mask, [batch, anchors]))
    with v1.variable_scope("probability"):
        probs = tf.multiply(pred_class_probs, tf.reshape(pred_conf, [batch, anchors, 1]), name="final_prob")
        det_probs = tf.reduce_max(probs, 2, name="score")
        det_class = tf.argmax(probs, 2, name="class_idx")
    with v1.variable_scope("class_regression"):
        cross = labels * -v1.log(pred_class_probs + 1e-6) + (1 - labels) * -v1.log(
            1 - pred_class_probs + 1e-6
        )
        class_loss = tf.truediv(tf.reduce_sum(cross * input_mask), num_objects, name="class_loss")
        v1.add_to_collection("losses", class_loss)
    with v1.variable_scope("confidence_score_regression"):
        mask = tf.reshape(input_mask, [batch, anchors])
        weights = mask * 75.0 / num_objects + (1 - mask) * 100.0 / (anchors - num_objects)
        conf_loss = tf.reduce_mean(
            tf.reduce_sum(tf.square(overlap - pred_conf) * weights, 1), name="conf_loss"
        )
        v1.add_to_collection("losses", conf_loss)
        v1.summary.scalar("mean iou", tf.reduce_sum(overlap) / num_objects)
    with v1.variable_scope("bounding_box_regression"):
        off = tf.square(input_mask * (pred_box_delta - box_delta_input))
        v1.add_to_collection("losses", tf.truediv(5.0 * tf.reduce_sum(off), num_objects, name="bbox_loss"))
    loss = tf.add_n(v1.get_collection("losses"), name="total_loss")
    step = v1.Variable(0, name="global_step", trainable=False)
    lr = v1.train.exponential_decay(0.01, step, 10000, 0.5, staircase=True)
    opt = v1.train.MomentumOptimizer(learning_rate=lr, momentum=0.9)
    gradients = opt.compute_gradients(loss, v1.trainable_variables())
    gradients = [(tf.clip_by_norm(grad, 1.0), var) for grad, var in gradients]
    opt.apply_gradients(gradients, global_step=step)
    viz = v1.placeholder(tf.float32, [batch, 32, 32, 3], name="image_to_show")
    v1.summary.image("sample_detection_results", viz, collections=["image_summary"], max_outputs=batch)
    return [image_input], [det_boxes, det_probs, det_class]


@case("detector")
def regions_by_position_sensitive_votes() -> Truths:
    """R-FCN: proposals of numpy's hand, maps for each ninth of a region, votes averaged."""
    data = v1.placeholder(tf.float32, shape=[1, None, None, 3], name="data")
    im_info = v1.placeholder(tf.float32, shape=[None, 3], name="im_info")
    gt_boxes = v1.placeholder(tf.float32, shape=[None, 5], name="gt_boxes")
    classes = 4

    def anchors_of(shape: np.ndarray) -> np.ndarray:
        ys, xs = np.meshgrid(np.arange(shape[1]) * 8, np.arange(shape[2]) * 8, indexing="ij")
        corners = np.stack([xs, ys], -1).reshape(-1, 2)
        return np.concatenate([corners - 8, corners + 16], 1).astype(np.float32)

    def proposed(scores: np.ndarray, deltas: np.ndarray, info: np.ndarray, anchors: np.ndarray) -> np.ndarray:
        order = np.argsort(-scores[..., 1].ravel())[:12]
        boxes = anchors[order] + deltas.reshape(-1, 4)[order]
        boxes = np.clip(boxes, 0, info[0, :2].max())
        return np.hstack([np.zeros([len(boxes), 1]), boxes]).astype(np.float32)

    def targets(rois: np.ndarray, gt: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        every = np.vstack([rois, np.hstack([np.zeros([len(gt), 1]), gt[:, :4]])]).astype(np.float32)
        labels = np.zeros([len(every)], np.int32)
        return every, labels, np.zeros([len(every), 4], np.float32)

    def labels_of_anchors(anchors: np.ndarray, gt: np.ndarray) -> np.ndarray:
        return np.full([len(anchors)], -1 if len(gt) else 0, np.int32)

    with v1.variable_scope("resnet"):
        net = data
        for i, width in enumerate((8, 12, 16)):
            net = _bn(_conv2d(net, width, 3, 2, use_bias=False, name=f"conv{i}"), False, f"bn{i}")
            net = tf.nn.relu(net)
    with v1.variable_scope("rpn"):
        rpn = _conv2d(net, 16, activation=tf.nn.relu, name="rpn_conv_3x3")
        rpn_cls_score = _conv2d(rpn, 2, 1, name="rpn_cls_score")
        rpn_cls_prob = tf.nn.softmax(rpn_cls_score, name="rpn_cls_prob")
        rpn_bbox_pred = _conv2d(rpn, 4, 1, name="rpn_bbox_pred")
        anchors = v1.py_func(anchors_of, [tf.shape(net)], tf.float32, name="anchors")
        rois = v1.py_func(proposed, [rpn_cls_prob, rpn_bbox_pred, im_info, anchors], tf.float32)
        rois = tf.reshape(rois, [-1, 5], name="rois")
        rpn_labels = v1.py_func(labels_of_anchors, [anchors, gt_boxes], tf.int32)
    new = _conv2d(net, 24, 1, activation=tf.nn.relu, name="conv_new_1")
    score_maps = _conv2d(new, 9 * classes, 1, name="rfcn_cls")
    bbox_maps = _conv2d(new, 9 * 4, 1, name="rfcn_bbox")

    def vote(maps: Tensor, where: Tensor, name: str) -> Tensor:
        with tf.name_scope(name):
            size = tf.cast(tf.tile(tf.shape(maps)[1:3], [2]), tf.float32) * 8.0
            _, x1, y1, x2, y2 = tf.split(where, 5, axis=1)
            step_y, step_x = (y2 - y1) / 3.0, (x2 - x1) / 3.0
            bins = []
            for k, part in enumerate(tf.split(maps, 9, axis=3)):
                top, left = y1 + step_y * (k // 3), x1 + step_x * (k % 3)
                box = tf.concat([top, left, top + step_y, left + step_x], 1) / size
                ids = tf.cast(where[:, 0], tf.int32)
                crop = v1.image.crop_and_resize(part, box, ids, [2, 2])
                bins.append(tf.reduce_mean(crop, [1, 2]))
            return tf.add_n(bins) / 9.0

    cls_score = vote(score_maps, rois, "psroipooled_cls")
    cls_prob = tf.nn.softmax(cls_score, name="cls_prob")
    bbox_pred = tf.identity(vote(bbox_maps, rois, "psroipooled_loc"), name="bbox_pred")
    all_rois, labels, bbox_targets = v1.py_func(targets, [rois, gt_boxes], [tf.float32, tf.int32, tf.float32])
    all_rois.set_shape([None, 5])
    labels.set_shape([None])
    bbox_targets.set_shape([None, 4])
    train_score = vote(score_maps, all_rois, "train_cls")
    train_boxes = vote(bbox_maps, all_rois, "train_loc")
    keep = tf.reshape(tf.where(tf.not_equal(rpn_labels, -1)), [-1])
    rpn_cross = v1.nn.sparse_softmax_cross_entropy_with_logits(
        logits=tf.gather(tf.reshape(rpn_cls_score, [-1, 2]), keep), labels=tf.gather(rpn_labels, keep)
    )
    each = v1.nn.sparse_softmax_cross_entropy_with_logits(logits=train_score, labels=labels)
    hard, chosen = tf.nn.top_k(each, 4)
    far = tf.abs(tf.gather(train_boxes - bbox_targets, chosen))
    smooth = tf.where(far < 1.0, 0.5 * tf.square(far), far - 0.5)
    loss = tf.reduce_mean(rpn_cross) + tf.reduce_mean(hard) + tf.reduce_mean(tf.reduce_sum(smooth, 1))
    v1.summary.scalar("loss", loss)
    step = v1.train.get_or_create_global_step()
    v1.train.MomentumOptimizer(v1.train.piecewise_constant(step, [8], [1e-3, 1e-4]), 0.9).minimize(loss, step)
    fed = [data, im_info]
    return [(fed, [cls_score, cls_prob, bbox_pred, rois]), (fed, [cls_prob, bbox_pred, rois])]


@case("detector", frozen=True)
def faces_in_crowds_frozen() -> Truth:
    """FaceBoxes: mirrored rectifiers, inception parts, dense anchors, suppression picture by picture."""
    image = v1.placeholder(tf.uint8, [None, None, None, 3], name="image_tensor")
    x = tf.cast(image, tf.float32) / 255.0

    def crelu(x: Tensor) -> Tensor:
        return tf.nn.relu(tf.concat([x, -x], 3))

    def conv(x: Tensor, depth: int, size: int = 3, stride: int = 1, act: Any = tf.nn.relu) -> Tensor:
        return act(_bn(_conv2d(x, depth, size, stride, use_bias=False), False))

    def inception(x: Tensor) -> Tensor:
        pooled = v1.nn.max_pool(x, 3, 1, "SAME")
        third = conv(conv(x, 4, 1), 6, 3)
        fourth = conv(conv(conv(x, 4, 1), 6, 3), 6, 3)
        return tf.concat([conv(x, 6, 1), conv(pooled, 6, 1), third, fourth], 3)

    with v1.variable_scope("FaceBoxes"):
        h = _pool(conv(x, 4, 7, 4, crelu), 3)
        h = _pool(conv(h, 8, 5, 2, crelu), 3)
        first = inception(inception(h))
        second = conv(conv(first, 8, 1), 16, 3, 2)
        encodings, scores, every = [], [], []
        for i, (level, boxes) in enumerate(((first, 4), (second, 1))):
            size = tf.shape(level)
            enc = _conv2d(level, boxes * 4, name=f"encoded_boxes_{i}")
            cls = _conv2d(level, boxes * 2, name=f"class_predictions_{i}")
            encodings.append(tf.reshape(enc, [size[0], -1, 4]))
            scores.append(tf.reshape(cls, [size[0], -1, 2]))
            ys = (tf.cast(tf.range(size[1]), tf.float32) + 0.5) / tf.cast(size[1], tf.float32)
            xs = (tf.cast(tf.range(size[2]), tf.float32) + 0.5) / tf.cast(size[2], tf.float32)
            grid = tf.stack(tf.meshgrid(ys, xs, indexing="ij"), -1)
            centres = tf.reshape(tf.tile(grid[:, :, None], [1, 1, boxes, 1]), [-1, 2])
            every.append(tf.concat([centres, tf.fill(tf.shape(centres), 0.1 * (i + 1))], 1))
    anchors = tf.concat(every, 0)
    codes = tf.concat(encodings, 1) / tf.constant([10.0, 10.0, 5.0, 5.0])
    probabilities = tf.nn.softmax(tf.concat(scores, 1))[:, :, 1]
    centre = codes[..., :2] * anchors[:, 2:] + anchors[:, :2]
    half = tf.exp(codes[..., 2:]) * anchors[:, 2:] / 2
    decoded = tf.clip_by_value(tf.concat([centre - half, centre + half], 2), 0.0, 1.0)

    def suppress(args: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor, Tensor]:
        boxes, chances = args
        kept = tf.image.non_max_suppression(boxes, chances, 20, 0.3, 0.05)
        found = tf.shape(kept)[0]
        gap = tf.expand_dims(20 - found, 0)
        boxes = tf.pad(tf.gather(boxes, kept), [[0, gap[0]], [0, 0]])
        return boxes, tf.pad(tf.gather(chances, kept), [[0, gap[0]]]), found

    with tf.name_scope("nms"):
        boxes, chances, number = tf.map_fn(
            suppress, (decoded, probabilities), dtype=(tf.float32, tf.float32, tf.int32), back_prop=False
        )
    boxes = tf.reshape(boxes, [-1, 20, 4], name="boxes")
    chances = tf.reshape(chances, [-1, 20], name="scores")
    number = tf.identity(number, name="num_boxes")
    return [image], [boxes, chances, number]


@case("detector")
def every_place_tells_its_four_distances() -> Truth:
    """FCOS at test: a raw picture is scaled by its short side, centreness tempers scores, then one NMS."""
    img_plac = v1.placeholder(dtype=tf.uint8, shape=[None, None, 3])
    img_batch = tf.cast(img_plac, tf.float32)
    size = tf.shape(img_batch)
    short = tf.minimum(size[0], size[1])
    scale = 64.0 / tf.cast(short, tf.float32)
    new = tf.cast(tf.round(tf.cast(size[:2], tf.float32) * scale), tf.int32)
    img_batch = v1.image.resize_bilinear(tf.expand_dims(img_batch, 0), new)
    img_batch = img_batch - tf.constant([[[[103.939, 116.779, 123.68]]]])
    conv = partial(_conv2d, activation=tf.nn.relu)
    with v1.variable_scope("resnet50_v1d"):
        c2 = conv(conv(img_batch, 8, 7, 2), 8, 3, 2)
        c3 = conv(c2, 12, 3, 2)
        c4 = conv(c3, 16, 3, 2)
    with v1.variable_scope("build_pyramid"):
        p4 = _conv2d(c4, 12, 1, name="build_P4")
        up = v1.image.resize_nearest_neighbor(p4, tf.shape(c3)[1:3])
        p3 = _conv2d(up + _conv2d(c3, 12, 1, name="build_C3"), 12, 3, name="build_P3")
        p5 = _conv2d(p4, 12, 3, 2, name="p5_conv")
    boxes, scores = [], []
    for level, stride in ((p3, 8), (p4, 16), (p5, 32)):
        with v1.variable_scope("fcos_head", reuse=v1.AUTO_REUSE):
            cls_feat, reg_feat = level, level
            for i in range(2):
                cls_feat = conv(cls_feat, 12, name=f"cls_conv_{i}")
                reg_feat = conv(reg_feat, 12, name=f"reg_conv_{i}")
            cls = tf.sigmoid(tf.reshape(_conv2d(cls_feat, 3, name="cls_logits"), [-1, 3]))
            ctr = tf.sigmoid(tf.reshape(_conv2d(cls_feat, 1, name="ctr_logits"), [-1, 1]))
            reg = tf.exp(v1.get_variable(f"scale_{stride}", []) * _conv2d(reg_feat, 4, name="bbox_pred"))
        side = tf.shape(level)
        ys, xs = tf.meshgrid(tf.range(side[1]), tf.range(side[2]), indexing="ij")
        centre = tf.cast(tf.reshape(tf.stack([xs, ys], -1), [-1, 2]), tf.float32) * stride + stride / 2.0
        left_top, right_bottom = tf.split(tf.reshape(reg, [-1, 4]) * stride, 2, axis=1)
        boxes.append(tf.concat([centre - left_top, centre + right_bottom], 1))
        scores.append(tf.sqrt(cls * ctr))
    every, chance = tf.concat(boxes, 0), tf.concat(scores, 0)
    limit = tf.cast(tf.stack([new[1], new[0], new[1], new[0]]), tf.float32) - 1.0
    every = tf.maximum(tf.minimum(every, limit), 0.0)
    kept_boxes, kept_scores, kept_labels = [], [], []
    for k in range(3):
        strong = tf.reshape(tf.where(tf.greater(chance[:, k], 0.05)), [-1])
        b, s = tf.gather(every, strong), tf.gather(chance[:, k], strong)
        kept = tf.image.non_max_suppression(b, s, max_output_size=50, iou_threshold=0.5)
        kept_boxes.append(tf.gather(b, kept))
        kept_scores.append(tf.gather(s, kept))
        kept_labels.append(tf.ones_like(kept, tf.int32) * (k + 1))
    detection_boxes = tf.concat(kept_boxes, axis=0) / scale
    detection_scores = tf.concat(kept_scores, axis=0)
    detection_category = tf.concat(kept_labels, axis=0)
    return [img_plac], [detection_boxes, detection_scores, detection_category]


@case("pose")
def hand_cut_out_and_lifted_to_space() -> Truths:
    """A hand is segmented, cropped, its joints mapped, lifted to space and turned."""
    image_tf = v1.placeholder(tf.float32, shape=(1, 48, 64, 3))
    hand_side_tf = tf.constant([[1.0, 0.0]])
    hand_side_tf = v1.placeholder_with_default(hand_side_tf, shape=(1, 2), name="hand_side")
    evaluation = v1.placeholder_with_default(True, shape=())

    def leaky(x: Tensor) -> Tensor:
        return tf.maximum(x, 0.01 * x, name="out")

    def conv_relu(x: Tensor, name: str, size: int, out: int, stride: int = 1) -> Tensor:
        return leaky(_conv2d(x, out, size, stride, name=name))

    with v1.variable_scope("HandSegNet"):
        x = _pool(conv_relu(image_tf, "conv1_1", 3, 8))
        x = _pool(conv_relu(x, "conv2_1", 3, 12))
        x = conv_relu(x, "conv5_2", 3, 12)
        scoremap = _conv2d(x, 2, 1, name="conv6_2")
        hand_scoremap = v1.image.resize_images(scoremap, (48, 64))
    with tf.name_scope("single_obj_scoremap"):
        fg = tf.nn.softmax(hand_scoremap)[:, :, :, 1]
        detmap = tf.round(fg)
        flat = tf.reshape(fg, [1, -1])
        top = tf.cast(tf.argmax(flat, 1), tf.int32)
        objectmap = tf.one_hot(top, 48 * 64)
        objectmap = tf.reshape(objectmap, [1, 48, 64, 1])
        filters = tf.ones([7, 7, 1]) / 49.0
        for _ in range(4):
            grown = tf.nn.dilation2d(objectmap, filters, [1, 1, 1, 1], "SAME", "NHWC", [1, 1, 1, 1])
            objectmap = tf.round(tf.multiply(detmap[..., None], grown))
        hand_mask = tf.reshape(objectmap, [1, 48, 64])
    with tf.name_scope("calc_center_bb"):
        where = tf.cast(tf.where(tf.equal(hand_mask[0], 1.0)), tf.float32)
        low, high = tf.reduce_min(where, 0), tf.reduce_max(where, 0)
        known = tf.reduce_all(tf.math.is_finite(low + high))
        center = v1.cond(known, lambda: 0.5 * (low + high), lambda: tf.constant([24.0, 32.0]))
        center = tf.reshape(center, [1, 2])
        crop_size = tf.reshape(tf.reduce_max(high - low), [1, 1])
        crop_size = v1.cond(known, lambda: crop_size * 1.25, lambda: tf.constant([[30.0]]))
    scale_crop = tf.minimum(tf.maximum(32.0 / crop_size, 0.25), 5.0)
    with tf.name_scope("crop_image_from_xy"):
        half = 16.0 / scale_crop
        limits = tf.constant([48.0, 64.0, 48.0, 64.0])
        box = tf.concat([center - half, center + half], 1) / limits
        image_crop = v1.image.crop_and_resize(image_tf, box, [0], [32, 32])
    with v1.variable_scope("PoseNet2D"):
        x = _pool(conv_relu(image_crop, "conv1_1", 3, 8))
        encoding = conv_relu(_pool(conv_relu(x, "conv2_1", 3, 12)), "conv4_7", 3, 12)
        score = _conv2d(conv_relu(encoding, "conv5_1", 1, 16), 21, 1, name="conv5_2")
        for stage in (6, 7):
            x = tf.concat([score, encoding], 3)
            x = conv_relu(conv_relu(x, f"conv{stage}_1", 7, 12), f"conv{stage}_2", 7, 12)
            score = _conv2d(x, 21, 1, name=f"conv{stage}_7")
    keypoints_scoremap = v1.image.resize_images(score, (32, 32))

    def lift(scope: str, out: int) -> Tensor:
        with v1.variable_scope(scope):
            x = score
            for i in range(2):
                x = conv_relu(conv_relu(x, f"conv_pose_{i}_1", 3, 12), f"conv_pose_{i}_2", 3, 12, 2)
            x = tf.concat([tf.reshape(x, [1, -1]), hand_side_tf], 1)
            for i in range(2):
                x = leaky(_dense(x, 24, name=f"fc_rel{i}"))
                x = v1.nn.dropout(x, v1.cond(evaluation, lambda: 1.0, lambda: 0.8))
            return _dense(x, out, name="fc_out")

    can = tf.reshape(lift("PosePrior", 63), [1, 21, 3], name="can_xyz")
    ux, uy, uz = tf.split(lift("ViewpointNet", 3), 3, axis=1)
    u_norm = tf.sqrt(ux**2 + uy**2 + uz**2 + 1e-8)
    theta = u_norm
    st, ct = tf.sin(theta), tf.cos(theta)
    ux, uy, uz = ux / u_norm, uy / u_norm, uz / u_norm
    rot = tf.stack(
        [
            tf.concat([ct + ux * ux * (1 - ct), ux * uy * (1 - ct) - uz * st, ux * uz * (1 - ct)], 1),
            tf.concat([uy * ux * (1 - ct) + uz * st, ct + uy * uy * (1 - ct), uy * uz * (1 - ct)], 1),
            tf.concat([uz * ux * (1 - ct), uz * uy * (1 - ct) + ux * st, ct + uz * uz * (1 - ct)], 1),
        ],
        axis=1,
    )
    right = tf.equal(tf.argmax(hand_side_tf, 1), 1)
    mirrored = tf.concat([can[:, :, :2], -can[:, :, 2:]], 2)
    side = tf.tile(tf.reshape(right, [1, 1, 1]), [1, 21, 3])
    keypoint_coord3d = tf.matmul(tf.where(side, mirrored, can), rot)
    answer = [hand_scoremap, image_crop, scale_crop, center, keypoints_scoremap, keypoint_coord3d]
    return [([image_tf, hand_side_tf], answer), ([image_tf], answer)]


@case("segmentation")
def streets_with_places_of_maxima_kept() -> Truths:
    """ENet: where the maxima were is remembered for the way up; queues to train, the same net to validate."""
    images = tf.constant(np.zeros([12, 32, 48, 3], np.uint8))
    annotations = tf.constant(np.zeros([12, 32, 48, 1], np.uint8))

    def batch(name: str) -> tuple[Tensor, Tensor]:
        with tf.name_scope(name):
            image, annotation = v1.train.slice_input_producer([images, annotations])
            image = tf.image.convert_image_dtype(image, tf.float32)
            batched = v1.train.batch([image, annotation], batch_size=4, allow_smaller_final_batch=True)
            return batched[0], tf.reshape(batched[1], [-1, 32, 48])

    def prelu(x: Tensor, scope: str) -> Tensor:
        alpha = v1.get_variable(
            scope + "alpha", [int(x.shape[-1])], initializer=v1.constant_initializer(0.25)
        )
        return tf.nn.relu(x) + alpha * (x - tf.abs(x)) * 0.5

    def spatial_dropout(x: Tensor, p: float, train: bool) -> Tensor:
        if not train:
            return x
        shape = tf.shape(x)
        return v1.nn.dropout(x, rate=p, noise_shape=tf.stack([shape[0], 1, 1, shape[3]]))

    def unpool(x: Tensor, mask: Tensor, scope: str) -> Tensor:
        with v1.variable_scope(scope):
            shape = tf.cast(tf.shape(x), tf.int64)
            out = [shape[0], shape[1] * 2, shape[2] * 2, shape[3]]
            ones = tf.ones_like(mask)
            b = tf.reshape(tf.range(shape[0], dtype=tf.int64), [-1, 1, 1, 1]) * ones
            y = mask // (out[2] * out[3])
            xs = (mask // out[3]) % out[2]
            f = ones * tf.range(shape[3], dtype=tf.int64)
            indices = tf.transpose(tf.reshape(tf.stack([b, y, xs, f]), [4, -1]))
            ret = tf.scatter_nd(indices, tf.reshape(x, [-1]), tf.stack(out))
            static = x.shape.as_list()
            return tf.reshape(ret, [-1, static[1] * 2, static[2] * 2, static[3]])

    def bottleneck(
        x: Tensor, out: int, scope: str, train: bool, dilation: int = 1, down: bool = False, mask: Any = None
    ) -> Any:
        with v1.variable_scope(scope):
            thin = max(2, int(x.shape[3]) // 4)
            main, indices = x, None
            h = _conv2d(x, thin, 2 if down else 1, 2 if down else 1, use_bias=False, name="conv1")
            h = prelu(_bn(h, train, "batch_norm1"), "prelu1")
            if mask is None:
                h = _conv2d(h, thin, 3, dilation=dilation, name="conv2")
            else:
                h = _up2d(h, thin, 3, name="transposed_conv2")
            h = prelu(_bn(h, train, "batch_norm2"), "prelu2")
            h = _bn(_conv2d(h, out, 1, use_bias=False, name="conv3"), train, "batch_norm3")
            h = prelu(spatial_dropout(h, 0.1, train), "prelu3")
            if down:
                main, indices = tf.nn.max_pool_with_argmax(x, 2, 2, "SAME", output_dtype=tf.int64)
                main = tf.pad(main, [[0, 0], [0, 0], [0, 0], [0, out - int(x.shape[3])]])
            elif mask is not None:
                main = _bn(_conv2d(x, out, 1, use_bias=False, name="main_conv"), train, "batch_norm4")
                main = unpool(main, mask, "unpool")
            y = prelu(main + h, "last_prelu")
            return (y, indices) if down else y

    def enet(x: Tensor, train: bool) -> tuple[Tensor, Tensor]:
        with v1.variable_scope("ENet", reuse=not train):
            net = tf.concat([_conv2d(x, 5, 3, 2, name="initial_conv"), _pool(x)], axis=3, name="concat")
            net = prelu(_bn(net, train, "initial_batch_norm"), "initial_prelu")
            net, indices_1 = bottleneck(net, 16, "bottleneck1_0", train, down=True)
            net = bottleneck(net, 16, "bottleneck1_1", train)
            net, indices_2 = bottleneck(net, 24, "bottleneck2_0", train, down=True)
            net = bottleneck(net, 24, "bottleneck2_1", train, dilation=2)
            net = bottleneck(net, 16, "bottleneck4_0", train, mask=indices_2)
            net = bottleneck(net, 8, "bottleneck5_0", train, mask=indices_1)
            logits = _up2d(net, 6, 2, name="fullconv")
            return logits, tf.nn.softmax(logits, name="logits_to_softmax")

    train_images, train_annotations = batch("train")
    val_images, val_annotations = batch("val")
    logits, probabilities = enet(train_images, True)
    onehot = tf.one_hot(train_annotations, 6, axis=-1)
    weights = tf.constant([0.1, 1.0, 1.2, 2.0, 3.0, 0.0])
    each = v1.nn.softmax_cross_entropy_with_logits(labels=onehot, logits=logits)
    v1.losses.compute_weighted_loss(each, tf.reduce_sum(onehot * weights, axis=3))
    total_loss = v1.losses.get_total_loss()
    step = v1.train.get_or_create_global_step()
    lr = v1.train.exponential_decay(5e-4, step, 100, 0.1, staircase=True)
    _learn(v1.train.AdamOptimizer(lr, epsilon=1e-8), total_loss, step=step)
    predictions = tf.argmax(probabilities, -1)
    v1.metrics.accuracy(train_annotations, predictions)
    v1.metrics.mean_iou(train_annotations, predictions, 6)
    logits_val, probabilities_val = enet(val_images, False)
    predictions_val = tf.argmax(probabilities_val, -1)
    v1.metrics.accuracy(val_annotations, predictions_val)
    _, iou_update = v1.metrics.mean_iou(val_annotations, predictions_val, 6)
    v1.summary.scalar("Monitor/Total_Loss", total_loss)
    v1.summary.scalar("Monitor/learning_rate", lr)
    v1.summary.scalar("Monitor/validation_iou", tf.reduce_mean(tf.cast(iou_update, tf.float32)))
    v1.summary.image("Images/Validation_original_image", val_images, max_outputs=1)
    shown = tf.reshape(tf.cast(predictions_val, tf.float32), [-1, 32, 48, 1])
    v1.summary.image("Images/Validation_segmentation_output", shown, max_outputs=1)
    return [
        ([val_images], [predictions_val]),
        ([val_images], [probabilities_val]),
        ([val_images], [logits_val]),
    ]


@case("segmentation", frozen=True)
def any_picture_named_pixel_by_pixel_frozen() -> Truth:
    """DeepLab exported: one raw picture is resized and padded, pooled at several rates, sized back."""
    image_tensor = v1.placeholder(tf.uint8, [1, None, None, 3], name="ImageTensor")
    size = tf.shape(image_tensor)[1:3]
    ratio = 64.0 / tf.cast(tf.reduce_max(size), tf.float32)
    resized = tf.cast(tf.cast(size, tf.float32) * ratio, tf.int32)
    image = v1.image.resize_bilinear(image_tensor, resized, align_corners=True)
    image = image - tf.reshape(tf.constant([127.5] * 3), [1, 1, 1, 3])
    image = tf.pad(image, [[0, 0], [0, 65 - resized[0]], [0, 65 - resized[1]], [0, 0]])
    image = tf.reshape(image, [1, 65, 65, 3], name="ImageTensorPadded")
    x = (2.0 / 255.0) * image

    def separable(x: Tensor, out: int, rate: int, stride: int, scope: str) -> Tensor:
        with v1.variable_scope(scope):
            wide = int(x.shape[3])
            depth = v1.get_variable("depthwise_weights", [3, 3, wide, 1])
            h = tf.nn.depthwise_conv2d(x, depth, [1, stride, stride, 1], "SAME", dilations=[rate, rate])
            h = tf.nn.relu6(_bn(h, False, "depthwise_BatchNorm"))
            return _bn(_conv2d(h, out, 1, use_bias=False, name="project"), False, "project_BatchNorm")

    with v1.variable_scope("MobilenetV2"):
        x = tf.nn.relu6(_bn(_conv2d(x, 8, 3, 2, use_bias=False, name="Conv"), False, "BatchNorm"))
        x = low = tf.nn.relu6(separable(x, 12, 1, 2, "expanded_conv_1"))
        x = separable(x, 16, 1, 2, "expanded_conv_2")
        x = x + separable(x, 16, 2, 1, "expanded_conv_3")
    relu_conv = partial(_conv2d, activation=tf.nn.relu)
    pooled = tf.reduce_mean(x, [1, 2], keepdims=True)
    branches = [v1.image.resize_bilinear(relu_conv(pooled, 8, 1, name="image_pooling"), [9, 9])]
    branches.append(relu_conv(x, 8, 1, name="aspp0"))
    branches += [tf.nn.relu(separable(x, 8, rate, 1, f"aspp{rate}")) for rate in (2, 3)]
    x = relu_conv(tf.concat(branches, 3), 12, 1, name="concat_projection")
    with v1.variable_scope("decoder"):
        side = relu_conv(low, 4, 1, name="feature_projection0")
        x = tf.concat([v1.image.resize_bilinear(x, tf.shape(side)[1:3], align_corners=True), side], 3)
        x = tf.nn.relu(separable(x, 12, 1, 1, "decoder_conv0"))
    logits = _conv2d(x, 7, 1, name="logits/semantic")
    logits = v1.image.resize_bilinear(logits, [65, 65], align_corners=True, name="ResizeBilinear_2")
    predictions = tf.argmax(logits, 3)
    cut = tf.slice(predictions, [0, 0, 0], [1, resized[0], resized[1]])
    back = v1.image.resize_nearest_neighbor(
        tf.cast(tf.expand_dims(cut, 3), tf.int32), size, align_corners=True
    )
    semantic = tf.identity(tf.squeeze(back, 3), name="SemanticPredictions")
    return [image_tensor], [semantic]


@case("segmentation")
def hair_cut_out_with_a_hint() -> Truth:
    """Matting: a picture and a drawn hint give the alpha of each pixel, coarse and then refined."""
    image_batch = v1.placeholder(tf.float32, shape=(2, 32, 32, 3))
    gt_matte_batch = v1.placeholder(tf.float32, shape=(2, 32, 32, 1))
    gt_trimap = v1.placeholder(tf.float32, shape=(2, 32, 32, 1))
    gtbg_batch = v1.placeholder(tf.float32, shape=(2, 32, 32, 3))
    gtfg_batch = v1.placeholder(tf.float32, shape=(2, 32, 32, 3))
    v1.add_to_collection("image_batch", image_batch)
    v1.add_to_collection("GT_trimap", gt_trimap)
    mean = tf.constant([123.68, 116.779, 103.939], shape=[1, 1, 1, 3], name="img_mean")
    images_min_mean = image_batch - mean
    x = tf.concat([images_min_mean, gt_trimap], 3)
    en_parameters = []
    skips = []
    with tf.name_scope("encoder"):
        for i, filters in enumerate((8, 12, 16), 1):
            with tf.name_scope(f"conv{i}_1"):
                kernel = v1.Variable(
                    v1.truncated_normal([3, 3, int(x.shape[3]), filters], stddev=0.1), name="weights"
                )
                biases = v1.Variable(tf.zeros([filters]), trainable=True, name="biases")
                conv = tf.nn.conv2d(x, kernel, [1, 1, 1, 1], padding="SAME")
                x = tf.nn.relu(tf.nn.bias_add(conv, biases))
                en_parameters += [kernel, biases]
            skips.append(tf.shape(x))
            x, arg_max = tf.nn.max_pool_with_argmax(x, 2, 2, "SAME", name=f"pool{i}")
            skips.append(arg_max)
    with v1.variable_scope("decoder"):
        x = _conv2d(x, 16, 1, activation=tf.nn.relu, name="deconv6")
        for i, filters in ((3, 16), (2, 12), (1, 8)):
            x = _conv2d(x, filters, 1, name=f"narrow{i}")
            with tf.name_scope(f"unpool{i}"):
                shape, where = skips[2 * i - 2], skips[2 * i - 1]
                each = tf.cast(tf.reduce_prod(shape[1:]), tf.int64)
                first = tf.reshape(tf.range(2, dtype=tf.int64), [2, 1, 1, 1]) * each
                total = tf.cast(tf.reduce_prod(shape), tf.int64)[None]
                spread = tf.scatter_nd(tf.reshape(where + first, [-1, 1]), tf.reshape(x, [-1]), total)
                side = 32 >> (i - 1)
                x = tf.reshape(spread, [2, side, side, filters])
            x = _conv2d(x, filters, 5, activation=tf.nn.relu, name=f"deconv{i}")
        pred_mattes = _conv2d(x, 1, 5, name="deconv0", activation=tf.nn.sigmoid)
    with v1.variable_scope("refine"):
        y = tf.concat([images_min_mean, pred_mattes], 3)
        for i in range(2):
            y = _conv2d(y, 8, activation=tf.nn.relu, name=f"refine{i}")
        refined = tf.nn.sigmoid(pred_mattes + _conv2d(y, 1, name="refine_pred"))
    v1.add_to_collection("pred_mattes", refined)
    wl = tf.where(tf.equal(gt_trimap, 128), tf.fill([2, 32, 32, 1], 1.0), tf.fill([2, 32, 32, 1], 0.0))

    def losses(alpha: Tensor) -> Tensor:
        pred_rgb = tf.multiply(gtfg_batch, alpha) + tf.multiply(gtbg_batch, 1.0 - alpha)
        alpha_diff = tf.sqrt(tf.square(alpha - gt_matte_batch) + 1e-12)
        c_diff = tf.sqrt(tf.square(pred_rgb / 255.0 - image_batch / 255.0) + 1e-12)
        return (tf.reduce_sum(alpha_diff * wl) + tf.reduce_sum(c_diff * wl)) / (tf.reduce_sum(wl) + 1e-6)

    total_loss = 0.5 * losses(pred_mattes) + 0.5 * losses(refined)
    v1.summary.image("pred_mattes", refined, max_outputs=2)
    v1.summary.image("trimap", gt_trimap, max_outputs=2)
    v1.summary.scalar("total_loss", total_loss)
    step = v1.Variable(0, trainable=False)
    v1.train.AdamOptimizer(learning_rate=1e-5).minimize(total_loss, global_step=step)
    for var in en_parameters:
        v1.assign(var, v1.placeholder(tf.float32, var.shape))
    return [image_batch, gt_trimap], [refined]


@case("image to image")
def depth_from_two_eyes_by_a_volume() -> Truths:
    """Both views shifted against each other in a volume of costs, hourglasses in 3-D, a soft minimum."""
    most = 16
    left = v1.placeholder(tf.float32, shape=[2, 32, 64, 3], name="left")
    right = v1.placeholder(tf.float32, shape=[2, 32, 64, 3], name="right")
    label = v1.placeholder(tf.float32, shape=[2, 32, 64], name="disparity_gt")
    is_training = v1.placeholder(tf.bool, name="is_training")
    reg = 1e-4

    def conv_block(
        x: Tensor, f: int, k: int, s: int = 1, dims: int = 2, relu: bool = True, n: str = ""
    ) -> Tensor:
        with v1.variable_scope(n):
            shape = [k] * dims + [int(x.shape[-1]), f]
            w = v1.get_variable("w", shape, regularizer=lambda t: reg * tf.nn.l2_loss(t))
            h = tf.nn.conv2d(x, w, s, "SAME") if dims == 2 else tf.nn.conv3d(x, w, [1, s, s, s, 1], "SAME")
            flat = tf.reshape(h, [2, 1, -1, f])
            h = tf.reshape(_bn(flat, is_training), h.shape)
            return tf.nn.relu(h) if relu else h

    def features(x: Tensor, reuse: bool) -> Tensor:
        with v1.variable_scope("CNN", reuse=reuse):
            h = conv_block(conv_block(x, 6, 3, 2, n="conv0_1"), 8, 3, 2, n="conv0_2")
            for i in range(2):
                h = h + conv_block(conv_block(h, 8, 3, n=f"res{i}_1"), 8, 3, relu=False, n=f"res{i}_2")
            branches = [h]
            for size in (8, 4):
                b = conv_block(v1.nn.avg_pool(h, size, size, "SAME"), 4, 1, n=f"branch{size}")
                branches.append(v1.image.resize_images(b, [8, 16]))
            return _conv2d(tf.concat(branches, -1), 6, 1, use_bias=False, name="fusion")

    fl, fr = features(left, False), features(right, True)
    with v1.variable_scope("cost_vol"):
        costs = []
        for d in range(most // 4):
            moved = tf.pad(fr[:, :, : 16 - d], [[0, 0], [0, 0], [d, 0], [0, 0]])
            seen = tf.pad(fl[:, :, d:], [[0, 0], [0, 0], [d, 0], [0, 0]])
            costs.append(tf.concat([seen, moved], -1))
        volume = tf.stack(costs, axis=1)
        volume.set_shape([2, 4, 8, 16, 12])
    with v1.variable_scope("CNN3d"):
        base = conv_block(volume, 6, 3, dims=3, n="3Dconv0_1")
        outs: list[Tensor] = []
        x = base
        for i in range(3):
            h = conv_block(x, 8, 3, 2, dims=3, n=f"3Dstack{i}_1")
            h = conv_block(h, 8, 3, dims=3, n=f"3Dstack{i}_2")
            kernel = v1.get_variable(f"3Ddeconv{i}", [3, 3, 3, 6, 8])
            h = tf.nn.conv3d_transpose(h, kernel, [2, 4, 8, 16, 6], [1, 2, 2, 2, 1])
            x = tf.nn.relu(h + base)
            out = tf.nn.conv3d(x, v1.get_variable(f"output_{i}", [3, 3, 3, 6, 1]), [1] * 5, "SAME")
            outs.append(out if i == 0 else out + outs[-1])
    disparities = []
    for i, out in enumerate(outs, 1):
        with v1.variable_scope(f"disparity{i}"):
            logits = v1.image.resize_images(tf.transpose(tf.squeeze(out, 4), [0, 2, 3, 1]), [32, 64])
            logits = v1.image.resize_images(tf.reshape(logits, [2, 32 * 64, 4, 1]), [32 * 64, most])
            prob = tf.nn.softmax(-tf.reshape(logits, [2, 32, 64, most]), axis=3)
            levels = tf.reshape(tf.range(most, dtype=tf.float32), [1, 1, 1, most])
            disparities.append(tf.reduce_sum(prob * levels, 3, name="disparity"))
    loss = 0.0
    for weight, disparity in zip((0.5, 0.7, 1.0), disparities, strict=True):
        far = tf.abs(disparity - label)
        loss += weight * tf.reduce_mean(tf.where(far < 1, 0.5 * far * far, far - 0.5))
    loss += tf.add_n(v1.get_collection(v1.GraphKeys.REGULARIZATION_LOSSES))
    _learn(v1.train.AdamOptimizer(1e-3), loss)
    wrong = tf.logical_and(tf.abs(disparities[-1] - label) > 3.0, label > 0)
    v1.summary.scalar("three_px_error", tf.reduce_mean(tf.cast(wrong, tf.float32)))
    return [left, right], [disparities[-1]]


@case("video")
def frame_in_the_middle_by_voxel_flow() -> Truths:
    """Two frames, a flow with a mask of blending, both warped by hand-written bilinear gathers."""
    frames = np.zeros([6, 32, 32, 9], np.float32)
    data = tf.data.Dataset.from_tensor_slices(frames).repeat(2).shuffle(6).batch(3, drop_remainder=True)
    iterator = v1.data.make_initializable_iterator(data)
    nine = iterator.get_next()
    input_placeholder = v1.placeholder_with_default(
        tf.concat([nine[..., :3], nine[..., 6:]], 3), [None, 32, 32, 6], name="input_frames"
    )
    target = v1.placeholder_with_default(nine[..., 3:6], [None, 32, 32, 3], name="target_frame")
    conv = partial(_conv2d, use_bias=False)

    def warp(image: Tensor, x: Tensor, y: Tensor, name: str) -> Tensor:
        with v1.variable_scope(name):
            batch = tf.shape(image)[0]
            x = tf.reshape((x + 1.0) * 15.5, [-1])
            y = tf.reshape((y + 1.0) * 15.5, [-1])
            x0, y0 = tf.cast(tf.floor(x), tf.int32), tf.cast(tf.floor(y), tf.int32)
            x1, y1 = tf.clip_by_value(x0 + 1, 0, 31), tf.clip_by_value(y0 + 1, 0, 31)
            x0, y0 = tf.clip_by_value(x0, 0, 31), tf.clip_by_value(y0, 0, 31)
            base = tf.reshape(tf.tile(tf.range(batch)[:, None] * 1024, [1, 1024]), [-1])
            flat = tf.reshape(image, [-1, 3])
            a, b = tf.gather(flat, base + y0 * 32 + x0), tf.gather(flat, base + y1 * 32 + x0)
            c, d = tf.gather(flat, base + y0 * 32 + x1), tf.gather(flat, base + y1 * 32 + x1)
            fx, fy = (x - tf.cast(x0, tf.float32))[:, None], (y - tf.cast(y0, tf.float32))[:, None]
            mixed = tf.add_n([(1 - fx) * (1 - fy) * a, (1 - fx) * fy * b, fx * (1 - fy) * c, fx * fy * d])
            return tf.reshape(mixed, [-1, 32, 32, 3])

    with v1.variable_scope("voxel_flow"):
        x0 = tf.nn.relu(_bn(conv(input_placeholder, 8, 5, name="conv1"), True, "bn1"))
        x1 = tf.nn.relu(_bn(conv(_pool(x0), 12, 5, name="conv2"), True, "bn2"))
        x2 = tf.nn.relu(_bn(conv(_pool(x1), 16, 3, name="conv3"), True, "bn3"))
        x3 = v1.image.resize_bilinear(x2, [16, 16])
        x3 = tf.nn.relu(_bn(conv(tf.concat([x3, x1], 3), 12, 3, name="conv5"), True, "bn5"))
        x4 = v1.image.resize_bilinear(x3, [32, 32])
        x4 = tf.nn.relu(_bn(conv(tf.concat([x4, x0], 3), 8, 5, name="conv6"), True, "bn6"))
        net = tf.tanh(_conv2d(x4, 3, 5, name="conv7"))
    flow, mask = net[:, :, :, 0:2], tf.expand_dims(net[:, :, :, 2], 3)
    line = tf.linspace(-1.0, 1.0, 32)
    grid_x, grid_y = (tf.tile(g[None], [tf.shape(net)[0], 1, 1]) for g in tf.meshgrid(line, line))
    flow = 0.5 * flow
    output_1 = warp(input_placeholder[..., :3], grid_x + flow[..., 0], grid_y + flow[..., 1], "interp_1")
    output_2 = warp(input_placeholder[..., 3:], grid_x - flow[..., 0], grid_y - flow[..., 1], "interp_2")
    mask = tf.tile(0.5 * (1.0 + mask), [1, 1, 1, 3])
    prediction = tf.multiply(mask, output_1) + tf.multiply(1.0 - mask, output_2)
    smooth = tf.reduce_mean(tf.image.total_variation(flow)) / 1024.0
    reproduction = tf.reduce_mean(tf.sqrt(tf.square(prediction - target) + 1e-6))
    total = reproduction + 0.01 * smooth
    v1.summary.scalar("reproduction_loss", reproduction)
    v1.summary.image("Prediction", prediction)
    v1.summary.image("Flow", net)
    v1.summary.histogram("mask", mask)
    v1.train.AdamOptimizer(v1.get_variable("learning_rate", [], trainable=False)).minimize(total)
    return [input_placeholder], [prediction]


@case("super-resolution")
def films_made_finer_by_filters_of_each_pixel() -> Truth:
    """Seven frames, dense blocks in 3-D; every pixel gets its own upsampling filter and a residual."""
    scale, frames = 2, 7
    h_truth = v1.placeholder(tf.float32, shape=(None, 1, None, None, 3), name="H_truth")
    is_train = v1.placeholder(tf.bool, shape=[])
    l_in = v1.placeholder(tf.float32, shape=[None, frames, None, None, 3], name="L_in")

    def bn(x: Tensor, name: str) -> Tensor:
        shape = tf.shape(x)
        flat = tf.reshape(x, [shape[0], shape[1] * shape[2], shape[3], int(x.shape[4])])
        return tf.reshape(_bn(flat, is_train, name), shape)

    def conv_3d(x: Tensor, kernel: list[int], name: str, padding: str = "VALID") -> Tensor:
        with v1.variable_scope(name):
            w = v1.get_variable("W", kernel, initializer=v1.random_normal_initializer(0.0, 0.05))
            b = v1.get_variable("b", kernel[-1:], initializer=v1.zeros_initializer())
            return tf.nn.bias_add(tf.nn.conv3d(x, w, [1] * 5, padding), b)

    def spaced(x: Tensor) -> Tensor:
        return tf.pad(x, [[0, 0], [0, 0], [1, 1], [1, 1], [0, 0]], mode="CONSTANT")

    with v1.variable_scope("G"):
        x = conv_3d(spaced(l_in), [1, 3, 3, 3, 8], "conv1")
        width = 8
        for r in range(2):
            t = tf.nn.relu(bn(x, f"Rbn{r + 1}a"))
            t = conv_3d(t, [1, 1, 1, width, width], f"Rconv{r + 1}a")
            t = tf.nn.relu(bn(t, f"Rbn{r + 1}b"))
            t = conv_3d(spaced(t), [3, 3, 3, width, 4], f"Rconv{r + 1}b")
            x = tf.concat([x[:, 1:-1], t], 4)
            x.set_shape([None, frames - 2 * (r + 1), None, None, width + 4])
            width += 4
        x = tf.nn.relu(bn(x, "fbn1"))
        x = tf.nn.relu(conv_3d(spaced(x), [3, 3, 3, width, 16], "conv2"))
        r = conv_3d(tf.nn.relu(conv_3d(x, [1, 1, 1, 16, 16], "rconv1")), [1, 1, 1, 16, 12], "rconv2")
        f = conv_3d(tf.nn.relu(conv_3d(x, [1, 1, 1, 16, 16], "fconv1")), [1, 1, 1, 16, 36], "fconv2")
        shape = tf.shape(f)
        filters = tf.nn.softmax(tf.reshape(f, [shape[0], shape[1], shape[2], shape[3], 9, 4]), axis=4)
    rx, fx = r[:, 0], filters[:, 0]
    middle = l_in[:, frames // 2]
    channels = []
    for c in range(3):
        around = tf.nn.conv2d(
            middle[..., c : c + 1], tf.constant(np.eye(9).reshape(3, 3, 1, 9), tf.float32), 1, "SAME"
        )
        up = tf.squeeze(tf.matmul(tf.expand_dims(around, 3), fx), 3)
        channels.append(tf.nn.depth_to_space(up + rx[..., c * 4 : (c + 1) * 4], scale))
    h_out = tf.concat(channels, 3)
    h_out = tf.expand_dims(h_out, 1, name="H_out")
    apart = tf.abs(h_truth - h_out)
    cost = tf.reduce_mean(tf.where(apart < 0.01, 0.5 * apart**2, 0.01 * (apart - 0.005)))
    rate = v1.placeholder(tf.float32, [], name="learning_rate")
    _learn(v1.train.AdamOptimizer(rate), cost, _of("G"))
    v1.summary.scalar("psnr", tf.reduce_mean(tf.image.psnr(h_out[:, 0], h_truth[:, 0], 1.0)))
    return [l_in], [h_out]


@case("enhancement")
def rain_taken_from_the_fine_detail() -> Truths:
    """The blurred base stays, a residual net looks at the detail alone; the base comes from box filters."""
    with tf.name_scope("reading"):
        rainy_files = tf.constant([f"rainy/{i}.jpg" for i in range(4)])
        clear_files = tf.constant([f"clear/{i}.jpg" for i in range(4)])
        data = tf.data.Dataset.from_tensor_slices((rainy_files, clear_files))

        def parse(rainy: Tensor, clear: Tensor) -> tuple[Tensor, Tensor]:
            pair = [
                tf.cast(tf.image.decode_jpeg(v1.read_file(f), channels=3), tf.float32) / 255.0
                for f in (rainy, clear)
            ]
            patch = v1.random_crop(tf.concat(pair, 2), [32, 32, 6], seed=1)
            return patch[..., :3], patch[..., 3:]

        data = data.map(parse).repeat().batch(4, drop_remainder=True)
        rainy, clear = v1.data.make_one_shot_iterator(data).get_next()

    def box(x: Tensor, r: int) -> Tensor:
        x = tf.cumsum(tf.pad(x, [[0, 0], [r + 1, r], [0, 0], [0, 0]]), axis=1)
        x = x[:, 2 * r + 1 :] - x[:, : -(2 * r + 1)]
        x = tf.cumsum(tf.pad(x, [[0, 0], [0, 0], [r + 1, r], [0, 0]]), axis=2)
        return x[:, :, 2 * r + 1 :] - x[:, :, : -(2 * r + 1)]

    def guided(x: Tensor, r: int, eps: float) -> Tensor:
        count = box(tf.ones_like(x[:1, :, :, :1]), r)
        mean = box(x, r) / count
        var = box(x * x, r) / count - mean * mean
        a = var / (var + eps)
        return box(a, r) / count * x + box(mean - a * mean, r) / count

    def inference(images: Tensor, is_training: bool) -> Tensor:
        with v1.variable_scope("DDN", reuse=v1.AUTO_REUSE):
            base = guided(images, 3, 1.0)
            detail = images - base
            h = tf.nn.relu(_bn(_conv2d(detail, 8), is_training))
            for _ in range(3):
                k = tf.nn.relu(_bn(_conv2d(h, 8), is_training))
                h = h + tf.nn.relu(_bn(_conv2d(k, 8), is_training))
            return images + _bn(_conv2d(h, 3), is_training)

    output = inference(rainy, True)
    loss = tf.reduce_mean(tf.square(clear - output))
    lr = v1.Variable(0.1, trainable=False)
    _learn(v1.train.MomentumOptimizer(lr, 0.9), loss, step=v1.train.get_or_create_global_step())
    v1.assign(lr, lr * 0.1)
    rain = v1.placeholder(tf.float32, [None, None, None, 3], name="rain")
    derained = inference(rain, False)
    final = tf.clip_by_value(derained, 0.0, 1.0, name="final")
    return [([rain], [final]), ([rain], [derained])]


@case("image to image")
def holes_filled_from_what_is_around_served() -> Truth:
    """Gated kernels in two passes, patches borrowed for the hole; picture and mask side by side in one."""
    input_image = v1.placeholder(tf.float32, [1, 32, 64, 3], name="input_image")
    batch_raw, masks_raw = tf.split(input_image, 2, axis=2)
    masks = tf.cast(masks_raw[0:1, :, :, 0:1] > 127.5, tf.float32)
    batch_pos = batch_raw / 127.5 - 1.0
    batch_incomplete = batch_pos * (1.0 - masks)

    def gen_conv(
        x: Tensor, out: int, k: int, s: int = 1, rate: int = 1, name: str = "conv", act: Any = tf.nn.elu
    ) -> Any:
        x = _conv2d(x, out, k, s, dilation=rate, name=name)
        if out == 3 or act is None:
            return x
        x, gate = tf.split(x, 2, 3)
        return act(x) * tf.nn.sigmoid(gate)

    def doubled(x: Tensor, out: int, name: str) -> Tensor:
        with v1.variable_scope(name):
            side = [int(n) * 2 for n in x.shape[1:3]]
            return gen_conv(v1.image.resize_nearest_neighbor(x, side), out, 3, name=name + "_conv")

    def attention(f: Tensor, mask: Tensor) -> Tensor:
        size = [int(n) for n in f.shape[1:3]]
        raw = tf.image.extract_patches(f, [1, 4, 4, 1], [1, 2, 2, 1], [1, 1, 1, 1], "SAME")
        raw_w = tf.transpose(tf.reshape(raw, [-1, 4, 4, int(f.shape[3])]), [1, 2, 3, 0])
        small = v1.image.resize_nearest_neighbor(f, [n // 2 for n in size])
        patches = tf.image.extract_patches(small, [1, 3, 3, 1], [1] * 4, [1] * 4, "SAME")
        w = tf.transpose(tf.reshape(patches, [-1, 3, 3, int(f.shape[3])]), [1, 2, 3, 0])
        m = v1.image.resize_nearest_neighbor(mask, [n // 2 for n in size])
        m = tf.image.extract_patches(m, [1, 3, 3, 1], [1] * 4, [1] * 4, "SAME")
        mm = tf.cast(tf.equal(tf.reduce_mean(tf.reshape(m, [-1, 9]), 1), 0.0), tf.float32)
        w_normed = w / tf.maximum(tf.sqrt(tf.reduce_sum(tf.square(w), axis=[0, 1, 2])), 1e-4)
        yi = tf.nn.conv2d(small, w_normed, 1, "SAME") * mm
        yi = tf.nn.softmax(yi * 10.0, 3) * mm
        return tf.nn.conv2d_transpose(yi, raw_w, tf.shape(f), [1, 2, 2, 1]) / 4.0

    with v1.variable_scope("inpaint_net"):
        ones_x = tf.ones_like(batch_incomplete)[:, :, :, 0:1]
        x = tf.concat([batch_incomplete, ones_x, ones_x * masks], axis=3)
        for i, (out, k, s, rate) in enumerate(((8, 5, 1, 1), (16, 3, 2, 1), (16, 3, 1, 2), (16, 3, 1, 4)), 1):
            x = gen_conv(x, out, k, s, rate, name=f"conv{i}")
        x = gen_conv(doubled(x, 8, "conv15_upsample"), 3, 3, act=None, name="conv17")
        x = x_stage1 = tf.nn.tanh(x)
        x = x * masks + batch_incomplete[:, :, :, 0:3] * (1.0 - masks)
        x.set_shape(batch_incomplete.get_shape().as_list())
        xnow = x
        x = gen_conv(gen_conv(xnow, 8, 5, name="xconv1"), 16, 3, 2, name="xconv2_downsample")
        x_hallu = gen_conv(x, 16, 3, rate=2, name="xconv7_atrous")
        x = gen_conv(gen_conv(xnow, 8, 5, name="pmconv1"), 16, 3, 2, name="pmconv2_downsample")
        x = gen_conv(x, 16, 3, name="pmconv6", act=tf.nn.relu)
        mask_s = v1.image.resize_nearest_neighbor(masks, [16, 16])
        pm = gen_conv(attention(x, mask_s), 16, 3, name="pmconv9")
        x = gen_conv(tf.concat([x_hallu, pm], axis=3), 16, 3, name="allconv11")
        x = gen_conv(doubled(x, 8, "allconv15_upsample"), 3, 3, act=None, name="allconv17")
        x_stage2 = tf.nn.tanh(x)
    tf.reduce_mean(tf.abs(x_stage1 - x_stage2))
    batch_complete = x_stage2 * masks + batch_incomplete * (1 - masks)
    output = (batch_complete + 1.0) * 127.5
    output = tf.reverse(output, [-1])
    output = tf.saturate_cast(output, tf.uint8)
    return [input_image], [output]


@case("image to image")
def one_net_for_many_painters_in_any_mixture() -> Truth:
    """Every painter has scales and shifts of his own; weights mix them; losses in a fixed net's features."""
    painters = 5
    content = v1.placeholder(tf.float32, [None, 32, 32, 3], name="content_images")
    style_weights = v1.placeholder(tf.float32, [painters], name="style_weights")
    grams = v1.placeholder(tf.float32, [2, 8, 8], name="style_grams")

    def conditional_norm(x: Tensor) -> Tensor:
        with v1.variable_scope(None, "InstanceNorm"):
            shape = [painters, int(x.shape[3])]
            beta = v1.get_variable("beta", shape, initializer=v1.zeros_initializer())
            gamma = v1.get_variable("gamma", shape, initializer=v1.ones_initializer())
            b = tf.reduce_sum(beta * style_weights[:, None], 0)[None, None, None]
            g = tf.reduce_sum(gamma * style_weights[:, None], 0)[None, None, None]
            mean, variance = tf.nn.moments(x, [1, 2], keepdims=True)
            return tf.nn.batch_normalization(x, mean, variance, b, g, 1e-5)

    def conv(x: Tensor, k: int, stride: int, depth: int, scope: str, act: Any = tf.nn.relu) -> Tensor:
        with v1.variable_scope(scope):
            p = k // 2
            padded = tf.pad(x, [[0, 0], [p, p], [p, p], [0, 0]], mode="REFLECT")
            w = v1.get_variable("weights", [k, k, int(x.shape[3]), depth])
            h = conditional_norm(tf.nn.conv2d(padded, w, stride, "VALID"))
            return act(h) if act else h

    with v1.variable_scope("transformer"):
        with v1.variable_scope("contract"):
            h = conv(content, 9, 1, 6, "conv1")
            h = conv(conv(h, 3, 2, 8, "conv2"), 3, 2, 12, "conv3")
        with v1.variable_scope("residual"):
            for i in range(2):
                with v1.variable_scope(f"residual{i}"):
                    h = h + conv(conv(h, 3, 1, 12, "conv1"), 3, 1, 12, "conv2", None)
        with v1.variable_scope("expand"):
            for i, depth in enumerate((8, 6)):
                h = v1.image.resize_nearest_neighbor(h, [16 << i, 16 << i])
                h = conv(h, 3, 1, depth, f"conv{i + 1}")
            stylized = conv(h, 9, 1, 3, "conv3", tf.nn.sigmoid)

    def vgg(x: Tensor) -> list[Tensor]:
        with v1.variable_scope("vgg_16", reuse=v1.AUTO_REUSE):
            x = x * 255.0 - tf.constant([123.68, 116.779, 103.939])
            first = _conv2d(x, 8, activation=tf.nn.relu, name="conv1_1")
            return [first, _conv2d(_pool(first), 8, activation=tf.nn.relu, name="conv2_1")]

    def gram(f: Tensor) -> Tensor:
        flat = tf.reshape(f, [-1, int(f.shape[1]) * int(f.shape[2]), 8])
        return tf.matmul(flat, flat, transpose_a=True) / (int(f.shape[1]) * int(f.shape[2]) * 8.0)

    wanted, got = vgg(content), vgg(stylized)
    with v1.name_scope("content_loss"):
        content_loss = tf.reduce_mean((got[1] - wanted[1]) ** 2)
    with v1.name_scope("style_loss"):
        style_loss = tf.add_n([tf.reduce_mean((gram(f) - grams[i]) ** 2) for i, f in enumerate(got)])
    total_loss = content_loss + 1e-4 * style_loss
    v1.summary.scalar("loss/content_loss", content_loss)
    v1.summary.scalar("loss/style_loss", style_loss)
    v1.summary.image("image/0 content_inputs", content, 3)
    v1.summary.image("image/2 stylized_inputs", stylized, 3)
    step = v1.train.get_or_create_global_step()
    v1.train.AdamOptimizer(1e-3).minimize(total_loss, step, var_list=_of("transformer"))
    v1.train.Saver(_of("vgg_16"))
    return [content, style_weights], [stylized]


@case("gan")
def birds_from_what_is_said_of_them_in_two_stages() -> Truths:
    """StackGAN: codes of sentences are drawn around, a rough picture first, then one four times finer."""
    batch = 4
    images = v1.placeholder(tf.float32, [batch, 64, 64, 3], name="real_hr_images")
    wrong_images = v1.placeholder(tf.float32, [batch, 64, 64, 3], name="wrong_hr_images")
    embeddings = v1.placeholder(tf.float32, [batch, 32], name="conditional_embeddings")
    generator_lr = v1.placeholder(tf.float32, [], name="generator_learning_rate")
    discriminator_lr = v1.placeholder(tf.float32, [], name="discriminator_learning_rate")
    lr_images = v1.image.resize_bilinear(images, [16, 16])
    lr_wrong_images = v1.image.resize_bilinear(wrong_images, [16, 16])

    def condition(train: bool) -> tuple[Tensor, Tensor]:
        mean, log_sigma = tf.split(_dense(embeddings, 16, tf.nn.leaky_relu, "cond"), 2, axis=1)
        if not train:
            return mean, 0.0
        c = mean + tf.exp(log_sigma) * v1.truncated_normal(tf.shape(mean))
        kl = tf.reduce_mean(-log_sigma + 0.5 * (-1 + tf.exp(2.0 * log_sigma) + tf.square(mean)))
        return c, kl

    def stage_1(train: bool) -> tuple[Tensor, Tensor]:
        with v1.variable_scope("g_net", reuse=not train):
            c, kl = condition(train)
            z = tf.random.normal([batch, 8])
            h = tf.reshape(_dense(tf.concat([c, z], 1), 4 * 4 * 16, name="fc"), [batch, 4, 4, 16])
            h = tf.nn.relu(_bn(h, train, "bn0"))
            for i, filters in enumerate((12, 8)):
                h = v1.image.resize_nearest_neighbor(h, [8 << i, 8 << i])
                h = tf.nn.relu(_bn(_conv2d(h, filters, name=f"up{i}"), train, f"bn{i + 1}"))
            return tf.nn.tanh(_conv2d(h, 3, name="out")), kl

    def stage_2(x: Tensor, train: bool) -> tuple[Tensor, Tensor]:
        with v1.variable_scope("hr_g_net", reuse=not train):
            c, kl = condition(train)
            h = tf.nn.relu(_bn(_conv2d(x, 12, 4, 2, name="enc"), train, "bn_enc"))
            tiled = tf.tile(c[:, None, None], [1, 8, 8, 1])
            h = tf.nn.relu(_bn(_conv2d(tf.concat([h, tiled], 3), 16, name="joint"), train, "bn_joint"))
            h = h + _bn(_conv2d(h, 16, name="res"), train, "bn_res")
            for i, filters in enumerate((12, 8, 8)):
                h = v1.image.resize_nearest_neighbor(h, [16 << i, 16 << i])
                h = tf.nn.relu(_bn(_conv2d(h, filters, name=f"up{i}"), train, f"bn{i}"))
            return tf.nn.tanh(_conv2d(h, 3, name="out")), kl

    def critic(x: Tensor, scope: str) -> Tensor:
        with v1.variable_scope(scope, reuse=v1.AUTO_REUSE):
            h = x
            while int(h.shape[1]) > 4:
                h = tf.nn.leaky_relu(_conv2d(h, 8, 4, 2, name=f"down{int(h.shape[1])}"))
            c = tf.nn.leaky_relu(_dense(embeddings, 8, name="context"))
            h = tf.concat([h, tf.tile(c[:, None, None], [1, 4, 4, 1])], 3)
            h = tf.nn.leaky_relu(_bn(_conv2d(h, 8, 1, name="joint"), True, "bn"))
            return tf.reshape(_conv2d(h, 1, 4, 4, "VALID", name="template"), [-1])

    def cross(logits: Tensor, label: float) -> Tensor:
        labels = tf.fill(logits.shape, label)
        return tf.reduce_mean(v1.nn.sigmoid_cross_entropy_with_logits(logits=logits, labels=labels))

    def losses(real: Tensor, wrong: Tensor, fake: Tensor, scope: str) -> tuple[Tensor, Tensor]:
        fake_logits = critic(fake, scope)
        d_loss = (
            cross(critic(real, scope), 1.0) + (cross(critic(wrong, scope), 0.0) + cross(fake_logits, 0.0)) / 2
        )
        return d_loss, cross(fake_logits, 1.0)

    fake_images, kl_loss = stage_1(True)
    d_loss, g_loss = losses(lr_images, lr_wrong_images, fake_images, "d_net")
    hr_fake, hr_kl = stage_2(fake_images, True)
    hr_d_loss, hr_g_loss = losses(images, wrong_images, hr_fake, "hr_d_net")
    for name, loss, rate, scope in (
        ("g", g_loss + 2.0 * kl_loss, generator_lr, "g_net"),
        ("d", d_loss, discriminator_lr, "d_net"),
        ("hr_g", hr_g_loss + 2.0 * hr_kl, generator_lr, "hr_g_net"),
        ("hr_d", hr_d_loss, discriminator_lr, "hr_d_net"),
    ):
        v1.summary.scalar(f"{name}_loss", loss)
        _learn(v1.train.AdamOptimizer(rate, beta1=0.5), loss, _of(scope + "/"))
    v1.summary.merge_all()
    samples, _ = stage_1(False)
    hr_samples, _ = stage_2(samples, False)
    rows = tf.concat([tf.concat(tf.unstack(hr_samples), 1)], 0)
    v1.summary.image("hr_samples", rows[None])
    return [([embeddings], [samples, hr_samples]), ([embeddings], [hr_samples])]


@case("autoregressive")
def digits_written_pixel_after_pixel() -> Truths:
    """A gated PixelCNN told what to draw: a stack that sees above, one that sees to the left."""
    x = v1.placeholder(tf.float32, shape=[None, 28, 28, 1])
    h = v1.placeholder(tf.float32, shape=[None, 10])
    f = 8

    def masked(x: Tensor, shape: list[int], kind: str | None, scope: str) -> Tensor:
        with v1.variable_scope(scope):
            w = v1.get_variable("weights", [*shape, int(x.shape[3]), 2 * f])
            b = v1.get_variable("biases", [2 * f], initializer=v1.zeros_initializer())
            if kind:
                mask = np.ones([*shape, int(x.shape[3]), 2 * f], np.float32)
                mid_y, mid_x = shape[0] // 2, shape[1] // 2
                mask[mid_y, mid_x + 1 :] = 0.0
                mask[mid_y + 1 :] = 0.0
                if kind == "a":
                    mask[mid_y, mid_x] = 0.0
                w = w * tf.constant(mask)
            return tf.nn.bias_add(tf.nn.conv2d(x, w, 1, "SAME"), b)

    def gated(x: Tensor, scope: str) -> Tensor:
        with v1.variable_scope(scope):
            told = tf.matmul(h, v1.get_variable("V", [10, 2 * f]))
            a, b = tf.split(x + tf.reshape(told, [-1, 1, 1, 2 * f]), 2, axis=3)
            return tf.multiply(tf.tanh(a), tf.sigmoid(b))

    vertical = horizontal = x
    for i in range(3):
        kind, size = ("a", 7) if i == 0 else ("b", 3)
        v = masked(vertical, [size, size], kind, f"v_stack{i}")
        across = masked(v, [1, 1], None, f"v_stack_1{i}")
        vertical = gated(v, f"v_gate{i}")
        side = masked(horizontal, [1, size], kind, f"h_stack{i}")
        out = _conv2d(gated(side + across, f"h_gate{i}"), f, 1, name=f"h_stack_1{i}")
        horizontal = out if i == 0 else horizontal + out
    fc1 = _conv2d(tf.nn.relu(horizontal), 16, 1, activation=tf.nn.relu, name="fc_1")
    fc2 = _conv2d(fc1, 1, 1, name="fc_2")
    pred = tf.nn.sigmoid(fc2)
    loss = tf.reduce_mean(v1.nn.sigmoid_cross_entropy_with_logits(logits=fc2, labels=x))
    trainer = v1.train.RMSPropOptimizer(1e-3)
    gradients = trainer.compute_gradients(loss)
    gradients = [(tf.clip_by_value(g, -1, 1), var) for g, var in gradients if g is not None]
    trainer.apply_gradients(gradients)
    v1.summary.scalar("loss", loss)
    v1.summary.merge_all()
    return [([x, h], [pred]), ([x, h], [fc2])]


@case("embedding")
def people_seen_again_by_their_stripes() -> Truths:
    """A person is cut into stripes with a classifier each; hardest triplets of a batch; units to compare."""
    people = np.repeat(np.arange(4), 4)
    files = [f"p{p}_{i}.jpg" for i, p in enumerate(people)]
    data = tf.data.Dataset.from_tensor_slices((files, people.astype(np.int32)))

    def load(fid: Tensor, pid: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        encoded = v1.read_file(tf.strings.join(["/images/", fid]))
        image = v1.image.resize_images(tf.image.decode_jpeg(encoded, channels=3), [64, 32])
        return image, fid, pid

    data = data.shuffle(16).repeat().map(load, num_parallel_calls=2)
    data = data.map(lambda im, fid, pid: (tf.image.random_flip_left_right(im, seed=2), fid, pid))
    images, _fids, pids = v1.data.make_one_shot_iterator(data.batch(8).prefetch(1)).get_next()
    is_training = v1.placeholder_with_default(True, [], name="is_training")
    with v1.variable_scope("resnet_v1_50"):
        h = images - tf.constant([123.68, 116.779, 103.939], shape=(1, 1, 1, 3))
        h = tf.nn.relu(_bn(_conv2d(h, 8, 7, 2, use_bias=False, name="conv1"), is_training, "conv1/bn"))
        for i, (width, stride) in enumerate(((12, 2), (16, 2), (16, 1))):
            with v1.variable_scope(f"block{i}"):
                side = _conv2d(h, width, 1, stride, use_bias=False, name="shortcut")
                k = _conv2d(h, width, 3, stride, use_bias=False, name="conv1")
                k = tf.nn.relu(_bn(k, is_training, "bn1"))
                h = tf.nn.relu(
                    side + _bn(_conv2d(k, width, use_bias=False, name="conv2"), is_training, "bn2")
                )
    stripes, cross = [], []
    for i, part in enumerate(tf.split(h, 4, axis=1, name="stripes")):
        with v1.variable_scope(f"part_{i}"):
            code = _dense(tf.reduce_mean(part, [1, 2]), 8, name="reduce", use_bias=False)
            code = tf.nn.relu(_bn(code[:, None, None], is_training, "bn")[:, 0, 0])
            stripes.append(code)
            logits = _dense(v1.nn.dropout(code, rate=0.5 * tf.cast(is_training, tf.float32)), 4, name="id")
            cross.append(v1.losses.sparse_softmax_cross_entropy(pids, logits))
    emb = tf.nn.l2_normalize(tf.concat(stripes, 1), 1, name="emb")
    with tf.name_scope("batch_hard"):
        apart = tf.sqrt(tf.reduce_sum(tf.square(emb[:, None] - emb[None]), -1) + 1e-12)
        same = tf.equal(pids[:, None], pids[None])
        other = tf.math.logical_xor(same, tf.eye(tf.shape(pids)[0], dtype=tf.bool))
        furthest = tf.reduce_max(apart * tf.cast(other, tf.float32), axis=1)
        closest = tf.reduce_min(tf.where(same, tf.ones_like(apart) * 1e6, apart), axis=1)
        diff = furthest - closest
        losses = tf.nn.softplus(diff)
        top1 = tf.reduce_mean(tf.cast(diff < 0, tf.float32), name="top1")
        v1.summary.histogram("active", losses)
        v1.summary.scalar("prec_at_1", top1)
    loss_mean = tf.reduce_mean(losses) + tf.add_n(cross) / 4.0
    step = v1.Variable(0, name="global_step", trainable=False)
    rate = v1.train.exponential_decay(3e-4, tf.maximum(0, step - 15000), 10000, 0.001)
    _learn(v1.train.AdamOptimizer(rate), loss_mean, step=step)
    return [images], [emb]


@case("question and picture")
def asked_about_a_picture_in_two_graphs_of_one() -> Truths:
    """A question is read word by word, twice it looks where to look; placeholders of their own to answer."""
    words, steps, answers, width = 30, 6, 12, 12

    embed_ques_w = v1.Variable(v1.random_uniform([words, width], -0.08, 0.08), name="embed_ques_W")
    lstm_w = v1.Variable(v1.random_uniform([2 * width, 4 * width], -0.08, 0.08), name="lstm_W")
    lstm_b = v1.Variable(tf.zeros([4 * width]), name="lstm_b")
    embed_image_w = v1.Variable(v1.random_uniform([20, width], -0.08, 0.08), name="embed_image_W")
    embed_image_b = v1.Variable(v1.random_uniform([width], -0.08, 0.08), name="embed_image_b")
    hops = [
        [v1.Variable(v1.random_uniform(s, -0.08, 0.08), name=f"att{k}_{n}") for n, s in enumerate(shapes)]
        for k in range(2)
        for shapes in [([width, 10], [width, 10], [10], [10, 1])]
    ]
    embed_scor_w = v1.Variable(v1.random_uniform([width, answers], -0.08, 0.08), name="embed_scor_W")
    embed_scor_b = v1.Variable(v1.random_uniform([answers], -0.08, 0.08), name="embed_scor_b")

    def scores(image: Tensor, question: Tensor, batch: int, drop_out_rate: float) -> Tensor:
        c = tf.zeros([batch, width])
        state = tf.zeros([batch, width])
        for i in range(steps):
            ques = tf.nn.embedding_lookup(embed_ques_w, question[:, i])
            ques = v1.nn.dropout(ques, rate=drop_out_rate) if drop_out_rate else ques
            gates = tf.matmul(tf.concat([tf.tanh(ques), state], 1), lstm_w) + lstm_b
            a, j, f, o = tf.split(gates, 4, 1)
            new_c = tf.sigmoid(f + 1.0) * c + tf.sigmoid(a) * tf.tanh(j)
            going = tf.tile(tf.not_equal(question[:, i : i + 1], 0), [1, width])
            c = tf.where(going, new_c, c)
            state = tf.where(going, tf.sigmoid(o) * tf.tanh(new_c), state)
        flat = v1.nn.xw_plus_b(tf.reshape(image, [-1, 20]), embed_image_w, embed_image_b)
        regions = tf.reshape(tf.tanh(flat), [batch, 9, width])
        for w_i, w_q, b, w_p in hops:
            looked = tf.reshape(tf.matmul(tf.reshape(regions, [-1, width]), w_i), [batch, 9, 10])
            mixed = tf.tanh(looked + tf.expand_dims(tf.matmul(state, w_q) + b, 1))
            p = tf.nn.softmax(tf.reshape(tf.matmul(tf.reshape(mixed, [-1, 10]), w_p), [batch, 9]))
            state = state + tf.reduce_sum(regions * tf.expand_dims(p, 2), 1)
        state = v1.nn.dropout(state, rate=drop_out_rate) if drop_out_rate else state
        return v1.nn.xw_plus_b(state, embed_scor_w, embed_scor_b)

    tf_image = v1.placeholder(tf.float32, [8, 9, 20])
    tf_question = v1.placeholder(tf.int32, [8, steps])
    tf_label = v1.placeholder(tf.int32, [8])
    scores_emb = scores(tf_image, tf_question, 8, 0.5)
    cross = v1.nn.sparse_softmax_cross_entropy_with_logits(labels=tf_label, logits=scores_emb)
    loss = tf.reduce_mean(cross)
    lr = v1.Variable(3e-4, trainable=False)
    opt = v1.train.AdamOptimizer(learning_rate=lr)
    gvs = opt.compute_gradients(loss, v1.trainable_variables())
    opt.apply_gradients([(tf.clip_by_value(grad, -10.0, 10.0), var) for grad, var in gvs if grad is not None])
    image = v1.placeholder(tf.float32, [4, 9, 20])
    question = v1.placeholder(tf.int32, [4, steps])
    generated = scores(image, question, 4, 0.0)
    chance = tf.nn.softmax(generated)
    answer = tf.argmax(chance, 1)
    fed = [image, question]
    return [(fed, [generated]), (fed, [chance]), (fed, [answer])]


@case("video", plain=True)
def gestures_frame_by_frame_with_kept_channels() -> Truth:
    """A part of the channels is swapped for that of the frame before, which is fed and given back."""
    frame = v1.placeholder(tf.float32, [1, 32, 32, 3], name="i0")
    buffers = [
        v1.placeholder(tf.float32, [1, side, side, depth], name=f"i{k}")
        for k, (side, depth) in enumerate(((16, 1), (8, 2), (8, 2)), 1)
    ]
    kept: list[Tensor] = []

    def inverted(x: Tensor, out: int, stride: int, shift: Tensor | None, name: str) -> Tensor:
        with v1.variable_scope(name):
            h = x
            if shift is not None:
                c = int(shift.shape[3])
                kept.append(tf.identity(h[..., :c]))
                h = tf.concat([shift, h[..., c:]], 3)
            wide = 3 * int(x.shape[3])
            h = tf.nn.relu6(_bn(_conv2d(h, wide, 1, use_bias=False, name="expand"), False, "bn0"))
            depthwise = v1.get_variable("depthwise", [3, 3, wide, 1])
            h = tf.nn.depthwise_conv2d(h, depthwise, [1, stride, stride, 1], "SAME")
            h = tf.nn.relu6(_bn(h, False, "bn1"))
            h = _bn(_conv2d(h, out, 1, use_bias=False, name="project"), False, "bn2")
            return x + h if stride == 1 and out == int(x.shape[3]) else h

    h = tf.nn.relu6(_bn(_conv2d(frame, 8, 3, 2, use_bias=False, name="stem"), False, "stem_bn"))
    h = inverted(h, 8, 1, buffers[0], "features_1")
    h = inverted(h, 16, 2, None, "features_2")
    h = inverted(h, 16, 1, buffers[1], "features_3")
    h = inverted(h, 16, 1, buffers[2], "features_4")
    h = tf.nn.relu6(_bn(_conv2d(h, 24, 1, use_bias=False, name="last"), False, "last_bn"))
    pooled = tf.reshape(v1.nn.avg_pool(h, 8, 1, "VALID"), [1, 24])
    logits = _dense(pooled, 27, name="classifier")
    return [frame, *buffers], [logits, *kept]


@case("reader of pictures")
def street_names_by_attention_looked_up() -> Truths:
    """Coordinates are written onto the features, a loop attends letter by letter, a table makes them text."""
    length, letters, null = 6, 14, 13
    raw_images = v1.placeholder(tf.uint8, shape=[4, 24, 64, 3])
    images = tf.map_fn(
        lambda im: (tf.image.convert_image_dtype(im, tf.float32) - 0.5) * 2.5, raw_images, dtype=tf.float32
    )

    with v1.variable_scope("AttentionOcr_v1"):
        towers = []
        for i, view in enumerate(tf.split(images, 2, axis=2)):
            with v1.variable_scope("conv_tower_fn/INCE", reuse=i > 0):
                net = _pool(_conv2d(view, 8, activation=tf.nn.relu, name="Conv2d_1a_3x3"))
                left = _conv2d(net, 8, 1, activation=tf.nn.relu, name="Branch_0")
                right = _conv2d(net, 8, 3, activation=tf.nn.relu, name="Branch_1")
                towers.append(_pool(tf.concat([left, right], 3)))
        encoded = []
        for net in towers:
            _, h, w, _ = net.shape.as_list()
            ys, xs = tf.meshgrid(tf.range(h), tf.range(w), indexing="ij")
            loc = tf.concat([tf.one_hot(ys, h), tf.one_hot(xs, w)], 2)
            encoded.append(tf.concat([net, tf.tile(loc[None], [4, 1, 1, 1])], 3))
        net = tf.concat([tf.reshape(e, [4, -1, int(e.shape[3])]) for e in encoded], 1, name="pool_views")
        depth = int(net.shape[2])
        with v1.variable_scope("sequence_logit_fn/SQLR/LSTM/attention_decoder"):
            kernel = v1.get_variable("lstm_cell/kernel", [letters + depth + 12, 48])
            bias = v1.get_variable("lstm_cell/bias", [48], initializer=v1.zeros_initializer())
            w_s, v = v1.get_variable("AttnW_0", [depth, 10]), v1.get_variable("AttnV_0", [10])
            w_h, w_o = v1.get_variable("Attention_0", [12, 10]), v1.get_variable("weights", [12, letters])
            c = state = tf.zeros([4, 12])
            glimpse, previous, logits = tf.zeros([4, depth]), tf.zeros([4, letters]), []
            for _ in range(length):
                gates = tf.matmul(tf.concat([previous, glimpse, state], 1), kernel) + bias
                i_, j_, f_, o_ = tf.split(value=gates, num_or_size_splits=4, axis=1)
                c = c * tf.sigmoid(f_ + 1.0) + tf.sigmoid(i_) * tf.tanh(j_)
                state = tf.tanh(c) * tf.sigmoid(o_)
                mixed = tf.tanh(tf.tensordot(net, w_s, 1) + tf.matmul(state, w_h)[:, None])
                alpha = tf.nn.softmax(tf.reduce_sum(mixed * v, 2))
                glimpse = tf.reduce_sum(alpha[:, :, None] * net, 1)
                logits.append(tf.matmul(state, w_o))
                previous = tf.one_hot(tf.argmax(logits[-1], 1), letters)
        chars_logit = tf.stack(logits, 1, name="chars_logit")
        log_prob = tf.nn.log_softmax(chars_logit)
        predicted_chars = tf.cast(tf.argmax(log_prob, axis=2), tf.int32, name="predicted_chars")
        mask = tf.one_hot(predicted_chars, letters)
        predicted_scores = tf.reduce_sum(tf.nn.softmax(chars_logit) * mask, 2, name="predicted_scores")
        charset = [chr(97 + k) for k in range(null)] + [""]
        table = tf.lookup.StaticHashTable(
            tf.lookup.KeyValueTensorInitializer(tf.range(letters, dtype=tf.int64), tf.constant(charset)), "?"
        )
        text = table.lookup(tf.cast(predicted_chars, tf.int64))
        predicted_text = tf.strings.reduce_join(text, axis=1)
    return [
        ([raw_images], [predicted_text]),
        ([raw_images], [predicted_chars, predicted_scores]),
        ([raw_images], [predicted_chars]),
        ([raw_images], [predicted_text, predicted_scores]),
    ]


@case("faces")
def where_on_the_screen_the_eyes_are_set() -> Truth:
    """Both eyes through one set of kernels, the face, and a grid of where it is, to two centimetres."""
    eye_left = v1.placeholder(tf.float32, [None, 32, 32, 3], name="eye_left")
    eye_right = v1.placeholder(tf.float32, [None, 32, 32, 3], name="eye_right")
    face = v1.placeholder(tf.float32, [None, 32, 32, 3], name="face")
    face_mask = v1.placeholder(tf.float32, [None, 25 * 25], name="face_mask")
    y = v1.placeholder(tf.float32, [None, 2], name="pos")

    def xavier(*shape: int) -> Any:
        return v1.Variable(v1.glorot_uniform_initializer()(list(shape)))

    weights = {
        "conv1_eye": v1.get_variable("conv1_eye_w", shape=(5, 5, 3, 6)),
        "conv2_eye": v1.get_variable("conv2_eye_w", shape=(3, 3, 6, 8)),
        "conv1_face": v1.get_variable("conv1_face_w", shape=(5, 5, 3, 6)),
        "conv2_face": v1.get_variable("conv2_face_w", shape=(3, 3, 6, 8)),
        "fc_eye": xavier(2 * 6 * 6 * 8, 16),
        "fc_face": xavier(6 * 6 * 8, 16),
        "fc_face_mask": xavier(25 * 25, 16),
        "face_face_mask": xavier(16 + 16, 16),
        "fc": xavier(16 + 16, 16),
        "out": xavier(16, 2),
    }
    biases = {k: v1.Variable(tf.constant(0.1, shape=[int(w.shape[-1])])) for k, w in weights.items()}

    def conv2d(x: Tensor, key: str) -> Tensor:
        x = tf.nn.conv2d(x, weights[key], strides=[1, 1, 1, 1], padding="VALID")
        return tf.nn.relu(tf.nn.bias_add(x, biases[key]))

    def column(x: Tensor, which: str) -> Tensor:
        x = _pool(conv2d(x, f"conv1_{which}"), 2, 2, "VALID")
        x = _pool(conv2d(x, f"conv2_{which}"), 2, 2, "VALID")
        return tf.reshape(x, [-1, int(np.prod(x.get_shape()[1:]))])

    def full(x: Tensor, key: str) -> Tensor:
        return tf.nn.relu(tf.add(tf.matmul(x, weights[key]), biases[key]))

    eye = full(tf.concat([column(eye_left, "eye"), column(eye_right, "eye")], 1), "fc_eye")
    seen = full(column(face, "face"), "fc_face")
    grid = full(face_mask, "fc_face_mask")
    seen = full(tf.concat([seen, grid], 1), "face_face_mask")
    fc = full(tf.concat([eye, seen], 1), "fc")
    pred = tf.add(tf.matmul(fc, weights["out"]), biases["out"], name="prediction")
    cost = v1.losses.mean_squared_error(y, pred)
    v1.train.AdamOptimizer(learning_rate=0.0025).minimize(cost)
    err = tf.reduce_mean(tf.sqrt(tf.reduce_sum(v1.squared_difference(pred, y), axis=1)))
    v1.summary.scalar("err", err)
    for t in (eye_left, eye_right, face, face_mask, pred):
        v1.add_to_collection("test_nodes", t)
    return [eye_left, eye_right, face, face_mask], [pred]


@case("regression", modern=True)
def crowds_counted_by_columns_of_kernels() -> Truths:
    """Three columns see large, middling and small heads; a map of density, the sum of which is the count."""
    x = v1.placeholder(tf.float32, [1, None, None, 1])
    y_act = v1.placeholder(tf.float32, [1, None, None, 1])

    def column(x: Tensor, sizes: tuple[int, ...], depths: tuple[int, ...]) -> Tensor:
        for i, (size, depth) in enumerate(zip(sizes, depths, strict=True)):
            w = v1.Variable(tf.random.normal([size, size, int(x.shape[3]), depth], stddev=0.01))
            b = v1.Variable(tf.zeros([depth]))
            x = tf.nn.relu(tf.nn.conv2d(x, w, strides=[1, 1, 1, 1], padding="SAME") + b)
            if i < 2:
                x = _pool(x)
        return x

    large = column(x, (9, 7, 7, 7), (8, 12, 8, 4))
    medium = column(x, (7, 5, 5, 5), (10, 14, 10, 5))
    small = column(x, (5, 3, 3, 3), (12, 16, 12, 6))
    net = tf.concat([large, medium, small], axis=3)
    w = v1.Variable(tf.random.normal([1, 1, 15, 1], stddev=0.01))
    y_pre = tf.nn.conv2d(net, w, strides=[1, 1, 1, 1], padding="SAME") + v1.Variable(tf.zeros([1]))
    loss = tf.sqrt(tf.reduce_mean(tf.square(y_act - y_pre)))
    act_sum = tf.reduce_sum(y_act)
    pre_sum = tf.reduce_sum(y_pre)
    mae = tf.abs(act_sum - pre_sum)
    v1.train.AdamOptimizer(1e-5).minimize(loss)
    v1.summary.scalar("loss", loss)
    v1.summary.scalar("MAE", mae)
    return [([x], [y_pre]), ([x], [pre_sum]), ([x], [y_pre, pre_sum])]


@case("captions")
def words_for_a_picture_and_where_it_looked() -> Truths:
    """Soft attention over the places of known features; taught with captions, sampled by the same weights."""
    length, places, width, words, size = 6, 9, 16, 25, 12
    features = v1.placeholder(tf.float32, [None, places, width])
    captions = v1.placeholder(tf.int32, [None, length + 1])
    xavier, const = v1.glorot_uniform_initializer(), v1.constant_initializer(0.0)

    def initial(features: Tensor) -> list[Tensor]:
        with v1.variable_scope("initial_lstm", reuse=v1.AUTO_REUSE):
            mean = tf.reduce_mean(features, 1)
            return [
                tf.nn.tanh(
                    tf.matmul(mean, v1.get_variable(f"w_{n}", [width, size], initializer=xavier))
                    + v1.get_variable(f"b_{n}", [size], initializer=const)
                )
                for n in "ch"
            ]

    def embedded(inputs: Tensor) -> Tensor:
        with v1.variable_scope("word_embedding", reuse=v1.AUTO_REUSE):
            w = v1.get_variable("w", [words, 10], initializer=v1.random_uniform_initializer(-1.0, 1.0))
            return tf.nn.embedding_lookup(w, inputs, name="word_vector")

    def projected(features: Tensor) -> Tensor:
        with v1.variable_scope("project_features", reuse=v1.AUTO_REUSE):
            w = v1.get_variable("w", [width, width], initializer=xavier)
            return tf.reshape(tf.matmul(tf.reshape(features, [-1, width]), w), [-1, places, width])

    def attended(features: Tensor, proj: Tensor, h: Tensor) -> tuple[Tensor, Tensor]:
        with v1.variable_scope("attention_layer", reuse=v1.AUTO_REUSE):
            w = v1.get_variable("w", [size, width], initializer=xavier)
            b = v1.get_variable("b", [width], initializer=const)
            w_att = v1.get_variable("w_att", [width, 1], initializer=xavier)
            h_att = tf.nn.relu(proj + tf.expand_dims(tf.matmul(h, w), 1) + b)
            alpha = tf.reshape(tf.matmul(tf.reshape(h_att, [-1, width]), w_att), [-1, places])
            alpha = tf.nn.softmax(alpha)
            return tf.reduce_sum(features * tf.expand_dims(alpha, 2), 1, name="context"), alpha

    def selected(context: Tensor, h: Tensor) -> tuple[Tensor, Tensor]:
        with v1.variable_scope("selector", reuse=v1.AUTO_REUSE):
            w = v1.get_variable("w", [size, 1], initializer=xavier)
            beta = tf.nn.sigmoid(tf.matmul(h, w) + v1.get_variable("b", [1], initializer=const), "beta")
            return tf.multiply(beta, context, name="selected_context"), beta

    def lstm(x: Tensor, state: list[Tensor]) -> list[Tensor]:
        with v1.variable_scope("lstm/basic_lstm_cell", reuse=v1.AUTO_REUSE):
            kernel = v1.get_variable("kernel", [int(x.shape[1]) + size, 4 * size])
            bias = v1.get_variable("bias", [4 * size], initializer=const)
            gates = tf.nn.bias_add(tf.matmul(tf.concat([x, state[1]], 1), kernel), bias)
            i, j, f, o = tf.split(gates, 4, axis=1)
            c = state[0] * tf.sigmoid(f + 1.0) + tf.sigmoid(i) * tf.tanh(j)
            return [c, tf.tanh(c) * tf.sigmoid(o)]

    def decoded(x: Tensor, h: Tensor, context: Tensor, dropout: bool) -> Tensor:
        with v1.variable_scope("logits", reuse=v1.AUTO_REUSE):
            w_h = v1.get_variable("w_h", [size, 10], initializer=xavier)
            w_out = v1.get_variable("w_out", [10, words], initializer=xavier)
            h = v1.nn.dropout(h, 0.5) if dropout else h
            out = tf.matmul(h, w_h) + v1.get_variable("b_h", [10], initializer=const)
            out += tf.matmul(context, v1.get_variable("w_ctx2out", [width, 10], initializer=xavier)) + x
            out = tf.nn.tanh(out)
            out = v1.nn.dropout(out, 0.5) if dropout else out
            return tf.matmul(out, w_out) + v1.get_variable("b_out", [words], initializer=const)

    mask = tf.cast(tf.not_equal(captions[:, 1:], 0), tf.float32)
    normal = v1.nn.batch_normalization(features, *tf.nn.moments(features, [0, 1]), None, None, 1e-3)
    state, proj, x = initial(normal), projected(normal), embedded(captions[:, :length])
    loss, alpha_list = 0.0, []
    for t in range(length):
        context, alpha = attended(normal, proj, state[1])
        alpha_list.append(alpha)
        context, _ = selected(context, state[1])
        state = lstm(tf.concat([x[:, t, :], context], 1), state)
        logits = decoded(x[:, t, :], state[1], context, True)
        cross = v1.nn.sparse_softmax_cross_entropy_with_logits(labels=captions[:, t + 1], logits=logits)
        loss += tf.reduce_sum(cross * mask[:, t])
    alphas_all = tf.reduce_sum(tf.transpose(tf.stack(alpha_list), [1, 0, 2]), 1)
    loss += tf.reduce_sum((length / places - alphas_all) ** 2)
    loss = loss / tf.cast(tf.shape(features)[0], tf.float32)

    state, proj = initial(normal), projected(normal)
    sampled: list[Tensor] = []
    alphas_of, betas_of = [], []
    for t in range(length):
        first = tf.fill([tf.shape(features)[0]], 1)
        x = embedded(first if t == 0 else sampled[-1])
        context, alpha = attended(normal, proj, state[1])
        context, beta = selected(context, state[1])
        alphas_of.append(alpha)
        betas_of.append(beta)
        state = lstm(tf.concat([x, context], 1), state)
        sampled.append(tf.argmax(decoded(x, state[1], context, False), 1, output_type=tf.int32))
    alphas = tf.transpose(tf.stack(alphas_of), (1, 0, 2))
    betas = tf.transpose(tf.squeeze(tf.stack(betas_of), 2), (1, 0))
    sampled_captions = tf.transpose(tf.stack(sampled), (1, 0))

    with v1.name_scope("optimizer"):
        optimizer = v1.train.AdamOptimizer(learning_rate=1e-3)
        grads = tf.gradients(loss, v1.trainable_variables())
        grads_and_vars = list(zip(grads, v1.trainable_variables(), strict=True))
        optimizer.apply_gradients(grads_and_vars=grads_and_vars)
    v1.summary.scalar("batch_loss", loss)
    for grad, var in grads_and_vars:
        v1.summary.histogram(var.op.name, var)
        v1.summary.histogram(var.op.name + "/gradient", grad)
    v1.summary.merge_all()
    return [([features], [alphas, betas, sampled_captions]), ([features], [sampled_captions])]


@case("ctc")
def receipts_read_while_towers_share_weights() -> Truths:
    """Records of lines train one tower with a sparse loss; a second reads a picture of any width."""
    letters = 15

    def parse(record: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        found = v1.parse_single_example(
            record,
            {
                "image": v1.FixedLenFeature([], tf.string),
                "labels": v1.VarLenFeature(tf.int64),
                "width": v1.FixedLenFeature([], tf.int64),
            },
        )
        image = tf.cast(tf.image.decode_png(found["image"], channels=1), tf.float32)
        image = tf.reshape((image - 128.0) / 128.0, [16, -1, 1])
        labels = tf.cast(tf.sparse.to_dense(found["labels"]), tf.int32)
        return image, labels, tf.cast(found["width"], tf.int32)

    records = tf.data.TFRecordDataset(["train.tfrecord"]).map(parse).shuffle(100).repeat()
    records = records.padded_batch(4, padded_shapes=([16, None, 1], [None], []), padding_values=(1.0, -1, 0))
    iterator = v1.data.make_initializable_iterator(records)
    images, labels, widths = iterator.get_next()

    def crnn(x: Tensor, widths: Tensor, training: bool) -> tuple[Tensor, Tensor]:
        with v1.variable_scope("crnn", reuse=v1.AUTO_REUSE):
            h = _pool(_conv2d(x, 8, activation=tf.nn.relu, name="conv1"))
            h = _pool(_conv2d(h, 12, activation=tf.nn.relu, name="conv2"))
            h = tf.nn.relu(_bn(_conv2d(h, 16, use_bias=False, name="conv3"), training, "bn3"))
            h = v1.nn.max_pool(h, [1, 4, 1, 1], [1, 4, 1, 1], "VALID")
            h = tf.transpose(tf.squeeze(h, 1), [1, 0, 2], name="time_major")
            lengths = widths // 4
            for layer in range(2):
                depth = int(h.shape[2])
                ways = []
                for way in ("fw", "bw"):
                    with v1.variable_scope(f"bdrnn{layer}/{way}"):
                        w = v1.get_variable("kernel", [depth + 10, 40])
                        b = v1.get_variable("bias", [40], initializer=v1.zeros_initializer())
                    turned = h if way == "fw" else tf.reverse_sequence(h, lengths, seq_axis=0, batch_axis=1)
                    zero = tf.zeros([tf.shape(h)[1], 10])

                    def step(state: Any, now: Tensor, w: Tensor = w, b: Tensor = b) -> Any:
                        i, j, f, o = tf.split(tf.matmul(tf.concat([now, state[1]], 1), w) + b, 4, axis=1)
                        c = tf.sigmoid(f + 1.0) * state[0] + tf.sigmoid(i) * tf.tanh(j)
                        return c, tf.sigmoid(o) * tf.tanh(c)

                    out = tf.scan(step, turned, initializer=(zero, zero))[1]
                    back = tf.reverse_sequence(out, lengths, seq_axis=0, batch_axis=1)
                    ways.append(out if way == "fw" else back)
                h = tf.concat(ways, 2)
                h.set_shape([None, None, 20])
                h = v1.nn.dropout(h, rate=0.3) if training else h
            return _dense(h, letters + 1, name="rnn_logits"), lengths

    logits, lengths = crnn(images, widths, True)
    known = tf.where(tf.not_equal(labels, -1))
    sparse = tf.SparseTensor(known, tf.gather_nd(labels, known), tf.shape(labels, out_type=tf.int64))
    loss = tf.reduce_mean(v1.nn.ctc_loss(sparse, logits, lengths, ignore_longer_outputs_than_inputs=True))
    decoded, _ = tf.nn.ctc_greedy_decoder(logits, lengths)
    distance = tf.reduce_mean(tf.edit_distance(tf.cast(decoded[0], tf.int32), sparse))
    step = v1.train.get_or_create_global_step()
    rate = v1.train.exponential_decay(1e-3, step, 10000, 0.8, staircase=True)
    optimizer = v1.train.AdamOptimizer(rate)
    pairs = optimizer.compute_gradients(loss)
    clipped, _ = tf.clip_by_global_norm([g for g, _ in pairs], 5.0)
    with tf.control_dependencies(v1.get_collection(v1.GraphKeys.UPDATE_OPS)):
        optimizer.apply_gradients(zip(clipped, [v for _, v in pairs], strict=True), step)
    v1.summary.scalar("ctc_loss", loss)
    v1.summary.scalar("edit_distance", distance)

    image = v1.placeholder(tf.float32, [1, 16, None, 1], name="input_image")
    width = v1.placeholder(tf.int32, [1], name="input_width")
    line_logits, line_lengths = crnn(image, width, False)
    paths, log_prob = tf.nn.ctc_beam_search_decoder(line_logits, line_lengths, beam_width=10, top_paths=1)
    text = tf.sparse.to_dense(paths[0], default_value=-1, name="text")
    return [([image, width], [text]), ([image, width], [text, log_prob]), ([image, width], [line_logits])]
