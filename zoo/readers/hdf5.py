"""The arrays of an HDF5 file, looked at with suspicion.

HDF5 can point anywhere: links to other files, raw data in other files, arrays made of other files'
arrays.  Only hard links and content inside the file itself are followed here.  Array content that
lies in one piece is given as a place in the file; the rest is read through the library, in parts.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from zoo.errors import ReadError
from zoo.protos import DTYPE_SIZES
from zoo.readers.content import chunks, elements_of
from zoo.weights import Span, StoredTensor

MAX_OBJECTS = 200_000
MAX_DEPTH = 64
MAX_ATTRIBUTE = 64 << 20
_RATIO = 1100
"""No filter packs more than this: deflate's limit is 1032 to 1."""
_STEP = 1 << 20


class Window(io.RawIOBase):
    """A part of a file as a file."""

    def __init__(self, path: Path, offset: int, length: int) -> None:
        self._stream = path.open("rb")
        self._offset = offset
        self._length = length
        self._at = 0

    def readable(self) -> bool:
        """It can be read."""
        return True

    def seekable(self) -> bool:
        """It can be sought in."""
        return True

    def seek(self, offset: int, whence: int = 0) -> int:
        """The new position."""
        self._at = max(0, offset + (0, self._at, self._length)[whence])
        return self._at

    def tell(self) -> int:
        """The position."""
        return self._at

    def readinto(self, buffer: Any) -> int:
        """How many bytes were read into ``buffer``."""
        view = memoryview(buffer)
        view = view[: max(0, min(len(view), self._length - self._at))]
        self._stream.seek(self._offset + self._at)
        count = self._stream.readinto(view) or 0
        self._at += count
        return count

    def close(self) -> None:
        """Let go of the file."""
        self._stream.close()
        super().close()


