"""Arithmetic on static shapes and on the numbers that shapes are made from; unknown stays unknown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import prod

from zoo.protos import Shape

Dim = int | None
Number = int | float | bool | None
Value = tuple[Number, ...]
"""The elements of a small tensor, row-major; None for an element that is not known."""

LIMIT = 1024
"""Tensors with more elements are not followed as values."""


def product(dims: Iterable[Dim]) -> Dim:
    """How many elements the sizes make; None as soon as one is unknown (and none is zero)."""
    sizes = list(dims)
    if 0 in sizes:
        return 0
    known = [size for size in sizes if size is not None]
    return prod(known) if len(known) == len(sizes) else None


def elements(shape: Shape) -> Dim:
    """How many elements a tensor of that shape has."""
    return None if shape is None else product(shape)


def unknown(rank: int) -> Shape:
    """A shape of known rank and unknown sizes."""
    return (None,) * rank


def merge(first: Shape, second: Shape) -> Shape:
    """What two statements about one tensor say together; where they contradict, the first holds."""
    if first is None:
        return second
    if second is None or len(first) != len(second):
        return first
    return tuple(b if a is None else a for a, b in zip(first, second, strict=True))


def join(first: Shape, second: Shape) -> Shape:
    """What is true of a tensor that has the one shape or the other."""
    if first is None or second is None or len(first) != len(second):
        return None
    return tuple(a if a == b else None for a, b in zip(first, second, strict=True))


def broadcast(shapes: Sequence[Shape]) -> Shape:
    """The shape of an elementwise operation (numpy's rule)."""
    rank = 0
    for shape in shapes:
        if shape is None:
            return None
        rank = max(rank, len(shape))
    result: list[Dim] = []
    for axis in range(-rank, 0):
        size: Dim = 1
        for shape in shapes:
            assert shape is not None  # noqa: S101 - returned above
            other = shape[axis] if -axis <= len(shape) else 1
            if size == 1:
                size = other
            elif size is None and other not in (None, 1):
                size = other  # the unknown one can but be 1 or the same
        result.append(size)
    return tuple(result)


def window(
    size: Dim, kernel: Dim, stride: int, dilation: int, padding: str, explicit: tuple[int, int]
) -> Dim:
    """Output positions of a sliding window along one axis (`tf.nn.convolution`)."""
    if size is None or stride < 1:
        return None
    if padding == "SAME":
        return -(-size // stride)
    if kernel is None:
        return None
    reach = (kernel - 1) * dilation + 1
    if padding == "EXPLICIT":
        size += sum(explicit)
    return max(0, -(-(size - reach + 1) // stride))


def plus(*dims: Dim) -> Dim:
    """The sum; None if one is unknown."""
    known = [size for size in dims if size is not None]
    return sum(known) if len(known) == len(dims) else None


def times(a: Dim, b: Dim) -> Dim:
    """The product; None if one is unknown, and the other not zero."""
    return product((a, b))


def as_shape(value: Value | None) -> Shape:
    """The shape that a tensor of sizes stands for; negative sizes are unknown ones."""
    if value is None:
        return None
    return tuple(None if size is None or size < 0 else int(size) for size in value)
