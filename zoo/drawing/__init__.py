"""``graph.json``: a graph as the pages draw it, ops and layers, in as few bytes as will do.

Scopes and names are stored once, edges as differences, attributes and shapes as numbers into
tables: a graph of 35,000 nodes takes about a megabyte.  `site/docs/contract.md` describes the
fields.
"""

from __future__ import annotations

import functools
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import msgspec
import numpy as np

from zoo import model, protos
from zoo.drawing.flat import Flat, flatten
from zoo.drawing.recognize import Layer, Repeat, forward, recognize
from zoo.drawing.recognize import repeats as find_repeats
from zoo.errors import ReadError
from zoo.graph import Attrs, Graph
from zoo.protos import Shape

SCHEMA = 1
MAX_DRAWN = 150_000
"""Nodes that are drawn; of larger graphs only the part that the outputs need."""
MAX_CONTROL = 100_000
"""Control edges that are drawn; a training graph may have millions."""
MAX_DEPTH = 32
"""Scopes within scopes that are told apart; the rest of a name stands as it is."""
MAX_LAYERS = 20_000

FORWARD, INPUT, OUTPUT, VARIABLE, CONSTANT = 1, 2, 4, 8, 16
"""Flags of a node."""

_VARIABLES = frozenset({"Variable", "VariableV2", "VarHandleOp", "AutoReloadVariable"})
_ATTR_LIMIT = 160
_ATTR_BYTES = 600
_HIDDEN_ATTRS = frozenset({"container", "shared_name"})

__all__ = ["Layer", "Repeat", "draw", "draw_layers", "read"]


def draw(
    graph: Graph,
    shapes: Mapping[str, Shape],
    *,
    inputs: Iterable[str],
    outputs: Iterable[str],
    backward: Collection[str] | None = None,
) -> bytes:
    """The JSON of ``graph.json`` for a graph.

    Args:
        graph: as it came; functions that it calls are opened.
        shapes: tensor name to shape, as far as known.
        inputs: tensors that are fed (``input:0``).
        outputs: tensors that are fetched; without any, all nodes count as needed.
        backward: names of nodes that belong to training; by default all that no output needs.

    Raises:
        ReadError: an attribute that is needed is damaged.
    """
    flat = flatten(graph)
    fed = [i for i, _ in flat.find(list(inputs))]
    fetched = [i for i, _ in flat.find(list(outputs))]
    needed = forward(flat, fetched, set(fed)) if fetched else set(range(len(flat.names)))
    if backward is not None and not fetched:
        needed = {i for i in needed if flat.names[i] not in backward}
    # Recognizing the layers of a graph without outputs would make layers of its optimizer.
    layers, repeats = (
        recognize(flat, shapes, inputs=fed, outputs=fetched, needed=needed) if fetched else ([], [])
    )
    drawing = _Drawing(flat, shapes, needed, set(fed), set(fetched))
    return drawing.encode(layers[:MAX_LAYERS], repeats if len(layers) <= MAX_LAYERS else [])


def draw_layers(stated: Sequence[model.Layer]) -> bytes:
    """The JSON of ``graph.json`` for layers that a file states, or that its weights suggest.

    Args:
        stated: the layers in order; ``inputs`` that name none of them are left out.
    """
    proto = protos.GraphDef()
    names: dict[str, str] = {}
    for layer in stated:
        # Two towers may call their layers the same.
        unique = layer.name or layer.type
        copy = 2
        while unique in names:
            unique, copy = f"{layer.name} ({copy})", copy + 1
        names[unique] = layer.name
        node = proto.node.add(name=unique, op=layer.type, input=[i for i in layer.inputs if i in names])
        for key, text in (("what", layer.words), ("parameters", str(layer.parameters or ""))):
            if text:
                node.attr.append(
                    protos.attr_entry(key, protos.AttrValue(s=text.encode()).SerializeToString())
                )
    graph = Graph.from_proto(proto)
    flat = flatten(graph)
    shapes: dict[str, Shape] = {
        f"{name}:0": layer.shape for name, layer in zip(names, stated, strict=True) if layer.shape is not None
    }
    recognized = [
        Layer(
            name,
            _kind(layer.type),
            layer.words or layer.type,
            layer.shape,
            [i],
            [s for s, _ in flat.sources[i]],
        )
        for i, (name, layer) in enumerate(zip(names, stated, strict=True))
    ]
    every = set(range(len(recognized)))
    starts = {i for i, layer in enumerate(stated) if layer.type == "InputLayer"}
    drawing = _Drawing(flat, shapes, every, starts, set())
    return drawing.encode(recognized[:MAX_LAYERS], find_repeats(recognized[:MAX_LAYERS]))


