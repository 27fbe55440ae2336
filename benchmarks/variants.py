"""Labelled graphs changed in ways that leave their truth alone.

Who goes by what a graph does, and not by how it happens to be written, answers each of them as before.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow.core.framework.variable_pb2 import VariableDef

from benchmarks.endpoints.cases import Labelled, v1
from zoo.endpoints.ops import VARIABLES, hands_out_examples, in_gradient, trains

Truths = tuple[tuple[tuple[str, ...], tuple[str, ...]], ...]


def frozen(labelled: Labelled) -> Labelled | None:
    """The graph as somebody froze it for its first truth: constants for variables, and only what is needed.

    None where all true outputs are read by other ones, or a variable's shape is known to the session only.
    """
    meta = _meta(labelled)
    nodes = {node.name: node for node in meta.graph_def.node}
    inputs, outputs = labelled.truths[0]
    needed: set[str] = set()
    todo = [_node(text) for text in outputs]
    while todo:
        name = todo.pop()
        if name not in needed:
            needed.add(name)
            if nodes[name].op not in VARIABLES:
                todo += [_node(text) for text in nodes[name].input if not text.startswith("^")]
    result = v1.MetaGraphDef()
    result.graph_def.library.CopyFrom(meta.graph_def.library)
    for node in meta.graph_def.node:
        if node.name not in needed:
            continue
        copy = result.graph_def.node.add()
        if node.op in VARIABLES:
            shape, dtype = tf.TensorShape(node.attr["shape"].shape), tf.as_dtype(node.attr["dtype"].type)
            if not shape.is_fully_defined() or not (dtype.is_floating or dtype.is_integer or dtype.is_bool):
                return None
            value = tf.make_tensor_proto(np.zeros(shape.as_list(), dtype.as_numpy_dtype))
            copy.name, copy.op = node.name, "Const"
            copy.attr["dtype"].type = dtype.as_datatype_enum
            copy.attr["value"].tensor.CopyFrom(value)
        elif node.op == "ReadVariableOp":
            copy.name, copy.op = node.name, "Identity"
            copy.input.append(node.input[0])
            copy.attr["T"].type = node.attr["dtype"].type
        elif node.op == "ResourceGather":
            return None
        else:
            copy.CopyFrom(node)
            copy.attr.pop("_output_shapes", None)
            copy.input[:] = [text for text in node.input if not text.startswith("^")]
    read = {_node(text) for node in result.graph_def.node for text in node.input}
    if all(_node(text) in read for text in outputs):
        return None
    return Labelled(labelled.case, result.SerializeToString(), ((inputs, outputs),))


def element(labelled: Labelled) -> Labelled | None:
    """A training whose fed tensors, labels included, come as the parts of one element of a pipeline instead.

    None where it does not train, has a pipeline, or one tensor is fed and no more.
    """
    meta = _meta(labelled)
    fed = [
        node for node in meta.graph_def.node
        if node.op == "Placeholder" and node.attr["shape"].shape.dim
    ]  # fmt: skip
    piped = any(hands_out_examples(node.op) for node in meta.graph_def.node)
    if not _trains(meta) or piped or len(fed) < 2:
        return None
    parts = {node.name: k for k, node in enumerate(fed)}
    nodes = list(meta.graph_def.node)
    del meta.graph_def.node[:]
    meta.graph_def.node.add(name="OneShotIterator", op="OneShotIterator")
    whole = meta.graph_def.node.add(name="IteratorGetNext", op="IteratorGetNext", input=["OneShotIterator"])
    for node in fed:
        whole.attr["output_types"].list.type.append(node.attr["dtype"].type)
        for key in ("output_shapes", "_output_shapes"):
            whole.attr[key].list.shape.add().CopyFrom(node.attr["shape"].shape)

    def renamed(text: str) -> str:
        part = parts.get(_node(text))
        if part is None:
            return text
        return "^IteratorGetNext" if text.startswith("^") else f"IteratorGetNext:{part}"

    for node in nodes:
        if node.name not in parts:
            copy = meta.graph_def.node.add()
            copy.CopyFrom(node)
            copy.input[:] = list(map(renamed, node.input))
    return Labelled(labelled.case, meta.SerializeToString(), _renamed(labelled.truths, renamed))


def scope(labelled: Labelled) -> Labelled:
    """All of it in one more scope, as if the author had built it within ``tf.variable_scope("model")``."""
    meta = _meta(labelled)
    names = {node.name for node in meta.graph_def.node}

    def inside(name: str) -> str:
        # Gradients are called after the whole name of what they are of.
        match = re.match(r"((?:.*/)?gradients(?:_\d+)?/)(.*)", name)
        if match:
            for end in re.finditer(r"_grad(_\d+)?(?=/)", match[2]):
                if match[2][: end.start()] in names:
                    return f"model/{match[1]}{inside(match[2])}"
        return f"model/{name}"

    def renamed(text: str) -> str:
        mark, name = ("^", text[1:]) if text.startswith("^") else ("", text)
        node, colon, port = name.partition(":")
        return f"{mark}{inside(node)}{colon}{port}"

    for node in meta.graph_def.node:
        node.name = inside(node.name)
        node.input[:] = list(map(renamed, node.input))
        places = [b"loc:@" + inside(place[5:].decode()).encode() for place in node.attr["_class"].list.s]
        node.attr["_class"].list.s[:] = places
        if not places:
            del node.attr["_class"]
    for key, found in meta.collection_def.items():
        if found.WhichOneof("kind") == "node_list":
            found.node_list.value[:] = list(map(renamed, found.node_list.value))
        elif "variables" in key:
            found.bytes_list.value[:] = [_variable(data, renamed) for data in found.bytes_list.value]
    for field in ("filename_tensor_name", "save_tensor_name", "restore_op_name"):
        if getattr(meta.saver_def, field):
            setattr(meta.saver_def, field, renamed(getattr(meta.saver_def, field)))
    return Labelled(labelled.case, meta.SerializeToString(), _renamed(labelled.truths, renamed))


def named(labelled: Labelled) -> Labelled | None:
    """A training in which each output of the first truth has a name by a node of its own, the truth now."""
    meta = _meta(labelled)
    if not _trains(meta):
        return None
    inputs, outputs = labelled.truths[0]
    shown = []
    for k, (text, node) in enumerate(_nodes(meta, outputs)):
        copy = meta.graph_def.node.add(name=f"the_answer_{k}", op="Identity", input=[text])
        copy.attr["T"].type = _dtype(node)
        if (shape := _shape(node, text)) is not None:
            copy.attr["_output_shapes"].list.shape.add().CopyFrom(shape)
        shown.append(f"{copy.name}:0")
    return Labelled(labelled.case, meta.SerializeToString(), ((inputs, tuple(shown)),))


def watched(labelled: Labelled) -> Labelled | None:
    """A training that also shows the mean of each output of the first truth."""
    meta = _meta(labelled)
    if not _trains(meta):
        return None
    for k, (text, node) in enumerate(_nodes(meta, labelled.truths[0][1])):
        shape = _shape(node, text)
        if _dtype(node) != tf.float32.as_datatype_enum or shape is None or shape.unknown_rank:
            continue
        axes = _constant(meta, f"watched_{k}/Const", np.arange(len(shape.dim), dtype=np.int32))
        mean = meta.graph_def.node.add(name=f"watched_{k}/Mean", op="Mean", input=[text, axes.name])
        mean.attr["T"].type = _dtype(node)
        mean.attr["_output_shapes"].list.shape.add()
        tags = _constant(meta, f"watched_{k}/tags", f"watched_{k}")
        shown = meta.graph_def.node.add(name=f"watched_{k}", op="ScalarSummary", input=[tags.name, mean.name])
        shown.attr["T"].type = _dtype(node)
    return Labelled(labelled.case, meta.SerializeToString(), labelled.truths)


def tested(labelled: Labelled) -> Labelled | None:
    """A training as somebody built it to test the model: its losses and measures, no gradients and no steps.

    None where it does not train, or a true output is made by way of a gradient.
    """
    meta = _meta(labelled)
    if not _trains(meta):
        return None
    nodes = list(meta.graph_def.node)
    gone = {node.name for node in nodes if in_gradient(node.name) or trains(node.op)}
    for node in nodes:
        held = [text for text in node.input if _node(text) in gone]
        if any(node.op == "NoOp" or not text.startswith("^") for text in held):
            gone.add(node.name)
    if any(_node(text) in gone for inputs, outputs in labelled.truths for text in (*inputs, *outputs)):
        return None
    del meta.graph_def.node[:]
    for node in nodes:
        if node.name not in gone:
            copy = meta.graph_def.node.add()
            copy.CopyFrom(node)
            copy.input[:] = [text for text in node.input if _node(text) not in gone]
            places = [place for place in node.attr["_class"].list.s if place[5:].decode() not in gone]
            copy.attr["_class"].list.s[:] = places
            if not places:
                del copy.attr["_class"]
    for found in meta.collection_def.values():
        if found.WhichOneof("kind") == "node_list":
            found.node_list.value[:] = [text for text in found.node_list.value if _node(text) not in gone]
    return Labelled(labelled.case, meta.SerializeToString(), labelled.truths)


VARIANTS: Mapping[str, Callable[[Labelled], Labelled | None]] = {
    "frozen": frozen, "element": element, "scope": scope, "named": named, "watched": watched,
    "tested": tested,
}  # fmt: skip


def _meta(labelled: Labelled) -> Any:
    return v1.MetaGraphDef.FromString(labelled.meta)


def _node(text: str) -> str:
    """The node that an input or a tensor's name is of."""
    return text.removeprefix("^").partition(":")[0]


