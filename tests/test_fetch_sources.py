"""Which source is taken, what counts as the right bytes, and what the cache keeps."""

from __future__ import annotations

import hashlib
import multiprocessing
import os
import resource
import shutil
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import fsspec
import pytest

from tests.faults import FaultServer, Reply, closed_port
from tests.fetch_rows import DATA, FAST, OTHER, SHA256, get, left, row
from zoo.errors import FetchError
from zoo.fetch import Fetched, fetch, redact
from zoo.fetching.cache import Cache, key_of


@pytest.fixture
def server() -> Iterator[FaultServer]:
    with FaultServer() as server:
        yield server


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


def test_a_file_is_fetched_once(server: FaultServer, cache: Path) -> None:
    """The second fetch of a URL asks the server nothing."""
    url = server.at("/models/lenet.bin", Reply(DATA))
    moved: list[int] = []

    first = get(url, cache, moved=moved)
    second = get(url, cache)

    assert first.path.read_bytes() == DATA
    assert (first.name, first.cached, first.transferred, first.retries) == ("lenet.bin", False, len(DATA), 0)
    assert (first.archive.url, first.archive.sha256, first.archive.bytes) == (url, SHA256, len(DATA))
    assert sum(moved) == len(DATA)
    assert (second.path, second.archive, second.name) == (first.path, first.archive, first.name)
    assert (second.cached, second.transferred) == (True, 0)
    assert len(server.requests) == 1
    assert left(cache) == [SHA256]


def test_a_known_digest_needs_no_server(server: FaultServer, cache: Path) -> None:
    """A file that is in the cache is found by its sha256, whatever URL it came from."""
    get(server.at("/a.bin", Reply(DATA)), cache)

    found = get(f"http://127.0.0.1:{closed_port()}/b.bin", cache, checksum=SHA256)

    assert found.cached
    assert found.name == "b.bin"
    assert found.archive.verified


def test_no_secret_is_kept_or_told(server: FaultServer, cache: Path) -> None:
    """Passwords and tokens of a URL are in no error, note, record or file of the cache."""
    good = server.at("/m.bin?token=t0psecret&x=1", Reply(DATA)).replace("http://", "http://me:t0psecret@")
    bad = server.at("/n.bin?sig=t0psecret", Reply(status=404)).replace("http://", "http://me:t0psecret@")

    found = get(good, cache)
    with pytest.raises(FetchError) as caught:
        get(bad, cache)

    said = [repr(found), str(caught.value), repr(caught.value), str(caught.value.hint)]
    kept = [path.read_bytes().decode("latin-1") for path in cache.rglob("*") if path.is_file()]
    names = [str(path) for path in cache.rglob("*")]
    assert not [text for text in (*said, *kept, *names) if "t0psecret" in text]


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://example.org/m.tar.gz", "https://example.org/m.tar.gz"),
        ("https://example.org/m?x=1&download=true#top", "https://example.org/m?x=1&download=true#top"),
        ("https://me:pw@example.org/m", "https://***@example.org/m"),
        ("https://me:p@w@example.org/m", "https://***@example.org/m"),
        ("s3://key:secret@bucket/m", "s3://***@bucket/m"),
        ("https://e.org/m?access_token=abc&x=1", "https://e.org/m?access_token=***&x=1"),
        ("https://e.org/m?X-Amz-Signature=abc&X-Amz-Credential=k", None),
        ("https://e.org/m?x=1&sig=a%2Fb", "https://e.org/m?x=1&sig=***"),
        ("https://e.org/hf_abcdefghijklmnop/m", "https://e.org/***/m"),
        (
            "see https://me:pw@e.org/m and https://you:pw@e.org",
            "see https://***@e.org/m and https://***@e.org",
        ),
    ],
)
def test_secrets_are_redacted(url: str, shown: str | None) -> None:
    """Userinfo, tokens and signatures become stars, all else stays."""
    shown = shown or "https://e.org/m?X-Amz-Signature=***&X-Amz-Credential=***"

    assert redact(url) == shown


def test_mirrors_are_tried_in_order(server: FaultServer, cache: Path) -> None:
    """The first source that gives the right bytes is taken, and the others are in the notes."""
    first = server.at("/a/m.bin", Reply(status=404))
    second = server.at("/b/m.bin", Reply(OTHER))
    third = server.at("/c/m.bin", Reply(DATA))
    last = server.at("/d/m.bin", Reply(DATA))

    found = get(first, cache, mirror=f"{second} {third} {last}", checksum=SHA256)

    assert found.path.read_bytes() == DATA
    assert found.archive.url == third
    assert len(found.log) == 2
    assert "404" in found.log[0]
    assert f"sha256 is {hashlib.sha256(OTHER).hexdigest()}, expected {SHA256}" in found.log[1]
    assert not server.asked("/d/m.bin")
    assert get(first, cache, mirror=third).cached


