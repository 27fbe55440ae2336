"""The layers of a network, recognized in its ops.

Frameworks of every age write a layer as a handful of ops: a convolution with its padding, bias,
normalization (fused, or as sums and products) and activation.  Here they become one layer each;
dropout, identities, switches and the arithmetic on shapes vanish; blocks that follow each other and
are equal are found.  Nothing is executed, and nothing depends on names alone: scopes help to find
what belongs to a normalization, ops and who reads whom decide.
"""

from __future__ import annotations

import heapq
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from zoo import protos
from zoo.drawing.flat import Flat
from zoo.graph import RANGES, Node
from zoo.protos import Shape

MAX_BLOCK = 80
"""Layers of a block that can be recognized as repeated."""

_PASS = frozenset(
    """Identity IdentityN StopGradient PreventGradient CheckNumerics PlaceholderWithDefault Snapshot
    Enter Exit RefEnter RefExit Switch RefSwitch Merge RefMerge EnsureShape Print PrintV2 Assert
    FakeQuantWithMinMaxVars FakeQuantWithMinMaxArgs FakeQuantWithMinMaxVarsPerChannel RefIdentity
    ReadVariableOp Bitcast _Arg _Retval CopyHost DebugGradientIdentity""".split()
)
_SHAPES = frozenset({"Shape", "ShapeN", "Size", "Rank", "TensorArraySizeV3", "BroadcastGradientArgs"})
_VALUES = frozenset(
    """Const Variable VariableV2 VarHandleOp AutoReloadVariable HashTable HashTableV2 NoOp
    RandomUniform RandomStandardNormal TruncatedNormal Placeholder PlaceholderV2 Range Fill
    MutableHashTableV2 StatelessRandomUniformV2""".split()
)
_CONVS = {
    "Conv2D": "Conv",
    "Conv3D": "Conv3D",
    "DepthwiseConv2dNative": "Depthwise conv",
    "DepthwiseConv2d": "Depthwise conv",
    "Conv2DBackpropInput": "Transposed conv",
    "Conv3DBackpropInput": "Transposed conv3D",
    "Conv3DBackpropInputV2": "Transposed conv3D",
    "_FusedConv2D": "Conv",
    "QuantizedConv2D": "Quantized conv",
    "Dilation2D": "Dilation",
}
_MATMULS = frozenset({"MatMul", "BatchMatMul", "BatchMatMulV2", "BatchMatMulV3", "SparseMatMul", "Einsum"})
_NORMS = {
    "FusedBatchNorm": "BN",
    "FusedBatchNormV2": "BN",
    "FusedBatchNormV3": "BN",
    "BatchNormWithGlobalNormalization": "BN",
    "LRN": "LRN",
    "InstanceNorm": "IN",
}
_ACTS = {
    "Relu": "ReLU", "Relu6": "ReLU6", "Elu": "ELU", "Selu": "SELU", "LeakyRelu": "Leaky ReLU",
    "Sigmoid": "Sigmoid", "Tanh": "Tanh", "Softplus": "Softplus", "Softsign": "Softsign",
    "Softmax": "Softmax", "LogSoftmax": "Log softmax", "Crelu": "CReLU",
}  # fmt: skip
_POOLS = {
    "MaxPool": "Max pool", "MaxPoolV2": "Max pool", "MaxPool3D": "Max pool", "AvgPool": "Average pool",
    "AvgPool3D": "Average pool", "MaxPoolWithArgmax": "Max pool",
}  # fmt: skip
_ADDS = frozenset({"Add", "AddV2", "BiasAdd", "BiasAddV1", "Sub"})
_SCALES = frozenset({"Mul", "RealDiv", "Div"})
_ELEMENTWISE = frozenset(
    """Add AddV2 Sub Mul RealDiv Div Maximum Minimum Neg Abs Sigmoid Tanh Relu Relu6 Softplus Erf
    Pow Square Exp Sign Cast LeakyRelu SelectV2 Select Greater GreaterEqual Less""".split()
)
_WORDS = {
    "ConcatV2": "Concat", "Concat": "Concat", "Mean": "Mean", "Sum": "Sum", "Max": "Max",
    "MirrorPad": "Pad", "PadV2": "Pad", "Pad": "Pad", "Reshape": "Reshape", "Squeeze": "Squeeze",
    "Transpose": "Transpose", "ResizeBilinear": "Resize (bilinear)",
    "ResizeNearestNeighbor": "Resize (nearest)", "ExpandDims": "Expand", "GatherV2": "Gather",
    "Gather": "Gather", "ResourceGather": "Gather", "StridedSlice": "Slice", "SplitV": "Split",
    "BatchMatMul": "MatMul", "BatchMatMulV2": "MatMul", "BatchMatMulV3": "MatMul", "AddV2": "Add",
    "AddN": "Add", "DepthToSpace": "Depth to space", "SpaceToDepth": "Space to depth",
    "Placeholder": "Input", "PlaceholderV2": "Input",
}  # fmt: skip

