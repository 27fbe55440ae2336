"""Reads TensorFlow Lite models: a flatbuffer that holds graph and weights in one.

Field numbers: tensorflow/lite/schema/schema.fbs and conversion_metadata.fbs of TensorFlow 2.21.
"""

from __future__ import annotations

import mmap
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import msgspec
import numpy as np

from zoo.errors import ReadError
from zoo.model import Artifact, Model
from zoo.protos import DTYPE_SIZES, Shape
from zoo.readers.content import chunks, elements_of, size_of
from zoo.readers.flatbuffer import Buffer, Table
from zoo.readers.tflite_ops import CUSTOM, OPERATORS
from zoo.readers.tree import Tree, name_of
from zoo.records import Endpoint, Format
from zoo.weights import Span, StoredTensor, Weights

_TYPES = (
    "float32", "float16", "int32", "uint8", "int64", "string", "bool", "int16", "complex64", "int8",
    "float64", "complex128", "uint64", "resource", "variant", "uint32", "uint16", "int4", "bfloat16",
    "int2", "uint4",
)  # fmt: skip


def find(tree: Tree) -> list[Artifact]:
    """Every TensorFlow Lite model of the tree."""
    return [
        Artifact(
            reader="tflite", path=path, label="TensorFlow Lite model", files=(path,), order=(42, -1, path)
        )
        for path in tree.files
        if tree.kind(path) == "tflite"
    ]


def read(tree: Tree, artifact: Artifact) -> Model:
    """The operators, inputs, outputs and weights of the model.

    Raises:
        ReadError: it is damaged.
    """
    path = tree.root / artifact.path
    try:
        with path.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as data:
            # Only the pages of the tables are touched; weights are given as places.
            return _Reader(tree, artifact, path, Buffer(data, name_of(artifact.path))).model()
    except (OSError, ValueError) as error:
        raise ReadError(f"{path.name}: cannot be read ({error})") from error


@dataclass
class _Reader:
    tree: Tree
    artifact: Artifact
    path: Path
    buffer: Buffer
    warnings: list[str] = field(default_factory=list)

    def model(self) -> Model:
        root = self.buffer.root()
        version = root.number(0, "<I")
        if version != 3:
            raise ReadError(f"{self.path.name}: TensorFlow Lite schema {version}, expected 3")
        names = [_operator(code) for code in root.tables(1)]
        buffers = [self.place(item) for item in root.tables(4)]
        graphs = list(root.tables(2))
        if not graphs:
            raise ReadError(f"{self.path.name}: expected a graph, found none")
        counts: Counter[str] = Counter()
        tensors: dict[str, StoredTensor] = {}
        for number, graph in enumerate(graphs):
            for item in graph.tables(3):
                code = item.number(0, "<I")
                if code >= len(names):
                    raise ReadError(f"{self.path.name}: an operator has the number {code} of {len(names)}")
                counts[names[code]] += 1
            scope = "" if len(graphs) == 1 else f"graph {number}/"
            for position, item in enumerate(graph.tables(0)):
                stored = self.stored(item, buffers, scope, position)
                if stored is not None:
                    key = stored.key
                    tensors[key if key not in tensors else f"{key} ({position})"] = stored
        main = list(graphs[0].tables(0))
        custom = sorted(name for name in counts if name.startswith("Custom:"))
        if custom:
            self.warnings.append(f"operators of the author's own: {', '.join(custom[:5])}")
        if len(graphs) > 1:
            self.warnings.append(
                f"{len(graphs)} graphs (bodies of loops and conditions, or signatures); the first is shown"
            )
        described = root.text(3)
        metadata = {item.text(0): item.number(1, "<I") for item in root.tables(6)}
        producer = self.producer(metadata, buffers)
        return Model(
            root=self.tree.root,
            format=Format(
                id="tflite",
                label="TensorFlow Lite model" + (f" ({described[:80]})" if described else ""),
                path=self.artifact.path,
                producer=producer,
            ),
            weights=Weights(tensors=_renamed(tensors), source=TFLiteSource()),
            warnings=tuple(self.warnings),
            op_counts=dict(sorted(counts.items(), key=lambda item: (-item[1], item[0]))),
            inputs=tuple(self.ends(graphs[0], 1, main)),
            outputs=tuple(self.ends(graphs[0], 2, main)),
        )

    def place(self, item: Table) -> tuple[int, int]:
        """(offset, length) of a buffer; the newest files keep large ones behind the flatbuffer."""
        start, length = item.span(0)
        offset, size = item.number(1, "<Q"), item.number(2, "<Q")
        if not length and offset > 1 and size:
            start, length = offset, size
        if start + length > len(self.buffer.data):
            raise ReadError(
                f"{self.path.name}: {length:,} bytes of weights at {start:,} reach beyond the file's end",
                hint="the file is cut short; fetch it again",
            )
        return start, length

    def stored(
        self, item: Table, buffers: list[tuple[int, int]], scope: str, position: int
    ) -> StoredTensor | None:
        """A tensor with content of its own: a weight."""
        number = item.number(2, "<I")
        if number >= len(buffers):
            raise ReadError(f"{self.path.name}: a tensor has the buffer {number} of {len(buffers)}")
        start, length = buffers[number]
        if not length:
            return None
        dtype = self.dtype(item)
        shape = item.numbers(0, "i", limit=64)
        expected = size_of(dtype, shape)
        key = scope + (item.text(3) or f"tensor {position}")
        if expected is not None and dtype in ("int4", "uint4") and length == (expected + 1) // 2:
            pass  # two to a byte
        elif expected is not None and expected != length and item.table(6) is None:
            raise ReadError(
                f"{self.path.name}: {key!r}: {dtype} {list(shape)} takes {expected:,} bytes, found {length:,}"
            )
        if elements_of(shape) is None:
            raise ReadError(f"{self.path.name}: {key!r}: impossible shape {list(shape)}")
        plain = expected == length or dtype == "string"
        return StoredTensor(
            key=key,
            dtype=dtype if plain or dtype not in DTYPE_SIZES else f"packed {dtype}",
            shape=shape,
            bytes=length,
            spans=(Span(path=self.path, offset=start, length=length),) if plain else (),
        )

    def dtype(self, item: Table) -> str:
        number = item.number(1, "<b")
        return _TYPES[number] if 0 <= number < len(_TYPES) else f"type {number}"

    def ends(self, graph: Table, number: int, tensors: list[Table]) -> Iterator[Endpoint]:
        """The inputs (field 1) or outputs (field 2) of a graph."""
        side = "an input" if number == 1 else "an output"
        for i in graph.numbers(number, "i"):
            if not 0 <= i < len(tensors):
                raise ReadError(f"{self.path.name}: {side} is tensor {i} of {len(tensors)}")
            item = tensors[i]
            quantized = _quantization(item)
            yield Endpoint(
                name=item.text(3) or f"tensor {i}",
                dtype=self.dtype(item),
                shape=_shape(item),
                role="data" if number == 1 else None,
                confidence=1.0,
                reason=f"the file names it as {side}{quantized}",
            )

    def producer(self, metadata: dict[str, int], buffers: list[tuple[int, int]]) -> str | None:
        """The TensorFlow version in the notes of the converter, or the runtime that it asks for."""
        place = metadata.get("CONVERSION_METADATA")
        if place is not None and place < len(buffers):
            start, length = buffers[place]
            inner = Buffer(self.buffer.data[start : start + min(length, 1 << 20)], self.buffer.name)
            environment = inner.root().table(0) if length >= 8 else None
            if environment is not None and (version := environment.text(0)):
                return version[:80]
        place = metadata.get("min_runtime_version")
        if place is not None and place < len(buffers):
            start, length = buffers[place]
            text = bytes(self.buffer.data[start : start + min(length, 64)]).rstrip(b"\x00")
            if text.isascii() and text:
                return f"for runtime {text.decode('ascii', 'replace')} or newer"
        return None


