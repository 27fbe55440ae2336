"""Members of archives on their way to disk: what may be written, where, and how much of it.

Archives come from strangers.  Nothing here trusts a name or a size: every file lies below the root,
is new, is plain, and the sum of all is limited.  Links are never made: a link to a file of the same
archive becomes that file, at the end, when all are there.
"""

from __future__ import annotations

import os
import posixpath
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from zoo.blocks import Behind, BlockFile
from zoo.errors import UnpackError
from zoo.paths import COMPONENT_BYTES, DEPTH, PATH_LENGTH, escaped
from zoo.store import write_all
from zoo.unpacking.inflate import Reader
from zoo.unpacking.spares import LARGE, Spares

BUFFER = 1 << 20
_NOTES = 20
_MAC_FILES = frozenset([".DS_Store", "Icon\r"])


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """How much one model may unpack to."""

    bytes: int = 64 << 30
    files: int = 100_000
    """Folders count too."""
    ratio: int = 250
    """Unpacked bytes for each packed one; deflate reaches 1032 on zeros, weights hardly 2."""
    ratio_from: int = 1 << 28
    """Unpacked bytes up to which the ratio does not matter: fresh optimizer slots are zeros."""
    room: Callable[[int], None] | None = None
    """Called with bytes that are about to be kept; may wait for others to make room."""
    spares: Spares | None = None
    """Files to write over in place of making new ones."""


