"""Small real models that TensorFlow writes for the tests of `zoo.runner`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from zoo.records import Endpoint
from zoo.runner import Original


def endpoint(name: str, dtype: str = "float32", shape: Any = None, **rest: Any) -> Endpoint:
    return Endpoint(name=name, dtype=dtype, shape=shape, confidence=1.0, reason="", **rest)


@dataclass(frozen=True)
class Saved:
    """A checkpoint with its graph, and a frozen graph made of it by stock TensorFlow."""

    original: Original
    frozen: Path
    inputs: tuple[Endpoint, ...]
    outputs: tuple[Endpoint, ...]


def graph_file(path: Path, build: Callable[[Any], None]) -> Path:
    """A GraphDef file of what ``build`` makes."""
    import tensorflow as tf

    with tf.Graph().as_default() as graph:
        build(tf)
    path.write_bytes(graph.as_graph_def().SerializeToString())
    return path


def checkpoint(
    folder: Path,
    build: Callable[[Any], None],
    inputs: tuple[Endpoint, ...],
    outputs: tuple[Endpoint, ...],
    *,
    v1: bool = False,
) -> Saved:
    """What a training script leaves behind, and what a tutorial makes of it."""
    import tensorflow as tf

    folder.mkdir(parents=True, exist_ok=True)
    compat = tf.compat.v1
    version = compat.train.SaverDef.V1 if v1 else compat.train.SaverDef.V2
    with tf.Graph().as_default() as graph, compat.Session(graph=graph) as session:
        compat.set_random_seed(7)
        build(tf)
        saver = compat.train.Saver(write_version=version)
        session.run(compat.global_variables_initializer())
        prefix = saver.save(session, str(folder / "model.ckpt"))
        frozen = tf.compat.v1.graph_util.convert_variables_to_constants(
            session, graph.as_graph_def(), [one.name.split(":")[0] for one in outputs]
        )
    path = folder / "frozen.pb"
    path.write_bytes(frozen.SerializeToString())
    original = Original(kind="meta_graph", path=f"{prefix}.meta", checkpoint=prefix)
    return Saved(original, path, inputs, outputs)


def copy_of(path: Path) -> Path:
    """The same graph in a file with other bytes: with a node that nobody wants."""
    import tensorflow as tf

    graph = tf.compat.v1.GraphDef.FromString(path.read_bytes())
    graph.node.add(name="unwanted", op="NoOp")
    other = path.with_name(f"copy-of-{path.name}")
    other.write_bytes(graph.SerializeToString())
    return other
