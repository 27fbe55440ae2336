"""Fetching over a network that misbehaves, with a real server on a real socket."""

from __future__ import annotations

import gzip
import hashlib
import multiprocessing
import os
import resource
import shutil
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import fsspec
import pytest
from faults import FaultServer, Reply, closed_port

from zoo.errors import FetchError, TransientError
from zoo.fetch import Fetched, FetchOptions, fetch, redact
from zoo.fetching.cache import Cache, key_of
from zoo.manifest import parse_manifest
from zoo.records import Row

DATA = bytes(range(256)) * 1200  # 307,200 bytes that are of no kind
OTHER = DATA[::-1]
SHA256 = hashlib.sha256(DATA).hexdigest()
FAST = FetchOptions(
    connect_seconds=2, stall_seconds=0.3, seconds=20, retries=3, backoff=0.002, retry_after_cap=1.5
)


@pytest.fixture
def server() -> Iterator[FaultServer]:
    with FaultServer() as server:
        yield server


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


def row(url: str, folder: Path | str = "/", **cells: str) -> Row:
    """The row of a manifest with these cells."""
    columns = {"name": "model", "url": url, **cells}
    text = ",".join(columns) + "\n" + ",".join(f'"{cell}"' for cell in columns.values())
    (only,) = parse_manifest(text.encode(), Path(folder) / "manifest.csv")
    return only


def get(
    url: str, cache: Path, *, options: FetchOptions = FAST, moved: list[int] | None = None, **cells: str
) -> Fetched:
    """The only source of a row, fetched."""
    progress = moved.append if moved is not None else lambda count: None
    (only,) = fetch(row(url, **cells), cache, options=options, progress=progress)
    return only


def left(cache: Path) -> list[str]:
    """The files of a cache, without what is known of URLs."""
    found = [path for path in cache.rglob("*") if path.is_file()]
    return sorted(path.name for path in found if path.parent.name != "urls")


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


HEALING = {
    "reset before the answer": Reply(raw=b""),
    "reset in the body": Reply(DATA, reset_after=100_000),
    "closed in the body": Reply(DATA, cut_after=100_000),
    "closed in a chunked body": Reply(DATA, chunked=True, cut_after=100_000),
    "stalled before the body": Reply(DATA, stall_after=0),
    "stalled in the body": Reply(DATA, stall_after=100_000),
    "said to be longer": Reply(DATA, length=len(DATA) + 1000),
    "408": Reply(status=408),
    "425": Reply(status=425),
    "429": Reply(status=429),
    "429 with Retry-After in seconds": Reply(status=429, headers={"Retry-After": "0"}),
    "429 with a Retry-After that is no time": Reply(status=429, headers={"Retry-After": "soon"}),
    "500": Reply(status=500),
    "502": Reply(status=502),
    "503 with Retry-After as a date": Reply(
        status=503, headers={"Retry-After": "Thu, 01 Jan 1970 00:00:00 GMT"}
    ),
    "504": Reply(status=504),
    "no HTTP": Reply(raw=b"SSH-2.0-OpenSSH_9.2\r\n"),
    "headers without end": Reply(raw=b"HTTP/1.1 200 OK\r\nX: " + b"x" * 70_000),
    "too many headers": Reply(raw=b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200 + b"\r\n"),
}


@pytest.mark.parametrize("fault", HEALING.values(), ids=HEALING.keys())
@pytest.mark.parametrize("resumable", [True, False], ids=["with ranges", "without ranges"])
def test_a_fault_that_passes_is_retried(
    fault: Reply, resumable: bool, server: FaultServer, cache: Path
) -> None:
    """What goes wrong once is tried again, and the right bytes come out."""
    etag = '"one"' if resumable else None
    url = server.at("/m.bin", replace(fault, etag=etag), Reply(DATA, ranges=resumable, etag=etag))

    found = get(url, cache)

    assert found.path.read_bytes() == DATA
    assert 1 <= found.retries <= 2
    assert left(cache) == [SHA256]


def test_a_broken_download_is_carried_on_where_it_broke(server: FaultServer, cache: Path) -> None:
    """After a reset only the rest is asked for, under the validator of the first answer."""
    url = server.at(
        "/m.bin", Reply(DATA, etag='"one"', reset_after=100_000), Reply(DATA, etag='"one"', ranges=True)
    )

    found = get(url, cache)

    assert found.transferred == len(DATA)
    second = server.requests[1].headers
    assert second["if-range"] == '"one"'
    assert second["range"] == "bytes=100000-"
    assert second["accept-encoding"] == "identity"


