"""The heads of the inference cone: which tensors are what the model has to say.

Three observations carry it.  An example meets a parameter first; a label meets an activation, and
what follows ends in a single number.  A head is the last tensor before a label is met, or one that
nobody reads at all: nobody makes a tensor but to fetch it.  And the heads together cover the
model's variables.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from zoo.endpoints import ops
from zoo.endpoints.flow import Flow
from zoo.endpoints.kinds import walk_back
from zoo.shapes.engine import BACK_EDGES

_GROUPS = 60
"""Heads that are compared with each other; more than this many are no heads."""


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


@dataclass
class Region:
    """The part of the graph that is inference and depends on the model's variables."""

    inside: bytearray
    labels: int
    side: int
    """Bits of flags and the like, which say nothing about a tensor."""
    extends: list[int]
    """Per node how many nodes inside read it."""
    contact: list[int]
    """Per node the bits of the labels that meet it next."""
    scalar: bytearray
    """Per node whether a single number is computed from it next."""
    reported: bytearray
    """Per node 1 if a summary reads it, 2 if something does that is made for one, or for an update."""
    lossward: bytearray
    """Everything from here ends in a single number, without meeting a label."""
    peeled: bytearray


def data_bits(flow: Flow, *, scalars: bool = False) -> int:
    """The feeds that meet a parameter: examples, states, lengths; labels do not.

    With ``scalars`` also those that meet one as a single number does.
    """
    bits = 0
    nodes, rows = flow.graph.nodes, flow.rows
    feeds, variables, off, dead = flow.feed_bits, flow.variable_bits, flow.off, flow.dead
    for i in flow.order:
        if i >= len(nodes) or off[i] or not feeds[i] or not variables[i] or (feeds[i] | bits) == bits:
            continue
        if dead and dead[i]:
            continue
        op = nodes[i].op
        soft = op in ops.SOFT_MIXES
        if not soft and op not in ops.MIXES and op not in flow.graph.functions:
            continue
        parameter, met = False, 0
        for source, _ in rows[i]:
            if feeds[source]:
                met |= feeds[source]
            elif variables[source]:
                parameter = parameter or not soft or bool(flow.shape(source)) or _parameter(flow, source) >= 0
        if parameter and (not soft or scalars or not flow.is_scalar(i)):
            bits |= met
    return bits


def region(flow: Flow, labels: int, side: int, *, scalars: bool = False, peel: bool = True) -> Region:
    """Marks what is inference, and what happens to each of its tensors next.

    Single numbers are losses and measures, unless ``scalars`` says that the model answers with one.
    Without ``peel``, what only summaries read counts as much as anything.
    """
    nodes, rows = flow.graph.nodes, flow.rows
    feeds, variables, off, dead = flow.feed_bits, flow.variable_bits, flow.off, flow.dead
    count = len(rows)
    inside = bytearray(count)
    blind = not flow.variables
    fed = any(feeds[i] & ~labels & ~side and variables[i] for i in range(len(nodes)) if not off[i])
    own = set(flow.variables)
    for i in range(len(nodes)):
        if off[i] or (dead and dead[i]) or feeds[i] & labels or nodes[i].op in ops.SHAPES:
            continue
        if blind:
            inside[i] = bool(feeds[i] & ~side)
        elif variables[i] and i not in own:
            if fed:
                inside[i] = bool(feeds[i] & ~side) or flow.random_bits[i]
            else:
                inside[i] = flow.random_bits[i] or _is_activation(flow, i)
    found = Region(
        inside=inside, labels=labels, side=side, extends=[0] * count, contact=[0] * count,
        scalar=bytearray(count), reported=bytearray(count), lossward=bytearray(count),
        peeled=bytearray(count),
    )  # fmt: skip
    for i in flow.order:
        if (
            i < len(nodes)
            and inside[i]
            and nodes[i].op in ops.REDUCTIONS | ops.SOFT_MIXES | _NUMBERS
            and flow.is_scalar(i)
        ):
            inside[i] = 2 if not blind and (flow.trained or nodes[i].op in ops.REDUCTIONS) else 1
        elif (
            i < len(nodes)
            and inside[i]
            and rows[i]
            and all(inside[s] == 2 or (not feeds[s] and not variables[s]) for s, _ in rows[i])
            and any(inside[s] == 2 for s, _ in rows[i])
        ):
            inside[i] = 2
    _uses(flow, found, peel=peel)
    return found


_NUMBERS = frozenset("Mean Neg RealDiv Div AddN Select Sqrt Square Exp Log Identity Reshape Squeeze".split())


