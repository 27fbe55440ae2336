"""States that a model hands on: what goes in at one call comes out of the call before."""

from __future__ import annotations

from collections.abc import Sequence

from zoo import protos
from zoo.endpoints import ops
from zoo.endpoints.flow import FeedPoint, Flow, output_dtype
from zoo.endpoints.kinds import walk_back
from zoo.graph import Graph, Node, Source, split_input, tensor_name
from zoo.records import Endpoint
from zoo.shapes import dims
from zoo.shapes.values import constant

_REACH = 2000
"""Nodes of a loop's body that are looked at for one of its variables."""

_PARTS = frozenset("Split SplitV Slice StridedSlice Unpack".split())
HANDS_ON = ops.LOOK_THROUGH | _PARTS | {"Enter", "RefEnter"}


def zero_states(graph: Graph) -> tuple[list[str], frozenset[int]]:
    """Tensors of zeros that recurrent layers begin with, and how many symbols those layers read.

    Who makes the zeros outside of the layer's scope, though the layer would make its own, and uses no last
    state, may feed the states of the call before there.  So it is with text that goes on, which answers with
    one of the symbols that it reads; with most other layers it is not, and nothing else in a graph tells.
    """
    loops: dict[str, list[int]] = {}
    for i in graph.having(_EXITS):
        loops.setdefault(graph.names[i].rpartition("/")[0], []).append(i)
    found: list[str] = []
    ends: list[int] = []
    for loop, exits in loops.items():
        scope = loop.rpartition("/")[0]
        starts = {i: _zeros_before(graph, i) for i in exits}
        states = [i for i in exits if starts[i] >= 0]
        own = any(graph.names[starts[i]].startswith(f"{scope}/") for i in states)
        if states and not own and not any(_is_read_on(graph, i) for i in states):
            found += [tensor_name(graph.names[starts[i]]) for i in states]
            ends += states
    return list(dict.fromkeys(found)), _symbols(graph, ends)


def unrolled_zero_states(graph: Graph, outputs: Sequence[Endpoint]) -> tuple[list[str], frozenset[int]]:
    """Zeros that the first step of an unrolled net of gates begins with, and how many symbols it looks up.

    It answers with one of the symbols that it looks up, for each of them, and looks up once: no encoder
    came before.  The states of the call before are fed there.
    """
    nodes, sources = graph.nodes, graph.sources
    needed = graph.ancestors([graph.index[split_input(item.name)[0]] for item in outputs], control=False)
    lookups = [i for i in needed if nodes[i].op in ops.LOOKUPS and len(sources[i]) > 1]
    if len(lookups) != 1:
        return [], frozenset()
    (table, _), (ids, port) = sources[lookups[0]][:2]
    noted = nodes[ids].output_shapes()
    asked = dims.elements(noted[port]) if 0 <= port < len(noted) else None
    symbols = (_table(graph, table).shape() or (None,))[0]
    told = any(
        item.shape and item.shape[-1] == symbols and dims.product(item.shape[:-1]) == asked
        for item in outputs
        if asked is not None
    )
    zeros = [i for i in needed if nodes[i].op == "Const" and _begins_gates(graph, i)] if told else []
    if symbols is None or len(zeros) > _MOST:
        return [], frozenset()
    return [tensor_name(graph.names[i]) for i in sorted(zeros)], frozenset({symbols})


def goes_one_way(graph: Graph, begun: Sequence[str], ends: Sequence[str]) -> bool:
    """Whether each state that is fed has a next one, and the last layer's needs all others.

    A net of both directions has two that know nothing of each other; a decoder begins where another ended.
    """
    nodes = {graph.index[split_input(text)[0]] for text in ends}
    return len(begun) == len(ends) and any(nodes <= graph.ancestors([node], control=False) for node in nodes)


_MOST = 16


def _begins_gates(graph: Graph, i: int) -> bool:
    """Whether a constant of zeros, or its other name, is multiplied by a gate or joined to an input."""
    node = graph.nodes[i]
    shape = constant(node)[0]
    if shape is None or len(shape) != _RANK or not _is_zero(node):
        return False
    readers = [j for j, port in graph.consumers[i] if port >= 0]
    readers += [k for j in readers if graph.nodes[j].op in _CUTS for k, _ in graph.consumers[j]]
    read = {graph.nodes[j].op for j in readers if not ops.in_gradient(graph.names[j])}
    return bool(read & {"Mul", "ConcatV2", "MatMul"}) and "Fill" not in read


_CUTS = frozenset({"Identity", "Split", "Unpack", "StridedSlice", "Slice"})


