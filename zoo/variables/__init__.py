"""Binds the variables of a graph to the tensors of a checkpoint, and tells what they are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from functools import cached_property
from math import prod
from typing import Any

import msgspec

from zoo import records
from zoo.graph import Graph, MetaGraph, Node
from zoo.model import Bindings, Kind, Piece, Variable
from zoo.protos import DTYPE_SIZES, Shape
from zoo.readers.bundle import object_graph
from zoo.records import KindFacts, VariableFacts
from zoo.repeats import kept
from zoo.variables import kinds
from zoo.variables.kinds import plain
from zoo.variables.layers import infer_layers as infer_layers
from zoo.variables.restores import Target, full_names, object_keys, restore_targets, slot_keys, slots_in
from zoo.weights import StoredTensor, Weights

VARIABLE_OPS = frozenset(["Variable", "VariableV2", "AutoReloadVariable", "VarHandleOp"])
_EMA = "/ExponentialMovingAverage"
_NEAREST = 3
_KINDS: tuple[Kind, ...] = ("model", "optimizer", "moving_average", "other")


def bind(meta: MetaGraph | None, weights: Weights | None, *, prefer: records.Weights = "raw") -> Bindings:
    """Which stored tensor is the value of which variable; works with either side alone.

    ``prefer="ema"`` takes the moving average of a variable wherever one is stored.

    Raises:
        ReadError: the checkpoint's object graph is damaged.
    """
    return _Binder(meta, weights, prefer).bindings()


@dataclass
class _Binder:
    meta: MetaGraph | None
    weights: Weights | None
    prefer: records.Weights
    variables: list[Variable] = field(default_factory=list)
    used: set[str] = field(default_factory=set)
    missing: list[str] = field(default_factory=list)
    averaged: int = 0

    def bindings(self) -> Bindings:
        self.tensors: Mapping[str, StoredTensor] = {} if self.weights is None else self.weights.tensors
        self.objects: Any = None if self.weights is None else object_graph(self.weights)
        full = {} if self.objects is None else full_names(self.objects)
        self.copies = _copies(full, self.tensors)
        self.names = _unique({key: name for key, name in full.items() if key not in self.copies})
        self.names |= {key: full[key] for key, whole in self.copies.items() if whole in self.names}
        self.slots = {} if self.objects is None else slot_keys(self.objects)
        self.known: dict[str, Shape] = {plain(key): tensor.shape for key, tensor in self.tensors.items()}
        self.known |= {
            plain(name): self.tensors[key].shape for key, name in self.names.items() if key in self.tensors
        }
        if self.meta is not None:
            self.graph_side(self.meta)
        in_graph = {variable.name for variable in self.variables}
        lost = self.stored_side(in_graph)
        self.set_copies_apart()
        warnings = []
        if self.meta is not None and self.prefer == "ema":
            models = sum(variable.kind == "model" for variable in self.variables if variable.node is not None)
            warnings.append(
                f"moving averages were asked for: {self.averaged} of {models} variables have one, "
                "the others keep their own value"
            )
        return Bindings(
            variables=tuple(self.variables),
            missing_in_checkpoint=tuple(self.missing),
            missing_in_graph=tuple(lost),
            warnings=tuple(warnings),
        )

    def set_copies_apart(self) -> None:
        """Of a variable that is stored twice, one is the model's: that which the graph makes more of."""
        if not self.copies:
            return
        uses: Counter[str] = Counter()
        for variable in self.variables:
            if self.meta is not None and variable.node is not None and variable.key is not None:
                graph = self.meta.graph
                uses[variable.key] += len(graph.consumers[graph.index[variable.node]])
        owners = {
            whole if uses[copy] > uses[whole] else copy: self.names.get(whole, plain(whole))
            for copy, whole in self.copies.items()
        }
        self.variables = [
            msgspec.structs.replace(variable, kind="other", slot=None, of=owners[variable.key])
            if variable.key in owners
            else variable
            for variable in self.variables
        ]

    def graph_side(self, meta: MetaGraph) -> None:
        """The variables of the graph, in file order."""
        nodes = [meta.graph.nodes[i] for i in meta.graph.having(VARIABLE_OPS)]
        if not nodes:
            return
        targets, slots = kept(meta, "restores", None, lambda: (restore_targets(meta), slots_in(meta.graph)))
        by_object: dict[str, list[str]] = {}
        if meta.object_graph is not None and self.objects is not None:
            by_object = object_keys(meta.object_graph, self.objects)
        stated = [(node, _name(node), *_stated(node)) for node in nodes]
        for _, name, _, shape in stated:
            self.known.setdefault(plain(name), shape)
        pool = _Pool(self.tensors)
        for node, name, dtype, shape in stated:
            known = targets.get(node.name, ())
            variable = self.bound(node, name, dtype, shape, meta, known, by_object, slots, pool)
            if variable is not None:
                self.variables.append(variable)

    def bound(
        self,
        node: Node,
        name: str,
        dtype: str,
        shape: Shape,
        meta: MetaGraph,
        targets: Sequence[Target],
        by_object: Mapping[str, Sequence[str]],
        slots: Mapping[str, tuple[str, str]],
        pool: _Pool,
    ) -> Variable | None:
        """One variable of the graph with its stored value, if there is one; None where there need be none."""
        chosen, tensor, problem = self.choose(targets, dtype, shape)
        guesses: list[Target] = []
        if tensor is None:
            guesses = list(self.guesses(node, name, meta, by_object))
            chosen, tensor, other = self.choose(guesses, dtype, shape)
            problem = problem or other
        if tensor is not None:
            shape = chosen.shape if chosen is not None and chosen.offset is not None else tensor.shape
            own = self.names.get(tensor.key)
            if own is not None and kinds.unnumbered(name) in (own, "Variable"):
                name = own  # the graph had to number it, beside what is left behind, or knows no name
        judged = kinds.judge(name, dtype, shape, self.known)
        if judged.kind in ("model", "optimizer") and node.name in slots:
            # Read off the graph, whatever the optimizer was called.
            slot, of = slots[node.name]
            judged = kinds.Judgement("optimizer", slot, of)
        key = None if tensor is None else tensor.key
        if tensor is not None:
            self.used.add(tensor.key)
            if self.prefer == "ema" and judged.kind == "model":
                average = self.average(node.name, tensor)
                if average is not None:
                    self.averaged += 1
                    self.used.add(average)
                    key = average
        elif self.weights is not None:
            if not targets and _is_left_behind(meta.graph, node):
                return None
            wanted = next((target.key for target in (*targets, *guesses)), name)
            self.missing.append(_absent(name, dtype, shape, wanted, bool(targets), problem, pool))
        piece = None
        if tensor is not None and chosen is not None and chosen.offset is not None:
            piece = Piece(node=node.name, offset=chosen.offset, shape=chosen.shape)
        trainable = None
        if meta.trainable:
            trainable = node.name in meta.trainable or name in meta.trainable
        return Variable(
            name=name,
            dtype=dtype,
            shape=shape,
            bytes=tensor.bytes if tensor is not None and piece is None else _bytes(dtype, shape),
            kind=judged.kind,
            node=node.name,
            key=key,
            slice=piece,
            trainable=trainable,
            slot=judged.slot,
            of=judged.of,
        )

    def guesses(
        self, node: Node, name: str, meta: MetaGraph, by_object: Mapping[str, Sequence[str]]
    ) -> Iterable[Target]:
        """Keys that the names suggest, where the graph does not say how it is restored."""
        keys = by_object.get(name, ())
        if len(keys) == 1:
            yield Target(keys[0])
        partition = meta.partitions.get(node.name)
        if partition is not None:
            full, full_shape, offset, shape = partition
            if len(full_shape) == len(offset) == len(shape):
                yield Target(full, offset, shape, full_shape)
        for guess in dict.fromkeys((node.name, name)):
            yield Target(guess)
            yield Target(guess + kinds.ATTRIBUTE)

    def choose(
        self, candidates: Iterable[Target], dtype: str, shape: Shape
    ) -> tuple[Target | None, StoredTensor | None, str | None]:
        """The first candidate that is stored and fits; else what does not fit."""
        problem = None
        for target in candidates:
            tensor = self.tensors.get(target.key)
            if tensor is None:
                continue
            wanted = shape if target.offset is None else target.full
            if tensor.dtype != dtype and dtype != "?":
                problem = problem or f"it is stored as {tensor.dtype}, the graph says {dtype}"
            elif not _fits(wanted, tensor.shape):
                problem = problem or f"it is stored as {list(tensor.shape)}, the graph says {_words(wanted)}"
            elif target.offset is not None and not _inside(target, shape):
                problem = (
                    problem
                    or f"its slice {list(target.shape)} at {list(target.offset)} does not fit {_words(shape)}"
                )
            else:
                return target, tensor, None
        return None, None, problem

    def average(self, name: str, tensor: StoredTensor) -> str | None:
        """The key of the moving average of a variable."""
        for key in (f"{name}{_EMA}", f"{tensor.key}{_EMA}"):
            other = self.tensors.get(key)
            if other is not None and (other.shape, other.dtype) == (tensor.shape, tensor.dtype):
                return key
        return None

    def stored_side(self, in_graph: set[str]) -> list[str]:
        """Adds what is stored and bound to no variable of the graph; says so of the model's own."""
        lost = []
        pool = _Pool(dict.fromkeys(in_graph))
        for key, tensor in self.tensors.items():
            if key in self.used:
                continue
            name = self.names.get(key, plain(key))
            # An object checkpoint's key says more about the kind than the variable's own name.
            judged = kinds.judge(key, tensor.dtype, tensor.shape, self.known)
            slot = self.slots.get(key)
            if slot is not None and judged.kind != "moving_average":
                judged = kinds.Judgement("optimizer", kinds.slot_title(slot[0]), plain(slot[1]))
            elif judged.kind == "model" and name != plain(key):
                judged = kinds.judge(name, tensor.dtype, tensor.shape, self.known)
            of = judged.of if judged.of is None else self.names.get(judged.of + kinds.ATTRIBUTE, judged.of)
            self.variables.append(
                Variable(
                    name=name,
                    dtype=tensor.dtype,
                    shape=tensor.shape,
                    bytes=tensor.bytes,
                    kind=judged.kind,
                    key=key,
                    slot=judged.slot,
                    of=of,
                )
            )
            if self.meta is not None and in_graph and judged.kind == "model":
                near = pool.nearest(name, tensor.shape)
                more = f"; nearest: {', '.join(near)}" if near else ""
                lost.append(
                    f"{name} {list(tensor.shape)} is stored, and no variable of the graph takes it{more}"
                )
        return lost


