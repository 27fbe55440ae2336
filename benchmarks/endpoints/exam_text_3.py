"""Text, speech and other sequences, as repositories of papers and of companies write them."""

# ruff: noqa: N802, N803, N806 (the names are those of the authors)

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf

from benchmarks.endpoints.cases import Truth, case, v1

Tensor = Any


# ----------------------------------------------------------------------------------------------------
# Cells, as tf.contrib.rnn had them.


class BasicLSTMCell:
    """An LSTM cell whose state is a pair, or the two side by side."""

    def __init__(self, num_units: int, name: str = "basic_lstm_cell", tuples: bool = True) -> None:
        self._n, self._name, self._tuples = num_units, name, tuples

    @property
    def state_size(self) -> Any:
        """The size of the state."""
        return (self._n, self._n) if self._tuples else 2 * self._n

    @property
    def output_size(self) -> Any:
        """The size of the outputs."""
        return self._n

    def zero_state(self, batch_size: Any, dtype: Any) -> Tensor:
        """A state of zeros."""
        with v1.name_scope("BasicLSTMCellZeroState"):
            if self._tuples:
                return tuple(tf.zeros(tf.stack([batch_size, n]), dtype) for n in self.state_size)
            return tf.zeros(tf.stack([batch_size, self.state_size]), dtype)

    def get_initial_state(self, inputs: Any = None, batch_size: Any = None, dtype: Any = None) -> Tensor:
        """The state that a loop starts with."""
        return self.zero_state(batch_size, dtype)

    def __call__(self, inputs: Tensor, state: Tensor, scope: Any = None) -> tuple[Tensor, Tensor]:
        """One step: the outputs and the next state."""
        with v1.variable_scope(scope or self._name):
            c, h = state if self._tuples else tf.split(state, 2, 1)
            size = int(inputs.shape[-1]) + self._n
            kernel = v1.get_variable("kernel", [size, 4 * self._n])
            bias = v1.get_variable("bias", [4 * self._n], initializer=v1.zeros_initializer())
            gates = tf.nn.bias_add(tf.matmul(tf.concat([inputs, h], 1), kernel), bias)
            i, j, f, o = tf.split(gates, 4, axis=1)
            c = c * tf.sigmoid(f + 1.0) + tf.sigmoid(i) * tf.tanh(j)
            h = tf.tanh(c) * tf.sigmoid(o)
            return h, ((c, h) if self._tuples else tf.concat([c, h], 1))


class GRUCell:
    """A gated recurrent unit."""

    def __init__(self, num_units: int, name: str = "gru_cell") -> None:
        self._n, self._name = num_units, name

    @property
    def state_size(self) -> Any:
        """The size of the state."""
        return self._n

    @property
    def output_size(self) -> Any:
        """The size of the outputs."""
        return self._n

    def zero_state(self, batch_size: Any, dtype: Any) -> Tensor:
        """A state of zeros."""
        with v1.name_scope("GRUCellZeroState"):
            return tf.zeros(tf.stack([batch_size, self._n]), dtype)

    def get_initial_state(self, inputs: Any = None, batch_size: Any = None, dtype: Any = None) -> Tensor:
        """The state that a loop starts with."""
        return self.zero_state(batch_size, dtype)

    def __call__(self, inputs: Tensor, state: Tensor, scope: Any = None) -> tuple[Tensor, Tensor]:
        """One step: the outputs and the next state."""
        with v1.variable_scope(scope or self._name):
            size = int(inputs.shape[-1]) + self._n
            with v1.variable_scope("gates"):
                w = v1.get_variable("kernel", [size, 2 * self._n])
                b = v1.get_variable("bias", [2 * self._n], initializer=v1.ones_initializer())
                value = tf.sigmoid(tf.nn.bias_add(tf.matmul(tf.concat([inputs, state], 1), w), b))
            r, u = tf.split(value, 2, axis=1)
            with v1.variable_scope("candidate"):
                w = v1.get_variable("kernel", [size, self._n])
                b = v1.get_variable("bias", [self._n], initializer=v1.zeros_initializer())
                c = tf.tanh(tf.nn.bias_add(tf.matmul(tf.concat([inputs, r * state], 1), w), b))
            h = u * state + (1 - u) * c
            return h, h


class MultiRNNCell:
    """Cells one above the other, from ``residual_from`` on with their inputs added."""

    def __init__(self, cells: Any, residual_from: Any = None) -> None:
        self._cells, self._residual = cells, residual_from

    @property
    def state_size(self) -> Any:
        """The size of the state."""
        return tuple(cell.state_size for cell in self._cells)

    @property
    def output_size(self) -> Any:
        """The size of the outputs."""
        return self._cells[-1].output_size

    def zero_state(self, batch_size: Any, dtype: Any) -> Tensor:
        """A state of zeros."""
        with v1.name_scope("MultiRNNCellZeroState"):
            return tuple(cell.zero_state(batch_size, dtype) for cell in self._cells)

    def get_initial_state(self, inputs: Any = None, batch_size: Any = None, dtype: Any = None) -> Tensor:
        """The state that a loop starts with."""
        return self.zero_state(batch_size, dtype)

    def __call__(self, inputs: Tensor, state: Tensor, scope: Any = None) -> tuple[Tensor, Tensor]:
        """One step: the outputs and the next state."""
        states = []
        with v1.variable_scope(scope or "multi_rnn_cell"):
            for i, cell in enumerate(self._cells):
                with v1.variable_scope(f"cell_{i}"):
                    outputs, new = cell(inputs, state[i])
                    states.append(new)
                    inputs = (
                        inputs + outputs if self._residual is not None and i >= self._residual else outputs
                    )
        return inputs, tuple(states)


class DropoutWrapper:
    """A cell whose outputs are dropped out."""

    def __init__(self, cell: Any, output_keep_prob: Tensor) -> None:
        self._cell, self._keep = cell, output_keep_prob
        self.state_size, self.output_size = cell.state_size, cell.output_size
        self.zero_state, self.get_initial_state = cell.zero_state, cell.get_initial_state

    def __call__(self, inputs: Tensor, state: Tensor, scope: Any = None) -> tuple[Tensor, Tensor]:
        """One step: the outputs and the next state."""
        outputs, state = self._cell(inputs, state, scope)
        return v1.nn.dropout(outputs, rate=1.0 - self._keep), state


# ----------------------------------------------------------------------------------------------------
# tf.contrib.crf


class _CrfCell:
    """Forward pass of the partition function, of Viterbi, and the way back through its pointers."""

    def __init__(self, kind: str, num_tags: int, transitions: Any = None) -> None:
        self._kind, self._tags, self._transitions = kind, num_tags, transitions

    @property
    def state_size(self) -> Any:
        """The size of the state."""
        return 1 if self._kind == "back" else self._tags

    @property
    def output_size(self) -> Any:
        """The size of the outputs."""
        return self.state_size

    def zero_state(self, batch_size: Any, dtype: Any) -> Tensor:
        """A state of zeros."""
        return tf.zeros([batch_size, self.state_size], dtype)

    def get_initial_state(self, inputs: Any = None, batch_size: Any = None, dtype: Any = None) -> Tensor:
        """The state that a loop starts with."""
        return self.zero_state(batch_size, dtype)

    def __call__(self, inputs: Tensor, state: Tensor, scope: Any = None) -> tuple[Tensor, Tensor]:
        """One step: the outputs and the next state."""
        if self._kind == "back":
            state = tf.squeeze(state, axis=[1])
            rows = tf.range(tf.shape(inputs)[0])
            tags = tf.expand_dims(tf.gather_nd(inputs, tf.stack([rows, state], axis=1)), axis=-1)
            return tags, tags
        scores = tf.expand_dims(state, 2) + tf.expand_dims(self._transitions, 0)
        if self._kind == "norm":
            alphas = inputs + tf.reduce_logsumexp(scores, [1])
            return alphas, alphas
        return tf.cast(tf.argmax(scores, axis=1), tf.int32), inputs + tf.reduce_max(scores, [1])


def crf_log_likelihood(
    inputs: Tensor, tag_indices: Tensor, sequence_lengths: Tensor, transition_params: Any = None
) -> tuple[Tensor, Tensor]:
    """The log likelihood of tags, as tf.contrib.crf has it, and the transitions."""
    num_tags = int(inputs.shape[2])
    if transition_params is None:
        transition_params = v1.get_variable("transitions", [num_tags, num_tags])
    mask = tf.sequence_mask(sequence_lengths, tf.shape(inputs)[1], dtype=tf.float32)
    unary = tf.reduce_sum(inputs * tf.one_hot(tag_indices, num_tags), 2) * mask
    pairs = tag_indices[:, :-1] * num_tags + tag_indices[:, 1:]
    binary = tf.gather(tf.reshape(transition_params, [-1]), pairs) * mask[:, 1:]
    sequence_scores = tf.reduce_sum(unary, 1) + tf.reduce_sum(binary, 1)
    first = tf.squeeze(tf.slice(inputs, [0, 0, 0], [-1, 1, -1]), [1])
    rest = tf.slice(inputs, [0, 1, 0], [-1, -1, -1])
    _, alphas = v1.nn.dynamic_rnn(
        _CrfCell("norm", num_tags, transition_params),
        rest,
        initial_state=first,
        dtype=tf.float32,
        sequence_length=tf.maximum(0, tf.cast(sequence_lengths, tf.int32) - 1),
    )
    return sequence_scores - tf.reduce_logsumexp(alphas, [1]), transition_params


def crf_decode(
    potentials: Tensor, transition_params: Tensor, sequence_length: Tensor
) -> tuple[Tensor, Tensor]:
    """The best tags by Viterbi, as tf.contrib.crf has it, and their score."""
    num_tags = int(potentials.shape[2])
    initial_state = tf.squeeze(tf.slice(potentials, [0, 0, 0], [-1, 1, -1]), axis=[1])
    inputs = tf.slice(potentials, [0, 1, 0], [-1, -1, -1])
    less_one = tf.maximum(0, tf.cast(sequence_length, tf.int32) - 1)
    backpointers, last_score = v1.nn.dynamic_rnn(
        _CrfCell("viterbi", num_tags, transition_params),
        inputs,
        initial_state=initial_state,
        sequence_length=less_one,
        dtype=tf.int32,
        scope="crf_fwd",
    )
    backpointers = tf.reverse_sequence(backpointers, less_one, seq_axis=1)
    initial = tf.expand_dims(tf.cast(tf.argmax(last_score, axis=1), tf.int32), axis=-1)
    tags, _ = v1.nn.dynamic_rnn(
        _CrfCell("back", num_tags),
        backpointers,
        initial_state=initial,
        sequence_length=less_one,
        dtype=tf.int32,
        scope="crf_bwd",
    )
    tags = tf.concat([initial, tf.squeeze(tags, axis=[2])], axis=1)
    return tf.reverse_sequence(tags, sequence_length, seq_axis=1), tf.reduce_max(last_score, axis=1)


def dense(
    x: Tensor,
    units: int,
    name: str = "dense",
    activation: Any = None,
    bias: bool = True,
    reuse: bool | None = None,
    init: Any = None,
) -> Tensor:
    """What tf.layers.dense makes."""
    with v1.variable_scope(name, reuse=reuse):
        kernel = v1.get_variable("kernel", [int(x.shape[-1]), units], initializer=init)
        out = (
            tf.matmul(x, kernel) if x.shape.ndims == 2 else tf.tensordot(x, kernel, axes=1, name="Tensordot")
        )
        if bias:
            out = tf.nn.bias_add(
                out, v1.get_variable("bias", [units], initializer=v1.zeros_initializer()), name="BiasAdd"
            )
        return activation(out) if activation else out


# ----------------------------------------------------------------------------------------------------


@case("tagger")
def char_word_bilstm_crf_ner() -> Truth:
    """guillaumegenthial/sequence_tagging.

    predict_batch runs logits and trans_params and decodes with numpy.
    """
    word_ids = v1.placeholder(tf.int32, shape=[None, None], name="word_ids")
    sequence_lengths = v1.placeholder(tf.int32, shape=[None], name="sequence_lengths")
    char_ids = v1.placeholder(tf.int32, shape=[None, None, None], name="char_ids")
    word_lengths = v1.placeholder(tf.int32, shape=[None, None], name="word_lengths")
    labels = v1.placeholder(tf.int32, shape=[None, None], name="labels")
    dropout = v1.placeholder(dtype=tf.float32, shape=[], name="dropout")
    lr = v1.placeholder(dtype=tf.float32, shape=[], name="lr")
    ntags = 9
    with v1.variable_scope("words"):
        _word_embeddings = v1.get_variable(
            "_word_embeddings", initializer=np.zeros([60, 12], np.float32), trainable=False
        )
        word_embeddings = tf.nn.embedding_lookup(_word_embeddings, word_ids, name="word_embeddings")
    with v1.variable_scope("chars"):
        _char_embeddings = v1.get_variable(name="_char_embeddings", dtype=tf.float32, shape=[30, 6])
        char_embeddings = tf.nn.embedding_lookup(_char_embeddings, char_ids, name="char_embeddings")
        s = tf.shape(char_embeddings)
        char_embeddings = tf.reshape(char_embeddings, shape=[s[0] * s[1], s[-2], 6])
        lens = tf.reshape(word_lengths, shape=[s[0] * s[1]])
        _, ((_, output_fw), (_, output_bw)) = v1.nn.bidirectional_dynamic_rnn(
            BasicLSTMCell(5, "lstm_cell"),
            BasicLSTMCell(5, "lstm_cell"),
            char_embeddings,
            sequence_length=lens,
            dtype=tf.float32,
        )
        output = tf.reshape(tf.concat([output_fw, output_bw], axis=-1), shape=[s[0], s[1], 10])
        word_embeddings = tf.concat([word_embeddings, output], axis=-1)
    word_embeddings = v1.nn.dropout(word_embeddings, keep_prob=dropout)
    with v1.variable_scope("bi-lstm"):
        (output_fw, output_bw), _ = v1.nn.bidirectional_dynamic_rnn(
            BasicLSTMCell(8, "lstm_cell"),
            BasicLSTMCell(8, "lstm_cell"),
            word_embeddings,
            sequence_length=sequence_lengths,
            dtype=tf.float32,
        )
        output = v1.nn.dropout(tf.concat([output_fw, output_bw], axis=-1), keep_prob=dropout)
    with v1.variable_scope("proj"):
        W = v1.get_variable("W", dtype=tf.float32, shape=[16, ntags])
        b = v1.get_variable("b", shape=[ntags], dtype=tf.float32, initializer=v1.zeros_initializer())
        nsteps = tf.shape(output)[1]
        pred = tf.matmul(tf.reshape(output, [-1, 16]), W) + b
        logits = tf.reshape(pred, [-1, nsteps, ntags])
    log_likelihood, trans_params = crf_log_likelihood(logits, labels, sequence_lengths)
    loss = tf.reduce_mean(-log_likelihood)
    v1.summary.scalar("loss", loss)
    with v1.variable_scope("train_step"):
        optimizer = v1.train.AdamOptimizer(lr)
        grads, vs = zip(*optimizer.compute_gradients(loss), strict=True)
        grads, _gnorm = tf.clip_by_global_norm(grads, 5.0)
        optimizer.apply_gradients(zip(grads, vs, strict=True))
    v1.summary.merge_all()
    return [word_ids, sequence_lengths, char_ids, word_lengths], [logits, trans_params]


# ----------------------------------------------------------------------------------------------------
# BERT, as google-research writes it


def gelu(x: Tensor) -> Tensor:
    """The gelu of BERT."""
    cdf = 0.5 * (1.0 + tf.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * tf.pow(x, 3))))
    return x * cdf


def contrib_layer_norm(x: Tensor, name: str = "LayerNorm") -> Tensor:
    """What tf.contrib.layers.layer_norm makes."""
    with v1.variable_scope(name):
        beta = v1.get_variable("beta", [int(x.shape[-1])], initializer=v1.zeros_initializer())
        gamma = v1.get_variable("gamma", [int(x.shape[-1])], initializer=v1.ones_initializer())
        mean, variance = tf.nn.moments(x, [-1], keepdims=True)
        return tf.nn.batch_normalization(x, mean, variance, beta, gamma, 1e-12)


def bert_attention(
    layer_input: Tensor, attention_mask: Tensor, batch: Tensor, seq: Tensor, heads: int, size: int
) -> Tensor:
    """Attention with several heads, the dense layer after it, and their residual."""

    def transpose_for_scores(t: Tensor) -> Tensor:
        return tf.transpose(tf.reshape(t, [batch, seq, heads, size]), [0, 2, 1, 3])

    with v1.variable_scope("attention"):
        with v1.variable_scope("self"):
            init = v1.truncated_normal_initializer(stddev=0.02)
            query = transpose_for_scores(dense(layer_input, heads * size, "query", init=init))
            key = transpose_for_scores(dense(layer_input, heads * size, "key", init=init))
            value = transpose_for_scores(dense(layer_input, heads * size, "value", init=init))
            scores = tf.multiply(tf.matmul(query, key, transpose_b=True), 1.0 / np.sqrt(float(size)))
            adder = (1.0 - tf.expand_dims(attention_mask, axis=[1])) * -10000.0
            probs = v1.nn.dropout(tf.nn.softmax(scores + adder), rate=0.1)
            context = tf.transpose(tf.matmul(probs, value), [0, 2, 1, 3])
            context = tf.reshape(context, [batch * seq, heads * size])
        with v1.variable_scope("output"):
            out = v1.nn.dropout(dense(context, heads * size), rate=0.1)
            return contrib_layer_norm(out + layer_input)


