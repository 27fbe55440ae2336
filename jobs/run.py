"""A run: hand rows to workers, take back how they ended, and find out who is to blame for a death."""

from __future__ import annotations

import logging
import math
import shutil
import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from jobs import resume
from jobs.settings import Ended, RunStoppedError, Settings
from jobs.tasks import alone, work
from zoo.records import Row, RowRun

log = logging.getLogger(__name__)

_TASK_SECONDS = 2.0
"""Work worth one task: one costs 5 ms on its way there and back, so small rows travel together."""
_ASK_EVERY = 1.0  # seconds
_BATCH = 64
_ALONE = 4_000_000
"""Bytes of a source from which on a row travels alone, however fast those before it were."""
_RETURNS = 8
"""How often a row may come back without an outcome: workers do get killed, but not for ever."""


class SchedulerLostError(RunStoppedError):
    """The scheduler went away in the middle of a run."""

    def __init__(self) -> None:
        super().__init__(
            "the scheduler went away; what has ended is kept", hint="run the same command again to carry on"
        )


@dataclass
class Pace:
    """How many rows make a task, learned from the rows that have ended."""

    seconds: float | None = None

    def learn(self, ended: Ended) -> None:
        """Take a finished row into account; recent ones count most."""
        spent = ended.run.seconds
        self.seconds = spent if self.seconds is None else 0.8 * self.seconds + 0.2 * spent

    def batch(self, waiting: int, workers: int) -> int:
        """Rows for the next task: one at first, and never so many that a worker is left idle."""
        if self.seconds is None:
            return 1
        fair = max(1, waiting // (2 * workers))
        return max(1, min(_BATCH, fair, int(_TASK_SECONDS / max(self.seconds, 1e-4))))


def size_of(row: Row) -> int:
    """Bytes that a row says its sources have; 0 where it does not say."""
    return row.size or 0


def largest_first(rows: Sequence[Row]) -> list[Row]:
    """The rows, those of a known size by their size, each of the others where it stood.

    The largest download shall not begin when all others have ended.
    """
    known = iter(sorted((row for row in rows if row.size is not None), key=size_of, reverse=True))
    return [row if row.size is None else next(known) for row in rows]


@dataclass
class Crew:
    """Rows on their way through a Dask client."""

    client: Any
    settings: Settings
    ended: Callable[[Ended], None]
    """Called once for every row, as it ends."""
    spare: Callable[[], bool] = lambda: False
    """Called while there is nothing else to do; does a little, and says whether there is more."""
    pace: Pace = field(default_factory=Pace)
    waiting: deque[Row] = field(default_factory=deque)
    suspects: deque[Row] = field(default_factory=deque)
    """Rows that were being worked on when their process died: run again, each in its own."""
    flying: dict[Any, tuple[Row, ...]] = field(default_factory=dict)
    shared: frozenset[str] = frozenset()
    """URLs that more than one row names: what they give is kept for the others."""
    returned: Counter[str] = field(default_factory=Counter)
    """How often a row came back without an outcome, by slug."""
    workers: int = 1
    asked: float = -math.inf
    """When ``workers`` were counted, on the clock of `time.monotonic`."""

    def run(self, rows: Sequence[Row]) -> None:
        """Bring every row to its outcome.

        Raises:
            SchedulerLostError: the scheduler went away; outcomes made so far stand.
            RunStoppedError: a worker has another version of this code, or cannot write outcomes.
        """
        from distributed import as_completed

        self.plan(rows)
        flow = as_completed(loop=self.client.loop, with_results=True, raise_errors=False)
        flow.update(self._more())
        for future, result in flow:
            self._land(future, result)
            flow.update(self._more())
            while not flow.has_ready() and self.spare():
                continue

    def plan(self, rows: Sequence[Row]) -> None:
        """Have rows wait for workers; of those that say their size, the largest first."""
        self.waiting.extend(largest_first(rows))
        named = Counter(url for row in rows for url in {*row.urls, *row.mirrors})
        self.shared = frozenset(url for url, count in named.items() if count > 1)

    def _more(self) -> list[Any]:
        """Tasks for the rows that wait, as many as keep the workers busy and no more."""
        workers, started = self._hands(), []
        while (self.waiting or self.suspects) and len(self.flying) < 2 * workers:
            if self.suspects:
                batch: tuple[Row, ...] = (self.suspects.popleft(),)
                future = self.client.submit(alone, batch[0], self._settings(batch), pure=False)
            else:
                batch = self._batch(self.pace.batch(len(self.waiting), workers))
                future = self.client.submit(work, batch, self._settings(batch), pure=False)
            self.flying[future] = batch
            started.append(future)
        return started

    def _batch(self, count: int) -> tuple[Row, ...]:
        """The next rows, ``count`` at most: one that is large goes without company."""
        batch = [self.waiting.popleft()]
        while (
            self.waiting and len(batch) < count and max(size_of(batch[-1]), size_of(self.waiting[0])) < _ALONE
        ):
            batch.append(self.waiting.popleft())
        return tuple(batch)

    def _settings(self, batch: Sequence[Row]) -> Settings:
        """The settings for some rows: archives that others need as well are kept."""
        shared = any(url in self.shared for row in batch for url in (*row.urls, *row.mirrors))
        return msgspec.structs.replace(self.settings, keep=True) if shared else self.settings

    def _hands(self) -> int:
        """How many workers there are: those of a cluster come and go, so the scheduler is asked again."""
        now = time.monotonic()
        if now - self.asked >= _ASK_EVERY:
            try:
                self.asked, self.workers = now, max(1, len(self.client.nthreads()))
            except OSError as error:
                raise SchedulerLostError from error
        return self.workers

    def _land(self, future: Any, result: Any) -> None:
        """Take back a task: its rows ended, which is its ``result``, or its worker died."""
        from distributed import KilledWorker

        rows = self.flying.pop(future)
        if isinstance(result, list):
            # It has come, though Dask calls it lost when its worker died a moment later.
            for one in result:
                self.pace.learn(one)
                self.ended(one)
            return
        # What a cancelled task leaves in place of a result is an error as well.
        if future.status in ("cancelled", "lost") or isinstance(result, BaseException):
            raise SchedulerLostError
        error = future.exception()
        if isinstance(error, RunStoppedError):
            raise error
        self.returned.update(row.slug for row in rows)
        if max(self.returned[row.slug] for row in rows) > _RETURNS:
            # Not one row's fault: nothing that is handed to the workers comes to an end.
            raise RunStoppedError(
                f"{len(rows)} rows came back unfinished for the {_RETURNS + 1}th time: {error}",
                hint="look at the workers' own logs; what has ended is kept",
            ) from error
        why = "trying again" if isinstance(error, KilledWorker) else error
        log.warning("a worker died with %s on it: %s", ", ".join(row.name for row in rows), why)
        self._sort_out(rows)

    def _sort_out(self, rows: Sequence[Row]) -> None:
        """After a death: rows with an outcome have ended, the one at work is a suspect, the rest wait.

        A crumb tells which one was at work; it lies in the output, which all workers see.
        """
        for row in rows:
            # With a store crumbs lie on the worker's own disk, and cannot be seen from here.
            if self.settings.store or self.settings.crumb(row).exists():
                self.suspects.append(row)
                continue
            folder = self.settings.folder(row)
            key = resume.key(row, run=self.settings.run)
            outcome = resume.finished(folder, row, key, limits=self.settings.limits)
            if outcome is not None:
                self.ended(Ended(run=RowRun(slug=row.slug, lost_workers=1), status=outcome.status))
            else:
                self.waiting.append(row)


def sweep(settings: Settings, pages: Path | None = None) -> None:
    """Remove what a killed run, or a killed worker, has left: half-written folders and files, crumbs.

    ``pages`` are swept before a run: workers write none.
    """
    models = Path(settings.output) / "models"
    # These first: a worker of the killed run that still breathes shall not publish what becomes of a
    # row whose unpacked files vanish.
    for left in (*models.glob(".*.partial"), *models.glob(".*.old")):
        shutil.rmtree(left, ignore_errors=True)
    shutil.rmtree(Path(settings.output) / ".running", ignore_errors=True)
    if settings.work:
        shutil.rmtree(settings.work, ignore_errors=True)
    half_pages = tuple(pages.rglob(".*.partial")) if pages is not None else ()
    for left in (*Path(settings.output).glob(".*.partial"), *half_pages):
        if left.is_dir():
            shutil.rmtree(left, ignore_errors=True)
        else:
            left.unlink(missing_ok=True)
