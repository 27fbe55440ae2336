"""The server that workers are forked from, and how it comes into being."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
_START = """
import multiprocessing, os, pathlib, sys, threading
from multiprocessing import forkserver, resource_tracker
from jobs.cluster import start_forkserver

if __name__ == "__main__":
    print("said before")
    if sys.argv[1] == "threads":
        threading.Thread(target=threading.Event().wait, daemon=True).start()
    start_forkserver()
    line = pathlib.Path(f"/proc/{forkserver._forkserver._forkserver_pid}/cmdline").read_text()
    print("forked" if "threads.py" in line else "new interpreter")
    pipe, other = multiprocessing.Pipe()
    born = multiprocessing.get_context("forkserver").Process(target=other.send, args=("a worker answers",))
    born.start()
    print(pipe.recv())
    born.join()
    print("its exit code is", born.exitcode)
    sys.stdout.flush()
    os.close(forkserver._forkserver._forkserver_alive_fd)
    os.waitpid(forkserver._forkserver._forkserver_pid, 0)
    print("the server has ended with us")
"""


@pytest.mark.parametrize(("threads", "kind"), [("none", "forked"), ("threads", "new interpreter")])
def test_the_server_is_a_fork_of_a_process_without_threads(tmp_path: Path, threads: str, kind: str) -> None:
    """Imports are done once where that is safe; either way workers work, and nothing is said twice."""
    script = tmp_path / "threads.py"
    script.write_text(_START)

    done = subprocess.run(
        [sys.executable, str(script), threads], capture_output=True, text=True, check=False, cwd=ROOT,
        timeout=60, env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin"},
    )  # fmt: skip

    assert done.stderr == ""
    assert done.stdout.splitlines() == [
        "said before", kind, "a worker answers", "its exit code is 0", "the server has ended with us",
    ]  # fmt: skip


def test_loggers_of_dask_are_as_the_job_wants_them_in_a_worker_too() -> None:
    """A worker that leaves in the middle of a message is none of the reader's business."""
    script = (
        "import logging\n"
        "from jobs.cluster import connect\n"
        "level = lambda: logging.getLogger('distributed.client').level\n"
        "if __name__ == '__main__':\n"
        "    with connect(workers=1, scheduler=None, scratch='') as client:\n"
        "        print(level(), client.submit(level).result())\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT, timeout=60
    )

    assert done.stdout == "60 60\n"
