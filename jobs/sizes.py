"""How large the sources of rows are, so that the largest one does not come last, when all else is done."""

from __future__ import annotations

import threading
import time
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path
from queue import Empty, SimpleQueue

from jobs.settings import Settings
from zoo.errors import ZooError
from zoo.fetch import local_path
from zoo.fetching.slots import turn
from zoo.fetching.stream import Timeouts
from zoo.records import Row

_ASKED = 256
"""Rows at most whose servers are asked; of more rows, none is long beside all the others together."""
_AT_A_TIME = 4
_SECONDS = 10.0
"""For one answer: who is slower than that is of no help any more."""


class Sizes:
    """What is known of the sizes of rows' archives: from the manifest, the disk and, bit by bit, the servers.

    Args:
        rows: those that wait; each source is asked about once.
        settings: those of the run; workers elsewhere may have another network, then no server is asked.
    """

    def __init__(self, rows: Collection[Row], settings: Settings) -> None:
        self._known: dict[str, int] = {}
        """By slug."""
        self._ordered = 0
        unknown: SimpleQueue[Row] = SimpleQueue()
        for row in rows:
            size = row.size if row.size is not None else _on_disk(row)
            if size is not None:
                self._known[row.slug] = size
            elif settings.work and len(rows) <= _ASKED:
                unknown.put(row)
        self._asking = [
            # No process waits for them at its end.
            threading.Thread(target=_ask, args=(unknown, self._known, settings), name="sizes", daemon=True)
            for _ in range(min(_AT_A_TIME, unknown.qsize()))
        ]
        for thread in self._asking:
            thread.start()

    def wait(self, seconds: float) -> None:
        """Until every server has answered, or the time is up."""
        until = time.monotonic() + seconds
        for thread in self._asking:
            thread.join(max(0.0, until - time.monotonic()))

    def largest_first(self, rows: Collection[Row]) -> list[Row] | None:
        """The rows by size, if more sizes are known than the last time; those of unknown size come first."""
        if len(self._known) == self._ordered:
            return None
        known = dict(self._known)
        self._ordered = len(known)
        return sorted(rows, key=lambda row: -known.get(row.slug, 1 << 62))


def _on_disk(row: Row) -> int | None:
    """Bytes of the sources of a row, if they are all files of this machine."""
    size = 0
    for url in row.urls:
        path = local_path(url)
        try:
            if path is None:
                return None
            size += path.stat().st_size
        except OSError:
            return None
    return size


def _ask(rows: SimpleQueue[Row], known: dict[str, int], settings: Settings) -> None:
    """Ask servers until no row is left; an answer that does not come leaves the size unknown."""
    while True:
        try:
            row = rows.get_nowait()
        except Empty:
            return
        with suppress(ZooError, OSError):
            lengths = [_length(url, settings) for url in row.urls]
            if None not in lengths:
                known[row.slug] = sum(length or 0 for length in lengths)


def _length(url: str, settings: Settings) -> int | None:
    """Bytes of what a web server has at ``url``, if it says so; it is asked as if it were for a download."""
    from zoo.fetching.http import length_of

    if not url.startswith(("http://", "https://")):
        return None
    deadline = time.monotonic() + _SECONDS
    with turn(Path(settings.cache), url, limit=settings.per_host, deadline=deadline):
        return length_of(url, timeouts=Timeouts(connect=_SECONDS, stall=_SECONDS, deadline=deadline))
