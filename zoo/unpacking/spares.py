"""Small unpacked files of rows that have ended, for the next rows to write over.

ext4 without a journal keeps the inode of a removed file aside for a minute or more, and each new file in
the same folder looks at all of these before it finds a free one.
Nothing of the old content can be seen: a file is cut to what was written to it.
"""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from pathlib import Path

LARGE = 4 << 20
"""Bytes from which on a file is made anew."""
_KEEP = 32
"""Files that are kept at most."""


class Spares:
    """The spare files of one process.

    Args:
        folder: where they lie, on the same disk as what is unpacked.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files: list[str] = []

    def take(self, target: Path, size: int | None) -> int | None:
        """Make ``target`` out of a spare file, for ``size`` bytes if that is known; its handle.

        The content is that of an earlier row until it is written over and cut.  None where the file is
        large, or a spare one cannot be had.
        """
        if size is None or size >= LARGE or not self._files:
            return None
        spare = self._files.pop()
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

    def _keep(self, path: str) -> None:
        status = os.lstat(path)
        # With another name, somebody else's: a local source is linked to, not copied.
        if status.st_nlink != 1 or status.st_size >= LARGE or len(self._files) >= _KEEP:
            return
        spare = f"{self._folder}/{secrets.token_hex(8)}"
        try:
            os.rename(path, spare)  # noqa: PTH104
        except FileNotFoundError:
            self._folder.mkdir(parents=True, exist_ok=True)
            os.rename(path, spare)  # noqa: PTH104
        self._files.append(spare)
