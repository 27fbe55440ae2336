"""A cluster as people run one: Dask's own commands, a process group each, on one or several networks."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

# A host that is cut off says nothing, and Dask waits 30 s for it by default.
_SOON = {
    "DASK_DISTRIBUTED__COMM__TIMEOUTS__TCP": "11s",
    "DASK_DISTRIBUTED__WORKER__PROFILE__ENABLED": "False",
    "NO_PROXY": "*",
}


@dataclass
class Host:
    """A machine, or what stands for one: where commands run and which address they have."""

    folder: Path
    """Its own disk."""
    address: str = "127.0.0.1"
    namespace: str | None = None
    """Its network, None for that of the tests."""
    hidden: Path | None = None
    """The disk of another one, of which it sees nothing."""
    started: list[subprocess.Popen[str]] = field(default_factory=list)

    def start(
        self, arguments: Sequence[str], *, tree: Path = ROOT, log: str | None = None
    ) -> subprocess.Popen[str]:
        """A process on this host with the project as it is in ``tree``; killed with the host."""
        temporary = self.folder / "tmp"
        temporary.mkdir(parents=True, exist_ok=True)
        command = list(arguments)
        if self.hidden is not None:
            command = ["sh", "-c", 'mount -t tmpfs none "$0" && exec "$@"', str(self.hidden), *command]
        if self.namespace is not None:
            command = ["ip", "netns", "exec", self.namespace, *command]
        environment = {
            **{name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")},
            **_SOON,
            "PYTHONPATH": str(tree),
            "TMPDIR": str(temporary),
            "HOME": str(self.folder),
        }
        output = (self.folder / log).open("w") if log else None
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output or subprocess.PIPE,
            stderr=subprocess.STDOUT if output else subprocess.PIPE,
            text=True,
            cwd=self.folder,
            env=environment,
            start_new_session=True,
        )
        if output is not None:
            output.close()
        self.started.append(process)
        return process

    def scheduler(self) -> str:
        """The address of a scheduler that was started here."""
        self.start(
            [
                *(sys.executable, "-m", "distributed.cli.dask_scheduler", "--host", self.address),
                *("--port", "0", "--no-dashboard"),
            ],
            log="scheduler.log",
        )
        found: list[str] = []

        def ready() -> bool:
            found[:] = re.findall(r"Scheduler at: +(tcp://\S+)", (self.folder / "scheduler.log").read_text())
            return bool(found)

        wait_until(ready)
        return found[0]

    def worker(self, scheduler: str, *, tree: Path = ROOT) -> None:
        """Start a worker here."""
        self.start(
            [
                *(sys.executable, "-m", "distributed.cli.dask_worker", scheduler, "--host", self.address),
                *("--nthreads", "2", "--memory-limit", "0", "--no-dashboard"),
                *("--local-directory", str(self.folder / "scratch"), "--death-timeout", "30"),
            ],
            tree=tree,
            log="worker.log",
        )

    def joined(self) -> bool:
        """Whether the worker of this host has found its scheduler."""
        return "Registered to:" in (self.folder / "worker.log").read_text()

    def server(self, folder: Path, log: Path) -> str:
        """The address of a file server that was started here, see `tests.gated_server`."""
        script = str(ROOT / "tests" / "gated_server.py")
        process = self.start([sys.executable, script, self.address, str(folder), str(log)])
        assert process.stdout is not None
        return f"http://{self.address}:{int(process.stdout.readline())}"

    def cut(self) -> None:
        """Pull the plug: of the network where the host has one of its own, else of the machine."""
        if self.namespace is not None:
            subprocess.run(["ip", "-n", self.namespace, "link", "set", "eth0", "down"], check=True)
            return
        self.kill()

    def kill(self) -> None:
        """End all that was started here, at once."""
        for process in self.started:
            try:
                os.killpg(process.pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        for process in self.started:
            process.communicate()
        self.started.clear()


@contextmanager
def hosts(made: Sequence[Host]) -> Iterator[Sequence[Host]]:
    """Hosts that are off when the block ends."""
    for host in made:
        host.folder.mkdir(parents=True, exist_ok=True)
    try:
        yield made
    finally:
        for host in made:
            host.kill()


@contextmanager
def networks(names: Sequence[str]) -> Iterator[None]:
    """Network namespaces on one bridge: the first is 10.213.0.1 and holds it, the others follow.

    Raises:
        OSError: this machine does not allow it.
    """
    hub = names[0]
    try:
        for name in names:
            _ip("netns", "add", name)
            _ip("-n", name, "link", "set", "lo", "up")
        _ip("-n", hub, "link", "add", "hub", "type", "bridge")
        _ip("-n", hub, "addr", "add", "10.213.0.1/24", "dev", "hub")
        _ip("-n", hub, "link", "set", "hub", "up")
        for number, name in enumerate(names[1:], 2):
            port = f"port{number}"
            _ip("-n", hub, "link", "add", port, "type", "veth", "peer", "name", "eth0", "netns", name)
            _ip("-n", hub, "link", "set", port, "master", "hub", "up")
            _ip("-n", name, "addr", "add", f"10.213.0.{number}/24", "dev", "eth0")
            _ip("-n", name, "link", "set", "eth0", "up")
        yield
    finally:
        for name in names:
            subprocess.run(["ip", "netns", "del", name], check=False, capture_output=True)


def _ip(*arguments: str) -> None:
    try:
        subprocess.run(["ip", *arguments], check=True, capture_output=True, text=True)
    except subprocess.CalledProcessError as error:
        raise OSError(f"ip {' '.join(arguments)}: {error.stderr.strip()}") from error


def wait_until(ready: Callable[[], object], seconds: float = 60.0) -> None:
    """Return when ``ready`` is true; an error after ``seconds``."""
    deadline = time.monotonic() + seconds
    while not ready():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)
