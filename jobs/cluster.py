"""The Dask cluster a run works on: our own worker processes, or a scheduler that already runs."""

from __future__ import annotations

import atexit
import gc
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import pairwise
from multiprocessing import forkserver, resource_tracker, util
from typing import Any, NoReturn

from jobs.clock import use_steady_clock
from zoo.errors import ZooError


class WorkersError(ZooError):
    """The worker processes did not come up; nothing was processed."""

    stage = "run"


PRELOAD = [
    "jobs.birth",
    "zoo.pipeline",
    "jobs.rows",
    "zoo.fetching.http",
    "distributed",
    "distributed.worker",
    "distributed.nanny",
]
"""What every worker process has imported already when it is forked."""


def start_forkserver() -> None:
    """Start the server that workers are forked from, with our modules and Dask's in it.

    Must come before a cluster is made: distributed sets a preload list of its own, which a server that
    runs already does not heed.  With it the first of 8 workers answers in a second; without, each imports
    everything on its own.
    """
    multiprocessing.set_forkserver_preload(PRELOAD)
    # Ctrl-C reaches every process of the terminal, and is the main process's alone to answer.  What it
    # starts has it blocked from its first moment on, and so has all that is forked from that.
    resource_tracker.ensure_running()  # it would unblock the signal half-way
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    try:
        with _forking():
            forkserver.ensure_running()
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGINT])


@contextmanager
def _forking() -> Iterator[None]:
    """Have the server be a fork of this process in place of a new interpreter, where no threads run.

    Dask takes as long to import as a model of 100 MB takes to process: so it is imported once for both.
    """
    if threading.active_count() > 1:
        yield
        return
    gc.freeze()  # modules stay for good, and memory that nobody writes to is shared
    new_interpreter, util.spawnv_passfds = util.spawnv_passfds, _fork
    try:
        yield
    finally:
        util.spawnv_passfds = new_interpreter


def _fork(path: object, args: Sequence[Any], passfds: Sequence[int]) -> int:
    """Run in a fork of this process what a new interpreter was to run; the number of that process."""
    sys.stdout.flush()  # or it would be written twice
    sys.stderr.flush()
    # Who is told to stop between being forked and being the server would stop as the main process does.
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
    try:
        return os.fork() or _serve(args[-1], passfds)
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGTERM])


def _serve(code: str, handles: Sequence[int]) -> NoReturn:
    """Be the server, with no more of the main process than its modules."""
    try:
        end_when_told()
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGTERM])
        for last, following in pairwise([*sorted({2, *handles}), os.sysconf("SC_OPEN_MAX")]):
            if following > last + 1:
                os.closerange(last + 1, following)
        # That it is about to start a server, and holds the lock for it, is true of the main process only.
        forkserver._forkserver.__init__()  # type: ignore[misc]
        exec(code, {})  # noqa: S102  (written by multiprocessing for its new interpreter)
    except SystemExit:
        os._exit(0)
    except BaseException:  # whatever it is: the main process's code must not run on in here
        sys.excepthook(*sys.exc_info())
    os._exit(1)


_LOGGERS = (
    "distributed", "distributed.client", "distributed.gc", "tornado", "tornado.application", "asyncio",
    "bokeh",
)  # fmt: skip
_NOTHING = 60
"""A level above all others: who leaves in the middle of a message is reported as critical, with a traceback.

What matters of it comes to us as an exception.
"""


def _settings(scratch: str) -> dict[str, Any]:
    return {
        "temporary-directory": scratch or None,
        "distributed.worker.multiprocessing-method": "forkserver",
        # What waits elsewhere is not lost with a worker, nor blamed for its death.
        "distributed.scheduler.worker-saturation": 1.0,
        # Who is to blame for a dead worker is our question, and one death is enough to ask it.
        "distributed.scheduler.allowed-failures": 0,
        "distributed.worker.profile.enabled": False,
        "distributed.scheduler.work-stealing": False,
        "distributed.admin.tick.limit": "30s",
        # Fifty looks a second at their own clocks, and two at the machine, take 8 workers and those that
        # watch them a tenth of a core.
        "distributed.admin.tick.interval": "1s",
        "distributed.admin.system-monitor.interval": "10s",
        "distributed.worker.memory.target": False,
        "distributed.worker.memory.spill": False,
        "distributed.worker.memory.pause": False,
        "distributed.worker.memory.terminate": False,
        "logging": dict.fromkeys(_LOGGERS, _NOTHING),
    }


@contextmanager
def connect(*, workers: int, scheduler: str | None, scratch: str) -> Iterator[Any]:
    """A Dask client: of a local cluster of ``workers`` processes, or of the ``scheduler`` at an address."""
    # One BLAS thread: workers are the parallelism here, and a forked thread pool is none.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    import dask

    with dask.config.set(_settings(scratch)):
        # Not before: this is when distributed sets its loggers up.
        from distributed import Client, LocalCluster
        from distributed.deploy.spec import close_clusters

        use_steady_clock()
        if scheduler is not None:
            from jobs.foreign import reach

            with reach(scheduler) as client:
                yield client
            return
        start_forkserver()
        # What an interrupt left half-started is closed when the interpreter ends, silently.
        atexit.unregister(close_clusters)
        atexit.register(_quietly, close_clusters)
        cluster = _started(LocalCluster, workers)
        try:
            with Client(cluster, set_as_default=False) as client:
                yield client
        finally:
            # Last of all Dask asserts that no worker was just being started anew.
            with suppress(AssertionError):
                cluster.close()


def _started(kind: Any, workers: int) -> Any:
    """A local cluster whose workers have all answered.

    Raises:
        WorkersError: they did not, twice.
    """
    for attempt in (1, 2):
        try:
            return kind(
                n_workers=workers,
                threads_per_worker=2,  # one row comes while another is worked on, see `jobs.turns`
                processes=True,
                dashboard_address=None,
                # Without an address of ours it takes port 8787, and says so when that is taken.
                scheduler_kwargs={"dashboard_address": "127.0.0.1:0"},
                memory_limit=0,
                host="127.0.0.1",
                scheduler_port=0,
                silence_logs=_NOTHING,
                preload=["jobs.preload"],
            )
        except (RuntimeError, OSError, AssertionError) as error:
            # Dask gives up when one worker is killed while it starts, and may stumble over another then.
            if attempt == 2:
                raise WorkersError(
                    f"{workers} worker processes did not start: {error}",
                    hint="run the same command again, with fewer --workers if memory is short",
                ) from error
    raise AssertionError("the second attempt returns or raises")


def _quietly(close: Callable[[], object]) -> None:
    with suppress(Exception):
        close()


def ignore_interrupt() -> None:
    """Leave Ctrl-C to the main process: it reaches every process of the terminal."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def end_when_told() -> None:
    """End at once on SIGTERM: in good order, a worker would go on with a row that another has by then."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
