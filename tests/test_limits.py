"""Rows of one machine share its disk, and its way to each server."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.clusters import ROOT
from zoo.errors import FetchError
from zoo.fetching.slots import turn
from zoo.unpacking.room import STEP, Room


def test_rows_wait_while_the_disk_is_full(tmp_path: Path) -> None:
    """Above the limit one row goes on and the next waits until there is room again."""
    went_on = threading.Event()

    def third() -> None:
        with Room(tmp_path, 3 * STEP) as room:
            room.take(2 * STEP)
            went_on.set()

    thread = threading.Thread(target=third)
    with Room(tmp_path, 3 * STEP) as first:
        first.take(2 * STEP)
        with Room(tmp_path, 3 * STEP) as second:
            second.take(2 * STEP)
            thread.start()
            assert not went_on.wait(0.3)
    thread.join(10)

    assert went_on.is_set()
    assert list(tmp_path.glob(".room/row.*")) == []


def test_a_row_larger_than_the_limit_goes_through_alone(tmp_path: Path) -> None:
    """The limit never stops everything."""
    with Room(tmp_path, STEP) as room:
        for _ in range(8):
            room.take(STEP)
        assert len(list(tmp_path.glob(".room/row.*"))) == 1
    assert list(tmp_path.glob(".room/row.*")) == []


def test_what_a_dead_process_had_counts_no_more(tmp_path: Path) -> None:
    """The kernel lets go of its lock, and the next row clears its note away."""
    code = (
        "import os, pathlib, sys; from zoo.unpacking.room import Room;"
        "Room(pathlib.Path(sys.argv[1]), 1 << 40).take(1 << 30); os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=False, cwd=ROOT)
    assert len(list(tmp_path.glob(".room/row.*"))) == 1

    with Room(tmp_path, 2 * STEP) as room:
        room.take(STEP)

        assert len(list(tmp_path.glob(".room/row.*"))) == 1
    assert not (tmp_path / ".room" / "over").exists(), "nobody was over the limit"


def test_small_rows_do_not_look_at_the_others(tmp_path: Path) -> None:
    """Ten thousand small rows cost no file each."""
    with Room(tmp_path, 1) as room:
        room.take(STEP - 1)

    assert list(tmp_path.iterdir()) == []


def test_no_more_than_the_allowed_downloads_go_to_one_host(tmp_path: Path) -> None:
    """Of six that want to, two download at a time."""
    lock, now, most = threading.Lock(), 0, 0

    def download(number: int) -> None:
        nonlocal now, most
        with turn(tmp_path, f"https://example.org/{number}", limit=2, deadline=time.monotonic() + 60):
            with lock:
                now += 1
                most = max(most, now)
            time.sleep(0.05)
            with lock:
                now -= 1

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(download, range(6)))

    assert most == 2


@pytest.mark.parametrize("url", ["https://example.com/a", "s3://example.org/a"], ids=["host", "protocol"])
def test_other_hosts_do_not_wait(url: str, tmp_path: Path) -> None:
    """A turn is one host's, and only web servers have them."""
    soon = time.monotonic() - 1
    with (
        turn(tmp_path, "https://example.org/a", limit=1, deadline=soon),
        turn(tmp_path, url, limit=1, deadline=soon),
        pytest.raises(FetchError),
        turn(tmp_path, "https://example.org/b", limit=1, deadline=soon),
    ):
        pass
