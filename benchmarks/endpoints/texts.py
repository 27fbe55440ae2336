"""Nets that read a text and say what kind it is."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from benchmarks.endpoints.cases import Truth, Truths, case
from benchmarks.endpoints.habits import both_ways, clipped, conv1d, fc
from benchmarks.endpoints.layers import Gru, batch_norm, cross_entropy, v1

Tensor = Any


@case("text")
def mean_of_word_and_pair_vectors() -> Truths:
    """fastText: padded ids of words and hashed pairs, averaged without the padding, one linear layer."""
    inputs = v1.placeholder(tf.int32, [None, 40], name="inputs")
    targets = v1.placeholder(tf.int32, [None], name="targets")
    embedding = v1.get_variable("embedding", [1000, 10], initializer=v1.random_uniform_initializer(-0.1, 0.1))
    mask = tf.cast(tf.not_equal(inputs, 0), tf.float32)
    summed = tf.reduce_sum(tf.nn.embedding_lookup(embedding, inputs) * mask[:, :, None], 1)
    hidden = summed / tf.maximum(tf.reduce_sum(mask, 1, keepdims=True), 1.0)
    logits = fc(hidden, 4, name="softmax_linear")
    with tf.name_scope("predictions"):
        probabilities = tf.nn.softmax(logits)
        label = tf.argmax(logits, 1)
    step = v1.train.get_or_create_global_step()
    rate = v1.train.polynomial_decay(0.5, step, 1000, 1e-4)
    loss = cross_entropy(logits, targets)
    v1.train.GradientDescentOptimizer(rate).minimize(loss, global_step=step)
    correct = tf.equal(tf.cast(label, tf.int32), targets)
    v1.summary.scalar("accuracy", tf.reduce_mean(tf.cast(correct, tf.float32)))
    return [([inputs], [probabilities]), ([inputs], [probabilities, label]), ([inputs], [label])]


@case("text")
def characters_through_six_convolutions() -> Truths:
    """Zhang's character CNN: one-hot letters, valid convolutions, pooling, dropout by keep_prob."""
    x = v1.placeholder(tf.int64, [None, 96], name="input_x")
    y = v1.placeholder(tf.float32, [None, 4], name="input_y")
    keep = v1.placeholder(tf.float32, name="dropout_keep_prob")
    with tf.name_scope("Embedding"):
        letters = tf.concat([tf.zeros([1, 20]), tf.linalg.diag(tf.ones([20]))], 0)
        h = tf.expand_dims(tf.nn.embedding_lookup(letters, x), -1)
    height = 20
    for i, (size, pooled) in enumerate(((7, 3), (7, 3), (3, None), (3, None))):
        with v1.variable_scope(f"ConvLayer-{i + 1}"):
            w = v1.Variable(tf.random.uniform([size, height, int(h.shape[-1]), 8], -0.05, 0.05), name="W")
            b = v1.Variable(tf.random.uniform([8], -0.05, 0.05), name="b")
            h = tf.nn.bias_add(v1.nn.conv2d(h, w, [1, 1, 1, 1], "VALID", name="Conv"), b)
            height = 1
            if pooled:
                h = v1.nn.max_pool(h, [1, pooled, 1, 1], [1, pooled, 1, 1], "VALID")
    h = tf.reshape(h, [-1, int(h.shape[1]) * 8])
    for i, units in enumerate((24, 24)):
        with tf.name_scope(f"dropout-{i + 1}"):
            h = v1.nn.dropout(h, keep)
        h = tf.nn.relu(fc(h, units, name=f"LinearLayer-{i + 1}"))
    with tf.name_scope("OutputLayer"):
        w = v1.Variable(tf.random.normal([24, 4]), name="W")
        scores = v1.nn.xw_plus_b(h, w, v1.Variable(tf.zeros([4]), name="b"), name="scores")
        predictions = tf.argmax(scores, 1, name="predictions")
    with tf.name_scope("loss"):
        loss = tf.reduce_mean(v1.nn.softmax_cross_entropy_with_logits_v2(logits=scores, labels=y))
    with tf.name_scope("Accuracy"):
        accurate = tf.reduce_mean(tf.cast(tf.equal(predictions, tf.argmax(y, 1)), "float"), name="accuracy")
    optimizer = v1.train.AdamOptimizer(1e-3)
    pairs = optimizer.compute_gradients(loss)
    for gradient, variable in pairs:
        v1.summary.histogram(f"{variable.op.name}/grad/hist", gradient)
        v1.summary.scalar(f"{variable.op.name}/grad/sparsity", tf.nn.zero_fraction(gradient))
    optimizer.apply_gradients(pairs)
    v1.summary.scalar("accuracy", accurate)
    return [([x], [scores, predictions]), ([x], [predictions]), ([x], [scores])]


