"""What each feed is for, from who consumes it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from zoo.endpoints import ops
from zoo.endpoints.flow import FeedPoint, Flow
from zoo.protos import Shape
from zoo.shapes.engine import BRANCHES
from zoo.shapes.values import constant

_REACH = 400
"""Nodes that are looked at around one feed; its role shows close by."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Role:
    """What a feed is for; ``folded`` is its value at inference where one is known."""

    name: str
    reason: str
    confidence: float
    folded: bool | int | float | None = None
    steers: bool = False
    """What depends on no other feed is as good as a parameter."""


def roles(flow: Flow) -> dict[str, Role]:
    """A role for each feed by tensor name, but for the feeds that only the data flow tells apart."""
    found: dict[str, Role] = {}
    for feed in flow.feeds:
        role = _side_input(flow, feed)
        if role is not None:
            found[feed.tensor] = role
    found.update(_states_in_queues(flow))
    return found


def _states_in_queues(flow: Flow) -> dict[str, Role]:
    """Roles of what is taken from queues that the model itself fills: its state after the step before."""
    nodes, graph = flow.graph.nodes, flow.graph
    filled: dict[int, list[int]] = {}
    for feed in flow.feeds:
        if "Dequeue" in nodes[feed.node].op and graph.sources[feed.node]:
            queue = graph.sources[feed.node][0][0]
            filled[queue] = [i for i, _ in graph.consumers[queue] if "Enqueue" in nodes[i].op]
    if not filled:
        return {}
    made, fed = bytearray(len(nodes)), bytearray(len(nodes))
    for i in graph.order:
        made[i] = nodes[i].op in ops.VARIABLES or any(made[s] for s, port in graph.sources[i] if port >= 0)
        fed[i] = nodes[i].op in ops.PLACEHOLDERS or any(fed[s] for s, port in graph.sources[i] if port >= 0)
    if not any(made[i] and fed[i] for enqueues in filled.values() for i in enqueues):
        return {}
    role = Role(name="queue", reason="a state that the model itself puts into a queue", confidence=0.9)
    return {
        feed.tensor: role
        for feed in flow.feeds
        if "Dequeue" in nodes[feed.node].op and graph.sources[feed.node]
        if any(fed[i] for i in filled[graph.sources[feed.node][0][0]])
    }


def feed_shape(flow: Flow, feed: FeedPoint) -> Shape:
    """The shape of a feed; unknown where an old file notes a scalar for want of knowledge."""
    return flow.shape(feed.node, feed.port)


def _side_input(flow: Flow, feed: FeedPoint) -> Role | None:
    """The role of a feed that steers the graph rather than being worked on."""
    node = flow.graph.nodes[feed.node]
    readers = list(_readers(flow, feed))
    if not flow.graph.consumers[feed.node]:
        return Role(name="unused", reason="nothing reads it", confidence=0.99)
    if feed.dtype == "string" and (role := _plumbing(flow, feed)) is not None:
        return role
    if feed.dtype in ("resource", "variant"):
        return Role(name="other", reason=f"it hands over a {feed.dtype}, not an example", confidence=0.9)
    if not readers:
        return None
    if node.op not in ops.PLACEHOLDERS:
        return None
    shape = feed_shape(flow, feed)
    single = shape is None or all(size == 1 for size in shape)
    if (shape is None or (len(shape) == 1 and not single)) and (
        role := _dropout_by_layer(flow, feed)
    ) is not None:
        return role
    if not single:
        return None
    if _says_which(flow, feed, readers):
        reason = "a single whole number that says which of several layers runs (tf.case)"
        return Role(name="other", reason=reason, confidence=0.9, steers=True)
    predicate = _is_predicate(flow, feed, readers)
    if feed.dtype == "bool" or (predicate and feed.dtype in ("int32", "int64", "uint8")):
        if predicate:
            value: bool | int = False if feed.dtype == "bool" else 0
            if _inverted(node.name):
                value = True if feed.dtype == "bool" else 1
            return Role(
                name="training_flag",
                reason=f"a single {feed.dtype} that only decides which branch runs ({predicate})",
                confidence=0.95,
                folded=value,
            )
        return _turns_dropout_off(flow, feed)
    if feed.dtype.startswith(("float", "bfloat")):
        dropout = _dropout(flow, feed)
        if dropout is not None:
            return dropout
        if (noise := _scales_noise(flow, feed, readers)) is not None:
            return noise
        if _only_steps(flow, feed):
            return Role(
                name="learning_rate",
                reason="a single number that only the optimizer's steps read",
                confidence=0.95,
            )
        if shape == () and all(flow.graph.nodes[i].op in _WEIGHS for i, _ in readers):
            return Role(
                name="loss_weight", reason="a single number by which a loss is weighed", confidence=0.8
            )
    return None


