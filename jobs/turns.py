"""Turns: while one row of a process is worked on, the next one comes over the network.

Two rows at most are under way in a process, one in each part of the line, so fetching and computing
overlap as in a pipe, and memory holds what one row needs and the buffers of another.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from zoo.alarm import Alarm

_UNDER_WAY = threading.BoundedSemaphore(2)
_FETCH, _WORK = threading.Lock(), threading.Lock()
_rows: set[Turn] = set()


class Turn:
    """The place of one row in the line of its process.

    Args:
        seconds: what the row may take, waiting for another one not counted.
        overdue: called when it takes longer, see `zoo.alarm.Alarm`.
    """

    def __init__(self, seconds: float, overdue: Callable[[], object]) -> None:
        self.company = False
        """Another row was under way at some time."""
        self.waited = 0.0
        """Seconds, for the other one."""
        self._left = seconds
        self._overdue = overdue
        self._held: threading.Lock | None = None
        self._alarm: Alarm | None = None
        self._since = 0.0

    def at(self, stage: str) -> None:
        """Go on with ``stage``, when the other row has left that part of the line."""
        wanted = _FETCH if stage == "fetch" and self._held is not _WORK else _WORK
        if wanted is self._held:
            return
        self.leave()
        start = time.monotonic()
        wanted.acquire()
        self._held, self._since = wanted, time.monotonic()
        self.waited += self._since - start
        self._alarm = Alarm(self._left, self._overdue)

    def leave(self) -> None:
        """Let the other row into this part of the line."""
        if self._alarm is not None:
            self._alarm.cancel()
            self._left -= time.monotonic() - self._since
            self._alarm = None
        if self._held is not None:
            self._held.release()
            self._held = None


@contextmanager
def turn(seconds: float, overdue: Callable[[], object]) -> Iterator[Turn]:
    """A place in the line; waits while two rows are under way."""
    with _UNDER_WAY:
        mine = Turn(seconds, overdue)
        for other in tuple(_rows):
            mine.company = other.company = True
        _rows.add(mine)
        try:
            yield mine
        finally:
            mine.leave()
            _rows.discard(mine)
