"""First tutorials and odd corners: lines, margins, clusters, graph nets, flows, word vectors."""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf

from benchmarks.endpoints.cases import Truth, Truths, case
from benchmarks.endpoints.habits import fc
from benchmarks.endpoints.layers import accuracy, cross_entropy, v1, weight

Tensor = Any


@case("first steps")
def irises_apart_by_a_soft_margin() -> Truth:
    """A linear support vector machine: hinge loss and the sign as the prediction."""
    x_data = v1.placeholder(shape=[None, 2], dtype=tf.float32)
    y_target = v1.placeholder(shape=[None, 1], dtype=tf.float32)
    a, b = v1.Variable(tf.random.normal(shape=[2, 1])), v1.Variable(tf.random.normal(shape=[1, 1]))
    model_output = tf.subtract(tf.matmul(x_data, a), b)
    l2_norm = tf.reduce_sum(tf.square(a))
    classification = tf.reduce_mean(tf.maximum(0.0, tf.subtract(1.0, tf.multiply(model_output, y_target))))
    loss = tf.add(classification, tf.multiply(tf.constant([0.01]), l2_norm))
    prediction = tf.sign(model_output)
    tf.reduce_mean(tf.cast(tf.equal(prediction, y_target), tf.float32))
    v1.train.GradientDescentOptimizer(0.01).minimize(loss)
    return [x_data], [prediction]


@case("first steps")
def passed_or_failed_by_logistic_regression() -> Truths:
    """The course's lab: a hypothesis written out, its cost by logarithms, a cast for the accuracy."""
    x = v1.placeholder(tf.float32, shape=[None, 8])
    y = v1.placeholder(tf.float32, shape=[None, 1])
    w = v1.Variable(tf.random.normal([8, 1]), name="weight")
    b = v1.Variable(tf.random.normal([1]), name="bias")
    hypothesis = tf.sigmoid(tf.matmul(x, w) + b)
    cost = -tf.reduce_mean(y * v1.log(hypothesis) + (1 - y) * v1.log(1 - hypothesis))
    v1.train.GradientDescentOptimizer(learning_rate=0.01).minimize(cost)
    predicted = tf.cast(hypothesis > 0.5, dtype=tf.float32)
    tf.reduce_mean(tf.cast(tf.equal(predicted, y), dtype=tf.float32))
    return [([x], [hypothesis]), ([x], [hypothesis, predicted]), ([x], [predicted])]


@case("first steps", frozen=True)
def rows_of_animals_by_a_frozen_softmax() -> Truth:
    """Softmax regression on a table, frozen."""
    x = v1.placeholder(tf.float32, [None, 16])
    label = v1.placeholder(tf.int32, [None, 1])
    w, b = v1.Variable(tf.random.normal([16, 7])), v1.Variable(tf.random.normal([7]))
    logits = tf.matmul(x, w) + b
    hypothesis = tf.nn.softmax(logits)
    one_hot = tf.reshape(tf.one_hot(label, 7), [-1, 7])
    v1.train.GradientDescentOptimizer(0.1).minimize(cross_entropy(logits, one_hot))
    accuracy(hypothesis, one_hot)
    return [x], [hypothesis]


@case("first steps")
def nearest_of_moving_centroids() -> Truth:
    """k-means in a graph: the least distance assigns, a step moves the centroids to the means."""
    points = v1.placeholder(tf.float32, [None, 3], name="points")
    centroids = v1.Variable(tf.random.normal([4, 3]), name="centroids")
    v1.assign(centroids, tf.slice(tf.random.shuffle(points), [0, 0], [4, 3]), name="choose_from_points")
    gaps = tf.subtract(tf.expand_dims(points, 0), tf.expand_dims(centroids, 1))
    distances = tf.reduce_sum(tf.square(gaps), 2)
    assignments = tf.argmin(distances, 0, name="assignments")
    sums = v1.math.unsorted_segment_sum(points, assignments, 4)
    counts = v1.math.unsorted_segment_sum(tf.ones_like(points), assignments, 4)
    v1.assign(centroids, sums / tf.maximum(counts, 1.0), name="update_centroids")
    v1.summary.scalar("inertia", tf.reduce_sum(tf.reduce_min(distances, 0)))
    return [points], [assignments]


