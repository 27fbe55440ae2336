"""Shape rules of the ops that make, rearrange and reduce tensors."""

from __future__ import annotations

import math
from collections.abc import Sequence

from zoo import protos
from zoo.protos import Shape
from zoo.shapes.dims import (
    LIMIT,
    Dim,
    Value,
    as_shape,
    broadcast,
    elements,
    merge,
    plus,
    product,
    times,
    unknown,
)  # fmt: skip
from zoo.shapes.engine import Rule, Site
from zoo.shapes.values import FOLDED, cast, constant, elementwise, reduced

MOST_PARTS = 1 << 16
"""Parts of a tensor that get a shape: a file may name any number."""


def const(site: Site) -> Sequence[Shape]:
    """Const: the shape of its value."""
    shape, value = constant(site.node)
    site.set_value(value)
    return [shape]


def placeholder(site: Site) -> Sequence[Shape]:
    """Placeholder and kin: what the attribute says; a scalar attribute of old files says nothing."""
    return [site.node.shape()]


def with_default(site: Site) -> Sequence[Shape]:
    """PlaceholderWithDefault: its attribute; the default's value holds where nothing is fed."""
    site.set_value(site.value(0))
    return [site.node.shape()]


def variable(site: Site) -> Sequence[Shape]:
    """Variable, VariableV2."""
    return [site.node.shape()]


def same(site: Site) -> Sequence[Shape]:
    """Ops whose output looks like their first input."""
    return [site.shape(0)]


def forwarded(site: Site) -> Sequence[Shape]:
    """Identity and kin: the first input itself."""
    site.set_value(site.value(0))
    site.set_element(site.element(0))
    return [site.shape(0)]


def entered(site: Site) -> Sequence[Shape]:
    """Enter: the value as it comes into the loop."""
    site.set_value(site.value(0))
    site.set_element(site.element(0))
    return [site.shape(0)]


def switch(site: Site) -> Sequence[Shape]:
    """Switch: the data on both sides."""
    for k in (0, 1):
        site.set_value(site.value(0), k)
        site.set_element(site.element(0), k)
    return [site.shape(0), site.shape(0)]


def identity_n(site: Site) -> Sequence[Shape]:
    """IdentityN: every input."""
    for k in range(len(site.row)):
        site.set_value(site.value(k), k)
        site.set_element(site.element(k), k)
    return site.ins


def elementwise_op(site: Site) -> Sequence[Shape]:
    """Ops that work element by element, with broadcasting."""
    if site.node.op in FOLDED:
        values = [site.value(k) for k in range(len(site.row))]
        if all(value is not None for value in values):
            site.set_value(elementwise(site.node.op, values))
    return [broadcast(site.ins)]


def select(site: Site) -> Sequence[Shape]:
    """Select looks like its branches, SelectV2 broadcasts."""
    if site.node.op == "SelectV2":
        test, a, b = (site.value(k) for k in range(3))
        if test is not None and len(test) == 1 and test[0] is not None:
            site.set_value(a if test[0] else b)
        return [broadcast(site.ins)]
    test = site.value(0)
    if test is not None and len(test) == 1 and test[0] is not None:
        site.set_value(site.value(1 if test[0] else 2))
    return [merge(site.shape(1), site.shape(2))]


def add_n(site: Site) -> Sequence[Shape]:
    """AddN, AccumulateNV2: all inputs look alike."""
    shape: Shape = None
    for other in site.ins:
        shape = merge(shape, other)
    return [shape]


def cast_op(site: Site) -> Sequence[Shape]:
    """Cast: the same numbers in another type."""
    site.set_value(cast(site.value(0), site.node.dtype("DstT")))
    return [site.shape(0)]


def shape_op(site: Site) -> Sequence[Shape]:
    """Shape: the sizes as a vector."""
    shape = site.shape(0)
    if shape is not None:
        site.set_value(shape)
    return [(None if shape is None else len(shape),)]


def shape_n(site: Site) -> Sequence[Shape]:
    """ShapeN: a vector for every input."""
    for k, shape in enumerate(site.ins):
        if shape is not None:
            site.set_value(shape, k)
    return [(None if shape is None else len(shape),) for shape in site.ins]


def size_op(site: Site) -> Sequence[Shape]:
    """Size: the number of elements."""
    site.set_value((elements(site.shape(0)),))
    return [()]


