"""Reads the sorted table that TensorFlow's checkpoints are made of.

The format is LevelDB's: blocks of prefix-compressed entries, an index block of block handles and a
48-byte footer (https://github.com/google/leveldb/blob/main/doc/table_format.md); in TensorFlow
tsl/lib/io/table_builder.cc.  A block's type byte and masked crc32c follow it.

A block of a V1 checkpoint holds whole tensors and may be as large as the file, so an entry's value
is given as a place, and nothing large is read to find it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np

from zoo.errors import ReadError
from zoo.readers import snappy
from zoo.readers.crc import crc32c, mask

MAGIC = bytes.fromhex("57fb808b247547db")
FOOTER = 48
TRAILER = 5
"""Type and masked crc32c after each block."""

MAX_KEY = 1 << 20
MAX_INDEX = 1 << 28
"""Bytes of an index block, or of a compressed block: both are held in memory."""
_WINDOW = 1 << 16
_CHUNK = 1 << 20


def is_table(tail: bytes) -> bool:
    """Whether a file that ends in ``tail`` is a table."""
    return len(tail) >= FOOTER and tail.endswith(MAGIC)


def varint(data: bytes, at: int) -> tuple[int, int]:
    """The varint at ``data[at:]`` and the position after it.

    Raises:
        ReadError: the data end within it, or it has more than ten bytes.
    """
    if at < len(data) and data[at] < 0x80:  # most are short
        return data[at], at + 1
    value = shift = 0
    for i in range(at, min(at + 10, len(data))):
        byte = data[i]
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, i + 1
        shift += 7
    raise ReadError(f"expected a varint at byte {at}, found none")


@dataclass(frozen=True, slots=True)
class Block:
    """Where a block lies; ``compressed`` blocks have to be decoded before they can be read."""

    offset: int
    length: int
    compressed: bool


class Table:
    """The entries of a table file, in order of their keys."""

    def __init__(self, path: Path, stream: BinaryIO) -> None:
        """Reads footer and index.

        Raises:
            ReadError: the file is no table, or its index is damaged.
        """
        self.path = path
        self._file = stream.fileno()
        self.size = os.fstat(self._file).st_size
        tail = self.pread(max(0, self.size - FOOTER), min(FOOTER, self.size))
        if not is_table(tail):
            raise ReadError(
                f"{path.name}: expected a table that ends in {MAGIC.hex(' ')}, "
                f"found {tail[-8:].hex(' ') or 'an empty file'}",
                hint="the file is cut short or is no checkpoint",
            )
        at = 0
        handle = []
        for _ in range(4):
            value, at = varint(tail, at)
            handle.append(value)
        index = self._block(handle[2], handle[3], "index block")
        content = self.content(index)
        self.blocks: list[Block] = []
        for _, start, length in block_entries(content, path.name):
            offset, at = varint(content, start)
            size, at = varint(content, at)
            if at > start + length:
                raise ReadError(f"{path.name}: the index block is damaged")
            self.blocks.append(self._block(offset, size, "data block"))
        # Blocks that overlap would let a small file stand for any amount of data.
        end = 0
        for block in self.blocks:
            if block.offset < end:
                raise ReadError(f"{path.name}: blocks overlap at byte {block.offset}")
            end = block.offset + block.length + TRAILER

    def pread(self, offset: int, length: int) -> bytes:
        """Exactly ``length`` bytes from ``offset``.

        Raises:
            ReadError: the file is shorter.
        """
        data = os.pread(self._file, length, offset)
        if len(data) != length:
            raise ReadError(
                f"{self.path.name}: expected {length:,} bytes at {offset:,}, found {len(data):,}",
                hint="the file is cut short; fetch it again",
            )
        return data

    def _block(self, offset: int, length: int, what: str) -> Block:
        if offset + length + TRAILER > self.size:
            raise ReadError(
                f"{self.path.name}: {what} at {offset:,} with {length:,} bytes reaches beyond the "
                f"end of the file ({self.size:,} bytes)",
                hint="the file is cut short or damaged; fetch it again",
            )
        kind = self.pread(offset + length, 1)[0]
        if kind > 1:
            raise ReadError(f"{self.path.name}: {what} at {offset:,}: unknown compression {kind}")
        return Block(offset, length, kind == 1)

    def check(self, block: Block) -> None:
        """Compare a block with its checksum, reading it a megabyte at a time.

        Raises:
            ReadError: they differ.
        """
        buffer = np.empty(min(block.length + 1, _CHUNK), np.uint8)
        crc = 0
        at = block.offset
        end = block.offset + block.length + 1
        while at < end:
            want = min(len(buffer), end - at)
            got = os.preadv(self._file, [buffer.data[:want]], at)
            if got <= 0:
                raise ReadError(f"{self.path.name}: ends within a block", hint="the file is cut short")
            crc = crc32c(buffer[:got], crc)
            at += got
        self._compare(block, crc)

    def _compare(self, block: Block, crc: int) -> None:
        stored = int.from_bytes(self.pread(block.offset + block.length + 1, 4), "little")
        if stored != mask(crc):
            raise ReadError(
                f"{self.path.name}: block at {block.offset:,}: expected crc32c {stored:#010x}, "
                f"found {mask(crc):#010x}",
                hint="the file is damaged; fetch it again",
            )

    def content(self, block: Block) -> bytes:
        """A block's bytes, checked and decompressed.

        Raises:
            ReadError: the block is damaged, or larger than 256 MiB.
        """
        if block.length > MAX_INDEX:
            raise ReadError(
                f"{self.path.name}: block of {block.length:,} bytes, expected at most {MAX_INDEX:,}"
            )
        data = self.pread(block.offset, block.length + 1)
        self._compare(block, crc32c(data))
        data = data[:-1]
        return snappy.decompress(data, limit=MAX_INDEX) if block.compressed else data

    def entries(self) -> Iterator[tuple[bytes, bytes]]:
        """All keys with their values; for tables of small values, like an ``.index``.

        Raises:
            ReadError: the table is damaged.
        """
        for block in self.blocks:
            content = self.content(block)
            for key, start, length in block_entries(content, self.path.name):
                yield key, content[start : start + length]

    def places(self, block: Block) -> Iterator[tuple[bytes, int, int]]:
        """Keys of an uncompressed block with the file offset and length of their values.

        Raises:
            ReadError: the block is damaged.
        """
        end = block.offset + block.length
        at = block.offset
        stop = end - 4 - 4 * self._restarts(block)
        key = b""
        window = b""
        origin = at
        while at < stop:
            # The header, and the key as a rule, in one read for many small entries.
            if min(at + 30, stop) > origin + len(window):
                origin = at
                window = self.pread(at, min(_WINDOW, stop - at))
            try:
                shared, here = varint(window, at - origin)
                rest, here = varint(window, here)
                length, here = varint(window, here)
            except ReadError as error:
                raise ReadError(f"{self.path.name}: block entry at {at:,} is damaged") from error
            value = origin + here + rest
            if shared > len(key) or rest > MAX_KEY or value + length > stop:
                raise ReadError(f"{self.path.name}: block entry at {at:,} reaches beyond its block")
            if here + rest <= len(window):
                fresh = window[here : here + rest]
            else:
                fresh = self.pread(origin + here, rest)
            key = key[:shared] + fresh
            yield key, value, length
            at = value + length

    def _restarts(self, block: Block) -> int:
        if block.length < 4:
            raise ReadError(f"{self.path.name}: block at {block.offset:,} is damaged")
        count = int.from_bytes(self.pread(block.offset + block.length - 4, 4), "little")
        if 4 + 4 * count > block.length:
            raise ReadError(f"{self.path.name}: block at {block.offset:,} has {count:,} restarts")
        return count


def block_entries(block: bytes, name: str) -> Iterator[tuple[bytes, int, int]]:
    """Keys of a block in memory with position and length of their values."""
    if len(block) < 4:
        raise ReadError(f"{name}: a block of {len(block)} bytes is damaged")
    restarts = int.from_bytes(block[-4:], "little")
    stop = len(block) - 4 - 4 * restarts
    if stop < 0:
        raise ReadError(f"{name}: a block of {len(block)} bytes has {restarts:,} restarts")
    at = 0
    key = b""
    while at < stop:
        # Nearly always three single bytes; the general way is a hundred times rarer.
        if at + 3 <= stop and block[at] < 128 and block[at + 1] < 128 and block[at + 2] < 128:
            shared, rest, length = block[at], block[at + 1], block[at + 2]
            at += 3
        else:
            shared, at = varint(block, at)
            rest, at = varint(block, at)
            length, at = varint(block, at)
        value = at + rest
        if shared > len(key) or rest > MAX_KEY or value + length > stop:
            raise ReadError(f"{name}: a block entry reaches beyond its block")
        key = key[:shared] + block[at:value]
        yield key, value, length
        at = value + length
