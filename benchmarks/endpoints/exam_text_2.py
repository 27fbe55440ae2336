"""Text graphs, second half: transformers, reading, pairs, embeddings, dialogue acts, topics, parsing."""

from __future__ import annotations

import math
from typing import Any

import tensorflow as tf

from benchmarks.endpoints.cases import Truth, Truths, case, v1

Tensor = Any


class BertModel:
    """The encoder with the scopes everybody knows, written out small."""

    def __init__(self, input_ids: Tensor, input_mask: Tensor, token_type_ids: Tensor, rate: Tensor) -> None:
        self.rate = rate
        self.init = v1.truncated_normal_initializer(stddev=0.02)
        width, heads = 16, 2
        with v1.variable_scope("bert"):
            with v1.variable_scope("embeddings"):
                self.table = v1.get_variable("word_embeddings", [200, width], initializer=self.init)
                types = v1.get_variable("token_type_embeddings", [2, width], initializer=self.init)
                places = v1.get_variable("position_embeddings", [64, width], initializer=self.init)
                x = tf.gather(self.table, input_ids)
                x += tf.matmul(tf.one_hot(token_type_ids, 2), tf.tile(types[None], [tf.shape(x)[0], 1, 1]))
                x = v1.nn.dropout(self.norm(x + places[: int(input_ids.shape[1])]), rate=rate)
            adder = (1.0 - tf.cast(input_mask[:, None, None, :], tf.float32)) * -10000.0
            for i in range(2):
                with v1.variable_scope(f"encoder/layer_{i}"):
                    with v1.variable_scope("attention"):
                        with v1.variable_scope("self"):
                            q, k, v = (self.dense(x, width, n) for n in ("query", "key", "value"))
                            q, k, v = (
                                tf.transpose(tf.reshape(t, [-1, 32, heads, 8]), [0, 2, 1, 3])
                                for t in (q, k, v)
                            )
                            p = tf.nn.softmax(tf.matmul(q, k, transpose_b=True) / math.sqrt(8.0) + adder)
                            p = v1.nn.dropout(p, rate=rate)
                            y = tf.reshape(tf.transpose(tf.matmul(p, v), [0, 2, 1, 3]), [-1, 32, width])
                        with v1.variable_scope("output"):
                            x = self.norm(x + v1.nn.dropout(self.dense(y, width), rate=rate))
                    with v1.variable_scope("intermediate"):
                        y = self.dense(x, 32)
                        y *= 0.5 * (1.0 + tf.tanh(math.sqrt(2 / math.pi) * (y + 0.044715 * tf.pow(y, 3))))
                    with v1.variable_scope("output"):
                        x = self.norm(x + v1.nn.dropout(self.dense(y, width), rate=rate))
            self.sequence_output = x
            with v1.variable_scope("pooler"):
                self.pooled_output = tf.tanh(self.dense(tf.squeeze(x[:, 0:1, :], axis=1), width))

    def dense(self, x: Tensor, units: int, name: str = "dense") -> Tensor:
        """Kernel and bias."""
        with v1.variable_scope(name):
            w = v1.get_variable("kernel", [int(x.shape[-1]), units], initializer=self.init)
            b = v1.get_variable("bias", [units], initializer=v1.zeros_initializer())
            return tf.nn.bias_add(tf.tensordot(x, w, [[x.shape.rank - 1], [0]]), b)

    def norm(self, x: Tensor) -> Tensor:
        """Layer normalization."""
        with v1.variable_scope("LayerNorm"):
            beta = v1.get_variable("beta", [int(x.shape[-1])], initializer=v1.zeros_initializer())
            gamma = v1.get_variable("gamma", [int(x.shape[-1])], initializer=v1.ones_initializer())
        mean, variance = tf.nn.moments(x, [-1], keepdims=True)
        return tf.nn.batch_normalization(x, mean, variance, beta, gamma, 1e-12)


@case("language")
def bert_pretraining_from_a_dataset() -> Truths:
    """Masked words and next sentence; what leaves is the encoder, or the words that fill the masks."""
    n, masked = 32, 5
    widths = {"input_ids": n, "input_mask": n, "segment_ids": n, "masked_lm_positions": masked,
              "masked_lm_ids": masked, "masked_lm_weights": masked, "next_sentence_labels": 1}  # fmt: skip
    kinds = {k: tf.float32 if k.endswith("weights") else tf.int64 for k in widths}
    spec = {k: tf.io.FixedLenFeature([w], kinds[k]) for k, w in widths.items()}
    d = tf.data.TFRecordDataset(tf.constant(["tf_examples.tfrecord"])).repeat().shuffle(buffer_size=100)
    d = d.map(lambda record: tf.io.parse_single_example(record, spec)).batch(4)
    features = v1.data.make_initializable_iterator(d).get_next()
    f = {k: t if t.dtype == tf.float32 else tf.cast(t, tf.int32) for k, t in features.items()}
    model = BertModel(f["input_ids"], f["input_mask"], f["segment_ids"], tf.constant(0.1))
    with v1.variable_scope("cls/predictions"):
        offsets = tf.reshape(tf.range(tf.shape(f["input_ids"])[0]) * n, [-1, 1])
        flat = tf.reshape(f["masked_lm_positions"] + offsets, [-1])
        x = tf.gather(tf.reshape(model.sequence_output, [-1, 16]), flat)
        with v1.variable_scope("transform"):
            x = model.norm(tf.nn.relu(model.dense(x, 16)))
        bias = v1.get_variable("output_bias", [200], initializer=v1.zeros_initializer())
        log_probs = tf.nn.log_softmax(tf.matmul(x, model.table, transpose_b=True) + bias)
        one_hot = tf.one_hot(tf.reshape(f["masked_lm_ids"], [-1]), 200)
        weights = tf.reshape(f["masked_lm_weights"], [-1])
        numerator = tf.reduce_sum(weights * -tf.reduce_sum(log_probs * one_hot, -1))
        masked_lm_loss = numerator / (tf.reduce_sum(weights) + 1e-5)
    with v1.variable_scope("cls/seq_relationship"):
        w = v1.get_variable("output_weights", [2, 16], initializer=model.init)
        b = v1.get_variable("output_bias", [2], initializer=v1.zeros_initializer())
        log_next = tf.nn.log_softmax(tf.matmul(model.pooled_output, w, transpose_b=True) + b)
        next_hot = tf.one_hot(tf.reshape(f["next_sentence_labels"], [-1]), 2)
        next_loss = tf.reduce_mean(-tf.reduce_sum(next_hot * log_next, -1))
    total = masked_lm_loss + next_loss
    step = v1.train.get_or_create_global_step()
    rate = v1.train.polynomial_decay(1e-4, step, 1000, 0.0, power=1.0)
    tvars = v1.trainable_variables()
    grads, _ = tf.clip_by_global_norm(v1.gradients(total, tvars), clip_norm=1.0)
    v1.train.AdamOptimizer(rate).apply_gradients(zip(grads, tvars, strict=True), global_step=step)
    v1.metrics.accuracy(f["masked_lm_ids"], tf.reshape(tf.argmax(log_probs, -1), [-1, masked]))
    fed = [features["input_ids"], features["input_mask"], features["segment_ids"]]
    return [
        (fed, [model.pooled_output, model.sequence_output]),
        (fed, [model.sequence_output]),
        ([*fed, features["masked_lm_positions"]], [log_probs]),
    ]


