"""Image classifiers and detectors, as scripts, slim-like programs, model functions and classes train them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import tensorflow as tf

from benchmarks.endpoints.cases import Truth, Truths, case, v1

Tensor = Any


@case("classifier")
def cifar_towers_fed_by_a_record_queue() -> Truth:
    """The multi-GPU tutorial: records, shuffle_batch, a prefetch queue, and towers that each dequeue.

    The first tower owns the variables; its dequeued images and its ``softmax_linear`` are the net.
    """

    def variable_with_decay(name: str, shape: list[int], stddev: float, wd: float | None) -> Tensor:
        with v1.device("/cpu:0"):
            var = v1.get_variable(name, shape, initializer=v1.truncated_normal_initializer(stddev=stddev))
        if wd is not None:
            v1.add_to_collection("losses", tf.multiply(tf.nn.l2_loss(var), wd, name="weight_loss"))
        return var

    def biases(size: int, value: float) -> Tensor:
        with v1.device("/cpu:0"):
            return v1.get_variable("biases", [size], initializer=v1.constant_initializer(value))

    def inference(images: Tensor) -> Tensor:
        net = images
        for i, (depth, out) in enumerate(((3, 16), (16, 16)), 1):
            with v1.variable_scope(f"conv{i}") as scope:
                kernel = variable_with_decay("weights", [5, 5, depth, out], 5e-2, None)
                net = tf.nn.bias_add(
                    v1.nn.conv2d(net, kernel, [1, 1, 1, 1], padding="SAME"), biases(out, 0.0)
                )
                net = tf.nn.relu(net, name=scope.name)
                v1.summary.histogram(scope.name + "/activations", net)
            net = tf.nn.local_response_normalization(net, 4, bias=1.0, name=f"norm{i}")
            net = v1.nn.max_pool(net, [1, 3, 3, 1], [1, 2, 2, 1], "SAME", name=f"pool{i}")
        with v1.variable_scope("local3") as scope:
            flat = tf.reshape(net, [16, -1])
            weights = variable_with_decay("weights", [int(flat.shape[1]), 32], 0.04, 0.004)
            local3 = tf.nn.relu(tf.matmul(flat, weights) + biases(32, 0.1), name=scope.name)
        with v1.variable_scope("softmax_linear") as scope:
            weights = variable_with_decay("weights", [32, 10], 1 / 32.0, None)
            return tf.add(tf.matmul(local3, weights), biases(10, 0.0), name=scope.name)

    with v1.device("/cpu:0"):
        global_step = v1.get_variable(
            "global_step", [], initializer=v1.constant_initializer(0), trainable=False
        )
        files = v1.train.string_input_producer([f"cifar10_data/data_batch_{i}.bin" for i in range(1, 6)])
        _, value = v1.FixedLengthRecordReader(record_bytes=3073).read(files)
        record = v1.decode_raw(value, tf.uint8)
        label = tf.reshape(tf.cast(tf.strided_slice(record, [0], [1]), tf.int32), [1])
        image = tf.transpose(tf.reshape(tf.strided_slice(record, [1], [3073]), [3, 32, 32]), [1, 2, 0])
        image = v1.random_crop(tf.cast(image, tf.float32), [24, 24, 3])
        image = tf.image.random_brightness(tf.image.random_flip_left_right(image), max_delta=63)
        image = tf.image.per_image_standardization(image)
        image.set_shape([24, 24, 3])
        images, labels = v1.train.shuffle_batch([image, label], 16, capacity=500, min_after_dequeue=200)
        v1.summary.image("images", images)
        queue = v1.FIFOQueue(4, [tf.float32, tf.int32], [[16, 24, 24, 3], [16]], name="prefetch_queue")
        enqueue = queue.enqueue([images, tf.reshape(labels, [16])])
        v1.train.add_queue_runner(v1.train.QueueRunner(queue, [enqueue]))
        lr = v1.train.exponential_decay(0.1, global_step, 3500, 0.1, staircase=True)
        opt = v1.train.GradientDescentOptimizer(lr)
        tower_grads, ends = [], []
        with v1.variable_scope(v1.get_variable_scope()):
            for i in range(2):
                with v1.device(f"/gpu:{i}"), v1.name_scope(f"tower_{i}") as scope:
                    image_batch, label_batch = queue.dequeue()
                    logits = inference(image_batch)
                    entropy = v1.nn.sparse_softmax_cross_entropy_with_logits(
                        labels=label_batch, logits=logits
                    )
                    v1.add_to_collection("losses", tf.reduce_mean(entropy, name="cross_entropy"))
                    total_loss = tf.add_n(v1.get_collection("losses", scope), name="total_loss")
                    v1.get_variable_scope().reuse_variables()
                    tower_grads.append(opt.compute_gradients(total_loss))
                    ends.append((image_batch, logits))
        average = []
        for pairs in zip(*tower_grads, strict=True):
            grad = tf.reduce_mean(tf.concat([tf.expand_dims(g, 0) for g, _ in pairs], 0), 0)
            average.append((grad, pairs[0][1]))
        apply = opt.apply_gradients(average, global_step=global_step)
        ema_op = v1.train.ExponentialMovingAverage(0.9999, global_step).apply(v1.trainable_variables())
        tf.group(apply, ema_op, name="train_op")
        v1.summary.merge_all()
    return [ends[0][0]], [ends[0][1]]


@case("classifier")
def inception_of_the_image_classification_library() -> Truth:
    """train_image_classifier with an Inception: labels and images through a prefetch queue, AuxLogits.

    ``Predictions`` is there in training too; the auxiliary head is only for its loss.
    """
    is_training = True

    def conv(x: Tensor, n: int, k: int | tuple[int, int], scope: str, stride: int = 1) -> Tensor:
        kh, kw = (k, k) if isinstance(k, int) else k
        with v1.variable_scope(scope):
            init = v1.truncated_normal_initializer(stddev=0.09)
            reg = lambda w: 0.00004 * tf.nn.l2_loss(w)  # noqa: E731
            w = v1.get_variable("weights", [kh, kw, int(x.shape[3]), n], initializer=init, regularizer=reg)
            x = v1.nn.conv2d(x, w, [1, stride, stride, 1], "SAME", name="Conv2D")
            with v1.variable_scope("BatchNorm"):
                beta = v1.get_variable("beta", [n], initializer=v1.zeros_initializer())
                mm = v1.get_variable("moving_mean", [n], initializer=v1.zeros_initializer(), trainable=False)
                mv = v1.get_variable(
                    "moving_variance", [n], initializer=v1.ones_initializer(), trainable=False
                )
                x, mean, var = v1.nn.fused_batch_norm(x, tf.ones([n]), beta, is_training=is_training)
                for moving, value in ((mm, mean), (mv, var)):
                    update = v1.assign_sub(moving, (moving - value) * 0.0003, name="AssignMovingAvg")
                    v1.add_to_collection(v1.GraphKeys.UPDATE_OPS, update)
            return tf.nn.relu(x)

    def mixed(x: Tensor, name: str) -> Tensor:
        with v1.variable_scope(name):
            with v1.variable_scope("Branch_0"):
                b0 = conv(x, 8, 1, "Conv2d_0a_1x1")
            with v1.variable_scope("Branch_1"):
                b1 = conv(
                    conv(conv(x, 4, 1, "Conv2d_0a_1x1"), 8, (1, 7), "Conv2d_0b_1x7"),
                    8,
                    (7, 1),
                    "Conv2d_0c_7x1",
                )
            with v1.variable_scope("Branch_2"):
                b2 = v1.nn.avg_pool(x, [1, 3, 3, 1], [1, 1, 1, 1], "SAME", name="AvgPool_0a_3x3")
                b2 = conv(b2, 4, 1, "Conv2d_0b_1x1")
            return tf.concat([b0, b1, b2], 3)

    with v1.device("/device:CPU:0"):
        with v1.name_scope("parallel_read"):
            files = v1.train.string_input_producer(
                ["flowers_train_00000-of-00002.tfrecord"], name="filenames"
            )
            _, serialized = v1.TFRecordReader().read(files)
        keys = {
            "image/encoded": v1.FixedLenFeature((), tf.string, default_value=""),
            "image/class/label": v1.FixedLenFeature([], tf.int64, default_value=0),
        }
        example = v1.parse_single_example(serialized, keys)
        image = tf.image.decode_jpeg(example["image/encoded"], channels=3)
        with v1.name_scope("distort_image"):
            image = tf.image.convert_image_dtype(image, tf.float32)
            box = v1.image.sample_distorted_bounding_box(
                tf.shape(image), tf.zeros([1, 1, 4]), use_image_if_no_bounding_boxes=True
            )
            image = tf.slice(image, box[0], box[1])
            image = v1.image.resize_bilinear(tf.expand_dims(image, 0), [64, 64])[0]
            image = tf.image.random_flip_left_right(image)
            image.set_shape([64, 64, 3])
            v1.summary.image("final_distorted_image", tf.expand_dims(image, 0))
            image = tf.multiply(tf.subtract(image, 0.5), 2.0)
        images, labels = v1.train.batch(
            [image, example["image/class/label"]], 32, num_threads=4, capacity=160
        )
        labels = tf.one_hot(labels, 5)
        queue = v1.FIFOQueue(2, [tf.float32, tf.float32], [images.shape, labels.shape], name="fifo_queue")
        v1.train.add_queue_runner(v1.train.QueueRunner(queue, [queue.enqueue([images, labels])]))
        images, labels = queue.dequeue()
    with v1.variable_scope("InceptionV3"):
        net = conv(images, 8, 3, "Conv2d_1a_3x3", stride=2)
        net = v1.nn.max_pool(conv(net, 16, 3, "Conv2d_2b_3x3"), [1, 3, 3, 1], [1, 2, 2, 1], "VALID")
        net = mixed(net, "Mixed_5b")
        with v1.variable_scope("AuxLogits"):
            aux = v1.nn.avg_pool(net, [1, 5, 5, 1], [1, 3, 3, 1], "VALID", name="AvgPool_1a_5x5")
            aux = tf.reduce_mean(conv(aux, 8, 1, "Conv2d_1b_1x1"), [1, 2], keepdims=True)
            aux = tf.squeeze(conv(aux, 5, 1, "Conv2d_2b_1x1"), [1, 2], name="SpatialSqueeze")
        net = mixed(net, "Mixed_6a")
        with v1.variable_scope("Logits"):
            net = tf.reduce_mean(net, [1, 2], keepdims=True, name="AvgPool_1a_8x8")
            net = v1.nn.dropout(net, keep_prob=0.8, name="Dropout_1b")
            w = v1.get_variable("Conv2d_1c_1x1/weights", [1, 1, int(net.shape[3]), 5])
            b = v1.get_variable("Conv2d_1c_1x1/biases", [5], initializer=v1.zeros_initializer())
            logits = tf.squeeze(
                tf.nn.bias_add(v1.nn.conv2d(net, w, 1, "VALID"), b), [1, 2], name="SpatialSqueeze"
            )
        predictions = tf.nn.softmax(logits, name="Predictions")
    v1.losses.softmax_cross_entropy(labels, aux, label_smoothing=0.1, weights=0.4, scope="aux_loss")
    v1.losses.softmax_cross_entropy(labels, logits, label_smoothing=0.1, weights=1.0)
    step = v1.train.get_or_create_global_step()
    lr = v1.train.exponential_decay(
        0.01, step, 2000, 0.94, staircase=True, name="exponential_decay_learning_rate"
    )
    optimizer = v1.train.RMSPropOptimizer(lr, decay=0.9, momentum=0.9, epsilon=1.0)
    total = v1.losses.get_total_loss()
    updates = [*v1.get_collection(v1.GraphKeys.UPDATE_OPS), optimizer.minimize(total, global_step=step)]
    with tf.control_dependencies(updates):
        tf.identity(total, name="train_op")
    for name, tensor in (("Predictions", predictions), ("Logits", logits)):
        v1.summary.histogram("activations/" + name, tensor)
        v1.summary.scalar("sparsity/" + name, tf.nn.zero_fraction(tensor))
    return [images], [predictions]


@case("classifier")
def retrained_last_layer_on_a_pooled_feature() -> Truth:
    """retrain: a frozen net from a module, a bottleneck with a default, jpeg decoding to the side.

    Training feeds cached bottlenecks; label_image feeds ``Placeholder`` and fetches final_result.
    """
    rng = np.random.RandomState(0)
    resized = v1.placeholder(tf.float32, [None, 64, 64, 3])
    with v1.name_scope("module_apply_default/hub_input"):
        net = tf.subtract(tf.multiply(resized, 2.0, name="Mul"), 1.0, name="Sub")
    for i, (a, b) in enumerate(((3, 8), (8, 16), (16, 32))):
        with v1.name_scope(f"module_apply_default/MobilenetV1/Conv2d_{i}"):
            kernel = tf.constant(rng.normal(0, 0.1, [3, 3, a, b]).astype(np.float32), name="weights")
            net = tf.nn.relu6(v1.nn.conv2d(net, kernel, [1, 2, 2, 1], "SAME"), name="Relu6")
    with v1.name_scope("module_apply_default/hub_output"):
        bottleneck = tf.reduce_mean(net, [1, 2], name="feature_vector/SpatialSqueeze")
    with v1.name_scope("input"):
        feature = v1.placeholder_with_default(bottleneck, [None, 32], name="BottleneckInputPlaceholder")
        truth = v1.placeholder(tf.int64, [None], name="GroundTruthInput")

    def variable_summaries(var: Tensor) -> None:
        with v1.name_scope("summaries"):
            mean = tf.reduce_mean(var)
            v1.summary.scalar("mean", mean)
            v1.summary.scalar("stddev", tf.sqrt(tf.reduce_mean(tf.square(var - mean))))
            v1.summary.histogram("histogram", var)

    with v1.name_scope("final_retrain_ops"):
        with v1.name_scope("weights"):
            layer_weights = v1.Variable(v1.truncated_normal([32, 5], stddev=0.001), name="final_weights")
            variable_summaries(layer_weights)
        with v1.name_scope("biases"):
            layer_biases = v1.Variable(tf.zeros([5]), name="final_biases")
            variable_summaries(layer_biases)
        with v1.name_scope("Wx_plus_b"):
            logits = tf.matmul(feature, layer_weights) + layer_biases
            v1.summary.histogram("pre_activations", logits)
    final = tf.nn.softmax(logits, name="final_result")
    v1.summary.histogram("activations", final)
    with v1.name_scope("cross_entropy"):
        loss = v1.losses.sparse_softmax_cross_entropy(labels=truth, logits=logits)
    with v1.name_scope("train"):
        v1.train.GradientDescentOptimizer(0.01).minimize(loss)
    with v1.name_scope("accuracy"):
        prediction = tf.argmax(final, 1)
        evaluation = tf.reduce_mean(tf.cast(tf.equal(prediction, truth), tf.float32))
    v1.summary.scalar("accuracy", evaluation)

    jpeg = v1.placeholder(tf.string, name="DecodeJPGInput")
    decoded = tf.image.convert_image_dtype(tf.image.decode_jpeg(jpeg, channels=3), tf.float32)
    v1.image.resize_bilinear(tf.expand_dims(decoded, 0), [64, 64])
    distort = v1.placeholder(tf.string, name="DistortJPGInput")
    pixels = tf.expand_dims(
        tf.image.convert_image_dtype(tf.image.decode_jpeg(distort, channels=3), tf.float32), 0
    )
    scale = 1.0 + v1.random_uniform([], maxval=0.1)
    size = tf.cast(tf.stack([scale * 64, scale * 64]), tf.int32)
    cropped = v1.random_crop(tf.squeeze(v1.image.resize_bilinear(pixels, size), [0]), [64, 64, 3])
    bright = tf.multiply(tf.image.random_flip_left_right(cropped), v1.random_uniform([], 0.9, 1.1))
    tf.expand_dims(bright, 0, name="DistortResult")
    v1.summary.merge_all()
    return [resized], [final]


@case("classifier")
def densenet_model_function_on_records() -> Truths:
    """An input_fn and a model_fn in TRAIN mode: the predictions dictionary is what gets exported."""
    params: dict[str, Any] = {"growth": 6, "blocks": (2, 3, 2), "classes": 10, "decay": 1e-4}

    def input_fn() -> Any:
        def parse(serialized: Tensor) -> Any:
            spec = {"image_raw": v1.FixedLenFeature([], tf.string), "label": v1.FixedLenFeature([], tf.int64)}
            features = v1.parse_single_example(serialized, spec)
            image = tf.reshape(v1.decode_raw(features["image_raw"], tf.uint8), [32, 32, 3])
            image = tf.pad(tf.cast(image, tf.float32) / 255.0, [[4, 4], [4, 4], [0, 0]])
            return tf.image.random_flip_left_right(v1.random_crop(image, [32, 32, 3])), features["label"]

        dataset = v1.data.TFRecordDataset(["train.tfrecords"]).map(parse).shuffle(1000).repeat().batch(64)
        return v1.data.make_one_shot_iterator(dataset.prefetch(1)).get_next()

    def norm_relu(x: Tensor, training: bool) -> Tensor:
        with v1.variable_scope(None, default_name="batch_normalization"):
            n = int(x.shape[-1])
            gamma = v1.get_variable("gamma", [n], initializer=v1.ones_initializer())
            beta = v1.get_variable("beta", [n], initializer=v1.zeros_initializer())
            mean = v1.get_variable("moving_mean", [n], initializer=v1.zeros_initializer(), trainable=False)
            var = v1.get_variable("moving_variance", [n], initializer=v1.ones_initializer(), trainable=False)
            if training:
                x, m, s = v1.nn.fused_batch_norm(x, gamma, beta, is_training=True)
                for target, value in ((mean, m), (var, s)):
                    new = target * 0.99 + value * 0.01
                    v1.add_to_collection(v1.GraphKeys.UPDATE_OPS, v1.assign(target, new))
            else:
                x, _, _ = v1.nn.fused_batch_norm(x, gamma, beta, mean, var, is_training=False)
            return tf.nn.relu(x)

    def conv(x: Tensor, n: int, size: int) -> Tensor:
        with v1.variable_scope(None, default_name="conv2d"):
            init = v1.variance_scaling_initializer()
            kernel = v1.get_variable("kernel", [size, size, int(x.shape[-1]), n], initializer=init)
            return v1.nn.conv2d(x, kernel, 1, "SAME")

    def model_fn(features: Tensor, labels: Tensor, training: bool) -> Any:
        net = conv(features, 12, 3)
        for b, repeats in enumerate(params["blocks"]):
            with v1.variable_scope(f"dense_block{b}"):
                for _ in range(repeats):
                    new = conv(
                        norm_relu(conv(norm_relu(net, training), 24, 1), training), params["growth"], 3
                    )
                    net = tf.concat([net, new], axis=3)
            if b < 2:
                net = conv(norm_relu(net, training), int(net.shape[-1]) // 2, 1)
                net = v1.nn.avg_pool(net, 2, 2, "VALID")
        net = tf.reduce_mean(norm_relu(net, training), [1, 2])
        with v1.variable_scope("dense"):
            kernel = v1.get_variable("kernel", [int(net.shape[-1]), 10])
            logits = tf.matmul(net, kernel) + v1.get_variable(
                "bias", [10], initializer=v1.zeros_initializer()
            )
        predictions = {
            "classes": tf.argmax(logits, axis=1),
            "probabilities": tf.nn.softmax(logits, name="softmax_tensor"),
        }
        entropy = v1.losses.sparse_softmax_cross_entropy(logits=logits, labels=labels)
        tf.identity(entropy, name="cross_entropy")
        loss = entropy + 1e-4 * tf.add_n(
            [tf.nn.l2_loss(v) for v in v1.trainable_variables() if "kernel" in v.name]
        )
        step = v1.train.get_or_create_global_step()
        rate = v1.train.piecewise_constant(tf.cast(step, tf.int32), [40000, 60000], [0.1, 0.01, 0.001])
        tf.identity(rate, name="learning_rate")
        with tf.control_dependencies(v1.get_collection(v1.GraphKeys.UPDATE_OPS)):
            v1.train.MomentumOptimizer(rate, 0.9, use_nesterov=True).minimize(loss, step)
        accuracy = v1.metrics.accuracy(labels, predictions["classes"])
        tf.identity(accuracy[1], name="train_accuracy")
        v1.summary.scalar("train_accuracy", accuracy[1])
        return predictions

    images, labels = input_fn()
    out = model_fn(images, labels, training=True)
    return [([images], [out["classes"], out["probabilities"]]), ([images], [out["probabilities"]])]


@case("classifier", frozen=True)
def frozen_mobilenet_with_squeeze_and_excitation() -> Truth:
    """The frozen graph of a mobile net: ``input`` to ``MobilenetV2/Predictions/Reshape_1``."""

    def bn(x: Tensor) -> Tensor:
        with v1.variable_scope("BatchNorm"):
            n = int(x.shape[-1])
            made = [
                v1.get_variable(name, [n], initializer=v1.constant_initializer(value))
                for name, value in (
                    ("gamma", 1.0),
                    ("beta", 0.0),
                    ("moving_mean", 0.1),
                    ("moving_variance", 0.9),
                )
            ]
            return v1.nn.fused_batch_norm(x, *made, epsilon=0.001, is_training=False)[0]

    def pointwise(x: Tensor, n: int, scope: str) -> Tensor:
        with v1.variable_scope(scope):
            return bn(v1.nn.conv2d(x, v1.get_variable("weights", [1, 1, int(x.shape[-1]), n]), 1, "SAME"))

    def inverted_residual(x: Tensor, n: int, stride: int, scope: str) -> Tensor:
        with v1.variable_scope(scope):
            h = tf.nn.relu6(pointwise(x, 3 * int(x.shape[-1]), "expand"))
            with v1.variable_scope("depthwise"):
                w = v1.get_variable("depthwise_weights", [3, 3, int(h.shape[-1]), 1])
                h = tf.nn.relu6(bn(v1.nn.depthwise_conv2d(h, w, [1, stride, stride, 1], "SAME")))
            with v1.variable_scope("squeeze_excite"):
                s = tf.reduce_mean(h, [1, 2], keepdims=True)
                s = tf.nn.relu(pointwise(s, 4, "Conv"))
                s = pointwise(s, int(h.shape[-1]), "Conv_1")
                h = h * (tf.nn.relu6(s + 3.0) * (1.0 / 6.0))
            h = pointwise(h, n, "project")
            return tf.identity(h + x if stride == 1 and n == int(x.shape[-1]) else h, name="output")

    image = v1.placeholder(tf.float32, [None, 96, 96, 3], name="input")
    with v1.variable_scope("MobilenetV2"):
        with v1.variable_scope("Conv"):
            net = v1.nn.conv2d(image, v1.get_variable("weights", [3, 3, 3, 8]), [1, 2, 2, 1], "SAME")
            net = tf.nn.relu6(bn(net))
        for i, (n, s) in enumerate(((8, 1), (12, 2), (12, 1), (16, 2), (16, 1))):
            net = inverted_residual(net, n, s, f"expanded_conv_{i}" if i else "expanded_conv")
        net = tf.nn.relu6(pointwise(net, 32, "Conv_1"))
        with v1.variable_scope("Logits"):
            net = v1.nn.avg_pool(net, [1, 12, 12, 1], [1, 1, 1, 1], "VALID", name="AvgPool")
            with v1.variable_scope("Conv2d_1c_1x1"):
                net = v1.nn.conv2d(net, v1.get_variable("weights", [1, 1, 32, 1001]), 1, "SAME")
                net = tf.nn.bias_add(
                    net, v1.get_variable("biases", [1001], initializer=v1.zeros_initializer())
                )
            logits = tf.squeeze(net, [1, 2], name="Squeeze")
        with v1.name_scope("Predictions"):
            flat = tf.reshape(logits, [-1, 1001], name="Reshape")
            predictions = tf.reshape(tf.nn.softmax(flat, name="Softmax"), tf.shape(logits), name="Reshape_1")
    return [image], [predictions]


class BirdNet:
    """Two stage training of a bilinear net with an attention map; names as they came."""

    def __init__(self, n_class: int) -> None:
        self.x = v1.placeholder(tf.float32, [None, 56, 56, 3])
        self.y = v1.placeholder(tf.int32, [None])
        self.p = v1.placeholder(tf.float32)
        self.lr = v1.placeholder(tf.float32)
        self.n = n_class
        self.finetune: list[Tensor] = []
        self.forward()
        self.fit()

    def cl(self, x: Tensor, o: int, name: str, trainable: bool = False) -> Tensor:
        """A convolution layer."""
        with v1.variable_scope(name):
            w = v1.get_variable("W", [3, 3, int(x.shape[-1]), o], trainable=trainable)
            b = v1.get_variable("b", [o], initializer=v1.constant_initializer(0.1), trainable=trainable)
            self.finetune += [w, b] if trainable else []
            return tf.nn.relu(v1.nn.conv2d(x, w, [1, 1, 1, 1], "SAME") + b)

    def forward(self) -> None:
        """Streams A and B, attention, outer product, signed root, l2, classes."""
        h = self.x - tf.constant([123.68, 116.779, 103.939], shape=[1, 1, 1, 3], name="imgmean")
        a, b = h, h
        for i, n in enumerate((8, 16)):
            a = v1.nn.max_pool(self.cl(a, n, f"A{i}"), 2, 2, "SAME")
            b = v1.nn.max_pool(self.cl(b, n, f"B{i}"), 2, 2, "SAME")
        a, b = self.cl(a, 16, "A_last", True), self.cl(b, 16, "B_last", True)
        self.att = tf.nn.softmax(tf.reshape(self.cl(a, 1, "att", True), [-1, 196, 1]), axis=1)
        a, b = tf.reshape(a, [-1, 196, 16]) * self.att, tf.reshape(b, [-1, 196, 16])
        phi = tf.reshape(tf.einsum("bij,bik->bjk", a, b), [-1, 256])
        z = tf.nn.l2_normalize(tf.sign(phi) * tf.sqrt(tf.abs(phi) + 1e-12), 1)
        with v1.variable_scope("fc-new"):
            w = v1.get_variable("W", [256, self.n])
            self.fc8 = tf.matmul(v1.nn.dropout(z, self.p), w) + v1.get_variable("b", [self.n])
        self.out = tf.nn.softmax(self.fc8)

    def fit(self) -> None:
        """Loss and two optimizers."""
        ce = v1.nn.sparse_softmax_cross_entropy_with_logits(labels=self.y, logits=self.fc8)
        self.loss = tf.reduce_mean(ce)
        new = [v for v in v1.trainable_variables() if v.name.startswith("fc-new")]
        self.first = v1.train.MomentumOptimizer(self.lr, 0.9).minimize(self.loss, var_list=new)
        self.second = v1.train.MomentumOptimizer(self.lr, 0.9).minimize(self.loss)
        self.num_correct = tf.reduce_sum(
            tf.cast(tf.nn.in_top_k(targets=self.y, predictions=self.out, k=1), tf.int32)
        )


@case("classifier")
def bilinear_birds_with_an_attention_map() -> Truth:
    """Fine-grained classes; placeholders without names, attributes of one letter; ``out`` is the softmax."""
    net = BirdNet(200)
    return [net.x], [net.out]


@case("tagger")
def satellite_tags_with_keras_layers() -> Truth:
    """Seventeen tags for a chip of forest: Keras layers in a v1 graph, F2 score with a threshold.

    The submission script fetches ``probs`` and tunes the thresholds outside.
    """
    layers = tf.keras.layers
    images = v1.placeholder(tf.float32, [None, 64, 64, 4], name="chips")
    tags = v1.placeholder(tf.float32, [None, 17], name="tags")
    drop = v1.placeholder_with_default(0.0, [], name="drop_rate")
    threshold = v1.placeholder_with_default(0.2, [], name="threshold")
    class_weights = tf.constant(np.linspace(1.0, 3.0, 17), tf.float32)
    net = images
    for i, width in enumerate((8, 16, 32)):
        net = layers.Conv2D(width, 3, padding="same", activation="elu", name=f"tag_conv{i}a")(net)
        net = layers.Conv2D(width, 3, padding="valid", activation="elu", name=f"tag_conv{i}b")(net)
        net = layers.MaxPooling2D(2, name=f"tag_pool{i}")(net)
        net = v1.nn.dropout(net, rate=drop)
    net = tf.concat([layers.GlobalAveragePooling2D(name="tag_gap")(net), tf.reduce_max(net, [1, 2])], -1)
    net = v1.nn.dropout(layers.Dense(32, activation="elu", name="tag_fc")(net), rate=drop)
    logits = layers.Dense(17, name="tag_logits")(net)
    probs = tf.nn.sigmoid(logits)
    per_tag = v1.nn.sigmoid_cross_entropy_with_logits(labels=tags, logits=logits)
    loss = tf.reduce_mean(tf.reduce_sum(per_tag * class_weights, axis=1))
    hard = tf.cast(probs > threshold, tf.float32)
    tp = tf.reduce_sum(hard * tags, 1)
    precision, recall = tp / (tf.reduce_sum(hard, 1) + 1e-8), tp / (tf.reduce_sum(tags, 1) + 1e-8)
    f2 = tf.reduce_mean(5 * precision * recall / (4 * precision + recall + 1e-8), name="f2_score")
    step = v1.train.get_or_create_global_step()
    opt = v1.train.AdamOptimizer(v1.train.cosine_decay(1e-3, step, 10000))
    grads, variables = zip(*opt.compute_gradients(loss), strict=True)
    clipped, norm = tf.clip_by_global_norm(grads, 5.0)
    opt.apply_gradients(zip(clipped, variables, strict=True), global_step=step)
    for name, value in (("loss", loss), ("f2", f2), ("grad_norm", norm)):
        v1.summary.scalar(name, value)
    return [images], [probs]


@case("multi task")
def age_and_gender_by_a_wide_resnet() -> Truths:
    """Faces from a reinitializable iterator; 101 ages by expectation, and gender; triplets of losses."""
    depth, k = 10, 1
    types = {"face": tf.float32, "age": tf.int32, "gender": tf.int32, "path": tf.string}
    shapes: dict[str, list[int | None]] = {
        "face": [None, 64, 64, 3],
        "age": [None],
        "gender": [None],
        "path": [None],
    }
    iterator = v1.data.Iterator.from_structure(types, shapes)

    def load(path: Tensor, age: Tensor, gender: Tensor) -> dict[str, Tensor]:
        face = tf.image.decode_jpeg(v1.read_file(path), channels=3)
        face = v1.image.resize_images(face, [64, 64])
        face.set_shape([64, 64, 3])
        return {"face": tf.image.per_image_standardization(face), "age": age, "gender": gender, "path": path}

    for split in ("train", "valid"):
        rows = ([f"/imdb_crop/{split}/0.jpg"], [30], [1])
        made = v1.data.Dataset.from_tensor_slices(rows).map(load).batch(32)
        iterator.make_initializer(made, name=f"{split}_init")
    batch = iterator.get_next()
    train_mode = v1.placeholder(tf.bool, shape=(), name="train_mode")
    count = [0]

    def bn(x: Tensor) -> Tensor:
        count[0] += 1
        with v1.variable_scope(f"bn_{count[0]}"):
            c = x.get_shape().as_list()[-1]
            scale, shift = v1.get_variable("scale", [c]), v1.get_variable("shift", [c])
            ema = v1.train.ExponentialMovingAverage(0.99)
            mean, var = tf.nn.moments(x, [0, 1, 2], name="moments")

            def train() -> Any:
                with tf.control_dependencies([ema.apply([mean, var])]):
                    return tf.identity(mean), tf.identity(var)

            m, v = v1.cond(train_mode, train, lambda: (ema.average(mean), ema.average(var)))
            return tf.nn.batch_normalization(x, m, v, shift, scale, 1e-5)

    def conv(x: Tensor, c: int, s: int, name: str) -> Tensor:
        f = v1.get_variable(
            name, [3, 3, int(x.shape[-1]), c], initializer=v1.variance_scaling_initializer(2.0)
        )
        return v1.nn.conv2d(x, f, [1, s, s, 1], "SAME")

    x = conv(batch["face"], 8, 1, "stem")
    for g in range(3):
        for r in range((depth - 4) // 6):
            c, s = 8 * k * 2**g, 2 if g and not r else 1
            with v1.variable_scope(f"group{g}_{r}"):
                a = tf.nn.relu(bn(x))
                h = conv(tf.nn.relu(bn(conv(a, c, s, "w1"))), c, 1, "w2")
                skip = x if int(x.shape[-1]) == c else conv(a, c, s, "shortcut")
                x = h + skip
    feature = tf.reduce_mean(tf.nn.relu(bn(x)), [1, 2])
    age_logits = tf.matmul(feature, v1.get_variable("pred_age", [int(feature.shape[1]), 101]))
    gender_logits = tf.matmul(feature, v1.get_variable("pred_gender", [int(feature.shape[1]), 2]))
    age_cost = tf.reduce_mean(
        v1.nn.sparse_softmax_cross_entropy_with_logits(labels=batch["age"], logits=age_logits)
    )
    gender_cost = tf.reduce_mean(
        v1.nn.sparse_softmax_cross_entropy_with_logits(labels=batch["gender"], logits=gender_logits)
    )
    total = (
        age_cost + 0.5 * gender_cost + 5e-4 * tf.add_n([tf.nn.l2_loss(v) for v in v1.trainable_variables()])
    )
    age = tf.reduce_sum(tf.nn.softmax(age_logits) * tf.range(101, dtype=tf.float32), axis=1, name="age")
    gender_prob = tf.nn.softmax(gender_logits)
    gender = tf.argmax(gender_prob, 1, name="gender")
    mae = v1.losses.absolute_difference(tf.cast(batch["age"], tf.float32), age, loss_collection=None)
    acc = tf.reduce_mean(tf.cast(tf.nn.in_top_k(batch["gender"], gender_logits, 1), tf.float32))
    v1.summary.scalar("age_mae", mae)
    v1.summary.scalar("gender_acc", acc)
    v1.train.AdamOptimizer(v1.placeholder_with_default(1e-3, [], "lr")).minimize(total)
    return [([batch["face"]], [age, gender]), ([batch["face"]], [age, gender_prob])]


@case("classifier")
def capsules_that_reconstruct_their_digit() -> Truths:
    """Dynamic routing; the digit's capsule is chosen by the label for the decoder, a regularizer of training.

    ``softmax_v`` and its argmax are from the lengths of the capsules; both get read.
    """
    epsilon = 1e-9

    def squash(vector: Tensor) -> Tensor:
        norm = tf.reduce_sum(tf.square(vector), -2, keepdims=True)
        return (norm / (1 + norm) / tf.sqrt(norm + epsilon)) * vector

    files = tf.constant(np.zeros([64, 28, 28, 1], np.float32))
    digits = tf.constant(np.zeros([64], np.int32))
    data_queues = v1.train.slice_input_producer([files, digits])
    X, labels = v1.train.shuffle_batch(data_queues, 8, capacity=64, min_after_dequeue=32)  # noqa: N806
    Y = tf.one_hot(labels, depth=10, axis=1, dtype=tf.float32)  # noqa: N806
    with v1.variable_scope("Conv1_layer"):
        w = v1.get_variable("weights", [9, 9, 1, 16])
        conv1 = tf.nn.relu(v1.nn.conv2d(X, w, [1, 1, 1, 1], "VALID") + v1.get_variable("biases", [16]))
    with v1.variable_scope("PrimaryCaps_layer"):
        w = v1.get_variable("weights", [9, 9, 16, 32])
        primary = tf.nn.relu(v1.nn.conv2d(conv1, w, [1, 4, 4, 1], "VALID") + v1.get_variable("biases", [32]))
        n = int(primary.shape[1]) ** 2 * 4
        caps1 = squash(tf.reshape(primary, [8, n, 8, 1]))
    with v1.variable_scope("DigitCaps_layer"):
        inputs = tf.reshape(caps1, [8, n, 1, 8, 1])
        b_ij = tf.zeros([8, n, 10, 1, 1])
        W = v1.get_variable("Weight", [1, n, 10, 8, 12], initializer=v1.random_normal_initializer(0.01))  # noqa: N806
        u_hat = tf.reduce_sum(W * tf.tile(inputs, [1, 1, 10, 1, 1]), axis=3, keepdims=True)
        u_hat = tf.transpose(u_hat, [0, 1, 2, 4, 3])
        stopped = tf.stop_gradient(u_hat)
        for r in range(3):
            with v1.variable_scope(f"iter_{r}"):
                c_ij = tf.nn.softmax(b_ij, axis=2)
                u = u_hat if r == 2 else stopped
                v_j = squash(tf.reduce_sum(c_ij * u, axis=1, keepdims=True))
                if r < 2:
                    b_ij += tf.reduce_sum(stopped * tf.tile(v_j, [1, n, 1, 1, 1]), axis=3, keepdims=True)
        caps2 = tf.squeeze(v_j, axis=1)
    with v1.variable_scope("Masking"):
        v_length = tf.sqrt(tf.reduce_sum(tf.square(caps2), axis=2, keepdims=True) + epsilon)
        softmax_v = tf.nn.softmax(v_length, axis=1)
        argmax_idx = tf.reshape(tf.cast(tf.argmax(softmax_v, axis=1), tf.int32), [8])
        masked_v = tf.multiply(tf.squeeze(caps2), tf.reshape(Y, (-1, 10, 1)))
    with v1.variable_scope("Decoder"):
        d = tf.reshape(masked_v, [8, -1])
        for i, (size, act) in enumerate(((32, tf.nn.relu), (784, tf.sigmoid))):
            d = act(tf.matmul(d, v1.get_variable(f"w{i}", [int(d.shape[1]), size])))
        decoded = d
    length = tf.reshape(v_length, [8, 10])
    l_c = Y * tf.square(tf.maximum(0.0, 0.9 - length)) + 0.5 * (1 - Y) * tf.square(
        tf.maximum(0.0, length - 0.1)
    )
    margin_loss = tf.reduce_mean(tf.reduce_sum(l_c, axis=1))
    reconstruction_err = tf.reduce_mean(tf.square(decoded - tf.reshape(X, [8, -1])))
    total_loss = margin_loss + 0.392 * reconstruction_err
    v1.summary.image("reconstruction_img", tf.reshape(decoded, [8, 28, 28, 1]))
    v1.summary.scalar("train/total_loss", total_loss)
    tf.reduce_sum(tf.cast(tf.equal(labels, argmax_idx), tf.float32), name="accuracy")
    global_step = v1.Variable(0, name="global_step", trainable=False)
    v1.train.AdamOptimizer().minimize(total_loss, global_step=global_step)
    return [([X], [argmax_idx]), ([X], [softmax_v]), ([X], [v_length])]


@case("detector")
def ssd_trained_from_a_queue_of_encoded_boxes() -> Truth:
    """SSD: images with encoded classes, offsets and scores of each layer are dequeued together.

    The demo decodes with NumPy what it fetches: softmaxed predictions and localisations of all layers.
    """
    sizes, anchors, classes = [8, 4, 2], [4, 6, 4], 21
    with v1.device("/cpu:0"):
        queue = v1.train.string_input_producer(["voc_2007_train_000.tfrecord"])
        _, row = v1.TFRecordReader().read(queue)
        spec = {
            "image": v1.FixedLenFeature([], tf.string),
            "boxes": v1.FixedLenFeature([4], tf.float32),
            "label": v1.FixedLenFeature([], tf.int64),
        }
        parsed = v1.parse_single_example(row, spec)
        image = v1.image.resize_images(tf.image.decode_jpeg(parsed["image"], channels=3), [64, 64])
        image = tf.image.random_saturation(image, 0.5, 1.5) - [123.0, 117.0, 104.0]
        image.set_shape([64, 64, 3])
        encoded = []
        for i, (size, a) in enumerate(zip(sizes, anchors, strict=True)):
            grid = (tf.range(size, dtype=tf.float32) + 0.5) / size
            y, x = tf.meshgrid(grid, grid, indexing="ij")
            w = tf.constant([0.1 * (i + 1) * (j + 1) for j in range(a)])
            near = (
                tf.exp(-tf.abs(y[..., None] - parsed["boxes"][0]) - tf.abs(x[..., None] - parsed["boxes"][1]))
                * w
            )
            gclass = (
                tf.where(near > 0.5, tf.ones_like(near, tf.int64), tf.zeros_like(near, tf.int64))
                * parsed["label"]
            )
            glocal = tf.stack([tf.math.log(parsed["boxes"][j] / w + near) for j in range(4)], -1)
            encoded += [gclass, glocal, near]
        b_image, *b_rest = v1.train.batch([image, *encoded], batch_size=8, num_threads=4, capacity=40)

    def block(x: Tensor, n: int, scope: str, stride: int = 1) -> Tensor:
        with v1.variable_scope(scope):
            w = v1.get_variable("weights", [3, 3, int(x.shape[-1]), n], regularizer=tf.nn.l2_loss)
            b = v1.get_variable("biases", [n], initializer=v1.zeros_initializer())
            return tf.nn.relu(tf.nn.bias_add(v1.nn.conv2d(x, w, stride, "SAME"), b))

    predictions, localisations, logits = [], [], []
    with v1.variable_scope("ssd_300_vgg"):
        net = block(block(block(b_image, 8, "conv1", 2), 8, "conv2", 2), 16, "conv3", 2)
        for i, a in enumerate(anchors):
            with v1.variable_scope(f"block{i + 4}_box"):
                h = net
                if i == 0:
                    gamma = v1.get_variable("L2Normalization/gamma", [16], initializer=v1.ones_initializer())
                    h = tf.nn.l2_normalize(h, -1, epsilon=1e-12) * gamma
                shape = [int(d) for d in h.shape[:3]]
                loc = v1.nn.conv2d(h, v1.get_variable("conv_loc/weights", [3, 3, 16, a * 4]), 1, "SAME")
                cls = v1.nn.conv2d(h, v1.get_variable("conv_cls/weights", [3, 3, 16, a * classes]), 1, "SAME")
                localisations.append(tf.reshape(loc, [*shape, a, 4]))
                logits.append(tf.reshape(cls, [*shape, a, classes]))
                predictions.append(tf.nn.softmax(logits[-1], name="softmax"))
            net = block(net, 16, f"conv{i + 5}", 2)
    with v1.name_scope("ssd_losses"):
        flog = tf.concat([tf.reshape(t, [-1, classes]) for t in logits], 0)
        floc = tf.concat([tf.reshape(t, [-1, 4]) for t in localisations], 0)
        gcls = tf.concat([tf.reshape(t, [-1]) for t in b_rest[0::3]], 0)
        gloc = tf.concat([tf.reshape(t, [-1, 4]) for t in b_rest[1::3]], 0)
        gsco = tf.concat([tf.reshape(t, [-1]) for t in b_rest[2::3]], 0)
        pmask = gsco > 0.5
        fpmask = tf.cast(pmask, tf.float32)
        n_pos = tf.reduce_sum(fpmask)
        nvalues = tf.where(pmask, tf.ones_like(gsco), tf.nn.softmax(flog)[:, 0])
        n_neg = tf.minimum(tf.cast(3.0 * n_pos, tf.int32) + 8, tf.shape(nvalues)[0])
        hardest, _ = tf.nn.top_k(-nvalues, k=n_neg)
        fnmask = tf.cast(nvalues <= -hardest[-1], tf.float32) * (1 - fpmask)
        ce = v1.nn.sparse_softmax_cross_entropy_with_logits(labels=gcls, logits=flog)
        diff = tf.abs(floc - gloc)
        smooth = tf.where(diff < 1, 0.5 * diff * diff, diff - 0.5)
        v1.losses.compute_weighted_loss(ce, fpmask, scope="cross_entropy_pos")
        v1.losses.compute_weighted_loss(ce, fnmask, scope="cross_entropy_neg")
        v1.losses.compute_weighted_loss(smooth, fpmask[:, None], scope="localization")
    step = v1.train.create_global_step()
    total = v1.losses.get_total_loss()
    v1.train.AdamOptimizer(1e-3).minimize(total, step)
    v1.summary.scalar("total_loss", total)
    return [b_image], [*predictions, *localisations]


@case("detector")
def yolo_of_two_scales_with_giou() -> Truth:
    """YOLOv3-tiny by a ``define_input``: labels and true boxes per scale, boxes decoded in the graph.

    The demo fetches ``pred_mbbox`` and ``pred_lbbox`` (box, confidence, classes) and does NMS in NumPy.
    """
    anchors = np.array([[[10, 14], [23, 27], [37, 58]], [[81, 82], [135, 169], [344, 319]]], np.float32)
    strides, num_class = (8, 16), 20
    with v1.name_scope("define_input"):
        input_data = v1.placeholder(tf.float32, [None, None, None, 3], name="input_data")
        label_m = v1.placeholder(tf.float32, name="label_mbbox")
        label_l = v1.placeholder(tf.float32, name="label_lbbox")
        true_m = v1.placeholder(tf.float32, name="mbboxes")
        true_l = v1.placeholder(tf.float32, name="lbboxes")
        trainable = v1.placeholder(tf.bool, name="training")

    def convolutional(
        x: Tensor, filters: tuple[int, int, int], name: str, down: bool = False, bn: bool = True
    ) -> Tensor:
        with v1.variable_scope(name):
            w = v1.get_variable(
                "weight", [filters[0], *filters], initializer=v1.random_normal_initializer(stddev=0.01)
            )
            x = v1.nn.conv2d(x, w, [1, 2, 2, 1] if down else [1, 1, 1, 1], "SAME")
            if not bn:
                return tf.nn.bias_add(
                    x, v1.get_variable("bias", [filters[-1]], initializer=v1.zeros_initializer())
                )
            with v1.variable_scope("batch_normalization"):
                n = filters[-1]
                g, b = v1.get_variable("gamma", [n]), v1.get_variable("beta", [n])
                mm = v1.get_variable("moving_mean", [n], trainable=False)
                mv = v1.get_variable("moving_variance", [n], trainable=False)

                def batch() -> Any:
                    y, m, v = v1.nn.fused_batch_norm(x, g, b, is_training=True)
                    with tf.control_dependencies(
                        [v1.assign(mm, 0.9 * mm + 0.1 * m), v1.assign(mv, 0.9 * mv + 0.1 * v)]
                    ):
                        return tf.identity(y)

                x = v1.cond(
                    trainable, batch, lambda: v1.nn.fused_batch_norm(x, g, b, mm, mv, is_training=False)[0]
                )
            return tf.nn.leaky_relu(x, alpha=0.1)

    def decode(conv: Tensor, anchor: Any, stride: int) -> Tensor:
        shape = tf.shape(conv)
        size = shape[1]
        out = tf.reshape(conv, (shape[0], size, size, 3, 5 + num_class))
        dxdy, dwdh, conf, prob = tf.split(out, [2, 2, 1, num_class], axis=-1)
        y = tf.tile(tf.range(size, dtype=tf.int32)[:, tf.newaxis], [1, size])
        x = tf.tile(tf.range(size, dtype=tf.int32)[tf.newaxis, :], [size, 1])
        grid = tf.cast(tf.stack([x, y], -1)[tf.newaxis, :, :, tf.newaxis, :], tf.float32)
        xy = (tf.sigmoid(dxdy) + grid) * stride
        return tf.concat([xy, tf.exp(dwdh) * anchor, tf.sigmoid(conf), tf.sigmoid(prob)], axis=-1)

    route, net = input_data, input_data
    for i, (a, b) in enumerate(((3, 4), (4, 8), (8, 16), (16, 16))):
        route, net = net, convolutional(net, (3, a, b), f"conv{i}", down=True)
    branch = convolutional(net, (1, 16, 8), "conv_neck")
    conv_l = convolutional(branch, (1, 8, 75), "conv_lbbox", bn=False)
    up_shape = tf.shape(branch)
    up = v1.image.resize_nearest_neighbor(branch, (up_shape[1] * 2, up_shape[2] * 2))
    merged = tf.concat([up, route], axis=-1)
    conv_m = convolutional(
        convolutional(merged, (3, 24, 16), "conv_mobj"), (1, 16, 75), "conv_mbbox", bn=False
    )
    with v1.variable_scope("pred_mbbox"):
        pred_m = decode(conv_m, anchors[0], strides[0])
    with v1.variable_scope("pred_lbbox"):
        pred_l = decode(conv_l, anchors[1], strides[1])

    def overlap(one: Tensor, two: Tensor, enclosing: bool) -> Tensor:
        a0, a1 = one[..., :2] - one[..., 2:] / 2, one[..., :2] + one[..., 2:] / 2
        b0, b1 = two[..., :2] - two[..., 2:] / 2, two[..., :2] + two[..., 2:] / 2
        inner = tf.maximum(tf.minimum(a1, b1) - tf.maximum(a0, b0), 0.0)
        area = inner[..., 0] * inner[..., 1]
        union = one[..., 2] * one[..., 3] + two[..., 2] * two[..., 3] - area
        if not enclosing:
            return area / union
        hull = tf.maximum(tf.maximum(a1, b1) - tf.minimum(a0, b0), 0.0)
        return area / union - (hull[..., 0] * hull[..., 1] - union) / (hull[..., 0] * hull[..., 1])

    def layer_loss(conv: Tensor, pred: Tensor, label: Tensor, boxes: Tensor) -> Tensor:
        raw = tf.reshape(conv, tf.shape(pred))
        respond = label[..., 4:5]
        giou = tf.expand_dims(overlap(pred[..., :4], label[..., :4], True), -1)
        iou = overlap(
            pred[:, :, :, :, tf.newaxis, :4], boxes[:, tf.newaxis, tf.newaxis, tf.newaxis, :, :], False
        )
        best = tf.expand_dims(tf.reduce_max(iou, axis=-1), -1)
        background = (1.0 - respond) * tf.cast(best < 0.5, tf.float32)
        focal = tf.pow(tf.abs(respond - pred[..., 4:5]), 2)
        bce = v1.nn.sigmoid_cross_entropy_with_logits
        conf = focal * (respond + background) * bce(labels=respond, logits=raw[..., 4:5])
        prob = respond * bce(labels=label[..., 5:], logits=raw[..., 5:])
        parts = [respond * (1 - giou), conf, prob]
        return tf.add_n([tf.reduce_mean(tf.reduce_sum(p, axis=[1, 2, 3, 4])) for p in parts])

    with v1.name_scope("define_loss"):
        loss = layer_loss(conv_m, pred_m, label_m, true_m) + layer_loss(conv_l, pred_l, label_l, true_l)
    with v1.name_scope("learn_rate"):
        global_step = v1.Variable(1.0, dtype=tf.float64, trainable=False, name="global_step")
        warmup = tf.constant(2000.0, dtype=tf.float64, name="warmup_steps")
        rate = v1.cond(global_step < warmup, lambda: global_step / warmup * 1e-4, lambda: 1e-6 + 0.5e-4 * (
            1 + tf.cos((global_step - warmup) / (90000.0 - warmup) * math.pi)))  # fmt: skip
        update = v1.assign_add(global_step, 1.0)
    with v1.name_scope("define_weight_decay"):
        moving_ave = v1.train.ExponentialMovingAverage(0.9995).apply(v1.trainable_variables())
    pairs = v1.train.AdamOptimizer(rate).compute_gradients(loss)
    head = [(g, v) for g, v in pairs if v.op.name.startswith(("conv_mbbox", "conv_lbbox"))]
    for stage, chosen in (("first", head), ("second", pairs)):
        with v1.name_scope(f"define_{stage}_stage_train"):
            optimize = v1.train.AdamOptimizer(rate).apply_gradients(chosen)
            with tf.control_dependencies([optimize, update]), tf.control_dependencies([moving_ave]):
                tf.no_op()
    return [input_data], [pred_m, pred_l]


class RegionNet:
    """Faster R-CNN: one network object, created for training and then, with reuse, for testing."""

    def __init__(self, classes: int) -> None:
        self._image = v1.placeholder(tf.float32, shape=[1, None, None, 3])
        self._im_info = v1.placeholder(tf.float32, shape=[3])
        self._gt_boxes = v1.placeholder(tf.float32, shape=[None, 5])
        self._num_classes, self._num_anchors = classes, 3
        self._predictions: dict[str, Tensor] = {}
        self._losses: dict[str, Tensor] = {}

    def _conv(self, x: Tensor, n: int, k: int, name: str, act: bool = True, stride: int = 1) -> Tensor:
        with v1.variable_scope(name):
            w = v1.get_variable("weights", [k, k, int(x.shape[-1]), n])
            b = v1.get_variable("biases", [n], initializer=v1.zeros_initializer())
            x = tf.nn.bias_add(v1.nn.conv2d(x, w, [1, stride, stride, 1], "SAME"), b)
            return tf.nn.relu(x) if act else x

    def _fc(self, x: Tensor, n: int, name: str) -> Tensor:
        with v1.variable_scope(name):
            w = v1.get_variable("weights", [int(x.shape[-1]), n])
            return tf.matmul(x, w) + v1.get_variable("biases", [n], initializer=v1.zeros_initializer())

    def _anchors(self) -> Tensor:
        height = tf.cast(tf.math.ceil(self._im_info[0] / 8.0), tf.int32)
        width = tf.cast(tf.math.ceil(self._im_info[1] / 8.0), tf.int32)
        sx, sy = tf.meshgrid(tf.range(width) * 8, tf.range(height) * 8)
        shifts = tf.stack([tf.reshape(t, [-1]) for t in (sx, sy, sx, sy)], 1)
        base = tf.constant([[-12.0, -12, 19, 19], [-28, -28, 35, 35], [-60, -60, 67, 67]])
        return tf.reshape(tf.cast(shifts, tf.float32)[:, None, :] + base[None], [-1, 4])

    def _proposals(self, prob: Tensor, delta: Tensor, anchors: Tensor, post: int) -> Tensor:
        scores = tf.reshape(prob[..., self._num_anchors :], [-1])
        d = tf.reshape(delta, [-1, 4])
        w, h = anchors[:, 2] - anchors[:, 0] + 1, anchors[:, 3] - anchors[:, 1] + 1
        cx, cy = anchors[:, 0] + w / 2 + d[:, 0] * w, anchors[:, 1] + h / 2 + d[:, 1] * h
        pw, ph = tf.exp(d[:, 2]) * w, tf.exp(d[:, 3]) * h
        x1, x2 = (tf.clip_by_value(t, 0.0, self._im_info[1] - 1) for t in (cx - pw / 2, cx + pw / 2))
        y1, y2 = (tf.clip_by_value(t, 0.0, self._im_info[0] - 1) for t in (cy - ph / 2, cy + ph / 2))
        keep = tf.image.non_max_suppression(tf.stack([y1, x1, y2, x2], 1), scores, post, 0.7)
        boxes = tf.gather(tf.stack([x1, y1, x2, y2], 1), keep)
        return tf.concat([tf.zeros([tf.shape(keep)[0], 1]), boxes], 1)

    def create(self, mode: str) -> dict[str, Tensor]:
        """Build one mode."""
        with v1.variable_scope("vgg_16", reuse=mode == "TEST"):
            net = self._image
            for i, n in enumerate((8, 16, 16), 1):
                net = self._conv(net, n, 3, f"conv{i}", stride=2)
            rpn = self._conv(net, 16, 3, "rpn_conv/3x3")
            score = self._conv(rpn, self._num_anchors * 2, 1, "rpn_cls_score", act=False)
            s = tf.shape(score)
            reshaped = tf.reshape(score, [s[0], s[1], s[2], 2, self._num_anchors])
            prob = tf.reshape(tf.nn.softmax(reshaped, axis=3), s, name="rpn_cls_prob")
            delta = self._conv(rpn, self._num_anchors * 4, 1, "rpn_bbox_pred", act=False)
            anchors = self._anchors()
            rois = self._proposals(prob, delta, anchors, 64 if mode == "TRAIN" else 16)
            if mode == "TRAIN":
                labels, targets, weights = v1.py_func(
                    lambda *a: a,
                    [score, self._gt_boxes, self._im_info],
                    [tf.float32] * 3,
                    name="anchor_target",
                )
                rois, roi_labels, roi_targets, roi_weights = v1.py_func(
                    lambda *a: a,
                    [rois, prob, self._gt_boxes, delta],
                    [tf.float32] * 4,
                    name="proposal_target",
                )
                rois.set_shape([32, 5])
            with v1.variable_scope("pool5"):
                bottom = tf.shape(net)
                norm = tf.cast(tf.stack([bottom[1], bottom[2], bottom[1], bottom[2]]) * 8, tf.float32)
                boxes = tf.stop_gradient(tf.gather(rois[:, 1:], [1, 0, 3, 2], axis=1) / norm)
                crops = v1.image.crop_and_resize(net, boxes, tf.cast(rois[:, 0], tf.int32), [8, 8])
                pooled = v1.nn.max_pool(crops, 2, 2, "SAME")
            fc = tf.nn.relu(self._fc(tf.reshape(pooled, [-1, 4 * 4 * 16]), 32, "fc6"))
            if mode == "TRAIN":
                fc = v1.nn.dropout(fc, keep_prob=0.5)
            fc = tf.nn.relu(self._fc(fc, 32, "fc7"))
            cls_score = self._fc(fc, self._num_classes, "cls_score")
            cls_prob = tf.nn.softmax(cls_score, name="cls_prob")
            bbox_pred = self._fc(fc, self._num_classes * 4, "bbox_pred")
        if mode == "TRAIN":

            def smooth_l1(pred: Tensor, target: Tensor, weight: Tensor) -> Tensor:
                diff = tf.abs(weight * (pred - target))
                sign = tf.stop_gradient(tf.cast(diff < 1.0, tf.float32))
                return tf.reduce_mean(diff**2 * 0.5 * sign + (diff - 0.5) * (1.0 - sign))

            ce = v1.nn.sparse_softmax_cross_entropy_with_logits
            logits = tf.reshape(tf.transpose(reshaped, [0, 1, 2, 4, 3]), [-1, 2])
            select = tf.where(tf.not_equal(tf.reshape(labels, [-1]), -1.0))[:, 0]
            picked = tf.cast(tf.gather(tf.reshape(labels, [-1]), select), tf.int32)
            self._losses["rpn_cross_entropy"] = tf.reduce_mean(
                ce(labels=picked, logits=tf.gather(logits, select))
            )
            self._losses["rpn_loss_box"] = smooth_l1(delta, targets, weights)
            picked = tf.cast(tf.reshape(roi_labels, [-1]), tf.int32)
            self._losses["cross_entropy"] = tf.reduce_mean(ce(labels=picked, logits=cls_score))
            self._losses["loss_box"] = smooth_l1(bbox_pred, roi_targets, roi_weights)
            self._losses["total_loss"] = tf.add_n(list(self._losses.values()))
            for key, value in self._losses.items():
                v1.summary.scalar(key, value)
        else:
            stds = tf.tile(tf.constant([0.1, 0.1, 0.2, 0.2]), [self._num_classes])
            bbox_pred = bbox_pred * stds
        return {"cls_score": cls_score, "cls_prob": cls_prob, "bbox_pred": bbox_pred, "rois": rois}


@case("detector")
def faster_rcnn_created_for_training_and_testing() -> Truths:
    """Training samples its regions with the true boxes; the test half needs image and size only.

    ``test_image`` fetches cls_prob, bbox_pred and rois of the TEST half (some fetch cls_score as well).
    """
    net = RegionNet(21)
    net.create("TRAIN")
    lr = v1.Variable(0.001, trainable=False)
    optimizer = v1.train.MomentumOptimizer(lr, 0.9)
    pairs = optimizer.compute_gradients(net._losses["total_loss"])
    with v1.variable_scope("Gradient_Mult"):
        pairs = [(g * 2.0 if "/biases:" in v.name and g is not None else g, v) for g, v in pairs]
    optimizer.apply_gradients(pairs)
    test = net.create("TEST")
    feeds = [net._image, net._im_info]
    return [
        (feeds, [test["cls_prob"], test["bbox_pred"], test["rois"]]),
        (feeds, [test["cls_score"], test["cls_prob"], test["bbox_pred"], test["rois"]]),
    ]


@case("detector", modern=True)
def centers_of_objects_in_one_flat_script() -> Truth:
    """CenterNet, flat: focal loss on heatmaps, sizes, offsets; peaks by max pooling become ``detections``."""
    num_classes, top, width = 12, 40, 16
    img = v1.placeholder(tf.float32, [None, 128, 128, 3])
    gt_heat = v1.placeholder(tf.float32, [None, 32, 32, num_classes])
    gt_wh = v1.placeholder(tf.float32, [None, 16, 2])
    gt_off = v1.placeholder(tf.float32, [None, 16, 2])
    gt_ind = v1.placeholder(tf.int32, [None, 16])
    gt_mask = v1.placeholder(tf.float32, [None, 16])
    train = v1.placeholder(tf.bool, [])

    x, skips = img / 255.0, []
    for _ in range(4):
        w = v1.Variable(v1.random_normal([3, 3, int(x.shape[-1]), width], stddev=0.05))
        g, b = v1.Variable(tf.ones([width])), v1.Variable(tf.zeros([width]))
        pop_mean, pop_var = v1.Variable(tf.zeros([width]), False), v1.Variable(tf.ones([width]), False)
        x = v1.nn.conv2d(x, w, [1, 2, 2, 1], "SAME")
        mean, var = tf.nn.moments(x, [0, 1, 2])
        v1.add_to_collection("bn_updates", v1.assign(pop_mean, 0.95 * pop_mean + 0.05 * mean))
        v1.add_to_collection("bn_updates", v1.assign(pop_var, 0.95 * pop_var + 0.05 * var))
        used = [tf.where(train, mean, pop_mean), tf.where(train, var, pop_var)]
        x = tf.nn.relu(tf.nn.batch_normalization(x, used[0], used[1], b, g, 1e-5))
        skips.append(x)
    for skip in (skips[2], skips[1]):
        side = int(skip.shape[1])
        w = v1.Variable(v1.random_normal([4, 4, width, width], stddev=0.05))
        x = v1.nn.conv2d_transpose(x, w, tf.stack([tf.shape(x)[0], side, side, width]), [1, 2, 2, 1], "SAME")
        x = tf.nn.relu(x) + skip
    branches = []
    for channels, bias in ((num_classes, -2.19), (2, 0.0), (2, 0.0)):
        w1 = v1.Variable(v1.random_normal([3, 3, width, width], stddev=0.05))
        w2 = v1.Variable(v1.random_normal([1, 1, width, channels], stddev=0.05))
        h = tf.nn.relu(v1.nn.conv2d(x, w1, 1, "SAME"))
        branches.append(v1.nn.conv2d(h, w2, 1, "SAME") + v1.Variable(tf.fill([channels], bias)))
    heat, wh, off = tf.sigmoid(branches[0]), branches[1], branches[2]

    clipped = tf.clip_by_value(heat, 1e-4, 1 - 1e-4)
    pos = tf.cast(tf.equal(gt_heat, 1.0), tf.float32)
    pos_loss = -tf.math.log(clipped) * tf.pow(1 - clipped, 2) * pos
    neg_loss = -tf.math.log(1 - clipped) * tf.pow(clipped, 2) * tf.pow(1 - gt_heat, 4) * (1 - pos)
    hm_loss = tf.reduce_sum(pos_loss + neg_loss) / tf.maximum(tf.reduce_sum(pos), 1.0)
    reg = []
    for field, target in ((wh, gt_wh), (off, gt_off)):
        at = tf.gather(tf.reshape(field, [-1, 32 * 32, 2]), gt_ind, batch_dims=1)
        reg.append(tf.reduce_sum(tf.abs(at - target) * gt_mask[..., None]) / (tf.reduce_sum(gt_mask) + 1e-4))
    loss = hm_loss + 0.1 * reg[0] + reg[1]
    with tf.control_dependencies(v1.get_collection("bn_updates")):
        v1.train.AdamOptimizer(1.25e-4).minimize(loss)

    peaks = v1.nn.max_pool(heat, [1, 3, 3, 1], [1, 1, 1, 1], "SAME")
    scores = tf.where(tf.equal(peaks, heat), heat, tf.zeros_like(heat))
    score, index = tf.nn.top_k(tf.reshape(scores, [-1, 32 * 32 * num_classes]), k=top)
    cls, cell = index % num_classes, index // num_classes
    o = tf.gather(tf.reshape(off, [-1, 1024, 2]), cell, batch_dims=1)
    s = tf.gather(tf.reshape(wh, [-1, 1024, 2]), cell, batch_dims=1)
    cx, cy = tf.cast(cell % 32, tf.float32) + o[..., 0], tf.cast(cell // 32, tf.float32) + o[..., 1]
    corners = [cx - s[..., 0] / 2, cy - s[..., 1] / 2, cx + s[..., 0] / 2, cy + s[..., 1] / 2]
    detections = tf.concat(
        [4.0 * tf.stack(corners, -1), score[..., None], tf.cast(cls, tf.float32)[..., None]], -1
    )
    v1.summary.scalar("loss", loss)
    v1.summary.image("heat", tf.reduce_max(heat, -1, keepdims=True))
    return [img], [detections]
