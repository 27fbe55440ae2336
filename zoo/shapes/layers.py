"""Shape rules of the ops that layers are made of: convolution, pooling, products, recurrent cells."""

from __future__ import annotations

from collections.abc import Sequence

from zoo.protos import Shape
from zoo.shapes.dims import Dim, broadcast, merge, times, unknown, window
from zoo.shapes.engine import Rule, Site


def data_format(site: Site, rank: int) -> str:
    """``NHWC``, ``NCHW``, ``NDHWC`` … as the node says."""
    text = site.node.text("data_format")
    return text or {3: "NWC", 4: "NHWC", 5: "NDHWC"}.get(rank, "NHWC")


def spatial_axes(layout: str) -> list[int]:
    """The axes that a window slides along."""
    return [axis for axis, letter in enumerate(layout[: len(layout)]) if letter in "DHW"]


def convolution(site: Site) -> Sequence[Shape]:
    """Conv2D, Conv3D: filter [spatial…, in/groups, out]."""
    rank = 5 if site.node.op == "Conv3D" else 4
    images, kernel = site.shape(0), site.shape(1)
    return [_slide(site, images, kernel, rank, kernel[-1] if kernel else None)]


def depthwise(site: Site) -> Sequence[Shape]:
    """DepthwiseConv2dNative: filter [height, width, in, multiplier]."""
    kernel = site.shape(1)
    out = times(kernel[2], kernel[3]) if kernel is not None and len(kernel) == 4 else None
    return [_slide(site, site.shape(0), kernel, 4, out)]


def _slide(site: Site, images: Shape, kernel: Shape, rank: int, channels: Dim) -> Shape:
    if images is None:
        images = unknown(rank)
    if images is None or len(images) != rank:
        return None
    layout = data_format(site, rank)
    strides = site.integers("strides") or [1] * rank
    dilations = site.integers("dilations") or [1] * rank
    padding = site.node.text("padding") or "VALID"
    explicit = site.integers("explicit_paddings") or [0] * (2 * rank)
    result = list(images)
    for place, axis in enumerate(spatial_axes(layout)):
        size = kernel[place] if kernel is not None and place < len(kernel) else None
        pads = (explicit[2 * axis], explicit[2 * axis + 1])
        result[axis] = window(images[axis], size, strides[axis], dilations[axis], padding, pads)
    result[layout.index("C")] = channels
    return tuple(result)


def transposed(site: Site) -> Sequence[Shape]:
    """Conv2DBackpropInput and kin: the first input is the output's shape."""
    value = site.value(0)
    rank = 5 if "3D" in site.node.op else 4
    result = unknown(rank) if value is None else tuple(None if size is None else int(size) for size in value)
    kernel = site.shape(1)
    if kernel is not None and len(kernel) == rank and result is not None:
        layout = data_format(site, rank)
        channels = [None] * rank
        axis = layout.index("C")
        depth = kernel[2] if site.node.op.startswith("Depthwise") else kernel[-2]
        sizes: list[Dim] = list(channels)
        sizes[axis] = depth
        images = site.shape(2)
        if images is not None and len(images) == rank:
            sizes[0] = images[0]
        return [merge(result, tuple(sizes))]
    return [result]


def filter_gradient(site: Site) -> Sequence[Shape]:
    """Conv2DBackpropFilter: the second input is the filter's shape."""
    value = site.value(1)
    return [None if value is None else tuple(None if size is None else int(size) for size in value)]


def pooling(site: Site) -> Sequence[Shape]:
    """MaxPool, AvgPool, their 3-D forms and MaxPoolWithArgmax."""
    images = site.shape(0)
    rank = 5 if "3D" in site.node.op else 4
    if images is None or len(images) != rank:
        return [unknown(rank)] * (2 if site.node.op.endswith("Argmax") else 1)
    layout = data_format(site, rank)
    sizes = site.integers("ksize") or [int(size or 1) for size in site.value(1) or [1] * rank]
    strides = site.integers("strides") or [int(size or 1) for size in site.value(2) or [1] * rank]
    padding = site.node.text("padding") or "VALID"
    explicit = site.integers("explicit_paddings") or [0] * (2 * rank)
    result = [
        window(size, sizes[axis], strides[axis], 1, padding, (explicit[2 * axis], explicit[2 * axis + 1]))
        for axis, size in enumerate(images)
    ]
    result[layout.index("C")] = images[layout.index("C")]
    return [tuple(result)] * (2 if site.node.op.endswith("Argmax") else 1)