@case("text")
def words_with_left_and_right_context() -> Truth:
    """Recurrent CNN: both contexts and the word itself, maximum over time, softmax by hand."""
    words = v1.placeholder(tf.int32, [None, 15])
    classes = v1.placeholder(tf.float32, [None, 3])
    table = v1.Variable(tf.random.normal([200, 12], stddev=0.1), trainable=False)
    vectors = v1.nn.embedding_lookup(table, words)
    length = tf.reduce_sum(tf.sign(tf.abs(words)), axis=1)
    context, _ = both_ways(vectors, 8, length)
    h = tf.nn.tanh(fc(tf.concat([context, vectors], 2), 10, name="text-max"))
    top = tf.reduce_max(h, 1)
    w, b = v1.Variable(tf.random.normal([10, 3])), v1.Variable(tf.zeros([3]))
    pred = tf.nn.softmax(tf.matmul(top, w) + b)
    cost = -tf.reduce_sum(classes * v1.log(tf.clip_by_value(pred, 1e-10, 1.0)))
    cost += 0.01 * (tf.nn.l2_loss(w) + tf.nn.l2_loss(b))
    v1.train.AdadeltaOptimizer(0.5).minimize(cost)
    hits = tf.equal(tf.argmax(pred, 1), tf.argmax(classes, 1))
    tf.reduce_mean(tf.cast(hits, tf.float32))
    return [words], [pred]


def _attend(x: Tensor, size: int, scope: str) -> Tensor:
    """A weighted mean of the steps; the weights come from a context vector."""
    with v1.variable_scope(scope):
        context = v1.get_variable("attention_context_vector", [size])
        projected = fc(x, size, tf.tanh, "proj")
        weights = tf.nn.softmax(tf.reduce_sum(projected * context, 2, keepdims=True), axis=1)
        return tf.reduce_sum(weights * projected, 1)


@case("text")
def words_then_sentences_with_attention() -> Truths:
    """Hierarchical attention: words make sentences, sentences make the document; lengths are fed."""
    training = v1.placeholder(tf.bool, [], name="is_training")
    document = v1.placeholder(tf.int32, [None, None, None], name="inputs")
    word_lengths = v1.placeholder(tf.int32, [None, None], name="word_lengths")
    sentence_lengths = v1.placeholder(tf.int32, [None], name="sentence_lengths")
    labels = v1.placeholder(tf.int32, [None], name="labels")
    batch, sentences, width = tf.unstack(tf.shape(document))
    with v1.variable_scope("tcm"):
        table = v1.get_variable("embedding_matrix", [150, 8])
        flat = tf.reshape(tf.nn.embedding_lookup(table, document), [batch * sentences, width, 8])
        with v1.variable_scope("word"):
            h, _ = both_ways(flat, 5, tf.reshape(word_lengths, [batch * sentences]))
            level = _attend(h, 10, "attention")
            level = v1.nn.dropout(level, keep_prob=tf.cond(training, lambda: 0.5, lambda: 1.0))
        with v1.variable_scope("sentence"):
            h, _ = both_ways(tf.reshape(level, [batch, sentences, 10]), 5, sentence_lengths)
            level = _attend(h, 10, "attention")
            level = v1.nn.dropout(level, keep_prob=tf.cond(training, lambda: 0.5, lambda: 1.0))
        with v1.variable_scope("classifier"):
            logits = fc(level, 5, name="fully_connected")
            prediction = tf.argmax(logits, axis=-1)
    loss = tf.reduce_mean(v1.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits))
    v1.summary.scalar("loss", loss)
    v1.summary.scalar("acc", tf.reduce_mean(tf.cast(v1.nn.in_top_k(logits, labels, 1), tf.float32)))
    step = v1.Variable(0, name="global_step", trainable=False)
    clipped(loss, v1.train.AdamOptimizer(1e-3), 1.0, step)
    feeds = [document, word_lengths, sentence_lengths]
    return [(feeds, [logits]), (feeds, [prediction]), (feeds, [logits, prediction])]


@case("text")
def relation_between_two_marked_words() -> Truths:
    """Attention over a bidirectional LSTM, positions relative to two entities as further inputs."""
    words = v1.placeholder(tf.int32, [None, 20], name="input_text")
    one = v1.placeholder(tf.int32, [None, 20], name="input_p1")
    two = v1.placeholder(tf.int32, [None, 20], name="input_p2")
    y = v1.placeholder(tf.float32, [None, 6], name="input_y")
    emb_keep = v1.placeholder(tf.float32, name="emb_dropout_keep_prob")
    keep = v1.placeholder(tf.float32, name="dropout_keep_prob")
    text = tf.nn.embedding_lookup(v1.get_variable("W_text", [120, 10]), words)
    positions = v1.get_variable("W_position", [41, 3])
    near = [tf.nn.embedding_lookup(positions, p) for p in (one, two)]
    h = v1.nn.dropout(tf.concat([text, *near], 2), emb_keep)
    h, _ = both_ways(h, 8, tf.cast(tf.reduce_sum(tf.sign(words), 1), tf.int32), "bi-lstm")
    u = v1.get_variable("u_omega", [16])
    alphas = tf.nn.softmax(tf.tensordot(tf.tanh(h), u, axes=1), name="alphas")
    pooled = v1.nn.dropout(tf.reduce_sum(h * tf.expand_dims(alphas, -1), 1), keep)
    with v1.variable_scope("output"):
        logits = fc(pooled, 6, name="fully_connected_layer")
        predictions = tf.argmax(logits, 1, name="predictions")
    with v1.variable_scope("loss"):
        l2 = tf.add_n([tf.nn.l2_loss(v) for v in v1.trainable_variables()])
        loss = tf.reduce_mean(v1.nn.softmax_cross_entropy_with_logits_v2(logits=logits, labels=y)) + 1e-5 * l2
    with v1.variable_scope("accuracy"):
        right = tf.equal(predictions, tf.argmax(y, 1))
        tf.reduce_mean(tf.cast(right, tf.float32), name="accuracy")
    clipped(loss, v1.train.AdadeltaOptimizer(1.0, 0.9, 1e-6), 5.0, v1.train.create_global_step())
    feeds = [words, one, two]
    return [(feeds, [predictions]), (feeds, [logits, predictions]), (feeds, [logits])]


