"""Outputs that the author told: by a collection, or by a name that is there to be fetched by."""

from __future__ import annotations

from zoo.endpoints import ops
from zoo.endpoints.flow import Flow
from zoo.endpoints.heads import FETCHED, Head, bare
from zoo.endpoints.kinds import is_deliberate, is_named, outside_scopes, walk_back
from zoo.endpoints.region import Region
from zoo.endpoints.states import goes_round, next_states, starts_from_feed
from zoo.endpoints.views import root_of
from zoo.graph import split_input


def told(flow: Flow, found: Region, groups: list[Head]) -> list[Head]:
    """What the author says is to be fetched, with what stands beside it; nothing where nothing is said.

    A name counts in a training, outside of all scopes, on a node that does nothing else and that nobody
    reads.  States are not all that a model says, and of very many names none is an answer's.
    """
    why = dict.fromkeys(_collected(flow, found, groups), "collected")
    if flow.learns:
        why.update(
            ((i, 0), "named") for i in flow.graph.having(("Identity",))
            if found.inside[i] == 1 and flow.variable_bits[i]
            and not len(flow.consumers[i]) and not flow.looped[i]
            and is_deliberate(flow, i) and outside_scopes(flow, i)
        )  # fmt: skip
    states = {i for feed in flow.feeds for i in next_states(flow, feed)} if why else set()
    if len(why) > FETCHED or all(
        walk_back(flow, i) in states
        or starts_from_feed(flow, i)
        or _is_last_state(flow, i, port)
        or _is_inside(flow, i, groups)
        for i, port in why
    ):
        return []
    heads = {(head.node, head.port): head for head in groups}
    alike, roots = {flow.variable_bits[i] for i, _ in why}, {root_of(flow, *pair)[0] for pair in why}
    for head in groups if flow.learns else ():
        if head.labels:  # so named for the loss, and for whoever fetches it; of a copy for training alone
            beside = is_deliberate(flow, head.node) and all(head.coverage & ~known for known in alike)
        else:
            wide = any(not known & ~head.coverage for known in alike)
            beside = head.dangling and wide and is_named(flow, head.node)
        if beside and head.root not in roots and outside_scopes(flow, head.node):
            why.setdefault((head.node, head.port), "head")
    chosen = [heads.get(pair) or bare(flow, *pair) for pair in sorted(why)]
    for head in chosen:
        head.rule = why[head.node, head.port] if head.rule == "head" else head.rule
    return chosen


def _is_inside(flow: Flow, i: int, groups: list[Head]) -> bool:
    """Whether a loop hands a tensor out that is less than what a label meets: its last state."""
    if flow.op(walk_back(flow, i)) not in ("Exit", "RefExit"):
        return False
    own = flow.variable_bits[i]
    return any(head.labels and head.coverage & ~own and not own & ~head.coverage for head in groups)


def _is_last_state(flow: Flow, i: int, port: int) -> bool:
    """Whether a tensor is cut from what a loop wrote down, and may be fed to it at the next call."""
    pile = walk_back(flow, i, ops.LOOK_THROUGH | {"StridedSlice", "Slice"})
    return flow.op(pile).startswith("TensorArrayGather") and goes_round(flow, i, port)


def _collected(flow: Flow, found: Region, groups: list[Head]) -> list[tuple[int, int]]:
    """Activations, (node, output), in collections of the author's; not layers of a model that goes on."""
    pairs: list[tuple[int, int]] = []
    for text in flow.collected:
        name, port = split_input(text)
        i = flow.graph.index[name]
        there = port < max(1, len(flow.graph.nodes[i].output_shapes()))
        if there and found.inside[i] == 1 and flow.variable_bits[i] and not flow.looped[i]:
            pairs.append((i, port))
    known = 0
    for i, _ in pairs:
        known |= flow.variable_bits[i]
    goes_on = any(head.coverage & ~known and not known & ~head.coverage for head in groups)
    return [] if goes_on else pairs
