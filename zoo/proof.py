"""The proof by bytes: constants in a written frozen graph equal what the checkpoint holds.

The file is read back in one sequential pass that never parses a large message: node by node, the
crc32c of each constant's content is computed from what was written.  The pass can follow a file that
is still being written.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Mapping
from contextlib import closing
from pathlib import Path
from types import TracebackType
from typing import Any

import google_crc32c
import numpy as np

from zoo import protos
from zoo.blocks import BLOCK, BlockReader
from zoo.errors import CheckError
from zoo.protos import DTYPE_SIZES, dtype_name
from zoo.readers.crc import crc32c
from zoo.records import ConstantsProof
from zoo.weights import numpy_dtype

_SMALL = 1 << 16
"""Frames up to this size are parsed as messages; larger ones field by field."""


def check_constants(path: Path, expected: Mapping[str, int]) -> ConstantsProof:
    """How many constants of a frozen graph have the ``expected`` crc32c (node name → crc32c).

    Strings count with `string_crc`.

    Raises:
        CheckError: one differs or is not there, or the file is no GraphDef.
    """
    if not expected:
        return ConstantsProof(checked=0, equal=0)
    with closing(BlockReader(path)) as file:
        found = _scan(_Reader(file), expected.keys())
    return compare(found, expected)


def compare(found: Mapping[str, int], expected: Mapping[str, int]) -> ConstantsProof:
    """The proof, from checksums by node name.

    Raises:
        CheckError: one differs or is not there.
    """
    for name, crc in expected.items():
        if name not in found:
            raise CheckError(f"frozen graph: expected a constant {name!r}, found none")
        if found[name] != crc:
            raise CheckError(
                f"frozen graph: constant {name!r}: expected crc32c {crc:08x} as in the checkpoint, "
                f"found {found[name]:08x}"
            )
    return ConstantsProof(checked=len(expected), equal=len(expected))


def string_crc(values: list[bytes]) -> int:
    """The crc32c of strings, each with its length before it as 8 bytes, little-endian."""
    crc = 0
    for value in values:
        crc = google_crc32c.extend(crc, len(value).to_bytes(8, "little"))
        crc = google_crc32c.extend(crc, value)
    return int(crc)


class Follower:
    """Reads a file back while it is written, in a thread of its own: checksums of its constants."""

    def __init__(self, path: Path, names: Collection[str]) -> None:
        """Prepare to read.

        Args:
            path: the file that a `zoo.blocks.BlockFile` writes, which is there already.
            names: of the constants.
        """
        self.found: dict[str, int] = {}
        self._path = path
        self._names = names
        self._grown = threading.Condition()
        self._size = 0
        self._done = False
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="proof", daemon=True)

    def __enter__(self) -> Follower:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._grown:
            self._done = True
            self._grown.notify()
        self._thread.join()
        if error is None and self._error is not None:
            raise self._error

    def grown(self, count: int) -> None:
        """The file has ``count`` more bytes that can be read."""
        with self._grown:
            self._size += count
            self._grown.notify()

    def wait(self, offset: int) -> bool:
        """Wait for a block at ``offset``; whether the file may still grow."""
        with self._grown:
            while self._size < offset + BLOCK and not self._done:
                self._grown.wait()
            return not self._done

    def _run(self) -> None:
        try:
            with closing(BlockReader(self._path)) as file:
                self.found = _scan(_Reader(file, self), self._names)
        except BaseException as error:  # it belongs to the thread that waits for this one
            self._error = error


class _Reader:
    """A file read from front to back, a block at a time."""

    def __init__(self, file: BlockReader, follower: Follower | None = None) -> None:
        self.block = memoryview(b"")
        self.at = 0
        self._file = file
        self._offset = 0
        self._follower = follower

    def more(self) -> bool:
        """Read the next block once the current one is used up; False at the end of the file."""
        got = 0
        while not got:
            # The last bytes may still be in the writer's buffer: only the end of writing ends the file.
            more = self._follower is not None and self._follower.wait(self._offset)
            self.block = self._file.read(self._offset, BLOCK)
            got = len(self.block)
            if not more:
                break
        self.at = 0
        self._offset += got
        return got > 0

    def ended(self) -> bool:
        return self.at >= len(self.block) and not self.more()

    def take(self, count: int) -> bytes:
        """The next ``count`` bytes."""
        data = bytes(self.block[self.at : self.at + count])
        self.at += len(data)
        if len(data) == count:
            return data
        parts = [data]
        count -= len(data)
        while count:
            if not self.more():
                raise CheckError("frozen graph: the file ends inside a node")
            data = bytes(self.block[:count])
            self.at = len(data)
            count -= len(data)
            parts.append(data)
        return b"".join(parts)

    def skip(self, count: int) -> None:
        """Pass over ``count`` bytes."""
        self.crc(count, wanted=False)

    def crc(self, count: int, *, wanted: bool = True) -> int:
        """The crc32c of the next ``count`` bytes."""
        crc = 0
        while count:
            if self.at >= len(self.block) and not self.more():
                raise CheckError("frozen graph: the file ends inside a node")
            end = min(len(self.block), self.at + count)
            if wanted:
                crc = crc32c(self.block[self.at : end], crc)
            count -= end - self.at
            self.at = end
        return crc

    def varint(self) -> int:
        value, shift = 0, 0
        while True:
            if self.at >= len(self.block) and not self.more():
                raise CheckError("frozen graph: the file ends inside a number")
            byte = self.block[self.at]
            self.at += 1
            value |= (byte & 127) << shift
            if byte < 128:
                return value
            shift += 7
            if shift > 63:
                raise CheckError("frozen graph: a number is longer than ten bytes")


def _scan(reader: _Reader, names: Collection[str]) -> dict[str, int]:
    """Checksums of the constants called ``names``, by name; reads to the end of the file."""
    found: dict[str, int] = {}
    wanted = {name.encode() for name in names}
    while not reader.ended():
        tag = reader.varint()
        if tag & 7 == 0:
            reader.varint()
            continue
        if tag & 7 != 2:
            raise CheckError(f"frozen graph: unexpected wire type {tag & 7}")
        length = reader.varint()
        if tag != 0x0A:
            reader.skip(length)
        elif length > _SMALL:
            _large_node(reader, length, wanted, found)
        else:
            frame = reader.take(length)
            # The name is the first field of a NodeDef, and seldom longer than a one-byte length says.
            if frame[:1] != b"\x0a" or frame[1] > 127 or frame[2 : 2 + frame[1]] in wanted:
                _small_node(frame, wanted, found)
    return found


def _small_node(frame: bytes, wanted: Collection[bytes], found: dict[str, int]) -> None:
    try:
        node = protos.NodeDef.FromString(frame)
    except protos.DecodeError as error:
        raise CheckError("frozen graph: a node is no NodeDef") from error
    if node.name.encode() not in wanted or node.op != "Const":
        return
    value = protos.attr_entries(node).get("value")
    if value is not None:
        found[node.name] = _tensor_crc(protos.AttrValue.FromString(value).tensor)


def _large_node(reader: _Reader, length: int, wanted: Collection[bytes], found: dict[str, int]) -> None:
    """Checksum of a large constant, whatever order its fields come in."""
    name, op = b"", b""
    crc: int | None = None
    left = _Left(reader, length)
    while left.count:
        tag, size = left.field()
        if tag == 0x0A:
            name = left.take(size)
        elif tag == 0x12:
            op = left.take(size)
        elif tag == 0x2A:
            value = _attr_crc(left, size)
            crc = value if value is not None else crc
        else:
            left.skip(size)
    if op == b"Const" and crc is not None and name in wanted:
        found[name.decode()] = crc


class _Left:
    """What is left of a message in a reader."""

    def __init__(self, reader: _Reader, count: int) -> None:
        self.reader = reader
        self.count = count

    def varint(self) -> int:
        value = self.reader.varint()
        self.count -= max(1, -(-value.bit_length() // 7))
        return value

    def field(self) -> tuple[int, int]:
        """Tag and length of the next field; fields that are numbers are passed over, length 0."""
        tag = self.varint()
        if tag & 7 == 0:
            self.varint()
            return tag, 0
        if tag & 7 != 2:
            raise CheckError(f"frozen graph: unexpected wire type {tag & 7}")
        size = self.varint()
        if size > self.count:
            raise CheckError("frozen graph: a field is longer than its message")
        return tag, size

    def take(self, size: int) -> bytes:
        self.count -= size
        return self.reader.take(size)

    def skip(self, size: int) -> None:
        self.count -= size
        self.reader.skip(size)

    def crc(self, size: int) -> int:
        self.count -= size
        return self.reader.crc(size)

    def part(self, size: int) -> _Left:
        self.count -= size
        return _Left(self.reader, size)


def _attr_crc(left: _Left, size: int) -> int | None:
    """Checksum of the tensor in an attribute called ``value``, else None; the attribute is read."""
    entry = left.part(size)
    key, crc = b"", None
    while entry.count:
        tag, size = entry.field()
        if tag == 0x0A:
            key = entry.take(size)
        elif tag == 0x12 and key == b"value":
            value = entry.part(size)
            while value.count:
                tag, size = value.field()
                if tag == 0x42:
                    crc = _large_tensor_crc(value.part(size))
                else:
                    value.skip(size)
        else:
            entry.skip(size)
    return crc


def _large_tensor_crc(tensor: _Left) -> int:
    rest = bytearray()
    crc: int | None = None
    while tensor.count:
        # Numbers (dtype, version) matter only together with values that are listed one by one.
        tag = tensor.varint()
        if tag & 7 == 0:
            rest += bytes([tag]) + _varint(tensor.varint())
            continue
        if tag & 7 != 2:
            raise CheckError(f"frozen graph: unexpected wire type {tag & 7}")
        size = tensor.varint()
        if tag == 0x22:
            crc = tensor.crc(size)
        else:
            rest += _varint(tag) + _varint(size) + tensor.take(size)
    return crc if crc is not None else _tensor_crc(protos.TensorProto.FromString(bytes(rest)))


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value])


def _tensor_crc(tensor: Any) -> int:
    """Checksum of a tensor's content, however its values are written.

    Raises:
        CheckError: the values are not those of a tensor of that dtype and shape.
    """
    dtype = dtype_name(tensor.dtype)
    if dtype == "string":
        return string_crc(list(tensor.string_val))
    if tensor.tensor_content:
        return int(google_crc32c.value(tensor.tensor_content))
    if dtype not in DTYPE_SIZES:
        raise CheckError(f"frozen graph: a constant has dtype {dtype}")
    count = 1
    for dim in tensor.tensor_shape.dim:
        count *= dim.size
    if count > 1 << 28 or count < 0:
        raise CheckError(f"frozen graph: a constant lists {count:,} values one by one")
    values = _listed(tensor, dtype)
    # The last value stands for all that follow it; none at all stands for zeros.
    full = np.zeros(count, values.dtype)
    if len(values):
        full[: len(values)] = values[:count]
        full[len(values) :] = values[-1]
    return int(google_crc32c.value(full.tobytes()))


def _listed(tensor: Any, dtype: str) -> np.ndarray[Any, Any]:
    kind = numpy_dtype(dtype)
    if dtype in ("float16", "bfloat16"):
        return np.array(tensor.half_val, dtype=np.uint16).view(kind)
    if dtype.startswith("float8"):
        return np.frombuffer(tensor.float8_val, dtype=kind)
    if dtype.startswith("complex"):
        parts = tensor.scomplex_val if dtype == "complex64" else tensor.dcomplex_val
        half = np.float32 if dtype == "complex64" else np.float64
        return np.array(parts, dtype=half).view(kind)
    lists = {
        "float32": tensor.float_val, "float64": tensor.double_val, "bool": tensor.bool_val,
        "int64": tensor.int64_val, "uint32": tensor.uint32_val, "uint64": tensor.uint64_val,
    }  # fmt: skip
    return np.array(lists.get(dtype, tensor.int_val)).astype(kind)
