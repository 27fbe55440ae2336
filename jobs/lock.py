"""One job per output folder."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from zoo.errors import ZooError


class OutputInUseError(ZooError):
    """Another job works on the same output."""

    stage = "start"


@contextmanager
def locked(output: Path) -> Iterator[None]:
    """Hold the output folder for this job; the kernel lets go when the process ends, however it ends.

    Raises:
        OutputInUseError: another job holds it, or the folder cannot be written.
    """
    try:
        output.mkdir(parents=True, exist_ok=True)
        handle = os.open(output / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise OutputInUseError(
            f"output folder {str(output)!r} cannot be written: {error.strerror or error}",
            hint="choose another folder with --output",
        ) from error
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            owner = os.pread(handle, 100, 0).decode("utf-8", "replace").strip() or "unknown"
            raise OutputInUseError(
                f"output folder {str(output)!r} is in use by another job (process {owner})",
                hint="wait for it to end, or choose another folder with --output",
            ) from error
        os.ftruncate(handle, 0)
        os.pwrite(handle, str(os.getpid()).encode(), 0)
        yield
    finally:
        os.close(handle)
