"""Cut the graph at its feeds: placeholders where examples come in, constants for folded inputs."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import numpy as np

from zoo.errors import FreezeError
from zoo.freezing import wire
from zoo.freezing.body import Body, Draft, Tensor
from zoo.freezing.ops import PIPELINE
from zoo.graph import Graph, Node
from zoo.model import Feed
from zoo.names import nearest
from zoo.protos import DTYPE_SIZES, Shape, dtype_name
from zoo.weights import numpy_dtype

PLACEHOLDERS = frozenset({"Placeholder", "PlaceholderV2", "PlaceholderWithDefault"})

Scalar = bool | int | float


def place_feed(body: Body, graph: Graph, feed: Feed) -> Tensor:
    """Make ``feed`` the boundary of the graph; the tensor to feed from now on.

    A placeholder stays as it is.  Any other node of that name becomes a placeholder, unless another
    of its outputs is fed or needed: then a new placeholder gets the name ``node_k``.

    Raises:
        FreezeError: there is no such tensor.
    """
    name, port = _tensor(body, feed.tensor, "feed")
    node = graph.node(name)
    if node.op == "PlaceholderWithDefault" and (default := body.original(body.parse(node.inputs[0])[0])):
        if default.op == "Const":
            return name, port
    elif node.op in PLACEHOLDERS:
        return name, port
    attrs = {"dtype": wire.type_attr(feed.dtype), "shape": wire.shape_attr(feed.shape)}
    return _take_place(body, graph, (name, port), "Placeholder", attrs)


def place_fold(body: Body, graph: Graph, tensor: str, value: Scalar) -> Tensor:
    """Put a constant in the place of a tensor; the constant's tensor.

    Raises:
        FreezeError: there is no such tensor, or its type cannot hold the value.
    """
    name, port = _tensor(body, tensor, "fold")
    node = graph.node(name)
    dtype = output_dtype(node, int(port)) or _natural_dtype(value)
    shape = node.shape() if node.op in PLACEHOLDERS else ()
    sizes = tuple(size for size in shape or () if size is not None)
    whole = sizes if shape is not None and len(sizes) == len(shape) else ()
    attrs = constant_attrs(dtype, whole, value, what=f"fold {tensor!r}")
    return _take_place(body, graph, (name, port), "Const", attrs)


def constant_attrs(dtype: str, shape: tuple[int, ...], value: Scalar, *, what: str) -> dict[str, bytes]:
    """The attributes of a Const that holds ``value`` everywhere.

    Raises:
        FreezeError: the type cannot hold the value.
    """
    if dtype not in DTYPE_SIZES:
        raise FreezeError(f"{what}: expected a number or bool to replace, found {dtype}")
    content = np.full(shape, value, dtype=numpy_dtype(dtype)).tobytes()
    return {"dtype": wire.type_attr(dtype), "value": wire.tensor_attr(dtype, shape, content)}


def cut_pipeline(body: Body, graph: Graph, cone: Sequence[Draft]) -> dict[str, Tensor]:
    """Replace what the input pipeline still feeds into the cone; tensor name → its placeholder."""
    found: dict[str, Tensor] = {}
    for draft in cone:
        for tensor in body.data_inputs(draft):
            source = body.draft(tensor[0])
            if source is None or not PIPELINE.fullmatch(source.op) or source.node is None:
                continue
            k = int(tensor[1])
            dtype = output_dtype(source.node, k)
            name = f"{tensor[0]}:{k}"
            if dtype is not None and name not in found:
                found[name] = tensor
                attrs = {
                    "dtype": wire.type_attr(dtype),
                    "shape": wire.shape_attr(output_shape(source.node, k)),
                }
                found[name] = _take_place(body, graph, tensor, "Placeholder", attrs)
    return found


def output_dtype(node: Node, k: int) -> str | None:
    """The dtype of output ``k`` as far as the node's attributes say it."""
    for key in ("output_types", "component_types", "dtypes", "Tout", "out_types"):
        value = node.attr(key)
        if value is not None and value.WhichOneof("kind") == "list":
            types = value.list.type
            return dtype_name(types[k]) if k < len(types) else None
    if re.fullmatch(r"Reader(Read|ReadUpTo)(V2)?", node.op):
        return "string"
    for key in ("dtype", "T", "DstT", "output_type", "out_type"):
        if (dtype := node.dtype(key)) is not None:
            return dtype
    return None


def output_shape(node: Node, k: int) -> Shape:
    """The static shape of output ``k`` as far as the node's attributes say it."""
    for key in ("output_shapes", "shapes", "_output_shapes"):
        value = node.attr(key)
        if value is not None and k < len(value.list.shape):
            proto = value.list.shape[k]
            if proto.unknown_rank:
                return None
            return tuple(None if dim.size < 0 else int(dim.size) for dim in proto.dim)
    return None


def _tensor(body: Body, text: str, what: str) -> Tensor:
    tensor = body.parse(text)
    if tensor[0] not in body or tensor[1] == "^":
        near = nearest(tensor[0], body.names())
        hint = f"nearest: {', '.join(near)}" if near else None
        raise FreezeError(f"{what} {text!r}: expected a tensor of the graph, found no such node", hint=hint)
    return tensor


def _take_place(body: Body, graph: Graph, tensor: Tensor, op: str, attrs: dict[str, bytes]) -> Tensor:
    name, port = tensor
    i = graph.index[name]
    others = {k for _, k in graph.consumers[i] if k >= 0 and str(k) != port}
    if port == "0" and not others:
        body.put(name, op, attrs)
        return tensor
    # Another output is read as well: it may be cut by itself, or be needed as it is.
    draft = body.add(f"{name}_{port}", op, attrs, near=name)
    body.alias[tensor] = (draft.name, "0")
    return draft.name, "0"


def _natural_dtype(value: Scalar) -> str:
    if isinstance(value, bool):
        return "bool"
    return "int32" if isinstance(value, int) else "float32"


def apply(
    body: Body, graph: Graph, feeds: Sequence[Feed], folds: Mapping[str, Scalar]
) -> tuple[dict[str, Tensor], dict[Tensor, Scalar]]:
    """Cut at all feeds and folds: feed name → tensor to feed, folded tensor → its value."""
    fed = {feed.tensor: place_feed(body, graph, feed) for feed in feeds}
    folded = {place_fold(body, graph, tensor, value): value for tensor, value in folds.items()}
    return fed, folded
