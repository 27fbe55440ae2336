"""Which of the heads are the outputs: copies, auxiliary heads and critics told from answers."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from zoo.endpoints import ops
from zoo.endpoints.averages import with_averages
from zoo.endpoints.beside import (
    before_joined,
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
    inference,
    made_alike,
    untaught_copies,
    without_copies,
)
from zoo.endpoints.flow import Flow, output_dtype, parameter_behind
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
    scope_of_loss,
    walk_back,
)
from zoo.endpoints.leftovers import ends_untrained, without_leftovers
from zoo.endpoints.made import compared_with_input, first_complete, generators
from zoo.endpoints.region import Region, fed_content
from zoo.endpoints.rivals import COMPARED, twins, without_rivals
from zoo.endpoints.states import goes_round
from zoo.endpoints.told import told
from zoo.endpoints.trainers import (
    through_another,
    without_adversaries,
    without_named_judges,
    without_teachers,
)
from zoo.endpoints.views import pasted, shown_clipped
from zoo.protos import Shape


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
    chosen, dropped = without_rivals(flow, found, groups)
    dropped += leftovers + judgements + for_training
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
    forms = _forms(flow, paints)
    return not wanted and any(
        head.labels and head.coverage & judge and not head.coverage & painter and not judging & ~head.coverage
        and ((flow.shape(head.node, head.port) or (None,))[-1] or 0) > _YES_OR_NO
        and not (head.labels | head.feeds) & paints
        and not forms & _forms(flow, head.feeds)
        for head in groups
    )  # fmt: skip


def _forms(flow: Flow, bits: int) -> set[Shape]:
    """The shapes of feeds, as far as they are known, but for single numbers."""
    named = [feed for k, feed in enumerate(flow.feeds) if bits >> k & 1]
    return {flow.shape(feed.node, feed.port) for feed in named} - {None, ()}


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


def _joined_state(flow: Flow, head: Head) -> Head:
    """The head, or what a state is joined to by somebody who may feed it so at the next call."""
    for i in flow.readers(head.node) if head.rule == "state" else ():
        if flow.op(i) in ("ConcatV2", "Pack") and not flow.readers(i) and goes_round(flow, i):
            return replace(head, node=i, port=0, root=i)
    return head


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
        twins(flow, first, second)
        for k, first in enumerate(chosen[:COMPARED])
        for second in chosen[k + 1 : COMPARED]
    )
