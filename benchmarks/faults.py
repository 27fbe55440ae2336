"""The fault table: what is done to the job, how often, and what comes out.

    python -m benchmarks.faults                all of it: an hour on two cores
    python -m benchmarks.faults --short        few rounds, 200 rows in place of 10,000
    python -m benchmarks.faults --only Processes

Lines on the network, on archives, on model files, code and pages are cases of the tests: they are run,
and counted.  Lines on processes are done here, to the real job: models from a server on loopback are
killed in the process that holds them, disks are full, folders read-only, clocks jump.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parent.parent
SAMPLES = ROOT / "samples" / "models"
WANTED = {"iris-frozen.pb": "frozen", "keras-cnn.tflite": "read", "lenet-weights.zip": "read"}
"""Small samples, and how each ends."""


@dataclass
class Line:
    """A line of the table."""

    group: str
    what: str
    count: int = 0
    bad: list[str] = field(default_factory=list)
    note: str = ""

    def text(self) -> str:
        """The line as it is printed."""
        came = self.note if not self.bad else f"{len(self.bad)} WRONG: {'; '.join(self.bad)[:300]}"
        return f"| {self.group} | {self.what} | {self.count:,} | {came} |"


# Lines that are cases of the tests: group, what, file, pattern of the names of the cases.
CASES = (
    (
        "Network",
        "refused, reset, truncated, stalled, 5xx, 429: heals, is carried on",
        "test_fetch",
        "fault_that_passes|carried_on|weak_etag|progress_renews",
    ),
    (
        "Network",
        "403, 404, HTML, wrong length, wrong Range, gzip: said at once",
        "test_fetch",
        "will_not_pass|fault_that_stays|content_coding|without_length|wrong_size",
    ),
    (
        "Network",
        "file changed between two Range requests",
        "test_fetch",
        "two_versions|rest_that_does_not_fit",
    ),
    (
        "Network",
        "Retry-After, limits on time and bytes of a row",
        "test_fetch",
        "retry_after|has_a_limit_of|slow_headers",
    ),
    ("Network", "redirects: loops, file:, other schemes, too many", "test_fetch", "redirect|password_goes"),
    (
        "Network",
        "DNS, TLS, refused connections",
        "test_fetch",
        "refused_connection|does_not_resolve|tls|certificate|https",
    ),
    ("Network", "any answer at all (hypothesis)", "test_fetch", "any_answer"),
    (
        "Network",
        "cache full, damaged, emptied, shared, its process killed",
        "test_fetch_sources",
        "cache|disk|killed|share|lock",
    ),
    ("Archives", "unsafe tars: paths, links, devices, names, sizes", "test_unpack_attacks", "unsafe_tar"),
    ("Archives", "unsafe zips: the same, encrypted, overlapping", "test_unpack_attacks", "unsafe_zip"),
    (
        "Archives",
        "bombs: ratio, total, count, nested, decoder memory, sparse",
        "test_unpack_attacks",
        "bomb|zeros|decoder",
    ),
    (
        "Archives",
        "cut anywhere, bits flipped (hypothesis), other kinds",
        "test_unpack",
        "truncated|flipped|only_our_errors|other_kinds|strange_names",
    ),
    ("Model files", "cut, flipped, zeroed, swapped: every kind, every region", "test_readers_damage", "."),
    (
        "Model files",
        "tables and checkpoints that lie about offsets, sizes, shapes",
        "test_readers_table test_readers_bundle test_readers_v1 test_readers_checkpoint",
        ".",
    ),
    (
        "Model files",
        "graphs and SavedModels: depth, cycles, attributes, text",
        "test_readers_graphdef test_readers_saved_model test_freeze_edges",
        ".",
    ),
    ("Model files", "Keras, HDF5, TensorFlow Lite", "test_readers_keras test_readers_tflite", "."),
    ("Model files", "what fuzzing found", "test_fuzz_findings", "."),
    ("Processes", "a cluster host or scheduler that dies, is cut off, is absent", "test_cluster", "."),
    (
        "Code",
        "risky ops are refused, confinement holds, crashes and limits answer",
        "test_runner",
        "refused|confinement|limit|crash|aborts|risky|gone",
    ),
    ("Code", "Lambda layers, classes of their own, pickles", "test_keras_rebuild test_risk", "."),
    (
        "Pages",
        "hostile names and links",
        "test_pages test_site",
        "escap|markup|hostile|link|elsewhere|data_scripts|snippets",
    ),
)


def cases(groups: Sequence[str]) -> Iterator[Line]:
    """Run the tests that the table is made of, once, and count the cases for each line."""
    wanted = [case for case in CASES if case[0] in groups]
    files = dict.fromkeys(file for _, _, names, _ in wanted for file in names.split())
    paths = [path for file in files if (path := ROOT / "tests" / f"{file}.py").exists()]
    if not paths:
        return
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        subprocess.run(
            [sys.executable, "-m", "pytest", "-q", f"--junitxml={report}", *map(str, paths)],
            cwd=ROOT, check=False, stdout=subprocess.DEVNULL,
        )  # fmt: skip
        found = list(ET.parse(report).iter("testcase"))  # noqa: S314  (written by pytest just now)
    for group, what, names, pattern in wanted:
        line = Line(group, what, note="as it has to")
        for case in found:
            module = case.get("classname", "").split(".")
            name = case.get("name", "")
            if not set(module) & set(names.split()) or not re.search(pattern, name.partition("[")[0]):
                continue
            if case.find("skipped") is not None:
                continue
            line.count += 1
            if case.find("failure") is not None or case.find("error") is not None:
                line.bad.append(name)
        yield line


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
        if "bad" in self.path:
            for process in psutil.Process().children(recursive=True):
                with contextlib.suppress(psutil.Error):
                    ports = {one.laddr[1] for one in process.net_connections("tcp")}
                    if self.client_address[1] in ports and self.server.number is not None:
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


def command(rows: Sequence[tuple[str, str]], folder: Path, *options: str, workers: int = 2) -> list[str]:
    """The job over rows of name and URL, with everything below ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    manifest = folder / "manifest.csv"
    manifest.write_text("name,url\n" + "".join(f"{name},{url}\n" for name, url in rows), "utf-8")
    places = [word for kind in ("output", "pages", "cache") for word in (f"--{kind}", str(folder / kind))]
    return [
        sys.executable, "-m", "jobs.process", str(manifest), "--workers", str(workers), "--no-run",
        *places, *options,
    ]  # fmt: skip


