"""Reads SavedModels of TensorFlow 1 and 2: ``saved_model.pb`` (or text), ``variables/``, ``assets/``."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from zoo import repeats
from zoo.errors import ReadError
from zoo.graph import MetaGraph
from zoo.model import Artifact, Model
from zoo.readers.bundle import Bundle, read_bundle
from zoo.readers.functions import with_calls
from zoo.readers.graphdef import content_of, has_variables, message_from, message_in
from zoo.readers.metagraph import meta_graph, producer_of
from zoo.readers.tree import Tree, folder_of, join, name_of
from zoo.records import Format

_PREFIX = "variables/variables"


def find(tree: Tree) -> list[Artifact]:
    """Every SavedModel of the tree; the number of a version folder is its step."""
    artifacts = []
    for path in tree.files:
        message = message_in(tree, path)
        if message is None or message[0] != "SavedModel":
            continue
        folder = folder_of(path)
        usual = name_of(path).startswith("saved_model.pb")
        variables = _variables(tree, folder)
        version = (
            int(name_of(folder)[:18]) if name_of(folder).isdecimal() and name_of(folder).isascii() else -1
        )
        text = "text " if message[1] else ""
        index = join(folder, f"{_PREFIX}.index")
        rank = 80 if index in tree.files and not tree.is_pointer(index) else 70
        if any(tree.is_pointer(other) for other in variables):
            rank = 35
        artifacts.append(
            Artifact(
                reader="saved_model",
                path=folder if usual and folder else path,
                label=f"{text}SavedModel",
                files=(path, *variables, *_assets(tree, folder)),
                order=(rank, version, path),
            )
        )
    return artifacts


def _variables(tree: Tree, folder: str) -> tuple[str, ...]:
    return tuple(tree.in_folder(join(folder, "variables")))


def _assets(tree: Tree, folder: str) -> tuple[str, ...]:
    below = f"{join(folder, 'assets')}/"
    return tuple(path for path in tree.files if path.startswith(below))


def read(tree: Tree, artifact: Artifact) -> Model:
    """The meta graph that serves, with its variables where they are there.

    Raises:
        ReadError: the model or its index is damaged.
    """
    path = artifact.files[0]
    message = message_in(tree, path)
    if message is None:
        raise ReadError(f"{path}: expected a SavedModel, found something else")
    content = content_of(tree.root / path, text=message[1])

    def chosen() -> MetaGraph:
        proto = message_from(tree.root / path, content, "SavedModel", text=message[1])
        best, note = choose_meta_graph(proto)
        found = replace(meta_graph(best, name_of(path)), choice=note)
        return with_calls(found, [asset.tensor_info.name for asset in best.asset_file_def])

    meta = repeats.graph("SavedModel, text" if message[1] else "SavedModel", content, chosen)
    folder = folder_of(path)
    bundle, missing = _bundle(tree, folder, meta)
    generation = 2 if meta.object_graph is not None and len(meta.object_graph.nodes) else 1
    warnings = [meta.choice] if meta.choice else []
    if meta.added:
        warnings.append(
            "no signature says what to run: calls of the model's functions were added to the graph"
        )
    if bundle is not None:
        warnings += bundle.warnings
    lost = [name for name in meta.assets if join(folder, f"assets/{name}") not in tree.files]
    if lost:
        missing = (
            *missing,
            f"asset file {lost[0]!r} is missing" + (f", and {len(lost) - 1} more" if lost[1:] else ""),
        )
    return Model(
        root=tree.root,
        format=Format(
            id="saved_model",
            label=f"TensorFlow {generation} {artifact.label}",
            path=artifact.path,
            producer=producer_of(meta),
            companions=artifact.files[1:],
        ),
        meta=meta,
        weights=None if bundle is None else bundle.weights,
        missing=missing,
        warnings=tuple(warnings),
        graph_file=folder if name_of(path).startswith("saved_model.pb") else None,
        tags=meta.tags,
        frozen=bundle is None and not has_variables(meta.graph),
    )


def _bundle(tree: Tree, folder: str, meta: MetaGraph) -> tuple[Bundle | None, tuple[str, ...]]:
    prefix = join(folder, _PREFIX)
    index = f"{prefix}.index"
    if index in tree.files and not tree.is_pointer(index):
        absent = [name_of(path) for path in _variables(tree, folder) if tree.is_pointer(path)]
        bundle = read_bundle(tree.root / index, name_of(prefix), absent=absent)
        return bundle, bundle.missing
    if not has_variables(meta.graph):
        return None, ()
    if index in tree.files:
        return None, ("variables/variables.index is a Git LFS pointer: fetch the files with git lfs pull",)
    return None, ("variables/ is missing: the graph has variables, their values are not in the archive",)


def choose_meta_graph(proto: Any) -> tuple[Any, str | None]:
    """The MetaGraphDef tagged ``serve`` (without other tags, if possible), and a note on the others.

    Raises:
        ReadError: the SavedModel has no meta graph.
    """
    graphs = list(proto.meta_graphs)
    if not graphs:
        raise ReadError("saved_model.pb: expected a meta graph, found none")

    def rank(item: Any) -> tuple[bool, bool, int]:
        tags = set(item.meta_info_def.tags)
        return ("serve" not in tags, "train" in tags, len(tags))

    best = min(range(len(graphs)), key=lambda i: (*rank(graphs[i]), i))
    if len(graphs) == 1:
        return graphs[0], None
    named = [", ".join(item.meta_info_def.tags) or "no tag" for item in graphs]
    others = "; ".join(name for i, name in enumerate(named) if i != best)
    return graphs[best], f"{len(graphs)} meta graphs: the one tagged {named[best]!r} is shown, not: {others}"
