"""Variables against stored tensors: bindings, kinds, sentences, inferred layers."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.models_readers import CORPUS, OPTIMIZERS, Built, bind, built, copy, keys, needs_corpus, read
from zoo import find, protos, variables
from zoo.graph import Graph, MetaGraph
from zoo.model import Bindings, Kind, Variable
from zoo.protos import DTYPE_SIZES, Shape
from zoo.readers.bundle import BundleSource
from zoo.variables import kinds
from zoo.weights import StoredTensor, Weights

__all__ = ["built"]

KERNEL = (3, 3, 1, 2)


def stored(**shapes: tuple[int, ...]) -> Weights:
    """Weights of float32 tensors; ``__`` in a name stands for a slash."""
    tensors = {}
    for name, shape in shapes.items():
        key = name.replace("__", "/")
        size = int(np.prod(shape)) * 4
        tensors[key] = StoredTensor(key=key, dtype="float32", shape=shape, bytes=size)
    return Weights(tensors=tensors, source=BundleSource({}))


def graph(**shapes: tuple[int, ...]) -> MetaGraph:
    """A graph of float32 variables without a saver."""
    proto = protos.GraphDef()
    for name, shape in shapes.items():
        node = proto.node.add(name=name.replace("__", "/"), op="VariableV2")
        value = protos.AttrValue(type=1)
        node.attr.append(protos.attr_entry("dtype", value.SerializeToString()))
        value = protos.AttrValue()
        value.shape.CopyFrom(protos.shape_proto(shape))
        node.attr.append(protos.attr_entry("shape", value.SerializeToString()))
    return MetaGraph(graph=Graph.from_proto(proto))


def test_the_saver_may_rename(built: Built) -> None:
    """Keys come from the restore subgraph, for reference and resource variables alike."""
    found = bind(read(built.renamed))

    assert keys(found) == {"a": "old/name/of/a", "scope/b": "b", "unsaved": None}
    assert found.missing_in_checkpoint == ("unsaved float32 [3]: not in the checkpoint",)
    assert found.missing_in_graph == ()


@pytest.mark.parametrize("name", ["partitioned", "partitioned_v1"])
def test_partitions_are_bound_by_their_slices(built: Built, name: str) -> None:
    """Each part of a variable, of either kind, has the key of the whole and its place in it."""
    found = bind(read(getattr(built, name))).by_node()
    parts = {node: item for node, item in found.items() if item.kind == "model"}

    assert {
        node: (item.key, item.slice.offset, item.slice.shape) for node, item in parts.items() if item.slice
    } == {
        "rows/part_0": ("rows", (0, 0), (3, 2)),
        "rows/part_1": ("rows", (3, 0), (2, 2)),
        "columns/part_0": ("columns", (0, 0), (2, 2)),
        "columns/part_1": ("columns", (0, 2), (2, 2)),
        "columns/part_2": ("columns", (0, 4), (2, 2)),
    }


def test_parts_count_as_one_variables_parameters(built: Built) -> None:
    """The parts add up to what is stored."""
    facts = variables.facts(bind(read(built.partitioned)))

    assert facts.parameters == 5 * 2 + 2 * 6
    assert facts.sentence == "Checkpoint 264 bytes = model 88 bytes + 2 RMSProp slots 176 bytes"


@pytest.mark.parametrize(
    ("optimizer", "slots"),
    [("Adam", 2), ("Momentum", 1), ("RMSProp", 3), ("Adagrad", 1), ("Ftrl", 2), ("Adadelta", 2), ("Mine", 2)],
)
@pytest.mark.parametrize("with_graph", [True, False], ids=["graph", "names-only"])
def test_optimizer_slots_are_told_apart(
    built: Built, tmp_path: Path, optimizer: str, slots: int, with_graph: bool
) -> None:
    """Slots and powers of every optimizer, with the graph and by names alone, even a custom name."""
    folder = copy(getattr(built, f"optimizer_{optimizer}"), tmp_path)
    if not with_graph:
        (folder / "model.meta").unlink()
    found = bind(read(folder))
    facts = variables.facts(found)

    called = "Adam" if optimizer == "Mine" and with_graph else optimizer
    assert (facts.by_kind["model"].count, facts.parameters) == (3, 44)
    assert f"{slots} {called} slot{'s' if slots > 1 else ''} {176 * slots} bytes" in facts.sentence
    assert {item.of for item in found.variables if item.slot == called and item.of} == {
        "conv1/weights", "conv1/biases", "fc/weights",
    }  # fmt: skip
    assert optimizer in (*OPTIMIZERS, "Mine")


def test_raw_values_or_moving_averages_as_asked(built: Built) -> None:
    """``ema`` binds a variable to its average and keeps the kinds; ``raw`` to its own value."""
    model = read(built.training)
    raw, averaged = bind(model), bind(model, "ema")

    assert raw.by_node()["fc/weights"].key == "fc/weights"
    assert averaged.by_node()["fc/weights"].key == "fc/weights/ExponentialMovingAverage"
    assert averaged.warnings == (
        "moving averages were asked for: 3 of 3 variables have one, the others keep their own value",
    )
    assert averaged.missing_in_graph == ()
    for found in (raw, averaged):
        assert variables.facts(found).by_kind["moving_average"].count == 3
        assert {item.of for item in found.variables if item.kind == "moving_average"} == {
            "conv1/weights", "conv1/biases", "fc/weights",
        }  # fmt: skip


def test_the_sentence_adds_up(built: Built) -> None:
    """What the checkpoint is made of, in one sentence."""
    facts = variables.facts(bind(read(built.training)))

    assert facts.sentence == (
        "Checkpoint 720 bytes = model 176 bytes + 2 Adam slots 352 bytes + optimizer state 8 bytes"
        " + moving averages 176 bytes + other 8 bytes"
    )
    assert facts.bytes == sum(kind.bytes for kind in facts.by_kind.values()) == 720


def test_a_meta_alone_counts_what_the_graph_declares(built: Built, tmp_path: Path) -> None:
    """Without values the graph's own variables are counted, and nothing is called missing."""
    copy(built.training, tmp_path, {"model.ckpt-9.meta": "m.meta"})
    found = bind(read(tmp_path))
    facts = variables.facts(found)

    assert found.missing_in_checkpoint == ()
    assert (facts.count, facts.parameters) == (15, 44)
    assert facts.sentence == "counted from the graph, which holds no values: 15 variables, 44 parameters"


