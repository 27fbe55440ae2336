"""Names: the nearest known one, safe slugs."""

from __future__ import annotations

import difflib
import hashlib
import re
from collections.abc import Iterable

_RESERVED = frozenset(
    ["con", "prn", "aux", "nul", *(f"{port}{i}" for port in ("com", "lpt") for i in range(1, 10))]
)
SLUG_LENGTH = 80


def nearest(name: str, known: Iterable[str], *, count: int = 3) -> list[str]:
    """Up to ``count`` members of ``known`` that read most like ``name``, best first.

    Compares at most 20,000 names: difflib is quadratic in their length.
    """
    pool = list(dict.fromkeys(known))
    tail = name.rsplit("/", 1)[-1].lower()
    same_tail = [other for other in pool if other.rsplit("/", 1)[-1].lower() == tail]
    if len(pool) > 20_000:
        pool = [other for other in pool if tail[:4] in other.lower()][:20_000]
    close = difflib.get_close_matches(name, pool, n=count, cutoff=0.6)
    return list(dict.fromkeys([*close, *same_tail]))[:count]


def slug(name: str) -> str:
    """A file and URL name for ``name``: ``[a-z0-9._-]``, at most 80 characters.

    A name that does not survive unchanged (but for case) gets eight hex digits of its digest, so
    that two names never share a slug by accident.
    """
    plain = re.sub(r"[^a-z0-9._-]+", "-", name.lower()).strip("-._")
    kept = plain[:SLUG_LENGTH]
    if kept == name.lower() and kept not in _RESERVED and kept.split(".")[0] not in _RESERVED:
        return kept
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"{kept[: SLUG_LENGTH - 9].rstrip('-._') or 'model'}-{digest}"
