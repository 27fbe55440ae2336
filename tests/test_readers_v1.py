"""V1 checkpoints: every dtype, slices, shards, snappy blocks, and what is damaged or missing."""

from __future__ import annotations

import shutil
import tracemalloc
from pathlib import Path

import google_crc32c
import numpy as np
import pytest

from tests.models_readers import (
    CORPUS,
    DTYPES,
    V1_DTYPES,
    Built,
    bind,
    built,
    field,
    needs_corpus,
    number,
    read,
    table,
)
from zoo import protos
from zoo.errors import ReadError
from zoo.readers.v1 import read_v1, varints

__all__ = ["built"]


@pytest.mark.parametrize("name", [name for name in V1_DTYPES if name in DTYPES])
def test_values_of_every_dtype_are_read(built: Built, name: str) -> None:
    """Each tensor of a V1 file without extension has TensorFlow's own bytes."""
    found = read_v1([built.dtypes_v1 / "dd"]).weights

    assert found.tensors[name].dtype == DTYPES[name].dtype.name
    np.testing.assert_array_equal(found.read(name), DTYPES[name])


def test_strings_and_quantized_values_are_read(built: Built) -> None:
    """Strings come as bytes, quantized values as plain integers."""
    found = read_v1([built.dtypes_v1 / "dd"]).weights

    assert found.read("string").tolist() == [b"", b"two words", b"\xff\x00" * 200]
    assert found.read("qint8").tolist() == [1, 2, 3]


def test_floats_are_places_in_the_file(built: Built) -> None:
    """Float payloads are copied by offset; their checksum is computed while their block is checked."""
    path = built.training_v1 / "model.ckpt"
    found = read_v1([path]).weights
    tensor = found.tensors["conv1/weights"]
    [span] = tensor.spans
    content = path.read_bytes()[span.offset : span.offset + span.length]

    assert len(content) == tensor.bytes == 72
    assert google_crc32c.value(content) == tensor.crc32c


def test_slices_are_assembled(built: Built) -> None:
    """A tensor stored in column slices is put together, its partitions are bound by offset."""
    found = read_v1([built.slices / "old"]).weights

    np.testing.assert_array_equal(found.read("w"), np.arange(24.0).reshape(4, 6))


def test_partitions_of_a_v1_checkpoint_are_bound(built: Built) -> None:
    """Each part of a partitioned variable knows where it lies in the stored tensor."""
    found = bind(read(built.partitioned_v1)).by_node()

    piece = found["rows/part_1"].slice
    assert piece is not None
    assert (found["rows/part_1"].key, piece.offset, piece.shape) == ("rows", (3, 0), (2, 2))


def test_a_v1_file_of_any_name_is_found(built: Built, tmp_path: Path) -> None:
    """No extension, no .meta, and still a V1 checkpoint: the magic at its end tells."""
    shutil.copyfile(built.dtypes_v1 / "dd", tmp_path / "train_result")
    model = read(tmp_path)

    assert (model.format.id, model.format.path) == ("checkpoint_v1", "train_result")
    assert model.format.label == "TensorFlow checkpoint V1 without graph"


def test_shards_of_a_v1_checkpoint_are_one(built: Built, tmp_path: Path) -> None:
    """``x-00000-of-00002`` and its sister are read together; a missing sister is named."""
    shutil.copyfile(built.dtypes_v1 / "dd", tmp_path / "export-00000-of-00002")
    alone = read(tmp_path)
    shutil.copyfile(built.training_v1 / "model.ckpt", tmp_path / "export-00001-of-00002")
    both = read(tmp_path)

    assert alone.format.path == "export-?????-of-00002"
    assert alone.missing == ("export-00001-of-00002 is missing: the tensors it holds have no values",)
    assert both.missing == ()
    assert both.weights is not None
    assert {"float32", "conv1/weights"} <= set(both.weights.tensors)


