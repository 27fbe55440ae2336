"""Small real data sets that come with scikit-learn, split and scaled for training."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn import datasets as sklearn

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Split:
    """Features and labels to train on, and others to test on."""

    train: Array
    train_labels: Array
    test: Array
    test_labels: Array

    def batches(self, steps: int, size: int, *, seed: int = 0) -> list[tuple[Array, Array]]:
        """``steps`` random batches of the training part; equal seeds give equal batches."""
        random = np.random.RandomState(seed)
        picks = [random.randint(0, len(self.train), size) for _ in range(steps)]
        return [(self.train[pick], self.train_labels[pick]) for pick in picks]


def digits() -> Split:
    """1,797 handwritten digits: images [8, 8, 1] float32 in 0 … 1, labels 0 … 9."""
    images, labels = sklearn.load_digits(return_X_y=True)
    return _split((images / 16).reshape(-1, 8, 8, 1), labels)


def breast_cancer() -> Split:
    """569 biopsies: 30 standardized features float32, labels 0 malignant, 1 benign."""
    return _split(*_standardized(sklearn.load_breast_cancer(return_X_y=True)))


def iris() -> Split:
    """150 flowers: 4 standardized features float32, labels 0 … 2."""
    return _split(*_standardized(sklearn.load_iris(return_X_y=True)))


def wine() -> Split:
    """178 wines: 13 standardized features float32, labels 0 … 2."""
    return _split(*_standardized(sklearn.load_wine(return_X_y=True)))


def _standardized(data: tuple[Array, Array]) -> tuple[Array, Array]:
    features, labels = data
    return (features - features.mean(axis=0)) / features.std(axis=0), labels


def _split(features: Array, labels: Array) -> Split:
    order = np.random.RandomState(20).permutation(len(features))
    features, labels = features[order].astype(np.float32), labels[order].astype(np.int64)
    cut = len(features) * 4 // 5
    return Split(features[:cut], labels[:cut], features[cut:], labels[cut:])