def _copies(names: Mapping[str, str], tensors: Mapping[str, StoredTensor]) -> dict[str, str]:
    """Key → key of the variable that it is a copy of, as Keras' ``export`` stores them.

    It lists a model's variables as ``variables`` and, as variables of their own, as ``_all_variables``:
    see its keras/src/export/saved_model.py.  They have the same names, and the same bytes by their
    checksums.  Other lists that are alike hold nets that are: with their first values, or set to another's.

    Args:
        names: by key, the variable's own name.
        tensors: what is stored, by key.
    """
    lists: dict[str, dict[tuple[object, ...], list[str]]] = {}
    for key, name in names.items():
        folder, _, number = plain(key).rpartition("/")
        tensor = tensors.get(key)
        if tensor is not None and tensor.crc32c is not None and number.isdigit():
            told: tuple[object, ...] = (name, tensor.dtype, tensor.shape, tensor.crc32c)
            lists.setdefault(folder, {}).setdefault(told, []).append(key)
    found: dict[str, str] = {}
    for folder, whole in lists.items():
        if folder.rpartition("/")[2] == "_all_variables":
            again = lists.get(f"{folder.removesuffix('_all_variables')}variables", {})
            for told, keys in whole.items():
                found |= zip(again.get(told, ()), keys, strict=False)
    return found


