"""Graphs as TensorFlow holds them: parsed, imported, in a session; and what it says of them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import tensorflow as tf
from google.protobuf import text_format
from google.protobuf.message import DecodeError
from tensorflow.core.framework import graph_pb2
from tensorflow.core.protobuf import meta_graph_pb2, saved_model_pb2
from tensorflow.python.framework import importer

from zoo.running import cut
from zoo.running.tasks import (
    Original,
    Tensor,
    Threads,
)

v1 = tf.compat.v1

FROZEN = "frozen.pb"
RESULTS = "results.npz"

VARIABLES = frozenset({"Variable", "VariableV2", "VarHandleOp"})


class CannotError(Exception):
    """TensorFlow cannot load or run it; the message says why, in a line."""

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint


class UnsafeError(Exception):
    """The wanted part of the graph would touch the world outside it."""

    def __init__(self, message: str, *, hint: str = "cut the graph before these ops, with inputs") -> None:
        super().__init__(message)
        self.hint = hint


# Of TensorFlow's errors and those of its Python importer: what a graph of strangers may cause.
GRAPH_ERRORS = (
    tf.errors.OpError, ValueError, TypeError, KeyError, IndexError, AttributeError, NotImplementedError,
    RuntimeError, LookupError, DecodeError, text_format.ParseError, OSError, AssertionError,
)  # fmt: skip


_NOISE = re.compile(
    r"Graph execution error|Detected at node|<stack traces|\[\[|File \"|Original stack trace|Node: |"
    r".*root error\(s\) found|\(\d+\) [A-Z_]+: *$|Errors may have originated|Input Source operations"
)
"""Lines of TensorFlow's messages that say where in its machinery, and not what."""


def brief(error: BaseException, *, length: int = 300) -> str:
    """The first telling line of an exception's message, without the machine's paths."""
    text = str(getattr(error, "message", None) or error)
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    telling = next((line for line in lines if not _NOISE.match(line)), lines[0] if lines else "")
    where = Path.cwd()
    telling = telling.replace(f"{where}/", "").replace(str(where), "")
    return f"{type(error).__name__}: {telling[:length]}" if telling else type(error).__name__


def read_graph(path: Path) -> Any:
    """A GraphDef in its binary or text form."""
    return parse(path, graph_pb2.GraphDef)


def parse(path: Path, kind: Any) -> Any:
    """The message of class ``kind`` in a file, in its binary or text form."""
    data = path.read_bytes()
    try:
        return kind.FromString(data)
    except DecodeError as error:
        try:
            return text_format.Parse(data.decode("utf-8"), kind(), allow_unknown_field=True)
        except (UnicodeDecodeError, text_format.ParseError):
            raise CannotError(f"{path.name} is no {kind.DESCRIPTOR.name}: {error}") from error


def meta_graph(original: Original) -> Any:
    """The MetaGraphDef of any kind of original."""
    path = Path(original.path)
    if original.kind == "graph_def":
        return meta_graph_pb2.MetaGraphDef(graph_def=read_graph(path))
    if original.kind == "meta_graph":
        return parse(path, meta_graph_pb2.MetaGraphDef)
    chosen = _choose(_saved_model(path), original.tags)
    chosen.graph_def.MergeFrom(graph_pb2.GraphDef.FromString(original.added))
    return chosen


def _saved_model(path: Path) -> Any:
    """The SavedModel in a folder, or in a file that a row names as the graph of other weights."""
    if path.is_dir():
        binary = path / "saved_model.pb"
        path = binary if binary.exists() else path / "saved_model.pbtxt"
    return parse(path, saved_model_pb2.SavedModel)


def _choose(saved: Any, tags: Sequence[str]) -> Any:
    graphs = list(saved.meta_graphs)
    exact = [one for one in graphs if set(one.meta_info_def.tags) == set(tags)]
    if not exact and tags:
        raise CannotError(f"no graph of the SavedModel has the tags {sorted(tags)}")
    if not graphs:
        raise CannotError("the SavedModel holds no graph")
    return (exact or graphs)[0]


def new_session(graph: Any, threads: Threads) -> Any:
    """A session on ``graph`` that rewrites nothing and uses no GPU."""
    config = v1.ConfigProto(
        intra_op_parallelism_threads=threads.intra_op,
        inter_op_parallelism_threads=threads.inter_op,
        device_count={"GPU": 0},
        allow_soft_placement=True,
    )
    # What the optimizer merges and folds differs between the original and the frozen graph; without
    # it both run the same kernels, and equal graphs give equal bits.
    config.graph_options.rewrite_options.disable_meta_optimizer = True
    config.graph_options.optimizer_options.opt_level = v1.OptimizerOptions.L0
    return v1.Session(graph=graph, config=config)


def import_graph(graph_def: Any) -> Any:
    """A GraphDef as a new graph, names kept."""
    graph = tf.Graph()
    with graph.as_default():
        importer.import_graph_def(graph_def, name="")
    return graph


def find_tensor(graph: Any, name: str) -> Any:
    """The tensor of that name; CannotError if there is none."""
    try:
        return graph.get_tensor_by_name(cut.canonical(name))
    except (KeyError, ValueError) as error:
        raise CannotError(f"tensor {name!r} is not in the graph") from error


def refuse_risky(parts: cut.Parts, nodes: list[Any], what: str, *, allowed: Sequence[str] = ()) -> None:
    """Raise UnsafeError if ``nodes`` hold an op that reaches out of the graph."""
    risky = parts.risky(nodes, allowed=allowed)
    if risky:
        raise UnsafeError(f"{what} needs {cut.sentence(risky)}: not run")


def static_shape(tensor: Any) -> Any:
    """What is known of a tensor's shape; None for an unknown rank."""
    return tuple(tensor.shape.as_list()) if tensor.shape.rank is not None else None


def describe_tensor(tensor: Any) -> Tensor:
    """Name, dtype and static shape of a tensor."""
    return Tensor(name=tensor.name, dtype=tensor.dtype.base_dtype.name, shape=static_shape(tensor))
