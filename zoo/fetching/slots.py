"""Turns at a server: so many downloads at a time go to one host from this machine."""

from __future__ import annotations

import fcntl
import hashlib
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from zoo.fetching.stream import too_slow

_LOOK_EVERY = 0.05  # seconds


@contextmanager
def turn(folder: Path, url: str, *, limit: int, deadline: float) -> Iterator[None]:
    """Wait until fewer than ``limit`` processes that share ``folder`` download from the host of ``url``.

    A turn is a locked file: the kernel gives it back when its process ends, however it ends.

    Args:
        folder: of the download cache.
        url: of any protocol; only HTTP(S) has turns.
        limit: turns for one host; 0 for no limit.
        deadline: `time.monotonic` after which waiting is given up.

    Raises:
        FetchError: the deadline has passed.
    """
    host = urlsplit(url).hostname if url.lower().startswith(("http://", "https://")) else None
    if host is None or limit == 0:
        yield
        return
    handle = _take(folder / "hosts", hashlib.sha256(host.encode()).hexdigest()[:16], limit)
    while handle is None:
        if time.monotonic() > deadline:
            raise too_slow(url)
        time.sleep(_LOOK_EVERY)
        handle = _take(folder / "hosts", hashlib.sha256(host.encode()).hexdigest()[:16], limit)
    try:
        yield
    finally:
        os.close(handle)


def _take(folder: Path, host: str, limit: int) -> int | None:
    folder.mkdir(parents=True, exist_ok=True)
    for i in range(limit):
        handle = os.open(folder / f"{host}.{i}", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(handle)
            continue
        return handle
    return None
