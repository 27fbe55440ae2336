"""Graphs that test a model and do not train it: losses and measures, no gradients, no optimizer."""

from __future__ import annotations

from typing import Any

from tests.sketches import Sketch, names, read, role
from zoo.endpoints import detect
from zoo.endpoints.flow import carry, follow
from zoo.model import Endpoints


def found(sketch: Sketch) -> Endpoints:
    return detect(read(sketch))


def test_what_only_a_loss_is_made_of_is_a_label(sketch: Sketch) -> None:
    """A loss written by hand is no answer, and who runs the model need not know the truth."""
    tf, x, truth = sketch.tf, sketch.feed([None, 8], "x"), sketch.feed([None, 1], "truth")
    chances = tf.sigmoid(sketch.dense(tf.nn.relu(sketch.dense(x, 6, "first")), 1, "second"))
    tf.reduce_mean(-truth * tf.math.log(chances) - (1.0 - truth) * tf.math.log(1.0 - chances))

    ends = found(sketch)

    assert names(ends) == (["x:0"], [chances.name])
    assert role(ends, "truth:0") == "label"


def test_what_a_loss_is_made_of_for_each_example_is_no_answer_either(sketch: Sketch) -> None:
    """Errors of single examples say how often to see them again; the values are what is fetched."""
    tf, x = sketch.tf, sketch.feed([None, 8], "x")
    target, weights = sketch.feed([None, 3], "target"), sketch.feed([None, 1], "weights")
    values = sketch.dense(tf.nn.relu(sketch.dense(x, 6, "first")), 3, "second")
    tf.reduce_sum(tf.abs(target - values), axis=1)
    tf.reduce_mean(weights * tf.math.squared_difference(target, values))

    ends = found(sketch)

    assert names(ends) == (["x:0"], [values.name])
    assert role(ends, "target:0") == "label"


def test_what_metrics_count_with_is_a_label(sketch: Sketch) -> None:
    """The curve that a metric adds up in variables of its own is no vector that the model answers with."""
    tf, x, truth = sketch.tf, sketch.feed([None, 8], "x"), sketch.feed([None, 1], "truth")
    chances = tf.sigmoid(sketch.dense(tf.nn.relu(sketch.dense(x, 6, "first")), 1, "second"))
    sketch.v1.metrics.auc(truth, chances)
    sketch.v1.losses.log_loss(truth, chances)

    assert names(found(sketch)) == (["x:0"], [chances.name])


def test_a_rebuilt_example_is_the_answer_and_not_how_far_off_it_is(sketch: Sketch) -> None:
    """The loss of an autoencoder needs no label."""
    tf, x = sketch.tf, sketch.feed([None, 8], "x")
    rebuilt = tf.sigmoid(sketch.dense(tf.nn.relu(sketch.dense(x, 3, "code")), 8, "back"))
    sketch.v1.losses.mean_squared_error(x, rebuilt)

    assert names(found(sketch)) == (["x:0"], [rebuilt.name])


def test_a_mask_that_the_answer_is_multiplied_with_is_fed(sketch: Sketch) -> None:
    """It meets the model at its very end, and yet more than single numbers is made of it."""
    tf, x, mask = sketch.tf, sketch.feed([None, 8], "x"), sketch.feed([None, 3], "mask")
    chances = tf.nn.softmax(sketch.dense(tf.nn.relu(sketch.dense(x, 6, "first")), 3, "second"))
    allowed = tf.multiply(chances, mask, name="allowed")

    assert sorted(names(found(sketch))[0]) == ["mask:0", "x:0"]
    assert names(found(sketch))[1] == [allowed.name]


def test_an_answer_whose_mean_is_watched_is_the_answer(sketch: Sketch) -> None:
    """The mean of the chances needs no label, as the loss of the scores does: it trains nothing."""
    tf, x, truth = sketch.tf, sketch.feed([None, 8], "x"), sketch.feed([None, 3], "truth")
    scores = sketch.dense(tf.nn.relu(sketch.dense(x, 6, "first")), 3, "second")
    chances = tf.nn.softmax(scores)
    sketch.v1.summary.scalar("chances", tf.reduce_mean(chances))
    sketch.v1.summary.scalar("loss", sketch.entropy(scores, truth))

    assert names(found(sketch)) == (["x:0"], [chances.name])


