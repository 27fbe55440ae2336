"""What belongs to an answer beside its heads: earlier steps, counts, slopes, another layout, each scale."""

from __future__ import annotations

from dataclasses import replace

from zoo.endpoints import ops
from zoo.endpoints.copies import made_alike
from zoo.endpoints.ending import CUTS
from zoo.endpoints.flow import Flow, output_dtype
from zoo.endpoints.heads import FETCHED, Head, cone, output_count
from zoo.endpoints.kinds import is_named, walk_back
from zoo.endpoints.region import Region
from zoo.endpoints.views import activation_of


def with_named_views(flow: Flow, chosen: list[Head]) -> list[Head]:
    """The heads, and of an export each other view of one that nobody reads and somebody named: its scores."""
    if flow.learns:
        return chosen
    result: list[Head] = []
    for head in chosen:
        if head.dangling and head.rule == "head":
            result.extend(
                replace(head, node=node, port=port, alternatives=[])
                for node, port in head.alternatives if node != head.node and is_shown(flow, node)
            )  # fmt: skip
        result.append(head)
    return result


def is_shown(flow: Flow, i: int) -> bool:
    """Whether nobody reads a tensor that somebody took the trouble to name."""
    return not len(flow.consumers[i]) and is_named(flow, i)


def with_earlier_steps(flow: Flow, found: Region, chosen: list[Head]) -> list[Head]:
    """The heads, and before the last step of an unrolled decoder the steps whose decisions led on to it."""
    result: list[Head] = []
    for head in chosen:
        if head.rule == "head" and head.dangling:
            result.extend(
                replace(head, node=i, port=0, root=i, alternatives=[], dangling=False,
                        coverage=flow.variable_bits[i], feeds=flow.feed_bits[i] & ~flow.side)
                for i in made_alike(flow, head.node)
                if i in head.cone and _only_decides(flow, found, i)
            )  # fmt: skip
        result.append(head)
    return result


def _only_decides(flow: Flow, found: Region, i: int) -> bool:
    """Whether the model goes on from a tensor by a decision alone: the word that was chosen."""
    nodes = flow.graph.nodes
    readers = [j for j in flow.consumers[i] if j < len(nodes) and found.inside[j] == 1]
    return bool(readers) and all(
        nodes[j].op in ("ArgMax", "Multinomial") or (nodes[j].op in ops.PROBABILITIES | {"StopGradient"}
                                                      and _only_decides(flow, found, j))
        for j in readers
    )  # fmt: skip


def with_means(flow: Flow, found: Region, chosen: list[Head]) -> list[Head]:
    """The heads, and the mean that a spread is taken around: of what several nets say."""
    result = list(chosen)
    for head in chosen:
        inner = flow.rows[head.node][0][0] if flow.op(head.node) == "Sqrt" and flow.rows[head.node] else -1
        row = flow.rows[inner] if head.dangling and inner >= 0 and flow.op(inner) == "Sub" else ()
        square = row[1][0] if len(row) == 2 else -1
        if square >= 0 and flow.op(square) == "Square" and flow.rows[square]:
            mean = flow.rows[square][0][0]
            if found.inside[mean] == 1 and all(other.node != mean for other in result):
                result.append(_beside(flow, head, mean))
    return result


def with_other_parts(flow: Flow, found: Region, chosen: list[Head]) -> list[Head]:
    """The heads, and what was cut off beside one and nobody reads: a mean beside its spread."""
    result = list(chosen)
    for head in chosen:
        cut = _cut_of(flow, head) if head.dangling and head.rule == "head" else None
        if cut is not None:
            i, port = cut
            read = {k for _, k in flow.graph.consumers[i]} | {port}
            parts = [k for k in range(output_count(flow, i)) if k not in read]
            several = len(parts) <= _UNREAD and flow.op(i) != "Unpack"  # which cuts steps, as a rule
            result += [replace(_beside(flow, head, i), port=k) for k in (parts if several else parts[:1])]
    return result


def _cut_of(flow: Flow, head: Head) -> tuple[int, int] | None:
    """The part, as (node that cuts, output), that all of a head is made of without a layer in between.

    A step that is cut out and scaled by what it holds itself has no others beside it.
    """
    cuts = set[tuple[int, int]]()
    todo, seen, branches = [(head.node, head.port)], {(head.node, head.port)}, False
    while todo:
        i, port = todo.pop()
        if flow.op(i) in CUTS:
            cuts.add((i, port))
            continue
        if flow.op(i) in ops.MIXES or len(seen) > _PART:
            return None
        inner = {pair for pair in flow.rows[i] if flow.variable_bits[pair[0]]}
        branches |= len(inner) > 1
        todo += sorted(inner - seen)
        seen |= inner
    (cut,) = cuts if len(cuts) == 1 else (None,)
    return None if cut is None or (branches and flow.op(cut[0]) == "Unpack") else cut


_UNREAD = 2
_PART = 16
"""Ops between a part that was cut off and what is fetched of it."""


