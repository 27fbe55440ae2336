"""The sample models that are committed: small, whole, of every kind, and listed."""

from __future__ import annotations

import hashlib
import io
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from zoo.manifest import read_manifest
from zoo.records import Row, Status

ROOT = Path(__file__).resolve().parent.parent
MODELS = ROOT / "samples" / "models"
MANIFEST = ROOT / "manifest.csv"


@pytest.fixture(scope="module")
def rows() -> tuple[Row, ...]:
    return read_manifest(MANIFEST)


def members(archive: Path) -> list[str]:
    """The names of the files in an archive, or the name of a file that is none."""
    data = archive.read_bytes()
    if zipfile.is_zipfile(io.BytesIO(data)) and archive.suffix == ".zip":
        return zipfile.ZipFile(io.BytesIO(data)).namelist()
    if ".tar" in archive.suffixes:
        with tarfile.open(fileobj=io.BytesIO(data)) as tar:
            return tar.getnames()
    return [archive.name]


def test_all_samples_together_are_small() -> None:
    """The samples take less than 3 MB together, and none takes more than 200 kB."""
    sizes = {path.name: path.stat().st_size for path in MODELS.iterdir()}

    assert sum(sizes.values()) < 3_000_000
    assert max(sizes.values()) < 200_000, sizes


def test_every_checksum_of_the_manifest_agrees(rows: tuple[Row, ...]) -> None:
    """Each row gives a SHA-256 for each of its files, and the files have it."""
    for row in rows:
        assert len(row.checksums) == len(row.urls), row.name
        for url, checksum in zip(row.urls, row.checksums, strict=True):
            assert checksum is not None
            assert checksum.algorithm == "sha256"
            assert hashlib.sha256(Path(url).read_bytes()).hexdigest() == checksum.value, url


def test_every_sample_is_listed_and_every_listed_one_is_there(rows: tuple[Row, ...]) -> None:
    """The manifest and the folder name the same files."""
    listed = {Path(url).resolve() for row in rows for url in (*row.urls, *([row.graph] if row.graph else []))}

    assert listed == {path.resolve() for path in MODELS.iterdir()}


def test_the_manifest_expects_one_row_to_fail(rows: tuple[Row, ...]) -> None:
    """The catalog shows what a failure looks like, once, and what a success looks like, often."""
    expected = [row.expect for row in rows]

    assert expected.count(Status.FAILED) == 1
    assert expected.count(Status.FROZEN) > len(rows) // 2
    assert expected.count(Status.READ) >= 4


def test_every_row_tells_what_it_is(rows: tuple[Row, ...]) -> None:
    """Task, family, license and description are filled in."""
    for row in rows:
        assert all([row.task, row.family, row.description]), row.name
        assert row.license == "Apache-2.0"


@pytest.mark.parametrize(
    ("archive", "ending"),
    [
        ("lenet-digits.tar.gz", "model.ckpt-1000.meta"),
        ("lenet-digits.tar.gz", "model.ckpt-900.index"),
        ("lenet-digits.tar.gz", "checkpoint"),
        ("resnet-digits.zip", ".data-00000-of-00001"),
        ("lstm-digits.tar", "lstm.ckpt.index"),
        ("wine-v1.tar.gz", "wine/model-200"),
        ("two-inputs.tar.gz", "1/saved_model.pb"),
        ("module.zip", "variables/variables.index"),
        ("object-checkpoint.tar.gz", "ckpt-300.index"),
        ("keras-export.tar.gz", "saved_model.pb"),
        ("iris-frozen.pb", ".pb"),
        ("iris-frozen.pbtxt", ".pbtxt"),
        ("two-heads.ckpt.meta", ".meta"),
        ("keras-cnn.keras", ".keras"),
        ("keras-cnn.h5", ".h5"),
        ("keras-cnn.weights.h5", ".weights.h5"),
        ("keras-cnn.tflite", ".tflite"),
    ],
)
def test_every_format_is_represented(archive: str, ending: str) -> None:
    """Each way in which the field ships models has its sample."""
    assert any(name.endswith(ending) for name in members(MODELS / archive))


def test_the_weights_alone_have_no_graph() -> None:
    """The weights-only sample holds an index and a shard, and no .meta."""
    assert sorted(members(MODELS / "lenet-weights.zip")) == [
        "lenet.ckpt.data-00000-of-00001",
        "lenet.ckpt.index",
    ]


def test_the_failing_sample_lacks_its_data_shard() -> None:
    """The row that is expected to fail holds everything but the data."""
    names = members(MODELS / "lenet-without-data.tar.gz")

    assert {name.rsplit(".", 1)[-1] for name in names if "model" in name} == {"index", "meta"}


@pytest.mark.parametrize("name", ["samples.tar", "samples.tar.gz", "samples.zip"])
def test_packing_depends_on_nothing_but_the_files(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Times, modes and the order of creation leave no trace in an archive."""
    monkeypatch.syspath_prepend(str(ROOT / "samples"))
    from packing import pack

    first, second = tmp_path / "first", tmp_path / "second"
    for folder, order in ((first, ["a", "b"]), (second, ["b", "a"])):
        folder.mkdir()
        for file in order:
            (folder / file).write_text(file)
    (second / "a").chmod(0o600)
    for folder in (first, second):
        pack(folder, folder.with_name(f"{folder.name}-{name}"))

    assert (tmp_path / f"first-{name}").read_bytes() == (tmp_path / f"second-{name}").read_bytes()
    sys.modules.pop("packing")


def test_the_manifest_is_what_the_script_writes(monkeypatch: pytest.MonkeyPatch) -> None:
    """The committed manifest is the script's rows with the checksums of the committed files."""
    monkeypatch.syspath_prepend(str(ROOT / "samples"))
    from make import manifest_text

    assert MANIFEST.read_text(encoding="utf-8") == manifest_text(MODELS)
    sys.modules.pop("make")
