"""Nets that tag words, compare sentences and answer questions."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from benchmarks.endpoints.cases import Truth, Truths, case
from benchmarks.endpoints.habits import both_ways, clipped, conv1d, fc
from benchmarks.endpoints.layers import Gru, Lstm, cross_entropy, v1, weight

Tensor = Any


def _crf_loss(scores: Tensor, tags: Tensor, lengths: Tensor, transitions: Tensor) -> Tensor:
    """The negative log likelihood of the tags under a linear chain, averaged over the batch."""
    count = int(scores.shape[-1])
    steps = tf.shape(scores)[1]
    mask = tf.sequence_mask(lengths, steps, tf.float32)
    unary = tf.reduce_sum(tf.reduce_sum(scores * tf.one_hot(tags, count), 2) * mask, 1)
    pairs = tf.gather(tf.reshape(transitions, [-1]), tags[:, :-1] * count + tags[:, 1:])
    binary = tf.reduce_sum(pairs * mask[:, 1:], 1)

    def forward(t: Tensor, alpha: Tensor) -> tuple[Tensor, Tensor]:
        new = tf.reduce_logsumexp(alpha[:, :, None] + transitions, 1) + scores[:, t]
        keep = mask[:, t][:, None]
        return t + 1, keep * new + (1 - keep) * alpha

    _, alpha = v1.while_loop(lambda t, _: t < steps, forward, [1, scores[:, 0]])
    return tf.reduce_mean(tf.reduce_logsumexp(alpha, 1) - unary - binary)


def _viterbi(scores: Tensor, transitions: Tensor, steps: int) -> Tensor:
    """The best path of each row, unrolled."""
    best, back = scores[:, 0], []
    for t in range(1, steps):
        paths = best[:, :, None] + transitions
        back.append(tf.argmax(paths, 1, output_type=tf.int32))
        best = tf.reduce_max(paths, 1) + scores[:, t]
    tags = [tf.argmax(best, 1, output_type=tf.int32)]
    for pointers in reversed(back):
        tags.insert(0, v1.batch_gather(pointers, tags[0][:, None])[:, 0])
    return tf.stack(tags, 1)


@case("tagger")
def letters_and_words_decoded_by_viterbi() -> Truths:
    """Entities: letters and words through LSTMs, a chain over the tags, the best path in the graph."""
    words = v1.placeholder(tf.int32, [None, 9], name="word_ids")
    chars = v1.placeholder(tf.int32, [None, 9, 6], name="char_ids")
    lengths = v1.placeholder(tf.int32, [None], name="sequence_lengths")
    word_lengths = v1.placeholder(tf.int32, [None, 9], name="word_lengths")
    labels = v1.placeholder(tf.int32, [None, 9], name="labels")
    dropout = v1.placeholder(tf.float32, [], name="dropout")
    lr = v1.placeholder(tf.float32, [], name="lr")
    with v1.variable_scope("words"):
        pretrained = v1.Variable(tf.random.normal([150, 10]), name="_word_embeddings", trainable=False)
        w = tf.nn.embedding_lookup(pretrained, words, name="word_embeddings")
    with v1.variable_scope("chars"):
        c = tf.nn.embedding_lookup(v1.get_variable("_char_embeddings", [30, 5]), chars)
        c = tf.reshape(c, [-1, 6, 5])
        _, ((_, fw), (_, bw)) = both_ways(c, 4, tf.reshape(word_lengths, [-1]))
        c = tf.reshape(tf.concat([fw, bw], -1), [-1, 9, 8])
    h = v1.nn.dropout(tf.concat([w, c], -1), dropout)
    with v1.variable_scope("bi-lstm"):
        h, _ = both_ways(h, 6, lengths)
        h = v1.nn.dropout(h, dropout)
    with v1.variable_scope("proj"):
        flat = tf.matmul(tf.reshape(h, [-1, 12]), v1.get_variable("W", [12, 5]))
        logits = tf.reshape(flat + v1.get_variable("b", [5]), [-1, 9, 5])
    transitions = v1.get_variable("transitions", [5, 5])
    loss = _crf_loss(logits, labels, lengths, transitions)
    v1.summary.scalar("loss", loss)
    with v1.variable_scope("train_step"):
        v1.train.AdamOptimizer(lr).minimize(loss)
    path = _viterbi(logits, transitions, 9)
    with v1.variable_scope("eval"):
        right = tf.cast(tf.equal(path, labels), tf.float32) * tf.sequence_mask(lengths, 9, tf.float32)
        v1.summary.scalar("token_accuracy", tf.reduce_sum(right))
    with_lengths = [words, chars, lengths, word_lengths]
    return [(with_lengths, [path]), (with_lengths, [path, logits])]


@case("tagger")
def begin_middle_end_decoded_outside() -> Truths:
    """Word segmentation: the scores and the transitions are fetched, NumPy finds the path."""
    x = v1.placeholder(tf.int32, [None, None])
    y = v1.placeholder(tf.int32, [None, None])
    length = v1.placeholder(tf.int32, [None])
    keep = v1.placeholder_with_default(1.0, [])
    emb = v1.nn.dropout(tf.nn.embedding_lookup(v1.Variable(tf.random.normal([90, 8])), x), keep)
    h, _ = both_ways(emb, 8, length)
    h = tf.tanh(conv1d(h, 10, 3, "conv"))
    unary = fc(h, 4, name="tags")
    transitions = weight("crf/transitions", [4, 4])
    loss = _crf_loss(unary, y, length, transitions)
    loss += 1e-4 * tf.add_n([tf.nn.l2_loss(v) for v in v1.trainable_variables() if "bias" not in v.name])
    v1.train.RMSPropOptimizer(1e-3).minimize(loss)
    return [([x, length], [unary]), ([x, length], [unary, transitions])]


@case("tagger")
def intent_and_slots_from_one_reader() -> Truths:
    """Two tasks on one encoder: the sentence's intent and a slot for each word, losses added."""
    ids = v1.placeholder(tf.int32, [None, 11], name="inputs")
    length = v1.placeholder(tf.int32, [None], name="sequence_length")
    slots = v1.placeholder(tf.int32, [None, 11], name="slots")
    slot_weights = v1.placeholder(tf.float32, [None, 11], name="slot_weights")
    intent = v1.placeholder(tf.int32, [None], name="intent")
    states, (fw, bw) = both_ways(tf.nn.embedding_lookup(weight("embedding", [100, 8]), ids), 6, length)
    final = tf.concat([*fw, *bw], 1)
    with v1.variable_scope("attention"):
        e = tf.reduce_sum(weight("V", [12]) * tf.tanh(states + fc(final, 12, name="q")[:, None]), 2)
        context = tf.reduce_sum(tf.nn.softmax(e)[:, :, None] * states, 1)
    with v1.variable_scope("slot_gated"):
        gate = weight("gateV", [12]) * tf.tanh(states + fc(context, 12, name="intent_gate")[:, None])
        gated = states * tf.reduce_sum(gate, 2, keepdims=True)
    with v1.variable_scope("intent_proj"):
        intent_logits = fc(tf.concat([final, context], 1), 5)
    with v1.variable_scope("slot_proj"):
        slot_logits = fc(tf.concat([gated, states], 2), 9)
    slot_cross = v1.nn.sparse_softmax_cross_entropy_with_logits(labels=slots, logits=slot_logits)
    slot_loss = tf.reduce_sum(slot_cross * slot_weights) / (tf.reduce_sum(slot_weights) + 1e-12)
    step = v1.train.get_or_create_global_step()
    clipped(slot_loss + cross_entropy(intent_logits, intent), v1.train.AdamOptimizer(), 5.0, step)
    slot_out = tf.nn.softmax(slot_logits, name="slot_output")
    intent_out = tf.nn.softmax(intent_logits, name="intent_output")
    return [([ids, length], [slot_out, intent_out])]


