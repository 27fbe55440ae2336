"""A MetaGraphDef message as a `zoo.graph.MetaGraph`, in one pass."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from zoo import protos
from zoo.errors import ReadError
from zoo.graph import Graph, MetaGraph, Saver, Signature, TensorRef

# Any op name that TensorFlow itself accepts (op_def_builder.cc), a namespace in front included;
# function names are called like ops and are freer.
_OP = re.compile(r"[A-Za-z_][A-Za-z0-9_.\\/>+-]*")
_VARIABLE_COLLECTIONS = (
    "variables", "trainable_variables", "model_variables", "local_variables", "moving_average_variables",
    "metric_variables", "global_step", "concatenated_variables",
)  # fmt: skip


def checked_graph(proto: Any, name: str) -> Graph:
    """The Graph in a GraphDef message; parsing is not proof, so its names and ops are looked at.

    Raises:
        ReadError: it is the message of another project that happens to parse.
    """
    if not proto.node and not proto.library.function:
        raise ReadError(f"{name}: expected a GraphDef with nodes, found none")
    try:
        graph = Graph.from_proto(proto)
    except ReadError:
        nameless = sum(not node.name for node in proto.node)
        if not nameless:
            raise  # two nodes of one name
        ops = [node.op for node in proto.node[:3]]
        raise _foreign(ops, name, f"{nameless} of {len(proto.node)} nodes have no name") from None
    return of_tensorflow(graph, name)


def of_tensorflow(graph: Graph, name: str) -> Graph:
    """The same graph, its ops looked at.

    Raises:
        ReadError: it is another project's, whose messages happen to parse.
    """
    strange = sorted(op for op in graph.by_op if not _OP.fullmatch(op))
    if strange:
        raise _foreign([node.op for node in graph.nodes[:3]], name, f"an op is called {strange[0][:40]!r}")
    return graph


def _foreign(ops: Iterable[str], name: str, found: str) -> ReadError:
    shown = ", ".join(repr(op[:20]) for op in ops)
    return ReadError(
        f"{name}: parses as a GraphDef but is none: {found} (its ops: {shown})",
        hint="it is a protobuf of another project",
    )


def meta_graph(proto: Any, name: str, graph: Graph | None = None) -> MetaGraph:
    """What a MetaGraphDef message says, in our terms; ``graph`` is its graph if the message has none.

    Raises:
        ReadError: its graph is none.
    """
    info = proto.meta_info_def
    defs = list(_variable_defs(proto))
    named: dict[str, list[str]] = {}
    for key, item in defs:
        named.setdefault(key, []).append(item.variable_name)
    collections: dict[str, tuple[str, ...]] = {}
    for entry in proto.collection_def:
        kind = entry.value.WhichOneof("kind")
        if kind == "node_list":
            collections[entry.key] = tuple(entry.value.node_list.value)
        elif kind == "bytes_list" and entry.key in named:
            collections[entry.key] = tuple(named[entry.key])
    assets = {asset.filename: asset.tensor_info.name for asset in proto.asset_file_def}
    graph = checked_graph(proto.graph_def, name) if graph is None else of_tensorflow(graph, name)
    return MetaGraph(
        graph=graph,
        tags=tuple(info.tags),
        tensorflow_version=info.tensorflow_version,
        signatures=(*_signatures(proto), *_legacy_signatures(proto, graph)),
        saver=_saver(proto),
        collections=collections,
        trainable=frozenset(_trainable(proto, defs)),
        partitions=dict(_partitions(defs)),
        assets=assets or dict(_legacy_assets(proto)),
        object_graph=_objects(proto),
    )


def _objects(proto: Any) -> Any:
    """The SavedObjectGraph: a copy, for a part of a message keeps the whole of it in memory."""
    if not proto.HasField("object_graph_def"):
        return None
    objects = protos.SavedObjectGraph()
    objects.CopyFrom(proto.object_graph_def)
    return objects


def bare_graph(graph: Graph) -> MetaGraph:
    """A GraphDef as a MetaGraph that says nothing more."""
    return MetaGraph(graph=graph)


def producer_of(meta: MetaGraph) -> str | None:
    """The TensorFlow version that wrote it, or what the GraphDef says about its own."""
    if meta.tensorflow_version:
        return meta.tensorflow_version
    return f"GraphDef version {meta.graph.producer}" if meta.graph.producer else None


def _saver(proto: Any) -> Saver | None:
    if not proto.HasField("saver_def") or not proto.saver_def.restore_op_name:
        return None
    saver = proto.saver_def
    return Saver(
        filename_tensor=saver.filename_tensor_name,
        save_tensor=saver.save_tensor_name,
        restore_op=saver.restore_op_name,
        sharded=saver.sharded,
    )


def _variable_defs(proto: Any) -> Iterator[tuple[str, Any]]:
    """(collection, VariableDef) for everything that the collections hold as one."""
    known: dict[bytes, Any] = {}  # most variables are in several
    for entry in proto.collection_def:
        if entry.value.WhichOneof("kind") != "bytes_list":
            continue
        if entry.key not in _VARIABLE_COLLECTIONS and "variables" not in entry.key:
            continue
        for data in entry.value.bytes_list.value:
            item = known.get(data)
            if item is None:
                try:
                    item = known[data] = protos.VariableDef.FromString(data)
                except protos.DecodeError:
                    continue  # a collection of some other message that is called like this
            if item.variable_name:
                yield entry.key, item


def _node(tensor: str) -> str:
    return tensor.partition(":")[0]


def _trainable(proto: Any, defs: list[tuple[str, Any]]) -> Iterator[str]:
    for key, item in defs:
        if key == "trainable_variables":
            yield _node(item.variable_name)
    for node in proto.object_graph_def.nodes:
        if node.WhichOneof("kind") == "variable" and node.variable.trainable:
            yield node.variable.name


def _partitions(
    defs: list[tuple[str, Any]],
) -> Iterator[tuple[str, tuple[str, tuple[int, ...], tuple[int, ...], tuple[int, ...]]]]:
    for _, item in defs:
        info = item.save_slice_info_def
        if info.full_name:
            yield (
                _node(item.variable_name),
                (info.full_name, tuple(info.full_shape), tuple(info.var_offset), tuple(info.var_shape)),
            )


def _signatures(proto: Any) -> Iterator[Signature]:
    for entry in sorted(proto.signature_def, key=lambda entry: str(entry.key)):
        yield Signature(
            key=entry.key,
            inputs=tuple(sorted((item.key, _tensor(item.value)) for item in entry.value.inputs)),
            outputs=tuple(sorted((item.key, _tensor(item.value)) for item in entry.value.outputs)),
            method=entry.value.method_name,
        )


def _tensor(info: Any) -> TensorRef:
    dtype = protos.dtype_name(info.dtype)
    shape = protos.shape_of(info.tensor_shape) if info.HasField("tensor_shape") else None
    if info.HasField("coo_sparse"):
        sparse = info.coo_sparse
        parts = (sparse.values_tensor_name, sparse.indices_tensor_name, sparse.dense_shape_tensor_name)
        return TensorRef(name="", dtype=dtype, shape=shape, parts=parts, encoding="sparse")
    if info.HasField("composite_tensor"):
        parts = tuple(item.name for item in info.composite_tensor.components)
        return TensorRef(name="", dtype=dtype, shape=shape, parts=parts, encoding="composite")
    return TensorRef(name=info.name, dtype=dtype, shape=shape)


def _any_values(proto: Any, key: str) -> Iterator[bytes]:
    for entry in proto.collection_def:
        if entry.key == key and entry.value.WhichOneof("kind") == "any_list":
            for item in entry.value.any_list.value:
                yield item.value


def _legacy_signatures(proto: Any, graph: Graph) -> Iterator[Signature]:
    """The signatures of session bundles, TensorFlow before 1.0, in the graph's collection."""
    for data in _any_values(proto, "serving_signatures"):
        try:
            found = protos.LegacySignatures.FromString(data)
        except protos.DecodeError:
            continue
        if found.HasField("default_signature"):
            yield from _legacy("default_signature", found.default_signature, graph)
        for entry in sorted(found.named_signatures, key=lambda entry: str(entry.key)):
            yield from _legacy(entry.key, entry.value, graph)


