"""The errors of the library: one base, one class per stage of the line.

    ZooError
    ├── ManifestError    a row of the manifest cannot be used
    ├── FetchError       a source could not be had, or is not what the row says
    │   └── TransientError   the same request may succeed later: retried, then reported
    ├── UnpackError      an archive is damaged, unsafe or of an unknown kind
    ├── FindError        nothing that can be read is in the unpacked files
    ├── ReadError        a model file is damaged or incomplete
    ├── EndpointError    inputs or outputs named by the row are not in the graph
    ├── FreezeError      the graph cannot be frozen
    └── CheckError       the frozen graph is not equal to its source

A message names the thing, what was expected and what was found, in lower case and without a
full stop, so that it reads inside a longer line.  A hint says what to do.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import ClassVar


class ZooError(Exception):
    """Base of every error that bad input can cause; anything else is a bug of ours."""

    stage: ClassVar[str] = "read"

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return self.message

    def __reduce__(self) -> tuple[object, ...]:
        # Exceptions with keyword arguments do not survive pickling between processes by default.
        return (_rebuild, (type(self), self.message, self.hint))


def _rebuild(kind: type[ZooError], message: str, hint: str | None) -> ZooError:
    return kind(message, hint=hint)


class ManifestError(ZooError):
    """A manifest, or a row of it, cannot be used."""

    stage = "manifest"


class FetchError(ZooError):
    """A source could not be had, or its bytes are not what the row says."""

    stage = "fetch"


class TransientError(FetchError):
    """A source could not be had now; the same request may succeed later."""


class UnpackError(ZooError):
    """An archive is damaged, unsafe or of an unknown kind."""

    stage = "unpack"


class FindError(ZooError):
    """No model was found among the unpacked files."""

    stage = "find"


class ReadError(ZooError):
    """A model file is damaged or incomplete."""

    stage = "read"


class EndpointError(ZooError):
    """Inputs or outputs that the row names are not in the graph."""

    stage = "endpoints"


class FreezeError(ZooError):
    """The graph cannot be frozen."""

    stage = "freeze"


class UnsupportedError(FreezeError):
    """The streaming engine does not know this construct to be right; another engine may."""


class CheckError(ZooError):
    """The frozen graph is not equal to its source."""

    stage = "check"


@contextmanager
def error_context(context: str) -> Iterator[None]:
    """Prefix the message of any ZooError raised inside with ``context: ``."""
    try:
        yield
    except ZooError as error:
        error.message = f"{context}: {error.message}"
        error.args = (error.message,)
        raise
