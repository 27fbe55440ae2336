"""The fault table: what is done to the job, how often, and what comes out.

    python -m benchmarks.faults                all of it: an hour on two cores
    python -m benchmarks.faults --short        few rounds, 200 rows in place of 10,000
    python -m benchmarks.faults --only Processes

Many lines are cases of the tests (`benchmarks.fault_cases`): they are run, and counted.  The others are
done here.  Files are damaged byte range by byte range and taken down the whole line.  The real job gets
models that lie, or are programs (`benchmarks.hostile_models`), among good ones; models from a server on
loopback are killed in the process that holds them; disks are full, folders read-only, clocks jump.
Every run of the job has a folder of its own for everything: what lies there afterwards and is neither
output, page nor cache is counted as a file outside.  The last line adds up what went wrong.
"""

from __future__ import annotations

import argparse
import contextlib
import csv
import functools
import itertools
import json
import logging
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import psutil

from benchmarks import fuzz
from benchmarks.fault_cases import CASES, WRONG, Line, cases
from benchmarks.hostile_models import Hostile, lies, programs
from tests.clusters import Host, hosts

ROOT = Path(__file__).resolve().parent.parent
SAMPLES = ROOT / "samples" / "models"
HANGS = 1800
"""Seconds after which a run of the job hangs."""
STAGES = ("fetch", "unpack", "find", "read", "endpoints", "freeze", "check", "summary")
WANTED = {
    "lenet-digits.tar.gz": "frozen",
    "iris-frozen.pb": "frozen",
    "keras-cnn.tflite": "read",
    "lenet-weights.zip": "read",
}
"""Small samples, and how each ends."""


# Lines on processes.


class Killer(ThreadingHTTPServer):
    """Serves the samples; sends ``number`` to whoever asks for a path with ``bad`` in it."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.number: signal.Signals | None = signal.SIGKILL
        self.hits = 0

    def handle_error(self, request: object, client_address: object) -> None:
        """Clients get killed: not worth a word."""

    def url(self, name: str) -> str:
        """Where a sample is."""
        return f"http://127.0.0.1:{self.server_address[1]}/{name}"


class _Handler(SimpleHTTPRequestHandler):
    server: Killer

    def __init__(self, *arguments: object) -> None:
        super().__init__(*arguments, directory=str(SAMPLES))  # type: ignore[arg-type]

    def do_GET(self) -> None:
        if "hang" in self.path:
            time.sleep(600)
        if "slow" in self.path:
            time.sleep(0.2)
        if "bad" in self.path and self.server.number is not None:
            for process in psutil.Process().children(recursive=True):
                with contextlib.suppress(psutil.Error):
                    # Another connection of another process may have the same port at its end.
                    ends = {(one.laddr[1:], one.raddr[1:]) for one in process.net_connections("tcp")}
                    here = self.client_address[1:2], self.server.server_address[1:2]
                    if here in ends and self.server.number is not None:
                        self.server.hits += 1
                        process.send_signal(self.server.number)
            time.sleep(5)
            return
        super().do_GET()

    def log_message(self, format: str, *arguments: object) -> None:
        pass


@contextlib.contextmanager
def killing() -> Iterator[Killer]:
    """The server, while it runs."""
    with Killer() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        yield server
        server.shutdown()


@dataclass
class Done:
    """A run of the job."""

    code: int
    said: str
    outcomes: dict[str, dict[str, object]]

    def reason(self, name: str) -> str:
        """Why a row failed."""
        failure = self.outcomes[name]["failure"]
        return str(failure["reason"]) if isinstance(failure, dict) else ""


def command(
    rows: Sequence[tuple[str, ...]], folder: Path, *options: str, workers: int = 2, execute: bool = False
) -> list[str]:
    """The job over rows of name, URL, inputs and outputs, with everything below ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    manifest = folder / "manifest.csv"
    with manifest.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(("name", "url", "inputs", "outputs"))
        writer.writerows((*row, "", "")[:4] for row in rows)
    places = [word for kind in ("output", "pages", "cache") for word in (f"--{kind}", str(folder / kind))]
    if not execute:
        places.append("--no-run")
    return [
        *(sys.executable, "-m", "jobs.process", str(manifest), "--workers", str(workers)),
        *places,
        *options,
    ]