def _legacy(key: str, signature: Any, graph: Graph) -> Iterator[Signature]:
    inputs: list[tuple[str, str]] = []
    outputs: list[tuple[str, str]] = []
    method = signature.WhichOneof("kind") or ""
    if method == "regression_signature":
        inputs.append(("input", signature.regression_signature.input.tensor_name))
        outputs.append(("output", signature.regression_signature.output.tensor_name))
    elif method == "classification_signature":
        one = signature.classification_signature
        inputs.append(("input", one.input.tensor_name))
        outputs += [("classes", one.classes.tensor_name), ("scores", one.scores.tensor_name)]
    elif method == "generic_signature":
        # A generic signature does not say which side a tensor is on; by habit its key does: the
        # two named signatures are called "inputs" and "outputs".
        bound = sorted((item.key, item.value.tensor_name) for item in signature.generic_signature.map)
        (outputs if key == "outputs" else inputs).extend(bound)
    yield Signature(
        key=key,
        inputs=tuple((name, _ref(tensor, graph)) for name, tensor in inputs if tensor),
        outputs=tuple((name, _ref(tensor, graph)) for name, tensor in outputs if tensor),
        method=method,
        origin="serving_signatures",
    )


def _ref(tensor: str, graph: Graph) -> TensorRef:
    """A tensor of which only the name is given; its node says the dtype, as a rule."""
    node = tensor.partition(":")[0]
    dtype = None
    if node in graph:
        dtype = graph.node(node).dtype() or graph.node(node).dtype("T")
    return TensorRef(name=tensor if ":" in tensor else f"{tensor}:0", dtype=dtype or "", shape=None)


def _legacy_assets(proto: Any) -> Iterator[tuple[str, str]]:
    for key in ("serving_assets", "saved_model_assets"):
        for data in _any_values(proto, key):
            try:
                asset = protos.MetaGraphDef.FromString(_as_asset(data)).asset_file_def[0]
            except (protos.DecodeError, IndexError):
                continue
            # session_bundle's manifest.proto: binding 1 (tensor_name), filename 2; the SavedModel's
            # AssetFileDef has the same field numbers, and TensorInfo its name under 1 as well.
            yield asset.filename, asset.tensor_info.name


def _as_asset(data: bytes) -> bytes:
    """``data`` as the field asset_file_def of a MetaGraphDef, which our schema can parse."""
    length = len(data)
    out = bytearray([6 << 3 | 2])
    while length >= 128:
        out.append(length & 0x7F | 0x80)
        length >>= 7
    out.append(length)
    return bytes(out) + data
