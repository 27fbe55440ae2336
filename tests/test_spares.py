"""Unpacked files serve the next rows: their content never does, and no file of others is taken."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.archives import contents, fetched, random_numbers, tar, zip_of
from zoo.errors import UnpackError
from zoo.unpack import Limits, unpack
from zoo.unpacking.spares import LARGE, Spares

OLD = random_numbers(1).randbytes(100_000)
NEW = random_numbers(2).randbytes(70_007)
HUGE = random_numbers(3).randbytes(LARGE)


@pytest.fixture
def spares(tmp_path: Path) -> Spares:
    """The spare files after a row with two small files and a large one has ended."""
    found = Spares(tmp_path / "spares")
    (tmp_path / "first").mkdir()
    (tmp_path / "first" / "small").write_bytes(b"an older and longer text")
    (tmp_path / "first" / "weights").write_bytes(OLD)
    (tmp_path / "first" / "huge").write_bytes(HUGE)
    found.gather(tmp_path / "first")
    return found


def spare_files(folder: Path) -> set[int]:
    """Their inodes."""
    return {path.stat().st_ino for path in (folder / "spares").iterdir()}


FILES = {"a/weights": NEW, "a/small": b"y"}


@pytest.mark.parametrize("packed", [tar(FILES), zip_of(FILES.items())], ids=["tar", "zip"])
def test_a_file_is_written_over_an_old_one_and_cut(packed: bytes, spares: Spares, tmp_path: Path) -> None:
    before = spare_files(tmp_path)
    (tmp_path / "m").write_bytes(packed)

    found = unpack([fetched(tmp_path / "m")], tmp_path / "out", limits=Limits(spares=spares))

    assert contents(found.root) == FILES
    assert {(found.root / name).stat().st_ino for name in FILES} == before
    assert not spare_files(tmp_path)


def test_large_files_are_neither_kept_nor_made_of_old_ones(spares: Spares, tmp_path: Path) -> None:
    """They would hold the disk's room, and are written another way."""
    assert len(spare_files(tmp_path)) == 2
    (tmp_path / "m").write_bytes(tar({"weights": HUGE}))

    found = unpack([fetched(tmp_path / "m")], tmp_path / "out", limits=Limits(spares=spares))

    assert contents(found.root) == {"weights": HUGE}
    assert len(spare_files(tmp_path)) == 2


def test_a_file_that_ends_early_shows_nothing_of_the_old_one(spares: Spares, tmp_path: Path) -> None:
    whole = tar({"weights": NEW})
    (tmp_path / "m").write_bytes(whole[: len(NEW) // 2])

    with pytest.raises(UnpackError, match="early"):
        unpack([fetched(tmp_path / "m")], tmp_path / "out", limits=Limits(spares=spares))

    assert not (tmp_path / "out").exists()


def test_a_file_with_another_name_is_left_alone(tmp_path: Path) -> None:
    """A local source is linked to and not copied: it is its owner's."""
    own = tmp_path / "own.ckpt"
    own.write_bytes(OLD)
    found = unpack([fetched(own)], tmp_path / "out", limits=Limits())
    assert (found.root / "own.ckpt").stat().st_ino == own.stat().st_ino
    spares = Spares(tmp_path / "spares")

    spares.gather(found.root)

    assert spares.take(tmp_path / "target", len(OLD)) is None
    assert own.read_bytes() == OLD


def test_nothing_is_taken_where_a_file_stands_already(spares: Spares, tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.write_bytes(b"stands")

    assert spares.take(target, len(NEW)) is None
    assert target.read_bytes() == b"stands"


def test_spare_files_that_were_swept_away_are_not_missed(spares: Spares, tmp_path: Path) -> None:
    for path in (tmp_path / "spares").iterdir():
        path.unlink()
    (tmp_path / "m").write_bytes(tar({"weights": NEW}))

    found = unpack([fetched(tmp_path / "m")], tmp_path / "out", limits=Limits(spares=spares))

    assert contents(found.root) == {"weights": NEW}


def test_no_more_small_files_are_kept_than_a_row_or_two_need(tmp_path: Path) -> None:
    many = tmp_path / "many"
    many.mkdir()
    for i in range(1_000):
        (many / str(i)).touch()
    spares = Spares(tmp_path / "spares")

    spares.gather(many)
    spares.gather(many)

    assert 0 < len(spare_files(tmp_path)) < 100
