"""Who is trained by which loss, as the gradients tell: an actor by its critic, a painter by its critics.

Each call of `tf.gradients` has a name scope of its own; in it stands a scope for every op that the
gradient went through, that of the loss first.
"""

from __future__ import annotations

import re

from zoo.endpoints import ops
from zoo.endpoints.flow import Flow, parameter_behind
from zoo.endpoints.heads import Groups, Head, add_view, cone
from zoo.endpoints.kinds import is_named
from zoo.endpoints.made import judged, views_for_judge
from zoo.endpoints.region import Region
from zoo.graph import Graph

_REACH = 12
"""Nodes between a gradient and the step that applies it: clipping, averaging."""

_LOSSES = 16
"""More calls of `tf.gradients` than this are towers, one for each device, and no nets apart."""


def through_another(flow: Flow, found: Region, groups: list[Head]) -> tuple[list[Head], list[Head]]:
    """The heads, with what another net judges in the place of its judgement; and the judgements.

    An actor's steps go up what the critic says of its action, and the critic learns from a loss of
    its own; a net for images may be trained by fixed layers that see what it made.
    """
    losses = _losses(flow)
    if len(losses) > _LOSSES or (len(losses) < 2 and any(head.labels for head in groups)):
        return groups, []
    reads = _reads(flow, found)
    kept: list[Head] = []
    judgements: list[Head] = []
    answers: Groups = {}
    for head in groups:
        answer = _by_loss(flow, head, losses, reads)
        if answer < 0 and not any(other.labels for other in groups):
            answer = _by_fixed_layers(flow, found, head, reads)
        if answer < 0:
            kept.append(head)
            continue
        judgements.append(head)
        add_view(flow, found, answers, answer, dangling=True, rule="generator")
    return kept + [head for head in answers.values() if all(head.node != k.node for k in kept)], judgements


def without_teachers(flow: Flow, groups: list[Head]) -> tuple[list[Head], list[Head]]:
    """The heads, and those that only say to others what to learn: no gradient goes through them.

    So it is with the value of the next state, and with a large net that a small one imitates.
    """
    if not flow.taught or not any(flow.taught[head.root] for head in groups if head.root >= 0):
        return groups, []
    teachers = [
        head for head in groups
        if head.rule == "head" and not head.dangling
        and flow.teaches[head.node] and not flow.taught[head.root]
    ]  # fmt: skip
    learners = [head for head in groups if head.labels and head not in teachers]
    teachers += [
        head for head in groups
        if head not in teachers and _is_imitated(flow, head) and any(
            not head.coverage & other.coverage
            and head.coverage.bit_count() >= other.coverage.bit_count() for other in learners
        )
    ]  # fmt: skip
    return [head for head in groups if head not in teachers], teachers


def _is_imitated(flow: Flow, head: Head) -> bool:
    """Whether what a net says is also a label for another net: a teacher that learns at the same time."""
    nodes, todo = flow.graph.nodes, list(dict.fromkeys((head.node, head.root)))
    for _ in range(8):
        if not todo:
            break
        for j in flow.consumers[todo.pop()]:
            if j >= len(nodes) or flow.off[j]:
                continue
            if nodes[j].op == "StopGradient" and flow.teaches[j]:
                return True
            if nodes[j].op in ops.LOOK_THROUGH | ops.PROBABILITIES | {"RealDiv", "Mul"}:
                todo.append(j)
    return False


def without_adversaries(flow: Flow, groups: list[Head]) -> tuple[list[Head], list[Head]]:
    """The heads, and those that the layers before them learn to mislead: which domain an example is of.

    Their gradient goes back with its sign changed, through a node that does nothing else.
    """
    turned = _turned(flow.graph)
    misled = [head for head in groups if turned and not turned.isdisjoint(cone(flow, head.node))]
    if len(misled) == len(groups):
        return groups, []
    return [head for head in groups if head not in misled], misled


def without_named_judges(flow: Flow, groups: list[Head]) -> tuple[list[Head], list[Head]]:
    """Without nets that are called judges, beside one that has nothing in common with them.

    Its gradient may go to the other one by way of Python, as a reward: no data flows from one to the other.
    Where both are told by labels of their own, one is called so for what it tells apart.
    """
    called = [_JUDGE.search(flow.graph.names[i]) is not None for i in flow.variables]
    learns = flow.learns or ops.differentiates(flow.graph)
    if not learns or len(groups) < 2 or not any(called):
        return groups, []
    judging = sum(1 << k for k, is_judge in enumerate(called) if is_judge)
    judges = [
        head for head in groups
        if head.coverage and not head.coverage & ~judging and not is_named(flow, head.node)
        and not _is_drawn(flow, head.node) and (not head.labels or _has_painter(flow, groups, head))
        and ((flow.shape(head.node, head.port) or (None,))[-1] or 1) <= _TRUE_OR_NOT
    ]  # fmt: skip
    if all(head in judges or head.coverage & judging for head in groups):
        return groups, []
    return [head for head in groups if head not in judges], judges


