"""Habits of people who publish their code: scopes of losses, named decisions, forms, pictures to look at."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.sketches import Sketch, names, read, role
from tests.small_models import Sketch as ByHand
from zoo.endpoints import detect
from zoo.graph import Graph, MetaGraph
from zoo.model import Endpoints


def found(sketch: Sketch) -> Endpoints:
    return detect(read(sketch))


def test_a_softmax_made_within_the_loss_is_not_the_answer(sketch: Sketch) -> None:
    """A cross entropy with weights is written by hand in a scope of its own; the net ends before it."""
    tf, x, truth = sketch.tf, sketch.feed([None, 8], "x"), sketch.feed([None, 3], "truth")
    scores = sketch.dense(tf.nn.relu(sketch.dense(x, 6, "first")), 3, "second")
    with sketch.v1.name_scope("loss"):
        chances = tf.nn.softmax(scores + 1e-10)
        loss = -tf.reduce_mean(truth * tf.math.log(chances) * [1.0, 2.0, 3.0])
    sketch.train(loss)

    assert names(found(sketch)) == (["x:0"], [scores.name])


def test_two_towers_end_before_the_loss_that_compares_them(sketch: Sketch) -> None:
    """A contrastive loss takes a distance; the flattened features of one tower are what is fetched."""
    tf, same = sketch.tf, sketch.feed([None], "same")
    towers = []
    for name in ("left", "right"):
        x = sketch.feed([None, 8], name)
        with sketch.v1.name_scope("model"):
            hidden = sketch.dense(tf.nn.relu(sketch.dense(x, 6, "first")), 4, "second")
            towers.append(tf.reshape(hidden[:, None, :], [-1, 4], name="flat"))
    with sketch.v1.name_scope("contrastive_loss"):
        distance = tf.sqrt(tf.reduce_sum(tf.square(towers[0] - towers[1]), 1) + 1e-6)
        loss = tf.reduce_mean(same * distance + (1.0 - same) * tf.maximum(0.0, 1.0 - distance))
    sketch.train(loss)

    assert names(found(sketch)) == (["left:0"], [towers[0].name])


def test_what_is_drawn_of_a_loss_is_not_the_answer(sketch: Sketch) -> None:
    """Targets that are constants give no label; a sigmoid of the loss goes to a picture in a summary."""
    tf, x = sketch.tf, sketch.feed([None, 4, 4, 1], "x")
    kernel = sketch.v1.get_variable("kernel", [3, 3, 1, 1], use_resource=False)
    bias = sketch.v1.get_variable("bias", [1], use_resource=False)
    response = tf.add(tf.nn.conv2d(x, kernel, 1, "SAME")[..., 0], bias, name="response")
    with sketch.v1.name_scope("Loss"):
        sketch.v1.summary.image("seen", tf.sigmoid(response)[..., None])
        targets = tf.ones_like(response)
        loss = tf.nn.sigmoid_cross_entropy_with_logits(labels=targets, logits=response)
    sketch.train(tf.reduce_mean(loss))

    assert names(found(sketch)) == (["x:0"], [response.name])


def test_a_column_made_where_the_answer_is_made_is_its_form(sketch: Sketch) -> None:
    """The author added the axis in the scope of the answer; the loss, elsewhere, reads it so."""
    tf, x, truth = sketch.tf, sketch.feed([None, 8], "x"), sketch.feed([None, 1], "truth")
    hidden = tf.nn.relu(sketch.dense(x, 6, "first"))
    with sketch.v1.name_scope("inference"):
        rating = tf.expand_dims(tf.reduce_sum(hidden * sketch.dense(x, 6, "second"), 1), 1)
    with sketch.v1.name_scope("loss"):
        loss = tf.reduce_mean(sketch.v1.losses.mean_squared_error(truth, rating))
    sketch.train(loss)

    assert names(found(sketch)) == (["x:0"], [rating.name])


def test_chances_unfolded_for_each_step_are_fetched_so(sketch: Sketch) -> None:
    """A loss flattens what it takes, and never adds an axis."""
    tf, x, truth = sketch.tf, sketch.feed([None, 5, 4], "x"), sketch.feed([None, 5, 3], "truth")
    flat = tf.nn.softmax(sketch.dense(tf.nn.relu(sketch.dense(tf.reshape(x, [-1, 4]), 6, "a")), 3, "b"))
    steps = tf.reshape(flat, [-1, 5, 3])
    sketch.train(-tf.reduce_mean(tf.reduce_sum(truth * tf.math.log(steps), 2)))

    assert names(found(sketch)) == (["x:0"], [steps.name])


def test_states_that_nobody_reads_are_no_answer_where_a_loss_without_labels_is_trained(
    sketch: Sketch,
) -> None:
    """The last state of a recurrent net comes out of its loop, wanted or not; speakers have embeddings."""
    tf, v1, x = sketch.tf, sketch.v1, sketch.feed([None, 4], "x")
    weights = v1.get_variable("weights", [8, 4], use_resource=False)

    def step(i: Any, state: Any, memory: Any) -> Any:
        now = tf.tanh(tf.matmul(tf.concat([x, state], 1), weights))
        return i + 1, now, memory + now

    start = tf.zeros_like(x)
    _, last, _ = tf.while_loop(lambda i, *_: i < 3, step, [0, start, start])
    voice = tf.nn.l2_normalize(last, 1)
    alike = tf.matmul(voice, voice, transpose_b=True)
    sketch.train(-tf.reduce_sum(tf.linalg.diag_part(tf.nn.log_softmax(alike))))

    assert names(found(sketch)) == (["x:0"], [voice.name])


def test_logarithms_that_only_a_loss_takes_are_not_the_rebuilt_example(sketch: Sketch) -> None:
    """What is bought is ranked by the logits; noise is scaled by a number whose default stays."""
    tf, x = sketch.tf, sketch.feed([None, 8], "x")
    noisy = sketch.v1.placeholder_with_default(0.0, [], "noisy")
    hidden = tf.nn.tanh(sketch.dense(x, 6, "first"))
    noise = noisy * tf.random.normal([tf.shape(hidden)[0], 3])
    code = sketch.dense(hidden, 3, "mean") + noise * tf.exp(sketch.dense(hidden, 3, "spread"))
    scores = sketch.dense(code, 8, "back")
    sketch.train(-tf.reduce_mean(tf.reduce_sum(tf.nn.log_softmax(scores) * x, 1)))

    ends = found(sketch)

    assert names(ends) == (["x:0"], [scores.name])
    assert role(ends, "noisy:0") == "training_flag"


def test_a_decision_that_its_author_named_is_fetched_rather_than_unnamed_scores(sketch: Sketch) -> None:
    """Nobody names an argmax for the accuracy alone."""
    tf, x, truth = sketch.tf, sketch.feed([None, 8], "x"), sketch.feed([None, 3], "truth")
    with sketch.v1.name_scope("output"):
        scores = sketch.dense(tf.nn.relu(sketch.dense(x, 6, "first")), 3, "second")
        decided = tf.argmax(scores, 1, name="predictions")
    tf.reduce_mean(tf.cast(tf.equal(decided, tf.argmax(truth, 1)), "float32"))
    sketch.train(sketch.entropy(scores, truth))

    assert names(found(sketch)) == (["x:0"], [decided.name])


def test_chances_that_serve_one_unread_decision_alone_are_not_fetched(sketch: Sketch) -> None:
    """They have no name and one reader, the decision has none: it was made for somebody."""
    tf, x, truth = sketch.tf, sketch.feed([None, 8], "x"), sketch.feed([None, 3], "truth")
    scores = sketch.dense(tf.nn.relu(sketch.dense(x, 6, "first")), 3, "second")
    decided = tf.argmax(tf.nn.softmax(scores), 1)
    sketch.train(sketch.entropy(scores, truth))

    assert names(found(sketch)) == (["x:0"], [decided.name])


def test_of_an_example_rebuilt_step_by_step_the_last_step_is_the_answer(sketch: Sketch) -> None:
    """What is still missing after a step goes into the next one; it is compared with the example, too."""
    tf, x = sketch.tf, sketch.feed([None, 8], "x")
    canvas = tf.zeros_like(x)
    for _ in range(3):
        missing = x - tf.sigmoid(canvas)
        code = tf.nn.tanh(sketch.dense(tf.concat([x, missing], 1), 3, "code"))
        canvas = canvas + sketch.dense(code, 8, "write")
    rebuilt = tf.nn.sigmoid(canvas)
    loss = x * tf.math.log(rebuilt + 1e-8) + (1.0 - x) * tf.math.log(1.0 - rebuilt + 1e-8)
    sketch.train(-tf.reduce_mean(tf.reduce_sum(loss, 1)))

    assert names(found(sketch)) == (["x:0"], [rebuilt.name])


def test_scores_that_decisions_are_made_of_together_are_not_fetched_beside_them(sketch: Sketch) -> None:
    """Where an answer begins and ends is decided on pairs of places; each has a loss of its own."""
    tf, x = sketch.tf, sketch.feed([None, 7, 4], "x")
    first, last = sketch.feed([None, 7], "first"), sketch.feed([None, 7], "last")
    hidden = tf.nn.relu(sketch.dense(tf.reshape(x, [-1, 4]), 6, "hidden"))
    starts = tf.reshape(sketch.dense(hidden, 1, "starts"), [-1, 7])
    ends = tf.reshape(sketch.dense(hidden, 1, "ends"), [-1, 7])
    pairs = tf.linalg.band_part(tf.nn.softmax(starts)[:, :, None] * tf.nn.softmax(ends)[:, None], 0, 5)
    decided = [tf.argmax(tf.reduce_max(pairs, axis=axis), axis=1) for axis in (2, 1)]
    sketch.train(sketch.entropy(starts, first) + sketch.entropy(ends, last))

    assert names(found(sketch)) == (["x:0"], [one.name for one in decided])


def test_what_a_queue_gives_is_fed_by_the_name_that_its_author_gave_it(sketch: Sketch) -> None:
    """Nobody puts a named identity behind a queue but to feed it; embeddings go before who trains them."""
    tf, v1 = sketch.tf, sketch.v1
    queue = v1.FIFOQueue(10, ["float32", "int32"], [[8], []])
    examples, truth = queue.dequeue_many(4)
    x = tf.identity(tf.identity(examples, "image_batch"), "input")
    hidden = sketch.dense(tf.nn.relu(sketch.dense(x, 6, "first")), 5, "second")
    embeddings = tf.nn.l2_normalize(hidden, 1, name="embeddings")
    scores = sketch.dense(hidden, 3, "classes")
    tf.reduce_mean(tf.cast(tf.equal(tf.argmax(scores, 1, "int32"), truth), "float32"))
    sketch.train(tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels=truth, logits=scores)))

    assert names(found(sketch)) == (["input:0"], [embeddings.name])


def test_an_actor_answers_though_its_critic_teaches_it_by_both_losses(sketch: Sketch) -> None:
    """The critic's error reaches the actor, whose action it reads; the actor goes up the critic's slope."""
    tf, v1 = sketch.tf, sketch.v1
    state, target = sketch.feed([None, 4], "state"), sketch.feed([None, 1], "target")
    with v1.variable_scope("actor"):
        action = tf.tanh(sketch.dense(tf.nn.relu(sketch.dense(state, 6, "first")), 2, "second"))
    mine = v1.trainable_variables()
    with v1.variable_scope("critic"):
        seen = tf.nn.relu(sketch.dense(state, 6, "seen") + sketch.dense(action, 6, "done"))
        value = sketch.dense(seen, 1, "value")
    slope = tf.gradients(value, action)[0]
    steps = tf.gradients(action, mine, grad_ys=slope)
    v1.train.GradientDescentOptimizer(-0.1).apply_gradients(zip(steps, mine, strict=True))
    sketch.train(tf.reduce_mean(tf.math.squared_difference(target, value)))

    assert names(found(sketch)) == (["state:0"], [action.name])


def test_the_sigmoid_of_what_was_dropped_by_chance_is_the_answer(sketch: Sketch) -> None:
    """The last layer ends in a dropout, and the loss takes both the logits and their sigmoid."""
    tf, x, truth = sketch.tf, sketch.feed([None, 8], "x"), sketch.feed([None, 3], "truth")
    scores = sketch.v1.nn.dropout(sketch.dense(tf.nn.relu(sketch.dense(x, 6, "a")), 3, "b"), rate=0.1)
    chances = tf.sigmoid(scores)
    sketch.train(
        tf.reduce_mean(tf.abs(chances - truth))
        + tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(labels=truth, logits=scores))
    )

    assert names(found(sketch)) == (["x:0"], [chances.name])


@pytest.mark.parametrize("summary", [True, False])
def test_a_picture_is_fetched_as_it_is_looked_at(sketch: Sketch, summary: bool) -> None:
    """Scaled and clipped to the range of a picture, read by a summary or by nobody."""
    tf, v1 = sketch.tf, sketch.v1
    x, truth = sketch.feed([None, 4, 4, 3], "x"), sketch.feed([None, 4, 4, 3], "truth")
    kernels = [v1.get_variable(name, [3, 3, 3, 3], use_resource=False) for name in ("first", "second")]
    made = tf.nn.conv2d(tf.nn.relu(tf.nn.conv2d(x, kernels[0], 1, "SAME")), kernels[1], 1, "SAME")
    shown = tf.clip_by_value(made * 127.5 + 127.5, 0.0, 255.0)
    if summary:
        v1.summary.image("shown", tf.cast(shown, "uint8"))
    sketch.train(tf.reduce_mean(tf.abs(made - truth)))

    assert names(found(sketch)) == (["x:0"], [shown.name])


def test_a_decoded_path_stays_where_its_scores_are_left_over(sketch: Sketch) -> None:
    """It depends on a part that nothing trains, and all that would answer instead is left over itself."""
    tf, v1, x = sketch.tf, sketch.v1, sketch.feed([None, 8], "x")
    tags = sketch.feed([None, 2], "tags", "int32")
    scores = sketch.dense(tf.nn.relu(sketch.dense(x, 6, "first")), 3, "second")
    transitions = v1.get_variable("transitions", [3, 3], use_resource=False)
    forgotten = v1.get_variable("forgotten", [3, 3], use_resource=False)
    likely = tf.reduce_sum(tf.one_hot(tags[:, 0], 3) * scores, 1) + tf.gather_nd(transitions, tags)
    sketch.train(-tf.reduce_mean(likely))
    steps = scores[:, :, None] + transitions
    tf.reduce_max(steps, axis=[1, 2])
    path = tf.argmax(tf.reduce_max(steps + forgotten, 2), 1, "int32")

    assert names(found(sketch)) == (["x:0"], [path.name])


def test_of_copies_in_a_collection_the_one_for_inference_is_fetched(sketch: Sketch) -> None:
    """Trained on one placeholder and tested on another: both answers are collected, to be drawn."""
    tf, truth, answers = sketch.tf, sketch.feed([None, 3], "truth"), []
    for name in ("train", "test"):
        x = sketch.feed([None, 8], f"{name}_samples")
        scores = sketch.dense(tf.nn.relu(sketch.dense(x, 6, "first")), 3, "second")
        if name == "train":
            sketch.train(sketch.entropy(scores, truth))
        answers.append(tf.nn.softmax(scores, name=f"{name}_prediction"))
        sketch.v1.add_to_collection("prediction", answers[-1])

    assert names(found(sketch)) == (["test_samples:0"], [answers[1].name])


def test_a_decoder_that_draws_from_codes_that_are_fed_is_the_answer(sketch: Sketch) -> None:
    """Examples are rebuilt to learn; new ones are what an autoencoder is for, if somebody feeds codes."""
    tf, x, z = sketch.tf, sketch.feed([None, 8], "x"), sketch.feed([None, 3], "z")

    def decoded(code: Any) -> Any:
        return sketch.dense(tf.nn.relu(sketch.dense(code, 6, "wide")), 8, "back")

    code = sketch.dense(tf.nn.relu(sketch.dense(x, 6, "narrow")), 3, "code")
    logits = decoded(code + tf.random.normal([3]))
    tf.sigmoid(logits)
    drawn = tf.sigmoid(decoded(z))
    sketch.train(
        tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(labels=x, logits=logits))
        + tf.reduce_mean(tf.square(code))
    )

    assert names(found(sketch)) == (["z:0"], [drawn.name])


@pytest.mark.parametrize("scope", ["loss", "LOSS", "train/focal-loss_2", "Losses"])
def test_a_loss_is_told_by_the_last_word_of_its_scope(sketch: Sketch, scope: str) -> None:
    tf, x, truth = sketch.tf, sketch.feed([None, 8], "x"), sketch.feed([None, 3], "truth")
    scores = sketch.dense(tf.nn.relu(sketch.dense(x, 6, "first")), 3, "second")
    with sketch.v1.name_scope(scope):
        loss = -tf.reduce_mean(truth * tf.math.log(tf.nn.softmax(scores)))
    sketch.train(loss)

    assert names(found(sketch))[1] == [scores.name]


@pytest.mark.parametrize("scope", ["loss_net", "lossless", "no_losses_here", "net_without_loss_at_all"])
def test_a_net_that_only_has_the_word_in_its_name_keeps_its_answer(sketch: Sketch, scope: str) -> None:
    tf, x, truth = sketch.tf, sketch.feed([None, 8], "x"), sketch.feed([None, 3], "truth")
    scores = sketch.dense(tf.nn.relu(sketch.dense(x, 6, "first")), 3, "second")
    with sketch.v1.name_scope(scope):
        chances = tf.nn.softmax(scores)
    sketch.train(-tf.reduce_mean(truth * tf.math.log(chances)))

    assert names(found(sketch))[1] == [chances.name]


def test_a_tensor_of_a_queue_that_a_row_names_is_fed_by_that_name(sketch: Sketch) -> None:
    """Whatever name the author gave it further on; what only waits for something names nothing."""
    tf, v1 = sketch.tf, sketch.v1
    queue = v1.FIFOQueue(10, ["float32", "float32"], [[8], [3]])
    examples, truth = queue.dequeue_many(4)
    with tf.control_dependencies([v1.assert_positive(truth)]):
        waited = tf.identity(truth, "checked")
    x = tf.identity(examples, "images")
    scores = sketch.dense(tf.nn.relu(sketch.dense(x, 6, "first")), 3, "second")
    sketch.train(sketch.entropy(scores, waited))
    meta = read(sketch)

    assert names(detect(meta))[0] == ["images:0"]
    assert names(detect(meta, inputs=[examples.name]))[0] == [examples.name]
    listed = detect(meta).inputs
    assert [item.name for item in listed] == ["images:0", truth.name]
    assert "under a name of its author's" in listed[0].reason


def test_a_scale_of_noise_that_is_not_zero_by_default_is_fed(sketch: Sketch) -> None:
    """How bold a generator is, its user says; noise that only training adds is off."""
    tf, x = sketch.tf, sketch.feed([None, 8], "x")
    scale = sketch.v1.placeholder_with_default(0.7, [], "boldness")
    code = sketch.dense(x, 3, "code") + scale * tf.random.normal([1, 3])
    tf.tanh(sketch.dense(code, 8, "made"))

    assert sorted(names(found(sketch))[0]) == ["boldness:0", "x:0"]


@pytest.mark.parametrize("op", ["Mul", "Cast", "Identity"])
def test_rows_of_thousands_of_like_ops_are_walked_and_not_climbed(op: str) -> None:
    """A file of a stranger's may be as deep as it likes, and its names as long."""
    made = ByHand()
    made.variable("w", (3,))
    x = made.feed("x", (None, 4, 4, 3))
    first = made.add("net/BiasAdd", "BiasAdd", x, "w/read", T="float32")
    half = made.constant("half", np.float32(0.5))
    clipped = made.add("low", "Minimum", first, half, T="float32")
    last = clipped = made.add("high", "Maximum", clipped, half, T="float32")
    if op == "Mul":
        last = first
    for i in range(3000):
        inputs = (last, half) if op == "Mul" else (last,)
        types = {"SrcT": "float32", "DstT": "float32"} if op == "Cast" else {"T": "float32"}
        last = made.add(f"{'loss_' * 20}{i}", op, *inputs, **types)
    if op == "Cast":
        made.add("shown", "ImageSummary", made.constant("tag", np.array(b"shown", object)), last)
    else:
        made.add("chances", "Softmax", last, T="float32")
    labels = made.feed("labels", (None, 3))
    made.add("entropy", "SoftmaxCrossEntropyWithLogits", first, labels, T="float32")

    assert detect(MetaGraph(graph=Graph.from_proto(made.proto))).outputs


