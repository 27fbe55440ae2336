"""The part of a graph that is inference, and what happens to each of its tensors next."""

from __future__ import annotations

import heapq
from dataclasses import dataclass

import numpy as np

from zoo.endpoints import ops
from zoo.endpoints.flow import Flow, leads_on, meets_parameter, parameter_behind
from zoo.endpoints.kinds import enters_loss, is_deliberate, is_named, walk_back
from zoo.shapes.engine import BACK_EDGES


@dataclass
class Region:
    """The part of the graph that is inference and depends on the model's variables."""

    inside: bytearray
    labels: int
    extends: list[int]
    """Per node how many nodes inside read it."""
    contact: list[int]
    """Per node the bits of the labels that meet it next."""
    scalar: bytearray
    """Per node whether a single number is computed from it next."""
    reported: bytearray
    """Per node 1 if a summary reads it, 2 if something does that is made for one, or for an update."""
    lossward: bytearray
    """Everything from here ends in a single number, without meeting a label."""
    peeled: bytearray
    scored: int = 0
    """Bits of the variables that labels are looked up in: they are of the loss, wherever they are read."""
    _leads: bytearray | None = None
    _everything: int | None = None

    def everything(self, flow: Flow) -> int:
        """Bits of the variables that what is inference depends on."""
        if self._everything is None:
            self._everything = 0
            for i in flow.line:
                if self.inside[i]:
                    self._everything |= flow.variable_bits[i]
        return self._everything

    def leads(self, flow: Flow) -> bytearray:
        """Per node whether a parameter is met later, by way of what is inference."""
        if self._leads is None:
            self._leads = leads_on(flow, self.inside, scored=self.scored)
        return self._leads


def data_bits(flow: Flow, *, scalars: bool = False) -> int:
    """The feeds that meet a parameter: examples, states, lengths; labels do not.

    With ``scalars`` also those that meet one as a single number does.  Numbers that are compared
    with activations as well, and that parameters are looked up with where no layer follows, are
    labels: the tags of a sentence, for which a conditional random field has a score for each pair.
    """
    bits = scored = pairs = 0
    nodes, rows, marks = flow.graph.nodes, flow.rows, flow.marks
    feeds, variables, dead = flow.feed_bits, flow.variable_bits, flow.dead
    for i in flow.line:
        if not variables[i] or not feeds[i] & ~bits or (dead and dead[i]):
            continue
        op = nodes[i].op
        if op == "ScatterNd" and len(rows[i]) > 1 and variables[rows[i][1][0]]:
            bits |= feeds[rows[i][0][0]]  # says where activations go
            continue
        if _masks_chances(flow, i):
            for source, _ in rows[i]:
                bits |= 0 if variables[source] else feeds[source]
            continue
        if not marks[i] & (ops.MIX | ops.SOFT):
            continue
        soft = marks[i] & ops.SOFT
        parameter, met = False, 0
        for source, _ in rows[i]:
            if feeds[source] & ~flow.side:
                met |= feeds[source]
            elif variables[source]:
                parameter = (
                    parameter or not soft or bool(flow.shape(source)) or parameter_behind(flow, source) >= 0
                )
        if not parameter or (soft and not scalars and flow.is_scalar(i)):
            continue
        if not flow.leads[i] and looks_up_scores(flow, i):
            scored |= met
            pairs |= met if op in ops.LOOKUPS else 0
        else:
            bits |= met
    # What an activation's form depends on meets parameters with it; pairs that are looked up tell more.
    bits &= ~(pairs & ~_met_plainly(flow, pairs)) if pairs else bits
    scored &= ~bits
    bits |= _lengths(flow) | _regions(flow)
    return (bits | scored & ~compared(flow, scored)) & ~flow.side


def _met_plainly(flow: Flow, among: int) -> int:
    """Those of the feeds that meet a parameter as they are, and not only to look scores up."""
    bits = 0
    feeds, variables = flow.feed_bits, flow.variable_bits
    for i in flow.line:
        fresh = feeds[i] & among & ~bits
        if not fresh or not flow.marks[i] & ops.MIX or (flow.dead and flow.dead[i]):
            continue
        parameter = any(variables[s] and not feeds[s] & ~flow.side for s, _ in flow.rows[i])
        if parameter and (flow.leads[i] or not looks_up_scores(flow, i)):
            for source, _ in flow.rows[i]:
                bits |= 0 if variables[source] else feeds[source] & fresh
    return bits


