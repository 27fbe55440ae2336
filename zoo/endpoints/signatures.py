"""Inputs and outputs that the file states itself, and those that the row names."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from zoo.endpoints import ops
from zoo.errors import EndpointError
from zoo.graph import Graph, MetaGraph, Signature, TensorRef, split_input
from zoo.names import nearest

_NOT_SERVING = re.compile(r"^__|init|train|^eval$|_eval$|^loss", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True, slots=True)
class Stated:
    """A tensor that a signature names: where it is, and what the signature calls it."""

    tensor: str
    key: str
    part: str = ""
    """Sparse and ragged tensors: which of their parts this is."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Chosen:
    """The signature that was taken, with its tensors spelled out."""

    signature: Signature
    inputs: tuple[Stated, ...]
    outputs: tuple[Stated, ...]
    others: tuple[str, ...]


def choose(meta: MetaGraph) -> tuple[Chosen | None, list[str]]:
    """The best signature whose tensors are all in the graph, and what is wrong with the others."""
    warnings: list[str] = []
    sane: list[tuple[tuple[int, ...], Chosen]] = []
    for place, signature in enumerate((*_legacy_pair(meta), *meta.signatures)):
        missing = [
            text
            for _, ref in (*signature.inputs, *signature.outputs)
            for text in _names(ref)
            if not _exists(meta.graph, text)
        ]
        if missing:
            warnings.append(f"signature {signature.key!r} names {missing[0]!r}, which is not in the graph")
            continue
        outputs = tuple(_spelled(signature.outputs))
        if not outputs or all(_says_nothing(meta.graph, out.tensor) for out in outputs):
            continue
        chosen = Chosen(
            signature=signature, inputs=tuple(_spelled(signature.inputs)), outputs=outputs, others=()
        )
        rank = (
            signature.key == "serving_default",
            not _NOT_SERVING.search(signature.key),
            bool(chosen.inputs),
            signature.key in ("inputs/outputs", "default", "predict", "serving", "default_signature"),
            "predict" in signature.method,
            -place,
        )
        sane.append((tuple(int(part) for part in rank), chosen))
    if not sane:
        return None, warnings
    sane.sort(key=lambda item: item[0], reverse=True)
    best = sane[0][1]
    if _NOT_SERVING.search(best.signature.key) and best.signature.key != "serving_default":
        return None, warnings
    others = tuple(sorted({item.signature.key for _, item in sane[1:]}))
    return Chosen(signature=best.signature, inputs=best.inputs, outputs=best.outputs, others=others), warnings


def collected(meta: MetaGraph) -> dict[str, str]:
    """Tensors that the author put into collections of their own → the collection, in order.

    TensorFlow's collections, and those of layers' results, losses and measures, say nothing of answers.
    """
    found: dict[str, str] = {}
    for key, names in meta.collections.items():
        tensors = [_full(name) for name in names if not name.startswith("^") and _exists(meta.graph, name)]
        if not _OF_TENSORFLOW.search(key) and 0 < len(tensors) == len(names) <= _FEW:
            found.update((tensor, key) for tensor in tensors if tensor not in found)
    return found


_OF_TENSORFLOW = re.compile(
    r"variables|^train|(init|ready|main|update|summary|eval)_ops?$|summar|global_step|loss|resources|iterators"
    r"|queue_runners|table|savers|context|regulari|end_?points|activations|weight|bias|metric|accuracy|asset"
    r"|handle|kernel|layer|features?$",
    re.IGNORECASE,
)
_FEW = 8
"""Tensors of one collection that somebody means to fetch; more are the results of all layers."""


def _legacy_pair(meta: MetaGraph) -> tuple[Signature, ...]:
    """The two signatures ``inputs`` and ``outputs`` of a SessionBundle as the one that they make up."""
    found = {s.key: s for s in meta.signatures if s.origin == "serving_signatures"}
    if "inputs" not in found or "outputs" not in found or found["outputs"].inputs or found["inputs"].outputs:
        return ()
    return (
        Signature(
            key="inputs/outputs",
            inputs=found["inputs"].inputs,
            outputs=found["outputs"].outputs,
            method="generic_signature",
            origin="serving_signatures",
        ),
    )


def _names(ref: TensorRef) -> Sequence[str]:
    return ref.parts or ((ref.name,) if ref.name else ())


def _spelled(items: Iterable[tuple[str, TensorRef]]) -> Iterable[Stated]:
    labels = {
        "sparse": ("values", "indices", "dense_shape"),
        "coo_sparse": ("values", "indices", "dense_shape"),
    }
    for key, ref in items:
        if not ref.parts:
            if ref.name:
                yield Stated(tensor=_full(ref.name), key=key)
            continue
        for k, part in enumerate(ref.parts):
            given = labels.get(ref.encoding, ())
            what = given[k] if k < len(given) else f"component {k}"
            word = "sparse" if ref.encoding in labels else ref.encoding
            if part:
                yield Stated(tensor=_full(part), key=key, part=f"{what} of the {word} tensor")


def _full(text: str) -> str:
    name, port = split_input(text)
    return f"{name}:{port}"


def _exists(graph: Graph, text: str) -> bool:
    return split_input(text)[0] in graph.index


def _says_nothing(graph: Graph, tensor: str) -> bool:
    """Whether an output is no value of the model: an init op, a variable being written."""
    node = graph.node(split_input(tensor)[0])
    return node.op in ("NoOp", "Assert") or ops.writes(node.op) or ops.trains(node.op)


def given(graph: Graph, cell: str, texts: Sequence[str]) -> tuple[str, ...]:
    """The tensors that a cell of the row names, each with its output index.

    Raises:
        EndpointError: a name is not in the graph, or names no tensor.
    """
    result = []
    for text in texts:
        name, port = split_input(text)
        if name not in graph.index or port < 0:
            near = nearest(name, graph.index)
            raise EndpointError(
                f"{cell}: expected tensors of the graph, found {text!r}, which is none",
                hint="nearest: " + ", ".join(f"{other}:0" for other in near)
                if near
                else f"the graph has {len(graph)} nodes, listed in operations.csv",
            )
        count = _outputs(graph, name)
        if count is not None and port >= count:
            raise EndpointError(
                f"{cell}: {text!r}: node {name!r} ({graph.node(name).op}) has {count} outputs",
                hint=f"nearest: {name}:{count - 1}" if count else "name the tensor that you would fetch",
            )
        result.append(f"{name}:{port}")
    return tuple(dict.fromkeys(result))


def _outputs(graph: Graph, name: str) -> int | None:
    """How many outputs a node has; None where its attributes do not tell."""
    node = graph.node(name)
    if node.op in ("NoOp", "Assert", "ControlTrigger"):
        return 0
    noted = node.output_shapes()
    if noted:
        return len(noted)
    if node.op in _ONE:
        return 1
    for key in ("output_types", "component_types", "Tout"):
        value = node.attr(key)
        if value is not None and value.WhichOneof("kind") == "list":
            return len(value.list.type)
    return None


_ONE = frozenset(
    """Placeholder PlaceholderV2 PlaceholderWithDefault Const Identity Add AddV2 BiasAdd MatMul Softmax
    Sigmoid Relu Conv2D Reshape Mul Sub Mean Sum ConcatV2 Tanh ArgMax Squeeze""".split()
)
