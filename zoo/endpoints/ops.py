"""What is known about ops as far as finding inputs and outputs asks for it."""

from __future__ import annotations

import functools
import re

from zoo.graph import Graph, Node

PLACEHOLDERS = frozenset({"Placeholder", "PlaceholderV2", "PlaceholderWithDefault"})

VARIABLES = frozenset({"Variable", "VariableV2", "VarHandleOp", "AutoReloadVariable", "TemporaryVariable"})

PASSES = frozenset(
    """Identity RefIdentity IdentityN StopGradient Enter RefEnter Exit RefExit Switch RefSwitch Merge
    RefMerge NextIteration RefNextIteration ReadVariableOp Cast Reshape ExpandDims Squeeze Snapshot
    PreventGradient CheckNumerics EnsureShape Print LogicalNot Bitcast""".split()
)
"""Ops through which a value goes without meeting another one that matters."""

PYTHON = frozenset({"PyFunc", "PyFuncStateless", "EagerPyFunc"})

_PIPELINE = re.compile(
    r"IteratorGetNext(Sync|AsOptional)?|OptionalGetValue|ReduceDataset|DatasetToSingleElement"
    r"|(\w*Queue)?Dequeue(Many|UpTo)?(V2)?|Queue(Dequeue|DequeueMany|DequeueUpTo)(V2)?"
    r"|Reader(Read|ReadUpTo)(V2)?|(Map|OrderedMap)?(Unstage|Peek|StagePeek)(NoKey)?|Barrier\w+"
    r"|RecordInput|InfeedDequeue(Tuple)?|_?(Host)?Recv|FixedLengthRecord\w+|DecodeVideo"
    r"|GeneratorDataset|SSTableReader\w*|LoadFromVolumeStore"
)
PARSERS = frozenset(
    {"ParseExample", "ParseExampleV2", "ParseSingleExample", "ParseSequenceExample",
     "ParseSequenceExampleV2", "ParseSingleSequenceExample", "DecodeCSV", "DecodeProtoV2"}
)  # fmt: skip
DECODERS = frozenset(
    """DecodeJpeg DecodePng DecodeImage DecodeBmp DecodeGif DecodeAndCropJpeg DecodeWav DecodeRaw
    DecodeBase64 DecodeCompressed DecodePaddedRaw""".split()
)

NOISE = frozenset(
    """RandomUniform RandomStandardNormal TruncatedNormal ParameterizedTruncatedNormal StatelessRandomUniform
    StatelessRandomUniformV2 StatelessRandomNormal StatelessRandomNormalV2""".split()
)
COMPARES = frozenset("Floor GreaterEqual Greater Less LessEqual".split())
"""Ops that make a mask of random numbers, as dropout does."""


@functools.cache
def hands_out_examples(op: str) -> bool:
    """Whether the op is where an input pipeline, or Python, hands examples to the model."""
    return op in PYTHON or _PIPELINE.fullmatch(op) is not None


_WRITERS = re.compile(
    r"Assign(Add|Sub)?|Assign(Add|Sub)?VariableOp|(Resource)?(Sparse)?Apply\w+"
    r"|(Resource)?Scatter(Nd)?(Add|Sub|Mul|Div|Min|Max|Update)|(Resource)?StridedSliceAssign"
    r"|(Resource)?CountUpTo|DestroyResourceOp|.*Accumulator(Apply|Take)Gradient|StackPush(V2)?"
)
_SAVERS = re.compile(r"(Save|Restore)(V2|Slices?|Slice)?|ShardedFilename|ShardedFilespec|MergeV2Checkpoints")
_REPORTS = re.compile(
    r"\w*Summary(V2)?|SummaryWriter|Write\w+Summary|Assert|PrintV2|NoOp|ControlTrigger|IsVariableInitialized"
    r"|VarIsInitializedOp|Timestamp|Abort|WriteFile|LogUniform\w*|InitializeTable\w*|LookupTable(Import|Insert)\w*"
    r"|Queue(Enqueue\w*|Close(V2)?|Size(V2)?|IsClosed(V2)?)|MakeIterator|IteratorToStringHandle|ConcatOffset"
    r"|InTopK(V2)?|ConfusionMatrix|Stage|MapStage"
)
_GRADIENTS = re.compile(
    r"\w+Grad(V\d)?|\w+GradGrad|\w+GradWithArgmax|Conv\w+BackpropFilter(V\d)?|\w+NativeBackpropFilter"
    r"|BroadcastGradientArgs|SymbolicGradient|\w+BackpropV\d"
)


def names_its_input(node: Node) -> bool:
    """Whether a node is there for its name alone."""
    return node.op == "Identity" and unnumbered(node.name.rpartition("/")[2]) not in _BY_FUNCTIONS


def joins_one(node: Node) -> bool:
    """Whether a node is what is left of joining, or adding up, a single tensor."""
    return node.op == "Identity" and unnumbered(node.name.rpartition("/")[2]) in _JOINS


_JOINS = frozenset({"concat", "addn"})
_BY_FUNCTIONS = _JOINS | {"identity", "read", "merge", "control_dependency"}
"""Names that functions of TensorFlow give to an identity."""


def unnumbered(name: str) -> str:
    """``Dense_1`` → ``dense``."""
    return re.sub(r"_\d+$", "", name).lower()


@functools.cache
def writes(op: str) -> bool:
    """Whether the op changes a variable."""
    return _WRITERS.fullmatch(op) is not None


@functools.cache
def trains(op: str) -> bool:
    """Whether the op is an optimizer's step; its first input is the variable."""
    return re.fullmatch(r"(Resource)?(Sparse)?Apply\w+", op) is not None


