"""One HTTP(S) download as a stream of bytes, with every way it can go wrong told apart.

Written on `http.client`, because a download needs what higher layers hide: the raw bytes of a range
in a buffer of ours, validators, each redirect, and which failure may pass by itself.
"""

from __future__ import annotations

import base64
import email.utils
import functools
import http.client
import os
import re
import select
import socket
import ssl
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import ClassVar, NamedTuple
from urllib.parse import quote, unquote, urljoin, urlsplit
from urllib.request import getproxies, proxy_bypass

from zoo.alarm import Alarm
from zoo.errors import FetchError, TransientError
from zoo.fetching.stream import RetryLaterError, SourceChanged, Timeouts, redact, too_slow

USER_AGENT = "model-zoo-catalog"


def open_http(
    url: str, *, start: int = 0, validator: str | None = None, timeouts: Timeouts, redirects: int = 10
) -> HttpStream:
    """The file behind ``url`` from byte ``start`` on, redirects followed.

    Raises:
        SourceChanged: ``start`` is not 0 and the server does not continue the same file there.
        TransientError: the server cannot be reached, or says that it may answer later.
        FetchError: it answers anything else but the file.
    """
    origin = urlsplit(url)
    credentials = _basic(origin.username, origin.password)
    seen = [url]
    while True:
        parts = urlsplit(url)
        headers = {"User-Agent": USER_AGENT, "Accept": "*/*", "Accept-Encoding": "identity"}
        if credentials and (parts.scheme, parts.hostname, parts.port) == (
            origin.scheme,
            origin.hostname,
            origin.port,
        ):
            headers["Authorization"] = credentials
        if start:
            headers["Range"] = f"bytes={start}-"
            if validator:
                headers["If-Range"] = validator
        exchange = _Exchange(url, headers, timeouts)
        location = exchange.response.headers.get("Location")
        if exchange.response.status in (301, 302, 303, 307, 308) and location is not None:
            exchange.close()
            url = _redirected(url, location, seen, redirects)
            continue
        try:
            return _accept(exchange, start, validator)
        except BaseException:
            exchange.close()
            raise


def _redirected(url: str, location: str, seen: list[str], limit: int) -> str:
    """Where a redirect leads, if it may be followed; noted in ``seen``."""
    # Servers send raw UTF-8 in a header that http.client reads as Latin-1.
    location = location.strip().encode("latin-1", "replace").decode("utf-8", "replace")
    try:
        target = urljoin(url, location)
        scheme = urlsplit(target).scheme
    except ValueError as error:
        raise FetchError(
            f"{redact(url)}: redirects to {redact(location)[:200]!r}, which is no URL"
        ) from error
    if scheme not in ("http", "https"):
        raise FetchError(
            f"{redact(url)}: redirects to {redact(target)[:200]!r}, expected http or https",
            hint="a redirect may not leave http(s); give the final address in the manifest if you trust it",
        )
    if url.startswith("https:") and scheme == "http":
        raise FetchError(
            f"{redact(url)}: redirects from https to unencrypted {redact(target)[:200]!r}",
            hint="give the final address in the manifest if you trust it, with a checksum",
        )
    if target in seen:
        chain = " -> ".join(redact(step)[:100] for step in [*seen[seen.index(target) :], target])
        raise FetchError(f"{redact(seen[0])}: redirects in a loop: {chain}")
    if len(seen) > limit:
        raise FetchError(
            f"{redact(seen[0])}: more than {limit} redirects, the last to {redact(target)[:200]}"
        )
    seen.append(target)
    return target


