"""Which view of a tensor is worth fetching: chances rather than logits, a distance rather than its square.

A loss takes an answer in a form of its own, a measure in another; here is the way back to the one that
its author shows, and to the root that all of them are views of.
"""

from __future__ import annotations

from zoo.endpoints import ops
from zoo.endpoints.ending import CUTS, before_dropout
from zoo.endpoints.flow import Flow
from zoo.endpoints.kinds import (
    RANK_OF_PICTURES,
    enters_loss,
    is_called,
    is_deliberate,
    is_named,
    masked,
    scope_of_loss,
    walk_back,
)
from zoo.endpoints.region import Region
from zoo.shapes.values import constant


def appeal_of(flow: Flow, i: int, *, dangling: bool) -> tuple[int, int]:
    """How much a view is worth fetching; more is better."""
    base = walk_back(flow, i)
    if masked(flow, base) >= 0 and (dangling or is_called(flow, base)):
        return 2, 1
    op = flow.graph.nodes[base].op
    if op.startswith("CTC") or (op in ("TopK", "TopKV2") and dangling):
        return 4, int(dangling)
    if op in ops.PROBABILITIES:
        # Of two classes the chances of both say more than that of one.
        source = flow.rows[base][0] if flow.rows[base] else (base, 0)
        both = dangling and _beside_zeros(flow, *source) != source
        return (1 if not dangling and _for_cross_entropy(flow, base) else 3), dangling + both
    if op in ops.DECISIONS:
        called = op == "ArgMax" and is_called(flow, base)
        return (2 if dangling or called else 0), int(dangling or called)
    return (2 if dangling else 1), 0


def port_of(flow: Flow, i: int) -> int:
    """The output that is worth fetching: TopK's values, a cell's hidden state."""
    return {"LSTMBlockCell": 6, "BlockLSTM": 6, "BlockLSTMV2": 6, "GRUBlockCell": 3}.get(
        flow.graph.nodes[i].op, 0
    )


def port_read_by(flow: Flow, i: int, view: int) -> int:
    """Which part of what ``view`` cuts ``i`` is made of."""
    for _ in range(12 if flow.graph.nodes[view].op in CUTS else 0):
        for source, port in flow.rows[i]:
            if source == view:
                return port
        i = next((s for s, _ in flow.rows[i] if flow.variable_bits[s]), view)
    return 0


def view_of(flow: Flow, found: Region, i: int, *, dangling: bool) -> int:
    """The tensor to fetch for a terminal: before the decision that a metric takes, before a logarithm."""
    nodes, rows = flow.graph.nodes, flow.rows
    if nodes[i].op == "Reshape" and _only_dealt_out(flow, i) and _inner(flow, found, i):
        i = rows[i][0][0]  # three examples at a time, for a loss
    if dangling and found.reported[i] == 1 and nodes[walk_back(flow, i)].op in ops.PROBABILITIES:
        return walk_back(flow, i)  # the form is for a summary
    if dangling and found.reported[i] and not is_named(flow, i):
        base = walk_back(flow, i)
        if flow.op(base) == "ArgMax" and len(flow.readers(base)) > 1:
            return base  # as a measure takes it
    if dangling and nodes[walk_back(flow, i)].op in ("TopK", "TopKV2"):
        return i  # nobody asks for the best but to see them
    if dangling and not flow.learns:
        return i
    if dangling and (named := _named_before(flow, found, i)) >= 0:
        return named
    node, decided = i, -1
    for _ in range(12):
        op = nodes[node].op
        if op in ops.DECISIONS:
            decided = node
        elif not (dangling and is_called(flow, node)) and (place := _place(flow, node)) >= 0:
            return place  # each point has a map of its own
        elif masked(flow, node) >= 0 and (dangling or is_called(flow, node)):
            return node  # masked for whoever looks at it, not for a measure alone
        elif op not in ops.LOOK_THROUGH:
            break
        inner = next((s for s, _ in rows[node] if found.inside[s] == 1), -1)
        if inner < 0:
            break
        node = inner
    if decided >= 0:
        before = next((s for s, _ in rows[decided] if found.inside[s] == 1), decided)
        base = walk_back(flow, before)
        activated = activation_of(flow, found, before)
        if nodes[base].op in ops.PROBABILITIES:
            return i if dangling and _only_to_decide(flow, base) else activated
        if not dangling:
            called = _called_form(flow, i, decided) if nodes[decided].op == "ArgMax" else -1
            return called if called >= 0 and activated == before else activated
        return activated if activated != before else i
    if not dangling:
        return _length(flow, found, activation_of(flow, found, before_loss(flow, found, i)))
    beside = _shown_beside(flow, found, i)
    return beside if beside >= 0 and found.contact[beside] else i