@pytest.mark.parametrize(
    ("name", "dtype", "shape", "kind", "of"),
    [
        ("conv1/weights", "float32", KERNEL, "model", None),
        ("bn/moving_mean", "float32", (2,), "model", None),
        ("conv1/weights/Adam_1", "float32", KERNEL, "optimizer", "conv1/weights"),
        ("OptimizeLoss/conv1/weights/Adam", "float32", KERNEL, "optimizer", "conv1/weights"),
        ("conv1/weights/ayer_0/weights/part_0/RMSProp", "float32", KERNEL, "optimizer", "conv1/weights"),
        ("conv1/weights/adam_m", "float32", KERNEL, "optimizer", "conv1/weights"),
        ("conv1/weights/MyThing", "float32", KERNEL, "optimizer", "conv1/weights"),
        ("training/Adam/Variable_3", "float32", (9,), "optimizer", None),
        ("Adam/m/conv1/weights", "float32", KERNEL, "optimizer", "conv1/weights"),
        ("SGD/conv1/weights/momentum", "float32", KERNEL, "optimizer", "conv1/weights"),
        ("beta1_power", "float32", (), "optimizer", None),
        ("train/beta2_power_1", "float32", (), "optimizer", None),
        ("conv1/weights/ExponentialMovingAverage", "float32", KERNEL, "moving_average", "conv1/weights"),
        ("bn/moving_mean/biased", "float32", (2,), "moving_average", "bn/moving_mean"),
        ("global_step", "int64", (), "other", None),
        ("epoch_counter", "float32", (), "other", None),
        ("learning_rate", "float32", (), "optimizer", None),
        ("a/.OPTIMIZER_SLOT/opt/m/.ATTRIBUTES/VARIABLE_VALUE", "float32", (4,), "optimizer", "a"),
        ("a/.OPTIMIZER_SLOT/opt/average/.ATTRIBUTES/VARIABLE_VALUE", "float32", (4,), "moving_average", "a"),
        ("_CHECKPOINTABLE_OBJECT_GRAPH", "string", (), "other", None),
        ("save_counter/.ATTRIBUTES/VARIABLE_VALUE", "int64", (), "other", None),
        ("keras_api/metrics/0/total/.ATTRIBUTES/VARIABLE_VALUE", "float32", (), "other", None),
        ("table/values", "int64", (100,), "model", None),
        ("ema/kernel", "float32", (3,), "model", None),
        ("momentum/kernel", "float32", (3,), "model", None),
        ("scale", "float32", (), "model", None),
        ("beta", "float32", (8,), "model", None),
    ],
)  # fmt: skip
def test_kinds_are_told_by_names(name: str, dtype: str, shape: Shape, kind: Kind, of: str | None) -> None:
    """Names as real projects write them, mangled ones among them."""
    known: dict[str, Shape] = {"conv1/weights": KERNEL, "bn/moving_mean": (2,)}
    judged = kinds.judge(name, dtype, shape, known)

    assert (judged.kind, judged.of) == (kind, of)