_KINDS = (
    ("conv", "conv"), ("dense", "dense"), ("pool", "pool"), ("norm", "norm"), ("input", "input"),
    ("lstm", "recurrent"), ("gru", "recurrent"), ("rnn", "recurrent"), ("recurrent", "recurrent"),
    ("relu", "act"), ("activation", "act"), ("softmax", "act"), ("add", "join"), ("concatenate", "join"),
    ("flatten", "shape"), ("reshape", "shape"), ("permute", "shape"),
)  # fmt: skip


def _kind(layer: str) -> str:
    return next((kind for part, kind in _KINDS if part in layer.lower()), "other")


class _Table(dict[Any, int]):
    """Values by number: each is stored once."""

    def __missing__(self, value: Any) -> int:
        number = self[value] = len(self)
        return number

    def add(self, values: Iterable[Any]) -> list[int]:
        """The numbers of ``values``."""
        return list(map(self.__getitem__, values))


class _Drawing:
    """One graph on its way to JSON."""

    def __init__(
        self, flat: Flat, shapes: Mapping[str, Shape], needed: set[int], fed: set[int], fetched: set[int]
    ) -> None:
        self.flat = flat
        self.shapes = shapes
        self.needed = needed
        self.fed = fed
        self.fetched = fetched
        self.strings = _Table()

    def encode(self, layers: list[Layer], repeats: list[Repeat]) -> bytes:
        """The JSON, in one line."""
        flat = self.flat
        dropped = 0
        place = None
        kept = list(range(len(flat.names)))
        if len(kept) > MAX_DRAWN:
            kept = sorted(self.needed)[:MAX_DRAWN]
            dropped = len(flat.names) - len(kept)
            place = {old: new for new, old in enumerate(kept)}
        scopes, scope_of, leaves = self._scopes(kept)
        counts, sources, specials, controls = self._edges(kept)
        ops, attributes, texts = _Table(), _Table(), _Table()
        attribute_numbers, noted = self._attributes(kept, attributes)
        # Strings of proto3 are valid UTF-8; texts from attributes are made so.
        value = {
            "schema": SCHEMA,
            "nodes": len(kept),
            "edges": len(sources),
            "left_out": {"nodes": dropped, "control_edges": controls},
            "scopes": scopes,
            "scope": scope_of,
            "leaf": leaves,
            "op": ops.add(flat.nodes[i].op for i in kept),
            "ops": list(ops),
            "attr": attribute_numbers,
            "attrs": list(attributes),
            "shape": texts.add(self._shapes(kept, noted)),
            "shapes": list(texts),
            "flags": self._flags(kept),
            "sources": counts,
            "source": sources,
            "output": specials,
            "strings": list(self.strings),
            "layers": _layers(layers, repeats, place),
        }
        return msgspec.json.encode(value) + b"\n"

    def _scopes(self, kept: list[int]) -> tuple[dict[str, list[int]], list[int], list[int]]:
        """Scopes as (parent, label); per node its scope (0 is the root) and what is left of its name."""
        known: dict[str, int] = {}
        parents, labels = [0], [""]
        scope_of, leaves = [], []

        def place(scope: str) -> int:
            at = known.get(scope)
            if at is None:
                above, slash, label = scope.rpartition("/")
                parent = place(above) if slash else 0
                at = known[scope] = len(parents)
                parents.append(parent)
                labels.append(label)
            return at

        names = self.flat.names
        last, length, at = "/", 1, 0
        for i in kept:
            name = names[i]
            # Neighbours are in one scope, as a rule.
            if at and name.startswith(last) and name.find("/", length) < 0:
                scope_of.append(at)
                leaves.append(name[length:])
                continue
            scope, slash, leaf = name.rpartition("/")
            found = known.get(scope) if slash else 0
            if found is None:
                if scope.count("/") >= MAX_DEPTH:
                    *parts, rest = scope.split("/", MAX_DEPTH)
                    scope, leaf = "/".join(parts), f"{rest}/{leaf}"
                found = place(scope)
            at = found
            last = f"{scope}/" if slash else "/"
            length = len(last)
            scope_of.append(at)
            leaves.append(leaf)
        return {"parent": parents, "label": self.strings.add(labels)}, scope_of, self.strings.add(leaves)

    def _flags(self, kept: list[int]) -> list[int]:
        flags = bytearray(len(self.flat.names))
        for flag, marked in ((FORWARD, self.needed), (INPUT, self.fed), (OUTPUT, self.fetched)):
            for i in marked:
                flags[i] |= flag
        by_op = {"Const": CONSTANT, **dict.fromkeys(_VARIABLES, VARIABLE)}
        return [flags[i] | by_op.get(self.flat.nodes[i].op, 0) for i in kept]

    def _edges(self, kept: list[int]) -> tuple[list[int], list[int], list[int], int]:
        """Per node how many inputs; their sources as differences; pairs (edge, output) but for output 0."""
        edges = self.flat.edges
        at = np.full(edges.nodes, -1, np.int32)
        at[kept] = np.arange(len(kept), dtype=np.int32)
        reader, source, output = at[edges.reader], at[edges.source], edges.output
        shown = (reader >= 0) & (source >= 0)
        controls = shown & (output < 0)
        left = max(0, int(controls.sum()) - MAX_CONTROL)
        if left:
            shown[np.flatnonzero(controls)[MAX_CONTROL:]] = False
        reader, source, output = reader[shown], source[shown], output[shown]
        other = np.flatnonzero(output)
        return (
            np.bincount(reader, minlength=len(kept)).tolist(),
            (reader - source).tolist(),
            np.stack([other, output[other]], axis=1).ravel().tolist(),
            left,
        )

    def _attributes(self, kept: list[int], table: _Table) -> tuple[list[int], list[str]]:
        """Per node the number of its attributes, as pairs of texts, and the shape that the Saver noted."""
        # Nodes that have an attribute alike have the same object, and so have those with all alike.
        nodes = self.flat.nodes
        kinds = [id(nodes[i].attrs) for i in kept]
        known: dict[int, tuple[int, str]] = {}
        shown: dict[tuple[int, ...], int] = {}
        for kind, i in zip(kinds, kept, strict=True):
            if kind not in known:
                pairs, shape = _told(nodes[i].attrs)
                mark = tuple(map(id, pairs))
                if mark not in shown:
                    shown[mark] = table[tuple([(key, _shown(raw)) for key, raw in pairs])]
                known[kind] = shown[mark], shape
        return [known[kind][0] for kind in kinds], [known[kind][1] for kind in kinds]

    def _shapes(self, kept: list[int], noted: list[str]) -> list[str]:
        """Per node the shape of its first output, as text."""
        known = {
            tensor[:-2]: _shape_text(shape)
            for tensor, shape in self.shapes.items()
            if shape is not None and tensor[-2:] == ":0"
        }
        names = self.flat.names
        return [known.get(names[i], text) for i, text in zip(kept, noted, strict=True)]


