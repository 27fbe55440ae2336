"""What the values of a variable look like: range, mean, spread, zeros, NaN, histogram.

All figures are over the finite elements; NaN and infinite ones are counted.  Sums run over blocks of
fixed size, so they do not depend on how the content was cut into chunks: in a block over rows of
`_ROW` elements in their own precision, over rows and blocks in float64.

The histogram has `BINS` equal bins from min to max.  It counts every element of a variable of up to
`SAMPLE` elements, and of a larger one at least half as many, evenly spread over it; ``counted`` says
how many.  So a large variable costs about 1 ns an element, a quarter of a second a gigabyte.
"""

from __future__ import annotations

from math import inf, isfinite, sqrt
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from zoo.protos import DTYPE_SIZES
from zoo.weights import StoredTensor, Weights, numpy_dtype

BINS = 32
SAMPLE = 1 << 16
_BLOCK = 1 << 16
_ROW = 256
_PIECE = 1 << 13
"""Elements that are put into the histogram at a time."""
_SAFE = 1e15
"""Range of values whose squares a float32 can add up over a row."""

Array = npt.NDArray[Any]


class Statistics(msgspec.Struct, frozen=True, kw_only=True):
    """Figures about one variable; None where it has no finite element, or no order (complex)."""

    min: float | None
    max: float | None
    mean: float | None
    std: float | None
    zeros: int
    nan: int
    inf: int
    histogram: tuple[int, ...] = ()
    counted: int = 0
    """How many elements the histogram counts."""


def describe(weights: Weights, tensor: StoredTensor) -> Statistics | None:
    """The figures of a stored tensor; None for strings and other dtypes without numbers.

    Raises:
        ReadError: the content is damaged or its file is missing.
    """
    if tensor.dtype not in DTYPE_SIZES or tensor.missing is not None:
        return None
    accumulator = Accumulator(tensor.dtype, tensor.elements)
    for chunk in weights.source.chunks(tensor):
        accumulator.add(chunk)
    return accumulator.result()


class Describer:
    """Describes tensors one after the other, each in chunks; holds no more than one tensor's sample."""

    def __init__(self) -> None:
        self.found: dict[str, Statistics] = {}
        """By name, of the tensors that have ended."""
        self._name = ""
        self._now: Accumulator | None = None

    def add(self, name: str, dtype: str, elements: int, chunk: memoryview) -> None:
        """Take the next bytes of the tensor ``name``; another name ends the one before."""
        if self._now is None or name != self._name:
            self.end()
            self._name, self._now = name, Accumulator(dtype, elements)
        self._now.add(chunk)

    def end(self) -> None:
        """There are no more bytes of the current tensor."""
        if self._now is not None:
            self.found[self._name] = self._now.result()
            self._now = None