def rank_op(site: Site) -> Sequence[Shape]:
    """Rank: the number of axes."""
    shape = site.shape(0)
    site.set_value(None if shape is None else (len(shape),))
    return [()]


def reshape(site: Site) -> Sequence[Shape]:
    """Reshape: the asked sizes, with -1 worked out where the rest is known."""
    before, asked = site.shape(0), site.value(1)
    site.set_value(site.value(0))
    if asked is None:
        length = site.shape(1)
        return [unknown(length[0]) if length and length[0] is not None else None]
    sizes: list[Dim] = [None if size is None or size == -1 else int(size) for size in asked]
    open_places = [k for k, size in enumerate(sizes) if size is None]
    if len(open_places) == 1 and before is not None:
        rest = product(size for size in sizes if size is not None)
        total = product(before)
        k = open_places[0]
        if total is not None and rest:
            sizes[k] = total // rest
        elif rest and asked[k] == -1 and before.count(None) == 1:
            known = product(size for size in before if size is not None)
            if known == rest:
                sizes[k] = None  # as unknown as the unknown size before
    return [tuple(sizes)]


def transpose(site: Site) -> Sequence[Shape]:
    """Transpose: the sizes in the order that the second input gives."""
    shape, order = site.shape(0), site.value(1)
    if shape is None:
        length = site.shape(1)
        return [unknown(length[0]) if length and length[0] is not None else None]
    if order is None:
        return [unknown(len(shape))]
    return [tuple(None if axis is None else shape[int(axis)] for axis in order)]


def expand_dims(site: Site) -> Sequence[Shape]:
    """ExpandDims: a size of one in the asked place."""
    shape, axis = site.shape(0), site.scalar(1)
    site.set_value(site.value(0))
    if shape is None:
        return [None]
    if axis is None:
        return [unknown(len(shape) + 1)]
    place = int(axis) + (len(shape) + 1 if axis < 0 else 0)
    return [(*shape[:place], 1, *shape[place:])]


def squeeze(site: Site) -> Sequence[Shape]:
    """Squeeze: without the asked axes, or without all of size one."""
    shape = site.shape(0)
    site.set_value(site.value(0))
    if shape is None:
        return [None]
    axes = [axis % len(shape) for axis in site.integers("squeeze_dims")] if shape else []
    if axes:
        return [tuple(size for k, size in enumerate(shape) if k not in axes)]
    return [None if None in shape else tuple(size for size in shape if size != 1)]


def concat(site: Site) -> Sequence[Shape]:
    """ConcatV2 (axis last) and Concat (axis first)."""
    last = site.node.op == "ConcatV2"
    shapes = site.ins[:-1] if last else site.ins[1:]
    values = [site.value(k) for k in (range(len(shapes)) if last else range(1, len(site.row)))]
    if (
        values
        and all(value is not None for value in values)
        and all(s is not None and len(s) == 1 for s in shapes)
    ):
        joined: Value = tuple(item for value in values for item in value or ())
        site.set_value(joined if len(joined) <= LIMIT else None)
    axis = site.scalar(len(site.row) - 1 if last else 0)
    known = [shape for shape in shapes if shape is not None]
    if not known:
        return [None]
    rank = len(known[0])
    if axis is None or any(len(shape) != rank for shape in known):
        return [unknown(rank)]
    place = int(axis) % rank
    result: Shape = known[0]
    for shape in known[1:]:
        result = merge(result, shape)
    assert result is not None  # noqa: S101 - merged from known ones
    total = plus(*(shape[place] for shape in known)) if len(known) == len(shapes) else None
    return [(*result[:place], total, *result[place + 1 :])]


def pack(site: Site) -> Sequence[Shape]:
    """Pack: the inputs along a new axis."""
    shape: Shape = None
    for other in site.ins:
        shape = merge(shape, other)
    if shape is None:
        return [None]
    if shape == ():
        values = [site.value(k) for k in range(len(site.row))]
        site.set_value(tuple(None if value is None else value[0] for value in values))
    axis = site.integer("axis") % (len(shape) + 1)
    return [(*shape[:axis], len(site.row), *shape[axis:])]


