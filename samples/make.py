"""Train the sample models, save them the way the field does, and list them in ``manifest.csv``.

    python samples/make.py            make everything again
    python samples/make.py --check    make it in a temporary folder, and compare

The same TensorFlow on the same kind of machine makes the same bytes; another one may round the
training differently.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import importlib
import io
import json
import multiprocessing
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
MODELS = HERE / "models"
MANIFEST = HERE.parent / "manifest.csv"
LIMIT = 3_000_000
"""Bytes that all samples together may take."""
LEAST_ACCURACY = 0.9


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """A network to train, and the files to make of what its builder wrote."""

    builder: str
    """``module.function``, called with a folder; returns the accuracy it reached."""
    packs: dict[str, str]
    """Name in ``samples/models`` → file to copy, or folder to pack."""


RECIPES = (
    Recipe(
        builder="tf1_models.lenet",
        packs={
            "lenet-digits.tar.gz": "steps",
            "lenet-weights.zip": "weights",
            "lenet-graph.pbtxt": "lenet-graph.pbtxt",
            "lenet-without-data.tar.gz": "no-data",
        },
    ),
    Recipe(builder="tf1_models.resnet", packs={"resnet-digits.zip": "."}),
    Recipe(builder="tf1_models.lstm", packs={"lstm-digits.tar": "."}),
    Recipe(builder="tf1_models.two_inputs", packs={"two-inputs.tar.gz": "."}),
    Recipe(
        builder="tf1_models.two_heads",
        packs={
            name: name
            for name in ("two-heads.ckpt.index", "two-heads.ckpt.data-00000-of-00001", "two-heads.ckpt.meta")
        },
    ),
    Recipe(builder="tf1_models.checkpoint_v1", packs={"wine-v1.tar.gz": "."}),
    Recipe(
        builder="tf1_models.iris",
        packs={name: name for name in ("iris-frozen.pb", "iris-frozen.pbtxt")},
    ),
    Recipe(builder="tf1_models.partitioned", packs={"partitioned.tar.gz": "."}),
    Recipe(builder="tf1_models.iterator", packs={"iterator.tar.gz": "."}),
    Recipe(
        builder="tf2_models.module",
        packs={"module.zip": "module", "object-checkpoint.tar.gz": "objects"},
    ),
    Recipe(
        builder="tf2_models.keras_cnn",
        packs={
            "keras-export.tar.gz": "export",
            **{
                name: name
                for name in ("keras-cnn.keras", "keras-cnn.h5", "keras-cnn.weights.h5", "keras-cnn.tflite")
            },
        },
    ),
)


def row(name: str, files: str, task: str, family: str, description: str, **more: str) -> dict[str, str]:
    """A row of the manifest, its checksums still to come."""
    url = " ".join(f"samples/models/{file}" for file in files.split())
    return {
        "name": name, "url": url, "task": task, "family": family,
        "license": "Apache-2.0", "description": description, **more,
    }  # fmt: skip


IMAGES, SEQUENCES, TABLES = "image classification", "sequence classification", "tabular classification"

ROWS = (
    row("lenet-digits", "lenet-digits.tar.gz", IMAGES, "LeNet",
        "Checkpoint V2, steps 900 and 1000, with Adam slots, moving averages, summaries and gradients",
        expect="frozen"),
    row("lenet-digits-average", "lenet-digits.tar.gz", IMAGES, "LeNet",
        "The same archive, frozen with the moving averages of the weights",
        weights="ema", expect="frozen"),
    row("lenet-digits-900", "lenet-digits.tar.gz", IMAGES, "LeNet",
        "The same archive, an earlier step chosen by the column member",
        member="lenet/model.ckpt-900", expect="frozen"),
    row("lenet-weights", "lenet-weights.zip", IMAGES, "LeNet",
        "Checkpoint V2 without a graph: the trained weights alone", expect="read"),
    row("lenet-weights-and-graph", "lenet-weights.zip", IMAGES, "LeNet",
        "The trained weights alone, joined with a text GraphDef by the column graph",
        graph="samples/models/lenet-graph.pbtxt",
        expect="frozen"),
    row("lenet-graph", "lenet-graph.pbtxt", IMAGES, "LeNet",
        "Text GraphDef with variables and no values", expect="read"),
    row("lenet-without-data", "lenet-without-data.tar.gz", IMAGES, "LeNet",
        "Checkpoint V2 whose author forgot to pack the data shard: shows what a failure looks like",
        expect="failed"),
    row("resnet-digits", "resnet-digits.zip", IMAGES, "ResNet",
        "Checkpoint V2 in a zip: batch normalization and dropout switched by is_training, Momentum",
        expect="frozen"),
    row("lstm-digits", "lstm-digits.tar", SEQUENCES, "LSTM",
        "Checkpoint V2 in a plain tar: a digit read row by row in a dynamic while loop, RMSProp",
        expect="frozen"),
    row("two-inputs", "two-inputs.tar.gz", TABLES, "MLP",
        "SavedModel of TensorFlow 1, two towers for two groups of features, signature serving_default",
        expect="frozen"),
    row("two-heads", "two-heads.ckpt.index two-heads.ckpt.data-00000-of-00001 two-heads.ckpt.meta",
        IMAGES, "CNN",
        "Checkpoint V2 as three bare files: which digit it is, and whether it has a closed loop",
        expect="frozen"),
    row("wine-v1", "wine-v1.tar.gz", TABLES, "MLP",
        "Checkpoint V1 (one table file) with graph, Momentum", expect="frozen"),
    row("iris-frozen", "iris-frozen.pb", TABLES, "MLP",
        "Frozen GraphDef, binary", expect="frozen"),
    row("iris-frozen-text", "iris-frozen.pbtxt", TABLES, "MLP",
        "Frozen GraphDef, text", expect="frozen"),
    row("partitioned", "partitioned.tar.gz", IMAGES, "MLP",
        "Checkpoint V2 with variables cut in three pieces, as on parameter servers, FTRL",
        expect="frozen"),
    row("iterator", "iterator.tar.gz", IMAGES, "CNN",
        "Checkpoint V2 of a network that a tf.data iterator feeds: its input is no placeholder",
        expect="frozen"),
    row("module", "module.zip", IMAGES, "MLP",
        "SavedModel of TensorFlow 2 from a tf.Module, two outputs", expect="frozen"),
    row("object-checkpoint", "object-checkpoint.tar.gz", IMAGES, "MLP",
        "Object-based checkpoint of TensorFlow 2: model, Adam state and step", expect="read"),
    row("keras-export", "keras-export.tar.gz", IMAGES, "CNN",
        "SavedModel exported by Keras 3", expect="frozen"),
    row("keras-cnn", "keras-cnn.keras", IMAGES, "CNN",
        "Keras 3 file: architecture, weights and optimizer"),
    row("keras-cnn-h5", "keras-cnn.h5", IMAGES, "CNN",
        "The same network as Keras HDF5 file"),
    row("keras-cnn-weights", "keras-cnn.weights.h5", IMAGES, "CNN",
        "The weights of the same network alone", expect="read"),
    row("keras-cnn-int8", "keras-cnn.tflite", IMAGES, "CNN",
        "The same network as TensorFlow Lite model, quantized to 8 bits", expect="read"),
)  # fmt: skip

COLUMNS = (
    "name", "url", "checksum", "member", "graph", "weights",
    "task", "family", "license", "description", "expect",
)  # fmt: skip


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; 1 when a check finds a difference or a model is too poor."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--check", action="store_true", help="compare with what is there, change nothing")
    options = parser.parse_args(argv)
    # oneDNN orders additions by the kind of processor; TensorFlow orders some gradients by hash.
    os.environ.update(
        TF_ENABLE_ONEDNN_OPTS="0", TF_CPP_MIN_LOG_LEVEL="3", CUDA_VISIBLE_DEVICES="-1", PYTHONHASHSEED="0"
    )
    with tempfile.TemporaryDirectory(prefix="samples-") as scratch:
        made = Path(scratch) / "models"
        made.mkdir()
        for recipe in RECIPES:
            accuracy = build(recipe, made)
            print(f"{recipe.builder:28} accuracy {accuracy:.3f}  {', '.join(recipe.packs)}", flush=True)
            if accuracy <= LEAST_ACCURACY:
                print(f"{recipe.builder}: expected an accuracy over {LEAST_ACCURACY}, got {accuracy:.3f}")
                return 1
        total = sum(path.stat().st_size for path in made.iterdir())
        print(f"{len(list(made.iterdir()))} files, {total:,} bytes")
        if total >= LIMIT:
            print(f"expected less than {LIMIT:,} bytes")
            return 1
        manifest = manifest_text(made)
        if options.check:
            differences = list(compare(made, manifest))
            print("\n".join(differences) if differences else "all equal to what is there")
            return int(bool(differences))
        if MODELS.exists():
            shutil.rmtree(MODELS)
        shutil.copytree(made, MODELS)
        MANIFEST.write_text(manifest, encoding="utf-8", newline="")
    return 0


def build(recipe: Recipe, made: Path) -> float:
    """Train one model in a process of its own, put its files into ``made``; its accuracy.

    A process each, because TensorFlow numbers functions and layers in the order of their making:
    one recipe must not change the bytes of the next.

    Raises:
        RuntimeError: the process did not end well.
    """
    with tempfile.TemporaryDirectory(prefix="sample-") as scratch:
        folder, score = Path(scratch) / "out", Path(scratch) / "score.json"
        folder.mkdir()
        process = multiprocessing.get_context("spawn").Process(
            target=_train, args=(recipe.builder, folder, score)
        )
        process.start()
        process.join()
        if process.exitcode != 0:
            raise RuntimeError(f"{recipe.builder}: ended with exit code {process.exitcode}")
        packing = importlib.import_module("packing")
        for name, source in recipe.packs.items():
            if (folder / source).is_dir():
                packing.pack(folder / source, made / name)
            else:
                shutil.copyfile(folder / source, made / name)
        return float(json.loads(score.read_text()))


def _train(builder: str, folder: Path, score: Path) -> None:
    import tensorflow as tf  # only here, in a process of its own

    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    tf.config.experimental.enable_op_determinism()
    tf.get_logger().setLevel("ERROR")  # all of this is deprecated: that is the point
    tf.random.set_seed(1)
    module, function = builder.split(".")
    score.write_text(json.dumps(getattr(importlib.import_module(module), function)(folder)))


def manifest_text(made: Path) -> str:
    """The manifest of all rows, with the SHA-256 of the files in ``made``."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    for row in ROWS:
        files = [made / Path(url).name for url in row["url"].split()]
        digests = (hashlib.sha256(file.read_bytes()).hexdigest() for file in files)
        writer.writerow({**row, "checksum": " ".join(f"sha256:{digest}" for digest in digests)})
    return text.getvalue()


def compare(made: Path, manifest: str) -> Iterator[str]:
    """One line for each file, and for the manifest, that is not equal to what is there."""
    for name in sorted({path.name for folder in (made, MODELS) for path in folder.glob("*")}):
        new, old = made / name, MODELS / name
        if not new.exists():
            yield f"{name}: is there, and no recipe makes it"
        elif not old.exists():
            yield f"{name}: is made, and not there"
        elif new.read_bytes() != old.read_bytes():
            yield f"{name}: differs"
    if MANIFEST.read_text(encoding="utf-8") != manifest:
        yield f"{MANIFEST.name}: differs"


if __name__ == "__main__":
    sys.exit(main())
