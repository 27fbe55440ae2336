"""The way of a download into the cache, into a sink, or both."""

from __future__ import annotations

import os
import time
from contextlib import closing, nullcontext
from pathlib import Path
from typing import IO, Protocol, cast
from zlib import error as ZlibError  # noqa: N812

from isal import igzip

from zoo import sniff
from zoo.blocks import BlockFile
from zoo.errors import FetchError
from zoo.fetching.cache import Cache, Known, Part
from zoo.fetching.download import Download, Meter, fill
from zoo.fetching.source import BUFFER, Source, check, hashed
from zoo.fetching.stream import SourceChanged, redact
from zoo.paths import file_name
from zoo.store import write_all


class Sink(Protocol):
    """What takes the bytes of a source on their way, such as an unpacker."""

    keep: bool
    """The file shall be in the cache as well."""

    def reset(self) -> None:
        """Forget all that was taken: another source, or the same one, begins."""
        ...

    def take(self, name: str, head: bytes, total: int | None) -> bool:
        """Whether it takes a file that begins with ``head``, which is put like the rest then."""
        ...

    def buffer(self) -> memoryview:
        """A buffer to fill and `put`, at least as long as the head; waits for one that is free."""
        ...

    def put(self, buffer: memoryview, count: int) -> None:
        """Take the first ``count`` bytes of a buffer that `buffer` gave."""
        ...


_WORTH_CARRYING_ON = 1 << 16
"""Bytes up to which a download that broke off starts anew in the next run."""
_TRIED = 8 << 20
"""Bytes after which it is clear how long the rest will take."""
_SOON = 20.0
"""Seconds: what comes in so few is not worth writing down to carry on with, if nobody wants it kept."""


class Copy:
    """The way of a download into the cache, into a sink, or both."""

    def __init__(
        self, download: Download, key: str, source: Source, cache: Cache, meter: Meter, sink: Sink | None
    ) -> None:
        self.download = download
        self.key = key
        self.source = source
        self.cache = cache
        self.meter = meter
        self.sink = sink
        self.head = b""
        """The first bytes."""
        self.resumed = False
        """The whole was put together from parts, by this run or with a former one."""
        self.kept = True
        """The file is to stay in the cache."""
        self._part = True
        """The bytes go to the cache as they come, to carry on with after an interruption or to stay."""
        self._file: IO[bytes] | None = None

    def run(self) -> None:
        """Move the bytes, beginning again where the source changed meanwhile."""
        try:
            self._run(self.cache.unfinished(self.key))
        finally:
            if self._file is not None:
                self._file.close()

    def _run(self, part: Part | None) -> None:
        if self.sink is not None:
            self.sink.reset()
        if part is not None and self._take_up(self._opened("r+b"), part):
            self.meter.log.append(f"carried on after {self.download.offset:,} bytes")
            if self.download.offset == part.total:
                return
        retries = self.meter.retries
        while True:
            try:
                self._move()
                break
            except SourceChanged as reason:
                self.download.restart(reason)
                if self._file is not None:
                    self._file.seek(0)
                    self._file.truncate()
                self.head, self.resumed, self.kept, self._part = b"", False, True, True
                if self.sink is not None:
                    self.sink.reset()
        self.resumed = self.resumed or self.meter.retries > retries

    def _opened(self, mode: str = "wb") -> IO[bytes]:
        """The file in the cache; made when the first bytes go there, which may be never."""
        if self._file is None:
            self._file = cast("IO[bytes]", self.cache.part(self.key).open(mode, buffering=0))
        return self._file

    def _move(self) -> None:
        """Move all bytes from the current offset on."""
        download = self.download
        if download.offset == 0:
            # Enough of the start to tell what it is; a server may send it in tiny pieces.
            start = memoryview(bytearray(sniff.HEAD))
            self.head = bytes(start[: fill(download, start)])
            _refuse_early(download, self.source)
            taking = False
            if self.sink is not None and download.encoding == "identity":
                name = file_name(download.url, download.name)
                taking = self.sink.take(name, self.head, download.total)
                self.kept = self.sink.keep or not taking
            least = _WORTH_CARRYING_ON if self.kept else _TRIED
            worth = download.total is None or download.total > least
            self._part = self.kept or worth
            if worth:
                self.cache.begin(self.key, Part(
                    url=redact(download.url), validator=download.validator, total=download.total,
                    name=download.name, encoding=download.encoding,
                ))  # fmt: skip
            if taking and self.sink is not None:
                self._hand_over(self.sink)
                return
            write_all(self._opened().fileno(), memoryview(self.head))
        handle, buffer = self._opened().fileno(), memoryview(bytearray(BUFFER))
        while count := download.readinto(buffer):
            write_all(handle, buffer[:count])

    def _hand_over(self, sink: Sink) -> None:
        """Move all bytes, the head first, into the sink, and into the file where that is worth it."""
        download, offset, start, began = self.download, 0, self.head, time.monotonic()
        # What is unpacked on its way is not read again soon: it may go past the page cache.
        blocks = BlockFile(self._opened().fileno(), again=False) if self._part else None
        with nullcontext() if blocks is None else closing(blocks):
            while True:
                buffer = sink.buffer()
                buffer[: len(start)] = start
                count = len(start) + fill(download, buffer[len(start) :])
                if not count:
                    return
                if self._part and blocks is not None:
                    blocks.write(buffer[:count], offset)
                sink.put(buffer, count)
                offset, start = offset + count, b""
                if self._part and not self.kept and download.total is not None and offset >= _TRIED:
                    left = (time.monotonic() - began) * (download.total - offset) / offset
                    if left < _SOON:
                        self._part = False
                        self.cache.forget(self.key)

    def _take_up(self, file: IO[bytes], part: Part) -> bool:
        """Whether the bytes of a former run are worth carrying on; if not, they are cut off."""
        size = os.fstat(file.fileno()).st_size
        usable = part.validator or self.source.checksum
        if size and usable and (part.total is None or size <= part.total):
            self.head = file.read(sniff.HEAD)
            file.seek(0)
            self.download.resume(file, validator=part.validator, total=part.total)
            self.download.name, self.download.encoding = part.name, part.encoding
            self.resumed = True
            return True
        file.seek(0)
        file.truncate()
        return False