def bert_model(
    input_ids: Tensor,
    input_mask: Tensor,
    token_type_ids: Tensor,
    layers: int = 2,
    hidden: int = 8,
    heads: int = 2,
    vocab: int = 50,
    scope: str = "bert",
    factor: Any = None,
    share: bool = False,
) -> tuple[Tensor, Tensor]:
    """The sequence of the last layer, and the pooled first word."""
    shape = tf.shape(input_ids)
    batch, seq = shape[0], shape[1]
    with v1.variable_scope(scope, reuse=v1.AUTO_REUSE):
        with v1.variable_scope("embeddings"):
            width = factor or hidden
            table = v1.get_variable(
                "word_embeddings", [vocab, width], initializer=v1.truncated_normal_initializer(stddev=0.02)
            )
            flat = tf.reshape(input_ids, [-1])
            out = tf.reshape(tf.gather(table, flat), [batch, seq, width])
            if token_type_ids is not None:
                types = v1.get_variable("token_type_embeddings", [2, width])
                one_hot = tf.one_hot(tf.reshape(token_type_ids, [-1]), depth=2)
                out += tf.reshape(tf.matmul(one_hot, types), [batch, seq, width])
            full = v1.get_variable("position_embeddings", [64, width])
            out += tf.expand_dims(tf.slice(full, [0, 0], tf.stack([seq, -1])), 0)
            out = v1.nn.dropout(contrib_layer_norm(out), rate=0.1)
        with v1.variable_scope("encoder"):
            to_mask = tf.cast(tf.reshape(input_mask, [batch, 1, seq]), tf.float32)
            mask = tf.ones(tf.stack([batch, seq, 1]), tf.float32) * to_mask
            if factor:
                out = dense(out, hidden, "embedding_hidden_mapping_in")
            prev = tf.reshape(out, [-1, hidden])
            for i in range(layers):
                with v1.variable_scope("group_0/inner_group_0" if share else f"layer_{i}"):
                    att = bert_attention(prev, mask, batch, seq, heads, hidden // heads)
                    with v1.variable_scope("intermediate"):
                        inter = dense(att, 2 * hidden, activation=gelu)
                    with v1.variable_scope("output"):
                        prev = contrib_layer_norm(v1.nn.dropout(dense(inter, hidden), rate=0.1) + att)
            sequence_output = tf.reshape(prev, [batch, seq, hidden])
        with v1.variable_scope("pooler"):
            first = tf.squeeze(sequence_output[:, 0:1, :], axis=1)
            pooled = dense(first, hidden, activation=tf.tanh)
    return sequence_output, pooled


def bert_create_optimizer(
    loss: Tensor, init_lr: float, num_train_steps: int, num_warmup_steps: int
) -> Tensor:
    """The step of optimization.py: warmup, clipping and the update."""
    global_step = v1.train.get_or_create_global_step()
    learning_rate = v1.train.polynomial_decay(
        tf.constant(init_lr), global_step, num_train_steps, end_learning_rate=0.0
    )
    steps_float = tf.cast(global_step, tf.float32)
    is_warmup = tf.cast(steps_float < num_warmup_steps, tf.float32)
    learning_rate = (1.0 - is_warmup) * learning_rate + is_warmup * init_lr * steps_float / num_warmup_steps
    tvars = v1.trainable_variables()
    grads = tf.gradients(loss, tvars)
    (grads, _) = tf.clip_by_global_norm(grads, clip_norm=1.0)
    assignments = []
    for grad, param in zip(grads, tvars, strict=True):
        if grad is None:
            continue
        grad = tf.convert_to_tensor(grad)
        name = param.name.split(":")[0]
        with v1.variable_scope("", reuse=False):
            m = v1.get_variable(
                name + "/adam_m", param.shape, trainable=False, initializer=v1.zeros_initializer()
            )
            v = v1.get_variable(
                name + "/adam_v", param.shape, trainable=False, initializer=v1.zeros_initializer()
            )
        next_m = tf.multiply(0.9, m) + tf.multiply(0.1, grad)
        next_v = tf.multiply(0.999, v) + tf.multiply(0.001, tf.square(grad))
        update = next_m / (tf.sqrt(next_v) + 1e-6)
        if "LayerNorm" not in name and "bias" not in name:
            update += 0.01 * param
        assignments.extend(
            [v1.assign(param, param - learning_rate * update), v1.assign(m, next_m), v1.assign(v, next_v)]
        )
    return tf.group(*assignments, v1.assign(global_step, global_step + 1))


@case("bert")
def bert_bilstm_crf_from_tfrecords() -> Truth:
    """macanv/BERT-BiLSTM-CRF-NER.

    The estimator reads TFRecords, predict gives pred_ids by Viterbi in the graph.
    """
    seq_length = 16
    name_to_features = {
        "input_ids": tf.io.FixedLenFeature([seq_length], tf.int64),
        "input_mask": tf.io.FixedLenFeature([seq_length], tf.int64),
        "segment_ids": tf.io.FixedLenFeature([seq_length], tf.int64),
        "label_ids": tf.io.FixedLenFeature([seq_length], tf.int64),
    }

    def _decode_record(record: Tensor) -> Tensor:
        example = tf.io.parse_single_example(record, name_to_features)
        return {name: tf.cast(t, tf.int32) for name, t in example.items()}

    d = tf.data.TFRecordDataset(["output/train.tf_record"]).repeat().shuffle(buffer_size=300)
    d = d.map(_decode_record, num_parallel_calls=8).batch(4).prefetch(4)
    features = v1.data.make_one_shot_iterator(d).get_next()
    input_ids, input_mask = features["input_ids"], features["input_mask"]
    segment_ids, label_ids = features["segment_ids"], features["label_ids"]
    embedding, _ = bert_model(input_ids, input_mask, segment_ids)
    lengths = tf.reduce_sum(tf.sign(tf.abs(input_ids)), axis=1)
    embedding = v1.nn.dropout(embedding, rate=0.5)
    with v1.variable_scope("rnn_layer"):
        outputs, _ = v1.nn.bidirectional_dynamic_rnn(
            BasicLSTMCell(6, "lstm_cell"), BasicLSTMCell(6, "lstm_cell"), embedding, dtype=tf.float32
        )
        outputs = tf.concat(outputs, axis=2)
    with v1.variable_scope("project"):
        with v1.variable_scope("hidden"):
            W = v1.get_variable("W", shape=[12, 6], dtype=tf.float32)
            b = v1.get_variable("b", shape=[6], dtype=tf.float32, initializer=v1.zeros_initializer())
            hidden = tf.tanh(v1.nn.xw_plus_b(tf.reshape(outputs, shape=[-1, 12]), W, b))
        with v1.variable_scope("logits"):
            W = v1.get_variable("W", shape=[6, 7], dtype=tf.float32)
            b = v1.get_variable("b", shape=[7], dtype=tf.float32, initializer=v1.zeros_initializer())
            pred = v1.nn.xw_plus_b(hidden, W, b)
        logits = tf.reshape(pred, [-1, seq_length, 7])
    with v1.variable_scope("crf_loss"):
        trans = v1.get_variable("transitions", shape=[7, 7], dtype=tf.float32)
        log_likelihood, trans = crf_log_likelihood(logits, label_ids, lengths, trans)
        loss = tf.reduce_mean(-log_likelihood)
    pred_ids, _ = crf_decode(logits, trans, lengths)
    bert_create_optimizer(loss, 5e-5, 1000, 100)
    v1.metrics.accuracy(labels=label_ids, predictions=pred_ids, weights=tf.sequence_mask(lengths, seq_length))
    return [input_ids, input_mask, segment_ids], [pred_ids]


@case("bert", modern=True)
def albert_squad_v2_beams() -> Truth:
    """google-research/albert run_squad_v2.

    Start and end beams and answerability, for compute_predictions_v2.
    """
    seq_length, start_n_top, end_n_top = 24, 3, 2
    input_ids = v1.placeholder(tf.int32, [None, seq_length], name="input_ids")
    input_mask = v1.placeholder(tf.int32, [None, seq_length], name="input_mask")
    segment_ids = v1.placeholder(tf.int32, [None, seq_length], name="segment_ids")
    p_mask = v1.placeholder(tf.float32, [None, seq_length], name="p_mask")
    start_positions = v1.placeholder(tf.int32, [None], name="start_positions")
    end_positions = v1.placeholder(tf.int32, [None], name="end_positions")
    is_impossible = v1.placeholder(tf.float32, [None], name="is_impossible")
    output, _pooled = bert_model(input_ids, input_mask, segment_ids, factor=4, share=True, scope="bert")
    bsz = tf.shape(output)[0]
    output = tf.transpose(output, [1, 0, 2])
    with v1.variable_scope("start_logits"):
        start_logits = dense(output, 1)
        start_logits = tf.transpose(tf.squeeze(start_logits, -1), [1, 0])
        start_logits_masked = start_logits * (1 - p_mask) - 1e30 * p_mask
        start_log_probs = tf.nn.log_softmax(start_logits_masked, -1)

    def end_head(rows: Tensor) -> Tensor:
        with v1.variable_scope("end_logits", reuse=v1.AUTO_REUSE):
            h = dense(rows, 8, "dense_0", activation=tf.tanh)
            h = contrib_layer_norm(h)
            return tf.squeeze(dense(h, 1, "dense_1"), -1)

    # While training, the true start is known.
    start_index = tf.one_hot(start_positions, depth=seq_length, axis=-1, dtype=tf.float32)
    start_features = tf.einsum("lbh,bl->bh", output, start_index)
    start_features = tf.tile(start_features[None], [seq_length, 1, 1])
    end_logits = tf.transpose(end_head(tf.concat([output, start_features], axis=-1)), [1, 0])
    end_log_probs = tf.nn.log_softmax(end_logits * (1 - p_mask) - 1e30 * p_mask, -1)
    # Elsewhere, the best starts are looked at.
    start_top_log_probs, start_top_index = tf.nn.top_k(start_log_probs, k=start_n_top)
    index = tf.one_hot(start_top_index, depth=seq_length, axis=-1, dtype=tf.float32)
    features = tf.einsum("lbh,bkl->bkh", output, index)
    end_input = tf.tile(output[:, :, None], [1, 1, start_n_top, 1])
    start_tiled = tf.tile(features[None], [seq_length, 1, 1, 1])
    end_beam = tf.transpose(end_head(tf.concat([end_input, start_tiled], axis=-1)), [1, 2, 0])
    end_beam = end_beam * (1 - p_mask[:, None]) - 1e30 * p_mask[:, None]
    end_top_log_probs, end_top_index = tf.nn.top_k(tf.nn.log_softmax(end_beam, -1), k=end_n_top)
    end_top_log_probs = tf.reshape(end_top_log_probs, [-1, start_n_top * end_n_top])
    end_top_index = tf.reshape(end_top_index, [-1, start_n_top * end_n_top])
    with v1.variable_scope("answer_class"):
        cls_index = tf.one_hot(tf.zeros([bsz], dtype=tf.int32), seq_length, axis=-1, dtype=tf.float32)
        cls_feature = tf.einsum("lbh,bl->bh", output, cls_index)
        start_p = tf.nn.softmax(start_logits_masked, axis=-1)
        start_feature = tf.einsum("lbh,bl->bh", output, start_p)
        ans = dense(tf.concat([start_feature, cls_feature], -1), 8, "dense_0", activation=tf.tanh)
        cls_logits = tf.squeeze(dense(v1.nn.dropout(ans, rate=0.1), 1, "dense_1", bias=False), -1)

    def compute_loss(log_probs: Tensor, positions: Tensor) -> Tensor:
        one_hot_positions = tf.one_hot(positions, depth=seq_length, dtype=tf.float32)
        return tf.reduce_mean(-tf.reduce_sum(one_hot_positions * log_probs, axis=-1))

    regression = tf.reduce_mean(
        tf.nn.sigmoid_cross_entropy_with_logits(labels=is_impossible, logits=cls_logits)
    )
    total = (
        compute_loss(start_log_probs, start_positions) + compute_loss(end_log_probs, end_positions)
    ) * 0.5
    total += regression * 0.5
    v1.train.AdamOptimizer(3e-5).minimize(total, global_step=v1.train.get_or_create_global_step())
    return (
        [input_ids, input_mask, segment_ids, p_mask],
        [start_top_log_probs, start_top_index, end_top_log_probs, end_top_index, cls_logits],
    )


@case("matching", modern=True)
def sentence_bert_triplet_ranker() -> Truth:
    """A search team's two-tower BERT with a triplet loss.

    rank.py scores the query against one document after another.
    """
    q_ids = v1.placeholder(tf.int32, [None, 12])
    q_mask = v1.placeholder(tf.int32, [None, 12])
    pos_ids = v1.placeholder(tf.int32, [None, 20])
    pos_mask = v1.placeholder(tf.int32, [None, 20])
    neg_ids = v1.placeholder(tf.int32, [None, 20])
    neg_mask = v1.placeholder(tf.int32, [None, 20])
    keep = v1.placeholder_with_default(1.0, [])

    def encode(ids: Tensor, mask: Tensor) -> Tensor:
        seq, _ = bert_model(ids, mask, None, layers=1)
        m = tf.cast(tf.expand_dims(mask, -1), tf.float32)
        mean = tf.reduce_sum(seq * m, 1) / (tf.reduce_sum(m, 1) + 1e-9)
        with v1.variable_scope("proj", reuse=v1.AUTO_REUSE):
            e = dense(v1.nn.dropout(mean, rate=1 - keep), 6, activation=tf.tanh)
        return tf.nn.l2_normalize(e, axis=-1)

    q, p, n = encode(q_ids, q_mask), encode(pos_ids, pos_mask), encode(neg_ids, neg_mask)
    score_pos = tf.reduce_sum(q * p, -1)
    score_neg = tf.reduce_sum(q * n, -1)
    in_batch = tf.matmul(q, p, transpose_b=True) * 20.0
    softmax = tf.reduce_mean(
        tf.nn.sparse_softmax_cross_entropy_with_logits(
            labels=tf.range(tf.shape(in_batch)[0]), logits=in_batch
        )
    )
    hinge = tf.reduce_mean(tf.maximum(0.0, 0.3 - score_pos + score_neg))
    loss = hinge + softmax
    acc = tf.reduce_mean(tf.cast(score_pos > score_neg, tf.float32))
    v1.summary.scalar("triplet_acc", acc)
    v1.summary.scalar("triplet_loss", loss)
    gs = v1.train.get_or_create_global_step()
    rate = v1.train.exponential_decay(2e-5, gs, 1000, 0.9)
    v1.train.AdamOptimizer(rate).minimize(loss, gs)
    v1.summary.merge_all()
    return [q_ids, q_mask, pos_ids, pos_mask], [score_pos]


# ----------------------------------------------------------------------------------------------------
# Translation


@case("translation")
def kyubyong_transformer_de_en() -> Truth:
    """Kyubyong/transformer.

    eval.py feeds x and what it has of the translation as y, and fetches preds, word by word.
    """
    maxlen, C, heads = 10, 8, 2
    x = v1.placeholder(tf.int32, shape=(None, maxlen))
    y = v1.placeholder(tf.int32, shape=(None, maxlen))
    is_training = v1.placeholder_with_default(False, [], name="is_training")

    def embedding(inputs: Tensor, vocab: int, scale: bool, scope: str) -> Tensor:
        with v1.variable_scope(scope):
            table = v1.get_variable("lookup_table", [vocab, C])
            table = tf.concat((tf.zeros(shape=[1, C]), table[1:, :]), 0)
            out = tf.nn.embedding_lookup(table, inputs)
            return out * (C**0.5) if scale else out

    def drop(t: Tensor) -> Tensor:
        return tf.cond(is_training, lambda: v1.nn.dropout(t, rate=0.1), lambda: tf.identity(t))

    def normalize(inputs: Tensor, scope: str = "ln") -> Tensor:
        with v1.variable_scope(scope):
            mean, variance = tf.nn.moments(inputs, [-1], keepdims=True)
            beta = tf.Variable(tf.zeros([C]))
            gamma = tf.Variable(tf.ones([C]))
            return gamma * ((inputs - mean) / ((variance + 1e-8) ** 0.5)) + beta

    def multihead_attention(queries: Tensor, keys: Tensor, causality: bool, scope: str) -> Tensor:
        with v1.variable_scope(scope):
            Q, K, V = (
                dense(t, C, n, tf.nn.relu)
                for t, n in ((queries, "dense"), (keys, "dense_1"), (keys, "dense_2"))
            )
            Q_, K_, V_ = (tf.concat(tf.split(t, heads, axis=2), axis=0) for t in (Q, K, V))
            outputs = tf.matmul(Q_, tf.transpose(K_, [0, 2, 1])) / (int(K_.shape[-1]) ** 0.5)
            key_masks = tf.tile(tf.sign(tf.abs(tf.reduce_sum(keys, axis=-1))), [heads, 1])
            key_masks = tf.tile(tf.expand_dims(key_masks, 1), [1, tf.shape(queries)[1], 1])
            paddings = tf.ones_like(outputs) * (-(2**32) + 1)
            outputs = tf.where(tf.equal(key_masks, 0), paddings, outputs)
            if causality:
                tril = tf.linalg.LinearOperatorLowerTriangular(tf.ones_like(outputs[0, :, :])).to_dense()
                masks = tf.tile(tf.expand_dims(tril, 0), [tf.shape(outputs)[0], 1, 1])
                outputs = tf.where(tf.equal(masks, 0), paddings, outputs)
            outputs = tf.nn.softmax(outputs)
            query_masks = tf.tile(tf.sign(tf.abs(tf.reduce_sum(queries, axis=-1))), [heads, 1])
            outputs *= tf.tile(tf.expand_dims(query_masks, -1), [1, 1, tf.shape(keys)[1]])
            outputs = tf.matmul(drop(outputs), V_)
            outputs = tf.concat(tf.split(outputs, heads, axis=0), axis=2)
            return normalize(outputs + queries)

    def feedforward(inputs: Tensor, scope: str) -> Tensor:
        with v1.variable_scope(scope):
            w1 = v1.get_variable("conv1d/kernel", [1, C, 2 * C])
            w2 = v1.get_variable("conv1d_1/kernel", [1, 2 * C, C])
            out = tf.nn.relu(tf.nn.conv1d(inputs, w1, 1, "SAME"))
            return normalize(tf.nn.conv1d(out, w2, 1, "SAME") + inputs)

    def positions(t: Tensor) -> Tensor:
        return tf.tile(tf.expand_dims(tf.range(tf.shape(t)[1]), 0), [tf.shape(t)[0], 1])

    decoder_inputs = tf.concat((tf.ones_like(y[:, :1]) * 2, y[:, :-1]), -1)
    with v1.variable_scope("encoder"):
        enc = embedding(x, 40, True, "enc_embed")
        enc += embedding(positions(x), maxlen, False, "enc_pe")
        enc = drop(enc)
        for i in range(2):
            with v1.variable_scope(f"num_blocks_{i}"):
                enc = feedforward(multihead_attention(enc, enc, False, "multihead_attention"), "ff")
    with v1.variable_scope("decoder"):
        dec = embedding(decoder_inputs, 45, True, "dec_embed")
        dec += embedding(positions(decoder_inputs), maxlen, False, "dec_pe")
        dec = drop(dec)
        for i in range(2):
            with v1.variable_scope(f"num_blocks_{i}"):
                dec = multihead_attention(dec, dec, True, "self_attention")
                dec = multihead_attention(dec, enc, False, "vanilla_attention")
                dec = feedforward(dec, "ff")
    logits = dense(dec, 45)
    preds = tf.cast(tf.argmax(logits, axis=-1), tf.int32)
    istarget = tf.cast(tf.not_equal(y, 0), tf.float32)
    acc = tf.reduce_sum(tf.cast(tf.equal(preds, y), tf.float32) * istarget) / (tf.reduce_sum(istarget))
    v1.summary.scalar("acc", acc)
    one_hot = tf.one_hot(y, depth=45)
    y_smoothed = ((1 - 0.1) * one_hot) + (0.1 / 45)
    loss = tf.nn.softmax_cross_entropy_with_logits(logits=logits, labels=y_smoothed)
    mean_loss = tf.reduce_sum(loss * istarget) / (tf.reduce_sum(istarget))
    global_step = tf.Variable(0, name="global_step", trainable=False)
    v1.train.AdamOptimizer(learning_rate=0.0001, beta1=0.9, beta2=0.98, epsilon=1e-8).minimize(
        mean_loss, global_step=global_step
    )
    v1.summary.scalar("mean_loss", mean_loss)
    v1.summary.merge_all()
    return [x, y], [preds]


@case("translation")
def gnmt_luong_beam_search() -> Truth:
    """Seq2seq like tensorflow/nmt, train and beam decoder in one graph.

    translate.py fetches the words of the beams.
    """
    beam, units, vocab = 3, 8, 30
    src = v1.placeholder(tf.int32, [None, None], name="encoder_inputs")
    src_len = v1.placeholder(tf.int32, [None], name="encoder_inputs_length")
    tgt_in = v1.placeholder(tf.int32, [None, None], name="decoder_inputs")
    tgt_out = v1.placeholder(tf.int32, [None, None], name="decoder_targets")
    tgt_len = v1.placeholder(tf.int32, [None], name="decoder_targets_length")
    keep_prob = v1.placeholder(tf.float32, [], name="keep_prob")
    reverse_vocab = tf.lookup.StaticHashTable(
        tf.lookup.KeyValueTensorInitializer(
            tf.constant(np.arange(vocab), tf.int64), tf.constant([f"w{i}" for i in range(vocab)])
        ),
        "<unk>",
    )
    with v1.variable_scope("embeddings"):
        embedding_encoder = v1.get_variable("embedding_encoder", [vocab, units])
        embedding_decoder = v1.get_variable("embedding_decoder", [vocab, units])
    with v1.variable_scope("dynamic_seq2seq"):
        with v1.variable_scope("encoder"):
            emb = tf.nn.embedding_lookup(embedding_encoder, src)
            bi, _ = v1.nn.bidirectional_dynamic_rnn(
                BasicLSTMCell(units), BasicLSTMCell(units), emb, sequence_length=src_len, dtype=tf.float32
            )
            uni = MultiRNNCell(
                [DropoutWrapper(BasicLSTMCell(units), keep_prob) for _ in range(2)], residual_from=1
            )
            memory, encoder_state = v1.nn.dynamic_rnn(
                uni, tf.concat(bi, -1), sequence_length=src_len, dtype=tf.float32
            )

        def attend(h: Tensor, keys: Tensor, values: Tensor, mask: Tensor) -> Tensor:
            score = tf.squeeze(tf.matmul(tf.expand_dims(h, 1), keys, transpose_b=True), [1])
            align = tf.nn.softmax(score + (1.0 - mask) * -1e9)
            context = tf.squeeze(tf.matmul(tf.expand_dims(align, 1), values), [1])
            with v1.variable_scope("attention_layer", reuse=v1.AUTO_REUSE):
                return tf.tanh(dense(tf.concat([h, context], 1), units, bias=False))

        with v1.variable_scope("decoder", reuse=v1.AUTO_REUSE) as dec_scope:
            keys = dense(memory, units, "memory_layer", bias=False)
            mask = tf.sequence_mask(src_len, tf.shape(memory)[1], dtype=tf.float32)
            cell = MultiRNNCell([BasicLSTMCell(units), BasicLSTMCell(units)])

            class AttentionWrapper:
                state_size = (cell.state_size, units)
                output_size = units

                def zero_state(self, batch_size: Any, dtype: Any) -> tuple[Tensor, Tensor]:
                    return (encoder_state, tf.zeros([batch_size, units]))

                def __init__(self, keys: Tensor, values: Tensor, mask: Tensor) -> None:
                    self.args = (keys, values, mask)

                def __call__(self, inputs: Tensor, state: Tensor, scope: Any = None) -> tuple[Tensor, Tensor]:
                    with v1.variable_scope("attention", reuse=v1.AUTO_REUSE):
                        out, new = cell(tf.concat([inputs, state[1]], 1), state[0])
                        att = attend(out, *self.args)
                        return att, (new, att)

            batch = tf.shape(src)[0]
            wrapper = AttentionWrapper(keys, memory, mask)
            outputs, _ = v1.nn.dynamic_rnn(
                wrapper,
                tf.nn.embedding_lookup(embedding_decoder, tgt_in),
                sequence_length=tgt_len,
                initial_state=wrapper.zero_state(batch, tf.float32),
                scope=dec_scope,
            )
            logits = dense(outputs, vocab, "output_projection", bias=False)

            def tile(t: Tensor) -> Tensor:
                t = tf.tile(tf.expand_dims(t, 1), [1, beam] + [1] * (t.shape.ndims - 1))
                return tf.reshape(t, tf.concat([[batch * beam], tf.shape(t)[2:]], 0))

            tiled = [tile(keys), tile(memory), tile(mask)]
            tiled[0].set_shape([None, None, units])
            tiled[1].set_shape([None, None, units])
            beam_cell = AttentionWrapper(*tiled)
            state0 = tf.nest.map_structure(tile, encoder_state)
            flat0 = [*tf.nest.flatten(state0), tf.zeros([batch * beam, units])]
            log0 = tf.tile(tf.constant([[0.0] + [-1e9] * (beam - 1)]), [batch, 1])
            ids0 = tf.fill([batch, beam, 1], 1)
            done0 = tf.zeros([batch, beam], tf.bool)

            def body(i: Tensor, ids: Tensor, logp: Tensor, done: Tensor, *flat: Tensor) -> Tensor:
                word = tf.reshape(ids[:, :, -1], [-1])
                packed = tf.nest.pack_sequence_as(beam_cell.state_size, list(flat))
                out, new = beam_cell(tf.nn.embedding_lookup(embedding_decoder, word), packed)
                step = tf.nn.log_softmax(dense(out, vocab, "output_projection", bias=False))
                step = tf.reshape(step, [batch, beam, vocab])
                eos_only = tf.one_hot(tf.fill(tf.shape(done), 2), vocab, on_value=0.0, off_value=-1e9)
                step = tf.where(tf.tile(tf.expand_dims(done, -1), [1, 1, vocab]), eos_only, step)
                total = tf.reshape(tf.expand_dims(logp, -1) + step, [batch, beam * vocab])
                logp, top = tf.nn.top_k(total, k=beam)
                parent, word = top // vocab, top % vocab
                ids = tf.concat([tf.gather(ids, parent, batch_dims=1), tf.expand_dims(word, -1)], -1)
                done = tf.logical_or(tf.gather(done, parent, batch_dims=1), tf.equal(word, 2))
                rows = tf.reshape(tf.expand_dims(tf.range(batch) * beam, 1) + parent, [-1])
                return [i + 1, ids, logp, done] + [tf.gather(t, rows) for t in tf.nest.flatten(new)]

            loop = v1.while_loop(
                lambda i, ids, logp, done, *flat: tf.logical_and(
                    i < 2 * tf.reduce_max(src_len), tf.logical_not(tf.reduce_all(done))
                ),
                body,
                [tf.constant(0), ids0, log0, done0, *flat0],
                shape_invariants=[
                    tf.TensorShape([]),
                    tf.TensorShape([None, None, None]),
                    tf.TensorShape([None, beam]),
                    tf.TensorShape([None, None]),
                ]
                + [tf.TensorShape([None, units])] * len(flat0),
                parallel_iterations=1,
                swap_memory=True,
            )
            predicted_ids = loop[1][:, :, 1:]
        sample_words = reverse_vocab.lookup(tf.cast(predicted_ids, tf.int64))
    weights = tf.sequence_mask(tgt_len, tf.shape(tgt_out)[1], dtype=tf.float32)
    crossent = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=tgt_out, logits=logits)
    loss = tf.reduce_sum(crossent * weights) / tf.cast(batch, tf.float32)
    global_step = tf.Variable(0, trainable=False, name="global_step")
    params = v1.trainable_variables()
    clipped, norm = tf.clip_by_global_norm(tf.gradients(loss, params), 5.0)
    v1.train.GradientDescentOptimizer(1.0).apply_gradients(
        zip(clipped, params, strict=True), global_step=global_step
    )
    v1.summary.merge([v1.summary.scalar("grad_norm", norm), v1.summary.scalar("train_loss", loss)])
    return [src, src_len], [sample_words]


