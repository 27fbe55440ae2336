"""SavedModels of TensorFlow 2 that have functions and no signature: what a program would call is found."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from zoo import find, protos, variables
from zoo.endpoints import detect
from zoo.freeze import freeze
from zoo.model import Model
from zoo.pipeline import original
from zoo.runner import Runner

v1 = tf.compat.v1


class Layer(tf.Module):  # type: ignore[misc]
    """A layer whose variables are called as those of all others."""

    def __init__(self, units: int) -> None:
        super().__init__()
        self.w = tf.Variable(tf.random.normal([units, units]), name="w")
        self.b = tf.Variable(tf.random.normal([units]), name="b")

    def __call__(self, x: Any) -> Any:
        return x @ self.w + self.b


class Deep(tf.Module):  # type: ignore[misc]
    """Three layers alike, dropout in training, a constant of its own, and two functions."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = [Layer(4), Layer(4), Layer(4)]
        self.scale = tf.constant(2.0)

    @tf.function  # type: ignore[untyped-decorator]
    def __call__(self, x: Any, training: bool = False) -> Mapping[str, Any]:
        for layer in self.layers:
            x = tf.tanh(layer(x))
        if training:
            x = tf.nn.dropout(x, 0.5)
        return {"last": tf.nn.softmax(x * self.scale), "first": x[:, 0]}

    @tf.function  # type: ignore[untyped-decorator]
    def features(self, x: Any) -> Any:
        return self.layers[0](x)


class Words(tf.Module):  # type: ignore[misc]
    """A table that words are looked up in, and one for something else."""

    def __init__(self) -> None:
        super().__init__()
        self.rows = tf.Variable(tf.random.normal([3, 2]))
        self.tables = [
            tf.lookup.StaticHashTable(
                tf.lookup.KeyValueTensorInitializer(tf.constant(keys), tf.constant([1, 2], tf.int64)), 0
            )
            for keys in (["cat", "dog"], ["dog", "cat"])
        ]

    @tf.function  # type: ignore[untyped-decorator]
    def __call__(self, words: Any) -> Any:
        return tf.gather(self.rows, self.tables[1].lookup(words))


@pytest.fixture
def deep(tmp_path: Path) -> tuple[Any, Path]:
    """A saved module whose functions have four traces."""
    tf.random.set_seed(1)
    module = Deep()
    module(tf.zeros([2, 4]), training=True)
    module(tf.zeros([2, 4]))
    module.__call__.get_concrete_function(tf.TensorSpec([None, 4]), training=False)
    module.features(tf.zeros([3, 4]))
    tf.saved_model.save(module, str(tmp_path / "deep"))
    return module, tmp_path / "deep"


def read(folder: Path) -> Model:
    return find.read(folder, find.find(folder)[0])


def frozen(model: Model, path: Path, fed: Any) -> list[Any]:
    """What the frozen graph answers with, its tables filled."""
    assert model.meta is not None
    ends = detect(model.meta)
    bindings = variables.bind(model.meta, model.weights)
    result = freeze(model.meta, bindings, model.weights, ends, path)
    assert result.constants.equal == len(result.variables) > 0
    with tf.Graph().as_default() as graph, v1.Session(graph=graph) as session:
        tf.import_graph_def(v1.GraphDef.FromString(path.read_bytes()), name="")
        for name in result.initializers:
            session.run(graph.get_operation_by_name(name))
        [feed] = result.inputs.values()
        answers: list[Any] = session.run(list(result.outputs.values()), {feed: fed})
    return answers


def test_the_call_of_a_model_without_signatures_is_found_and_frozen(
    deep: tuple[Any, Path], tmp_path: Path
) -> None:
    """The trace for inference that leaves the batch open is taken, each variable told from its namesakes."""
    module, folder = deep
    model, x = read(folder), np.random.default_rng(0).normal(size=(5, 4)).astype(np.float32)
    assert model.meta is not None

    ends = detect(model.meta)

    assert [(one.name, one.shape, one.role) for one in ends.inputs] == [("call_x:0", (None, 4), "data")]
    assert [(one.name, one.kind) for one in ends.outputs] == [
        ("call:0", "logits"),
        ("call:1", "probabilities"),
    ]
    assert [one.reason for one in ends.outputs] == [
        "output 'first' of the model's function 'call'", "output 'last' of the model's function 'call'",
    ]  # fmt: skip
    assert "the model has other functions: features" in ends.warnings
    assert any("no signature" in warning for warning in model.warnings)
    expected = module(x)
    first, last = frozen(model, tmp_path / "frozen.pb", x)
    np.testing.assert_allclose(first, expected["first"], rtol=1e-6)
    np.testing.assert_allclose(last, expected["last"], rtol=1e-6)


def test_a_function_that_looks_words_up_gets_its_own_table(tmp_path: Path) -> None:
    """Tables have no names of their own; the function that would make one says which it is."""
    module, words = Words(), np.array([b"dog", b"bird", b"cat"], dtype=object)
    module(tf.constant(["cat", "dog", "bird"]))
    tf.saved_model.save(module, str(tmp_path / "words"))

    [rows] = frozen(read(tmp_path / "words"), tmp_path / "frozen.pb", words)

    np.testing.assert_array_equal(rows, module(tf.constant(words)))