def _says_which(flow: Flow, feed: FeedPoint, readers: list[tuple[int, int]]) -> bool:
    """Whether a whole number says which of several layers runs (`tf.case`): it is compared with several."""
    nodes, sources = flow.graph.nodes, flow.graph.sources
    asked, todo = set(), []
    for i, at in readers if feed.dtype in ("int32", "int64", "uint8") else ():
        others = [s for k, (s, _) in enumerate(sources[i]) if k != at]
        if nodes[i].op == "Equal" and len(others) == 1 and nodes[others[0]].op == "Const":
            asked.add(constant(nodes[others[0]])[1])
            todo.append(i)
    seen = set(todo)
    while todo and len(asked) > 1 and len(seen) < _REACH:
        for i, port in flow.graph.consumers[todo.pop()]:
            if port < 0 or i in seen:
                continue
            op = nodes[i].op
            parts = sources[i][:1] if op in ("Switch", "RefSwitch") else sources[i] if op in BRANCHES else ()
            if any(nodes[s].op in ops.VARIABLES or _reads_variable(flow, s) for s, _ in parts):
                return True
            if op in ops.PASSES or op.startswith("Logical"):
                seen.add(i)
                todo.append(i)
    return False


def _reads_variable(flow: Flow, i: int) -> bool:
    """Whether a node hands on a variable's value."""
    sources = flow.graph.sources[i]
    reads = flow.graph.ops[i] in ("Identity", "ReadVariableOp") and sources
    return bool(reads) and flow.graph.ops[sources[0][0]] in ops.VARIABLES


def _scales_noise(flow: Flow, feed: FeedPoint, readers: list[tuple[int, int]]) -> Role | None:
    """The role of a number, 0 by default, that nothing but random numbers is multiplied with."""
    nodes, sources = flow.graph.nodes, flow.graph.sources
    if nodes[feed.node].op in ("Placeholder", "PlaceholderV2"):
        if not _mixes_noise(flow, readers):
            return None
        reason = "a single number that says how much of an example is noise: none, to use the model"
        return Role(name="training_flag", reason=reason, confidence=0.9, folded=0.0)
    if nodes[feed.node].op != "PlaceholderWithDefault" or not sources[feed.node]:
        return None
    _, value = constant(nodes[sources[feed.node][0][0]])
    scales = all(
        nodes[i].op == "Mul" and any(_is_chance(flow, s) for k, (s, _) in enumerate(sources[i]) if k != at)
        for i, at in readers
    )
    if not scales or not value or value[0] != 0:
        return None
    return Role(
        name="training_flag",
        reason="a single number, 0 by default, that nothing but noise is multiplied with",
        confidence=0.9,
        folded=0.0,
    )


def _mixes_noise(flow: Flow, readers: list[tuple[int, int]]) -> bool:
    """Whether a number weighs a noisy example, and what it lacks of one the example as it is."""
    nodes, sources = flow.graph.nodes, flow.graph.sources
    noisy = rest = False
    for i, at in readers:
        others = [s for k, (s, _) in enumerate(sources[i]) if k != at]
        if nodes[i].op == "Mul" and others and _is_noisy(flow, others[0]):
            noisy = True
        elif nodes[i].op == "Sub" and at == 1 and constant(nodes[others[0]])[1] == (1.0,):
            rest = True
        else:
            return False
    return noisy and rest


def _is_noisy(flow: Flow, i: int) -> bool:
    """Whether a tensor is an example with random numbers in it, before any layer."""
    todo, seen = [i], {i}
    random = example = False
    while todo and len(seen) < _CLOSE:
        node = todo.pop()
        op = flow.graph.ops[node]
        if op in ops.VARIABLES:
            return False
        random |= op in ops.RANDOM
        if op in ops.PLACEHOLDERS or ops.hands_out_examples(op):
            example = True
        elif op not in ops.SHAPES:
            fresh = {s for s, port in flow.graph.sources[node] if port >= 0} - seen
            seen |= fresh
            todo += sorted(fresh)
    return random and example