# ----------------------------------------------------------------------------------------------------
# Understanding


@case("reading")
def rnet_squad_with_handle() -> Truth:
    """HKUST-KnowledgeComputing/R-Net.

    A feedable iterator; evaluate runs yp1 and yp2 and cuts the answer out.
    """
    N, CH, d = 4, 5, 6
    handle = v1.placeholder(tf.string, shape=[])
    types = (tf.int32, tf.int32, tf.int32, tf.int32, tf.float32, tf.float32, tf.int64)
    shapes = ([N, 20], [N, 8], [N, 20, CH], [N, 8, CH], [N, 20], [N, 20], [N])
    iterator = v1.data.Iterator.from_string_handle(handle, types, tuple(tf.TensorShape(s) for s in shapes))
    c, q, ch, qh, y1, y2, qa_id = iterator.get_next()
    fed = [c, q, ch, qh]
    is_train = v1.get_variable(
        "is_train", shape=[], dtype=tf.bool, trainable=False, initializer=v1.zeros_initializer()
    )
    global_step = v1.get_variable(
        "global_step", shape=[], dtype=tf.int32, initializer=v1.zeros_initializer(), trainable=False
    )
    word_mat = v1.get_variable(
        "word_mat", initializer=tf.constant(np.zeros([40, 6]), dtype=tf.float32), trainable=False
    )
    char_mat = v1.get_variable("char_mat", initializer=tf.constant(np.zeros([25, 4]), dtype=tf.float32))
    c_mask, q_mask = tf.cast(c, tf.bool), tf.cast(q, tf.bool)
    c_len = tf.reduce_sum(tf.cast(c_mask, tf.int32), axis=1)
    q_len = tf.reduce_sum(tf.cast(q_mask, tf.int32), axis=1)
    c_maxlen, q_maxlen = tf.reduce_max(c_len), tf.reduce_max(q_len)
    c = tf.slice(c, [0, 0], [N, c_maxlen])
    q = tf.slice(q, [0, 0], [N, q_maxlen])
    c_mask = tf.slice(c_mask, [0, 0], [N, c_maxlen])
    q_mask = tf.slice(q_mask, [0, 0], [N, q_maxlen])
    ch = tf.slice(ch, [0, 0, 0], [N, c_maxlen, CH])
    qh = tf.slice(qh, [0, 0, 0], [N, q_maxlen, CH])
    y1 = tf.slice(y1, [0, 0], [N, c_maxlen])
    y2 = tf.slice(y2, [0, 0], [N, c_maxlen])

    def dropout(args: Tensor, keep_prob: float = 0.7) -> Tensor:
        return tf.cond(is_train, lambda: v1.nn.dropout(args, rate=1 - keep_prob), lambda: args)

    def bi_gru(inputs: Tensor, lens: Tensor, scope: str, reuse: bool | None = None) -> tuple[Tensor, Tensor]:
        with v1.variable_scope(scope, reuse=reuse):
            outs, states = v1.nn.bidirectional_dynamic_rnn(
                GRUCell(d), GRUCell(d), inputs, lens, dtype=tf.float32
            )
            return tf.concat(outs, 2), tf.concat(states, 1)

    def dot_attention(inputs: Tensor, memory: Tensor, mask: Tensor, scope: str) -> Tensor:
        with v1.variable_scope(scope):
            a = tf.nn.relu(dense(dropout(inputs), d, "inputs", bias=False))
            b = tf.nn.relu(dense(dropout(memory), d, "memory", bias=False))
            outputs = tf.matmul(a, tf.transpose(b, [0, 2, 1])) / (d**0.5)
            m = tf.tile(tf.expand_dims(mask, axis=1), [1, tf.shape(inputs)[1], 1])
            outputs = tf.matmul(tf.nn.softmax(-1e30 * (1 - tf.cast(m, tf.float32)) + outputs), memory)
            res = tf.concat([inputs, outputs], axis=2)
            with v1.variable_scope("gate"):
                return res * tf.nn.sigmoid(dense(dropout(res), int(res.shape[-1]), bias=False))

    def summ(memory: Tensor, mask: Tensor, scope: str) -> Tensor:
        with v1.variable_scope(scope):
            s = dense(tf.nn.tanh(dense(dropout(memory), d, "s0")), 1, "s", bias=False)
            a = tf.expand_dims(
                tf.nn.softmax(-1e30 * (1 - tf.cast(mask, tf.float32)) + tf.squeeze(s, [2])), axis=2
            )
            return tf.reduce_sum(a * memory, axis=1)

    with v1.variable_scope("emb"):
        with v1.variable_scope("char"):
            # the convolution of QANet instead of the GRU over characters: faster, and as good
            filt = v1.get_variable("char_conv/kernel", [3, 4, 2 * d])

            def char_conv(chars: Tensor, n: Tensor) -> Tensor:
                e = tf.reshape(dropout(tf.nn.embedding_lookup(char_mat, chars)), [N * n, CH, 4])
                e = tf.nn.relu(tf.nn.conv1d(e, filt, 1, "SAME"))
                return tf.reshape(tf.reduce_max(e, axis=1), [N, n, 2 * d])

            ch_emb, qh_emb = char_conv(ch, c_maxlen), char_conv(qh, q_maxlen)
        with v1.name_scope("word"):
            c_emb = tf.nn.embedding_lookup(word_mat, c)
            q_emb = tf.nn.embedding_lookup(word_mat, q)
        c_emb = tf.concat([c_emb, ch_emb], axis=2)
        q_emb = tf.concat([q_emb, qh_emb], axis=2)
    c, _ = bi_gru(c_emb, c_len, "encoding")
    q, _ = bi_gru(q_emb, q_len, "encoding", reuse=True)
    att, _ = bi_gru(dot_attention(c, q, q_mask, "attention"), c_len, "qc_att")
    match, _ = bi_gru(dot_attention(att, att, c_mask, "match"), c_len, "match_rnn")
    with v1.variable_scope("pointer"):
        init = summ(q, q_mask, "init")
        init = dense(init, 2 * d, "init_proj")

        def pointer(state: Tensor, reuse: bool | None) -> tuple[Tensor, Tensor]:
            with v1.variable_scope("ptr", reuse=reuse):
                u = tf.concat([tf.tile(tf.expand_dims(state, 1), [1, tf.shape(match)[1], 1]), match], 2)
                s = tf.squeeze(dense(tf.nn.tanh(dense(u, d, "s0", bias=False)), 1, "s", bias=False), [2])
                s = -1e30 * (1 - tf.cast(c_mask, tf.float32)) + s
                return tf.reduce_sum(tf.expand_dims(tf.nn.softmax(s), 2) * match, 1), s

        inp, logits1 = pointer(init, None)
        _, state = GRUCell(2 * d, "ptr_gru")(inp, init)
        _, logits2 = pointer(state, True)
    with v1.variable_scope("predict"):
        outer = tf.matmul(
            tf.expand_dims(tf.nn.softmax(logits1), axis=2), tf.expand_dims(tf.nn.softmax(logits2), axis=1)
        )
        outer = tf.linalg.band_part(outer, 0, 15)
        yp1 = tf.argmax(tf.reduce_max(outer, axis=2), axis=1)
        yp2 = tf.argmax(tf.reduce_max(outer, axis=1), axis=1)
        losses = tf.nn.softmax_cross_entropy_with_logits(logits=logits1, labels=tf.stop_gradient(y1))
        losses2 = tf.nn.softmax_cross_entropy_with_logits(logits=logits2, labels=tf.stop_gradient(y2))
        loss = tf.reduce_mean(losses + losses2)
    lr = v1.get_variable("lr", shape=[], dtype=tf.float32, trainable=False)
    opt = v1.train.AdadeltaOptimizer(learning_rate=lr, epsilon=1e-6)
    gradients, variables = zip(*opt.compute_gradients(loss), strict=True)
    capped, _ = tf.clip_by_global_norm(gradients, 5.0)
    opt.apply_gradients(zip(capped, variables, strict=True), global_step=global_step)
    tf.identity(qa_id, name="qa_id")
    return fed, [yp1, yp2]


