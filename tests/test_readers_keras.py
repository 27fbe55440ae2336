"""Keras containers: archives and HDF5 files, full or weights only, called anything."""

from __future__ import annotations

import json
import shutil
import tracemalloc
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pytest

from tests.models_readers import CORPUS, Built, bind, built, needs_corpus, read
from zoo import find, variables
from zoo.errors import FindError, ReadError
from zoo.model import Model

__all__ = ["built"]


def alone(source: Path, folder: Path, name: str | None = None) -> Model:
    shutil.copyfile(source, folder / (name or source.name))
    return read(folder)


def test_a_keras_archive_tells_layers_inputs_and_outputs(built: Built, tmp_path: Path) -> None:
    """Layers in order with what their configuration says; ends with their shapes."""
    model = alone(built.keras / "model.keras", tmp_path)

    assert model.format.label == "Keras model (.keras), with optimizer state"
    assert (model.format.producer or "").startswith("Keras 3.")
    assert [layer.type for layer in model.layers] == [
        "InputLayer", "Conv2D", "BatchNormalization", "Flatten", "Lambda", "Dense",
    ]  # fmt: skip
    assert model.op_counts["Conv2D"] == 1
    assert [(end.name, end.shape) for end in model.inputs] == [("image", (None, 6, 6, 1))]
    assert [(end.name, end.shape, end.kind) for end in model.outputs] == [
        ("classes", (None, 4), "probabilities")
    ]


def test_lambda_layers_are_told_and_not_run(built: Built, tmp_path: Path) -> None:
    """Code in the file is a warning on the page, nothing else."""
    model = alone(built.keras / "model.keras", tmp_path)

    [warning] = model.warnings
    assert warning.startswith("layer 'double' holds code of its author")


def test_weights_of_an_archive_are_places_in_it(built: Built, tmp_path: Path) -> None:
    """The arrays of a stored member are read from their place in the zip, and are Keras' values."""
    import keras

    path = tmp_path / "model.keras"
    shutil.copyfile(built.keras / "model.keras", path)
    with h5py.File(built.keras / "only.weights.h5") as file:
        expected = file["layers/dense/vars/0"][()]
    model = read(tmp_path)

    assert model.weights is not None
    [span] = model.weights.tensors["classes/0"].spans
    assert span.path == path
    np.testing.assert_array_equal(model.weights.read("classes/0"), expected)
    assert keras is not None


def test_a_compressed_archive_is_read(built: Built, tmp_path: Path) -> None:
    """Someone packed it again with deflate: the weights are read all the same."""
    with (
        zipfile.ZipFile(built.keras / "model.keras") as source,
        zipfile.ZipFile(tmp_path / "m.keras", "w", zipfile.ZIP_DEFLATED) as target,
    ):
        for name in source.namelist():
            target.writestr(name, source.read(name))
    model = read(tmp_path)

    assert model.weights is not None
    assert model.weights.read("classes/0").shape == (32, 4)


def test_an_unpacked_archive_is_one_model(built: Built, tmp_path: Path) -> None:
    """The three parts side by side are a Keras model, not a stray HDF5 file."""
    with zipfile.ZipFile(built.keras / "model.keras") as source:
        source.extractall(tmp_path / "net")
    model = read(tmp_path)

    assert model.format.path == "net"
    assert model.format.others == ()
    assert len(model.layers) == 6


@pytest.mark.parametrize("name", ["hey-mycroft.train.net", "fer2013.102-0.66"])
def test_hdf5_of_any_name_is_read(built: Built, tmp_path: Path, name: str) -> None:
    """Content tells HDF5; Keras itself would refuse these names."""
    model = alone(built.keras / "hey-mycroft.train.net.h5", tmp_path, name)

    assert model.format.label == "Keras model (HDF5)"
    assert [end.name for end in model.inputs] == ["a", "b"]
    assert [end.name for end in model.outputs] == ["two", "three"]
    joined = next(layer for layer in model.layers if layer.name == "join")
    assert joined.inputs == ("a", "inner")
    assert {item.name for item in bind(model).variables} == {
        f"{layer}/{part}" for layer in ("inner", "two", "three") for part in ("kernel", "bias")
    }


def test_weights_only_files_have_layers_inferred(built: Built, tmp_path: Path) -> None:
    """Optimizer state is told apart, and the layers follow from names and shapes."""
    model = alone(built.keras / "only.weights.h5", tmp_path)
    found = bind(model)
    facts = variables.facts(found)

    assert model.format.label == "Keras weights (HDF5), with optimizer state"
    assert (facts.by_kind["model"].count, facts.by_kind["optimizer"].count) == (8, 14)
    assert [(layer.name, layer.type, layer.words) for layer in variables.infer_layers(found)] == [
        ("classes", "Dense", "dense, 32 to 4"),
        ("conv", "Conv2D", "convolution 3x3, 1 to 2"),
        ("norm", "BatchNormalization", "batch normalization of 2 channels"),
    ]


def hdf5(folder: Path) -> h5py.File:
    return h5py.File(folder / "x.h5", "w")


