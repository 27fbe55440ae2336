"""Nets that say what a picture shows, from homework to a company's server."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from benchmarks.endpoints.cases import Truth, Truths, case
from benchmarks.endpoints.layers import (
    accuracy,
    batch_norm,
    conv,
    cross_entropy,
    dense,
    flatten,
    pool,
    v1,
    weight,
)

Tensor = Any


@case("classifier")
def homework_digits_no_names() -> Truth:
    """Three layers, nothing named; the softmax only serves the accuracy."""
    x = v1.placeholder(tf.float32, [None, 784])
    y_ = v1.placeholder(tf.float32, [None, 10])
    w1 = tf.Variable(tf.random.truncated_normal([784, 30], stddev=0.1))
    b1 = tf.Variable(tf.zeros([30]))
    w2 = tf.Variable(tf.random.truncated_normal([30, 10], stddev=0.1))
    b2 = tf.Variable(tf.zeros([10]))
    y1 = tf.nn.relu(tf.matmul(x, w1) + b1)
    ylogits = tf.matmul(y1, w2) + b2
    y = tf.nn.softmax(ylogits)
    loss = tf.nn.softmax_cross_entropy_with_logits(logits=ylogits, labels=y_)
    loss = tf.reduce_mean(loss) * 100
    accuracy(y, y_)
    v1.train.AdamOptimizer(0.003).minimize(loss)
    return [x], [y]


@case("classifier")
def course_cifar_hinge() -> Truth:
    """A course's notebook: hinge loss over one-hot scores, a training flag, no softmax at all."""
    images = v1.placeholder(tf.float32, [None, 32, 32, 3])
    y = v1.placeholder(tf.int64, [None])
    is_training = v1.placeholder(tf.bool)
    w_conv = v1.get_variable("Wconv1", shape=[7, 7, 3, 8])
    b_conv = v1.get_variable("bconv1", shape=[8])
    a1 = tf.nn.conv2d(images, w_conv, strides=[1, 2, 2, 1], padding="VALID") + b_conv
    h1 = batch_norm(tf.nn.relu(a1), "bn", is_training)
    h1_flat = tf.reshape(h1, [-1, 13 * 13 * 8])
    y_out = tf.matmul(h1_flat, v1.get_variable("W1", shape=[1352, 10])) + v1.get_variable("b1", shape=[10])
    total_loss = v1.losses.hinge_loss(tf.one_hot(y, 10), logits=y_out)
    mean_loss = tf.reduce_mean(total_loss)
    with tf.control_dependencies(v1.get_collection(v1.GraphKeys.UPDATE_OPS)):
        v1.train.AdamOptimizer(5e-4).minimize(mean_loss)
    correct_prediction = tf.equal(tf.argmax(y_out, 1), y)
    tf.reduce_mean(tf.cast(correct_prediction, tf.float32))
    return [images], [y_out]


@case("classifier")
def retrained_hub_module() -> Truths:
    """A new last layer behind a feature vector that may be fed from a cache; JPEG decoding at its side."""
    resized = v1.placeholder(tf.float32, [None, 16, 16, 3], name="Placeholder")
    with v1.variable_scope("module"):
        net = conv(resized * 2.0 - 1.0, 8, 3, "conv0", stride=2)
        net = conv(net, 12, 3, "conv1", stride=2)
        features = tf.reduce_mean(net, [1, 2], name="hub_output/feature_vector/SpatialSqueeze")
    with tf.name_scope("input"):
        bottleneck = v1.placeholder_with_default(features, [None, 12], name="BottleneckInputPlaceholder")
        truth = v1.placeholder(tf.int64, [None], name="GroundTruthInput")
    with tf.name_scope("final_retrain_ops"):
        layer_weights = v1.Variable(tf.random.truncated_normal([12, 5], stddev=0.001), name="final_weights")
        layer_biases = v1.Variable(tf.zeros([5]), name="final_biases")
        logits = tf.matmul(bottleneck, layer_weights) + layer_biases
        v1.summary.histogram("pre_activations", logits)
    final = tf.nn.softmax(logits, name="final_result")
    v1.summary.histogram("activations", final)
    loss = v1.losses.sparse_softmax_cross_entropy(labels=truth, logits=logits)
    v1.summary.scalar("cross_entropy", loss)
    v1.train.GradientDescentOptimizer(0.01).minimize(loss, var_list=[layer_weights, layer_biases])
    prediction = tf.argmax(final, 1)
    tf.reduce_mean(tf.cast(tf.equal(prediction, truth), tf.float32))
    jpeg = v1.placeholder(tf.string, name="DecodeJPGInput")
    decoded = tf.image.convert_image_dtype(tf.io.decode_jpeg(jpeg, channels=3), tf.float32)
    v1.image.resize_bilinear(tf.expand_dims(decoded, 0), [16, 16])
    return [([resized], [final]), ([bottleneck], [final])]


