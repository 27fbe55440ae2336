"""What each node depends on: which feeds, which variables; one pass along the edges.

Sets are integers (a bit for each feed, a bit for each variable), so that the pass is linear.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from zoo.endpoints import ops
from zoo.endpoints.signatures import collected
from zoo.graph import BACK_EDGES, MERGES, RANGES, Edges, Graph, MetaGraph, Node, Readers, ordered, split_input
from zoo.protos import Shape, dtype_name
from zoo.shapes import OnDemand

_LARGE = 16
"""Elements from which on a constant of a frozen graph counts as a weight."""


_DEPTHS = {"Enter": 1, "RefEnter": 1, "Exit": -1, "RefExit": -1}


@dataclass(frozen=True, slots=True)
class FeedPoint:
    """A tensor that has to be fed, or that replaces what feeds it."""

    tensor: str
    node: int
    port: int
    dtype: str


@dataclass
class Flow:
    """The forward part of a graph: everything but gradients, optimizer, saver and summaries."""

    meta: MetaGraph
    graph: Graph
    feeds: tuple[FeedPoint, ...]
    variables: tuple[int, ...]
    """Nodes that act as the model's variables, by bit."""
    frozen: bool
    """There are no variables: large constants act as such."""
    trained: bool
    """The graph has optimizer steps, and `variables` are those that they change."""
    rows: Sequence[tuple[tuple[int, int], ...]]
    """Data inputs as (node, output); feed ports that share a node have indices of their own."""
    order: Sequence[int]
    off: bytearray
    """Nodes that are no inference."""
    feed_bits: list[int] = field(default_factory=list)
    variable_bits: list[int] = field(default_factory=list)
    random_bits: bytearray = field(default_factory=bytearray)
    """Depends on random numbers."""
    dead: bytearray = field(default_factory=bytearray)
    """Not run, because a folded flag takes the other branch."""
    ports: Mapping[tuple[int, int], int] = field(default_factory=dict)
    """(node, output) of every feed → its index in ``rows``."""
    backward: bool = False
    side: int = 0
    """Bits of the feeds that steer: what depends on no other feed is as good as a parameter."""
    rewired: bool = False
    """`rows` are not all as in the graph."""
    parameters: dict[int, int] = field(default_factory=dict)
    """Per node what `parameter_behind` found."""
    forward: Sequence[int] = ()
    """Of `order` all that is inference, and what that reads."""

    @cached_property
    def edges(self) -> Edges:
        """`rows` as arrays."""
        return Edges(self.rows) if self.rewired else self.graph.data_edges

    @cached_property
    def consumers(self) -> Sequence[Sequence[int]]:
        """Per node the nodes that read it, gradients and the like included."""
        return Readers(self.edges).alone()

    @cached_property
    def marks(self) -> bytes:
        """Per node the bits of `ops.marks`; a call of a function is where an example meets a parameter."""
        functions = self.graph.functions
        marks = self.graph.marked(lambda op: ops.marks(op) | (ops.MIX if op in functions else 0))
        return marks + bytes(len(self.rows) - len(marks))

    @cached_property
    def places(self) -> Sequence[int]:
        """The place of each node in `order`; -1 for what is in none."""
        if isinstance(self.order, range):
            return self.order
        places = [-1] * len(self.rows)
        for place, i in enumerate(self.order):
            places[i] = place
        return places

    @cached_property
    def loops(self) -> bool:
        """Whether an edge of the graph goes back."""
        return not BACK_EDGES.isdisjoint(self.graph.by_op)

    @cached_property
    def meeting(self) -> bytearray:
        """Whether a node meets a parameter, as far as `meets_parameter` was asked: 2 if so, 1 if not."""
        return bytearray(len(self.rows))

    @cached_property
    def walked(self) -> set[int]:
        """Nodes of losses that were looked into."""
        return set()

    @cached_property
    def statistics(self) -> bytearray:
        """Nodes that are made of what layers have seen in training, kept in variables, and of no example."""
        nodes, found = self.graph.nodes, bytearray(len(self.rows))
        kept = self.graph.having(ops.VARIABLES)
        assigned = _assigned(self.graph) - set(self.variables) if self.trained else ()
        todo = [
            i for i in kept
            if "moving" in nodes[i].name.lower() or (i in assigned and len(nodes[i].shape() or ()) == 1)
        ]  # fmt: skip
        for i in todo:
            found[i] = 1
        while todo:
            for j in self.readers(todo.pop()):
                if not found[j] and not self.feed_bits[j]:
                    found[j] = 1
                    todo.append(j)
        return found

    @cached_property
    def numbers(self) -> list[tuple[str, int]]:
        """Names and bits of the variables that are single numbers."""
        nodes = self.graph.nodes
        return [(nodes[i].name, 1 << k) for k, i in enumerate(self.variables) if nodes[i].shape() == ()]

    @cached_property
    def line(self) -> Sequence[int]:
        """The nodes that need a feed or a variable, in order: the forward part."""
        off, feeds, variables = self.off, self.feed_bits, self.variable_bits
        count = len(self.graph.nodes)
        return [i for i in self.forward if not off[i] and (feeds[i] or variables[i]) and i < count]

    @cached_property
    def scope(self) -> str:
        """The scope that all activations stand in, with a slash behind; empty if there is none."""
        feeds, variables = self.feed_bits, self.variable_bits
        names = [self.graph.names[i] for i in self.line if feeds[i] and variables[i]] or [""]
        scope = ""
        for first, last in zip(min(names).split("/")[:-1], max(names).split("/")[:-1], strict=False):
            if first != last:
                break
            scope += f"{first}/"
        return scope

    @cached_property
    def idle(self) -> bytearray:
        """Nodes that need a variable which no optimizer step changes, or which no gradient reaches."""
        idle = bytearray(len(self.rows))
        if self.taught:
            for i in self.variables:
                idle[i] = 1
            for i in np.flatnonzero(np.frombuffer(self.taught, np.uint8)).tolist():
                if i < len(self.graph.nodes) and not self.marks[i] & ops.PASS:
                    for source, _ in self.rows[i]:
                        parameter = parameter_behind(self, source)
                        if parameter >= 0:
                            idle[parameter] = 0
        trainable = self.meta.trainable if self.trained else ()
        stepped, named = set(self.variables), [self.graph.index.get(name) for name in trainable]
        if rest := {i for i in named if i is not None and i not in stepped}:
            for i in rest - _assigned(self.graph):
                idle[i] = 1
        if 1 in idle:
            for i in self.forward:
                if not idle[i] and not self.off[i]:
                    for source, _ in self.rows[i]:
                        if idle[source]:
                            idle[i] = 1
                            break
        return idle

    @cached_property
    def live(self) -> int:
        """Bits of the variables that are not `idle` themselves: what is trained."""
        return sum(1 << bit for bit, i in enumerate(self.variables) if not self.idle[i])

    @cached_property
    def ends(self) -> list[int]:
        """What is made of examples and parameters, and read by no inference."""
        made = [i for i in self.line if self.feed_bits[i] and self.variable_bits[i]]
        return [i for i in made if not self.marks[i] & ops.SHAPE and not self.readers(i)]

    @cached_property
    def measured(self) -> int:
        """Bits of the feeds that nothing but sums is made of, single numbers, together with the model.

        A loss, an accuracy: so labels are told in a graph that tests a model and does not train it.
        """
        nodes, single, other = self.graph.nodes, 0, 0
        for i in self.ends:
            scalar = self.is_scalar(i)
            if scalar and _sums_up(self, i):
                single |= self.feed_bits[i]
            elif not scalar and self.op(i) in _EACH:
                continue
            elif not any(ops.writes(nodes[j].op) for j in self.consumers[i]):
                other |= self.feed_bits[i]
        return single & ~other

    @cached_property
    def losses(self) -> list[int]:
        """Where no gradient tells of losses: the single numbers that sum up what is made of examples.

        So it is in a graph that tests a model.  A frozen one was made to answer; its sums are answers.
        """
        if self.frozen or self.graph.having_any(ops.trains) or ops.differentiates(self.graph):
            return []
        sums = [i for i in self.ends if self.is_scalar(i) and _sums_up(self, i)]
        found = [i for i in sums if self.slopes[i]] if sums else []
        needs = {self.feed_bits[i] for i in found}
        return [i for i in found if len(needs) > _JOINED or not self._is_glance(i, needs)]

    def _is_glance(self, i: int, needs: Collection[int]) -> bool:
        """Whether a sum is of a layer as it is, while a loss needs more feeds: there to be looked at."""
        if self.op(i) not in ops.REDUCTIONS:
            return False
        summed, bits = self.rows[i][0][0], self.feed_bits[i]
        if not any(others != bits and not bits & ~others for others in needs):
            return False
        for _ in range(32):
            if self.op(summed) in ops.LOOK_THROUGH and self.rows[summed]:
                summed = self.rows[summed][0][0]
        of_layers = ops.ACTIVATIONS | ops.MIXES | ops.NONLINEAR
        return self.op(summed) in of_layers or (self.op(summed) != "" and meets_parameter(self, summed))

    @cached_property
    def slopes(self) -> bytearray:
        """Per node whether it would have a gradient by a variable: no step on the way hides it."""
        slopes = bytearray(len(self.rows))
        for i in self.variables:
            slopes[i] = 1
        todo = [i for i in self.line if self.variable_bits[i] and not slopes[i] and self.op(i) not in _STEPS]
        for _ in range(_ROUNDS if self.loops else 1):
            rest = []
            for i in todo:
                slopes[i] = any(slopes[source] for source, _ in self.rows[i])
                if not slopes[i]:
                    rest.append(i)
            if len(rest) == len(todo):
                break
            todo = rest
        return slopes

    @property
    def learns(self) -> bool:
        """Whether there is a loss, its optimizer left out or not."""
        return self.trained or bool(self.losses)

    @cached_property
    def looped(self) -> bytearray:
        """Per node how many loops it is inside: a tensor in there cannot be fetched."""
        nodes = self.graph.nodes
        looped = bytearray(len(self.rows))
        if self.loops:
            for i in self.order:
                depth = max((looped[source] for source, _ in self.rows[i]), default=0)
                if i < len(nodes) and nodes[i].op in _DEPTHS:
                    depth = max(0, depth + _DEPTHS[nodes[i].op])
                looped[i] = depth
        return looped

    @cached_property
    def taught(self) -> bytearray:
        """Per node whether a gradient went through it, or would; empty where there is no loss."""
        return _taught(self) or _would_be_taught(self)

    @cached_property
    def teaches(self) -> bytearray:
        """Per node whether a gradient went past it, not through it, to what is made of it."""
        rows, taught, marks = self.rows, self.taught, self.marks
        teaches = bytearray(len(rows))
        if not taught:
            return teaches
        edges = self.edges
        ahead = bytearray(len(rows))  # read by what is taught, or teaches
        np.frombuffer(ahead, np.uint8)[edges.source[np.frombuffer(taught, np.bool_)[edges.reader]]] = 1
        for i in reversed(self.line):
            if ahead[i] and not taught[i] and not marks[i] & ops.SHAPE:
                teaches[i] = 1
                for source, _ in rows[i]:
                    ahead[source] = 1
        return teaches

    @cached_property
    def leads(self) -> bytearray:
        """Per node whether a layer is met later, on the way that a node's content goes."""
        return leads_on(self, layers=True)

    def readers(self, i: int) -> list[int]:
        """The nodes that read a node, but for gradients, writing, saving and reporting."""
        count = len(self.graph.nodes)
        return [j for j in self.consumers[i] if j < count and not self.off[j]]

    def op(self, i: int) -> str:
        """The op of a node; nothing for a feed that is one of several outputs."""
        return self.graph.ops[i] if i < len(self.graph.nodes) else ""

    @cached_property
    def collected(self) -> dict[str, str]:
        """See `zoo.endpoints.signatures.collected`."""
        return collected(self.meta)

    def feed_index(self, tensor: str) -> int | None:
        """Which feed a tensor is, or None."""
        return next((k for k, feed in enumerate(self.feeds) if feed.tensor == tensor), None)

    @cached_property
    def own_feeds(self) -> dict[int, int]:
        """Index in `rows` of each feed → its bit."""
        return {self.ports[feed.node, feed.port]: 1 << k for k, feed in enumerate(self.feeds)}

    @cached_property
    def _outputs_at(self) -> dict[int, tuple[int, int]]:
        """Index in `rows` → (node, output), of feeds."""
        return {i: pair for pair, i in self.ports.items()}

    @cached_property
    def _shapes(self) -> OnDemand:
        return OnDemand(self.graph, bytes(self.off[: len(self.graph.nodes)]))

    def shape(self, i: int, k: int = 0) -> Shape:
        """The static shape of output ``k`` of node ``i``, or of a feed that is one of several outputs."""
        if i >= len(self.graph.nodes):
            i, k = self._outputs_at[i]
        shape = self._shapes.shape(i, k)
        if shape is None:
            noted = self.graph.nodes[i].output_shapes()
            return noted[k] if k < len(noted) else None
        return shape

    def is_scalar(self, i: int) -> bool:
        """Whether the node's first output is known to be a single number."""
        noted = self.graph.nodes[i].output_shapes() if i < len(self.graph.nodes) else ()
        # The Saver noted how many axes there are, if not how long they are.
        return noted[0] == () if noted and noted[0] is not None else self.shape(i) == ()


