"""Reads Keras containers: ``.keras`` archives and HDF5 files, full models or weights only."""

from __future__ import annotations

from zoo.model import Artifact, Model
from zoo.readers.tree import Tree


def find(tree: Tree) -> list[Artifact]:
    """Every Keras file of the tree."""
    return []


def read(tree: Tree, artifact: Artifact) -> Model:
    """The model of a Keras file."""
    raise NotImplementedError