def test_all_sources_are_named_when_none_works(server: FaultServer, cache: Path) -> None:
    """The error of a row whose sources all fail says why for each."""
    first = server.at("/a/m.bin", Reply(status=404))
    second = server.at("/b/m.bin", Reply(status=410))

    with pytest.raises(FetchError, match=r"none of 2 sources can be had: .*404.*; .*410"):
        get(first, cache, mirror=second)


@pytest.mark.parametrize("algorithm", ["md5", "sha1", "sha256", "sha384"])
def test_any_published_checksum_is_compared(algorithm: str, server: FaultServer, cache: Path) -> None:
    """The right checksum passes, also from the cache; a wrong one is an error that shows both."""
    url = server.at("/m.bin", Reply(DATA))
    right = hashlib.new(algorithm, DATA).hexdigest()
    wrong = hashlib.new(algorithm, OTHER).hexdigest()

    assert get(url, cache, checksum=f"{algorithm}:{right}").archive.verified
    assert get(url, cache, checksum=f"{algorithm}:{right}").cached
    with pytest.raises(FetchError, match=f"{algorithm} is {right}, expected {wrong}"):
        get(url, cache, checksum=wrong)


def test_a_checksum_that_came_later_is_computed_from_the_cache(server: FaultServer, cache: Path) -> None:
    """A row that gains a checksum of another algorithm does not fetch its file again."""
    url = server.at("/m.bin", Reply(DATA))
    get(url, cache)

    assert get(url, cache, checksum=hashlib.md5(DATA, usedforsecurity=False).hexdigest()).cached


def test_a_size_is_compared(server: FaultServer, cache: Path) -> None:
    """A file of another size than the manifest's is an error that shows both and says what the file is."""
    with pytest.raises(FetchError, match=r"307,200 bytes \(data of no kind known here\), expected 9"):
        get(server.at("/m.bin", Reply(DATA)), cache, size="9")


def test_a_file_that_was_replaced_is_fetched_again(server: FaultServer, cache: Path) -> None:
    """When the manifest's checksum changes, what the URL gave before is not used."""
    url = server.at("/m.bin", Reply(DATA), Reply(OTHER))
    get(url, cache)

    assert get(url, cache, checksum=hashlib.sha256(OTHER).hexdigest()).path.read_bytes() == OTHER


def test_refresh_asks_whether_the_file_changed(server: FaultServer, cache: Path) -> None:
    """With refresh an unchanged file is kept after one question, and a changed one is fetched."""
    url = server.at("/m.bin", *[Reply(DATA, etag='"one"')] * 2, Reply(OTHER, etag='"two"'))
    options = replace(FAST, refresh=True)
    get(url, cache)

    assert get(url, cache, options=options).cached
    assert get(url, cache, options=options).path.read_bytes() == OTHER


def test_a_damaged_cache_is_noticed(server: FaultServer, cache: Path) -> None:
    """A cached file that lost bytes, or whose record is unreadable, is fetched again."""
    url = server.at("/m.bin", Reply(DATA))
    path = get(url, cache).path
    path.write_bytes(DATA[:-1])
    assert get(url, cache).path.read_bytes() == DATA

    (cache / "urls" / f"{key_of(url)}.json").write_bytes(b"{")
    assert get(url, cache).path.read_bytes() == DATA
    assert len(server.requests) == 3


def test_names_come_from_the_url(server: FaultServer, cache: Path) -> None:
    """A file is called as in its URL, or as the server says where that tells nothing; always safely."""
    disposition = {"Content-Disposition": 'attachment; filename="../../m o\'d.zip"'}
    extended = {"Content-Disposition": "attachment; filename=x; filename*=UTF-8''%E6%A8%A1.zip"}
    names = [
        get(server.at(path, Reply(DATA, headers=headers)), cache).name
        for path, headers in {
            "/a/%2e%2e%2fm%20x.pb?raw=1": {},
            "/download?id=7": disposition,
            "/uc": extended,
            "/": {},
            "/a%5Cb%0A.pb": {},
            "/.index": {},
            "/" + "x" * 300 + ".tar.gz": {},
        }.items()
    ]

    assert names[:6] == ["m x.pb", "m o'd.zip", "模.zip", "download", "a%5Cb%0A.pb", ".index"]
    assert names[6].endswith("xxx.tar.gz")
    assert len(names[6]) == 200