@case("regression")
def bumps_around_learned_centres() -> Truth:
    """A radial basis net: distances to centres, widths as variables, a linear sum; sum of squares."""
    x = v1.placeholder("float", [None, 2], name="data_in")
    y = v1.placeholder("float", [None, 1])
    centre = v1.Variable(tf.random.uniform([9, 2], -1, 1), name="c")
    delta = v1.Variable(tf.ones([9]), name="delta")
    w = v1.Variable(tf.random.normal([9, 1]), name="W")
    dist = tf.reduce_sum(tf.square(tf.tile(x[:, None], [1, 9, 1]) - centre), 2)
    bumps = tf.exp(-1.0 * (dist / (2.0 * tf.square(delta))))
    y_hat = tf.matmul(bumps, w)
    loss = tf.reduce_mean(tf.pow(y_hat - y, 2))
    v1.train.AdamOptimizer(0.1).minimize(loss)
    return [x], [y_hat]


@case("graph net")
def neighbours_weighed_by_attention() -> Truths:
    """GAT: a batch of one graph, a bias matrix for the edges, heads joined then averaged; masked loss."""
    with tf.name_scope("input"):
        features = v1.placeholder(tf.float32, shape=(1, 20, 12))
        bias = v1.placeholder(tf.float32, shape=(1, 20, 20))
        labels = v1.placeholder(tf.int32, shape=(1, 20, 4))
        mask = v1.placeholder(tf.int32, shape=(1, 20))
        attn_drop, ffd_drop = v1.placeholder(tf.float32, shape=()), v1.placeholder(tf.float32, shape=())
        v1.placeholder(tf.bool, shape=())

    def head(seq: Tensor, size: int, name: str, activation: Any) -> Tensor:
        seq = v1.nn.dropout(seq, 1.0 - ffd_drop)
        h = fc(seq, size, name=f"{name}/conv1d", bias=False)
        f1, f2 = fc(h, 1, name=f"{name}/f1"), fc(h, 1, name=f"{name}/f2")
        coefs = tf.nn.softmax(tf.nn.leaky_relu(f1 + tf.transpose(f2, [0, 2, 1])) + bias)
        out = tf.matmul(v1.nn.dropout(coefs, 1.0 - attn_drop), v1.nn.dropout(h, 1.0 - ffd_drop))
        return activation(out + v1.get_variable(f"{name}/bias", [size]))

    hidden = tf.concat([head(features, 5, f"l0_{i}", tf.nn.elu) for i in range(3)], -1)
    logits = tf.add_n([head(hidden, 4, f"l1_{i}", tf.identity) for i in range(2)]) / 2
    log_resh = tf.reshape(logits, [-1, 4])
    lab_resh, msk = tf.reshape(labels, [-1, 4]), tf.cast(tf.reshape(mask, [-1]), tf.float32)
    msk /= tf.reduce_mean(msk)
    loss = tf.reduce_mean(v1.nn.softmax_cross_entropy_with_logits_v2(logits=log_resh, labels=lab_resh) * msk)
    right = tf.cast(tf.equal(tf.argmax(log_resh, 1), tf.argmax(lab_resh, 1)), tf.float32)
    tf.reduce_mean(right * msk)
    l2 = tf.add_n([tf.nn.l2_loss(v) for v in v1.trainable_variables() if "bias" not in v.name]) * 5e-4
    v1.train.AdamOptimizer(0.005).minimize(loss + l2)
    return [([features, bias], [logits]), ([features, bias], [log_resh])]


