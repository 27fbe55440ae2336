"""Regression, reinforcement, recommendation, exported models."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from benchmarks.endpoints.cases import Truth, case
from benchmarks.endpoints.layers import batch_norm, conv, cross_entropy, dense, flatten, pool, v1, weight

Tensor = Any


@case("regression")
def linear_regression_scalars() -> Truth:
    """Two scalar variables, placeholders of unknown shape."""
    x, y = v1.placeholder("float"), v1.placeholder("float")
    w, b = v1.Variable(0.3, name="weight"), v1.Variable(0.1, name="bias")
    pred = tf.add(tf.multiply(x, w), b)
    cost = tf.reduce_sum(tf.pow(pred - y, 2)) / 34
    v1.train.GradientDescentOptimizer(0.01).minimize(cost)
    return [x], [pred]


@case("regression", plain=True)
def physics_mlp() -> Truth:
    """A named regression net from a plain GraphDef."""
    x = v1.placeholder(tf.float32, [None, 6], name="x_in")
    y = v1.placeholder(tf.float32, [None, 2], name="y_true")
    h = dense(dense(x, 32, "h1", tf.tanh), 32, "h2", tf.tanh)
    out = tf.identity(dense(h, 2, "h3"), name="y_pred")
    v1.train.AdamOptimizer().minimize(tf.reduce_mean(tf.square(out - y)))
    return [x], [out]


@case("regression")
def steering_from_camera() -> Truth:
    """A car's steering angle: convolutions, dropout, atan scaled by two."""
    x = v1.placeholder(tf.float32, [None, 66, 200, 3])
    y_ = v1.placeholder(tf.float32, [None, 1])
    keep = v1.placeholder(tf.float32)
    h = conv(conv(x, 8, 5, "c1", stride=2), 8, 5, "c2", stride=4)
    h = v1.nn.dropout(dense(flatten(h), 32, "fc1", tf.nn.relu), keep)
    y = tf.multiply(tf.atan(dense(h, 1, "fc5")), 2)
    decay = tf.add_n([tf.nn.l2_loss(v) for v in v1.trainable_variables()]) * 0.001
    v1.train.AdamOptimizer(1e-4).minimize(tf.reduce_mean(tf.square(tf.subtract(y_, y))) + decay)
    return [x], [y]


@case("reinforcement")
def deep_q_with_target() -> Truth:
    """Q-learning: an online net, a target net, actions and rewards as labels."""
    state = v1.placeholder(tf.float32, [None, 4], name="s")
    following = v1.placeholder(tf.float32, [None, 4], name="s_")
    reward = v1.placeholder(tf.float32, [None], name="r")
    action = v1.placeholder(tf.int32, [None], name="a")

    def net(x: Tensor, name: str) -> Tensor:
        with v1.variable_scope(name):
            return dense(dense(x, 16, "e1", tf.nn.relu), 2, "q")

    q, q_next = net(state, "eval_net"), net(following, "target_net")
    target = tf.stop_gradient(reward + 0.9 * tf.reduce_max(q_next, axis=1))
    chosen = tf.gather_nd(q, tf.stack([tf.range(tf.shape(action)[0]), action], 1))
    loss = tf.reduce_mean(tf.math.squared_difference(target, chosen))
    v1.train.RMSPropOptimizer(0.01).minimize(
        loss, var_list=[v for v in v1.trainable_variables() if "eval" in v.name]
    )
    for a, b in zip(
        v1.get_collection(v1.GraphKeys.GLOBAL_VARIABLES, "target_net"),
        v1.get_collection(v1.GraphKeys.GLOBAL_VARIABLES, "eval_net"),
        strict=False,
    ):
        v1.assign(a, b)
    return [state], [q]


@case("reinforcement")
def atari_q_one_net() -> Truth:
    """Frames in, a value for each action; the action is one-hot."""
    frames = v1.placeholder("float", [None, 40, 40, 4])
    action = v1.placeholder("float", [None, 6])
    target = v1.placeholder("float", [None])
    h = conv(pool(conv(frames, 8, 8, "c1", stride=4)), 16, 4, "c2", stride=2)
    readout = dense(dense(flatten(h), 32, "fc1", tf.nn.relu), 6, "fc2")
    value = tf.reduce_sum(tf.multiply(readout, action), 1)
    v1.train.AdamOptimizer(1e-6).minimize(tf.reduce_mean(tf.square(target - value)))
    return [frames], [readout]


