"""Fetched files unpacked into one folder, told apart by content.

    file ─► identify ─► gzip, bzip2, xz, zstd ─► tar ─► members ─► folder
                    └─► zip ─► members            └─► single file

An archive that holds nothing but one archive is unpacked once more; deeper ones are left as they are.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from zoo import sniff
from zoo.errors import UnpackError
from zoo.fetch import Fetched
from zoo.store import staging
from zoo.unpacking.inflate import Peekable, Reader, inflated
from zoo.unpacking.members import Limits, Members
from zoo.unpacking.tars import unpack_tar
from zoo.unpacking.zips import read_directory, unpack_zip

__all__ = ["Limits", "Unpacked", "unpack", "unpack_into"]

_SUFFIXES = {
    "gzip": (".gz", ".gzip"),
    "bzip2": (".bz2",),
    "xz": (".xz",),
    "lzma": (".lzma",),
    "zstd": (".zst", ".zstd"),
}
_OTHER_SUFFIXES = (".gz", ".tgz", ".bz2", ".tbz2", ".xz", ".txz", ".zst", ".zip")


@dataclass(frozen=True, kw_only=True, slots=True)
class Unpacked:
    """A folder with the files of one model."""

    root: Path
    files: int
    bytes: int
    notes: tuple[str, ...] = ()


def unpack(fetched: Sequence[Fetched], folder: Path, *, limits: Limits) -> Unpacked:
    """The files of all sources of a row in ``folder``, which is whole or not there.

    Files that are no archives keep the names that their URLs give them.  Names that are in several
    sources go to ``source-2/`` and so on.  macOS's own files are left out, links become the files they
    lead to, names with backslashes are percent-escaped; ``notes`` say so.

    Raises:
        UnpackError: a source is damaged, unsafe, over a limit, or of a kind that cannot be unpacked.
    """
    with disk(), staging(folder) as staged:
        found = unpack_into(staged, fetched, limits=limits)
    return replace(found, root=folder)


def unpack_into(root: Path, fetched: Sequence[Fetched], *, limits: Limits) -> Unpacked:
    """The same as `unpack`, but into an empty folder, where anything may lie after an error.

    Raises:
        UnpackError: as with `unpack`.
    """
    with disk():
        members = Members(root, limits)
        for one in fetched:
            members.begin(one.name, one.archive.bytes)
            unpack_file(one.path, one.name, members)
            members.settle()
        return finished(members)


def finished(members: Members) -> Unpacked:
    """The account of what was unpacked; a single file that is an archive is unpacked as well.

    Raises:
        UnpackError: there are no files, or the only one is an archive that cannot be unpacked.
    """
    if len(members.files) == 1:
        _inner(members)
    if not members.files:
        raise UnpackError(f"{members.source}: an archive without files", hint="find another source")
    return Unpacked(
        root=members.root, files=len(members.files), bytes=members.bytes, notes=tuple(members.notes)
    )


def can_stream(kind: sniff.Kind) -> bool:
    """Whether files of a kind can be unpacked from their first byte on, without going back."""
    return kind in sniff.COMPRESSED or kind == "tar"


def unpack_stream(kind: sniff.Kind, reader: Reader, name: str, members: Members) -> None:
    """Unpack what `can_stream` says yes to.

    Raises:
        UnpackError: it is damaged, unsafe or over a limit.
    """
    if kind == "tar":
        if name.lower().endswith(_OTHER_SUFFIXES):
            members.notes.append(f"{name!r} is an uncompressed tar archive, whatever its name says")
        unpack_tar(reader, members)
        return
    inner = Peekable(_Named(inflated(kind, reader), name))
    if sniff.is_tar(inner.peek(sniff.HEAD)):
        unpack_tar(inner, members)
    else:
        members.file(_stem(name, kind), inner, None)


def unpack_file(path: Path, name: str, members: Members) -> None:
    """Unpack one file, or take it as it is.

    Raises:
        UnpackError: it is damaged, unsafe, over a limit, or of a kind that cannot be unpacked.
    """
    with path.open("rb", buffering=0) as file:
        head = file.read(sniff.HEAD)
        file.seek(0)
        kind = sniff.identify(head)
        if can_stream(kind):
            unpack_stream(kind, file, name, members)
        elif kind == "zip":
            entries = read_directory(file, members)
            if sniff.is_keras_zip([entry.name for entry in entries]):
                members.adopt(name, path)
            else:
                unpack_zip(file, entries, members)
        elif kind in sniff.FOREIGN_ARCHIVES:
            raise UnpackError(
                f"{name}: {sniff.WORDS[kind]}, expected tar, zip, gzip, bzip2, xz or zstd",
                hint="unpack it yourself and list the files, or a tar.gz of them, in the manifest",
            )
        else:
            members.adopt(name, path)


def _inner(members: Members) -> None:
    """Unpack the only file that came out, if it is an archive itself."""
    only = members.files[0]
    path = members.root / only
    with path.open("rb") as file:
        kind = sniff.identify(file.read(sniff.HEAD))
        if kind not in sniff.ARCHIVES:
            return
        if kind == "zip" and sniff.is_keras_zip([entry.name for entry in read_directory(file, members)]):
            return
    aside = members.root.with_name(f".{members.root.name}.inner")
    name = only.rpartition("/")[2]
    members.notes.append(f"{members.source!r} holds nothing but {only!r}, which is unpacked as well")
    members.release(only)
    path.rename(aside)
    try:
        members.begin(name, 0)
        unpack_file(aside, name, members)
        members.settle()
    finally:
        aside.unlink(missing_ok=True)


def _stem(name: str, kind: sniff.Kind) -> str:
    """What a compressed single file is called inside."""
    for suffix in _SUFFIXES.get(kind, ()):
        if name.lower().endswith(suffix) and len(name) > len(suffix):
            return name[: -len(suffix)]
    return name


class _Named:
    """A reader whose errors say whose bytes they are."""

    def __init__(self, reader: Reader, name: str) -> None:
        self._reader = reader
        self._name = name

    def readinto(self, view: memoryview, /) -> int:
        try:
            return self._reader.readinto(view) or 0
        except UnpackError as error:
            raise UnpackError(f"{self._name}: {error.message}", hint=error.hint) from error


@contextmanager
def disk() -> Iterator[None]:
    """Turn what goes wrong with our own disk into an error that says so."""
    try:
        yield
    except OSError as error:
        raise UnpackError(
            f"the unpacked files cannot be written: {(error.strerror or str(error)).lower()}",
            hint="free some space or choose another folder",
        ) from error
