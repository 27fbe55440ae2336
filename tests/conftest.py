"""What several test files share: one TensorFlow in the tests, and one process that runs graphs."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from zoo.runner import Runner, RunnerOptions


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the runners of this file agree on, so that TensorFlow starts once."""
    return tmp_path_factory.mktemp("shared")


@pytest.fixture(scope="session")
def runner(place: Path) -> Iterator[Runner]:
    with Runner(RunnerOptions(shared=place)) as one:
        yield one


@pytest.fixture(scope="session")
def tf() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import tensorflow
    return tensorflow
