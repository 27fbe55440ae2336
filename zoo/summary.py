"""Facts and files about a model that was read: counts, op lists, variables."""

from __future__ import annotations

import csv
import hashlib
import io
import os
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import chain, pairwise
from math import prod
from pathlib import Path

import numpy as np

from zoo import protos
from zoo.graph import Graph, MetaGraph, Node, split_input
from zoo.model import Variable
from zoo.records import File, GraphFacts, KindFacts, VariableFacts
from zoo.risk import SAVER, ops_without_kernel, risky_ops, unregistered_ops
from zoo.statistics import Statistics

# Ops without an output: a tensor name for them would be a lie.
_NO_OUTPUT = frozenset(
    """Abort Assert AssignAddVariableOp AssignSubVariableOp AssignVariableOp CloseSummaryWriter
    CreateSummaryDbWriter CreateSummaryFileWriter DeleteIterator DestroyResourceOp FlushSummaryWriter
    ImportEvent InitializeTable InitializeTableFromTextFile InitializeTableFromTextFileV2
    InitializeTableV2 IteratorGetNextSyncless LookupTableImport LookupTableImportV2
    LookupTableInsert LookupTableInsertV2 LookupTableRemoveV2 MakeIterator MergeV2Checkpoints NoOp
    Print PrintV2 QueueClose QueueCloseV2 QueueEnqueue QueueEnqueueV2 QueueEnqueueMany
    QueueEnqueueManyV2 ResourceApplyAdagrad ResourceApplyAdam ResourceApplyFtrl
    ResourceApplyGradientDescent ResourceApplyKerasMomentum ResourceApplyMomentum
    ResourceApplyRMSProp ResourceScatterAdd ResourceScatterUpdate Save SaveSlices SaveV2
    ShardedFilenameNone StackCloseV2 WriteFile WriteScalarSummary WriteSummary _Send""".split()
) - {"Print", "IteratorGetNextSyncless", "ShardedFilenameNone"}

_BACKWARD_OPS = frozenset(
    """ApplyAdadelta ApplyAdagrad ApplyAdam ApplyFtrl ApplyGradientDescent ApplyMomentum ApplyRMSProp
    ApplyCenteredRMSProp ResourceApplyAdadelta ResourceApplyAdagrad ResourceApplyAdam
    ResourceApplyFtrl ResourceApplyGradientDescent ResourceApplyKerasMomentum ResourceApplyMomentum
    ResourceApplyRMSProp ResourceApplyCenteredRMSProp SparseApplyAdagrad SparseApplyMomentum
    ReluGrad Relu6Grad Conv2DBackpropFilter Conv3DBackpropFilterV2 DepthwiseConv2dNativeBackpropFilter
    MaxPoolGrad FusedBatchNormGrad FusedBatchNormGradV2 FusedBatchNormGradV3 BiasAddGrad
    SoftmaxCrossEntropyWithLogits SparseSoftmaxCrossEntropyWithLogits""".split()
)


def graph_facts(graph: Graph) -> GraphFacts:
    """Counts of a graph, functions included, and what stands out in it."""
    counts = graph.op_counts()
    own = {name for name in counts if name in graph.functions}
    ops = {op: count for op, count in counts.items() if op not in own}
    return GraphFacts(
        nodes=len(graph),
        nodes_in_functions=sum(len(function.nodes) for function in graph.functions.values()),
        op_counts=counts,
        training=any(op in _BACKWARD_OPS for op in counts),
        unregistered_ops=unregistered_ops(ops),
        ops_without_kernel=ops_without_kernel(ops),
        # Every training graph brings a Saver, which reaches nothing that is frozen.
        risky_ops={op: count for op, count in risky_ops(ops).items() if op not in SAVER},
    )


_UNREAD = 64


