"""Small constants as numbers, and the ops that compute sizes from sizes."""

from __future__ import annotations

import functools
import math
import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from zoo import protos
from zoo.graph import Node
from zoo.protos import Shape
from zoo.shapes.dims import LIMIT, Number, Value, product
from zoo.weights import numpy_dtype

_FIELDS = {
    "float32": "float_val", "float64": "double_val", "int32": "int_val", "int16": "int_val",
    "int8": "int_val", "uint8": "int_val", "uint16": "int_val", "int64": "int64_val",
    "bool": "bool_val", "uint32": "uint32_val", "uint64": "uint64_val",
}  # fmt: skip

# A serialized tensor of LIMIT int64 elements is not longer.
_LONGEST = LIMIT * 8 + 256


def constant(node: Node) -> tuple[Shape, Value | None]:
    """The shape of a Const, and its elements where they are few numbers."""
    raw = node.raw_attr("value")
    if raw is None:
        return None, None
    return _content(raw) if len(raw) <= 128 else _content.__wrapped__(raw)


@functools.lru_cache(maxsize=1 << 12)
def _content(raw: bytes) -> tuple[Shape, Value | None]:
    tensor = _head(raw) if len(raw) > _LONGEST else _tensor(raw)
    if tensor is None:
        return None, None
    shape = protos.shape_of(tensor.tensor_shape)
    count = None if shape is None else product(shape)
    if count is None or count > LIMIT or len(raw) > _LONGEST:
        return shape, None
    return shape, numbers(tensor, count)


def _tensor(raw: bytes) -> Any | None:
    try:
        value = protos.AttrValue.FromString(raw)
    except protos.DecodeError:
        return None
    return value.tensor if value.WhichOneof("kind") == "tensor" else None


def _head(raw: bytes) -> Any | None:
    """The dtype and shape of a large tensor, which stand before its content, without a copy of it.

    Falls back on parsing everything where the fields come in another order.
    """
    # AttrValue.tensor is field 8; the message's length follows.
    if raw[:1] != b"\x42":
        return _tensor(raw)
    at = 1
    while at < 11 and raw[at] & 0x80:
        at += 1
    at += 1
    tensor = protos.TensorProto()
    start = at
    while at + 1 < len(raw):
        tag = raw[at]
        if tag == 0x08:  # dtype, a varint of one byte (or two, for refs)
            at += 2 if not raw[at + 1] & 0x80 else 3
        elif tag == 0x12 and not raw[at + 1] & 0x80:  # tensor_shape, shorter than 128 bytes
            at += 2 + raw[at + 1]
            try:
                tensor.MergeFromString(raw[start:at])
            except protos.DecodeError:
                return _tensor(raw)
            return tensor
        else:
            return _tensor(raw)
    return _tensor(raw)


def numbers(tensor: Any, count: int) -> Value | None:
    """The elements of a TensorProto, or None where they are no plain numbers."""
    dtype = protos.dtype_name(tensor.dtype)
    field = _FIELDS.get(dtype)
    if field is None:
        return None
    if tensor.tensor_content:
        kind = numpy_dtype(dtype)
        if len(tensor.tensor_content) != count * kind.itemsize:
            return None
        items: list[Number] = np.frombuffer(tensor.tensor_content, kind).tolist()
        return tuple(items)
    given = list(getattr(tensor, field))
    if len(given) > count:
        return None
    # The last element stands for all that follow; none at all means zeros.
    fill = given[-1] if given else (False if dtype == "bool" else 0)
    return tuple(given + [fill] * (count - len(given)))


def _divide(a: float, b: float) -> float:
    if isinstance(a, float) or isinstance(b, float):
        return a / b
    return int(a / b) if b else 0


_BINARY: dict[str, Callable[[Any, Any], Any]] = {
    "Add": operator.add, "AddV2": operator.add, "Sub": operator.sub, "Mul": operator.mul,
    "FloorDiv": operator.floordiv, "Div": _divide, "RealDiv": operator.truediv,
    "TruncateDiv": _divide, "FloorMod": operator.mod, "Mod": operator.mod,
    "Maximum": max, "Minimum": min, "Equal": operator.eq, "NotEqual": operator.ne,
    "Less": operator.lt, "LessEqual": operator.le, "Greater": operator.gt,
    "GreaterEqual": operator.ge, "LogicalAnd": lambda a, b: bool(a and b),
    "LogicalOr": lambda a, b: bool(a or b),
}  # fmt: skip
_UNARY: dict[str, Callable[[Any], Any]] = {
    "Neg": operator.neg, "Floor": math.floor, "Ceil": math.ceil, "Round": round,
    "LogicalNot": operator.not_, "Abs": abs, "Rint": round,
}  # fmt: skip


def elementwise(op: str, inputs: list[Value | None]) -> Value | None:
    """The elements of an elementwise op on tensors of one shape, or with scalars."""
    if any(value is None for value in inputs):
        return None
    values = [value for value in inputs if value is not None]
    length = max(map(len, values), default=0)
    if not values or length > LIMIT or any(len(value) not in (1, length) for value in values):
        return None
    columns = [value * length if len(value) == 1 else value for value in values]
    function: Callable[..., Any] | None = _BINARY.get(op) if len(values) == 2 else _UNARY.get(op)
    if function is None:
        return None
    return tuple(_apply(function, items) for items in zip(*columns, strict=True))


FOLDED = frozenset({*_BINARY, *_UNARY})
"""Elementwise ops whose values are followed."""


def _apply(function: Callable[..., Any], items: tuple[Number, ...]) -> Number:
    if any(item is None for item in items):
        return None
    try:
        result: Number = function(*items)
    except (ArithmeticError, ValueError, TypeError):
        return None
    # Sizes beyond this are no sizes; they would only grow.
    return None if isinstance(result, int) and abs(result) > 1 << 62 else result


def reduced(op: str, value: Value | None) -> Value | None:
    """The only element of a reduction over everything."""
    if value is None or not value or any(item is None for item in value):
        return None
    items: list[Any] = list(value)
    functions: dict[str, Callable[[list[Any]], Any]] = {
        "Prod": math.prod, "Sum": sum, "Max": max, "Min": min, "All": all, "Any": any,
    }  # fmt: skip
    return (functions[op](items),) if op in functions else None


def cast(value: Value | None, dtype: str | None) -> Value | None:
    """The elements after a Cast."""
    if value is None or dtype is None:
        return None
    if dtype == "bool":
        return tuple(None if item is None else bool(item) for item in value)
    if "int" in dtype:
        return tuple(None if item is None or not math.isfinite(item) else int(item) for item in value)
    return tuple(None if item is None else float(item) for item in value)
