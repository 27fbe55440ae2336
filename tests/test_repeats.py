"""Rows that bring a graph which came before: what was made of it is used again, and nothing else is."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.small_models import Array, Sketch, checkpoint, drawn
from zoo import repeats
from zoo.graph import Graph, MetaGraph
from zoo.pipeline import Options, process
from zoo.records import Outcome, Row
from zoo.trace import Trace


@pytest.fixture(autouse=True)
def _nothing_kept() -> Iterator[None]:
    repeats.forget()
    yield
    repeats.forget()


def sketch() -> Sketch:
    made = Sketch()
    hidden = made.add("hidden", "Relu", made.dense("first", made.feed("x", (None, 4)), (4, 8)), T="float32")
    made.add("chances", "Softmax", made.dense("second", hidden, (8, 3)), T="float32")
    return made


def outcome_of(model: Path, folder: Path, outputs: tuple[str, ...] = ()) -> Outcome:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    row = Row(line=2, name="model", slug="model", urls=("model",), outputs=outputs)
    options = Options(cache=folder.parent / "cache", work=folder.parent / "work", root=model)
    return process(row, folder, options=options, trace=Trace())


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def other_values(made: Sketch) -> dict[str, Array]:
    return {name: np.asarray(value + 1) for name, value in drawn(made).items()}


def test_rows_of_one_graph_end_as_each_would_alone(tmp_path: Path) -> None:
    """The second checkpoint of a graph has its own weights in every file, and all else to the byte."""
    first = checkpoint(tmp_path / "first", sketch())
    second = checkpoint(tmp_path / "second", sketch(), other_values(sketch()))
    alone = outcome_of(second, tmp_path / "alone")
    repeats.forget()
    before = outcome_of(first, tmp_path / "before")

    after = outcome_of(second, tmp_path / "after")

    assert after == alone
    assert files(tmp_path / "after") == files(tmp_path / "alone")
    assert after.frozen is not None
    assert before.frozen is not None
    assert after.frozen.sha256 != before.frozen.sha256


def test_a_graph_that_came_before_is_neither_read_nor_judged_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of two checkpoints of one graph only the first costs its parsing, its ends and its drawing."""
    first = checkpoint(tmp_path / "first", sketch())
    second = checkpoint(tmp_path / "second", sketch(), other_values(sketch()))
    outcome_of(first, tmp_path / "before")

    def again(*_: object, **__: object) -> None:
        raise AssertionError("made again")

    for place in (
        "zoo.pipeline.detect",
        "zoo.drawing.draw",
        "zoo.summary.graph_text",
        "zoo.pipeline.compute",
        "zoo.freezing.plan.outline",
    ):
        monkeypatch.setattr(place, again)
    monkeypatch.setattr(Graph, "from_proto", again)

    assert outcome_of(second, tmp_path / "after").frozen is not None


def test_each_row_has_the_outputs_that_it_names(tmp_path: Path) -> None:
    """Two rows of one file that name other tensors get other answers."""
    model = checkpoint(tmp_path / "model", sketch())

    named = [
        outcome_of(model, tmp_path / "outcome", outputs)
        for outputs in ((), ("hidden:0",), (), ("second/add:0",))
    ]

    found = [[output.name for output in outcome.outputs] for outcome in named]
    assert found == [["chances:0"], ["hidden:0"], ["chances:0"], ["second/add:0"]]
    assert named[0].compute == named[2].compute != named[1].compute


