"""FLOPs follow from shapes, loops and calls, and say what they leave out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from tests.test_shapes import graph_of
from zoo.compute import assumed_shapes, compute
from zoo.protos import Shape
from zoo.records import Endpoint


def data(name: str, shape: Shape, **more: Any) -> Endpoint:
    return Endpoint(name=name, dtype="float32", shape=shape, confidence=1.0, reason="", **more)


def test_a_multiply_accumulate_counts_two(tf: Any) -> None:
    """A convolution counts 2 x output x filter x channels, a product 2 x rows x inner x columns."""
    with tf.Graph().as_default() as graph:
        x = tf.compat.v1.placeholder(tf.float32, [None, 8, 8, 3], name="x")
        h = tf.nn.relu(tf.compat.v1.nn.conv2d(x, tf.ones([3, 3, 3, 16]), [1, 1, 1, 1], "SAME"))
        tf.matmul(tf.reshape(h, [-1, 1024]), tf.ones([1024, 10]))

    found = compute(graph_of(graph), [data("x:0", (None, 8, 8, 3))])

    assert found.flops == 2 * 8 * 8 * 16 * 27 + 2 * 1024 * 10
    assert found.assumed == {"x:0": (1, 8, 8, 3)}
    assert found.uncounted_ops == {"Relu": 1}


@pytest.mark.parametrize("modern", [False, True], ids=["enter-exit", "functional"])
def test_a_loop_counts_its_rounds(tf: Any, modern: bool) -> None:
    """The body of a loop of known length counts once for each round."""
    v1 = tf.compat.v1
    (v1.enable_control_flow_v2 if modern else v1.disable_control_flow_v2)()
    try:
        with tf.Graph().as_default() as graph:
            x = v1.placeholder(tf.float32, [1, 4], name="x")
            w = tf.ones([4, 4])
            v1.while_loop(lambda i, h: i < 5, lambda i, h: (i + 1, tf.matmul(h, w)), (0, x))
    finally:
        v1.enable_control_flow_v2()

    assert compute(graph_of(graph), [data("x:0", (1, 4))]).flops == 5 * 2 * 4 * 4


def test_nothing_counted_is_none_and_never_zero(tf: Any) -> None:
    """Where no shape is known, the figure is absent and the op is listed."""
    with tf.Graph().as_default() as graph:
        x = tf.compat.v1.placeholder(tf.float32, name="x")
        y = tf.compat.v1.placeholder(tf.float32, name="y")
        tf.matmul(x, y)

    found = compute(graph_of(graph), [data("x:0", None), data("y:0", None)])

    assert found.flops is None
    assert found.uncounted_ops == {"BatchMatMulV2 (unknown shapes)": 1}


def test_only_what_the_outputs_need_is_counted(tf: Any) -> None:
    """Gradients and other heads do not count when outputs are named."""
    with tf.Graph().as_default() as graph:
        x = tf.compat.v1.placeholder(tf.float32, [1, 4], name="x")
        y = tf.matmul(x, tf.ones([4, 2]), name="y")
        tf.matmul(y, tf.ones([2, 100]))

    assert compute(graph_of(graph), [data("x:0", (1, 4))], outputs=["y:0"]).flops == 2 * 4 * 2


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ((None, None, None, 3), (1, 224, 224, 3)),
        ((None, 3, None, None), (1, 3, 224, 224)),
        ((None, None), (1, 128)),
        ((None, 784), (1, 784)),
        ((), ()),
        (None, None),
    ],
)
def test_unknown_sizes_are_assumed_and_stated(shape: Shape, expected: Shape) -> None:
    """A batch of one, images of 224 x 224, sequences of 128."""
    assert assumed_shapes([data("x:0", shape)]) == {"x:0": expected}


def test_labels_and_folded_inputs_are_not_assumed() -> None:
    """What inference does not feed has no assumed shape."""
    ends: Sequence[Endpoint] = [data("y:0", (None,), role="label"), data("t:0", (), folded=False)]

    assert assumed_shapes(ends) == {}
