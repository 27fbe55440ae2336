"""Fetch and unpack in one pass: bytes go from the socket through the digest and the decoder to files.

    this thread     socket ─► sha256 ─► (cache) ─► buffers ─┐
    another one              files ◄─ tar ◄─ inflate ◄──────┘

Nothing is published before size, checksum and the archive's own checks agree.  What needs its end first
(a zip), comes in several files, or is in the cache already, takes the two steps of `fetch` and `unpack`.
"""

from __future__ import annotations

import threading
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from queue import SimpleQueue

from zoo import sniff
from zoo.blocks import new_block
from zoo.fetch import Fetched, FetchOptions, fetch_through
from zoo.fetching.download import Progress
from zoo.records import Row
from zoo.store import empty, staging
from zoo.unpack import Unpacked, can_stream, disk, finished, unpack_file, unpack_stream
from zoo.unpacking.members import Limits, Members

DEPTH = 4
"""Buffers between the two threads."""
SMALL = 1 << 20
"""Bytes of an archive that is kept in memory and unpacked without a second thread."""


def fetch_and_unpack(
    row: Row,
    cache: Path,
    folder: Path,
    *,
    options: FetchOptions,
    limits: Limits,
    progress: Progress,
    keep: bool = True,
) -> tuple[tuple[Fetched, ...], Unpacked]:
    """The sources of a row fetched, checked, and their files in ``folder``, which is whole or not there.

    The same as `zoo.fetch.fetch` and then `zoo.unpack.unpack`, but for sources with the role ``graph``,
    which are fetched and not unpacked.

    Args:
        row: what to fetch.
        cache: folder of the download cache.
        folder: where the files go.
        options: limits and patience of the fetch.
        limits: how much may be unpacked.
        progress: called with the number of bytes that were fetched since the last call.
        keep: put the archive into the cache as well.  Without it an archive that is unpacked on its way
            is nowhere afterwards (``path`` names no file), and an interrupted download of it starts anew.

    Raises:
        FetchError: a source cannot be had, or is not what the row says.
        UnpackError: it is what the row says, and is damaged, unsafe, over a limit or of no known kind.
    """
    with disk(), staging(folder) as staged:
        fetched, found = fetch_into(
            staged, row, cache, options=options, limits=limits, progress=progress, keep=keep
        )
    return fetched, replace(found, root=folder)


def fetch_into(
    root: Path,
    row: Row,
    cache: Path,
    *,
    options: FetchOptions,
    limits: Limits,
    progress: Progress,
    keep: bool = True,
) -> tuple[tuple[Fetched, ...], Unpacked]:
    """The same as `fetch_and_unpack`, but into an empty folder, where anything may lie after an error.

    Raises:
        ZooError: as with `fetch_and_unpack`.
    """
    with disk():
        sink = _Unpacker(root, limits, keep=keep, patient=bool(any(row.checksums) or row.sizes))
        try:
            fetched = fetch_through(row, cache, sink, options=options, progress=progress)
            members = sink.finish()
        finally:
            sink.reset()
        if members is None:
            empty(root)
            members = Members(root, limits)
            for one in fetched:
                if one.role == "model":
                    members.begin(one.name, one.archive.bytes)
                    unpack_file(one.path, one.name, members)
                    members.settle()
        return fetched, finished(members)


class _Abandoned(Exception):  # noqa: N818 (it ends a thread and goes nowhere)
    """The bytes end here because nobody wants what they would become."""


