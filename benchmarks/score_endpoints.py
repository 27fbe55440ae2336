"""Scores how inputs and outputs are found, on the labelled graphs, with peers and calibration.

python -m benchmarks.score_endpoints                    # the half to develop on, case by case
python -m benchmarks.score_endpoints --report           # only figures, of the other half
python -m benchmarks.score_endpoints --as frozen        # the same as frozen exports of their true outputs
python -m benchmarks.score_endpoints --as element       # changed otherwise, see `benchmarks.variants`
"""

from __future__ import annotations

import argparse
import os
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")

from benchmarks.endpoints.cases import Labelled, cases, made, v1
from benchmarks.variants import VARIANTS
from zoo import protos
from zoo.endpoints import detect
from zoo.graph import MetaGraph
from zoo.readers.metagraph import meta_graph

FREE = ("training_flag", "keep_prob", "label", "learning_rate", "queue")
"""Roles that are no data: the truth lists what the author feeds besides them."""

Answer = tuple[list[str], list[str], list[str]]
"""Inputs, outputs, ranked candidates for outputs."""


@dataclass(frozen=True)
class Score:
    """What one method made of one case."""

    inputs: bool
    outputs: bool
    both: bool
    third: bool
    """Every true output is among the first three candidates (or as many as there are true ones)."""


def ours(meta: MetaGraph) -> tuple[Answer, float]:
    """This project's answer, and its confidence."""
    found = detect(meta)
    data = [item.name for item in found.inputs if item.folded is None and item.role not in FREE]
    confidence = min((item.confidence for item in found.outputs), default=0.0)
    return (data, [item.name for item in found.outputs], list(found.candidates.outputs)), confidence


def summarize_graph(meta: MetaGraph) -> Answer:
    """The rule of TensorFlow's summarize_graph tool: placeholders, and nodes that nobody consumes."""
    graph = meta.graph
    inputs = [f"{node.name}:0" for node in graph.nodes if node.op.startswith("Placeholder")]
    excluded = {"Const", "Assign", "NoOp", "Placeholder"}
    outputs = [
        f"{node.name}:0"
        for i, node in enumerate(graph.nodes)
        if not graph.consumers[i] and node.op not in excluded
    ]
    return inputs, outputs, outputs


def last_node(meta: MetaGraph) -> Answer:
    """The first placeholder and the last node of the file, as a hurried person guesses."""
    graph = meta.graph
    inputs = [f"{node.name}:0" for node in graph.nodes if node.op.startswith("Placeholder")][:1]
    outputs = [f"{node.name}:0" for node in graph.nodes[-1:]]
    return inputs, outputs, [f"{node.name}:0" for node in reversed(graph.nodes)][:3]


def score(answer: Answer, case: Labelled) -> Score:
    """The answer against the truth, or against the one of several truths that it is nearest to."""
    inputs, outputs, ranked = answer
    return Score(
        any(set(inputs) == set(truth) for truth, _ in case.truths),
        any(set(outputs) == set(truth) for _, truth in case.truths),
        any((set(inputs), set(outputs)) == (set(ins), set(outs)) for ins, outs in case.truths),
        any(set(truth) <= set(ranked[: max(3, len(truth))]) for _, truth in case.truths),
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--report", action="store_true", help="score the half that nobody develops on")
    parser.add_argument("--as", choices=VARIANTS, dest="variant", help="the graphs changed, truth and all")
    parser.add_argument("--only", default="", help="cases whose name contains this")
    parser.add_argument("--module", default="", help="cases of this module of benchmarks/endpoints alone")
    options = parser.parse_args(argv)
    v1.disable_eager_execution()
    half = "report" if options.report else "develop"
    known = cases()
    chosen = [
        case
        for case in known
        if case.half == half and options.only in case.name
        if options.module in ("", case.build.__module__.rpartition(".")[2])
    ]
    peers: dict[str, Callable[[MetaGraph], Answer]] = {
        "summarize_graph": summarize_graph,
        "last node": last_node,
    }
    scores: dict[str, list[Score]] = defaultdict(list)
    families: dict[str, list[Score]] = defaultdict(list)
    confidences: list[tuple[float, bool]] = []
    nodes, seconds = 0, 0.0
    for case in chosen:
        labelled = made(case)
        if options.variant is not None:
            changed = VARIANTS[options.variant](labelled)
            if changed is None:
                continue
            labelled = changed
        meta = meta_graph(protos.MetaGraphDef.FromString(labelled.meta), case.name)
        start = time.perf_counter()
        answer, confidence = ours(meta)
        seconds += time.perf_counter() - start
        nodes += len(meta.graph)
        own = score(answer, labelled)
        scores["ours"].append(own)
        families[case.family].append(own)
        confidences.append((confidence, own.both))
        for name, peer in peers.items():
            scores[name].append(score(peer(meta), labelled))
        if not options.report:
            marks = "".join("." if good else "x" for good in (own.inputs, own.outputs, own.third))
            print(f"{marks} {confidence:.2f} {case.family:15} {case.name}")
            if not (own.both and own.third):
                for inputs, outputs in labelled.truths:
                    print(f"      truth {list(inputs)} -> {list(outputs)}")
                print(f"      found {answer[0]} -> {answer[1]}  of {answer[2][:6]}")
    print(
        f"\n{len(confidences)} graphs ({half} half of {len(known)}), {nodes} nodes, {seconds:.2f} s in detect"
    )
    print(f"{'':18}{'inputs exact':>14}{'outputs exact':>15}{'both':>8}{'first three':>13}")
    for name, found in scores.items():
        print(f"{name:18}{_rates(found)}")
    for family, found in sorted(families.items()):
        print(f"  {family:16}{_rates(found)}  ({len(found)})")
    print("\nconfidence         graphs   right")
    for low, high in ((0.0, 0.7), (0.7, 0.8), (0.8, 0.9), (0.9, 1.01)):
        inside = [right for confidence, right in confidences if low <= confidence < high]
        if inside:
            print(f"{low:.1f} to {min(high, 1.0):.1f}{len(inside):15}{sum(inside) / len(inside):8.0%}")
    return 0


def _rates(found: Sequence[Score]) -> str:
    count = len(found)
    exact_inputs, exact_outputs = sum(item.inputs for item in found), sum(item.outputs for item in found)
    both = sum(item.both for item in found)
    return (
        f"{exact_inputs / count:14.0%}{exact_outputs / count:15.0%}"
        f"{both / count:8.0%}{sum(item.third for item in found) / count:13.0%}"
    )


if __name__ == "__main__":
    raise SystemExit(main())
