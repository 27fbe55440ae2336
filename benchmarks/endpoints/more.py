"""More of the same kinds, written after the first look at the figures."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from benchmarks.endpoints.cases import Truth, case
from benchmarks.endpoints.layers import (
    Gru,
    Lstm,
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


@case("detector")
def one_stage_detector_focal() -> Truth:
    """Class and box subnets over two levels, focal loss, smooth L1."""
    x = v1.placeholder(tf.float32, [None, 64, 64, 3], name="images")
    labels = v1.placeholder(tf.float32, [None, 80, 3], name="cls_targets")
    targets = v1.placeholder(tf.float32, [None, 80, 4], name="box_targets")
    c3 = conv(conv(x, 8, 3, "c2", stride=4), 16, 3, "c3", stride=2)
    c4 = conv(c3, 16, 3, "c4", stride=2)
    classes, boxes = [], []
    for level in (c3, c4):
        h = conv(level, 16, 3, "class_head")
        classes.append(
            tf.reshape(conv(h, 3, 3, "class_out", activation=None), [-1, int(level.shape[1]) ** 2, 3])
        )
        h = conv(level, 16, 3, "box_head")
        boxes.append(tf.reshape(conv(h, 4, 3, "box_out", activation=None), [-1, int(level.shape[1]) ** 2, 4]))
    logits, box = tf.concat(classes, 1), tf.concat(boxes, 1)
    p = tf.sigmoid(logits, name="scores")
    entropy = tf.nn.sigmoid_cross_entropy_with_logits(labels=labels, logits=logits)
    focal = tf.reduce_sum(entropy * (1 - (labels * p + (1 - labels) * (1 - p))) ** 2)
    difference = tf.abs(box - targets)
    smooth = tf.where(difference < 1, 0.5 * difference**2, difference - 0.5)
    v1.train.MomentumOptimizer(0.1, 0.9).minimize(focal + tf.reduce_sum(smooth))
    return [x], [p, box]


@case("detector")
def region_classifier_and_box() -> Truth:
    """Softmax classes whose true entry is gathered, and box offsets."""
    x = v1.placeholder(tf.float32, [32, 24, 24, 3], name="crops")
    label = v1.placeholder(tf.float32, [32], name="label")
    target = v1.placeholder(tf.float32, [32, 4], name="roi")
    h = dense(flatten(pool(conv(x, 8, 3, "c1"), 4)), 16, "fc", tf.nn.relu)
    cls = tf.nn.softmax(dense(h, 2, "cls_fc"))
    box = dense(h, 4, "bbox_fc")
    index = tf.range(32) * 2 + tf.cast(label, tf.int32)
    loss = tf.reduce_mean(-v1.log(tf.gather(tf.reshape(cls, [64]), index) + 1e-10))
    valid = tf.cast(tf.abs(label) > 0.5, tf.float32)
    loss += tf.reduce_mean(tf.reduce_sum(tf.square(box - target), 1) * valid)
    v1.train.AdamOptimizer().minimize(loss)
    return [x], [cls, box]


@case("detector")
def yolo_grid() -> Truth:
    """One grid of predictions, sliced for the loss."""
    x = v1.placeholder(tf.float32, [None, 64, 64, 3])
    truth = v1.placeholder(tf.float32, [None, 8, 8, 7])
    h = conv(conv(x, 8, 3, "c1", stride=4), 16, 3, "c2", stride=2)
    out = conv(h, 7, 1, "grid", activation=None)
    out = tf.identity(out, name="predictions")
    confidence = tf.square(out[..., 4:5] - truth[..., 4:5])
    place = tf.square(out[..., :4] - truth[..., :4]) * truth[..., 4:5]
    kind = tf.square(out[..., 5:] - truth[..., 5:]) * truth[..., 4:5]
    loss = tf.reduce_sum(confidence) + 5 * tf.reduce_sum(place) + tf.reduce_sum(kind)
    v1.train.AdamOptimizer().minimize(loss)
    return [x], [out]


@case("embedding")
def skip_gram_sampled_softmax() -> Truth:
    """Item embeddings with a sampled softmax."""
    items = v1.placeholder(tf.int32, [None], name="items")
    following = v1.placeholder(tf.int64, [None, 1], name="next_items")
    vectors = tf.nn.embedding_lookup(weight("item_embeddings", [200, 8]), items)
    w, b = weight("softmax_w", [200, 8]), weight("softmax_b", [200])
    loss = v1.nn.sampled_softmax_loss(w, b, following, vectors, 5, 200)
    v1.train.AdagradOptimizer(1.0).minimize(tf.reduce_mean(loss))
    return [items], [vectors]


@case("embedding")
def speaker_embedding() -> Truth:
    """Speakers: a recurrent net's normalized output is fetched, a softmax over speakers trains it."""
    x = v1.placeholder(tf.float32, [None, 40, 20], name="utterance")
    y = v1.placeholder(tf.int64, [None], name="speaker")
    outputs, _ = v1.nn.dynamic_rnn(Gru(16), x, dtype=tf.float32)
    h = dense(dense(outputs[:, -1], 16, "p1", tf.nn.relu), 12, "projection")
    embedding = tf.nn.l2_normalize(h, axis=1, name="d_vector")
    logits = dense(h, 60, "speakers")
    v1.train.AdamOptimizer().minimize(cross_entropy(logits, y))
    return [x], [embedding]


