"""Tables and snappy: cut, flipped and written by hand."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.models_readers import Built, built, number, table
from zoo.errors import ReadError
from zoo.readers.crc import combine, crc32c, mask, unmask
from zoo.readers.snappy import decompress
from zoo.readers.table import Table

__all__ = ["built"]


def entries(path: Path) -> list[tuple[bytes, bytes]]:
    with path.open("rb", buffering=0) as stream:
        return list(Table(path, stream).entries())


def literal(data: bytes) -> bytes:
    """A snappy stream that holds ``data`` as it is."""
    out = bytearray(number(len(data)))
    for at in range(0, len(data), 60):
        part = data[at : at + 60]
        out += bytes([(len(part) - 1) << 2]) + part
    return bytes(out)


@pytest.mark.parametrize("pack", [None, literal], ids=["plain", "snappy"])
def test_entries_are_read_back_across_blocks(tmp_path: Path, pack: Callable[[bytes], bytes] | None) -> None:
    """Keys with shared prefixes and values of any length come back from several blocks."""
    rows = [(b"", b"header"), (b"scope/a", b"x" * 300), (b"scope/ab", b""), (b"scope/b", b"y")]
    path = tmp_path / "t"
    path.write_bytes(table([rows[:2], rows[2:]], pack=pack))

    assert entries(path) == rows


def test_places_point_at_the_values_in_the_file(tmp_path: Path) -> None:
    """The place of a value is its offset in the file, for values larger than what is read at once."""
    rows = [(b"a", b"1" * 100_000), (b"b", b"22"), (b"bc", b"3" * 70_000)]
    path = tmp_path / "t"
    path.write_bytes(table([rows]))
    content = path.read_bytes()

    with path.open("rb", buffering=0) as stream:
        found = Table(path, stream)
        [only] = found.blocks
        got = [(key, content[at : at + length]) for key, at, length in found.places(only)]

    assert got == rows


@pytest.mark.parametrize("keep", [0, 8, 47, -1], ids=["empty", "header", "below-footer", "one-byte-short"])
def test_a_table_that_was_cut_is_named(built: Built, tmp_path: Path, keep: int) -> None:
    """A truncated index is a ReadError that names the file and what it should end in."""
    path = tmp_path / "model.ckpt.index"
    path.write_bytes((built.training / "model.ckpt-9.index").read_bytes()[:keep])

    with pytest.raises(ReadError, match=r"model\.ckpt\.index: expected a table that ends in 57 fb 80 8b"):
        entries(path)


def test_a_flipped_byte_in_a_block_is_found_by_its_checksum(built: Built, tmp_path: Path) -> None:
    """A block whose bytes changed is refused with both checksums."""
    data = bytearray((built.training / "model.ckpt-9.index").read_bytes())
    data[30] ^= 1
    path = tmp_path / "x.index"
    path.write_bytes(data)

    with pytest.raises(ReadError, match=r"x\.index: block at 0: expected crc32c 0x"):
        entries(path)


def test_blocks_that_overlap_are_refused(tmp_path: Path) -> None:
    """An index that names one block again and again cannot make a small file stand for a large one."""
    from tests.models_readers import block

    content = block([(b"k", b"v")])
    trailer = b"\0" + mask(crc32c(content + b"\0")).to_bytes(4, "little")
    handle = number(0) + number(len(content))
    index = block([(b"k", handle), (b"l", handle)])
    start = len(content) + 5
    data = content + trailer + index + b"\0" + mask(crc32c(index + b"\0")).to_bytes(4, "little")
    footer = (handle + number(start) + number(len(index))).ljust(40, b"\0") + bytes.fromhex(
        "57fb808b247547db"
    )
    path = tmp_path / "t"
    path.write_bytes(data + footer)

    with pytest.raises(ReadError, match="blocks overlap"):
        entries(path)


def test_snappy_copies_repeat_what_they_write() -> None:
    """A copy that is longer than its distance repeats, as run-length encoding does."""
    stream = number(12) + bytes([(2 << 2) | 0]) + b"abc" + bytes([(9 - 4) << 2 | 1, 3])

    assert decompress(stream, limit=100) == b"abc" * 4


@pytest.mark.parametrize(
    ("stream", "why"),
    [
        (b"", "expected its length"),
        (number(1 << 31), "when decoded, expected at most"),
        (number(5) + b"\x10abc", "literal reaches beyond"),
        (number(5) + b"\x05\x01", "copy reaches beyond"),
        (number(5) + b"\x00a", "expected 5 bytes, decoded 1"),
        (number(8) + b"\x00a\x05", "copy reaches beyond"),
    ],
    ids=["empty", "huge", "short-literal", "copy-from-nothing", "too-few", "cut-copy"],
)
def test_a_damaged_snappy_stream_is_refused(stream: bytes, why: str) -> None:
    """Every way a stream can contradict itself is a ReadError, before anything large is allocated."""
    with pytest.raises(ReadError, match=why):
        decompress(stream, limit=1 << 20)


@given(st.binary(max_size=200))
def test_snappy_never_raises_anything_else(stream: bytes) -> None:
    """Any bytes decode or are refused."""
    with suppress(ReadError):
        assert len(decompress(stream, limit=1000)) <= 1000


@given(st.binary(max_size=300), st.binary(max_size=300))
def test_checksums_combine(first: bytes, second: bytes) -> None:
    """The checksum of two pieces follows from theirs, and masking can be undone."""
    assert combine(crc32c(first), crc32c(second), len(second)) == crc32c(first + second)
    assert unmask(mask(crc32c(first))) == crc32c(first)