def test_a_product_of_three_tensors_does_no_harm() -> None:
    """No such op is there, but a damaged file may say so."""
    made = ByHand()
    for name in ("w", "v"):
        made.variable(name, (4, 4))
    x, labels = made.feed("x", (None, 4)), made.feed("labels", (None, 4))
    product = made.add("product", "MatMul", x, "w/read", x, T="float32")
    last = made.add("last", "MatMul", product, "v/read", T="float32")
    made.add("entropy", "SoftmaxCrossEntropyWithLogits", last, labels, T="float32")
    made.add(
        "step", "ApplyGradientDescent", "w", made.constant("rate", np.float32(0.1)), "w/read", T="float32"
    )

    assert detect(MetaGraph(graph=Graph.from_proto(made.proto))).outputs


def test_an_answer_whose_conversions_branch_is_found_in_time() -> None:
    """Each of sixty levels reads both conversions of the level before."""
    made = ByHand()
    made.variable("w", (3,))
    x = made.feed("x", (None, 4, 4, 3))
    first = made.add("net/BiasAdd", "BiasAdd", x, "w/read", T="float32")
    low = made.add("low", "Minimum", first, made.constant("half", np.float32(0.5)), T="float32")
    level = [made.add("high", "Maximum", low, "half", T="float32")] * 2
    for i in range(60):
        level = [made.add(f"{side}{i}", "Cast", *level, SrcT="float32", DstT="float32") for side in "ab"]
    made.add("shown", "ImageSummary", made.constant("tag", np.array(b"shown", object)), *level)
    labels = made.feed("labels", (None, 3))
    made.add("entropy", "SoftmaxCrossEntropyWithLogits", first, labels, T="float32")

    assert detect(MetaGraph(graph=Graph.from_proto(made.proto))).outputs