def unpack(site: Site) -> Sequence[Shape]:
    """Unpack: one output for each place along the axis."""
    shape, count = site.shape(0), min(site.integer("num"), MOST_PARTS)
    value = site.value(0)
    if value is not None and shape is not None and len(shape) == 1:
        for k, item in enumerate(value):
            site.set_value((item,), k)
    if shape is None:
        return [None] * count
    axis = site.integer("axis") % len(shape)
    return [(*shape[:axis], *shape[axis + 1 :])] * count


def split(site: Site) -> Sequence[Shape]:
    """Split: axis, value; equal parts."""
    count = min(site.integer("num_split", 1), MOST_PARTS)
    axis, shape = site.scalar(0), site.shape(1)
    if shape is None:
        return [None] * count
    if axis is None:
        return [unknown(len(shape))] * count
    place = int(axis) % len(shape)
    size = shape[place]
    part = None if size is None else size // count
    return [(*shape[:place], part, *shape[place + 1 :])] * count


def split_v(site: Site) -> Sequence[Shape]:
    """SplitV: value, sizes, axis."""
    count = min(site.integer("num_split", 1), MOST_PARTS)
    shape, sizes, axis = site.shape(0), site.value(1), site.scalar(2)
    if shape is None:
        return [None] * count
    if axis is None or sizes is None:
        return [unknown(len(shape))] * count
    place = int(axis) % len(shape)
    parts: list[Dim] = [None if size is None or size < 0 else int(size) for size in sizes]
    if parts.count(None) == 1 and (total := shape[place]) is not None:
        parts[parts.index(None)] = total - sum(part for part in parts if part is not None)
    return [(*shape[:place], part, *shape[place + 1 :]) for part in parts]


def slice_op(site: Site) -> Sequence[Shape]:
    """Slice: begin and size, -1 for all that follows."""
    shape, begin, size = site.shape(0), site.value(1), site.value(2)
    if shape is None:
        return [None if size is None else unknown(len(size))]
    if size is None:
        return [unknown(len(shape))]
    value = site.value(0)
    if (
        value is not None
        and len(shape) == 1
        and begin is not None
        and begin[0] is not None
        and size[0] is not None
    ):
        start = int(begin[0])
        site.set_value(value[start:] if size[0] == -1 else value[start : start + int(size[0])])
    result: list[Dim] = []
    for k, part in enumerate(size):
        whole, first = shape[k], None if begin is None else begin[k]
        if part == -1:
            result.append(None if whole is None or first is None else whole - int(first))
        else:
            result.append(None if part is None else int(part))
    return [tuple(result)]


def strided_slice(site: Site) -> Sequence[Shape]:
    """StridedSlice: numpy's indexing, with masks for ``:``, ``...``, new axes and single places."""
    shape = site.shape(0)
    begin, end, stride = (site.value(k) for k in (1, 2, 3))
    masks = {
        key: site.integer(f"{key}_mask") for key in ("begin", "end", "ellipsis", "new_axis", "shrink_axis")
    }
    spec = site.shape(1)
    count = len(begin) if begin is not None else spec[0] if spec else None
    if shape is None or count is None:
        return [None]
    items = _slice_items(shape, count, masks)
    if items is None:
        return [None]
    result: list[Dim] = []
    picked: list[slice | int | None] = []
    for k, axis in items:
        if axis is None:
            result.append(1)
            picked.append(None)
            continue
        if k is None:
            result.append(shape[axis])
            picked.append(slice(None))
            continue
        step = None if stride is None else stride[k]
        low = None if masks["begin"] >> k & 1 or begin is None else begin[k]
        high = None if masks["end"] >> k & 1 or end is None else end[k]
        vague = (begin is None or (begin[k] is None and not masks["begin"] >> k & 1)) or (
            end is None or (end[k] is None and not masks["end"] >> k & 1)
        )
        if masks["shrink_axis"] >> k & 1:
            picked.append(None if begin is None else _int(begin[k]))
            continue
        size = shape[axis]
        if step is None or vague or size is None:
            whole = step == 1 and not vague and low in (None, 0) and high is None
            result.append(size if whole else _slice_of_unknown(low, high, step, vague=vague))
            picked.append(None if vague or step is None else slice(_int(low), _int(high), int(step)))
            continue
        piece = slice(_int(low), _int(high), int(step))
        result.append(len(range(*piece.indices(size))))
        picked.append(piece)
    _slice_value(site, shape, picked)
    return [tuple(result)]


