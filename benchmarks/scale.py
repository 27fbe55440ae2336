"""Zoos of a hundred to ten thousand rows in one run: throughput, memory of each process, the site.

    python -m benchmarks.scale                     100, 1,000 and 10,000 rows: half an hour
    python -m benchmarks.scale --short             100 and 500 rows: under two minutes

The rows are the small samples of the project in turns, each under a URL of its own, served by nginx on
loopback.  Memory is the proportional set size, looked at twice a second: that of the main process, and of
the largest other one.
"""

from __future__ import annotations

import argparse
import csv
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.measure import environment, fresh, machine
from benchmarks.serving import nginx

ROOT = Path(__file__).resolve().parent.parent
FOLDER = Path("build/bench/scale")
SAMPLES = ("iris-frozen.pb", "module.zip", "keras-cnn.tflite", "two-inputs.tar.gz", "lenet-weights.zip")


@dataclass
class Peaks:
    """The most memory that was seen, in bytes of proportional set size."""

    main: int = 0
    other: int = 0
    """Of the largest process beside the main one."""
    all: int = 0


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--short", action="store_true", help="100 and 500 rows")
    parser.add_argument("--rows", type=int, nargs="+", metavar="N", help="so many rows, in turns")
    parser.add_argument("--workers", type=int, default=2, help="default: %(default)s")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="default: %(default)s")
    options = parser.parse_args(argv)
    sizes = options.rows or ([100, 500] if options.short else [100, 1_000, 10_000])
    print(machine())
    print("|   rows | job, s | rows/s | main, MB | largest worker, MB | all, MB | again, s | site, s |")
    print("|-------:|-------:|-------:|---------:|-------------------:|--------:|---------:|--------:|")
    for size in sizes:
        folder = fresh(options.folder)
        served = folder / "served"
        served.mkdir()
        with nginx(served) as base:
            manifest = _rows(size, served, base)
            seconds, peaks = _run(_job(manifest, folder, options.workers))
            _hold(folder, size)
            again, _ = _run(_job(manifest, folder, options.workers))
        site, _ = _run(_site(folder))
        print(
            f"| {size:6} | {seconds:6.1f} | {size / seconds:6.1f} | {peaks.main / 1e6:8.0f} | "
            f"{peaks.other / 1e6:18.0f} | {peaks.all / 1e6:7.0f} | {again:8.1f} | {site:7.1f} |",
            flush=True,
        )
    shutil.rmtree(options.folder)
    return 0


def _rows(count: int, served: Path, base: str) -> Path:
    """A manifest of ``count`` rows, whose files are in ``served``."""
    manifest = served.parent / "manifest.csv"
    with manifest.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["name", "url", "family"])
        for i in range(count):
            sample = SAMPLES[i % len(SAMPLES)]
            shutil.copyfile(ROOT / "samples" / "models" / sample, served / f"{i:05}-{sample}")
            writer.writerow([f"model {i:05}", f"{base}/{i:05}-{sample}", sample.split(".")[0]])
    return manifest


def _job(manifest: Path, folder: Path, workers: int) -> list[str]:
    pages = folder / "pages"
    if not pages.exists():
        generated = {"index.md", "failures.md", "run.md", "across.md", "models", "data"}
        docs = ROOT / "site" / "docs"
        shutil.copytree(docs, pages, ignore=lambda at, _: generated if Path(at) == docs else set())
    return [
        sys.executable, "-m", "jobs.process", str(manifest), "--workers", str(workers), "--no-run",
        "--output", str(folder / "zoo"), "--pages", str(pages), "--cache", str(folder / "cache"),
    ]  # fmt: skip


def _site(folder: Path) -> list[str]:
    """The command that builds the site of the pages in ``folder``."""
    config = folder / "mkdocs.yml"
    config.write_text(
        f"INHERIT: {ROOT / 'mkdocs.yml'}\n"
        f"docs_dir: {(folder / 'pages').resolve()}\n"
        f"site_dir: {(folder / 'site').resolve()}\n"
        f"theme: {{custom_dir: {ROOT / 'site' / 'theme'}}}\n"
        f"hooks: [{ROOT / 'site' / 'hooks.py'}]\n"
        "watch: []\n"
    )
    return [sys.executable, "-m", "mkdocs", "build", "--quiet", "--config-file", str(config)]


def _hold(folder: Path, size: int) -> None:
    """Hold that every row has its outcome, and none failed.

    Raises:
        AssertionError: otherwise.
    """
    records = list((folder / "zoo" / "models").glob("[!.]*/model.json"))
    failed = [path.parent.name for path in records if b'"status": "failed"' in path.read_bytes()]
    assert len(records) == size, f"{len(records)} of {size} rows have an outcome"
    assert not failed, f"failed: {failed[:3]}"


def _run(command: Sequence[str]) -> tuple[float, Peaks]:
    """Seconds of a command, and the memory of its processes.

    Raises:
        RuntimeError: it failed.
    """
    start, peaks = time.perf_counter(), Peaks()
    more = {"PYTHONPATH": str(ROOT), "NO_MKDOCS_2_WARNING": "1"}
    with subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True,
        env=environment(more), text=True,
    ) as process:  # fmt: skip
        ended = threading.Event()
        watch = threading.Thread(target=_watch, args=(process.pid, peaks, ended))
        watch.start()
        _, errors = process.communicate()
        seconds = time.perf_counter() - start
        ended.set()
        watch.join()
    if process.returncode:
        raise RuntimeError(f"exit code {process.returncode}: {errors[-2000:]}")
    return seconds, peaks


def _watch(main: int, peaks: Peaks, ended: threading.Event) -> None:
    while not ended.wait(0.5):
        sizes = {}
        for pid in (int(name) for name in os.listdir("/proc") if name.isdigit()):  # noqa: PTH208
            try:
                if os.getsid(pid) == main:
                    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
                    sizes[pid] = (
                        next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) * 1024
                    )
            except (OSError, StopIteration):
                continue  # it has ended
        peaks.main = max(peaks.main, sizes.get(main, 0))
        peaks.other = max([peaks.other, *(size for pid, size in sizes.items() if pid != main)])
        peaks.all = max(peaks.all, sum(sizes.values()))


if __name__ == "__main__":
    sys.exit(main())