def _is_left_behind(graph: Graph, node: Node) -> bool:
    """Whether nothing takes or gives the value of a variable but a read that nobody reads."""
    return node.op == "VarHandleOp" and all(
        graph.nodes[reader].op == "ReadVariableOp" and not graph.consumers[reader]
        for reader, _ in graph.consumers[graph.index[node.name]]
    )


def _unique(names: Mapping[str, str]) -> dict[str, str]:
    """Key → name, for the names that only one key has."""
    counts = Counter(names.values())
    return {key: name for key, name in names.items() if counts[name] == 1}


def _name(node: Node) -> str:
    """What a person calls the variable: a resource's shared name is the one it was given."""
    if node.op == "VarHandleOp":
        shared = node.text("shared_name")
        # The one name that TensorFlow gives to all anonymous variables (resource_handle.cc).
        if shared and shared != "cd2c89b7-88b7-44c8-ad83-06c2a9158347":
            return shared
    return node.name


def _stated(node: Node) -> tuple[str, Shape]:
    """The dtype and shape that the graph gives a variable."""
    return node.dtype() or "?", node.shape("shape")


def _fits(graph: Shape, stored: tuple[int, ...]) -> bool:
    if graph is None:
        return True
    if len(graph) != len(stored):
        # The old Variable op writes an unknown shape as a scalar's.
        return False
    return all(a is None or a == b for a, b in zip(graph, stored, strict=True))


