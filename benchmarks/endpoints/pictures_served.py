"""More nets that say what a picture shows: fed by files, split over devices, attacked, served."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from benchmarks.endpoints.cases import Truth, Truths, case
from benchmarks.endpoints.layers import accuracy, batch_norm, conv, cross_entropy, dense, flatten, pool, v1

Tensor = Any


@case("classifier")
def records_through_queues() -> Truth:
    """Records are read, distorted and batched by queue runners; only logits leave the net."""
    names = v1.train.string_input_producer(["train-0.tfrecords", "train-1.tfrecords"])
    _, serialized = v1.TFRecordReader().read(names)
    wanted = {
        "image_raw": tf.io.FixedLenFeature([], tf.string),
        "label": tf.io.FixedLenFeature([], tf.int64),
    }
    features = tf.io.parse_single_example(serialized, wanted)
    raw = tf.reshape(tf.io.decode_raw(features["image_raw"], tf.uint8), [28, 28, 3])
    image = tf.image.random_flip_left_right(v1.random_crop(tf.cast(raw, tf.float32), [24, 24, 3]))
    image = tf.image.per_image_standardization(image)
    images, labels = v1.train.shuffle_batch(
        [image, tf.cast(features["label"], tf.int32)], 16, capacity=100, min_after_dequeue=20
    )
    v1.summary.image("images", images)
    norm = tf.nn.lrn(pool(conv(images, 8, 5, "conv1")), 4, bias=1.0, alpha=0.001 / 9.0, beta=0.75)
    local = dense(flatten(pool(conv(norm, 8, 5, "conv2"))), 24, "local3", tf.nn.relu)
    logits = dense(local, 10, "softmax_linear")
    loss = tf.reduce_mean(
        v1.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits, name="xent")
    )
    step = v1.train.get_or_create_global_step()
    averages = tf.train.ExponentialMovingAverage(0.9, name="avg")
    kept = averages.apply([loss])
    rate = v1.train.exponential_decay(0.1, step, 1000, 0.1, staircase=True)
    with tf.control_dependencies([kept]):
        grads = v1.train.GradientDescentOptimizer(rate).compute_gradients(loss)
    apply = v1.train.GradientDescentOptimizer(rate).apply_gradients(grads, global_step=step)
    for g, v in grads:
        v1.summary.histogram(v.op.name + "/gradients", g)
    with tf.control_dependencies([apply]):
        tf.train.ExponentialMovingAverage(0.9999, step).apply(v1.trainable_variables())
    return [images], [logits]


@case("classifier")
def kernel_digit_recognizer() -> Truths:
    """A competition's kernel: reshape the rows, two convolutions, the class is written to a file."""
    x = v1.placeholder("float", shape=[None, 784])
    y_ = v1.placeholder("float", shape=[None, 10])
    image = tf.reshape(x, [-1, 28, 28, 1])

    def weights(shape: list[int]) -> Tensor:
        return tf.Variable(tf.random.truncated_normal(shape, stddev=0.1))

    def bias(shape: list[int]) -> Tensor:
        return tf.Variable(tf.constant(0.1, shape=shape))

    h1 = pool(tf.nn.relu(tf.nn.conv2d(image, weights([5, 5, 1, 8]), [1, 1, 1, 1], "SAME") + bias([8])))
    h2 = pool(tf.nn.relu(tf.nn.conv2d(h1, weights([5, 5, 8, 16]), [1, 1, 1, 1], "SAME") + bias([16])))
    fc = tf.nn.relu(tf.matmul(tf.reshape(h2, [-1, 7 * 7 * 16]), weights([784, 32])) + bias([32]))
    keep_prob = v1.placeholder("float")
    y = tf.nn.softmax(tf.matmul(v1.nn.dropout(fc, keep_prob), weights([32, 10])) + bias([10]))
    cross = -tf.reduce_sum(y_ * v1.log(y))
    v1.train.AdamOptimizer(1e-4).minimize(cross)
    accuracy(y, y_)
    predict = tf.argmax(y, 1)
    return [([x], [predict]), ([x], [y])]


