"""From files to frozen graph: checkpoints of both formats, SavedModels of both kinds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from tests import models_freeze as models
from zoo import find, variables
from zoo.errors import FreezeError
from zoo.freeze import FrozenResult, asset_files, freeze
from zoo.model import Bindings, Endpoints, Model
from zoo.records import Weights as Prefer

v1 = tf.compat.v1


@dataclass(frozen=True, kw_only=True)
class Saved:
    """A model on disk, the tensors to feed and fetch, and the answers of the original."""

    folder: Path
    feeds: dict[str, Any]
    answers: dict[str, Any]


def load(folder: Path, *, prefer: Prefer = "raw") -> tuple[Model, Bindings]:
    model = find.read(folder, find.find(folder)[0])
    return model, variables.bind(model.meta, model.weights, prefer=prefer)


def frozen_answers(
    saved: Saved, path: Path, *, prefer: Prefer = "raw", assets: bool = False
) -> tuple[FrozenResult, list[Any]]:
    model, bindings = load(saved.folder, prefer=prefer)
    assert model.meta is not None
    ends = models.endpoints(model.meta.graph, saved.feeds, list(saved.answers))
    files = asset_files(model) if assets else None
    result = freeze(model.meta, bindings, model.weights, ends, path, statistics=True, assets=files)
    feeds = {result.inputs[name]: value for name, value in saved.feeds.items() if name in result.inputs}
    fetches = [result.outputs[name] for name in saved.answers]
    if not assets and model.meta.assets:
        feeds |= {tensor: str(asset_files(model)[tensor]) for tensor in model.meta.assets.values()}
    return result, models.run_frozen(path, feeds, fetches, before=result.initializers)


def assert_same(saved: Saved, found: list[Any]) -> None:
    for expected, actual in zip(saved.answers.values(), found, strict=True):
        np.testing.assert_array_equal(actual, expected)


def checkpoint(
    folder: Path,
    make: Callable[[], tuple[dict[Any, Any], list[Any]]],
    *,
    change: Callable[[Any], None] | None = None,
    var_list: Callable[[], Any] | None = None,
    **saver: Any,
) -> Saved:
    """Build, initialize and save a graph; ``change`` edits its .meta afterwards."""
    v1.disable_control_flow_v2()
    with tf.Graph().as_default() as graph:
        v1.set_random_seed(1)
        feeds, fetches = make()
        if var_list is not None:
            saver["var_list"] = var_list()
        writer = v1.train.Saver(**saver)
        with v1.Session(graph=graph, config=models.plain_config()) as session:
            session.run(v1.global_variables_initializer())
            answers = session.run(fetches, feeds)
            writer.save(session, str(folder / "model.ckpt"))
    if change is not None:
        meta = v1.MetaGraphDef.FromString((folder / "model.ckpt.meta").read_bytes())
        change(meta)
        (folder / "model.ckpt.meta").write_bytes(meta.SerializeToString())
    return Saved(
        folder=folder,
        feeds={tensor.name: np.asarray(value) for tensor, value in feeds.items()},
        answers=dict(zip([fetch.name for fetch in fetches], answers, strict=True)),
    )


def two_jobs() -> tuple[dict[Any, Any], list[Any]]:
    """Variables on two devices: a sharded saver writes two data files."""
    x = v1.placeholder(tf.float32, [None, 3], name="x")
    with tf.device("/job:localhost/device:CPU:0"):
        w = v1.get_variable("w", [3, 4], use_resource=False)
        step = v1.get_variable("step", [], tf.int64, use_resource=True, trainable=False)
    with tf.device("/job:localhost/replica:0"):
        u = v1.get_variable("u", [4, 2], use_resource=True)
        names = v1.get_variable(
            "names",
            dtype=tf.string,
            initializer=tf.constant(["a", "bc"]),
            use_resource=False,
            trainable=False,
        )
    y = tf.matmul(tf.matmul(x, w), u) + tf.cast(step, tf.float32)
    return {x: np.ones((2, 3), np.float32)}, [tf.identity(y, name="y"), tf.identity(names, name="label")]


@pytest.mark.parametrize("version", [1, 2], ids=["V1", "V2"])
@pytest.mark.parametrize("sharded", [False, True], ids=["one-file", "sharded"])
def test_checkpoints_of_both_formats_freeze(version: int, sharded: bool, tmp_path: Path) -> None:
    """V1 and V2, in one file or sharded, with string and int variables: the same answers, proved."""
    (tmp_path / "m").mkdir()
    saved = checkpoint(tmp_path / "m", two_jobs, write_version=version, sharded=sharded)

    result, found = frozen_answers(saved, tmp_path / "frozen.pb")

    assert_same(saved, found)
    assert result.constants.checked == result.constants.equal == 4
    assert set(result.statistics) == {"w", "u", "step"}
    graph = v1.GraphDef.FromString((tmp_path / "frozen.pb").read_bytes())
    assert {node.device for node in graph.node} == {""}


@pytest.mark.parametrize("axis", [0, 1])
def test_partitioned_variable_freezes_from_its_checkpoint(axis: int, tmp_path: Path) -> None:
    """Each part becomes the constant of its own node, cut from the whole that is stored."""
    (tmp_path / "m").mkdir()
    saved = checkpoint(tmp_path / "m", lambda: models.partitioned(axis=axis))

    result, found = frozen_answers(saved, tmp_path / "frozen.pb")

    assert_same(saved, found)
    assert result.constants.checked == 3


def test_moving_averages_take_the_place_of_weights_on_request(tmp_path: Path) -> None:
    """With weights=ema the shadow's value is frozen under the variable's name, else the raw one."""

    def averaged() -> tuple[dict[Any, Any], list[Any]]:
        x = v1.placeholder(tf.float32, [None, 3], name="x")
        w = v1.get_variable("w", [3, 2], use_resource=False)
        average = tf.train.ExponentialMovingAverage(0.9)
        average.apply([w])
        v1.get_variable_scope()
        return {x: np.eye(3, dtype=np.float32)}, [
            tf.matmul(x, w, name="y"),
            tf.matmul(x, average.average(w) + 1.0, name="shadow"),
        ]

    (tmp_path / "m").mkdir()
    saved = checkpoint(tmp_path / "m", averaged)
    model, _ = load(saved.folder)
    assert model.weights is not None
    only = Saved(folder=saved.folder, feeds=saved.feeds, answers={"y:0": saved.answers["y:0"]})

    _, raw = frozen_answers(only, tmp_path / "raw.pb")
    result, shadow = frozen_answers(only, tmp_path / "ema.pb", prefer="ema")

    np.testing.assert_array_equal(raw[0], model.weights.read("w"))
    np.testing.assert_array_equal(shadow[0], model.weights.read("w/ExponentialMovingAverage"))
    assert result.constants.equal == 1


def test_ops_that_no_tensorflow_knows_do_not_matter_outside_the_cone(tmp_path: Path) -> None:
    """A graph whose input pipeline has unregistered ops freezes once it is cut at its feeds."""

    def change(meta: Any) -> None:
        for node in meta.graph_def.node:
            if node.op == "AssignAdd":
                node.op = "LoadFromVolumeStore"
        meta.graph_def.node.add(name="reader", op="SSTableReaderV2", device="/job:ps/task:0")

    (tmp_path / "m").mkdir()
    saved = checkpoint(tmp_path / "m", lambda: models.counts_itself(resource=False), change=change)

    result, found = frozen_answers(saved, tmp_path / "frozen.pb")

    assert_same(saved, found)
    assert result.warnings == ()


def test_custom_op_inside_the_cone_is_copied(tmp_path: Path) -> None:
    """An unregistered op on the way to the output stays as it is; only importing needs its library."""

    def change(meta: Any) -> None:
        for node in meta.graph_def.node:
            if node.op == "Tanh":
                node.op = "ProdEnvMatA"
                node.attr["rcut"].f = 6.0

    (tmp_path / "m").mkdir()
    saved = checkpoint(tmp_path / "m", models.plain_ref, change=change)
    model, bindings = load(saved.folder)
    assert model.meta is not None
    ends = models.endpoints(model.meta.graph, saved.feeds, list(saved.answers))

    freeze(model.meta, bindings, model.weights, ends, tmp_path / "frozen.pb")

    graph = v1.GraphDef.FromString((tmp_path / "frozen.pb").read_bytes())
    node = next(node for node in graph.node if node.name == "y")
    assert (node.op, node.attr["rcut"].f) == ("ProdEnvMatA", 6.0)


def test_variable_that_was_not_saved_is_named_with_its_nearest_key(tmp_path: Path) -> None:
    """Outputs that need an unsaved variable are refused; the hint names what the checkpoint has."""
    (tmp_path / "m").mkdir()
    saved = checkpoint(
        tmp_path / "m", two_jobs, var_list=lambda: {"w_old": v1.global_variables()[0]}, sharded=False
    )
    model, bindings = load(saved.folder)
    assert model.meta is not None
    ends = models.endpoints(model.meta.graph, saved.feeds, list(saved.answers))

    with pytest.raises(FreezeError, match=r"variable '(u|step|names)' is needed, and the checkpoint has no"):
        freeze(model.meta, bindings, model.weights, ends, tmp_path / "frozen.pb")

    assert not (tmp_path / "frozen.pb").exists()


def test_frozen_graph_freezes_to_itself(tmp_path: Path) -> None:
    """A graph without variables is pruned and written as it is; doing it twice changes nothing."""
    (tmp_path / "m").mkdir()
    saved = checkpoint(tmp_path / "m", models.plain_ref)
    frozen_answers(saved, tmp_path / "once" / "frozen.pb")

    again = Saved(folder=tmp_path / "once", feeds=saved.feeds, answers=saved.answers)
    result, found = frozen_answers(again, tmp_path / "twice.pb")

    assert_same(saved, found)
    assert result.engine == "as_is"
    assert result.pruned.nodes == 0
    assert (tmp_path / "twice.pb").read_bytes() == (tmp_path / "once" / "frozen.pb").read_bytes()


def test_graph_without_outputs_is_written_as_it_is(tmp_path: Path) -> None:
    """Where no outputs are known, a graph that holds its values is copied node by node."""
    (tmp_path / "m").mkdir()
    saved = checkpoint(tmp_path / "m", models.plain_ref)
    frozen_answers(saved, tmp_path / "once" / "frozen.pb")
    model, bindings = load(tmp_path / "once")
    assert model.meta is not None

    result = freeze(model.meta, bindings, model.weights, Endpoints(inputs=(), outputs=()), tmp_path / "f.pb")

    assert (result.engine, result.nodes) == ("as_is", len(model.meta.graph))
    assert (tmp_path / "f.pb").read_bytes() == (tmp_path / "once" / "frozen.pb").read_bytes()


# SavedModels.


class Net(tf.Module):  # type: ignore[misc]
    """Functions in functions, loops and conditionals on data, captures, a counter, two tables."""

    def __init__(self, vocabulary: str) -> None:
        super().__init__()
        self.w = tf.Variable(tf.random.normal([3, 4], seed=1), name="w")
        self.u = tf.Variable(tf.random.normal([4], seed=2), name="u")
        self.rows = tf.Variable(tf.random.normal([7, 4], seed=3), name="rows")
        self.calls = tf.Variable(0, dtype=tf.int64, name="calls")
        self.words = tf.lookup.StaticHashTable(
            tf.lookup.TextFileInitializer(
                vocabulary,
                tf.string,
                tf.lookup.TextFileIndex.WHOLE_LINE,
                tf.int64,
                tf.lookup.TextFileIndex.LINE_NUMBER,
            ),
            0,
        )
        self.signs = tf.lookup.StaticHashTable(
            tf.lookup.KeyValueTensorInitializer(tf.constant([1, 2], tf.int64), tf.constant([-1.0, 1.0])), 0.5
        )

    @tf.function  # type: ignore[untyped-decorator]
    def inner(self, x: Any) -> Any:
        return tf.tanh(x @ self.w)

    @tf.function(  # type: ignore[untyped-decorator]
        input_signature=[tf.TensorSpec([None, 3], tf.float32, "x"), tf.TensorSpec([None], tf.string, "text")]
    )
    def __call__(self, x: Any, text: Any) -> Mapping[str, Any]:
        self.calls.assign_add(1)
        h = self.inner(x)
        for i in tf.range(3):
            if tf.reduce_sum(h) > 0:  # noqa: SIM108 - autograph makes a conditional of it
                h = h * self.u
            else:
                h = h + tf.nn.embedding_lookup(self.rows, i)
        ids = self.words.lookup(text)
        return {"h": h, "rows": tf.gather(self.rows, ids), "sign": self.signs.lookup(ids)}


class Memory(tf.Module):  # type: ignore[misc]
    """Keeps what it saw."""

    def __init__(self) -> None:
        super().__init__()
        self.state = tf.Variable([0.0, 0.0], name="state")

    @tf.function(input_signature=[tf.TensorSpec([2], tf.float32, "x")])  # type: ignore[untyped-decorator]
    def __call__(self, x: Any) -> Mapping[str, Any]:
        self.state.assign(tf.tanh(self.state + x))
        return {"y": self.state * 2.0}


def image_net() -> tuple[Any, dict[str, Any]]:
    layers = tf.keras.layers
    image = tf.keras.Input([8, 8, 3], name="image")
    y = layers.Conv2D(4, 3, activation="relu")(image)
    y = layers.DepthwiseConv2D(3)(layers.BatchNormalization()(y))
    y = layers.Dropout(0.5)(layers.GlobalAveragePooling2D()(y))
    heads = [layers.Dense(5, activation="softmax", name="probs")(y), layers.Dense(2, name="box")(y)]
    return tf.keras.Model(image, heads), {"image": models.images()}


def text_net() -> tuple[Any, dict[str, Any]]:
    layers = tf.keras.layers
    tokens = tf.keras.Input([6], dtype="int32", name="tokens")
    y = layers.Embedding(20, 8)(tokens)
    y = layers.LayerNormalization()(y + layers.MultiHeadAttention(2, 4)(y, y))
    y = layers.Bidirectional(layers.GRU(4))(layers.LSTM(5, return_sequences=True)(y))
    return tf.keras.Model(tokens, layers.Dense(3)(y)), {
        "tokens": np.arange(12).reshape(2, 6).astype(np.int32)
    }


def exported(module: Any, folder: Path, feeds: Mapping[str, Any]) -> Saved:
    """Save, load as TensorFlow does, and call the signature."""
    if isinstance(module, tf.keras.Model):
        module.export(folder, verbose=False)
    else:
        tf.saved_model.save(module, str(folder), signatures=module.__call__)
    signature = tf.saved_model.load(str(folder)).signatures["serving_default"]
    answers = signature(**{name: tf.constant(value) for name, value in feeds.items()})
    model, _ = load(folder)
    assert model.meta is not None
    known = next(item for item in model.meta.signatures if item.key == "serving_default")
    return Saved(
        folder=folder,
        feeds={dict(known.inputs)[name].name: np.asarray(value) for name, value in feeds.items()},
        answers={ref.name: answers[name].numpy() for name, ref in known.outputs},
    )


@pytest.mark.parametrize("kept_file", [False, True], ids=["inlined", "file"])
def test_module_with_functions_loops_and_tables_freezes(kept_file: bool, tmp_path: Path) -> None:
    """A TF 2 SavedModel of a tf.Module: captures, nested functions, several outputs, both tables."""
    vocabulary = tmp_path / "vocabulary.txt"
    vocabulary.write_text("cat\ndog\r\nbird\n")
    text = np.array([b"dog", b"?", b"bird"], dtype=object)
    feeds = {"x": np.random.default_rng(0).normal(size=(2, 3)).astype(np.float32), "text": text}
    with tf.device("CPU"):
        saved = exported(Net(str(vocabulary)), tmp_path / "m", feeds)

    if not kept_file:
        vocabulary.unlink()
    result, found = frozen_answers(saved, tmp_path / "frozen.pb", assets=not kept_file)

    assert_same(saved, found)
    assert any("vocabulary file is still read" in text for text in result.warnings) == kept_file
    assert len(result.initializers) == 2
    assert result.constants.equal == len(result.variables)
    graph = v1.GraphDef.FromString((tmp_path / "frozen.pb").read_bytes())
    bodies = [node for function in graph.library.function for node in function.node_def]
    assert {node.op for node in [*bodies, *graph.node]}.isdisjoint(
        {"VarHandleOp", "ReadVariableOp", "ResourceGather", "AssignAddVariableOp"}
    )


def test_module_that_keeps_state_is_refused(tmp_path: Path) -> None:
    """A SavedModel whose function assigns what it reads is refused, the writing node named."""
    saved = exported(Memory(), tmp_path / "m", {"x": np.ones(2, np.float32)})

    with pytest.raises(FreezeError, match=r"node 'AssignVariableOp' writes the variable '\w+', which the"):
        frozen_answers(saved, tmp_path / "frozen.pb")


@pytest.mark.parametrize("make", [image_net, text_net], ids=["image", "text"])
def test_keras_export_freezes(make: Callable[[], tuple[Any, dict[str, Any]]], tmp_path: Path) -> None:
    """Convolution, batch norm and two heads; embedding, attention, LSTM and GRU: exported and frozen."""
    tf.keras.utils.set_random_seed(1)
    model, feeds = make()
    saved = exported(model, tmp_path / "m", feeds)

    result, found = frozen_answers(saved, tmp_path / "frozen.pb")

    for expected, actual in zip(saved.answers.values(), found, strict=True):
        np.testing.assert_allclose(actual, expected, rtol=1e-6, atol=1e-6)
    assert result.constants.checked == len(result.variables) > 8


def test_saved_model_of_tensorflow_1_freezes_with_its_table(tmp_path: Path) -> None:
    """Tables filled from constants and a vocabulary asset, in a v1 SavedModel."""
    vocabulary = tmp_path / "words.txt"
    vocabulary.write_text("cat\ndog\n")
    with tf.Graph().as_default() as graph, v1.Session(graph=graph) as session:
        text = v1.placeholder(tf.string, [None], name="text")
        table = tf.lookup.StaticVocabularyTable(
            tf.lookup.TextFileInitializer(
                str(vocabulary), tf.string, tf.lookup.TextFileIndex.WHOLE_LINE, tf.int64, -1
            ),
            2,
        )
        rows = v1.get_variable("rows", [4, 3], use_resource=True)
        out = tf.nn.embedding_lookup(rows, table.lookup(text), name="y")
        session.run([v1.global_variables_initializer(), v1.tables_initializer()])
        feed = np.array([b"dog", b"zebra", b"cat"], dtype=object)
        answer = session.run(out, {text: feed})
        v1.saved_model.simple_save(
            session, str(tmp_path / "m"), {"text": text}, {"y": out}, legacy_init_op=v1.tables_initializer()
        )
    vocabulary.unlink()
    saved = Saved(folder=tmp_path / "m", feeds={"text:0": feed}, answers={out.name: answer})

    result, found = frozen_answers(saved, tmp_path / "frozen.pb", assets=True)

    assert_same(saved, found)
    assert len(result.initializers) == 1


def test_asset_names_do_not_lead_out_of_the_model(tmp_path: Path) -> None:
    """A SavedModel that names a file outside its assets folder does not get it."""
    (tmp_path / "secret.txt").write_text("root:x")
    (tmp_path / "m").mkdir()
    saved = checkpoint(tmp_path / "m", models.plain_ref)
    model, _ = load(saved.folder)
    assert model.meta is not None
    names = {"../../secret.txt": "a:0", str(tmp_path / "secret.txt"): "b:0", "../assets": "c:0"}

    assert asset_files(replace(model, meta=replace(model.meta, assets=names))) == {}
