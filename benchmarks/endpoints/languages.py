"""Nets that write: language models, translation, taggers that choose the best path."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import tensorflow as tf

from benchmarks.endpoints.cases import Truth, Truths, case
from benchmarks.endpoints.habits import both_ways, clipped, fc
from benchmarks.endpoints.layers import Gru, Lstm, layer_norm, v1, weight

Tensor = Any


def _ptb(ids: Tensor, targets: Tensor, keep: float, training: bool) -> tuple[Tensor, Tensor, Any, Any]:
    """One tower of the model: logits for all words, the same flat, the state before and after."""
    batch, steps = (int(d) for d in ids.shape)
    inputs = tf.nn.embedding_lookup(v1.get_variable("embedding", [80, 12]), ids)
    if keep < 1:
        inputs = v1.nn.dropout(inputs, keep)
    cell = Lstm(12, keep=keep if keep < 1 else None)
    initial = state = cell.zero_state(batch, tf.float32)
    outputs = []
    with v1.variable_scope("RNN"):
        for t in range(steps):
            out, state = cell(inputs[:, t], state)
            outputs.append(out)
    output = tf.reshape(tf.concat(outputs, 1), [-1, 12])
    w, b = v1.get_variable("softmax_w", [12, 80]), v1.get_variable("softmax_b", [80])
    flat = v1.nn.xw_plus_b(output, w, b)
    logits = tf.reshape(flat, [batch, steps, 80])
    nll = v1.nn.sparse_softmax_cross_entropy_with_logits(labels=targets, logits=logits)
    cost = tf.reduce_sum(tf.reduce_mean(nll, 0))
    if training:
        rate = v1.Variable(0.0, trainable=False)
        step = v1.train.get_or_create_global_step()
        clipped(cost, v1.train.GradientDescentOptimizer(rate), 5.0, step)
        v1.assign(rate, v1.placeholder(tf.float32, [], name="new_learning_rate"))
    return logits, flat, initial, state


@case("language")
def penn_words_in_three_towers() -> Truths:
    """Train, Valid and Test towers on producers of raw words; states go out and are fed back by hand."""
    results = []
    for name, batch, steps in (("Train", 4, 5), ("Valid", 4, 5), ("Test", 1, 1)):
        with tf.name_scope(name):
            raw = tf.constant(np.arange(400) % 80, tf.int32, name="raw_data")
            length = 400 // batch
            data = tf.reshape(raw[: batch * length], [batch, length])
            with v1.variable_scope("PTBProducer", reuse=v1.AUTO_REUSE):
                i = v1.train.range_input_producer((length - 1) // steps, shuffle=False).dequeue()
                x = v1.strided_slice(data, [0, i * steps], [batch, (i + 1) * steps])
                y = v1.strided_slice(data, [0, i * steps + 1], [batch, (i + 1) * steps + 1])
            x.set_shape([batch, steps])
            y.set_shape([batch, steps])
            with v1.variable_scope("Model", reuse=name != "Train"):
                results.append((x, _ptb(x, y, 0.8 if name == "Train" else 1.0, name == "Train")))
    x, (logits, flat, initial, final) = results[2]
    return [([x], [logits]), ([x], [flat]), ([x, *initial], [logits, *final])]


@case("language")
def windows_of_words_before() -> Truth:
    """Bengio's neural language model: n words in, the next one out, a direct connection around."""
    inputs = v1.placeholder(tf.int64, [None, 4], name="x")
    target = v1.placeholder(tf.int64, [None, 1])
    c = v1.Variable(tf.random.uniform([90, 8], -1.0, 1.0), name="C")
    x = tf.reshape(tf.nn.embedding_lookup(c, inputs), [-1, 32])
    h = tf.tanh(tf.matmul(x, weight("H", [32, 16])) + v1.Variable(tf.zeros([16]), name="d"))
    y = tf.matmul(h, weight("U", [16, 90])) + tf.matmul(x, weight("W", [32, 90]))
    probs = tf.nn.softmax(y + v1.Variable(tf.zeros([90]), name="b"))
    one_hot = tf.one_hot(tf.squeeze(target, [1]), 90, 1.0, 0.0)
    loss = -tf.reduce_mean(tf.reduce_sum(v1.log(probs) * one_hot, 1))
    clipped(loss, v1.train.AdagradOptimizer(0.1))
    normalized = c / tf.sqrt(tf.reduce_sum(tf.square(c), 1, keepdims=True))
    tf.identity(normalized, name="normalized_embeddings")
    return [inputs], [probs]


