"""The parts of the job that need no worker: what to do again, how much at once, what to say."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from queue import Queue
from typing import Any, ClassVar

import msgspec
import pytest

from jobs import resume
from jobs.crumb import crumb, stage_in
from jobs.lock import Claim, OutputInUseError, OutputTakenError, held, locked
from jobs.process import INTERRUPTED, USAGE, main, parser
from jobs.rows import tell_seldom
from jobs.run import Crew, Pace, sweep
from jobs.screen import closing, size
from jobs.settings import TOPIC, Ended, RunStoppedError, Settings
from tests.clusters import wait_until
from zoo.alarm import Alarm
from zoo.records import Archive, Failure, File, Outcome, Row, RowRun, Status, to_json
from zoo.store import desk, replace, replacing


def outcome(status: Status = Status.READ, *, expected: bool = True, name: str = "lenet") -> Outcome:
    failure = Failure(stage="fetch", kind="FetchError", reason="no such file", hint="look at the url")
    return Outcome(
        name=name,
        slug=name,
        status=status,
        expected=expected,
        manifest={"line": 2, "name": name, "url": "lenet.pb"},
        archives=(Archive(url="lenet.pb", sha256="0" * 64, bytes=1),),
        failure=failure if status is Status.FAILED else None,
    )


@pytest.fixture
def row(tmp_path: Path) -> Row:
    source = tmp_path / "lenet.pb"
    source.write_bytes(b"graph")
    return Row(
        line=2, name="lenet", slug="lenet", urls=(str(source),), given={"name": "lenet", "url": "lenet.pb"}
    )


@pytest.fixture
def folder(tmp_path: Path, row: Row) -> Path:
    """A folder with a finished outcome of the row."""
    made = tmp_path / "models" / "lenet"
    made.mkdir(parents=True)
    (made / "graph.txt").write_bytes(b"ops")
    whole = msgspec.structs.replace(outcome(), files=(File(path="graph.txt", bytes=3, sha256="1" * 64),))
    (made / "model.json").write_bytes(to_json(whole))
    resume.stamp(made, resume.key(row, run=True), retry=False)
    return made


def test_an_outcome_made_from_the_same_stands(row: Row, folder: Path) -> None:
    """Nothing changed, nothing is done again."""
    assert resume.finished(folder, row, resume.key(row, run=True)) is not None


def test_a_row_that_moved_or_was_described_anew_is_retold_and_not_redone(row: Row, folder: Path) -> None:
    """The line number and the description are what an outcome says, not what it depends on."""
    moved = msgspec.structs.replace(row, line=9, given={**row.given, "task": "digits"})

    found = resume.finished(folder, moved, resume.key(moved, run=True))

    assert found is not None
    assert found.manifest == {"line": 9, "name": "lenet", "url": "lenet.pb", "task": "digits"}
    assert b'"task": "digits"' in (folder / "model.json").read_bytes()


@pytest.mark.parametrize(
    "change",
    [{"outputs": ("prob:0",)}, {"member": "b"}, {"weights": "ema"}, {"urls": ("https://example.org/x",)}],
    ids=["outputs", "member", "weights", "url"],
)
def test_a_row_that_asks_for_something_else_is_redone(
    row: Row, folder: Path, change: dict[str, object]
) -> None:
    """Cells that the work depends on change the key."""
    other = msgspec.structs.replace(row, **change)

    assert resume.finished(folder, other, resume.key(other, run=True)) is None


def test_a_local_source_that_changed_is_redone(row: Row, folder: Path) -> None:
    """A file is known by its size and time of change."""
    Path(row.urls[0]).write_bytes(b"another graph")

    assert resume.finished(folder, row, resume.key(row, run=True)) is None


@pytest.mark.parametrize("file", ["model.json", "graph.txt", resume.STAMP])
def test_an_outcome_that_lost_a_file_is_redone(row: Row, folder: Path, file: str) -> None:
    """An outcome is whole or it does not count."""
    (folder / file).unlink()

    assert resume.finished(folder, row, resume.key(row, run=True)) is None


@pytest.mark.parametrize("keep", [0, 10], ids=["empty", "ten-bytes"])
def test_an_outcome_that_was_cut_is_redone(row: Row, folder: Path, keep: int) -> None:
    """A damaged record is no record."""
    path = folder / "model.json"
    path.write_bytes(path.read_bytes()[:keep])

    assert resume.finished(folder, row, resume.key(row, run=True)) is None


def test_a_source_that_could_not_be_had_is_tried_again(row: Row, folder: Path) -> None:
    """A server that was down may be up the next time."""
    resume.stamp(folder, resume.key(row, run=True), retry=True)

    assert resume.finished(folder, row, resume.key(row, run=True)) is None


def test_a_row_that_met_a_limit_is_tried_again_with_another(row: Row, folder: Path) -> None:
    """Whoever raises the limit, as the hint says, need not ask for the row by name."""
    resume.stamp(folder, resume.key(row, run=True), retry=False, limits="60 s")

    assert resume.finished(folder, row, resume.key(row, run=True), limits="60 s") is not None
    assert resume.finished(folder, row, resume.key(row, run=True), limits="90 s") is None


def test_small_rows_travel_together_once_they_are_known_to_be_small() -> None:
    """The first rows go alone, so that the first result comes soon."""
    pace = Pace()

    assert pace.batch(1000, 2) == 1
    for _ in range(20):
        pace.learn(Ended(run=RowRun(slug="x", seconds=0.005), status="read"))
    assert pace.batch(1000, 2) > 16
    assert pace.batch(8, 2) == 2, "what is left is shared out among the workers"
    for _ in range(20):
        pace.learn(Ended(run=RowRun(slug="x", seconds=5.0), status="read"))
    assert pace.batch(1000, 2) == 1


def test_progress_is_told_a_few_times_a_second_however_many_rows_end() -> None:
    class Worker:
        heard: ClassVar[list[dict[str, Any]]] = []

        def log_event(self, topic: str, message: dict[str, Any]) -> None:
            assert topic == TOPIC
            self.heard.append(message)

    worker, start = Worker(), time.monotonic()
    for i in range(1_000):
        tell_seldom(worker)(f"row-{i}", "fetch", 0)

    assert worker.heard[0] == {"slug": "row-0", "stage": "fetch", "moved": 0}
    assert len(worker.heard) <= 1 + (time.monotonic() - start) / 0.2


def test_a_second_job_on_the_same_output_is_told_who_is_there(tmp_path: Path) -> None:
    """Two jobs would overwrite each other."""
    with (
        locked(tmp_path),
        pytest.raises(OutputInUseError, match=r"in use by another job \(process \d+\)"),
        locked(tmp_path),
    ):
        pass
    with locked(tmp_path):
        pass


@pytest.fixture
def bucket() -> Iterator[Any]:
    """An empty store in this process, with the path of a job's lock there."""
    from fsspec.implementations.memory import MemoryFileSystem

    MemoryFileSystem.store.clear()
    yield MemoryFileSystem()
    MemoryFileSystem.store.clear()


