"""Decodes raw snappy, the optional compression of table blocks.

Format: https://github.com/google/snappy/blob/main/format_description.txt
"""

from __future__ import annotations

from zoo.errors import ReadError


def decompress(data: bytes, *, limit: int) -> bytes:
    """The content of a raw snappy stream.

    Raises:
        ReadError: the stream is damaged, or says that it holds more than ``limit`` bytes.
    """
    length, at = _length(data)
    if length > limit:
        raise ReadError(f"snappy block: {length:,} bytes when decoded, expected at most {limit:,}")
    out = bytearray()
    end = len(data)
    while at < end:
        tag = data[at]
        at += 1
        kind = tag & 3
        if kind == 0:
            size = (tag >> 2) + 1
            if size > 60:
                extra = size - 60
                size = int.from_bytes(data[at : at + extra], "little") + 1
                at += extra
            if at + size > end or len(out) + size > length:
                raise ReadError("snappy block: a literal reaches beyond the end")
            out += data[at : at + size]
            at += size
            continue
        if kind == 1:
            size = (tag >> 2 & 7) + 4
            offset = (tag >> 5) << 8 | int.from_bytes(data[at : at + 1], "little")
            at += 1
        else:
            size = (tag >> 2) + 1
            width = 2 if kind == 2 else 4
            offset = int.from_bytes(data[at : at + width], "little")
            at += width
        if at > end or not 0 < offset <= len(out) or len(out) + size > length:
            raise ReadError("snappy block: a copy reaches beyond what was decoded")
        start = len(out) - offset
        if offset >= size:
            out += out[start : start + size]
        else:
            # The copy reads what it writes: the last `offset` bytes, over and over.
            out += (bytes(out[start:]) * (size // offset + 1))[:size]
    if len(out) != length:
        raise ReadError(f"snappy block: expected {length:,} bytes, decoded {len(out):,}")
    return bytes(out)


def _length(data: bytes) -> tuple[int, int]:
    value = 0
    for i, byte in enumerate(data[:5]):
        value |= (byte & 0x7F) << 7 * i
        if byte < 128:
            return value, i + 1
    raise ReadError("snappy block: expected its length first, found none")