@case("language")
def blocks_with_kept_keys_and_values() -> Truths:
    """GPT-2's way: shifted loss on its own input, the presents of each block stacked for the next call."""
    tokens = v1.placeholder(tf.int32, [2, None])
    with v1.variable_scope("model"):
        wpe, wte = weight("wpe", [32, 16]), weight("wte", [60, 16])
        h = tf.gather(wte, tokens) + tf.gather(wpe, tf.range(tf.shape(tokens)[1]))
        presents = []
        for layer in range(2):
            with v1.variable_scope(f"h{layer}"):
                c = fc(layer_norm(h, "ln_1"), 48, name="c_attn")
                parts = tf.split(c, 3, 2)
                n = tf.shape(h)[1]
                q, k, v = (
                    tf.transpose(tf.reshape(p, [2, n, 2, 8]), [0, 2, 1, 3]) for p in parts
                )  # fmt: skip
                presents.append(tf.stack([k, v], 1))
                w = tf.matmul(q, k, transpose_b=True) * (1 / math.sqrt(8))
                seen = tf.cast(tf.range(n)[:, None] >= tf.range(n), tf.float32)
                w = w * seen - 1e10 * (1 - seen)
                a = tf.reshape(tf.transpose(tf.matmul(tf.nn.softmax(w), v), [0, 2, 1, 3]), [2, n, 16])
                h += fc(a, 16, name="c_proj")
                m = fc(layer_norm(h, "ln_2"), 64, tf.nn.relu, "mlp/c_fc")
                h += fc(m, 16, name="mlp/c_proj")
        flat = tf.reshape(layer_norm(h, "ln_f"), [-1, 16])
        logits = tf.reshape(tf.matmul(flat, wte, transpose_b=True), [2, tf.shape(tokens)[1], 60])
        present = tf.stack(presents, 1)
    loss = tf.reduce_mean(
        v1.nn.sparse_softmax_cross_entropy_with_logits(labels=tokens[:, 1:], logits=logits[:, :-1])
    )
    v1.train.AdamOptimizer(2e-5).minimize(loss)
    v1.summary.scalar("loss", loss)
    return [([tokens], [logits]), ([tokens], [logits, present])]


