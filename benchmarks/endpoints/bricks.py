"""What the libraries of those years gave under default names: dense, conv2d, batch norm, cells."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from benchmarks.endpoints.cases import v1

Tensor = Any
Activation = Callable[..., Any] | None


def linear(x: Tensor, units: int, act: Activation = None, name: str | None = None) -> Tensor:
    """A dense layer over the last axis, as ``tf.layers.dense`` wrote it."""
    with v1.variable_scope(name, default_name="dense"):
        kernel = v1.get_variable("kernel", [x.shape[-1], units], initializer=v1.glorot_uniform_initializer())
        bias = v1.get_variable("bias", [units], initializer=v1.zeros_initializer())
        rank = x.shape.rank
        y = tf.matmul(x, kernel) if rank == 2 else tf.tensordot(x, kernel, [[rank - 1], [0]])
        y = tf.nn.bias_add(y, bias)
        return act(y) if act else y


def conv2d(
    x: Tensor,
    filters: int,
    size: int = 3,
    stride: int = 1,
    act: Activation = tf.nn.relu,
    name: str | None = None,
    rate: int = 1,
) -> Tensor:
    """A convolution with bias, as ``tf.layers.conv2d`` wrote it."""
    with v1.variable_scope(name, default_name="conv2d"):
        kernel = v1.get_variable("kernel", [size, size, x.shape[-1], filters])
        bias = v1.get_variable("bias", [filters], initializer=v1.zeros_initializer())
        y = tf.nn.conv2d(x, kernel, stride, "SAME", dilations=rate, name="Conv2D")
        y = tf.nn.bias_add(y, bias)
        return act(y) if act else y


def conv1(x: Tensor, filters: int, size: int = 3, act: Activation = tf.nn.relu, rate: int = 1) -> Tensor:
    """A convolution over time."""
    with v1.variable_scope(None, default_name="conv1d"):
        kernel = v1.get_variable("kernel", [size, x.shape[-1], filters])
        bias = v1.get_variable("bias", [filters], initializer=v1.zeros_initializer())
        y = tf.nn.bias_add(tf.nn.conv1d(x, kernel, 1, "SAME", dilations=rate), bias)
        return act(y) if act else y


def deconv2d(
    x: Tensor,
    filters: int,
    size: int = 4,
    stride: int = 2,
    act: Activation = tf.nn.relu,
    name: str | None = None,
) -> Tensor:
    """A transposed convolution whose batch is read off the input."""
    with v1.variable_scope(name, default_name="conv2d_transpose"):
        kernel = v1.get_variable("kernel", [size, size, filters, x.shape[-1]])
        bias = v1.get_variable("bias", [filters], initializer=v1.zeros_initializer())
        height, width = (int(side) * stride for side in x.shape[1:3])
        shape = tf.stack([tf.shape(x)[0], height, width, filters])
        y = tf.nn.conv2d_transpose(x, kernel, shape, stride, "SAME")
        y.set_shape([None, height, width, filters])
        y = tf.nn.bias_add(y, bias)
        return act(y) if act else y


def norm(x: Tensor, training: Tensor | bool, name: str | None = None) -> Tensor:
    """Batch normalization with moving averages in UPDATE_OPS; the flag may be a tensor."""
    with v1.variable_scope(name, default_name="batch_normalization"):
        size = [x.shape[-1]]
        gamma = v1.get_variable("gamma", size, initializer=v1.ones_initializer())
        beta = v1.get_variable("beta", size, initializer=v1.zeros_initializer())
        mean = v1.get_variable("moving_mean", size, initializer=v1.zeros_initializer(), trainable=False)
        var = v1.get_variable("moving_variance", size, initializer=v1.ones_initializer(), trainable=False)
        if training is False:
            return tf.nn.batch_normalization(x, mean, var, beta, gamma, 1e-3)
        now, spread = tf.nn.moments(x, list(range(x.shape.rank - 1)))
        for kept, value in ((mean, now), (var, spread)):
            v1.add_to_collection(v1.GraphKeys.UPDATE_OPS, v1.assign_sub(kept, (kept - value) * 0.01))
        if training is not True:
            flag = tf.cast(training, tf.bool)
            now, spread = tf.cond(flag, lambda: (now, spread), lambda: (tf.identity(mean), tf.identity(var)))
        return tf.nn.batch_normalization(x, now, spread, beta, gamma, 1e-3)


def layernorm(x: Tensor) -> Tensor:
    """Each position to mean nought and variance one, then scaled."""
    with v1.variable_scope(None, default_name="LayerNorm"):
        beta = v1.get_variable("beta", [x.shape[-1]], initializer=v1.zeros_initializer())
        gamma = v1.get_variable("gamma", [x.shape[-1]], initializer=v1.ones_initializer())
        mean, var = tf.nn.moments(x, [-1], keepdims=True)
        return tf.nn.batch_normalization(x, mean, var, beta, gamma, 1e-12)


def embed(ids: Tensor, words: int, size: int, name: str = "embedding") -> Tensor:
    """Rows of a table of words."""
    table = v1.get_variable(name, [words, size], initializer=v1.random_uniform_initializer(-0.1, 0.1))
    return tf.nn.embedding_lookup(table, ids)


def heed(queries: Tensor, memory: Tensor, heads: int, mask: Tensor | None = None, rate: Any = 0.0) -> Tensor:
    """Attention of many heads; the mask is added to the scores."""
    size = int(queries.shape[-1])

    def split(x: Tensor) -> Tensor:
        return tf.transpose(tf.reshape(x, [tf.shape(x)[0], -1, heads, size // heads]), [0, 2, 1, 3])

    with v1.variable_scope(None, default_name="attention"):
        q, k, v = (
            linear(x, size, name=n) for x, n in ((queries, "query"), (memory, "key"), (memory, "value"))
        )
        scores = tf.matmul(split(q), split(k), transpose_b=True) / (size // heads) ** 0.5
        weights = v1.nn.dropout(tf.nn.softmax(scores if mask is None else scores + mask), rate=rate)
        joined = tf.transpose(tf.matmul(weights, split(v)), [0, 2, 1, 3])
        return linear(tf.reshape(joined, [tf.shape(queries)[0], -1, size]), size, name="output")


class Lstm:
    """A basic LSTM cell of (c, h) pairs that ``dynamic_rnn`` takes."""

    def __init__(self, units: int, name: str = "basic_lstm_cell") -> None:
        self.units = units
        self.name = name
        self.state_size = (units, units)
        self.output_size = units

    def zero_state(self, batch: Tensor, dtype: Any = tf.float32) -> tuple[Tensor, Tensor]:
        """Both halves of the state, empty."""
        return tf.zeros([batch, self.units], dtype), tf.zeros([batch, self.units], dtype)

    def __call__(self, x: Tensor, state: Any, scope: Any = None) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """Output and next state."""
        c, h = state
        with v1.variable_scope(self.name):
            kernel = v1.get_variable("kernel", [x.shape[-1] + self.units, 4 * self.units])
            bias = v1.get_variable("bias", [4 * self.units], initializer=v1.zeros_initializer())
            gates = tf.nn.bias_add(tf.matmul(tf.concat([x, h], 1), kernel), bias)
            i, j, f, o = tf.split(gates, 4, 1)
            c = c * tf.sigmoid(f + 1.0) + tf.sigmoid(i) * tf.tanh(j)
            h = tf.tanh(c) * tf.sigmoid(o)
        return h, (c, h)


class Gru:
    """A GRU cell that ``dynamic_rnn`` takes."""

    def __init__(self, units: int, name: str = "gru_cell") -> None:
        self.units = units
        self.name = name
        self.state_size = units
        self.output_size = units

    def zero_state(self, batch: Tensor, dtype: Any = tf.float32) -> Tensor:
        """The state, empty."""
        return tf.zeros([batch, self.units], dtype)

    def __call__(self, x: Tensor, state: Any, scope: Any = None) -> tuple[Tensor, Tensor]:
        """Output and next state, which are one."""
        with v1.variable_scope(self.name):
            r, u = tf.split(linear(tf.concat([x, state], 1), 2 * self.units, tf.sigmoid, "gates"), 2, 1)
            fresh = linear(tf.concat([x, r * state], 1), self.units, tf.tanh, "candidate")
            state = u * state + (1 - u) * fresh
        return state, state


def rnn(cell: Any, x: Tensor, lengths: Tensor | None = None, scope: str | None = None, **more: Any) -> Any:
    """``dynamic_rnn`` in float32."""
    return v1.nn.dynamic_rnn(cell, x, sequence_length=lengths, dtype=tf.float32, scope=scope, **more)


def both_ways(units: int, x: Tensor, lengths: Tensor | None = None, scope: str | None = None) -> Tensor:
    """Outputs of an LSTM in each direction, joined."""
    pair, _ = v1.nn.bidirectional_dynamic_rnn(
        Lstm(units), Lstm(units), x, sequence_length=lengths, dtype=tf.float32, scope=scope
    )
    return tf.concat(pair, 2)


def flat(x: Tensor) -> Tensor:
    """All but the batch in one axis."""
    size = 1
    for side in x.shape[1:]:
        size *= int(side)
    return tf.reshape(x, [-1, size])


def halve(x: Tensor) -> Tensor:
    """The largest of each two by two."""
    return tf.nn.max_pool2d(x, 2, 2, "SAME")


def sparse_xent(labels: Tensor, logits: Tensor) -> Tensor:
    """Mean cross entropy with numbered classes."""
    each = v1.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits)
    return tf.reduce_mean(each)


def xent(labels: Tensor, logits: Tensor) -> Tensor:
    """Mean cross entropy with one-hot classes."""
    return tf.reduce_mean(v1.nn.softmax_cross_entropy_with_logits_v2(labels=labels, logits=logits))


def bce(logits: Tensor, labels: Tensor | float) -> Tensor:
    """Mean binary cross entropy; a number stands for labels that are all alike."""
    labels = tf.ones_like(logits) * labels if isinstance(labels, float) else labels
    return tf.reduce_mean(v1.nn.sigmoid_cross_entropy_with_logits(logits=logits, labels=labels))


def within(*scopes: str) -> list[Any]:
    """The trainable variables whose names start with one of the scopes."""
    return [var for var in v1.trainable_variables() if var.name.startswith(scopes)]
