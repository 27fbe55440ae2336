"""Cut the graph at its feeds: placeholders where examples come in, constants for folded inputs."""

from __future__ import annotations

import functools
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence

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


def apply(
    body: Body,
    graph: Graph,
    cone: Callable[[], Sequence[Draft]],
    feeds: Sequence[Feed],
    folds: Mapping[str, Scalar],
) -> tuple[dict[str, Tensor], dict[Tensor, Scalar]]:
    """Cut at all feeds and folds: feed name → tensor to feed, folded tensor → its value.

    ``cone`` gives what the outputs need before the cut.  A placeholder stays as it is.  Any other node
    becomes a placeholder of its name, unless more of it is needed: then a new one is ``node_k``.

    Raises:
        FreezeError: there is no such tensor, or its type cannot hold the value.
    """
    cuts = {_tensor(body, text, "feed") for text in (feed.tensor for feed in feeds)}
    cuts |= {_tensor(body, text, "fold") for text in folds}

    @functools.cache
    def ports() -> dict[str, set[str]]:
        return _ports(body, cone())

    def others(tensor: Tensor) -> bool:
        """Whether an output of the same node is needed that is not cut itself."""
        readers = graph.consumers[graph.index[tensor[0]]]
        read = {str(k) for _, k in readers if k >= 0}
        if all((tensor[0], port) in cuts for port in read):
            return False
        return any((tensor[0], port) not in cuts for port in ports().get(tensor[0], ()))

    fed: dict[str, Tensor] = {}
    for feed in feeds:
        tensor = _tensor(body, feed.tensor, "feed")
        if not _is_placeholder(body, graph.node(tensor[0])):
            attrs = {"dtype": wire.type_attr(feed.dtype), "shape": wire.shape_attr(feed.shape)}
            tensor = _take_place(body, tensor, "Placeholder", attrs, others=others(tensor))
        fed[feed.tensor] = tensor
    folded: dict[Tensor, Scalar] = {}
    for text, value in folds.items():
        tensor = _tensor(body, text, "fold")
        attrs = _fold_attrs(graph.node(tensor[0]), int(tensor[1]), value, what=f"fold {text!r}")
        folded[_take_place(body, tensor, "Const", attrs, others=others(tensor))] = value
    return fed, folded


def _is_placeholder(body: Body, node: Node) -> bool:
    if node.op != "PlaceholderWithDefault":
        return node.op in PLACEHOLDERS
    # A default that is computed would drag its own inputs into the frozen graph.
    default = body.original(body.parse(node.inputs[0])[0]) if node.inputs else None
    return default is not None and default.op == "Const"


def _fold_attrs(node: Node, k: int, value: Scalar, *, what: str) -> dict[str, bytes]:
    dtype = output_dtype(node, k) or _natural_dtype(value)
    shape = node.shape() if node.op in PLACEHOLDERS else ()
    sizes = tuple(size for size in shape or () if size is not None)
    whole = sizes if shape is not None and len(sizes) == len(shape) else ()
    return constant_attrs(dtype, whole, value, what=what)


def constant_attrs(dtype: str, shape: tuple[int, ...], value: Scalar, *, what: str) -> dict[str, bytes]:
    """The attributes of a Const that holds ``value`` everywhere.

    Raises:
        FreezeError: the type cannot hold the value.
    """
    if dtype not in DTYPE_SIZES:
        raise FreezeError(f"{what}: expected a number or bool to replace, found {dtype}")
    content = np.full(shape, value, dtype=numpy_dtype(dtype)).tobytes()
    return {"dtype": wire.type_attr(dtype), "value": wire.tensor_attr(dtype, shape, content)}


def cut_pipeline(body: Body, cone: Sequence[Draft]) -> dict[str, Tensor]:
    """Replace what the input pipeline still feeds into the cone; tensor name → its placeholder."""
    found: dict[str, Tensor] = {}
    pipeline = {op for op in {draft.op for draft in cone} if PIPELINE.fullmatch(op)}
    ports = _ports(body, cone) if pipeline else {}
    for draft in cone:
        if draft.op not in pipeline or draft.node is None:
            continue
        for port in sorted(ports.get(draft.name, ())):
            k = int(port)
            dtype = output_dtype(draft.node, k)
            if dtype in DTYPE_SIZES or dtype == "string":
                attrs = {
                    "dtype": wire.type_attr(dtype),
                    "shape": wire.shape_attr(output_shape(draft.node, k)),
                }
                found[f"{draft.name}:{k}"] = _take_place(
                    body, (draft.name, port), "Placeholder", attrs, others=False
                )
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


def _take_place(body: Body, tensor: Tensor, op: str, attrs: dict[str, bytes], *, others: bool) -> Tensor:
    """Put a node without inputs in the place of a tensor; ``others``: its node is needed as well."""
    name, port = tensor
    if port == "0" and not others:
        body.put(name, op, attrs)
        return tensor
    draft = body.add(f"{name}_{port}", op, attrs, near=name)
    body.alias[tensor] = (draft.name, "0")
    return draft.name, "0"


def _ports(body: Body, cone: Iterable[Draft]) -> dict[str, set[str]]:
    """Node → the outputs of it that the cone reads."""
    ports: dict[str, set[str]] = defaultdict(set)
    for draft in cone:
        for name, port in body.data_inputs(draft):
            ports[name].add(port)
    return ports


def _natural_dtype(value: Scalar) -> str:
    if isinstance(value, bool):
        return "bool"
    return "int32" if isinstance(value, int) else "float32"
