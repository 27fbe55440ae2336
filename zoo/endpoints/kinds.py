"""What an output or an input is: probabilities, boxes, an image, tokens."""

from __future__ import annotations

import re

from zoo.endpoints import ops
from zoo.endpoints.flow import Flow, output_dtype
from zoo.graph import Node
from zoo.protos import Shape
from zoo.shapes.engine import CALLS, function_body

_NAMED = (
    ("boxes", r"box|bbox|locali[sz]ation|\bloc\b|rois?\b"),
    ("landmarks", r"landmark|keypoint|heatmap"),
    ("masks", r"mask|segment"),
    ("scores", r"score|conf(idence)?\b"),
    ("count", r"num_detections|count"),
    ("embedding", r"embed|feature|bottleneck|latent|code\b|encod"),
    ("value", r"\bvalue|critic|\bv\b|state_value"),
    ("action", r"action|policy|\bpi\b|actor"),
    ("reconstruction", r"recon|decod"),
    ("image", r"generat|fake|image|\bgen\b|hr\b|\bsr\b"),
)


RANK_OF_PICTURES = 4
"""Axes of pictures: examples, height, width, colours."""


def walk_back(flow: Flow, i: int, through: frozenset[str] = ops.LOOK_THROUGH) -> int:
    """The node whose content ``i`` shows, seen through ops that only reshape or rename.

    A node of the graph always, if ``i`` is one: a port of a feed is where the way ends.
    """
    nodes = flow.graph.nodes
    for _ in range(32):
        if i >= len(nodes) or nodes[i].op not in through or not flow.rows[i]:
            return i
        source = flow.rows[i][0][0]
        if source >= len(nodes):
            return i
        i = source
    return i


def masked(flow: Flow, i: int) -> int:
    """The decisions that a product takes over or makes zero, behind the end of a sentence; else -1."""
    if flow.op(i) != "Mul" or len(flow.rows[i]) != 2:
        return -1
    for (source, _), (other, _) in (flow.rows[i], flow.rows[i][::-1]):
        if flow.op(walk_back(flow, source)) == "ArgMax" and not flow.variable_bits[other]:
            return source
    return -1


def output_kind(flow: Flow, i: int, port: int, shape: Shape, *, role: str | None = None) -> str:
    """What the output is, from its op and its neighbours; the name decides only between likes."""
    if role is not None:
        return role
    node = flow.graph.nodes[i]
    base = walk_back(flow, i)
    decided = masked(flow, base)
    source, made = _maker(flow, i if decided < 0 else decided, port)
    name = node.name.lower()
    if source.op in ("ArgMax", "ArgMin"):
        return "masks" if shape is not None and len(shape) >= 3 else "classes"
    if source.op in ("TopK", "TopKV2"):
        return "scores" if made == 0 else "classes"
    if source.op.startswith("NonMaxSuppression") or source.op == "CombinedNonMaxSuppression":
        return {0: "boxes", 1: "scores", 2: "classes"}.get(made, "count")
    if source.op.startswith("LookupTable"):
        return "classes"
    if source.op == "Multinomial":
        return "action"
    if source.op == "Softmax":
        return "probabilities"
    if source.op == "LogSoftmax":
        return "log probabilities"
    if source.op == "Sigmoid":
        if shape is not None and len(shape) == 4:
            return "masks" if shape[-1] in (1, 2) else "image"
        return "probabilities"
    if "string" in (output_dtype(node, port), output_dtype(source, made)):
        return "text"
    for kind, pattern in _NAMED:
        if re.search(pattern, name):
            return kind
    if shape is not None and len(shape) == 4 and shape[-1] in (1, 3):
        return "image"
    if _normalized(flow, base):
        return "embedding"
    return "logits"


def _maker(flow: Flow, i: int, port: int) -> tuple[Node, int]:
    """The node, and which of its outputs, whose content an output shows: inside of a called function, too.

    A SavedModel of TensorFlow 2 answers with a call of a call of what its author wrote.
    """
    graph, base = flow.graph, i
    nodes = graph.nodes
    for _ in range(_DEEP):
        if base >= len(nodes) or nodes[base].op not in _SHOWS or not flow.rows[base]:
            break
        base, port = flow.rows[base][0]
    if base >= len(nodes):
        return nodes[i], 0
    maker = nodes[base]
    for _ in range(_DEEP):
        called = maker.attr("f") if maker.op in CALLS else None
        function = graph.functions.get(maker.op if called is None else called.func.name)
        if function is None:
            break
        body = function_body(function)
        at, inner = body.results[port] if 0 <= port < len(body.results) else (-1, 0)
        for _ in range(_DEEP):
            if at < body.arguments or body.nodes[at].op not in ops.LOOK_THROUGH or not body.sources[at]:
                break
            at, inner = body.sources[at][0]
        found = body.nodes[at] if at >= body.arguments else None
        if not isinstance(found, Node):
            break  # an argument, handed back as it is
        maker, port = found, inner
    return maker, port


