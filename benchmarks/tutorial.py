"""What the tutorials of the field do with a zoo: TensorFlow, a session a model, stock freezing.

    python -m benchmarks.tutorial OUTPUT [--processes 8] URL …

Download, unpack, import_meta_graph, restore, convert_variables_to_constants, write the frozen graph.
``floor.py`` compares the job with it.
"""

from __future__ import annotations

import argparse
import multiprocessing
import sys
import tarfile
import urllib.request
from collections.abc import Sequence
from pathlib import Path


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("output", type=Path)
    parser.add_argument("urls", nargs="+", metavar="URL")
    parser.add_argument("--processes", type=int, default=1)
    options = parser.parse_args(argv)
    work = [(url, options.output) for url in options.urls]
    if options.processes == 1:
        for url, output in work:
            freeze(url, output)
    else:
        with multiprocessing.get_context("spawn").Pool(options.processes) as pool:
            pool.starmap(freeze, work, chunksize=1)
    return 0


def freeze(url: str, output: Path) -> None:
    """Freeze the model of an archive at its node ``prob``."""
    import tensorflow as tf

    v1 = tf.compat.v1
    name = url.rsplit("/", 1)[-1].removesuffix(".tar.gz")
    archive = output / f"{name}.tar.gz"
    urllib.request.urlretrieve(url, archive)  # noqa: S310 (our own loopback server)
    with tarfile.open(archive) as tar:
        tar.extractall(output, filter="data")
    prefix = output / name / "model.ckpt"
    with tf.Graph().as_default() as graph, v1.Session(graph=graph) as session:
        saver = v1.train.import_meta_graph(f"{prefix}.meta", clear_devices=True)
        saver.restore(session, str(prefix))
        frozen = v1.graph_util.convert_variables_to_constants(session, graph.as_graph_def(), ["prob"])
    (output / name / "frozen.pb").write_bytes(frozen.SerializeToString())


if __name__ == "__main__":
    sys.exit(main())
