"""Readers: one file per format, each with ``find`` (cheap, by content) and ``read``.

`READERS` is ordered; nothing registers itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from zoo.model import Artifact, Model
from zoo.readers import checkpoint, graphdef, keras, saved_model, tflite
from zoo.readers.tree import Tree


class Reader(Protocol):
    """What every format provides."""

    def find(self, tree: Tree) -> list[Artifact]:
        """Everything in the tree that this reader can read; never raises for odd content."""
        ...

    def read(self, tree: Tree, artifact: Artifact) -> Model:
        """The model of an artifact that `find` gave.

        Raises:
            ReadError: it is damaged.
        """
        ...


READERS: Mapping[str, Reader] = {
    "saved_model": saved_model,
    "checkpoint": checkpoint,
    "graph": graphdef,
    "keras": keras,
    "tflite": tflite,
}
