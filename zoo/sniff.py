"""What a file is, told from its first bytes: names lie."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal

HEAD = 4096
"""How many first bytes `identify` wants to see; it copes with fewer."""

Kind = Literal[
    "empty", "gzip", "bzip2", "xz", "lzma", "zstd", "lz4", "compress", "zip", "tar", "7z", "rar", "cab",
    "cpio", "ar", "html", "xml", "json", "lfs_pointer", "hdf5", "tflite", "pickle", "numpy", "elf",
    "windows_program",
    "mach_o", "png", "jpeg", "gif", "pdf", "sqlite", "java_class", "text", "binary",
]  # fmt: skip

WORDS: Mapping[Kind, str] = {
    "empty": "an empty file",
    "gzip": "gzip data",
    "bzip2": "bzip2 data",
    "xz": "xz data",
    "lzma": "LZMA data",
    "zstd": "Zstandard data",
    "lz4": "LZ4 data",
    "compress": "compress (.Z) data",
    "zip": "a zip archive",
    "tar": "a tar archive",
    "7z": "a 7z archive",
    "rar": "a RAR archive",
    "cab": "a Windows cabinet archive",
    "cpio": "a cpio archive",
    "ar": "an ar archive (a Debian package or a static library)",
    "html": "an HTML page",
    "xml": "an XML document",
    "json": "a JSON document",
    "lfs_pointer": "a Git LFS pointer, not the file it stands for",
    "hdf5": "an HDF5 file",
    "tflite": "a TensorFlow Lite model",
    "pickle": "a Python pickle (PyTorch and scikit-learn models are such files)",
    "numpy": "a NumPy array",
    "elf": "a Linux program or library",
    "windows_program": "a Windows program or library",
    "mach_o": "a macOS program or library",
    "png": "a PNG image",
    "jpeg": "a JPEG image",
    "gif": "a GIF image",
    "pdf": "a PDF document",
    "sqlite": "an SQLite database",
    "java_class": "a Java class",
    "text": "text",
    "binary": "data of no kind known here",
}
"""Each kind as it reads in a sentence: "… is a zip archive"."""

COMPRESSED: frozenset[Kind] = frozenset(["gzip", "bzip2", "xz", "lzma", "zstd"])
"""Kinds that `zoo.unpack` inflates."""
ARCHIVES: frozenset[Kind] = frozenset([*COMPRESSED, "zip", "tar"])
"""Kinds that `zoo.unpack` unpacks."""
FOREIGN_ARCHIVES: frozenset[Kind] = frozenset(["7z", "rar", "cab", "cpio", "ar", "lz4", "compress"])
"""Kinds that hold other files and that `zoo.unpack` can only name."""

# Offset, bytes, kind.  Four bytes or more wherever the format has them: tensors are any bytes.
_MAGIC: tuple[tuple[int, bytes, Kind], ...] = (
    (0, b"BZh", "bzip2"),
    (0, b"\xfd7zXZ\x00", "xz"),
    (0, b"\x28\xb5\x2f\xfd", "zstd"),
    (0, b"\x04\x22\x4d\x18", "lz4"),
    (0, b"PK\x03\x04", "zip"),
    (0, b"PK\x05\x06", "zip"),
    (0, b"7z\xbc\xaf\x27\x1c", "7z"),
    (0, b"Rar!\x1a\x07", "rar"),
    (0, b"MSCF\x00\x00\x00\x00", "cab"),
    (0, b"070701", "cpio"),
    (0, b"070707", "cpio"),
    (0, b"!<arch>\n", "ar"),
    (0, b"\x89HDF\r\n\x1a\n", "hdf5"),
    (4, b"TFL3", "tflite"),
    (0, b"\x93NUMPY", "numpy"),
    (0, b"\x7fELF", "elf"),
    (0, b"\xcf\xfa\xed\xfe", "mach_o"),
    (0, b"\xfe\xed\xfa\xcf", "mach_o"),
    (0, b"\xca\xfe\xba\xbe", "java_class"),
    (0, b"\x89PNG\r\n\x1a\n", "png"),
    (0, b"\xff\xd8\xff", "jpeg"),
    (0, b"GIF87a", "gif"),
    (0, b"GIF89a", "gif"),
    (0, b"%PDF-", "pdf"),
    (0, b"SQLite format 3\x00", "sqlite"),
)

_BZIP2_BLOCK = (b"1AY&SY", b"\x17rE8P\x90")  # pi for a block, its square root for an empty stream
_HTML = re.compile(
    rb"(?:\s|<!--.*?-->|<\?xml[^>]*\?>)*<(?:!doctype\s+html|html|head|body|title|meta|script|h1|center)[\s>]",
    re.IGNORECASE | re.DOTALL,
)
_XML = re.compile(rb"\s*<\?xml[\s?]|\s*<[A-Za-z][A-Za-z0-9:_.-]*(?:\s[^<>]*)?/?>", re.DOTALL)
_LFS = re.compile(rb"version https://(?:git-lfs\.github\.com|hawser\.github\.com)/spec/v\d")
_LFS_SIZE = re.compile(rb"^oid sha256:([0-9a-f]{64})$.*?^size (\d{1,18})$", re.MULTILINE | re.DOTALL)
_PICKLE = re.compile(rb"\x80[\x02-\x05](?:\x95.{6}\x00\x00|[\x8a\x8c\}\]\(c])", re.DOTALL)


def identify(head: bytes) -> Kind:
    """The kind of a file that begins with ``head`` (all of it when shorter than `HEAD` bytes)."""
    if not head:
        return "empty"
    if is_gzip(head):
        return "gzip"
    for offset, magic, kind in _MAGIC:
        if head.startswith(magic, offset) and (kind != "bzip2" or head[4:10] in _BZIP2_BLOCK):
            return kind
    if is_tar(head):
        return "tar"
    if head.startswith(b"\x1f\x9d"):
        return "compress"
    if head.startswith(b"MZ") and b"This program" in head:
        return "windows_program"
    if head.startswith(b"\x5d\x00\x00") and head[5:13] == b"\xff" * 8:
        return "lzma"
    if _PICKLE.match(head):
        return "pickle"
    return _text_kind(head)


def is_gzip(head: bytes) -> bool:
    """Whether ``head`` begins a gzip stream: magic, method deflate, no reserved flag (RFC 1952)."""
    return head.startswith(b"\x1f\x8b\x08") and (len(head) < 4 or head[3] & 0xE0 == 0)


def is_tar(head: bytes) -> bool:
    """Whether ``head`` begins with a tar header block whose checksum is right.

    Old archives have no magic, and a checksum alone is no accident: it is the sum of 512 bytes.
    """
    block = head[:512]
    if len(block) < 512 or not block[0]:
        return False
    stored = block[148:156].strip(b" \x00")
    if not re.fullmatch(rb"[0-7]{1,7}", stored):
        return False
    unsigned = sum(block) - sum(block[148:156]) + 8 * 32
    signed = unsigned - 256 * sum(1 for byte in (*block[:148], *block[156:]) if byte > 127)
    return int(stored, 8) in (unsigned, signed)


def is_keras_zip(names: list[str]) -> bool:
    """Whether a zip with these members is a ``.keras`` file: a model of its own, not an archive."""
    return {"config.json", "metadata.json"} <= set(names) and any(
        name.startswith("model.weights") for name in names
    )


def lfs_size(head: bytes) -> int | None:
    """The size in bytes that a Git LFS pointer states, None when it states none."""
    found = _LFS_SIZE.search(head)
    return int(found.group(2)) if found else None


def describe(head: bytes) -> str:
    """The kind of ``head`` as it reads in a sentence; text is quoted by its first line."""
    kind = identify(head)
    if kind in ("text", "json", "xml"):
        lines = head.decode("utf-8", "replace").strip().splitlines()
        line = lines[0].strip() if lines else ""
        return f"{WORDS[kind]} that begins {line[:60]!r}"
    return WORDS[kind]


def _text_kind(head: bytes) -> Kind:
    text = head.removeprefix(b"\xef\xbb\xbf")
    if _LFS.match(text):
        return "lfs_pointer"
    try:
        text.decode("utf-8")
    except UnicodeDecodeError as error:
        # The head may end in the middle of a character; pages may be in an old encoding.
        if error.start < len(text) - 3 and not _HTML.match(text):
            return "binary"
    if b"\x00" in text:
        return "binary"
    if _HTML.match(text):
        return "html"
    if _XML.match(text):
        return "xml"
    start = text.lstrip()[:1]
    if start in (b"{", b"[") and re.match(rb'\s*(?:\{\s*["}]|\[\s*[\[{"\d\]-])', text):
        return "json"
    # A binary protobuf of short ASCII strings looks like text but for its tags.
    if re.search(rb"[\x01-\x08\x0e-\x1a\x1c-\x1f\x7f]", text):
        return "binary"
    return "text"
