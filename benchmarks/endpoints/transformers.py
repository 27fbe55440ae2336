"""Nets after BERT: pre-training, sentences and pairs, spans, tokens, translation."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from benchmarks.endpoints.cases import Truth, Truths, case
from benchmarks.endpoints.habits import clipped, fc
from benchmarks.endpoints.layers import attention, layer_norm, v1, weight

Tensor = Any


def _gelu(x: Tensor) -> Tensor:
    return x * 0.5 * (1.0 + tf.math.erf(x / tf.sqrt(2.0)))


def _encoder(
    ids: Tensor, mask: Tensor, segments: Tensor, *, training: bool = False, layers: int = 2, width: int = 16
) -> tuple[Tensor, Tensor, Tensor]:
    """The sequence's vectors, the pooled first one, and the table of word vectors."""
    with v1.variable_scope("bert", reuse=v1.AUTO_REUSE):
        with v1.variable_scope("embeddings"):
            table = weight("word_embeddings", [70, width])
            x = tf.gather(table, ids)
            kinds = weight("token_type_embeddings", [2, width])
            one_hot = tf.one_hot(tf.reshape(segments, [-1]), depth=2)
            x += tf.reshape(tf.matmul(one_hot, kinds), tf.shape(x))
            x += weight("position_embeddings", [64, width])[: int(ids.shape[1])]
            x = layer_norm(x, "LayerNorm")
            if training:
                x = v1.nn.dropout(x, keep_prob=0.9)
        with v1.variable_scope("encoder"):
            for i in range(layers):
                with v1.variable_scope(f"layer_{i}"):
                    a = attention(x, 2, "attention", mask)
                    if training:
                        a = v1.nn.dropout(a, keep_prob=0.9)
                    x = layer_norm(x + a, "attention_norm")
                    h = fc(x, 2 * width, _gelu, "intermediate/dense")
                    x = layer_norm(x + fc(h, width, name="output/dense"), "output_norm")
        with v1.variable_scope("pooler"):
            pooled = fc(tf.squeeze(x[:, 0:1, :], axis=1), width, tf.tanh, "dense")
    return x, pooled, table


def _features(length: int, **extra: Any) -> dict[str, Tensor]:
    """A batch of parsed records, as an Estimator's input function makes it."""
    names = {"input_ids": [length], "input_mask": [length], "segment_ids": [length], **extra}

    def decode(record: Tensor) -> dict[str, Tensor]:
        example = v1.parse_single_example(
            record, {name: v1.FixedLenFeature(shape, tf.int64) for name, shape in names.items()}
        )
        return {name: tf.cast(value, tf.int32) for name, value in example.items()}

    records = tf.data.TFRecordDataset(["train.tf_record"]).repeat().map(decode)
    batches = records.batch(4, drop_remainder=True)
    batch: dict[str, Tensor] = v1.data.make_one_shot_iterator(batches).get_next()
    return batch


def _adam_weight_decay(loss: Tensor) -> None:
    step = v1.train.get_or_create_global_step()
    rate = v1.train.polynomial_decay(5e-5, step, 1000, 0.0, power=1.0)
    warm = tf.cast(step, tf.float32) / 100.0 * 5e-5
    rate = tf.where(step < 100, warm, rate)
    clipped(loss, v1.train.AdamOptimizer(rate, epsilon=1e-6), 1.0, step)


