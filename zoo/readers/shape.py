"""Which protobuf message a file is, told from the shape of its first fields, without parsing it.

Protobuf has no magic: any message may parse as any other.  So the first fields are looked at one
by one: a GraphDef begins with nodes that have a name and an op, a MetaGraphDef with a MetaInfoDef
and a GraphDef, a SavedModel with its schema version.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Literal, NamedTuple

from zoo.errors import ReadError
from zoo.readers.table import varint

Message = Literal["GraphDef", "MetaGraphDef", "SavedModel"]
Reader = Callable[[int, int], bytes]
"""(offset, length) → that many bytes, fewer at the end of the file."""

_LOOKED_AT = 24
_NAME = re.compile(rb"[A-Za-z0-9._^][A-Za-z0-9_.\\/>:^()\[\] $@+*&%#!?=<~,;'\"`{}|\x80-\xff-]*")
_OP = re.compile(rb"[A-Za-z_][A-Za-z0-9_.>/-]*")


class Field(NamedTuple):
    """A field as it lies on the wire."""

    number: int
    wire: int
    value: int
    """Of a varint."""
    start: int
    length: int
    """As much of it as is there."""
    cut: bool = False
    """The file ends within it."""


def fields(read: Reader, start: int, end: int, *, count: int) -> list[Field] | None:
    """The first ``count`` fields between two offsets; None if they are no protobuf.

    A file that was cut short still tells what it was, so the last field may lack its end.
    """
    found: list[Field] = []
    at = start
    while at < end and len(found) < count:
        head = read(at, 24)
        try:
            tag, here = varint(head, 0)
            number, wire, value, length = tag >> 3, tag & 7, 0, 0
            if wire == 0:
                value, here = varint(head, here)
            elif wire == 2:
                length, here = varint(head, here)
            elif wire in (1, 5):
                length = 8 if wire == 1 else 4
            else:
                return None
        except ReadError:
            return None
        rest = end - (at + here)
        if not 0 < number < 1 << 29 or rest < 0 or length >= 1 << 31:
            return None
        found.append(Field(number, wire, value, at + here, min(length, rest), length > rest))
        at += here + length
    return found


def message_of(read: Reader, size: int) -> Message | None:
    """Which of TensorFlow's graph messages a file is; None for everything else."""
    first = fields(read, 0, size, count=_LOOKED_AT)
    if not first:
        return None
    if (first[0].number, first[0].wire) == (1, 0):
        return "SavedModel" if _is_saved_model(read, first) else None
    if _is_meta_graph(read, first):
        return "MetaGraphDef"
    return "GraphDef" if _is_graph(read, first) else None


def _is_saved_model(read: Reader, found: list[Field]) -> bool:
    graphs = [field for field in found if field.number == 2]
    return (
        found[0].value < 100
        and bool(graphs)
        and all((field.number, field.wire) == (2, 2) for field in found[1:])
        and all(_inside(read, field, _META_GRAPH) is not None for field in graphs[:4])
    )


# meta_graph.proto: numbers and wire types.
_META_GRAPH = {1: 2, 2: 2, 3: 2, 4: 2, 5: 2, 6: 2, 7: 2}
_META_INFO = {1: 2, 2: 2, 3: 2, 4: 2, 5: 2, 6: 2, 7: 0, 8: 2}
_GRAPH = {1: 2, 2: 2, 3: 0, 4: 2, 5: 2}
_NODE = {1: 2, 2: 2, 3: 2, 4: 2, 5: 2, 6: 2, 7: 2}


def _inside(read: Reader, field: Field, known: dict[int, int]) -> list[Field] | None:
    """The first fields within a field; None where they are not of the ``known`` numbers and wire types."""
    inside = fields(read, field.start, field.start + field.length, count=_LOOKED_AT)
    if inside is None or any(known.get(item.number) != item.wire for item in inside):
        return None
    return inside


def _is_meta_graph(read: Reader, found: list[Field]) -> bool:
    if any(_META_GRAPH.get(field.number) != field.wire for field in found):
        return False
    graphs = [field for field in found if field.number == 2]
    inside = _inside(read, graphs[0], _GRAPH) if len(graphs) == 1 else None
    if inside is None:
        return False
    infos = [field for field in found if field.number == 1]
    if len(infos) > 1 or (infos and _inside(read, infos[0], _META_INFO) is None):
        return False
    # A GraphDef with one node and a library has these field numbers as well; its node tells.
    return any(_is_node(read, item) for item in inside if item.number == 1) or (
        not any(item.number == 1 for item in inside) and not (infos and _is_node(read, infos[0]))
    )


