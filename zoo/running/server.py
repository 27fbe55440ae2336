"""A server that does each job in a process of its own, forked from one that is already warm.

One thread, one loop: connections bring jobs, a job becomes a fork that sends its answer through a
pipe and ends, the server kills what overstays its time.  It lives as long as somebody is connected.
"""

from __future__ import annotations

import contextlib
import logging
import os
import resource
import selectors
import signal
import socket
import sys
import time
import traceback
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from zoo.running import confine
from zoo.running.tasks import MAX_MESSAGE, Answer, Job, Refused, body, frame, frame_length

log = logging.getLogger(__name__)

Work = Callable[[Job], Answer]

LINGER = 5.0
"""Seconds that a shared server stays after its last client has left."""

HELLO = "ready"
"""What a client hears first."""

_OUT_OF_MEMORY = (
    "bad_alloc", "out of memory", "OOM when allocating", "Cannot allocate memory", "MemoryError",
    "Failed to serialize proto",
)  # fmt: skip


@dataclass
class _Client:
    connection: socket.socket
    received: bytearray = field(default_factory=bytearray)


@dataclass
class _Running:
    """A job in a process of its own."""

    job: Job
    client: _Client
    pid: int
    pipe: int
    deadline: float
    resident: int
    """Bytes that it shared with the server when it began."""
    received: bytearray = field(default_factory=bytearray)
    late: bool = False


class Server:
    """Does the jobs that its clients send, up to ``max_running`` at a time."""

    def __init__(self, work: Work, *, max_running: int) -> None:
        self.work = work
        self.max_running = max_running
        self.selector = selectors.DefaultSelector()
        self.clients: list[_Client] = []
        self.waiting: deque[tuple[Job, _Client]] = deque()
        self.running: list[_Running] = []
        self.listener: socket.socket | None = None

    def serve(self, connection: socket.socket | None = None, listener: socket.socket | None = None) -> None:
        """Work until the last client has left, and with a listener nobody new came for a while."""
        if connection is not None:
            self._welcome(connection)
        self.listener = listener
        if listener is not None:
            self.selector.register(listener, selectors.EVENT_READ, listener)
        idle_since = time.monotonic()
        while True:
            if self.clients or self.running:
                idle_since = time.monotonic()
            elif listener is None or time.monotonic() - idle_since > LINGER:
                return
            for key, _ in self.selector.select(self._timeout()):
                if key.data is listener and listener is not None:
                    self._welcome(listener.accept()[0])
                elif isinstance(key.data, _Client):
                    self._receive(key.data)
                elif isinstance(key.data, _Running):
                    self._collect(key.data)
            now = time.monotonic()
            for late in [one for one in self.running if not one.late and now > one.deadline]:
                late.late = True
                _kill(late.pid)
            while self.waiting and len(self.running) < self.max_running:
                self._start(*self.waiting.popleft())

    def _timeout(self) -> float | None:
        if self.running:
            return max(0.0, min(one.deadline for one in self.running) - time.monotonic()) + 0.01
        return None if self.clients else 0.5

    def _welcome(self, connection: socket.socket) -> None:
        client = _Client(connection)
        connection.sendall(frame(HELLO))
        self.clients.append(client)
        self.selector.register(connection, selectors.EVENT_READ, client)

    def _receive(self, client: _Client) -> None:
        try:
            data = client.connection.recv(1 << 20)
        except OSError:
            data = b""
        if not data:
            self._part(client)
            return
        client.received += data
        try:
            while (length := frame_length(client.received)) is not None and len(client.received) >= length:
                job = msgspec.json.decode(body(bytes(client.received[:length])), type=Job)
                del client.received[:length]
                self.waiting.append((job, client))
        except (ValueError, msgspec.DecodeError) as error:
            log.warning("a client sent what is no job: %s", error)
            self._part(client)

    def _part(self, client: _Client) -> None:
        """A client left, or died: nobody waits for its jobs any more."""
        self.selector.unregister(client.connection)
        client.connection.close()
        self.clients.remove(client)
        self.waiting = deque(item for item in self.waiting if item[1] is not client)
        for one in self.running:
            if one.client is client:
                _kill(one.pid)

    def _start(self, job: Job, client: _Client) -> None:
        reader, writer = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.close(reader)
            # With these open, a client could wait for a server that is gone.
            inherited = [one.connection for one in self.clients]
            _child(job, writer, self.work, inherited + ([self.listener] if self.listener else []))
        os.close(writer)
        os.set_blocking(reader, False)
        deadline = time.monotonic() + job.limits.wall
        one = _Running(job, client, pid, reader, deadline, confine.resident_size())
        self.running.append(one)
        self.selector.register(reader, selectors.EVENT_READ, one)

    def _collect(self, one: _Running) -> None:
        """Take what the process sent; at the end of it, answer the client."""
        try:
            data = os.read(one.pipe, 1 << 20)
        except BlockingIOError:
            return
        one.received += data
        if len(one.received) > MAX_MESSAGE:
            _kill(one.pid)
            data = b""
        if data:
            return
        self.selector.unregister(one.pipe)
        os.close(one.pipe)
        self.running.remove(one)
        status, peak = _reap(one.pid)
        if one.client in self.clients:
            try:
                one.client.connection.sendall(_verdict(one, status, peak - one.resident))
            except OSError:
                self._part(one.client)