def test_a_second_job_on_the_same_store_is_told_who_is_there(bucket: Any) -> None:
    """It hears the host, the process and how long ago that one lived; what is there stays."""
    with held("memory://zoo", on_loss=pytest.fail):
        there = bucket.cat_file("/zoo/lock.json")
        with (
            pytest.raises(OutputInUseError, match=r"process \d+ on .*, last sign of life 0 s ago") as error,
            held("memory://zoo", on_loss=pytest.fail),
        ):
            pass
        assert bucket.cat_file("/zoo/lock.json") == there
    assert "lock.json" in (error.value.hint or "")
    assert not bucket.exists("/zoo/lock.json")


@pytest.mark.parametrize(
    ("changes", "dead"),
    [
        ({}, False),
        ({"process": 1 << 30}, True),
        ({"process": 1 << 30, "machine": "another"}, False),
        ({"renewed": 0.0, "machine": "another"}, True),
        ({"renewed": 9e9, "machine": "another"}, False),
    ],
    ids=["alive", "killed-here", "who-knows", "silent", "clock-ahead"],
)
def test_the_lock_of_a_dead_job_is_void(bucket: Any, changes: dict[str, Any], dead: bool) -> None:
    """Who was killed takes no lock away; a process of another machine may live without our seeing it."""
    left = msgspec.structs.replace(Claim.ours(), **changes)
    bucket.pipe_file("/zoo/lock.json", msgspec.json.encode(left))

    assert left.is_dead() is dead
    if not dead:
        with pytest.raises(OutputInUseError), held("memory://zoo", on_loss=pytest.fail):
            pass
        return
    with held("memory://zoo", on_loss=pytest.fail):
        assert msgspec.json.decode(bucket.cat_file("/zoo/lock.json"), type=Claim).job != left.job


