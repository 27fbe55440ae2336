"""Real models, packed as their kinds suggest, come out of every archive byte for byte."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.models_readers import CORPUS, needs_corpus
from zoo.fetch import FetchOptions, fetch
from zoo.manifest import parse_manifest
from zoo.unpack import Limits, unpack

MODELS = sorted(path.name for path in CORPUS.iterdir() if path.is_dir()) if CORPUS.is_dir() else []

pytestmark = needs_corpus

PACK = {
    "tar.gz": ["tar", "czf"],
    "tar": ["tar", "cf"],
}


@pytest.mark.parametrize("ending", PACK)
def test_real_models_come_out_as_they_went_in(ending: str, tmp_path: Path) -> None:
    """What the system's own tar packs, whatever the names, is unpacked to the same files."""
    for name in MODELS:
        folder = CORPUS / name
        packed = tmp_path / f"{name}.{ending}"
        subprocess.run([*PACK[ending], packed, "-C", folder, "."], check=True)
        (row,) = parse_manifest(f"name,url\n{name},{packed.name}\n".encode(), tmp_path / "m.csv")

        fetched = fetch(row, tmp_path / "cache", options=FetchOptions(), progress=lambda count: None)
        found = unpack(fetched, tmp_path / "out", limits=Limits())

        there = {str(path.relative_to(found.root)): path.read_bytes() for path in _files(found.root)}
        assert there == {str(path.relative_to(folder)): path.read_bytes() for path in _files(folder)}
        assert found.files == len(there)


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]
