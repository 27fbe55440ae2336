"""Where the model ends and its losses begin.

A parameter that is met later on proves that the model goes on.  Behind the last one stand views of
its answer, and losses.  What a loss takes is the last tensor that everything on the way to a loss
goes through: there the ways part, or a label comes in.  A margin, a logarithm or the terms of a
cross entropy lie behind that tensor; scaling it back to degrees lies before.
"""

from __future__ import annotations

from collections.abc import Iterable

from zoo.endpoints import ops
from zoo.endpoints.flow import Flow, masks_example, meets_parameter
from zoo.endpoints.kinds import enters_loss, is_deliberate, walk_back
from zoo.endpoints.region import Region, fed_content
from zoo.graph import BACK_EDGES

_EXIT = -1
NOWHERE = -2

CUTS = frozenset({"Split", "SplitV", "Unpack"})
"""Ops that hand out the parts of a tensor, each an answer of its own."""


_MARGIN = 2
"""Readers of cosines from which on a margin is put between classes."""


class Ending:
    """The tensors behind the last parameters, and the way that each of them goes to a loss."""

    def __init__(self, flow: Flow, found: Region, leads: bytearray, *, measures: bool = False) -> None:
        """With ``measures`` of the ways to measures, through which no gradient went.

        ``leads`` says of each node whether a parameter is met later in ``found``.
        """
        self.flow, self.found, self.leads = flow, found, leads
        count = len(flow.rows)
        self.next = [NOWHERE] * count
        """Per node the next one that all its ways to a loss go through."""
        self.met = [0] * count
        """Per node the bits of the labels that are met on these ways."""
        self._depth = [0] * count
        self._follow(measures=measures)

    def _follow(self, *, measures: bool) -> None:
        flow, found, leads, taught = self.flow, self.found, self.leads, self.flow.taught
        nodes = flow.graph.nodes
        exits = bytearray(len(flow.rows))
        for j in flow.line:
            if found.inside[j] == 1 or nodes[j].op in ops.SHAPES:
                continue
            if (taught or measures) and (taught[j] == measures or (measures and flow.teaches[j])):
                continue
            if flow.leads[j] or meets_parameter(flow, j, layers=True):
                continue  # a label that the model goes on with
            if found.inside[j] == 2 or flow.feed_bits[j] & found.labels:
                for source, _ in flow.rows[j]:
                    exits[source] = 1
        for i in reversed(flow.line):
            if found.inside[i] != 1 or leads[i] or found.peeled[i]:
                continue
            if taught and not measures and not taught[i]:
                continue
            ahead = self._ahead(flow.consumers[i])
            self.met[i] = found.contact[i] if exits[i] else 0
            for j in ahead:
                self.met[i] |= self.met[j]
            if exits[i] or nodes[i].op in BACK_EDGES:
                self._set(i, _EXIT)
            elif ahead:
                self._set(i, self._common(ahead))

    def _ahead(self, readers: Iterable[int]) -> list[int]:
        found = self.found
        return [j for j in readers if found.inside[j] == 1 and self.next[j] != NOWHERE]

    def _set(self, i: int, following: int) -> None:
        self.next[i] = following
        self._depth[i] = self._depth[following] + 1 if following >= 0 else 1

    def _common(self, ahead: list[int]) -> int:
        """The first node that the ways of all these nodes have in common."""
        first = ahead[0]
        for second in ahead[1:]:
            while first != second and first >= 0 and second >= 0:
                if self._depth[first] >= self._depth[second]:
                    first = self.next[first]
                else:
                    second = self.next[second]
            if first != second:
                return _EXIT
        return first

    def last(self, i: int) -> int:
        """The last node that all ways from ``i`` to a loss go through, itself at first.

        Not behind a comparison of each example with every other one: that is a loss of embeddings.  Nor
        into a scope that its author calls a loss.
        """
        while (j := self.next[i]) >= 0 and not (self._meets_all(j) or enters_loss(self.flow, i, j)):
            i = j
        return before_dropout(self.flow, i)

    def _meets_all(self, i: int) -> bool:
        """Whether each example is compared with all others, or with what another net says of each."""
        return _meets_itself(self.flow, i) or _is_square(self.flow, self.found.labels, i)

    def _named(self, i: int) -> int | None:
        """The last tensor that its author named by a node of its own, where all ways go through it."""
        named = None
        while self.next[i] >= 0:
            i = self.next[i]
            if is_deliberate(self.flow, i):
                named = i
        return named

    def heads(self) -> dict[tuple[int, int], list[int]]:
        """What losses with labels take, (node, output), and which nodes met the last parameters of it."""
        flow, leads = self.flow, self.leads
        result: dict[tuple[int, int], list[int]] = {}
        for i in flow.line:
            if not self.met[i] or self.next[i] == NOWHERE:
                continue
            # Behind the last parameter, not only beside the way to it.
            met = meets_parameter(flow, i) or masks_example(flow, i) or _leaves_loop(flow, i)
            if not met or not any(leads[s] for s, _ in flow.rows[i]):
                continue
            named = self._named(i)
            last = self.last(i) if named is None else named
            for pair in self._before_centres(last) or self._parts(last):
                result.setdefault(pair, []).append(i)
        return result

    def _before_centres(self, i: int) -> list[tuple[int, int]]:
        """What is compared with the centres of classes, if labels move the cosines apart before the loss.

        The weights of such a layer are divided by their lengths; at inference the embedding is compared
        with others, and the centres are of no use.
        """
        flow, nodes = self.flow, self.flow.graph.nodes
        if nodes[i].op != "MatMul" or len(flow.rows[i]) != 2:
            return []
        (x, port), (w, _) = flow.rows[i]
        if flow.feed_bits[w] or nodes[walk_back(flow, w)].op not in ("Mul", "RealDiv", "Div"):
            return []
        readers = flow.readers(i)
        scored = any(nodes[walk_back(flow, j)].op in ops.LOSSES for j in readers)
        return [] if scored or len(readers) < _MARGIN else [(x, port)]

    def _parts(self, i: int) -> list[tuple[int, int]]:
        flow, found = self.flow, self.found
        if flow.graph.nodes[i].op not in CUTS:
            return [(i, 0)]
        whole = next((s for s, _ in flow.rows[i] if self.next[s] == i), i)
        if flow.graph.nodes[walk_back(flow, whole)].op in ("Concat", "ConcatV2", "Pack"):
            return [(whole, 0)]  # what the author joined is cut for the loss alone
        by_port: dict[int, list[int]] = {}
        met: set[int] = set()
        for j in flow.consumers[i]:
            for source, port in flow.rows[j]:
                if source != i or flow.off[j]:
                    continue
                if found.inside[j] == 1 and self.next[j] != NOWHERE:
                    by_port.setdefault(port, []).append(j)
                elif flow.feed_bits[j] & found.labels:
                    by_port.setdefault(port, [])
                    met.add(port)
        result = []
        for port, ahead in sorted(by_port.items()):
            common = _EXIT if port in met else self._common(ahead)
            result.append((i, port) if common < 0 else (self.last(common), 0))
        return list(dict.fromkeys(result))


