"""Heads that give way to others: stages, early copies, scores behind decisions, parts of what another covers.

Each step takes the heads that are left, and hands on those that stay and those that go.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from zoo.endpoints import ops
from zoo.endpoints.beside import is_shown
from zoo.endpoints.copies import FOR_TRAINING, layers_of, made_alike, without_copies
from zoo.endpoints.flow import Flow
from zoo.endpoints.heads import Head, cone
from zoo.endpoints.kinds import is_called, is_deliberate, is_named, output_kind, walk_back
from zoo.endpoints.region import Region
from zoo.endpoints.states import goes_round, starts_from_feed
from zoo.endpoints.trainers import without_baselines, without_critics

_AUXILIARY = re.compile(r"(^|[/_])aux", re.IGNORECASE)
_TARGET = re.compile(r"(^|[/_])target", re.IGNORECASE)
_Step = Callable[[Flow, list[Head]], tuple[list[Head], list[Head]]]

COMPARED = 8
"""Heads that are compared with each other."""


def without_rivals(flow: Flow, found: Region, groups: list[Head]) -> tuple[list[Head], list[Head]]:
    """The heads that answer, and those that gave way to one of them."""

    def baselines(flow: Flow, heads: list[Head]) -> tuple[list[Head], list[Head]]:
        return without_baselines(flow, found, heads)

    steps: tuple[_Step, ...] = (
        _without_stages, without_copies, _without_noise, _without_auxiliaries, _without_earlier,
        _without_targets, without_critics, baselines, _penultimate, _without_chances, _without_decided_on,
        _without_measured, _without_raw, _without_values, _without_taught_runs, _without_rebuilt,
        _without_subsets,
    )  # fmt: skip
    chosen, dropped = groups, list[Head]()
    for step in steps:
        chosen, gone = step(flow, chosen)
        dropped += gone
    return chosen, dropped


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
    layers = {id(head): layers_of(flow, head) for head in later}
    kept: list[Head] = []
    inner: list[Head] = []
    for head in groups:
        shown = not flow.learns and any(is_shown(flow, node) for node, _ in head.alternatives)
        stage = head.rule == "head" and not shown and any(
            other is not head and other.coverage == head.coverage and other.root != head.root
            and head.node in other.cone and other.node not in head.cone
            and not layers[id(other)] <= head.cone for other in later
        )  # fmt: skip
        (inner if stage else kept).append(head)
    return kept, inner


def _without_auxiliaries(flow: Flow, groups: list[Head]) -> tuple[list[Head], list[Head]]:
    """Without heads that only help training: by their names, or because a wider one meets the same label."""
    kept: list[Head] = []
    dropped: list[Head] = []
    for head in groups:
        others = [
            other for other in groups
            if other is not head and other.coverage & head.coverage and not _is_auxiliary(flow, other)
        ]  # fmt: skip
        helps = bool(others) if _is_auxiliary(flow, head) else any(_says_more(flow, o, head) for o in others)
        (dropped if helps else kept).append(head)
    return kept, dropped


def _says_more(flow: Flow, other: Head, head: Head) -> bool:
    """Whether a head answers what another one does for training, and depends on more."""
    shape = flow.shape(head.node, head.port)
    if head.dangling:
        alike = FOR_TRAINING.search(flow.graph.nodes[head.node].name) is not None
    else:
        alike = head.labels & other.labels != 0
    return (
        alike
        and other.node != head.node
        and (other.coverage.bit_count(), head.node in other.cone) > (head.coverage.bit_count(), False)
        and _same_width(flow, other, shape[-1] if shape else None)
        and not _other_part(flow, head, other)
        and not _joining(flow, head.node) & _joining(flow, other.node)
    )


def _joining(flow: Flow, i: int) -> set[int]:
    """Where a tensor is joined with others, in whatever form: the answers of several scales, for one loss."""
    todo, seen, found = [i], {i}, set[int]()
    while todo and len(seen) < _FORMS:
        for j in flow.readers(todo.pop())[:_FORMS]:
            if flow.op(j) in ("Concat", "ConcatV2", "Pack"):
                found.add(j)
            elif flow.op(j) in ops.LOOK_THROUGH and j not in seen:
                seen.add(j)
                todo.append(j)
    return found


_FORMS = 16


def _is_auxiliary(flow: Flow, head: Head) -> bool:
    """Whether a head is called one that helps training, and nobody made it to be fetched."""
    return not head.dangling and _AUXILIARY.search(flow.graph.nodes[head.node].name) is not None


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
    taught = flow.learns or any(head.labels for head in groups)  # by a loss, its gradients made or not yet
    for head in groups:
        if not taught:
            wider = [
                other for other in groups
                if head.coverage != other.coverage and not head.coverage & ~other.coverage
                and (_finer(flow, head, other) or _unnamed(flow, head))
            ]  # fmt: skip
            layers = layers_of(flow, head) if wider else frozenset[int]()
            coarse = any(layers <= other.cone for other in wider)
            (dropped if coarse else kept).append(head)
            continue
        inner = any(
            other is not head
            and head.coverage != other.coverage
            and not head.coverage & ~other.coverage
            and (not head.labels or head.labels & other.labels or not other.labels)
            for other in groups
        )
        left = flow.op(walk_back(flow, head.node)) == "Exit" and not starts_from_feed(flow, head.node)
        named = head.dangling and is_deliberate(flow, head.node) and not left
        # A start from which the end is found has a label of its own; an early stage has that of the last.
        own = head.met and not any(head.met & (o.labels | o.met) for o in groups if o is not head)
        answers = own and head.dangling and flow.op(walk_back(flow, head.node)) in ops.PROBABILITIES
        wanted = (
            named
            or answers
            or head.rule == "state"
            or (head.dangling and goes_round(flow, head.node, head.port))
        )
        (dropped if inner and not wanted else kept).append(head)
    return kept, dropped


def _unnamed(flow: Flow, head: Head) -> bool:
    """Whether a head is no more than a layer's result: nobody named it, and it is no answer by its op."""
    answers = ops.PROBABILITIES | ops.DECISIONS
    shown = flow.graph.nodes[walk_back(flow, head.node)].op
    return head.rule == "head" and shown not in answers and not is_named(flow, head.node)


