"""Reads Keras containers: ``.keras`` archives and HDF5 files, full models or weights only.

A ``.keras`` file is a zip of config.json, metadata.json and model.weights.h5
(https://keras.io/guides/serialization_and_saving/).  Files are told by content: an HDF5 file may
be called anything.  Nothing in them is built, unpickled or run here.
"""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path

from zoo import sniff
from zoo.errors import ReadError
from zoo.model import Artifact, Model
from zoo.readers.hdf5 import Description, Hdf5, Hdf5Source
from zoo.readers.keras_config import MAX_JSON, Architecture, architecture, parse_json
from zoo.readers.tree import Tree, folder_of, join, name_of
from zoo.records import Format
from zoo.weights import Weights

_PARTS = ("config.json", "metadata.json", "model.weights.h5")
MAX_WEIGHTS = 4 << 30
"""Bytes of a compressed weights member; one that is stored plainly may be of any size."""


def find(tree: Tree) -> list[Artifact]:
    """Every Keras file of the tree, and every ``.keras`` archive that was unpacked."""
    artifacts = []
    for path in tree.files:
        kind = tree.kind(path)
        if kind == "hdf5":
            if name_of(path) == _PARTS[2] and join(folder_of(path), _PARTS[0]) in tree.files:
                continue
            artifacts.append(_artifact(path, "HDF5 file", 50))
        elif kind == "zip" and _members(tree.root / path) is not None:
            artifacts.append(_artifact(path, "Keras archive", 52))
        elif name_of(path) == _PARTS[0]:
            files = [join(folder_of(path), part) for part in _PARTS]
            if all(file in tree.files for file in files):
                artifacts.append(
                    Artifact(
                        reader="keras",
                        path=folder_of(path) or path,
                        label="unpacked Keras archive",
                        files=tuple(files),
                        order=(52, -1, path),
                    )
                )
    return artifacts


def _artifact(path: str, label: str, rank: int) -> Artifact:
    return Artifact(reader="keras", path=path, label=label, files=(path,), order=(rank, -1, path))


def _members(path: Path) -> list[str] | None:
    """The member names of a ``.keras`` archive; None for every other zip."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, EOFError):
        return None
    return names if sniff.is_keras_zip(names) else None


def read(tree: Tree, artifact: Artifact) -> Model:
    """The layers and weights of a Keras file.

    Raises:
        ReadError: it is damaged, or an HDF5 file of something else.
    """
    if len(artifact.files) == len(_PARTS):
        config = (tree.root / artifact.files[0]).read_bytes()[: MAX_JSON + 1]
        metadata = tree.slice(artifact.files[1], 0, MAX_JSON + 1)
        weights = tree.root / artifact.files[2]
        file = Hdf5(path=weights, length=tree.files[artifact.files[2]].size)
        return _archive(tree, artifact, config, metadata, file)
    path = tree.root / artifact.path
    if tree.kind(artifact.path) == "zip":
        return _zip(tree, artifact, path)
    return _h5(tree, artifact, Hdf5(path=path, length=tree.files[artifact.path].size))


def _zip(tree: Tree, artifact: Artifact, path: Path) -> Model:
    try:
        with zipfile.ZipFile(path) as archive:
            config = _json(archive, "config.json")
            metadata = _json(archive, "metadata.json")
            names = archive.namelist()
            if "model.weights.h5" not in names:
                return _archive(tree, artifact, config, metadata, None)
            info = archive.getinfo("model.weights.h5")
            start = data_offset(path, info)
            if info.compress_type == zipfile.ZIP_STORED and start is not None:
                file = Hdf5(path=path, offset=start, length=info.file_size)
                return _archive(tree, artifact, config, metadata, file)
            if info.file_size > MAX_WEIGHTS:
                raise ReadError(
                    f"{path.name}: compressed weights of {info.file_size:,} bytes, "
                    f"expected at most {MAX_WEIGHTS:,}"
                )
            file = Hdf5(path=path, length=info.file_size, member=info.filename)
            return _archive(tree, artifact, config, metadata, file)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError) as error:
        raise ReadError(f"{path.name}: damaged archive ({error})", hint="fetch it again") from error
    except OSError as error:
        raise ReadError(f"{path.name}: cannot be read ({error})") from error


def data_offset(path: Path, info: zipfile.ZipInfo) -> int | None:
    """Where the content of a member begins; None if its local header is damaged."""
    with path.open("rb") as stream:
        stream.seek(info.header_offset)
        header = stream.read(30)
    if len(header) < 30 or not header.startswith(b"PK\x03\x04"):
        return None
    name, extra = int.from_bytes(header[26:28], "little"), int.from_bytes(header[28:30], "little")
    start = info.header_offset + 30 + name + extra
    return start if start + info.file_size <= path.stat().st_size else None


def _json(archive: zipfile.ZipFile, name: str) -> bytes:
    info = archive.getinfo(name)
    if info.file_size > MAX_JSON:
        raise ReadError(f"{name}: {info.file_size:,} bytes, expected at most {MAX_JSON:,}")
    with archive.open(info) as member:
        return member.read(MAX_JSON + 1)


def _archive(tree: Tree, artifact: Artifact, config: bytes, metadata: bytes, file: Hdf5 | None) -> Model:
    described = architecture(parse_json(config, "config.json"), "config.json")
    about = parse_json(metadata, "metadata.json")
    version = about.get("keras_version") if isinstance(about, dict) else None
    missing = () if file is not None else ("model.weights.h5 is not in the archive",)
    weights = None if file is None else _weights(file, file.describe())
    producer = f"Keras {version}" if isinstance(version, str) else None
    return _model(tree, artifact, "Keras model (.keras)", producer, described, weights, missing)


def _h5(tree: Tree, artifact: Artifact, file: Hdf5) -> Model:
    found = file.describe()
    version, backend = found.attributes.get("keras_version"), found.attributes.get("backend")
    producer = f"Keras {version}" if version else None
    if producer and backend:
        producer = f"{producer} on {backend}"
    config = found.attributes.get("model_config")
    weights = _weights(file, found)
    if config:
        described = architecture(parse_json(config, "model_config"), artifact.path)
        return _model(tree, artifact, "Keras model (HDF5)", producer, described, weights, ())
    if not weights.tensors:
        raise ReadError(f"{artifact.path}: an HDF5 file without any numbers in it, expected a Keras model")
    label = (
        "Keras weights (HDF5)" if version or found.keras else "HDF5 file with arrays, not written by Keras"
    )
    return _model(tree, artifact, label, producer, None, weights, ())


def _weights(file: Hdf5, found: Description) -> Weights:
    tensors, places = file.tensors(found)
    return Weights(tensors=tensors, source=Hdf5Source(file, places))


def _model(
    tree: Tree,
    artifact: Artifact,
    label: str,
    producer: str | None,
    described: Architecture | None,
    weights: Weights | None,
    missing: tuple[str, ...],
) -> Model:
    optimizer = weights is not None and any(
        key.startswith(("optimizer_weights/", "optimizer/")) for key in weights.tensors
    )
    return Model(
        root=tree.root,
        format=Format(
            id="keras",
            label=f"{label}{', with optimizer state' if optimizer else ''}",
            path=artifact.path,
            producer=producer,
            companions=artifact.files[1:],
        ),
        weights=weights,
        missing=missing,
        warnings=described.warnings if described is not None else (),
        op_counts=described.counts if described is not None else {},
        inputs=described.inputs if described is not None else (),
        outputs=described.outputs if described is not None else (),
        layers=described.layers if described is not None else (),
    )
