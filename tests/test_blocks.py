"""Large files in blocks: whichever way the bytes go, the file holds them."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

import zoo.blocks
from tests.ways import InTurns, Past
from zoo.blocks import BLOCK, Behind, BlockFile, BlockReader, new_block

CONTENT = np.random.default_rng(0).bytes(12 * BLOCK + 77)
"""A little more than 12 blocks: each way is tried, one is chosen, and the last block is no whole one."""


ROOT = Path(__file__).parent.parent
SHARED = Path("/dev/shm")  # noqa: S108  (files in memory: some systems know no way past the cache there)


@pytest.fixture
def in_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every other block goes past the cache."""
    monkeypatch.setattr("zoo.blocks._ways", InTurns())


@pytest.fixture
def past(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every block goes past the cache."""
    monkeypatch.setattr("zoo.blocks._ways", Past())


@pytest.mark.usefixtures("in_turns")
@pytest.mark.parametrize("in_memory", [False, True])
def test_both_ways_write_the_same_bytes_and_read_them_back(in_memory: bool, tmp_path: Path) -> None:
    """On a disk as in memory, in pieces that begin and end anywhere."""
    path = (SHARED if in_memory and SHARED.is_dir() else tmp_path) / f"blocks-{os.getpid()}"
    try:
        with path.open("wb", buffering=0) as file, closing(BlockFile(file.fileno())) as blocks:
            _fill(blocks)

        assert path.read_bytes() == CONTENT
        with closing(BlockReader(path)) as reader:
            for at, size in [
                (0, 12 * BLOCK), (BLOCK - 5, BLOCK), (7 * BLOCK - 70_000, 140_000), (BLOCK + 5000, 50_000),
            ]:  # fmt: skip
                assert _read(reader, at, size) == CONTENT[at : at + size]
            assert not reader.read(BLOCK, 0)
            assert _read(reader, len(CONTENT) - 50, 1000) == CONTENT[-50:]
            assert not reader.read(len(CONTENT), 10)
    finally:
        path.unlink(missing_ok=True)


@pytest.mark.usefixtures("past")
def test_what_went_past_the_cache_is_read_past_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Reading it through the cache would take the new memory that writing it did without."""
    path = tmp_path / "weights"
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


@pytest.mark.usefixtures("past")
def test_a_file_that_others_cut_short_ends_there(tmp_path: Path) -> None:
    path = tmp_path / "weights"
    with path.open("wb", buffering=0) as file, closing(BlockFile(file.fileno())) as blocks:
        _fill(blocks)
    os.truncate(path, 2 * BLOCK + 10)

    with closing(BlockReader(path)) as reader:
        assert _read(reader, BLOCK, 4 * BLOCK) == CONTENT[BLOCK : 2 * BLOCK + 10]


@pytest.mark.usefixtures("past")
def test_what_others_wrote_over_a_file_is_what_is_read(tmp_path: Path) -> None:
    """They go through the cache; what is known of the file is old then, and costs time alone."""
    path = tmp_path / "weights"
    with path.open("wb", buffering=0) as file, closing(BlockFile(file.fileno())) as blocks:
        _fill(blocks)
    with path.open("r+b") as other:
        other.seek(BLOCK + 7)
        other.write(b"new" * 100_000)

    with closing(BlockReader(path)) as reader:
        assert _read(reader, BLOCK, 2 * BLOCK) == path.read_bytes()[BLOCK : 3 * BLOCK]


@pytest.mark.usefixtures("in_turns")
def test_a_reader_stays_with_its_file_when_another_takes_the_path(tmp_path: Path) -> None:
    path = tmp_path / "weights"
    with path.open("wb", buffering=0) as file, closing(BlockFile(file.fileno())) as blocks:
        _fill(blocks)

    with closing(BlockReader(path)) as reader:
        (tmp_path / "other").write_bytes(bytes(len(CONTENT)))
        (tmp_path / "other").replace(path)

        assert _read(reader, 0, 4 * BLOCK) == CONTENT[: 4 * BLOCK]


def test_forked_processes_do_not_share_what_they_read_into(tmp_path: Path) -> None:
    """Memory that a disk writes to stays shared over a fork; a process that was forked takes new one."""
    script = """
import os, sys
from contextlib import closing
from pathlib import Path
from zoo.blocks import BLOCK, BlockReader

paths = [Path(text) for text in sys.argv[1:]]
with closing(BlockReader(paths[0])) as reader:
    reader.read(0, BLOCK)
children = []
for path in paths:
    if not (child := os.fork()):
        good = True
        for _ in range(50):
            with closing(BlockReader(path)) as reader:
                good &= set(reader.read(0, BLOCK).tobytes()) == {int(path.name)}
        os._exit(0 if good else 1)
    children.append(child)
sys.exit(max(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children))
"""
    for number in (1, 2):
        (tmp_path / str(number)).write_bytes(bytes([number]) * BLOCK)

    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "1"), str(tmp_path / "2")], cwd=ROOT, check=False
    )

    assert done.returncode == 0


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


@pytest.mark.usefixtures("in_turns")
def test_many_files_are_written_at_once(tmp_path: Path) -> None:
    """They share what is known of the two ways."""

    def one(number: int) -> bool:
        path = tmp_path / str(number)
        for _ in range(5):
            with path.open("wb", buffering=0) as file, closing(BlockFile(file.fileno())) as blocks:
                _fill(blocks)
        with closing(BlockReader(path)) as reader:
            return _read(reader, 0, len(CONTENT)) == CONTENT

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(one, range(4)))