class _Unpacker:
    """A `zoo.fetch.Sink` that unpacks."""

    def __init__(self, root: Path, limits: Limits, *, keep: bool, patient: bool) -> None:
        """Prepare to take a source.

        Args:
            root: folder that holds nothing else.
            limits: how much may be unpacked.
            keep: see `fetch_and_unpack`.
            patient: when the archive turns out to be bad, have the rest of it fetched nonetheless: its
                checksum tells whether the archive is bad, or is another one.
        """
        self.keep = keep
        self._root = root
        self._limits = limits
        self._patient = patient
        self._members: Members | None = None
        self._small: bytearray | None = None
        self._kind: sniff.Kind = "empty"
        self._name = ""
        self._thread: threading.Thread | None = None
        self._free: SimpleQueue[memoryview] = SimpleQueue()
        self._full: SimpleQueue[tuple[memoryview, int] | None] = SimpleQueue()
        self._error: BaseException | None = None

    def reset(self) -> None:
        """See `zoo.fetch.Sink.reset`."""
        if self._thread is not None:
            self._full.put(None)
            self._thread.join()
        self._thread = self._members = self._small = self._error = None

    def take(self, name: str, head: bytes, total: int | None) -> bool:
        """See `zoo.fetch.Sink.take`."""
        self._kind, self._name = sniff.identify(head), name
        if not can_stream(self._kind):
            return False
        empty(self._root)
        self._members = Members(self._root, self._limits)
        self._members.begin(name, 0)
        self._free, self._full = SimpleQueue(), SimpleQueue()
        if total is not None and total <= SMALL:
            self._small = bytearray()
            self._free.put(memoryview(bytearray(total)))
            return True
        for _ in range(DEPTH):
            self._free.put(new_block())
        self._thread = threading.Thread(target=self._run, args=(self._members,), name="unpack", daemon=True)
        self._thread.start()
        return True

    def buffer(self) -> memoryview:
        """See `zoo.fetch.Sink.buffer`."""
        return self._free.get()

    def put(self, buffer: memoryview, count: int) -> None:
        """See `zoo.fetch.Sink.put`."""
        if self._small is not None:
            self._small += buffer[:count]
            self._free.put(buffer)
            return
        if self._error is not None and not self._patient:
            raise self._error
        self._full.put((buffer, count))

    def finish(self) -> Members | None:
        """The members of the source that was taken, None when none was.

        Raises:
            UnpackError: it is damaged, unsafe or over a limit.
        """
        members = self._members
        if members is None:
            return None
        if self._small is not None:
            members.packed = len(self._small)
            unpack_stream(self._kind, BytesIO(self._small), self._name, members)
        elif self._thread is not None:
            self._full.put((memoryview(b""), 0))
            self._thread.join()
            self._thread = None
            if self._error is not None:
                raise self._error
        members.settle()
        return members

    def _run(self, members: Members) -> None:
        """What the second thread does."""
        reader = _Queue(self._full, self._free, members)
        try:
            with disk():
                unpack_stream(self._kind, reader, self._name, members)
        except _Abandoned:
            return
        except BaseException as error:  # it belongs to the thread that waits for this one
            self._error = error
        try:
            reader.drain()
        except _Abandoned:
            return


class _Queue:
    """The buffers that come from the other thread, as a reader."""

    def __init__(
        self,
        full: SimpleQueue[tuple[memoryview, int] | None],
        free: SimpleQueue[memoryview],
        members: Members,
    ) -> None:
        self._full = full
        self._free = free
        self._members = members
        self._buffer = self._rest = memoryview(b"")
        self._ended = False

    def readinto(self, view: memoryview, /) -> int:
        if not self._rest and not self._next():
            return 0
        count = min(len(view), len(self._rest))
        view[:count] = self._rest[:count]
        self._rest = self._rest[count:]
        return count

    def drain(self) -> None:
        """Read to the end, so that the other thread never waits for a buffer."""
        while self._next():
            continue

    def _next(self) -> bool:
        if self._ended:
            return False
        if self._buffer:
            self._free.put(self._buffer)
            self._buffer = memoryview(b"")
        item = self._full.get()
        if item is None:
            self._ended = True
            raise _Abandoned
        self._buffer, count = item
        self._rest = self._buffer[:count]
        self._members.packed += count
        self._ended = count == 0
        return not self._ended
