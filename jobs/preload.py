"""What a worker process does before its first row (Dask calls ``dask_setup``)."""

from __future__ import annotations

from typing import Any

from jobs.cluster import end_when_told, ignore_interrupt


def dask_setup(_worker: Any) -> None:
    """Make the process fit for rows."""
    ignore_interrupt()
    end_when_told()
