"""What is known about ops: which make, pass on, read and write variables.

From the op registry of TensorFlow 2.21 (tensorflow/core/ops/*.cc).  A rewrite happens only for ops
listed here; a variable that reaches anything else is refused by name.
"""

from __future__ import annotations

import functools
import re

from zoo.risk import OPS_FILE

REF_VARIABLES = frozenset({"Variable", "VariableV2"})
RESOURCE_VARIABLES = frozenset({"VarHandleOp"})
VARIABLES = REF_VARIABLES | RESOURCE_VARIABLES

REF_FORMS = {
    "RefIdentity": "Identity",
    "RefSwitch": "Switch",
    "RefMerge": "Merge",
    "RefEnter": "Enter",
    "RefExit": "Exit",
    "RefNextIteration": "NextIteration",
}
"""Ops on references, and the op that does the same to values."""

LOOP_EDGES = frozenset({"NextIteration", "RefNextIteration"})
"""Ops whose outputs close a loop; every other edge of a graph points forward."""

CONTROL_FLOW = frozenset(
    {
        "Switch",
        "Merge",
        "Enter",
        "Exit",
        "NextIteration",
        "LoopCond",
        "_SwitchN",
        "ControlTrigger",
        *REF_FORMS,
    }
) - {"RefIdentity"}
"""Ops that decide whether, and how often, what comes after them runs."""

SWITCHES = frozenset({"Switch", "RefSwitch"})
MERGES = frozenset({"Merge", "RefMerge"})

# Which outputs of an op are the handle that went in; None means: the output of the same position.
PASSES: dict[str, tuple[int, ...] | None] = {
    "Identity": (0,),
    "Switch": (0, 1),
    "Merge": (0,),
    "Enter": (0,),
    "Exit": (0,),
    "NextIteration": (0,),
    "StopGradient": (0,),
    "IdentityN": None,
}

OUTPUTS = {
    "Const": ("output",),
    "Placeholder": ("output",),
    "Identity": ("output",),
    "StopGradient": ("output",),
    "IdentityN": ("output",),
    "Switch": ("output_false", "output_true"),
    "Merge": ("output", "value_index"),
    "Enter": ("output",),
    "Exit": ("output",),
    "NextIteration": ("output",),
    "ReadVariableOp": ("value",),
    "ResourceGather": ("output",),
    "ResourceGatherNd": ("output",),
    "GatherV2": ("output",),
    "GatherNd": ("output",),
    "VariableShape": ("output",),
    "Shape": ("output",),
    "VarIsInitializedOp": ("is_initialized",),
    "IsVariableInitialized": ("is_initialized",),
    "If": ("output",),
    "StatelessIf": ("output",),
    "Case": ("output",),
    "StatelessCase": ("output",),
    "While": ("output",),
    "StatelessWhile": ("output",),
    "PartitionedCall": ("output",),
    "StatefulPartitionedCall": ("output",),
    "Select": ("output",),
    "SelectV2": ("output",),
    "Mul": ("z",),
    "RealDiv": ("z",),
    "Div": ("z",),
}
"""Names of the output arguments: inside functions a tensor is ``node:argument:index``."""

CALLS: dict[str, tuple[int, str, tuple[str, ...]]] = {
    "PartitionedCall": (0, "Tin", ("f",)),
    "StatefulPartitionedCall": (0, "Tin", ("f",)),
    "If": (1, "Tin", ("then_branch", "else_branch")),
    "StatelessIf": (1, "Tin", ("then_branch", "else_branch")),
    "Case": (1, "Tin", ("branches",)),
    "StatelessCase": (1, "Tin", ("branches",)),
    "While": (0, "T", ("cond", "body")),
    "StatelessWhile": (0, "T", ("cond", "body")),
}
"""Ops that call functions: the first input that is an argument, the attribute with the arguments'
types, the attributes that name the functions."""

ARITY = {
    "Switch": 2, "RefSwitch": 2, "Select": 3, "SelectV2": 3, "Mul": 2, "RealDiv": 2, "Shape": 1,
    "RandomUniform": 1, "ReadVariableOp": 1, "ResourceGather": 2, "ResourceGatherNd": 2,
    "VariableShape": 1, "VarIsInitializedOp": 1, "IsVariableInitialized": 1, "Identity": 1,
}  # fmt: skip
"""How many tensors an op reads, for the ops that are rewritten."""

LOOPS = frozenset({"While", "StatelessWhile"})

INITIALIZED = frozenset({"VarIsInitializedOp", "IsVariableInitialized"})

PIPELINE = re.compile(
    r"IteratorGetNext(Sync)?|IteratorGetNextAsOptional|OptionalGetValue|ReduceDataset|DatasetToSingleElement"
    r"|Queue(Dequeue|DequeueMany|DequeueUpTo)(V2)?|Reader(Read|ReadUpTo)(V2)?|Unstage|MapUnstage(NoKey)?"
    r"|Stage(Peek)?|Barrier\w+|RecordInput"
)
"""Ops that hand examples to the model; behind them is only the input pipeline."""

TABLE_INITIALIZERS = frozenset(
    {
        "InitializeTable", "InitializeTableV2", "InitializeTableFromTextFile",
        "InitializeTableFromTextFileV2", "InitializeTableFromDataset",
        "LookupTableImport", "LookupTableImportV2",
    }
)  # fmt: skip

_WRITES = re.compile(
    r"Assign(Add|Sub|MovingAvg)?|Assign(Add|Sub)?VariableOp|AssignVariableXlaConcatND"
    r"|(Resource)?Scatter(Nd)?(Add|Sub|Mul|Div|Min|Max|Update)|(Resource)?(Sparse)?Apply\w+"
    r"|(Resource)?CountUpTo|(Resource)?StridedSliceAssign|DestroyResourceOp|DestroyTemporaryVariable"
)

# Ops on references that neither write nor have a form for values.
_REFERENCE_ONLY = frozenset({"RefSelect", "DebugGradientRefIdentity", "SdcaShrinkL1"})


@functools.cache
def writes(op: str) -> bool:
    """Whether the op changes the variable that is its first input."""
    return _WRITES.fullmatch(op) is not None


@functools.cache
def takes_values(op: str) -> bool:
    """Whether TensorFlow knows the op, and it takes a plain value where a reference was given."""
    return op in _registered() and op not in _REFERENCE_ONLY and op not in REF_FORMS and not writes(op)


@functools.cache
def _registered() -> frozenset[str]:
    return frozenset(line.split()[0] for line in OPS_FILE.read_text("ascii").splitlines() if line.strip())
