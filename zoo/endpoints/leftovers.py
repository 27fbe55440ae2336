"""Heads that nobody reads because their author had no use for them.

A function that builds a net often makes more than this model wants: copies of every layer's result
in another shape, the way on to a next stage that does not come, layers that no loss ever trained.
"""

from __future__ import annotations

import re

from zoo.endpoints import ops
from zoo.endpoints.copies import made_alike
from zoo.endpoints.flow import Flow, output_dtype
from zoo.endpoints.heads import Head, cone
from zoo.endpoints.kinds import is_deliberate, is_named, outside_scopes, walk_back
from zoo.endpoints.region import Region
from zoo.graph import BACK_EDGES


def without_leftovers(flow: Flow, found: Region, groups: list[Head]) -> tuple[list[Head], list[Head]]:
    """The heads that were made for somebody, and the leftovers."""
    if len(groups) < 2:
        return groups, []
    unread = [
        head for head in groups
        if head.dangling and head.rule == "head" and not is_deliberate(flow, head.node)
    ]  # fmt: skip
    again = _states_shown(flow, groups)
    gone = again + [
        head for head in unread
        if _shows_a_layer(flow, found, head, groups)
        or _shifts_a_layer(flow, found, head, groups)
        or _looked_up_in_vain(flow, head, groups)
        or _is_hidden_layer(flow, head, groups)
        or (head.coverage & found.scored and _is_float(flow, head))
    ]  # fmt: skip
    rest = [head for head in groups if head not in gone]
    gone += [head for head in unread if head in rest and _untrained(flow, head, rest)]
    gone += [head for head in _beside_named(flow, groups) if head not in gone]
    gone += [head for head in _decides_for_nobody(flow, groups) if head not in gone]
    gone += [head for head in _steps_before(flow, groups) if head not in gone]
    gone += [head for head in _kept_by_loops(flow, groups) if head not in gone]
    gone += _cut_from_inside(flow, found, [head for head in groups if head not in gone])
    gone += _looks_inside(flow, found, [head for head in groups if head not in gone])
    kept = [head for head in groups if head not in gone]
    stages = _for_a_next_stage(flow, found, kept)
    stages += [head for head in _ends_of_chains(flow, found, kept) if head not in stages]
    return [head for head in kept if head not in stages], gone + stages


def _states_shown(flow: Flow, groups: list[Head]) -> list[Head]:
    """States that a loop hands out, if its author cut the last ones out of all steps, by other names."""
    states = [head for head in groups if head.rule == "state"]
    shapes = {flow.shape(head.node, head.port) for head in states} - {None}
    if len(shapes) != 1:
        return []
    named = [
        head for head in groups
        if head.rule == "head" and head.dangling and is_deliberate(flow, head.node)
        and flow.shape(head.node, head.port) in shapes
        and any(not head.coverage & ~state.coverage for state in states)
    ]  # fmt: skip
    return states if len(named) == len(states) else []


def _shows_a_layer(flow: Flow, found: Region, head: Head, groups: list[Head]) -> bool:
    """Whether a head is a layer's result in another shape, while the net goes on behind that layer."""
    if not any(
        other is not head and head.coverage & ~other.coverage == 0 and other.coverage != head.coverage
        for other in groups
    ):
        return False  # fmt: skip
    layer = walk_back(flow, head.node)
    return layer != head.node and flow.graph.nodes[layer].op not in _SELECTS and found.extends[layer] > 1


def _shifts_a_layer(flow: Flow, found: Region, head: Head, groups: list[Head]) -> bool:
    """Whether a head adds an offset of its own to a layer's result, while the net goes on without it."""
    source = flow.rows[head.node][0][0] if flow.op(head.node) in ("BiasAdd", "BiasAddV1") else -1
    if source < 0 or found.extends[source] < 2:
        return False
    before = flow.variable_bits[source]
    others = (other.coverage for other in groups if other is not head)
    return any(not before & ~coverage and before != coverage for coverage in others)


def _beside_named(flow: Flow, groups: list[Head]) -> list[Head]:
    """Heads of an export that nobody named or read, beside named ones that depend on as much."""
    if flow.learns:
        return []
    fetched = [head for head in groups if head.dangling and head.rule == "head"]
    named = [head for head in fetched if is_deliberate(flow, head.node)]
    answers = ops.PROBABILITIES | ops.DECISIONS
    return [
        head for head in fetched
        if head not in named and flow.graph.nodes[walk_back(flow, head.node)].op not in answers
        and outside_scopes(flow, head.node) and not is_named(flow, head.node)
        and any(not head.coverage & ~other.coverage for other in named)
    ]  # fmt: skip