def _int(value: float | None) -> int | None:
    return None if value is None else int(value)


def _slice_of_unknown(low: float | None, high: float | None, step: float | None, *, vague: bool) -> Dim:
    """The size of a slice of an axis of unknown size: none can be told but of ``x[-3:]``."""
    if vague or step != 1 or low is None or low >= 0 or (high is not None and high >= 0):
        return None
    return None if high is None else max(0, int(high - low))


def _slice_items(
    shape: tuple[Dim, ...], count: int, masks: dict[str, int]
) -> list[tuple[int | None, int | None]] | None:
    """Per item of the index (its place in the spec, the axis it is about; None for none)."""
    new = bin(masks["new_axis"] & ((1 << count) - 1)).count("1")
    dots = masks["ellipsis"]
    used = count - new - (1 if dots else 0)
    rest = len(shape) - used
    if rest < 0:
        return None
    items: list[tuple[int | None, int | None]] = []
    axis = 0
    for k in range(count):
        if dots >> k & 1:
            items.extend((None, axis + j) for j in range(rest))
            axis += rest
        elif masks["new_axis"] >> k & 1:
            items.append((k, None))
        else:
            items.append((k, axis))
            axis += 1
    items.extend((None, j) for j in range(axis, len(shape)))
    return items


def _slice_value(site: Site, shape: tuple[Dim, ...], picked: list[slice | int | None]) -> None:
    value = site.value(0)
    if value is None or len(shape) != 1 or len(picked) != 1 or picked[0] is None:
        return
    piece = picked[0]
    if isinstance(piece, slice):
        site.set_value(value[piece])
    elif -len(value) <= piece < len(value):
        site.set_value((value[piece],))


def gather(site: Site) -> Sequence[Shape]:
    """Gather, GatherV2, ResourceGather: the indices take the axis' place."""
    resource = site.node.op == "ResourceGather"
    params = site.element(0) if resource else site.shape(0)
    indices = site.shape(1)
    axis = 0
    if site.node.op == "GatherV2":
        given = site.scalar(2)
        if given is None:
            return [None]
        axis = int(given)
    batch = site.integer("batch_dims")
    value, chosen = site.value(0), site.value(1)
    if not resource and value is not None and chosen is not None and params is not None and len(params) == 1:
        taken = [None if k is None else int(k) for k in chosen]
        if all(k is not None and -len(value) <= k < len(value) for k in taken):
            site.set_value(tuple(value[k] for k in taken if k is not None))
    if params is None or indices is None:
        return [None]
    place = axis % len(params)
    return [(*params[:place], *indices[batch:], *params[place + 1 :])]


def gather_nd(site: Site) -> Sequence[Shape]:
    """GatherNd: the last axis of the indices names places."""
    params = site.element(0) if site.node.op == "ResourceGatherNd" else site.shape(0)
    indices = site.shape(1)
    if params is None or not indices or indices[-1] is None:
        return [None]
    return [(*indices[:-1], *params[indices[-1] :])]


def scatter_nd(site: Site) -> Sequence[Shape]:
    """ScatterNd: the third input is the shape."""
    return [as_shape(site.value(2))]


def fill(site: Site) -> Sequence[Shape]:
    """Fill: sizes, and the value that is everywhere."""
    sizes = site.value(0)
    if sizes is None:
        length = site.shape(0)
        return [unknown(length[0]) if length and length[0] is not None else None]
    count = product(None if size is None else int(size) for size in sizes)
    value = site.scalar(1)
    if count is not None and count <= 64 and value is not None:
        site.set_value((value,) * count)
    return [as_shape(sizes)]


def sized(site: Site) -> Sequence[Shape]:
    """Random ops, Empty, BroadcastTo…: an input is the shape."""
    k = 1 if site.node.op == "BroadcastTo" else 0
    value = site.value(k)
    if value is None:
        length = site.shape(k)
        return [unknown(length[0]) if length and length[0] is not None else None]
    return [as_shape(value)]


def range_op(site: Site) -> Sequence[Shape]:
    """Range: start, limit, delta."""
    start, limit, delta = (site.scalar(k) for k in range(3))
    if start is None or limit is None or not delta:
        return [(None,)]
    count = max(0, math.ceil((limit - start) / delta))
    if count <= LIMIT and all(isinstance(item, int) for item in (start, limit, delta)):
        site.set_value(tuple(range(start, limit, delta)))
    return [(count,)]


