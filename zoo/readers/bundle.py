"""Reads a V2 checkpoint, TensorFlow's tensor bundle: ``prefix.index`` and its shards.

The index is a table (`zoo.readers.table`) from key to BundleEntryProto; the tensors lie as plain
bytes in ``prefix.data-00000-of-0000N``, each with a masked crc32c.  Source:
tensorflow/core/util/tensor_bundle/{tensor_bundle,naming}.cc, tensorflow/core/lib/strings/ordered_code.cc.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from zoo import protos
from zoo.errors import ReadError
from zoo.protos import DTYPE_SIZES
from zoo.readers.content import Part, PartsSource, content_of, elements_of, order, size_of
from zoo.readers.crc import combine, crc32c, mask, unmask
from zoo.readers.table import Table, varint
from zoo.weights import Span, StoredTensor, Weights

OBJECT_GRAPH = "_CHECKPOINTABLE_OBJECT_GRAPH"
MAX_SHARDS = 100_000
MAX_ENTRIES = 5_000_000


@dataclass(frozen=True, kw_only=True)
class Bundle:
    """The tensors of a checkpoint, and what is wrong with its shards."""

    weights: Weights
    shards: tuple[str, ...]
    """File names of all shards, present or not."""
    missing: tuple[str, ...] = ()
    """One sentence per shard that is absent or shorter than the index says."""
    warnings: tuple[str, ...] = ()


def shard_name(prefix: str, shard: int, shards: int) -> str:
    """``model.ckpt`` → ``model.ckpt.data-00000-of-00001``."""
    return f"{prefix}.data-{shard:05d}-of-{shards:05d}"


def read_bundle(index: Path, prefix: str, *, absent: Iterable[str] = ()) -> Bundle:
    """The checkpoint whose index is the file ``index``; its shards lie beside and begin with ``prefix``.

    ``absent`` names files that are there in name only (Git LFS pointers).

    Raises:
        ReadError: the index is damaged, or the bundle is big-endian.
    """
    try:
        with index.open("rb", buffering=0) as stream:
            return _read(Table(index, stream), index, prefix, frozenset(absent))
    except OSError as error:
        raise ReadError(f"{index.name}: cannot be read: {error.strerror}") from error


def _read(table: Table, index: Path, prefix: str, absent: frozenset[str]) -> Bundle:
    entries = table.entries()
    header = _header(entries, index.name)
    names = tuple(shard_name(prefix, i, header.num_shards) for i in range(header.num_shards))
    reader = _Reader(index, names, absent)
    for key, value in entries:
        reader.add(key, value)
    tensors = reader.tensors()
    return Bundle(
        weights=Weights(tensors=tensors, source=BundleSource(reader.parts)),
        shards=names,
        missing=tuple(reader.told()),
        warnings=tuple(reader.warnings),
    )


def _header(entries: Iterable[tuple[bytes, bytes]], name: str) -> Any:
    try:
        key, value = next(iter(entries))
        header = protos.BundleHeaderProto.FromString(value)
    except (StopIteration, protos.DecodeError) as error:
        raise ReadError(f"{name}: expected a bundle header, found none") from error
    if key:
        raise ReadError(f"{name}: expected the bundle header first, found the key {key[:40]!r}")
    if not 0 < header.num_shards <= MAX_SHARDS:
        raise ReadError(f"{name}: {header.num_shards} shards, expected 1 to {MAX_SHARDS:,}")
    if header.endianness:
        raise ReadError(
            f"{name}: the tensors are big-endian, expected little-endian",
            hint="save the checkpoint again on a little-endian machine",
        )
    return header


@dataclass
class _Reader:
    """Turns index entries into stored tensors."""

    index: Path
    shards: tuple[str, ...]
    absent: frozenset[str]
    entries: dict[bytes, Any] = field(default_factory=dict)
    parts: dict[str, tuple[Part, ...]] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    sliced: set[bytes] = field(default_factory=set)
    shapes: dict[bytes, tuple[int, ...]] = field(default_factory=dict)
    expected: dict[tuple[str, tuple[int, ...]], int | None] = field(default_factory=dict)
    ends: dict[int, int] = field(default_factory=dict)
    """Shard → where its last tensor ends."""

    def add(self, key: bytes, value: bytes) -> None:
        try:
            entry = protos.BundleEntryProto.FromString(value)
        except protos.DecodeError as error:
            raise ReadError(f"{self.index.name}: the entry of {key[:80]!r} is damaged") from error
        if not 0 <= entry.shard_id < len(self.shards):
            raise ReadError(
                f"{self.index.name}: {key[:80]!r} lies in shard {entry.shard_id} of {len(self.shards)}"
            )
        offset, size = entry.offset, entry.size
        if offset < 0 or size < 0 or offset + size >= 1 << 62:
            raise ReadError(f"{self.index.name}: {key[:80]!r}: impossible place {offset} with {size} bytes")
        if entry.slices:
            self.sliced.add(key)
        elif size and offset + size > self.ends.get(entry.shard_id, 0):
            self.ends[entry.shard_id] = offset + size
        self.entries[key] = entry
        if len(self.entries) > MAX_ENTRIES:
            raise ReadError(f"{self.index.name}: more than {MAX_ENTRIES:,} tensors")

    def tensors(self) -> dict[str, StoredTensor]:
        self.paths = tuple(self.index.parent / name for name in self.shards)
        self.sizes = tuple(self._size(path) for path in self.paths)
        used = set(self.sliced)
        found: dict[str, StoredTensor] = {}
        for raw in sorted(self.sliced):
            found[text(raw)] = self._sliced(raw, text(raw), self.entries[raw], used)
        for raw, entry in self.entries.items():
            if raw not in used:
                key = text(raw)
                found[key] = self._whole(key, entry)
        return dict(sorted(found.items()))

    def told(self) -> Iterable[str]:
        """A sentence for every shard that lacks bytes that the index knows of."""
        for shard, end in sorted(self.ends.items()):
            size, name = self.sizes[shard], self.shards[shard]
            if name in self.absent:
                yield f"{name} is a Git LFS pointer, not the data: fetch the file itself with git lfs pull"
            elif size is None:
                which = "" if len(self.shards) == 1 else f" (one of {len(self.shards)} shards)"
                yield f"{name}{which} is missing: the index tells names and shapes, the values are not there"
            elif size < end:
                yield f"{name} is cut short: it holds {size:,} of {end:,} bytes"

    def _size(self, path: Path) -> int | None:
        if path.name in self.absent:
            return None
        try:
            return path.stat().st_size
        except OSError:
            return None

    def _shape(self, key: str, entry: Any) -> tuple[int, ...]:
        # Models repeat few shapes many times, and taking one apart costs more than looking it up.
        raw = entry.shape.SerializeToString()
        shape = self.shapes.get(raw)
        if shape is None:
            found = protos.shape_of(entry.shape)
            if found is None or None in found or elements_of([size or 0 for size in found]) is None:
                raise ReadError(f"{self.index.name}: {key!r}: impossible shape {found}")
            shape = self.shapes[raw] = tuple(size or 0 for size in found)
        return shape

    def _whole(self, key: str, entry: Any) -> StoredTensor:
        dtype = protos.dtype_name(entry.dtype)
        shape = self._shape(key, entry)
        spans, missing = self._place(key, entry, dtype, shape)
        size = entry.size
        crc = unmask(entry.crc32c) if size else None
        if dtype not in DTYPE_SIZES:
            self.parts[key] = (Part((0,) * len(shape), shape, spans, crc, missing=missing),)
            spans, crc = (), None
        return StoredTensor(
            key=key, dtype=dtype, shape=shape, bytes=size, spans=spans, crc32c=crc, missing=missing
        )

    def _part(self, key: str, entry: Any, dtype: str, start: tuple[int, ...], shape: tuple[int, ...]) -> Part:
        spans, missing = self._place(key, entry, dtype, shape)
        return Part(start, shape, spans, unmask(entry.crc32c) if entry.size else None, missing=missing)

    def _place(
        self, key: str, entry: Any, dtype: str, shape: tuple[int, ...]
    ) -> tuple[tuple[Span, ...], str | None]:
        """(where the content lies, the file that is missing)."""
        length = entry.size
        expected = self.expected.get((dtype, shape), -1)
        if expected == -1:
            expected = self.expected[dtype, shape] = size_of(dtype, shape)
        if expected is not None and expected != length:
            raise ReadError(
                f"{self.index.name}: {key!r}: {dtype} {list(shape)} takes {expected:,} bytes, "
                f"the index says {length:,}"
            )
        if expected is None and (elements_of(shape) or 0) > length:
            # Every string takes a byte at least, so the size bounds what reading them allocates.
            raise ReadError(f"{self.index.name}: {key!r}: {list(shape)} {dtype} elements in {length:,} bytes")
        shard = entry.shard_id
        size = self.sizes[shard]
        missing = None
        spans: tuple[Span, ...] = ()
        if length:
            if size is None or entry.offset + length > size:
                missing = self.shards[shard]
            else:
                spans = (Span(path=self.paths[shard], offset=entry.offset, length=length),)
        return spans, missing

    def _sliced(self, raw: bytes, key: str, entry: Any, used: set[bytes]) -> StoredTensor:
        dtype = protos.dtype_name(entry.dtype)
        shape = self._shape(key, entry)
        parts = []
        for item in entry.slices:
            extents = _extents(item)
            name = slice_key(raw, extents)
            stored = self.entries.get(name)
            if stored is None or name in self.sliced or len(extents) != len(shape):
                raise ReadError(f"{self.index.name}: {key!r}: its slice {extents} is not in the index")
            used.add(name)
            start = tuple(at for at, _ in extents)
            extent_shape = tuple(
                whole if length < 0 else length for (_, length), whole in zip(extents, shape, strict=True)
            )
            if self._shape(key, stored) != extent_shape or stored.dtype != entry.dtype:
                raise ReadError(f"{self.index.name}: {key!r}: its slice {extents} has another shape or dtype")
            parts.append(self._part(key, stored, dtype, start, extent_shape))
        ordered, stacked = order(parts, shape, key)
        self.parts[key] = tuple(ordered)
        missing = next((part.missing for part in ordered if part.missing is not None), None)
        spans = tuple(span for part in ordered for span in part.spans)
        plain = stacked and missing is None and dtype in DTYPE_SIZES
        crc = None
        if plain:
            crc = 0
            for part in ordered:
                if part.crc is not None:
                    crc = combine(crc, part.crc, sum(span.length for span in part.spans))
        return StoredTensor(
            key=key,
            dtype=dtype,
            shape=shape,
            bytes=sum(self.entries[slice_key(raw, _extents(item))].size for item in entry.slices),
            spans=spans if plain else (),
            crc32c=crc if plain and spans else None,
            missing=missing,
        )


def _extents(item: Any) -> list[tuple[int, int]]:
    return [(extent.start, extent.length if extent.WhichOneof("kind") else -1) for extent in item.extent]


def text(key: bytes) -> str:
    """A key as text; bytes that are no UTF-8 are spelled out in hex, so different keys stay different."""
    return key.decode("utf-8", "backslashreplace")


@dataclass(frozen=True)
class BundleSource(PartsSource):
    """Content of a bundle's tensors."""

    def strings(self, tensor: StoredTensor) -> list[bytes]:
        """See `zoo.weights.Source.strings`."""
        if tensor.dtype != "string":
            raise ReadError(f"{tensor.key!r}: expected a string tensor, found {tensor.dtype}")
        parts = self.parts[tensor.key]
        if len(parts) != 1:
            raise ReadError(f"{tensor.key!r}: a string tensor in {len(parts)} slices cannot be read")
        part = parts[0]
        # The checksum of a string tensor runs over decoded lengths, so it is checked apart.
        plain = Part(part.start, part.shape, part.spans, None, missing=part.missing)
        return decode_strings(content_of(plain, tensor.key), tensor.elements, part.crc, tensor.key)