@case("embedding")
def image_text_matching() -> Truth:
    """Two different towers, a cosine and a hinge against shuffled pairs."""
    image = v1.placeholder(tf.float32, [16, 64], name="image_features")
    text = v1.placeholder(tf.float32, [16, 50], name="text_features")
    label = v1.placeholder(tf.float32, [16], name="match")
    a = tf.nn.l2_normalize(dense(image, 16, "image_fc"), 1)
    b = tf.nn.l2_normalize(dense(text, 16, "text_fc"), 1)
    similarity = tf.reduce_sum(a * b, 1, name="similarity")
    v1.train.AdamOptimizer().minimize(tf.reduce_mean(tf.square(similarity - label)))
    return [image, text], [similarity]


@case("classifier")
def googlenet_two_auxiliaries() -> Truth:
    """Two auxiliary heads with as many variables as the main one."""
    x = v1.placeholder(tf.float32, [None, 64, 64, 3])
    y = v1.placeholder(tf.int64, [None])
    h = conv(x, 8, 3, "stem", stride=4)
    logits = []
    for k in range(3):
        h = conv(h, 8, 3, f"inception_{k}")
        side = conv(h, 4, 1, f"reduce_{k}") if k < 2 else conv(h, 4, 3, "last")
        logits.append(dense(flatten(side), 9, f"loss{k}_classifier"))
    prob = tf.nn.softmax(logits[2], name="prob")
    loss = sum(w * cross_entropy(z, y) for w, z in zip((0.3, 0.3, 1.0), logits, strict=True))
    v1.train.AdamOptimizer().minimize(loss)
    top = tf.nn.in_top_k(y, logits[2], 1)
    tf.reduce_mean(tf.cast(top, tf.float32))
    return [x], [prob]


@case("classifier")
def placeholder_over_pipeline() -> Truth:
    """Batches come from a queue by default; at inference the placeholder in between is fed."""
    queue_images, queue_labels = v1.train.batch([tf.zeros([28, 28, 1]), tf.constant(1)], 8)
    images = v1.placeholder_with_default(queue_images, [None, 28, 28, 1], name="images")
    labels = v1.placeholder_with_default(queue_labels, [None], name="labels")
    logits = dense(flatten(pool(conv(images, 8, 5, "c1"))), 10, "fc")
    out = tf.nn.softmax(logits, name="softmax")
    v1.train.AdamOptimizer().minimize(cross_entropy(logits, labels))
    return [images], [out]


@case("classifier")
def retrained_last_layer() -> Truth:
    """Features of a fixed net may be fed over; the image is the input all the same."""
    jpeg = v1.placeholder(tf.float32, [None, 24, 24, 3], name="Placeholder")
    with v1.variable_scope("module"):
        w = weight("kernel", [5, 5, 3, 6], trainable=False)
        feature = tf.reduce_mean(
            tf.nn.relu(v1.nn.conv2d(jpeg, w, [1, 2, 2, 1], "SAME")), [1, 2], name="feature"
        )
    given = v1.placeholder_with_default(feature, [None, 6], name="input/BottleneckInputPlaceholder")
    y = v1.placeholder(tf.int64, [None], name="input/GroundTruthInput")
    logits = tf.matmul(given, v1.Variable(tf.random.normal([6, 4]))) + v1.Variable(tf.zeros([4]))
    out = tf.nn.softmax(logits, name="final_result")
    v1.train.GradientDescentOptimizer(0.1).minimize(v1.losses.sparse_softmax_cross_entropy(y, logits))
    return [jpeg], [out]


