"""Classifiers and other nets for images, as tutorials and papers' code train them."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from benchmarks.endpoints.cases import Truth, case
from benchmarks.endpoints.layers import (
    accuracy,
    batch_norm,
    conv,
    cross_entropy,
    deconv,
    dense,
    flatten,
    pool,
    v1,
    weight,
)  # fmt: skip

Tensor = Any


@case("classifier")
def softmax_regression() -> Truth:
    """MNIST for beginners: variables without names, the cross entropy written out."""
    x = v1.placeholder(tf.float32, [None, 784])
    w = v1.Variable(tf.zeros([784, 10]))
    b = v1.Variable(tf.zeros([10]))
    y = tf.nn.softmax(tf.matmul(x, w) + b)
    truth = v1.placeholder(tf.float32, [None, 10])
    loss = tf.reduce_mean(-tf.reduce_sum(truth * v1.log(y), axis=[1]))
    v1.train.GradientDescentOptimizer(0.5).minimize(loss)
    accuracy(y, truth)
    return [x], [y]


@case("classifier")
def mlp_logits_only() -> Truth:
    """A multilayer perceptron whose prediction is its logits."""
    x, y = v1.placeholder("float", [None, 784]), v1.placeholder("float", [None, 10])
    h = tf.nn.relu(
        tf.add(tf.matmul(x, v1.Variable(tf.random.normal([784, 64]))), v1.Variable(tf.random.normal([64])))
    )
    h = tf.nn.relu(
        tf.add(tf.matmul(h, v1.Variable(tf.random.normal([64, 64]))), v1.Variable(tf.random.normal([64])))
    )
    out = tf.matmul(h, v1.Variable(tf.random.normal([64, 10]))) + v1.Variable(tf.random.normal([10]))
    v1.train.AdamOptimizer(0.01).minimize(cross_entropy(out, y))
    accuracy(out, y)
    return [x], [out]


@case("classifier")
def mlp_softmax_beside() -> Truth:
    """The softmax is computed for prediction only, the loss takes logits."""
    x = v1.placeholder(tf.float32, [None, 784], name="X")
    y = v1.placeholder(tf.float32, [None, 10], name="Y")
    logits = dense(dense(x, 32, "l1", tf.nn.relu), 10, "out")
    prediction = tf.nn.softmax(logits)
    v1.train.AdamOptimizer(0.01).minimize(cross_entropy(logits, y))
    accuracy(prediction, y)
    return [x], [prediction]


@case("classifier")
def lenet_keep_prob() -> Truth:
    """Deep MNIST for experts: reshape, two convolutions, dropout."""
    x = v1.placeholder(tf.float32, [None, 784], name="x")
    y_ = v1.placeholder(tf.float32, [None, 10], name="y_")
    keep = v1.placeholder(tf.float32)
    h = pool(conv(tf.reshape(x, [-1, 28, 28, 1]), 8, 5, "conv1"))
    h = pool(conv(h, 16, 5, "conv2"))
    h = dense(flatten(h), 64, "fc1", tf.nn.relu)
    y = dense(v1.nn.dropout(h, keep), 10, "fc2")
    loss = cross_entropy(y, y_)
    v1.train.AdamOptimizer(1e-4).minimize(loss)
    v1.summary.scalar("loss", loss)
    v1.summary.scalar("accuracy", accuracy(y, y_))
    v1.summary.merge_all()
    return [x], [y]


@case("classifier")
def alexnet_lrn_sparse_labels() -> Truth:
    """AlexNet with local response normalization and integer labels; prob is named."""
    x = v1.placeholder(tf.float32, [None, 64, 64, 3], name="images")
    y = v1.placeholder(tf.int64, [None], name="labels")
    rate = v1.placeholder_with_default(0.5, [], name="dropout_rate")
    lr = v1.placeholder(tf.float32, [], name="lr")
    h = pool(tf.nn.lrn(conv(x, 16, 11, "conv1", stride=2)))
    h = pool(tf.nn.lrn(conv(h, 32, 5, "conv2")))
    h = conv(conv(h, 32, 3, "conv3"), 32, 3, "conv4")
    h = tf.nn.dropout(dense(flatten(h), 64, "fc6", tf.nn.relu), rate=rate)
    logits = dense(h, 20, "fc8")
    prob = tf.nn.softmax(logits, name="prob")
    loss = cross_entropy(logits, y)
    top5 = tf.nn.in_top_k(y, logits, 5)
    v1.summary.scalar("top5", tf.reduce_mean(tf.cast(top5, tf.float32)))
    v1.train.MomentumOptimizer(lr, 0.9).minimize(loss)
    return [x], [prob]


@case("classifier")
def vgg_weight_decay() -> Truth:
    """VGG with L2 penalties in the loss and histograms of everything."""
    x = v1.placeholder(tf.float32, [None, 32, 32, 3])
    y = v1.placeholder(tf.int32, [None])
    h = x
    for block, filters in enumerate((8, 16)):
        for k in range(2):
            h = conv(h, filters, 3, f"conv{block + 1}_{k + 1}")
            v1.summary.histogram(f"act{block}{k}", h)
        h = pool(h)
    logits = dense(dense(flatten(h), 64, "fc6", tf.nn.relu), 10, "fc8")
    decay = tf.add_n([tf.nn.l2_loss(v) for v in v1.trainable_variables()]) * 5e-4
    loss = cross_entropy(logits, y) + decay
    correct = tf.equal(tf.cast(tf.argmax(logits, 1), tf.int32), y)
    v1.summary.scalar("acc", tf.reduce_mean(tf.cast(correct, tf.float32)))
    v1.train.GradientDescentOptimizer(0.1).minimize(loss)
    return [x], [logits]


def _resnet(x: Tensor, training: Tensor | bool, classes: int = 10, width: int = 8) -> Tensor:
    h = conv(x, width, 3, "stem", bias=False, activation=None)
    for block in range(3):
        with v1.variable_scope(f"block{block}", reuse=v1.AUTO_REUSE):
            y = tf.nn.relu(batch_norm(h, "bn1", training))
            y = conv(y, width, 3, "conv1", bias=False, activation=None)
            y = tf.nn.relu(batch_norm(y, "bn2", training))
            h = h + conv(y, width, 3, "conv2", bias=False, activation=None)
    h = tf.nn.relu(batch_norm(h, "bn", training))
    return dense(tf.reduce_mean(h, [1, 2]), classes, "logits")


@case("classifier")
def resnet_is_training() -> Truth:
    """A residual net with batch normalization behind tf.cond."""
    x = v1.placeholder(tf.float32, [None, 32, 32, 3], name="input_x")
    y = v1.placeholder(tf.int64, [None], name="input_y")
    training = v1.placeholder(tf.bool, name="is_training")
    logits = _resnet(x, training)
    softmax = tf.nn.softmax(logits, name="predictions")
    loss = cross_entropy(logits, y)
    with tf.control_dependencies(v1.get_collection(v1.GraphKeys.UPDATE_OPS)):
        v1.train.MomentumOptimizer(0.1, 0.9).minimize(loss, global_step=v1.train.get_or_create_global_step())
    return [x], [softmax]


@case("classifier", modern=True)
def resnet_resource_variables() -> Truth:
    """The same in a graph that TensorFlow 2 writes: resource variables, functional cond."""
    x = v1.placeholder(tf.float32, [None, 32, 32, 3])
    y = v1.placeholder(tf.int64, [None])
    training = v1.placeholder(tf.bool, [])
    logits = _resnet(x, training)
    loss = cross_entropy(logits, y)
    v1.train.AdamOptimizer(0.1).minimize(loss)
    tf.reduce_mean(tf.cast(tf.equal(tf.argmax(logits, 1), y), tf.float32))
    return [x], [logits]


@case("classifier")
def inception_auxiliary_head() -> Truth:
    """A net with an auxiliary classifier that only helps training."""
    x = v1.placeholder(tf.float32, [None, 64, 64, 3], name="input")
    y = v1.placeholder(tf.float32, [None, 12], name="target")
    h = conv(x, 8, 3, "stem", stride=2)
    for k in range(2):
        h = tf.concat(
            [conv(h, 8, 1, f"mix{k}_1x1"), conv(h, 8, 3, f"mix{k}_3x3"), conv(h, 8, 5, f"mix{k}_5x5")], 3
        )
    side = dense(flatten(pool(conv(h, 4, 1, "aux_conv"), 4)), 12, "aux_logits")
    h = pool(conv(h, 16, 3, "mix3"))
    logits = dense(tf.reduce_mean(h, [1, 2]), 12, "Logits")
    out = tf.nn.softmax(logits, name="Softmax")
    loss = cross_entropy(logits, y) + 0.4 * cross_entropy(side, y)
    v1.train.RMSPropOptimizer(0.01).minimize(loss)
    return [x], [out]


@case("classifier")
def queue_fed_cifar() -> Truth:
    """CIFAR-10 as in the tutorial: images and labels come out of a queue."""
    names = v1.train.string_input_producer(["a.bin"])
    _, record = v1.FixedLengthRecordReader(1 + 3072).read(names)
    raw = v1.decode_raw(record, tf.uint8)
    label = tf.cast(raw[0], tf.int32)
    image = tf.transpose(tf.reshape(raw[1:3073], [3, 32, 32]), [1, 2, 0])
    image = tf.image.per_image_standardization(tf.cast(image, tf.float32))
    images, labels = v1.train.shuffle_batch([image, label], 8, 100, 50)
    images.set_shape([8, 32, 32, 3])
    h = pool(conv(images, 8, 5, "conv1"))
    logits = dense(dense(flatten(h), 32, "local3", tf.nn.relu), 10, "softmax_linear")
    loss = cross_entropy(logits, labels)
    v1.train.GradientDescentOptimizer(0.1).minimize(loss)
    return ["shuffle_batch:0"], [logits]


@case("classifier")
def iterator_fed() -> Truth:
    """tf.data with a one-shot iterator; the softmax is named, nothing else."""
    data = tf.data.Dataset.from_tensors((tf.zeros([28, 28, 1]), tf.constant(1))).repeat().batch(4)
    images, labels = v1.data.make_one_shot_iterator(data).get_next()
    logits = dense(flatten(pool(conv(images, 8, 3, "c1"))), 10, "d")
    out = tf.nn.softmax(logits, name="probabilities")
    v1.train.AdamOptimizer().minimize(cross_entropy(logits, labels))
    return ["IteratorGetNext:0"], [out]


@case("classifier")
def train_and_test_towers() -> Truth:
    """Two towers with the same weights: one trains on a queue, one is for a placeholder."""
    label = tf.constant(1, tf.int64)
    images, labels = v1.train.batch([tf.zeros([28, 28, 1]), label], 8)
    test = v1.placeholder(tf.float32, [None, 28, 28, 1], name="test_images")

    def net(x: Tensor, training: bool) -> Tensor:
        h = tf.nn.relu(batch_norm(conv(x, 8, 3, "c1", activation=None), "bn", training))
        h = flatten(pool(h))
        h = tf.nn.dropout(h, rate=0.5) if training else h
        return dense(h, 10, "fc")

    logits = net(images, True)
    v1.train.AdamOptimizer().minimize(cross_entropy(logits, labels))
    out = tf.nn.softmax(net(test, False), name="test_predictions")
    return [test], [out]


@case("classifier")
def three_towers_one_net() -> Truth:
    """Training, validation and test placeholders through one net, in the style of the Udacity course."""
    x = v1.placeholder(tf.float32, [128, 784])
    y = v1.placeholder(tf.float32, [128, 10])
    validation = tf.constant(0.5, tf.float32, [1000, 784])
    test = v1.placeholder(tf.float32, [None, 784], name="tf_test_dataset")
    w1, b1 = v1.Variable(tf.random.normal([784, 32])), v1.Variable(tf.zeros([32]))
    w2, b2 = v1.Variable(tf.random.normal([32, 10])), v1.Variable(tf.zeros([10]))

    def net(z: Tensor) -> Tensor:
        return tf.matmul(tf.nn.relu(tf.matmul(z, w1) + b1), w2) + b2

    logits = net(x)
    v1.train.GradientDescentOptimizer(0.5).minimize(cross_entropy(logits, y))
    tf.nn.softmax(logits)
    tf.nn.softmax(net(validation))
    return [test], [tf.nn.softmax(net(test))]


@case("classifier")
def notebook_run_twice() -> Truth:
    """A cell run twice: two nets in one graph; the Saver keeps the second one's variables."""
    ends: Any = None
    for _ in range(2):
        x = v1.placeholder(tf.float32, [None, 20])
        y = v1.placeholder(tf.float32, [None, 3])
        w = v1.Variable(tf.random.normal([20, 3]))
        b = v1.Variable(tf.zeros([3]))
        out = tf.nn.softmax(tf.matmul(x, w) + b)
        cost = tf.reduce_mean(-tf.reduce_sum(y * v1.log(out), 1))
        v1.train.GradientDescentOptimizer(0.1).minimize(cost)
        ends = [x], [out]
    truth: Truth = ends
    # Only the last run's variables are saved.
    for variable in v1.global_variables()[:2]:
        v1.get_collection_ref(v1.GraphKeys.GLOBAL_VARIABLES).remove(variable)
    return truth


