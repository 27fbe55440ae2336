"""One row in a process of its own: row and settings as JSON on stdin, how it ended on stdout."""

from __future__ import annotations

import sys

import msgspec

from jobs.cluster import ignore_interrupt
from jobs.rows import Ended, Settings, limit_memory, one
from zoo.records import Row


def main() -> None:
    """Work on the row that stdin holds."""
    ignore_interrupt()
    row, settings = msgspec.json.decode(sys.stdin.buffer.read(), type=tuple[Row, Settings])
    limit_memory(settings.memory_limit)
    ended: Ended = one(row, settings, tell=lambda slug, stage, moved: None)
    sys.stdout.buffer.write(msgspec.json.encode(ended))


if __name__ == "__main__":
    main()
