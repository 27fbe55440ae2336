"""One row, from its source to its outcome: the straight line.

    row ─► fetch ─► unpack ─► find ─► read ─► endpoints ─► freeze ─► check ─► summary ─► outcome
           any stage: raise ZooError ──────────────────────► failure ───────────────────┘

A row becomes exactly one outcome, whatever happens; what was learned before a failure is kept.
"""

from __future__ import annotations

import hashlib
import logging
import resource
import traceback
from collections.abc import Collection, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, Literal

import google_crc32c
from msgspec import structs

from zoo import drawing, protos, shapes, summary, variables
from zoo.compute import compute
from zoo.endpoints import detect
from zoo.errors import (
    CheckError,
    FindError,
    FreezeError,
    ReadError,
    TransientError,
    UnsupportedError,
    ZooError,
)
from zoo.fetch import Fetched, FetchOptions, fetch
from zoo.find import choose, find
from zoo.find import read as read_artifact
from zoo.freeze import FrozenResult, asset_files, freeze
from zoo.freezing import tables
from zoo.graph import Graph, MetaGraph, split_input
from zoo.manifest import as_expected, told
from zoo.model import Bindings, Endpoints, Model
from zoo.names import nearest
from zoo.one_pass import fetch_into
from zoo.proof import check_constants
from zoo.published import check_member, differences
from zoo.readers.crc import crc32c
from zoo.readers.graphdef import message_at
from zoo.readers.tree import scan
from zoo.records import (
    ConstantsProof,
    Failure,
    File,
    Frozen,
    GraphFacts,
    LayerFact,
    Outcome,
    Pruned,
    Row,
    RunProof,
    Status,
)
from zoo.repeats import forget, kept
from zoo.runner import Key, Original, Runner
from zoo.statistics import Accumulator, Statistics, describe
from zoo.store import desk, write
from zoo.trace import Trace
from zoo.unpack import Limits, unpack_into
from zoo.variables.layers import infer_layers

log = logging.getLogger(__name__)

_WEIGHTS_ONLY = "the files hold weights and no graph; name the graph in the row to freeze it"
_OF_KERAS = "so says the model that Keras rebuilt"
_EXPLANATIONS = {
    "tflite": "a TensorFlow Lite model holds its weights already, in a format of its own",
    "keras": "the file describes a Keras model, whose graph only Keras itself can build (not with --no-run)",
}


@dataclass(frozen=True, kw_only=True)
class Options:
    """What all rows of a run have in common."""

    cache: Path
    work: Path
    """Unpacked files live below, as long as the row is being worked on."""
    runner: Runner | None = None
    """Runs graphs in TensorFlow; without it there is no proof by execution and no second engine."""
    keep: bool = True
    """Keep archives in the cache."""
    root: Path | None = None
    """Files that are here and unpacked already; then nothing is fetched."""
    fetch: FetchOptions = field(default_factory=FetchOptions)
    limits: Limits = field(default_factory=Limits)
    describe: bool = True
    """Digests, statistics and the files beside the outcome; without them, freeze and prove only."""


def process(row: Row, folder: Path, *, options: Options, trace: Trace) -> Outcome:
    """The outcome of a row; what belongs to it but ``model.json`` is written to ``folder``."""
    facts: dict[str, Any] = {}
    files = _Files(folder)
    try:
        with ExitStack() as desks:
            _Line(row, folder, desks, options, trace, facts, files).run()
        failure = None
    except ZooError as error:
        trace.note(str(error))
        # What goes wrong while an archive comes and is unpacked may be the one or the other.
        stage = type(error).stage if trace.stage == "fetch" else trace.stage
        failure = Failure(stage=stage, kind=type(error).__name__, reason=str(error), hint=error.hint)
        # A server that was down may be up the next time, and a full disk be empty; what is wrong with
        # the bytes does not heal.
        trace.heals = isinstance(error, TransientError) or isinstance(error.__cause__, OSError)
    except MemoryError:
        forget()  # the next row shall not lack what is kept for it
        failure = Failure(
            stage=trace.stage,
            kind="MemoryError",
            reason=f"needs more memory than one worker may use{_memory_limit()}",
            hint="raise the limit with --memory-limit",
        )
    except OSError as error:
        # The disk, not the model: full, read-only, gone.
        failure = Failure(
            stage=trace.stage,
            kind=type(error).__name__,
            reason=f"a file of the job itself: {(error.strerror or str(error)).lower()}",
            hint="look at the disk; the next run tries again",
        )
        trace.heals = True
    except Exception as error:
        # The one place that catches everything: a bug of ours costs this row and no other.
        log.exception("row %s", row.name)
        trace.note(traceback.format_exc(limit=-3))
        failure = Failure(
            stage=trace.stage,
            kind=type(error).__name__,
            reason=f"a fault of the zoo itself: {error}",
            hint="please report it, with the log of this row",
        )
    return _outcome(row, files, facts, failure, trace, describe=options.describe)


