"""Models loaded for running: the original the stock way, and the frozen graph."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import tensorflow as tf
from tensorflow.python.framework import importer
from tensorflow.python.training import py_checkpoint_reader

from zoo.child.graphs import (
    GRAPH_ERRORS,
    VARIABLES,
    CannotError,
    brief,
    find_tensor,
    import_graph,
    meta_graph,
    new_session,
    read_graph,
    refuse_risky,
)
from zoo.child.ranges import stored_ranges
from zoo.risk import RESTORING
from zoo.running import cut
from zoo.running.tasks import (
    Input,
    Key,
    Original,
    Threads,
)

v1 = tf.compat.v1


@dataclass
class Loaded:
    """A graph in a session, its variables and tables filled."""

    graph: Any
    session: Any
    notes: list[str] = field(default_factory=list)
    names: Mapping[str, str] = field(default_factory=dict)
    """Tensor of the file → tensor in ``graph``, where they differ."""
    held: Mapping[str, Any] = field(default_factory=dict)
    """Tensor in ``graph`` → its value in every run, whatever the graph would make it."""

    def run(self, fetches: Sequence[str], fed: Mapping[str, Any], *, seconds: float = 0) -> list[Any]:
        """The values of ``fetches``."""
        tensors = [find_tensor(self.graph, self.names.get(name, name)) for name in fetches]
        feed = {find_tensor(self.graph, name): value for name, value in self.held.items()}
        feed |= {find_tensor(self.graph, self.names.get(name, name)): value for name, value in fed.items()}
        options = v1.RunOptions(timeout_in_ms=int(seconds * 1000))
        values: list[Any] = self.session.run(tensors, feed, options=options)
        return values


@contextlib.contextmanager
def original_loaded(
    original: Original,
    outputs: Sequence[str],
    inputs: Sequence[Input],
    threads: Threads,
    *,
    objects: bool = False,
) -> Iterator[Loaded]:
    """The original restored: the stock way, or where that fails only the part that outputs need.

    With ``objects`` the loader of TensorFlow 2 restores a SavedModel, by its objects: its own Saver
    leaves variables without values in what Keras 3 hands to ``tf.saved_model.save``.
    """
    meta = meta_graph(original)
    parts = cut.Parts(meta.graph_def)
    fed = {cut.canonical(one.name) for one in inputs}
    missing = [name for name in outputs if cut.producer(name) not in parts.nodes]
    if missing:
        raise CannotError(f"tensor {missing[0]!r} is not in the original graph")
    cone = parts.cone(outputs, fed=fed)
    refuse_risky(parts, cone, "the model")
    seeded = cut.fix_seeds(parts.all_nodes(cone))
    reason = _why_not_stock(original, meta, parts, cone, seeded=bool(seeded))
    if objects:
        if reason is not None:
            raise CannotError(reason)
        loaded = _by_objects(original, meta, outputs, inputs, threads)
    elif reason is None:
        try:
            loaded = _stock(original, meta, parts, cone, threads)
        except GRAPH_ERRORS as error:
            reason = f"stock TensorFlow cannot load all of it ({brief(error)})"
    if reason is not None:
        loaded = _in_part(original, parts, outputs, inputs, threads)
        loaded.notes.insert(0, f"only the part of the original that the outputs need was loaded: {reason}")
    if seeded:
        loaded.notes.append(f"both graphs draw the same random numbers: {', '.join(sorted(seeded))}")
    loaded.held = stored_ranges(loaded.graph, loaded.session, {node.name for node in cone})
    if loaded.held:
        loaded.notes.append("ranges of quantized layers as they are stored, not moved by the examples")
    with loaded.session:
        yield loaded


def _why_not_stock(
    original: Original, meta: Any, parts: cut.Parts, cone: list[Any], *, seeded: bool
) -> str | None:
    """Why the whole graph is not to be imported, or cannot be; None if it may be tried.

    Importing runs shape functions, and these run cheap ops on constants: a graph with a risky op
    anywhere is not imported whole.
    """
    if original.averages:
        return "its own saver restores the raw weights, not the moving averages"
    everything = list(parts.graph.node)
    for function in parts.functions.values():
        everything.extend(function.node_def)
    risky = parts.risky(
        everything, allowed=("Save", "SaveSlices", "SaveV2", "MergeV2Checkpoints", *_RESTORING)
    )
    if risky:
        return f"the rest holds {', '.join(sorted(risky))}"
    if original.kind == "saved_model":
        if original.added:
            return "its functions are called by nodes that were added"
        if original.checkpoint is not None:
            return "its values are in a checkpoint that the row names"
        return "its random ops were given seeds" if seeded else None
    if original.kind == "graph_def" or not meta.HasField("saver_def"):
        return None if original.checkpoint is None else "it has no saver"
    return None


_RESTORING = tuple(sorted(RESTORING))


def _stock(original: Original, meta: Any, parts: cut.Parts, cone: list[Any], threads: Threads) -> Loaded:
    """As the tutorials do it: import_meta_graph and restore, or the SavedModel loader."""
    graph = tf.Graph()
    with graph.as_default():
        session = new_session(graph, threads)
        if original.kind == "saved_model":
            tags = list(original.tags) or list(meta.meta_info_def.tags)
            v1.saved_model.loader.load(session, tags, original.path)
            return Loaded(graph, session)
        saver_def = meta.saver_def
        if original.checkpoint is None:
            importer.import_graph_def(meta.graph_def, name="")
        else:
            v1.train.import_meta_graph(meta, clear_devices=True)
            # What Saver.restore runs; it would look for the files itself first, and with a pattern
            # that stumbles over an empty prefix and over brackets in names.
            filename = cut.canonical(saver_def.filename_tensor_name)
            restoring = graph.get_operation_by_name(saver_def.restore_op_name)
            session.run(restoring, {filename: original.checkpoint})
    for node in parts.table_initializers(cone):
        refuse_risky(parts, parts.cone([node.name]), "a lookup table")
        session.run(graph.get_operation_by_name(node.name))
    return Loaded(graph, session)


def _by_objects(
    original: Original, meta: Any, outputs: Sequence[str], inputs: Sequence[Input], threads: Threads
) -> Loaded:
    """As TensorFlow 2 does it: ``tf.saved_model.load``, and the function of the signature."""
    wanted = {cut.canonical(name) for name in outputs}
    fed = {cut.canonical(one.name) for one in inputs}
    found = [
        (key, signature)
        for key, signature in sorted(meta.signature_def.items())
        if wanted <= {one.name for one in signature.outputs.values()}
        and fed <= {one.name for one in signature.inputs.values()}
    ]
    if not found:
        raise CannotError("no signature has these inputs and outputs")
    key, signature = found[0]
    graph = tf.Graph()
    with graph.as_default():
        model = tf.saved_model.load(original.path, tags=list(original.tags) or None)
        names: dict[str, str] = {}
        feeds = {}
        for argument, one in signature.inputs.items():
            feeds[argument] = v1.placeholder(one.dtype, tf.TensorShape(one.tensor_shape))
            names[one.name] = feeds[argument].name
        results = model.signatures[key](**feeds)
        names |= {one.name: results[result].name for result, one in signature.outputs.items()}
        session = new_session(graph, threads)
        session.run([v1.global_variables_initializer(), v1.tables_initializer()])
    notes = ["the original was loaded by its objects: its own Saver leaves variables without values"]
    return Loaded(graph, session, notes, names)


def _in_part(
    original: Original, parts: cut.Parts, outputs: Sequence[str], inputs: Sequence[Input], threads: Threads
) -> Loaded:
    """Import only what the outputs need, and give each variable its stored value."""
    fed = as_feeds(inputs)
    names = {feed.tensor for feed in fed}
    tables = parts.table_initializers(parts.cone(outputs, fed=names))
    refuse_risky(parts, parts.cone([node.name for node in tables], fed=names), "a lookup table")
    graph_def, renamed = cut.cut(parts, outputs, fed, also=tables)
    try:
        graph = import_graph(graph_def)
        session = new_session(graph, threads)
        with graph.as_default():
            _assign(graph, session, original)
        for node in tables:
            session.run(graph.get_operation_by_name(node.name))
    except GRAPH_ERRORS as error:
        raise CannotError(f"TensorFlow cannot load the original: {brief(error)}") from error
    return Loaded(graph, session, names=renamed)


def as_feeds(inputs: Sequence[Input]) -> list[cut.Feed]:
    """The inputs as placeholders to cut the graph at."""
    result = []
    for one in inputs:
        shape = None
        if one.shape is not None:
            shape = tf.TensorShape(one.shape).as_proto()
        result.append(cut.Feed(tensor=cut.canonical(one.name), dtype=type_number(one.dtype), shape=shape))
    return result


def type_number(dtype: str) -> int:
    """The number of a DataType; CannotError if TensorFlow has none of that name."""
    try:
        number: int = tf.dtypes.as_dtype(dtype).as_datatype_enum
    except TypeError as error:
        raise CannotError(f"TensorFlow has no dtype {dtype!r}") from error
    return number


def _assign(graph: Any, session: Any, original: Original) -> None:
    variables = [operation for operation in graph.get_operations() if operation.type in VARIABLES]
    if not variables:
        return
    if original.checkpoint is None:
        raise CannotError(f"the graph has {len(variables)} variables and no checkpoint")
    reader = py_checkpoint_reader.NewCheckpointReader(original.checkpoint)
    for operation in variables:
        where = original.keys.get(operation.name, Key(key=operation.name))
        if not reader.has_tensor(where.key):
            raise CannotError(f"the checkpoint holds no value for variable {operation.name!r}")
        value = reader.get_tensor(where.key)
        if where.shape is not None:
            ranges = zip(where.offset, where.shape, strict=True)
            value = value[tuple(slice(start, start + length) for start, length in ranges)]
        dtype = operation.get_attr("dtype")
        source = v1.placeholder(dtype, value.shape)
        if operation.type == "VarHandleOp":
            assign = tf.raw_ops.AssignVariableOp(resource=operation.outputs[0], value=source)
        else:
            assign = tf.raw_ops.Assign(ref=operation.outputs[0], value=source, validate_shape=False).op
        session.run(assign, {source: value})


@contextlib.contextmanager
def frozen_loaded(path: Path, outputs: Sequence[str], threads: Threads) -> Iterator[tuple[Loaded, cut.Parts]]:
    """A frozen graph in a session, its tables filled."""
    graph_def = read_graph(path)
    parts = cut.Parts(graph_def)
    missing = [name for name in outputs if cut.producer(name) not in parts.nodes]
    if missing:
        raise CannotError(f"tensor {missing[0]!r} is not in the frozen graph")
    cone = parts.cone(outputs)
    tables = parts.table_initializers(cone)
    needed = parts.cone([*outputs, *(node.name for node in tables)])
    refuse_risky(parts, needed, "the frozen graph")
    cut.fix_seeds(parts.all_nodes(cone))
    if parts.risky(list(parts.graph.node)):
        # The rest is not wanted, and importing it would run its shape functions.
        graph_def, _ = cut.cut(parts, outputs, [], also=tables)
    graph = import_graph(graph_def)
    with new_session(graph, threads) as session:
        for node in tables:
            session.run(graph.get_operation_by_name(node.name))
        yield Loaded(graph, session), parts