def _is_activation(flow: Flow, i: int) -> bool:
    """Whether a node without any feed is more than a variable being read."""
    return bin(flow.variable_bits[i]).count("1") > 1


def _uses(flow: Flow, found: Region, *, peel: bool) -> None:
    """Fill in what happens to each tensor next, from the ends backward."""
    nodes, rows, off, dead = flow.graph.nodes, flow.rows, flow.off, flow.dead
    inside, labels = found.inside, found.labels
    watched = _watched(flow)
    open_uses = [0] * len(rows)
    for i in range(len(nodes)):
        op = nodes[i].op
        if dead and dead[i]:
            continue
        for source, _ in rows[i]:
            if inside[source] != 1:
                continue
            if off[i] or (watched[i] and inside[i] != 1):
                if watched[i] or ops.writes(op):
                    direct = off[i] and not ops.writes(op) and found.reported[source] != 2
                    found.reported[source] = 1 if direct else 2
            elif inside[i] == 1:
                if op not in ops.SHAPES:
                    found.extends[source] += 1
                    if nodes[source].op not in BACK_EDGES:
                        open_uses[source] += 1
            elif inside[i] == 2:
                found.scalar[source] = 1
            elif flow.feed_bits[i] & labels:
                found.contact[source] |= flow.feed_bits[i] & labels
    lossward = found.lossward
    for i in reversed(flow.order):
        if i >= len(nodes) or inside[i] != 1:
            continue
        if not found.contact[i] and (found.scalar[i] or found.extends[i]) and not open_uses[i]:
            lossward[i] = 1
        elif not found.extends[i] and found.reported[i] and not found.contact[i]:
            # Made for a summary or an update; but an answer may have a summary, too.
            answer = found.reported[i] == 1 and nodes[walk_back(flow, i)].op in ops.ACTIVATIONS
            found.peeled[i] = peel and not answer
        if lossward[i] or found.peeled[i]:
            for source, _ in rows[i]:
                if inside[source] == 1 and nodes[source].op not in BACK_EDGES:
                    open_uses[source] -= 1
                    if found.peeled[i]:
                        found.extends[source] -= 1
                        found.reported[source] = 2


_VIEWS = frozenset(
    """ImageSummary HistogramSummary AudioSummary AudioSummaryV2 TensorSummary TensorSummaryV2
    WriteImageSummary WriteHistogramSummary WriteAudioSummary WriteSummary""".split()
)


def _watched(flow: Flow) -> bytearray:
    """Nodes that only summaries read, and the summaries."""
    nodes, rows = flow.graph.nodes, flow.rows
    used = bytearray(len(rows))
    watched = bytearray(len(rows))
    for i in reversed(flow.order):
        if i >= len(nodes):
            continue
        # Single numbers are measures of something else; what measures is no view of the answer.
        summary = nodes[i].op in _VIEWS
        # A node that nothing reads has no reader that could only watch it.
        watched[i] = summary or used[i] == 2
        for source, _ in rows[i]:
            if watched[i]:
                used[source] = used[source] or 2
            elif nodes[i].op not in ops.SHAPES:
                used[source] = 1
    return watched


