"""What a reader must know first about a model: warnings, worst first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

from zoo.pages import show
from zoo.pages.variables import Line
from zoo.records import Outcome, Status


class Note(NamedTuple):
    """A warning: how grave, what it is, and the page of the help that says more."""

    level: Literal["bad", "warn", "info"]
    text: str
    names: tuple[str, ...] = ()
    help: str | None = None


def notes(outcome: Outcome, lines: Sequence[Line]) -> tuple[Note, ...]:
    """All warnings of a model page, grave ones first."""
    found = [*_proof(outcome), *_weights(lines), *_graph(outcome), *_stored(outcome)]
    found += [Note("warn", text) for text in outcome.warnings]
    order = {"bad": 0, "warn": 1, "info": 2}
    return tuple(sorted(dict.fromkeys(found), key=lambda note: order[note.level]))


def _proof(outcome: Outcome) -> list[Note]:
    frozen = outcome.frozen
    if frozen is None:
        return []
    if frozen.run.ok is False:
        return [
            Note(
                "bad",
                f"the frozen graph does not answer as its source does: {frozen.run.reason}",
                help="proved.html#by-execution",
            )
        ]
    if frozen.constants.equal < frozen.constants.checked:
        wrong = frozen.constants.checked - frozen.constants.equal
        return [
            Note(
                "bad",
                f"{show.plural(wrong, 'constant differs', 'constants differ')} from the checkpoint",
                help="proved.html#by-bytes",
            )
        ]
    if frozen.run.ok is None and frozen.engine != "as_is":
        by_bytes = (
            "its constants are the checkpoint's bytes" if frozen.constants.checked else "not proved at all"
        )
        reason = f": {frozen.run.reason}" if frozen.run.reason else ""
        return [
            Note("warn", f"not proved by execution{reason} ({by_bytes})", help="proved.html#by-execution")
        ]
    return []


def _weights(lines: Sequence[Line]) -> list[Note]:
    found = []
    broken = [line for line in lines if line.nan]
    if broken:
        found.append(
            Note(
                "bad",
                f"{show.plural(len(broken), 'variable holds', 'variables hold')} NaN:",
                tuple(line.name for line in broken[:8]),
                "reading.html#variables",
            )
        )
    empty = [line for line in lines if line.kind == "model" and line.all_zero and "x" in line.shape]
    if empty:
        found.append(
            Note(
                "warn",
                f"{show.plural(len(empty), 'weight is', 'weights are')} all zero, as if never trained:",
                tuple(line.name for line in empty[:8]),
                "reading.html#variables",
            )
        )
    return found


def _graph(outcome: Outcome) -> list[Note]:
    graph = outcome.graph
    if graph is None:
        return []
    found = []
    if graph.risky_ops:
        listing = ", ".join(f"{op} × {count}" for op, count in list(graph.risky_ops.items())[:8])
        found.append(
            Note(
                "warn",
                f"ops that reach outside the graph (files, network, Python, machine code): {listing}",
                help="reading.html#warnings",
            )
        )
    for ops, words in (
        (graph.unregistered_ops, "unknown to TensorFlow 2.21"),
        (graph.ops_without_kernel, "that TensorFlow 2.21 loads and cannot run on a CPU"),
    ):
        if ops:
            title = f"{show.plural(len(ops), 'op')} {words}:"
            found.append(Note("warn", title, ops[:8], "reading.html#warnings"))
    if graph.training:
        pruned = "; the frozen graph holds the inference part" if outcome.frozen is not None else ""
        found.append(Note("info", f"a training graph: it holds gradients and optimizer ops{pruned}"))
    return found


def _stored(outcome: Outcome) -> list[Note]:
    variables = outcome.variables
    if variables is None or outcome.status is Status.FAILED:
        return []
    found = []
    if variables.missing_in_checkpoint:
        number = len(variables.missing_in_checkpoint)
        found.append(
            Note(
                "warn",
                f"{show.plural(number, 'variable')} of the graph without a stored value:",
                variables.missing_in_checkpoint[:6],
                "errors.html#freeze",
            )
        )
    if variables.missing_in_graph:
        number = len(variables.missing_in_graph)
        found.append(
            Note(
                "info",
                f"{show.plural(number, 'stored tensor')} that no variable of the graph takes:",
                variables.missing_in_graph[:6],
            )
        )
    return found
