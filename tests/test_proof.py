"""The proof by bytes finds every flipped byte, in files of ours and of TensorFlow's."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import google_crc32c
import ml_dtypes
import numpy as np
import pytest
import tensorflow as tf

from tests import models_freeze as models
from tests.ways import InTurns, Past
from zoo.errors import CheckError, FreezeError
from zoo.freeze import freeze
from zoo.freezing import write
from zoo.model import Bindings, Variable
from zoo.proof import Follower, check_constants, compare, string_crc
from zoo.weights import StoredTensor, Weights

v1 = tf.compat.v1


def crc(array: Any) -> int:
    return int(google_crc32c.value(np.ascontiguousarray(array).tobytes()))


def write_constants(path: Path, arrays: dict[str, Any]) -> None:
    """A GraphDef as TensorFlow writes it."""
    with tf.Graph().as_default() as graph:
        for name, array in arrays.items():
            tf.constant(array, name=name)
    path.write_bytes(graph.as_graph_def().SerializeToString())


def test_constants_that_tensorflow_wrote_are_checked(tmp_path: Path) -> None:
    """Values listed one by one, repeated ones left out, or packed: all give the checksum of the content."""
    rng = np.random.default_rng(0)
    arrays: dict[str, Any] = {
        f"{kind}_{len(shape)}{sum(shape)}": rng.normal(size=shape).astype(kind) * 7
        for kind in (
            "float32",
            "float64",
            "float16",
            "int32",
            "int64",
            "uint8",
            "complex64",
            "int8",
            "uint64",
        )
        for shape in ((), (1,), (3, 5))
    }
    arrays |= {
        "same": np.full((4, 4), 2.5, np.float32),
        "zeros": np.zeros((9,), np.int32),
        "bool": np.array([True, False]),
        "bfloat16": np.array(1.5, ml_dtypes.bfloat16),
        "large": rng.normal(size=(300, 300)).astype(np.float32),
    }
    write_constants(tmp_path / "g.pb", arrays)

    proof = check_constants(tmp_path / "g.pb", {name: crc(array) for name, array in arrays.items()})

    assert proof.checked == proof.equal == len(arrays)


@pytest.mark.parametrize("size", [1, 20_000], ids=["small-node", "large-node"])
def test_flipped_byte_is_found(size: int, tmp_path: Path) -> None:
    """One bit of one constant changed after writing is a CheckError that names it."""
    array = np.random.default_rng(0).normal(size=(size, 3)).astype(np.float32)
    path = tmp_path / "g.pb"
    write_constants(path, {"other": np.ones(3, np.float32), "w": array})
    content = bytearray(path.read_bytes())
    content[content.find(array.tobytes()) + array.nbytes // 2] ^= 1
    path.write_bytes(content)

    with pytest.raises(CheckError, match=r"constant 'w': expected crc32c [0-9a-f]{8}"):
        check_constants(path, {"w": crc(array)})


def test_constant_that_is_not_there_is_found(tmp_path: Path) -> None:
    """A constant that should be in the file and is not is a CheckError that names it."""
    write_constants(tmp_path / "g.pb", {"w": np.ones(3, np.float32)})

    with pytest.raises(CheckError, match="expected a constant 'u', found none"):
        check_constants(tmp_path / "g.pb", {"u": 0})


@pytest.mark.parametrize("keep", [0.3, 0.9, 0.999], ids=str)
def test_cut_file_is_found(keep: float, tmp_path: Path) -> None:
    """A file that ends inside a node is a CheckError, never a shorter proof."""
    array = np.random.default_rng(0).normal(size=(400, 400)).astype(np.float32)
    path = tmp_path / "g.pb"
    write_constants(path, {"w": array})
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * keep)])

    with pytest.raises(CheckError, match=r"frozen graph: "):
        check_constants(path, {"w": crc(array)})


def test_noise_is_a_check_error(tmp_path: Path) -> None:
    """Bytes that are no GraphDef give a CheckError and nothing else."""
    rng = np.random.default_rng(0)
    path = tmp_path / "g.pb"
    for size in (1, 10, 1000, 100_000) * 20:
        path.write_bytes(rng.bytes(size))
        with pytest.raises(CheckError):
            check_constants(path, {"w": 1})


def test_strings_are_checked_with_their_lengths() -> None:
    """The same bytes cut into other strings have another checksum."""
    assert string_crc([b"ab", b"c"]) != string_crc([b"a", b"bc"])
    assert string_crc([b""]) != string_crc([])


def bound(name: str, tensor: StoredTensor) -> Bindings:
    variable = Variable(
        name=name,
        dtype=tensor.dtype,
        shape=tensor.shape,
        bytes=tensor.bytes,
        kind="model",
        node=name,
        key=tensor.key,
    )
    return Bindings(variables=(variable,))


@pytest.fixture(scope="module")
def large() -> models.Built:
    """A model of 16 MB: large enough to be checked while it is written."""

    def make() -> Any:
        x = v1.placeholder(tf.float32, [None, 2000], name="x")
        w = v1.get_variable("w", [2000, 2000], use_resource=False)
        return {x: np.ones((1, 2000), np.float32)}, [tf.matmul(x, w, name="y")]

    return models.build(make, stock=False)


@pytest.mark.parametrize("ways", [InTurns, Past])
def test_large_file_is_hashed_and_checked_while_it_is_written(
    ways: type[InTurns | Past], large: models.Built, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sha256 and the checksums are those of the file that was written, past the page cache or not."""
    monkeypatch.setattr("zoo.blocks._ways", ways())
    moved: list[int] = []

    result = freeze(
        large.meta, large.bindings, large.weights, large.endpoints, tmp_path / "f.pb", progress=moved.append
    )

    content = (tmp_path / "f.pb").read_bytes()
    assert result.sha256 == hashlib.sha256(content).hexdigest()
    assert sum(moved) == result.bytes == len(content)
    assert check_constants(tmp_path / "f.pb", {"w": crc(large.values["w"])}) == result.constants


