"""V2 checkpoints: every dtype, shards, slices, strings, and what is damaged or missing."""

from __future__ import annotations

import time
import tracemalloc
from pathlib import Path

import google_crc32c
import numpy as np
import pytest

from tests.models_readers import DTYPES, QUANTIZED, Built, bind, built, copy, field, number, read, table
from zoo import protos
from zoo.errors import ReadError
from zoo.readers.bundle import decode_strings, read_bundle, slice_key
from zoo.readers.crc import mask
from zoo.weights import Weights

__all__ = ["built"]


def weights(index: Path) -> Weights:
    return read_bundle(index, index.name.removesuffix(".index")).weights


@pytest.mark.parametrize("name", DTYPES)
def test_values_of_every_dtype_are_read(built: Built, name: str) -> None:
    """Each tensor has TensorFlow's own dtype, shape and bytes."""
    value = DTYPES[name]
    found = weights(built.dtypes / "model.ckpt.index")

    assert found.tensors[name].dtype == value.dtype.name
    np.testing.assert_array_equal(found.read(name), value)
    assert found.read(name).shape == value.shape


@pytest.mark.parametrize("name", QUANTIZED)
def test_quantized_values_are_read(built: Built, name: str) -> None:
    """Quantized tensors keep their dtype's name and come as plain integers."""
    found = weights(built.dtypes / "model.ckpt.index")

    assert found.tensors[name].dtype == name
    assert found.read(name).tolist() == [1, 2, 3]


def test_strings_and_bfloat16_are_read(built: Built) -> None:
    """Strings come as bytes, with their checksums checked; bfloat16 as ml_dtypes' type."""
    found = weights(built.dtypes / "model.ckpt.index")

    assert found.read("string").tolist() == [b"", b"two words", b"\xff\x00" * 200]
    assert found.tensors["string"].spans == ()
    assert found.read("bfloat16").astype(float).tolist() == [1.0, -2.5]


def test_the_stored_checksum_is_the_contents(built: Built) -> None:
    """``crc32c`` is that of the bytes at the spans, unmasked."""
    found = weights(built.dtypes / "model.ckpt.index")
    for tensor in found.tensors.values():
        content = b"".join(
            span.path.read_bytes()[span.offset : span.offset + span.length] for span in tensor.spans
        )
        if tensor.spans:
            assert google_crc32c.value(content) == tensor.crc32c
            assert len(content) == tensor.bytes


def test_two_shards_are_one_checkpoint(built: Built) -> None:
    """Tensors of both shards are read; with one shard gone, its tensors say which file is missing."""
    found = weights(built.shards / "model.index")

    assert found.read("first").tolist() == [[1.0] * 3] * 4
    assert found.read("second").tolist() == [[2.0] * 3] * 4


def test_one_shard_of_two_missing_is_told(built: Built, tmp_path: Path) -> None:
    """Names, shapes and the shard that is there are read; the other is named with its tensors."""
    copy(built.shards, tmp_path)
    (tmp_path / "model.data-00001-of-00002").unlink()
    model = read(tmp_path)

    [sentence] = model.missing
    assert sentence.startswith("model.data-00001-of-00002 (one of 2 shards) is missing")
    assert model.weights is not None
    assert model.weights.tensors["second"].missing == "model.data-00001-of-00002"
    assert model.weights.read("first").shape == (4, 3)
    with pytest.raises(ReadError, match=r"its file model\.data-00001-of-00002 is missing"):
        model.weights.read("second")


def test_the_index_alone_gives_names_shapes_and_sizes(built: Built, tmp_path: Path) -> None:
    """Without any data, the summary is whole and the missing file is named."""
    copy(built.training, tmp_path, {"model.ckpt-9.index": "model.ckpt-9.index"})
    model = read(tmp_path)
    found = bind(model)

    [sentence] = model.missing
    assert sentence.startswith(
        "model.ckpt-9.data-00000-of-00001 is missing: the index tells names and shapes"
    )
    assert {item.name: item.shape for item in found.variables}["conv1/weights"] == (3, 3, 1, 2)


