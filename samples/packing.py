"""Files whose bytes depend on nothing but what is in them: no times, owners, random ids or hash order."""

from __future__ import annotations

import gzip
import io
import json
import re
import tarfile
import zipfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

EPOCH = (1980, 1, 1, 0, 0, 0)
"""The earliest time a zip member can have."""

_SHARED_OBJECT = re.compile(rb'("shared_object_id": )(\d+)')
_RANDOM_ID = re.compile(rb"_temp_[0-9a-f]{32}/part")


def pack(source: Path, archive: Path) -> None:
    """Make ``archive`` from the files below the folder ``source``; its suffix tells the kind.

    Raises:
        ValueError: the suffix is none of ``.tar``, ``.tar.gz`` and ``.zip``.
    """
    files = sorted(path for path in source.rglob("*") if path.is_file())
    members = [(str(path.relative_to(source)), path.read_bytes()) for path in files]
    if archive.name.endswith(".tar.gz"):
        archive.write_bytes(gzip.compress(_tar(members), compresslevel=9, mtime=0))
    elif archive.name.endswith(".tar"):
        archive.write_bytes(_tar(members))
    elif archive.name.endswith(".zip"):
        archive.write_bytes(_zip(members))
    else:
        raise ValueError(f"{archive.name}: expected .tar, .tar.gz or .zip")


def _tar(members: Iterable[tuple[str, bytes]]) -> bytes:
    whole = io.BytesIO()
    with tarfile.open(fileobj=whole, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name, data in members:
            entry = tarfile.TarInfo(name)  # owner 0, time 0
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))
    return whole.getvalue()


def _zip(members: Iterable[tuple[str, bytes]]) -> bytes:
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w") as container:
        for name, data in members:
            entry = zipfile.ZipInfo(name, EPOCH)
            entry.external_attr = 0o644 << 16
            container.writestr(entry, data, zipfile.ZIP_DEFLATED, compresslevel=9)
    return whole.getvalue()


def settle_protobuf(path: Path, parse: Callable[[bytes], Any]) -> None:
    """Rewrite a protobuf file with its maps in order and the Saver's random folder name zeroed.

    The Saver puts ``_temp_<uuid>/part`` into every sharded graph; a replacement of the same length
    leaves the wire format whole.
    """
    data = _RANDOM_ID.sub(b"_temp_" + b"0" * 32 + b"/part", path.read_bytes())
    message = parse(data)
    for graph in _graphs(message):
        functions = sorted(graph.library.function, key=lambda function: str(function.signature.name))
        del graph.library.function[:]
        graph.library.function.extend(functions)
    for meta in [message] if hasattr(message, "collection_def") else getattr(message, "meta_graphs", []):
        _settle_contexts(meta.collection_def)
    path.write_bytes(message.SerializeToString(deterministic=True))


def _settle_contexts(collections: Any) -> None:
    """Put the maps in order in the messages that these collections hold as bytes."""
    from tensorflow.core.protobuf import control_flow_pb2  # packing alone needs no TensorFlow

    for key, kind in (
        ("cond_context", control_flow_pb2.CondContextDef),
        ("while_context", control_flow_pb2.WhileContextDef),
    ):
        if key in collections:
            values = collections[key].bytes_list.value
            values[:] = [kind.FromString(value).SerializeToString(deterministic=True) for value in values]


def _graphs(message: Any) -> list[Any]:
    if hasattr(message, "meta_graphs"):
        return [meta.graph_def for meta in message.meta_graphs]
    return [message.graph_def] if hasattr(message, "graph_def") else [message]


def settle_keras(path: Path) -> None:
    """Rewrite a ``.keras`` file without the time it was saved at, and without memory addresses."""
    with zipfile.ZipFile(path) as container:
        members = {name: container.read(name) for name in sorted(container.namelist())}
    metadata = json.loads(members["metadata.json"])
    metadata["date_saved"] = "1980-01-01@00:00:00"
    members["metadata.json"] = json.dumps(metadata).encode()
    numbers: dict[bytes, bytes] = {}  # Keras tells shared objects apart by where they lie

    def renumber(match: re.Match[bytes]) -> bytes:
        return match[1] + numbers.setdefault(match[2], b"%d" % (len(numbers) + 1))

    members["config.json"] = _SHARED_OBJECT.sub(renumber, members["config.json"])
    path.write_bytes(_zip(members.items()))
