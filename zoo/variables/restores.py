"""Follows the restore part of a graph: which checkpoint key goes into which variable.

The Saver may rename (``Saver({"old/name": variable})``), cut a variable into slices, or, in a
SavedModel of TensorFlow 2, restore inside a function; the variable's own name is only a guess.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from zoo.errors import ReadError
from zoo.graph import Graph, MetaGraph, Node, output_number

_RESTORES = frozenset(["RestoreV2", "Restore", "RestoreSlice"])
_ASSIGNS = frozenset(["Assign", "AssignVariableOp"])
_CALLS = frozenset(["PartitionedCall", "StatefulPartitionedCall"])
# What may stand between a restored tensor and its assignment, and between a variable and the same.
_THROUGH = frozenset(
    ["Identity", "IdentityN", "Reshape", "Cast", "Enter", "RefIdentity", "RefEnter", "Bitcast"]
)
_DEPTH = 8


class Target(msgspec.Struct, frozen=True):
    """A key that a variable is restored from, and which part of its tensor."""

    key: str
    offset: tuple[int, ...] | None = None
    """None: the whole tensor."""
    shape: tuple[int, ...] = ()
    full: tuple[int, ...] = ()


def restore_targets(meta: MetaGraph) -> dict[str, tuple[Target, ...]]:
    """Variable node → where its value comes from; the graph's own saver first, in file order after it."""
    graph = meta.graph
    found: dict[str, list[Target]] = {}
    for variable, target in (*_from_ops(meta), *_from_functions(graph)):
        targets = found.setdefault(variable, [])
        if target not in targets:
            targets.append(target)
    return {name: tuple(targets) for name, targets in found.items()}


def _from_ops(meta: MetaGraph) -> Iterator[tuple[str, Target]]:
    graph = meta.graph
    restores = graph.having(_RESTORES)
    if not restores:
        return
    if meta.saver is not None and len(restores) > 1:
        name = meta.saver.restore_op.removeprefix("^").partition(":")[0]
        main = graph.ancestors([graph.index[name]]) if name in graph else set()
        restores.sort(key=lambda i: (i not in main, i))
    for i in restores:
        targets = _targets(graph.nodes[i], lambda text: _const(graph, text))
        for consumer, output in graph.consumers[i]:
            if not 0 <= output < len(targets):
                continue
            if graph.nodes[consumer].op in _ASSIGNS and graph.sources[consumer]:
                variable = graph.nodes[_origin(graph, graph.sources[consumer][0][0])].name
                yield variable, targets[output]
                continue
            for variable in _assigned(graph, consumer):
                yield variable, targets[output]


def _assigned(graph: Graph, start: int) -> Iterator[str]:
    """The variables that the value of ``start`` ends up in."""
    todo = [start]
    seen = set()
    while todo:
        i = todo.pop()
        if i in seen:
            continue
        seen.add(i)
        node = graph.nodes[i]
        if node.op in _ASSIGNS and graph.sources[i]:
            yield graph.nodes[_origin(graph, graph.sources[i][0][0])].name
        elif node.op in _THROUGH:
            todo.extend(consumer for consumer, output in graph.consumers[i] if output >= 0)


def _origin(graph: Graph, i: int) -> int:
    for _ in range(64):
        if graph.nodes[i].op not in _THROUGH or not graph.sources[i]:
            break
        i = graph.sources[i][0][0]
    return i


def _const(graph: Graph, text: str) -> Node | None:
    name = text.partition(":")[0]
    if name not in graph:
        return None
    node = graph.nodes[_origin(graph, graph.index[name])]
    return node if node.op == "Const" else None


def _strings(node: Node | None) -> list[str]:
    """The elements of a Const of strings; a shorter list of values repeats its last."""
    if node is None:
        return []
    try:
        value = node.attr("value")
    except ReadError:
        return []
    if value is None:
        return []
    values = [item.decode("utf-8", "backslashreplace") for item in value.tensor.string_val]
    sizes = [dim.size for dim in value.tensor.tensor_shape.dim]
    count = sizes[0] if len(sizes) == 1 else len(values)
    if values and len(values) < count <= 1 << 20:
        values += [values[-1]] * (count - len(values))
    return values