def test_arrays_of_other_files_are_not_followed(tmp_path: Path) -> None:
    """External links, external raw data and virtual arrays never lead out of the file."""
    (tmp_path / "secret").write_bytes(b"secret!!")
    inside = tmp_path / "in"
    inside.mkdir()
    with hdf5(inside) as file:
        file["w"] = np.ones(2, np.float32)
        file["link"] = h5py.ExternalLink(str(tmp_path / "other.h5"), "/w")
        file["soft"] = h5py.SoftLink("/w")
        file.create_dataset("raw", (2,), "f4", external=[(str(tmp_path / "secret"), 0, 8)])
        layout = h5py.VirtualLayout((2,), "f4")
        layout[:] = h5py.VirtualSource(str(tmp_path / "other.h5"), "w", (2,))
        file.create_virtual_dataset("virtual", layout)
    model = read(inside)

    assert model.weights is not None
    assert {key: tensor.missing is None for key, tensor in model.weights.tensors.items()} == {
        "w": True, "raw": False, "virtual": False,
    }  # fmt: skip
    with pytest.raises(ReadError, match="in another file, which is not followed"):
        model.weights.read("raw")


def test_arrays_that_were_never_written_take_no_memory(tmp_path: Path) -> None:
    """A shape of a billion elements without content is told, not allocated."""
    with hdf5(tmp_path) as file:
        file["w"] = np.ones(2, np.float32)
        file.create_dataset("huge", (1 << 30, 64), "f8", chunks=(1 << 10, 64))
    tracemalloc.start()
    model = read(tmp_path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak < 1 << 22
    assert model.weights is not None
    with pytest.raises(ReadError, match="never written"):
        model.weights.read("huge")


def test_groups_that_hold_themselves_end(tmp_path: Path) -> None:
    """A hard link to a parent is no endless tree."""
    with hdf5(tmp_path) as file:
        file["a/w"] = np.ones(2, np.float32)
        file["a/again"] = file["a"]
    model = read(tmp_path)

    assert model.weights is not None
    assert len(model.weights) == 1


def test_chunked_and_big_endian_arrays_are_read(tmp_path: Path) -> None:
    """What lies in chunks, compressed or in another byte order is read in parts."""
    value = np.arange(3000.0).reshape(100, 30)
    with hdf5(tmp_path) as file:
        file.create_dataset("zip", data=value, chunks=(7, 30), compression="gzip")
        file["big"] = value.astype(">f4")
    model = read(tmp_path)

    assert model.weights is not None
    np.testing.assert_array_equal(model.weights.read("zip"), value)
    np.testing.assert_array_equal(model.weights.read("big"), value.astype(np.float32))
    assert model.format.label == "HDF5 file with arrays, not written by Keras"


def test_other_zips_are_no_keras(tmp_path: Path) -> None:
    """A PyTorch model called saved_model.zip is named for what it is."""
    with zipfile.ZipFile(tmp_path / "saved_model.zip", "w") as file:
        file.writestr("policy.pth", b"x")

    with pytest.raises(FindError, match="zip archive"):
        find.find(tmp_path)


@pytest.mark.parametrize(
    "config",
    ["[]", "{", "[" * 100_000, '{"class_name": 3}', "NaN"],
    ids=["list", "cut", "deep", "odd", "nan"],
)
def test_a_configuration_of_another_shape_is_refused(built: Built, tmp_path: Path, config: str) -> None:
    """Anything but a model's configuration is a ReadError."""
    with zipfile.ZipFile(built.keras / "model.keras") as source:
        source.extractall(tmp_path)
    (tmp_path / "config.json").write_text(config)

    with pytest.raises(ReadError, match=r"config\.json"):
        read(tmp_path)


def test_odd_parts_of_a_configuration_are_passed_over(built: Built, tmp_path: Path) -> None:
    """Layers without a class, shapes of strings, names of numbers: what can be read is read."""
    with zipfile.ZipFile(built.keras / "model.keras") as source:
        source.extractall(tmp_path)
    layers = [
        3, {}, {"class_name": "Dense", "config": None, "inbound_nodes": {"a": [["x", 0, 0], 5]}},
        {"class_name": "InputLayer", "config": {"batch_shape": ["a", -1]}, "name": 7},
        {"class_name": "Functional", "name": "inner", "config": {"layers": [{"class_name": "ReLU"}]}},
        {"class_name": "TimeDistributed", "config": {"layer": {"class_name": "Dense", "config": {}}}},
    ]  # fmt: skip
    config = {
        "class_name": "Functional",
        "config": {"layers": layers, "input_layers": 5, "output_layers": {"a": "b"}},
    }
    (tmp_path / "config.json").write_text(json.dumps(config))
    model = read(tmp_path)

    assert [(layer.name, layer.type) for layer in model.layers] == [
        ("layer_2", "Dense"), ("layer_3", "InputLayer"), ("inner/layer_0", "ReLU"),
        ("layer_5", "TimeDistributed(Dense)"),
    ]  # fmt: skip
    assert model.layers[0].inputs == ("x",)


@needs_corpus
def test_a_real_model_of_keras_2_is_read() -> None:
    """The .hdf5 of the corpus: 80 weights, 58,423 parameters, the optimizer's state told apart."""
    model = read(CORPUS / "fer2013-mini-xception-hdf5")
    facts = variables.facts(bind(model))

    assert model.format.producer == "Keras 2.0.5 on tensorflow"
    assert (facts.by_kind["model"].count, facts.parameters) == (80, 58423)
    assert [(end.name, end.shape) for end in model.inputs] == [("input_1", (None, 64, 64, 1))]
    assert [(end.name, end.kind) for end in model.outputs] == [("predictions", "probabilities")]
