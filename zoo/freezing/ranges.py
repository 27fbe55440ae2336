"""Nets that learn to be quantized: their ranges as they are in the checkpoint.

In training each range is noted where it is applied: ``FakeQuantWithMinMaxVars`` reads an assignment to the
variable, not the variable.  For inference TensorFlow's own rewriter (contrib/quantize, its
``create_eval_graph``) builds the net again, with the variables read as they are; here the assignments are
passed over.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from zoo.freezing.body import Body, Draft
from zoo.freezing.ops import VARIABLES, writes
from zoo.graph import Graph

applies_range = re.compile(r"FakeQuantWithMinMaxVars(PerChannel)?").fullmatch
"""Whether an op, by its name, rounds numbers to a range that is given."""


def keep_ranges(body: Body, graph: Graph, cone: Sequence[Draft]) -> set[str]:
    """Have ranges read as they are stored; the variables of all ranges that ``cone`` applies."""
    found: set[str] = set()
    for draft in cone:
        if not applies_range(draft.op):
            continue
        for k, text in enumerate(draft.inputs[1:3], 1):
            source = body.original(body.parse(text)[0]) if not text.startswith("^") else None
            if source is not None and writes(source.op) and source.inputs:
                draft.inputs[k] = text = source.inputs[0]
            if (variable := _variable(graph, text)) is not None:
                found.add(variable)
    return found


def _variable(graph: Graph, text: str) -> str | None:
    """The variable whose value a tensor is."""
    for _ in range(8):
        name = text.partition(":")[0]
        if name not in graph:
            return None
        node = graph.node(name)
        if node.op in VARIABLES:
            return name
        if node.op not in ("Identity", "ReadVariableOp") or not node.inputs:
            return None
        text = node.inputs[0]
    return None