def _operator(code: Table) -> str:
    # The old field is a byte; numbers above 127 are only in the new one.
    number = max(code.number(0, "<b"), code.number(3, "<i"))
    if number == CUSTOM:
        return f"Custom:{code.text(1)}"
    return OPERATORS[number] if 0 <= number < len(OPERATORS) else f"operator {number}"


def _shape(item: Table) -> Shape:
    signature = item.numbers(7, "i", limit=64)
    return tuple(None if size < 0 else size for size in signature or item.numbers(0, "i", limit=64))


def _quantization(item: Table) -> str:
    found = item.table(4)
    if found is None:
        return ""
    scales = found.numbers(2, "f", limit=1 << 24)
    zeros = found.numbers(3, "q", limit=1 << 24)
    if not scales:
        return ""
    if len(scales) > 1:
        return f"; quantized with {len(scales)} scales"
    zero = zeros[0] if zeros else 0
    return f"; quantized: {scales[0]:.6g} x (q {'-' if zero >= 0 else '+'} {abs(zero)})"


def _renamed(tensors: dict[str, StoredTensor]) -> dict[str, StoredTensor]:
    return dict(sorted((key, msgspec.structs.replace(tensor, key=key)) for key, tensor in tensors.items()))


@dataclass(frozen=True)
class TFLiteSource:
    """Content of a TensorFlow Lite model's weights; the format keeps no checksums."""

    def chunks(self, tensor: StoredTensor, *, size: int = 1 << 20) -> Iterator[memoryview]:
        """See `zoo.weights.Source.chunks`."""
        if tensor.bytes and not tensor.spans:
            raise ReadError(f"{tensor.key!r}: its {tensor.dtype} content is packed and cannot be read")
        yield from chunks(tensor.spans, size=size, key=tensor.key, crcs=[None] * len(tensor.spans))

    def strings(self, tensor: StoredTensor) -> list[bytes]:
        """See `zoo.weights.Source.strings`."""
        content = b"".join(map(bytes, self.chunks(tensor)))
        # lite/string_util.h: count, count + 1 offsets, then the bytes.
        count = int.from_bytes(content[:4], "little")
        if count != tensor.elements or 8 + 4 * count > len(content):
            raise ReadError(f"{tensor.key!r}: expected {tensor.elements:,} strings, found {count:,}")
        offsets = np.frombuffer(content, "<u4", count + 1, 4).tolist()
        return [content[a:b] for a, b in pairwise(offsets)]
