"""Heads of nets that learn without labels: what is compared with the input, what another net judges."""

from __future__ import annotations

from collections.abc import Sequence

from zoo.endpoints import ops
from zoo.endpoints.ending import turned
from zoo.endpoints.flow import Flow, parameter_behind
from zoo.endpoints.heads import Groups, Head, add_view, cone
from zoo.endpoints.kinds import RANK_OF_PICTURES
from zoo.endpoints.region import Region, fed_content
from zoo.endpoints.views import before_loss, clipped


def compared_with_input(flow: Flow, found: Region, missing: int) -> list[Head]:
    """Reconstructions: activations that are compared with an example itself on the way to a loss."""
    nodes, rows = flow.graph.nodes, flow.rows
    groups: Groups = {}
    leads = found.leads(flow)
    for i in flow.line:
        if nodes[i].op not in ops.DIFFERENCES or not found.inside[i] or leads[i]:
            continue  # where layers follow, nothing is compared
        row = [s for s, _ in rows[i]]
        raw = [s for s in row if flow.feed_bits[s] and flow.shape(s) != () and fed_content(flow, s)]
        if not raw:
            continue
        for source in row:
            if found.lossward[source] and flow.variable_bits[source] & missing:
                weighed = nodes[i].op == "Mul" and flow.op(source) in _COMPARED
                if weighed or all(_weighs(flow, s, source) for s in raw):
                    continue
                before = _activated(flow, found, _before_logarithm(flow, found, source))
                add_view(flow, found, groups, before, dangling=True, rule="reconstruction")
    widest = max((head.coverage.bit_count() for head in groups.values()), default=0)
    wide = [head for head in groups.values() if head.coverage.bit_count() == widest]
    if not 1 < len(wide) <= _STEPS:
        return wide
    # What is compared at one step and goes on to the next is not what was rebuilt in the end.
    gone_on: set[int] = set()
    for head in wide:
        needs = cone(flow, head.node)
        gone_on.update(other.node for other in wide if other.node != head.node and other.node in needs)
    return [head for head in wide if head.node not in gone_on]


_COMPARED = frozenset({"Pow", "Square", "SquaredDifference", "Abs"})
"""What a comparison becomes before it is weighed."""


def _weighs(flow: Flow, i: int, j: int) -> bool:
    """Whether a tensor is spread along an axis of another one, as weights are, and examples never."""
    first, second = flow.shape(i), flow.shape(j)
    if first is None or second is None or len(first) != len(second):
        return False
    return any(a == 1 and b not in (1, None) for a, b in zip(first, second, strict=True))


_STEPS = 32
"""Steps that are compared with each other, at most."""


def _before_logarithm(flow: Flow, found: Region, i: int) -> int:
    """What a loss is taken of; of the logarithms of chances that nothing else reads, the logits."""
    if (named := clipped(flow, i)) >= 0:
        return named
    before = before_loss(flow, found, i)
    for_loss = flow.op(before) == "LogSoftmax" and all(found.lossward[j] for j in flow.readers(before))
    return flow.rows[before][0][0] if for_loss else before


def _activated(flow: Flow, found: Region, i: int) -> int:
    """The sigmoid of the logits that a cross entropy compares, if the graph computes one."""
    nodes = flow.graph.nodes
    for reader in flow.consumers[i]:
        if reader < len(nodes) and found.inside[reader] == 1 and nodes[reader].op in ops.PROBABILITIES:
            return reader
    return i


def first_complete(flow: Flow, found: Region, missing: int) -> list[Head]:
    """Where all the missing variables come together first, with the activation that follows."""
    nodes, rows = flow.graph.nodes, flow.rows
    widest = 0
    for i in flow.line:
        if found.lossward[i]:
            bits = flow.variable_bits[i] & missing
            if bin(bits).count("1") > bin(widest).count("1"):
                widest = bits
    if not widest:
        return []
    for i in flow.line:
        if found.lossward[i] and not flow.looped[i] and flow.variable_bits[i] & missing == widest:
            node = i
            for _ in range(8):
                ahead = [
                    j
                    for j in flow.consumers[node]
                    if j < len(nodes) and found.inside[j] == 1 and nodes[j].op not in ops.SHAPES
                ]
                normalized = _normalized_ahead(flow, node, ahead)
                if normalized >= 0:
                    node = normalized
                    continue
                if len(ahead) != 1 or nodes[ahead[0]].op not in _FINISHES:
                    break
                if any(
                    s != node and (flow.feed_bits[s] or flow.variable_bits[s] & ~0) and flow.feed_bits[s]
                    for s, _ in rows[ahead[0]]
                ):
                    break
                node = ahead[0]
            groups: Groups = {}
            add_view(flow, found, groups, node, dangling=True, rule="complete")
            return list(groups.values())
    return []


