"""Reads TensorFlow Lite models."""

from __future__ import annotations

from zoo.model import Artifact, Model
from zoo.readers.tree import Tree


def find(tree: Tree) -> list[Artifact]:
    """Every TFLite file of the tree."""
    return []


def read(tree: Tree, artifact: Artifact) -> Model:
    """The model of a TFLite file."""
    raise NotImplementedError
