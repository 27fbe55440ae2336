"""Which of the heads are the outputs: copies, auxiliary heads and critics told from answers."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace

from zoo.endpoints import ops
from zoo.endpoints.flow import Flow, meets_parameter, parameter_behind
from zoo.endpoints.heads import Head, activation_of, cone, decided_for_labels, heads, parts
from zoo.endpoints.kinds import walk_back
from zoo.endpoints.leftovers import deliberate, without_leftovers
from zoo.endpoints.made import compared_with_input, first_complete, generators
from zoo.endpoints.region import Region
from zoo.endpoints.trainers import through_another, without_teachers

_GOOD = re.compile(
    r"(^|[/_])(test|eval|infer|inference|predict|prediction|sampler|sample|deploy|val|valid)", re.IGNORECASE
)
_BAD = re.compile(r"(^|[/_])(train|training|aux|auxiliary)", re.IGNORECASE)

_TARGET = re.compile(r"(^|[/_])target", re.IGNORECASE)


@dataclass
class Choice:
    """The outputs, what else was considered, and how sure that is."""

    chosen: list[Head]
    others: list[Head] = field(default_factory=list)
    confidence: float = 0.5
    remarks: list[str] = field(default_factory=list)


def choose(flow: Flow, found: Region) -> Choice:
    """The heads that together are the model's answer."""
    groups = heads(flow, found)
    made, judge = generators(flow, found) if flow.trained else ([], 0)
    remarks: list[str] = []
    if made:
        return _generated(flow, groups, made, judge)
    groups, teachers = without_teachers(flow, groups)
    groups, judgements = through_another(flow, found, groups) if flow.trained else (groups, [])
    judgements += teachers
    groups, leftovers = without_leftovers(flow, found, groups)
    everything = _reachable(flow, found)
    covered = _union(groups)
    missing = everything & ~covered
    rest: list[Head] = []
    if missing:
        extra = compared_with_input(flow, found, missing)
        fetched = any(head.dangling for head in groups)
        decided = decided_for_labels(flow, found) if extra and not fetched else []
        if decided:
            rest, extra, groups = [*extra, *groups], [], decided
        named = any(head.dangling and deliberate(flow, head) for head in groups)
        if (
            not extra
            and not decided
            and not named
            and (not groups or _count(missing) * 5 > _count(everything))
        ):
            extra = first_complete(flow, found, missing)
        if decided:
            pass
        elif extra and _count(_union(extra)) >= _count(covered):
            rest, groups = [head for head in groups if not head.dangling], [
                *(head for head in groups if head.dangling and head.coverage & ~_union(extra)), *extra,
            ]  # fmt: skip
        else:
            groups = [*groups, *extra]
        if extra and flow.trained:
            groups, more = through_another(flow, found, groups)
            judgements += more
    for head in groups:
        head.cone = cone(flow, head.node)
    groups, inner = _without_stages(flow, groups)
    chosen, dropped = _without_copies(flow, groups)
    dropped += inner
    chosen, auxiliary = _without_auxiliaries(flow, chosen)
    dropped += auxiliary
    chosen, targets = _without_targets(flow, chosen)
    dropped += targets
    chosen, late = _penultimate(flow, chosen)
    chosen, small = _without_subsets(flow, chosen)
    dropped += late + small + leftovers + judgements
    chosen = _with_both_layouts(flow, found, chosen)
    confidence = _confidence(flow, chosen, dropped, everything)
    chosen = _before_joined(flow, found, chosen)
    chosen = [part for head in chosen for part in parts(flow, found, head)]
    chosen.sort(key=lambda head: (head.node, head.port))
    dropped.sort(key=lambda head: (-_count(head.coverage), head.node))
    return Choice(chosen, dropped + rest, confidence, remarks)


def _count(bits: int) -> int:
    return bits.bit_count()


def _union(groups: list[Head]) -> int:
    bits = 0
    for head in groups:
        bits |= head.coverage
    return bits


def _reachable(flow: Flow, found: Region) -> int:
    """The variables that any activation depends on."""
    bits = 0
    for i in flow.line:
        if found.inside[i]:
            bits |= flow.variable_bits[i]
    return bits & ~found.scored


