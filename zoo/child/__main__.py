"""Serves jobs to `zoo.runner`: see the package."""

from __future__ import annotations

import argparse
import os
import signal
import socket
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from tensorflow.python.framework import kernels

from zoo.child.comparing import compare
from zoo.child.executing import execute
from zoo.child.freezing import freeze, rebuild
from zoo.child.graphs import CannotError, UnsafeError
from zoo.running.confine import lift_memory_limit
from zoo.running.server import Server
from zoo.running.tasks import (
    Answer,
    Compare,
    Execute,
    Freeze,
    Job,
    Probe,
    Probed,
    Proof,
    Rebuild,
    Refused,
)


def work(job: Job) -> Answer:
    """Do one job: called in a forked and confined process."""
    try:
        match job.task:
            case Compare():
                return Proof(proof=compare(job.task, job.threads))
            case Freeze():
                return freeze(job.task, job.threads)
            case Rebuild():
                return rebuild(job.task)
            case Execute():
                return execute(job.task, job.threads)
            case Probe():
                return probe(job.task)
    except UnsafeError as error:
        return Refused(kind="unsafe", reason=str(error), hint=error.hint)
    except CannotError as error:
        return Refused(kind="impossible", reason=str(error), hint=error.hint)


def probe(task: Probe) -> Probed:
    """Try what the confinement is there to stop."""
    if task.act == "spin":
        while True:
            pass
    if task.act == "allocate":
        held = []
        while True:
            held.append(np.ones(1 << 24))
    if task.act in ("segv", "kill"):
        os.kill(os.getpid(), signal.SIGSEGV if task.act == "segv" else signal.SIGKILL)
    findings = {"server": str(os.getppid())}
    attempts: dict[str, Callable[[], object]] = {
        "write": lambda: Path(task.outside).write_bytes(b"x"),
        "read": lambda: Path(task.secret).read_bytes(),
        "scratch": lambda: Path("own").write_bytes(b"x"),
        "connect": lambda: socket.create_connection(task.address, timeout=2),
        "program": lambda: os.posix_spawn("/bin/true", ["true"], {}),
    }
    for name, attempt in attempts.items():
        try:
            attempt()
            findings[name] = "done"
        except OSError as error:
            findings[name] = type(error).__name__
    return Probed(findings=findings)


def list_ops() -> str:
    """Every op that TensorFlow registers, a line each: see `zoo.risk.OPS_FILE`."""
    from tensorflow.core.framework import op_def_pb2
    from tensorflow.python.client import pywrap_tf_session

    ops = op_def_pb2.OpList.FromString(pywrap_tf_session.TF_GetBuffer(pywrap_tf_session.TF_GetAllOpList()))
    registered = kernels.get_all_registered_kernels().kernel
    on_cpu = {kernel.op for kernel in registered if kernel.device_type in ("CPU", "DEFAULT")}
    lines = []
    for op in sorted(ops.op, key=lambda op: str(op.name)):
        flags = ["stateful"] * op.is_stateful + ["no-kernel"] * (op.name not in on_cpu)
        lines.append(" ".join([op.name, *flags]) + "\n")
    return "".join(lines)


def main(argv: Sequence[str] | None = None) -> int:
    """Serve jobs on the socket given by number, or on the one at a path; end with the last client."""
    parser = argparse.ArgumentParser(prog="python -m zoo.child", description=__doc__)
    parser.add_argument("--connection", type=int, help="number of an open, connected socket")
    parser.add_argument("--listener", type=int, help="number of an open, listening socket")
    parser.add_argument("--max-running", type=int, default=1)
    parser.add_argument("--list-ops", action="store_true", help="print every op that is registered")
    options = parser.parse_args(argv)
    if options.list_ops:
        sys.stdout.write(list_ops())
        return 0
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the one who started us decides when we end
    lift_memory_limit()
    server = Server(work, max_running=options.max_running)
    connection = None if options.connection is None else socket.socket(fileno=options.connection)
    listener = None if options.listener is None else socket.socket(fileno=options.listener)
    server.serve(connection, listener)
    return 0


if __name__ == "__main__":
    sys.exit(main())
