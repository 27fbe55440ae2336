"""The content of stored tensors: runs of bytes in files, checked on the way.

What the checkpoint readers share; the readers say where the bytes are, this reads them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from math import prod

import numpy as np
import numpy.typing as npt

from zoo.blocks import BlockReader
from zoo.errors import ReadError
from zoo.protos import DTYPE_SIZES
from zoo.readers.crc import crc32c
from zoo.weights import Span, StoredTensor

MAX_ELEMENTS = 1 << 62
"""Shapes beyond this overflow TensorFlow's own int64 element count."""


def elements_of(shape: Sequence[int]) -> int | None:
    """The element count of a shape, None if it is negative somewhere or overflows 62 bits."""
    if min(shape, default=0) < 0:
        return None
    # Each size alone must be sane too: a zero hides any overflow.
    count = prod(shape)
    return count if count < MAX_ELEMENTS and max(shape, default=0) < MAX_ELEMENTS else None


def size_of(dtype: str, shape: Sequence[int]) -> int | None:
    """Bytes of the content, None for dtypes without a fixed size or impossible shapes."""
    count = elements_of(shape)
    width = DTYPE_SIZES.get(dtype)
    return None if count is None or width is None else count * width


def chunks(spans: Sequence[Span], *, size: int, key: str, crcs: Sequence[int | None]) -> Iterator[memoryview]:
    """The bytes of ``spans``, at most ``size`` at a time, through a buffer that is used again.

    What is yielded holds until the next bytes are asked for, or nobody asks any more.

    ``crcs``: the crc32c that each span should have, None where nobody knows.

    Raises:
        ReadError: a file is gone or short, or a checksum differs.
    """
    for span, expected in zip(spans, crcs, strict=True):
        crc = 0
        try:
            file = BlockReader(span.path)
        except OSError as error:
            raise ReadError(f"{span.path.name}: cannot be opened: {error.strerror}") from error
        with closing(file):
            at = span.offset
            end = span.offset + span.length
            while at < end:
                chunk = file.read(at, min(size, end - at))
                if not chunk:
                    raise ReadError(
                        f"{span.path.name}: ends at {at:,}, expected {key!r} to reach to {end:,}",
                        hint="the file is cut short; fetch it again",
                    )
                if expected is not None:
                    crc = crc32c(chunk, crc)
                at += len(chunk)
                yield chunk.toreadonly()
        if expected is not None and crc != expected:
            raise ReadError(
                f"{span.path.name}: {key!r}: expected crc32c {expected:#010x}, found {crc:#010x}",
                hint="the file is damaged; fetch it again",
            )


def read_spans(spans: Sequence[Span], *, key: str, crcs: Sequence[int | None]) -> bytes:
    """All bytes of ``spans`` in one piece; see `chunks`."""
    return b"".join(map(bytes, chunks(spans, size=1 << 20, key=key, crcs=crcs)))


@dataclass(frozen=True, slots=True)
class Part:
    """One slice of a tensor: where it lies in the whole, and its content."""

    start: tuple[int, ...]
    shape: tuple[int, ...]
    spans: tuple[Span, ...]
    crc: int | None
    inline: bytes | None = None
    """Content that had to be decoded."""
    missing: str | None = None


