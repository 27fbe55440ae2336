"""What a worker process does before its first row (Dask calls ``dask_setup``)."""

from __future__ import annotations

import gc
import sys
from typing import Any

from jobs.cluster import end_when_told, ignore_interrupt
from jobs.cycles import look_seldom


def dask_setup(_worker: Any) -> None:
    """Make the process fit for rows."""
    gc.freeze()  # modules stay for good
    look_seldom()
    # Threads that move bytes need the interpreter for a moment, a few times a megabyte, while another
    # row is computed: at the usual 5 ms for each time they would come to no more than 100 MB a second.
    sys.setswitchinterval(2e-4)
    ignore_interrupt()
    end_when_told()
