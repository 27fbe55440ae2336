"""The whole job against the least that a zoo can cost, and against the tutorials' script.

    python -m benchmarks.floor            the zoo of eight, five pairs each: half an hour
    python -m benchmarks.floor --short    three models, one pair each: under two minutes
    python -m benchmarks.floor --only two --names vgg_16 inception_v3 --count 3

The floor is ``curl | igzip -dc | tar x``: it downloads and unpacks, and does nothing else.  The job
also checks, freezes, proves by bytes, describes every variable, and writes pages.  All is served by
nginx on loopback.  Needs the Debian packages nginx, curl and isal (for igzip).
"""

from __future__ import annotations

import argparse
import json
import shlex
import sys
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks import zoo_models
from benchmarks.measure import Cost, cost, fresh, line, machine, paired, spread
from benchmarks.serving import nginx

ROOT = Path(__file__).resolve().parent.parent
CAP = 100_000_000
"""Bytes a second of the slow network, for each connection."""
COMPARISONS = ("one", "two", "proof", "tutorial", "network")
"""With one worker, with two, with and without graphs that run, with the tutorials' script, with `CAP`."""


@dataclass(frozen=True)
class Zoo:
    """Archives behind a URL, and a folder for what comes of them."""

    archives: Sequence[Path]
    base: str
    scratch: Path

    @property
    def urls(self) -> list[str]:
        """The URL of each archive."""
        return [f"{self.base}/{archive.name}" for archive in self.archives]

    def job(self, workers: int, *, run: bool = False, memory: bool = False) -> Cost:
        """The real command, from nothing: empty cache, empty output."""
        folder = fresh(self.scratch / "job")
        manifest = zoo_models.write_manifest(self.archives, self.base, folder / "manifest.csv")
        command = [
            sys.executable, "-m", "jobs.process", str(manifest), "--workers", str(workers),
            "--output", str(folder / "zoo"), "--pages", str(folder / "pages"),
            "--cache", str(folder / "cache"),
        ]  # fmt: skip
        return cost([*command, *([] if run else ["--no-run"])], memory=memory, more={"PYTHONPATH": str(ROOT)})

    def floor(self, parallel: int) -> Cost:
        """``curl | igzip -dc | tar x`` for each archive, ``parallel`` at a time."""
        folder = fresh(self.scratch / "floor")
        one = f"curl -sSf {{}} | igzip -dc | tar x -C {shlex.quote(str(folder))}"
        return self._each(one, parallel)

    def network(self, parallel: int) -> Cost:
        """``curl -o /dev/null`` for each archive."""
        return self._each("curl -sSf -o /dev/null {}", parallel)

    def _each(self, command: str, parallel: int) -> Cost:
        urls = "\\n".join(self.urls)
        return cost(["sh", "-c", f"printf '{urls}\\n' | xargs -P{parallel} -I{{}} sh -c '{command}'"])

    def tutorial(self, processes: int, *, memory: bool = False) -> Cost:
        """The tutorials' script."""
        folder = fresh(self.scratch / "tutorial")
        script = [sys.executable, str(ROOT / "benchmarks" / "tutorial.py"), str(folder)]
        more = ["--processes", str(processes)]
        return cost([*script, *more, *self.urls], memory=memory, more={"TF_CPP_MIN_LOG_LEVEL": "3"})

    def check(self) -> str:
        """Run the job once, and hold its results against the truth; one line that says what was held.

        Raises:
            AssertionError: a model is not frozen, or a constant is not equal to the checkpoint's.
        """
        self.job(1)
        constants = size = 0
        for archive in self.archives:
            slug = archive.name.removesuffix(".tar.gz")
            outcome = json.loads((self.scratch / "job" / "zoo" / "models" / slug / "model.json").read_text())
            assert outcome["status"] == "frozen", (slug, outcome.get("failure"))
            proof = outcome["frozen"]["constants"]
            assert proof["checked"] == proof["equal"] > 0, (slug, proof)
            constants, size = constants + proof["equal"], size + outcome["frozen"]["bytes"]
        models = len(self.archives)
        return f"checked first: {models} models frozen, {constants} constants equal, {size / 1e6:.0f} MB"


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--short", action="store_true", help="three models, one pair of runs each")
    parser.add_argument("--count", type=int, help="pairs of runs (default: 5; 1 with --short)")
    parser.add_argument("--folder", type=Path, default=zoo_models.FOLDER, help="default: %(default)s")
    parser.add_argument(
        "--only", nargs="+", choices=COMPARISONS, default=COMPARISONS, metavar="COMPARISON",
        help=f"of {', '.join(COMPARISONS)}; default: all",
    )  # fmt: skip
    parser.add_argument("--names", nargs="+", metavar="NAME", help="models of zoo_models.py")
    options = parser.parse_args(argv)
    count = options.count or (1 if options.short else 5)
    names = options.names or (zoo_models.SHORT if options.short else zoo_models.ZOO)
    archives = [zoo_models.make(name, options.folder) for name in names]
    scratch = options.folder.parent / "scratch"
    print(machine())
    with nginx(options.folder) as base:
        zoo = Zoo(archives, base, scratch)
        print(zoo.check())
        report(zoo, count, options.only)
        if "tutorial" in options.only:
            report_tutorial(zoo, max(1, count // 2), eight=not options.short)
    if "network" in options.only:
        with nginx(options.folder, bytes_per_second=CAP) as base:
            slow = Zoo(archives, base, scratch)
            pairs = paired(lambda: slow.job(1), lambda: slow.network(1), count=count)
            print(line("job, 1 worker / curl alone, connections of 100 MB/s", pairs, limit=1.05))
    return 0


def report(zoo: Zoo, count: int, only: Collection[str]) -> None:
    """Print a line for each comparison with the floor at full speed."""
    if "one" in only:
        one = paired(lambda: zoo.job(1), lambda: zoo.floor(1), count=count)
        print(line("job, 1 worker / curl | igzip | tar, serial", one, limit=0.80), flush=True)
    if "two" in only:
        two = paired(lambda: zoo.job(2), lambda: zoo.floor(2), count=count)
        print(line("job, 2 workers / curl | igzip | tar, two at a time", two, limit=0.95), flush=True)
    if "proof" in only:
        proof = paired(lambda: zoo.job(1, run=True), lambda: zoo.job(1), count=max(1, count // 2))
        print(line("job with proof by execution / without, 1 worker", proof), flush=True)


def report_tutorial(zoo: Zoo, count: int, *, eight: bool) -> None:
    """Print a line for each comparison with the tutorials' script."""
    script = paired(lambda: zoo.job(1), lambda: zoo.tutorial(1), count=count)
    print(line("job, 1 worker / tutorials' script, serial", script, limit=1 / 6), flush=True)
    ours, theirs = zoo.job(1, memory=True), zoo.tutorial(1, memory=True)
    print(
        f"  the script takes {spread([b.wall / a.wall for a, b in script])} times as long\n"
        f"  job: {ours.peak / 1e6:.0f} MB in all, {ours.worker / 1e6:.0f} MB anonymous in one process; "
        f"script: {theirs.peak / 1e6:.0f} MB, {theirs.worker / 1e6:.0f} MB: "
        f"{theirs.peak / ours.peak:.1f} and {theirs.worker / ours.worker:.1f} times as much",
        flush=True,
    )
    if eight:
        pairs = paired(lambda: zoo.job(2), lambda: zoo.tutorial(8), count=count)
        print(line("job, 2 workers / tutorials' script, 8 processes", pairs), flush=True)


if __name__ == "__main__":
    sys.exit(main())
