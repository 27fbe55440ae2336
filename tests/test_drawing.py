"""Layers recognized in ops of every age, repeated blocks, and what a drawing holds."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest

from tests.make_zoo import convnet
from tests.models_readers import CORPUS, needs_corpus
from zoo import drawing, model, protos
from zoo.drawing.recognize import Layer, repeats
from zoo.graph import Graph


def graph(*rows: tuple[str, ...]) -> Graph:
    """A graph from (name, op, inputs…)."""
    proto = protos.GraphDef()
    for name, op, *inputs in rows:
        proto.node.add(name=name, op=op, input=inputs)
    return Graph.from_proto(proto)


def drawn(made: Graph, output: str, inputs: Sequence[str] = ("x:0",)) -> dict[str, Any]:
    return drawing.read(drawing.draw(made, {}, inputs=inputs, outputs=[output]))


def labels(made: Graph, output: str, inputs: Sequence[str] = ("x:0",)) -> list[str]:
    found: list[str] = drawn(made, output, inputs)["layers"]["labels"]
    return found


X = ("x", "Placeholder")
CONV = ("conv", "Conv2D", "x", "w")
WEIGHTS = ("w", "VariableV2")
TAILS: dict[str, tuple[str, list[tuple[str, ...]]]] = {
    "bias-relu": ("Conv + ReLU", [("b", "BiasAdd", "conv", "v"), ("y", "Relu", "b")]),
    "add-as-bias": ("Conv + ReLU", [("b", "Add", "conv", "v"), ("y", "Relu", "b")]),
    "fused-norm": ("Conv + BN + ReLU6", [("n", "FusedBatchNormV3", "conv", "v"), ("y", "Relu6", "n")]),
    "norm-as-products": (
        "Conv + BN + ReLU",
        [("m", "Mul", "conv", "v"), ("s", "Sub", "m", "v"), ("y", "Relu", "s")],
    ),
    "norm-in-a-scope": (
        "Conv + BN + ELU",
        [("bn/mul", "Mul", "conv", "v"), ("bn/add", "AddV2", "bn/mul", "v"), ("y", "Elu", "bn/add")],
    ),
    "norm-of-the-batch": (
        "Conv + BN + ReLU",
        [
            ("bn/mean", "Mean", "conv", "v"), ("bn/sub", "Sub", "conv", "bn/mean"),
            ("bn/mul", "Mul", "bn/sub", "v"), ("bn/add", "AddV2", "bn/mul", "v"), ("y", "Relu", "bn/add"),
        ],
    ),
    "norm-in-a-cond": (
        "Conv + BN + ReLU",
        [
            ("bn/cond/Switch", "Switch", "conv", "v"), ("bn/cond/Switch_1", "Switch", "conv", "v"),
            ("bn/cond/n", "FusedBatchNorm", "bn/cond/Switch:1"),
            ("bn/cond/m", "FusedBatchNorm", "bn/cond/Switch_1"),
            ("bn/cond/Merge", "Merge", "bn/cond/m", "bn/cond/n"), ("y", "Relu", "bn/cond/Merge"),
        ],
    ),
    "identities-between": (
        "Conv + ReLU",
        [("i", "Identity", "conv"), ("b", "BiasAdd", "i", "v"), ("j", "Identity", "b"), ("y", "Relu", "j")],
    ),
    "leaky-relu": ("Conv + Leaky ReLU", [("s", "Mul", "conv", "v"), ("y", "Maximum", "conv", "s")]),
    "swish": ("Conv + Swish", [("s", "Sigmoid", "conv"), ("y", "Mul", "conv", "s")]),
    "prelu": (
        "Conv + PReLU",
        [
            ("r", "Relu", "conv"), ("a", "Abs", "conv"), ("s", "Sub", "conv", "a"), ("m", "Mul", "s", "v"),
            ("h", "Mul", "m", "v"), ("y", "Add", "r", "h"),
        ],
    ),
    "dropout": (
        "Conv + ReLU",
        [
            ("r", "Relu", "conv"), ("dropout/random", "RandomUniform", "v"),
            ("dropout/floor", "Floor", "dropout/random"),
            ("dropout/div", "RealDiv", "r", "v"), ("dropout/mul", "Mul", "dropout/div", "dropout/floor"),
            ("y", "Identity", "dropout/mul"),
        ],
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", TAILS)
def test_a_convolution_and_what_belongs_to_it_are_one_layer(case: str) -> None:
    """Bias, normalization and activation of every age merge; dropout and identities vanish."""
    label, tail = TAILS[case]
    made = graph(X, WEIGHTS, ("v", "VariableV2"), CONV, *tail)

    assert labels(made, "y:0") == ["Input", label]


def test_padding_belongs_to_its_convolution() -> None:
    """A pad that only a convolution reads is a part of it."""
    made = graph(X, WEIGHTS, ("p", "Const"), ("pad", "Pad", "x", "p"), ("y", "Conv2D", "pad", "w"))

    assert labels(made, "y:0") == ["Input", "Conv"]


def test_a_value_that_two_read_ends_a_layer() -> None:
    """A branch keeps its start: the residual reads the convolution before its activation."""
    made = graph(X, WEIGHTS, CONV, ("r", "Relu", "conv"), ("y", "AddV2", "conv", "r"))

    assert labels(made, "y:0") == ["Input", "Conv", "ReLU", "Add"]


def test_shape_arithmetic_is_no_layer() -> None:
    """What is computed from a shape does not carry data."""
    made = graph(
        X, ("s", "Shape", "x"), ("n", "StridedSlice", "s"), ("d", "Pack", "n"), ("y", "Reshape", "x", "d")
    )  # fmt: skip

    assert labels(made, "y:0") == ["Input", "Reshape"]


def test_how_ranges_are_noted_is_no_layer() -> None:
    made = graph(
        ("x", "Placeholder"), ("w", "VariableV2"), ("low", "VariableV2"), ("high", "Const"),
        ("axes", "Const"), ("min", "Min", "x", "axes"), ("note", "AssignSub", "low", "min"),
        ("near", "FakeQuantWithMinMaxVars", "x", "note", "high"), ("y", "MatMul", "near", "w"),
    )  # fmt: skip

    assert labels(made, "y") == ["Input", "Dense"]


def test_a_loop_is_one_layer() -> None:
    """All that is inside a while loop is drawn as one box, called after its cell."""
    made = graph(
        X,
        ("lstm/while/Enter", "Enter", "x"),
        ("lstm/while/Merge", "Merge", "lstm/while/Enter", "lstm/while/NextIteration"),
        ("lstm/while/Less", "Less", "lstm/while/Merge"),
        ("lstm/while/LoopCond", "LoopCond", "lstm/while/Less"),
        ("lstm/while/Switch", "Switch", "lstm/while/Merge", "lstm/while/LoopCond"),
        ("lstm/while/Tanh", "Tanh", "lstm/while/Switch:1"),
        ("lstm/while/NextIteration", "NextIteration", "lstm/while/Tanh"),
        ("lstm/while/Exit", "Exit", "lstm/while/Switch"),
        ("y", "Softmax", "lstm/while/Exit"),
    )

    assert labels(made, "y:0") == ["Input", "LSTM (loop)", "Softmax"]


def test_training_is_not_recognized_as_layers() -> None:
    """Layers lie between inputs and outputs; gradients do not."""
    view = drawn(convnet(3, training=True), "prob:0", ["input:0"])

    assert view["layers"]["labels"][:2] == ["Input", "Conv 3×3, 16 + BN + ReLU"]
    assert view["layers"]["labels"][-1] == "Dense 10 + Softmax"
    assert not any("gradients" in name for name in view["layers"]["names"])
    assert sum(flag & drawing.FORWARD > 0 for flag in view["flags"]) < view["nodes"]


def test_blocks_in_a_row_are_told_once() -> None:
    """Three residual units are one block of three layers, three times."""
    view = drawn(convnet(3), "prob:0", ["input:0"])

    assert view["layers"]["repeats"] == [[2, 3, 3]]


@pytest.mark.parametrize(
    ("marks", "expected"),
    [
        ("abc", []),
        ("aa", []),
        ("aaa", [(0, 1, 3)]),
        ("xababab", [(1, 2, 3)]),
        ("aaabaabaab", [(1, 3, 3)]),
        ("ababcdcd", [(0, 2, 2), (4, 2, 2)]),
    ],
)
def test_repeats_save_the_most_layers(marks: str, expected: list[tuple[int, int, int]]) -> None:
    """The longest savings win, and blocks never overlap."""
    made = [Layer("n", "conv", mark, None, []) for mark in marks]

    assert [(repeat.start, repeat.length, repeat.times) for repeat in repeats(made)] == expected


def test_a_drawing_gives_back_every_name_and_edge() -> None:
    """Names, ops, sources and outputs are told exactly, by scope and difference."""
    made = graph(X, ("a/b/split", "Split", "x"), ("a/b", "Relu", "a/b/split:1"), ("y", "NoOp", "^a/b", "x"))
    view = drawn(made, "y:0")

    def scope(at: int) -> str:
        if at == 0:
            return ""
        label = view["strings"][view["scopes"]["label"][at]]
        return f"{scope(view['scopes']['parent'][at])}{label}/"

    names = [scope(s) + view["strings"][leaf] for s, leaf in zip(view["scope"], view["leaf"], strict=True)]
    assert names == [node.name for node in made.nodes]
    assert [view["ops"][op] for op in view["op"]] == [node.op for node in made.nodes]
    assert view["sources"] == [0, 1, 1, 2]
    assert view["source"] == [1, 1, 1, 3]
    assert view["output"] == [1, 1, 2, -1]


def test_functions_are_opened() -> None:
    """What a TensorFlow 2 model calls is drawn in place of the call."""
    proto = protos.GraphDef()
    proto.node.add(name="x", op="Placeholder")
    call = proto.node.add(name="call", op="StatefulPartitionedCall", input=["x"])
    value = protos.AttrValue()
    value.func.name = "f"
    call.attr.append(protos.attr_entry("f", value.SerializeToString()))
    proto.node.add(name="y", op="Identity", input=["call:0"])
    function = proto.library.function.add()
    function.signature.name = "f"
    function.signature.input_arg.add(name="arg")
    function.signature.output_arg.add(name="out")
    function.node_def.add(name="w", op="Const")
    function.node_def.add(name="conv", op="Conv2D", input=["arg", "w:output:0"])
    function.node_def.add(name="act", op="Relu", input=["conv:output:0"])
    function.ret.add(key="out", value="act:activations:0")

    view = drawn(Graph.from_proto(proto), "y:0")

    assert view["layers"]["labels"] == ["Input", "Conv + ReLU"]
    assert "StatefulPartitionedCall" not in view["ops"]


def test_a_function_that_calls_itself_ends() -> None:
    """Recursion is cut, not followed."""
    proto = protos.GraphDef()
    proto.node.add(name="x", op="f")
    function = proto.library.function.add()
    function.signature.name = "f"
    function.node_def.add(name="again", op="f")
    function.node_def.add(name="twice", op="f")

    assert json.loads(drawing.draw(Graph.from_proto(proto), {}, inputs=[], outputs=[]))["nodes"] > 0


def test_deep_names_stay_whole() -> None:
    """A name of 3,000 slashes is drawn, its depth cut."""
    name = "/".join(["s"] * 3000)
    view = drawn(graph(X, (name, "Relu", "x")), f"{name}:0")

    assert len(view["scopes"]["parent"]) <= drawing.MAX_DEPTH + 2
    assert view["layers"]["names"][1] == name


def test_stated_layers_are_drawn() -> None:
    """The layers of a Keras configuration make a drawing of their own."""
    view = drawing.read(
        drawing.draw_layers(
            [
                model.Layer(name="in", type="InputLayer", shape=(None, 8, 8, 1)),
                model.Layer(name="c", type="Conv2D", words="convolution 3x3, 1 to 8", inputs=("in", "gone")),
                model.Layer(name="c", type="Dense", inputs=("c",)),
            ]
        )
    )

    assert view["layers"]["labels"] == ["InputLayer", "convolution 3x3, 1 to 8", "Dense"]
    assert view["layers"]["source"] == [1, 1]


@needs_corpus
def test_a_real_network_reads_like_its_paper() -> None:
    """FSRCNN: feature extraction, shrinking, four mappings told once, expanding, deconvolution."""
    meta = protos.MetaGraphDef.FromString((CORPUS / "fsrcnn-x3-ckpt" / "fsrcnn_ckpt.meta").read_bytes())
    view = drawn(Graph.from_proto(meta.graph_def), "NHWC_output:0", ["IteratorGetNext:0"])

    assert view["layers"]["labels"][1:4] == [
        "Conv 5×5, 56 + PReLU",
        "Conv 1×1, 12 + PReLU",
        "Conv 3×3, 12 + PReLU",
    ]
    assert view["layers"]["repeats"] == [[3, 1, 4]]