@case("reinforcement")
def actor_critic() -> Truth:
    """A policy and a value from one trunk, with an entropy bonus."""
    state = v1.placeholder(tf.float32, [None, 4], name="state")
    action = v1.placeholder(tf.int32, [None], name="action")
    advantage = v1.placeholder(tf.float32, [None], name="advantage")
    returns = v1.placeholder(tf.float32, [None], name="returns")
    h = dense(state, 16, "h", tf.nn.relu)
    policy = tf.nn.softmax(dense(h, 2, "pi"), name="policy")
    value = tf.squeeze(dense(h, 1, "v"), [1], name="value")
    log_policy = v1.log(policy + 1e-8)
    picked = tf.reduce_sum(log_policy * tf.one_hot(action, 2), 1)
    entropy = -tf.reduce_sum(policy * log_policy)
    loss = -tf.reduce_sum(picked * advantage) + 0.5 * tf.nn.l2_loss(returns - value) - 0.01 * entropy
    optimizer = v1.train.AdamOptimizer()
    grads = tf.gradients(loss, v1.trainable_variables())
    clipped, _ = tf.clip_by_global_norm(grads, 40.0)
    optimizer.apply_gradients(zip(clipped, v1.trainable_variables(), strict=True))
    return [state], [policy, value]


@case("reinforcement")
def policy_gradient() -> Truth:
    """REINFORCE: probabilities of actions, advantages weigh the loss."""
    observations = v1.placeholder(tf.float32, [None, 8], name="observations")
    actions = v1.placeholder(tf.int32, [None], name="actions_num")
    values = v1.placeholder(tf.float32, [None], name="actions_value")
    logits = dense(dense(observations, 10, "fc1", tf.nn.tanh), 4, "fc2")
    probabilities = tf.nn.softmax(logits, name="act_prob")
    negative = v1.nn.sparse_softmax_cross_entropy_with_logits(logits=logits, labels=actions)
    v1.train.AdamOptimizer(0.02).minimize(tf.reduce_mean(negative * values))
    return [observations], [probabilities]


@case("reinforcement")
def ddpg() -> Truth:
    """The critic judges fed actions and the actor's."""
    state = v1.placeholder(tf.float32, [None, 3], name="s")
    given = v1.placeholder(tf.float32, [None, 1], name="a")
    target = v1.placeholder(tf.float32, [None, 1], name="q_target")
    with v1.variable_scope("Actor"):
        action = dense(dense(state, 16, "l1", tf.nn.relu), 1, "a", tf.nn.tanh) * 2.0

    def critic(s: Tensor, a: Tensor) -> Tensor:
        with v1.variable_scope("Critic", reuse=v1.AUTO_REUSE):
            return dense(tf.nn.relu(dense(s, 16, "s") + dense(a, 16, "a")), 1, "q")

    loss = tf.reduce_mean(tf.square(target - critic(state, given)))
    gain = -tf.reduce_mean(critic(state, action))
    for value, scope in ((loss, "Critic"), (gain, "Actor")):
        variables = [v for v in v1.trainable_variables() if v.name.startswith(scope)]
        v1.train.AdamOptimizer().minimize(value, var_list=variables)
    return [state], [action]


@case("recommender")
def two_towers() -> Truth:
    """User and item embeddings, their dot product, ratings as labels."""
    user = v1.placeholder(tf.int32, [None], name="user")
    item = v1.placeholder(tf.int32, [None], name="item")
    rating = v1.placeholder(tf.float32, [None], name="rating")
    u = tf.nn.embedding_lookup(weight("user_factors", [50, 8]), user)
    i = tf.nn.embedding_lookup(weight("item_factors", [60, 8]), item)
    bias = tf.nn.embedding_lookup(weight("user_bias", [50]), user) + tf.nn.embedding_lookup(
        weight("item_bias", [60]), item
    )
    out = tf.add(tf.reduce_sum(u * i, 1), bias, name="svd_inference")
    penalty = tf.nn.l2_loss(u) + tf.nn.l2_loss(i)
    v1.train.FtrlOptimizer(0.01).minimize(tf.nn.l2_loss(out - rating) + 0.02 * penalty)
    return [user, item], [out]