@case("classifier", frozen=True)
def frozen_mobilenet() -> Truth:
    """A frozen separable net."""
    x = v1.placeholder(tf.float32, [1, 64, 64, 3], name="input")
    h = conv(x, 8, 3, "conv0", stride=2, activation=tf.nn.relu6)
    for k in range(3):
        w = weight(f"dw{k}", [3, 3, 8, 1])
        h = v1.nn.depthwise_conv2d_native(h, w, [1, 1, 1, 1], "SAME")
        h = tf.nn.relu6(batch_norm(h, f"bn{k}", False))
        h = conv(h, 8, 1, f"pw{k}", activation=tf.nn.relu6)
    h = v1.nn.avg_pool(h, [1, 32, 32, 1], [1, 1, 1, 1], "VALID")
    h = tf.squeeze(conv(h, 10, 1, "logits", activation=None), [1, 2])
    return [x], [tf.reshape(tf.nn.softmax(h), [1, 10], name="MobilenetV1/Predictions/Reshape_1")]


@case("classifier", plain=True)
def multilabel_sigmoid() -> Truth:
    """Tags: a sigmoid for each class, no shapes noted, no saver."""
    x = v1.placeholder(tf.float32, [None, 40])
    y = v1.placeholder(tf.float32, [None, 7])
    logits = dense(dense(x, 16, "a", tf.nn.tanh), 7, "b")
    tags = tf.sigmoid(logits)
    loss = tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(labels=y, logits=logits))
    v1.train.AdamOptimizer().minimize(loss)
    correct = tf.equal(tf.round(tags), y)
    tf.reduce_mean(tf.cast(correct, tf.float32))
    return [x], [tags]


