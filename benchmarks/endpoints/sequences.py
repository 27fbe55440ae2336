"""Nets for text, speech and time series."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from benchmarks.endpoints.cases import Truth, Truths, case
from benchmarks.endpoints.layers import (
    Gru,
    Lstm,
    accuracy,
    attention,
    conv,
    cross_entropy,
    dense,
    layer_norm,
    v1,
    weight,
)  # fmt: skip

Tensor = Any


@case("sequence")
def lstm_static_unrolled() -> Truth:
    """MNIST by rows: a static recurrent net, the last output classifies."""
    x = v1.placeholder("float", [None, 14, 28])
    y = v1.placeholder("float", [None, 10])
    cell = Lstm(16)
    state = cell.zero_state(tf.shape(x)[0], tf.float32)
    out: Any = None
    for step in tf.unstack(x, 14, 1):
        out, state = cell(step, state)
    w, b = v1.Variable(tf.random.normal([16, 10])), v1.Variable(tf.random.normal([10]))
    logits = tf.matmul(out, w) + b
    prediction = tf.nn.softmax(logits)
    v1.train.GradientDescentOptimizer(0.001).minimize(cross_entropy(logits, y))
    accuracy(prediction, y)
    return [x], [prediction]


@case("sequence")
def lstm_dynamic_last_output() -> Truth:
    """dynamic_rnn with sequence lengths; the last relevant output classifies."""
    x = v1.placeholder(tf.float32, [None, 20, 8], name="x")
    length = v1.placeholder(tf.int32, [None], name="seqlen")
    y = v1.placeholder(tf.float32, [None, 2], name="y")
    outputs, _ = v1.nn.dynamic_rnn(Lstm(16), x, sequence_length=length, dtype=tf.float32)
    index = tf.range(0, tf.shape(outputs)[0]) * 20 + (length - 1)
    last = tf.gather(tf.reshape(outputs, [-1, 16]), index)
    pred = dense(last, 2, "out")
    v1.train.GradientDescentOptimizer(0.01).minimize(cross_entropy(pred, y))
    accuracy(pred, y)
    return [x, length], [pred]


@case("sequence")
def sentiment_embedding_lstm() -> Truth:
    """Word ids through an embedding, dropout in the cell, sigmoid at the end."""
    ids = v1.placeholder(tf.int32, [None, None], name="inputs")
    labels = v1.placeholder(tf.int32, [None, None], name="labels")
    keep = v1.placeholder(tf.float32, name="keep_prob")
    table = v1.Variable(tf.random.uniform([500, 16], -1, 1))
    embedded = tf.nn.embedding_lookup(table, ids)
    outputs, _ = v1.nn.dynamic_rnn(Lstm(16, keep=keep), embedded, dtype=tf.float32)
    predictions = dense(outputs[:, -1], 1, "fc", tf.sigmoid)
    cost = tf.reduce_mean(tf.square(tf.cast(labels, tf.float32) - predictions))
    v1.train.AdamOptimizer().minimize(cost)
    same = tf.equal(tf.cast(tf.round(predictions), tf.int32), labels)
    tf.reduce_mean(tf.cast(same, tf.float32))
    return [ids], [predictions]


@case("sequence")
def text_cnn() -> Truths:
    """Kim's CNN for sentences: scores, predictions, L2 loss."""
    x = v1.placeholder(tf.int32, [None, 30], name="input_x")
    y = v1.placeholder(tf.float32, [None, 2], name="input_y")
    keep = v1.placeholder(tf.float32, name="dropout_keep_prob")
    with v1.name_scope("embedding"):
        table = v1.Variable(tf.random.uniform([200, 16], -1.0, 1.0), name="W")
        embedded = tf.expand_dims(tf.nn.embedding_lookup(table, x), -1)
    pooled = []
    for size in (3, 4):
        w = weight(f"filter{size}", [size, 16, 1, 8])
        h = tf.nn.relu(v1.nn.conv2d(embedded, w, [1, 1, 1, 1], "VALID"))
        pooled.append(v1.nn.max_pool(h, [1, 30 - size + 1, 1, 1], [1, 1, 1, 1], "VALID"))
    h = v1.nn.dropout(tf.reshape(tf.concat(pooled, 3), [-1, 16]), keep)
    with v1.name_scope("output"):
        w = weight("W_out", [16, 2])
        b = v1.Variable(tf.constant(0.1, shape=[2]), name="b")
        scores = v1.nn.xw_plus_b(h, w, b, name="scores")
        predictions = tf.argmax(scores, 1, name="predictions")
    loss = cross_entropy(scores, y) + 0.1 * (tf.nn.l2_loss(w) + tf.nn.l2_loss(b))
    correct = tf.equal(predictions, tf.argmax(y, 1))
    tf.reduce_mean(tf.cast(correct, "float"), name="accuracy")
    v1.train.AdamOptimizer(1e-3).minimize(loss)
    return [([x], [scores]), ([x], [predictions])]  # the script that tests it fetches the classes