@case("classifier")
def flowers_head_on_codes() -> Truth:
    """Only the head: the codes of a net that ran before are fed."""
    inputs_ = v1.placeholder(tf.float32, shape=[None, 64])
    labels_ = v1.placeholder(tf.int64, shape=[None, 5])
    fc = dense(inputs_, 32, "fully_connected", tf.nn.relu)
    logits = dense(fc, 5, "fully_connected_1")
    cost = cross_entropy(logits, labels_)
    v1.train.AdamOptimizer().minimize(cost)
    predicted = tf.nn.softmax(logits)
    accuracy(predicted, labels_)
    return [inputs_], [predicted]


@case("classifier")
def chest_findings() -> Truth:
    """Five findings at once, rare ones weighted, an area under the curve for each."""
    image = v1.placeholder(tf.float32, [None, 32, 32, 1], name="xray")
    findings = v1.placeholder(tf.float32, [None, 5], name="findings")
    train = v1.placeholder_with_default(False, [], name="is_train")
    h = image
    for i, f in enumerate((8, 8, 16)):
        h = pool(tf.nn.relu(batch_norm(conv(h, f, 3, f"c{i}", activation=None), f"bn{i}", train)))
    logits = dense(tf.reduce_mean(h, [1, 2]), 5, "logits")
    prob = tf.sigmoid(logits, name="prob")
    weighted = tf.nn.weighted_cross_entropy_with_logits(labels=findings, logits=logits, pos_weight=4.0)
    loss = tf.reduce_mean(weighted) + 1e-4 * tf.add_n([tf.nn.l2_loss(v) for v in v1.trainable_variables()])
    for k in range(5):
        value, _ = v1.metrics.auc(findings[:, k], prob[:, k], num_thresholds=10)
        v1.summary.scalar(f"auc_{k}", value)
    with tf.control_dependencies(v1.get_collection(v1.GraphKeys.UPDATE_OPS)):
        v1.train.MomentumOptimizer(0.01, 0.9).minimize(loss)
    return [image], [prob]


@case("classifier")
def ordinal_ranks() -> Truths:
    """Age as ranks: one weight vector, a bias each; the age counts the ranks that are passed."""
    x = v1.placeholder(tf.float32, (None, 24, 24, 3), "face")
    levels = v1.placeholder(tf.float32, (None, 9), "levels")
    h = pool(conv(pool(conv(x, 6, 3, "conv1")), 12, 3, "conv2"))
    shared = tf.matmul(flatten(h), weight("rank_w", [6 * 6 * 12, 1]))
    ranks = shared + v1.get_variable("rank_b", [9], initializer=v1.zeros_initializer())
    probas = tf.nn.sigmoid(ranks)
    age = tf.reduce_sum(tf.cast(probas > 0.5, tf.int32), axis=1, name="predicted_age")
    each = v1.log_sigmoid(ranks) * levels + (v1.log_sigmoid(ranks) - ranks) * (1 - levels)
    cost = tf.reduce_mean(-tf.reduce_sum(each, axis=1))
    true_age = tf.reduce_sum(levels, axis=1)
    v1.summary.scalar("mae", tf.reduce_mean(tf.abs(tf.cast(age, tf.float32) - true_age)))
    v1.train.AdamOptimizer(5e-4).minimize(cost, global_step=v1.train.get_or_create_global_step())
    return [([x], [age]), ([x], [probas, age]), ([x], [probas])]


