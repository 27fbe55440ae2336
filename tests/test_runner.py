"""Running graphs: the proof by execution, the second engine, and what becomes of bad graphs."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from tests.models_readers import CORPUS, needs_corpus
from tests.running_models import Saved, checkpoint, copy_of, endpoint, graph_file
from zoo.errors import FreezeError
from zoo.runner import Limits, Original, RunError, Runner, RunnerOptions, Value, confinement
from zoo.running.feeds import ATTEMPTS, Wanted, make_feeds
from zoo.running.server import ending
from zoo.running.tasks import Job, Probe, Probed, Refused

X = endpoint("x:0", shape=(None, 4))
Y = endpoint("y:0", shape=(None, 2))


def dense(tf: Any, *, resource: bool = False) -> None:
    v1 = tf.compat.v1
    x = v1.placeholder(tf.float32, [None, 4], "x")
    w = v1.get_variable("w", [4, 2], initializer=v1.random_normal_initializer(), use_resource=resource)
    b = v1.get_variable("b", [2], initializer=v1.ones_initializer(), use_resource=resource)
    tf.identity(tf.matmul(x, w) + b, "y")


@pytest.fixture(scope="session")
def saved(tf: Any, tmp_path_factory: pytest.TempPathFactory) -> Saved:
    return checkpoint(tmp_path_factory.mktemp("dense"), dense, (X,), (Y,))


def compare(runner: Runner, saved: Saved, **rest: Any) -> Any:
    return runner.compare(saved.original, saved.frozen, saved.inputs, saved.outputs, **rest)


class TestCompare:
    """The original against the frozen graph."""

    @pytest.mark.parametrize("resource", [False, True], ids=["ref", "resource"])
    @pytest.mark.parametrize("v1", [False, True], ids=["V2", "V1"])
    def test_equal_graphs_are_proved_equal(
        self, runner: Runner, tf: Any, tmp_path: Path, resource: bool, v1: bool
    ) -> None:
        """What stock TensorFlow froze gives the very bits of what it restores, of either format."""
        saved = checkpoint(tmp_path, lambda tf: dense(tf, resource=resource), (X,), (Y,), v1=v1)
        proof = compare(runner, saved)

        assert (proof.ok, proof.max_abs_diff, proof.max_rel_diff, proof.reason) == (True, 0.0, 0.0, None)
        assert proof.outputs["y:0"].endswith("no NaN, bit-identical")

    def test_a_constant_that_is_off_is_found(
        self, runner: Runner, tf: Any, saved: Saved, tmp_path: Path
    ) -> None:
        """One weight changed by a thousandth makes the proof fail, with the size of the difference."""
        graph = tf.compat.v1.GraphDef.FromString(saved.frozen.read_bytes())
        [weights] = [node for node in graph.node if node.name == "w"]
        values = tf.make_ndarray(weights.attr["value"].tensor).copy()
        values[0, 0] += 0.001
        weights.attr["value"].tensor.CopyFrom(tf.make_tensor_proto(values))
        bent = tmp_path / "bent.pb"
        bent.write_bytes(graph.SerializeToString())
        proof = runner.compare(saved.original, bent, saved.inputs, saved.outputs)

        assert proof.ok is False
        assert proof.max_abs_diff is not None
        assert 0 < proof.max_abs_diff <= 0.001
        assert "y:0 differs: by up to" in str(proof.reason)

    def test_a_frozen_graph_that_does_not_run_is_no_proof(
        self, runner: Runner, tf: Any, saved: Saved, tmp_path: Path
    ) -> None:
        """Variables left in the frozen graph are found out by running it."""
        unfrozen = graph_file(tmp_path / "unfrozen.pb", dense)
        proof = runner.compare(saved.original, unfrozen, saved.inputs, saved.outputs)

        assert proof.ok is False
        assert "the frozen graph does not run, the original does" in str(proof.reason)
        assert "uninitialized value" in str(proof.reason)

    @pytest.mark.parametrize("resource", [False, True], ids=["ref", "resource"])
    def test_ranges_that_move_as_a_net_runs_are_compared_as_they_are_stored(
        self, runner: Runner, tf: Any, tmp_path: Path, resource: bool
    ) -> None:
        """The original would note them anew each time, and never give the same values twice."""

        def build(tf: Any, *, learns: bool = True) -> None:
            v1 = tf.compat.v1
            x = v1.placeholder(tf.float32, [None, 4], "x")
            with v1.variable_scope("", use_resource=resource):
                sides = [
                    v1.get_variable(name, [], initializer=v1.constant_initializer(first), trainable=False)
                    for name, first in (("low", -0.5), ("high", 0.75))
                ]
            near = [tf.reduce_min(x), tf.reduce_max(x)]
            noted = [v1.assign_sub(side, (side - now) * 0.5) for side, now in zip(sides, near, strict=True)]
            tf.quantization.fake_quant_with_min_max_vars(x, *(noted if learns else sides), name="y")

        saved = checkpoint(tmp_path / "learns", build, (X,), (X,))
        still = checkpoint(tmp_path / "still", lambda tf: build(tf, learns=False), (X,), (endpoint("y:0"),))
        proof = runner.compare(saved.original, still.frozen, (X,), (endpoint("y:0"),))

        assert (proof.ok, proof.max_abs_diff) == (True, 0.0)
        assert "as they are stored" in str(proof.reason)

    def test_ranges_beside_the_outputs_need_no_values(self, runner: Runner, tf: Any, tmp_path: Path) -> None:
        """A second net of the graph is not saved, and its ranges are nobody's business."""

        def build(tf: Any) -> None:
            dense(tf)
            v1 = tf.compat.v1
            given = {"trainable": False, "collections": [v1.GraphKeys.LOCAL_VARIABLES], "use_resource": False}
            low = v1.get_variable("low", [], initializer=v1.zeros_initializer(), **given)
            noted = v1.assign_sub(low, 0.5)
            tf.quantization.fake_quant_with_min_max_vars(tf.ones([2]), noted, 1.0, name="beside")

        saved = checkpoint(tmp_path, build, (X,), (Y,))
        proof = compare(runner, saved)

        assert (proof.ok, proof.reason) == (True, None)

    def test_a_folded_flag_is_fed_to_the_original(self, runner: Runner, tf: Any, tmp_path: Path) -> None:
        """The original has a training flag, the frozen graph its inference value instead."""

        def build(tf: Any) -> None:
            x = tf.compat.v1.placeholder(tf.float32, [None, 4], "x")
            training = tf.compat.v1.placeholder(tf.bool, [], "training")
            w = tf.compat.v1.get_variable("w", [4, 2], use_resource=False)
            noise = tf.cond(training, lambda: tf.constant(5.0), lambda: tf.constant(0.0))
            tf.identity(tf.matmul(x, w) + noise, "y")

        saved = checkpoint(tmp_path, build, (X, endpoint("training:0", "bool", (), folded=False)), (Y,))
        path = tmp_path / "folded.pb"
        runner.freeze_tensorflow(saved.original, saved.inputs, saved.outputs, path)
        graph = tf.compat.v1.GraphDef.FromString(path.read_bytes())
        proof = runner.compare(saved.original, path, saved.inputs, saved.outputs)

        assert {node.name: node.op for node in graph.node}["training"] == "Const"
        assert (proof.ok, proof.max_abs_diff) == (True, 0.0)

    def test_random_ops_get_the_same_seeds(self, runner: Runner, tf: Any, tmp_path: Path) -> None:
        """Dropout that nobody switched off draws the same numbers in both graphs, and is named."""

        def build(tf: Any) -> None:
            x = tf.compat.v1.placeholder(tf.float32, [None, 4], "x")
            tf.identity(tf.compat.v1.nn.dropout(x, rate=0.5), "y")

        path = graph_file(tmp_path / "dropout.pb", build)
        proof = runner.compare(Original(kind="graph_def", path=str(path)), copy_of(path), [X], [Y])

        assert proof.ok is True
        assert "both graphs draw the same random numbers: RandomUniform" in str(proof.reason)

    def test_a_file_that_was_frozen_already_is_said_to_be_that(self, runner: Runner, saved: Saved) -> None:
        """Comparing a file with itself proves that it runs, and the reason says no more."""
        proof = runner.compare(
            Original(kind="graph_def", path=str(saved.frozen)), saved.frozen, saved.inputs, saved.outputs
        )

        assert (proof.ok, proof.reason) == (True, "the frozen graph is the original file, run twice")

    def test_an_unknown_op_outside_of_what_is_wanted_does_no_harm(
        self, runner: Runner, tf: Any, saved: Saved, tmp_path: Path
    ) -> None:
        """A graph that stock TensorFlow cannot import is loaded in the part that the outputs need."""
        meta = tf.compat.v1.MetaGraphDef.FromString(Path(saved.original.path).read_bytes())
        meta.graph_def.node.add(name="records", op="NeverHeardOf")
        other = tmp_path / "other.meta"
        other.write_bytes(meta.SerializeToString())
        original = msgspec.structs.replace(saved.original, path=str(other))
        proof = runner.compare(original, saved.frozen, saved.inputs, saved.outputs)

        assert (proof.ok, proof.max_abs_diff) == (True, 0.0)
        assert str(proof.reason).startswith("only the part of the original that the outputs need was loaded")
        assert "NeverHeardOf" in str(proof.reason)

    def test_an_original_that_cannot_load_leaves_the_frozen_graph_alone(
        self, runner: Runner, saved: Saved, tmp_path: Path
    ) -> None:
        """Without its checkpoint the original proves nothing; the frozen graph's outputs are shown."""
        lost = msgspec.structs.replace(saved.original, checkpoint=str(tmp_path / "gone"))
        proof = runner.compare(lost, saved.frozen, saved.inputs, saved.outputs)

        assert proof.ok is None
        assert "the frozen graph ran alone" in str(proof.reason)
        assert proof.outputs["y:0"].startswith("float32 [1, 2], ")

    def test_paths_of_the_machine_stay_out_of_reasons(
        self, runner: Runner, saved: Saved, tmp_path: Path
    ) -> None:
        """An outcome is the same wherever it is made."""
        lost = msgspec.structs.replace(saved.original, checkpoint=str(tmp_path / "gone"))
        proof = runner.compare(lost, saved.frozen, saved.inputs, saved.outputs)

        assert str(tmp_path) not in str(proof.reason)


