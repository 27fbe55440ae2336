"""Large unpacked files of rows that have ended, for the next rows to write over.

A new file takes new pages of memory from the system, which clears them; on a virtual machine whose host
gives memory as it is touched, that costs ten times the copy.  Pages that are there cost the copy alone.
Nothing of the old content can be seen: a file is cut to what was written to it.
"""

from __future__ import annotations

import os
import secrets
from bisect import insort
from contextlib import suppress
from pathlib import Path

SMALLEST = 4 << 20
"""Bytes from which on a file is worth it."""
_KEEP = 1 << 30
"""Bytes that are kept at most between two rows."""


class Spares:
    """The spare files of one process.

    Args:
        folder: where they lie, on the same disk as what is unpacked.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files: list[tuple[int, str]] = []
        """Size and path, the smallest first."""

    def take(self, target: Path, size: int | None) -> int | None:
        """Make ``target`` out of a spare file, for ``size`` bytes if that is known; its handle.

        The content is that of an earlier row until it is written over and cut.  None where there is no
        spare file, or it cannot be had.
        """
        try:
            fitting = (i for i, (length, _) in enumerate(self._files) if size is not None and length >= size)
            _, spare = self._files.pop(next(fitting, -1))
        except IndexError:
            return None
        with suppress(OSError):
            handle = os.open(spare, os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
            try:
                os.link(spare, target)  # unlike a renamed one, it never takes the place of another file
                Path(spare).unlink()
            except OSError:
                os.close(handle)
                raise
            return handle
        return None

    def gather(self, root: Path) -> None:
        """Keep the large files below ``root``, which are of no use there any more."""
        for place, _, names in os.walk(root):
            for name in names:
                with suppress(OSError):
                    self._keep(os.path.join(place, name))  # noqa: PTH118 (a path for each small file costs)
        while len(self._files) > 1 and sum(size for size, _ in self._files) > _KEEP:
            Path(self._files.pop(0)[1]).unlink(missing_ok=True)

    def _keep(self, path: str) -> None:
        status = os.lstat(path)
        # With another name, somebody else's: a local source is linked to, not copied.
        if status.st_size < SMALLEST or status.st_nlink != 1 or status.st_size > _KEEP:
            return
        self._folder.mkdir(parents=True, exist_ok=True)
        spare = str(self._folder / secrets.token_hex(8))
        os.rename(path, spare)  # noqa: PTH104
        insort(self._files, (status.st_size, spare))
