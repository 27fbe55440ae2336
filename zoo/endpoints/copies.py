"""Copies of a net that share their variables: which of them is the one for inference."""

from __future__ import annotations

import re
from collections.abc import Set
from dataclasses import replace

from zoo.endpoints import ops
from zoo.endpoints.flow import Flow, meets_parameter, parameter_behind
from zoo.endpoints.heads import Head

_FOR_INFERENCE = re.compile(
    r"(^|[/_])(test|eval|infer|inference|predict|prediction|sampler|sample|deploy|val|valid)", re.IGNORECASE
)


_FOR_VALIDATION = re.compile(r"(^|[/_])(val|valid)", re.IGNORECASE)
FOR_TRAINING = re.compile(r"(^|[/_])(train|training|aux|auxiliary)", re.IGNORECASE)


def without_copies(flow: Flow, groups: list[Head]) -> tuple[list[Head], list[Head]]:
    """One of the towers that share all their variables: the one for inference."""
    by_coverage: dict[int, list[Head]] = {}
    for head in groups:
        by_coverage.setdefault(head.coverage, []).append(head)
    kept: list[Head] = []
    dropped: list[Head] = []
    mixes = {id(head): layers_of(flow, head) for head in groups}
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
        best = max(towers, key=lambda tower: max(inference(flow, head) for head in tower))
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
    taught = [
        head for head in rivals
        if head not in free and (not head.dangling or any(head.feeds & ~other.feeds for other in free))
    ]  # fmt: skip
    result = []
    for head in taught:
        for other in free:
            if not head.labels and not head.feeds & ~other.feeds:
                continue  # the true words are labels, or fed besides
            # Each has its lookups for itself, of words that are told or its own, in one table or in two.
            own = {i for i in mixes[id(head)] - mixes[id(other)] if flow.op(i) not in ops.LOOKUPS}
            mine = _parameters(flow, own).intersection(flow.variables)
            if mine and mine <= _parameters(flow, mixes[id(other)] - mixes[id(head)]):
                result.append(head)
                # What the told decoder would have said itself is not needed either.
                layers = mixes[id(head)]
                result += [
                    beside for beside in free
                    if beside.feeds & ~other.feeds and mixes[id(beside)] <= layers and beside not in result
                ]  # fmt: skip
                break
    return result


def untaught_copies(flow: Flow, head: Head) -> list[Head]:
    """The same tensor of another run of the net, which no gradient goes through: made to be looked at."""
    if not flow.taught or not flow.taught[head.node]:
        return []
    return [
        replace(head, node=i, port=0, root=i, alternatives=[])
        for i in made_alike(flow, head.node)
        if not flow.taught[i] and not flow.teaches[i] and flow.variable_bits[i] == head.coverage
    ]


def way_to_layer(flow: Flow, i: int) -> list[int]:
    """A tensor, and what it was made of back to its net's last layer; empty where ways meet before."""
    way = [i]
    while not meets_parameter(flow, way[-1]):
        inner = [s for s, _ in flow.rows[way[-1]] if flow.feed_bits[s] | flow.random_bits[s]]
        if len(inner) != 1 or len(way) > _WAY:
            return []
        way.append(inner[0])
    return way


def made_alike(flow: Flow, i: int) -> list[int]:
    """Other tensors that the same last layer, read again, and the same ops behind it made."""
    nodes, rows = flow.graph.nodes, flow.rows
    way = way_to_layer(flow, i)
    if not way:
        return []
    parameters = [s for s, _ in rows[way[-1]] if flow.variable_bits[s] and not flow.feed_bits[s] & ~flow.side]
    result = []
    for k in flow.consumers[parameters[0]] if parameters else ():
        for j in reversed(way[:-1]):
            k = next((n for n in flow.consumers[k] if n < len(nodes) and nodes[n].op == nodes[j].op), -1)
            if k < 0:
                break
        alike = 0 <= k < len(nodes) and k != i and not flow.off[k] and nodes[k].op == nodes[i].op
        if alike and flow.shape(k) == flow.shape(i):
            result.append(k)
    return result


_WAY = 8
"""Ops between a net's last layer and its answer."""


def inference(flow: Flow, head: Head) -> tuple[int, ...]:
    """How much a copy of the net looks like the one for inference; more is better."""
    nodes = flow.graph.nodes
    name = nodes[head.node].name
    statistics = any(flow.statistics[s] for i in head.cone for s, _ in flow.rows[i])
    random = sum(1 for i in head.cone if i < len(nodes) and nodes[i].op in ops.RANDOM)
    if head.rule == "generator" or not flow.feed_bits[head.node]:
        random = 0
    differentiated = (
        bool(flow.taught[head.root])
        if flow.taught
        else f"gradients/{nodes[head.root].name}_grad" in _gradient_scopes(flow)
    )
    piped = sum(1 for i in head.cone if i < len(nodes) and ops.hands_out_examples(nodes[i].op))
    # Of what no gradient goes through a summary may have been made, and nobody else reads it either.
    shown = head.dangling or bool(flow.taught and not flow.taught[head.node])
    return (
        -min(random, 1),
        int(statistics),
        int(not differentiated),
        int(shown),
        -min(piped, 1),
        _inference_in_name(name),
        -head.node,
    )


def _inference_in_name(name: str) -> int:
    """What a name says: made for testing, for validating, nothing, or for training."""
    if FOR_TRAINING.search(name):
        return int(_FOR_INFERENCE.search(name) is not None) - 1
    return 2 * int(_FOR_INFERENCE.search(name) is not None) - int(_FOR_VALIDATION.search(name) is not None)


def _gradient_scopes(flow: Flow) -> frozenset[str]:
    """``gradients/<op>_grad`` for every op that a gradient was taken of."""
    cached: frozenset[str] | None = flow.__dict__.get("_scopes")
    if cached is None:
        found = {ops.differentiated(flow.graph.names[i]) for i in flow.graph.about_gradients} - {""}
        cached = frozenset(f"gradients/{op}_grad" for op in found)
        flow.__dict__["_scopes"] = cached
    return cached


def layers_of(flow: Flow, head: Head) -> frozenset[int]:
    """The layers that a head needs."""
    nodes = flow.graph.nodes
    return frozenset(i for i in head.cone if i < len(nodes) and nodes[i].op in ops.MIXES)


def _parameters(flow: Flow, layers: Set[int]) -> set[int]:
    """The variables that layers read as their own."""
    return {
        parameter_behind(flow, s) for i in layers for s, _ in flow.rows[i] if not flow.feed_bits[s]
    } - {-1}  # fmt: skip