def test_several_urls_are_several_files(server: FaultServer, cache: Path) -> None:
    """Each URL of a row is fetched with its own checksum, size and mirrors."""
    index = server.at("/m.index", Reply(DATA))
    data = server.at("/m.data", Reply(status=404))
    mirrors = [server.at(f"/mirror/m.{end}", Reply(body)) for end, body in (("index", DATA), ("data", OTHER))]
    order = row(
        f"{index} {data}",
        mirror=" ".join(mirrors),
        checksum=f"- {hashlib.sha1(OTHER, usedforsecurity=False).hexdigest()}",
        size=f"{len(DATA)} -",
    )

    first, second = fetch(order, cache, options=FAST, progress=lambda count: None)

    assert (first.path.read_bytes(), second.path.read_bytes()) == (DATA, OTHER)
    assert (first.archive.verified, second.archive.verified) == (False, True)
    assert (first.archive.url, second.archive.url) == (index, mirrors[1])


def test_a_graph_with_a_url_is_fetched_as_well(server: FaultServer, cache: Path) -> None:
    """The file of the row's graph cell comes last, and says what it is."""
    order = row(server.at("/m.index", Reply(DATA)), graph=server.at("/graph.pbtxt", Reply(b"node {}")))

    fetched = fetch(order, cache, options=FAST, progress=lambda count: None)

    assert [(one.name, one.role) for one in fetched] == [("m.index", "model"), ("graph.pbtxt", "graph")]


def test_a_local_file_stays_where_it_is(tmp_path: Path, cache: Path) -> None:
    """A relative path is read beside the manifest, and recorded as it was given."""
    (tmp_path / "my models").mkdir()
    path = tmp_path / "my models" / "m.bin"
    path.write_bytes(DATA)
    moved: list[int] = []

    found = fetch(
        row("my%20models/m.bin", tmp_path, checksum=SHA256), cache, options=FAST, progress=moved.append
    )[0]
    by_url = get(path.as_uri(), cache)

    assert (found.path, found.archive.url, found.archive.verified) == (path, "my%20models/m.bin", True)
    assert (found.cached, found.transferred, sum(moved)) == (False, 0, len(DATA))
    assert (by_url.path, by_url.archive.sha256) == (path, SHA256)
    assert not cache.exists()


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda path: None, "there is no such file"),
        (lambda path: path.mkdir(), "a folder, expected a file"),
        (lambda path: os.mkfifo(path), "neither a file nor a folder"),
        (lambda path: path.write_bytes(b""), "the file is empty"),
        (lambda path: path.write_bytes(b"<html>"), "an HTML page"),
    ],
    ids=["missing", "folder", "pipe", "empty", "page"],
)
def test_a_local_path_that_is_no_file_is_named(make: object, words: str, tmp_path: Path, cache: Path) -> None:
    """What is at a path, if it is no file, is named as what it is."""
    assert callable(make)
    make(tmp_path / "m.bin")

    with pytest.raises(FetchError, match=f"^m.bin: {words}"):
        fetch(row("m.bin", tmp_path), cache, options=FAST, progress=lambda count: None)


def test_text_models_are_not_taken_for_pages(tmp_path: Path, cache: Path) -> None:
    """A text GraphDef, JSON and XML are files like any other."""
    for text in (
        'node {\n  name: "x"\n}',
        '{"class_name": "Model"}',
        "<?xml version='1.0'?><net/>",
        "# html",
    ):
        (tmp_path / "m").write_text(text)

        assert fetch(row("m", tmp_path), cache, options=FAST, progress=lambda count: None)


def test_any_protocol_of_fsspec_is_fetched(cache: Path) -> None:
    """What fsspec can open is fetched into the cache, once."""
    with fsspec.open("memory://zoo/m.bin", "wb") as file:
        file.write(DATA)

    found = get("memory://zoo/m.bin", cache)

    assert found.path.read_bytes() == DATA
    assert get("memory://zoo/m.bin", cache).cached
    with pytest.raises(FetchError, match="there is no such file"):
        get("memory://zoo/other.bin", cache)
    with pytest.raises(FetchError, match="a folder, expected a file"):
        get("memory://zoo", cache)


def test_a_protocol_whose_package_is_absent_is_named(cache: Path) -> None:
    """A protocol that needs a package says which."""
    with pytest.raises(FetchError, match="needs another package"):
        get("smb://host/share/m.bin", cache)