def _called_form(flow: Flow, i: int, base: int) -> int:
    """The last form of a tensor, on the way from ``i`` back to it, that has a name of its own; else -1."""
    for _ in range(12):
        if is_called(flow, i) or i == base or not flow.rows[i]:
            break
        i = flow.rows[i][0][0]
    return i if is_called(flow, i) else -1


def _place(flow: Flow, i: int) -> int:
    """The maps in which a decision was made for a place, counted through, that coordinates tell; else -1."""
    if flow.op(i) != "Pack" or len(flow.rows[i]) != 2:
        return -1
    parts = [walk_back(flow, s) for s, _ in flow.rows[i]]
    whole = {
        walk_back(flow, flow.rows[j][0][0])
        for j in parts if flow.op(j) in ("FloorMod", "FloorDiv", "Mod", "Div") and flow.rows[j]
    }  # fmt: skip
    place = whole.pop() if len(whole) == 1 else -1
    if place < 0 or flow.op(place) != "ArgMax":
        return -1
    maps = walk_back(flow, place, ops.LOOK_THROUGH | ops.DECISIONS)
    return maps if len(flow.shape(maps) or ()) == RANK_OF_PICTURES else -1


def _only_dealt_out(flow: Flow, i: int) -> bool:
    """Whether a tensor without a name is nothing but cut into examples that are compared."""
    readers = [j for j in flow.readers(i) if flow.op(j) not in ops.SHAPES]
    return bool(readers) and not is_called(flow, i) and all(flow.op(j) in CUTS for j in readers)


def turned_back(flow: Flow, i: int) -> int:
    """A softmax over another axis than the last as its author got it: TensorFlow turns to and fro for it."""
    readers = flow.readers(i)
    if flow.op(i) != "Softmax" or len(readers) != 1 or flow.op(readers[0]) != "Transpose":
        return i
    return readers[0] if flow.op(flow.rows[i][0][0]) == "Transpose" else i


def _named_before(flow: Flow, found: Region, i: int) -> int:
    """The tensor, named by a node of its own, that a comparison without a name is made of; else -1."""
    if flow.op(walk_back(flow, i)) not in ops.COMPARES or is_called(flow, i):
        return -1
    for _ in range(4):
        inner = [s for s, _ in flow.rows[i] if found.inside[s] == 1]
        if len(inner) != 1 or flow.op(inner[0]) in ops.PROBABILITIES:
            break
        i = inner[0]
        if is_deliberate(flow, i):
            return i
    return -1


def _only_to_decide(flow: Flow, i: int) -> bool:
    """Whether probabilities without a name lead to nothing but a decision that is there to be fetched."""
    for _ in range(_NEAR):
        readers = flow.readers(i)
        if is_called(flow, i) or len(readers) != 1:
            return not readers and flow.op(i) == "ArgMax"
        (i,) = readers
    return False


def _length(flow: Flow, found: Region, i: int) -> int:
    """The root of a sum of squares, if somebody takes it: a distance, of which a loss may take the square."""
    nodes, rows = flow.graph.nodes, flow.rows
    made_of = rows[i][0][0] if nodes[i].op == "Sum" and rows[i] else len(nodes)
    if made_of >= len(nodes) or nodes[made_of].op not in _SQUARES:
        return i
    todo = [i]
    for _ in range(4):
        ahead = [j for node in todo for j in flow.consumers[node] if j < len(nodes) and found.inside[j] == 1]
        for j in ahead:
            if nodes[j].op == "Sqrt":
                return j
        todo = [j for j in ahead if nodes[j].op in ("Add", "AddV2", "Maximum")]
    return i


_SQUARES = frozenset({"Square", "SquaredDifference", "Pow", "Mul"})


