"""Fetching over a network that misbehaves, with a real server on a real socket."""

from __future__ import annotations

import gzip
import hashlib
import os
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.faults import FaultServer, Reply, closed_port
from tests.fetch_rows import DATA, FAST, OTHER, SHA256, get, left
from zoo.errors import FetchError, TransientError


@pytest.fixture
def server() -> Iterator[FaultServer]:
    with FaultServer() as server:
        yield server


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


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


KEEP = {
    "of known length": Reply(DATA, keep=True),
    "chunked": Reply(DATA, keep=True, chunked=True),
    "without a body": Reply(b"", keep=True),
}


@pytest.mark.parametrize("last", KEEP.values(), ids=KEEP.keys())
@pytest.mark.parametrize("encrypted", [False, True], ids=["http", "https"])
def test_a_connection_serves_file_after_file(
    last: Reply, encrypted: bool, certificate: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As long as the server keeps it, and every answer was read to its end."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with FaultServer(tls(certificate) if encrypted else None) as server:
        urls = [server.at(f"/{i}.bin", Reply(DATA + bytes([i]), keep=True)) for i in range(3)]
        urls.append(server.at("/last.bin", last))

        found = [get(url, cache, size=str(len(last.body)) if i == 3 else "") for i, url in enumerate(urls)]

        assert [one.path.read_bytes() for one in found[:3]] == [DATA + bytes([i]) for i in range(3)]
        assert found[3].path.read_bytes() == last.body
        assert server.connections == 1


GONE = {
    "closed while nobody used it": [Reply(DATA + b"1", headers={"Connection": "keep-alive"}), Reply(DATA)],
    "closed instead of an answer": [Reply(DATA + b"1", keep=True), Reply(raw=b""), Reply(DATA)],
    "not HTTP any more": [Reply(DATA + b"1", keep=True), Reply(raw=b"SSH-2.0"), Reply(DATA)],
    "announced to be closed": [Reply(DATA + b"1", keep=True, headers={"Connection": "close"}), Reply(DATA)],
}


@pytest.mark.parametrize("replies", GONE.values(), ids=GONE.keys())
def test_a_kept_connection_that_is_gone_is_replaced(
    replies: list[Reply], server: FaultServer, cache: Path
) -> None:
    """That is no failure of the source: no retry is counted, and nobody waits."""
    get(server.at("/a.bin", replies[0]), cache)

    found = get(server.at("/b.bin", *replies[1:]), cache, options=replace(FAST, retries=0))

    assert found.path.read_bytes() == DATA
    assert found.retries == 0
    assert server.connections == 2


def test_a_connection_whose_answer_was_not_wanted_is_not_kept(server: FaultServer, cache: Path) -> None:
    """What is left of it would be taken for the answer to the next request."""
    with pytest.raises(FetchError, match="404"):
        get(server.at("/a.bin", Reply(DATA, status=404, keep=True)), cache)

    assert get(server.at("/b.bin", Reply(DATA)), cache).path.read_bytes() == DATA
    assert server.connections == 2


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


HEADERS = [
    b"Content-Length: 100", b"Content-Length: -5", b"Content-Length: x", b"Content-Length: 99999999999999999",
    b"Transfer-Encoding: chunked", b"Location: /y", b"Location: //", b"Location: http://\xff\xfe/",
    b"Location: http://[", b"Location: ?", b"Content-Range: bytes 5-9/10", b"Content-Encoding: gzip",
    b"Content-Encoding: \x00", b'ETag: "x"', b"ETag: \xff", b"Retry-After: 9999999999999999999999",
    b"Retry-After: \xff", b'Content-Disposition: attachment; filename=\xff"', b": x", b"x", b"X" * 3000,
]  # fmt: skip
BODIES = [
    b"",
    b"x" * 100,
    DATA,
    b"5\r\nhello\r\n0\r\n\r\n",
    b"zz\r\n",
    b"ffffffffffffffff\r\nx",
    b"-1\r\nabc",
]


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    status=st.sampled_from(
        [b"200 OK", b"206", b"301 M", b"404 N", b"503 S", b"100 C", b"999 Z", b"abc", b""]
    ),
    headers=st.lists(st.sampled_from(HEADERS), max_size=4),
    body=st.sampled_from(BODIES),
    edit=st.tuples(st.integers(0, 300), st.binary(max_size=2)),
)
def test_any_answer_is_a_file_or_our_error(
    status: bytes,
    headers: list[bytes],
    body: bytes,
    edit: tuple[int, bytes],
    server: FaultServer,
    cache: Path,
) -> None:
    """Whatever bytes a server sends, no other error comes out, and soon."""
    raw = bytearray(b"\r\n".join([b"HTTP/1.1 " + status, *headers, b"", body]))
    raw[edit[0] : edit[0] + len(edit[1])] = edit[1]
    url = server.at(f"/{len(server.requests)}.bin", Reply(raw=bytes(raw)))
    start = time.monotonic()
    try:
        found = get(url, cache, options=replace(FAST, retries=1, backoff=0.0001, seconds=3))
    except FetchError as error:
        words = str(error)
    else:
        words = found.archive.sha256

    assert words
    assert time.monotonic() - start < 5