def test_a_lock_nobody_can_read_is_somebodys(bucket: Any) -> None:
    """It is not cleared away on a guess."""
    bucket.pipe_file("/zoo/lock.json", b"{")

    with pytest.raises(OutputInUseError, match="in use"), held("memory://zoo", on_loss=pytest.fail):
        pass
    assert bucket.cat_file("/zoo/lock.json") == b"{"


def test_a_job_whose_lock_was_taken_hears_of_it_and_leaves_the_other_one_alone(bucket: Any) -> None:
    """It renews its lock while it is its own, and does nothing more once it is not."""
    lost = threading.Event()
    with held("memory://zoo", on_loss=lost.set, beat=0.01) as lock:
        first = bucket.cat_file("/zoo/lock.json")
        wait_until(lambda: bucket.cat_file("/zoo/lock.json") != first)
        lock.check()
        other = msgspec.json.encode(Claim.ours())
        wait_until(lambda: bucket.pipe_file("/zoo/lock.json", other) or lost.wait(0.1))
        with pytest.raises(OutputTakenError, match="memory://zoo: the lock of this job is gone"):
            lock.check()
    assert bucket.cat_file("/zoo/lock.json") == other


def test_an_output_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    """A file in the way of the output folder is said to be that."""
    (tmp_path / "file").write_text("")

    with pytest.raises(OutputInUseError, match="cannot be written"), locked(tmp_path / "file" / "zoo"):
        pass


def test_the_closing_screen_tells_what_was_unexpected_and_why() -> None:
    """One screen: counts, reasons, hints, the command to try again."""
    text = closing(
        [
            outcome(),
            outcome(Status.FAILED, expected=False, name="my net"),
            outcome(Status.FAILED, name="broken"),
        ],
        [RowRun(slug="lenet", downloaded=2_400_000, retries=1)],
        seconds=3.21,
        output="build/zoo",
        pages=Path("site/docs"),
        command=["python", "-m", "jobs.process", "manifest.csv"],
    )

    assert text.splitlines() == [
        "3 models in 3.2 s: 0 frozen, 1 read, 2 failed (1 of them as expected)",
        "downloaded 2.4 MB, 1 retry",
        "",
        "not as expected: 1",
        "  my net (line 2): fetch: no such file",
        "    look at the url",
        "  to try again: python -m jobs.process manifest.csv --force --only 'my net'",
        "",
        "catalog: build/zoo/catalog.json",
        "pages:   site/docs (browse them with: mkdocs serve)",
    ]


@pytest.mark.parametrize(
    ("count", "text"), [(0, "0 B"), (999, "999 B"), (1500, "1.5 kB"), (51e6, "51.0 MB"), (2.6e12, "2600 GB")]
)
def test_sizes_read_like_sizes(count: float, text: str) -> None:
    """Three digits and a unit."""
    assert size(count) == text