@case("classifier")
def densely_connected() -> Truth:
    """Each layer sees all before it; labels are smoothed, weights decay by hand."""
    shape = [None, 16, 16, 3]
    images = v1.placeholder(tf.float32, shape=shape, name="input_images")
    labels = v1.placeholder(tf.float32, shape=[None, 10], name="labels")
    learning_rate = v1.placeholder(tf.float32, shape=[], name="learning_rate")
    is_training = v1.placeholder(tf.bool, shape=[])
    with v1.variable_scope("Initial_convolution"):
        output = conv(images, 8, 3, "c", bias=False, activation=None)
    for block in range(2):
        with v1.variable_scope(f"Block_{block}"):
            for layer in range(3):
                fresh = tf.nn.relu(batch_norm(output, f"bn_{layer}", is_training))
                fresh = conv(fresh, 4, 3, f"conv_{layer}", bias=False, activation=None)
                output = tf.concat((output, fresh), axis=3)
        with v1.variable_scope(f"Transition_{block}"):
            output = tf.nn.avg_pool2d(conv(output, 8, 1, "conv"), 2, 2, "VALID")
    with v1.variable_scope("Transition_to_classes"):
        output = tf.nn.avg_pool2d(tf.nn.relu(batch_norm(output, "bn", is_training)), 4, 4, "VALID")
        logits = dense(flatten(output), 10, "fc")
    prediction = tf.nn.softmax(logits)
    smooth = labels * 0.9 + 0.01
    l2_loss = tf.add_n([tf.nn.l2_loss(var) for var in v1.trainable_variables()])
    optimizer = v1.train.MomentumOptimizer(learning_rate, 0.9, use_nesterov=True)
    with tf.control_dependencies(v1.get_collection(v1.GraphKeys.UPDATE_OPS)):
        optimizer.minimize(cross_entropy(logits, smooth) + l2_loss * 1e-4)
    accuracy(prediction, labels)
    return [images], [prediction]


@case("classifier")
def batch_split_over_devices() -> Truth:
    """The fed batch is split in two towers with shared weights; the predictions are joined again."""
    x = v1.placeholder(tf.float32, [8, 24, 24, 3], name="images")
    y = v1.placeholder(tf.int32, [8], name="labels")
    optimizer = v1.train.AdamOptimizer(1e-3)
    grads, outs = [], []
    for i, (part, truth) in enumerate(zip(tf.split(x, 2), tf.split(y, 2), strict=True)):
        with tf.name_scope(f"tower_{i}"), v1.variable_scope("model", reuse=v1.AUTO_REUSE):
            h = pool(conv(pool(conv(part, 8, 3, "conv1")), 8, 3, "conv2"))
            logits = dense(flatten(h), 7, "fc")
            outs.append(tf.nn.softmax(logits))
            grads.append(optimizer.compute_gradients(cross_entropy(logits, truth)))
    mean = [
        (tf.reduce_mean(tf.stack([a[0], b[0]]), 0), a[1]) for a, b in zip(grads[0], grads[1], strict=True)
    ]
    optimizer.apply_gradients(mean)
    joined = tf.concat(outs, 0, name="predictions")
    right = tf.nn.in_top_k(targets=y, predictions=joined, k=1)
    tf.reduce_mean(tf.cast(right, tf.float32))
    return [x], [joined]


@case("classifier")
def bytes_to_classes_server() -> Truths:
    """A server's graph: strings of JPEG bytes, decoded one by one, labels looked up by number."""
    image_bytes = v1.placeholder(tf.string, [None], name="image_bytes")

    def one(data: Tensor) -> Tensor:
        image = tf.image.convert_image_dtype(tf.io.decode_jpeg(data, channels=3), tf.float32)
        return tf.squeeze(v1.image.resize_bilinear(tf.expand_dims(image, 0), [24, 24]), [0])

    images = v1.map_fn(one, image_bytes, dtype=tf.float32)
    images.set_shape([None, 24, 24, 3])
    h = pool(tf.nn.relu(batch_norm(conv(images, 8, 3, "conv0", activation=None), "bn0", False)))
    h = conv(h, 12, 3, "conv1", stride=2)
    probs = tf.nn.softmax(dense(tf.reduce_mean(h, [1, 2]), 4, "logits"), name="probabilities")
    values, indices = tf.nn.top_k(probs, 3)
    names = tf.constant(["cat", "dog", "horse", "none"])
    classes = tf.gather(names, indices, name="classes")
    scores = tf.identity(values, name="scores")
    return [
        ([image_bytes], [classes, scores]),
        ([image_bytes], [probs, classes, scores]),
    ]


