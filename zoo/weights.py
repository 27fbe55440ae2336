"""Stored tensors: what a checkpoint holds, by key, without loading it.

A reader answers with `Weights`: for each key what the tensor is and where its bytes lie.  Nothing
here knows a file format.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from math import prod
from pathlib import Path
from typing import Protocol

import msgspec
import numpy as np
import numpy.typing as npt

from zoo.protos import DTYPE_SIZES


class Span(msgspec.Struct, frozen=True, kw_only=True):
    """A run of bytes in a file."""

    path: Path
    offset: int
    length: int


class StoredTensor(msgspec.Struct, frozen=True, kw_only=True):
    """One tensor of a checkpoint: its type, its shape, and where its bytes are.

    A struct, because an index of a thousand tensors is read in milliseconds.

    ``spans`` in order hold the little-endian row-major content of a fixed-size dtype; they are
    empty when the content must be decoded or assembled by the reader (strings, slices that are not
    along the first axis, compressed blocks), or when the file that should hold it is missing.
    """

    key: str
    dtype: str
    shape: tuple[int, ...]
    bytes: int
    """Stored size; for strings the size of the encoded content."""
    spans: tuple[Span, ...] = ()
    crc32c: int | None = None
    """Unmasked crc32c of the stored content, where the format keeps one over the whole tensor."""
    missing: str | None = None
    """Name of the file that should hold the content and is not there."""

    @property
    def elements(self) -> int:
        """How many elements the shape holds."""
        return prod(self.shape)

    @property
    def fixed_size(self) -> bool:
        """Whether the content is elements of one size, so that its length follows from the shape."""
        return self.dtype in DTYPE_SIZES


class Source(Protocol):
    """What a reader provides beyond places: content, a chunk at a time."""

    def chunks(self, tensor: StoredTensor, *, size: int = 1 << 20) -> Iterator[memoryview]:
        """The tensor's content in row-major order.

        Each view is valid until the next is asked for, or nobody asks any more.
        The stored checksum is checked on the way, at the end of the tensor.

        Raises:
            ReadError: the content is damaged or its file is missing.
        """
        ...

    def strings(self, tensor: StoredTensor) -> list[bytes]:
        """The elements of a string tensor, row-major.

        Raises:
            ReadError: the content is damaged or its file is missing.
        """
        ...


@dataclass(frozen=True, kw_only=True)
class Weights:
    """The tensors of one checkpoint, by key, and the source that reads their content."""

    tensors: Mapping[str, StoredTensor]
    source: Source = field(repr=False)

    def __len__(self) -> int:
        return len(self.tensors)

    def read(self, key: str) -> npt.NDArray[np.generic]:
        """The tensor as an array (dtype object, elements bytes, for strings).

        bfloat16, float8 and 4-bit types come as ml_dtypes' types, quantized ones as plain integers.

        Raises:
            KeyError: there is no such key.
            ReadError: the content is damaged or its file is missing.
        """
        tensor = self.tensors[key]
        if tensor.dtype == "string":
            values = np.empty(len(items := self.source.strings(tensor)), dtype=object)
            values[:] = items
            return values.reshape(tensor.shape)
        content = b"".join(bytes(chunk) for chunk in self.source.chunks(tensor))
        return np.frombuffer(content, numpy_dtype(tensor.dtype)).reshape(tensor.shape)


def numpy_dtype(name: str) -> np.dtype[np.generic]:
    """The numpy dtype for the content of a TensorFlow dtype.

    Raises:
        KeyError: the dtype has no fixed-size elements.
    """
    plain = {"qint8": "int8", "quint8": "uint8", "qint32": "int32", "qint16": "int16", "quint16": "uint16"}
    name = plain.get(name, name)
    if name in ("bfloat16", "float8_e5m2", "float8_e4m3fn", "int4", "uint4"):
        import ml_dtypes

        kind: np.dtype[np.generic] = np.dtype(getattr(ml_dtypes, name))
        return kind
    if name not in DTYPE_SIZES:
        raise KeyError(name)
    return np.dtype(name).newbyteorder("<")