def with_decisions(flow: Flow, found: Region, chosen: list[Head]) -> list[Head]:
    """The heads, and of one that says how likely a decision was also the decision: an action, drawn."""
    result = list(chosen)
    for head in chosen:
        made = _decision(flow, found, walk_back(flow, head.node)) if head.dangling else -1
        if made >= 0 and all(other.node != made for other in result):
            result.append(_beside(flow, head, made))
    return result


def _decision(flow: Flow, found: Region, i: int) -> int:
    """What was decided, of which a node says how likely it was; else -1."""
    if flow.op(i) == "Sum":
        return _drawn(flow, found, i)
    if flow.op(i) not in ops.LOSSES or len(flow.rows[i]) != 2:
        return -1
    made = walk_back(flow, flow.rows[i][1][0], ops.LOOK_THROUGH | {"OneHot"})
    return made if flow.op(made) in ("ArgMax", "Multinomial") and found.inside[made] == 1 else -1


def _drawn(flow: Flow, found: Region, i: int) -> int:
    """The sample whose likelihood a sum is, drawn of chances, or around a mean; -1 if it is of none."""
    todo, seen = [i], {i}
    while todo and len(seen) < _NEAR:
        node = todo.pop(0)
        sources = [s for s, _ in flow.rows[node]]
        if flow.op(node) == "Multinomial":
            readers = [j for j in flow.readers(node) if flow.op(j) in ops.LOOK_THROUGH]
            return readers[0] if len(readers) == 1 else node
        noise = [s for s in sources if flow.random_bits[s]]
        if flow.op(node) in ("Add", "AddV2") and len(noise) == 1 and len(sources) == 2:
            mean = sources[sources[0] == noise[0]]
            if flow.variable_bits[mean] and found.inside[node] == 1:
                return node
        fresh = [s for s in noise if s not in seen]
        seen.update(fresh)
        todo += fresh
    return -1


_NEAR = 40


def with_transitions(flow: Flow, found: Region, chosen: list[Head]) -> list[Head]:
    """The heads, and beside the scores of tags those of one following another, if the graph finds no path.

    Only a conditional random field's loss reads them; whoever looks for the best path needs both.
    """
    result = list(chosen)
    for bit, i in enumerate(flow.variables):
        shape = flow.graph.nodes[i].shape() if found.scored >> bit & 1 else None
        if shape is None or len(shape) != 2 or shape[0] != shape[1] or shape[0] is None:
            continue
        for head in chosen:
            scores = flow.shape(head.node, head.port)
            known = scores[-1] if scores and len(scores) > 1 else None
            # A tag for the start and one for the end of a sentence may be there besides.
            if head.rule == "head" and known and known <= shape[0] <= known + 2:
                pairs = _beside(flow, head, _value_of(flow, i))
                result.append(replace(pairs, coverage=1 << bit, feeds=0, rule="transitions"))
                break
    return result


def _value_of(flow: Flow, i: int) -> int:
    """The node whose tensor is the value of a variable."""
    nodes = flow.graph.nodes
    if nodes[i].op != "VarHandleOp":
        return i
    return next((j for j, _ in flow.graph.consumers[i] if nodes[j].op == "ReadVariableOp"), i)


def with_counts(flow: Flow, found: Region, chosen: list[Head]) -> list[Head]:
    """The heads, and what depends on how many boxes were kept, not on which: their number, their classes.

    A list of classes beside the boxes takes the place of what its lengths were read from.
    """
    nodes = flow.graph.nodes
    if not chosen or not any(nodes[i].op.startswith("NonMaxSuppression") for i in flow.line):
        return chosen
    known = flow.side
    for head in chosen:
        known |= head.feeds
    behind = _behind_suppression(flow)
    counts = [
        i for i in flow.line
        if behind[i] and not (found.inside[i] or flow.variable_bits[i] or flow.feed_bits[i] & ~known)
        and not len(flow.consumers[i])
        # These are a condition's, not the author's.
        and nodes[i].op not in ("Switch", "Merge") and output_dtype(nodes[i], 0) != "bool"
    ]  # fmt: skip
    if len(counts) > FETCHED:
        return chosen
    needed = cone(flow, *counts)
    kept = [head for head in chosen if head.node not in needed or not _only_measured(flow, head.node)]
    return kept + [_beside(flow, chosen[0], i) for i in counts]


def _behind_suppression(flow: Flow) -> bytearray:
    """Per node whether it needs to know which boxes were kept."""
    nodes, behind = flow.graph.nodes, bytearray(len(flow.rows))
    for _ in range(3 if flow.loops else 1):
        for i in flow.line:
            suppresses = nodes[i].op.startswith("NonMaxSuppression")
            behind[i] = suppresses or any(behind[source] for source, _ in flow.rows[i])
    return behind


def _beside(flow: Flow, head: Head, i: int) -> Head:
    """What stands beside a head, as a head of its own."""
    dangling = not len(flow.consumers[i])
    return replace(head, node=i, port=0, root=i, alternatives=[], dangling=dangling)


