"""Reads a V1 checkpoint: tables of SavedTensorSlices, one file or several shards.

The entry of the empty key lists all tensors (name, shape, dtype, slices); every other entry is one
slice with its content as a TensorProto.  Floats lie there as plain bytes, so they are given as
places in the file; integers are varints and are decoded here.  Source:
tensorflow/core/util/{saved_tensor_slice.proto,tensor_slice_writer.cc,tensor_slice_reader.cc}.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from zoo import protos
from zoo.errors import ReadError
from zoo.protos import DTYPE_SIZES
from zoo.readers.bundle import text
from zoo.readers.content import Part, PartsSource, chunks, elements_of, order, size_of
from zoo.readers.crc import combine, crc32c
from zoo.readers.table import Table, block_entries, varint
from zoo.weights import Span, StoredTensor, Weights, numpy_dtype

MAX_META = 1 << 28
MAX_DECODED = 1 << 28
"""Bytes of varints that are decoded in memory for one slice: 256 MiB."""

# tensor.proto: the field that holds the values, and whether its packed bytes are the content.
_FIELDS: dict[str, tuple[int, bool]] = {
    "float32": (5, True), "float64": (6, True), "complex64": (9, True), "complex128": (12, True),
    "int32": (7, False), "int16": (7, False), "int8": (7, False), "uint8": (7, False),
    "uint16": (7, False), "qint8": (7, False), "quint8": (7, False), "qint32": (7, False),
    "qint16": (7, False), "quint16": (7, False), "int64": (10, False), "bool": (11, False),
    "float16": (13, False), "bfloat16": (13, False), "uint32": (16, False), "uint64": (17, False),
}  # fmt: skip
_CONTENT = 4
_STRINGS = 8


@dataclass(frozen=True, kw_only=True)
class V1:
    """The tensors of a V1 checkpoint, and what is missing of it."""

    weights: Weights
    missing: tuple[str, ...] = ()


@dataclass
class _Declared:
    """A tensor as the meta entries describe it, with the slices found so far."""

    dtype: str
    shape: tuple[int, ...]
    parts: list[Part] = field(default_factory=list)
    strings: list[bytes] = field(default_factory=list)
    slices: int = 0


def read_v1(paths: Sequence[Path]) -> V1:
    """The checkpoint that ``paths`` (all shards that are there) make up together.

    Every block's checksum is checked, once, here: the format keeps none per tensor.

    Raises:
        ReadError: a shard is damaged.
    """
    declared: dict[str, _Declared] = {}
    for path in paths:
        try:
            with path.open("rb", buffering=0) as stream:
                _read_shard(Table(path, stream), declared)
        except OSError as error:
            raise ReadError(f"{path.name}: cannot be read: {error.strerror}") from error
    tensors = {}
    parts = {}
    strings = {}
    for key, item in sorted(declared.items()):
        tensors[key], parts[key] = _tensor(key, item)
        strings[key] = item.strings
    lacking = sum(tensor.missing is not None for tensor in tensors.values())
    missing = (f"{lacking} of {len(tensors)} tensors have no values: a shard is missing",) if lacking else ()
    return V1(weights=Weights(tensors=tensors, source=V1Source(parts, strings)), missing=missing)


@dataclass(frozen=True)
class V1Source(PartsSource):
    """Content of a V1 checkpoint's tensors."""

    values: dict[str, list[bytes]]

    def strings(self, tensor: StoredTensor) -> list[bytes]:
        """See `zoo.weights.Source.strings`."""
        values = self.values[tensor.key]
        if tensor.dtype != "string" or len(values) != tensor.elements:
            raise ReadError(f"{tensor.key!r}: expected {tensor.elements:,} strings, found {len(values):,}")
        return values


def _read_shard(table: Table, declared: dict[str, _Declared]) -> None:
    seen: set[tuple[str, tuple[int, ...]]] = set()
    for block in table.blocks:
        if block.compressed:
            content = table.content(block)
            entries: Iterator[tuple[bytes, _Bytes]] = _in_memory(table, content)
        else:
            table.check(block)
            entries = ((key, _Bytes(table, offset, length)) for key, offset, length in table.places(block))
        for key, value in entries:
            if key:
                _add_slice(value, declared, seen)
            else:
                _add_meta(value, declared)


def _in_memory(table: Table, content: bytes) -> Iterator[tuple[bytes, _Bytes]]:
    for key, start, length in block_entries(content, table.path.name):
        yield key, _Bytes(table, start, length, content)


