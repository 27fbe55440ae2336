"""Turns: while one row of a process is worked on, another one comes over the network.

Two rows at most are under way in a process, and one of them is worked on: fetching and computing overlap
as in a pipe, memory holds what one row needs and the buffers of another, and a row that comes slowly
keeps none from coming beside it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager

from zoo.alarm import Alarm

_UNDER_WAY = threading.BoundedSemaphore(2)
_WORK = threading.Lock()
_rows: set[Turn] = set()


class Turn:
    """The place of one row in the line of its process.

    Args:
        seconds: what the row may take, waiting for another one not counted.
        overdue: called when it takes longer, see `zoo.alarm.Alarm`.
        aside: stages in which the work is done elsewhere, by the network or another process.
    """

    def __init__(self, seconds: float, overdue: Callable[[], object], aside: Collection[str]) -> None:
        self.company = False
        """Another row was under way at some time."""
        self.waited = 0.0
        """Seconds, for the other one."""
        self._left = seconds
        self._overdue = overdue
        self._aside = aside
        self._working = False
        self._alarm: Alarm | None = None
        self._since = 0.0
        self._go_on()

    def at(self, stage: str) -> None:
        """Go on with ``stage``, when no other row is worked on."""
        if stage in self._aside:
            self._let_others()
        elif not self._working:
            self._pause()
            start = time.monotonic()
            _WORK.acquire()
            self._working = True
            self.waited += time.monotonic() - start
            self._go_on()

    def leave(self) -> None:
        """The row has ended."""
        self._let_others()
        self._pause()

    def _let_others(self) -> None:
        if self._working:
            self._working = False
            _WORK.release()

    def _go_on(self) -> None:
        self._since = time.monotonic()
        self._alarm = Alarm(self._left, self._overdue)

    def _pause(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
            self._left -= time.monotonic() - self._since


@contextmanager
def turn(seconds: float, overdue: Callable[[], object], *, aside: Collection[str]) -> Iterator[Turn]:
    """A place in the line; waits while two rows are under way.  See `Turn`."""
    with _UNDER_WAY:
        mine = Turn(seconds, overdue, aside)
        for other in tuple(_rows):
            mine.company = other.company = True
        _rows.add(mine)
        try:
            yield mine
        finally:
            mine.leave()
            _rows.discard(mine)
