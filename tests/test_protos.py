"""Our schema of TensorFlow's messages is TensorFlow's."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import pytest

from zoo import protos

MODULES = [
    *(f"framework.{name}_pb2" for name in (
        "attr_value", "function", "graph", "node_def", "op_def", "tensor", "tensor_shape", "tensor_slice",
        "variable", "versions",
    )),
    *(f"protobuf.{name}_pb2" for name in (
        "meta_graph", "saved_model", "saved_object_graph", "saver", "struct", "tensor_bundle",
        "trackable_object_graph",
    )),
    "util.saved_tensor_slice_pb2",
]  # fmt: skip

# Map entries have generated names, and the session bundle's messages left TensorFlow with 2.0.
OURS = {
    "StringEntry", "TensorInfoEntry", "SignatureEntry", "CollectionEntry", "SavedConcreteFunctionEntry",
    "AnyProto", "TensorBinding", "TensorBindingEntry", "RegressionSignature", "ClassificationSignature",
    "GenericSignature", "LegacySignature", "LegacySignatureEntry", "LegacySignatures",
}  # fmt: skip


@pytest.fixture(scope="module")
def theirs() -> dict[str, Any]:
    found: dict[str, Any] = {}

    def walk(message: Any) -> None:
        found.setdefault(message.name, message)
        for nested in message.nested_types:
            walk(nested)

    for name in MODULES:
        for message in import_module(f"tensorflow.core.{name}").DESCRIPTOR.message_types_by_name.values():
            walk(message)
    return found


def test_every_field_has_tensorflows_name_and_number(theirs: dict[str, Any]) -> None:
    """A wrong number would read one field as another without a word."""
    wrong = []
    for message, fields in protos._SCHEMA.items():
        if message in OURS:
            continue
        for spec in fields.split():
            name, number, _ = spec.split(":")
            field = theirs[message].fields_by_name.get(name)
            if field is None or field.number != int(number):
                wrong.append(f"{message}.{spec}")

    assert wrong == []


def test_dtypes_are_tensorflows() -> None:
    """Names and numbers of the types are those of types.proto."""
    enum = import_module("tensorflow.core.framework.types_pb2").DataType
    for number, name in protos.DTYPES.items():
        text = protos._TEXT_NAMES.get(name, name.upper())

        assert enum.Value(f"DT_{text}") == number


def test_a_graph_survives_the_text_format(theirs: dict[str, Any]) -> None:
    """Text that TensorFlow prints gives the message that TensorFlow serializes."""
    import tensorflow as tf

    graph = tf.Graph()
    with graph.as_default():
        x = tf.compat.v1.placeholder(tf.float32, [None, 3], name="x")
        tf.matmul(x, tf.constant([[1.0], [2.0], [3.0]]), name="y")
    expected = graph.as_graph_def()

    parsed = protos.parse_text("GraphDef", str(expected))

    assert tf.compat.v1.GraphDef.FromString(parsed.SerializeToString()) == expected


def test_shapes_tell_unknown_size_from_unknown_rank() -> None:
    """``[?, 3]`` and ``unknown`` are two things."""
    for shape in [(None, 3), (), None]:
        assert protos.shape_of(protos.shape_proto(shape)) == shape