@pytest.mark.parametrize(
    "arguments",
    [[], ["m.csv", "--workers", "0"], ["m.csv", "--workers", "many"], ["m.csv", "--time-limit", "-1"]],
    ids=["no-manifest", "no-workers", "words", "negative"],
)
def test_bad_usage_is_exit_code_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing is processed, and what was expected is said."""
    with pytest.raises(SystemExit) as caught:
        main(arguments)

    assert caught.value.code == USAGE
    assert "usage:" in capsys.readouterr().err


def test_a_manifest_that_is_not_there_is_exit_code_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The missing file is named, without a traceback."""
    assert main([str(tmp_path / "none.csv"), "--check"]) == USAGE
    assert "none.csv" in capsys.readouterr().err


def test_exit_codes_are_told_in_the_help() -> None:
    """A script that calls the job finds them there."""
    text = parser().format_help()

    assert all(f"{code} " in text for code in (0, 1, USAGE, INTERRUPTED))


def test_rows_that_always_come_back_unfinished_stop_the_run_instead_of_circling(
    tmp_path: Path, row: Row
) -> None:
    """A cluster whose workers cannot even load a task is said to be that."""

    class Future:
        status = "error"

        def exception(self) -> Exception:
            return ModuleNotFoundError("No module named 'jobs'")

    settings = Settings(output=str(tmp_path / "zoo"), cache=str(tmp_path), work=str(tmp_path))
    crew = Crew(client=None, settings=settings, ended=lambda ended: None)

    def land() -> None:
        future = Future()
        crew.flying[future] = (row,)
        crew._land(future, None)

    for _ in range(8):
        land()
    with pytest.raises(RunStoppedError, match="No module named 'jobs'"):
        land()


def test_a_result_that_has_come_counts_though_its_worker_died_right_after(tmp_path: Path, row: Row) -> None:
    """Dask calls what a dead worker held lost; the scheduler is there, and no other row is given up."""

    class Future:
        status = "lost"

    settings = Settings(output=str(tmp_path / "zoo"), cache=str(tmp_path), work=str(tmp_path))
    ended: list[Ended] = []
    crew, future = Crew(client=None, settings=settings, ended=ended.append), Future()
    crew.flying[future] = (row,)
    result = [Ended(run=RowRun(slug=row.slug, seconds=0.5), status=Status.READ)]

    crew._land(future, result)

    assert ended == result
    assert not crew.flying


def test_what_several_rows_name_is_kept_for_the_others(tmp_path: Path, row: Row) -> None:
    """An archive of several models has a row for each; it is fetched once."""
    orders: list[tuple[tuple[str, ...], bool]] = []

    class Client:
        loop = None

        def nthreads(self) -> dict[str, int]:
            return {"worker": 2}

        def submit(self, _task: object, rows: tuple[Row, ...], settings: Settings, *, pure: bool) -> object:
            orders.append((tuple(row.slug for row in rows), settings.keep))
            return object()

    def named(slug: str, url: str) -> Row:
        return msgspec.structs.replace(row, name=slug, slug=slug, urls=(url,))

    settings = Settings(output=str(tmp_path / "zoo"), cache=str(tmp_path), work=str(tmp_path))
    crew = Crew(client=Client(), settings=settings, ended=lambda ended: None, workers=1)
    crew.plan([named("a", "https://x/1"), named("b", "https://x/2"), named("c", "https://x/1")])
    while crew.waiting:
        crew.flying.clear()
        crew._more()

    assert orders == [(("a",), True), (("b",), False), (("c",), True)]


def test_rows_that_say_their_size_come_largest_first_and_large_ones_alone(tmp_path: Path, row: Row) -> None:
    """Rows that do not say it keep their places; those that were fast say nothing of a large one."""
    said = {"a": 1_000, "b": None, "c": 9_000_000, "d": 2_000, "e": 50_000_000, "f": None, "g": 3_000}
    rows = [msgspec.structs.replace(row, slug=slug, size=size) for slug, size in said.items()]
    settings = Settings(output=str(tmp_path / "zoo"), cache=str(tmp_path), work=str(tmp_path))
    crew = Crew(client=None, settings=settings, ended=lambda ended: None)
    crew.plan(rows)
    assert [row.slug for row in crew.waiting] == ["e", "b", "c", "g", "d", "f", "a"]

    batches = []
    while crew.waiting:
        batches.append([row.slug for row in crew._batch(3)])

    assert batches == [["e"], ["b"], ["c"], ["g", "d", "f"], ["a"]]


