"""How a process that runs a stranger's graph is confined: limits, no network, no other files.

Everything here is for the process itself to call, once, before it looks at the graph; none of it
can be undone, or is inherited upwards.  ``python -m zoo.running.confine`` prints what holds here.

Sources: setrlimit(2), landlock(7) with abi numbers from Documentation/userspace-api/landlock.rst,
user_namespaces(7).
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import resource
import struct
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from zoo.running.tasks import Limits

# landlock(7): what an access right is called, by bit, and since which ABI the kernel knows it.
_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
_TRUNCATE = 1 << 14
_FS_RIGHTS = ((1, 13), (2, 14), (3, 15), (5, 16))
"""(ABI, number of file system rights that it knows)."""
_READ = _READ_FILE | _READ_DIR
_ON_FILES = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE
_TCP = 0b11
_SCOPES = 0b11
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_PATH_BENEATH = 1
_O_PATH = getattr(os, "O_PATH", 0)

_CLONE_NEWUSER, _CLONE_NEWNET = 0x10000000, 0x40000000
_PR_SET_PDEATHSIG, _PR_SET_NO_NEW_PRIVS = 1, 38

_SYSTEM = (
    "/usr", "/lib", "/lib64", "/proc", "/sys", "/dev", "/etc/ld.so.cache", "/etc/localtime",
    "/etc/nsswitch.conf", "/etc/passwd",
)  # fmt: skip
"""What the C library, Python and TensorFlow read; other processes' secrets in /proc stay closed."""

NOT_HERE = "not on this platform"


def confine(limits: Limits, scratch: Path, readable: Sequence[Path]) -> dict[str, str]:
    """Confine this process for good; answers what holds, and by which means.

    Args:
        limits: what it may use.
        scratch: the folder below which it may make and write files.
        readable: files and folders that it may read; nothing else, if the kernel can hold to that.
    """
    holds = _set_limits(limits)
    no_new_privileges = _prctl(_PR_SET_NO_NEW_PRIVS, 1)
    namespace = _leave_network()
    abi = _landlock_abi() if no_new_privileges else 0
    landlock = _landlock(abi, scratch, readable) if abi else "no Landlock in this kernel"
    locked = f"Landlock (ABI {abi})" if abi and landlock is None else None
    holds["no network"] = namespace or (f"{locked}: no TCP" if locked and abi >= 4 else NOT_HERE)
    holds["no writes outside the scratch folder"] = locked or landlock or NOT_HERE
    holds["no reads outside the model and the installation"] = locked or landlock or NOT_HERE
    holds["no other programs"] = locked or landlock or NOT_HERE
    return holds


def _set_limits(limits: Limits) -> dict[str, str]:
    holds = {"wall time": "the server kills it"}
    cpu = max(1, round(limits.cpu))
    resource.setrlimit(resource.RLIMIT_CPU, (cpu, cpu + 5))
    holds["processor time"] = "RLIMIT_CPU"
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (limits.file, limits.file))
    holds["file size"] = "RLIMIT_FSIZE"
    held = data_size()
    if held is None:
        holds["memory"] = NOT_HERE
    else:
        # RLIMIT_AS would count the address space that TensorFlow's allocators only reserve.
        most = resource.getrlimit(resource.RLIMIT_DATA)[1]
        limit = held + limits.memory if most == resource.RLIM_INFINITY else min(held + limits.memory, most)
        resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
        holds["memory"] = "RLIMIT_DATA"
    return holds


def lift_memory_limit() -> None:
    """Take back the soft memory limit that the process was started with: every job has its own."""
    most = resource.getrlimit(resource.RLIMIT_DATA)[1]
    resource.setrlimit(resource.RLIMIT_DATA, (most, most))


def data_size() -> int | None:
    """Bytes of writable private memory that this process has mapped; None where that is not told."""
    try:
        lines = Path("/proc/self/status").read_text("ascii", "replace").splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) << 10 for line in lines if line.startswith("VmData:")), None)


