"""Many tiny models through the real job: models a second, memory, and how soon the first one is there.

    python -m benchmarks.tiny            100, 1,000 and 5,000 rows: ten minutes
    python -m benchmarks.tiny --short    100 and 500 rows: under two minutes

Each model is a checkpoint V2 with its training graph (a little LeNet, some 300 nodes) and weights of its
own, packed as tar.gz and served by nginx on loopback.  The graphs are forty by default, which differ in
depth, widths, optimizer and names; ``--graphs 1`` has all rows share one, as a zoo of retrained models may.
"""

from __future__ import annotations

import argparse
import io
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks import zoo_models
from benchmarks.measure import Cost, cost, environment, fresh, machine, spread
from benchmarks.serving import nginx

ROOT = Path(__file__).resolve().parent.parent
FOLDER = Path("build/bench/tiny")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--short", action="store_true", help="100 and 500 rows")
    parser.add_argument("--rows", type=int, nargs="+", metavar="N", help="so many rows, in turns")
    parser.add_argument("--count", type=int, default=3, help="runs of each; default: %(default)s")
    parser.add_argument("--workers", type=int, default=2, help="default: %(default)s")
    parser.add_argument("--graphs", type=int, default=40, help="different graphs; default: %(default)s")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="default: %(default)s")
    options = parser.parse_args(argv)
    sizes = options.rows or ([100, 500] if options.short else [100, 1_000, 5_000])
    count = 1 if options.short else options.count
    folder = options.folder / f"graphs-{options.graphs}"
    archives = make(max(sizes), folder, options.graphs)
    scratch = fresh(options.folder.parent / "scratch" / "tiny")
    print(machine())
    with nginx(folder) as base:
        for size in sizes:
            runs = [job(archives[:size], base, scratch, options.workers) for _ in range(count)]
            rates = [size / run.wall for run in runs]
            seen = job(archives[:size], base, scratch, options.workers, memory=True)
            print(
                f"{size:6} rows, {options.workers} workers: {spread(rates)} a second, "
                f"{min(run.cpu for run in runs) / size * 1000:.1f} ms of processor each, "
                f"{seen.peak / 1e6:.0f} MB in all, {seen.worker / 1e6:.0f} MB anonymous in one process",
                flush=True,
            )
        first = [first_result(archives[:8], base, scratch) for _ in range(max(3, count))]
        print(f"8 workers, start of the command to the first result: {spread(first)} s, limit 1.20")
    helped = [cost([sys.executable, "-m", "jobs.process", "--help"]).wall for _ in range(5)]
    print(f"jobs.process --help: {spread(helped)} s, limit 0.30")
    shutil.rmtree(scratch)
    return 0


def command(archives: Sequence[Path], base: str, folder: Path, workers: int) -> list[str]:
    """The job on these archives, from nothing, in ``folder``."""
    manifest = zoo_models.write_manifest(archives, base, folder / "manifest.csv")
    return [
        sys.executable, "-m", "jobs.process", str(manifest), "--workers", str(workers), "--no-run",
        "--output", str(folder / "zoo"), "--pages", str(folder / "pages"), "--cache", str(folder / "cache"),
    ]  # fmt: skip


def job(archives: Sequence[Path], base: str, scratch: Path, workers: int, *, memory: bool = False) -> Cost:
    """What the whole job costs.

    Raises:
        AssertionError: it did not freeze every model.
    """
    folder = _untouched(scratch)
    measured = cost(command(archives, base, folder, workers), memory=memory, more={"PYTHONPATH": str(ROOT)})
    frozen = len(list((folder / "zoo" / "models").glob("*/frozen.pb")))
    assert frozen == len(archives), f"{frozen} of {len(archives)} frozen"
    return measured