def _decides_for_nobody(flow: Flow, groups: list[Head]) -> list[Head]:
    """Decisions of one step, for a next one that does not come, beside what shows all steps' scores."""
    nodes, result = flow.graph.nodes, []
    cones: dict[int, frozenset[int]] = {}
    for head in groups:
        base = walk_back(flow, head.node)
        if not head.dangling or is_named(flow, head.node) or base >= len(nodes):
            continue
        if nodes[base].op not in _DECIDES or not flow.rows[base]:
            continue
        scores = flow.rows[base][0][0]
        rivals = [
            other for other in groups
            if other is not head and other.root != head.root and not head.coverage & ~other.coverage
        ]  # fmt: skip
        if rivals and made_alike(flow, scores):
            cones.update({other.node: cone(flow, other.node) for other in rivals if other.node not in cones})
            if any(scores in cones[other.node] for other in rivals):
                result.append(head)
    return result


_DECIDES = frozenset({"ArgMax", "Multinomial"})


def _steps_before(flow: Flow, groups: list[Head]) -> list[Head]:
    """What a layer made at an early step of an unrolled loop, if later ones alone are read."""
    result = []
    cones: dict[int, frozenset[int]] = {}
    read = [head for head in groups if head.labels and not head.dangling]
    for head in groups:
        if not head.dangling or head.rule != "head" or is_deliberate(flow, head.node):
            continue
        alike = set(made_alike(flow, head.node))
        if not alike:
            continue
        cones = cones or {other.node: cone(flow, other.node) for other in read}
        # Of a copy of the net all is made again; a later step goes on from what this one knew.
        known = _known(flow, head.node)
        if any(alike & needed and known & needed for needed in cones.values()):
            result.append(head)
    return result


def _known(flow: Flow, i: int) -> set[int]:
    """What the last layer that a tensor shows is made of, and what that is joined from."""
    for _ in range(8):
        inner = _activations(flow, i)
        op = flow.graph.nodes[i].op
        if (op in ops.MIXES and not op.startswith("BiasAdd")) or len(inner) != 1:
            return inner.union(*(_activations(flow, s) for s in inner))
        i = inner.pop()
    return set()


def _activations(flow: Flow, i: int) -> set[int]:
    return {s for s, _ in flow.rows[i] if flow.variable_bits[s] and flow.feed_bits[s]}


_SELECTS = frozenset({"TopK", "TopKV2", "GatherV2", "GatherNd", "CombinedNonMaxSuppression"})
"""Ops that pick from answers; what they pick may be fetched and read on alike: boxes to cut masks from."""


def _is_hidden_layer(flow: Flow, head: Head, groups: list[Head]) -> bool:
    """Whether a head is a wide layer's activation, as no answer is one, and another head is an answer."""
    nodes = flow.graph.nodes
    shape = flow.shape(head.node, head.port)
    if nodes[head.node].op not in _HIDDEN or not shape or (shape[-1] or 0) < _WIDE:
        return False
    answers = ops.PROBABILITIES | ops.DECISIONS
    return any(
        other.labels or not _is_float(flow, other) or nodes[walk_back(flow, other.node)].op in answers
        for other in groups
    )


_HIDDEN = ops.NONLINEAR | {"FusedBatchNorm", "FusedBatchNormV3"}
_WIDE = 32


def _is_float(flow: Flow, head: Head) -> bool:
    """Whether a head is scores, not the path that was decided on by scores."""
    return (output_dtype(flow.graph.nodes[head.node], head.port) or "float32").startswith("float")


def _looked_up_in_vain(flow: Flow, head: Head, groups: list[Head]) -> bool:
    """Whether a head is nothing but rows of a table that the model reads elsewhere: a step's unused input."""
    base = walk_back(flow, head.node)
    if base >= len(flow.graph.nodes) or flow.graph.nodes[base].op not in ops.LOOKUPS:
        return False
    return head.coverage.bit_count() == 1 and any(
        head.coverage & other.coverage and other.coverage.bit_count() > _MANY for other in groups
    )


_MANY = 3


def _untrained(flow: Flow, head: Head, groups: list[Head]) -> bool:
    """Whether no loss trains the last layers of a head, and other heads hold all that is trained of it."""
    if not flow.idle[head.node]:
        return False
    rest = 0
    for other in groups:
        if not flow.idle[other.node]:
            rest |= other.coverage
    return rest != 0 and not head.coverage & flow.live & ~rest


def ends_untrained(flow: Flow, head: Head) -> bool:
    """Whether no gradient reaches the last layers of a net of which most is trained: nobody uses its answer.

    The net that several workers train together gets its steps from theirs: none of it has a gradient.
    """
    if not (flow.taught and head.dangling and flow.idle[head.node]):
        return False
    if flow.op(walk_back(flow, head.node)) not in ops.NONLINEAR:
        return False  # scores of a layer that Python filled
    return (head.coverage & flow.live).bit_count() * 2 > head.coverage.bit_count()


