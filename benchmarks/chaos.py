"""The real job, disturbed: its processes are killed at random, it is started again until it ends.

    python -m benchmarks.chaos --rounds 50 --seed 1    some 15 seconds a round on two cores
    python -m benchmarks.chaos --rounds 5 --run        with graphs run in TensorFlow, and that killed, too
    python -m benchmarks.chaos --short                 two rounds

The models are the samples and copies of them, served over loopback with random waits, so that a kill
meets every stage.  A round starts the job into an empty folder and disturbs it: workers, the fork
server, the process that holds TensorFlow and its forks, the job itself, by SIGKILL, SIGSEGV, SIGTERM,
SIGINT.  In the end the output has to equal that of an undisturbed run, byte for byte; no outcome that
stood before a disturbance may have been made again; no process may be left.  The seed fixes who is
disturbed, how and when; what the process is doing at that moment is up to the machine.
"""

from __future__ import annotations

import argparse
import csv
import ctypes
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import msgspec
import psutil

ROOT = Path(__file__).resolve().parent.parent
SAMPLES = ROOT / "samples" / "models"
VOLATILE = {"run.json", "run.md", "run.js", ".lock", "stamp.json"}
"""Files that say when and how a run went."""

Made = dict[str, tuple[int, int]]
"""For each outcome that stands: inode of its stamp, and when it was written."""


class Server(ThreadingHTTPServer):
    """The samples on loopback, each request answered after a random wait of up to ``wait`` seconds."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, wait: float) -> None:
        super().__init__(("127.0.0.1", 0), partial(_Handler, directory=str(SAMPLES)))
        self.wait = wait
        self.random = random.Random(0)  # noqa: S311

    def handle_error(self, request: object, client_address: object) -> None:
        """Clients get killed: not worth a word."""


class _Handler(SimpleHTTPRequestHandler):
    def do_GET(self) -> None:
        assert isinstance(self.server, Server)
        time.sleep(self.server.random.uniform(0, self.server.wait))
        super().do_GET()

    def log_message(self, format: str, *arguments: object) -> None:
        pass


@contextmanager
def serving(wait: float) -> Iterator[str]:
    """The samples at a URL on loopback."""
    with Server(wait) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/"
        finally:
            server.shutdown()
            thread.join()


def write_manifest(path: Path, base: str, *, rows: int) -> Path:
    """A manifest of ``rows`` rows: those of the repository with their files at ``base``, over and over."""
    with (ROOT / "manifest.csv").open(newline="", encoding="utf-8") as file:
        reader = csv.DictReader(file)
        known, columns = list(reader), list(reader.fieldnames or ())
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        for i in range(rows):
            row = dict(known[i % len(known)])
            row["name"] += f"-{i // len(known)}" if i >= len(known) else ""
            for column in ("url", "graph"):
                row[column] = row[column].replace("samples/models/", base)
            # Copies come from a place of their own: else the cache would have them already.
            if i >= len(known):
                row["url"] = " ".join(f"{url}?{i // len(known)}" for url in row["url"].split())
            writer.writerow(row)
    return path


@dataclass
class Job:
    """A run of the job, and everything that it starts."""

    manifest: Path
    folder: Path
    workers: int = 3
    options: tuple[str, ...] = ("--no-run",)
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> subprocess.Popen[bytes]:
        """Start it in a session of its own."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "log").open("wb") as log:
            self.process = subprocess.Popen(
                [
                    sys.executable, "-m", "jobs.process", str(self.manifest), "--workers", str(self.workers),
                    "--output", str(self.folder / "zoo"), "--pages", str(self.folder / "pages"),
                    "--cache", str(self.folder / "cache"), *self.options,
                ],
                stdout=log, stderr=log, stdin=subprocess.DEVNULL, cwd=ROOT, start_new_session=True,
                env={**os.environ, "PYTHONPATH": str(ROOT)},
            )  # fmt: skip
        return self.process

    def log(self) -> str:
        """What the last run printed."""
        return (self.folder / "log").read_text("utf-8", "replace")

    def made(self) -> Made:
        """The outcomes that stand at this moment."""
        found: Made = {}
        for stamp in (self.folder / "zoo" / "models").glob("[!.]*/stamp.json"):
            try:
                known = msgspec.json.decode(stamp.read_bytes())
                stat = stamp.stat()
            except (OSError, msgspec.DecodeError):
                continue
            if not known["retry"]:
                found[stamp.parent.name] = (stat.st_ino, stat.st_mtime_ns)
        return found

    def output(self) -> dict[str, bytes]:
        """All bytes that must not depend on how the run went, by path."""
        return {
            str(path.relative_to(self.folder)): path.read_bytes()
            for part in ("zoo", "pages")
            for path in sorted((self.folder / part).rglob("*"))
            if path.is_file() and path.name not in VOLATILE
        }


