"""Zip archives, read by their central directory with every size and position checked.

The format is PKWARE's APPNOTE.TXT; section numbers below are its.  The standard library would read a
directory of any size, and inflate with zlib at half the speed.
"""

from __future__ import annotations

import bz2
import stat
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import IO

from isal import isal_zlib

from zoo.errors import UnpackError
from zoo.unpacking.inflate import TRUNCATED, Inflater, Reader, inflated, raw_deflate
from zoo.unpacking.members import Members

_END = struct.Struct("<4s4H2LH")  # 4.3.16
_END64 = struct.Struct("<4sQ2H2L4Q")  # 4.3.14
_LOCATOR = struct.Struct("<4sLQL")  # 4.3.15
_ENTRY = struct.Struct("<4s4B4HL2L5H2L")  # 4.3.12
_LOCAL = struct.Struct("<4s5H3L2H")  # 4.3.7
_DIRECTORY_BYTES = 1 << 26
_LINK_BYTES = 4096

_METHODS: Mapping[int, str] = {
    1: "Shrink", 6: "Implode", 9: "Deflate64", 14: "LZMA", 93: "Zstandard", 95: "XZ", 97: "WavPack",
    98: "PPMd", 99: "AES encryption",
}  # fmt: skip
_SEPARATOR_HOSTS = frozenset([0, 10, 11, 14])
"""Systems of 4.4.2 whose programs write ``\\`` between folders: MS-DOS, NTFS, MVS, VFAT."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """A member as the central directory has it."""

    name: str
    raw_name: bytes
    host: int
    flags: int
    method: int
    crc: int
    packed: int
    size: int
    offset: int
    mode: int
    """Unix mode, 0 where the archive has none."""


def read_directory(file: IO[bytes], members: Members) -> list[Entry]:
    """The members of a zip archive, in the order of their data.

    Raises:
        UnpackError: there is no directory, it lies, or it has too many members.
    """
    source = members.source
    size = file.seek(0, 2)
    tail_start = max(0, size - _END.size - 0xFFFF - _LOCATOR.size)
    file.seek(tail_start)
    tail = file.read()
    at = tail.rfind(b"PK\x05\x06")
    if at < 0 or at + _END.size > len(tail):
        raise UnpackError(
            f"{source}: truncated zip archive: its directory, at the end, is not there", hint=TRUNCATED
        )
    _, disk, _, _, count, length, offset, _ = _END.unpack_from(tail, at)
    end = tail_start + at
    if 0xFFFF in (disk, count) or 0xFFFFFFFF in (length, offset):
        disk, count, length, offset, end = _zip64(file, tail, at, tail_start, source)
    if disk:
        raise UnpackError(
            f"{source}: part {disk + 1} of a zip archive in several files, expected a whole one"
        )
    if count > members.limits.files:
        raise UnpackError(
            f"{source}: a zip archive of {count:,} members, expected at most {members.limits.files:,}"
        )
    start = end - length
    if offset > start or start < 0 or length > _DIRECTORY_BYTES:
        raise _damaged(source, "its directory is not where it says")
    shift = start - offset  # bytes in front of the archive, as in a self-extracting program
    file.seek(start)
    directory = file.read(length)
    entries: list[Entry] = []
    position = 0
    while position < len(directory):
        if len(entries) >= members.limits.files:
            raise UnpackError(f"{source}: a zip archive of more than {members.limits.files:,} members")
        entry, position = _entry(directory, position, shift, source)
        entries.append(entry)
    if len(entries) != count:
        raise _damaged(source, f"its directory holds {len(entries):,} members and says {count:,}")
    entries.sort(key=lambda entry: entry.offset)
    starts = [*(entry.offset for entry in entries), start]
    for entry, after in zip(entries, starts[1:], strict=True):
        if entry.offset + _LOCAL.size + entry.packed > after:
            raise members.refuse(entry.name, "overlaps the next member or the directory")
    return entries


def _zip64(
    file: IO[bytes], tail: bytes, at: int, tail_start: int, source: str
) -> tuple[int, int, int, int, int]:
    """Disk, count, length and offset from the large form of the end record, and where that stands."""
    if at < _LOCATOR.size or tail[at - _LOCATOR.size : at - _LOCATOR.size + 4] != b"PK\x06\x07":
        raise _damaged(source, "the large form of its end record is not there")
    end = tail_start + at - _LOCATOR.size - _END64.size
    if end >= 0:
        file.seek(end)
        record = file.read(_END64.size)
        if record[:4] == b"PK\x06\x06":
            _, _, _, _, disk, _, _, count, length, offset = _END64.unpack(record)
            return disk, count, length, offset, end
    raise _damaged(source, "the large form of its end record is not there")


def _entry(directory: bytes, position: int, shift: int, source: str) -> tuple[Entry, int]:
    """The entry at a position of the directory, and the position after it."""
    if position + _ENTRY.size > len(directory) or directory[position : position + 4] != b"PK\x01\x02":
        raise _damaged(source, f"its directory has no entry at byte {position:,}")
    (
        _, _, host, _, _, flags, method, _, _, crc, packed, size,
        name_length, extra_length, comment_length, _, _, attributes, offset,
    ) = _ENTRY.unpack_from(directory, position)  # fmt: skip
    start = position + _ENTRY.size
    raw = directory[start : start + name_length]
    extra = directory[start + name_length : start + name_length + extra_length]
    after = start + name_length + extra_length + comment_length
    if after > len(directory):
        raise _damaged(source, f"its directory ends inside the entry at byte {position:,}")
    size, packed, offset = _large(extra, size, packed, offset, source)
    entry = Entry(
        name=_decoded(raw, flags), raw_name=raw, host=host, flags=flags, method=method, crc=crc,
        packed=packed, size=size, offset=offset + shift, mode=attributes >> 16 if host == 3 else 0,
    )  # fmt: skip
    return entry, after


def _large(extra: bytes, size: int, packed: int, offset: int, source: str) -> tuple[int, int, int]:
    """Sizes and offset, those that need 64 bits taken from the extra field (4.5.3)."""
    values = [size, packed, offset]
    if 0xFFFFFFFF not in values:
        return size, packed, offset
    while len(extra) >= 4:
        tag, length = struct.unpack_from("<HH", extra)
        data, extra = extra[4 : 4 + length], extra[4 + length :]
        if tag != 1:
            continue
        for i, value in enumerate(values):
            if value == 0xFFFFFFFF and len(data) >= 8:
                values[i] = int.from_bytes(data[:8], "little")
                data = data[8:]
        break
    if max(values) >= 1 << 62:
        raise _damaged(source, "a member is larger than any disk")
    return values[0], values[1], values[2]


def _decoded(raw: bytes, flags: int) -> str:
    """A name as text: UTF-8 where it says so or reads so, else the code page of the format's youth."""
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("utf-8", "surrogateescape") if flags & 0x800 else raw.decode("cp437")