def test_a_weak_etag_is_no_validator(server: FaultServer, cache: Path) -> None:
    """If-Range takes strong validators only; the date of the file serves where the tag is weak."""
    date = "Sun, 06 Nov 1994 08:49:37 GMT"
    whole = Reply(DATA, etag='W/"one"', modified=date, ranges=True)
    url = server.at("/m.bin", replace(whole, cut_after=5_000), whole)

    assert get(url, cache).path.read_bytes() == DATA
    assert server.requests[1].headers["if-range"] == date


def test_a_download_is_carried_on_by_the_next_run(server: FaultServer, cache: Path) -> None:
    """What one run fetched before it gave up, another one does not fetch again."""
    url = server.at("/m.bin", Reply(DATA, etag='"one"', cut_after=200_000), Reply(status=503))
    with pytest.raises(TransientError, match=r"503 Scripted, after 2 tries"):
        get(url, cache, options=replace(FAST, retries=1))
    url = server.at("/m.bin", Reply(DATA, etag='"one"', ranges=True))

    found = get(url, cache)

    assert found.path.read_bytes() == DATA
    assert found.transferred == len(DATA) - 200_000
    assert found.log == ("carried on after 200,000 bytes",)
    assert left(cache) == [SHA256]


RANGES = {
    "the file changed": Reply(OTHER, etag='"two"', ranges=True),
    "the file changed, and If-Range is ignored": Reply(
        OTHER, etag='"two"', content_range=f"bytes 100000-{len(DATA) - 1}/{len(DATA)}"
    ),
    "the file has another size": Reply(
        OTHER[:-1], etag='"one"', content_range=f"bytes 100000-{len(DATA) - 2}/{len(DATA) - 1}"
    ),
    "Range is ignored": Reply(OTHER, etag='"one"'),
    "another range": Reply(OTHER, etag='"one"', content_range=f"bytes 0-{len(DATA) - 1}/{len(DATA)}"),
    "a range that ends early": Reply(OTHER, etag='"one"', content_range=f"bytes 100000-100001/{len(DATA)}"),
    "a range turned around": Reply(OTHER, etag='"one"', content_range=f"bytes 100000-3/{len(DATA)}"),
    "no range": Reply(OTHER, etag='"one"', content_range=""),
    "a range of nonsense": Reply(OTHER, etag='"one"', content_range="lines 3-4/5"),
    "too short for a range": Reply(OTHER[:50_000], etag='"one"', ranges=True),
}


@pytest.mark.parametrize("answer", RANGES.values(), ids=RANGES.keys())
def test_two_versions_are_never_put_together(answer: Reply, server: FaultServer, cache: Path) -> None:
    """Where the rest may belong to another file, the download starts again from the first byte."""
    url = server.at(
        "/m.bin", Reply(DATA, etag='"one"', cut_after=100_000), answer, Reply(answer.body, etag='"new"')
    )

    found = get(url, cache)

    assert found.path.read_bytes() == answer.body
    assert any("started again from the first byte" in note for note in found.log)


def test_a_rest_that_does_not_fit_is_found_by_the_checksum(server: FaultServer, cache: Path) -> None:
    """A server that continues another file under the same tag is caught, and asked again from the start."""
    good = Reply(DATA, etag='"one"', ranges=True)
    url = server.at("/m.bin", replace(good, cut_after=100_000), Reply(OTHER, etag='"one"', ranges=True), good)

    found = get(url, cache, checksum=SHA256)

    assert found.path.read_bytes() == DATA
    assert [request.headers.get("range") for request in server.requests] == [None, "bytes=100000-", None]


PERMANENT = {
    "401": (Reply(status=401), "401 Scripted", "login"),
    "403": (Reply(status=403), "403 Scripted", "login"),
    "404": (Reply(status=404), "404 Scripted", "not there"),
    "410": (Reply(status=410), "410 Scripted", "removed"),
    "418": (Reply(status=418), "418 Scripted", None),
    "501": (Reply(status=501), "501 Scripted", None),
    "204": (Reply(status=204), "204 Scripted", None),
    "304 that nobody asked for": (Reply(status=304), "304 Scripted", None),
    "redirect to nowhere": (Reply(status=302), "302 Scripted", None),
    "an empty file": (Reply(b""), "the file is empty", "mirror"),
    "an HTML page": (Reply(b"<!DOCTYPE html>\n<html>Sign in"), "an HTML page, expected a model", "link"),
    "a page that calls itself an archive": (
        Reply(b"\n <html><head>", headers={"Content-Type": "application/gzip"}),
        "an HTML page",
        "link",
    ),
    "an error of an object store": (
        Reply(b"<?xml version='1.0'?><Error><Code>AccessDenied</Code></Error>"),
        "an XML document",
        "link",
    ),
    "a Git LFS pointer": (
        Reply(b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"a" * 64 + b"\nsize 17020\n"),
        "a Git LFS pointer, not the file it stands for of 17,020 bytes",
        "git lfs pull",
    ),
    "brotli": (Reply(DATA, headers={"Content-Encoding": "br"}), "content coding 'br'", "mirror"),
    "damaged gzip coding": (
        Reply(gzip.compress(DATA)[:-9], headers={"Content-Encoding": "gzip"}),
        "sent compressed, and damaged",
        None,
    ),
}