def tile(site: Site) -> Sequence[Shape]:
    """Tile: each size times its multiple."""
    shape, multiples = site.shape(0), site.value(1)
    if multiples is None:
        return [None if shape is None else unknown(len(shape))]
    if shape is None:
        return [unknown(len(multiples))]
    value = site.value(0)
    if (
        value is not None
        and len(shape) == 1
        and multiples[0] is not None
        and len(value) * multiples[0] <= LIMIT
    ):
        site.set_value(value * int(multiples[0]))
    return [
        tuple(times(size, None if m is None else int(m)) for size, m in zip(shape, multiples, strict=True))
    ]


def pad(site: Site) -> Sequence[Shape]:
    """Pad, PadV2, MirrorPad: the second input holds what comes before and after each axis."""
    shape, pads = site.shape(0), site.value(1)
    if shape is None:
        length = site.shape(1)
        return [unknown(length[0]) if length and length[0] is not None else None]
    if pads is None or len(pads) != 2 * len(shape):
        return [unknown(len(shape))]
    dims = [None if pad is None else int(pad) for pad in pads]
    return [tuple(plus(size, dims[2 * k], dims[2 * k + 1]) for k, size in enumerate(shape))]


def reduction(site: Site) -> Sequence[Shape]:
    """Sum, Mean, Max…: without the axes that the second input names, or with size one there."""
    shape, axes = site.shape(0), site.value(1)
    keep = site.flag("keep_dims")
    if axes is None:
        return [unknown(len(shape)) if keep and shape is not None else None]
    if shape is None:
        return [None]
    places = {int(axis) % len(shape) for axis in axes if axis is not None} if shape else set()
    if len(places) == len(shape):
        site.set_value(reduced(site.node.op, site.value(0)))
    if keep:
        return [tuple(1 if k in places else size for k, size in enumerate(shape))]
    return [tuple(size for k, size in enumerate(shape) if k not in places)]


def arg_op(site: Site) -> Sequence[Shape]:
    """ArgMax, ArgMin: without the axis."""
    shape, axis = site.shape(0), site.scalar(1)
    if shape is None:
        return [None]
    if axis is None:
        return [unknown(len(shape) - 1)]
    place = int(axis) % len(shape)
    return [(*shape[:place], *shape[place + 1 :])]


def top_k(site: Site) -> Sequence[Shape]:
    """TopK, TopKV2: values and indices of the k largest of the last axis."""
    shape = site.shape(0)
    count = site.scalar(1) if site.node.op == "TopKV2" else site.integer("k")
    if shape is None:
        return [None, None]
    found = (*shape[:-1], None if count is None else int(count))
    return [found, found]


def one_hot(site: Site) -> Sequence[Shape]:
    """OneHot: a new axis of the asked depth."""
    shape, depth = site.shape(0), site.scalar(1)
    if shape is None:
        return [None]
    axis = site.integer("axis", -1)
    place = len(shape) if axis == -1 else axis
    return [(*shape[:place], None if depth is None else int(depth), *shape[place:])]


def where(site: Site) -> Sequence[Shape]:
    """Where: as many rows as there are true elements."""
    shape = site.shape(0)
    return [(None, None if shape is None else len(shape))]


def space_to_batch(site: Site) -> Sequence[Shape]:
    """SpaceToBatchND: blocks of space go to the batch."""
    shape, block, pads = site.shape(0), site.value(1), site.value(2)
    if shape is None or block is None or pads is None:
        return [None if shape is None else unknown(len(shape))]
    result = list(shape)
    for k, size in enumerate(block):
        before, after = pads[2 * k], pads[2 * k + 1]
        result[0] = times(result[0], _int(size))
        padded = plus(shape[k + 1], _int(before), _int(after))
        result[k + 1] = None if padded is None or not size else padded // int(size)
    return [tuple(result)]


def batch_to_space(site: Site) -> Sequence[Shape]:
    """BatchToSpaceND: blocks of the batch go to space, cropped."""
    shape, block, crops = site.shape(0), site.value(1), site.value(2)
    if shape is None or block is None or crops is None:
        return [None if shape is None else unknown(len(shape))]
    result = list(shape)
    for k, size in enumerate(block):
        before, after = _int(crops[2 * k]), _int(crops[2 * k + 1])
        batch = result[0]
        result[0] = None if batch is None or not size else batch // int(size)
        grown = times(shape[k + 1], _int(size))
        cut = plus(before, after)
        result[k + 1] = None if grown is None or cut is None else grown - cut
    return [tuple(result)]