# Who can be hit, and with what.  The job itself is asked to stop as well as killed.
KINDS = {
    "job": (signal.SIGKILL, signal.SIGTERM, signal.SIGINT),
    "terminal": (signal.SIGINT,),
    "worker": (signal.SIGKILL, signal.SIGSEGV, signal.SIGTERM),
    "any": (signal.SIGKILL,),
    "tensorflow": (signal.SIGKILL, signal.SIGSEGV),
}


def role(process: psutil.Process, job: int) -> str:
    """What a process of the run is there for."""
    try:
        line = process.cmdline()
    except psutil.Error:
        return "gone"
    if process.pid == job:
        return "job"
    text = " ".join(line)
    if "zoo.child" in text:
        return "tensorflow"
    if "jobs.alone" in text:
        return "alone"
    if "resource_tracker" in text:
        return "tracker"
    # The server is a fork of the job; one that was killed has been replaced by a new interpreter.
    if "jobs.process" in text or "forkserver" in text:
        parent = process.ppid()
        return "forkserver" if parent in (job, os.getpid()) else "worker"
    return "other"


@dataclass
class Tally:
    """What was done in all rounds, and what came of it."""

    hits: Counter[str] = field(default_factory=Counter)
    runs: int = 0
    kept: int = 0
    """Outcomes that stood when the job was hit, and had to be left alone."""
    problems: list[str] = field(default_factory=list)


def hit(target: str, number: signal.Signals, job: subprocess.Popen[bytes], dice: random.Random) -> str | None:
    """Send a signal to a process of the kind; what was hit, None when there is none."""
    if target == "job":
        job.send_signal(number)
        return f"job {number.name}"
    if target == "terminal":
        # Ctrl-C reaches every process of the terminal at once.
        os.killpg(job.pid, number)
        return "Ctrl-C to all"
    family = [(one, role(one, job.pid)) for one in psutil.Process().children(recursive=True)]
    wanted = [
        (one, kind)
        for one, kind in family
        if kind not in ("job", "gone") and (target in ("any", kind) or (target, kind) == ("worker", "alone"))
    ]
    if not wanted:
        return None
    one, kind = dice.choice(sorted(wanted, key=lambda item: item[0].pid))
    try:
        one.send_signal(number)
    except psutil.NoSuchProcess:
        return None
    return f"{kind} {number.name}"


def round_of(job: Job, dice: random.Random, expected: dict[str, bytes], typical: float, tally: Tally) -> None:
    """One round: disturb the job until enough is enough, let it end, look at what there is."""
    problems: list[str] = []
    stood = Made()
    running = job.start()
    tally.runs += 1
    for _ in range(dice.randint(2, 5)):
        target = dice.choices(list(KINDS), [4, 1, 4, 3, 2 if "--no-run" not in job.options else 0])[0]
        number = dice.choice(KINDS[target])
        if dice.random() < 0.3:
            _sleep(running, dice.uniform(0, 0.7 * typical))
        else:
            _more(job, running, dice.randint(1, 6))
            _sleep(running, dice.uniform(0, 0.1))
        if running.poll() is None:
            stood |= job.made()
            what = hit(target, number, running, dice)
            if what is not None:
                tally.hits[what] += 1
            if target in ("job", "terminal"):
                _wait(running, problems)
        if running.poll() is not None:
            problems += _ending(job, running.returncode)
            if dice.random() < 0.5:
                _gone(problems)
            running = job.start()
            tally.runs += 1
    _wait(running, problems)
    problems += _ending(job, running.returncode)
    if running.returncode != 0:
        job.start()
        tally.runs += 1
        assert job.process is not None
        _wait(job.process, problems)
        if job.process.returncode != 0:
            problems.append(f"undisturbed, it ended with {job.process.returncode}: {job.log()[-600:]}")
    _gone(problems)
    now = job.made()
    again = [slug for slug, mark in stood.items() if now.get(slug) != mark]
    if again:
        problems.append(f"made again or lost: {', '.join(sorted(again))}")
    found = job.output()
    other = sorted(path for path in {*found, *expected} if found.get(path) != expected.get(path))
    if other:
        problems.append(f"{len(other)} files differ: {', '.join(other[:5])}")
    left = [path for path in (job.folder / "zoo").rglob("*") if path.name.endswith((".partial", ".old"))]
    if left:
        problems.append(f"left over: {', '.join(path.name for path in left)}")
    tally.kept += len(stood)
    tally.problems += problems


def _sleep(process: subprocess.Popen[bytes], seconds: float) -> None:
    """Wait, but not for a process that has ended."""
    until = time.monotonic() + seconds
    while process.poll() is None and time.monotonic() < until:
        time.sleep(0.01)


def _more(job: Job, process: subprocess.Popen[bytes], count: int) -> None:
    """Wait until ``count`` more outcomes stand."""
    until = time.monotonic() + 60
    wanted = len(job.made()) + count
    while process.poll() is None and time.monotonic() < until and len(job.made()) < wanted:
        time.sleep(0.01)