def test_checkpoint_that_lies_about_its_checksum_is_found(large: models.Built, tmp_path: Path) -> None:
    """Content that is not what the stored checksum says never becomes a frozen graph."""
    weights = large.weights
    tensor = weights.tensors["w"]
    assert tensor.crc32c is not None
    lying = StoredTensor(
        key="w", dtype=tensor.dtype, shape=tensor.shape, bytes=tensor.bytes, crc32c=tensor.crc32c ^ 1
    )

    with pytest.raises(CheckError, match="constant 'w'"):
        freeze(
            large.meta,
            large.bindings,
            Weights(tensors={"w": lying}, source=weights.source),
            large.endpoints,
            tmp_path / "f.pb",
        )

    assert list(tmp_path.iterdir()) == []


def test_writer_that_fails_leaves_nothing(large: models.Built, tmp_path: Path) -> None:
    """Content that ends early is an error, the follower stops, and no file is left."""
    short = models.weights_of({"w": large.values["w"][:1000]}, large.dtypes)
    tensor = large.weights.tensors["w"]
    weights = Weights(tensors={"w": tensor}, source=short.source)

    with pytest.raises(FreezeError, match=r"variable 'w': expected 16000000 bytes .*, found 8000000"):
        freeze(large.meta, large.bindings, weights, large.endpoints, tmp_path / "f.pb")

    assert list(tmp_path.iterdir()) == []


def test_follower_waits_for_the_end(tmp_path: Path) -> None:
    """Bytes that are still in the writer's buffer when the file pauses are read all the same."""
    path = tmp_path / "g.pb"
    write_constants(tmp_path / "whole.pb", {"w": np.arange(500_000, dtype=np.float32)})
    content = (tmp_path / "whole.pb").read_bytes()

    path.touch()
    with Follower(path, {"w"}) as follower, path.open("wb") as file:
        for start in range(0, len(content), 70_001):
            file.write(content[start : start + 70_001])
            follower.grown(len(content[start : start + 70_001]))

    expected = {"w": crc(np.arange(500_000, dtype=np.float32))}
    assert compare(follower.found, expected).equal == 1


def test_graph_beyond_what_protobuf_parses_is_refused(large: models.Built, tmp_path: Path) -> None:
    """More than 2 GiB is refused before a byte is written, with the size and what to do."""
    tensor = StoredTensor(key="w", dtype="float32", shape=(30_000, 20_000), bytes=2_400_000_000)
    frame = write.Constant(name="w", tensor=tensor, shape=tensor.shape)

    with pytest.raises(FreezeError, match=r"would have 2,400,0\d\d,\d{3} bytes, expected at most") as caught:
        write.Writer(None, None).size([frame])

    assert "SavedModel" in (caught.value.hint or "")


@pytest.mark.parametrize(
    ("offset", "shape"),
    [((0, 0), (700, 1001)), ((300, 0), (400, 1001)), ((0, 5), (700, 7)), ((699, 1000), (1, 1))],
)
def test_part_of_a_stored_tensor_is_cut_out_of_its_chunks(
    offset: tuple[int, ...], shape: tuple[int, ...], tmp_path: Path
) -> None:
    """Whatever the axis; rows that lie across two chunks are whole."""
    whole = np.arange(700 * 1001, dtype=np.int32).reshape(700, 1001)
    weights = models.weights_of({"w": whole}, {"w": "int32"})
    frame = write.Constant(name="w", tensor=weights.tensors["w"], shape=shape, offset=offset)
    seen: list[bytes] = []
    writer = write.Writer(weights, lambda _, chunk: seen.append(bytes(chunk)))

    with (tmp_path / "f.pb").open("wb") as file:
        writer.write(file, [frame], lambda _: None)

    part = whole[tuple(slice(at, at + size) for at, size in zip(offset, shape, strict=True))]
    assert b"".join(seen) == part.tobytes()
    assert writer.expected == {"w": crc(part)}
    assert check_constants(tmp_path / "f.pb", writer.expected).equal == 1
