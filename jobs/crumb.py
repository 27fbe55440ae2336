"""Crumbs: a file for each row that is being worked on, with the stage it is in.

Who finds one whose worker is dead knows which row was at work, and how far it had come.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_WIDTH = 16
"""Bytes of a stage, filled with blanks: cutting a file short and writing it anew costs a trip to the disk."""
_idle: dict[Path, list[tuple[Path, int]]] = {}
"""By folder: the crumbs of this process between two rows, and their open files.

They go from row to row by renaming: making a file and removing it costs ten times as much.
"""


@contextmanager
def crumb(path: Path) -> Iterator[Callable[[str], object]]:
    """A crumb at ``path``, gone when the block ends well; what is yielded notes the stage in it."""
    try:
        idle, handle = _idle[path.parent].pop()
    except LookupError:
        idle, handle = _new(path.parent)
    try:
        idle.rename(path)
    except FileNotFoundError:  # swept away between two runs
        os.close(handle)
        idle, handle = _new(path.parent)
        idle.rename(path)

    def note(stage: str) -> None:
        os.pwrite(handle, stage.encode().ljust(_WIDTH)[:_WIDTH], 0)

    try:
        note("start")
        yield note
        with suppress(FileNotFoundError):
            path.rename(idle)
            _idle.setdefault(path.parent, []).append((idle, handle))
            return
        # A worker that was taken for dead has ended the same row, and taken this crumb with it.
        os.close(handle)
    except BaseException:  # an interrupt as well: the crumb stays and says so, its handle does not
        os.close(handle)
        raise


def stage_in(path: Path) -> str:
    """The stage that a crumb names; ``start`` where there is none."""
    return (path.read_text().strip() if path.exists() else "") or "start"


def _new(folder: Path) -> tuple[Path, int]:
    """A new file in ``folder``, and its handle."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f".{secrets.token_hex(8)}"
    return path, os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