@case("graph net")
def neighbours_drawn_from_a_table() -> Truths:
    """GraphSAGE: node ids in, neighbours sampled from a table, means at two depths, classes out."""
    nodes = v1.placeholder(tf.int32, shape=(None,), name="batch1")
    labels = v1.placeholder(tf.float32, shape=(None, 5), name="labels")
    dropout = v1.placeholder_with_default(0.0, shape=(), name="dropout")
    count = v1.placeholder(tf.int32, name="batch_size")
    rng = np.random.RandomState(1)
    features = v1.Variable(tf.constant(rng.rand(31, 9), tf.float32), trainable=False, name="features")
    adjacency = v1.Variable(
        tf.constant(rng.randint(0, 30, [31, 8]), tf.int32), trainable=False, name="adj_info"
    )

    def sample(ids: Tensor, width: int) -> Tensor:
        drawn = tf.nn.embedding_lookup(adjacency, ids)
        drawn = tf.transpose(tf.random.shuffle(tf.transpose(drawn)))
        return tf.reshape(tf.slice(drawn, [0, 0], [-1, width]), [-1])

    hops = [nodes]
    for width in (4, 3):
        hops.append(sample(hops[-1], width))
    hidden = [tf.nn.embedding_lookup(features, ids) for ids in hops]
    for layer in range(2):
        joined = []
        for hop in range(2 - layer):
            support = (4, 3)[hop]
            own, depth = hidden[hop], int(hidden[hop].shape[1])
            near = tf.reshape(hidden[hop + 1], [-1, support, depth])
            mean = tf.reduce_mean(v1.nn.dropout(near, 1 - dropout), axis=1)
            scope = f"meanaggregator_{layer + 1}"
            out = [
                fc(mean, 6, name=f"{scope}/neigh", bias=False),
                fc(own, 6, name=f"{scope}/self", bias=False),
            ]
            joined.append(tf.concat(out, 1) if layer else tf.nn.relu(tf.concat(out, 1)))
        hidden = joined
    outputs = tf.nn.l2_normalize(hidden[0], 1)
    preds = fc(v1.nn.dropout(outputs, 1 - dropout), 5, name="dense_1")
    loss = tf.reduce_mean(v1.nn.softmax_cross_entropy_with_logits_v2(logits=preds, labels=labels))
    loss += 0.0 * tf.cast(count, tf.float32)
    optimizer = v1.train.AdamOptimizer(0.01)
    pairs = [
        (tf.clip_by_value(g, -5.0, 5.0), v) for g, v in optimizer.compute_gradients(loss) if g is not None
    ]
    optimizer.apply_gradients(pairs)
    probabilities = tf.nn.softmax(preds)
    return [([nodes], [probabilities]), ([nodes], [outputs, probabilities]), ([nodes], [outputs])]


@case("flow")
def moons_from_noise_and_back() -> Truths:
    """RealNVP: couplings one way for the likelihood, the same weights the other way for samples."""
    x = v1.placeholder(tf.float32, [None, 2], name="x")
    noise = tf.random.normal([64, 2], name="z")

    def nets(half: Tensor, k: int) -> tuple[Tensor, Tensor]:
        with v1.variable_scope(f"coupling{k}", reuse=v1.AUTO_REUSE):
            s = fc(fc(half, 8, tf.nn.leaky_relu, "s1"), 2, tf.tanh, "s2")
            return s, fc(fc(half, 8, tf.nn.leaky_relu, "t1"), 2, name="t2")

    masks = [np.array([float(k % 2), float(1 - k % 2)], np.float32) for k in range(4)]
    z, log_det = x, tf.zeros([tf.shape(x)[0]])
    for k in reversed(range(4)):
        s, t = nets(z * masks[k], k)
        s, t = s * (1 - masks[k]), t * (1 - masks[k])
        z = (z - t) * tf.exp(-s) * (1 - masks[k]) + masks[k] * z
        log_det -= tf.reduce_sum(s, 1)
    log_prob = -0.5 * tf.reduce_sum(z**2, 1) - np.log(2 * np.pi).astype("f") + log_det
    made = noise
    for k in range(4):
        s, t = nets(made * masks[k], k)
        made = made * masks[k] + (1 - masks[k]) * (made * tf.exp(s) + t)
    v1.train.AdamOptimizer(1e-4).minimize(-tf.reduce_mean(log_prob))
    sampled = tf.identity(made, name="samples")
    return [([x], [z]), ([], [sampled]), ([noise], [sampled]), ([x], [log_prob])]


