"""Layers as people wrote them by hand for TensorFlow 1."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf

v1 = tf.compat.v1
Tensor = Any
Activation = Callable[..., Any] | None


def weight(name: str, shape: Sequence[int], *, trainable: bool = True) -> Tensor:
    """A variable with normal initial values."""
    return v1.get_variable(
        name, list(shape), initializer=v1.truncated_normal_initializer(stddev=0.1), trainable=trainable
    )


def dense(x: Tensor, units: int, name: str, activation: Callable[..., Tensor] | None = None) -> Tensor:
    """A fully connected layer."""
    with v1.variable_scope(name, reuse=v1.AUTO_REUSE):
        w = weight("weights", [int(x.shape[-1]), units])
        b = v1.get_variable("biases", [units], initializer=v1.zeros_initializer())
        y = tf.matmul(x, w) + b if x.shape.rank == 2 else tf.tensordot(x, w, 1) + b
        return activation(y) if activation is not None else y


def conv(
    x: Tensor, filters: int, size: int, name: str, *, stride: int = 1, activation: Activation = tf.nn.relu,
    bias: bool = True, padding: str = "SAME", dilation: int = 1,
) -> Tensor:  # fmt: skip
    """A convolution with bias and activation."""
    with v1.variable_scope(name, reuse=v1.AUTO_REUSE):
        w = weight("kernel", [size, size, int(x.shape[-1]), filters])
        y = v1.nn.conv2d(x, w, [1, stride, stride, 1], padding, dilations=[1, dilation, dilation, 1])
        if bias:
            b = v1.get_variable("bias", [filters], initializer=v1.zeros_initializer())
            y = tf.nn.bias_add(y, b)
        return activation(y) if activation is not None else y


def deconv(
    x: Tensor, filters: int, size: int, name: str, *, stride: int = 2, activation: Activation = tf.nn.relu
) -> Tensor:  # fmt: skip
    """A transposed convolution that keeps the batch unknown."""
    with v1.variable_scope(name, reuse=v1.AUTO_REUSE):
        w = weight("w", [size, size, filters, int(x.shape[-1])])
        b = v1.get_variable("biases", [filters], initializer=v1.zeros_initializer())
        shape = tf.shape(x)
        side = tf.stack([shape[0], shape[1] * stride, shape[2] * stride, filters])
        y = v1.nn.conv2d_transpose(x, w, side, [1, stride, stride, 1])
        y = tf.nn.bias_add(y, b)
        return activation(y) if activation is not None else y


def pool(x: Tensor, size: int = 2) -> Tensor:
    """Max pooling."""
    return v1.nn.max_pool(x, [1, size, size, 1], [1, size, size, 1], "SAME")


def flatten(x: Tensor) -> Tensor:
    """All but the batch in one axis."""
    return tf.reshape(x, [-1, math.prod(int(d) for d in x.shape[1:])])


def batch_norm(x: Tensor, name: str, training: Tensor | bool) -> Tensor:
    """Batch normalization with moving averages; ``training`` may be a placeholder (tf.cond)."""
    with v1.variable_scope(name, reuse=v1.AUTO_REUSE):
        depth = int(x.shape[-1])
        gamma = v1.get_variable("gamma", [depth], initializer=v1.ones_initializer())
        beta = v1.get_variable("beta", [depth], initializer=v1.zeros_initializer())
        mean = v1.get_variable("moving_mean", [depth], initializer=v1.zeros_initializer(), trainable=False)
        variance = v1.get_variable(
            "moving_variance", [depth], initializer=v1.ones_initializer(), trainable=False
        )
        axes = list(range(x.shape.rank - 1))

        def batch() -> tuple[Tensor, Tensor]:
            m, v = tf.nn.moments(x, axes)
            v1.add_to_collection(
                v1.GraphKeys.UPDATE_OPS, v1.assign_sub(mean, (mean - m) * 0.01, name="AssignMovingAvg")
            )
            v1.add_to_collection(
                v1.GraphKeys.UPDATE_OPS,
                v1.assign_sub(variance, (variance - v) * 0.01, name="AssignMovingAvg_1"),
            )
            return tf.identity(m), tf.identity(v)

        if isinstance(training, bool):
            m, v = batch() if training else (mean, variance)
        else:
            m, v = v1.cond(training, batch, lambda: (tf.identity(mean), tf.identity(variance)))
        return tf.nn.batch_normalization(x, m, v, beta, gamma, 1e-3)


class Lstm:
    """A cell for ``tf.nn.dynamic_rnn``: TensorFlow's own went with Keras 2."""

    def __init__(self, units: int, *, keep: Tensor | None = None) -> None:
        self.units = units
        self.keep = keep
        self.built = False

    @property
    def state_size(self) -> tuple[int, int]:
        """Sizes of c and h."""
        return (self.units, self.units)

    @property
    def output_size(self) -> int:
        """Size of h."""
        return self.units

    def zero_state(self, batch_size: Tensor, dtype: Any) -> tuple[Tensor, Tensor]:
        """Zeros."""
        return tf.zeros([batch_size, self.units], dtype), tf.zeros([batch_size, self.units], dtype)

    def get_initial_state(self, inputs: Any = None, batch_size: Any = None, dtype: Any = None) -> Any:
        """Zeros, as dynamic_rnn asks for them."""
        return self.zero_state(batch_size, dtype)

    def __call__(self, x: Tensor, state: tuple[Tensor, Tensor], scope: str | None = None) -> Any:
        """One step."""
        c, h = state
        with v1.variable_scope(scope or "basic_lstm_cell", reuse=v1.AUTO_REUSE):
            w = weight("kernel", [int(x.shape[-1]) + self.units, 4 * self.units])
            b = v1.get_variable("bias", [4 * self.units], initializer=v1.zeros_initializer())
        i, j, f, o = tf.split(tf.nn.bias_add(tf.matmul(tf.concat([x, h], 1), w), b), 4, 1)
        new_c = c * tf.sigmoid(f + 1.0) + tf.sigmoid(i) * tf.tanh(j)
        new_h = tf.tanh(new_c) * tf.sigmoid(o)
        out = new_h if self.keep is None else v1.nn.dropout(new_h, keep_prob=self.keep)
        return out, (new_c, new_h)