def test_tables_are_filled_before_the_first_run(runner: Runner, tf: Any, tmp_path: Path) -> None:
    """A frozen graph keeps the node that fills its lookup table, and it is run."""

    def build(tf: Any) -> None:
        words = tf.compat.v1.placeholder(tf.string, [None], "x")
        filler = tf.lookup.KeyValueTensorInitializer(["a", "c"], [1, 2])
        tf.identity(tf.lookup.StaticHashTable(filler, -1).lookup(words), "y")

    path = graph_file(tmp_path / "table.pb", build)
    ran = runner.run(path, {"x:0": np.array([b"a", b"b"], dtype=object)}, ["y:0"])

    assert ran.values["y:0"].tolist() == [1, -1]


class TestTrouble:
    """Graphs that hang, eat memory, crash, or reach out."""

    @pytest.fixture
    def tight(self, runner: Runner, place: Path) -> Iterator[Runner]:
        limits = Limits(wall=60, cpu=60, memory=256 << 20, file=1 << 20)
        with Runner(RunnerOptions(limits=limits, shared=place)) as one:
            yield one

    def test_a_graph_that_never_ends_meets_the_time_limit(
        self, runner: Runner, place: Path, tf: Any, tmp_path: Path
    ) -> None:
        """The limit is named, and the next task is served."""

        def build(tf: Any) -> None:
            x = tf.compat.v1.placeholder(tf.float32, [], "x")
            tf.identity(tf.while_loop(lambda i: i < 2.0, lambda i: [i * 0.5], [x])[0], "y")

        endless = graph_file(tmp_path / "endless.pb", build)
        with Runner(RunnerOptions(limits=Limits(wall=3), shared=place)) as hasty:
            proof = hasty.compare(None, endless, [endpoint("x:0", shape=())], [endpoint("y:0")])

        assert (proof.ok, proof.reason) == (None, "time limit: it was still running after 3 s")
        assert isinstance(runner.probe(look(tmp_path)), Probed)

    def test_a_graph_that_wants_too_much_meets_the_memory_limit(
        self, tight: Runner, tf: Any, tmp_path: Path
    ) -> None:
        """A fill of 2 GiB is refused by the system, and the reason says by which limit."""

        def build(tf: Any) -> None:
            x = tf.compat.v1.placeholder(tf.float32, [], "x")
            tf.reduce_sum(tf.fill([1 << 29], x) * 2.0, name="y")

        greedy = graph_file(tmp_path / "greedy.pb", build)
        proof = tight.compare(None, greedy, [endpoint("x:0", shape=())], [endpoint("y:0")])

        assert (proof.ok, proof.reason) == (None, "memory limit: it wanted more than 256 MiB")
        assert isinstance(tight.probe(look(tmp_path)), Probed)

    def test_python_code_that_wants_too_much_meets_it_too(self, tight: Runner, tmp_path: Path) -> None:
        """The limit holds for the whole process, not just for kernels."""
        answer = tight.probe(look(tmp_path, act="allocate"))

        assert isinstance(answer, Refused)
        assert (answer.kind, answer.reason) == ("limit", "memory limit: it wanted more than 256 MiB")

    @pytest.mark.parametrize(
        ("act", "reason"),
        [("segv", "its process was ended by SIGSEGV"), ("kill", "its process was ended by SIGKILL")],
    )
    def test_a_crash_is_an_answer_that_names_the_signal(
        self, runner: Runner, tmp_path: Path, act: Any, reason: str
    ) -> None:
        """A process that dies takes nobody with it."""
        answer = runner.probe(look(tmp_path, act=act))

        assert isinstance(answer, Refused)
        assert answer.kind == "died"
        assert answer.reason.startswith(reason)
        assert isinstance(runner.probe(look(tmp_path)), Probed)

    def test_a_graph_that_aborts_its_process_is_an_answer(
        self, runner: Runner, tf: Any, tmp_path: Path
    ) -> None:
        """An op that calls abort() ends its own fork."""

        def build(tf: Any) -> None:
            x = tf.compat.v1.placeholder(tf.float32, [], "x")
            with tf.control_dependencies([tf.raw_ops.Abort(error_msg="so long")]):
                tf.identity(x, "y")

        aborting = graph_file(tmp_path / "abort.pb", build)
        proof = runner.compare(None, aborting, [endpoint("x:0", shape=())], [endpoint("y:0")])

        assert proof.ok is None
        assert "SIGABRT" in str(proof.reason)

    def test_a_graph_with_python_in_it_is_refused(self, runner: Runner, tf: Any, tmp_path: Path) -> None:
        """The wanted part needs a PyFunc: nothing of it is run."""

        def build(tf: Any) -> None:
            x = tf.compat.v1.placeholder(tf.float32, [None, 4], "x")
            tf.identity(tf.compat.v1.py_func(lambda value: value, [x], tf.float32), "y")

        path = graph_file(tmp_path / "python.pb", build)
        proof = runner.compare(Original(kind="graph_def", path=str(path)), path, [X], [Y])

        assert proof.ok is None
        assert "needs PyFunc (runs Python code" in str(proof.reason)

    @pytest.mark.parametrize("hidden", [False, True], ids=["plain", "in-a-function"])
    def test_a_graph_that_writes_a_file_is_refused_and_no_file_appears(
        self, runner: Runner, tf: Any, tmp_path: Path, hidden: bool
    ) -> None:
        """Neither in the open nor inside a function of its library."""
        target = tmp_path / "owned"

        def write(x: Any) -> Any:
            with tf.control_dependencies([tf.io.write_file(str(target), "owned")]):
                return tf.identity(x)

        def build(tf: Any) -> None:
            x = tf.compat.v1.placeholder(tf.float32, [None, 4], "x")
            tf.identity(tf.function(write)(x) if hidden else write(x), "y")

        path = graph_file(tmp_path / "writes.pb", build)
        proof = runner.compare(None, path, [X], [Y])

        assert "needs WriteFile (reads or writes files): not run" in str(proof.reason)
        assert not target.exists()

    def test_a_risky_op_that_nobody_wants_is_pruned_away(
        self, runner: Runner, tf: Any, tmp_path: Path
    ) -> None:
        """A graph that also can write files runs as long as the outputs do not need that."""
        target = tmp_path / "owned"

        def build(tf: Any) -> None:
            x = tf.compat.v1.placeholder(tf.float32, [None, 4], "x")
            tf.identity(x * 2.0, "y")
            tf.io.write_file(str(target), "owned", name="side")

        path = graph_file(tmp_path / "both.pb", build)
        proof = runner.compare(Original(kind="graph_def", path=str(path)), copy_of(path), [X], [Y])

        assert proof.ok is True
        assert "the rest holds WriteFile" in str(proof.reason)
        assert not target.exists()

    def test_the_confinement_holds(self, runner: Runner, tmp_path: Path) -> None:
        """No network, no other files, no programs: as far as this platform has means for it."""
        outside, secret = tmp_path / "outside", tmp_path / "secret"
        secret.write_text("secret")
        with socket.create_server(("127.0.0.1", 0)) as listener:
            answer = runner.probe(
                Probe(
                    outside=str(outside), secret=str(secret), address=("127.0.0.1", listener.getsockname()[1])
                )
            )
        holds = confinement()
        means = {
            "write": "no writes outside the scratch folder",
            "read": "no reads outside the model and the installation",
            "connect": "no network",
            "program": "no other programs",
        }

        assert isinstance(answer, Probed)
        assert answer.findings["scratch"] == "done"
        for attempt, promise in means.items():
            if "not on this platform" not in holds[promise] and "no Landlock" not in holds[promise]:
                assert answer.findings[attempt] in ("PermissionError", "OSError"), (attempt, promise)
        assert not outside.exists() or answer.findings["write"] == "done"

    def test_runners_that_share_a_process_start_it_once(
        self, runner: Runner, place: Path, tmp_path: Path
    ) -> None:
        """Eight workers on a machine need not hold TensorFlow eight times."""
        with Runner(RunnerOptions(shared=place)) as other:
            answers = [one.probe(look(tmp_path)) for one in (runner, other, runner)]

        servers = {answer.findings["server"] for answer in answers if isinstance(answer, Probed)}
        assert len(servers) == 1

    def test_a_process_that_is_gone_starts_anew_and_the_task_is_done(
        self, runner: Runner, tmp_path: Path
    ) -> None:
        """Somebody killed the process that holds TensorFlow: no row is blamed for that."""
        first = runner.probe(look(tmp_path))
        assert isinstance(first, Probed)
        os.kill(int(first.findings["server"]), 9)
        again = runner.probe(look(tmp_path))

        assert isinstance(again, Probed)
        assert again.findings["server"] != first.findings["server"]


