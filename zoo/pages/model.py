"""The page of one model, and the data its elements draw from."""

from __future__ import annotations

import hashlib
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
from markupsafe import Markup

from zoo.pages import escape, show, svg, variables
from zoo.pages.notes import notes
from zoo.pages.render import Cells, model_bytes, render
from zoo.pages.snippets import snippets
from zoo.pages.variables import Line, Scope
from zoo.protos import Shape
from zoo.records import File, Outcome, Status

STAGES = ("fetch", "unpack", "find", "read", "endpoints", "freeze", "check", "summary")
_ENGINES = {
    "stream": "stream: nodes copied one by one, weights straight from the checkpoint, nothing executed",
    "tensorflow": "tensorflow: TensorFlow itself, in a process of its own",
    "as_is": "as is: the file was a frozen graph already",
}
OPS_SHOWN = 18
LOG_LINES = 24


class Layers(msgspec.Struct, frozen=True):
    """The layer view of a ``graph.json``: what tables and comparisons tell of it."""

    names: tuple[str, ...]
    labels: tuple[str, ...]
    shapes: tuple[Shape, ...]
    repeats: tuple[tuple[int, int, int], ...] = ()
    """(first layer, layers in a block, number of blocks)."""


class Drawn(msgspec.Struct, frozen=True):
    """What the page itself needs of a ``graph.json``; the rest only the drawing reads."""

    nodes: int = 0
    layers: Layers | None = None


class View:
    """An outcome with `Cells` for its manifest; all else as it is."""

    def __init__(self, outcome: Outcome) -> None:
        # A template asks for a hundred of them: a way round by __getattr__ costs more than all fields.
        self.__dict__.update(msgspec.structs.asdict(outcome))
        self.outcome = outcome
        self.manifest = Cells(outcome.manifest)

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any: ...