@case("tagger")
def heads_and_relations_by_biaffine_scores() -> Truths:
    """A dependency parser: arcs and their labels, argmax for accuracy, a mask from the ids."""
    words = v1.placeholder(tf.int32, [None, 10], name="words")
    pos = v1.placeholder(tf.int32, [None, 10], name="tags")
    heads = v1.placeholder(tf.int32, [None, 10], name="heads")
    rels = v1.placeholder(tf.int32, [None, 10], name="rels")
    mask = tf.cast(words > 0, tf.float32)
    x = tf.concat([tf.gather(weight("word", [80, 8]), words), tf.gather(weight("pos", [15, 4]), pos)], 2)
    h, _ = both_ways(x, 8)
    with v1.variable_scope("MLP"):
        dep, head = fc(h, 8, tf.nn.leaky_relu, "dep"), fc(h, 8, tf.nn.leaky_relu, "head")
    with v1.variable_scope("Arcs"):
        arcs = tf.einsum("bid,de,bje->bij", dep, weight("W", [8, 8]), head)
        arcs += tf.einsum("d,bjd->bj", weight("u", [8]), head)[:, None]
    with v1.variable_scope("Rels"):
        scores = tf.einsum("bid,dre,bje->bijr", dep, weight("W", [8, 6, 8]), head)
    arc_preds = tf.argmax(arcs, -1, output_type=tf.int32)
    chosen = tf.reduce_sum(tf.one_hot(arc_preds, 10)[..., None] * scores, 2)
    gold = tf.reduce_sum(tf.one_hot(heads, 10)[..., None] * scores, 2)
    rel_preds = tf.argmax(chosen, -1, output_type=tf.int32)
    losses = [
        tf.reduce_sum(v1.nn.sparse_softmax_cross_entropy_with_logits(labels=a, logits=b) * mask)
        for a, b in ((heads, arcs), (rels, gold))
    ]
    v1.train.AdamOptimizer(2e-3, 0.9, 0.9).minimize(tf.add_n(losses) / tf.reduce_sum(mask))
    uas = tf.cast(tf.equal(arc_preds, heads), tf.float32) * mask
    las = uas * tf.cast(tf.equal(rel_preds, rels), tf.float32)
    v1.summary.scalar("UAS", tf.reduce_sum(uas) / tf.reduce_sum(mask))
    v1.summary.scalar("LAS", tf.reduce_sum(las) / tf.reduce_sum(mask))
    return [
        ([words, pos], [arc_preds, rel_preds]),
        ([words, pos], [tf.nn.softmax(arcs), tf.nn.softmax(chosen)]),
        ([words, pos], [arcs, scores]),
    ]


