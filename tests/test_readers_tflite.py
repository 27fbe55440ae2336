"""TensorFlow Lite models: operators, ends, weights, and offsets that lead astray."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.models_readers import CORPUS, Built, built, needs_corpus, read
from zoo.errors import ReadError
from zoo.readers.flatbuffer import Buffer

__all__ = ["built"]


def test_a_converted_model_is_read(built: Built) -> None:
    """Operators, inputs, outputs, the converter's version and the weights' values."""
    model = read(built.tflite)

    assert model.format.id == "tflite"
    assert (model.format.producer or "").startswith("2.")
    assert dict(model.op_counts) == {"FULLY_CONNECTED": 1, "SOFTMAX": 1}
    [end] = model.inputs
    assert (end.name.startswith("x"), end.dtype, end.shape) == (True, "float32", (1, 4))
    assert [end.shape for end in model.outputs] == [(1, 3)]
    assert model.weights is not None
    [key] = model.weights.tensors
    np.testing.assert_array_equal(np.sort(model.weights.read(key), axis=None), np.arange(12.0))


@needs_corpus
def test_a_real_quantized_model_is_read() -> None:
    """The int8 keyword spotter: its ends tell scale and zero point."""
    model = read(CORPUS / "tinyml-kws-tflite-int8")

    assert model.op_counts["CONV_2D"] == 5
    [end] = model.inputs
    assert (end.name, end.dtype, end.shape) == ("input_1", "int8", (None, 49, 10, 1))
    assert end.reason == "the file names it as an input; quantized: 0.584703 x (q - 83)"
    assert model.weights is not None
    for key in model.weights.tensors:
        model.weights.read(key)


@pytest.mark.parametrize("keep", [8, 40, 300, -50], ids=["header", "root", "tables", "tail"])
def test_a_model_that_was_cut_is_refused(built: Built, tmp_path: Path, keep: int) -> None:
    """Every offset is checked against the file's end."""
    (tmp_path / "m.tflite").write_bytes((built.tflite / "model.bin").read_bytes()[:keep])

    with pytest.raises(ReadError, match=r"m\.tflite"):
        read(tmp_path)


def test_tables_in_circles_are_refused() -> None:
    """A vector of a million offsets to one table is not read a million times a million."""
    from zoo.readers import flatbuffer

    data = bytearray(64)
    data[0:4] = (16).to_bytes(4, "little")
    data[8:16] = (8).to_bytes(2, "little") + (8).to_bytes(2, "little") + (4).to_bytes(2, "little") + b"\0\0"
    data[16:20] = (8).to_bytes(4, "little")
    data[20:24] = (4).to_bytes(4, "little")
    data[24:28] = (5).to_bytes(4, "little")
    buffer = Buffer(bytes(data), "x")
    buffer.tables = flatbuffer.MAX_TABLES - 2

    with pytest.raises(ReadError, match=r"more than 2,000,000 tables|beyond the end"):
        list(buffer.root().tables(0))