def depth_to_space(site: Site) -> Sequence[Shape]:
    """DepthToSpace, SpaceToDepth."""
    shape, block = site.shape(0), site.integer("block_size", 1)
    if shape is None or len(shape) != 4:
        return [unknown(4)]
    nchw = site.node.text("data_format") == "NCHW"
    channel, places = (1, (2, 3)) if nchw else (3, (1, 2))
    result = list(shape)
    deep = site.node.op == "SpaceToDepth"
    for place in places:
        size = shape[place]
        result[place] = None if size is None else size // block if deep else size * block
    size = shape[channel]
    result[channel] = None if size is None else size * block**2 if deep else size // block**2
    return [tuple(result)]


def iterator_next(site: Site) -> Sequence[Shape]:
    """IteratorGetNext: what the attribute says."""
    value = site.node.attr("output_shapes")
    return [] if value is None else [protos.shape_of(item) for item in value.list.shape]


def scalar(site: Site) -> Sequence[Shape]:
    """Ops that give one number."""
    return [()]


def broadcast_args(site: Site) -> Sequence[Shape]:
    """BroadcastArgs: the shape of the broadcast, as a vector."""
    first, second = as_shape(site.value(0)), as_shape(site.value(1))
    found = broadcast([first, second])
    if found is not None:
        site.set_value(found)
    return [(None if found is None else len(found),)]


def dense_to_diag(site: Site) -> Sequence[Shape]:
    """MatrixDiag, Diag: a matrix with the input on its diagonal."""
    shape = site.shape(0)
    return [None if not shape else (*shape, shape[-1])]


def diagonal(site: Site) -> Sequence[Shape]:
    """MatrixDiagPart: the main diagonal of each matrix; of others nothing is known."""
    shape, offset = site.shape(0), 0 if site.node.op == "MatrixDiagPart" else site.scalar(1)
    if shape is None or len(shape) < 2 or offset != 0:
        return [None]
    rows, columns = shape[-2:]
    return [(*shape[:-2], None if rows is None or columns is None else min(rows, columns))]


def nms(site: Site) -> Sequence[Shape]:
    """NonMaxSuppression and its versions: indices, as many as survive."""
    return [(None,), (None,), ()]


_ELEMENTWISE = """Add AddV2 Sub Mul Div DivNoNan RealDiv FloorDiv TruncateDiv Mod FloorMod TruncateMod
Pow Maximum Minimum SquaredDifference Atan2 Xlogy Xdivy Igamma Igammac Zeta Polygamma Betainc
Equal NotEqual Less LessEqual Greater GreaterEqual ApproximateEqual LogicalAnd LogicalOr LogicalNot
BitwiseAnd BitwiseOr BitwiseXor LeftShift RightShift MulNoNan Complex
Neg Floor Ceil Round Rint Abs""".split()

_SAME = """Relu Relu6 LeakyRelu Elu Selu Softplus Softsign Sigmoid Tanh Exp Expm1 Log Log1p Sqrt Rsqrt
Square Inv Reciprocal Sign Sin Cos Tan Asin Acos Atan Sinh Cosh Asinh Acosh Atanh Erf Erfc Erfinv
Lgamma Digamma Ndtri IsNan IsInf IsFinite Invert Softmax LogSoftmax LRN ZerosLike OnesLike
ClipByValue CheckNumerics RandomShuffle Cumsum Cumprod Reverse ReverseV2 ReverseSequence
Roll MatrixBandPart MatrixInverse MatrixSetDiag MatrixSetDiagV3 Cholesky InvertPermutation
HSVToRGB RGBToHSV AdjustContrastv2 AdjustHue AdjustSaturation L2Normalize
FakeQuantWithMinMaxArgs FakeQuantWithMinMaxVars FakeQuantWithMinMaxVarsPerChannel
QuantizeAndDequantize QuantizeAndDequantizeV2 QuantizeAndDequantizeV3
Real Imag Conj Angle FFT IFFT FFT2D IFFT2D EnsureShape Bucketize
StringLower StringUpper StringStrip StringToNumber StringToHashBucketFast StringToHashBucket
StringToHashBucketStrong AsString RegexReplace StaticRegexReplace DecodeBase64 EncodeBase64 StringLength
TensorScatterUpdate TensorScatterAdd Xlog1py Bessel BesselI0e
ReluGrad Relu6Grad SigmoidGrad TanhGrad SoftplusGrad EluGrad SqrtGrad RsqrtGrad LeakyReluGrad
Assign AssignAdd AssignSub ScatterUpdate ScatterAdd""".split()

