"""What people publish to read, listen, speak, foretell and recommend: whole models of text, sound, tables."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from benchmarks.endpoints.cases import Truth, Truths, case, v1

Tensor = Any
Act = Callable[[Any], Any] | None


def dense(x: Tensor, units: int, act: Act = None, name: str | None = None, bias: bool = True) -> Tensor:
    """A layer as tf.layers writes it: a kernel, a tensordot where there is more than a matrix."""
    with v1.variable_scope(name, "dense", reuse=v1.AUTO_REUSE if name else None):
        kernel = v1.get_variable("kernel", [int(x.shape[-1]), units])
        rank = len(x.shape)
        y = tf.matmul(x, kernel) if rank == 2 else tf.tensordot(x, kernel, [[rank - 1], [0]])
        if bias:
            y = tf.nn.bias_add(
                y, v1.get_variable("bias", [units], initializer=v1.zeros_initializer()), name="BiasAdd"
            )
        return act(y) if act else y


def conv1d(
    x: Tensor,
    units: int,
    width: int = 3,
    dilation: int = 1,
    padding: str = "SAME",
    name: str | None = None,
    stride: int = 1,
) -> Tensor:
    """A convolution along time; CAUSAL pads on the left only."""
    with v1.variable_scope(name, "conv1d", reuse=v1.AUTO_REUSE if name else None):
        if padding == "CAUSAL":
            x, padding = tf.pad(x, [[0, 0], [(width - 1) * dilation, 0], [0, 0]]), "VALID"
        kernel = v1.get_variable("kernel", [width, int(x.shape[-1]), units])
        y = tf.nn.conv1d(x, kernel, stride=stride, padding=padding, dilations=dilation)
        return tf.nn.bias_add(y, v1.get_variable("bias", [units], initializer=v1.zeros_initializer()))


def norm_last(x: Tensor, name: str | None = None) -> Tensor:
    """Layer normalization over the last axis."""
    with v1.variable_scope(name, "LayerNorm", reuse=v1.AUTO_REUSE if name else None):
        size = int(x.shape[-1])
        gamma = v1.get_variable("gamma", [size], initializer=v1.ones_initializer())
        beta = v1.get_variable("beta", [size], initializer=v1.zeros_initializer())
        mean, variance = tf.nn.moments(x, [-1], keepdims=True)
        return tf.nn.batch_normalization(x, mean, variance, beta, gamma, 1e-12)


def norm_batch(x: Tensor, training: Any, name: str | None = None) -> Tensor:
    """Batch normalization with averages that are updated through the usual collection."""
    with v1.variable_scope(name, "batch_normalization", reuse=v1.AUTO_REUSE if name else None):
        size, axes = int(x.shape[-1]), list(range(len(x.shape) - 1))
        gamma = v1.get_variable("gamma", [size], initializer=v1.ones_initializer())
        beta = v1.get_variable("beta", [size], initializer=v1.zeros_initializer())
        kept = [
            v1.get_variable(n, [size], initializer=i, trainable=False)
            for n, i in (
                ("moving_mean", v1.zeros_initializer()),
                ("moving_variance", v1.ones_initializer()),
            )
        ]
        if training is False:
            return tf.nn.batch_normalization(x, kept[0], kept[1], beta, gamma, 1e-3)
        now = tf.nn.moments(x, axes)
        if training is not True:
            flag = training
            now = tuple(
                tf.cond(flag, lambda n=n: tf.identity(n), lambda k=k: tf.identity(k))
                for n, k in zip(now, kept, strict=True)
            )
        for k, n in zip(kept, now, strict=True):
            v1.add_to_collection(v1.GraphKeys.UPDATE_OPS, v1.assign_sub(k, (k - n) * 0.01))
        return tf.nn.batch_normalization(x, now[0], now[1], beta, gamma, 1e-3)


def old_dropout(x: Tensor, keep: Any) -> Tensor:
    """Dropout as early releases wrote it: divided by what is kept, times a floor of noise."""
    with v1.name_scope("dropout"):
        noise = tf.floor(keep + v1.random_uniform(tf.shape(x), dtype=x.dtype))
        kept = tf.multiply(tf.divide(x, keep), noise)
        kept.set_shape(x.shape)
        return kept


class _LstmCell:
    """A basic LSTM cell for dynamic_rnn, perhaps with dropout on what it gives."""

    def __init__(self, units: int, keep: Any = None, scope: str = "basic_lstm_cell") -> None:
        self.units, self.keep, self.scope = units, keep, scope

    @property
    def state_size(self) -> tuple[int, int]:
        """Sizes of memory and output."""
        return (self.units, self.units)

    @property
    def output_size(self) -> int:
        """Size of the output."""
        return self.units

    def zero_state(self, batch: Any, dtype: Any = tf.float32) -> Any:
        """Zeros to begin with."""
        return (tf.zeros([batch, self.units], dtype), tf.zeros([batch, self.units], dtype))

    def __call__(self, x: Tensor, state: Any, scope: Any = None) -> Any:
        with v1.variable_scope(self.scope, reuse=v1.AUTO_REUSE):
            c, h = state
            kernel = v1.get_variable("kernel", [int(x.shape[-1]) + self.units, 4 * self.units])
            bias = v1.get_variable("bias", [4 * self.units], initializer=v1.zeros_initializer())
            gates = tf.nn.bias_add(tf.matmul(tf.concat([x, h], 1), kernel), bias)
            i, j, f, o = tf.split(gates, 4, 1)
            c = c * tf.sigmoid(f + 1.0) + tf.sigmoid(i) * tf.tanh(j)
            h = tf.tanh(c) * tf.sigmoid(o)
        return (old_dropout(h, self.keep) if self.keep is not None else h), (c, h)


class _GruCell:
    """A GRU cell for dynamic_rnn; with attention, the last input column weighs the update gate."""

    def __init__(self, units: int, attended: bool = False) -> None:
        self.units, self.attended = units, attended

    @property
    def state_size(self) -> int:
        """Size of the state."""
        return self.units

    @property
    def output_size(self) -> int:
        """Size of the output."""
        return self.units

    def zero_state(self, batch: Any, dtype: Any = tf.float32) -> Any:
        """Zeros to begin with."""
        return tf.zeros([batch, self.units], dtype)

    def __call__(self, x: Tensor, state: Tensor, scope: Any = None) -> Any:
        weight: Any = None
        if self.attended:
            x, weight = x[:, :-1], x[:, -1:]
        with v1.variable_scope("gru_cell", reuse=v1.AUTO_REUSE):
            gates = dense(tf.concat([x, state], 1), 2 * self.units, tf.sigmoid, "gates")
            r, u = tf.split(gates, 2, 1)
            c = dense(tf.concat([x, r * state], 1), self.units, tf.tanh, "candidate")
        if weight is not None:
            u = (1.0 - weight) * u
        new = u * state + (1 - u) * c
        return new, new


def both_ways(x: Tensor, units: int, length: Any, scope: str, keep: Any = None) -> tuple[Tensor, Any]:
    """A bidirectional dynamic_rnn; outputs joined, and both last states."""
    out, states = v1.nn.bidirectional_dynamic_rnn(
        _LstmCell(units, keep),
        _LstmCell(units, keep),
        x,
        sequence_length=length,
        dtype=tf.float32,
        scope=scope,
    )
    return tf.concat(out, 2), states


def heads_attention(x: Tensor, memory: Tensor, bias: Any, heads: int = 2, name: str = "attention") -> Tensor:
    """Scaled products of several heads, a bias for what may not be seen."""
    size = int(x.shape[-1])
    with v1.variable_scope(name, reuse=v1.AUTO_REUSE):

        def split(t: Tensor) -> Tensor:
            shape = tf.shape(t)
            return tf.transpose(tf.reshape(t, [shape[0], shape[1], heads, size // heads]), [0, 2, 1, 3])

        q, k = split(dense(x, size, name="query")), split(dense(memory, size, name="key"))
        v = split(dense(memory, size, name="value"))
        scores = tf.matmul(q, k, transpose_b=True) / math.sqrt(size / heads)
        if bias is not None:
            scores += bias
        mixed = tf.transpose(tf.matmul(tf.nn.softmax(scores), v), [0, 2, 1, 3])
        mixed = tf.reshape(mixed, [tf.shape(x)[0], tf.shape(x)[1], size])
        return dense(mixed, size, name="output")


# --- text ---------------------------------------------------------------------------------------------


@case("text")
def sentence_in_several_glances() -> Truths:
    """Several rows of attention make a matrix of a sentence; rows that look alike are punished."""
    input_text = v1.placeholder(tf.int32, shape=[None, 14], name="input_text")
    input_y = v1.placeholder(tf.float32, shape=[None, 4], name="input_y")
    text_length = tf.reduce_sum(tf.sign(tf.abs(input_text)), 1)
    with v1.device("/cpu:0"), v1.name_scope("text-embedding"):
        w_text = v1.Variable(v1.random_uniform([90, 12], -0.25, 0.25), name="W_text")
        chars = tf.nn.embedding_lookup(w_text, input_text)
    with v1.name_scope("bi-rnn"):
        h, _ = both_ways(chars, 10, text_length, "bi-rnn")
    with v1.name_scope("self-attention"):
        h_reshape = tf.reshape(h, [-1, 20])
        w_s1 = v1.get_variable("W_s1", shape=[20, 9], initializer=v1.glorot_uniform_initializer())
        w_s2 = v1.get_variable("W_s2", shape=[9, 3], initializer=v1.glorot_uniform_initializer())
        a_hat = tf.reshape(tf.matmul(tf.nn.tanh(tf.matmul(h_reshape, w_s1)), w_s2), [-1, 14, 3])
        a_t = tf.transpose(a_hat, [0, 2, 1])
        a = tf.nn.softmax(a_t, name="attention")
        m = tf.matmul(a, h)
    with v1.name_scope("penalization"):
        eye = tf.reshape(tf.tile(tf.eye(3), [tf.shape(a)[0], 1]), [-1, 3, 3])
        square = tf.square(tf.norm(tf.matmul(a, tf.transpose(a, [0, 2, 1])) - eye, axis=[-2, -1], ord="fro"))
        loss_p = tf.reduce_mean(square)
    with v1.name_scope("fully-connected"):
        w_fc = v1.get_variable("W_fc", [60, 16])
        b_fc = v1.Variable(tf.constant(0.1, shape=[16]), name="b_fc")
        fc = tf.nn.relu(v1.nn.xw_plus_b(tf.reshape(m, [-1, 60]), w_fc, b_fc), name="fc")
    with v1.name_scope("output"):
        w_out = v1.get_variable("W_output", [16, 4])
        b_out = v1.Variable(tf.constant(0.1, shape=[4]), name="b_output")
        logits = v1.nn.xw_plus_b(fc, w_out, b_out, name="logits")
        predictions = tf.argmax(logits, 1, name="predictions")
    with v1.name_scope("loss"):
        losses = tf.nn.softmax_cross_entropy_with_logits(logits=logits, labels=input_y)
        l2 = tf.add_n([tf.nn.l2_loss(v) for v in v1.trainable_variables() if "kernel" in v.name])
        loss = tf.reduce_mean(losses) + 1.0 * loss_p + 1e-4 * l2
    with v1.name_scope("accuracy"):
        right = tf.equal(predictions, tf.argmax(input_y, 1))
        accuracy = tf.reduce_mean(tf.cast(right, tf.float32), name="accuracy")
    step = v1.Variable(0, name="global_step", trainable=False)
    optimizer = v1.train.AdamOptimizer(1e-3)
    optimizer.apply_gradients(optimizer.compute_gradients(loss), global_step=step)
    v1.summary.merge([v1.summary.scalar("loss", loss), v1.summary.scalar("accuracy", accuracy)])
    return [([input_text], [predictions]), ([input_text], [logits])]


@case("text")
def reviews_worsened_in_the_embedding() -> Truths:
    """The embedding is moved the worst way and read again by the same LSTM; the clean reading answers."""
    x = v1.placeholder(tf.int32, [None, 12])
    y = v1.placeholder(tf.int32, [None])
    keep = v1.placeholder(tf.float32)
    freqs = tf.constant(np.linspace(1.0, 0.01, 80), tf.float32)[:, None]
    table = v1.get_variable("embedding", [80, 10])
    weights = freqs / tf.reduce_sum(freqs)
    mean = tf.reduce_sum(weights * table, 0, keepdims=True)
    var = tf.reduce_sum(weights * tf.square(table - mean), 0, keepdims=True)
    table = (table - mean) / tf.sqrt(1e-6 + var)

    def read(embedded: Tensor) -> Tensor:
        with v1.variable_scope("clf", reuse=v1.AUTO_REUSE):
            dropped = v1.nn.dropout(embedded, rate=1.0 - keep)
            outs, _ = v1.nn.dynamic_rnn(_LstmCell(12), dropped, dtype=tf.float32)
            h = dense(outs[:, -1, :], 8, tf.nn.relu, "fc1")
            return dense(h, 2, name="fc2")

    embedded = tf.nn.embedding_lookup(table, x)
    logits = read(embedded)
    cl_loss = tf.reduce_mean(v1.nn.sparse_softmax_cross_entropy_with_logits(logits=logits, labels=y))
    (grad,) = tf.gradients(cl_loss, embedded, aggregation_method=2)
    grad = tf.stop_gradient(grad)
    alpha = tf.reduce_max(tf.abs(grad), (1, 2), keepdims=True) + 1e-12
    unit = grad / (alpha * tf.sqrt(tf.reduce_sum(tf.square(grad / alpha), (1, 2), keepdims=True) + 1e-6))
    worse = read(embedded + 5.0 * unit)
    adv = tf.reduce_mean(v1.nn.sparse_softmax_cross_entropy_with_logits(logits=worse, labels=y))
    loss = cl_loss + adv
    pred = tf.argmax(logits, 1, output_type=tf.int32)
    tf.reduce_mean(tf.cast(tf.equal(pred, y), tf.float32))
    step = v1.train.get_or_create_global_step()
    rate = v1.train.exponential_decay(5e-4, step, 100, 0.9998)
    grads, variables = zip(*v1.train.AdamOptimizer(rate).compute_gradients(loss), strict=True)
    grads, _ = tf.clip_by_global_norm(grads, 1.0)
    v1.train.AdamOptimizer(rate, name="opt").apply_gradients(zip(grads, variables, strict=True), step)
    return [([x], [logits]), ([x], [pred])]


@case("autoencoder")
def topics_of_a_bag_of_words() -> Truths:
    """A product of experts over topics: counts go in, the proportions of topics are what one reads."""
    x = v1.placeholder(tf.float32, [None, 120], name="input")
    keep_prob = v1.placeholder(tf.float32, name="keep_prob")
    topics = 9
    alpha = np.full((1, topics), 1.0)
    prior_mean = tf.constant(np.log(alpha) - np.log(alpha).mean(1, keepdims=True), tf.float32)
    prior_var = tf.constant(
        (1 / alpha) * (1 - 2.0 / topics) + (1 / topics**2) * (1 / alpha).sum(), tf.float32
    )

    def xavier(rows: int, columns: int, name: str) -> Tensor:
        bound = math.sqrt(6.0 / (rows + columns))
        return v1.Variable(v1.random_uniform([rows, columns], -bound, bound), name=name)

    h1, h2 = xavier(120, 24, "h1"), xavier(24, 24, "h2")
    b1, b2 = v1.Variable(tf.zeros([24])), v1.Variable(tf.zeros([24]))
    layer_1 = tf.nn.softplus(tf.add(tf.matmul(x, h1), b1))
    layer_2 = tf.nn.softplus(tf.add(tf.matmul(layer_1, h2), b2))
    layer_do = old_dropout(layer_2, keep_prob)
    z_mean = norm_batch(tf.matmul(layer_do, xavier(24, topics, "out_mean")), True, "bn_mean")
    z_log_sigma_sq = norm_batch(tf.matmul(layer_do, xavier(24, topics, "out_log_sigma")), True, "bn_sigma")
    eps = tf.random.normal(tf.shape(z_mean), 0, 1, dtype=tf.float32)
    z = tf.add(z_mean, tf.multiply(tf.sqrt(tf.exp(z_log_sigma_sq)), eps))
    sigma = tf.exp(z_log_sigma_sq)
    mixed = old_dropout(tf.nn.softmax(z), keep_prob)
    x_reconstr_mean = tf.nn.softmax(norm_batch(tf.matmul(mixed, xavier(topics, 120, "beta")), True, "bn_gen"))
    x_reconstr_mean += 1e-10
    reconstr_loss = -tf.reduce_sum(x * v1.log(x_reconstr_mean), 1)
    diff = z_mean - prior_mean
    latent_loss = 0.5 * (
        tf.reduce_sum(sigma / prior_var + diff * diff / prior_var + v1.log(prior_var) - z_log_sigma_sq, 1)
        - topics
    )
    cost = tf.reduce_mean(reconstr_loss) + tf.reduce_mean(latent_loss)
    with tf.control_dependencies(v1.get_collection(v1.GraphKeys.UPDATE_OPS)):
        v1.train.AdamOptimizer(learning_rate=0.002, beta1=0.99).minimize(cost)
    theta = tf.nn.softmax(z_mean, name="theta")
    return [([x], [theta]), ([x], [z_mean])]


@case("autoencoder")
def sentences_from_a_drawn_code() -> Truth:
    """A VAE of sentences: words are dropped for the decoder, the divergence warms up; a fed code speaks."""
    src = v1.placeholder(tf.int32, [None, 10], name="enc_in")
    dec_in = v1.placeholder(tf.int32, [None, 11], name="dec_in")
    dec_out = v1.placeholder(tf.int32, [None, 11], name="dec_out")
    length = v1.placeholder(tf.int32, [None], name="length")
    anneal = v1.placeholder_with_default(0.0, [], name="kl_weight")
    word_keep = v1.placeholder_with_default(1.0, [], name="word_keep")
    table = v1.get_variable("embeddings", [60, 8])
    with v1.variable_scope("encoder"):
        _, (fw, bw) = both_ways(tf.nn.embedding_lookup(table, src), 8, length, "birnn")
        h_n = tf.concat([fw[1], bw[1]], 1)
        mu, logvar = dense(h_n, 6, name="mu"), dense(h_n, 6, name="logvar")
        z = mu + tf.exp(0.5 * logvar) * tf.random.normal(tf.shape(mu), name="eps")
    cell = _LstmCell(8, scope="decoder/cell")

    def begin(code: Tensor) -> Any:
        with v1.variable_scope("decoder", reuse=v1.AUTO_REUSE):
            return tuple(tf.split(dense(code, 16, tf.tanh, "z_to_state"), 2, 1))

    unknown = tf.fill(tf.shape(dec_in), 3)
    seen = tf.where(v1.random_uniform(tf.shape(dec_in)) < word_keep, dec_in, unknown)
    given = tf.concat([tf.nn.embedding_lookup(table, seen), tf.tile(z[:, None], [1, 11, 1])], 2)
    state, logits = begin(z), []
    for t in range(11):
        out, state = cell(given[:, t], state)
        logits.append(dense(out, 60, name="decoder/project"))
    stacked = tf.stack(logits, 1)
    mask = tf.sequence_mask(length + 1, 11, tf.float32)
    crossed = v1.nn.sparse_softmax_cross_entropy_with_logits(labels=dec_out, logits=stacked) * mask
    nll = tf.reduce_mean(tf.reduce_sum(crossed, 1), name="nll")
    kl = tf.reduce_mean(-0.5 * tf.reduce_sum(1 + logvar - tf.square(mu) - tf.exp(logvar), 1), name="kl")
    v1.summary.scalar("nll", nll)
    v1.summary.scalar("kl", kl)
    v1.train.AdamOptimizer(1e-3).minimize(nll + anneal * kl, global_step=v1.train.create_global_step())

    code = v1.placeholder(tf.float32, [None, 6], name="z_in")
    count = tf.shape(code)[0]

    def speak(t: Tensor, word: Tensor, c: Tensor, h: Tensor, ids: Any) -> Any:
        x = tf.concat([tf.nn.embedding_lookup(table, word), code], 1)
        out, (c, h) = cell(x, (c, h))
        word = tf.argmax(dense(out, 60, name="decoder/project"), 1, output_type=tf.int32)
        return t + 1, word, c, h, ids.write(t, word)

    found = v1.while_loop(
        lambda t, *_: t < 11,
        speak,
        [0, tf.fill([count], 1), *begin(code), tf.TensorArray(tf.int32, 11)],
    )
    sentences = tf.transpose(found[-1].stack(), name="generated")
    return [code], [sentences]


@case("translation")
def replies_by_a_beam_in_a_loop() -> Truths:
    """Questions in, replies out: taught word by word, asked by a loop that keeps four beams of each row."""
    source = v1.placeholder(tf.int32, [None, None], name="encoder_inputs")
    source_len = v1.placeholder(tf.int32, [None], name="encoder_inputs_length")
    target = v1.placeholder(tf.int32, [None, None], name="decoder_inputs")
    target_len = v1.placeholder(tf.int32, [None], name="decoder_inputs_length")
    keep = v1.placeholder(tf.float32, [], name="keep_prob")
    vocab, units, beam, far = 50, 12, 4, 8
    batch = tf.shape(source)[0]
    with v1.variable_scope("encoder"):
        emb = v1.get_variable("embedding", [vocab, units])
        memory, (fw, bw) = both_ways(tf.nn.embedding_lookup(emb, source), 6, source_len, "rnn", keep)
        start = tuple(tf.concat([a, b], 1) for a, b in zip(fw, bw, strict=True))
    seen = (1.0 - tf.sequence_mask(source_len, tf.shape(source)[1], tf.float32)) * -1e9
    cell = _LstmCell(units, scope="cell")

    def step(word: Tensor, state: Any, mem: Tensor, hidden: Tensor) -> tuple[Tensor, Any]:
        c, h, attention = state
        out, (c, h) = cell(tf.concat([tf.nn.embedding_lookup(emb, word), attention], 1), (c, h))
        keys = dense(mem, units, name="memory_layer", bias=False)
        score = tf.einsum("btd,bd->bt", keys, out) + hidden
        context = tf.einsum("bt,btd->bd", tf.nn.softmax(score), mem)
        attention = dense(tf.concat([out, context], 1), units, tf.tanh, "attention_layer", bias=False)
        return dense(attention, vocab, name="projection", bias=False), (c, h, attention)

    with v1.variable_scope("decode", reuse=v1.AUTO_REUSE):
        go = tf.concat([tf.fill([batch, 1], 1), target[:, :-1]], 1)
        words = tf.transpose(go)
        longest = tf.shape(target)[1]

        def teach(t: Tensor, state: Any, seq: Any) -> Any:
            logits, state = step(words[t], state, memory, seen)
            return t + 1, state, seq.write(t, logits)

        zero = tf.zeros([batch, units])
        _, _, taught = v1.while_loop(
            lambda t, *_: t < longest, teach, [0, (*start, zero), tf.TensorArray(tf.float32, longest)]
        )
        logits = tf.transpose(taught.stack(), [1, 0, 2])
        cross = v1.nn.sparse_softmax_cross_entropy_with_logits(labels=target, logits=logits)
        mask = tf.sequence_mask(target_len, longest, tf.float32, name="masks")
        loss = tf.reduce_sum(cross * mask) / tf.reduce_sum(mask)
        v1.summary.scalar("loss", loss)
        params = v1.trainable_variables()
        grads, _ = tf.clip_by_global_norm(tf.gradients(loss, params), 5.0)
        v1.train.AdamOptimizer(1e-3).apply_gradients(zip(grads, params, strict=True))

        def widen(x: Tensor) -> Tensor:
            wide = tf.tile(x[:, None], [1, beam, *([1] * (len(x.shape) - 1))])
            return tf.reshape(wide, tf.concat([[batch * beam], tf.shape(x)[1:]], 0))

        wide_memory, wide_seen = widen(memory), widen(seen)
        wide_memory.set_shape([None, None, units])

        def look(t: Tensor, alive: Tensor, logp: Tensor, done: Tensor, state: Any) -> Any:
            scores, state = step(tf.reshape(alive[:, :, -1], [-1]), state, wide_memory, wide_seen)
            each = tf.reshape(tf.nn.log_softmax(scores), [batch, beam, vocab])
            stay = tf.one_hot(2, vocab, 0.0, -1e9)[None, None]
            each = tf.where(tf.tile(done[:, :, None], [1, 1, vocab]), tf.zeros_like(each) + stay, each)
            total = tf.reshape(logp[:, :, None] + each, [batch, beam * vocab])
            logp, flat = tf.nn.top_k(total, beam)
            parent, word = flat // vocab, flat % vocab
            alive = tf.concat([tf.gather(alive, parent, batch_dims=1), word[:, :, None]], 2)
            done = tf.logical_or(tf.gather(done, parent, batch_dims=1), tf.equal(word, 2))
            rows = tf.reshape(parent + tf.range(batch)[:, None] * beam, [-1])
            return t + 1, alive, logp, done, tuple(tf.gather(s, rows) for s in state)

        first = tf.tile(tf.constant([[0.0] + [-1e9] * (beam - 1)]), [batch, 1])
        begun = tuple(tf.ensure_shape(widen(s), [None, units]) for s in (*start, zero))
        found = v1.while_loop(
            lambda t, alive, logp, done, state: tf.logical_and(t < far, tf.logical_not(tf.reduce_all(done))),
            look,
            [0, tf.fill([batch, beam, 1], 1), first, tf.zeros([batch, beam], tf.bool), begun],
            shape_invariants=[
                tf.TensorShape([]),
                tf.TensorShape([None, beam, None]),
                tf.TensorShape([None, beam]),
                tf.TensorShape([None, beam]),
                tuple(tf.TensorShape([None, units]) for _ in range(3)),
            ],
            back_prop=False,
        )
        predicted = tf.identity(found[1][:, :, 1:], name="decoder_predict_decode")
        scores = tf.identity(found[2], name="beam_scores")
    fed = [source, source_len]
    return [(fed, [predicted]), (fed, [predicted, scores])]


@case("search")
def pages_by_soft_kernels() -> Truth:
    """Words of query and page are matched softly and counted by kernels; pairs teach, a page is ranked."""
    max_q, max_d, bins = 6, 15, 11
    mus = [1.0] + [1 - 0.1 - 0.2 * i for i in range(bins - 1)]
    sigmas = [0.001] + [0.1] * (bins - 1)
    lr = 0.001
    inputs_q = v1.placeholder(tf.int32, shape=[None, max_q])
    inputs_pos_d = v1.placeholder(tf.int32, shape=[None, max_d])
    inputs_neg_d = v1.placeholder(tf.int32, shape=[None, max_d])
    weights = v1.placeholder(tf.float32, shape=[None, max_q], name="q_weights")
    mu = tf.constant(mus, shape=[1, 1, bins])
    sigma = tf.constant(sigmas, shape=[1, 1, bins])
    embeddings = v1.Variable(tf.random.uniform([200, 10], -0.1, 0.1))
    w1 = v1.Variable(v1.truncated_normal([bins, 1], stddev=0.1), name="W1")
    b1 = v1.Variable(tf.zeros([1]), name="b1")

    def model(q: Tensor, d: Tensor) -> Tensor:
        with tf.name_scope("model"):
            normalized_q = tf.nn.l2_normalize(tf.nn.embedding_lookup(embeddings, q, name="qemb"), 2)
            normalized_d = tf.nn.l2_normalize(tf.nn.embedding_lookup(embeddings, d, name="demb"), 2)
            sim = tf.matmul(
                normalized_q, tf.transpose(normalized_d, perm=[0, 2, 1]), name="similarity_matrix"
            )
            rs_sim = tf.reshape(sim, [-1, max_q * max_d, 1])
            tmp = tf.exp(-tf.square(rs_sim - mu) / (tf.square(sigma) * 2))
            tmp = tf.reshape(tmp, [-1, max_q, max_d, bins])
            tmp *= tf.cast(d > 0, tf.float32)[:, None, :, None]
            kde = tf.reduce_sum(tmp, [2])
            kde = v1.log(tf.maximum(kde, 1e-10)) * 0.01
            feats = tf.reduce_sum(kde * tf.reshape(weights, [-1, max_q, 1]), [1])
            return tf.tanh(tf.matmul(feats, w1) + b1)

    o_pos = model(inputs_q, inputs_pos_d)
    o_neg = model(inputs_q, inputs_neg_d)
    loss = tf.reduce_mean(tf.maximum(0.0, 1 - o_pos + o_neg))
    v1.train.AdamOptimizer(learning_rate=lr, epsilon=1e-5).minimize(loss)
    return [inputs_q, inputs_pos_d, weights], [o_pos]


@case("sentence pair", modern=True)
def reply_fits_the_talk() -> Truths:
    """Ubuntu's dual encoder: talks and replies from records, one LSTM for both, a bilinear form."""

    def parse(serialized: Tensor) -> Any:
        spec = {
            "context": v1.FixedLenFeature([16], tf.int64),
            "context_len": v1.FixedLenFeature([1], tf.int64),
            "utterance": v1.FixedLenFeature([12], tf.int64),
            "utterance_len": v1.FixedLenFeature([1], tf.int64),
            "label": v1.FixedLenFeature([1], tf.int64),
        }
        features = v1.parse_single_example(serialized, spec)
        target = features.pop("label")
        return features, target

    dataset = tf.data.TFRecordDataset(["train.tfrecords"]).map(parse).shuffle(1000).repeat(5).batch(16)
    features, targets = v1.data.make_one_shot_iterator(dataset).get_next()
    context, utterance = features["context"], features["utterance"]
    context_len = tf.squeeze(features["context_len"], [1])
    utterance_len = tf.squeeze(features["utterance_len"], [1])
    embeddings_w = v1.get_variable(
        "word_embeddings", shape=[70, 10], initializer=v1.random_uniform_initializer(-0.25, 0.25)
    )
    context_embedded = tf.nn.embedding_lookup(embeddings_w, context, name="embed_context")
    utterance_embedded = tf.nn.embedding_lookup(embeddings_w, utterance, name="embed_utterance")
    utterance_embedded = tf.pad(utterance_embedded, [[0, 0], [0, 4], [0, 0]])
    with v1.variable_scope("rnn"):
        _, states = v1.nn.dynamic_rnn(
            _LstmCell(12),
            tf.concat([context_embedded, utterance_embedded], 0),
            sequence_length=tf.concat([context_len, utterance_len], 0),
            dtype=tf.float32,
        )
        encoding_context, encoding_utterance = tf.split(states[1], 2, 0)
    with v1.variable_scope("prediction"):
        m = v1.get_variable("M", shape=[12, 12], initializer=v1.truncated_normal_initializer())
        generated_response = tf.expand_dims(tf.matmul(encoding_context, m), 2)
        encoding_utterance = tf.expand_dims(encoding_utterance, 2)
        logits = tf.squeeze(tf.matmul(generated_response, encoding_utterance, True), [2])
        probs = tf.sigmoid(logits)
        losses = tf.nn.sigmoid_cross_entropy_with_logits(logits=logits, labels=tf.cast(targets, tf.float32))
    mean_loss = tf.reduce_mean(losses, name="mean_loss")
    step = v1.train.get_or_create_global_step()
    optimizer = v1.train.AdamOptimizer(0.001)
    pairs = [(tf.clip_by_norm(g, 10.0), v) for g, v in optimizer.compute_gradients(mean_loss)]
    optimizer.apply_gradients(pairs, global_step=step)
    fed = [context, features["context_len"], utterance, features["utterance_len"]]
    return [(fed, [probs]), (fed, [logits])]


