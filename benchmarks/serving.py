"""A real web server on loopback: nginx with sendfile, as in front of any public zoo."""

from __future__ import annotations

import os
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_CONFIG = """
daemon off;
pid {scratch}/nginx.pid;
error_log {scratch}/error.log;
{user}
events {{ worker_connections 512; }}
http {{
    access_log off;
    sendfile on;
    tcp_nopush on;
    client_body_temp_path {scratch}/body;
    proxy_temp_path {scratch}/proxy;
    fastcgi_temp_path {scratch}/fastcgi;
    uwsgi_temp_path {scratch}/uwsgi;
    scgi_temp_path {scratch}/scgi;
    server {{
        listen 127.0.0.1:{port};
        root {root};
        {limit}
    }}
}}
"""


@contextmanager
def nginx(root: Path, *, bytes_per_second: int | None = None) -> Iterator[str]:
    """The base URL of a server for the files below ``root``, each connection capped where asked.

    Raises:
        RuntimeError: the server did not start.
        FileNotFoundError: nginx is not installed (Debian: ``apt-get install nginx-light``).
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with tempfile.TemporaryDirectory(prefix="nginx-") as scratch:
        config = Path(scratch) / "nginx.conf"
        config.write_text(
            _CONFIG.format(
                scratch=scratch,
                port=port,
                root=root.resolve(),
                user="user root;" if os.geteuid() == 0 else "",
                limit=f"limit_rate {bytes_per_second};" if bytes_per_second else "",
            )
        )
        command = ["nginx", "-c", str(config), "-e", f"{scratch}/error.log"]
        with subprocess.Popen(command, start_new_session=True) as server:
            try:
                _wait(port, server)
                yield f"http://127.0.0.1:{port}"
            finally:
                server.terminate()


def _wait(port: int, server: subprocess.Popen[bytes]) -> None:
    for _ in range(100):
        if server.poll() is not None:
            raise RuntimeError(f"nginx ended with exit code {server.returncode}")
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise RuntimeError("nginx did not listen within five seconds")