@case("sequence")
def char_rnn_with_state() -> Truth:
    """A language model: ids in, probabilities out, the next ids are the targets."""
    ids = v1.placeholder(tf.int32, [None, 10], name="input_data")
    targets = v1.placeholder(tf.int32, [None, 10], name="targets")
    table = weight("embedding", [65, 16])
    outputs, _ = v1.nn.dynamic_rnn(Gru(32), tf.nn.embedding_lookup(table, ids), dtype=tf.float32)
    flat = tf.reshape(outputs, [-1, 32])
    logits = tf.matmul(flat, weight("softmax_w", [32, 65])) + weight("softmax_b", [65])
    probs = tf.nn.softmax(logits)
    loss = v1.nn.sparse_softmax_cross_entropy_with_logits(labels=tf.reshape(targets, [-1]), logits=logits)
    lr = v1.Variable(0.0, trainable=False)
    grads, _ = tf.clip_by_global_norm(tf.gradients(tf.reduce_mean(loss), v1.trainable_variables()), 5.0)
    v1.train.AdamOptimizer(lr).apply_gradients(zip(grads, v1.trainable_variables(), strict=True))
    return [ids], [probs]


@case("sequence")
def tagger_bilstm_crf() -> Truths:
    """Named entities: unary scores, a transition matrix that only the loss reads."""
    ids = v1.placeholder(tf.int32, [None, 12], name="word_ids")
    tags = v1.placeholder(tf.int32, [None, 12], name="tags")
    embedded = tf.nn.embedding_lookup(weight("embedding", [100, 16]), ids)
    forward, _ = v1.nn.dynamic_rnn(Lstm(8), embedded, dtype=tf.float32, scope="fw")
    backward, _ = v1.nn.dynamic_rnn(Lstm(8), tf.reverse(embedded, [1]), dtype=tf.float32, scope="bw")
    h = tf.concat([forward, tf.reverse(backward, [1])], 2)
    scores = dense(h, 5, "proj")
    transitions = weight("transitions", [5, 5])
    unary = tf.reduce_sum(scores * tf.one_hot(tags, 5), [1, 2])
    pairs = tf.gather_nd(transitions, tf.stack([tags[:, :-1], tags[:, 1:]], 2))
    alpha = scores[:, 0]
    for t in range(1, 12):
        alpha = tf.reduce_logsumexp(tf.expand_dims(alpha, 2) + transitions, 1) + scores[:, t]
    likelihood = unary + tf.reduce_sum(pairs, 1) - tf.reduce_logsumexp(alpha, 1)
    v1.train.AdamOptimizer().minimize(tf.reduce_mean(-likelihood))
    return [([ids], [scores]), ([ids], [scores, transitions])]


@case("sequence")
def seq2seq_teacher_forcing() -> Truth:
    """Encoder and decoder; the decoder's inputs are fed, too."""
    source = v1.placeholder(tf.int32, [None, None], name="encoder_inputs")
    given = v1.placeholder(tf.int32, [None, None], name="decoder_inputs")
    targets = v1.placeholder(tf.int32, [None, None], name="decoder_targets")
    table = v1.Variable(tf.random.uniform([40, 16], -1.0, 1.0))
    with v1.variable_scope("enc"):
        _, state = v1.nn.dynamic_rnn(Lstm(16), tf.nn.embedding_lookup(table, source), dtype=tf.float32)
    with v1.variable_scope("dec"):
        outputs, _ = v1.nn.dynamic_rnn(Lstm(16), tf.nn.embedding_lookup(table, given), initial_state=state)
    logits = dense(outputs, 40, "projection")
    prediction = tf.argmax(logits, 2)
    loss = tf.reduce_mean(
        v1.nn.softmax_cross_entropy_with_logits_v2(labels=tf.one_hot(targets, 40), logits=logits)
    )
    v1.train.AdamOptimizer().minimize(loss)
    return [source, given], [prediction]