def _cut_from_inside(flow: Flow, found: Region, groups: list[Head]) -> list[Head]:
    """Heads that show a part of what layers of another head go on with: an example's attention, say."""
    cut = {
        id(head): walk_back(flow, head.node, ops.LOOK_THROUGH | {"StridedSlice", "Slice"})
        for head in groups if head.dangling and head.rule == "head" and not is_deliberate(flow, head.node)
    }  # fmt: skip
    cut = {
        key: inner for key, inner in cut.items()
        if found.extends[inner] > 1 and flow.graph.nodes[inner].op not in _SELECTS
    }  # fmt: skip
    if not cut:
        return []
    leads = found.leads(flow)
    rest = [cone(flow, head.node) for head in groups if id(head) not in cut]
    return [
        head for head in groups
        if id(head) in cut and cut[id(head)] != head.node and leads[cut[id(head)]]
        and any(cut[id(head)] in needs for needs in rest)
    ]  # fmt: skip


def _kept_by_loops(flow: Flow, groups: list[Head]) -> list[Head]:
    """Heads that are what a loop wrote down at each step, while something else of the loop is wanted.

    A recurrent layer hands out its state and all steps, a decoder scores and words, wanted or not.
    """
    nodes, loops = flow.graph.nodes, dict[int, str]()
    for head in groups:
        pile = walk_back(flow, head.node)
        written = nodes[pile].op.startswith("TensorArrayGather") and flow.rows[pile]
        if head.labels or is_deliberate(flow, head.node):
            continue
        if written:
            loops[id(head)] = _scope(flow, flow.rows[pile][-1][0])
        elif nodes[pile].op == "ConcatV2":  # of both directions
            ends = [walk_back(flow, s) for s, _ in flow.rows[pile] if flow.variable_bits[s]]
            if len(ends) > 1 and all(flow.op(end) == "Exit" for end in ends):
                loops[id(head)] = _scope(flow, ends[0])
    if not loops:
        return []
    passed = {
        id(head): {_scope(flow, i) for i in cone(flow, head.node) if i < len(nodes) and nodes[i].op == "Exit"}
        for head in groups
    }
    return [
        head for head in groups
        if id(head) in loops and any(
            loops[id(head)] in passed[id(other)] for other in groups
            if other is not head and not head.coverage & ~other.coverage
            and (head.coverage != other.coverage or is_deliberate(flow, other.node))
        )
    ]  # fmt: skip


def _scope(flow: Flow, i: int) -> str:
    return flow.graph.names[i].rpartition("/")[0] if i < len(flow.graph.nodes) else ""


def _looks_inside(flow: Flow, found: Region, groups: list[Head]) -> list[Head]:
    """Heads that collect, step by step, what the steps of another head are made of: weights of attention."""
    fetched = [
        head for head in groups
        if head.dangling and head.rule == "head" and (flow.learns or not is_deliberate(flow, head.node))
    ]  # fmt: skip
    content = {id(head): _collected(flow, head.node) for head in fetched}
    # What a label meets is part of an answer, not of the way to one.
    collections = [
        head for head in fetched if content[id(head)] >= 0 and not found.contact[content[id(head)]]
    ]
    result = []
    for head in collections:
        own = content[id(head)]
        for other in groups:
            if other is head or other.rule != "head":
                continue
            made = content.get(id(other), -1)
            made = walk_back(flow, other.node) if made < 0 else made
            if own != made and _within_step(flow, own, made):
                result.append(head)
                break
    return result


def _collected(flow: Flow, i: int) -> int:
    """What is put on a pile of which a tensor is, at the last step; -1 if it is no pile."""
    nodes, rows = flow.graph.nodes, flow.rows
    i = walk_back(flow, i)
    if i >= len(nodes) or not rows[i]:
        return -1
    if nodes[i].op == "Pack":
        return walk_back(flow, rows[i][-1][0])
    if not nodes[i].op.startswith("TensorArrayGather"):
        return -1
    i = rows[i][-1][0]
    for _ in range(8):
        if i >= len(nodes) or not rows[i]:
            return -1
        if nodes[i].op.startswith("TensorArrayWrite"):
            return walk_back(flow, rows[i][2][0])
        back = [s for s, _ in rows[i] if s < len(nodes) and nodes[s].op in BACK_EDGES]
        i = back[0] if back else rows[i][0][0]
    return -1


