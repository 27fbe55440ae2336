"""Files that are whole or absent: write beside, check, rename."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")

_TRIES = 100
"""New names that are tried; another process takes one by accident, or removes the folder."""


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A path beside ``path`` to write to; renamed to ``path`` at the end, removed on an error."""
    with _beside(path) as (handle, partial):
        os.close(handle)
        yield partial
        partial.chmod(0o644)
        partial.replace(path)


def replace(path: Path, data: bytes) -> None:
    """Make ``path`` hold ``data``, or leave it as it was: `replacing` for what is in memory."""
    with _beside(path) as (handle, partial):
        with open(handle, "wb", buffering=0):  # noqa: PTH123 (closes it)
            write_all(handle, memoryview(data))
            os.fchmod(handle, 0o644)
        partial.replace(path)


@contextmanager
def _beside(path: Path) -> Iterator[tuple[int, Path]]:
    """A new file beside ``path``, open and for its owner only; removed on an error."""
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    handle, partial = _make_beside(path, ".partial", lambda name: os.open(name, flags, 0o600))
    try:
        yield handle, partial
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


def _make_beside(path: Path, suffix: str, make: Callable[[str], T]) -> tuple[T, Path]:
    """What ``make`` makes of a new hidden name beside ``path``, and where; their folder, if it must be."""
    start = f"{path.parent}/.{path.name[:40]}."
    for attempt in range(_TRIES):
        name = f"{start}{secrets.token_hex(4)}{suffix}"
        try:
            return make(name), Path(name)
        except FileExistsError:
            continue
        except FileNotFoundError:
            if attempt == _TRIES - 1:
                raise
            path.parent.mkdir(parents=True, exist_ok=True)
    raise FileExistsError(errno.EEXIST, "no new name to be had", str(path.parent))


def write_if_changed(path: Path, data: bytes) -> bool:
    """Make ``path`` hold ``data``; False if it already did, and then its time stamp stays."""
    try:
        if path.read_bytes() == data:
            return False
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
        pass
    replace(path, data)
    return True


@contextmanager
def staging(folder: Path, *, stands: Callable[[], bool] = lambda: False) -> Iterator[Path]:
    """An empty folder beside ``folder`` to fill; takes its place at the end, removed on an error.

    Args:
        folder: where it goes.
        stands: asked when there is a ``folder`` already: whether that one is to stay, and ours to go.
    """
    _, staged = _make_beside(folder, ".partial", lambda name: os.mkdir(name, 0o700))  # noqa: PTH102 (as above)
    try:
        yield staged
        staged.chmod(0o755)
        while True:
            try:
                staged.rename(folder)
                return
            except OSError as error:
                if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                    raise
            if stands():
                break
            _, old = _make_beside(folder, ".old", lambda name: os.mkdir(name, 0o700))  # noqa: PTH102
            with contextlib.suppress(FileNotFoundError):  # another process was faster
                folder.rename(old / "was")
            shutil.rmtree(old)
    except BaseException:
        shutil.rmtree(staged, ignore_errors=True)
        raise
    shutil.rmtree(staged, ignore_errors=True)


_desks: dict[tuple[int, Path], list[Path]] = {}
"""By process, and the folder that they lie in: desks that nobody works at."""


@contextmanager
def desk(folder: Path) -> Iterator[Path]:
    """An empty folder below ``folder`` for this process alone, which is empty again at the end.

    The next one to ask gets the same: there are disks that take milliseconds to remove a folder.  What
    a killed process has left lies there until somebody removes ``folder``.
    """
    idle = _desks.setdefault((os.getpid(), folder), [])
    mine = idle.pop() if idle else None
    if mine is None or not mine.exists():  # swept away between two runs
        _, mine = _make_beside(folder / "desk", "", lambda name: os.mkdir(name, 0o700))  # noqa: PTH102 (as above)
    try:
        yield mine
    finally:
        with contextlib.suppress(OSError):
            empty(mine)
            idle.append(mine)


def empty(folder: Path) -> None:
    """Remove all that is in a folder.

    Raises:
        OSError: something cannot be removed.
    """
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                shutil.rmtree(entry.path)
            else:
                os.unlink(entry.path)  # noqa: PTH108 (there may be many)


def write(path: Path | str, data: bytes) -> None:
    """Make a file hold ``data``, in place: for what nobody looks for before it is whole.

    `Path.write_bytes` asks the system three times what kind of file it has just made.
    """
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o666)
    try:
        write_all(handle, memoryview(data))
    finally:
        os.close(handle)


def write_all(handle: int, view: memoryview) -> None:
    """Write all of ``view`` to an open file; one call of the system may write less."""
    while view:
        view = view[os.write(handle, view) :]
