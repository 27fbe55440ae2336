"""Nets that hear and speak: recognizers, keywords, speakers, voices apart, spectrograms from text."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from benchmarks.endpoints.cases import Truth, Truths, case
from benchmarks.endpoints.habits import both_ways, clipped, conv1d, fc
from benchmarks.endpoints.layers import Gru, batch_norm, conv, cross_entropy, flatten, pool, v1, weight

Tensor = Any


def _brelu(x: Tensor) -> Tensor:
    return tf.minimum(tf.nn.relu(x), 20.0)


@case("speech")
def windows_of_frames_to_letters_by_beam() -> Truths:
    """DeepSpeech: overlapping windows, clipped relus, CTC, a beam decoder and the edit distance."""
    x = v1.placeholder(tf.float32, [None, None, 13 * 3], name="input")
    labels = v1.sparse_placeholder(tf.int32, name="targets")
    length = v1.placeholder(tf.int32, [None], name="seq_length")
    keep = v1.placeholder(tf.float32, name="keep_prob")
    batch = tf.shape(x)[0]
    h = tf.reshape(tf.transpose(x, [1, 0, 2]), [-1, 39])
    for i in (1, 2, 3):
        with tf.name_scope(f"fc{i}"):
            w = weight(f"h{i}", [int(h.shape[1]), 16])
            h = v1.nn.dropout(_brelu(tf.add(tf.matmul(h, w), weight(f"b{i}", [16]))), keep)
    h = tf.transpose(tf.reshape(h, [-1, batch, 16]), [1, 0, 2])
    h, _ = both_ways(h, 10, length)
    h = tf.reshape(tf.transpose(h, [1, 0, 2]), [-1, 20])
    h = v1.nn.dropout(_brelu(fc(h, 16, name="h5")), keep)
    logits = tf.reshape(fc(h, 29, name="h6"), [-1, batch, 29])
    total = v1.nn.ctc_loss(labels, logits, length)
    avg = tf.reduce_mean(total)
    v1.summary.scalar("avg_loss", avg)
    v1.train.AdamOptimizer(1e-3).minimize(avg)
    decoded, log_prob = v1.nn.ctc_beam_search_decoder(logits, length, merge_repeated=False)
    distance = tf.edit_distance(tf.cast(decoded[0], tf.int32), labels)
    v1.summary.scalar("ler", tf.reduce_mean(distance))
    parts = [decoded[0].indices, decoded[0].values, decoded[0].dense_shape]
    return [
        ([x, length], parts),
        ([x, length], [*parts, log_prob]),
        ([x, length], [logits]),
    ]


@case("speech")
def keywords_by_depthwise_convolutions() -> Truth:
    """DS-CNN: MFCC map, separable blocks with a Python flag, eval towers from a second build of the net."""
    mfcc = v1.placeholder(tf.float32, [None, 25, 10], name="fingerprint_input")
    truth = v1.placeholder(tf.int64, [None], name="groundtruth_input")

    def net(training: bool) -> Tensor:
        with v1.variable_scope("DS-CNN", reuse=v1.AUTO_REUSE):
            h = conv(mfcc[..., None], 8, 5, "conv_1", stride=2, activation=None)
            h = tf.nn.relu(batch_norm(h, "conv_1/batch_norm", training))
            for i in range(2):
                with v1.variable_scope(f"conv_ds_{i}"):
                    w = weight("depthwise_weights", [3, 3, 8, 1])
                    h = tf.nn.relu(
                        batch_norm(v1.nn.depthwise_conv2d(h, w, [1, 1, 1, 1], "SAME"), "dw_bn", training)
                    )
                    h = tf.nn.relu(batch_norm(conv(h, 8, 1, "pw", activation=None), "pw_bn", training))
            return fc(tf.reduce_mean(h, [1, 2]), 12, name="fc1")

    with tf.name_scope("train"):
        logits = net(True)
        loss = v1.losses.sparse_softmax_cross_entropy(truth, logits)
        with v1.control_dependencies(v1.get_collection(v1.GraphKeys.UPDATE_OPS)):
            rate = v1.placeholder(tf.float32, [], name="learning_rate_input")
            v1.train.AdamOptimizer(rate).minimize(loss)
    with tf.name_scope("eval"):
        scores = net(False)
        predicted = tf.argmax(scores, 1)
        v1.summary.scalar("accuracy", tf.reduce_mean(tf.cast(tf.equal(predicted, truth), tf.float32)))
        tf.math.confusion_matrix(truth, predicted, num_classes=12)
        out = tf.nn.softmax(scores, name="labels_softmax")
    return [mfcc], [out]


@case("speech")
def voices_by_statistics_over_time() -> Truths:
    """x-vectors: frames, mean and deviation over time; two segment layers, classes only to train."""
    features = v1.placeholder(tf.float32, [None, None, 20], name="pool_input")
    speakers = v1.placeholder(tf.int32, [None], name="speakers")
    phase = v1.placeholder(tf.bool, name="phase")
    h = features
    for i, size in enumerate((5, 3, 1)):
        with v1.variable_scope(f"frame_level_info_layer-{i}"):
            h = conv1d(h, 12, size, "conv", activation=None, padding="VALID")
            h = tf.nn.relu(batch_norm(h, "bn", phase))
    mean, variance = tf.nn.moments(h, 1)
    h = tf.concat([mean, tf.sqrt(variance + 1e-6)], 1, name="stats")
    with v1.variable_scope("embed_layer-0"):
        embedding = fc(h, 10, name="a")
        h = tf.nn.relu(batch_norm(embedding, "bn", phase))
    with v1.variable_scope("embed_layer-1"):
        h = fc(h, 10, name="b")
        h = tf.nn.relu(batch_norm(h, "bn", phase))
    logits = fc(h, 40, name="output")
    loss = cross_entropy(logits, speakers)
    with v1.control_dependencies(v1.get_collection(v1.GraphKeys.UPDATE_OPS)):
        clipped(loss, v1.train.MomentumOptimizer(0.01, 0.9, use_nesterov=True))
    same = tf.equal(tf.argmax(logits, 1, output_type=tf.int32), speakers)
    tf.reduce_mean(tf.cast(same, tf.float32), name="accuracy")
    return [([features], [embedding]), ([features], [logits])]


@case("speech")
def spectrogram_frame_by_frame_from_letters() -> Truths:
    """Tacotron: the decoder feeds itself in a loop; mel frames, a linear spectrogram, the alignments."""
    inputs = v1.placeholder(tf.int32, [1, None], "inputs")
    lengths = v1.placeholder(tf.int32, [1], "input_lengths")
    with v1.variable_scope("inference"):
        x = tf.nn.embedding_lookup(v1.get_variable("embedding", [66, 10]), inputs)
        x = fc(fc(x, 16, tf.nn.relu, "prenet/dense_1"), 10, tf.nn.relu, "prenet/dense_2")
        bank = tf.concat([conv1d(x, 8, k, f"encoder_cbhg/conv1d_{k}") for k in (1, 2, 3)], -1)
        x = conv1d(v1.nn.max_pool1d(bank, 2, 1, "SAME"), 10, 3, "encoder_cbhg/proj_2", activation=None) + x
        memory, _ = both_ways(x, 6, lengths, "encoder_cbhg")
        cell, keys = Gru(12), fc(memory, 12, name="memory_layer", bias=False)

        def frame(t: Tensor, last: Tensor, state: Tensor, mels: Any, aligned: Any) -> Any:
            p = fc(
                fc(last, 16, tf.nn.relu, "decoder_prenet/dense_1"), 8, tf.nn.relu, "decoder_prenet/dense_2"
            )
            out, state = cell(p, state, "attention_cell")
            e = tf.reduce_sum(
                tf.tanh(keys + fc(out, 12, name="query")[:, None]) * weight("attention_v", [12]), 2
            )
            a = tf.nn.softmax(e)
            h = tf.concat([out, tf.einsum("bt,btd->bd", a, memory)], 1)
            mel = fc(h, 20, name="output_projection")
            return t + 1, mel[:, -10:], state, mels.write(t, mel), aligned.write(t, a)

        limit = tf.constant(30)
        arrays = [tf.TensorArray(tf.float32, 0, True) for _ in range(2)]
        start = [0, tf.zeros([1, 10]), cell.zero_state(1, tf.float32), *arrays]
        _, _, _, mels, aligned = v1.while_loop(
            lambda t, last, *_: tf.logical_and(t < limit, tf.logical_or(t < 2, tf.reduce_max(last) > 0.2)),
            frame,
            start,
        )
        mel_outputs = tf.reshape(tf.transpose(mels.stack(), [1, 0, 2]), [1, -1, 10])
        post, _ = both_ways(conv1d(mel_outputs, 10, 5, "post_cbhg/conv"), 6, None, "post_cbhg")
        linear_outputs = fc(post, 33, name="linear")
        alignments = tf.transpose(aligned.stack(), [1, 2, 0])
    feeds = [inputs, lengths]
    return [
        (feeds, [linear_outputs]),
        (feeds, [mel_outputs, linear_outputs]),
        (feeds, [mel_outputs, linear_outputs, alignments]),
    ]


@case("speech")
def singing_and_music_from_their_mixture() -> Truth:
    """Two soft masks on the mixture's magnitudes; the loss also wants each voice unlike the other."""
    mixed = v1.placeholder(tf.float32, [None, None, 65], name="x_mixed")
    y1 = v1.placeholder(tf.float32, [None, None, 65], name="y_src1")
    y2 = v1.placeholder(tf.float32, [None, None, 65], name="y_src2")
    h = mixed
    for i in range(2):
        with v1.variable_scope(f"rnn{i}"):
            h, _ = v1.nn.dynamic_rnn(Gru(12), h, dtype=tf.float32)
    hat1 = fc(h, 65, tf.nn.relu, "y_hat_src1")
    hat2 = fc(h, 65, tf.nn.relu, "y_hat_src2")
    tilde1 = hat1 / (hat1 + hat2 + 1e-7) * mixed
    tilde2 = hat2 / (hat1 + hat2 + 1e-7) * mixed
    apart = tf.square(y1 - tilde2) + tf.square(y2 - tilde1)
    loss = tf.reduce_mean(tf.square(y1 - tilde1) + tf.square(y2 - tilde2) - 0.05 * apart)
    step = v1.Variable(0, dtype=tf.int32, trainable=False, name="global_step")
    v1.train.AdamOptimizer(1e-4).minimize(loss, global_step=step)
    v1.summary.scalar("loss", loss)
    v1.summary.histogram("tilde1", tilde1)
    return [mixed], [tilde1, tilde2]


