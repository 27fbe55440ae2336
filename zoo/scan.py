"""The nodes of a serialized GraphDef without a message for each.

What every writer of protobufs writes is read here, many nodes at a time: fields in the order of their
numbers, a name, an op, inputs, then the rest.  Whatever is not exactly that, damage included, is for
the protobuf parser, which knows all that the format allows and says what is wrong with it.

Wire format: protobuf.dev/programming-guides/encoding.  Field numbers:
tensorflow/core/framework/{graph,node_def}.proto, tensorflow/core/protobuf/meta_graph.proto.
"""

from __future__ import annotations

from dataclasses import dataclass
from sys import intern

import numpy as np
import numpy.typing as npt

_NODE, _LIBRARY, _VERSIONS = 0x0A, 0x12, 0x22
"""Tags of a GraphDef."""
_NAME, _OP, _INPUT, _DEVICE, _ATTR = 0x0A, 0x12, 0x1A, 0x22, 0x2A
_UNREAD = (0x32, 0x3A)  # experimental_debug_info, experimental_type
"""Tags of a NodeDef."""
PLACE = "_class"
"""The attribute that says next to which other nodes one stands: of no use but on several devices."""
_PLACE_KEY = bytes([0x0A, len(PLACE)]) + PLACE.encode()
_VALUE = 0x12
"""An entry of the map of attributes: how it begins for `PLACE`, and the tag of any value."""
_GRAPH_DEF = 0x12
"""Tag in a MetaGraphDef."""
_CARET = ord("^")
_FEW = 32
"""So few nodes are looked at faster one by one."""
_EARLY = 4
"""Attributes among which `PLACE` is looked for: writers sort them, or have few."""
_SHORT = 512
"""Bytes of attributes that are likely to be met again."""

Numbers = npt.NDArray[np.int64]
Spans = tuple[Numbers, Numbers]
"""Where each of many pieces begins and ends."""


class OddError(Exception):
    """The bytes are not in the one form that is read here; the protobuf parser may know better."""


@dataclass(frozen=True, slots=True)
class Scan:
    """The nodes of a GraphDef in the order of the file."""

    names: list[str]
    ops: list[str]
    """All ops that there are, in the order in which they first appear."""
    op_numbers: npt.NDArray[np.int32]
    """Which of them each node is."""
    inputs: list[str]
    """Of all nodes, one after the other, control inputs without their caret."""
    waits: npt.NDArray[np.bool_]
    """Which inputs are control inputs."""
    counts: Numbers
    """How many inputs each node has."""
    kinds: Numbers
    """Per node the number of its attributes: nodes that have all of them alike have the same."""
    entries: list[bytes]
    """Serialized attributes of the kinds, one after the other."""
    entry_counts: Numbers
    """How many attributes each kind has."""
    rest: bytes
    """The GraphDef without its nodes."""


def without_graph(data: bytes) -> tuple[bytes, int, int]:
    """A serialized MetaGraphDef without its graph, and where in ``data`` the graph begins and ends.

    Raises:
        OddError: there is no graph, or it comes in several pieces.
    """
    at, found = 0, []
    rest = []
    while at < len(data):
        tag, before = data[at], at
        if tag & 0x87 != 0x02:
            raise OddError
        begin, at = _delimited(data, at + 1, len(data))
        if tag == _GRAPH_DEF:
            found.append((begin, at))
        else:
            rest.append(data[before:at])
    if len(found) != 1:
        raise OddError
    return b"".join(rest), *found[0]


def scan(data: bytes, start: int, end: int) -> Scan:
    """The nodes of the serialized GraphDef that lies in ``data``.

    Raises:
        OddError: at least one node is not in the form that is read here, or there is none.
        UnicodeDecodeError: a name is no UTF-8.
    """
    starts, ends, rest = _frames(data, start, end)
    if not starts:
        raise OddError
    pieces = _Pieces(data, np.array(ends, np.int64))
    named = pieces.field(np.array(starts, np.int64), _NAME)
    made = pieces.field(named[1], _OP)
    inputs, counts, at = pieces.repeated(made[1], _INPUT)
    waits = _Pieces(data, inputs[1]).begin_with(inputs[0], _CARET)
    if _Pieces(data, named[1]).begin_with(named[0], _CARET).any():
        raise OddError  # is an input that is spelled like such a name a control input?
    at = _after_device(pieces, at)
    kinds, firsts = _alike(pieces, at, _places(pieces, at))
    entries, entry_counts = _entries(pieces.of(firsts), at[firsts])
    ops = _Numbered()
    numbers = np.array(pieces.numbers(ops, *made), np.int32)
    return Scan(
        names=pieces.texts(*named),
        ops=[intern(raw.decode()) for raw in ops],
        op_numbers=numbers,
        inputs=pieces.texts(inputs[0] + waits, inputs[1]),
        waits=waits,
        counts=counts,
        kinds=kinds,
        entries=entries,
        entry_counts=entry_counts,
        rest=rest,
    )