def follow(meta: MetaGraph, *, extra_feeds: Iterable[str] = (), backward: bool = False) -> Flow:
    """The forward part of a graph and its feeds; `carry` finds what depends on what.

    Args:
        meta: the graph.
        extra_feeds: tensors that are fed, whatever makes them.
        backward: count gradients as inference too.
    """
    graph = meta.graph
    feeds = _feed_points(graph, tuple(extra_feeds))
    off = _off(graph, backward=backward)
    for text in (meta.saver.save_tensor, meta.saver.restore_op) if meta.saver is not None else ():
        saving = graph.index.get(split_input(text)[0])
        if saving is not None:
            off[saving] = 1  # TensorFlow 2 saves and restores within functions
    rows, ports = _rows(graph, feeds)
    off.extend(bytes(len(rows) - len(graph.nodes)))
    order = _order(graph, rows)
    variables, frozen, trained = _variables(meta)
    return Flow(
        meta, graph, feeds, variables, frozen, trained, rows, order, off, ports=ports, backward=backward,
        rewired=len(rows) > len(graph.nodes), forward=_forward(graph, order, off),
    )  # fmt: skip


def _forward(graph: Graph, order: Sequence[int], off: bytearray) -> Sequence[int]:
    """The nodes of ``order`` that are inference, and those off the line that they need."""
    needed = np.frombuffer(off, np.bool_) == 0
    apart = np.frombuffer(off, np.bool_, len(graph.nodes))
    edges = graph.data_edges
    todo = edges.source[apart[edges.source] > apart[edges.reader]].tolist()
    sources = graph.data_sources
    while todo:
        i = todo.pop()
        if not needed[i]:
            needed[i] = True
            todo.extend(source for source, _ in sources[i])
    if isinstance(order, range):
        found: Sequence[int] = np.flatnonzero(needed).tolist()
        return found
    wanted = needed.tobytes()
    return [i for i in order if wanted[i]]


