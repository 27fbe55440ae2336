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
from zoo.endpoints.ending import CUTS, NOWHERE, Ending, before_dropout
from zoo.endpoints.flow import Flow, meets_parameter, output_dtype
from zoo.endpoints.kinds import is_deliberate, is_named, walk_back
from zoo.endpoints.region import Region
from zoo.endpoints.states import (
    HANDS_ON,
    accumulates,
    all_next_states,
    starts_from_feed,
)
from zoo.endpoints.views import (
    activation_of,
    appeal_of,
    before_scope_of_loss,
    port_of,
    port_read_by,
    root_of,
    turned_back,
    view_of,
)
from zoo.graph import split_input
from zoo.shapes.engine import BACK_EDGES
from zoo.shapes.structure import MOST_PARTS

FETCHED = 16
"""Tensors that somebody means to fetch, at most; of more than these, some or all are left over."""
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
    met: int = 0
    """Bits of the labels that meet what it is a view of, whether the model goes on from that or not."""
    rule: str = "head"
    """Which of the observations found it."""
    alternatives: list[tuple[int, int]] = field(default_factory=list)
    """Other views of the same root, best first."""
    towers: int = 1
    """How many copies with the same variables there are, itself included."""
    cone: frozenset[int] = frozenset()


def bare(flow: Flow, i: int, port: int = 0) -> Head:
    """A tensor as a head as if nobody read it, whatever it is."""
    feeds = flow.feed_bits[i] & ~flow.side
    return Head(node=i, port=port, coverage=flow.variable_bits[i], feeds=feeds, root=i, dangling=True)


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
    if nodes[i].op not in ("Sum", "Mean") or not flow.rows[i] or flow.consumers[i] or not flow.learns:
        return False
    return flow.op(walk_back(flow, flow.rows[i][0][0])) in ops.DECISIONS


def heads(flow: Flow, found: Region) -> list[Head]:
    """The heads, as groups of views of one tensor; not yet chosen among."""
    nodes = flow.graph.nodes
    groups: Groups = {}
    exits: list[int] = []
    leads = found.leads(flow)
    endings = [Ending(flow, found, leads)]
    if flow.taught:
        endings.append(Ending(flow, found, leads, measures=True))
    ends = []
    for i in terminals(flow, found):
        dangling = not found.contact[i] and not found.scalar[i]
        if dangling and not is_deliberate(flow, i) and nodes[walk_back(flow, i, HANDS_ON)].op in _LOOPS_END:
            exits.append(i)  # a loop hands out all its variables, wanted or not
        elif dangling or all(ending.next[i] == NOWHERE for ending in endings):
            ends.append((i, dangling))
    shown = _shown(flow, found, [i for i, dangling in ends if dangling])
    taken: dict[tuple[int, ...], tuple[int, int]] = {}
    for ending in endings:
        fresh = {}
        for (node, port), made_of in ending.heads().items():
            if shown[node] or flow.looped[node]:
                continue
            first = taken.get(tuple(made_of), (-1, 0))
            fresh[tuple(made_of)] = (node, port)
            add_view(flow, found, groups, node, dangling=False, port=port, labels=ending.met[node], of=first)
        taken = fresh
    # With what a label is mixed for layers that follow is no answer, if there is any.
    mixed = [end for end in ends if not end[1] and _only_leads_on(flow, found, end[0])]
    for i, dangling in ends:
        if (i, dangling) not in mixed:
            add_view(flow, found, groups, i, dangling=dangling)
    for i, dangling in mixed if not groups else ():
        add_view(flow, found, groups, i, dangling=dangling)
    for i, port in unread_parts(flow, found):
        add_view(flow, found, groups, i, dangling=True, port=port)
    told = any(head.labels for head in groups.values())
    drawn = [i for i in exits if not told and _draws_by_itself(flow, i)]
    wanted = [i for i in exits if starts_from_feed(flow, i) or _writes_words(flow, i) or i in drawn]
    if not groups and not flow.learns:
        wanted = [i for i in exits if accumulates(flow, i)] or exits
    for i in wanted:
        state = groups and not _writes_words(flow, i) and i not in drawn
        add_view(flow, found, groups, i, dangling=True, rule="state" if state else "head")
    for head in groups.values():
        head.met = _met_by(flow, found, head.root)
    _add_states(flow, found, groups)
    for i, labels in _paths(flow, found).items():
        _add_path(flow, groups, i, labels)
    if len(groups) > _GROUPS:
        order = sorted(groups.values(), key=lambda head: (-head.coverage.bit_count(), -head.node))
        return sorted(order[:_GROUPS], key=lambda head: (head.node, head.port))
    return list(groups.values())


