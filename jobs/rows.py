"""What a worker does: rows, each to its outcome on disk."""

from __future__ import annotations

import atexit
import contextlib
import functools
import os
import platform
import resource
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

import zoo
from jobs import resume
from jobs.crumb import crumb, stage_in
from jobs.settings import TOPIC, Ended, OutputLostError, Settings, other_version
from jobs.turns import turn
from zoo.fetch import FetchOptions
from zoo.pipeline import Options, failed, process
from zoo.records import Row, RowRun, to_json
from zoo.runner import Runner, RunnerOptions
from zoo.store import staging, write, write_all
from zoo.trace import Trace
from zoo.unpack import Limits
from zoo.unpacking.room import Room
from zoo.unpacking.spares import Spares

_TELL_EVERY = 0.2  # seconds


@contextmanager
def output_is_there() -> Iterator[None]:
    """Turn what goes wrong with the output folder into an error that stops the run.

    Raises:
        OutputLostError: the disk is full, read-only or gone.
    """
    try:
        yield
    except OSError as error:
        raise OutputLostError(
            f"the output folder cannot be written: {(error.strerror or str(error)).lower()}"
        ) from error


OVERDUE = 75
"""Exit code of a process whose row took longer than the time limit."""
STOPPED = 74
"""Exit code of a process that could not write its outcome."""
DEATHS = 3
"""How often a signal has to kill a row that runs alone until the row is blamed for it."""


def work(rows: Sequence[Row], settings: Settings) -> list[Ended]:
    """Bring rows to their outcomes; the task that Dask runs.

    Raises:
        OtherVersionError: outcomes made here would not be those that the main process expects.
        OutputLostError: outcomes cannot be written.
    """
    if settings.code != resume.job_version():
        raise other_version(platform.node(), zoo.__version__, resume.job_version(), settings.code)
    limit_memory(settings.memory_limit)
    settings = at_home(settings)
    return [_ended_before(row, settings) or _one_of_two(row, settings) for row in rows]


class CrowdedError(Exception):
    """A row wanted memory while another one had some."""


def _one_of_two(row: Row, settings: Settings) -> Ended:
    """Bring one row to its outcome while another one may be under way in this process."""
    from distributed import get_worker

    try:
        return one(row, settings, tell=tell_seldom(get_worker()))
    except CrowdedError:
        return alone(row, settings)


def _ended_before(row: Row, settings: Settings) -> Ended | None:
    """How a row ended that has ended: Dask gives the task of a worker that left in good order to another."""
    folder = settings.folder(row)
    if not (folder / resume.STAMP).exists():
        return None
    outcome = resume.finished(folder, row, resume.key(row, run=settings.run), limits=settings.limits)
    return None if outcome is None else Ended(run=RowRun(slug=row.slug), status=outcome.status)


def at_home(settings: Settings) -> Settings:
    """The settings with folders of this worker's own machine where they name none.

    They lie where the worker was told to keep its files (``--local-directory``): what is unpacked goes
    with the worker, and Dask clears away what a killed one has left; downloads stay for the next run.
    """
    if not settings.work:
        from distributed import get_worker

        own = Path(get_worker().local_directory)
        settings = msgspec.structs.replace(
            settings,
            work=str(own / "zoo"),
            cache=settings.cache or str(own.parent / "zoo-cache"),
            shared=str(own.parent / f"zoo-{settings.code}"),
        )
    if settings.store:
        settings = msgspec.structs.replace(settings, output=f"{settings.work}/out")
    return settings


@contextmanager
def _outcome(row: Row, settings: Settings) -> Iterator[Path]:
    """A folder to fill, which becomes the row's outcome: in the output folder, or in the store.

    Another may have been faster: a worker whose parents were killed is taken for dead while it works.
    What it has finished stays.
    """
    with staging(settings.folder(row), stands=lambda: _ended_before(row, settings) is not None) as folder:
        yield folder
    if settings.store:
        from jobs.remote import upload

        upload(settings.store, settings.folder(row), row.slug)
        shutil.rmtree(settings.folder(row))


def one(row: Row, settings: Settings, *, tell: Callable[[str, str, int], None]) -> Ended:
    """Bring one row to its outcome on disk.

    Raises:
        OutputLostError: the outcome cannot be written.
        CrowdedError: memory was short, and another row had some of it: nothing is told by that.
    """
    trace = Trace(functools.partial(tell, row.slug))
    with (
        turn(
            settings.time_limit,
            functools.partial(os._exit, OVERDUE),
            # Graphs run in a process of their own, for as long as they like.
            aside={"fetch", "check"} if settings.run else {"fetch"},
        ) as mine,
        output_is_there(),
        _outcome(row, settings) as folder,
        # The last to come is the first to go: who has an outcome has no crumb, and is no suspect.
        crumb(settings.crumb(row)) as note,
        Room(settings.room, settings.disk_limit) as room,
    ):
        start = time.perf_counter()

        def on_stage(stage: str) -> None:
            mine.at(stage)
            note(stage)

        trace.on_stage = on_stage
        options = Options(
            cache=Path(settings.cache),
            work=Path(settings.work),
            runner=_runner(settings.shared or settings.work, settings.work, threading.get_ident())
            if settings.run
            else None,
            keep=settings.keep,
            fetch=FetchOptions(per_host=settings.per_host),
            limits=Limits(room=room.take, spares=None if settings.disk_limit else _spares(settings.work)),
        )
        outcome = process(row, folder, options=options, trace=trace)
        starved = outcome.failure is not None and outcome.failure.kind == MemoryError.__name__
        if starved and mine.company:
            raise CrowdedError
        write(f"{folder}/model.json", to_json(outcome))
        resume.stamp(
            folder,
            resume.key(row, run=settings.run),
            retry=outcome.failure is not None and trace.heals,
            limits=settings.limits if starved else "",
            manifest=settings.manifest,
        )
    return Ended(
        run=RowRun(
            slug=row.slug,
            seconds=round(time.perf_counter() - start - mine.waited, 4),
            stages={stage: round(seconds, 4) for stage, seconds in trace.seconds.items()},
            downloaded=trace.downloaded,
            retries=trace.retries,
            cached=trace.cached,
            events=tuple(trace.events),
        ),
        status=outcome.status,
    )


