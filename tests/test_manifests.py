"""The manifests of public zoos that ship with the project."""

from __future__ import annotations

import importlib.util
import os
import sys
from collections import Counter
from pathlib import Path
from types import ModuleType

import pytest

from zoo.manifest import read_manifest
from zoo.records import Row

ROOT = Path(__file__).resolve().parent.parent
MANIFESTS = sorted((ROOT / "manifests").glob("*.csv"))


@pytest.fixture(scope="module")
def rows() -> dict[str, Row]:
    """All rows of all manifests by name."""
    return {row.name: row for manifest in MANIFESTS for row in read_manifest(manifest)}


@pytest.fixture(scope="module")
def convert() -> ModuleType:
    spec = importlib.util.spec_from_file_location("convert", ROOT / "manifests" / "convert.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("manifest", MANIFESTS, ids=lambda path: path.name)
def test_every_shipped_manifest_is_valid(manifest: Path) -> None:
    """The check of the job finds no problem in any row."""
    assert read_manifest(manifest)


def test_the_readme_counts_the_rows() -> None:
    """The table of the manifests gives their number of models."""
    readme = (ROOT / "manifests" / "README.md").read_text(encoding="utf-8")

    for manifest in MANIFESTS:
        assert f"| `{manifest.name}` | {len(read_manifest(manifest))} |" in readme


def test_names_are_unique_across_manifests() -> None:
    """Two manifests can be processed into one catalog: no name stands in both."""
    counts = Counter(row.name for manifest in MANIFESTS for row in read_manifest(manifest))

    assert [name for name, count in counts.items() if count > 1] == []


def test_sources_that_are_known_to_be_gone_are_left_out(rows: dict[str, Row]) -> None:
    """No row has only an address that asks for a login, or a file that is not TensorFlow's."""
    urls = [url for row in rows.values() for url in row.urls]

    assert not [url for url in urls if "id=0B_" in url or "storage.cloud.google.com" in url]
    assert not [url for url in urls if url.endswith((".weights", ".pbmm"))]


def test_a_published_checksum_is_used(rows: dict[str, Row]) -> None:
    """Archives, members and each of several files carry what their source publishes."""
    archive = rows["ssdlite_mobilenet_v2"]
    several = rows["FSRCNN_Tensorflow:CKPT_dir/x2/fsrcnn_ckpt"]
    member = rows["ssd_mobilenet_v1_coco_11_06_2017"]

    assert [checksum and checksum.algorithm for checksum in archive.checksums] == ["sha384"]
    assert len(several.urls) == len([checksum for checksum in several.checksums if checksum]) == 3
    assert several.size == 101972 + 2161 + 1122100
    assert member.member_checksum is not None
    assert member.member_checksum.value == "aaf36f068fab10359eadea0bc68388d96cf68139"


def test_documented_names_do_not_override_detection(rows: dict[str, Row]) -> None:
    """Names from documentation stand in columns of their own, as whole tensor names."""
    deeplab = rows["EdgeTPU-DeepLab"]

    assert deeplab.documented_inputs == ("ImageTensor:0",)
    assert deeplab.documented_outputs == ("SemanticPredictions:0",)
    assert not any(row.inputs or row.outputs for row in rows.values())


@pytest.mark.parametrize(
    ("cell", "basis", "names"),
    [
        ("input:[1, 224, 224, 3]", "documented: OMZ model.yml", "input:0"),
        ("a:0;b:[1, 2]", "documented: tf2onnx yaml", "a:0 b:0"),
        ("boxes,scores | boxes:0,scores:0,classes:0", "exporter default", "boxes:0 scores:0 classes:0"),
        ("0:sub", "documented: OMZ model.yml", ""),
        ("input:0 (frozen pb)", "documented: README", ""),
        ("input:0", "same family, not individually documented", ""),
        ("", "documented: OMZ model.yml", ""),
    ],
    ids=["shape", "several", "best-source", "port", "remark", "kin", "empty"],
)
def test_documented_names_become_tensor_names(convert: ModuleType, cell: str, basis: str, names: str) -> None:
    """Shapes, missing indices, several sources and ports of other tools are told apart."""
    assert convert.endpoints({"inputs": cell, "io_basis": basis}, "inputs") == names


def test_converting_the_table_gives_the_shipped_manifests(
    convert: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the source table lies beside the checkout, the manifests are what it converts to."""
    table = Path(os.environ.get("ZOO_PUBLIC_MODELS", ROOT.parent / "shared" / "public_models.csv"))
    if not table.is_file():
        pytest.skip(f"the source table is not at {table.name} beside the checkout: set ZOO_PUBLIC_MODELS")
    monkeypatch.setattr(convert, "HERE", tmp_path)

    assert convert.main([str(table)]) == 0

    for manifest in MANIFESTS:
        assert (tmp_path / manifest.name).read_bytes() == manifest.read_bytes(), manifest.name
    assert len(list(tmp_path.iterdir())) == len(MANIFESTS)
    sys.modules.pop("convert", None)