@case("classifier")
def transfer_learning_bottleneck() -> Truth:
    """Only the last layer is trained, on top of a fixed net and behind placeholder_with_default."""
    image = v1.placeholder(tf.float32, [None, 32, 32, 3], name="input_image")
    with v1.variable_scope("base"):
        w = weight("w", [3, 3, 3, 8], trainable=False)
        features = tf.reduce_mean(tf.nn.relu(v1.nn.conv2d(image, w, [1, 1, 1, 1], "SAME")), [1, 2])
    bottleneck = v1.placeholder_with_default(features, [None, 8], name="BottleneckInputPlaceholder")
    truth = v1.placeholder(tf.int64, [None], name="GroundTruthInput")
    logits = dense(bottleneck, 5, "final_retrain_ops")
    out = tf.nn.softmax(logits, name="final_result")
    v1.summary.histogram("activations", out)
    loss = cross_entropy(logits, truth)
    v1.train.GradientDescentOptimizer(0.01).minimize(loss)
    prediction = tf.argmax(out, 1)
    tf.reduce_mean(tf.cast(tf.equal(prediction, truth), tf.float32))
    return [image], [out]


@case("segmentation")
def unet() -> Truth:
    """U-Net with skip connections; the prediction is the sigmoid of the last convolution."""
    x = v1.placeholder(tf.float32, [None, 64, 64, 3], name="x")
    mask = v1.placeholder(tf.float32, [None, 64, 64, 1], name="mask")
    d1 = conv(x, 8, 3, "d1")
    d2 = conv(pool(d1), 16, 3, "d2")
    u1 = deconv(conv(pool(d2), 16, 3, "mid"), 16, 2, "u1")
    u2 = deconv(conv(tf.concat([u1, d2], 3), 8, 3, "c1"), 8, 2, "u2")
    logits = conv(tf.concat([u2, d1], 3), 1, 1, "out", activation=None)
    prediction = tf.sigmoid(logits)
    overlap = tf.reduce_sum(prediction * mask)
    dice = 1 - (2 * overlap + 1) / (tf.reduce_sum(prediction) + tf.reduce_sum(mask) + 1)
    bce = tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(labels=mask, logits=logits))
    v1.train.AdamOptimizer().minimize(dice + bce)
    v1.summary.image("prediction", prediction)
    return [x], [prediction]


