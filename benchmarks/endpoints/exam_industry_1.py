"""Graphs of data scientists in companies: scores, rankings, forecasts, documents and conversations."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from benchmarks.endpoints.cases import Truth, Truths, case, v1

Tensor = Any


def fc(x: Tensor, n_out: int, scope: str, act: Any = None) -> Tensor:
    """A dense layer of our own."""
    with v1.variable_scope(scope, reuse=v1.AUTO_REUSE):
        w = v1.get_variable("w", [int(x.shape[-1]), n_out], initializer=v1.glorot_uniform_initializer())
        b = v1.get_variable("b", [n_out], initializer=v1.zeros_initializer())
        y = tf.tensordot(x, w, 1) + b if x.shape.rank > 2 else v1.nn.xw_plus_b(x, w, b)
    return y if act is None else act(y)


@case("classifier")
def card_fraud_from_many_columns() -> Truths:
    """Card fraud from many columns.

    One placeholder per column of the payments table; serving answers the Platt-scaled score and whether
    to block (above the operating point), or, with the threshold kept in the rule engine, the score alone.
    """
    numeric = [
        "amount",
        "hour",
        "days_since_last",
        "n_tx_24h",
        "n_declined_7d",
        "dist_home_km",
        "age_account",
    ]
    stats = {"amount": (83.2, 190.1), "dist_home_km": (14.0, 77.0), "age_account": (611.0, 420.0)}
    cols: dict[str, Tensor] = {c: v1.placeholder(tf.float32, [None], name="col/" + c) for c in numeric}
    for c in ("merchant", "mcc", "country", "device"):
        cols[c] = v1.placeholder(tf.string, [None], name="col/" + c)
    is_fraud = v1.placeholder(tf.float32, [None], name="is_fraud")
    weight = v1.placeholder_with_default(tf.ones_like(is_fraud), [None], name="case_weight")
    parts = []
    with v1.variable_scope("inputs"):
        for c in numeric:
            mean, std = stats.get(c, (0.0, 1.0))
            z = (cols[c] - mean) / std
            parts.append(tf.expand_dims(tf.clip_by_value(z, -5.0, 5.0), 1))
        for c, buckets in (("merchant", 500), ("mcc", 60), ("country", 40), ("device", 100)):
            ids = v1.string_to_hash_bucket_fast(cols[c], buckets)
            table = v1.get_variable(
                "emb_" + c, [buckets, 8], initializer=v1.random_normal_initializer(0, 0.05)
            )
            parts.append(tf.nn.embedding_lookup(table, ids))
    h = tf.concat(parts, 1)
    for i, n in enumerate([32, 16]):
        h = fc(h, n, f"hidden{i}", tf.nn.relu)
    logit = tf.squeeze(fc(h, 1, "logit"), 1)
    a = v1.get_variable("platt_a", [], initializer=v1.ones_initializer(), trainable=False)
    b = v1.get_variable("platt_b", [], initializer=v1.zeros_initializer(), trainable=False)
    cut = v1.get_variable("operating_point", [], initializer=v1.constant_initializer(0.83), trainable=False)
    score = tf.sigmoid(a * logit + b, name="fraud_score")
    block = tf.greater_equal(score, cut, name="block")
    xent = tf.nn.weighted_cross_entropy_with_logits(labels=is_fraud, logits=logit, pos_weight=25.0)
    loss = tf.reduce_sum(xent * weight) / tf.reduce_sum(weight)
    _, auc_op = v1.metrics.auc(is_fraud, tf.sigmoid(logit), num_thresholds=50, curve="PR")
    v1.summary.scalar("loss", loss)
    v1.summary.scalar("pr_auc", auc_op)
    v1.summary.merge_all()
    v1.train.AdagradOptimizer(0.05).minimize(loss, global_step=v1.train.get_or_create_global_step())
    feeds = list(cols.values())
    return [(feeds, [score, block]), (feeds, [score])]


@case("classifier")
def churn_survival_model_fn() -> Truth:
    """Churn survival model fn.

    An Estimator-like model_fn over parsed TFRecords with feature columns: hazards of the coming 12
    months. Its predictions dictionary has the survival curve and the expected months; fed are the parsed
    columns.
    """
    spec: dict[str, Any] = {
        "tenure": v1.FixedLenFeature([], tf.float32),
        "monthly_fee": v1.FixedLenFeature([], tf.float32),
        "tickets": v1.FixedLenFeature([], tf.float32),
        "plan": v1.FixedLenFeature([], tf.string),
        "month_left": v1.FixedLenFeature([], tf.int64),
        "left": v1.FixedLenFeature([], tf.float32),
    }

    def input_fn() -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        files = v1.data.TFRecordDataset(["/data/churn/part-00000.tfrecord"])
        data = files.shuffle(1000).repeat().batch(256).map(lambda s: v1.parse_example(s, spec)).prefetch(1)
        it = v1.data.make_initializable_iterator(data)
        v1.add_to_collection(v1.GraphKeys.TABLE_INITIALIZERS, it.initializer)
        row = it.get_next()
        return row, {"month": row.pop("month_left"), "left": row.pop("left")}

    def model_fn(features: dict[str, Tensor], labels: dict[str, Tensor], params: dict[str, Any]) -> Any:
        fee = tf.feature_column.numeric_column("monthly_fee", normalizer_fn=lambda x: (x - 39.0) / 17.0)
        tenure = tf.feature_column.bucketized_column(
            tf.feature_column.numeric_column("tenure"), [3.0, 6.0, 12.0, 24.0, 48.0]
        )
        plan = tf.feature_column.indicator_column(
            tf.feature_column.categorical_column_with_vocabulary_list("plan", ["basic", "plus", "family"])
        )
        net = v1.feature_column.input_layer(
            features, [fee, tenure, plan, tf.feature_column.numeric_column("tickets")]
        )
        for i, units in enumerate(params["hidden_units"]):
            net = fc(net, units, f"dnn/hiddenlayer_{i}", tf.nn.elu)
        logits = fc(net, params["months"], "dnn/logits")
        hazard = tf.sigmoid(logits)
        survival = tf.math.cumprod(1.0 - hazard, axis=1, name="survival")
        predictions = {"survival": survival, "expected_months": tf.reduce_sum(survival, 1)}
        at_risk = tf.sequence_mask(labels["month"], params["months"], tf.float32)
        event = tf.one_hot(labels["month"] - 1, params["months"]) * tf.expand_dims(labels["left"], 1)
        ll = tf.nn.sigmoid_cross_entropy_with_logits(labels=event, logits=logits) * at_risk
        loss = tf.reduce_mean(tf.reduce_sum(ll, 1))
        v1.metrics.mean_absolute_error(tf.cast(labels["month"], tf.float32), predictions["expected_months"])
        step = v1.train.get_or_create_global_step()
        lr = v1.train.exponential_decay(params["lr"], step, 1000, 0.9)
        return predictions, v1.train.FtrlOptimizer(lr).minimize(loss, step)

    features, labels = input_fn()
    columns = list(features.values())
    predictions, _ = model_fn(features, labels, {"hidden_units": [24, 12], "months": 12, "lr": 0.01})
    return columns, list(predictions.values())


@case("recommender")
def ad_pairs_ranknet() -> Truth:
    """Ad pairs ranknet.

    Pairwise click ranking: a clicked and a skipped ad for one impression through shared factorization
    machine weights. An ad server scores one ad at a time, through the first of the two towers.
    """

    class PairRanker:
        n_fields, dim = 6, 8

        def __init__(self) -> None:
            self.user = v1.placeholder(tf.int32, [None, self.n_fields], "user_fields")
            self.ad_pos = v1.placeholder(tf.int32, [None, 3], "ad_fields")
            self.ad_neg = v1.placeholder(tf.int32, [None, 3], "ad_fields_skipped")
            self.keep = v1.placeholder(tf.float32, (), "keep")
            self.score = self._fm(self.ad_pos)
            self.score_neg = self._fm(self.ad_neg)
            diff = self.score - self.score_neg
            self.loss = tf.reduce_mean(tf.nn.softplus(-diff))
            self.reg = 1e-5 * tf.add_n([tf.nn.l2_loss(v) for v in v1.trainable_variables()])
            self.order_ok = tf.reduce_mean(tf.cast(diff > 0, tf.float32), name="pair_accuracy")
            opt = v1.train.AdamOptimizer(1e-3)
            grads = opt.compute_gradients(self.loss + self.reg)
            self.train = opt.apply_gradients(
                [(tf.clip_by_norm(g, 1.0), v) for g, v in grads if g is not None]
            )

        def _fm(self, ad: Tensor) -> Tensor:
            with v1.variable_scope("fm", reuse=v1.AUTO_REUSE):
                w1 = v1.get_variable("w1", [4000, 1])
                v2 = v1.get_variable("v", [4000, self.dim])
            ids = tf.concat([self.user, ad], axis=1)
            lin = tf.reduce_sum(tf.gather(w1, ids), [1, 2])
            e = tf.gather(v2, ids)
            second = 0.5 * tf.reduce_sum(tf.square(tf.reduce_sum(e, 1)) - tf.reduce_sum(tf.square(e), 1), 1)
            flat = tf.reshape(e, [-1, 9 * self.dim])
            deep = v1.nn.dropout(fc(flat, 16, "fm/deep1", tf.nn.relu), keep_prob=self.keep)
            return lin + second + tf.squeeze(fc(deep, 1, "fm/deep2"), -1)

    m = PairRanker()
    return [m.user, m.ad_pos], [m.score]


@case("recommender")
def listwise_search_ranking() -> Truths:
    """Listwise search ranking.

    Documents of one query attend to each other, padded lists; the search front end sorts by the masked
    scores, or takes the ranking that is computed beside them.
    """
    docs = v1.placeholder(tf.float32, [None, None, 24], name="doc_features")
    n_docs = v1.placeholder(tf.int32, [None], name="n_docs")
    gains = v1.placeholder(tf.float32, [None, None], name="gains")
    lr = v1.placeholder_with_default(3e-4, [], name="lr")
    mask = tf.sequence_mask(n_docs, tf.shape(docs)[1], dtype=tf.float32)
    x = tf.sign(docs) * tf.math.log1p(tf.abs(docs))
    h = fc(x, 32, "proj", tf.nn.relu)
    for layer in range(2):
        with v1.variable_scope(f"listwise_block_{layer}"):
            q, k, v = (fc(h, 32, s) for s in "qkv")
            att = tf.matmul(q, k, transpose_b=True) * 32**-0.5
            att += (1.0 - mask[:, None, :]) * -1e9
            h = h + fc(tf.matmul(tf.nn.softmax(att), v), 32, "o")
            mu, var = tf.nn.moments(h, [-1], keepdims=True)
            g = v1.get_variable("ln_g", [32], initializer=v1.ones_initializer())
            h = g * (h - mu) * tf.math.rsqrt(var + 1e-6)
    raw = tf.squeeze(fc(h, 1, "score"), 2)
    scores = tf.where(mask > 0, raw, tf.fill(tf.shape(raw), -1e9), name="scores")
    ranking = tf.argsort(scores, direction="DESCENDING", name="ranking")
    target = tf.nn.softmax(gains + (1 - mask) * -1e9)
    loss = -tf.reduce_mean(tf.reduce_sum(target * tf.nn.log_softmax(scores) * mask, 1))
    top, where = tf.nn.top_k(scores, 1)
    hit = tf.gather(gains, where[:, 0], batch_dims=1)
    v1.summary.scalar("listnet", loss)
    v1.summary.scalar("gain_at_1", tf.reduce_mean(hit))
    v1.summary.histogram("top_score", top)
    v1.train.AdamOptimizer(lr).minimize(loss)
    return [([docs, n_docs], [scores]), ([docs, n_docs], [ranking])]


@case("embedding")
def shop_item_vectors_with_side_information() -> Truth:
    """Shop item vectors with side information.

    Skip-gram over baskets with category and brand, mixed by learned weights per item (as in EGES); what
    goes into the nearest-neighbour index is the normalized vector of the items fed with their side
    information.
    """
    n_items, n_cat, n_brand, d = 2000, 40, 150, 16
    ph = v1.placeholder(tf.int64, shape=[None, 3], name="item_cat_brand")
    context = v1.placeholder(tf.int64, shape=[None, 1], name="co_bought")
    tables = [
        tf.Variable(tf.random.uniform([n, d], -1.0 / d, 1.0 / d), name=f"table_{i}")
        for i, n in enumerate([n_items, n_cat, n_brand])
    ]
    alpha = tf.Variable(tf.zeros([n_items, 3]), name="alpha")
    side = tf.stack([tf.nn.embedding_lookup(t, ph[:, i]) for i, t in enumerate(tables)], axis=1)
    share = tf.nn.softmax(tf.nn.embedding_lookup(alpha, ph[:, 0]))
    hidden = tf.reduce_sum(side * share[:, :, None], axis=1)
    out_w = tf.Variable(tf.random.truncated_normal([n_items, d], stddev=d**-0.5), name="nce_weights")
    out_b = tf.Variable(tf.zeros([n_items]), name="nce_biases")
    nce = v1.nn.nce_loss(
        weights=out_w, biases=out_b, labels=context, inputs=hidden, num_sampled=20, num_classes=n_items
    )
    cost = tf.reduce_mean(nce)
    item_vectors = tf.nn.l2_normalize(hidden, 1, name="item_vectors")
    v1.summary.scalar("nce", cost)
    v1.train.GradientDescentOptimizer(1.0).minimize(cost)
    return [ph], [item_vectors]


@case("forecast")
def store_demand_quantiles_keras_lstm() -> Truth:
    """Store demand quantiles keras lstm.

    Keras layers in a v1 graph: sales scaled by their own mean, store and article embedded, the three
    quantiles of each of seven days kept in order and scaled back to units, which is what planners get.
    """
    layers = tf.keras.layers
    sales = v1.placeholder(tf.float32, [None, 28], "sales_28d")
    promo = v1.placeholder(tf.float32, [None, 35], "promo_calendar")
    store = v1.placeholder(tf.int32, [None], "store")
    sku = v1.placeholder(tf.int32, [None], "sku")
    actual = v1.placeholder(tf.float32, [None, 7], "actual")
    scale = 1.0 + tf.reduce_mean(sales, axis=1, keepdims=True)
    steps = tf.stack([sales / scale, promo[:, :28]], axis=-1)
    state = layers.LSTM(16, unroll=True)(steps)
    static = tf.concat([layers.Embedding(50, 4)(store), layers.Embedding(900, 8)(sku), promo[:, 28:]], 1)
    h = layers.Dense(32, activation="relu")(tf.concat([state, static], 1))
    raw = tf.reshape(layers.Dense(21)(h), [-1, 7, 3])
    ordered = tf.concat([raw[:, :, :1], tf.nn.softplus(raw[:, :, 1:])], 2)
    forecast = tf.multiply(tf.cumsum(ordered, axis=2), scale[:, :, None], name="forecast_units")
    err = (actual[:, :, None] - forecast) / scale[:, :, None]
    tau = tf.constant([0.1, 0.5, 0.9])
    pinball = tf.reduce_mean(tf.maximum(tau * err, (tau - 1.0) * err))
    mape = tf.reduce_mean(tf.abs(actual - forecast[:, :, 1]) / tf.maximum(actual, 1.0), name="mape")
    v1.summary.scalar("mape", mape)
    v1.train.RMSPropOptimizer(0.002).minimize(pinball)
    return [sales, promo, store, sku], [forecast]


@case("forecast")
def energy_load_seq2seq() -> Truth:
    """Energy load seq2seq.

    A GRU encoder and two decoders of the same weights: one is taught with the true load, the other eats
    its own forecast. Grid operators fetch the latter in megawatts; the future weather is known and fed.
    """
    past = v1.placeholder(tf.float32, [None, 24, 1], name="load_past")
    weather_past = v1.placeholder(tf.float32, [None, 24, 3], name="weather_past")
    weather_next = v1.placeholder(tf.float32, [None, 12, 3], name="weather_next")
    target = v1.placeholder(tf.float32, [None, 12, 1], name="load_next")
    n = 12
    mean, std = tf.constant(4210.0), tf.constant(880.0)

    def cell(x: Tensor, s: Tensor, scope: str) -> Tensor:
        zr = fc(tf.concat([x, s], 1), 2 * n, scope + "/gates", tf.sigmoid)
        z, r = tf.split(zr, 2, axis=1)
        return z * s + (1 - z) * fc(tf.concat([x, r * s], 1), n, scope + "/cand", tf.tanh)

    x_in = tf.concat([(past - mean) / std, weather_past], 2)
    y_in = (target - mean) / std
    with v1.name_scope("encoder"):
        s = tf.zeros([tf.shape(past)[0], n])
        for t in range(24):
            s = cell(x_in[:, t], s, "enc")
    last = x_in[:, -1, :1]

    def decode(state: Tensor, taught: Tensor | None) -> Tensor:
        prev, ys = last, []
        for t in range(12):
            state = cell(tf.concat([prev, weather_next[:, t]], 1), state, "dec")
            y = fc(state, 1, "dec/readout")
            prev = y if taught is None else taught[:, t]
            ys.append(y)
        return tf.stack(ys, axis=1)

    with v1.name_scope("train"):
        fit = decode(s, y_in)
        loss = tf.reduce_mean(v1.losses.huber_loss(y_in, fit))
    with v1.name_scope("infer"):
        free = decode(s, None)
        load_forecast = tf.add(free * std, mean, name="load_mw")
    rmse = tf.sqrt(tf.reduce_mean(tf.square(load_forecast - target)), name="rmse_mw")
    v1.summary.scalar("rmse", rmse)
    tvars = v1.trainable_variables()
    grads, _ = tf.clip_by_global_norm(v1.gradients(loss, tvars), 5.0)
    v1.train.AdamOptimizer().apply_gradients(zip(grads, tvars, strict=True))
    return [past, weather_past, weather_next], [load_forecast]


@case("autoencoder")
def pump_sensors_anomaly_score() -> Truth:
    """Pump sensors anomaly score.

    A denoising autoencoder in dictionaries of raw variables. The plant watches the residuals weighed by
    their variance on healthy days (assigned after training); the reconstruction itself is nobody's
    output.
    """
    x_in = v1.placeholder("float", [None, 40])
    noise_std = v1.placeholder_with_default(0.0, [])
    mu = tf.Variable(tf.zeros([40]), trainable=False, name="sensor_mean")
    sd = tf.Variable(tf.ones([40]), trainable=False, name="sensor_std")
    res_var = tf.Variable(tf.ones([40]), trainable=False, name="residual_variance")
    weights = {
        "e1": tf.Variable(tf.random.normal([40, 20], stddev=0.1)),
        "e2": tf.Variable(tf.random.normal([20, 6], stddev=0.1)),
        "d1": tf.Variable(tf.random.normal([6, 20], stddev=0.1)),
        "d2": tf.Variable(tf.random.normal([20, 40], stddev=0.1)),
    }
    biases = {k: tf.Variable(tf.zeros([n])) for k, n in (("e1", 20), ("e2", 6), ("d1", 20), ("d2", 40))}
    z = (x_in - mu) / sd
    h = z + noise_std * tf.random.normal(tf.shape(z))
    for k in ("e1", "e2", "d1"):
        h = tf.nn.tanh(tf.add(tf.matmul(h, weights[k]), biases[k]))
    y = tf.add(tf.matmul(h, weights["d2"]), biases["d2"])
    residual = z - y
    cost = tf.reduce_mean(tf.pow(residual, 2))
    score = tf.reduce_mean(tf.square(residual) / res_var, 1, name="anomaly_score")
    batch_var = tf.reduce_mean(tf.square(residual), 0)
    tf.group(v1.assign(res_var, 0.99 * res_var + 0.01 * batch_var), name="update_residual_stats")
    v1.train.RMSPropOptimizer(0.01).minimize(cost)
    v1.summary.scalar("cost", cost)
    return [x_in], [score]


@case("multi task", modern=True)
def bearing_maintenance_feedable_iterator() -> Truth:
    """Bearing maintenance feedable iterator.

    Vibration (fast) and process values (slow) fused by Keras layers; a feedable iterator switches between
    training and validation. A deployer replaces its two sensor components; fetched: days left and the
    fault.
    """
    kl = tf.keras.layers

    def dataset(n: int) -> Any:
        return (
            tf.data.Dataset.range(n)
            .map(
                lambda i: (
                    tf.random.stateless_normal([256, 3], [i, 1]),
                    tf.random.stateless_normal([30, 6], [i, 2]),
                    tf.cast(i, tf.float32),
                    tf.cast(i % 5, tf.int32),
                )
            )
            .batch(16)
        )

    train_ds, valid_ds = dataset(800), dataset(100)
    v1.data.make_initializable_iterator(train_ds, shared_name="train_it")
    v1.data.make_initializable_iterator(valid_ds, shared_name="valid_it")
    handle = v1.placeholder(tf.string, shape=[], name="handle")
    it = v1.data.Iterator.from_string_handle(
        handle, v1.data.get_output_types(train_ds), v1.data.get_output_shapes(train_ds)
    )
    vib, proc, days_true, fault_true = it.get_next()
    a = vib - tf.reduce_mean(vib, 1, keepdims=True)
    for f, k in ((8, 9), (16, 5)):
        a = kl.MaxPooling1D(4)(kl.Conv1D(f, k, padding="same", activation="relu")(a))
    a = kl.GlobalAveragePooling1D()(a)
    b = kl.GRU(12)(proc)
    gate = kl.Dense(28, activation="sigmoid")(tf.concat([a, b], 1))
    fused = gate * tf.concat([a, b], 1)
    rul = tf.nn.softplus(kl.Dense(1)(fused))[:, 0] * 30.0
    fault_logits = kl.Dense(5)(fused)
    fault = tf.nn.softmax(fault_logits, name="fault_probability")
    d = rul - days_true
    asym = tf.where(d < 0, tf.exp(-d / 13.0) - 1.0, tf.exp(tf.minimum(d, 50.0) / 10.0) - 1.0)
    ce = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=fault_true, logits=fault_logits)
    total = tf.reduce_mean(asym) + 2.0 * tf.reduce_mean(ce)
    acc = tf.reduce_mean(tf.cast(tf.equal(tf.argmax(fault, 1, tf.int32), fault_true), tf.float32))
    v1.summary.scalar("total", total)
    v1.summary.scalar("fault_accuracy", acc)
    v1.train.AdamOptimizer(1e-3).minimize(total)
    return [vib, proc], [rul, fault]


@case("sequence")
def invoice_line_ocr_ctc() -> Truth:
    """Invoice line ocr ctc.

    Text lines cut from scanned invoices through convolutions, a bidirectional recurrent layer and CTC
    beam search; fed are images and how many columns of each are no padding, fetched the dense decoded
    ids.
    """
    num_classes = 30
    inputs = v1.placeholder(tf.uint8, [None, 32, 128, 1], name="line_images")
    seq_len = v1.placeholder(tf.int32, [None], name="seq_len")
    labels = v1.sparse_placeholder(tf.int32, name="labels")
    x = 1.0 - tf.cast(inputs, tf.float32) / 255.0
    for i, (c, strides) in enumerate([(8, [1, 2, 2, 1]), (16, [1, 2, 2, 1]), (16, [1, 2, 1, 1])]):
        with v1.variable_scope(f"cnn-{i}"):
            k = v1.get_variable(
                "W", [3, 3, x.shape[-1], c], initializer=v1.truncated_normal_initializer(0, 0.1)
            )
            bb = v1.get_variable("b", [c], initializer=v1.constant_initializer(0.01))
            x = tf.nn.leaky_relu(tf.nn.bias_add(v1.nn.conv2d(x, k, strides, "SAME"), bb), 0.01)
    x = tf.reshape(tf.transpose(x, [0, 2, 1, 3]), [-1, 32, 4 * 16])
    x = tf.keras.layers.Bidirectional(tf.keras.layers.GRU(12, return_sequences=True))(x)
    logits = tf.transpose(fc(x, num_classes, "ctc_logits"), (1, 0, 2))
    loss = v1.nn.ctc_loss(labels=labels, inputs=logits, sequence_length=seq_len)
    cost = tf.reduce_mean(loss)
    step = tf.Variable(0, trainable=False, name="global_step")
    v1.train.MomentumOptimizer(0.01, 0.9, use_nesterov=True).minimize(cost, step)
    decoded, log_prob = v1.nn.ctc_beam_search_decoder(logits, seq_len, beam_width=10, merge_repeated=False)
    dense_decoded = tf.sparse.to_dense(decoded[0], default_value=-1, name="dense_decoded")
    ler = tf.reduce_mean(tf.edit_distance(tf.cast(decoded[0], tf.int32), labels), name="label_error_rate")
    v1.summary.scalar("cost", cost)
    v1.summary.scalar("ler", ler)
    v1.summary.scalar("beam_log_prob", tf.reduce_mean(log_prob))
    v1.summary.merge_all()
    return [inputs, seq_len], [dense_decoded]


@case("classifier")
def mailroom_documents_with_tables() -> Truth:
    """Mailroom documents with tables.

    Training text comes from a file through tf.data; the serving copy of the same weights begins at a
    string placeholder and ends in the name of the document type (a table) and its confidence, as in the
    signature.
    """
    kinds = ["invoice", "order", "complaint", "cancellation", "contract", "other"]
    words = v1.lookup.StaticHashTable(
        v1.lookup.KeyValueTensorInitializer(
            ["total", "vat", "dear", "hereby"], tf.range(1, 5, dtype=tf.int64)
        ),
        0,
    )
    names = v1.lookup.StaticHashTable(
        v1.lookup.KeyValueTensorInitializer(tf.range(6, dtype=tf.int64), tf.constant(kinds)), "unknown"
    )
    ids_of = v1.lookup.StaticHashTable(
        v1.lookup.KeyValueTensorInitializer(tf.constant(kinds), tf.range(6, dtype=tf.int64)), 5
    )

    def network(text: Tensor, drop: bool) -> Tensor:
        tok = v1.string_split(tf.strings.lower(tf.strings.regex_replace(text, r"[^\w ]", " ")))
        ids = words.lookup(v1.sparse_tensor_to_dense(tok, default_value=""))
        with v1.variable_scope("textcnn", reuse=v1.AUTO_REUSE):
            table = v1.get_variable("embedding", [1000, 16])
            e = tf.nn.embedding_lookup(table, ids)
            e = tf.pad(e, [[0, 0], [2, 2], [0, 0]])
            pooled = []
            for size in (2, 3):
                kern = v1.get_variable(f"conv{size}", [size, 16, 12])
                pooled.append(tf.reduce_max(tf.nn.relu(tf.nn.conv1d(e, kern, 1, "VALID")), 1))
            h = tf.concat(pooled, 1)
            if drop:
                h = tf.nn.dropout(h, rate=0.4)
            h.set_shape([None, 24])
        return fc(h, len(kinds), "textcnn/out")

    lines = v1.data.TextLineDataset("documents.tsv").shuffle(500).repeat()
    pairs = lines.map(lambda s: tf.io.decode_csv(s, [[""], [""]], field_delim="\t")).batch(64)
    kind, body = v1.data.make_initializable_iterator(pairs).get_next()
    with v1.name_scope("training"):
        xent = v1.losses.sparse_softmax_cross_entropy(ids_of.lookup(kind), network(body, drop=True))
        v1.train.AdamOptimizer(5e-4).minimize(xent, v1.train.create_global_step())
    with v1.name_scope("serving"):
        raw_text = v1.placeholder(tf.string, [None], name="raw_text")
        probs = tf.nn.softmax(network(raw_text, drop=False))
        best = tf.argmax(probs, axis=1)
        signature = {"kind": names.lookup(best), "confidence": tf.reduce_max(probs, axis=1)}
    return [raw_text], [signature["kind"], signature["confidence"]]


@case("tagger")
def helpdesk_intent_and_slots() -> Truths:
    """Helpdesk intent and slots.

    A bidirectional recurrent net over words by tf.while_loop; the intent of the sentence and the slot of
    each word are fetched together, as the predicted classes, or both as probabilities for thresholds
    outside.
    """
    words = v1.placeholder(tf.int32, [None, None], name="words")
    length = v1.placeholder(tf.int32, [None], name="length")
    slot_y = v1.placeholder(tf.int32, [None, None], name="slot_targets")
    intent_y = v1.placeholder(tf.int32, [None], name="intent_targets")
    dropout = v1.placeholder_with_default(0.0, [], name="dropout_rate")
    emb = v1.get_variable("word_embeddings", [800, 16])
    x = tf.nn.dropout(tf.nn.embedding_lookup(emb, words), rate=dropout)
    bs, n = tf.shape(words)[0], 12

    def run(seq: Tensor, scope: str) -> tuple[Tensor, Tensor]:
        with v1.variable_scope(scope):
            w = v1.get_variable("W", [16 + n, n])
            b = v1.get_variable("b", [n], initializer=v1.zeros_initializer())
        steps = tf.shape(seq)[1]
        arr = tf.TensorArray(tf.float32, steps, element_shape=[None, n])

        def body(t: Tensor, h: Tensor, ta: Any) -> tuple[Tensor, Tensor, Any]:
            new = tf.tanh(tf.matmul(tf.concat([seq[:, t], h], 1), w) + b)
            new = tf.where(tf.expand_dims(t < length, 1), new, h)
            return t + 1, new, ta.write(t, new)

        _, last, arr = tf.while_loop(lambda t, *_: t < steps, body, (0, tf.zeros([bs, n]), arr))
        return tf.transpose(arr.stack(), [1, 0, 2]), last

    fw, fw_last = run(x, "fw")
    bw, bw_last = run(tf.reverse_sequence(x, length, seq_axis=1), "bw")
    both = tf.concat([fw, tf.reverse_sequence(bw, length, seq_axis=1)], 2)
    both = tf.nn.dropout(both, rate=dropout)
    slot_logits = fc(both, 9, "slot_proj")
    intent_logits = fc(tf.concat([fw_last, bw_last], 1), 7, "intent_proj")
    mask = tf.sequence_mask(length, tf.shape(words)[1], tf.float32)
    slot_probs, intent_probs = tf.nn.softmax(slot_logits), tf.nn.softmax(intent_logits)
    slots = tf.argmax(slot_probs, axis=2, output_type=tf.int32, name="slots")
    intent = tf.argmax(intent_probs, axis=1, output_type=tf.int32, name="intent")
    l1 = v1.losses.sparse_softmax_cross_entropy(slot_y, slot_logits, weights=mask)
    l2 = v1.losses.sparse_softmax_cross_entropy(intent_y, intent_logits)
    v1.train.AdamOptimizer().minimize(l1 + l2)
    frame_ok = tf.reduce_all(tf.equal(slots, slot_y) | tf.equal(mask, 0.0), 1) & tf.equal(intent, intent_y)
    v1.summary.scalar("frame_accuracy", tf.reduce_mean(tf.cast(frame_ok, tf.float32)))
    return [([words, length], [intent, slots]), ([words, length], [intent_probs, slot_probs])]


@case("embedding")
def dssm_product_search() -> Truths:
    """Dssm product search.

    Letter trigrams of query and title through two towers, rotated titles of the batch as negatives.
    Served either as the relevance of fed pairs, or (index and query service) as the two vectors.
    """
    trigrams, n_neg, gamma = 600, 4, 20.0
    query = v1.placeholder(tf.float32, [None, trigrams], name="QueryBatch")
    title = v1.placeholder(tf.float32, [None, trigrams], name="TitleBatch")

    def tower(bag: Tensor, side: str) -> Tensor:
        h = fc(bag, 32, side + "/L1", tf.nn.tanh)
        h = fc(h, 16, side + "/L2", tf.nn.tanh)
        return tf.nn.l2_normalize(h, axis=1)

    q, d = tower(query, "query"), tower(title, "title")
    relevance = tf.reduce_sum(q * d, axis=1, name="relevance")
    with v1.name_scope("rotate"):
        cosines = [tf.expand_dims(tf.reduce_sum(q * d, 1), 1)]
        for i in range(1, n_neg + 1):
            rotated = tf.roll(d, shift=i, axis=0)
            cosines.append(tf.reduce_sum(q * rotated, 1, keepdims=True))
    with v1.name_scope("loss"):
        prob = tf.nn.softmax(gamma * tf.concat(cosines, 1))
        loss = -tf.reduce_mean(tf.math.log(prob[:, 0] + 1e-10))
        v1.summary.scalar("loss", loss)
    with v1.name_scope("accuracy"):
        hit = tf.reduce_mean(tf.cast(tf.equal(tf.argmax(prob, 1), 0), tf.float32))
        v1.summary.scalar("accuracy", hit)
    v1.train.GradientDescentOptimizer(0.1).minimize(loss)
    return [([query, title], [relevance]), ([query, title], [q, d])]