@case("transformer")
def masked_words_and_next_sentence() -> Truths:
    """BERT's pre-training graph by placeholders: two log softmax heads, metrics from their argmax."""
    ids = v1.placeholder(tf.int32, [None, 16], name="input_ids")
    mask = v1.placeholder(tf.int32, [None, 16], name="input_mask")
    segments = v1.placeholder(tf.int32, [None, 16], name="segment_ids")
    positions = v1.placeholder(tf.int32, [None, 3], name="masked_lm_positions")
    masked_ids = v1.placeholder(tf.int32, [None, 3], name="masked_lm_ids")
    masked_weights = v1.placeholder(tf.float32, [None, 3], name="masked_lm_weights")
    following = v1.placeholder(tf.int32, [None, 1], name="next_sentence_labels")
    sequence, pooled, table = _encoder(ids, mask, segments, training=True)
    offsets = tf.reshape(tf.range(0, tf.shape(sequence)[0]) * 16, [-1, 1])
    picked = tf.gather(tf.reshape(sequence, [-1, 16]), tf.reshape(positions + offsets, [-1]))
    with v1.variable_scope("cls/predictions"):
        h = layer_norm(fc(picked, 16, _gelu, "transform/dense"), "transform")
        logits = tf.matmul(h, table, transpose_b=True)
        words = tf.nn.log_softmax(tf.nn.bias_add(logits, weight("output_bias", [70])), axis=-1)
        per_example = -tf.reduce_sum(words * tf.one_hot(tf.reshape(masked_ids, [-1]), 70), [-1])
        given = tf.reshape(masked_weights, [-1])
        masked_loss = tf.reduce_sum(given * per_example) / (tf.reduce_sum(given) + 1e-5)
    with v1.variable_scope("cls/seq_relationship"):
        pair = tf.matmul(pooled, weight("output_weights", [2, 16]), transpose_b=True)
        next_log = tf.nn.log_softmax(tf.nn.bias_add(pair, weight("output_bias", [2])), axis=-1)
        one_hot = tf.one_hot(tf.reshape(following, [-1]), depth=2, dtype=tf.float32)
        next_loss = tf.reduce_mean(-tf.reduce_sum(one_hot * next_log, axis=-1))
    _adam_weight_decay(masked_loss + next_loss)
    guessed = tf.argmax(words, axis=-1, output_type=tf.int32)
    v1.metrics.accuracy(tf.reshape(masked_ids, [-1]), guessed, given)
    next_guess = tf.argmax(next_log, axis=-1, output_type=tf.int32)
    v1.metrics.accuracy(tf.reshape(following, [-1]), next_guess)
    feeds = [ids, mask, segments]
    return [
        ([*feeds, positions], [words, next_log]),
        (feeds, [sequence, pooled]),
        (feeds, [pooled]),
        ([*feeds, positions], [guessed, next_guess]),
    ]


@case("transformer")
def sentence_classes_from_records() -> Truth:
    """run_classifier from TFRecords: probabilities, log softmax beside them for the loss."""
    batch = _features(12, label_ids=[])
    _, pooled, _ = _encoder(batch["input_ids"], batch["input_mask"], batch["segment_ids"], training=True)
    w, b = weight("output_weights", [3, 16]), weight("output_bias", [3])
    with v1.variable_scope("loss"):
        h = v1.nn.dropout(pooled, keep_prob=0.9)
        logits = tf.nn.bias_add(tf.matmul(h, w, transpose_b=True), b)
        probabilities = tf.nn.softmax(logits, axis=-1)
        logs = tf.nn.log_softmax(logits, axis=-1)
        one_hot = tf.one_hot(batch["label_ids"], depth=3, dtype=tf.float32)
        loss = tf.reduce_mean(-tf.reduce_sum(one_hot * logs, axis=-1))
    _adam_weight_decay(loss)
    return [batch["input_ids"], batch["input_mask"], batch["segment_ids"]], [probabilities]


