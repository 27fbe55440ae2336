"""Where freezing cuts, what it refuses, and that damaged graphs are told as such."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from msgspec import structs

from tests import models_freeze as models
from zoo import protos
from zoo.errors import FreezeError, UnsupportedError, ZooError
from zoo.freeze import freeze
from zoo.graph import Graph, MetaGraph
from zoo.model import Bindings, Endpoints, Feed, Piece
from zoo.records import Endpoint
from zoo.weights import StoredTensor

v1 = tf.compat.v1


def meta_of(graph_def: Any) -> MetaGraph:
    return MetaGraph(graph=Graph.from_proto(protos.GraphDef.FromString(graph_def.SerializeToString())))


def endpoint(name: str) -> Endpoint:
    return Endpoint(name=name, dtype="float32", shape=None, confidence=1.0, reason="test")


def one_output(name: str, *feeds: Feed, **folds: Any) -> Endpoints:
    return Endpoints(inputs=(), outputs=(endpoint(name),), feeds=feeds, folds=folds)


@pytest.fixture(scope="module")
def plain() -> models.Built:
    return models.build(models.plain_ref, stock=False)


@pytest.fixture(scope="module")
def piped() -> models.Built:
    return models.build(models.queue_fed, stock=False)


def test_second_output_of_a_node_gets_a_placeholder_of_its_own(piped: models.Built, tmp_path: Path) -> None:
    """Output 1 of an iterator that is fed becomes node_1, and its readers are rewired."""
    ends = Endpoints(
        inputs=(),
        outputs=(endpoint("loss:0"),),
        feeds=(
            Feed(tensor="IteratorGetNext:0", dtype="float32", shape=(None, 3)),
            Feed(tensor="IteratorGetNext:1", dtype="int32", shape=(None,)),
        ),
    )

    result = freeze(piped.meta, piped.bindings, piped.weights, ends, tmp_path / "f.pb")

    assert result.inputs == {
        "IteratorGetNext:0": "IteratorGetNext:0",
        "IteratorGetNext:1": "IteratorGetNext_1:0",
    }
    feeds = {"IteratorGetNext:0": np.ones((5, 3), np.float32), "IteratorGetNext_1:0": np.ones(5, np.int32)}
    (loss,) = models.run_frozen(tmp_path / "f.pb", feeds, ["loss:0"])
    assert np.isfinite(loss)


def test_name_of_a_new_placeholder_is_free(piped: models.Built, tmp_path: Path) -> None:
    """A placeholder for output k does not take the name of a node that is there."""
    graph_def = v1.GraphDef()
    graph_def.CopyFrom(piped.graph_def)
    graph_def.node.add(name="IteratorGetNext_1", op="NoOp")
    ends = Endpoints(
        inputs=(),
        outputs=(endpoint("loss:0"),),
        feeds=(Feed(tensor="IteratorGetNext:1", dtype="int32", shape=None),),
    )

    result = freeze(meta_of(graph_def), piped.bindings, piped.weights, ends, tmp_path / "f.pb")

    assert result.inputs["IteratorGetNext:1"] == "IteratorGetNext_1_1:0"
    # What nobody named is cut as well, and a warning says so.
    assert "the input pipeline was cut at IteratorGetNext:0" in result.warnings


def test_tensor_inside_the_model_can_be_fed(plain: models.Built, tmp_path: Path) -> None:
    """Cutting at an inner tensor leaves everything before it out, variables included."""
    ends = one_output("y:0", Feed(tensor="MatMul:0", dtype="float32", shape=(None, 2)))

    result = freeze(plain.meta, plain.bindings, plain.weights, ends, tmp_path / "f.pb")

    assert (result.nodes, result.variables) == (2, ())
    (found,) = models.run_frozen(tmp_path / "f.pb", {"MatMul:0": np.zeros((1, 2), np.float32)}, ["y:0"])
    assert not found.any()


@pytest.mark.parametrize(
    ("ends", "message"),
    [
        (one_output("prob:0"), "output 'prob:0': expected a tensor of the graph, found no such node"),
        (one_output("y:0", Feed(tensor="Mat:0", dtype="float32", shape=None)), "feed 'Mat:0': expected"),
        (one_output("y:0", **{"keep:0": 1.0}), "fold 'keep:0': expected"),
    ],
    ids=["output", "feed", "fold"],
)
def test_name_that_is_not_in_the_graph_is_refused(
    ends: Endpoints, message: str, plain: models.Built, tmp_path: Path
) -> None:
    """An output, feed or fold that names nothing is a FreezeError with what was expected."""
    with pytest.raises(FreezeError) as caught:
        freeze(plain.meta, plain.bindings, plain.weights, ends, tmp_path / "f.pb")

    assert message in str(caught.value)


def with_variable(plain: models.Built, **changes: Any) -> Bindings:
    return Bindings(variables=tuple(structs.replace(item, **changes) for item in plain.bindings.variables))


def test_graph_without_checkpoint_is_refused(plain: models.Built, tmp_path: Path) -> None:
    """A variable in the cone and no weights at all: the message says which, and what to add."""
    with pytest.raises(FreezeError, match="variable 'w' is needed, and there is no checkpoint"):
        freeze(plain.meta, plain.bindings, None, plain.endpoints, tmp_path / "f.pb")


def test_stored_value_of_another_shape_or_dtype_is_refused(plain: models.Built, tmp_path: Path) -> None:
    """A checkpoint of another version of the graph is told by the first variable that differs."""
    wide = models.weights_of({"w": np.zeros((3, 5), np.float32)}, {"w": "float32"})
    double = models.weights_of({"w": np.zeros((3, 2))}, {"w": "float64"})

    with pytest.raises(FreezeError, match=r"expected shape \[3, 2\] as in the graph, found \[3, 5\] stored"):
        freeze(plain.meta, plain.bindings, wide, plain.endpoints, tmp_path / "f.pb")
    with pytest.raises(FreezeError, match="expected float32 as in the graph, found float64 stored"):
        freeze(plain.meta, plain.bindings, double, plain.endpoints, tmp_path / "f.pb")


def test_missing_shard_is_named(plain: models.Built, tmp_path: Path) -> None:
    """A variable whose data file is not there is refused with the file's name."""
    weights = plain.weights
    lost = StoredTensor(
        key="w", dtype="float32", shape=(3, 2), bytes=24, missing="model.ckpt.data-00001-of-00002"
    )

    with pytest.raises(FreezeError, match=r"its value is in model\.ckpt\.data-00001-of-00002, which is not"):
        freeze(
            plain.meta,
            plain.bindings,
            replace(weights, tensors={"w": lost}),
            plain.endpoints,
            tmp_path / "f.pb",
        )