def output_counts(graph: Graph) -> list[int]:
    """How many outputs each node has as far as the graph shows it: those noted or read, at least one."""
    edges = graph.edges
    read = np.ones(len(graph), np.int64)
    beyond = edges.output > 0
    np.maximum.at(read, edges.source[beyond], edges.output[beyond].astype(np.int64) + 1)
    counts: list[int] = read.tolist()
    for i in np.flatnonzero(read > _UNREAD).tolist():
        # A reader may name any number; few outputs that nobody reads lie between those that are read.
        counts[i] = min(counts[i], len(graph.consumers[i]) + _UNREAD)
    # Nodes that have all attributes alike have the same object.
    noted: dict[int, int] = {}
    for i, node in enumerate(graph.nodes):
        kind = id(node.attrs)
        if kind not in noted:
            noted[kind] = len(node.output_shapes())
        if node.op in _NO_OUTPUT:
            counts[i] = 0
        elif noted[kind] > counts[i]:
            counts[i] = noted[kind]
    return counts


def operations_csv(graph: Graph, counts: Sequence[int] | None = None) -> bytes:
    """``name,type,output``, one line an op, as in the field's tutorials; several outputs by blanks."""
    header = ("name", "type", "output")
    names = [node.name for node in graph.nodes]
    outputs = _outputs(graph, counts or output_counts(graph), " ")
    lines = [f"{name},{op},{output}" for name, op, output in zip(names, graph.ops, outputs, strict=True)]
    plain = "\n".join([",".join(header), *lines, ""])
    # Names of ops need no quotes, but a file may hold any.
    if (
        not any(mark in plain for mark in '"\r')
        and plain.count(",") == 2 * plain.count("\n") == 2 * len(lines) + 2
    ):
        return plain.encode("utf-8", "backslashreplace")
    return _csv(header, zip(names, graph.ops, outputs, strict=True))


def _outputs(graph: Graph, counts: Sequence[int], between: str) -> list[str]:
    """The outputs of each node as one text."""
    texts = list(graph.first_outputs)
    for i, count in enumerate(counts):
        if count != 1:
            texts[i] = between.join([f"{graph.nodes[i].name}:{k}" for k in range(count)])
    return texts


def graph_text(graph: Graph, counts: Sequence[int] | None = None) -> bytes:
    """Every op as ``[inputs] --> Type --> [outputs]``, functions after the main graph."""
    read = _Read()
    counts = counts or output_counts(graph)
    lines = _plain_lines(graph, counts) or [
        _op_line(node, count, read) for node, count in zip(graph.nodes, counts, strict=True)
    ]
    for name, function in sorted(graph.functions.items()):
        lines += ["", f"function {_one_line(name)}", *(_op_line(node, 1, read) for node in function.nodes)]
    return ("\n".join(lines) + "\n").encode("utf-8", "backslashreplace")


def _plain_lines(graph: Graph, counts: Sequence[int]) -> list[str]:
    """The line of each op where all names are as TensorFlow allows them and all inputs are there; else none.

    From who feeds whom, in half the time that it takes to look at each input.
    """
    names = [node.name for node in graph.nodes]
    whole = "".join(chain(names, set(graph.ops)))
    edges = graph.edges
    if edges.lost or not whole.isprintable() or ":" in whole or "^" in whole:
        return []
    read = np.fromiter(graph.first_outputs, object, len(names))[edges.source]
    others = np.flatnonzero(edges.output)
    sources, outputs = edges.source[others].tolist(), edges.output[others].tolist()
    read[others] = [
        f"^{names[i]}" if k < 0 else f"{names[i]}:{k}" for i, k in zip(sources, outputs, strict=True)
    ]
    inputs = read.tolist()
    ends = np.cumsum(np.bincount(edges.reader, minlength=len(names))).tolist()
    spans = pairwise([0, *ends])
    made = _outputs(graph, counts, ", ")
    return [
        f"[{', '.join(inputs[start:end])}] --> {op} --> [{output or f'^{name}'}]"
        for name, op, (start, end), output in zip(names, graph.ops, spans, made, strict=True)
    ]


def _op_line(node: Node, outputs: int, read: _Read) -> str:
    name = _one_line(node.name)
    results = (
        f"{name}:0" if outputs == 1 else ", ".join([f"{name}:{k}" for k in range(outputs)]) or f"^{name}"
    )
    return f"[{', '.join(map(read.__getitem__, node.inputs))}] --> {_one_line(node.op)} --> [{results}]"