def resident_size() -> int:
    """Bytes of memory that this process has in use, shared ones included; 0 where that is not told."""
    try:
        pages = Path("/proc/self/statm").read_text("ascii").split()[1]
    except (OSError, IndexError):
        return 0
    return int(pages) * resource.getpagesize()


def die_with_parent() -> None:
    """Have the kernel kill this process when the one that forked it ends (Linux)."""
    _prctl(_PR_SET_PDEATHSIG, 9)


def _libc() -> ctypes.CDLL | None:
    return ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def _prctl(option: int, value: int) -> bool:
    libc = _libc()
    return libc is not None and libc.prctl(option, value, 0, 0, 0) == 0


def _leave_network() -> str | None:
    """Move to a network namespace of its own, without any interface; None if that is not allowed."""
    libc = _libc()
    if libc is None:
        return None
    user, group = os.getuid(), os.getgid()
    if libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNET) != 0:
        return None
    # Without a mapping the process is nobody to itself, and some libraries look up their user.
    with contextlib.suppress(OSError):
        Path("/proc/self/setgroups").write_text("deny", "ascii")
        Path("/proc/self/uid_map").write_text(f"{user} {user} 1", "ascii")
        Path("/proc/self/gid_map").write_text(f"{group} {group} 1", "ascii")
    return "a network namespace without interfaces"


def _landlock_abi() -> int:
    libc = _libc()
    if libc is None:
        return 0
    abi: int = libc.syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), ctypes.c_uint32(1))
    return max(abi, 0)


def _landlock(abi: int, scratch: Path, readable: Sequence[Path]) -> str | None:
    """Restrict the file system (and TCP, and signals) to what is listed; None, or why it failed."""
    libc = _libc()
    if libc is None:
        return NOT_HERE
    every = (1 << max(count for since, count in _FS_RIGHTS if since <= abi)) - 1
    network, scopes = (_TCP if abi >= 4 else 0), (_SCOPES if abi >= 6 else 0)
    attributes = struct.pack("<QQQ", every, network, scopes)[: 24 if abi >= 6 else 16 if abi >= 4 else 8]
    rules = libc.syscall(_CREATE_RULESET, attributes, ctypes.c_size_t(len(attributes)), ctypes.c_uint32(0))
    if rules < 0:
        return f"Landlock refused: {os.strerror(ctypes.get_errno())}"
    try:
        # Nobody needs to run a program, so no rule allows it.
        _allow(libc, rules, scratch, every & ~_EXECUTE)
        _allow(libc, rules, Path("/dev/null"), (_READ_FILE | _WRITE_FILE | _TRUNCATE) & every)
        for path in (*_system_paths(), *readable):
            _allow(libc, rules, path, _READ)
        if libc.syscall(_RESTRICT_SELF, rules, ctypes.c_uint32(0)) != 0:
            return f"Landlock refused: {os.strerror(ctypes.get_errno())}"
    finally:
        os.close(rules)
    return None


def _allow(libc: ctypes.CDLL, rules: int, path: Path, rights: int) -> None:
    try:
        handle = os.open(path, _O_PATH | os.O_CLOEXEC)
    except OSError:
        return  # what is not there needs no rule
    try:
        allowed = rights if path.is_dir() else rights & _ON_FILES
        rule = struct.pack("<Qi", allowed, handle)
        libc.syscall(_ADD_RULE, rules, _PATH_BENEATH, rule, ctypes.c_uint32(0))
    finally:
        os.close(handle)


def _system_paths() -> list[Path]:
    """What Python, its packages and the C library read: never a home or a work folder as such."""
    packages = [Path(entry) for entry in sys.path if entry.rstrip("/").endswith("-packages")]
    prefixes = [Path(sys.prefix), Path(sys.base_prefix)] if sys.prefix != "/usr" else []
    ours = Path(__file__).parents[1]
    return [*packages, *prefixes, ours, *map(Path, _SYSTEM)]


def main() -> int:
    """Print as JSON what a confined process is held to on this machine."""
    holds = confine(Limits(), Path(tempfile.gettempdir()), [])
    sys.stdout.write(json.dumps(holds) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
