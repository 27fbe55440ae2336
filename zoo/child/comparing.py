"""The proof by execution: the original and the frozen graph on the same inputs."""

from __future__ import annotations

import dataclasses
import filecmp
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import tensorflow as tf

from zoo.child.feeding import Ran, name_in_frozen, narrow, run_with_made_up, wanted_feeds
from zoo.child.graphs import GRAPH_ERRORS, CannotError, UnsafeError, brief, find_tensor, static_shape
from zoo.child.loading import Loaded, frozen_loaded, original_loaded
from zoo.records import RunProof
from zoo.running import cut, feeds
from zoo.running.compare import Compared, compare_arrays, describe
from zoo.running.tasks import (
    Compare,
    Input,
    Original,
    Threads,
)


def compare(task: Compare, threads: Threads) -> RunProof:
    """Run the frozen graph, then the original on the same inputs; what the outputs differ by."""
    names = [cut.canonical(output.name) for output in task.outputs]
    in_frozen = [cut.canonical(output.frozen or output.name) for output in task.outputs]
    original = task.original
    if original is not None and _is_frozen_itself(original, Path(task.frozen)):
        return _twice(task, names, in_frozen, threads)
    ran, reason, inputs = _try_frozen(task, in_frozen, threads)
    task = msgspec.structs.replace(task, inputs=inputs)
    if original is None:
        if ran is None:
            return RunProof(ok=None, reason=f"the graph does not run: {reason}")
        outputs = {name: describe(value) for name, value in zip(names, ran.values, strict=True)}
        return RunProof(ok=None, reason="there is no other original to compare with", outputs=outputs)
    try:
        try:
            both = _both_run(task, original, ran, reason, threads)
        except tf.errors.FailedPreconditionError:
            if original.kind != "saved_model":
                raise
            both = _both_run(task, original, ran, reason, threads, objects=True)
    except UnsafeError:
        raise
    except CannotError as error:
        return _alone(names, ran, reason, str(error))
    except GRAPH_ERRORS as error:
        return _alone(names, ran, reason, f"the original does not run: {brief(error)}")
    if both.ran is None:
        return RunProof(ok=False, reason=f"the frozen graph does not run, the original does: {both.why}")
    ran, expected, again, notes = both.ran, both.expected, both.again, both.notes
    compared = [
        compare_arrays(a, b, tolerance=task.tolerance) for a, b in zip(expected, ran.values, strict=True)
    ]
    unstable = [
        name
        for name, a, b in zip(names, expected, again, strict=True)
        if not compare_arrays(a, b, tolerance=task.tolerance).equal
    ]
    return verdict(names, expected, compared, notes, unstable)


@dataclasses.dataclass(kw_only=True)
class _Both:
    """What the original gave, twice, and what the frozen graph gave on the same inputs."""

    ran: Ran | None
    """None: the frozen graph does not run on what the original accepts, and ``why``."""
    why: str = ""
    expected: list[Any] = dataclasses.field(default_factory=list)
    again: list[Any] = dataclasses.field(default_factory=list)
    notes: list[str] = dataclasses.field(default_factory=list)


def _both_run(
    task: Compare,
    original: Original,
    ran: Ran | None,
    reason: str,
    threads: Threads,
    *,
    objects: bool = False,
) -> _Both:
    """Run the original on what the frozen graph accepted, or else both on what the original accepts.

    ``reason`` says why the frozen graph did not run, if it did not.
    """
    names = [cut.canonical(output.name) for output in task.outputs]
    in_frozen = [cut.canonical(output.frozen or output.name) for output in task.outputs]
    with original_loaded(original, names, task.inputs, threads, objects=objects) as loaded:
        try:
            if ran is None:
                raise ValueError(reason)
            expected = loaded.run(names, _feeds_of_original(task, ran))
        except (ValueError, tf.errors.InvalidArgumentError):
            # The original may know shapes that the frozen graph has forgotten.
            accepted = _accepted_by_original(task, loaded, names)
            try:
                ran = _run_frozen_on(task, accepted, in_frozen, threads)
            except (CannotError, *GRAPH_ERRORS) as error:
                return _Both(ran=None, why=brief(error))
            expected = loaded.run(names, _feeds_of_original(task, ran))
        again = loaded.run(names, _feeds_of_original(task, ran))
        return _Both(ran=ran, expected=expected, again=again, notes=loaded.notes)


def _is_frozen_itself(original: Original, frozen: Path) -> bool:
    """Whether the frozen graph is the original file, byte for byte."""
    source = Path(original.path)
    if original.kind != "graph_def" or original.checkpoint is not None or not source.is_file():
        return False
    return filecmp.cmp(source, frozen, shallow=False)