@case("text")
def toxic_comments_deep_pyramid() -> Truths:
    """Pyramid of convolutions over a loaded embedding; six labels at once by sigmoid, weighted loss."""
    ids = v1.placeholder_with_default(tf.zeros([1, 32], tf.int32), [None, 32])
    labels = v1.placeholder(tf.float32, [None, 6])
    train = v1.placeholder_with_default(False, [])
    vectors = v1.placeholder(tf.float32, [300, 8])
    table = v1.get_variable("emb", [300, 8], trainable=False)
    v1.assign(table, vectors, name="load_embedding")
    h = conv1d(tf.gather(table, ids), 12, 3, "region", activation=None)
    for block in range(3):
        kept = h
        for part in "ab":
            h = tf.nn.relu(batch_norm(h, f"bn{block}{part}", train))
            h = conv1d(h, 12, 3, f"conv{block}{part}", activation=None)
        h = v1.nn.max_pool1d(h + kept, 3, 2, "SAME")
    logits = fc(tf.reduce_max(h, 1), 6, name="out")
    probs = tf.nn.sigmoid(logits)
    flags = tf.cast(probs > 0.5, tf.int32)
    per_label = v1.nn.weighted_cross_entropy_with_logits(labels=labels, logits=logits, pos_weight=3.0)
    with v1.control_dependencies(v1.get_collection(v1.GraphKeys.UPDATE_OPS)):
        v1.train.AdamOptimizer(1e-3).minimize(tf.reduce_mean(per_label))
    tf.reduce_mean(tf.cast(tf.equal(flags, tf.cast(labels, tf.int32)), tf.float32))
    return [([ids], [probs]), ([ids], [probs, flags])]


@case("text", plain=True)
def raw_sentences_split_and_hashed() -> Truth:
    """Strings go in: split, hashed to buckets, made dense, embedded, pooled; classes by name come out."""
    sentences = v1.placeholder(tf.string, [None], name="sentence")
    lowered = tf.strings.regex_replace(tf.strings.lower(sentences), "[^a-z ]", "")
    tokens = v1.string_split(lowered, " ")
    buckets = tf.strings.to_hash_bucket_fast(tokens.values, 400)
    sparse = tf.SparseTensor(tokens.indices, buckets, tokens.dense_shape)
    table = v1.get_variable("sentence_embedding/embedding_weights", [400, 8])
    pooled = v1.nn.embedding_lookup_sparse(table, sparse, None, combiner="sqrtn")
    h = fc(pooled, 16, tf.nn.relu, "hiddenlayer_0")
    logits = fc(h, 3, name="logits")
    with tf.name_scope("predictions"):
        probabilities = tf.nn.softmax(logits, name="probabilities")
    labels = v1.placeholder(tf.int64, [None, 1], name="label")
    loss = v1.losses.sparse_softmax_cross_entropy(labels=labels, logits=logits)
    v1.train.AdagradOptimizer(0.05).minimize(loss)
    return [sentences], [probabilities]


@case("text")
def reviews_through_a_restarted_iterator() -> Truth:
    """Padded batches from an initializable iterator over fed arrays; a GRU that skips the padding."""
    data = v1.placeholder(tf.int64, [None, 25])
    target = v1.placeholder(tf.int64, [None])
    size = v1.placeholder(tf.int64, [])
    dataset = tf.data.Dataset.from_tensor_slices((data, target)).shuffle(100).batch(size)
    iterator = v1.data.make_initializable_iterator(dataset)
    review, sentiment = iterator.get_next()
    table = v1.get_variable("lookup", [250, 8])
    length = tf.cast(tf.math.count_nonzero(review, 1), tf.int32)
    _, final = v1.nn.dynamic_rnn(Gru(12), tf.nn.embedding_lookup(table, review), length, dtype=tf.float32)
    logits = fc(final, 2)
    prob = tf.nn.softmax(logits)
    loss = cross_entropy(logits, sentiment)
    v1.train.AdamOptimizer().minimize(loss)
    _, update = v1.metrics.accuracy(sentiment, tf.argmax(prob, 1))
    v1.summary.scalar("train_accuracy", update)
    return [review], [prob]
