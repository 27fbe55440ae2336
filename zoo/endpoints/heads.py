"""The heads of the inference cone: which tensors are what the model has to say.

Three observations carry it.  An example meets a parameter first; a label meets an activation, and
what follows ends in a single number.  A head is the last tensor before a label is met, or one that
nobody reads at all: nobody makes a tensor but to fetch it.  And the heads together cover the
model's variables.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from zoo.endpoints import ops
from zoo.endpoints.ending import CUTS, NOWHERE, Ending
from zoo.endpoints.flow import Flow, leads_on, meets_parameter
from zoo.endpoints.kinds import is_deliberate, is_named, walk_back
from zoo.endpoints.region import Region
from zoo.endpoints.states import HANDS_ON, accumulates, next_states, starts_from_feed
from zoo.graph import split_input
from zoo.shapes.engine import BACK_EDGES

_GROUPS = 60
"""Heads that are compared with each other, those of the most variables, the last of them."""


@dataclass(slots=True)
class Head:
    """A tensor that may be an output, with what speaks for it."""

    node: int
    port: int
    coverage: int
    """Bits of the variables that it depends on."""
    feeds: int
    root: int
    """The tensor that it is a view of: the same for logits, their softmax and their argmax."""
    dangling: bool
    """Nobody reads it."""
    labels: int = 0
    """Bits of the labels that meet it."""
    rule: str = "head"
    """Which of the observations found it."""
    alternatives: list[tuple[int, int]] = field(default_factory=list)
    """Other views of the same root, best first."""
    towers: int = 1
    """How many copies with the same variables there are, itself included."""
    cone: frozenset[int] = frozenset()


Groups = dict[tuple[int, int], Head]
"""Heads by what they are views of: a node, and its output where it hands out parts."""


def terminals(flow: Flow, found: Region) -> list[int]:
    """Nodes inside that nothing inside reads on, and that are not on the way to a loss only."""
    nodes = flow.graph.nodes
    result = []
    for i in flow.line:
        if found.inside[i] != 1 or found.lossward[i] or found.peeled[i] or _counts_decisions(flow, i):
            continue
        if flow.looped[i]:
            continue
        if any(
            found.inside[j] == 1
            and not _counts_decisions(flow, j)
            and not found.lossward[j]
            and not found.peeled[j]
            and nodes[j].op not in ops.SHAPES
            for j in flow.consumers[i]
            if j < len(nodes) and not flow.off[j] and not (flow.dead and flow.dead[j])
        ):
            continue
        if nodes[i].op in BACK_EDGES or nodes[i].op in (
            "Switch",
            "RefSwitch",
            "Enter",
            "RefEnter",
            "LoopCond",
        ):
            continue
        result.append(i)
    return result


def _counts_decisions(flow: Flow, i: int) -> bool:
    """Whether a node adds up what was decided, and nobody reads the sum."""
    nodes = flow.graph.nodes
    if nodes[i].op not in ("Sum", "Mean") or not flow.rows[i] or flow.consumers[i] or not flow.trained:
        return False
    return nodes[walk_back(flow, flow.rows[i][0][0])].op in ops.DECISIONS


def heads(flow: Flow, found: Region) -> list[Head]:
    """The heads, as groups of views of one tensor; not yet chosen among."""
    nodes = flow.graph.nodes
    groups: Groups = {}
    exits: list[int] = []
    leads = leads_on(flow, found.inside, scored=found.scored)
    endings = [Ending(flow, found, leads)]
    if flow.taught:
        endings.append(Ending(flow, found, leads, measures=True))
    ends = []
    for i in terminals(flow, found):
        dangling = not found.contact[i] and not found.scalar[i]
        if dangling and nodes[walk_back(flow, i, HANDS_ON)].op in ("Exit", "RefExit"):
            exits.append(i)  # a loop hands out all its variables, wanted or not
        elif dangling or all(ending.next[i] == NOWHERE for ending in endings):
            ends.append((i, dangling))
    shown = _shown(flow, found, [i for i, dangling in ends if dangling])
    taken: dict[tuple[int, ...], tuple[int, int]] = {}
    for ending in endings:
        fresh = {}
        for (node, port), made_of in ending.heads().items():
            if shown[node]:
                continue
            first = taken.get(tuple(made_of), (-1, 0))
            fresh[tuple(made_of)] = (node, port)
            add_view(flow, found, groups, node, dangling=False, port=port, labels=ending.met[node], of=first)
        taken = fresh
    for i, dangling in ends:
        add_view(flow, found, groups, i, dangling=dangling)
    for i, port in unread_parts(flow, found):
        add_view(flow, found, groups, i, dangling=True, port=port)
    wanted = [i for i in exits if starts_from_feed(flow, i)]
    if not groups:
        wanted = [i for i in exits if accumulates(flow, i)] or exits
    for i in wanted:
        add_view(flow, found, groups, i, dangling=True, rule="state" if groups else "head")
    _add_states(flow, found, groups)
    if len(groups) > _GROUPS:
        order = sorted(groups.values(), key=lambda head: (-head.coverage.bit_count(), -head.node))
        return sorted(order[:_GROUPS], key=lambda head: (head.node, head.port))
    return list(groups.values())


def unread_parts(flow: Flow, found: Region) -> list[tuple[int, int]]:
    """The first unread part, (node, output), of each tensor that an export cuts and reads other parts of.

    So it is with the best values, where only their places are read on; what sorts inside a net reads the
    values alone.
    """
    if flow.trained:
        return []
    result = []
    for i in flow.graph.having(CUTS | _BEST):
        read = {port for _, port in flow.graph.consumers[i]}
        if found.inside[i] == 1 and read and not flow.looped[i]:
            ports = 1 if flow.graph.nodes[i].op in _BEST else min(_PARTS, _parts_of(flow, i))
            result.extend([(i, port) for port in range(ports) if port not in read][:1])
    return result


_BEST = frozenset({"TopK", "TopKV2"})


def _parts_of(flow: Flow, i: int) -> int:
    """How many parts a node cuts a tensor into."""
    node = flow.graph.nodes[i]
    count = node.attr("num" if node.op == "Unpack" else "num_split")
    return int(count.i) if count is not None else 1


def _shown(flow: Flow, found: Region, ends: list[int]) -> bytearray:
    """Per node whether something is made of it to be fetched."""
    nodes = flow.graph.nodes
    shown = bytearray(len(flow.rows))
    for i in ends:
        shown[i] = 1
    for i in reversed(flow.line):
        if i < len(nodes) and shown[i] and found.inside[i] == 1 and nodes[i].op not in ops.SHAPES:
            for source, _ in flow.rows[i]:
                shown[source] = 1
    return shown


def _add_states(flow: Flow, found: Region, groups: Groups) -> None:
    """Add the next values of states that are fed; one that is a head already needs no second mention."""
    for feed in flow.feeds:
        for i in next_states(flow, feed):
            if found.inside[i] == 1 and not any(head.node == i for head in groups.values()):
                groups[-1 - i, 0] = Head(
                    node=i, port=0, coverage=flow.variable_bits[i], feeds=flow.feed_bits[i] & ~found.side,
                    root=i, dangling=True, rule="state",
                )  # fmt: skip


def add_view(
    flow: Flow,
    found: Region,
    groups: Groups,
    i: int,
    *,
    dangling: bool,
    rule: str = "head",
    port: int = 0,
    labels: int = 0,
    of: tuple[int, int] = (-1, 0),
) -> None:
    """Put what a node shows into the group of its root, as head or as alternative.

    A measure may be taken of another view than the loss: of that ``of`` which the group is, then.
    """
    view = i if flow.graph.nodes[i].op in CUTS else _view(flow, found, i, dangling=dangling)
    port = _port(flow, view) or (port if view == i else _port_read(flow, i, view))
    root = _root(flow, view, port)
    converted = of[0] >= 0 and of[0] != i and root not in groups
    if converted:
        root = _root(flow, *of)
    labels |= _labels(found, root[0], view, i)
    head = groups.get(root)
    if head is None:
        groups[root] = Head(
            node=view, port=port, coverage=flow.variable_bits[view], feeds=flow.feed_bits[view] & ~found.side,
            root=root[0], dangling=dangling, labels=labels, rule=rule,
        )  # fmt: skip
        if view != i:
            groups[root].alternatives.append((i, _port(flow, i)))
        return
    head.labels |= labels
    rivals = [(head.node, head.port, head.dangling), (view, port, dangling)]
    if converted:
        best = rivals[1]
    else:
        best = max(rivals, key=lambda rival: (_appeal(flow, rival[0], dangling=rival[2]), -rival[0]))
    for node, k, _ in rivals:
        if node != best[0] and (node, k) not in head.alternatives:
            head.alternatives.insert(0, (node, k))
    head.node, head.port, head.dangling = best
    head.coverage |= flow.variable_bits[view]
    if view != i and (i, 0) not in head.alternatives:
        head.alternatives.append((i, _port(flow, i)))


def _labels(found: Region, *nodes: int) -> int:
    bits = 0
    for i in nodes:
        bits |= found.contact[i]
    return bits


def _appeal(flow: Flow, i: int, *, dangling: bool) -> tuple[int, int]:
    base = walk_back(flow, i)
    op = flow.graph.nodes[base].op
    if op.startswith("CTC") or (op in ("TopK", "TopKV2") and dangling):
        return 4, int(dangling)
    if op in ops.PROBABILITIES:
        return 3, int(dangling)
    if op in ops.DECISIONS:
        return (2 if dangling else 0), int(dangling)
    return (2 if dangling else 1), 0


def _port(flow: Flow, i: int) -> int:
    """The output that is worth fetching: TopK's values, a cell's hidden state."""
    return {"LSTMBlockCell": 6, "BlockLSTM": 6, "BlockLSTMV2": 6, "GRUBlockCell": 3}.get(
        flow.graph.nodes[i].op, 0
    )


def _port_read(flow: Flow, i: int, view: int) -> int:
    """Which part of what ``view`` cuts ``i`` is made of."""
    for _ in range(12 if flow.graph.nodes[view].op in CUTS else 0):
        for source, port in flow.rows[i]:
            if source == view:
                return port
        i = next((s for s, _ in flow.rows[i] if flow.variable_bits[s]), view)
    return 0


def _view(flow: Flow, found: Region, i: int, *, dangling: bool) -> int:
    """The tensor to fetch for a terminal: before the decision that a metric takes, before a logarithm."""
    nodes, rows = flow.graph.nodes, flow.rows
    if dangling and found.reported[i] == 1 and nodes[walk_back(flow, i)].op in ops.PROBABILITIES:
        return walk_back(flow, i)  # the form is for a summary
    if dangling and nodes[walk_back(flow, i)].op in ("TopK", "TopKV2"):
        return i  # nobody asks for the best but to see them
    if dangling and not flow.trained:
        return i
    node, decided = i, -1
    for _ in range(12):
        op = nodes[node].op
        if op in ops.DECISIONS:
            decided = node
        elif op not in ops.LOOK_THROUGH:
            break
        inner = next((s for s, _ in rows[node] if found.inside[s] == 1), -1)
        if inner < 0:
            break
        node = inner
    if decided >= 0:
        before = next((s for s, _ in rows[decided] if found.inside[s] == 1), decided)
        base = walk_back(flow, before)
        if not dangling or nodes[base].op in ops.PROBABILITIES:
            return activation_of(flow, found, before)
        activated = activation_of(flow, found, before)
        return activated if activated != before else i
    if not dangling:
        return _length(flow, found, activation_of(flow, found, before_loss(flow, found, i)))
    beside = _shown_beside(flow, found, i)
    return beside if beside >= 0 and found.contact[beside] else i


def _length(flow: Flow, found: Region, i: int) -> int:
    """The root of a sum of squares, if somebody takes it: a distance, of which a loss may take the square."""
    nodes, rows = flow.graph.nodes, flow.rows
    if nodes[i].op != "Sum" or not rows[i] or nodes[rows[i][0][0]].op not in _SQUARES:
        return i
    todo = [i]
    for _ in range(4):
        ahead = [j for node in todo for j in flow.consumers[node] if j < len(nodes) and found.inside[j] == 1]
        for j in ahead:
            if nodes[j].op == "Sqrt":
                return j
        todo = [j for j in ahead if nodes[j].op in ("Add", "AddV2", "Maximum")]
    return i


_SQUARES = frozenset({"Square", "SquaredDifference", "Pow", "Mul"})


def _joined_again(flow: Flow, found: Region, i: int) -> int:
    """What the parts of a tensor become when each was activated and all were joined as before; else -1."""
    nodes = flow.graph.nodes
    shapes = {flow.shape(i)} - {None, ()}
    todo, seen, joined = [i], {i}, -1
    while todo and len(seen) < _NEAR:
        for j in flow.consumers[todo.pop()]:
            if j >= len(nodes) or j in seen or found.inside[j] != 1 or nodes[j].op in ops.SHAPES:
                continue
            seen.add(j)
            if nodes[j].op == "Reshape":
                shapes.add(flow.shape(j))
            if nodes[j].op in ("Concat", "ConcatV2") and flow.shape(j) in shapes - {None}:
                joined = j
            elif nodes[j].op in _PARTWISE:
                todo.append(j)
    made = [s for s, _ in flow.rows[joined] if flow.variable_bits[s]] if joined >= 0 else []
    return joined if len(made) > 1 and seen.issuperset(made) else -1


def _softmax_in_small_ops(flow: Flow, found: Region, i: int) -> int:
    """The exponentials of a tensor over their sum, if somebody decides by them; else -1."""
    nodes = flow.graph.nodes
    todo, seen = [i], {i}
    while todo and len(seen) < _NEAR:
        node = todo.pop()
        for j in flow.consumers[node]:
            if j >= len(nodes) or j in seen or found.inside[j] != 1 or nodes[j].op not in _EXPONENTIALS:
                continue
            seen.add(j)
            todo.append(j)
            if nodes[j].op not in ("RealDiv", "Div") or nodes[flow.rows[j][0][0]].op != "Exp":
                continue
            if any(nodes[k].op in ops.DECISIONS for k in flow.consumers[j] if k < len(nodes)):
                return j
    return -1


_EXPONENTIALS = frozenset({"Max", "Sub", "Exp", "Sum", "Tile", "Pack", "RealDiv", "Div"})

_NEAR = 60
_PARTWISE = (
    ops.LOOK_THROUGH
    | ops.ACTIVATIONS
    | frozenset("Split SplitV Slice StridedSlice Exp Add AddV2 Sub Mul RealDiv Tanh Softplus".split())
)


def activation_of(flow: Flow, found: Region, i: int) -> int:
    """The softmax or sigmoid of a tensor, where there is one beside what was found."""
    nodes = flow.graph.nodes
    if nodes[walk_back(flow, i)].op in ops.PROBABILITIES:
        return i
    joined = -1 if is_deliberate(flow, i) else _joined_again(flow, found, i)
    for made in (joined, _softmax_in_small_ops(flow, found, i)):
        if made >= 0:
            return made
    root, _ = _root(flow, i)
    for start in dict.fromkeys((i, root)):
        todo = [start]
        for _ in range(8):
            if not todo:
                break
            for reader in flow.consumers[todo.pop()]:
                if reader >= len(nodes) or found.inside[reader] != 1 or found.lossward[reader]:
                    continue
                if nodes[reader].op in ops.PROBABILITIES:
                    return reader
                if nodes[reader].op in ops.LOOK_THROUGH:
                    todo.append(reader)
    return i


_PARTS = 8
"""A tensor is cut into so few answers at most; more are steps in time."""


def parts(flow: Flow, found: Region, head: Head) -> list[Head]:
    """A head for each output of a node that hands out its answer in several: those that somebody wants.

    Nobody reads any of them, or a label meets some.  A sparse tensor is three outputs.
    """
    nodes, rows = flow.graph.nodes, flow.rows
    node = nodes[head.node]
    best = walk_back(flow, head.node, ops.LOOK_THROUGH | {"Log", "Exp"})
    if nodes[best].op in ("TopK", "TopKV2") and head.dangling and not head.port:
        # The values, and where they stand, unless something was made of that.
        used = {port for j in flow.consumers[best] for source, port in rows[j] if source == best}
        return [head] if 1 in used else [head, replace(head, node=best, port=1, alternatives=[])]
    if node.op in ("CTCGreedyDecoder", "CTCBeamSearchDecoder"):
        ports = [0, 1, 2]
    elif node.op in ("Unpack", "Split", "SplitV"):
        read = {port for _, port in flow.graph.consumers[head.node]}
        ports = [port for port in range(_parts_of(flow, head.node)) if port not in read or not head.dangling]
        if not head.dangling:
            ports = sorted(
                {port for j in flow.consumers[head.node] for source, port in rows[j]
                 if source == head.node and j < len(nodes) and not flow.off[j] and found.inside[j] != 1
                 and flow.feed_bits[j] & found.labels and nodes[j].op not in ops.SHAPES}
            )  # fmt: skip
    else:
        return [head]
    if not 0 < len(ports) <= _PARTS:
        return [head]
    return [replace(head, port=port) for port in ports]


_LOSS_PARTS = frozenset(
    """Select SelectV2 GreaterEqual Greater Less LessEqual Neg Exp Log Log1p Abs Sub Add AddV2 Mul Maximum
    Minimum Relu ClipByValue Square Pow Sqrt Softplus Identity ZerosLike Sigmoid Log1mexp Cast""".split()
)


_PREPARES_LOSS = frozenset({"Log", "Log1p", "ClipByValue", "Maximum", "Minimum", "Neg", "Cumsum"})
_PREPARES_LOGARITHM = _PREPARES_LOSS | {"Sub", "Add", "AddV2", "Mul", "Pow"}


def _within(outer: str, inner: str) -> bool:
    """Whether the scope of a name, which is not the outermost, holds the scope of another one."""
    scope = outer.rpartition("/")[0]
    return bool(scope) and inner.startswith(f"{scope}/")


def _is_odds(flow: Flow, i: int) -> bool:
    """Whether a tensor is chances over their complements, of which Keras makes logits for a loss."""
    nodes, row = flow.graph.nodes, flow.rows[i]
    if nodes[i].op not in ("RealDiv", "Div") or len(row) != 2 or nodes[row[1][0]].op != "Sub":
        return False
    return row[0] in flow.rows[row[1][0]][1:]


_SLICES = frozenset({"StridedSlice", "Slice", "Split", "SplitV", "Unpack"})


def before_loss(flow: Flow, found: Region, i: int) -> int:
    """Back over logarithm, clipping, flattening and cutting up to the tensor that a loss is taken of."""
    for _ in range(4):
        before = _step_before_loss(flow, found, i)
        if before == i:
            break
        i = before
    return i


def _step_before_loss(flow: Flow, found: Region, i: int) -> int:
    nodes, rows = flow.graph.nodes, flow.rows
    uncut = _uncut(flow, found, i)
    if uncut != i:
        return uncut
    node, logarithm, shaped = i, False, -1
    for _ in range(8):
        op = nodes[node].op
        if op in ops.PROBABILITIES:
            return shaped if shaped >= 0 and _within(nodes[shaped].name, nodes[node].name) else node
        if op == "Reshape":
            shaped = node
        if op in ("Squeeze", "Identity") and nodes[walk_back(flow, node)].op in ops.PROBABILITIES:
            return node  # the form that the author gave the answer; a Reshape is for the loss
        prepares = _PREPARES_LOGARITHM if logarithm else _PREPARES_LOSS
        if op not in prepares and op not in ops.LOOK_THROUGH and not _is_odds(flow, node):
            break
        logarithm |= op in ("Log", "Log1p")
        inner = [s for s, _ in rows[node] if found.inside[s] == 1]
        if _is_odds(flow, node):
            inner = inner[:1]
        if len(inner) != 1:
            break
        node = inner[0]
    beside = _shown_beside(flow, found, i)
    if beside >= 0:
        return beside
    if nodes[i].op == "ExpandDims" and _inner(flow, found, i):
        return rows[i][0][0]
    if nodes[i].op == "Reshape" and _inner(flow, found, i) and not _read_twice(flow, i):
        before = rows[i][0][0]
        shape, flat = flow.shape(before), flow.shape(i)
        flattened = shape is not None and flat is not None and len(shape) > len(flat)
        if flattened or any(nodes[j].op in ops.LOSSES for j in flow.consumers[i] if j < len(nodes)):
            return before
    shown = nodes[i].op == "LogSoftmax" and found.extends[i]
    if nodes[i].op in ("Log", "Log1p", "LogSoftmax") and not shown and _inner(flow, found, i):
        return rows[i][0][0]
    if nodes[i].op == "Sub" and len(rows[i]) == 2 and _only_weighed(flow, found, i):
        first, second = (s for s, _ in rows[i])
        if found.inside[first] == 1 and nodes[walk_back(flow, second)].op == "Log":
            return first  # less the logarithm of a sum of likelihoods
        if {found.inside[first], found.inside[second]} == {0, 1}:
            return first if found.inside[first] else second  # the example itself, less what is made of it
    return i


def _inner(flow: Flow, found: Region, i: int) -> bool:
    """Whether a node's first input is inference."""
    return bool(flow.rows[i]) and found.inside[flow.rows[i][0][0]] == 1