def _accept(exchange: _Exchange, start: int, validator: str | None) -> HttpStream:
    """The stream of a final answer, if it is the file."""
    response, name = exchange.response, redact(exchange.url)
    status = response.status
    if status in (408, 425, 429) or (status >= 500 and status not in (501, 505)):
        error = RetryLaterError(f"{name}: the server answered {_status(response)}")
        error.seconds = _retry_after(response.headers.get("Retry-After"))
        raise error
    if status == 416 and start:
        raise SourceChanged(f"the server has no bytes from {start:,} on")
    if status not in (200, 206):
        raise FetchError(f"{name}: the server answered {_status(response)}", hint=_HINTS.get(status))
    etag = response.headers.get("ETag")
    strong = etag if etag and not etag.startswith("W/") else None
    found = strong or response.headers.get("Last-Modified")
    length = response.length  # None where the server does not say
    if status == 200:
        if start:
            raise SourceChanged("the server sent the whole file instead of the rest")
        return HttpStream(exchange, 0, length, length, found)
    given = re.fullmatch(r"\s*bytes\s+(\d+)-(\d+)/(\d+|\*)\s*", response.headers.get("Content-Range", ""))
    if given is None:
        raise SourceChanged("the server sent a part of the file without saying which")
    first, last = int(given[1]), int(given[2])
    total = None if given[3] == "*" else int(given[3])
    if first != start or last < first or (total is not None and last != total - 1):
        raise SourceChanged(f"asked for the bytes from {start:,} on, the server sent {given[0].strip()!r}")
    if length is not None and length != last - first + 1:
        raise SourceChanged(f"the server sent {length:,} bytes as {given[0].strip()!r}")
    if validator and found and found != validator:
        raise SourceChanged("the file on the server has changed")
    return HttpStream(exchange, start, total, last - first + 1, found or validator)


_HINTS: Mapping[int, str] = {
    401: "the source wants a login",
    403: "the source may want a login, or the link has expired",
    404: "the file is not there (any more): check the URL, or add a mirror",
    410: "the file was removed for good: find another source",
    451: "the file may not be given out for legal reasons",
}


def _status(response: http.client.HTTPResponse) -> str:
    reason = "".join(character for character in response.reason[:60] if character.isprintable())
    return f"{response.status} {reason}".strip()


def _retry_after(value: str | None) -> float:
    """Seconds that a Retry-After header asks for, whether it holds seconds or a date; 0 for neither."""
    if value is None:
        return 0.0
    if re.fullmatch(r"\s*\d{1,9}\s*", value):
        return float(value)
    try:
        moment = email.utils.parsedate_to_datetime(value)
        return max(0.0, moment.timestamp() - time.time())
    except (ValueError, OverflowError):
        return 0.0


def _basic(user: str | None, password: str | None) -> str | None:
    if user is None:
        return None
    pair = f"{unquote(user)}:{unquote(password or '')}"
    return "Basic " + base64.b64encode(pair.encode()).decode()


def _port(scheme: str, port: int | None) -> int:
    return port or (443 if scheme == "https" else 80)


def _proxy(scheme: str, host: str) -> str | None:
    """The proxy that the environment sets for a host, as the whole field reads it; none for loopback."""
    if host == "localhost" or host.startswith("127.") or host == "::1":
        return None
    proxies = getproxies()
    if scheme not in proxies or proxy_bypass(host):
        return None
    address = proxies[scheme]
    return address if "://" in address else f"http://{address}"