def _verdict(one: _Running, status: int, taken: int) -> bytes:
    """The frame to send: the process's own whole answer, or what ended the process."""
    try:
        length = frame_length(one.received)
    except ValueError:
        length = None
    if length is not None and length == len(one.received):
        return bytes(one.received)
    return frame(ending(one.job, status, taken=taken, late=one.late))


def ending(job: Job, status: int, *, taken: int, late: bool) -> Refused:
    """What is to be said of a process that ended with wait status ``status`` and gave no answer.

    ``taken`` is how many bytes of memory it held at most.
    """
    limits, tail = job.limits, _tail(Path(job.scratch) / "log")
    if late:
        reason = f"time limit: it was still running after {limits.wall:g} s"
        return Refused(kind="limit", reason=reason, hint="allow it more time", log=tail)
    if not os.WIFSIGNALED(status):
        reason = f"its process ended with exit status {os.waitstatus_to_exitcode(status)} and no answer"
        return Refused(kind="died", reason=reason, log=tail)
    number = os.WTERMSIG(status)
    if number == signal.SIGXCPU:
        return Refused(kind="limit", reason=f"processor time limit: it used {limits.cpu:g} s", log=tail)
    if any(text in tail for text in _OUT_OF_MEMORY):
        return Refused(kind="limit", reason=memory_reason(limits.memory), hint=MORE_MEMORY, log=tail)
    name = signal.Signals(number).name if number in set(signal.Signals) else f"signal {number}"
    known = {
        signal.SIGKILL: "killed from outside, as a rule by the system, out of memory",
        signal.SIGSEGV: "a memory fault in a kernel of TensorFlow",
        signal.SIGABRT: "a check in TensorFlow failed",
        signal.SIGILL: "an instruction that this processor does not have",
    }
    text = next((f" ({words})" for signum, words in known.items() if signum == number), "")
    if number in _CRASHES and 2 * taken > limits.memory:
        # Much in TensorFlow does not look whether it was given the memory that it asked for.
        held, most = taken >> 20, limits.memory >> 20
        reason = f"memory limit: {name} after it had taken {held} of {most} MiB"
        return Refused(kind="limit", reason=reason, hint=MORE_MEMORY, log=tail)
    return Refused(kind="died", reason=f"its process was ended by {name}{text}", log=tail)


_CRASHES = (signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS)


MORE_MEMORY = "allow it more memory"


def memory_reason(memory: int) -> str:
    """The sentence for a task that wanted more memory than it may have."""
    return f"memory limit: it wanted more than {memory / (1 << 20):.0f} MiB"


def out_of_memory(error: BaseException) -> bool:
    """Whether an exception says that memory ran out."""
    return isinstance(error, MemoryError) or any(text in str(error) for text in _OUT_OF_MEMORY)


def _tail(path: Path, size: int = 4000) -> str:
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - size))
            return file.read().decode("utf-8", "replace")
    except OSError:
        return ""


def _kill(pid: int) -> None:
    # The process leads a group; before it came to that, only the process itself exists.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(pid, signal.SIGKILL)


def _reap(pid: int) -> tuple[int, int]:
    """Wait status, and most bytes held, of a process that has closed its pipe."""
    until = time.monotonic() + 5
    while True:
        done, status, usage = os.wait4(pid, os.WNOHANG)
        if done:
            return status, usage.ru_maxrss << 10
        if time.monotonic() > until:
            _kill(pid)
        time.sleep(0.002)


def _child(job: Job, writer: int, work: Work, inherited: list[socket.socket]) -> None:
    """Do one job, confined, and end the process: this never returns."""
    try:
        os.setsid()
        confine.die_with_parent()
        for connection in inherited:
            connection.close()
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        scratch = Path(job.scratch)
        output = os.open(scratch / "log", os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        for target in (1, 2):
            os.dup2(output, target)
        confine.confine(job.limits, scratch, [Path(path) for path in (job.scratch, *job.readable)])
        os.chdir(scratch)
        answer = frame(_answer(job, work))
        done = 0
        while done < len(answer):
            done += os.write(writer, answer[done : done + (1 << 16)])
    except BaseException:  # the process ends here whatever happens; its log tells
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(0)


def _answer(job: Job, work: Work) -> Answer:
    before = confine.resident_size()
    try:
        return work(job)
    except Exception as error:
        # The boundary between processes: an exception becomes a value here.
        taken = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10) - before
        if out_of_memory(error) or 2 * taken > job.limits.memory:
            return Refused(kind="limit", reason=memory_reason(job.limits.memory), hint=MORE_MEMORY)
        traceback.print_exc()
        reason = f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"
        return Refused(kind="bug", reason=reason, log=traceback.format_exc()[-4000:])