class _Chain:
    """A linear chain's cells: sums of all paths, best paths, and the way back."""

    def __init__(self, kind: str, transitions: Any, tags: int) -> None:
        self.kind, self.transitions, self.tags = kind, transitions, tags

    @property
    def state_size(self) -> int:
        return 1 if self.kind == "back" else self.tags

    @property
    def output_size(self) -> int:
        return 1 if self.kind == "back" else self.tags

    def zero_state(self, batch: Any, dtype: Any = tf.float32) -> Any:
        return tf.zeros([batch, self.state_size], dtype)

    def __call__(self, x: Tensor, state: Tensor, scope: Any = None) -> Any:
        if self.kind == "back":
            rows = tf.stack([tf.range(tf.shape(x)[0]), tf.squeeze(state, [1])], 1)
            new = tf.expand_dims(tf.gather_nd(x, rows), -1)
            return new, new
        paths = tf.expand_dims(state, 2) + tf.expand_dims(self.transitions, 0)
        if self.kind == "best":
            return tf.cast(tf.argmax(paths, 1), tf.int32), x + tf.reduce_max(paths, 1)
        new = x + tf.reduce_logsumexp(paths, [1])
        return new, new


@case("bert")
def names_by_one_shared_block_and_a_chain() -> Truth:
    """A light reader whose block is used three times, a linear chain above it; the path comes out."""
    spec = {
        n: v1.FixedLenFeature([12], tf.int64) for n in ("input_ids", "input_mask", "segment_ids", "label_ids")
    }

    def decode(record: Tensor) -> Any:
        return {k: tf.cast(t, tf.int32) for k, t in v1.parse_single_example(record, spec).items()}

    d = tf.data.TFRecordDataset("train.tf_record").repeat().shuffle(buffer_size=100)
    d = d.apply(tf.data.experimental.map_and_batch(decode, batch_size=8, drop_remainder=True))
    features: Any = v1.data.make_one_shot_iterator(d).get_next()
    ids, mask, segments = features["input_ids"], features["input_mask"], features["segment_ids"]
    tags = 7
    with v1.variable_scope("bert"):
        with v1.variable_scope("embeddings"):
            table = v1.get_variable("word_embeddings", [100, 8])
            types = v1.get_variable("token_type_embeddings", [2, 8])
            places = v1.get_variable("position_embeddings", [32, 8])
            x = tf.gather(table, ids) + tf.reshape(
                tf.matmul(tf.one_hot(tf.reshape(segments, [-1]), 2), types), [8, 12, 8]
            )
            x = norm_last(x + tf.slice(places, [0, 0], [12, -1])[None], "LayerNorm")
            x = v1.nn.dropout(x, rate=0.1)
        with v1.variable_scope("encoder"):
            x = dense(x, 16, name="embedding_hidden_mapping_in")
            bias = (1.0 - tf.cast(mask, tf.float32)[:, None, None, :]) * -10000.0
            for i in range(3):
                with (
                    v1.variable_scope("transformer/group_0/inner_group_0", reuse=v1.AUTO_REUSE),
                    v1.name_scope(f"layer_{i}"),
                ):
                    x = norm_last(x + heads_attention(x, x, bias, 2, "attention_1"), "LayerNorm")
                    h = dense(x, 32, name="ffn_1/intermediate")
                    h = h * 0.5 * (1.0 + tf.tanh(0.7978845608 * (h + 0.044715 * tf.pow(h, 3))))
                    x = norm_last(x + dense(h, 16, name="ffn_1/output"), "LayerNorm_1")
        with v1.variable_scope("pooler"):
            dense(tf.squeeze(x[:, 0:1, :], axis=1), 16, tf.tanh, "dense")
    lengths = tf.reduce_sum(tf.sign(tf.abs(ids)), 1)
    with v1.variable_scope("project"):
        scores = tf.reshape(
            dense(tf.reshape(v1.nn.dropout(x, rate=0.1), [-1, 16]), tags, name="logits"), [-1, 12, tags]
        )
    with v1.variable_scope("crf_loss"):
        trans = v1.get_variable("transitions", [tags, tags])
        labels, first, rest = features["label_ids"], scores[:, 0], scores[:, 1:]
        _, alphas = v1.nn.dynamic_rnn(
            _Chain("sum", trans, tags), rest, tf.maximum(0, lengths - 1), first, tf.float32, scope="norm"
        )
        log_norm = tf.reduce_logsumexp(alphas, [1])
        weights = tf.sequence_mask(lengths, 12, tf.float32)
        flat = tf.reshape(scores, [-1])
        offsets = (tf.range(8) * 12 * tags)[:, None] + (tf.range(12) * tags)[None]
        unary = tf.reduce_sum(tf.gather(flat, offsets + labels) * weights, 1)
        binary = tf.gather(tf.reshape(trans, [-1]), labels[:, :-1] * tags + labels[:, 1:])
        log_likelihood = unary + tf.reduce_sum(binary * weights[:, 1:], 1) - log_norm
        loss = tf.reduce_mean(-log_likelihood)
    backpointers, last = v1.nn.dynamic_rnn(
        _Chain("best", trans, tags), rest, tf.maximum(0, lengths - 1), first, tf.int32, scope="viterbi"
    )
    backpointers = v1.reverse_sequence(backpointers, tf.maximum(0, lengths - 1), seq_axis=1)
    end = tf.expand_dims(tf.cast(tf.argmax(last, 1), tf.int32), -1)
    path, _ = v1.nn.dynamic_rnn(
        _Chain("back", trans, tags), backpointers, tf.maximum(0, lengths - 1), end, tf.int32, scope="back"
    )
    path = tf.concat([end, tf.squeeze(path, [2])], 1)
    pred_ids = v1.reverse_sequence(path, lengths, seq_axis=1)
    step = v1.train.get_or_create_global_step()
    rate = v1.train.polynomial_decay(2e-5, step, 1000, 0.0)
    done = tf.cast(step, tf.float32) / 100.0
    rate = tf.where(done < 1.0, 2e-5 * done, rate)
    variables = v1.trainable_variables()
    grads, _ = tf.clip_by_global_norm(tf.gradients(loss, variables), 1.0)
    v1.train.AdamOptimizer(rate).apply_gradients(zip(grads, variables, strict=True), global_step=step)
    v1.metrics.accuracy(labels, pred_ids, weights=weights)
    return [ids, mask, segments], [pred_ids]


