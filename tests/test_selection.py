"""Which rows a run works on, whose outcomes go, and what of a manifest is never told."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from jobs.batch import changed
from jobs.process import USAGE, main
from tests.test_job import SAMPLES, Server, catalog, job, manifest
from tests.test_job import server as server
from zoo.manifest import parse_manifest

SECRETS = ("pass-s3cret", "token-s3cret", "sig-s3cret", "key-s3cret")


def names(folder: Path) -> set[str]:
    """Models of the catalog, which have a page each and no other has."""
    found = set(catalog(folder))
    assert {path.stem for path in (folder / "pages" / "models").glob("*.md")} == found
    assert {path.name for path in (folder / "zoo" / "models").iterdir()} == found
    return found


def test_an_output_follows_its_manifests(tmp_path: Path) -> None:
    """What is chosen is processed; rows that go or are renamed do so in the output, other manifests' stay."""
    for name in ("iris-frozen.pb", "keras-cnn.tflite", "module.zip"):
        shutil.copyfile(SAMPLES / name, tmp_path / name)
    iris = {"name": "iris", "url": "iris-frozen.pb", "family": "flowers"}
    cnn = {"name": "cnn", "url": "keras-cnn.tflite", "family": "digits"}
    module = {"name": "module", "url": "module.zip", "family": "digits"}
    first = manifest(tmp_path / "first.csv", [iris, cnn, module])

    assert job(first, tmp_path, "--no-run", "--only", "iris", "module").returncode == 0
    assert names(tmp_path) == {"iris", "module"}

    done = job(first, tmp_path, "--no-run", "--family", "digits")
    assert "2 models in" in done.stdout
    assert "1 of them stand from an earlier run" in done.stdout
    assert names(tmp_path) == {"iris", "cnn", "module"}

    second = manifest(tmp_path / "second.csv", [{"name": "other", "url": "iris-frozen.pb"}])
    assert job(second, tmp_path, "--no-run").returncode == 0
    assert names(tmp_path) == {"iris", "cnn", "module", "other"}
    again = job(second, tmp_path, "--no-run")
    assert "nothing to do" in again.stdout
    assert names(tmp_path) == {"iris", "cnn", "module", "other"}, (
        "the second run of a manifest removes no more"
    )

    before = (tmp_path / "zoo/models/iris/graph.txt").stat().st_ino
    manifest(first, [{**iris, "name": "flowers"}, module])
    done = job(first, tmp_path, "--no-run")
    assert "nothing to do" in done.stdout
    assert names(tmp_path) == {"flowers", "module", "other"}
    assert (tmp_path / "zoo/models/flowers/graph.txt").stat().st_ino == before
    assert json.loads((tmp_path / "zoo/models/flowers/model.json").read_bytes())["name"] == "flowers"
    assert list(catalog(tmp_path)) == ["flowers", "module", "other"], "manifest by manifest, in their order"


def test_rows_that_an_older_manifest_has_are_left_out(tmp_path: Path) -> None:
    """A row counts as changed when a cell of it is another one, not when it stands on another line."""
    before = parse_manifest(b"name,url,task\na,x.pb,\nb,y.pb,\nc,z.pb,old\n", tmp_path / "before.csv")
    now = parse_manifest(b"name,url,task\nc,z.pb,new\nb,y.pb,\na,x.pb,\nd,w.pb,\n", tmp_path / "now.csv")

    assert [row.name for row in changed(now, before)] == ["c", "d"]


def test_secrets_in_urls_are_told_nowhere(server: Server, tmp_path: Path) -> None:
    """Not in outcomes, logs, pages or the cache, nor on the screen, whatever becomes of the row."""
    for name in ("iris-frozen.pb", "lenet-weights.zip", "lenet-graph.pbtxt"):
        shutil.copyfile(SAMPLES / name, server.folder / name)
    login = server.url("").replace("http://", "http://me:pass-s3cret@")
    query = "?token=token-s3cret&X-Amz-Signature=sig-s3cret"
    refused = "http://me:pass-s3cret@127.0.0.1:9"
    rows = [
        {"name": "good", "url": f"{login}iris-frozen.pb{query}"},
        {"name": "absent", "url": f"{login}none.pb{query}", "mirror": f"{login}no.pb?api_key=key-s3cret"},
        {"name": "mirrored", "url": f"{login}none.pb{query}", "mirror": f"{login}iris-frozen.pb{query}"},
        {"name": "joined", "url": f"{login}lenet-weights.zip", "graph": f"{login}lenet-graph.pbtxt{query}"},
        {"name": "wrong", "url": f"{login}iris-frozen.pb{query}", "checksum": "sha256:" + "0" * 64},
        {"name": "ftp", "url": f"ftp://me:pass-s3cret@127.0.0.1:9/x{query}"},
        {"name": "refused", "url": f"{refused}/x.pb{query}", "source": f"{refused}/{query}"},
    ]
    source = manifest(tmp_path / "manifest.csv", rows)

    done = job(source, tmp_path, "--no-run", "--time-limit", "20")

    found = catalog(tmp_path)
    assert [found[name]["status"] for name in ("good", "mirrored", "joined")] == ["frozen"] * 3
    assert len(found) == len(rows)
    told = [
        (str(path.relative_to(tmp_path)), secret)
        for part in ("zoo", "pages", "cache")
        for path in (tmp_path / part).rglob("*")
        for secret in SECRETS
        if path.is_file() and (secret.encode() in path.read_bytes() or secret in path.name)
    ]
    assert told == []
    assert not [secret for secret in SECRETS if secret in done.stdout + done.stderr]


@pytest.mark.parametrize("cell", ["url", "mirror", "graph", "checksum", "expect", "size"])
def test_a_bad_row_is_told_without_its_secrets(
    cell: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The check names what is wrong with a cell, and no password in it."""
    row = {"name": "a", "url": "x.pb", cell: "ht tp://me:pass-s3cret@[bad/x?token=token-s3cret"}
    source = manifest(tmp_path / "manifest.csv", [row])

    code = main([str(source), "--check"])

    said = capsys.readouterr()
    assert not [secret for secret in SECRETS if secret in said.out + said.err]
    assert code == USAGE or cell in ("mirror", "graph")