@case("entailment")
def esim_natural_language_inference() -> Truth:
    """ESIM for SNLI and Quora pairs as its re-implementations write it.

    predict.py fetches the classes' argmax.
    """
    premise = v1.placeholder(tf.int32, (None, 15), "premise")
    hypothesis = v1.placeholder(tf.int32, (None, 15), "hypothesis")
    premise_mask = v1.placeholder(tf.int32, (None,), "premise_actual_length")
    hypothesis_mask = v1.placeholder(tf.int32, (None,), "hypothesis_actual_length")
    y = v1.placeholder(tf.float32, (None, 3), "y_true")
    dropout_keep_prob = v1.placeholder(tf.float32, name="dropout")
    h = 6
    with v1.device("/cpu:0"):
        E = tf.Variable(v1.random_uniform([50, 8], -1.0, 1.0), trainable=True, name="Emb")
    a, b = tf.nn.embedding_lookup(E, premise), tf.nn.embedding_lookup(E, hypothesis)
    a, b = (v1.nn.dropout(t, keep_prob=dropout_keep_prob) for t in (a, b))

    def biLSTM(inputs: Tensor, lens: Tensor, name: str, reuse: bool | None) -> Tensor:
        with v1.variable_scope(name, reuse=reuse):
            out, _ = v1.nn.bidirectional_dynamic_rnn(
                BasicLSTMCell(h, "lstm_cell"),
                BasicLSTMCell(h, "lstm_cell"),
                inputs,
                sequence_length=lens,
                dtype=tf.float32,
            )
            return tf.concat(out, 2)

    with v1.variable_scope("Input_Encoding_Block"):
        a_bar = biLSTM(a, premise_mask, "biLSTM", None)
        b_bar = biLSTM(b, hypothesis_mask, "biLSTM", True)
    with v1.variable_scope("Local_inference_Modeling_Block"):
        attentionWeights = tf.matmul(a_bar, tf.transpose(b_bar, [0, 2, 1]))
        attentionSoft_a = tf.nn.softmax(attentionWeights)
        attentionSoft_b = tf.transpose(tf.nn.softmax(tf.transpose(attentionWeights, [0, 2, 1])), [0, 1, 2])
        a_hat = tf.matmul(attentionSoft_a, b_bar)
        b_hat = tf.matmul(attentionSoft_b, a_bar)
        m_a = tf.concat([a_bar, a_hat, tf.subtract(a_bar, a_hat), tf.multiply(a_bar, a_hat)], axis=2)
        m_b = tf.concat([b_bar, b_hat, tf.subtract(b_bar, b_hat), tf.multiply(b_bar, b_hat)], axis=2)
    with v1.variable_scope("Inference_Composition_Block"):
        v_a = biLSTM(dense(m_a, h, "F", tf.nn.relu), premise_mask, "biLSTM", None)
        v_b = biLSTM(dense(m_b, h, "F", tf.nn.relu, reuse=True), hypothesis_mask, "biLSTM", True)
        v = tf.concat(
            [
                tf.reduce_mean(v_a, axis=1),
                tf.reduce_max(v_a, axis=1),
                tf.reduce_mean(v_b, axis=1),
                tf.reduce_max(v_b, axis=1),
            ],
            axis=1,
        )
    with v1.variable_scope("feed_foward_layer"):
        out = v
        for i, n in enumerate((8, 3)):
            with v1.variable_scope(f"feed_foward_layer{i + 1}"):
                W = v1.get_variable(
                    "W", [int(out.shape[1]), n], initializer=v1.random_normal_initializer(0.0, 0.1)
                )
                bias = v1.get_variable("b", [n])
                v1.add_to_collection("losses", tf.nn.l2_loss(W) * 1e-4)
                out = tf.nn.tanh(
                    tf.nn.bias_add(tf.matmul(v1.nn.dropout(out, keep_prob=dropout_keep_prob), W), bias)
                )
    logits = out
    loss = tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(labels=y, logits=logits)) + tf.add_n(
        v1.get_collection("losses")
    )
    prediction = tf.argmax(logits, 1, name="label_pred")
    acc = tf.reduce_mean(tf.cast(tf.equal(prediction, tf.argmax(y, 1)), tf.float32), name="Acc")
    v1.summary.scalar("acc", acc)
    v1.train.AdamOptimizer(4e-4).minimize(loss)
    v1.summary.merge_all()
    return [premise, hypothesis, premise_mask, hypothesis_mask], [prediction]


@case("dialogue")
def slot_gated_joint_slu() -> Truth:
    """MiuLab/SlotGated-SLU.

    inference_outputs are the intents' and the slots' softmax of the inference tower.
    """
    input_data = v1.placeholder(tf.int32, [None, None], name="inputs")
    sequence_length = v1.placeholder(tf.int32, [None], name="sequence_length")
    slots = v1.placeholder(tf.int32, [None, None], name="slots")
    slot_weights = v1.placeholder(tf.float32, [None, None], name="slot_weights")
    intent = v1.placeholder(tf.int32, [None], name="intent")
    global_step = tf.Variable(0, trainable=False, name="global_step")
    n = 6

    def createModel(isTraining: bool) -> list[Tensor]:
        fw: Any = BasicLSTMCell(n)
        bw: Any = BasicLSTMCell(n)
        if isTraining:
            fw, bw = DropoutWrapper(fw, 0.5), DropoutWrapper(bw, 0.5)
        embedding = v1.get_variable("embedding", [40, n])
        inputs = tf.nn.embedding_lookup(embedding, input_data)
        state_outputs, final_state = v1.nn.bidirectional_dynamic_rnn(
            fw, bw, inputs, sequence_length=sequence_length, dtype=tf.float32
        )
        final_state = tf.concat(
            [final_state[0][0], final_state[0][1], final_state[1][0], final_state[1][1]], 1
        )
        state_outputs = tf.concat([state_outputs[0], state_outputs[1]], 2)
        size = 2 * n
        with v1.variable_scope("attention"):
            with v1.variable_scope("slot_attn"):
                shape = tf.shape(state_outputs)
                hidden = tf.expand_dims(state_outputs, 1)
                hidden_conv = tf.expand_dims(state_outputs, 2)
                k = v1.get_variable("AttnW", [1, 1, size, size])
                hidden_features = tf.nn.conv2d(hidden_conv, k, [1, 1, 1, 1], "SAME")
                hidden_features = tf.expand_dims(tf.reshape(hidden_features, shape), 1)
                v = v1.get_variable("AttnV", [size])
                flat = tf.reshape(state_outputs, [-1, size])
                y = tf.expand_dims(tf.reshape(dense(flat, size, "Linear"), shape), 2)
                s = tf.expand_dims(tf.nn.softmax(tf.reduce_sum(v * tf.tanh(hidden_features + y), [3])), -1)
                slot_d = tf.reshape(tf.reduce_sum(s * hidden, [2]), [-1, size])
            slot_inputs = flat
            with v1.variable_scope("intent_attn"):
                hidden = tf.expand_dims(state_outputs, 2)
                k = v1.get_variable("AttnW", [1, 1, size, size])
                hidden_features = tf.nn.conv2d(hidden, k, [1, 1, 1, 1], "SAME")
                v = v1.get_variable("AttnV", [size])
                y = tf.reshape(dense(final_state, size, "Linear"), [-1, 1, 1, size])
                a = tf.nn.softmax(tf.reduce_sum(v * tf.tanh(hidden_features + y), [2, 3]))
                d = tf.reduce_sum(tf.expand_dims(tf.expand_dims(a, -1), -1) * hidden, [1, 2])
            intent_output = tf.concat([d, final_state], 1)
            with v1.variable_scope("slot_gated"):
                intent_gate = tf.reshape(dense(intent_output, size, "Linear"), [-1, 1, size])
                v1_ = v1.get_variable("gateV", [size])
                gate = v1_ * tf.tanh(tf.reshape(slot_d, shape) + intent_gate)
                gate = tf.reshape(tf.reduce_sum(gate, [2]), [-1, 1])
                slot_output = tf.concat([slot_d * gate, slot_inputs], axis=1)
        with v1.variable_scope("intent_proj"):
            intents = dense(intent_output, 5, "Linear")
        with v1.variable_scope("slot_proj"):
            slots_ = dense(slot_output, 9, "Linear")
        return [slots_, intents]

    with v1.variable_scope("model"):
        slot_train, intent_train = createModel(True)
    slots_shape = tf.shape(slots)
    with v1.variable_scope("slot_loss"):
        crossent = tf.nn.sparse_softmax_cross_entropy_with_logits(
            labels=tf.reshape(slots, [-1]), logits=slot_train
        )
        crossent = tf.reshape(crossent, slots_shape)
        slot_loss = tf.reduce_sum(crossent * slot_weights, 1) / (tf.reduce_sum(slot_weights, 1) + 1e-12)
    with v1.variable_scope("intent_loss"):
        intent_loss = (
            tf.reduce_sum(tf.nn.sparse_softmax_cross_entropy_with_logits(labels=intent, logits=intent_train))
            / 16.0
        )
    params = v1.trainable_variables()
    opt = v1.train.AdamOptimizer()
    slot_params = [p for p in params if "intent" not in p.name or "slot_gated" in p.name]
    intent_params = [p for p in params if "slot" not in p.name]
    g_slot, norm_slot = tf.clip_by_global_norm(tf.gradients(slot_loss, slot_params), 5.0)
    g_intent, norm_intent = tf.clip_by_global_norm(tf.gradients(intent_loss, intent_params), 5.0)
    update_slot = opt.apply_gradients(zip(g_slot, slot_params, strict=True))
    update_intent = opt.apply_gradients(zip(g_intent, intent_params, strict=True), global_step=global_step)
    training_outputs = [global_step, slot_loss, update_intent, update_slot, norm_intent, norm_slot]
    with v1.variable_scope("model", reuse=True):
        inference = createModel(False)
    inference_slot_output = tf.nn.softmax(inference[0], name="slot_output")
    inference_intent_output = tf.nn.softmax(inference[1], name="intent_output")
    del training_outputs
    return [input_data, sequence_length], [inference_intent_output, inference_slot_output]


@case("summarization")
def summarunner_extractive() -> Truth:
    """SummaRuNNer: sentence by sentence probabilities of being in the summary; test.py sorts them."""
    S, T, D, H = 6, 10, 8, 5
    x = v1.placeholder(tf.int32, [None, S, T], name="docs")
    sent_num = v1.placeholder(tf.int32, [None], name="doc_lens")
    labels = v1.placeholder(tf.float32, [None, S])
    phase_lr = v1.placeholder(tf.float32, ())
    emb = tf.Variable(v1.random_normal([50, D]), name="embedding")
    words = tf.reshape(tf.nn.embedding_lookup(emb, x), [-1, T, D])
    wlen = tf.reduce_sum(tf.cast(tf.reshape(x, [-1, T]) > 0, tf.int32), 1)
    with v1.variable_scope("word_rnn"):
        o, _ = v1.nn.bidirectional_dynamic_rnn(GRUCell(H), GRUCell(H), words, wlen, dtype=tf.float32)
        sent = tf.reshape(tf.reduce_max(tf.concat(o, -1), axis=1), [-1, S, 2 * H])
    with v1.variable_scope("sent_rnn"):
        o, _ = v1.nn.bidirectional_dynamic_rnn(GRUCell(H), GRUCell(H), sent, sent_num, dtype=tf.float32)
        sent = tf.concat(o, -1)
    mask = tf.sequence_mask(sent_num, S, dtype=tf.float32)
    doc = tf.reduce_sum(sent, 1) / tf.expand_dims(tf.cast(sent_num, tf.float32), 1)
    doc = tf.tanh(
        tf.matmul(doc, tf.Variable(v1.random_normal([2 * H, 2 * H]))) + tf.Variable(tf.zeros([2 * H]))
    )
    Wc = tf.Variable(v1.random_normal([2 * H, 1]), name="content")
    Ws = tf.Variable(v1.random_normal([2 * H, 2 * H]), name="salience")
    Wn = tf.Variable(v1.random_normal([2 * H, 2 * H]), name="novelty")
    pos_emb = tf.Variable(v1.random_normal([S, 4]), name="abs_pos")
    Wp = tf.Variable(v1.random_normal([4, 1]), name="pos")
    bias = tf.Variable(tf.zeros([1]), name="bias")
    s = tf.zeros_like(doc)
    probs = []
    for j in range(S):
        h = sent[:, j, :]
        content = tf.matmul(h, Wc)
        salience = tf.reduce_sum(tf.matmul(h, Ws) * doc, 1, keepdims=True)
        novelty = -1.0 * tf.reduce_sum(tf.matmul(h, Wn) * tf.tanh(s), 1, keepdims=True)
        p = tf.sigmoid(content + salience + novelty + tf.matmul(pos_emb[j : j + 1], Wp) + bias)
        s = s + p * h
        probs.append(p)
    prob = tf.concat(probs, 1) * mask
    eps = 1e-8
    ce = -(labels * v1.log(prob + eps) + (1 - labels) * v1.log(1 - prob + eps)) * mask
    loss = tf.reduce_sum(ce) / tf.reduce_sum(mask)
    gvs = v1.train.AdamOptimizer(phase_lr).compute_gradients(loss)
    v1.train.AdamOptimizer(phase_lr).apply_gradients(
        [(tf.clip_by_norm(tf.convert_to_tensor(g), 1.0), v) for g, v in gvs if g is not None]
    )
    v1.summary.scalar("loss", loss)
    v1.summary.histogram("prob", prob)
    return [x, sent_num], [prob]


@case("topics")
def prodlda_autoencoding_vi() -> Truth:
    """akashgit/autoencoding_vi_for_topic_models: topic_prop feeds the bag of words and fetches z."""
    n_input, n_h, n_z, batch = 40, 10, 5, 8
    x = v1.placeholder(tf.float32, [None, n_input], name="input")
    keep_prob = v1.placeholder(tf.float32)
    a = 1 * np.ones((1, n_z)).astype(np.float32)
    mu2 = tf.constant((np.log(a).T - np.mean(np.log(a), 1)).T)
    var2 = tf.constant((((1.0 / a) * (1 - (2.0 / n_z))).T + (1.0 / (n_z * n_z)) * np.sum(1.0 / a, 1)).T)

    def xavier_init(fan_in: int, fan_out: int) -> Tensor:
        low, high = -np.sqrt(6.0 / (fan_in + fan_out)), np.sqrt(6.0 / (fan_in + fan_out))
        return v1.random_uniform((fan_in, fan_out), minval=low, maxval=high, dtype=tf.float32)

    def batch_norm(t: Tensor, scope: str) -> Tensor:
        with v1.variable_scope(scope):
            n = int(t.shape[-1])
            beta = v1.get_variable("beta", [n], initializer=v1.zeros_initializer())
            mm = v1.get_variable("moving_mean", [n], initializer=v1.zeros_initializer(), trainable=False)
            mv = v1.get_variable("moving_variance", [n], initializer=v1.ones_initializer(), trainable=False)
            mean, var = tf.nn.moments(t, [0])
            v1.add_to_collection(v1.GraphKeys.UPDATE_OPS, v1.assign_sub(mm, (mm - mean) * 0.001))
            v1.add_to_collection(v1.GraphKeys.UPDATE_OPS, v1.assign_sub(mv, (mv - var) * 0.001))
            return tf.nn.batch_normalization(t, mean, var, beta, None, 1e-3)

    W = {
        "h1": tf.Variable(xavier_init(n_input, n_h)),
        "h2": tf.Variable(xavier_init(n_h, n_h)),
        "out_mean": tf.Variable(xavier_init(n_h, n_z)),
        "out_log_sigma": tf.Variable(xavier_init(n_h, n_z)),
        "g": tf.Variable(xavier_init(n_z, n_input)),
    }
    B = {
        k: tf.Variable(tf.zeros([n], dtype=tf.float32))
        for k, n in (("b1", n_h), ("b2", n_h), ("out_mean", n_z), ("out_log_sigma", n_z))
    }
    layer_1 = tf.nn.softplus(tf.add(tf.matmul(x, W["h1"]), B["b1"]))
    layer_2 = tf.nn.softplus(tf.add(tf.matmul(layer_1, W["h2"]), B["b2"]))
    layer_do = v1.nn.dropout(layer_2, keep_prob=keep_prob)
    z_mean = batch_norm(tf.add(tf.matmul(layer_do, W["out_mean"]), B["out_mean"]), "BatchNorm")
    z_log_sigma_sq = batch_norm(
        tf.add(tf.matmul(layer_do, W["out_log_sigma"]), B["out_log_sigma"]), "BatchNorm_1"
    )
    eps = v1.random_normal((batch, n_z), 0, 1, dtype=tf.float32)
    z = tf.add(z_mean, tf.multiply(tf.sqrt(tf.exp(z_log_sigma_sq)), eps))
    sigma = tf.exp(z_log_sigma_sq)
    layer_do_0 = v1.nn.dropout(tf.nn.softmax(z), keep_prob=keep_prob)
    x_reconstr_mean = tf.nn.softmax(batch_norm(tf.add(tf.matmul(layer_do_0, W["g"]), 0.0), "BatchNorm_2"))
    x_reconstr_mean += 1e-10
    reconstr_loss = -tf.reduce_sum(x * v1.log(x_reconstr_mean), 1)
    latent_loss = 0.5 * (
        tf.reduce_sum(tf.divide(sigma, var2), 1)
        + tf.reduce_sum(tf.multiply(tf.divide((mu2 - z_mean), var2), (mu2 - z_mean)), 1)
        - n_z
        + tf.reduce_sum(v1.log(var2), 1)
        - tf.reduce_sum(z_log_sigma_sq, 1)
    )
    cost = tf.reduce_mean(reconstr_loss) + tf.reduce_mean(latent_loss)
    with tf.control_dependencies(v1.get_collection(v1.GraphKeys.UPDATE_OPS)):
        v1.train.AdamOptimizer(learning_rate=0.002, beta1=0.99).minimize(cost)
    return [x], [z]