@pytest.mark.parametrize(
    ("status", "taken", "late", "kind", "reason"),
    [
        (9, 0, True, "limit", "time limit: it was still running after 5 s"),
        (24, 0, False, "limit", "processor time limit: it used 7 s"),
        (11, 90 << 20, False, "limit", "memory limit: SIGSEGV after it had taken 90 of 100 MiB"),
        (11, 9 << 20, False, "died", "its process was ended by SIGSEGV (a memory fault"),
        (9, 90 << 20, False, "died", "its process was ended by SIGKILL (killed from outside"),
        (3 << 8, 0, False, "died", "its process ended with exit status 3 and no answer"),
    ],
    ids=["late", "cpu", "memory", "fault", "killed", "exit"],
)  # fmt: skip
def test_the_end_of_a_process_is_put_into_words(
    tmp_path: Path, status: int, taken: int, late: bool, kind: str, reason: str
) -> None:
    """Signal or limit is named, and a crash near the memory limit is blamed on that."""
    limits = Limits(wall=5, cpu=7, memory=100 << 20)
    job = Job(task=look(tmp_path), scratch=str(tmp_path), readable=(), limits=limits)
    answer = ending(job, status, taken=taken, late=late)

    assert answer.kind == kind
    assert answer.reason.startswith(reason)