def share(flow: Flow, found: Region, chosen: list[Head]) -> float:
    """The share of the variables that any activation of a region depends on, which the heads cover."""
    everything = _reachable(flow, found)
    return _count(_union(chosen) & everything) / max(1, _count(everything))


def _generated(flow: Flow, groups: list[Head], made: list[Head], judge: int) -> Choice:
    """The generator's output (an actor's action); a copy of it made for sampling is preferred."""
    wanted: list[Head] = []
    others = [head for head in groups if head.coverage & judge]
    for head in made:
        rivals = [
            other for other in groups
            if other.coverage == head.coverage and not other.coverage & judge and other.node != head.node
        ]  # fmt: skip
        if rivals:
            for rival in [head, *rivals]:
                rival.cone = cone(flow, rival.node)
            best = max([head, *rivals], key=lambda item: _inference(flow, item))
            best.rule, best.towers = "generator", len(rivals) + 1
            wanted.append(best)
            others.extend(item for item in [head, *rivals] if item is not best)
        else:
            wanted.append(head)
    unique = {head.node: head for head in wanted}
    sure = (_SINGLE if len(unique) == 1 else _SEVERAL) - _DOUBT
    return Choice(sorted(unique.values(), key=lambda head: head.node), others, sure)


def _inference(flow: Flow, head: Head) -> tuple[int, ...]:
    """How much a copy of the net looks like the one for inference; more is better."""
    nodes = flow.graph.nodes
    name = nodes[head.node].name
    statistics = sum(
        1 for i in head.cone for s, _ in flow.rows[i]
        if s < len(nodes) and not flow.feed_bits[s] and _is_statistic(flow, s)
    )  # fmt: skip
    random = sum(1 for i in head.cone if i < len(nodes) and nodes[i].op in ops.RANDOM)
    if head.rule == "generator" or not flow.feed_bits[head.node]:
        random = 0
    differentiated = f"gradients/{nodes[head.root].name}_grad" in _gradient_scopes(flow)
    piped = sum(1 for i in head.cone if i < len(nodes) and ops.hands_out_examples(nodes[i].op))
    return (
        -min(random, 1),
        min(statistics, 1),
        int(not differentiated),
        int(head.dangling),
        -min(piped, 1),
        int(_GOOD.search(name) is not None) - int(_BAD.search(name) is not None),
        -head.node,
    )


def _is_statistic(flow: Flow, i: int) -> bool:
    node = flow.graph.nodes[i]
    if node.op in ops.PASSES and flow.rows[i]:
        node = flow.graph.nodes[flow.rows[i][0][0]]
    return node.op in ops.VARIABLES and "moving" in node.name.lower()


def _gradient_scopes(flow: Flow) -> frozenset[str]:
    """``gradients/<op>_grad`` for every op that a gradient was taken of."""
    cached: frozenset[str] | None = flow.__dict__.get("_scopes")
    if cached is None:
        found = {ops.differentiated(flow.graph.names[i]) for i in flow.graph.about_gradients} - {""}
        cached = frozenset(f"gradients/{op}_grad" for op in found)
        flow.__dict__["_scopes"] = cached
    return cached


def _without_stages(flow: Flow, groups: list[Head]) -> tuple[list[Head], list[Head]]:
    """Without heads on the way to another that depends on the same variables, and goes on from them.

    So it is with an embedding that is compared with all others, and with the towers of several
    devices whose answers are joined.
    """
    nodes = flow.graph.nodes
    later = [
        head for head in groups
        if head.rule == "head" and (head.dangling or nodes[head.node].op in ("Concat", "ConcatV2"))
    ]  # fmt: skip
    layers = {id(head): _layers_of(flow, head) for head in later}
    kept: list[Head] = []
    inner: list[Head] = []
    for head in groups:
        stage = head.rule == "head" and any(
            other is not head and other.coverage == head.coverage and other.root != head.root
            and head.node in other.cone and other.node not in head.cone
            and not layers[id(other)] <= head.cone for other in later
        )  # fmt: skip
        (inner if stage else kept).append(head)
    return kept, inner