@case("segmentation")
def fcn_argmax() -> Truth:
    """A fully convolutional net: the annotation is the argmax that nobody reads."""
    image = v1.placeholder(tf.float32, [None, 64, 64, 3], name="input_image")
    annotation = v1.placeholder(tf.int32, [None, 64, 64, 1], name="annotation")
    keep = v1.placeholder(tf.float32, name="keep_probabilty")
    h = pool(conv(image, 8, 3, "conv1"))
    h = v1.nn.dropout(conv(h, 16, 3, "conv2"), keep_prob=keep)
    logits = deconv(h, 5, 4, "up", activation=None)
    prediction = tf.expand_dims(tf.argmax(logits, axis=3, name="prediction"), 3)
    loss = tf.reduce_mean(
        v1.nn.sparse_softmax_cross_entropy_with_logits(logits=logits, labels=tf.squeeze(annotation, [3]))
    )
    v1.summary.image("pred_annotation", tf.cast(prediction, tf.uint8))
    v1.train.AdamOptimizer(1e-4).minimize(loss)
    return [image], [prediction]


@case("image to image")
def super_resolution_residual() -> Truth:
    """VDSR: the net adds a residual to its input."""
    x = v1.placeholder(tf.float32, [None, None, None, 1])
    y = v1.placeholder(tf.float32, [None, None, None, 1])
    h = conv(x, 8, 3, "c0")
    for k in range(3):
        h = conv(h, 8, 3, f"c{k + 1}")
    out = conv(h, 1, 3, "c_last", activation=None) + x
    loss = tf.reduce_sum(tf.nn.l2_loss(out - y))
    for variable in v1.trainable_variables():
        loss += tf.nn.l2_loss(variable) * 1e-4
    v1.train.AdamOptimizer().minimize(loss)
    return [x], [out]