def carry(flow: Flow, flags: Mapping[str, bool]) -> None:
    """Find what every node depends on, while ``flags`` have their values at inference."""
    known = {
        own: value for text, value in flags.items() if (own := _where(flow, flow.ports, text)) is not None
    }
    if known:
        flow.dead = _dead(flow, known)
    own_variable = {i: 1 << bit for bit, i in enumerate(flow.variables)}
    cut = {feed.node for feed in flow.feeds}
    _spread(flow, own_variable, flow.own_feeds, cut, backward=flow.backward)


def _where(flow: Flow, ports: Mapping[tuple[int, int], int], text: str) -> int | None:
    name, port = split_input(text)
    i = flow.graph.index.get(name)
    return None if i is None else ports.get((i, port), i)


def _feed_points(graph: Graph, extra: Sequence[str]) -> tuple[FeedPoint, ...]:
    """Placeholders, what pipelines and Python hand out, parsed examples, named constants to decode."""
    nodes = graph.nodes
    found: list[FeedPoint] = []
    seen: set[tuple[int, int]] = set()

    def add(i: int, port: int, dtype: str | None = None) -> None:
        if (i, port) not in seen:
            seen.add((i, port))
            name = f"{nodes[i].name}:{port}"
            found.append(FeedPoint(name, i, port, dtype or output_dtype(nodes[i], port) or "unknown"))

    for text in extra:
        name, port = split_input(text)
        if name in graph.index:
            add(graph.index[name], port)
    for i in graph.having_any(_may_be_fed):
        node, op = nodes[i], nodes[i].op
        if op in ops.PLACEHOLDERS:
            if op != "PlaceholderWithDefault" or not (_only_shows(graph, i) or _is_noted_shape(graph, i)):
                add(i, 0)
        elif ops.hands_out_examples(op) or (op in ops.PARSERS and not _serves(graph, i)):
            for port, readers in sorted(_readers_by_port(graph, i).items()):
                add(*((i, port) if (i, port) in seen else _called(graph, i, port, readers)))
        elif op in ops.DECODERS and node.inputs:
            source = graph.sources[i][0][0] if graph.sources[i] else i
            if nodes[source].op == "Const" and nodes[source].dtype() == "string":
                add(source, 0, "string")
            elif nodes[source].op == "ReadFile":
                add(i, 0)  # the path is of its author's machine
    return tuple(found)