@case("transformer")
def answers_as_spans_with_ids_passed_through() -> Truths:
    """SQuAD: start and end logits unstacked from one layer, unique ids go straight through."""
    unique = v1.placeholder(tf.int32, [None], name="unique_ids")
    ids = v1.placeholder(tf.int32, [None, 24], name="input_ids")
    mask = v1.placeholder(tf.int32, [None, 24], name="input_mask")
    segments = v1.placeholder(tf.int32, [None, 24], name="segment_ids")
    starts = v1.placeholder(tf.int32, [None], name="start_positions")
    ends = v1.placeholder(tf.int32, [None], name="end_positions")
    final, _, _ = _encoder(ids, mask, segments)
    w, b = weight("cls/squad/output_weights", [2, 16]), weight("cls/squad/output_bias", [2])
    logits = tf.nn.bias_add(tf.matmul(tf.reshape(final, [-1, 16]), w, transpose_b=True), b)
    logits = tf.transpose(tf.reshape(logits, [-1, 24, 2]), [2, 0, 1])
    start, end = tf.unstack(logits, axis=0)
    losses = []
    for part, position in ((start, starts), (end, ends)):
        one_hot = tf.one_hot(position, depth=24, dtype=tf.float32)
        losses.append(-tf.reduce_mean(tf.reduce_sum(one_hot * tf.nn.log_softmax(part), axis=-1)))
    _adam_weight_decay((losses[0] + losses[1]) / 2.0)
    passed = tf.identity(unique, name="unique_ids_out")
    feeds = [ids, mask, segments]
    return [(feeds, [start, end]), ([unique, *feeds], [passed, start, end])]


@case("transformer", frozen=True)
def frozen_names_in_sentences() -> Truths:
    """Entities by token, frozen for a server: probabilities and the best tag, both named."""
    ids = v1.placeholder(tf.int32, [None, 16], "input_ids")
    mask = v1.placeholder(tf.int32, [None, 16], "input_mask")
    x, _, _ = _encoder(ids, mask, tf.zeros_like(ids))
    probs = tf.nn.softmax(fc(x, 7, name="tagger"), name="probabilities")
    pred_ids = tf.argmax(probs, -1, name="pred_ids")
    feeds = [ids, mask]
    return [(feeds, [pred_ids]), (feeds, [probs, pred_ids]), (feeds, [probs])]


@case("transformer")
def similarity_of_two_sentences_as_a_number() -> Truth:
    """STS-B: one number from the pooled vector, squared error, a Pearson metric."""
    with v1.variable_scope("inputs"):
        ids = v1.placeholder(tf.int64, [8, 20])
        mask = v1.placeholder(tf.int64, [8, 20])
        kinds = v1.placeholder(tf.int64, [8, 20])
        gold = v1.placeholder(tf.float32, [8])
    _, pooled, _ = _encoder(ids, mask, kinds, training=True, layers=1)
    prediction = tf.squeeze(fc(v1.nn.dropout(pooled, keep_prob=0.9), 1, name="regression"), [-1])
    per_example = tf.square(prediction - gold)
    _adam_weight_decay(tf.reduce_mean(per_example))
    dp, dg = prediction - tf.reduce_mean(prediction), gold - tf.reduce_mean(gold)
    pearson = tf.reduce_sum(dp * dg) / tf.sqrt(tf.reduce_sum(dp**2) * tf.reduce_sum(dg**2))
    v1.summary.scalar("eval/pearson", pearson)
    v1.summary.histogram("eval/pred", prediction)
    return [ids, mask, kinds], [prediction]


@case("transformer", modern=True)
def which_words_were_replaced() -> Truths:
    """ELECTRA: a small generator corrupts the text, the discriminator says which words are new."""
    ids = v1.placeholder(tf.int32, [None, 16], name="input_ids")
    mask = v1.placeholder(tf.int32, [None, 16], name="input_mask")
    segments = v1.placeholder(tf.int32, [None, 16], name="segment_ids")
    hidden = v1.placeholder(tf.float32, [None, 16], name="masked_positions")
    covered = tf.where(hidden > 0, tf.fill(tf.shape(ids), 3), ids)
    with v1.variable_scope("generator"):
        g, _, table = _encoder(covered, mask, segments, layers=1, width=8)
        lm = tf.einsum("btd,vd->btv", g, table) + weight("generator_lm_bias", [70])
    noise = -v1.log(-v1.log(tf.random.uniform(tf.shape(lm), 1e-6, 1.0)))
    sampled = tf.argmax(tf.stop_gradient(lm) + noise, -1, output_type=tf.int32)
    fake = tf.where(hidden > 0, sampled, ids)
    labels = tf.cast(tf.not_equal(fake, ids), tf.float32)
    with v1.variable_scope("electra"):
        d, _, _ = _encoder(fake, mask, segments)
    logits = tf.squeeze(fc(fc(d, 16, _gelu, "discriminator_predictions/dense"), 1, name="out"), -1)
    probs = tf.nn.sigmoid(logits)
    preds = tf.cast(tf.round((tf.sign(logits) + 1) / 2), tf.int32)
    m = tf.cast(mask, tf.float32)
    mlm = v1.nn.sparse_softmax_cross_entropy_with_logits(labels=ids, logits=lm)
    loss = tf.reduce_sum(mlm * hidden) / (tf.reduce_sum(hidden) + 1e-6)
    rtd = v1.nn.sigmoid_cross_entropy_with_logits(labels=labels, logits=logits) * m
    loss += 50.0 * tf.reduce_sum(rtd) / tf.reduce_sum(m)
    _adam_weight_decay(loss)
    feeds = [ids, mask, segments]
    alone = [fake, mask, segments]
    return [
        ([*feeds, hidden], [probs, preds]), ([*feeds, hidden], [probs]), (alone, [probs]), (alone, [d]),
        ([*feeds, hidden], [preds]),
    ]  # fmt: skip


