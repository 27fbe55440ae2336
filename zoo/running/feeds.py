"""Made-up inputs for a graph: the same for the same seed, plausible for what consumes them.

A graph says what type a feed has, and seldom what values make sense: an int32 may be a token that
indexes an embedding, a string may have to be a whole PNG file.  So there are several *attempts*,
from the likeliest on, and the first that the graph accepts is the one.
"""

from __future__ import annotations

import hashlib
import math
import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from zoo.protos import Shape
from zoo.weights import numpy_dtype

Array = npt.NDArray[Any]

ATTEMPTS = 12
"""How many ways of making up the inputs there are."""

MAX_ELEMENTS = 1 << 24
"""Elements of one made-up input; a shape with more is not fed."""


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """A feed, and what is known about the values it takes."""

    tensor: str
    dtype: str
    shape: Shape = None
    assumed: Shape = None
    role: str | None = None
    folded: bool | int | float | None = None
    consumers: tuple[str, ...] = ()
    """Ops that read it, nearest first."""


def make_feeds(wanted: Sequence[Wanted], *, seed: int, attempt: int) -> dict[str, Array]:
    """An array for every feed, the same for the same arguments.

    Raises:
        ValueError: a shape has more elements than can be made up, or a dtype holds no plain values.
    """
    return {one.tensor: _make(one, seed=seed, attempt=attempt) for one in wanted}


def _make(one: Wanted, *, seed: int, attempt: int) -> Array:
    shape = _shape(one, attempt)
    if math.prod(shape) > MAX_ELEMENTS:
        raise ValueError(f"{one.tensor}: shape {list(shape)} has more elements than are made up")
    # A generator per tensor: a feed more or less does not change the values of the others.
    digest = hashlib.sha256(f"{seed} {one.tensor}".encode("utf-8", "surrogatepass")).digest()
    random = np.random.Generator(np.random.PCG64(int.from_bytes(digest[:8], "little")))
    if one.dtype == "string":
        values = np.empty(shape, dtype=object)
        values.fill(_string(one.consumers, attempt))
        return values
    try:
        kind = numpy_dtype(one.dtype)
    except KeyError:
        raise ValueError(f"{one.tensor}: no values can be made up for dtype {one.dtype}") from None
    if one.folded is not None:
        return np.full(shape, one.folded, dtype=kind)
    if kind.kind == "b":
        return np.zeros(shape, dtype=kind)
    if kind.kind in "iu":
        return _integers(one, shape, random, attempt).astype(kind)
    if "thresh" in one.tensor.lower():
        # So low that something is found: an empty list of boxes proves little.
        return np.full(shape, (0.5, 0.1, 0.01)[attempt % 3], dtype=kind)
    if not shape:
        return np.asarray(_scalar(one, attempt), dtype=kind)
    if kind.kind == "c":
        return (random.random(shape) + 1j * random.random(shape)).astype(kind)
    # Images are fed as 0 to 1, and by some nets as 0 to 255, which see nothing in the former.
    largest = 255 if attempt % 3 == 1 and len(shape) >= 3 else 1
    return (random.random(shape) * largest).astype(kind)


def _integers(one: Wanted, shape: tuple[int, ...], random: np.random.Generator, attempt: int) -> Array:
    """Pixels for eight bits; else numbers that are valid indices of nearly everything."""
    if one.role == "batch_size":
        return np.full(shape, 1)
    if one.dtype == "uint8" and len(shape) >= 3:
        return random.integers(0, 256, shape)
    if not shape or one.role == "sequence_length":
        return np.full(shape, (1, 2, 0, 4, 16, 32)[attempt % 6])
    return random.integers(0, 2, shape) if attempt % 4 != 3 else np.ones(shape, dtype=np.int64)


def _scalar(one: Wanted, attempt: int) -> float:
    if one.role == "keep_prob":
        return 1.0
    # A side input of a detector is a threshold (0.5 is fine) or a size in pixels (0.5 is not).
    return 20.0 if "size" in one.tensor.rsplit("/", 1)[-1] else (0.5, 1.0, 20.0)[attempt % 3]