_CLOSE = 24
"""Nodes that make noise of a kind, at most."""

_WEIGHS = frozenset("Mul RealDiv Div Add AddV2 Maximum Minimum Pow Shape".split())
"""Ops that weigh, shift or bound by a single number; a label is compared, which takes a difference."""


def _inverted(name: str) -> bool:
    """Whether a flag says inference rather than training; nothing but its name can tell."""
    last = name.rsplit("/", 1)[-1].lower()
    return (
        re.search(r"(is|do|in)?_?(test|eval|infer|predict|deploy)\w*", last) is not None
        and "train" not in last
    )


def _readers(flow: Flow, feed: FeedPoint) -> Iterator[tuple[int, int]]:
    """(reader, input position) of the nodes that read the feed, through ops that pass values on."""
    graph = flow.graph
    rows = flow.graph.sources
    todo = [(feed.node, feed.port)]
    seen = {feed.node}
    count = 0
    while todo and count < _REACH:
        i, port = todo.pop()
        for reader, used in graph.consumers[i]:
            if used < 0 or (i == feed.node and used != port):
                continue
            node = graph.nodes[reader]
            position = next((k for k, source in enumerate(rows[reader]) if source == (i, used)), 0)
            passes = node.op in ops.PASSES and position == 0
            if passes:
                if reader not in seen:
                    seen.add(reader)
                    todo.append((reader, 0))
                continue
            if not ops.in_gradient(flow.graph.nodes[reader].name):
                count += 1
                yield reader, position


def _is_predicate(flow: Flow, feed: FeedPoint, readers: list[tuple[int, int]]) -> str:
    """In words how the feed is used as a condition; empty if it is used otherwise too."""
    kinds: set[str] = set()
    todo = [reader for reader, _ in readers]
    positions = dict(readers)
    steps = 0
    while todo and steps < _REACH:
        steps += 1
        i = todo.pop()
        node = flow.graph.nodes[i]
        if node.op in ("Switch", "RefSwitch"):
            if positions.get(i, 1) == 1:
                kinds.add("tf.cond")
            continue
        if node.op in BRANCHES:
            kinds.add("tf.cond")
        elif node.op in ("Select", "SelectV2"):
            kinds.add("tf.where")
        elif node.op in ("LogicalAnd", "LogicalOr", "LogicalNot", "Equal", "NotEqual", "Greater"):
            todo.extend(reader for reader, port in flow.graph.consumers[i] if port >= 0)
        elif node.op in ("PartitionedCall", "StatefulPartitionedCall") and feed.dtype == "bool":
            kinds.add("a function's argument")
        elif node.op in ops.PASSES:
            todo.extend(reader for reader, port in flow.graph.consumers[i] if port >= 0)
            for reader, port in flow.graph.consumers[i]:
                if port >= 0 and flow.graph.nodes[reader].op in ("Switch", "RefSwitch"):
                    positions[reader] = 1 if _reads_at(flow, reader, i) == 1 else 0
        elif node.op in ("Mul", "Sub", "RealDiv", "Pack", "Shape") or ops.off_the_line(node.op):
            continue
        elif feed.dtype != "bool":
            return ""
    return " and ".join(sorted(kinds))


def _reads_at(flow: Flow, reader: int, source: int) -> int:
    return next((k for k, (s, _) in enumerate(flow.graph.sources[reader]) if s == source), 0)


