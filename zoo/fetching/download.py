"""The bytes of one source, in order and once, whatever the network does in between."""

from __future__ import annotations

import hashlib
import os
import random
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import IO, Any

from zoo.errors import FetchError, TransientError
from zoo.fetching.stream import RetryLaterError, SourceChanged, Stream, Timeouts, redact, too_slow

Progress = Callable[[int], None]
"""Called with the number of bytes that moved since the last call."""


@dataclass(frozen=True, kw_only=True, slots=True)
class FetchOptions:
    """Limits and patience of a fetch; times in seconds, sizes in bytes."""

    connect_seconds: float = 20.0
    stall_seconds: float = 60.0
    """How long no byte may come before the connection counts as lost."""
    seconds: float = 4 * 3600.0
    """For all sources of a row together, retries included."""
    bytes: int = 64 << 30
    """For all sources of a row together."""
    retries: int = 4
    """Tries after the first one; a try that brings a download on does not count."""
    backoff: float = 0.5
    """Wait before the first retry; doubles with each, by a random factor of 0.5 to 1.5."""
    backoff_cap: float = 30.0
    retry_after_cap: float = 120.0
    """The longest wait that a server may ask for."""
    redirects: int = 10
    per_host: int = 0
    """Downloads at a time from one HTTP(S) server, over all processes with the same cache; 0: no limit."""
    refresh: bool = False
    """Ask the source whether the file changed, even if the cache has what it gave before."""
    digests: bool = True
    """Compute the sha256 of local files that no checksum asks for; without it, it is empty."""


@dataclass(kw_only=True, slots=True)
class Meter:
    """What the sources of one row have used up together: time, bytes, retries."""

    options: FetchOptions
    progress: Progress
    deadline: float
    moved: int = 0
    retries: int = 0
    log: list[str] = field(default_factory=list)

    @classmethod
    def start(cls, options: FetchOptions, progress: Progress) -> Meter:
        """A meter at zero, whose time starts now."""
        return cls(options=options, progress=progress, deadline=time.monotonic() + options.seconds)

    def count(self, url: str, count: int) -> None:
        """Note ``count`` more bytes.

        Raises:
            FetchError: that is more than a row may have, or its time is up.
        """
        self.moved += count
        self.progress(count)
        self.room(url, 0)
        if time.monotonic() > self.deadline:
            raise too_slow(url)

    def room(self, url: str, count: int) -> None:
        """Refuse ``count`` further bytes if they are too many, before they come."""
        if self.moved + count > self.options.bytes:
            raise FetchError(
                f"{redact(url)}: {self.moved + count:,} bytes or more, "
                f"expected at most {self.options.bytes:,} for all sources of a row",
                hint="allow more bytes if the source is to be trusted",
            )