def _joined_again(flow: Flow, found: Region, i: int) -> int:
    """What the parts of a tensor become when each was activated and all were joined as before; else -1."""
    nodes = flow.graph.nodes
    shapes = {flow.shape(i)} - {None, ()}
    todo, seen, joined = [i], {i}, -1
    while todo and len(seen) < _NEAR:
        for j in flow.consumers[todo.pop()][:_READERS]:
            if j >= len(nodes) or j in seen or found.inside[j] != 1 or nodes[j].op in ops.SHAPES:
                continue
            seen.add(j)
            if nodes[j].op == "Reshape":
                shapes.add(flow.shape(j))
            if nodes[j].op in ("Concat", "ConcatV2") and flow.shape(j) in shapes - {None}:
                joined = j
            elif nodes[j].op in _PARTWISE:
                todo.append(j)
    made = [s for s, _ in flow.rows[joined] if flow.variable_bits[s]] if joined >= 0 else []
    return joined if len(made) > 1 and seen.issuperset(made) else -1


def _softmax_in_small_ops(flow: Flow, found: Region, i: int) -> int:
    """The exponentials of a tensor over their sum, if somebody decides by them; else -1."""
    nodes = flow.graph.nodes
    todo, seen = [i], {i}
    while todo and len(seen) < _NEAR:
        node = todo.pop()
        for j in flow.consumers[node][:_READERS]:
            if j >= len(nodes) or j in seen or found.inside[j] != 1 or nodes[j].op not in _EXPONENTIALS:
                continue
            seen.add(j)
            todo.append(j)
            if nodes[j].op not in ("RealDiv", "Div") or flow.op(flow.rows[j][0][0]) != "Exp":
                continue
            if any(nodes[k].op in ops.DECISIONS for k in flow.consumers[j] if k < len(nodes)):
                return j
    return -1


_EXPONENTIALS = frozenset({"Max", "Sub", "Exp", "Sum", "Tile", "Pack", "RealDiv", "Div"})

_NEAR = 60
_READERS = 256
"""Readers of a tensor that are looked at for each view of it."""
_PARTWISE = (
    ops.LOOK_THROUGH
    | ops.ACTIVATIONS
    | frozenset("Split SplitV Slice StridedSlice Exp Add AddV2 Sub Mul RealDiv Tanh Softplus".split())
)


def activation_of(flow: Flow, found: Region, i: int) -> int:
    """The softmax or sigmoid of a tensor, where there is one beside what was found."""
    nodes = flow.graph.nodes
    if nodes[walk_back(flow, i)].op in ops.PROBABILITIES:
        return i
    joined = -1 if is_deliberate(flow, i) else _joined_again(flow, found, i)
    for made in (joined, _softmax_in_small_ops(flow, found, i)):
        if made >= 0:
            return made
    root, _ = root_of(flow, i)
    for start in dict.fromkeys((i, root)):
        todo = [start]
        for _ in range(8):
            if not todo:
                break
            node = todo.pop()
            for reader in flow.consumers[node][:_READERS]:
                if reader >= len(nodes) or found.inside[reader] != 1:
                    continue
                if found.lossward[reader] and not (flow.taught and not flow.taught[reader]):
                    continue  # of a loss; what only a measure is taken of may be the answer
                if enters_loss(flow, i, reader):
                    continue
                if nodes[reader].op in ops.PROBABILITIES:
                    return i if _only_to_decide(flow, reader) else reader
                if nodes[reader].op in ops.LOOK_THROUGH:
                    todo.append(reader)
                # A dropout scales what it keeps, and masks that.
                masked = (reader, *flow.readers(reader)[:1])
                todo.extend(j for j in masked if before_dropout(flow, j) == node != j)
    return i


_PREPARES_LOSS = frozenset({"Log", "Log1p", "ClipByValue", "Maximum", "Minimum", "Neg", "Cumsum"})
_PREPARES_LOGARITHM = _PREPARES_LOSS | {"Sub", "Add", "AddV2", "Mul", "Pow", "Slice", "StridedSlice"}


def _within(flow: Flow, outer: int, inner: int) -> bool:
    """Whether the scope of a node, which is not that of the whole model, holds the scope of another one."""
    scope, _, _ = flow.graph.names[outer].rpartition("/")
    return len(scope) > len(flow.scope) and flow.graph.names[inner].startswith(f"{scope}/")


