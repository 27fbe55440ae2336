"""The structure holds: imports point one way, and TensorFlow is imported in one place."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

# Bottom first.  A module may import from its own layer and from those above it in this list; a
# package stands for all that is in it.
LAYERS = [
    [
        "zoo",
        "zoo.alarm",
        "zoo.blocks",
        "zoo.errors",
        "zoo.names",
        "zoo.protos",
        "zoo.records",
        "zoo.store",
        "zoo.paths",
        "zoo.risk",
        "zoo.scan",
    ],
    ["zoo.graph", "zoo.repeats", "zoo.weights", "zoo.model", "zoo.trace"],
    [
        "zoo.manifest",
        "zoo.published",
        "zoo.sniff",
        "zoo.fetching",
        "zoo.fetch",
        "zoo.unpacking",
        "zoo.unpack",
        "zoo.one_pass",
    ],
    ["zoo.readers", "zoo.find", "zoo.variables"],
    [
        "zoo.shapes",
        "zoo.compute",
        "zoo.endpoints",
        "zoo.statistics",
        "zoo.proof",
        "zoo.freezing",
        "zoo.freeze",
    ],
    ["zoo.drawing", "zoo.summary"],
    ["zoo.running", "zoo.runner", "zoo.child"],
    ["zoo.pipeline", "zoo.pages"],
    ["zoo.__main__", "zoo.commands", "jobs"],
]


def modules() -> Iterator[tuple[str, Path]]:
    for package in ("zoo", "jobs"):
        for path in sorted((ROOT / package).rglob("*.py")):
            name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
            yield name.removesuffix(".__init__"), path


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.name}:{node.lineno}: imports are absolute here"
            assert node.module is not None
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def layer(name: str) -> int | None:
    """The layer of a module, by the longest listed prefix of its name."""
    if not name.startswith(("zoo", "jobs")):
        return None
    best = (-1, -1)
    for height, members in enumerate(LAYERS):
        for member in members:
            if name == member or name.startswith(f"{member}."):
                best = max(best, (len(member), height))
    return best[1]


@pytest.mark.parametrize(
    ("name", "path"), list(modules()), ids=lambda value: value if isinstance(value, str) else ""
)
def test_a_module_imports_only_from_its_own_layer_and_below(name: str, path: Path) -> None:
    """Whoever reads bottom-up never meets a name that is explained later."""
    own = layer(name)
    assert own is not None
    assert own > 0 or name in LAYERS[0], f"{name} is in no layer"
    for imported in imports(path):
        below = layer(imported)
        if below is not None and imported not in ("zoo.__version__",):
            assert below <= own, f"{name} imports {imported}, which stands above it"


def test_tensorflow_is_imported_in_one_place() -> None:
    """Only the child process that runs graphs pays for TensorFlow."""
    guilty = [
        name
        for name, path in modules()
        if any(text.split(".")[0] in ("tensorflow", "keras") for text in imports(path))
    ]

    assert guilty, "somebody has to"
    assert [name for name in guilty if not name.startswith("zoo.child")] == []


def test_the_line_runs_without_tensorflow_in_the_process() -> None:
    """Importing everything that a worker needs leaves TensorFlow out."""
    code = "import sys, zoo.pipeline, jobs.rows; print('tensorflow' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)

    assert done.stdout.strip() == "False"


def test_the_main_process_leaves_the_work_to_the_workers() -> None:
    """What they need it does not import: its start would take as long again."""
    heavy = "{'zoo.pipeline', 'zoo.endpoints', 'jinja2', 'numpy'}"
    code = f"import sys, jobs.batch; print({heavy} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)

    assert done.stdout.strip() == "set()"


@pytest.mark.parametrize("first", ["zoo.protos", "tensorflow"])
def test_zoo_and_tensorflow_live_in_one_process_in_either_order(first: str) -> None:
    """A person in a notebook imports both, and both keep their own messages."""
    second = {"zoo.protos": "tensorflow", "tensorflow": "zoo.protos"}[first]
    code = (
        f"import {first}; import {second}; import zoo.protos, tensorflow as tf\n"
        "ours = zoo.protos.GraphDef(); ours.node.add(name='x', op='NoOp')\n"
        "theirs = tf.compat.v1.GraphDef.FromString(ours.SerializeToString())\n"
        "print(theirs.node[0].name, theirs == tf.compat.v1.GraphDef.FromString(theirs.SerializeToString()))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=ROOT)

    assert (done.returncode, done.stdout.strip()) == (0, "x True"), done.stderr