class Members:
    """The folder that members are written to, and the account of what was written."""

    def __init__(self, root: Path, limits: Limits) -> None:
        self.root = root
        self.limits = limits
        self.source = ""
        """Whose members these are, for messages."""
        self.packed = 0
        """Bytes of the archives so far."""
        self.bytes = 0
        """Bytes of the files that are there."""
        self.passed = 0
        """Bytes that were read and not kept."""
        self.files: list[str] = []
        """Paths below the root, in the order they were written."""
        self.notes: list[str] = []
        self.buffer = memoryview(bytearray(BUFFER))
        self._taken: dict[str, tuple[str, bool, int]] = {}  # folded path: path, is a folder, source
        self._links: list[tuple[str, str, str]] = []
        self._ignored = 0
        self._escaped: set[str] = set()
        self._entries = 0
        self._number = 0

    def begin(self, source: str, packed: int) -> None:
        """Take members of another source from now on, which has ``packed`` bytes."""
        self.source = source
        self.packed += packed
        self._number += 1

    def refuse(self, member: str, why: str, *, hint: str | None = None) -> UnpackError:
        """The error for a member that is not written."""
        shown = member if len(member) <= 120 else f"{member[:80]}…{member[-30:]}"
        return UnpackError(
            f"{self.source}: member {shown!r} {why}",
            hint=hint or "the archive is unsafe: do not unpack it elsewhere either without a look",
        )

    def folder(self, name: str) -> None:
        """Make a folder."""
        path = self._place(name, folder=True)
        if path:
            (self.root / path).mkdir(parents=True, exist_ok=True)

    def file(self, name: str, reader: Reader, size: int | None) -> None:
        """Write a file of ``size`` bytes, or of all there are, from ``reader``.

        Raises:
            UnpackError: the name is unsafe, a limit is passed, or there are fewer bytes.
        """
        path = self._place(name)
        left = size
        if path is None:
            left = self.pass_by(reader, left)
        else:
            with self._new(path, size=size) as handle:
                if size is None or size >= LARGE:
                    # New memory for what is written can cost as much as decoding it.
                    with closing(BlockFile(handle)) as blocks, Behind(blocks.write) as behind:
                        left = self._take(name, reader, left, behind.room, behind.fill)
                else:
                    buffer = self.buffer
                    left = self._take(
                        name, reader, left, lambda: buffer, lambda count: write_all(handle, buffer[:count])
                    )
        if left:
            raise self.refuse(
                name, f"ends {left:,} bytes early", hint="the archive was cut short: fetch it again"
            )

    def _take(
        self,
        name: str,
        reader: Reader,
        left: int | None,
        room: Callable[[], memoryview],
        fill: Callable[[int], object],
    ) -> int | None:
        """Read ``left`` bytes, or all there are, into ``room()``; how many were missing."""
        while left is None or left:
            view = room()
            count = reader.readinto(view if left is None else view[:left]) or 0
            if not count:
                break
            self._count(name, count)
            fill(count)
            left = None if left is None else left - count
        return left

    def adopt(self, name: str, file: Path) -> None:
        """Have a whole file of this machine under ``name``, without a copy where that can be."""
        path = self._place(name)
        if path is None:
            return
        self._count(name, file.stat().st_size)
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.link(file, target)
        except OSError:  # another disk, or a file system without hard links
            with file.open("rb", buffering=0) as reader, self._new(path, note=False) as handle:
                while count := reader.readinto(self.buffer):
                    write_all(handle, self.buffer[:count])
        self.files.append(path)

    def link(self, name: str, target: str, *, hard: bool) -> None:
        """Note a link, to be settled by `settle`; refuse one that leads out."""
        path = self._place(name)
        if path is None:
            return
        if target.startswith("/") or "\x00" in target:
            raise self.refuse(name, f"is a link to {target[:120]!r}, outside the archive")
        base = "" if hard else posixpath.dirname(path)
        there = posixpath.normpath(posixpath.join(base, *map(escaped, target.split("/"))))
        if there == ".." or there.startswith("../"):
            raise self.refuse(name, f"is a link to {target[:120]!r}, outside the archive")
        self._links.append((path, there, name))

    def settle(self) -> None:
        """Put the file that each link leads to in its place; links to folders are left out.

        Raises:
            UnpackError: links lead in a circle.
        """
        targets = {path: there for path, there, _ in self._links}
        written = set(self.files)
        for path, there, name in self._links:
            seen = {path}
            while there in targets and there not in written:
                if there in seen:
                    raise self.refuse(name, "is a link in a circle")
                seen.add(there)
                there = targets[there]
            source = self.root / there
            if there in written and source.is_file():
                self._count(name, 0)
                (self.root / path).parent.mkdir(parents=True, exist_ok=True)
                try:
                    os.link(source, self.root / path)
                except OSError:
                    self._count(name, source.stat().st_size)
                    with source.open("rb", buffering=0) as reader, self._new(path, note=False) as handle:
                        while count := reader.readinto(self.buffer):
                            write_all(handle, self.buffer[:count])
                self.files.append(path)
                written.add(path)
            else:
                what = "a folder" if source.is_dir() else "nothing in the archive"
                self.notes.append(f"left out the link {name!r}: it leads to {what}")
        self._links.clear()
        if self._ignored:
            files = "file" if self._ignored == 1 else "files"
            self.notes.append(f"left out {self._ignored} {files} of macOS's own (._*, __MACOSX, .DS_Store)")
            self._ignored = 0

    def release(self, path: str) -> None:
        """Forget a file that was written and is to be unpacked itself."""
        self.files.remove(path)
        size = (self.root / path).stat().st_size
        self.bytes -= size
        self.passed += size
        self._taken.clear()
        self._number = 0

    def _place(self, name: str, *, folder: bool = False) -> str | None:
        """Where a member goes below the root, None for one to leave out."""
        self._entries += 1
        if self._entries > self.limits.files:
            raise UnpackError(
                f"{self.source}: more than {self.limits.files:,} members",
                hint="expected a model; raise the limit if the archive is to be trusted",
            )
        parts = [part for part in name.split("/") if part not in ("", ".")]
        if any(part == "__MACOSX" for part in parts) or (
            parts and not folder and (parts[-1].startswith("._") or parts[-1] in _MAC_FILES)
        ):
            self._ignored += 1
            return None
        if name.startswith("/"):
            raise self.refuse(name, "has an absolute path")
        if ".." in parts:
            raise self.refuse(name, "leads out of the archive")
        if control := next((character for character in name if character < " " or character == "\x7f"), None):
            raise self.refuse(name, f"has the control character U+{ord(control):04X} in its name")
        safe = [escaped(part) for part in parts]
        for part, kept in zip(parts, safe, strict=True):
            if part != kept and part not in self._escaped and len(self._escaped) < _NOTES:
                self._escaped.add(part)
                self.notes.append(f"the name {part!r} is kept as {kept!r}")
        if not safe:
            if folder:
                return None
            raise self.refuse(name, "has no name")
        path = "/".join(safe)
        if len(path) > PATH_LENGTH or any(len(part.encode("utf-8")) > COMPONENT_BYTES for part in safe):
            raise self.refuse(name, f"has a name of {len(name):,} characters, which no file system takes")
        if len(safe) > DEPTH:
            raise self.refuse(name, f"lies {len(safe)} folders deep, expected at most {DEPTH}")
        return self._claim(name, path, folder=folder)

    def _claim(self, name: str, path: str, *, folder: bool) -> str:
        """``path``, now taken by this member; beside it when another source has it already."""
        aside = f"source-{self._number}/"
        clash = self._clash(path, folder=folder)
        if clash is not None and clash[2] != self._number and not path.startswith(aside):
            self.notes.append(f"{path!r} is in more than one source: that of {self.source!r} is in {aside!r}")
            path = aside + path
            clash = self._clash(path, folder=folder)
        if clash is not None:
            other, _, _ = clash
            if other == path:
                raise self.refuse(name, "is in the archive twice")
            if path.startswith(other + "/"):
                raise self.refuse(name, f"lies below {other!r}, which is no folder")
            raise self.refuse(name, f"differs from {other!r} in upper and lower case only")
        parts = path.split("/")
        for depth in range(1, len(parts)):
            above = "/".join(parts[:depth])
            self._taken.setdefault(above.casefold(), (above, True, self._number))
        self._taken.setdefault(path.casefold(), (path, folder, self._number))
        return path

    def _clash(self, path: str, *, folder: bool) -> tuple[str, bool, int] | None:
        """What stands in the way of ``path``: itself, or something in place of a folder above it."""
        parts = path.split("/")
        for depth in range(1, len(parts) + 1):
            above = "/".join(parts[:depth])
            taken = self._taken.get(above.casefold())
            if taken is None:
                return None
            as_folder = depth < len(parts) or folder
            if taken[0] != above or not (taken[1] and as_folder):
                return taken
        return None

    def _count(self, name: str, count: int, *, kept: bool = True) -> None:
        if kept:
            self.bytes += count
            if self.limits.room is not None:
                self.limits.room(count)
        else:
            self.passed += count
        limits, total = self.limits, self.bytes + self.passed
        if total > limits.bytes:
            raise self.refuse(
                name,
                f"brings the total to more than {limits.bytes:,} bytes",
                hint="raise the limit if the archive is to be trusted",
            )
        if total > limits.ratio_from and total > limits.ratio * max(self.packed, 1):
            raise self.refuse(
                name,
                f"brings {self.packed:,} packed bytes to {total:,}, more than {limits.ratio} times as much",
                hint="this looks like a bomb; raise the limit if the archive is to be trusted",
            )

    def pass_by(self, reader: Reader, left: int | None = None) -> int | None:
        """Read ``left`` bytes, or all there are, and keep none; how many were missing."""
        while left is None or left:
            view = self.buffer if left is None or left >= BUFFER else self.buffer[:left]
            count = reader.readinto(view) or 0
            if not count:
                break
            self._count("", count, kept=False)
            left = None if left is None else left - count
        return left

    @contextmanager
    def _new(self, path: str, *, size: int | None = 0, note: bool = True) -> Iterator[int]:
        """A file of ``size`` bytes, if that is known, to write front to back; its handle."""
        target = self.root / path
        if "/" in path:
            target.parent.mkdir(parents=True, exist_ok=True)
        spare = None if self.limits.spares is None else self.limits.spares.take(target, size)
        handle = spare
        if handle is None:
            handle = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o644)
        try:
            yield handle
        finally:
            if spare is not None:
                os.ftruncate(spare, os.lseek(spare, 0, os.SEEK_CUR))
            os.close(handle)
        if note:
            self.files.append(path)