@case("sentence pair")
def questions_close_by_manhattan_distance() -> Truth:
    """Quora pairs: one LSTM for both, exp of the negative L1 distance, squared error."""
    q1 = v1.placeholder(tf.int32, [None, 14])
    q2 = v1.placeholder(tf.int32, [None, 14])
    same = v1.placeholder(tf.float32, [None])
    table = v1.Variable(tf.random.normal([120, 10]), trainable=False)

    def read(q: Tensor) -> Tensor:
        with v1.variable_scope("malstm", reuse=v1.AUTO_REUSE):
            _, (_, h) = v1.nn.dynamic_rnn(Lstm(8), tf.nn.embedding_lookup(table, q), dtype=tf.float32)
        return h

    similarity = tf.exp(-tf.reduce_sum(tf.abs(read(q1) - read(q2)), 1))
    loss = v1.losses.mean_squared_error(same, similarity)
    v1.train.AdadeltaOptimizer(1.0).minimize(loss)
    tf.reduce_mean(tf.cast(tf.equal(tf.round(similarity), same), tf.float32))
    return [q1, q2], [similarity]


@case("sentence pair")
def premise_aligned_with_hypothesis() -> Truths:
    """Decomposable attention: attend, compare, aggregate; a softmax and its argmax, both named."""
    premise = v1.placeholder(tf.int32, [None, None], "sentence1")
    hypothesis = v1.placeholder(tf.int32, [None, None], "sentence2")
    label = v1.placeholder(tf.int32, [None], "label")
    clip = v1.placeholder(tf.float32, [], "clip_norm")
    keep = v1.placeholder(tf.float32, [], "dropout")
    table = v1.Variable(tf.zeros([60, 8]), trainable=False, name="embeddings")
    v1.assign(table, v1.placeholder(tf.float32, [60, 8], "embeddings_ph"))
    a, b = (fc(tf.nn.embedding_lookup(table, s), 8, name="projection") for s in (premise, hypothesis))

    def forward(x: Tensor, scope: str) -> Tensor:
        for i in range(2):
            x = tf.nn.relu(fc(v1.nn.dropout(x, keep), 8, name=f"{scope}/layer{i}"))
        return x

    raw = tf.matmul(forward(a, "inter-attention"), forward(b, "inter-attention"), transpose_b=True)
    alpha = tf.matmul(tf.nn.softmax(tf.transpose(raw, [0, 2, 1])), a)
    beta = tf.matmul(tf.nn.softmax(raw), b)
    v = [forward(tf.concat(pair, 2), "comparison") for pair in ((a, beta), (b, alpha))]
    h = forward(tf.concat([tf.reduce_sum(x, 1) for x in v], 1), "aggregation")
    logits = fc(h, 3, name="aggregation/linear")
    answer = tf.argmax(logits, 1, name="answer")
    probabilities = tf.nn.softmax(logits, name="probabilities")
    hit = tf.equal(tf.cast(label, tf.int64), answer)
    tf.reduce_mean(tf.cast(hit, tf.float32), name="accuracy")
    l2 = tf.add_n([tf.nn.l2_loss(w) for w in v1.trainable_variables()])
    clipped(cross_entropy(logits, label) + 1e-4 * l2, v1.train.AdagradOptimizer(0.05), clip)
    feeds = [premise, hypothesis]
    return [(feeds, [probabilities]), (feeds, [answer]), (feeds, [probabilities, answer])]