def order(parts: Sequence[Part], shape: tuple[int, ...], key: str) -> tuple[list[Part], bool]:
    """The parts sorted by place, and whether they follow each other in row-major order.

    Raises:
        ReadError: they reach beyond the tensor, overlap, or leave gaps.
    """
    ordered = sorted(parts, key=lambda part: part.start)
    covered = 0
    rows = 0
    stacked = True
    for part in ordered:
        inside = len(part.start) == len(part.shape) == len(shape) and all(
            at >= 0 and size >= 0 and at + size <= whole
            for at, size, whole in zip(part.start, part.shape, shape, strict=True)
        )
        if not inside:
            raise ReadError(
                f"{key!r}: a slice at {list(part.start)} of shape {list(part.shape)} is not in {list(shape)}"
            )
        covered += prod(part.shape)
        if shape:
            stacked = (
                stacked and part.start == (rows, *[0] * (len(shape) - 1)) and part.shape[1:] == shape[1:]
            )
            rows += part.shape[0]
    # The sum of the sizes alone would let two halves that overlap pass for a whole.
    if covered != prod(shape) or (not stacked and _overlap(ordered)):
        raise ReadError(
            f"{key!r}: its {len(parts)} slices hold {covered:,} of {prod(shape):,} elements, or overlap"
        )
    return ordered, stacked or len(ordered) == 1


def _overlap(parts: Sequence[Part]) -> bool:
    if len(parts) > 512:
        # TensorFlow's partitioners make tens of slices; this is compared pair by pair.
        return True
    return any(
        all(
            a < d + e and d < a + b
            for a, b, d, e in zip(one.start, one.shape, two.start, two.shape, strict=True)
        )
        for i, one in enumerate(parts)
        for two in parts[i + 1 :]
        if prod(one.shape) and prod(two.shape)
    )


def content_of(part: Part, key: str) -> bytes:
    """The bytes of one slice.

    Raises:
        ReadError: its file is missing or damaged.
    """
    if part.missing is not None:
        raise ReadError(f"{key!r}: its file {part.missing} is missing")
    if part.inline is not None:
        return part.inline
    return read_spans(part.spans, key=key, crcs=[part.crc] * len(part.spans))


def assemble(tensor: StoredTensor, parts: Sequence[Part]) -> bytes:
    """The content of a tensor from slices that are not simply stacked.

    Raises:
        ReadError: a slice is missing or damaged.
    """
    width = DTYPE_SIZES[tensor.dtype]
    pieces = [(part, content_of(part, tensor.key)) for part in parts]
    # Read first, allocate after: what was read bounds what is allocated.
    if sum(len(content) for _, content in pieces) != tensor.elements * width:
        raise ReadError(f"{tensor.key!r}: its slices do not hold {tensor.elements:,} elements")
    whole: npt.NDArray[np.void] = np.empty(tensor.shape, np.dtype((np.void, width)))
    for part, content in pieces:
        where = tuple(slice(at, at + size) for at, size in zip(part.start, part.shape, strict=True))
        whole[where] = np.frombuffer(content, np.dtype((np.void, width))).reshape(part.shape)
    return whole.tobytes()


def split(content: bytes, size: int) -> Iterator[memoryview]:
    """``content`` in views of at most ``size`` bytes."""
    view = memoryview(content)
    for at in range(0, len(view), size):
        yield view[at : at + size]


@dataclass(frozen=True)
class PartsSource:
    """A `zoo.weights.Source` over slices: what V1 and V2 checkpoints have in common."""

    parts: Mapping[str, Sequence[Part]]
    """Slices by key; a tensor in one piece needs none, its own span and checksum tell all."""

    def chunks(self, tensor: StoredTensor, *, size: int = 1 << 20) -> Iterator[memoryview]:
        """See `zoo.weights.Source.chunks`."""
        if tensor.missing is not None:
            raise ReadError(f"{tensor.key!r}: its file {tensor.missing} is missing")
        parts = self.parts.get(tensor.key, ())
        if tensor.spans:
            crcs = [part.crc for part in parts for _ in part.spans] or [tensor.crc32c]
            yield from chunks(tensor.spans, size=size, key=tensor.key, crcs=crcs)
        elif not parts:
            return
        elif tensor.dtype in DTYPE_SIZES:
            content = content_of(parts[0], tensor.key) if len(parts) == 1 else assemble(tensor, parts)
            yield from split(content, size)
        else:
            raise ReadError(f"{tensor.key!r}: its dtype {tensor.dtype} has no elements of a fixed size")
