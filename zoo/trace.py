"""What happened to a row on its way: stages and their seconds, bytes, log lines.

All that differs from run to run lives here, and never in an outcome.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

log = logging.getLogger(__name__)

Report = Callable[[str, int], None]
"""Called with the current stage and the bytes moved in it so far."""


class Trace:
    """The diary of one row."""

    def __init__(self, report: Report | None = None) -> None:
        self.stage = "start"
        self.seconds: dict[str, float] = {}
        self.lines: list[str] = []
        self.downloaded = 0
        self.retries = 0
        self.cached = False
        self.heals = False
        """The failure lies in nothing that the row names: the same work may end well the next time."""
        self.events: list[str] = []
        """What came in the way of the download: retries, resumes, mirrors; other each time."""
        self.on_stage: Callable[[str], object] | None = None
        """Called with the name of each stage that starts."""
        self._report = report
        self._moved = 0

    @contextmanager
    def at(self, stage: str) -> Iterator[None]:
        """Run a stage: what it costs is added to ``seconds``, and a failure is blamed on it."""
        self.stage, self._moved = stage, 0
        if self.on_stage is not None:
            self.on_stage(stage)
        self._tell()
        start = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[stage] = self.seconds.get(stage, 0.0) + time.perf_counter() - start

    def moved(self, count: int) -> None:
        """Note ``count`` more bytes moved in this stage."""
        self._moved += count
        self._tell()

    def note(self, text: str) -> None:
        """Add a line to the row's log; no times in it, so that the same input gives the same log."""
        self.lines.append(f"{self.stage}: {text}")
        log.info("%s: %s", self.stage, text)

    def _tell(self) -> None:
        if self._report is not None:
            self._report(self.stage, self._moved)
