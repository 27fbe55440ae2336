"""Why nodes of the original graph are not in the frozen one."""

from __future__ import annotations

import functools
import re
from collections import Counter
from collections.abc import Collection
from itertools import compress

from zoo.freezing.ops import PIPELINE, writes
from zoo.graph import Graph, MetaGraph
from zoo.records import Pruned

_APPLY = re.compile(r"(Resource)?(Sparse)?Apply\w+")
_SUMMARY = re.compile(r"(\w*Summary(V2)?|Summary\w*|MergeSummary|WriteSummary)")
_SAVER = re.compile(r"Save(V2|Slices)?|Restore(V2|Slice)?|MergeV2Checkpoints|ShardedFilename|ShardedFilespec")
_INPUT = re.compile(
    r"\w*(Queue|Dataset|Iterator|Reader)(\w*V\d|\w*)|Decode(Raw|CSV|Jpeg|Png|Gif|Image|Bmp|Video)"
    r"|Parse(Single)?(Sequence)?Example\w*|ReadFile|MatchingFiles|RandomShuffle"
)
_CHECKS = frozenset({"Assert", "Print", "PrintV2", "CheckNumerics", "CheckNumericsV2"})
_GRADIENT_NAME = re.compile(r"(^|/)(gradients|gradient_tape)(_\d+)?/|_grad(_\d+)?/")
_GRADIENT_OP = re.compile(r"\w+(Grad|GradV2|GradV3|GradGrad|BackpropFilter|BackpropInput)(V2)?")
_START = re.compile(r"(^|/)(Initializer|initial_value)(_\d+)?(/|$)")
_SAVER_NAME = re.compile(r"(^|/)save(_\d+)?/")


def pruned(meta: MetaGraph, slots: Collection[str], kept: Collection[str], folded: Collection[str]) -> Pruned:
    """How many nodes of the main graph were left out, by reason; ``slots`` are variables of an optimizer.

    A node that shows no reason by itself has the one that all nodes that read it share.
    """
    graph = meta.graph
    names = graph.names
    left = bytearray(b"\x01") * len(names)
    for name in kept:
        if name in graph.index:
            left[graph.index[name]] = 0
    reasons: list[str | None] = [None] * len(names)
    saver = _saver_nodes(meta)
    behind = _behind_pipeline(graph)
    ops, by_ops = graph.ops, {op: _by_op(op) for op in graph.by_op}
    for i in compress(range(len(names)), left):
        name = names[i]
        by_op = by_ops[ops[i]]
        if name in folded:
            reasons[i] = "training only"
        elif i in saver or by_op == "saver" or ("save" in name and _SAVER_NAME.search(name)):
            reasons[i] = "saver"
        elif name in slots or by_op == "optimizer":
            reasons[i] = "optimizer"
        elif by_op == "summaries":
            reasons[i] = by_op
        elif i in behind or by_op == "input pipeline":
            reasons[i] = "input pipeline"
        elif "nitial" in name and _START.search(name):
            reasons[i] = "initializers"
        elif by_op == "gradients" or ("grad" in name and _of_gradient(name[: name.rfind("/") + 1])):
            reasons[i] = "gradients"
        elif by_op == "write":
            reasons[i] = _of_write(graph, i, slots)
        else:
            reasons[i] = by_op
    consumers = graph.consumers
    for i in range(len(names) - 1, -1, -1):
        if left[i] and reasons[i] is None:
            read_by = {reasons[reader] for reader in consumers.nodes(i) if left[reader]}
            reason = read_by.pop() if len(read_by) == 1 else None
            reasons[i] = reason or ("initializers" if graph.ops[i] == "NoOp" else "other")
    why = Counter(reason for reason in reasons if reason is not None)
    most_first = sorted(why.items(), key=lambda item: (-item[1], item[0]))
    return Pruned(nodes=sum(why.values()), why=dict(most_first))


@functools.lru_cache(maxsize=1 << 12)
def _of_gradient(scope: str) -> bool:
    return _GRADIENT_NAME.search(scope) is not None


@functools.cache
def _by_op(op: str) -> str | None:
    """The reason that an op shows by itself."""
    patterns = (
        ("saver", _SAVER),
        ("optimizer", _APPLY),
        ("summaries", _SUMMARY),
        ("input pipeline", _INPUT),
        ("gradients", _GRADIENT_OP),
    )
    for reason, pattern in patterns:
        if pattern.fullmatch(op):
            return reason
    if op in _CHECKS:
        return "checks"
    return "write" if writes(op) else None


def _saver_nodes(meta: MetaGraph) -> set[int]:
    """Nodes that only the saver needs: everything behind its two ends but the variables."""
    if meta.saver is None:
        return set()
    graph = meta.graph
    ends = [meta.saver.save_tensor, meta.saver.restore_op, meta.saver.filename_tensor]
    roots = [graph.index[name] for text in ends if (name := text.partition(":")[0]) in graph.index]
    prefix = re.match(r".*?save[^/]*/", meta.saver.restore_op)
    if prefix is None:
        return set(roots)
    scope = prefix.group()
    return set(roots) | {i for i, node in enumerate(graph.nodes) if node.name.startswith(scope)}


def _behind_pipeline(graph: Graph) -> set[int]:
    ends = graph.having(op for op in graph.by_op if PIPELINE.fullmatch(op))
    return graph.ancestors(ends) if ends else set()


def _of_write(graph: Graph, i: int, slots: Collection[str]) -> str:
    """A write is initialization if it is the first thing that happens to a variable, by its name."""
    node = graph.nodes[i]
    target = node.inputs[0].partition(":")[0] if node.inputs else ""
    if target in slots:
        return "optimizer"
    return "initializers" if node.name == f"{target}/Assign" else "other"