def _read_twice(flow: Flow, i: int) -> bool:
    """Whether more than one loss or measure reads a tensor: then its form is the author's."""
    nodes = flow.graph.nodes
    readers = [
        j for j in flow.consumers[i]
        if j < len(nodes) and not flow.off[j] and nodes[j].op not in ops.SHAPES
    ]  # fmt: skip
    return len(set(readers)) > 1


def _shown_beside(flow: Flow, found: Region, i: int) -> int:
    """The only answer that a tensor joins, with padding or the example itself; else -1."""
    row = flow.rows[i]
    if flow.graph.nodes[i].op not in ("Concat", "ConcatV2"):
        return -1
    inner = [s for s, _ in row if found.inside[s] == 1]
    rest = any(flow.variable_bits[s] for s, _ in row if found.inside[s] != 1)
    return inner[0] if len(inner) == 1 and not rest else -1


def _only_weighed(flow: Flow, found: Region, i: int) -> bool:
    """Whether the labels that meet a tensor are multiplied with it: a comparison came before."""
    return all(
        flow.graph.nodes[j].op in ("Mul", "RealDiv", "Div")
        for j in flow.consumers[i]
        if j < len(flow.graph.nodes) and not flow.off[j] and flow.feed_bits[j] & found.labels
    )


def _uncut(flow: Flow, found: Region, i: int) -> int:
    """The tensor that is converted, or cut into parts, for nothing but a loss; else ``i`` itself."""
    nodes, rows = flow.graph.nodes, flow.rows
    if nodes[i].op == "Cast":
        source = rows[i][0][0] if rows[i] else i
        return source if found.inside[source] == 1 else i
    cut = walk_back(flow, i)
    if cut >= len(nodes) or nodes[cut].op not in _SLICES:
        return i
    source = next((t for t, _ in rows[cut] if found.inside[t] == 1), -1)
    if source < 0:
        return i
    readers = [
        j for j in flow.consumers[source]
        if j < len(nodes) and found.inside[j] == 1 and not flow.off[j] and nodes[j].op not in ops.SHAPES
    ]  # fmt: skip
    slices = [j for j in readers if nodes[j].op in _SLICES]
    if len(slices) > 1:
        return source
    whole, part = flow.shape(source), flow.shape(cut)
    shortened = cut == i and nodes[i].op in ("StridedSlice", "Slice") and len(readers) == 1
    if shortened and whole is not None and part is not None and len(whole) == len(part):
        return source  # the last step, which has no successor to compare it with
    return i