@pytest.mark.parametrize(("reply", "words", "hint"), PERMANENT.values(), ids=PERMANENT.keys())
def test_what_will_not_pass_is_said_at_once(
    reply: Reply, words: str, hint: str | None, server: FaultServer, cache: Path
) -> None:
    """A lasting fault is one request, an error that names URL and reason, and nothing in the cache."""
    url = server.at("/m.tar.gz", reply)

    with pytest.raises(FetchError) as caught:
        get(url, cache)

    assert not isinstance(caught.value, TransientError)
    assert words in str(caught.value)
    assert url in str(caught.value)
    assert hint is None or hint in (caught.value.hint or "")
    assert len(server.requests) == 1
    assert left(cache) == []


def test_a_fault_that_stays_is_given_up(server: FaultServer, cache: Path) -> None:
    """After the last retry the error says what happened and how often it was tried."""
    url = server.at("/m.bin", Reply(DATA, cut_after=1000))

    with pytest.raises(TransientError, match=r"closed after 1,000 bytes, expected 307,200, after 4 tries"):
        get(url, cache)

    assert len(server.requests) == 4


def test_progress_renews_patience(server: FaultServer, cache: Path) -> None:
    """A download that breaks again and again ends well as long as each try brings it on."""
    step = 100_000
    data = os.urandom(10 * step)
    parts = [Reply(data, etag='"one"', ranges=True, cut_after=step) for _ in range(10)]
    url = server.at("/m.bin", *parts)

    found = get(url, cache, options=replace(FAST, retries=1))

    assert found.path.read_bytes() == data
    assert found.retries == 9


def test_a_refused_connection_is_named(cache: Path) -> None:
    """A server that is not there is retried, and the error says that it refused."""
    with pytest.raises(TransientError, match=r"connection refused while connecting, after 4 tries"):
        get(f"http://127.0.0.1:{closed_port()}/m.bin", cache)


def test_a_name_that_does_not_resolve_is_named(cache: Path) -> None:
    """A host name without an address is an error that names the host."""
    with pytest.raises(FetchError, match=r"host name 'no-such-host\.invalid' cannot be resolved"):
        get("http://no-such-host.invalid/m.bin", cache)


