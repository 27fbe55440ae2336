"""Graph files: whatever they are called, whatever only looks like one."""

from __future__ import annotations

import shutil
import time
from pathlib import Path
from typing import Any

import pytest

from tests.models_readers import CORPUS, Built, built, field, needs_corpus, number, read
from zoo import find, protos
from zoo.errors import FindError, ReadError
from zoo.model import Model

__all__ = ["built"]


def graph_def(*nodes: tuple[str, str, list[str]], versions: int = 27) -> Any:
    proto = protos.GraphDef()
    for name, op, inputs in nodes:
        proto.node.add(name=name, op=op, input=inputs)
    proto.versions.producer = versions
    return proto


FROZEN = graph_def(("x", "Placeholder", []), ("w", "Const", []), ("y", "MatMul", ["x", "w"]))


LONG = graph_def(*((f"n{i}", "NoOp", []) for i in range(30)), versions=0).SerializeToString()


def read_bytes(folder: Path, name: str, content: bytes) -> Model:
    (folder / name).write_bytes(content)
    return read(folder)


@pytest.mark.parametrize(
    "name", ["frozen.pb", "-hey-auto.pb", "graph.bytes", "model", "weights.index", "模型 1.pbtxt"]
)
def test_a_frozen_graph_of_any_name_is_read(tmp_path: Path, name: str) -> None:
    """Content tells a GraphDef, not its extension."""
    model = read_bytes(tmp_path, name, FROZEN.SerializeToString())

    assert (model.format.id, model.format.label) == ("graph_def", "TensorFlow GraphDef, frozen")
    assert (model.format.producer, model.frozen, model.missing) == ("GraphDef version 27", True, ())


@pytest.mark.parametrize("name", ["graph.pb", "graph.save", "x.pbtxt"])
def test_a_text_graph_of_any_name_is_read(tmp_path: Path, name: str) -> None:
    """A text GraphDef named .pb is still text; comments and a byte order mark are no obstacle."""
    text = (
        '# made by hand\nnode {\n name: "x" op: "Placeholder"\n'
        ' attr { key: "dtype" value { type: DT_FLOAT } }\n}\n'
    )
    model = read_bytes(tmp_path, name, b"\xef\xbb\xbf" + text.encode())

    assert model.format.label == "TensorFlow text GraphDef, frozen"
    assert model.meta is not None
    assert model.meta.graph.node("x").dtype() == "float32"


def test_a_text_meta_graph_is_read(built: Built, tmp_path: Path) -> None:
    """A MetaGraphDef in text form, as ``graph.save``."""
    from google.protobuf import text_format
    from tensorflow.core.protobuf.meta_graph_pb2 import MetaGraphDef

    proto = MetaGraphDef.FromString((built.renamed / "-fsrcnn [x2] 模型.meta").read_bytes())
    model = read_bytes(tmp_path, "graph.save", text_format.MessageToString(proto).encode())

    assert model.format.label == "TensorFlow text MetaGraphDef without values"
    assert model.meta is not None
    assert model.meta.saver is not None


def test_an_unfrozen_graph_is_told_apart(tmp_path: Path) -> None:
    """A GraphDef with variables has no values; the page says so and nothing is called missing."""
    proto = graph_def(("w", "VariableV2", []), ("y", "Identity", ["w"]))
    model = read_bytes(tmp_path, "graph.pb", proto.SerializeToString())

    assert model.format.label == "TensorFlow GraphDef, variables without values"
    assert (model.frozen, model.missing) == (False, ())
    assert model.warnings == (
        "graph.pb has variables, and no checkpoint with their values is in the archive",
    )


def test_a_meta_alone_says_all_it_knows(built: Built, tmp_path: Path) -> None:
    """Graph, version, collections, saver and trainable variables, from the .meta by itself."""
    shutil.copyfile(built.training / "model.ckpt-9.meta", tmp_path / "x.meta")
    model = read(tmp_path)

    assert model.meta is not None
    assert (model.format.id, model.format.producer) == ("meta_graph", model.meta.tensorflow_version)
    assert model.meta.trainable == {"conv1/weights", "conv1/biases", "fc/weights"}
    assert "global_step:0" in model.meta.collections["global_step"]
    assert model.meta.saver is not None
    assert model.meta.saver.restore_op == "save/restore_all"


