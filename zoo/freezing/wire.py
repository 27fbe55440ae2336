"""Protobuf bytes written by hand: what must be cheap, or must not pass through a message object.

Field numbers: tensorflow/core/framework/{graph,node_def,attr_value,tensor,tensor_shape}.proto.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable
from typing import Any

from zoo import protos
from zoo.errors import FreezeError
from zoo.protos import DTYPE_NUMBERS

_BYTES = tuple(bytes([value]) for value in range(128))


def attr_value(raw: bytes, what: str) -> Any:
    """The AttrValue message in ``raw``; ``what`` names it in errors.

    Raises:
        FreezeError: it is none.
    """
    try:
        return protos.AttrValue.FromString(raw)
    except protos.DecodeError as error:
        raise FreezeError(f"{what}: an attribute is damaged") from error


def varint(value: int) -> bytes:
    """``value`` (not negative) as a base-128 varint."""
    if value < 128:
        return _BYTES[value]
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)


def field(number: int, payload: bytes) -> bytes:
    """A length-delimited field; ``number`` is below 16."""
    size = len(payload)
    return _BYTES[number << 3 | 2] + (_BYTES[size] if size < 128 else varint(size)) + payload


def type_attr(dtype: str) -> bytes:
    """The AttrValue of a type."""
    return b"\x30" + varint(DTYPE_NUMBERS[dtype])


def shape_attr(shape: protos.Shape) -> bytes:
    """The AttrValue of a shape."""
    return field(7, protos.shape_proto(shape).SerializeToString())


def tensor_attr(dtype: str, shape: tuple[int, ...], content: bytes) -> bytes:
    """The AttrValue of a tensor of a fixed-size dtype, from its little-endian content."""
    return tensor_prefix(dtype, shape, len(content)) + content


def tensor_prefix(dtype: str, shape: tuple[int, ...], length: int) -> bytes:
    """What comes before ``length`` bytes of content in the AttrValue of a tensor."""
    head = tensor_head(dtype, shape)
    if length:
        head += b"\x22" + varint(length)
    return b"\x42" + varint(len(head) + length) + head


@functools.lru_cache(maxsize=1 << 12)
def tensor_head(dtype: str, shape: tuple[int, ...]) -> bytes:
    """A TensorProto's type and shape: all of it but its content."""
    return b"\x08" + varint(DTYPE_NUMBERS[dtype]) + field(2, protos.shape_proto(shape).SerializeToString())


def strings_attr(shape: tuple[int, ...], values: Iterable[bytes]) -> bytes:
    """The AttrValue of a string tensor."""
    head = b"\x08\x07" + field(2, protos.shape_proto(shape).SerializeToString())
    return field(8, head + b"".join(field(8, value) for value in values))


def attr_entry(key: str, value: bytes) -> bytes:
    """The ``attr`` field of a NodeDef."""
    # Types, strides and the like are the same in thousands of nodes.
    return _short_entry(key, value) if len(value) <= 64 else _short_entry.__wrapped__(key, value)


@functools.lru_cache(maxsize=1 << 12)
def _short_entry(key: str, value: bytes) -> bytes:
    return field(5, field(1, key.encode()) + field(2, value))


def node_prefix(name: str, op: str, inputs: Iterable[str] = ()) -> bytes:
    """A NodeDef up to its attributes."""
    parts = [field(1, name.encode()), field(2, op.encode())]
    parts += [field(3, text.encode()) for text in inputs]
    return b"".join(parts)


def streamed_constant(name: str, dtype: str, shape: tuple[int, ...], length: int) -> bytes:
    """A GraphDef's ``node`` field for a Const, up to its ``length`` bytes of content, which end it."""
    tensor = tensor_prefix(dtype, shape, length)
    attr = field(1, b"value") + b"\x12" + varint(len(tensor) + length) + tensor
    node = node_prefix(name, "Const") + attr_entry("dtype", type_attr(dtype))
    node += b"\x2a" + varint(len(attr) + length) + attr
    return b"\x0a" + varint(len(node) + length) + node
