"""Graphs read without a message for each node: the same as through the protobuf parser, or left to it."""

from __future__ import annotations

import random
from typing import Any

import pytest

from tests.test_graph import NODES
from zoo import protos
from zoo.errors import ReadError
from zoo.graph import Graph, Node
from zoo.scan import OddError, without_graph


def message(*, copies: int = 50) -> Any:
    """A GraphDef with all that nodes may have, most of it many times, some of it large."""
    proto = protos.GraphDef()
    proto.versions.producer = 27
    proto.library.function.add().signature.name = "body"
    for copy in range(copies):
        for name, (op, inputs) in NODES.items():
            node = proto.node.add(name=f"{name}{copy}", op=op, device="/cpu:0" if copy % 3 else "")
            node.input.extend(text.replace(":", f"{copy}:") for text in inputs)
            place = protos.attr_entry("_class", b"\x0a\x0a\x12\x08loc:@" + b"%03d" % copy)
            node.attr.extend([place] * (copy % 2))
            node.attr.append(protos.attr_entry("T", b"\x30\x01"))
            node.attr.extend([place] * (copy % 5 == 0))
            node.attr.append(protos.attr_entry("note", b"\x12\x02" + b"%02d" % (copy % 7)))
    proto.node.add(name="long" * 99, op="NoOp", input=[f"^{name}3" for name in NODES] * 40)
    proto.node.add(name="first", op="Identity", input=["part0:0", "part0", "part0:0"])
    proto.node.add(name="größe", op="Const").attr.append(protos.attr_entry("value", bytes(40_000)))
    return proto


def told(graph: Graph) -> object:
    nodes = [(node.name, node.op, node.inputs, node.attrs) for node in graph.nodes]
    edges = [array.tolist() for array in (graph.edges.source, graph.edges.output, graph.edges.reader)]
    return nodes, edges, graph.sources, graph.index, graph.producer, list(graph.functions), graph.edges.lost


def test_a_graph_is_the_same_through_the_parser_and_without_it() -> None:
    """Names, inputs, attributes, edges and what is beside the nodes; equal attributes are one object."""
    data = message().SerializeToString()
    graph = Graph.from_bytes(data)

    assert graph is not None
    assert told(graph) == told(Graph.from_proto(protos.GraphDef.FromString(data)))
    assert len({id(node.attrs) for node in graph.nodes}) < 20
    inner = Graph.from_bytes(b"??" + data + b"!", 2, len(data) + 2)
    assert inner is not None
    assert told(inner) == told(graph)


@pytest.mark.parametrize("copies", [0, 1, 50])
def test_damage_is_left_to_the_parser(copies: int) -> None:
    """Whatever byte is wrong or missing: the same graph as the parser finds, or none at all."""
    data = message(copies=copies).SerializeToString()
    dice = random.Random(copies)  # noqa: S311
    left = 0
    for _ in range(400 if copies < 50 else 60):
        out = bytearray(data)
        at = dice.randrange(min(len(out), 30_000))
        match dice.randrange(4):
            case 0:
                out[at] ^= 1 << dice.randrange(8)
            case 1:
                out[at] = dice.choice(b"\x00\x08\x0a\x12\x1a\x22\x2a\x32\x5e\x7f\x80\xff")
            case 2:
                del out[at : at + dice.randrange(1, 9)]
            case _:
                del out[at:]
        graph = Graph.from_bytes(bytes(out))
        if graph is None:
            left += 1
            continue
        assert told(graph) == told(Graph.from_proto(protos.GraphDef.FromString(bytes(out))))
    assert left > 10


def field(tag: int, content: bytes) -> bytes:
    return bytes([tag, len(content)]) + content


@pytest.mark.parametrize(
    "node",
    [
        field(0x12, b"Relu") + field(0x0A, b"x"),
        field(0x0A, b"x") + field(0x12, b"Relu") + field(0x22, b"/cpu:0") + field(0x1A, b"y"),
        field(0x0A, b"x") + field(0x12, b"Relu") + field(0x12, b"Tanh"),
        field(0x0A, b"^x") + field(0x12, b"Relu"),
        field(0x0A, b"\xff") + field(0x12, b"Relu"),
        field(0x0A, b"x") + field(0x12, b"Relu") + field(0x22, b"\xff"),
        field(0x0A, b"x") + field(0x12, b"Relu") + field(0x2A, b"\x0a\xff"),
        field(0x0A, b"x") + field(0x12, b"Relu") + field(0x2A, field(0x0A, b"_class") + b"\x12\x01"),
        field(0x0A, b"x") + field(0x12, b"Relu") + b"\x08\x01",
        b"",
    ],
    ids=[
        "order",
        "device first",
        "two ops",
        "caret",
        "name",
        "device",
        "attribute",
        "place",
        "number",
        "nothing",
    ],
)
def test_nodes_that_nobody_writes_so_are_left_to_the_parser(node: bytes) -> None:
    """Fields in another order, twice, or no text: the format allows some of it, and the parser knows."""
    assert Graph.from_bytes(field(0x0A, node)) is None


def test_names_are_unique_and_not_empty() -> None:
    """Who reads a name that two nodes have is not known; the parser's graph says so."""
    proto = protos.GraphDef()
    for _ in range(2):
        proto.node.add(name="x", op="NoOp")

    assert Graph.from_bytes(proto.SerializeToString()) is None
    with pytest.raises(ReadError, match="2 nodes are named 'x'"):
        Graph.from_proto(proto)


def test_what_notes_the_origin_of_a_node_is_passed_over() -> None:
    """experimental_debug_info and experimental_type come after the attributes."""
    node = field(0x0A, b"x") + field(0x12, b"Relu") + field(0x32, field(0x0A, b"y")) + field(0x3A, b"")
    graph = Graph.from_bytes(field(0x0A, node))

    assert graph is not None
    assert [(item.name, item.op, item.attrs) for item in graph.nodes] == [("x", "Relu", ())]


def test_a_meta_graph_is_taken_apart() -> None:
    """Its graph is where it is said to be; two graphs, none, or a piece of one are for the parser."""
    proto = protos.MetaGraphDef()
    proto.meta_info_def.tags.append("serve")
    proto.graph_def.CopyFrom(message(copies=1))
    proto.saver_def.restore_op_name = "save"
    data = proto.SerializeToString()
    rest, start, end = without_graph(data)

    assert data[start:end] == proto.graph_def.SerializeToString()
    proto.ClearField("graph_def")
    assert rest == proto.SerializeToString()
    for odd in (rest, data + field(0x12, b""), data[:-1], data + b"\x08\x01"):
        with pytest.raises(OddError):
            without_graph(odd)


def test_functions_have_nodes_of_the_same_kind() -> None:
    """What is in the library is parsed when it is asked for."""
    proto = protos.GraphDef()
    proto.node.add(name="x", op="body")
    function = proto.library.function.add()
    function.signature.name = "body"
    function.node_def.add(name="inner", op="Relu", input=["a"])
    graph = Graph.from_bytes(proto.SerializeToString())

    assert graph is not None
    (inner,) = graph.functions["body"].nodes
    assert isinstance(inner, Node)
    assert (inner.name, inner.op, inner.inputs) == ("inner", "Relu", ("a",))