def test_a_path_found_by_a_search_and_compared_with_labels_is_the_answer(sketch: Sketch) -> None:
    """Tags by Viterbi: only the accuracy reads them, and nobody the best path's score."""
    tf, x, tags = sketch.tf, sketch.feed([None, 3, 8], "x"), sketch.feed([None, 3], "tags", dtype="int32")
    scores = tf.reshape(sketch.dense(tf.reshape(x, [-1, 8]), 4, "scores"), [-1, 3, 4])
    steps = sketch.v1.get_variable("transitions", [4, 4], use_resource=False)
    total = best = scores[:, 0]
    back = []
    for t in (1, 2):
        total = tf.reduce_logsumexp(total[:, :, None] + steps, 1) + scores[:, t]
        back.append(tf.argmax(best[:, :, None] + steps, 1, output_type=tf.int32))
        best = tf.reduce_max(best[:, :, None] + steps, 1) + scores[:, t]
    path = [tf.argmax(best, 1, output_type=tf.int32)]
    for before in reversed(back):
        path.insert(0, tf.gather(before, path[0], axis=1, batch_dims=1))
    tf.reduce_max(best, 1)
    found_tags = tf.stack(path, 1)
    sketch.v1.summary.scalar("accuracy", tf.reduce_mean(tf.cast(tf.equal(found_tags, tags), tf.float32)))
    given = tf.reduce_sum(scores * tf.one_hot(tags, 4), [1, 2])
    given += tf.reduce_sum(tf.gather(tf.reshape(steps, [-1]), tags[:, :-1] * 4 + tags[:, 1:]), 1)
    sketch.train(tf.reduce_mean(tf.reduce_logsumexp(total, 1) - given))

    ends = found(sketch)

    assert names(ends) == (["x:0"], [found_tags.name])
    assert "decisions of all steps" in ends.outputs[0].reason
    assert scores.name in ends.candidates.outputs


def test_a_single_tensor_that_was_joined_has_no_name_of_its_own(sketch: Sketch) -> None:
    """Joining the towers of one device makes an identity, called by what joins."""
    tf, x, truth = sketch.tf, sketch.feed([None, 8], "x"), sketch.feed([None, 3], "truth")
    scores = sketch.dense(tf.nn.relu(sketch.dense(x, 6, "first")), 3, "second")
    joined = tf.concat([scores], 0)
    assert joined.op.type == "Identity"
    sketch.train(tf.nn.l2_loss(joined - truth))

    assert names(found(sketch)) == (["x:0"], [scores.name])


def test_numbers_that_only_a_loss_trains_do_not_make_its_scores_the_answer(sketch: Sketch) -> None:
    """Each voice is compared with the middle of every speaker's, and the likeness is scaled."""
    tf, v1, x = sketch.tf, sketch.v1, sketch.feed([None, 8], "x")
    speaker = sketch.feed([None, 70], "speaker")
    with v1.variable_scope("voice"):
        voice = tf.nn.l2_normalize(sketch.dense(tf.nn.relu(sketch.dense(x, 6, "a")), 4, "b"), 1)
    with v1.variable_scope("loss"):
        middles = tf.stack([tf.reduce_mean(voice[i : i + 2], 0) for i in range(70)])
        scale = v1.get_variable("scale", [], use_resource=False)
        alike = scale * tf.matmul(voice, middles, transpose_b=True)
        tf.sigmoid(alike)
        loss = tf.nn.softmax_cross_entropy_with_logits(labels=speaker, logits=alike)
    sketch.train(tf.reduce_mean(loss))

    assert names(found(sketch)) == (["x:0"], [voice.name])


def test_what_keeps_a_logarithm_from_zero_is_not_the_answer(sketch: Sketch) -> None:
    """All steps' chances are put together; their other form is what nobody else reads."""
    tf, x, truth = sketch.tf, sketch.feed([None, 3, 8], "x"), sketch.feed([None, 3, 5], "truth")
    hidden = [tf.nn.relu(sketch.dense(x[:, t], 6, "first")) for t in range(3)]
    steps = tf.stack([tf.nn.softmax(sketch.dense(h, 5, "second")) for h in hidden], 1)
    shown = tf.reshape(steps, [-1, 3, 5])
    sketch.train(-tf.reduce_mean(tf.reduce_sum(truth * tf.math.log(steps + 1e-8), [1, 2])))

    assert names(found(sketch)) == (["x:0"], [shown.name])


def test_fixed_layers_that_look_at_a_picture_are_not_the_generator(sketch: Sketch) -> None:
    """A perceptual loss goes on to its last layers, which nobody reads; the picture is shown as bytes."""
    tf, v1 = sketch.tf, sketch.v1
    x, sharp = sketch.feed([None, 8, 8, 3], "x"), sketch.feed([None, 8, 8, 3], "sharp")
    looks = tf.constant(np.random.default_rng(1).standard_normal((3, 3, 3, 16)).astype("float32"))
    with v1.variable_scope("generator"):
        kernel = v1.get_variable("kernel", [3, 3, 3, 3], use_resource=False)
        made = tf.tanh(tf.nn.conv2d(x, kernel, 1, "SAME"))

    def judge(picture: Any) -> Any:
        with v1.variable_scope("judge", reuse=v1.AUTO_REUSE):
            kernel = v1.get_variable("kernel", [3, 3, 3, 4], use_resource=False)
            seen = tf.reduce_mean(tf.nn.conv2d(picture, kernel, 2, "SAME"), [1, 2])
            return tf.reduce_mean(sketch.dense(seen, 1, "opinion"))

    def look(picture: Any) -> Any:
        seen = tf.nn.relu(tf.nn.conv2d(picture, looks, 1, "SAME"))
        tf.nn.max_pool2d(seen, 2, 2, "SAME")
        return seen

    like = tf.reduce_mean(tf.square(look(made) - look(sharp)))
    shown = tf.cast(tf.round((made + 1.0) * 127.5), tf.uint8)
    fake, real = judge(made), judge(sharp)
    of_judge = [v for v in v1.trainable_variables() if v.name.startswith("judge")]
    of_maker = [v for v in v1.trainable_variables() if v.name.startswith("generator")]
    v1.train.AdamOptimizer().minimize(fake - real, var_list=of_judge)
    v1.train.AdamOptimizer().minimize(like - fake, var_list=of_maker)

    assert names(found(sketch)) == (["x:0"], [shown.name])