class Gru(Lstm):
    """A gated recurrent cell."""

    @property
    def state_size(self) -> Any:
        """Size of h."""
        return self.units

    def zero_state(self, batch_size: Tensor, dtype: Any) -> Any:
        """Zeros."""
        return tf.zeros([batch_size, self.units], dtype)

    def __call__(self, x: Tensor, state: Tensor, scope: str | None = None) -> Any:
        """One step."""
        with v1.variable_scope(scope or "gru_cell", reuse=v1.AUTO_REUSE):
            w = weight("gates/kernel", [int(x.shape[-1]) + self.units, 2 * self.units])
            u = weight("candidate/kernel", [int(x.shape[-1]) + self.units, self.units])
        r, z = tf.split(tf.sigmoid(tf.matmul(tf.concat([x, state], 1), w)), 2, 1)
        candidate = tf.tanh(tf.matmul(tf.concat([x, r * state], 1), u))
        new = z * state + (1 - z) * candidate
        return new, new


def attention(x: Tensor, heads: int, name: str, mask: Tensor | None = None) -> Tensor:
    """Multi-head self attention."""
    width = int(x.shape[-1])
    with v1.variable_scope(name):
        q, k, v = (dense(x, width, part) for part in ("query", "key", "value"))
        length = tf.shape(x)[1]
        q, k, v = (
            tf.transpose(tf.reshape(t, [-1, length, heads, width // heads]), [0, 2, 1, 3]) for t in (q, k, v)
        )
        scores = tf.matmul(q, k, transpose_b=True) / math.sqrt(width // heads)
        if mask is not None:
            scores += (1.0 - tf.cast(mask[:, tf.newaxis, tf.newaxis, :], tf.float32)) * -10000.0
        y = tf.matmul(tf.nn.softmax(scores), v)
        y = tf.reshape(tf.transpose(y, [0, 2, 1, 3]), [-1, length, width])
        return dense(y, width, "output")


def layer_norm(x: Tensor, name: str) -> Tensor:
    """Layer normalization."""
    with v1.variable_scope(name):
        depth = int(x.shape[-1])
        gamma = v1.get_variable("gamma", [depth], initializer=v1.ones_initializer())
        beta = v1.get_variable("beta", [depth], initializer=v1.zeros_initializer())
        mean, variance = tf.nn.moments(x, [-1], keepdims=True)
        return tf.nn.batch_normalization(x, mean, variance, beta, gamma, 1e-6)


def cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    """The mean softmax cross entropy."""
    if labels.dtype.is_integer and labels.shape.rank == logits.shape.rank - 1:
        return tf.reduce_mean(v1.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits))
    return tf.reduce_mean(v1.nn.softmax_cross_entropy_with_logits_v2(labels=labels, logits=logits))


def accuracy(prediction: Tensor, labels: Tensor) -> Tensor:
    """How often the largest entries agree."""
    same = tf.equal(tf.argmax(prediction, 1), tf.argmax(labels, 1))
    return tf.reduce_mean(tf.cast(same, tf.float32))