@dataclass(frozen=True, slots=True)
class _Bytes:
    """A run of bytes of a shard, in the file or in a decompressed block."""

    table: Table
    offset: int
    length: int
    memory: bytes | None = None

    def read(self, at: int, length: int) -> bytes:
        length = max(0, min(length, self.length - at))
        if self.memory is not None:
            return self.memory[self.offset + at : self.offset + at + length]
        return self.table.pread(self.offset + at, length)

    def part(self, at: int, length: int) -> _Bytes:
        return _Bytes(self.table, self.offset + at, length, self.memory)

    def fields(self) -> Iterator[tuple[int, int, int, _Bytes]]:
        """(number, wire type, value of a varint, bytes of a length-delimited field) per field."""
        at = 0
        while at < self.length:
            head = self.read(at, 20)
            tag, here = varint(head, 0)
            number, wire = tag >> 3, tag & 7
            value = 0
            if wire == 0:
                value, here = varint(head, here)
                length = 0
            elif wire == 1:
                length = 8
            elif wire == 5:
                length = 4
            elif wire == 2:
                length, here = varint(head, here)
            else:
                raise ReadError(f"{self.table.path.name}: a slice at byte {self.offset:,} is damaged")
            if at + here + length > self.length:
                raise ReadError(f"{self.table.path.name}: a slice at byte {self.offset:,} is cut short")
            yield number, wire, value, self.part(at + here, length)
            at += here + length


def _add_meta(value: _Bytes, declared: dict[str, _Declared]) -> None:
    name = value.table.path.name
    if value.length > MAX_META:
        raise ReadError(f"{name}: a list of tensors of {value.length:,} bytes, expected at most {MAX_META:,}")
    try:
        meta = protos.SavedTensorSlices.FromString(value.read(0, value.length)).meta
    except protos.DecodeError as error:
        raise ReadError(f"{name}: its list of tensors is damaged") from error
    for item in meta.tensor:
        shape = protos.shape_of(item.shape)
        if shape is None or None in shape or elements_of([size or 0 for size in shape]) is None:
            raise ReadError(f"{name}: {item.name!r}: impossible shape {shape}")
        plain = tuple(size or 0 for size in shape)
        entry = declared.setdefault(item.name, _Declared(protos.dtype_name(item.type), plain))
        if (entry.dtype, entry.shape) != (protos.dtype_name(item.type), plain):
            raise ReadError(f"{name}: {item.name!r}: shards disagree on its dtype or shape")
        entry.slices += len(item.slice)


def _add_slice(value: _Bytes, declared: dict[str, _Declared], seen: set[tuple[str, tuple[int, ...]]]) -> None:
    name = value.table.path.name
    data = _only(value, 2)
    if data is None:
        return
    key = ""
    extents: Any = None
    proto: _Bytes | None = None
    for number, wire, _, content in data.fields():
        if wire != 2:
            continue
        if number == 1:
            key = text(content.read(0, 1 << 20))
        elif number == 2:
            try:
                extents = protos.TensorSliceProto.FromString(content.read(0, 1 << 16))
            except protos.DecodeError as error:
                raise ReadError(f"{name}: {key!r}: its slice is damaged") from error
        elif number == 3:
            proto = content
    entry = declared.get(key)
    if entry is None:
        raise ReadError(f"{name}: a slice of {key!r}, which the list of tensors does not name")
    if proto is None:
        return
    items = [] if extents is None else list(extents.extent)
    if len(items) != len(entry.shape):
        raise ReadError(f"{name}: {key!r}: a slice with {len(items)} axes of {len(entry.shape)}")
    start = tuple(item.start for item in items)
    shape = tuple(
        item.length if item.WhichOneof("kind") else whole
        for item, whole in zip(items, entry.shape, strict=True)
    )
    if (key, start) in seen:
        raise ReadError(f"{name}: {key!r}: two slices at {list(start)}")
    seen.add((key, start))
    count = elements_of(shape)
    if count is None:
        raise ReadError(f"{name}: {key!r}: impossible slice {list(shape)}")
    if entry.dtype == "string":
        entry.strings += [
            content.read(0, content.length) for number, _, _, content in proto.fields() if number == _STRINGS
        ]
        entry.parts.append(Part(start, shape, (), None))
        return
    entry.parts.append(_numeric(key, entry.dtype, count, start, shape, proto))


def _only(value: _Bytes, wanted: int) -> _Bytes | None:
    found = None
    for number, wire, _, content in value.fields():
        if number == wanted and wire == 2:
            found = content
    return found


def _numeric(
    key: str, dtype: str, count: int, start: tuple[int, ...], shape: tuple[int, ...], proto: _Bytes
) -> Part:
    name = proto.table.path.name
    if dtype not in _FIELDS:
        return Part(start, shape, (), None, missing=f"of dtype {dtype}")
    wanted, plain = _FIELDS[dtype]
    size = count * DTYPE_SIZES[dtype]
    runs: list[tuple[int, int, int, _Bytes]] = []
    for number, wire, value, content in proto.fields():
        if number in (wanted, _CONTENT):
            runs.append((number, wire, value, content))
            if len(runs) > count + 1:
                raise ReadError(f"{name}: {key!r}: more values than its {count:,} elements")
    if not runs:
        if count:
            raise ReadError(f"{name}: {key!r}: expected {count:,} {dtype} values, found none")
        return Part(start, shape, (), None)
    number, wire, _, content = runs[0]
    if len(runs) == 1 and wire == 2 and content.length == size and (plain or number == _CONTENT):
        return _plain(key, content, start, shape)
    inline = _decode(key, dtype, count, wanted, plain, runs)
    return Part(start, shape, (), crc32c(inline), inline=inline)