class Accumulator:
    """Takes the content of one tensor in chunks of any size, in order."""

    def __init__(self, dtype: str, elements: int) -> None:
        self._dtype = numpy_dtype(dtype)
        self._bytes = _BLOCK * self._dtype.itemsize
        self._rest = bytearray()
        self._min = np.inf
        self._max = -np.inf
        self._sum = 0.0
        self._squares = 0.0
        self._shift: float | None = None
        self._finite = self._zeros = self._nan = self._inf = 0
        blocks = -(-elements // _BLOCK)
        # Of a large tensor, this many elements of each block go into the histogram.
        self._take = _BLOCK if elements <= SAMPLE else max(1, SAMPLE // blocks)
        self._sample: list[Array] = []
        size = min(elements, _BLOCK)
        self._centered = np.empty(size, np.float32)
        self._zero = np.empty(size, np.bool_)

    def add(self, chunk: memoryview) -> None:
        """Take the next bytes; they may be overwritten afterwards."""
        view = memoryview(chunk).cast("B")
        if self._rest:
            missing = self._bytes - len(self._rest)
            self._rest += view[:missing]
            view = view[missing:]
            if len(self._rest) < self._bytes:
                return
            self._block(np.frombuffer(bytes(self._rest), self._dtype))
            self._rest.clear()
        whole = len(view) - len(view) % self._bytes
        for start in range(0, whole, self._bytes):
            self._block(np.frombuffer(view[start : start + self._bytes], self._dtype))
        self._rest += view[whole:]

    def result(self) -> Statistics:
        """The figures over all that was added."""
        if self._rest:
            self._block(np.frombuffer(bytes(self._rest), self._dtype))
            self._rest.clear()
        if not self._finite:
            return Statistics(
                min=None, max=None, mean=None, std=None, zeros=self._zeros, nan=self._nan, inf=self._inf
            )
        shift = self._shift or 0.0
        mean = self._sum / self._finite
        variance = self._squares / self._finite - mean * mean
        std = sqrt(variance) if 0 < variance < inf else 0.0 if variance <= 0 else None
        if self._dtype.kind == "c":
            low = high = None
            histogram, counted = np.zeros(0, np.int64), 0
        else:
            low, high = float(self._min), float(self._max)
            histogram, counted = _histogram(self._sample, low, high)
        return Statistics(
            min=low,
            max=high,
            mean=_plain(mean + shift) if isfinite(mean + shift) else None,
            std=None if std is None else _plain(std),
            zeros=self._zeros,
            nan=self._nan,
            inf=self._inf,
            histogram=tuple(histogram.tolist()),
            counted=counted,
        )

    def _block(self, block: Array) -> None:
        self._zeros += int(np.count_nonzero(np.equal(block, 0, out=self._zero[: block.size])))
        if block.dtype.kind == "c":
            block = np.abs(block)
        if block.dtype.kind not in "fiu" or block.dtype.itemsize < 4:
            # Half, bfloat16, bool and the small integers all fit a float32 exactly.
            block = block.astype(np.float32)
        elif block.dtype.kind in "iu":
            block = block.astype(np.float64)
        low, high = _range(block)
        if not (isfinite(low) and isfinite(high)):
            finite = np.isfinite(block)
            nan = int(np.isnan(block).sum())
            self._nan += nan
            self._inf += block.size - int(finite.sum()) - nan
            block = block[finite]
            if not block.size:
                return
            low, high = _range(block)
        self._min, self._max = min(self._min, low), max(self._max, high)
        self._finite += block.size
        if self._shift is None:
            # Away from the mean, squares would swallow the spread of values that are far from zero.
            first = block[:_ROW]
            self._shift = float(np.add.reduce(first, dtype=np.float64) / first.size)
        if block.dtype == np.float32 and high - low < _SAFE:
            # Into memory that is used again: a new array each time costs more than the subtraction.
            centered = np.subtract(block, np.float32(self._shift), out=self._centered[: block.size])
        else:
            centered = block.astype(np.float64) - self._shift
        whole = centered.size - centered.size % _ROW
        if whole:
            rows = centered[:whole].reshape(-1, _ROW)
            # Not by BLAS: it would start a thread for each core, and its sums depend on their number.
            self._sum += float(np.einsum("ij->i", rows).sum(dtype=np.float64))
            self._squares += float(np.einsum("ij,ij->i", rows, rows).sum(dtype=np.float64))
        if whole < centered.size:
            rest = centered[whole:].astype(np.float64)
            self._sum += float(np.add.reduce(rest))
            self._squares += float(np.add.reduce(rest * rest))
        self._sample.append(block[:: max(1, block.size // self._take)][: self._take].copy())


def _range(block: Array) -> tuple[float, float]:
    """The smallest and the largest element; not finite where one of them is not."""
    # The functions behind min() and max(), which spend as long on their arguments as on a small block.
    return float(np.minimum.reduce(block)), float(np.maximum.reduce(block))


def _histogram(samples: list[Array], low: float, high: float) -> tuple[npt.NDArray[np.int64], int]:
    counts = np.zeros(BINS + 1, np.int64)
    counted = sum(sample.size for sample in samples)
    scale = BINS / (high - low) if high > low else 0.0
    if not scale or not isfinite(scale):
        counts[0] = counted
        return counts[:BINS], counted
    # In pieces that stay in the cache: new memory for all of them takes longer than to count.
    longest = min(_PIECE, max((sample.size for sample in samples), default=0))
    places, bins = np.empty(longest, np.float64), np.empty(longest, np.uint8)
    for sample in samples:
        for start in range(0, sample.size, _PIECE):
            piece = sample[start : start + _PIECE]
            place, bin_ = places[: piece.size], bins[: piece.size]
            place[:] = piece
            place -= low
            place *= scale
            bin_[:] = place
            counts += np.bincount(bin_, minlength=BINS + 1)
    # No sample is below the smallest element, and the largest one is where the last bin ends.
    counts[BINS - 1] += counts[BINS]
    return counts[:BINS], counted


def _plain(value: float) -> float:
    """Six digits: more would depend on the processor's order of summation."""
    return float(f"{value:.6g}")