def unpack_zip(file: IO[bytes], entries: list[Entry], members: Members) -> None:
    """Write the members of a zip archive whose directory was read.

    Raises:
        UnpackError: a member is unsafe, encrypted, packed in a way not known here, or damaged.
    """
    for i, entry in enumerate(entries):
        limit = entries[i + 1].offset if i + 1 < len(entries) else None
        name = entry.name
        if entry.host in _SEPARATOR_HOSTS and "\\" in name:
            name = name.replace("\\", "/")
            if name[1:2] == ":":
                raise members.refuse(entry.name, "has an absolute path")
        if entry.flags & 0x2041:
            raise members.refuse(
                entry.name,
                "is encrypted",
                hint="unpack it with its password, pack it again, and list that file",
            )
        data = _data(file, entry, limit, members)
        kind = stat.S_IFMT(entry.mode)
        if name.endswith("/"):
            members.folder(name)
        elif kind == stat.S_IFLNK:
            members.link(name, _link(data, entry, members), hard=False)
        elif kind not in (0, stat.S_IFREG):
            raise members.refuse(entry.name, "is a device, pipe or socket, expected files and folders")
        else:
            members.file(name, data, entry.size)
            data.finish()


def _link(data: _Data, entry: Entry, members: Members) -> str:
    if entry.size > _LINK_BYTES:
        raise members.refuse(entry.name, f"is a link with a target of {entry.size:,} bytes")
    buffer = memoryview(bytearray(entry.size))
    done = 0
    while done < entry.size and (count := data.readinto(buffer[done:])):
        done += count
    data.finish()
    return bytes(buffer).decode("utf-8", "surrogateescape")