def _within_step(flow: Flow, first: int, second: int) -> bool:
    """Whether ``second`` is made of ``first``, or of a pile of what is, without going round a loop."""
    nodes = flow.graph.nodes
    todo, seen = [second], {second}
    while todo and len(seen) < _STEP:
        node = todo.pop()
        pile = nodes[node].op.startswith("TensorArrayGather")
        for source in (_collected(flow, node),) if pile else (s for s, _ in flow.rows[node]):
            if source == first:
                return True
            if source in seen or not 0 <= source < len(nodes) or not flow.variable_bits[source]:
                continue
            if nodes[source].op not in BACK_EDGES:
                seen.add(source)
                todo.append(source)
    return False


_STEP = 3000
"""Nodes of a step that are looked at."""


def _for_a_next_stage(flow: Flow, found: Region, groups: list[Head]) -> list[Head]:
    """Heads that join an answer with what the layers inside hold, as the next of several stages needs.

    Only where another head of the same variables is made of answers alone.
    """
    if not flow.learns:
        return []
    by_coverage: dict[int, list[Head]] = {}
    for head in groups:
        by_coverage.setdefault(head.coverage, []).append(head)
    result: list[Head] = []
    for rivals in by_coverage.values():
        if len(rivals) < 2:
            continue
        met = {i for head in rivals if head.labels for i in (head.node, head.root)}
        layers = {id(head): _layers(flow, found, head.node, met) for head in rivals}
        pure = [head for head in rivals if head.labels or not layers[id(head)]]
        if len(pure) in (0, len(rivals)):
            continue
        inner = frozenset[int]().union(*(cone(flow, head.node) for head in pure))
        result.extend(
            head
            for head in rivals
            if head not in pure
            and head.dangling
            and layers[id(head)] <= inner
            and flow.op(walk_back(flow, head.node)) not in ops.DECISIONS
        )
    return result


def _ends_of_chains(flow: Flow, found: Region, groups: list[Head]) -> list[Head]:
    """What the last of a row of like blocks made for a next one, beside an answer that has no like.

    The block before made the same, by its name, and a block read it; this one nobody reads.
    """
    nodes = flow.graph.nodes
    chained: list[Head] = []
    for head in groups:
        name = _numbers_off(nodes[head.node].name)
        alike = head.dangling and head.rule == "head" and not is_deliberate(flow, head.node) and "/" in name
        if alike and any(
            i < len(nodes)
            and i != head.node
            and nodes[i].op == nodes[head.node].op
            and found.inside[i] == 1
            and _numbers_off(nodes[i].name) == name
            for i in cone(flow, head.node)
        ):
            chained.append(head)  # fmt: skip
    result = []
    for head in chained:
        rest = 0
        for other in groups:
            shown = nodes[walk_back(flow, other.node)].op in ops.PROBABILITIES or _decided(flow, other)
            if other not in chained and (other.labels or shown):
                rest |= other.coverage
        own = (head.coverage & ~rest).bit_count()
        if rest and own <= _OWN_OF_A_BLOCK and own * 4 <= head.coverage.bit_count():
            result.append(head)
    return result


_OWN_OF_A_BLOCK = 4
"""Variables that the way on to a next block has for itself: weights, offset, a normalization's two."""


def _numbers_off(name: str) -> str:
    """A name with its scopes' numbers left out; the number that makes an op's own name unique counts."""
    scope, slash, last = name.rpartition("/")
    return re.sub(r"\d+", "#", scope) + slash + last


def _decided(flow: Flow, head: Head) -> bool:
    """Whether a head is a part of probabilities: the last step of a sequence."""
    nodes, i = flow.graph.nodes, head.node
    for _ in range(6):
        if i >= len(nodes) or not flow.rows[i]:
            return False
        if nodes[i].op in ops.PROBABILITIES:
            return True
        if nodes[i].op not in ops.LOOK_THROUGH | {"Slice", "StridedSlice"}:
            return False
        i = flow.rows[i][0][0]
    return False


def _layers(flow: Flow, found: Region, i: int, met: set[int]) -> set[int]:
    """The layers that a tensor shows without going over an answer: what meets a label, ``met``, chances.

    Chances that a parameter comes after are no answer.
    """
    nodes, rows, leads = flow.graph.nodes, flow.rows, found.leads(flow)
    todo, seen, layers = [i], {i}, set()
    while todo:
        node = todo.pop()
        if found.contact[node] or node in met:
            continue
        if node < len(nodes) and nodes[node].op in ops.PROBABILITIES and not leads[node]:
            continue
        if node >= len(nodes) or len(seen) > 200 or nodes[node].op in ops.MIXES:
            layers.add(node)
            continue
        for source, _ in rows[node]:
            if source not in seen and found.inside[source]:
                seen.add(source)
                todo.append(source)
    return layers
