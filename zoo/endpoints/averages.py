"""Nets that run with moving averages of their parameters: made beside the one that is trained, to be used.

A mean teacher, or the generator that pictures are drawn with.  No loss reads what they answer, and so no
label tells of them: they are found by their parameters.
"""

from __future__ import annotations

from dataclasses import replace

from zoo.endpoints import ops
from zoo.endpoints.copies import way_to_layer
from zoo.endpoints.flow import Flow, parameter_behind
from zoo.endpoints.heads import Head
from zoo.endpoints.kinds import RANK_OF_PICTURES, is_called
from zoo.protos import Shape


def with_averages(flow: Flow, labels: int, chosen: list[Head]) -> list[Head]:
    """The heads, each as the copy of its net answers that reads averages, if there is one to be used."""
    if not flow.trained:
        return chosen
    averages = _averages(flow)
    found = [_averaged(flow, labels, head, averages) for head in chosen] if averages else chosen
    return list({(head.node, head.port): head for head in found}.values())


def _averages(flow: Flow) -> dict[int, int]:
    """Variable → its moving average, by the name that TensorFlow gives it.

    See its python/training/moving_averages.py.
    """
    index, names = flow.graph.index, flow.graph.names
    found = {i: index.get(f"{names[i]}/ExponentialMovingAverage", -1) for i in flow.variables}
    return {i: average for i, average in found.items() if average >= 0 and flow.readers(average)}


def _averaged(flow: Flow, labels: int, head: Head, averages: dict[int, int]) -> Head:
    picture = len(flow.shape(head.node, head.port) or ()) == RANK_OF_PICTURES
    if head.rule == "head" and not (head.labels or picture or head.towers > 1):
        return head  # an actor, say, whose average makes targets
    ends = [
        i for i in _made_with(flow, head, averages)
        if _is_for_use(flow, i)
        # What makes targets in Python is as nobody called it, and no measure reads it.
        and (
            head.rule != "head" or picture or is_called(flow, i) or flow.op(i) in ops.PROBABILITIES
            or _is_measured(flow, i, labels)
        )
    ]  # fmt: skip
    if not ends:
        return head
    # Of several runs the one without dropout, the last of them.
    end = min(ends, key=lambda i: (flow.random_bits[i] and not flow.random_bits[head.node], -i))
    return replace(
        head, node=end, port=0, root=end, dangling=not len(flow.consumers[end]), rule="averaged",
        feeds=flow.feed_bits[end] & ~flow.side, alternatives=[(head.node, head.port), *head.alternatives],
    )  # fmt: skip


def _is_measured(flow: Flow, i: int, labels: int) -> bool:
    """Whether what is made of a tensor meets a label: the truth."""
    todo, seen = [i], {i}
    while todo and len(seen) < _READERS:
        fresh = [j for j in flow.readers(todo.pop())[:_READERS] if j not in seen]
        if any(flow.feed_bits[j] & labels & ~flow.feed_bits[i] for j in fresh):
            return True
        seen.update(fresh)
        todo += fresh
    return False


def _made_with(flow: Flow, head: Head, averages: dict[int, int]) -> list[int]:
    """What the last layer of a head's net makes with the averages of its parameters, by the same ops."""
    way = way_to_layer(flow, head.node)
    if not way:
        return []
    known = {parameter_behind(flow, s) for s, _ in flow.rows[way[-1]]}
    todo = [averages[i] for i in sorted(known) if i in averages]
    layers, seen = list[int](), set(todo)
    while todo:
        fresh = [j for j in flow.readers(todo.pop())[:_READERS] if j not in seen]
        seen.update(fresh)
        todo += [j for j in fresh if flow.op(j) in ops.PASSES]
        layers += [j for j in fresh if flow.op(j) not in ops.PASSES]
    found = []
    for i in layers:
        if flow.op(i) != flow.op(way[-1]) or not flow.feed_bits[i] | flow.random_bits[i]:
            continue
        for j in reversed(way[:-1]):
            i = next((k for k in flow.readers(i) if flow.op(k) == flow.op(j)), -1)
            if i < 0:
                break
        if i >= 0 and _are_alike(flow.shape(i), flow.shape(head.node, head.port)):
            # The one in training may leave its scores to a loss; this one is shown what they mean.
            shown = [j for j in flow.readers(i) if flow.op(j) in ops.PROBABILITIES]
            found.append(shown[0] if len(shown) == 1 else i)
    return found


def _are_alike(first: Shape, second: Shape) -> bool:
    """Whether two tensors may be of one form, but for how many examples there are and what is not known."""
    if first is None or second is None:
        return True
    pairs = zip(first[1:], second[1:], strict=False)
    return len(first) == len(second) and all(a == b or None in (a, b) for a, b in pairs)


def _is_for_use(flow: Flow, i: int) -> bool:
    """Whether no gradient went through a tensor, nor past it to a loss that is told by it."""
    return not flow.off[i] and not flow.taught[i] and not flow.teaches[i]


_READERS = 64
