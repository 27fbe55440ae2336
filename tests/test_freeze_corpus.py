"""Real models as their authors shipped them: frozen, they give the recorded outputs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests import golden
from tests.models_readers import CORPUS, needs_corpus

pytestmark = needs_corpus


@pytest.mark.parametrize("name", golden.NAMES)
def test_frozen_model_gives_the_recorded_outputs(name: str, tmp_path: Path) -> None:
    """Bound, cut at the known inputs and frozen, a real model answers as recorded on another processor."""
    for output, expected, actual in golden.answers(name, tmp_path / "frozen.pb"):
        assert golden.difference(expected, actual) <= golden.tolerance(name), output


def test_frozen_model_gives_the_outputs_of_its_original_to_the_bit(tmp_path: Path, tf: Any) -> None:
    """On one processor nothing is left of the difference from what another one recorded."""
    name, v1 = "basic-pitch-savedmodel", tf.compat.v1
    known = json.loads((CORPUS / f"{name}.golden.json").read_text())
    arrays = np.load(CORPUS / f"{name}.golden.npz")
    with tf.Graph().as_default(), v1.Session() as session:
        v1.saved_model.load(session, ["serve"], str(CORPUS / name))
        feeds = {tensor: arrays[f"in{i}"] for i, tensor in enumerate(known["inputs"])}
        original = session.run(list(known["outputs"]), feeds)

    frozen = [actual for _, _, actual in golden.answers(name, tmp_path / "frozen.pb")]

    assert [value.tobytes() for value in frozen] == [value.tobytes() for value in original]