def _lengths(flow: Flow) -> int:
    """Feeds that say how long examples are: steps are counted up to them, as by `tf.sequence_mask`."""
    bits = 0
    for i in flow.graph.having(("Less", "Greater")):
        if flow.off[i] or len(flow.rows[i]) != 2 or flow.variable_bits[i]:
            continue
        for (steps, _), (told, _) in (flow.rows[i], flow.rows[i][::-1]):
            if flow.op(walk_back(flow, steps)) == "Range" and flow.op(walk_back(flow, told)) != "Range":
                bits |= flow.feed_bits[told]
    return bits & ~_picks(flow) if bits else 0


def _picks(flow: Flow) -> int:
    """Feeds by whose one-hot form the loss picks from answers: the time of an event is a label, no length."""
    bits = 0
    for i in flow.graph.having(("OneHot",)):
        if (
            not flow.variable_bits[i]
            and not flow.off[i]
            and any(flow.variable_bits[j] and not flow.leads[j] for j in flow.readers(i))
        ):
            bits |= flow.feed_bits[i]
    return bits


def _regions(flow: Flow) -> int:
    """Feeds that say which parts of activations the model goes on with, or adds up: boxes, atoms."""
    bits = 0
    for i in flow.graph.having(_SEGMENTS):
        row = flow.rows[i]
        if len(row) > 1 and not flow.off[i] and flow.variable_bits[row[0][0]]:
            bits |= sum(flow.feed_bits[s] for s, _ in row[1:2] if not flow.variable_bits[s])
    for i in flow.graph.having(("CropAndResize",)):
        row = flow.rows[i]
        if len(row) > 1 and flow.leads[i] and not flow.off[i] and flow.variable_bits[row[0][0]]:
            bits |= flow.feed_bits[row[1][0]]
    return bits


_SEGMENTS = frozenset(
    """SegmentSum SegmentMean SegmentMax SegmentMin SegmentProd UnsortedSegmentSum UnsortedSegmentMax
    UnsortedSegmentMin UnsortedSegmentProd CTCGreedyDecoder CTCBeamSearchDecoder""".split()
)
"""Ops whose second input says which rows belong together, or how many there are."""


def late_bits(flow: Flow) -> int:
    """Feeds that never meet a parameter before they meet an activation, if they do not say where to look."""
    rows, feeds, variables = flow.rows, flow.feed_bits, flow.variable_bits
    early = 0
    for i in flow.line:
        if not feeds[i] & ~early or not variables[i]:
            continue
        met = 0
        pure = True
        for source, _ in rows[i]:
            if feeds[source]:
                pure = pure and not variables[source]
                met |= feeds[source] if not variables[source] else 0
        # Without an activation among the inputs, a parameter must be what makes it depend on one.
        if pure:
            early |= met
    return ~(early | _lengths(flow) | _regions(flow))


def sampled_labels(flow: Flow) -> int:
    """Feeds that name the true classes of a sampled loss: parameters meet them, and yet they are labels."""
    bits = 0
    for i in flow.graph.having_any(lambda op: op.endswith("CandidateSampler")):
        if flow.rows[i]:
            bits |= flow.feed_bits[flow.rows[i][0][0]]
    return bits


