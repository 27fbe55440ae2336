"""The job end to end: the real command, real archives over real HTTP, real worker processes."""

from __future__ import annotations

import csv
import json
import signal
import subprocess
import sys
import tarfile
import threading
import time
import zipfile
from collections.abc import Iterator, Sequence
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.models_readers import CORPUS, needs_corpus

ROOT = Path(__file__).parent.parent
SAMPLES = ROOT / "samples" / "models"


class Server(ThreadingHTTPServer):
    """Serves a folder on loopback, remembers what was asked for, and can hold an answer back."""

    daemon_threads = True

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.asked: list[str] = []
        self.gate = threading.Event()
        self.gate.set()
        super().__init__(("127.0.0.1", 0), self.Handler)

    class Handler(SimpleHTTPRequestHandler):
        def __init__(self, *arguments: Any) -> None:
            super().__init__(*arguments, directory=str(arguments[2].folder))

        def do_GET(self) -> None:
            assert isinstance(self.server, Server)
            self.server.asked.append(self.path)
            if "slow" in self.path:
                self.server.gate.wait(60)
            super().do_GET()

        def log_message(self, format: str, *arguments: object) -> None:
            pass

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that was killed is no fault of the server."""

    def url(self, name: str) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/{name}"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    folder = tmp_path / "served"
    folder.mkdir()
    made = Server(folder)
    thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield made
    made.gate.set()
    made.shutdown()
    thread.join()
    made.server_close()


def manifest(path: Path, rows: Sequence[dict[str, str]]) -> Path:
    columns = list(dict.fromkeys(column for row in rows for column in row))
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        writer.writerows(rows)
    return path


def command(source: Path, folder: Path, *options: str) -> list[str]:
    return [
        *(sys.executable, "-m", "jobs.process", str(source), "--workers", "2"),
        *(
            "--output",
            str(folder / "zoo"),
            "--pages",
            str(folder / "pages"),
            "--cache",
            str(folder / "cache"),
        ),
        *options,
    ]


def job(source: Path, folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(source, folder, *options), capture_output=True, text=True, check=False, cwd=ROOT, timeout=240
    )


def catalog(folder: Path) -> dict[str, dict[str, Any]]:
    models = json.loads((folder / "zoo" / "catalog.json").read_bytes())
    return {model["name"]: model for model in models}


def served(server: Server, *names: str) -> list[dict[str, str]]:
    """Rows for sample files, copied to where the server finds them."""
    rows = []
    for name in names:
        (server.folder / name).write_bytes((SAMPLES / name).read_bytes())
        rows.append({"name": name.split(".")[0], "url": server.url(name)})
    return rows


def snapshot(folder: Path) -> dict[str, bytes]:
    """Everything a run writes that must not differ from run to run."""
    volatile = {"run.json", "run.md", "run.js", ".lock", "stamp.json"}
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for part in ("zoo", "pages")
        for path in sorted((folder / part).rglob("*"))
        if path.is_file() and path.name not in volatile
    }


def test_a_manifest_becomes_a_catalog_and_a_second_run_does_nothing(server: Server, tmp_path: Path) -> None:
    """Archives over HTTP end as frozen graphs and pages; nothing is fetched or done twice."""
    rows = served(server, "lenet-digits.tar.gz", "iris-frozen.pb", "lenet-weights.zip")
    rows.append({"name": "absent", "url": server.url("absent.tar.gz"), "expect": "failed"})
    source = manifest(tmp_path / "manifest.csv", rows)

    first = job(source, tmp_path)

    assert first.returncode == 0, first.stdout + first.stderr
    assert first.stdout.startswith("4 models in ")
    assert "2 frozen, 1 read, 1 failed (1 of them as expected)" in first.stdout
    found = catalog(tmp_path)
    assert {name: model["status"] for name, model in found.items()} == {
        "lenet-digits": "frozen",
        "iris-frozen": "frozen",
        "lenet-weights": "read",
        "absent": "failed",
    }
    assert found["absent"]["failure"]["stage"] == "fetch"
    assert "404" in found["absent"]["failure"]["reason"]
    lenet = json.loads((tmp_path / "zoo/models/lenet-digits/model.json").read_bytes())
    assert lenet["frozen"]["constants"]["checked"] == lenet["frozen"]["constants"]["equal"] > 0
    assert lenet["frozen"]["run"]["ok"] is True
    assert (tmp_path / "pages/models/lenet-digits.md").exists()
    assert not list((tmp_path / "zoo").rglob("*.partial"))
    before, asked = snapshot(tmp_path), len(server.asked)

    second = job(source, tmp_path)

    assert second.returncode == 0
    assert "nothing to do" in second.stdout
    assert len(server.asked) == asked
    assert snapshot(tmp_path) == before


def test_two_runs_into_two_folders_give_the_same_bytes(server: Server, tmp_path: Path) -> None:
    """Outcomes, frozen graphs and pages do not depend on when and where they were made."""
    rows = served(server, "resnet-digits.zip", "module.zip", "keras-cnn.tflite")
    source = manifest(tmp_path / "manifest.csv", rows)

    for folder in ("a", "b"):
        assert job(source, tmp_path / folder, "--no-run").returncode == 0

    a, b = snapshot(tmp_path / "a"), snapshot(tmp_path / "b")
    assert list(a) == list(b)
    assert [name for name in a if a[name] != b[name]] == []


def test_a_row_that_did_not_end_as_expected_is_exit_code_1(tmp_path: Path) -> None:
    """The closing screen names row, line, reason and what to do."""
    (tmp_path / "page.tar.gz").write_text("<!DOCTYPE html><html><body>Log in</body></html>")
    source = manifest(tmp_path / "manifest.csv", [{"name": "page", "url": "page.tar.gz"}])

    done = job(source, tmp_path, "--no-run")

    assert done.returncode == 1
    assert "page (line 2): fetch: " in done.stdout
    assert "HTML" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr


def test_a_bad_manifest_is_exit_code_2_and_nothing_is_processed(tmp_path: Path) -> None:
    """Every bad row is named at once."""
    rows = [
        {"name": "a", "url": ""},
        {"name": "a", "url": "x.pb"},
        {"name": "b", "url": "x.pb", "expect": "magic"},
    ]
    source = manifest(tmp_path / "manifest.csv", rows)

    done = job(source, tmp_path)

    assert done.returncode == 2
    assert all(f"line {line}" in done.stderr for line in (2, 3, 4)), done.stderr
    assert not (tmp_path / "zoo" / "catalog.json").exists()


def test_an_interrupted_run_is_carried_on_by_the_next(server: Server, tmp_path: Path) -> None:
    """Ctrl-C ends cleanly with 130, keeps what ended, leaves no process; the next run does the rest."""
    rows = served(server, "iris-frozen.pb", "keras-cnn.tflite")
    (server.folder / "slow.pb").write_bytes((SAMPLES / "iris-frozen.pb").read_bytes())
    rows.append({"name": "slow", "url": server.url("slow.pb")})
    source = manifest(tmp_path / "manifest.csv", rows)
    server.gate.clear()
    process = subprocess.Popen(
        command(source, tmp_path, "--no-run"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    # Pages are made while other rows are at work.
    models = tmp_path / "pages" / "models"
    wait_until(lambda: (models / "iris-frozen.md").exists() and (models / "keras-cnn.md").exists())
    family = psutil.Process(process.pid).children(recursive=True)

    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)

    assert process.returncode == 130
    assert "run the same command again to carry on" in errors
    assert "Traceback" not in errors, errors
    assert psutil.wait_procs(family, timeout=10)[1] == []
    assert set(catalog(tmp_path)) == {"iris-frozen", "keras-cnn"}

    server.gate.set()
    done = job(source, tmp_path, "--no-run")

    assert done.returncode == 0, done.stderr
    assert "2 of them stand from an earlier run" in done.stdout
    assert set(catalog(tmp_path)) == {"iris-frozen", "keras-cnn", "slow"}


def test_a_worker_that_is_killed_costs_no_row(server: Server, tmp_path: Path) -> None:
    """The row at work is run again in a process of its own; the others never notice."""
    rows = served(server, "iris-frozen.pb", "keras-cnn.tflite", "iris-frozen.pbtxt")
    rows[2]["name"] = "text"
    (server.folder / "slow.pb").write_bytes((SAMPLES / "iris-frozen.pb").read_bytes())
    rows.insert(0, {"name": "slow", "url": server.url("slow.pb")})
    source = manifest(tmp_path / "manifest.csv", rows)
    server.gate.clear()
    process = subprocess.Popen(
        command(source, tmp_path, "--no-run"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    wait_until(lambda: (tmp_path / "zoo/.running/slow").exists() and "/slow.pb" in server.asked)

    victims = [
        child for child in psutil.Process(process.pid).children(recursive=True) if downloads(child, server)
    ]
    for victim in victims:
        victim.kill()
    server.gate.set()
    output, errors = process.communicate(timeout=120)

    assert len(victims) == 1
    assert process.returncode == 0, output + errors
    assert {model["status"] for model in catalog(tmp_path).values()} <= {"frozen", "read"}
    assert len(catalog(tmp_path)) == 4


def test_a_row_that_dies_every_time_fails_alone_and_names_the_limit(server: Server, tmp_path: Path) -> None:
    """A row over the time limit ends as a failure that says so; its neighbours end well."""
    rows = served(server, "iris-frozen.pb", "keras-cnn.tflite")
    (server.folder / "slow.pb").write_bytes(b"x")
    rows.insert(0, {"name": "slow", "url": server.url("slow.pb")})
    source = manifest(tmp_path / "manifest.csv", rows)
    server.gate.clear()

    done = job(source, tmp_path, "--no-run", "--time-limit", "3")

    assert done.returncode == 1, done.stderr
    found = catalog(tmp_path)
    assert found["slow"]["failure"]["stage"] == "fetch"
    assert "time limit of 3 s" in found["slow"]["failure"]["reason"]
    assert [found[name]["status"] for name in ("iris-frozen", "keras-cnn")] == ["frozen", "read"]


def downloads(process: psutil.Process, server: Server) -> bool:
    """Whether a process is connected to the server."""
    port = server.server_address[1]
    return any(
        connection.status == psutil.CONN_ESTABLISHED and connection.raddr.port == port
        for connection in process.net_connections("tcp")
    )


def wait_until(ready: Any, seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not ready():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


def packed(source: Path, target: Path) -> Path:
    """A model folder packed as its kind suggests."""
    files = sorted(path for path in source.rglob("*") if path.is_file())
    if len(files) == 1:
        made = target / files[0].name
        made.write_bytes(files[0].read_bytes())
    elif "savedmodel" in source.name or "versions" in source.name:
        made = target / f"{source.name}.zip"
        with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
            for file in files:
                archive.write(file, file.relative_to(source))
    else:
        made = target / f"{source.name}.tar.gz"
        with tarfile.open(made, "w:gz", compresslevel=1) as archive:
            archive.add(source, ".")
    return made


@needs_corpus
def test_real_models_all_end_and_end_right(server: Server, tmp_path: Path) -> None:
    """Seventeen models as their authors shipped them: one run, seventeen outcomes, none unexpected."""
    with (CORPUS / "corpus.csv").open(newline="", encoding="utf-8") as file:
        truth = {row["name"]: row for row in csv.DictReader(file)}
    rows = [{"name": name, "url": server.url(packed(CORPUS / name, server.folder).name)} for name in truth]
    source = manifest(tmp_path / "manifest.csv", rows)

    start = time.monotonic()
    done = job(source, tmp_path, "--workers", "8")
    first = time.monotonic() - start

    assert "Traceback" not in done.stdout + done.stderr
    found = catalog(tmp_path)
    assert len(found) == len(truth) == 17
    for name, row in truth.items():
        status = found[name]["status"]
        reason = found[name]["failure"]
        if row["status"] != "ok":
            assert status == "failed", name
        elif row["format"].startswith(("TFLite", "Keras")):
            assert status in ("read", "frozen"), (name, reason)
        else:
            assert status == "frozen", (name, reason)
    start = time.monotonic()
    again = job(source, tmp_path, "--workers", "8")

    assert "nothing to do" in again.stdout
    assert time.monotonic() - start < first