@case("classifier")
def birds_bilinear_pooling() -> Truth:
    """Two streams multiplied place by place, square roots with sign, then a softmax."""
    imgs = v1.placeholder(tf.float32, [None, 32, 32, 3], name="imgs")
    target = v1.placeholder("float", [None, 20], name="target")

    def stream(name: str) -> Tensor:
        with v1.variable_scope(name):
            mean = tf.constant([123.68, 116.779, 103.939], shape=[1, 1, 1, 3], name="img_mean")
            h = pool(conv(imgs - mean, 6, 3, "conv1_1"))
            return pool(conv(h, 8, 3, "conv2_1"))

    a, b = stream("a"), stream("b")
    phi = tf.einsum("ijkm,ijkn->imn", a, b)
    phi = tf.reshape(phi, [-1, 64]) / 64.0
    root = tf.multiply(tf.sign(phi), tf.sqrt(tf.abs(phi) + 1e-12))
    z = tf.nn.l2_normalize(root, axis=1)
    fc3l = tf.nn.bias_add(tf.matmul(z, weight("fc_w", [64, 20])), weight("fc_b", [20]))
    probs = tf.nn.softmax(fc3l)
    loss = cross_entropy(fc3l, target)
    v1.train.MomentumOptimizer(0.9, 0.9).minimize(loss)
    right = tf.equal(tf.argmax(fc3l, 1), tf.argmax(target, 1))
    tf.reduce_sum(tf.cast(right, tf.float32))
    return [imgs], [probs]


@case("classifier", modern=True)
def cars_spatial_attention() -> Truths:
    """A map of where to look weighs the features; the map is shown beside the answer."""
    with tf.name_scope("inputs"):
        image = v1.placeholder(tf.float32, [None, 32, 32, 3], "image")
        label = v1.placeholder(tf.int32, [None], "label")
        keep = v1.placeholder_with_default(1.0, [], "keep_prob")
    features = conv(conv(image, 8, 3, "block1", stride=2), 16, 3, "block2", stride=2)
    score = conv(tf.tanh(conv(features, 8, 1, "att1", activation=None)), 1, 1, "att2", activation=None)
    flat = tf.nn.softmax(tf.reshape(score, [-1, 64]))
    where = tf.reshape(flat, [-1, 8, 8, 1], name="attention_map")
    v1.summary.image("attention", where)
    pooled = tf.reduce_sum(features * where, [1, 2])
    pooled = v1.nn.dropout(pooled, keep_prob=keep)
    logits = dense(pooled, 30, "classifier")
    prediction = tf.nn.softmax(logits, name="prediction")
    entropy = -tf.reduce_mean(tf.reduce_sum(flat * v1.log(flat + 1e-9), 1))
    v1.train.AdamOptimizer(1e-3).minimize(cross_entropy(logits, label) + 0.01 * entropy)
    top5 = tf.nn.in_top_k(targets=label, predictions=prediction, k=5)
    v1.summary.scalar("top5", tf.reduce_mean(tf.cast(top5, tf.float32)))
    return [([image], [prediction]), ([image], [prediction, where])]


@case("classifier")
def student_and_teacher() -> Truth:
    """Distillation in one graph; the student is what ships."""
    x = v1.placeholder(tf.float32, [None, 28, 28, 1], name="x")
    y = v1.placeholder(tf.float32, [None, 10], name="y")
    temperature = v1.placeholder(tf.float32, name="temperature")
    drop = v1.placeholder(tf.float32, name="keep")
    with v1.variable_scope("teacher"):
        h = pool(conv(pool(conv(x, 12, 5, "conv1")), 16, 5, "conv2"))
        h = v1.nn.dropout(dense(flatten(h), 64, "fc1", tf.nn.relu), keep_prob=drop)
        teacher_logits = dense(h, 10, "fc2")
        teacher_soft = tf.nn.softmax(teacher_logits / temperature)
    with v1.variable_scope("student"):
        s = dense(flatten(x), 24, "fc1", tf.nn.relu)
        student_logits = dense(s, 10, "fc2")
        student_out = tf.nn.softmax(student_logits, name="predictions")
    with tf.name_scope("losses"):
        loss_teacher = cross_entropy(teacher_logits, y)
        loss_soft = cross_entropy(student_logits / temperature, tf.stop_gradient(teacher_soft))
        loss_student = cross_entropy(student_logits, y) + tf.square(temperature) * loss_soft
    for scope, loss in (("teacher", loss_teacher), ("student", loss_student)):
        v1.train.AdamOptimizer(1e-3).minimize(loss, var_list=v1.trainable_variables(scope))
    v1.summary.scalar("acc_teacher", accuracy(teacher_logits, y))
    v1.summary.scalar("acc_student", accuracy(student_out, y))
    return [x], [student_out]