@functools.cache
def off_the_line(op: str) -> bool:
    """Whether nothing behind the op is inference: writing, saving, reporting, going backward."""
    return (
        writes(op)
        or _SAVERS.fullmatch(op) is not None
        or _REPORTS.fullmatch(op) is not None
        or _GRADIENTS.fullmatch(op) is not None
    )


GRADIENT_SCOPE = re.compile(r"(?:^|/)gradients(?:_\d+)?/")
"""`tf.gradients` puts everything it makes into this name scope."""


def in_gradient(name: str) -> bool:
    """Whether `tf.gradients` made the node of this name."""
    if "gradients" not in name:
        return False
    return name.startswith("gradients/") or GRADIENT_SCOPE.search(name) is not None


def differentiates(graph: Graph) -> bool:
    """Whether a graph holds gradients."""
    return any(in_gradient(graph.names[i]) for i in graph.about_gradients)


def gradient_scope(name: str) -> str:
    """The name up to the scope that `tf.gradients` made, that included; empty if it made none."""
    if name.startswith("gradients/"):
        return "gradients/"
    match = GRADIENT_SCOPE.search(name) if "gradients" in name else None
    return "" if match is None else name[: match.end()]


def differentiated(name: str) -> str:
    """The op whose gradient a node of this name belongs to, as its scope says; empty if to none."""
    at = name.find("gradients")
    end = name.rfind("_grad/")
    return name[at:end].partition("/")[2] if end > at >= 0 else ""


RANDOM = frozenset(
    """RandomUniform RandomStandardNormal RandomNormal TruncatedNormal RandomUniformInt Multinomial
    StatelessRandomUniform StatelessRandomUniformV2 StatelessRandomNormal StatelessRandomNormalV2
    StatelessTruncatedNormal RandomGamma ParameterizedTruncatedNormal""".split()
)

CALLS = frozenset(
    """PartitionedCall StatefulPartitionedCall While StatelessWhile If StatelessIf Case""".split()
)
"""Ops that call functions; each of their outputs is a tensor of its own."""

MIXES = CALLS | frozenset(
    """MatMul BatchMatMul BatchMatMulV2 BatchMatMulV3 SparseMatMul Einsum Conv2D Conv3D Conv1D
    DepthwiseConv2dNative Conv2DBackpropInput Conv3DBackpropInput Conv3DBackpropInputV2
    DepthwiseConv2dNativeBackpropInput SparseTensorDenseMatMul
    BiasAdd BiasAddV1 FusedBatchNorm FusedBatchNormV2 FusedBatchNormV3 Dilation2D
    Gather GatherV2 GatherNd ResourceGather ResourceGatherNd
    LSTMBlockCell BlockLSTM BlockLSTMV2 GRUBlockCell CudnnRNN CudnnRNNV2 CudnnRNNV3
    QuantizedConv2D QuantizedMatMul _FusedConv2D _FusedMatMul
    BatchNormWithGlobalNormalization SparseSegmentMean SparseSegmentSum SparseSegmentSqrtN""".split()
)
"""Ops where an example meets a parameter."""

PRODUCTS = frozenset("MatMul BatchMatMul BatchMatMulV2 BatchMatMulV3 Einsum".split())

LOOKUPS = frozenset("Gather GatherV2 GatherNd ResourceGather ResourceGatherNd".split())

SOFT_MIXES = frozenset("Add AddV2 Sub Mul RealDiv Div Maximum ConcatV2 Concat Select SelectV2".split())
"""Ops where a parameter of rank 1 or more may meet an example, but a loss may also meet a penalty."""

PROBABILITIES = frozenset({"Softmax", "Sigmoid"})
ACTIVATIONS = frozenset({"Softmax", "Sigmoid", "LogSoftmax"})
NONLINEAR = frozenset("Relu Relu6 Elu Selu LeakyRelu Tanh Softplus".split())
DECISIONS = frozenset(
    """ArgMax ArgMin TopK TopKV2 Round Rint Greater GreaterEqual Less LessEqual Equal NotEqual OneHot
    InTopK InTopKV2 Sign""".split()
)
LOOK_THROUGH = frozenset(
    "Identity Reshape Squeeze ExpandDims Cast StopGradient Transpose Snapshot CheckNumerics Print".split()
)
DIFFERENCES = frozenset(
    """Sub SquaredDifference Mul Maximum Equal SigmoidCrossEntropyWithLogits
    SoftmaxCrossEntropyWithLogits SparseSoftmaxCrossEntropyWithLogits Xlogy Abs""".split()
)
"""Ops with which a reconstruction is compared to the example."""

LOSSES = frozenset(
    {"SoftmaxCrossEntropyWithLogits", "SparseSoftmaxCrossEntropyWithLogits", "CTCLoss", "CTCLossV2"}
)
REDUCTIONS = frozenset({"Sum", "Mean", "Max", "Min", "Prod", "All", "Any", "L2Loss", "EuclideanNorm"})
MEANS = REDUCTIONS | {"DivNoNan"}
"""Ops by which losses sum up; those of TensorFlow divide by a sum of weights that may be zero."""
SHAPES = frozenset({"Shape", "ShapeN", "Size", "Rank", "VariableShape", "ZerosLike", "OnesLike"})
"""Ops that read the shape of their input, not its content."""


SHAPE, MIX, SOFT, PASS, CHANCE = 1, 2, 4, 8, 16
"""Marks of ops, as `marks` gives them."""


@functools.cache
def marks(op: str) -> int:
    """Which of `SHAPES`, `MIXES`, `SOFT_MIXES`, `PASSES` and `RANDOM` an op is in, as bits."""
    return (
        SHAPE * (op in SHAPES)
        | MIX * (op in MIXES)
        | SOFT * (op in SOFT_MIXES)
        | PASS * (op in PASSES)
        | CHANCE * (op in RANDOM)
    )