def _trains(meta: Any) -> bool:
    return any(node.op.removeprefix("Resource").startswith("Apply") for node in meta.graph_def.node)


def _renamed(truths: Truths, renamed: Callable[[str], str]) -> Truths:
    return tuple((tuple(map(renamed, inputs)), tuple(map(renamed, outputs))) for inputs, outputs in truths)


def _nodes(meta: Any, tensors: Iterable[str]) -> list[tuple[str, Any]]:
    """Each tensor as an input spells it, and its node."""
    nodes = {node.name: node for node in meta.graph_def.node}
    return [(text.removesuffix(":0"), nodes[_node(text)]) for text in tensors]


def _dtype(node: Any) -> int:
    """The type of what a node hands out, as far as its attributes tell."""
    return next((node.attr[key].type for key in ("DstT", "T", "dtype") if node.attr[key].type), 0)


def _constant(meta: Any, name: str, value: Any) -> Any:
    """A new node that hands out a value."""
    node = meta.graph_def.node.add(name=name, op="Const")
    node.attr["value"].tensor.CopyFrom(tf.make_tensor_proto(value))
    node.attr["dtype"].type = node.attr["value"].tensor.dtype
    return node


def _shape(node: Any, text: str) -> Any:
    """The static shape of a node's output that an input names; None where the node does not note it."""
    shapes, port = node.attr["_output_shapes"].list.shape, int(text.partition(":")[2] or 0)
    return shapes[port] if port < len(shapes) else None


def _variable(data: bytes, renamed: Callable[[str], str]) -> bytes:
    """A VariableDef whose names are changed."""
    variable: Any = VariableDef.FromString(data)
    for field in ("variable_name", "initializer_name", "snapshot_name", "initial_value_name"):
        if getattr(variable, field):
            setattr(variable, field, renamed(getattr(variable, field)))
    changed: bytes = variable.SerializeToString()
    return changed