def dilation(site: Site) -> Sequence[Shape]:
    """Dilation2D, Erosion2D."""
    images, kernel = site.shape(0), site.shape(1)
    if images is None or kernel is None:
        return [unknown(4)]
    strides, rates = site.integers("strides"), site.integers("rates")
    padding = site.node.text("padding") or "VALID"
    height, width = (
        window(images[axis], kernel[axis - 1], strides[axis], rates[axis], padding, (0, 0)) for axis in (1, 2)
    )
    return [(images[0], height, width, images[3])]


def batch_norm(site: Site) -> Sequence[Shape]:
    """FusedBatchNorm and its versions: the images, and four vectors of channels."""
    images, scale = site.shape(0), site.shape(1)
    vector = scale if scale is not None else (None,)
    return [images, vector, vector, vector, vector, None]


def matmul(site: Site) -> Sequence[Shape]:
    """MatMul and the batched forms, transposed as the attributes say."""
    a, b = site.shape(0), site.shape(1)
    batched = site.node.op.startswith("Batch")
    flip_a = site.flag("adj_x") if batched else site.flag("transpose_a") or site.flag("adjoint_a")
    flip_b = site.flag("adj_y") if batched else site.flag("transpose_b") or site.flag("adjoint_b")
    if not batched:
        a, b = (unknown(2) if shape is None else shape for shape in (a, b))
    if a is None or b is None or len(a) < 2 or len(b) < 2:
        return [None]
    rows = a[-1] if flip_a else a[-2]
    columns = b[-2] if flip_b else b[-1]
    lead = broadcast([a[:-2], b[:-2]])
    return [None if lead is None else (*lead, rows, columns)]


def sparse_matmul(site: Site) -> Sequence[Shape]:
    """SparseTensorDenseMatMul: indices, values, shape, dense."""
    value, dense = site.value(2), site.shape(3)
    rows = int(value[0]) if value is not None and value[0] is not None else None
    return [(rows, dense[-1] if dense else None)]


def equation_sizes(site: Site) -> tuple[str, dict[str, Dim], tuple[Dim, ...]] | None:
    """An Einsum's output labels, the size of every label, and the sizes ``...`` stands for."""
    equation = (site.node.text("equation") or "").replace(" ", "")
    if "->" not in equation:
        return None
    left, right = equation.split("->")
    sizes: dict[str, Dim] = {}
    dots: list[Shape] = []
    for labels, shape in zip(left.split(","), site.ins, strict=True):
        if shape is None:
            continue
        before, mark, after = labels.partition("...")
        middle = len(shape) - len(before) - len(after)
        if middle < 0 or (middle and not mark):
            return None
        pairs = [*zip(before, shape, strict=False), *zip(after, shape[len(before) + middle :], strict=True)]
        for label, size in pairs:
            if sizes.get(label) in (None, 1):
                sizes[label] = size
        dots.append(shape[len(before) : len(before) + middle])
    return right, sizes, broadcast(dots) or ()


def einsum(site: Site) -> Sequence[Shape]:
    """Einsum: the labels after the arrow."""
    found = equation_sizes(site)
    if found is None:
        return [None]
    right, sizes, dots = found
    before, mark, after = right.partition("...")
    if any(shape is None for shape in site.ins) and mark:
        return [None]
    return [(*(sizes.get(x) for x in before), *(dots if mark else ()), *(sizes.get(x) for x in after))]


def bias_add(site: Site) -> Sequence[Shape]:
    """BiasAdd: the first input, with the bias telling the channels."""
    value, bias = site.shape(0), site.shape(1)
    if value is None or bias is None or len(bias) != 1:
        return [value]
    axis = 1 if site.node.text("data_format") == "NCHW" else len(value) - 1
    return [merge(value, tuple(bias[0] if k == axis else None for k in range(len(value))))]


def cross_entropy(site: Site) -> Sequence[Shape]:
    """The softmax losses: a number for each row, and the gradient."""
    logits = site.shape(0)
    return [None if logits is None else logits[:1], logits]


def cudnn_rnn(site: Site) -> Sequence[Shape]:
    """CudnnRNN: [time, batch, in] → [time, batch, units × directions], final states."""
    inputs, state = site.shape(0), site.shape(1)
    if inputs is None or state is None or len(inputs) != 3 or len(state) != 3:
        return [None, state, state]
    ways = 2 if site.node.text("direction") == "bidirectional" else 1
    return [(inputs[0], inputs[1], times(state[2], ways)), state, site.shape(2), None, None]


def block_lstm(site: Site) -> Sequence[Shape]:
    """BlockLSTM: [time, batch, in] → seven of [time, batch, units]."""
    inputs, state = site.shape(1), site.shape(2)
    if inputs is None or state is None:
        return [None] * 7
    return [(inputs[0], inputs[1], state[-1])] * 7