def test_scores_of_tags_go_with_those_of_pairs_where_no_path_is_found(sketch: Sketch) -> None:
    """Whoever decodes outside of the graph needs both; freezing the scores alone would lose the pairs."""
    tf, x, tags = sketch.tf, sketch.feed([None, 2, 8], "x"), sketch.feed([None, 2], "tags", dtype="int32")
    scores = tf.reshape(sketch.dense(tf.reshape(x, [-1, 8]), 4, "scores"), [-1, 2, 4])
    pairs = sketch.v1.get_variable("pairs", [4, 4], use_resource=False)
    total = tf.reduce_logsumexp(scores[:, 0, :, None] + pairs, 1) + scores[:, 1]
    given = tf.reduce_sum(scores * tf.one_hot(tags, 4), [1, 2])
    given += tf.gather(tf.reshape(pairs, [-1]), tags[:, 0] * 4 + tags[:, 1])
    sketch.train(tf.reduce_mean(tf.reduce_logsumexp(total, 1) - given))

    ends = found(sketch)

    assert names(ends) == (["x:0"], [scores.name, pairs.name])
    assert [item.kind for item in ends.outputs] == ["logits", "transitions"]


def test_a_tensor_named_by_a_node_of_its_own_is_fetched_though_a_summary_draws_it(sketch: Sketch) -> None:
    """The words that a decoder chose by itself, with the true ones for training."""
    tf, x, words = sketch.tf, sketch.feed([None, 8], "x"), sketch.feed([None, 2], "words", dtype="int32")
    table = sketch.v1.get_variable("table", [5, 4], use_resource=False)
    state = tf.nn.relu(sketch.dense(x, 6, "encoder"))

    def step(word: Any) -> Any:
        known = tf.nn.embedding_lookup(table, word)
        return sketch.dense(tf.concat([state, known], 1), 5, "decoder")

    told = step(words[:, 0])
    first = tf.argmax(step(tf.zeros_like(x[:, 0], tf.int32)), 1)
    with sketch.v1.name_scope("predictions"):
        said = tf.identity(tf.stack([tf.argmax(step(first), 1)], 1), name="predictions")
        sketch.v1.summary.histogram("predictions", said)
    loss = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=words[:, 1], logits=told)
    sketch.train(tf.reduce_mean(loss))

    assert names(found(sketch)) == (["x:0"], [said.name])


def test_letters_read_off_to_be_fetched_go_before_those_read_off_for_a_measure(sketch: Sketch) -> None:
    tf, v1, x = sketch.tf, sketch.v1, sketch.feed([4, 1, 8], "x")
    letters = v1.sparse_placeholder(tf.int32, name="letters")
    lengths = tf.fill([1], 4)
    scores = tf.reshape(sketch.dense(tf.reshape(x, [-1, 8]), 5, "scores"), [4, 1, 5])
    loss = v1.nn.ctc_loss(letters, scores, lengths)
    measured = tf.nn.ctc_greedy_decoder(scores, lengths)[0][0]
    tf.reduce_mean(tf.edit_distance(tf.cast(measured, tf.int32), letters))
    read_off = tf.nn.ctc_beam_search_decoder(scores, lengths)[0][0]
    text = v1.sparse_to_dense(read_off.indices, read_off.dense_shape, read_off.values, -1)
    sketch.train(tf.reduce_mean(loss))

    assert names(found(sketch)) == (["x:0"], [text.name])


def test_a_training_in_small_ops_is_no_model_that_answers_with_gradients(sketch: Sketch) -> None:
    """Keras takes the steps of its optimizers by hand; a norm that nobody reads has a name of its own."""
    tf, v1, x = sketch.tf, sketch.v1, sketch.feed([None, 8], "x")
    truth = sketch.feed([None, 3], "truth")
    scores = sketch.dense(tf.nn.relu(sketch.dense(x, 6, "first")), 3, "second")
    exponentials = tf.exp(scores - tf.reduce_max(scores, 1, keepdims=True))
    chances = exponentials / tf.reduce_sum(exponentials, 1, keepdims=True)
    loss = -tf.reduce_mean(tf.reduce_sum(truth * tf.math.log(chances), 1))
    with v1.name_scope("training"):
        slopes = tf.gradients(loss, v1.trainable_variables())
        for variable, slope in zip(v1.trainable_variables(), slopes, strict=True):
            v1.assign(variable, variable - 0.1 * slope)
    tf.identity(tf.reduce_max(tf.abs(slopes[0]), 0), name="steepest")

    assert names(found(sketch)) == (["x:0"], [chances.name])


def test_a_loss_of_tensors_whose_lengths_are_all_known_ends_the_model(sketch: Sketch) -> None:
    """The gradient of their sum is what comes in, and no node tells of it."""
    tf, v1, x = sketch.tf, sketch.v1, sketch.feed([4, 8], "x")
    truth = sketch.feed([4, 3], "truth")
    hidden = tf.nn.relu(sketch.dense(x, 6, "first"))
    with v1.name_scope("task_loss"):
        scores = sketch.dense(hidden, 3, "second")
        chosen = tf.argmax(tf.nn.softmax(scores), 1)
        loss = v1.nn.sigmoid_cross_entropy_with_logits(labels=truth, logits=scores)
    variables = v1.trainable_variables()
    slopes = tf.gradients(tf.reduce_mean(tf.reduce_sum(loss, 1)), variables)
    v1.train.GradientDescentOptimizer(0.1).apply_gradients(zip(slopes, variables, strict=True))

    assert names(found(sketch)) == (["x:0"], [chosen.name])


def test_a_single_number_is_no_classifier_that_trains_an_embedding(sketch: Sketch) -> None:
    """What a recurrent layer made of a state at an early step, and nobody reads, is left over."""
    tf, x, truth = sketch.tf, sketch.feed([None, 2, 4], "x"), sketch.feed([None, 1], "truth")
    state = tf.zeros_like(x[:, 0])
    for t in range(2):
        both = tf.concat([x[:, t], state], 1)
        gate, new = tf.sigmoid(sketch.dense(both, 4, "gate")), tf.tanh(sketch.dense(both, 4, "new"))
        tf.multiply(gate, new)
        state = gate * new
    price = sketch.dense(state, 1, "price")
    sketch.train(tf.reduce_mean(tf.square(price - truth)))

    assert names(found(sketch)) == (["x:0"], [price.name])


def test_the_best_values_go_with_the_words_that_stand_in_their_places(sketch: Sketch) -> None:
    tf, v1, x = sketch.tf, sketch.v1, sketch.feed([None, 8], "x")
    truth = sketch.feed([None], "truth", dtype="int64")
    words = tf.lookup.StaticHashTable(
        tf.lookup.KeyValueTensorInitializer(tf.range(5, dtype=tf.int64), tf.constant(list("abcde"))), "?"
    )
    scores = sketch.dense(tf.nn.relu(sketch.dense(x, 6, "first")), 5, "second")
    best = tf.nn.top_k(tf.nn.softmax(scores), 3)
    said = words.lookup(tf.cast(best.indices, tf.int64))
    sketch.train(tf.reduce_mean(v1.nn.sparse_softmax_cross_entropy_with_logits(labels=truth, logits=scores)))

    assert names(found(sketch)) == (["x:0"], [best.values.name, said.name])


def test_an_action_goes_before_the_value_that_it_has(sketch: Sketch) -> None:
    """An agent acts on the action; how much that is worth is only computed beside it."""
    tf, x, wanted = sketch.tf, sketch.feed([None, 8], "x"), sketch.feed([None], "wanted")
    taken = sketch.feed([None], "taken", dtype="int32")
    values = sketch.dense(tf.nn.relu(sketch.dense(x, 6, "first")), 3, "second")
    tf.reduce_max(values, 1)
    action = tf.argmax(values, 1)
    value = tf.reduce_sum(values * tf.one_hot(taken, 3), 1)
    sketch.train(tf.reduce_mean(tf.square(wanted - value)))

    assert names(found(sketch)) == (["x:0"], [action.name])