def _targets(node: Node, const: Any) -> list[Target]:
    """What each output of a restore op brings."""
    inputs = [text for text in node.inputs if not text.startswith("^")]
    if len(inputs) < 2:
        return []
    names = _strings(const(inputs[1]))
    slices = _strings(const(inputs[2])) if len(inputs) > 2 else []
    slices += [""] * (len(names) - len(slices))
    return [_target(name, text) for name, text in zip(names, slices, strict=False)]


def _target(key: str, text: str) -> Target:
    """``"10 4 0,5:-"``: of a [10, 4] tensor the first five rows (saver.py, checkpoint_ops)."""
    words = text.split()
    if not words:
        return Target(key)
    try:
        full = tuple(int(word) for word in words[:-1])
        offset, shape = [], []
        for size, part in zip(full, words[-1].split(":"), strict=True):
            start, length = (0, size) if part == "-" else (int(number) for number in part.split(","))
            offset.append(start)
            shape.append(length)
    except ValueError:
        return Target(key)
    if tuple(shape) == full:
        return Target(key)
    return Target(key, tuple(offset), tuple(shape), full)


def _from_functions(graph: Graph) -> Iterator[tuple[str, Target]]:
    """Restores inside functions: the arguments that are assigned, followed to the call's inputs."""
    restoring = _restoring(graph)
    if not restoring:
        return
    known: dict[str, dict[int, Target]] = {}
    for node in graph.nodes:
        if node.op not in _CALLS:
            continue
        name = _called(node)
        if name not in restoring:
            continue
        inputs = [text for text in node.inputs if not text.startswith("^")]
        for position, target in _function_targets(graph, name, known, 0).items():
            if position < len(inputs):
                source = inputs[position].partition(":")[0]
                if source in graph:
                    yield graph.nodes[_origin(graph, graph.index[source])].name, target


def _called(node: Node) -> str:
    try:
        value = node.attr("f")
    except ReadError:
        return ""
    return "" if value is None else str(value.func.name)


def _restoring(graph: Graph) -> set[str]:
    """Functions that restore, or call one that does."""
    calls: dict[str, set[str]] = {}
    found = set()
    for name, function in graph.functions.items():
        for node in function.nodes:
            if node.op in _RESTORES:
                found.add(name)
            elif node.op in _CALLS:
                calls.setdefault(_called(node), set()).add(name)
    todo = list(found)
    while todo:
        for caller in calls.get(todo.pop(), ()):
            if caller not in found:
                found.add(caller)
                todo.append(caller)
    return found


def _function_targets(
    graph: Graph, name: str, known: dict[str, dict[int, Target]], depth: int
) -> Mapping[int, Target]:
    """Argument position → what the function assigns to it."""
    if name in known or depth > _DEPTH or name not in graph.functions:
        return known.get(name, {})
    function = graph.functions[name]
    nodes = {node.name: node for node in function.nodes}
    arguments = {arg.name: k for k, arg in enumerate(function.proto.signature.input_arg)}
    found: dict[int, Target] = {}
    known[name] = found  # a function that calls itself ends here
    restored = {
        node.name: _targets(node, lambda text: _function_const(nodes, text))
        for node in function.nodes
        if node.op in _RESTORES
    }
    for node in function.nodes:
        if node.op == "AssignVariableOp" and len(node.inputs) > 1:
            position = arguments.get(_back(nodes, node.inputs[0])[0])
            source, output = _back(nodes, node.inputs[1])
            targets = restored.get(source, [])
            if position is not None and output < len(targets):
                found.setdefault(position, targets[output])
        elif node.op in _CALLS:
            inner = _function_targets(graph, _called(node), known, depth + 1)
            for k, target in inner.items():
                if (
                    k < len(node.inputs)
                    and (position := arguments.get(_back(nodes, node.inputs[k])[0])) is not None
                ):
                    found.setdefault(position, target)
    return found


def _function_const(nodes: Mapping[str, Node], text: str) -> Node | None:
    node = nodes.get(_back(nodes, text)[0])
    return node if node is not None and node.op == "Const" else None