def _is_zero(node: Node) -> bool:
    """Whether a constant of floating-point numbers is nothing but zeros."""
    raw = node.raw_attr("value")
    if raw is None or len(raw) > _LONGEST or not (node.dtype() or "").startswith("float"):
        return False
    tensor = protos.AttrValue.FromString(raw).tensor
    return not tensor.tensor_content.strip(b"\0") and not any(tensor.float_val)


_LONGEST = 1 << 20


_EXITS = frozenset({"Exit", "RefExit"})


def is_zero_state(node: Node) -> bool:
    """Whether a node makes the zeros of a cell's state, by the name that TensorFlow gives it.

    See its python/ops/rnn_cell_impl.py.  What a decoder looks at before its first word is none.
    """
    scope, _, last = node.name.rpartition("/")
    cell = scope.rpartition("/")[2]
    return last.startswith("zeros") and "ZeroState" in cell and not cell.startswith("AttentionWrapper")


def _zeros_before(graph: Graph, i: int) -> int:
    """The zeros that the loop variable of an exit begins with; -1 where it begins with something else."""
    nodes = graph.nodes
    merge = _merge_of(graph, graph.sources, i)
    for enter, _ in graph.sources[merge][:2] if merge >= 0 else ():
        if nodes[enter].op.removeprefix("Ref") == "Enter" and graph.sources[enter]:
            start = graph.sources[enter][0][0]
            if is_zero_state(nodes[start]):
                return start
    return -1


def _is_read_on(graph: Graph, i: int) -> bool:
    """Whether somebody reads a tensor's content, gradients left out."""
    nodes = graph.nodes
    return any(
        port >= 0 and nodes[j].op not in ops.SHAPES and not ops.in_gradient(graph.names[j])
        for j, port in graph.consumers[i]
    )


def _symbols(graph: Graph, ends: Sequence[int]) -> frozenset[int]:
    """How many rows the tables have that layers look up, and how many symbols they are told one of."""
    found: set[int] = set()
    for i in graph.ancestors(ends, control=False) if ends else ():
        node, sources = graph.nodes[i], graph.sources[i]
        if node.op == "OneHot" and len(sources) > 1:
            _, depth = constant(graph.nodes[sources[1][0]])
            found.update(item for item in (depth or ())[:1] if isinstance(item, int))
        elif node.op in ops.LOOKUPS and sources:
            shape = _table(graph, sources[0][0]).shape()
            found.update(rows for rows in (shape or ())[:1] if rows is not None)
    return frozenset(found)


def _table(graph: Graph, i: int) -> Node:
    """The variable that a node hands on, if it is one."""
    for _ in range(4):
        if graph.nodes[i].op in ops.VARIABLES or not graph.sources[i]:
            break
        i = graph.sources[i][0][0]
    return graph.nodes[i]


def starts_from_feed(flow: Flow, i: int) -> bool:
    """Whether an exit is of a loop variable whose first value somebody feeds: a state that goes round."""
    merge = _loop_variable(flow, i)
    if merge < 0:
        return False
    for source, _ in flow.rows[merge][:2]:
        node = source
        for _ in range(12):
            if node >= len(flow.graph.nodes) or _fed_with(flow, node):
                break
            if flow.graph.nodes[node].op not in HANDS_ON or not flow.rows[node]:
                break
            # A split says along which axis first; a damaged one says nothing more.
            node = flow.rows[node][:2][-1 if flow.graph.nodes[node].op == "Split" else 0][0]
        if _fed_with(flow, node):
            return True
    return False


def _fed_with(flow: Flow, i: int) -> bool:
    """Whether a node is a placeholder for floating-point numbers, or zeros that stand for one."""
    if i >= len(flow.graph.nodes):
        return False
    node = flow.graph.nodes[i]
    fed = node.op in ops.PLACEHOLDERS or (i in flow.own_feeds and (is_zero_state(node) or node.op == "Const"))
    return bool(fed) and (output_dtype(node, 0) or "").startswith(("float", "bfloat"))


def accumulates(flow: Flow, i: int) -> bool:
    """Whether an exit is of a loop variable that nothing in the loop reads but its own next value.

    Such a variable collects results (the tokens so far); the others drive the loop.
    """
    nodes = flow.graph.nodes
    base = walk_back(flow, i)
    merge = _loop_variable(flow, i)
    if merge < 0:
        return False
    own = {source for source, _ in flow.rows[merge]}
    todo, seen = [flow.rows[base][0][0]], {base}
    while todo:
        for reader in flow.consumers[todo.pop()]:
            if reader in seen or reader >= len(nodes) or flow.off[reader]:
                continue
            seen.add(reader)
            if len(seen) > _REACH:
                return False
            if nodes[reader].op not in ("NextIteration", "RefNextIteration"):
                todo.append(reader)
            elif reader not in own:
                return False
    return True