def block_cell(site: Site) -> Sequence[Shape]:
    """LSTMBlockCell, GRUBlockCell: all outputs look like the state."""
    return [site.shape(1)] * (4 if site.node.op.startswith("GRU") else 7)


def resize(site: Site) -> Sequence[Shape]:
    """ResizeBilinear and kin: the second input is the new height and width."""
    images, size = site.shape(0), site.value(1)
    height, width = size if size is not None and len(size) == 2 else (None, None)
    batch, channels = (images[0], images[3]) if images is not None and len(images) == 4 else (None, None)
    return [(batch, None if height is None else int(height), None if width is None else int(width), channels)]


def crop_and_resize(site: Site) -> Sequence[Shape]:
    """CropAndResize: images, boxes, box_ind, crop_size."""
    images, boxes, size = site.shape(0), site.shape(1), site.value(3)
    height, width = size if size is not None and len(size) == 2 else (None, None)
    return [
        (
            boxes[0] if boxes else None,
            None if height is None else int(height),
            None if width is None else int(width),
            images[3] if images else None,
        )
    ]


def local_rows(site: Site) -> Sequence[Shape]:
    """ExtractImagePatches: windows laid out along the channels."""
    images = site.shape(0)
    sizes, strides, rates = site.integers("ksizes"), site.integers("strides"), site.integers("rates")
    if images is None or len(images) != 4:
        return [unknown(4)]
    padding = site.node.text("padding") or "VALID"
    height, width = (
        window(images[axis], sizes[axis], strides[axis], rates[axis], padding, (0, 0)) for axis in (1, 2)
    )
    return [(images[0], height, width, times(images[3], sizes[1] * sizes[2]))]


def spectrogram(site: Site) -> Sequence[Shape]:
    """AudioSpectrogram: [samples, channels] → [channels, frames, bins]."""
    audio = site.shape(0)
    size, stride = site.integer("window_size"), site.integer("stride")
    bins = 1 << max(0, (size - 1).bit_length())
    samples = audio[0] if audio is not None and len(audio) == 2 else None
    frames = None if samples is None else max(0, 1 + (samples - size) // stride)
    return [(audio[1] if audio else None, frames, bins // 2 + 1)]


def mfcc(site: Site) -> Sequence[Shape]:
    """Mfcc: [channels, frames, bins] → [channels, frames, coefficients]."""
    bins = site.shape(0)
    count = site.integer("dct_coefficient_count", 13)
    return [(None, None, count) if bins is None else (bins[0], bins[1], count)]


RULES: dict[str, Rule] = {
    "Conv2D": convolution, "Conv3D": convolution, "_FusedConv2D": convolution,
    "QuantizedConv2D": convolution, "DepthwiseConv2dNative": depthwise,
    "Conv2DBackpropInput": transposed, "Conv3DBackpropInputV2": transposed,
    "DepthwiseConv2dNativeBackpropInput": transposed,
    "Conv2DBackpropFilter": filter_gradient, "Conv3DBackpropFilterV2": filter_gradient,
    "MaxPool": pooling, "AvgPool": pooling, "MaxPool3D": pooling, "AvgPool3D": pooling,
    "MaxPoolV2": pooling, "MaxPoolWithArgmax": pooling, "Dilation2D": dilation,
    "FusedBatchNorm": batch_norm, "FusedBatchNormV2": batch_norm, "FusedBatchNormV3": batch_norm,
    "MatMul": matmul, "BatchMatMul": matmul, "BatchMatMulV2": matmul, "BatchMatMulV3": matmul,
    "SparseMatMul": matmul, "_FusedMatMul": matmul, "SparseTensorDenseMatMul": sparse_matmul,
    "Einsum": einsum, "BiasAdd": bias_add, "BiasAddV1": bias_add,
    "SoftmaxCrossEntropyWithLogits": cross_entropy,
    "SparseSoftmaxCrossEntropyWithLogits": cross_entropy,
    "CudnnRNN": cudnn_rnn, "CudnnRNNV2": cudnn_rnn, "CudnnRNNV3": cudnn_rnn,
    "BlockLSTM": block_lstm, "BlockLSTMV2": block_lstm,
    "LSTMBlockCell": block_cell, "GRUBlockCell": block_cell,
    "ResizeBilinear": resize, "ResizeNearestNeighbor": resize, "ResizeBicubic": resize,
    "ResizeArea": resize, "ScaleAndTranslate": resize, "CropAndResize": crop_and_resize,
    "ExtractImagePatches": local_rows, "AudioSpectrogram": spectrogram, "Mfcc": mfcc,
}  # fmt: skip