_SAME_ROOT = (
    ops.LOOK_THROUGH
    | ops.ACTIVATIONS
    | ops.DECISIONS
    | frozenset({"Log", "CTCGreedyDecoder", "CTCBeamSearchDecoder"})
)


def _root(flow: Flow, i: int, port: int = 0) -> tuple[int, int]:
    nodes = flow.graph.nodes
    for _ in range(32):
        if i >= len(nodes) or nodes[i].op not in _SAME_ROOT or not flow.rows[i]:
            break
        inner = next(((s, k) for s, k in flow.rows[i] if flow.variable_bits[s] or not flow.variables), None)
        if inner is None or (nodes[i].op == "Log" and nodes[inner[0]].op not in ops.PROBABILITIES):
            break
        i, port = _beside_zeros(flow, *inner)
    return i, port if i < len(nodes) and nodes[i].op in CUTS else 0


def _beside_zeros(flow: Flow, i: int, port: int) -> tuple[int, int]:
    """The logits that were joined with zeros, for a softmax over two classes; else the tensor itself."""
    nodes = flow.graph.nodes
    if i >= len(nodes) or nodes[i].op != "ConcatV2" or len(flow.rows[i]) != 3:
        return i, port
    (zeros, _), logits = flow.rows[i][:2]
    alike = zeros < len(nodes) and nodes[zeros].op == "ZerosLike" and flow.rows[zeros] == (logits,)
    return logits if alike else (i, port)


