"""``python -m jobs.process MANIFEST``: bring every row of a manifest to its outcome and its page."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from jobs.cycles import look_no_more, look_seldom
from zoo import __version__
from zoo.errors import ZooError

OK, UNEXPECTED, USAGE, INTERRUPTED = 0, 1, 2, 130


def parser() -> argparse.ArgumentParser:
    """The command line."""
    made = argparse.ArgumentParser(
        prog="python -m jobs.process",
        description="Download, freeze, prove and summarize every model of a manifest, and write its pages.",
        epilog="Exit codes: 0 every row ended as expected; 1 some row did not; 2 bad usage or a bad "
        "manifest, nothing was processed; 130 interrupted, a second run carries on.",
    )
    made.add_argument(
        "manifest", type=Path, help="CSV file, a row for each model: name and url, see the docs"
    )
    made.add_argument(
        "--workers", type=_count, default=os.cpu_count() or 1, metavar="N",
        help="worker processes on this machine (default: one for each core)",
    )  # fmt: skip
    made.add_argument(
        "--scheduler", metavar="ADDRESS", help="work on the Dask cluster at tcp://… instead of this machine"
    )
    made.add_argument(
        "--output", default="build/zoo", metavar="DIR|URL",
        help="where outcomes and frozen graphs go: a folder that all workers see, or s3://bucket/zoo and "
        "the like (default: %(default)s)",
    )  # fmt: skip
    made.add_argument(
        "--pages", type=Path, default=Path("site/docs"), metavar="DIR",
        help="where the Markdown pages go: the docs_dir of mkdocs.yml (default: %(default)s)",
    )  # fmt: skip
    made.add_argument(
        "--cache", type=Path, metavar="DIR",
        help="where downloads are kept, shared by all runs (default: build/cache; with --scheduler a "
        "folder of each worker's own)",
    )  # fmt: skip
    made.add_argument(
        "--keep", action="store_true",
        help="keep archives in the cache, where runs to come find them; without it only what several rows "
        "share, cannot be unpacked on its way, or takes long to come",
    )  # fmt: skip
    made.add_argument("--only", nargs="+", default=[], metavar="NAME", help="process these rows only")
    made.add_argument(
        "--family", nargs="+", default=[], metavar="FAMILY", help="process rows of these families only"
    )
    made.add_argument(
        "--since", type=Path, metavar="MANIFEST",
        help="process only rows that are not the same in this older manifest",
    )  # fmt: skip
    made.add_argument("--force", action="store_true", help="process rows again whose outcome stands")
    made.add_argument("--check", action="store_true", help="check the manifest and stop")
    made.add_argument(
        "--no-run", action="store_true",
        help="do not run graphs in TensorFlow: no proof by execution, no second engine",
    )  # fmt: skip
    made.add_argument(
        "--time-limit", type=_seconds, default=3600.0, metavar="SECONDS",
        help="for one row, downloads included (default: %(default)g)",
    )  # fmt: skip
    made.add_argument(
        "--memory-limit", type=_gibibytes, default=8 << 30, metavar="GIB",
        help="private memory of one worker process (default: 8)",
    )  # fmt: skip
    made.add_argument(
        "--per-host", type=_count, default=16, metavar="N",
        help="downloads at a time from one server, on each machine (default: %(default)s)",
    )  # fmt: skip
    made.add_argument(
        "--disk-limit", type=_gibibytes, default=0, metavar="GIB",
        help="unpacked files on each machine: rows wait for one another above it (default: no limit)",
    )  # fmt: skip
    made.add_argument("--version", action="version", version=f"model zoo {__version__}")
    return made


def _count(text: str) -> int:
    if not text.isdigit() or not 1 <= int(text) <= 1024:
        raise argparse.ArgumentTypeError(f"expected a number from 1 to 1024, got {text!r}")
    return int(text)


def _seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < 1e7:
        raise argparse.ArgumentTypeError(f"expected seconds above 0, got {text!r}")
    return value


def _gibibytes(text: str) -> int:
    return int(_seconds(text) * (1 << 30))


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; the exit code."""
    options = parser().parse_args(argv)
    look_seldom()
    # A job that is told to stop stops as it does for Ctrl-C: cleanly.
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        if options.check:
            from jobs.batch import check_manifest

            return check_manifest(options.manifest)
        from jobs.batch import run_manifest

        return run_manifest(options)
    except ZooError as error:
        from zoo.fetching.stream import redact

        # A cell that is quoted may be a URL with a password in it.
        print(f"{type(error).stage}: {redact(str(error))}", file=sys.stderr)
        if error.hint:
            print(f"  {error.hint}", file=sys.stderr)
        # Of a run that had begun, what ended is in the catalog.
        return UNEXPECTED if type(error).stage == "run" else USAGE
    except OSError as error:
        # What goes wrong with a row is in its outcome; this is our own disk, or the network of the cluster.
        print(f"run: {error.filename or 'output'}: {(error.strerror or str(error)).lower()}", file=sys.stderr)
        print("  what has ended is kept; run the same command again to carry on", file=sys.stderr)
        return UNEXPECTED
    except KeyboardInterrupt:
        print("interrupted; run the same command again to carry on", file=sys.stderr)
        return INTERRUPTED


def _interrupt(_number: int, _frame: object) -> NoReturn:
    raise KeyboardInterrupt


if __name__ == "__main__":
    code = main()
    look_no_more()
    sys.exit(code)