def _layers_of(flow: Flow, head: Head) -> frozenset[int]:
    """The layers that a head needs."""
    nodes = flow.graph.nodes
    return frozenset(i for i in head.cone if i < len(nodes) and nodes[i].op in ops.MIXES)


def _without_copies(flow: Flow, groups: list[Head]) -> tuple[list[Head], list[Head]]:
    """One of the towers that share all their variables: the one for inference."""
    by_coverage: dict[int, list[Head]] = {}
    for head in groups:
        by_coverage.setdefault(head.coverage, []).append(head)
    kept: list[Head] = []
    dropped: list[Head] = []
    mixes = {id(head): _layers_of(flow, head) for head in groups}
    for coverage, rivals in by_coverage.items():
        if len(rivals) == 1 or not coverage:
            kept.extend(rivals)
            continue
        taught = _taught_word_by_word(flow, rivals, mixes)
        dropped.extend(taught)
        rivals = [head for head in rivals if head not in taught]
        towers: list[list[Head]] = []
        for head in rivals:
            for tower in towers:
                if mixes[id(head)] & mixes[id(tower[0])]:
                    tower.append(head)
                    break
            else:
                towers.append([head])
        best = max(towers, key=lambda tower: max(_inference(flow, head) for head in tower))
        for tower in towers:
            (kept if tower is best else dropped).extend(tower)
        for head in best:
            head.towers = len(towers) + bool(taught)
    if any(head.towers > 1 for head in kept):
        # Heads whose copies had slightly different variables go with their tower.
        base = {i for head in kept if head.towers > 1 for i in mixes[id(head)]}
        lost = {i for head in dropped for i in mixes[id(head)]} - base
        gone = [
            head
            for head in kept
            if head.towers == 1 and mixes[id(head)] & lost and not mixes[id(head)] & base
        ]
        dropped.extend(gone)
        kept = [head for head in kept if head not in gone]
    return kept, dropped


def _taught_word_by_word(flow: Flow, rivals: list[Head], mixes: dict[int, frozenset[int]]) -> list[Head]:
    """Heads of decoders that are told the true words, if the same parameters also decode by themselves.

    Both may start from one encoder; behind it each layer is there twice.
    """
    free = [head for head in rivals if not (flow.taught[head.root] if flow.taught else head.labels)]
    taught = [head for head in rivals if head.labels and not head.dangling and head not in free]
    result = []
    for head in taught:
        for other in free:
            mine = _parameters(flow, mixes[id(head)] - mixes[id(other)])
            if mine and mine <= _parameters(flow, mixes[id(other)] - mixes[id(head)]):
                result.append(head)
                break
    return result


def _parameters(flow: Flow, layers: frozenset[int]) -> set[int]:
    """The variables that layers read as their own."""
    return {
        parameter_behind(flow, s) for i in layers for s, _ in flow.rows[i] if not flow.feed_bits[s]
    } - {-1}  # fmt: skip


def _without_auxiliaries(flow: Flow, groups: list[Head]) -> tuple[list[Head], list[Head]]:
    """Without heads that only help training: they meet the same label as a head that covers more."""
    kept: list[Head] = []
    dropped: list[Head] = []
    for head in groups:
        shape = flow.shape(head.node, head.port)
        width = shape[-1] if shape else None
        better = [
            other for other in groups
            if other is not head
            and (_count(other.coverage), head.node in other.cone) > (_count(head.coverage), False)
            and other.coverage & head.coverage
            and _same_width(flow, other, width)
            and not _other_part(flow, head, other)
            and ((head.labels and head.labels & other.labels and not head.dangling)
                 or (head.dangling and _BAD.search(flow.graph.nodes[head.node].name)))
        ]  # fmt: skip
        (dropped if better else kept).append(head)
    return kept, dropped


def _other_part(flow: Flow, first: Head, second: Head) -> bool:
    """Whether two heads are made of different parts of one tensor: means, spreads and weights."""
    mine, other = _cuts(flow, first), _cuts(flow, second)
    return bool(mine) and {cut for cut, _ in mine} == {cut for cut, _ in other} and not mine & other