def test_weights_of_another_shape_give_other_costs_and_drawings(tmp_path: Path) -> None:
    """Where the graph leaves the shape of a variable open, what an inference costs is the checkpoint's."""

    def open_sketch() -> Sketch:
        made = Sketch()
        made.add("w", "VariableV2", dtype="float32", shape=(4, None), container=b"", shared_name=b"")
        read = made.add("w/read", "Identity", "w", T="float32")
        made.add("y", "MatMul", made.feed("x", (None, 4)), read, T="float32")
        return made

    outcomes = []
    for width in (3, 5):
        values = {"w": np.ones((4, width), np.float32)}
        model = checkpoint(tmp_path / f"model-{width}", open_sketch(), values)
        outcomes.append(outcome_of(model, tmp_path / f"outcome-{width}"))

    assert [outcome.compute.flops for outcome in outcomes if outcome.compute] == [24, 40]
    first, second = (files(tmp_path / f"outcome-{width}") for width in (3, 5))
    assert first["graph.txt"] == second["graph.txt"]
    assert first["graph.json"] != second["graph.json"]


def test_why_nodes_are_left_out_is_told_of_each_row(tmp_path: Path) -> None:
    """Whether a variable is an optimizer's may depend on what else the checkpoint stores."""
    made = sketch()
    made.variable("extra/mine", (3,))
    values = {**drawn(made), "extra/mine": np.zeros(3, np.float32)}
    first = checkpoint(tmp_path / "first", made, values)
    more = {**values, "extra": np.zeros(3, np.float32)}
    second = checkpoint(tmp_path / "second", made, more, meta=made.meta())

    why = []
    for model in (first, second, first):
        frozen = outcome_of(model, tmp_path / "outcome").frozen
        assert frozen is not None
        why.append(frozen.pruned.why)

    assert ["optimizer" in one for one in why] == [False, True, False]


def graph_of(size: int, name: str) -> tuple[bytes, MetaGraph]:
    made = Sketch()
    made.constant(name, np.zeros(size, np.uint8))
    return made.proto.SerializeToString(), MetaGraph(graph=Graph.from_proto(made.proto))


def test_only_so_many_bytes_of_graphs_are_kept() -> None:
    """The graph that nobody asked for the longest goes when another needs its room."""
    read: list[str] = []

    def ask(name: str, share: float) -> None:
        content, meta = graph_of(int(repeats.ROOM * share), name)

        def make() -> MetaGraph:
            read.append(name)
            return meta

        repeats.graph("GraphDef", content, make)

    ask("a", 0.4)
    ask("b", 0.4)
    ask("a", 0.4)
    assert read == ["a", "b"]
    ask("c", 0.4)  # in the place of b
    ask("a", 0.4)
    ask("b", 0.4)
    assert read == ["a", "b", "c", "b"]
    ask("all", 1.1)  # is never kept itself, and those that were make room for it
    ask("all", 1.1)
    ask("a", 0.4)
    assert read == ["a", "b", "c", "b", "all", "all", "a"]


def test_what_was_made_of_a_graph_counts_as_well() -> None:
    """A little graph whose vocabulary makes a large frozen one leaves no room for others."""
    content, meta = graph_of(4, "a")
    first = repeats.graph("GraphDef", content, lambda: meta)
    repeats.kept(first, "frozen graph", b"x" * repeats.ROOM, lambda: None)
    other, wanted = graph_of(5, "b")

    repeats.graph("GraphDef", other, lambda: wanted)

    assert repeats.graph("GraphDef", content, lambda: meta) is not first


def test_what_became_much_larger_than_its_graph_is_not_kept() -> None:
    """A fold of many elements, or functions that are written once for each call."""
    content, meta = graph_of(4, "a")
    known = repeats.graph("GraphDef", content, lambda: meta)
    made: list[int] = []

    def make() -> int:
        made.append(repeats.ROOM)
        return made[-1]

    for share in (1, 1, 5, 5):
        repeats.kept(known, "outline", None, make, lambda size, share=share: size // share)  # type: ignore[misc]

    assert len(made) == 3


def test_one_content_that_is_read_as_two_messages_gives_two_graphs() -> None:
    """A file of a few bytes may parse as either; each row has what it was told to be."""
    content, meta = graph_of(4, "a")
    _, other = graph_of(4, "b")

    first = repeats.graph("GraphDef", content, lambda: meta)
    second = repeats.graph("MetaGraphDef", content, lambda: other)

    assert "a" in first.graph
    assert "b" in second.graph
