"""Names from strangers as paths that are safe to write: the one place that decides what is safe."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import PurePosixPath
from urllib.parse import unquote, urlsplit

COMPONENT_BYTES = 255
"""What the file systems of this world take as one name."""
PATH_LENGTH = 1024
DEPTH = 64

_ESCAPED = re.compile("[\x00-\x1f\x7f\\\\\ud800-\udfff]")


def escaped(component: str) -> str:
    r"""One name without separators, control characters or broken text: those are percent-escaped.

    A folder that is literally called ``..\Data`` on Unix is kept, as ``..%5CData``, which means the
    same folder everywhere.  A name without such characters is its own escape.
    """
    return _ESCAPED.sub(lambda found: "".join(f"%{byte:02X}" for byte in _bytes(found[0])), component)


def _bytes(character: str) -> bytes:
    if "\udc80" <= character <= "\udcff":  # a byte that was no UTF-8
        return bytes([ord(character) - 0xDC00])
    return character.encode("utf-8", "surrogatepass")


def file_name(url: str, given: str | None = None) -> str:
    """A name for the file behind ``url``: its last part, or what the source says where that says little.

    >>> file_name("https://example.org/models/lenet.tar.gz?raw=true")
    'lenet.tar.gz'
    """
    last = unquote(urlsplit(url).path).rstrip("/").rpartition("/")[2]
    if given and "." not in last:
        last = given.replace("\\", "/").rpartition("/")[2] or last
    name = escaped(last).strip()
    if name in ("", ".", ".."):
        return "download"
    while len(name.encode("utf-8", "replace")) > COMPONENT_BYTES - 55:  # room for what is put around names
        name = name[1:]  # the end tells more: it has the extension
    return name


def folders(urls: Sequence[str]) -> tuple[str, ...]:
    """For each URL of a model the folder to put its file in, empty or with a slash at its end.

    Files of a SavedModel keep their places below the folder that they share: its values are in
    ``variables/``.  All others lie side by side, wherever they come from.

    >>> folders(["https://example.org/net/saved_model.pb", "https://example.org/net/variables/variables.index"])
    ('', 'variables/')
    """
    parts = [urlsplit(url) for url in urls]
    files = [PurePosixPath(os.path.normpath("/" + unquote(part.path).lstrip("/"))) for part in parts]
    is_saved_model = any(file.name in ("saved_model.pb", "saved_model.pbtxt") for file in files)
    if not is_saved_model or len({(part.scheme, part.netloc) for part in parts}) > 1:
        return ("",) * len(urls)
    shared = os.path.commonpath([file.parent for file in files])
    inner = [file.parent.relative_to(shared).parts for file in files]
    return tuple("".join(f"{escaped(name)}/" for name in names) for names in inner)