def _readers_by_port(graph: Graph, i: int) -> dict[int, list[int]]:
    """Per output of a node that somebody reads, who does."""
    readers: dict[int, list[int]] = {}
    for reader, port in graph.consumers[i]:
        if port >= 0:
            readers.setdefault(port, []).append(reader)
    return readers


def _called(graph: Graph, i: int, port: int, readers: Sequence[int]) -> tuple[int, int]:
    """The name that an author gave to what a pipeline hands out, by a node of its own, so as to feed it."""
    for _ in range(_NAMES):
        if len(readers) != 1 or not ops.names_its_input(graph.nodes[readers[0]]):
            break
        if len(graph.sources[readers[0]]) != 1:
            break  # a damaged one, or one that waits for something
        i, port = readers[0], 0
        readers = _readers_by_port(graph, i).get(0, [])
    return i, port


_NAMES = 4
"""Names that are given to one tensor after the other, at most."""


def _may_be_fed(op: str) -> bool:
    return op in ops.PLACEHOLDERS or op in ops.PARSERS or op in ops.DECODERS or ops.hands_out_examples(op)


def _only_shows(graph: Graph, i: int) -> bool:
    """Whether a placeholder's default is computed from another placeholder: then that is the input."""
    todo = [source for source, _ in graph.sources[i]]
    seen: set[int] = set()
    while todo and len(seen) < 5000:
        j = todo.pop()
        if j in seen:
            continue
        seen.add(j)
        op = graph.nodes[j].op
        if op in ("Placeholder", "PlaceholderV2"):
            return True
        if op == "PlaceholderWithDefault" and _stands_for_examples(graph, j):
            return True
        if not ops.hands_out_examples(op) and op not in ops.SHAPES:
            todo.extend(source for source, port in graph.sources[j] if port >= 0)
    return False


def _stands_for_examples(graph: Graph, i: int) -> bool:
    """Whether a placeholder's default is what a pipeline hands out."""
    for _ in range(8):
        sources = [source for source, port in graph.sources[i] if port >= 0]
        if not sources:
            return False
        i = sources[0]
        if ops.hands_out_examples(graph.nodes[i].op):
            return True
    return False


def _is_noted_shape(graph: Graph, i: int) -> bool:
    """Whether a placeholder's default is the shape that the author gave for a sparse tensor."""
    default = graph.sources[i][0][0] if graph.sources[i] else i
    if graph.nodes[default].op != "Const" or graph.nodes[i].dtype() != "int64":
        return False
    noted = graph.nodes[i].output_shapes()
    shape = noted[0] if noted else graph.nodes[i].shape()
    return shape is not None and len(shape) == 1


def _serves(graph: Graph, i: int) -> bool:
    """Whether the examples to parse come from a placeholder that is there to feed them."""
    todo = [source for source, port in graph.sources[i][:1] if port >= 0]
    for _ in range(8):
        if not todo:
            return False
        node = graph.nodes[todo[0]]
        if node.op in ops.PLACEHOLDERS:
            return True
        if node.op not in ops.PASSES:
            return False
        todo = [source for source, port in graph.sources[todo[0]][:1] if port >= 0]
    return False


def output_dtype(node: Node, port: int) -> str | None:
    """The dtype of an output as far as the node's attributes tell it."""
    for key in ("output_types", "component_types", "Tout", "dtypes", "Tdense", "out_types"):
        value = node.attr(key)
        if value is not None and value.WhichOneof("kind") == "list":
            types = value.list.type
            if key == "Tdense":  # a parser's dense outputs come last
                sparse = node.attr("sparse_types")
                start = 3 * len(sparse.list.type) if sparse is not None else 0
                port = port - start
            return dtype_name(types[port]) if 0 <= port < len(types) else None
    if node.op in ("ArgMax", "ArgMin"):
        return node.dtype("output_type") or "int64"
    if node.op in _FIXED:
        kinds = _FIXED[node.op]
        kind = kinds[min(port, len(kinds) - 1)]
        if kind:
            return kind
    for key in ("dtype", "DstT", "out_type", "output_type", "T", "Tparams", "Tout", "out_dtype"):
        found = node.dtype(key)
        if found is not None:
            return found
    return None


_FIXED: dict[str, tuple[str, ...]] = {
    "TopKV2": ("", "int32"), "TopK": ("", "int32"), "Shape": ("int32",),
    "Size": ("int32",), "Rank": ("int32",),
    **dict.fromkeys(
        ("Equal", "NotEqual", "Less", "LessEqual", "Greater", "GreaterEqual", "LogicalAnd", "LogicalOr",
         "LogicalNot", "All", "Any", "InTopK", "InTopKV2", "IsNan", "IsInf"), ("bool",),
    ),
    "DecodeJpeg": ("uint8",), "DecodeWav": ("float32", "int32"), "ReadFile": ("string",),
    "ReaderReadV2": ("string",), "ReaderRead": ("string",),
    "AudioSpectrogram": ("float32",), "Mfcc": ("float32",),
    "ResizeBilinear": ("float32",), "ResizeBicubic": ("float32",), "CropAndResize": ("float32",),
    "NonMaxSuppression": ("int32",), "NonMaxSuppressionV2": ("int32",), "NonMaxSuppressionV3": ("int32",),
    "NonMaxSuppressionV4": ("int32",), "NonMaxSuppressionV5": ("int32", "float32", "int32"),
    "CombinedNonMaxSuppression": ("float32", "float32", "float32", "int32"),
    "FusedBatchNorm": ("float32",), "Where": ("int64",), "Bucketize": ("int32",),
    "LookupTableFindV2": ("",), "StringToHashBucketFast": ("int64",),
}  # fmt: skip


