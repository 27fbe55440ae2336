"""Two rows are under way in a process: one comes over the network while the other is worked on."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from jobs import rows
from jobs.settings import Settings
from jobs.turns import Turn, turn
from tests.clusters import wait_until
from zoo.manifest import read_manifest

LONG = 60.0
ASIDE = ("fetch", "check")


def never() -> None:
    raise AssertionError("went off")


class Other:
    """A row in a thread of its own, which goes on when it is told to."""

    def __init__(self, *stages: str, seconds: float = LONG, overdue: Callable[[], object] = never) -> None:
        self.reached: list[str] = []
        self.turn: Turn | None = None
        self._go, self._there = threading.Semaphore(0), threading.Semaphore(0)
        self._thread = threading.Thread(target=self._run, args=(stages, seconds, overdue), daemon=True)
        self._thread.start()

    def _run(self, stages: tuple[str, ...], seconds: float, overdue: Callable[[], object]) -> None:
        with turn(seconds, overdue, aside=ASIDE) as self.turn:
            for stage in stages:
                self._go.acquire()
                self.turn.at(stage)
                self.reached.append(stage)
                self._there.release()
            self._go.acquire()

    def goes_on(self, *, waits: bool = False) -> None:
        """Let it go to its next stage, and wait until it is there, or see that it does not come there."""
        self._go.release()
        assert self._there.acquire(timeout=0.2 if waits else LONG) is not waits

    def comes(self) -> None:
        """Wait until it is at the stage that it waited for."""
        assert self._there.acquire(timeout=LONG)

    def ends(self) -> None:
        """Let it go to its end."""
        self._go.release()
        self._thread.join(LONG)
        assert not self._thread.is_alive()


def test_a_row_comes_while_another_is_worked_on_and_waits_for_its_end() -> None:
    first, second = Other("fetch", "read", "freeze"), Other("fetch", "read")

    first.goes_on()
    second.goes_on()  # a slow one keeps nobody from coming
    first.goes_on()
    second.goes_on(waits=True)
    first.goes_on()
    assert (first.reached, second.reached) == (["fetch", "read", "freeze"], ["fetch"])
    first.ends()
    second.comes()
    second.ends()


def test_a_row_is_worked_on_while_the_graph_of_another_runs() -> None:
    first, second = Other("fetch", "freeze", "check", "summary"), Other("fetch", "read")
    first.goes_on()
    second.goes_on()
    first.goes_on()

    first.goes_on()
    second.goes_on()
    first.goes_on(waits=True)

    assert (first.reached, second.reached) == (["fetch", "freeze", "check"], ["fetch", "read"])
    second.ends()
    first.comes()
    first.ends()


def test_no_third_row_begins() -> None:
    others = [Other() for _ in range(3)]
    wait_until(lambda: sum(one.turn is not None for one in others) == 2)
    threading.Event().wait(0.1)
    [third] = [one for one in others if one.turn is None]
    assert third.reached == []

    next(one for one in others if one is not third).ends()

    wait_until(lambda: third.turn is not None)
    for one in others:
        one.ends()


def test_waiting_for_another_row_is_no_part_of_the_time_limit() -> None:
    first, second = Other("fetch", "read"), Other("fetch", "read", seconds=0.3)
    first.goes_on()
    first.goes_on()
    second.goes_on()

    second.goes_on(waits=True)
    threading.Event().wait(0.4)  # longer than it may take itself
    first.ends()
    second.comes()

    second.ends()
    assert second.turn is not None
    assert second.turn.waited > 0.4


def test_a_row_that_takes_too_long_is_overdue() -> None:
    overdue = threading.Event()
    row = Other("fetch", seconds=0.01, overdue=overdue.set)

    row.goes_on()

    assert overdue.wait(LONG)
    row.ends()


def test_rows_know_whether_they_had_company() -> None:
    with turn(LONG, never, aside=ASIDE) as alone:
        assert not alone.company
    with turn(LONG, never, aside=ASIDE) as first, turn(LONG, never, aside=ASIDE) as second:
        assert first.company
        assert second.company


@pytest.fixture
def starved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], Path]:
    """Works on a row for which memory is short; returns where its outcome would be."""
    (tmp_path / "m").write_bytes(b"x")
    (tmp_path / "manifest.csv").write_text("name,url\ngreedy,m\n")
    [row] = read_manifest(tmp_path / "manifest.csv")
    settings = Settings(
        output=str(tmp_path / "zoo"), cache=str(tmp_path / "cache"), work=str(tmp_path / "work"), run=False
    )

    def short(*_: object, **__: object) -> None:
        raise MemoryError

    def work() -> Path:
        monkeypatch.setattr("zoo.pipeline.fetch_into", short)
        rows.one(row, settings, tell=lambda slug, stage, moved: None)
        return settings.folder(row)

    return work


def test_a_row_without_company_is_told_that_memory_was_short(starved: Callable[[], Path]) -> None:
    assert "needs more memory" in (starved() / "model.json").read_text()


def test_a_row_with_company_is_not_blamed_for_memory_that_was_short(
    starved: Callable[[], Path], tmp_path: Path
) -> None:
    with turn(LONG, never, aside=ASIDE), pytest.raises(rows.CrowdedError):
        starved()

    assert not (tmp_path / "zoo" / "models" / "greedy").exists()