@pytest.mark.parametrize("resource", [False, True], ids=["reference", "resource"])
def test_op_that_is_not_known_to_be_right_goes_to_the_other_engine(resource: bool, tmp_path: Path) -> None:
    """A handle or reference that reaches an unlisted op is Unsupported, naming node, op and variable."""
    built = models.build(lambda: models.old_while(resource=resource), stock=False)
    for node in built.graph_def.node:
        if "w" in node.input and node.op in ("Identity", "Enter"):
            node.op = "MyOwnRead"

    with pytest.raises(UnsupportedError, match=r"\(MyOwnRead\) takes .*variable 'w'"):
        freeze(built.meta, built.bindings, built.weights, built.endpoints, tmp_path / "f.pb")


def test_function_that_makes_a_variable_goes_to_the_other_engine(tmp_path: Path) -> None:
    """A VarHandleOp inside a function body has no stored value that we could know."""
    built = models.build(models.new_control_flow, control_flow_v2=True, stock=False)
    body = built.graph_def.library.function[0]
    body.node_def.add(name="hidden", op="VarHandleOp").attr["dtype"].type = 1
    body.ret[next(iter(body.ret))] = "hidden:resource:0"

    with pytest.raises(UnsupportedError, match="makes a variable inside a function"):
        freeze(built.meta, built.bindings, built.weights, built.endpoints, tmp_path / "f.pb")


def test_part_outside_the_stored_tensor_is_refused(plain: models.Built, tmp_path: Path) -> None:
    """A slice that reaches beyond what is stored is refused before anything is read."""
    bindings = with_variable(plain, slice=Piece(node="w", offset=(2, 0), shape=(3, 2)))

    with pytest.raises(FreezeError, match=r"its part at \[2, 0\] of shape \[3, 2\] is not inside"):
        freeze(plain.meta, bindings, plain.weights, plain.endpoints, tmp_path / "f.pb")


def test_random_numbers_and_training_batch_norm_are_told(tmp_path: Path) -> None:
    """What makes a frozen graph answer differently each time, or by its batch, is a warning."""
    built = models.build(lambda: models.cnn(resource=False), stock=False)
    folds = {"net/is_training:0": True}
    ends = models.endpoints(built.meta.graph, built.feeds, built.outputs, folds)

    result = freeze(built.meta, built.bindings, built.weights, ends, tmp_path / "f.pb")

    told = " ".join(result.warnings)
    assert "batch normalization in training form" in told
    assert "the outputs depend on random numbers" in told


def test_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    """Freezing is deterministic, functions and new nodes included."""
    built = models.build(models.new_control_flow, control_flow_v2=True, stock=False)
    for name in ("a.pb", "b.pb"):
        freeze(built.meta, built.bindings, built.weights, built.endpoints, tmp_path / name)

    assert (tmp_path / "a.pb").read_bytes() == (tmp_path / "b.pb").read_bytes()


