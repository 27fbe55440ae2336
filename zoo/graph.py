"""A GraphDef as an index of nodes: what every graph algorithm works on.

Building it is one pass that keeps nothing of the message; attributes stay serialized until asked
for.  Large graphs repeat themselves: what many nodes have alike (ops, names that are read, attributes)
is one object, so that it is parsed, hashed and kept once.
"""

from __future__ import annotations

import functools
from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain, pairwise, repeat
from sys import intern
from typing import Any, TypeVar

import msgspec
import numpy as np
import numpy.typing as npt

from zoo import protos
from zoo.errors import ReadError
from zoo.protos import Shape
from zoo.scan import PLACE, OddError, scan

_T = TypeVar("_T")
Integers = npt.NDArray[np.int32]

_SHORT = 512
"""Bytes of the longest attribute that is parsed once for all nodes that have the same."""
_MANY = 1 << 15
"""Attributes that are remembered from one graph to the next."""


@functools.lru_cache(maxsize=1 << 12)
def _parsed(raw: bytes) -> Any:
    return protos.AttrValue.FromString(raw)


@functools.lru_cache(maxsize=1 << 12)
def _type_in(raw: bytes) -> str | None:
    number = protos.AttrValue.FromString(raw).type
    return protos.dtype_name(number) if number else None


@functools.lru_cache(maxsize=1 << 12)
def _shape_in(raw: bytes) -> Shape:
    value = protos.AttrValue.FromString(raw)
    return protos.shape_of(value.shape) if value.WhichOneof("kind") == "shape" else None


@functools.lru_cache(maxsize=1 << 12)
def _shapes_in(raw: bytes) -> tuple[Shape, ...]:
    return tuple(protos.shape_of(item) for item in protos.AttrValue.FromString(raw).list.shape)


class _Entries(dict[bytes, tuple[str, bytes]]):
    """Serialized ``attr`` entries of nodes → (key, serialized AttrValue), one object for all alike."""

    def __missing__(self, raw: bytes) -> tuple[str, bytes]:
        entry = protos.AttrEntry.FromString(raw)
        pair = (intern(entry.key), entry.value)
        if len(raw) <= _SHORT:
            self[raw] = pair
        return pair


_ENTRIES = _Entries()
_entry = _ENTRIES.__getitem__

Attrs = tuple[tuple[str, bytes], ...]
"""Attributes as pairs of key and serialized AttrValue."""


