"""Figures about variables: against numpy, whatever the chunks and the dtype."""

from __future__ import annotations

import tracemalloc
from typing import Any

import google_crc32c
import ml_dtypes
import numpy as np
import pytest

from zoo.statistics import BINS, SAMPLE, Accumulator, Describer, Statistics, describe
from zoo.weights import StoredTensor, Weights

Array = np.ndarray[Any, Any]


def figures(array: Array, dtype: str, *, chunk: int = 1 << 20) -> Statistics:
    accumulator = Accumulator(dtype, array.size)
    content = memoryview(array.tobytes())
    for start in range(0, len(content), chunk):
        accumulator.add(content[start : start + chunk])
    return accumulator.result()


def normal(count: int) -> Array:
    return np.random.default_rng(0).normal(3.0, 2.0, count).astype(np.float32)


@pytest.mark.parametrize(
    "dtype",
    ["float16", "float32", "float64", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32",
     "uint64", "bfloat16", "float8_e5m2", "float8_e4m3fn", "int4", "uint4"],
)  # fmt: skip
def test_figures_are_those_of_numpy(dtype: str) -> None:
    """Min, max, mean, spread and zeros of every dtype with an order are numpy's in float64."""
    kind = np.dtype(getattr(ml_dtypes, dtype, dtype))
    array = np.abs(normal(5000)).astype(kind)

    found = figures(array, dtype)

    exact = array.astype(np.float64)
    assert (found.min, found.max) == (exact.min(), exact.max())
    assert found.mean == pytest.approx(exact.mean(), rel=1e-5)
    assert found.std == pytest.approx(exact.std(), rel=1e-5)
    assert found.zeros == int((exact == 0).sum())
    assert (found.nan, found.inf) == (0, 0)
    assert sum(found.histogram) == found.counted == array.size


def test_histogram_of_a_small_variable_is_numpys() -> None:
    """All elements of a variable are counted in equal bins from min to max."""
    array = normal(10_000).astype(np.float64)

    found = figures(array, "float64")

    expected, _ = np.histogram(array, BINS, (array.min(), array.max()))
    assert np.abs(np.array(found.histogram) - expected).sum() <= 2  # at the edges of bins


@pytest.mark.parametrize("count", [1, 255, 65_536, 200_001, SAMPLE + 70_001])
def test_figures_do_not_depend_on_the_chunks(count: int) -> None:
    """The same content in chunks of 7 bytes, 1,000 bytes or at once gives the same record."""
    array = normal(count)

    whole = figures(array, "float32", chunk=array.nbytes)

    assert figures(array, "float32", chunk=1000) == whole
    assert figures(array[:2000], "float32", chunk=7) == figures(array[:2000], "float32")


