"""crc32c as TensorFlow and LevelDB store it.

Masked: rotated and shifted by a constant, so that a checksum of data that holds checksums stays
strong (https://github.com/google/leveldb/blob/main/util/crc32c.h).
"""

from __future__ import annotations

import functools

import google_crc32c
import numpy as np
import numpy.typing as npt

_DELTA = 0xA282EAD8


def crc32c(data: bytes | memoryview | npt.NDArray[np.uint8] = b"", crc: int = 0) -> int:
    """The crc32c of ``data``, which continues ``crc``."""
    # The library takes arrays without a copy, and views not at all.
    if isinstance(data, memoryview):
        data = np.frombuffer(data, np.uint8)
    value: int = google_crc32c.extend(crc, data)
    return value


def mask(crc: int) -> int:
    """The masked form of a crc32c."""
    return ((crc >> 15 | crc << 17) + _DELTA) & 0xFFFFFFFF


def unmask(masked: int) -> int:
    """The crc32c of a masked form."""
    rotated = (masked - _DELTA) & 0xFFFFFFFF
    return (rotated >> 17 | rotated << 15) & 0xFFFFFFFF


def combine(first: int, second: int, length: int) -> int:
    """The crc32c of two runs of bytes after each other, from theirs; ``length`` is the second's.

    Appending a zero byte is a linear map of the crc's bits; repeated squaring applies it ``length``
    times (the way of zlib's crc32_combine).
    """
    crc = first
    for bit in range(length.bit_length() if crc else 0):
        if length >> bit & 1:
            crc = _times(_zeros(bit), crc)
    return crc ^ second


@functools.cache
def _zeros(bit: int) -> list[int]:
    """The map of appending two to the power of ``bit`` zero bytes."""
    if bit:
        return _square(_zeros(bit - 1))
    # One zero bit: shift right, and the reflected Castagnoli polynomial for the bit that falls out.
    return _square(_square(_square([0x82F63B78, *(1 << i for i in range(31))])))


def _times(matrix: list[int], vector: int) -> int:
    total = 0
    for row in matrix:
        if not vector:
            break
        if vector & 1:
            total ^= row
        vector >>= 1
    return total


def _square(matrix: list[int]) -> list[int]:
    return [_times(matrix, row) for row in matrix]