_GROUP = re.compile(
    r"(?P<norm>batch_?norm(alization)?|bn|layer_?norm(alization)?|instance_?norm(alization)?"
    r"|group_?norm(alization)?|moments|cond_?batch_?norm)(?:[_\d.-].*)?"
    r"|(?P<drop>(spatial_?)?drop_?(out|path|connect)(?:[123]d)?(?:[_\d.-].*)?)"
    r"|(?P<dense>tensordot(?:_\d+)?)",
    re.IGNORECASE,
)
_RECURRENT = re.compile(r"(?:^|/)[^/]*(lstm|gru|rnn)", re.IGNORECASE)


@dataclass
class Layer:
    """One layer: what it is, the ops that make it, the layers it reads."""

    name: str
    """Name of its main op."""
    kind: str
    """``conv``, ``dense``, ``pool``, ``norm``, ``act``, ``join``, ``shape``, ``recurrent``, ``other``,
    ``input``: how it is coloured."""
    label: str
    shape: Shape
    """Of its output, where that is known."""
    members: list[int]
    """Indices of its ops."""
    sources: list[int] = field(default_factory=list)
    """Indices of layers."""


@dataclass(frozen=True)
class Repeat:
    """A block of ``length`` layers from ``start`` that stands there ``times`` times in a row."""

    start: int
    length: int
    times: int


class Shapes:
    """Shapes of tensors: what was inferred, else what the Saver noted, else what a value says."""

    def __init__(self, flat: Flat, known: Mapping[str, Shape]) -> None:
        self.flat = flat
        self.known = known

    def of(self, i: int, output: int = 0) -> Shape:
        """The shape of an output, None where it is not known."""
        found = self.known.get(f"{self.flat.names[i]}:{max(output, 0)}")
        if found is not None:
            return found
        noted = self.flat.nodes[i].output_shapes()
        return noted[output] if 0 <= output < len(noted) else None

    def value(self, i: int) -> Shape:
        """The shape of a weight, found through identities back to its variable or constant."""
        for _ in range(12):
            node = self.flat.nodes[i]
            if node.op == "Const":
                value = node.attr("value")
                return None if value is None else protos.shape_of(value.tensor.tensor_shape)
            if node.op in ("Variable", "VariableV2", "VarHandleOp"):
                return node.shape()
            found = self.of(i)
            if found is not None:
                return found
            if node.op not in _PASS or not self.flat.sources[i]:
                return None
            i = self.flat.sources[i][0][0]
        return None