def _has_painter(flow: Flow, groups: list[Head], judge: Head) -> bool:
    """Whether something is drawn without a label, or nothing but a judge has labels."""
    others = [head for head in groups if head is not judge]
    drawn = any(head.dangling and not head.labels and flow.random_bits[head.node] for head in others)
    return drawn or not any(head.labels for head in others)


_TRUE_OR_NOT = 2
_JUDGE = re.compile(r"(^|/)(discriminator|adversary)(_\d+)?/", re.IGNORECASE)


def without_critics(flow: Flow, groups: list[Head]) -> tuple[list[Head], list[Head]]:
    """Without the single value that a critic gives to an action that is fed, where an actor answers with one.

    The critic's gradient by its action goes to the actor by way of Python, through a placeholder.
    """
    nodes = flow.graph.nodes
    dropped = []
    for head in groups[:_COMPARED] if flow.learns else ():
        shape = flow.shape(head.node, head.port)
        if head.dangling or not shape or shape[-1] != 1 or not head.labels:
            continue
        fed = [
            flow.shape(feed.node, feed.port)
            for k, feed in enumerate(flow.feeds)
            if head.feeds >> k & 1 and nodes[feed.node].op in ops.PLACEHOLDERS
        ]
        for actor in groups[:_COMPARED]:
            acts = flow.shape(actor.node, actor.port)
            if actor is head or actor.labels or actor.coverage & head.coverage or actor.feeds & head.feeds:
                continue
            states = [
                flow.shape(feed.node, feed.port) for k, feed in enumerate(flow.feeds) if actor.feeds >> k & 1
            ]
            if acts in fed and any(state in fed for state in states if state != acts):
                dropped.append(head)
                break
    values = 0
    for head in dropped:
        values |= head.coverage
    if dropped:
        dropped += [head for head in groups if head not in dropped and not head.coverage & ~values]
    return [head for head in groups if head not in dropped], dropped


def _turned(graph: Graph) -> set[int]:
    """Identities whose gradient is what comes in with its sign changed, scaled at most."""
    scopes: dict[str, int] = {}
    for i in graph.having(("Neg",)):
        name = graph.names[i]
        node = graph.index.get(ops.differentiated(name), -1) if ops.in_gradient(name) else -1
        if node >= 0 and graph.ops[node] in ("Identity", "IdentityN"):
            scopes[name[: name.rfind("_grad/") + len("_grad/")]] = node
    made: dict[str, list[str]] = {scope: [] for scope in scopes}
    for i in graph.about_gradients if scopes else ():
        name = graph.names[i]
        scope = name[: name.rfind("_grad/") + len("_grad/")]
        if scope in made:
            made[scope].append(graph.ops[i])
    return {
        node for scope, node in scopes.items()
        if made[scope].count("Neg") % 2 and not set(made[scope]) - _SCALES
    }  # fmt: skip


_SCALES = frozenset("Neg Mul RealDiv Const Cast Identity IdentityN Shape Sum Reshape NoOp".split())


def without_baselines(flow: Flow, found: Region, groups: list[Head]) -> tuple[list[Head], list[Head]]:
    """Without the single value that a net of its own gives to a state, beside actions that are drawn.

    It teaches the actor; one that shares layers with the actor is answered beside the action, as a rule.
    """
    drawn = 0
    for head in groups if flow.taught and len(groups) > 1 else ():
        if head.dangling and _is_drawn(flow, head.node):
            drawn |= head.coverage
    drawn = drawn if drawn and drawn & _rewarded(flow, found) else 0
    values = [
        head for head in groups
        if drawn and head.labels and not head.dangling and not head.coverage & drawn
        and (flow.shape(head.node, head.port) or (None,))[-1] == 1
    ]  # fmt: skip
    return [head for head in groups if head not in values], values


def _is_drawn(flow: Flow, i: int) -> bool:
    """Whether chance decides on a tensor, and does not only mask what it is made of, as dropout does."""
    chances = [j for j in cone(flow, i) if flow.marks[j] & ops.CHANCE] if flow.random_bits[i] else []
    return not all(_becomes_mask(flow, j) for j in chances)


def _becomes_mask(flow: Flow, i: int) -> bool:
    """Whether random numbers are compared, scaled and shifted before or not."""
    near = flow.readers(i)[:_NEAR]
    for _ in range(2):
        near += [k for j in near for k in flow.readers(j)[:_NEAR]][:_NEAR]
    return any(flow.op(j) in ops.COMPARES for j in near)


_NEAR = 8


def _rewarded(flow: Flow, found: Region) -> int:
    """Bits of the variables of what a loss weighs with a number for each example that somebody feeds."""
    bits = 0
    for i in flow.graph.having(("Mul",)):
        row = flow.rows[i]
        if flow.off[i] or not flow.taught[i] or len(row) != 2:
            continue
        for (net, _), (weight, _) in (row, row[::-1]):
            shape = flow.shape(weight) or (None,)
            if flow.feed_bits[weight] & found.labels and shape[-1] in (1, None):
                bits |= flow.variable_bits[net] & ~flow.variable_bits[weight]
    return bits