def before_dropout(flow: Flow, i: int) -> int:
    """What elements are dropped from, where a tensor is the rest of it; else the tensor itself."""
    nodes, rows = flow.graph.nodes, flow.rows
    if nodes[i].op not in ("Mul", "SelectV2", "Select"):
        return i
    kept = [s for s, _ in rows[i] if flow.variable_bits[s]]
    masks = [s for s, _ in rows[i] if flow.random_bits[s] and not flow.variable_bits[s]]
    if len(kept) != 1 or not masks or kept[0] >= len(nodes):
        return i
    node = kept[0]
    if nodes[node].op in ("RealDiv", "Div", "Mul"):
        node = next((s for s, _ in rows[node] if flow.variable_bits[s]), node)
    return node


def _leaves_loop(flow: Flow, i: int) -> bool:
    """Whether a node is what a loop hands out, in which the last parameters may be met."""
    return i < len(flow.graph.nodes) and flow.graph.nodes[i].op in ("Exit", "RefExit")


def _meets_itself(flow: Flow, i: int) -> bool:
    """Whether a node multiplies a tensor with its own transpose, or takes all differences of its rows."""
    nodes, row = flow.graph.nodes, flow.rows[i]
    if len(row) != 2:
        return False
    axes = [_adds_axis(flow, s) for s, _ in row]
    if walk_back(flow, axes[0]) != walk_back(flow, axes[1]):
        return False
    if nodes[i].op in ("Sub", "SquaredDifference"):
        return any(
            before != s or flow.op(s) in ("ExpandDims", "Reshape")
            for before, (s, _) in zip(axes, row, strict=True)
        )
    return nodes[i].op == "MatMul" and turned(flow, i) == [False, True]


def _is_square(flow: Flow, labels: int, i: int) -> bool:
    """Whether a product has a number for each pair of examples of a batch, one side by one net."""
    if flow.op(i) != "MatMul" or turned(flow, i) != [False, True]:
        return False
    shapes = [flow.shape(s) for s, _ in flow.rows[i]]
    if not all(flow.variable_bits[s] and flow.feed_bits[s] & ~flow.side for s, _ in flow.rows[i]):
        return False
    square = all(shape is not None and len(shape) == 2 and shape[0] is None for shape in shapes)
    return square and _is_told_by_place(flow, labels, i)


def _is_told_by_place(flow: Flow, labels: int, i: int) -> bool:
    """Whether the right one of each row is where the row stands: a loss has numbers from zero for labels.

    Where somebody feeds them, rows are told one of some examples that are given, and scores are the answer.
    """
    todo, seen, by_place = [i], {i}, False
    while todo and len(seen) < _NEAR:
        for j in flow.readers(todo.pop()):
            if j in seen or len(seen) > _NEAR:
                continue
            if flow.op(j) in ops.LOSSES and len(flow.rows[j]) > 1:
                if fed_content(flow, flow.rows[j][1][0]):
                    return False
                by_place = True
            given = (
                flow.shape(s) or (1,) for s, _ in flow.rows[j]
                if flow.feed_bits[s] & labels and fed_content(flow, s) & labels
            )  # fmt: skip
            if any(len(shape) > 1 and 1 not in shape for shape in given):
                return False
            by_place |= flow.op(j) in _DIAGONALS
            seen.add(j)
            todo.append(j)
    return by_place


_DIAGONALS = frozenset({"MatrixDiagPart", "MatrixDiagPartV3", "DiagPart"})


_NEAR = 60


def _adds_axis(flow: Flow, i: int) -> int:
    """What an index that only adds an axis is taken of; for anything else the node itself."""
    if flow.op(i) != "StridedSlice" or not flow.rows[i]:
        return i
    added = flow.graph.nodes[i].attr("new_axis_mask")
    return flow.rows[i][0][0] if added is not None and added.i else i


def turned(flow: Flow, i: int) -> list[bool]:
    """Which inputs of a product are transposed, by the product itself or on their way to it."""
    nodes, flips = flow.graph.nodes, []
    for (source, _), key in zip(flow.rows[i], ("transpose_a", "transpose_b"), strict=False):
        flip = nodes[i].attr(key)
        before = nodes[source].op if source < len(nodes) else ""
        flips.append((flip is not None and flip.b) != (before == "Transpose"))
    return flips