def surroundings(folder: Path, **more: str) -> dict[str, Any]:
    """Where a process has its home, its temporary files and its working folder: beside ``folder``."""
    box = folder.with_name(f"{folder.name}-box")
    for part in ("home", "tmp", "here"):
        (box / part).mkdir(parents=True, exist_ok=True)
    env = {**os.environ, "PYTHONPATH": str(ROOT), "HOME": str(box / "home"), "TMPDIR": str(box / "tmp")}
    return {"cwd": box / "here", "env": {**env, **more}}


def stray(folder: Path) -> list[Path]:
    """Files beside output, pages and cache that a run has left."""
    box = folder.with_name(f"{folder.name}-box")
    known = ("output", "pages", "cache", "manifest.csv")
    # The process that holds TensorFlow listens in a folder of the system's for temporary files.
    found = [path for path in box.rglob("*") if not path.is_dir() and not path.match("tmp/zoo-*/*")]
    return found + [path for path in folder.glob("*") if path.name not in known and path.suffix != ".kept"]


def run(words: Sequence[str], folder: Path, **more: str) -> Done:
    """Run it to its end.

    Raises:
        subprocess.TimeoutExpired: it hangs.
    """
    done = subprocess.run(
        words, check=False, capture_output=True, text=True, timeout=HANGS, **surroundings(folder, **more),
    )  # fmt: skip
    return Done(done.returncode, done.stdout + done.stderr, outcomes(folder))


def outcomes(folder: Path) -> dict[str, dict[str, object]]:
    """What stands, by name."""
    found = [json.loads(path.read_bytes()) for path in (folder / "output/models").glob("[!.]*/model.json")]
    return {one["name"]: one for one in found}


def good(url: Callable[[str], str], count: int) -> list[tuple[str, str]]:
    """Rows that end well, each with a URL of its own."""
    names = ["iris-frozen.pb", "keras-cnn.tflite", "lenet-weights.zip"]
    return [(f"{names[i % len(names)]}-{i}", url(f"{names[i % len(names)]}?{i}")) for i in range(count)]


def judge(line: Line, done: Done, rows: Sequence[tuple[str, ...]], folder: Path) -> None:
    """Note what is wrong with rows that have to end well, with what was printed, and with what lies about."""
    for name, *_ in rows:
        outcome = done.outcomes.get(name)
        if outcome is None:
            line.wrong("lost finished row", f"{name} has no outcome")
        elif outcome["status"] != WANTED[name.rpartition("-")[0]]:
            line.wrong("wrong blame", f"{name}: {outcome['status']} {outcome.get('failure')}")
    if "Traceback" in done.said:
        line.wrong("traceback", done.said[done.said.index("Traceback") :][:300])
    for path in stray(folder):
        line.wrong("file outside its folder", str(path))


def only_one_fails(
    line: Line, done: Done, rows: Sequence[tuple[str, ...]], bad: str, words: str, folder: Path
) -> None:
    """Hold a run against what it has to be: all rows right but one, whose page says ``words``."""
    judge(line, done, rows, folder)
    if bad not in done.outcomes:
        line.wrong("lost finished row", f"{bad} has no outcome")
        return
    if not re.search(words, done.reason(bad)):
        line.wrong("wrong blame", f"the failure says {done.reason(bad)!r}")
    pages = [path.read_text("utf-8") for path in (folder / "pages").rglob(f"{bad}.md")]
    if not re.search(words, "".join(pages)):
        line.wrong("other outcome", f"the failure page of {bad} does not say {words!r}")
    line.note = f"{len(rows)} right, 1 failure: {done.reason(bad)}"