class Node(msgspec.Struct, eq=False, gc=False):
    """One NodeDef: ``name`` and ``op`` ready to use, ``attrs`` as pairs still serialized.

    The device, the attribute that says beside which nodes it stands, and what TensorFlow notes for its
    own debugging, are not kept.
    """

    name: str
    op: str
    given: tuple[str, ...] | Inputs
    """Its inputs, or those of all nodes of its graph."""
    attrs: Attrs
    place: int = 0
    """Which of the nodes of its graph it is, where it has to look up its inputs there."""

    @property
    def inputs(self) -> tuple[str, ...]:
        """The inputs as the file spells them."""
        if not isinstance(self.given, tuple):
            self.given = self.given.of(self.place)
        return self.given

    @classmethod
    def of(cls, proto: Any) -> Node:
        """The node in a NodeDef message.

        Raises:
            ReadError: an attribute is not even an entry of a map.
        """
        name = intern(proto.name)
        # Slices: they come as lists, and faster than one item after the other.
        inputs = tuple(map(intern, proto.input[:]))
        try:
            attrs = [pair for pair in map(_entry, proto.attr[:]) if pair[0] != PLACE]
        except protos.DecodeError as error:
            raise ReadError(f"node {name!r}: an attribute is damaged") from error
        return cls(name, intern(proto.op), inputs, tuple(attrs))

    def __repr__(self) -> str:
        return f"Node({self.name!r}, {self.op!r})"

    def raw_attr(self, key: str) -> bytes | None:
        """The serialized AttrValue ``key``, or None."""
        for known, value in self.attrs:
            if known == key:
                return value
        return None

    def attr(self, key: str) -> Any | None:
        """The AttrValue message ``key``, or None; nodes share it, so it is not to be changed.

        Raises:
            ReadError: the attribute's bytes are no AttrValue.
        """
        return self._read(key, _parsed, None)

    def dtype(self, key: str = "dtype") -> str | None:
        """The type attribute ``key`` as a name (``float32``), or None."""
        found: str | None = self._read(key, _type_in, None)
        return found

    def shape(self, key: str = "shape") -> Shape:
        """The shape attribute ``key``; None (unknown rank) also where there is no such attribute."""
        found: Shape = self._read(key, _shape_in, None)
        return found

    def text(self, key: str) -> str | None:
        """The string attribute ``key``, or None."""
        value = self.attr(key)
        return None if value is None else value.s.decode("utf-8", "replace")

    def flag(self, key: str) -> bool | None:
        """The bool attribute ``key``, or None."""
        value = self.attr(key)
        return None if value is None else bool(value.b)

    def output_shapes(self) -> tuple[Shape, ...]:
        """Shapes the Saver noted in ``_output_shapes``; empty where it did not."""
        found: tuple[Shape, ...] = self._read("_output_shapes", _shapes_in, ())
        return found

    def _read(self, key: str, parse: Any, default: Any) -> Any:
        """What ``parse``, a cached function, makes of an attribute."""
        raw = self.raw_attr(key)
        if raw is None:
            return default
        try:
            # A graph has thousands of attributes and a few dozen different ones.
            return parse(raw) if len(raw) <= _SHORT else parse.__wrapped__(raw)
        except protos.DecodeError as error:
            raise ReadError(f"node {self.name!r}: attribute {key!r} is damaged") from error


LAST_OUTPUT = (1 << 31) - 1
"""No op has an output of a higher number; a file may name any."""


def output_number(text: str) -> int | None:
    """Which output digits in an input name, never more than fits an array of integers; None for no digits."""
    if not (text.isascii() and text.isdigit()):
        return None
    return min(int(text), LAST_OUTPUT) if len(text) < 12 else LAST_OUTPUT


def split_input(text: str) -> tuple[str, int]:
    """``scope/node:1`` → (``scope/node``, 1); a control input ``^node`` → (``node``, -1)."""
    if text.startswith("^"):
        return text[1:], -1
    name, colon, index = text.rpartition(":")
    # "node:out:0" inside functions names an output argument; the caller strips that first.
    output = output_number(index) if colon else None
    return (text, 0) if output is None else (name, output)


def tensor_name(node: str, index: int = 0) -> str:
    """(``scope/node``, 1) → ``scope/node:1``."""
    return f"{node}:{index}"


Source = tuple[int, int]
"""(index of a node, which of its outputs; -1 for a control input)."""


class Inputs:
    """The inputs of all nodes of a graph, spelled when they are asked for.

    Most are the name of a node, and few are looked at but as edges.
    """

    __slots__ = ("_names", "_odd", "_output", "_source", "_starts")

    def __init__(
        self,
        names: Sequence[str],
        source: Integers,
        output: Integers,
        counts: npt.NDArray[Any],
        odd: Mapping[int, str],
    ) -> None:
        """What is read of which nodes as in `Edges.among`; ``odd`` are inputs by place that are more."""
        self._names = names
        self._odd = odd
        self._source = array("i", source.tobytes())
        self._output = array("i", output.tobytes())
        self._starts = array("q", bytes(8) + np.cumsum(counts, dtype=np.int64).tobytes())

    def of(self, i: int) -> tuple[str, ...]:
        """The inputs of node ``i``."""
        texts = []
        for k in range(self._starts[i], self._starts[i + 1]):
            text = self._odd.get(k)
            if text is None:
                text = self._names[self._source[k]]
                if self._output[k] < 0:
                    text = f"^{text}"
            texts.append(text)
        return tuple(texts)