def test_a_missing_key_is_answered_with_the_nearest() -> None:
    """``Key … not found in checkpoint``: names the keys that come nearest, and their shapes."""
    found = variables.bind(
        graph(net__conv1__weights=(3, 3), net__fc__weights=(4, 2)),
        stored(model__conv1__weights=(3, 3), net__fc__weights=(5, 2)),
    )

    assert found.missing_in_checkpoint == (
        (
            "net/conv1/weights float32 [3, 3]: not in the checkpoint; "
            "nearest: 'model/conv1/weights' [3, 3], 'net/fc/weights' [5, 2]"
        ),
        "net/fc/weights float32 [4, 2]: it is stored as [5, 2], the graph says [4, 2]",
    )
    assert [text.partition(" is stored")[0] for text in found.missing_in_graph] == [
        "model/conv1/weights [3, 3]", "net/fc/weights [5, 2]",
    ]  # fmt: skip
    assert all("nearest: " in text for text in found.missing_in_graph)


def test_another_dtype_is_told() -> None:
    """A half-precision checkpoint does not fit a float32 graph."""
    weights = stored(w=(2,))
    half = StoredTensor(key="w", dtype="float16", shape=(2,), bytes=4)
    found = variables.bind(graph(w=(2,)), Weights(tensors={"w": half}, source=weights.source))

    assert found.missing_in_checkpoint == ("w float32 [2]: it is stored as float16, the graph says float32",)


def test_binding_thousands_of_strangers_is_linear() -> None:
    """Hundreds of variables and as many other keys take a second or two, not their product."""
    mine = {f"a__layer_{i}__weights": (3, 3) for i in range(800)}
    theirs = {f"b__block_{i}__weights": (3, 3) for i in range(800)}
    start = time.perf_counter()
    found = variables.bind(graph(**mine), stored(**theirs))

    assert len(found.missing_in_checkpoint) == len(found.missing_in_graph) == 800
    assert time.perf_counter() - start < 20


def test_objects_are_called_by_their_own_names(built: Built) -> None:
    """Unique names come from the object graph; twins keep their keys; slots find their owner."""
    found = bind(read(built.objects))
    by_key = {item.key: item for item in found.variables}

    assert by_key["model/count/.ATTRIBUTES/VARIABLE_VALUE"].name == "count"
    assert by_key["model/left/.ATTRIBUTES/VARIABLE_VALUE"].name == "model/left"
    facts = variables.facts(found)
    assert (facts.by_kind["model"].count, facts.parameters) == (2, 12)
    assert facts.by_kind["optimizer"].count == 6


def test_what_keras_exports_twice_is_counted_once(built: Built) -> None:
    """Keras lists its variables and stores copies of them; the graph declares them once more, for nothing."""
    found = bind(read(built.keras_export))
    facts = variables.facts(found)

    assert found.missing_in_checkpoint == found.missing_in_graph == ()
    model = {item.name: (item.shape, item.trainable) for item in found.variables if item.kind == "model"}
    assert model == {
        "net/a/kernel": ((8, 4), True),
        "net/a/bias": ((4,), True),
        "net/b/kernel": ((4, 3), True),
        "net/b/bias": ((3,), True),
    }
    copies = {item.of for item in found.variables if item.kind == "other" and item.of is not None}
    assert copies == set(model)
    assert (facts.parameters, facts.by_kind["model"].count) == (51, 4)
    assert facts.sentence.startswith("Checkpoint 1.5 kB = model 204 bytes + copies of it 204 bytes + other ")


