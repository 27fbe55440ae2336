"""Which of the heads are the outputs: copies, auxiliary heads and critics told from answers."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace

from zoo.endpoints import ops
from zoo.endpoints.averages import with_averages
from zoo.endpoints.beside import (
    before_joined,
    is_shown,
    with_both_layouts,
    with_counts,
    with_decisions,
    with_earlier_steps,
    with_means,
    with_named_views,
    with_other_parts,
    with_slopes,
    with_transitions,
)
from zoo.endpoints.copies import (
    FOR_TRAINING,
    inference,
    layers_of,
    made_alike,
    untaught_copies,
    without_copies,
)
from zoo.endpoints.flow import FeedPoint, Flow, output_dtype, parameter_behind
from zoo.endpoints.heads import (
    FETCHED,
    Head,
    bare,
    cone,
    decided_for_labels,
    heads,
    parts,
    scored_for_labels,
    unread_parts,
)
from zoo.endpoints.kinds import (
    RANK_OF_PICTURES,
    is_called,
    is_deliberate,
    is_named,
    output_kind,
    scope_of_loss,
    walk_back,
)
from zoo.endpoints.leftovers import ends_untrained, without_leftovers
from zoo.endpoints.made import compared_with_input, first_complete, generators
from zoo.endpoints.region import Region, fed_content
from zoo.endpoints.states import goes_round, starts_from_feed
from zoo.endpoints.told import told
from zoo.endpoints.trainers import (
    through_another,
    without_adversaries,
    without_baselines,
    without_critics,
    without_named_judges,
    without_teachers,
)
from zoo.endpoints.views import pasted, shown_clipped

_AUXILIARY = re.compile(r"(^|[/_])aux", re.IGNORECASE)
_TARGET = re.compile(r"(^|[/_])target", re.IGNORECASE)


@dataclass
class Choice:
    """The outputs, what else was considered, and how sure that is."""

    chosen: list[Head]
    others: list[Head] = field(default_factory=list)
    confidence: float = 0.5


def choose(flow: Flow, found: Region) -> Choice:
    """The heads that together are the model's answer."""
    groups = heads(flow, found)
    if said := told(flow, found, groups):
        for head in said:
            head.cone = cone(flow, head.node)
        said, copies = without_copies(flow, said)
        others = copies + [head for head in groups if all(head is not one for one in [*said, *copies])]
        doubt = _DOUBT * any(head.coverage & ~_union(said) for head in others)
        return Choice(said, others, (_SHOWN if len(said) == 1 else _SINGLE) - doubt)
    groups, for_training = _for_use_alone(flow, found, groups)
    made, judge = generators(flow, found) if flow.learns and not for_training else ([], 0)
    classifies = bool(made) and _classifies(flow, groups, made, judge)
    if classifies or (made and _go_on(flow, groups, made, judge)):
        made = []
    if made:
        choice = _generated(flow, groups, made, judge)
        choice.chosen = with_averages(flow, found.labels, choice.chosen)
        choice.chosen = [_as_picture(flow, head) for head in choice.chosen]
        choice.chosen = [part for head in choice.chosen for part in parts(flow, found, head)]
        return choice
    if flow.frozen and groups and (answer := _frozen(flow, found, groups)):
        return answer
    groups, teachers = without_teachers(flow, groups)
    groups, misled = without_adversaries(flow, groups)
    teachers += misled
    groups, judges = without_named_judges(flow, groups)
    teachers += judges
    groups, judgements = through_another(flow, found, groups) if flow.learns else (groups, [])
    judgements += teachers
    groups, leftovers = without_leftovers(flow, found, groups)
    idle = [head for head in groups if ends_untrained(flow, head) and not is_called(flow, head.node)]
    if idle == groups:
        groups = []
    everything = _reachable(flow, found)
    missing = 0 if classifies else everything & ~_union(groups) & ~_union(teachers)
    rest: list[Head] = []
    if missing:
        groups, rest, more = _with_unlabelled(flow, found, groups, everything, missing)
        judgements += more
    groups = groups or idle  # there is nothing else
    for head in groups:
        head.cone = cone(flow, head.node)
    groups, inner = _without_stages(flow, groups)
    chosen, dropped = without_copies(flow, groups)
    dropped += inner
    chosen, noisy = _without_noise(flow, chosen)
    dropped += noisy
    chosen, auxiliary = _without_auxiliaries(flow, chosen)
    dropped += auxiliary
    chosen, earlier = _without_earlier(flow, chosen)
    dropped += earlier
    chosen, targets = _without_targets(flow, chosen)
    dropped += targets
    chosen, critics = without_critics(flow, chosen)
    dropped += critics
    chosen, baselines = without_baselines(flow, found, chosen)
    dropped += baselines
    chosen, late = _penultimate(flow, chosen)
    chosen, drawn = _without_chances(flow, chosen)
    dropped += drawn
    chosen, decided = _without_decided_on(flow, chosen)
    dropped += decided
    chosen, measured = _without_measured(flow, chosen)
    dropped += measured
    chosen, raw = _without_raw(flow, chosen)
    dropped += raw
    chosen, values = _without_values(flow, chosen)
    dropped += values
    chosen, elsewhere = _without_taught_runs(flow, chosen)
    dropped += elsewhere
    chosen, rebuilt = _without_rebuilt(flow, chosen)
    dropped += rebuilt
    chosen, small = _without_subsets(flow, chosen)
    dropped += late + small + leftovers + judgements + for_training
    chosen = [_joined_state(flow, head) for head in chosen]
    chosen = with_both_layouts(flow, found, chosen)
    confidence = _confidence(flow, chosen, dropped, everything)
    chosen = with_averages(flow, found.labels, chosen)
    chosen = before_joined(flow, found, chosen)
    chosen = with_earlier_steps(flow, found, chosen)
    chosen = with_named_views(flow, chosen)
    chosen = with_other_parts(flow, found, chosen)
    chosen = with_means(flow, found, chosen)
    chosen = with_decisions(flow, found, chosen)
    chosen = with_counts(flow, found, chosen)
    chosen = with_transitions(flow, found, chosen)
    chosen = with_slopes(flow, found, chosen)
    chosen = [_as_picture(flow, head) for head in chosen]
    apart = {(part.node, part.port): part for head in chosen for part in parts(flow, found, head)}
    chosen = list(apart.values())
    chosen.sort(key=lambda head: (head.node, head.port))
    dropped.sort(key=lambda head: (-_count(head.coverage), head.node))
    return Choice(chosen, dropped + rest, confidence)