def page(
    outcome: Outcome,
    folder: Path,
    *,
    lines: Sequence[Line],
    drawn: Drawn | None,
    inline: int,
    linked: frozenset[str],
    record: bytes,
    manifest: str,
) -> bytes:
    """The Markdown of a model's page.

    Args:
        outcome: what became of the row.
        folder: where its files are.
        lines: its variables, in the order of the file.
        drawn: of its ``graph.json``; None where there is none.
        inline: how many variables and layers the page itself holds.
        linked: names of the files that are on the site.
        record: the content of ``model.json``.
        manifest: file name of the manifest, for the command that runs the row again.
    """
    ordered = sorted(lines, key=lambda line: (-(line.bytes or 0), line.name))
    model_lines = [line for line in lines if line.kind == "model"] or list(lines)
    root = variables.scopes(model_lines)
    counts = list(outcome.graph.op_counts.items()) if outcome.graph else []
    flags = _flags(outcome)
    ops = [(op, count, flags.get(op)) for op, count in counts]
    chosen = {item.name for item in (*outcome.inputs, *outcome.outputs)}
    more = [("in", name) for name in outcome.candidates.inputs if name not in chosen]
    more += [("out", name) for name in outcome.candidates.outputs if name not in chosen]
    layers, sentence = layer_rows(drawn.layers if drawn else None)
    if not layers:
        layers, sentence = weight_layers(outcome)
    tiles = variables.tiles(root, most=min(28, inline))
    return render(
        "model.md.j2",
        o=View(outcome),
        notes=notes(outcome, lines),
        facts=_facts(outcome, lines),
        steps=_steps(outcome),
        again=f"python -m jobs.process {shlex.quote(manifest)} --only {shlex.quote(outcome.name)}",
        log=_tail(folder / "log.txt") if outcome.status is Status.FAILED else "",
        more_candidates=more,
        snippets=snippets(outcome),
        drawn=drawn is not None and drawn.nodes > 0,
        layers=layers[: max(inline, 30)],
        layers_sized=any(layer["shape"] for layer in layers),
        layers_sentence=sentence,
        treemap=svg.treemap_svg(tiles, title="Parameters by scope") if len(tiles) > 1 else None,
        tree=_tree(root, most=min(40, inline // 2)),
        ops=ops[:OPS_SHOWN],
        rest_ops=ops[OPS_SHOWN:],
        op_total=sum(count for _, count in counts),
        lines=ordered[:inline],
        line_count=len(ordered),
        hidden_lines=max(0, len(ordered) - inline),
        total_bytes=sum(line.bytes or 0 for line in lines),
        engine=_ENGINES[outcome.frozen.engine] if outcome.frozen else "",
        producer=_producer(outcome),
        files_at=f"../data/{outcome.slug}/",
        has_text="graph.txt" in linked,
        has_csv="variables.csv" in linked,
        downloads=_downloads(outcome, linked, record),
    )


def _facts(outcome: Outcome, lines: Sequence[Line]) -> list[tuple[str, str, str]]:
    """The strip of facts: label, value, small print."""
    found: list[tuple[str, str, str]] = []
    if (held := outcome.variables) is not None:
        kind = held.by_kind.get("model")
        number = held.count if kind is None else kind.count
        found.append(("Parameters", show.count(held.parameters), f"in {show.plural(number, 'variable')}"))
        own = model_bytes(outcome)
        extra = "" if own == held.bytes else f"{show.size(held.bytes)} with optimizer state and the like"
        found.append(("Weights", show.size(own), extra))
    if outcome.compute is not None and outcome.compute.flops is not None:
        found.append(("FLOPs", show.count(outcome.compute.flops), "for one inference"))
    if outcome.graph is not None:
        frozen = f"{show.count(outcome.frozen.nodes)} after freezing" if outcome.frozen else ""
        inside = outcome.graph.nodes_in_functions
        found.append(("Ops", show.count(outcome.graph.nodes + inside), frozen))
    if outcome.frozen is not None:
        run = outcome.frozen.run.ok
        proof = (
            "proved by execution" if run else "proved by bytes" if outcome.frozen.constants.checked else ""
        )
        if outcome.frozen.engine == "as_is" and not proof:
            proof = "as it came"
        found.append(("Frozen graph", show.size(outcome.frozen.bytes), proof))
    elif outcome.archives:
        total = sum(archive.bytes for archive in outcome.archives)
        found.append(("Archive", show.size(total), show.plural(len(outcome.archives), "file")))
    if lines and not found:
        found.append(("Variables", show.count(len(lines)), ""))
    return found


def _steps(outcome: Outcome) -> list[tuple[str, str]]:
    """Every stage with ``done``, ``failed`` or ``not reached``."""
    if outcome.failure is None:
        return []
    if outcome.failure.stage not in STAGES:
        return [(stage, "not-reached") for stage in STAGES]
    at = STAGES.index(outcome.failure.stage)
    return [
        (stage, "done" if i < at else "failed" if i == at else "not-reached")
        for i, stage in enumerate(STAGES)
    ]


def _tail(path: Path) -> str:
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return ""
    return "\n".join(line[:400] for line in text.splitlines()[-LOG_LINES:])


def _flags(outcome: Outcome) -> dict[str, str]:
    if outcome.graph is None:
        return {}
    return {
        **dict.fromkeys(outcome.graph.unregistered_ops, "unknown"),
        **dict.fromkeys(outcome.graph.ops_without_kernel, "not on a CPU"),
        **dict.fromkeys(outcome.graph.risky_ops, "reaches outside"),
    }


def _producer(outcome: Outcome) -> str:
    producer = outcome.format.producer if outcome.format else None
    if not producer:
        return ""
    return f"TensorFlow {producer}" if producer[0].isdigit() else producer


def _tree(scope: Scope, *, most: int) -> Markup:
    """Scopes as nested lists; below three levels, and behind the ``most`` largest, they are counted."""
    return Markup(_branches(scope, most, 0))  # noqa: S704 - names are escaped, the rest is numbers


def _branches(scope: Scope, most: int, depth: int) -> str:
    rows = ['<ul class="z-tree">']
    for child in scope.children[:most]:
        share = show.percent(child.parameters, scope.parameters).replace("<", "&lt;")
        label = f"{escape.name(child.label)} <small>{show.count(child.parameters)} · {share}</small>"
        if child.children and depth < 3:
            inner = _branches(child, max(3, most // 2), depth + 1)
            rows.append(f"<li><details><summary>{label}</summary>{inner}</details></li>")
        else:
            rows.append(f"<li>{label}</li>")
    if len(scope.children) > most:
        rest = sum(child.parameters for child in scope.children[most:])
        rows.append(f"<li>{len(scope.children) - most} more scopes <small>{show.count(rest)}</small></li>")
    return "".join([*rows, "</ul>"])


def _downloads(outcome: Outcome, linked: frozenset[str], record: bytes) -> list[tuple[File, str | None]]:
    order = {"frozen.pb": 0, "variables.csv": 1, "operations.csv": 2}
    files = sorted(outcome.files, key=lambda file: (order.get(file.path, 9), file.path))
    found: list[tuple[File, str | None]] = [
        (file, f"../data/{outcome.slug}/{file.path}" if file.path in linked else None) for file in files
    ]
    # The record cannot hold its own digest.
    own = File(path="model.json", bytes=len(record), sha256=hashlib.sha256(record).hexdigest())
    return [*found, (own, f"../data/{outcome.slug}/model.json")]


def layer_rows(view: Layers | None) -> tuple[list[dict[str, Any]], str]:
    """The layer view as rows, a repeated block once, and a sentence about it."""
    if view is None or not view.names:
        return [], ""
    names, repeats = view.names, view.repeats
    inside: dict[int, tuple[int, int]] = {}
    skip: set[int] = set()
    for start, length, times in repeats:
        inside |= dict.fromkeys(range(start, start + length), (start, times))
        skip.update(range(start + length, start + length * times))
    rows = [
        {
            "name": names[i],
            "label": view.labels[i],
            "shape": "" if size is None else show.shape(size),
            "repeat": inside[i][1] if i in inside and inside[i][0] == i else 0,
            "inside": i in inside,
        }
        for i, size in enumerate(view.shapes)
        if i not in skip
    ]
    text = f"{show.plural(len(names), 'layer')}"
    if repeats:
        text += f"; {show.plural(len(repeats), 'run')} of equal blocks told once, with the number of times"
    return (
        rows,
        text + ". Convolutions stand with their bias, normalization and activation;"
        " dropout and identities are left out.",
    )


def weight_layers(outcome: Outcome) -> tuple[list[dict[str, Any]], str]:
    """The layers of a model without a graph as rows, and a sentence about them."""
    rows = [
        {
            "name": layer.name,
            "label": layer.words or layer.type,
            "shape": "" if layer.shape is None else show.shape(layer.shape),
            "repeat": 0,
            "inside": False,
        }
        for layer in outcome.layers
    ]
    how = "as the file states them" if outcome.graph else "as names and shapes of the weights suggest them"
    return rows, f"{show.plural(len(rows), 'layer')}, {how}."


def data(outcome: Outcome, lines: Sequence[Line], drawn: Drawn | None) -> bytes:
    """``model.js``: what comparing needs, and the variables that the page does not hold."""
    layers = drawn.layers if drawn else None
    value = {
        "name": escape.visible(outcome.name),
        "status": show.status_label(outcome),
        "ops": outcome.graph.op_counts if outcome.graph else {},
        "layers": [[label, size] for label, size in zip(layers.labels, layers.shapes, strict=True)]
        if layers
        else [],
        "variables": [
            [
                line.name, line.kind, line.dtype, line.shape, line.bytes, line.checksum, line.elements,
                line.min, line.max, line.mean, line.std, line.zeros, line.nan, line.histogram,
            ]
            for line in sorted(lines, key=lambda line: (-(line.bytes or 0), line.name))
        ],
    }  # fmt: skip
    return escape.script("zooData", f"{outcome.slug}/model", value)