def _inside(target: Target, shape: Shape) -> bool:
    offset = target.offset or ()
    fits = all(a + b <= c for a, b, c in zip(offset, target.shape, target.full, strict=True))
    return fits and _fits(shape, target.shape)


def _words(shape: Shape) -> str:
    return (
        "an unknown shape"
        if shape is None
        else "[" + ", ".join("?" if s is None else str(s) for s in shape) + "]"
    )


def _bytes(dtype: str, shape: Shape) -> int:
    if shape is None or None in shape:
        return 0
    return prod(size or 0 for size in shape) * DTYPE_SIZES.get(dtype, 0)


def _absent(
    name: str, dtype: str, shape: Shape, wanted: str, restored: bool, problem: str | None, pool: _Pool
) -> str:
    """Why a variable of the graph has no value, with the keys that come nearest."""
    lead = f"{name} {dtype} {_words(shape)}: "
    if problem is not None:
        return f"{lead}{problem}"
    near = pool.nearest(wanted, shape)
    what = (
        f"key {wanted!r} is not in the checkpoint" if restored or wanted != name else "not in the checkpoint"
    )
    return f"{lead}{what}" + (f"; nearest: {', '.join(near)}" if near else "")


class _Pool:
    """Names to look for the nearest in; comparing all with all would be quadratic."""

    def __init__(self, tensors: Mapping[str, StoredTensor | None]) -> None:
        self.tensors = tensors

    @cached_property
    def by_tail(self) -> dict[str, list[str]]:
        """The names by the last parts of them, numbers taken off."""
        found: dict[str, list[str]] = {}
        for name in self.tensors:
            for part in plain(name).split("/")[-2:]:
                found.setdefault(part.lower().rstrip("_0123456789"), []).append(name)
        return found

    def nearest(self, name: str, shape: Shape) -> list[str]:
        """Up to three names like ``name``, with their shapes; those of the same shape first."""
        tails = [part.lower().rstrip("_0123456789") for part in plain(name).split("/")[-2:]]
        found = dict.fromkeys(other for tail in reversed(tails) for other in self.by_tail.get(tail, ())[:40])
        matcher = SequenceMatcher(autojunk=False)
        matcher.set_seq2(plain(name))
        scored = []
        for other in list(found)[:60]:
            matcher.set_seq1(plain(other))
            tensor = self.tensors[other]
            same = tensor is not None and shape is not None and _fits(shape, tensor.shape)
            scored.append((matcher.quick_ratio() + 0.2 * same, other))
        best = sorted(scored, key=lambda item: (-item[0], item[1]))[:_NEAREST]
        return [self.told(other) for score, other in best if score >= 0.6]

    def told(self, name: str) -> str:
        """A name, with its shape where it is known."""
        tensor = self.tensors[name]
        return f"{name!r}" if tensor is None else f"{name!r} {list(tensor.shape)}"