def test_a_damaged_block_is_found(built: Built, tmp_path: Path) -> None:
    """A flipped byte anywhere in the data is found by the block's checksum when the file is read."""
    data = bytearray((built.training_v1 / "model.ckpt").read_bytes())
    data[len(data) // 2] ^= 0x10
    (tmp_path / "m").write_bytes(data)

    with pytest.raises(ReadError, match="m: "):
        read_v1([tmp_path / "m"])


def meta(name: str, dtype: int, shape: list[int], *, full: bool = True) -> bytes:
    proto = protos.SavedTensorSlices()
    item = proto.meta.tensor.add(name=name, type=dtype)
    for size in shape:
        item.shape.dim.add(size=size)
        if full:
            item.slice.add() if not item.slice else None
            item.slice[0].extent.add()
    return bytes(proto.SerializeToString())


def data(name: str, tensor: bytes, rank: int) -> bytes:
    slices = b"".join(field(1, b"") for _ in range(rank))
    return field(2, field(1, name.encode()) + field(2, slices) + field(3, tensor))


def v1(path: Path, dtype: int, shape: list[int], tensor: bytes, *, snappy: bool = False) -> Path:
    def pack(content: bytes) -> bytes:
        out = bytearray(number(len(content)))
        for at in range(0, len(content), 60):
            part = content[at : at + 60]
            out += bytes([(len(part) - 1) << 2]) + part
        return bytes(out)

    rows = [(b"", meta("w", dtype, shape)), (b"\x00w", data("w", tensor, len(shape)))]
    path.write_bytes(table([rows], pack=pack if snappy else None))
    return path


FLOATS = np.array([1.0, 2.0, 3.0], "<f4").tobytes()


@pytest.mark.parametrize(
    ("tensor", "snappy"),
    [
        (field(1, 1) + field(5, FLOATS), False),
        (field(1, 1) + field(4, FLOATS), False),
        (b"".join(number(5 << 3 | 5) + FLOATS[i : i + 4] for i in (0, 4, 8)), False),
        (field(5, FLOATS), True),
    ],
    ids=["float_val", "tensor_content", "not-packed", "snappy"],
)
def test_every_way_to_store_floats_is_read(tmp_path: Path, tensor: bytes, snappy: bool) -> None:
    """Values may be packed, single, or raw content, in plain or in compressed blocks."""
    found = read_v1([v1(tmp_path / "m", 1, [3], tensor, snappy=snappy)]).weights

    assert found.read("w").tolist() == [1.0, 2.0, 3.0]
    assert found.tensors["w"].crc32c == google_crc32c.value(FLOATS)


@pytest.mark.parametrize(
    ("dtype", "shape", "tensor", "why"),
    [
        (1, [1 << 30], field(5, FLOATS), "expected 1,073,741,824 float32 values, found 12 bytes"),
        (3, [1 << 30], field(7, b"\x01"), "expected 1,073,741,824 int32 values, found 1"),
        (1, [1 << 40, 1 << 40], field(5, FLOATS), "impossible shape"),
        (3, [2], field(7, b"\x80"), "packed values end within a number"),
        (3, [1], field(7, b"\xff" * 11 + b"\x01"), "has 12 bytes, expected at most 10"),
        (1, [3], b"", "expected 3 float32 values, found none"),
        (1, [3], b"\x2d\x00", "is cut short"),
        (1, [3], b"\x2f", "is damaged"),
    ],
    ids=["billion", "billion-ints", "overflow", "cut-varint", "long-varint", "none", "cut-field", "group"],
)
def test_impossible_slices_are_refused_without_allocating(
    tmp_path: Path, dtype: int, shape: list[int], tensor: bytes, why: str
) -> None:
    """A shape that the values do not fill is a ReadError; no memory is taken for it."""
    path = v1(tmp_path / "m", dtype, shape, tensor)
    tracemalloc.start()
    with pytest.raises(ReadError, match=why):
        read_v1([path])
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak < 1 << 21


def test_varints_of_every_length_are_decoded() -> None:
    """The vectorized decoder agrees with one number at a time."""
    values = [0, 1, 127, 128, 300, 2**31, 2**63, 2**64 - 1]

    assert varints(b"".join(map(number, values)), "x").tolist() == values


@needs_corpus
@pytest.mark.parametrize(
    ("name", "prefix", "values"),
    [
        ("serving-bad-half-plus-two", "00000123/export", {"Variable": 0.5, "Variable_1": 2.0}),
        ("serving-half-plus-two-sessionbundle", "00000123/export-?????-of-00001", {"a": 0.5, "b": 2.0}),
    ],
)
def test_exports_of_the_first_years_are_read(name: str, prefix: str, values: dict[str, float]) -> None:
    """V1 files called ``export``, plain and in shards, with their graph beside them."""
    model = read(CORPUS / name)

    assert model.format.path == prefix
    assert model.format.label == "TensorFlow checkpoint V1 with graph"
    assert model.weights is not None
    assert {key: model.weights.read(key).item() for key in model.weights.tensors} == values