def _loop_variable(flow: Flow, i: int) -> int:
    """The merge at the head of the loop whose variable an exit hands out; -1 if ``i`` shows no exit."""
    return _merge_of(flow.graph, flow.rows, walk_back(flow, i, HANDS_ON))


def _merge_of(graph: Graph, rows: Sequence[tuple[Source, ...]], i: int) -> int:
    """The merge of the loop variable that a node hands out of its loop; -1 if it hands out none."""
    nodes = graph.nodes
    for op in ("Exit", "Switch"):
        if i >= len(nodes) or nodes[i].op.removeprefix("Ref") != op or not rows[i]:
            return -1
        i = rows[i][0][0]
    return i if i < len(nodes) and nodes[i].op in ("Merge", "RefMerge") else -1


def goes_round(flow: Flow, i: int, port: int = 0) -> bool:
    """Whether a tensor has the form of a feed that it is made of, and may be fed at the next call."""
    shape = flow.shape(i, port)
    if not shape or len(shape) != _RANK or None in shape[1:]:
        return False
    return any(
        flow.feed_bits[i] >> k & 1 and feed.dtype.startswith("float")
        and flow.shape(feed.node, feed.port) == shape
        for k, feed in enumerate(flow.feeds)
    )  # fmt: skip


_RANK = 2
"""States have one row for each example: they are no picture, no sequence."""


def all_next_states(flow: Flow) -> list[int]:
    """The next values of all states that are fed, and what cells show of a memory where that is fed, too."""
    after = [(feed, next_states(flow, feed)) for feed in flow.feeds]
    kept = [i for _, found in after for i in found]
    # What no gate keeps, and is fed as a state is, has the form of the memory that it was shown of.
    shown = {
        flow.shape(feed.node, feed.port) for feed, found in after if not found and _fed_with(flow, feed.node)
    }
    return kept + [shown_by(flow, i) for i in kept if flow.shape(i) in shown]


def next_states(flow: Flow, feed: FeedPoint) -> list[int]:
    """The values that gated cells give the state that is fed, last step last; empty for other feeds.

    A gated recurrent unit and a cell's memory have the form ``gate * state + ...``.
    """
    if feed.node >= len(flow.graph.nodes) or not _fed_with(flow, feed.node):
        return []
    found: list[int] = []
    for start in _parts(flow, feed.node):
        state = start
        for _ in range(_REACH):
            following = _gated(flow, state)
            if following < 0:
                break
            state = following
        if state != start:
            found.append(state)
    return found


def shown_by(flow: Flow, memory: int) -> int:
    """What a gated cell shows of the memory that it has kept, ``gate * tanh(memory)``; else -1."""
    for i in flow.readers(memory):
        if flow.op(i) != "Tanh":
            continue
        for j in flow.readers(i):
            if flow.op(j) == "Mul" and any(_is_gate(flow, s) for s, _ in flow.rows[j] if s != i):
                return j
    return -1


def _parts(flow: Flow, i: int) -> list[int]:
    """A tensor, and what is cut out of it."""
    nodes = flow.graph.nodes
    result: list[int] = []
    todo = [i]
    while todo and len(result) < 64:
        node = todo.pop()
        result.append(node)
        todo.extend(j for j in flow.readers(node) if nodes[j].op in ops.LOOK_THROUGH | _PARTS)
    return result


def _is_gate(flow: Flow, i: int) -> bool:
    """Whether a tensor is a sigmoid, a part of one, or what one leaves to the other term."""
    nodes, rows = flow.graph.nodes, flow.rows
    for _ in range(6):
        if i >= len(nodes) or nodes[i].op == "Sigmoid" or not rows[i]:
            break
        if nodes[i].op not in ops.LOOK_THROUGH | _PARTS | {"Sub"}:
            return False
        i = rows[i][1 if nodes[i].op in ("Sub", "Split") and len(rows[i]) > 1 else 0][0]
    return i < len(nodes) and nodes[i].op == "Sigmoid" and flow.variable_bits[i] != 0


def _gated(flow: Flow, state: int) -> int:
    """The sum whose one term is the state times a gate; -1 if there is none."""
    nodes = flow.graph.nodes
    shape = flow.shape(state)
    for product in flow.consumers[state]:
        if product >= len(nodes) or flow.off[product] or nodes[product].op != "Mul":
            continue
        if not any(_is_gate(flow, s) for s, _ in flow.rows[product] if s != state):
            continue
        for total in flow.consumers[product]:
            if (
                total < len(nodes)
                and not flow.off[total]
                and nodes[total].op in ("Add", "AddV2")
                and flow.shape(total) == shape
            ):
                return total
    return -1