def recognize(
    flat: Flat,
    shapes: Mapping[str, Shape],
    *,
    inputs: Collection[int],
    outputs: Collection[int],
    needed: set[int],
) -> tuple[list[Layer], list[Repeat]]:
    """The layers between ``inputs`` and ``outputs`` in the order data flows, and the repeated blocks.

    Args:
        flat: the graph.
        shapes: tensor name to shape, as far as known.
        inputs: indices of the nodes that are fed.
        outputs: indices of the nodes that are fetched.
        needed: what they need (`forward`).
    """
    recognizer = _Recognizer(flat, Shapes(flat, shapes), set(inputs), set(outputs), needed)
    found = recognizer.layers()
    return found, repeats(found)


def forward(flat: Flat, outputs: Collection[int], stop: Collection[int]) -> set[int]:
    """The nodes that ``outputs`` need; what ``stop`` needs is not followed, control inputs neither.

    How training notes the ranges of quantized layers is no layer.
    """
    seen: set[int] = set()
    todo = list(outputs)
    while todo:
        i = todo.pop()
        if i in seen:
            continue
        seen.add(i)
        if i not in stop:
            row = flat.data[i][:1] if flat.nodes[i].op in RANGES else flat.data[i]
            todo.extend([source for source, _ in row if source not in seen])
    return seen