def test_partitions_are_read_from_the_collections(built: Built) -> None:
    """The slice info of a partitioned variable: full name and shape, offset and shape."""
    model = read(built.partitioned)

    assert model.meta is not None
    assert model.meta.partitions["columns/part_2"] == ("columns", (2, 6), (0, 4), (2, 2))


def test_a_graph_whose_inputs_are_not_there_is_told(tmp_path: Path) -> None:
    """Graphs that only OpenCV can read name inputs that no node has."""
    proto = graph_def(("y", "Relu", ["image_tensor"]))
    model = read_bytes(tmp_path, "opencv.pb", proto.SerializeToString())

    [warning] = model.warnings
    assert "'y' reads 'image_tensor'" in warning


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (field(1, field(2, b"age")) + field(1, field(2, b"sex")), None),
        (field(1, field(1, b"x") + field(2, b"not an op!")), None),
        (LONG + field(1, field(2, b"age")), "1 of 31 nodes have no name"),
        (LONG + field(1, field(1, b"z") + field(2, b"?")), r"an op is called '\?'"),
        (LONG + field(1, field(1, b"n3") + field(2, b"Add")), "2 nodes are named 'n3'"),
        (LONG[:-3], "expected a GraphDef, found damaged data"),
    ],
    ids=["nameless", "odd-op", "nameless-later", "odd-op-later", "twins", "cut"],
)
def test_what_only_parses_as_a_graph_is_refused(tmp_path: Path, content: bytes, why: str | None) -> None:
    """Another project's protobuf that parses is found out by its names and ops, early or late."""
    (tmp_path / "data_spec.pb").write_bytes(content)
    if why is None:
        with pytest.raises(FindError):
            find.find(tmp_path)
    else:
        with pytest.raises(ReadError, match=why):
            read(tmp_path)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("fingerprint.pb", b"\x08\x81\x01", "a SavedModel's fingerprint, not the model"),
        ("keras_metadata.pb", field(1, b"\x08\x01"), "the Keras notes beside a SavedModel"),
        ("m.onnx", b"\x08\x03" + field(2, b"torch") + field(7, b"\x0a\0") + field(8, b"\0"), "an ONNX model"),
        ("t.pb", b"\x08\x01\x10\x01" + field(9, b"\0\0\0\0"), "an ONNX tensor"),
        ("spec.pb", field(1, b"\x08\x04\x12\x03age") * 3, "a Yggdrasil data specification"),
        ("labels.pbtxt", b'item {\n name: "cat"\n id: 1\n}\n', "a label map of the Object Detection API"),
        ("net.prototxt", b'layer {\n name: "x"\n}\n', "a Caffe network description"),
        ("checkpoint", b'model_checkpoint_path: "m"\n', "a checkpoint state file"),
    ],
)  # fmt: skip
def test_other_projects_protobufs_are_named(tmp_path: Path, name: str, content: bytes, words: str) -> None:
    """What is no graph is called what it is."""
    (tmp_path / name).write_bytes(content)

    with pytest.raises(FindError) as caught:
        find.find(tmp_path)
    assert words in str(caught.value)


def test_deep_nesting_is_an_error_not_a_crash(tmp_path: Path) -> None:
    """Functions named in functions thousands deep are not followed in binary, and refused in text."""
    value = b""
    for _ in range(3000):
        value = field(10, field(1, b"f") + field(2, field(1, b"k") + field(2, value)))
    attr = field(5, field(1, b"a") + field(2, value))
    model = read_bytes(tmp_path, "deep.pb", field(1, field(1, b"x") + field(2, b"Op") + attr))
    assert model.meta is not None
    attribute = model.meta.graph.node("x").attr("a")
    assert attribute is not None
    assert attribute.func.name == "f"

    text = 'node { name: "x" op: "Op" attr { key: "a" value ' + "{ func { attr { value " * 3000
    (tmp_path / "deep.pb").write_text(text + "{}" + "}}}" * 3000 + "}}")
    with pytest.raises(ReadError, match=r"nested too deeply|damaged data"):
        read(tmp_path)