_FORWARDED = """Identity RefIdentity StopGradient PreventGradient Snapshot Exit RefExit NextIteration
RefNextIteration LoopCond Print DebugGradientIdentity _EagerConst""".split()

_SIZED = """RandomUniform RandomStandardNormal RandomNormal TruncatedNormal RandomUniformInt
StatelessRandomUniform StatelessRandomNormal StatelessTruncatedNormal StatelessRandomUniformV2
StatelessRandomNormalV2 StatelessTruncatedNormalV2 Empty BroadcastTo""".split()

_SCALAR = """L2Loss IsVariableInitialized VarIsInitializedOp HashTableV2 MutableHashTableV2 IteratorV2
ReadFile ShardedFilename StringJoinScalar NoOp MergeV2Checkpoints""".split()

RULES: dict[str, Rule] = {
    **dict.fromkeys(_ELEMENTWISE, elementwise_op),
    **dict.fromkeys(_SAME, same),
    **dict.fromkeys(_FORWARDED, forwarded),
    **dict.fromkeys(_SIZED, sized),
    **dict.fromkeys(_SCALAR, scalar),
    **dict.fromkeys(("Sum", "Mean", "Prod", "Max", "Min", "All", "Any", "EuclideanNorm"), reduction),
    **dict.fromkeys(("ArgMax", "ArgMin"), arg_op),
    **dict.fromkeys(("TopK", "TopKV2"), top_k),
    **dict.fromkeys(("Concat", "ConcatV2"), concat),
    **dict.fromkeys(("Gather", "GatherV2", "ResourceGather"), gather),
    **dict.fromkeys(("GatherNd", "ResourceGatherNd"), gather_nd),
    **dict.fromkeys(("Pad", "PadV2", "MirrorPad"), pad),
    **dict.fromkeys(("Placeholder", "PlaceholderV2"), placeholder),
    **dict.fromkeys(("Variable", "VariableV2", "AutoReloadVariable", "TemporaryVariable"), variable),
    **dict.fromkeys(("Enter", "RefEnter"), entered),
    **dict.fromkeys(("Switch", "RefSwitch"), switch),
    **dict.fromkeys(("Select", "SelectV2"), select),
    **dict.fromkeys(("AddN", "AccumulateNV2"), add_n),
    **dict.fromkeys(("IteratorGetNext", "IteratorGetNextSync"), iterator_next),
    **dict.fromkeys(("DepthToSpace", "SpaceToDepth"), depth_to_space),
    **dict.fromkeys(("MatrixDiagPart", "MatrixDiagPartV2", "MatrixDiagPartV3"), diagonal),
    **dict.fromkeys(("Diag", "MatrixDiag", "MatrixDiagV2", "MatrixDiagV3"), dense_to_diag),
    **dict.fromkeys(
        ("NonMaxSuppression", "NonMaxSuppressionV2", "NonMaxSuppressionV3", "NonMaxSuppressionV4",
         "NonMaxSuppressionV5"), nms,
    ),
    "Const": const, "PlaceholderWithDefault": with_default,
     "IdentityN": identity_n, "Cast": cast_op, "Bitcast": same,
    "Shape": shape_op, "ShapeN": shape_n,  "Size": size_op,
    "Rank": rank_op, "Reshape": reshape, "Transpose": transpose, "ExpandDims": expand_dims,
    "Squeeze": squeeze, "Pack": pack, "Unpack": unpack, "Split": split, "SplitV": split_v,
    "Slice": slice_op, "StridedSlice": strided_slice, "ScatterNd": scatter_nd, "Fill": fill,
    "Range": range_op, "Tile": tile, "OneHot": one_hot, "Where": where,
    "SpaceToBatchND": space_to_batch, "BatchToSpaceND": batch_to_space,
    "BroadcastArgs": broadcast_args,



}  # fmt: skip