@case("textcnn")
def vdcnn_characters() -> Truth:
    """Very deep CNN on characters with k-max pooling as dongjun-Lee's collection writes it.

    test.py fetches predictions.
    """
    maxlen, embedding_size = 48, 6
    x = v1.placeholder(tf.int32, [None, maxlen], name="x")
    y = v1.placeholder(tf.int32, [None], name="y")
    is_training = v1.placeholder(tf.bool, [], name="is_training")
    global_step = tf.Variable(0, trainable=False)
    counter = [0, 0]

    def conv(inputs: Tensor, filters: int, size: list[int]) -> Tensor:
        name = "conv2d" + (f"_{counter[0]}" if counter[0] else "")
        counter[0] += 1
        with v1.variable_scope(name):
            w = v1.get_variable("kernel", [size[0], size[1], int(inputs.shape[-1]), filters])
            b = v1.get_variable("bias", [filters], initializer=v1.zeros_initializer())
            pad = "VALID" if size[1] > 1 else "SAME"
            return tf.nn.bias_add(tf.nn.conv2d(inputs, w, [1, 1, 1, 1], pad), b)

    def bn(inputs: Tensor) -> Tensor:
        name = "batch_normalization" + (f"_{counter[1]}" if counter[1] else "")
        counter[1] += 1
        with v1.variable_scope(name):
            n = int(inputs.shape[-1])
            gamma = v1.get_variable("gamma", [n], initializer=v1.ones_initializer())
            beta = v1.get_variable("beta", [n], initializer=v1.zeros_initializer())
            mm = v1.get_variable("moving_mean", [n], initializer=v1.zeros_initializer(), trainable=False)
            mv = v1.get_variable("moving_variance", [n], initializer=v1.ones_initializer(), trainable=False)
            out, mean, var = tf.cond(
                is_training,
                lambda: tuple(v1.nn.fused_batch_norm(inputs, gamma, beta, epsilon=1e-3))[:3],
                lambda: tuple(
                    v1.nn.fused_batch_norm(inputs, gamma, beta, mm, mv, epsilon=1e-3, is_training=False)
                )[:3],
            )
            momentum = tf.cond(is_training, lambda: 0.99, lambda: 1.0)
            for var_, value in ((mm, mean), (mv, var)):
                v1.add_to_collection(
                    v1.GraphKeys.UPDATE_OPS, v1.assign_sub(var_, (var_ - value) * (1.0 - momentum))
                )
            return out

    def conv_block(inputs: Tensor, i: int, filters: int) -> Tensor:
        with v1.variable_scope(f"conv-block-{i}"):
            counter[:] = [0, 0]
            h = inputs
            for _ in range(2):
                h = tf.nn.relu(bn(conv(h, filters, [3, 1])))
            if h.shape[-1] != inputs.shape[-1]:
                inputs = conv(inputs, filters, [1, 1])
            return h + inputs

    with v1.name_scope("embedding"):
        init_embeddings = v1.random_uniform([69, embedding_size], -1.0, 1.0)
        embeddings = v1.get_variable("embeddings", initializer=init_embeddings)
        x_emb = tf.expand_dims(tf.nn.embedding_lookup(embeddings, x), -1)
    with v1.variable_scope("conv-0"):
        out = tf.nn.relu(conv(x_emb, 4, [3, embedding_size]))
    for i, f in enumerate((4, 6, 8)):
        out = conv_block(out, i + 1, f)
        if i < 2:
            out = v1.nn.max_pool(
                out, ksize=[1, 3, 1, 1], strides=[1, 2, 1, 1], padding="SAME", name=f"pool_{i + 1}"
            )
    with v1.name_scope("k-max-pooling"):
        h = tf.transpose(tf.squeeze(out, [2]), [0, 2, 1])
        h = tf.nn.top_k(h, k=4, sorted=False).values
        h = tf.reshape(h, [-1, 8 * 4])
    with v1.variable_scope("fc"):
        fc1 = dense(h, 16, "fc-1", tf.nn.relu)
        fc2 = dense(fc1, 16, "fc-2", tf.nn.relu)
        logits = dense(fc2, 4, "fc-3")
        predictions = tf.argmax(logits, -1, output_type=tf.int32)
    with v1.name_scope("loss"):
        loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(logits=logits, labels=y))
        with tf.control_dependencies(v1.get_collection(v1.GraphKeys.UPDATE_OPS)):
            v1.train.AdamOptimizer(0.001).minimize(loss, global_step=global_step)
    with v1.name_scope("accuracy"):
        tf.reduce_mean(tf.cast(tf.equal(predictions, y), "float"), name="accuracy")
    v1.summary.merge([v1.summary.scalar("loss", loss)])
    return [x], [predictions]


@case("attention", modern=True)
def hierarchical_attention_documents() -> Truth:
    """ematvey/hierarchical-attention-networks: three placeholders of a document, prediction by argmax."""
    is_training = v1.placeholder(dtype=tf.bool, name="is_training")
    sample_weights = v1.placeholder(shape=(None,), dtype=tf.float32, name="sample_weights")
    inputs = v1.placeholder(shape=(None, None, None), dtype=tf.int32, name="inputs")
    word_lengths = v1.placeholder(shape=(None, None), dtype=tf.int32, name="word_lengths")
    sentence_lengths = v1.placeholder(shape=(None,), dtype=tf.int32, name="sentence_lengths")
    labels = v1.placeholder(shape=(None,), dtype=tf.int32, name="labels")
    document_size, sentence_size, word_size = tf.unstack(tf.shape(inputs))

    def task_specific_attention(t: Tensor, output_size: int, scope: str) -> Tensor:
        with v1.variable_scope(scope):
            context = v1.get_variable("attention_context_vector", [output_size])
            with v1.variable_scope("fully_connected"):
                w = v1.get_variable("weights", [int(t.shape[-1]), output_size])
                b = v1.get_variable("biases", [output_size], initializer=v1.zeros_initializer())
                projection = tf.tanh(tf.tensordot(t, w, 1) + b)
            attn = tf.reduce_sum(tf.multiply(projection, context), axis=2, keepdims=True)
            weights = tf.nn.softmax(attn, axis=1)
            return tf.reduce_sum(tf.multiply(projection, weights), axis=1)

    def dropout(t: Tensor) -> Tensor:
        return tf.cond(is_training, lambda: v1.nn.dropout(t, rate=0.5), lambda: tf.identity(t))

    with v1.variable_scope("tcm"):
        with v1.variable_scope("embedding"):
            matrix = v1.get_variable("embedding_matrix", shape=[60, 8])
            embedded = tf.nn.embedding_lookup(matrix, inputs)
        with v1.variable_scope("word"):
            flat = tf.reshape(embedded, [document_size * sentence_size, word_size, 8])
            lens = tf.reshape(word_lengths, [document_size * sentence_size])
            (fw, bw), _ = v1.nn.bidirectional_dynamic_rnn(
                GRUCell(5), GRUCell(5), flat, lens, dtype=tf.float32, swap_memory=True
            )
            word_level = dropout(task_specific_attention(tf.concat((fw, bw), 2), 6, "attention"))
        with v1.variable_scope("sentence"):
            sentence_inputs = tf.reshape(word_level, [document_size, sentence_size, 6])
            (fw, bw), _ = v1.nn.bidirectional_dynamic_rnn(
                GRUCell(5), GRUCell(5), sentence_inputs, sentence_lengths, dtype=tf.float32
            )
            sentence_level = dropout(task_specific_attention(tf.concat((fw, bw), 2), 6, "attention"))
        with v1.variable_scope("classifier"):
            logits = dense(sentence_level, 5, "fully_connected")
            prediction = tf.argmax(logits, axis=-1)
    with v1.variable_scope("train"):
        xent = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits)
        loss = tf.reduce_mean(tf.multiply(xent, sample_weights))
        v1.summary.scalar("loss", loss)
        accuracy = tf.reduce_mean(
            tf.cast(tf.nn.in_top_k(predictions=logits, targets=labels, k=1), tf.float32)
        )
        v1.summary.scalar("accuracy", accuracy)
        tvars = v1.trainable_variables()
        grads, gnorm = tf.clip_by_global_norm(tf.gradients(loss, tvars), 5.0)
        v1.summary.scalar("global_grad_norm", gnorm)
        v1.train.AdamOptimizer(1e-4).apply_gradients(
            zip(grads, tvars, strict=True), name="train_op", global_step=v1.train.get_or_create_global_step()
        )
        v1.summary.merge_all()
    return [inputs, word_lengths, sentence_lengths], [prediction]


# ----------------------------------------------------------------------------------------------------
# Handwriting, music


@case("handwriting")
def write_rnn_mixture_strokes() -> Truth:
    """hardmaru/write-rnn-tensorflow.

    sample() feeds a stroke and the state (a zero tensor), fetches the mixture and the state.
    """
    batch, mix, size = 1, 4, 8
    cell = MultiRNNCell([BasicLSTMCell(size, tuples=False), BasicLSTMCell(size, tuples=False)])
    input_data = v1.placeholder(dtype=tf.float32, shape=[batch, None, 3])
    target_data = v1.placeholder(dtype=tf.float32, shape=[batch, None, 3])
    state_in = tf.identity(tf.concat(list(cell.zero_state(batch, tf.float32)), 1))
    n_out = 1 + mix * 6
    with v1.variable_scope("rnnlm"):
        output_w = v1.get_variable("output_w", [size, n_out])
        output_b = v1.get_variable("output_b", [n_out])
    output, last_state = v1.nn.dynamic_rnn(
        cell, input_data, initial_state=tuple(tf.split(state_in, 2, 1)), scope="rnnlm"
    )
    output = v1.nn.xw_plus_b(tf.reshape(output, [-1, size]), output_w, output_b)
    state_out = tf.concat(list(last_state), 1)
    [x1_data, x2_data, eos_data] = tf.split(tf.reshape(target_data, [-1, 3]), 3, 1)

    def tf_2d_normal(
        x1: Tensor, x2: Tensor, mu1: Tensor, mu2: Tensor, s1: Tensor, s2: Tensor, rho: Tensor
    ) -> Tensor:
        norm1, norm2 = tf.subtract(x1, mu1), tf.subtract(x2, mu2)
        s1s2 = tf.multiply(s1, s2)
        z = (
            tf.square(tf.divide(norm1, s1))
            + tf.square(tf.divide(norm2, s2))
            - 2 * tf.divide(tf.multiply(rho, tf.multiply(norm1, norm2)), s1s2)
        )
        neg_rho = 1 - tf.square(rho)
        return tf.divide(tf.exp(tf.divide(-z, 2 * neg_rho)), 2 * np.pi * tf.multiply(s1s2, tf.sqrt(neg_rho)))

    z_eos = tf.sigmoid(output[:, 0:1])
    z_pi, z_mu1, z_mu2, z_sigma1, z_sigma2, z_corr = tf.split(output[:, 1:], 6, 1)
    z_pi = tf.exp(tf.subtract(z_pi, tf.reduce_max(z_pi, 1, keepdims=True)))
    z_pi = tf.multiply(tf.math.reciprocal(tf.reduce_sum(z_pi, 1, keepdims=True)), z_pi)
    z_sigma1, z_sigma2, z_corr = tf.exp(z_sigma1), tf.exp(z_sigma2), tf.tanh(z_corr)
    result0 = tf_2d_normal(x1_data, x2_data, z_mu1, z_mu2, z_sigma1, z_sigma2, z_corr)
    result1 = tf.reduce_sum(tf.multiply(result0, z_pi), 1, keepdims=True)
    result1 = -v1.log(tf.maximum(result1, 1e-20))
    result2 = -v1.log(tf.multiply(z_eos, eos_data) + tf.multiply(1 - z_eos, 1 - eos_data))
    cost = tf.reduce_sum(result1 + result2) / 300.0
    train_loss_summary = v1.summary.scalar("train_loss", cost)
    lr = tf.Variable(0.0, trainable=False)
    tvars = v1.trainable_variables()
    grads, _ = tf.clip_by_global_norm(tf.gradients(cost, tvars), 10.0)
    v1.train.AdamOptimizer(lr).apply_gradients(zip(grads, tvars, strict=True))
    del train_loss_summary
    return [input_data, state_in], [z_pi, z_mu1, z_mu2, z_sigma1, z_sigma2, z_corr, z_eos, state_out]


@case("music")
def coconet_counterpoint() -> Truth:
    """Magenta's Coconet: Gibbs sampling feeds pianorolls and masks and fetches predictions."""
    P, instruments, filters = 12, 4, 6
    hold_train = True
    pianorolls = v1.placeholder(tf.float32, [None, None, P, instruments], "pianorolls")
    masks = v1.placeholder(tf.float32, [None, None, P, instruments], "masks")
    lengths = v1.placeholder(tf.float32, [None], "lengths")
    with v1.variable_scope("model"):
        masked = pianorolls * (1.0 - masks)
        out = tf.concat([masked, masks], axis=3)
        residual = None
        for i in range(5):
            with v1.variable_scope(f"conv{i}"):
                n_out = instruments if i == 4 else filters
                w = v1.get_variable(
                    "weights",
                    [3, 3, int(out.shape[-1]), n_out],
                    initializer=v1.truncated_normal_initializer(stddev=0.1),
                )
                conv = tf.nn.conv2d(
                    out, w, strides=[1, 1, 1, 1], padding="SAME", dilations=[1, 2 if i == 2 else 1, 1, 1]
                )
                pm = v1.get_variable(
                    "popmean", [1, 1, 1, n_out], trainable=False, initializer=v1.zeros_initializer()
                )
                pv = v1.get_variable(
                    "popvariance", [1, 1, 1, n_out], trainable=False, initializer=v1.ones_initializer()
                )
                gammas = v1.get_variable("gamma", [1, 1, 1, n_out], initializer=v1.constant_initializer(0.1))
                betas = v1.get_variable("beta", [1, 1, 1, n_out], initializer=v1.zeros_initializer())
                bm, bv = tf.nn.moments(conv, [0, 1, 2], keepdims=True)
                if hold_train:
                    updates = [v1.assign_sub(pm, 0.01 * (pm - bm)), v1.assign_sub(pv, 0.01 * (pv - bv))]
                    with tf.control_dependencies(updates):
                        bm, bv = tf.identity(bm), tf.identity(bv)
                out = tf.nn.batch_normalization(conv, bm, bv, betas, gammas, 1e-7)
                if residual is not None and i % 2 == 0 and i < 4:
                    out = out + residual
                if i % 2 == 0:
                    residual = out
                if i < 4:
                    out = tf.nn.relu(out)
        logits = out
        predictions = tf.nn.softmax(logits, axis=2)
        with v1.name_scope("loss"):
            unreduced = tf.nn.softmax_cross_entropy_with_logits(
                logits=tf.transpose(logits, [0, 1, 3, 2]), labels=tf.transpose(pianorolls, [0, 1, 3, 2])
            )
            unreduced = tf.transpose(tf.expand_dims(unreduced, 2), [0, 1, 2, 3])
            mask_size = tf.reduce_sum(masks[:, :, :1, :], axis=[1, 2, 3], keepdims=True) + 1e-6
            steps = tf.shape(pianorolls)[1]
            unreduced *= tf.reshape(lengths, [-1, 1, 1, 1]) * instruments / mask_size
            pad = tf.sequence_mask(tf.cast(lengths, tf.int32), steps, dtype=tf.float32)[:, :, None, None]
            m = masks[:, :, :1, :] * pad
            loss_mask = tf.reduce_sum(unreduced * m) / (tf.reduce_sum(m) + 1e-6)
            loss_unmask = tf.reduce_sum(unreduced * (pad - m)) / (tf.reduce_sum(pad - m) + 1e-6)
            loss_total = tf.reduce_sum(unreduced * pad) / (tf.reduce_sum(pad) + 1e-6)
        v1.summary.scalar("loss_mask", loss_mask)
        v1.summary.scalar("loss_unmask", loss_unmask)
        learning_rate = tf.Variable(2**-6, name="learning_rate", trainable=False, dtype=tf.float32)
        lr_op = v1.assign(learning_rate, learning_rate * 0.1)
        v1.train.AdamOptimizer(learning_rate=learning_rate).minimize(loss_total)
    gradient_norms = [
        tf.norm(tf.convert_to_tensor(g)) for g in tf.gradients(loss_total, v1.trainable_variables())[:3]
    ]
    v1.summary.scalar("gradient_norm", tf.add_n(gradient_norms))
    del lr_op
    return [pianorolls, masks], [predictions]