def _off(graph: Graph, *, backward: bool) -> bytearray:
    """Marks nodes that are no inference, by op and by the name scope of gradients."""
    off = bytearray(graph.marked(lambda op: ops.off_the_line(op) and not (backward and not ops.writes(op))))
    for i in graph.having(("If", "StatelessIf")):
        # TensorFlow calls them AssertGuard; looking into all conditionals takes time.
        off[i] = off[i] or ("Assert" in graph.names[i] and _only_asserts(graph, i))
    for i in graph.having(("CheckNumerics", "CheckNumericsV2")):
        readers, last = graph.consumers[i], graph.names[i].rpartition("/")[2]
        if len(readers) and all(port < 0 for _, port in readers):
            # Who gives a check a name has an answer checked.
            off[i] = off[i] or ops.unnumbered(last).startswith("checknumerics")
    # `tf.custom_gradient`, of which swish is made, leaves a second name for each result behind.
    results = {
        (source, _scope(graph, i)) for i in graph.by_op.get("IdentityN", ())
        for source, _ in graph.data_sources[i]
    }  # fmt: skip
    for i in graph.by_op.get("Identity", ()) if results else ():
        read = any((source, _scope(graph, i)) in results for source, _ in graph.data_sources[i])
        last = graph.names[i].rpartition("/")[2]
        if read and not len(graph.consumers[i]) and ops.unnumbered(last) == "identity":
            off[i] = 1
    if not backward:
        names = graph.names
        for i in graph.about_gradients:
            if not off[i] and ops.in_gradient(names[i]):
                off[i] = 1
    return off


def _scope(graph: Graph, i: int) -> str:
    return graph.names[i].rpartition("/")[0]


def _only_asserts(graph: Graph, i: int) -> bool:
    """Whether a conditional is there to stop where a condition does not hold."""
    branch = graph.nodes[i].attr("else_branch")
    function = graph.functions.get(branch.func.name) if branch is not None else None
    return function is not None and any(node.op == "Assert" for node in function.nodes)


def _rows(
    graph: Graph, feeds: Sequence[FeedPoint]
) -> tuple[list[tuple[tuple[int, int], ...]], dict[tuple[int, int], int]]:
    """The data inputs of every node, with an index of its own for each port of a feed node."""
    rows = list(graph.data_sources)
    ports: dict[tuple[int, int], int] = {}
    count = len(rows)
    several = {feed.node for feed in feeds if feed.port != 0}
    for feed in feeds:
        if feed.node not in several:
            ports[feed.node, feed.port] = feed.node
            continue
        ports[feed.node, feed.port] = count
        count += 1
    for i in several:
        for reader, _ in graph.consumers[i]:
            rows[reader] = tuple(
                (ports.get(source, source[0]), source[1]) if source[0] == i else source
                for source in rows[reader]
            )
    rows.extend(((feed.node, 0),) for feed in feeds if feed.node in several)
    return rows, ports


def _order(graph: Graph, rows: Sequence[tuple[tuple[int, int], ...]]) -> Sequence[int]:
    if len(rows) == len(graph.nodes):
        return graph.order
    kinds = [node.op for node in graph.nodes]
    kinds.extend("_Port" for _ in range(len(rows) - len(kinds)))
    return ordered(kinds, rows)


def _variables(meta: MetaGraph) -> tuple[tuple[int, ...], bool, bool]:
    """The model's variables: those that are trained, else that could be; else large constants."""
    graph = meta.graph
    nodes = graph.nodes
    found = graph.having(ops.VARIABLES)
    if not found:
        return _constants(graph), True, False
    stepped = {graph.sources[i][0][0] for i in graph.having_any(ops.trains) if graph.sources[i]}
    stepped |= _stepped_in_part(graph) if stepped else stepped_by_hand(graph)
    stepped |= _stepped_outside(graph) if stepped else set()
    trained = [i for i in found if i in stepped]
    listed = [i for i in found if nodes[i].name in meta.trainable]
    chosen = trained or listed or [i for i in found if _could_train(nodes[i])] or found
    copies = _copies(graph, set(chosen))
    chosen = [i for i in chosen if i not in copies] or chosen
    saved = _saved(meta)
    kept = [i for i in chosen if i in saved] if saved else chosen
    return tuple(kept or chosen), False, bool(trained)


def _stepped_in_part(graph: Graph) -> set[int]:
    """Variables of which an optimizer changes the rows that were looked up: embeddings.

    It does so by ops that also do other things, in a scope of its own: see TensorFlow's
    python/training/optimizer.py.
    """
    names, found = graph.names, set[int]()
    for i in graph.having_any(_SETS_PARTS):
        target = graph.sources[i][0][0] if graph.sources[i] else i
        if target not in found and f"/update_{names[target]}/" in names[i]:
            found.add(target)
    return found


def stepped_by_hand(graph: Graph) -> set[int]:
    """Variables that are assigned what is made of gradients by them, as Keras does."""
    slopes = [i for i in graph.about_gradients if ops.in_gradient(graph.names[i])]
    made, todo = set(slopes), list(slopes)
    while todo:
        ahead = {j for j, port in graph.consumers[todo.pop()] if port >= 0} - made
        made |= ahead
        todo.extend(ahead)
    assigned = {graph.sources[i][0][0] for i in graph.having_any(_SETS) if i in made and graph.sources[i]}
    # No gradient is taken by the slots of an optimizer, which are made of gradients, too.
    return assigned & graph.ancestors(slopes, control=False) if assigned else assigned