def _plain(key: str, content: _Bytes, start: tuple[int, ...], shape: tuple[int, ...]) -> Part:
    if content.memory is not None:
        inline = content.read(0, content.length)
        return Part(start, shape, (), crc32c(inline), inline=inline)
    if not content.length:
        return Part(start, shape, (), None)
    span = Span(path=content.table.path, offset=content.offset, length=content.length)
    # The block's checksum was found right; this one ties what is written later to what was read.
    crc = 0
    for chunk in chunks((span,), size=1 << 20, key=key, crcs=(None,)):
        crc = crc32c(np.frombuffer(chunk, np.uint8), crc)
    return Part(start, shape, (span,), crc)


def _decode(
    key: str, dtype: str, count: int, wanted: int, plain: bool, runs: Sequence[tuple[int, int, int, _Bytes]]
) -> bytes:
    """The content from values that are spread over fields, or packed as varints."""
    name = runs[0][3].table.path.name
    total = sum(content.length for *_, content in runs)
    if total > MAX_DECODED:
        raise ReadError(
            f"{name}: {key!r}: {total:,} bytes of encoded values, expected at most {MAX_DECODED:,}"
        )
    target = numpy_dtype(dtype)
    if plain:
        data = b"".join(content.read(0, content.length) for *_, content in runs)
        if len(data) == count * DTYPE_SIZES[dtype]:
            return data
        raise ReadError(f"{name}: {key!r}: expected {count:,} {dtype} values, found {len(data):,} bytes")
    arrays = [
        varints(content.read(0, content.length), name) if wire == 2 else np.array([value], np.uint64)
        for number, wire, value, content in runs
        if number == wanted
    ]
    values: npt.NDArray[np.uint64] = np.concatenate(arrays) if arrays else np.empty(0, np.uint64)
    if len(values) != count:
        raise ReadError(f"{name}: {key!r}: expected {count:,} {dtype} values, found {len(values):,}")
    if dtype in ("float16", "bfloat16"):
        return values.astype("<u2").tobytes()
    if dtype == "bool":
        return bytes((values != 0).tobytes())
    plain_dtype = np.dtype(f"<{target.kind}{target.itemsize}")
    return bytes(values.astype(plain_dtype).tobytes())


def varints(data: bytes, name: str) -> npt.NDArray[np.uint64]:
    """All varints in ``data``.

    Raises:
        ReadError: the last one is cut short, or one has more than ten bytes.
    """
    raw = np.frombuffer(data, np.uint8)
    if not len(raw):
        return np.empty(0, np.uint64)
    ends = np.flatnonzero(raw < 0x80)
    if not len(ends) or ends[-1] != len(raw) - 1:
        raise ReadError(f"{name}: packed values end within a number")
    starts = np.concatenate(([0], ends[:-1] + 1))
    widths = ends - starts + 1
    if int(widths.max()) > 10:
        raise ReadError(f"{name}: a packed value has {int(widths.max())} bytes, expected at most 10")
    values = np.zeros(len(ends), np.uint64)
    for i in range(int(widths.max())):
        mask = widths > i
        values[mask] |= (raw[starts[mask] + i] & 0x7F).astype(np.uint64) << np.uint64(7 * i)
    return values


def _tensor(key: str, item: _Declared) -> tuple[StoredTensor, tuple[Part, ...]]:
    fixed = item.dtype in DTYPE_SIZES
    size = size_of(item.dtype, item.shape)
    missing = next((part.missing for part in item.parts if part.missing is not None), None)
    if not item.parts or (len(item.parts) < item.slices):
        missing = "another shard"
    if not fixed or missing is not None:
        stored = sum(map(len, item.strings)) if not fixed else size or 0
        tensor = StoredTensor(key=key, dtype=item.dtype, shape=item.shape, bytes=stored, missing=missing)
        return tensor, tuple(item.parts)
    parts, stacked = order(item.parts, item.shape, key)
    plain = stacked and all(part.inline is None for part in parts)
    spans = tuple(span for part in parts for span in part.spans) if plain else ()
    crc: int | None = None
    if stacked:
        crc = 0
        for part in parts:
            length = len(part.inline) if part.inline is not None else sum(span.length for span in part.spans)
            crc = combine(crc, part.crc or 0, length)
    tensor = StoredTensor(
        key=key,
        dtype=item.dtype,
        shape=item.shape,
        bytes=size or 0,
        spans=spans,
        crc32c=crc if size else None,
    )
    return tensor, tuple(parts)