def test_large_variable_is_sampled_evenly_for_its_histogram_only() -> None:
    """Beyond the sample size the histogram counts a part; all else is over all elements."""
    array = np.linspace(0, 1, 3 * SAMPLE, dtype=np.float32)
    array[-1] = 5.0

    found = figures(array, "float32")

    assert found.max == 5.0
    assert SAMPLE // 2 <= found.counted == sum(found.histogram) <= SAMPLE
    assert found.mean == pytest.approx(array.mean(dtype=np.float64), rel=1e-5)
    filled = np.array(found.histogram[: BINS // 5])
    assert filled.max() < 1.02 * filled.min()


def test_nan_and_infinite_elements_are_counted_and_left_out() -> None:
    """NaN and infinities are told; the figures are those of the rest."""
    array = np.array([np.nan, 1.0, np.inf, -np.inf, 3.0, 0.0, -0.0], np.float32)

    found = figures(array, "float32")

    assert (found.nan, found.inf, found.zeros) == (1, 2, 2)
    assert (found.min, found.max, found.mean) == (0.0, 3.0, 1.0)
    assert sum(found.histogram) == 4


def test_nothing_finite_has_no_range() -> None:
    """A variable of NaN alone, and one without elements, have no min, max or mean."""
    nothing = figures(np.full(9, np.nan, np.float32), "float32")
    empty = figures(np.zeros(0, np.float32), "float32")

    assert (nothing.min, nothing.mean, nothing.nan) == (None, None, 9)
    assert (empty.min, empty.std, empty.zeros, empty.histogram) == (None, None, 0, ())


@pytest.mark.parametrize("value", [0.0, 1e-30, 3.0e38, -7.5])
def test_constant_variable_has_no_spread(value: float) -> None:
    """All elements equal: min is max, the spread is 0, and one bin holds all."""
    found = figures(np.full(1000, value, np.float32), "float32")

    assert found.min == found.max == np.float32(value)
    assert found.std == 0.0
    assert found.histogram == (1000, *[0] * (BINS - 1))


def test_values_far_from_zero_keep_their_spread() -> None:
    """A spread of 1 around ten million is not lost to the squares."""
    array = np.random.default_rng(0).normal(1e7, 4.0, 100_000).astype(np.float32)

    assert figures(array, "float32").std == pytest.approx(array.astype(np.float64).std(), rel=1e-3)


def test_huge_range_does_not_overflow() -> None:
    """Values whose squares no float32 holds have a finite spread."""
    array = np.array([3e38, -3e38] * 500, np.float32)

    found = figures(array, "float32")

    assert found.std == pytest.approx(3e38, rel=1e-5)
    assert found.histogram[0] == found.histogram[-1] == 500


def test_bool_and_complex() -> None:
    """Bool counts as 0 and 1; complex gives the mean of magnitudes and no order."""
    truth = figures(np.array([True, False, True, True]), "bool")
    plane = figures(np.array([3 + 4j, 0j], np.complex64), "complex64")

    assert (truth.min, truth.max, truth.mean, truth.zeros) == (0.0, 1.0, 0.75, 1)
    assert (plane.min, plane.max, plane.mean, plane.zeros) == (None, None, 2.5, 1)


class _Stored:
    def __init__(self, content: bytes) -> None:
        self.content = content

    def chunks(self, tensor: StoredTensor, *, size: int = 1 << 20) -> Any:
        yield memoryview(self.content)

    def strings(self, tensor: StoredTensor) -> list[bytes]:
        return [self.content]


def test_describe_reads_a_stored_tensor_and_passes_over_strings() -> None:
    """A stored tensor is described from its content; strings have no figures."""
    content = np.arange(6, dtype=np.float32).tobytes()
    number = StoredTensor(
        key="w", dtype="float32", shape=(2, 3), bytes=24, crc32c=int(google_crc32c.value(content))
    )
    text = StoredTensor(key="s", dtype="string", shape=(), bytes=9)
    weights = Weights(tensors={"w": number, "s": text}, source=_Stored(content))

    found = describe(weights, number)

    assert found is not None
    assert (found.min, found.max, found.mean, found.zeros) == (0.0, 5.0, 2.5, 1)
    assert describe(weights, text) is None


def test_many_tensors_need_no_more_memory_than_one() -> None:
    """Each would keep a megabyte of its own until the last has come."""
    content = memoryview(np.arange(SAMPLE, dtype=np.float32).tobytes())

    def peak(count: int) -> int:
        describer = Describer()
        tracemalloc.start()
        for number in range(count):
            describer.add(f"v{number}", "float32", SAMPLE, content)
        describer.end()
        assert [one.max for one in describer.found.values()] == [SAMPLE - 1] * count
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    peak(1)
    assert peak(12) < 1.5 * peak(1)


def test_a_tensor_that_comes_in_chunks_is_described_as_one() -> None:
    content = np.arange(10, dtype=np.float32).tobytes()
    describer = Describer()

    for name in ("a", "b"):
        for start in range(0, len(content), 12):
            describer.add(name, "float32", 10, memoryview(content)[start : start + 12])
    describer.end()

    assert {name: (one.min, one.max, one.mean) for name, one in describer.found.items()} == {
        "a": (0, 9, 4.5),
        "b": (0, 9, 4.5),
    }
