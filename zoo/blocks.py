"""Large files in blocks, each written the way that costs less here and now, and read back that way.

The page cache costs a copy and a page for each 4 kB; on a virtual machine whose host gives memory as it
is touched, a new page costs ten times the copy.  A fast disk takes blocks past the cache for a tenth
of the processor time, a slow one makes us wait.  So both ways are tried on a few blocks, and again every
now and then, and the cheaper one gets the rest.  The bytes in the file are the same.
"""

from __future__ import annotations

import fcntl
import mmap
import os
import threading
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from queue import SimpleQueue
from time import perf_counter, thread_time
from types import TracebackType

BLOCK = 1 << 20
_PAGE = 4096
"""What begins and ends at multiples of this can go past the cache."""
_TRIES = 3
"""Blocks that each way gets at first."""
_AGAIN = 48
"""Of so many blocks, one goes the way that was dearer."""
_WAITING = 0.25
"""What a second of waiting counts for where others have the processor meanwhile."""
_LEAST = 1 << 15
"""Bytes from which on it is worth to read from the disk what is not in the cache."""
_FILES = 256
"""Files of which it is known at most how they were written."""
_SPARE = 8
"""Buffers of closed readers that are kept at most."""
_DEPTH = 3
"""Blocks on their way to the thread that writes."""


def new_block() -> memoryview:
    """Memory for a block; it begins at a page, as a way past the cache wants it."""
    return memoryview(mmap.mmap(-1, BLOCK))


class _Ways:
    """What each way took of late in this process, and which files went which way."""

    def __init__(self) -> None:
        self._took: dict[bool, deque[tuple[float, float]]] = {
            False: deque(maxlen=8),
            True: deque(maxlen=8),
        }
        self._count = 0
        self._files: dict[tuple[int, int], list[bool]] = {}
        self.lock = threading.Lock()

    def choose(self, waiting: float, price: float) -> bool:
        """Whether the next block goes past the cache."""
        with self.lock:
            for way in (False, True):
                if len(self._took[way]) < _TRIES:
                    return way
            self._count += 1
            past = price * self._cost(True, waiting)
            return (past < self._cost(False, waiting)) != (self._count % _AGAIN == 0)

    def _cost(self, past: bool, waiting: float) -> float:
        # The lower quartile: a processor that others use makes single blocks slow, whichever way.
        costs = sorted(busy + waiting * wait for busy, wait in self._took[past])
        return costs[len(costs) // 4]

    def took(self, past: bool, busy: float, wait: float) -> None:
        """Seconds of the processor and of waiting that a block took."""
        with self.lock:
            self._took[past].append((busy, wait))

    def begin(self, handle: int) -> list[bool]:
        """A list for which blocks of a file go past the cache, to be added to by who writes it."""
        status = os.fstat(handle)
        key = status.st_dev, status.st_ino
        past: list[bool] = []
        with self.lock:
            self._files.pop(key, None)
            while len(self._files) >= _FILES:
                del self._files[next(iter(self._files))]
            self._files[key] = past
        return past

    def of(self, handle: int) -> Sequence[bool]:
        """Which blocks of a file went past the cache, as far as this process wrote it."""
        status = os.fstat(handle)
        return self._files.get((status.st_dev, status.st_ino), ())


_ways = _Ways()


class BlockFile:
    """An open file that is written front to back, a block at a time."""

    def __init__(self, handle: int, *, again: bool = True, others: bool = True) -> None:
        """Write to ``handle``.

        Args:
            handle: of a file that is open for writing.
            again: the file is read back soon.
            others: there is other work for the processor while this waits for the disk.
        """
        self._waiting = _WAITING if others else 1.0
        # Reading from a disk takes as long as writing, so what is read back pays for that way twice.
        self._price = 2.0 if again else 1.0
        self._past = _ways.begin(handle)
        self._handle = handle
        self._able = hasattr(os, "O_DIRECT")
        self._plain = self._flags = fcntl.fcntl(handle, fcntl.F_GETFL)

    def write(self, view: memoryview, offset: int) -> None:
        """Write all of ``view`` at ``offset``; what is no whole block from `new_block` goes to the cache."""
        whole = len(view) == BLOCK and offset == len(self._past) * BLOCK
        past = whole and self._able and _ways.choose(self._waiting, self._price)
        start, busy = perf_counter(), thread_time()
        if past and not self._write_past(view, offset):
            self._able = past = False
        if not past:
            self._set(self._plain)
            while view:
                done = os.pwrite(self._handle, view, offset)
                view, offset = view[done:], offset + done
        if whole:
            busy = thread_time() - busy
            _ways.took(past, busy, perf_counter() - start - busy)
            self._past.append(past)

    def close(self) -> None:
        """Leave the handle as it was."""
        self._set(self._plain)

    def _write_past(self, view: memoryview, offset: int) -> bool:
        try:
            self._set(self._plain | os.O_DIRECT)
            return os.pwrite(self._handle, view, offset) == len(view)
        except OSError:
            return False  # the file system has no such way, or no room: the other way says which

    def _set(self, flags: int) -> None:
        if flags != self._flags:
            fcntl.fcntl(self._handle, fcntl.F_SETFL, flags)
            self._flags = flags


_buffers: list[memoryview] = []
"""Of readers that are closed, for the next ones."""


def _after_fork() -> None:
    """Take nothing over that a forked process shares with its parent: such memory, a lock that is held."""
    _buffers.clear()
    _ways.lock = threading.Lock()


os.register_at_fork(after_in_child=_after_fork)


class BlockReader:
    """A file that is read the way each of its blocks was written, if that was in this process."""

    def __init__(self, path: Path) -> None:
        """Open the file.

        Raises:
            OSError: it cannot be opened.
        """
        try:
            self._buffer = _buffers.pop()
        except IndexError:
            self._buffer = memoryview(mmap.mmap(-1, BLOCK + 2 * _PAGE))
        self._path = path
        self._handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        self._direct: int | None = None
        self._past = _ways.of(self._handle)

    def read(self, at: int, count: int) -> memoryview:
        """Up to ``count`` bytes, and up to a block; nothing at the end only.

        They hold until the next read or `close`.

        Raises:
            OSError: the file cannot be read.
        """
        count = min(count, BLOCK)
        if self._past and count > 0:
            first, last = at // BLOCK, (at + count - 1) // BLOCK
            past = self._went_past(first)
            if first != last and self._went_past(last) != past:
                count = last * BLOCK - at
            if past and count >= _LEAST and (found := self._read_past(at, count)):
                return found
        return self._buffer[: os.preadv(self._handle, [self._buffer[:count]], at)]

    def close(self) -> None:
        """Close the file."""
        os.close(self._handle)
        if self._direct is not None:
            os.close(self._direct)
        if len(_buffers) < _SPARE:
            _buffers.append(self._buffer)

    def _went_past(self, number: int) -> bool:
        return number < len(self._past) and self._past[number]

    def _read_past(self, at: int, count: int) -> memoryview | None:
        start, end = at // _PAGE * _PAGE, -(-(at + count) // _PAGE) * _PAGE
        try:
            if self._direct is None:
                self._direct = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC | os.O_DIRECT)
                if not os.path.sameopenfile(self._direct, self._handle):
                    self._past = ()  # another file has taken the path; this one is read to its end
            if not self._past:
                return None
            got = os.preadv(self._direct, [self._buffer[: end - start]], start)
        except OSError:
            return None
        return self._buffer[at - start : min(got, at - start + count)]