def _dropout(flow: Flow, feed: FeedPoint) -> Role | None:
    """Keep probability or dropout rate: how it meets the random numbers tells which of the two.

    `tf.nn.dropout` before 1.13: ``floor(keep_prob + random)``, and ``x / keep_prob``.  Since then:
    ``random >= rate``, with ``rate = 1 - keep_prob`` where the caller gave that.
    """
    graph = flow.graph
    todo: list[tuple[int, bool]] = [(feed.node, False)]
    seen = {feed.node}
    steps = 0
    while todo and steps < _REACH:
        i, flipped = todo.pop()
        steps += 1
        for reader, port in graph.consumers[i]:
            if port < 0 or reader in seen or ops.in_gradient(flow.graph.nodes[reader].name):
                continue
            node = graph.nodes[reader]
            others = [s for s, p in graph.sources[reader] if s != i and p >= 0]
            chance = any(_is_chance(flow, s) for s in others)
            if node.op in ("Add", "AddV2") and chance:
                return _dropout_role(
                    keep=not flipped, word="is added to random numbers that are then rounded down"
                )
            if node.op in ("GreaterEqual", "Less", "Greater", "LessEqual") and chance:
                first = _reads_at(flow, reader, i) == 0
                drops = (node.op in ("GreaterEqual", "Greater")) != first
                return _dropout_role(keep=drops == flipped, word="is compared with random numbers")
            if node.op == "Bernoulli" or (node.op in ops.RANDOM and "ernoulli" in node.name):
                return _dropout_role(keep=not flipped, word="is the chance of random draws")
            if node.op == "Sub" and others and all(graph.nodes[s].op == "Const" for s in others):
                if _reads_at(flow, reader, i) == 1:
                    seen.add(reader)
                    todo.append((reader, not flipped))
            elif node.op in ops.PASSES and node.op != "LogicalNot" and _reads_at(flow, reader, i) == 0:
                seen.add(reader)
                todo.append((reader, flipped))
            elif node.op in BRANCHES or node.op in ("PartitionedCall", "StatefulPartitionedCall"):
                role = _dropout_in_function(flow, reader, _reads_at(flow, reader, i), flipped=flipped)
                if role is not None:
                    return role
    return None


def _turns_dropout_off(flow: Flow, feed: FeedPoint) -> Role | None:
    """A flag that a dropout rate is multiplied with."""
    nodes = flow.graph.nodes
    for cast, _ in flow.graph.consumers[feed.node] if feed.dtype == "bool" else ():
        for product, port in flow.graph.consumers[cast] if nodes[cast].op == "Cast" else ():
            if port < 0 or nodes[product].op != "Mul":
                continue
            role = _dropout(flow, FeedPoint("", product, 0, "float32"))
            if role is not None and role.folded == 0.0:
                return Role(
                    name="training_flag",
                    reason="a single bool that the rate of dropout is multiplied with",
                    confidence=0.95,
                    folded=False,
                )
    return None


def _dropout_by_layer(flow: Flow, feed: FeedPoint) -> Role | None:
    """Keep probabilities of several layers in one vector: each element goes to a dropout.

    It is not folded: a number cannot take the place of a vector of unknown length.
    """
    if not feed.dtype.startswith("float"):
        return None
    readers = _read_by(flow, feed.node)
    for _ in range(_WRAPPED):  # a file may hold a circle
        if len(readers) != 1 or flow.graph.nodes[readers[0]].op not in ("Identity", "Cast"):
            break
        readers = _read_by(flow, readers[0])
    picks = [i for i in readers if flow.graph.nodes[i].op in ("StridedSlice", "GatherV2", "Unpack")]
    if not picks or len(picks) != len(readers):
        return None
    found = [_dropout(flow, FeedPoint("", i, 0, feed.dtype)) for i in picks]
    if any(role is None or role.folded is None for role in found):
        return None
    value = found[0].folded if found[0] is not None else None
    return Role(
        name="keep_prob",
        reason=f"each of its elements goes to a dropout: feed {value} everywhere",
        confidence=0.9,
    )


_WRAPPED = 8
"""Ops between a feed and who picks from it that do nothing but rename and convert."""


def _read_by(flow: Flow, i: int) -> list[int]:
    """The nodes of the forward part that read a node's content."""
    graph = flow.graph
    return [j for j, port in graph.consumers[i] if port >= 0 and not ops.in_gradient(graph.nodes[j].name)]


def _is_chance(flow: Flow, i: int) -> bool:
    """Whether a node is a random number, scaled at most."""
    nodes = flow.graph.nodes
    for _ in range(6):
        if nodes[i].op in ops.RANDOM:
            return True
        if nodes[i].op not in ("Add", "AddV2", "Mul", "Identity", "Enter", "Cast", "Switch", "Merge"):
            return False
        row = [s for s, p in flow.graph.sources[i] if p >= 0]
        chance = [s for s in row if nodes[s].op in ops.RANDOM]
        if chance:
            return True
        if not row:
            return False
        i = row[0]
    return False