def cone(flow: Flow, *ends: int) -> frozenset[int]:
    """The activations that nodes need, themselves included."""
    seen = set(ends)
    todo = list(ends)
    while todo:
        for source, _ in flow.rows[todo.pop()]:
            if (
                source not in seen
                and (flow.feed_bits[source] or flow.random_bits[source])
                and not flow.off[source]
            ):
                seen.add(source)
                todo.append(source)
    return frozenset(seen)


def tensor(flow: Flow, node: int, port: int) -> str:
    """The tensor's name."""
    return f"{flow.graph.nodes[node].name}:{port}"


def names(flow: Flow, pairs: Sequence[tuple[int, int]]) -> list[str]:
    """The names of tensors given as (node, port)."""
    return [tensor(flow, node, port) for node, port in pairs]


def forms(flow: Flow, head: Head) -> list[str]:
    """The names of a head's views: that which was chosen, what it shows or decides, terms of losses last."""
    nodes = flow.graph.nodes
    found = [(head.node, head.port)]
    if head.root >= 0 and head.root < len(nodes):
        found.append((head.root, 0))
    found.extend(head.alternatives)
    answers = ops.ACTIVATIONS | ops.DECISIONS
    rank = {
        pair: (nodes[pair[0]].op not in answers, nodes[pair[0]].op in _LOSS_PARTS and pair[0] != head.root)
        for pair in found[1:]
    }
    return names(flow, [found[0], *sorted(rank, key=lambda pair: rank[pair])])