def _wait(process: subprocess.Popen[bytes], problems: list[str]) -> None:
    try:
        process.wait(timeout=300)
    except subprocess.TimeoutExpired:
        problems.append("it hung: still running after 300 s")
        process.kill()
        process.wait()


def _ending(job: Job, code: int) -> list[str]:
    """What is wrong with how a disturbed run ended."""
    log = job.log()
    problems = []
    if code not in (0, 1, 130, *(-number for number in (signal.SIGKILL, signal.SIGTERM, signal.SIGINT))):
        problems.append(f"exit code {code}: {log[-600:]}")
    # A signal while the interpreter itself starts is the interpreter's to report.
    if code != -signal.SIGINT and (found := [one for one in _tracebacks(log) if not _of_interpreter(one)]):
        problems.append(f"a traceback: {found[0][:300]} ... {found[0][-600:]}")
    return problems


def _tracebacks(log: str) -> list[str]:
    """Each from its first line to the one that names the error."""
    return re.findall(r"Traceback \(most recent call last\):\n(?:[ \t].*\n)*.*", log)


def _of_interpreter(trace: str) -> bool:
    """Whether it is about a process that Python itself started and that was killed: its resource tracker."""
    places = re.findall(r'File "([^"]*)"', trace)
    return bool(places) and all(place.endswith("/resource_tracker.py") for place in places)


def _gone(problems: list[str], seconds: float = 20.0) -> None:
    """Wait until every process of the run has ended."""
    until = time.monotonic() + seconds
    while family := [one for one in psutil.Process().children(recursive=True) if _is_alive(one)]:
        if time.monotonic() > until:
            problems.append(f"processes left over: {[one.cmdline() for one in family]}")
            for one in family:
                one.kill()
        time.sleep(0.02)


def _is_alive(process: psutil.Process) -> bool:
    """Whether a process still runs; those that have ended and came to us are taken leave of."""
    try:
        if process.status() != psutil.STATUS_ZOMBIE:
            return True
        if process.ppid() == os.getpid():
            os.waitpid(process.pid, os.WNOHANG)
    except (psutil.NoSuchProcess, ChildProcessError):
        return False
    return False


def adopt_orphans() -> None:
    """Have processes whose parent was killed become our children, so that none gets out of sight."""
    ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)  # PR_SET_CHILD_SUBREAPER, linux/prctl.h


def chaos(rounds: int, seed: int, *, rows: int, run: bool, folder: Path, wait: float = 0.3) -> Tally:
    """Disturb the job ``rounds`` times; what was done, and every problem there was."""
    adopt_orphans()
    # Whoever is started in the background ignores Ctrl-C, and so would the job.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    tally = Tally()
    with serving(wait) as base:
        manifest = write_manifest(folder / "manifest.csv", base, rows=rows)
        options = () if run else ("--no-run",)
        calm = Job(manifest, folder / "calm", options=options)
        start = time.monotonic()
        code = calm.start().wait()
        typical = time.monotonic() - start
        expected = calm.output()
        if code != 0:
            raise RuntimeError(f"undisturbed, the job ended with {code}:\n{calm.log()}")
        for i in range(rounds):
            dice = random.Random(f"{seed} {i}")  # noqa: S311
            before = len(tally.problems)
            job = Job(manifest, folder / f"round{i}", options=options)
            round_of(job, dice, expected, typical, tally)
            bad = tally.problems[before:]
            print(f"round {i + 1}: {'; '.join(bad) if bad else 'equal'}", flush=True)
            if not bad:
                shutil.rmtree(job.folder)
    return tally


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=50, help="default: %(default)s")
    parser.add_argument("--seed", type=int, default=1, help="default: %(default)s")
    parser.add_argument("--rows", type=int, default=24, help="rows of the manifest; default: %(default)s")
    parser.add_argument("--run", action="store_true", help="run graphs in TensorFlow as well")
    parser.add_argument("--short", action="store_true", help="two rounds")
    options = parser.parse_args(argv)
    start = time.monotonic()
    folder = Path(tempfile.mkdtemp(prefix="chaos-"))
    rounds = 2 if options.short else options.rounds
    tally = chaos(rounds, options.seed, rows=options.rows, run=options.run, folder=folder)
    print(f"\n{'hit':24} times")
    for what, count in sorted(tally.hits.items()):
        print(f"{what:24} {count}")
    print(
        f"\n{tally.runs} runs of the job in {time.monotonic() - start:.0f} s, "
        f"{sum(tally.hits.values())} hits, {tally.kept} outcomes that stood before a hit; "
        f"problems: {len(tally.problems)}"
    )
    for problem in tally.problems:
        print(f"  {problem}")
    if tally.problems:
        print(f"kept: {folder}")
    else:
        shutil.rmtree(folder)
    return int(bool(tally.problems))


if __name__ == "__main__":
    sys.exit(main())
