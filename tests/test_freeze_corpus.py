"""Real models as their authors shipped them: frozen, they give the recorded outputs."""

from __future__ import annotations

import io
import json
import os
import wave
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests import models_freeze as models
from zoo import find, variables
from zoo.freeze import freeze
from zoo.model import Endpoints, Feed
from zoo.records import Endpoint

CORPUS = Path(os.environ.get("ZOO_CORPUS", Path(__file__).parents[2] / "shared" / "corpus"))

pytestmark = pytest.mark.skipif(
    not CORPUS.is_dir(), reason=f"no corpus of real models at {CORPUS} (set ZOO_CORPUS)"
)

NAMES = (
    "basic-pitch-savedmodel", "ffn-fib25-ckpt", "fsrcnn-x2-ckpt", "fsrcnn-x3-ckpt",
    "guesslang-savedmodel-v2", "kws-arm-basic-lstm-s", "mtcnn-blaueck-pb", "musicnn-mtt-vgg32",
    "serving-bad-half-plus-two", "serving-half-plus-two-2-versions",
    "serving-half-plus-two-sessionbundle", "tf2onnx-regression-ckpt",
)  # fmt: skip


def _endpoint(name: str) -> Endpoint:
    return Endpoint(name=name, dtype="float32", shape=None, confidence=1.0, reason="test")


def _noise() -> bytes:
    """A second of quiet noise as a WAV file, which one of the models hears."""
    samples = (np.random.RandomState(0).rand(16000) * 2000 - 1000).astype("<i2")
    file = io.BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setparams((1, 2, 16000, len(samples), "NONE", ""))
        sound.writeframes(samples.tobytes())
    return file.getvalue()


@pytest.mark.parametrize("name", NAMES)
def test_frozen_model_gives_the_recorded_outputs(name: str, tmp_path: Path) -> None:
    """Bound, cut at the known inputs and frozen, a real model answers as recorded, to 1e-6."""
    golden = json.loads((CORPUS / f"{name}.golden.json").read_text())
    arrays = np.load(CORPUS / f"{name}.golden.npz", allow_pickle=True)
    artifacts = find.find(CORPUS / name)
    model = find.read(CORPUS / name, artifacts[0])
    assert model.meta is not None
    feeds: dict[str, Any] = {}
    for i, tensor in enumerate(golden["inputs"]):
        feeds[tensor] = arrays[f"in{i}"] if f"in{i}" in arrays else np.array(_noise(), dtype=object)
    outputs = list(golden["outputs"])
    folds = {tensor: bool(value) for tensor, value in feeds.items() if value.dtype == bool}
    endpoints = Endpoints(
        inputs=tuple(map(_endpoint, feeds)),
        outputs=tuple(map(_endpoint, outputs)),
        feeds=tuple(
            Feed(
                tensor=tensor,
                dtype="string" if value.dtype == object else value.dtype.name,
                shape=(None, *value.shape[1:]) if value.ndim else (),
            )
            for tensor, value in feeds.items()
            if tensor not in folds
        ),
        folds=folds,
    )
    path = tmp_path / "frozen.pb"

    result = freeze(
        model.meta, variables.bind(model.meta, model.weights, prefer="raw"), model.weights, endpoints, path
    )

    found = models.run_frozen(
        path,
        {result.inputs[tensor]: value for tensor, value in feeds.items() if tensor in result.inputs},
        [result.outputs[output] for output in outputs],
        before=result.initializers,
    )
    for i, actual in enumerate(found):
        expected = arrays[f"out{i}"]
        if expected.dtype == object:
            np.testing.assert_array_equal(actual, expected)
        else:
            # Relative to the size of the output: single elements near zero have no digits to lose.
            scale = float(np.abs(expected).max()) if expected.size else 1.0
            np.testing.assert_allclose(actual, expected, rtol=1e-6, atol=1e-6 * scale)
