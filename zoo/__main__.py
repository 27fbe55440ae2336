"""``python -m zoo``: one model by hand.  The job over many rows is ``python -m jobs.process``."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from zoo import __version__
from zoo.errors import ZooError

CACHE = Path("build/cache")


def parser() -> argparse.ArgumentParser:
    """The arguments of all commands."""
    made = argparse.ArgumentParser(
        prog="python -m zoo", description="Look at, freeze and run one TensorFlow model."
    )
    made.add_argument("--version", action="version", version=f"model zoo {__version__}")
    commands = made.add_subparsers(dest="command", required=True, metavar="COMMAND")

    inspect = commands.add_parser("inspect", help="say what a model is, and prove its frozen graph")
    _model(inspect)
    _endpoints(inspect)
    inspect.add_argument("--json", action="store_true", help="print the record as JSON instead of text")

    freeze = commands.add_parser("freeze", help="write a model's frozen graph")
    _model(freeze)
    _endpoints(freeze)
    freeze.add_argument(
        "--output", type=Path, metavar="FILE", help="the file to write; default: the model's name and .pb"
    )

    run = commands.add_parser("run", help="run a frozen graph on your inputs")
    run.add_argument("frozen", type=Path, metavar="FROZEN.pb", help="a GraphDef that holds its values")
    run.add_argument(
        "--feed",
        action="append",
        default=[],
        metavar="TENSOR=VALUE",
        help="a .npy or .npz file, an image, another file for a string tensor, a number, true, a list such "
        "as [1,2], a text, or random; may be repeated; inputs that are not fed get made-up values",
    )
    run.add_argument(
        "--fetch",
        action="append",
        default=[],
        metavar="TENSOR",
        help="a tensor to print; may be repeated; default: every tensor that no node reads",
    )
    run.add_argument(
        "--top", type=int, default=0, metavar="N", help="print the N largest values and their index"
    )
    run.add_argument(
        "--labels", type=Path, metavar="FILE", help="names of the classes, one a line, for --top"
    )
    run.add_argument("--save", type=Path, metavar="FILE.npz", help="write the values to a file as well")
    run.add_argument("--seed", type=int, default=0, metavar="N", help="of made-up values; default: 0")
    run.add_argument("--time-limit", type=float, default=120, metavar="SECONDS", help="default: 120")
    run.add_argument("--memory-limit", type=float, default=4, metavar="GIB", help="default: 4")

    weights = commands.add_parser("weights", help="list, print or save the tensors of a checkpoint")
    _model(weights)
    weights.add_argument(
        "tensor",
        nargs="?",
        metavar="TENSOR",
        help="a key or the end of one; one match is printed, more are listed",
    )
    weights.add_argument(
        "--npy",
        nargs="?",
        type=Path,
        const=Path(),
        metavar="FILE",
        help="save what matches: one tensor as .npy, several as .npz; default: named after the tensor",
    )
    return made


def _model(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "model", metavar="PATH_OR_URL", help="a URL, an archive, a file, a folder or a checkpoint prefix"
    )
    command.add_argument("--member", metavar="PATH", help="which model of an archive that holds several")
    command.add_argument(
        "--cache", type=Path, default=CACHE, metavar="DIR", help=f"where downloads are kept; default: {CACHE}"
    )


def _endpoints(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--inputs", nargs="+", default=[], metavar="TENSOR", help="instead of detecting them"
    )
    command.add_argument(
        "--outputs", nargs="+", default=[], metavar="TENSOR", help="instead of detecting them"
    )
    command.add_argument(
        "--weights", choices=("raw", "ema"), default="raw", help="ema: the moving averages; default: raw"
    )
    command.add_argument(
        "--graph", metavar="PATH_OR_URL", help="the graph of weights that have none: a .meta, .pb or .pbtxt"
    )
    command.add_argument("--no-run", action="store_true", help="do not run the graphs to compare them")


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; its exit code: 0 done, 1 it could not be done, 2 wrong usage, 130 interrupted."""
    options = parser().parse_args(argv)
    # Before numpy is imported: nothing here is linear algebra, and starting its threads takes longer
    # than freezing a small model.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    try:
        code, lines = _COMMANDS[options.command](options)
        sys.stdout.write("".join(f"{line}\n" for line in lines))
        sys.stdout.flush()
        return code
    except ZooError as error:
        return _complain(str(error), error.hint)
    except BrokenPipeError:
        # Whoever read our output has seen enough; closing it again must not complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as error:
        name = f"{error.filename}: " if error.filename else ""
        return _complain(f"{name}{(error.strerror or str(error)).lower()}", None)
    except KeyboardInterrupt:
        return 130
    return 0


Done = tuple[int, list[str]]
"""The exit code, and the lines to print."""


def _complain(message: str, hint: str | None) -> int:
    from zoo.commands.text import safe

    sys.stderr.write(f"zoo: {safe(message)}\n")
    if hint:
        sys.stderr.write(f"  hint: {safe(hint)}\n")
    return 1


def _weights(options: argparse.Namespace) -> Done:
    from zoo.commands import source, weights

    with source.opened(source.source(options.model, member=options.member), cache=options.cache) as model:
        stored = weights.stored(model, options.model)
        keys = weights.matching(stored, options.tensor)
        if options.npy is not None:
            path = weights.file_name(keys) if options.npy == Path() else options.npy
            return 0, [weights.saved(stored, keys, path)]
        if options.tensor is not None and len(keys) == 1:
            return 0, weights.printed(stored, keys[0])
        return 0, weights.listing(stored, keys)


def _run(options: argparse.Namespace) -> Done:
    from zoo.commands import run, text
    from zoo.errors import FindError
    from zoo.runner import Limits, Runner, RunnerOptions

    if not options.frozen.is_file():
        raise FindError(f"{options.frozen}: expected a frozen graph, found no such file")
    feeds, labels = run.feeds(options.feed), run.labels(options.labels)
    limits = Limits(
        wall=options.time_limit, cpu=4 * options.time_limit, memory=int(options.memory_limit * (1 << 30))
    )
    with Runner(RunnerOptions(limits=limits)) as runner:
        ran = runner.run(options.frozen, feeds, options.fetch, seed=options.seed)
    if options.save is not None:
        run.save(options.save, ran.values)
    lines = [f"note: {text.safe(note)}" for note in ran.notes]
    for name, value in ran.values.items():
        lines += text.value_lines(name, value, top=options.top, labels=labels)
    return 0, lines


def _inspect(options: argparse.Namespace) -> Done:
    from zoo.commands import line, text
    from zoo.records import Status, to_json

    with line.processed(options) as (outcome, _):
        lines = to_json(outcome).decode().splitlines() if options.json else text.outcome_lines(outcome)
        return int(outcome.status is Status.FAILED), lines


def _freeze(options: argparse.Namespace) -> Done:
    from zoo.commands import line

    near = Path() if options.output is None else options.output.parent
    with line.processed(options, near=near, describe=False) as (outcome, folder):
        return 0, line.delivered(outcome, folder, options.output)


_COMMANDS = {"inspect": _inspect, "freeze": _freeze, "weights": _weights, "run": _run}

if __name__ == "__main__":
    sys.exit(main())