def keep_or_drop(key: str, source: Source, cache: Cache) -> None:
    """Keep the part of a failed download only where the next run could carry it on."""
    part = cache.unfinished(key)
    if part is None or not cache.part(key).stat().st_size or not (part.validator or source.checksum):
        cache.forget(key)


def _refuse_early(download: Download, source: Source) -> None:
    """Do not fetch gigabytes whose size says already that they are the wrong ones."""
    total = download.total
    if source.size is None or total is None or download.encoding != "identity":
        return
    if total > max(source.size, BUFFER):
        raise FetchError(
            f"{redact(download.url)}: the source holds {total:,} bytes, expected {source.size:,}",
            hint="the file was replaced, or the manifest's size is wrong",
        )


def accepted(download: Download, head: bytes, key: str, source: Source, cache: Cache) -> Known:
    """What is known of a whole download, after it was compared with what the row says."""
    path, url = cache.part(key), redact(download.url)
    digests = download.digests()
    known = Known(
        url=url, sha256=digests["sha256"], bytes=download.offset, name=download.name,
        validator=download.validator, digests=digests,
    )  # fmt: skip
    if download.encoding not in ("", "identity", "gzip", "x-gzip"):
        raise FetchError(
            f"{url}: sent with content coding {download.encoding[:40]!r}, expected the file as it is",
            hint="the server ignores what it is asked for; add a mirror",
        )
    if download.encoding in ("gzip", "x-gzip") and sniff.is_gzip(head):
        known, head = _decoded(path, known, source)
    check(url, head, known, source)
    return known


def _decoded(path: Path, known: Known, source: Source) -> tuple[Known, bytes]:
    """A file that was sent compressed, decoded in place, unless the coding is the file's own.

    Servers label ``x.tar.gz`` with the content coding gzip though that is what the file is.  So the
    coding is taken off when the checksum says so, or when the name promises something else.
    """
    checksum = source.checksum
    if checksum is not None and known.digests.get(checksum.algorithm) == checksum.value:
        return known, _head(path)
    decoded = path.with_suffix(".decoded")
    try:
        with path.open("rb") as raw, igzip.open(raw, "rb") as file, decoded.open("wb") as out:
            size = 0
            while data := file.read(BUFFER):
                out.write(data)
                size += len(data)
                if size > max(64 * known.bytes, 1 << 30):
                    raise FetchError(f"{known.url}: sent compressed, and grows more than 64 times")
        head = _head(decoded)
        with decoded.open("rb") as file:
            other = hashed(file, known.url, source, None)
    except (OSError, EOFError, ZlibError, igzip.BadGzipFile) as error:
        decoded.unlink(missing_ok=True)
        raise FetchError(f"{known.url}: sent compressed, and damaged: {error}") from error
    matches = checksum is not None and other.digests[checksum.algorithm] == checksum.value
    own = file_name(known.url, known.name).lower().endswith((".gz", ".tgz")) and not sniff.is_gzip(head)
    if own and not matches:
        decoded.unlink()
        return known, _head(path)
    decoded.replace(path)
    return Known(
        url=known.url, sha256=other.sha256, bytes=other.bytes, name=known.name, digests=other.digests
    ), head


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(sniff.HEAD)
