"""Where the files of a model that consists of several go."""

from __future__ import annotations

from pathlib import Path

import pytest

from zoo.fetch import FetchOptions, fetch
from zoo.manifest import parse_manifest
from zoo.paths import folders
from zoo.unpack import Limits, unpack


@pytest.mark.parametrize(
    ("urls", "places"),
    [
        (["https://e.org/m.tar.gz"], [""]),
        (["https://e.org/a/m.index", "https://e.org/b/m.meta"], ["", ""]),
        (["https://e.org/saved_model.pb", "https://e.org/variables/variables.index"], ["", "variables/"]),
        (["https://e.org/n/1/saved_model.pbtxt", "https://e.org/n/1/assets/w.txt"], ["", "assets/"]),
        (["/z/n/../n/saved_model.pb", "/z/n/variables/variables.index"], ["", "variables/"]),
        (["https://e.org/saved_model.pb", "https://f.org/variables/variables.index"], ["", ""]),
        (["s3://b/saved_model.pb", "s3://b/a%5Cb/c"], ["", "a%5Cb/"]),
        (["https://e.org/saved_model.pb", "https://e.org/../../variables/v"], ["", "variables/"]),
    ],
    ids=["one", "checkpoint", "saved-model", "text", "local", "hosts", "backslash", "climbing"],
)
def test_files_of_a_saved_model_keep_their_places(urls: list[str], places: list[str]) -> None:
    """A SavedModel's values lie in a folder of their own; other files lie side by side."""
    assert list(folders(urls)) == places


def test_a_saved_model_of_bare_files_is_put_together(tmp_path: Path) -> None:
    """Three paths in one row become the folder that they were."""
    names = ["saved_model.pb", "variables/variables.index", "variables/variables.data-00000-of-00001"]
    for name in names:
        path = tmp_path / "net" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode())
    cells = " ".join(f"net/{name}" for name in names)
    (row,) = parse_manifest(f"name,url\nnet,{cells}\n".encode(), tmp_path / "manifest.csv")

    fetched = fetch(row, tmp_path / "cache", options=FetchOptions(), progress=lambda _: None)
    unpacked = unpack(fetched, tmp_path / "out", limits=Limits())

    assert [(unpacked.root / name).read_bytes() for name in names] == [name.encode() for name in names]
