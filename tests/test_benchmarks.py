"""The instruments of the benchmarks measure what they say."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from benchmarks import measure, zoo_models
from tests.sketches import Sketch, names
from zoo import protos
from zoo.endpoints import detect
from zoo.readers.metagraph import meta_graph

if TYPE_CHECKING:
    from benchmarks.endpoints.cases import Labelled


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def test_the_cost_of_a_command_counts_processes_whose_parent_has_gone() -> None:
    """A grandchild that outlives its parent is waited for, and its processor time is counted."""
    burn = "import time\nwhile time.process_time() < 0.3: pass"
    leave = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {burn!r}])"

    assert measure.cost(python(leave)).cpu >= 0.3


def test_the_cost_of_a_command_tells_its_memory() -> None:
    """The peak holds the bytes that a child of the command has touched."""
    child = "import time; kept = bytearray(b'x' * 80_000_000); time.sleep(0.4)"
    parent = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}])"

    measured = measure.cost(python(parent), memory=True)

    assert 80_000_000 < measured.worker < measured.peak < 200_000_000


def test_a_command_that_fails_is_no_measurement() -> None:
    """What a failed command printed is in the error."""
    with pytest.raises(RuntimeError, match=r"exit code 3\n(.|\n)*out of paper"):
        measure.cost(python("print('out of paper'); raise SystemExit(3)"))


def test_a_line_gives_ratios_of_pairs_and_holds_the_limit() -> None:
    """Ratios are taken pair by pair; the median is held against the limit."""
    pairs = [(measure.Cost(wall=a, cpu=a), measure.Cost(wall=b, cpu=b)) for a, b in [(1, 2), (3, 4), (9, 10)]]

    assert "0.75 [0.50-0.90]" in measure.line("job / floor", pairs)
    assert measure.line("job / floor", pairs, limit=0.8).endswith("limit 0.80: yes")
    assert measure.line("job / floor", pairs, limit=0.7).endswith("limit 0.70: NO")


def test_a_made_model_restores_in_tensorflow(tmp_path: Path) -> None:
    """The checkpoint of a plan has every variable of its graph, slots included, and runs."""
    import tensorflow as tf

    models, v1 = zoo_models, tf.compat.v1

    def network(net: Any) -> Any:
        return net.classes(net.depthwise(net.conv(net.images, 4, stride=2), stride=2))

    for version in (1, 2):
        folder = tmp_path / f"v{version}"
        models.build(models.Plan(network=network, size=8, optimizer="momentum", version=version), folder)
        with tf.Graph().as_default() as graph, v1.Session(graph=graph) as session:
            saver = v1.train.import_meta_graph(str(folder / "model.ckpt.meta"))
            saver.restore(session, str(folder / "model.ckpt"))
            assert not len(session.run(v1.report_uninitialized_variables()))
            shape = session.run("prob:0", {"input:0": [[[[0.5] * 3] * 8] * 8]}).shape
            momentum = [variable for variable in v1.global_variables() if "Momentum" in variable.name]
        assert shape == (1, 1001)
        assert len(momentum) == len(graph.get_collection("trainable_variables"))


@pytest.fixture
def labelled(sketch: Sketch) -> Labelled:
    """A classifier in training, with a Saver, as the yardstick of inputs and outputs holds some."""
    from benchmarks.endpoints.cases import Case, Labelled

    tf, v1 = sketch.tf, sketch.v1
    x, label = sketch.feed([None, 8]), sketch.feed([None, 3])
    chances = tf.nn.softmax(sketch.dense(tf.nn.relu(sketch.dense(x, 4, "h")), 3, "o"))
    sketch.train(-tf.reduce_mean(label * tf.math.log(chances)))
    saver = v1.train.Saver().as_saver_def()
    graph = v1.get_default_graph().as_graph_def(add_shapes=True)
    meta = v1.train.export_meta_graph(saver_def=saver, graph_def=graph)
    case = Case("one", "classifier", lambda: ([x], [chances]))
    return Labelled(case, meta.SerializeToString(), (((x.name,), (chances.name,)),))


def test_a_labelled_graph_that_is_frozen_is_what_its_outputs_need(sketch: Sketch, labelled: Labelled) -> None:
    """It holds constants for variables and no training, and TensorFlow computes what the graph did."""
    from benchmarks import variants

    tf, v1 = sketch.tf, sketch.v1
    export = variants.frozen(labelled)

    assert export is not None
    graph = v1.MetaGraphDef.FromString(export.meta).graph_def
    assert {node.op for node in graph.node} == {
        "Placeholder", "Const", "Identity", "MatMul", "AddV2", "Relu", "Softmax",
    }  # fmt: skip
    with tf.Graph().as_default(), v1.Session() as session:
        tf.import_graph_def(graph, name="")
        [[x], [chances]] = export.truths[0]
        found = session.run(chances, {x: np.ones((1, 8))})
    assert found.tolist() == [pytest.approx([1 / 3] * 3)]  # all weights are zero


@pytest.mark.parametrize("variant", ["element", "frozen", "named", "scope", "tested", "watched"])
def test_a_labelled_graph_that_is_changed_is_told_as_before(
    sketch: Sketch, labelled: Labelled, variant: str
) -> None:
    """TensorFlow still loads it, and training goes on as it did."""
    from benchmarks import variants

    tf, v1 = sketch.tf, sketch.v1
    changed = variants.VARIANTS[variant](labelled)

    assert variant in variants.VARIANTS
    assert changed is not None
    assert changed.meta != labelled.meta
    meta = v1.MetaGraphDef.FromString(changed.meta)
    if variant != "element":  # its pipeline is a stand-in
        with tf.Graph().as_default():
            saver = v1.train.import_meta_graph(meta)
            assert (saver is None) == (variant == "frozen")
    found = detect(meta_graph(protos.MetaGraphDef.FromString(changed.meta), variant))
    assert names(found) == tuple(map(list, changed.truths[0]))