class Edges:
    """Who feeds whom, as three arrays of integers in the order of the inputs."""

    def __init__(self, sources: Sequence[tuple[Source, ...]]) -> None:
        pairs = np.fromiter(chain.from_iterable(chain.from_iterable(sources)), np.int32).reshape(-1, 2)
        lengths = np.fromiter(map(len, sources), np.int32, len(sources))
        self.nodes = len(sources)
        self.lost = 0
        """How many inputs are left out because they name no node."""
        self.source: Integers = pairs[:, 0]
        self.output: Integers = pairs[:, 1]
        self.reader: Integers = np.repeat(np.arange(len(sources), dtype=np.int32), lengths)

    @classmethod
    def among(cls, nodes: int, source: Integers, output: Integers, counts: npt.NDArray[Any]) -> Edges:
        """The edges whose sources and outputs are known for all inputs; a source of -1 is not there.

        ``counts`` says how many inputs each node has.
        """
        edges = cls.__new__(cls)
        edges.nodes = nodes
        edges.source, edges.output = source, output
        edges.reader = np.repeat(np.arange(nodes, dtype=np.int32), counts)
        there = source >= 0
        edges.lost = int((~there).sum())
        if edges.lost:
            edges.source, edges.output, edges.reader = source[there], output[there], edges.reader[there]
        return edges

    def data(self) -> Edges:
        """Those that are no control inputs."""
        edges = copy(self)
        keep = self.output >= 0
        edges.source, edges.output, edges.reader = self.source[keep], self.output[keep], self.reader[keep]
        return edges

    def rows(self) -> tuple[tuple[Source, ...], ...]:
        """Per node its inputs as (node index, output index; -1 for a control input)."""
        pairs = _objects(zip(range(self.nodes), repeat(0), strict=False))[self.source]
        others: dict[Source, Source] = {}
        at = np.flatnonzero(self.output)
        # Nodes have few outputs that are read often: one pair does for all readers.
        read = zip(self.source[at].tolist(), self.output[at].tolist(), strict=True)
        pairs[at] = _objects(others.setdefault(pair, pair) for pair in read)
        return portions(pairs.tolist(), np.bincount(self.reader, minlength=self.nodes))


def portions(items: Iterable[_T], counts: npt.NDArray[Any]) -> tuple[tuple[_T, ...], ...]:
    """``items`` in portions of so many each."""
    whole = tuple(items)
    ends = np.cumsum(counts)
    return tuple([whole[start:end] for start, end in pairwise([0, *ends.tolist()])])


def _resolved(
    index: Mapping[str, int], texts: Sequence[str], waits: npt.NDArray[np.bool_] | None = None
) -> tuple[Integers, Integers, npt.NDArray[np.intp]]:
    """What inputs name: node indices (-1: no such node), output indices, and which are more than a name.

    ``waits`` says which are control inputs; then ``texts`` have no carets.
    """
    source = np.fromiter(map(index.get, texts, repeat(-1)), np.int32, len(texts))
    output = np.zeros(len(texts), np.int32)
    missing: npt.NDArray[np.bool_] = source < 0
    if waits is not None:
        output[waits] = -1
        missing &= ~waits
    at = np.flatnonzero(missing)
    if len(at):
        named = _Named(index)
        found = np.array([named[texts[k]] for k in at.tolist()], np.int32)
        source[at], output[at] = found[:, 0], found[:, 1]
    return source, output, at


def _objects(items: Iterable[Any]) -> npt.NDArray[np.object_]:
    """``items`` as an array of objects, of which many are taken at once."""
    return np.fromiter(items, object)


