"""Freezing alone, as a whole process, against ``cp`` of the weights and against stock ``freeze_graph``.

python -m benchmarks.freezing            17 MB to 2.6 GB, five pairs each
python -m benchmarks.freezing --short    17 to 205 MB, one pair each: under two minutes
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks import zoo_models
from benchmarks.measure import Cost, cost, line, machine, paired

ROOT = Path(__file__).resolve().parent.parent
LARGE = 500_000_000
"""Bytes from which on the limit holds: below, the start of Python counts for more than the copying."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="models of zoo_models.py")
    parser.add_argument("--short", action="store_true", help="three models, one pair of runs each")
    parser.add_argument("--count", type=int, default=5, help="pairs of runs; default: %(default)s")
    parser.add_argument("--skip-stock", action="store_true", help="do not measure stock freeze_graph")
    parser.add_argument("--folder", type=Path, default=zoo_models.FOLDER, help="default: %(default)s")
    options = parser.parse_args(argv)
    names = options.names or (
        zoo_models.SHORT
        if options.short
        else ("mobilenet_v1", "inception_v3", "resnet_v2_152", "vgg_16", "big")
    )
    print(machine())
    for name in names:
        prefix = unpacked(
            zoo_models.make(name, options.folder), options.folder.parent / "scratch" / "freezing"
        )
        compare(name, prefix, 1 if options.short else options.count, stock=not options.skip_stock)
        shutil.rmtree(prefix.parent)
    return 0


def unpacked(archive: Path, folder: Path) -> Path:
    """The checkpoint prefix of an archive, its files read once so that no disk is measured."""
    shutil.rmtree(folder, ignore_errors=True)
    with tarfile.open(archive) as tar:
        tar.extractall(folder, filter="data")
    prefix = next(folder.glob("*/model.ckpt.meta")).with_suffix("")
    subprocess.run(["sh", "-c", f"cat {prefix}* > /dev/null"], check=True)
    return prefix


def compare(name: str, prefix: Path, count: int, *, stock: bool = True) -> None:
    """Print a line for each comparison of a model."""
    data = max(prefix.parent.iterdir(), key=lambda path: path.stat().st_size)
    size = data.stat().st_size
    target = prefix.parent / "target"

    def measured(command: Sequence[str], *, memory: bool = False) -> Cost:
        target.unlink(missing_ok=True)
        environment = {"PYTHONPATH": str(ROOT), "TF_CPP_MIN_LOG_LEVEL": "3"}
        return cost(command, memory=memory, more=environment)

    ours = [
        sys.executable,
        "-m",
        "zoo",
        "freeze",
        str(prefix),
        "--outputs",
        "prob:0",
        "--output",
        str(target),
    ]
    ours.append("--no-run")
    theirs = [
        sys.executable, "-m", "tensorflow.python.tools.freeze_graph", f"--input_meta_graph={prefix}.meta",
        f"--input_checkpoint={prefix}", "--output_node_names=prob", f"--output_graph={target}",
        "--input_binary=true",
    ]  # fmt: skip
    label = f"{name}, {size / 1e6:.0f} MB: freeze /"
    copies = paired(lambda: measured(ours), lambda: measured(["cp", str(data), str(target)]), count=count)
    print(line(f"{label} cp", copies, limit=1.35 if size >= LARGE else None), flush=True)
    if not stock:
        return
    frozen = paired(lambda: measured(ours), lambda: measured(theirs), count=max(1, count // 2))
    print(line(f"{label} freeze_graph", frozen), flush=True)
    one, other = measured(ours, memory=True), measured(theirs, memory=True)
    print(
        f"{'':48} {one.worker / 1e6:.0f} MB against {other.worker / 1e6:.0f} MB anonymous memory",
        flush=True,
    )


if __name__ == "__main__":
    sys.exit(main())