def _only_measured(flow: Flow, i: int) -> bool:
    """Whether all that reads a tensor asks for its shape."""
    nodes, readers = flow.graph.nodes, flow.consumers[i]
    return len(readers) > 0 and all(j < len(nodes) and nodes[j].op in ops.SHAPES for j in readers)


def with_slopes(flow: Flow, found: Region, chosen: list[Head]) -> list[Head]:
    """The heads, and their slopes by an example that are named or learned: forces of an energy.

    Gradients by parameters train; one by an example has the example's shape, and needs no label.  What
    learned slopes of both signs are of, as of a stream, is no answer if nobody says so.
    """
    nodes = flow.graph.nodes
    learned = _learned_slopes(flow, found)
    behind = [
        i for i in flow.graph.having(("Neg", "Identity"))
        if flow.off[i] and not ops.in_gradient(nodes[i].name)
        and any(ops.in_gradient(nodes[s].name) for s, _ in flow.graph.data_sources[i])
        and not any(ops.trains(nodes[j].op) for j in flow.consumers[i])
    ]  # fmt: skip
    behind += [i for i in learned if i not in behind]
    if not (chosen and flow.learns and behind):
        return chosen
    shapes = {
        flow.shape(feed.node, feed.port) for k, feed in enumerate(flow.feeds)
        if feed.dtype.startswith("float") and any(head.feeds >> k & 1 for head in chosen)
    } - {None, ()}  # fmt: skip
    behind = [i for i in behind if i in learned or flow.shape(i) in shapes]
    told = _told_by_labels(flow, found) if behind else b""
    # The sign comes first, the name after it.
    named = [
        next((j for j in flow.consumers[i] if nodes[j].op == "Identity"), i) for i in behind if not told[i]
    ]
    if len(named) > FETCHED:
        return chosen
    kept = [head for head in chosen if not _is_only_sloped(flow, head, learned)]
    return kept + [_beside(flow, chosen[0], i) for i in named]


def _learned_slopes(flow: Flow, found: Region) -> list[int]:
    """Gradients that a label is compared with, as they are or with the sign changed."""
    graph, behind = flow.graph, dict[int, int]()
    for i in graph.having(("Sub", "SquaredDifference")) if ops.differentiates(graph) else ():
        sides = [walk_back(flow, source) for source, _ in flow.rows[i]]
        if ops.in_gradient(graph.names[i]) or not any(_is_label(flow, found, side) for side in sides):
            continue
        for side in sides:
            back = side
            for op in ("Neg", "UnsortedSegmentSum"):  # where rows were looked up, gradients are summed up
                back = flow.rows[back][0][0] if flow.op(back) == op and flow.rows[back] else back
            if back < len(graph.nodes) and ops.in_gradient(graph.names[back]):
                behind[side] = back
    # Slopes of a law are as they are; forces have the sign changed, and one of the speeds of a stream has.
    if len(behind) > FETCHED or not any(flow.op(side) == "Neg" for side in behind):
        return []
    return [side for side, back in behind.items() if _is_first(flow, back)]


def _is_first(flow: Flow, i: int) -> bool:
    """Whether a gradient is made of no other gradient: a second one is a law that the answer obeys."""
    names = flow.graph.names
    scopes = {ops.gradient_scope(names[j]) for j in flow.graph.ancestors([i], control=False)} - {""}
    return len(scopes) == 1


def _is_label(flow: Flow, found: Region, i: int) -> bool:
    """Whether a tensor is made of labels alone."""
    return flow.feed_bits[i] != 0 and not flow.feed_bits[i] & ~found.labels and not flow.variable_bits[i]


def _is_only_sloped(flow: Flow, head: Head, learned: list[int]) -> bool:
    """Whether a head without a name and a label is there for its slopes, several of which are learned."""
    signs = {flow.op(i) == "Neg" for i in learned}
    if head.labels or is_named(flow, head.node) or len(signs) < 2:
        return False  # all of one sign are forces, of an energy that is wanted, too
    names = flow.graph.names
    scopes = {ops.gradient_scope(names[flow.rows[i][0][0] if flow.op(i) == "Neg" else i]) for i in learned}
    ways = tuple(f"{scope}{names[head.node]}_grad/" for scope in sorted(scopes))
    return any(names[i].startswith(ways) for i in flow.graph.about_gradients)


def _told_by_labels(flow: Flow, found: Region) -> bytearray:
    """Per node of the graph whether it needs a label, by way of gradients, too."""
    graph = flow.graph
    labels = {(feed.node, feed.port) for k, feed in enumerate(flow.feeds) if found.labels >> k & 1}
    told = bytearray(len(graph.nodes))
    for i in graph.order:
        told[i] = any(told[pair[0]] or pair in labels for pair in graph.data_sources[i])
    return told


def with_both_layouts(flow: Flow, found: Region, chosen: list[Head]) -> list[Head]:
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


def before_joined(flow: Flow, found: Region, chosen: list[Head]) -> list[Head]:
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