def region(flow: Flow, labels: int, *, scalars: bool = False, peel: bool = True) -> Region:
    """Marks what is inference, and what happens to each of its tensors next.

    Single numbers are losses and measures, unless ``scalars`` says that the model answers with one.
    Without ``peel``, what only summaries read counts as much as anything.
    """
    nodes, rows, marks = flow.graph.nodes, flow.rows, flow.marks
    feeds, variables, chances, dead = flow.feed_bits, flow.variable_bits, flow.random_bits, flow.dead
    count = len(rows)
    inside = bytearray(count)
    blind = not flow.variables
    example = ~labels & ~flow.side
    fed = any(feeds[i] & example and variables[i] for i in flow.line)
    own = set(flow.variables)
    for i in flow.line:
        if feeds[i] & labels or marks[i] & ops.SHAPE or (dead and dead[i]):
            continue
        if blind:
            inside[i] = feeds[i] & ~flow.side != 0
        elif variables[i] and i not in own:
            if fed:
                inside[i] = feeds[i] & ~flow.side != 0 or chances[i]
            else:
                inside[i] = chances[i] or _is_activation(flow, i)
    found = Region(
        inside=inside, labels=labels, extends=[0] * count, contact=[0] * count,
        scalar=bytearray(count), reported=bytearray(count), lossward=bytearray(count),
        peeled=bytearray(count),
    )  # fmt: skip
    for i in flow.line:
        if not inside[i] or not rows[i]:
            continue
        op = nodes[i].op
        measured = False
        for s, _ in rows[i]:
            if inside[s] == 2:
                measured = True
            elif feeds[s] or variables[s]:
                measured = False
                break
        if measured:
            inside[i] = 2
        elif op in _MEASURES and not scalars and flow.is_scalar(i):
            inside[i] = 2 if not blind and (flow.learns or op in ops.REDUCTIONS) else 1
    found.scored = _scored(flow, labels)
    _without_losses(flow, found)
    _uses(flow, found, peel=peel)
    return found


def _without_losses(flow: Flow, found: Region) -> None:
    """Takes out losses of examples that are their own labels (the words so far, and the next one)."""
    nodes, rows, inside = flow.graph.nodes, flow.rows, found.inside
    if ops.LOSSES.isdisjoint(flow.graph.by_op):
        return
    scored = bytearray(len(rows))
    for i in flow.line:
        if inside[i] != 1:
            continue
        if nodes[i].op in ops.LOSSES and len(rows[i]) > 1:
            said = fed_content(flow, rows[i][1][0])
            if said:
                scored[i] = 1
                found.contact[rows[i][0][0]] |= said
        for s, _ in rows[i]:
            if scored[s]:
                scored[i] = 1
                break
        if scored[i]:
            inside[i] = 0


def fed_content(flow: Flow, i: int) -> int:
    """The bits of the feeds whose content, not only whose shape, a tensor without parameters shows."""
    if flow.variable_bits[i]:
        return 0
    nodes, fed = flow.graph.nodes, flow.own_feeds
    todo, seen, bits = [i], {i}, 0
    while todo and len(seen) < 200:
        node = todo.pop()
        if node in fed:
            bits |= fed[node]
        elif node < len(nodes) and nodes[node].op not in ops.SHAPES:
            fresh = {s for s, _ in flow.rows[node]} - seen
            seen |= fresh
            todo.extend(sorted(fresh))
    return bits


_MEASURES = ops.REDUCTIONS | ops.SOFT_MIXES | frozenset("Neg AddN Sqrt Square Exp Log DivNoNan".split())
"""Ops whose single number is a measure; a view of an answer for one example is none."""


def _is_activation(flow: Flow, i: int) -> bool:
    """Whether a node without any feed is more than a variable being read."""
    return bin(flow.variable_bits[i]).count("1") > 1


def _uses(flow: Flow, found: Region, *, peel: bool) -> None:
    """Fill in what happens to each tensor next, from the ends backward."""
    nodes, rows = flow.graph.nodes, flow.rows
    inside = found.inside
    watched = _watched(flow)
    open_uses = _readers_inside(flow, found, watched)
    lossward = found.lossward
    for i in reversed(flow.line):
        if inside[i] != 1:
            continue
        if not found.contact[i] and (found.scalar[i] or found.extends[i]) and not open_uses[i]:
            lossward[i] = 1
        elif not found.extends[i] and found.reported[i] and not found.contact[i]:
            # Made for a summary or an update; but an answer may have a summary, too.
            base = walk_back(flow, i)
            shown = nodes[base].op
            direct = found.reported[i] == 1
            named = is_deliberate(flow, i) and found.extends[base] < 2  # no copy of what the net goes on from
            answer = shown in ops.ACTIVATIONS or named if direct else shown == "ArgMax"
            # What is drawn of a loss is a view of it.
            answer = answer and not any(enters_loss(flow, source, base) for source, _ in rows[base])
            found.peeled[i] = peel and not answer
        if lossward[i] or found.peeled[i]:
            for source, _ in rows[i]:
                if inside[source] == 1 and nodes[source].op not in BACK_EDGES:
                    open_uses[source] -= 1
                    if found.peeled[i]:
                        found.extends[source] -= 1
                        found.reported[source] = 2