def _for_use_alone(flow: Flow, found: Region, groups: list[Head]) -> tuple[list[Head], list[Head]]:
    """The heads that need nothing of what a loss needs, if there are any: their placeholders are for use.

    So it is with a second run of a net beside that which labels train, and with a search among all that it
    has learned.  Without labels, decoders of codes that are fed are not told from rebuilt examples.
    """
    taught = [head for head in groups if head.labels]
    if not flow.taught or not taught:
        return groups, []
    trained = 0
    for i in flow.line:
        if flow.taught[i] or flow.teaches[i]:
            trained |= flow.feed_bits[i]
    own = [
        head for head in groups
        if head.rule == "head" and head.dangling and head.feeds and not head.feeds & trained
        and not head.labels
    ]  # fmt: skip
    # What is learned by pairs alone, to be searched, has no answer for whoever has labels.
    searched = any(flow.op(walk_back(flow, head.node)) in _BEST for head in own) and not any(
        head.dangling or is_called(flow, head.node) for head in taught
    )
    if not searched and not any(not o.coverage & ~head.coverage for o in taught for head in own):
        return groups, []
    made_for_somebody, _ = without_leftovers(flow, found, groups)
    own = [head for head in own if head in made_for_somebody]
    own = [head for head in own if is_named(flow, head.node)] or own
    for head in own:
        head.towers += sum(other.coverage == head.coverage for other in taught)
    return (own, [head for head in groups if head not in own]) if own else (groups, [])


def _as_picture(flow: Flow, head: Head) -> Head:
    """The head, or the picture that it becomes to be looked at."""
    shape = flow.shape(head.node, head.port)
    if shape is None or len(shape) != RANK_OF_PICTURES or shape[-1] not in (1, 3, 4, None) or head.port:
        return head
    if is_named(flow, head.node):
        return head
    whole = pasted(flow, head.node)
    shown = shown_clipped(flow, whole)
    return head if shown == head.node else replace(head, node=shown, alternatives=[(head.node, 0)])


GUESS = 0.3
"""How sure an answer is of which is known only that nobody reads it."""