def terminals(flow: Flow, found: Region) -> list[int]:
    """Nodes inside that nothing inside reads on, and that are not on the way to a loss only."""
    nodes = flow.graph.nodes
    result = []
    for i in flow.order:
        if i >= len(nodes) or found.inside[i] != 1 or found.lossward[i] or found.peeled[i]:
            continue
        if any(
            found.inside[j] == 1
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


def heads(flow: Flow, found: Region) -> list[Head]:
    """The heads, as groups of views of one tensor; not yet chosen among."""
    nodes = flow.graph.nodes
    groups: dict[int, Head] = {}
    exits: list[int] = []
    for i in terminals(flow, found):
        dangling = not found.contact[i] and not found.scalar[i]
        if dangling and nodes[walk_back(flow, i)].op in ("Exit", "RefExit"):
            exits.append(i)  # a loop hands out all its variables, wanted or not
            continue
        _add(flow, found, groups, i, dangling=dangling)
    if not groups:
        for i in exits:
            _add(flow, found, groups, i, dangling=True)
    return list(groups.values())[:_GROUPS]


def _add(
    flow: Flow, found: Region, groups: dict[int, Head], i: int, *, dangling: bool, rule: str = "head"
) -> None:
    view = _view(flow, found, i, dangling=dangling)
    root = _root(flow, view)
    port = _port(flow, i) if view == i else _port(flow, view)
    head = groups.get(root)
    if head is None:
        groups[root] = Head(
            node=view, port=port, coverage=flow.variable_bits[view], feeds=flow.feed_bits[view] & ~found.side,
            root=root, dangling=dangling, labels=_labels(found, root, view, i), rule=rule,
        )  # fmt: skip
        if view != i:
            groups[root].alternatives.append((i, _port(flow, i)))
        return
    head.labels |= _labels(found, root, view, i)
    rivals = [(head.node, head.port, head.dangling), (view, port, dangling)]
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


def _view(flow: Flow, found: Region, i: int, *, dangling: bool) -> int:
    """The tensor to fetch for a terminal: before the decision that a metric takes, before a logarithm."""
    nodes, rows = flow.graph.nodes, flow.rows
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
            return _sibling(flow, found, before)
        activated = _sibling(flow, found, before)
        return activated if activated != before else i
    if not dangling:
        return _sibling(flow, found, _before_loss(flow, found, i))
    return i


def _sibling(flow: Flow, found: Region, i: int) -> int:
    """The softmax or sigmoid of a tensor, where there is one beside what was found."""
    nodes = flow.graph.nodes
    if nodes[walk_back(flow, i)].op in ops.PROBABILITIES:
        return i
    root = _root(flow, i)
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


_LOSS_PARTS = frozenset(
    """Select SelectV2 GreaterEqual Greater Less LessEqual Neg Exp Log Log1p Abs Sub Add AddV2 Mul Maximum
    Minimum Relu ClipByValue Square Pow Sqrt Softplus Identity ZerosLike Sigmoid Log1mexp Cast""".split()
)


def _part_of_loss(flow: Flow, found: Region, i: int) -> int:
    """The logits of which ``i`` is a term of a cross entropy written out in small ops, else -1.

    `tf.nn.sigmoid_cross_entropy_with_logits` is ``relu(x) - x * labels + log1p(exp(-abs(x)))``: what
    meets the label beside ``x`` is made from ``x`` alone.
    """
    nodes, rows = flow.graph.nodes, flow.rows
    if nodes[i].op not in _LOSS_PARTS:
        return -1
    todo, seen, ends = [i], {i}, set()
    while todo and len(seen) < 40:
        node = todo.pop()
        for source, _ in rows[node]:
            if found.inside[source] != 1 or source in seen:
                continue
            seen.add(source)
            if (
                found.contact[source]
                and source != i
                and nodes[source].op not in ("Exp", "Log1p", "Neg", "Select")
            ):
                ends.add(source)
            elif nodes[source].op in _LOSS_PARTS:
                todo.append(source)
            else:
                return -1
    return ends.pop() if len(ends) == 1 else -1


def _shared_by_terms(flow: Flow, found: Region, i: int) -> int:
    """Where the terms of a loss part: ``d`` for ``y * d**2 + (1 - y) * max(1 - d, 0)**2``, else -1."""
    nodes, rows = flow.graph.nodes, flow.rows
    node = i
    for _ in range(6):
        if nodes[node].op not in _LOSS_PARTS or nodes[node].op in ops.PROBABILITIES:
            return -1
        inner = [s for s, _ in rows[node] if found.inside[s] == 1]
        if len(set(inner)) != 1:
            return -1
        node = inner[0]
        ahead = [j for j in flow.consumers[node] if j < len(nodes) and found.inside[j] == 1]
        if len(ahead) > 1:
            ends = [_ends_in_contact(flow, found, j) for j in ahead]
            return node if all(ends) else -1
    return -1


def _ends_in_contact(flow: Flow, found: Region, i: int) -> bool:
    """Whether a chain of elementwise ops leads from a node to a label and nowhere else."""
    nodes = flow.graph.nodes
    for _ in range(6):
        if nodes[i].op not in _LOSS_PARTS:
            return False
        if found.contact[i]:
            return True
        ahead = [j for j in flow.consumers[i] if j < len(nodes) and found.inside[j] == 1]
        if len(ahead) != 1:
            return False
        i = ahead[0]
    return False


_PREPARES_LOSS = frozenset("Log Log1p ClipByValue Maximum Minimum Neg Sub Add AddV2 Mul Exp Pow Abs".split())


def _before_loss(flow: Flow, found: Region, i: int) -> int:
    """Back over logarithm, clipping and epsilon to the probabilities that a hand-written loss takes."""
    nodes, rows = flow.graph.nodes, flow.rows
    whole = _part_of_loss(flow, found, i)
    if whole >= 0:
        return whole
    node = i
    for _ in range(8):
        op = nodes[node].op
        if op in ops.PROBABILITIES:
            return node
        if op not in _PREPARES_LOSS and op not in ops.LOOK_THROUGH:
            break
        inner = [s for s, _ in rows[node] if found.inside[s] == 1]
        if len(inner) != 1:
            break
        node = inner[0]
    if nodes[i].op == "Reshape" and rows[i] and found.inside[rows[i][0][0]] == 1:
        before = rows[i][0][0]
        shape, flat = flow.shape(before), flow.shape(i)
        flattened = shape is not None and flat is not None and len(shape) > len(flat)
        if flattened or any(nodes[j].op in ops.LOSSES for j in flow.consumers[i] if j < len(nodes)):
            return before
    shared = _shared_by_terms(flow, found, i)
    if shared >= 0:
        return shared
    if nodes[i].op in ("Log", "Log1p", "LogSoftmax") and rows[i] and found.inside[rows[i][0][0]] == 1:
        return rows[i][0][0] if nodes[i].op != "LogSoftmax" else i
    return i


def _root(flow: Flow, i: int) -> int:
    through = ops.LOOK_THROUGH | ops.ACTIVATIONS | ops.DECISIONS
    nodes = flow.graph.nodes
    for _ in range(32):
        if i >= len(nodes) or nodes[i].op not in through or not flow.rows[i]:
            return i
        inner = next((s for s, _ in flow.rows[i] if flow.variable_bits[s] or not flow.variables), None)
        if inner is None:
            return i
        i = inner
    return i


def compared_with_input(flow: Flow, found: Region, missing: int) -> list[Head]:
    """Reconstructions: activations that are compared with an example itself on the way to a loss."""
    nodes, rows = flow.graph.nodes, flow.rows
    groups: dict[int, Head] = {}
    for i in flow.order:
        if i >= len(nodes) or nodes[i].op not in ops.DIFFERENCES or not found.inside[i]:
            continue
        row = [s for s, _ in rows[i]]
        raw = [s for s in row if flow.feed_bits[s] and not flow.variable_bits[s] and flow.shape(s) != ()]
        if not raw:
            continue
        for source in row:
            if found.lossward[source] and flow.variable_bits[source] & missing:
                before = _before_loss(flow, found, source)
                before = _activated(flow, found, before)
                _add(flow, found, groups, before, dangling=True, rule="reconstruction")
    widest = max((bin(head.coverage).count("1") for head in groups.values()), default=0)
    return [head for head in groups.values() if bin(head.coverage).count("1") == widest]


def _activated(flow: Flow, found: Region, i: int) -> int:
    """The sigmoid of the logits that a cross entropy compares, if the graph computes one."""
    nodes = flow.graph.nodes
    for reader in flow.consumers[i]:
        if reader < len(nodes) and found.inside[reader] == 1 and nodes[reader].op in ops.PROBABILITIES:
            return reader
    return i


def first_complete(flow: Flow, found: Region, missing: int) -> list[Head]:
    """Where all the missing variables come together first, with the activation that follows."""
    nodes, rows = flow.graph.nodes, flow.rows
    widest = 0
    for i in flow.order:
        if i < len(nodes) and found.lossward[i]:
            bits = flow.variable_bits[i] & missing
            if bin(bits).count("1") > bin(widest).count("1"):
                widest = bits
    if not widest:
        return []
    for i in flow.order:
        if i < len(nodes) and found.lossward[i] and flow.variable_bits[i] & missing == widest:
            node = i
            for _ in range(8):
                ahead = [
                    j
                    for j in flow.consumers[node]
                    if j < len(nodes) and found.inside[j] == 1 and nodes[j].op not in ops.SHAPES
                ]
                normalized = _normalized_ahead(flow, node, ahead)
                if normalized >= 0:
                    node = normalized
                    continue
                if len(ahead) != 1 or nodes[ahead[0]].op not in _FINISHES:
                    break
                if any(
                    s != node and (flow.feed_bits[s] or flow.variable_bits[s] & ~0) and flow.feed_bits[s]
                    for s, _ in rows[ahead[0]]
                ):
                    break
                node = ahead[0]
            groups: dict[int, Head] = {}
            _add(flow, found, groups, node, dangling=True, rule="complete")
            return list(groups.values())
    return []


def _normalized_ahead(flow: Flow, i: int, ahead: Sequence[int]) -> int:
    """The reader that divides a tensor by its own length, else -1."""
    nodes, rows = flow.graph.nodes, flow.rows
    for j in ahead:
        if nodes[j].op not in ("Mul", "RealDiv", "Div"):
            continue
        for source, _ in rows[j]:
            node = source
            for _ in range(6):
                if node == i or nodes[node].op not in (
                    "Rsqrt",
                    "Sqrt",
                    "Maximum",
                    "Sum",
                    "Square",
                    "Add",
                    "AddV2",
                ):
                    break
                inner = [s for s, _ in rows[node] if flow.feed_bits[s]]
                if not inner:
                    break
                node = inner[0]
            if node == i and source != i:
                return j
    return -1


_FINISHES = frozenset(
    """BiasAdd Add AddV2 Relu Relu6 LeakyRelu Elu Tanh Sigmoid Softmax Identity Mul Reshape Squeeze
    ClipByValue""".split()
)


def generators(flow: Flow, found: Region) -> tuple[list[Head], int]:
    """Tensors that a net judges in the place of examples, and the bits of the judging net.

    A discriminator, a critic or a loss network reads its first weights twice: once with an example,
    once with what another net made.
    """
    nodes, rows = flow.graph.nodes, flow.rows
    raw: set[int] = set()
    made: dict[int, list[tuple[int, int]]] = {}
    for i in flow.order:
        if (
            i >= len(nodes)
            or flow.off[i]
            or nodes[i].op not in ops.MIXES
            or not flow.feed_bits[i] | flow.random_bits[i]
        ):
            continue
        if nodes[i].op in ("BiasAdd", "BiasAddV1") or (flow.dead and flow.dead[i]):
            continue
        parameters = [s for s, _ in rows[i] if not flow.feed_bits[s] and _parameter(flow, s) >= 0]
        if len(parameters) != 1:
            continue
        root = _parameter(flow, parameters[0])
        own = flow.variable_bits[root]
        examples = rows[i][2:] if "Backprop" in nodes[i].op else rows[i]  # the first input is a shape
        for s, _ in examples:
            if s == parameters[0] or not (flow.feed_bits[s] or flow.random_bits[s]):
                continue
            if not flow.variable_bits[s]:
                if flow.feed_bits[s]:
                    raw.add(root)
            elif not flow.variable_bits[s] & own and found.inside[s] == 1:
                made.setdefault(root, []).append((s, own))
    groups: dict[int, Head] = {}
    judge = 0
    sources: list[int] = []
    for root, items in made.items():
        if root in raw:
            sources.extend(s for s, _ in items)
            judge |= flow.variable_bits[root]
    for s in sorted(set(sources), key=lambda s: s):
        node = s
        for _ in range(6):
            if nodes[node].op not in (
                "Concat",
                "ConcatV2",
                "Reshape",
                "Add",
                "AddV2",
                "Sub",
                "Mul",
                "Pad",
                "Identity",
            ):
                break
            inner = [t for t, _ in rows[node] if found.inside[t] == 1]
            others = [t for t, _ in rows[node] if found.inside[t] != 1 and flow.variable_bits[t]]
            if len(inner) != 1 or others:
                break
            node = inner[0]
        _add(flow, found, groups, node, dangling=True, rule="generator")
    chosen = list(groups.values())
    # What a net makes of what a net made (an interpolation, a cycle) is not the answer.
    return [
        head for head in chosen
        if not any(other is not head and _above(flow, other.node, head.node) for other in chosen)
    ], judge  # fmt: skip


def _uses_count(flow: Flow, i: int) -> int:
    """How many nodes of the forward part read a node's content."""
    nodes = flow.graph.nodes
    return sum(
        1 for j in flow.consumers[i] if j < len(nodes) and not flow.off[j] and nodes[j].op not in ops.SHAPES
    )


def _above(flow: Flow, first: int, second: int) -> bool:
    """Whether ``second`` needs ``first``."""
    return first != second and first in cone(flow, second)


def cone(flow: Flow, i: int) -> frozenset[int]:
    """The activations that a node needs, itself included."""
    seen = {i}
    todo = [i]
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


def _parameter(flow: Flow, i: int) -> int:
    """The variable (or large constant) that a node hands on; -1 if it is none."""
    nodes = flow.graph.nodes
    for _ in range(12):
        if i >= len(nodes):
            return -1
        op = nodes[i].op
        if op in ops.VARIABLES:
            return i
        if op == "Const":
            return i if (nodes[i].dtype() or "").startswith("float") and flow.shape(i) else -1
        if op not in ops.PASSES or not flow.rows[i]:
            return -1
        i = flow.rows[i][0][0]
    return -1


def ordered_by_appearance(flow: Flow, found: Iterable[Head]) -> list[Head]:
    """Heads in graph order, which is the order the author wrote them in."""
    return sorted(found, key=lambda head: head.node)


def tensor(flow: Flow, node: int, port: int) -> str:
    """The tensor's name."""
    return f"{flow.graph.nodes[node].name}:{port}"


def names(flow: Flow, pairs: Sequence[tuple[int, int]]) -> list[str]:
    """The names of tensors given as (node, port)."""
    return [tensor(flow, node, port) for node, port in pairs]