@case("classifier")
def capsules_two_routings() -> Truths:
    """Capsule lengths are the classes; a decoder redraws the digit of the right or the longest one."""
    x = v1.placeholder(tf.float32, [None, 28, 28, 1], name="X")
    y = v1.placeholder(tf.int64, [None], name="y")

    def squash(s: Tensor, axis: int) -> Tensor:
        norm2 = tf.reduce_sum(tf.square(s), axis=axis, keepdims=True)
        return norm2 / (1.0 + norm2) * s / tf.sqrt(norm2 + 1e-7)

    primary = conv(conv(x, 8, 9, "conv1", padding="VALID"), 8, 9, "conv2", stride=4, padding="VALID")
    caps1 = squash(tf.reshape(primary, [-1, 18, 4]), -1)
    w = v1.get_variable("W", [1, 18, 10, 6, 4], initializer=v1.random_normal_initializer(stddev=0.1))
    u_hat = tf.reduce_sum(w * caps1[:, :, None, None, :], -1, name="caps2_predicted")
    b = tf.zeros([tf.shape(x)[0], 18, 10, 1])
    v = squash(tf.reduce_sum(tf.nn.softmax(b, axis=2) * u_hat, 1), -1)
    b += tf.reduce_sum(u_hat * v[:, None], -1, keepdims=True)
    v = squash(tf.reduce_sum(tf.nn.softmax(b, axis=2) * u_hat, 1), -1)
    y_proba = tf.sqrt(tf.reduce_sum(tf.square(v), -1) + 1e-7, name="y_proba")
    y_pred = tf.argmax(y_proba, axis=1, name="y_pred")
    t = tf.one_hot(y, 10)
    present, absent = tf.square(tf.maximum(0.0, 0.9 - y_proba)), tf.square(tf.maximum(0.0, y_proba - 0.1))
    margin = tf.reduce_mean(tf.reduce_sum(t * present + 0.5 * (1.0 - t) * absent, 1), name="margin_loss")
    mask_with_labels = v1.placeholder_with_default(False, shape=(), name="mask_with_labels")
    chosen = v1.cond(mask_with_labels, lambda: y, lambda: y_pred, name="reconstruction_targets")
    masked = v * tf.one_hot(chosen, 10)[:, :, None]
    hidden = dense(tf.reshape(masked, [-1, 60]), 32, "hidden1", tf.nn.relu)
    redrawn = dense(hidden, 784, "decoder_output", tf.nn.sigmoid)
    redraw_loss = tf.reduce_mean(tf.square(flatten(x) - redrawn))
    tf.reduce_mean(tf.cast(tf.equal(y, y_pred), tf.float32), name="accuracy")
    v1.train.AdamOptimizer().minimize(margin + 0.0005 * redraw_loss, name="training_op")
    return [([x], [y_pred]), ([x], [y_proba]), ([x], [redrawn, y_pred]), ([x], [y_proba, y_pred])]


@case("classifier")
def three_nets_vote() -> Truth:
    """Three nets trained side by side; the mean of their softmaxes is what counts."""
    data = v1.placeholder(tf.float32, [None, 16, 16, 3], name="data")
    onehot = v1.placeholder(tf.float32, [None, 6], name="onehot")
    phase = v1.placeholder(tf.bool, name="phase")
    members = []
    for i, size in enumerate((3, 5, 7)):
        with v1.variable_scope(f"net_{i}"):
            h = tf.nn.relu(batch_norm(conv(data, 6, size, "conv", activation=None), "bn", phase))
            logits = dense(flatten(pool(h, 4)), 6, "out")
            loss = cross_entropy(logits, onehot)
            v1.summary.scalar("loss", loss)
            v1.train.AdamOptimizer(1e-3).minimize(loss, var_list=v1.trainable_variables(f"net_{i}"))
            members.append(tf.nn.softmax(logits))
    vote = tf.add_n(members) / 3.0
    v1.summary.scalar("ensemble_accuracy", accuracy(vote, onehot))
    v1.summary.merge_all()
    return [data], [vote]


@case("classifier", frozen=True)
def squeezed_fire_modules() -> Truth:
    """Fire modules, frozen for a phone: input, output, and a class axis that a convolution makes."""
    x = v1.placeholder(tf.float32, [1, 32, 32, 3], name="image_input")
    h = pool(conv(x, 8, 3, "conv1", stride=2, padding="VALID"))
    for name in ("fire2", "fire3"):
        with v1.variable_scope(name):
            s = conv(h, 4, 1, "squeeze1x1")
            h = tf.concat([conv(s, 8, 1, "expand1x1"), conv(s, 8, 3, "expand3x3")], 3)
    h = conv(h, 12, 1, "conv10")
    pooled = tf.nn.avg_pool2d(h, [8, 8], [1, 1], "VALID", name="pool10")
    out = tf.nn.softmax(tf.squeeze(pooled, [1, 2]), name="softmax")
    return [x], [out]