@dataclass
class Hdf5:
    """An HDF5 file: on its own, inside another file, or in memory; use with ``with``."""

    path: Path
    offset: int = 0
    length: int | None = None
    content: bytes | None = None
    _file: Any = field(default=None, repr=False)
    _stream: Any = field(default=None, repr=False)

    def __enter__(self) -> Hdf5:
        import h5py  # a tenth of a second that only rows with HDF5 files pay

        try:
            if self.content is not None:
                self._stream = io.BytesIO(self.content)
            elif self.length is not None:
                self._stream = io.BufferedReader(Window(self.path, self.offset, self.length))
            self._file = h5py.File(self.path if self._stream is None else self._stream, "r")
        except (OSError, RuntimeError, ValueError, KeyError) as error:
            self.close()
            raise ReadError(
                f"{self.path.name}: damaged HDF5 file ({str(error)[:200]})", hint="fetch it again"
            ) from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file."""
        if self._file is not None:
            self._file.close()
        if self._stream is not None:
            self._stream.close()

    def has_attribute(self, name: str, group: str = "/") -> bool:
        """Whether a group has an attribute."""
        try:
            return group in self._file and name in self._file[group].attrs
        except (OSError, RuntimeError, ValueError, KeyError):
            return False

    def attribute(self, name: str, group: str = "/") -> str | None:
        """A text attribute of a group; None where there is none, or it is no single text.

        Raises:
            ReadError: it is damaged.
        """
        if not self.has_attribute(name, group):
            return None
        try:
            attributes = self._file[group].attrs
            about = attributes.get_id(name)
            if about.shape not in ((), (1,)) or about.dtype.itemsize > MAX_ATTRIBUTE:
                return None
            value = attributes[name]
        except (OSError, RuntimeError, ValueError, KeyError, TypeError, OverflowError) as error:
            raise ReadError(
                f"{self.path.name}: attribute {name!r} is damaged ({str(error)[:120]})"
            ) from error
        if isinstance(value, np.ndarray):
            value = value.reshape(-1)[0] if value.size == 1 else None
        if isinstance(value, bytes):
            return value.decode("utf-8", "replace")
        return value if isinstance(value, str) else None

    def groups(self) -> set[str]:
        """Names at the top of the file."""
        try:
            return set(self._file)
        except (OSError, RuntimeError, ValueError, KeyError):
            return set()

    def tensors(self) -> tuple[dict[str, StoredTensor], dict[str, str]]:
        """All arrays by key, and the path of each in the file.

        Raises:
            ReadError: the file is damaged, nested too deeply, or has more objects than any model.
        """
        found: dict[str, StoredTensor] = {}
        places: dict[str, str] = {}
        try:
            for path, dataset in self._walk():
                key = _key(path, self._file)
                if key in found:
                    key = path
                tensor = self._tensor(key, dataset)
                if tensor is not None:
                    found[key] = tensor
                    places[key] = path
        except (OSError, RuntimeError, ValueError, KeyError, TypeError, OverflowError, MemoryError) as error:
            raise ReadError(
                f"{self.path.name}: damaged HDF5 file ({str(error)[:200]})", hint="fetch it again"
            ) from error
        return dict(sorted(found.items())), places

    def _walk(self) -> Iterator[tuple[str, Any]]:
        import h5py

        seen: set[Any] = set()
        todo: list[tuple[str, Any, int]] = [("", self._file, 0)]
        count = 0
        while todo:
            prefix, group, depth = todo.pop()
            for name in group:
                count += 1
                if count > MAX_OBJECTS:
                    raise ReadError(f"{self.path.name}: more than {MAX_OBJECTS:,} objects in one HDF5 file")
                if not isinstance(group.get(name, getlink=True), h5py.HardLink):
                    continue
                item = group.get(name)
                path = f"{prefix}{name}"
                if isinstance(item, h5py.Dataset):
                    yield path, item
                elif isinstance(item, h5py.Group):
                    address = h5py.h5o.get_info(item.id).addr
                    if address in seen:
                        continue  # a group that holds itself
                    seen.add(address)
                    if depth >= MAX_DEPTH:
                        raise ReadError(f"{self.path.name}: groups nested deeper than {MAX_DEPTH}")
                    todo.append((f"{path}/", item, depth + 1))

    def _tensor(self, key: str, dataset: Any) -> StoredTensor | None:
        dtype = np.dtype(dataset.dtype)
        name = {"S": "string", "O": "string", "U": "string"}.get(dtype.kind, dtype.name)
        shape = dataset.shape
        if shape is None or name not in (*DTYPE_SIZES, "string") or elements_of(shape) is None:
            return None  # compound and opaque types are none of a model's weights
        size = (elements_of(shape) or 0) * dtype.itemsize
        stored = dataset.id.get_storage_size()
        missing = None
        if dataset.external or dataset.is_virtual:
            missing = "of another name (the array's content is in another file)"
        elif size and not stored:
            missing = "itself (the array was declared and never written)"
        elif name != "string" and size > stored * _RATIO:
            raise ReadError(f"{self.path.name}: {key!r}: {size:,} bytes that are stored in {stored:,}")
        spans: tuple[Span, ...] = ()
        place = dataset.id.get_offset() if dataset.chunks is None and missing is None else None
        little = dtype.byteorder in ("<", "|", "=")
        if place is not None and little and name in DTYPE_SIZES and size and self.content is None:
            end = (self.length if self.length is not None else self.path.stat().st_size) - place
            if size > end:
                raise ReadError(f"{self.path.name}: {key!r} reaches beyond the end of the file")
            spans = (Span(path=self.path, offset=self.offset + place, length=size),)
        return StoredTensor(
            key=key, dtype=name, shape=tuple(shape), bytes=size if name != "string" else stored,
            spans=spans, missing=missing,
        )  # fmt: skip


def _key(path: str, file: Any) -> str:
    """What a person calls an array: Keras nests a weight's name below its layer's once more."""
    parts = path.split("/")
    if parts[0] == "model_weights" and len(parts) > 2:
        parts = parts[1:]
        # model_weights/dense/dense/kernel:0, or model_weights/dense/sequential/dense/kernel
        if parts[0] in parts[1:-1]:
            return "/".join(parts[parts[1:].index(parts[0]) + 1 :]).removesuffix(":0")
        return "/".join(parts).removesuffix(":0")
    if len(parts) > 2 and parts[-2] == "vars" and parts[0] != "optimizer":
        given = file["/".join(parts[:-1])].attrs.get("name")
        if isinstance(given, str) and given and "/" not in given and len(given) < 256:
            parts[-3] = given
        return "/".join((*parts[:-2], parts[-1])).removeprefix("layers/")
    if len(parts) > 1 and parts[0] not in ("optimizer_weights", "optimizer") and parts[0] in parts[1:-1]:
        return "/".join(parts[parts[1:].index(parts[0]) + 1 :]).removesuffix(":0")
    return path.removesuffix(":0")


@dataclass(frozen=True)
class Hdf5Source:
    """Content of the arrays of an HDF5 file."""

    path: Path
    offset: int
    length: int | None
    memory: bytes | None = field(repr=False)
    places: dict[str, str] = field(repr=False)

    def _open(self) -> Hdf5:
        return Hdf5(self.path, self.offset, self.length, self.memory)

    def chunks(self, tensor: StoredTensor, *, size: int = 1 << 20) -> Iterator[memoryview]:
        """See `zoo.weights.Source.chunks`."""
        if tensor.missing is not None:
            raise ReadError(f"{tensor.key!r}: its content lies in a file {tensor.missing}")
        if tensor.spans:
            yield from chunks(tensor.spans, size=size, key=tensor.key, crcs=[None] * len(tensor.spans))
            return
        if tensor.dtype not in DTYPE_SIZES:
            raise ReadError(f"{tensor.key!r}: its dtype {tensor.dtype} has no elements of a fixed size")
        with self._open() as file:
            for part in _parts(file, self.places[tensor.key], tensor, size):
                for at in range(0, len(part), size):
                    yield memoryview(part)[at : at + size]

    def strings(self, tensor: StoredTensor) -> list[bytes]:
        """See `zoo.weights.Source.strings`."""
        if tensor.elements > 1 << 20:
            raise ReadError(f"{tensor.key!r}: {tensor.elements:,} strings, expected at most {1 << 20:,}")
        if tensor.missing is not None:
            raise ReadError(f"{tensor.key!r}: its content lies in a file {tensor.missing}")
        with self._open() as file:
            try:
                values = np.asarray(file._file[self.places[tensor.key]][()]).reshape(-1)
            except (OSError, RuntimeError, ValueError, KeyError, TypeError, MemoryError) as error:
                raise ReadError(f"{self.path.name}: {tensor.key!r} is damaged ({error})") from error
        return [value if isinstance(value, bytes) else str(value).encode() for value in values.tolist()]


def _parts(file: Hdf5, place: str, tensor: StoredTensor, size: int) -> Iterator[bytes]:
    """The array in row-major order, some rows at a time."""
    try:
        dataset = file._file[place]
        kind = dataset.dtype.newbyteorder("<")
        if not tensor.shape or tensor.elements == 0:
            yield np.asarray(dataset[()]).astype(kind, copy=False).tobytes()
            return
        row = max(1, tensor.bytes // tensor.shape[0])
        step = max(1, size // row)
        for start in range(0, tensor.shape[0], step):
            rows = np.asarray(dataset[start : start + step])
            yield rows.astype(kind, copy=False).tobytes()
    except (OSError, RuntimeError, ValueError, KeyError, TypeError, MemoryError) as error:
        raise ReadError(f"{file.path.name}: {tensor.key!r} is damaged ({str(error)[:200]})") from error
