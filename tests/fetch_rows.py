"""Rows to fetch, and what to expect of them."""

from __future__ import annotations

import hashlib
from pathlib import Path

from zoo.fetch import Fetched, FetchOptions, fetch
from zoo.manifest import parse_manifest
from zoo.records import Row

DATA = bytes(range(256)) * 1200  # 307,200 bytes that are of no kind
OTHER = DATA[::-1]
SHA256 = hashlib.sha256(DATA).hexdigest()
FAST = FetchOptions(
    connect_seconds=2, stall_seconds=0.3, seconds=20, retries=3, backoff=0.002, retry_after_cap=1.5
)


def row(url: str, folder: Path | str = "/", **cells: str) -> Row:
    """The row of a manifest with these cells."""
    columns = {"name": "model", "url": url, **cells}
    text = ",".join(columns) + "\n" + ",".join(f'"{cell}"' for cell in columns.values())
    (only,) = parse_manifest(text.encode(), Path(folder) / "manifest.csv")
    return only


def get(
    url: str, cache: Path, *, options: FetchOptions = FAST, moved: list[int] | None = None, **cells: str
) -> Fetched:
    """The only source of a row, fetched."""
    progress = moved.append if moved is not None else lambda count: None
    (only,) = fetch(row(url, **cells), cache, options=options, progress=progress)
    return only


def left(cache: Path) -> list[str]:
    """The files of a cache, without what is known of URLs, and what locks are on."""
    found = [path for path in cache.rglob("*") if path.is_file()]
    return sorted(path.name for path in found if path.parent.name != "urls" and path.name != "locks")