@case("recommender")
def factorization_machine() -> Truth:
    """Feature ids and values, linear and pairwise terms, a sigmoid."""
    ids = v1.placeholder(tf.int32, [None, 8], name="feat_index")
    values = v1.placeholder(tf.float32, [None, 8], name="feat_value")
    label = v1.placeholder(tf.float32, [None, 1], name="label")
    keep = v1.placeholder(tf.float32, [None], name="dropout_keep_deep")
    table = tf.nn.embedding_lookup(weight("feature_embeddings", [100, 4]), ids)
    weighted = table * tf.reshape(values, [-1, 8, 1])
    pairs = 0.5 * (tf.square(tf.reduce_sum(weighted, 1)) - tf.reduce_sum(tf.square(weighted), 1))
    deep = v1.nn.dropout(tf.reshape(weighted, [-1, 32]), keep[0])
    deep = tf.nn.relu(dense(deep, 16, "layer_0"))
    logits = dense(tf.concat([pairs, deep], 1), 1, "concat_projection")
    out = tf.nn.sigmoid(logits)
    v1.train.AdamOptimizer().minimize(v1.losses.log_loss(label, out))
    return [ids, values], [out]


@case("recommender")
def wide_and_deep_parsed() -> Truth:
    """Examples are parsed in the graph: features and label come out of one op."""
    names = v1.train.string_input_producer(["a.tfrecord"])
    _, serialized = v1.TFRecordReader().read(names)
    batch = v1.train.batch([serialized], 16)
    parsed = tf.io.parse_example(
        batch,
        {
            "age": tf.io.FixedLenFeature([1], tf.float32),
            "hours": tf.io.FixedLenFeature([1], tf.float32),
            "label": tf.io.FixedLenFeature([1], tf.float32),
        },
    )
    x = tf.concat([parsed["age"], parsed["hours"]], 1)
    logits = dense(x, 1, "wide") + dense(dense(x, 8, "deep1", tf.nn.relu), 1, "deep2")
    out = tf.sigmoid(logits, name="prediction")
    loss = tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(labels=parsed["label"], logits=logits))
    v1.train.FtrlOptimizer(0.1).minimize(loss)
    return [parsed["age"], parsed["hours"]], [out]


@case("embedding")
def siamese_distance() -> Truth:
    """Two images through one net; the distance decides."""
    left = v1.placeholder(tf.float32, [None, 28, 28, 1], name="left")
    right = v1.placeholder(tf.float32, [None, 28, 28, 1], name="right")
    label = v1.placeholder(tf.float32, [None, 1], name="label")

    def embed(x: Tensor) -> Tensor:
        return dense(flatten(pool(conv(x, 8, 5, "conv"), 4)), 8, "fc")

    joined = tf.abs(embed(left) - embed(right))
    logits = dense(joined, 1, "same")
    out = tf.nn.sigmoid(logits, name="similarity")
    loss = tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(labels=label, logits=logits))
    v1.train.AdamOptimizer().minimize(loss)
    return [left, right], [out]


@case("embedding")
def siamese_contrastive() -> Truth:
    """The contrastive loss of the distance of two embeddings; the distance is kept by name."""
    left = v1.placeholder(tf.float32, [None, 20], name="input_x1")
    right = v1.placeholder(tf.float32, [None, 20], name="input_x2")
    label = v1.placeholder(tf.float32, [None], name="input_y")

    def embed(x: Tensor) -> Tensor:
        return dense(dense(x, 16, "h", tf.nn.relu), 8, "o")

    distance = tf.sqrt(tf.reduce_sum(tf.square(embed(left) - embed(right)), 1) + 1e-6, name="distance")
    same = label * tf.square(distance)
    apart = (1 - label) * tf.square(tf.maximum(1.0 - distance, 0.0))
    v1.train.AdamOptimizer().minimize(tf.reduce_mean(same + apart))
    return [left, right], [distance]


def _export(inputs: dict[str, Tensor], outputs: dict[str, Tensor]) -> None:
    """Write the signature into the graph's collection of the yardstick."""
    v1.add_to_collection("yardstick_signature", (inputs, outputs))


@case("exported", modern=True)
def exported_classifier() -> Truth:
    """An inference graph as the exporter leaves it: no loss, no label."""
    serialized = v1.placeholder(tf.string, [None], name="input_example_tensor")
    parsed = tf.io.parse_example(serialized, {"x": tf.io.FixedLenFeature([10], tf.float32)})
    out = tf.nn.softmax(dense(dense(parsed["x"], 16, "h", tf.nn.relu), 3, "o"), name="scores")
    return [serialized], [out]


