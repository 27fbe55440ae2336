"""Fetching and unpacking in one pass gives what the two steps give, or the same errors."""

from __future__ import annotations

import gzip
import hashlib
import random
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.archives import FILES, PACKED, contents, tar, zip_of
from tests.faults import FaultServer, Reply
from tests.fetch_rows import FAST, left, row
from zoo.errors import FetchError, TransientError, UnpackError
from zoo.fetch import Fetched
from zoo.one_pass import fetch_and_unpack
from zoo.unpack import Limits, Unpacked

LARGE = {"m/big.data": random.Random(1).randbytes(5_000_000), **FILES}  # noqa: S311
PACK = gzip.compress(tar(LARGE), 1)
OTHER = gzip.compress(tar({"other": LARGE["m/big.data"][::-1]}), 1)
ETAG = {"etag": '"one"', "ranges": True}


@pytest.fixture
def server() -> Iterator[FaultServer]:
    with FaultServer() as server:
        yield server


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Iterator[None]:
    """Whatever happens, the second thread ends."""
    yield
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("unpack")]


def run(
    url: str, folder: Path, *, keep: bool = True, moved: list[int] | None = None, **cells: str
) -> tuple[Fetched, Unpacked]:
    fetched, unpacked = fetch_and_unpack(
        row(url, **cells),
        folder / "cache",
        folder / "out",
        options=FAST,
        limits=Limits(),
        progress=moved.append if moved is not None else lambda count: None,
        keep=keep,
    )
    return fetched[0], unpacked


@pytest.mark.parametrize("pack", PACKED.values(), ids=PACKED.keys())
@pytest.mark.parametrize("said", [True, False], ids=["small", "of unknown length"])
def test_every_kind_comes_out(
    pack: Callable[[], bytes], said: bool, server: FaultServer, tmp_path: Path
) -> None:
    """Archives that can be unpacked on their way, and those that cannot, give their files."""
    data = pack()
    url = server.at("/m.bin", Reply(data, chunked=not said))

    fetched, unpacked = run(url, tmp_path)

    assert contents(unpacked.root) == FILES
    assert fetched.archive.sha256 == hashlib.sha256(data).hexdigest()
    assert fetched.path.read_bytes() == data
    assert run(url, tmp_path)[0].cached
    assert contents(unpacked.root) == FILES
    assert len(server.requests) == 1


@pytest.mark.parametrize("keep", [True, False])
def test_an_archive_is_kept_if_asked_for(keep: bool, server: FaultServer, tmp_path: Path) -> None:
    """Without keep nothing but the files is on the disk afterwards."""
    moved: list[int] = []

    fetched, unpacked = run(server.at("/m.tar.gz", Reply(PACK)), tmp_path, keep=keep, moved=moved)

    assert contents(unpacked.root) == dict(sorted(LARGE.items()))
    assert unpacked.bytes == sum(map(len, LARGE.values()))
    assert fetched.archive.sha256 == hashlib.sha256(PACK).hexdigest()
    assert (fetched.transferred, sum(moved)) == (len(PACK), len(PACK))
    assert left(tmp_path / "cache") == ([fetched.archive.sha256] if keep else [])
    assert not keep or fetched.path.read_bytes() == PACK
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cache", "out"]


FAULTS = {
    "reset": Reply(PACK, reset_after=2_500_000),
    "stalled": Reply(PACK, stall_after=2_500_000),
    "closed, resumable": Reply(PACK, cut_after=2_500_000, etag='"one"'),
    "closed, changed": Reply(OTHER, cut_after=2_500_000, etag='"two"'),
    "closed at once": Reply(PACK, cut_after=100),
    "a page": Reply(status=503),
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS.keys())
@pytest.mark.parametrize("keep", [True, False])
def test_faults_pass_without_a_trace(fault: Reply, keep: bool, server: FaultServer, tmp_path: Path) -> None:
    """Whatever breaks on the way, the files are those of one version, as if nothing had happened."""
    url = server.at("/m.tar.gz", fault, Reply(PACK, etag='"one"', ranges=True))

    fetched, unpacked = run(url, tmp_path, keep=keep, checksum=hashlib.sha256(PACK).hexdigest())

    assert contents(unpacked.root) == dict(sorted(LARGE.items()))
    assert 1 <= fetched.retries <= 2


def test_an_interrupted_download_is_carried_on(server: FaultServer, tmp_path: Path) -> None:
    """With keep the next run asks for the rest only, and unpacks the whole."""
    good = Reply(PACK, etag='"one"', ranges=True)
    url = server.at("/m.tar.gz", replace(good, cut_after=2_500_000), *[Reply(status=503)] * 4, good)
    with pytest.raises(TransientError):
        run(url, tmp_path)
    assert not (tmp_path / "out").exists()

    fetched, unpacked = run(url, tmp_path)

    assert len(PACK) - 2_500_000 <= fetched.transferred <= len(PACK) - 1_500_000
    assert contents(unpacked.root) == dict(sorted(LARGE.items()))


