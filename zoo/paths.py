"""Names from strangers as paths that are safe to write: the one place that decides what is safe."""

from __future__ import annotations

import re
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