def _twice(task: Compare, names: Sequence[str], in_frozen: Sequence[str], threads: Threads) -> RunProof:
    """A file that was frozen already: it is loaded and run two times on the same inputs."""
    first, reason, _inputs = _try_frozen(task, in_frozen, threads)
    if first is None:
        return RunProof(ok=None, reason=f"the graph does not run: {reason}")
    try:
        with frozen_loaded(Path(task.frozen), in_frozen, threads) as (loaded, _):
            second = loaded.run(in_frozen, first.fed)
    except GRAPH_ERRORS as error:
        return RunProof(ok=None, reason=f"the graph runs once and not again: {brief(error)}")
    compared = [
        compare_arrays(a, b, tolerance=task.tolerance) for a, b in zip(first.values, second, strict=True)
    ]
    unstable = [name for name, one in zip(names, compared, strict=True) if not one.equal]
    return verdict(
        names, first.values, compared, ["the frozen graph is the original file, run twice"], unstable
    )


def _accepted_by_original(task: Compare, loaded: Loaded, names: Sequence[str]) -> dict[str, Any]:
    """Inputs that the original accepts, under its own names.

    Raises:
        CannotError: it accepts none of those that are tried.
    """
    wanted = []
    for one in task.inputs:
        tensor = find_tensor(loaded.graph, loaded.names.get(cut.canonical(one.name), one.name))
        wanted.append(dataclasses.replace(from_input(one), shape=narrow(static_shape(tensor), one.shape)))
    return run_with_made_up(loaded, names, wanted, task.seed).fed


def _run_frozen_on(task: Compare, fed: Mapping[str, Any], outputs: Sequence[str], threads: Threads) -> Ran:
    """Run the frozen graph on inputs of the original."""
    given = {
        cut.canonical(one.frozen or one.name): fed[cut.canonical(one.name)]
        for one in task.inputs
        if one.folded is None
    }
    with frozen_loaded(Path(task.frozen), outputs, threads) as (loaded, _):
        present = {operation.name for operation in loaded.graph.get_operations()}
        given = {name: value for name, value in given.items() if cut.producer(name) in present}
        return Ran(given, loaded.run(outputs, given))


def verdict(
    names: Sequence[str],
    values: Sequence[Any],
    compared: Sequence[Compared],
    notes: Sequence[str] = (),
    unstable: Sequence[str] = (),
) -> RunProof:
    """What the differences of all outputs say together."""
    equal = all(one.equal for one in compared)
    reasons = list(notes)
    ok: bool | None = equal
    if unstable and not equal:
        ok = None
        reasons.insert(0, f"the original itself gives other values each time: {', '.join(unstable)}")
    elif not equal:
        worst = next(name for name, one in zip(names, compared, strict=True) if not one.equal)
        why = next(one.why for one in compared if not one.equal)
        reasons.insert(0, f"{worst} differs: {why}")
    outputs = {
        name: f"{describe(value)}, {one.words}"
        for name, value, one in zip(names, values, compared, strict=True)
    }
    return RunProof(
        ok=ok,
        max_abs_diff=max((one.absolute for one in compared if one.absolute is not None), default=None),
        max_rel_diff=max((one.relative for one in compared if one.relative is not None), default=None),
        reason="; ".join(reasons) or None,
        outputs=outputs,
    )


def _alone(names: Sequence[str], ran: Ran | None, frozen_reason: str, reason: str) -> RunProof:
    """What is left to say when the original cannot run."""
    if ran is None:
        return RunProof(ok=None, reason=f"neither graph runs: {reason}; frozen: {frozen_reason}")
    outputs = {name: describe(value) for name, value in zip(names, ran.values, strict=True)}
    return RunProof(ok=None, reason=f"{reason}; the frozen graph ran alone", outputs=outputs)


def _try_frozen(
    task: Compare, outputs: Sequence[str], threads: Threads
) -> tuple[Ran | None, str, tuple[Input, ...]]:
    """Run the frozen graph: what it gave, or why it gave nothing, and the inputs with its names."""
    inputs = task.inputs
    try:
        with frozen_loaded(Path(task.frozen), outputs, threads) as (loaded, parts):
            inputs = tuple(
                msgspec.structs.replace(one, frozen=name_in_frozen(parts, one)) for one in task.inputs
            )
            wanted = wanted_feeds(loaded, parts, outputs, inputs)
            return run_with_made_up(loaded, outputs, wanted, task.seed), "", inputs
    except CannotError as error:
        return None, str(error), inputs
    except tf.errors.ResourceExhaustedError:
        raise
    except GRAPH_ERRORS as error:
        return None, brief(error), inputs


def from_input(one: Input) -> feeds.Wanted:
    """An input of the original, to be made up."""
    return feeds.Wanted(
        tensor=cut.canonical(one.name),
        dtype=one.dtype,
        shape=one.shape,
        assumed=one.assumed,
        role=one.role,
        folded=one.folded,
    )


def _feeds_of_original(task: Compare, ran: Ran | None) -> dict[str, Any]:
    """The frozen graph's inputs under the original's names, and the folded ones as well."""
    fed = dict(ran.fed) if ran is not None else {}
    result = {}
    for one in task.inputs:
        frozen = cut.canonical(one.frozen or one.name)
        if frozen in fed:
            result[cut.canonical(one.name)] = fed.pop(frozen)
        elif one.folded is not None:
            [value] = feeds.make_feeds([from_input(one)], seed=task.seed, attempt=0).values()
            result[cut.canonical(one.name)] = value
    return {**result, **fed}
