"""Room on a machine's disk: rows wait for one another while their unpacked files fill it.

Each process notes the bytes of its row in a file that it keeps locked; the sum over all locked files is
what is in use.  When it is over the limit the others wait, and one goes on: so there is always one that
ends and makes room, however large it is.
"""

from __future__ import annotations

import fcntl
import os
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Self

STEP = 16 << 20
"""Bytes between two looks at the others; a smaller row never looks."""
_LOOK_EVERY = 0.1  # seconds


class Room:
    """The share of one row, given back at the end of the block.

    Args:
        folder: what processes on one disk agree on.
        limit: bytes for all of them together; 0 for no limit.
    """

    def __init__(self, folder: Path, limit: int) -> None:
        self._folder = folder / ".room"
        self._limit = limit
        self._bytes = self._noted = 0
        self._note: int | None = None
        self._name = ""
        self._over: int | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._note is not None:
            Path(self._name).unlink(missing_ok=True)
            os.close(self._note)
        if self._over is not None:
            os.close(self._over)
        self._note = self._over = None

    def take(self, count: int) -> None:
        """Have ``count`` more bytes; waits while there is no room for them."""
        self._bytes += count
        if self._limit == 0 or self._bytes - self._noted < STEP:
            return
        self._noted = self._bytes
        if self._note is None:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._note, self._name = tempfile.mkstemp(prefix="row.", dir=self._folder)
            fcntl.flock(self._note, fcntl.LOCK_EX)
        os.pwrite(self._note, b"%020d" % self._bytes, 0)
        while self._over is None and self._in_use() > self._limit:
            self._over = self._first()
            if self._over is None:
                time.sleep(_LOOK_EVERY)

    def _first(self) -> int | None:
        """The lock of the one that may go on, if it is free."""
        handle = os.open(self._folder / "over", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(handle)
            return None
        return handle

    def _in_use(self) -> int:
        total = self._bytes
        for path in self._folder.glob("row.*"):
            if str(path) == self._name:
                continue
            try:
                handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
            except FileNotFoundError:
                continue
            try:
                fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
                if os.fstat(handle).st_size:
                    path.unlink(missing_ok=True)  # of a process that died
            except BlockingIOError:
                total += int(os.pread(handle, 20, 0) or b"0")
            finally:
                os.close(handle)
        return total