def test_data_that_are_cut_short_are_told(built: Built, tmp_path: Path) -> None:
    """Tensors before the cut are read; those beyond it are missing, and the sizes are given."""
    copy(built.shards, tmp_path)
    path = tmp_path / "model.data-00001-of-00002"
    path.write_bytes(path.read_bytes()[:-1])
    model = read(tmp_path)

    assert model.missing == ("model.data-00001-of-00002 is cut short: it holds 47 of 48 bytes",)


def test_an_lfs_pointer_in_place_of_the_data_is_told(built: Built, tmp_path: Path) -> None:
    """A shard that is a Git LFS pointer counts as missing, and the way to get it is given."""
    from tests.models_readers import POINTER

    copy(built.shards, tmp_path)
    (tmp_path / "model.data-00000-of-00002").write_bytes(POINTER)
    model = read(tmp_path)

    [sentence] = model.missing
    assert sentence.startswith("model.data-00000-of-00002 is a Git LFS pointer, not the data: fetch")


def test_a_flipped_byte_of_a_tensor_is_found(built: Built, tmp_path: Path) -> None:
    """Reading a tensor whose bytes changed names tensor, file and both checksums."""
    copy(built.shards, tmp_path)
    path = tmp_path / "model.data-00000-of-00002"
    path.write_bytes(b"\x01" + path.read_bytes()[1:])

    with pytest.raises(ReadError, match=r"model\.data-00000-of-00002: 'first': expected crc32c 0x"):
        weights(tmp_path / "model.index").read("first")


def test_slices_along_the_first_axis_are_copied_from_their_places(built: Built) -> None:
    """A tensor stored in row slices has one span a slice and the checksum of the whole."""
    found = weights(built.slices / "rows.index")
    tensor = found.tensors["w"]

    assert [span.length for span in tensor.spans] == [24, 72]
    np.testing.assert_array_equal(found.read("w"), np.arange(24.0).reshape(4, 6))
    assert tensor.crc32c == google_crc32c.value(np.arange(24, dtype="<f4").tobytes())
    assert list(found.tensors) == ["v\xe9\0", "w"]


def test_slices_across_are_assembled(built: Built) -> None:
    """A tensor stored in column slices is put together when it is read."""
    found = weights(built.slices / "columns.index")

    assert found.tensors["w"].spans == ()
    np.testing.assert_array_equal(found.read("w"), np.arange(24.0).reshape(4, 6))


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (0, "80"),
        (-1, "7f"),
        (63, "bf"),
        (64, "c040"),
        (8191, "dfff"),
        (8192, "e02000"),
        (1 << 62, "ffc040" + "00" * 7),
    ],
    ids=str,
)
def test_slice_keys_are_ordered_code(value: int, code: str) -> None:
    """A slice's key is zero, its escaped name, its rank, then start and length in ordered code."""
    assert (
        slice_key(b"a\0b\xff", [(value, -1)]).hex() == "00" + "6100ff62ff00" + "0001" + "0101" + code + "7f"
    )


def header(**fields: int) -> bytes:
    return bytes(protos.BundleHeaderProto(num_shards=1, **fields).SerializeToString())


def bundle(folder: Path, entries: list[tuple[bytes, bytes]], *, first: bytes | None = None) -> Path:
    path = folder / "x.index"
    path.write_bytes(table([[(b"", header() if first is None else first), *entries]]))
    (folder / "x.data-00000-of-00001").write_bytes(bytes(64))
    return path


def entry(dtype: int, shape: list[int], size: int, *, offset: int = 0, shard: int = 0) -> bytes:
    proto = protos.BundleEntryProto(dtype=dtype, size=size, offset=offset, shard_id=shard)
    for length in shape:
        proto.shape.dim.add(size=length)
    return bytes(proto.SerializeToString())