@case("image to image")
def super_resolution_pixel_shuffle() -> Truth:
    """ESPCN: depth_to_space at the end, a named output that is clipped."""
    low = v1.placeholder(tf.float32, [None, 16, 16, 3], name="lr_image")
    high = v1.placeholder(tf.float32, [None, 32, 32, 3], name="hr_image")
    h = conv(conv(low, 16, 5, "f1", activation=tf.nn.tanh), 12, 3, "f2", activation=None)
    out = v1.depth_to_space(h, 2, name="sr_image")
    loss = tf.reduce_mean(tf.square(high - out))
    v1.summary.scalar("psnr", tf.reduce_mean(tf.image.psnr(high, out, 1.0)))
    v1.train.AdamOptimizer().minimize(loss)
    return [low], [out]


@case("image to image")
def denoising_subtracts_noise() -> Truth:
    """DnCNN: the net predicts the noise, which is subtracted from the image."""
    clean = v1.placeholder(tf.float32, [None, None, None, 1], name="clean_image")
    training = v1.placeholder(tf.bool, name="is_training")
    noisy = v1.placeholder(tf.float32, [None, None, None, 1], name="noisy")
    h = conv(noisy, 8, 3, "c1")
    h = tf.nn.relu(batch_norm(conv(h, 8, 3, "c2", activation=None), "bn2", training))
    out = noisy - conv(h, 1, 3, "c3", activation=None)
    loss = (1.0 / 16) * tf.nn.l2_loss(clean - out)
    v1.train.AdamOptimizer().minimize(loss)
    return [noisy], [out]