def _finer(flow: Flow, head: Head, other: Head) -> bool:
    """Whether a wider head says the same as this one in more detail."""
    first, second = flow.shape(head.node, head.port), flow.shape(other.node, other.port)
    if not first or not second:
        return False
    return len(first) == len(second) == 4 and first[-1] == second[-1] and first != second


def _penultimate(flow: Flow, groups: list[Head]) -> tuple[list[Head], list[Head]]:
    """Without a classifier that only trains the embedding in front of it.

    The embedding is there to be fetched, nobody reads it; the classifier's logits are read by the
    loss alone, and add one layer to what the embedding depends on.
    """
    fetched = [head for head in groups if head.dangling and head.rule == "head"]
    # A single number for each example is more than a classifier that trains an embedding.
    single = {id(head) for head in groups if (flow.shape(head.node, head.port) or (None,))[-1] == 1}
    dropped = [
        head for head in groups
        if not head.dangling and any(
            other.coverage & ~head.coverage == 0 and 0 < (head.coverage & ~other.coverage).bit_count() <= 2
            and (id(head) not in single or _is_embedding(flow, other))
            and other.coverage.bit_count() > 2
            and (not head.alternatives or (is_named(flow, other.node) and _is_embedding(flow, other)))
            for other in fetched
        )
    ]  # fmt: skip
    return [head for head in groups if head not in dropped], dropped


def _is_embedding(flow: Flow, head: Head) -> bool:
    """Whether a head is an embedding: by its name, or because it was brought to length one."""
    return output_kind(flow, head.node, head.port, flow.shape(head.node, head.port)) == "embedding"


def _without_noise(flow: Flow, groups: list[Head]) -> tuple[list[Head], list[Head]]:
    """Without codes that are drawn around a mean, and their spread, where a label meets the codes: links."""
    dropped: list[Head] = []
    for head in groups:
        sides = [s for s, _ in flow.rows[head.node]] if flow.op(head.node) in ("Add", "AddV2") else []
        noise = [
            s for s in sides
            if flow.op(s) == "Mul"
            and any(flow.random_bits[t] and not flow.variable_bits[t] for t, _ in flow.rows[s])
        ]  # fmt: skip
        if head.dangling or len(sides) != 2 or len(noise) != 1:
            continue
        mean = walk_back(flow, sides[sides[0] == noise[0]])
        if any(walk_back(flow, other.node) == mean for other in groups):
            needs = cone(flow, noise[0])
            dropped += [
                other for other in groups
                if other is head or (walk_back(flow, other.node) != mean and other.node in needs)
            ]  # fmt: skip
    return [head for head in groups if head not in dropped], dropped