def test_a_state_whose_default_is_as_long_as_the_example_is_fed(sketch: Sketch) -> None:
    """Only the shape of the example is read for it: letters are drawn one by one, and states handed on."""
    tf, v1, x = sketch.tf, sketch.v1, sketch.feed([None, 3, 4], "x")
    truth = sketch.feed([None, 3], "truth", dtype="int32")
    zeros = tf.zeros([tf.shape(x)[0], 6])
    start = v1.placeholder_with_default(zeros, [None, 6], name="start")
    weights = v1.get_variable("weights", [10, 6], use_resource=False)

    def step(i: Any, state: Any, steps: Any) -> Any:
        now = tf.tanh(tf.matmul(tf.concat([x[:, i], state], 1), weights))
        return i + 1, now, steps.write(i, now)

    steps = tf.TensorArray(tf.float32, 3)
    _, last, steps = tf.while_loop(lambda i, *_: i < 3, step, [0, start, steps])
    scores = sketch.dense(tf.reshape(tf.transpose(steps.stack(), [1, 0, 2]), [-1, 6]), 5, "letters")
    drawn = tf.random.categorical(scores, 1)
    loss = v1.nn.sparse_softmax_cross_entropy_with_logits(labels=tf.reshape(truth, [-1]), logits=scores)
    sketch.train(tf.reduce_mean(loss))

    inputs, outputs = names(found(sketch))

    assert inputs == ["x:0", "start:0"]
    assert set(outputs) == {last.name, drawn.name}


def test_a_table_of_which_only_rows_are_trained_is_the_models_own(sketch: Sketch) -> None:
    """Adam changes the rows that were looked up by ops that do other things, too."""
    tf, v1, ids = sketch.tf, sketch.v1, sketch.feed([None, 4], "ids", dtype="int32")
    truth = sketch.feed([None, 3], "truth")
    table = v1.get_variable("table", [50, 6], use_resource=False)
    scores = sketch.dense(tf.reduce_mean(tf.nn.embedding_lookup(table, ids), 1), 3, "scores")
    v1.train.AdamOptimizer().minimize(sketch.entropy(scores, truth))

    ends = found(sketch)

    assert names(ends) == (["ids:0"], [scores.name])
    assert "all 3 model variables" in ends.outputs[0].reason


def test_weights_that_are_spread_over_an_axis_are_no_example_to_rebuild(sketch: Sketch) -> None:
    """Kernels of how alike words are, weighed by word, rank pages: the loss has no label."""
    tf, v1, weights = sketch.tf, sketch.v1, sketch.feed([None, 3], "weights")
    table = v1.get_variable("table", [50, 6], use_resource=False)
    asked = tf.nn.embedding_lookup(table, sketch.feed([None, 3], "asked", dtype="int32"))
    ranks = []
    for name in ("good", "bad"):
        page = tf.nn.embedding_lookup(table, sketch.feed([None, 9], name, dtype="int32"))
        alike = tf.matmul(asked, page, transpose_b=True)[..., None] - tf.constant([0.1, 0.5, 0.9])
        kernels = tf.math.log(tf.maximum(tf.reduce_sum(tf.exp(-tf.square(alike) / 0.02), 2), 1e-10)) * 0.01
        pooled = tf.reduce_sum(kernels * tf.reshape(weights, [-1, 3, 1]), 1)
        ranks.append(tf.tanh(sketch.dense(pooled, 1, "rank")))
    v1.train.AdamOptimizer().minimize(tf.reduce_mean(tf.maximum(0.0, 1.0 - ranks[0] + ranks[1])))

    assert names(found(sketch))[1] == [ranks[0].name]


def recurrent(sketch: Sketch, x: Any, zeros: str = "BasicRNNCellZeroState") -> tuple[Any, Any, Any]:
    """Zeros that were made outside of the layer which begins with them, its last state, and all its steps."""
    tf, v1 = sketch.tf, sketch.v1
    weights = v1.get_variable("weights", [11, 6], use_resource=False)
    with v1.name_scope(zeros):
        start = tf.zeros([4, 6], name="zeros")

    def step(i: Any, state: Any, steps: Any) -> Any:
        now = tf.tanh(tf.matmul(tf.concat([x[:, i], state], 1), weights))
        return i + 1, now, steps.write(i, now)

    with v1.name_scope("rnn"):
        _, last, steps = tf.while_loop(lambda i, *_: i < 3, step, [0, start, tf.TensorArray(tf.float32, 3)])
        return start, last, tf.transpose(steps.stack(), [1, 0, 2])


def test_zeros_made_outside_of_a_layer_are_fed_with_the_last_states(sketch: Sketch) -> None:
    """Text is learned in pieces, and each begins with the state that the one before ended in."""
    tf, v1 = sketch.tf, sketch.v1
    x, truth = sketch.feed([4, 3], "x", "int32"), sketch.feed([4, 3], "truth", dtype="int32")
    start, last, steps = recurrent(sketch, tf.one_hot(x, 5))
    scores = sketch.dense(tf.reshape(steps, [-1, 6]), 5, "letters")
    chances = tf.nn.softmax(scores)
    loss = v1.nn.sparse_softmax_cross_entropy_with_logits(labels=tf.reshape(truth, [-1]), logits=scores)
    sketch.train(tf.reduce_mean(loss))

    ends = found(sketch)

    assert names(ends) == ([start.name, "x:0"], [last.name, chances.name])
    assert "states of the call before" in next(item.reason for item in ends.inputs if item.name == start.name)
    assert [item.kind for item in ends.outputs] == ["state", "probabilities"]


@pytest.mark.parametrize("answer", ["tags", "last", "mean"])
def test_zeros_of_a_layer_that_foretells_nothing_are_not_fed(sketch: Sketch, answer: str) -> None:
    """Sentences are tagged, or have one answer: there is no state to go on from."""
    tf, v1 = sketch.tf, sketch.v1
    x, truth = sketch.feed([4, 3], "x", "int32"), sketch.feed([None], "truth", dtype="int32")
    _, _, steps = recurrent(sketch, tf.one_hot(x, 5))
    shown = {"tags": tf.reshape(steps, [-1, 6]), "last": steps[:, -1], "mean": tf.reduce_mean(steps, 1)}
    scores = sketch.dense(shown[answer], 4, "scores")
    sketch.train(tf.reduce_mean(v1.nn.sparse_softmax_cross_entropy_with_logits(labels=truth, logits=scores)))

    assert names(found(sketch)) == (["x:0"], [scores.name])


def by_hand(sketch: Sketch, loss: Any, variables: list[Any]) -> None:
    """Steps as Keras makes them: assignments, and no op of an optimizer."""
    for variable, slope in zip(variables, sketch.tf.gradients(loss, variables), strict=True):
        sketch.v1.assign(variable, variable - 0.1 * slope)


def test_a_generator_of_models_that_keras_trains_is_told_from_their_judge(sketch: Sketch) -> None:
    """Three models: the judge of examples, the generator, and the judge of what it makes."""
    tf, v1, code, x = sketch.tf, sketch.v1, sketch.feed([None, 4], "code"), sketch.feed([None, 6], "x")
    wanted, other = sketch.feed([None, 1], "wanted"), sketch.feed([None, 4], "other")

    def make(z: Any) -> Any:
        return tf.tanh(sketch.dense(tf.nn.relu(sketch.dense(z, 5, "make_a")), 6, "make_b"))

    def judge(example: Any) -> Any:
        return tf.sigmoid(sketch.dense(tf.nn.relu(sketch.dense(example, 5, "judge_a")), 1, "judge_b"))

    def entropy(opinion: Any) -> Any:
        clipped = tf.clip_by_value(opinion, 1e-7, 1.0 - 1e-7)
        return -tf.reduce_mean(wanted * tf.math.log(clipped) + (1.0 - wanted) * tf.math.log(1.0 - clipped))

    of_examples, made = entropy(judge(x)), make(code)
    of_made = entropy(judge(make(other)))
    judging = [v for v in v1.trainable_variables() if v.name.startswith("judge")]
    making = [v for v in v1.trainable_variables() if v.name.startswith("make")]
    by_hand(sketch, of_examples, judging)
    by_hand(sketch, of_made, making)

    assert names(found(sketch)) == (["code:0"], [made.name])


def test_examples_and_what_was_made_may_be_judged_in_one_batch(sketch: Sketch) -> None:
    """Both are joined, and the opinions of both are cut apart again."""
    tf, v1 = sketch.tf, sketch.v1
    x, holes = sketch.feed([4, 8, 8, 3], "x"), sketch.feed([4, 8, 8, 1], "holes")
    kernel = v1.get_variable("make", [3, 3, 3, 3], use_resource=False)
    made = tf.tanh(tf.nn.conv2d(x * (1.0 - holes), kernel, 1, "SAME"))
    filled = made * holes + x * (1.0 - holes)
    looks = v1.get_variable("judge", [3, 3, 3, 4], use_resource=False)
    seen = tf.nn.relu(tf.nn.conv2d(tf.concat([x, filled], 0), looks, 2, "SAME"))
    real, fake = tf.split(sketch.dense(tf.reduce_mean(seen, [1, 2]), 1, "judging"), 2)
    judging = [v for v in v1.trainable_variables() if v.name.startswith("judg")]
    v1.train.AdamOptimizer().minimize(tf.reduce_mean(fake) - tf.reduce_mean(real), var_list=judging)
    v1.train.AdamOptimizer().minimize(-tf.reduce_mean(fake), var_list=[kernel])

    assert set(names(found(sketch))[1]) == {filled.name}