def unread(flow: Flow) -> list[Head]:
    """What nobody reads of a graph that does not train, if it is little: where nothing else tells."""
    ends = [i for i in flow.line if not len(flow.consumers[i]) and not flow.looped[i]]
    ends = [i for i in ends if flow.feed_bits[i]] or [i for i in ends if parameter_behind(flow, i) < 0]
    return [bare(flow, i) for i in ends] if len(ends) <= FETCHED else []


def _with_unlabelled(
    flow: Flow, found: Region, groups: list[Head], everything: int, missing: int
) -> tuple[list[Head], list[Head], list[Head]]:
    """The heads with what answers for the ``missing`` variables, what else there is, and judgements.

    A net that rebuilds its example, or is judged by another, has no label to tell where it ends.
    """
    extra = compared_with_input(flow, found, missing)
    fetched = any(head.dangling for head in groups)
    if fetched and _count(missing) * _FEW <= _count(everything):
        return groups, extra, []  # a layer or two of the loss, for what a teacher made of the example
    if extra and any(head.labels for head in groups):
        told = [head for head in extra if not _tells_true_from_false(flow, head)]
        if not told:
            return groups, extra, []
        extra = told
    decided: list[Head] = []
    if extra and not fetched:
        decided = decided_for_labels(flow, found) or ([] if groups else scored_for_labels(flow, found))
    if decided:
        return decided, [*extra, *groups], []
    named = any(head.dangling and is_deliberate(flow, head.node) for head in groups)
    if named and not flow.learns:
        return groups, extra, []  # an export names what it is made for
    if not extra and not named and (not groups or _count(missing) * 5 > _count(everything)):
        extra = first_complete(flow, found, missing)
        extra = (_named_later(flow, found, extra) if extra and not groups else []) or extra
    rest: list[Head] = []
    if extra and _count(_union(extra)) >= _count(_union(groups)):
        shown = [head for head in groups if head.dangling]
        if shown and all(
            is_named(flow, head.node)
            or _run_again(flow, head)
            or flow.op(walk_back(flow, head.node)) == "ArgMax"
            for head in shown
        ):
            return groups, extra, []  # named, or run once more, and read by nobody: made to be fetched
        beside = [head for head in shown if head.coverage & ~_union(extra)]
        rest, groups = [head for head in groups if head not in beside], [*beside, *extra]
    else:
        groups = [*groups, *extra]
    judgements: list[Head] = []
    if extra and flow.learns:
        groups, judgements = through_another(flow, found, groups)
    return groups, rest, judgements


def _tells_true_from_false(flow: Flow, head: Head) -> bool:
    """Whether a head without labels says yes or no: what came next is told from what did not."""
    shape = flow.shape(head.node, head.port)
    return flow.op(walk_back(flow, head.node)) == "Softmax" and (shape or (None,))[-1] == _YES_OR_NO


def _named_later(flow: Flow, found: Region, extra: list[Head]) -> list[Head]:
    """What has a name on the way to a loss without labels, and needs what ``extra`` does: a likelihood."""
    for i in reversed(flow.line):
        if not found.lossward[i] or found.inside[i] != 1 or flow.shape(i) in ((), None):
            continue
        if is_named(flow, i) and not scope_of_loss(flow.graph.names[i]):
            less = _union(extra) & ~flow.variable_bits[i]
            return [] if less else [replace(bare(flow, i), rule="complete")]
    return []


def _run_again(flow: Flow, head: Head) -> bool:
    """Whether a net's last layer was run once more for a head, without the chance that the others need."""
    others = made_alike(flow, head.node)
    return bool(others) and not flow.random_bits[head.node] and all(flow.random_bits[i] for i in others)


_BEST = frozenset({"TopK", "TopKV2"})

_FEW = 10
"""Of so many variables one is no model of its own."""


def _frozen(flow: Flow, found: Region, groups: list[Head]) -> Choice | None:
    """All that nobody reads, if it is not too much: who freezes a graph keeps what the outputs need alone."""
    known = {head.node: head for head in groups}
    ends = [i for i in flow.line if not len(flow.consumers[i]) and not (flow.dead and flow.dead[i])]
    ends = [i for i in ends if i in known or (flow.feed_bits[i] & ~flow.side and not _steers(flow, i))]
    if not 0 < len(ends) <= FETCHED:
        return None
    chosen = [known.get(i) or bare(flow, i) for i in ends]
    # The next state may be read, and an energy by what makes its slope.
    chosen += [
        head for head in groups
        if head.node not in ends and (head.rule == "state" or (flow.backward and head.dangling))
    ]  # fmt: skip
    others = [head for head in groups if all(head is not one for one in chosen)]
    confidence = _SHOWN if len(chosen) == 1 else _SINGLE
    if _reachable(flow, found) & ~_union(chosen):
        confidence -= _DOUBT
    chosen += [bare(flow, i, port) for i, port in unread_parts(flow, found)]
    chosen = [part for head in chosen for part in parts(flow, found, head)]
    unique = {(head.node, head.port): head for head in chosen}
    return Choice([unique[pair] for pair in sorted(unique)], others, confidence)


