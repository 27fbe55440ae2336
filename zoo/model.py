"""What the stages hand to each other between reading and writing: plain values, no behaviour.

Artifact ─ read ─► Model ─ bind ─► Bindings ─ detect ─► Endpoints ─ freeze ─► Frozen (a record)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import msgspec

from zoo.graph import MetaGraph
from zoo.protos import Shape
from zoo.records import Candidates, Endpoint, Format
from zoo.weights import Weights

Kind = Literal["model", "optimizer", "moving_average", "other"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Artifact:
    """Something in the unpacked files that a reader recognized."""

    reader: str
    """Key of the reader in `zoo.readers.READERS`."""
    path: str
    """Relative to the unpacked root: a file, a checkpoint prefix (may be empty), or a folder."""
    label: str
    """What it is, in words: ``checkpoint V2 with graph``."""
    files: tuple[str, ...]
    """The files that belong to it, relative to the unpacked root."""
    order: tuple[int, int, str] = (0, 0, "")
    """Sort key: how much of a model it is (more is better), its step, its path."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Layer:
    """A layer as a Keras configuration states it, or as names and shapes of weights suggest it."""

    name: str
    type: str
    """A Keras class (``Conv2D``), or the nearest thing to one."""
    words: str = ""
    """``convolution 7x7, 3 to 64``"""
    shape: Shape = None
    """Of its output, where it is stated."""
    parameters: int = 0
    inputs: tuple[str, ...] = ()
    """Names of the layers that feed it."""
    variables: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Model:
    """A model as read: its graph, its weights, or both; never executed."""

    root: Path
    """Folder of the unpacked files."""
    format: Format
    meta: MetaGraph | None = None
    weights: Weights | None = None
    missing: tuple[str, ...] = ()
    """Parts that the model should have and has not, one sentence each."""
    warnings: tuple[str, ...] = ()
    op_counts: Mapping[str, int] = field(default_factory=dict)
    """Formats without a GraphDef (TFLite, Keras layers): how often each op or layer occurs."""
    inputs: tuple[Endpoint, ...] = ()
    """Formats without a GraphDef: inputs as the file states them."""
    outputs: tuple[Endpoint, ...] = ()
    graph_file: str | None = None
    """The file (or SavedModel folder) that the graph was read from, relative to ``root``."""
    checkpoint: str | None = None
    """The checkpoint prefix (V1: the file, or the pattern of the shards), relative to ``root``."""
    tags: tuple[str, ...] = ()
    """SavedModel: the tags of the graph that was chosen."""
    frozen: bool = False
    """It is a GraphDef that holds its values already (or needs none)."""
    layers: tuple[Layer, ...] = ()
    """Keras: the layers of its configuration, in order."""


class Piece(msgspec.Struct, frozen=True, kw_only=True):
    """A part of a partitioned variable: which node, and where it lies in the whole."""

    node: str
    offset: tuple[int, ...]
    shape: tuple[int, ...]


class Variable(msgspec.Struct, frozen=True, kw_only=True):
    """A variable of the graph, a tensor of the checkpoint, or (as a rule) both."""

    name: str
    """The variable's name for people: the node's, else the checkpoint key's."""
    dtype: str
    shape: Shape
    bytes: int
    kind: Kind
    node: str | None = None
    """The node (``VariableV2``, ``VarHandleOp`` …) that makes it, where there is a graph."""
    key: str | None = None
    """The checkpoint key of its value (raw or moving average, as the row asks), if stored."""
    slice: Piece | None = None
    """It is a part of the tensor stored as ``key``."""
    trainable: bool | None = None
    slot: str | None = None
    """Optimizer slots: ``Adam``, ``Momentum``, …"""
    of: str | None = None
    """Slots, moving averages and copies: the variable they belong to."""


@dataclass(frozen=True, kw_only=True)
class Bindings:
    """Which stored tensor is the value of which variable of the graph."""

    variables: tuple[Variable, ...]
    missing_in_checkpoint: tuple[str, ...] = ()
    """One sentence per variable of the graph without a stored value, nearest keys included."""
    missing_in_graph: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    def by_node(self) -> dict[str, Variable]:
        """The variables by the node that makes them."""
        return {variable.node: variable for variable in self.variables if variable.node is not None}


@dataclass(frozen=True, kw_only=True)
class Feed:
    """A tensor that freezing cuts out of the graph and replaces by a placeholder."""

    tensor: str
    """``IteratorGetNext:0``"""
    dtype: str
    shape: Shape


@dataclass(frozen=True, kw_only=True)
class Endpoints:
    """The answer to "what goes in, what comes out", ready for the freezer."""

    inputs: tuple[Endpoint, ...]
    """Every feed worth telling, with its role; those with ``folded`` set are no longer needed."""
    outputs: tuple[Endpoint, ...]
    candidates: Candidates = field(default_factory=Candidates)
    feeds: tuple[Feed, ...] = ()
    """What stays (or becomes) a placeholder: the boundary of the frozen graph."""
    folds: Mapping[str, bool | int | float] = field(default_factory=dict)
    """Tensor name → the inference value that takes its place (``is_training`` → False)."""
    warnings: tuple[str, ...] = ()