def test_the_border_that_a_judge_needs_is_not_what_was_made(sketch: Sketch) -> None:
    """Fixed layers look at pictures whose colours are turned, centered and mirrored at their edges."""
    tf, v1, x = sketch.tf, sketch.v1, sketch.feed([2, 8, 8, 3], "x")
    looks = tf.constant(np.random.default_rng(1).standard_normal((3, 3, 3, 16)).astype("float32"))

    def look(picture: Any) -> Any:
        turned = tf.reverse(picture, [-1]) - [103.9, 116.8, 123.7]
        mirrored = tf.pad(turned, [[0, 0], [1, 1], [1, 1], [0, 0]], "REFLECT")
        return tf.nn.relu(tf.nn.conv2d(mirrored, looks, 1, "VALID"))

    kernel = v1.get_variable("kernel", [3, 3, 16, 3], use_resource=False)
    seen = look(x)
    made = tf.clip_by_value(tf.nn.conv2d(seen, kernel, 1, "SAME"), 0.0, 255.0)
    v1.train.AdamOptimizer().minimize(tf.reduce_sum(tf.square(look(made) - seen)))

    assert names(found(sketch)) == (["x:0"], [made.name])


def test_an_offset_that_somebody_forgot_to_use_is_left_over(sketch: Sketch) -> None:
    """A penalty on all variables gives it a gradient all the same."""
    tf, v1, x, truth = sketch.tf, sketch.v1, sketch.feed([None, 8], "x"), sketch.feed([None, 3], "truth")
    hidden = tf.matmul(x, v1.get_variable("first", [8, 6], use_resource=False))
    tf.nn.bias_add(hidden, v1.get_variable("forgotten", [6], use_resource=False))
    chosen = tf.argmax(sketch.dense(tf.nn.relu(hidden), 3, "second"), 1, output_type=tf.int32)
    scores = sketch.dense(tf.nn.relu(hidden), 3, "second")
    penalty = tf.add_n([tf.nn.l2_loss(variable) for variable in v1.trainable_variables()])
    sketch.train(sketch.entropy(scores, truth) + 1e-4 * penalty)

    assert set(names(found(sketch))[1]) <= {chosen.name, scores.name}


def test_a_single_tower_joined_for_nobody_is_fetched_as_it_is(sketch: Sketch) -> None:
    """Two kinds of maps are taught each by itself, and joined to be fetched; there is one device."""
    tf, x, truth = sketch.tf, sketch.feed([None, 8], "x"), sketch.feed([None, 3], "truth")
    hidden = tf.nn.relu(sketch.dense(x, 6, "first"))
    parts, fields = sketch.dense(hidden, 3, "parts"), sketch.dense(hidden, 3, "fields")
    maps = tf.concat([parts, fields], 1)
    tf.concat([maps], 0)
    sketch.train(tf.nn.l2_loss(parts - truth) + tf.nn.l2_loss(fields - truth))

    assert names(found(sketch)) == (["x:0"], [maps.name])


def test_averages_that_are_kept_by_hand_are_no_layers_left_untrained(sketch: Sketch) -> None:
    """They are variables like all others, and rows of them are written; the copy for tests reads them."""
    tf, v1, x, truth = sketch.tf, sketch.v1, sketch.feed([4, 8], "x"), sketch.feed([4, 3], "truth")
    kept = v1.get_variable("kept", [10, 6], use_resource=False)
    test = sketch.feed([4, 8], "test")

    def net(example: Any, training: bool) -> Any:
        hidden = sketch.dense(example, 6, "first")
        mean = tf.reduce_mean(hidden, 0) if training else tf.reduce_mean(kept, 0)
        if training:
            v1.scatter_update(kept, [0], mean[None])
        return sketch.dense(tf.nn.relu(hidden - mean), 3, "second")

    scores = net(x, True)
    answer = tf.nn.softmax(net(test, False))
    sketch.train(sketch.entropy(scores, truth))

    assert names(found(sketch)) == (["test:0"], [answer.name])


def test_a_picture_is_fetched_as_the_bytes_that_it_was_clipped_for(sketch: Sketch) -> None:
    """One function scales, clips and converts, in a scope of its name."""
    tf, v1, x = sketch.tf, sketch.v1, sketch.feed([2, 8, 8, 3], "x")
    truth = sketch.feed([2, 8, 8, 3], "truth")
    kernel = v1.get_variable("kernel", [3, 3, 3, 3], use_resource=False)
    made = tf.nn.conv2d(x, kernel, 1, "SAME")
    shown = tf.image.convert_image_dtype((made + 1.0) / 2.0, tf.uint8, saturate=True)
    v1.summary.image("made", shown)
    psnr = tf.reduce_mean(tf.square(tf.cast(shown, tf.float32) - truth * 255.0))
    v1.summary.scalar("error", psnr)
    sketch.train(tf.reduce_mean(tf.square(made - truth)))

    assert names(found(sketch)) == (["x:0"], [shown.name])


def test_a_rebuilt_example_that_was_clipped_under_a_name_is_fetched_so(sketch: Sketch) -> None:
    """Both terms of the entropy read it; who clips for a logarithm alone does so where it is taken."""
    tf, x = sketch.tf, sketch.feed([None, 8], "x")
    code = tf.nn.relu(sketch.dense(x, 3, "first"))
    rebuilt = tf.clip_by_value(tf.sigmoid(sketch.dense(code, 8, "second")), 1e-8, 1 - 1e-8)
    likely = x * tf.math.log(rebuilt) + (1 - x) * tf.math.log(1 - rebuilt)
    sketch.train(-tf.reduce_mean(tf.reduce_sum(likely, 1)))

    ends = found(sketch)

    assert names(ends) == (["x:0"], [rebuilt.name])
    assert ends.outputs[0].kind == "probabilities"


def test_a_mask_without_a_name_gives_way_to_the_scores_that_have_one(sketch: Sketch) -> None:
    """Nobody reads it; the author's node for the scores is read by three losses and the mask."""
    tf, x, truth = sketch.tf, sketch.feed([None, 8], "x"), sketch.feed([None, 2], "truth")
    scores = tf.nn.softmax(sketch.dense(tf.nn.relu(sketch.dense(x, 6, "first")), 2, "second"))
    with sketch.v1.name_scope("output"):
        named = tf.identity(scores, name="score")
    tf.greater_equal(named[:, 1:], 0.5)
    sketch.train(tf.reduce_mean(tf.abs(named[:, :1] - truth[:, :1])) + tf.reduce_mean(tf.abs(named - truth)))

    assert names(found(sketch)) == (["x:0"], [named.name])


def test_a_scope_of_predictions_and_losses_holds_answers(sketch: Sketch) -> None:
    tf, x, truth = sketch.tf, sketch.feed([None, 8], "x"), sketch.feed([None, 3], "truth")
    scores = sketch.dense(tf.nn.relu(sketch.dense(x, 6, "first")), 3, "second")
    with sketch.v1.name_scope("prediction_and_loss"):
        answer = tf.nn.softmax(scores, name="output")
        sketch.train(sketch.entropy(scores, truth))

    assert names(found(sketch)) == (["x:0"], [answer.name])


def test_scores_and_the_decision_made_of_them_are_the_first_candidates(sketch: Sketch) -> None:
    tf, x, truth = sketch.tf, sketch.feed([None, 8], "x"), sketch.feed([None, 3], "truth")
    scores = sketch.dense(tf.nn.relu(sketch.dense(x, 6, "first")), 3, "second")
    chances = tf.nn.softmax(scores)
    decision = tf.argmax(chances, 1)
    sketch.train(sketch.entropy(scores, truth))

    ends = found(sketch)

    assert names(ends) == (["x:0"], [decision.name])
    assert ends.candidates.outputs[:2] == (decision.name, chances.name)


def test_the_start_of_an_answer_is_fetched_though_the_end_is_found_from_it(sketch: Sketch) -> None:
    """The scores of the first word are compared with a label, and the net goes on from them to the last."""
    tf, x = sketch.tf, sketch.feed([None, 5, 4], "x")
    first, last = sketch.feed([None, 5], "first"), sketch.feed([None, 5], "last")

    def point(hidden: Any, name: str) -> Any:
        return tf.reshape(sketch.dense(tf.reshape(hidden, [-1, int(hidden.shape[-1])]), 1, name), [-1, 5])

    scores = point(x, "starts")
    seen = tf.reduce_sum(x * tf.nn.softmax(scores)[..., None], 1, keepdims=True)
    scores_of_end = point(tf.concat([x, tf.tile(seen, [1, 5, 1])], 2), "ends")
    start, end = (
        tf.reshape(tf.nn.softmax(scores), [-1, 5, 1]),
        tf.reshape(tf.nn.softmax(scores_of_end), [-1, 5, 1]),
    )
    sketch.train(sketch.entropy(scores, first) + sketch.entropy(scores_of_end, last))

    assert names(found(sketch)) == (["x:0"], [start.name, end.name])


def test_a_state_named_to_be_fetched_does_not_stand_for_the_answer_beside_it(sketch: Sketch) -> None:
    """Both have names; the answer depends on more than the state."""
    tf, v1 = sketch.tf, sketch.v1
    x, state = sketch.feed([None, 4], "x"), sketch.feed([None, 6], "state")
    truth = sketch.feed([None, 3], "truth")
    following = tf.tanh(sketch.dense(tf.concat([x, state], 1), 6, "cell"))
    scores = sketch.dense(following, 3, "scores")
    chances = tf.nn.softmax(scores / 0.7, name="chances")
    kept = tf.identity(following, name="last_state")
    v1.train.AdamOptimizer().minimize(sketch.entropy(scores, truth))

    assert names(found(sketch)) == (["x:0", "state:0"], [chances.name, kept.name])