def killed(line: Line, folder: Path, number: signal.Signals) -> None:
    """One row of 20 is killed whenever a process works on it."""
    with killing() as server:
        server.number = number
        rows = good(server.url, 19)
        all_rows = [*rows[:9], ("bad", server.url("bad.pb")), *rows[9:]]
        done = run(command(all_rows, folder, workers=8), folder)
        only_one_fails(line, done, rows, "bad", number.name, folder)


def hungry(line: Line, folder: Path) -> None:
    """One row of 20 wants more memory than a worker may have."""
    folder.mkdir(parents=True, exist_ok=True)
    big = folder / "big.pbtxt.kept"
    node = 'node { name: "a%d" op: "Const" attr { key: "x" value { list { ' + "i: 1 " * 2000 + "} } } }\n"
    big.write_text("".join(node % i for i in range(12_000)), "ascii")
    with killing() as server:
        rows = good(server.url, 19)
        all_rows = [*rows[:9], ("hungry", str(big)), *rows[9:]]
        done = run(command(all_rows, folder, "--memory-limit", "0.3", workers=8), folder)
        only_one_fails(line, done, rows, "hungry", r"memory.*0\.3 GiB|SIGKILL|SIGABRT", folder)


def hanging(line: Line, folder: Path) -> None:
    """A row that hangs."""
    with killing() as server:
        rows = good(server.url, 4)
        done = run(command([*rows, ("hang", server.url("hang.pb"))], folder, "--time-limit", "20"), folder)
        only_one_fails(line, done, rows, "hang", "time limit of 20 s", folder)


def started(words: Sequence[str], folder: Path, **more: str) -> subprocess.Popen[str]:
    """The job, running."""
    return subprocess.Popen(
        words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **surroundings(folder, **more)
    )


def ended(process: subprocess.Popen[str], folder: Path) -> Done:
    """How a job that was started came to its end."""
    said, _ = process.communicate(timeout=HANGS)
    return Done(process.returncode, said, outcomes(folder))


def until(ready: Callable[[], object], process: subprocess.Popen[str], seconds: float = 120.0) -> bool:
    """Whether something came true before the process ended, or the seconds were over."""
    end = time.monotonic() + seconds
    while not ready():
        if process.poll() is not None or time.monotonic() > end:
            return False
        time.sleep(0.002)
    return True


def outsider(line: Line, folder: Path) -> None:
    """The process of a row is killed twice by an outsider, then left alone."""
    with killing() as server:
        rows = good(server.url, 4)
        all_rows = [*rows, ("iris-frozen.pb-bad", server.url("iris-frozen.pb?bad"))]
        process = started(command(all_rows, folder), folder)
        until(lambda: server.hits >= 2, process)
        server.number = None
        judge(line, ended(process, folder), all_rows, folder)
    line.note = f"no row is blamed, after {server.hits} kills"


def workers_of(process: subprocess.Popen[str]) -> list[psutil.Process]:
    """The worker processes of a job."""
    found = []
    with contextlib.suppress(psutil.Error):
        for one in psutil.Process(process.pid).children(recursive=True):
            with contextlib.suppress(psutil.Error):
                if one.ppid() != process.pid and "jobs.process" in one.cmdline():
                    found.append(one)
    return found


def stage_by_stage(line: Line, folder: Path, number: signal.Signals, died: Counter[str]) -> None:
    """All workers die when one is at a stage; then when one is at the next stage, and so on."""
    crumbs = folder / "output/.running"
    rows = [(f"lenet-digits.tar.gz-{i}", f"{SAMPLES}/lenet-digits.tar.gz") for i in range(400)]
    process = started(command(rows, folder, workers=3), folder)

    def at_work() -> list[str]:
        found = []
        with contextlib.suppress(OSError):
            for path in crumbs.glob("[!.]*"):
                with contextlib.suppress(OSError):
                    found.append(path.read_text().strip())
        return found

    for stage in STAGES:
        if not until(lambda: len(workers_of(process)) >= 3, process):
            break
        victims = workers_of(process)
        if not until(lambda stage=stage: stage in at_work(), process, 10):  # type: ignore[misc]
            continue
        for victim in victims:
            with contextlib.suppress(psutil.Error):
                victim.send_signal(number)
        died.update(at_work())
        line.count += 1
    done = ended(process, folder)
    judge(line, done, rows, folder)
    line.note = f"no row is blamed; dead at {', '.join(f'{key} {n}' for key, n in died.most_common())}"