# ----------------------------------------------------------------------------------------------------
# Speech


@case("speech", frozen=True)
def deepspeech_streaming_frozen() -> Truth:
    """mozilla/DeepSpeech export.

    Streaming states go in and out, the same graph makes the MFCCs of a window of samples.
    """
    n_input, n_context, n_steps, n_hidden, batch = 5, 2, 4, 8, 1
    input_samples = v1.placeholder(tf.float32, [512], "input_samples")
    samples = tf.expand_dims(input_samples, -1)
    spectrogram = tf.raw_ops.AudioSpectrogram(
        input=samples, window_size=512, stride=320, magnitude_squared=True
    )
    mfccs = tf.raw_ops.Mfcc(
        spectrogram=spectrogram, sample_rate=16000, dct_coefficient_count=n_input, upper_frequency_limit=8000
    )
    mfccs = tf.identity(mfccs, name="mfccs")
    input_tensor = v1.placeholder(tf.float32, [batch, n_steps, 2 * n_context + 1, n_input], name="input_node")
    seq_length = v1.placeholder(tf.int32, [batch], name="input_lengths")
    previous_state_c = v1.placeholder(tf.float32, [batch, n_hidden], name="previous_state_c")
    previous_state_h = v1.placeholder(tf.float32, [batch, n_hidden], name="previous_state_h")

    def dense_(name: str, t: Tensor, units: int, relu: bool = True) -> Tensor:
        with v1.variable_scope(name):
            bias = v1.get_variable("bias", shape=[units], initializer=v1.zeros_initializer())
            weights = v1.get_variable("weights", shape=[int(t.shape[-1]), units])
            out = tf.nn.bias_add(tf.matmul(t, weights), bias)
            return tf.minimum(tf.nn.relu(out), 20.0) if relu else out

    x = tf.transpose(input_tensor, [1, 0, 2, 3])
    x = tf.reshape(x, [-1, n_input + 2 * n_input * n_context])
    x = dense_("layer_1", x, n_hidden)
    x = dense_("layer_2", x, n_hidden)
    x = dense_("layer_3", x, n_hidden)
    x = tf.reshape(x, [n_steps, batch, n_hidden])
    with v1.variable_scope("cudnn_lstm"):
        x, (c, h) = v1.nn.dynamic_rnn(
            BasicLSTMCell(n_hidden, "cudnn_compatible_lstm_cell"),
            x,
            sequence_length=seq_length,
            time_major=True,
            initial_state=(previous_state_c, previous_state_h),
        )
    x = dense_("layer_5", tf.reshape(x, [-1, n_hidden]), n_hidden)
    x = dense_("layer_6", x, 29, relu=False)
    raw_logits = tf.reshape(x, [n_steps, batch, 29], name="raw_logits")
    logits = tf.nn.softmax(raw_logits, name="logits")
    new_state_c = tf.identity(c, name="new_state_c")
    new_state_h = tf.identity(h, name="new_state_h")
    tf.constant(6, name="metadata_version")
    tf.constant(16000, name="metadata_sample_rate")
    return (
        [input_samples, input_tensor, seq_length, previous_state_c, previous_state_h],
        [logits, new_state_c, new_state_h, mfccs],
    )