def _alike(pieces: _Pieces, at: Numbers, places: Spans) -> tuple[Numbers, Numbers]:
    """A number for what each node has from ``at`` on but for its place, and one node for each number."""
    known = _Numbered()
    kinds = np.full(len(at), -1)
    short = pieces.ends - at <= _SHORT
    placed = places[0] < places[1]
    plain, cut = np.flatnonzero(short & ~placed), np.flatnonzero(short & placed)
    kinds[plain] = pieces.numbers(known, at[plain], pieces.ends[plain])
    # Where the place comes first nothing is to be joined.
    first = places[0][cut] == at[cut]
    ahead, cut = cut[first], cut[~first]
    kinds[ahead] = pieces.numbers(known, places[1][ahead], pieces.ends[ahead])
    spans = zip(
        at[cut].tolist(), places[0][cut].tolist(), places[1][cut].tolist(), pieces.ends[cut].tolist(),
        strict=True,
    )  # fmt: skip
    data = pieces.data
    kinds[cut] = [known[data[start:place] + data[after:end]] for start, place, after, end in spans]
    long = np.flatnonzero(kinds < 0)
    kinds[long] = np.arange(len(known), len(known) + len(long))
    firsts = np.empty(len(known) + len(long), np.int64)
    firsts[kinds] = np.arange(len(at))
    return kinds, firsts


class _Numbered(dict[bytes, int]):
    """Numbers in the order of the first question."""

    def __missing__(self, raw: bytes) -> int:
        number = self[raw] = len(self)
        return number


def _after_device(pieces: _Pieces, at: Numbers) -> Numbers:
    """Where the devices end that begin at ``at``, where there are any."""
    placed = np.flatnonzero(pieces.begin_with(at, _DEVICE))
    if not len(placed):
        return at
    some = pieces.of(placed)
    begin, end = some.field(at[placed], _DEVICE)
    for device in set(some.cut(begin, end)):
        device.decode()
    after = at.copy()
    after[placed] = end
    return after


def _places(pieces: _Pieces, at: Numbers) -> Spans:
    """Where the attribute `PLACE` begins and ends in nodes where it is one of the first; the end elsewhere.

    It tells nearly all nodes apart, which have else a few hundred kinds of attributes.
    """
    begins, ends, at = pieces.ends.copy(), pieces.ends.copy(), at.copy()
    here = np.flatnonzero(pieces.begin_with(at, _ATTR))
    for _ in range(_EARLY):
        some = pieces.of(here)
        begin, end = some.field(at[here], _ATTR)
        found = _is_place(pieces.data, begin, end)
        begins[here[found]], ends[here[found]] = at[here[found]], end[found]
        at[here] = end
        here = here[~found & some.begin_with(end, _ATTR)]
    return begins, ends


def _is_place(data: bytes, begin: Numbers, end: Numbers) -> npt.NDArray[np.bool_]:
    """Which entries of a map have the key `PLACE`.

    Raises:
        OddError: such an entry is more than that and a value.
    """
    some = np.arange(len(begin))
    # From the end of the key on: the beginning many have in common.
    for k in range(len(_PLACE_KEY) - 1, -1, -1):
        some = some[_Pieces(data, end[some]).begin_with(begin[some] + k, _PLACE_KEY[k])]
    _, stop = _Pieces(data, end[some]).field(begin[some] + len(_PLACE_KEY), _VALUE)
    if (stop != end[some]).any():
        raise OddError
    found = np.zeros(len(begin), np.bool_)
    found[some] = True
    return found


def _entries(pieces: _Pieces, at: Numbers) -> tuple[list[bytes], Numbers]:
    """The attributes of nodes from ``at`` on, and how many each has."""
    (begin, end), counts, at = pieces.repeated(at, _ATTR)
    for i in np.flatnonzero(at < pieces.ends).tolist():
        # What TensorFlow notes about the node's origin and type is not kept.
        where, stop = int(at[i]), int(pieces.ends[i])
        while where < stop:
            if pieces.data[where] not in _UNREAD:
                raise OddError
            _, where = _delimited(pieces.data, where + 1, stop)
    others = ~_is_place(pieces.data, begin, end)
    node = np.repeat(np.arange(len(at)), counts)
    kept = pieces.cut(begin[others], end[others])
    return kept, np.bincount(node[others], minlength=len(at))