def run(words: Sequence[str], folder: Path, **more: str) -> Done:
    """Run it to its end.

    Raises:
        subprocess.TimeoutExpired: it hangs.
    """
    done = subprocess.run(
        words, cwd=ROOT, check=False, capture_output=True, text=True, timeout=1800,
        env={**os.environ, "PYTHONPATH": str(ROOT), **more},
    )  # fmt: skip
    return Done(done.returncode, done.stdout + done.stderr, outcomes(folder))


def outcomes(folder: Path) -> dict[str, dict[str, object]]:
    """What stands, by name."""
    found = [json.loads(path.read_bytes()) for path in (folder / "output/models").glob("[!.]*/model.json")]
    return {one["name"]: one for one in found}


def good(url: Callable[[str], str], count: int) -> list[tuple[str, str]]:
    """Rows that end well, each with a URL of its own."""
    names = list(WANTED)
    return [(f"{names[i % len(names)]}-{i}", url(f"{names[i % len(names)]}?{i}")) for i in range(count)]


def wrong(done: Done, rows: Sequence[tuple[str, str]]) -> list[str]:
    """What is wrong with rows that have to end well, and with what was printed."""
    found = []
    for name, _ in rows:
        outcome = done.outcomes.get(name, {})
        if outcome.get("status") != WANTED[name.rpartition("-")[0]]:
            found.append(f"{name}: {outcome.get('status', 'lost')} {outcome.get('failure')}")
    return found + (["a traceback was shown"] if "Traceback" in done.said else [])


def killed(line: Line, number: signal.Signals, folder: Path) -> None:
    """One row of 20 is killed whenever a process works on it."""
    with killing() as server:
        server.number = number
        rows = good(server.url, 19)
        all_rows = [*rows[:9], ("bad", server.url("bad.pb")), *rows[9:]]
        done = run(command(all_rows, folder, workers=8), folder)
        line.bad += wrong(done, rows)
        if number.name not in done.reason("bad"):
            line.bad.append(f"the failure says {done.reason('bad')!r}")
        pages = "".join(path.read_text("utf-8") for path in (folder / "pages").rglob("bad.md"))
        if number.name not in pages:
            line.bad.append("the failure page does not name the signal")
        line.note = f"19 right, 1 failure: {done.reason('bad')}"


def hungry(line: Line, folder: Path) -> None:
    """One row of 20 wants more memory than a worker may have."""
    folder.mkdir(parents=True, exist_ok=True)
    big = folder / "big.pbtxt"
    node = 'node { name: "a%d" op: "Const" attr { key: "x" value { list { ' + "i: 1 " * 2000 + "} } } }\n"
    big.write_text("".join(node % i for i in range(12_000)), "ascii")
    with killing() as server:
        rows = good(server.url, 19)
        all_rows = [*rows[:9], ("hungry", str(big)), *rows[9:]]
        done = run(command(all_rows, folder, "--memory-limit", "0.3", workers=8), folder)
    line.bad += wrong(done, rows)
    if not re.search("memory|SIGKILL|SIGABRT|larger than|limit", done.reason("hungry")):
        line.bad.append(f"the failure says {done.reason('hungry')!r}")
    line.note = f"19 right, 1 failure: {done.reason('hungry')}"


