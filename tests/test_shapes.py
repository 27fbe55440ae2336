"""Static shapes agree with TensorFlow's own, and what cannot be known stays unknown."""

from __future__ import annotations

from typing import Any

import pytest

from zoo import protos
from zoo.graph import Graph
from zoo.protos import Shape
from zoo.shapes import infer
from zoo.shapes.dims import broadcast, join, merge, window


def graph_of(graph: Any) -> Graph:
    """Our view of a TensorFlow graph, without the shapes that it could note."""
    return Graph.from_proto(protos.GraphDef.FromString(graph.as_graph_def().SerializeToString()))


def shape_in(tensor: Any) -> Shape:
    """TensorFlow's static shape of a tensor."""
    return None if tensor.shape.rank is None else tuple(tensor.shape.as_list())


def layers(tf: Any, x: Any) -> list[Any]:
    kernel = tf.ones([3, 3, 3, 8])
    nn = tf.compat.v1.nn
    return [
        nn.conv2d(x, kernel, [1, 2, 2, 1], "SAME"),
        nn.conv2d(x, kernel, [1, 2, 2, 1], "VALID"),
        nn.conv2d(x, kernel, [1, 1, 1, 1], [[0, 0], [1, 2], [0, 1], [0, 0]], dilations=[1, 2, 2, 1]),
        nn.depthwise_conv2d_native(x, tf.ones([3, 3, 3, 2]), [1, 1, 1, 1], "VALID"),
        nn.conv2d_transpose(x, tf.ones([3, 3, 5, 3]), [2, 64, 60, 5], [1, 2, 2, 1]),
        nn.max_pool(x, [1, 3, 3, 1], [1, 2, 2, 1], "SAME"),
        nn.avg_pool(x, [1, 2, 2, 1], [1, 2, 2, 1], "VALID"),
        tf.image.resize(x, [7, 9]),
        tf.nn.space_to_depth(x, 2),
        tf.pad(x, [[0, 0], [1, 1], [2, 3], [0, 0]]),
        nn.fused_batch_norm(x, tf.ones([3]), tf.ones([3]))[0],
        tf.space_to_batch(x, [2, 2], [[0, 0], [0, 0]]),
        tf.image.crop_and_resize(x, tf.ones([4, 4]), [0, 0, 0, 0], [5, 6]),
    ]


def structures(tf: Any, x: Any) -> list[Any]:
    flat = tf.reshape(x, [2, -1])
    batch = tf.shape(x)[0]
    stacked = tf.stack([x, x], axis=2)
    return [
        flat,
        tf.reshape(x, tf.stack([batch, -1, 3])),
        tf.reshape(x, tf.concat([tf.shape(x)[:2], [-1]], 0)),
        tf.transpose(x, [0, 3, 1, 2]),
        tf.expand_dims(x, -2),
        tf.squeeze(tf.ones([1, 4, 1, 5]), [0]),
        tf.squeeze(tf.ones([1, 4, 1, 5])),
        stacked,
        tf.unstack(x, axis=1)[0],
        tf.split(x, 2, axis=1)[1],
        tf.split(x, [10, -1, 2], axis=1)[1],
        x[:, 1:-1, ::2, tf.newaxis],
        x[..., 0],
        x[0],
        x[:, 5:100, -3:],
        tf.gather(x, [[0, 1], [1, 0]], axis=1),
        tf.gather_nd(x, tf.ones([7, 2], tf.int32)),
        tf.tile(x, [1, 2, 1, 3]),
        tf.fill([3, batch], 0.0),
        tf.range(3, 20, 4),
        tf.one_hot(tf.ones([4, 5], tf.int32), 6),
        tf.reduce_mean(x, [1, 2]),
        tf.reduce_sum(x, -1, keepdims=True),
        tf.reduce_max(x),
        tf.argmax(x, 3),
        tf.math.top_k(flat, 3)[1],
        tf.matmul(tf.ones([2, 3, 4]), tf.ones([2, 4, 5])),
        tf.linalg.diag_part(x),
        tf.einsum("bhwc,cd->bdhw", x, tf.ones([3, 9])),
        tf.einsum("...c,cd->...d", x, tf.ones([3, 9])),
        tf.slice(x, [0, 1, 2, 0], [-1, 3, -1, 2]),
        tf.concat([x, tf.ones([2, 32, 30, 4])], 3),
        tf.where(x > 0, x, tf.zeros_like(x)),
        x * tf.ones([30, 1]),
        tf.nn.softmax(x),
        tf.cast(x, tf.int32),
        tf.broadcast_to(tf.ones([3]), [4, 3]),
        tf.random.normal(tf.shape(x)),
    ]