def _dropout_in_function(flow: Flow, call: int, position: int, *, flipped: bool) -> Role | None:
    """Dropout inside the branches of a functional conditional or a called function."""
    node = flow.graph.nodes[call]
    names = []
    for key in ("f", "then_branch", "else_branch"):
        value = node.attr(key)
        if value is not None:
            names.append(value.func.name)
    skip = 1 if node.op in BRANCHES else 0
    for name in names:
        function = flow.graph.functions.get(name)
        if function is None:
            continue
        arguments = [arg.name for arg in function.proto.signature.input_arg]
        if position - skip >= len(arguments):
            continue
        start = arguments[position - skip]
        random = {n.name for n in function.nodes if n.op in ops.RANDOM}
        if not random:
            continue
        parity = {start: flipped}
        for inner in function.nodes:
            sources = [text.split(":")[0] for text in inner.inputs if not text.startswith("^")]
            hits = [k for k, s in enumerate(sources) if s in parity]
            if not hits:
                if inner.op in ("Mul", "Add", "AddV2", "Identity") and any(s in random for s in sources):
                    random.add(inner.name)
                continue
            flip = parity[sources[hits[0]]]
            if inner.op in ("GreaterEqual", "Greater", "Less", "LessEqual") and any(
                s in random for s in sources
            ):
                drops = (inner.op in ("GreaterEqual", "Greater")) != (hits[0] == 0)
                return _dropout_role(keep=drops == flip, word="is compared with random numbers")
            if inner.op in ("Add", "AddV2") and any(s in random for s in sources):
                return _dropout_role(keep=not flip, word="is added to random numbers")
            if inner.op == "Sub" and hits[0] == 1:
                parity[inner.name] = not flip
            elif inner.op in ops.PASSES:
                parity[inner.name] = flip
    return None


def _dropout_role(*, keep: bool, word: str) -> Role:
    if keep:
        return Role(
            name="keep_prob",
            reason=f"a single number that {word}: what dropout keeps",
            confidence=0.97,
            folded=1.0,
        )
    return Role(
        name="keep_prob",
        reason=f"a single number that {word}: the rate at which dropout drops",
        confidence=0.97,
        folded=0.0,
    )


def _only_steps(flow: Flow, feed: FeedPoint) -> bool:
    """Whether all that the feed leads to ends in optimizer steps."""
    graph = flow.graph
    todo, seen = [feed.node], {feed.node}
    stepped = False
    while todo:
        if len(seen) > _REACH:
            return False
        i = todo.pop()
        for reader, port in graph.consumers[i]:
            if port < 0 or reader in seen:
                continue
            seen.add(reader)
            op = graph.nodes[reader].op
            if ops.trains(op) or op in ("AssignSub", "AssignSubVariableOp", "Assign", "AssignVariableOp"):
                stepped = True
            elif op.endswith("Summary") or op in ("NoOp", "Assert"):
                continue
            elif op in ops.MIXES or op in ops.REDUCTIONS:
                return False
            else:
                todo.append(reader)
    return stepped


def _plumbing(flow: Flow, feed: FeedPoint) -> Role | None:
    """String feeds that name files or iterators."""
    graph = flow.graph
    saver = flow.meta.saver
    todo, seen = [feed.node], {feed.node}
    kinds = set()
    steps = 0
    while todo and steps < _REACH:
        i = todo.pop()
        for reader, port in graph.consumers[i]:
            if port < 0 or reader in seen:
                continue
            steps += 1
            seen.add(reader)
            op = graph.nodes[reader].op
            if re.fullmatch(r"(Save|Restore)(V2|Slices?)?|ShardedFilename|MergeV2Checkpoints", op):
                kinds.add("saver")
            elif op.startswith("IteratorFromStringHandle"):
                kinds.add("iterator")
            elif op in (
                "Identity",
                "StringJoin",
                "Pack",
                "Reshape",
                "PlaceholderWithDefault",
                "Switch",
                "Merge",
                "Select",
            ):
                todo.append(reader)
            else:
                kinds.add("other")
    if kinds == {"saver"} or (saver is not None and saver.filename_tensor == feed.tensor):
        return Role(name="saver", reason="the file name that the Saver writes or reads", confidence=0.99)
    if "StringJoin" in kinds or not kinds:
        return None
    if kinds == {"iterator"}:
        return Role(
            name="iterator", reason="a string handle that selects an iterator, no example", confidence=0.98
        )
    return None
