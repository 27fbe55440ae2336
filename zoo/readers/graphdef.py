"""Reads graph files: GraphDef and MetaGraphDef, binary or text, whatever they are called."""

from __future__ import annotations

from itertools import chain
from pathlib import Path
from typing import Any

from zoo import protos, repeats
from zoo.errors import ReadError
from zoo.graph import Graph, MetaGraph
from zoo.model import Artifact, Model
from zoo.readers.metagraph import bare_graph, checked_graph, meta_graph, of_tensorflow, producer_of
from zoo.readers.shape import Message, message_of, text_message_of
from zoo.readers.tree import Tree, folder_of, name_of, read_whole
from zoo.records import Format
from zoo.scan import OddError, without_graph

LIMIT = (1 << 31) - 1
"""No protobuf is larger: the library that reads it counts bytes in 31 bits."""
TEXT_LIMIT = 256 << 20
_LARGE = 1 << 20
"""Bytes of a graph from which on reading many nodes at a time is faster than parsing them; below, it takes
up to twice as long."""

VARIABLE_OPS = frozenset(
    ["Variable", "VariableV2", "AutoReloadVariable", "VarHandleOp", "TemporaryVariable", "_VarHandlesOp"]
)
_LEFTOVER = (".tmp", ".tempstate")


def message_in(tree: Tree, path: str) -> tuple[Message, bool] | None:
    """Which graph message a file holds, and whether as text; None for everything else."""
    if path not in tree.messages:
        tree.messages[path] = _message_in(tree, path)
    return tree.messages[path]


def _message_in(tree: Tree, path: str) -> tuple[Message, bool] | None:
    found = tree.files[path]
    kind = tree.kind(path)
    if kind not in ("binary", "text", "lzma", "pickle", "windows_program", "bzip2"):
        return None
    if kind == "text":
        text = text_message_of(tree.text(path))
        if text is not None:
            return text, True
    message = message_of(tree.reader(path), found.size)
    return None if message is None else (message, False)


def find(tree: Tree) -> list[Artifact]:
    """Every GraphDef and MetaGraphDef of the tree, told from content."""
    artifacts = []
    for path in tree.files:
        message = message_in(tree, path)
        if message is None or message[0] == "SavedModel" or any(mark in name_of(path) for mark in _LEFTOVER):
            continue
        kind, text = message
        label = f"{'text ' if text else ''}{kind}"
        rank = 30 if kind == "MetaGraphDef" else 55 if text else 60
        artifacts.append(
            Artifact(reader="graph", path=path, label=label, files=(path,), order=(rank, -1, path))
        )
    return artifacts


def read(tree: Tree, artifact: Artifact) -> Model:
    """The graph of a file, without values but for those it holds as constants.

    Raises:
        ReadError: it is damaged, too large, or another project's protobuf.
    """
    path = artifact.path
    kind, meta = read_graph(tree.root / path, message_in(tree, path))
    own = has_variables(meta.graph)
    frozen = not own and kind == "GraphDef"
    missing, warnings = _lacking(tree, path) if own else ((), ())
    text = "text " if artifact.label.startswith("text") else ""
    if kind == "MetaGraphDef":
        label = f"TensorFlow {text}MetaGraphDef" + (" without values" if own else "")
    else:
        label = f"TensorFlow {text}GraphDef, " + ("frozen" if frozen else "variables without values")
    dangling = [f"{node!r} reads {text!r}" for node, text in _first(meta.graph.dangling(), 3)]
    if dangling:
        warnings = (
            *warnings,
            f"inputs that are not in the file, so only other tools load such a graph: {', '.join(dangling)}",
        )
    return Model(
        root=tree.root,
        format=Format(
            id="meta_graph" if kind == "MetaGraphDef" else "graph_def",
            label=label,
            path=path,
            producer=producer_of(meta),
        ),
        meta=meta,
        missing=missing,
        warnings=warnings,
        frozen=not own,
        graph_file=path,
    )


def _first(items: Any, count: int) -> list[Any]:
    return [item for item, _ in zip(items, range(count), strict=False)]


def has_variables(graph: Graph) -> bool:
    """Whether a graph, or a function of it, makes a variable."""
    inner = (node.op for function in graph.functions.values() for node in function.nodes)
    return any(op in VARIABLE_OPS for op in chain(graph.by_op, inner))