@case("translation")
def translates_greedily_with_attention() -> Truths:
    """Teacher forcing trains; a second decoder with the same weights feeds itself and gives the words."""
    source = v1.placeholder(tf.int32, [None, None], name="src")
    source_length = v1.placeholder(tf.int32, [None], name="src_len")
    target = v1.placeholder(tf.int32, [None, None], name="tgt")
    target_length = v1.placeholder(tf.int32, [None], name="tgt_len")
    table = v1.get_variable("embed", [50, 12])
    memory, states = both_ways(tf.nn.embedding_lookup(table, source), 6, source_length, "encoder")
    start = tf.concat([s[1] for s in states], 1)
    bias = (1.0 - tf.sequence_mask(source_length, tf.shape(source)[1], tf.float32)) * -1e9
    cell = Gru(12)

    def step(word: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        with v1.variable_scope("decoder", reuse=v1.AUTO_REUSE):
            out, state = cell(tf.nn.embedding_lookup(table, word), state)
            keys = fc(memory, 12, name="luong", bias=False)
            align = tf.nn.softmax(tf.einsum("bd,btd->bt", out, keys) + bias)
            context = tf.einsum("bt,btd->bd", align, memory)
            joined = fc(tf.concat([out, context], 1), 12, tf.tanh, "attention_layer", bias=False)
            return fc(joined, 50, name="output_projection"), state

    batch, steps = tf.shape(target)[0], tf.shape(target)[1]
    given = tf.concat([tf.fill([batch, 1], 1), target[:, :-1]], 1)
    trained = v1.while_loop(
        lambda t, *_: t < steps,
        lambda t, state, seen: _append(t, seen, step(given[:, t], state)),
        [0, start, tf.zeros([batch, 0, 50])],
        shape_invariants=[tf.TensorShape([]), start.shape, tf.TensorShape([None, None, 50])],
    )[2]
    crossed = v1.nn.sparse_softmax_cross_entropy_with_logits(labels=target, logits=trained)
    cost = tf.reduce_sum(crossed * tf.sequence_mask(target_length, steps, tf.float32)) / tf.cast(
        batch, tf.float32
    )
    clipped(cost, v1.train.AdamOptimizer(), 1.0)

    count = tf.shape(source)[0]

    def greedy(t: Tensor, word: Tensor, state: Tensor, ids: Any, done: Tensor) -> Any:
        logits, state = step(word, state)
        word = tf.where(done, tf.fill([count], 2), tf.argmax(logits, 1, output_type=tf.int32))
        return t + 1, word, state, ids.write(t, word), tf.logical_or(done, tf.equal(word, 2))

    limit = 2 * tf.reduce_max(source_length)
    found = v1.while_loop(
        lambda t, w, s, i, done: tf.logical_and(t < limit, tf.logical_not(tf.reduce_all(done))),
        greedy,
        [0, tf.fill([count], 1), start, tf.TensorArray(tf.int32, 0, True), tf.zeros([count], tf.bool)],
        shape_invariants=[tf.TensorShape(s) for s in ([], [None], start.shape, None, [None])],
    )
    sample = tf.transpose(found[3].stack(), name="sample_id")
    return [source, source_length], [sample]


def _append(t: Tensor, seen: Tensor, made: tuple[Tensor, Tensor]) -> Any:
    """The next step's loop variables, the new logits behind those before."""
    return t + 1, made[1], tf.concat([seen, made[0][:, None]], 1)


@case("translation", plain=True)
def captions_by_a_beam_of_three() -> Truths:
    """An unrolled beam search from a feature vector: the best sequences and their log probabilities."""
    features = v1.placeholder(tf.float32, [1, 32], name="image_feature")
    table, cell = weight("map/embedding", [30, 10]), Lstm(10)
    with v1.variable_scope("lstm", reuse=v1.AUTO_REUSE):
        _, state = cell(fc(features, 10, name="image_embedding"), cell.zero_state(1, tf.float32))
    words = tf.fill([3], 1)
    state = tuple(tf.tile(s, [3, 1]) for s in state)
    scores = tf.constant([0.0, -1e9, -1e9])
    paths = tf.zeros([3, 0], tf.int32)
    for _ in range(5):
        with v1.variable_scope("lstm", reuse=v1.AUTO_REUSE):
            out, state = cell(tf.nn.embedding_lookup(table, words), state)
        logp = tf.nn.log_softmax(fc(out, 30, name="logits"))
        scores, index = tf.nn.top_k(tf.reshape(scores[:, None] + logp, [-1]), 3)
        parents, words = index // 30, index % 30
        state = tuple(tf.gather(s, parents) for s in state)
        paths = tf.concat([tf.gather(paths, parents), words[:, None]], 1)
    ids = tf.identity(paths, name="captions")
    best = tf.identity(scores, name="captions_log_prob")
    return [([features], [ids, best]), ([features], [ids])]


@case("translation")
def summaries_that_copy_words() -> Truths:
    """Pointer-generator: a mixed distribution over words and the article's positions, coverage loss."""
    article = v1.placeholder(tf.int32, [4, 12], name="enc_batch")
    lengths = v1.placeholder(tf.int32, [4], name="enc_lens")
    extended = v1.placeholder(tf.int32, [4, 12], name="enc_batch_extend_vocab")
    oovs = v1.placeholder(tf.int32, [], name="max_art_oovs")
    given = v1.placeholder(tf.int32, [4, 6], name="dec_batch")
    target = v1.placeholder(tf.int32, [4, 6], name="target_batch")
    mask = v1.placeholder(tf.float32, [4, 6], name="dec_padding_mask")
    with v1.variable_scope("seq2seq"):
        table = v1.get_variable("embedding/embedding", [40, 10])
        states, (fw, bw) = both_ways(tf.nn.embedding_lookup(table, article), 6, lengths, "encoder")
        state = (
            fc(tf.concat([fw[0], bw[0]], 1), 6, tf.nn.relu, "reduce_final_st/c"),
            fc(tf.concat([fw[1], bw[1]], 1), 6, tf.nn.relu, "reduce_final_st/h"),
        )
        inputs = tf.unstack(tf.nn.embedding_lookup(table, given), axis=1)
        cell, coverage, context = Lstm(6), tf.zeros([4, 12]), tf.zeros([4, 12])
        finals, penalties = [], []
        for x in inputs:
            with v1.variable_scope("decoder", reuse=v1.AUTO_REUSE):
                x = fc(tf.concat([x, context], 1), 10, name="input_linear")
                out, state = cell(x, state)
                features = (
                    fc(states, 12, name="w_h", bias=False) + fc(tf.concat(state, 1), 12, name="s")[:, None]
                )
                features += coverage[:, :, None] * v1.get_variable("w_c", [12])
                e = tf.reduce_sum(v1.get_variable("v", [12]) * tf.tanh(features), 2)
                attn = tf.nn.softmax(e) * tf.sequence_mask(lengths, 12, tf.float32)
                attn /= tf.reduce_sum(attn, 1, keepdims=True)
                penalties.append(tf.reduce_sum(tf.minimum(attn, coverage), 1))
                coverage += attn
                context = tf.reduce_sum(attn[:, :, None] * states, 1)
                p_gen = fc(tf.concat([context, state[0], state[1], x], 1), 1, tf.sigmoid, "calculate_pgen")
                out = fc(tf.concat([out, context], 1), 6, name="AttnOutputProjection")
                vocabulary = p_gen * tf.nn.softmax(fc(out, 40, name="output_projection"))
            vocabulary = tf.concat([vocabulary, tf.zeros([4, oovs])], 1)
            place = tf.stack([tf.tile(tf.range(4)[:, None], [1, 12]), extended], 2)
            copied = tf.scatter_nd(place, (1 - p_gen) * attn, [4, 40 + oovs])
            finals.append(vocabulary + copied)
        probs, ids = tf.nn.top_k(finals[-1], 8)
        scores = v1.log(probs, name="topk_log_probs")
    losses = []
    for i, dist in enumerate(finals):
        gold = tf.gather_nd(dist, tf.stack([tf.range(4), target[:, i]], 1))
        losses.append(-v1.log(gold + 1e-10) + penalties[i])
    loss = tf.reduce_mean(tf.add_n([v * mask[:, i] for i, v in enumerate(losses)]))
    v1.summary.scalar("loss", loss)
    v1.summary.scalar("coverage_loss", tf.reduce_mean(tf.add_n(penalties)))
    clipped(loss, v1.train.AdagradOptimizer(0.15, initial_accumulator_value=0.1), 2.0)
    feeds = [article, lengths, extended, oovs, given]
    return [(feeds, [ids, scores]), (feeds, finals)]


@case("translation")
def chat_with_lists_of_placeholders() -> Truths:
    """The first seq2seq tutorials: a placeholder a step, targets are the decoder's inputs shifted by one."""
    encoder = [v1.placeholder(tf.int32, [None], name=f"encoder{i}") for i in range(5)]
    decoder = [v1.placeholder(tf.int32, [None], name=f"decoder{i}") for i in range(6)]
    weights = [v1.placeholder(tf.float32, [None], name=f"weight{i}") for i in range(6)]
    with v1.variable_scope("embedding_rnn_seq2seq"):
        e, d = weight("rnn/embedding", [35, 10]), weight("embedding_rnn_decoder/embedding", [35, 10])
        cell = Gru(10)
        state = cell.zero_state(tf.shape(encoder[0])[0], tf.float32)
        for x in encoder:
            state = cell(tf.nn.embedding_lookup(e, x), state, "rnn/gru_cell")[1]
        outputs = []
        for x in decoder[:-1]:
            out, state = cell(tf.nn.embedding_lookup(d, x), state, "embedding_rnn_decoder/gru_cell")
            outputs.append(fc(out, 35, name="proj"))
    losses = []
    for logits, target, w in zip(outputs, decoder[1:], weights, strict=False):
        losses.append(v1.nn.sparse_softmax_cross_entropy_with_logits(labels=target, logits=logits) * w)
    total = tf.add_n(weights[:-1]) + 1e-12
    loss = tf.reduce_sum(tf.add_n(losses) / total) / tf.cast(tf.shape(decoder[0])[0], tf.float32)
    clipped(loss, v1.train.GradientDescentOptimizer(v1.Variable(0.5, trainable=False)))
    return [*encoder, *decoder[:-1]], outputs
