"""What the main process and its workers agree on: the orders, the answers, and what stops a run.

Imports little, and is all that the main process knows of the work: see `jobs.rows`.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from zoo.errors import ZooError
from zoo.records import Row, RowRun

TOPIC = "zoo-progress"
"""Where workers report progress, and the main process listens."""


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What every row of a run has in common; travels to the workers."""

    output: str
    manifest: str = ""
    """Which manifest the rows are from, see `jobs.resume.manifest_name`."""
    cache: str
    """Folder of downloads; empty: one of the worker's own machine, see `at_home`."""
    work: str
    """Folder for unpacked files; each row has its own below, removed when the row ends.
    Empty: one of the worker's own machine."""
    store: str = ""
    """URL of the object store that outcomes go to; ``output`` is its mirror then, see `jobs.remote`."""
    shared: str = ""
    """A name that workers of one machine agree on to share a process with TensorFlow; default: ``work``."""
    run: bool = True
    """Run graphs in TensorFlow: the proof by execution."""
    keep: bool = False
    """Keep archives in the cache."""
    code: str = ""
    """Digest of the code that the main process has; a worker with another refuses."""
    per_host: int = 0
    """Downloads at a time from one server, on each machine; 0: no limit."""
    disk_limit: int = 0
    """Bytes of unpacked files on each machine; 0: no limit."""
    time_limit: float = 3600.0
    """Seconds for one row."""
    memory_limit: int = 8 << 30
    """Bytes of private memory for a process that works on rows."""

    @property
    def limits(self) -> str:
        """What a row may use, for the stamp of one that wanted more."""
        return f"{self.time_limit:g} s, {self.memory_limit} B"

    @property
    def room(self) -> Path:
        """The folder by which processes on one machine share its disk."""
        return Path(self.shared or self.work)

    def folder(self, row: Row) -> Path:
        """Where the outcome of a row is."""
        return Path(self.output) / "models" / row.slug

    def crumb(self, row: Row) -> Path:
        """The file that is there while a row is being worked on; holds the stage."""
        return Path(self.output) / ".running" / row.slug


class Ended(msgspec.Struct, frozen=True, kw_only=True):
    """One row that has its outcome on disk."""

    run: RowRun
    status: str


class RunStoppedError(ZooError):
    """A run cannot go on; outcomes made so far stand."""

    stage = "run"


class OtherVersionError(RunStoppedError):
    """A worker has another version of this code than the main process."""


def other_version(host: str, version: str, code: str, expected: str) -> OtherVersionError:
    """The error for a worker on ``host`` with another ``code`` than is expected."""
    return OtherVersionError(
        f"the worker on {host} has version {version} ({code}) of the zoo, expected {expected}",
        hint="install the same version on all hosts of the cluster",
    )


class OutputLostError(RunStoppedError):
    """Not even a failure can be written to the output."""

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(
            message, hint=hint or "free some space; what has ended is kept, run the same command again"
        )


class StoreError(OutputLostError):
    """The object store that outcomes go to cannot be used."""

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(
            message, hint=hint or "check the URL and the login; run the same command again to carry on"
        )