@case("embedding")
def paragraphs_with_their_own_vectors() -> Truths:
    """doc2vec: words and the document joined, sampled softmax, both tables normalized for later."""
    dataset = v1.placeholder(tf.int32, shape=[16, 4])
    labels = v1.placeholder(tf.int32, shape=[16, 1])
    words = v1.Variable(tf.random.uniform([80, 6], -1.0, 1.0))
    documents = v1.Variable(tf.random.uniform([25, 6], -1.0, 1.0))
    w, b = v1.Variable(tf.random.truncated_normal([80, 12])), v1.Variable(tf.zeros([80]))
    parts = [tf.nn.embedding_lookup(words, dataset[:, j]) for j in range(3)]
    mean = tf.reduce_mean(tf.stack(parts), 0)
    embed = tf.concat([mean, tf.nn.embedding_lookup(documents, dataset[:, 3])], axis=1)
    loss = tf.reduce_mean(v1.nn.sampled_softmax_loss(w, b, labels, embed, 8, 80))
    v1.train.AdagradOptimizer(0.1).minimize(loss)
    kept = [t / tf.sqrt(tf.reduce_sum(tf.square(t), 1, keepdims=True)) for t in (words, documents)]
    return [([], kept), ([dataset], [embed]), ([], [kept[1]])]


@case("embedding")
def pairs_of_words_by_their_counts() -> Truths:
    """GloVe: two tables and biases, weighted squares of logarithms; the sum of both tables is kept."""
    focal = v1.placeholder(tf.int32, shape=[32], name="focal_words")
    context = v1.placeholder(tf.int32, shape=[32], name="context_words")
    count = v1.placeholder(tf.float32, shape=[32], name="cooccurrence_count")
    sides = ("focal", "context")
    tables = [v1.Variable(tf.random.uniform([70, 6], 1.0, -1.0), name=f"{n}_embeddings") for n in sides]
    biases = [v1.Variable(tf.random.uniform([70], 1.0, -1.0), name=f"{n}_biases") for n in sides]
    one, two = (tf.nn.embedding_lookup(t, ids) for t, ids in zip(tables, (focal, context), strict=True))
    b1, b2 = (tf.nn.embedding_lookup(t, ids) for t, ids in zip(biases, (focal, context), strict=True))
    weighting = tf.minimum(1.0, tf.pow(tf.divide(count, 100.0), 0.75))
    product = tf.reduce_sum(tf.multiply(one, two), 1)
    gap = tf.square(tf.add_n([product, b1, b2, tf.negative(v1.log(count))]))
    total = tf.reduce_sum(tf.multiply(weighting, gap))
    v1.summary.scalar("GloVe_loss", total)
    v1.train.AdagradOptimizer(0.05).minimize(total)
    combined = tf.add(tables[0], tables[1], name="combined_embeddings")
    return [([], [combined]), ([focal], [one])]


@case("text")
def sparse_counts_to_classes() -> Truths:
    """Bags of words as a sparse feed, a naive linear layer, the predicted class by argmax."""
    bags = v1.sparse_placeholder(tf.float32, shape=[None, 200], name="bags")
    y = v1.placeholder(tf.int64, [None], name="y")
    w = weight("W", [200, 6])
    b = v1.get_variable("b", [6], initializer=v1.zeros_initializer())
    scores = tf.nn.bias_add(v1.sparse_tensor_dense_matmul(bags, w), b)
    probability = tf.nn.softmax(scores, name="proba")
    winner = tf.argmax(probability, 1, name="predicted_class")
    loss = cross_entropy(scores, y) + 1e-3 * tf.reduce_sum(tf.abs(w))
    v1.train.FtrlOptimizer(0.1).minimize(loss)
    v1.metrics.precision_at_k(y, probability, 1)
    parts = [bags.indices, bags.values, bags.dense_shape]
    return [(parts, [probability]), (parts, [winner]), (parts, [probability, winner])]