class _Recognizer:
    """The live part of a graph: ops that data runs through, weights and shape arithmetic left out."""

    def __init__(
        self, flat: Flat, shapes: Shapes, inputs: set[int], outputs: set[int], needed: set[int]
    ) -> None:
        self.flat = flat
        self.shapes = shapes
        self.outputs = outputs
        self.needed = needed
        self.starts = self._starts(inputs)
        self.consumers: dict[int, list[int]] = {}
        for i in sorted(self.needed):
            if i in self.starts:
                continue  # a fed node is where the model begins, whatever stands before it
            for source, _ in flat.data[i]:
                self.consumers.setdefault(source, []).append(i)
        self.live = self._live()
        self.units = self._units()

    def _starts(self, inputs: set[int]) -> set[int]:
        """Where data comes in: the inputs that are no switches of training, else whatever has no source."""
        data = {i for i in inputs & self.needed if not self._switch(i)}
        if data:
            return data
        loose = {i for i in self.needed if not self.flat.sources[i] and self.flat.nodes[i].op not in _VALUES}
        return loose or {i for i in self.needed if self.flat.nodes[i].op.startswith("Placeholder")}

    def _switch(self, i: int) -> bool:
        node = self.flat.nodes[i]
        return node.dtype() == "bool" or self.shapes.of(i) == () or node.shape() == ()

    def _live(self) -> set[int]:
        seen: set[int] = set()
        todo = list(self.starts)
        while todo:
            i = todo.pop()
            if i in seen:
                continue
            seen.add(i)
            # A shape depends on the data and is none; what is computed from it is plumbing.
            todo.extend(
                k for k in self.consumers.get(i, ()) if k not in seen and self.flat.nodes[k].op not in _SHAPES
            )
        return seen

    def data(self, i: int) -> list[int]:
        """The live nodes that a node reads, each once, in order."""
        if i in self.starts:
            return []
        found = [
            source
            for source, _ in self.flat.data[i]
            if source in self.live and self.flat.nodes[source].op != "NextIteration"
        ]
        return list(dict.fromkeys(found)) if len(found) > 1 else found

    def readers(self, i: int) -> list[int]:
        """The live nodes that read a node, each once."""
        found = [k for k in self.consumers.get(i, ()) if k in self.live]
        return list(dict.fromkeys(found)) if len(found) > 1 else found

    def _order(self) -> list[int]:
        """Live nodes, sources first, otherwise as in the file; loops are entered where they start."""
        missing = {i: len(self.data(i)) for i in self.live}
        ready = [i for i, count in missing.items() if count == 0]
        heapq.heapify(ready)
        order: list[int] = []
        done: set[int] = set()
        rest = sorted(self.live)
        at = 0
        while len(order) < len(self.live):
            if not ready:
                while rest[at] in done:
                    at += 1
                heapq.heappush(ready, rest[at])
            i = heapq.heappop(ready)
            if i in done:
                continue
            done.add(i)
            order.append(i)
            if self.flat.nodes[i].op == "NextIteration":
                continue
            for k in self.readers(i):
                missing[k] -= 1
                if missing[k] == 0 and k not in done:
                    heapq.heappush(ready, k)
        return order

    # ---- units: single ops, and scopes that are one thing ----

    def _units(self) -> dict[int, tuple[str, list[int]]]:
        """First member → (kind, members) of the scopes that belong together."""
        keys: dict[str, list[int]] = {}
        cache: dict[str, str | None] = {}
        loops = sorted(
            {
                self.flat.names[i].rpartition("/")[0]
                for i in self.needed
                if self.flat.nodes[i].op == "LoopCond" and "/" in self.flat.names[i]
            }
        )
        self.order = self._order()
        self.rank = {i: at for at, i in enumerate(self.order)}
        for i in self.order:
            if i in self.starts:
                continue
            scope = self.flat.names[i].rpartition("/")[0]
            if scope not in cache:
                cache[scope] = _group(scope, loops)
            key = cache[scope]
            if key is not None:
                keys.setdefault(key, []).append(i)
        found = {}
        self.unit_of: dict[int, int] = {}
        for key, members in keys.items():
            kind = key.partition(" ")[0]
            ops = {self.flat.nodes[i].op for i in members}
            if kind == "norm" and (
                ops & (_MATMULS | _CONVS.keys() | _POOLS.keys())
                or (len(ops & _ELEMENTWISE) < 2 and not ops & _NORMS.keys())
            ):
                continue  # a scope that is only called so
            if kind == "dense" and not ops & _MATMULS:
                continue
            found[members[0]] = (kind, members)
            self.unit_of.update(dict.fromkeys(members, members[0]))
        return found

    # ---- layers ----

    def layers(self) -> list[Layer]:
        """The layers, sources first."""
        self.owner: dict[int, int] = {}
        """Op → layer, or -1 for what only passes data on."""
        self.made: list[Layer] = []
        for i in self.order:
            if i in self.owner:
                continue
            if i in self.units:
                self._unit(i)
            elif i in self.unit_of:
                self.owner.setdefault(i, self.owner.get(self.unit_of[i], -1))
            elif self.flat.nodes[i].op in _PASS and i not in self.starts:
                self.owner[i] = -1
            elif not self._prefix(i):
                self._single(i)
        for at, layer in enumerate(self.made):
            found: dict[int, None] = {}
            for member in layer.members:
                for source in self.data(member):
                    found.update(dict.fromkeys(self._layers_behind(source)))
            layer.sources = sorted(k for k in found if k != at)
        return self.made

    def _layers_behind(self, i: int) -> list[int]:
        """The layers whose data arrives at a node, seen through what only passes it on."""
        found: list[int] = []
        seen: set[int] = set()
        todo = [i]
        while todo:
            i = todo.pop()
            if i in seen:
                continue
            seen.add(i)
            owner = self.owner.get(i, -1)
            if owner >= 0:
                found.append(owner)
            else:
                todo.extend(self.data(i))
        return found

    def _unit(self, i: int) -> None:
        kind, members = self.units[i]
        if kind == "drop":
            self.owner.update(dict.fromkeys(members, -1))
            return
        nodes = [self.flat.nodes[k] for k in members]
        last = next(
            (k for k in reversed(members) if any(r not in members for r in self.readers(k))), members[-1]
        )
        name = self.flat.names[i].rpartition("/")[0]
        if kind == "loop":
            word = _RECURRENT.search(name)
            label = f"{word.group(1).upper()} (loop)" if word else "Loop"
            self._add(i, "recurrent", label, members, last, name=name)
        elif kind == "dense":
            at = next(k for k in members if self.flat.nodes[k].op in _MATMULS)
            self._follow(self._add(at, "dense", self._dense(at), members, last), last)
        else:
            self._add(i, "norm", _norm_label(name, nodes), members, last, name=name)

    def _prefix(self, i: int) -> bool:
        """Whether an op only prepares the convolution that alone reads it, and becomes part of it."""
        op = self.flat.nodes[i].op
        if op not in ("Pad", "PadV2", "MirrorPad", "SpaceToBatchND", "ExpandDims") or i in self.outputs:
            return False
        reader = self._next(i)
        if reader is None:
            return False
        node = self.flat.nodes[reader]
        if op == "ExpandDims" and node.op == "Conv2D":
            after = self._next(reader)
            return after is not None and self.flat.nodes[after].op == "Squeeze"
        return node.op in _CONVS

    def _prepared(self, i: int) -> list[int]:
        """The padding and its like before a convolution, which no layer has taken."""
        found: list[int] = []
        for _ in range(16):
            data = self.data(i)
            if not data or (data[0] in self.owner and self.owner[data[0]] != -1):
                break
            i = data[0]
            if i not in self.owner:
                found.append(i)
        return found

    def _next(self, i: int) -> int | None:
        """The one op that reads a node, seen through identities; None if there are more, or none."""
        for _ in range(16):
            if i in self.outputs:
                return None
            readers = self.readers(i)
            homes = {self.unit_of.get(reader, -1) for reader in readers}
            if len(readers) != 1 and (len(homes) != 1 or -1 in homes):
                return None  # several read it, and they are not parts of one normalization
            i = readers[0]
            if i in self.unit_of or self.flat.nodes[i].op not in _PASS:
                return i
        return None

    def _single(self, i: int) -> None:
        node = self.flat.nodes[i]
        op = node.op
        data = self.data(i)
        if i in self.starts:
            self._add(i, "input", "Input", [i], i)
        elif op in _CONVS:
            self._follow(self._add(i, "conv", self._conv(i), [*self._prepared(i), i], i), i)
        elif op in _MATMULS:
            label = self._dense(i) if len(data) == 1 else "Einsum" if op == "Einsum" else "MatMul"
            self._follow(self._add(i, "dense", label, [i], i), i)
        elif op in _POOLS:
            self._add(i, "pool", self._pool(i), [i], i)
        elif op in _NORMS:
            self._follow(self._add(i, "norm", _NORMS[op], [i], i), i)
        elif op in _ACTS:
            self._add(i, "act", _ACTS[op], [i], i)
        elif (op in _ADDS and len(data) == 1) or (op in _SCALES and len(data) == 1):
            self._affine(i)
        elif op in ("Add", "AddV2", "AddN"):
            self._follow(self._add(i, "join", "Add", [i], i), i)
        elif op in ("ConcatV2", "Concat"):
            self._follow(self._add(i, "join", "Concat", [i], i), i)
        elif op in ("Mean", "Max", "Sum") and self._global(i):
            word = {"Mean": "average", "Max": "max", "Sum": "sum"}[op]
            self._add(i, "pool", f"Global {word} pool", [i], i)
        elif op in ("Reshape", "Squeeze", "Transpose", "ExpandDims", "Flatten", "StridedSlice", "Cast"):
            self._add(i, "shape", _WORDS.get(op, op), [i], i)
        else:
            kind = (
                "recurrent" if op in ("While", "StatelessWhile") or "RNN" in op or "LSTM" in op else "other"
            )
            if kind == "recurrent" and (cell := _RECURRENT.search(self.flat.names[i])):
                self._add(i, kind, f"{cell.group(1).upper()} (loop)", [i], i)
            else:
                self._add(i, kind, _WORDS.get(op, op), [i], i)

    def _global(self, i: int) -> bool:
        before = self.shapes.of(self.data(i)[0]) if self.data(i) else None
        after = self.shapes.of(i)
        if before is None or after is None or len(before) < 4:
            return False
        return len(after) == 2 or [size for size in after if size != 1] == [before[0], before[-1]]

    def _affine(self, i: int) -> None:
        """A sum or product with a constant that no layer took."""
        node = self.flat.nodes[i]
        members, scales = [i], node.op in _SCALES
        tail = i
        while (after := self._next(tail)) is not None and self._is_affine(after):
            members.append(after)
            scales = scales or self.flat.nodes[after].op in _SCALES
            tail = after
        label = ("Scale and shift" if len(members) > 1 else "Scale") if scales else "Shift"
        if node.op in ("BiasAdd", "BiasAddV1") and len(members) == 1:
            label = "Bias"
        self._follow(self._add(i, "norm", label, members, tail), tail)

    def _is_affine(self, i: int) -> bool:
        if i in self.unit_of or i in self.owner:
            return False
        return self.flat.nodes[i].op in _ADDS | _SCALES and len(self.data(i)) == 1

    def _add(
        self, i: int, kind: str, label: str, members: list[int], last: int, *, name: str | None = None
    ) -> int:
        at = len(self.made)
        layer = Layer(name or self.flat.names[i], kind, label, self.shapes.of(last), list(members))
        self.made.append(layer)
        self.owner.update(dict.fromkeys(members, at))
        return at

    def _follow(self, at: int, tail: int) -> None:
        """Take what belongs to a layer and follows it: bias, normalization, activation."""
        layer = self.made[at]
        parts: list[str] = []
        for _ in range(12):
            branch = self._activation(tail)
            if branch is not None:
                label, members, tail = branch
                parts.append(label)
                self._take(at, members)
                break
            after = self._next(tail)
            if after is None or after in self.owner:
                break
            op = self.flat.nodes[after].op
            if after in self.unit_of:
                kind, members = self.units[self.unit_of[after]]
                if kind == "drop" or kind != "norm" or layer.kind not in ("conv", "dense") or "BN" in parts:
                    break
                inner = set(members)
                exits = [
                    k for k in members if k in self.outputs or any(r not in inner for r in self.readers(k))
                ]
                if len(exits) != 1 or any(
                    s not in inner and s != tail and not self._leads(s, tail)
                    for k in members
                    for s in self.data(k)
                ):
                    break
                name = self.flat.names[members[0]].rpartition("/")[0]
                parts.append(_norm_label(name, [self.flat.nodes[k] for k in members]))
                self._take(at, members)
                tail = exits[0]
            elif op in _NORMS and op != "LRN" and layer.kind in ("conv", "dense", "join"):
                parts.append(_NORMS[op])
                self._take(at, [after])
                tail = after
            elif op in ("BatchToSpaceND", "Squeeze") and layer.kind == "conv" and not parts:
                self._take(at, [after])
                tail = after
            elif layer.kind in ("conv", "dense") and self._is_affine(after):
                if op in _SCALES and "BN" not in parts:
                    parts.append("BN" if self._more_affine(after) else "scale")
                elif op in _ADDS and not parts:
                    parts.append("bias")
                self._take(at, [after])
                tail = after
            elif op in _ACTS and (op not in ("Softmax", "LogSoftmax") or layer.kind in ("dense", "conv")):
                parts.append(_ACTS[op])
                self._take(at, [after])
                tail = after
                break
            else:
                break
        # A bias under a normalization is not worth a word, nor is one after all.
        words = [part for part in dict.fromkeys(parts) if part != "bias"]
        layer.label = " + ".join([layer.label, *words])
        layer.shape = self.shapes.of(tail) or layer.shape

    def _leads(self, i: int, tail: int) -> bool:
        """Whether a node only passes on what ``tail`` gives."""
        for _ in range(16):
            if i == tail:
                return True
            if self.flat.nodes[i].op not in _PASS or len(self.data(i)) != 1:
                return False
            i = self.data(i)[0]
        return False

    def _more_affine(self, i: int) -> bool:
        after = self._next(i)
        return after is not None and self._is_affine(after) and self.flat.nodes[after].op in _ADDS

    def _take(self, at: int, members: Sequence[int]) -> None:
        self.made[at].members.extend(members)
        self.owner.update(dict.fromkeys(members, at))

    def _activation(self, tail: int) -> tuple[str, list[int], int] | None:
        """An activation that is written as several ops around one value: (label, ops, last one).

        From ``tail`` a handful of elementwise ops spread and come together again in one.
        """
        if tail in self.outputs or len(self.readers(tail)) < 2:
            return None
        region: dict[int, None] = {}
        for i in self.readers(tail):
            region[i] = None
        for _ in range(10):
            inside = set(region) | {tail}
            if len(region) > 9 or any(
                self.flat.nodes[i].op not in _ELEMENTWISE | _PASS or i in self.owner or i in self.unit_of
                for i in region
            ):
                return None
            exits = [i for i in region if i in self.outputs or any(r not in region for r in self.readers(i))]
            if len(exits) == 1 and all(s in inside for i in region for s in self.data(i)):
                label = _activation_label([self.flat.nodes[i] for i in region])
                return (label, sorted(region), exits[0]) if label else None
            # The exit that comes first in the flow is not the last one: go on from there.
            first = min(exits, key=self.rank.__getitem__, default=None)
            if first is None or first in self.outputs:
                return None
            region.update(dict.fromkeys(r for r in self.readers(first) if r not in region))
        return None

    # ---- labels ----

    def _weights(self, i: int) -> Shape:
        for source, output in self.flat.sources[i][1:2]:
            if output >= 0:
                return self.shapes.value(source)
        return None

    def _conv(self, i: int) -> str:
        node = self.flat.nodes[i]
        transposed = "BackpropInput" in node.op
        weights = self._weights(i)
        label = _CONVS[node.op]
        dims = 3 if "3D" in node.op else 2
        if weights is not None and len(weights) == dims + 2:
            kernel = weights[:dims]
            # A convolution over one axis is written as one over two, the other of size 1.
            label += " " + "×".join("?" if size is None else str(size) for size in kernel)
            filters = weights[dims] if transposed else weights[dims + 1]
            if node.op.startswith("Depthwise"):
                if weights[-1] not in (None, 1):
                    label += f", × {weights[-1]}"
            elif filters is not None:
                label += f", {filters}"
        strides = _spatial(node, "strides")
        if any(size > 1 for size in strides):
            same = len(set(strides)) == 1
            label += ", stride " + (str(strides[0]) if same else "×".join(map(str, strides)))
        rates = _spatial(node, "dilations")
        if any(size > 1 for size in rates):
            label += f", dilation {'×'.join(map(str, dict.fromkeys(rates)))}"
        elif any(self.flat.nodes[k].op == "SpaceToBatchND" for k in self.data(i)):
            label += ", dilated"
        return label

    def _dense(self, i: int) -> str:
        live = set(self.data(i))
        for source, output in self.flat.sources[i]:
            if output >= 0 and source not in live:
                weights = self.shapes.value(source)
                if weights is not None and len(weights) == 2:
                    units = weights[0] if self.flat.nodes[i].flag("transpose_b") else weights[1]
                    if units is not None:
                        return f"Dense {units}"
        return "Dense"

    def _pool(self, i: int) -> str:
        node = self.flat.nodes[i]
        size = _spatial(node, "ksize")
        strides = _spatial(node, "strides")
        label = _POOLS[node.op]
        if size:
            label += " " + "×".join(map(str, size))
        if any(stride > 1 for stride in strides):
            label += f", stride {'×'.join(map(str, dict.fromkeys(strides)))}"
        return label