def test_a_crumb_says_which_row_is_at_work_and_how_far_it_is(tmp_path: Path) -> None:
    """A worker takes it from row to row; one that dies leaves it where it died."""
    first, second = tmp_path / ".running/first", tmp_path / ".running/second"
    with crumb(first) as note:
        assert stage_in(first) == "start"
        note("endpoints")
        assert stage_in(first) == "endpoints"
        note("read")
        assert stage_in(first) == "read"
    assert not first.exists()
    with suppress(ZeroDivisionError), crumb(second) as note:
        note("freeze")
        raise ZeroDivisionError
    assert stage_in(second) == "freeze"
    assert stage_in(first) == "start"


def test_crumbs_are_there_again_after_they_were_swept_away(tmp_path: Path) -> None:
    """Workers of a cluster outlive a run, and each run clears up after itself."""
    for name in ("one", "two"):
        with crumb(tmp_path / ".running" / name) as note:
            note("find")
            assert stage_in(tmp_path / ".running" / name) == "find"
        shutil.rmtree(tmp_path / ".running")


def test_alarms_go_off_in_the_order_of_their_times_unless_called_off() -> None:
    """One thread waits for all of them, also for one that is set later and due sooner."""
    heard: Queue[str] = Queue()
    Alarm(3600, partial(heard.put, "in an hour")).cancel()
    Alarm(0.2, partial(heard.put, "last"))
    called_off = Alarm(0.1, partial(heard.put, "called off"))
    Alarm(0.01, partial(heard.put, "first"))

    assert heard.get(timeout=10) == "first"
    called_off.cancel()
    assert heard.get(timeout=10) == "last"
    assert heard.empty()


def test_a_run_begins_by_removing_what_a_killed_one_has_left(tmp_path: Path) -> None:
    """Half of an outcome, half of a model's data, half of a page; whole ones stay."""
    left = ("zoo/models/.a.1.partial/x", "docs/data/.a.1.partial/x", "docs/models/.a.md.1.partial")
    for name in (*left, "zoo/models/a/x", "docs/data/a/x", "docs/models/a.md"):
        replace(tmp_path / name, b"x")

    sweep(Settings(output=str(tmp_path / "zoo"), cache="", work=""), tmp_path / "docs")

    found = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()}
    assert found == {"zoo/models/a/x", "docs/data/a/x", "docs/models/a.md"}


def test_a_desk_is_empty_whoever_sat_at_it(tmp_path: Path) -> None:
    """It is used again; two at a time have one each, and one that was swept away is replaced."""
    with desk(tmp_path / "work") as first, desk(tmp_path / "work") as second:
        assert first != second
        replace(first / "deep/in/it", b"left")
        (first / "link").symlink_to(tmp_path)
    with desk(tmp_path / "work") as again, suppress(ZeroDivisionError):
        assert again in (first, second)
        assert not list(again.iterdir())
        replace(again / "file", b"left")
        raise ZeroDivisionError
    assert not [path for path in (tmp_path / "work").rglob("*") if path not in (first, second)]
    shutil.rmtree(tmp_path / "work")

    with desk(tmp_path / "work") as other:
        assert other.is_dir()


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path: Path) -> None:
    """Nothing half-written is left beside it, and everybody may read what is new."""
    path = tmp_path / "made/with/it/list.json"
    replace(path, b"one")
    with suppress(ZeroDivisionError), replacing(path) as partial_path:
        partial_path.write_bytes(b"tw")
        raise ZeroDivisionError
    with pytest.raises(TypeError):
        replace(path, "no bytes")  # type: ignore[arg-type]

    assert path.read_bytes() == b"one"
    assert path.stat().st_mode & 0o777 == 0o644
    assert [entry.name for entry in path.parent.iterdir()] == ["list.json"]
