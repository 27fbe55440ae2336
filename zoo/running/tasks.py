"""What `zoo.runner` asks of the process that holds TensorFlow, and what that answers.

Both ends speak length-prefixed JSON; nothing is ever pickled, and the asking side checks every
answer against the types below, because a graph of strangers ran in the process that gave it.
"""

from __future__ import annotations

import struct
from typing import Any, Literal, Protocol

import msgspec

from zoo.protos import Shape
from zoo.records import RunProof

MAX_MESSAGE = 64 << 20
"""Longest message in bytes; a longer one is a mistake or an attack."""

_LENGTH = struct.Struct("<I")


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What one task may use."""

    wall: float = 120.0
    """Seconds from start to end."""
    cpu: float = 240.0
    """Seconds of processor time, over all threads."""
    memory: int = 4 << 30
    """Bytes it may allocate beyond what TensorFlow itself holds."""
    file: int = 4 << 30
    """Bytes of the largest file that it may write."""


class Threads(msgspec.Struct, frozen=True, kw_only=True):
    """Thread pools of TensorFlow; with one each, sums are made in the same order every time."""

    intra_op: int = 1
    inter_op: int = 1


class Key(msgspec.Struct, frozen=True, kw_only=True):
    """Where the checkpoint stores the value of a variable."""

    key: str
    offset: tuple[int, ...] = ()
    shape: tuple[int, ...] | None = None
    """With ``offset``: the variable is this part of the stored tensor."""


class Original(msgspec.Struct, frozen=True, kw_only=True):
    """A model as its author left it, for TensorFlow to load."""

    kind: Literal["meta_graph", "graph_def", "saved_model"]
    path: str
    """The ``.meta``, ``.pb`` or ``.pbtxt`` file, or the SavedModel's folder."""
    checkpoint: str | None = None
    """Checkpoint prefix (for V1 the file, or the pattern of the shards)."""
    tags: tuple[str, ...] = ()
    """SavedModel: which of its graphs."""
    keys: dict[str, Key] = {}
    """Variable's node → its key in the checkpoint, where that is not the node's name."""
    added: bytes = b""
    """Nodes that the graph lacks, as a GraphDef: calls of its functions."""
    averages: bool = False
    """``keys`` name moving averages, which the model's own saver would not restore."""


class Input(msgspec.Struct, frozen=True, kw_only=True):
    """A feed of the model: what to make up for it."""

    name: str
    """Tensor of the original."""
    dtype: str
    shape: Shape = None
    role: str | None = None
    folded: bool | int | float | None = None
    """The value it has in the frozen graph; the original is fed with it."""
    assumed: Shape = None
    """The shape to feed where ``shape`` leaves sizes open."""
    frozen: str | None = None
    """Tensor of the frozen graph, where that has another name."""


class Fetch(msgspec.Struct, frozen=True, kw_only=True):
    """An output of the model."""

    name: str
    frozen: str | None = None


class Compare(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Run the original and the frozen graph on the same inputs."""

    frozen: str
    inputs: tuple[Input, ...]
    outputs: tuple[Fetch, ...]
    original: Original | None = None
    seed: int = 0
    tolerance: float = 1e-5


class Freeze(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Restore a model the stock way, and write it with its variables as constants."""

    original: Original
    inputs: tuple[Input, ...]
    outputs: tuple[str, ...]


class Rebuild(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Build a Keras model from its file, and write it as a frozen graph."""

    path: str
    container: Literal["keras", "h5"]


class Value(msgspec.Struct, frozen=True, kw_only=True):
    """What to feed: one of the four."""

    tensor: str
    array: str | None = None
    """Key in the archive of arrays."""
    file: str | None = None
    """A file: its bytes for a string tensor, else an image, resized to the placeholder's shape."""
    text: str | None = None
    """The bytes of a string tensor of shape [1] or []."""
    random: bool = False


class Execute(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Run a frozen graph on given inputs."""

    frozen: str
    feeds: tuple[Value, ...]
    fetches: tuple[str, ...] = ()
    arrays: str | None = None
    """A ``.npz`` file with the arrays to feed."""
    seed: int = 0


class Probe(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Try what the confinement is there to stop; the answer says what became of each attempt."""

    outside: str
    """A file to write, outside of the scratch folder."""
    secret: str
    """A file to read, outside of what the task may read."""
    address: tuple[str, int]
    """A listening socket to connect to."""
    act: Literal["look", "spin", "segv", "kill", "allocate", "write"] = "look"


Task = Compare | Freeze | Rebuild | Execute | Probe


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """A task with all that the process needs to know to do it."""

    task: Task
    scratch: str
    """An empty folder: the only place where it may write."""
    readable: tuple[str, ...]
    """Files and folders of the model."""
    limits: Limits = Limits()
    threads: Threads = Threads()


class Tensor(msgspec.Struct, frozen=True, kw_only=True):
    """An input or output of a graph that the process wrote or ran."""

    name: str
    dtype: str
    shape: Shape = None
    array: str | None = None
    """Execute: key in the archive of results."""


class Proof(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Answer to Compare."""

    proof: RunProof


class Written(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Answer to Freeze and Rebuild: a graph lies in the scratch folder."""

    file: str
    nodes: int
    inputs: tuple[Tensor, ...] = ()
    outputs: tuple[Tensor, ...] = ()
    notes: tuple[str, ...] = ()
    proof: RunProof | None = None
    """Rebuild: the rebuilt model against the graph that was written."""
    variables: tuple[str, ...] = ()
    """Rebuild: constants that are variables as they lie in the file."""


class Results(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Answer to Execute: arrays lie in the scratch folder."""

    file: str
    outputs: tuple[Tensor, ...]
    notes: tuple[str, ...] = ()


class Probed(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Answer to Probe."""

    findings: dict[str, str]


class Refused(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The task was not done: what stands against it.

    ``unsafe``: the graph would touch the world outside it; ``impossible``: TensorFlow cannot do it;
    ``limit``: it used more than it may; ``died``: a signal ended the process; ``bug``: ours.
    """

    kind: Literal["unsafe", "impossible", "limit", "died", "bug"]
    reason: str
    hint: str | None = None
    log: str = ""
    """The end of what it wrote to its standard error."""


Answer = Proof | Written | Results | Probed | Refused


class Stream(Protocol):
    """The two methods of a connected socket that messages need."""

    def sendall(self, data: bytes, /) -> None:
        """Send all of it."""

    def recv(self, size: int, /) -> bytes:
        """Up to ``size`` bytes; none at the end."""


def frame(message: Any) -> bytes:
    """The message as it goes over a socket or pipe: its length, then its JSON."""
    body = msgspec.json.encode(message)
    return _LENGTH.pack(len(body)) + body


def frame_length(head: bytes | bytearray) -> int | None:
    """How many bytes the first frame of ``head`` has, itself included; None if not known yet.

    Raises:
        ValueError: longer than a message may be.
    """
    if len(head) < _LENGTH.size:
        return None
    (length,) = _LENGTH.unpack_from(head)
    if length > MAX_MESSAGE:
        raise ValueError(f"message of {length} bytes, expected at most {MAX_MESSAGE}")
    return int(length) + _LENGTH.size


def body(data: bytes) -> bytes:
    """The JSON of a whole frame."""
    return data[_LENGTH.size :]