def lost_scheduler(line: Line, folder: Path) -> None:
    """The scheduler of a cluster is killed in the middle; the same again with another one."""
    place = folder.with_name(f"{folder.name}-hosts")
    with killing() as server:
        rows = [(f"iris-frozen.pb-{i}", server.url(f"iris-frozen.pb?slow{i}")) for i in range(30)]
        stood: dict[Path, tuple[int, int]] = {}
        for attempt in (1, 2):
            cluster = [Host(place / f"{name}{attempt}") for name in ("main", "one", "two")]
            with hosts(cluster):
                address = cluster[0].scheduler()
                for host in cluster[1:]:
                    host.worker(address)
                process = started(command(rows, folder, "--scheduler", address), folder)
                if attempt == 1:
                    until(lambda: len(outcomes(folder)) >= 8, process)
                    stood = stamps(folder)
                    cluster[0].kill()
                done = ended(process, folder)
            if attempt == 1 and (done.code != 1 or "scheduler went away" not in done.said):
                line.wrong("other outcome", f"exit code {done.code}: {done.said[-300:]}")
            if "Traceback" in done.said:
                line.wrong("traceback", done.said[-300:])
    judge(line, done, rows, folder)
    now = stamps(folder)
    if done.code != 0 or any(now.get(path) != stamp for path, stamp in stood.items()):
        line.wrong("lost finished row", f"exit code {done.code}: {done.said[-300:]}")
    line.note = f"says so, exit code 1; with another one all 30 right, {len(stood)} that stood left alone"


def stamps(folder: Path) -> dict[Path, tuple[int, int]]:
    """When each outcome was made."""
    found = {}
    for path in (folder / "output/models").glob("[!.]*/stamp.json"):
        with contextlib.suppress(OSError):
            found[path] = (path.stat().st_ino, path.stat().st_mtime_ns)
    return found


def stopped(line: Line, folder: Path, number: signal.Signals) -> None:
    """The job itself is killed in the middle, and run again."""
    with killing() as server:
        rows = [(f"iris-frozen.pb-{i}", server.url(f"iris-frozen.pb?slow{i}")) for i in range(30)]
        process = started(command(rows, folder), folder)
        until(lambda: len(outcomes(folder)) >= 8, process)
        stood = stamps(folder)
        process.send_signal(number)
        first = ended(process, folder)
        done = run(command(rows, folder), folder)
    expected = -signal.SIGKILL if number == signal.SIGKILL else 130
    if first.code != expected or "Traceback" in first.said:
        line.wrong("other outcome", f"exit code {first.code}: {first.said[-300:]}")
    now = stamps(folder)
    if done.code != 0 or any(now.get(path) != stamp for path, stamp in stood.items()):
        line.wrong("lost finished row", f"exit code {done.code}: {done.said[-300:]}")
    # Who is killed outright leaves its sockets, in a folder that the system clears.
    left = stray(folder) if number != signal.SIGKILL else []
    for path in left:
        line.wrong("file outside its folder", str(path))
    for name, _ in rows:
        if done.outcomes.get(name, {}).get("status") != "frozen":
            line.wrong("wrong blame", name)
    line.note = f"run again: 30 right, {len(stood)} that stood left alone"