@case("speech", plain=True)
def samples_from_mel_frames_one_at_a_time() -> Truths:
    """A vocoder: frames stretched to samples, a recurrent net, classes of the next sample's level."""
    mel = v1.placeholder(tf.float32, [None, 6, 20], name="local_condition")
    wave = v1.placeholder(tf.float32, [None, 48], name="audio")
    level = v1.placeholder(tf.int32, [None, 48], name="quantized")
    up = tf.repeat(mel, 8, axis=1)
    up = conv1d(up, 8, 9, "smooth", activation=None)
    before = tf.concat([tf.zeros_like(wave[:, :1]), wave[:, :-1]], 1)[..., None]
    h = fc(tf.concat([up, before], 2), 16, name="I")
    out, _ = v1.nn.dynamic_rnn(Gru(16), h, dtype=tf.float32)
    h = fc(tf.concat([out + h, up], 2), 16, tf.nn.relu, "fc1")
    logits = fc(h, 64, name="fc3")
    probs = tf.nn.softmax(logits, name="posterior")
    loss = tf.reduce_mean(v1.nn.sparse_softmax_cross_entropy_with_logits(labels=level, logits=logits))
    v1.train.AdamOptimizer(1e-4).minimize(loss)
    flat = tf.reshape(logits, [-1, 64])
    drawn = tf.reshape(v1.multinomial(flat, 1), tf.shape(wave))
    sample = 2.0 * tf.cast(drawn, tf.float32) / 63.0 - 1.0
    heard = tf.identity(sample, name="sampled_audio")
    return [([mel, wave], [probs]), ([mel, wave], [heard])]