def hanging(line: Line, folder: Path) -> None:
    """A row that hangs."""
    with killing() as server:
        rows = good(server.url, 4)
        done = run(command([*rows, ("hang", server.url("hang.pb"))], folder, "--time-limit", "20"), folder)
    line.bad += wrong(done, rows)
    line.note = f"4 right, 1 failure: {done.reason('hang')}"
    if "time limit of 20 s" not in done.reason("hang"):
        line.bad.append(done.reason("hang"))


def outsider(line: Line, folder: Path) -> None:
    """The process of a row is killed twice by an outsider, then left alone."""
    with killing() as server:
        rows = good(server.url, 4)
        words = command([*rows, ("iris-frozen.pb-bad", server.url("iris-frozen.pb?bad"))], folder)
        server.number = signal.SIGKILL
        process = subprocess.Popen(
            words, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )  # fmt: skip
        until = time.monotonic() + 120
        while server.hits < 2 and process.poll() is None and time.monotonic() < until:
            time.sleep(0.005)
        server.number = None
        _Handler.do_GET, before = SimpleHTTPRequestHandler.do_GET, _Handler.do_GET  # type: ignore[method-assign]
        try:
            said, _ = process.communicate(timeout=600)
        finally:
            _Handler.do_GET = before  # type: ignore[method-assign]
        done = Done(process.returncode, said, outcomes(folder))
    line.bad += wrong(done, [*rows, ("iris-frozen.pb-bad", "")])
    line.note = "no row is blamed"


def full(line: Line, folder: Path) -> None:
    """The disk is full on the way; then there is room."""
    with killing() as server, mounted(folder, "size=300k") as place:
        names = ["lenet-digits.tar.gz", "two-inputs.tar.gz", "keras-export.tar.gz", "module.zip"]
        rows = [(name.partition(".")[0], server.url(name)) for name in names]
        done = run(command(rows, place), place)
        if done.code != 1 or "no space left" not in done.said or "Traceback" in done.said:
            line.bad.append(f"exit code {done.code}: {done.said[-300:]}")
        subprocess.run(["mount", "-o", "remount,size=50m", str(place)], check=True)
        again = run(command(rows, place), place)
        if again.code != 0 or {one["status"] for one in again.outcomes.values()} != {"frozen"}:
            line.bad.append(f"with room again: exit code {again.code}: {again.said[-300:]}")
    line.note = "said so, exit code 1; with room again the next run ends well"


def read_only(line: Line, folder: Path) -> None:
    """The output folder cannot be written."""
    with mounted(folder, "size=1m") as place:
        words = command(good(str, 1), place)
        subprocess.run(["mount", "-o", "remount,ro", str(place)], check=True)
        done = run(words, place)
    if done.code != 2 or "cannot be written" not in done.said or "Traceback" in done.said:
        line.bad.append(f"exit code {done.code}: {done.said[-300:]}")
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
        first = subprocess.Popen(
            command(rows, folder), cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )  # fmt: skip
        until = time.monotonic() + 120
        while not (folder / "output/.running").exists() and time.monotonic() < until:
            time.sleep(0.02)
        done = run(command(rows, folder), folder)
        first.send_signal(signal.SIGINT)
        code = first.wait(120)
    if done.code != 2 or f"in use by another job (process {first.pid})" not in done.said or code != 130:
        line.bad.append(f"exit codes {done.code} and {code}: {done.said[-300:]}")
    line.note = "the second: exit code 2, names the process of the first"


def clock(line: Line, folder: Path, library: str) -> None:
    """The clock jumps back by 30 days, and a year ahead, in the middle of a run."""
    stamp = folder / "clock"
    with killing() as server:
        rows = good(server.url, 40)
        words = command(rows, folder)
        stamp.write_text("+0\n")
        more = {"LD_PRELOAD": library, "FAKETIME_TIMESTAMP_FILE": str(stamp), "FAKETIME_NO_CACHE": "1"}
        more["FAKETIME_DONT_FAKE_MONOTONIC"] = more["DONT_FAKE_MONOTONIC"] = "1"
        process = subprocess.Popen(
            words, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            env={**os.environ, "PYTHONPATH": str(ROOT), **more},
        )  # fmt: skip
        for jump, count in (("-30d", 3), ("+365d", 12)):
            until = time.monotonic() + 120
            while len(outcomes(folder)) < count and process.poll() is None and time.monotonic() < until:
                time.sleep(0.02)
            stamp.write_text(f"{jump}\n")
        said, _ = process.communicate(timeout=600)
        line.bad += wrong(Done(process.returncode, said, outcomes(folder)), rows)
        again = run(words, folder)
        if "nothing to do" not in again.said:
            line.bad.append(f"run again: {again.said[-200:]}")
    line.note = "all right; a second run has nothing to do"