def full(line: Line, folder: Path) -> None:
    """The disk is full on the way; then there is room."""
    with killing() as server, mounted(folder, "size=300k") as place:
        names = ["lenet-digits.tar.gz", "two-inputs.tar.gz", "keras-export.tar.gz", "module.zip"]
        rows = [(name.partition(".")[0], server.url(name)) for name in names]
        done = run(command(rows, place), place)
        if done.code != 1 or "no space left" not in done.said:
            line.wrong("other outcome", f"exit code {done.code}: {done.said[-300:]}")
        if "Traceback" in done.said:
            line.wrong("traceback", done.said[-300:])
        subprocess.run(["mount", "-o", "remount,size=50m", str(place)], check=True)
        again = run(command(rows, place), place)
        if again.code != 0 or {one["status"] for one in again.outcomes.values()} != {"frozen"}:
            line.wrong("lost finished row", f"with room again: exit code {again.code}: {again.said[-300:]}")
    line.note = "said so, exit code 1; with room again the next run ends well"


def read_only(line: Line, folder: Path) -> None:
    """The output folder cannot be written."""
    with mounted(folder, "size=1m") as place:
        words = command(good(str, 1), place)
        subprocess.run(["mount", "-o", "remount,ro", str(place)], check=True)
        done = run(words, place)
    if done.code != 2 or "cannot be written" not in done.said or "Traceback" in done.said:
        line.wrong("other outcome", f"exit code {done.code}: {done.said[-300:]}")
    line.note = "exit code 2 at once, the folder is named"


@contextlib.contextmanager
def mounted(folder: Path, options: str) -> Iterator[Path]:
    """A small disk at ``folder``; needs root."""
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def two(line: Line, folder: Path) -> None:
    """Two jobs on one output at once."""
    with killing() as server:
        rows = [*good(server.url, 4), ("hang", server.url("hang.pb"))]
        first = started(command(rows, folder), folder)
        until((folder / "output/.running").exists, first)
        done = run(command(rows, folder), folder)
        first.send_signal(signal.SIGINT)
        one = ended(first, folder)
    if done.code != 2 or f"in use by another job (process {first.pid})" not in done.said or one.code != 130:
        line.wrong("other outcome", f"exit codes {done.code} and {one.code}: {done.said[-300:]}")
    if "Traceback" in done.said + one.said:
        line.wrong("traceback", (done.said + one.said)[-300:])
    line.note = "the second: exit code 2, names the process of the first"


def clock(line: Line, folder: Path, library: str) -> None:
    """The clock jumps back by 30 days, and a year ahead, in the middle of a run."""
    folder.mkdir(parents=True, exist_ok=True)
    stamp = folder / "clock.kept"
    stamp.write_text("+0\n")
    more = {"LD_PRELOAD": library, "FAKETIME_TIMESTAMP_FILE": str(stamp), "FAKETIME_NO_CACHE": "1"}
    more["FAKETIME_DONT_FAKE_MONOTONIC"] = more["DONT_FAKE_MONOTONIC"] = "1"
    with killing() as server:
        rows = good(server.url, 40)
        words = command(rows, folder)
        process = started(words, folder, **more)
        for jump, count in (("-30d", 3), ("+365d", 12)):
            until(lambda count=count: len(outcomes(folder)) >= count, process)  # type: ignore[misc]
            stamp.write_text(f"{jump}\n")
        judge(line, ended(process, folder), rows, folder)
        again = run(words, folder)
        if "nothing to do" not in again.said:
            line.wrong("lost finished row", f"run again: {again.said[-200:]}")
    line.note = "all right; a second run has nothing to do"


def many(line: Line, folder: Path, count: int) -> None:
    """Very many rows."""
    rows = [(f"iris-frozen.pb-{i}", str(SAMPLES / "iris-frozen.pb")) for i in range(count)]
    start = time.monotonic()
    judge(line, run(command(rows, folder), folder), rows, folder)
    line.note = f"{count:,} frozen in {time.monotonic() - start:.0f} s"