def _writes_words(flow: Flow, i: int) -> bool:
    """Whether a loop hands out whole numbers for each example that it only adds to: words."""
    if output_dtype(flow.graph.nodes[i], 0) not in ("int32", "int64"):
        return False
    return len(flow.shape(i) or ()) > 1 and flow.variable_bits[i] != 0 and accumulates(flow, i)


def _draws_by_itself(flow: Flow, i: int) -> bool:
    """Whether a loop makes examples of noise alone, step by step, by all that the model has learned."""
    fed, drawn = flow.feed_bits[i], flow.random_bits[i]
    everything = (1 << len(flow.variables)) - 1
    return bool(drawn and not fed and flow.variable_bits[i] == everything and len(flow.shape(i) or ()) > 1)


def _only_leads_on(flow: Flow, found: Region, i: int) -> bool:
    """Whether layers follow behind all that a label makes of a tensor."""
    met = [j for j in flow.readers(i) if flow.feed_bits[j] & found.labels]
    return bool(met) and all(flow.leads[j] for j in met)


_LOOPS_END = frozenset({"Exit", "RefExit", "While", "StatelessWhile"})


def _paths(flow: Flow, found: Region) -> dict[int, int]:
    """Decisions of several steps put together, with the bits of the labels that they are compared with.

    A search found them, as Viterbi's: a loop did, or a step's decision was looked up by that of another.
    """
    nodes = flow.graph.nodes
    paths: dict[int, int] = {}
    for i in flow.line:
        if found.inside[i] != 1 or not found.contact[i] or (flow.taught and flow.taught[i]):
            continue
        base = walk_back(flow, i)
        if output_dtype(nodes[base], 0) in ("int32", "int64") and _is_put_together(flow, found, base):
            paths[base] = paths.get(base, 0) | found.contact[i]
    return paths


def _is_put_together(flow: Flow, found: Region, i: int) -> bool:
    """Whether steps are put together, or are by one side of a condition: sentences of one word need none."""
    sides = [walk_back(flow, s) for s, _ in flow.rows[i][:2]] if flow.op(i) == "Merge" else [i]
    joins = [side for side in sides if flow.op(side) in _JOINS]
    steps = [walk_back(flow, s) for side in joins for s, _ in flow.rows[side][:_STEPS]]
    # Pairs of tags are scored, or a step's decision is looked up by that of another.
    searched = found.scored != 0 or any(flow.op(step) in ops.LOOKUPS for step in steps)
    return (bool(joins) and searched) or any(flow.op(side) in _BY_LOOPS for side in sides)


_BY_LOOPS = frozenset({"ReverseSequence", "TensorArrayGatherV3"})
_JOINS = frozenset({"Pack", "Concat", "ConcatV2"})
_STEPS = 64


def _add_path(flow: Flow, groups: Groups, i: int, labels: int) -> None:
    """Have the path ``i`` for a head in place of the scores that it was found by."""
    coverage = flow.variable_bits[i]
    scores = [
        root for root, head in groups.items()
        if (head.labels and not head.labels & ~labels and not head.coverage & ~coverage) or head.node == i
    ]  # fmt: skip
    before = [groups.pop(root) for root in scores]
    for head in before:
        labels |= head.labels
    others = [(head.node, head.port) for head in before if head.node != i]
    groups[i, 0] = Head(
        node=i, port=0, coverage=coverage, feeds=flow.feed_bits[i] & ~flow.side, root=i, dangling=False,
        labels=labels, rule="path", alternatives=others,
    )  # fmt: skip


def unread_parts(flow: Flow, found: Region) -> list[tuple[int, int]]:
    """The first unread part, (node, output), of each tensor that an export cuts and reads other parts of.

    So it is with the best values, where only their places are read on; what sorts inside a net reads the
    values alone.  A training shows the best values, too, where it looks up what stands in their places.
    """
    result = []
    for i in flow.graph.having(CUTS | _BEST):
        if flow.learns and not any(flow.op(j).startswith("LookupTable") for j in _in_places(flow, i)):
            continue
        read = {port for _, port in flow.graph.consumers[i]}
        if found.inside[i] == 1 and read and not flow.looped[i]:
            ports = 1 if flow.graph.nodes[i].op in _BEST else min(_PARTS, output_count(flow, i))
            result.extend([(i, port) for port in range(ports) if port not in read][:1])
    return result


