"""Unpacked files serve the next rows: their content never does, and no file of others is taken."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.archives import contents, fetched, random_numbers, tar, zip_of
from zoo.errors import UnpackError
from zoo.unpack import Limits, unpack
from zoo.unpacking.spares import LARGE, Spares

OLD = random_numbers(1).randbytes(LARGE + 100_000)
NEW = random_numbers(2).randbytes(LARGE + 7)


@pytest.fixture
def spares(tmp_path: Path) -> Spares:
    """The spare files after a row with a large and a small file has ended."""
    found = Spares(tmp_path / "spares")
    (tmp_path / "first").mkdir()
    (tmp_path / "first" / "small").write_bytes(b"an older and longer text")
    (tmp_path / "first" / "weights").write_bytes(OLD)
    found.gather(tmp_path / "first")
    return found


def spare_files(folder: Path) -> list[int]:
    """Their inodes, that of the largest first."""
    found = [path.stat() for path in (folder / "spares").iterdir()]
    return [status.st_ino for status in sorted(found, key=lambda status: -status.st_size)]


FILES = {"a/weights": NEW, "a/small": b"y"}


@pytest.mark.parametrize("packed", [tar(FILES), zip_of(FILES.items())], ids=["tar", "zip"])
def test_a_file_is_written_over_an_old_one_and_cut(packed: bytes, spares: Spares, tmp_path: Path) -> None:
    large, small = spare_files(tmp_path)
    (tmp_path / "m").write_bytes(packed)

    found = unpack([fetched(tmp_path / "m")], tmp_path / "out", limits=Limits(spares=spares))

    assert contents(found.root) == FILES
    assert (found.root / "a/weights").stat().st_ino == large
    assert (found.root / "a/small").stat().st_ino == small
    assert spare_files(tmp_path) == []


def test_a_larger_file_grows_out_of_a_spare_one(spares: Spares, tmp_path: Path) -> None:
    large = random_numbers(3).randbytes(2 * LARGE)
    (tmp_path / "m").write_bytes(tar({"weights": large, "other": NEW}))

    found = unpack([fetched(tmp_path / "m")], tmp_path / "out", limits=Limits(spares=spares))

    assert contents(found.root) == {"weights": large, "other": NEW}


def test_the_smallest_that_is_large_enough_is_taken(spares: Spares, tmp_path: Path) -> None:
    (tmp_path / "second").mkdir()
    (tmp_path / "second" / "weights").write_bytes(OLD * 2)
    spares.gather(tmp_path / "second")
    sizes = sorted(path.stat().st_size for path in (tmp_path / "spares").iterdir())[-2:]

    handle = spares.take(tmp_path / "target", LARGE)

    assert handle is not None
    os.close(handle)
    assert sizes == [len(OLD), 2 * len(OLD)]
    assert (tmp_path / "target").stat().st_size == len(OLD)


def test_a_file_that_ends_early_shows_nothing_of_the_old_one(spares: Spares, tmp_path: Path) -> None:
    whole = tar({"weights": NEW})
    (tmp_path / "m").write_bytes(whole[: LARGE // 2])

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

    assert spares.take(target, LARGE) is None
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