class _Named(dict[str, Source]):
    """Inputs that are no names of nodes → what they read; the node is -1 where there is no such."""

    def __init__(self, index: Mapping[str, int]) -> None:
        super().__init__()
        self.index = index

    def __missing__(self, text: str) -> Source:
        if text[-2:-1] == ":" and "0" <= text[-1] <= "9" and text[0] != "^":
            name, output = text[:-2], ord(text[-1]) - ord("0")  # as most are
        else:
            name, output = split_input(text)
        found = self[text] = self.index.get(name, -1), output
        return found


def data_only(sources: Sequence[tuple[Source, ...]], edges: Edges) -> Sequence[tuple[Source, ...]]:
    """``sources`` without control inputs; ``edges`` are the same as arrays."""
    rows = list(sources)
    for i in dict.fromkeys(edges.reader[edges.output < 0].tolist()):
        rows[i] = tuple(source for source in rows[i] if source[1] >= 0)
    return rows


class Readers(Sequence[tuple[Source, ...]]):
    """Per node who reads it, as (reader's node index, output index read; -1 for control).

    Kept as arrays: as tuples they would take as much as the graph itself.
    """

    def __init__(self, edges: Edges) -> None:
        order = np.argsort(edges.source, kind="stable")
        ends = np.cumsum(np.bincount(edges.source, minlength=edges.nodes), dtype=np.int64)
        self._bounds = array("q", bytes(8) + ends.tobytes())
        self._readers = array("i", edges.reader[order].tobytes())
        self._outputs = array("i", edges.output[order].tobytes())

    def __len__(self) -> int:
        return len(self._bounds) - 1

    def __getitem__(self, i: Any) -> Any:
        start, end = self._bounds[i], self._bounds[i + 1]
        return tuple(zip(self._readers[start:end], self._outputs[start:end], strict=True))

    def nodes(self, i: int) -> Sequence[int]:
        """The readers of a node, once for each input that reads it."""
        return self._readers[self._bounds[i] : self._bounds[i + 1]]

    def alone(self) -> ReadingNodes:
        """Per node its readers, without saying which output they read."""
        return ReadingNodes(self._bounds, self._readers)


class ReadingNodes(Sequence[Sequence[int]]):
    """Per node who reads it, once for each input that does."""

    __slots__ = ("_bounds", "_readers")

    def __init__(self, bounds: array[int], readers: array[int]) -> None:
        self._bounds = bounds
        self._readers = readers

    def __len__(self) -> int:
        return len(self._bounds) - 1

    def __getitem__(self, i: Any) -> Any:
        return self._readers[self._bounds[i] : self._bounds[i + 1]]


MERGES = frozenset({"Merge", "RefMerge"})
BACK_EDGES = frozenset({"NextIteration", "RefNextIteration"})
RANGES = frozenset({"FakeQuantWithMinMaxVars", "FakeQuantWithMinMaxVarsPerChannel"})
"""Ops that round their first input to the range that the others give, as nets do that are to be quantized."""


def ordered(
    ops: Sequence[str], sources: Sequence[tuple[Source, ...]], edges: Edges | None = None
) -> Sequence[int]:
    """Node indices so that each comes after what it reads, but for the edges that close loops.

    ``edges`` are the same as ``sources``, where they are known.
    """
    edges = Edges(sources) if edges is None else edges
    # A loop's exits wait for all that enter it: builders write them in that order anyway.
    if all(ops[i] in MERGES for i in edges.reader[edges.source >= edges.reader].tolist()):
        return range(len(ops))
    waiting = [0] * len(ops)
    readers: list[list[int]] = [[] for _ in ops]
    for i, row in enumerate(sources):
        loops = ops[i] in MERGES
        for source, _ in row:
            if loops and ops[source] in BACK_EDGES:
                continue
            readers[source].append(i)
            waiting[i] += 1
    ready = [i for i in range(len(ops) - 1, -1, -1) if not waiting[i]]
    order = []
    while ready:
        i = ready.pop()
        order.append(i)
        for reader in readers[i]:
            waiting[reader] -= 1
            if not waiting[reader]:
                ready.append(reader)
    return order