def _group(scope: str, loops: Sequence[str]) -> str | None:
    """Which group a scope belongs to, as ``kind prefix``: the outermost loop, else the innermost match."""
    for loop in loops:
        if scope == loop or scope.startswith(f"{loop}/"):
            return f"loop {loop}"
    parts = scope.split("/")
    for at, part in enumerate(parts[:64]):
        match = _GROUP.fullmatch(part)
        if match:
            kind = next(kind for kind, text in match.groupdict().items() if text)
            return f"{kind} {'/'.join(parts[: at + 1])}"
    return None


def _norm_label(name: str, nodes: Sequence[Node]) -> str:
    text = name.lower()
    if "layer" in text.rpartition("/")[2]:
        return "LayerNorm"
    if "instance" in text.rpartition("/")[2]:
        return "InstanceNorm"
    if "group" in text.rpartition("/")[2]:
        return "GroupNorm"
    return "BN"


def _activation_label(nodes: Sequence[Node]) -> str | None:
    ops = {node.op for node in nodes}
    if "Erf" in ops or {"Tanh", "Pow"} <= ops:
        return "GELU"
    if {"Softplus", "Tanh", "Mul"} <= ops:
        return "Mish"
    if {"Sigmoid", "Mul"} <= ops:
        return "Swish"
    if {"Relu6", "Mul"} <= ops:
        return "Hard swish"
    if {"Maximum", "Mul"} <= ops:
        return "Leaky ReLU"
    if ("Abs" in ops or {"Relu", "Neg"} <= ops or {"Relu", "Sub"} <= ops) and ops & {"Add", "AddV2", "Sub"}:
        return "PReLU"
    return None


