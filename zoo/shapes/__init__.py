"""Static shapes of every tensor of a graph, without TensorFlow.

Rules for the ops that matter (`zoo.shapes.layers`, `structure`, `handles`) are applied in the order
of the edges; small integer tensors are followed as values, so that shapes computed from shapes are
found.  Loops and functions are walked too.  What no rule tells is taken from ``_output_shapes``,
which every Saver notes; what that does not tell either stays unknown.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from zoo.graph import Graph, split_input
from zoo.protos import Shape
from zoo.shapes import handles, layers, structure
from zoo.shapes.engine import Engine, Facts, graph_body

RULES = {**layers.RULES, **structure.RULES, **handles.RULES}

_BUDGET = 2_000_000
"""Nodes of function bodies that are looked at, counted once for each set of argument shapes."""


def infer(graph: Graph, assumed: Mapping[str, Shape] | None = None) -> dict[str, Shape]:
    """The static shape of every tensor, by its name (``conv/Relu:0``).

    Args:
        graph: the graph; it need not be frozen.
        assumed: shapes to take for some tensors (of inputs, as a rule) in place of their own.

    Returns:
        A shape for each output that is known to exist; None for unknown sizes and ranks.
    """
    facts = analyse(graph, assumed)
    return {
        f"{node.name}:{k}": shape
        for node, shapes in zip(graph.nodes, facts.shapes, strict=True)
        for k, shape in enumerate(shapes)
    }


def analyse(
    graph: Graph, assumed: Mapping[str, Shape] | None = None, *, only: Sequence[int] | None = None
) -> Facts:
    """Shapes, known values and called bodies by node index: what `infer` and `compute` are made of.

    ``only`` restricts the work to some nodes, listed in an order of their edges.
    """
    known = {}
    for name, shape in (assumed or {}).items():
        node, k = split_input(name)
        if node in graph.index:
            known[graph.index[node], k] = shape
    engine = Engine(graph.functions, RULES, budget=_BUDGET)
    return engine.run(graph_body(graph, only), known)
