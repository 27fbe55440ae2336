"""The job on a cluster: scheduler and workers are processes of their own, and see only the output."""

from __future__ import annotations

import csv
import fcntl
import json
import os
import re
import shutil
import signal
import struct
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import dask
import pytest
from distributed import Client

from jobs.run import Crew, SchedulerLostError
from jobs.settings import Settings
from tests.clusters import ROOT, Host, hosts, networks, wait_until
from zoo.records import Row

SAMPLES = ROOT / "samples" / "models"
ROWS = {
    "slow": "iris-frozen.pb",
    "lenet": "lenet-digits.tar.gz",
    "tflite": "keras-cnn.tflite",
    "weights": "lenet-weights.zip",
    "text": "iris-frozen.pbtxt",
    "iris": "iris-frozen.pb",
}


def manifest(main: Host, base: str) -> Path:
    """A manifest on the disk of ``main`` with a row for each file that is served at ``base``."""
    path = main.folder / "manifest.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["name", "url"])
        writer.writerows([name, f"{base}/{name}{''.join(Path(ROWS[name]).suffixes)}"] for name in ROWS)
    return path


def serve(main: Host) -> tuple[str, Path, Path]:
    """Address, folder and log of a server on ``main`` that has the files of all rows."""
    folder, log = main.folder / "served", main.folder / "server.log"
    folder.mkdir()
    log.touch()
    for name, sample in ROWS.items():
        shutil.copyfile(SAMPLES / sample, folder / f"{name}{''.join(Path(sample).suffixes)}")
    return main.server(folder, log), folder, log


def job(source: Path, scheduler: str, output: Path, main: Host, *options: str) -> list[str]:
    return [
        *(sys.executable, "-m", "jobs.process", str(source), "--scheduler", scheduler, "--no-run"),
        *("--output", str(output), "--pages", str(main.folder / "pages"), *options),
    ]


def catalog(output: Path) -> dict[str, dict[str, Any]]:
    models = json.loads((output / "catalog.json").read_bytes())
    return {model["name"]: model for model in models}


def run_and_cut(main: Host, workers: Sequence[Host], output: Path) -> str:
    """Run all rows, pull the plug of the host that has the slow one, and see the run end right.

    Args:
        main: has the manifest, the scheduler and the server.
        workers: have a worker each.
        output: what all hosts see.

    Returns:
        the scheduler's address.
    """
    base, served, log = serve(main)
    scheduler = main.scheduler()
    for host in workers:
        host.worker(scheduler)
    wait_until(lambda: all(host.joined() for host in workers))
    process = main.start(job(manifest(main, base), scheduler, output, main))
    wait_until(lambda: " /slow" in log.read_text() and len(done(output)) == len(ROWS) - 1)

    victim = at_work(workers)
    victim.cut()
    (served / "gate").touch()
    said, errors = process.communicate(timeout=90)

    assert process.returncode == 0, said + errors
    found = catalog(output)
    assert sorted(found) == sorted(ROWS)
    assert {model["status"] for model in found.values()} == {"frozen", "read"}
    assert {path.name for path in output.iterdir()} == {".lock", "catalog.json", "models", "run.json"}
    assert all((output / "models" / name).is_dir() for name in found)
    assert not (main.folder / "build").exists(), "the main process keeps no downloads"
    assert all((host.folder / "scratch/dask-scratch-space/zoo-cache").is_dir() for host in workers)
    return scheduler


def done(output: Path) -> list[str]:
    return [path.parent.name for path in (output / "models").glob("[!.]*/model.json")]


def at_work(workers: Sequence[Host]) -> Host:
    """The host that downloads the slow file to its own disk."""
    (busy,) = [
        host for host in workers if any(map(locked, host.folder.glob("scratch/*/zoo-cache/partial/locks")))
    ]
    return busy