def test_what_masks_a_decision_is_fed_though_the_decision_is_one_number(sketch: Sketch) -> None:
    """Who decides for one example measures nothing: the moves that are legal are an input."""
    tf, x, legal = sketch.tf, sketch.feed([1, 8], "x"), sketch.feed([1, 3], "legal")
    values = sketch.dense(tf.nn.relu(sketch.dense(x, 6, "first")), 3, "second")
    tf.squeeze(tf.argmax(values + (1.0 - legal) * -1e9, 1), name="move")

    fed, fetched = names(found(sketch))

    assert (sorted(fed), fetched) == (["legal:0", "x:0"], ["move:0"])


def test_a_loss_behind_a_loop_tells_what_it_would_teach(sketch: Sketch) -> None:
    """A gradient goes round the loop, so the state that leaves it has one."""
    tf, x, truth = sketch.tf, sketch.feed([2, 5, 4], "x"), sketch.feed([2, 3], "truth")
    with sketch.v1.variable_scope("cell"):
        w = sketch.v1.get_variable("w", [8, 4], use_resource=False)
    sketch.v1.disable_control_flow_v2()
    _, state = sketch.v1.while_loop(
        lambda i, _: i < 5,
        lambda i, h: (i + 1, tf.tanh(tf.concat([x[:, i], h], 1) @ w)),
        [tf.constant(0), tf.zeros([2, 4])],
    )
    sketch.v1.enable_control_flow_v2()
    loss = sketch.entropy(sketch.dense(state, 3, "scores"), truth)
    flow = follow(read(sketch))
    carry(flow, {})

    assert [flow.graph.names[i] for i in flow.losses] == [loss.op.name]
    assert flow.taught[flow.graph.index[state.op.name]]


def test_a_layer_that_no_loss_looks_at_is_a_leftover(sketch: Sketch) -> None:
    """As a pooled first word that only other tasks use, beside the scores of this one."""
    tf, x, truth = sketch.tf, sketch.feed([None, 8], "x"), sketch.feed([None, 2], "truth")
    words = tf.nn.relu(sketch.dense(x, 6, "first"))
    tf.tanh(sketch.dense(words, 6, "pooled"))
    scores = sketch.dense(words, 2, "scores")
    tf.reduce_mean(tf.math.squared_difference(truth, scores)) / 2.0

    assert names(found(sketch)) == (["x:0"], [scores.name])


def test_of_two_runs_of_a_net_the_one_without_a_loss_is_for_answers(sketch: Sketch) -> None:
    """The labelled examples have a loss; whoever asks for an answer feeds the other run."""
    tf, seen, asked = sketch.tf, sketch.feed([16, 8], "seen"), sketch.feed([None, 8], "asked")
    truth = sketch.feed([16, 3], "truth")

    def net(x: Any) -> Any:
        return sketch.dense(tf.nn.relu(sketch.dense(x, 6, "first")), 3, "second")

    scores = net(seen)
    sketch.entropy(scores, truth)
    tf.nn.softmax(scores)
    answer = tf.nn.softmax(net(asked))

    assert names(found(sketch)) == (["asked:0"], [answer.name])


def test_what_an_actor_does_is_told_from_what_its_critic_says_of_it(sketch: Sketch) -> None:
    """No gradient went through the critic; it would, from the loss that the action has."""
    tf, state = sketch.tf, sketch.feed([None, 5], "state")
    noise = sketch.feed([None, 4], "noise")

    def judge(x: Any) -> Any:
        return sketch.dense(tf.nn.relu(sketch.dense(x, 6, "judge/first")), 1, "judge/second")

    made = tf.tanh(sketch.dense(tf.nn.relu(sketch.dense(noise, 6, "make/first")), 5, "make/second"))
    tf.subtract(tf.reduce_mean(judge(made)), tf.reduce_mean(judge(state)), name="gap")

    assert names(found(sketch)) == (["noise:0"], [made.name])


def test_a_single_number_that_a_frozen_graph_answers_with_is_its_answer(sketch: Sketch) -> None:
    """Nobody freezes a loss: how alike two pictures are is one number."""
    tf = sketch.tf
    one, other = sketch.feed([1, 32], "one"), sketch.feed([1, 32], "other")
    weights = tf.constant([[0.01 * (i + j) for j in range(8)] for i in range(32)])
    apart = tf.math.squared_difference(tf.nn.relu(one @ weights), tf.nn.relu(other @ weights))
    tf.reduce_mean(apart, name="far")
    assert names(found(sketch)) == (["one:0", "other:0"], ["far:0"])


def test_a_variable_that_is_read_for_nobody_is_no_answer(sketch: Sketch) -> None:
    """Of a graph that holds variables and nothing else, nothing is fetched; whichever kind they are."""
    for kind in (False, True):
        sketch.v1.get_variable(f"w{kind}", [3, 2], use_resource=kind)

    assert found(sketch).outputs == ()