def test_lists_that_hold_the_same_zeros_under_other_names_are_no_copies(tmp_path: Path) -> None:
    """Two nets of untrained biases, and two lists of which one has a variable of its own."""
    import tensorflow as tf

    def zeros(*names: str) -> list[object]:
        return [tf.Variable(tf.zeros([4]), name=name) for name in names]

    part = [*zeros("a"), tf.Variable(tf.ones([4]), name="b")]
    net = tf.train.Checkpoint(one=zeros("a", "b"), two=zeros("c", "d"), three=part)
    net.write(str(tmp_path / "model.ckpt"))
    found = bind(read(tmp_path))

    assert variables.facts(found).parameters == 24


@pytest.mark.parametrize("copies", ["norms", "target", "unnamed", "zeros"])
def test_lists_that_are_alike_are_not_counted_once(tmp_path: Path, copies: str) -> None:
    """Untrained normalizations, a net set to another, unnamed variables: each is the model's own."""
    import tensorflow as tf

    def made(length: int, value: float, name: str | None = None) -> Any:
        return tf.Variable(tf.fill([length], value), name=name)

    nets: dict[str, tuple[dict[str, object], int]] = {
        "norms": ({"net": [[made(4, 1.0, "gamma"), made(4, 0.0, "beta")] for _ in range(3)]}, 24),
        "target": ({net: [made(4, 3.0, "w"), made(1, 0.0, "b")] for net in ("q", "target")}, 10),
        "unnamed": ({net: [made(4, 0.0), made(3, 0.0)] for net in ("encoder", "decoder")}, 14),
        "zeros": ({net: [made(4, 0.0, "bias") for _ in range(3)] for net in ("members", "variables")}, 24),
    }
    net, parameters = nets[copies]
    tf.train.Checkpoint(**net).write(str(tmp_path / "model.ckpt"))

    assert variables.facts(bind(read(tmp_path))).parameters == parameters


def names(bindings: Bindings) -> list[tuple[str, str, str]]:
    return [(item.name, item.type, item.words) for item in variables.infer_layers(bindings)]


@pytest.mark.parametrize(
    ("shapes", "kind", "words"),
    [
        ({"conv1__weights": (7, 7, 3, 64), "conv1__biases": (64,)}, "Conv2D", "convolution 7x7, 3 to 64"),
        ({"c__kernel": (3, 3, 3, 8)}, "Conv2D", "convolution 3x3, 3 to 8, no bias"),
        ({"c__kernel": (3, 3, 3, 2, 8), "c__bias": (8,)}, "Conv3D", "convolution 3x3x3, 2 to 8"),
        ({"c__depthwise_weights": (3, 3, 32, 1)},
         "DepthwiseConv2D", "depthwise convolution 3x3 of 32 channels"),
        ({"s__depthwise_kernel": (3, 3, 4, 1), "s__pointwise_kernel": (1, 1, 4, 9)},
         "SeparableConv2D", "separable convolution 3x3, 4 to 9"),
        ({"conv2d_transpose__kernel": (2, 2, 8, 16), "conv2d_transpose__bias": (8,)},
         "Conv2DTranspose", "transposed convolution 2x2, 16 to 8"),
        ({"fc__weights": (512, 10), "fc__biases": (10,)}, "Dense", "dense, 512 to 10"),
        ({"bn__gamma": (8,), "bn__beta": (8,), "bn__moving_mean": (8,), "bn__moving_variance": (8,)},
         "BatchNormalization", "batch normalization of 8 channels"),
        ({"LayerNorm__gamma": (8,), "LayerNorm__beta": (8,)},
         "LayerNormalization", "normalization of 8 channels"),
        ({"bert__embeddings__word_embeddings": (30522, 768)},
         "Embedding", "embedding of 30,522 entries in 768"),
        ({"rnn__basic_lstm_cell__kernel": (60, 128), "rnn__basic_lstm_cell__bias": (128,)},
         "LSTM", "LSTM cell, 28 to 32"),
        ({"lstm__kernel": (28, 128), "lstm__recurrent_kernel": (32, 128), "lstm__bias": (128,)},
         "LSTM", "LSTM layer, 28 to 32"),
        ({"gru__kernel": (28, 96), "gru__recurrent_kernel": (32, 96)}, "GRU", "GRU layer, 28 to 32"),
        ({"attention__self__query__kernel": (768, 768), "attention__self__query__bias": (768,)},
         "Attention projection", "query projection, 768 to 768"),
        ({"prelu__alpha": (64,)}, "PReLU", "parametric ReLU of 64 slopes"),
        ({"W_fc1": (100, 10), "b_fc1": (10,)}, "Dense", "dense, 100 to 10"),
        ({"f1": (5, 5, 1, 56), "b1": (56,)}, "Conv2D", "convolution 5x5, 1 to 56"),
        ({"mystery": (2, 3, 4, 5, 6, 7)}, "Variables", "2x3x4x5x6x7"),
    ],
)  # fmt: skip
def test_layers_are_inferred(shapes: dict[str, tuple[int, ...]], kind: str, words: str) -> None:
    """What weights are called and how they are shaped tells the layer."""
    [layer] = variables.infer_layers(variables.bind(None, stored(**shapes)))

    assert (layer.type, layer.words) == (kind, words)
    assert layer.parameters == sum(int(np.prod(shape)) for shape in shapes.values())
    assert len(layer.variables) == len(shapes)


