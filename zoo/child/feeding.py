"""Made-up inputs for a loaded graph: what it wants, and the first that it accepts."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

from zoo.child.graphs import GRAPH_ERRORS, CannotError, brief, find_tensor, static_shape
from zoo.child.loading import Loaded
from zoo.graph import split_input
from zoo.running import cut, feeds
from zoo.running.tasks import (
    Input,
)

v1 = tf.compat.v1


def wanted_feeds(
    loaded: Loaded, parts: cut.Parts, outputs: Sequence[str], inputs: Sequence[Input]
) -> list[feeds.Wanted]:
    """What the frozen graph has to be fed with: every placeholder that its outputs need."""
    known = {name_in_frozen(parts, one): one for one in inputs}
    cone = parts.cone(outputs, fed=set(known))
    readers = _readers(parts)
    present = {operation.name for operation in loaded.graph.get_operations()}
    wanted = []
    for name, one in known.items():
        node = cut.producer(name)
        if node not in present or one.folded is not None:
            continue
        wanted.append(
            feeds.Wanted(
                tensor=name,
                dtype=one.dtype,
                shape=narrow(static_shape(find_tensor(loaded.graph, name)), one.shape),
                assumed=one.assumed,
                role=one.role,
                consumers=_consumers(readers, node),
            )
        )
    for node in cone:
        if node.op in ("Placeholder", "PlaceholderV2") and f"{node.name}:0" not in known:
            dtype = tf.dtypes.as_dtype(node.attr["dtype"].type).base_dtype.name
            shape = static_shape(find_tensor(loaded.graph, f"{node.name}:0"))
            readers_of = _consumers(readers, node.name)
            wanted.append(
                feeds.Wanted(tensor=f"{node.name}:0", dtype=dtype, shape=shape, consumers=readers_of)
            )
    return wanted


def name_in_frozen(parts: cut.Parts, one: Input) -> str:
    """The tensor of the frozen graph that an input of the original became.

    A placeholder that took the place of one of several outputs is called ``node_k``.
    """
    if one.frozen is not None:
        return cut.canonical(one.frozen)
    node, index = split_input(one.name)
    own = parts.nodes.get(f"{node}_{index}")
    kept = parts.nodes.get(node)
    moved = own is not None and own.op == "Placeholder"
    stayed = kept is not None and kept.op.startswith("Placeholder") and index == 0
    return f"{node}_{index}:0" if moved and not stayed else cut.canonical(one.name)


def narrow(shape: Any, other: Any) -> Any:
    """What two partly known shapes say together; the first where they disagree."""
    if shape is None or other is None or len(shape) != len(other):
        return other if shape is None else shape
    return tuple(b if a is None else a for a, b in zip(shape, other, strict=True))


def _readers(parts: cut.Parts) -> dict[str, list[Any]]:
    readers: dict[str, list[Any]] = {}
    for node in parts.graph.node:
        for text in node.input:
            source, index = split_input(text)
            if index >= 0:
                readers.setdefault(source, []).append(node)
    return readers


def _consumers(readers: Mapping[str, list[Any]], name: str, *, steps: int = 30) -> tuple[str, ...]:
    """Ops that read a node, directly or through a few others, nearest first."""
    seen, todo = {name}, [name]
    ops: list[str] = []
    while todo and len(ops) < steps:
        for node in readers.get(todo.pop(0), ()):
            if node.name not in seen:
                seen.add(node.name)
                todo.append(node.name)
                ops.append(node.op)
    return tuple(dict.fromkeys(ops))


@dataclass
class Ran:
    """Outputs of one graph, and what it was fed."""

    fed: dict[str, Any]
    values: list[Any]


def run_with_made_up(
    loaded: Loaded, outputs: Sequence[str], wanted: Sequence[feeds.Wanted], seed: int
) -> Ran:
    """Run with the first made-up inputs that the graph accepts; CannotError if it accepts none."""
    first: BaseException | None = None
    empty: Ran | None = None
    tried: list[dict[str, Any]] = []
    for attempt in range(feeds.ATTEMPTS):
        try:
            fed = feeds.make_feeds(wanted, seed=seed, attempt=attempt)
        except ValueError as error:
            first = first or error
            continue
        if any(_equal(fed, other) for other in tried):
            continue
        tried.append(fed)
        started = time.monotonic()
        try:
            values = loaded.run(outputs, fed, seconds=60)
        except (tf.errors.ResourceExhaustedError, tf.errors.FailedPreconditionError):
            raise
        except GRAPH_ERRORS as error:
            first = first or error
            if time.monotonic() - started > 20:
                break
            continue
        ran = Ran(fed, values)
        if any(np.size(value) for value in values):
            return ran
        # Nothing found in the input is a valid answer, and proves little: look on for a while.
        empty = empty or ran
        if attempt >= 2:
            break
    if empty is not None:
        return empty
    raise CannotError(
        f"no made-up input was accepted: {brief(first)}" if first is not None else "nothing to feed it with"
    ) from first


def _equal(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    return all(one[key].shape == other[key].shape and np.array_equal(one[key], other[key]) for key in one)