def chaos(line: Line, rounds: int) -> None:
    """The chaos run, see `benchmarks.chaos`."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.chaos", "--rounds", str(rounds)],
        cwd=ROOT, check=False, capture_output=True, text=True,
    )  # fmt: skip
    line.count = rounds
    for text in done.stdout.splitlines():
        if text.startswith("round") and "equal" not in text:
            line.wrong("other outcome", text)
    if done.returncode != 0 and not line.bad:
        line.wrong("other outcome", done.stdout[-300:] + done.stderr[-300:])
    hits = " ".join(re.findall(r"^\S.* (?:SIG\w+|to all) +\d+$", done.stdout, re.MULTILINE))
    line.note = f"{done.stdout.count(': equal')} equal byte for byte; hits: {hits}"


def processes(*, rounds: int, rows: int, chaotic: int, library: str | None, folder: Path) -> Iterator[Line]:
    """The lines on processes."""
    part = functools.partial
    kill, segv, stages = signal.SIGKILL, signal.SIGSEGV, Counter[str]()
    plan: list[tuple[str, int, Callable[[Line, Path], None]]] = [
        ("SIGKILL of one of 20 rows, 8 workers", rounds, part(killed, number=kill)),
        ("SIGSEGV of one of 20 rows, 8 workers", rounds, part(killed, number=segv)),
        ("out of memory of one of 20 rows, 8 workers", rounds, hungry),
        ("all workers killed at each stage, SIGKILL", 0, part(stage_by_stage, number=kill, died=stages)),
        ("all workers killed at each stage, SIGSEGV", 0, part(stage_by_stage, number=segv, died=stages)),
        ("a row's process killed by an outsider, twice", 1, outsider),
        ("the scheduler of a cluster killed", 1, lost_scheduler),
        ("the job killed: SIGKILL", 1, part(stopped, number=kill)),
        ("the job told to end: SIGTERM", 1, part(stopped, number=signal.SIGTERM)),
        ("the job interrupted: Ctrl-C", 1, part(stopped, number=signal.SIGINT)),
        ("disk full", 1, full),
        ("output folder read-only", 1, read_only),
        ("two jobs on one output", 1, two),
        ("a row that hangs", 1, hanging),
        (f"{rows:,} rows", 1, part(many, count=rows)),
    ]
    if library is not None:
        plan.insert(-1, ("the clock jumps, back and ahead", 1, part(clock, library=library)))
    for what, count, act in plan:
        line = Line("Processes", what)
        for _ in range(max(1, count)):
            act_in_a_place_of_its_own(line, act, folder)
            line.count += min(1, count)
        yield line
    if chaotic:
        line = Line("Processes", "workers, scheduler, job killed at random moments; run again")
        chaos(line, chaotic)
        yield line


def act_in_a_place_of_its_own(line: Line, act: Callable[[Line, Path], None], folder: Path) -> None:
    """Do it, and note when it hangs or cannot be done."""
    with tempfile.TemporaryDirectory(dir=folder, ignore_cleanup_errors=True) as place:
        try:
            act(line, Path(place) / "work")
        except subprocess.TimeoutExpired as error:
            line.wrong("hang", str(error))
        except (OSError, subprocess.SubprocessError, KeyError, AssertionError) as error:
            line.wrong("other outcome", f"{type(error).__name__}: {error}")


# Lines on model files and on code: models that lie and models that are programs, among good ones.


def among_good(group: str, models: Sequence[Hostile], folder: Path, *, execute: bool) -> Iterator[Line]:
    """Give the real job hostile models among good ones; a line for each phrase."""
    rows = [(name, url.partition("?")[0]) for name, url in good(lambda name: str(SAMPLES / name), 6)]
    bad = [(one.name, str(one.path), one.inputs, one.outputs) for one in models]
    all_rows = [*rows[:3], *bad, *rows[3:]]
    try:
        done = run(command(all_rows, folder, execute=execute), folder)
    except subprocess.TimeoutExpired as error:
        line = Line(group, "hostile models among good ones")
        line.wrong("hang", str(error))
        yield line
        return
    for phrase in dict.fromkeys(one.phrase for one in models):
        line = Line(group, f"{phrase}: whole job")
        ends: Counter[str] = Counter()
        for one in models:
            if one.phrase == phrase:
                line.count += 1
                ends[hostile_end(line, one, done)] += 1
        line.note = ", ".join(f"{count} {end}" for end, count in ends.most_common())
        yield line
    line = Line(group, "good rows among them", len(rows), note="as without them")
    judge(line, done, rows, folder)
    yield line


def hostile_end(line: Line, one: Hostile, done: Done) -> str:
    """How the row of a hostile model ended, in few words; what is wrong with that is noted."""
    outcome = done.outcomes.get(one.name)
    if outcome is None:
        line.wrong("lost finished row", f"{one.name} has no outcome")
        return "lost"
    status, failure, frozen = (outcome.get(key) for key in ("status", "failure", "frozen"))
    if status not in one.ends:
        line.wrong("other outcome", f"{one.name}: {status} {failure}")
    if isinstance(failure, dict):
        if failure["kind"] == "ProcessDied":
            line.wrong("wrong blame", f"{one.name}: {failure['reason']}")
        if str(failure["reason"]).startswith(("a fault of the zoo", "a file of the job")):
            line.wrong("traceback", f"{one.name}: {failure['reason']}")
        return f"failed ({failure['stage']})"
    tried = frozen.get("run") if isinstance(frozen, dict) else None
    if isinstance(tried, dict):
        if one.never_runs and tried.get("ok"):
            line.wrong("other outcome", f"{one.name} was run")
        return f"{status}, {'run' if tried.get('ok') else 'not run'}"
    return str(status)


# Lines on model files: each byte range of each kind of file.


def damages(data: bytes, ranges: int) -> Iterator[bytes]:
    """A file cut at the start of each range, and with each range flipped, zeroed, swapped with another."""
    edges = sorted({len(data) * i // ranges for i in range(ranges + 1)})
    for start, end in itertools.pairwise(edges):
        part = data[start:end]
        yield data[:start]
        yield data[:start] + bytes(byte ^ 0xFF for byte in part) + data[end:]
        yield data[:start] + bytes(len(part)) + data[end:]
        other = len(data) - end
        swapped = bytearray(data)
        swapped[start:end], swapped[other : other + len(part)] = data[other : other + len(part)], part
        yield bytes(swapped)


def swept(ranges: int) -> Iterator[Line]:
    """Damage every byte range of every kind of file, and take each down the whole line."""
    kinds: dict[str, tuple[str, str, Callable[[bytes], bytes]]] = {
        "index": ("partitioned.tar.gz", ".index", bytes),
        "index, its checksums made right": ("partitioned.tar.gz", ".index", fuzz.checksummed),
        "data": ("partitioned.tar.gz", "-of-00001", bytes),
        "meta": ("partitioned.tar.gz", ".meta", bytes),
        "V1 checkpoint": ("wine-v1.tar.gz", "model-200", bytes),
        "index of an object checkpoint": ("object-checkpoint.tar.gz", ".index", fuzz.checksummed),
        "pb": ("iris-frozen.pb", "", bytes),
        "pbtxt": ("iris-frozen.pbtxt", "", bytes),
        "SavedModel": ("module.zip", "saved_model.pb", bytes),
        "h5": ("keras-cnn.h5", "", bytes),
        "keras": ("keras-cnn.keras", "", bytes),
        "tflite": ("keras-cnn.tflite", "", bytes),
    }
    logging.disable(logging.CRITICAL)
    for kind, (source, ending, repair) in kinds.items():
        files = fuzz.unpacked(source) if ending else {source: fuzz.sample(source)}
        name = next(path for path in sorted(files) if path.endswith(ending))
        if kind == "V1 checkpoint":
            files = {name: files[name]}  # without the other steps, which would be taken in its place
        target = fuzz.Target(fuzz.whole_line(lambda files=files: files, name), list)  # type: ignore[misc]
        account = fuzz.Account()
        line = Line("Model files", f"every byte range of {kind} cut, flipped, zeroed, swapped")
        # What reads HDF5 is a process of its own, which takes a fifth of a second to start.
        parts = min(len(files[name]), ranges if kind not in ("h5", "keras") else ranges // 8)
        scratch = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108
        with tempfile.TemporaryDirectory(dir=scratch) as folder, fuzz.bounded():
            tempfile.tempdir = folder
            for data in damages(files[name], parts):
                trace = fuzz.attempt(target, repair(data), Path(folder), account)
                if trace is not None:
                    hang = "OverdueError" in trace
                    line.wrong("hang" if hang else "traceback", fuzz.place_of(trace))
            tempfile.tempdir = None
        line.count = account.inputs
        line.note = (
            f"{account.refused:,} failed, the others were read; at most {account.slowest:.1f} s of processor "
            f"time and {max(account.grown, account.started) / 1e6:.0f} MB each"
        )
        yield line
    logging.disable(logging.NOTSET)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line."""
    groups = list(dict.fromkeys(case[0] for case in CASES))
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=20, help="of deadly rows; default: %(default)s")
    parser.add_argument("--rows", type=int, default=10_000, help="of the large run; default: %(default)s")
    parser.add_argument("--chaos", type=int, default=50, help="rounds of chaos; default: %(default)s")
    parser.add_argument("--ranges", type=int, default=128, help="byte ranges of a file; default: %(default)s")
    parser.add_argument("--faketime", metavar="PATH", help="libfaketime.so.1, for the line on clocks")
    parser.add_argument("--only", nargs="+", choices=groups, default=groups, help="these groups only")
    parser.add_argument("--short", action="store_true", help="one round of each, 200 rows, 16 byte ranges")
    options = parser.parse_args(argv)
    if options.short:
        options.rounds, options.rows, options.chaos, options.ranges = 1, 200, min(1, options.chaos), 16
    known = [str(path) for path in Path("/usr/lib").glob("*/faketime/libfaketime.so.1")]
    library = options.faketime or next(iter(known), None)
    # Whoever is started in the background ignores Ctrl-C, and so would the job.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    print("| | what was done | times | what came out |\n|---|---|---:|---|")
    wrong: Counter[str] = Counter()
    count = 0
    with tempfile.TemporaryDirectory(prefix="faults-", ignore_cleanup_errors=True) as name:
        for line in lines(options, library, Path(name)):
            wrong.update(kind for kind, _ in line.bad)
            count += line.count
            print(line.text(), flush=True)
    print(f"| | **altogether** | {count:,} | {', '.join(f'{kind}: {wrong[kind]}' for kind in WRONG)} |")
    return int(bool(wrong))


def lines(options: argparse.Namespace, library: str | None, folder: Path) -> Iterator[Line]:
    """All lines of the groups that were asked for."""
    for group in options.only:
        yield from cases([group])
        place = folder / group.replace(" ", "-")
        (place / "models").mkdir(parents=True)
        if group == "Model files":
            yield from swept(options.ranges)
            yield from among_good(group, list(lies(place / "models")), place / "job", execute=False)
        if group == "Code":
            marker = place / "code was run"
            found = list(programs(place / "models", marker))
            yield from among_good(group, found, place / "job", execute=True)
            line = Line(group, "files that code in a model would have written", len(found), note="none")
            if marker.exists():
                line.wrong("file outside its folder", "code in a model was run")
            yield line
        if group == "Processes":
            yield from processes(
                rounds=options.rounds,
                rows=options.rows,
                chaotic=options.chaos,
                library=library,
                folder=place,
            )


if __name__ == "__main__":
    sys.exit(main())