def decode_strings(content: bytes, count: int, crc: int | None, key: str) -> list[bytes]:
    """The elements of a string tensor: lengths as varints, their checksum, then the bytes.

    Raises:
        ReadError: lengths, sizes or a checksum do not agree.
    """
    if not count:
        return []
    lengths = []
    at = 0
    for _ in range(count):
        length, at = varint(content, at)
        lengths.append(length)
    if at + 4 + sum(lengths) != len(content):
        raise ReadError(f"{key!r}: its {count:,} strings do not fill {len(content):,} bytes")
    # tensor_bundle.cc WriteStringTensor: a length counts as 4 bytes where it fits, as 8 elsewhere.
    running = crc32c(
        b"".join(struct.pack("<I" if length <= 0xFFFFFFFF else "<Q", length) for length in lengths)
    )
    stored = content[at : at + 4]
    if int.from_bytes(stored, "little") != mask(running):
        raise ReadError(f"{key!r}: the checksum of its lengths differs", hint="the file is damaged")
    at += 4
    if crc is not None and crc32c(content[at:], crc32c(stored, running)) != crc:
        raise ReadError(f"{key!r}: its checksum differs", hint="the file is damaged; fetch it again")
    values = []
    for length in lengths:
        values.append(content[at : at + length])
        at += length
    return values


