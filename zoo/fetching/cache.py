"""The download cache: whole files by digest, what each URL gave, and parts to carry on with.

    cache/objects/ab/ab12…      a file, named by its sha256
    cache/urls/<key>.json       what a URL gave last time: digest, size, validator
    cache/partial/<key>.part    a download that was interrupted, and <key>.json, what it is a part of
    cache/partial/locks         a byte for each key, locked by who downloads it

``key`` is the digest of the URL, which may hold secrets.  Any number of processes share a cache: one
at a time downloads a URL, and what appears under ``objects`` and ``urls`` is whole.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import msgspec

from zoo.errors import FetchError
from zoo.records import from_json, to_json
from zoo.store import replace

T = TypeVar("T")


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """What a URL gave: the object it is kept as."""

    url: str
    """Redacted; for people who look into the cache."""
    sha256: str
    bytes: int
    name: str | None = None
    """What the source called the file."""
    validator: str | None = None
    digests: dict[str, str] = {}
    """Other digests of the bytes, by algorithm."""


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """What an interrupted download is a part of."""

    url: str
    validator: str | None = None
    total: int | None = None
    name: str | None = None
    encoding: str = "identity"


class Cache:
    """A cache folder; made when something is first put into it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def object(self, sha256: str) -> Path:
        """Where the file with a digest is, or would be."""
        return self.folder / "objects" / sha256[:2] / sha256

    def part(self, key: str) -> Path:
        """Where the bytes of an unfinished download are."""
        return self.folder / "partial" / f"{key}.part"

    def known(self, key: str) -> Known | None:
        """What a URL gave, if the whole file is still here."""
        known = _load(self.folder / "urls" / f"{key}.json", Known)
        if known is None or self.size(known.sha256) != known.bytes:
            return None
        return known

    def size(self, sha256: str) -> int | None:
        """Bytes of the file with a digest, None when it is not here."""
        try:
            return self.object(sha256).stat().st_size
        except OSError:
            return None

    def remember(self, key: str, known: Known) -> None:
        """Note what a URL gave."""
        replace(self.folder / "urls" / f"{key}.json", to_json(known))

    def forget(self, key: str) -> None:
        """Drop the part of a download."""
        self.part(key).unlink(missing_ok=True)
        self.part(key).with_suffix(".json").unlink(missing_ok=True)

    def unfinished(self, key: str) -> Part | None:
        """What the part of a download, if there is one, is a part of."""
        return _load(self.part(key).with_suffix(".json"), Part) if self.part(key).exists() else None

    def begin(self, key: str, part: Part) -> None:
        """Note what the bytes that now go to `part` are a part of.

        Half a note is no note: it is written in place, since a rename takes a millisecond.
        """
        self.part(key).with_suffix(".json").write_bytes(to_json(part))

    def publish(self, path: Path, sha256: str) -> Path:
        """Move a whole file of this file system to its place among the objects."""
        target = self.object(sha256)
        target.parent.mkdir(parents=True, exist_ok=True)
        path.replace(target)
        return target

    @contextmanager
    def locked(self, key: str, *, name: str, deadline: float) -> Iterator[None]:
        """Keep other processes and threads from downloading the same URL, called ``name``, meanwhile.

        Raises:
            FetchError: another one held it until ``deadline`` on the clock of `time.monotonic`.
        """
        # Far beyond the end of one empty file: to make and remove a file for each URL takes longer than
        # all else about a small download, see `zoo.unpacking.spares`.
        wanted = struct.pack("hhqqi4x", fcntl.F_WRLCK, os.SEEK_SET, int(key[:15], 16), 1, 0)
        handle = _opened(self.folder / "partial" / "locks")
        try:
            pause = 0.001
            while True:
                try:
                    # Owned by the open file, unlike those of `fcntl.lockf`, so that threads count, too.
                    fcntl.fcntl(handle, fcntl.F_OFD_SETLK, wanted)
                    break
                except OSError as error:
                    if error.errno not in (errno.EAGAIN, errno.EACCES):
                        raise
                    if time.monotonic() > deadline:
                        raise FetchError(
                            f"{name}: another process was downloading it until the time for a row was up",
                            hint="run again when it is done; what it finished is used then",
                        ) from None
                    time.sleep(pause)
                    pause = min(0.2, pause * 2)
            yield
        finally:
            os.close(handle)


def key_of(url: str) -> str:
    """The name that a URL has in the cache."""
    return hashlib.sha256(url.encode("utf-8", "surrogatepass")).hexdigest()[:40]


def _opened(path: Path) -> int:
    """The handle of a file, which is made if it must be, and its folder as well."""
    flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC
    try:
        return os.open(path, flags, 0o644)
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
        return os.open(path, flags, 0o644)


def _load(path: Path, kind: type[T]) -> T | None:
    """The record in a file; None when it is not there or from another version of ours."""
    try:
        return from_json(path.read_bytes(), kind)
    except (OSError, msgspec.DecodeError):
        return None