@case("classifier")
def multi_gpu_towers() -> Truth:
    """Two towers average their gradients; a third one evaluates."""
    optimizer = v1.train.MomentumOptimizer(0.1, 0.9)
    grads = []
    for k in range(2):
        with v1.name_scope(f"tower_{k}"):
            x, y = v1.placeholder(tf.float32, [8, 20]), v1.placeholder(tf.int64, [8])
            loss = cross_entropy(dense(dense(x, 16, "a", tf.nn.relu), 4, "b"), y)
            grads.append(optimizer.compute_gradients(loss))
    average = [
        (tf.reduce_mean(tf.stack([g for g, _ in pair]), 0), pair[0][1]) for pair in zip(*grads, strict=True)
    ]
    optimizer.apply_gradients(average)
    with v1.name_scope("eval"):
        images = v1.placeholder(tf.float32, [None, 20], name="images")
        out = tf.nn.softmax(dense(dense(images, 16, "a", tf.nn.relu), 4, "b"))
    return [images], [out]


@case("classifier")
def capsule_like_reconstruction() -> Truth:
    """Lengths of capsules classify; a masked reconstruction regularizes."""
    x = v1.placeholder(tf.float32, [None, 100], name="X")
    y = v1.placeholder(tf.int64, [None], name="y")
    capsules = tf.reshape(dense(dense(x, 32, "p", tf.nn.relu), 5 * 8, "caps"), [-1, 5, 8])
    lengths = tf.sqrt(tf.reduce_sum(tf.square(capsules), axis=-1) + 1e-7, name="y_proba")
    target = tf.one_hot(y, 5)
    present = tf.square(tf.maximum(0.0, 0.9 - lengths))
    absent = tf.square(tf.maximum(0.0, lengths - 0.1))
    margin = tf.reduce_mean(tf.reduce_sum(target * present + 0.5 * (1 - target) * absent, 1))
    masked = tf.reshape(capsules * target[:, :, tf.newaxis], [-1, 40])
    decoded = dense(masked, 100, "decoder", tf.sigmoid)
    v1.train.AdamOptimizer().minimize(margin + 0.0005 * tf.reduce_sum(tf.square(x - decoded)))
    return [x], [lengths]


@case("reinforcement")
def soft_actor_critic_like() -> Truth:
    """An actor scaled to the action's range, judged by a critic that also sees fed actions."""
    observation = v1.placeholder(tf.float32, [None, 6], name="obs")
    action = v1.placeholder(tf.float32, [None, 2], name="act")
    target = v1.placeholder(tf.float32, [None], name="backup")
    with v1.variable_scope("pi"):
        chosen = 1.5 * dense(dense(observation, 16, "h", tf.nn.relu), 2, "o", tf.tanh)

    def q(a: Tensor) -> Tensor:
        with v1.variable_scope("q", reuse=v1.AUTO_REUSE):
            joined = tf.concat([observation, a], axis=-1)
            return tf.squeeze(dense(dense(joined, 16, "h", tf.nn.relu), 1, "o"), axis=1)

    for loss, scope in ((tf.reduce_mean((q(action) - target) ** 2), "q"), (-tf.reduce_mean(q(chosen)), "pi")):
        v1.train.AdamOptimizer().minimize(loss, var_list=v1.trainable_variables(scope))
    return [observation], [chosen]


@case("reinforcement")
def duelling_q() -> Truth:
    """Value and advantage streams, joined to values of actions; a target net beside."""
    state, following = v1.placeholder(tf.float32, [None, 8]), v1.placeholder(tf.float32, [None, 8])
    action, reward = v1.placeholder(tf.int32, [None]), v1.placeholder(tf.float32, [None])

    def net(s: Tensor, name: str) -> Tensor:
        with v1.variable_scope(name):
            h = dense(s, 16, "h", tf.nn.relu)
            value, advantage = dense(h, 1, "value"), dense(h, 3, "advantage")
            return value + (advantage - tf.reduce_mean(advantage, 1, keepdims=True))

    q, later = net(state, "main"), net(following, "target")
    goal = tf.stop_gradient(reward + 0.99 * tf.reduce_max(later, 1))
    taken = tf.reduce_sum(q * tf.one_hot(action, 3), 1)
    v1.train.AdamOptimizer().minimize(
        tf.reduce_mean(tf.square(goal - taken)), var_list=v1.trainable_variables("main")
    )
    return [state], [q]


@case("reinforcement")
def proximal_policy_gaussian() -> Truth:
    """A Gaussian policy with a learned deviation, a value; old log probabilities are fed."""
    state = v1.placeholder(tf.float32, [None, 5], name="state")
    action = v1.placeholder(tf.float32, [None, 2], name="action")
    advantage = v1.placeholder(tf.float32, [None], name="adv")
    old = v1.placeholder(tf.float32, [None], name="old_logp")
    returns = v1.placeholder(tf.float32, [None], name="ret")
    mean = dense(dense(state, 16, "pi_h", tf.tanh), 2, "mu")
    log_std = weight("log_std", [2])
    value = tf.squeeze(dense(dense(state, 16, "v_h", tf.tanh), 1, "v"), 1)
    logp = tf.reduce_sum(-0.5 * (((action - mean) / tf.exp(log_std)) ** 2 + 2 * log_std), 1)
    ratio = tf.exp(logp - old)
    loss = -tf.reduce_mean(tf.minimum(ratio * advantage, tf.clip_by_value(ratio, 0.8, 1.2) * advantage))
    loss += 0.5 * tf.reduce_mean((returns - value) ** 2)
    v1.train.AdamOptimizer().minimize(loss)
    return [state], [mean, value]


