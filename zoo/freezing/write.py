"""The frozen GraphDef, frame by frame: memory does not depend on the weights.

A GraphDef is a sequence of length-delimited fields, so each node is a frame of its own, and a
constant's content goes from the checkpoint to the file a chunk at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import prod
from typing import Protocol

import numpy as np

from zoo import protos, repeats
from zoo.errors import FreezeError
from zoo.freezing import wire
from zoo.graph import Graph, MetaGraph
from zoo.proof import string_crc
from zoo.protos import DTYPE_SIZES
from zoo.readers.crc import crc32c
from zoo.weights import StoredTensor, Weights

LIMIT = (1 << 31) - (1 << 20)
"""Largest frozen graph in bytes: protobuf parses no message of 2 GiB, and readers add a little."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Constant:
    """A variable that becomes a constant, or a part of a stored tensor that does."""

    name: str
    tensor: StoredTensor
    shape: tuple[int, ...]
    offset: tuple[int, ...] | None = None
    """Where the part begins in the stored tensor; None for the whole of it."""

    @property
    def length(self) -> int:
        """Bytes of content (fixed-size dtypes)."""
        return prod(self.shape) * DTYPE_SIZES[self.tensor.dtype]


Frame = bytes | Constant


class Output(Protocol):
    """What the frames go to."""

    def write(self, data: bytes | memoryview, /) -> object:
        """Take all of ``data``, which may be overwritten afterwards."""
        ...


class Writer:
    """Writes frames; remembers the checksum that each constant's content should have."""

    def __init__(self, weights: Weights | None, watch: Callable[[Constant, memoryview], None] | None) -> None:
        self.weights = weights
        self.watch = watch
        self.expected: dict[str, int] = {}
        self._strings: dict[str, bytes] = {}
        self._heads: dict[str, bytes] = {}

    def size(self, frames: Iterable[Frame]) -> int:
        """Bytes the file will have.

        Raises:
            FreezeError: more than protobuf can parse.
        """
        total = sum(len(frame) if isinstance(frame, bytes) else self._frame_size(frame) for frame in frames)
        if total > LIMIT:
            raise FreezeError(
                f"the frozen graph would have {total:,} bytes, expected at most {LIMIT:,}: protobuf cannot "
                "parse a GraphDef of 2 GiB",
                hint="serve it from its checkpoint or as a SavedModel, or name outputs that need less of it",
            )
        return total

    def write(self, file: Output, frames: Sequence[Frame], progress: Callable[[int], None]) -> None:
        """Write all frames in order; small ones are gathered.

        Raises:
            ReadError: the checkpoint's content is damaged or missing.
        """
        pending: list[bytes] = []
        size = 0
        for frame in frames:
            if isinstance(frame, bytes):
                pending.append(frame)
                size += len(frame)
                if size < 1 << 18:
                    continue
            file.write(b"".join(pending))
            progress(size)
            pending, size = [], 0
            if isinstance(frame, Constant):
                self._constant(file, frame, progress)
        file.write(b"".join(pending))
        progress(size)

    def _frame_size(self, constant: Constant) -> int:
        if constant.tensor.dtype == "string":
            return len(self._string_frame(constant))
        return len(self._head(constant)) + constant.length

    def _head(self, constant: Constant) -> bytes:
        """What comes before the content; needed for the size of the file, and for the file."""
        head = self._heads.get(constant.name)
        if head is None:
            head = wire.streamed_constant(
                constant.name, constant.tensor.dtype, constant.shape, constant.length
            )
            self._heads[constant.name] = head
        return head

    def _string_frame(self, constant: Constant) -> bytes:
        frame = self._strings.get(constant.name)
        if frame is None:
            assert self.weights is not None  # noqa: S101 - constants come from weights
            values: Iterable[bytes] = self.weights.source.strings(constant.tensor)
            if constant.offset is not None:
                array = np.empty(constant.tensor.elements, dtype=object)
                array[:] = list(values)
                values = array.reshape(constant.tensor.shape)[_window(constant)].ravel().tolist()
            values = list(values)
            attr = wire.strings_attr(constant.shape, values)
            self.expected[constant.name] = string_crc(values)
            node = wire.node_prefix(constant.name, "Const")
            node += wire.attr_entry("dtype", wire.type_attr("string")) + wire.attr_entry("value", attr)
            frame = wire.field(1, node)
            self._strings[constant.name] = frame
        return frame

    def _constant(self, file: Output, constant: Constant, progress: Callable[[int], None]) -> None:
        if constant.tensor.dtype == "string":
            frame = self._string_frame(constant)
            file.write(frame)
            progress(len(frame))
            return
        head = self._head(constant)
        file.write(head)
        progress(len(head))
        stored = constant.tensor.crc32c if constant.offset is None else None
        crc, count = 0, 0
        for chunk in self._chunks(constant):
            file.write(chunk)
            count += len(chunk)
            if stored is None:
                crc = crc32c(chunk, crc)
            if self.watch is not None:
                self.watch(constant, chunk)
            progress(len(chunk))
        if count != constant.length:
            raise FreezeError(
                f"variable {constant.name!r}: expected {constant.length} bytes for shape "
                f"{list(constant.shape)}, found {count}"
            )
        self.expected[constant.name] = crc if stored is None else stored

    def _chunks(self, constant: Constant) -> Iterator[memoryview]:
        assert self.weights is not None  # noqa: S101 - constants come from weights
        chunks = self.weights.source.chunks(constant.tensor)
        if constant.offset:
            chunks = _cut_out(chunks, constant)
        yield from chunks


def _window(constant: Constant) -> tuple[slice, ...]:
    assert constant.offset is not None  # noqa: S101 - asked for parts only
    return tuple(
        slice(start, start + size) for start, size in zip(constant.offset, constant.shape, strict=True)
    )


def _cut_out(chunks: Iterable[memoryview], constant: Constant) -> Iterator[memoryview]:
    """The bytes of a part out of those of its tensor, some rows at a time."""
    window, rest = _window(constant), constant.tensor.shape[1:]
    width = DTYPE_SIZES[constant.tensor.dtype]
    row = prod(rest) * width
    number, pending = 0, bytearray()
    # To the end even where the part ends before: then the tensor's checksum is checked.
    for chunk in chunks:
        pending += chunk
        count = len(pending) // row
        rows = np.frombuffer(bytes(pending[: count * row]), np.dtype((np.void, width))).reshape(count, *rest)
        first, last = max(0, window[0].start - number), min(count, window[0].stop - number)
        if first < last:
            yield memoryview(rows[(slice(first, last), *window[1:])].tobytes())
        del pending[: count * row]
        number += count


def structure(meta: MetaGraph, frames: Iterable[Frame]) -> Graph:
    """The frozen graph of ``meta`` without the content of its variables: types and shapes are there."""
    parts = []
    for frame in frames:
        if isinstance(frame, Constant):
            dtype = frame.tensor.dtype
            value = wire.field(8, wire.tensor_head(dtype, frame.shape))
            node = wire.node_prefix(frame.name, "Const") + wire.attr_entry("dtype", wire.type_attr(dtype))
            frame = wire.field(1, node + wire.attr_entry("value", value))
        parts.append(frame)
    content = b"".join(parts)

    def read() -> Graph:
        return Graph.from_proto(protos.GraphDef.FromString(content))

    return repeats.kept(meta, "frozen graph", content, read, lambda _: len(content))