def test_inferred_layers_are_in_natural_order() -> None:
    """``conv2`` comes before ``conv10``; optimizer slots are no layers."""
    weights = stored(conv10__weights=KERNEL, conv2__weights=KERNEL, conv2__weights__Adam=KERNEL)
    found = variables.bind(None, weights)

    assert [name for name, _, _ in names(found)] == ["conv2", "conv10"]


def test_sizes_are_told_in_words() -> None:
    """Bytes, kilobytes and beyond, decimal, with two significant digits."""
    sizes = (1, 999, 1000, 17_000_000, 9_949_999, 553_400_000, 999_600_000, 2_606_000_000)
    assert [variables.size_words(size) for size in sizes] == [
        "1 byte", "999 bytes", "1.0 kB", "17 MB", "9.9 MB", "553 MB", "1.0 GB", "2.6 GB",
    ]  # fmt: skip


def test_a_variable_has_bytes_of_its_dtype() -> None:
    """Half precision takes half the bytes."""
    item = Variable(name="w", dtype="float16", shape=(2,), bytes=4, kind="model")
    facts = variables.facts(Bindings(variables=(item,)))

    assert facts.bytes == 2 * DTYPE_SIZES["float16"]


@needs_corpus
def test_copies_of_a_net_share_their_values() -> None:
    """Four copies from cells that were run again, 284 variables, 71 keys: each key counts once."""
    model = read(CORPUS / "fsrcnn-x2-ckpt")
    found = bind(model)
    facts = variables.facts(found)

    assert len(found.variables) == 284
    assert (facts.count, facts.parameters) == (71, 8497)
    assert facts.sentence.startswith("Checkpoint 102 kB = model 34 kB + 2 Adam slots 68 kB")


@needs_corpus
@pytest.mark.parametrize(
    ("name", "count", "parameters"),
    [
        ("basic-pitch-savedmodel", 74, 16872),
        ("ffn-fib25-ckpt", 54, 638439),
        ("fsrcnn-x3-ckpt", 71, 8777),
        ("guesslang-savedmodel-v2", 10, 674604),
        ("musicnn-mtt-vgg32", 86, 41206),
        ("serving-bad-half-plus-two", 2, 2),
        ("serving-half-plus-two-2-versions", 3, 3),
        ("serving-half-plus-two-sessionbundle", 2, 2),
        ("tf2onnx-regression-ckpt", 2, 2),
    ],
)
def test_variables_of_the_corpus_are_counted(name: str, count: int, parameters: int) -> None:
    """Every stored tensor is counted once; parameters are those of the model alone."""
    model = find.read(CORPUS / name, find.find(CORPUS / name)[0])
    found = bind(model)
    facts = variables.facts(found)

    assert (facts.count, facts.parameters) == (count, parameters)
    assert model.weights is not None
    assert {item.key for item in found.variables if item.key} == set(model.weights.tensors)