def _back(nodes: Mapping[str, Node], text: str) -> tuple[str, int]:
    """(node or argument, output) that a function's input comes from, through identities."""
    for _ in range(64):
        name, _, rest = text.partition(":")
        output = rest.rpartition(":")[2]
        node = nodes.get(name)
        if node is None or node.op not in _THROUGH or not node.inputs or node.op == "IdentityN":
            return name, output_number(output) or 0
        text = node.inputs[0]
    return text.partition(":")[0], 0


def object_keys(saved: Any, stored: Any) -> dict[str, list[str]]:
    """Variable name → checkpoint keys, by walking both object graphs from their roots together.

    ``saved`` is the SavedObjectGraph of the model, ``stored`` the TrackableObjectGraph of its
    checkpoint; children of the same name are the same object.  What is the root of the one may be a
    child of the other's: ``tf.train.Checkpoint(model=model)``.
    """
    if not saved.nodes or not stored.nodes:
        return {}
    starts = [(0, 0)]
    starts += [(0, child.node_id) for child in stored.nodes[0].children]
    starts += [(child.node_id, 0) for child in saved.nodes[0].children]
    found = [_walked(saved, stored, start) for start in starts]
    return max(found, key=len)


def _walked(saved: Any, stored: Any, start: tuple[int, int]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    seen = {start}
    todo = [start]
    while todo:
        a, b = todo.pop()
        if not (0 <= a < len(saved.nodes) and 0 <= b < len(stored.nodes)):
            continue
        node = saved.nodes[a]
        if node.WhichOneof("kind") == "variable":
            keys = [item.checkpoint_key for item in stored.nodes[b].attributes]
            if keys:
                found.setdefault(node.variable.name, []).extend(keys)
        there = {child.local_name: child.node_id for child in stored.nodes[b].children}
        for child in node.children:
            pair = (child.node_id, there.get(child.local_name, -1))
            if pair not in seen:
                seen.add(pair)
                todo.append(pair)
    return found


def full_names(stored: Any) -> dict[str, str]:
    """Checkpoint key → the variable's own name, as far as an object graph tells it."""
    return {
        item.checkpoint_key: item.full_name
        for node in stored.nodes
        for item in node.attributes
        if item.full_name
    }


def slot_keys(stored: Any) -> dict[str, tuple[str, str]]:
    """Checkpoint key of a slot variable → (slot name, key of the variable it belongs to)."""
    found = {}

    def key(i: int) -> str | None:
        if not 0 <= i < len(stored.nodes) or not stored.nodes[i].attributes:
            return None
        return str(stored.nodes[i].attributes[0].checkpoint_key)

    for node in stored.nodes:
        for slot in node.slot_variables:
            own, of = key(slot.slot_variable_node_id), key(slot.original_variable_node_id)
            if own is not None and of is not None:
                found[own] = (slot.slot_name, of)
    return found


def slots_in(graph: Graph) -> dict[str, tuple[str, str]]:
    """Variable node → (optimizer, variable it serves), read off the ops that apply gradients.

    Works whatever the optimizer was called: ``ApplyAdam(var, m, v, …)`` has its slots as inputs.
    """
    found: dict[str, tuple[str, str]] = {}
    for i in graph.having(op for op in graph.by_op if "Apply" in op):
        node = graph.nodes[i]
        kind = node.op.removeprefix("Resource").removeprefix("Sparse")
        if not kind.startswith("Apply") or len(graph.sources[i]) < 2:
            continue
        sources: Sequence[tuple[int, int]] = graph.sources[i]
        variable = graph.nodes[_origin(graph, sources[0][0])].name
        optimizer = (
            kind.removeprefix("Apply").removeprefix("Centered").removesuffix("V2").removesuffix("Keras")
        )
        for source, output in sources[1:]:
            slot = graph.nodes[source]
            # Slots come as the variable itself; what is read first (a rate, a power) is no slot.
            if output >= 0 and slot.op in ("Variable", "VariableV2", "VarHandleOp") and slot.name != variable:
                found.setdefault(slot.name, (optimizer, variable))
    return found