@case("speech", modern=True)
def listen_attend_and_spell() -> Truth:
    """LAS with a pyramidal encoder and scheduled sampling; infer.py runs the greedy decoder's sample_ids."""
    n_feat, H, V, D = 10, 5, 20, 8
    audios = v1.placeholder(tf.float32, [None, None, n_feat], name="audio")
    audio_lens = v1.placeholder(tf.int32, [None], name="audio_lengths")
    texts = v1.placeholder(tf.int32, [None, None], name="char")
    text_lens = v1.placeholder(tf.int32, [None], name="char_lengths")
    teacher_forcing = v1.placeholder_with_default(0.9, [], name="tf_rate")
    B = tf.shape(audios)[0]

    with v1.variable_scope("Listener"):
        x, lens = audios, audio_lens
        for layer in range(2):
            with v1.variable_scope(f"pBLSTM_{layer}"):
                o, _ = v1.nn.bidirectional_dynamic_rnn(
                    BasicLSTMCell(H), BasicLSTMCell(H), x, lens, dtype=tf.float32
                )
                o = tf.concat(o, -1)
                steps = tf.shape(o)[1]
                o = tf.pad(o, [[0, 0], [0, steps % 2], [0, 0]])
                x = tf.reshape(o, [B, (steps + 1) // 2, 4 * H])
                lens = (lens + 1) // 2
        enc_out, enc_len = x, lens
    with v1.variable_scope("Speller"):
        emb = v1.get_variable("embedding", [V, 6])
        Wm = v1.get_variable("memory_kernel", [4 * H, D])
        Wq = v1.get_variable("query_kernel", [D, D])
        va = v1.get_variable("attention_v", [D])
        lstm_k = v1.get_variable("lstm_kernel", [6 + 4 * H + D, 4 * D])
        lstm_b = v1.get_variable("lstm_bias", [4 * D], initializer=v1.zeros_initializer())
        Wo = v1.get_variable("char_kernel", [D + 4 * H, V])
        bo = v1.get_variable("char_bias", [V], initializer=v1.zeros_initializer())
    keys = tf.tensordot(enc_out, Wm, 1)
    mask = tf.sequence_mask(enc_len, tf.shape(enc_out)[1], dtype=tf.float32)

    def step(char: Tensor, c: Tensor, h: Tensor, context: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        inp = tf.concat([tf.nn.embedding_lookup(emb, char), context, h], 1)
        i, j, f, o = tf.split(tf.matmul(inp, lstm_k) + lstm_b, 4, 1)
        c = c * tf.sigmoid(f + 1.0) + tf.sigmoid(i) * tf.tanh(j)
        h = tf.sigmoid(o) * tf.tanh(c)
        e = tf.reduce_sum(va * tf.tanh(keys + tf.expand_dims(tf.matmul(h, Wq), 1)), -1)
        a = tf.nn.softmax(e - (1.0 - mask) * 1e9)
        context = tf.reduce_sum(tf.expand_dims(a, -1) * enc_out, 1)
        return tf.matmul(tf.concat([h, context], 1), Wo) + bo, c, h, context

    zeros = (tf.zeros([B, D]), tf.zeros([B, D]), tf.zeros([B, 4 * H]))
    with v1.name_scope("train_decoder"):
        T = tf.shape(texts)[1]

        def train_body(
            t: Tensor, prev: Tensor, c: Tensor, h: Tensor, context: Tensor, ta: Tensor
        ) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor]:
            logit, c, h, context = step(prev, c, h, context)
            coin = tf.random.uniform([]) < teacher_forcing
            nxt = tf.where(coin, texts[:, t], tf.argmax(logit, -1, output_type=tf.int32))
            return t + 1, nxt, c, h, context, ta.write(t, logit)

        *_, logits_ta = tf.while_loop(
            lambda t, *_: t < T,
            train_body,
            (tf.constant(0), tf.fill([B], 1), *zeros, tf.TensorArray(tf.float32, T)),
            shape_invariants=(
                tf.TensorShape([]),
                tf.TensorShape([None]),
                tf.TensorShape([None, D]),
                tf.TensorShape([None, D]),
                tf.TensorShape([None, 4 * H]),
                tf.TensorShape(None),
            ),
        )
        logits = tf.transpose(logits_ta.stack(), [1, 0, 2])
    with v1.name_scope("infer_decoder"):
        limit = tf.shape(enc_out)[1]

        def infer_body(
            t: Tensor, prev: Tensor, done: Tensor, c: Tensor, h: Tensor, context: Tensor, ta: Tensor
        ) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor]:
            logit, c, h, context = step(prev, c, h, context)
            char = tf.argmax(logit, -1, output_type=tf.int32)
            char = tf.where(done, tf.zeros_like(char), char)
            return t + 1, char, tf.logical_or(done, tf.equal(char, 2)), c, h, context, ta.write(t, char)

        *_, ids_ta = tf.while_loop(
            lambda t, prev, done, *_: tf.logical_and(t < limit, tf.logical_not(tf.reduce_all(done))),
            infer_body,
            (
                tf.constant(0),
                tf.fill([B], 1),
                tf.zeros([B], tf.bool),
                *zeros,
                tf.TensorArray(tf.int32, 0, dynamic_size=True),
            ),
            shape_invariants=(
                tf.TensorShape([]),
                tf.TensorShape([None]),
                tf.TensorShape([None]),
                tf.TensorShape([None, D]),
                tf.TensorShape([None, D]),
                tf.TensorShape([None, 4 * H]),
                tf.TensorShape(None),
            ),
        )
        sample_ids = tf.transpose(ids_ta.stack(), [1, 0], name="sample_ids")
    weights = tf.sequence_mask(text_lens, T, dtype=tf.float32)
    labels = 0.9 * tf.one_hot(texts, V) + 0.1 / V
    loss = tf.reduce_sum(
        tf.nn.softmax_cross_entropy_with_logits(labels=labels, logits=logits) * weights
    ) / tf.reduce_sum(weights)
    v1.summary.scalar("train_loss", loss)
    step_ = v1.train.get_or_create_global_step()
    opt = v1.train.AdamOptimizer(v1.train.exponential_decay(1e-3, step_, 5000, 0.5, staircase=True))
    gv = [(tf.convert_to_tensor(g), v) for g, v in opt.compute_gradients(loss)]
    clipped, _ = tf.clip_by_global_norm([g for g, _ in gv], 1.0)
    opt.apply_gradients(zip(clipped, [v for _, v in gv], strict=True), step_)
    return [audios, audio_lens], [sample_ids]


@case("keyword", plain=True)
def speech_commands_ds_cnn_wav() -> Truth:
    """speech_commands' freeze.py with a DS-CNN: label_wav.py feeds wav_data and fetches labels_softmax."""
    wav_data_placeholder = v1.placeholder(tf.string, [], name="wav_data")
    decoded = tf.audio.decode_wav(
        wav_data_placeholder, desired_channels=1, desired_samples=16000, name="decoded_sample_data"
    )
    spectrogram = tf.raw_ops.AudioSpectrogram(
        input=decoded.audio, window_size=640, stride=320, magnitude_squared=True
    )
    fingerprint = tf.raw_ops.Mfcc(
        spectrogram=spectrogram, sample_rate=decoded.sample_rate, dct_coefficient_count=10
    )
    reshaped_input = tf.reshape(fingerprint, [-1, 49 * 10])
    net = tf.reshape(reshaped_input, [-1, 49, 10, 1])

    def slim_bn(t: Tensor, scope: str) -> Tensor:
        with v1.variable_scope(scope):
            n = int(t.shape[-1])
            beta = v1.get_variable("beta", [n], initializer=v1.zeros_initializer())
            mm = v1.get_variable("moving_mean", [n], initializer=v1.zeros_initializer(), trainable=False)
            mv = v1.get_variable("moving_variance", [n], initializer=v1.ones_initializer(), trainable=False)
            out, _, _ = v1.nn.fused_batch_norm(t, tf.ones([n]), beta, mm, mv, is_training=False)
            return tf.nn.relu(out)

    with v1.variable_scope("DS-CNN"):
        with v1.variable_scope("conv_1"):
            w = v1.get_variable("weights", [10, 4, 1, 6])
            b = v1.get_variable("biases", [6], initializer=v1.zeros_initializer())
            net = tf.nn.bias_add(tf.nn.conv2d(net, w, [1, 2, 2, 1], "SAME"), b)
        net = slim_bn(net, "conv_1/batch_norm")
        for i in range(1, 4):
            with v1.variable_scope(f"conv_ds_{i}"):
                with v1.variable_scope("dw_conv"):
                    dw = v1.get_variable("depthwise_weights", [3, 3, 6, 1])
                    net = tf.nn.depthwise_conv2d(net, dw, [1, 1, 1, 1], "SAME")
                net = slim_bn(net, "dw_conv/batch_norm")
                with v1.variable_scope("pw_conv"):
                    pw = v1.get_variable("weights", [1, 1, 6, 6])
                    net = tf.nn.conv2d(net, pw, [1, 1, 1, 1], "SAME")
                net = slim_bn(net, "pw_conv/batch_norm")
        net = v1.nn.avg_pool(net, [1, 25, 5, 1], [1, 25, 5, 1], "VALID", name="avg_pool")
        net = tf.squeeze(net, [1, 2], name="SpatialSqueeze")
        with v1.variable_scope("fc1"):
            logits = v1.nn.xw_plus_b(
                net, v1.get_variable("weights", [6, 12]), v1.get_variable("biases", [12])
            )
    softmax = tf.nn.softmax(logits, name="labels_softmax")
    return [wav_data_placeholder], [softmax]


@case("speaker")
def xvector_statistics_pooling() -> Truth:
    """hsn-zeinali/x-vector-kaldi-tf: trained on speakers, what is extracted is embed_layer-6's scores."""
    n_feat, speakers = 10, 15
    input_x = v1.placeholder(tf.float32, [None, None, n_feat], name="input_x")
    input_y = v1.placeholder(tf.int32, [None], name="input_y")
    learning_rate = v1.placeholder(tf.float32, name="learning_rate")
    dropout_keep_prob = v1.placeholder(tf.float32, name="dropout_keep_prob")
    phase = v1.placeholder(tf.bool, name="phase")
    l2_loss = tf.constant(0.0)

    def batch_norm_wrapper(
        inputs: Tensor, is_training: Any, scope: str, decay: float = 0.99, epsilon: float = 1e-3
    ) -> Tensor:
        with v1.variable_scope(scope):
            n = int(inputs.shape[-1])
            scale, beta = tf.Variable(tf.ones([n])), tf.Variable(tf.zeros([n]))
            pop_mean = tf.Variable(tf.zeros([n]), trainable=False)
            pop_var = tf.Variable(tf.ones([n]), trainable=False)
            axes = list(range(inputs.shape.ndims - 1))

            def train() -> Tensor:
                m, v = tf.nn.moments(inputs, axes)
                with tf.control_dependencies(
                    [
                        v1.assign(pop_mean, pop_mean * decay + m * (1 - decay)),
                        v1.assign(pop_var, pop_var * decay + v * (1 - decay)),
                    ]
                ):
                    return tf.nn.batch_normalization(inputs, m, v, beta, scale, epsilon)

            return tf.cond(
                is_training,
                train,
                lambda: tf.nn.batch_normalization(inputs, pop_mean, pop_var, beta, scale, epsilon),
            )

    h, prev = input_x, n_feat
    for i, (size, kernel, dilation) in enumerate(((8, 5, 1), (8, 3, 2), (8, 3, 3), (8, 1, 1), (12, 1, 1))):
        with v1.variable_scope(f"frame_level_info_layer-{i}"):
            w = v1.get_variable("w", shape=[kernel, prev, size])
            b = v1.get_variable("b", shape=[size], initializer=v1.constant_initializer(0.1))
            conv = tf.nn.conv1d(h, w, stride=1, padding="SAME", dilations=dilation, name=f"conv-layer-{i}")
            h = tf.nn.bias_add(conv, b)
            h = batch_norm_wrapper(h, phase, "bn")
            alpha = v1.get_variable("prelu", [size], initializer=v1.constant_initializer(0.2))
            h = tf.maximum(0.0, h) + alpha * tf.minimum(0.0, h)
            h = v1.nn.dropout(h, keep_prob=dropout_keep_prob)
            prev = size
    tf_mean, tf_var = tf.nn.moments(h, 1)
    h = tf.concat([tf_mean, tf.sqrt(tf_var + 0.00001)], 1)
    prev = 24
    scores = []
    for i, size in enumerate((8, 6)):
        with v1.variable_scope(f"embed_layer-{i + 6}"):
            w = v1.get_variable("w", shape=[prev, size])
            b = v1.get_variable("b", shape=[size], initializer=v1.constant_initializer(0.1))
            l2_loss += 0.0002 * (tf.nn.l2_loss(w) + tf.nn.l2_loss(b))
            h = v1.nn.xw_plus_b(h, w, b, name="scores")
            scores.append(h)
            h = tf.nn.relu(batch_norm_wrapper(h, phase, "bn"))
            h = v1.nn.dropout(h, keep_prob=dropout_keep_prob, name="dropout")
            prev = size
    with v1.variable_scope("output"):
        w = v1.get_variable("w", shape=[prev, speakers])
        b = tf.Variable(tf.constant(0.1, shape=[speakers]), name="b")
        out_scores = v1.nn.xw_plus_b(h, w, b, name="scores")
        predictions = tf.argmax(out_scores, 1, name="predictions")
    losses = tf.nn.sparse_softmax_cross_entropy_with_logits(logits=out_scores, labels=input_y)
    loss = tf.reduce_mean(losses) + l2_loss
    accuracy = tf.reduce_mean(
        tf.cast(tf.equal(predictions, tf.cast(input_y, tf.int64)), "float"), name="accuracy"
    )
    v1.summary.scalar("acc", accuracy)
    v1.train.MomentumOptimizer(learning_rate, 0.9).minimize(loss, name="optimizer")
    return [input_x], [scores[0]]


@case("tts")
def tacotron_with_feeder_and_eval() -> Truth:
    """keithito/tacotron.

    The feeder's queue trains, a reused model without targets synthesizes; Griffin-Lim in the graph.
    """
    n_mels, n_lin, r, D = 4, 17, 2, 6
    with v1.variable_scope("datafeeder"):
        feeder = [
            v1.placeholder(tf.int32, [None, None], "inputs"),
            v1.placeholder(tf.int32, [None], "input_lengths"),
            v1.placeholder(tf.float32, [None, None, n_mels], "mel_targets"),
            v1.placeholder(tf.float32, [None, None, n_lin], "linear_targets"),
        ]
        queue = v1.FIFOQueue(8, [tf.int32, tf.int32, tf.float32, tf.float32], name="input_queue")
        enqueue_op = queue.enqueue(feeder)
        batch = queue.dequeue()
        for got, given in zip(batch, feeder, strict=True):
            got.set_shape(given.shape)

    def conv1d(t: Tensor, width: int, channels: int, activation: Any, is_training: Any, scope: str) -> Tensor:
        with v1.variable_scope(scope):
            w = v1.get_variable("conv1d/kernel", [width, int(t.shape[-1]), channels])
            out = tf.nn.conv1d(t, w, 1, "SAME")
            out = activation(out) if activation else out
            gamma = v1.get_variable("bn/gamma", [channels], initializer=v1.ones_initializer())
            beta = v1.get_variable("bn/beta", [channels], initializer=v1.zeros_initializer())
            mm = v1.get_variable(
                "bn/moving_mean", [channels], initializer=v1.zeros_initializer(), trainable=False
            )
            mv = v1.get_variable(
                "bn/moving_variance", [channels], initializer=v1.ones_initializer(), trainable=False
            )
            if not is_training:
                return tf.nn.batch_normalization(out, mm, mv, beta, gamma, 1e-3)
            m, v = tf.nn.moments(out, [0, 1])
            v1.add_to_collection(v1.GraphKeys.UPDATE_OPS, v1.assign_sub(mm, 0.01 * (mm - m)))
            v1.add_to_collection(v1.GraphKeys.UPDATE_OPS, v1.assign_sub(mv, 0.01 * (mv - v)))
            return tf.nn.batch_normalization(out, m, v, beta, gamma, 1e-3)

    def prenet(t: Tensor, is_training: Any) -> Tensor:
        for i, size in enumerate((8, 6)):
            t = dense(t, size, f"prenet/dense_{i + 1}", tf.nn.relu)
            t = v1.nn.dropout(t, rate=0.5 if is_training else 0.0)
        return t

    def cbhg(
        t: Tensor, lengths: Tensor, is_training: Any, scope: str, K: int, proj: int, rnn: bool = True
    ) -> Tensor:
        with v1.variable_scope(scope):
            bank = tf.concat(
                [conv1d(t, k, 5, tf.nn.relu, is_training, f"conv_bank_{k}") for k in range(1, K + 1)], -1
            )
            pool = tf.nn.max_pool1d(bank, 2, 1, "SAME")
            p = conv1d(pool, 3, proj, tf.nn.relu, is_training, "proj_1")
            p = conv1d(p, 3, int(t.shape[-1]), None, is_training, "proj_2")
            h = p + t
            if int(h.shape[2]) != 5:
                h = dense(h, 5)
            for i in range(1):
                with v1.variable_scope(f"highway_{i}"):
                    H, T = dense(h, 5, "H", tf.nn.relu), dense(h, 5, "T", tf.nn.sigmoid)
                    h = H * T + h * (1.0 - T)
            if not rnn:
                return h
            out, _ = v1.nn.bidirectional_dynamic_rnn(
                GRUCell(5), GRUCell(5), h, sequence_length=lengths, dtype=tf.float32
            )
            return tf.concat(out, axis=2)

    def initialize(inputs: Tensor, lengths: Tensor, mel_targets: Any = None) -> tuple[Tensor, Tensor, Tensor]:
        is_training = mel_targets is not None
        size = tf.shape(inputs)[0]
        table = v1.get_variable("embedding", [30, D], initializer=v1.truncated_normal_initializer(stddev=0.5))
        encoder = cbhg(
            prenet(tf.nn.embedding_lookup(table, inputs), is_training),
            lengths,
            is_training,
            "encoder_cbhg",
            2,
            6,
        )
        keys = dense(encoder, D, "memory_layer", bias=False)
        v = v1.get_variable("attention_v", [D])
        gru = GRUCell(D, "attention_gru")
        with v1.variable_scope("decoder", reuse=v1.AUTO_REUSE):

            def one(frame: Tensor, h: Tensor, context: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
                with v1.variable_scope("decoder_prenet", reuse=v1.AUTO_REUSE):
                    pre = prenet(frame, is_training)
                h, _ = gru(tf.concat([pre, context], 1), h)
                score = tf.reduce_sum(
                    v * tf.tanh(keys + tf.expand_dims(dense(h, D, "query_layer", bias=False), 1)), [2]
                )
                align = tf.nn.softmax(score)
                context = tf.reduce_sum(tf.expand_dims(align, 2) * encoder, 1)
                return dense(tf.concat([h, context], 1), n_mels * r, "frames"), h, context, align

            if is_training:
                fed = tf.transpose(mel_targets[:, r - 1 :: r, :], [1, 0, 2])
                steps = tf.shape(fed)[0]
            else:
                fed, steps = None, tf.constant(20)

            def body(
                t: Tensor,
                frame: Tensor,
                h: Tensor,
                context: Tensor,
                done: Tensor,
                frames: Tensor,
                aligns: Tensor,
            ) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor]:
                out, h, context, align = one(frame, h, context)
                nxt = fed[t] if is_training else out[:, -n_mels:]
                done = tf.reduce_all(tf.equal(tf.round(out), tf.zeros([n_mels * r])), axis=1)
                return t + 1, nxt, h, context, done, frames.write(t, out), aligns.write(t, align)

            loop = v1.while_loop(
                lambda t, frame, h, context, done, *_: (
                    t < steps
                    if is_training
                    else tf.logical_and(t < steps, tf.logical_not(tf.reduce_all(done)))
                ),
                body,
                [
                    tf.constant(0),
                    tf.zeros([size, n_mels]),
                    tf.zeros([size, D]),
                    tf.zeros([size, 10]),
                    tf.zeros([size], tf.bool),
                    tf.TensorArray(tf.float32, 0, dynamic_size=True),
                    tf.TensorArray(tf.float32, 0, dynamic_size=True),
                ],
            )
            mel = tf.reshape(tf.transpose(loop[5].stack(), [1, 0, 2]), [size, -1, n_mels])
            alignments = tf.transpose(loop[6].stack(), [1, 2, 0])
        post = cbhg(mel, None, is_training, "post_cbhg", 2, 6, rnn=False)
        return mel, dense(post, n_lin, "linear_out"), alignments

    with v1.variable_scope("model"):
        mel_outputs, linear_outputs, alignments = initialize(batch[0], batch[1], batch[2])
    with v1.variable_scope("loss"):
        mel_loss = tf.reduce_mean(tf.abs(batch[2] - mel_outputs))
        l1 = tf.abs(batch[3] - linear_outputs)
        linear_loss = 0.5 * tf.reduce_mean(l1) + 0.5 * tf.reduce_mean(l1[:, :, 0:5])
        loss = mel_loss + linear_loss
    with v1.variable_scope("optimizer"):
        global_step = tf.Variable(0, name="global_step", trainable=False)
        step = tf.cast(global_step + 1, dtype=tf.float32)
        learning_rate = 0.002 * 4000.0**0.5 * tf.minimum(step * 4000.0**-1.5, step**-0.5)
        optimizer = v1.train.AdamOptimizer(learning_rate, 0.9, 0.999)
        gradients, variables = zip(*optimizer.compute_gradients(loss), strict=True)
        clipped, _ = tf.clip_by_global_norm(gradients, 1.0)
        with tf.control_dependencies(v1.get_collection(v1.GraphKeys.UPDATE_OPS)):
            optimizer.apply_gradients(zip(clipped, variables, strict=True), global_step=global_step)
    with v1.variable_scope("stats"):
        v1.summary.histogram("linear_outputs", linear_outputs)
        v1.summary.scalar("loss_mel", mel_loss)
        v1.summary.image("alignment", tf.expand_dims(alignments, -1))
        v1.summary.merge_all()
    inputs = v1.placeholder(tf.int32, [1, None], "inputs")
    input_lengths = v1.placeholder(tf.int32, [1], "input_lengths")
    with v1.variable_scope("model", reuse=True):
        _, linear, _ = initialize(inputs, input_lengths)
    with v1.name_scope("inv_spectrogram"):
        S = tf.pow(10.0, (tf.clip_by_value(linear[0], 0, 1) * 100.0 - 80.0) * 0.05)
        S = tf.expand_dims(tf.pow(S, 1.5), 0)
        S_complex = tf.identity(tf.cast(S, dtype=tf.complex64))
        y = tf.signal.inverse_stft(S_complex, 32, 8, 32)
        for _ in range(2):
            est = tf.signal.stft(y, 32, 8, 32, pad_end=False)
            angles = est / tf.cast(tf.maximum(1e-8, tf.abs(est)), tf.complex64)
            y = tf.signal.inverse_stft(S_complex * angles, 32, 8, 32)
        wav_output = tf.squeeze(y, 0)
    del enqueue_op
    return [inputs, input_lengths], [wav_output]


@case("vocoder")
def waveglow_reader_queue_and_infer() -> Truth:
    """WaveGlow as weixsong writes it.

    A PaddingFIFOQueue of audio and mels trains, infer turns a mel into audio with its own noise.
    """
    group, n_mels, flows, hop = 4, 5, 2, 8
    sample_placeholder = v1.placeholder(dtype=tf.float32, shape=None)
    lc_placeholder = v1.placeholder(dtype=tf.float32, shape=None)
    queue = v1.PaddingFIFOQueue(16, ["float32", "float32"], shapes=[(None, 1), (None, n_mels)])
    queue.enqueue([sample_placeholder, lc_placeholder])
    audio_batch, lc_batch = queue.dequeue_many(2)
    global_step = v1.get_variable("global_step", initializer=0, trainable=False)

    def wn(audio: Tensor, cond: Tensor, name: str) -> Tensor:
        with v1.variable_scope(name, reuse=v1.AUTO_REUSE):

            def conv(
                t: Tensor, width: int, n: int, scope: str, dilation: int = 1, zero: bool = False
            ) -> Tensor:
                with v1.variable_scope(scope):
                    k = v1.get_variable(
                        "kernel",
                        [width, int(t.shape[-1]), n],
                        initializer=v1.zeros_initializer() if zero else None,
                    )
                    b = v1.get_variable("bias", [n], initializer=v1.zeros_initializer())
                    if not zero:
                        g = v1.get_variable("kernel_g", [n], initializer=v1.ones_initializer())
                        k = tf.nn.l2_normalize(k, [0, 1]) * g
                    return tf.nn.conv1d(t, k, 1, "SAME", dilations=dilation) + b

            h = conv(audio, 1, 6, "start")
            skip = 0.0
            for i in range(2):
                acts = conv(h, 3, 12, f"in_{i}", 2**i) + conv(cond, 1, 12, f"cond_{i}")
                a, b = tf.split(acts, 2, -1)
                res = conv(tf.tanh(a) * tf.sigmoid(b), 1, 12, f"res_skip_{i}")
                h = h + res[:, :, :6]
                skip = skip + res[:, :, 6:]
            return tf.split(conv(skip, 1, 2 * int(audio.shape[-1]), "end", zero=True), 2, -1)

    def upsample(lc: Tensor) -> Tensor:
        with v1.variable_scope("upsample", reuse=v1.AUTO_REUSE):
            k = v1.get_variable("kernel", [1, hop, n_mels, n_mels])
            s = tf.shape(lc)
            up = tf.nn.conv2d_transpose(
                tf.expand_dims(lc, 1), k, tf.stack([s[0], 1, s[1] * hop, n_mels]), [1, 1, hop, 1], "SAME"
            )
            return tf.reshape(up, [s[0], -1, n_mels * group])

    def weight(i: Tensor) -> Tensor:
        with v1.variable_scope(f"inv1x1_{i}", reuse=v1.AUTO_REUSE):
            q, _ = np.linalg.qr(np.random.RandomState(i).randn(group, group))
            return v1.get_variable("W", initializer=q.astype(np.float32))

    with v1.name_scope("train"):
        cond = upsample(lc_batch)
        x = tf.reshape(audio_batch, [2, -1, group])
        log_s_sum, log_det_sum = 0.0, 0.0
        for i in range(flows):
            w = weight(i)
            x = tf.tensordot(x, w, 1)
            log_det_sum += tf.cast(tf.size(x) // group, tf.float32) * v1.log(tf.abs(tf.linalg.det(w)))
            x0, x1 = tf.split(x, 2, -1)
            log_s, t = wn(x0, cond, f"wn_{i}")
            x = tf.concat([x0, tf.exp(log_s) * x1 + t], -1)
            log_s_sum += tf.reduce_sum(log_s)
        loss = (tf.reduce_sum(x * x) / (2 * 0.7**2) - log_s_sum - log_det_sum) / tf.cast(
            tf.size(x), tf.float32
        )
    v1.summary.scalar("loss", loss)
    lr = v1.train.exponential_decay(1e-3, global_step, 50000, 0.5)
    opt = v1.train.AdamOptimizer(lr)
    gvs = [(tf.clip_by_norm(tf.convert_to_tensor(g), 1.0), v) for g, v in opt.compute_gradients(loss)]
    train_op = opt.apply_gradients(gvs, global_step=global_step)
    ema = v1.train.ExponentialMovingAverage(0.9999, num_updates=global_step)
    with tf.control_dependencies([train_op]):
        ema.apply(v1.trainable_variables())
    mel = v1.placeholder(tf.float32, shape=[1, None, n_mels])
    with v1.name_scope("infer"):
        cond = upsample(mel)
        z = v1.random_normal(tf.stack([1, tf.shape(cond)[1], group])) * 0.6
        for i in reversed(range(flows)):
            x0, x1 = tf.split(z, 2, -1)
            log_s, t = wn(x0, cond, f"wn_{i}")
            z = tf.concat([x0, (x1 - t) * tf.exp(-log_s)], -1)
            z = tf.tensordot(z, tf.linalg.inv(weight(i)), 1)
        audio = tf.reshape(z, [1, -1])
        audio = tf.clip_by_value(audio, -1.0, 1.0)
    return [mel], [audio]


# ----------------------------------------------------------------------------------------------------
# Series


@case("forecast", modern=True)
def web_traffic_seq2seq_kaggle() -> Truth:
    """Arturus/kaggle-web-traffic.

    The pipe's tensors come of an iterator, the decoder feeds itself, predictions are de-normalized.
    """
    window, horizon, H = 12, 5, 6
    spec = {
        "hits": tf.io.FixedLenFeature([window + horizon], tf.float32),
        "dow": tf.io.FixedLenFeature([window + horizon, 2], tf.float32),
        "lagged": tf.io.FixedLenFeature([window + horizon, 3], tf.float32),
        "page": tf.io.FixedLenFeature([4], tf.float32),
    }

    def make(
        record: Tensor,
    ) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor]:
        e = tf.io.parse_single_example(record, spec)
        x_hits, y_hits = e["hits"][:window], e["hits"][window:]
        mean = tf.reduce_mean(x_hits)
        std = tf.sqrt(tf.reduce_mean(tf.square(x_hits - mean))) + 1e-6
        return (
            x_hits,
            e["dow"][:window],
            (x_hits - mean) / std,
            e["lagged"][:window],
            y_hits,
            e["dow"][window:],
            (y_hits - mean) / std,
            e["lagged"][window:],
            mean,
            std,
            e["page"],
        )

    ds = (
        tf.data.TFRecordDataset(["data/vars.tfrecord"])
        .map(make)
        .shuffle(100)
        .batch(8, drop_remainder=False)
        .repeat(None)
        .prefetch(2)
    )
    it = v1.data.make_initializable_iterator(ds)
    (true_x, time_x, norm_x, lagged_x, true_y, time_y, norm_y, lagged_y, norm_mean, norm_std, page) = (
        it.get_next()
    )
    B = tf.shape(true_x)[0]
    tiled = tf.tile(tf.expand_dims(page, 1), [1, window, 1])
    x_features = tf.concat([tf.expand_dims(norm_x, -1), time_x, lagged_x, tiled], axis=2)
    y_features = tf.concat([time_y, lagged_y, tf.tile(tf.expand_dims(page, 1), [1, horizon, 1])], axis=2)
    with v1.variable_scope("encoder"):
        outputs, state = v1.nn.dynamic_rnn(GRUCell(H), x_features, dtype=tf.float32)
    with v1.variable_scope("fingerprint"):
        k = v1.get_variable("conv1/kernel", [3, 1, 4])
        finger = tf.nn.selu(tf.nn.conv1d(tf.expand_dims(norm_x, -1), k, 2, "SAME"))
        finger = dense(tf.reshape(finger, [-1, 4 * (window // 2)]), 4, "fc_encoder", tf.nn.selu)
    gate = GRUCell(H, "decoder_output_proj/gru_cell")
    by_time = tf.transpose(y_features, [1, 0, 2])
    state = dense(tf.concat([state, finger], 1), H, "compress", tf.nn.tanh)
    with v1.variable_scope("decoder") as scope:
        gate(tf.concat([norm_x[:, -1:], by_time[0]], 1), state)
        dense(state, 1, "projection")
        scope.reuse_variables()

        def loop_fn(
            time: Tensor, prev: Tensor, h: Tensor, ta: Tensor
        ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
            out, h = gate(tf.concat([prev, by_time[time]], 1), h)
            value = dense(out, 1, "projection")
            return time + 1, value, h, ta.write(time, tf.squeeze(value, -1))

        _, _, final, ta = tf.while_loop(
            lambda time, *_: time < horizon,
            loop_fn,
            (tf.constant(0), norm_x[:, -1:], state, tf.TensorArray(tf.float32, horizon)),
        )
        decoder_targets = tf.transpose(ta.stack(), [1, 0])
    norm_pred = decoder_targets
    predictions = tf.math.expm1(
        norm_pred * tf.expand_dims(norm_std, -1) + tf.expand_dims(norm_mean, -1), name="predictions"
    )
    mask = tf.cast(tf.math.is_finite(true_y), tf.float32)
    true_hits = tf.math.expm1(true_y)
    summ = tf.maximum(tf.abs(true_hits) + tf.abs(predictions) + 0.1, 0.5 + 0.1)
    smape = tf.reduce_sum(tf.abs(predictions - true_hits) / summ * 2.0 * mask) / tf.reduce_sum(mask)
    mae = tf.reduce_mean(tf.abs(norm_y - norm_pred) * mask)
    stab = tf.reduce_mean(tf.square(outputs[:, 1:] - outputs[:, :-1])) * 1e-5
    total = mae + stab
    step = v1.train.get_or_create_global_step()
    opt = v1.train.AdamOptimizer(learning_rate=0.001)
    gvs = opt.compute_gradients(total)
    grads, glob_norm = tf.clip_by_global_norm([g for g, _ in gvs], 1.0)
    sgd = opt.apply_gradients(zip(grads, [v for _, v in gvs], strict=True), global_step=step)
    ema = tf.train.ExponentialMovingAverage(decay=0.99)
    with tf.control_dependencies([sgd]):
        ema.apply(v1.trainable_variables())
    v1.summary.scalar("smape", smape)
    v1.summary.scalar("grad_norm", glob_norm)
    del B, final
    return [time_x, norm_x, lagged_x, time_y, lagged_y, norm_mean, norm_std, page], [predictions]


@case("anomaly")
def omni_anomaly_trainer_and_predictor() -> Truth:
    """NetManAIOps/OmniAnomaly.

    The trainer and the predictor have an input_x each; the predictor fetches the score and z.
    """
    xd, zd, W, H = 4, 3, 4, 5

    def gauss_log_prob(x: Tensor, mean: Tensor, std: Tensor) -> Tensor:
        return -0.5 * np.log(2 * np.pi).astype(np.float32) - v1.log(std) - 0.5 * tf.square((x - mean) / std)

    def model(input_x: Tensor, n_z: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        with v1.variable_scope("model/omni", reuse=v1.AUTO_REUSE):
            with v1.variable_scope("q_net"):
                e, _ = v1.nn.dynamic_rnn(GRUCell(H), input_x, dtype=tf.float32, scope="rnn_q_x")
                e = dense(e, H, "hidden_dense", tf.nn.relu)
                n = tf.shape(input_x)[0]
                z_prev = tf.zeros([n_z, n, zd])
                zs, logq = [], []
                for t in range(W):
                    et = tf.tile(tf.expand_dims(e[:, t], 0), [n_z, 1, 1])
                    inp = tf.concat([et, z_prev], -1)
                    with v1.variable_scope("z_t", reuse=v1.AUTO_REUSE):
                        mean = dense(inp, zd, "z_mean")
                        std = tf.nn.softplus(dense(inp, zd, "z_std")) + 1e-4
                        z = mean + std * v1.random_normal(tf.shape(mean))
                        lp = tf.reduce_sum(gauss_log_prob(z, mean, std), -1)
                        for k in range(2):
                            w = v1.get_variable(f"planar_{k}/w", [zd])
                            u = v1.get_variable(f"planar_{k}/u", [zd])
                            b = v1.get_variable(f"planar_{k}/b", [], initializer=v1.zeros_initializer())
                            act = tf.tanh(tf.tensordot(z, w, 1) + b)
                            z = z + tf.expand_dims(act, -1) * u
                            lp -= v1.log(tf.abs(1 + (1 - tf.square(act)) * tf.reduce_sum(w * u)) + 1e-6)
                    zs.append(z)
                    logq.append(lp)
                    z_prev = z
                z = tf.stack(zs, 2, name="z")
                q_log = tf.add_n(logq)
            with v1.variable_scope("p_net"):
                prior = gauss_log_prob(z[:, :, 1:], z[:, :, :-1], tf.ones([zd]))
                p_z = tf.reduce_sum(prior, [-1, -2]) + tf.reduce_sum(
                    gauss_log_prob(z[:, :, 0], tf.zeros([zd]), tf.ones([zd])), -1
                )
                flat = tf.reshape(z, [-1, W, zd])
                h, _ = v1.nn.dynamic_rnn(GRUCell(H), flat, dtype=tf.float32, scope="rnn_p_x")
                h = dense(h, H, "hidden_dense", tf.nn.relu)
                x_mean = tf.reshape(dense(h, xd, "x_mean"), [n_z, -1, W, xd])
                x_std = tf.reshape(tf.nn.softplus(dense(h, xd, "x_std")) + 1e-4, [n_z, -1, W, xd])
                p_x = tf.reduce_sum(gauss_log_prob(input_x, x_mean, x_std), -1)
        return z, q_log, p_z, p_x

    with v1.variable_scope("trainer"):
        train_x = v1.placeholder(dtype=tf.float32, shape=[None, W, xd], name="input_x")
        learning_rate = v1.placeholder(dtype=tf.float32, shape=(), name="learning_rate")
    with v1.variable_scope("trainer_step"):
        step = tf.Variable(0, trainable=False, name="global_step")
    _, q_log, p_z, p_x = model(train_x, 1)
    loss = -tf.reduce_mean(tf.reduce_sum(p_x, -1) + p_z - q_log)
    loss += tf.add_n([1e-4 * tf.nn.l2_loss(v) for v in v1.trainable_variables() if "kernel" in v.name])
    opt = v1.train.AdamOptimizer(learning_rate)
    gvs = [
        (tf.clip_by_norm(tf.debugging.check_numerics(g, "gradient"), 10.0), v)
        for g, v in opt.compute_gradients(loss)
    ]
    opt.apply_gradients(gvs, global_step=step)
    v1.summary.histogram("q_log", q_log)
    v1.summary.scalar("loss", loss)
    with v1.variable_scope("predictor"):
        input_x = v1.placeholder(dtype=tf.float32, shape=[None, W, xd], name="input_x")
    z, _, _, p_x = model(input_x, 4)
    score = tf.reduce_mean(p_x, 0)[:, -1]
    return [input_x], [score, z]


@case("genomics")
def basenji_coverage_dilated() -> Truth:
    """calico/basenji.

    Augmented train graph and an eval graph averaged over both strands; predict fetches preds_eval.
    """
    L, targets, pool = 64, 3, 8
    inputs_ph = v1.placeholder(tf.float32, shape=(None, L, 4), name="inputs")
    targets_ph = v1.placeholder(tf.float32, shape=(None, L // pool, targets), name="targets")
    targets_na_ph = v1.placeholder(tf.bool, shape=(None, L // pool), name="targets_na")
    updates = []

    def block(
        t: Tensor, name: str, filters: int, width: int, dilation: int, training: Any, p: int = 1
    ) -> Tensor:
        with v1.variable_scope(name):
            n = int(t.shape[-1])
            t = tf.nn.relu(t)
            k = v1.get_variable(
                "conv1d/kernel", [width, n, filters], initializer=v1.variance_scaling_initializer(2.0)
            )
            t = tf.nn.conv1d(t, k, 1, "SAME", dilations=dilation)
            gamma = v1.get_variable("batch_normalization/gamma", [filters], initializer=v1.ones_initializer())
            beta = v1.get_variable("batch_normalization/beta", [filters], initializer=v1.zeros_initializer())
            mm = v1.get_variable(
                "batch_normalization/moving_mean",
                [filters],
                initializer=v1.zeros_initializer(),
                trainable=False,
            )
            mv = v1.get_variable(
                "batch_normalization/moving_variance",
                [filters],
                initializer=v1.ones_initializer(),
                trainable=False,
            )
            if training:
                m, v = tf.nn.moments(t, [0, 1])
                updates.extend([v1.assign_sub(mm, 0.1 * (mm - m)), v1.assign_sub(mv, 0.1 * (mv - v))])
                t = v1.nn.dropout(tf.nn.batch_normalization(t, m, v, beta, gamma, 1e-3), rate=0.1)
            else:
                t = tf.nn.batch_normalization(t, mm, mv, beta, gamma, 1e-3)
            return tf.nn.max_pool1d(t, p, p, "SAME") if p > 1 else t

    def build_predict(x: Tensor, training: bool) -> Tensor:
        with v1.variable_scope("basenji", reuse=v1.AUTO_REUSE):
            t = block(x, "cnn0", 6, 5, 1, training, 2)
            t = block(t, "cnn1", 8, 3, 1, training, 4)
            dense_layers = [t]
            for i in range(3):
                d = block(tf.concat(dense_layers, 2), f"cnn{i + 2}", 4, 3, 2**i, training)
                dense_layers.append(d)
            t = tf.nn.relu(tf.concat(dense_layers, 2))
            with v1.variable_scope("final"):
                w = v1.get_variable(
                    "dense/kernel",
                    [int(t.shape[-1]), targets],
                    initializer=v1.variance_scaling_initializer(2.0),
                )
                b = v1.get_variable("dense/bias", [targets], initializer=v1.zeros_initializer())
                out = tf.tensordot(t, w, 1) + b
            return tf.nn.softplus(out)

    def loss_of(preds: Tensor, actual: Tensor, na: Tensor) -> tuple[Tensor, Tensor]:
        poisson = tf.nn.log_poisson_loss(actual, v1.log(preds), compute_full_loss=True)
        keep = tf.cast(tf.logical_not(na), tf.float32)[:, :, None]
        per = tf.reduce_sum(poisson * keep, axis=[0, 1]) / (tf.reduce_sum(keep) + 1e-6)
        return tf.reduce_mean(per), per

    def rc(x: Tensor) -> Tensor:
        return tf.reverse(tf.gather(x, [3, 2, 1, 0], axis=-1), axis=[1])

    with v1.name_scope("augment"):
        flip = v1.random_uniform([]) > 0.5
        shift = v1.random_uniform([], -2, 3, tf.int32)
        seq = tf.cond(flip, lambda: rc(inputs_ph), lambda: inputs_ph)
        seq = tf.roll(seq, shift, axis=1)
        seq.set_shape([None, L, 4])
    preds_train = build_predict(seq, True)
    preds_train = tf.cond(flip, lambda: tf.reverse(preds_train, axis=[1]), lambda: preds_train)
    loss_train, _ = loss_of(preds_train, targets_ph, targets_na_ph)
    weights = [v for v in v1.trainable_variables() if v.op.name.endswith("kernel")]
    loss_train += tf.add_n([tf.nn.l2_loss(w) for w in weights]) * 1e-6
    with v1.name_scope("eval_ensemble"):
        forward = build_predict(inputs_ph, False)
        backward = tf.reverse(build_predict(rc(inputs_ph), False), axis=[1])
        preds_eval = tf.reduce_mean(tf.stack([forward, backward]), axis=0)
    loss_eval, loss_eval_targets = loss_of(preds_eval, targets_ph, targets_na_ph)
    global_step = tf.Variable(0, trainable=False)
    opt = v1.train.AdamOptimizer(0.002, 0.97, 0.98)
    gvs = opt.compute_gradients(loss_train)
    clipped, _ = tf.clip_by_global_norm([g for g, _ in gvs], 2.0)
    with tf.control_dependencies(updates):
        opt.apply_gradients(zip(clipped, [v for _, v in gvs], strict=True), global_step=global_step)
    v1.summary.scalar("loss", loss_train)
    v1.summary.scalar("loss_eval", loss_eval)
    v1.summary.merge_all()
    del loss_eval_targets
    return [inputs_ph], [preds_eval]


@case("eeg")
def deepsleepnet_stages_with_states() -> Truth:
    """akaraspt/deepsleepnet.

    predict.py feeds an epoch and the states of both directions, fetches stages and states.
    """
    batch, seq, n_in, H = 1, 5, 120, 6
    input_var = v1.placeholder(tf.float32, shape=[batch * seq, n_in, 1, 1], name="x_valid_inputs")
    target_var = v1.placeholder(tf.int32, shape=[batch * seq], name="x_valid_targets")
    monitors = []

    def _conv1d_layer(t: Tensor, filter_size: int, n_filters: int, stride: int, name: str) -> Tensor:
        with v1.variable_scope(name):
            w = v1.get_variable(
                "weights",
                [filter_size, 1, int(t.shape[-1]), n_filters],
                initializer=v1.truncated_normal_initializer(stddev=0.1),
            )
            monitors.append(w)
            out = tf.nn.conv2d(t, w, [1, stride, stride, 1], "SAME")
            with v1.variable_scope("batch_norm"):
                mean, variance = tf.nn.moments(out, [0, 1, 2])
                beta = v1.get_variable("beta", [n_filters], initializer=v1.zeros_initializer())
                gamma = v1.get_variable("gamma", [n_filters], initializer=v1.ones_initializer())
                ema = v1.train.ExponentialMovingAverage(0.999)
                v1.add_to_collection(v1.GraphKeys.UPDATE_OPS, ema.apply([mean, variance]))
                out = tf.nn.batch_normalization(
                    out, ema.average(mean), ema.average(variance), beta, gamma, 1e-5
                )
            return tf.nn.relu(out, name="relu")

    def pool(t: Tensor, k: Any, name: str) -> Tensor:
        return v1.nn.max_pool(t, [1, k, 1, 1], [1, k, 1, 1], "SAME", name=name)

    def drop(t: Tensor, name: str) -> Tensor:
        return v1.nn.dropout(t, keep_prob=1.0, name=name)

    with v1.variable_scope("deepsleepnet", reuse=v1.AUTO_REUSE):
        branches = []
        for i, (f, s, p) in enumerate(((10, 3, 4), (24, 6, 2))):
            net = _conv1d_layer(input_var, f, 4, s, f"{i + 1}_l{1}_conv")
            net = drop(pool(net, p, f"pool{i}"), f"drop{i}")
            for j in range(2, 4):
                net = _conv1d_layer(net, 4, 6, 1, f"{i + 1}_l{j}_conv")
            net = pool(net, 2, f"pool_b{i}")
            branches.append(tf.reshape(net, [batch * seq, int(np.prod(net.shape[1:]))]))
        network = drop(tf.concat(branches, 1, name="concat_1"), "drop_merge")
        residual = dense(network, 2 * H, "fc_residual", tf.nn.relu)
        seq_input = tf.reshape(network, [-1, seq, int(network.shape[1])], name="reshape_seq_inputs")
        with v1.variable_scope("bidirectional_lstm"):
            fw_cell = MultiRNNCell([BasicLSTMCell(H, "lstm_cell"), BasicLSTMCell(H, "lstm_cell")])
            bw_cell = MultiRNNCell([BasicLSTMCell(H, "lstm_cell"), BasicLSTMCell(H, "lstm_cell")])
            fw_initial_state = fw_cell.zero_state(batch, tf.float32)
            bw_initial_state = bw_cell.zero_state(batch, tf.float32)
            outputs, (fw_state, bw_state) = v1.nn.bidirectional_dynamic_rnn(
                fw_cell,
                bw_cell,
                seq_input,
                initial_state_fw=fw_initial_state,
                initial_state_bw=bw_initial_state,
            )
            network = tf.reshape(tf.concat(outputs, 2), [-1, 2 * H], name="reshape_nonseq_input")
        network = drop(tf.add(network, residual), "drop_final")
        logits = dense(network, 5, "softmax_linear")
    loss_per_sample = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=target_var, logits=logits)
    cost = tf.reduce_sum(loss_per_sample) / batch / seq
    reg = tf.add_n([1e-3 * tf.nn.l2_loss(w) for w in monitors[::3]])
    loss_op = tf.add(cost, reg, name="loss")
    v1.summary.scalar("cross_entropy", cost)
    pred_op = tf.argmax(logits, 1)
    lr = tf.Variable(1e-4, trainable=False)
    tvars = v1.trainable_variables()
    cnn = [v for v in tvars if "_conv" in v.name]
    rest = [v for v in tvars if "_conv" not in v.name]
    grads = tf.gradients(loss_op, cnn + rest)
    clipped, _ = tf.clip_by_global_norm(grads[len(cnn) :], 10.0)
    with tf.control_dependencies(v1.get_collection(v1.GraphKeys.UPDATE_OPS)):
        op1 = v1.train.AdamOptimizer(1e-6).apply_gradients(zip(grads[: len(cnn)], cnn, strict=True))
        op2 = v1.train.AdamOptimizer(lr).apply_gradients(zip(clipped, rest, strict=True))
    tf.group(op1, op2, name="train_op")
    states_in = tf.nest.flatten(fw_initial_state) + tf.nest.flatten(bw_initial_state)
    states_out = tf.nest.flatten(fw_state) + tf.nest.flatten(bw_state)
    return [input_var, *states_in], [pred_op, *states_out]