def _unfolds(flow: Flow, i: int, j: int) -> bool:
    """Whether a tensor gets more axes on its way to another: a loss flattens, and never unfolds."""
    before, after = flow.shape(i), flow.shape(j)
    return before is not None and after is not None and len(before) < len(after)


def _is_odds(flow: Flow, i: int) -> bool:
    """Whether a tensor is chances over their complements, of which Keras makes logits for a loss."""
    nodes, row = flow.graph.nodes, flow.rows[i]
    if nodes[i].op not in ("RealDiv", "Div") or len(row) != 2 or row[1][0] >= len(nodes):
        return False
    if nodes[row[1][0]].op != "Sub":
        return False
    return row[0] in flow.rows[row[1][0]][1:]


def _is_share(flow: Flow, i: int) -> bool:
    """Whether a tensor is divided by its own sum, as what should add up to one is before a cross entropy."""
    nodes, row = flow.graph.nodes, flow.rows[i]
    if nodes[i].op not in ("RealDiv", "Div") or len(row) != 2:
        return False
    return flow.op(row[1][0]) == "Sum" and flow.rows[row[1][0]][:1] == row[:1]


_SLICES = frozenset({"StridedSlice", "Slice", "Split", "SplitV", "Unpack"})


def before_loss(flow: Flow, found: Region, i: int) -> int:
    """Back over logarithm, clipping, flattening and cutting up to the tensor that a loss is taken of."""
    for _ in range(4):
        before = _step_before_loss(flow, found, i)
        if before == i:
            break
        i = before
    return i


def _step_before_loss(flow: Flow, found: Region, i: int) -> int:
    nodes, rows = flow.graph.nodes, flow.rows
    uncut = _uncut(flow, found, i)
    if uncut != i:
        return uncut
    if nodes[i].op == "Mul" and len(rows[i]) == 2 and not is_called(flow, i):
        for (source, _), (mask, _) in (rows[i], rows[i][::-1]):
            if found.inside[source] == 1 and flow.op(walk_back(flow, mask)) in ("Less", "Greater"):
                return source  # what lies behind the end of an example is no loss
    node, logarithm, shaped = i, _for_logarithms(flow, i), -1
    for _ in range(8):
        op = nodes[node].op
        if _is_of_pixels(flow, node) and _is_clipped(flow, node):
            return node
        if op in ops.PROBABILITIES:
            formed = shaped >= 0 and (_within(flow, shaped, node) or _unfolds(flow, node, shaped))
            return shaped if formed else node
        if op == "Reshape":
            shaped = node
        if op in ("Squeeze", "Identity") and nodes[walk_back(flow, node)].op in ops.PROBABILITIES:
            return node  # the form that the author gave the answer; a Reshape is for the loss
        prepares = _PREPARES_LOGARITHM if logarithm else _PREPARES_LOSS
        ratio = _is_odds(flow, node) or _is_share(flow, node)
        if op not in prepares and op not in ops.LOOK_THROUGH and not ratio:
            break
        logarithm |= op in ("Log", "Log1p")
        inner = [s for s, _ in rows[node][: 1 if ratio else None] if found.inside[s] == 1]
        if len(inner) != 1:
            break
        node = inner[0]
    beside = _shown_beside(flow, found, i)
    if beside >= 0:
        return beside
    if _for_logarithms(flow, i) and nodes[i].op in ("Add", "AddV2", "Maximum") and not is_named(flow, i):
        moved = [s for s, _ in rows[i] if found.inside[s] == 1]
        if len(moved) == 1 and all(s in moved or _is_little(flow, s) for s, _ in rows[i]):
            return moved[0]  # away from zero
    if _left_in_form(flow, i):
        return i
    if nodes[i].op == "ExpandDims" and _inner(flow, found, i) and not is_named(flow, i):
        return rows[i][0][0]
    if nodes[i].op == "Reshape" and _inner(flow, found, i) and not _read_twice(flow, i):
        before = rows[i][0][0]
        shape, flat = flow.shape(before), flow.shape(i)
        flattened = shape is not None and flat is not None and len(shape) > len(flat)
        for_loss = any(flow.op(j) in ops.LOSSES for j in flow.readers(i))
        if flattened and not for_loss and _is_without_ones(flow, before, i):
            return i
        if flattened or (for_loss and not is_called(flow, i)):
            return before
    shown = nodes[i].op == "LogSoftmax" and found.extends[i]
    if nodes[i].op in ("Log", "Log1p", "LogSoftmax") and not shown and _inner(flow, found, i):
        return rows[i][0][0]
    if nodes[i].op == "Sub" and len(rows[i]) == 2 and _only_weighed(flow, found, i):
        first, second = (s for s, _ in rows[i])
        if found.inside[first] == 1 and flow.op(walk_back(flow, second)) == "Log":
            return first  # less the logarithm of a sum of likelihoods
        if {found.inside[first], found.inside[second]} == {0, 1}:
            return first if found.inside[first] else second  # the example itself, less what is made of it
    return i


