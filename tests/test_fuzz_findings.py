"""What fuzzing found, each as small as it gets: only our own errors, in bounded time and memory."""

from __future__ import annotations

from typing import Any

import pytest

from zoo import drawing, protos
from zoo.endpoints import detect
from zoo.graph import Graph, MetaGraph
from zoo.shapes import infer
from zoo.summary import graph_text, operations_csv


def graph(*nodes: tuple[str, str, list[str], dict[str, Any]], function: Any = None) -> MetaGraph:
    proto = protos.GraphDef()
    if function is not None:
        proto.library.function.append(function)
    for name, op, inputs, attributes in nodes:
        node = proto.node.add(name=name, op=op, input=inputs)
        for key, value in attributes.items():
            node.attr.append(protos.attr_entry(key, value.SerializeToString()))
    return MetaGraph(graph=Graph.from_proto(proto))


def shapes(*noted: list[int]) -> dict[str, Any]:
    value = protos.AttrValue()
    for sizes in noted:
        value.list.shape.add().CopyFrom(protos.shape_proto(tuple(None if n < 0 else n for n in sizes)))
    return {"_output_shapes": value}


def test_an_output_with_an_enormous_number_is_not_listed_with_all_before_it() -> None:
    """A reader of output 1,099,511,627,776 does not make the tables that long."""
    found = graph(("a", "Placeholder", [], {}), ("b", "Identity", [f"a:{1 << 40}"], {})).graph

    assert len(operations_csv(found)) < 1000
    assert len(graph_text(found)) < 1000


def test_outputs_that_nobody_reads_are_listed_with_those_that_are_read() -> None:
    """Of eight pieces only the last is read: all eight are outputs."""
    found = graph(("a", "Split", [], {}), ("b", "Identity", ["a:7"], {})).graph

    assert b"a:0 a:1 a:2 a:3 a:4 a:5 a:6 a:7" in operations_csv(found)


def test_a_label_compared_with_what_hangs_in_the_air_is_no_crash() -> None:
    """The node that made the predictions is missing from the file."""
    meta = graph(
        ("next", "IteratorGetNext", ["iterator"], shapes([-1, 8, 8, 1], [-1])),
        ("biases", "VariableV2", [], shapes([10])),
        ("read", "Identity", ["biases"], shapes([10])),
        ("logits", "BiasAdd", ["absent/MatMul", "read"], shapes([-1, 10])),
        ("best", "ArgMax", ["logits", "absent/axis"], shapes([-1])),
        ("accuracy/equal", "Equal", ["best", "next:1"], shapes([-1])),
        ("accuracy/cast", "Cast", ["accuracy/equal"], shapes([-1])),
        ("accuracy/value", "Mean", ["accuracy/cast", "absent/axes"], shapes([])),
    )

    assert detect(meta).outputs


@pytest.mark.parametrize(
    "number", [str(1 << 40), "9" * 5000, "²", "٣"], ids=["large", "endless", "square", "arabic"]
)
def test_numbers_of_outputs_that_no_op_has_are_survived(number: str) -> None:
    """In the graph and in the functions that it calls."""
    function = protos.FunctionDef()
    function.signature.name = "body"
    function.signature.input_arg.add(name="x", type=1)
    function.signature.output_arg.add(name="y", type=1)
    function.node_def.add(name="n", op="Relu", input=[f"x:{number}"])
    function.node_def.add(name="o", op="Relu", input=[f"n:activations:{number}"])
    function.ret.add(key="y", value=f"o:activations:{number}")
    typed = {"T": protos.AttrValue(type=1)}
    meta = graph(
        ("a", "Placeholder", [], {"dtype": protos.AttrValue(type=1)}),
        ("b", "Identity", [f"a:{number}"], typed),
        ("c", "body", ["b"], {}),
        ("d", "Identity", ["c"], typed),
        function=function,
    )

    detect(meta)
    inferred = infer(meta.graph, {})
    drawing.draw(meta.graph, inferred, inputs=["a:0"], outputs=["d:0"])

    assert len(graph_text(meta.graph)) < 50_000


def test_a_state_that_a_damaged_split_hands_to_a_loop_is_no_crash() -> None:
    """It lost the input that says along which axis."""
    real = {"dtype": protos.AttrValue(type=1)}
    meta = graph(
        ("w", "VariableV2", [], real),
        ("x", "Placeholder", [], real),
        ("h", "MatMul", ["x", "w"], {}),
        ("cut", "Split", ["h"], {}),
        ("enter", "Enter", ["cut"], {}),
        ("merge", "Merge", ["enter", "next"], {}),
        ("go", "Placeholder", [], {"dtype": protos.AttrValue(type=10)}),
        ("switch", "Switch", ["merge", "go"], {}),
        ("next", "NextIteration", ["switch:1"], {}),
        ("exit", "Exit", ["switch"], {}),
    )

    assert detect(meta).outputs


def test_a_feed_that_goes_round_in_a_circle_is_no_hang() -> None:
    """Each of two nodes only hands on what the other one does."""
    real = {"dtype": protos.AttrValue(type=1)}
    pair = protos.AttrValue()
    pair.shape.dim.add(size=2)
    meta = graph(
        ("rates", "Placeholder", [], {**real, "shape": pair}),
        ("a", "Identity", ["rates", "b"], {}),
        ("b", "Identity", ["a"], {}),
        ("w", "VariableV2", [], real),
        ("x", "Placeholder", [], real),
        ("y", "MatMul", ["x", "w"], {}),
    )

    assert [item.name for item in detect(meta).outputs] == ["y:0"]
