"""A file server to start as a process: ``python tests/gated_server.py ADDRESS FOLDER LOG``.

Prints its port.  Notes ``CLIENT PATH`` of each request in LOG; a path with ``slow`` in it is answered
once FOLDER has a file ``gate``.
"""

from __future__ import annotations

import sys
import time
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any


def main() -> None:
    """Serve until killed."""
    address, folder, log = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])

    class Handler(SimpleHTTPRequestHandler):
        def __init__(self, *arguments: Any) -> None:
            super().__init__(*arguments, directory=str(folder))

        def do_GET(self) -> None:
            with log.open("a") as file:
                file.write(f"{self.client_address[0]} {self.path}\n")
            while "slow" in self.path and not (folder / "gate").exists():
                time.sleep(0.05)
            super().do_GET()

        def log_message(self, format: str, *arguments: object) -> None:
            pass

    server = ThreadingHTTPServer((address, 0), Handler)
    print(server.server_address[1], flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
