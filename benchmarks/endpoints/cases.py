"""The registry of labelled graphs, and how one is built."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import tensorflow as tf

v1 = tf.compat.v1

Truth = tuple[list[Any], list[Any]]
"""The tensors that the author feeds and fetches at inference (flags and dropout left out)."""


@dataclass(frozen=True)
class Case:
    """One labelled graph: how to make it, and which family it is of."""

    name: str
    family: str
    build: Callable[[], Truth]
    modern: bool = False
    """Resource variables and functional control flow, as TensorFlow 2 writes version 1 graphs."""
    frozen: bool = False
    """Variables become constants, and only what the outputs need stays."""
    plain: bool = False
    """Only the GraphDef: no collections, no saver, no shapes."""

    @property
    def half(self) -> str:
        """``develop`` or ``report``, by the digest of the name: nobody chose."""
        return "develop" if hashlib.sha256(self.name.encode()).digest()[0] % 2 else "report"


CASES: list[Case] = []


def case(family: str, **options: bool) -> Callable[[Callable[[], Truth]], Callable[[], Truth]]:
    """Registers the function as a case; its name is the case's."""

    def register(build: Callable[[], Truth]) -> Callable[[], Truth]:
        CASES.append(Case(build.__name__, family, build, **options))
        return build

    return register


@dataclass(frozen=True)
class Labelled:
    """A built graph: a serialized MetaGraphDef, and the truth as tensor names."""

    case: Case
    meta: bytes
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]


def made(chosen: Case) -> Labelled:
    """Build the graph of a case; the same each time."""
    if chosen.modern:
        v1.enable_resource_variables()
        v1.enable_control_flow_v2()
    else:
        v1.disable_resource_variables()
        v1.disable_control_flow_v2()
    with tf.Graph().as_default() as graph:
        v1.set_random_seed(1)
        inputs, outputs = chosen.build()
        names = [
            [text if isinstance(text, str) else text.name for text in ends] for ends in (inputs, outputs)
        ]
        if chosen.frozen:
            with v1.Session(graph=graph) as session:
                session.run(v1.global_variables_initializer())
                nodes = [name.split(":")[0] for name in names[1]]
                frozen = v1.graph_util.convert_variables_to_constants(session, graph.as_graph_def(), nodes)
            meta = v1.MetaGraphDef(graph_def=frozen)
        elif chosen.plain:
            meta = v1.MetaGraphDef(graph_def=graph.as_graph_def())
        else:
            saver = v1.train.Saver() if v1.global_variables() else None
            meta = v1.train.export_meta_graph(
                graph=graph,
                saver_def=saver.as_saver_def() if saver else None,
                graph_def=graph.as_graph_def(add_shapes=True),
            )
    return Labelled(chosen, meta.SerializeToString(), tuple(names[0]), tuple(names[1]))
