"""Finds the inputs and outputs of a model's graph, and says why.

A signature wins where it is sane; else the data flow tells: what every node depends on (`flow`),
what each feed is for (`roles`), where the heads are (`heads`) and which of them answer (`choice`).
Nothing is run, and the work grows with the number of nodes, as far as graphs are what people build.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence

import msgspec

from zoo.endpoints import choice, kinds, ops, signatures, states
from zoo.endpoints import heads as heading
from zoo.endpoints import region as regions
from zoo.endpoints.flow import FeedPoint, Flow, carry, follow, output_dtype, stepped_by_hand
from zoo.endpoints.leftovers import ends_untrained
from zoo.endpoints.made import compared_with_input
from zoo.endpoints.reasons import input_reason, output_reason
from zoo.endpoints.roles import Role, feed_shape, roles
from zoo.graph import Graph, MetaGraph, split_input
from zoo.model import Endpoints, Feed
from zoo.records import Candidates, Endpoint

_CANDIDATES = 20
_MOST = 0.6
"""The share of the model's variables that makes up most of it."""

_LOOKED_UP = ops.LOOKUPS | {"DynamicStitch", "ParallelDynamicStitch"}

_STEERING = frozenset(
    {"training_flag", "keep_prob", "learning_rate", "loss_weight", "unused", "saver", "iterator"}
)


def detect(meta: MetaGraph, *, inputs: Sequence[str] = (), outputs: Sequence[str] = ()) -> Endpoints:
    """What goes into the model and what comes out of it, with roles, confidence and reasons.

    Args:
        meta: the graph and what its file says about it.
        inputs: tensor names that the row gives; they are the inputs then.
        outputs: tensor names that the row gives; they are the outputs then.

    Returns:
        Endpoints that go together: the outputs need no feed but those that are listed or folded.

    Raises:
        EndpointError: ``inputs`` or ``outputs`` name what is not in the graph, or no output can be
            told.
    """
    fed = signatures.given(meta.graph, "inputs", inputs)
    fetched = signatures.given(meta.graph, "outputs", outputs)
    stated, warnings = signatures.choose(meta)
    if fetched:
        stated = None
    said = fed or (tuple(item.tensor for item in stated.inputs) if stated is not None else ())
    found = _answer(meta, fed, fetched, stated, warnings, said)
    if not said and not fetched and stated is None:
        zeros, symbols = states.zero_states(meta.graph)
        unrolled = not zeros
        if unrolled and found.outputs:
            zeros, symbols = states.unrolled_zero_states(meta.graph, found.outputs)
        if any(item.shape and item.shape[-1] in symbols for item in found.outputs):
            handed_on = _answer(meta, fed, fetched, stated, warnings, zeros)
            ends = [item.name for item in handed_on.outputs if item.kind == "state"]
            begun = [item.name for item in handed_on.inputs if item.name in zeros]
            if ends and (not unrolled or states.goes_one_way(meta.graph, begun, ends)):
                found = handed_on
    if not said and not any(item.folded is None for item in found.inputs):
        noise = _noise(meta.graph, [item.name for item in found.outputs])
        if noise:
            drawn = _answer(meta, fed, fetched, stated, warnings, noise)
            # A loop that goes on drawing is the answer of nothing.
            if [item.name for item in drawn.outputs] == [item.name for item in found.outputs]:
                return drawn
    return found


def _answer(
    meta: MetaGraph,
    fed: tuple[str, ...],
    fetched: tuple[str, ...],
    stated: signatures.Chosen | None,
    warnings: list[str],
    said: Sequence[str],
) -> Endpoints:
    """The answer when the tensors ``said`` may be fed besides those that look like it."""
    backward = _differentiates(meta, fetched or _tensors(stated))
    flow = follow(meta, extra_feeds=said, backward=backward)
    known = roles(flow)
    flags = {
        name: bool(role.folded)
        for name, role in known.items()
        if role.name == "training_flag" and name not in fed
    }
    carry(flow, flags)
    for k, feed in enumerate(flow.feeds):
        role = known.get(feed.tensor)
        if role is not None and (role.steers or role.name in _STEERING) and feed.tensor not in fed:
            flow.side |= 1 << k
    return _Answer(flow, known, fed, fetched, stated, warnings).endpoints()