def _readers_inside(flow: Flow, found: Region, watched: bytearray) -> list[int]:
    """Note who reads each tensor inside; returns how many nodes inside read it, but for those of loops."""
    nodes, feeds, labels = flow.graph.nodes, flow.feed_bits, found.labels
    edges, plain, count = flow.edges, len(flow.graph.nodes), len(flow.rows)
    inside, off = np.frombuffer(found.inside, np.uint8), np.frombuffer(flow.off, np.bool_)
    known = (inside[edges.source] == 1) & (edges.reader < plain)
    if flow.dead:
        known &= ~np.frombuffer(flow.dead, np.bool_)[edges.reader]
    source, reader = edges.source[known], edges.reader[known]
    within = inside[reader]
    apart = off[reader] | (np.frombuffer(watched, np.bool_)[reader] & (within != 1))
    for i, s in zip(reader[apart].tolist(), source[apart].tolist(), strict=True):
        op = nodes[i].op
        if flow.off[i] and not ops.off_the_line(op) and not ops.in_gradient(nodes[i].name):
            found.scalar[s] = 1  # a loss that has gradients in it
        elif watched[i] or ops.writes(op):
            direct = flow.off[i] and not ops.writes(op) and found.reported[s] != 2
            found.reported[s] = 1 if direct else 2
    measured = ~apart & (within == 2)
    for at in np.flatnonzero(measured & np.frombuffer(_glances(flow), np.bool_)[reader]).tolist():
        measured[at] = not _is_of_layer(flow, int(source[at]))
    np.frombuffer(found.scalar, np.uint8)[source[measured]] = 1
    if labels:
        others = ~apart & (within == 0)
        for i, s in zip(reader[others].tolist(), source[others].tolist(), strict=True):
            found.contact[s] |= feeds[i] & labels
    shapes = np.frombuffer(flow.marks, np.uint8) & ops.SHAPE
    on = source[~apart & (within == 1) & (shapes[reader] == 0)]
    found.extends = np.bincount(on, minlength=count).tolist()
    uses = list(found.extends)
    for op in BACK_EDGES & flow.graph.by_op.keys():
        for i in flow.graph.by_op[op]:
            uses[i] = 0
    return uses


def _glances(flow: Flow) -> bytearray:
    """Per node whether it sums a tensor up to be looked at alone, and no gradient goes through it."""
    nodes = flow.graph.nodes
    glances = bytearray(len(flow.rows))
    for i in flow.graph.having(ops.REDUCTIONS) if flow.taught else ():
        shown = all(
            nodes[j].op == "ScalarSummary" or ops.writes(nodes[j].op)
            for j in flow.consumers[i]
            if j < len(nodes)
        )
        glances[i] = shown and not flow.taught[i]
    return glances


def _is_of_layer(flow: Flow, i: int) -> bool:
    """Whether a tensor is what a layer made, in whatever form, or has a name; not made to be measured."""
    base = walk_back(flow, i)
    if base >= len(flow.graph.nodes):
        return False
    made = flow.graph.nodes[base].op
    return made in _OF_LAYERS or meets_parameter(flow, base) or is_named(flow, i)


_OF_LAYERS = ops.ACTIVATIONS | ops.MIXES | ops.NONLINEAR | {"Exit"}

_VIEWS = frozenset(
    """ImageSummary HistogramSummary AudioSummary AudioSummaryV2 TensorSummary TensorSummaryV2
    WriteImageSummary WriteHistogramSummary WriteAudioSummary WriteSummary""".split()
)


