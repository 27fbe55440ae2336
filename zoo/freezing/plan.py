"""Decide everything about a frozen graph before the first byte is written."""

from __future__ import annotations

import functools
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from zoo import protos
from zoo.errors import FreezeError
from zoo.freezing import wire
from zoo.freezing.body import Body, Draft, Tensor
from zoo.freezing.cut import apply, cut_pipeline
from zoo.freezing.effects import calls, check_writes
from zoo.freezing.ops import VARIABLES
from zoo.freezing.ranges import keep_ranges, range_variables
from zoo.freezing.tables import table_initializers
from zoo.freezing.values import Library, Rewriter, node_bytes, prepare
from zoo.freezing.why import pruned
from zoo.freezing.write import Constant, Frame
from zoo.graph import Graph, MetaGraph, Node
from zoo.model import Bindings, Endpoints, Variable
from zoo.names import nearest
from zoo.protos import Shape, dtype_name, shape_of
from zoo.records import Pruned
from zoo.repeats import kept
from zoo.weights import Weights

_RANDOM = re.compile(
    r"(Stateless)?(Random|Truncated|Parameterized)\w*(Uniform|Normal|Shuffle|Gamma|Poisson)\w*"
    r"|Multinomial|StatelessMultinomial"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """Where the constant for a variable goes, and what the graph says of its value."""

    name: str
    dtype: str
    shape: Shape


@dataclass(frozen=True, kw_only=True)
class Outline:
    """A frozen graph with places for the values of its variables: the same for all checkpoints of a graph."""

    parts: Sequence[bytes | Place]
    engine: Literal["stream", "as_is"]
    nodes: int
    pruned: Pruned
    inputs: Mapping[str, str] = field(default_factory=dict)
    outputs: Mapping[str, str] = field(default_factory=dict)
    initializers: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def size(self) -> int:
        """Bytes of its frames, those of the values left out."""
        return sum(len(part) for part in self.parts if isinstance(part, bytes))


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The frames of a frozen graph, and which variables are in it."""

    outline: Outline
    frames: Sequence[Frame]
    variables: Mapping[str, Variable]
    """By the name of the constant."""


def plan(
    meta: MetaGraph,
    bindings: Bindings,
    weights: Weights | None,
    endpoints: Endpoints,
    *,
    assets: Mapping[str, Path] | None = None,
) -> Plan:
    """What to write for the outputs of ``endpoints``; ``assets`` are files by the tensor that names them.

    Raises:
        UnsupportedError: a construct that this engine does not know to be right.
        FreezeError: the graph cannot be frozen, whatever the engine.
    """
    slots = frozenset(
        variable.node
        for variable in bindings.variables
        if variable.kind == "optimizer" and variable.node is not None
    )

    def make() -> Outline:
        return outline(meta, slots, endpoints, assets or {})

    asked = (
        tuple(output.name for output in endpoints.outputs),
        endpoints.feeds,
        tuple((name, repr(value)) for name, value in sorted(endpoints.folds.items())),  # True is not 1
        slots,
    )
    # What is in the files of a row is no other row's.
    found = make() if assets else kept(meta, "outline", asked, make, lambda made: made.size)
    by_node = bindings.by_node()
    frames: list[Frame] = []
    variables: dict[str, Variable] = {}
    for part in found.parts:
        if isinstance(part, bytes):
            frames.append(part)
            continue
        variable = by_node.get(part.name)
        frames.append(_constant(part, variable, bindings, weights))
        assert variable is not None  # noqa: S101 - checked while making the constant
        variables[part.name] = variable
    return Plan(outline=found, frames=frames, variables=variables)


def outline(
    meta: MetaGraph, slots: Collection[str], endpoints: Endpoints, assets: Mapping[str, Path]
) -> Outline:
    """What to write for the outputs of ``endpoints`` but the values of variables; see `plan`.

    ``slots`` are the nodes of variables that belong to an optimizer.
    """
    graph = meta.graph
    engine: Literal["stream", "as_is"] = "stream"
    if not graph.having(VARIABLES):
        engine = "as_is"
    outputs = [output.name for output in endpoints.outputs]
    if not outputs:
        return _whole(graph, engine)
    body = Body.of_graph(graph)
    _check_outputs(body, outputs)

    @functools.cache
    def whole() -> list[Draft]:
        return Body.of_graph(graph).cone_of(outputs)

    fed, folded = apply(body, graph, whole, endpoints.feeds, endpoints.folds)
    keep_ranges(body, graph)
    order, facts = prepare(body, outputs, folded)
    warnings: list[str] = []
    cut = cut_pipeline(body, order)
    if cut:
        fed |= cut
        warnings.append(f"the input pipeline was cut at {_some(cut)}")
        order = body.in_order(body.cone_of(outputs))
    initializers, notes = table_initializers(body, graph, order, assets)
    warnings += notes
    if initializers:
        order = body.in_order(body.cone_of([*outputs, *initializers]))
    library = Library(graph=graph)
    called = calls(graph, order)
    rewriter = Rewriter(body, library, facts=facts)
    rewriter.run(order)
    # In a main graph, rewriting keeps all edges: only new constants join the cone.
    cone = sorted([*order, *rewriter.added], key=lambda draft: draft.order)
    names = {draft.name for draft in cone}
    reads = rewriter.reads | (_nodes_of(body, outputs) & rewriter.variables.keys())
    warnings += check_writes(graph, cone, called, body.waited_for(cone), reads - range_variables(graph, cone))
    warnings += _doubts([*cone, *library.drafts])
    lost = {draft.name for draft in whole()} - names if folded else set()
    return Outline(
        parts=_parts(graph, cone, library),
        engine=engine,
        nodes=len(cone),
        pruned=pruned(meta, slots, names, lost),
        inputs={feed: _name(tensor) for feed, tensor in fed.items() if tensor[0] in names},
        outputs={text: _name(body.parse(text)) for text in outputs},
        initializers=tuple(initializers),
        warnings=tuple(warnings),
    )


def _name(tensor: Tensor) -> str:
    return f"{tensor[0]}:{tensor[1]}"


def _some(names: Iterable[str]) -> str:
    listed = sorted(names)
    return ", ".join(listed[:5]) + (f" and {len(listed) - 5} more" if len(listed) > 5 else "")


def _nodes_of(body: Body, outputs: Iterable[str]) -> set[str]:
    return {body.parse(text)[0] for text in outputs}


def _check_outputs(body: Body, outputs: Iterable[str]) -> None:
    for text in outputs:
        name, port = body.parse(text)
        if body.original(name) is None or port == "^":
            near = nearest(name, body.names())
            raise FreezeError(
                f"output {text!r}: expected a tensor of the graph, found no such node",
                hint=f"nearest: {', '.join(near)}" if near else None,
            )


def _whole(graph: Graph, engine: Literal["stream", "as_is"]) -> Outline:
    """Every node as it stands: without outputs there is nothing to walk back from."""
    stored = next((node for node in graph.nodes if node.op in VARIABLES), None)
    if engine == "stream" and stored is not None:
        raise FreezeError(
            f"no outputs are known, and the graph has variables ({stored.name!r})",
            hint="name the outputs in the manifest",
        )
    parts = [wire.field(1, _as_read(node)) for node in graph.nodes]
    if graph.library is not None:
        parts.append(wire.field(2, graph.library.SerializeToString()))
    parts.append(_versions(graph))
    return Outline(parts=parts, engine="as_is", nodes=len(graph), pruned=Pruned(nodes=0, why={}))


def _as_read(node: Node) -> bytes:
    return wire.node_prefix(node.name, node.op, node.inputs) + b"".join(
        wire.attr_entry(key, value) for key, value in node.attrs
    )


def _doubts(cone: Sequence[Draft]) -> list[str]:
    """What a person should know about the nodes that stayed."""
    training = [
        draft.name
        for draft in cone
        if draft.op.startswith("FusedBatchNorm")
        and "Grad" not in draft.op
        and draft.attrs.get("is_training", b"\x28\x01") != b"\x28\x00"
    ]
    random_ops = {op for op in {draft.op for draft in cone} if _RANDOM.fullmatch(op)}
    random = [draft.name for draft in cone if draft.op in random_ops]
    notes = []
    if training:
        notes.append(
            f"batch normalization in training form, by the batch's own statistics: {_some(training)}"
        )
    if random:
        notes.append(f"the outputs depend on random numbers: {_some(random)}")
    return notes


def _parts(graph: Graph, cone: Sequence[Draft], library: Library) -> list[bytes | Place]:
    parts: list[bytes | Place] = [
        _place(draft) if draft.op in VARIABLES else wire.field(1, node_bytes(draft)) for draft in cone
    ]
    if library.protos:
        functions = protos.FunctionDefLibrary()
        for proto in library.protos.values():
            functions.function.add().CopyFrom(proto)
        parts.append(wire.field(2, functions.SerializeToString()))
    parts.append(_versions(graph))
    return parts


def _place(draft: Draft) -> Place:
    declared = draft.attr("shape")
    shape = shape_of(declared.shape) if declared.WhichOneof("kind") == "shape" else None
    if draft.op == "Variable" and shape == ():
        shape = None  # variables of TensorFlow before 0.9 note an unknown shape as one without dimensions
    return Place(name=draft.name, dtype=dtype_name(draft.attr("dtype").type), shape=shape)


def _versions(graph: Graph) -> bytes:
    if not graph.producer and not graph.min_consumer:
        return b""
    versions = protos.VersionDef(producer=graph.producer, min_consumer=graph.min_consumer)
    return wire.field(4, versions.SerializeToString())


def _constant(
    place: Place, variable: Variable | None, bindings: Bindings, weights: Weights | None
) -> Constant:
    """The constant for a variable.

    Raises:
        FreezeError: it has no stored value, or one of another dtype or shape.
    """
    name = place.name
    if weights is None:
        raise FreezeError(
            f"variable {name!r} is needed, and there is no checkpoint with its value",
            hint="add the checkpoint's files to the row",
        )
    if variable is None or variable.key is None:
        said = [text for text in bindings.missing_in_checkpoint if name in text]
        near = nearest(name, weights.tensors) if not said else []
        hint = said[0] if said else (f"nearest keys: {', '.join(near)}" if near else None)
        raise FreezeError(f"variable {name!r} is needed, and the checkpoint has no value for it", hint=hint)
    tensor = weights.tensors.get(variable.key)
    if tensor is None:
        raise FreezeError(f"variable {name!r}: its key {variable.key!r} is not in the checkpoint")
    if tensor.missing is not None:
        raise FreezeError(
            f"variable {name!r}: its value is in {tensor.missing}, which is not there",
            hint="the archive is incomplete",
        )
    if place.dtype != tensor.dtype:
        raise FreezeError(
            f"variable {name!r}: expected {place.dtype} as in the graph, found {tensor.dtype} stored"
        )
    piece = variable.slice
    shape = tensor.shape if piece is None else piece.shape
    if place.shape is not None:
        fits = len(place.shape) == len(shape) and all(
            a is None or a == b for a, b in zip(place.shape, shape, strict=True)
        )
        if not fits:
            raise FreezeError(
                f"variable {name!r}: expected shape {_shape(place.shape)} as in the graph, "
                f"found {_shape(shape)} stored",
                hint="the checkpoint belongs to another version of the graph",
            )
    offset = None if piece is None else piece.offset
    if piece is not None:
        inside = len(piece.offset) == len(piece.shape) == len(tensor.shape) and all(
            start >= 0 and start + size <= whole
            for start, size, whole in zip(piece.offset, piece.shape, tensor.shape, strict=True)
        )
        if not inside:
            raise FreezeError(
                f"variable {name!r}: its part at {list(piece.offset)} of shape {list(piece.shape)} "
                f"is not inside the stored shape {list(tensor.shape)}"
            )
    return Constant(name=name, tensor=tensor, shape=shape, offset=offset)


def _shape(shape: Sequence[int | None]) -> str:
    return f"[{', '.join('?' if size is None else str(size) for size in shape)}]"