def _told(attrs: Attrs) -> tuple[list[tuple[str, bytes]], str]:
    """The attributes that are shown, and the noted shape of the first output."""
    pairs, shape = [], ""
    for pair in attrs:
        key, raw = pair
        if key[:1] == "_" or key in _HIDDEN_ATTRS:
            if key == "_output_shapes" and len(raw) < 4096:
                shape = _noted_shape(raw)
        else:
            pairs.append(pair)
    return pairs, shape


def _shown(raw: bytes) -> str:
    return _attribute(raw) if len(raw) <= _ATTR_BYTES else "too long to show"


@functools.lru_cache(maxsize=1 << 12)
def _noted_shape(raw: bytes) -> str:
    """The shape of a node's first output, as the Saver noted it."""
    try:
        items = protos.AttrValue.FromString(raw).list.shape
    except protos.DecodeError:
        return ""
    shape = protos.shape_of(items[0]) if items else None
    return "" if shape is None else _shape_text(shape)


def _layers(layers: list[Layer], repeats: list[Repeat], place: Mapping[int, int] | None) -> dict[str, Any]:
    sources: list[int] = []
    counts = []
    for at, layer in enumerate(layers):
        sources += [at - source for source in layer.sources if source < len(layers)]
        counts.append(sum(source < len(layers) for source in layer.sources))
    return {
        "names": [layer.name for layer in layers],
        "labels": [layer.label for layer in layers],
        "kinds": [layer.kind for layer in layers],
        "shapes": [layer.shape for layer in layers],
        "members": [
            sorted(
                member if place is None else place[member]
                for member in layer.members
                if place is None or member in place
            )
            for layer in layers
        ],
        "sources": counts,
        "source": sources,
        "repeats": [[repeat.start, repeat.length, repeat.times] for repeat in repeats],
    }