_BEST = frozenset({"TopK", "TopKV2"})


def _in_places(flow: Flow, i: int) -> list[int]:
    """What reads the places of the best values, converted or not."""
    if flow.op(i) not in _BEST:
        return []
    readers = [j for j, port in flow.graph.consumers[i] if port == 1][:_NEAR]
    turned = [j for j in readers if flow.op(j) in ops.LOOK_THROUGH]
    return readers + [k for j in turned for k in flow.consumers[j][:_NEAR] if k < len(flow.graph.nodes)]


def output_count(flow: Flow, i: int) -> int:
    """How many parts a node cuts a tensor into."""
    node = flow.graph.nodes[i]
    count = node.attr("num" if node.op == "Unpack" else "num_split")
    return min(int(count.i), MOST_PARTS) if count is not None else 1


def _met_by(flow: Flow, found: Region, i: int) -> int:
    """Bits of the labels that meet a tensor, in whatever form."""
    todo, seen, bits = [i], {i}, 0
    while todo and len(seen) < _NEAR:
        node = todo.pop()
        bits |= found.contact[node]
        fresh = [j for j in flow.readers(node) if flow.op(j) in ops.LOOK_THROUGH and j not in seen]
        seen.update(fresh)
        todo += fresh
    return bits


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
    shown = {walk_back(flow, head.node) for head in groups.values()}
    for i in all_next_states(flow):
        if i >= 0 and found.inside[i] == 1 and i not in shown:
            shown.add(i)
            groups[-1 - i, 0] = Head(
                node=i, port=0, coverage=flow.variable_bits[i], feeds=flow.feed_bits[i] & ~flow.side,
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
    if ops.joins_one(flow.graph.nodes[i]) and flow.rows[i]:
        i = flow.rows[i][0][0]
    if not is_deliberate(flow, i):
        i = before_scope_of_loss(flow, found, i)
    view = (
        i if flow.graph.nodes[i].op in CUTS else turned_back(flow, view_of(flow, found, i, dangling=dangling))
    )
    port = port_of(flow, view) or (port if view == i else port_read_by(flow, i, view))
    root = root_of(flow, view, port)
    converted = of[0] >= 0 and of[0] != i and root not in groups
    if converted:
        root = root_of(flow, *of)
    labels |= _labels(found, root[0], view, i)
    head = groups.get(root)
    if head is None:
        groups[root] = Head(
            node=view, port=port, coverage=flow.variable_bits[view], feeds=flow.feed_bits[view] & ~flow.side,
            root=root[0], dangling=dangling, labels=labels, rule=rule,
        )  # fmt: skip
        if view != i:
            groups[root].alternatives.append((i, port_of(flow, i)))
        return
    head.labels |= labels
    rivals = [(head.node, head.port, head.dangling), (view, port, dangling)]
    if converted:
        best = rivals[0 if _is_cut_of(flow, view, head.node) else 1]
    else:
        best = max(rivals, key=lambda rival: (appeal_of(flow, rival[0], dangling=rival[2]), -rival[0]))
    for node, k, _ in rivals:
        if node != best[0] and (node, k) not in head.alternatives:
            head.alternatives.insert(0, (node, k))
    head.node, head.port, head.dangling = best
    head.coverage |= flow.variable_bits[view]
    if view != i and (i, 0) not in head.alternatives:
        head.alternatives.append((i, port_of(flow, i)))


def _is_cut_of(flow: Flow, i: int, whole: int) -> bool:
    """Whether a tensor shows a part of another one, in whatever form."""
    return walk_back(flow, i, ops.LOOK_THROUGH | {"Slice", "StridedSlice"}) == walk_back(flow, whole)


def _labels(found: Region, *nodes: int) -> int:
    bits = 0
    for i in nodes:
        bits |= found.contact[i]
    return bits


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
        ports = [
            port for port in range(output_count(flow, head.node)) if port not in read or not head.dangling
        ]
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


def scored_for_labels(flow: Flow, found: Region) -> list[Head]:
    """What losses with labels take, where all that comes later is a net that rebuilds the example."""
    inside = bytearray(found.inside)
    for i in reversed(flow.line):
        if inside[i] == 1 and not found.contact[i]:
            inside[i] = any(inside[j] == 1 for j in flow.consumers[i])
    scored = replace(found, inside=inside, _leads=None)
    ending = Ending(flow, scored, scored.leads(flow))
    groups: Groups = {}
    for node, port in ending.heads():
        add_view(flow, scored, groups, node, dangling=False, port=port, labels=ending.met[node])
    return list(groups.values())


def other_kinds(flow: Flow, head: Head) -> list[str]:
    """Of the forms of a head those that say something else: a class, probabilities, what both are made of.

    The same numbers in another shape are no other answer.
    """
    base = walk_back(flow, head.node)
    pairs = [(split_input(text)[0], text) for text in forms(flow, head)[1:]]
    return [text for name, text in pairs if walk_back(flow, flow.graph.index[name]) != base]


def decision_beside(flow: Flow, found: Region, head: Head) -> list[str]:
    """What a head decides on, if it is a decision; else what is decided by it."""
    base = walk_back(flow, head.node)
    if flow.op(base) in _CHOOSES:
        pairs = flow.rows[base][:1]
        return names(flow, [pair for pair in pairs if found.inside[pair[0]] == 1 and flow.op(pair[0])])
    todo = list(dict.fromkeys((head.node, head.root)))
    seen = set(todo)
    while todo and len(seen) < _NEAR:
        for j in flow.readers(todo.pop()):
            if flow.op(j) in _CHOOSES:
                return names(flow, [(_in_its_form(flow, found, j), 0)])
            if flow.op(j) in ops.LOOK_THROUGH and j not in seen:
                seen.add(j)
                todo.append(j)
    return []


def _in_its_form(flow: Flow, found: Region, i: int) -> int:
    """A decision as its author got it: converted or in another shape, if nothing else is made of it."""
    for _ in range(4):
        readers = [j for j in flow.readers(i) if flow.op(j) not in ops.SHAPES]
        if len(readers) != 1 or flow.op(readers[0]) not in ops.LOOK_THROUGH or found.inside[readers[0]] != 1:
            break
        (i,) = readers
    return i


def before_last_layer(flow: Flow, head: Head) -> list[str]:
    """What the last layer of a head's net reads: features, which are fetched for many an end."""
    i = head.root
    for _ in range(_NEAR):
        inner = [s for s, _ in flow.rows[i] if flow.feed_bits[s] & ~flow.side and flow.variable_bits[s]]
        if len(inner) != 1 or inner[0] >= len(flow.graph.nodes):
            return []
        last = flow.op(i) in ops.MIXES and not flow.op(i).startswith("BiasAdd")
        (i,) = inner
        if last:
            return names(flow, [(before_dropout(flow, i), 0)])
    return []


_CHOOSES = frozenset({"ArgMax", "ArgMin"})
_NEAR = 12


def named_by_somebody(flow: Flow) -> list[str]:
    """What somebody gave a name: tensors that nobody reads first, then those that need the most variables."""
    texts, kinds, start = flow.graph.names, flow.graph.ops, len(flow.scope)
    # Names of one's own are in no scope, but for those of nodes that do nothing else.
    able = [i for i in flow.line if kinds[i] == "Identity" or texts[i].find("/", start) < 0]
    named = [
        i for i in able
        if is_named(flow, i) and flow.feed_bits[i] & ~flow.side and flow.variable_bits[i]
        and not flow.looped[i] and kinds[i] not in ops.SHAPES and flow.shape(i) != ()
    ]  # fmt: skip
    best = sorted(
        named, key=lambda i: (not flow.readers(i), flow.variable_bits[i].bit_count(), i), reverse=True
    )
    return names(flow, [(i, 0) for i in best[:_BESIDE]])


def met_by_labels(flow: Flow, found: Region, *, count: int = 10) -> list[int]:
    """Tensors that a label meets though something else reads them on: candidates, as a rule."""
    nodes = flow.graph.nodes
    terms = _LOSS_PARTS - {"Add", "AddV2", "Mul", "Sigmoid"}
    met = [
        i for i in flow.line
        if found.inside[i] == 1 and found.contact[i] and (nodes[i].op not in terms or is_named(flow, i))
    ]  # fmt: skip
    best = sorted(met, key=lambda i: (is_named(flow, i), flow.variable_bits[i].bit_count()), reverse=True)
    return best[:count]


def seen_beside(flow: Flow, found: Region) -> list[str]:
    """Ends that were passed over: what only summaries and updates read, and where the last layers end."""
    nodes = flow.graph.nodes
    leads = found.leads(flow)
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