def many(line: Line, folder: Path, count: int) -> None:
    """Very many rows."""
    rows = [(f"iris-frozen.pb-{i}", str(SAMPLES / "iris-frozen.pb")) for i in range(count)]
    start = time.monotonic()
    done = run(command(rows, folder), folder)
    seconds = time.monotonic() - start
    line.bad += wrong(done, rows)[:5]
    line.note = f"{count:,} frozen in {seconds:.0f} s"


def chaos(line: Line, rounds: int) -> None:
    """The chaos run, see `benchmarks.chaos`."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.chaos", "--rounds", str(rounds)],
        cwd=ROOT, check=False, capture_output=True, text=True,
    )  # fmt: skip
    line.count = rounds
    line.bad += [
        text for text in done.stdout.splitlines() if text.startswith("round") and "equal" not in text
    ]
    if done.returncode != 0 and not line.bad:
        line.bad.append(done.stdout[-300:] + done.stderr[-300:])
    line.note = f"{done.stdout.count(': equal')} equal"


def processes(*, rounds: int, rows: int, chaotic: int, library: str | None, folder: Path) -> Iterator[Line]:
    """The lines on processes."""
    plan: list[tuple[str, int, Callable[[Line, Path], None]]] = [
        ("SIGKILL of one of 20 rows, 8 workers", rounds, lambda a, b: killed(a, signal.SIGKILL, b)),
        ("SIGSEGV of one of 20 rows, 8 workers", rounds, lambda a, b: killed(a, signal.SIGSEGV, b)),
        ("out of memory of one of 20 rows, 8 workers", rounds, hungry),
        ("a row's process killed by an outsider, twice", 1, outsider),
        ("a row that hangs", 1, hanging),
        ("output folder read-only", 1, read_only),
        ("two jobs on one output", 1, two),
        ("disk full", 1, full),
        (f"{rows:,} rows", 1, lambda a, b: many(a, b, rows)),
    ]
    if library is not None:
        plan.insert(-1, ("the clock jumps, back and ahead", 1, lambda a, b: clock(a, b, library)))
    for what, count, act in plan:
        line = Line("Processes", what)
        for _ in range(count):
            place = Path(tempfile.mkdtemp(dir=folder))
            try:
                act(line, place)
            except (OSError, subprocess.SubprocessError, KeyError) as error:
                line.bad.append(f"{type(error).__name__}: {error}")
            line.count += 1
            shutil.rmtree(place, ignore_errors=True)
        yield line
    if chaotic:
        line = Line("Processes", "workers, scheduler, job killed at random; run again")
        chaos(line, chaotic)
        yield line


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line."""
    groups = list(dict.fromkeys([*(case[0] for case in CASES), "Processes"]))
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=20, help="of deadly rows; default: %(default)s")
    parser.add_argument("--rows", type=int, default=10_000, help="of the large run; default: %(default)s")
    parser.add_argument("--chaos", type=int, default=50, help="rounds of chaos; default: %(default)s")
    parser.add_argument("--faketime", metavar="PATH", help="libfaketime.so.1, for the line on clocks")
    parser.add_argument("--only", nargs="+", choices=groups, default=groups, help="these groups only")
    parser.add_argument("--short", action="store_true", help="one round of each, 200 rows")
    options = parser.parse_args(argv)
    known = [str(path) for path in Path("/usr/lib").glob("*/faketime/libfaketime.so.1")]
    library = options.faketime or next(iter(known), None)
    print("| | what was done | times | what came out |\n|---|---|---:|---|")
    failed = 0
    # Whoever is started in the background ignores Ctrl-C, and so would the job.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with tempfile.TemporaryDirectory(prefix="faults-", ignore_cleanup_errors=True) as folder:
        lines = [cases(options.only)]
        if "Processes" in options.only:
            lines.append(
                processes(
                    rounds=1 if options.short else options.rounds,
                    rows=200 if options.short else options.rows,
                    chaotic=1 if options.short else options.chaos,
                    library=library,
                    folder=Path(folder),
                )
            )
        for line in (line for part in lines for line in part):
            failed += bool(line.bad)
            print(line.text(), flush=True)
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
