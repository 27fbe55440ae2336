"""What several test files share: one TensorFlow in the tests, and one process that runs graphs."""

from __future__ import annotations

import signal
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import building
from tests.building import Site
from tests.sketches import Sketch
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


@pytest.fixture
def sketch(tf: Any) -> Iterator[Sketch]:
    tf.compat.v1.disable_control_flow_v2()
    with tf.Graph().as_default():
        yield Sketch(tf)
    tf.compat.v1.enable_control_flow_v2()


@pytest.fixture(scope="session")
def hostile_site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """A built site of models with hostile names."""
    return building.hostile(tmp_path_factory.mktemp("hostile"))


@pytest.fixture(scope="session")
def empty_site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """A built site before the first run."""
    return building.empty(tmp_path_factory.mktemp("empty"))


@pytest.fixture(scope="session")
def zoo_site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """A built site of a small zoo."""
    return building.plain(tmp_path_factory.mktemp("plain"))


_LONG = (
    "browser/", "test_job.py", "test_selection.py", "test_s3.py", "test_cluster.py", "test_chaos.py",
    "test_runner.py", "test_keras_rebuild.py", "test_readers_damage.py",
)  # fmt: skip


def pytest_configure() -> None:
    """Tests interrupt what they start, which has to listen also where a shell runs them in its background."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the files first that take long: each is one worker's work, and none shall be left for the end."""
    items.sort(key=lambda item: not any(part in item.nodeid for part in _LONG))
