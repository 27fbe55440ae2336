"""Telling files by their first bytes."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import pickle
import tarfile
import zipfile
from typing import get_args

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from zoo.sniff import (
    ARCHIVES,
    COMPRESSED,
    FOREIGN_ARCHIVES,
    HEAD,
    WORDS,
    Kind,
    describe,
    identify,
    is_gzip,
    lfs_size,
)


def tar() -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("a"))
    return out.getvalue()


def v7_tar() -> bytes:
    """A header without any magic, as tar wrote it before 1988."""
    block = bytearray(tarfile.TarInfo("a").tobuf(tarfile.GNU_FORMAT))
    block[257:] = bytes(len(block) - 257)
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\x00 " % sum(block)
    return bytes(block)


def archive_of_one() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("a", b"")
    return out.getvalue()


LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 123\n"

HEADS: dict[str, tuple[bytes, Kind]] = {
    "nothing": (b"", "empty"),
    "gzip": (gzip.compress(b"x"), "gzip"),
    "bzip2": (bz2.compress(b"x"), "bzip2"),
    "bzip2 of nothing": (bz2.compress(b""), "bzip2"),
    "text that begins BZh": (b"BZh is how bzip2 begins", "text"),
    "xz": (lzma.compress(b"x"), "xz"),
    "lzma": (lzma.compress(b"x", format=lzma.FORMAT_ALONE), "lzma"),
    "zstd": (zstandard.compress(b"x"), "zstd"),
    "zip": (archive_of_one(), "zip"),
    "zip of nothing": (b"PK\x05\x06" + bytes(18), "zip"),
    "tar": (tar(), "tar"),
    "tar without magic": (v7_tar(), "tar"),
    "tar whose checksum is wrong": (tar()[:148] + b"000001\x00 " + tar()[156:], "binary"),
    "zeros": (bytes(1024), "binary"),
    "7z": (b"7z\xbc\xaf\x27\x1c\x00\x04", "7z"),
    "rar": (b"Rar!\x1a\x07\x01\x00", "rar"),
    "html": (b"<!DOCTYPE html><html>", "html"),
    "html in capitals": (b"<HTML><HEAD>", "html"),
    "html after blanks, a comment and a BOM": (b"\xef\xbb\xbf\n <!-- x --> <html lang='en'>", "html"),
    "html as XML": (b"<?xml version='1.0'?>\n<!DOCTYPE html PUBLIC '-//W3C//'>", "html"),
    "html in Latin-1": (b"<html><title>Zug\xe4nge " + b"x" * 50, "html"),
    "xml": (b"<?xml version='1.0'?><net name='x'/>", "xml"),
    "json": (b'{"class_name": "Functional"}', "json"),
    "json list": (b' [\n {"a": 1}]', "json"),
    "text GraphDef": (b'node {\n  name: "x"\n  op: "Placeholder"\n}\n', "text"),
    "text that mentions html": (b"# <html> is not here\n", "text"),
    "text in UTF-8, cut": ("模型".encode()[:-1], "text"),
    "text in Latin-1": (b"mod\xe8le de r\xe9seau", "binary"),
    "Git LFS pointer": (LFS, "lfs_pointer"),
    "hdf5": (b"\x89HDF\r\n\x1a\n\x00", "hdf5"),
    "tflite": (b"\x1c\x00\x00\x00TFL3\x14\x00", "tflite"),
    "GraphDef": (b"\n\x1a\n\x05input\x12\x0bPlaceholder*\x0b\n\x05dtype", "binary"),
    "pickle": (pickle.dumps({"a": 1}, 2), "pickle"),
    "framed pickle": (pickle.dumps({"a": 1}, 5), "pickle"),
    "numpy": (b"\x93NUMPY\x01\x00", "numpy"),
    "png": (b"\x89PNG\r\n\x1a\n", "png"),
    "pdf": (b"%PDF-1.5", "pdf"),
    "elf": (b"\x7fELF\x02", "elf"),
}


@pytest.mark.parametrize(("head", "kind"), HEADS.values(), ids=HEADS.keys())
def test_files_are_told_by_their_first_bytes(head: bytes, kind: Kind) -> None:
    """Each kind is known by what its format says it begins with."""
    assert identify(head) == kind


def test_every_kind_has_words() -> None:
    """Each kind can be named in a sentence, and is unpacked, named as foreign, or a file."""
    assert set(WORDS) == set(get_args(Kind))
    assert COMPRESSED < ARCHIVES
    assert not ARCHIVES & FOREIGN_ARCHIVES


def test_descriptions_quote_text() -> None:
    """Text is described by its first line, all else by its kind."""
    assert describe(b"\n\nnode {\n}") == "text that begins 'node {'"
    assert describe(gzip.compress(b"")) == "gzip data"
    assert describe(b"") == "an empty file"


def test_a_pointer_states_a_size() -> None:
    """The size in a Git LFS pointer is read, where there is one."""
    assert lfs_size(LFS) == 123
    assert lfs_size(LFS[:60]) is None


def test_gzip_flags_that_no_one_uses_are_no_gzip() -> None:
    """Tensors may begin with the two bytes of gzip's magic."""
    assert not is_gzip(b"\x1f\x8b\x00\x00")
    assert not is_gzip(b"\x1f\x8b\x08\xff")


@given(
    st.binary(max_size=600)
    | st.builds(bytes.__add__, st.sampled_from([h for h, _ in HEADS.values()]), st.binary())
)
def test_any_bytes_have_a_kind(head: bytes) -> None:
    """No bytes bring the sniffer down, and all can be described."""
    assert identify(head[:HEAD]) in WORDS
    assert describe(head[:HEAD])
