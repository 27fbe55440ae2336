"""Reads flatbuffers as tables of untrusted offsets.

Format: https://flatbuffers.dev/internals/.  Every offset is checked against the buffer, and the
number of tables is limited: offsets may point to the same place again and again.
"""

from __future__ import annotations

import mmap
import struct
from collections.abc import Iterator
from typing import Any

from zoo.errors import ReadError

MAX_TABLES = 2_000_000


class Buffer:
    """The bytes of one flatbuffer."""

    def __init__(self, data: bytes | mmap.mmap, name: str) -> None:
        self.data = data
        self.name = name
        self.tables = 0

    def root(self) -> Table:
        """The root table.

        Raises:
            ReadError: the buffer is damaged.
        """
        return Table(self, self.unpack("<I", 0))

    def unpack(self, kind: str, at: int) -> Any:
        """One number at an offset."""
        try:
            return struct.unpack_from(kind, self.data, at)[0]
        except struct.error as error:
            raise ReadError(
                f"{self.name}: an offset leads to byte {at:,}, beyond the end ({len(self.data):,} bytes)",
                hint="the file is cut short or damaged; fetch it again",
            ) from error


class Table:
    """A table: fields by number, absent ones by their default."""

    __slots__ = ("_at", "_buffer", "_fields", "_size")

    def __init__(self, buffer: Buffer, at: int) -> None:
        buffer.tables += 1
        if buffer.tables > MAX_TABLES:
            raise ReadError(f"{buffer.name}: more than {MAX_TABLES:,} tables")
        self._buffer = buffer
        self._at = at
        self._fields = at - buffer.unpack("<i", at)
        if self._fields < 0:
            raise ReadError(f"{buffer.name}: a table's field list lies before the file")
        self._size = buffer.unpack("<H", self._fields)

    def place(self, number: int) -> int | None:
        """Where a field's value is, None if it is absent."""
        slot = 4 + 2 * number
        if slot + 2 > self._size:
            return None
        offset = self._buffer.unpack("<H", self._fields + slot)
        return self._at + offset if offset else None

    def number(self, number: int, kind: str, default: int = 0) -> int:
        """A number field; ``kind`` is a struct code (``<i``)."""
        at = self.place(number)
        if at is None:
            return default
        value: int = self._buffer.unpack(kind, at)
        return value

    def _vector(self, number: int, width: int) -> tuple[int, int]:
        """(offset of the first element, count) of a vector field; (0, 0) if it is absent."""
        at = self.place(number)
        if at is None:
            return 0, 0
        start = at + self._buffer.unpack("<I", at)
        count = self._buffer.unpack("<I", start)
        if start + 4 + count * width > len(self._buffer.data):
            raise ReadError(
                f"{self._buffer.name}: {count:,} elements at byte {start:,} reach beyond the end",
                hint="the file is cut short or damaged; fetch it again",
            )
        return start + 4, count

    def span(self, number: int) -> tuple[int, int]:
        """(offset, length) of a vector of bytes."""
        return self._vector(number, 1)

    def text(self, number: int) -> str:
        """A string field; bytes that are no UTF-8 are spelled out."""
        start, count = self._vector(number, 1)
        if count > 1 << 20:
            raise ReadError(f"{self._buffer.name}: a name of {count:,} bytes")
        return bytes(self._buffer.data[start : start + count]).decode("utf-8", "backslashreplace")

    def numbers(self, number: int, kind: str, *, limit: int = 1 << 20) -> tuple[Any, ...]:
        """The numbers of a vector field; ``kind`` is a struct code without byte order."""
        width = struct.calcsize(f"<{kind}")
        start, count = self._vector(number, width)
        if count > limit:
            raise ReadError(f"{self._buffer.name}: a list of {count:,} numbers, expected at most {limit:,}")
        return struct.unpack_from(f"<{count}{kind}", self._buffer.data, start) if count else ()

    def table(self, number: int) -> Table | None:
        """A table field."""
        at = self.place(number)
        return None if at is None else Table(self._buffer, at + self._buffer.unpack("<I", at))

    def tables(self, number: int) -> Iterator[Table]:
        """The tables of a vector field."""
        start, count = self._vector(number, 4)
        for i in range(count):
            at = start + 4 * i
            yield Table(self._buffer, at + self._buffer.unpack("<I", at))
