"""What was worked out from a graph is kept for the rows after it, which may bring the same graph.

A training leaves dozens of checkpoints and beside each of them the same graph, to the byte; a zoo has
many models and few architectures.  To read such a graph, find its ends and draw it again would cost as
much each time.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from zoo.graph import MetaGraph, Results

_T = TypeVar("_T")

ROOM = 5 << 20
"""Bytes of graph files that are kept at most, with the files and graphs that were made of them.

They take about twice as much memory; a graph of 9,000 nodes takes nearly all of it.
"""
_GRAPHS = 64
"""Graphs that are kept at most, however little they are."""
_graphs: dict[bytes, tuple[int, MetaGraph]] = {}
"""By digest: the bytes of a file and its graph, the one that was asked for last at the end."""
_changing = threading.Lock()


def graph(kind: str, content: bytes, read: Callable[[], MetaGraph]) -> MetaGraph:
    """The graph that ``read`` finds in the content of a file, or that it found the last time.

    Args:
        kind: what the content is read as.
        content: the whole file; ``read`` looks at nothing else.
        read: called where the graph is not kept, when there is room for it.
    """
    if 2 * len(content) > ROOM:
        forget()  # it needs the memory
        return read()
    key = kind.encode() + hashlib.sha256(content).digest()
    with _changing:
        size, known = _graphs.pop(key, (len(content), None))
        taken = size + sum(other + _made(meta) for other, meta in _graphs.values())
        taken += 0 if known is None else _made(known)
        while _graphs and (taken > ROOM or len(_graphs) >= _GRAPHS):
            other, meta = _graphs.pop(next(iter(_graphs)))
            taken -= other + _made(meta)
    if known is None:
        known = replace(read(), results=Results())
    with _changing:
        _graphs[key] = size, known
    return known


def _made(meta: MetaGraph) -> int:
    return 0 if meta.results is None else meta.results.size


def kept(
    meta: MetaGraph,
    kind: str,
    source: object,
    make: Callable[[], _T],
    size: Callable[[_T], int] | None = None,
) -> _T:
    """What ``make`` gives, or gave the last time for this graph and an equal ``source``.

    Args:
        meta: what it is made of, and what keeps it if it is kept itself.
        kind: what is made; of each kind there is one.
        source: all else that ``make`` looks at, but not the graph.
        make: what it gives is shared by those who ask, and must not be changed.
        size: bytes that what was made takes, where it is no bytes itself; what is very large is not kept.
    """
    if meta.results is None:
        return make()
    before = meta.results.of.get(kind)
    if before is not None and before[0] == source:
        return before[1]  # type: ignore[no-any-return]  # who asks for a kind makes things of one type
    made = make()
    if size is not None:
        taken = size(made)
    else:
        taken = sum(len(part) for part in (source, made) if isinstance(part, bytes))
    # Vocabularies, and constants of the author's, may make it much larger than the graph it is kept with.
    if size is None or 4 * taken <= ROOM:
        meta.results.put(kind, source, made, taken)
    return made


def forget() -> None:
    """Keep nothing of the graphs so far."""
    with _changing:
        _graphs.clear()