def _stepped_outside(graph: Graph) -> set[int]:
    """Variables whose gradients somebody fetches, and whose next values are fed, cut from one long row."""
    nodes, sources = graph.nodes, graph.sources
    fed: set[int] = set()
    for i in graph.having_any(_SETS):
        node = sources[i][1][0] if len(sources[i]) > 1 else i
        cuts = False
        for _ in range(8):
            if nodes[node].op in ops.PLACEHOLDERS:
                if cuts:
                    fed.add(sources[i][0][0])
                break
            if nodes[node].op not in _SHAPES_ROWS or not sources[node]:
                break
            cuts |= nodes[node].op in _CUTS_ROWS
            node = sources[node][1 if nodes[node].op == "Split" and len(sources[node]) > 1 else 0][0]
    if not fed:
        return fed
    slopes = {ops.differentiated(graph.names[i]) for i in graph.about_gradients}
    return {
        i for i in fed
        if any(
            graph.names[k] in slopes
            for j, _ in graph.consumers[i] for k in (j, *(reader for reader, _ in graph.consumers[j]))
        )
    }  # fmt: skip


_CUTS_ROWS = frozenset({"Split", "SplitV", "Slice", "StridedSlice"})
_SHAPES_ROWS = _CUTS_ROWS | {"Reshape", "Identity", "Cast"}

_SETS_PARTS = re.compile(r"(Resource)?Scatter(Add|Sub|Update|NdAdd|NdSub)|AssignSub(VariableOp)?").fullmatch


_BLENDS = frozenset(
    "Identity ReadVariableOp Mul Add AddV2 Sub Const Cast Reshape StopGradient Snapshot".split()
)


def _copies(graph: Graph, chosen: set[int]) -> set[int]:
    """Variables that are set to the values of others: target nets, and policies of the last step.

    What is written must be made of variables alone, one of them another one of the model's; a
    variable's initializer, which may look the same, bears the variable's name.
    """
    nodes, sources = graph.nodes, graph.sources
    found: set[int] = set()
    for i in graph.having_any(_SETS):
        if len(sources[i]) < 2:
            continue
        written = nodes[sources[i][1][0]].op
        if written not in _BLENDS and written not in ops.VARIABLES:
            continue  # what a Saver reads, as a rule
        target, node = sources[i][0][0], nodes[i]
        if target not in chosen or node.name.startswith(f"{nodes[target].name}/Assign"):
            continue
        todo = [sources[i][1][0]]
        seen: set[int] = set()
        read: set[int] = set()
        while todo and len(seen) < 24:
            j = todo.pop()
            seen.add(j)
            if nodes[j].op in ops.VARIABLES:
                read.add(j)
            elif nodes[j].op not in _BLENDS:
                break
            else:
                todo.extend(s for s, port in sources[j] if port >= 0 and s not in seen)
        else:
            if (read - {target}) & chosen and not todo:
                found.add(target)
    return found


_SETS = re.compile(r"Assign(Sub|Add)?|Assign(Sub|Add)?VariableOp").fullmatch


def _assigned(graph: Graph) -> set[int]:
    """Variables that are assigned more than their first values and what was saved: averages, say."""
    nodes, sources = graph.nodes, graph.sources
    found: set[int] = set()
    for i in graph.having_any(ops.writes):
        if len(sources[i]) > 1:
            target, written = sources[i][0][0], nodes[sources[i][1][0]]
            restored = written.op.startswith("Restore") or written.name.startswith("save")
            if not restored and not nodes[i].name.startswith(f"{nodes[target].name}/Assign"):
                found.add(target)
    return found


def _could_train(node: Node) -> bool:
    last = node.name.rsplit("/", 1)[-1].lower()
    return (node.dtype() or "").startswith(("float", "bfloat", "complex")) and last not in (
        "global_step", "moving_mean", "moving_variance", "beta1_power", "beta2_power", "adam", "adam_1",
        "momentum", "rmsprop", "rmsprop_1", "exponentialmovingaverage", "ftrl", "ftrl_1", "adagrad",
    )  # fmt: skip


def _saved(meta: MetaGraph) -> set[int]:
    """Variables that the Saver restores; empty where there is no Saver."""
    if meta.saver is None:
        return set()
    graph = meta.graph
    name = meta.saver.restore_op
    root = graph.index.get(split_input(name)[0])
    if root is None:
        return set()
    restored: set[int] = set()
    todo, seen = [root], {root}
    while todo:
        i = todo.pop()
        node = graph.nodes[i]
        if node.op in ("Assign", "AssignVariableOp"):
            if graph.sources[i]:
                restored.add(graph.sources[i][0][0])
            continue
        if node.op == "NoOp":
            for source, _ in graph.sources[i]:
                if source not in seen:
                    seen.add(source)
                    todo.append(source)
    return restored


def _constants(graph: Graph) -> tuple[int, ...]:
    found = []
    for i in graph.by_op.get("Const", ()):
        node = graph.nodes[i]
        raw = node.raw_attr("value")
        # Shapes and axes are shorter, and integers.
        if (
            raw is not None
            and len(raw) > 4 * _LARGE
            and (node.dtype() or "") not in ("int32", "int64", "string", "bool")
        ):
            found.append(i)
    return tuple(found)


def _spread(
    flow: Flow, own_variable: Mapping[int, int], own_feed: Mapping[int, int], cut: set[int], *, backward: bool
) -> None:
    """Carry the bits along the edges; loops are gone round until nothing is added.

    Of what is off the line, and nothing on it needs, only the feeds are told.
    """
    count = len(flow.rows)
    feed_bits, variable_bits, random_bits = [0] * count, [0] * count, bytearray(count)
    flow.feed_bits, flow.variable_bits, flow.random_bits = feed_bits, variable_bits, random_bits
    settled = bytearray(flow.dead or count)
    for i in cut:
        settled[i] = 1
    for i, bits in own_feed.items():
        settled[i] = 1
        feed_bits[i] = bits
    merges = flow.graph.having(MERGES) if flow.loops else []
    merges = [i for i in merges if not (flow.dead and flow.dead[i])]
    order = [i for i in flow.forward if not settled[i]]
    for i in order:
        settled[i] = 1
    heads = [i for i in merges if settled[i]]
    for _ in range(_ROUNDS):
        _along(flow, order, own_variable, spread_off=not backward)
        if not _adds(flow, heads, variable_bits) and not _adds(flow, heads, feed_bits):
            break
    for i in order:
        if flow.off[i]:
            settled[i] = 0  # it reads what is off the line, and may be fetched all the same: a force
    rest = [i for i in flow.order if not settled[i]]
    heads = [i for i in merges if not settled[i]]
    for _ in range(_ROUNDS):
        for i in rest:
            bits = 0
            for source, _ in flow.rows[i]:
                bits |= feed_bits[source]
            feed_bits[i] = bits
        if not _adds(flow, heads, feed_bits):
            break


