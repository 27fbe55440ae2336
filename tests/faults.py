"""A server on a real socket that misbehaves by script.

    with FaultServer() as server:
        url = server.at("/model.bin", Reply(data, reset_after=1000), Reply(data, ranges=True))

The first request for the path gets the first reply, the second one the second, and the last reply is
given for ever.  What was asked is in ``server.requests``.
"""

from __future__ import annotations

import re
import select
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self


@dataclass(frozen=True)
class Reply:
    """One answer: an honest one, but for what is asked of it."""

    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    ranges: bool = False
    """Answer Range requests with the part; If-Range is honoured when there is an ETag."""
    etag: str | None = None
    modified: str | None = None
    length: int | None = None
    """A Content-Length that lies; -1 for none at all, the body ends with the connection."""
    chunked: bool = False
    cut_after: int | None = None
    """Close the connection after so many bytes of the body."""
    reset_after: int | None = None
    """The same, with a reset."""
    stall_after: int | None = None
    """Send nothing more after so many bytes, for ``stall_seconds``."""
    stall_seconds: float = 1.0
    delay: float = 0.0
    """Seconds between single bytes of the body."""
    content_range: str | None = None
    """A Content-Range that lies; the status is 206 then."""
    raw: bytes | None = None
    """Send exactly this instead, and close."""
    keep: bool = False
    """Wait for another request on the same connection."""


@dataclass(frozen=True)
class Request:
    """What a client asked."""

    method: str
    path: str
    headers: Mapping[str, str]
    """By lower-case name."""


class FaultServer:
    """Listens on a free port of the loopback interface while it is entered."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self._tls = tls
        self.requests: list[Request] = []
        self.connections = 0
        self._scripts: dict[str, list[Reply]] = {}
        self._lock = threading.Lock()
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=64)
        self._closing = threading.Event()
        self._threads: list[threading.Thread] = []
        self.port: int = self._socket.getsockname()[1]
        self.before: Callable[[Request], None] = lambda request: None
        """Called with each request before it is answered."""

    def at(self, path: str, *replies: Reply) -> str:
        """The URL of ``path``, which gives these replies in turn."""
        self._scripts[path] = list(replies)
        return f"{'http' if self._tls is None else 'https'}://127.0.0.1:{self.port}{path}"

    def asked(self, path: str) -> list[Request]:
        """The requests for a path, in order."""
        with self._lock:
            return [request for request in self.requests if request.path == path]

    def __enter__(self) -> Self:
        thread = threading.Thread(target=self._serve, daemon=True)
        thread.start()
        self._threads.append(thread)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing.set()
        # Closing a listening socket does not wake accept() on Linux; a connection does.
        with socket.create_connection(("127.0.0.1", self.port), timeout=1):
            pass
        for thread in self._threads:
            thread.join(timeout=5)
        self._socket.close()

    def _serve(self) -> None:
        while True:
            connection, _ = self._socket.accept()
            if self._closing.is_set():
                connection.close()
                return
            self.connections += 1
            thread = threading.Thread(target=self._talk, args=(connection,), daemon=True)
            thread.start()
            self._threads.append(thread)

    def _talk(self, connection: socket.socket) -> None:
        if self._tls is not None:
            try:
                connection = self._tls.wrap_socket(connection, server_side=True)
            except OSError:
                connection.close()
                return
        with connection:
            try:
                while self._answered(connection):
                    while not select.select([connection], [], [], 0.02)[0]:
                        if self._closing.is_set():
                            return
            except OSError:
                return  # the client went away, which is its right

    def _answered(self, connection: socket.socket) -> bool:
        """Whether a request was answered, and another one may follow."""
        request = _read_request(connection)
        if request is None:
            return False
        with self._lock:
            self.requests.append(request)
            script = self._scripts.get(request.path, [Reply(status=404)])
            reply = script.pop(0) if len(script) > 1 else script[0]
        self.before(request)
        self._answer(connection, request, reply)
        return reply.keep

    def _answer(self, connection: socket.socket, request: Request, reply: Reply) -> None:
        if reply.raw is not None:
            connection.sendall(reply.raw)
            return
        status, body, extra = _part(request, reply)
        headers = {"Connection": "keep-alive" if reply.keep else "close", **extra, **reply.headers}
        if reply.etag is not None:
            headers["ETag"] = reply.etag
        if reply.modified is not None:
            headers["Last-Modified"] = reply.modified
        if reply.chunked:
            headers["Transfer-Encoding"] = "chunked"
        elif reply.length != -1:
            headers["Content-Length"] = str(len(body) if reply.length is None else reply.length)
        head = "".join(f"{key}: {value}\r\n" for key, value in headers.items())
        connection.sendall(f"HTTP/1.1 {status} Scripted\r\n{head}\r\n".encode("latin-1"))
        if reply.chunked:
            body = b"".join(
                b"%x\r\n%s\r\n" % (len(body[i : i + 1000]), body[i : i + 1000])
                for i in range(0, len(body), 1000)
            )
            body += b"0\r\n\r\n"
        end = min(
            len(body),
            *(n for n in (reply.cut_after, reply.reset_after, reply.stall_after) if n is not None),
            len(body),
        )
        if reply.delay:
            for i in range(end):
                connection.sendall(body[i : i + 1])
                if self._closing.wait(reply.delay):
                    return
        else:
            connection.sendall(body[:end])
        if reply.stall_after is not None:
            self._closing.wait(reply.stall_seconds)
        if reply.reset_after is not None:
            time.sleep(0.02)  # a reset throws away what the client has not read yet
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def _part(request: Request, reply: Reply) -> tuple[int, bytes, dict[str, str]]:
    """Status, body and headers, with a Range request answered as the reply wants it."""
    wanted = re.fullmatch(r"bytes=(\d+)-", request.headers.get("range", ""))
    if wanted is None or reply.status != 200:
        return reply.status, reply.body, {}
    start, total = int(wanted[1]), len(reply.body)
    if reply.content_range is not None:
        return 206, reply.body[start:], {"Content-Range": reply.content_range}
    validator = request.headers.get("if-range")
    if not reply.ranges or (validator is not None and validator not in (reply.etag, reply.modified)):
        return 200, reply.body, {}
    if start >= total:
        return 416, b"", {"Content-Range": f"bytes */{total}"}
    return 206, reply.body[start:], {"Content-Range": f"bytes {start}-{total - 1}/{total}"}


def _read_request(connection: socket.socket) -> Request | None:
    data = b""
    connection.settimeout(5)
    while b"\r\n\r\n" not in data:
        if not (more := connection.recv(65536)):
            return None
        data += more
        if data.startswith(b"\x16"):
            return None  # the start of TLS
    first, *lines = data.split(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")
    method, path, _ = first.split(" ", 2)
    headers = dict(line.split(": ", 1) for line in lines)
    return Request(method, path, {key.lower(): value for key, value in headers.items()})


def closed_port() -> int:
    """A port of the loopback interface that refuses connections."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
    return port
