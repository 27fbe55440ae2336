"""Real files cut, flipped, zeroed and swapped everywhere: only our own errors come out, and soon."""

from __future__ import annotations

import random
import shutil
import time
from contextlib import suppress
from pathlib import Path

import h5py
import pytest

from tests.models_readers import Built, bind, built, read
from zoo import find, variables
from zoo.errors import ReadError, ZooError
from zoo.readers.hdf5 import Hdf5

__all__ = ["built"]

ROUNDS = 60


def damaged(data: bytes, dice: random.Random) -> bytes:
    """``data`` with one kind of damage at a random place."""
    out = bytearray(data)
    size = len(out)
    at, other, length = dice.randrange(size), dice.randrange(size), dice.randrange(1, 48)
    match dice.randrange(7):
        case 0:
            return data[:at]
        case 1:
            out[at] ^= 1 << dice.randrange(8)
        case 2:
            out[at : at + length] = bytes(len(out[at : at + length]))
        case 3:
            out[at : at + length] = b"\xff" * len(out[at : at + length])
        case 4:
            out[at : at + length], out[other : other + length] = (
                out[other : other + length],
                out[at : at + length],
            )
        case 5:
            del out[at : at + length]
        case _:
            out[at:at] = dice.randbytes(length)
    return bytes(out)


def use(folder: Path) -> None:
    """Everything that the job does with what it finds; damaged content may be refused."""
    for artifact in find.find(folder):
        model = find.read(folder, artifact)
        found = bind(model)
        variables.facts(found)
        variables.infer_layers(found)
        if model.weights is not None:
            for key, tensor in model.weights.tensors.items():
                assert tensor.bytes < 1 << 26, f"{key} claims {tensor.bytes:,} bytes"
                try:
                    model.weights.read(key)
                except ZooError:
                    continue


@pytest.mark.parametrize(
    "name",
    [
        "training_v1", "renamed", "partitioned", "dtypes", "dtypes_v1", "shards", "slices", "objects",
        "saved_model_2", "no_variables", "tflite",
    ],
)  # fmt: skip
def test_damage_anywhere_is_our_error_or_harmless(built: Built, tmp_path: Path, name: str) -> None:
    """Sixty random damages to each kind of file: no other exception, no hang, no great allocation."""
    source = built.root / name
    files = sorted(path for path in source.rglob("*") if path.is_file())
    originals = {path: path.read_bytes() for path in files}
    dice = random.Random(name)  # noqa: S311
    work = tmp_path / "work"
    shutil.copytree(source, work)
    start = time.perf_counter()
    for _ in range(ROUNDS):
        path = dice.choice(files)
        place = work / path.relative_to(source)
        place.write_bytes(damaged(originals[path], dice))
        with suppress(ZooError):
            use(work)
        place.write_bytes(originals[path])

    assert time.perf_counter() - start < 60


@pytest.mark.parametrize("name", ["index", "data-00000-of-00001", "meta"])
def test_every_cut_is_survived(built: Built, tmp_path: Path, name: str) -> None:
    """A file of a checkpoint cut at every tenth of its length, and to nothing."""
    for part in ("index", "data-00000-of-00001", "meta"):
        shutil.copyfile(built.training / f"model.ckpt-9.{part}", tmp_path / f"m.{part}")
    path = tmp_path / f"m.{name}"
    content = path.read_bytes()
    for tenth in range(10):
        path.write_bytes(content[: len(content) * tenth // 10])
        model = read(tmp_path)
        assert (model.missing or model.warnings) or model.meta is None


@pytest.mark.parametrize("name", ["model.keras", "hey-mycroft.train.net.h5"])
def test_damaged_keras_files_are_survived(built: Built, tmp_path: Path, name: str) -> None:
    """Damages that the HDF5 library would crash or hang on cost its own process only."""
    content = (built.keras / name).read_bytes()
    dice = random.Random(name)  # noqa: S311
    for _ in range(6):
        (tmp_path / name).write_bytes(damaged(content, dice))
        with suppress(ZooError):
            use(tmp_path)

    (tmp_path / name).write_bytes(content)
    assert read(tmp_path).weights is not None  # as well as ever


def test_a_file_that_sends_the_library_in_circles_ends(tmp_path: Path) -> None:
    """A heap that points at itself loops in the library for ever; here it is a ReadError in time."""
    path = tmp_path / "loop.h5"
    with h5py.File(path, "w") as file:
        file.attrs["model_config"] = "{}" * 50
    content = bytearray(path.read_bytes())
    start = content.index(b"GCOL")
    # The first object of the global heap gets the index 0 of free space, and a size of nothing.
    content[start + 16 : start + 32] = bytes(16)
    path.write_bytes(content)
    begin = time.perf_counter()
    with pytest.raises(ReadError, match=r"loop\.h5: damaged HDF5 file"):
        Hdf5(path=path, length=len(content), seconds=1).describe()

    assert time.perf_counter() - begin < 30