Step = Callable[[memoryview, int], object]
"""Called with a block, and the offset where it belongs."""


class Behind:
    """What takes bytes and passes them on, block by block, in another thread."""

    def __init__(self, step: Step) -> None:
        """Have each block go through ``step``."""
        self._free: SimpleQueue[memoryview] = SimpleQueue()
        for _ in range(_DEPTH):
            self._free.put(new_block())
        self._block = self._free.get()
        self._used = self._offset = 0
        self._error: BaseException | None = None
        self._step = step
        self._full: SimpleQueue[tuple[memoryview, int] | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="write", daemon=True)

    def __enter__(self) -> Behind:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None and self._used:
            self._full.put((self._block[: self._used], self._offset))
        self._full.put(None)
        self._thread.join()
        if error is None and self._error is not None:
            raise self._error

    def write(self, data: bytes | memoryview) -> None:
        """Take bytes; they may be overwritten afterwards.

        Raises:
            OSError: earlier bytes could not be written.
        """
        view = memoryview(data)
        while view:
            room = self.room()
            count = min(len(view), len(room))
            room[:count] = view[:count]
            self.fill(count)
            view = view[count:]

    def room(self) -> memoryview:
        """Where the next bytes may be put; at least one fits.  `fill` says how many were."""
        return self._block[self._used :]

    def fill(self, count: int) -> None:
        """Take the first ``count`` bytes of what `room` gave.

        Raises:
            OSError: earlier bytes could not be written.
        """
        self._used += count
        if self._used == BLOCK:
            self._full.put((self._block, self._offset))
            self._offset += BLOCK
            self._block, self._used = self._free.get(), 0
            if self._error is not None:
                raise self._error

    def _run(self) -> None:
        while (item := self._full.get()) is not None:
            try:
                if self._error is None:
                    self._step(*item)
            except BaseException as error:  # it belongs to the thread that makes the bytes
                self._error = error
            self._free.put(item[0])