def _without_chances(flow: Flow, groups: list[Head]) -> tuple[list[Head], list[Head]]:
    """Without the scores of which a sample was drawn, to be fetched: the next word, an action."""
    nodes = flow.graph.nodes
    scores: set[int] = set()
    for head in groups:
        i = walk_back(flow, head.node, _AROUND_A_DRAW)
        if head.dangling and nodes[i].op == "Multinomial" and flow.rows[i]:
            scores.add(walk_back(flow, flow.rows[i][0][0], _AROUND_A_DRAW | ops.ACTIVATIONS | {"Log", "Exp"}))
    dropped = [
        head for head in groups
        if not head.dangling and walk_back(flow, head.node, _AROUND_A_DRAW | ops.ACTIVATIONS) in scores
    ]  # fmt: skip
    return [head for head in groups if head not in dropped], dropped


def _without_decided_on(flow: Flow, groups: list[Head]) -> tuple[list[Head], list[Head]]:
    """Without the scores that a loss takes, where decisions that are there to be fetched are made of them.

    So it is with the first and the last word of an answer: decided on together, taught each by itself; and
    with letters that are read off once more for a measure.
    """
    decisions = [
        head for head in groups
        if head.dangling and flow.op(walk_back(flow, head.node)) in ("ArgMax", "SparseToDense")
    ]  # fmt: skip
    taken = [head for head in groups if not head.dangling and head.rule == "head"]
    dropped: list[Head] = []
    for other in decisions if taken else ():
        needs = cone(flow, other.node)  # one at a time: each may hold all of the graph
        dropped += [
            head for head in taken
            if head not in dropped and not head.coverage & ~other.coverage and head.root in needs
        ]  # fmt: skip
    return [head for head in groups if head not in dropped], dropped


def _without_measured(flow: Flow, groups: list[Head]) -> tuple[list[Head], list[Head]]:
    """Without what only a measure takes, and is made of all parts that somebody joined to fetch them."""
    joined = [
        head for head in groups
        if head.dangling and head.rule == "head" and flow.op(head.node) in ("Pack", "Concat", "ConcatV2")
    ]  # fmt: skip
    dropped = []
    for head in groups if joined and flow.taught else ():
        if head.dangling or flow.taught[head.node] or is_called(flow, head.node):
            continue
        needs = cone(flow, head.node)
        parts = [[s for s, _ in flow.rows[other.node] if flow.variable_bits[s]] for other in joined]
        if any(len(own) > 1 and needs.issuperset(own) for own in parts):
            dropped.append(head)
    return [head for head in groups if head not in dropped], dropped


def _without_raw(flow: Flow, groups: list[Head]) -> tuple[list[Head], list[Head]]:
    """Without what a loss takes, where its author made a named answer of it: calibrated, in other units."""
    shown = [head for head in groups if head.dangling and head.rule == "head" and is_named(flow, head.node)]
    dropped: list[Head] = []
    for other in shown if len(groups) > 1 else ():
        needs = cone(flow, other.node)
        dropped += [
            head for head in groups
            if not head.dangling and head.rule == "head" and head not in dropped and head.root in needs
            and head.coverage == other.coverage and head.root != other.root
            and flow.shape(head.node, head.port) == flow.shape(other.node, other.port)
        ]  # fmt: skip
    return [head for head in groups if head not in dropped], dropped


def _without_values(flow: Flow, groups: list[Head]) -> tuple[list[Head], list[Head]]:
    """Without the highest value of a state beside the action that has it; of chances both are shown."""
    decided = {
        flow.rows[i][0][0]
        for i in (walk_back(flow, head.node) for head in groups if head.dangling)
        if flow.op(i) == "ArgMax" and flow.rows[i]
    }
    dropped = []
    for head in groups:
        if head.dangling and flow.op(head.node) == "Max" and not is_called(flow, head.node):
            source = flow.rows[head.node][0][0]
            if source in decided and flow.op(walk_back(flow, source)) not in ops.PROBABILITIES:
                dropped.append(head)
    return [head for head in groups if head not in dropped], dropped