@case("exported")
def exported_image_bytes() -> Truth:
    """JPEG bytes in, top classes out."""
    data = v1.placeholder(tf.string, [], name="image_bytes")
    image = tf.image.convert_image_dtype(tf.io.decode_jpeg(data, channels=3), tf.float32)
    image = v1.image.resize_bilinear(tf.expand_dims(image, 0), [32, 32])
    image = tf.reshape(image, [1, 32, 32, 3])
    h = tf.nn.relu(batch_norm(conv(image, 8, 3, "c", activation=None), "bn", False))
    out = tf.nn.softmax(dense(tf.reduce_mean(h, [1, 2]), 10, "fc"), name="probs")
    return [data], [out]


@case("exported", frozen=True)
def frozen_with_constant_input() -> Truth:
    """Old Inception: the JPEG's contents are a constant to be fed over."""
    contents = tf.constant(b"", name="DecodeJpeg/contents")
    image = tf.cast(v1.image.decode_jpeg(contents, channels=3, name="DecodeJpeg"), tf.float32)
    image = v1.image.resize_bilinear(tf.expand_dims(image, 0), [32, 32])
    h = conv(tf.reshape(image, [1, 32, 32, 3]), 8, 3, "conv")
    out = tf.nn.softmax(dense(tf.reduce_mean(h, [1, 2]), 10, "fc"), name="softmax")
    return [contents], [out]


@case("exported")
def evaluation_graph_with_averages() -> Truth:
    """An evaluation graph that reads moving averages through a Saver; labels from a queue."""
    images, labels = v1.train.batch([tf.zeros([28, 28, 1]), tf.constant(1)], 8)
    logits = dense(flatten(pool(conv(images, 8, 5, "conv1"))), 10, "softmax_linear")
    top = tf.nn.in_top_k(labels, logits, 1)
    v1.summary.scalar("precision", tf.reduce_mean(tf.cast(top, tf.float32)))
    return ["batch:0"], [logits]


@case("exported")
def thresholds_as_inputs() -> Truth:
    """A score threshold is fed at inference and chooses what is kept."""
    x = v1.placeholder(tf.float32, [None, 10], name="candidates")
    threshold = v1.placeholder(tf.float32, [], name="threshold")
    scores = tf.squeeze(dense(dense(x, 8, "h", tf.nn.relu), 1, "o", tf.sigmoid), [1])
    kept = tf.boolean_mask(scores, scores > threshold)
    return [x, threshold], [tf.identity(kept, "kept_scores")]


@case("multi-task")
def uncertainty_weighted_tasks() -> Truth:
    """Depth and segmentation with learned weights of the losses."""
    x = v1.placeholder(tf.float32, [None, 32, 32, 3], name="rgb")
    depth = v1.placeholder(tf.float32, [None, 32, 32, 1], name="depth")
    mask = v1.placeholder(tf.int32, [None, 32, 32], name="mask")
    trunk = conv(conv(x, 8, 3, "c1"), 8, 3, "c2")
    depth_out = conv(trunk, 1, 3, "depth_head", activation=None)
    mask_out = conv(trunk, 5, 3, "mask_head", activation=None)
    s1, s2 = v1.Variable(0.0, name="log_var1"), v1.Variable(0.0, name="log_var2")
    loss = tf.exp(-s1) * tf.reduce_mean(tf.abs(depth_out - depth)) + s1
    loss += tf.exp(-s2) * cross_entropy(mask_out, mask) + s2
    v1.train.AdamOptimizer().minimize(loss)
    return [x], [depth_out, mask_out]


@case("embedding")
def word2vec_nce() -> Truth:
    """Skip-gram with noise contrastive estimation: the embedding of the inputs is what is learned."""
    centers = v1.placeholder(tf.int32, [16], name="train_inputs")
    contexts = v1.placeholder(tf.int32, [16, 1], name="train_labels")
    table = v1.Variable(tf.random.uniform([100, 8], -1.0, 1.0))
    embed = tf.nn.embedding_lookup(table, centers)
    w, b = v1.Variable(tf.random.normal([100, 8])), v1.Variable(tf.zeros([100]))
    loss = tf.reduce_mean(
        v1.nn.nce_loss(weights=w, biases=b, labels=contexts, inputs=embed, num_sampled=4, num_classes=100)
    )
    v1.train.GradientDescentOptimizer(1.0).minimize(loss)
    return [centers], [embed]