def facts(bindings: Bindings) -> VariableFacts:
    """Totals over the stored variables; over those of the graph where nothing is stored."""
    rows = [variable for variable in bindings.variables if variable.key is not None]
    stored = bool(rows)
    rows = rows or list(bindings.variables)
    counted: dict[tuple[str | None, tuple[int, ...] | None, str], Variable] = {}
    for variable in rows:
        # Copies of a net (towers, cells run again) share one stored value: counted once.
        piece = None if variable.slice is None else variable.slice.offset
        counted.setdefault((variable.key or variable.node, piece, variable.kind), variable)
    unique = list(counted.values())
    by_kind: dict[str, KindFacts] = {
        kind: KindFacts(
            count=sum(v.kind == kind for v in unique),
            parameters=sum(_elements(v) for v in unique if v.kind == kind),
            bytes=sum(v.bytes for v in unique if v.kind == kind),
        )
        for kind in _KINDS
    }
    total = sum(v.bytes for v in unique)
    return VariableFacts(
        count=len(unique),
        parameters=by_kind["model"].parameters,
        bytes=total,
        by_kind=by_kind,
        sentence=_sentence(unique, total) if stored else _unstored(unique),
        missing_in_checkpoint=bindings.missing_in_checkpoint,
        missing_in_graph=bindings.missing_in_graph,
    )


def _elements(variable: Variable) -> int:
    if variable.shape is None or None in variable.shape or variable.dtype == "string":
        return 0
    return prod(size or 0 for size in variable.shape)


def size_words(count: int) -> str:
    """Bytes in words, decimal: ``17 MB``, ``1.2 kB``, ``12 bytes``."""
    if count < 1000:
        return f"{count} byte{'' if count == 1 else 's'}"
    value = float(count)
    for unit in ("kB", "MB", "GB", "TB"):
        value /= 1000
        if value < 999.5 or unit == "TB":
            return f"{value:.1f} {unit}" if value < 9.95 else f"{value:.0f} {unit}"
    raise AssertionError(count)


def _sentence(variables: Sequence[Variable], total: int) -> str:
    """``Checkpoint 51 MB = model 17 MB + 2 Adam slots 34 MB``."""
    parts = []
    model = sum(v.bytes for v in variables if v.kind == "model")
    if model:
        parts.append(f"model {size_words(model)}")
    slots: dict[str, list[Variable]] = {}
    for variable in variables:
        if variable.kind == "optimizer":
            slots.setdefault(variable.slot or "optimizer", []).append(variable)
    state = 0
    for slot, items in sorted(slots.items(), key=lambda item: -sum(v.bytes for v in item[1])):
        owners = Counter(v.of for v in items if v.of is not None)
        if not owners:
            state += sum(v.bytes for v in items)
            continue
        each = max(owners.values())
        parts.append(
            f"{each} {slot} slot{'' if each == 1 else 's'} {size_words(sum(v.bytes for v in items))}"
        )
    if state:
        parts.append(f"optimizer state {size_words(state)}")
    for words, kind, copies in (
        ("moving averages", "moving_average", None),
        ("copies of it", "other", True),
        ("other", "other", False),
    ):
        size = sum(v.bytes for v in variables if v.kind == kind and copies in (None, v.of is not None))
        if size:
            parts.append(f"{words} {size_words(size)}")
    if not parts:
        return ""
    return f"Checkpoint {size_words(total)} = {' + '.join(parts)}"


def _unstored(variables: Sequence[Variable]) -> str:
    if not variables:
        return ""
    total = sum(_elements(v) for v in variables if v.kind == "model")
    return f"counted from the graph, which holds no values: {len(variables)} variables, {total:,} parameters"
