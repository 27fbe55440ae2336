"""The records that pass along the line, and the JSON they become.

Every record is frozen.  ``Outcome`` is the contract with tools outside this project: its JSON is
``model.json``, described field by field in ``site/docs/contract.md``.
"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Any, Literal, TypeVar

import msgspec

from zoo.protos import Shape

SCHEMA = 1
"""Version of the JSON contract; it changes when a field is renamed or changes its meaning."""

Weights = Literal["raw", "ema"]


class Status(StrEnum):
    """What became of a row."""

    FROZEN = "frozen"
    """A frozen graph was written, or the file already was one."""
    READ = "read"
    """All that can be read was summarized, and there is nothing to freeze."""
    FAILED = "failed"
    """The row could not be had, is damaged, unsafe, incomplete or not a model."""


class Checksum(msgspec.Struct, frozen=True, kw_only=True):
    """A digest that a source publishes: ``algorithm`` as hashlib names it, ``value`` in hex."""

    algorithm: Literal["md5", "sha1", "sha256", "sha384"]
    value: str


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the manifest, parsed: the order to process one model.

    ``urls`` hold what a fetcher takes: URLs, or absolute paths for what the row gave relative to
    the manifest.  ``given`` holds the non-empty cells just as they stand in the file.
    """

    line: int
    name: str
    slug: str
    urls: tuple[str, ...]
    mirrors: tuple[str, ...] = ()
    checksums: tuple[Checksum | None, ...] = ()
    size: int | None = None
    """Bytes of all sources together, when the row gives them all."""
    sizes: tuple[int | None, ...] = ()
    """Bytes of each source, beside ``urls``; empty when the row gives none."""
    member: str | None = None
    member_checksum: Checksum | None = None
    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    documented_inputs: tuple[str, ...] = ()
    documented_outputs: tuple[str, ...] = ()
    graph: str | None = None
    weights: Weights = "raw"
    task: str = ""
    family: str = ""
    license: str = ""
    paper: str = ""
    source: str = ""
    description: str = ""
    expect: Status | None = None
    given: dict[str, str] = {}


class Archive(msgspec.Struct, frozen=True, kw_only=True):
    """One fetched source: where its bytes came from, what they are."""

    url: str
    """As the manifest gives it (a relative path stays relative), secrets redacted."""
    sha256: str
    bytes: int
    verified: bool = False
    """A published checksum was given and agreed."""


class Format(msgspec.Struct, frozen=True, kw_only=True):
    """Which model was found, and what kind of files it is made of; paths are archive-relative."""

    id: Literal[
        "checkpoint_v2", "checkpoint_v1", "object_checkpoint", "saved_model", "graph_def",
        "meta_graph", "keras", "tflite",
    ]  # fmt: skip
    label: str
    """``TensorFlow checkpoint V2 with graph``."""
    path: str
    """The artifact: a file, a checkpoint prefix or a SavedModel folder."""
    producer: str | None = None
    """The TensorFlow version that wrote it, as the file says it, or ``GraphDef version 11``."""
    companions: tuple[str, ...] = ()
    others: tuple[str, ...] = ()
    """Models in the archive that were not chosen."""
    choice: str | None = None
    """Why this one was chosen, where there were others."""


class GraphFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What a graph is made of; ``op_counts`` include the nodes inside functions."""

    nodes: int
    nodes_in_functions: int
    op_counts: dict[str, int]
    training: bool
    unregistered_ops: tuple[str, ...] = ()
    ops_without_kernel: tuple[str, ...] = ()
    """Ops that TensorFlow imports and cannot run on a CPU."""
    risky_ops: dict[str, int] = {}


class Endpoint(msgspec.Struct, frozen=True, kw_only=True):
    """An input or output of the model, and why we think so."""

    name: str
    """Tensor name, ``input:0``."""
    dtype: str
    shape: Shape
    role: str | None = None
    """Inputs: data, training_flag, keep_prob, label, batch_size, queue, …"""
    kind: str | None = None
    """Outputs: probabilities, logits, boxes, embedding, …"""
    folded: bool | int | float | None = None
    """Inputs: the value that took the place of this feed in the frozen graph."""
    confidence: float
    """Of the answers given with 0.9, nine in ten are right."""
    reason: str


class Candidates(msgspec.Struct, frozen=True, kw_only=True):
    """Tensor names that were considered, best first, the chosen ones among them."""

    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()


class KindFacts(msgspec.Struct, frozen=True, kw_only=True):
    """Totals over the variables of one kind."""

    count: int = 0
    parameters: int = 0
    bytes: int = 0


class VariableFacts(msgspec.Struct, frozen=True, kw_only=True):
    """Totals over the stored variables; ``parameters`` counts the elements of kind ``model``."""

    count: int
    parameters: int
    bytes: int
    by_kind: dict[str, KindFacts]
    sentence: str = ""
    """``Checkpoint 51 MB = model 17 MB + 2 Adam slots 34 MB``."""
    missing_in_checkpoint: tuple[str, ...] = ()
    missing_in_graph: tuple[str, ...] = ()


class Pruned(msgspec.Struct, frozen=True, kw_only=True):
    """How many nodes freezing left out, by reason."""

    nodes: int
    why: dict[str, int]


class ConstantsProof(msgspec.Struct, frozen=True, kw_only=True):
    """Constants whose crc32c, recomputed from the written file, equals the checkpoint's."""

    checked: int
    equal: int