@dataclass(frozen=True)
class Function:
    """One FunctionDef of the library; ``proto`` is the message."""

    name: str
    proto: Any = field(repr=False)

    @cached_property
    def nodes(self) -> tuple[Node, ...]:
        """The nodes of its body; their inputs may read ``node:output_arg:index``."""
        return tuple(Node.of(proto) for proto in self.proto.node_def)


class Graph:
    """Nodes in file order, an index by name, and who feeds whom as integers."""

    def __init__(
        self,
        nodes: Iterable[Node],
        *,
        functions: Iterable[Function] = (),
        producer: int = 0,
        min_consumer: int = 0,
        library: Any = None,
        index: dict[str, int] | None = None,
    ) -> None:
        self.nodes: tuple[Node, ...] = tuple(nodes)
        self.functions: dict[str, Function] = {function.name: function for function in functions}
        self.producer = producer
        self.min_consumer = min_consumer
        self.library = library
        self.index: dict[str, int] = index or {node.name: i for i, node in enumerate(self.nodes)}

    @classmethod
    def from_proto(cls, proto: Any) -> Graph:
        """The graph in a GraphDef message.

        Raises:
            ReadError: two nodes share a name, or a node has none.
        """
        _forget()
        graph = cls(map(Node.of, proto.node), **_about(proto))
        if len(graph.index) != len(graph.nodes):
            name, count = Counter(node.name for node in graph.nodes).most_common(1)[0]
            raise ReadError(f"graph: {count} nodes are named {name!r}, expected names to be unique")
        if "" in graph.index:
            raise ReadError("graph: a node has no name")
        return graph

    @classmethod
    def from_bytes(cls, data: bytes, start: int = 0, end: int | None = None) -> Graph | None:
        """The graph in a serialized GraphDef that lies in ``data``, without a message for each node.

        None if it has to be parsed: it is damaged, or not in the form in which it is usually written.
        """
        _forget()
        try:
            found = scan(data, start, len(data) if end is None else end)
            about = _about(protos.GraphDef.FromString(found.rest))
            attrs = portions(map(_entry, found.entries), found.entry_counts)
        except (OddError, UnicodeDecodeError, protos.DecodeError):
            return None
        names = found.names
        index = dict(zip(names, range(len(names)), strict=True))
        if len(index) != len(names) or "" in index:
            return None
        source, output, others = _resolved(index, found.inputs, found.waits)
        odd = {k: found.inputs[k] for k in others.tolist()}
        odd |= {k: f"^{found.inputs[k]}" for k in np.flatnonzero(found.waits & (source < 0)).tolist()}
        inputs = Inputs(names, source, output, found.counts, odd)
        op_names = list(map(found.ops.__getitem__, found.op_numbers.tolist()))
        alike = map(attrs.__getitem__, found.kinds.tolist())
        nodes = map(Node, names, op_names, repeat(inputs), alike, range(len(names)))
        graph = cls(nodes, index=index, **about)
        graph.names, graph.ops, graph.op_numbers = names, op_names, found.op_numbers
        numbers = found.op_numbers.astype(np.uint16) if len(found.ops) < 1 << 16 else found.op_numbers
        ordered_by_op = np.argsort(numbers, kind="stable").tolist()  # few bits are sorted faster
        graph.by_op = dict(
            zip(found.ops, map(list, portions(ordered_by_op, np.bincount(found.op_numbers))), strict=True)
        )
        graph.edges = Edges.among(len(names), source, output, found.counts)
        return graph

    def __len__(self) -> int:
        return len(self.nodes)

    def __contains__(self, name: str) -> bool:
        return name in self.index

    def node(self, name: str) -> Node:
        """The node of that name; KeyError if there is none."""
        return self.nodes[self.index[name]]

    @cached_property
    def ops(self) -> Sequence[str]:
        """The op of each node."""
        return [node.op for node in self.nodes]

    @cached_property
    def names(self) -> Sequence[str]:
        """The name of each node."""
        return [node.name for node in self.nodes]

    @cached_property
    def first_outputs(self) -> Sequence[str]:
        """The tensor name of each node's first output."""
        return [f"{node.name}:0" for node in self.nodes]

    @cached_property
    def by_op(self) -> dict[str, list[int]]:
        """Node indices by op."""
        found: dict[str, list[int]] = {}
        for i, op in enumerate(self.ops):
            if op in found:
                found[op].append(i)
            else:
                found[op] = [i]
        return found

    def having(self, ops: Iterable[str]) -> list[int]:
        """Indices of the nodes that are one of ``ops``, in order."""
        return sorted(chain.from_iterable(self.by_op.get(op, ()) for op in ops))

    def having_any(self, matches: Callable[[str], Any]) -> list[int]:
        """Indices of the nodes whose op matches, in order; each op is asked about once."""
        return self.having([op for op in self.by_op if matches(op)])

    @cached_property
    def op_numbers(self) -> npt.NDArray[np.int32]:
        """The op of each node as its place in `by_op`."""
        numbers = {op: number for number, op in enumerate(self.by_op)}
        return np.fromiter(map(numbers.__getitem__, self.ops), np.int32, len(self.nodes))

    def marked(self, marks: Callable[[str], int]) -> bytes:
        """A byte for each node: what ``marks`` says of its op, which is asked once."""
        said = np.array([marks(op) for op in self.by_op], np.uint8)
        return said[self.op_numbers].tobytes()

    @cached_property
    def about_gradients(self) -> Sequence[int]:
        """The nodes whose names speak of gradients, as `tf.gradients` and its callers name them."""
        return [i for i, name in enumerate(self.names) if "gradients" in name]

    @cached_property
    def sources(self) -> tuple[tuple[Source, ...], ...]:
        """Per node its inputs as (node index, output index; -1 for a control input).

        An input that names no node is left out; `dangling` lists those.
        """
        return self.edges.rows()

    @cached_property
    def edges(self) -> Edges:
        """All of `sources` as arrays."""
        counts = np.fromiter((len(node.inputs) for node in self.nodes), np.int32, len(self.nodes))
        texts = list(chain.from_iterable(node.inputs for node in self.nodes))
        source, output, _ = _resolved(self.index, texts)
        return Edges.among(len(self.nodes), source, output, counts)

    @cached_property
    def data_edges(self) -> Edges:
        """`edges` without control inputs."""
        return self.edges.data()

    @cached_property
    def data_sources(self) -> Sequence[tuple[Source, ...]]:
        """`sources` without control inputs."""
        return data_only(self.sources, self.edges)

    @cached_property
    def order(self) -> Sequence[int]:
        """Node indices so that each comes after the data it reads, but for the edges that close loops."""
        return ordered(self.ops, self.data_sources, self.data_edges)

    @cached_property
    def consumers(self) -> Readers:
        """Per node who reads it, as (consumer's node index, output index read; -1 for control)."""
        return Readers(self.edges)

    def dangling(self) -> Iterator[tuple[str, str]]:
        """(node, input) for every input that names no node of the graph."""
        for node in self.nodes:
            for text in node.inputs:
                if text not in self.index and split_input(text)[0] not in self.index:
                    yield node.name, text

    def ancestors(self, roots: Iterable[int], *, stop: Iterable[int] = (), control: bool = True) -> set[int]:
        """Indices of the nodes that ``roots`` need, themselves included.

        Nodes in ``stop`` are included, what they need is not.
        """
        fence = set(stop)
        seen: set[int] = set()
        todo = list(roots)
        sources = self.sources
        while todo:
            i = todo.pop()
            if i in seen:
                continue
            seen.add(i)
            if i not in fence:
                todo.extend(s for s, output in sources[i] if (control or output >= 0) and s not in seen)
        return seen

    def op_counts(self, *, functions: bool = True) -> dict[str, int]:
        """How often each op occurs, most frequent first, then by name."""
        counts = Counter({op: len(found) for op, found in self.by_op.items()})
        if functions:
            for function in self.functions.values():
                counts.update(node.op for node in function.nodes)
        return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def _forget() -> None:
    """Let attributes go when there are many, before those of the next graph come."""
    if len(_ENTRIES) > _MANY:
        _ENTRIES.clear()