def _cuts(flow: Flow, head: Head) -> set[tuple[int, int]]:
    """The parts, as (node that cuts, output), that a head is made of without a layer in between.

    A node that cuts stands for parts that nobody else is made of.
    """
    nodes = flow.graph.nodes
    if nodes[head.node].op in _CUTS:
        return {(head.node, head.port)}
    result: set[tuple[int, int]] = set()
    todo, seen = [head.node], {head.node}
    while todo:
        for source, port in flow.rows[todo.pop()]:
            if source >= len(nodes) or source in seen or not flow.variable_bits[source]:
                continue
            if nodes[source].op in _CUTS:
                result.add((source, port))
            elif nodes[source].op in ops.MIXES or len(seen) > 40:
                return set()
            else:
                seen.add(source)
                todo.append(source)
    return result


_CUTS = frozenset({"Split", "SplitV", "Unpack"})


def _same_width(flow: Flow, head: Head, width: int | None) -> bool:
    shape = flow.shape(head.node, head.port)
    return shape is None or width is None or not shape or shape[-1] in (width, None)


def _without_subsets(flow: Flow, groups: list[Head]) -> tuple[list[Head], list[Head]]:
    """Without heads of a part of the net that another head covers whole."""
    kept: list[Head] = []
    dropped: list[Head] = []
    for head in groups:
        if not flow.trained:
            coarse = any(_finer(flow, head, other) for other in groups)
            (dropped if coarse else kept).append(head)
            continue
        inner = any(
            other is not head
            and head.coverage != other.coverage
            and not head.coverage & ~other.coverage
            and (not head.labels or head.labels & other.labels or not other.labels)
            for other in groups
        )
        wanted = head.rule == "state" or (head.dangling and deliberate(flow, head))
        (dropped if inner and not wanted else kept).append(head)
    return kept, dropped


def _steps(flow: Flow, head: Head, other: Head) -> bool:
    """Whether two heads are steps of one series: the same layer made both."""
    if flow.graph.nodes[head.node].op != flow.graph.nodes[other.node].op or not head.labels & other.labels:
        return False
    same = flow.shape(head.node, head.port) == flow.shape(other.node, other.port)
    return same and _last_parameters(flow, head.node) == _last_parameters(flow, other.node) != set()


def _last_parameters(flow: Flow, i: int) -> set[int]:
    """The parameters that were met last on the ways to a node."""
    nodes = flow.graph.nodes
    found: set[int] = set()
    todo, seen = [i], {i}
    while todo and len(seen) < _NEAR:
        node = todo.pop()
        if node < len(nodes) and meets_parameter(flow, node, layers=True):
            found |= _parameters(flow, frozenset({node}))
            continue
        fresh = {s for s, _ in flow.rows[node] if flow.variable_bits[s]} - seen
        seen |= fresh
        todo.extend(sorted(fresh))
    return found


_NEAR = 200


def _finer(flow: Flow, head: Head, other: Head) -> bool:
    """Whether another head goes on from this one, with more of the net, to say the same in more detail."""
    first, second = flow.shape(head.node, head.port), flow.shape(other.node, other.port)
    if head.coverage & ~other.coverage or head.coverage == other.coverage or not first or not second:
        return False
    alike = len(first) == len(second) == 4 and first[-1] == second[-1] and first != second
    return alike and _layers_of(flow, head) <= other.cone


def _penultimate(flow: Flow, groups: list[Head]) -> tuple[list[Head], list[Head]]:
    """Without a classifier that only trains the embedding in front of it.

    The embedding is there to be fetched, nobody reads it; the classifier's logits are read by the
    loss alone, and add one layer to what the embedding depends on.
    """
    fetched = [head for head in groups if head.dangling and head.rule == "head"]
    dropped = [
        head for head in groups
        if not head.dangling and not head.alternatives and any(
            other.coverage & ~head.coverage == 0 and 0 < _count(head.coverage & ~other.coverage) <= 2
            and _count(other.coverage) > 2 for other in fetched
        )
    ]  # fmt: skip
    return [head for head in groups if head not in dropped], dropped