def _normalized_ahead(flow: Flow, i: int, ahead: Sequence[int]) -> int:
    """The reader that divides a tensor by its own length, else -1."""
    nodes, rows = flow.graph.nodes, flow.rows
    for j in ahead:
        if nodes[j].op not in ("Mul", "RealDiv", "Div"):
            continue
        for source, _ in rows[j]:
            node = source
            for _ in range(6):
                if (
                    node == i
                    or node >= len(nodes)
                    or nodes[node].op
                    not in (
                        "Rsqrt",
                        "Sqrt",
                        "Maximum",
                        "Sum",
                        "Square",
                        "Add",
                        "AddV2",
                    )
                ):
                    break
                inner = [s for s, _ in rows[node] if flow.feed_bits[s]]
                if not inner:
                    break
                node = inner[0]
            if node == i and source != i:
                return j
    return -1


_FINISHES = frozenset(
    """BiasAdd Add AddV2 Relu Relu6 LeakyRelu Elu Tanh Sigmoid Softmax Identity Mul Reshape Squeeze
    ClipByValue""".split()
)


def generators(flow: Flow, found: Region) -> tuple[list[Head], int]:
    """Tensors that a net judges in the place of examples, and the bits of the judging net.

    A discriminator, a critic or a loss network reads its first weights twice: once with an example,
    once with what another net made.  A table that is read with a number which the net decided on
    judges nothing: no gradient goes through a decision.
    """
    nodes, rows = flow.graph.nodes, flow.rows
    raw: dict[int, int] = {}
    # Tables that are looked up with examples, and that score activations by their rows, judge nothing.
    looked_up, compared = set[int](), set[int]()
    made: dict[int, list[tuple[int, int]]] = {}
    for i in flow.line:
        if (
            i >= len(nodes)
            or flow.off[i]
            or nodes[i].op not in ops.MIXES
            or not flow.feed_bits[i] | flow.random_bits[i]
        ):
            continue
        if nodes[i].op in ("BiasAdd", "BiasAddV1") or (flow.dead and flow.dead[i]):
            continue
        parameters = [s for s, _ in rows[i] if not flow.feed_bits[s] and parameter_behind(flow, s) >= 0]
        if len(parameters) != 1:
            continue
        root = parameter_behind(flow, parameters[0])
        own = flow.variable_bits[root]
        if nodes[i].op == "MatMul" and any(turned(flow, i)):
            compared.add(root)
        examples = rows[i][2:] if "Backprop" in nodes[i].op else rows[i]  # the first input is a shape
        for s, _ in examples:
            if s == parameters[0] or not (flow.feed_bits[s] or flow.random_bits[s]):
                continue
            if not flow.variable_bits[s]:
                if flow.feed_bits[s] and not flow.feed_bits[s] & found.labels:
                    raw.setdefault(root, s)
                    if nodes[i].op in ops.LOOKUPS:
                        looked_up.add(root)
            elif (both := _joined_batches(flow, found, s)) is not None:
                raw.setdefault(root, both[0])
                made.setdefault(root, []).append((both[1], own))
            elif not flow.variable_bits[s] & own and found.inside[s] == 1 and nodes[i].op not in ops.LOOKUPS:
                made.setdefault(root, []).append((s, own))
    groups: Groups = {}
    judge = 0
    sources: dict[int, tuple[int, int]] = {}
    losses = judged(flow, found) if raw.keys() & made.keys() else b""
    for root, items in made.items():
        if root in raw and losses[raw[root]] and not (root in compared and root in looked_up):
            sources.update((s, (raw[root], own)) for s, own in items)
            judge |= flow.variable_bits[root]
    judges: dict[int, int] = {}
    for node, (example, own) in sorted(sources.items()):
        for _ in range(6):
            # What is done to examples as well belongs to the judge: centering, adding a condition.
            if example >= len(nodes) or nodes[node].op not in _FOR_THE_JUDGE:
                break
            if nodes[example].op != nodes[node].op:
                break
            if not nodes[node].op.startswith("Concat") and _uses_count(flow, node) > 1:
                break  # more than the judge reads it: it is what was made, not a view for the judge
            inner = [t for t, _ in rows[node] if found.inside[t] == 1]
            others = [t for t, _ in rows[node] if found.inside[t] != 1 and flow.variable_bits[t]]
            if len(inner) != 1 or others:
                break
            node = inner[0]
            example = next((t for t, _ in rows[example] if flow.feed_bits[t]), example)
        known = set(groups)
        add_view(flow, found, groups, node, dangling=True, rule="generator")
        judges.update((id(groups[key]), own) for key in groups.keys() - known)
    chosen = list(groups.values())
    for head in chosen:
        judge &= ~head.coverage  # of two generators in a circle each reads what the other made
    # What a net makes of what a net made (an interpolation, a cycle) is not the answer; but a finer picture
    # that takes parameters of its own, and has a judge of its own, is.
    result = []
    for head in chosen:
        rivals = {
            other.node for other in chosen
            if other.node != head.node
            and (judges[id(other)] == judges[id(head)] or not head.coverage & ~other.coverage)
        }  # fmt: skip
        if not rivals or rivals.isdisjoint(cone(flow, head.node)):
            result.append(head)
    return result, judge