@case("word vectors")
def analogies_among_word_vectors() -> Truths:
    """Skip-gram with noise by hand; a is to b as c is to whom, and what is near, are asked afterwards."""
    size, dim, few = 80, 12, 5
    examples = v1.placeholder(tf.int32, [16], name="examples")
    labels = v1.placeholder(tf.int64, [16], name="labels")
    emb = v1.Variable(v1.random_uniform([size, dim], -0.5 / dim, 0.5 / dim), name="emb")
    sm_w_t = v1.Variable(tf.zeros([size, dim]), name="sm_w_t")
    sm_b = v1.Variable(tf.zeros([size]), name="sm_b")
    step = v1.Variable(0, name="global_step")
    sampled, _, _ = tf.random.fixed_unigram_candidate_sampler(
        tf.reshape(labels, [16, 1]), 1, few, True, size, distortion=0.75, unigrams=list(range(size, 0, -1))
    )
    example_emb = tf.nn.embedding_lookup(emb, examples)
    true_w, true_b = tf.nn.embedding_lookup(sm_w_t, labels), tf.nn.embedding_lookup(sm_b, labels)
    sampled_w, sampled_b = tf.nn.embedding_lookup(sm_w_t, sampled), tf.nn.embedding_lookup(sm_b, sampled)
    true_logits = tf.reduce_sum(tf.multiply(example_emb, true_w), 1) + true_b
    sampled_logits = tf.matmul(example_emb, sampled_w, transpose_b=True) + tf.reshape(sampled_b, [few])
    true_xent = tf.nn.sigmoid_cross_entropy_with_logits(labels=tf.ones_like(true_logits), logits=true_logits)
    fake_xent = tf.nn.sigmoid_cross_entropy_with_logits(
        labels=tf.zeros_like(sampled_logits), logits=sampled_logits
    )
    loss = (tf.reduce_sum(true_xent) + tf.reduce_sum(fake_xent)) / 16
    v1.summary.scalar("NCE loss", loss)
    words = 1e5
    lr = 0.2 * tf.maximum(0.0001, 1.0 - tf.cast(step, tf.float32) / words)
    v1.train.GradientDescentOptimizer(lr).minimize(loss, global_step=step, gate_gradients=1)

    analogy_a = v1.placeholder(dtype=tf.int32)
    analogy_b = v1.placeholder(dtype=tf.int32)
    analogy_c = v1.placeholder(dtype=tf.int32)
    nemb = tf.nn.l2_normalize(emb, 1)
    a_emb, b_emb, c_emb = (tf.gather(nemb, i) for i in (analogy_a, analogy_b, analogy_c))
    dist = tf.matmul(c_emb + (b_emb - a_emb), nemb, transpose_b=True)
    _, pred_idx = tf.nn.top_k(dist, 4)
    nearby_word = v1.placeholder(dtype=tf.int32)
    nearby_dist = tf.matmul(tf.gather(nemb, nearby_word), nemb, transpose_b=True)
    nearby_val, nearby_idx = tf.nn.top_k(nearby_dist, min(1000, size))
    asked = [analogy_a, analogy_b, analogy_c]
    return [
        (asked, [pred_idx]),
        ([nearby_word], [nearby_val, nearby_idx]),
        ([*asked, nearby_word], [pred_idx, nearby_val, nearby_idx]),
    ]


@case("reader")
def who_is_meant_by_she() -> Truths:
    """Coreference: a thread fills a queue with padded documents; spans, their antecedents, their scores."""
    queue_props: list[tuple[Any, list[int | None]]] = [
        (tf.float32, [None, None, 10]),  # vectors of the words
        (tf.int32, [None, None, None]),  # letters
        (tf.int32, [None]),  # lengths of the sentences
        (tf.int32, [None]),  # who speaks
        (tf.int32, []),  # genre
        (tf.bool, []),  # training or not
        (tf.int32, [None]),  # where true mentions start
        (tf.int32, [None]),  # where they end
        (tf.int32, [None]),  # which cluster
    ]
    queue_inputs = [v1.placeholder(dtype, shape) for dtype, shape in queue_props]
    dtypes, shapes = zip(*queue_props, strict=True)
    queue = v1.PaddingFIFOQueue(capacity=10, dtypes=dtypes, shapes=shapes)
    queue.enqueue(queue_inputs)
    tensors: Any = queue.dequeue()
    word_emb, chars, text_len, speakers, genre, is_training, gold_starts, gold_ends, clusters = tensors
    keep = 1 - tf.cast(is_training, tf.float32) * 0.3
    sentences, longest = tf.shape(word_emb)[0], tf.shape(word_emb)[1]
    char_emb = tf.gather(v1.get_variable("char_embeddings", [30, 6]), chars)
    flat = tf.reshape(char_emb, [sentences * longest, tf.shape(char_emb)[2], 6])
    pooled = tf.reduce_max(tf.nn.relu(conv1d(flat, 8, 3, name="char_cnn")), 1)
    text = tf.concat([word_emb, tf.reshape(pooled, [sentences, longest, 8])], 2)
    text = v1.nn.dropout(text, rate=1 - keep)
    outputs, _ = both_ways(text, 8, text_len, "bilstm")
    mask = tf.reshape(tf.sequence_mask(text_len, maxlen=longest), [sentences * longest])
    outputs = tf.boolean_mask(tf.reshape(outputs, [sentences * longest, 16]), mask)
    place = tf.tile(tf.expand_dims(tf.range(sentences), 1), [1, longest])
    sentence_of = tf.boolean_mask(tf.reshape(place, [-1]), mask)
    num_words, widest = tf.reduce_sum(text_len), 4
    starts = tf.tile(tf.expand_dims(tf.range(num_words), 1), [1, widest])
    ends = starts + tf.expand_dims(tf.range(widest), 0)
    same = tf.equal(tf.gather(sentence_of, starts), tf.gather(sentence_of, tf.minimum(ends, num_words - 1)))
    good = tf.reshape(tf.logical_and(ends < num_words, same), [-1])
    candidate_starts = tf.boolean_mask(tf.reshape(starts, [-1]), good)
    candidate_ends = tf.boolean_mask(tf.reshape(ends, [-1]), good)
    widths = tf.gather(
        v1.get_variable("span_width_embeddings", [widest, 4]), candidate_ends - candidate_starts
    )
    span_emb = tf.concat(
        [tf.gather(outputs, candidate_starts), tf.gather(outputs, candidate_ends), widths], 1
    )

    def ffnn(x: Tensor, scope: str) -> Tensor:
        with v1.variable_scope(scope):
            h = v1.nn.dropout(dense(x, 12, tf.nn.relu, "hidden_0"), rate=1 - keep)
            return dense(h, 1, name="output")

    candidate_mention_scores = tf.squeeze(ffnn(span_emb, "mention_scores"), 1)
    k = tf.maximum(1, tf.cast(tf.floor(tf.cast(num_words, tf.float32) * 0.4), tf.int32))
    _, top = tf.nn.top_k(candidate_mention_scores, k, sorted=False)
    top_starts, top_ends = tf.gather(candidate_starts, top), tf.gather(candidate_ends, top)
    top_emb, top_scores = tf.gather(span_emb, top), tf.gather(candidate_mention_scores, top)
    top_speakers = tf.gather(speakers, top_starts)
    offsets = tf.expand_dims(tf.range(k), 1) - tf.expand_dims(tf.range(k), 0)
    fast = tf.expand_dims(top_scores, 1) + tf.expand_dims(top_scores, 0)
    fast += v1.log(tf.cast(offsets >= 1, tf.float32))
    fast += tf.matmul(dense(top_emb, int(top_emb.shape[1]), name="src_projection"), top_emb, transpose_b=True)
    _, antecedents = tf.nn.top_k(fast, tf.minimum(50, k), sorted=False)
    pair_emb = tf.gather(top_emb, antecedents)
    alike = tf.cast(tf.equal(top_speakers[:, None], tf.gather(top_speakers, antecedents)), tf.int32)
    speaker_emb = tf.gather(v1.get_variable("same_speaker_emb", [2, 4]), alike)
    genre_emb = tf.gather(v1.get_variable("genre_embeddings", [7, 4]), genre)
    wide = tf.tile(genre_emb[None, None], [k, tf.shape(antecedents)[1], 1])
    target = tf.tile(top_emb[:, None], [1, tf.shape(antecedents)[1], 1])
    pairs = tf.concat([target, pair_emb, target * pair_emb, speaker_emb, wide], 2)
    slow = tf.squeeze(ffnn(pairs, "slow_antecedent_scores"), 2)
    slow += tf.gather(top_scores, antecedents) + top_scores[:, None]
    antecedent_scores = tf.concat([tf.zeros([k, 1]), slow], 1)

    true_start = tf.equal(gold_starts[:, None], top_starts[None])
    hit = tf.cast(tf.logical_and(true_start, tf.equal(gold_ends[:, None], top_ends[None])), tf.int32)
    cluster_of = tf.squeeze(tf.matmul(clusters[None], hit), 0)
    linked = tf.equal(tf.gather(cluster_of, antecedents), cluster_of[:, None])
    linked = tf.logical_and(linked, (cluster_of > 0)[:, None])
    dummy = tf.logical_not(tf.reduce_any(linked, 1, keepdims=True))
    gold = antecedent_scores + v1.log(tf.cast(tf.concat([dummy, linked], 1), tf.float32))
    loss = tf.reduce_sum(tf.reduce_logsumexp(antecedent_scores, 1) - tf.reduce_logsumexp(gold, 1))
    step = v1.Variable(0, name="global_step", trainable=False)
    rate = v1.train.exponential_decay(0.001, step, 100, 0.999, staircase=True)
    params = v1.trainable_variables()
    grads, _ = tf.clip_by_global_norm(tf.gradients(loss, params), 5.0)
    v1.train.AdamOptimizer(rate).apply_gradients(zip(grads, params, strict=True), global_step=step)
    fed = [word_emb, chars, text_len, speakers, genre]
    spans = [candidate_starts, candidate_ends, candidate_mention_scores]
    tops = [top_starts, top_ends, antecedents, antecedent_scores]
    return [(fed, [*spans, *tops]), (fed, tops)]


