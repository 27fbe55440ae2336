"""What the values of a variable look like: range, mean, spread, zeros, NaN, histogram.

All figures are over the finite elements; NaN and infinite ones are counted.  Sums run over blocks of
fixed size in float64, so they do not depend on how the content was cut into chunks.

The histogram has `BINS` equal bins from min to max.  It counts every element of a variable of up to
`SAMPLE` elements, and of a larger one as many, evenly spread over it, so that a large variable costs
little more than reading it; ``counted`` says how many.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import numpy as np
import numpy.typing as npt

from zoo.protos import DTYPE_SIZES
from zoo.weights import StoredTensor, Weights, numpy_dtype

BINS = 32
SAMPLE = 1 << 20
_BLOCK = 1 << 16

Array = npt.NDArray[np.generic]


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
        variance = max(0.0, self._squares / self._finite - mean * mean)
        if self._dtype.kind == "c":
            low = high = None
            histogram, counted = np.zeros(0, np.int64), 0
        else:
            low, high = float(self._min), float(self._max)
            histogram, counted = _histogram(self._sample, low, high)
        return Statistics(
            min=low,
            max=high,
            mean=_plain(mean + shift),
            std=_plain(float(np.sqrt(variance))),
            zeros=self._zeros,
            nan=self._nan,
            inf=self._inf,
            histogram=tuple(int(count) for count in histogram),
            counted=counted,
        )

    def _block(self, block: Array) -> None:
        self._zeros += block.size - int(np.count_nonzero(block))
        if block.dtype.kind == "c":
            block = np.abs(block)
        if block.dtype.kind not in "fiu" or block.dtype.itemsize < 4:
            # Half, bfloat16, bool and the small integers all fit a float32 exactly.
            block = block.astype(np.float32)
        elif block.dtype.kind in "iu":
            block = block.astype(np.float64)
        low, high = block.min(), block.max()
        if not (np.isfinite(low) and np.isfinite(high)):
            finite = np.isfinite(block)
            nan = int(np.isnan(block).sum())
            self._nan += nan
            self._inf += block.size - int(finite.sum()) - nan
            block = block[finite]
            if not block.size:
                return
            low, high = block.min(), block.max()
        self._min, self._max = min(self._min, float(low)), max(self._max, float(high))
        self._finite += block.size
        if self._shift is None:
            # Away from the mean, squares would swallow the spread of values that are far from zero.
            self._shift = float(block.mean(dtype=np.float64))
        centered = block.astype(np.float64) - self._shift
        self._sum += float(centered.sum())
        self._squares += float(np.dot(centered, centered))
        step = max(1, block.size // self._take)
        self._sample.append(block[::step][: self._take].copy())


def _histogram(samples: list[Array], low: float, high: float) -> tuple[npt.NDArray[np.int64], int]:
    counts = np.zeros(BINS, np.int64)
    counted = 0
    width = (high - low) / BINS
    for sample in samples:
        counted += sample.size
        if width > 0 and np.isfinite(width):
            place = ((sample.astype(np.float64) - low) / width).astype(np.int64)
            counts += np.bincount(np.minimum(place, BINS - 1), minlength=BINS)
        else:
            counts[0] += sample.size
    return counts, counted


def _plain(value: float) -> float:
    """Seven digits: more would depend on the processor's order of summation."""
    return float(f"{value:.7g}")


def blocks(array: Array) -> Iterator[memoryview]:
    """The content of an array in chunks, as a source would hand it out."""
    content = memoryview(np.ascontiguousarray(array).tobytes())
    for start in range(0, len(content), 1 << 20):
        yield content[start : start + (1 << 20)]