@case("reader")
def best_span_by_an_outer_product() -> Truths:
    """Context and question through convolutions and attention both ways; the best span is chosen inside."""
    c = v1.placeholder(tf.int32, [4, 18], "context")
    q = v1.placeholder(tf.int32, [4, 7], "question")
    y1 = v1.placeholder(tf.float32, [4, 18], "answer_index1")
    y2 = v1.placeholder(tf.float32, [4, 18], "answer_index2")
    c_mask, q_mask = (tf.cast(tf.cast(t, tf.bool), tf.float32) for t in (c, q))
    drop = v1.placeholder_with_default(0.0, (), name="dropout")
    table = v1.get_variable("word_mat", [90, 8], trainable=False)

    def encode(ids: Tensor) -> Tensor:
        x = v1.nn.dropout(tf.nn.embedding_lookup(table, ids), 1.0 - drop)
        return conv1d(conv1d(x, 12, 5, "encoder/conv_0"), 12, 5, "encoder/conv_1")

    hc, hq = encode(c), encode(q)
    s = tf.einsum("bid,d,bjd->bij", hc, weight("w4mlu", [12]), hq) + fc(hc, 1, name="w4C", bias=False)
    rows = tf.nn.softmax(s - 1e30 * (1 - q_mask[:, None]))
    columns = tf.transpose(tf.nn.softmax(s - 1e30 * (1 - c_mask[:, :, None]), axis=1), [0, 2, 1])
    c2q = tf.matmul(rows, hq)
    q2c = tf.matmul(tf.matmul(rows, columns), hc)
    h = conv1d(tf.concat([hc, c2q, hc * c2q, hc * q2c], -1), 12, 1, "input_projection", activation=None)
    m1 = conv1d(h, 12, 7, "Model_Encoder/0")
    m2 = conv1d(m1, 12, 7, "Model_Encoder/1")
    starts = tf.squeeze(fc(tf.concat([h, m1], -1), 1, name="start_pointer", bias=False), -1)
    ends = tf.squeeze(fc(tf.concat([h, m2], -1), 1, name="end_pointer", bias=False), -1)
    logits = [t - 1e30 * (1 - c_mask) for t in (starts, ends)]
    outer = tf.matmul(tf.nn.softmax(logits[0])[:, :, None], tf.nn.softmax(logits[1])[:, None, :])
    outer = tf.linalg.band_part(outer, 0, 6)
    yp1 = tf.argmax(tf.reduce_max(outer, 2), 1)
    yp2 = tf.argmax(tf.reduce_max(outer, 1), 1)
    loss = sum(
        tf.reduce_mean(v1.nn.softmax_cross_entropy_with_logits_v2(logits=t, labels=tf.stop_gradient(y)))
        for t, y in zip(logits, (y1, y2), strict=True)
    )
    ema = v1.train.ExponentialMovingAverage(0.999)
    with v1.control_dependencies([ema.apply(v1.trainable_variables())]):
        tf.identity(loss)
    clipped(loss, v1.train.AdamOptimizer(1e-3, 0.8, epsilon=1e-7))
    return [([c, q], [yp1, yp2]), ([c, q], logits)]