def test_deep_graph_is_no_deep_recursion(tmp_path: Path) -> None:
    """Twenty thousand nodes in one chain, each waiting for the one before, freeze in linear time."""
    graph_def = v1.GraphDef()
    node = graph_def.node.add(name="n0", op="Placeholder")
    node.attr["dtype"].type = 1
    for i in range(1, 20_000):
        node = graph_def.node.add(name=f"n{i}", op="Identity", input=[f"n{i - 1}", f"^n{i - 1}"])
        node.attr["T"].type = 1
    for i in range(100):
        node = graph_def.node.add(name=f"c{i}", op="NoOp", input=[f"^n{i}"])

    result = freeze(
        meta_of(graph_def), Bindings(variables=()), None, one_output("n19999:0"), tmp_path / "f.pb"
    )

    assert (result.nodes, result.engine) == (20_000, "as_is")


def _damage(graph_def: Any, chance: random.Random) -> None:
    """Change a few things in a GraphDef (our own message) that a damaged or hostile file may hold."""
    pools = [graph_def.node, *(item.node_def for item in graph_def.library.function if item.node_def)]
    ops = ["While", "If", "RefSwitch", "RefMerge", "Select", "VarHandleOp", "Merge", "NextIteration",
           "ResourceGather", "IdentityN", "LookupTableImportV2", "StatefulPartitionedCall"]  # fmt: skip
    for _ in range(chance.randint(1, 4)):
        pool = chance.choice(pools)
        node = chance.choice(pool)
        kind = chance.randrange(7)
        if kind == 0 and node.input:
            del node.input[chance.randrange(len(node.input))]
        elif kind == 1:
            node.op = chance.choice(ops)
        elif kind == 2 and node.attr:
            _put(node, chance, chance.randbytes(chance.randrange(9)))
        elif kind == 3 and node.attr:
            del node.attr[chance.randrange(len(node.attr))]
        elif kind == 4 and node.input:
            texts = ["", ":", "^", "x:y:z", chance.choice(pool).name, f"^{chance.choice(pool).name}"]
            node.input[chance.randrange(len(node.input))] = chance.choice(texts)
        elif kind == 5 and node.attr:
            other = chance.choice(chance.choice(pools))
            if other.attr:
                _put(node, chance, chance.choice(list(protos.attr_entries(other).values())))
        elif kind == 6 and graph_def.library.function:
            function = chance.choice(graph_def.library.function)
            for part in (function.ret, function.signature.input_arg, function.signature.output_arg):
                if part and chance.random() < 0.5:
                    del part[chance.randrange(len(part))]


def _put(node: Any, chance: random.Random, value: bytes) -> None:
    """Give one of the node's attributes another value."""
    at = chance.randrange(len(node.attr))
    node.attr[at] = protos.attr_entry(protos.AttrEntry.FromString(node.attr[at]).key, value)


@pytest.mark.parametrize("kind", ["functions", "old-control-flow", "tables"])
def test_damaged_graph_gives_a_told_error_or_a_graph(kind: str, tmp_path: Path) -> None:
    """Whatever is wrong with nodes, attributes and functions: a ZooError, never another exception."""
    made: dict[str, models.Built] = {
        "functions": models.build(models.new_control_flow, control_flow_v2=True, stock=False),
        "old-control-flow": models.build(
            lambda: models.lstm(dynamic=True, resource=True, dropout=True),
            folds={"keep_prob:0": 1.0},
            stock=False,
        ),
        "tables": models.build(models.tables, stock=False),
    }
    built = made[kind]
    chance = random.Random(kind)  # noqa: S311 - the same damage each time
    seen: Counter[str] = Counter()
    for _ in range(250):
        graph_def = protos.GraphDef.FromString(built.graph_def.SerializeToString())
        _damage(graph_def, chance)
        try:
            meta = MetaGraph(graph=Graph.from_proto(graph_def))
            freeze(meta, built.bindings, built.weights, built.endpoints, tmp_path / "f.pb")
            seen["frozen"] += 1
        except ZooError:
            seen["told"] += 1

    assert seen["told"] > 20
    assert seen["frozen"] > 20


def test_optimizer_slots_and_towers_are_counted(tmp_path: Path) -> None:
    """The pruning report tells slots by the bindings, and sums to what is gone."""
    built = models.build(lambda: models.cnn(resource=False), stock=False)
    slots = {name for name in built.values if "Adam" in name or "beta" in name}
    bindings = Bindings(
        variables=tuple(
            structs.replace(item, kind="optimizer")
            if item.name in slots and "/beta" not in item.name
            else item
            for item in built.bindings.variables
        )
    )
    folds = {"net/is_training:0": False, "net/keep_prob:0": 1.0}
    ends = models.endpoints(built.meta.graph, built.feeds, built.outputs, folds)

    result = freeze(built.meta, bindings, built.weights, ends, tmp_path / "f.pb")

    assert result.pruned.why["optimizer"] > len(slots) / 2
    assert sum(result.pruned.why.values()) == result.pruned.nodes == len(built.graph_def.node) - result.nodes