@functools.lru_cache(maxsize=1 << 12)
def _shape_text(shape: tuple[int | None, ...]) -> str:
    return "×".join("?" if size is None else str(size) for size in shape) if shape else "scalar"


@functools.lru_cache(maxsize=1 << 12)
def _attribute(raw: bytes) -> str:
    """An attribute's value in a line."""
    try:
        value = protos.AttrValue.FromString(raw)
    except protos.DecodeError:
        return "damaged"
    text = _value_text(value)
    return text if len(text) <= _ATTR_LIMIT else f"{text[:_ATTR_LIMIT]}…"


def _value_text(value: Any) -> str:
    kind = value.WhichOneof("kind")
    if kind == "type":
        return protos.dtype_name(value.type)
    if kind == "shape":
        return _maybe_shape(protos.shape_of(value.shape))
    if kind == "s":
        return str(value.s.decode("utf-8", "backslashreplace"))
    if kind == "b":
        return "true" if value.b else "false"
    if kind == "i":
        return str(value.i)
    if kind == "f":
        return f"{value.f:g}"
    if kind == "func":
        return str(value.func.name)
    if kind == "tensor":
        shape = _maybe_shape(protos.shape_of(value.tensor.tensor_shape))
        return f"{protos.dtype_name(value.tensor.dtype)} {shape}{_numbers(value.tensor)}"
    if kind == "list":
        items = value.list
        parts: list[str] = [str(item) for item in items.i[:32]]
        parts += [item.decode("utf-8", "backslashreplace") for item in items.s[:32]]
        parts += [f"{item:g}" for item in items.f[:32]]
        parts += ["true" if item else "false" for item in items.b[:32]]
        parts += [protos.dtype_name(item) for item in items.type[:32]]
        parts += [_maybe_shape(protos.shape_of(item)) for item in items.shape[:32]]
        parts += [str(item.name) for item in items.func[:32]]
        return f"[{', '.join(parts)}]"
    return ""


def _maybe_shape(shape: Shape) -> str:
    return "any shape" if shape is None else _shape_text(shape)


def _numbers(tensor: Any) -> str:
    """The value of a constant that holds but a few numbers."""
    for field in ("int_val", "int64_val", "float_val", "double_val", "bool_val"):
        found = getattr(tensor, field)
        if 0 < len(found) <= 8:
            return " = " + ", ".join(f"{item:g}" for item in found)
    content = tensor.tensor_content
    size = {3: 4, 9: 8}.get(tensor.dtype)
    if size and 0 < len(content) <= 8 * size:
        numbers = (
            int.from_bytes(content[i : i + size], "little", signed=True) for i in range(0, len(content), size)
        )
        return " = " + ", ".join(map(str, numbers))
    return ""


def read(content: bytes) -> dict[str, Any]:
    """What `draw` wrote.

    Raises:
        ReadError: it is no JSON object.
    """
    try:
        value = msgspec.json.decode(content, type=dict[str, Any])
    except msgspec.DecodeError as error:
        raise ReadError(f"graph.json: {error}") from error
    return value