def look(folder: Path, act: Any = "look") -> Probe:
    return Probe(
        outside=str(folder / "outside"), secret=str(folder / "secret"), address=("127.0.0.1", 9), act=act
    )


class TestSecondEngine:
    """TensorFlow freezes what the streaming engine does not know."""

    def test_a_checkpoint_is_frozen_and_proved(self, runner: Runner, saved: Saved, tmp_path: Path) -> None:
        """Its result has no variables, the right endpoints, and gives the same bits."""
        path = tmp_path / "frozen.pb"
        written = runner.freeze_tensorflow(saved.original, saved.inputs, saved.outputs, path)
        proof = runner.compare(saved.original, path, saved.inputs, saved.outputs)

        assert [one.name for one in written.inputs] == ["x:0"]
        assert [(one.name, one.dtype, one.shape) for one in written.outputs] == [
            ("y:0", "float32", (None, 2))
        ]
        assert (proof.ok, proof.max_abs_diff) == (True, 0.0)

    def test_the_graph_is_cut_at_its_feeds(self, runner: Runner, tf: Any, tmp_path: Path) -> None:
        """An iterator becomes a placeholder of its name; what was behind it is gone."""

        def build(tf: Any) -> None:
            v1 = tf.compat.v1
            data = tf.data.Dataset.from_tensors((np.ones([1, 4], np.float32), np.ones([1], np.int64)))
            x, _ = v1.data.make_one_shot_iterator(data).get_next()
            tf.identity(tf.matmul(x, v1.get_variable("w", [4, 2], use_resource=True)), "y")

        feed = endpoint("IteratorGetNext:0", shape=(None, 4))
        saved = checkpoint(tmp_path, build, (feed,), (Y,))
        path = tmp_path / "cut.pb"
        written = runner.freeze_tensorflow(saved.original, saved.inputs, saved.outputs, path)
        proof = runner.compare(saved.original, path, saved.inputs, saved.outputs)
        graph = tf.compat.v1.GraphDef.FromString(path.read_bytes())

        assert [one.name for one in written.inputs] == ["IteratorGetNext:0"]
        assert {node.op for node in graph.node} == {"Placeholder", "Const", "Identity", "MatMul"}
        assert proof.ok is True

    def test_a_graph_that_writes_its_variables_is_an_error(
        self, runner: Runner, tf: Any, tmp_path: Path
    ) -> None:
        """A counter as the output cannot be a constant; nothing is left behind."""

        def build(tf: Any) -> None:
            counter = tf.compat.v1.get_variable("w", [2], use_resource=False)
            x = tf.compat.v1.placeholder(tf.float32, [2], "x")
            tf.compat.v1.assign_add(counter, x, name="y")

        import tensorflow

        folder = tmp_path / "model"
        folder.mkdir()
        v1 = tensorflow.compat.v1
        with tensorflow.Graph().as_default() as graph, v1.Session(graph=graph) as session:
            build(tensorflow)
            saver = v1.train.Saver()
            session.run(v1.global_variables_initializer())
            prefix = saver.save(session, str(folder / "model.ckpt"))
        original = Original(kind="meta_graph", path=f"{prefix}.meta", checkpoint=prefix)
        with pytest.raises(FreezeError, match=r"engine tensorflow: .*cannot"):
            runner.freeze_tensorflow(original, [endpoint("x:0", shape=(2,))], [Y], tmp_path / "frozen.pb")

        assert [path.name for path in tmp_path.iterdir()] == ["model"]


