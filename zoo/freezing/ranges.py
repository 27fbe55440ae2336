"""Nets that learn to be quantized: their ranges as they are in the checkpoint.

In training each range is noted where it is applied: ``FakeQuantWithMinMaxVars`` reads an assignment to the
variable, not the variable.  For inference TensorFlow's own rewriter (contrib/quantize, its
``create_eval_graph``) builds the net again, with the variables read as they are; here the assignments are
passed over.
"""

from __future__ import annotations

from collections.abc import Iterable

from zoo.freezing.body import Body, Draft
from zoo.freezing.effects import behind
from zoo.freezing.ops import VARIABLES, writes
from zoo.graph import RANGES, Graph


def keep_ranges(body: Body, graph: Graph) -> None:
    """Have ranges read as they are stored."""
    for i in graph.having(RANGES):
        draft = body.draft(graph.names[i])
        if draft is None or draft.op not in RANGES:
            continue  # it was cut at: its place is taken
        for k, text in _sides(draft):
            source = body.original(body.parse(text)[0])
            if source is not None and writes(source.op) and source.inputs:
                draft.inputs[k] = source.inputs[0]


def range_variables(graph: Graph, cone: Iterable[Draft]) -> set[str]:
    """The variables of the ranges that are applied in a cone: training writes them as it reads them."""
    sides = [text for draft in cone if draft.op in RANGES for _, text in _sides(draft)]
    nodes = [behind(graph, text) for text in sides]
    return {node.name for node in nodes if node is not None and node.op in VARIABLES}


def _sides(draft: Draft) -> list[tuple[int, str]]:
    """Both ends of a range, with their place among the inputs."""
    return [(k, text) for k, text in enumerate(draft.inputs[:3]) if k and not text.startswith("^")]
