"""The registry of labelled graphs, and how one is built."""

from __future__ import annotations

import hashlib
import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tensorflow as tf

v1 = tf.compat.v1

Truth = tuple[list[Any], list[Any]]
"""The tensors that the author feeds and fetches at inference (flags and dropout left out)."""
Truths = Truth | list[Truth]
"""One answer, or several that are right alike: with scores or with what they become, say."""


UNSEEN = frozenset({"courses", "engineers", "laboratories"})
"""Modules of authors who had not read the rules, one half of which no rule was made for."""
EXAMS = "exam_"
"""How the names of modules begin whose authors were asked for an exam, without a look at the rules.

No rule was made for a quarter of what they wrote.
"""


@dataclass(frozen=True)
class Case:
    """One labelled graph: how to make it, and which family it is of."""

    name: str
    family: str
    build: Callable[[], Truths]
    modern: bool = False
    """Resource variables and functional control flow, as TensorFlow 2 writes version 1 graphs."""
    frozen: bool = False
    """Variables become constants, and only what the outputs need stays."""
    plain: bool = False
    """Only the GraphDef: no collections, no saver, no shapes."""

    @property
    def half(self) -> str:
        """``develop`` or ``report``, by the digest of the name: nobody chose.

        The other half of older modules was reported once too often: what failed there was looked at.
        """
        module = self.build.__module__.rpartition(".")[2]
        first, second = (digit % 2 for digit in hashlib.sha256(self.name.encode()).digest()[:2])
        unseen = not first and (module in UNSEEN or (module.startswith(EXAMS) and not second))
        return "report" if unseen else "develop"


_CASES: list[Case] = []


def cases() -> list[Case]:
    """All labelled graphs, module by module."""
    for module in pkgutil.iter_modules([str(Path(__file__).parent)]):
        importlib.import_module(f"{__package__}.{module.name}")
    return _CASES


def case(family: str, **options: bool) -> Callable[[Callable[[], Truths]], Callable[[], Truths]]:
    """Registers the function as a case; its name is the case's."""

    def register(build: Callable[[], Truths]) -> Callable[[], Truths]:
        _CASES.append(Case(build.__name__, family, build, **options))
        return build

    return register


@dataclass(frozen=True)
class Labelled:
    """A built graph: a serialized MetaGraphDef, and the truth as tensor names."""

    case: Case
    meta: bytes
    truths: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...]
    """Inputs and outputs; where there are several pairs, each is right."""


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
        built = chosen.build()
        truths = tuple(
            (_names(inputs), _names(outputs))
            for inputs, outputs in (built if isinstance(built, list) else [built])
        )
        if chosen.frozen:
            with v1.Session(graph=graph) as session:
                session.run(v1.global_variables_initializer())
                nodes = [name.split(":")[0] for name in truths[0][1]]
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
    return Labelled(chosen, meta.SerializeToString(), truths)


def _names(tensors: list[Any]) -> tuple[str, ...]:
    return tuple(tensor if isinstance(tensor, str) else tensor.name for tensor in tensors)