@case("multi-task")
def pose_heatmaps_in_stages() -> Truth:
    """Convolutional pose machine: each stage is trained, the last one is the answer."""
    x = v1.placeholder(tf.float32, [None, 32, 32, 3], name="image")
    truth = v1.placeholder(tf.float32, [None, 32, 32, 5], name="heatmaps")
    features = conv(x, 8, 3, "features")
    belief = conv(features, 5, 3, "stage1", activation=None)
    stages = [belief]
    for k in (2, 3):
        h = conv(tf.concat([features, stages[-1]], 3), 8, 3, f"mid{k}")
        stages.append(conv(h, 5, 3, f"stage{k}", activation=None))
    loss = sum(tf.nn.l2_loss(stage - truth) for stage in stages)
    v1.train.AdamOptimizer().minimize(loss)
    return [x], [stages[-1]]


@case("sequence")
def word_tagger_with_lengths() -> Truth:
    """Masked loss: lengths steer the recurrent net and weigh the loss."""
    words = v1.placeholder(tf.int32, [None, 15], name="words")
    lengths = v1.placeholder(tf.int32, [None], name="lengths")
    tags = v1.placeholder(tf.int32, [None, 15], name="tags")
    h, _ = v1.nn.dynamic_rnn(
        Lstm(8),
        tf.nn.embedding_lookup(weight("e", [50, 8]), words),
        sequence_length=lengths,
        dtype=tf.float32,
    )
    logits = dense(h, 4, "out")
    losses = v1.nn.sparse_softmax_cross_entropy_with_logits(labels=tags, logits=logits)
    v1.train.AdamOptimizer().minimize(tf.reduce_mean(tf.boolean_mask(losses, tf.sequence_mask(lengths, 15))))
    return [words, lengths], [tf.cast(tf.argmax(logits, axis=-1), tf.int32)]


@case("segmentation")
def segmentation_softmax_flat() -> Truth:
    """Logits are flattened for the loss; class probabilities are kept beside."""
    x = v1.placeholder(tf.float32, [None, 32, 32, 3], name="image_input")
    truth = v1.placeholder(tf.float32, [None, 32, 32, 4], name="correct_label")
    training = v1.placeholder(tf.bool, name="phase")
    h = tf.nn.relu(batch_norm(conv(x, 8, 3, "c1", activation=None), "bn", training))
    last = conv(h, 4, 1, "score", activation=None)
    logits = tf.reshape(last, (-1, 4), name="logits")
    loss = tf.reduce_mean(
        v1.nn.softmax_cross_entropy_with_logits_v2(logits=logits, labels=tf.reshape(truth, (-1, 4)))
    )
    v1.train.AdamOptimizer().minimize(loss)
    return [
        x,
    ], [tf.nn.softmax(last, name="probabilities")]


@case("image to image")
def colorization() -> Truth:
    """Two color channels from brightness, both from one image that is fed."""
    gray = v1.placeholder(tf.float32, [None, 32, 32, 1], name="l")
    color = v1.placeholder(tf.float32, [None, 32, 32, 2], name="ab")
    h = conv(conv(gray, 8, 3, "c1", stride=2), 8, 3, "c2")
    h = v1.image.resize_nearest_neighbor(h, [32, 32])
    out = tf.tanh(conv(h, 2, 3, "c3", activation=None), name="ab_pred")
    v1.train.AdamOptimizer().minimize(tf.reduce_mean(tf.math.squared_difference(out, color)))
    tf.concat([gray, out], 3, name="lab")
    return [gray], [out]


@case("regression", modern=True)
def modern_regression_with_flag() -> Truth:
    """Resource variables and a functional cond with dropout inside."""
    x = v1.placeholder(tf.float32, [None, 13], name="features")
    y = v1.placeholder(tf.float32, [None, 1], name="price")
    training = v1.placeholder_with_default(False, [], name="training")
    h = dense(x, 16, "h", tf.nn.relu)
    h = v1.cond(training, lambda: tf.nn.dropout(h, rate=0.3), lambda: h)
    h.set_shape([None, 16])
    out = dense(h, 1, "out")
    v1.train.AdamOptimizer().minimize(tf.reduce_mean(tf.abs(out - y)))
    return [x], [out]