@case("sequence")
def time_series_regression() -> Truth:
    """Stock prices: the last value of a recurrent net, mean squared error."""
    x = v1.placeholder(tf.float32, [None, 7, 5])
    y = v1.placeholder(tf.float32, [None, 1])
    outputs, _ = v1.nn.dynamic_rnn(Lstm(10), x, dtype=tf.float32)
    prediction = dense(outputs[:, -1], 1, "fc")
    v1.train.AdamOptimizer(0.01).minimize(tf.reduce_sum(tf.square(prediction - y)))
    targets = v1.placeholder(tf.float32, [None, 1])
    given = v1.placeholder(tf.float32, [None, 1])
    tf.sqrt(tf.reduce_mean(tf.square(targets - given)))
    return [x], [prediction]


@case("sequence")
def transformer_classifier() -> Truth:
    """BERT's shape: ids, mask and segments; a pooled output; dropout folded in Python."""
    ids = v1.placeholder(tf.int32, [None, 16], name="input_ids")
    mask = v1.placeholder(tf.int32, [None, 16], name="input_mask")
    segments = v1.placeholder(tf.int32, [None, 16], name="segment_ids")
    labels = v1.placeholder(tf.int32, [None], name="label_ids")
    h = tf.nn.embedding_lookup(weight("word", [100, 32]), ids)
    h = layer_norm(
        h + tf.nn.embedding_lookup(weight("type", [2, 32]), segments) + weight("position", [16, 32]), "ln"
    )
    for k in range(2):
        with v1.variable_scope(f"layer_{k}"):
            h = layer_norm(h + attention(h, 4, "attention", mask), "ln1")
            h = layer_norm(h + dense(dense(h, 64, "intermediate", tf.nn.gelu), 32, "out"), "ln2")
    pooled = dense(h[:, 0], 32, "pooler", tf.tanh)
    logits = tf.nn.bias_add(
        tf.matmul(pooled, weight("output_weights", [2, 32]), transpose_b=True), weight("output_bias", [2])
    )
    probabilities = tf.nn.softmax(logits, axis=-1)
    per_example = -tf.reduce_sum(tf.one_hot(labels, 2) * tf.nn.log_softmax(logits, axis=-1), axis=-1)
    v1.train.AdamOptimizer().minimize(tf.reduce_mean(per_example))
    return [ids, mask, segments], [probabilities]


@case("sequence", frozen=True)
def frozen_transformer_two_outputs() -> Truth:
    """A frozen encoder: the sequence and its first token."""
    ids = v1.placeholder(tf.int32, [None, 16], name="ids")
    h = tf.nn.embedding_lookup(weight("word", [100, 32]), ids)
    h = layer_norm(h + attention(h, 4, "attention"), "ln1")
    sequence = tf.identity(h, "sequence_output")
    return [ids], [sequence, tf.identity(dense(h[:, 0], 32, "pooler", tf.tanh), "pooled_output")]


@case("speech")
def speech_commands() -> Truth:
    """Spectrogram from a file, its fingerprint fed to the net through a placeholder."""
    name = v1.placeholder(tf.string, [], name="wav_filename")
    audio = tf.audio.decode_wav(tf.io.read_file(name), desired_channels=1, desired_samples=16000)
    spectrogram = tf.raw_ops.AudioSpectrogram(input=audio.audio, window_size=480, stride=160)
    tf.raw_ops.Mfcc(spectrogram=spectrogram, sample_rate=audio.sample_rate, dct_coefficient_count=40)
    fingerprint = v1.placeholder(tf.float32, [None, 98 * 40], name="fingerprint_input")
    truth = v1.placeholder(tf.int64, [None], name="groundtruth_input")
    keep = v1.placeholder(tf.float32, name="dropout_prob")
    h = conv(tf.reshape(fingerprint, [-1, 98, 40, 1]), 8, 8, "conv1", stride=2)
    h = v1.nn.dropout(h, keep)
    logits = dense(tf.reshape(h, [-1, 49 * 20 * 8]), 12, "final_fc")
    loss = v1.losses.sparse_softmax_cross_entropy(labels=truth, logits=logits)
    rate = v1.placeholder(tf.float32, [], name="learning_rate_input")
    v1.train.GradientDescentOptimizer(rate).minimize(loss)
    predicted = tf.argmax(logits, 1)
    correct = tf.equal(predicted, truth)
    tf.math.confusion_matrix(truth, predicted, num_classes=12)
    tf.reduce_mean(tf.cast(correct, tf.float32))
    return [fingerprint], [logits]


