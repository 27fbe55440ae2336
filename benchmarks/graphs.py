"""What work on graphs costs: microseconds a node by stage, and memory, for growing training graphs.

    python -m benchmarks.graphs            graphs of 1,000, 10,000 and 100,000 nodes: five minutes
    python -m benchmarks.graphs --short    1,000 and 10,000 nodes: under two minutes

The graphs are residual nets of narrow layers with their training (RMSProp, moving averages, a
Saver), so that weights weigh nothing.  Times are processor time, the least of several runs;
memory is the peak of a process that does nothing but one row.
"""

from __future__ import annotations

import argparse
import gc
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from benchmarks import zoo_models
from benchmarks.measure import environment, machine

ROOT = Path(__file__).resolve().parent.parent
FOLDER = Path("build/bench/graphs")
UNITS = {1_000: 2, 10_000: 23, 100_000: 232}
"""Nodes → residual units that make about as many."""
LIMIT = 6.0
"""Microseconds a node for `READING` together."""
READING = ("read", "counts", "variables", "endpoints")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--short", action="store_true", help="1,000 and 10,000 nodes")
    parser.add_argument("--count", type=int, default=5, help="runs of each; default: %(default)s")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="default: %(default)s")
    parser.add_argument("--stages", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--row", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args(argv)
    if options.stages is not None:
        print(json.dumps(stages(options.stages, options.count)))
        return 0
    if options.row is not None:
        print(json.dumps(row(options.row)))
        return 0
    print(machine())
    for size in list(UNITS)[: 2 if options.short else None]:
        model = make(size, options.folder)
        report(model, options.count)
    return 0


def make(size: int, folder: Path) -> Path:
    """The checkpoint with a graph of about ``size`` nodes, made now unless it is there."""
    model = folder / f"nodes-{size}"
    if not model.exists():
        plan = zoo_models.Plan(network=_narrow(UNITS[size]), size=32, optimizer="rmsprop", averages=True)
        partial = folder / f"{model.name}.partial"
        shutil.rmtree(partial, ignore_errors=True)
        zoo_models.build(plan, partial)
        partial.rename(model)
    return model


def _narrow(units: int) -> Callable[[zoo_models.Tower], Any]:
    def network(net: zoo_models.Tower) -> Any:
        x = net.conv(net.images, 8, stride=2)
        for _ in range(units):
            y = net.conv(net.conv(net.conv(x, 4, 1), 4), 8, 1, relu=False)
            x = net.tf.nn.relu(x + y)
        return net.classes(x)

    return network


def report(model: Path, count: int) -> None:
    """Print what one model costs, by stage and as a whole row."""
    cost = _told("--stages", model, "--count", str(count))
    whole = _told("--row", model)
    nodes = whole["nodes"]
    each = {name: seconds / nodes * 1e6 for name, seconds in cost.items()}
    reading = sum(each[name] for name in READING)
    print(
        f"{nodes:7,} nodes: {reading:5.1f} us a node to read, count, bind and find the ends (limit {LIMIT}); "
        f"a whole row {whole['seconds']:.2f} s, {whole['peak']} MB at its peak, {whole['before']} before"
    )
    print("   " + "  ".join(f"{name} {value:.2f}" for name, value in each.items()), flush=True)


def _told(*arguments: str | Path) -> Any:
    command = [sys.executable, "-m", "benchmarks.graphs", *map(str, arguments)]
    done = subprocess.run(
        command, check=True, capture_output=True, text=True, env=environment({"PYTHONPATH": str(ROOT)})
    )
    return json.loads(done.stdout)


def stages(model: Path, count: int) -> dict[str, float]:
    """Seconds of processor time of each stage by name, the least of ``count`` runs."""
    from zoo import drawing, repeats, shapes, summary, variables
    from zoo.compute import compute
    from zoo.endpoints import detect
    from zoo.find import choose, find, read
    from zoo.freezing.plan import plan
    from zoo.freezing.write import structure

    _as_a_worker()
    least: dict[str, float] = {}

    def timed(name: str, work: Callable[..., Any], *given: Any, **named: Any) -> Any:
        start = time.process_time()
        result = work(*given, **named)
        least[name] = min(least.get(name, float("inf")), time.process_time() - start)
        return result

    for _ in range(count):
        repeats.forget()  # each time as if no other row had brought it
        artifact, others, why = choose(find(model), None)
        found = timed("read", read, model, artifact, others=others, why=why)
        graph = found.meta.graph
        timed("counts", summary.graph_facts, graph)
        bindings = timed("variables", variables.bind, found.meta, found.weights)
        ends = timed("endpoints", detect, found.meta)
        frozen = structure(found.meta, timed("plan", plan, found.meta, bindings, found.weights, ends).frames)
        timed("lists", lambda graph: (summary.operations_csv(graph), summary.graph_text(graph)), graph)
        timed("compute", compute, frozen, ends.inputs)
        inputs = {item.name: item.shape for item in ends.inputs}
        known = timed("shapes", shapes.infer, frozen, inputs)
        outputs = [item.name for item in ends.outputs]
        timed("drawing", drawing.draw, graph, known, inputs=inputs, outputs=outputs)
    return least


def row(model: Path) -> dict[str, float]:
    """Nodes, processor time in seconds, and the peak of memory in MB of one row, from its files."""
    from zoo.pipeline import Options, process
    from zoo.records import Row
    from zoo.trace import Trace

    _as_a_worker()
    before, start = _peak(), time.process_time()
    with tempfile.TemporaryDirectory(prefix="zoo-graph-") as scratch:
        folder = Path(scratch)
        (folder / "outcome").mkdir()
        options = Options(cache=folder / "cache", work=folder / "work", root=model)
        given = Row(name=model.name, slug=model.name, line=2, urls=(str(model),))
        outcome = process(given, folder / "outcome", options=options, trace=Trace())
    assert outcome.failure is None, outcome.failure
    assert outcome.frozen is not None
    assert outcome.graph is not None
    seconds = time.process_time() - start
    return {"nodes": outcome.graph.nodes, "seconds": seconds, "peak": _peak(), "before": before}


def _as_a_worker() -> None:
    """Look for cycles of garbage as seldom as the job's workers do."""
    gc.freeze()
    gc.set_threshold(100_000, 20, 100)


def _peak() -> int:
    """The most memory that this process ever had, in MB; that of its parent does not count."""
    status = Path("/proc/self/status").read_text("ascii")
    return int(status.partition("VmHWM:")[2].split()[0]) // 1024


if __name__ == "__main__":
    sys.exit(main())
