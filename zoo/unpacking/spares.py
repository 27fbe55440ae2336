"""Unpacked files of rows that have ended, for the next rows to write over.

A new file takes new pages of memory from the system, which clears them; on a virtual machine whose host
gives memory as it is touched, that costs ten times the copy.  Pages that are there cost the copy alone.
Small files are worth it as well: ext4 without a journal keeps the inode of a removed file aside for a
minute or more, and each new file in the same folder looks at all of these before it finds a free one.
Nothing of the old content can be seen: a file is cut to what was written to it.
"""

from __future__ import annotations

import os
import secrets
from bisect import insort
from contextlib import suppress
from pathlib import Path

LARGE = 4 << 20
"""Bytes from which on a file is chosen by its size."""
_KEEP = 1 << 30
"""Bytes of large files that are kept at most between two rows."""
_KEEP_SMALL = 32
"""Small files that are kept at most."""


class Spares:
    """The spare files of one process.

    Args:
        folder: where they lie, on the same disk as what is unpacked.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files: list[tuple[int, str]] = []
        """Size and path of the large ones, the smallest first."""
        self._small: list[str] = []

    def take(self, target: Path, size: int | None) -> int | None:
        """Make ``target`` out of a spare file, for ``size`` bytes if that is known; its handle.

        The content is that of an earlier row until it is written over and cut.  None where there is no
        spare file, or it cannot be had.
        """
        try:
            if size is not None and size < LARGE:
                spare = self._small.pop()
            else:
                fits = (i for i, (length, _) in enumerate(self._files) if size is not None and length >= size)
                _, spare = self._files.pop(next(fits, -1))
        except IndexError:
            return None
        with suppress(OSError):
            handle = os.open(spare, os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
            try:
                os.link(spare, target)  # unlike a renamed one, it never takes the place of another file
                os.unlink(spare)  # noqa: PTH108 (a path for each small file costs)
            except OSError:
                os.close(handle)
                raise
            return handle
        return None

    def gather(self, root: Path) -> None:
        """Keep the files below ``root``, as many as are worth it, which are of no use there any more."""
        for place, _, names in os.walk(root):
            for name in names:
                with suppress(OSError):
                    self._keep(os.path.join(place, name))  # noqa: PTH118 (a path for each small file costs)
        while len(self._files) > 1 and sum(size for size, _ in self._files) > _KEEP:
            Path(self._files.pop(0)[1]).unlink(missing_ok=True)

    def _keep(self, path: str) -> None:
        status = os.lstat(path)
        # With another name, somebody else's: a local source is linked to, not copied.
        small = status.st_size < LARGE
        if status.st_nlink != 1 or status.st_size > _KEEP or (small and len(self._small) >= _KEEP_SMALL):
            return
        spare = f"{self._folder}/{secrets.token_hex(8)}"
        try:
            os.rename(path, spare)  # noqa: PTH104
        except FileNotFoundError:
            self._folder.mkdir(parents=True, exist_ok=True)
            os.rename(path, spare)  # noqa: PTH104
        if small:
            self._small.append(spare)
        else:
            insort(self._files, (status.st_size, spare))
