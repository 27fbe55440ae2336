"""Every kind of architecture down the whole line: saved, found, frozen, proved.

    python -m benchmarks.proofs                  every third graph of the yardstick
    python -m benchmarks.proofs --every 1        all of them

The labelled graphs of `benchmarks.endpoints` get random weights and a real checkpoint; the row names
nothing but the files.  A line for each that did not end frozen and proved, then a table by family.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections import Counter, defaultdict
from pathlib import Path

from zoo.pipeline import Options, process
from zoo.records import Outcome, Row
from zoo.runner import Runner
from zoo.trace import Trace


def ended(outcome: Outcome) -> str:
    """How a row ended, in a word or two."""
    if outcome.frozen is None:
        return "not frozen"
    if outcome.frozen.constants.equal != outcome.frozen.constants.checked:
        return "constants differ"
    return {True: "proved", False: "differs", None: "not run"}[outcome.frozen.run.ok]


def main() -> int:
    """Print the table; 1 if a frozen graph differs from its source."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.proofs", description=__doc__)
    parser.add_argument("--every", type=int, default=3, metavar="N", help="one graph of N (default: 3)")
    every = parser.parse_args().every
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    import tensorflow as tf

    from benchmarks.endpoints import generative, images, more, others, sequences
    from benchmarks.endpoints.cases import CASES, made

    assert all([generative, images, more, others, sequences])  # importing them registers their cases
    v1 = tf.compat.v1
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    constants = 0
    worst = 0.0
    chosen = [case for case in CASES if not case.frozen and not case.plain][::every]
    with Runner() as runner:
        for case in chosen:
            labelled = made(case)
            meta = v1.MetaGraphDef.FromString(labelled.meta)
            if not meta.HasField("saver_def"):
                continue
            with tempfile.TemporaryDirectory() as scratch:
                work = Path(scratch)
                prefix = work / "model.ckpt"
                # Some collections name what TensorFlow 2 cannot resolve, such as an op without output.
                for key in set(meta.collection_def) - {"variables", "trainable_variables"}:
                    del meta.collection_def[key]
                with tf.Graph().as_default() as graph, v1.Session(graph=graph) as session:
                    saver = v1.train.import_meta_graph(meta)
                    session.run(v1.global_variables_initializer())
                    saver.save(session, str(prefix), write_meta_graph=False)
                Path(f"{prefix}.meta").write_bytes(labelled.meta)
                urls = tuple(str(path) for path in sorted(work.glob("model.ckpt*")))
                folder = work / "outcome"
                folder.mkdir()
                row = Row(line=2, name=case.name, slug=case.name, urls=urls)
                options = Options(cache=work / "cache", work=work / "work", runner=runner)
                outcome = process(row, folder, options=options, trace=Trace())
            how = ended(outcome)
            counts[case.family][how] += 1
            if outcome.frozen is not None and how == "proved":
                constants += outcome.frozen.constants.checked
                worst = max(worst, outcome.frozen.run.max_abs_diff or 0.0)
            if how != "proved":
                why = outcome.failure.reason if outcome.failure else outcome.explanation
                print(f"{case.name}: {how}: {why or (outcome.frozen and outcome.frozen.run.reason)}")
    print("\n| family | proved | not run | not frozen | differs |\n|---|--:|--:|--:|--:|")
    for family, found in sorted(counts.items()):
        print(
            f"| {family} | "
            + " | ".join(str(found[key]) for key in ("proved", "not run", "not frozen", "differs"))
            + " |"
        )
    total = sum(counts.values(), Counter[str]())
    print(f"\n{total.total()} models, {total['proved']} proved")
    print(f"{constants} constants equal, largest difference of an output {worst:g}")
    return int(total["differs"] + total["constants differ"] > 0)


if __name__ == "__main__":
    sys.exit(main())