def _steers(flow: Flow, i: int) -> bool:
    """Whether a tensor says which way a conditional goes."""
    node = flow.graph.nodes[i]
    return node.op in ("Switch", "Merge") or output_dtype(node, 0) == "bool"


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


def fed(chosen: list[Head]) -> int:
    """Bits of the feeds that any of the heads needs."""
    bits = 0
    for head in chosen:
        bits |= head.feeds
    return bits


def share(flow: Flow, found: Region, chosen: list[Head]) -> float:
    """The share of the variables that any activation of a region depends on, which the heads cover."""
    everything = _reachable(flow, found)
    return _count(_union(chosen) & everything) / max(1, _count(everything))


def _generated(flow: Flow, groups: list[Head], made: list[Head], judge: int) -> Choice:
    """The generator's output (an actor's action); a copy of it made for sampling is preferred."""
    wanted: list[Head] = []
    others = [head for head in groups if head.coverage & judge]
    needed = {head.node: cone(flow, head.node) for head in groups} if len(made) <= _MADE else {}
    for head in made:
        rivals = [
            other for other in groups
            if other.coverage == head.coverage and not other.coverage & judge and other.node != head.node
            and not (head.node in needed.get(other.node, ()) and _is_no_view(flow, other, head))
            and not _has_fewer_axes(flow, other, head)
        ] or untaught_copies(flow, head)  # fmt: skip
        if rivals:
            for rival in [head, *rivals]:
                rival.cone = cone(flow, rival.node)
            # All of them make something of noise: that speaks for none.
            best = max([head, *rivals], key=lambda item: inference(flow, item)[1:])
            best.rule, best.towers = "generator", len(rivals) + 1
            wanted.append(best)
            others.extend(item for item in [head, *rivals] if item is not best)
        else:
            wanted.append(head)
    named = [head for head in wanted if is_deliberate(flow, head.node) and not flow.consumers[head.node]]
    if named:  # made once more to be fetched; the others were made for the judges
        others.extend(head for head in wanted if head not in named)
        wanted = named
    for_others = [
        head for head in wanted
        if flow.taught and not flow.taught[head.node] and flow.readers(head.node) and any(
            other.coverage == head.coverage and flow.taught[other.node] for other in wanted
        )
    ]  # fmt: skip
    others.extend(for_others)
    wanted = [head for head in wanted if head not in for_others]
    again = [
        head for head in wanted
        if any(
            other.node < head.node and other.coverage == head.coverage
            and other.node in made_alike(flow, head.node) for other in wanted
        )
    ]  # fmt: skip
    others.extend(again)
    wanted = [head for head in wanted if head not in again]
    unique = {head.node: head for head in wanted}
    sure = (_SINGLE if len(unique) == 1 else _SEVERAL) - _DOUBT
    return Choice(sorted(unique.values(), key=lambda head: head.node), others, sure)


def _go_on(flow: Flow, groups: list[Head], made: list[Head], judge: int) -> bool:
    """Whether a class that nobody reads is made of all that was judged: layers were taught one by one.

    What reads their results was taught to rebuild examples of its own before.
    """
    needed, decided = _union(made), 0
    for head in groups:
        read = head.dangling and flow.op(walk_back(flow, head.node)) == "ArgMax"
        if read and not needed & ~head.coverage and needed != head.coverage:
            decided |= head.coverage & judge
    return bool(decided) and any(
        flow.variable_bits[net] & decided and not flow.variable_bits[example]
        and flow.feed_bits[example] & ~fed(made) and not flow.feed_bits[example] & ~flow.feed_bits[net]
        for i in flow.graph.having(("Sub", "SquaredDifference"))
        if not flow.off[i] and len(flow.rows[i]) == 2
        for (net, _), (example, _) in (flow.rows[i], flow.rows[i][::-1])
    )  # fmt: skip