@case("speech")
def ctc_recognizer() -> Truth:
    """CTC: features, lengths, sparse targets; greedy decoding beside the loss."""
    features = v1.placeholder(tf.float32, [None, None, 13], name="features")
    targets = v1.sparse_placeholder(tf.int32, name="targets")
    length = v1.placeholder(tf.int32, [None], name="seq_len")
    outputs, _ = v1.nn.dynamic_rnn(Lstm(16), features, sequence_length=length, dtype=tf.float32)
    logits = tf.transpose(dense(outputs, 29, "fc"), [1, 0, 2], name="logits")
    cost = tf.reduce_mean(v1.nn.ctc_loss(targets, logits, length))
    v1.train.MomentumOptimizer(0.01, 0.9).minimize(cost)
    return [features, length], [logits]


@case("speech", frozen=True)
def frozen_keyword_spotter() -> Truth:
    """A frozen net from wave bytes to labels."""
    wav = v1.placeholder(tf.string, [], name="wav_data")
    audio = tf.audio.decode_wav(wav, desired_channels=1, desired_samples=16000, name="decoded_sample_data")
    spectrogram = tf.raw_ops.AudioSpectrogram(
        input=audio.audio, window_size=640, stride=640, magnitude_squared=True
    )
    mfcc = tf.raw_ops.Mfcc(spectrogram=spectrogram, sample_rate=audio.sample_rate, dct_coefficient_count=10)
    h = dense(tf.reshape(mfcc, [-1, 250]), 32, "fc", tf.nn.relu)
    return [wav], [tf.nn.softmax(dense(h, 12, "out"), name="labels_softmax")]


@case("sequence")
def wavenet_like() -> Truth:
    """Dilated causal convolutions with gates and skips."""
    x = v1.placeholder(tf.float32, [None, 64, 1])
    y = v1.placeholder(tf.int32, [None, 64])
    h = tf.expand_dims(x, 1)
    skips = 0
    h = conv(h, 8, 1, "causal", activation=None)
    for k in range(3):
        padded = tf.pad(h, [[0, 0], [0, 0], [2**k, 0], [0, 0]])
        w, g = weight(f"filter{k}", [1, 2, 8, 8]), weight(f"gate{k}", [1, 2, 8, 8])
        dilate = [1, 1, 2**k, 1]
        out = tf.tanh(v1.nn.conv2d(padded, w, [1, 1, 1, 1], "VALID", dilations=dilate)) * tf.sigmoid(
            v1.nn.conv2d(padded, g, [1, 1, 1, 1], "VALID", dilations=dilate)
        )
        skips = skips + conv(out, 16, 1, f"skip{k}", activation=None)
        h = h + conv(out, 8, 1, f"res{k}", activation=None)
    logits = tf.squeeze(conv(tf.nn.relu(skips), 256, 1, "post", activation=None), [1])
    loss = tf.reduce_mean(v1.nn.sparse_softmax_cross_entropy_with_logits(labels=y, logits=logits))
    v1.train.AdamOptimizer().minimize(loss)
    return [x], [logits]


@case("sequence", modern=True)
def functional_while_rnn() -> Truth:
    """A recurrent net in a functional while loop, as TensorFlow 2 writes it."""
    x = v1.placeholder(tf.float32, [None, 10, 4], name="series")
    y = v1.placeholder(tf.float32, [None, 3], name="truth")
    _, state = v1.nn.dynamic_rnn(Gru(8), x, dtype=tf.float32)
    logits = dense(state, 3, "fc")
    out = tf.nn.softmax(logits)
    v1.train.AdamOptimizer().minimize(cross_entropy(logits, y))
    return [x], [out]


@case("sequence")
def attention_reader() -> Truth:
    """Document and question through one encoder; start and end of the answer."""
    document = v1.placeholder(tf.int32, [None, 20], name="context")
    question = v1.placeholder(tf.int32, [None, 6], name="question")
    start = v1.placeholder(tf.int64, [None], name="answer_start")
    end = v1.placeholder(tf.int64, [None], name="answer_end")
    table = weight("words", [100, 16])

    def encode(ids: Tensor) -> Tensor:
        with v1.variable_scope("encoder", reuse=v1.AUTO_REUSE):
            return v1.nn.dynamic_rnn(Lstm(8), tf.nn.embedding_lookup(table, ids), dtype=tf.float32)[0]

    d, q = encode(document), encode(question)
    weights = tf.nn.softmax(tf.matmul(d, q, transpose_b=True))
    merged = tf.concat([d, tf.matmul(weights, q)], 2)
    first = tf.squeeze(dense(merged, 1, "start"), [2])
    last = tf.squeeze(dense(merged, 1, "end"), [2])
    loss = cross_entropy(first, start) + cross_entropy(last, end)
    v1.train.AdadeltaOptimizer().minimize(loss)
    return [document, question], [tf.nn.softmax(first, name="p1"), tf.nn.softmax(last, name="p2")]
