"""SavedModels without a signature: the functions that a program would call on the loaded object.

TensorFlow 2 saves which functions the model's objects have and which variables each of them captures
(tensorflow/core/protobuf/saved_object_graph.proto), but no call of them that one could fetch.  So a
call of each function of the root object is added to the graph, as `tf.saved_model.save` does for a
signature.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from zoo import protos
from zoo.graph import Function, Graph, MetaGraph, Node, Signature, TensorRef
from zoo.protos import DTYPE_NUMBERS, Shape, dtype_name
from zoo.variables.restores import restore_targets

_FUNCTIONS = 16
"""Functions that are called at most; a model has few that are meant for others."""
_TRIED = 64
"""Functions, and traces of each, that are looked at."""
_VALUE = "/.ATTRIBUTES/VARIABLE_VALUE"
_TYPES = DTYPE_NUMBERS.keys() - {"resource", "variant"}


def with_calls(meta: MetaGraph, assets: Sequence[str] = ()) -> MetaGraph:
    """The graph with a call of each function of its root object, and what they take and give as signatures.

    The same as it came where a signature says what to call, or no function can be called.  ``assets``
    are the tensors that hold the names of asset files, in the order of the file.
    """
    saved = meta.object_graph
    if saved is None or any(s.outputs and not s.key.startswith("__") for s in meta.signatures):
        return meta
    calls = _Calls(meta, saved, assets, {entry.key: entry.value for entry in saved.concrete_functions})
    signatures = [made for label, name in _functions(saved) if (made := calls.of(label, name)) is not None]
    if not signatures:
        return meta
    graph = meta.graph
    called = Graph(
        [*graph.nodes, *map(Node.of, calls.added.node)],
        functions=graph.functions.values(),
        producer=graph.producer,
        min_consumer=graph.min_consumer,
        library=graph.library,
    )
    added = calls.added.SerializeToString(deterministic=True)
    return replace(meta, graph=called, signatures=(*meta.signatures, *signatures), added=added)


def _functions(saved: Any) -> Iterator[tuple[str, Sequence[str]]]:
    """(what the object calls it, its traces) for the functions of the root, the object's own call first."""
    children = list(saved.nodes[0].children) if saved.nodes else []
    children.sort(key=lambda child: child.local_name != "__call__")
    names: dict[int, str] = {}
    for child in children:
        if 0 <= child.node_id < len(saved.nodes):
            names.setdefault(child.node_id, child.local_name)
    for i, name in list(names.items())[:_TRIED]:
        node = saved.nodes[i]
        if node.WhichOneof("kind") == "function":
            yield name, node.function.concrete_functions
        elif node.WhichOneof("kind") == "bare_concrete_function":
            yield name, [node.bare_concrete_function.concrete_function_name]