def _is_without_ones(flow: Flow, before: int, i: int) -> bool:
    """Whether a form drops axes along which there is one number, but for the last, of an unnamed tensor."""
    shape, flat = flow.shape(before) or (), flow.shape(i) or ()
    more = [[length for length in form if length != 1] for form in (shape, flat)]
    return len(flat) > 2 and shape[-1] == flat[-1] and more[0] == more[1] and not is_called(flow, before)


def _is_of_pixels(flow: Flow, i: int) -> bool:
    """Whether a tensor has more numbers for each example than classes and tags are."""
    shape = flow.shape(i) or ()
    return any((length or 0) >= _PIXELS for length in shape[-1:])


_PIXELS = 100


def _is_little(flow: Flow, i: int) -> bool:
    """Whether a node is a constant that is hardly more than zero."""
    _, value = constant(flow.graph.nodes[i]) if flow.op(i) == "Const" else ("", None)
    return bool(value) and all(isinstance(item, float) and abs(item) <= _LITTLE for item in value or ())


_LITTLE = 1e-3


def clipped(flow: Flow, i: int) -> int:
    """The chances before ``i`` that were clipped under a name, see `_is_clipped`; else -1."""
    for _ in range(8):
        if _is_clipped(flow, i):
            return i
        if flow.op(i) not in _PREPARES_LOGARITHM | ops.LOOK_THROUGH or not flow.rows[i]:
            break
        i = next((s for s, _ in flow.rows[i] if flow.variable_bits[s]), len(flow.rows))
    return -1


def _is_clipped(flow: Flow, i: int) -> bool:
    """Whether chances without a name were clipped outside of a loss, and are read more than once.

    Who clips for a logarithm alone does so where the logarithm is taken.
    """
    low = flow.rows[i][0][0] if flow.op(i) == "Maximum" and flow.rows[i] else i
    if flow.op(low) != "Minimum" or not flow.rows[low] or scope_of_loss(flow.graph.names[i]):
        return False
    chances = flow.rows[low][0][0]
    if flow.op(chances) and is_called(flow, chances):
        return False
    return _read_twice(flow, i) and any(flow.op(j) == "Log" for j in flow.readers(i))


def _for_logarithms(flow: Flow, i: int) -> bool:
    """Whether logarithms alone, of it or a ratio, read a tensor: it was moved away from zero for them."""
    readers = flow.readers(i)
    readers = [k for j in readers for k in (flow.readers(j) if flow.op(j) in ("RealDiv", "Div") else [j])]
    return bool(readers) and all(flow.op(j) in ("Log", "Log1p") for j in readers)


def _for_cross_entropy(flow: Flow, i: int) -> bool:
    """Whether logarithms alone read chances that are flattened and have no name, away from zero or not."""
    made_of = flow.op(flow.rows[i][0][0]) if flow.rows[i] else ""
    if is_called(flow, i) or made_of not in ("Add", "AddV2", "Reshape"):
        return False
    readers = flow.readers(i)
    moved = [k for j in readers for k in (flow.readers(j) if flow.op(j) in _MOVES else [j])]
    return bool(moved) and all(flow.op(j) == "Log" for j in moved)


_MOVES = frozenset({"Add", "AddV2", "Maximum", "Minimum"})


def _inner(flow: Flow, found: Region, i: int) -> bool:
    """Whether a node's first input is inference."""
    return bool(flow.rows[i]) and found.inside[flow.rows[i][0][0]] == 1


def _left_in_form(flow: Flow, i: int) -> bool:
    """Whether a tensor got its form in the scope that made it, and is read in others only."""
    if flow.op(i) not in ("Reshape", "ExpandDims", "Squeeze") or not flow.rows[i]:
        return False
    scope = _first_scope(flow, i)
    made = scope != "" and _first_scope(flow, flow.rows[i][0][0]) == scope
    return made and all(_first_scope(flow, j) != scope for j in flow.readers(i))