def _noise(graph: Graph, outputs: Sequence[str]) -> list[str]:
    """Random numbers that a model without any input begins with: a generator draws its codes itself.

    Those that become masks, as in dropout, are not meant.
    """
    found = []
    for i in graph.ancestors([graph.index[split_input(text)[0]] for text in outputs], control=False):
        if graph.nodes[i].op not in ops.NOISE:
            continue
        # ``tf.random_uniform`` scales and shifts what the op draws, and has its name for a scope.
        scope = graph.nodes[i].name.rpartition("/")[0]
        drawn = graph.index.get(scope, i)
        if graph.nodes[drawn].op not in ("Add", "AddV2", "Mul"):
            drawn = i
        met = [graph.nodes[j].op for j, _ in graph.consumers[drawn]]
        met += [graph.nodes[k].op for j, _ in graph.consumers[drawn] for k, _ in graph.consumers[j]]
        if not ops.COMPARES.intersection(met):
            found.append(f"{graph.nodes[drawn].name}:0")
    return sorted(set(found))


def _tensors(stated: signatures.Chosen | None) -> tuple[str, ...]:
    return () if stated is None else tuple(item.tensor for item in stated.outputs)


def _differentiates(meta: MetaGraph, fetched: Sequence[str]) -> bool:
    """Whether what is asked for is computed by way of a gradient (forces from an energy)."""
    graph = meta.graph
    roots = [graph.index[split_input(text)[0]] for text in fetched] or _made_of_gradients(graph)
    if not roots:
        return False
    return any(ops.in_gradient(graph.nodes[i].name) for i in graph.ancestors(roots, control=False))


def _made_of_gradients(graph: Graph) -> list[int]:
    """The ends of a graph that has gradients and does not train: one of them may be what they are for.

    Where there are variables, another program may apply them, unless somebody gave one a name.
    """
    nodes = graph.nodes
    if not ops.differentiates(graph):
        return []
    if any(ops.trains(op) or op in ops.LOSSES for op in graph.by_op):
        return []
    if stepped_by_hand(graph):
        return []
    trainable = not ops.VARIABLES.isdisjoint(graph.by_op)
    return [
        i
        for i, node in enumerate(nodes)
        if not (ops.off_the_line(node.op) or ops.in_gradient(node.name))
        if all(port < 0 for _, port in graph.consumers[i]) and (kinds.has_own_name(node) or not trainable)
    ]


