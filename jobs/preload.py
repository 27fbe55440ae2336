"""What a worker process does before its first row (Dask calls ``dask_setup``)."""

from __future__ import annotations

import gc
from typing import Any

from jobs.cluster import end_when_told, ignore_interrupt
from jobs.cycles import look_seldom


def dask_setup(_worker: Any) -> None:
    """Make the process fit for rows."""
    gc.freeze()  # modules stay for good
    look_seldom()
    ignore_interrupt()
    end_when_told()