def _spatial(node: Node, key: str) -> list[int]:
    """The entries of ``strides`` and its like that are neither batch nor channels."""
    value = node.attr(key)
    sizes = [] if value is None else list(value.list.i)
    if len(sizes) < 4:
        return []
    return sizes[2:] if (node.text("data_format") or "").startswith("NC") else sizes[1:-1]


def repeats(layers: Sequence[Layer]) -> list[Repeat]:
    """Blocks of equal layers in a row: same kinds, same sizes, wired alike."""
    numbers: dict[object, int] = {}
    marks = []
    for at, layer in enumerate(layers):
        wired = tuple(at - source for source in layer.sources)
        mark = (layer.kind, layer.label, layer.shape, wired)
        marks.append(numbers.setdefault(mark, len(numbers)))
    # Per length of block, stretches where every layer equals the one a block further on.
    heap: list[tuple[int, int, int, int]] = []

    def offer(start: int, end: int, length: int) -> None:
        times = (end - start) // length
        # Twice the same layer is not worth a box around it.
        if times > 2 or (times == 2 and length > 1):
            # The most layers saved come first; of equal savings the shortest block, then the first.
            heapq.heappush(heap, (-length * (times - 1), length, start, end))

    for length in range(1, min(MAX_BLOCK, len(marks) // 2) + 1):
        start = None
        for at in range(len(marks) - length):
            if marks[at] != marks[at + length]:
                if start is not None:
                    offer(start, at + length, length)
                start = None
            elif start is None:
                start = at
        if start is not None:
            offer(start, len(marks), length)
    taken = bytearray(len(marks))
    found = []
    while heap:
        _, length, start, end = heapq.heappop(heap)
        if any(taken[start:end]):
            # What is left of the stretch may still do, further down the list.
            low, high = _longest_free(taken, start, end)
            offer(low, high, length)
            continue
        times = (end - start) // length
        taken[start : start + times * length] = b"\1" * (times * length)
        found.append(Repeat(start, length, times))
    return sorted(found, key=lambda repeat: repeat.start)


def _longest_free(taken: bytearray, start: int, end: int) -> tuple[int, int]:
    """The longest part of a stretch that nothing has taken."""
    best, low = (start, start), start
    for at in range(start, end + 1):
        if at == end or taken[at]:
            if at - low > best[1] - best[0]:
                best = (low, at)
            low = at + 1
    return best
