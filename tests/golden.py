"""Real models whose outputs are recorded, frozen and run on the recorded inputs.

python -m tests.golden      a line each: the largest difference, and whether all bits are the same
"""

from __future__ import annotations

import io
import json
import sys
import tempfile
import wave
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from tests.models_readers import CORPUS
from zoo import find, variables
from zoo.freeze import freeze
from zoo.model import Endpoints, Feed
from zoo.records import Endpoint

NAMES = (
    "basic-pitch-savedmodel", "ffn-fib25-ckpt", "fsrcnn-x2-ckpt", "fsrcnn-x3-ckpt",
    "guesslang-savedmodel-v2", "kws-arm-basic-lstm-s", "mtcnn-blaueck-pb", "musicnn-mtt-vgg32",
    "serving-bad-half-plus-two", "serving-half-plus-two-2-versions",
    "serving-half-plus-two-sessionbundle", "tf2onnx-regression-ckpt",
)  # fmt: skip


TOLERANCE = 1e-6
"""How far an output may be from the recorded one, relative to its size."""
ACROSS_PROCESSORS = {"basic-pitch-savedmodel": 1e-4, "ffn-fib25-ckpt": 2e-6}
"""The same for models that are further off where a processor sums in another order than the recording one.

Seen: 5.7e-5 for logarithms of energies near zero, in the original as well, and 1.6e-6 after 183 GFLOPs.
"""


def tolerance(name: str) -> float:
    """The largest relative difference from the recorded outputs of a model."""
    return ACROSS_PROCESSORS.get(name, TOLERANCE)


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


def answers(name: str, path: Path) -> Iterator[tuple[str, Any, Any]]:
    """(output, recorded value, value of the graph that is frozen to ``path``), for each output."""
    from tests import models_freeze as models

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
    result = freeze(
        model.meta, variables.bind(model.meta, model.weights, prefer="raw"), model.weights, endpoints, path
    )

    found = models.run_frozen(
        path,
        {result.inputs[tensor]: value for tensor, value in feeds.items() if tensor in result.inputs},
        [result.outputs[output] for output in outputs],
        before=result.initializers,
    )
    for i, (output, actual) in enumerate(zip(outputs, found, strict=True)):
        yield output, arrays[f"out{i}"], actual


def difference(expected: Any, actual: Any) -> float:
    """The largest difference, relative to the size of the output: near zero are no digits to lose."""
    if expected.dtype == object:
        return 0.0 if np.array_equal(expected, actual) else float("inf")
    if expected.shape != actual.shape or not expected.size:
        return 0.0 if expected.shape == actual.shape else float("inf")
    scale = float(np.abs(expected).max()) or 1.0
    return float(np.abs(actual.astype("f8") - expected.astype("f8")).max()) / scale


def main() -> int:
    """Print the table; 1 if one of them differs by more than it may."""
    worst = 0.0
    identical = wrong = 0
    for name in NAMES:
        with tempfile.TemporaryDirectory() as folder:
            found = list(answers(name, Path(folder) / "frozen.pb"))
        largest = max(difference(expected, actual) for _, expected, actual in found)
        same = all(np.array_equal(expected, actual) for _, expected, actual in found)
        worst = max(worst, largest)
        wrong += not largest <= tolerance(name)
        identical += same
        print(f"{name}: {len(found)} outputs, {'bit-identical' if same else f'{largest:.1e} relative'}")
    print(f"{len(NAMES)} models, {identical} bit-identical, largest relative difference {worst:.1e}")
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