def test_signatures_of_the_first_years_are_read(tmp_path: Path) -> None:
    """A serving_signatures collection gives signatures whose origin is told."""
    legacy = protos.LegacySignatures()
    legacy.default_signature.regression_signature.input.tensor_name = "tf_example:0"
    legacy.default_signature.regression_signature.output.tensor_name = "y"
    named = legacy.named_signatures.add(key="outputs")
    named.value.generic_signature.map.add(key="outputs").value.tensor_name = "y:0"
    proto = protos.MetaGraphDef()
    proto.graph_def.CopyFrom(FROZEN)
    proto.meta_info_def.tensorflow_version = "0.12.head"
    entry = proto.collection_def.add(key="serving_signatures")
    entry.value.any_list.value.add(type_url="x", value=legacy.SerializeToString())
    model = read_bytes(tmp_path, "export.meta", proto.SerializeToString())

    assert model.meta is not None
    assert [(s.key, s.method, s.origin) for s in model.meta.signatures] == [
        ("default_signature", "regression_signature", "serving_signatures"),
        ("outputs", "generic_signature", "serving_signatures"),
    ]
    assert model.meta.signatures[0].outputs[0][1].name == "y:0"
    assert model.meta.signatures[1].inputs == ()
    assert model.format.producer == "0.12.head"


def test_a_file_without_a_version_is_read(tmp_path: Path) -> None:
    """Of 2016: no tensorflow_version, no producer; nobody knows, and that is no error."""
    proto = protos.MetaGraphDef()
    proto.meta_info_def.tags.append("x")
    proto.graph_def.CopyFrom(graph_def(("x", "Placeholder", []), versions=0))
    model = read_bytes(tmp_path, "old.meta", proto.SerializeToString())

    assert model.format.producer is None


def test_a_file_over_two_gibibytes_is_refused_by_its_size(tmp_path: Path) -> None:
    """The size is looked at before anything is read."""
    path = tmp_path / "huge.pb"
    path.write_bytes(LONG + number(4 << 3 | 2) + number((1 << 31) - 100))
    with path.open("r+b") as stream:
        stream.truncate(1 << 31)

    with pytest.raises(ReadError, match="2,147,483,648 bytes, expected at most 2,147,483,647"):
        read(tmp_path)


def test_a_hundred_thousand_nodes_take_about_a_second(tmp_path: Path) -> None:
    """Reading is linear: a graph of 100,000 nodes, parsed, checked and indexed."""
    proto = protos.GraphDef()
    proto.node.add(name="n0", op="Placeholder")
    for i in range(1, 100_000):
        proto.node.add(name=f"scope/n{i}", op="Add", input=[f"scope/n{i - 1}" if i > 1 else "n0", "n0"])
    (tmp_path / "g.pb").write_bytes(proto.SerializeToString())
    start = time.perf_counter()
    model = read(tmp_path)

    assert time.perf_counter() - start < 6
    assert model.meta is not None
    assert len(model.meta.graph) == 100_000


@needs_corpus
@pytest.mark.parametrize(
    ("name", "nodes"),
    [("kws-arm-basic-lstm-s", 98), ("minigo-test-model-trt-pb", 9), ("mtcnn-blaueck-pb", 894)],
)
def test_real_frozen_graphs_are_read(name: str, nodes: int) -> None:
    """The frozen graphs of the corpus, one with a TensorRT engine in it."""
    model = read(CORPUS / name)

    assert model.meta is not None
    assert (len(model.meta.graph), model.frozen) == (nodes, True)