class _Exchange:
    """One request and the head of its answer; a watchdog ends it at the deadline.

    A server can keep a connection busy with single bytes for ever, and no timeout of the socket
    notices.  So at the deadline another thread shuts the socket down.
    """

    def __init__(self, url: str, headers: Mapping[str, str], timeouts: Timeouts) -> None:
        self.url = url
        self.expired = False
        self.timeouts = timeouts
        self.response: http.client.HTTPResponse
        seconds = timeouts.deadline - time.monotonic()
        if seconds <= 0:
            raise too_slow(url)
        with self.translated("connecting"):
            self._route, target = _route(url)
        kept = _kept(self._route)
        if kept is not None:
            with self.translated("waiting for the answer"):
                try:
                    self._ask(kept, target, headers)
                    return
                except (OSError, http.client.HTTPException) as error:
                    # The server has closed it at this very moment, which is no failure of the source.
                    if self.expired or isinstance(error, TimeoutError):
                        raise
        with self.translated("connecting"):
            connection = _connection(self._route, min(timeouts.connect, seconds))
            connection.connect()
        with self.translated("waiting for the answer"):
            self._ask(connection, target, headers)

    def _ask(self, connection: http.client.HTTPConnection, target: str, headers: Mapping[str, str]) -> None:
        """Send the request over an open connection, and read the head of the answer."""
        self._connection = connection
        self._socket = connection.sock  # the connection forgets it once an answer is there
        self._watchdog = Alarm(self.timeouts.deadline - time.monotonic(), self._expire)
        try:
            self._socket.settimeout(self.timeouts.stall)
            connection.putrequest("GET", target, skip_accept_encoding=True)
            for key, value in headers.items():
                connection.putheader(key, value)
            connection.endheaders()
            self.response = connection.getresponse()
        except BaseException:
            self.close()
            raise

    def close(self, *, done: bool = False) -> None:
        """Let go of the connection; ``done``: the answer was read to its end."""
        self._watchdog.cancel()
        keep = done and not self.expired and not self.response.will_close
        if hasattr(self, "response"):
            self.response.close()
        if keep:
            _keep(self._route, self._connection)
        else:
            self._connection.close()

    def _expire(self) -> None:
        self.expired = True
        try:
            # Not SSLSocket.shutdown, which changes what the reading thread works on.
            socket.socket.shutdown(self._socket, socket.SHUT_RDWR)
        except OSError:
            return  # it was closed meanwhile

    @contextmanager
    def translated(self, doing: str) -> Iterator[None]:
        """Turn what `http.client`, `ssl` and `socket` raise into errors of ours."""
        name = redact(self.url)
        try:
            yield
        except ssl.SSLCertVerificationError as error:
            raise FetchError(
                f"{name}: the server's certificate is not to be trusted: {error.verify_message}",
                hint="check the URL; on a private network, point SSL_CERT_FILE at the certificates it uses",
            ) from error
        except socket.gaierror as error:
            kind = TransientError if error.errno == socket.EAI_AGAIN else FetchError
            raise kind(
                f"{name}: the host name {urlsplit(self.url).hostname!r} cannot be resolved",
                hint="check the URL and the network",
            ) from error
        except TimeoutError as error:
            if self.expired:
                raise too_slow(self.url) from error
            limit = self.timeouts.connect if doing == "connecting" else self.timeouts.stall
            raise TransientError(f"{name}: nothing came for {limit:g} s while {doing}") from error
        except (OSError, http.client.HTTPException) as error:
            if self.expired:
                raise too_slow(self.url) from error
            if isinstance(error, http.client.InvalidURL):
                raise FetchError(f"{name}: expected a URL, found {str(error)[:200]}") from error
            raise TransientError(f"{name}: {_words(error)} while {doing}") from error
        except ValueError as error:
            if self.expired:
                raise too_slow(self.url) from error
            # A host name that cannot be encoded, among others.
            raise FetchError(f"{name}: expected a URL, found {str(error)[:200]}") from error


def _words(error: Exception) -> str:
    if isinstance(error, http.client.IncompleteRead):
        return "the connection was closed early"
    if isinstance(error, http.client.RemoteDisconnected):
        return "the server closed the connection without an answer"
    if isinstance(error, http.client.HTTPException):
        return f"the server does not speak HTTP ({type(error).__name__})"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    return str(error)[:200] or type(error).__name__


class _Route(NamedTuple):
    """What two requests must have in common to go over the same connection."""

    scheme: str
    host: str
    port: int
    proxy: str | None
    certificates: tuple[str | None, str | None]