class _Answer:
    """Puts the parts together for one graph."""

    def __init__(
        self,
        flow: Flow,
        known: dict[str, Role],
        fed: tuple[str, ...],
        fetched: tuple[str, ...],
        stated: signatures.Chosen | None,
        warnings: list[str],
    ) -> None:
        self.flow = flow
        self.known = known
        self.fed = fed
        self.fetched = fetched
        self.stated = stated
        self.warnings = list(warnings)
        trains = self._trains()
        self.sampled = regions.sampled_labels(flow)
        measured = -1 if trains else flow.measured
        # Who freezes a graph wants its answer: a single number in it measures nothing.
        ways = ((True, True),) if flow.frozen and not trains else ()
        for scalars, peel in (*ways, (False, True), (False, False), (True, False)):
            self.data = regions.data_bits(flow, scalars=scalars)
            self.labels = self._labels() & measured
            self.region = regions.region(flow, self.labels, scalars=scalars, peel=peel)
            self.choice = choice.choose(flow, self.region)
            if self.choice.chosen:
                if trains:
                    self._without_late_labels(scalars=scalars, peel=peel)
                break
        if not self.choice.chosen and not trains:
            self.choice.chosen = choice.unread(flow)
            self.choice.confidence = choice.GUESS
        fed_bits = sum(1 << k for k, feed in enumerate(flow.feeds) if feed.tensor in fed)
        if kept := [head for head in self.choice.chosen if head.feeds & fed_bits]:
            # What is above the tensors that the row feeds is not of this model.
            self.choice.chosen = kept

    def _trains(self) -> bool:
        """Whether the graph holds a loss, gradients or optimizer steps, so that labels can be."""
        graph = self.flow.graph
        return (
            self.flow.trained
            or any(op in ops.LOSSES or ops.trains(op) for op in graph.by_op)
            or ops.differentiates(graph)
        )

    def _labels(self) -> int:
        bits = 0
        for k, feed in enumerate(self.flow.feeds):
            bit = 1 << k
            if bit & (self.data & ~self.sampled | self.flow.side):
                continue
            if self.stated is not None and any(feed.tensor == item.tensor for item in self.stated.inputs):
                continue
            if feed.tensor in self.fed or _is_size(self.flow, feed):
                continue
            bits |= bit
        return bits

    def _without_late_labels(self, *, scalars: bool, peel: bool) -> None:
        """Take feeds for labels that meet activations first, if most of the model answers without them.

        So it is with the label that masks what a decoder gets, and with the action in a policy's
        likelihood.  Masks and lengths meet activations first, too; but little is left without them.
        """
        if any(head.rule == "generator" for head in self.choice.chosen):
            return  # what a generator is told comes late, too
        late = self.data & regions.late_bits(self.flow) & ~self.flow.side
        late = regions.compared(self.flow, late)
        for item in self.stated.inputs if self.stated is not None else ():
            late &= ~self._bit(item.tensor)
        for name in self.fed:
            late &= ~self._bit(name)
        if not late:
            return
        labels = self.labels | late
        found = regions.region(self.flow, labels, scalars=scalars, peel=peel)
        other = choice.choose(self.flow, found)
        if not other.chosen or choice.share(self.flow, self.region, other.chosen) < _MOST:
            return
        if all(
            self.flow.op(kinds.walk_back(self.flow, head.node)) in _LOOKED_UP
            or ends_untrained(self.flow, head)
            for head in other.chosen
        ):
            return  # rows of tables are no answer, and what nobody trains is none
        if self.choice.chosen and choice.fed(other.chosen) & ~choice.fed(self.choice.chosen):
            return  # what was found before does without
        self.labels, self.region, self.choice = labels, found, other
        self.data &= ~late

    def endpoints(self) -> Endpoints:
        """The answer."""
        outputs, pairs = self._outputs()
        needed = self._needed(pairs)
        listed = self._inputs(needed)
        folds = {item.name: item.folded for item in listed if item.folded is not None}
        feeds = tuple(
            Feed(tensor=item.name, dtype=item.dtype, shape=item.shape)
            for item in listed
            if item.folded is None and self._bit(item.name) & needed
        )
        chosen = {item.name for item in outputs}
        ordered = tuple(dict.fromkeys(self._ranked(chosen)))[: max(_CANDIDATES, len(chosen))]
        return Endpoints(
            inputs=tuple(listed),
            outputs=tuple(outputs),
            candidates=Candidates(inputs=self._input_candidates(listed), outputs=ordered),
            feeds=feeds,
            folds=folds,
            warnings=tuple(dict.fromkeys(self.warnings)),
        )

    def _ranked(self, chosen: set[str]) -> list[str]:
        """The outputs, then one other form of each and what has a name, then the other heads, then all else.

        Of several outputs another form is rarely what is wanted; what somebody named goes before it.
        """
        flow = self.flow
        stated = [] if self.choice.chosen and not self.fetched and self.stated is None else sorted(chosen)
        first = sorted(
            self.choice.chosen, key=lambda head: (-head.coverage.bit_count(), -head.node, head.port)
        )
        forms = [heading.forms(flow, head) for head in first]
        other = [heading.forms(flow, head) for head in self.choice.others]
        met = [heading.tensor(flow, i, 0) for i in heading.met_by_labels(flow, self.region)]
        named = heading.named_by_somebody(flow)
        return [
            *stated,
            *(form[0] for form in forms),
            *(named[:1] if len(first) > 1 else ()),
            *itertools.chain.from_iterable(
                heading.decision_beside(flow, self.region, head) for head in first
            ),
            *itertools.chain.from_iterable(heading.other_kinds(flow, head)[:1] for head in first),
            *named[:1],
            *(form[0] for form in other[:1]),
            *met[:1],
            *(form[0] for form in other),
            *itertools.chain.from_iterable(heading.before_last_layer(flow, head) for head in first[:1]),
            *(name for form in [*forms, *other] for name in form),
            *met,
            *(heading.forms(flow, head)[0] for head in compared_with_input(flow, self.region, -1)),
            *named,
            *heading.seen_beside(flow, self.region),
        ]

    def _stated_confidence(self) -> float:
        return 0.9 if self.stated is not None and self.stated.signature.origin == "function" else 0.98

    def _bit(self, tensor: str) -> int:
        k = self.flow.feed_index(tensor)
        return 0 if k is None else 1 << k

    def _needed(self, pairs: Iterable[tuple[int, int]]) -> int:
        bits = 0
        for node, port in pairs:
            k = self.flow.feed_index(f"{self.flow.graph.nodes[node].name}:{port}")
            bits |= 1 << k if k is not None else self.flow.feed_bits[node]
        return bits

    def _outputs(self) -> tuple[list[Endpoint], list[tuple[int, int]]]:
        flow = self.flow
        result: list[Endpoint] = []
        pairs: list[tuple[int, int]] = []
        if self.fetched or self.stated is not None:
            stated = self.stated.outputs if self.stated is not None and not self.fetched else ()
            texts = self.fetched or tuple(item.tensor for item in stated)
            for k, text in enumerate(texts):
                if text in {item.name for item in result}:
                    continue
                name, port = split_input(text)
                node = flow.graph.index[name]
                shape = flow.shape(node, port)
                if self.fetched:
                    reason, confidence = "named in the manifest's outputs cell", 1.0
                else:
                    item, signature = stated[k], self.stated.signature if self.stated else None
                    assert signature is not None  # noqa: S101 - stated is not None here
                    part = f" ({item.part})" if item.part else ""
                    reason = f"output {item.key!r}{part} of {_origin(signature.origin)} {signature.key!r}"
                    confidence = self._stated_confidence()
                    if shape is None:
                        shape = next(
                            (
                                ref.shape
                                for key, ref in signature.outputs
                                if key == item.key and not ref.parts
                            ),
                            None,
                        )
                result.append(
                    Endpoint(
                        name=text,
                        dtype=self._dtype(node, port),
                        shape=shape,
                        kind=kinds.output_kind(flow, node, port, shape),
                        confidence=confidence,
                        reason=reason,
                    )
                )
                pairs.append((node, port))
            if self.stated is not None and self.stated.others:
                kind = "functions" if self.stated.signature.origin == "function" else "signatures"
                self.warnings.append(
                    f"the model has other {kind}: {', '.join(self.stated.others[:6])}"
                    + (f" and {len(self.stated.others) - 6} more" if len(self.stated.others) > 6 else "")
                )
            return result, pairs
        for head in self.choice.chosen:
            shape = flow.shape(head.node, head.port)
            role = {"state": "state", "transitions": "transitions", "path": "classes"}.get(head.rule)
            kind = kinds.output_kind(flow, head.node, head.port, shape, role=role)
            result.append(
                Endpoint(
                    name=heading.tensor(flow, head.node, head.port),
                    dtype=self._dtype(head.node, head.port),
                    shape=shape,
                    kind=kind,
                    confidence=round(self.choice.confidence, 2),
                    reason=output_reason(flow, self.region, head, kind, alone=len(self.choice.chosen) == 1),
                )
            )
            pairs.append((head.node, head.port))
        if not result:
            self.warnings.append("no tensor looks like an output: name it in the row's outputs cell")
        return result, pairs

    def _dtype(self, node: int, port: int) -> str:
        """The dtype of a tensor, looked up at what it is computed from where the node is silent."""
        for _ in range(16):
            if node >= len(self.flow.graph.nodes):
                break
            found = output_dtype(self.flow.graph.nodes[node], port)
            if found is not None or not self.flow.rows[node]:
                return found or "unknown"
            node, port = self.flow.rows[node][0]
        return "unknown"

    def _inputs(self, needed: int) -> list[Endpoint]:
        flow = self.flow
        result = []
        for k, feed in enumerate(flow.feeds):
            bit = 1 << k
            role = self.known.get(feed.tensor)
            shape = feed_shape(flow, feed)
            if feed.tensor in self.fed:
                result.append(self._endpoint(feed, "data", 1.0, "named in the manifest's inputs cell"))
                continue
            stated = self._stated(feed)
            if stated is not None:
                result.append(self._endpoint(feed, self._data_role(feed), self._stated_confidence(), stated))
                continue
            if role is not None and role.folded is not None:
                if bit & (needed | flow.side):
                    item = self._endpoint(feed, role.name, role.confidence, role.reason)
                    result.append(_fold(item, role.folded))
                continue
            if bit & needed:
                steer = role is not None and (role.name not in _STEERING or role.name == "keep_prob")
                name = role.name if role is not None and steer else self._data_role(feed)
                reason = (
                    role.reason
                    if role is not None and steer
                    else input_reason(flow, feed, shape, bit & self.data)
                )
                confidence = min(0.97, self.choice.confidence + 0.03) if not self.fetched else 0.9
                result.append(self._endpoint(feed, name, round(confidence, 2), reason))
            elif bit & self.labels and self._meets(bit):
                result.append(
                    self._endpoint(
                        feed,
                        "label",
                        0.9,
                        "no parameter meets it: it is only compared with what the model computed",
                    )
                )
        return result

    def _meets(self, bit: int) -> bool:
        return any(bits & bit for bits in self.region.contact)

    def _stated(self, feed: FeedPoint) -> str | None:
        if self.stated is None:
            return None
        keys = [item for item in self.stated.inputs if item.tensor == feed.tensor]
        if not keys:
            return None
        signature = self.stated.signature
        part = f" ({keys[0].part})" if keys[0].part else ""
        return f"input {keys[0].key!r}{part} of {_origin(signature.origin)} {signature.key!r}"

    def _data_role(self, feed: FeedPoint) -> str:
        """What a feed that the outputs need is for."""
        flow = self.flow
        if _is_size(flow, feed):
            return "batch_size"
        if (
            flow.shape(feed.node, feed.port) == ()
            and feed.dtype != "string"
            and not 1 << (flow.feed_index(feed.tensor) or 0) & self.data
        ):
            return "other"
        return "data"

    def _endpoint(self, feed: FeedPoint, role: str, confidence: float, reason: str) -> Endpoint:
        return Endpoint(
            name=feed.tensor,
            dtype=feed.dtype if feed.dtype != "unknown" else self._dtype(feed.node, feed.port),
            shape=feed_shape(self.flow, feed),
            role=role,
            confidence=confidence,
            reason=reason,
        )

    def _input_candidates(self, listed: Sequence[Endpoint]) -> tuple[str, ...]:
        first = [item.name for item in listed if item.role not in ("label", "training_flag", "keep_prob")]
        rest = [feed.tensor for k, feed in enumerate(self.flow.feeds) if 1 << k & self.data]
        return tuple(dict.fromkeys([*first, *rest, *(item.name for item in listed)]))[:_CANDIDATES]


def _fold(item: Endpoint, value: bool | int | float) -> Endpoint:
    return msgspec.structs.replace(item, folded=value)


def _origin(origin: str) -> str:
    return _ORIGINS.get(origin, "signature")


_ORIGINS = {
    "serving_signatures": "the serving_signatures collection's signature",
    "function": "the model's function",
}


def _is_size(flow: Flow, feed: FeedPoint) -> bool:
    """Whether a feed is a number that makes shapes and zeros."""
    if feed.dtype not in ("int32", "int64") or flow.shape(feed.node, feed.port) != ():
        return False
    todo, seen = [feed.node], {feed.node}
    while todo and len(seen) < 200:
        i = todo.pop()
        for reader, port in flow.graph.consumers[i]:
            if port < 0 or reader in seen:
                continue
            op = flow.graph.nodes[reader].op
            if op in (
                "Fill",
                "Reshape",
                "Tile",
                "Range",
                "RandomStandardNormal",
                "RandomUniform",
                "BroadcastTo",
            ):
                return True
            seen.add(reader)
            if op in ("Pack", "ConcatV2", "Concat", "Identity", "ExpandDims", "Mul", "Cast"):
                todo.append(reader)
    return False


__all__ = ["detect"]