def _about(proto: Any) -> dict[str, Any]:
    """What a GraphDef message says beside its nodes, as `Graph` takes it."""
    library = None
    if proto.library.function:
        # A copy: a part of a message keeps the whole of it in memory.
        library = protos.FunctionDefLibrary()
        library.CopyFrom(proto.library)
    return {
        "functions": [Function(item.signature.name, item) for item in library.function] if library else (),
        "producer": proto.versions.producer,
        "min_consumer": proto.versions.min_consumer,
        "library": library,
    }


@dataclass(frozen=True, kw_only=True)
class TensorRef:
    """One tensor of a signature: a dense tensor name, or the parts of a sparse or composite one."""

    name: str
    """``scope/node:0``; empty for sparse and composite tensors."""
    dtype: str
    shape: Shape
    parts: tuple[str, ...] = ()
    """Sparse: values, indices, dense_shape; composite (ragged): its components."""
    encoding: str = "dense"


@dataclass(frozen=True, kw_only=True)
class Signature:
    """A SignatureDef: named inputs and outputs of a MetaGraph."""

    key: str
    inputs: tuple[tuple[str, TensorRef], ...]
    outputs: tuple[tuple[str, TensorRef], ...]
    method: str = ""
    origin: str = "signature_def"
    """``signature_def``; ``serving_signatures`` for the collection of TensorFlow before 1.0; ``function``."""