_SHOWS = ops.LOOK_THROUGH | {"Minimum", "Maximum"}
"""Clipped chances are chances."""
_DEEP = 32
"""Nodes that show another's content, or calls in calls, that are seen through at most."""


def _normalized(flow: Flow, i: int) -> bool:
    """Whether the node divides a tensor by its own length, as `tf.nn.l2_normalize` does."""
    node = flow.graph.nodes[i]
    if node.op not in ("Mul", "RealDiv", "Div"):
        return False
    for source, _ in flow.rows[i]:
        other = walk_back(flow, source)
        if other < len(flow.graph.nodes) and flow.graph.nodes[other].op in ("Rsqrt", "Sqrt"):
            return True
    return False


def input_kind(flow: Flow, dtype: str, shape: Shape) -> str:
    """What a data input holds, in a word for its reason."""
    if dtype == "string":
        return "text or encoded files"
    if shape is not None and len(shape) == 4 and (shape[-1] in (1, 3, 4) or shape[1] in (1, 3)):
        return "images"
    if shape is not None and len(shape) == 5:
        return "volumes or videos"
    if dtype in ("int32", "int64"):
        return "ids"
    if shape is not None and len(shape) == 3:
        return "sequences or an image"
    return "examples"


def is_deliberate(flow: Flow, i: int) -> bool:
    """Whether a node is there for its name alone."""
    return ops.names_its_input(flow.graph.nodes[i])


def is_named(flow: Flow, i: int) -> bool:
    """Whether somebody took the trouble to name a tensor, see `has_own_name`."""
    return has_own_name(flow.graph.nodes[i], within=flow.scope)


def is_called(flow: Flow, i: int) -> bool:
    """Whether a node's name says something else than its op, in whatever scope."""
    node = flow.graph.nodes[i]
    last = ops.unnumbered(node.name.rpartition("/")[2]).replace("_", "")
    return last not in _BY_PYTHON and last != node.op.lower()


def outside_scopes(flow: Flow, i: int) -> bool:
    """Whether a node stands in no scope but that of the whole model."""
    return "/" not in flow.graph.names[i].removeprefix(flow.scope)


def enters_loss(flow: Flow, i: int, j: int) -> bool:
    """Whether ``j`` stands in a scope that is called a loss, and ``i``, of which it is made, does not."""
    names = flow.graph.names
    if j >= len(names):
        return False
    scope = scope_of_loss(names[j])
    return bool(scope) and not (i < len(names) and names[i].startswith(scope))


def scope_of_loss(name: str) -> str:
    """The outermost scope of a name that is called a loss, as in ``train/log_loss_1/``; empty without one."""
    if "loss" not in name.lower():
        return ""
    end = 0
    for scope in name.split("/")[:-1]:
        end += len(scope) + 1
        words = re.split("[_-]", ops.unnumbered(scope))
        if words[-1] in ("loss", "losses") and "and" not in words:  # prediction_and_loss
            return name[:end]
    return ""


def has_own_name(node: Node, *, within: str = "") -> bool:
    """Whether somebody took the trouble to name a tensor, outside of all scopes or by a node of its own.

    The scope that a whole model stands ``within`` is none.
    """
    name = node.name.removeprefix(within)
    if ops.names_its_input(node) or "/" in name:
        return ops.names_its_input(node)
    plain = ops.unnumbered(name).replace("_", "")
    return plain not in _BY_PYTHON and plain not in (node.op.lower(), re.sub(r"v\d+$", "", node.op.lower()))


_BY_PYTHON = frozenset(
    """truediv floordiv stack unstack clipbyvalue embeddinglookup xwplusb l2normalize booleanmask flatten
    dropout moments norm logsoftmax randomnormal randomuniform zeroslike oneslike zeros ones fill notequal
    cond while add sub mul pow matmul conv2d tensordot maxpool2d avgpool saturatecast sequencemask tofloat
    toint32 clipbynorm clipbyglobalnorm dense diagpart diag reducelogsumexp""".split()
)
"""Names that functions of TensorFlow give to ops which are called otherwise."""
