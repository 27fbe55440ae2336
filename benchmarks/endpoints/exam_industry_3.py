"""Graphs of scoring, forecasting, scientific and sensing models as companies and laboratories write them."""

# ruff: noqa: N806 (the names are those of the authors)

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow.python.keras.layers.legacy_rnn import rnn_cell_impl as rnn_cell

from benchmarks.endpoints.cases import Truth, case, v1

Tensor = Any


@case("ctr")
def xdeepfm_reading_packed_ffm_records() -> Truth:
    """Like Leavingseason/xDeepFM: TFRecords of whole batches, packed as raw bytes.

    infer() re-initializes the iterator with the file to score and fetches model.pred; the keep
    probabilities are fed.
    """
    fields, dim, feats = 5, 4, 200
    filenames = v1.placeholder(tf.string, shape=[None])
    layer_keeps = v1.placeholder(tf.float32, name="layer_keeps")

    def parser(record: Tensor) -> Any:
        keys = {
            k: v1.FixedLenFeature([], tf.string)
            for k in (
                "labels",
                "fm_feat_indices",
                "fm_feat_values",
                "fm_feat_shape",
                "dnn_feat_indices",
                "dnn_feat_values",
                "dnn_feat_weights",
                "dnn_feat_shape",
            )
        }
        p = v1.parse_single_example(record, keys)
        return (
            tf.reshape(v1.decode_raw(p["fm_feat_indices"], tf.int64), [-1, 2]),
            v1.decode_raw(p["fm_feat_values"], tf.float32),
            v1.decode_raw(p["fm_feat_shape"], tf.int64),
            tf.reshape(v1.decode_raw(p["labels"], tf.float32), [-1, 1]),
            tf.reshape(v1.decode_raw(p["dnn_feat_indices"], tf.int64), [-1, 2]),
            v1.decode_raw(p["dnn_feat_values"], tf.int64),
            v1.decode_raw(p["dnn_feat_weights"], tf.float32),
            v1.decode_raw(p["dnn_feat_shape"], tf.int64),
        )

    dataset = tf.data.TFRecordDataset(filenames).map(parser).prefetch(1)
    iterator = v1.data.make_initializable_iterator(dataset)
    nxt = iterator.get_next()
    fi, fv, fs, labels, di, dv, dw, ds = nxt
    init = v1.truncated_normal_initializer(stddev=0.1)
    layer_params, embed_params = [], []
    with v1.variable_scope("XDeepFM"):
        with v1.variable_scope("embedding", initializer=init):
            embedding = v1.get_variable("embedding_layer", [feats, dim])
            embed_params.append(embedding)
        fm_sparse_index = v1.SparseTensor(di, dv, ds)
        fm_sparse_weight = v1.SparseTensor(di, dw, ds)
        w_fm_nn_input_orgin = v1.nn.embedding_lookup_sparse(
            embedding, fm_sparse_index, fm_sparse_weight, combiner="sum"
        )
        nn_input = tf.reshape(w_fm_nn_input_orgin, [-1, dim * fields])
        with v1.variable_scope("linear_part", initializer=init):
            x = v1.SparseTensor(fi, fv, fs)
            w = v1.get_variable("w", [feats, 1])
            b = v1.get_variable("b", [1], initializer=v1.zeros_initializer())
            logit = tf.add(v1.sparse_tensor_dense_matmul(x, w), b)
            layer_params += [w, b]
        with v1.variable_scope("exfm_part", initializer=init):
            hidden, nets = [fields], [tf.reshape(nn_input, [-1, fields, dim])]
            split0 = tf.split(nets[0], dim * [1], 2)
            final = []
            for idx, size in enumerate([6, 4]):
                split = tf.split(nets[-1], dim * [1], 2)
                dot = tf.matmul(split0, split, transpose_b=True)
                dot = tf.transpose(tf.reshape(dot, [dim, -1, fields * hidden[-1]]), [1, 0, 2])
                filters = v1.get_variable(f"f_{idx}", [1, hidden[-1] * fields, size])
                out = tf.nn.conv1d(dot, filters, 1, "VALID")
                out = tf.nn.relu(tf.nn.bias_add(out, v1.get_variable(f"f_b{idx}", [size])))
                out = tf.transpose(out, [0, 2, 1])
                if idx == 0:
                    nxt_hidden, direct = tf.split(out, 2 * [size // 2], 1)
                    nets.append(nxt_hidden)
                    hidden.append(size // 2)
                else:
                    direct = out
                final.append(direct)
            result = tf.reduce_sum(tf.concat(final, 1), -1)
            w_out = v1.get_variable("w_nn_output", [7, 1])
            logit += tf.matmul(result, w_out)
            layer_params.append(w_out)
        with v1.variable_scope("nn_part", initializer=init):
            h, last = nn_input, dim * fields
            for idx, size in enumerate([8, 8]):
                with v1.variable_scope(f"layer_{idx}"):
                    wl = v1.get_variable("w_nn_layer", [last, size])
                    bl = v1.get_variable("b_nn_layer", [size], initializer=v1.zeros_initializer())
                    h = tf.nn.relu(v1.nn.xw_plus_b(h, wl, bl))
                    h = v1.nn.dropout(h, keep_prob=layer_keeps[idx])
                    layer_params += [wl, bl]
                    last = size
            w_o = v1.get_variable("w_nn_output", [last, 1])
            b_o = v1.get_variable("b_nn_output", [1])
            logit += v1.nn.xw_plus_b(h, w_o, b_o)
    pred = tf.sigmoid(logit)
    data_loss = tf.reduce_mean(
        tf.nn.sigmoid_cross_entropy_with_logits(
            logits=tf.reshape(logit, [-1]), labels=tf.reshape(labels, [-1])
        )
    )
    reg = 1e-4 * tf.add_n([tf.nn.l2_loss(p) for p in layer_params + embed_params])
    loss = tf.add(data_loss, reg)
    train_step = v1.train.AdamOptimizer(0.001)
    grads, variables = zip(*train_step.compute_gradients(loss), strict=True)
    clipped, _ = tf.clip_by_global_norm([tf.convert_to_tensor(g) for g in grads], 5.0)
    train_step.apply_gradients(zip(clipped, variables, strict=True))
    v1.summary.scalar("data_loss", data_loss)
    v1.summary.scalar("loss", loss)
    v1.summary.merge_all()
    return [fi, fv, fs, di, dv, dw, ds], [pred]


@case("fraud")
def dcn_card_fraud_serving_graph() -> Truth:
    """A bank's Estimator exported with build_parsing_serving_input_receiver_fn.

    The gateway sends serialized tf.Examples of transactions and reads 'probabilities' of the predict
    signature.
    """
    fc = v1.feature_column
    columns = [
        fc.numeric_column("amount", normalizer_fn=lambda a: tf.math.log1p(a)),
        fc.numeric_column("seconds_since_last", default_value=0.0),
        fc.bucketized_column(fc.numeric_column("hour"), [6.0, 12.0, 18.0]),
        fc.embedding_column(fc.categorical_column_with_hash_bucket("merchant", 50), 4),
        fc.embedding_column(fc.categorical_column_with_hash_bucket("country", 20), 3),
        fc.indicator_column(fc.categorical_column_with_vocabulary_list("channel", ["pos", "web", "atm"])),
    ]
    spec = fc.make_parse_example_spec(columns)
    serialized = v1.placeholder(tf.string, [None], name="input_example_tensor")
    features = v1.io.parse_example(serialized, spec)
    v1.train.get_or_create_global_step()
    x0 = fc.input_layer(features, columns)
    width = int(x0.shape[1])
    x = x0
    with v1.variable_scope("cross"):
        for i in range(3):
            w = v1.get_variable(f"w{i}", [width, 1], initializer=v1.glorot_uniform_initializer())
            b = v1.get_variable(f"b{i}", [width], initializer=v1.zeros_initializer())
            x = x0 * tf.matmul(x, w) + b + x
    deep = x0
    for i, units in enumerate([16, 8]):
        with v1.variable_scope("dense" if i == 0 else f"dense_{i}"):
            k = v1.get_variable("kernel", [int(deep.shape[1]), units])
            deep = tf.nn.relu(
                tf.nn.bias_add(tf.matmul(deep, k), v1.get_variable("bias", [units])), name="Relu"
            )
    both = tf.concat([x, deep], 1)
    with v1.variable_scope("logits"):
        logits = tf.nn.bias_add(
            tf.matmul(both, v1.get_variable("kernel", [int(both.shape[1]), 1])), v1.get_variable("bias", [1])
        )
    with v1.name_scope("head/predictions"):
        tf.identity(logits, name="logits_copy")
        probabilities = tf.sigmoid(logits, name="logistic")
    return [serialized], [probabilities]


@case("ctr")
def dien_with_auxiliary_loss_for_taobao() -> Truth:
    """mouna99/dien: calculate() feeds user, item, category, histories, mask and length, fetches y_hat."""
    n_uid, n_mid, n_cat, ed, hs = 30, 40, 12, 3, 6
    with v1.name_scope("Inputs"):
        mid_his = v1.placeholder(tf.int32, [None, None], name="mid_his_batch_ph")
        cat_his = v1.placeholder(tf.int32, [None, None], name="cat_his_batch_ph")
        uid = v1.placeholder(tf.int32, [None], name="uid_batch_ph")
        mid = v1.placeholder(tf.int32, [None], name="mid_batch_ph")
        cat = v1.placeholder(tf.int32, [None], name="cat_batch_ph")
        mask = v1.placeholder(tf.float32, [None, None], name="mask")
        seq_len = v1.placeholder(tf.int32, [None], name="seq_len_ph")
        target = v1.placeholder(tf.float32, [None, None], name="target_ph")
        lr = v1.placeholder(tf.float64, [])
        noclk_mid = v1.placeholder(tf.int32, [None, None, None], name="noclk_mid_batch_ph")
        noclk_cat = v1.placeholder(tf.int32, [None, None, None], name="noclk_cat_batch_ph")
    with v1.name_scope("Embedding_layer"):
        uid_var = v1.get_variable("uid_embedding_var", [n_uid, ed])
        v1.summary.histogram("uid_embeddings_var", uid_var)
        uid_e = tf.nn.embedding_lookup(uid_var, uid)
        mid_var = v1.get_variable("mid_embedding_var", [n_mid, ed])
        cat_var = v1.get_variable("cat_embedding_var", [n_cat, ed])
        item_eb = tf.concat([tf.nn.embedding_lookup(mid_var, mid), tf.nn.embedding_lookup(cat_var, cat)], 1)
        his_eb = tf.concat(
            [tf.nn.embedding_lookup(mid_var, mid_his), tf.nn.embedding_lookup(cat_var, cat_his)], 2
        )
        his_sum = tf.reduce_sum(his_eb, 1)
        noclk = tf.concat(
            [
                tf.nn.embedding_lookup(mid_var, noclk_mid[:, :, 0]),
                tf.nn.embedding_lookup(cat_var, noclk_cat[:, :, 0]),
            ],
            -1,
        )

    def dense(x: Tensor, units: int, name: str) -> Tensor:
        with v1.variable_scope(name, reuse=v1.AUTO_REUSE):
            k = v1.get_variable("kernel", [int(x.shape[-1]), units])
            return tf.nn.bias_add(tf.tensordot(x, k, 1), v1.get_variable("bias", [units]))

    def prelu(x: Tensor, scope: str) -> Tensor:
        with v1.variable_scope(scope, reuse=v1.AUTO_REUSE):
            a = v1.get_variable("prelu_alpha", [int(x.shape[-1])], initializer=v1.constant_initializer(0.1))
        return tf.maximum(0.0, x) + a * tf.minimum(0.0, x)

    with v1.name_scope("rnn_1"):
        rnn_out, _ = v1.nn.dynamic_rnn(
            rnn_cell.GRUCell(hs), inputs=his_eb, sequence_length=seq_len, dtype=tf.float32, scope="gru1"
        )
        v1.summary.histogram("GRU_outputs", rnn_out)

    def auxiliary(h: Tensor, click: Tensor, no: Tensor, m: Tensor) -> Tensor:
        def net(z: Tensor) -> Tensor:
            return tf.nn.softmax(dense(tf.sigmoid(dense(z, 8, "f1aux_stag")), 2, "f2aux_stag")) + 0.00000001

        c = net(tf.concat([h, click], -1))[:, :, 0]
        n = net(tf.concat([h, no], -1))[:, :, 0]
        m = tf.cast(m, tf.float32)
        return tf.reduce_mean(-tf.math.log(c) * m - tf.math.log(1.0 - n) * m)

    aux_loss = auxiliary(rnn_out[:, :-1, :], his_eb[:, 1:, :], noclk[:, 1:, :], mask[:, 1:])
    with v1.name_scope("Attention_layer_1"):
        query = prelu(dense(item_eb, hs, "f1_att_q"), "att_q")
        queries = tf.reshape(tf.tile(query, [1, tf.shape(rnn_out)[1]]), tf.shape(rnn_out))
        din = tf.concat([queries, rnn_out, queries - rnn_out, queries * rnn_out], -1)
        din = tf.reshape(din, [-1, tf.shape(rnn_out)[1], 4 * hs])
        score = dense(tf.sigmoid(dense(din, 8, "f1_att")), 1, "f2_att")
        score = tf.reshape(score, [-1, 1, tf.shape(rnn_out)[1]])
        key_masks = tf.expand_dims(tf.equal(mask, tf.ones_like(mask)), 1)
        score = tf.where(key_masks, score, tf.ones_like(score) * (-(2**32) + 1))
        alphas = tf.reshape(tf.nn.softmax(score), [-1, tf.shape(rnn_out)[1]])
        v1.summary.histogram("alpha_outputs", alphas)
    with v1.name_scope("rnn_2"):
        gates = v1.get_variable("vecatt/gates", [2 * hs, 2 * hs])
        cand = v1.get_variable("vecatt/candidate", [2 * hs, hs])

        def step(state: Tensor, elems: Any) -> Tensor:
            inp, a, alive = elems
            r, u = tf.split(tf.sigmoid(tf.matmul(tf.concat([inp, state], 1), gates)), 2, 1)
            c = tf.tanh(tf.matmul(tf.concat([inp, r * state], 1), cand))
            u = (1.0 - a) * u
            return tf.where(alive, u * state + (1.0 - u) * c, state)

        alive = tf.transpose(tf.tile(tf.expand_dims(mask > 0, 2), [1, 1, hs]), [1, 0, 2])
        states = v1.scan(
            step,
            (tf.transpose(rnn_out, [1, 0, 2]), tf.expand_dims(tf.transpose(alphas), 2), alive),
            initializer=tf.zeros_like(rnn_out[:, 0, :]),
        )
        final_state2 = states[-1]
    inp = tf.concat([uid_e, item_eb, his_sum, item_eb * his_sum, final_state2], 1)
    with v1.variable_scope("bn1"):
        gamma, beta = (
            v1.get_variable("gamma", [int(inp.shape[1])]),
            v1.get_variable("beta", [int(inp.shape[1])]),
        )
        mean, var = v1.nn.moments(inp, [0])
        bn1 = tf.nn.batch_normalization(inp, mean, var, beta, gamma, 1e-3)
    dnn1 = prelu(dense(bn1, 10, "f1"), "prelu1")
    dnn2 = prelu(dense(dnn1, 6, "f2"), "prelu2")
    y_hat = tf.nn.softmax(dense(dnn2, 2, "f3")) + 0.00000001
    with v1.name_scope("Metrics"):
        ctr_loss = -tf.reduce_mean(tf.math.log(y_hat) * target)
        loss = ctr_loss + aux_loss
        v1.summary.scalar("loss", loss)
        v1.train.AdamOptimizer(learning_rate=tf.cast(lr, tf.float32)).minimize(loss)
        accuracy = tf.reduce_mean(tf.cast(tf.equal(tf.round(y_hat), target), tf.float32))
        v1.summary.scalar("accuracy", accuracy)
    v1.summary.merge_all()
    return [uid, mid, cat, mid_his, cat_his, mask, seq_len], [y_hat]


@case("multitask")
def esmm_over_mixture_of_experts_model_fn() -> Truth:
    """A shop's Estimator in TRAIN mode: CSV logs by decode_csv, features embedded by hand.

    The PREDICT branch gives a dict of ctr, cvr and ctcvr, which the ranker fetches together.
    """
    names = ["user_id", "age", "item_id", "brand", "price", "hour", "click", "pay"]

    def parse(line: Tensor) -> Any:
        cols = v1.decode_csv(line, [["-"], [0.0], ["-"], ["-"], [0.0], [0], [0.0], [0.0]])
        f = dict(zip(names, cols, strict=True))
        click, pay = f.pop("click"), f.pop("pay")
        return f, {"click": click, "pay": pay}

    ds = tf.data.TextLineDataset(["/data/log/part-0.csv", "/data/log/part-1.csv"]).skip(1)
    ds = ds.map(parse, num_parallel_calls=2).shuffle(100).repeat(2).batch(16)
    features, labels = v1.data.make_one_shot_iterator(ds).get_next()
    global_step = v1.train.get_or_create_global_step()
    parts = []
    with v1.variable_scope("input_layer", partitioner=None):
        for name, buckets, dim in (("user_id", 64, 4), ("item_id", 64, 4), ("brand", 16, 2)):
            ids = v1.string_to_hash_bucket_fast(features[name], buckets)
            table = v1.get_variable(
                name + "_embedding/embedding_weights",
                [buckets, dim],
                initializer=v1.truncated_normal_initializer(stddev=0.5),
            )
            parts.append(tf.nn.embedding_lookup(table, ids))
        hours = v1.get_variable("hour_embedding/embedding_weights", [24, 2])
        parts.append(tf.gather(hours, v1.floormod(features["hour"], 24)))
        parts.append(tf.expand_dims(features["age"] / 100.0, -1))
        parts.append(tf.expand_dims(v1.log1p(features["price"]), -1))
        net = tf.concat(parts, axis=1, name="concat")

    def dense(x: Tensor, units: int, name: str, act: Any = tf.nn.relu) -> Tensor:
        with v1.variable_scope(name):
            kernel = v1.get_variable(
                "kernel", [int(x.shape[1]), units], regularizer=lambda k: 1e-4 * tf.nn.l2_loss(k)
            )
            y = v1.nn.xw_plus_b(
                x, kernel, v1.get_variable("bias", [units], initializer=v1.zeros_initializer())
            )
        return act(y) if act else y

    experts = tf.stack([dense(net, 8, f"expert_{i}") for i in range(3)], axis=1)
    logits = []
    for task in ("ctr", "cvr"):
        gate = tf.nn.softmax(dense(net, 3, task + "_gate", None), name=task + "_gate_softmax")
        mixed = tf.reduce_sum(experts * tf.expand_dims(gate, -1), 1)
        logits.append(dense(dense(mixed, 6, task + "_tower"), 1, task + "_logits", None))
    p_ctr = tf.sigmoid(logits[0], name="CTR")
    p_cvr = tf.sigmoid(logits[1], name="CVR")
    p_ctcvr = tf.multiply(p_ctr, p_cvr, name="CTCVR")
    click = tf.expand_dims(labels["click"], -1)
    pay = tf.expand_dims(labels["pay"], -1)
    ctr_loss = tf.reduce_sum(v1.nn.sigmoid_cross_entropy_with_logits(labels=click, logits=logits[0]))
    ctcvr_loss = tf.reduce_sum(v1.losses.log_loss(click * pay, p_ctcvr, reduction=v1.losses.Reduction.NONE))
    loss = tf.add(ctr_loss, ctcvr_loss, name="ctcvr_loss") + v1.losses.get_regularization_loss()
    ctr_auc = v1.metrics.auc(click, p_ctr, num_thresholds=20, name="ctr_auc")
    cvr_auc = v1.metrics.auc(pay, p_ctcvr, num_thresholds=20, name="ctcvr_auc")
    v1.summary.scalar("ctr_auc", ctr_auc[1])
    v1.summary.scalar("ctcvr_auc", cvr_auc[1])
    v1.train.AdagradOptimizer(0.05).minimize(loss, global_step=global_step)
    return [features[n] for n in ("user_id", "age", "item_id", "brand", "price", "hour")], [
        p_ctr,
        p_cvr,
        p_ctcvr,
    ]


@case("retrieval", modern=True)
def two_towers_with_corrected_batch_softmax() -> Truth:
    """A video site: sparse watch history on one side, item and words of the title on the other.

    The export job fetches both normalized vectors (index of items, queries of users).
    """
    watched = v1.sparse_placeholder(tf.int64, [None, 100], name="user/watched")
    country = v1.placeholder(tf.int32, [None], name="user/country")
    age_days = v1.placeholder(tf.float32, [None], name="user/account_age")
    item_id = v1.placeholder(tf.int64, [None], name="item/id")
    title = v1.placeholder(tf.int32, [None, 8], name="item/title_words")
    log_q = v1.placeholder(tf.float32, [None], name="train/log_q")
    weight = v1.placeholder_with_default(tf.ones([1]), [None], name="train/watch_time_weight")

    items = v1.get_variable("item_table", [80, 6], initializer=v1.random_uniform_initializer(-0.05, 0.05))
    words = v1.get_variable("word_table", [50, 4])
    countries = v1.get_variable("country_table", [10, 2])

    def mlp(h: Tensor, scope: str) -> Tensor:
        with v1.variable_scope(scope):
            for i, n in enumerate((12, 8)):
                w = v1.get_variable(f"w{i}", [int(h.shape[-1]), n])
                b = v1.get_variable(f"b{i}", [n], initializer=v1.zeros_initializer())
                h = tf.matmul(h, w) + b
                if i == 0:
                    h = tf.nn.leaky_relu(h, 0.1)
            return tf.nn.l2_normalize(h, axis=1, name="vector")

    history = v1.nn.safe_embedding_lookup_sparse(items, watched, combiner="mean")
    history = tf.reshape(history, [-1, 6])
    age = tf.stack([age_days / 1000.0, tf.sqrt(age_days / 1000.0), tf.square(age_days / 1000.0)], 1)
    user_vec = mlp(tf.concat([history, tf.gather(countries, country), age], 1), "user_tower")
    present = tf.cast(tf.not_equal(title, 0), tf.float32)[:, :, None]
    bag = tf.reduce_sum(tf.gather(words, title) * present, 1) / tf.maximum(tf.reduce_sum(present, 1), 1.0)
    item_vec = mlp(tf.concat([tf.gather(items, item_id), bag], 1), "item_tower")

    scores = tf.matmul(user_vec, item_vec, transpose_b=True) / 0.05
    scores -= tf.expand_dims(log_q, 0)
    same = tf.equal(item_id[:, None], item_id[None, :])
    n = tf.shape(scores)[0]
    scores = tf.where(tf.logical_and(same, tf.logical_not(tf.cast(tf.eye(n), tf.bool))), scores - 1e9, scores)
    xent = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=tf.range(n), logits=scores)
    loss = tf.reduce_mean(xent * weight)
    hit = tf.reduce_mean(tf.cast(tf.nn.in_top_k(targets=tf.range(n), predictions=scores, k=1), tf.float32))
    v1.summary.scalar("batch_softmax", loss)
    v1.summary.scalar("recall_in_batch_at_1", hit)
    step = v1.train.get_or_create_global_step()
    rate = v1.train.exponential_decay(0.01, step, 1000, 0.9)
    v1.train.AdagradOptimizer(rate).minimize(loss, step)
    v1.summary.merge_all()
    return [watched.indices, watched.values, watched.dense_shape, country, age_days, item_id, title], [
        user_vec,
        item_vec,
    ]


@case("session")
def gru4rec_with_states_between_minibatches() -> Truth:
    """Songweiping/GRU4Rec_TensorFlow: predict_next_batch feeds X and states, fetches yhat, final_state."""
    batch, size, n_items, layers = 5, 8, 37, 2
    global_step = v1.Variable(0, name="global_step", trainable=False)
    X = v1.placeholder(tf.int32, [batch], name="input")
    Y = v1.placeholder(tf.int32, [batch], name="output")
    state = [v1.placeholder(tf.float32, [batch, size], name="rnn_state") for _ in range(layers)]
    with v1.variable_scope("gru_layer"):
        initializer = v1.random_uniform_initializer(minval=-0.1, maxval=0.1)
        embedding = v1.get_variable("embedding", [n_items, size], initializer=initializer)
        softmax_W = v1.get_variable("softmax_w", [n_items, size], initializer=initializer)
        softmax_b = v1.get_variable("softmax_b", [n_items], initializer=v1.constant_initializer(0.0))
        stacked = rnn_cell.MultiRNNCell([rnn_cell.GRUCell(size, activation=tf.tanh) for _ in range(layers)])
        inputs = tf.nn.embedding_lookup(embedding, X)
        output, new_state = stacked(inputs, tuple(state))
        final_state = new_state
    # training: scores against the items of the other sessions of the batch
    sampled_W = tf.nn.embedding_lookup(softmax_W, Y)
    sampled_b = tf.nn.embedding_lookup(softmax_b, Y)
    logits = tf.matmul(output, sampled_W, transpose_b=True) + sampled_b
    yhat_train = tf.tanh(logits)
    yhatT = tf.transpose(yhat_train)
    cost = tf.reduce_mean(
        tf.reduce_mean(
            tf.sigmoid(tf.linalg.diag_part(yhat_train) * -1 + yhatT) + tf.sigmoid(yhatT**2), axis=0
        )
    )
    lr = tf.maximum(1e-5, v1.train.exponential_decay(0.001, global_step, 100, 0.96, staircase=True))
    optimizer = v1.train.AdamOptimizer(lr)
    capped = [
        (tf.clip_by_norm(tf.convert_to_tensor(g), 5.0), v) for g, v in optimizer.compute_gradients(cost)
    ]
    optimizer.apply_gradients(capped, global_step=global_step)
    # prediction over all items
    yhat = tf.tanh(tf.matmul(output, softmax_W, transpose_b=True) + softmax_b)
    return [X, *state], [yhat, *final_state]


@case("nowcasting", modern=True)
def convlstm_radar_nowcast_in_dbz() -> Truth:
    """A weather service: five radar images in, six predicted, fed back by a while loop.

    Verification fetches the frames in mm/h.
    """
    with v1.variable_scope("inputs"):
        dbz = v1.placeholder(tf.float32, [None, 5, 16, 16, 1], "radar_dbz")
        truth = v1.placeholder(tf.float32, [None, 6, 16, 16, 1], "future_dbz")
        orography = v1.placeholder(tf.float32, [None, 16, 16, 1], "dem")
    ch = 4
    kernel = v1.get_variable(
        "convlstm/kernel", [3, 3, 2 + ch, 4 * ch], initializer=v1.glorot_normal_initializer()
    )
    bias = v1.get_variable("convlstm/bias", [4 * ch], initializer=v1.zeros_initializer())
    peep = v1.get_variable("convlstm/W_co", [16, 16, ch])
    head_k = v1.get_variable("head/kernel", [1, 1, ch, 1])
    head_b = v1.get_variable("head/bias", [1])

    def cell(x: Tensor, c: Tensor, h: Tensor) -> Any:
        z = tf.nn.conv2d(tf.concat([x, orography, h], -1), kernel, strides=1, padding="SAME") + bias
        i, j, f, o = tf.split(z, 4, axis=-1)
        c = c * tf.sigmoid(f + 1.0) + tf.sigmoid(i) * tf.tanh(j)
        return c, tf.tanh(c) * tf.sigmoid(o + peep * c)

    scaled = tf.clip_by_value(dbz, 0.0, 70.0) / 70.0
    c = h = tf.zeros(tf.stack([tf.shape(dbz)[0], 16, 16, ch]))
    c.set_shape([None, 16, 16, ch])
    h = c
    for t in range(5):
        c, h = cell(scaled[:, t], c, h)
    frames = tf.TensorArray(tf.float32, 6)

    def body(t: Tensor, x: Tensor, c: Tensor, h: Tensor, ta: Any) -> Any:
        c, h = cell(x, c, h)
        nxt = tf.sigmoid(tf.nn.conv2d(h, head_k, strides=1, padding="SAME") + head_b)
        nxt = 0.5 * nxt + 0.5 * x
        return t + 1, nxt, c, h, ta.write(t, nxt)

    _, _, _, _, frames = tf.while_loop(
        lambda t, *_: t < 6, body, [tf.constant(0), scaled[:, -1], c, h, frames]
    )
    stacked = tf.transpose(frames.stack(), [1, 0, 2, 3, 4])
    stacked.set_shape([None, 6, 16, 16, 1])
    pred_dbz = 70.0 * stacked
    rain_rate = tf.pow(tf.pow(10.0, pred_dbz / 10.0) / 200.0, 1.0 / 1.6, name="rain_mm_per_h")
    true_rate = tf.pow(tf.pow(10.0, truth / 10.0) / 200.0, 1.0 / 1.6)
    w = 1.0 + tf.cast(true_rate > 2.0, tf.float32) + 3.0 * tf.cast(true_rate > 10.0, tf.float32)
    b_mse = tf.reduce_mean(w * tf.square(pred_dbz - truth) / 4900.0)
    b_mae = tf.reduce_mean(w * tf.abs(pred_dbz - truth) / 70.0)
    loss = b_mse + b_mae
    hits = tf.reduce_sum(tf.cast(tf.logical_and(rain_rate > 0.5, true_rate > 0.5), tf.float32))
    either = tf.reduce_sum(tf.cast(tf.logical_or(rain_rate > 0.5, true_rate > 0.5), tf.float32))
    v1.summary.scalar("csi_05", hits / (either + 1e-6))
    v1.summary.image("last_frame", stacked[:, -1], max_outputs=2)
    v1.summary.scalar("loss", loss)
    opt = v1.train.RMSPropOptimizer(1e-3)
    gv = [(tf.clip_by_norm(g, 1.0), v) for g, v in opt.compute_gradients(loss) if g is not None]
    opt.apply_gradients(gv, v1.train.get_or_create_global_step())
    return [dbz, orography], [rain_rate]


@case("survival")
def deephit_competing_risks() -> Truth:
    """chl8856/DeepHit: predict(x_test) is sess.run(self.out, feed_dict={x, mode 0, keep_prob 1.0})."""
    x_dim, events, cats = 9, 2, 12
    with v1.variable_scope("DeepHit"):
        mb_size = v1.placeholder(tf.int32, [], name="batch_size")
        lr_rate = v1.placeholder(tf.float32, [], name="learning_rate")
        keep_prob = v1.placeholder(tf.float32, [], name="keep_probability")
        a = v1.placeholder(tf.float32, [], name="alpha")
        b = v1.placeholder(tf.float32, [], name="beta")
        x = v1.placeholder(tf.float32, shape=[None, x_dim], name="inputs")
        k = v1.placeholder(tf.float32, shape=[None, 1], name="labels")
        t = v1.placeholder(tf.float32, shape=[None, 1], name="timetoevents")
        fc_mask1 = v1.placeholder(tf.float32, shape=[None, events, cats], name="mask1")
        fc_mask2 = v1.placeholder(tf.float32, shape=[None, cats], name="mask2")
        count = [0]

        def fully_connected(inp: Tensor, n: int, act: Any) -> Tensor:
            name = "fully_connected" + (f"_{count[0]}" if count[0] else "")
            count[0] += 1
            with v1.variable_scope(name):
                w = v1.get_variable(
                    "weights", [int(inp.shape[-1]), n], initializer=v1.glorot_normal_initializer()
                )
                v1.add_to_collection(v1.GraphKeys.REGULARIZATION_LOSSES, 1e-4 * tf.nn.l2_loss(w))
                z = tf.nn.bias_add(tf.matmul(inp, w), v1.get_variable("biases", [n]))
                return act(z) if act is not None else z

        shared = v1.nn.dropout(fully_connected(x, 10, tf.nn.relu), keep_prob=keep_prob)
        shared = fully_connected(shared, 10, tf.nn.relu)
        h = tf.concat([x, shared], axis=1)
        out = []
        for _ in range(events):
            cs = fully_connected(h, 8, tf.nn.relu)
            cs = v1.nn.dropout(cs, keep_prob=keep_prob)
            out.append(fully_connected(cs, 6, tf.nn.relu))
        o = tf.reshape(tf.stack(out, axis=1), [-1, events * 6])
        o = v1.nn.dropout(o, keep_prob=keep_prob)
        o = fully_connected(o, events * cats, tf.nn.softmax)
        out = tf.reshape(o, [-1, events, cats])
        # likelihood
        I_1 = tf.sign(k)
        tmp1 = I_1 * tf.math.log(tf.reduce_sum(tf.reduce_sum(fc_mask1 * out, 2), 1, keepdims=True) + 1e-8)
        tmp2 = (1.0 - I_1) * tf.math.log(
            tf.reduce_sum(tf.reduce_sum(fc_mask1 * out, 2), 1, keepdims=True) + 1e-8
        )
        loss1 = -tf.reduce_mean(tmp1 + tmp2)
        # ranking
        eta = []
        for e in range(events):
            one = tf.ones_like(t, dtype=tf.float32)
            I_2 = tf.linalg.diag(tf.squeeze(tf.cast(tf.equal(k, e + 1), tf.float32), 1))
            tmp_e = tf.reshape(tf.slice(out, [0, e, 0], [-1, 1, -1]), [-1, cats])
            R = tf.matmul(tmp_e, tf.transpose(fc_mask2))
            diag_R = tf.reshape(tf.linalg.diag_part(R), [-1, 1])
            R = tf.transpose(tf.matmul(one, tf.transpose(diag_R)) - R)
            T = tf.nn.relu(tf.sign(tf.matmul(one, tf.transpose(t)) - tf.matmul(t, tf.transpose(one))))
            eta.append(tf.reduce_mean(tf.matmul(I_2, T) * tf.exp(-R / 0.1), axis=1, keepdims=True))
        loss2 = tf.reduce_sum(tf.reduce_mean(tf.reshape(tf.stack(eta, axis=1), [-1, events]), axis=1))
        total = a * loss1 + b * loss2 + v1.losses.get_regularization_loss()
        v1.train.AdamOptimizer(learning_rate=lr_rate, beta1=0.9, beta2=0.999).minimize(total)
        tf.cast(mb_size, tf.float32, name="n")
    return [x], [out]


@case("insurance")
def motor_frequency_and_severity_mixture() -> Truth:
    """Actuaries: Poisson frequency with exposure, mixture of two log-normals for the claim size.

    The pricing run initializes the iterator with the portfolio and fetches frequency, severity and
    pure premium.
    """
    num_ph = v1.placeholder(tf.float32, [None, 6], name="numeric_all")
    cat_ph = v1.placeholder(tf.int32, [None, 3], name="factors_all")
    expo_ph = v1.placeholder(tf.float32, [None], name="exposure_all")
    claims_ph = v1.placeholder(tf.float32, [None, 2], name="claims_all")
    data = tf.data.Dataset.from_tensor_slices((num_ph, cat_ph, expo_ph, claims_ph))
    data = data.shuffle(1000).batch(64).repeat()
    it = v1.data.make_initializable_iterator(data)
    num, cat, expo, claims = it.get_next()
    mu = v1.get_variable("scaler_mean", [6], trainable=False, initializer=v1.zeros_initializer())
    sd = v1.get_variable("scaler_std", [6], trainable=False, initializer=v1.ones_initializer())
    z = [(num - mu) / sd]
    for j, (levels, d) in enumerate([(11, 2), (22, 2), (7, 1)]):
        e = v1.get_variable(f"emb{j}", [levels, d])
        z.append(tf.nn.embedding_lookup(e, cat[:, j]))
    h = tf.concat(z, 1)
    W1 = v1.get_variable("W1", [11, 10])
    b1 = v1.get_variable("b1", [10], initializer=v1.zeros_initializer())
    W2 = v1.get_variable("W2", [10, 8])
    b2 = v1.get_variable("b2", [8], initializer=v1.zeros_initializer())
    h = tf.nn.tanh(tf.matmul(tf.nn.tanh(tf.matmul(h, W1) + b1), W2) + b2)
    Wf = v1.get_variable("Wf", [8, 1], initializer=v1.zeros_initializer())
    bf = v1.get_variable("bf", [1], initializer=v1.constant_initializer(-2.0))
    glm = v1.get_variable("glm", [6, 1])
    log_lambda = tf.squeeze(tf.matmul(h, Wf) + bf + tf.matmul(z[0], glm), 1)
    freq = tf.exp(log_lambda)
    Ws = v1.get_variable("Ws", [8, 6])
    bs = v1.get_variable("bs", [6])
    raw_pi, loc, raw_sigma = tf.split(tf.matmul(h, Ws) + bs, 3, axis=1)
    log_pi = tf.nn.log_softmax(raw_pi)
    sigma = tf.nn.softplus(raw_sigma) + 0.05
    severity = tf.reduce_sum(tf.exp(log_pi + loc + 0.5 * tf.square(sigma)), 1)
    premium = freq * severity * expo
    n, amount = claims[:, 0], claims[:, 1]
    poisson = tf.nn.log_poisson_loss(n, log_lambda + tf.math.log(expo))
    x = tf.expand_dims(tf.math.log(tf.maximum(amount / tf.maximum(n, 1.0), 1.0)), 1)
    logp = -0.5 * tf.square((x - loc) / sigma) - tf.math.log(sigma) - 0.9189385 - x
    mixture = -tf.reduce_logsumexp(log_pi + logp, axis=1)
    has = tf.cast(n > 0, tf.float32)
    loss = tf.reduce_mean(poisson) + tf.reduce_sum(has * mixture) / tf.maximum(tf.reduce_sum(has), 1.0)
    loss += 1e-3 * (tf.nn.l2_loss(W1) + tf.nn.l2_loss(W2))
    gs = v1.train.get_or_create_global_step()
    ema = v1.train.ExponentialMovingAverage(0.99, gs)
    opt = v1.train.AdamOptimizer(1e-3).minimize(loss, gs)
    with v1.control_dependencies([opt]):
        ema.apply(v1.trainable_variables())
    balance = tf.reduce_sum(premium) / tf.maximum(tf.reduce_sum(amount), 1.0)
    v1.summary.scalar("portfolio_balance", balance)
    v1.summary.scalar("nll", loss)
    return [num, cat, expo], [freq, severity, premium]


@case("maintenance")
def wtte_rnn_for_turbofans() -> Truth:
    """Weibull time to event of jet engines.

    The notebook's predict feeds the sensor windows and their lengths and fetches the (alpha, beta) pair at
    each cycle.
    """
    graph_inputs = v1.placeholder(tf.float32, [None, None, 14])
    lengths = v1.placeholder(tf.int32, [None])
    tte = v1.placeholder(tf.float32, [None, None])
    uncensored = v1.placeholder(tf.float32, [None, None])
    keep = v1.placeholder_with_default(1.0, [])
    lr = v1.placeholder(tf.float32, [])
    init_alpha = 130.0
    normed = (graph_inputs - v1.get_variable("mean", [14], trainable=False)) / v1.get_variable(
        "std", [14], trainable=False, initializer=v1.ones_initializer()
    )
    cell = rnn_cell.DropoutWrapper(rnn_cell.LSTMCell(9, use_peepholes=True), output_keep_prob=keep)
    out, _ = v1.nn.dynamic_rnn(cell, normed, sequence_length=lengths, dtype=tf.float32)
    flat = tf.reshape(out, [-1, 9])
    w = v1.get_variable("W", [9, 2], initializer=v1.random_normal_initializer(stddev=0.1))
    b = v1.get_variable("b", [2], initializer=v1.zeros_initializer())
    ab = tf.reshape(tf.matmul(flat, w) + b, [tf.shape(out)[0], -1, 2])
    a_, b_ = tf.unstack(ab, num=2, axis=2)
    alpha = init_alpha * tf.exp(a_)
    beta = 4.0 * tf.nn.sigmoid(b_ - 1.1)
    params = tf.stack([alpha, beta], axis=-1)
    hazard0 = tf.pow((tte + 1e-35) / alpha, beta)
    hazard1 = tf.pow((tte + 1.0) / alpha, beta)
    loglik = uncensored * tf.math.log(tf.exp(hazard1 - hazard0) - (1.0 - 1e-6)) - hazard1
    weights = tf.sequence_mask(lengths, tf.shape(tte)[1], dtype=tf.float32)
    loss = -tf.reduce_sum(loglik * weights) / tf.reduce_sum(weights)
    mode = alpha * tf.pow(tf.maximum((beta - 1.0) / beta, 1e-6), 1.0 / beta)
    rmse = tf.sqrt(tf.reduce_sum(weights * uncensored * tf.square(mode - tte)) / tf.reduce_sum(weights))
    v1.summary.scalar("loss", loss)
    v1.summary.scalar("rmse_of_mode", rmse)
    v1.summary.histogram("beta", beta)
    tvars = v1.trainable_variables()
    grads, _ = tf.clip_by_global_norm(tf.gradients(loss, tvars), 2.0)
    v1.train.AdamOptimizer(lr).apply_gradients(zip(grads, tvars, strict=True))
    v1.summary.merge_all()
    return [graph_inputs, lengths], [params]


@case("forecast")
def web_traffic_seq2seq_with_lags() -> Truth:
    """Arturus/kaggle-web-traffic: the pipe's batches hold normalized hits, lags and calendar.

    predict() fetches model.predictions, which is denormalized and taken back from the logarithm.
    """
    back, ahead, depth = 20, 6, 7
    hits_ph = v1.placeholder(tf.float32, [None, 60], name="hits")
    feat_ph = v1.placeholder(tf.float32, [None, 4], name="page_features")
    dow_ph = v1.placeholder(tf.float32, [60, 2], name="dow")
    ds = tf.data.Dataset.from_tensor_slices((hits_ph, feat_ph))

    def make_features(hits: Tensor, feats: Tensor) -> Any:
        start = tf.random.uniform([], 8, 60 - back - ahead, dtype=tf.int32)
        x = tf.reshape(hits[start : start + back], [back])
        y = tf.reshape(hits[start + back : start + back + ahead], [ahead])
        mean, var = v1.nn.moments(x, [0])
        std = tf.sqrt(var) + 1e-3
        lag_x = tf.reshape(hits[start - 7 : start - 7 + back], [back, 1])
        lag_y = tf.reshape(hits[start + back - 7 : start + back - 7 + ahead], [ahead, 1])
        tx = tf.reshape(dow_ph[start : start + back], [back, 2])
        ty = tf.reshape(dow_ph[start + back : start + back + ahead], [ahead, 2])
        return (
            (x - mean) / std,
            tx,
            (lag_x - mean) / std,
            y,
            (y - mean) / std,
            ty,
            (lag_y - mean) / std,
            mean,
            std,
            feats,
        )

    ds = ds.map(make_features).shuffle(10).batch(8).prefetch(2)
    it = v1.data.make_initializable_iterator(ds)
    norm_x, time_x, lag_x, true_y, norm_y, time_y, lag_y, norm_mean, norm_std, feats = it.get_next()
    with v1.variable_scope("m_0"):
        tiled = tf.tile(tf.expand_dims(feats, 1), [1, back, 1])
        x_all = tf.concat([tf.expand_dims(norm_x, -1), time_x, lag_x, tiled], 2)
        with v1.variable_scope("encoder"):
            enc_out, enc_state = v1.nn.dynamic_rnn(rnn_cell.GRUCell(depth), x_all, dtype=tf.float32)
        with v1.variable_scope("fingerprint"):
            fk = v1.get_variable("kernel", [7, 1, 3])
            fp = tf.nn.conv1d(tf.expand_dims(norm_x, -1), fk, 2, "SAME")
            fp = tf.reduce_max(tf.nn.relu(fp), 1)
        dec_feats = tf.concat([time_y, lag_y, tf.tile(tf.expand_dims(feats, 1), [1, ahead, 1])], 2)
        with v1.variable_scope("decoder"):
            cell = rnn_cell.GRUCell(depth)
            proj_w = v1.get_variable("decoder_output_proj/kernel", [depth + 3, 1])
            proj_b = v1.get_variable("decoder_output_proj/bias", [1])
            by_time = tf.transpose(dec_feats, [1, 0, 2])
            outputs_ta = tf.TensorArray(tf.float32, size=ahead)

            def cond_fn(time: Tensor, prev: Tensor, state: Tensor, ta: Any) -> Tensor:
                return time < ahead

            def loop_fn(time: Tensor, prev: Tensor, state: Tensor, ta: Any) -> Any:
                out, state = cell(tf.concat([prev, by_time[time]], 1), state)
                p = v1.nn.xw_plus_b(tf.concat([out, fp], 1), proj_w, proj_b)
                return time + 1, p, state, ta.write(time, p)

            _, _, _, ta = v1.while_loop(
                cond_fn, loop_fn, [tf.constant(0), tf.expand_dims(norm_x[:, -1], 1), enc_state, outputs_ta]
            )
            decoded = tf.transpose(tf.squeeze(ta.stack(), axis=-1))
    predictions = tf.math.expm1(decoded * tf.expand_dims(norm_std, 1) + tf.expand_dims(norm_mean, 1))
    mask = tf.cast(tf.math.is_finite(true_y), tf.float32)
    mae = v1.losses.absolute_difference(labels=norm_y, predictions=decoded, weights=mask)
    true = tf.math.expm1(true_y)
    summ = tf.maximum(tf.abs(true) + tf.abs(predictions) + 0.1, 0.6)
    smape_loss = v1.losses.compute_weighted_loss(tf.abs(predictions - true) / summ * 2.0, mask)
    rnn_stab = 1e-6 * tf.reduce_mean(
        tf.square(tf.norm(enc_out[:, 1:], axis=-1) - tf.norm(enc_out[:, :-1], axis=-1))
    )
    total = mae + rnn_stab
    gs = v1.train.get_or_create_global_step()
    opt = v1.train.AdamOptimizer()
    gv = opt.compute_gradients(total)
    clipped, norm = tf.clip_by_global_norm([g for g, _ in gv], 1.0)
    sgd = opt.apply_gradients(zip(clipped, [v for _, v in gv], strict=True), gs)
    ema = v1.train.ExponentialMovingAverage(decay=0.99)
    with v1.control_dependencies([sgd]):
        ema.apply(v1.trainable_variables())
    v1.summary.scalar("grad_norm", norm)
    v1.summary.scalar("smape", smape_loss)
    return [norm_x, time_x, lag_x, time_y, lag_y, norm_mean, norm_std, feats], [predictions]


@case("traffic")
def stgcn_pems() -> Truth:
    """VeritasYin/STGCN_IJCAI-18: one placeholder holds history and the next step.

    The tester takes 'y_pred' from the collection and feeds data_input:0 and keep_prob:0.
    """
    n_his, n, Ks, Kt = 6, 7, 2, 2
    rng = np.random.RandomState(0)
    Lk = rng.rand(n, Ks * n).astype("float32")
    v1.add_to_collection("graph_kernel", tf.cast(tf.constant(Lk), tf.float32))
    x = v1.placeholder(tf.float32, [None, n_his + 1, n, 1], name="data_input")
    keep_prob = v1.placeholder(tf.float32, name="keep_prob")

    def gconv(y: Tensor, theta: Tensor, c_in: int, c_out: int) -> Tensor:
        kernel = v1.get_collection("graph_kernel")[0]
        x_tmp = tf.reshape(tf.transpose(y, [0, 2, 1]), [-1, n])
        x_mul = tf.reshape(tf.matmul(x_tmp, kernel), [-1, c_in, Ks, n])
        x_ker = tf.reshape(tf.transpose(x_mul, [0, 3, 1, 2]), [-1, c_in * Ks])
        return tf.reshape(tf.matmul(x_ker, theta), [-1, n, c_out])

    def layer_norm(y: Tensor, scope: str) -> Tensor:
        _, _, N, C = y.get_shape().as_list()
        mu, sigma = v1.nn.moments(y, axes=[2, 3], keep_dims=True)
        with v1.variable_scope(scope):
            gamma = v1.get_variable("gamma", initializer=tf.ones([1, 1, N, C]))
            beta = v1.get_variable("beta", initializer=tf.zeros([1, 1, N, C]))
            return (y - mu) / tf.sqrt(sigma + 1e-6) * gamma + beta

    def tconv(y: Tensor, kt: int, c_in: int, c_out: int, act: str) -> Tensor:
        T = y.get_shape().as_list()[1]
        if c_in < c_out:
            y_in = tf.concat([y, tf.zeros([tf.shape(y)[0], T, n, c_out - c_in])], axis=3)
        elif c_in > c_out:
            w_input = v1.get_variable("wt_input", shape=[1, 1, c_in, c_out], dtype=tf.float32)
            v1.add_to_collection("weight_decay", tf.nn.l2_loss(w_input))
            y_in = tf.nn.conv2d(y, w_input, strides=[1, 1, 1, 1], padding="SAME")
        else:
            y_in = y
        y_in = y_in[:, kt - 1 : T, :, :]
        width = 2 * c_out if act == "GLU" else c_out
        wt = v1.get_variable("wt", shape=[kt, 1, c_in, width], dtype=tf.float32)
        v1.add_to_collection("weight_decay", tf.nn.l2_loss(wt))
        bt = v1.get_variable("bt", initializer=tf.zeros([width]))
        conv = tf.nn.conv2d(y, wt, strides=[1, 1, 1, 1], padding="VALID") + bt
        if act == "GLU":
            return (conv[:, :, :, :c_out] + y_in) * tf.nn.sigmoid(conv[:, :, :, -c_out:])
        return tf.nn.sigmoid(conv) if act == "sigmoid" else tf.nn.relu(conv + y_in)

    h = x[:, 0:n_his, :, :]
    chans = [[1, 3, 4], [4, 3, 4]]
    Ko = n_his
    for i, (si, t, oo) in enumerate(chans):
        with v1.variable_scope(f"st_conv_block_{i}"):
            with v1.variable_scope(f"stn_block_{i}_in"):
                x_s = tconv(h, Kt, si, t, "GLU")
                T = x_s.get_shape().as_list()[1]
                ws = v1.get_variable("ws", shape=[Ks * t, t], dtype=tf.float32)
                v1.add_to_collection("weight_decay", tf.nn.l2_loss(ws))
                bs = v1.get_variable("bs", initializer=tf.zeros([t]))
                g = gconv(tf.reshape(x_s, [-1, n, t]), ws, t, t) + bs
                x_t = tf.nn.relu(tf.reshape(g, [-1, T, n, t]) + x_s)
            with v1.variable_scope(f"stn_block_{i}_out"):
                x_o = tconv(x_t, Kt, t, oo, "relu")
            h = v1.nn.dropout(layer_norm(x_o, f"layer_norm_{i}"), keep_prob)
        Ko -= 2 * (Kt - 1)
    with v1.variable_scope("output_layer_in"):
        x_i = tconv(h, Ko, 4, 4, "GLU")
    x_ln = layer_norm(x_i, "layer_norm_output_layer")
    with v1.variable_scope("output_layer_out"):
        x_o = tconv(x_ln, 1, 4, 4, "sigmoid")
    w = v1.get_variable("w_output_layer", shape=[1, 1, 4, 1], dtype=tf.float32)
    b = v1.get_variable("b_output_layer", initializer=tf.zeros([n, 1]))
    y = tf.nn.conv2d(x_o, w, strides=[1, 1, 1, 1], padding="SAME") + b
    v1.add_to_collection(
        "copy_loss", tf.nn.l2_loss(x[:, n_his - 1 : n_his, :, :] - x[:, n_his : n_his + 1, :, :])
    )
    train_loss = tf.nn.l2_loss(y - x[:, n_his : n_his + 1, :, :])
    single_pred = y[:, 0, :, :]
    v1.add_to_collection("y_pred", single_pred)
    v1.summary.scalar("train_loss", train_loss)
    gs = v1.Variable(0, trainable=False)
    lr = v1.train.exponential_decay(1e-3, gs, decay_steps=50, decay_rate=0.7, staircase=True)
    step_op = v1.assign_add(gs, 1)
    with v1.control_dependencies([step_op]):
        v1.train.RMSPropOptimizer(lr).minimize(train_loss)
    v1.summary.merge_all()
    return [x], [single_pred]


@case("energy")
def nilm_window_to_point_from_queue() -> Truth:
    """Disaggregation of a household's mains: training reads TFRecords by queue runners.

    disaggregate.py feeds its own windows in place of the dequeued batch and fetches power of the appliances
    and whether they are on.
    """
    queue = v1.train.string_input_producer(["house1.tfrecord", "house5.tfrecord"], shuffle=True)
    _, record = v1.TFRecordReader().read(queue)
    ex = v1.parse_single_example(
        record,
        features={
            "mains": v1.FixedLenFeature([49], tf.float32),
            "appliance": v1.FixedLenFeature([3], tf.float32),
        },
    )
    mains, target = v1.train.shuffle_batch(
        [(ex["mains"] - 522.0) / 814.0, ex["appliance"] / 1000.0],
        batch_size=16,
        capacity=200,
        min_after_dequeue=50,
        num_threads=2,
    )
    v1.summary.histogram("mains", mains)

    def conv(x: Tensor, k: int, n: int, i: int) -> Tensor:
        with v1.name_scope(f"Conv{i}"):
            W = v1.Variable(tf.random.truncated_normal([k, 1, int(x.shape[-1]), n], stddev=0.05), name="W")
            b = v1.Variable(tf.constant(0.01, shape=[n]), name="b")
            v1.add_to_collection("wd", 1e-4 * tf.nn.l2_loss(W))
            return tf.nn.relu(tf.nn.conv2d(x, W, [1, 1, 1, 1], padding="SAME") + b)

    net = tf.reshape(mains, [-1, 49, 1, 1])
    for i, (k, n) in enumerate([(10, 4), (8, 4), (5, 6)]):
        net = conv(net, k, n, i)
    net = v1.nn.max_pool(net, [1, 2, 1, 1], [1, 2, 1, 1], "SAME")
    net = tf.reshape(net, [-1, 25 * 6])
    fc = v1.Variable(tf.random.truncated_normal([150, 12], stddev=0.05))
    net = tf.nn.relu(tf.matmul(net, fc))
    wp = v1.Variable(tf.random.truncated_normal([12, 3], stddev=0.05))
    ws = v1.Variable(tf.random.truncated_normal([12, 3], stddev=0.05))
    bs = v1.Variable(tf.zeros([3]))
    state_logits = tf.matmul(net, ws) + bs
    on = tf.sigmoid(state_logits)
    power = tf.nn.relu(tf.matmul(net, wp)) * on
    watts = power * 1000.0
    is_on = tf.cast(target > 0.015, tf.float32)
    mse = tf.reduce_mean(tf.square(power - target))
    bce = tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(labels=is_on, logits=state_logits))
    loss = mse + bce + tf.add_n(v1.get_collection("wd"))
    sae = tf.abs(tf.reduce_sum(power) - tf.reduce_sum(target)) / (tf.reduce_sum(target) + 1e-6)
    v1.summary.scalar("signal_aggregate_error", sae)
    v1.summary.scalar("loss", loss)
    gs = v1.Variable(0, trainable=False, name="global_step")
    v1.train.MomentumOptimizer(0.01, 0.9, use_nesterov=True).minimize(loss, global_step=gs)
    v1.summary.merge_all()
    return [mains], [watts, on]


@case("trading")
def eiie_portfolio_of_coins() -> Truth:
    """ZhengyaoJiang/PGPortfolio: decide_by_history feeds prices, the last weights and input_num = 1.

    It fetches the network's output, the weights with cash first.
    """
    coins, window, feats = 5, 8, 3
    input_num = v1.placeholder(tf.int32, shape=[])
    input_tensor = v1.placeholder(tf.float32, shape=[None, feats, coins, window])
    previous_w = v1.placeholder(tf.float32, shape=[None, coins])
    y = v1.placeholder(tf.float32, shape=[None, feats, coins])
    future_price = tf.concat([tf.ones([input_num, 1]), y[:, 0, :]], 1)

    network = tf.transpose(input_tensor, [0, 2, 3, 1])
    network = network / network[:, :, -1, 0, None, None]

    def conv_2d(net: Tensor, filters: int, size: Any, name: str, decay: float) -> Tensor:
        with v1.variable_scope(name):
            W = v1.get_variable(
                "W",
                [*size, int(net.shape[-1]), filters],
                initializer=v1.variance_scaling_initializer(mode="fan_in"),
            )
            b = v1.get_variable("b", [filters], initializer=v1.zeros_initializer())
            if decay:
                v1.add_to_collection(v1.GraphKeys.REGULARIZATION_LOSSES, decay * tf.nn.l2_loss(W))
            return tf.nn.bias_add(tf.nn.conv2d(net, W, [1, 1, 1, 1], "VALID"), b)

    network = tf.nn.relu(conv_2d(network, 3, [1, 2], "Conv2D", 0.0))
    network = tf.nn.relu(conv_2d(network, 6, [1, window - 1], "EIIE_Dense", 5e-9))
    w = tf.reshape(previous_w, [-1, coins, 1, 1])
    network = tf.concat([network, w], axis=3)
    network = conv_2d(network, 1, [1, 1], "EIIE_Output_WithW", 5e-8)
    network = network[:, :, 0, 0]
    btc_bias = v1.get_variable("btc_bias", [1, 1], dtype=tf.float32, initializer=v1.zeros_initializer())
    btc_bias = tf.tile(btc_bias, [input_num, 1])
    voting = tf.concat([btc_bias, network], 1)
    output = tf.nn.softmax(voting)

    future_omega = (future_price * output) / tf.reduce_sum(future_price * output, axis=1)[:, None]
    w_t = future_omega[: input_num - 1]
    w_t1 = output[1:input_num]
    mu = 1 - tf.reduce_sum(tf.abs(w_t1[:, 1:] - w_t[:, 1:]), axis=1) * 0.0025
    pv_vector = tf.reduce_sum(output * future_price, axis=1) * tf.concat([tf.ones(1), mu], axis=0)
    log_mean = tf.reduce_mean(tf.math.log(pv_vector))
    portfolio_value = tf.reduce_prod(pv_vector)
    standard_deviation = tf.sqrt(tf.reduce_mean((pv_vector - tf.reduce_mean(pv_vector)) ** 2))
    sharp_ratio = (tf.reduce_mean(pv_vector) - 1) / standard_deviation
    loss = -tf.reduce_mean(
        tf.math.log(
            tf.reduce_sum(output * future_price, axis=1)
            - tf.reduce_sum(tf.abs(output[:, 1:] - previous_w), axis=1) * 0.0025
        )
    )
    loss += tf.add_n(v1.get_collection(v1.GraphKeys.REGULARIZATION_LOSSES))
    global_step = v1.Variable(0, trainable=False)
    rate = v1.train.exponential_decay(0.00028, global_step, 50000, 1.0, staircase=True)
    v1.train.AdamOptimizer(rate).minimize(loss, global_step=global_step)
    for n, s in (
        ("benefit", portfolio_value),
        ("log_mean", log_mean),
        ("sharp", sharp_ratio),
        ("loss", loss),
    ):
        v1.summary.scalar(n, s)
    v1.summary.merge_all()
    return [input_num, input_tensor, previous_w], [output]


@case("uplift")
def counterfactual_regression_for_retention_offers() -> Truth:
    """clinicalml/cfrnet put to use in a telecom: two hypotheses over one representation, Sinkhorn balance.

    After training y_pred is run on x with t = 0 and with t = 1.
    """
    x = v1.placeholder("float", shape=[None, 10], name="x")
    t = v1.placeholder("float", shape=[None, 1], name="t")
    y_ = v1.placeholder("float", shape=[None, 1], name="y_")
    r_alpha = v1.placeholder("float", name="r_alpha")
    r_lambda = v1.placeholder("float", name="r_lambda")
    do_in = v1.placeholder("float", name="dropout_in")
    do_out = v1.placeholder("float", name="dropout_out")
    p = v1.placeholder("float", name="p_treated")
    wd_loss = 0.0
    weights_in, biases_in, h_in = [], [], [x]
    for i, (a, b) in enumerate([(10, 8), (8, 8)]):
        weights_in.append(v1.Variable(tf.random.normal([a, b], stddev=0.1 / np.sqrt(a))))
        biases_in.append(v1.Variable(tf.zeros([1, b])))
        z = tf.matmul(h_in[i], weights_in[i]) + biases_in[i]
        h_in.append(v1.nn.dropout(tf.nn.elu(z), do_in))
        wd_loss += tf.nn.l2_loss(weights_in[i])
    h_rep = h_in[-1]
    h_rep_norm = h_rep / tf.sqrt(
        tf.clip_by_value(tf.reduce_sum(tf.square(h_rep), axis=1, keepdims=True), 1e-8, np.inf)
    )

    def build_output(h: Tensor) -> Any:
        loss = 0.0
        for a, b in [(8, 6), (6, 6)]:
            w = v1.Variable(tf.random.normal([a, b], stddev=0.1))
            h = v1.nn.dropout(tf.nn.elu(tf.matmul(h, w) + v1.Variable(tf.zeros([1, b]))), do_out)
            loss += tf.nn.l2_loss(w)
        w_pred = v1.Variable(tf.random.normal([6, 1], stddev=0.1), name="w_pred")
        return tf.matmul(h, w_pred) + v1.Variable(tf.zeros([1]), name="b_pred"), loss + tf.nn.l2_loss(w_pred)

    i0 = tf.cast(tf.where(t < 1)[:, 0], tf.int32)
    i1 = tf.cast(tf.where(t > 0)[:, 0], tf.int32)
    rep0, rep1 = tf.gather(h_rep_norm, i0), tf.gather(h_rep_norm, i1)
    y0, wd0 = build_output(rep0)
    y1, wd1 = build_output(rep1)
    y = tf.dynamic_stitch([i0, i1], [y0, y1])
    y = 0.995 / (1.0 + tf.exp(-y)) + 0.0025
    sample_weight = t / (2 * p) + (1 - t) / (2 * (1 - p))
    risk = -tf.reduce_mean(sample_weight * (y_ * tf.math.log(y) + (1.0 - y_) * tf.math.log(1.0 - y)))
    M = tf.reduce_sum(tf.square(rep1[:, None] - rep0[None]), 2)
    M = tf.sqrt(tf.maximum(M, 1e-10))
    eff_lam = tf.stop_gradient(10.0 / tf.reduce_mean(M))
    ka = tf.ones_like(M[:, :1]) * p / tf.maximum(tf.cast(tf.shape(i1)[0], tf.float32), 1.0)
    kb = tf.ones_like(M[0, :, None]) * (1 - p) / tf.maximum(tf.cast(tf.shape(i0)[0], tf.float32), 1.0)
    K = tf.exp(-eff_lam * M) + 1e-6
    u = ka
    for _ in range(4):
        u = ka / tf.matmul(K, kb / tf.matmul(K, u, transpose_a=True))
    v = kb / tf.matmul(K, u, transpose_a=True)
    imb_dist = 2 * tf.reduce_sum(u * tf.transpose(v) * K * M)
    tot_error = risk + r_alpha * imb_dist + r_lambda * (wd_loss + wd0 + wd1)
    global_step = v1.Variable(0, trainable=False)
    lr = v1.train.exponential_decay(1e-3, global_step, 100, 0.97, staircase=True)
    v1.train.RMSPropOptimizer(lr, 0.9).minimize(tot_error, global_step=global_step)
    return [x, t], [y]


@case("ranking")
def knrm_with_fed_kernels() -> Truth:
    """AdeDZY/K-NRM: kernel means and widths are placeholders too.

    test() feeds queries, documents, query weights, mu and sigma and fetches the score.
    """
    vocab, dim, bins, lq, ld = 60, 6, 5, 4, 9
    train_q = v1.placeholder(tf.int32, shape=[None, lq], name="train_inputs_q")
    train_pos = v1.placeholder(tf.int32, shape=[None, ld], name="train_inputs_pos_d")
    train_neg = v1.placeholder(tf.int32, shape=[None, ld], name="train_inputs_neg_d")
    train_qw = v1.placeholder(tf.float32, shape=[None, lq], name="idf")
    test_q = v1.placeholder(tf.int32, shape=[None, lq], name="test_inputs_q")
    test_d = v1.placeholder(tf.int32, shape=[None, ld], name="test_inputs_d")
    test_qw = v1.placeholder(tf.float32, shape=[None, lq], name="test_idf")
    input_mu = v1.placeholder(tf.float32, shape=[bins], name="input_mu")
    input_sigma = v1.placeholder(tf.float32, shape=[bins], name="input_sigma")
    embeddings = v1.Variable(tf.random.uniform([vocab + 1, dim], -1.0, 1.0))
    W1 = v1.Variable(tf.random.truncated_normal([bins, 1], stddev=0.02, seed=123), name="W1")
    b1 = v1.Variable(tf.zeros([1]))

    def model(q: Tensor, d: Tensor, qw: Tensor) -> Tensor:
        mu, sigma = tf.reshape(input_mu, [1, 1, bins]), tf.reshape(input_sigma, [1, 1, bins])
        q_embed = tf.nn.l2_normalize(tf.nn.embedding_lookup(embeddings, q, name="qemb"), 2)
        d_embed = tf.nn.l2_normalize(tf.nn.embedding_lookup(embeddings, d, name="demb"), 2)
        sim = tf.matmul(q_embed, tf.transpose(d_embed, [0, 2, 1]), name="similarity_matrix")
        padding = tf.cast(tf.not_equal(d, 0), tf.float32)[:, None, :, None]
        sim = tf.reshape(sim, [-1, lq, ld, 1])
        tmp = tf.exp(-tf.square(sim - mu) / (tf.square(sigma) * 2)) * padding
        kde = tf.math.log(tf.maximum(tf.reduce_sum(tmp, [2]), 1e-10)) * 0.01
        aggregated = tf.reduce_sum(kde * tf.reshape(qw, [-1, lq, 1]), [1])
        return tf.tanh(tf.matmul(aggregated, W1) + b1)

    o_pos = model(train_q, train_pos, train_qw)
    o_neg = model(train_q, train_neg, train_qw)
    loss = tf.reduce_mean(tf.maximum(0.0, 1 - o_pos + o_neg))
    v1.train.AdamOptimizer(learning_rate=0.001, epsilon=1e-5).minimize(loss)
    o = model(test_q, test_d, test_qw)
    return [test_q, test_d, test_qw, input_mu, input_sigma], [o]


@case("health", modern=True)
def hospital_records_with_three_heads() -> Truth:
    """Sequence examples of encounters padded into batches, attention over time in the manner of RETAIN.

    The model_fn's predictions are the probabilities of mortality, long stay and the phenotypes.
    """
    files = tf.data.Dataset.list_files("/ehr/train-*.tfrecord")

    def parse(serialized: Tensor) -> Any:
        context, sequence = v1.parse_single_sequence_example(
            serialized,
            context_features={
                "age": v1.FixedLenFeature([], tf.float32),
                "died": v1.FixedLenFeature([], tf.int64),
                "los_over_7": v1.FixedLenFeature([], tf.int64),
                "phenotypes": v1.FixedLenFeature([5], tf.int64),
            },
            sequence_features={
                "codes": v1.VarLenFeature(tf.int64),
                "delta_hours": v1.FixedLenSequenceFeature([], tf.float32),
                "labs": v1.FixedLenSequenceFeature([6], tf.float32),
            },
        )
        feats = {
            "codes": tf.sparse.to_dense(sequence["codes"]),
            "delta_hours": sequence["delta_hours"],
            "labs": sequence["labs"],
            "age": context["age"],
            "length": tf.shape(sequence["delta_hours"])[0],
        }
        return feats, {k: context[k] for k in ("died", "los_over_7", "phenotypes")}

    ds = files.interleave(tf.data.TFRecordDataset, cycle_length=2).map(parse)
    ds = ds.padded_batch(
        8,
        padded_shapes=(
            {"codes": [None, None], "delta_hours": [None], "labs": [None, 6], "age": [], "length": []},
            {"died": [], "los_over_7": [], "phenotypes": [5]},
        ),
    )
    it = v1.data.make_initializable_iterator(ds)
    v1.add_to_collection(v1.GraphKeys.TABLE_INITIALIZERS, it.initializer)
    feats, labels = it.get_next()
    with v1.variable_scope("embed"):
        table = v1.get_variable("codes", [300, 5])
        e = tf.nn.embedding_lookup(table, feats["codes"])
        m = tf.cast(feats["codes"] > 0, tf.float32)
        visits = tf.einsum("btcd,btc->btd", e, m)
        seen = tf.math.is_finite(feats["labs"])
        labs = tf.where(seen, feats["labs"], tf.zeros_like(feats["labs"]))
        time = tf.expand_dims(tf.math.log1p(feats["delta_hours"]), -1)
        x = tf.concat([visits, labs, tf.cast(seen, tf.float32), time], -1)
        x = tf.reshape(x, [tf.shape(x)[0], -1, 18])
    g, _ = v1.nn.dynamic_rnn(
        rnn_cell.GRUCell(6),
        tf.reverse_sequence(x, feats["length"], seq_axis=1, batch_axis=0),
        sequence_length=feats["length"],
        dtype=tf.float32,
        scope="alpha_rnn",
    )
    h, _ = v1.nn.dynamic_rnn(
        rnn_cell.GRUCell(6),
        tf.reverse_sequence(x, feats["length"], seq_axis=1, batch_axis=0),
        sequence_length=feats["length"],
        dtype=tf.float32,
        scope="beta_rnn",
    )
    g = tf.reverse_sequence(g, feats["length"], seq_axis=1, batch_axis=0)
    h = tf.reverse_sequence(h, feats["length"], seq_axis=1, batch_axis=0)
    energy = tf.squeeze(tf.tensordot(g, v1.get_variable("w_alpha", [6, 1]), 1), -1)
    inside = tf.sequence_mask(feats["length"], tf.shape(energy)[1])
    alpha = tf.nn.softmax(tf.where(inside, energy, tf.fill(tf.shape(energy), -1e9)), name="attention")
    beta = tf.tanh(tf.tensordot(h, v1.get_variable("w_beta", [6, 18]), 1))
    context = tf.reduce_sum(alpha[:, :, None] * beta * x, 1)
    context = tf.concat([context, tf.expand_dims(feats["age"] / 90.0, 1)], 1)
    predictions, losses = {}, []
    for head, n in (("died", 1), ("los_over_7", 1), ("phenotypes", 5)):
        with v1.variable_scope("head_" + head):
            logits = tf.matmul(context, v1.get_variable("kernel", [19, n])) + v1.get_variable(
                "bias", [n], initializer=v1.zeros_initializer()
            )
            target = tf.reshape(tf.cast(labels[head], tf.float32), [-1, n])
            losses.append(v1.losses.sigmoid_cross_entropy(target, logits, label_smoothing=0.01))
            predictions[head] = tf.sigmoid(logits, name="probabilities")
            v1.metrics.auc(target, predictions[head], num_thresholds=10, curve="PR")
    total = v1.losses.get_total_loss()
    v1.summary.scalar("loss", total)
    opt = v1.train.AdamOptimizer(3e-3)
    grads = opt.compute_gradients(total)
    grads = [(tf.clip_by_norm(tf.convert_to_tensor(gr), 5.0), v) for gr, v in grads if gr is not None]
    opt.apply_gradients(grads, global_step=v1.train.get_or_create_global_step())
    return (
        [feats[k] for k in ("codes", "delta_hours", "labs", "age", "length")],
        [predictions["died"], predictions["los_over_7"], predictions["phenotypes"]],
    )


@case("radiology", frozen=True)
def dltk_residual_unet_of_organs() -> Truth:
    """DLTK's residual 3-D U-Net on CT, frozen in PREDICT mode.

    The hospital's viewer slides windows over a volume and fetches y_prob.
    """
    x = v1.placeholder(tf.float32, [None, 16, 16, 16, 1], name="Placeholder")
    counter = [0]

    def conv3d(inp: Tensor, f: int, k: int = 3, stride: int = 1) -> Tensor:
        name = "conv3d" + (f"_{counter[0]}" if counter[0] else "")
        counter[0] += 1
        with v1.variable_scope(name):
            w = v1.get_variable("kernel", [k, k, k, int(inp.shape[-1]), f])
            return tf.nn.conv3d(inp, w, [1, stride, stride, stride, 1], "SAME")

    def bn(inp: Tensor, name: str) -> Tensor:
        c = int(inp.shape[-1])
        with v1.variable_scope(name):
            gamma = v1.get_variable("gamma", [c], initializer=v1.ones_initializer())
            beta = v1.get_variable("beta", [c], initializer=v1.zeros_initializer())
            mean = v1.get_variable("moving_mean", [c], initializer=v1.zeros_initializer(), trainable=False)
            var = v1.get_variable("moving_variance", [c], initializer=v1.ones_initializer(), trainable=False)
            return tf.nn.batch_normalization(inp, mean, var, beta, gamma, 1e-3)

    def unit(inp: Tensor, f: int, stride: int, scope: str) -> Tensor:
        with v1.variable_scope(scope):
            pre = tf.nn.leaky_relu(bn(inp, "bn_0"), 0.1)
            y = conv3d(pre, f, stride=stride)
            y = conv3d(tf.nn.leaky_relu(bn(y, "bn_1"), 0.1), f)
            skip = (
                v1.nn.max_pool3d(
                    inp, [1, stride] + [stride] * 2 + [1], [1, stride, stride, stride, 1], "SAME"
                )
                if stride > 1
                else inp
            )
            grow = f - int(inp.shape[-1])
            if grow > 0:
                skip = tf.pad(skip, [[0, 0]] * 4 + [[grow // 2, grow - grow // 2]])
            return y + skip

    net = conv3d(x, 2)
    scales = [net]
    for s, f in enumerate([4, 8]):
        net = unit(net, f, 2, f"enc_unit_{s + 1}_0")
        scales.append(net)
    for s in (1, 0):
        f = int(scales[s].shape[-1])
        with v1.variable_scope(f"up_{s}"):
            lin = v1.get_variable("linear_upsample", [4, 4, 4, int(net.shape[-1]), int(net.shape[-1])])
            shape = tf.shape(net)
            target = tf.stack([shape[0], shape[1] * 2, shape[2] * 2, shape[3] * 2, shape[4]])
            up = tf.nn.conv3d_transpose(net, lin, target, [1, 2, 2, 2, 1], "SAME")
            up = tf.reshape(up, [-1] + [int(d) for d in scales[s].shape[1:4]] + [int(net.shape[-1])])
            net = conv3d(tf.concat([up, scales[s]], -1), f)
        net = unit(net, f, 1, f"dec_unit_{s}")
    with v1.variable_scope("last"):
        logits = conv3d(net, 3, 1)
    with v1.variable_scope("pred"):
        y_prob = tf.nn.softmax(logits)
        v1.argmax(logits, axis=-1)
    return [x], [y_prob]


@case("genomics")
def basenji_with_reverse_complement_ensemble() -> Truth:
    """calico/basenji: one tower to train on shifted, reverse-complemented sequence, one to evaluate.

    The latter averages over both strands; predict() fetches preds_eval.
    """
    length, targets = 64, 4
    inputs_ph = v1.placeholder(tf.float32, shape=(None, length, 4), name="inputs")
    targets_ph = v1.placeholder(tf.float32, shape=(None, 8, targets), name="targets")
    targets_na = v1.placeholder(tf.bool, shape=(None, 8), name="targets_na")
    is_training = v1.placeholder(tf.bool, name="is_training")
    with v1.name_scope("augment"):
        rc = tf.random.uniform([]) > 0.5
        shift = tf.random.uniform([], -2, 3, dtype=tf.int32)
        aug = v1.cond(rc, lambda: tf.reverse(inputs_ph, axis=[1, 2]), lambda: tf.identity(inputs_ph))
        aug = tf.roll(aug, shift, axis=1)
        aug_targets = v1.cond(rc, lambda: tf.reverse(targets_ph, axis=[1]), lambda: tf.identity(targets_ph))

    def batch_norm(h: Tensor, train: bool) -> Tensor:
        c = int(h.shape[-1])
        with v1.variable_scope("batch_normalization"):
            gamma = v1.get_variable("gamma", [c], initializer=v1.ones_initializer())
            beta = v1.get_variable("beta", [c], initializer=v1.zeros_initializer())
            mm = v1.get_variable("moving_mean", [c], initializer=v1.zeros_initializer(), trainable=False)
            mv = v1.get_variable("moving_variance", [c], initializer=v1.ones_initializer(), trainable=False)
        if train:
            mean, var = v1.nn.moments(h, [0, 1])
            v1.add_to_collection(v1.GraphKeys.UPDATE_OPS, v1.assign_sub(mm, 0.1 * (mm - mean)))
            v1.add_to_collection(v1.GraphKeys.UPDATE_OPS, v1.assign_sub(mv, 0.1 * (mv - var)))
        else:
            mean, var = mm, mv
        return tf.nn.batch_normalization(h, mean, var, beta, gamma, 1e-3)

    def tower(seqs: Tensor, train: bool, reuse: Any) -> Tensor:
        with v1.variable_scope("model", reuse=reuse):
            h = seqs
            for i, (f, k, d) in enumerate([(6, 7, 1), (6, 3, 2), (6, 3, 4)]):
                with v1.variable_scope(f"cnn{i}"):
                    w = v1.get_variable(
                        "conv1d/kernel",
                        [k, int(h.shape[-1]), f],
                        initializer=v1.variance_scaling_initializer(2.0),
                    )
                    z = batch_norm(tf.nn.conv1d(tf.nn.relu(h), w, 1, "SAME", dilations=d), train)
                    z = v1.nn.dropout(z, rate=0.1) if train else z
                    h = v1.nn.pool(z, [8], "MAX", "SAME", strides=[8]) if i == 0 else h + z
            with v1.variable_scope("final"):
                wf = v1.get_variable("dense/kernel", [6, targets])
                v1.add_to_collection("l1", 1e-4 * tf.reduce_sum(tf.abs(wf)))
                return tf.nn.softplus(tf.tensordot(h, wf, 1) + v1.get_variable("dense/bias", [targets]))

    preds_train = tower(aug, True, None)
    with v1.name_scope("ensemble"):
        fwd = tower(inputs_ph, False, True)
        rev = tower(tf.reverse(inputs_ph, axis=[1, 2]), False, True)
        preds_eval = tf.reduce_mean(tf.stack([fwd, tf.reverse(rev, axis=[1])], axis=-1), axis=-1)

    def poisson(p: Tensor, y: Tensor) -> Tensor:
        keep = tf.logical_not(targets_na)
        return tf.reduce_mean(
            tf.nn.log_poisson_loss(tf.boolean_mask(y, keep), tf.math.log(tf.boolean_mask(p, keep) + 1e-6))
        )

    loss_train = poisson(preds_train, aug_targets) + tf.add_n(v1.get_collection("l1")[:1])
    loss_eval = poisson(preds_eval, targets_ph)
    loss_op = v1.cond(is_training, lambda: loss_train, lambda: loss_eval)
    gs = v1.train.get_or_create_global_step()
    opt = v1.train.AdamOptimizer(0.002, beta1=0.97, beta2=0.98)
    gvs = opt.compute_gradients(loss_train)
    clip, _ = tf.clip_by_global_norm([g for g, _ in gvs], 1.0)
    with v1.control_dependencies(v1.get_collection(v1.GraphKeys.UPDATE_OPS)):
        opt.apply_gradients(zip(clip, [v for _, v in gvs], strict=True), gs)
    v1.summary.scalar("loss", loss_op)
    v1.summary.merge_all()
    return [inputs_ph], [preds_eval]


@case("chemistry")
def schnet_energies_and_forces() -> Truth:
    """atomistic-machine-learning/SchNet: continuous filters over pairs of atoms.

    The calculator feeds numbers, positions, pairs and the owners of the atoms and fetches energy and forces
    (minus the gradient).
    """
    Z = v1.placeholder(tf.int32, [None], name="numbers")
    R = v1.placeholder(tf.float32, [None, 3], name="positions")
    idx_i = v1.placeholder(tf.int32, [None], name="idx_ik")
    idx_j = v1.placeholder(tf.int32, [None], name="idx_jk")
    offsets = v1.placeholder(tf.float32, [None, 3], name="offsets")
    seg_m = v1.placeholder(tf.int32, [None], name="seg_m")
    E_ref = v1.placeholder(tf.float32, [None], name="energy_reference")
    F_ref = v1.placeholder(tf.float32, [None, 3], name="forces_reference")
    nf, nb = 6, 10

    def ssp(x: Tensor) -> Tensor:
        return tf.nn.softplus(x) - np.float32(np.log(2.0))

    def dense(x: Tensor, units: int, scope: str, act: Any = None, bias: bool = True) -> Tensor:
        with v1.variable_scope(scope):
            y = tf.matmul(
                x,
                v1.get_variable("W", [int(x.shape[-1]), units], initializer=v1.glorot_uniform_initializer()),
            )
            if bias:
                y += v1.get_variable("b", [units], initializer=v1.zeros_initializer())
            return act(y) if act else y

    with v1.variable_scope("schnet"):
        emb = v1.get_variable("embedding/W", [20, nf])
        x = tf.nn.embedding_lookup(emb, Z)
        r_ij = tf.gather(R, idx_j) - tf.gather(R, idx_i) + offsets
        d_ij = tf.sqrt(tf.reduce_sum(tf.square(r_ij), 1, keepdims=True) + 1e-12)
        centers = tf.constant(np.linspace(0.0, 5.0, nb)[None].astype("float32"), name="rbf_centers")
        rbf = tf.exp(-10.0 * tf.square(d_ij - centers))
        cutoff = 0.5 * (tf.cos(np.pi * d_ij / 5.0) + 1.0) * tf.cast(d_ij < 5.0, tf.float32)
        for i in range(2):
            with v1.variable_scope(f"interaction_{i}"):
                W = dense(dense(rbf, nf, "fnet1", ssp), nf, "fnet2", ssp) * cutoff
                f = dense(x, nf, "in2fac", bias=False)
                conv = v1.unsorted_segment_sum(tf.gather(f, idx_j) * W, idx_i, tf.shape(Z)[0])
                x = x + dense(dense(conv, nf, "fac2out", ssp), nf, "dense")
        y = dense(dense(x, 4, "out1", ssp), 1, "out2")
        mean = v1.get_variable("mean_per_atom", [], trainable=False)
        std = v1.get_variable("stddev_per_atom", [], trainable=False, initializer=v1.ones_initializer())
        refs = v1.get_variable("atomref", [20, 1], trainable=False)
        y = y * std + mean + tf.gather(refs, Z)
        energy = tf.reshape(tf.math.segment_sum(y, seg_m), [-1])
    forces = -tf.convert_to_tensor(tf.gradients(tf.reduce_sum(energy), R)[0])
    v1.add_to_collection("forces", forces)
    loss_e = tf.reduce_mean(tf.square(energy - E_ref))
    loss_f = tf.reduce_mean(tf.square(forces - F_ref))
    loss = 0.01 * loss_e + loss_f
    mae_e = tf.reduce_mean(tf.abs(energy - E_ref), name="energy_mae")
    mae_f = tf.reduce_mean(tf.abs(forces - F_ref), name="force_mae")
    v1.summary.scalar("MAE_energy", mae_e)
    v1.summary.scalar("MAE_forces", mae_f)
    gs = v1.Variable(0, trainable=False, name="global_step")
    rate = v1.train.exponential_decay(1e-3, gs, 1000, 0.96)
    train = v1.train.AdamOptimizer(rate).minimize(loss, gs)
    avg = v1.train.ExponentialMovingAverage(0.99, num_updates=gs)
    with v1.control_dependencies([train]):
        avg.apply(v1.trainable_variables())
    return [Z, R, idx_i, idx_j, offsets, seg_m], [energy, forces]


@case("physics")
def raissi_navier_stokes_identification() -> Truth:
    """maziarraissi/PINNs: wake of a cylinder from a stream function; predict(x, y, t) fetches u, v and p."""
    layers = [3, 8, 8, 2]
    lb, ub = np.array([[1.0, -2.0, 0.0]], "float32"), np.array([[8.0, 2.0, 20.0]], "float32")
    weights, biases = [], []
    for a, b in itertools.pairwise(layers):
        weights.append(
            v1.Variable(tf.random.truncated_normal([a, b], stddev=np.sqrt(2.0 / (a + b))), dtype=tf.float32)
        )
        biases.append(v1.Variable(tf.zeros([1, b]), dtype=tf.float32))
    lambda_1 = v1.Variable([0.0], dtype=tf.float32)
    lambda_2 = v1.Variable([0.0], dtype=tf.float32)
    x_tf = v1.placeholder(tf.float32, shape=[None, 1])
    y_tf = v1.placeholder(tf.float32, shape=[None, 1])
    t_tf = v1.placeholder(tf.float32, shape=[None, 1])
    u_tf = v1.placeholder(tf.float32, shape=[None, 1])
    v_tf = v1.placeholder(tf.float32, shape=[None, 1])
    H = 2.0 * (tf.concat([x_tf, y_tf, t_tf], 1) - lb) / (ub - lb) - 1.0
    for W, b in zip(weights[:-1], biases[:-1], strict=True):
        H = tf.tanh(tf.add(tf.matmul(H, W), b))
    psi_and_p = tf.add(tf.matmul(H, weights[-1]), biases[-1])
    psi = psi_and_p[:, 0:1]
    p_pred = psi_and_p[:, 1:2]
    u_pred = tf.gradients(psi, y_tf)[0]
    v_pred = -tf.gradients(psi, x_tf)[0]

    def d(f: Tensor, z: Tensor) -> Tensor:
        return tf.gradients(f, z)[0]

    u_x, u_y, v_x, v_y = d(u_pred, x_tf), d(u_pred, y_tf), d(v_pred, x_tf), d(v_pred, y_tf)
    f_u_pred = (
        d(u_pred, t_tf)
        + lambda_1 * (u_pred * u_x + v_pred * u_y)
        + d(p_pred, x_tf)
        - lambda_2 * (d(u_x, x_tf) + d(u_y, y_tf))
    )
    f_v_pred = (
        d(v_pred, t_tf)
        + lambda_1 * (u_pred * v_x + v_pred * v_y)
        + d(p_pred, y_tf)
        - lambda_2 * (d(v_x, x_tf) + d(v_y, y_tf))
    )
    loss = (
        tf.reduce_sum(tf.square(u_tf - u_pred))
        + tf.reduce_sum(tf.square(v_tf - v_pred))
        + tf.reduce_sum(tf.square(f_u_pred))
        + tf.reduce_sum(tf.square(f_v_pred))
    )
    v1.train.AdamOptimizer().minimize(loss)
    return [x_tf, y_tf, t_tf], [u_pred, v_pred, p_pred]


@case("astronomy", modern=True)
def astronet_exoplanet_candidates() -> Truth:
    """google-research/exoplanet-ml: convolutions over the global and the local view of a folded light curve.

    predict.py fetches the sigmoid. Training mode is a placeholder with default.
    """

    def parse(serialized: Tensor) -> Any:
        p = v1.parse_single_example(
            serialized,
            {
                "global_view": v1.FixedLenFeature([64], tf.float32),
                "local_view": v1.FixedLenFeature([24], tf.float32),
                "tce_duration": v1.FixedLenFeature([], tf.float32),
                "av_training_set": v1.FixedLenFeature([], tf.string),
            },
        )
        flip = tf.random.uniform([]) < 0.5
        views = {
            k: tf.cond(flip, lambda k=k: tf.reverse(p[k], [0]), lambda k=k: p[k])
            for k in ("global_view", "local_view")
        }
        label = tf.cast(tf.equal(p["av_training_set"], "PC"), tf.int32)
        return {
            "time_series_features": views,
            "aux_features": {"tce_duration": p["tce_duration"]},
            "labels": label,
        }

    ds = tf.data.TFRecordDataset(["train-00000-of-00008", "train-00001-of-00008"])
    ds = ds.map(parse, num_parallel_calls=2).shuffle(32).repeat().batch(8).prefetch(2)
    batch = v1.data.make_one_shot_iterator(ds).get_next()
    is_training = v1.placeholder_with_default(True, shape=[], name="is_training")
    views, aux = batch["time_series_features"], batch["aux_features"]

    def column(inp: Tensor, scope: str, blocks: int, pool: int) -> Tensor:
        with v1.variable_scope(scope + "_hidden"):
            net = tf.expand_dims(inp, -1)
            for i in range(blocks):
                with v1.variable_scope(f"block_{i + 1}"):
                    for j in range(2):
                        filters = 2 * 2**i
                        k = v1.get_variable(f"conv_{j + 1}/kernel", [5, int(net.shape[-1]), filters])
                        b = v1.get_variable(
                            f"conv_{j + 1}/bias", [filters], initializer=v1.zeros_initializer()
                        )
                        net = tf.nn.relu(tf.nn.conv1d(net, k, 1, "SAME") + b)
                    net = v1.nn.pool(net, [pool], "MAX", "VALID", strides=[2])
            return tf.reshape(net, [-1, int(net.shape[1]) * int(net.shape[2])], name="flatten")

    hidden = [
        column(views["global_view"], "global_view", 3, 5),
        column(views["local_view"], "local_view", 2, 3),
    ]
    net = tf.concat([*hidden, tf.expand_dims(aux["tce_duration"], -1)], axis=1, name="pre_logits_concat")
    with v1.variable_scope("pre_logits_hidden"):
        for i in range(2):
            with v1.variable_scope(f"fully_connected_{i + 1}"):
                net = tf.nn.relu(
                    tf.matmul(net, v1.get_variable("kernel", [int(net.shape[1]), 8]))
                    + v1.get_variable("bias", [8])
                )
                keep = tf.cond(is_training, lambda: tf.constant(0.8), lambda: tf.constant(1.0))
                net = v1.nn.dropout(net, keep_prob=keep)
        net = tf.identity(net, name="final")
    with v1.variable_scope("logits"):
        logits = tf.matmul(net, v1.get_variable("kernel", [8, 1])) + v1.get_variable("bias", [1])
    predictions = tf.sigmoid(logits, name="predictions")
    labels = tf.expand_dims(tf.cast(batch["labels"], tf.float32), 1)
    weights = tf.where(labels > 0, tf.fill(tf.shape(labels), 2.0), tf.ones_like(labels))
    losses = tf.nn.sigmoid_cross_entropy_with_logits(labels=labels, logits=logits, name="cross_entropy")
    v1.losses.compute_weighted_loss(losses, weights)
    total = v1.losses.get_total_loss()
    right = tf.equal(labels > 0.5, predictions > 0.5)
    v1.metrics.mean(tf.cast(right, tf.float32), name="accuracy")
    v1.metrics.precision(labels > 0.5, predictions > 0.5, name="precision")
    v1.metrics.auc(labels, predictions, num_thresholds=20, name="auc")
    v1.summary.scalar("loss", total)
    gs = v1.train.get_or_create_global_step()
    v1.train.AdamOptimizer(1e-5, epsilon=1e-8).minimize(total, global_step=gs)
    return [views["global_view"], views["local_view"], aux["tce_duration"]], [predictions]


@case("driving", plain=True)
def carla_conditional_imitation() -> Truth:
    """carla-simulator/imitation-learning: one branch per command and one for the speed.

    The agent feeds image and speed (dropout vector of ones) and fetches the branches, of which it takes the
    one for the command.
    """
    h, w = 33, 50
    image = v1.placeholder("float", shape=[None, h, w, 3], name="input_image")
    speed = v1.placeholder(tf.float32, shape=[None, 1], name="input_speed")
    command = v1.placeholder(tf.float32, shape=[None, 4], name="input_control")
    steer, gas, brake, real_speed = (
        v1.placeholder(tf.float32, shape=[None, 1], name="target_" + n)
        for n in ("steer", "gas", "brake", "speed")
    )
    dout = v1.placeholder("float", shape=[12])
    learning_rate = v1.placeholder(tf.float32, shape=[], name="learning")
    count = {"conv": 0, "fc": 0}

    def weight(name: str, shape: Any) -> Tensor:
        return v1.get_variable(name=name, shape=shape, initializer=v1.glorot_uniform_initializer())

    def conv_block(x: Tensor, k: int, stride: int, n: int) -> Tensor:
        count["conv"] += 1
        i = count["conv"]
        with v1.name_scope(f"conv_block{i}"):
            y = tf.nn.conv2d(
                x,
                weight(f"W_c_{i}", [k, k, int(x.shape[-1]), n]),
                [1, stride, stride, 1],
                "VALID",
                name="conv2d_res",
            )
            y = tf.add(y, weight(f"B_c_{i}", [n]), name="add_res")
            mean, var = v1.nn.moments(y, [0, 1, 2])
            y = tf.nn.batch_normalization(y, mean, var, None, None, 1e-3)
            return tf.nn.relu(v1.nn.dropout(y, dout[i - 1]), name=f"relu{i}")

    def fc(x: Tensor, n: int) -> Tensor:
        count["fc"] += 1
        return v1.nn.xw_plus_b(
            x,
            weight(f"W_f_{count['fc']}", [int(x.shape[-1]), n]),
            weight(f"B_f_{count['fc']}", [n]),
            name=f"fc_{count['fc']}",
        )

    def fc_block(x: Tensor, n: int) -> Tensor:
        with v1.name_scope(f"fc_block{count['fc'] + 1}"):
            y = fc(x, n)
            return tf.nn.relu(v1.nn.dropout(y, dout[min(count["fc"] + 2, 11)]))

    x = conv_block(image, 5, 2, 4)
    x = conv_block(x, 3, 2, 6)
    x = conv_block(x, 3, 1, 6)
    x = tf.reshape(x, [-1, int(np.prod(x.get_shape()[1:]))], name="reshape")
    x = fc_block(x, 12)
    with v1.name_scope("Speed"):
        s = fc_block(fc_block(speed, 6), 6)
    j = fc_block(tf.concat([x, s], 1), 10)
    branches = []
    for i, wanted in enumerate([3, 3, 3, 3, 1]):
        with v1.name_scope("Branch_" + str(i)):
            b = fc_block(x if wanted == 1 else j, 6)
            branches.append(fc(fc_block(b, 6), wanted))
    target = tf.concat([steer, gas, brake], 1)
    loss = tf.reduce_mean(tf.square(branches[4] - real_speed))
    for i in range(4):
        err = tf.square(branches[i] - target) * tf.constant([[0.5, 0.45, 0.05]])
        loss += 0.95 * tf.reduce_mean(err * command[:, i : i + 1])
    v1.summary.scalar("loss", loss)
    v1.train.AdamOptimizer(learning_rate, beta1=0.7, beta2=0.85).minimize(loss)
    v1.summary.merge_all()
    return [image, speed], branches


@case("audio")
def sound_events_weakly_labelled() -> Truth:
    """DCASE task 4 as a sensor maker wrote it: log-mel spectrogram in the graph, attention pooling.

    Separable convolutions and a bidirectional GRU; the detector fetches clip and frame probabilities.
    """
    wav = v1.placeholder(tf.float32, [None, None], name="waveform")
    weak = v1.placeholder(tf.float32, [None, 5], name="weak_labels")
    has_strong = v1.placeholder(tf.float32, [None], name="has_strong")
    strong = v1.placeholder(tf.float32, [None, None, 5], name="strong_labels")
    training = v1.placeholder_with_default(False, [], name="training")
    with v1.name_scope("frontend"):
        spec = tf.abs(tf.signal.stft(wav, 256, 128, 256))
        mel = tf.signal.linear_to_mel_weight_matrix(16, 129, 8000, 60.0, 3800.0)
        logmel = tf.math.log(tf.tensordot(spec, mel, 1) + 1e-3)
        logmel.set_shape([None, None, 16])
        v1.summary.image("logmel", tf.expand_dims(logmel, -1), max_outputs=1)

        def mask_freq() -> Tensor:
            start = tf.random.uniform([], 0, 12, tf.int32)
            r = tf.range(16)
            keep = tf.logical_or(r < start, r >= start + 3)
            return logmel * tf.cast(keep, tf.float32)

        net = tf.expand_dims(v1.cond(training, mask_freq, lambda: logmel), -1)
    for i, n in enumerate((4, 6, 8)):
        with v1.variable_scope(f"layer{i}"):
            c = int(net.shape[-1])
            net = tf.nn.separable_conv2d(
                net,
                v1.get_variable("depthwise_weights", [3, 3, c, 1]),
                v1.get_variable("pointwise_weights", [1, 1, c, n]),
                [1, 1, 1, 1],
                "SAME",
            )
            with v1.variable_scope("bn"):
                beta = v1.get_variable("beta", [n], initializer=v1.zeros_initializer())
                mm = v1.get_variable("moving_mean", [n], trainable=False, initializer=v1.zeros_initializer())
                mv = v1.get_variable(
                    "moving_variance", [n], trainable=False, initializer=v1.ones_initializer()
                )
                bm, bv = v1.nn.moments(net, [0, 1, 2])
                v1.add_to_collection(v1.GraphKeys.UPDATE_OPS, v1.assign(mm, 0.99 * mm + 0.01 * bm))
                v1.add_to_collection(v1.GraphKeys.UPDATE_OPS, v1.assign(mv, 0.99 * mv + 0.01 * bv))
                mean, var = v1.cond(
                    training,
                    lambda bm=bm, bv=bv: (bm, bv),
                    lambda mm=mm, mv=mv: (tf.identity(mm), tf.identity(mv)),
                )
                net = tf.nn.relu(tf.nn.batch_normalization(net, mean, var, beta, None, 1e-3))
            net = v1.nn.avg_pool(net, [1, 1, 2, 1], [1, 1, 2, 1], "SAME")
    seq = tf.reshape(net, [tf.shape(net)[0], -1, 2 * 8])
    (fw, bw), _ = v1.nn.bidirectional_dynamic_rnn(
        rnn_cell.GRUCell(5), rnn_cell.GRUCell(5), seq, dtype=tf.float32
    )
    both = tf.concat([fw, bw], -1)
    cla = tf.tensordot(both, v1.get_variable("cla/w", [10, 5]), 1) + v1.get_variable("cla/b", [5])
    att = tf.tensordot(both, v1.get_variable("att/w", [10, 5]), 1) + v1.get_variable("att/b", [5])
    framewise = tf.sigmoid(cla)
    norm_att = tf.nn.softmax(att, axis=1)
    clipwise = tf.clip_by_value(tf.reduce_sum(norm_att * framewise, 1), 1e-6, 1.0 - 1e-6)
    weak_loss = -tf.reduce_mean(weak * tf.math.log(clipwise) + (1 - weak) * tf.math.log(1 - clipwise))
    per = tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(labels=strong, logits=cla), [1, 2])
    strong_loss = tf.reduce_sum(per * has_strong) / (tf.reduce_sum(has_strong) + 1e-6)
    loss = weak_loss + strong_loss
    decided = tf.cast(clipwise > 0.5, tf.float32)
    tp = tf.reduce_sum(decided * weak)
    f1 = 2 * tp / (tf.reduce_sum(decided) + tf.reduce_sum(weak) + 1e-6)
    v1.summary.scalar("f1", f1)
    v1.summary.scalar("loss", loss)
    with v1.control_dependencies(v1.get_collection(v1.GraphKeys.UPDATE_OPS)):
        v1.train.AdamOptimizer(1e-3).minimize(loss)
    v1.summary.merge_all()
    return [wav], [clipwise, framewise]


@case("documents")
def chargrid_invoice_fields_and_lines() -> Truth:
    """SAP's chargrid: a page as a grid of characters, one encoder, several decoders.

    These are for segmentation, anchor mask and boxes of the line items; extraction fetches the three.
    """
    chars, classes, anchors = 30, 5, 3
    grid = v1.placeholder(tf.uint8, [None, 32, 24], name="chargrid")
    seg_label = v1.placeholder(tf.int32, [None, 32, 24])
    box_label = v1.placeholder(tf.int32, [None, 32, 24, anchors])
    coord_label = v1.placeholder(tf.float32, [None, 32, 24, 4 * anchors])
    rate = v1.placeholder_with_default(0.0, [], name="dropout_rate")
    onehot = tf.one_hot(tf.cast(grid, tf.int32), chars)
    total = [0]

    def conv(x: Tensor, n: int, stride: int = 1, dil: int = 1, k: int = 3, act: bool = True) -> Tensor:
        total[0] += 1
        with v1.variable_scope(f"c{total[0]}"):
            kern = v1.get_variable(
                "w", [k, k, int(x.shape[-1]), n], initializer=v1.variance_scaling_initializer(2.0)
            )
            v1.add_to_collection("decay", tf.nn.l2_loss(kern))
            y = tf.nn.conv2d(x, kern, [stride, stride], "SAME", dilations=dil) + v1.get_variable("b", [n])
            return tf.nn.leaky_relu(y, 0.1) if act else y

    a = conv(conv(onehot, 4, 2), 4)
    b = conv(conv(a, 6, 2), 6)
    c = v1.nn.dropout(conv(conv(b, 8, dil=2), 8, dil=4), rate=rate)

    def decoder(heads: Any, scope: str) -> Any:
        with v1.variable_scope(scope):
            d = v1.image.resize_nearest_neighbor(conv(tf.concat([c, b], 3), 6, k=1), [16, 12])
            d = conv(tf.concat([conv(d, 6), a], 3), 4)
            with v1.variable_scope("transpose"):
                wt = v1.get_variable("w", [3, 3, 4, 4])
                d = tf.nn.conv2d_transpose(d, wt, [tf.shape(d)[0], 32, 24, 4], [2, 2])
            d = conv(d, 4)
            return [conv(d, n, act=False) for n in heads]

    (seg_logits,) = decoder([classes], "semseg")
    mask_logits, coords = decoder([2 * anchors, 4 * anchors], "bbox")
    seg = tf.nn.softmax(seg_logits)
    mask_logits = tf.reshape(mask_logits, [-1, 32, 24, anchors, 2])
    mask = tf.nn.softmax(mask_logits)
    freq = tf.constant([0.1, 1.0, 1.0, 1.2, 1.5])
    l_seg = tf.reduce_mean(
        tf.gather(freq, seg_label)
        * tf.nn.sparse_softmax_cross_entropy_with_logits(labels=seg_label, logits=seg_logits)
    )
    l_mask = tf.reduce_mean(
        tf.nn.sparse_softmax_cross_entropy_with_logits(labels=box_label, logits=mask_logits)
    )
    inside = tf.repeat(tf.cast(box_label, tf.float32), 4, axis=3)
    l_box = v1.losses.huber_loss(coord_label, coords, weights=inside)
    loss = l_seg + l_mask + l_box + 1e-4 * tf.add_n(v1.get_collection("decay"))
    miou, update = v1.metrics.mean_iou(seg_label, tf.argmax(seg, -1), classes)
    with v1.control_dependencies([update]):
        v1.summary.scalar("mean_iou", tf.identity(miou))
    for n, part in (("seg", l_seg), ("mask", l_mask), ("box", l_box)):
        v1.summary.scalar("loss/" + n, part)
    v1.train.MomentumOptimizer(0.05, 0.9).minimize(loss, v1.train.get_or_create_global_step())
    v1.summary.merge_all()
    return [grid], [seg, mask, coords]
