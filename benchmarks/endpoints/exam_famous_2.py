"""Graphs of well-known repositories for text, sound, graphs, shops and games."""

# ruff: noqa: N803, N806 (the names are those of the authors)

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from benchmarks.endpoints.cases import Truth, Truths, case, v1

Tensor = Any


def _get(name: str, shape: list[int], zero: bool = False) -> Tensor:
    return v1.get_variable(
        name, shape, initializer=v1.zeros_initializer() if zero else v1.random_normal_initializer(stddev=0.05)
    )


def _layer(x: Tensor, n: int, name: str, activation: Callable[[Tensor], Tensor] | None = None) -> Tensor:
    """tf.layers.dense on any rank."""
    with v1.variable_scope(name, reuse=v1.AUTO_REUSE):
        y = tf.tensordot(x, _get("kernel", [int(x.shape[-1]), n]), 1) + _get("bias", [n], True)
        y.set_shape([*x.shape[:-1], n])
        return activation(y) if activation else y


def _lstm_step(x: Tensor, c: Tensor, h: Tensor, units: int, name: str) -> tuple[Tensor, Tensor]:
    with v1.variable_scope(name, reuse=v1.AUTO_REUSE):
        kernel = _get("kernel", [int(x.shape[-1]) + units, 4 * units])
        bias = _get("bias", [4 * units], True)
    i, j, f, o = tf.split(tf.nn.bias_add(tf.matmul(tf.concat([x, h], 1), kernel), bias), 4, axis=1)
    c = c * tf.sigmoid(f + 1.0) + tf.sigmoid(i) * tf.tanh(j)
    return c, tf.tanh(c) * tf.sigmoid(o)


def _recurrent(xs: Tensor, lengths: Tensor | None, units: int, scope: str) -> tuple[Tensor, Tensor]:
    """A loop over time with arrays, as dynamic_rnn makes: all outputs, and the last one."""
    with v1.variable_scope(scope):
        time_major = tf.transpose(xs, [1, 0, 2])
        time, batch = tf.shape(time_major)[0], tf.shape(time_major)[1]
        source = tf.TensorArray(tf.float32, time, name="input_0").unstack(time_major)
        sink = tf.TensorArray(tf.float32, time, name="output_0")
        zero = tf.zeros([batch, units])
        width = int(xs.shape[-1])

        def body(t: Tensor, out: Any, c: Tensor, h: Tensor) -> Any:
            x = source.read(t)
            x.set_shape([None, width])
            new_c, new_h = _lstm_step(x, c, h, units, "lstm_cell")
            emit = new_h
            if lengths is not None:
                done = tf.tile((t >= lengths)[:, None], [1, units])
                emit = tf.where(done, tf.zeros_like(new_h), new_h)
                new_c, new_h = tf.where(done, c, new_c), tf.where(done, h, new_h)
            return t + 1, out.write(t, emit), new_c, new_h

        start = (tf.constant(0), sink, zero, zero)
        _, sink, _, last = v1.while_loop(lambda t, *_: t < time, body, start, parallel_iterations=32)
        outputs = tf.transpose(sink.stack(), [1, 0, 2])
        outputs.set_shape([xs.shape[0], xs.shape[1], units])
        last.set_shape([None, units])
        return outputs, last


class _CharRnn:
    """Sherjil Ozair's model, at its training length."""

    def __init__(self, batch: int, length: int, size: int, layers: int, vocab: int) -> None:
        self.input_data = v1.placeholder(tf.int32, [batch, length])
        self.targets = v1.placeholder(tf.int32, [batch, length])
        with tf.name_scope("MultiRNNCellZeroState"):
            self.initial_state = [(tf.zeros([batch, size]), tf.zeros([batch, size])) for _ in range(layers)]
        with v1.variable_scope("rnnlm"):
            softmax_w = v1.get_variable("softmax_w", [size, vocab])
            softmax_b = v1.get_variable("softmax_b", [vocab])
            embedding = v1.get_variable("embedding", [vocab, size])
        inputs = tf.nn.dropout(tf.nn.embedding_lookup(embedding, self.input_data), rate=0.1)
        state, outputs = list(self.initial_state), []
        with v1.variable_scope("rnnlm"):
            for x in tf.split(inputs, length, 1):
                y = tf.squeeze(x, [1])
                for i in range(layers):
                    state[i] = _lstm_step(y, *state[i], size, f"multi_rnn_cell/cell_{i}/basic_lstm_cell")
                    y = tf.nn.dropout(state[i][1], rate=0.2)
                outputs.append(y)
        output = tf.reshape(tf.concat(outputs, 1), [-1, size])
        self.logits = tf.matmul(output, softmax_w) + softmax_b
        self.probs = tf.nn.softmax(self.logits)
        loss = v1.nn.sparse_softmax_cross_entropy_with_logits(
            labels=tf.reshape(self.targets, [-1]), logits=self.logits
        ) * tf.ones([batch * length])
        with tf.name_scope("cost"):
            self.cost = tf.reduce_sum(loss) / batch / length
        self.final_state = state
        self.lr = tf.Variable(0.0, trainable=False)
        tvars = v1.trainable_variables()
        grads, _ = tf.clip_by_global_norm(tf.gradients(self.cost, tvars), 5.0)
        with tf.name_scope("optimizer"):
            optimizer = v1.train.AdamOptimizer(self.lr)
        self.train_op = optimizer.apply_gradients(zip(grads, tvars, strict=True))
        v1.summary.histogram("logits", self.logits)
        v1.summary.histogram("loss", loss)
        v1.summary.scalar("train_loss", self.cost)


@case("language")
def char_rnn_with_zero_states() -> Truth:
    """char-rnn-tensorflow.

    ``sample`` feeds the characters and the (zero) states, fetches ``probs`` and the final states.
    """
    model = _CharRnn(batch=4, length=6, size=16, layers=2, vocab=30)
    states = [s for pair in model.initial_state for s in pair]
    final = [s for pair in model.final_state for s in pair]
    return [model.input_data, *states], [model.probs, *final]