def _frames(data: bytes, at: int, end: int) -> tuple[list[int], list[int], bytes]:
    """Where each node of a GraphDef begins and ends, and all other fields."""
    starts: list[int] = []
    ends: list[int] = []
    rest = []
    start, stop = starts.append, ends.append
    # Two bytes on are still in the data, or it is damaged.
    last = end - 2
    while at < last:
        size, high = data[at + 1], data[at + 2]
        # Nearly all nodes are shorter than 16 KiB.
        if data[at] == _NODE and not high > 0x7F < size:
            if size > 0x7F:
                size += (high << 7) - 0x80
                at += 1
            at += 2
            start(at)
            at += size
            stop(at)
            continue
        tag, before = data[at], at
        begin, at = _delimited(data, at + 1, end)
        if tag == _NODE:
            start(begin)
            stop(at)
        elif tag in (_LIBRARY, _VERSIONS):
            rest.append(data[before:at])
        else:
            raise OddError
    if at != end:
        raise OddError
    return starts, ends, b"".join(rest)


def _delimited(data: bytes, at: int, end: int) -> tuple[int, int]:
    """Where the content begins and ends whose length stands at ``at``."""
    if at < end and data[at] < 0x80 and at + data[at] < end:
        return at + 1, at + 1 + data[at]  # as most are
    size = 0
    for shift in range(0, 35, 7):
        if at >= end:
            break
        byte = data[at]
        at += 1
        size |= (byte & 0x7F) << shift
        if byte < 0x80:
            if at + size > end:
                break
            return at, at + size
    raise OddError


class _Pieces:
    """Many serialized messages, looked at all at once; ``ends`` says where each ends."""

    def __init__(self, data: bytes, ends: Numbers) -> None:
        self.data = data
        self.bytes = np.frombuffer(data, np.uint8)
        self.ends = ends

    def of(self, some: Numbers) -> _Pieces:
        """Some of the messages."""
        return _Pieces(self.data, self.ends[some])

    def field(self, at: Numbers, tag: int) -> Spans:
        """The contents of the fields at ``at``, which must all have that tag."""
        if (self._byte(at) != tag).any():
            raise OddError
        byte = self._byte(at + 1)
        begin = at + 2
        size = (byte & 0x7F).astype(np.int64)
        more = byte > 0x7F
        shift = 0
        while more.any():
            shift += 7
            if shift > 28:
                raise OddError
            byte = self._byte(begin)
            size += np.where(more, (byte & 0x7F).astype(np.int64) << shift, 0)
            begin += more
            more &= byte > 0x7F
        end = begin + size
        if (end > self.ends).any():
            raise OddError
        return begin, end

    def repeated(self, at: Numbers, tag: int) -> tuple[Spans, Numbers, Numbers]:
        """The contents of all fields of that tag from ``at`` on, how many, and where they end."""
        at = at.copy()
        found: list[Numbers] = []  # columns: message, which of its fields, where that begins and ends
        here = np.flatnonzero(self.begin_with(at, tag))
        while len(here) > _FEW:
            pieces = self.of(here)
            begin, end = pieces.field(at[here], tag)
            found.append(np.stack([here, np.full(len(here), len(found)), begin, end]))
            at[here] = end
            here = here[pieces.begin_with(end, tag)]
        # Some node may have thousands, and an attribute may hold all weights.
        last: list[tuple[int, int, int, int]] = []
        for i in here.tolist():
            where, stop, k = int(at[i]), int(self.ends[i]), len(found)
            while where < stop and self.data[where] == tag:
                start, where = _delimited(self.data, where + 1, stop)
                last.append((i, k, start, where))
                k += 1
            at[i] = where
        found.append(np.array(last, np.int64).reshape(-1, 4).T)
        message, nth, begin, end = np.concatenate(found, axis=1)
        counts = np.bincount(message, minlength=len(at))
        place = (np.cumsum(counts) - counts)[message] + nth
        ordered = np.empty((2, len(message)), np.int64)
        ordered[0, place], ordered[1, place] = begin, end
        return (ordered[0], ordered[1]), counts, at

    def begin_with(self, at: Numbers, code: int) -> npt.NDArray[np.bool_]:
        """Which messages have that byte at ``at``."""
        found: npt.NDArray[np.bool_] = (at < self.ends) & (self._byte(at) == code)
        return found

    def cut(self, at: Numbers, end: Numbers) -> list[bytes]:
        """The bytes from ``at`` to ``end`` of each message."""
        data = self.data
        return [data[start:to] for start, to in zip(at.tolist(), end.tolist(), strict=True)]

    # Pieces that are not kept go before the next is cut, which then takes their memory.

    def texts(self, at: Numbers, end: Numbers) -> list[str]:
        """The texts from ``at`` to ``end`` of each message."""
        data = self.data
        return [data[start:to].decode() for start, to in zip(at.tolist(), end.tolist(), strict=True)]

    def numbers(self, known: _Numbered, at: Numbers, end: Numbers) -> list[int]:
        """The numbers of what is from ``at`` to ``end`` of each message."""
        data = self.data
        return [known[data[start:to]] for start, to in zip(at.tolist(), end.tolist(), strict=True)]

    def _byte(self, at: Numbers) -> npt.NDArray[np.uint8]:
        return self.bytes.take(at, mode="clip")