def _with_both_layouts(flow: Flow, found: Region, chosen: list[Head]) -> list[Head]:
    """The heads, and for one that is only transposed for whoever fetches it also its source."""
    result = []
    for head in chosen:
        result.append(head)
        node = flow.graph.nodes[head.node]
        if head.dangling and node.op == "Transpose" and flow.rows[head.node]:
            source = flow.rows[head.node][0][0]
            if found.contact[source] and found.inside[source] == 1:
                result.append(
                    Head(
                        node=source, port=0, coverage=head.coverage, feeds=head.feeds, root=head.root,
                        dangling=False, labels=found.contact[source],
                    )
                )  # fmt: skip
    return result


def _before_joined(flow: Flow, found: Region, chosen: list[Head]) -> list[Head]:
    """What a loss joins of several scales, each by itself: where the author shows one answer for each scale.

    The probabilities of each scale, which no loss needs, tell; offsets of boxes are joined likewise.
    """
    nodes, rows = flow.graph.nodes, flow.rows
    joined: dict[int, list[int]] = {}
    for head in chosen:
        if not head.dangling and head.rule == "head" and nodes[head.node].op in ("Concat", "ConcatV2"):
            joined[id(head)] = [s for s, _ in rows[head.node] if found.inside[s] == 1]
    shown = {
        key: [activation_of(flow, found, s) for s in sources]
        for key, sources in joined.items() if len(sources) > 1
    }  # fmt: skip
    scales = {
        len(sources) for key, sources in joined.items()
        if key in shown and all(a != s for a, s in zip(shown[key], sources, strict=True))
    }  # fmt: skip
    result: list[Head] = []
    for head in chosen:
        if id(head) in shown and len(shown[id(head)]) in scales:
            result.extend(
                replace(head, node=i, port=0, root=i, coverage=flow.variable_bits[i], alternatives=[])
                for i in shown[id(head)]
            )
        else:
            result.append(head)
    return result


_SHOWN, _SINGLE, _SEVERAL = 0.92, 0.78, 0.58
"""One head of probabilities, any other single head, and several heads."""

_DOUBT = 0.12
"""What each doubt takes off."""


def _confidence(flow: Flow, chosen: list[Head], dropped: list[Head], everything: int) -> float:
    """How often an answer of this kind was right on graphs that nobody had developed on, in round numbers."""
    if not chosen:
        return 0.0
    nodes = flow.graph.nodes
    ends = [nodes[walk_back(flow, head.node)].op for head in chosen]
    base = _SHOWN if set(ends) <= ops.PROBABILITIES else _SINGLE
    doubts = (
        any(head.rule in ("reconstruction", "complete", "generator") for head in chosen),
        bool(dropped) or any(head.towers > 1 for head in chosen),
        bool(everything & ~_union(chosen)),
        any(op in _ARITHMETIC and not head.dangling for op, head in zip(ends, chosen, strict=True)),
        _are_twins(flow, chosen),
    )
    return max(0.3, (base if len(chosen) == 1 else _SEVERAL) - _DOUBT * sum(doubts))


_ARITHMETIC = frozenset("Sub Mul Sum Mean Neg Square Sqrt Log Exp RealDiv Maximum Minimum".split())
"""Ops of which losses are made rather than layers; an addition may be that of an offset."""


def _are_twins(flow: Flow, chosen: list[Head]) -> bool:
    """Whether two heads share neither feeds nor variables and are of one shape: a net and its copy."""
    return any(
        _twins(flow, first, second)
        for k, first in enumerate(chosen[:_COMPARED])
        for second in chosen[k + 1 : _COMPARED]
    )


def _twins(flow: Flow, first: Head, second: Head) -> bool:
    return (
        not first.coverage & second.coverage
        and not first.feeds & second.feeds
        and first.coverage.bit_count() == second.coverage.bit_count()
        and flow.shape(first.node, first.port) == flow.shape(second.node, second.port)
    )


def _without_targets(flow: Flow, groups: list[Head]) -> tuple[list[Head], list[Head]]:
    """Without the slow copies of nets that Python keeps up to date: only their names tell them."""
    slow = [head for head in groups[:_COMPARED] if _TARGET.search(flow.graph.nodes[head.node].name)]
    dropped = [
        head for head in slow
        if any(other not in slow and _twins(flow, head, other) for other in groups[:_COMPARED])
    ]  # fmt: skip
    return [head for head in groups if head not in dropped], dropped


_COMPARED = 8