def _watched(flow: Flow) -> bytearray:
    """Nodes that only summaries read, and the summaries."""
    nodes, rows, marks = flow.graph.nodes, flow.rows, flow.marks
    watched = bytearray(len(rows))
    views = flow.graph.having(_VIEWS)
    if not views:
        return watched
    place = flow.places
    # From the ends on; what no summary reads cannot be one that only summaries read.
    todo = [(-place[i], i) for i in views if place[i] >= 0]
    queued = {i for _, i in todo}
    heapq.heapify(todo)
    while todo:
        at, i = heapq.heappop(todo)
        # Single numbers are measures of something else; what measures is no view of the answer.
        if nodes[i].op not in _VIEWS and any(
            not watched[j] and not marks[j] & ops.SHAPE
            for j in flow.consumers[i]
            if j < len(nodes) and place[j] > -at
        ):
            continue
        watched[i] = 1
        for source, _ in rows[i]:
            if source not in queued and source < len(nodes) and 0 <= place[source] < -at:
                queued.add(source)
                heapq.heappush(todo, (-place[source], source))
    return watched


def compared(flow: Flow, feeds: int) -> int:
    """Those of the feeds that meet an activation where no parameter is met any more: as labels do."""
    nodes, rows = flow.graph.nodes, flow.rows
    bits, variables, leads = flow.feed_bits, flow.variable_bits, flow.leads
    result = 0
    for i in flow.line:
        fresh = bits[i] & feeds & ~result
        if not fresh or leads[i] or nodes[i].op not in _COMPARES:
            continue
        if meets_parameter(flow, i, layers=True) or _masks_chances(flow, i):
            continue
        raw = [source for source, _ in rows[i] if not variables[source] and bits[source] & fresh]
        if raw and any(variables[source] and bits[source] for source, _ in rows[i]):
            for source in raw:
                # Zeros of an activation's form hold nothing of what it was made of.
                result |= fresh & fed_content(flow, source)
    return result


def _masks_chances(flow: Flow, i: int) -> bool:
    """Whether a sum goes into a softmax and nowhere else: what is added says who is left out."""
    nodes = flow.graph.nodes
    if nodes[i].op not in ("Add", "AddV2"):
        return False
    readers = flow.readers(i)
    return bool(readers) and all(nodes[j].op == "Softmax" for j in readers)


def looks_up_scores(flow: Flow, i: int) -> bool:
    """Whether a node looks scores up in a parameter: a number for each index, or rows by one-hot forms."""
    if len(flow.rows[i]) < 2:
        return False
    if flow.graph.nodes[i].op in ops.PRODUCTS:
        return any(_is_one_hot(flow, s) for s, _ in flow.rows[i])
    if flow.graph.nodes[i].op not in ops.LOOKUPS:
        return False
    found, asked = flow.shape(i), flow.shape(flow.rows[i][1][0])
    several = flow.graph.nodes[i].op.endswith("Nd")
    return found is not None and asked is not None and len(found) == len(asked) - several


def _is_one_hot(flow: Flow, i: int) -> bool:
    """Whether a tensor is the one-hot form of numbers, masked or cut at most."""
    base = walk_back(flow, i, _SHOWS_ONE_HOT)
    return base < len(flow.graph.nodes) and flow.graph.nodes[base].op == "OneHot"


_SHOWS_ONE_HOT = ops.LOOK_THROUGH | {"Mul", "StridedSlice", "Slice"}

_COMPARES = frozenset(
    """Add AddV2 Sub Mul RealDiv Div Pow Maximum Minimum Select SelectV2 SquaredDifference Equal NotEqual Less
    LessEqual Greater GreaterEqual InTopK InTopKV2 CTCLoss CTCLossV2 Xlogy Gather GatherV2 GatherNd
    SoftmaxCrossEntropyWithLogits SparseSoftmaxCrossEntropyWithLogits EditDistance
    MatMul BatchMatMul BatchMatMulV2 BatchMatMulV3 Einsum""".split()
)
"""Ops in which the content of a label meets an activation; others ask for its shape."""


def _scored(flow: Flow, labels: int) -> int:
    bits = 0
    for i in flow.line:
        if not flow.leads[i] and flow.feed_bits[i] & labels and looks_up_scores(flow, i):
            for source, _ in flow.rows[i]:
                # A parameter in a conditional also depends on what the condition depends on.
                if not flow.feed_bits[source] or parameter_behind(flow, source) >= 0:
                    bits |= flow.variable_bits[source]
    return bits