_ROUNDS = 4
"""How often loops are gone round."""


_SPECIAL = ops.SHAPE | ops.CHANCE


def _adds(flow: Flow, merges: Sequence[int], bits: Sequence[int]) -> bool:
    """Whether what comes back to the head of a loop has bits that were not there before."""
    return any(bits[source] & ~bits[i] for i in merges for source, _ in flow.rows[i])


def _along(flow: Flow, order: Sequence[int], own_variable: Mapping[int, int], *, spread_off: bool) -> None:
    """Carry the bits along the edges to the nodes in ``order``."""
    rows, off, marks, nodes = flow.rows, flow.off, flow.marks, flow.graph.nodes
    feed_bits, variable_bits, random_bits = flow.feed_bits, flow.variable_bits, flow.random_bits
    plain = len(nodes)
    for i in order:
        f = v = r = 0
        own = off[i] or i >= plain
        special = marks[i] & _SPECIAL
        blind = special and marks[i] & ops.SHAPE
        for source, _ in rows[i]:
            if off[source] and not own:
                # What nothing flows into (a constant, an empty list) is harmless wherever it stands.
                if spread_off and variable_bits[source] and not _survives(nodes[source].op, nodes[i].op):
                    off[i] = own = 1
                    v |= variable_bits[source]
                continue
            f |= feed_bits[source]
            if not blind:
                v |= variable_bits[source]
            r |= random_bits[source]
        if special and marks[i] & ops.CHANCE:
            r = 1
        if i in own_variable:
            v |= own_variable[i]
        feed_bits[i] = f
        variable_bits[i] = v
        random_bits[i] = r


def _survives(op: str, reader: str) -> bool:
    """Whether what reads such a node can be inference all the same: a range is noted where it is applied."""
    return op in _HARMLESS or reader in RANGES


_HARMLESS = frozenset({"ConcatOffset", "QueueSize", "QueueSizeV2", "Timestamp", "NoOp"})


def _dead(flow: Flow, flags: Mapping[int, bool]) -> bytearray:
    """Nodes that do not run while the flags have these values."""
    nodes, rows = flow.graph.nodes, flow.rows
    readers = Readers(flow.edges).alone()
    known = dict(flags)
    dead = bytearray(len(rows))
    closed: dict[int, int] = {}
    told = bytearray(len(rows))  # who reads a node of which something is known
    for i in flags:
        for reader in readers[i]:
            told[reader] = 1
    for i in flow.order:
        if not told[i] or i >= len(nodes) or i in flags:
            continue
        _settle(flow, i, known, dead, closed)
        if dead[i] or i in closed or i in known:
            for reader in readers[i]:
                told[reader] = 1
    return dead


def _settle(flow: Flow, i: int, known: dict[int, bool], dead: bytearray, closed: dict[int, int]) -> None:
    """Note of a node whether it runs, which of its outputs does not, and its value where that follows."""
    nodes, row = flow.graph.nodes, flow.rows[i]
    op = nodes[i].op
    gone = [bool(dead[s]) or closed.get(s) == port for s, port in row]
    if op in MERGES:
        if all(gone):
            dead[i] = 1
        elif any(gone) and not any(nodes[s].op in BACK_EDGES for s, _ in row if s < len(nodes)):
            left = tuple(source for source, lost in zip(row, gone, strict=True) if not lost)
            if len(left) == 1 and isinstance(flow.rows, list):
                flow.rows[i] = left
                flow.rewired = True
        return
    if any(gone):
        dead[i] = 1
        return
    first = row[0][0]
    if op in ("Switch", "RefSwitch") and len(row) > 1 and row[1][0] in known:
        closed[i] = 0 if known[row[1][0]] else 1
    elif first in known and op in _SHOWS_FLAG:
        known[i] = known[first]
    elif first in known and op == "LogicalNot":
        known[i] = not known[first]
    elif op in ("LogicalAnd", "LogicalOr"):
        values = [known.get(s) for s, _ in row]
        absorbing = op == "LogicalOr"
        if absorbing in values:
            known[i] = absorbing
        elif None not in values:
            known[i] = not absorbing


_SHOWS_FLAG = frozenset("Identity Cast StopGradient Enter Reshape Squeeze ExpandDims".split())


def leads_on(flow: Flow, inside: Sequence[int] = (), *, layers: bool = False, scored: int = 0) -> bytearray:
    """Per node whether a parameter is met later.

    Args:
        flow: the graph.
        inside: go only by way of nodes that are 1 here.
        layers: a likelihood's spread, which is added or multiplied, is no parameter that counts.
        scored: bits of variables that do not count.
    """
    rows, dead, marks = flow.rows, flow.dead, flow.marks
    feeds, variables, chances = flow.feed_bits, flow.variable_bits, flow.random_bits
    leads = bytearray(len(rows))
    meets = ops.MIX if layers else ops.MIX | ops.SOFT
    for _ in range(3 if flow.loops else 1):
        changed = False
        for i in reversed(flow.line):
            if inside and inside[i] != 1:
                continue
            mark = marks[i]
            if mark & ops.SHAPE or (dead and dead[i]):
                continue
            if (
                leads[i]
                or (mark & meets and variables[i] and meets_parameter(flow, i, layers=layers, scored=scored))
                or (inside and mark & ops.SOFT and masks_example(flow, i))
            ):
                for source, _ in rows[i]:
                    if not leads[source] and (feeds[source] or chances[source]):
                        leads[source] = 1
                        changed = True
        if not changed:
            break
    return leads