def _lacking(tree: Tree, path: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What is missing for the values of a graph with variables, or else a warning that there are none."""
    name = name_of(path)
    prefix = name.removesuffix(".meta")
    beside = [name_of(other) for other in tree.in_folder(folder_of(path))]
    pointers = [other for other in tree.in_folder(folder_of(path)) if tree.is_pointer(other)]
    if pointers:
        names = ", ".join(name_of(other) for other in pointers[:3])
        return (f"{names}: Git LFS pointers in place of the values; fetch the files with git lfs pull",), ()
    if f"{prefix}.index" in beside:
        return (f"{prefix}.index is damaged, so the values of {name} cannot be read",), ()
    if any(other.startswith(f"{prefix}.data-") for other in beside):
        return (f"{prefix}.index is missing: it says where in the data a tensor lies",), ()
    return (), (f"{name} has variables, and no checkpoint with their values is in the archive",)


def read_graph(path: Path, message: tuple[Message, bool] | None) -> tuple[str, MetaGraph]:
    """(message name, graph) of a file; ``message`` says what it was told to be.

    Raises:
        ReadError: it is not that message, damaged, or too large.
    """
    if message is None:
        raise ReadError(f"{path.name}: expected a GraphDef or MetaGraphDef, found neither")
    kind, text = message
    if kind == "SavedModel":
        raise ReadError(f"{path.name}: expected a GraphDef or MetaGraphDef, found a SavedModel")
    data = content_of(path, text=text)

    def read() -> MetaGraph:
        few = text or len(data) < _LARGE
        return (None if few else _scanned(path, data, kind)) or _parsed(path, data, kind, text=text)

    return kind, repeats.graph(f"{kind}, text" if text else kind, data, read)


def content_of(path: Path, *, text: bool) -> bytes:
    """The bytes of a graph file.

    Raises:
        ReadError: there are too many of them, or they cannot be read.
    """
    return read_whole(path, limit=TEXT_LIMIT if text else LIMIT)


def _scanned(path: Path, data: bytes, kind: Message) -> MetaGraph | None:
    """The graph of a binary file, without a message for each node; None if it has to be parsed."""
    if kind == "GraphDef":
        graph = Graph.from_bytes(data)
        return None if graph is None else bare_graph(of_tensorflow(graph, path.name))
    try:
        rest, start, end = without_graph(data)
        proto = protos.MetaGraphDef.FromString(rest)
    except (OddError, protos.DecodeError):
        return None
    graph = Graph.from_bytes(data, start, end)
    return None if graph is None else meta_graph(proto, path.name, graph)


def _parsed(path: Path, data: bytes, kind: Message, *, text: bool) -> MetaGraph:
    proto = message_from(path, data, kind, text=text)
    if kind == "MetaGraphDef":
        return meta_graph(proto, path.name)
    return bare_graph(checked_graph(proto, path.name))


def parse(path: Path, kind: Message, *, text: bool) -> Any:
    """The message ``kind`` in a file.

    Raises:
        ReadError: it cannot be parsed, is nested too deeply, or is too large.
    """
    return message_from(path, content_of(path, text=text), kind, text=text)


def message_from(path: Path, data: bytes, kind: Message, *, text: bool) -> Any:
    """The message ``kind`` in the content of a file; see `parse`."""
    try:
        if text:
            return protos.parse_text(kind, data.decode("utf-8-sig"))
        return _BINARY[kind].FromString(data)
    except UnicodeDecodeError as error:
        raise ReadError(f"{path.name}: expected a {kind} as text, found bytes that are no UTF-8") from error
    except RecursionError as error:
        raise ReadError(f"{path.name}: its messages are nested too deeply") from error
    except (protos.DecodeError, protos.ParseError) as error:
        why = str(error).partition("\n")[0][:200]
        raise ReadError(
            f"{path.name}: expected a {kind}{' as text' if text else ''}, found damaged data ({why})",
            hint="the file is cut short or damaged; fetch it again",
        ) from error


_BINARY = {"GraphDef": protos.GraphDef, "MetaGraphDef": protos.MetaGraphDef, "SavedModel": protos.SavedModel}


def message_at(path: Path) -> tuple[Message, bool] | None:
    """Which graph message the file at ``path`` holds, and whether as text; None for everything else.

    Raises:
        ReadError: it cannot be read.
    """
    from zoo.readers.tree import Found

    tree = Tree(path.parent)
    try:
        tree.files[path.name] = Found(path.name, path.stat().st_size)
    except OSError as error:
        raise ReadError(f"{path.name}: cannot be read: {error.strerror}") from error
    return message_in(tree, path.name)


def read_external(path: Path) -> MetaGraph:
    """The graph in a file that a row names for a weights-only checkpoint.

    Raises:
        ReadError: it holds no graph.
    """
    message = message_at(path)
    if message is not None and message[0] == "SavedModel":
        from zoo.readers.saved_model import choose_meta_graph

        return meta_graph(choose_meta_graph(parse(path, "SavedModel", text=message[1]))[0], path.name)
    return read_graph(path, message)[1]
