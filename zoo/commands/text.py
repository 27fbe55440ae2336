"""Records as lines for a terminal: plain text, no colours, nothing a file can inject."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from zoo.protos import Shape
from zoo.records import ConstantsProof, Endpoint, Outcome


def safe(text: str) -> str:
    """The text without control characters: a name from a file must not drive the terminal."""
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text)


def shape_words(shape: Shape) -> str:
    """``[?, 224, 224, 3]``; ``?`` for an unknown size, ``[...]`` for an unknown rank."""
    if shape is None:
        return "[...]"
    return f"[{', '.join('?' if size is None else str(size) for size in shape)}]"


def size_words(count: int) -> str:
    """``17.2 MB``, in powers of ten as disks are sold."""
    value = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if value < 1000 or unit == "GB":
            break
        value /= 1000
    return f"{count} B" if unit == "B" else f"{value:.1f} {unit}"


def table(rows: Iterable[Sequence[object]], *, indent: str = "  ") -> list[str]:
    """Lines of aligned columns; numbers to the right."""
    content = [tuple(row) for row in rows]
    cells = [[f"{cell:,}" if isinstance(cell, int) else safe(str(cell)) for cell in row] for row in content]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return [
        (
            indent
            + "  ".join(
                text.rjust(width) if isinstance(cell, int) else text.ljust(width)
                for cell, text, width in zip(row, texts, widths, strict=True)
            )
        ).rstrip()
        for row, texts in zip(content, cells, strict=True)
    ]


def outcome_lines(outcome: Outcome) -> list[str]:
    """The summary of a model: what it is, what goes in and out, what it holds, what was proved."""
    lines = [f"{safe(outcome.name)}: {outcome.status}"]
    if outcome.failure is not None:
        lines.append(f"  failed at {outcome.failure.stage}: {safe(outcome.failure.reason)}")
        if outcome.failure.hint:
            lines.append(f"  hint: {safe(outcome.failure.hint)}")
    if outcome.format is not None:
        producer = outcome.format.producer or ""
        made = f", made by {'TensorFlow ' if producer[:1].isdigit() else ''}{producer}" if producer else ""
        made = made.replace(", made by for ", ", for ")
        # The files of an empty prefix begin with a dot; a SavedModel may lie in the folder itself.
        empty = " with an empty prefix" if "checkpoint" in outcome.format.id else ""
        place = f" at {safe(outcome.format.path)!r}" if outcome.format.path else empty
        lines.append(f"  {safe(outcome.format.label)}{place}{safe(made)}")
        if outcome.format.choice:
            lines.append(f"  {safe(outcome.format.choice)}")
    lines += _graph_lines(outcome)
    lines += _endpoint_lines("inputs", outcome.inputs) + _endpoint_lines("outputs", outcome.outputs)
    if outcome.variables is not None:
        facts = outcome.variables
        lines += ["", f"variables: {facts.count}, {facts.parameters:,} parameters, {size_words(facts.bytes)}"]
        if facts.sentence:
            lines.append(f"  {safe(facts.sentence)}")
        for title, names in (
            ("missing in the checkpoint", facts.missing_in_checkpoint),
            ("missing in the graph", facts.missing_in_graph),
        ):
            lines += [f"  {title}: {safe(name)}" for name in names[:5]]
            lines += [f"  … and {len(names) - 5} more"] if len(names) > 5 else []
    lines += _frozen_lines(outcome)
    if outcome.compute is not None and outcome.compute.flops is not None:
        lines += ["", f"compute: {outcome.compute.flops:,} FLOPs ({outcome.compute.convention})"]
    if outcome.explanation:
        lines += ["", safe(outcome.explanation)]
    lines += [f"warning: {safe(warning)}" for warning in outcome.warnings]
    return lines


def _graph_lines(outcome: Outcome) -> list[str]:
    if outcome.graph is None:
        return []
    facts = outcome.graph
    inside = ""
    if facts.nodes_in_functions:
        inside = f" and {facts.nodes_in_functions} in functions, which the counts include"
    training = ", with training ops" if facts.training else ""
    counts = ", ".join(f"{count} {op}" for op, count in list(facts.op_counts.items())[:8])
    lines = ["", f"graph: {facts.nodes} nodes{inside}{training}", f"  {safe(counts)}"]
    if facts.unregistered_ops:
        lines.append(f"  TensorFlow does not know: {safe(', '.join(facts.unregistered_ops))}")
    if facts.ops_without_kernel:
        lines.append(f"  TensorFlow cannot run on a CPU: {safe(', '.join(facts.ops_without_kernel))}")
    if facts.risky_ops:
        lines.append(f"  risky: {safe(', '.join(facts.risky_ops))}")
    return lines


def _endpoint_lines(title: str, endpoints: Sequence[Endpoint]) -> list[str]:
    if not endpoints:
        return []
    rows = []
    for one in endpoints:
        what = one.role or one.kind or ""
        folded = "" if one.folded is None else f"= {one.folded}"
        rows.append(
            (one.name, one.dtype, shape_words(one.shape), what, folded, f"{one.confidence:.2f}", one.reason)
        )
    return ["", f"{title}:", *table(rows)]


def _frozen_lines(outcome: Outcome) -> list[str]:
    frozen = outcome.frozen
    if frozen is None:
        return []
    lines = ["", f"frozen: {frozen.nodes} nodes, {size_words(frozen.bytes)}, engine {frozen.engine}"]
    if frozen.engine_reason:
        lines.append(f"  because {safe(frozen.engine_reason)}")
    pruned = ", ".join(f"{count} {why}" for why, count in frozen.pruned.why.items())
    lines.append(f"  pruned: {frozen.pruned.nodes} nodes" + (f" ({safe(pruned)})" if pruned else ""))
    lines.append(f"  {constants_line(frozen.constants)}")
    run = frozen.run
    words = {True: "equal outputs", False: "different outputs", None: "not compared"}[run.ok]
    difference = "" if run.max_abs_diff is None else f", largest difference {run.max_abs_diff:g}"
    lines.append(f"  run against the original: {words}{difference}")
    lines += [f"    {safe(name)}: {safe(text)}" for name, text in run.outputs.items()]
    if run.reason:
        lines.append(f"  {safe(run.reason)}")
    return lines


def constants_line(proof: ConstantsProof) -> str:
    """How many of the written constants have the checksums that the checkpoint keeps."""
    if not proof.checked:
        return "constants equal to the checkpoint: there is none to compare with"
    return f"constants equal to the checkpoint: {proof.equal} of {proof.checked}"


def value_lines(name: str, value: npt.NDArray[Any], *, top: int = 0, labels: Sequence[str] = ()) -> list[str]:
    """A fetched tensor: its values, or with ``top`` its largest ones along the last axis."""
    lines = [f"{safe(name)}  {value.dtype} {list(value.shape)}"]
    numeric = value.dtype.kind in "fiu" and value.ndim >= 1 and value.shape[-1] > 1
    if not top or not numeric:
        with np.printoptions(threshold=40, edgeitems=4, precision=6, suppress=True):
            text = repr(value.item()) if value.ndim == 0 else str(value)
        return lines + [f"  {safe(line)}" for line in text.splitlines()]
    flat = value.reshape(-1, value.shape[-1])
    for i, row in enumerate(flat[:4]):
        if len(flat) > 1:
            lines.append(f"  row {i}")
        best = np.argsort(-row.astype(np.float64), kind="stable")[:top]
        lines += table((f"{row[k]:.6g}", int(k), labels[k] if k < len(labels) else "") for k in best)
    if len(flat) > 4:
        lines.append(f"  … and {len(flat) - 4} rows more")
    return lines
