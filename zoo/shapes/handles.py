"""Shape rules of the ops that make and read handles: variables, tensor arrays, tensor lists."""

from __future__ import annotations

from collections.abc import Sequence

from zoo.protos import Shape
from zoo.shapes.dims import as_shape, merge
from zoo.shapes.engine import Rule, Site


def handle(site: Site) -> Sequence[Shape]:
    """VarHandleOp: a scalar handle, behind it the variable."""
    site.set_element(site.node.shape())
    return [()]


def read_variable(site: Site) -> Sequence[Shape]:
    """ReadVariableOp: what is behind the handle."""
    return [site.element(0)]


def variable_shape(site: Site) -> Sequence[Shape]:
    """VariableShape: the sizes of what is behind the handle."""
    shape = site.element(0)
    if shape is not None:
        site.set_value(shape)
    return [(None if shape is None else len(shape),)]


def tensor_array(site: Site) -> Sequence[Shape]:
    """TensorArrayV3: a handle and a flow; behind them an element."""
    shape = site.node.shape("element_shape")
    if shape is not None and (shape or site.node.attr("element_shape") is not None):
        site.set_element(shape)
    return [None, ()]


def array_scatter(site: Site) -> Sequence[Shape]:
    """TensorArrayScatterV3, WriteV3: states what an element looks like; gives the flow."""
    value = site.shape(2)
    if value is not None:
        found = value if "Write" in site.node.op else value[1:]
        site.facts.elements.setdefault(_array(site), found)
    return [()]


def array_read(site: Site) -> Sequence[Shape]:
    """TensorArrayReadV3: an element."""
    return [site.facts.elements.get(_array(site), site.node.shape("element_shape"))]


def array_gather(site: Site) -> Sequence[Shape]:
    """TensorArrayGatherV3: elements along a new first axis."""
    element = site.facts.elements.get(_array(site), site.node.shape("element_shape"))
    indices = site.shape(1)
    return [None if element is None else (indices[0] if indices else None, *element)]


def _array(site: Site) -> tuple[int, int]:
    """The TensorArrayV3 that a handle comes from."""
    body = site.facts.body
    source = site.row[0]
    for _ in range(64):
        op = body.nodes[source[0]].op
        if op not in ("Enter", "Identity", "Switch", "Merge", "RefEnter"):
            break
        source = body.sources[source[0]][0]
    return source[0], 0


def list_from(site: Site) -> Sequence[Shape]:
    """TensorListFromTensor: a handle; behind it the element."""
    tensor = site.shape(0)
    site.set_element(merge(tensor[1:] if tensor else None, as_shape(site.value(1))))
    return [()]


def list_reserve(site: Site) -> Sequence[Shape]:
    """TensorListReserve, EmptyTensorList: the element's shape is an input."""
    site.set_element(as_shape(site.value(0)) if site.shape(0) != () else None)
    return [()]


def list_set(site: Site) -> Sequence[Shape]:
    """TensorListSetItem, PushBack: the handle, with what is now known of an element."""
    k = 2 if site.node.op == "TensorListSetItem" else 1
    site.set_element(merge(site.shape(k), site.element(0)))
    return [()]


def list_get(site: Site) -> Sequence[Shape]:
    """TensorListGetItem: an element."""
    asked = as_shape(site.value(2)) if site.shape(2) != () else None
    return [merge(asked, site.element(0))]


def list_pop(site: Site) -> Sequence[Shape]:
    """TensorListPopBack: the handle and an element."""
    site.set_element(site.element(0))
    return [(), site.element(0)]


def list_stack(site: Site) -> Sequence[Shape]:
    """TensorListStack: elements along a new first axis."""
    asked = as_shape(site.value(1)) if site.shape(1) != () else None
    element = merge(asked, site.element(0))
    count = site.integer("num_elements", -1)
    return [None if element is None else (count if count >= 0 else None, *element)]


RULES: dict[str, Rule] = {
    "VarHandleOp": handle,
    "ReadVariableOp": read_variable,
    "VariableShape": variable_shape,
    "TensorArrayV3": tensor_array,
    "TensorArrayScatterV3": array_scatter,
    "TensorArrayWriteV3": array_scatter,
    "TensorArrayReadV3": array_read,
    "TensorArrayGatherV3": array_gather,
    "TensorListFromTensor": list_from,
    "TensorListReserve": list_reserve,
    "EmptyTensorList": list_reserve,
    "TensorListSetItem": list_set,
    "TensorListPushBack": list_set,
    "TensorListGetItem": list_get,
    "TensorListPopBack": list_pop,
    "TensorListStack": list_stack,
}