def _first_scope(flow: Flow, i: int) -> str:
    """The outermost scope of a node within that of the whole model; empty if it stands in none."""
    name = flow.graph.names[i].removeprefix(flow.scope) if i < len(flow.graph.nodes) else ""
    scope, slash, _ = name.partition("/")
    return scope if slash else ""


def _read_twice(flow: Flow, i: int) -> bool:
    """Whether more than one loss or measure reads a tensor: then its form is the author's."""
    nodes = flow.graph.nodes
    return len({j for j in flow.readers(i) if nodes[j].op not in ops.SHAPES}) > 1


def _shown_beside(flow: Flow, found: Region, i: int) -> int:
    """The only answer that a tensor joins, with padding or the example itself; else -1."""
    row = flow.rows[i]
    if flow.graph.nodes[i].op not in ("Concat", "ConcatV2"):
        return -1
    inner = [s for s, _ in row if found.inside[s] == 1]
    rest = any(flow.variable_bits[s] for s, _ in row if found.inside[s] != 1)
    return inner[0] if len(inner) == 1 and not rest else -1


def before_scope_of_loss(flow: Flow, found: Region, i: int) -> int:
    """The one tensor that a scope called a loss makes ``i`` of; ``i`` where it is in none."""
    scope, outside = scope_of_loss(flow.graph.names[i]), set[int]()
    # A loss may have a scale or a margin that is trained, too.
    own = sum(bit for name, bit in flow.numbers if scope and name.startswith(scope))
    bits = flow.variable_bits[i] & ~own
    todo, seen = [i], {i}
    # Where ends are many, few are looked into deeply.
    deep = len(flow.walked) < _DEEPLY
    flow.walked.add(i)
    while todo and len(seen) < (_OF_A_LOSS if deep else _NEAR):
        node = todo.pop()
        for source, _ in flow.rows[node]:
            if found.inside[source] != 1 or flow.variable_bits[source] & ~own != bits or source in seen:
                continue
            if enters_loss(flow, source, node):
                outside.add(source)
            else:
                seen.add(source)
                todo.append(source)
    return outside.pop() if len(outside) == 1 else i


_DEEPLY = 100
_OF_A_LOSS = 500
"""Nodes that a loss is made of, as far as it is looked through: some compare each example with all others."""


def _only_weighed(flow: Flow, found: Region, i: int) -> bool:
    """Whether the labels that meet a tensor are multiplied with it: a comparison came before."""
    return all(
        flow.graph.nodes[j].op in ("Mul", "RealDiv", "Div")
        for j in flow.readers(i)
        if flow.feed_bits[j] & found.labels
    )


def _uncut(flow: Flow, found: Region, i: int) -> int:
    """The tensor that is converted, or cut into parts, for nothing but a loss; else ``i`` itself."""
    nodes, rows = flow.graph.nodes, flow.rows
    if nodes[i].op == "Cast":
        source = rows[i][0][0] if rows[i] else i
        return source if found.inside[source] == 1 and _saturated(flow, source) == source else i
    cut = walk_back(flow, i)
    if cut >= len(nodes) or nodes[cut].op not in _SLICES:
        return i
    source = next((t for t, _ in rows[cut] if found.inside[t] == 1), -1)
    if source < 0:
        return i
    readers = [
        j for j in flow.readers(source)
        if found.inside[j] == 1 and nodes[j].op not in ops.SHAPES
    ]  # fmt: skip
    slices = [j for j in readers if nodes[j].op in _SLICES]
    if len(slices) > 1:
        return source
    whole, part = flow.shape(source), flow.shape(cut)
    shortened = cut == i and nodes[i].op in ("StridedSlice", "Slice") and len(readers) == 1
    if shortened and whole is not None and part is not None and len(whole) == len(part):
        return source  # the last step, which has no successor to compare it with
    return i


_SAME_ROOT = (
    ops.LOOK_THROUGH
    | ops.ACTIVATIONS
    | ops.DECISIONS
    | frozenset({"Log", "CTCGreedyDecoder", "CTCBeamSearchDecoder", "AsString"})
)


