"""Graphs that rank, recommend and read: what shops, search engines and help desks train."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from benchmarks.endpoints.bricks import bce, conv1, embed, heed, layernorm, linear, sparse_xent
from benchmarks.endpoints.cases import Truth, Truths, case, v1

Tensor = Any


@case("recommender")
def what_comes_after_fifty_purchases() -> Truth:
    """Attention over a history; true and false followers are fed for the loss, candidates for the answer."""
    v1.placeholder(tf.int32, shape=(None), name="u")
    is_training = v1.placeholder(tf.bool, shape=())
    input_seq = v1.placeholder(tf.int32, shape=(None, 12))
    pos = v1.placeholder(tf.int32, shape=(None, 12))
    neg = v1.placeholder(tf.int32, shape=(None, 12))
    mask = tf.expand_dims(tf.cast(tf.not_equal(input_seq, 0), tf.float32), -1)
    rate = 0.2 * tf.cast(is_training, tf.float32)
    with v1.variable_scope("SASRec"):
        table = v1.get_variable("lookup_table", [101, 16])
        table = tf.concat([tf.zeros([1, 16]), table[1:]], 0)
        seq = tf.nn.embedding_lookup(table, input_seq) * 4.0
        seq += embed(tf.tile(tf.range(12)[None], [tf.shape(input_seq)[0], 1]), 12, 16, "dec_pos")
        seq = v1.nn.dropout(seq, rate=rate) * mask
        future = (1.0 - tf.linalg.band_part(tf.ones([12, 12]), -1, 0)) * -1e9
        for i in range(2):
            with v1.variable_scope(f"num_blocks_{i}"):
                seq += heed(layernorm(seq), seq, 1, future, rate)
                ff = layernorm(seq)
                seq = (ff + conv1(conv1(ff, 16, 1), 16, 1, None)) * mask
        seq = layernorm(seq)
    seq_emb = tf.reshape(seq, [-1, 16])
    pos_flat, neg_flat = tf.reshape(pos, [-1]), tf.reshape(neg, [-1])
    test_item = v1.placeholder(tf.int32, shape=(21))
    test_logits = tf.matmul(seq_emb, tf.transpose(tf.nn.embedding_lookup(table, test_item)))
    test_logits = tf.reshape(test_logits, [tf.shape(input_seq)[0], 12, 21])[:, -1, :]
    pos_logits = tf.reduce_sum(tf.nn.embedding_lookup(table, pos_flat) * seq_emb, -1)
    neg_logits = tf.reduce_sum(tf.nn.embedding_lookup(table, neg_flat) * seq_emb, -1)
    istarget = tf.cast(tf.not_equal(pos_flat, 0), tf.float32)
    each = v1.log(tf.sigmoid(pos_logits) + 1e-24) + v1.log(1 - tf.sigmoid(neg_logits) + 1e-24)
    loss = -tf.reduce_sum(each * istarget) / tf.reduce_sum(istarget)
    v1.summary.scalar("loss", loss)
    auc = tf.reduce_sum((tf.sign(pos_logits - neg_logits) + 1) / 2 * istarget) / tf.reduce_sum(istarget)
    v1.summary.scalar("auc", auc)
    step = tf.Variable(0, name="global_step", trainable=False)
    v1.train.AdamOptimizer(learning_rate=0.001, beta2=0.98).minimize(loss, global_step=step)
    v1.summary.merge_all()
    return [input_seq, test_item], [test_logits]


@case("knowledge graph")
def facts_as_steps_between_things() -> Truth:
    """Head and relation lead to the tail; true and broken facts for the margin, others to be judged."""
    fed = {
        kind: [v1.placeholder(tf.int64, [None], name=f"{kind}_{part}") for part in "htr"]
        for kind in ("pos", "neg", "predict")
    }
    with v1.variable_scope("model"):
        ent = v1.get_variable("ent_embeddings", [80, 12], initializer=v1.glorot_uniform_initializer())
        rel = v1.get_variable("rel_embeddings", [9, 12], initializer=v1.glorot_uniform_initializer())

        def calc(kind: str) -> Tensor:
            h, t, r = fed[kind]
            head, tail = tf.nn.embedding_lookup(ent, h), tf.nn.embedding_lookup(ent, t)
            head, tail = tf.nn.l2_normalize(head, -1), tf.nn.l2_normalize(tail, -1)
            return tf.abs(head + tf.nn.l2_normalize(tf.nn.embedding_lookup(rel, r), -1) - tail)

        with v1.name_scope("loss"):
            p_score = tf.reduce_sum(calc("pos"), -1, keepdims=True)
            n_score = tf.reduce_sum(calc("neg"), -1, keepdims=True)
            loss = tf.reduce_mean(tf.maximum(p_score - n_score + 1.0, 0))
        with v1.name_scope("predict"):
            predict = tf.reduce_mean(calc("predict"), 1, keepdims=False)
    optimizer = v1.train.GradientDescentOptimizer(0.001)
    optimizer.apply_gradients(optimizer.compute_gradients(loss))
    return fed["predict"], [predict]


@case("search", plain=True)
def questions_and_pages_by_trigrams() -> Truth:
    """Two towers; the other pages of the batch are the wrong ones; a score of each pair is for serving."""
    query = v1.placeholder(tf.float32, [None, 120], name="query_batch")
    doc = v1.placeholder(tf.float32, [None, 120], name="doc_batch")
    keep = v1.placeholder_with_default(1.0, [], name="keep_prob")

    def tower(x: Tensor, scope: str) -> Tensor:
        with v1.variable_scope(scope):
            h = v1.nn.dropout(linear(x, 24, tf.nn.tanh), keep)
            return linear(h, 12, tf.nn.tanh)

    query_y, doc_y = tower(query, "query"), tower(doc, "doc")
    query_n, doc_n = tf.nn.l2_normalize(query_y, 1), tf.nn.l2_normalize(doc_y, 1)
    with tf.name_scope("Cosine_Similarity"):
        cos_sim = 20.0 * tf.matmul(query_n, doc_n, transpose_b=True)
    with tf.name_scope("Loss"):
        prob = tf.nn.softmax(cos_sim)
        loss = -tf.reduce_mean(v1.log(tf.linalg.diag_part(prob) + 1e-8))
        v1.summary.scalar("loss", loss)
    with tf.name_scope("Training"):
        v1.train.AdagradOptimizer(0.05).minimize(loss)
    with tf.name_scope("Accuracy"):
        right = tf.equal(tf.argmax(prob, 1), tf.range(tf.shape(query, out_type=tf.int64)[0]))
        v1.summary.scalar("accuracy", tf.reduce_mean(tf.cast(right, tf.float32)))
    score = tf.reduce_sum(query_n * doc_n, 1, name="score")
    return [query, doc], [score]


@case("recommender")
def candidates_among_all_films() -> Truths:
    """The mean of what was watched and who watches, a sampled softmax, and the best twenty of all."""
    watched = v1.placeholder(tf.int32, [None, 10], name="hist_ids")
    length = v1.placeholder(tf.float32, [None, 1], name="hist_len")
    gender = v1.placeholder(tf.int32, [None], name="gender")
    age = v1.placeholder(tf.float32, [None, 1], name="age")
    label = v1.placeholder(tf.int64, [None, 1], name="next_id")
    lr = v1.placeholder(tf.float64, [], name="lr")
    item_emb = v1.get_variable("item_emb_w", [200, 12])
    item_b = v1.get_variable("item_b", [200], initializer=v1.constant_initializer(0.0))
    mask = tf.sequence_mask(tf.cast(length[:, 0], tf.int32), 10, dtype=tf.float32)
    history = tf.reduce_sum(tf.nn.embedding_lookup(item_emb, watched) * mask[..., None], 1) / length
    x = tf.concat([history, embed(gender, 3, 4, "gender_emb"), age, tf.square(age), tf.sqrt(age)], 1)
    user = linear(linear(x, 24, tf.nn.relu), 12, tf.nn.relu, name="user_vector")
    each = v1.nn.sampled_softmax_loss(item_emb, item_b, label, user, num_sampled=10, num_classes=200)
    loss = tf.reduce_mean(each)
    step = tf.Variable(0, trainable=False, name="global_step")
    params = v1.trainable_variables()
    clip, _ = tf.clip_by_global_norm(tf.gradients(loss, params), 5)
    opt = v1.train.GradientDescentOptimizer(learning_rate=tf.cast(lr, tf.float32))
    opt.apply_gradients(list(zip(clip, params, strict=True)), global_step=step)
    logits = tf.matmul(user, item_emb, transpose_b=True) + item_b
    probs = tf.nn.softmax(logits)
    top = tf.nn.top_k(probs, 20)
    fed = [watched, length, gender, age]
    wanted = [[top.values, top.indices], [top.indices], [probs], [logits]]
    return [(fed, outputs) for outputs in wanted]


@case("recommender", plain=True)
def clicks_by_crossed_columns_served() -> Truths:
    """A served graph: examples as bytes are parsed, hashed and crossed; the chance of a click."""
    serialized = v1.placeholder(tf.string, [None], name="input_example_tensor")
    spec = {
        "price": tf.io.FixedLenFeature([1], tf.float32, 0.0),
        "site": tf.io.FixedLenFeature([1], tf.string, ""),
        "tags": tf.io.VarLenFeature(tf.string),
    }
    features = tf.io.parse_example(serialized, spec)
    site = embed(tf.strings.to_hash_bucket_fast(features["site"][:, 0], 100), 100, 8, "site/weights")
    tags = tf.sparse.to_dense(features["tags"], default_value="")
    real = tf.cast(tf.not_equal(tags, ""), tf.float32)[..., None]
    tags = embed(tf.strings.to_hash_bucket_fast(tags, 50), 50, 8, "tags/weights")
    tags = tf.reduce_sum(tags * real, 1) / tf.maximum(tf.reduce_sum(real, 1), 1.0)
    x0 = x = tf.concat([site, tags, v1.log(1.0 + features["price"])], 1)
    for i in range(2):
        with v1.variable_scope(f"cross_{i}"):
            x = x0 * linear(x, 1, name="w") + x
    deep = linear(linear(x0, 16, tf.nn.relu), 8, tf.nn.relu)
    logits = linear(tf.concat([x, deep], 1), 1, name="logits")
    logistic = tf.sigmoid(logits, name="head/predictions/logistic")
    pair = tf.concat([tf.zeros_like(logits), logits], 1, name="head/predictions/two_class_logits")
    probabilities = tf.nn.softmax(pair, name="head/predictions/probabilities")
    return [([serialized], [out]) for out in (logistic, probabilities, logits)]


@case("mixture of experts", modern=True)
def few_experts_for_each_customer() -> Truths:
    """Two of six experts are asked, with noise in training; their loads are kept alike by the loss."""
    x = v1.placeholder(tf.float32, [None, 20], name="x")
    y = v1.placeholder(tf.int64, [None], name="y")
    train = v1.placeholder_with_default(False, [], name="train")
    clean = linear(x, 6, name="w_gate")
    spread = tf.nn.softplus(linear(x, 6, name="w_noise")) + 0.01
    noisy = clean + tf.random.normal(tf.shape(clean)) * spread * tf.cast(train, tf.float32)
    top, indices = tf.nn.top_k(noisy, 2)
    gates = tf.reduce_sum(tf.one_hot(indices, 6) * tf.nn.softmax(top)[..., None], 1, name="gates")
    outs = []
    for i in range(6):
        with v1.variable_scope(f"expert_{i}"):
            outs.append(linear(linear(x, 12, tf.nn.relu), 4))
    logits = tf.reduce_sum(tf.stack(outs, 1) * gates[..., None], 1, name="logits")
    importance = tf.reduce_sum(gates, 0)
    mean, var = tf.nn.moments(importance, [0])
    loss = sparse_xent(y, logits) + 0.01 * var / (tf.square(mean) + 1e-10)
    v1.summary.histogram("importance", importance)
    step = v1.train.get_or_create_global_step()
    rate = v1.train.piecewise_constant(step, [1000, 5000], [1e-2, 1e-3, 1e-4])
    v1.train.AdamOptimizer(rate).minimize(loss, global_step=step)
    probs = tf.nn.softmax(logits, name="probs")
    v1.metrics.accuracy(y, tf.argmax(probs, 1))
    return [([x], [probs]), ([x], [logits])]


@case("tagger")
def names_by_dilated_convolutions() -> Truths:
    """Characters and the bounds of words; the score of paths is in the loss, the path is found outside."""
    chars = v1.placeholder(dtype=tf.int32, shape=[None, 10], name="ChatInputs")
    segs = v1.placeholder(dtype=tf.int32, shape=[None, 10], name="SegInputs")
    targets = v1.placeholder(dtype=tf.int32, shape=[None, 10], name="Targets")
    dropout = v1.placeholder(dtype=tf.float32, name="Dropout")
    lengths = tf.cast(tf.reduce_sum(tf.sign(tf.abs(chars)), axis=1), tf.int32)
    with v1.variable_scope("char_embedding"):
        x = tf.concat([embed(chars, 90, 12, "char"), embed(segs, 4, 4, "seg")], -1)
    x = conv1(v1.nn.dropout(x, dropout), 16)
    rounds = []
    for j in range(2):
        with v1.variable_scope("idcnn", reuse=j > 0):
            for rate in (1, 1, 2):
                x = conv1(x, 16, rate=rate)
        rounds.append(x)
    hidden = v1.nn.dropout(tf.concat(rounds, -1), dropout)
    logits = tf.reshape(
        v1.nn.xw_plus_b(
            tf.reshape(hidden, [-1, 32]), v1.get_variable("W", [32, 5]), v1.get_variable("b", [5])
        ),
        [-1, 10, 5],
    )
    with v1.variable_scope("crf_loss"):
        trans = v1.get_variable("transitions", [5, 5])
        real = tf.sequence_mask(lengths, 10, dtype=tf.float32)
        alpha = logits[:, 0]
        for t in range(1, 10):
            new = tf.reduce_logsumexp(alpha[:, :, None] + trans[None], 1) + logits[:, t]
            alpha = tf.where(real[:, t : t + 1] > 0, new, alpha)
        tags = tf.one_hot(targets, 5)
        steps = tf.einsum("bti,ij,btj->bt", tags[:, :-1], trans, tags[:, 1:])
        path = tf.reduce_sum(tf.reduce_sum(tags * logits, 2) * real, 1) + tf.reduce_sum(
            steps * real[:, 1:], 1
        )
        loss = tf.reduce_mean(tf.reduce_logsumexp(alpha, 1) - path)
    step = tf.Variable(0, trainable=False)
    opt = v1.train.AdamOptimizer(0.001)
    clipped = [(tf.clip_by_value(g, -5, 5), v) for g, v in opt.compute_gradients(loss)]
    opt.apply_gradients(clipped, step)
    v1.train.Saver(v1.global_variables(), max_to_keep=5)
    return [
        ([chars, segs], [logits]), ([chars, segs], [lengths, logits]), ([chars, segs], [logits, trans]),
    ]  # fmt: skip


def _bert(ids: Tensor, mask: Tensor, segments: Tensor, rate: Tensor | float) -> tuple[Tensor, Tensor]:
    size, length = 16, int(ids.shape[1])
    with v1.variable_scope("bert"):
        with v1.variable_scope("embeddings"):
            x = embed(ids, 100, size, "word_embeddings")
            x += tf.tensordot(tf.one_hot(segments, 2), v1.get_variable("token_type_embeddings", [2, size]), 1)
            x += v1.get_variable("position_embeddings", [32, size])[:length]
            x = v1.nn.dropout(layernorm(x), rate=rate)
        ignored = (1.0 - tf.cast(mask, tf.float32))[:, None, None] * -10000.0
        for i in range(2):
            with v1.variable_scope(f"encoder/layer_{i}"):
                x = layernorm(x + v1.nn.dropout(heed(x, x, 2, ignored, rate), rate=rate))
                x = layernorm(x + linear(linear(x, 32, tf.nn.gelu, "intermediate"), size, name="output"))
        with v1.variable_scope("pooler"):
            return x, linear(x[:, 0], size, tf.tanh)


@case("bert")
def letters_to_the_help_desk() -> Truths:
    """One encoder and three heads: mood, several topics, and how urgent; the rate warms up and falls."""
    input_ids = v1.placeholder(tf.int32, [None, 12], name="input_ids")
    input_mask = v1.placeholder(tf.int32, [None, 12], name="input_mask")
    segment_ids = v1.placeholder(tf.int32, [None, 12], name="segment_ids")
    mood = v1.placeholder(tf.int32, [None], name="sentiment_labels")
    topics = v1.placeholder(tf.float32, [None, 6], name="topic_labels")
    urgent = v1.placeholder(tf.float32, [None], name="urgency_labels")
    rate = v1.placeholder_with_default(0.0, [], name="dropout_rate")
    _, pooled = _bert(input_ids, input_mask, segment_ids, rate)
    pooled = v1.nn.dropout(pooled, rate=rate)
    with v1.variable_scope("heads"):
        mood_logits = linear(pooled, 3, name="sentiment")
        topic_logits = linear(pooled, 6, name="topics")
        urgency = tf.squeeze(linear(pooled, 1, name="urgency"), 1)
    mood_loss, topic_loss = sparse_xent(mood, mood_logits), bce(topic_logits, topics)
    urgency_loss = v1.losses.mean_squared_error(urgent, urgency)
    loss = mood_loss + topic_loss + 0.5 * urgency_loss
    mood_probs = tf.nn.softmax(mood_logits, name="sentiment_probs")
    topic_probs = tf.sigmoid(topic_logits, name="topic_probs")
    v1.metrics.accuracy(mood, tf.argmax(mood_probs, 1))
    step = v1.train.get_or_create_global_step()
    lr = v1.train.polynomial_decay(2e-5, step, 1000, 0.0)
    warm = tf.cast(step, tf.float32) / 100.0
    lr = tf.where(step < 100, 2e-5 * warm, lr)
    tvars = v1.trainable_variables()
    grads, _ = tf.clip_by_global_norm(tf.gradients(loss, tvars), 1.0)
    v1.train.AdamOptimizer(lr).apply_gradients(zip(grads, tvars, strict=True), global_step=step)
    fed = [input_ids, input_mask, segment_ids]
    return [(fed, [mood_probs, topic_probs, urgency]), (fed, [mood_logits, topic_logits, urgency])]


@case("bert", frozen=True)
def best_of_four_endings() -> Truths:
    """A frozen reader: four endings of each story are folded in the batch, and a softmax is over them."""
    input_ids = v1.placeholder(tf.int32, [None, 4, 12], name="input_ids")
    input_mask = v1.placeholder(tf.int32, [None, 4, 12], name="input_mask")
    segment_ids = v1.placeholder(tf.int32, [None, 4, 12], name="segment_ids")
    folded = [tf.reshape(tensor, [-1, 12]) for tensor in (input_ids, input_mask, segment_ids)]
    _, pooled = _bert(folded[0], folded[1], folded[2], 0.0)
    logits = tf.reshape(linear(pooled, 1, name="classifier"), [-1, 4], name="logits")
    probabilities = tf.nn.softmax(logits, name="probabilities")
    fed = [input_ids, input_mask, segment_ids]
    return [(fed, [probabilities]), (fed, [logits])]


@case("word vectors")
def middle_word_from_four_around() -> Truth:
    """The mean of a window against drawn noise; which words are near is asked for chosen ones."""
    with tf.name_scope("inputs"):
        train_inputs = v1.placeholder(tf.int32, shape=[None, 4])
        train_labels = v1.placeholder(tf.int32, shape=[None, 1])
        valid_examples = v1.placeholder(tf.int32, shape=[None])
    with tf.name_scope("embeddings"):
        embeddings = tf.Variable(v1.random_uniform([300, 12], -1.0, 1.0))
        mean = tf.reduce_mean(tf.nn.embedding_lookup(embeddings, train_inputs), 1)
    nce_weights = tf.Variable(tf.random.truncated_normal([300, 12], stddev=0.3))
    nce_biases = tf.Variable(tf.zeros([300]))
    loss = tf.reduce_mean(v1.nn.nce_loss(nce_weights, nce_biases, train_labels, mean, 8, 300))
    v1.summary.scalar("loss", loss)
    v1.train.GradientDescentOptimizer(1.0).minimize(loss)
    length = tf.sqrt(tf.reduce_sum(tf.square(embeddings), 1, keepdims=True))
    normalized_embeddings = embeddings / length
    valid_embeddings = tf.nn.embedding_lookup(normalized_embeddings, valid_examples)
    similarity = tf.matmul(valid_embeddings, normalized_embeddings, transpose_b=True)
    return [valid_examples], [similarity]
