"""Freeze a graph: its inference cone with constants for variables, written at copy speed.

The streaming engine needs no TensorFlow: it walks back from the outputs, cuts at the feeds, decides
what folded inputs decide, gives every variable's handle the type of its value, and writes one node
after another, the constants straight from the checkpoint.  It rewrites only what it knows to be
right; `UnsupportedError` asks for another engine, `FreezeError` says that none can.

What differs from stock freezing (``convert_variables_to_constants``), on purpose: devices,
``_class`` and ``_output_shapes`` are left out, and so is what is only waited for (asserts, updates).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from math import prod
from pathlib import Path
from typing import Literal

from zoo.blocks import Behind, BlockFile
from zoo.errors import FreezeError
from zoo.freezing.plan import plan as make_plan
from zoo.freezing.write import Constant, Writer, structure
from zoo.graph import Graph, MetaGraph
from zoo.model import Bindings, Endpoints, Model
from zoo.proof import Follower, check_constants, compare
from zoo.records import ConstantsProof, Pruned
from zoo.statistics import Describer, Statistics
from zoo.store import replacing
from zoo.weights import Weights

_FOLLOW = 8 << 20
"""Files from this size on are checked in a second thread while they are written."""


@dataclass(frozen=True, kw_only=True)
class FrozenResult:
    """What was written, and how it was checked."""

    nodes: int
    """Nodes of the frozen graph, those inside functions not counted."""
    bytes: int
    sha256: str
    """Empty where no digest was asked for."""
    pruned: Pruned
    constants: ConstantsProof
    graph: Graph
    """The frozen graph, without the content of its variables."""
    engine: Literal["stream", "as_is", "tensorflow"]
    statistics: Mapping[str, Statistics] = field(default_factory=dict)
    """Statistics of the frozen variables by name, where asked for."""
    inputs: Mapping[str, str] = field(default_factory=dict)
    """Feed → the tensor to feed in the frozen graph; feeds that the outputs do not need are absent."""
    outputs: Mapping[str, str] = field(default_factory=dict)
    """Output → the tensor to fetch in the frozen graph."""
    variables: tuple[str, ...] = ()
    """Names of the variables that became constants, in file order."""
    initializers: tuple[str, ...] = ()
    """Nodes to run once before the first inference: they fill lookup tables."""
    warnings: tuple[str, ...] = ()


def freeze(
    meta: MetaGraph,
    bindings: Bindings,
    weights: Weights | None,
    endpoints: Endpoints,
    path: Path,
    *,
    assets: Mapping[str, Path] | None = None,
    statistics: bool = False,
    digest: bool = True,
    others: bool = True,
    progress: Callable[[int], None] | None = None,
) -> FrozenResult:
    """Write the frozen graph to ``path`` and prove its constants; ``path`` is whole or absent.

    Without outputs the graph is written as it is.  ``assets`` are vocabulary files by the tensor that
    names them (see `asset_files`): their lines become constants.  With ``statistics``
    the same pass over the bytes describes each variable.  Without ``digest`` the file's sha256 is not
    computed, which a processor without instructions for it does at a tenth of the speed of copying.
    ``others``: see `zoo.blocks.BlockFile`.  ``progress`` is called with bytes written.

    Raises:
        UnsupportedError: a construct that this engine does not know to be right.
        FreezeError: the graph cannot be frozen, whatever the engine.
        ReadError: the checkpoint's content is damaged or missing.
        CheckError: what was written is not what the checkpoint holds.
    """
    plan = make_plan(meta, bindings, weights, endpoints, assets=assets)
    outline = plan.outline
    describer = Describer()

    def watch(constant: Constant, chunk: memoryview) -> None:
        name = plan.variables[constant.name].name
        describer.add(name, constant.tensor.dtype, prod(constant.shape), chunk)

    writer = Writer(weights, watch if statistics else None)
    size = writer.size(plan.frames)
    report = progress or (lambda _: None)
    with replacing(path) as partial:
        if size < _FOLLOW:
            with partial.open("wb") as file:
                writer.write(file, plan.frames, report)
            constants = check_constants(partial, writer.expected)
            with partial.open("rb") as written:
                sha256 = hashlib.file_digest(written, "sha256").hexdigest() if digest else ""
        else:
            whole = hashlib.sha256()
            with (
                partial.open("wb", buffering=0) as raw,
                closing(BlockFile(raw.fileno(), others=others)) as blocks,
                Follower(partial, set(plan.variables)) as follower,
            ):

                def put(block: memoryview, offset: int) -> None:
                    blocks.write(block, offset)
                    follower.grown(len(block))
                    if digest:
                        whole.update(block)

                # Making it, writing it with its digest, and reading it back take about as long each.
                with Behind(put) as output:
                    writer.write(output, plan.frames, report)
            constants = compare(follower.found, writer.expected)
            sha256 = whole.hexdigest() if digest else ""
        describer.end()
        if (found := partial.stat().st_size) != size:
            raise FreezeError(f"frozen graph: expected to write {size} bytes, found {found}")
    return FrozenResult(
        nodes=outline.nodes,
        bytes=size,
        sha256=sha256,
        pruned=outline.pruned,
        constants=constants,
        graph=structure(meta, plan.frames),
        engine=outline.engine,
        statistics=describer.found,
        inputs=outline.inputs,
        outputs=outline.outputs,
        variables=tuple(variable.name for variable in plan.variables.values()),
        initializers=outline.initializers,
        warnings=outline.warnings,
    )


def asset_files(model: Model) -> dict[str, Path]:
    """The asset files of a SavedModel that are there, by the tensor that names them.

    A name that leads out of the folder ``assets`` is passed over.
    """
    if model.meta is None or not model.meta.assets:
        return {}
    path = model.root / model.format.path
    folder = (path if path.is_dir() else path.parent) / "assets"
    found = {}
    for name, tensor in model.meta.assets.items():
        file = (folder / name).resolve()
        if file.is_file() and file.is_relative_to(folder.resolve()):
            found[tensor] = file
    return found
