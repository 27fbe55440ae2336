"""What kills a job, fills its disk or takes its processes costs no finished work and blames no row."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import h5py
import msgspec
import psutil
import pytest

from jobs import resume
from jobs.crumb import crumb, stage_in
from jobs.rows import DEATHS, alone, bury
from jobs.settings import Ended, Settings
from tests.test_job import ROOT, SAMPLES, catalog, command, job, manifest, snapshot
from zoo.readers.hdf5 import Hdf5
from zoo.records import Row, RowRun
from zoo.store import staging


def test_a_job_that_is_disturbed_at_random_ends_like_one_left_alone() -> None:
    """Killed workers and jobs, started again: the same bytes, nothing made twice, no process left."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.chaos", "--rounds", "1", "--rows", "8", "--seed", "2"],
        capture_output=True, text=True, check=False, cwd=ROOT, timeout=240,
    )  # fmt: skip

    assert done.returncode == 0, done.stdout + done.stderr
    assert "round 1: equal" in done.stdout


def test_an_interrupt_while_workers_start_is_answered_by_the_main_process_alone(tmp_path: Path) -> None:
    """Ctrl-C reaches every process of the terminal; those that are just importing say nothing."""
    source = manifest(tmp_path / "manifest.csv", [{"name": "iris", "url": str(SAMPLES / "iris-frozen.pb")}])
    process = subprocess.Popen(
        command(source, tmp_path, "--no-run"), start_new_session=True, cwd=ROOT,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    while not any(
        word == "jobs.process" for one in psutil.Process(process.pid).children() for word in words(one)
    ):
        time.sleep(0.001)
    os.killpg(process.pid, signal.SIGINT)
    said, _ = process.communicate(timeout=60)

    assert process.returncode == 130
    assert said == "interrupted; run the same command again to carry on\n"


@pytest.mark.parametrize(("error", "said"), [("EOFError", False), ("ValueError", True)])
def test_a_worker_whose_parent_died_at_its_birth_says_nothing(error: str, said: bool) -> None:
    """The server that workers are forked from prints what goes wrong with them, but for this."""
    done = subprocess.run(
        [sys.executable, "-c", f"import jobs.birth; raise {error}"],
        capture_output=True, text=True, check=False, cwd=ROOT,
    )  # fmt: skip

    assert done.returncode == 1
    assert ("Traceback" in done.stderr) == said


def words(process: psutil.Process) -> list[str]:
    with suppress(psutil.Error):
        return list(process.cmdline())
    return []


def test_a_job_that_cannot_write_its_outcomes_stops_and_says_so(tmp_path: Path) -> None:
    """No row is blamed, nothing runs in circles; with room on the disk the next run carries on."""
    rows = [{"name": name, "url": str(SAMPLES / name)} for name in ("iris-frozen.pb", "lenet-weights.zip")]
    source = manifest(tmp_path / "manifest.csv", rows)
    words = command(source, tmp_path, "--no-run")

    # A limit on the size of files is a full disk to whoever writes; 1 is a kilobyte.
    full = subprocess.run(
        ["bash", "-c", 'ulimit -f 1; exec "$@"', "bash", *words],
        capture_output=True, text=True, check=False, cwd=ROOT, timeout=120,
    )  # fmt: skip

    assert full.returncode == 1, full.stdout + full.stderr
    assert "too large" in full.stderr
    assert "run the same command again" in full.stderr
    assert "Traceback" not in full.stdout + full.stderr
    assert job(source, tmp_path, "--no-run").returncode == 0
    assert {model["status"] for model in catalog(tmp_path).values()} == {"frozen", "read"}


def test_a_disk_that_was_full_for_a_while_fails_rows_that_the_next_run_does_again(tmp_path: Path) -> None:
    """A row that needed more room than there was says so, its neighbours end, and it is tried again."""
    names = ("iris-frozen.pb", "lenet-digits.tar.gz")
    rows = [{"name": name.partition(".")[0], "url": str(SAMPLES / name)} for name in names]
    source = manifest(tmp_path / "manifest.csv", rows)
    words = command(source, tmp_path, "--no-run")

    full = subprocess.run(
        ["bash", "-c", 'ulimit -f 60; exec "$@"', "bash", *words],
        capture_output=True, text=True, check=False, cwd=ROOT, timeout=120,
    )  # fmt: skip

    assert full.returncode == 1, full.stdout + full.stderr
    found = catalog(tmp_path)
    assert found["iris-frozen"]["status"] == "frozen"
    assert "file too large" in found["lenet-digits"]["failure"]["reason"]
    assert job(source, tmp_path, "--no-run").returncode == 0
    assert catalog(tmp_path)["lenet-digits"]["status"] == "frozen"


def test_a_forced_run_that_was_cut_short_is_carried_on(tmp_path: Path) -> None:
    """Rows that --force asked for count as not done until they are done anew."""
    source = manifest(tmp_path / "manifest.csv", [{"name": "iris", "url": str(SAMPLES / "iris-frozen.pb")}])
    assert job(source, tmp_path, "--no-run").returncode == 0
    before = snapshot(tmp_path)
    stamp = tmp_path / "zoo" / "models" / "iris" / resume.STAMP
    made = stamp.stat().st_mtime_ns

    assert job(source, tmp_path, "--no-run", "--force").returncode == 0

    assert stamp.stat().st_mtime_ns > made
    assert snapshot(tmp_path) == before


def test_a_row_in_a_process_of_its_own_ends_with_whoever_started_it(tmp_path: Path) -> None:
    """A worker that is killed leaves nobody behind who would write outcomes later."""
    settings = settings_in(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(60)
        row = row_of("never", f"http://127.0.0.1:{server.getsockname()[1]}/never.pb")
        with subprocess.Popen([sys.executable, "-m", "jobs.alone"], stdin=subprocess.PIPE, cwd=ROOT) as one:
            assert one.stdin is not None
            one.stdin.write(msgspec.json.encode((row, settings)) + b"\n")
            one.stdin.flush()
            connection, _ = server.accept()
            with connection:
                one.stdin.close()

                assert one.wait(20) == 1
    assert not (tmp_path / "output" / "models" / "never").exists()


def settings_in(folder: Path) -> Settings:
    return Settings(
        output=str(folder / "output"), cache=str(folder / "cache"), work=str(folder / "work"), run=False,
        code=resume.job_version(),
    )  # fmt: skip


def row_of(name: str, url: str) -> Row:
    return Row(line=2, name=name, slug=name, urls=(url,), given={"url": url})


def killed(
    times: int, part: str, number: signal.Signals, *, before_last: Callable[[], object] = lambda: None
) -> threading.Thread:
    """Kill a child of ours that has ``part`` in its command, then the next one, and so on."""

    def kill() -> None:
        gone: set[int] = set()
        while len(gone) < times:
            for child in psutil.Process().children():
                if child.pid in gone or not any(part in word for word in words(child)):
                    continue
                if len(gone) == times - 1:
                    before_last()
                gone.add(child.pid)
                with suppress(psutil.Error):
                    child.send_signal(number)
            time.sleep(0.001)

    thread = threading.Thread(target=kill, daemon=True)
    thread.start()
    return thread


def test_a_row_whose_process_is_killed_from_outside_is_not_blamed(tmp_path: Path) -> None:
    """As long as one of its processes is left alone, it ends as it would have."""
    killer = killed(DEATHS - 1, "jobs.alone", signal.SIGSEGV)

    ended = alone(row_of("iris", str(SAMPLES / "iris-frozen.pb")), settings_in(tmp_path))

    killer.join(10)
    assert ended.status == "frozen"


def test_an_outcome_that_was_finished_meanwhile_stays(tmp_path: Path) -> None:
    """A worker that was taken for dead has ended its row: no one blames it or makes it again."""
    settings = settings_in(tmp_path)
    row = row_of("iris", str(SAMPLES / "iris-frozen.pb"))
    assert alone(row, settings).status == "frozen"
    stamp = settings.folder(row) / resume.STAMP
    made = stamp.stat().st_ino, stamp.stat().st_mtime_ns

    assert bury(row, settings, -signal.SIGKILL).status == "frozen"
    assert alone(row, settings) == Ended(run=RowRun(slug="iris"), status="frozen")

    assert (stamp.stat().st_ino, stamp.stat().st_mtime_ns) == made
    assert [path.name for path in settings.folder(row).parent.iterdir()] == ["iris"]


def test_a_file_is_not_called_damaged_when_its_reader_is_killed(tmp_path: Path) -> None:
    """The process that reads an HDF5 file is killed by an outsider: another one reads it."""
    whole, path = tmp_path / "whole.h5", tmp_path / "model.h5"
    with h5py.File(whole, "w") as file:
        file["kernel"] = [1.0, 2.0]
    os.mkfifo(path)  # whoever opens it waits for the other end
    killer = killed(2, "hdf5_child", signal.SIGKILL, before_last=lambda: whole.replace(path))

    found = Hdf5(path=path, length=whole.stat().st_size).describe()

    killer.join(10)
    assert [array.path for array in found.arrays] == ["kernel"]


def test_a_clock_that_is_set_back_holds_no_message_back() -> None:
    """What Dask waits with, and what it counts that by, go on as before."""
    code = """
import time
from jobs.clock import use_steady_clock
use_steady_clock()
from distributed import batched
from tornado.ioloop import IOLoop
clocks = batched.time, IOLoop(make_current=False).time
before = [clock() for clock in clocks]
assert all(abs(then - time.time()) < 5 for then in before)
time.time = lambda: before[0] - 30 * 86400
assert all(0 <= clock() - then < 5 for clock, then in zip(clocks, before))
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=ROOT
    )  # fmt: skip

    assert done.returncode == 0, done.stderr


def test_two_that_work_on_the_same_row_may_both_end(tmp_path: Path) -> None:
    """One of them was taken for dead; the crumb is gone after both, and neither stumbles over that."""
    path = tmp_path / ".running" / "row"
    with crumb(path), crumb(path) as note:
        note("read")
        assert stage_in(path) == "read"

    assert not path.exists()
    with crumb(path) as note:
        note("freeze")
        assert stage_in(path) == "freeze"


def test_two_that_finish_the_same_folder_both_end_well(tmp_path: Path) -> None:
    """The last to come stands; a worker of a killed run may still be there when the next one begins."""
    folder = tmp_path / "model"
    with staging(folder) as first:
        (first / "a").write_text("first")
        with staging(folder) as second:
            (second / "a").write_text("second")

    assert (folder / "a").read_text() == "first"
    assert [path.name for path in tmp_path.iterdir()] == ["model"]