class RunProof(msgspec.Struct, frozen=True, kw_only=True):
    """Original against frozen on the same seeded inputs; ``ok`` is None when nothing could run."""

    ok: bool | None
    max_abs_diff: float | None = None
    max_rel_diff: float | None = None
    reason: str | None = None
    outputs: dict[str, str] = {}
    """Per output: shape, range and NaN count, in words."""


class Frozen(msgspec.Struct, frozen=True, kw_only=True):
    """The frozen graph that was written, and how it is proved equal to its source."""

    path: str
    bytes: int
    sha256: str
    nodes: int
    engine: Literal["stream", "tensorflow", "as_is"]
    engine_reason: str | None = None
    pruned: Pruned
    constants: ConstantsProof
    run: RunProof
    initializers: tuple[str, ...] = ()
    """Nodes to run once before the first inference: they fill lookup tables."""


class Compute(msgspec.Struct, frozen=True, kw_only=True):
    """Floating-point operations of one inference; None where no counted op has known shapes."""

    flops: int | None
    convention: str = "2 x multiply-accumulate"
    assumed: dict[str, Shape] = {}
    uncounted_ops: dict[str, int] = {}
    activation_bytes: int | None = None


class LayerFact(msgspec.Struct, frozen=True, kw_only=True):
    """A layer as the file states it (Keras), or as names and shapes of the weights suggest it."""

    name: str
    """The layer's own name, or the scope that its weights share."""
    type: str
    """A Keras class (``Conv2D``), or the nearest thing to one."""
    words: str = ""
    """``convolution 7x7, 3 to 64``"""
    shape: Shape = None
    """Of its output, where it is stated."""
    parameters: int = 0


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """Where and why a row stopped."""

    stage: str
    kind: str
    reason: str
    hint: str | None = None


class File(msgspec.Struct, frozen=True, kw_only=True):
    """A file beside ``model.json``."""

    path: str
    bytes: int
    sha256: str


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one row: exactly one per row, whatever happens."""

    schema: int = SCHEMA
    name: str
    slug: str
    status: Status
    expected: bool
    manifest: dict[str, str | int]
    archives: tuple[Archive, ...] = ()
    format: Format | None = None
    graph: GraphFacts | None = None
    inputs: tuple[Endpoint, ...] = ()
    outputs: tuple[Endpoint, ...] = ()
    candidates: Candidates = Candidates()
    variables: VariableFacts | None = None
    layers: tuple[LayerFact, ...] = ()
    """Models without a graph: the layers that the file states or that the weights suggest."""
    frozen: Frozen | None = None
    compute: Compute | None = None
    explanation: str | None = None
    """Status ``read``: why there is nothing to freeze."""
    warnings: tuple[str, ...] = ()
    failure: Failure | None = None
    files: tuple[File, ...] = ()


def catalog_entry(outcome: Outcome) -> dict[str, Any]:
    """An outcome as it stands in ``catalog.json``: without the parts that grow with the model."""
    entry: dict[str, Any] = msgspec.to_builtins(outcome)
    long = {
        "graph": ("op_counts",),
        "variables": ("missing_in_checkpoint", "missing_in_graph"),
        "format": ("companions", "others"),
    }
    for part in ("candidates", "files", "layers"):
        del entry[part]
    for part, keys in long.items():
        for key in keys if entry[part] is not None else ():
            del entry[part][key]
    return entry


T = TypeVar("T")


def to_json(record: Any) -> bytes:
    """The record as indented JSON that ends in a newline; equal records give equal bytes."""
    return msgspec.json.format(msgspec.json.encode(record), indent=1) + b"\n"


def from_json(data: bytes, kind: type[T]) -> T:
    """The record that ``to_json`` wrote.

    Raises:
        msgspec.DecodeError: ``data`` is not JSON, or does not fit ``kind``.
    """
    return msgspec.json.decode(data, type=kind)


def load(path: Path, kind: type[T]) -> T:
    """The record in a file; see `from_json`."""
    return from_json(path.read_bytes(), kind)


class RowRun(msgspec.Struct, frozen=True, kw_only=True):
    """What one row cost in a run."""

    slug: str
    resumed: bool = False
    """Nothing was done: the outcome of an earlier run stands."""
    seconds: float = 0.0
    stages: dict[str, float] = {}
    """Seconds per stage, in the order they ran."""
    downloaded: int = 0
    """Bytes that came over the network."""
    retries: int = 0
    cached: bool = False
    """The source was in the cache already."""
    events: tuple[str, ...] = ()
    """What came in the way: retries, resumes, mirrors."""
    lost_workers: int = 0
    """Worker processes that died while the row was on them."""


class RunReport(msgspec.Struct, frozen=True, kw_only=True):
    """``run.json``: all that differs from run to run."""

    schema: int = SCHEMA
    started: str
    """UTC, ISO 8601, to the second."""
    seconds: float
    workers: int
    versions: dict[str, str]
    """Of Python, this project, TensorFlow and the packages that matter."""
    manifest: str
    """File name of the manifest."""
    interrupted: bool = False
    rows: tuple[RowRun, ...] = ()