@dataclass(frozen=True, kw_only=True)
class Saver:
    """The SaverDef: which nodes of the graph save and restore."""

    filename_tensor: str
    save_tensor: str
    restore_op: str
    sharded: bool = False


class Results:
    """What was made of a graph."""

    def __init__(self) -> None:
        self.of: dict[str, tuple[object, Any, int]] = {}
        """By kind: what else it was made from, what was made, and how many bytes both have."""
        self.size = 0
        """Bytes of all of them."""

    def put(self, kind: str, source: object, made: object, size: int) -> None:
        """Take what was made, in place of what is there of that kind."""
        self.of[kind] = source, made, size
        self.size = sum(size for _, _, size in list(self.of.values()))


@dataclass(frozen=True, kw_only=True)
class MetaGraph:
    """A graph with what a MetaGraphDef says about it; a bare GraphDef has only ``graph``."""

    graph: Graph
    tags: tuple[str, ...] = ()
    tensorflow_version: str = ""
    signatures: tuple[Signature, ...] = ()
    saver: Saver | None = None
    collections: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Node-list collections, and the ``variable_name`` of VariableDef collections."""
    trainable: frozenset[str] = frozenset()
    """Variable node names (no ``:0``) that the file says are trainable."""
    partitions: dict[str, tuple[str, tuple[int, ...], tuple[int, ...], tuple[int, ...]]] = field(
        default_factory=dict
    )
    """Variable name → (full name, full shape, offset, shape) for partitioned variables."""
    assets: dict[str, str] = field(default_factory=dict)
    """Asset file name → the tensor that is fed with its path."""
    object_graph: Any = None
    """SavedObjectGraph message, or None."""
    choice: str | None = None
    """Which graph of a SavedModel it is, in a sentence; None where there is no other."""
    added: bytes = b""
    """Nodes of ``graph`` that are not in the file, as a GraphDef: see `zoo.readers.functions`."""
    results: Results | None = field(default=None, compare=False, repr=False)
    """What was made of it and from what else, where it is kept for other rows: see `zoo.repeats`."""