@case("audio")
def sounds_of_the_street_with_frozen_front() -> Truths:
    """VGG-like embedding of log mel patches, and on it a small head of several labels at once."""
    with v1.variable_scope("vggish"):
        features = v1.placeholder(tf.float32, [None, 24, 16], name="input_features")
        h = tf.reshape(features, [-1, 24, 16, 1])
        for i, filters in enumerate((4, 8)):
            h = pool(conv(h, filters, 3, f"conv{i + 1}"))
        h = fc(flatten(h), 32, tf.nn.relu, "fc1/fc1_1")
        embedding = tf.identity(fc(h, 12, tf.nn.relu, "fc2"), name="embedding")
    frozen = set(v1.trainable_variables())
    with v1.variable_scope("mymodel"):
        h = fc(embedding, 10, tf.nn.relu, "fc1")
        logits = fc(h, 3, name="logits")
        prediction = tf.sigmoid(logits, name="prediction")
        with v1.variable_scope("train"):
            labels = v1.placeholder(tf.float32, [None, 3], name="labels")
            xent = v1.nn.sigmoid_cross_entropy_with_logits(logits=logits, labels=labels, name="xent")
            loss = tf.reduce_mean(xent, name="loss_op")
            v1.summary.scalar("loss", loss)
            own = [v for v in v1.trainable_variables() if v not in frozen]
            v1.train.AdamOptimizer(1e-4, epsilon=1e-8).minimize(loss, var_list=own, name="train_op")
    return [([features], [prediction]), ([features], [prediction, embedding])]