def _route(url: str) -> tuple[_Route, str]:
    """The way to a URL, and what to ask for there."""
    parts = urlsplit(url)
    scheme, host, port = parts.scheme, parts.hostname or "", _port(parts.scheme, parts.port)
    target = quote(parts.path or "/", safe="/%:=&~+!$,;'@()*") + (
        f"?{quote(parts.query, safe='/%:=&?~+!$,;@()*[]')}" if parts.query else ""
    )
    proxy = _proxy(scheme, host)
    files = (os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR"))
    route = _Route(scheme, host, port, proxy, files if scheme == "https" else (None, None))
    return route, f"http://{host}:{port}{target}" if proxy is not None and scheme == "http" else target


def _connection(route: _Route, timeout: float) -> http.client.HTTPConnection:
    """A connection, not yet open."""
    scheme, host, port, proxy, certificates = route
    context = _tls(*certificates) if scheme == "https" else None
    if proxy is None:
        if context is not None:
            return http.client.HTTPSConnection(host, port, timeout=timeout, context=context)
        return http.client.HTTPConnection(host, port, timeout=timeout)
    via = urlsplit(proxy)
    login = _basic(via.username, via.password)
    headers = {"Proxy-Authorization": login} if login else {}
    via_host, via_port = via.hostname or "", via.port or 8080
    if context is not None:
        tunnel = http.client.HTTPSConnection(via_host, via_port, timeout=timeout, context=context)
        tunnel.set_tunnel(host, port, headers)
        return tunnel
    connection = _PlainProxy(via_host, via_port, timeout=timeout)
    connection.extra = headers
    return connection


_KEPT = 15.0
"""Seconds for which a connection without a request is kept: a server that has vanished says nothing."""
_MOST_KEPT = 8
_idle: dict[_Route, tuple[http.client.HTTPConnection, float]] = {}
"""Open connections that nobody uses, and since when, on the clock of `time.monotonic`."""


def _kept(route: _Route) -> http.client.HTTPConnection | None:
    """An open connection from an earlier request; nobody else has it any more."""
    connection, since = _idle.pop(route, (None, 0.0))
    if connection is None:
        return None
    look = select.poll()
    look.register(connection.sock, select.POLLIN)
    # What can be read without having asked is the end of the connection, or nothing that belongs to us.
    if time.monotonic() - since > _KEPT or look.poll(0):
        connection.close()
        return None
    return connection


def _keep(route: _Route, connection: http.client.HTTPConnection) -> None:
    """Have a connection for the next request; one for each route is enough."""
    for old in (route, *list(_idle)[: 1 - _MOST_KEPT]):
        other, _ = _idle.pop(old, (None, 0.0))
        if other is not None:
            other.close()
    _idle[route] = connection, time.monotonic()


def _forget() -> None:
    """In a forked process: the connections are the parent's."""
    for connection, _ in _idle.values():
        # Only our copy: a farewell over TLS would end the parent's.
        os.close(connection.sock.detach())
    _idle.clear()


os.register_at_fork(after_in_child=_forget)


@functools.cache
def _tls(file: str | None, folder: str | None) -> ssl.SSLContext:
    """The rules for https; made once for what the environment says, since it takes 20 ms."""
    return ssl.create_default_context()  # OpenSSL itself reads the two variables


class _PlainProxy(http.client.HTTPConnection):
    """A connection to a proxy that gets its login with every request."""

    extra: Mapping[str, str] = {}

    def endheaders(self, message_body: object = None, *, encode_chunked: bool = False) -> None:
        for key, value in self.extra.items():
            self.putheader(key, value)
        super().endheaders()


class HttpStream:
    """The body of an answer; see `zoo.fetching.stream.Stream`."""

    _chunk: ClassVar[int] = 1 << 18

    def __init__(
        self, exchange: _Exchange, start: int, total: int | None, length: int | None, validator: str | None
    ) -> None:
        self.start = start
        self.total = total
        self.validator = validator
        self.url = exchange.url
        response = exchange.response
        self.filename = _disposition(response.headers.get("Content-Disposition"))
        self.encoding = response.headers.get("Content-Encoding", "identity").strip().lower() or "identity"
        self._exchange = exchange
        self._left = length
        self._ended = False

    def readinto(self, view: memoryview) -> int:
        """See `zoo.fetching.stream.Stream.readinto`."""
        response = self._exchange.response
        with self._exchange.translated("waiting for more"):
            if self._left is None:
                data = response.read1(min(len(view), self._chunk))
                view[: len(data)] = data
                count = len(data)
            elif self._left == 0:
                return 0
            else:
                # Straight from the socket into our buffer; read() would copy twice.
                count = response.fp.readinto1(view[: min(len(view), self._left)])
                self._left -= count
        if count == 0 and self._exchange.expired:
            raise too_slow(self.url)
        self._ended = count == 0 if self._left is None else self._left == 0
        return count

    def close(self) -> None:
        """See `zoo.fetching.stream.Stream.close`."""
        self._exchange.close(done=self._ended)


def _disposition(value: str | None) -> str | None:
    """The file name in a Content-Disposition header (RFC 6266)."""
    if value is None:
        return None
    if extended := re.search(r"filename\*\s*=\s*utf-8'[^']*'([^;\s]+)", value, re.IGNORECASE):
        return unquote(extended[1], errors="replace")
    plain = re.search(r'filename\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^;\s]+))', value, re.IGNORECASE)
    return (plain[1] or plain[2] or None) if plain else None