class Download:
    """A source as a file to read, with retries, resumption and digests underneath.

    Reading raises `SourceChanged` when the bytes given out so far cannot be continued; call
    `restart` then, and begin again from nothing.
    """

    def __init__(
        self, url: str, meter: Meter, *, algorithms: Collection[str] = (), checked: bool = False
    ) -> None:
        """Prepare to read ``url``; nothing is opened before the first read.

        Args:
            url: anything but a local file.
            meter: what the row has used up.
            algorithms: digests to compute beside sha256, as `hashlib` names them.
            checked: a checksum will be compared at the end, so that a source without validators may
                be resumed.
        """
        self.url = url
        self.offset = 0
        self.total: int | None = None
        self.validator: str | None = None
        self.name: str | None = None
        self.encoding = "identity"
        self._meter = meter
        self._algorithms = ("sha256", *(name for name in algorithms if name != "sha256"))
        self._checked = checked
        self._stream: Stream | None = None
        self._tries = 0
        self._mark = 0
        self._hashes = self._new_hashes()

    def _new_hashes(self) -> dict[str, Any]:
        return {name: hashlib.new(name, usedforsecurity=False) for name in self._algorithms}

    def resume(self, part: IO[bytes], *, validator: str | None, total: int | None) -> None:
        """Take the bytes of ``part`` as read: hash them, and carry on after them."""
        buffer = memoryview(bytearray(1 << 20))
        while count := part.readinto(buffer):  # type: ignore[attr-defined]
            self._hash(buffer[:count])
        self._mark, self.validator, self.total = self.offset, validator, total

    def readinto(self, view: memoryview) -> int:
        """Fill the start of ``view``; the number of bytes, 0 at the end of the source.

        Raises:
            SourceChanged: what was read so far is worthless; see `restart`.
            TransientError: the source cannot be had now, after all retries.
            FetchError: the source cannot be had, or is over a limit.
        """
        while True:
            try:
                count = self._open().readinto(view)
                if count == 0 and self.total is not None and self.offset < self.total:
                    raise TransientError(
                        f"{redact(self.url)}: the connection was closed after {self.offset:,} bytes, "
                        f"expected {self.total:,}"
                    )
            except TransientError as error:
                self.close()
                if self.offset and not (self.validator or self._checked):
                    reason = "the server gives nothing to tell whether the file is the same"
                    raise SourceChanged(reason, error) from error
                self._wait(error)
                continue
            if count:
                self._hash(view[:count])
                self._meter.count(self.url, count)
            return count

    def restart(self, reason: SourceChanged) -> None:
        """Begin again from the first byte.

        Raises:
            TransientError: that was tried often enough.
        """
        self.close()
        self._meter.log.append(f"started again from the first byte: {reason}")
        self._wait(reason.cause or TransientError(f"{redact(self.url)}: {reason}"))
        self.offset = 0
        self.total = self.validator = None
        self._hashes = self._new_hashes()

    def digests(self) -> dict[str, str]:
        """Hex digests of the bytes so far, by algorithm."""
        return {name: state.hexdigest() for name, state in self._hashes.items()}

    def close(self) -> None:
        """Let go of the connection; the next read opens another one."""
        if self._stream is not None:
            self._stream.close()
            self._stream = None

    def open(self) -> None:
        """Ask the source without reading: ``total``, ``validator`` and ``name`` are known then."""
        while self._stream is None:
            try:
                self._open()
            except TransientError as error:
                self._wait(error)

    def _hash(self, view: memoryview) -> None:
        for state in self._hashes.values():
            state.update(view)
        self.offset += len(view)

    def _open(self) -> Stream:
        if self._stream is not None:
            return self._stream
        stream = _open(self.url, self.offset, self.validator, self._meter)
        try:
            if self.offset:
                for what, before, now in (
                    ("size", self.total, stream.total),
                    ("validator", self.validator, stream.validator),
                    ("encoding", self.encoding, stream.encoding),
                ):
                    if before is not None and now is not None and before != now:
                        raise SourceChanged(
                            f"the file on the server has changed: {what} {before} is now {now}"
                        )
            if stream.total is not None:
                self._meter.room(self.url, stream.total - self.offset)
        except BaseException:
            stream.close()
            raise
        self.total = stream.total if stream.total is not None else self.total
        self.validator = stream.validator or self.validator
        self.name = stream.filename
        self.encoding = stream.encoding
        self._stream = stream
        return stream

    def _wait(self, error: TransientError) -> None:
        """Sleep before the next try, or raise ``error`` when there shall be none."""
        options = self._meter.options
        if self.offset - self._mark >= max(1, min(1 << 20, (self.total or 1 << 30) // 20)):
            self._tries = 0
        self._mark = max(self._mark, self.offset)
        self._tries += 1
        if self._tries > options.retries:
            tries = f"{self._tries} tries" if self._tries > 1 else "one try"
            raise TransientError(f"{error.message}, after {tries}", hint=error.hint) from error
        seconds = min(options.backoff_cap, options.backoff * 2 ** (self._tries - 1))
        seconds *= random.uniform(0.5, 1.5)  # noqa: S311 (spreads clients out, guards nothing)
        if isinstance(error, RetryLaterError) and error.seconds:
            if error.seconds > options.retry_after_cap:
                raise TransientError(
                    f"{error.message} and asks to come back in {error.seconds:.0f} s, "
                    f"more than {options.retry_after_cap:g} s",
                    hint="run again later; what is done is not done again",
                ) from error
            seconds = max(seconds, error.seconds)
        if time.monotonic() + seconds > self._meter.deadline:
            raise too_slow(self.url) from error
        self._meter.retries += 1
        time.sleep(seconds)


def fill(download: Download, view: memoryview) -> int:
    """Fill all of ``view``, as far as the bytes go; how many there were."""
    done = 0
    while done < len(view) and (count := download.readinto(view[done:])):
        done += count
    return done


def _open(url: str, start: int, validator: str | None, meter: Meter) -> Stream:
    options = meter.options
    if url.lower().startswith(("http://", "https://")) and "::" not in url:
        from zoo.fetching.http import open_http  # with TLS and all; a local file needs none of it

        timeouts = Timeouts(
            connect=options.connect_seconds, stall=options.stall_seconds, deadline=meter.deadline
        )
        return open_http(
            url, start=start, validator=validator, timeouts=timeouts, redirects=options.redirects
        )
    return FilesystemStream(url, start, validator)


def filesystem_of(url: str, **options: Any) -> tuple[Any, str]:
    """The file system that fsspec has for a URL, and the path of it there.

    Raises:
        Exception: anything, each library has its own; an ImportError where one is missing.
    """
    import fsspec  # 0.1 s that http needs not pay

    # gcsfs asks for the kind of every bucket over a second channel, which takes a login even where
    # anybody may read, and complains in the terminal; kinds make no difference to reading and writing.
    os.environ.setdefault("GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT", "false")
    found: tuple[Any, str] = fsspec.core.url_to_fs(url, **options)
    return found


class FilesystemStream:
    """A file of any protocol that fsspec has; see `zoo.fetching.stream.Stream`."""

    def __init__(self, url: str, start: int, validator: str | None) -> None:
        self.encoding = "identity"
        self.filename: str | None = None
        self.start = start
        self.url = url
        try:
            filesystem, path = filesystem_of(url)
            info = filesystem.info(path)
            if info.get("type") == "directory":
                raise FetchError(
                    f"{redact(url)}: a folder, expected a file",
                    hint="pack it, or give the URL of each file, separated by blanks",
                )
            self.total: int | None = info.get("size")
            self.validator: str | None = str(filesystem.ukey(path))
            if start and validator != self.validator:
                raise SourceChanged("the file has changed")
            # Blocks are fetched one after the other: what fsspec would keep of them is of no use.
            self._file: Any = filesystem.open(path, "rb", block_size=8 << 20, cache_type="readahead")
            if start:
                self._file.seek(start)
        except (FetchError, SourceChanged):
            raise
        except Exception as error:
            raise _foreign(url, error) from error

    def readinto(self, view: memoryview) -> int:
        """See `zoo.fetching.stream.Stream.readinto`."""
        try:
            return int(self._file.readinto(view))
        except Exception as error:
            raise _foreign(self.url, error) from error

    def close(self) -> None:
        """See `zoo.fetching.stream.Stream.close`."""
        self._file.close()


def _foreign(url: str, error: Exception) -> FetchError:
    """What a file system of fsspec raised, which may be anything, as an error of ours."""
    name, words = redact(url), redact(str(error))[:300] or type(error).__name__
    if isinstance(error, ImportError):
        return FetchError(f"{name}: this protocol needs another package: {words}", hint="install it with pip")
    if isinstance(error, FileNotFoundError):
        return FetchError(f"{name}: there is no such file", hint="check the URL, or add a mirror")
    if isinstance(error, PermissionError):
        return FetchError(
            f"{name}: not allowed to read it: {words}", hint="check the login for this protocol"
        )
    if isinstance(error, (OSError, TimeoutError)):
        return TransientError(f"{name}: {words}")
    return FetchError(f"{name}: {type(error).__name__}: {words}")