@case("tagger")
def ner_with_characters_and_crf() -> Truths:
    """Genthial's tagger: predict_batch fetches logits and the transitions, then runs Viterbi in numpy."""
    tags, units = 9, 12
    word_ids = v1.placeholder(tf.int32, [None, None], name="word_ids")
    sequence_lengths = v1.placeholder(tf.int32, [None], name="sequence_lengths")
    char_ids = v1.placeholder(tf.int32, [None, None, None], name="char_ids")
    word_lengths = v1.placeholder(tf.int32, [None, None], name="word_lengths")
    labels = v1.placeholder(tf.int32, [None, None], name="labels")
    dropout = v1.placeholder(tf.float32, [], name="dropout")
    lr = v1.placeholder(tf.float32, [], name="lr")
    with v1.variable_scope("words"):
        table = tf.Variable(np.ones([50, 16], np.float32), name="_word_embeddings", trainable=False)
        word_embeddings = tf.nn.embedding_lookup(table, word_ids, name="word_embeddings")
    with v1.variable_scope("chars"):
        chars = tf.nn.embedding_lookup(_get("_char_embeddings", [30, 8]), char_ids, name="char_embeddings")
        s = tf.shape(chars)
        chars = tf.reshape(chars, [s[0] * s[1], s[-2], 8])
        flat = tf.reshape(word_lengths, [s[0] * s[1]])
        fw = _recurrent(chars, flat, 6, "bidirectional_rnn/fw")[1]
        bw = _recurrent(tf.reverse_sequence(chars, flat, 1), flat, 6, "bidirectional_rnn/bw")[1]
        output = tf.reshape(tf.concat([fw, bw], -1), [s[0], s[1], 12])
        word_embeddings = tf.concat([word_embeddings, output], -1)
    word_embeddings = v1.nn.dropout(word_embeddings, dropout)
    with v1.variable_scope("bi-lstm"):
        fw = _recurrent(word_embeddings, sequence_lengths, units, "bidirectional_rnn/fw")[0]
        backward = tf.reverse_sequence(word_embeddings, sequence_lengths, 1)
        bw = tf.reverse_sequence(
            _recurrent(backward, sequence_lengths, units, "bidirectional_rnn/bw")[0], sequence_lengths, 1
        )
        output = v1.nn.dropout(tf.concat([fw, bw], -1), dropout)
    with v1.variable_scope("proj"):
        W, b = _get("W", [2 * units, tags]), _get("b", [tags], True)
        nsteps = tf.shape(output)[1]
        pred = tf.matmul(tf.reshape(output, [-1, 2 * units]), W) + b
        logits = tf.reshape(pred, [-1, nsteps, tags])
    trans_params = _get("transitions", [tags, tags])
    mask = tf.sequence_mask(sequence_lengths, nsteps, dtype=tf.float32)
    one_hot = tf.one_hot(labels, tags)
    unary = tf.reduce_sum(logits * one_hot * mask[..., None], [1, 2])
    pairs = tf.gather(tf.reshape(trans_params, [-1]), labels[:, :-1] * tags + labels[:, 1:])
    score = unary + tf.reduce_sum(pairs * mask[:, 1:], 1)

    def forward(alpha: Tensor, now: tuple[Tensor, Tensor]) -> Tensor:
        emission, keep = now
        new = tf.reduce_logsumexp(alpha[:, :, None] + trans_params[None], 1) + emission
        return keep[:, None] * new + (1 - keep)[:, None] * alpha

    rest = (tf.transpose(logits, [1, 0, 2])[1:], tf.transpose(mask)[1:])
    alphas = tf.scan(forward, rest, initializer=logits[:, 0])
    log_likelihood = score - tf.reduce_logsumexp(alphas[-1], 1)
    loss = tf.reduce_mean(-log_likelihood)
    v1.summary.scalar("loss", loss)
    with v1.variable_scope("train_step"):
        optimizer = v1.train.AdamOptimizer(lr)
        grads, vs = zip(*optimizer.compute_gradients(loss), strict=True)
        clipped, _ = tf.clip_by_global_norm(grads, 5.0)
        optimizer.apply_gradients(zip(clipped, vs, strict=True))
    v1.summary.merge_all()
    inputs = [word_ids, sequence_lengths, char_ids, word_lengths]
    return [(inputs, [logits, trans_params]), (inputs, [logits])]