def _memory_limit() -> str:
    """How much memory this process may use, in words; nothing when there is no limit."""
    limit = resource.getrlimit(resource.RLIMIT_DATA)[0]
    return "" if limit == resource.RLIM_INFINITY else f" ({limit / (1 << 30):.3g} GiB)"


def failed(row: Row, folder: Path, *, stage: str, reason: str, hint: str | None = None) -> Outcome:
    """The outcome of a row whose process did not live to tell."""
    failure = Failure(stage=stage, kind="ProcessDied", reason=reason, hint=hint)
    return _outcome(row, _Files(folder), {}, failure, Trace())


@dataclass
class _Files:
    """The files beside an outcome: what is written is not read again for its digest."""

    folder: Path
    digests: dict[str, str] = field(default_factory=dict)
    """By name: the sha256, in hex."""

    def write(self, name: str, content: bytes) -> None:
        """Make a file, or make it anew."""
        self.digests.pop(name, None)
        write(f"{self.folder}/{name}", content)
        self.digests[name] = hashlib.sha256(content).hexdigest()


def _outcome(
    row: Row,
    files: _Files,
    facts: Mapping[str, Any],
    failure: Failure | None,
    trace: Trace,
    *,
    describe: bool = True,
) -> Outcome:
    if failure is not None:
        status = Status.FAILED
        (files.folder / "frozen.pb").unlink(missing_ok=True)  # what was not proved is not offered
        facts = {key: value for key, value in facts.items() if key != "frozen"}
    else:
        status = Status.FROZEN if facts.get("frozen") is not None else Status.READ
    frozen: Frozen | None = facts.get("frozen")
    made: tuple[File, ...] = ()
    if describe:
        log_text = "".join(f"{line}\n" for line in trace.lines)
        files.write("log.txt", log_text.encode("utf-8", "backslashreplace"))
        if frozen is not None:
            files.digests[frozen.path] = frozen.sha256
        made = summary.files_in(files.folder, files.digests)
    return Outcome(
        name=row.name,
        slug=row.slug,
        status=status,
        expected=as_expected(row, status),
        manifest=told(row),
        failure=failure,
        files=made,
        **facts,
    )


