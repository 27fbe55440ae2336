"""Pages made while workers work: what the main process does with its spare time."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from zoo.records import Outcome, Row, from_json

if TYPE_CHECKING:
    from zoo.pages.publish import Published, Publisher


class Pages:
    """The pages of a run.

    Args:
        output: where outcomes appear.
        folder: where pages go.
        manifest: file name of the manifest.
    """

    def __init__(self, output: Path, folder: Path, manifest: str) -> None:
        self._output, self._folder, self._manifest = output, folder, manifest
        self._todo: Sequence[Row] = ()
        self._waiting: deque[str] = deque()
        self._models = 0
        self._publisher: Publisher | None = None

    def begin(self, todo: Sequence[Row]) -> None:
        """Expect outcomes of these rows."""
        self._todo = todo

    def ended(self, slug: str) -> None:
        """Have the page of a row made, sooner or later."""
        self._waiting.append(slug)

    def make_one(self) -> bool:
        """Make one of the pages that wait; whether there are more."""
        if not self._waiting:
            return False
        if self._publisher is None:
            self._publisher = self._made()
            slugs = {row.slug for row in self._todo}
            self._publisher.begin(slugs)
            there = (path.name for path in (self._output / "models").glob("[!.]*"))
            self._models = len(slugs.union(there))
        self._publisher.early(self._waiting.popleft(), models=self._models, manifest=self._manifest)
        return bool(self._waiting)

    def outcome(self, path: Path) -> Outcome:
        """The outcome in a file, which may be known from its page.

        Raises:
            OSError: it cannot be read.
            msgspec.DecodeError: it is of another version.
        """
        record = path.read_bytes()
        known = None if self._publisher is None else self._publisher.known(path.parent.name, record)
        return from_json(record, Outcome) if known is None else known

    def publish(self) -> Published:
        """Make all that is left to make.

        Raises:
            OSError: the disk is full or not writable.
        """
        return (self._publisher or self._made()).publish()

    def _made(self) -> Publisher:
        from zoo.pages.publish import Publisher  # not before the workers are at work, or need not be

        return Publisher(self._output, self._folder)