@case("language", modern=True)
def bert_for_squad() -> Truth:
    """run_squad.py as model_fn over an iterator: predictions are the start and the end logits."""
    length, width, heads = 24, 16, 2
    features = {n: v1.FixedLenFeature([length], tf.int64) for n in ("input_ids", "input_mask", "segment_ids")}
    features |= {
        n: v1.FixedLenFeature([], tf.int64) for n in ("unique_ids", "start_positions", "end_positions")
    }

    def decode(record: Tensor) -> dict[str, Tensor]:
        return {k: tf.cast(t, tf.int32) for k, t in v1.parse_single_example(record, features).items()}

    d = tf.data.TFRecordDataset(["gs://squad/train.tf_record"]).repeat().shuffle(100, seed=1)
    feats = v1.data.make_one_shot_iterator(d.map(decode).batch(8, drop_remainder=True)).get_next()
    input_ids, input_mask, segment_ids = feats["input_ids"], feats["input_mask"], feats["segment_ids"]

    def norm(x: Tensor, name: str = "LayerNorm") -> Tensor:
        with v1.variable_scope(name):
            mean, var = tf.nn.moments(x, [-1], keepdims=True)
            gamma = v1.get_variable("gamma", [width], initializer=v1.ones_initializer())
            return tf.nn.batch_normalization(x, mean, var, _get("beta", [width], True), gamma, 1e-12)

    def gelu(x: Tensor) -> Tensor:
        return x * 0.5 * (1.0 + tf.math.erf(x / math.sqrt(2.0)))

    with v1.variable_scope("bert"):
        with v1.variable_scope("embeddings"):
            x = tf.gather(_get("word_embeddings", [99, width]), tf.reshape(input_ids, [-1]))
            x = tf.reshape(x, [8, length, width])
            types = tf.one_hot(tf.reshape(segment_ids, [-1]), depth=2)
            x += tf.reshape(tf.matmul(types, _get("token_type_embeddings", [2, width])), [8, length, width])
            x += tf.slice(_get("position_embeddings", [64, width]), [0, 0], [length, -1])[None]
            x = v1.nn.dropout(norm(x), keep_prob=0.9)
        with v1.variable_scope("encoder"):
            mask = tf.cast(tf.reshape(input_mask, [8, 1, length]), tf.float32) * tf.ones([8, length, 1])
            adder = (1.0 - tf.expand_dims(mask, [1])) * -10000.0
            x = tf.reshape(x, [-1, width])
            for i in range(2):
                with v1.variable_scope(f"layer_{i}"):
                    with v1.variable_scope("attention/self"):
                        q, k, v = (
                            tf.transpose(
                                tf.reshape(_layer(x, width, n), [8, length, heads, width // heads]),
                                [0, 2, 1, 3],
                            )
                            for n in ("query", "key", "value")
                        )
                        scores = tf.matmul(q, k, transpose_b=True) * (1.0 / math.sqrt(width / heads)) + adder
                        probs = v1.nn.dropout(tf.nn.softmax(scores), keep_prob=0.9)
                        context = tf.reshape(tf.transpose(tf.matmul(probs, v), [0, 2, 1, 3]), [-1, width])
                    with v1.variable_scope("attention/output"):
                        x = norm(v1.nn.dropout(_layer(context, width, "dense"), keep_prob=0.9) + x)
                    with v1.variable_scope("intermediate"):
                        y = _layer(x, 32, "dense", gelu)
                    with v1.variable_scope("output"):
                        x = norm(v1.nn.dropout(_layer(y, width, "dense"), keep_prob=0.9) + x)
            sequence = tf.reshape(x, [8, length, width])
        with v1.variable_scope("pooler"):
            _layer(tf.squeeze(sequence[:, 0:1, :], axis=1), width, "dense", tf.tanh)
    output_weights, output_bias = (
        _get("cls/squad/output_weights", [2, width]),
        _get("cls/squad/output_bias", [2], True),
    )
    logits = tf.matmul(tf.reshape(sequence, [8 * length, width]), output_weights, transpose_b=True)
    logits = tf.transpose(tf.reshape(tf.nn.bias_add(logits, output_bias), [8, length, 2]), [2, 0, 1])
    start_logits, end_logits = tf.unstack(logits, axis=0)

    def compute_loss(scores: Tensor, positions: Tensor) -> Tensor:
        return -tf.reduce_mean(
            tf.reduce_sum(tf.one_hot(positions, length) * tf.nn.log_softmax(scores, -1), -1)
        )

    loss = (
        compute_loss(start_logits, feats["start_positions"])
        + compute_loss(end_logits, feats["end_positions"])
    ) / 2.0
    step = v1.train.get_or_create_global_step()
    rate = v1.train.polynomial_decay(5e-5, step, 1000, 0.0, 1.0)
    warm = tf.cast(step < 100, tf.float32)
    rate = (1.0 - warm) * rate + warm * 5e-5 * tf.cast(step, tf.float32) / 100.0
    tvars = v1.trainable_variables()
    grads, _ = tf.clip_by_global_norm(tf.gradients(loss, tvars), clip_norm=1.0)
    updates = []
    for grad, param in zip(grads, tvars, strict=True):
        if grad is None:
            continue
        name = param.op.name
        m, v = (
            v1.get_variable(f"{name}/{n}", param.shape, trainable=False, initializer=v1.zeros_initializer())
            for n in ("adam_m", "adam_v")
        )
        next_m = 0.9 * m + 0.1 * tf.convert_to_tensor(grad)
        next_v = 0.999 * v + 0.001 * tf.square(tf.convert_to_tensor(grad))
        update = next_m / (tf.sqrt(next_v) + 1e-6)
        if "LayerNorm" not in name and "bias" not in name:
            update += 0.01 * param
        updates += [v1.assign(param, param - rate * update), v1.assign(m, next_m), v1.assign(v, next_v)]
    tf.group(*updates, v1.assign(step, step + 1))
    return [input_ids, input_mask, segment_ids], [start_logits, end_logits]


@case("language")
def gpt2_finetuning_with_samples() -> Truth:
    """Nshepperd's train.py: every so often it feeds ``context`` and fetches the sampled tokens."""
    vocab, width, heads, layers, ctx = 60, 16, 2, 2, 32

    def norm(x: Tensor, scope: str) -> Tensor:
        with v1.variable_scope(scope):
            g = v1.get_variable("g", [width], initializer=tf.constant_initializer(1))
            b = v1.get_variable("b", [width], initializer=tf.constant_initializer(0))
            u = tf.reduce_mean(x, axis=-1, keepdims=True)
            s = tf.reduce_mean(tf.square(x - u), axis=-1, keepdims=True)
            return (x - u) * v1.rsqrt(s + 1e-5) * g + b

    def conv1d(x: Tensor, scope: str, nf: int) -> Tensor:
        with v1.variable_scope(scope):
            nx = int(x.shape[-1])
            w, b = _get("w", [1, nx, nf]), _get("b", [nf], True)
            start = tf.shape(x)[:-1]
            c = tf.matmul(tf.reshape(x, [-1, nx]), tf.reshape(w, [-1, nf])) + b
            return tf.reshape(c, tf.concat([start, [nf]], 0))

    def split_heads(x: Tensor) -> Tensor:
        s = tf.shape(x)
        return tf.transpose(tf.reshape(x, [s[0], s[1], heads, width // heads]), [0, 2, 1, 3])

    def attn(x: Tensor, past: Tensor | None) -> tuple[Tensor, Tensor]:
        with v1.variable_scope("attn"):
            c = conv1d(x, "c_attn", width * 3)
            c.set_shape([None, None, 3 * width])
            q, k, v = map(split_heads, tf.split(c, 3, axis=2))
            present = tf.stack([k, v], axis=1)
            if past is not None:
                pk, pv = tf.unstack(past, axis=1)
                k, v = tf.concat([pk, k], axis=-2), tf.concat([pv, v], axis=-2)
            w = tf.matmul(q, k, transpose_b=True) * (1.0 / math.sqrt(width // heads))
            nd, ns = tf.shape(w)[2], tf.shape(w)[3]
            b = tf.cast(tf.range(nd)[:, None] >= tf.range(ns) - ns + nd, w.dtype)
            w = tf.nn.softmax(w * b - 1e10 * (1 - b))
            a = tf.transpose(tf.matmul(w, v), [0, 2, 1, 3])
            a = tf.reshape(a, [tf.shape(x)[0], tf.shape(x)[1], width])
            a.set_shape([None, None, width])
            a = conv1d(a, "c_proj", width)
            a.set_shape([None, None, width])
            return a, present

    def model(X: Tensor, past: Tensor | None = None) -> dict[str, Tensor]:
        with v1.variable_scope("model", reuse=v1.AUTO_REUSE):
            batch, sequence = tf.shape(X)[0], tf.shape(X)[1]
            wpe, wte = _get("wpe", [ctx, width]), _get("wte", [vocab, width])
            past_length = 0 if past is None else tf.shape(past)[-2]
            position = tf.tile((past_length + tf.range(sequence))[None], [batch, 1])
            h = tf.gather(wte, X) + tf.gather(wpe, position)
            pasts = tf.unstack(past, layers, axis=1) if past is not None else [None] * layers
            presents = []
            for layer, one in enumerate(pasts):
                with v1.variable_scope(f"h{layer}"):
                    a, present = attn(norm(h, "ln_1"), one)
                    presents.append(present)
                    h = h + a
                    with v1.variable_scope("mlp"):
                        m = conv1d(norm(h, "ln_2"), "c_fc", 32)
                        m = 0.5 * m * (1 + tf.tanh(0.79788 * (m + 0.044715 * tf.pow(m, 3))))
                        m.set_shape([None, None, 32])
                        m = conv1d(m, "c_proj", width)
                        m.set_shape([None, None, width])
                        h = h + m
            flat = tf.reshape(norm(h, "ln_f"), [batch * sequence, width])
            logits = tf.reshape(tf.matmul(flat, wte, transpose_b=True), [batch, sequence, vocab])
            return {"present": tf.stack(presents, axis=1), "logits": logits}

    def sample_sequence(length: int, context: Tensor, batch: int, temperature: float, top_k: int) -> Tensor:
        def step(tokens: Tensor, past: Tensor | None = None) -> tuple[Tensor, Tensor]:
            out = model(tokens, past)
            out["present"].set_shape([batch, layers, 2, heads, None, width // heads])
            return out["logits"][:, :, :vocab], out["present"]

        with tf.name_scope("sample_sequence"):
            _, present = step(context[:, :-1])

            def body(past: Tensor, prev: Tensor, output: Tensor) -> list[Tensor]:
                logits, new = step(prev[:, tf.newaxis], past)
                logits = logits[:, -1, :] / temperature
                values, _ = tf.nn.top_k(logits, k=top_k)
                least = values[:, -1, tf.newaxis]
                logits = tf.where(logits < least, tf.ones_like(logits) * -1e10, logits)
                drawn = v1.multinomial(logits, num_samples=1, output_dtype=tf.int32)
                return [
                    tf.concat([past, new], axis=-2),
                    tf.squeeze(drawn, axis=[1]),
                    tf.concat([output, drawn], axis=1),
                ]

            _, _, tokens = v1.while_loop(
                cond=lambda *_: True, body=body, maximum_iterations=length,
                loop_vars=[present, context[:, -1], context],
                shape_invariants=[
                    tf.TensorShape([batch, layers, 2, heads, None, width // heads]),
                    tf.TensorShape([batch]), tf.TensorShape([batch, None]),
                ],
                back_prop=False,
            )  # fmt: skip
            return tokens

    def cost(tokens: Tensor, out: dict[str, Tensor]) -> Tensor:
        return tf.reduce_mean(
            v1.nn.sparse_softmax_cross_entropy_with_logits(labels=tokens[:, 1:], logits=out["logits"][:, :-1])
        )

    context = v1.placeholder(tf.int32, [2, None])
    context_in = context
    noise = v1.random_uniform(tf.shape(context), 0, vocab, tf.int32)
    context_in = tf.where(v1.random_uniform(tf.shape(context)) < 0.1, noise, context_in)
    loss = cost(context, model(context_in))
    val_context = v1.placeholder(tf.int32, [2, None])
    val_loss = cost(val_context, model(val_context))
    v1.summary.scalar("val_loss", val_loss)
    tf_sample = sample_sequence(8, context, 2, 1.0, 10)
    all_vars = [v for v in v1.trainable_variables() if "model" in v.name]
    rate = v1.placeholder_with_default(1e-4, [], name="lr")
    opt = v1.train.AdamOptimizer(learning_rate=rate)
    grads = list(zip(tf.gradients(loss, all_vars), all_vars, strict=True))
    opt.apply_gradients(grads)
    v1.summary.merge([v1.summary.scalar("learning_rate", rate), v1.summary.scalar("loss", loss)])
    return [context], [tf_sample]


@case("audio")
def deepspeech_with_block_lstm() -> Truth:
    """Mozilla's DeepSpeech in training.

    Features and lengths come of an iterator; the decoder takes ``raw_logits``.
    """
    n_input, n_context, hidden, letters = 13, 2, 24, 29

    def to_features(file: Tensor, label: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        wav = tf.audio.decode_wav(tf.io.read_file(file), desired_channels=1)
        spectrogram = tf.raw_ops.AudioSpectrogram(
            input=wav.audio, window_size=512, stride=320, magnitude_squared=True
        )
        mfcc = tf.raw_ops.Mfcc(
            spectrogram=spectrogram, sample_rate=wav.sample_rate, dct_coefficient_count=n_input
        )
        mfcc = tf.reshape(mfcc, [-1, n_input])
        codes = tf.cast(tf.io.decode_raw(label, tf.uint8), tf.int32)
        return mfcc, tf.shape(mfcc)[0], codes

    data = tf.data.Dataset.from_tensor_slices(
        (["a.wav", "b.wav", "c.wav", "d.wav"], ["ab", "ba", "aa", "bb"])
    )
    data = (
        data.map(to_features).padded_batch(4, ([None, n_input], [], [None]), drop_remainder=True).prefetch(1)
    )
    iterator = v1.data.Iterator.from_structure(
        v1.data.get_output_types(data),
        v1.data.get_output_shapes(data),
        output_classes=v1.data.get_output_classes(data),
    )
    iterator.make_initializer(data)
    batch_x, batch_seq_len, batch_y = iterator.get_next()
    step = v1.train.get_or_create_global_step()
    dropout_rates = [v1.placeholder(tf.float32, name=f"dropout_{i}") for i in range(6)]

    def dense(name: str, x: Tensor, units: int, drop: Tensor | None = None, relu: bool = True) -> Tensor:
        with v1.variable_scope(name, reuse=v1.AUTO_REUSE):
            y = tf.nn.bias_add(
                tf.matmul(x, _get("weights", [int(x.shape[-1]), units])), _get("bias", [units], True)
            )
        if relu:
            y = tf.minimum(tf.nn.relu(y), 20.0)
        return v1.nn.dropout(y, rate=drop) if drop is not None else y

    with tf.device("/gpu:0"), tf.name_scope("tower_0"):
        window = 2 * n_context + 1
        eye = tf.constant(
            np.eye(window * n_input, dtype=np.float32).reshape(window, n_input, window * n_input)
        )
        x = tf.nn.conv1d(batch_x, eye, stride=1, padding="SAME")
        x = tf.reshape(x, [4, -1, window, n_input])
        x = tf.reshape(tf.transpose(x, [1, 0, 2, 3]), [-1, n_input * window])
        for i in range(3):
            x = dense(f"layer_{i + 1}", x, hidden, dropout_rates[i])
        x = tf.reshape(x, [-1, 4, hidden])
        with v1.variable_scope("cudnn_lstm/rnn/multi_rnn_cell/cell_0/cudnn_compatible_lstm_cell"):
            zero, peep = tf.zeros([4, hidden]), tf.zeros([hidden])
            out = tf.raw_ops.BlockLSTM(
                seq_len_max=tf.cast(tf.reduce_max(batch_seq_len), tf.int64), x=x, cs_prev=zero, h_prev=zero,
                w=tf.convert_to_tensor(_get("kernel", [2 * hidden, 4 * hidden])),
                wci=peep, wcf=peep, wco=peep,
                b=tf.convert_to_tensor(_get("bias", [4 * hidden], True)), forget_bias=0.0, cell_clip=-1.0,
            )  # fmt: skip
        x = tf.reshape(out.h, [-1, hidden])
        x = dense("layer_5", x, hidden, dropout_rates[5])
        x = dense("layer_6", x, letters, relu=False)
        logits = tf.reshape(x, [-1, 4, letters], name="raw_logits")
        sparse = tf.sparse.from_dense(batch_y)
        total_loss = v1.nn.ctc_loss(labels=sparse, inputs=logits, sequence_length=batch_seq_len)
        non_finite = tf.where(~tf.math.is_finite(total_loss))
        avg_loss = tf.reduce_mean(total_loss)
        optimizer = v1.train.AdamOptimizer(1e-4, epsilon=1e-8)
        gradients = optimizer.compute_gradients(avg_loss)
    for grad, variable in gradients:
        if grad is not None:
            v1.summary.histogram(f"{variable.op.name}/gradients", grad)
    optimizer.apply_gradients(gradients, global_step=step)
    v1.summary.scalar("non_finite", tf.size(non_finite))
    v1.summary.scalar("step_loss", avg_loss)
    v1.summary.merge_all("step_summaries")
    return [batch_x, batch_seq_len], [logits]


@case("audio")
def tacotron_of_kyubyong() -> Truths:
    """Kyubyong's Tacotron.

    Synthesis feeds text and the mels so far (``g.y``), fetches ``y_hat`` and then ``z_hat``.
    """
    n_mels, r, n_mag, width = 10, 2, 33, 16
    with tf.device("/cpu:0"):
        fpath, text = v1.train.slice_input_producer(
            [["LJ001.wav", "LJ002.wav", "LJ003.wav"], ["hi you", "be so", "we go"]]
        )
        text = tf.cast(v1.decode_raw(text, tf.uint8), tf.int32)
        fname, mel, mag = v1.py_func(
            lambda f: (f, np.zeros([20, n_mels * r], np.float32), np.zeros([40, n_mag], np.float32)),
            [fpath], [tf.string, tf.float32, tf.float32],
        )  # fmt: skip
        fname.set_shape(())
        mel.set_shape((None, n_mels * r))
        mag.set_shape((None, n_mag))
        x, y, z, fnames = v1.train.batch(
            [text, mel, mag, fname],
            4,
            shapes=[(None,), (None, n_mels * r), (None, n_mag), ()],
            dynamic_pad=True,
        )
    decoder_inputs = tf.concat((tf.zeros_like(y[:, :1, :]), y[:, :-1, :]), 1)
    decoder_inputs = decoder_inputs[:, :, -n_mels:]

    def prenet(inputs: Tensor, scope: str) -> Tensor:
        with v1.variable_scope(scope):
            out = tf.nn.dropout(_layer(inputs, width, "dense1", tf.nn.relu), rate=0.5)
            return tf.nn.dropout(_layer(out, width // 2, "dense2", tf.nn.relu), rate=0.5)

    def conv1d(inputs: Tensor, n: int, size: int, scope: str) -> Tensor:
        with v1.variable_scope(scope):
            out = tf.nn.conv1d(inputs, _get("conv1d/kernel", [size, int(inputs.shape[-1]), n]), 1, "SAME")
            mean, var = tf.nn.moments(out, [0, 1])
            return tf.nn.relu(tf.nn.batch_normalization(out, mean, var, _get("beta", [n], True), None, 1e-3))

    def gru(inputs: Tensor, units: int, scope: str) -> Tensor:
        with v1.variable_scope(scope):
            total = int(inputs.shape[-1]) + units
            gates, candidate = (
                _get("gates/kernel", [total, 2 * units]),
                _get("candidate/kernel", [total, units]),
            )

        def step(h: Tensor, now: Tensor) -> Tensor:
            reset, update = tf.split(tf.sigmoid(tf.matmul(tf.concat([now, h], 1), gates)), 2, 1)
            return update * h + (1 - update) * tf.tanh(tf.matmul(tf.concat([now, reset * h], 1), candidate))

        out = tf.scan(step, tf.transpose(inputs, [1, 0, 2]), tf.zeros([tf.shape(inputs)[0], units]))
        out = tf.transpose(out, [1, 0, 2])
        out.set_shape([4, None, units])
        return out

    def cbhg(inputs: Tensor, scope: str) -> Tensor:
        with v1.variable_scope(scope):
            bank = tf.concat([conv1d(inputs, 8, k, f"num_{k}") for k in (1, 2)], -1)
            bank = tf.nn.max_pool1d(bank, 2, 1, "SAME")
            out = conv1d(bank, int(inputs.shape[-1]), 3, "conv1d_1") + inputs
            gate = _layer(out, int(out.shape[-1]), "highwaynet_0/dense2", tf.sigmoid)
            out = _layer(out, int(out.shape[-1]), "highwaynet_0/dense1", tf.nn.relu) * gate + out * (
                1.0 - gate
            )
            return tf.concat(
                [gru(out, 8, "gru_fw"), tf.reverse(gru(tf.reverse(out, [1]), 8, "gru_bw"), [1])], -1
            )

    with v1.variable_scope("net"):
        with v1.variable_scope("encoder"):
            embedded = tf.nn.embedding_lookup(_get("lookup_table", [32, width]), x)
            memory = cbhg(prenet(embedded, "prenet"), "cbhg")
        with v1.variable_scope("decoder1"):
            queries = gru(prenet(decoder_inputs, "prenet"), width, "attention_decoder")
            keys = _layer(memory, width, "memory_layer")
            energy = tf.tanh(queries[:, :, None, :] + keys[:, None, :, :]) * _get("attention_v", [width])
            alignments = tf.nn.softmax(tf.reduce_sum(energy, -1))
            dec = _layer(tf.concat([tf.matmul(alignments, memory), queries], -1), width, "attention_layer")
            dec = dec + gru(dec, width, "decoder_gru1")
            y_hat = _layer(dec, n_mels * r, "mel_hats")
        with v1.variable_scope("decoder2"):
            mels = tf.reshape(y_hat, [4, -1, n_mels])
            z_hat = _layer(cbhg(_layer(mels, 8, "expand"), "post_cbhg"), n_mag, "z_hats")
    audio = tf.reshape(v1.py_func(lambda m: np.zeros([800], np.float32), [z_hat[0]], tf.float32), [1, -1, 1])
    v1.summary.audio("audio", audio, 16000)
    v1.summary.image("alignment", tf.expand_dims(alignments[:1], -1))
    v1.summary.text("file", fnames)
    loss1, loss2 = tf.reduce_mean(tf.abs(y_hat - y)), tf.reduce_mean(tf.abs(z_hat - z))
    loss = loss1 + loss2
    global_step = tf.Variable(0, name="global_step", trainable=False)
    now = tf.cast(global_step + 1, tf.float32)
    rate = 0.001 * 4000.0**0.5 * tf.minimum(now * 4000.0**-1.5, now**-0.5)
    optimizer = v1.train.AdamOptimizer(learning_rate=rate)
    clipped = [(tf.clip_by_norm(g, 5.0), v) for g, v in optimizer.compute_gradients(loss)]
    optimizer.apply_gradients(clipped, global_step=global_step)
    v1.summary.scalar("loss1", loss1)
    v1.summary.merge_all()
    return [([x, y], [y_hat, z_hat]), ([x, y], [z_hat])]


class _TransE:
    """OpenKE's way: one class with a batch part and a predict part."""

    def __init__(self, entities: int, relations: int, width: int, batch: int, negatives: int) -> None:
        size = batch * (1 + negatives)
        self.batch, self.negatives = batch, negatives
        with v1.name_scope("input"):
            self.batch_h = v1.placeholder(tf.int64, [size])
            self.batch_t = v1.placeholder(tf.int64, [size])
            self.batch_r = v1.placeholder(tf.int64, [size])
            self.batch_y = v1.placeholder(tf.float32, [size])
            self.predict_h = v1.placeholder(tf.int64, [None])
            self.predict_t = v1.placeholder(tf.int64, [None])
            self.predict_r = v1.placeholder(tf.int64, [None])
        with v1.name_scope("embedding"):
            self.ent = v1.get_variable("ent_embeddings", [entities, width])
            self.rel = v1.get_variable("rel_embeddings", [relations, width])
        with v1.name_scope("loss"):
            triple = [self.positive_negative(t) for t in (self.batch_h, self.batch_t, self.batch_r)]
            p_score, n_score = (
                tf.reduce_sum(tf.reduce_mean(self.distance(h, t, r), 1, keepdims=False), 1, keepdims=True)
                for h, t, r in zip(*triple, strict=True)
            )
            self.loss = tf.reduce_sum(tf.maximum(p_score - n_score + 1.0, 0))
        with v1.name_scope("predict"):
            scores = self.distance(self.predict_h, self.predict_t, self.predict_r)
            self.predict = tf.reduce_mean(scores, 1, keepdims=False)

    def positive_negative(self, ids: Tensor) -> tuple[Tensor, Tensor]:
        pos = tf.transpose(tf.reshape(ids[: self.batch], [1, -1]), [1, 0])
        neg = tf.transpose(tf.reshape(ids[self.batch :], [self.negatives, -1]), [1, 0])
        return pos, neg

    def distance(self, h: Tensor, t: Tensor, r: Tensor) -> Tensor:
        h, t = (tf.nn.l2_normalize(tf.nn.embedding_lookup(self.ent, e), -1) for e in (h, t))
        return abs(h + tf.nn.l2_normalize(tf.nn.embedding_lookup(self.rel, r), -1) - t)


@case("embedding", plain=True)
def transe_with_a_predict_part() -> Truth:
    """OpenKE's TransE: link prediction feeds predict_h, predict_t, predict_r and fetches ``predict``."""
    with v1.variable_scope("model", reuse=None, initializer=v1.glorot_uniform_initializer()):
        model = _TransE(40, 8, 16, 6, 2)
    optimizer = v1.train.GradientDescentOptimizer(0.01)
    optimizer.apply_gradients(optimizer.compute_gradients(model.loss))
    return [model.predict_h, model.predict_t, model.predict_r], [model.predict]


@case("graph net", frozen=True)
def gat_of_velickovic_on_cora() -> Truth:
    """GAT: features and the bias matrix made of the adjacency are fed; logits of all nodes come out."""
    nodes, size, classes = 50, 24, 7
    with tf.name_scope("input"):
        ftr_in = v1.placeholder(tf.float32, (1, nodes, size))
        bias_in = v1.placeholder(tf.float32, (1, nodes, nodes))
        lbl_in = v1.placeholder(tf.int32, (1, nodes, classes))
        msk_in = v1.placeholder(tf.int32, (1, nodes))
        attn_drop = v1.placeholder(tf.float32, ())
        ffd_drop = v1.placeholder(tf.float32, ())
        v1.placeholder(tf.bool, ())

    def conv1d(seq: Tensor, n: int, use_bias: bool = True) -> Tensor:
        with v1.variable_scope(None, "conv1d"):
            out = tf.nn.conv1d(seq, _get("kernel", [1, int(seq.shape[-1]), n]), 1, "VALID")
            return tf.nn.bias_add(out, _get("bias", [n], True)) if use_bias else out

    def attn_head(seq: Tensor, n: int, activation: Callable[[Tensor], Tensor]) -> Tensor:
        with tf.name_scope("my_attn"):
            seq = v1.nn.dropout(seq, 1.0 - ffd_drop)
            fts = conv1d(seq, n, use_bias=False)
            f_1, f_2 = conv1d(fts, 1), conv1d(fts, 1)
            logits = f_1 + tf.transpose(f_2, [0, 2, 1])
            coefs = tf.nn.softmax(tf.nn.leaky_relu(logits) + bias_in)
            coefs = v1.nn.dropout(coefs, 1.0 - attn_drop)
            vals = tf.matmul(coefs, v1.nn.dropout(fts, 1.0 - ffd_drop))
            return activation(vals + tf.Variable(tf.zeros([n]), name="BiasAdd"))

    h_1 = tf.concat([attn_head(ftr_in, 8, tf.nn.elu) for _ in range(3)], axis=-1)
    logits = tf.add_n([attn_head(h_1, classes, lambda t: t)]) / 1
    log_resh, lab_resh = tf.reshape(logits, [-1, classes]), tf.reshape(lbl_in, [-1, classes])
    mask = tf.cast(tf.reshape(msk_in, [-1]), tf.float32)
    mask /= tf.reduce_mean(mask)
    ce = v1.nn.softmax_cross_entropy_with_logits_v2(logits=log_resh, labels=tf.cast(lab_resh, tf.float32))
    loss = tf.reduce_mean(ce * mask)
    correct = tf.cast(tf.equal(tf.argmax(log_resh, 1), tf.argmax(lab_resh, 1)), tf.float32)
    v1.summary.scalar("accuracy", tf.reduce_mean(correct * mask))
    l2 = tf.add_n([tf.nn.l2_loss(v) for v in v1.trainable_variables() if "bias" not in v.name]) * 0.0005
    v1.train.AdamOptimizer(learning_rate=0.005).minimize(loss + l2)
    return [ftr_in, bias_in], [logits]


@case("recommender")
def dien_with_unclicked_items() -> Truth:
    """DIEN.

    ``calculate`` fetches ``y_hat``; the histories of what was not clicked serve the auxiliary loss only.
    """
    emb, units = 8, 16
    with tf.name_scope("Inputs"):
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
    with tf.name_scope("Embedding_layer"):
        uid_var, mid_var, cat_var = (
            _get(f"{n}_embedding_var", [k, emb]) for n, k in (("uid", 30), ("mid", 40), ("cat", 9))
        )
        v1.summary.histogram("uid_embeddings_var", uid_var)
        item_eb = tf.concat([tf.nn.embedding_lookup(mid_var, mid), tf.nn.embedding_lookup(cat_var, cat)], 1)
        his_eb = tf.concat(
            [tf.nn.embedding_lookup(mid_var, mid_his), tf.nn.embedding_lookup(cat_var, cat_his)], 2
        )
        noclk = [
            tf.nn.embedding_lookup(mid_var, noclk_mid[:, :, 0]),
            tf.nn.embedding_lookup(cat_var, noclk_cat[:, :, 0]),
        ]
        noclk_eb = tf.reshape(tf.concat(noclk, -1), [-1, tf.shape(noclk_mid)[1], 2 * emb])
    his_sum = tf.reduce_sum(his_eb, 1)

    def prelu(x: Tensor, scope: str) -> Tensor:
        with v1.variable_scope(scope):
            alpha = _get("alpha", [int(x.shape[-1])])
        return tf.maximum(0.0, x) + alpha * tf.minimum(0.0, x)

    with tf.name_scope("rnn_1"):
        rnn_outputs, _ = _recurrent(his_eb, seq_len, units, "gru1")

    def auxiliary(pair: Tensor) -> Tensor:
        out = _layer(_layer(pair, 12, "aux/f1", tf.sigmoid), 2, "aux/f3")
        return tf.nn.softmax(out)[:, :, 0] + 1e-8

    with tf.name_scope("aux_loss"):
        h, m = rnn_outputs[:, :-1, :], mask[:, 1:]
        click = -tf.math.log(auxiliary(tf.concat([h, his_eb[:, 1:, :]], -1))) * m
        no_click = -tf.math.log(1.0 - auxiliary(tf.concat([h, noclk_eb[:, 1:, :]], -1)) + 2e-8) * m
        aux_loss = tf.reduce_mean(click + no_click)
    with tf.name_scope("Attention_layer_1"):
        query = prelu(_layer(item_eb, units, "f1_att"), "prelu_att")
        queries = tf.reshape(tf.tile(query, [1, tf.shape(rnn_outputs)[1]]), tf.shape(rnn_outputs))
        din_all = tf.concat([queries, rnn_outputs, queries - rnn_outputs, queries * rnn_outputs], -1)
        din_all.set_shape([None, None, 4 * units])
        scores = _layer(_layer(din_all, 16, "f1_att_1", tf.sigmoid), 1, "f3_att_1")[:, :, 0]
        alphas = tf.nn.softmax(tf.where(mask > 0.5, scores, tf.ones_like(scores) * (-(2.0**32) + 1)))
        v1.summary.histogram("alpha_outputs", alphas)
    with v1.variable_scope("rnn_2/gru2"):
        gates, candidate = (
            _get("gates/kernel", [2 * units, 2 * units]),
            _get("candidate/kernel", [2 * units, units]),
        )

        def vec_att_gru(state: Tensor, now: tuple[Tensor, Tensor]) -> Tensor:
            x, a = now
            r, u = tf.split(tf.sigmoid(tf.matmul(tf.concat([x, state], 1), gates)), 2, 1)
            c = tf.tanh(tf.matmul(tf.concat([x, r * state], 1), candidate))
            u = (1.0 - a[:, None]) * u
            return u * state + (1 - u) * c

        sequence = (tf.transpose(rnn_outputs, [1, 0, 2]), tf.transpose(alphas))
        final_state = tf.scan(vec_att_gru, sequence, tf.zeros([tf.shape(mid)[0], units]))[-1]
        final_state.set_shape([None, units])
    inp = tf.concat(
        [tf.nn.embedding_lookup(uid_var, uid), item_eb, his_sum, item_eb * his_sum, final_state], 1
    )
    dnn1 = prelu(_layer(inp, 20, "f1"), "prelu1")
    dnn2 = prelu(_layer(dnn1, 12, "f2"), "prelu2")
    y_hat = tf.nn.softmax(_layer(dnn2, 2, "f3")) + 0.00000001
    with tf.name_scope("Metrics"):
        loss = -tf.reduce_mean(tf.math.log(y_hat) * target) + aux_loss
        v1.summary.scalar("loss", loss)
        v1.train.AdamOptimizer(learning_rate=tf.cast(lr, tf.float32)).minimize(loss)
        accuracy = tf.reduce_mean(tf.cast(tf.equal(tf.round(y_hat), target), tf.float32))
        v1.summary.scalar("accuracy", accuracy)
    v1.summary.merge_all()
    return [uid, mid, cat, mid_his, cat_his, mask, seq_len], [y_hat]


@case("recommender", modern=True)
def sasrec_with_test_items() -> Truths:
    """SASRec.

    ``predict`` feeds user, sequence and candidate items; the user is a placeholder that nothing reads.
    """
    items, width, maxlen = 60, 16, 12
    is_training = v1.placeholder(tf.bool, shape=())
    u = v1.placeholder(tf.int32, shape=(None,))
    input_seq = v1.placeholder(tf.int32, shape=(None, maxlen))
    pos = v1.placeholder(tf.int32, shape=(None, maxlen))
    neg = v1.placeholder(tf.int32, shape=(None, maxlen))
    mask = tf.expand_dims(tf.cast(tf.not_equal(input_seq, 0), tf.float32), -1)

    def dropout(x: Tensor) -> Tensor:
        return v1.cond(is_training, lambda: v1.nn.dropout(x, rate=0.2), lambda: tf.identity(x))

    def normalize(x: Tensor, scope: str) -> Tensor:
        with v1.variable_scope(scope):
            mean, variance = tf.nn.moments(x, [-1], keepdims=True)
            beta, gamma = tf.Variable(tf.zeros([width])), tf.Variable(tf.ones([width]))
            return gamma * ((x - mean) / ((variance + 1e-8) ** 0.5)) + beta

    with v1.variable_scope("SASRec"):
        table = tf.concat(
            [tf.zeros([1, width]), _get("input_embeddings/lookup_table", [items, width])[1:]], 0
        )
        seq = tf.nn.embedding_lookup(table, input_seq) * (width**0.5)
        where = tf.tile(tf.expand_dims(tf.range(maxlen), 0), [tf.shape(input_seq)[0], 1])
        seq += tf.nn.embedding_lookup(_get("dec_pos/lookup_table", [maxlen, width]), where)
        seq = dropout(seq) * mask
        for i in range(2):
            with v1.variable_scope(f"num_blocks_{i}"):
                queries = normalize(seq, "ln")
                Q, K, V = (
                    _layer(t, width, f"self_attention/{n}")
                    for t, n in ((queries, "q"), (seq, "k"), (seq, "v"))
                )
                Q_, K_, V_ = (tf.concat(tf.split(t, 2, axis=2), axis=0) for t in (Q, K, V))
                outputs = tf.matmul(Q_, tf.transpose(K_, [0, 2, 1])) / (8**0.5)
                key_masks = tf.tile(tf.sign(tf.reduce_sum(tf.abs(seq), axis=-1)), [2, 1])
                key_masks = tf.tile(tf.expand_dims(key_masks, 1), [1, maxlen, 1])
                paddings = tf.ones_like(outputs) * (-(2.0**32) + 1)
                outputs = tf.where(tf.equal(key_masks, 0), paddings, outputs)
                tril = tf.linalg.LinearOperatorLowerTriangular(tf.ones([maxlen, maxlen])).to_dense()
                masks = tf.tile(tf.expand_dims(tril, 0), [tf.shape(outputs)[0], 1, 1])
                outputs = tf.nn.softmax(tf.where(tf.equal(masks, 0), paddings, outputs))
                outputs = tf.matmul(dropout(outputs), V_)
                seq = tf.concat(tf.split(outputs, 2, axis=0), axis=2) + queries
                y = normalize(seq, "ln_1")
                seq = (
                    dropout(_layer(dropout(_layer(y, width, "conv1d", tf.nn.relu)), width, "conv1d_1")) + y
                ) * mask
        seq = normalize(seq, "ln")
    pos_flat, neg_flat = tf.reshape(pos, [-1]), tf.reshape(neg, [-1])
    seq_emb = tf.reshape(seq, [-1, width])
    test_item = v1.placeholder(tf.int32, shape=(101,))
    test_item_emb = tf.nn.embedding_lookup(table, test_item)
    test_logits = tf.matmul(seq_emb, tf.transpose(test_item_emb))
    test_logits = tf.reshape(test_logits, [tf.shape(input_seq)[0], maxlen, 101])
    test_logits = test_logits[:, -1, :]
    pos_logits = tf.reduce_sum(tf.nn.embedding_lookup(table, pos_flat) * seq_emb, -1)
    neg_logits = tf.reduce_sum(tf.nn.embedding_lookup(table, neg_flat) * seq_emb, -1)
    istarget = tf.cast(tf.not_equal(pos_flat, 0), tf.float32)
    ll = tf.math.log(tf.sigmoid(pos_logits) + 1e-24) + tf.math.log(1 - tf.sigmoid(neg_logits) + 1e-24)
    loss = tf.reduce_sum(-ll * istarget) / tf.reduce_sum(istarget)
    v1.summary.scalar("loss", loss)
    auc = tf.reduce_sum(((tf.sign(pos_logits - neg_logits) + 1) / 2) * istarget) / tf.reduce_sum(istarget)
    v1.summary.scalar("auc", auc)
    global_step = tf.Variable(0, name="global_step", trainable=False)
    v1.train.AdamOptimizer(0.001, beta2=0.98).minimize(loss, global_step=global_step)
    v1.summary.merge_all()
    return [([input_seq, test_item], [test_logits]), ([u, input_seq, test_item], [test_logits])]


@case("agent")
def deepq_of_openai_baselines() -> Truth:
    """baselines.deepq: ``act`` takes the observation; ``stochastic`` and ``update_eps`` steer exploration."""
    actions = 4

    def q_func(x: Tensor, scope: str, reuse: bool = False) -> Tensor:
        with v1.variable_scope(scope, reuse=reuse):
            x = tf.cast(x, tf.float32) / 255.0
            for i, (n, k, s) in enumerate(((8, 8, 4), (12, 4, 2))):
                name = "convnet/Conv" + (f"_{i}" if i else "")
                w = v1.get_variable(name + "/weights", [k, k, int(x.shape[-1]), n])
                x = tf.nn.relu(tf.nn.conv2d(x, w, s, "SAME"))
            flat = tf.reshape(x, [-1, 6 * 6 * 12])
            value = _layer(
                _layer(flat, 16, "state_value/fully_connected", tf.nn.relu),
                1,
                "state_value/fully_connected_1",
            )
            scores = _layer(
                _layer(flat, 16, "action_value/fully_connected", tf.nn.relu),
                actions,
                "action_value/fully_connected_1",
            )
            return value + scores - tf.expand_dims(tf.reduce_mean(scores, 1), 1)

    with v1.variable_scope("deepq"):
        observations_ph = v1.placeholder(tf.uint8, [None, 48, 48, 4], name="observation")
        stochastic_ph = v1.placeholder(tf.bool, (), name="stochastic")
        update_eps_ph = v1.placeholder(tf.float32, (), name="update_eps")
        eps = v1.get_variable("eps", (), initializer=tf.constant_initializer(0))
        deterministic_actions = tf.argmax(q_func(observations_ph, "q_func"), axis=1)
        batch = tf.shape(observations_ph)[0]
        random_actions = v1.random_uniform(tf.stack([batch]), minval=0, maxval=actions, dtype=tf.int64)
        chose_random = v1.random_uniform(tf.stack([batch]), minval=0, maxval=1, dtype=tf.float32) < eps
        stochastic_actions = tf.where(chose_random, random_actions, deterministic_actions)
        output_actions = v1.cond(stochastic_ph, lambda: stochastic_actions, lambda: deterministic_actions)
        eps.assign(v1.cond(update_eps_ph >= 0, lambda: update_eps_ph, lambda: eps.read_value()))
    with v1.variable_scope("deepq", reuse=False):
        obs_t = v1.placeholder(tf.uint8, [None, 48, 48, 4], name="obs_t")
        act_t_ph = v1.placeholder(tf.int32, [None], name="action")
        rew_t_ph = v1.placeholder(tf.float32, [None], name="reward")
        obs_tp1 = v1.placeholder(tf.uint8, [None, 48, 48, 4], name="obs_tp1")
        done_mask_ph = v1.placeholder(tf.float32, [None], name="done")
        importance_weights_ph = v1.placeholder(tf.float32, [None], name="weight")
        q_t = q_func(obs_t, "q_func", reuse=True)
        q_func_vars = v1.get_collection(
            v1.GraphKeys.GLOBAL_VARIABLES, scope=v1.get_variable_scope().name + "/q_func"
        )
        q_tp1 = q_func(obs_tp1, "target_q_func")
        target_vars = v1.get_collection(
            v1.GraphKeys.GLOBAL_VARIABLES, scope=v1.get_variable_scope().name + "/target_q_func"
        )
        q_t_selected = tf.reduce_sum(q_t * tf.one_hot(act_t_ph, actions), 1)
        best = tf.argmax(q_func(obs_tp1, "q_func", reuse=True), 1)
        q_tp1_best = (1.0 - done_mask_ph) * tf.reduce_sum(q_tp1 * tf.one_hot(best, actions), 1)
        td_error = q_t_selected - tf.stop_gradient(rew_t_ph + 0.99 * q_tp1_best)
        errors = tf.where(tf.abs(td_error) < 1.0, tf.square(td_error) * 0.5, tf.abs(td_error) - 0.5)
        optimizer = v1.train.AdamOptimizer(5e-4)
        gradients = optimizer.compute_gradients(
            tf.reduce_mean(importance_weights_ph * errors), var_list=q_func_vars
        )
        optimizer.apply_gradients([(tf.clip_by_norm(g, 10), v) for g, v in gradients if g is not None])
        pairs = zip(
            sorted(q_func_vars, key=lambda v: v.name), sorted(target_vars, key=lambda v: v.name), strict=True
        )
        tf.group(*[target.assign(var) for var, target in pairs])
        tf.identity(q_t, name="debug_q_values")
    return [observations_ph], [output_actions]


class _LstmPolicy:
    """LstmPolicy of baselines: states and masks are placeholders, several steps unrolled."""

    def __init__(self, envs: int, steps: int, actions: int, units: int, reuse: bool) -> None:
        n = envs * steps
        self.X = v1.placeholder(tf.uint8, [n, 24, 24, 4])
        self.M = v1.placeholder(tf.float32, [n])
        self.S = v1.placeholder(tf.float32, [envs, units * 2])
        with v1.variable_scope("model", reuse=reuse):
            x = tf.cast(self.X, tf.float32) / 255.0
            for i, (f, k, s) in enumerate(((8, 4, 2), (12, 3, 2)), 1):
                with v1.variable_scope(f"c{i}"):
                    w = v1.get_variable(
                        "w", [k, k, int(x.shape[-1]), f], initializer=v1.orthogonal_initializer(1.4)
                    )
                    x = tf.nn.relu(tf.nn.conv2d(x, w, s, "VALID") + _get("b", [1, 1, 1, f], True))
            h = tf.nn.relu(self.fc(tf.reshape(x, [n, int(np.prod(x.shape[1:]))]), "fc1", 24))
            xs = [tf.squeeze(v, [1]) for v in tf.split(tf.reshape(h, [envs, steps, 24]), steps, 1)]
            ms = [tf.reshape(v, [envs, 1]) for v in tf.split(tf.reshape(self.M, [envs, steps]), steps, 1)]
            c, hidden = tf.split(self.S, 2, axis=1)
            with v1.variable_scope("lstm1"):
                wx, wh, b = (
                    _get("wx", [24, units * 4]),
                    _get("wh", [units, units * 4]),
                    _get("b", [units * 4], True),
                )
            outs = []
            for now, m in zip(xs, ms, strict=True):
                c, hidden = c * (1 - m), hidden * (1 - m)
                i, f, o, u = tf.split(tf.matmul(now, wx) + tf.matmul(hidden, wh) + b, 4, axis=1)
                c = tf.sigmoid(f) * c + tf.sigmoid(i) * tf.tanh(u)
                hidden = tf.sigmoid(o) * tf.tanh(c)
                outs.append(hidden)
            self.snew = tf.concat([c, hidden], axis=1)
            h5 = tf.reshape(tf.concat(outs, axis=1), [-1, units])
            self.pi = self.fc(h5, "pi", actions)
            vf = self.fc(h5, "v", 1)
        self.v0 = self.vf = vf[:, 0]
        noise = v1.random_uniform(tf.shape(self.pi))
        self.a0 = tf.argmax(self.pi - tf.math.log(-tf.math.log(noise)), axis=-1)
        self.neglogp0 = self.neglogp(self.a0)

    @staticmethod
    def fc(x: Tensor, scope: str, n: int) -> Tensor:
        with v1.variable_scope(scope):
            return tf.matmul(x, _get("w", [int(x.shape[1]), n])) + _get("b", [n], True)

    def neglogp(self, a: Tensor) -> Tensor:
        one_hot = tf.one_hot(a, int(self.pi.shape[-1]))
        return v1.nn.softmax_cross_entropy_with_logits_v2(logits=self.pi, labels=one_hot)


@case("agent")
def ppo2_with_lstm_policies() -> Truth:
    """baselines.ppo2.

    ``act_model.step`` feeds X, S and M and fetches action, value, new state and neglogp.
    """
    act_model = _LstmPolicy(2, 1, 5, 16, reuse=False)
    train_model = _LstmPolicy(2, 4, 5, 16, reuse=True)
    A = v1.placeholder(tf.int64, [8])
    ADV, R, OLDNEGLOGPAC, OLDVPRED = (v1.placeholder(tf.float32, [None]) for _ in range(4))
    LR, CLIPRANGE = v1.placeholder(tf.float32, []), v1.placeholder(tf.float32, [])
    neglogpac = train_model.neglogp(A)
    p = tf.nn.softmax(train_model.pi)
    entropy = tf.reduce_mean(-tf.reduce_sum(p * tf.math.log(p), -1))
    vpredclipped = OLDVPRED + tf.clip_by_value(train_model.vf - OLDVPRED, -CLIPRANGE, CLIPRANGE)
    vf_loss = 0.5 * tf.reduce_mean(tf.maximum(tf.square(train_model.vf - R), tf.square(vpredclipped - R)))
    ratio = tf.exp(OLDNEGLOGPAC - neglogpac)
    pg = tf.maximum(-ADV * ratio, -ADV * tf.clip_by_value(ratio, 1.0 - CLIPRANGE, 1.0 + CLIPRANGE))
    approxkl = 0.5 * tf.reduce_mean(tf.square(neglogpac - OLDNEGLOGPAC))
    clipfrac = tf.reduce_mean(tf.cast(tf.abs(ratio - 1.0) > CLIPRANGE, tf.float32))
    loss = tf.reduce_mean(pg) - entropy * 0.01 + vf_loss * 0.5
    params = v1.trainable_variables("model")
    grads, _ = tf.clip_by_global_norm(tf.gradients(loss, params), 0.5)
    v1.train.AdamOptimizer(learning_rate=LR, epsilon=1e-5).apply_gradients(
        list(zip(grads, params, strict=True))
    )
    tf.stack([approxkl, clipfrac])
    return [act_model.X, act_model.S, act_model.M], [
        act_model.a0,
        act_model.v0,
        act_model.snew,
        act_model.neglogp0,
    ]


@case("agent")
def gomoku_policy_value_net() -> Truth:
    """AlphaZero_Gomoku: policy_value feeds the board planes and fetches log probabilities and value."""
    side = 6
    input_states = v1.placeholder(tf.float32, shape=[None, 4, side, side])
    input_state = tf.transpose(input_states, [0, 2, 3, 1])

    def conv(x: Tensor, n: int, k: int) -> Tensor:
        with v1.variable_scope(None, default_name="conv2d"):
            w = v1.get_variable("kernel", [k, k, int(x.shape[-1]), n])
            return tf.nn.relu(tf.nn.bias_add(tf.nn.conv2d(x, w, 1, "SAME"), _get("bias", [n], True)))

    conv3 = conv(conv(conv(input_state, 8, 3), 12, 3), 16, 3)
    action_conv = conv(conv3, 4, 1)
    action_conv_flat = tf.reshape(action_conv, [-1, 4 * side * side])
    action_fc = _layer(action_conv_flat, side * side, "dense", tf.nn.log_softmax)
    evaluation_conv = conv(conv3, 2, 1)
    evaluation_conv_flat = tf.reshape(evaluation_conv, [-1, 2 * side * side])
    evaluation_fc1 = _layer(evaluation_conv_flat, 16, "dense_1", tf.nn.relu)
    evaluation_fc2 = _layer(evaluation_fc1, 1, "dense_2", tf.nn.tanh)
    labels = v1.placeholder(tf.float32, shape=[None, 1])
    value_loss = v1.losses.mean_squared_error(labels, evaluation_fc2)
    mcts_probs = v1.placeholder(tf.float32, shape=[None, side * side])
    policy_loss = tf.negative(tf.reduce_mean(tf.reduce_sum(tf.multiply(mcts_probs, action_fc), 1)))
    l2_penalty = 1e-4 * tf.add_n(
        [tf.nn.l2_loss(v) for v in v1.trainable_variables() if "bias" not in v.name.lower()]
    )
    loss = value_loss + policy_loss + l2_penalty
    learning_rate = v1.placeholder(tf.float32)
    v1.train.AdamOptimizer(learning_rate=learning_rate).minimize(loss)
    tf.negative(tf.reduce_mean(tf.reduce_sum(tf.exp(action_fc) * action_fc, 1)))
    return [input_states], [action_fc, evaluation_fc2]
