"""What a person names on the command line, as the library takes it: a row, or a folder."""

from __future__ import annotations

import contextlib
import os
import re
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from zoo import find
from zoo.errors import FindError
from zoo.fetch import FetchOptions, fetch
from zoo.model import Model
from zoo.names import nearest, slug
from zoo.records import Row, Weights
from zoo.unpack import Limits, unpack

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*(://|::)")
_PARTS = re.compile(r"\.(meta|index|data-\d+-of-\d+)$|-\d+-of-\d+$")


@dataclass(frozen=True, kw_only=True)
class Source:
    """A model that is named on the command line."""

    row: Row
    root: Path | None = None
    """The folder to read in place; None for what has to be fetched and unpacked."""


def source(
    text: str,
    *,
    member: str | None = None,
    inputs: Sequence[str] = (),
    outputs: Sequence[str] = (),
    weights: Weights = "raw",
    graph: str | None = None,
) -> Source:
    """The source that ``text`` names: a URL, an archive, a file, a folder, or a checkpoint prefix.

    Raises:
        FindError: there is no such file; names the nearest one.
    """
    urls, root, name = _places(text)
    row = Row(
        line=0,
        name=name,
        slug=slug(name),
        urls=urls,
        member=member,
        inputs=tuple(inputs),
        outputs=tuple(outputs),
        weights=weights,
        # What is no file here may be a member of the archive.
        graph=str(Path(graph).absolute()) if graph is not None and Path(graph).is_file() else graph,
    )
    return Source(row=row, root=root)


def _places(text: str) -> tuple[tuple[str, ...], Path | None, str]:
    if _URL.match(text):
        return (text,), None, re.split(r"[?#]", text)[0].rstrip("/").rpartition("/")[2] or text
    # By hand: a checkpoint prefix may be empty, and then the text ends in a slash.
    folder, stem = Path(os.path.dirname(text) or "."), os.path.basename(text)  # noqa: PTH119, PTH120
    path = Path(text)
    siblings = _siblings(folder, stem)
    if path.is_dir() and not (text.endswith("/") and siblings):
        return (), path.resolve(), path.resolve().name
    if siblings:
        return tuple(str(one.absolute()) for one in siblings), None, stem or folder.resolve().name
    names = [one.name for one in folder.iterdir()] if folder.is_dir() else []
    close = nearest(stem, names)
    hint = f"nearest: {', '.join(close)}" if close else "give a file, a folder, a checkpoint prefix or a URL"
    raise FindError(f"{text}: expected a model, found no such file", hint=hint)


def _siblings(folder: Path, stem: str) -> list[Path]:
    """The file of that name with what belongs to it, or the files of the checkpoint with that prefix."""
    if not folder.is_dir():
        return []
    files = {path.name: path for path in sorted(folder.iterdir()) if path.is_file()}
    base = _PARTS.sub("", stem)
    family = [
        path
        for name, path in files.items()
        if name == base or (_PARTS.sub("", name) == base and name != base)
    ]
    if stem in files and len(family) <= 1:
        return [files[stem]]
    return family if stem in files or any(_PARTS.search(path.name) for path in family) else []


@contextlib.contextmanager
def opened(one: Source, *, cache: Path) -> Iterator[Model]:
    """The model that was found and read; its files stay as long as the block.

    Raises:
        ZooError: it cannot be fetched, unpacked, found or read.
    """
    with tempfile.TemporaryDirectory(prefix="zoo-") as work:
        root = one.root
        if root is None:
            fetched = fetch(one.row, cache, options=FetchOptions(), progress=_quiet)
            root = unpack(fetched, Path(work) / "model", limits=Limits()).root
        artifact, others, why = find.choose(find.find(root), one.row.member)
        yield find.read(root, artifact, others=others, why=why)


def _quiet(_: int) -> None:
    """Nobody watches."""