def test_plain_bytes_in_place_of_tls_are_named(server: FaultServer, cache: Path) -> None:
    """An https URL of a server that speaks no TLS is an error about TLS, not a traceback."""
    url = server.at("/m.bin", Reply(DATA)).replace("http:", "https:")

    with pytest.raises(TransientError, match=r"while connecting, after 4 tries"):
        get(url, cache)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for 127.0.0.1 that no one vouches for, with its key."""
    path = tmp_path_factory.mktemp("tls") / "both.pem"
    command = (
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 3650 "
        f"-subj /CN=127.0.0.1 -addext subjectAltName=IP:127.0.0.1 -keyout {path} -out {path}.crt"
    )
    subprocess.run(command.split(), check=True, capture_output=True)
    path.write_text(path.read_text() + Path(f"{path}.crt").read_text())
    return path


def tls(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


def test_a_certificate_that_no_one_vouches_for_is_refused(certificate: Path, cache: Path) -> None:
    """A server that cannot prove who it is gets no second try, and the error says what is wrong."""
    with FaultServer(tls(certificate)) as server:
        url = server.at("/m.bin", Reply(DATA))

        with pytest.raises(FetchError, match="certificate is not to be trusted: self-signed") as caught:
            get(url, cache)

    assert not isinstance(caught.value, TransientError)
    assert not server.requests


def test_https_is_as_patient_as_http(certificate: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a certificate to trust, a broken TLS download is carried on, and a stalled one is left."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with FaultServer(tls(certificate)) as server:
        good = Reply(DATA, etag='"one"', ranges=True)
        broken = [replace(good, cut_after=9), replace(good, reset_after=99), replace(good, stall_after=999)]
        url = server.at("/m.bin", *broken, good)
        assert get(url, cache).path.read_bytes() == DATA
        assert len(server.requests) == 4

        stalled = server.at("/n.bin", Reply(DATA, stall_after=1000, stall_seconds=5))
        start = time.monotonic()
        with pytest.raises(FetchError, match="took longer than the time allowed"):
            get(stalled, cache, options=replace(FAST, seconds=0.4, stall_seconds=5))
        assert time.monotonic() - start < 2

        plain = FaultServer()
        with plain:
            away = server.at(
                "/away", Reply(status=302, headers={"Location": plain.at("/m.bin", Reply(DATA))})
            )
            with pytest.raises(FetchError, match="redirects from https to unencrypted"):
                get(away, cache)


def test_a_long_retry_after_is_not_waited_for(server: FaultServer, cache: Path) -> None:
    """A server that asks for more patience than we have is reported with what it asked."""
    url = server.at("/m.bin", Reply(status=503, headers={"Retry-After": "3600"}))

    with pytest.raises(TransientError, match=r"asks to come back in 3600 s, more than 1\.5 s"):
        get(url, cache)


def test_a_retry_after_is_waited_for(server: FaultServer, cache: Path) -> None:
    """The next request comes no sooner than the server asked for."""
    url = server.at("/m.bin", Reply(status=429, headers={"Retry-After": "1"}), Reply(DATA))
    start = time.monotonic()

    get(url, cache)

    assert time.monotonic() - start >= 1


@pytest.mark.parametrize(
    "slow",
    [
        Reply(DATA, delay=0.05),
        Reply(DATA, delay=0.05, chunked=True),
        Reply(DATA, stall_after=0, stall_seconds=5),
    ],
    ids=["single bytes", "single bytes of chunks", "no bytes"],
)
def test_a_row_has_a_limit_of_time(slow: Reply, server: FaultServer, cache: Path) -> None:
    """A source that keeps the connection alive without end is left at the limit."""
    url = server.at("/m.bin", slow)
    start = time.monotonic()

    with pytest.raises(FetchError, match="took longer than the time allowed"):
        get(url, cache, options=replace(FAST, seconds=0.5, stall_seconds=5))

    assert time.monotonic() - start < 2


def test_slow_headers_do_not_outlast_the_limit(server: FaultServer, cache: Path) -> None:
    """A server that never ends its headers is left at the limit, though single bytes keep coming."""
    stop = threading.Event()

    def drip(request: object) -> None:
        stop.wait(3)

    server.before = drip
    url = server.at("/m.bin", Reply(DATA))
    start = time.monotonic()

    with pytest.raises(FetchError, match="took longer than the time allowed"):
        get(url, cache, options=replace(FAST, seconds=0.4, stall_seconds=5))

    stop.set()
    assert time.monotonic() - start < 2


@pytest.mark.parametrize("length", [None, -1], ids=["announced", "not announced"])
def test_a_row_has_a_limit_of_bytes(length: int | None, server: FaultServer, cache: Path) -> None:
    """A source that is larger than a row may be is refused, from its headers where they say so."""
    url = server.at("/m.bin", Reply(DATA, length=length))
    moved: list[int] = []

    with pytest.raises(FetchError, match="expected at most 100,000 for all sources of a row"):
        get(url, cache, options=replace(FAST, bytes=100_000), moved=moved)

    assert length is not None or not moved


def test_a_file_of_the_wrong_size_is_not_fetched_to_its_end(server: FaultServer, cache: Path) -> None:
    """A length that contradicts the manifest ends the download at its first bytes."""
    data = bytes(4 << 20)
    moved: list[int] = []

    with pytest.raises(FetchError, match=r"holds 4,194,304 bytes, expected 1,000"):
        get(server.at("/m.bin", Reply(data)), cache, size="1000", moved=moved)

    assert sum(moved) <= 1 << 20


REDIRECTS = {
    "file": ("file:///etc/passwd", "expected http or https"),
    "ftp": ("ftp://127.0.0.1/m.bin", "expected http or https"),
    "s3": ("s3://bucket/m.bin", "expected http or https"),
    "data": ("data:text/plain,hello", "expected http or https"),
    "no URL": ("http://[::1/m.bin", "which is no URL"),
    "itself": ("/m.bin", "redirects in a loop"),
}


@pytest.mark.parametrize(("location", "words"), REDIRECTS.values(), ids=REDIRECTS.keys())
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_may_not_lead_anywhere(
    status: int, location: str, words: str, server: FaultServer, cache: Path
) -> None:
    """A redirect to another scheme or in a circle is an error, not a request."""
    url = server.at("/m.bin", Reply(status=status, headers={"Location": location}))

    with pytest.raises(FetchError, match=words):
        get(url, cache)

    assert len(server.requests) == 1


def test_a_redirect_loop_names_its_steps(server: FaultServer, cache: Path) -> None:
    """Two pages that send to each other are both named."""
    first = server.at("/a", Reply(status=302, headers={"Location": "/b"}))
    second = server.at("/b", Reply(status=302, headers={"Location": "/a"}))

    with pytest.raises(FetchError, match=f"in a loop: {first} -> {second} -> {first}"):
        get(first, cache)


def test_redirects_have_a_limit(server: FaultServer, cache: Path) -> None:
    """A chain without end is left after the tenth redirect."""
    for i in range(20):
        server.at(f"/{i}", Reply(status=302, headers={"Location": f"/{i + 1}"}))

    with pytest.raises(FetchError, match="more than 10 redirects"):
        get(server.at("/0", Reply(status=302, headers={"Location": "/1"})), cache)

    assert len(server.requests) == 11


def test_a_redirect_is_followed(server: FaultServer, cache: Path) -> None:
    """The file behind a redirect has the name of the URL that the manifest gives."""
    server.at("/there?x=%20", Reply(DATA))
    url = server.at("/m.bin", Reply(status=302, headers={"Location": "/there?x=%20"}))

    found = get(url, cache)

    assert (found.name, found.archive.url) == ("m.bin", url)


def test_a_password_goes_to_its_own_server_only(server: FaultServer, cache: Path) -> None:
    """Userinfo is sent as Basic authentication, and not to the host that a redirect leads to."""
    with FaultServer() as stranger:
        target = stranger.at("/m.bin", Reply(DATA))
        url = server.at("/m.bin", Reply(status=302, headers={"Location": target}))
        url = url.replace("http://", "http://me:s3cret@")

        found = get(url, cache)

        assert server.requests[0].headers["authorization"] == "Basic bWU6czNjcmV0"
        assert "authorization" not in stranger.requests[0].headers
        assert found.archive.url == url.replace("me:s3cret", "***")


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


def test_content_coding_is_taken_off(server: FaultServer, cache: Path) -> None:
    """A server that compresses although it was asked not to gives the file as it is on its disk."""
    url = server.at("/m.index", Reply(gzip.compress(DATA), headers={"Content-Encoding": "gzip"}))

    assert get(url, cache).path.read_bytes() == DATA
    assert get(url, cache, checksum=SHA256).archive.verified


def test_content_coding_of_an_archive_is_its_own(server: FaultServer, cache: Path) -> None:
    """A .tar.gz that is labelled with the content coding gzip stays a .tar.gz."""
    packed = gzip.compress(DATA)
    url = server.at("/m.tar.gz", Reply(packed, headers={"Content-Encoding": "gzip"}))

    assert get(url, cache).path.read_bytes() == packed
    checksum = hashlib.sha256(DATA).hexdigest()
    other = server.at("/n.tar.gz", Reply(packed, headers={"Content-Encoding": "gzip"}))
    assert get(other, cache, checksum=checksum).path.read_bytes() == DATA


@pytest.mark.parametrize("kind", ["chunked", "until the end"])
def test_a_body_without_length_is_read_to_its_end(kind: str, server: FaultServer, cache: Path) -> None:
    """A server need not say how long a file is."""
    reply = Reply(DATA, chunked=True) if kind == "chunked" else Reply(DATA, length=-1)

    assert get(server.at("/m.bin", reply), cache).path.read_bytes() == DATA


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


def test_proxies_of_the_environment_are_used(
    server: FaultServer, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """http_proxy and no_proxy mean what they mean everywhere; loopback needs no proxy."""
    server.at("http://zoo.invalid:80/m.bin", Reply(DATA))
    monkeypatch.setenv("http_proxy", f"http://me:pw@127.0.0.1:{server.port}")

    assert get("http://zoo.invalid/m.bin", cache).path.read_bytes() == DATA
    assert server.requests[0].headers["proxy-authorization"] == "Basic bWU6cHc="
    assert get(server.at("/n.bin", Reply(OTHER)), cache).path.read_bytes() == OTHER
    monkeypatch.setenv("no_proxy", "zoo.invalid")
    with pytest.raises(FetchError, match=r"'zoo\.invalid' cannot be resolved"):
        get("http://zoo.invalid/o.bin", cache)