def masks_example(flow: Flow, i: int) -> bool:
    """Whether a node multiplies an example with what was made of it: the model goes on."""
    if flow.graph.nodes[i].op != "Mul" or len(flow.rows[i]) != 2:
        return False
    (first, _), (second, _) = flow.rows[i]
    if flow.variable_bits[first]:
        first, second = second, first
    raw = not flow.variable_bits[first] and flow.feed_bits[first] and flow.variable_bits[second]
    shape = flow.shape(first)
    return bool(raw and shape and len(shape) > 1 and shape == flow.shape(second))


def meets_parameter(flow: Flow, i: int, *, layers: bool = False, scored: int = 0) -> bool:
    """Whether one of a node's inputs is made of variables alone, and is more than a single number."""
    mark = flow.marks[i]
    if not mark & (ops.MIX if layers else ops.MIX | ops.SOFT):
        return False
    known = 0 if scored else flow.meeting[i]
    if not known:
        known = 1 + _meets_parameter(flow, i, scored, soft=mark & ops.SOFT != 0)
        if not scored:
            flow.meeting[i] = known
    return known == 2


def _meets_parameter(flow: Flow, i: int, scored: int, *, soft: bool) -> bool:
    feeds, variables, chances = flow.feed_bits, flow.variable_bits, flow.random_bits
    table = flow.graph.nodes[i].op in ops.LOOKUPS
    for s, _ in flow.rows[i]:
        if (
            not feeds[s] & ~flow.side and variables[s] & ~scored and (table or not chances[s])
            and (not soft or flow.shape(s) != () or parameter_behind(flow, s) >= 0)
        ):  # fmt: skip
            return True
    return False


def parameter_behind(flow: Flow, i: int) -> int:
    """The variable (or large constant) that a node hands on; -1 if it is none."""
    known = flow.parameters.get(i)
    if known is None:
        known = flow.parameters[i] = _parameter_behind(flow, i)
    return known


def _parameter_behind(flow: Flow, i: int) -> int:
    nodes = flow.graph.nodes
    for _ in range(12):
        if i >= len(nodes):
            return -1
        op = nodes[i].op
        if op in ops.VARIABLES:
            return i
        if op == "Const":
            return i if (nodes[i].dtype() or "").startswith("float") and flow.shape(i) else -1
        if not flow.marks[i] & ops.PASS or not flow.rows[i]:
            return -1
        i = flow.rows[i][0][0]
    return -1


_TRIVIAL = frozenset("Identity Snapshot PreventGradient Print EnsureShape Enter Exit Merge Switch".split())
"""Ops whose gradient is what comes in, so that no node may tell of it."""


def _taught(flow: Flow) -> bytearray:
    nodes, index, names = flow.graph.nodes, flow.graph.index, flow.graph.names
    known = bytearray(len(flow.rows))
    scope = "\n"
    for i in flow.graph.about_gradients:
        name = names[i]
        # Neighbours are of one gradient, as a rule.
        if name.startswith(scope) and name.find("_grad/", len(scope)) < 0:
            continue
        op = ops.differentiated(name)
        if op:
            scope = name[: name.rfind("_grad/") + len("_grad/")]
            i = index.get(op, -1)
            if i >= 0:
                known[i] = 1
    if 1 not in known:
        return bytearray()
    for i in reversed(flow.line):
        if known[i]:
            continue
        op = nodes[i].op
        if op in _TRIVIAL or (op in _SUMS and _is_static(flow, i) and flow.slopes[i]):
            known[i] = any(known[j] for j in flow.consumers[i])
    return known


def _is_static(flow: Flow, i: int) -> bool:
    """Whether every length of a tensor is known: a sum of such hands its gradient to each as it is."""
    shape = flow.shape(i)
    return shape is not None and None not in shape


_SUMS = frozenset({"Add", "AddV2", "AddN"})


def _sums_up(flow: Flow, i: int) -> bool:
    """Whether a single number is a sum or a mean, or joined from some."""
    todo, seen = [i], {i}
    while todo and len(seen) < _JOINED:
        node = todo.pop()
        if flow.op(node) in ops.MEANS:
            return True
        fresh = {source for source, _ in flow.rows[node][:_JOINED] if flow.is_scalar(source)} - seen
        seen |= fresh
        todo.extend(sorted(fresh))
    return False


_JOINED = 64
"""Single numbers that a loss is joined from at most, as far as anybody looks."""


def _would_be_taught(flow: Flow) -> bytearray:
    if not flow.losses:
        return bytearray()
    known, own = bytearray(len(flow.rows)), set(flow.variables)
    todo = list(flow.losses)
    while todo:
        i = todo.pop()
        if not known[i] and flow.slopes[i] and i not in own and flow.op(i) != "ReadVariableOp":
            known[i] = 1
            todo.extend(source for source, _ in flow.rows[i])
    return known


_EACH = ops.REDUCTIONS | {"Equal", "NotEqual", "InTopK", "InTopKV2"}
"""Ops that may say of each example how far from right, or whether right, an answer is."""


_STEPS = frozenset(
    """ArgMax ArgMin Round Rint Floor FloorDiv Ceil Sign StopGradient OneHot Equal NotEqual Greater Less
    GreaterEqual LessEqual InTopK InTopKV2 LogicalAnd LogicalOr LogicalNot All Any Multinomial
    EditDistance""".split()
)
"""Ops that no gradient goes through."""
