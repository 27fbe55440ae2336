"""Tar archives, member by member, straight from a stream.

The format is POSIX pax and ustar, GNU tar's long names, and V7; see tar(5) of libarchive.  The standard
library parses the header blocks; its TarFile would copy every byte twice and read extended headers of
any size.
"""

from __future__ import annotations

import tarfile
from collections.abc import Mapping

from zoo.errors import UnpackError
from zoo.unpacking.inflate import TRUNCATED, Reader, fill
from zoo.unpacking.members import Members

BLOCK = 512
LONG_HEADER = 1 << 20
"""Bytes that the extended headers of a member may have."""

_NAMES: Mapping[bytes, str] = {
    tarfile.CHRTYPE: "a character device",
    tarfile.BLKTYPE: "a block device",
    tarfile.FIFOTYPE: "a named pipe",
    tarfile.GNUTYPE_SPARSE: "a sparse file",
}
_PAX_TYPES = (tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE)
_LONG_TYPES = (tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK)
_VOLUME_LABEL = b"V"


def unpack_tar(reader: Reader, members: Members) -> None:
    """Write the members of a tar archive.

    Raises:
        UnpackError: a member is unsafe, or the archive is damaged or ends before its end mark.
    """
    source = members.source
    common: dict[str, str] = {}
    local: dict[str, str] = {}
    position = 0
    block = memoryview(bytearray(BLOCK))
    while True:
        found = fill(reader, block)
        if found < BLOCK:
            raise UnpackError(
                f"{source}: truncated tar archive: it ends at byte {position + found:,} without its end mark",
                hint=TRUNCATED,
            )
        if not any(block):
            break
        try:
            info = tarfile.TarInfo.frombuf(bytes(block), "utf-8", "surrogateescape")
        except tarfile.HeaderError as error:
            raise _damaged(source, position, str(error)) from error
        position += BLOCK
        if info.size < 0:
            raise _damaged(source, position, f"a member of {info.size} bytes")
        if info.type in _PAX_TYPES or info.type in _LONG_TYPES:
            data = _extension(reader, info, source, position)
            position += _padded(info.size)
            if info.type == tarfile.XGLTYPE:
                common.update(_pax(data, source, position))
            elif info.type in _PAX_TYPES:
                local.update(_pax(data, source, position))
            else:
                key = "path" if info.type == tarfile.GNUTYPE_LONGNAME else "linkpath"
                local[key] = data.rstrip(b"\x00").decode("utf-8", "surrogateescape")
            continue
        fields = {**common, **local}
        local = {}
        size = _size(fields, info, source, position)
        position += _member(reader, info, fields, size, members)
    # What follows the end mark is read for the sake of the checks at the end of a compressed stream.
    members.pass_by(reader)


def _member(
    reader: Reader, info: tarfile.TarInfo, fields: Mapping[str, str], size: int, members: Members
) -> int:
    """Write one member; the number of bytes it took after its header."""
    name = fields.get("path", info.name)
    if info.type in _NAMES or any(key.startswith("GNU.sparse") for key in fields):
        what = _NAMES.get(info.type, "a sparse file")
        hint = "pack it again without --sparse" if what == "a sparse file" else None
        raise members.refuse(name, f"is {what}, expected files and folders", hint=hint)
    if info.isdir():
        members.folder(name)
        return 0
    if info.islnk() or info.issym():
        members.link(name, fields.get("linkpath", info.linkname), hard=info.islnk())
        return 0
    if info.type == _VOLUME_LABEL:
        return 0
    if not info.isreg():
        raise members.refuse(name, f"is of the unknown type {info.type!r}, expected files and folders")
    members.file(name, reader, size)
    padding = _padded(size) - size
    if padding and fill(reader, memoryview(bytearray(padding))) < padding:
        raise UnpackError(f"{members.source}: truncated tar archive, after {name[:120]!r}", hint=TRUNCATED)
    return _padded(size)


def _padded(size: int) -> int:
    return -(-size // BLOCK) * BLOCK


def _size(fields: Mapping[str, str], info: tarfile.TarInfo, source: str, position: int) -> int:
    text = fields.get("size")
    if text is None:
        return info.size
    if not text.isascii() or not text.isdigit() or len(text) > 20:
        raise _damaged(source, position, f"a size of {text[:40]!r}")
    return int(text)


def _extension(reader: Reader, info: tarfile.TarInfo, source: str, position: int) -> bytes:
    if info.size > LONG_HEADER:
        raise _damaged(source, position, f"an extended header of {info.size:,} bytes")
    buffer = memoryview(bytearray(_padded(info.size)))
    if fill(reader, buffer) < len(buffer):
        raise UnpackError(f"{source}: truncated tar archive: it ends inside a header", hint=TRUNCATED)
    return bytes(buffer[: info.size])


def _pax(data: bytes, source: str, position: int) -> dict[str, str]:
    r"""The records of a pax header: ``<length> <key>=<value>\n``, the length counting all of it."""
    fields = {}
    while data.strip(b"\x00"):
        digits, space, _ = data[:12].partition(b" ")
        if not space or not digits.isdigit() or not 5 <= int(digits) <= len(data):
            raise _damaged(source, position, "an extended header that cannot be read")
        record, data = data[len(digits) + 1 : int(digits)], data[int(digits) :]
        key, equals, value = record.removesuffix(b"\n").partition(b"=")
        if not equals:
            raise _damaged(source, position, "an extended header without a value")
        fields[key.decode("utf-8", "replace")] = value.decode("utf-8", "surrogateescape")
    return fields


def _damaged(source: str, position: int, what: str) -> UnpackError:
    return UnpackError(
        f"{source}: damaged tar archive: at byte {position:,}, {what}",
        hint="the bytes are not what was packed: fetch it again, or find another source",
    )