@dataclass
class _Line:
    """One row on the line: what is known so far goes to ``facts`` the moment it is known."""

    row: Row
    folder: Path
    desks: ExitStack
    """Where folders for unpacked files are given back."""
    options: Options
    trace: Trace
    facts: dict[str, Any]
    files: _Files

    def run(self) -> None:
        """All stages, in order."""
        fetched, root = self.fetched() if self.options.root is None else ((), self.options.root)
        model = self.read(root, self.graph_of_the_row(fetched, root))
        bindings = self.bind(model)
        if model.meta is None:
            self.without_graph(model, bindings)
            if model.format.id == "keras" and model.op_counts and self.options.runner is not None:
                self.keras(model, bindings, self.options.runner)
            return
        ends = self.endpoints(model.meta)
        try:
            frozen = self.frozen(model, model.meta, bindings, ends)
        except ZooError:
            stage = self.trace.stage
            # A page without a frozen graph is still worth its graph and its variables.
            with suppress(ZooError):  # what stopped the row is the first error, not a later one
                self.summarize(model, model.meta, bindings, ends, None)
            self.trace.stage = stage
            raise
        self.summarize(model, model.meta, bindings, ends, frozen)

    def desk(self) -> Path:
        """An empty folder for unpacked files, which goes when the row ends; large files serve other rows."""
        folder = self.desks.enter_context(desk(self.options.work))
        if self.options.limits.spares is not None:
            self.desks.callback(self.options.limits.spares.gather, folder)
        return folder

    def fetched(self) -> tuple[tuple[Fetched, ...], Path]:
        """The row's sources, and the folder of their unpacked files.

        One pass over the bytes: an archive is unpacked while it comes, and its files are there when
        its size and checksum have proved right.
        """
        with self.trace.at("fetch"):
            fetched, unpacked = fetch_into(
                self.desk(),
                self.row,
                self.options.cache,
                options=self.options.fetch,
                limits=self.options.limits,
                progress=self.trace.moved,
                keep=self.options.keep,
            )
            self.facts["archives"] = tuple(item.archive for item in fetched)
            self.trace.downloaded = sum(item.transferred for item in fetched)
            self.trace.retries = sum(item.retries for item in fetched)
            self.trace.cached = all(item.cached for item in fetched)
            self.trace.note(f"{unpacked.files} files, {unpacked.bytes} bytes")
            self.trace.events = [event for item in fetched for event in item.log]
            self.notes(*unpacked.notes)
        return fetched, unpacked.root

    def notes(self, *notes: str) -> None:
        """Add warnings that the page shows first."""
        for note in notes:
            self.trace.note(note)
        self.facts["warnings"] = (*self.facts.get("warnings", ()), *notes)

    def graph_of_the_row(self, fetched: Sequence[Fetched], root: Path) -> Path | None:
        """The file of the graph that the row names for its weights: a source of its own, or a member."""
        if self.row.graph is None:
            return None
        own = [item for item in fetched if item.role == "graph"]
        if self.options.root is not None and ("://" in self.row.graph or Path(self.row.graph).is_absolute()):
            with self.trace.at("fetch"):
                own = list(
                    fetch(
                        self.row,
                        self.options.cache,
                        options=self.options.fetch,
                        progress=self.trace.moved,
                    )
                )
        if own:
            with self.trace.at("unpack"):
                folder = self.desk()
                unpack_into(folder, own, limits=self.options.limits)
            files = sorted(path for path in folder.rglob("*") if path.is_file())
            if len(files) == 1:
                return files[0]
            graphs = [item for item in find(folder) if item.reader == "graph"]
            return folder / choose(graphs)[0].path
        member = root / self.row.graph
        if not member.resolve().is_relative_to(root.resolve()) or not member.is_file():
            files = sorted(path for path in root.rglob("*") if path.is_file())
            known = nearest(self.row.graph, [str(path.relative_to(root)) for path in files])
            raise FindError(
                f"graph {self.row.graph!r}: no such member in the archive; nearest: "
                + (", ".join(map(repr, known)) or "none"),
                hint="give the graph's URL, or its path inside the archive",
            )
        return member

    def read(self, root: Path, graph: Path | None) -> Model:
        """The model that was found in the files."""
        with self.trace.at("unpack"):
            check_member(self.row, root)
        with self.trace.at("find"):
            files = scan(root)
            artifact, others, why = choose(find(files), self.row.member)
            self.trace.note(f"{artifact.label} at {artifact.path!r}" + (f": {why}" if why else ""))
        with self.trace.at("read"):
            model = read_artifact(files, artifact, others=others, why=why, graph=graph)
            self.facts["format"] = model.format
            if model.meta is not None:
                self.facts["graph"] = summary.graph_facts(model.meta.graph)
            self.notes(*model.missing, *model.warnings)
        return model

    def bind(self, model: Model) -> Bindings:
        """Which stored tensor is the value of which variable."""
        with self.trace.at("read"):
            bindings = variables.bind(model.meta, model.weights, prefer=self.row.weights)
            self.facts["variables"] = variables.facts(bindings)
            if model.frozen and model.meta is not None:
                self.facts["variables"] = summary.constant_facts(summary.constants(model.meta))
            self.notes(*bindings.warnings)
        return bindings

    def without_graph(self, model: Model, bindings: Bindings) -> None:
        """All that can be told of a model that brings no GraphDef."""
        with self.trace.at("summary"):
            if model.op_counts:
                self.facts["graph"] = GraphFacts(
                    nodes=sum(model.op_counts.values()),
                    nodes_in_functions=0,
                    op_counts=dict(model.op_counts),
                    training=False,
                )
            self.facts |= {"inputs": model.inputs, "outputs": model.outputs}
            self.facts["layers"] = tuple(
                LayerFact(
                    name=layer.name,
                    type=layer.type,
                    words=layer.words,
                    shape=layer.shape,
                    parameters=layer.parameters,
                )
                # Where ops are known, weights that a converter renamed and folded suggest no layers.
                for layer in model.layers or (() if model.op_counts else infer_layers(bindings))
            )
            self.write_variables(model, bindings, {})
            if any(layer.inputs for layer in model.layers):
                self.files.write("graph.json", drawing.draw_layers(model.layers))
        self.complete(model)
        known = _EXPLANATIONS.get(model.format.id, _WEIGHTS_ONLY)
        self.facts["explanation"] = known if model.op_counts else _WEIGHTS_ONLY

    def keras(self, model: Model, bindings: Bindings, runner: Runner) -> None:
        """A Keras model that Keras itself rebuilds and freezes, in the process that runs graphs."""
        path = self.folder / "frozen.pb"
        with self.trace.at("freeze"):
            try:
                written = runner.freeze_keras(model.root / model.format.path, path)
            except FreezeError as error:
                # All that the file says is on the page already; what cannot be built is no failure.
                self.trace.note(str(error))
                self.facts["explanation"] = f"Keras cannot rebuild the model: {error}"
                return
            self.notes(*written.notes)
            graph = Graph.from_proto(protos.GraphDef.FromString(path.read_bytes()))
            meta = MetaGraph(graph=graph)
            self.facts["graph"] = summary.graph_facts(graph)
            ends = detect(
                meta,
                inputs=[tensor.name for tensor in written.inputs],
                outputs=[tensor.name for tensor in written.outputs],
            )
            # Nobody named them in the row: the model itself did.
            ends = replace(
                ends,
                inputs=tuple(structs.replace(one, reason=_OF_KERAS) for one in ends.inputs),
                outputs=tuple(structs.replace(one, reason=_OF_KERAS) for one in ends.outputs),
            )
            self.facts |= {"inputs": ends.inputs, "outputs": ends.outputs, "candidates": ends.candidates}
        del self.facts["explanation"]
        with self.trace.at("check"):
            run = written.proof or runner.compare(None, path, ends.inputs, ends.outputs)
            constants = _constants_of_keras(model, bindings, meta, written.variables)
        self.facts["frozen"] = Frozen(
            path=path.name,
            bytes=path.stat().st_size,
            sha256=summary.digest(path),
            nodes=len(graph),
            engine="tensorflow",
            engine_reason="the file describes layers, not a graph: Keras rebuilt it",
            pruned=Pruned(nodes=0, why={}),
            constants=constants,
            run=run,
            initializers=tables.fills(graph),
        )
        self.summarize(model, meta, bindings, ends, None)

    def endpoints(self, meta: MetaGraph) -> Endpoints:
        """What goes in and what comes out."""
        with self.trace.at("endpoints"):
            named = self.row.inputs, self.row.outputs
            ends = kept(meta, "ends", named, lambda: detect(meta, inputs=named[0], outputs=named[1]))
            self.facts |= {"inputs": ends.inputs, "outputs": ends.outputs, "candidates": ends.candidates}
            self.notes(*ends.warnings, *differences(self.row, ends))
        return ends

    def frozen(
        self, model: Model, meta: MetaGraph, bindings: Bindings, ends: Endpoints
    ) -> FrozenResult | None:
        """The frozen graph, written and proved; None where there is nothing to freeze."""
        path = self.folder / "frozen.pb"
        with self.trace.at("freeze"):
            lacking = nothing_to_freeze(model, ends)
            if lacking is not None:
                if model.format.id == "saved_model":
                    self.complete(model)
                self.facts["explanation"] = lacking
                return None
            reason = None
            try:
                result = freeze(
                    meta,
                    bindings,
                    model.weights,
                    ends,
                    path,
                    assets=asset_files(model),
                    statistics=self.options.describe,
                    digest=self.options.describe,
                    others=self.options.describe,
                    progress=self.trace.moved,
                )
            except UnsupportedError as error:
                reason = str(error)
                self.trace.note(f"engine stream cannot: {reason}")
                result = self.second_engine(model, meta, bindings, ends, path, error)
            self.notes(*result.warnings)
        with self.trace.at("check"):
            run = self.proof_by_execution(model, bindings, ends, result, path)
        self.facts["frozen"] = Frozen(
            path=path.name,
            bytes=result.bytes,
            sha256=result.sha256,
            nodes=result.nodes,
            engine=result.engine,
            engine_reason=reason,
            pruned=result.pruned,
            constants=result.constants,
            run=run,
            initializers=result.initializers or tables.fills(result.graph),
        )
        if run.ok is False:
            raise CheckError(
                f"the frozen graph answers otherwise than its source: {run.reason}",
                hint="look at the outputs that the row names, or that were found",
            )
        return result

    def complete(self, model: Model) -> None:
        """Stop here if a part of the model is missing: what there is has been read.

        Raises:
            ReadError: names the part.
        """
        if model.missing:
            raise ReadError(
                model.missing[0], hint="fetch the archive again, or give the URLs of all files in the row"
            )

    def second_engine(
        self,
        model: Model,
        meta: MetaGraph,
        bindings: Bindings,
        ends: Endpoints,
        path: Path,
        error: UnsupportedError,
    ) -> FrozenResult:
        """The graph frozen by TensorFlow, where the first engine does not know how."""
        if self.options.runner is None:
            raise FreezeError(
                str(error), hint="the other engine runs the graph in TensorFlow: leave out --no-run"
            ) from error
        source = original(model, bindings, averages=self.row.weights == "ema")
        if source is None:
            raise FreezeError(str(error), hint="and TensorFlow cannot load the files as they are") from error
        written = self.options.runner.freeze_tensorflow(source, ends.inputs, ends.outputs, path)
        self.notes(*written.notes)
        kept = Graph.from_proto(protos.GraphDef.FromString(path.read_bytes()))
        pruned = max(0, len(meta.graph) - len(kept))
        return FrozenResult(
            nodes=written.nodes,
            bytes=path.stat().st_size,
            sha256=summary.digest(path),
            pruned=Pruned(nodes=pruned, why={"not needed by the outputs": pruned}),
            constants=check_constants(path, _expected_constants(model, bindings, kept)),
            graph=kept,
            engine="tensorflow",
            inputs={item.name: item.name for item in ends.inputs if split_input(item.name)[0] in kept},
            outputs={item.name: item.name for item in ends.outputs},
        )

    def proof_by_execution(
        self, model: Model, bindings: Bindings, ends: Endpoints, result: FrozenResult, path: Path
    ) -> RunProof:
        """Original against frozen on the same inputs, where TensorFlow can run them."""
        if self.options.runner is None:
            return RunProof(ok=None, reason="not asked for (--no-run)")
        # A label is an input of the original that the frozen graph no longer has.
        fed = [item for item in ends.inputs if item.folded is not None or item.name in result.inputs]
        names = {**result.inputs, **result.outputs}
        return self.options.runner.compare(
            original(model, bindings, averages=self.row.weights == "ema"),
            path,
            fed,
            ends.outputs,
            frozen_names=names,
        )

    def summarize(
        self, model: Model, meta: MetaGraph, bindings: Bindings, ends: Endpoints, frozen: FrozenResult | None
    ) -> None:
        """The files beside the outcome, shapes and FLOPs."""
        if not self.options.describe:
            return
        graph = meta.graph
        with self.trace.at("summary"):
            counts = kept(meta, "counts", None, lambda: summary.output_counts(graph))
            for name, make in (("operations.csv", summary.operations_csv), ("graph.txt", summary.graph_text)):
                self.files.write(name, kept(meta, name, None, partial(make, graph, counts)))
            small = None if frozen is None else frozen.graph
            counted = graph if small is None else small
            self.facts["compute"] = kept(
                meta, "compute", (small, ends.inputs), lambda: compute(counted, ends.inputs)
            )
            drawn = kept(meta, "drawing", (small, ends), lambda: _drawing(graph, counted, ends))
            self.files.write("graph.json", drawn)
            self.write_variables(model, bindings, {} if frozen is None else frozen.statistics)

    def write_variables(self, model: Model, bindings: Bindings, statistics: Mapping[str, Statistics]) -> None:
        """``variables.csv``: all variables, with statistics of those that are no optimizer slots."""
        weights = model.weights
        known = dict(statistics)
        checksums: dict[str, int] = {}
        for variable in bindings.variables:
            tensor = weights.tensors.get(variable.key) if weights is not None and variable.key else None
            if weights is None or tensor is None:
                continue
            if tensor.crc32c is not None:
                checksums[variable.name] = tensor.crc32c
            if variable.name not in known and variable.kind != "optimizer" and tensor.missing is None:
                described = describe(weights, tensor)
                if described is not None:
                    known[variable.name] = described
        found = bindings.variables
        if model.frozen and model.meta is not None:
            constants = summary.constants(model.meta)
            found = tuple(constants)
            for variable, content in constants.items():
                checksums[variable.name] = google_crc32c.value(content)
                accumulator = Accumulator(variable.dtype, len(content) // protos.DTYPE_SIZES[variable.dtype])
                accumulator.add(memoryview(content))
                known[variable.name] = accumulator.result()
        self.files.write("variables.csv", summary.variables_csv(found, checksums, known))


def _drawing(graph: Graph, frozen: Graph, ends: Endpoints) -> bytes:
    """The drawing of a graph, with the shapes that the frozen one has."""
    return drawing.draw(
        graph,
        shapes.infer(frozen, {item.name: item.shape for item in ends.inputs}),
        inputs=[item.name for item in ends.inputs],
        outputs=[item.name for item in ends.outputs],
    )


def _expected_constants(model: Model, bindings: Bindings, frozen: Graph) -> dict[str, int]:
    """Constant of a frozen graph → the checksum that the checkpoint keeps for its variable."""
    expected = {}
    for variable in bindings.variables:
        tensor = model.weights.tensors.get(variable.key) if model.weights and variable.key else None
        if tensor is None or tensor.crc32c is None or variable.slice is not None or not tensor.fixed_size:
            continue
        node = variable.node
        if node is not None and node in frozen and frozen.node(node).op == "Const":
            expected[node] = tensor.crc32c
    return expected


def _constants_of_keras(
    model: Model, bindings: Bindings, frozen: MetaGraph, variables: Collection[str]
) -> ConstantsProof:
    """How many of the constants that were variables are, bit by bit, one of the arrays of the file.

    Raises:
        CheckError: one is none of them.
    """
    if model.weights is None:
        return ConstantsProof(checked=0, equal=0)
    stored = set()
    for variable in bindings.variables:
        tensor = None if variable.key is None else model.weights.tensors.get(variable.key)
        if tensor is None or variable.kind == "optimizer" or not tensor.fixed_size or tensor.missing:
            continue
        crc = 0
        for chunk in model.weights.source.chunks(tensor):
            crc = crc32c(chunk, crc)
        stored.add((tensor.bytes, crc))
    found = {
        constant.name: (constant.bytes, google_crc32c.value(content))
        for constant, content in summary.constants(frozen).items()
        if constant.name in variables
    }
    lost = [name for name, one in found.items() if one not in stored]
    if lost:
        raise CheckError(f"frozen graph: the constant {lost[0]!r} is none of the arrays in the file")
    return ConstantsProof(checked=len(found), equal=len(found))


def nothing_to_freeze(model: Model, ends: Endpoints) -> str | None:
    """Why a model with a graph cannot become a frozen graph, in a sentence; None if it can."""
    if model.weights is None and not model.frozen:
        return "the graph has variables and the files hold no values for them"
    if not ends.outputs:
        return "no output was found in the graph, and the row names none"
    return None


def original(model: Model, bindings: Bindings, *, averages: bool = False) -> Original | None:
    """What TensorFlow would load to run the model as its author left it; None if it cannot."""
    if model.graph_file is None:
        return None
    path = str(model.root / model.graph_file)
    # Not by "/": a checkpoint prefix may be empty.
    prefix = None if model.checkpoint is None else f"{model.root}/{model.checkpoint}"
    keys = {
        variable.node: Key(
            key=variable.key,
            offset=variable.slice.offset if variable.slice else (),
            shape=variable.slice.shape if variable.slice else None,
        )
        for variable in bindings.variables
        if variable.node is not None and variable.key is not None
        if variable.slice is not None or variable.key != variable.node
    }
    kind, added = _kind(model, path), b"" if model.meta is None else model.meta.added
    if added:
        prefix = f"{path}/variables/variables"  # each variable is given its value, not by the Saver
    return Original(
        kind=kind, path=path, checkpoint=prefix, tags=model.tags, keys=keys, averages=averages, added=added
    )


def _kind(model: Model, path: str) -> Literal["meta_graph", "graph_def", "saved_model"]:
    """Which message the file of a model's graph holds; the row may have named one of another kind."""
    if model.format.id == "graph_def":
        return "graph_def"
    found = None if model.format.id == "saved_model" else message_at(Path(path))
    if found is None or found[0] == "SavedModel":
        return "saved_model"
    # A file may hold all that a MetaGraphDef has and no Saver: it is one all the same.
    return "meta_graph" if found[0] == "MetaGraphDef" else "graph_def"