@case("image to image")
def fast_style_transfer() -> Truth:
    """A net is trained by a fixed loss network with constant weights."""
    x = v1.placeholder(tf.float32, [4, 32, 32, 3], name="X_content")
    h = conv(x / 255.0, 8, 9, "t1")
    h = conv(h, 8, 3, "t2") + h
    out = tf.nn.tanh(conv(h, 3, 9, "t3", activation=None)) * 150 + 255.0 / 2
    kernel = tf.constant(0.1, tf.float32, [3, 3, 3, 8])

    def features(image: Tensor) -> Tensor:
        return tf.nn.relu(v1.nn.conv2d(image - 120.0, kernel, [1, 1, 1, 1], "SAME"))

    content = 7.5 * tf.nn.l2_loss(features(out) - features(x)) / 1000.0
    flat = tf.reshape(features(out), [4, -1, 8])
    gram = tf.matmul(tf.transpose(flat, [0, 2, 1]), flat) / 1024.0
    style = 2 * tf.nn.l2_loss(gram - tf.constant(0.3, tf.float32, [8, 8])) / 64.0
    variation = tf.nn.l2_loss(out[:, 1:] - out[:, :-1])
    v1.train.AdamOptimizer(1e-3).minimize(content + style + variation)
    return [x], [out]


@case("detector")
def ssd_like() -> Truth:
    """Locations and confidences from two scales, joined; targets for both."""
    x = v1.placeholder(tf.float32, [None, 64, 64, 3], name="image")
    boxes = v1.placeholder(tf.float32, [None, 320, 4], name="gt_boxes")
    classes = v1.placeholder(tf.int64, [None, 320], name="gt_classes")
    h1 = conv(conv(x, 8, 3, "c1", stride=2), 16, 3, "c2", stride=4)
    h2 = conv(h1, 16, 3, "c3", stride=2)
    locations, scores = [], []
    for k, h in enumerate((h1, h2)):
        locations.append(
            tf.reshape(conv(h, 16, 3, f"loc{k}", activation=None), [-1, int(h.shape[1]) ** 2 * 4, 4])
        )
        scores.append(
            tf.reshape(conv(h, 12, 3, f"conf{k}", activation=None), [-1, int(h.shape[1]) ** 2 * 4, 3])
        )
    location, score = tf.concat(locations, 1, name="loc_preds"), tf.concat(scores, 1, name="cls_preds")
    positive = tf.cast(classes > 0, tf.float32)
    regression = tf.reduce_sum(tf.abs(location - boxes), 2) * positive
    classification = v1.nn.sparse_softmax_cross_entropy_with_logits(labels=classes, logits=score)
    loss = tf.reduce_sum(regression) + tf.reduce_sum(classification)
    v1.train.MomentumOptimizer(0.1, 0.9).minimize(loss)
    return [x], [location, score]


@case("detector", frozen=True)
def frozen_detector_nms() -> Truth:
    """A frozen detector with non-maximum suppression: four outputs with one ancestry."""
    x = v1.placeholder(tf.uint8, [1, 64, 64, 3], name="image_tensor")
    h = conv(tf.cast(x, tf.float32) / 255.0, 8, 3, "c1", stride=4)
    boxes = tf.reshape(conv(h, 4, 3, "box", activation=None), [-1, 4])
    scores = tf.reshape(tf.sigmoid(conv(h, 3, 3, "cls", activation=None)), [-1, 3])
    best = tf.reduce_max(scores, 1)
    chosen = tf.image.non_max_suppression(boxes, best, 10)
    out = [
        tf.identity(tf.gather(boxes, chosen), "detection_boxes"),
        tf.identity(tf.gather(best, chosen), "detection_scores"),
        tf.identity(tf.gather(tf.argmax(scores, 1), chosen), "detection_classes"),
    ]
    return [x], out