def locked(path: Path) -> bool:
    """Whether a process holds any part of a file."""
    with path.open("rb") as file:
        all_of_it = struct.pack("hhqqi4x", fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
        kind, *_ = struct.unpack("hhqqi4x", fcntl.fcntl(file, fcntl.F_OFD_GETLK, all_of_it))
    return bool(kind != fcntl.F_UNLCK)


@pytest.fixture
def output(tmp_path: Path) -> Path:
    """The only folder that all hosts see."""
    made = tmp_path / "output"
    made.mkdir()
    return made


def test_a_host_that_dies_costs_no_row_and_other_code_is_refused(tmp_path: Path, output: Path) -> None:
    """The other worker takes over; a worker from a changed copy of the project is named and not used."""
    main, one, two = (Host(tmp_path / name) for name in ("main", "one", "two"))
    changed = Host(tmp_path / "changed")
    with hosts([main, one, two, changed]):
        scheduler = run_and_cut(main, [one, two], output)

        before = {path: path.read_bytes() for path in output.rglob("model.json")}
        tree = tmp_path / "tree"
        for part in ("zoo", "jobs"):
            shutil.copytree(ROOT / part, tree / part, ignore=shutil.ignore_patterns("__pycache__"))
        with (tree / "zoo" / "names.py").open("a") as file:
            file.write("\n# changed\n")
        changed.worker(scheduler, tree=tree)
        wait_until(changed.joined)
        process = main.start(job(main.folder / "manifest.csv", scheduler, output, main, "--force"))
        _, errors = process.communicate(timeout=60)

    assert process.returncode == 2, errors
    assert re.search(r"start: the worker on .* has version \S+ \([0-9a-f]{16}\) of the zoo, expected", errors)
    assert "install the same version on all hosts" in errors
    assert "Traceback" not in errors
    assert {path: path.read_bytes() for path in output.rglob("model.json")} == before


def test_a_scheduler_that_is_not_there_is_said_so(tmp_path: Path, output: Path) -> None:
    """Nothing is processed, and the exit code is that of bad usage."""
    main = Host(tmp_path / "main")
    with hosts([main]):
        process = main.start(
            job(manifest(main, "http://127.0.0.1:9"), "tcp//nowhere", output, main, "--time-limit", "5")
        )
        _, errors = process.communicate(timeout=60)

    assert process.returncode == 2, errors
    assert "no Dask scheduler answers at 'tcp//nowhere'" in errors
    assert "Traceback" not in errors


def test_a_scheduler_that_goes_away_in_the_middle_is_said_so(tmp_path: Path, output: Path) -> None:
    """What was handed to it is lost, what has ended stands, and no traceback is shown."""
    main, one = Host(tmp_path / "main"), Host(tmp_path / "one")
    with hosts([main, one]):
        base, _, log = serve(main)
        scheduler = main.scheduler()
        one.worker(scheduler)
        process = main.start(job(manifest(main, base), scheduler, output, main))
        wait_until(lambda: " /slow" in log.read_text())
        os.killpg(main.started[1].pid, signal.SIGKILL)
        said, errors = process.communicate(timeout=90)

    assert process.returncode == 1, said + errors
    assert errors.endswith(
        "run: the scheduler went away; what has ended is kept\n  run the same command again to carry on\n"
    )
    assert "Traceback" not in errors


def test_a_scheduler_that_has_gone_is_said_so(tmp_path: Path) -> None:
    """Whatever the next thing is that the run asks it."""
    main = Host(tmp_path / "main")
    settings = Settings(output=str(tmp_path / "output"), cache="", work="")
    row = Row(line=2, name="iris", slug="iris", urls=("iris.pb",), given={"url": "iris.pb"})
    with hosts([main]), dask.config.set({"distributed.comm.timeouts.connect": "1s"}):
        client = Client(main.scheduler(), set_as_default=False)
        main.kill()
        with pytest.raises(SchedulerLostError, match="the scheduler went away; what has ended is kept"):
            Crew(client=client, settings=settings, ended=lambda ended: None).run([row])
        client.close()


@pytest.fixture
def network() -> Iterator[list[str]]:
    """The names of three networks that see each other."""
    names = [f"zoo{os.getpid()}-{part}" for part in ("main", "one", "two")]
    try:
        made = networks(names)
        made.__enter__()
    except (OSError, FileNotFoundError) as error:
        pytest.skip(f"this machine gives no network namespaces: {error}")
    yield names
    made.__exit__(None, None, None)


def test_a_host_that_is_cut_off_costs_no_row(network: list[str], tmp_path: Path, output: Path) -> None:
    """Hosts on networks of their own, blind to the disk of the main one: its rows go elsewhere."""
    main = Host(tmp_path / "main", "10.213.0.1", network[0])
    one = Host(tmp_path / "one", "10.213.0.2", network[1], hidden=main.folder)
    two = Host(tmp_path / "two", "10.213.0.3", network[2], hidden=main.folder)
    with hosts([main, one, two]):
        run_and_cut(main, [one, two], output)

        assert sorted(catalog(output)) == sorted(ROWS)