@pytest.mark.parametrize("build", [layers, structures])
def test_every_tensor_has_the_shape_that_tensorflow_gives_it(tf: Any, build: Any) -> None:
    """The rules agree with TensorFlow's for layers, and for shapes computed from shapes."""
    with tf.Graph().as_default() as graph:
        x = tf.compat.v1.placeholder(tf.float32, [2, 32, 30, 3])
        tensors = build(tf, x)

    found = infer(graph_of(graph))

    assert {t.name: found[t.name] for t in tensors} == {t.name: shape_in(t) for t in tensors}


@pytest.mark.parametrize("build", [layers, structures])
def test_what_is_known_of_an_unknown_batch_never_contradicts_tensorflow(tf: Any, build: Any) -> None:
    """With an unknown batch no size is made up."""
    with tf.Graph().as_default() as graph:
        x = tf.compat.v1.placeholder(tf.float32, [None, 32, 30, 3])
        try:
            build(tf, x)
        except (TypeError, ValueError):
            pytest.fail("the graph itself cannot be built with an unknown batch")
        tensors = [t for op in graph.get_operations() for t in op.outputs]

    found = infer(graph_of(graph))

    for tensor in tensors:
        ours, theirs = found.get(tensor.name), shape_in(tensor)
        if ours is not None and theirs is not None:
            assert len(ours) == len(theirs), tensor.name
            assert all(a is None or b is None or a == b for a, b in zip(ours, theirs, strict=True)), (
                tensor.name
            )


def test_an_assumed_shape_takes_the_place_of_the_placeholders(tf: Any) -> None:
    """Shapes follow from the shapes that the caller assumes for inputs."""
    with tf.Graph().as_default() as graph:
        x = tf.compat.v1.placeholder(tf.float32, [None, None, None, 3], name="x")
        y = tf.nn.max_pool2d(x, 2, 2, "VALID", name="y")

    assert infer(graph_of(graph))[y.name] == (None, None, None, 3)
    assert infer(graph_of(graph), {"x:0": (1, 10, 12, 3)})[y.name] == (1, 5, 6, 3)


def test_shapes_go_through_functions_and_functional_control_flow(tf: Any) -> None:
    """Bodies of calls, conditionals and loops are walked with the shapes of their arguments."""

    @tf.function(autograph=False)  # type: ignore[untyped-decorator]
    def double(z: Any) -> Any:
        return tf.concat([z, z], 1)

    with tf.Graph().as_default() as graph:
        x = tf.compat.v1.placeholder(tf.float32, [4, 5])
        called = double(x)
        chosen = tf.cond(tf.reduce_sum(x) > 0, lambda: called, lambda: called + 1)
        looped = tf.while_loop(lambda i, h: i < 3, lambda i, h: (i + 1, tf.tanh(h)), (0, chosen))[1]

    assert infer(graph_of(graph))[looped.name] == (4, 10)


def test_a_loop_variable_that_grows_has_an_unknown_size(tf: Any) -> None:
    """A size that changes from round to round is not known."""
    with tf.Graph().as_default() as graph:
        _, h = tf.while_loop(
            lambda i, h: i < 3,
            lambda i, h: (i + 1, tf.concat([h, h], 0)),
            (0, tf.ones([2, 7])),
            shape_invariants=(tf.TensorShape([]), tf.TensorShape([None, 7])),
        )

    assert infer(graph_of(graph))[h.name] == (None, 7)


def test_a_function_that_calls_itself_ends() -> None:
    """Circles in the library of a hostile file cost a bounded time."""
    proto = protos.GraphDef()
    function = proto.library.function.add()
    function.signature.name = "again"
    function.signature.input_arg.add(name="x")
    function.signature.output_arg.add(name="y")
    function.node_def.add(name="call", op="again", input=["x"])
    function.ret.add(key="y", value="call:y:0")
    proto.node.add(name="start", op="Placeholder")
    proto.node.add(name="call", op="again", input=["start"])

    assert infer(Graph.from_proto(proto))["start:0"] is None


def test_a_node_without_the_inputs_that_its_op_asks_for_is_unknown() -> None:
    """Malformed nodes are no errors: nothing is known of them."""
    proto = protos.GraphDef()
    for op in ("Conv2D", "Reshape", "StridedSlice", "Einsum", "SplitV", "MaxPool", "GatherV2", "Merge"):
        proto.node.add(name=op, op=op)

    shapes = infer(Graph.from_proto(proto))

    assert all(shape is None or None in shape for shape in shapes.values() if shape != ())


def test_arithmetic_of_shapes() -> None:
    """Broadcasting, merging and joining follow their definitions with unknown sizes."""
    assert broadcast([(None, 1, 3), (5, 1)]) == (None, 5, 3)
    assert broadcast([(2, 3), None]) is None
    assert merge((None, 3), (4, None)) == (4, 3)
    assert join((4, 3), (5, 3)) == (None, 3)
    assert join((4, 3), (4,)) is None
    assert window(7, 3, 2, 1, "SAME", (0, 0)) == 4
    assert window(7, 3, 2, 1, "VALID", (0, 0)) == 3
    assert window(None, 3, 2, 1, "SAME", (0, 0)) is None