@case("transformer")
def attention_all_the_way_to_translation() -> Truths:
    """A homework Transformer: the target is shifted inside the graph, label smoothing, summaries."""
    x = v1.placeholder(tf.int32, [None, 10])
    y = v1.placeholder(tf.int32, [None, 10])
    shifted = tf.concat((tf.ones_like(y[:, :1]) * 2, y[:, :-1]), -1)
    with v1.variable_scope("encoder"):
        enc = tf.nn.embedding_lookup(weight("lookup_table", [45, 16]), x) * 4.0 + weight("pos", [10, 16])
        enc = layer_norm(enc + attention(enc, 4, "self", tf.sign(x)), "n1")
        enc = layer_norm(enc + fc(fc(enc, 32, tf.nn.relu, "f1"), 16, name="f2"), "n2")
    with v1.variable_scope("decoder"):
        dec = tf.nn.embedding_lookup(weight("lookup_table", [45, 16]), shifted) * 4.0 + weight(
            "pos", [10, 16]
        )
        lower = tf.linalg.band_part(tf.ones([10, 10]), -1, 0)
        for name, keys, causal in (("self", dec, True), ("vanilla", enc, False)):
            q, k, v = (
                fc(dec, 16, tf.nn.relu, f"{name}/q"),
                fc(keys, 16, name=f"{name}/k"),
                fc(keys, 16, name=name),
            )
            scores = tf.matmul(q, tf.transpose(k, [0, 2, 1])) / 4.0
            if causal:
                rows = tf.tile(lower[None], [tf.shape(scores)[0], 1, 1])
                scores = tf.where(tf.equal(rows, 0), tf.ones_like(scores) * (-(2**32) + 1), scores)
            dec = layer_norm(dec + tf.matmul(tf.nn.softmax(scores), v), f"{name}/ln")
    logits = fc(dec, 45)
    preds = tf.cast(tf.argmax(logits, axis=-1), tf.int32)
    istarget = tf.cast(tf.not_equal(y, 0), tf.float32)
    acc = tf.reduce_sum(tf.cast(tf.equal(preds, y), tf.float32) * istarget) / tf.reduce_sum(istarget)
    v1.summary.scalar("acc", acc)
    smoothed = 0.9 * tf.one_hot(y, depth=45) + 0.1 / 45
    loss = v1.nn.softmax_cross_entropy_with_logits_v2(logits=logits, labels=smoothed)
    mean_loss = tf.reduce_sum(loss * istarget) / tf.reduce_sum(istarget)
    step = v1.Variable(0, name="global_step", trainable=False)
    v1.train.AdamOptimizer(1e-4, beta1=0.9, beta2=0.98, epsilon=1e-8).minimize(mean_loss, global_step=step)
    v1.summary.scalar("mean_loss", mean_loss)
    v1.summary.merge_all()
    return [([x, y], [preds]), ([x, y], [logits])]