@case("reader")
def stories_in_an_end_to_end_memory() -> Truths:
    """bAbI: three hops over embedded sentences with position encoding; log softmax as its own op."""
    stories = v1.placeholder(tf.int32, [None, 8, 6], name="stories")
    queries = v1.placeholder(tf.int32, [None, 6], name="queries")
    answers = v1.placeholder(tf.int32, [None, 25], name="answers")
    lr = v1.placeholder(tf.float32, [], name="learning_rate")
    encoding = tf.constant(1.0, shape=[6, 10], name="encoding")
    with v1.variable_scope("MemN2N"):
        a = v1.Variable(tf.random.normal([25, 10], stddev=0.1), name="A_1")
        c = [v1.Variable(tf.random.normal([25, 10], stddev=0.1), name=f"C_{hop}") for hop in range(3)]
        u = tf.reduce_sum(tf.nn.embedding_lookup(a, queries) * encoding, 1)
        for hop in range(3):
            m = tf.reduce_sum(tf.nn.embedding_lookup(a if hop == 0 else c[hop - 1], stories) * encoding, 2)
            probs = tf.nn.softmax(tf.reduce_sum(m * tf.transpose(tf.expand_dims(u, -1), [0, 2, 1]), 2))
            out = tf.reduce_sum(tf.nn.embedding_lookup(c[hop], stories) * encoding, 2)
            u = u + tf.reduce_sum(tf.transpose(tf.expand_dims(probs, -1), [0, 1, 2]) * out, 1)
        logits = tf.matmul(u, tf.transpose(c[-1], [1, 0]))
    crossed = v1.nn.softmax_cross_entropy_with_logits_v2(
        logits=logits, labels=tf.cast(answers, tf.float32), name="cross_entropy"
    )
    loss = tf.reduce_sum(crossed, name="cross_entropy_sum")
    optimizer = v1.train.GradientDescentOptimizer(lr)
    pairs = [(tf.clip_by_norm(g, 40.0), v) for g, v in optimizer.compute_gradients(loss)]
    noisy = [(tf.add(g, tf.random.normal(tf.shape(g), stddev=1e-3)), v) for g, v in pairs]
    optimizer.apply_gradients(noisy, name="train_op")
    predict = tf.argmax(logits, 1, name="predict_op")
    proba = tf.nn.softmax(logits, name="predict_proba_op")
    logs = v1.log(proba, name="predict_log_proba_op")
    feeds = [stories, queries]
    return [(feeds, [predict, proba, logs]), (feeds, [predict]), (feeds, [proba])]


@case("embedding")
def thoughts_that_tell_their_neighbours() -> Truth:
    """Skip-thoughts: an encoder's last state, and two decoders that only the losses read."""
    encode, before, after = (
        v1.placeholder(tf.int64, [None, None], name=f"{n}_ids") for n in ("enc", "pre", "post")
    )
    masks = [v1.placeholder(tf.int64, [None, None], name=f"{n}_mask") for n in ("enc", "pre", "post")]
    table = v1.get_variable("word_embedding", [70, 8], initializer=v1.random_uniform_initializer(-0.1, 0.1))
    with v1.variable_scope("encoder"):
        length = tf.cast(tf.reduce_sum(masks[0], 1), tf.int32, name="length")
        _, state = v1.nn.dynamic_rnn(Gru(10), tf.nn.embedding_lookup(table, encode), length, dtype=tf.float32)
        thought = tf.identity(state, name="thought_vectors")
    for scope, ids, mask in (("decoder_pre", before, masks[1]), ("decoder_post", after, masks[2])):
        shifted = tf.pad(tf.nn.embedding_lookup(table, ids)[:, :-1], [[0, 0], [1, 0], [0, 0]], name="input")
        with v1.variable_scope(scope):
            out, _ = v1.nn.dynamic_rnn(Gru(10), shifted, initial_state=thought)
        logits = fc(tf.reshape(out, [-1, 10]), 70, name="logits")
        crossed = v1.nn.sparse_softmax_cross_entropy_with_logits(labels=tf.reshape(ids, [-1]), logits=logits)
        loss = tf.reduce_sum(crossed * tf.cast(tf.reshape(mask, [-1]), tf.float32))
        v1.losses.add_loss(loss)
        v1.summary.scalar(f"losses/{scope}", loss)
    clipped(v1.losses.get_total_loss(), v1.train.AdamOptimizer(), 5.0, v1.train.create_global_step())
    return [encode, masks[0]], [thought]