class _Read(dict[str, str]):
    """Inputs as the text shows them, each put together once."""

    def __missing__(self, text: str) -> str:
        name, index = split_input(text)
        shown = self[text] = f"^{_one_line(name)}" if index < 0 else f"{_one_line(name)}:{index}"
        return shown


def _one_line(name: str) -> str:
    return name if name.isprintable() else name.encode("unicode_escape").decode("ascii")


VARIABLE_COLUMNS = (
    "name", "dtype", "shape", "elements", "bytes", "kind", "checksum",
    "min", "max", "mean", "std", "zeros", "nan", "histogram",
)  # fmt: skip


def variables_csv(
    variables: Sequence[Variable], checksums: Mapping[str, int], statistics: Mapping[str, Statistics]
) -> bytes:
    """One line a variable; ``checksum`` is the crc32c of its bytes in hex, statistics where known."""
    rows = []
    for variable in variables:
        shape = variable.shape
        known = statistics.get(variable.name)
        checksum = checksums.get(variable.name)
        rows.append(
            (
                variable.name,
                variable.dtype,
                "?" if shape is None else "x".join("?" if size is None else str(size) for size in shape),
                "" if shape is None or None in shape else prod(size or 0 for size in shape),
                variable.bytes,
                variable.kind,
                "" if checksum is None else f"{checksum:08x}",
                *(_numbers(known) if known is not None else [""] * 7),
            )
        )
    return _csv(VARIABLE_COLUMNS, rows)


def _numbers(known: Statistics) -> list[str]:
    def text(value: float | None) -> str:
        return "" if value is None else f"{value:.6g}"

    return [
        text(known.min), text(known.max), text(known.mean), text(known.std),
        str(known.zeros), str(known.nan), " ".join(map(str, known.histogram)),
    ]  # fmt: skip


def _csv(header: Sequence[str], rows: Iterable[Sequence[object]]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue().encode("utf-8", "backslashreplace")


_WEIGHT_DTYPES = frozenset(
    """float16 float32 float64 bfloat16 complex64 complex128 qint8 quint8 qint16 quint16 qint32
    float8_e5m2 float8_e4m3fn int4 uint4 int8 uint8""".split()
)


def constants(meta: MetaGraph) -> dict[Variable, bytes]:
    """The constants of a frozen graph that are weights, as variables, with their content.

    A weight is a constant of a floating-point, quantized or byte type with more than one element;
    integer constants are shapes, axes and paddings.  One that lists a single value for all its
    elements is a fill, no weight.
    """
    found = {}
    functions = (node for function in meta.graph.functions.values() for node in function.nodes)
    for node in (*meta.graph.nodes, *functions):
        if node.op != "Const" or (dtype := node.dtype()) not in _WEIGHT_DTYPES:
            continue
        value = node.attr("value")
        shape = None if value is None else protos.shape_of(value.tensor.tensor_shape)
        if value is None or shape is None:
            continue
        elements = prod(size or 0 for size in shape)
        size = elements * protos.DTYPE_SIZES[dtype]
        content = value.tensor.tensor_content
        if elements > 1 and len(content) == size:
            variable = Variable(
                name=node.name, dtype=dtype, shape=shape, bytes=size, kind="model", node=node.name
            )
            found[variable] = content
    return found


def constant_facts(found: Collection[Variable]) -> VariableFacts:
    """Totals over the constants of a frozen graph."""
    elements = sum(prod(size or 0 for size in variable.shape or ()) for variable in found)
    size = sum(variable.bytes for variable in found)
    return VariableFacts(
        count=len(found),
        parameters=elements,
        bytes=size,
        by_kind={"model": KindFacts(count=len(found), parameters=elements, bytes=size)},
        sentence="Counted from the constants of a frozen graph",
    )


def files_in(folder: Path, known: Mapping[str, str]) -> tuple[File, ...]:
    """The files of a folder with size and digest, by name; ``known`` are digests there are already."""
    with os.scandir(folder) as entries:
        return tuple(
            File(
                path=entry.name,
                bytes=entry.stat().st_size,
                sha256=known.get(entry.name) or digest(Path(entry.path)),
            )
            for entry in sorted(entries, key=lambda entry: entry.name)
        )


def digest(path: Path) -> str:
    """The sha256 of a file, in hex."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
