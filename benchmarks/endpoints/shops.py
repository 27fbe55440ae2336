"""Nets that recommend: factors, clicks, sessions, histories, several goals at once."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from benchmarks.endpoints.cases import Truth, Truths, case
from benchmarks.endpoints.habits import fc
from benchmarks.endpoints.layers import Gru, batch_norm, v1, weight

Tensor = Any


@case("recommender")
def ratings_from_biases_and_factors() -> Truth:
    """Matrix factorization with biases: ids in, a clipped rating out, regularizer added by hand."""
    user = v1.placeholder(tf.int32, [None], name="id_user")
    item = v1.placeholder(tf.int32, [None], name="id_item")
    rate = v1.placeholder(tf.float32, [None])
    mean = v1.get_variable("global_bias", [])
    bu = tf.nn.embedding_lookup(v1.get_variable("embd_bias_user", [50]), user, name="bias_user")
    bi = tf.nn.embedding_lookup(v1.get_variable("embd_bias_item", [40]), item, name="bias_item")
    pu = tf.nn.embedding_lookup(v1.get_variable("embd_user", [50, 6]), user, name="embedding_user")
    qi = tf.nn.embedding_lookup(v1.get_variable("embd_item", [40, 6]), item, name="embedding_item")
    infer = tf.reduce_sum(tf.multiply(pu, qi), 1) + mean + bu + bi
    infer = tf.clip_by_value(infer, 1.0, 5.0, name="svd_inference")
    penalty = tf.add(tf.nn.l2_loss(pu), tf.nn.l2_loss(qi), name="svd_regularizer")
    cost = tf.nn.l2_loss(tf.subtract(infer, rate)) + 0.05 * penalty
    v1.train.FtrlOptimizer(0.001).minimize(cost, global_step=v1.train.create_global_step())
    v1.summary.scalar("rmse", tf.sqrt(tf.reduce_mean(tf.square(infer - rate))))
    return [user, item], [infer]


@case("recommender")
def product_path_beside_a_deep_path() -> Truths:
    """NeuMF: two pairs of embeddings, their product and a small net, one sigmoid; hit rate by top_k."""
    with tf.name_scope("input"):
        dataset = tf.data.Dataset.from_tensors(
            {"user": tf.zeros([64], tf.int32), "item": tf.ones([64], tf.int32), "label": tf.ones([64])}
        )
        iterator = v1.data.Iterator.from_structure(
            v1.data.get_output_types(dataset), v1.data.get_output_shapes(dataset)
        )
        iterator.make_initializer(dataset)
        sample: Any = iterator.get_next()
    user, item = sample["user"], sample["item"]
    tables = {
        n: v1.Variable(tf.random.normal([60, 6], stddev=0.01), name=f"embedding_{n}")
        for n in ("u1", "i1", "u2", "i2")
    }
    u1, u2 = (tf.nn.embedding_lookup(tables[n], user) for n in ("u1", "u2"))
    i1, i2 = (tf.nn.embedding_lookup(tables[n], item) for n in ("i1", "i2"))
    gmf = tf.multiply(u1, i1, name="GMF")
    h = fc(fc(tf.concat([u2, i2], 1), 8, tf.nn.relu, "layer_1"), 4, tf.nn.relu, "layer_2")
    logits = tf.squeeze(fc(tf.concat([gmf, h], 1), 1, name="predict"))
    cross = v1.nn.sigmoid_cross_entropy_with_logits(labels=sample["label"], logits=logits)
    loss = tf.reduce_mean(cross, name="loss")
    v1.train.AdamOptimizer(0.001).minimize(loss)
    chance = tf.sigmoid(logits)
    _, indice = tf.nn.top_k(chance, 10)
    recommended = tf.gather(item, indice, name="recommended")
    return [([user, item], [chance]), ([user, item], [recommended]), ([user, item], [logits])]


@case("recommender")
def missing_ratings_of_a_whole_row() -> Truth:
    """AutoRec: a row of ratings in, the row rebuilt, the loss only where a rating was given."""
    ratings = v1.placeholder(tf.float32, [None, 30], name="input_R")
    mask = v1.placeholder(tf.float32, [None, 30], name="input_mask_R")
    v = v1.get_variable("V", [30, 8], initializer=v1.truncated_normal_initializer(stddev=0.03))
    w = v1.get_variable("W", [8, 30], initializer=v1.truncated_normal_initializer(stddev=0.03))
    mu, b = v1.get_variable("mu", [8]), v1.get_variable("b", [30])
    encoder = tf.nn.sigmoid(tf.matmul(ratings, v) + mu)
    decoder = tf.identity(tf.matmul(encoder, w) + b)
    seen = tf.multiply(ratings - decoder, mask)
    cost = tf.reduce_sum(tf.square(seen)) + 0.5 * (tf.reduce_sum(w**2) + tf.reduce_sum(v**2))
    step = v1.Variable(0, trainable=False)
    rate = v1.train.exponential_decay(1e-3, step, 50, 0.96, staircase=True)
    optimizer = v1.train.AdamOptimizer(rate)
    optimizer.apply_gradients(optimizer.compute_gradients(cost), global_step=step)
    return [ratings], [decoder]


@case("recommender")
def interest_in_an_item_given_the_past() -> Truths:
    """DIN: attention of a candidate over the history, a sub-net that scores all items, pairs for AUC."""
    v1.placeholder(tf.int32, [None])  # the user, whom nothing reads
    i, j = v1.placeholder(tf.int32, [None]), v1.placeholder(tf.int32, [None])
    y = v1.placeholder(tf.float32, [None])
    hist = v1.placeholder(tf.int32, [None, None])
    length = v1.placeholder(tf.int32, [None])
    lr = v1.placeholder(tf.float64, [])
    items, bias = v1.get_variable("item_emb_w", [40, 4]), v1.get_variable("item_b", [40])
    categories = tf.constant([k % 7 for k in range(40)], tf.int64)
    by_category = v1.get_variable("cate_emb_w", [7, 4])

    def embed(ids: Tensor) -> Tensor:
        kinds = tf.nn.embedding_lookup(by_category, tf.gather(categories, ids))
        return tf.concat([tf.nn.embedding_lookup(items, ids), kinds], -1)

    past = embed(hist)

    def score(candidate: Tensor) -> Tensor:
        e = embed(candidate)
        q = tf.tile(e[:, None], [1, tf.shape(past)[1], 1])
        d = fc(tf.concat([q, past, q - past, q * past], -1), 8, tf.nn.sigmoid, "f1_att")
        d = fc(d, 1, name="f3_att")[..., 0]
        mask = tf.sequence_mask(length, tf.shape(past)[1])
        d = tf.where(mask, d, tf.ones_like(d) * (-(2.0**32) + 1))
        user = tf.einsum("bt,btd->bd", tf.nn.softmax(d / 2.8), past)
        h = batch_norm(tf.concat([user, e, user * e], -1), "b1", True)
        h = fc(fc(h, 8, tf.nn.sigmoid, "f1"), 1, name="f3")
        return tf.gather(bias, candidate) + tf.reshape(h, [-1])

    logits, other = score(i), score(j)
    tf.reduce_mean(tf.cast(logits - other > 0, tf.float32), name="mf_auc")
    probability = tf.sigmoid(logits)
    loss = tf.reduce_mean(v1.nn.sigmoid_cross_entropy_with_logits(logits=logits, labels=y))
    params = v1.trainable_variables()
    gradients, _ = tf.clip_by_global_norm(tf.gradients(loss, params), 5)
    v1.train.GradientDescentOptimizer(lr).apply_gradients(zip(gradients, params, strict=True))
    return [([i, hist, length], [logits]), ([i, hist, length], [probability])]


@case("recommender")
def next_item_of_a_session() -> Truth:
    """GRU4Rec: item ids and fed states; a batch's own items to train, all items to predict."""
    x = v1.placeholder(tf.int32, [8], name="input")
    y = v1.placeholder(tf.int32, [8], name="output")
    before = v1.placeholder(tf.float32, [8, 12], name="rnn_state")
    step = v1.Variable(0, name="global_step", trainable=False)
    with v1.variable_scope("gru_layer"):
        table = v1.get_variable("embedding", [45, 12])
        w, b = v1.get_variable("softmax_w", [45, 12]), v1.get_variable("softmax_b", [45])
        output, after = Gru(12)(tf.nn.embedding_lookup(table, x), before)
    sampled = tf.matmul(output, tf.nn.embedding_lookup(w, y), transpose_b=True)
    sampled += tf.nn.embedding_lookup(b, y)
    yhat = tf.nn.softmax(tf.tanh(sampled))
    cost = tf.reduce_mean(-v1.log(tf.linalg.diag_part(yhat) + 1e-24))
    logits = tf.matmul(output, w, transpose_b=True) + b
    everything = tf.nn.softmax(tf.tanh(logits))
    rate = tf.maximum(1e-5, v1.train.exponential_decay(0.001, step, 100, 0.96, staircase=True))
    optimizer = v1.train.AdamOptimizer(rate)
    capped = [(tf.clip_by_norm(g, 1.0), v) for g, v in optimizer.compute_gradients(cost) if g is not None]
    optimizer.apply_gradients(capped, global_step=step)
    return [x, before], [everything, after]