def test_a_table_that_is_looked_up_and_compared_with_is_no_judge(sketch: Sketch) -> None:
    """What may be looked at next is looked up, and scored by the rows of its table."""
    tf, v1, seen = sketch.tf, sketch.v1, sketch.feed([None], "seen", "int32")
    wanted = sketch.feed([None], "wanted", "int32")
    table = v1.get_variable("table", [20, 6], use_resource=False)
    shown = v1.get_variable("shown", [20, 6], use_resource=False)
    hidden = tf.tanh(sketch.dense(tf.nn.embedding_lookup(shown, seen), 6, "cell"))
    others = tf.nn.embedding_lookup(table, wanted)
    alike = tf.matmul(hidden, others, transpose_b=True)
    everything = tf.nn.softmax(tf.matmul(hidden, table, transpose_b=True))
    sketch.v1.train.AdamOptimizer().minimize(-tf.reduce_mean(tf.linalg.diag_part(tf.nn.log_softmax(alike))))

    assert names(found(sketch))[1] == [everything.name]


def test_what_a_told_decoder_decides_gives_way_to_one_that_needs_no_words(sketch: Sketch) -> None:
    """The true words have a feed of their own; of what is told, the decisions are there to be looked at."""
    tf, x = sketch.tf, sketch.feed([None, 8], "x")
    given, wanted = sketch.feed([None, 2], "given", "int32"), sketch.feed([None, 2], "wanted", "int32")
    table = sketch.v1.get_variable("table", [5, 4], use_resource=False)
    state = tf.nn.relu(sketch.dense(x, 6, "encoder"))

    def step(word: Any) -> Any:
        known = tf.nn.embedding_lookup(table, word)
        return sketch.dense(tf.concat([state, known], 1), 5, "decoder")

    told = tf.stack([step(given[:, 0]), step(given[:, 1])], 1)
    tf.argmax(told, 2, output_type=tf.int32)
    first = tf.argmax(step(tf.zeros_like(x[:, 0], tf.int32)), 1)
    said = tf.stack([first, tf.argmax(step(first), 1)], 1)
    loss = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=wanted, logits=told)
    sketch.v1.train.AdamOptimizer().minimize(tf.reduce_mean(loss))

    assert names(found(sketch)) == (["x:0"], [said.name])


@pytest.mark.parametrize("kind", ["chances", "noise"])
def test_an_action_goes_with_its_likelihood_that_is_there_to_be_fetched(sketch: Sketch, kind: str) -> None:
    """An agent acts on what it drew, and keeps how likely that was."""
    tf, v1, x = sketch.tf, sketch.v1, sketch.feed([None, 4], "x")
    worth = sketch.feed([None], "worth")
    hidden = tf.tanh(sketch.dense(x, 6, "hidden"))
    if kind == "chances":
        taken = sketch.feed([None], "taken", "int32")
        scores = tf.nn.log_softmax(sketch.dense(hidden, 3, "scores"))
        action = tf.squeeze(tf.random.categorical(scores, 1), 1)
        likely = tf.reduce_sum(tf.one_hot(taken, 3) * scores, 1)
        tf.reduce_sum(tf.one_hot(action, 3) * scores, 1)
    else:
        taken = sketch.feed([None, 2], "taken")
        mean = sketch.dense(hidden, 2, "mean")
        action = mean + tf.random.normal(tf.shape(mean)) * 0.5
        likely = tf.reduce_sum(-0.5 * tf.square((taken - mean) / 0.5), 1)
        tf.reduce_sum(-0.5 * tf.square((action - mean) / 0.5), 1)
    v1.train.AdamOptimizer().minimize(-tf.reduce_mean(likely * worth))

    inputs, outputs = names(found(sketch))

    assert inputs == ["x:0"]
    assert action.name in outputs


def test_a_difference_that_is_weighed_was_compared_before(sketch: Sketch) -> None:
    """What comes next is foretold, and the errors of what is not known are left out."""
    tf, x = sketch.tf, sketch.feed([None, 8], "x")
    rebuilt = sketch.dense(tf.nn.relu(sketch.dense(x, 3, "first")), 8, "second")
    errors = tf.pow(rebuilt - x, 2.0) * tf.sign(x)
    sketch.train(tf.reduce_mean(tf.reduce_sum(errors, 1)))

    assert names(found(sketch)) == (["x:0"], [rebuilt.name])


def test_of_two_kinds_of_examples_that_one_generator_turns_the_first_is_fed(sketch: Sketch) -> None:
    """Drawings and photographs go through the same layers, and what becomes of both is judged."""
    tf, v1 = sketch.tf, sketch.v1
    photo, drawing = sketch.feed([4, 6], "photo"), sketch.feed([4, 6], "drawing")

    def make(x: Any) -> Any:
        return tf.tanh(sketch.dense(tf.nn.relu(sketch.dense(x, 5, "make_a")), 6, "make_b"))

    def judge(x: Any) -> Any:
        return tf.reduce_mean(sketch.dense(tf.nn.relu(sketch.dense(x, 5, "judge_a")), 1, "judge_b"))

    made, again = make(photo), make(drawing)
    fake = judge(made) + judge(again)
    loss = fake - judge(drawing)
    judging = [v for v in v1.trainable_variables() if v.name.startswith("judge")]
    making = [v for v in v1.trainable_variables() if v.name.startswith("make")]
    v1.train.AdamOptimizer().minimize(loss, var_list=judging)
    v1.train.AdamOptimizer().minimize(-fake, var_list=making)

    assert names(found(sketch)) == (["photo:0"], [made.name])


def test_how_likely_an_action_is_does_not_stand_for_the_action_that_is_judged(sketch: Sketch) -> None:
    """A critic reads actions that are fed, and those that the actor draws."""
    tf, v1, x, taken = sketch.tf, sketch.v1, sketch.feed([None, 4], "x"), sketch.feed([None, 2], "taken")
    worth = sketch.feed([None, 1], "worth")
    mean = sketch.dense(tf.nn.relu(sketch.dense(x, 6, "act_a")), 2, "act_b")
    noise = tf.random.normal(tf.shape(mean))
    action = tf.tanh(mean + 0.3 * noise)
    tf.reduce_sum(tf.math.log(1.0 - tf.square(action) + 1e-6), 1)

    def judge(done: Any) -> Any:
        return sketch.dense(tf.nn.relu(sketch.dense(tf.concat([x, done], 1), 5, "judge_a")), 1, "judge_b")

    judging, acting = judge(taken), judge(action)
    of_judge = [v for v in v1.trainable_variables() if v.name.startswith("judge")]
    of_actor = [v for v in v1.trainable_variables() if v.name.startswith("act")]
    v1.train.AdamOptimizer().minimize(tf.reduce_mean(tf.square(judging - worth)), var_list=of_judge)
    v1.train.AdamOptimizer().minimize(-tf.reduce_mean(acting), var_list=of_actor)

    assert names(found(sketch)) == (["x:0"], [action.name])


def test_zeros_are_not_fed_where_the_states_are_not_asked_for(sketch: Sketch) -> None:
    """A row names the output, or the author does: then the layer begins with its zeros."""
    tf, v1 = sketch.tf, sketch.v1
    x, truth = sketch.feed([4, 3], "x", "int32"), sketch.feed([4, 3], "truth", dtype="int32")
    _, _, steps = recurrent(sketch, tf.one_hot(x, 5))
    scores = sketch.dense(tf.reshape(steps, [-1, 6]), 5, "letters")
    named = tf.identity(tf.nn.softmax(scores), name="chances")
    loss = v1.nn.sparse_softmax_cross_entropy_with_logits(labels=tf.reshape(truth, [-1]), logits=scores)
    sketch.train(tf.reduce_mean(loss))
    meta = read(sketch)

    for ends in (detect(meta), detect(meta, outputs=[named.name])):
        assert names(ends) == (["x:0"], [named.name])


def test_two_kinds_of_features_in_one_batch_are_no_judgement(sketch: Sketch) -> None:
    """A classifier reads what a layer made of one and the other as it is fed; each half has labels."""
    tf, x, fed = sketch.tf, sketch.feed([4, 8], "x"), sketch.feed([4, 6], "fed")
    truth, other = sketch.feed([4, 3], "truth"), sketch.feed([4, 3], "other")
    both = tf.concat([tf.nn.relu(sketch.dense(x, 6, "first")), fed], 0)
    first, second = tf.split(sketch.dense(tf.nn.relu(sketch.dense(both, 5, "second")), 3, "third"), 2)
    sketch.train(sketch.entropy(first, truth) + sketch.entropy(second, other))

    assert names(found(sketch)) == (["x:0", "fed:0"], [first.name, second.name])


def test_decisions_joined_beside_their_scores_leave_an_answer(sketch: Sketch) -> None:
    """Digits of a number: the loss takes scores and digits one by one, the accuracy the numbers."""
    tf, x = sketch.tf, sketch.feed([None, 8], "x")
    hot, numbers = sketch.feed([None, 3, 5], "hot"), sketch.feed([None, 3], "numbers", "int32")
    hidden = tf.nn.relu(sketch.dense(x, 6, "first"))
    scores = tf.stack([sketch.dense(hidden, 5, f"digit_{k}") for k in range(3)], 1)
    digits = tf.stack([tf.argmax(scores[:, k], 1, output_type=tf.int32) for k in range(3)], 1)
    sketch.v1.summary.scalar("right", tf.reduce_mean(tf.cast(tf.equal(digits, numbers), tf.float32)))
    sketch.train(sketch.entropy(scores, hot))

    assert names(found(sketch))[1]