def _without_taught_runs(flow: Flow, groups: list[Head]) -> tuple[list[Head], list[Head]]:
    """Without what a layer answers in training, on what labels picked, where it answers once more without."""
    free = [head for head in groups if head.dangling and not head.labels]
    dropped = [
        head for head in groups
        if head.labels and any(
            head.feeds & ~other.feeds and not head.coverage & ~other.coverage
            and other.node in made_alike(flow, head.node) for other in free
        )
    ]  # fmt: skip
    return [head for head in groups if head not in dropped], dropped


def _without_rebuilt(flow: Flow, groups: list[Head]) -> tuple[list[Head], list[Head]]:
    """Without an example rebuilt to learn from, where the same layers draw from codes that are fed."""
    drawn = [
        head for head in groups
        if head.dangling and not head.labels and not (flow.taught and flow.taught[head.root])
    ]  # fmt: skip
    dropped = [
        head for head in groups
        if not head.labels and any(
            other is not head and not other.coverage & ~head.coverage and other.coverage != head.coverage
            and other.feeds & ~head.feeds and other.node in made_alike(flow, head.node) for other in drawn
        )
    ]  # fmt: skip
    return [head for head in groups if head not in dropped], dropped


_AROUND_A_DRAW = ops.LOOK_THROUGH | {"StridedSlice", "Slice", "RealDiv", "Mul", "Sub"}


def twins(flow: Flow, first: Head, second: Head) -> bool:
    """Whether two heads share neither feeds nor variables and are of one shape: a net and its copy."""
    return (
        not first.coverage & second.coverage
        and not first.feeds & second.feeds
        and first.coverage.bit_count() == second.coverage.bit_count()
        and flow.shape(first.node, first.port) == flow.shape(second.node, second.port)
    )


def _without_earlier(flow: Flow, groups: list[Head]) -> tuple[list[Head], list[Head]]:
    """Without nets that were built again, without names: a cell of a notebook that ran twice."""
    dropped = [
        head for k, head in enumerate(groups[:COMPARED])
        if head.labels and not is_named(flow, head.node) and _feeds_are_nameless(flow, head) and any(
            twins(flow, head, other) and not head.labels & other.labels and other.node > head.node
            and _called_alike(flow, head.coverage, other.coverage)
            and "/" not in flow.graph.names[head.node]
            and ops.unnumbered(flow.graph.names[head.node]) == ops.unnumbered(flow.graph.names[other.node])
            for other in groups[k + 1 : COMPARED]
        )
    ]  # fmt: skip
    return [head for head in groups if head not in dropped], dropped


def _is_made_of(flow: Flow, head: Head, other: Head) -> bool:
    """Whether a head without a label is made of what another one shows: sharpened, to be fed as a label."""
    same = head.coverage == other.coverage and not head.labels
    return same and not {other.node, other.root}.isdisjoint(cone(flow, head.node))


def _called_alike(flow: Flow, first: int, second: int) -> bool:
    """Whether two sets of variables have the same names but for numbers, as what is made again has."""
    both: list[list[str]] = [
        sorted(ops.unnumbered(flow.graph.names[i]) for k, i in enumerate(flow.variables) if bits >> k & 1)
        for bits in (first, second)
    ]
    return both[0] == both[1]


def _feeds_are_nameless(flow: Flow, head: Head) -> bool:
    """Whether all that a head is made of was named by TensorFlow."""
    fed = [feed.node for k, feed in enumerate(flow.feeds) if head.feeds >> k & 1]
    return bool(fed) and not any(is_called(flow, i) for i in fed)


def _without_targets(flow: Flow, groups: list[Head]) -> tuple[list[Head], list[Head]]:
    """Without the slow copies of nets that Python keeps up to date: only their names tell them."""
    slow = [head for head in groups[:COMPARED] if _TARGET.search(flow.graph.nodes[head.node].name)]
    dropped = [
        head for head in slow
        if any(
            other not in slow and (twins(flow, head, other) or _is_made_of(flow, head, other))
            for other in groups[:COMPARED]
        )
    ]  # fmt: skip
    return [head for head in groups if head not in dropped], dropped