_SIZES = ((1, 32), (1, 64), (1, 224), (2, 16), (1, 8), (1, 1), (1, 128), (1, 299), (2, 2), (1, 4))
"""Per attempt: what an open first dimension becomes, and what any other open one becomes."""

_RANK_UNKNOWN: tuple[tuple[int, ...], ...] = (
    (1, 224, 224, 3), (1,), (1, 1), (), (1, 32, 32, 1), (1, 32, 32, 3), (1, 64), (1, 64, 64, 3),
    (64, 64, 3), (1, 16, 16, 16, 1), (1, 28, 28, 1), (1, 16, 16, 16, 3),
)  # fmt: skip
_RANK_UNKNOWN_SMALL: tuple[tuple[int, ...], ...] = ((1,), (), (1, 1), (2,), (1, 16))


def _shape(one: Wanted, attempt: int) -> tuple[int, ...]:
    if one.shape is None and one.assumed is not None and None not in one.assumed and attempt % 2 == 0:
        return tuple(size for size in one.assumed if size is not None)
    if one.shape is None:
        scalar = one.folded is not None or one.role in ("training_flag", "keep_prob", "batch_size")
        if scalar:
            return ()
        choices = _RANK_UNKNOWN if one.dtype.startswith(("float", "uint8")) else _RANK_UNKNOWN_SMALL
        return choices[attempt % len(choices)]
    first, other = _SIZES[attempt % len(_SIZES)]
    assumed = one.assumed if one.assumed is not None and len(one.assumed) == len(one.shape) else None
    single = len(one.shape) == 3 and one.shape[-1] in (1, 3, 4)  # one image, not a batch of them
    sizes = []
    for axis, size in enumerate(one.shape):
        if size is None and assumed is not None and attempt % 3 != 2:
            size = assumed[axis]
        if size is None:
            size = first if axis == 0 and not single else other
        sizes.append(size)
    return tuple(sizes)


def _string(consumers: Sequence[str], attempt: int) -> bytes:
    """What a string feed may hold: a file where an op decodes one, else an Example or a text."""
    ops = set(consumers)
    files: dict[str, bytes] = {
        "DecodeWav": wav(),
        "DecodePng": png(),
        "DecodeImage": png(),
        "DecodeJpeg": png(),  # the kernel takes every kind of image
        "DecodeBmp": bmp(),
        "DecodeAndCropJpeg": b"",
    }
    decoded = [files[op] for op in consumers if op in files]
    parsed = [b""] if ops & {"ParseExample", "ParseExampleV2", "ParseSingleExample"} else []
    number = [b"0"] if "StringToNumber" in ops or "DecodeCSV" in ops else []
    choices = [*decoded, *parsed, *number, b"hello world, this is a text", b"", png(), wav(), b"0", b"{}"]
    return choices[attempt % len(choices)]


def png(width: int = 32, height: int = 32) -> bytes:
    """A small RGB image as a PNG file (https://www.w3.org/TR/png-3/)."""
    rows = b"".join(
        b"\0" + bytes(value for x in range(width) for value in (8 * x % 256, 8 * y % 256, (x * y) % 256))
        for y in range(height)
    )
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", head), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )


def bmp(width: int = 32, height: int = 32) -> bytes:
    """A small RGB image as an uncompressed BMP file."""
    pixels = bytes((x * y) % 256 for y in range(height) for x in range(width * 3))
    head = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 24, 0, len(pixels), 2835, 2835, 0, 0)
    return b"BM" + struct.pack("<IHHI", 54 + len(pixels), 0, 0, 54) + head + pixels


def wav(samples: int = 16_000, rate: int = 16_000) -> bytes:
    """A second of a quiet tone as a WAV file, 16 bit mono."""
    tone = np.sin(np.arange(samples) * (2 * math.pi * 440 / rate)) * 1000
    data: bytes = tone.astype("<i2").tobytes()
    head = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, rate, rate * 2, 2, 16)
    content = b"WAVE" + head + b"data" + struct.pack("<I", len(data)) + data
    return b"RIFF" + struct.pack("<I", len(content)) + content