def decided_for_labels(flow: Flow, found: Region) -> list[Head]:
    """Scores whose decision a label is compared with, though a net that rebuilds the example reads it."""
    nodes = flow.graph.nodes
    groups: Groups = {}
    for i in met_by_labels(flow, found):
        if nodes[walk_back(flow, i)].op in ("ArgMax", "TopK", "TopKV2"):
            add_view(flow, found, groups, i, dangling=False)
    return list(groups.values())


def other_kinds(flow: Flow, head: Head) -> list[str]:
    """Of the forms of a head those that say something else: a class, probabilities, what both are made of.

    The same numbers in another shape are no other answer.
    """
    base = walk_back(flow, head.node)
    pairs = [(split_input(text)[0], text) for text in forms(flow, head)[1:]]
    return [text for name, text in pairs if walk_back(flow, flow.graph.index[name]) != base]


def named_on_the_way(flow: Flow, found: Region) -> list[str]:
    """What somebody named on the way to a loss without labels, a score for each example, the last first."""
    nodes = flow.graph.nodes
    return [
        tensor(flow, i, 0) for i in reversed(flow.line)
        if i < len(nodes) and found.lossward[i] and found.inside[i] == 1 and flow.shape(i) != ()
        and is_named(flow, i)
    ]  # fmt: skip


