"""What a worker process does before its first row (Dask calls ``dask_setup``)."""

from __future__ import annotations

import gc
from typing import Any

from jobs.cluster import end_when_told, ignore_interrupt


def dask_setup(_worker: Any) -> None:
    """Make the process fit for rows."""
    # A graph is a million small tuples that go by themselves: looking through them for cycles again
    # and again took a tenth of the time of a large one.  Modules stay for good.
    gc.freeze()
    gc.set_threshold(100_000, 20, 100)
    ignore_interrupt()
    end_when_told()
