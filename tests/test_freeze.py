"""Frozen graphs against stock freezing: same nodes, same bytes, same answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from tests import models_freeze as models
from zoo.errors import FreezeError, UnsupportedError
from zoo.freeze import FrozenResult, freeze
from zoo.freezing import tables
from zoo.pages.snippets import snippets
from zoo.records import Endpoint, Frozen, Outcome, RunProof, Status

FALSE_AND_ONE: dict[str, bool | int | float] = {"net/is_training:0": False, "net/keep_prob:0": 1.0}


@dataclass(frozen=True, kw_only=True)
class Case:
    make: Callable[[], Any]
    options: dict[str, Any]
    exact: bool = True
    """Stock freezing gives the same nodes."""


def case(make: Callable[[], Any], *, exact: bool = True, **options: Any) -> Case:
    return Case(make=make, options=options, exact=exact)


CASES = {
    "variable": case(models.plain_ref),
    "cnn-references-folded": case(lambda: models.cnn(resource=False), folds=FALSE_AND_ONE, exact=False),
    "cnn-resources-folded": case(lambda: models.cnn(resource=True), folds=FALSE_AND_ONE, exact=False),
    "cnn-not-folded": case(lambda: models.cnn(resource=False), exact=False),
    "v1-while-reference": case(lambda: models.old_while(resource=False)),
    "v1-while-resource": case(lambda: models.old_while(resource=True)),
    "v1-cond-reference": case(lambda: models.old_cond_reads(resource=False), exact=False),
    "v1-cond-resource": case(lambda: models.old_cond_reads(resource=True), exact=False),
    "ref-switch": case(models.switch_of_references, exact=False),
    "ref-switch-folded": case(models.switch_of_references, folds={"p:0": True}, exact=False),
    "static-lstm": case(lambda: models.lstm(dynamic=False, resource=False)),
    "dynamic-lstm-references": case(lambda: models.lstm(dynamic=True, resource=False)),
    "dynamic-lstm-resources": case(lambda: models.lstm(dynamic=True, resource=True)),
    "dynamic-lstm-dropout": case(
        lambda: models.lstm(dynamic=True, resource=True, dropout=True),
        folds={"keep_prob:0": 1.0},
        exact=False,
    ),
    "while-v2-lstm": case(lambda: models.lstm(dynamic=True, resource=True), control_flow_v2=True),
    "while-v2-lstm-dropout": case(
        lambda: models.lstm(dynamic=True, resource=True, dropout=True),
        folds={"keep_prob:0": 1.0},
        control_flow_v2=True,
        exact=False,
    ),
    "while-v2-cond-v2-gather": case(models.new_control_flow, control_flow_v2=True),
    "cond-v2-folded": case(
        models.new_cond_training, folds={"is_training:0": False}, control_flow_v2=True, exact=False
    ),
    "cond-v1-folded": case(models.new_cond_training, folds={"is_training:0": False}, exact=False),
    "embedding-references": case(lambda: models.embeddings(resource=False)),
    "embedding-resources": case(lambda: models.embeddings(resource=True)),
    "parts-by-row": case(lambda: models.partitioned(axis=0)),
    "parts-by-column": case(lambda: models.partitioned(axis=1)),
    "every-dtype": case(models.every_dtype),
    "gradients-are-outputs": case(models.forces),
    "tables": case(models.tables, exact=False),
    "counter-beside": case(lambda: models.counts_itself(resource=False), exact=False),
    "counter-beside-resource": case(lambda: models.counts_itself(resource=True), exact=False),
    "initialized-value": case(models.initialized_value, exact=False),
}


@pytest.fixture(scope="session")
def built() -> Callable[[str], models.Built]:
    """Each graph built by TensorFlow once."""
    made: dict[str, models.Built] = {}

    def get(name: str) -> models.Built:
        if name not in made:
            made[name] = models.build(CASES[name].make, **CASES[name].options)
        return made[name]

    return get


def frozen(model: models.Built, path: Path, **options: Any) -> FrozenResult:
    return freeze(model.meta, model.bindings, model.weights, model.endpoints, path, **options)


def answers(model: models.Built, result: FrozenResult, path: Path) -> list[Any]:
    feeds = {result.inputs[name]: value for name, value in model.feeds.items() if name in result.inputs}
    fetches = [result.outputs[name] for name in model.outputs]
    return models.run_frozen(path, feeds, fetches, before=result.initializers)


def read_graph(path: Path) -> Any:
    return tf.compat.v1.GraphDef.FromString(path.read_bytes())


@pytest.mark.parametrize("name", CASES)
def test_frozen_graph_imports_and_answers_as_the_original(name: str, built: Any, tmp_path: Path) -> None:
    """The frozen graph imports in TensorFlow and gives the very bytes that the session gave."""
    model = built(name)

    result = frozen(model, tmp_path / "frozen.pb")

    found = answers(model, result, tmp_path / "frozen.pb")
    for expected, actual in zip(model.answers, found, strict=True):
        np.testing.assert_array_equal(actual, expected)
    assert result.constants.checked == result.constants.equal == len(result.variables) > 0
    assert result.bytes == (tmp_path / "frozen.pb").stat().st_size


@pytest.mark.parametrize("name", [name for name in CASES if CASES[name].exact])
def test_frozen_graph_has_the_nodes_of_stock_freezing(name: str, built: Any, tmp_path: Path) -> None:
    """Where stock freezing works, nodes, ops, inputs, attributes and constants are the same."""
    model = built(name)
    if isinstance(model.stock, Exception):
        assert "batch_dims must be 0" in str(model.stock)  # where stock freezing gives up
        return
    frozen(model, tmp_path / "frozen.pb")

    ours = {node.name: node for node in read_graph(tmp_path / "frozen.pb").node}
    theirs = {node.name: node for node in model.stock.node}
    assert sorted(ours) == sorted(theirs)
    for node_name, node in ours.items():
        stock = theirs[node_name]
        assert (node.op, node.device) == (stock.op, "")
        inputs = [text.removesuffix(":0") for text in node.input if not text.startswith("^")]
        assert inputs == [text.removesuffix(":0") for text in stock.input if not text.startswith("^")]
        for key in set(node.attr) & set(stock.attr) - {"value", "body", "cond", "then_branch", "else_branch"}:
            if key not in ("_class", "_output_shapes", "output_shapes"):
                assert node.attr[key] == stock.attr[key], (node_name, key)
        if node.op == "Const":
            np.testing.assert_array_equal(
                tf.make_ndarray(node.attr["value"].tensor), tf.make_ndarray(stock.attr["value"].tensor)
            )


@pytest.mark.parametrize("name", ["cnn-references-folded", "cnn-resources-folded"])
def test_folding_takes_out_what_only_training_needs(name: str, built: Any, tmp_path: Path) -> None:
    """With is_training False and keep_prob 1, branches, updates, dropout and the flags are gone."""
    result = frozen(built(name), tmp_path / "frozen.pb")

    ops = {node.op for node in read_graph(tmp_path / "frozen.pb").node}
    assert not ops & {"Switch", "Merge", "RandomUniform", "AssignSub", "AssignSubVariableOp", "SelectV2"}
    assert result.warnings == ()
    assert "net/is_training:0" not in result.inputs
    assert {"gradients", "optimizer", "saver", "summaries", "initializers", "training only"} <= set(
        result.pruned.why
    )
    assert result.pruned.nodes == sum(result.pruned.why.values())
    assert result.nodes + result.pruned.nodes == len(built(name).graph_def.node)


def test_dropout_inside_a_loop_function_is_folded(built: Any, tmp_path: Path) -> None:
    """A keep_prob that a while_v2 loop hands round unchanged folds inside its body."""
    result = frozen(built("while-v2-lstm-dropout"), tmp_path / "frozen.pb")

    graph = read_graph(tmp_path / "frozen.pb")
    assert {node.op for function in graph.library.function for node in function.node_def}.isdisjoint(
        {"RandomUniform", "GreaterEqual"}
    )
    assert result.warnings == ()


def test_conditional_function_with_known_predicate_becomes_a_call(built: Any, tmp_path: Path) -> None:
    """Only the branch that runs stays in the library, nested conditionals included."""
    result = frozen(built("cond-v2-folded"), tmp_path / "frozen.pb")

    graph = read_graph(tmp_path / "frozen.pb")
    ops = {node.op for node in graph.node} | {
        node.op for function in graph.library.function for node in function.node_def
    }
    assert ops.isdisjoint({"If", "StatelessIf", "AssignAddVariableOp", "RandomUniform"})
    assert result.warnings == ()


@pytest.mark.parametrize("resource", [False, True], ids=["reference", "resource"])
def test_graph_that_keeps_state_is_refused(resource: bool, tmp_path: Path) -> None:
    """A recurrent cell with its state in a variable cannot be frozen; the message names both."""
    model = models.build(lambda: models.stateful(resource=resource), stock=False)

    with pytest.raises(FreezeError, match=r"node 'Assign\w*' writes the variable 'state'") as caught:
        frozen(model, tmp_path / "frozen.pb")

    assert not isinstance(caught.value, UnsupportedError)
    assert list(tmp_path.iterdir()) == []


def test_output_that_writes_a_variable_is_refused(tmp_path: Path) -> None:
    """An output computed from an assignment's result is refused, with the node's name and op."""
    model = models.build(models.assigned_output, stock=False)

    with pytest.raises(FreezeError, match=r"'AssignAdd' \(AssignAdd\) writes the variable 'total'"):
        frozen(model, tmp_path / "frozen.pb")


@pytest.mark.parametrize("resource", [False, True], ids=["reference", "resource"])
def test_ranges_of_a_net_that_learns_to_be_quantized_are_those_that_are_stored(
    resource: bool, tmp_path: Path
) -> None:
    """An assignment stands between each range and where it is applied: it is passed over."""

    def run_once(session: Any) -> None:
        session.run(
            "net/y:0", {"x:0": np.zeros((1, 3), np.float32)}
        )  # so that those of the weights are noted

    model = models.build(lambda: models.quantized(resource=resource), stock=False, prepare=run_once)
    result = frozen(model, tmp_path / "frozen.pb")

    for found, right in zip(answers(model, result, tmp_path / "frozen.pb"), model.answers, strict=True):
        np.testing.assert_array_equal(found, right)
    assert not [node.name for node in read_graph(tmp_path / "frozen.pb").node if "Assign" in node.op]


def test_counter_that_outputs_do_not_read_is_cut(built: Any, tmp_path: Path) -> None:
    """A step counter advanced by each run is cut, and a warning says so."""
    result = frozen(built("counter-beside"), tmp_path / "frozen.pb")

    assert result.variables == ("w",)
    assert result.warnings == ("writes to variables that inference does not need were cut: step",)


def test_iterator_becomes_a_placeholder_of_its_name(tmp_path: Path) -> None:
    """An iterator that nobody named as input is cut at its output, with its dtype and shape."""
    model = models.build(models.queue_fed, stock=False)

    result = frozen(model, tmp_path / "frozen.pb")

    node = next(node for node in read_graph(tmp_path / "frozen.pb").node if node.op == "Placeholder")
    assert node.name == "IteratorGetNext"
    assert [dim.size for dim in node.attr["shape"].shape.dim] == [2, 3]
    assert result.inputs == {"IteratorGetNext:0": "IteratorGetNext:0"}
    assert result.warnings == ("the input pipeline was cut at IteratorGetNext:0",)
    assert result.pruned.why["input pipeline"] > 0
    found = models.run_frozen(
        tmp_path / "frozen.pb", {"IteratorGetNext:0": np.ones((2, 3), np.float32)}, ["prob:0"]
    )
    np.testing.assert_array_equal(found[0], model.answers[0])


def test_tables_keep_the_node_that_fills_them(built: Any, tmp_path: Path) -> None:
    """A lookup table stays with its initializer, which the result names."""
    result = frozen(built("tables"), tmp_path / "frozen.pb")

    assert result.initializers == ("key_value_init/LookupTableImportV2",)
    assert "run key_value_init/LookupTableImportV2 once" in result.warnings[0]
    assert tables.fills(result.graph) == result.initializers


@pytest.mark.parametrize("api", [0, 1], ids=["tf2", "tf1"])
def test_the_snippet_of_a_page_fills_tables_first(
    built: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, api: int
) -> None:
    """What a reader copies runs as it stands: an empty table would end it with an error."""
    model = built("tables")
    result = frozen(model, tmp_path / "frozen.pb")
    outcome = Outcome(
        name="tables",
        slug="tables",
        status=Status.FROZEN,
        expected=True,
        manifest={},
        inputs=tuple(
            Endpoint(name=name, dtype="string", shape=(None,), role="data", confidence=1.0, reason="")
            for name in result.inputs.values()
        ),
        outputs=tuple(
            Endpoint(name=name, dtype="float32", shape=(None, 4), confidence=1.0, reason="")
            for name in result.outputs.values()
        ),
        frozen=Frozen(
            path="frozen.pb",
            bytes=result.bytes,
            sha256=result.sha256,
            nodes=result.nodes,
            engine=result.engine,
            pruned=result.pruned,
            constants=result.constants,
            run=RunProof(ok=None),
            initializers=result.initializers,
        ),
    )
    monkeypatch.chdir(tmp_path)
    title, code = snippets(outcome)[api]
    found: dict[str, Any] = {}

    exec(compile(code, title, "exec"), found)  # noqa: S102 - what a reader would do

    assert np.asarray(found["results"][0]).shape == (1, 4)