def test_a_cache_that_cannot_be_written_is_not_the_sources_fault(server: FaultServer, tmp_path: Path) -> None:
    """An error of our own disk names the cache."""
    (tmp_path / "cache").write_text("a file")

    with pytest.raises(FetchError, match="the download cache 'cache' cannot be used"):
        get(server.at("/m.bin", Reply(DATA)), tmp_path / "cache")


def _fetch_in_process(url: str, cache: Path, barrier: object, results: object) -> None:
    barrier.wait()  # type: ignore[attr-defined]
    found = get(url, cache)
    results.put((found.cached, found.archive.sha256))  # type: ignore[attr-defined]


def test_processes_share_a_download(server: FaultServer, cache: Path) -> None:
    """Of four processes that want the same URL one downloads it, and the others take what it got."""
    url = server.at("/m.bin", Reply(DATA, stall_after=1000, stall_seconds=0.2), Reply(DATA))
    context = multiprocessing.get_context("fork")
    barrier, results = context.Barrier(4), context.Queue()
    processes = [
        context.Process(target=_fetch_in_process, args=(url, cache, barrier, results)) for _ in range(4)
    ]
    for process in processes:
        process.start()
    found = sorted(results.get(timeout=20) for _ in processes)
    for process in processes:
        process.join()

    assert found == [(False, SHA256), (True, SHA256), (True, SHA256), (True, SHA256)]
    assert len(server.requests) == 2  # the first one stalled
    assert left(cache) == [SHA256]


def test_threads_share_a_download(server: FaultServer, cache: Path) -> None:
    """Threads of one process exclude each other as processes do."""
    url = server.at("/m.bin", Reply(DATA))
    found: list[Fetched] = []
    threads = [threading.Thread(target=lambda: found.append(get(url, cache))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(one.cached for one in found) == [False] + [True] * 7
    assert len(server.requests) == 1


def test_a_lock_is_waited_for_no_longer_than_the_row_may_take(server: FaultServer, cache: Path) -> None:
    """A download that another process never finishes is an error at the limit of time."""
    url = server.at("/m.bin", Reply(DATA))
    with (
        Cache(cache).locked(key_of(url), name=url, deadline=time.monotonic() + 1),
        pytest.raises(FetchError, match=f"{url}: another process was downloading it"),
    ):
        get(url, cache, options=replace(FAST, seconds=0.2))

    assert get(url, cache).path.read_bytes() == DATA


def _fetch_until_killed(url: str, cache: Path) -> None:
    get(url, cache, options=replace(FAST, stall_seconds=30))


def test_a_killed_process_loses_nothing(server: FaultServer, cache: Path) -> None:
    """What a process had fetched when it was killed, the next one does not fetch again."""
    good = Reply(DATA, etag='"one"', ranges=True)
    url = server.at("/m.bin", replace(good, stall_after=200_000, stall_seconds=30), good)
    process = multiprocessing.get_context("fork").Process(target=_fetch_until_killed, args=(url, cache))
    process.start()
    part = Cache(cache).part(key_of(url))
    deadline = time.monotonic() + 10
    while not part.exists() or part.stat().st_size < 200_000:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.kill()
    process.join()

    found = get(url, cache)

    assert found.path.read_bytes() == DATA
    assert found.transferred == len(DATA) - 200_000
    assert left(cache) == [SHA256]


def _fetch_on_a_full_disk(url: str, cache: Path, results: object) -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
    try:
        get(url, cache)
    except FetchError as error:
        results.put((str(error), error.hint))  # type: ignore[attr-defined]


def test_a_full_disk_is_named(server: FaultServer, cache: Path) -> None:
    """When the disk takes no more, the error blames the disk and not the source."""
    url = server.at("/m.bin", Reply(DATA))
    context = multiprocessing.get_context("fork")
    results = context.Queue()
    process = context.Process(target=_fetch_on_a_full_disk, args=(url, cache, results))
    process.start()
    words, hint = results.get(timeout=20)
    process.join()

    assert words == "the download cache 'cache' cannot be used: file too large"
    assert "free some space" in hint


def test_a_cache_may_be_emptied_at_any_time(server: FaultServer, cache: Path) -> None:
    """A cache is a cache: when it is deleted, the files are fetched again."""
    url = server.at("/m.bin", Reply(DATA))
    get(url, cache)
    shutil.rmtree(cache)

    assert get(url, cache).path.read_bytes() == DATA