def test_the_original_runs_though_the_file_has_no_call_of_its_function(
    deep: tuple[Any, Path], tmp_path: Path, runner: Runner
) -> None:
    """TensorFlow gets the same nodes, gives the variables their values, and answers bit by bit alike."""
    model = read(deep[1])
    assert model.meta is not None
    ends = detect(model.meta)
    bindings = variables.bind(model.meta, model.weights)
    result = freeze(model.meta, bindings, model.weights, ends, tmp_path / "frozen.pb")

    run = runner.compare(
        original(model, bindings), tmp_path / "frozen.pb", ends.inputs, ends.outputs,
        frozen_names={**result.inputs, **result.outputs},
    )  # fmt: skip

    assert run.ok, run.reason
    assert run.max_abs_diff == 0


def test_of_traces_with_other_flags_the_one_for_inference_is_called(tmp_path: Path) -> None:
    """That another argument is True in both does not make the one for training as good."""

    class Flagged(tf.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.w = tf.Variable(tf.random.normal([4, 3]))

        @tf.function  # type: ignore[untyped-decorator]
        def __call__(self, x: Any, training: bool = False, chances: bool = True) -> Any:
            scores = (tf.nn.dropout(x, 0.9) if training else x) @ self.w
            return tf.nn.softmax(scores) if chances else scores

    module, x = Flagged(), np.ones((2, 4), np.float32)
    module(x, training=True)
    module(x)
    tf.saved_model.save(module, str(tmp_path / "flagged"))

    [chances] = frozen(read(tmp_path / "flagged"), tmp_path / "frozen.pb", x)

    np.testing.assert_allclose(chances, module(x), rtol=1e-6)


@pytest.mark.parametrize("name", ["prédire", "^a", "x:0", "", "a/" * 200])
def test_what_a_function_is_called_is_no_node_name_as_it_is(deep: tuple[Any, Path], name: str) -> None:
    """Strangers call functions otherwise than TensorFlow its nodes; the page tells the true name."""
    path = deep[1] / "saved_model.pb"
    proto = protos.SavedModel.FromString(path.read_bytes())
    for child in proto.meta_graphs[0].object_graph_def.nodes[0].children:
        if child.local_name == "__call__":
            child.local_name = name
    path.write_bytes(proto.SerializeToString())
    model = read(deep[1])
    assert model.meta is not None

    ends = detect(model.meta)

    added = v1.GraphDef.FromString(model.meta.added)
    assert all(re.fullmatch(r"[A-Za-z0-9.][A-Za-z0-9_.]{0,110}", node.name) for node in added.node)
    assert ends.outputs
    assert name.strip("_") in [signature.key for signature in model.meta.signatures] or name == ""


def test_a_signature_is_taken_and_nothing_added(tmp_path: Path) -> None:
    """Whoever stated one said what to run."""
    module = Deep()
    spec = tf.TensorSpec([None, 4], name="x")
    tf.saved_model.save(module, str(tmp_path), signatures=module.features.get_concrete_function(spec))
    model = read(tmp_path)
    assert model.meta is not None

    assert model.meta.added == b""
    assert [one.name for one in detect(model.meta).inputs] == ["serving_default_x:0"]


def test_a_model_that_cannot_be_called_has_no_outputs(tmp_path: Path) -> None:
    """What saves and restores it is no answer, nor is a variable that is read."""
    module = tf.Module()
    module.w = tf.Variable([1.0, 2.0])
    tf.saved_model.save(module, str(tmp_path))
    model = read(tmp_path)
    assert model.meta is not None

    assert model.meta.added == b""
    assert detect(model.meta).outputs == ()


@pytest.mark.parametrize("damage", ["object", "child", "trace", "function", "argument", "key"])
def test_functions_that_are_damaged_are_not_called(deep: tuple[Any, Path], damage: str) -> None:
    """Numbers that lead nowhere and names that are not there cost the call, and not the page."""
    path = deep[1] / "saved_model.pb"
    proto = protos.SavedModel.FromString(path.read_bytes())
    graph = proto.meta_graphs[0]
    saved = graph.object_graph_def
    for entry in saved.concrete_functions:
        if damage == "object":
            entry.value.bound_inputs[:] = [1 << 30] * len(entry.value.bound_inputs)
        elif damage == "argument":
            entry.value.bound_inputs.extend([0] * 50)
        elif damage == "trace":
            entry.key += "?"
    if damage == "child":
        for child in saved.nodes[0].children:
            child.node_id = -5
    elif damage == "function":
        del graph.graph_def.library.function[:]
    elif damage == "key":
        for node in saved.nodes:
            for child in node.children:
                child.local_name += "/."
    path.write_bytes(proto.SerializeToString())
    model = read(deep[1])
    assert model.meta is not None

    assert model.meta.added == b""
