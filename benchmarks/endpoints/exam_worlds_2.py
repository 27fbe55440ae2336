"""Recommenders, tables, time series and sound, as people write and train them."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from benchmarks.endpoints.cases import Truth, Truths, case, v1

Tensor = Any


def _dnn(x: Tensor, units: int, scope: str, activation: Any = None) -> Tensor:
    with v1.variable_scope(scope, reuse=v1.AUTO_REUSE):
        kernel = v1.get_variable(
            "kernel", [int(x.shape[-1]), units], initializer=v1.glorot_uniform_initializer()
        )
        bias = v1.get_variable("bias", [units], initializer=v1.zeros_initializer())
    y = tf.nn.bias_add(tf.matmul(x, kernel) if x.shape.rank == 2 else tf.tensordot(x, kernel, 1), bias)
    return activation(y) if activation else y


@case("recommender")
def census_wide_and_deep_model_fn() -> Truth:
    """An Estimator's graph of census lines, whose parsed columns come out of an iterator.

    They are sorted by name, with the label last; the deployer feeds the columns that the model reads
    and fetches ``probabilities``.
    """

    def parse_line(line: Tensor) -> Tensor:
        age, education, occupation, hours, income = tf.io.decode_csv(line, [[0.0], [""], [""], [0.0], [""]])
        features = {"age": age, "education": education, "hours_per_week": hours, "occupation": occupation}
        return features, tf.equal(income, ">50K")

    files = v1.placeholder_with_default(tf.constant(["adult.data"]), [None], name="input_files")
    dataset = tf.data.TextLineDataset(files).map(parse_line).shuffle(100).repeat(2).batch(40)
    iterator = v1.data.make_initializable_iterator(dataset)
    v1.add_to_collection(v1.GraphKeys.TABLE_INITIALIZERS, iterator.initializer)
    features, labels = iterator.get_next()
    with v1.variable_scope("linear"):
        buckets = tf.raw_ops.Bucketize(input=features["age"], boundaries=[18.0, 25.0, 30.0, 40.0, 50.0, 65.0])
        age_w = v1.get_variable("age_bucketized/weights", [7, 1], initializer=v1.zeros_initializer())
        linear_logits = tf.gather(age_w, buckets)
        crossed = tf.strings.join([features["education"], features["occupation"]], "_X_")
        cross_w = v1.get_variable(
            "education_X_occupation/weights", [50, 1], initializer=v1.zeros_initializer()
        )
        linear_logits += tf.gather(cross_w, tf.strings.to_hash_bucket_fast(crossed, 50))
    with v1.variable_scope("dnn"):
        columns = [tf.expand_dims(features[name], 1) / 100.0 for name in ("age", "hours_per_week")]
        for name in ("education", "occupation"):
            table = v1.get_variable(f"{name}_embedding/embedding_weights", [20, 8])
            columns.append(tf.nn.embedding_lookup(table, tf.strings.to_hash_bucket_fast(features[name], 20)))
        net = tf.concat(columns, 1)
        for i, units in enumerate((24, 12)):
            net = _dnn(net, units, f"hiddenlayer_{i}", tf.nn.relu)
            v1.summary.scalar(f"fraction_of_zero_values_{i}", tf.math.zero_fraction(net))
        dnn_logits = _dnn(net, 1, "logits")
    with v1.name_scope("head"):
        logits = linear_logits + dnn_logits
        logistic = tf.sigmoid(logits, name="predictions/logistic")
        probabilities = tf.concat([1 - logistic, logistic], 1, name="predictions/probabilities")
        target = tf.cast(tf.expand_dims(labels, 1), tf.float32)
        loss = tf.reduce_mean(v1.nn.sigmoid_cross_entropy_with_logits(labels=target, logits=logits))
        v1.metrics.auc(target, logistic)
        v1.metrics.accuracy(tf.cast(target, tf.int64), tf.argmax(probabilities, 1)[:, tf.newaxis])
    step = v1.train.get_or_create_global_step()
    v1.train.FtrlOptimizer(0.1).minimize(loss, var_list=v1.trainable_variables("linear"))
    v1.train.AdagradOptimizer(0.05).minimize(loss, step, var_list=v1.trainable_variables("dnn"))
    return [features[k] for k in ("age", "education", "hours_per_week", "occupation")], [probabilities]


class _DeepFM:
    """Factorization machine and deep part over one table of embeddings."""

    def __init__(self, feature_size: int = 200, field_size: int = 9, k: int = 8) -> None:
        self.feat_index = v1.placeholder(tf.int32, [None, None], name="feat_index")
        self.feat_value = v1.placeholder(tf.float32, [None, None], name="feat_value")
        self.label = v1.placeholder(tf.float32, [None, 1], name="label")
        self.dropout_keep_fm = v1.placeholder(tf.float32, [None], name="dropout_keep_fm")
        self.dropout_keep_deep = v1.placeholder(tf.float32, [None], name="dropout_keep_deep")
        weights = {
            "feature_embeddings": tf.Variable(
                tf.random.normal([feature_size, k], 0.0, 0.01), name="feature_embeddings"
            ),
            "feature_bias": tf.Variable(tf.random.uniform([feature_size, 1]), name="feature_bias"),
            "concat_projection": tf.Variable(
                tf.random.normal([field_size + k + 16, 1]), name="concat_projection"
            ),
            "concat_bias": tf.Variable(tf.constant(0.01), name="concat_bias"),
        }
        embeddings = tf.nn.embedding_lookup(weights["feature_embeddings"], self.feat_index)
        value = tf.reshape(self.feat_value, [-1, field_size, 1])
        embeddings = tf.multiply(embeddings, value)
        first = tf.reduce_sum(tf.nn.embedding_lookup(weights["feature_bias"], self.feat_index) * value, 2)
        self.y_first_order = v1.nn.dropout(first, self.dropout_keep_fm[0])
        summed_squared = tf.square(tf.reduce_sum(embeddings, 1))
        squared_summed = tf.reduce_sum(tf.square(embeddings), 1)
        second = v1.nn.dropout(0.5 * (summed_squared - squared_summed), self.dropout_keep_fm[1])
        deep, width = tf.reshape(embeddings, [-1, field_size * k]), field_size * k
        for i in range(2):
            weights[f"layer_{i}"] = tf.Variable(tf.random.normal([width, 16]), name=f"layer_{i}")
            deep = tf.nn.relu(
                tf.matmul(v1.nn.dropout(deep, self.dropout_keep_deep[i]), weights[f"layer_{i}"])
            )
            width = 16
        joined = tf.concat([self.y_first_order, second, deep], axis=1)
        self.out = tf.add(tf.matmul(joined, weights["concat_projection"]), weights["concat_bias"])
        self.out = tf.nn.sigmoid(self.out)
        self.loss = v1.losses.log_loss(self.label, self.out)
        self.loss += 0.01 * tf.nn.l2_loss(weights["concat_projection"])
        self.optimizer = v1.train.MomentumOptimizer(0.01, 0.95).minimize(self.loss)
        self.saver = v1.train.Saver()


@case("recommender")
def deepfm_of_index_and_value() -> Truth:
    """Indices and values of the fields; ``predict`` runs ``out`` with all dropouts at one."""
    model = _DeepFM()
    return [model.feat_index, model.feat_value], [model.out]


@case("recommender")
def din_attention_over_clicked_goods() -> Truth:
    """A candidate and a history with its length; ``j`` is the negative that only the AUC needs."""
    i, j = v1.placeholder(tf.int32, [None]), v1.placeholder(tf.int32, [None])
    y, lr = v1.placeholder(tf.float32, [None]), v1.placeholder(tf.float64, [])
    hist_i, sl = v1.placeholder(tf.int32, [None, None]), v1.placeholder(tf.int32, [None])
    item_emb_w = v1.get_variable("item_emb_w", [120, 8])
    cate_emb_w = v1.get_variable("cate_emb_w", [10, 8])
    item_b = v1.get_variable("item_b", [120], initializer=v1.constant_initializer(0.0))
    cate_list = tf.constant([k % 10 for k in range(120)], tf.int32)

    def embed(ids: Tensor) -> Tensor:
        cates = tf.nn.embedding_lookup(cate_emb_w, tf.gather(cate_list, ids))
        return tf.concat([tf.nn.embedding_lookup(item_emb_w, ids), cates], -1)

    def dice(x: Tensor, name: str) -> Tensor:
        with v1.variable_scope(name, reuse=v1.AUTO_REUSE):
            alphas = v1.get_variable("alpha", [int(x.shape[-1])], initializer=v1.zeros_initializer())
        mean, variance = tf.nn.moments(x, [0], keepdims=True)
        x_p = tf.sigmoid((x - mean) / tf.sqrt(variance + 1e-8))
        return alphas * (1.0 - x_p) * x + x_p * x

    def attention(queries: Tensor, keys: Tensor, length: Tensor) -> Tensor:
        steps = tf.shape(keys)[1]
        queries = tf.reshape(tf.tile(queries, [1, steps]), [-1, steps, 16])
        net = tf.concat([queries, keys, queries - keys, queries * keys], -1)
        net = _dnn(_dnn(net, 16, "f1_att", tf.nn.sigmoid), 1, "f3_att")
        outputs = tf.reshape(net, [-1, 1, steps])
        outputs = tf.where(
            tf.sequence_mask(length, steps)[:, tf.newaxis], outputs, tf.ones_like(outputs) * -4e9
        )
        return tf.reshape(tf.matmul(tf.nn.softmax(outputs / 4.0), keys), [-1, 16])

    def score(ids: Tensor) -> Tensor:
        emb = embed(ids)
        hist = _dnn(attention(emb, embed(hist_i), sl), 16, "hist_fc")
        net = dice(_dnn(tf.concat([hist, emb, hist * emb], -1), 16, "f1"), "dice_1")
        return tf.gather(item_b, ids) + tf.reshape(_dnn(net, 1, "f3"), [-1])

    logits, logits_j = score(i), score(j)
    mf_auc = tf.reduce_mean(tf.cast(logits - logits_j > 0, tf.float32))
    prob = tf.sigmoid(logits)
    v1.summary.scalar("mf_auc", mf_auc)
    global_step = tf.Variable(0, trainable=False, name="global_step")
    loss = tf.reduce_mean(v1.nn.sigmoid_cross_entropy_with_logits(logits=logits, labels=y))
    params = v1.trainable_variables()
    clip, _ = tf.clip_by_global_norm(tf.gradients(loss, params), 5)
    opt = v1.train.GradientDescentOptimizer(lr)
    opt.apply_gradients(zip(clip, params, strict=True), global_step=global_step)
    return [i, hist_i, sl], [prob]


@case("recommender")
def gru4rec_sessions_with_fed_states() -> Truth:
    """Sessions in parallel, a state per layer fed and fetched; learning scores the items of the batch."""
    batch, n_items, units = 16, 90, 12
    x = v1.placeholder(tf.int32, [batch], name="input")
    y = v1.placeholder(tf.int32, [batch], name="output")
    state = [v1.placeholder(tf.float32, [batch, units], name="rnn_state") for _ in range(2)]
    keep = v1.placeholder_with_default(1.0, [], name="keep")
    global_step = v1.Variable(0, name="global_step", trainable=False)
    with v1.variable_scope("gru_layer"):
        sigma = (6.0 / (n_items + units)) ** 0.5
        initializer = v1.random_uniform_initializer(-sigma, sigma)
        embedding = v1.get_variable("embedding", [n_items, units], initializer=initializer)
        softmax_w = v1.get_variable("softmax_w", [n_items, units], initializer=initializer)
        softmax_b = v1.get_variable("softmax_b", [n_items], initializer=v1.zeros_initializer())
        output, final_state = tf.nn.embedding_lookup(embedding, x), []
        for layer in range(2):
            with v1.variable_scope(f"rnn/multi_rnn_cell/cell_{layer}/gru_cell"):
                h = state[layer]
                gates = tf.sigmoid(_dnn(tf.concat([output, h], 1), 2 * units, "gates"))
                r, u = tf.split(gates, 2, 1)
                candidate = tf.tanh(_dnn(tf.concat([output, r * h], 1), units, "candidate"))
                h = u * h + (1 - u) * candidate
                final_state.append(h)
                output = v1.nn.dropout(h, keep_prob=keep)
    sampled_w, sampled_b = tf.nn.embedding_lookup(softmax_w, y), tf.nn.embedding_lookup(softmax_b, y)
    inbatch = tf.nn.tanh(tf.matmul(output, sampled_w, transpose_b=True) + sampled_b)
    positive = tf.linalg.diag_part(inbatch)[:, tf.newaxis]
    cost = tf.reduce_mean(tf.sigmoid(inbatch - positive) + tf.sigmoid(inbatch**2))
    yhat = tf.tanh(tf.matmul(output, softmax_w, transpose_b=True) + softmax_b)
    lr = tf.maximum(1e-5, v1.train.exponential_decay(0.001, global_step, 1000, 0.96, staircase=True))
    optimizer = v1.train.AdamOptimizer(lr)
    optimizer.apply_gradients(optimizer.compute_gradients(cost), global_step=global_step)
    return [x, *state], [yhat, *final_state]


@case("recommender")
def variational_autoencoder_of_ratings() -> Truth:
    """Mult-VAE: the row of clicks, three dials with defaults, and ``logits`` that are ranked."""
    dims = [60, 24, 10]
    input_ph = v1.placeholder(dtype=tf.float32, shape=[None, 60])
    keep_prob_ph = v1.placeholder_with_default(0.75, shape=None)
    is_training_ph = v1.placeholder_with_default(0.0, shape=None)
    anneal_ph = v1.placeholder_with_default(1.0, shape=None)

    def weights(prefix: str, sizes: Sequence[int]) -> list[tuple[Tensor, Tensor]]:
        return [
            (
                v1.get_variable(f"weight_{prefix}_{i}to{i + 1}", [d_in, d_out]),
                v1.get_variable(f"bias_{prefix}_{i + 1}", [d_out], initializer=v1.zeros_initializer()),
            )
            for i, (d_in, d_out) in enumerate(itertools.pairwise(sizes))
        ]

    weights_q, weights_p = weights("q", [60, 24, 20]), weights("p", dims[::-1])
    h = v1.nn.dropout(tf.nn.l2_normalize(input_ph, 1), keep_prob_ph)
    h = tf.nn.tanh(tf.matmul(h, weights_q[0][0]) + weights_q[0][1])
    h = tf.matmul(h, weights_q[1][0]) + weights_q[1][1]
    mu_q, logvar_q = h[:, :10], h[:, 10:]
    std_q = tf.exp(0.5 * logvar_q)
    kl = tf.reduce_mean(tf.reduce_sum(0.5 * (-logvar_q + tf.exp(logvar_q) + mu_q**2 - 1), axis=1))
    h = mu_q + is_training_ph * tf.random.normal(tf.shape(std_q)) * std_q
    for i, (w, b) in enumerate(weights_p):
        h = tf.matmul(h, w) + b
        if i != len(weights_p) - 1:
            h = tf.nn.tanh(h)
    logits = h
    log_softmax_var = tf.nn.log_softmax(logits)
    neg_ll = -tf.reduce_mean(tf.reduce_sum(log_softmax_var * input_ph, axis=-1))
    l2 = tf.add_n([tf.nn.l2_loss(w) for w, _ in weights_q + weights_p])
    neg_elbo = neg_ll + anneal_ph * kl + 2 * 0.01 * l2
    v1.train.AdamOptimizer(1e-3).minimize(neg_elbo)
    v1.summary.scalar("negative_multi_ll", neg_ll)
    v1.summary.scalar("KL", kl)
    v1.summary.merge_all()
    return [input_ph], [logits]


@case("multi task", modern=True)
def esmm_clicks_and_conversions() -> Truth:
    """Entire space multi-task: Keras layers on columns of a batching queue; three rates are predicted."""
    names = ["user_id", "item_id", "category", "price", "click", "purchase"]
    kinds = [tf.int32, tf.int32, tf.int32, tf.float32, tf.float32, tf.float32]
    reader = v1.TextLineReader(skip_header_lines=1)
    _, row = reader.read(v1.train.string_input_producer(["log_0.csv", "log_1.csv"]))
    parsed = tf.io.decode_csv(row, [[0] if k == tf.int32 else [0.0] for k in kinds])
    columns = dict(zip(names, v1.train.shuffle_batch(parsed, 32, 400, 100), strict=True))
    layers = tf.keras.layers
    embedded = [
        layers.Embedding(size, 8, name=f"emb_{name}")(columns[name])
        for name, size in (("user_id", 50), ("item_id", 40), ("category", 12))
    ]
    shared = layers.Concatenate(name="shared")([*embedded, tf.math.log1p(columns["price"])[:, tf.newaxis]])

    def tower(name: str) -> Tensor:
        net = layers.Dense(16, activation="relu", name=f"{name}_1")(shared)
        net = layers.Dense(8, activation="relu", name=f"{name}_2")(net)
        return tf.squeeze(layers.Dense(1, activation="sigmoid", name=f"{name}_p")(net), 1)

    pctr, pcvr = tower("ctr"), tower("cvr")
    predictions = {"pctr": pctr, "pcvr": pcvr, "pctcvr": tf.multiply(pctr, pcvr, name="pctcvr")}
    ctr_loss = v1.losses.log_loss(columns["click"], predictions["pctr"])
    ctcvr_loss = v1.losses.log_loss(columns["click"] * columns["purchase"], predictions["pctcvr"])
    v1.metrics.auc(columns["click"], pctr, name="ctr_auc")
    v1.metrics.auc(columns["purchase"], predictions["pctcvr"], name="ctcvr_auc")
    v1.train.AdamOptimizer(0.001).minimize(ctr_loss + ctcvr_loss)
    return [columns[k] for k in ("user_id", "item_id", "category", "price")], list(predictions.values())


@case("embedding")
def two_towers_with_in_batch_softmax() -> Truth:
    """Retrieval: a user's watches are averaged in one tower, the words of a title in the other.

    The index is built from ``item_embedding`` and queried with ``user_embedding``.
    """
    with v1.name_scope("inputs"):
        watched = v1.placeholder(tf.int64, [None, 20], name="watched_ids")
        country = v1.placeholder(tf.int64, [None], name="country_id")
        title = v1.placeholder(tf.int64, [None, 12], name="title_tokens")
        publisher = v1.placeholder(tf.int64, [None], name="publisher_id")
        frequency = v1.placeholder(tf.float32, [None], name="item_frequency")
        training = v1.placeholder_with_default(False, [], name="is_training")

    def bag(ids: Tensor, rows: int, name: str) -> Tensor:
        table = v1.get_variable(name, [rows, 8], initializer=v1.random_uniform_initializer(-0.05, 0.05))
        here = tf.cast(tf.not_equal(ids, 0), tf.float32)[..., tf.newaxis]
        summed = tf.reduce_sum(tf.nn.embedding_lookup(table, ids) * here, 1)
        return tf.math.divide_no_nan(summed, tf.reduce_sum(here, 1))

    def tower(parts: list[Tensor], name: str) -> Tensor:
        net = _dnn(tf.concat(parts, 1), 24, f"{name}/fc0", tf.nn.relu)
        net = v1.cond(training, lambda: v1.nn.dropout(net, keep_prob=0.8), lambda: net)
        return tf.nn.l2_normalize(_dnn(net, 8, f"{name}/fc1"), 1, name=f"{name}_embedding")

    user = tower([bag(watched, 300, "video_emb"), bag(country[:, tf.newaxis], 30, "country_emb")], "user")
    item = tower([bag(title, 200, "token_emb"), bag(publisher[:, tf.newaxis], 40, "publisher_emb")], "item")
    scores = tf.matmul(user, item, transpose_b=True) / 0.05 - tf.math.log(frequency)
    labels = tf.range(tf.shape(scores)[0])
    loss = tf.reduce_mean(v1.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=scores))
    recall = tf.reduce_mean(tf.cast(tf.nn.in_top_k(labels, scores, 5), tf.float32), name="recall_at_5")
    v1.summary.scalar("recall", recall)
    v1.train.AdagradOptimizer(0.05).minimize(loss, global_step=v1.train.get_or_create_global_step())
    return [watched, country, title, publisher], [user, item]


@case("regression", plain=True)
def linear_regression_of_the_tutorial() -> Truth:
    """The smallest: a slope and an offset, scalars without a shape; feed ``X``, fetch the line."""
    x, y = v1.placeholder("float"), v1.placeholder("float")
    w = v1.Variable(0.3, name="weight")
    b = v1.Variable(-0.1, name="bias")
    pred = tf.add(tf.multiply(x, w), b)
    cost = tf.reduce_sum(tf.pow(pred - y, 2)) / (2 * 17)
    v1.train.GradientDescentOptimizer(0.01).minimize(cost)
    v1.global_variables_initializer()
    return [x], [pred]


@case("forecast")
def stock_prices_with_stacked_lstm() -> Truth:
    """Seven days in, the next close out; the RMSE has two placeholders of its own, fed with arrays."""
    seq_length, data_dim, hidden_dim = 7, 5, 10
    x = v1.placeholder(tf.float32, [None, seq_length, data_dim])
    y = v1.placeholder(tf.float32, [None, 1])
    outputs = tf.unstack(x, seq_length, 1)
    batch = tf.shape(x)[0]
    for layer in range(2):
        width = int(outputs[0].shape[1])
        w = v1.get_variable(
            f"rnn/multi_rnn_cell/cell_{layer}/basic_lstm_cell/kernel", [width + hidden_dim, 40]
        )
        b = v1.get_variable(f"rnn/multi_rnn_cell/cell_{layer}/basic_lstm_cell/bias", [40])
        c = h = tf.zeros([batch, hidden_dim])
        hidden = []
        for x_t in outputs:
            i, j, f, o = tf.split(tf.matmul(tf.concat([x_t, h], 1), w) + b, 4, 1)
            c = c * tf.sigmoid(f + 1.0) + tf.sigmoid(i) * tf.tanh(j)
            h = tf.tanh(c) * tf.sigmoid(o)
            hidden.append(h)
        outputs = hidden
    y_pred = tf.matmul(outputs[-1], v1.get_variable("fully_connected/weights", [hidden_dim, 1]))
    y_pred += v1.get_variable("fully_connected/biases", [1], initializer=v1.zeros_initializer())
    loss = tf.reduce_sum(tf.square(y_pred - y))
    v1.train.AdamOptimizer(0.01).minimize(loss)
    targets = v1.placeholder(tf.float32, [None, 1])
    predictions = v1.placeholder(tf.float32, [None, 1])
    tf.sqrt(tf.reduce_mean(tf.square(targets - predictions)))
    return [x], [y_pred]


@case("forecast")
def nbeats_with_pinball_quantiles() -> Truth:
    """Residual blocks that explain a masked window; each adds to a forecast of three quantiles a day."""
    lookback, horizon, quantiles = 24, 6, [0.1, 0.5, 0.9]
    insample = v1.placeholder(tf.float32, [None, lookback], name="insample_y")
    mask = v1.placeholder(tf.float32, [None, lookback], name="insample_mask")
    outsample = v1.placeholder(tf.float32, [None, horizon], name="outsample_y")
    outsample_mask = v1.placeholder(tf.float32, [None, horizon], name="outsample_mask")
    lr = v1.placeholder(tf.float32, (), name="lr")
    level = tf.reduce_max(tf.abs(insample), 1, keepdims=True) + 1.0
    residuals = tf.reverse(insample / level, [1])
    reverse_mask = tf.reverse(mask, [1])
    forecast: Tensor = tf.tile((insample[:, -1:] / level)[..., tf.newaxis], [1, horizon, 3])
    grid = tf.constant([[(t / horizon) ** p for t in range(horizon)] for p in range(3)])
    for stack, basis in enumerate(("trend", "generic", "generic")):
        for block in range(2):
            with v1.variable_scope(
                f"stack_{stack}/block_{0 if basis == 'trend' else block}", reuse=v1.AUTO_REUSE
            ):
                h = residuals
                for layer in range(3):
                    h = _dnn(h, 16, f"fc_{layer}", tf.nn.relu)
                backcast = _dnn(h, lookback, "backcast")
                if basis == "trend":
                    theta = tf.reshape(_dnn(h, 9, "theta"), [-1, 3, 3])
                    ahead = tf.einsum("bpq,pt->btq", theta, grid)
                else:
                    ahead = tf.reshape(_dnn(h, horizon * 3, "theta"), [-1, horizon, 3])
                residuals = (residuals - backcast) * reverse_mask
                forecast = forecast + ahead
    forecast = tf.multiply(forecast, level[..., tf.newaxis], name="forecast")
    error = outsample[..., tf.newaxis] - forecast
    q = tf.constant(quantiles)
    pinball = tf.maximum(q * error, (q - 1) * error) * outsample_mask[..., tf.newaxis]
    loss = tf.math.divide_no_nan(tf.reduce_sum(pinball), tf.reduce_sum(outsample_mask), name="pinball")
    inside = tf.logical_and(outsample >= forecast[..., 0], outsample <= forecast[..., 2])
    v1.summary.scalar("coverage", tf.reduce_mean(tf.cast(inside, tf.float32)))
    opt = v1.train.AdamOptimizer(lr)
    gradients, variables = zip(*opt.compute_gradients(loss), strict=True)
    clipped, _ = tf.clip_by_global_norm(gradients, 1.0)
    opt.apply_gradients(zip(clipped, variables, strict=True))
    return [insample, mask], [forecast]


@case("forecast", modern=True)
def web_traffic_encoder_and_decoder() -> Truth:
    """Page views: a dataset of views, calendars of past and future and facts about the page.

    The decoder reads its own predictions, and what it says is scaled back to views.
    """

    def series(i: Tensor) -> tuple[Tensor, ...]:
        days = tf.math.log1p(tf.random.stateless_uniform([40], [1, i], 0.0, 100.0))
        week = tf.one_hot(tf.range(40) % 7, 7)
        return days[:28], week[:28], tf.one_hot(tf.cast(i, tf.int32) % 5, 5), days[28:], week[28:]

    data = tf.data.Dataset.range(1000).shuffle(64).map(series).batch(16).prefetch(2)
    true_x, time_x, page_features, true_y, time_y = v1.data.make_one_shot_iterator(data).get_next()
    mean, variance = tf.nn.moments(true_x, [1], keepdims=True)
    std = tf.sqrt(variance) + 1e-3
    norm_x = (true_x - mean) / std
    batch = tf.shape(true_x)[0]

    def gru(x: Tensor, h: Tensor, scope: str) -> Tensor:
        r, u = tf.split(tf.sigmoid(_dnn(tf.concat([x, h], 1), 24, f"{scope}/gates")), 2, 1)
        return u * h + (1 - u) * tf.tanh(_dnn(tf.concat([x, r * h], 1), 12, f"{scope}/candidate"))

    with v1.variable_scope("encoder"):
        tiled = tf.tile(page_features[:, tf.newaxis], [1, 28, 1])
        steps = tf.transpose(tf.concat([norm_x[..., tf.newaxis], time_x, tiled], 2), [1, 0, 2])
        _dnn(tf.zeros([1, 25]), 24, "cell/gates"), _dnn(tf.zeros([1, 25]), 12, "cell/candidate")
        state = tf.scan(lambda h, x: gru(x, h, "cell"), steps, tf.zeros([batch, 12]))[-1]
    with v1.variable_scope("decoder"):
        future = tf.transpose(time_y, [1, 0, 2])
        _dnn(tf.zeros([1, 25]), 24, "cell/gates"), _dnn(tf.zeros([1, 25]), 12, "cell/candidate")
        _dnn(tf.zeros([1, 12]), 1, "projection")

        def body(t: Tensor, previous: Tensor, h: Tensor, out: Any) -> tuple[Any, ...]:
            h = gru(tf.concat([previous, future[t], page_features], 1), h, "cell")
            y = _dnn(h, 1, "projection")
            return t + 1, y, h, out.write(t, y)

        start = (tf.constant(0), norm_x[:, -1:], state, tf.TensorArray(tf.float32, 12))
        *_, out = tf.while_loop(lambda t, *_: t < 12, body, start)
        decoder_output = tf.transpose(out.stack()[:, :, 0])
    with v1.name_scope("results"):
        scaled = decoder_output * std + mean
        predictions = tf.math.expm1(scaled, name="predictions")
    with v1.name_scope("losses"):
        mae = tf.reduce_mean(tf.abs(scaled - true_y))
        true = tf.math.expm1(true_y)
        smape = tf.reduce_mean(
            2 * tf.abs(predictions - true) / tf.maximum(tf.abs(true) + tf.abs(predictions), 0.5)
        )
    ema = tf.train.ExponentialMovingAverage(0.99)
    v1.summary.scalar("smape", smape)
    pairs = v1.train.AdamOptimizer(0.001).compute_gradients(mae)
    clipped, _ = tf.clip_by_global_norm([g for g, _ in pairs], 1.0)
    train = v1.train.AdamOptimizer(0.001).apply_gradients(
        [(g, v) for g, (_, v) in zip(clipped, pairs, strict=True)]
    )
    with tf.control_dependencies([train]):
        ema.apply(v1.trainable_variables())
    return [true_x, time_x, page_features, time_y], [predictions]


@case("forecast", frozen=True)
def mixture_density_of_handwaved_sines() -> Truth:
    """An inverted sine: weights, widths and centres of a mixture, which numpy samples; frozen."""
    x = v1.placeholder(dtype=tf.float32, shape=[None, 1], name="x")
    y = v1.placeholder(dtype=tf.float32, shape=[None, 1], name="y")
    wh = tf.Variable(tf.random.normal([1, 24], stddev=0.5))
    bh = tf.Variable(tf.random.normal([1, 24], stddev=0.5))
    wo = tf.Variable(tf.random.normal([24, 18], stddev=0.5))
    bo = tf.Variable(tf.random.normal([1, 18], stddev=0.5))
    output = tf.matmul(tf.nn.tanh(tf.matmul(x, wh) + bh), wo) + bo
    out_pi, out_sigma, out_mu = tf.split(output, 3, 1)
    out_pi = tf.exp(out_pi - tf.reduce_max(out_pi, 1, keepdims=True))
    out_pi = tf.multiply(tf.math.reciprocal(tf.reduce_sum(out_pi, 1, keepdims=True)), out_pi)
    out_sigma = tf.exp(out_sigma)
    kernel = tf.exp(-tf.square((y - out_mu) / out_sigma) / 2) / out_sigma * 0.3989
    lossfunc = tf.reduce_mean(-tf.math.log(tf.reduce_sum(kernel * out_pi, 1, keepdims=True)))
    v1.train.RMSPropOptimizer(0.005, 0.8).minimize(lossfunc)
    return [x], [out_pi, out_sigma, out_mu]


@case("audio")
def speech_commands_with_its_audio_processor() -> Truths:
    """Training of keyword spotting: wav files become MFCCs in a graph of their own.

    Numpy feeds them back as ``fingerprint_input``; the model gives logits, and the script also the indices.
    """
    with v1.name_scope("audio_processor"):
        wav_filename = v1.placeholder(tf.string, [], name="wav_filename")
        wav, rate = tf.audio.decode_wav(
            tf.io.read_file(wav_filename), desired_channels=1, desired_samples=16000
        )
        volume = v1.placeholder(tf.float32, [], name="foreground_volume")
        padding = v1.placeholder(tf.int32, [2, 2], name="time_shift_padding")
        offset = v1.placeholder(tf.int32, [2], name="time_shift_offset")
        background = v1.placeholder(tf.float32, [16000, 1], name="background_data")
        noise = v1.placeholder(tf.float32, [], name="background_volume")
        shifted = tf.slice(tf.pad(tf.multiply(wav, volume), padding), offset, [16000, -1])
        mixed = tf.clip_by_value(tf.add(background * noise, shifted), -1.0, 1.0)
        spectrogram = tf.raw_ops.AudioSpectrogram(
            input=mixed, window_size=480, stride=320, magnitude_squared=True
        )
        tf.raw_ops.Mfcc(spectrogram=spectrogram, sample_rate=rate, dct_coefficient_count=20)
        v1.summary.image("spectrogram", tf.expand_dims(spectrogram, -1), max_outputs=1)
    fingerprint_input = v1.placeholder(tf.float32, [None, 980], name="fingerprint_input")
    dropout_rate = v1.placeholder(tf.float32, name="dropout_rate")
    net = tf.reshape(fingerprint_input, [-1, 49, 20, 1])
    for name, shape in (("first", [20, 8, 1, 8]), ("second", [10, 4, 8, 8])):
        weights = v1.get_variable(f"{name}_weights", shape)
        bias = v1.get_variable(f"{name}_bias", [8], initializer=v1.zeros_initializer())
        net = v1.nn.dropout(
            tf.nn.relu(v1.nn.conv2d(net, weights, [1, 1, 1, 1], "SAME") + bias), rate=dropout_rate
        )
        if name == "first":
            net = v1.nn.max_pool(net, [1, 2, 2, 1], [1, 2, 2, 1], "SAME")
    flat = tf.reshape(net, [-1, 25 * 10 * 8])
    logits = tf.matmul(flat, v1.get_variable("final_fc_weights", [2000, 12])) + v1.get_variable(
        "final_fc_bias", [12]
    )
    truth = v1.placeholder(tf.int64, [None], name="groundtruth_input")
    with v1.name_scope("cross_entropy"):
        loss = v1.losses.sparse_softmax_cross_entropy(labels=truth, logits=logits)
    with v1.name_scope("train"), tf.control_dependencies([tf.debugging.check_numerics(logits, "nan")]):
        learning_rate = v1.placeholder(tf.float32, [], name="learning_rate_input")
        v1.train.GradientDescentOptimizer(learning_rate).minimize(loss)
    predicted = tf.argmax(logits, 1)
    correct = tf.equal(predicted, truth)
    tf.math.confusion_matrix(truth, predicted, num_classes=12)
    with v1.name_scope("eval"):
        v1.summary.scalar("accuracy", tf.reduce_mean(tf.cast(correct, tf.float32)))
    return [([fingerprint_input], [logits]), ([fingerprint_input], [predicted])]


@case("audio")
def ctc_speech_with_two_directions() -> Truth:
    """Features and their lengths through a loop forwards and one backwards; beams give dense letters."""
    graph_inputs = v1.placeholder(tf.float32, [None, None, 26], name="features")
    targets = v1.sparse_placeholder(tf.int32, name="targets")
    seq_len = v1.placeholder(tf.int32, [None], name="seq_len")
    batch = tf.shape(graph_inputs)[0]

    def run(x: Tensor, scope: str) -> Tensor:
        with v1.variable_scope(scope):
            w = v1.get_variable("kernel", [26 + 12, 48])
            b = v1.get_variable("bias", [48], initializer=v1.zeros_initializer())
        steps = tf.shape(x)[1]
        feed = tf.TensorArray(tf.float32, steps).unstack(tf.transpose(x, [1, 0, 2]))

        def body(t: Tensor, c: Tensor, h: Tensor, out: Any) -> tuple[Any, ...]:
            i, j, f, o = tf.split(tf.matmul(tf.concat([feed.read(t), h], 1), w) + b, 4, 1)
            new_c = tf.sigmoid(f + 1.0) * c + tf.sigmoid(i) * tf.tanh(j)
            new_h = tf.sigmoid(o) * tf.tanh(new_c)
            going = (t < seq_len)[:, tf.newaxis]
            written = tf.where(going, new_h, tf.zeros_like(h))
            return t + 1, tf.where(going, new_c, c), tf.where(going, new_h, h), out.write(t, written)

        zero = tf.zeros([batch, 12])
        *_, out = tf.while_loop(
            lambda t, *_: t < steps, body, (0, zero, zero, tf.TensorArray(tf.float32, steps))
        )
        return tf.transpose(out.stack(), [1, 0, 2])

    forward = run(graph_inputs, "bidirectional_rnn/fw/lstm_cell")
    backward = run(tf.reverse_sequence(graph_inputs, seq_len, seq_axis=1), "bidirectional_rnn/bw/lstm_cell")
    joined = tf.concat([forward, tf.reverse_sequence(backward, seq_len, seq_axis=1)], 2)
    w = tf.Variable(tf.random.truncated_normal([24, 28], stddev=0.1))
    b = tf.Variable(tf.constant(0.0, shape=[28]))
    logits = tf.reshape(tf.matmul(tf.reshape(joined, [-1, 24]), w) + b, [batch, -1, 28])
    logits = tf.transpose(logits, (1, 0, 2))
    cost = tf.reduce_mean(v1.nn.ctc_loss(targets, inputs=logits, sequence_length=seq_len))
    v1.train.MomentumOptimizer(0.005, 0.9).minimize(cost)
    decoded, _log_prob = v1.nn.ctc_beam_search_decoder(logits, seq_len, beam_width=10)
    dense_decoded = v1.sparse_tensor_to_dense(decoded[0], default_value=-1, name="dense_decoded")
    tf.reduce_mean(tf.edit_distance(tf.cast(decoded[0], tf.int32), targets), name="ler")
    return [graph_inputs, seq_len], [dense_decoded]


class _WaveNet:
    """Dilated causal convolutions over quantized samples, with a speaker."""

    def __init__(self, channels: int = 32, speakers: int = 5) -> None:
        self.channels, self.dilations = channels, [1, 2, 4, 8]
        with v1.variable_scope("wavenet"):
            self.gc_embedding = v1.get_variable("embeddings/gc_embedding", [speakers, 8])
            self.causal = v1.get_variable("causal_layer/filter", [2, channels, 8])
            self.layers = [
                {
                    name: v1.get_variable(f"dilated_stack/layer{i}/{name}", shape)
                    for name, shape in (
                        ("filter", [2, 8, 8]), ("gate", [2, 8, 8]),
                        ("dense", [1, 8, 8]), ("skip", [1, 8, 16]),
                        ("gc_filter", [1, 8, 8]), ("gc_gate", [1, 8, 8]),
                    )
                }
                for i in range(len(self.dilations))
            ]  # fmt: skip
            self.post1 = v1.get_variable("postprocessing/postprocess1", [1, 16, 16])
            self.post2 = v1.get_variable("postprocessing/postprocess2", [1, 16, channels])

    def encode(self, audio: Tensor) -> Tensor:
        """Mu-law."""
        mu = float(self.channels - 1)
        magnitude = tf.math.log1p(mu * tf.minimum(tf.abs(audio), 1.0)) / tf.math.log1p(mu)
        return tf.cast((tf.sign(audio) * magnitude + 1) / 2 * mu + 0.5, tf.int32)

    def network(self, encoded: Tensor, speaker: Tensor) -> Tensor:
        """Logits of the next samples."""
        condition = tf.reshape(tf.nn.embedding_lookup(self.gc_embedding, speaker), [-1, 1, 8])
        current = v1.nn.conv1d(tf.pad(encoded, [[0, 0], [1, 0], [0, 0]]), self.causal, 1, "VALID")
        skips = []
        for dilation, v in zip(self.dilations, self.layers, strict=True):
            padded = tf.pad(current, [[0, 0], [dilation, 0], [0, 0]])
            f, g = (v1.nn.conv1d(padded, v[k], 1, "VALID", dilations=dilation) for k in ("filter", "gate"))
            f += v1.nn.conv1d(condition, v["gc_filter"], 1, "SAME")
            g += v1.nn.conv1d(condition, v["gc_gate"], 1, "SAME")
            out = tf.tanh(f) * tf.sigmoid(g)
            skips.append(v1.nn.conv1d(out, v["skip"], 1, "SAME"))
            current += v1.nn.conv1d(out, v["dense"], 1, "SAME")
        total = tf.nn.relu(tf.add_n(skips))
        total = tf.nn.relu(v1.nn.conv1d(total, self.post1, 1, "SAME"))
        return v1.nn.conv1d(total, self.post2, 1, "SAME")

    def predict_proba(self, waveform: Tensor, speaker: Tensor) -> Tensor:
        """The distribution of the next sample."""
        with v1.name_scope("wavenet_predict"):
            encoded = tf.expand_dims(tf.one_hot(waveform, self.channels), 0)
            out = tf.reshape(self.network(encoded, speaker), [-1, self.channels])
            proba = tf.cast(tf.nn.softmax(tf.cast(out, tf.float64)), tf.float32)
            return tf.reshape(tf.slice(proba, [tf.shape(proba)[0] - 1, 0], [1, self.channels]), [-1])

    def loss(self, audio: Tensor, speaker: Tensor) -> Tensor:
        """Cross entropy of each sample given those before it."""
        with v1.name_scope("wavenet"):
            encoded = tf.one_hot(self.encode(audio)[..., 0], self.channels)
            raw = tf.reshape(self.network(encoded[:, :-1], speaker), [-1, self.channels])
            labels = tf.reshape(encoded[:, 1:], [-1, self.channels])
            reduced = tf.reduce_mean(v1.nn.softmax_cross_entropy_with_logits_v2(labels=labels, logits=raw))
            v1.summary.scalar("loss", reduced)
            return reduced


@case("audio")
def wavenet_fed_by_a_padding_queue() -> Truth:
    """Threads enqueue utterances and speakers for the loss.

    Generation feeds the waveform so far and a speaker, and draws from ``next_sample``.
    """
    with v1.name_scope("create_inputs"):
        sample_placeholder = v1.placeholder(tf.float32, None)
        queue = v1.PaddingFIFOQueue(32, ["float32"], shapes=[(None, 1)])
        queue.enqueue([sample_placeholder])
        id_placeholder = v1.placeholder(tf.int32, ())
        gc_queue = v1.PaddingFIFOQueue(32, ["int32"], shapes=[()])
        gc_queue.enqueue([id_placeholder])
        audio_batch, gc_batch = queue.dequeue_many(2), gc_queue.dequeue_many(2)
    net = _WaveNet()
    loss = net.loss(audio_batch, gc_batch)
    v1.train.AdamOptimizer(1e-3, epsilon=1e-4).minimize(loss, var_list=v1.trainable_variables())
    samples = v1.placeholder(tf.int32)
    samples.set_shape([None])
    gc_id = v1.placeholder(tf.int32, [1])
    next_sample = net.predict_proba(samples, gc_id)
    v1.train.Saver(v1.trainable_variables())
    return [samples, gc_id], [next_sample]


def _tacotron(
    inputs: Tensor, lengths: Tensor, mel_targets: Tensor | None, steps: int
) -> tuple[Tensor, Tensor]:
    table = v1.get_variable("embedding", [40, 12])
    x = tf.nn.embedding_lookup(table, inputs)
    banks = [v1.nn.conv1d(x, v1.get_variable(f"cbhg/conv1d_{k}", [k, 12, 8]), 1, "SAME") for k in (1, 2, 3)]
    memory = _dnn(tf.nn.relu(tf.concat(banks, -1)), 16, "encoder_out", tf.tanh)
    keys = _dnn(memory, 16, "memory_layer")
    score_mask = tf.sequence_mask(lengths, tf.shape(inputs)[1])
    state = tf.zeros([tf.shape(inputs)[0], 16])
    frame, frames = tf.zeros([tf.shape(inputs)[0], 10]), []
    for t in range(steps):
        prenet = _dnn(frame, 12, "decoder/prenet", tf.nn.relu)
        query = _dnn(state, 16, "decoder/query")
        energy = tf.squeeze(_dnn(tf.tanh(keys + query[:, tf.newaxis]), 1, "decoder/attention_v"), -1)
        alignment = tf.nn.softmax(tf.where(score_mask, energy, tf.fill(tf.shape(energy), -1e9)))
        context = tf.reduce_sum(alignment[..., tf.newaxis] * memory, 1)
        z, new = tf.split(_dnn(tf.concat([prenet, context, state], 1), 32, "decoder/gru"), 2, 1)
        state = tf.sigmoid(z) * state + (1 - tf.sigmoid(z)) * tf.tanh(new)
        frames.append(_dnn(tf.concat([state, context], 1), 10, "decoder/mel"))
        frame = frames[-1] if mel_targets is None else mel_targets[:, t]
    mel_outputs = tf.stack(frames, 1)
    post = tf.nn.relu(v1.nn.conv1d(mel_outputs, v1.get_variable("post_cbhg/conv", [3, 10, 16]), 1, "SAME"))
    return mel_outputs, _dnn(post, 33, "linear_outputs")


@case("audio")
def tacotron_that_ends_in_griffin_lim() -> Truth:
    """Training dequeues what a feeder thread wrote, and is forced by mel frames.

    The synthesizer's part of the graph is fed characters and lengths, runs free, and inverts
    the spectrogram in the graph.
    """
    with v1.variable_scope("datafeeder"):
        feeds = [
            v1.placeholder(tf.int32, [None, None], "inputs"),
            v1.placeholder(tf.int32, [None], "input_lengths"),
            v1.placeholder(tf.float32, [None, None, 10], "mel_targets"),
            v1.placeholder(tf.float32, [None, None, 33], "linear_targets"),
        ]
        queue = v1.FIFOQueue(8, [f.dtype for f in feeds], name="input_queue")
        queue.enqueue(feeds)
        inputs, input_lengths, mel_targets, linear_targets = queue.dequeue()
        for tensor, feed in zip((inputs, input_lengths, mel_targets, linear_targets), feeds, strict=True):
            tensor.set_shape(feed.shape)
    with v1.variable_scope("model"), v1.variable_scope("inference"):
        mel, linear = _tacotron(inputs, input_lengths, mel_targets, 3)
    with v1.variable_scope("loss"):
        loss = tf.reduce_mean(tf.abs(mel_targets - mel)) + tf.reduce_mean(tf.abs(linear_targets - linear))
    with v1.variable_scope("optimizer"):
        global_step = v1.Variable(0, name="global_step", trainable=False)
        warm = tf.cast(global_step + 1, tf.float32)
        rate = 0.002 * 63.2 * tf.minimum(warm * 4000**-1.5, warm**-0.5)
        optimizer = v1.train.AdamOptimizer(rate)
        gradients, variables = zip(*optimizer.compute_gradients(loss), strict=True)
        clipped, _ = tf.clip_by_global_norm(gradients, 1.0)
        optimizer.apply_gradients(zip(clipped, variables, strict=True), global_step=global_step)
    v1.summary.histogram("linear_outputs", linear)
    text = v1.placeholder(tf.int32, [1, None], "inputs")
    text_lengths = v1.placeholder(tf.int32, [1], "input_lengths")
    with v1.variable_scope("model", reuse=True), v1.variable_scope("inference"):
        _, spoken = _tacotron(text, text_lengths, None, 3)
    decibels = tf.clip_by_value(spoken[0], 0, 1) * 100 - 100 + 20
    magnitudes = tf.cast(tf.pow(tf.pow(10.0, decibels * 0.05), 1.5), tf.complex64)[tf.newaxis]
    y = tf.signal.inverse_stft(magnitudes, 64, 16, 64)
    for _ in range(2):
        estimate = tf.signal.stft(y, 64, 16, 64, pad_end=False)
        angles = estimate / tf.cast(tf.maximum(1e-8, tf.abs(estimate)), tf.complex64)
        y = tf.signal.inverse_stft(magnitudes * angles, 64, 16, 64)
    wav_output = tf.squeeze(y, 0)
    return [text, text_lengths], [wav_output]


@case("audio")
def vocals_and_accompaniment_by_soft_masks() -> Truth:
    """Source separation on two GPUs: the towers split a batch of mixes and learn from the true stems.

    What they estimate is joined again: the mixes are fed, two waveforms fetched.
    """
    mix = v1.placeholder(tf.float32, [None, 1024], name="mix")
    stems = {
        name: v1.placeholder(tf.float32, [None, 1024], name=f"{name}_true") for name in ("vocals", "backing")
    }
    is_training = v1.placeholder(tf.bool, name="training")
    lr = v1.placeholder_with_default(1e-3, [], name="lr")
    opt = v1.train.AdamOptimizer(lr)

    def norm(x: Tensor, name: str) -> Tensor:
        with v1.variable_scope(f"{name}/BatchNorm", reuse=v1.AUTO_REUSE):
            n = int(x.shape[-1])
            beta, gamma = v1.get_variable("beta", [n]), v1.get_variable("gamma", [n])
            mean, var = (v1.get_variable(k, [n], trainable=False) for k in ("moving_mean", "moving_variance"))
        m, v = tf.nn.moments(x, [0, 1, 2])
        for kept, now in ((mean, m), (var, v)):
            v1.add_to_collection(v1.GraphKeys.UPDATE_OPS, v1.assign(kept, 0.99 * kept + 0.01 * now))
        m, v = v1.cond(is_training, lambda: (m, v), lambda: (mean + 0.0, var + 0.0))
        return tf.nn.batch_normalization(x, m, v, beta, gamma, 1e-3)

    def separate(wave: Tensor) -> list[Tensor]:
        spectrum = tf.signal.stft(wave, 64, 32, 64, pad_end=True)
        net, skips = tf.math.log1p(tf.abs(spectrum))[:, :, :32, tf.newaxis], []
        for name, n in (("down0", 8), ("down1", 16)):
            with v1.variable_scope(name, reuse=v1.AUTO_REUSE):
                k = v1.get_variable("weights", [5, 5, int(net.shape[-1]), n])
            net = tf.nn.leaky_relu(norm(v1.nn.conv2d(net, k, [1, 2, 2, 1], "SAME"), name), 0.2)
            skips.append(net)
        for name, n, side in (("up0", 8, 16), ("up1", 2, 32)):
            with v1.variable_scope(name, reuse=v1.AUTO_REUSE):
                k = v1.get_variable("weights", [5, 5, n, int(net.shape[-1])])
            shape = tf.stack([tf.shape(net)[0], side, side, n])
            net = v1.nn.conv2d_transpose(net, k, shape, [1, 2, 2, 1])
            if name == "up0":
                net = tf.concat([tf.nn.relu(norm(net, name)), skips[0]], -1)
        masks = tf.pad(tf.nn.softmax(net), [[0, 0], [0, 0], [0, 1], [0, 0]])
        masked = [spectrum * tf.cast(masks[..., i], tf.complex64) for i in range(2)]
        window = tf.signal.inverse_stft_window_fn(32)
        return [tf.signal.inverse_stft(part, 64, 32, 64, window_fn=window) for part in masked]

    tower_grads, estimates = [], []
    shards = [tf.split(t, 2) for t in (mix, stems["vocals"], stems["backing"])]
    for gpu, (m, voc, back) in enumerate(zip(*shards, strict=True)):
        with v1.device(f"/gpu:{gpu}"), v1.name_scope(f"tower_{gpu}"):
            est = separate(m)
            estimates.append(est)
            length = tf.shape(est[0])[1]
            pairs = zip(est, (voc, back), strict=True)
            loss = tf.add_n([tf.reduce_mean(tf.abs(e[:, :1024] - s[:, :length])) for e, s in pairs])
            tower_grads.append(opt.compute_gradients(loss))
    averaged = [((a + b) / 2.0, v) for (a, v), (b, _) in zip(*tower_grads, strict=True)]
    with tf.control_dependencies(v1.get_collection(v1.GraphKeys.UPDATE_OPS)):
        opt.apply_gradients(averaged)
    vocals = tf.concat([e[0] for e in estimates], 0, name="vocals")
    backing = tf.concat([e[1] for e in estimates], 0, name="accompaniment")
    for name, sound in (("vocals", vocals), ("accompaniment", backing)):
        v1.summary.audio(name, sound, sample_rate=16000, max_outputs=2)
    return [mix], [vocals, backing]