class TestRun:
    """A person runs a frozen graph."""

    def test_values_come_back_under_their_names(self, runner: Runner, saved: Saved) -> None:
        """An array in, the product with the weights out."""
        x = np.arange(8, dtype=np.float32).reshape(2, 4)
        ran = runner.run(saved.frozen, {"x": x}, ["y:0", "w:0", "b:0"])

        np.testing.assert_allclose(ran.values["y:0"], x @ ran.values["w:0"] + ran.values["b:0"], rtol=1e-6)
        assert ran.notes == ()

    def test_outputs_and_inputs_are_found_when_not_named(self, runner: Runner, saved: Saved) -> None:
        """Nothing given: every input is made up, and a note says so; every sink is fetched."""
        ran = runner.run(saved.frozen, {})

        assert list(ran.values) == ["y:0"]
        assert ran.notes == ("made-up values for x:0",)

    def test_an_unknown_feed_names_the_known_ones(self, runner: Runner, saved: Saved) -> None:
        """A typing error is answered with the graph's inputs."""
        with pytest.raises(RunError, match="feed 'z:0' is not in the graph, its inputs are: x:0") as caught:
            runner.run(saved.frozen, {"z:0": np.ones(1)})
        assert "keep_prob" in str(caught.value.hint)

    @pytest.mark.parametrize("value", [1.0, 0, False])
    def test_a_flag_that_freezing_gave_this_value_is_left_out_with_a_note(
        self, runner: Runner, saved: Saved, value: float
    ) -> None:
        """The line that ran the training graph runs the frozen one."""
        ran = runner.run(saved.frozen, {"x:0": np.ones([2, 4], np.float32), "keep_prob:0": np.asarray(value)})

        assert list(ran.values) == ["y:0"]
        assert ran.notes == (
            "keep_prob:0 is not in the graph and was left out: freezing gave it its inference value",
        )

    @pytest.mark.parametrize("value", [0.5, True])
    def test_a_flag_of_another_value_than_freezing_gave_it_is_an_error(
        self, runner: Runner, saved: Saved, value: float
    ) -> None:
        """What the graph cannot do is not passed over."""
        with pytest.raises(RunError, match="feed 'is_training:0' is not in the graph"):
            runner.run(saved.frozen, {"is_training:0": np.asarray(value)})

    def test_a_value_of_the_wrong_shape_is_an_error_of_one_line(self, runner: Runner, saved: Saved) -> None:
        """TensorFlow's message without its machinery."""
        with pytest.raises(RunError, match="Cannot feed value of shape") as caught:
            runner.run(saved.frozen, {"x:0": np.ones([2, 3], np.float32)}, ["y:0"])

        assert "\n" not in str(caught.value)

    def test_an_image_is_resized_to_the_placeholder(self, runner: Runner, tf: Any, tmp_path: Path) -> None:
        """A PNG of any size goes where an image of 8 by 8 in 0 to 1 is wanted."""
        from zoo.running.feeds import png

        def build(tf: Any) -> None:
            tf.identity(tf.compat.v1.placeholder(tf.float32, [None, 8, 8, 3], "x"), "y")

        picture = tmp_path / "picture.png"
        picture.write_bytes(png(32, 16))
        path = graph_file(tmp_path / "image.pb", build)
        values = runner.run(path, {"x:0": Value(tensor="x:0", file=str(picture))}, ["y:0"]).values["y:0"]

        assert values.shape == (1, 8, 8, 3)
        assert 0 <= values.min() < values.max() <= 1