@pytest.mark.parametrize("slow", [True, False])
def test_what_is_not_kept_is_carried_on_if_it_takes_long_to_come(
    slow: bool, server: FaultServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What comes in no time is not written down for that: it comes again."""
    monkeypatch.setattr("zoo.fetching.copy._TRIED", 1 << 20)
    monkeypatch.setattr("zoo.fetching.copy._SOON", 0.0 if slow else 1e9)
    good = Reply(PACK, etag='"one"', ranges=True)
    url = server.at("/m.tar.gz", replace(good, cut_after=2_500_000), *[Reply(status=503)] * 4, good)
    with pytest.raises(TransientError):
        run(url, tmp_path, keep=False)
    assert bool([*(tmp_path / "cache").rglob("*.part")]) is slow

    fetched, unpacked = run(url, tmp_path, keep=False)

    assert (fetched.transferred < len(PACK)) is slow
    assert contents(unpacked.root) == dict(sorted(LARGE.items()))
    assert not [*(tmp_path / "cache").rglob("*.part")]


def test_nothing_is_left_of_a_slow_download_that_ended_well(
    server: FaultServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("zoo.fetching.copy._TRIED", 1 << 20)
    monkeypatch.setattr("zoo.fetching.copy._SOON", 0.0)

    run(server.at("/m.tar.gz", Reply(PACK, etag='"one"', ranges=True)), tmp_path, keep=False)

    assert left(tmp_path / "cache") == []


DAMAGED = {
    "flipped": PACK[:2_000_000] + bytes([PACK[2_000_000] ^ 1]) + PACK[2_000_001:],
    "flipped, small": gzip.compress(tar())[:-12] + b"\x00" * 12,
    "cut": PACK[:-5000],
    "unsafe": gzip.compress(tar({"../evil": LARGE["m/big.data"]})),
    "zip, cut": zip_of(LARGE.items())[:-100],
}


@pytest.mark.parametrize("data", DAMAGED.values(), ids=DAMAGED.keys())
@pytest.mark.parametrize("keep", [True, False])
def test_a_bad_archive_leaves_nothing(data: bytes, keep: bool, server: FaultServer, tmp_path: Path) -> None:
    """An archive that is bad is an UnpackError, and no file of it is published."""
    with pytest.raises(UnpackError):
        run(server.at("/m.tar.gz", Reply(data)), tmp_path, keep=keep)

    assert sorted(path.name for path in tmp_path.iterdir()) == ["cache"]


@pytest.mark.parametrize("data", DAMAGED.values(), ids=DAMAGED.keys())
def test_a_checksum_tells_whose_fault_it_is(data: bytes, server: FaultServer, tmp_path: Path) -> None:
    """An archive that is bad because it is another one is a FetchError that shows both checksums."""
    with pytest.raises(FetchError, match=r"sha256 is .*, expected"):
        run(server.at("/m.tar.gz", Reply(data)), tmp_path, checksum=hashlib.sha256(PACK).hexdigest())

    assert left(tmp_path / "cache") == []
    assert not (tmp_path / "out").exists()


def test_a_good_archive_of_the_wrong_checksum_is_not_published(server: FaultServer, tmp_path: Path) -> None:
    """Files that came out well are thrown away when the digest does not agree."""
    with pytest.raises(FetchError, match="sha256 is"):
        run(server.at("/m.tar.gz", Reply(OTHER)), tmp_path, checksum=hashlib.sha256(PACK).hexdigest())

    assert sorted(path.name for path in tmp_path.iterdir()) == ["cache"]


def test_a_mirror_starts_with_an_empty_folder(server: FaultServer, tmp_path: Path) -> None:
    """Nothing of a source that failed is among the files of the one that worked."""
    first = server.at("/a/m.tar.gz", Reply(OTHER))
    local = tmp_path / "mirror.tar"
    local.write_bytes(tar())

    _, by_network = run(
        first,
        tmp_path,
        mirror=server.at("/b/m.tar.gz", Reply(PACK)),
        checksum=hashlib.sha256(PACK).hexdigest(),
    )
    assert contents(by_network.root) == dict(sorted(LARGE.items()))

    _, by_disk = run(first, tmp_path, mirror=str(local), checksum=hashlib.sha256(tar()).hexdigest())
    assert contents(by_disk.root) == FILES


def test_several_sources_and_a_graph_take_two_steps(server: FaultServer, tmp_path: Path) -> None:
    """Rows of several files are fetched and unpacked one after the other; the graph stays apart."""
    index, data = (server.at(f"/m.{end}", Reply(end.encode() * 9)) for end in ("index", "data"))
    graph = server.at("/graph.pb", Reply(b"graph"))

    fetched, unpacked = fetch_and_unpack(
        row(f"{index} {data}", graph=graph),
        tmp_path / "cache",
        tmp_path / "out",
        options=FAST,
        limits=Limits(),
        progress=lambda count: None,
    )

    assert contents(unpacked.root) == {"m.data": b"data" * 9, "m.index": b"index" * 9}
    assert [one.role for one in fetched] == ["model", "model", "graph"]