def root_of(flow: Flow, i: int, port: int = 0) -> tuple[int, int]:
    """The tensor (node, output) that a view shows: the same for logits, their softmax and their argmax."""
    nodes = flow.graph.nodes
    for _ in range(32):
        decided = masked(flow, i)
        if decided >= 0:
            i, port = decided, 0
        if i >= len(nodes) or nodes[i].op not in _SAME_ROOT or not flow.rows[i]:
            break
        inner = next(((s, k) for s, k in flow.rows[i] if flow.variable_bits[s] or not flow.variables), None)
        if inner is None or (nodes[i].op == "Log" and flow.op(inner[0]) not in ops.PROBABILITIES):
            break
        i, port = _beside_zeros(flow, *inner)
        if flow.op(i) in ("Add", "AddV2") and len(flow.rows[i]) == 2 and _is_little(flow, flow.rows[i][1][0]):
            i, port = flow.rows[i][0]
    return i, port if i < len(nodes) and nodes[i].op in CUTS | ops.CALLS else 0


def _beside_zeros(flow: Flow, i: int, port: int) -> tuple[int, int]:
    """The logits that were joined with zeros, for a softmax over two classes; else the tensor itself."""
    nodes = flow.graph.nodes
    if i >= len(nodes) or nodes[i].op != "ConcatV2" or len(flow.rows[i]) != 3:
        return i, port
    (zeros, _), logits = flow.rows[i][:2]
    alike = zeros < len(nodes) and nodes[zeros].op == "ZerosLike" and flow.rows[zeros] == (logits,)
    return logits if alike else (i, port)


def shown_clipped(flow: Flow, i: int) -> int:
    """What a picture becomes to be looked at, scaled and clipped to a range; ``i`` where it does not."""
    todo, seen = [i], {i}
    while todo and len(seen) < _NEAR:
        node = todo.pop()
        for j in flow.consumers[node]:
            if j in seen or flow.op(j) not in _SCALES:
                continue
            others = [s for s, _ in flow.rows[j] if s != node]
            if any(flow.variable_bits[s] or flow.feed_bits[s] for s in others):
                continue
            seen.add(j)
            todo.append(j)
            if flow.op(j) in _CLIPS and flow.op(node) in _CLIPS and _only_looked_at(flow, j):
                return _saturated(flow, j)
    return i


def pasted(flow: Flow, i: int) -> int:
    """The example with a picture in place of its masked parts; ``i`` where nobody pastes it."""
    for j in flow.readers(i)[:_NEAR]:
        if flow.op(j) != "Mul" or not _is_given(flow, j, i) or flow.feed_bits[j] & ~flow.feed_bits[i]:
            continue
        for k in flow.readers(j)[:_NEAR]:
            whole = flow.op(k) in ("Add", "AddV2") and flow.shape(k) == flow.shape(i)
            if whole and _is_given(flow, k, j) and not flow.feed_bits[k] & ~flow.feed_bits[i]:
                return k
    return i


def _is_given(flow: Flow, i: int, but: int) -> bool:
    """Whether all that a node reads, but for one tensor, is made of what is fed, and of no parameter."""
    others = [s for s, _ in flow.rows[i] if s != but]
    return bool(others) and all(
        flow.feed_bits[s] and not (flow.variable_bits[s] or flow.random_bits[s]) for s in others
    )


_CLIPS = frozenset({"Minimum", "Maximum"})


def _saturated(flow: Flow, i: int) -> int:
    """The conversion that a tensor was clipped for by one function, as `tf.image.convert_image_dtype`."""
    for j in flow.readers(i):
        if flow.op(j) == "Cast" and flow.graph.names[i].startswith(f"{flow.graph.names[j]}/"):
            return j
    return i


_SCALES = frozenset({"Add", "AddV2", "Sub", "Mul", "RealDiv", "Minimum", "Maximum", "Transpose", "Identity"})


def _only_looked_at(flow: Flow, i: int) -> bool:
    """Whether nothing but summaries of pictures, and conversions for them, read a tensor."""
    todo, seen = [i], {i}
    while todo:
        for j in flow.consumers[todo.pop()]:
            if flow.op(j) not in ("ImageSummary", "Cast") or len(seen) > _NEAR:
                return False
            if flow.op(j) == "Cast" and j not in seen:
                seen.add(j)
                todo.append(j)
    return True