def alone(row: Row, settings: Settings) -> Ended:
    """Bring one row to its outcome in a process of its own, and say what killed it if it dies.

    For rows that were on a worker when it died: whoever is guilty dies again, and only it.  Signals come
    from outside, too: by accident hardly to each of `DEATHS` processes.

    Raises:
        OutputLostError: the outcome cannot be written.
    """
    start = time.perf_counter()
    settings = at_home(settings)
    known = _ended_before(row, settings)
    if known is not None:
        return known
    for _ in range(DEATHS):
        code, said = _in_its_own(row, settings)
        if code >= 0:
            break
    if code == 0:
        return msgspec.json.decode(said, type=Ended)
    if code == STOPPED:
        raise OutputLostError(said.decode("utf-8", "replace"))
    return bury(row, settings, code, seconds=time.perf_counter() - start)


def _in_its_own(row: Row, settings: Settings) -> tuple[int, bytes]:
    """Work on a row in a new process; its exit code, and what it said."""
    with subprocess.Popen(  # our own interpreter and module
        [sys.executable, "-m", "jobs.alone"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as process:
        assert process.stdin is not None  # noqa: S101  (for the type checker: both are pipes)
        assert process.stdout is not None  # noqa: S101
        with contextlib.suppress(BrokenPipeError):
            # It stays open as long as we live: when it closes early, nobody waits for the row any more.
            # Past its buffer, which would complain of a process that was killed once more at the end.
            write_all(process.stdin.fileno(), memoryview(msgspec.json.encode((row, settings)) + b"\n"))
        said = process.stdout.read()
        return process.wait(), said


def bury(row: Row, settings: Settings, code: int, *, seconds: float = 0.0) -> Ended:
    """Write the outcome of a row whose process died with exit code ``code``.

    Raises:
        OutputLostError: the outcome cannot be written.
    """
    left = settings.crumb(row)
    stage = stage_in(left)
    reason, hint = _cause(code, settings)
    with output_is_there(), _outcome(row, settings) as folder:
        outcome = failed(row, folder, stage=stage, reason=reason, hint=hint)
        write(f"{folder}/model.json", to_json(outcome))
        resume.stamp(
            folder,
            resume.key(row, run=settings.run),
            retry=False,
            limits=settings.limits,
            manifest=settings.manifest,
        )
    left.unlink(missing_ok=True)
    status = (_ended_before(row, settings) or outcome).status
    return Ended(run=RowRun(slug=row.slug, seconds=round(seconds, 4), lost_workers=1), status=status)


def _cause(code: int, settings: Settings) -> tuple[str, str | None]:
    """Why a process ended that should not have, and what to do about it."""
    if code == OVERDUE:
        reason = f"took longer than the time limit of {settings.time_limit:g} s for one row"
        return reason, "raise it with --time-limit, or name a nearer source"
    if code < 0:
        name = signal.Signals(-code).name if -code in set(signal.Signals) else "unknown"
        more = " (out of memory, or killed from outside)" if name == "SIGKILL" else ""
        return f"its process was killed by signal {-code}, {name}{more}", None
    return f"its process ended with exit code {code}", None


def limit_memory(limit: int) -> None:
    """Bound the private memory of this process, so that a greedy row fails instead of the machine."""
    soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    if soft in (resource.RLIM_INFINITY, -1) or soft > limit:
        resource.setrlimit(resource.RLIMIT_DATA, (limit, hard))


@functools.cache
def _spares(work: str) -> Spares:
    """The spare files of this process; they go with the folder."""
    return Spares(Path(work) / ".spares")


@functools.cache
def _runner(shared: str, work: str, _thread: int) -> Runner:
    """The runner of this thread; all that work on the same run share one process with TensorFlow."""
    # Scratch folders lie where the next run sweeps: a killed worker leaves its own behind.
    runner = Runner(RunnerOptions(shared=Path(shared), scratch=Path(work)))
    atexit.register(runner.close)
    return runner


@functools.cache
def tell_seldom(worker: Any) -> Callable[[str, str, int], None]:
    """Reports progress to whoever listens at the scheduler, a few times a second for all rows together."""
    last = [0.0]

    def tell(slug: str, stage: str, moved: int) -> None:
        now = time.monotonic()
        if now - last[0] >= _TELL_EVERY:
            last[0] = now
            worker.log_event(TOPIC, {"slug": slug, "stage": stage, "moved": moved})

    return tell
