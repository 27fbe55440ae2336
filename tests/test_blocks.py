"""Large files in blocks: whichever way the bytes go, the file holds them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

import zoo.blocks
from zoo.blocks import BLOCK, Behind, BlockFile, BlockReader, _Ways, new_block

CONTENT = np.random.default_rng(0).bytes(12 * BLOCK + 77)
"""A little more than 12 blocks: each way is tried, one is chosen, and the last block is no whole one."""


SHARED = Path("/dev/shm")  # noqa: S108  (files in memory: some systems know no way past the cache there)


@pytest.mark.parametrize("in_memory", [False, True])
def test_both_ways_write_the_same_bytes_and_read_them_back(in_memory: bool, tmp_path: Path) -> None:
    """On a disk as in memory, in pieces that begin and end anywhere."""
    path = (SHARED if in_memory and SHARED.is_dir() else tmp_path) / f"blocks-{os.getpid()}"
    try:
        with path.open("wb", buffering=0) as file, closing(BlockFile(file.fileno())) as blocks:
            _fill(blocks)

        assert path.read_bytes() == CONTENT
        with closing(BlockReader(path)) as reader:
            for at, size in [(0, BLOCK), (BLOCK - 5, BLOCK), (7 * BLOCK - 70_000, 140_000), (5000, 50_000)]:
                assert _read(reader, at, size) == CONTENT[at : at + size]
            assert _read(reader, len(CONTENT) - 50, 1000) == CONTENT[-50:]
            assert not reader.read(len(CONTENT), 10)
    finally:
        path.unlink(missing_ok=True)


def test_what_went_past_the_cache_is_read_past_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Reading it through the cache would take the new memory that writing it did without."""
    path = tmp_path / "weights"
    monkeypatch.setattr("zoo.blocks._ways", _Past())
    with path.open("wb", buffering=0) as file, closing(BlockFile(file.fileno())) as blocks:
        _fill(blocks)
    if not any(_ways_of(path)):
        pytest.skip("this file system has no way past the cache")
    opened: list[int] = []
    open_file = os.open

    def watched(target: Path, flags: int) -> int:
        opened.append(flags)
        return open_file(target, flags)

    monkeypatch.setattr("os.open", watched)

    with closing(BlockReader(path)) as reader:
        found = _read(reader, 100, 3 * BLOCK)

    assert found == CONTENT[100 : 100 + 3 * BLOCK]
    assert [bool(flags & os.O_DIRECT) for flags in opened] == [False, True]


def test_a_file_that_others_cut_short_ends_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "weights"
    monkeypatch.setattr("zoo.blocks._ways", _Past())
    with path.open("wb", buffering=0) as file, closing(BlockFile(file.fileno())) as blocks:
        _fill(blocks)
    os.truncate(path, 2 * BLOCK + 10)

    with closing(BlockReader(path)) as reader:
        assert _read(reader, BLOCK, 4 * BLOCK) == CONTENT[BLOCK : 2 * BLOCK + 10]


class _Past(_Ways):
    """Has everything go past the cache."""

    def choose(self, waiting: float, price: float) -> bool:
        return True


def _ways_of(path: Path) -> Sequence[bool]:
    with path.open("rb") as file:
        return zoo.blocks._ways.of(file.fileno())


def _fill(blocks: BlockFile) -> None:
    block = new_block()
    for start in range(0, len(CONTENT), BLOCK):
        count = min(BLOCK, len(CONTENT) - start)
        block[:count] = CONTENT[start : start + count]
        blocks.write(block[:count], start)


def _read(reader: BlockReader, at: int, size: int) -> bytes:
    parts = []
    while size and (part := bytes(reader.read(at, size))):
        parts.append(part)
        at, size = at + len(part), size - len(part)
    return b"".join(parts)


def test_bytes_that_begin_inside_a_block_are_written_where_they_belong(tmp_path: Path) -> None:
    """A download that is carried on begins anywhere."""
    path, block = tmp_path / "part", new_block()
    path.write_bytes(CONTENT[:1000])
    with path.open("r+b", buffering=0) as file:
        blocks = BlockFile(file.fileno())
        for start in (1000, 1000 + BLOCK):
            block[:] = CONTENT[start : start + BLOCK]
            blocks.write(block, start)

    assert path.read_bytes() == CONTENT[: 1000 + 2 * BLOCK]


def test_pieces_of_any_size_become_the_file() -> None:
    """All of them are written at the end of the block, each where it belongs."""
    written = bytearray(len(CONTENT))

    def put(block: memoryview, offset: int) -> None:
        written[offset : offset + len(block)] = block

    with Behind(put) as behind:
        for start in range(0, len(CONTENT), 700_001):
            behind.write(CONTENT[start : start + 700_001])

    assert written == CONTENT


@pytest.mark.parametrize("content", [CONTENT, b"short"])
def test_a_disk_that_is_full_stops_the_one_who_makes_the_bytes(content: bytes) -> None:
    """Its error comes out of the block, whether it is seen early or at the end."""

    def fill() -> None:
        with Path("/dev/full").open("wb", buffering=0) as file:
            blocks = BlockFile(file.fileno())
            with Behind(blocks.write) as behind:
                behind.write(content)
                behind.write(content)

    with pytest.raises(OSError, match="No space left"):
        fill()


def test_a_mistake_in_the_other_thread_stops_the_one_who_makes_the_bytes_too() -> None:
    """Whatever went wrong there, nobody waits for a block that never comes back."""

    def put(block: memoryview, offset: int) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), Behind(put) as behind:
        behind.write(bytes(20 * BLOCK))


def test_many_files_are_written_at_once(tmp_path: Path) -> None:
    """They share what is known of the two ways."""

    def one(number: int) -> bool:
        path = tmp_path / str(number)
        for _ in range(5):
            with path.open("wb", buffering=0) as file, closing(BlockFile(file.fileno())) as blocks:
                _fill(blocks)
        return path.read_bytes() == CONTENT

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(one, range(4)))