def test_a_big_endian_bundle_is_refused_in_words(tmp_path: Path) -> None:
    """Big-endian tensors are not turned into nonsense: the header says so, and so do we."""
    path = bundle(tmp_path, [], first=header(endianness=1))

    with pytest.raises(ReadError, match="big-endian, expected little-endian"):
        weights(path)


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (entry(1, [1 << 30, 1 << 30], 4), "takes 4,611,686,018,427,387,904 bytes"),
        (entry(1, [1 << 40, 1 << 40], 4), "impossible shape"),
        (entry(1, [-5], 4), "impossible shape"),
        (entry(7, [1 << 30], 10), r"\[1073741824\] string elements in 10 bytes"),
        (entry(1, [1], 4, offset=-4), "impossible place"),
        (entry(1, [1], 4, offset=(1 << 63) - 4), "impossible place"),
        (entry(1, [1], 4, shard=1), "lies in shard 1 of 1"),
        (entry(1, [1], 4, shard=-1), "lies in shard -1 of 1"),
        (b"\xff\xff", "is damaged"),
        (entry(1, [2], 4) + field(7, field(1, field(1, 1))), "its slice"),
    ],
    ids=[
        "billion-elements", "overflow", "negative", "strings", "offset", "far", "shard", "shard-1", "bytes",
        "slice-that-is-not-there",
    ],
)  # fmt: skip
def test_impossible_entries_are_refused_without_allocating(tmp_path: Path, value: bytes, why: str) -> None:
    """Sizes that contradict each other are a ReadError; no memory is taken for what they claim."""
    path = bundle(tmp_path, [(b"w", value)])
    tracemalloc.start()
    with pytest.raises(ReadError, match=why):
        weights(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak < 1 << 21


def test_an_offset_beyond_the_file_is_a_missing_value(tmp_path: Path) -> None:
    """A tensor that lies beyond its shard is listed as missing, not read."""
    path = bundle(tmp_path, [(b"w", entry(1, [4], 16, offset=60))])

    assert weights(path).tensors["w"].missing == "x.data-00000-of-00001"


def test_a_header_with_endless_shards_is_refused(tmp_path: Path) -> None:
    """The number of shards is bounded before names are made for them."""
    path = bundle(
        tmp_path, [], first=bytes(protos.BundleHeaderProto(num_shards=2**31 - 1).SerializeToString())
    )

    with pytest.raises(ReadError, match="2147483647 shards, expected 1 to"):
        weights(path)


def test_string_tensors_check_their_lengths(tmp_path: Path) -> None:
    """Lengths that do not fill the content, or have another checksum, are refused."""
    content = number(3) + mask(google_crc32c.value((3).to_bytes(4, "little"))).to_bytes(4, "little") + b"abc"

    assert decode_strings(content, 1, None, "s") == [b"abc"]
    with pytest.raises(ReadError, match="do not fill"):
        decode_strings(content + b"d", 1, None, "s")
    with pytest.raises(ReadError, match="checksum of its lengths"):
        decode_strings(content[:1] + b"\0\0\0\0" + b"abc", 1, None, "s")
    with pytest.raises(ReadError, match="its checksum differs"):
        decode_strings(content, 1, 1, "s")


def test_chunks_come_through_one_buffer(built: Built) -> None:
    """A tensor larger than the chunk size is read in parts that use the same memory."""
    found = weights(built.slices / "rows.index")
    chunks = found.source.chunks(found.tensors["w"], size=32)

    sizes, addresses = [], set()
    for chunk in chunks:
        sizes.append(len(chunk))
        addresses.add(np.frombuffer(chunk, np.uint8).__array_interface__["data"][0])
    assert sum(sizes) == 96
    assert max(sizes) <= 32
    assert len(addresses) == 1


def test_a_thousand_entries_take_milliseconds(tmp_path: Path) -> None:
    """Reading an index is linear and cheap: about a thousand variables in a few milliseconds."""
    rows = [(f"scope/layer_{i:04d}/weights".encode(), entry(1, [4, 4], 64)) for i in range(971)]
    path = bundle(tmp_path, rows)
    weights(path)
    best = min(_seconds(path) for _ in range(5))

    assert best < 0.05, f"{best * 1000:.1f} ms"


def _seconds(path: Path) -> float:
    start = time.perf_counter()
    weights(path)
    return time.perf_counter() - start
