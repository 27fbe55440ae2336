"""Which rows need no work, because their outcome stands and nothing it depends on has changed."""

from __future__ import annotations

import functools
import hashlib
import json
from pathlib import Path

import msgspec

import zoo
from zoo.manifest import as_expected, told
from zoo.records import Outcome, Row, load, to_json
from zoo.store import write, write_if_changed

STAMP = "stamp.json"


class Stamp(msgspec.Struct, frozen=True, kw_only=True):
    """What an outcome was made from; stands beside it."""

    key: str
    manifest: str = ""
    """The manifest whose row it was, see `manifest_name`."""
    retry: bool = False
    """The failure may heal by itself (a server that was down): try again next time."""
    limits: str = ""
    """The limits that were too low for it: with others, try again."""


@functools.cache
def job_version() -> str:
    """A digest of all that a worker runs: two hosts with the same one make the same outcomes."""
    digest = hashlib.sha256(code_version().encode())
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


@functools.cache
def code_version() -> str:
    """A digest of the library's source, but for the pages, which outcomes do not depend on."""
    digest = hashlib.sha256(zoo.__version__.encode())
    root = Path(zoo.__file__).parent
    for path in sorted(root.rglob("*.py")):
        if "pages" not in path.relative_to(root).parts:
            digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def key(row: Row, *, run: bool) -> str:
    """What the work on a row depends on, as a digest.

    A local source counts with its size and time of change.  A remote one is taken to stay what it
    was until ``--force``; a row that gives a ``checksum`` changes with it.  What is only told
    (name, line, task, license …) does not count, see `retold`.
    """
    files = []
    for url in (*row.urls, *row.mirrors, *([row.graph] if row.graph else [])):
        path = Path(url)
        if path.is_absolute() and path.exists():
            stat = path.stat()
            files.append([url, stat.st_size, stat.st_mtime_ns])
    facts = [
        row.urls, row.mirrors, msgspec.to_builtins(row.checksums), row.size, row.member, row.inputs,
        row.outputs, row.graph, row.weights, files, code_version(), run, row.sizes,
        msgspec.to_builtins(row.member_checksum), row.documented_inputs, row.documented_outputs,
    ]  # fmt: skip
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def retold(outcome: Outcome, row: Row) -> Outcome:
    """The outcome with what its row says now."""
    return msgspec.structs.replace(
        outcome,
        name=row.name,
        slug=row.slug,
        expected=as_expected(row, outcome.status),
        manifest=told(row),
    )


def stamp(folder: Path, row_key: str, *, retry: bool, limits: str = "", manifest: str = "") -> None:
    """Note what the outcome in ``folder`` was made from."""
    noted = Stamp(key=row_key, manifest=manifest, retry=retry, limits=limits)
    write(f"{folder}/{STAMP}", msgspec.json.encode(noted))


def stamp_of(folder: Path) -> Stamp | None:
    """What is noted of the outcome in ``folder``; None if nothing is, or nothing that can be read."""
    try:
        return load(folder / STAMP, Stamp)
    except (OSError, msgspec.DecodeError):
        return None


def claim(folder: Path, manifest: str, *, retry: bool = False) -> None:
    """Note that the outcome in ``folder``, if any, is of this manifest, and perhaps to be made again."""
    known = stamp_of(folder)
    if known is not None:
        claimed = msgspec.structs.replace(known, manifest=manifest, retry=known.retry or retry)
        write_if_changed(folder / STAMP, msgspec.json.encode(claimed))


def manifest_name(path: Path) -> str:
    """What tells a manifest from others that share an output: its path, from here if it lies below.

    A checkout may move; what is run in it goes by the same name then.
    """
    path, here = path.resolve(), Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)


def finished(folder: Path, row: Row, row_key: str, *, limits: str = "", files: bool = True) -> Outcome | None:
    """The outcome that stands in ``folder``, if it is whole and was made from the same.

    What it tells of its row is brought up to date.  ``limits`` are those that hold now.  Without
    ``files`` they are elsewhere, and have been looked at there.
    """
    try:
        known = msgspec.json.decode((folder / STAMP).read_bytes(), type=Stamp)
        if known.key != row_key or known.retry or known.limits not in ("", limits):
            return None
        outcome = load(folder / "model.json", Outcome)
        if files and any((folder / file.path).stat().st_size != file.bytes for file in outcome.files):
            return None
    except (OSError, msgspec.DecodeError):
        return None
    fresh = retold(outcome, row)
    if fresh != outcome:
        write_if_changed(folder / "model.json", to_json(fresh))
    return fresh