@dataclass
class _Calls:
    """Calls in the making."""

    meta: MetaGraph
    saved: Any
    assets: Sequence[str]
    traces: Mapping[str, Any]
    """Trace of a function → what it captures, and the structure of what it takes and gives."""

    def __post_init__(self) -> None:
        self.added = protos.GraphDef()
        self._names = set(self.meta.graph.index)
        self._copies: Counter[str] = Counter()
        self._made = 0
        self._captures: dict[int, str | None] = dict(self._restored())

    def of(self, label: str, names: Sequence[str]) -> Signature | None:
        """Call the trace of a function that is most like inference; None where none can be called."""
        unique = dict.fromkeys(names[:_TRIED])
        known = [name for name in unique if name in self.meta.graph.functions and name in self.traces]
        for name in sorted(known, key=self._rank):
            if self._made < _FUNCTIONS and (made := self._call(label.strip("_") or "call", name)) is not None:
                self._made += 1
                return made
        return None

    def _rank(self, name: str) -> tuple[int, int]:
        """Traces for inference first, and of them those that leave the most sizes open."""
        shapes = _shapes(self.meta.graph.functions[name])
        known = sum(size is not None for shape in shapes for size in shape or ())
        return _trues(self.traces[name].canonicalized_input_signature), known

    def _call(self, label: str, name: str) -> Signature | None:
        function = self.meta.graph.functions[name]
        given, results = function.proto.signature.input_arg, function.proto.signature.output_arg
        bound = self.traces[name].bound_inputs
        if not results or len(bound) > len(given):
            return None
        captured = [self._captured(i) for i in bound]
        free = given[: len(given) - len(bound)]
        types = [dtype_name(arg.type) for arg in (*free, *results)]
        if None in captured or not _TYPES.issuperset(types):
            return None
        shapes = _shapes(function)
        inputs = []
        for k, arg in enumerate(free):
            shape = shapes[k] if k < len(shapes) else None
            feed = self._node(f"{label}_{arg.name}", "Placeholder")
            _set(feed, "dtype", protos.AttrValue(type=arg.type))
            _set(feed, "shape", protos.AttrValue(shape=protos.shape_proto(shape)))
            inputs.append((arg.name, TensorRef(name=f"{feed.name}:0", dtype=types[k], shape=shape)))
        call = self._node(label, "StatefulPartitionedCall")
        call.input.extend([ref.name.removesuffix(":0") for _, ref in inputs])
        call.input.extend(text for text in captured if text is not None)
        which = protos.AttrValue()
        which.func.name = name
        _set(call, "f", which)
        for key, args in (("Tin", given), ("Tout", results)):
            listed = protos.AttrValue()
            listed.list.type.extend(arg.type for arg in args)
            _set(call, key, listed)
        keys = _keys(self.traces[name].output_signature, len(results))
        outputs = [
            (key, TensorRef(name=f"{call.name}:{k}", dtype=types[len(free) + k], shape=None))
            for k, key in enumerate(keys)
        ]
        return Signature(key=label, inputs=tuple(inputs), outputs=tuple(outputs), origin="function")

    def _node(self, name: str, op: str) -> Any:
        """A node of a new name that TensorFlow takes; what a function is called may be any text."""
        plain = _NO_NAME.sub("_", name)[:_LONG].lstrip("_") or "call"
        unique = plain
        while unique in self._names:
            self._copies[plain] += 1
            unique = f"{plain}_{self._copies[plain]}"
        self._names.add(unique)
        return self.added.node.add(name=unique, op=op)

    def _captured(self, i: int) -> str | None:
        """The input by which a function gets what it captures; None for what only running something makes."""
        if i not in self._captures:
            self._captures[i] = self._handed(i) if 0 <= i < len(self.saved.nodes) else None
        return self._captures[i]

    def _handed(self, i: int) -> str | None:
        node = self.saved.nodes[i]
        kind = node.WhichOneof("kind")
        if kind == "resource":
            return self._table(node)
        if kind == "constant":
            return str(node.constant.operation) if node.constant.operation in self.meta.graph else None
        if kind == "asset" and 0 <= node.asset.asset_file_def_index < len(self.assets):
            return str(self.assets[node.asset.asset_file_def_index]).removesuffix(":0")
        return None

    def _table(self, resource: Any) -> str | None:
        """The node of a lookup table: the function that would make it calls it the same."""
        graph = self.meta.graph
        makers = [child.node_id for child in resource.children if child.local_name == "_create_resource"]
        for at in makers:
            if 0 <= at < len(self.saved.nodes):
                for name in self.saved.nodes[at].function.concrete_functions:
                    made = graph.functions[name].nodes if name in graph.functions else ()
                    shared = {(node.op, node.text("shared_name")) for node in made if "Table" in node.op}
                    for i in graph.having({op for op, shared_name in shared if shared_name}):
                        if (graph.nodes[i].op, graph.nodes[i].text("shared_name")) in shared:
                            return graph.nodes[i].name
        return None

    def _restored(self) -> Iterator[tuple[int, str]]:
        """(object, node) for the variables: the key that the Saver restores is the way from the root."""
        named: dict[int, dict[str, int]] = {}
        nodes = self.saved.nodes
        for node, targets in restore_targets(self.meta).items():
            for path in [target.key.removesuffix(_VALUE) for target in targets if _VALUE in target.key]:
                at = 0
                for part in path.split("/"):
                    if at not in named:
                        children = nodes[at].children
                        named[at] = {_escaped(child.local_name): child.node_id for child in children}
                    at = named[at].get(part, -1)
                    if not 0 <= at < len(nodes):
                        break
                else:
                    if nodes[at].WhichOneof("kind") == "variable":
                        yield at, node


_NO_NAME = re.compile(r"[^A-Za-z0-9_.]")
_LONG = 100


def _escaped(name: str) -> str:
    """The name of a child in the keys of a checkpoint."""
    return name.replace(".", "..").replace("/", ".S")


def _set(node: Any, key: str, value: Any) -> None:
    node.attr.append(protos.attr_entry(key, value.SerializeToString()))


def _shapes(function: Function) -> list[Shape]:
    """The shapes of what a function takes, as they were when it was traced."""
    found = [entry.value for entry in function.proto.attr if entry.key == "_input_shapes"]
    try:
        listed = [shape for raw in found for shape in protos.AttrValue.FromString(raw).list.shape]
    except protos.DecodeError:
        return []
    return [protos.shape_of(shape) for shape in listed]


def _trues(value: Any) -> int:
    """How many arguments are True, as ``training`` is."""
    kind = value.WhichOneof("kind")
    if kind == "bool_value":
        return int(value.bool_value)
    if kind in ("list_value", "tuple_value"):
        return sum(map(_trues, getattr(value, kind).values))
    if kind in ("dict_value", "named_tuple_value"):
        pairs = value.dict_value.fields if kind == "dict_value" else value.named_tuple_value.values
        return sum(_trues(pair.value) for pair in pairs)
    return 0


def _keys(structure: Any, count: int) -> list[str]:
    """A name for each result: the keys of a dict, in the order in which TensorFlow flattens it."""
    if structure.WhichOneof("kind") == "dict_value":
        entries = sorted(structure.dict_value.fields, key=lambda entry: str(entry.key))
        # What is no plain tensor may be several, or none.
        if len(entries) == count and all(entry.value.WhichOneof("kind") is None for entry in entries):
            return [str(entry.key) for entry in entries]
    return [f"output_{k}" for k in range(count)]