@case("recommender")
def clicks_from_fields_with_values() -> Truth:
    """DeepFM: indices and values of fields, first order, pairs by the square trick, a deep side."""
    index = v1.placeholder(tf.int32, [None, None], name="feat_index")
    value = v1.placeholder(tf.float32, [None, None], name="feat_value")
    label = v1.placeholder(tf.float32, [None, 1], name="label")
    keep_fm = v1.placeholder(tf.float32, [None], name="dropout_keep_fm")
    keep_deep = v1.placeholder(tf.float32, [None], name="dropout_keep_deep")
    train = v1.placeholder(tf.bool, name="train_phase")
    vectors = v1.Variable(tf.random.normal([70, 4], 0.0, 0.01), name="feature_embeddings")
    first = v1.Variable(tf.random.uniform([70, 1], 0.0, 1.0), name="feature_bias")
    feat = tf.reshape(value, [-1, 6, 1])
    embeddings = tf.multiply(tf.nn.embedding_lookup(vectors, index), feat)
    linear = tf.reduce_sum(tf.multiply(tf.nn.embedding_lookup(first, index), feat), 2)
    linear = v1.nn.dropout(linear, keep_fm[0])
    pairs = 0.5 * (tf.square(tf.reduce_sum(embeddings, 1)) - tf.reduce_sum(tf.square(embeddings), 1))
    pairs = v1.nn.dropout(pairs, keep_fm[1])
    deep = v1.nn.dropout(tf.reshape(embeddings, [-1, 24]), keep_deep[0])
    for i in range(2):
        deep = tf.add(
            tf.matmul(deep, weight(f"layer_{i}", [int(deep.shape[1]), 8])), weight(f"bias_{i}", [1, 8])
        )
        deep = v1.nn.dropout(tf.nn.relu(batch_norm(deep, f"bn_{i}", train)), keep_deep[i + 1])
    joined = tf.concat([tf.reshape(linear, [-1, 6]), pairs, deep], axis=1)
    out = tf.nn.sigmoid(
        tf.add(tf.matmul(joined, weight("concat_projection", [18, 1])), weight("concat_bias", [1]))
    )
    loss = v1.losses.log_loss(label, out) + 0.01 * tf.nn.l2_loss(vectors)
    v1.train.AdamOptimizer(0.001, 0.9, 0.999, 1e-8).minimize(loss)
    return [index, value], [out]


