"""Every kind of architecture down the whole line: saved, found, frozen, proved.

    python -m benchmarks.proofs                  every third graph of the yardstick, by family
    python -m benchmarks.proofs --every 1        all of them
    python -m benchmarks.proofs --formats        every architecture in every format
    python -m benchmarks.proofs --formats --large  some of them at 100 MB
    python -m benchmarks.proofs --formats GAN .keras   those with one of these words in their names

The labelled graphs of `benchmarks.endpoints` get random weights and a real checkpoint; those of
`benchmarks.architectures` are saved in all formats.  The row names nothing but the files.  A line for
each that did not end frozen and proved, then a table.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path

from zoo.pipeline import Options, process
from zoo.records import Outcome, Row
from zoo.runner import Runner
from zoo.trace import Trace

LARGE = (
    ("CNN", "checkpoint V2"),
    ("RNN, old loop", "checkpoint V1"),
    ("RNN, new loop", "V2 in shards"),
    ("transformer", "SavedModel TF2"),
    ("multi-head detector", "frozen pb"),
    ("GAN pair", ".keras"),
    ("embedding with tables", "SavedModel TF1"),
    ("CNN", "object checkpoint + SavedModel"),
    ("transformer", "HDF5 Keras"),
    ("RNN, new loop", "pbtxt + weights"),
)


def ended(outcome: Outcome) -> str:
    """How a row ended, in a word or two."""
    if outcome.frozen is None:
        return "not frozen"
    if outcome.frozen.constants.equal != outcome.frozen.constants.checked:
        return "constants differ"
    return {True: "proved", False: "differs", None: "not run"}[outcome.frozen.run.ok]


def taken(
    work: Path, name: str, urls: tuple[str, ...], runner: Runner, *, graph: str | None = None
) -> Outcome:
    """The outcome of a row that names files and nothing else."""
    folder = work / "outcome"
    folder.mkdir()
    row = Row(line=2, name=name, slug="model", urls=urls, graph=graph)
    options = Options(cache=work / "cache", work=work / "work", runner=runner)
    return process(row, folder, options=options, trace=Trace())


def complain(name: str, how: str, outcome: Outcome) -> None:
    """Say why a row did not end as it should."""
    why = outcome.failure.reason if outcome.failure else outcome.explanation
    print(f"{name}: {how}: {why or (outcome.frozen and outcome.frozen.run.reason)}", flush=True)


def families(every: int) -> int:
    """Print the table of the labelled graphs by family; 1 if a frozen graph differs from its source."""
    import tensorflow as tf

    from benchmarks.endpoints.cases import cases, made

    v1 = tf.compat.v1
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    constants = 0
    worst = 0.0
    chosen = [case for case in cases() if not case.frozen and not case.plain][::every]
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
                outcome = taken(work, case.name, urls, runner)
            how = ended(outcome)
            counts[case.family][how] += 1
            if outcome.frozen is not None and how == "proved":
                constants += outcome.frozen.constants.checked
                worst = max(worst, outcome.frozen.run.max_abs_diff or 0.0)
            if how != "proved":
                complain(case.name, how, outcome)
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


def formats(words: Sequence[str], *, large: bool) -> int:
    """Print the table of architectures by format; 1 if one of them was not proved."""
    from benchmarks.architectures import FORMATS, KINDS, saved

    pairs = LARGE if large else [(kind, form) for kind in KINDS for form in FORMATS]
    pairs = [pair for pair in pairs if not words or any(word in "|".join(pair) for word in words)]
    cells: dict[tuple[str, str], str] = {}
    constants = 0
    with Runner() as runner:
        for kind, form in pairs:
            with tempfile.TemporaryDirectory() as scratch:
                work = Path(scratch)
                (work / "files").mkdir()
                made = saved(work / "files", kind, form, large=large)
                if made is None:
                    continue
                outcome = taken(work, f"{kind}, {form}", made.urls, runner, graph=made.graph)
                size = sum(Path(url).stat().st_size for url in made.urls)
            how = ended(outcome)
            if how != "proved" or outcome.frozen is None:
                complain(outcome.name, how, outcome)
                cells[kind, form] = how
                continue
            checked = outcome.frozen.constants.checked
            constants += checked
            worst = outcome.frozen.run.max_abs_diff or 0.0
            about = f", {size / 1e6:.0f} MB" if large else ""
            cells[kind, form] = f"{checked} equal, {worst:g}{about}"
    print(f"\n| | {' | '.join(KINDS)} |\n|---|{'---|' * len(KINDS)}")
    for form in FORMATS:
        print(f"| {form} | {' | '.join(cells.get((kind, form), '–') for kind in KINDS)} |")
    proved = sum("equal" in cell for cell in cells.values())
    print(f"\n{len(cells)} models, {proved} proved by bytes and by execution; {constants} constants equal")
    return int(proved < len(cells))


def main() -> int:
    """Print a table; 1 if something in it is not as it should be."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.proofs", description=__doc__)
    parser.add_argument("--every", type=int, default=3, metavar="N", help="one graph of N (default: 3)")
    parser.add_argument(
        "--formats", nargs="*", metavar="WORD", help="every architecture in every format, or those so called"
    )
    parser.add_argument("--large", action="store_true", help="with --formats: some of them at 100 MB")
    options = parser.parse_args()
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    if options.formats is not None:
        return formats(options.formats, large=options.large)
    return families(options.every)


if __name__ == "__main__":
    sys.exit(main())
