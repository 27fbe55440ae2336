"""Large files in blocks, each written the way that costs less here and now.

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
from collections.abc import Callable
from queue import SimpleQueue
from time import perf_counter, thread_time
from types import TracebackType

BLOCK = 1 << 20
_TRIES = 4
"""Blocks that each way gets at first."""
_AGAIN = 16
"""Of so many blocks, one goes the way that was dearer."""
_WAITING = 0.25
"""What a second of waiting counts for where others have the processor meanwhile."""
_DEPTH = 3
"""Blocks on their way to the thread that writes."""


def new_block() -> memoryview:
    """Memory for a block; it begins at a page, as a way past the cache wants it."""
    return memoryview(mmap.mmap(-1, BLOCK))


class BlockFile:
    """An open file that is written front to back, a block at a time."""

    def __init__(self, handle: int, *, past: list[bool] | None = None, others: bool = True) -> None:
        """Write to ``handle``.

        Args:
            handle: of a file that is open for writing.
            past: for a file that is soon read back: a list that gets an entry for each block, whether
                it went past the page cache, and so is to be read from the disk as well.
            others: there is other work for the processor while this waits for the disk.
        """
        self._waiting = _WAITING if others else 1.0
        # Reading from a disk takes as long as writing, so what is read back pays for that way twice.
        self._price = 1.0 if past is None else 2.0
        self._past = [] if past is None else past
        self._handle = handle
        self._able = True
        self._costs: dict[bool, deque[float]] = {False: deque(maxlen=8), True: deque(maxlen=8)}
        self._plain = self._flags = fcntl.fcntl(handle, fcntl.F_GETFL)

    def write(self, view: memoryview, offset: int) -> None:
        """Write all of ``view`` at ``offset``; what is no whole block from `new_block` goes to the cache."""
        whole = len(view) == BLOCK and offset == len(self._past) * BLOCK
        past = whole and self._able and self._choose()
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
            cost = busy + self._waiting * (perf_counter() - start - busy)
            self._costs[past].append(cost * (self._price if past else 1.0))
            self._past.append(past)

    def close(self) -> None:
        """Leave the handle as it was."""
        self._set(self._plain)

    def _choose(self) -> bool:
        number = len(self._past)
        if number < 2 * _TRIES:
            return number % 2 == 1
        # The lower quartile: a processor that others use makes single blocks slow, whichever way.
        past, cached = (sorted(self._costs[way])[len(self._costs[way]) // 4] for way in (True, False))
        return (past < cached) != (number % _AGAIN == 0)

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
            except OSError as error:  # it belongs to the thread that makes the bytes
                self._error = error
            self._free.put(item[0])