def _bert_model_fn(features: dict[str, Tensor], labels: Tensor, params: dict[str, Any]) -> dict[str, Any]:
    layers = tf.keras.layers
    width, drop = params["hidden"], params["dropout"]
    x = layers.Embedding(params["vocab"], width, name="word_embeddings")(features["input_ids"])
    x += layers.Embedding(2, width, name="type_embeddings")(features["segment_ids"])
    x += v1.get_variable("position_embeddings", [params["length"], width])
    x = layers.LayerNormalization(epsilon=1e-12, name="embedding_norm")(x)
    x = v1.nn.dropout(x, rate=drop)
    visible = tf.cast(features["input_mask"], tf.bool)[:, None, :]
    for i in range(params["layers"]):
        attention = layers.MultiHeadAttention(2, width // 2, name=f"attention_{i}")
        a = attention(x, x, attention_mask=visible)
        x = layers.LayerNormalization(epsilon=1e-12, name=f"norm_a_{i}")(x + v1.nn.dropout(a, rate=drop))
        y = layers.Dense(2 * width, activation="gelu", name=f"ffn_in_{i}")(x)
        y = layers.Dense(width, name=f"ffn_out_{i}")(y)
        x = layers.LayerNormalization(epsilon=1e-12, name=f"norm_b_{i}")(x + v1.nn.dropout(y, rate=drop))
    pooled = v1.nn.dropout(layers.Dense(width, activation="tanh", name="pooler")(x[:, 0]), rate=drop)
    with v1.variable_scope("loss"):
        w = v1.get_variable("output_weights", [params["classes"], width])
        logits = tf.nn.bias_add(
            tf.matmul(pooled, w, transpose_b=True), v1.get_variable("output_bias", [params["classes"]])
        )
        probabilities = tf.nn.softmax(logits, axis=-1)
        log_probs = tf.nn.log_softmax(logits, axis=-1)
        per_example = -tf.reduce_sum(tf.one_hot(labels, params["classes"]) * log_probs, -1)
        loss = tf.reduce_mean(per_example)
    step = v1.train.get_or_create_global_step()
    warm = tf.minimum(1.0, tf.cast(step, tf.float32) / 100.0) * 2e-5
    train_op = v1.train.AdamOptimizer(warm, epsilon=1e-6).minimize(loss, global_step=step)
    predicted = tf.argmax(logits, axis=-1, output_type=tf.int32)
    metrics = {"accuracy": v1.metrics.accuracy(labels, predicted), "loss": v1.metrics.mean(per_example)}
    return {"predictions": {"probabilities": probabilities}, "loss": loss, "op": train_op, "metrics": metrics}


@case("classifier")
def sentence_pairs_by_a_fine_tuned_transformer_model_fn() -> Truth:
    """The .meta of the training mode: ``predictions["probabilities"]`` of what the iterator gives."""
    n = 24
    names = ("input_ids", "input_mask", "segment_ids", "label_ids", "is_real_example")
    arrays = {k: tf.zeros([40, n] if k in names[:3] else [40], tf.int32) for k in names}
    dataset = tf.data.Dataset.from_tensor_slices(arrays).shuffle(40).repeat(3).batch(8, drop_remainder=True)
    features = v1.data.make_one_shot_iterator(dataset).get_next()
    params = {"vocab": 300, "hidden": 16, "layers": 2, "length": n, "dropout": 0.1, "classes": 3}
    spec = _bert_model_fn(features, features["label_ids"], params)
    return [features[k] for k in names[:3]], [spec["predictions"]["probabilities"]]


def _gpt_conv1d(x: Tensor, scope: str, nf: int, stddev: float = 0.02) -> Tensor:
    with v1.variable_scope(scope):
        *start, nx = [d if d is not None else tf.shape(x)[i] for i, d in enumerate(x.shape.as_list())]
        w = v1.get_variable("w", [1, nx, nf], initializer=v1.random_normal_initializer(stddev=stddev))
        b = v1.get_variable("b", [nf], initializer=v1.constant_initializer(0))
        return tf.reshape(tf.matmul(tf.reshape(x, [-1, nx]), tf.reshape(w, [-1, nf])) + b, [*start, nf])


def _gpt_norm(x: Tensor, scope: str) -> Tensor:
    with v1.variable_scope(scope):
        g = v1.get_variable("g", [int(x.shape[-1])], initializer=v1.constant_initializer(1))
        b = v1.get_variable("b", [int(x.shape[-1])], initializer=v1.constant_initializer(0))
        u = tf.reduce_mean(x, axis=-1, keepdims=True)
        s = tf.reduce_mean(tf.square(x - u), axis=-1, keepdims=True)
        return (x - u) * tf.math.rsqrt(s + 1e-5) * g + b


def _gpt(tokens: Tensor, past: Tensor | None, layers: int = 2, heads: int = 2, embd: int = 16) -> Any:
    with v1.variable_scope("model", reuse=v1.AUTO_REUSE):
        wpe = v1.get_variable("wpe", [64, embd], initializer=v1.random_normal_initializer(stddev=0.01))
        wte = v1.get_variable("wte", [257, embd], initializer=v1.random_normal_initializer(stddev=0.02))
        past_length = 0 if past is None else tf.shape(past)[-2]
        h = tf.gather(wte, tokens) + tf.gather(wpe, past_length + tf.range(tf.shape(tokens)[1]))[None]
        presents = []
        for i in range(layers):
            with v1.variable_scope(f"h{i}"):
                qkv = tf.split(_gpt_conv1d(_gpt_norm(h, "ln_1"), "attn/c_attn", embd * 3), 3, axis=2)
                cut = [tf.shape(h)[0], tf.shape(h)[1], heads, embd // heads]
                q, k, v = (tf.transpose(tf.reshape(t, cut), [0, 2, 1, 3]) for t in qkv)
                presents.append(tf.stack([k, v], axis=1))
                if past is not None:
                    pk, pv = tf.unstack(past[:, i], axis=1)
                    k, v = tf.concat([pk, k], axis=-2), tf.concat([pv, v], axis=-2)
                w = tf.matmul(q, k, transpose_b=True) * (1.0 / math.sqrt(embd // heads))
                nd, ns = tf.shape(w)[2], tf.shape(w)[3]
                b = tf.cast(tf.range(nd)[:, None] >= tf.range(ns) - ns + nd, w.dtype)
                a = tf.matmul(tf.nn.softmax(w * b - 1e10 * (1 - b)), v)
                a = tf.reshape(tf.transpose(a, [0, 2, 1, 3]), tf.shape(h))
                h += _gpt_conv1d(tf.ensure_shape(a, [None, None, embd]), "attn/c_proj", embd)
                m = tf.nn.gelu(_gpt_conv1d(_gpt_norm(h, "ln_2"), "mlp/c_fc", embd * 2), approximate=True)
                h += _gpt_conv1d(m, "mlp/c_proj", embd)
        h = _gpt_norm(h, "ln_f")
        logits = tf.matmul(tf.reshape(h, [-1, embd]), wte, transpose_b=True)
        return tf.reshape(logits, [tf.shape(h)[0], tf.shape(h)[1], 257]), tf.stack(presents, axis=1)


@case("language")
def gpt_that_samples_while_it_is_fine_tuned() -> Truth:
    """One placeholder is both what the loss is of and what a sample continues; users want the sample."""
    context = v1.placeholder(tf.int32, [1, None])
    logits, _ = _gpt(context, None)
    loss = tf.reduce_mean(
        v1.nn.sparse_softmax_cross_entropy_with_logits(labels=context[:, 1:], logits=logits[:, :-1])
    )
    with tf.name_scope("sample_sequence"):
        _, past0 = _gpt(context[:, :-1], None)

        def body(past: Tensor, prev: Tensor, output: Tensor) -> Any:
            scores, presents = _gpt(prev[:, None], past)
            last = scores[:, -1, :] / 0.9
            values, _ = tf.nn.top_k(last, k=40)
            last = tf.where(last < values[:, -1:], tf.ones_like(last) * -1e10, last)
            samples = v1.multinomial(last, num_samples=1, output_dtype=tf.int32)
            return [tf.concat([past, presents], -2), samples[:, 0], tf.concat([output, samples], 1)]

        some = [tf.TensorShape([1, 2, 2, 2, None, 8]), tf.TensorShape([1]), tf.TensorShape([1, None])]
        start = [tf.ensure_shape(past0, some[0]), context[:, -1], context]
        _, _, tokens = v1.while_loop(
            lambda *_: True, body, start, some, maximum_iterations=30, back_prop=False)  # fmt: skip
    train_vars = [v for v in v1.trainable_variables() if "model" in v.name]
    opt = v1.train.AdamOptimizer(learning_rate=2e-5)
    opt.apply_gradients(zip(v1.gradients(loss, train_vars), train_vars, strict=True))
    v1.summary.merge([v1.summary.scalar("loss", loss)])
    return [context], [tokens]


def _bi_gru(x: Tensor, length: Tensor, units: int, scope: str) -> Tensor:
    """Both directions over the batch-major ``x`` by two scans."""
    with v1.variable_scope(scope, reuse=v1.AUTO_REUSE):
        outs = []
        for way in ("fw", "bw"):
            w = v1.get_variable(f"{way}/gates", [int(x.shape[-1]) + units, 2 * units])
            u = v1.get_variable(f"{way}/candidate", [int(x.shape[-1]) + units, units])
            seq = tf.reverse_sequence(x, length, seq_axis=1) if way == "bw" else x

            def step(h: Tensor, t: Tensor, w: Tensor = w, u: Tensor = u) -> Tensor:
                r, z = tf.split(tf.sigmoid(tf.matmul(tf.concat([t, h], 1), w)), 2, 1)
                return z * h + (1 - z) * tf.tanh(tf.matmul(tf.concat([t, r * h], 1), u))

            hs = tf.scan(step, tf.transpose(seq, [1, 0, 2]), tf.zeros([tf.shape(x)[0], units]))
            hs = tf.transpose(hs, [1, 0, 2])
            outs.append(tf.reverse_sequence(hs, length, seq_axis=1) if way == "bw" else hs)
        return tf.concat(outs, 2)


@case("language", frozen=True)
def bidirectional_attention_flow_frozen() -> Truth:
    """Passage and question with masks, words, characters; frozen at the two distributions."""
    x = v1.placeholder("int32", [None, None], name="x")
    cx = v1.placeholder("int32", [None, None, 8], name="cx")
    x_mask = v1.placeholder("bool", [None, None], name="x_mask")
    q = v1.placeholder("int32", [None, None], name="q")
    cq = v1.placeholder("int32", [None, None, 8], name="cq")
    q_mask = v1.placeholder("bool", [None, None], name="q_mask")
    y = v1.placeholder("int32", [None], name="y")
    y2 = v1.placeholder("int32", [None], name="y2")
    word_emb = v1.get_variable("word_emb_mat", [150, 10])
    char_emb = v1.get_variable("char_emb_mat", [40, 4])
    filters = v1.get_variable("char_filter", [1, 3, 4, 6])

    def embed(words: Tensor, chars: Tensor) -> Tensor:
        conv = v1.nn.conv2d(tf.nn.embedding_lookup(char_emb, chars), filters, [1, 1, 1, 1], "VALID")
        out = tf.concat([tf.reduce_max(tf.nn.relu(conv), 2), tf.nn.embedding_lookup(word_emb, words)], 2)
        with v1.variable_scope("highway", reuse=v1.AUTO_REUSE):
            trans = tf.nn.relu(tf.tensordot(out, v1.get_variable("trans", [16, 16]), 1))
            gate = tf.sigmoid(tf.tensordot(out, v1.get_variable("gate", [16, 16]), 1) - 1.0)
        return gate * trans + (1 - gate) * out

    x_len, q_len = (tf.reduce_sum(tf.cast(m, "int32"), 1) for m in (x_mask, q_mask))
    h = _bi_gru(embed(x, cx), x_len, 8, "prepro")
    u = _bi_gru(embed(q, cq), q_len, 8, "prepro")
    w_h, w_u, w_hu = (v1.get_variable(n, [16]) for n in ("w_h", "w_u", "w_hu"))
    sim = tf.matmul(h * w_hu, u, transpose_b=True)
    sim += tf.reduce_sum(h * w_h, 2, keepdims=True) + tf.reduce_sum(u * w_u, 2)[:, None, :]
    sim += -1e30 * (1.0 - tf.cast(tf.logical_and(x_mask[:, :, None], q_mask[:, None, :]), "float"))
    u_a = tf.matmul(tf.nn.softmax(sim), u)
    h_a = tf.matmul(tf.nn.softmax(tf.reduce_max(sim, 2))[:, None, :], h)
    g = tf.concat([h, u_a, h * u_a, h * h_a], 2)
    m1 = _bi_gru(g, x_len, 8, "main_m")
    m2 = _bi_gru(m1, x_len, 8, "main_e")
    far = -1e30 * (1.0 - tf.cast(x_mask, "float"))
    logits = tf.reduce_sum(tf.concat([g, m1], 2) * v1.get_variable("w_start", [80]), 2) + far
    logits2 = tf.reduce_sum(tf.concat([g, m2], 2) * v1.get_variable("w_end", [80]), 2) + far
    yp, yp2 = tf.nn.softmax(logits, name="yp"), tf.nn.softmax(logits2, name="yp2")
    ce = v1.nn.sparse_softmax_cross_entropy_with_logits
    loss = tf.reduce_mean(ce(logits=logits, labels=y)) + tf.reduce_mean(ce(logits=logits2, labels=y2))
    v1.train.AdadeltaOptimizer(0.5).minimize(loss)
    return [x, cx, x_mask, q, cq, q_mask], [yp, yp2]


class QANet:
    """Convolutions and self attention, batches from an iterator, masks from the words themselves."""

    def __init__(self, batch: Any) -> None:
        self.c, self.q, self.ch, self.qh, self.y1, self.y2, self.qa_id = batch
        self.dropout = v1.placeholder_with_default(0.0, (), name="dropout")
        self.global_step = v1.train.get_or_create_global_step()
        self.c_mask, self.q_mask = (tf.cast(t, tf.bool) for t in (self.c, self.q))
        self.d = 16
        self.forward()
        tvars = v1.trainable_variables()
        warm = tf.math.log(tf.cast(self.global_step, tf.float32) + 1)
        lr = tf.minimum(0.001, 0.001 / math.log(999.0) * warm)
        self.opt = v1.train.AdamOptimizer(learning_rate=lr, beta1=0.8, beta2=0.999, epsilon=1e-7)
        clipped, _ = tf.clip_by_global_norm(tf.gradients(self.loss, tvars), 5.0)
        train = self.opt.apply_gradients(zip(clipped, tvars, strict=True), global_step=self.global_step)
        self.var_ema = v1.train.ExponentialMovingAverage(0.9999)
        with tf.control_dependencies([train]):
            self.train_op = self.var_ema.apply(tvars)

    def project(self, x: Tensor, size: int, name: str) -> Tensor:
        """A convolution of width one."""
        return v1.nn.conv1d(x, v1.get_variable(name, [1, int(x.shape[-1]), size]), 1, "VALID")

    def block(self, x: Tensor, mask: Tensor, convs: int) -> Tensor:
        """Depthwise separable convolutions, attention, feed forward."""
        places = tf.cast(tf.range(tf.shape(x)[1]), tf.float32)[:, None] * tf.exp(-tf.range(8.0))[None]
        x += tf.concat([tf.sin(places), tf.cos(places)], 1)
        for i in range(convs):
            depth, point = v1.get_variable(f"dw{i}", [5, 1, 16, 1]), v1.get_variable(f"pw{i}", [1, 1, 16, 16])
            y = v1.nn.separable_conv2d(self.norm(x, f"ln{i}")[:, :, None], depth, point, [1] * 4, "SAME")
            x += v1.nn.dropout(tf.nn.relu(y[:, :, 0]), rate=self.dropout)
        y = self.norm(x, "ln_att")
        q, k, v = (self.project(y, 16, n) for n in ("q", "k", "v"))
        away = (1.0 - tf.cast(mask, tf.float32))[:, None] * -1e30
        x += tf.matmul(tf.nn.softmax(tf.matmul(q, k, transpose_b=True) * 0.25 + away), v)
        return x + self.project(tf.nn.relu(self.project(self.norm(x, "ln_ffn"), 16, "f1")), 16, "f2")

    def norm(self, x: Tensor, name: str) -> Tensor:
        """Layer normalization."""
        mean, var = tf.nn.moments(x, [-1], keepdims=True)
        return (x - mean) * tf.math.rsqrt(var + 1e-6) * v1.get_variable(name, [16])

    def forward(self) -> None:
        """Everything up to the loss."""
        word_mat = v1.get_variable("word_mat", [200, 12], trainable=False)
        char_mat = v1.get_variable("char_mat", [50, 6])
        sides = []
        for words, chars, mask, reuse in (
            (self.c, self.ch, self.c_mask, None), (self.q, self.qh, self.q_mask, True)):  # fmt: skip
            with v1.variable_scope("Embedding_Encoder", reuse=reuse):
                letters = tf.reduce_max(tf.nn.embedding_lookup(char_mat, chars), 2)
                x = tf.concat([tf.nn.embedding_lookup(word_mat, words), letters], 2)
                sides.append(self.block(self.project(x, 16, "input_projection"), mask, 1))
        c, q = sides
        with v1.variable_scope("Context_to_Query_Attention_Layer"):
            s = tf.matmul(c * v1.get_variable("w4mlu", [16]), q, transpose_b=True)
            s1 = tf.nn.softmax(s + (1.0 - tf.cast(self.q_mask, tf.float32))[:, None] * -1e30)
            s2 = tf.nn.softmax(s + (1.0 - tf.cast(self.c_mask, tf.float32))[:, :, None] * -1e30, axis=1)
            c2q = tf.matmul(s1, q)
            q2c = tf.matmul(tf.matmul(s1, s2, transpose_b=True), c)
        enc = [tf.concat([c, c2q, c * c2q, c * q2c], -1)]
        with v1.variable_scope("Model_Encoder"):
            enc[0] = self.project(enc[0], 16, "input_projection")
        for i in range(3):
            with v1.variable_scope("Model_Encoder", reuse=True if i else v1.AUTO_REUSE):
                enc.append(self.block(enc[i], self.c_mask, 1))
        with v1.variable_scope("Output_Layer"):
            far = (1.0 - tf.cast(self.c_mask, tf.float32)) * -1e30
            l1 = tf.squeeze(self.project(tf.concat([enc[1], enc[2]], -1), 1, "start"), -1) + far
            l2 = tf.squeeze(self.project(tf.concat([enc[1], enc[3]], -1), 1, "end"), -1) + far
            outer = tf.matmul(tf.nn.softmax(l1)[:, :, None], tf.nn.softmax(l2)[:, None, :])
            outer = tf.linalg.band_part(outer, 0, 10)
            self.yp1 = tf.argmax(tf.reduce_max(outer, axis=2), axis=1)
            self.yp2 = tf.argmax(tf.reduce_max(outer, axis=1), axis=1)
        ce = v1.nn.softmax_cross_entropy_with_logits_v2
        self.loss = tf.reduce_mean(ce(logits=l1, labels=self.y1) + ce(logits=l2, labels=self.y2))
        decay = [tf.nn.l2_loss(v) for v in v1.trainable_variables()]
        self.loss += 3e-7 * tf.add_n(decay)


@case("language")
def convolutional_reader_with_iterator_by_handle() -> Truth:
    """Words and characters of both sides come by get_next; the demo fetches the two ends of the span."""
    ids = v1.placeholder(tf.string, shape=[], name="handle")
    kinds = (tf.int32, tf.int32, tf.int32, tf.int32, tf.float32, tf.float32, tf.int64)
    shapes = tuple(tf.TensorShape([None, *s]) for s in ([40], [10], [40, 8], [10, 8], [40], [40], []))
    iterator = v1.data.Iterator.from_string_handle(ids, kinds, shapes)
    model = QANet(iterator.get_next())
    return [model.c, model.q, model.ch, model.qh], [model.yp1, model.yp2]


@case("embedding", plain=True)
def manhattan_siamese_of_question_pairs() -> Truth:
    """Flat script with raw variables, both sides unrolled by the same weights; exp(-L1) is the similarity."""
    n, d, h = 10, 8, 10
    a = v1.placeholder(tf.int32, [None, n], name="question1")
    b = v1.placeholder(tf.int32, [None, n], name="question2")
    y = v1.placeholder(tf.float32, [None], name="is_duplicate")
    emb = tf.Variable(tf.random.normal([300, d]), trainable=False, name="glove")
    glove_ph = v1.placeholder(tf.float32, [300, d], name="glove_init")
    v1.assign(emb, glove_ph, name="load_glove")
    wx = tf.Variable(tf.random.normal([d, 4 * h], stddev=0.1))
    wh = tf.Variable(tf.random.normal([h, 4 * h], stddev=0.1))
    bias = tf.Variable(tf.zeros([4 * h]))
    ends = []
    for side in (a, b):
        x = tf.unstack(tf.nn.embedding_lookup(emb, side), axis=1)
        c = hs = tf.zeros_like(x[0])[:, :1] * tf.zeros([1, h])
        for xt in x:
            i, f, o, g = tf.split(tf.matmul(xt, wx) + tf.matmul(hs, wh) + bias, 4, 1)
            c = tf.sigmoid(f) * c + tf.sigmoid(i) * tf.tanh(g)
            hs = tf.sigmoid(o) * tf.tanh(c)
        ends.append(hs)
    sim = tf.exp(-tf.reduce_sum(tf.abs(ends[0] - ends[1]), 1), name="similarity")
    mse = tf.reduce_mean(tf.square(sim - y))
    right = tf.reduce_mean(tf.cast(tf.equal(tf.round(sim), y), tf.float32), name="acc")
    v1.summary.scalar("acc", right)
    v1.train.AdadeltaOptimizer(1.0).minimize(mse)
    return [a, b], [sim]


@case("classifier")
def inference_of_sentences_by_local_alignment() -> Truths:
    """An ESIM of Keras parts in a v1 session; premises and hypotheses with their lengths."""
    layers = tf.keras.layers
    premise = v1.placeholder(tf.int32, [None, 18], "premise")
    hypothesis = v1.placeholder(tf.int32, [None, 18], "hypothesis")
    p_len = v1.placeholder(tf.int32, [None], "premise_length")
    h_len = v1.placeholder(tf.int32, [None], "hypothesis_length")
    gold = v1.placeholder(tf.int32, [None], "gold_label")
    drop = v1.placeholder_with_default(0.0, [], "drop_rate")
    embedding = layers.Embedding(250, 12, name="emb")
    encode = layers.Conv1D(12, 3, padding="same", activation="tanh", name="encode")
    pm, hm = (tf.sequence_mask(t, 18, tf.float32) for t in (p_len, h_len))
    p = encode(v1.nn.dropout(embedding(premise), rate=drop))
    h = encode(v1.nn.dropout(embedding(hypothesis), rate=drop))
    e = tf.matmul(p, h, transpose_b=True)
    p_hat = tf.matmul(tf.nn.softmax(e - 1e9 * (1 - hm)[:, None, :]), h)
    h_hat = tf.matmul(tf.nn.softmax(tf.transpose(e, [0, 2, 1]) - 1e9 * (1 - pm)[:, None, :]), p)
    compose = layers.GRU(8, return_sequences=True, name="compose")
    pooled = []
    for own, other, mask in ((p, p_hat, pm), (h, h_hat, hm)):
        m = compose(tf.concat([own, other, own - other, own * other], -1))
        pooled.append(tf.reduce_sum(m * mask[..., None], 1) / (tf.reduce_sum(mask, 1, keepdims=True) + 1e-6))
        pooled.append(tf.reduce_max(m - 1e9 * (1 - mask)[..., None], 1))
    v = layers.Dense(16, activation="tanh", name="hidden")(tf.concat(pooled, 1))
    logits = layers.Dense(3, name="logits")(v1.nn.dropout(v, rate=drop))
    probs = tf.nn.softmax(logits, name="probs")
    pred = tf.argmax(logits, 1, name="pred", output_type=tf.int32)
    loss = tf.reduce_mean(v1.nn.sparse_softmax_cross_entropy_with_logits(labels=gold, logits=logits))
    acc = tf.reduce_mean(tf.cast(tf.equal(pred, gold), tf.float32))
    v1.summary.scalar("nli_loss", loss)
    v1.summary.scalar("nli_accuracy", acc)
    v1.train.AdamOptimizer(4e-4).minimize(loss)
    fed = [premise, hypothesis, p_len, h_len]
    return [(fed, [probs]), (fed, [pred])]


@case("embedding")
def letter_trigrams_of_queries_and_documents() -> Truths:
    """A DSSM: sparse placeholders, rotated negatives; the cosine of the pair ranks, or both vectors."""
    trigrams, bs, neg = 500, 16, 4
    with tf.name_scope("input"):
        query = v1.sparse_placeholder(tf.float32, shape=[None, trigrams], name="QueryBatch")
        doc = v1.sparse_placeholder(tf.float32, shape=[None, trigrams], name="DocBatch")
    q, d = query, doc
    for i, (fan_in, fan_out) in enumerate([(trigrams, 24), (24, 16)], start=1):
        with tf.name_scope(f"L{i}"):
            par = math.sqrt(6.0 / (fan_in + fan_out))
            w = tf.Variable(tf.random.uniform([fan_in, fan_out], -par, par))
            b = tf.Variable(tf.random.uniform([fan_out], -par, par))
            multiply = tf.sparse.sparse_dense_matmul if i == 1 else tf.matmul
            q, d = tf.nn.relu(multiply(q, w) + b), tf.nn.relu(multiply(d, w) + b)
    with tf.name_scope("Cosine_Similarity"):
        q_norm = tf.sqrt(tf.reduce_sum(tf.square(q), 1))
        d_norm = tf.sqrt(tf.reduce_sum(tf.square(d), 1))
        cos = tf.reduce_sum(q * d, 1) / (q_norm * d_norm + 1e-8)
    with tf.name_scope("FD_rotate"):
        columns = [cos]
        for i in range(neg):
            r = (i * 7) % (bs - 1) + 1
            turned, its = tf.roll(d, r, 0), tf.roll(d_norm, r, 0)
            columns.append(tf.reduce_sum(q * turned, 1) / (q_norm * its + 1e-8))
    with tf.name_scope("Loss"):
        prob = tf.nn.softmax(tf.stack(columns, 1) * 20.0)
        loss = -tf.reduce_sum(tf.math.log(tf.slice(prob, [0, 0], [-1, 1]))) / bs
        v1.summary.scalar("loss", loss)
    with tf.name_scope("Training"):
        v1.train.GradientDescentOptimizer(0.1).minimize(loss)
    with tf.name_scope("Accuracy"):
        right = tf.equal(tf.argmax(prob, 1), 0)
        v1.summary.scalar("accuracy", tf.reduce_mean(tf.cast(right, tf.float32)))
    with tf.name_scope("Train"):
        average = v1.placeholder(tf.float32, name="train_loss_of_epoch")
        v1.summary.scalar("loss_average", average)
    fed = [query.indices, query.values, query.dense_shape, doc.indices, doc.values, doc.dense_shape]
    return [(fed, [cos]), (fed, [q, d])]


@case("embedding")
def triplets_on_two_towers_and_a_query_encoder() -> Truth:
    """Anchors, positives, negatives from tf.data on two devices; retrieval feeds a query placeholder."""
    arrays = {k: tf.zeros([64, 14], tf.int32) for k in ("anchor", "neg", "pos")}
    data = tf.data.Dataset.from_tensor_slices(arrays).shuffle(64).repeat().batch(16, drop_remainder=True)
    batch = v1.data.make_one_shot_iterator(data).get_next()

    def encode(ids: Tensor) -> Tensor:
        with v1.variable_scope("sentence_encoder", reuse=v1.AUTO_REUSE):
            e = tf.nn.embedding_lookup(v1.get_variable("embeddings", [400, 12]), ids)
            score = tf.tensordot(tf.tanh(e), v1.get_variable("attention", [12, 1]), 1)
            score += tf.cast(tf.equal(ids, 0), tf.float32)[:, :, None] * -1e4
            v = tf.reduce_sum(tf.nn.softmax(score, axis=1) * e, 1)
            v = tf.matmul(v, v1.get_variable("projection", [12, 8]))
            return tf.nn.l2_normalize(v, 1)

    opt = v1.train.AdamOptimizer(1e-3)
    parts = {k: tf.split(v, 2) for k, v in batch.items()}
    tower_grads, losses = [], []
    for gpu in range(2):
        with tf.device(f"/gpu:{gpu}"), tf.name_scope(f"tower_{gpu}"):
            a, p, n = (encode(parts[k][gpu]) for k in ("anchor", "pos", "neg"))
            far = tf.reduce_sum(tf.square(a - n), 1)
            near = tf.reduce_sum(tf.square(a - p), 1)
            losses.append(tf.reduce_mean(tf.nn.relu(0.3 + near - far), name="triplet_loss"))
            tower_grads.append(opt.compute_gradients(losses[-1]))
    averaged = []
    for pairs in zip(*tower_grads, strict=True):
        dense = [tf.convert_to_tensor(g) for g, _ in pairs]
        averaged.append((tf.reduce_mean(tf.stack(dense), 0), pairs[0][1]))
    opt.apply_gradients(averaged, global_step=v1.train.get_or_create_global_step())
    v1.summary.scalar("loss", tf.add_n(losses) / 2.0)
    query = v1.placeholder(tf.int32, [None, 14], name="query")
    vector = tf.identity(encode(query), name="query_vector")
    return [query], [vector]


@case("embedding", plain=True)
def skip_grams_with_sampled_noise_and_nearest_words() -> Truth:
    """After training one asks for the neighbours of words: ids in, similarities and ids out."""
    vocabulary, size, k = 1000, 16, 32
    examples = v1.placeholder(tf.int32, [64])
    labels = v1.placeholder(tf.int32, [64])
    emb = tf.Variable(tf.random.uniform([vocabulary, size], -0.5 / size, 0.5 / size), name="emb")
    sm_w_t = tf.Variable(tf.zeros([vocabulary, size]), name="sm_w_t")
    sm_b = tf.Variable(tf.zeros([vocabulary]), name="sm_b")
    matrix = tf.reshape(tf.cast(labels, tf.int64), [-1, 1])
    sampled, _, _ = v1.nn.fixed_unigram_candidate_sampler(
        true_classes=matrix, num_true=1, num_sampled=k, unique=True, range_max=vocabulary,
        distortion=0.75, unigrams=[1 + 9999 // (r + 1) for r in range(vocabulary)])  # fmt: skip
    example_emb = tf.nn.embedding_lookup(emb, examples)
    true_w, true_b = tf.nn.embedding_lookup(sm_w_t, labels), tf.nn.embedding_lookup(sm_b, labels)
    sampled_w, sampled_b = tf.nn.embedding_lookup(sm_w_t, sampled), tf.nn.embedding_lookup(sm_b, sampled)
    true_logits = tf.reduce_sum(example_emb * true_w, 1) + true_b
    sampled_logits = tf.matmul(example_emb, sampled_w, transpose_b=True) + sampled_b
    bce = v1.nn.sigmoid_cross_entropy_with_logits
    loss = tf.reduce_sum(bce(labels=tf.ones_like(true_logits), logits=true_logits))
    loss += tf.reduce_sum(bce(labels=tf.zeros_like(sampled_logits), logits=sampled_logits))
    loss /= 64.0
    v1.summary.scalar("NCE loss", loss)
    words = tf.Variable(0, trainable=False, dtype=tf.int32)
    words_to_train = float(50000)
    lr = 0.2 * tf.maximum(0.0001, 1.0 - tf.cast(words, tf.float32) / words_to_train)
    v1.train.GradientDescentOptimizer(lr).minimize(loss, global_step=words, gate_gradients=0)
    nemb = tf.nn.l2_normalize(emb, 1)
    nearby_word = v1.placeholder(dtype=tf.int32)
    nearby_emb = tf.gather(nemb, nearby_word)
    nearby_dist = tf.matmul(nearby_emb, nemb, transpose_b=True)
    nearby_val, nearby_idx = tf.nn.top_k(nearby_dist, min(1000, vocabulary))
    return [nearby_word], [nearby_val, nearby_idx]


class SlotGated:
    """Slots and the intent of an utterance in one network, names of the labels in the graph."""

    def __init__(self, slots: list[str], intents: list[str]) -> None:
        self.input_data = v1.placeholder(tf.int32, [None, None], name="inputs")
        self.sequence_length = v1.placeholder(tf.int32, [None], name="sequence_length")
        self.slots = v1.placeholder(tf.int32, [None, None], name="slots")
        self.slot_weights = v1.placeholder(tf.float32, [None, None], name="slot_weights")
        self.intent = v1.placeholder(tf.int32, [None], name="intent")
        self.global_step = tf.Variable(0, trainable=False, name="global_step")
        with v1.variable_scope("model"):
            emb = v1.get_variable("embedding", [200, 12])
            states = _bi_gru(tf.nn.embedding_lookup(emb, self.input_data), self.sequence_length, 8, "encoder")
        with v1.variable_scope("slot_attn"):
            k = tf.tensordot(states, v1.get_variable("AttnW", [16, 16]), 1)
            y = tf.tensordot(states, v1.get_variable("AttnQ", [16, 16]), 1)
            a = tf.nn.softmax(tf.matmul(y, k, transpose_b=True))
            slot_context = tf.matmul(a, states)
        with v1.variable_scope("intent_attn"):
            last = self.sequence_length - 1
            rows = tf.range(tf.shape(last)[0])
            final = tf.gather_nd(states, tf.stack([rows, last], 1))
            s = tf.nn.softmax(tf.einsum("btd,bd->bt", states, final))
            intent_context = tf.einsum("bt,btd->bd", s, states)
        with v1.variable_scope("slot_gated"):
            gate_w = v1.get_variable("gateW", [16, 16])
            gate = tf.tanh(slot_context + tf.matmul(intent_context, gate_w)[:, None, :])
            gate = tf.reduce_sum(v1.get_variable("gateV", [16]) * gate, 2, keepdims=True)
            mixed = tf.concat([slot_context * gate, states], 2)
        with v1.variable_scope("intent_proj"):
            self.intent_logits = tf.matmul(
                tf.concat([intent_context, final], 1), v1.get_variable("W", [32, len(intents)]))  # fmt: skip
        with v1.variable_scope("slot_proj"):
            self.slot_logits = tf.tensordot(mixed, v1.get_variable("W", [32, len(slots)]), 1)
        self.intent_name = tf.gather(tf.constant(intents), tf.argmax(self.intent_logits, 1))
        self.slot_names = tf.gather(tf.constant(slots), tf.argmax(self.slot_logits, 2))


@case("multi task")
def flight_requests_to_intent_and_slots() -> Truth:
    """Both answers as readable names; the losses are fed to two gradient steps."""
    m = SlotGated(["O", "B-from", "B-to", "I-to", "B-date"], ["flight", "fare", "airline"])
    ce = v1.nn.sparse_softmax_cross_entropy_with_logits
    slot_loss = tf.reduce_sum(ce(labels=m.slots, logits=m.slot_logits) * m.slot_weights, 1)
    slot_loss = tf.reduce_mean(slot_loss / tf.reduce_sum(m.slot_weights, 1))
    intent_loss = tf.reduce_mean(ce(labels=m.intent, logits=m.intent_logits))
    opt = v1.train.AdamOptimizer()
    params = v1.trainable_variables()
    for loss, keep, step in ((slot_loss, "intent_proj", m.global_step), (intent_loss, "slot", None)):
        own = [p for p in params if not p.name.startswith(keep)]
        clipped, norm = tf.clip_by_global_norm(tf.gradients(loss, own), 5.0)
        opt.apply_gradients(zip(clipped, own, strict=True), global_step=step)
        v1.summary.scalar(f"norm_{keep}", norm)
    return [m.input_data, m.sequence_length], [m.intent_name, m.slot_names]


@case("autoencoder", modern=True)
def topics_of_a_variational_product_of_experts() -> Truth:
    """Word counts to the mixture of topics: ``topic_prop`` of such code fetches theta for counts x."""
    vocab, topics = 300, 10
    x = v1.placeholder(tf.float32, [None, vocab], name="input")
    keep_prob = v1.placeholder(tf.float32, name="keep_prob")
    prior_mean = tf.constant(0.0, shape=[1, topics])
    prior_var = tf.constant(0.9, shape=[1, topics])

    def layer(t: Tensor, size: int, name: str) -> Tensor:
        w = v1.get_variable(f"{name}_w", [int(t.shape[1]), size])
        b = v1.get_variable(f"{name}_b", [size], initializer=v1.zeros_initializer())
        return tf.add(tf.matmul(t, w), b)

    with v1.variable_scope("recognition_network"):
        h = tf.nn.softplus(layer(x, 20, "h1"))
        h = v1.nn.dropout(tf.nn.softplus(layer(h, 20, "h2")), keep_prob)
        z_mean = layer(h, topics, "out_mean")
        z_log_sigma_sq = layer(h, topics, "out_log_sigma")
    eps = tf.random.normal(tf.shape(z_mean), 0.0, 1.0)
    z = z_mean + tf.sqrt(tf.exp(z_log_sigma_sq)) * eps
    theta = tf.nn.softmax(z, name="theta")
    with v1.variable_scope("generator_network"):
        beta = v1.get_variable("beta", [topics, vocab], initializer=v1.glorot_uniform_initializer())
        mean, var = tf.nn.moments(tf.matmul(v1.nn.dropout(theta, keep_prob), beta), [0])
        scores = tf.matmul(theta, beta)
        x_reconstr_mean = tf.nn.softmax(tf.nn.batch_normalization(scores, mean, var, None, None, 1e-3))
    reconstr_loss = -tf.reduce_sum(x * tf.math.log(x_reconstr_mean + 1e-10), 1)
    sigma = tf.exp(z_log_sigma_sq)
    latent = 0.5 * tf.reduce_sum(
        sigma / prior_var + tf.square(prior_mean - z_mean) / prior_var - 1
        + tf.math.log(prior_var) - z_log_sigma_sq, 1)  # fmt: skip
    cost = tf.reduce_mean(reconstr_loss + latent)
    v1.train.AdamOptimizer(learning_rate=0.002, beta1=0.99).minimize(cost)
    words = tf.nn.top_k(beta, 10).indices
    v1.summary.text("top_words", tf.as_string(words))
    return [x], [theta]


@case("translation")
def transformer_that_is_fed_its_own_words() -> Truth:
    """Evaluation feeds x and what was predicted so far as y, fetches preds, appends, and does so again."""
    x = v1.placeholder(tf.int32, shape=(None, 12))
    y = v1.placeholder(tf.int32, shape=(None, 12))
    is_training = v1.placeholder(tf.bool, shape=())
    rate = tf.where(is_training, 0.1, 0.0)
    decoder_inputs = tf.concat((tf.ones_like(y[:, :1]) * 2, y[:, :-1]), -1)

    def embedding(inputs: Tensor, vocab: int, scope: str) -> Tensor:
        with v1.variable_scope(scope):
            table = v1.get_variable("lookup_table", [vocab, 16])
            table = tf.concat((tf.zeros([1, 16]), table[1:]), 0)
            where = v1.get_variable("positions", [12, 16])
            return v1.nn.dropout(tf.nn.embedding_lookup(table, inputs) * 4.0 + where, rate=rate)

    def normalize(t: Tensor) -> Tensor:
        mean, variance = tf.nn.moments(t, [-1], keepdims=True)
        with v1.variable_scope("ln"):
            gamma = v1.get_variable("gamma", [16], initializer=v1.ones_initializer())
            return gamma * (t - mean) / ((variance + 1e-8) ** 0.5) + v1.get_variable("beta", [16])

    def multihead(queries: Tensor, keys: Tensor, key_ids: Tensor, causal: bool, scope: str) -> Tensor:
        with v1.variable_scope(scope):
            w = [v1.get_variable(n, [16, 16]) for n in ("Q", "K", "V")]
            q, k, v = (tf.einsum("nti,io->nto", t, m) for t, m in zip((queries, keys, keys), w, strict=True))
            q_, k_, v_ = (tf.concat(tf.split(t, 4, axis=2), axis=0) for t in (q, k, v))
            out = tf.matmul(q_, k_, transpose_b=True) / 2.0
            pad = tf.tile(tf.equal(key_ids, 0)[:, None, :], [4, 12, 1])
            out = tf.where(pad, tf.ones_like(out) * (-(2.0**32) + 1), out)
            if causal:
                tril = tf.linalg.band_part(tf.ones([12, 12]), -1, 0)
                out = tf.where(tf.equal(tril, 0) & tf.ones_like(pad), tf.ones_like(out) * -4e9, out)
            out = tf.matmul(v1.nn.dropout(tf.nn.softmax(out), rate=rate), v_)
            return normalize(tf.concat(tf.split(out, 4, axis=0), axis=2) + queries)

    def feedforward(t: Tensor) -> Tensor:
        with v1.variable_scope("positionwise"):
            inner = tf.nn.relu(tf.einsum("nti,io->nto", t, v1.get_variable("w1", [16, 32])))
            return normalize(tf.einsum("nti,io->nto", inner, v1.get_variable("w2", [32, 16])) + t)

    enc = embedding(x, 90, "enc_embed")
    dec = embedding(decoder_inputs, 95, "dec_embed")
    for i in range(1):
        with v1.variable_scope(f"encoder/num_blocks_{i}"):
            enc = feedforward(multihead(enc, enc, x, False, "self"))
    for i in range(2):
        with v1.variable_scope(f"decoder/num_blocks_{i}"):
            dec = multihead(dec, dec, decoder_inputs, True, "self")
            dec = feedforward(multihead(dec, enc, x, False, "vanilla"))
    logits = tf.einsum("nti,io->nto", dec, v1.get_variable("logits/kernel", [16, 95]))
    preds = tf.cast(tf.argmax(logits, axis=-1), tf.int32)
    istarget = tf.cast(tf.not_equal(y, 0), tf.float32)
    acc = tf.reduce_sum(tf.cast(tf.equal(preds, y), tf.float32) * istarget) / tf.reduce_sum(istarget)
    y_smoothed = 0.9 * tf.one_hot(y, depth=95) + 0.1 / 95
    loss = v1.nn.softmax_cross_entropy_with_logits_v2(logits=logits, labels=y_smoothed)
    mean_loss = tf.reduce_sum(loss * istarget) / tf.reduce_sum(istarget)
    global_step = tf.Variable(0, name="global_step", trainable=False)
    v1.train.AdamOptimizer(1e-4, beta1=0.9, beta2=0.98).minimize(mean_loss, global_step=global_step)
    v1.summary.scalar("mean_loss", mean_loss)
    v1.summary.scalar("acc", acc)
    v1.summary.merge_all()
    return [x, y], [preds]


class ParserModel:
    """Which transition follows, from the words, tags and arcs on stack and buffer."""

    def build(self) -> None:
        """As homework has it: placeholders, prediction, loss, training."""
        self.add_placeholders()
        self.pred = self.add_prediction_op()
        ce = v1.nn.softmax_cross_entropy_with_logits_v2(logits=self.pred, labels=self.labels_placeholder)
        self.loss = tf.reduce_mean(ce) + 1e-8 * tf.add_n([tf.nn.l2_loss(v) for v in v1.trainable_variables()])
        self.train_op = v1.train.AdamOptimizer(0.0005).minimize(self.loss)

    def add_placeholders(self) -> None:
        """Features are indices into three tables."""
        self.word_placeholder = v1.placeholder(tf.int32, (None, 18))
        self.tag_placeholder = v1.placeholder(tf.int32, (None, 18))
        self.arc_placeholder = v1.placeholder(tf.int32, (None, 12))
        self.labels_placeholder = v1.placeholder(tf.float32, (None, 3))
        self.dropout_placeholder = v1.placeholder(tf.float32)

    def add_prediction_op(self) -> Tensor:
        """One hidden layer with the cube as its nonlinearity."""
        total: Any = 0.0
        kinds = {"word": (self.word_placeholder, 200), "tag": (self.tag_placeholder, 40),
                 "arc": (self.arc_placeholder, 30)}  # fmt: skip
        for kind, (ids, rows) in kinds.items():
            table = tf.Variable(tf.random.uniform([rows, 8], -0.01, 0.01), name=f"{kind}_embeddings")
            flat = tf.reshape(tf.nn.embedding_lookup(table, ids), [-1, int(ids.shape[1]) * 8])
            total += tf.matmul(flat, v1.get_variable(f"W_{kind}", [int(flat.shape[1]), 24]))
        h = tf.pow(total + v1.get_variable("b1", [24]), 3)
        h_drop = v1.nn.dropout(h, rate=self.dropout_placeholder)
        return tf.matmul(h_drop, v1.get_variable("U", [24, 3])) + v1.get_variable("b2", [3])


@case("tagger")
def transition_parser_with_the_cube() -> Truth:
    """Illegal transitions are masked in numpy, hence the author fetches the raw scores."""
    model = ParserModel()
    model.build()
    fed = [model.word_placeholder, model.tag_placeholder, model.arc_placeholder]
    return fed, [model.pred]


@case("translation")
def spelling_repaired_from_string_to_string() -> Truth:
    """Strings in, strings out: code points become ids in the graph, decoded letters become strings."""
    alphabet, n, width = "_^abcdefghijklmnopqrstuvwxyz '", 10, 12
    symbols = tf.constant([ord(ch) for ch in alphabet])
    noisy = v1.placeholder(tf.string, [None], name="misspelled")
    clean = v1.placeholder(tf.string, [None], name="correct")

    def ids_of(words: Tensor) -> Tensor:
        points = tf.strings.unicode_decode(words, "UTF-8").to_tensor(default_value=ord("_"), shape=[None, n])
        same = tf.cast(tf.equal(points[:, :, None], symbols), tf.int32)
        return tf.argmax(same, 2, output_type=tf.int32)

    table = v1.get_variable("letters", [len(alphabet), width])
    x = tf.gather(table, ids_of(noisy))
    for i in range(2):
        kernel = v1.get_variable(f"encoder/conv{i}", [3, width, 2 * width])
        value, gate = tf.split(v1.nn.conv1d(x, kernel, 1, "SAME"), 2, 2)
        x += value * tf.sigmoid(gate)
    memory = tf.concat([x, v1.get_variable("encoder/place", [n, width]) + tf.zeros_like(x)], 2)

    def step(ids: Tensor, h: Tensor) -> tuple[Tensor, Tensor]:
        with v1.variable_scope("decoder", reuse=v1.AUTO_REUSE):
            key = tf.matmul(h, v1.get_variable("query", [width, 2 * width]))
            a = tf.nn.softmax(tf.reduce_sum(memory * key[:, None], 2))
            seen = tf.concat([tf.gather(table, ids), tf.reduce_sum(a[:, :, None] * memory, 1), h], 1)
            z = tf.sigmoid(tf.matmul(seen, v1.get_variable("update", [4 * width, width])))
            h = z * h + (1 - z) * tf.tanh(tf.matmul(seen, v1.get_variable("new", [4 * width, width])))
            return tf.matmul(h, v1.get_variable("out", [width, len(alphabet)])), h

    gold = ids_of(clean)
    go = tf.ones_like(gold[:, 0])
    losses = []
    h = tf.reduce_mean(x, 1)
    for t in range(n):
        scores, h = step(gold[:, t - 1] if t else go, h)
        losses.append(v1.nn.sparse_softmax_cross_entropy_with_logits(labels=gold[:, t], logits=scores))
    loss = tf.reduce_mean(tf.add_n(losses)) / n
    v1.train.AdamOptimizer(3e-3).minimize(loss)
    v1.summary.scalar("loss_per_letter", loss)
    guess, letters = tf.ones_like(tf.strings.length(noisy)), []
    h = tf.reduce_mean(x, 1)
    for _ in range(n):
        scores, h = step(guess, h)
        guess = tf.argmax(scores, 1, output_type=tf.int32)
        letters.append(tf.gather(tf.constant(["", "", *alphabet[2:]]), guess))
    repaired = tf.strings.join(letters, name="repaired")
    return [noisy], [repaired]