@case("tagger")
def slots_from_queued_sequences() -> Truths:
    """Sequence examples through a queue that pads; words in, a slot for each of them out; averages kept."""
    names = v1.train.string_input_producer(["train-00", "train-01"], shuffle=True)
    _, serialized = v1.TFRecordReader().read(names)
    context, sequence = v1.parse_single_sequence_example(
        serialized,
        context_features={"length": v1.FixedLenFeature([], tf.int64)},
        sequence_features={
            "tokens": v1.FixedLenSequenceFeature([], tf.int64),
            "shapes": v1.FixedLenSequenceFeature([], tf.int64),
            "labels": v1.FixedLenSequenceFeature([], tf.int64),
        },
    )
    tokens, shapes, labels, lengths = v1.train.batch(
        [sequence["tokens"], sequence["shapes"], sequence["labels"], context["length"]],
        batch_size=10,
        dynamic_pad=True,
        capacity=100,
    )
    with v1.variable_scope("model", initializer=v1.random_uniform_initializer(-0.1, 0.1)):
        word = tf.nn.embedding_lookup(v1.get_variable("word_emb", [120, 10]), tokens)
        shape = tf.nn.embedding_lookup(v1.get_variable("shape_emb", [8, 3]), shapes)
        x = v1.nn.dropout(tf.concat([word, shape], 2), rate=0.2)
        for i in range(2):
            x, _ = both_ways(x, 8, lengths, f"layer_{i}")
        flat = tf.reshape(x, [-1, 16])
        w, b = v1.get_variable("softmax_w", [16, 9]), v1.get_variable("softmax_b", [9])
        logits = tf.matmul(flat, w) + b
    probabilities = tf.nn.softmax(logits)
    wide = tf.shape(tokens)[1]
    predictions = tf.reshape(tf.argmax(logits, 1), [-1, wide], name="predictions")
    flat_mask = tf.reshape(tf.sequence_mask(lengths, wide, tf.float32), [-1])
    each = v1.nn.sparse_softmax_cross_entropy_with_logits(labels=tf.reshape(labels, [-1]), logits=logits)
    loss = tf.reduce_sum(each * flat_mask) / tf.reduce_sum(flat_mask)
    v1.losses.add_loss(loss)
    total = v1.losses.get_total_loss()
    v1.summary.scalar("total_loss", total)
    step = v1.train.get_or_create_global_step()
    apply = v1.train.RMSPropOptimizer(0.002).minimize(total, global_step=step)
    ema = tf.train.ExponentialMovingAverage(0.999, step)
    with tf.control_dependencies([apply]):
        tf.group(ema.apply(v1.trainable_variables()), name="train_op")
    fed = [tokens, shapes, lengths]
    return [(fed, [predictions]), (fed, [logits]), (fed, [probabilities])]


@case("exported")
def products_for_a_typed_query() -> Truths:
    """A served tower: strings are split and looked up, products lie in a table, the best five have names."""
    query = v1.placeholder(tf.string, [None], name="query")
    country = v1.placeholder(tf.string, [None], name="country")
    vocabulary = tf.constant([f"word{i}" for i in range(40)])
    words_table = tf.lookup.StaticVocabularyTable(
        tf.lookup.KeyValueTensorInitializer(vocabulary, tf.range(40, dtype=tf.int64)), 5
    )
    countries = tf.lookup.StaticHashTable(
        tf.lookup.KeyValueTensorInitializer(
            tf.constant(["de", "fr", "it"]), tf.constant([1, 2, 3], tf.int64)
        ),
        0,
    )
    titles = tf.lookup.StaticHashTable(
        tf.lookup.KeyValueTensorInitializer(
            tf.range(60, dtype=tf.int64), tf.constant([f"sku-{i:04d}" for i in range(60)])
        ),
        "unknown",
    )
    cleaned = tf.strings.regex_replace(tf.strings.lower(query), r"[^a-z0-9 ]", " ")
    pieces = v1.strings.split(cleaned, sep=" ", result_type="SparseTensor")
    ids = v1.SparseTensor(pieces.indices, words_table.lookup(pieces.values), pieces.dense_shape)
    with v1.variable_scope("query_tower"):
        table = v1.get_variable("token_embedding", [45, 10])
        bag = v1.nn.safe_embedding_lookup_sparse(table, ids, combiner="mean")
        where = tf.nn.embedding_lookup(
            v1.get_variable("country_embedding", [4, 3]), countries.lookup(country)
        )
        h = dense(tf.concat([bag, where], 1), 16, tf.nn.relu, "fc1")
        code = tf.nn.l2_normalize(dense(h, 8, name="fc2"), 1, name="query_embedding")
    with v1.variable_scope("index"):
        products = v1.get_variable("product_vectors", [60, 8], trainable=False)
        scores, found = tf.nn.top_k(tf.matmul(code, products, transpose_b=True), 5)
    scores = tf.identity(scores, name="scores")
    names = tf.identity(titles.lookup(tf.cast(found, tf.int64)), name="products")
    v1.tables_initializer()
    return [([query, country], [names, scores]), ([query, country], [names])]


# --- speech, music, strokes ---------------------------------------------------------------------------


