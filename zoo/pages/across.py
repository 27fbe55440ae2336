"""What many models have in common: tensors, ops, families."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import msgspec

from zoo.pages import show, svg
from zoo.pages.render import model_bytes
from zoo.pages.variables import Line
from zoo.records import Outcome

MIN_ELEMENTS = 32
"""Smaller tensors are equal by chance, or are counters."""
MOST_SHARERS = 60
"""A tensor that more models share says that they are copies of each other; pairs of them are many."""


LEGEND = 6
"""Families that have a colour of their own in a plot: there are no more colours that tell apart."""


class Tensor(msgspec.Struct, frozen=True, array_like=True):
    """A stored tensor as its content shows it: equal ones have the same ``key``."""

    key: str
    bytes: int


def tensors(lines: Sequence[Line]) -> tuple[Tensor, ...]:
    """The tensors of a model that can tell it from others.

    Left out are optimizer state, small tensors, and constant ones: all fresh biases are zero.
    A crc32c has 32 bits; with type and shape it is as good as equal bytes, but no proof of them.
    """
    return tuple(
        Tensor(f"{line.dtype} {line.shape} {line.checksum}", line.bytes or 0)
        for line in lines
        if line.checksum
        and line.kind == "model"
        and (line.elements or 0) >= MIN_ELEMENTS
        and not line.all_zero
        and (not line.std or float(line.std) != 0.0)
    )


class Pair(msgspec.Struct, frozen=True):
    """Two models with tensors in common."""

    a: int
    b: int
    count: int
    bytes: int
    share: float
    """Shared bytes, as a part of the model that has fewer."""


def pairs(models: Sequence[Sequence[Tensor]]) -> list[Pair]:
    """Pairs of models that share tensors, most alike first; indices into ``models``."""
    holders: dict[str, list[int]] = defaultdict(list)
    sizes: dict[str, int] = {}
    for i, held in enumerate(models):
        for key, size in {tensor.key: tensor.bytes for tensor in held}.items():
            holders[key].append(i)
            sizes[key] = size
    shared: Counter[tuple[int, int]] = Counter()
    number: Counter[tuple[int, int]] = Counter()
    for key, who in holders.items():
        if not 1 < len(who) <= MOST_SHARERS:
            # Of very many copies only neighbours are compared: linear, and they still hang together.
            links = list(pairwise(who))
        else:
            links = [(a, b) for at, a in enumerate(who) for b in who[at + 1 :]]
        for link in links:
            shared[link] += sizes[key]
            number[link] += 1
    totals = [sum({tensor.key: tensor.bytes for tensor in held}.values()) for held in models]
    found = [
        Pair(a, b, number[a, b], size, size / max(1, min(totals[a], totals[b])))
        for (a, b), size in shared.items()
    ]
    return sorted(found, key=lambda pair: (-pair.share, -pair.bytes, pair.a, pair.b))


def groups(found: Sequence[Pair], *, share: float = 0.5) -> list[list[int]]:
    """Models that hang together by pairs of at least ``share``, largest group first."""
    parent: dict[int, int] = {}

    def root(i: int) -> int:
        while parent.setdefault(i, i) != i:
            parent[i] = parent[parent[i]]
            i = parent[i]
        return i

    for pair in found:
        if pair.share >= share:
            parent[root(pair.a)] = root(pair.b)
    members: dict[int, list[int]] = defaultdict(list)
    for i in sorted(parent):
        members[root(i)].append(i)
    return sorted((group for group in members.values() if len(group) > 1), key=lambda g: (-len(g), g))


def facts(outcomes: Sequence[Outcome], held: Mapping[str, Sequence[Tensor]]) -> dict[str, Any]:
    """What the page across the zoo shows."""
    found = pairs([held.get(outcome.slug, ()) for outcome in outcomes])
    alike = [pair for pair in found if pair.share >= 0.02]
    drawn = [
        outcome
        for outcome in outcomes
        if outcome.variables and outcome.variables.parameters and outcome.compute and outcome.compute.flops
    ]
    families = Counter(str(outcome.manifest.get("family", "") or "") for outcome in outcomes)
    named = [family for family, _ in families.most_common() if family][:LEGEND]
    ranks = {family: i for i, family in enumerate(named)}
    points = [
        svg.Point(
            x=outcome.variables.parameters,
            y=outcome.compute.flops,
            label=f"{outcome.name}: {show.count(outcome.variables.parameters)} parameters, "
            f"{show.count(outcome.compute.flops)} FLOPs",
            group=ranks.get(str(outcome.manifest.get("family", "") or "")),
            href=f"models/{outcome.slug}.html",
        )
        for outcome in drawn[:2000]
        if outcome.variables and outcome.compute and outcome.compute.flops
    ]
    return {
        "outcomes": outcomes,
        "groups": [[outcomes[i] for i in group] for group in groups(found)][:200],
        "pairs": [(outcomes[pair.a], outcomes[pair.b], pair) for pair in alike[:200]],
        "more_pairs": max(0, len(alike) - 200),
        "scatter": svg.scatter_svg(points, title="Parameters against FLOPs", x="parameters", y="FLOPs")
        if len(points) > 1
        else None,
        "legend": named,
        "families": _families(outcomes),
        "ops": _ops(outcomes),
        "totals": _sums(outcomes, held),
        "formats": Counter(outcome.format.label for outcome in outcomes if outcome.format).most_common(),
        "producers": Counter(_producer(outcome) for outcome in outcomes if outcome.format).most_common(),
    }


def _families(outcomes: Sequence[Outcome]) -> list[tuple[str, int, int, int]]:
    """(family, models, parameters, bytes), most parameters first."""
    rows: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0])
    for outcome in outcomes:
        row = rows[str(outcome.manifest.get("family", "") or "")]
        row[0] += 1
        if outcome.variables is not None:
            row[1] += outcome.variables.parameters
            row[2] += model_bytes(outcome)
    listed = [(family, row[0], row[1], row[2]) for family, row in rows.items()]
    return sorted(listed, key=lambda row: (-row[2], row[0]))


class OpUse(msgspec.Struct, frozen=True):
    """How far an op is spread over the zoo."""

    op: str
    models: int
    nodes: int
    known: bool
    runs: bool
    """TensorFlow has a kernel for it on a CPU."""
    risky: bool
    some: tuple[tuple[str, str], ...]
    """(name, slug) of the first models that need it."""


def _ops(outcomes: Sequence[Outcome]) -> list[OpUse]:
    """Every op of the zoo, the one that most models need first."""
    users: dict[str, list[Outcome]] = defaultdict(list)
    nodes: Counter[str] = Counter()
    unknown: set[str] = set()
    still: set[str] = set()
    risky: set[str] = set()
    for outcome in outcomes:
        if outcome.graph is None:
            continue
        for op, count in outcome.graph.op_counts.items():
            users[op].append(outcome)
            nodes[op] += count
        unknown.update(outcome.graph.unregistered_ops)
        still.update(outcome.graph.ops_without_kernel)
        risky.update(outcome.graph.risky_ops)
    return [
        OpUse(
            op=op, models=len(who), nodes=nodes[op], known=op not in unknown, runs=op not in still,
            risky=op in risky, some=tuple((outcome.name, outcome.slug) for outcome in who[:3]),
        )
        for op, who in sorted(users.items(), key=lambda item: (-len(item[1]), item[0]))
    ]  # fmt: skip


def _sums(outcomes: Sequence[Outcome], held: Mapping[str, Sequence[Tensor]]) -> dict[str, int]:
    once: dict[str, int] = {}
    every = 0
    for items in held.values():
        for tensor in items:
            once[tensor.key] = tensor.bytes
            every += tensor.bytes
    return {
        "models": len(outcomes),
        "parameters": sum(outcome.variables.parameters for outcome in outcomes if outcome.variables),
        "bytes": sum(model_bytes(outcome) for outcome in outcomes if outcome.variables),
        "flops": sum(outcome.compute.flops or 0 for outcome in outcomes if outcome.compute),
        "nodes": sum(outcome.graph.nodes for outcome in outcomes if outcome.graph),
        "again": every - sum(once.values()),
    }


def _producer(outcome: Outcome) -> str:
    producer = outcome.format.producer if outcome.format else None
    if not producer:
        return "not told"
    parts = producer.split(".")
    if producer[0].isdigit() and len(parts) > 1:
        return f"TensorFlow {parts[0]}.{parts[1]}"
    return producer