@case("multi-task")
def click_and_purchase_by_shared_experts() -> Truths:
    """Mixture of experts with a gate a task; purchase is a click times a chance, crossed features by hash."""
    city = v1.placeholder(tf.string, [None], name="city")
    device = v1.placeholder(tf.string, [None], name="device")
    age = v1.placeholder(tf.float32, [None], name="age")
    click = v1.placeholder(tf.float32, [None], name="click")
    buy = v1.placeholder(tf.float32, [None], name="buy")
    crossed = tf.strings.to_hash_bucket_fast(tf.strings.join([city, device], "_X_"), 30)
    bucket = tf.raw_ops.Bucketize(input=age, boundaries=[18.0, 30.0, 45.0, 60.0])
    x = tf.concat(
        [
            tf.gather(weight("city_x_device", [30, 4]), crossed),
            tf.gather(weight("city", [20, 4]), tf.strings.to_hash_bucket_fast(city, 20)),
            tf.one_hot(bucket, 5),
            v1.log1p(age)[:, None],
        ],
        axis=1,
    )
    experts = tf.stack([fc(x, 6, tf.nn.relu, f"expert_{k}") for k in range(3)], 1)
    logits = []
    for task in ("ctr", "cvr"):
        gate = tf.nn.softmax(fc(x, 3, name=f"{task}_gate", bias=False))
        tower = fc(tf.einsum("bk,bkd->bd", gate, experts), 4, tf.nn.relu, f"{task}_tower")
        logits.append(fc(tower, 1, name=f"{task}_logits")[:, 0])
    ctr, cvr = (tf.sigmoid(t, name=n) for t, n in zip(logits, ("pctr", "pcvr"), strict=True))
    both = tf.multiply(ctr, cvr, name="pctcvr")
    loss = tf.reduce_mean(v1.nn.sigmoid_cross_entropy_with_logits(labels=click, logits=logits[0]))
    loss += v1.losses.log_loss(buy, both)
    v1.metrics.auc(click, ctr)
    v1.metrics.auc(buy, both)
    v1.train.AdagradOptimizer(0.01).minimize(loss, global_step=v1.train.get_or_create_global_step())
    feeds = [city, device, age]
    return [(feeds, [ctr, cvr, both]), (feeds, [ctr, both]), (feeds, [both])]