@case("speech")
def listened_then_spelled() -> Truths:
    """A pyramid of LSTMs hears, an attending LSTM spells: half taught, half by itself, then all by itself."""
    audio = v1.placeholder(tf.float32, [None, None, 13], name="audio")
    audio_len = v1.placeholder(tf.int32, [None], name="audio_length")
    char = v1.placeholder(tf.int32, [None, 7], name="text")
    char_len = v1.placeholder(tf.int32, [None], name="text_length")
    teacher = v1.placeholder(tf.float32, [], name="teacher_forcing_rate")
    vocab, units = 29, 12
    x, length = audio, audio_len
    with v1.variable_scope("Listener"):
        for i in range(2):
            x, _ = both_ways(x, 6, length, f"pblstm_{i}")
            even = tf.shape(x)[1] // 2 * 2
            x = tf.reshape(x[:, :even], [tf.shape(x)[0], even // 2, 24])
            length = length // 2
        heard = dense(x, units, tf.nn.relu, "project")
    mask = (1.0 - tf.sequence_mask(length, tf.shape(heard)[1], tf.float32)) * -1e9

    def spell(taught: Tensor | None) -> tuple[Tensor, Tensor]:
        with v1.variable_scope("Speller", reuse=v1.AUTO_REUSE):
            table = v1.get_variable("embedding", [vocab, 8])
            count = tf.shape(heard)[0]
            word, context = tf.fill([count], 1), tf.zeros([count, units])
            cell = _LstmCell(units)
            state, logits, aligned = cell.zero_state(count), [], []
            keys = dense(heard, units, name="psi")
            for t in range(7):
                out, state = cell(tf.concat([tf.nn.embedding_lookup(table, word), context], 1), state)
                energy = tf.einsum("btd,bd->bt", keys, dense(out, units, tf.nn.relu, "phi")) + mask
                alpha = tf.nn.softmax(energy)
                context = tf.einsum("bt,btd->bd", alpha, heard)
                now = dense(tf.concat([out, context], 1), vocab, name="char_dist")
                logits.append(now)
                aligned.append(alpha)
                word = tf.argmax(now, 1, output_type=tf.int32)
                if taught is not None:
                    flip = v1.random_uniform([count]) < teacher
                    word = tf.where(flip, taught[:, t], word)
            return tf.stack(logits, 1), tf.stack(aligned, 1)

    train_logits, _ = spell(char)
    infer_logits, alignments = spell(None)
    smooth = tf.one_hot(char, vocab) * 0.9 + 0.1 / vocab
    cross = tf.nn.softmax_cross_entropy_with_logits(labels=smooth, logits=train_logits)
    weights = tf.sequence_mask(char_len, 7, tf.float32)
    loss = tf.reduce_sum(cross * weights) / tf.reduce_sum(weights)
    decoded = tf.argmax(infer_logits, -1, name="y_hat")
    v1.summary.scalar("loss", loss)
    v1.summary.image("attention", alignments[..., None])
    step = v1.Variable(0, trainable=False, name="global_step")
    optimizer = v1.train.AdamOptimizer(v1.train.exponential_decay(1e-3, step, 1000, 0.5))
    grads, variables = zip(*optimizer.compute_gradients(loss), strict=True)
    grads, _ = tf.clip_by_global_norm(grads, 5.0)
    optimizer.apply_gradients(zip(grads, variables, strict=True), global_step=step)
    fed = [audio, audio_len]
    return [(fed, [decoded]), (fed, [decoded, alignments]), (fed, [infer_logits])]


@case("speech", plain=True)
def letters_from_dilated_blocks() -> Truth:
    """A recognizer's script: gated dilated blocks, skips, a beam; zeros tell how long the sound is."""
    x = v1.placeholder(dtype=tf.float32, shape=(1, None, 20))
    seq_len = tf.reduce_sum(tf.cast(tf.not_equal(tf.reduce_sum(x, 2), 0.0), tf.int32), 1)
    with v1.variable_scope("front"):
        z = tf.tanh(norm_batch(conv1d(x, 12, 1, name="conv_in"), False, "bn"))
    skip: Any = 0.0
    for i in range(2):
        for r in (1, 2, 4):
            with v1.variable_scope(f"block_{i}_{r}"):
                filters = tf.tanh(norm_batch(conv1d(z, 12, 7, r, name="conv_filter"), False, "bn_f"))
                gate = tf.sigmoid(norm_batch(conv1d(z, 12, 7, r, name="conv_gate"), False, "bn_g"))
                out = tf.tanh(norm_batch(conv1d(filters * gate, 12, 1, name="conv_out"), False, "bn_o"))
                z, skip = z + out, skip + out
    with v1.variable_scope("logit"):
        h = tf.tanh(norm_batch(conv1d(skip, 12, 1, name="conv_1"), False, "bn"))
        logit = conv1d(h, 28, 1, name="conv_2")
    decoded, _ = v1.nn.ctc_beam_search_decoder(
        tf.transpose(logit, perm=[1, 0, 2]), seq_len, merge_repeated=False, beam_width=10
    )
    y = tf.add(v1.sparse_to_dense(decoded[0].indices, decoded[0].dense_shape, decoded[0].values), 1)
    return [x], [y]


@case("speech", plain=True)
def mel_frames_that_move_along_the_text() -> Truths:
    """A synthesizer's loop feeds the frames so far and where it read last; frames, places come out."""
    n_mels, units, text, frames = 10, 8, 12, 16
    with v1.variable_scope("inputs"):
        letters = v1.placeholder(tf.int32, shape=(None, text))
        mels = v1.placeholder(tf.float32, shape=(None, frames, n_mels))
        prev_max_attentions = v1.placeholder(tf.int32, shape=(None,))

    def hc(t: Tensor, width: int, rate: int, padding: str, scope: str) -> Tensor:
        size = int(t.shape[-1])
        with v1.variable_scope(scope):
            h1, h2 = tf.split(conv1d(t, 2 * size, width, rate, padding, "conv1d"), 2, -1)
            h1 = tf.nn.sigmoid(norm_last(h1, "H1"), "gate")
            return h1 * norm_last(h2, "H2") + (1.0 - h1) * t

    with v1.variable_scope("Text2Mel"):
        with v1.variable_scope("TextEnc"):
            lookup = v1.get_variable("embed_1/lookup_table", [32, 8])
            lookup = tf.concat((tf.zeros([1, 8]), lookup[1:, :]), 0)
            t = norm_last(conv1d(tf.nn.embedding_lookup(lookup, letters), 2 * units, 1, name="C_1"))
            for i, rate in enumerate((1, 3, 1)):
                t = hc(tf.nn.relu(t) if not i else t, 3, rate, "SAME", f"HC_{i}")
            keys, values = tf.split(t, 2, -1)
        with v1.variable_scope("AudioEnc"):
            shifted = tf.concat((tf.zeros_like(mels[:, :1, :]), mels[:, :-1, :]), 1)
            q = tf.nn.relu(norm_last(conv1d(shifted, units, 1, padding="CAUSAL", name="C_1")))
            for i, rate in enumerate((1, 3)):
                q = hc(q, 3, rate, "CAUSAL", f"HC_{i}")
        with v1.variable_scope("Attention"):
            a = tf.matmul(q, keys, transpose_b=True) * tf.math.rsqrt(float(units))
            before = tf.sequence_mask(prev_max_attentions, text)
            after = tf.sequence_mask(text - 3 - prev_max_attentions, text)[:, ::-1]
            masks = tf.tile(tf.expand_dims(tf.logical_or(before, after), 1), [1, frames, 1])
            a = tf.where(tf.equal(masks, False), a, tf.ones_like(a) * (-(2.0**32) + 1))
            a = tf.nn.softmax(a)
            max_attentions = tf.argmax(a, -1)
            r = tf.concat((tf.matmul(a, values), q), -1)
            alignments = tf.transpose(a, [0, 2, 1])
        with v1.variable_scope("AudioDec"):
            t = norm_last(conv1d(r, units, 1, padding="CAUSAL", name="C_1"))
            for i, rate in enumerate((1, 3)):
                t = hc(t, 3, rate, "CAUSAL", f"HC_{i}")
            t = tf.nn.relu(norm_last(conv1d(t, units, 1, padding="CAUSAL", name="C_2")))
            y_logits = conv1d(t, n_mels, 1, padding="CAUSAL", name="C_3")
            y = tf.nn.sigmoid(y_logits)
    with v1.variable_scope("gs"):
        v1.Variable(0, name="global_step", trainable=False)
    fed = [letters, mels, prev_max_attentions]
    return [(fed, [y, max_attentions, alignments]), (fed, [y, max_attentions])]


@case("speech")
def speech_in_foretold_durations() -> Truths:
    """All frames at once: letters are stretched by true durations for the loss, by foretold ones after."""
    ids = v1.placeholder(tf.int32, [None, None], "input_ids")
    speakers = v1.placeholder(tf.int32, [None], "speaker_ids")
    duration_gts = v1.placeholder(tf.int32, [None, None], "duration_gts")
    mel_gts = v1.placeholder(tf.float32, [None, None, 12], "mel_gts")
    training = v1.placeholder_with_default(False, [], name="training")
    size = 16
    real = tf.cast(tf.math.not_equal(ids, 0), tf.float32)
    bias = (1.0 - real)[:, None, None, :] * -1e9
    angles = np.arange(64)[:, None] / np.power(10000.0, 2 * (np.arange(size)[None] // 2) / size)
    sinusoid = tf.constant(np.where(np.arange(size) % 2, np.cos(angles), np.sin(angles)), tf.float32)

    def block(x: Tensor, hidden: Any, scope: str) -> Tensor:
        with v1.variable_scope(scope, reuse=v1.AUTO_REUSE):
            x = norm_last(x + heads_attention(x, x, hidden), "ln1")
            h = conv1d(tf.nn.relu(conv1d(x, 24, 3, name="conv_1")), size, 1, name="conv_2")
            h = v1.nn.dropout(h, rate=0.1 * tf.cast(training, tf.float32))
            return norm_last(x + h, "ln2")

    with v1.variable_scope("encoder"):
        x = tf.nn.embedding_lookup(v1.get_variable("charactor_embeddings", [40, size]), ids)
        x += sinusoid[None, : tf.shape(ids)[1]]
        for i in range(2):
            x = block(x, bias, f"layer_._{i}")
        who = tf.nn.softplus(
            dense(tf.nn.embedding_lookup(v1.get_variable("speaker_embeddings", [3, size]), speakers), size)
        )
        encoded = (x + who[:, None]) * real[..., None]
    with v1.variable_scope("duration_predictor"):
        h = norm_last(tf.nn.relu(conv1d(encoded, 12, 3, name="conv_0")), "ln_0")
        h = v1.nn.dropout(h, rate=0.5 * tf.cast(training, tf.float32))
        log_durations = tf.squeeze(dense(h, 1, name="out"), -1) * real

    def speak(durations: Tensor) -> tuple[Tensor, Tensor]:
        ends = tf.cumsum(durations, axis=1)
        frames = tf.reduce_max(ends)
        times = tf.range(frames)[None, :, None]
        owns = tf.logical_and(times >= (ends - durations)[:, None], times < ends[:, None])
        stretched = tf.matmul(tf.cast(owns, tf.float32), encoded)
        there = tf.sequence_mask(ends[:, -1], frames, tf.float32)
        y = stretched + tf.gather(sinusoid, tf.minimum(tf.range(frames), 63))[None]
        y.set_shape([None, None, size])
        for i in range(2):
            y = block(y, (1.0 - there)[:, None, None, :] * -1e9, f"decoder/layer_._{i}")
        mel_before = dense(y, 12, name="mel_before")
        with v1.variable_scope("postnet", reuse=v1.AUTO_REUSE):
            r = tf.tanh(norm_batch(conv1d(mel_before, 12, 5, name="conv_0"), training, "bn_0"))
            return mel_before, mel_before + conv1d(r, 12, 5, name="conv_1")

    before, after = speak(duration_gts)
    log_gts = v1.log(tf.cast(duration_gts + 1, tf.float32))
    duration_loss = v1.losses.mean_squared_error(log_gts, log_durations)
    mel_loss = tf.reduce_mean(tf.abs(mel_gts - before)) + tf.reduce_mean(tf.abs(mel_gts - after))
    for name, value in (("duration_loss", duration_loss), ("mel_loss", mel_loss)):
        v1.summary.scalar(name, value)
    step = v1.train.get_or_create_global_step()
    warm = tf.minimum(tf.cast(step + 1, tf.float32) / 100.0, 1.0)
    with tf.control_dependencies(v1.get_collection(v1.GraphKeys.UPDATE_OPS)):
        v1.train.AdamOptimizer(1e-3 * warm).minimize(duration_loss + mel_loss, global_step=step)
    durations = tf.cast(tf.math.round(tf.nn.relu(tf.exp(log_durations) - 1.0)), tf.int32)
    mel_outputs, mel_after = speak(durations)
    fed = [ids, speakers]
    return [
        (fed, [mel_outputs, mel_after, durations]),
        (fed, [mel_after]),
        (fed, [mel_outputs, mel_after]),
        (fed, [mel_after, durations]),
    ]


@case("audio", modern=True)
def waves_judged_at_three_scales() -> Truth:
    """Mel frames become samples; three judges hear the wave at three rates and compare what they felt."""
    mel = v1.placeholder(tf.float32, [None, 8, 10], name="mel")
    real = v1.placeholder(tf.float32, [None, 128, 1], name="wav")

    def wn_conv(
        x: Tensor, units: int, width: int, stride: int = 1, dilation: int = 1, name: str = "c"
    ) -> Tensor:
        with v1.variable_scope(name):
            v = v1.get_variable("v", [width, int(x.shape[-1]), units])
            g = v1.get_variable("g", [units], initializer=v1.ones_initializer())
            w = g * tf.nn.l2_normalize(v, [0, 1])
            return tf.nn.conv1d(x, w, stride, "SAME", dilations=dilation) + v1.get_variable("b", [units])

    with v1.variable_scope("generator"):
        x, channels, rows = wn_conv(mel, 16, 7, name="first"), 16, 8
        for i, up in enumerate((4, 4)):
            rows, channels = rows * up, channels // 2
            kernel = v1.get_variable(f"up_{i}", [2 * up, channels, 2 * channels])
            shape = tf.stack([tf.shape(x)[0], rows, channels])
            x = tf.nn.conv1d_transpose(tf.nn.leaky_relu(x, 0.2), kernel, shape, up, "SAME")
            x = tf.ensure_shape(x, [None, rows, channels])
            for j, d in enumerate((1, 3)):
                with v1.variable_scope(f"res_{i}_{j}"):
                    h = wn_conv(tf.nn.leaky_relu(x, 0.2), channels, 3, 1, d, "a")
                    x = wn_conv(x, channels, 1, name="skip") + wn_conv(
                        tf.nn.leaky_relu(h, 0.2), channels, 1, name="b"
                    )
        fake = tf.tanh(wn_conv(tf.nn.leaky_relu(x, 0.2), 1, 7, name="last"), name="audio")

    def judge(wave: Tensor, scope: str) -> list[Tensor]:
        with v1.variable_scope(scope, reuse=v1.AUTO_REUSE):
            felt = [tf.nn.leaky_relu(wn_conv(wave, 4, 15, name="l0"), 0.2)]
            for i in (1, 2):
                felt.append(tf.nn.leaky_relu(wn_conv(felt[-1], 4 * 2**i, 11, 4, name=f"l{i}"), 0.2))
            return [*felt, wn_conv(felt[-1], 1, 3, name="score")]

    d_loss, g_loss, match, a, b = 0.0, 0.0, 0.0, real, fake
    for i in range(3):
        r, f = judge(a, f"discriminator/scale_{i}"), judge(b, f"discriminator/scale_{i}")
        d_loss += tf.reduce_mean(tf.nn.relu(1 - r[-1])) + tf.reduce_mean(tf.nn.relu(1 + f[-1]))
        g_loss -= tf.reduce_mean(f[-1])
        match += tf.add_n([tf.reduce_mean(tf.abs(p - q)) for p, q in zip(r[:-1], f[:-1], strict=True)])
        a, b = (tf.nn.avg_pool1d(w, 4, 2, "SAME") for w in (a, b))
    v1.summary.audio("fake", fake, 16000, 2)
    v1.summary.scalar("d_loss", d_loss)
    g_vars = v1.trainable_variables("generator")
    d_vars = v1.trainable_variables("discriminator")
    d_step = v1.train.AdamOptimizer(1e-4, 0.5, 0.9).minimize(d_loss, var_list=d_vars)
    with tf.control_dependencies([d_step]):
        v1.train.AdamOptimizer(1e-4, 0.5, 0.9).minimize(g_loss + 10.0 * match, var_list=g_vars)
    return [mel], [fake]


@case("music")
def voices_of_a_chorale_filled_in() -> Truths:
    """Four voices on a piano roll, some of it hidden; chances of each pitch where nothing is to be seen."""
    steps, pitches, voices = 16, 20, 4
    with v1.variable_scope("model"):
        pianorolls = v1.placeholder(tf.float32, [None, steps, pitches, voices], name="pianorolls")
        masks = v1.placeholder(tf.float32, [None, steps, pitches, voices], name="masks")
        lengths = v1.placeholder(tf.float32, [None], name="lengths")
        is_training = v1.placeholder_with_default(False, [], name="is_training")
        seen = pianorolls * (1.0 - masks)
        x, before = tf.concat([seen, 1.0 - masks], 3), None
        for i in range(6):
            last = i == 5
            with v1.variable_scope(f"conv{i}"):
                size = voices if last else 12
                w = v1.get_variable("weights", [3, 3, int(x.shape[-1]), size])
                x = tf.nn.conv2d(x, w, [1, 1, 1, 1], "SAME")
                x = norm_batch(x, is_training) if not last else x + v1.get_variable("biases", [size])
                if i == 0:
                    before = x
                elif not last and i % 2 == 0:
                    x = before = x + before
                x = x if last else tf.nn.relu(x)
        logits = x
        predictions = tf.nn.softmax(logits, axis=2)
        cross = tf.nn.softmax_cross_entropy_with_logits(
            logits=tf.transpose(logits, [0, 1, 3, 2]), labels=tf.transpose(pianorolls, [0, 1, 3, 2])
        )
        unreduced = tf.transpose(cross[..., None], [0, 1, 3, 2])
        mask = tf.reduce_max(masks, 2, keepdims=True)
        length = tf.sequence_mask(lengths, steps, tf.float32)[:, :, None, None]
        unreduced *= length * mask
        hidden = tf.reduce_sum(mask * length, [1, 3], keepdims=True)
        loss_mask = tf.reduce_mean(tf.reduce_sum(unreduced / (hidden + 1e-6), [1, 3]))
        loss_total = tf.reduce_sum(unreduced) / tf.reduce_sum(mask)
        learning_rate = v1.Variable(0.001, name="learning_rate", trainable=False, dtype=tf.float32)
        v1.assign(learning_rate, learning_rate * 0.95)
        with tf.control_dependencies(v1.get_collection(v1.GraphKeys.UPDATE_OPS)):
            v1.train.AdamOptimizer(learning_rate=learning_rate).minimize(loss_mask)
    v1.summary.scalar("loss_total", loss_total)
    fed = [pianorolls, masks]
    return [(fed, [predictions]), (fed, [logits])]


@case("autoencoder")
def sketches_of_strokes_drawn_on() -> Truth:
    """Strokes to a code and a mixture for each next one; a second decoder draws one stroke at a time."""
    longest, mixtures, units = 10, 3, 12
    strokes = v1.placeholder(tf.float32, [20, longest + 1, 5], name="input_data")
    lengths = v1.placeholder(tf.int32, [20], name="sequence_lengths")
    output_x, input_x = strokes[:, 1:, :], strokes[:, :-1, :]
    kl_weight = v1.Variable(0.01, trainable=False, name="kl_weight")
    lr = v1.Variable(1e-3, trainable=False, name="learning_rate")
    with v1.variable_scope("vector_rnn"):
        _, (fw, bw) = both_ways(output_x, 8, lengths, "ENC_RNN")
        last_h = tf.concat([fw[1], bw[1]], 1)
        mean, presig = dense(last_h, 6, name="ENC_RNN_fc_mu"), dense(last_h, 6, name="ENC_RNN_fc_sigma")
        batch_z = mean + tf.exp(presig / 2.0) * tf.random.normal([20, 6], 0.0, 1.0)
        kl_cost = -0.5 * tf.reduce_mean(1 + presig - tf.square(mean) - tf.exp(presig))
    kl_cost = tf.maximum(kl_cost, 0.2)

    def decode(x: Tensor, z: Tensor, state: Any) -> tuple[list[Tensor], Tensor, Any]:
        with v1.variable_scope("vector_rnn", reuse=v1.AUTO_REUSE):
            wide = tf.tile(tf.reshape(z, [int(z.shape[0]), 1, 6]), [1, int(x.shape[1]), 1])
            begin = tuple(tf.split(state, 2, 1))
            with v1.variable_scope("RNN"):
                output, last = v1.nn.dynamic_rnn(
                    _LstmCell(units), tf.concat([x, wide], 2), initial_state=begin, dtype=tf.float32
                )
            params = dense(tf.reshape(output, [-1, units]), 3 + 6 * mixtures, name="RNN/output")
            pen_logits, rest = params[:, :3], params[:, 3:]
            pi, mu1, mu2, s1, s2, corr = tf.split(rest, 6, 1)
            parts = [tf.nn.softmax(pi), mu1, mu2, tf.exp(s1), tf.exp(s2), tf.tanh(corr)]
            return [*parts, tf.nn.softmax(pen_logits)], pen_logits, tf.concat(last, 1)

    def begin(z: Tensor) -> Tensor:
        with v1.variable_scope("vector_rnn", reuse=v1.AUTO_REUSE):
            return dense(z, 2 * units, tf.tanh, "init_state")

    parts, pen_logits, _ = decode(input_x, batch_z, begin(batch_z))
    pi, mu1, mu2, s1, s2, corr, _ = parts
    x1, x2, eos, eoc, cont = tf.split(tf.reshape(output_x, [-1, 5]), 5, 1)
    n1, n2, neg = (x1 - mu1) / s1, (x2 - mu2) / s2, 1 - tf.square(corr)
    z = tf.square(n1) + tf.square(n2) - 2 * corr * n1 * n2
    normal = tf.exp(-z / (2 * neg)) / (2 * np.pi * s1 * s2 * tf.sqrt(neg))
    shape_loss = -v1.log(tf.reduce_sum(normal * pi, 1, keepdims=True) + 1e-6) * (1.0 - cont)
    pens = tf.concat([eos, eoc, cont], 1)
    pen_loss = tf.nn.softmax_cross_entropy_with_logits(labels=pens, logits=pen_logits)
    r_cost = tf.reduce_mean(shape_loss + tf.reshape(pen_loss, [-1, 1]))
    step = v1.Variable(0, name="global_step", trainable=False)
    optimizer = v1.train.AdamOptimizer(lr)
    capped = [
        (tf.clip_by_value(g, -1.0, 1.0), v)
        for g, v in optimizer.compute_gradients(r_cost + kl_cost * kl_weight)
    ]
    optimizer.apply_gradients(capped, global_step=step, name="train_step")

    prev = v1.placeholder(tf.float32, [1, 1, 5], name="sample_x")
    code = v1.placeholder(tf.float32, [1, 6], name="sample_z")
    state = v1.placeholder(tf.float32, [1, 2 * units], name="sample_state")
    drawn, _, final_state = decode(prev, code, state)
    begin(code)
    fed = [prev, code, state]
    return fed, [*drawn, final_state]


# --- time ---------------------------------------------------------------------------------------------


@case("time series")
def demand_as_sample_paths() -> Truths:
    """A recurrent net tells mean and width of each next day; it walks on what it draws, fifty times."""
    past, past_feat = 12, v1.placeholder(tf.float32, [None, 12, 3], name="past_time_feat")
    past_target = v1.placeholder(tf.float32, [None, past], name="past_target")
    item = v1.placeholder(tf.int32, [None], name="item_id")
    future_feat = v1.placeholder(tf.float32, [None, 5, 3], name="future_time_feat")
    future_target = v1.placeholder(tf.float32, [None, 5], name="future_target")
    paths, units = 50, 10
    scale = 1.0 + tf.reduce_mean(tf.abs(past_target), 1, keepdims=True)
    who = tf.nn.embedding_lookup(v1.get_variable("item_embedding", [30, 4]), item)
    cell = _LstmCell(units, scope="deepar/lstm")

    def widths(h: Tensor) -> tuple[Tensor, Tensor]:
        with v1.variable_scope("deepar/projection", reuse=v1.AUTO_REUSE):
            return dense(h, 1, name="mu"), tf.nn.softplus(dense(h, 1, name="sigma")) + 1e-4

    everything = tf.concat([past_target, future_target], 1) / scale
    feats = tf.concat([past_feat, future_feat], 1)
    state, likely = cell.zero_state(tf.shape(item)[0]), []
    at_present: Any = None
    for t in range(1, 17):
        x = (
            tf.concat([everything[:, t - 1 : t], feats[:, t], who], 1)
            if t >= past
            else (tf.concat([past_target[:, t - 1 : t] / scale, past_feat[:, t], who], 1))
        )
        if t == past:
            at_present = state
        h, state = cell(x, state)
        mu, sigma = widths(h)
        miss = (everything[:, t : t + 1] - mu) / sigma
        likely.append(-0.5 * tf.square(miss) - v1.log(sigma) - 0.9189385)
    loss = -tf.reduce_mean(tf.concat(likely, 1))
    v1.summary.scalar("nll", loss)
    v1.train.AdamOptimizer(v1.train.cosine_decay(1e-3, v1.train.create_global_step(), 1000)).minimize(loss)

    def many(x: Tensor) -> Tensor:
        return tf.repeat(x, paths, axis=0)

    wide, ways, who_wide = many(scale), many(future_feat), many(who)

    def walk(t: Tensor, last: Tensor, c: Tensor, h: Tensor, kept: Any) -> Any:
        x = tf.ensure_shape(tf.concat([last, ways[:, t], who_wide], 1), [None, 8])
        h_out, (c, h) = cell(x, (c, h))
        mu, sigma = widths(h_out)
        drawn = mu + sigma * tf.random.normal(tf.shape(mu))
        return t + 1, drawn, c, h, kept.write(t, drawn * wide)

    start = [0, many(past_target[:, -1:] / scale), *(many(s) for s in at_present)]
    found = v1.while_loop(lambda t, *_: t < 5, walk, [*start, tf.TensorArray(tf.float32, 5)])
    samples = tf.reshape(tf.transpose(found[-1].stack(), [1, 0, 2]), [-1, paths, 5], name="samples")
    median = tf.sort(samples, axis=1)[:, paths // 2]
    fed = [past_target, past_feat, item, future_feat]
    return [(fed, [samples]), (fed, [median]), (fed, [samples, median])]


@case("time series", modern=True)
def stacks_that_explain_what_is_left() -> Truth:
    """Doubly residual blocks: trend, seasons and generic ones; each explains the past and adds a future."""
    backcast, horizon = 15, 5
    insample = v1.placeholder(tf.float32, (None, backcast), "insample_y")
    insample_mask = v1.placeholder(tf.float32, (None, backcast), "insample_mask")
    outsample = v1.placeholder(tf.float32, (None, horizon), "outsample_y")
    outsample_mask = v1.placeholder(tf.float32, (None, horizon), "outsample_mask")
    back = np.arange(backcast) / backcast
    ahead = np.arange(horizon) / horizon

    def powers(t: Any) -> Any:
        return tf.constant(np.stack([t**i for i in range(3)]), tf.float32)

    def waves(t: Any) -> Any:
        both = [f(2 * np.pi * i * t) for i in range(1, 3) for f in (np.cos, np.sin)]
        return tf.constant(np.stack(both), tf.float32)

    level = tf.reduce_max(tf.abs(insample), 1, keepdims=True) + 1e-6
    residuals = insample / level
    forecast: Any = tf.zeros_like(residuals[:, :horizon])
    for i, kind in enumerate(("trend", "trend", "season", "season", "generic")):
        with v1.variable_scope(f"block_{i}_{kind}"):
            h = residuals
            for j in range(4):
                h = dense(h, 16, tf.nn.relu, f"fc{j}")
            if kind == "generic":
                b, f = dense(h, backcast, name="theta_b"), dense(h, horizon, name="theta_f")
            else:
                basis = powers if kind == "trend" else waves
                size = int(basis(back).shape[0])
                theta = dense(h, 2 * size, name="theta", bias=False)
                b = tf.matmul(theta[:, :size], basis(back))
                f = tf.matmul(theta[:, size:], basis(ahead))
        residuals = (residuals - b) * insample_mask
        forecast = forecast + f
    forecast = tf.multiply(forecast, level, name="forecast")
    smape = (
        200 * tf.abs(forecast - outsample) / (tf.abs(outsample) + tf.abs(tf.stop_gradient(forecast)) + 1e-8)
    )
    loss = tf.reduce_mean(smape * outsample_mask)
    v1.summary.scalar("train_loss", loss)
    step = v1.train.get_or_create_global_step()
    rate = v1.train.piecewise_constant(step, [500, 750], [1e-3, 5e-4, 2.5e-4])
    optimizer = v1.train.AdamOptimizer(rate)
    pairs = [(tf.clip_by_norm(g, 1.0), v) for g, v in optimizer.compute_gradients(loss) if g is not None]
    optimizer.apply_gradients(pairs, step)
    return [insample, insample_mask], [forecast]


@case("graph net")
def speeds_on_a_road_network() -> Truths:
    """Gated convolutions over time, Chebyshev ones over sensors; one placeholder has past and future."""
    n_his, n, ks, kt = 9, 14, 3, 3
    x = v1.placeholder(tf.float32, [None, n_his + 1, n, 1], name="data_input")
    keep_prob = v1.placeholder(tf.float32, name="keep_prob")
    raw = np.abs(np.random.RandomState(0).randn(n, ks * n)) / n
    v1.add_to_collection("graph_kernel", tf.cast(tf.constant(raw), tf.float32))

    def temporal(h: Tensor, c_in: int, c_out: int, act: str = "GLU", span: int = kt) -> Tensor:
        steps = int(h.shape[1])
        if c_in > c_out:
            h_in = tf.nn.conv2d(h, v1.get_variable("wt_input", [1, 1, c_in, c_out]), [1, 1, 1, 1], "SAME")
        else:
            h_in = (
                tf.concat([h, tf.zeros([tf.shape(h)[0], steps, n, c_out - c_in])], 3) if c_in < c_out else h
            )
        h_in = h_in[:, span - 1 : steps, :, :]
        size = 2 * c_out if act == "GLU" else c_out
        wt = v1.get_variable("wt", [span, 1, c_in, size])
        v1.add_to_collection("weight_decay", tf.nn.l2_loss(wt))
        bt = v1.get_variable("bt", initializer=v1.zeros_initializer(), shape=[size])
        y = tf.nn.conv2d(h, wt, [1, 1, 1, 1], "VALID") + bt
        if act == "GLU":
            return (y[:, :, :, :c_out] + h_in) * tf.nn.sigmoid(y[:, :, :, -c_out:])
        return tf.nn.sigmoid(y) if act == "sigmoid" else tf.nn.relu(y + h_in)

    def spatial(h: Tensor, c: int) -> Tensor:
        steps = int(h.shape[1])
        theta = v1.get_variable("ws", [ks * c, c])
        kernel = v1.get_collection("graph_kernel")[0]
        flat = tf.reshape(tf.transpose(tf.reshape(h, [-1, n, c]), [0, 2, 1]), [-1, n])
        mul = tf.reshape(tf.matmul(flat, kernel), [-1, c, ks, n])
        mul = tf.reshape(tf.transpose(mul, [0, 3, 1, 2]), [-1, c * ks])
        out = tf.reshape(tf.matmul(mul, theta) + v1.get_variable("bs", [c]), [-1, steps, n, c])
        return tf.nn.relu(out + h)

    def ln(h: Tensor) -> Tensor:
        mu, sigma = tf.nn.moments(h, axes=[2, 3], keepdims=True)
        size = [1, 1, n, int(h.shape[3])]
        gamma = v1.get_variable("gamma", initializer=tf.ones(size))
        beta = v1.get_variable("beta", initializer=tf.zeros(size))
        return (h - mu) / tf.sqrt(sigma + 1e-6) * gamma + beta

    h = x[:, 0:n_his, :, :]
    for i, (si, oo) in enumerate(((1, 8), (8, 8))):
        with v1.variable_scope(f"stn_block_{i}_in"):
            h = temporal(h, si, 4)
            h = spatial(h, 4)
        with v1.variable_scope(f"stn_block_{i}_out"):
            h = temporal(h, 4, oo, "relu", 2)
        with v1.variable_scope(f"layer_norm_{i}"):
            h = v1.nn.dropout(ln(h), rate=1 - keep_prob)
    ko = int(h.shape[1])
    with v1.variable_scope("output_layer_in"):
        h = temporal(h, 8, 8, "GLU", ko)
    with v1.variable_scope("output_layer_ln"):
        h = ln(h)
    with v1.variable_scope("output_layer_out"):
        h = temporal(h, 8, 8, "sigmoid", 1)
    w, b = v1.get_variable("w", [1, 1, 8, 1]), v1.get_variable("b", [n, 1])
    y = tf.nn.conv2d(h, w, [1, 1, 1, 1], "SAME") + b
    v1.add_to_collection(
        "copy_loss", tf.nn.l2_loss(x[:, n_his - 1 : n_his, :, :] - x[:, n_his : n_his + 1, :, :])
    )
    train_loss = tf.nn.l2_loss(y - x[:, n_his : n_his + 1, :, :])
    single_pred = y[:, 0, :, :]
    v1.add_to_collection("y_pred", single_pred)
    v1.summary.scalar("train_loss", train_loss)
    steps = v1.Variable(0, trainable=False)
    rate = v1.train.exponential_decay(1e-3, steps, 50, 0.7, staircase=True)
    with tf.control_dependencies([v1.assign_add(steps, 1)]):
        v1.train.RMSPropOptimizer(rate).minimize(train_loss)
    return [([x], [single_pred]), ([x], [y])]


@case("anomalies")
def density_of_what_was_compressed() -> Truth:
    """Rows are compressed, codes and errors make a mixture's memberships; the energy of a row is strange."""
    x = v1.placeholder(dtype=tf.float32, shape=[None, 18])
    drop = v1.placeholder(dtype=tf.float32, shape=[])
    with v1.variable_scope("CompNet"):
        with v1.variable_scope("Encoder"):
            z = dense(dense(x, 10, tf.nn.tanh, "layer_1"), 2, name="layer_2")
        with v1.variable_scope("Decoder"):
            x_dash = dense(dense(z, 10, tf.nn.tanh, "layer_1"), 18, name="layer_2")
        norm_x, norm_dash = tf.norm(x, axis=1), tf.norm(x_dash, axis=1)
        far = tf.norm(x - x_dash, axis=1) / (norm_x + 1e-3)
        cosine = tf.reduce_sum(x * x_dash, 1) / (norm_x * norm_dash + 1e-3)
        zc = tf.concat([z, tf.stack([far, cosine], 1)], 1)
    with v1.variable_scope("EstNet"):
        h = v1.nn.dropout(dense(zc, 10, tf.nn.tanh, "layer_1"), rate=drop)
        gamma = tf.nn.softmax(dense(h, 3, name="logits"))
    with v1.variable_scope("GMM"):
        phi = v1.get_variable("phi", [3], initializer=v1.zeros_initializer(), trainable=False)
        mu = v1.get_variable("mu", [3, 4], initializer=v1.zeros_initializer(), trainable=False)
        chol = v1.get_variable("L", [3, 4, 4], initializer=v1.zeros_initializer(), trainable=False)
        gamma_sum = tf.reduce_sum(gamma, axis=0)
        t_phi = tf.reduce_mean(gamma, axis=0)
        t_mu = tf.einsum("ik,il->kl", gamma, zc) / gamma_sum[:, None]
        z_centered = tf.sqrt(gamma[:, :, None]) * (zc[:, None, :] - t_mu[None, :, :])
        t_sigma = tf.einsum("ikl,ikm->klm", z_centered, z_centered) / gamma_sum[:, None, None]
        t_chol = tf.linalg.cholesky(t_sigma + tf.linalg.diag(tf.ones([3, 4]) * 1e-3))
        tf.group(v1.assign(phi, t_phi), v1.assign(mu, t_mu), v1.assign(chol, t_chol), name="fix_op")

        def energy(p: Tensor, m: Tensor, ell: Tensor) -> Tensor:
            apart = zc[:, None, :] - m[None, :, :]
            v = tf.linalg.triangular_solve(ell, tf.transpose(apart, [1, 2, 0]))
            log_det = 2.0 * tf.reduce_sum(v1.log(tf.linalg.diag_part(ell)), axis=1)
            logits = v1.log(p[:, None]) - 0.5 * (
                tf.reduce_sum(tf.square(v), axis=1) + 4 * math.log(2.0 * math.pi) + log_det[:, None]
            )
            return -tf.reduce_logsumexp(logits, axis=0)

        train_energy = energy(t_phi, t_mu, t_chol)
        test_energy = energy(phi, mu, chol)
    error = tf.reduce_mean(tf.reduce_sum(tf.square(x - x_dash), 1))
    diag = tf.reduce_sum(tf.divide(1.0, tf.linalg.diag_part(t_sigma)))
    v1.train.AdamOptimizer(1e-4).minimize(error + 0.1 * tf.reduce_mean(train_energy) + 1e-4 * diag)
    return [x], [test_energy]


# --- shops, graphs, tables ----------------------------------------------------------------------------


@case("recommender", modern=True)
def clicks_by_crossing_layers_from_lines() -> Truths:
    """Lines of text become columns; explicit crosses stand beside a deep net; the chance of a click."""
    numbers, kinds = ["I1", "I2", "I3"], ["C1", "C2", "C3", "C4"]

    def decode(line: Tensor) -> Any:
        columns = v1.decode_csv(line, [[0.0]] + [[0.0]] * 3 + [[""]] * 4)
        features = dict(zip(numbers + kinds, columns[1:], strict=True))
        return features, columns[0]

    files = v1.placeholder(tf.string, [None], name="filenames")
    dataset = tf.data.TextLineDataset(files).skip(1).map(decode, num_parallel_calls=2).shuffle(100)
    iterator = v1.data.make_initializable_iterator(dataset.batch(32).prefetch(1))
    features, label = iterator.get_next()
    keep = v1.placeholder_with_default(1.0, [], name="keep")
    with v1.variable_scope("input_layer"):
        parts = [v1.log1p(tf.nn.relu(features[n]))[:, None] for n in numbers]
        for kind in kinds:
            ids = tf.strings.to_hash_bucket_fast(features[kind], 50)
            table = v1.get_variable(f"{kind}_embedding/embedding_weights", [50, 4])
            parts.append(tf.nn.embedding_lookup(table, ids))
        x0 = tf.concat(parts, 1)
    size = int(x0.shape[1])
    with v1.variable_scope("cross_network"):
        x = x0
        for i in range(3):
            w = v1.get_variable(f"w_{i}", [size, 1])
            b = v1.get_variable(f"b_{i}", [size], initializer=v1.zeros_initializer())
            x = x0 * tf.matmul(x, w) + b + x
    with v1.variable_scope("deep_network"):
        h = x0
        for i, units in enumerate((16, 8)):
            h = v1.nn.dropout(dense(h, units, tf.nn.relu, f"fc_{i}"), rate=1 - keep)
    logit = tf.squeeze(dense(tf.concat([x, h], 1), 1, name="logit"), 1)
    ctr = tf.sigmoid(logit, name="ctr")
    loss = tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(logits=logit, labels=label))
    auc, _ = v1.metrics.auc(label, ctr)
    v1.summary.scalar("auc", auc)
    v1.train.AdagradOptimizer(0.05).minimize(loss, global_step=v1.train.get_or_create_global_step())
    fed = [features[n] for n in numbers + kinds]
    return [(fed, [ctr]), (fed, [logit])]


@case("recommender")
def interest_that_grows_along_the_past() -> Truth:
    """A first GRU reads the past and is asked what came next; a second one follows what suits the item."""
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
        uids = v1.get_variable("uid_embedding_var", [30, 4])
        mids = v1.get_variable("mid_embedding_var", [60, 4])
        cats = v1.get_variable("cat_embedding_var", [9, 4])
        v1.summary.histogram("uid_embedding_var", uids)
        uid_eb = tf.nn.embedding_lookup(uids, uid)
        item = tf.concat([tf.nn.embedding_lookup(mids, mid), tf.nn.embedding_lookup(cats, cat)], 1)
        his = tf.concat([tf.nn.embedding_lookup(mids, mid_his), tf.nn.embedding_lookup(cats, cat_his)], 2)
        his_sum = tf.reduce_sum(his, 1)
        no_mid = tf.nn.embedding_lookup(mids, noclk_mid[:, :, 0])
        no_his = tf.concat([no_mid, tf.nn.embedding_lookup(cats, noclk_cat[:, :, 0])], -1)
    with v1.name_scope("rnn_1"):
        outputs, _ = v1.nn.dynamic_rnn(
            _GruCell(8), his, sequence_length=seq_len, dtype=tf.float32, scope="gru1"
        )

    def auxiliary(h: Tensor, following: Tensor) -> Tensor:
        with v1.variable_scope("aux", reuse=v1.AUTO_REUSE):
            x = dense(tf.concat([h, following], -1), 10, tf.nn.sigmoid, "f1")
            return tf.nn.softmax(dense(x, 2, name="f3"))[:, :, 0] + 0.00000001

    clicked = -v1.log(auxiliary(outputs[:, :-1, :], his[:, 1:, :])) * mask[:, 1:]
    ignored = -v1.log(1.0 - auxiliary(outputs[:, :-1, :], no_his[:, 1:, :])) * mask[:, 1:]
    aux_loss = tf.reduce_mean(clicked + ignored)
    with v1.name_scope("Attention_layer_1"):
        query = dense(item, 8, name="f1_att")
        queries = tf.tile(query[:, None], [1, tf.shape(outputs)[1], 1])
        din = tf.concat([queries, outputs, queries - outputs, queries * outputs], -1)
        d = dense(dense(din, 10, tf.nn.sigmoid, "f2_att"), 1, name="f3_att")[..., 0]
        d = tf.where(tf.equal(mask, tf.ones_like(mask)), d, tf.ones_like(d) * (-(2.0**32) + 1))
        alphas = tf.nn.softmax(d)
        v1.summary.histogram("alpha_outputs", alphas)
    with v1.name_scope("rnn_2"):
        _, final = v1.nn.dynamic_rnn(
            _GruCell(8, attended=True),
            tf.concat([outputs, alphas[..., None]], -1),
            sequence_length=seq_len,
            dtype=tf.float32,
            scope="gru2",
        )
    inp = tf.concat([uid_eb, item, his_sum, item * his_sum, final], 1)
    bn1 = norm_batch(inp, True, "bn1")
    x = dense(bn1, 16, name="f1")
    alpha = v1.get_variable("prelu_1", [16], initializer=v1.constant_initializer(0.1))
    x = tf.maximum(0.0, x) + alpha * tf.minimum(0.0, x)
    y_hat = tf.nn.softmax(dense(x, 2, name="f3")) + 0.00000001
    with v1.name_scope("Metrics"):
        loss = -tf.reduce_mean(v1.log(y_hat) * target) + aux_loss
        v1.summary.scalar("loss", loss)
        v1.train.AdamOptimizer(learning_rate=lr).minimize(loss)
        accuracy = tf.reduce_mean(tf.cast(tf.equal(tf.round(y_hat), target), tf.float32))
        v1.summary.scalar("accuracy", accuracy)
    v1.summary.merge_all()
    fed = [uid, mid, cat, mid_his, cat_his, mask, seq_len]
    return fed, [y_hat]


@case("recommender")
def likes_spread_over_a_bipartite_graph() -> Truth:
    """Users and items pass messages along who liked what; pairs teach, a block of ratings is the answer."""
    n_users, n_items, dim = 20, 30, 8
    users = v1.placeholder(tf.int32, shape=(None,))
    pos_items = v1.placeholder(tf.int32, shape=(None,))
    neg_items = v1.placeholder(tf.int32, shape=(None,))
    v1.placeholder(tf.float32, shape=[None])  # for dropping nodes, which is switched off
    mess_dropout = v1.placeholder(tf.float32, shape=[None])
    rng = np.random.RandomState(0)
    likes = (rng.rand(n_users, n_items) < 0.2).astype("float32")
    adjacency = np.zeros((n_users + n_items, n_users + n_items), "float32")
    adjacency[:n_users, n_users:], adjacency[n_users:, :n_users] = likes, likes.T
    adjacency += np.eye(n_users + n_items, dtype="float32")
    adjacency /= adjacency.sum(1, keepdims=True)
    rows, columns = np.nonzero(adjacency)
    indices = np.stack([rows, columns], 1)
    initializer = v1.glorot_uniform_initializer()
    user_table = v1.Variable(initializer([n_users, dim]), name="user_embedding")
    item_table = v1.Variable(initializer([n_items, dim]), name="item_embedding")
    graph = tf.SparseTensor(indices, adjacency[rows, columns], adjacency.shape)
    ego = tf.concat([user_table, item_table], axis=0)
    kept = [ego]
    for k in range(2):
        side = v1.sparse_tensor_dense_matmul(graph, ego)
        w_gc, b_gc = v1.Variable(initializer([dim, dim]), name=f"W_gc_{k}"), v1.Variable(tf.zeros([1, dim]))
        w_bi, b_bi = v1.Variable(initializer([dim, dim]), name=f"W_bi_{k}"), v1.Variable(tf.zeros([1, dim]))
        sums = tf.nn.leaky_relu(tf.matmul(side, w_gc) + b_gc)
        pairs = tf.nn.leaky_relu(tf.matmul(tf.multiply(ego, side), w_bi) + b_bi)
        ego = v1.nn.dropout(sums + pairs, rate=mess_dropout[k])
        kept.append(tf.nn.l2_normalize(ego, axis=1))
    u_all, i_all = tf.split(tf.concat(kept, 1), [n_users, n_items], 0)
    u_g = tf.nn.embedding_lookup(u_all, users)
    pos_g, neg_g = tf.nn.embedding_lookup(i_all, pos_items), tf.nn.embedding_lookup(i_all, neg_items)
    batch_ratings = tf.matmul(u_g, pos_g, transpose_a=False, transpose_b=True)
    pos_scores = tf.reduce_sum(tf.multiply(u_g, pos_g), axis=1)
    neg_scores = tf.reduce_sum(tf.multiply(u_g, neg_g), axis=1)
    regularizer = (tf.nn.l2_loss(u_g) + tf.nn.l2_loss(pos_g) + tf.nn.l2_loss(neg_g)) / 16
    mf_loss = tf.reduce_mean(tf.nn.softplus(-(pos_scores - neg_scores)))
    v1.train.AdamOptimizer(learning_rate=0.01).minimize(mf_loss + 1e-5 * regularizer)
    return [users, pos_items], [batch_ratings]


@case("recommender")
def next_click_in_a_graph_of_the_session() -> Truth:
    """Clicks of a session are a small graph with gated steps; the last click asks all the others."""
    batch, size, n_node = 8, 10, 50
    mask = v1.placeholder(dtype=tf.float32)
    alias = v1.placeholder(dtype=tf.int32)
    item = v1.placeholder(dtype=tf.int32)
    tar = v1.placeholder(dtype=tf.int32)
    adj_in = v1.placeholder(dtype=tf.float32, shape=[batch, None, None])
    adj_out = v1.placeholder(dtype=tf.float32, shape=[batch, None, None])
    uniform = v1.random_uniform_initializer(-0.3, 0.3)
    with v1.variable_scope("ggnn_model", initializer=uniform):
        embedding = v1.get_variable("embedding", [n_node, size])
        w_in, b_in = v1.get_variable("W_in", [size, size]), v1.get_variable("b_in", [size])
        w_out, b_out = v1.get_variable("W_out", [size, size]), v1.get_variable("b_out", [size])
        state = tf.nn.embedding_lookup(embedding, item)
        cell = _GruCell(size)
        with v1.variable_scope("gru"):
            for _ in range(2):
                state = tf.reshape(state, [batch, -1, size])
                flat = tf.reshape(state, [-1, size])
                fin = tf.reshape(tf.matmul(flat, w_in) + b_in, [batch, -1, size])
                fout = tf.reshape(tf.matmul(flat, w_out) + b_out, [batch, -1, size])
                av = tf.concat([tf.matmul(adj_in, fin), tf.matmul(adj_out, fout)], axis=-1)
                x = tf.reshape(av, [-1, 2 * size])
                _, state = cell(x, flat)
        re_embedding = tf.reshape(state, [batch, -1, size])
        rm = tf.reduce_sum(mask, 1)
        last_id = tf.gather_nd(alias, tf.stack([tf.range(batch), tf.cast(rm, tf.int32) - 1], axis=1))
        last_h = tf.gather_nd(re_embedding, tf.stack([tf.range(batch), last_id], axis=1))
        seq_h = tf.stack([tf.nn.embedding_lookup(re_embedding[i], alias[i]) for i in range(batch)], axis=0)
        w1, w2 = v1.get_variable("nasr_w1", [size, size]), v1.get_variable("nasr_w2", [size, size])
        v, b = v1.get_variable("nasrv", [1, size]), v1.get_variable("nasr_b", [size])
        last = tf.matmul(last_h, w1)
        seq = tf.matmul(tf.reshape(seq_h, [-1, size]), w2)
        m = tf.nn.sigmoid(tf.reshape(last, [batch, 1, -1]) + tf.reshape(seq, [batch, -1, size]) + b)
        coef = tf.matmul(tf.reshape(m, [-1, size]), v, transpose_b=True) * tf.reshape(mask, [-1, 1])
        ma = tf.concat(
            [
                tf.reduce_sum(tf.reshape(coef, [batch, -1, 1]) * seq_h, 1),
                tf.reshape(last_h, [batch, size]),
            ],
            -1,
        )
        y1 = tf.matmul(ma, v1.get_variable("B", [2 * size, size]))
        logits = tf.matmul(y1, embedding[1:], transpose_b=True)
    loss = tf.reduce_mean(v1.nn.sparse_softmax_cross_entropy_with_logits(labels=tar - 1, logits=logits))
    decay = tf.add_n([tf.nn.l2_loss(v) for v in v1.trainable_variables() if "bias" not in v.name]) * 1e-5
    step = v1.Variable(0)
    rate = v1.train.exponential_decay(
        0.001, global_step=step, decay_steps=100, decay_rate=0.1, staircase=True
    )
    v1.train.AdamOptimizer(rate).minimize(loss + decay, global_step=step)
    return [item, adj_in, adj_out, alias, mask], [logits]


def _sparsemax(z: Tensor) -> Tensor:
    """Projection onto the simplex: few entries stay above zero."""
    size = int(z.shape[1])
    ordered, _ = tf.nn.top_k(z, size)
    sums = tf.cumsum(ordered, 1)
    k = tf.range(1, size + 1, dtype=tf.float32)[None]
    count = tf.reduce_sum(tf.cast(1 + k * ordered > sums, tf.int32), 1, keepdims=True)
    tau = (tf.gather(sums, count - 1, batch_dims=1) - 1) / tf.cast(count, tf.float32)
    return tf.maximum(0.0, z - tau)


@case("tabular")
def columns_chosen_step_by_step() -> Truths:
    """Each step chooses columns by a sparse mask; a training tower and a validation tower share weights."""
    fields = [f"soil_{i}" for i in range(6)]

    def batches(name: str) -> Any:
        def parse(line: Tensor) -> Any:
            *columns, label = v1.decode_csv(line, [[0.0]] * 6 + [[0]])
            return dict(zip(fields, columns, strict=True)), label

        data = v1.data.TextLineDataset([name]).map(parse).shuffle(50).repeat().batch(24)
        return v1.data.make_initializable_iterator(data).get_next()

    def transform(x: Tensor, scope: str, training: bool) -> Tensor:
        for name in ("Transform_f1", "Transform_f2"):
            h = norm_batch(dense(x, 16, name=name, bias=False), training, f"{name}_bn")
            a, gate = tf.split(h, 2, 1)
            x = a * tf.nn.sigmoid(gate) if name == "Transform_f1" else (x + a * tf.nn.sigmoid(gate)) * 0.7071
        for name in (f"Transform_f3{scope}", f"Transform_f4{scope}"):
            h = norm_batch(dense(x, 16, name=name, bias=False), training, f"{name}_bn")
            a, gate = tf.split(h, 2, 1)
            x = (x + a * tf.nn.sigmoid(gate)) * math.sqrt(0.5)
        return x

    def encoder(data: Any, training: bool) -> tuple[Tensor, Tensor]:
        with v1.variable_scope("Encoder", reuse=not training):
            features = norm_batch(tf.stack([data[f] for f in fields], 1), training, "features_bn")
            masked, prior = features, tf.ones_like(features)
            total, entropy = 0.0, 0.0
            for step in range(3):
                h = transform(masked, str(step), training)
                if step:
                    total += tf.nn.relu(h[:, :4])
                if step < 2:
                    values = norm_batch(
                        dense(h[:, 4:], 6, name=f"Transform_coef{step}"), training, f"coef_bn{step}"
                    )
                    mask = _sparsemax(values * prior)
                    prior *= 1.5 - mask
                    entropy += tf.reduce_mean(tf.reduce_sum(-mask * v1.log(mask + 1e-5), 1)) / 2
                    masked = tf.multiply(mask, features)
                    v1.summary.image(f"Mask for step{step}", mask[None, :, :, None], max_outputs=1)
            return total, entropy

    def classify(code: Tensor, reuse: bool) -> tuple[Tensor, Tensor]:
        with v1.variable_scope("Classify", reuse=reuse):
            logits = dense(code, 7, name="fc", bias=False)
            return logits, tf.nn.softmax(logits)

    feature_train, label_train = batches("data/train.csv")
    feature_val, label_val = batches("data/val.csv")
    code_train, entropy = encoder(feature_train, True)
    logits_train, _ = classify(code_train, False)
    each = v1.nn.sparse_softmax_cross_entropy_with_logits(logits=logits_train, labels=label_train)
    loss = tf.reduce_mean(each) + 1e-4 * entropy
    v1.summary.scalar("Total loss", loss)
    step = v1.train.get_or_create_global_step()
    rate = v1.train.exponential_decay(0.02, global_step=step, decay_steps=500, decay_rate=0.95)
    optimizer = v1.train.AdamOptimizer(learning_rate=rate)
    with tf.control_dependencies(v1.get_collection(v1.GraphKeys.UPDATE_OPS)):
        pairs = optimizer.compute_gradients(loss)
        capped = [(tf.clip_by_value(g, -2000.0, 2000.0), v) for g, v in pairs if g is not None]
        optimizer.apply_gradients(capped, global_step=step)
    code_val, _ = encoder(feature_val, False)
    logits_val, prediction_val = classify(code_val, True)
    predicted = tf.argmax(prediction_val, 1)
    right = tf.equal(predicted, tf.cast(label_val, tf.int64))
    v1.summary.scalar("Val accuracy", tf.reduce_mean(tf.cast(right, tf.float32)))
    v1.summary.merge_all()
    fed = [feature_val[f] for f in fields]
    return [(fed, [prediction_val]), (fed, [predicted]), (fed, [logits_val])]


@case("survival")
def when_and_of_what() -> Truth:
    """A joint distribution over causes and months; two masks and a rank loss teach it, who lives on too."""
    num_event, num_category = 2, 12
    mb_size = v1.placeholder(tf.int32, [], name="batch_size")
    lr_rate = v1.placeholder(tf.float32, [], name="learning_rate")
    keep_prob = v1.placeholder(tf.float32, [], name="keep_probability")
    a, b, c = (v1.placeholder(tf.float32, [], name=n) for n in ("alpha", "beta", "gamma"))
    x = v1.placeholder(tf.float32, shape=[None, 9], name="inputs")
    k = v1.placeholder(tf.float32, shape=[None, 1], name="labels")
    t = v1.placeholder(tf.float32, shape=[None, 1], name="timetoevents")
    fc_mask1 = v1.placeholder(tf.float32, shape=[None, num_event, num_category], name="mask1")
    fc_mask2 = v1.placeholder(tf.float32, shape=[None, num_category], name="mask2")
    reg = 0.0
    with v1.variable_scope("DeepHit"):
        shared = old_dropout(dense(x, 12, tf.nn.relu, "shared_0"), keep_prob)
        h = tf.concat([x, dense(shared, 12, tf.nn.relu, "shared_1")], axis=1)
        causes = []
        for i in range(num_event):
            cause = old_dropout(dense(h, 10, tf.nn.relu, f"cause_{i}_0"), keep_prob)
            causes.append(dense(cause, 10, tf.nn.relu, f"cause_{i}_1"))
        out = tf.reshape(tf.stack(causes, axis=1), [-1, num_event * 10])
        out = dense(old_dropout(out, keep_prob), num_event * num_category, tf.nn.softmax, "Output")
        out = tf.reshape(out, [-1, num_event, num_category])
        reg = 1e-4 * tf.add_n([tf.nn.l2_loss(v) for v in v1.trainable_variables("DeepHit")])
    with v1.name_scope("loss_log_likelihood"):
        i_1 = tf.sign(k)
        tmp1 = tf.reduce_sum(tf.reduce_sum(fc_mask1 * out, axis=2), axis=1, keepdims=True)
        tmp1 = i_1 * v1.log(tmp1 + 1e-8)
        tmp2 = tf.reduce_sum(tf.reduce_sum(fc_mask1 * out, axis=2), axis=1, keepdims=True)
        tmp2 = (1.0 - i_1) * v1.log(tmp2 + 1e-8)
        loss_1 = -tf.reduce_mean(tmp1 + 1.0 * tmp2)
    ranks, calibrated = [], []
    for e in range(num_event):
        one = tf.ones_like(t, dtype=tf.float32)
        i_2 = tf.linalg.diag(tf.squeeze(tf.cast(tf.equal(k, float(e + 1)), tf.float32)))
        event_out = tf.reshape(tf.slice(out, [0, e, 0], [-1, 1, -1]), [-1, num_category])
        r = tf.matmul(event_out, tf.transpose(fc_mask2))
        diag_r = tf.reshape(tf.linalg.diag_part(r), [-1, 1])
        r = tf.transpose(tf.matmul(one, tf.transpose(diag_r)) - r)
        later = tf.nn.relu(tf.sign(tf.matmul(one, tf.transpose(t)) - tf.matmul(t, tf.transpose(one))))
        late = tf.matmul(i_2, later)
        ranks.append(tf.reduce_mean(late * tf.exp(-r / 0.1), axis=1, keepdims=True))
        risk = tf.reduce_sum(fc_mask2 * event_out, axis=0) / tf.cast(mb_size, tf.float32)
        calibrated.append(tf.reduce_mean((risk - tf.reduce_mean(i_1)) ** 2, keepdims=True))
    loss_2 = tf.reduce_sum(tf.reduce_mean(tf.stack(ranks, axis=1), axis=1, keepdims=True))
    loss_3 = tf.reduce_sum(tf.stack(calibrated))
    total = a * loss_1 + b * loss_2 + c * loss_3 + reg
    v1.train.AdamOptimizer(learning_rate=lr_rate, beta1=0.9, beta2=0.999).minimize(total)
    return [x], [out]


@case("knowledge graph", plain=True)
def facts_by_convolved_pictures() -> Truths:
    """A thing and a relation are stacked as a picture; its code is compared with all things at once."""
    n_ent, n_rel, wide, high = 60, 9, 4, 4
    e1 = v1.placeholder(tf.int64, [None], name="e1")
    rel = v1.placeholder(tf.int64, [None], name="rel")
    e2_multi = v1.placeholder(tf.float32, [None, n_ent], name="e2_multi1")
    input_keep_prob = v1.placeholder_with_default(1.0, [], name="input_keep_prob")
    hidden_keep_prob = v1.placeholder_with_default(1.0, [], name="hidden_keep_prob")
    is_train = v1.placeholder_with_default(False, [], name="is_train")
    with v1.variable_scope("variables"):
        xavier = v1.glorot_normal_initializer()
        ent_emb = v1.get_variable("ent_emb", [n_ent, wide * high], initializer=xavier)
        rel_emb = v1.get_variable("rel_emb", [n_rel, wide * high], initializer=xavier)
        bias = v1.get_variable("b", [n_ent], initializer=v1.zeros_initializer())
    with v1.variable_scope("conve"):
        left = tf.reshape(tf.nn.embedding_lookup(ent_emb, e1), [-1, wide, high, 1])
        right = tf.reshape(tf.nn.embedding_lookup(rel_emb, rel), [-1, wide, high, 1])
        picture = norm_batch(tf.concat([left, right], 1), is_train, "bn0")
        picture = v1.nn.dropout(picture, rate=1 - input_keep_prob)
        kernel = v1.get_variable("kernel", [3, 3, 1, 8], initializer=xavier)
        h = tf.nn.relu(norm_batch(tf.nn.conv2d(picture, kernel, 1, "VALID"), is_train, "bn1"))
        noise = tf.stack([tf.shape(h)[0], 1, 1, 8])
        h = v1.nn.dropout(h, rate=0.2 * (1 - hidden_keep_prob), noise_shape=noise)
        h = dense(tf.reshape(h, [-1, 6 * 2 * 8]), wide * high, name="fc")
        h = tf.nn.relu(norm_batch(v1.nn.dropout(h, rate=1 - hidden_keep_prob), is_train, "bn2"))
        logits = tf.matmul(h, ent_emb, transpose_b=True) + bias
    pred = tf.sigmoid(logits, name="pred")
    smooth = (1.0 - 0.1) * e2_multi + 1.0 / n_ent
    loss = tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(labels=smooth, logits=logits))
    step = v1.train.get_or_create_global_step()
    with tf.control_dependencies(v1.get_collection(v1.GraphKeys.UPDATE_OPS)):
        v1.train.AdamOptimizer(0.003).minimize(loss, global_step=step)
    return [([e1, rel], [pred]), ([e1, rel], [logits])]


@case("graph net")
def links_of_a_graph_from_its_codes() -> Truths:
    """A variational coder of a graph: sparse features, sparse neighbours; codes for links to be held out."""
    nodes, words = 25, 18
    features = v1.sparse_placeholder(tf.float32)
    adj = v1.sparse_placeholder(tf.float32)
    adj_orig = v1.sparse_placeholder(tf.float32)
    dropout = v1.placeholder_with_default(0.0, shape=())

    def glorot(rows: int, columns: int, name: str) -> Tensor:
        bound = math.sqrt(6.0 / (rows + columns))
        return v1.Variable(v1.random_uniform([rows, columns], -bound, bound), name=name)

    with v1.variable_scope("gcnmodelvae"):
        keep = v1.random_uniform(tf.shape(features.values)) + (1.0 - dropout)
        sparse = v1.sparse_retain(features, tf.cast(tf.floor(keep), tf.bool)) * (1.0 / (1.0 - dropout))
        hidden = v1.sparse_tensor_dense_matmul(sparse, glorot(words, 10, "weights"))
        hidden = tf.nn.relu(v1.sparse_tensor_dense_matmul(adj, hidden))

        def layer(name: str) -> Tensor:
            x = v1.nn.dropout(hidden, rate=dropout)
            return v1.sparse_tensor_dense_matmul(adj, tf.matmul(x, glorot(10, 5, name)))

        z_mean, z_log_std = layer("mean_weights"), layer("std_weights")
        z = z_mean + tf.random.normal([nodes, 5]) * tf.exp(z_log_std)
        z_drop = v1.nn.dropout(z, rate=dropout)
        reconstructions = tf.reshape(tf.matmul(z_drop, tf.transpose(z_drop)), [-1])
    with v1.name_scope("optimizer"):
        labels_sub = tf.reshape(v1.sparse_tensor_to_dense(adj_orig, validate_indices=False), [-1])
        cross = tf.nn.weighted_cross_entropy_with_logits(
            logits=reconstructions, labels=labels_sub, pos_weight=7.0
        )
        log_lik = 0.6 * tf.reduce_mean(cross)
        kl = (0.5 / nodes) * tf.reduce_mean(
            tf.reduce_sum(1 + 2 * z_log_std - tf.square(z_mean) - tf.square(tf.exp(z_log_std)), 1)
        )
        optimizer = v1.train.AdamOptimizer(learning_rate=0.01)
        optimizer.apply_gradients(optimizer.compute_gradients(log_lik - kl))
        guessed = tf.cast(tf.greater_equal(tf.sigmoid(reconstructions), 0.5), tf.int32)
        tf.reduce_mean(tf.cast(tf.equal(guessed, tf.cast(labels_sub, tf.int32)), tf.float32))
    fed = [p for s in (features, adj) for p in (s.indices, s.values, s.dense_shape)]
    return [(fed, [z_mean]), (fed, [reconstructions])]


@case("molecules", frozen=True)
def solubility_from_bonds() -> Truth:
    """A frozen graph net: atoms, pairs of bonds and whose atom it is; sums over each molecule."""
    atoms = v1.placeholder(tf.int32, [None], name="atom_types")
    charges = v1.placeholder(tf.float32, [None, 2], name="atom_features")
    bonds = v1.placeholder(tf.int32, [None, 2], name="bond_index")
    owner = v1.placeholder(tf.int32, [None], name="molecule_index")
    y = v1.placeholder(tf.float32, [None], name="solubility")
    count = tf.shape(atoms)[0]
    h = tf.concat([tf.nn.embedding_lookup(v1.get_variable("atom_table", [20, 10]), atoms), charges], 1)
    read = []
    molecules = tf.reduce_max(owner) + 1
    for i in range(3):
        with v1.variable_scope(f"gin_{i}"):
            eps = v1.get_variable("eps", [], initializer=v1.zeros_initializer())
            messages = tf.gather(h, bonds[:, 0])
            heard = v1.unsorted_segment_sum(messages, bonds[:, 1], count)
            h = dense(dense((1.0 + eps) * h + heard, 12, tf.nn.relu, "mlp_0"), 12, name="mlp_1")
            h = tf.nn.relu(norm_batch(h, False, "bn"))
            read.append(dense(v1.unsorted_segment_sum(h, owner, molecules), 1, name="readout"))
    prediction = tf.squeeze(tf.add_n(read), 1, name="log_solubility")
    loss = v1.losses.huber_loss(y, prediction)
    v1.train.AdamOptimizer(1e-3).minimize(loss)
    fed = [atoms, charges, bonds, owner]
    return fed, [prediction]


# --- as they are shipped ------------------------------------------------------------------------------


@case("exported")
def language_of_a_snippet_from_examples() -> Truths:
    """Serialized examples are parsed, letters looked up, convolved; names of languages leave sorted."""
    serialized = v1.placeholder(tf.string, [None], name="input_example_tensor")
    parsed = v1.parse_example(serialized, {"snippet": v1.FixedLenFeature([], tf.string, default_value="")})
    letters = tf.constant([chr(i) for i in range(97, 123)] + [" ", ".", "é", "ü", "ñ"])
    table = tf.lookup.StaticHashTable(
        tf.lookup.KeyValueTensorInitializer(letters, tf.range(2, 33, dtype=tf.int64)), 1
    )
    ragged = tf.strings.unicode_split(tf.strings.lower(parsed["snippet"], encoding="utf-8"), "UTF-8")
    ids = table.lookup(ragged.to_tensor("", shape=[None, 40]))
    embedded = tf.nn.embedding_lookup(v1.get_variable("letters", [33, 8]), ids)
    found = [tf.reduce_max(tf.nn.relu(conv1d(embedded, 8, w, name=f"ngram_{w}")), 1) for w in (2, 3, 4)]
    logits = dense(tf.concat(found, 1), 6, name="logits")
    values, indices = tf.nn.top_k(tf.nn.softmax(logits), 6)
    names = tf.lookup.StaticHashTable(
        tf.lookup.KeyValueTensorInitializer(
            tf.range(6, dtype=tf.int64), tf.constant(["cs", "de", "en", "es", "fr", "it"])
        ),
        "?",
    )
    classes = names.lookup(tf.cast(indices, tf.int64))
    v1.tables_initializer(name="init_all_tables")
    v1.global_variables_initializer()
    return [([serialized], [classes, values]), ([serialized], [classes])]


@case("language", frozen=True)
def next_words_for_a_keyboard() -> Truths:
    """A frozen model behind a keyboard: ids so far and how many; the best three words and their chances."""
    ids = v1.placeholder(tf.int32, [1, None], name="in_word_ids")
    count = v1.placeholder(tf.int32, [1], name="in_len")
    emb = v1.get_variable("Model/embedding", [70, 12])
    with v1.variable_scope("Model"):
        out, _ = v1.nn.dynamic_rnn(
            _LstmCell(24, scope="cifg"), tf.nn.embedding_lookup(emb, ids), count, dtype=tf.float32
        )
        last = tf.gather_nd(out, tf.stack([tf.range(1), count - 1], 1))
        projected = dense(last, 12, name="projection", bias=False)
        logits = tf.matmul(projected, emb, transpose_b=True) + v1.get_variable("out_bias", [70])
        allowed = tf.concat([tf.fill([1, 3], -1e9), tf.zeros([1, 67])], 1)
        probs = tf.nn.softmax(logits + allowed)
    top_prob, top_ids = tf.nn.top_k(probs, 3)
    prob = tf.identity(top_prob, name="out_top_prob")
    words = tf.identity(top_ids, name="out_top_ids")
    fed = [ids, count]
    return [(fed, [prob, words]), (fed, [words])]


@case("reader", frozen=True)
def missing_name_by_summed_attention() -> Truths:
    """A frozen reader: attention on a story is summed for each name that might fill the question's gap."""
    document = v1.placeholder(tf.int32, [None, 20], name="document")
    question = v1.placeholder(tf.int32, [None, 8], name="question")
    candidates = v1.placeholder(tf.int32, [None, 5], name="candidates")
    answer = v1.placeholder(tf.int32, [None], name="answer")
    d_len = tf.reduce_sum(tf.cast(document > 0, tf.int32), 1)
    q_len = tf.reduce_sum(tf.cast(question > 0, tf.int32), 1)
    table = v1.get_variable("embedding", [90, 10])
    with v1.variable_scope("document"):
        d, _ = v1.nn.bidirectional_dynamic_rnn(
            _GruCell(8), _GruCell(8), tf.nn.embedding_lookup(table, document), d_len, dtype=tf.float32
        )
        d = tf.concat(d, 2)
    with v1.variable_scope("question"):
        _, q = v1.nn.bidirectional_dynamic_rnn(
            _GruCell(8), _GruCell(8), tf.nn.embedding_lookup(table, question), q_len, dtype=tf.float32
        )
        q = tf.concat(q, 1)
    attention = tf.exp(tf.squeeze(tf.matmul(d, q[:, :, None]), 2)) * tf.sequence_mask(d_len, 20, tf.float32)
    attention /= tf.reduce_sum(attention, 1, keepdims=True)
    same = tf.cast(tf.equal(candidates[:, :, None], document[:, None, :]), tf.float32)
    chances = tf.reduce_sum(same * attention[:, None, :], 2)
    probs = tf.divide(chances, tf.reduce_sum(chances, 1, keepdims=True) + 1e-7, name="probs")
    chosen = tf.argmax(probs, 1, name="prediction")
    loss = -tf.reduce_mean(v1.log(tf.gather(probs, answer, batch_dims=1) + 1e-7))
    v1.train.AdamOptimizer(1e-3).minimize(loss)
    tf.reduce_mean(tf.cast(tf.equal(chosen, tf.cast(answer, tf.int64)), tf.float32), name="accuracy")
    fed = [document, question, candidates]
    return [(fed, [probs, chosen]), (fed, [probs]), (fed, [chosen])]


@case("recommender", modern=True)
def ranker_served_with_histories_of_any_length() -> Truths:
    """A served ranker: examples with sparse histories; bags, a candidate's vector, two chances at once."""
    examples = v1.placeholder(tf.string, shape=[None], name="examples")
    spec = {
        "viewed": v1.VarLenFeature(tf.string),
        "viewed_seconds": v1.VarLenFeature(tf.float32),
        "candidate": v1.FixedLenFeature([], tf.string),
        "hour": v1.FixedLenFeature([], tf.int64, default_value=0),
        "age_of_item": v1.FixedLenFeature([1], tf.float32, default_value=[0.0]),
    }
    features = v1.parse_example(examples, spec, name="ParseExample")
    viewed = features["viewed"]
    ids = tf.SparseTensor(
        viewed.indices, tf.strings.to_hash_bucket_fast(viewed.values, 100), viewed.dense_shape
    )
    seconds = features["viewed_seconds"]
    weights = tf.SparseTensor(seconds.indices, v1.log1p(seconds.values), seconds.dense_shape)
    with v1.variable_scope("dnn"):
        items = v1.get_variable("items", [100, 10])
        history = v1.nn.embedding_lookup_sparse(items, ids, weights, combiner="sqrtn")
        candidate = tf.nn.embedding_lookup(items, tf.strings.to_hash_bucket_fast(features["candidate"], 100))
        hour = tf.one_hot(features["hour"], 24)
        x = tf.concat([history, candidate, history * candidate, hour, features["age_of_item"]], 1)
        x = dense(dense(x, 16, tf.nn.relu, "hiddenlayer_0"), 8, tf.nn.relu, "hiddenlayer_1")
        click = tf.sigmoid(dense(x, 1, name="head_click"), name="click_probability")
        watch = tf.nn.softplus(dense(x, 1, name="head_watch"), name="expected_watch")
    score = tf.multiply(click, watch, name="score")
    return [([examples], [click, watch, score]), ([examples], [score]), ([examples], [click, watch])]
