"""What every kind of source has in common: its bytes as a stream, and what may become of it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Protocol

from zoo.errors import FetchError, TransientError

_USERINFO = re.compile(r"(?<=://)[^/?#\s]*@")
_QUERY_SECRET = re.compile(
    r"([?&;#][^=&#\s]*(?:token|secret|passw|pwd|signature|credential|api[-_]?key|access[-_]?key|auth|session"
    r"|jwt|x-amz-|x-goog-)[^=&#\s]*=)[^&#\s'\"]+",
    re.IGNORECASE,
)
_SHORT_SECRET = re.compile(r"([?&;#](?:key|sig|sas|code)=)[^&#\s'\"]+", re.IGNORECASE)
_BARE_TOKEN = re.compile(r"\b(?:hf_|ghp_|gho_|github_pat_|glpat-|AKIA|eyJ)[A-Za-z0-9_.-]{8,}")


def redact(text: str) -> str:
    """``text`` with the secrets of every URL in it replaced by ``***``: userinfo, tokens, signatures."""
    if "@" in text:
        text = _USERINFO.sub("***@", text)
    if "=" in text:
        text = _QUERY_SECRET.sub(r"\1***", text)
        text = _SHORT_SECRET.sub(r"\1***", text)
    return _BARE_TOKEN.sub("***", text)


class Stream(Protocol):
    """The bytes of a source from ``start`` on."""

    start: int
    total: int | None
    """Bytes of the whole source, where it says so."""
    validator: str | None
    """Changes when the source changes."""
    filename: str | None
    """What the source says its name is."""
    encoding: str
    """Content coding of the bytes: ``identity``, or ``gzip`` from a server that was asked not to."""

    def readinto(self, view: memoryview) -> int:
        """Fill the start of ``view``; the number of bytes, 0 at the end.

        Raises:
            TransientError: the connection broke or stalled.
        """
        ...

    def close(self) -> None:
        """Let go of the connection."""
        ...


class SourceChanged(Exception):  # noqa: N818 (it never leaves this stage)
    """The bytes from the wanted offset on cannot be had, or belong to another version of the source."""

    def __init__(self, reason: str, cause: TransientError | None = None) -> None:
        super().__init__(reason)
        self.cause = cause
        """Why the download had to be carried on at all."""


class RetryLaterError(TransientError):
    """A server that is up asks to come back after ``seconds``."""

    seconds: float = 0.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Timeouts:
    """Seconds to wait for a connection, for the next bytes, and until which moment for the whole."""

    connect: float
    stall: float
    deadline: float
    """On the clock of `time.monotonic`."""


def too_slow(url: str) -> FetchError:
    """The error of a row that has used up its time."""
    return FetchError(
        f"{redact(url)}: the download took longer than the time allowed for a row",
        hint="try again (a download carries on where it stopped), or allow more time",
    )