def first_result(archives: Sequence[Path], base: str, scratch: Path) -> float:
    """Seconds from the start of a job with eight workers until the first outcome stands in its place."""
    folder = _untouched(scratch)
    models = folder / "zoo" / "models"
    start = time.perf_counter()
    with subprocess.Popen(
        command(archives, base, folder, 8),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=environment({"PYTHONPATH": str(ROOT)}),
    ) as process:
        while not any(models.glob("[!.]*/model.json")):
            assert process.poll() is None, "the job ended without an outcome"
            time.sleep(0.005)
        return time.perf_counter() - start


def _untouched(scratch: Path) -> Path:
    """A new folder below ``scratch``, with nothing of ours still on its way to the disk.

    What the runs before have left stays until the end: ext4 without a journal keeps removed inodes aside
    for a minute or more, and each new file passes by all of them, so that the clearing away of one run
    would be paid by the next.
    """
    folder = Path(tempfile.mkdtemp(prefix="run-", dir=scratch))
    os.sync()
    return folder


def make(count: int, folder: Path, graphs: int) -> list[Path]:
    """``count`` archives of so many graphs in ``folder``; those that are there are not made again."""
    folder.mkdir(parents=True, exist_ok=True)
    archives = [folder / f"tiny-{i:05}.tar.gz" for i in range(count)]
    missing = [archive for archive in archives if not archive.exists()]
    if missing:
        _build(missing, folder, graphs)
    return archives


def _build(archives: Sequence[Path], folder: Path, graphs: int) -> None:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import tensorflow as tf

    made = [_graph(i) for i in range(graphs)]
    with tempfile.TemporaryDirectory(prefix="tiny-", dir=folder) as scratch:
        for archive in archives:
            number = int(archive.name[5:10])
            meta, shapes = made[number % graphs]
            names = sorted(shapes)
            random = np.random.default_rng(number)
            tf.raw_ops.SaveV2(
                prefix=f"{scratch}/model.ckpt",
                tensor_names=names,
                shape_and_slices=[""] * len(names),
                tensors=[random.standard_normal(shapes[name], dtype=np.float32) for name in names],
            )
            (Path(scratch) / "model.ckpt.meta").write_bytes(meta)
            whole = io.BytesIO()
            with tarfile.open(fileobj=whole, mode="w:gz", compresslevel=1) as tar:
                for path in sorted(Path(scratch).iterdir()):
                    tar.add(path, path.name)
            archive.write_bytes(whole.getvalue())
            for path in Path(scratch).iterdir():
                shutil.rmtree(path) if path.is_dir() else path.unlink()


def _graph(number: int) -> tuple[bytes, dict[str, list[int]]]:
    """The MetaGraphDef of a little LeNet in training, and the shapes of its variables.

    Number 0 has two convolutions of 8 and 16 channels, and Adam.
    """
    import tensorflow as tf

    v1 = tf.compat.v1
    widths = [8 + number % 5, *[(16, 12, 20)[number % 3]] * (1 + number // 5 % 2)]
    optimizers = (v1.train.AdamOptimizer, v1.train.AdamOptimizer, v1.train.RMSPropOptimizer)
    with tf.Graph().as_default() as graph:
        images = v1.placeholder(tf.float32, [None, 8, 8, 1], name="input")
        labels = v1.placeholder(tf.int64, [None], name="label")
        net = zoo_models.Tower(images, training=False)
        with v1.variable_scope(f"net_{number}" if number else v1.get_variable_scope()):
            x = images
            for i, width in enumerate(widths):
                x = net.conv(x, width, stride=2 if i == len(widths) - 1 else 1, norm=False)
            logits = net.conv(x, 10 + number % 7, 4, padding="VALID", norm=False, relu=False)
        logits = tf.squeeze(logits, [1, 2])
        tf.nn.softmax(logits, name="prob")
        loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits))
        optimizers[number % 3](1e-3).minimize(loss)
        variables = v1.global_variables()
        v1.train.Saver()
        meta = v1.train.export_meta_graph(graph=graph)
        return meta.SerializeToString(), {
            variable.op.name: variable.shape.as_list() for variable in variables
        }


if __name__ == "__main__":
    sys.exit(main())