def _is_graph(read: Reader, found: list[Field]) -> bool:
    if any(_GRAPH.get(field.number) != field.wire for field in found):
        return False
    nodes = [field for field in found if field.number == 1]
    whole = [field for field in nodes if not field.cut] or nodes
    return bool(nodes) and all(_is_node(read, field) for field in whole)


def _is_node(read: Reader, field: Field) -> bool:
    inside = _inside(read, field, _NODE)
    if not inside:
        return False
    names = [item for item in inside if item.number == 1]
    ops = [item for item in inside if item.number == 2]
    return (
        len(names) == len(ops) == 1
        and 0 < names[0].length < 4096
        and 0 < ops[0].length < 1024
        and _NAME.fullmatch(read(names[0].start, names[0].length)) is not None
        and _OP.fullmatch(read(ops[0].start, ops[0].length)) is not None
    )


# The first key of the text form.  `name:` and `layer {` begin Caffe's, `item {` a label map.
_TEXT = re.compile(r"\s*(?:#[^\n]*\n\s*)*([A-Za-z_][A-Za-z0-9_]*)\s*[:{<]")
_TEXT_KEYS: dict[str, Message] = {
    "node": "GraphDef",
    "versions": "GraphDef",
    "library": "GraphDef",
    "meta_info_def": "MetaGraphDef",
    "graph_def": "MetaGraphDef",
    "saver_def": "MetaGraphDef",
    "collection_def": "MetaGraphDef",
    "signature_def": "MetaGraphDef",
    "saved_model_schema_version": "SavedModel",
    "meta_graphs": "SavedModel",
}


def text_key(head: str) -> str | None:
    """The first key of a protobuf in text form, None if it does not look like one."""
    found = _TEXT.match(head.removeprefix("\ufeff"))
    return found.group(1) if found else None


def text_message_of(head: str) -> Message | None:
    """Which of TensorFlow's graph messages a text file is, told from its first key."""
    key = text_key(head)
    return None if key is None else _TEXT_KEYS.get(key)


_FOREIGN_TEXT = {
    "model_checkpoint_path": "a checkpoint state file",
    "all_model_checkpoint_paths": "a checkpoint state file",
    "item": "a label map of the Object Detection API",
    "layer": "a Caffe network description",
    "layers": "a Caffe network description",
    "model": "a configuration, perhaps of the Object Detection API",
    "train_config": "a configuration of the Object Detection API",
    "platform": "a Triton Inference Server configuration",
    "backend": "a Triton Inference Server configuration",
    "model_config_list": "a TensorFlow Serving configuration",
    "ir_version": "an ONNX model in text form",
}


def foreign_text(head: str) -> str | None:
    """What a protobuf text file of another kind is, in words."""
    key = text_key(head)
    return None if key is None else _FOREIGN_TEXT.get(key)


def foreign_message(read: Reader, size: int, name: str) -> str | None:
    """What a binary protobuf of another kind looks like, in words; None when nothing is recognized."""
    base = name.rpartition("/")[2]
    first = fields(read, 0, size, count=_LOOKED_AT)
    if not first:
        return None
    if base == "fingerprint.pb":
        return "a SavedModel's fingerprint, not the model"
    if base == "keras_metadata.pb":
        return "the Keras notes beside a SavedModel, not the model"
    nodes = [field for field in first if (field.number, field.wire) == (1, 2)]
    if nodes and all(_is_column(read, field) for field in nodes[:4]):
        return "a Yggdrasil data specification"
    if base in ("data_spec.pb", "header.pb") or base.endswith(("_forest_header.pb", "_trees_header.pb")):
        return "a part of a Yggdrasil decision forest"
    kinds = {(field.number, field.wire) for field in first}
    if first[0].number == 1 and first[0].wire == 0:
        if (7, 2) in kinds and (8, 2) in kinds:
            return "an ONNX model"
        if (2, 0) in kinds and ((9, 2) in kinds or (4, 2) in kinds or (8, 2) in kinds):
            return "an ONNX tensor"
        if (1, 0) in kinds and (2, 1) in kinds and first[0].value < 1 << 62:
            return "a summary or event record"
    if {field.wire for field in first} <= {0, 2} and nodes and _is_caffe(read, first):
        return "a Caffe model"
    return None


def _is_column(read: Reader, field: Field) -> bool:
    inside = fields(read, field.start, field.start + field.length, count=4)
    # A column: its type as a varint, then its name where a node has its op.
    return (
        bool(inside)
        and inside is not None
        and (inside[0].number, inside[0].wire) == (1, 0)
        and any((item.number, item.wire) == (2, 2) for item in inside)
    )


def _is_caffe(read: Reader, found: list[Field]) -> bool:
    return (
        found[0].number == 1
        and any(field.number in (2, 100) and field.wire == 2 for field in found[1:])
        and all(field.number in (1, 2, 3, 4, 5, 6, 7, 8, 100) for field in found)
    )
