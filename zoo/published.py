"""What a manifest tells of a model beyond its source, held against the model itself."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

from zoo.errors import UnpackError
from zoo.model import Endpoints
from zoo.records import Row

_CHUNK = 1 << 20


def check_member(row: Row, root: Path) -> None:
    """Hold the file that ``member`` names against the checksum that is published for it.

    Without a ``member_checksum``, or where ``member`` names no file below ``root``, nothing is held:
    choosing the model says what is missing.

    Raises:
        UnpackError: the file has another checksum.
    """
    if row.member is None or (published := row.member_checksum) is None:
        return
    path = (root / row.member).resolve()
    if not path.is_relative_to(root.resolve()) or not path.is_file():
        return
    digest = hashlib.new(published.algorithm, usedforsecurity=False)
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    if digest.hexdigest() != published.value:
        raise UnpackError(
            f"member {row.member!r}: expected {published.algorithm} {published.value}, "
            f"found {digest.hexdigest()}",
            hint="the archive is another one than the manifest means: compare with its source",
        )


def differences(row: Row, ends: Endpoints) -> tuple[str, ...]:
    """A sentence each for inputs and outputs, where those found are not those that are documented.

    Only inputs that carry data count: nobody documents an ``is_training`` that was folded away.
    """
    data = [end.name for end in ends.inputs if end.folded is None and end.role in (None, "data", "other")]
    outputs = [end.name for end in ends.outputs]
    pairs = (("inputs", row.documented_inputs, data), ("outputs", row.documented_outputs, outputs))
    return tuple(
        f"the documented {kind} are {_names(documented)}; found here: {_names(found)}"
        for kind, documented, found in pairs
        if documented and set(documented) != set(found)
    )


def _names(names: Sequence[str]) -> str:
    return ", ".join(names) or "none"