_COMPARED = 8
"""Heads that are compared with each other."""


def _losses(flow: Flow) -> dict[str, tuple[int, int]]:
    """Per scope of gradients the loss (-1 if it cannot be told) and the bits of the variables it trains."""
    nodes, sources = flow.graph.nodes, flow.graph.sources
    own = {i: 1 << bit for bit, i in enumerate(flow.variables)}
    trained: dict[str, int] = {}
    for i in flow.graph.having_any(ops.trains):
        if not sources[i] or sources[i][0][0] not in own:
            continue
        scope = _scope_behind(flow, i)
        if scope:
            trained[scope] = trained.get(scope, 0) | own[sources[i][0][0]]
    if len(trained) < 2:
        return {scope: (-1, bits) for scope, bits in trained.items()}
    roots: dict[str, int] = {}
    scope = "\n"
    for i in flow.graph.about_gradients:
        name = nodes[i].name
        if name.startswith(scope):
            continue  # neighbours are of one scope, as a rule
        at = ops.gradient_scope(name)
        op, found, _ = name[len(at) :].partition("_grad/") if at and at not in roots else ("", "", "")
        if found:
            roots[at] = flow.graph.index.get(op, -1)
        if at in roots:
            scope = at
    return {scope: (roots.get(scope, -1), bits) for scope, bits in trained.items()}


def _scope_behind(flow: Flow, step: int) -> str:
    """The name scope of the gradients that an optimizer's step applies."""
    nodes, sources = flow.graph.nodes, flow.graph.sources
    todo = [s for s, port in reversed(sources[step][1:]) if port >= 0]
    for _ in range(_REACH):
        if not todo:
            break
        i = todo.pop(0)
        scope = ops.gradient_scope(nodes[i].name)
        if scope:
            return scope
        todo.extend(s for s, port in sources[i] if port >= 0)
    return ""


def _reads(flow: Flow, found: Region) -> list[tuple[int, int, bool]]:
    """Where layers read activations: (activation, bits of the layer's variable, whether it is fixed)."""
    nodes, rows = flow.graph.nodes, flow.rows
    result: list[tuple[int, int, bool]] = []
    for i in flow.line:
        if found.inside[i] != 1 or nodes[i].op not in _LAYERS:
            continue
        parameters = [s for s, _ in rows[i] if not flow.feed_bits[s] and parameter_behind(flow, s) >= 0]
        if len(parameters) != 1:
            continue
        bits = flow.variable_bits[parameter_behind(flow, parameters[0])]
        result.extend((s, bits, not bits) for s, _ in rows[i] if s != parameters[0] and flow.variable_bits[s])
    return result


_LAYERS = frozenset({"MatMul", "Conv2D"})


def _by_loss(
    flow: Flow, head: Head, losses: dict[str, tuple[int, int]], reads: list[tuple[int, int, bool]]
) -> int:
    """What an outer net, trained by a loss of its own, judges inside this head; -1 if there is none."""
    for scope, (loss, inner) in losses.items():
        part = head.coverage & inner
        if not part or part == head.coverage:
            continue
        for other, (rival, outer) in losses.items():
            own = outer & ~inner
            if other == scope or rival == loss or not head.coverage & own:
                continue
            for activation, bits, _ in reads:
                if not bits & own or flow.variable_bits[activation] & ~inner:
                    continue
                made = _undone(flow, activation)
                if part & ~flow.variable_bits[made]:
                    continue
                # A critic may teach the actor by its own loss, too, if nobody stopped that.
                if loss >= 0 and (loss == made or (own == outer and flow.variable_bits[loss] & outer)):
                    return made
    return -1


def _undone(flow: Flow, i: int) -> int:
    """What a judge's first layer reads, before it was stopped, reshaped or joined with something else."""
    nodes = flow.graph.nodes
    for _ in range(6):
        if i >= len(nodes) or nodes[i].op not in ops.LOOK_THROUGH | {"ConcatV2", "Concat"}:
            break
        made = [s for s, _ in flow.rows[i] if flow.variable_bits[s]]
        if len(made) != 1:
            break
        i = made[0]
    return i


def _by_fixed_layers(flow: Flow, found: Region, head: Head, reads: list[tuple[int, int, bool]]) -> int:
    """What fixed layers, two at least, read of a net that is trained; -1 if there are none.

    Layers that are taken as they are come first where a net is tuned, and last only where they judge.
    """
    if not flow.learns or not head.dangling:
        return -1
    fixed = [activation for activation, _, still in reads if still]
    if len(fixed) < 2 or head.coverage & ~flow.variable_bits[fixed[0]]:
        return -1
    if any(flow.variable_bits[fixed[0]] != flow.variable_bits[i] for i in fixed):
        return -1
    if not judged(flow, found)[fixed[0]]:
        return -1
    return views_for_judge(flow, found, fixed[0])