@case("detector")
def landmarks_and_class() -> Truth:
    """MTCNN's first net in training: class probability, box and landmarks, a label for each."""
    x = v1.placeholder(tf.float32, [64, 12, 12, 3], name="input_image")
    label = v1.placeholder(tf.float32, [64], name="label")
    target = v1.placeholder(tf.float32, [64, 4], name="bbox_target")
    points = v1.placeholder(tf.float32, [64, 10], name="landmark_target")
    h = conv(pool(conv(x, 8, 3, "conv1")), 16, 3, "conv2")
    h = tf.reduce_mean(h, [1, 2], keepdims=True)
    cls = tf.squeeze(tf.nn.softmax(conv(h, 2, 1, "conv4_1", activation=None)), [1, 2], name="cls_prob")
    box = tf.squeeze(conv(h, 4, 1, "conv4_2", activation=None), [1, 2], name="bbox_pred")
    mark = tf.squeeze(conv(h, 10, 1, "conv4_3", activation=None), [1, 2], name="landmark_pred")
    picked = tf.gather(tf.reshape(cls, [-1]), tf.range(64) * 2 + tf.cast(label, tf.int32))
    loss = tf.reduce_mean(-v1.log(picked + 1e-10))
    loss += 0.5 * tf.reduce_mean(tf.reduce_sum(tf.square(box - target), 1))
    loss += 0.5 * tf.reduce_mean(tf.reduce_sum(tf.square(mark - points), 1))
    v1.train.AdamOptimizer().minimize(loss)
    return [x], [cls, box, mark]


@case("multi-task")
def age_and_gender() -> Truth:
    """One trunk, two classifiers, two labels."""
    x = v1.placeholder(tf.float32, [None, 48, 48, 1])
    age, gender = v1.placeholder(tf.int64, [None]), v1.placeholder(tf.int64, [None])
    trunk = dense(flatten(pool(conv(x, 8, 3, "c1"), 4)), 32, "fc", tf.nn.relu)
    age_logits, gender_logits = dense(trunk, 8, "age"), dense(trunk, 2, "gender")
    loss = cross_entropy(age_logits, age) + cross_entropy(gender_logits, gender)
    v1.train.AdamOptimizer().minimize(loss)
    return [x], [tf.nn.softmax(age_logits, name="age_prob"), tf.nn.softmax(gender_logits, name="gender_prob")]


@case("embedding")
def face_embedding_triplet() -> Truth:
    """A triplet loss over three towers; the embedding of the anchor is what is used."""
    anchor = v1.placeholder(tf.float32, [None, 32, 32, 3], name="anchor")
    positive = v1.placeholder(tf.float32, [None, 32, 32, 3], name="positive")
    negative = v1.placeholder(tf.float32, [None, 32, 32, 3], name="negative")

    def embed(x: Tensor) -> Tensor:
        h = dense(flatten(pool(conv(x, 8, 3, "conv"), 4)), 16, "fc")
        return tf.nn.l2_normalize(h, 1)

    a, p, n = embed(anchor), embed(positive), embed(negative)
    distance = tf.reduce_sum(tf.square(a - p), 1) - tf.reduce_sum(tf.square(a - n), 1) + 0.2
    v1.train.AdamOptimizer().minimize(tf.reduce_mean(tf.maximum(distance, 0.0)))
    return [anchor], [a]


@case("embedding", frozen=True)
def frozen_face_embedding() -> Truth:
    """A frozen face net with a phase_train placeholder."""
    x = v1.placeholder(tf.float32, [None, 32, 32, 3], name="input")
    training = v1.placeholder(tf.bool, name="phase_train")
    h = tf.nn.relu(batch_norm(conv(x, 8, 3, "conv", activation=None), "bn", training))
    h = dense(flatten(pool(h, 4)), 16, "bottleneck")
    return [x], [tf.nn.l2_normalize(h, 1, name="embeddings")]


@case("embedding")
def face_classifier_for_embeddings() -> Truth:
    """An embedding trained through a classifier; nobody reads the normalized embedding."""
    x = v1.placeholder(tf.float32, [None, 32, 32, 3], name="image_batch")
    y = v1.placeholder(tf.int32, [None], name="label_batch")
    h = x
    for k in range(5):
        h = conv(h, 8, 3, f"conv{k}")
    prelogits = dense(flatten(pool(h, 4)), 16, "Bottleneck")
    embeddings = tf.nn.l2_normalize(prelogits, 1, 1e-10, name="embeddings")
    logits = dense(prelogits, 100, "Logits")
    v1.train.AdagradOptimizer(0.1).minimize(cross_entropy(logits, y))
    return [x], [embeddings]