def _classifies(flow: Flow, groups: list[Head], made: list[Head], judge: int) -> bool:
    """Whether a judge tells classes by labels of which the painter knows nothing: it is to be used itself.

    All of it is in these classes; one that also tells true from painted by a layer of its own is none.  A
    painter of what the judge is fed changes examples, and one that learns to paint a class is used to do so.
    """
    painter, paints, judging = _union(made), fed(made), 0
    for i in flow.line:
        if flow.variable_bits[i] & painter:
            judging |= flow.variable_bits[i] & ~painter
    wanted = any(
        fed_content(flow, flow.rows[i][1][0]) & paints
        for i in flow.graph.having(ops.LOSSES) if len(flow.rows[i]) > 1
    ) or any(
        not flow.variable_bits[label] and flow.feed_bits[label] & paints and flow.variable_bits[net] & judging
        for i in flow.graph.having(("Mul",)) if not flow.off[i] and len(flow.rows[i]) == 2
        for (net, _), (label, _) in (flow.rows[i], flow.rows[i][::-1])
    )  # fmt: skip
    forms = {bit: flow.shape(feed.node, feed.port) for feed, bit in _with_bits(flow)}
    changes = {form for bit, form in forms.items() if bit & paints}
    return not wanted and any(
        head.labels and head.coverage & judge and not head.coverage & painter and not judging & ~head.coverage
        and ((flow.shape(head.node, head.port) or (None,))[-1] or 0) > _YES_OR_NO
        and not (head.labels | head.feeds) & paints
        and not any(form and bit & head.feeds and form in changes for bit, form in forms.items())
        for head in groups
    )  # fmt: skip


def _with_bits(flow: Flow) -> list[tuple[FeedPoint, int]]:
    return [(feed, 1 << k) for k, feed in enumerate(flow.feeds)]


_YES_OR_NO = 2


_MADE = 8
"""Pictures that several generators make, at most."""


def _has_fewer_axes(flow: Flow, other: Head, head: Head) -> bool:
    """Whether a tensor has less to say of an example than what was made: how likely an action is."""
    less, more = flow.shape(other.node, other.port), flow.shape(head.node, head.port)
    return less is not None and more is not None and len(less) < len(more)


def _is_no_view(flow: Flow, other: Head, head: Head) -> bool:
    """Whether fixed layers, or a measure, made a tensor of the picture that a generator made."""
    shape = flow.shape(head.node, head.port)
    if shape is None or len(shape) != RANK_OF_PICTURES:
        return False
    seen = flow.shape(other.node, other.port)
    return seen is None or len(seen) != len(shape) or seen[-1] != shape[-1]


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


def _joined_state(flow: Flow, head: Head) -> Head:
    """The head, or what a state is joined to by somebody who may feed it so at the next call."""
    for i in flow.readers(head.node) if head.rule == "state" else ():
        if flow.op(i) in ("ConcatV2", "Pack") and not flow.readers(i) and goes_round(flow, i):
            return replace(head, node=i, port=0, root=i)
    return head


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
        and (_count(other.coverage), head.node in other.cone) > (_count(head.coverage), False)
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
            other.coverage & ~head.coverage == 0 and 0 < _count(head.coverage & ~other.coverage) <= 2
            and (id(head) not in single or _is_embedding(flow, other))
            and _count(other.coverage) > 2
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


def _without_earlier(flow: Flow, groups: list[Head]) -> tuple[list[Head], list[Head]]:
    """Without nets that were built again, without names: a cell of a notebook that ran twice."""
    dropped = [
        head for k, head in enumerate(groups[:_COMPARED])
        if head.labels and not is_named(flow, head.node) and _feeds_are_nameless(flow, head) and any(
            _twins(flow, head, other) and not head.labels & other.labels and other.node > head.node
            and _called_alike(flow, head.coverage, other.coverage)
            and "/" not in flow.graph.names[head.node]
            and ops.unnumbered(flow.graph.names[head.node]) == ops.unnumbered(flow.graph.names[other.node])
            for other in groups[k + 1 : _COMPARED]
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
    slow = [head for head in groups[:_COMPARED] if _TARGET.search(flow.graph.nodes[head.node].name)]
    dropped = [
        head for head in slow
        if any(
            other not in slow and (_twins(flow, head, other) or _is_made_of(flow, head, other))
            for other in groups[:_COMPARED]
        )
    ]  # fmt: skip
    return [head for head in groups if head not in dropped], dropped


_COMPARED = 8