def _joined_batches(flow: Flow, found: Region, i: int) -> tuple[int, int] | None:
    """Examples, and what was made in their place, that are joined to one batch for the judge; else None."""
    if flow.op(i) not in ("Concat", "ConcatV2"):
        return None
    shape = flow.shape(i) or ()
    joined = [s for s, _ in flow.rows[i][:_JOINED]] if len(shape) == RANK_OF_PICTURES else []
    alike = [s for s in joined if (flow.shape(s) or ())[1:] == shape[1:]]
    raw = [s for s in alike if flow.feed_bits[s] and not flow.variable_bits[s]]
    made = [s for s in alike if flow.variable_bits[s] and found.inside[s] == 1]
    return (raw[0], made[0]) if len(raw) == len(made) == 1 else None


_JOINED = 8
"""Tensors that are joined to one batch, at most."""


def views_for_judge(flow: Flow, found: Region, node: int) -> int:
    """What was made, behind the centering and joining that a judge of known weights asks for."""
    nodes, rows = flow.graph.nodes, flow.rows
    for _ in range(6):
        if nodes[node].op not in _FOR_THE_JUDGE or _uses_count(flow, node) > 1:
            break
        inner = [t for t, _ in rows[node] if found.inside[t] == 1]
        if len(inner) != 1 or _uses_count(flow, inner[0]) < 2:
            break
        node = inner[0]
    return node


_FOR_THE_JUDGE = frozenset(
    """Concat ConcatV2 Reshape Add AddV2 Sub Mul Pad Identity EnsureShape ExpandDims Squeeze AvgPool MaxPool
    Transpose ResizeBilinear ResizeNearestNeighbor MirrorPad PadV2 ReverseV2""".split()
)


def judged(flow: Flow, found: Region) -> bytearray:
    """Per node whether a loss depends on it: a judge's opinion of examples is trained, too.

    A decoder that somebody feeds with codes reads its weights twice as well, and judges nothing.
    """
    nodes = flow.graph.nodes
    result = bytearray(len(flow.rows))
    for i in reversed(flow.line):
        if nodes[i].op in ops.SHAPES:
            continue
        if result[i] or found.inside[i] == 2 or found.scalar[i] or found.contact[i]:
            for source, _ in flow.rows[i]:
                result[source] = 1
    return result


def _uses_count(flow: Flow, i: int) -> int:
    """How many nodes of the forward part read a node's content."""
    nodes = flow.graph.nodes
    return sum(nodes[j].op not in ops.SHAPES for j in flow.readers(i))