@case("classifier", plain=True)
def depthwise_network() -> Truth:
    """Depthwise separable convolutions with clipped activations; just the graph, no collections."""
    net = inputs = v1.placeholder(tf.float32, [None, 32, 32, 3], name="input")
    for i, (filters, stride) in enumerate(((8, 2), (12, 1), (16, 2))):
        with v1.variable_scope(f"MobileNet/Conv2d_{i}"):
            channels = int(net.shape[-1])
            kernel = v1.get_variable("depthwise_weights", [3, 3, channels, 1])
            net = tf.nn.depthwise_conv2d(net, kernel, [1, stride, stride, 1], "SAME")
            net = tf.nn.relu6(batch_norm(net, "BatchNorm", False))
            net = conv(net, filters, 1, "pointwise", activation=None, bias=False)
            net = tf.nn.relu6(batch_norm(net, "pointwise_BatchNorm", False))
    net = tf.reduce_mean(net, [1, 2], keepdims=True)
    with v1.variable_scope("MobileNet/Logits"):
        logits = tf.squeeze(conv(net, 11, 1, "Conv2d_1c_1x1", activation=None), [1, 2], name="SpatialSqueeze")
    return [inputs], [tf.nn.softmax(logits, name="MobileNet/Predictions/Reshape_1")]


@case("classifier")
def attacked_by_its_gradient() -> Truth:
    """Adversarial training: the same net also runs on pictures moved along the sign of the gradient."""
    x = v1.placeholder(tf.float32, shape=(None, 28, 28, 1))
    y = v1.placeholder(tf.float32, shape=(None, 10))

    def model(t: Tensor) -> Tensor:
        h = conv(conv(t, 6, 8, "conv1", stride=2), 8, 6, "conv2", stride=2, padding="VALID")
        return dense(flatten(h), 10, "logits")

    with v1.variable_scope("model"):
        logits = model(x)
    preds = tf.nn.softmax(logits)
    guess = tf.cast(tf.equal(logits, tf.reduce_max(logits, 1, keepdims=True)), tf.float32)
    guess = tf.stop_gradient(guess / tf.reduce_sum(guess, 1, keepdims=True))
    (gradient,) = tf.gradients(cross_entropy(logits, guess), x)
    adv_x = tf.stop_gradient(tf.clip_by_value(x + 0.3 * tf.sign(gradient), 0.0, 1.0))
    with v1.variable_scope("model", reuse=True):
        preds_adv = tf.nn.softmax(model(adv_x))
    loss = -tf.reduce_mean(tf.reduce_sum(y * (v1.log(preds + 1e-8) + v1.log(preds_adv + 1e-8)), 1)) / 2
    v1.train.AdamOptimizer(0.001).minimize(loss)
    accuracy(preds, y)
    accuracy(preds_adv, y)
    return [x], [preds]


@case("classifier")
def class_activation_maps() -> Truths:
    """The last weights applied to the feature map show where the class is; for the class that is asked."""
    images_tf = v1.placeholder(tf.float32, [None, 32, 32, 3], name="images")
    labels_tf = v1.placeholder(tf.int64, [None], name="labels")
    conv6 = conv(pool(conv(images_tf / 255.0, 8, 3, "conv1")), 16, 3, "conv6", activation=None)
    gap = tf.reduce_mean(conv6, [1, 2])
    with v1.variable_scope("GAP"):
        gap_w = v1.get_variable("W", [16, 8], initializer=v1.random_normal_initializer(0.0, 0.01))
    output = tf.matmul(gap, gap_w)
    resized = tf.reshape(v1.image.resize_bilinear(conv6, [32, 32]), [-1, 32 * 32, 16])
    label_w = tf.reshape(tf.gather(tf.transpose(gap_w), labels_tf), [-1, 16, 1])
    classmap = tf.reshape(tf.matmul(resized, label_w), [-1, 32, 32])
    loss = cross_entropy(output, labels_tf)
    decay = tf.add_n([tf.nn.l2_loss(v) for v in v1.trainable_variables()]) * 0.0005
    optimizer = v1.train.MomentumOptimizer(v1.placeholder(tf.float32, [], name="lr"), 0.9)
    optimizer.apply_gradients(
        [(g * 0.1 if "conv1" in v.name else g, v) for g, v in optimizer.compute_gradients(loss + decay)]
    )
    return [([images_tf], [output]), ([images_tf, labels_tf], [classmap, output])]