def met_by_labels(flow: Flow, found: Region, *, count: int = 10) -> list[int]:
    """Tensors that a label meets though something else reads them on: candidates, as a rule."""
    nodes = flow.graph.nodes
    terms = _LOSS_PARTS - {"Add", "AddV2", "Mul", "Sigmoid"}
    result: list[int] = []
    for i in flow.line:
        if len(result) >= count:
            break
        if (
            i < len(nodes)
            and found.inside[i] == 1
            and found.contact[i]
            and found.extends[i]
            and nodes[i].op not in terms
        ):
            result.append(i)
    return result


def seen_beside(flow: Flow, found: Region) -> list[str]:
    """Ends that were passed over: what only summaries and updates read, and where the last layers end."""
    nodes = flow.graph.nodes
    leads = leads_on(flow, found.inside, scored=found.scored)
    ends: dict[int, int] = {}
    for i in flow.line:
        if not found.inside[i] or nodes[i].op in ops.SHAPES:
            continue
        if found.peeled[i] or (found.inside[i] == 2 and not flow.graph.consumers[i]):
            ends[i] = 4 if nodes[i].op in ops.DECISIONS else 3
        elif not leads[i] and meets_parameter(flow, i) and any(leads[s] for s, _ in flow.rows[i]):
            ends[activation_of(flow, found, i)] = 2
    best = sorted(ends, key=lambda i: (-ends[i], -flow.variable_bits[i].bit_count(), -i))
    return names(flow, [(i, 0) for i in best[:_BESIDE]])


_BESIDE = 6