def slice_key(name: bytes, extents: Iterable[tuple[int, int]]) -> bytes:
    """The key under which a slice is stored (saved_tensor_slice_util.cc EncodeTensorNameSlice).

    ``extents``: start and length per axis; length -1 stands for the whole axis.
    """
    extents = list(extents)
    escaped = re.sub(rb"[\x00\xff]", lambda found: b"\x00\xff" if found[0] == b"\x00" else b"\xff\x00", name)
    out = [_unsigned(0), escaped, b"\x00\x01", _unsigned(len(extents))]
    for start, length in extents:
        out += [_signed(start), _signed(length)]
    return b"".join(out)


def _unsigned(value: int) -> bytes:
    data = value.to_bytes((value.bit_length() + 7) // 8, "big")
    return bytes([len(data)]) + data


def _signed(value: int) -> bytes:
    magnitude = ~value if value < 0 else value
    length = magnitude.bit_length() // 7 + 1
    data = bytearray(value.to_bytes(length, "big", signed=True))
    # As many leading ones as there are bytes, inverted for negative numbers by the xor.
    header = ((1 << length) - 1) << (16 - length)
    data[0] ^= header >> 8
    if length > 1:
        data[1] ^= header & 0xFF
    return bytes(data)


def object_graph(weights: Weights) -> Any | None:
    """The TrackableObjectGraph of an object checkpoint, None where there is none to be read.

    Raises:
        ReadError: it is damaged.
    """
    tensor = weights.tensors.get(OBJECT_GRAPH)
    if tensor is None or tensor.dtype != "string" or tensor.missing is not None or tensor.shape:
        return None
    [value] = weights.source.strings(tensor)
    try:
        return protos.TrackableObjectGraph.FromString(value)
    except protos.DecodeError as error:
        raise ReadError(f"{OBJECT_GRAPH!r}: expected a TrackableObjectGraph, found other bytes") from error
