"""Which variables the original graph writes when its outputs are computed.

Freezing cuts what is only waited for: asserts, counters, summaries.  A write may be cut as well, if
nothing in the cone reads what it writes.  Otherwise the variable is state that goes from run to run
(a stateful LSTM, an update before the read), and a frozen graph would silently be another model.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from zoo.errors import FreezeError
from zoo.freezing.body import Draft
from zoo.freezing.ops import CALLS, PASSES, REF_FORMS, writes
from zoo.freezing.values import function_names
from zoo.graph import Function, Graph, Node

_MOVING_AVERAGE = "AssignMovingAvg"
"""The name scope of TensorFlow's moving average updates."""


Calls = Mapping[str, tuple[str, Sequence[str]]]
"""Node that calls functions → its op, and the functions it may call."""


def calls(graph: Graph, cone: Iterable[Draft]) -> Calls:
    """Who calls what in a cone: branches that folding took out are not in it any more."""
    found = {}
    for draft in cone:
        if draft.op in CALLS:
            keys = CALLS[draft.op][2]
            names = [name for key in keys for name in function_names(draft.attrs.get(key, b""))]
            found[draft.name] = (draft.op, names)
        elif draft.op in graph.functions:
            found[draft.name] = (draft.op, [draft.op])
    return found


def check_writes(
    graph: Graph, cone: Sequence[Draft], called: Calls, waits: Iterable[str], reads: Iterable[str | int]
) -> tuple[str, ...]:
    """Warnings about writes that were cut.

    Raises:
        FreezeError: computing the outputs writes a variable that they also read.
    """
    names = {draft.name for draft in cone}
    written = _written(graph, names, called, waits)
    read = {name for name in reads if isinstance(name, str)}
    for variable, node in sorted(written.items()):
        if variable in read and not _updates_average(graph, node, names):
            raise FreezeError(
                f"node {node!r} writes the variable {variable!r}, which the outputs also read: the graph "
                "keeps state from run to run",
                hint="a frozen graph cannot write variables; export the state as inputs and outputs",
            )
    if not written:
        return ()
    shown = ", ".join(sorted(written)[:5])
    more = f" and {len(written) - 5} more" if len(written) > 5 else ""
    return (f"writes to variables that inference does not need were cut: {shown}{more}",)


def _written(graph: Graph, cone: set[str], called: Calls, waits: Iterable[str]) -> dict[str, str]:
    """Variable node → the node that writes it, among what runs with the cone."""
    extra = [graph.index[name] for name in waits if name in graph.index]
    running = graph.ancestors(extra) if extra else set()
    running |= {graph.index[name] for name in cone if name in graph.index}
    memo: dict[str, Mapping[int, str]] = {}
    written: dict[str, str] = {}
    for i in running:
        node = graph.nodes[i]
        if writes(node.op) and node.inputs:
            if (variable := _source(graph, node.inputs[0])) is not None:
                written.setdefault(variable, node.name)
        elif graph.functions and (node.op in CALLS or node.op in graph.functions):
            effects = _call_effects(graph, *called.get(node.name, _call(node)), memo, 0)
            data = [text for text in node.inputs if not text.startswith("^")]
            # A conditional that was decided is a call now: its own predicate is no argument.
            data = data[_skip(node.op) - _skip(called.get(node.name, (node.op, ()))[0]) :]
            for position, writer in effects.items():
                if position < len(data) and (variable := _source(graph, data[position])) is not None:
                    written.setdefault(variable, writer)
    return written


def _source(graph: Graph, text: str) -> str | None:
    """The variable's node behind a handle, through ops that hand it on."""
    for _ in range(1000):
        name = text.partition(":")[0]
        if name not in graph:
            return None
        node = graph.node(name)
        if not _hands_on(node.op) or not node.inputs:
            return name
        text = node.inputs[0]
    return None