def test_made_up_inputs_are_the_same_for_the_same_seed() -> None:
    """And those of one feed do not depend on which others there are."""
    a, b = (
        Wanted(tensor="a:0", dtype="float32", shape=(None, 3)),
        Wanted(tensor="b:0", dtype="int32", shape=(2,)),
    )
    both, again, alone = (make_feeds(wanted, seed=1, attempt=0) for wanted in ([a, b], [a, b], [a]))
    other = make_feeds([a], seed=2, attempt=0)

    assert both["a:0"].tobytes() == again["a:0"].tobytes() == alone["a:0"].tobytes() != other["a:0"].tobytes()
    assert set(both["b:0"].tolist()) <= {0, 1}


@pytest.mark.parametrize(
    "dtype", ["float16", "bfloat16", "float64", "uint8", "int64", "bool", "complex64", "string", "qint8"]
)
@pytest.mark.parametrize("shape", [None, (), (None, 5), (None, None, None, 3)], ids=str)
def test_every_type_and_shape_can_be_made_up(dtype: str, shape: Any) -> None:
    """All attempts give arrays whose known sizes are kept."""
    for attempt in range(ATTEMPTS):
        [value] = make_feeds(
            [Wanted(tensor="x:0", dtype=dtype, shape=shape)], seed=0, attempt=attempt
        ).values()
        if shape is not None:
            assert len(value.shape) == len(shape)
            assert all(known in (None, size) for known, size in zip(shape, value.shape, strict=True))


