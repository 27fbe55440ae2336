"""Habits of those who build nets for text, speech and tables: layers with the names of ``tf.layers``."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from benchmarks.endpoints.layers import Activation, Lstm, Tensor, v1


def fc(
    x: Tensor, units: int, activation: Activation = None, name: str = "dense", *, bias: bool = True
) -> Tensor:
    """A fully connected layer with the names of ``tf.layers.dense``."""
    with v1.variable_scope(name, reuse=v1.AUTO_REUSE):
        kernel = v1.get_variable(
            "kernel", [int(x.shape[-1]), units], initializer=v1.glorot_uniform_initializer()
        )
        y = tf.matmul(x, kernel, name="MatMul") if x.shape.rank == 2 else tf.tensordot(x, kernel, 1)
        if bias:
            y = tf.nn.bias_add(y, v1.get_variable("bias", [units], initializer=v1.zeros_initializer()))
        return y if activation is None else activation(y)


def conv1d(
    x: Tensor, filters: int, size: int, name: str, *, activation: Activation = tf.nn.relu,
    padding: str = "SAME", stride: int = 1,
) -> Tensor:  # fmt: skip
    """A convolution along time with the names of ``tf.layers.conv1d``."""
    with v1.variable_scope(name, reuse=v1.AUTO_REUSE):
        kernel = v1.get_variable("kernel", [size, int(x.shape[-1]), filters])
        bias = v1.get_variable("bias", [filters], initializer=v1.zeros_initializer())
        y = tf.nn.bias_add(v1.nn.conv1d(x, kernel, stride, padding), bias)
        return y if activation is None else activation(y)


def both_ways(
    x: Tensor, units: int, length: Tensor | None = None, scope: str = "bidirectional_rnn", keep: Any = None
) -> tuple[Tensor, Any]:
    """Outputs of a forward and a backward LSTM side by side, and their last states."""
    with v1.variable_scope(scope, reuse=v1.AUTO_REUSE) as opened:
        outputs, states = v1.nn.bidirectional_dynamic_rnn(
            Lstm(units, keep=keep), Lstm(units, keep=keep), x, length, dtype=tf.float32, scope=opened
        )
    return tf.concat(outputs, -1), states


def clipped(loss: Tensor, optimizer: Any, norm: float = 5.0, step: Any = None) -> Any:
    """The train op that clips the gradients by their global norm."""
    variables = v1.trainable_variables()
    gradients, _ = tf.clip_by_global_norm(tf.gradients(loss, variables), norm)
    return optimizer.apply_gradients(zip(gradients, variables, strict=True), global_step=step)