def _updates_average(graph: Graph, name: str, cone: set[str]) -> bool:
    """Whether a write moves an average, as batch norm does in training and not in inference.

    By TensorFlow's name for it, or by form: ``v -= (v - x) * c`` or ``v = v * a + x * b``, where the
    outputs do not use the new value otherwise.
    """
    if _MOVING_AVERAGE in name:
        return True
    if name not in graph:
        return False
    node = graph.node(name)
    data = [text for text in node.inputs if not text.startswith("^")]
    if len(data) != 2 or (variable := _source(graph, data[0])) is None:
        return False
    value = behind(graph, data[1])
    if value is None or value.name in cone:
        return False

    def holds(text: str) -> bool:
        source = behind(graph, text)
        return source is not None and source.name == variable

    if node.op in ("AssignSub", "AssignSubVariableOp") and value.op == "Mul":
        factors = [behind(graph, text) for text in value.inputs[:2]]
        return any(
            factor is not None and factor.op == "Sub" and holds(factor.inputs[0]) for factor in factors
        )
    if node.op in ("Assign", "AssignVariableOp") and value.op in ("Add", "AddV2"):
        terms = [behind(graph, text) for text in value.inputs[:2]]
        return all(term is not None and term.op == "Mul" for term in terms) and any(
            holds(text) for term in terms if term is not None for text in term.inputs[:2]
        )
    return False


def behind(graph: Graph, text: str) -> Node | None:
    """The node that made a tensor, reads and ops that hand it on passed over."""
    for _ in range(1000):
        name = text.partition(":")[0]
        if name not in graph:
            return None
        node = graph.node(name)
        if not (_hands_on(node.op) or node.op == "ReadVariableOp") or not node.inputs:
            return node
        text = node.inputs[0]
    return None


def _hands_on(op: str) -> bool:
    return op in PASSES or op in REF_FORMS


def _skip(op: str) -> int:
    return CALLS[op][0] if op in CALLS else 0


def _call(node: Node) -> tuple[str, Sequence[str]]:
    if node.op not in CALLS:
        return node.op, [node.op]
    return node.op, [name for key in CALLS[node.op][2] for name in function_names(node.raw_attr(key) or b"")]


def _call_effects(
    graph: Graph, op: str, names: Sequence[str], memo: dict[str, Mapping[int, str]], depth: int
) -> dict[int, str]:
    """Position of a data input of the calling node → the node in the function that writes it."""
    found: dict[int, str] = {}
    for name in names:
        function = graph.functions.get(name)
        if function is not None and depth < 100:
            for i, writer in _effects(graph, function, memo, depth).items():
                found.setdefault(i + _skip(op), writer)
    return found


def _effects(
    graph: Graph, function: Function, memo: dict[str, Mapping[int, str]], depth: int
) -> Mapping[int, str]:
    """Index of an argument → the node that writes it, in the function or one that it calls."""
    if function.name in memo:
        return memo[function.name]
    memo[function.name] = {}
    arguments = {arg.name: i for i, arg in enumerate(function.proto.signature.input_arg)}
    nodes = {node.name: node for node in function.nodes}
    found: dict[int, str] = {}

    def argument(text: str) -> int | None:
        for _ in range(1000):
            name = text.partition(":")[0]
            if name in arguments:
                return arguments[name]
            node = nodes.get(name)
            if node is None or not _hands_on(node.op) or not node.inputs:
                return None
            text = node.inputs[0]
        return None

    for node in function.nodes:
        if writes(node.op) and node.inputs:
            if (i := argument(node.inputs[0])) is not None:
                found.setdefault(i, node.name)
        elif node.op in CALLS or node.op in graph.functions:
            data = [text for text in node.inputs if not text.startswith("^")]
            for position, writer in _call_effects(graph, *_call(node), memo, depth + 1).items():
                if position < len(data) and (i := argument(data[position])) is not None:
                    found.setdefault(i, writer)
    memo[function.name] = found
    return found