def wav_of_golden() -> bytes:
    """The WAV that the golden run was fed: 16 kHz, mono, one second of seeded noise."""
    import struct

    samples = (np.random.RandomState(0).rand(16000) * 2000 - 1000).astype("<i2").tobytes()
    head = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, 16000, 32000, 2, 16)
    content = b"WAVE" + head + b"data" + struct.pack("<I", len(samples)) + samples
    return b"RIFF" + struct.pack("<I", len(content)) + content


@needs_corpus
@pytest.mark.parametrize("case", ["kws-arm-basic-lstm-s", "mtcnn-blaueck-pb"])
def test_frozen_models_reproduce_their_golden_outputs(runner: Runner, case: str) -> None:
    """What the authors' own graphs gave when the corpus was made, they give now."""
    golden = json.loads((CORPUS / f"{case}.golden.json").read_text())
    random = np.random.RandomState(0)
    feeds: dict[str, Any] = {}
    for name, given in golden["inputs"].items():
        if given["dtype"] == "string":
            feeds[name] = np.array(wav_of_golden(), dtype=object)
        elif isinstance(given["value"], str):
            feeds[name] = random.rand(*given["shape"]).astype(given["dtype"])
        else:
            feeds[name] = np.array(given["value"], given["dtype"])
    ran = runner.run(CORPUS / case / golden["file"], feeds, list(golden["outputs"]))
    with np.load(CORPUS / f"{case}.golden.npz") as archive:
        for i, value in enumerate(ran.values.values()):
            np.testing.assert_allclose(value, archive[f"out{i}"], rtol=1e-6)


@needs_corpus
def test_a_keras_model_of_2017_is_rebuilt(runner: Runner, tmp_path: Path) -> None:
    """An .hdf5 of Keras 2.0.5, with dots in its stem, becomes a frozen graph that runs."""
    source = CORPUS / "fer2013-mini-xception-hdf5" / "fer2013_mini_XCEPTION.102-0.66.hdf5"
    written = runner.freeze_keras(source, tmp_path / "frozen.pb")
    ran = runner.run(tmp_path / "frozen.pb", {"input_1:0": np.zeros([1, 64, 64, 1], np.float32)})

    assert [(one.name, one.shape) for one in written.inputs] == [("input_1:0", (None, 64, 64, 1))]
    assert [one.name for one in written.outputs] == ["predictions:0"]
    assert ran.values["predictions:0"].sum() == pytest.approx(1.0, abs=1e-5)