def _data(file: IO[bytes], entry: Entry, limit: int | None, members: Members) -> _Data:
    """The bytes of a member, after its local header was compared with the directory."""
    file.seek(entry.offset)
    header = file.read(_LOCAL.size)
    if len(header) < _LOCAL.size or header[:4] != b"PK\x03\x04":
        raise members.refuse(entry.name, "is not where the directory says", hint=_AGAIN)
    _, _, flags, method, _, _, _, _, _, name_length, extra_length = _LOCAL.unpack(header)
    if file.read(name_length) != entry.raw_name or method != entry.method or (flags ^ entry.flags) & 1:
        raise members.refuse(entry.name, "is something else in its own header than in the directory")
    start = entry.offset + _LOCAL.size + name_length + extra_length
    if limit is not None and start + entry.packed > limit:
        raise members.refuse(entry.name, "overlaps the next member")
    window: Reader = _Window(file, start, entry.packed)
    match entry.method:
        case 0:
            if entry.packed != entry.size:
                raise members.refuse(
                    entry.name, f"is stored as {entry.packed:,} bytes and says {entry.size:,}"
                )
            reader = window
        case 8:
            reader = raw_deflate(window)
        case 12:
            reader = Inflater("bzip2", window, bz2.BZ2Decompressor, single=True)
        case 93:
            reader = inflated("zstd", window)
        case _:
            how = _METHODS.get(entry.method, f"method {entry.method}")
            raise members.refuse(
                entry.name,
                f"is packed with {how}, expected Deflate",
                hint="pack it again as a plain zip or tar.gz",
            )
    return _Data(reader, entry, members)


_AGAIN = "the archive is damaged: fetch it again, or find another source"


class _Window:
    """A part of a file as a reader."""

    def __init__(self, file: IO[bytes], start: int, length: int) -> None:
        self._file = file
        self._left = length
        file.seek(start)

    def readinto(self, view: memoryview, /) -> int:
        count: int = self._file.readinto(view[: min(len(view), self._left)])  # type: ignore[attr-defined]
        self._left -= count
        return count


class _Data:
    """The bytes of a member, its crc and length checked by `finish`."""

    def __init__(self, reader: Reader, entry: Entry, members: Members) -> None:
        self._reader = reader
        self._entry = entry
        self._members = members
        self._crc = 0

    def readinto(self, view: memoryview, /) -> int:
        try:
            count = self._reader.readinto(view) or 0
        except UnpackError as error:
            raise self._members.refuse(self._entry.name, f"cannot be read: {error}", hint=_AGAIN) from error
        self._crc = isal_zlib.crc32(view[:count], self._crc)
        return count

    def finish(self) -> None:
        """Refuse a member that is longer than it says, or has another crc."""
        if self.readinto(memoryview(bytearray(1))):
            raise self._members.refuse(
                self._entry.name, f"holds more than the {self._entry.size:,} bytes it says"
            )
        if self._crc != self._entry.crc:
            found = f"has the crc {self._crc:08x}, expected {self._entry.crc:08x}"
            raise self._members.refuse(self._entry.name, found, hint=_AGAIN)


def _damaged(source: str, what: str) -> UnpackError:
    return UnpackError(
        f"{source}: damaged zip archive: {what}",
        hint="the bytes are not what was packed: fetch it again, or find another source",
    )