@pytest.mark.parametrize("scope", ["loss", "prediction_loss"])
def test_layers_that_stand_in_a_scope_of_a_loss_are_layers(sketch: Sketch, scope: str) -> None:
    """Their variables are no numbers that only scale."""
    tf, x, truth = sketch.tf, sketch.feed([None, 8], "x"), sketch.feed([None, 3], "truth")
    hidden = tf.nn.relu(sketch.dense(x, 6, "first"))
    with sketch.v1.variable_scope(scope):
        scores = sketch.dense(hidden, 3, "second")
        sketch.train(sketch.entropy(scores, truth))

    assert names(found(sketch)) == (["x:0"], [scores.name])


def test_a_layer_named_for_a_summary_is_no_answer(sketch: Sketch) -> None:
    """The net goes on from what was named."""
    tf, x, truth = sketch.tf, sketch.feed([None, 8], "x"), sketch.feed([None, 3], "truth")
    hidden = tf.nn.relu(sketch.dense(x, 6, "first"))
    sketch.v1.summary.histogram("hidden", tf.identity(hidden, name="hidden"))
    scores = sketch.dense(hidden, 3, "second")
    sketch.train(sketch.entropy(scores, truth))

    assert names(found(sketch)) == (["x:0"], [scores.name])


def test_chances_clipped_for_the_entropy_of_labels_are_fetched_as_they_are(sketch: Sketch) -> None:
    tf, x, truth = sketch.tf, sketch.feed([None, 8], "x"), sketch.feed([None, 1], "truth")
    chances = tf.sigmoid(sketch.dense(tf.nn.relu(sketch.dense(x, 6, "first")), 1, "second"))
    clipped = tf.clip_by_value(chances, 1e-7, 1.0 - 1e-7)
    likely = truth * tf.math.log(clipped) + (1.0 - truth) * tf.math.log(1.0 - clipped)
    sketch.train(-tf.reduce_mean(likely))

    assert names(found(sketch)) == (["x:0"], [chances.name])


def test_an_early_stage_that_the_same_label_teaches_is_no_answer_of_its_own(sketch: Sketch) -> None:
    """The last stage reads what the first one said, and says it better."""
    tf, x, truth = sketch.tf, sketch.feed([None, 8], "x"), sketch.feed([None, 3], "truth")
    hidden = tf.nn.relu(sketch.dense(x, 6, "first"))
    early = sketch.dense(hidden, 3, "early")
    tf.nn.softmax(early)
    late = sketch.dense(tf.concat([hidden, early], 1), 3, "late")
    refined = tf.nn.softmax(late)
    sketch.train(sketch.entropy(early, truth) + sketch.entropy(late, truth))

    assert names(found(sketch)) == (["x:0"], [refined.name])


def test_an_embedding_goes_before_what_tells_two_classes_apart(sketch: Sketch) -> None:
    tf, x, truth = sketch.tf, sketch.feed([None, 8], "x"), sketch.feed([None, 1], "truth")
    hidden = sketch.dense(tf.nn.relu(sketch.dense(x, 6, "first")), 4, "second")
    embedding = tf.nn.l2_normalize(hidden, 1, name="embedding")
    scores = sketch.dense(hidden, 1, "third")
    loss = sketch.v1.nn.sigmoid_cross_entropy_with_logits(labels=truth, logits=scores)
    sketch.train(tf.reduce_mean(loss))

    assert names(found(sketch)) == (["x:0"], [embedding.name])


def test_what_is_moved_far_from_zero_is_the_answer(sketch: Sketch) -> None:
    tf, x, truth = sketch.tf, sketch.feed([None, 8], "x"), sketch.feed([None, 1], "truth")
    moved = tf.nn.relu(sketch.dense(tf.nn.relu(sketch.dense(x, 6, "first")), 1, "second")) + 1.0
    sketch.train(tf.reduce_mean(tf.square(tf.math.log(moved) - truth)))

    assert names(found(sketch)) == (["x:0"], [moved.name])


def test_pixels_that_were_clipped_under_a_name_are_fetched_so(sketch: Sketch) -> None:
    """What was noisy is compared with what was clean, a number for each pixel."""
    tf, x, clean = sketch.tf, sketch.feed([None, 196], "x"), sketch.feed([None, 196], "clean")
    code = tf.nn.relu(sketch.dense(x, 3, "first"))
    rebuilt = tf.clip_by_value(tf.sigmoid(sketch.dense(code, 196, "second")), 1e-8, 1 - 1e-8)
    likely = clean * tf.math.log(rebuilt) + (1 - clean) * tf.math.log(1 - rebuilt)
    sketch.train(-tf.reduce_mean(tf.reduce_sum(likely, 1)))

    assert names(found(sketch)) == (["x:0"], [rebuilt.name])


def test_words_that_only_training_needs_are_not_taken_for_labels_at_the_cost_of_the_answer(
    sketch: Sketch,
) -> None:
    """A graph of the yardstick: its free decoder asks how long the longest sentence is, and no more."""
    from benchmarks.endpoints.courses import (
        sentences_translated_by_a_greedy_loop_beside_the_taught_one as build,
    )

    truth: Any = build()
    inputs, outputs = truth[0] if isinstance(truth, list) else truth

    ends = found(sketch)

    assert names(ends)[1] == [tensor.name for tensor in outputs]
    assert set(names(ends)[0]) == {tensor.name for tensor in inputs}


def test_what_a_generator_is_told_in_the_middle_is_an_input(sketch: Sketch) -> None:
    """The style of a letter joins what its picture was made into, and what comes of both is judged."""
    tf, v1 = sketch.tf, sketch.v1
    both, style = sketch.feed([4, 16], "both"), sketch.feed([4], "style", "int32")
    real, x = both[:, :8], both[:, 8:]

    def layers(hidden: Any, name: str) -> Any:
        for k in range(4):
            hidden = tf.nn.relu(sketch.dense(hidden, 6, f"{name}_{k}"))
        return hidden

    def judge(shown: Any) -> tuple[Any, Any]:
        seen = layers(tf.concat([x, shown], 1), "judge")
        return tf.reduce_mean(sketch.dense(seen, 1, "judge_b")), sketch.dense(seen, 3, "judge_c")

    table = v1.get_variable("styles", [3, 4], use_resource=False, trainable=False)
    code = layers(x, "make")
    made = tf.tanh(sketch.dense(tf.concat([code, tf.nn.embedding_lookup(table, style)], 1), 8, "make_b"))
    (fake, kind), (true, kind_of_true) = judge(made), judge(real)
    told = sketch.entropy(kind, tf.one_hot(style, 3)) + sketch.entropy(kind_of_true, tf.one_hot(style, 3))
    same = tf.reduce_mean(tf.square(layers(made, "make") - code))
    judging = [v for v in v1.trainable_variables() if v.name.startswith("judge")]
    making = [v for v in v1.trainable_variables() if v.name.startswith("make")]
    v1.train.AdamOptimizer().minimize(fake - true + told, var_list=judging)
    v1.train.AdamOptimizer().minimize(-fake + told + same, var_list=making)

    assert names(found(sketch)) == (["both:0", "style:0"], [made.name])


@pytest.mark.parametrize(
    "zeros", ["BasicRNNCellZeroState", "rnn/BasicRNNCellZeroState", "AttentionWrapperZeroState"]
)
def test_zeros_that_somebody_else_made_or_whose_end_is_read_on_are_not_fed(
    sketch: Sketch, zeros: str
) -> None:
    """The layer makes its own; a decoder looks at nothing at first; a last state goes on within the graph."""
    tf, v1 = sketch.tf, sketch.v1
    x, truth = sketch.feed([4, 3], "x", "int32"), sketch.feed([4, 3], "truth", dtype="int32")
    _, last, steps = recurrent(sketch, tf.one_hot(x, 5), zeros)
    scores = sketch.dense(tf.reshape(steps, [-1, 6]), 5, "letters")
    if zeros == "BasicRNNCellZeroState":
        scores += tf.tile(sketch.dense(last, 5, "whole"), [3, 1])
    chances = tf.nn.softmax(scores)
    loss = v1.nn.sparse_softmax_cross_entropy_with_logits(labels=tf.reshape(truth, [-1]), logits=scores)
    sketch.train(tf.reduce_mean(loss))

    assert names(found(sketch)) == (["x:0"], [chances.name])


def test_chances_of_which_a_mask_is_made_go_before_scores_with_a_name(sketch: Sketch) -> None:
    """The mask is made of the chances, and those of what was named."""
    tf, x, truth = sketch.tf, sketch.feed([None, 8], "x"), sketch.feed([None, 1], "truth")
    scores = tf.identity(sketch.dense(tf.nn.relu(sketch.dense(x, 6, "first")), 1, "second"), name="scores")
    chances = tf.sigmoid(scores)
    tf.greater(chances, 0.5)
    loss = sketch.v1.nn.sigmoid_cross_entropy_with_logits(labels=truth, logits=scores)
    sketch.train(tf.reduce_mean(loss))

    assert names(found(sketch)) == (["x:0"], [chances.name])
