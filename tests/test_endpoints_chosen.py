"""Which of the tensors at a model's end are its answer, where many could be."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sketches import Sketch, names, read, role
from zoo.endpoints import detect


def outputs(sketch: Sketch) -> list[str]:
    return names(detect(read(sketch)))[1]


def test_what_compares_all_examples_with_each_other_is_a_loss_of_embeddings(sketch: Sketch) -> None:
    """Distances between all pairs, masked by labels, are what a triplet loss is made of."""
    tf, labels = sketch.tf, sketch.feed([None], dtype="int64")
    embedding = sketch.dense(sketch.feed([None, 8]), 4, "embedding")
    products = tf.matmul(embedding, embedding, transpose_b=True)
    lengths = tf.linalg.diag_part(products)
    distances = lengths[:, None] - 2.0 * products + lengths[None, :]
    alike = tf.cast(tf.equal(labels[:, None], labels[None, :]), "float32")
    sketch.train(tf.reduce_mean(alike * distances))

    assert outputs(sketch) == [embedding.name]


def test_the_steps_that_an_unrolled_decoder_decides_by_are_outputs_all(sketch: Sketch) -> None:
    """The word that was chosen goes into the next step; nobody reads the last step's scores."""
    tf = sketch.tf
    with sketch.v1.variable_scope("words"):
        table = sketch.v1.get_variable("table", [7, 4], use_resource=False)
    state = sketch.feed([None, 4])
    steps: list[Any] = []
    for k in range(3):
        if k:
            state = state + tf.gather(table, tf.argmax(steps[-1], 1))
        state = tf.tanh(sketch.dense(state, 4, "cell"))
        steps.append(sketch.dense(state, 7, "scores"))

    assert outputs(sketch) == [step.name for step in steps]


def test_a_copy_of_a_generator_that_nobody_trains_is_for_looking_at(sketch: Sketch) -> None:
    """It is compared with the true picture for a measure; the other one goes to the judge."""
    tf, gray, colours = sketch.tf, sketch.feed([None, 6]), sketch.feed([None, 8])

    def paint(x: Any) -> Any:
        return tf.tanh(sketch.dense(tf.nn.relu(sketch.dense(x, 5, "g1")), 8, "g2"))

    def judge(x: Any) -> Any:
        return sketch.dense(tf.nn.relu(sketch.dense(x, 5, "d1")), 1, "d2")

    painted = paint(gray)
    sketch.train(tf.reduce_mean(judge(painted)) - tf.reduce_mean(judge(colours)))
    looked_at = paint(gray)
    tf.reduce_mean(tf.abs(looked_at - colours), name="error")

    assert outputs(sketch) == [looked_at.name]


def test_all_steps_of_a_layer_are_no_output_where_its_state_goes_on(sketch: Sketch) -> None:
    """A recurrent layer hands out both."""
    tf, v1 = sketch.tf, sketch.v1

    def step(state: Any, x: Any) -> Any:
        return tf.tanh(sketch.dense(state + x, 4, "cell"))

    x = sketch.feed([5, 2, 4])
    i, last, written = 0, tf.zeros([2, 4]), tf.TensorArray("float32", 5)
    _, last, written = v1.while_loop(
        lambda i, *_: i < 5,
        lambda i, state, steps: (i + 1, step(state, x[i]), steps.write(i, step(state, x[i]))),
        (i, last, written),
    )
    tf.transpose(written.stack(), [1, 0, 2])
    kind = tf.nn.softmax(sketch.dense(tf.reshape(last, [2, 4]), 3, "kind"))

    assert outputs(sketch) == [kind.name]


def test_rows_of_a_table_that_no_layer_reads_are_no_output(sketch: Sketch) -> None:
    """A decoder that goes on by its own words looks up those it is fed in vain."""
    tf, ids, more = sketch.tf, sketch.feed([None], dtype="int64"), sketch.feed([None], dtype="int64")
    table = sketch.v1.get_variable("table", [9, 4], use_resource=False)
    hidden = tf.nn.relu(sketch.dense(tf.gather(table, ids), 5, "hidden"))
    scores = sketch.dense(hidden, 9, "scores")
    tf.gather(table, more)

    found = names(detect(read(sketch)))

    assert found == ([ids.name], [scores.name])


def test_a_wide_layer_beside_an_answer_is_no_output(sketch: Sketch) -> None:
    """So it is with the pooled vector of a language model that tags words."""
    tf = sketch.tf
    trunk = tf.nn.relu(sketch.dense(sketch.feed([None, 8]), 16, "trunk"))
    tf.tanh(sketch.dense(trunk, 64, "pooled"))
    tags = tf.argmax(sketch.dense(tf.nn.relu(sketch.dense(trunk, 16, "more")), 5, "tags"), 1)

    assert outputs(sketch) == [tags.name]


def test_what_adds_up_decisions_is_no_output(sketch: Sketch) -> None:
    tf, labels = sketch.tf, sketch.feed([None], dtype="int64")
    scores = sketch.dense(sketch.feed([None, 8]), 3, "scores")
    chosen = tf.argmax(scores, 1)
    tf.reduce_sum(tf.cast(chosen, "int32"))
    sketch.train(sketch.entropy(scores, tf.one_hot(labels, 3)))

    assert outputs(sketch) == [scores.name]


def test_the_form_for_a_summary_is_not_the_form_to_fetch(sketch: Sketch) -> None:
    tf, truth = sketch.tf, sketch.feed([None, 4, 4])
    scores = tf.reshape(sketch.dense(sketch.feed([None, 8]), 16, "scores"), [-1, 4, 4])
    mask = tf.sigmoid(scores)
    sketch.v1.summary.image("mask", tf.expand_dims(mask, -1))
    entropy = sketch.v1.nn.sigmoid_cross_entropy_with_logits(labels=truth, logits=scores)
    sketch.train(tf.reduce_mean(entropy))

    assert outputs(sketch) == [mask.name]


def test_what_a_sample_was_drawn_of_is_no_output_beside_it(sketch: Sketch) -> None:
    """The next character is drawn of the scores that training compares with the text."""
    tf, text = sketch.tf, sketch.feed([None], dtype="int64")
    scores = sketch.dense(sketch.feed([None, 8]), 9, "scores")
    sketch.train(sketch.entropy(scores, tf.one_hot(text, 9)))
    drawn = tf.random.categorical(scores / 0.7, 1)[:, 0]

    assert outputs(sketch) == [drawn.name]


def test_the_value_of_an_action_that_is_fed_is_no_output_beside_the_actor(sketch: Sketch) -> None:
    """The gradient by the action goes from critic to actor by way of Python."""
    tf, v1 = sketch.tf, sketch.v1
    state, value_of, action = sketch.feed([None, 6]), sketch.feed([None, 6]), sketch.feed([None, 2])
    slope, target = sketch.feed([None, 2]), sketch.feed([None, 1])
    acts = tf.tanh(sketch.dense(tf.nn.relu(sketch.dense(state, 5, "actor1")), 2, "actor2")) * 2.0
    joined = tf.concat([value_of, action], 1)
    value = sketch.dense(tf.nn.relu(sketch.dense(joined, 5, "critic1")), 1, "critic2")
    actor = [item for item in v1.trainable_variables() if item.name.startswith("actor")]
    steps = tf.gradients(acts, actor, -slope)
    v1.train.GradientDescentOptimizer(0.1).apply_gradients(zip(steps, actor, strict=True))
    critic = [item for item in v1.trainable_variables() if item.name.startswith("critic")]
    loss = tf.reduce_mean((target - value) ** 2)
    v1.train.GradientDescentOptimizer(0.1).minimize(loss, var_list=critic)
    tf.gradients(value, action)

    assert names(detect(read(sketch))) == ([state.name], [acts.name])


def test_the_slope_of_an_energy_that_its_author_named_is_an_output(sketch: Sketch) -> None:
    """Without it the model would be of no use: the forces are what it is trained for."""
    tf, v1 = sketch.tf, sketch.v1
    places, truth = sketch.feed([None, 6], "places"), sketch.feed([None, 6], "true_forces")
    energy = tf.identity(sketch.dense(tf.tanh(sketch.dense(places, 5, "a")), 1, "b"), name="energy")
    forces = tf.identity(-tf.gradients(energy, places)[0], name="forces")
    known = sketch.feed([None, 1], "true_energy")
    loss = tf.reduce_mean((forces - truth) ** 2) + tf.reduce_mean((energy - known) ** 2)
    v1.train.GradientDescentOptimizer(0.1).minimize(loss)

    assert names(detect(read(sketch))) == ([places.name], [energy.name, forces.name])


def test_how_many_boxes_were_kept_is_an_output_beside_them(sketch: Sketch) -> None:
    """Nothing but the shape of the others tells it."""
    tf = sketch.tf
    x = sketch.feed([1, 8], "picture")
    boxes = tf.reshape(sketch.dense(x, 20, "boxes"), [5, 4])
    scores = tf.reshape(tf.sigmoid(sketch.dense(x, 5, "scores")), [5])
    kept = tf.image.non_max_suppression(boxes, scores, 3)
    tf.identity(tf.gather(boxes, kept), name="kept_boxes")
    tf.identity(tf.gather(scores, kept), name="kept_scores")
    tf.identity(tf.shape(kept)[0], name="count")

    assert outputs(sketch) == ["kept_boxes:0", "kept_scores:0", "count:0"]


def test_a_flag_that_a_dropout_rate_is_multiplied_with_is_folded(sketch: Sketch) -> None:
    tf, training = sketch.tf, sketch.feed([], "training", dtype="bool")
    x = sketch.feed([None, 8], "x")
    hidden = tf.nn.dropout(sketch.dense(x, 6, "hidden"), rate=0.5 * tf.cast(training, "float32"))
    tf.nn.softmax(sketch.dense(hidden, 3, "kind"))

    found = detect(read(sketch))

    assert names(found)[0] == ["x:0"]
    assert found.folds == {"training:0": False}


def test_what_the_model_puts_into_a_queue_itself_is_a_state(sketch: Sketch) -> None:
    """So does a net that makes sound sample by sample: what it computed comes back at a later call."""
    tf, x = sketch.tf, sketch.feed([1, 4], "x")
    queue = sketch.v1.FIFOQueue(8, "float32", shapes=[1, 4])
    before = queue.dequeue(name="before")
    hidden = tf.tanh(sketch.dense(x, 4, "hidden"))
    queue.enqueue(hidden)
    tf.nn.softmax(sketch.dense(hidden + sketch.dense(before, 4, "past"), 3, "kind"), name="kind")

    found = detect(read(sketch))

    assert (role(found, "x:0"), role(found, before.name)) == ("data", "queue")
    assert {feed.tensor for feed in found.feeds} == {"x:0", before.name}


def test_the_best_classes_that_somebody_looks_up_are_both_outputs(sketch: Sketch) -> None:
    """Values and indices of what nobody reads on were made to be fetched."""
    tf, labels = sketch.tf, sketch.feed([None, 9])
    scores = sketch.dense(sketch.feed([None, 8]), 9, "scores")
    sketch.train(sketch.entropy(scores, labels))
    best = tf.math.top_k(tf.nn.softmax(scores), 3)

    assert outputs(sketch) == [best.values.name, best.indices.name]


def test_what_shows_layers_of_a_larger_net_is_no_output_unless_named(sketch: Sketch) -> None:
    """An export holds what the functions that built it made on the way."""
    tf = sketch.tf
    hidden = tf.nn.relu(sketch.dense(sketch.feed([None, 4, 8][::2]), 6, "hidden"))
    tf.identity(tf.reshape(hidden, [-1, 2, 3]), name="features")
    tf.slice(hidden, [0, 0], [1, 6])
    kind = tf.nn.softmax(sketch.dense(hidden, 3, "kind"))

    assert outputs(sketch) == ["features:0", kind.name]


def test_more_counts_than_anybody_fetches_are_no_outputs(sketch: Sketch) -> None:
    tf = sketch.tf
    boxes = tf.reshape(sketch.dense(sketch.feed([1, 8]), 20, "boxes"), [5, 4])
    kept = tf.image.non_max_suppression(boxes, boxes[:, 0], 3)
    tf.identity(tf.gather(boxes, kept), name="kept_boxes")
    for _ in range(40):
        tf.identity(tf.shape(kept)[0])

    assert outputs(sketch) == ["kept_boxes:0"]


def test_a_graph_without_parameters_may_have_several_feeds_of_one_node(sketch: Sketch) -> None:
    """What only reshapes one of them is an answer; there is nothing to see through it."""
    tf = sketch.tf
    queue = sketch.v1.FIFOQueue(4, ["float32", "float32"], shapes=[[2, 8], [2, 3]])
    first, second = queue.dequeue()
    relu, shown = tf.nn.relu(first), tf.identity(tf.reshape(second, [3, 2]))

    found = names(detect(read(sketch)))

    assert (sorted(found[0]), sorted(found[1])) == ([first.name, second.name], [shown.name, relu.name])


def test_what_a_loop_hands_out_can_be_the_last_that_parameters_met(sketch: Sketch) -> None:
    """Two sentences are read by a loop each, and their last states are compared without a layer more."""
    tf, v1, label = sketch.tf, sketch.v1, sketch.feed([None])

    def read_by_word(x: Any) -> Any:
        def step(i: Any, state: Any) -> Any:
            return i + 1, tf.tanh(sketch.dense(state + x[i], 4, "cell"))

        return v1.while_loop(lambda i, _: i < 5, step, (0, tf.zeros([2, 4])))[1]

    first, second = sketch.feed([5, 2, 4]), sketch.feed([5, 2, 4])
    alike = tf.exp(-tf.reduce_sum(tf.abs(read_by_word(first) - read_by_word(second)), 1))
    sketch.train(tf.reduce_mean(tf.square(alike - label)))

    assert names(detect(read(sketch))) == ([first.name, second.name], [alike.name])


def test_a_distance_is_the_root_of_squares_though_a_loss_takes_both(sketch: Sketch) -> None:
    tf, label = sketch.tf, sketch.feed([None])
    one, other = (sketch.dense(sketch.feed([None, 8]), 4, "embedding") for _ in range(2))
    squares = tf.reduce_sum(tf.square(one - other), 1)
    distance = tf.sqrt(squares + 1e-6)
    margin = tf.square(tf.maximum(1.0 - distance, 0.0))
    sketch.train(tf.reduce_mean(label * squares + (1.0 - label) * margin))

    assert outputs(sketch) == [distance.name]


def test_running_sums_of_chances_belong_to_the_loss(sketch: Sketch) -> None:
    """The earth mover's distance of two histograms compares their running sums."""
    tf, votes = sketch.tf, sketch.feed([None, 10])
    chances = tf.nn.softmax(sketch.dense(sketch.feed([None, 8]), 10, "chances"))
    sketch.train(tf.reduce_mean(tf.square(tf.cumsum(votes, 1) - tf.cumsum(chances, 1))))

    assert outputs(sketch) == [chances.name]


def test_a_head_called_auxiliary_only_helps_training(sketch: Sketch) -> None:
    """It has a label of its own, so that nothing but its name tells."""
    tf, points, angles = sketch.tf, sketch.feed([None, 6]), sketch.feed([None, 3])
    trunk = tf.nn.relu(sketch.dense(sketch.feed([None, 8]), 8, "trunk"))
    found = sketch.dense(tf.nn.relu(sketch.dense(trunk, 8, "more")), 6, "points")
    with sketch.v1.name_scope("auxiliary"):
        turned = sketch.dense(tf.nn.relu(sketch.dense(trunk, 8, "pose")), 3, "turned")
    sketch.train(tf.reduce_mean(tf.square(found - points)) + tf.reduce_mean(tf.square(turned - angles)))

    assert outputs(sketch) == [found.name]


def test_an_export_shows_each_view_that_has_a_name(sketch: Sketch) -> None:
    """The classes by name, and the scores that they were chosen by."""
    tf = sketch.tf
    chances = tf.nn.softmax(sketch.dense(sketch.feed([None, 8]), 5, "scores"))
    best, places = tf.math.top_k(chances, 3)
    words = tf.gather(tf.constant(list("abcde")), places, name="classes")
    scores = tf.identity(best, name="best")

    assert {scores.name, words.name} <= set(outputs(sketch))


def test_an_export_s_nameless_ends_are_left_over(sketch: Sketch) -> None:
    """A search by beams ends with more than its author names."""
    tf = sketch.tf
    hidden = tf.nn.relu(sketch.dense(sketch.feed([None, 8]), 5, "hidden"))
    states = sketch.dense(hidden, 4, "states")
    tf.gather(states, [1, 0])
    words = tf.identity(tf.argmax(states, 1), name="words")

    assert outputs(sketch) == [words.name]


def test_what_early_steps_say_is_left_over_where_later_ones_are_compared(sketch: Sketch) -> None:
    """A machine with a memory first reads all, and answers then; the same function does both."""
    tf, truth = sketch.tf, sketch.feed([None, 2, 3])
    state, said = sketch.feed([None, 4]), []
    for _ in range(4):
        state = tf.tanh(sketch.dense(state, 4, "cell"))
        said.append(sketch.dense(state, 3, "said"))
    answer = tf.sigmoid(tf.stack(said[2:], 1))
    sketch.train(tf.reduce_mean(tf.square(answer - truth)))

    assert outputs(sketch) == [answer.name]


def test_a_copy_for_validation_is_no_early_step(sketch: Sketch) -> None:
    """It reads the same layers as the copy that is trained, and what it says is not compared with labels."""
    tf, said = sketch.tf, []
    for _ in range(2):
        x = sketch.feed([None, 8])
        said.append(tf.nn.softmax(sketch.dense(tf.nn.relu(sketch.dense(x, 4, "h")), 3, "o")))
    sketch.train(-tf.reduce_mean(sketch.feed([None, 3]) * tf.math.log(said[0])))

    assert outputs(sketch) == [said[1].name]


def test_boxes_are_fetched_though_masks_are_cut_in_them(sketch: Sketch) -> None:
    tf = sketch.tf
    image = sketch.feed([None, 8])
    boxes, scores = sketch.dense(image, 4, "boxes"), sketch.dense(image, 1, "scores")
    best, places = tf.math.top_k(tf.sigmoid(scores[:, 0]), 2)
    kept = tf.gather(boxes, places)
    where = tf.expand_dims(kept, 0, name="detection_boxes")
    sure = tf.expand_dims(best, 0, name="detection_scores")
    masks = tf.sigmoid(sketch.dense(tf.nn.relu(sketch.dense(kept, 8, "m1")), 9, "m2"), name="detection_masks")

    assert set(outputs(sketch)) == {where.name, sure.name, masks.name}


def test_what_is_added_before_a_softmax_is_a_mask_and_no_label(sketch: Sketch) -> None:
    """So it is with the edges of a graph: who is no neighbour is not heeded."""
    tf, label, mask = sketch.tf, sketch.feed([None, 3]), sketch.feed([6, 6])
    nodes = sketch.feed([6, 8])
    values = sketch.dense(nodes, 3, "values")
    heed = sketch.dense(nodes, 1, "from") + tf.transpose(sketch.dense(nodes, 1, "to"))
    classes = tf.matmul(tf.nn.softmax(tf.nn.leaky_relu(heed) + mask), values)
    sketch.train(sketch.entropy(classes, label))

    found = detect(read(sketch))

    assert names(found) == ([mask.name, nodes.name], [classes.name])


def test_a_name_of_its_own_tells_the_answer_from_what_the_loss_makes_of_it(sketch: Sketch) -> None:
    tf, truth = sketch.tf, sketch.feed([None, 4])
    raw = tf.identity(sketch.dense(sketch.feed([None, 8]), 4, "last"), name="output")
    split = tf.concat([tf.sigmoid(raw[:, :2]), tf.exp(raw[:, 2:])], 1)
    sketch.train(tf.reduce_mean(tf.square(split - truth)))

    assert outputs(sketch) == [raw.name]


def test_a_teacher_that_learns_at_the_same_time_is_a_teacher(sketch: Sketch) -> None:
    """Both are compared with the labels; the small net also with what the large one says."""
    tf, labels, image = sketch.tf, sketch.feed([None, 3]), sketch.feed([None, 8])
    large = sketch.dense(tf.nn.relu(sketch.dense(image, 16, "t1")), 3, "t2")
    small = sketch.dense(image, 3, "s1")
    soft = tf.stop_gradient(tf.nn.softmax(large / 4.0))
    loss = sketch.entropy(large, labels) + sketch.entropy(small, labels) + sketch.entropy(small / 4.0, soft)
    sketch.train(loss)

    assert outputs(sketch) == [small.name]


def test_of_like_towers_the_one_for_testing_goes_before_the_one_for_validation(sketch: Sketch) -> None:
    tf, v1 = sketch.tf, sketch.v1
    said = {}
    for tower in ("Train", "Valid", "Test"):
        with v1.name_scope(tower):
            x, label = sketch.feed([None, 8]), sketch.feed([None, 3])
            said[tower] = sketch.dense(tf.nn.relu(sketch.dense(x, 4, "h")), 3, "o")
            loss = sketch.entropy(said[tower], label)
        if tower == "Train":
            sketch.train(loss)

    assert outputs(sketch) == [said["Test"].name]


def test_a_judge_s_look_at_shapes_is_not_what_was_painted(sketch: Sketch) -> None:
    tf, noise, pictures = sketch.tf, sketch.feed([None, 4]), sketch.feed([None, 8])

    def judge(x: Any) -> Any:
        return sketch.dense(tf.nn.relu(sketch.dense(tf.ensure_shape(x, [None, 8]), 5, "d1")), 1, "d2")

    painted = tf.sigmoid(sketch.dense(tf.nn.relu(sketch.dense(noise, 5, "g1")), 8, "g2"))
    sketch.train(tf.reduce_mean(judge(painted)) - tf.reduce_mean(judge(pictures)))

    assert outputs(sketch) == [painted.name]


def test_a_score_that_somebody_named_is_a_candidate_though_a_loss_is_made_of_it(sketch: Sketch) -> None:
    """An autoencoder's error for each example says how strange it is."""
    tf, x = sketch.tf, sketch.feed([None, 8])
    again = sketch.dense(tf.nn.relu(sketch.dense(x, 3, "code")), 8, "again")
    strange = tf.reduce_mean(tf.square(x - again), 1, name="strangeness")
    sketch.train(tf.reduce_mean(strange))

    assert strange.name in detect(read(sketch)).candidates.outputs[:3]


def test_a_conditional_that_only_asserts_is_no_output(sketch: Sketch) -> None:
    """Measures that look whether their input is in range are full of them."""
    tf, v1 = sketch.tf, sketch.v1
    v1.enable_control_flow_v2()
    chance = tf.sigmoid(sketch.dense(sketch.feed([None, 8]), 1, "chance"))
    v1.debugging.assert_less_equal(chance, 1.0)
    sketch.train(tf.reduce_mean(tf.square(chance - sketch.feed([None, 1]))))

    assert outputs(sketch) == [chance.name]


def test_chances_of_which_keras_made_logits_again_for_its_loss_are_the_answer(sketch: Sketch) -> None:
    tf, truth = sketch.tf, sketch.feed([None, 1])
    chance = tf.sigmoid(sketch.dense(sketch.feed([None, 8]), 1, "chance"))
    clipped = tf.clip_by_value(chance, 1e-7, 1 - 1e-7)
    logits = tf.math.log(clipped / (1 - clipped))
    sketch.train(tf.reduce_mean(sketch.v1.nn.sigmoid_cross_entropy_with_logits(labels=truth, logits=logits)))

    assert outputs(sketch) == [chance.name]


def test_gradients_that_another_program_applies_are_no_outputs(sketch: Sketch) -> None:
    """They are joined to one vector, and averaged over machines by Python."""
    tf, v1 = sketch.tf, sketch.v1
    state, aim = sketch.feed([None, 8]), sketch.feed([None, 2])
    action = tf.tanh(sketch.dense(tf.nn.relu(sketch.dense(state, 5, "h")), 2, "action"))
    loss = tf.reduce_mean(tf.square(action - aim))
    tf.concat([tf.reshape(g, [-1]) for g in v1.gradients(loss, v1.global_variables())], 0)

    assert outputs(sketch) == [action.name]


def test_the_last_step_s_decision_is_left_over_beside_all_steps(sketch: Sketch) -> None:
    """No step comes after it that would go on from its word."""
    tf = sketch.tf
    with sketch.v1.variable_scope("words"):
        table = sketch.v1.get_variable("table", [7, 4], use_resource=False)
    state, said = sketch.feed([None, 4]), []
    for k in range(3):
        state = tf.tanh(sketch.dense(state, 4, "cell"))
        said.append(sketch.dense(state, 7, "scores"))
        word = tf.argmax(said[-1], 1)
        if k < 2:
            state = state + tf.gather(table, word)
    words = tf.identity(tf.argmax(tf.stack(said, 1), 2), name="words")

    assert outputs(sketch) == [words.name]


def test_a_code_is_what_nothing_was_dropped_from_yet(sketch: Sketch) -> None:
    """Links of a graph are told by the products of all codes, of which training drops some."""
    tf, links = sketch.tf, sketch.feed([6, 6])
    code = sketch.dense(tf.nn.relu(sketch.dense(sketch.feed([6, 8]), 5, "h")), 3, "code")
    dropped = sketch.v1.nn.dropout(code, rate=0.4)
    scores = tf.matmul(dropped, dropped, transpose_b=True)
    entropy = sketch.v1.nn.sigmoid_cross_entropy_with_logits(labels=links, logits=scores)
    sketch.train(tf.reduce_mean(entropy))

    assert outputs(sketch) == [code.name]


def test_a_judge_that_looks_from_afar_judges_what_was_painted(sketch: Sketch) -> None:
    """It sees pictures made smaller, true and painted ones."""
    tf, v1, noise, pictures = sketch.tf, sketch.v1, sketch.feed([None, 4]), sketch.feed([None, 4, 4, 2])

    def judge(x: Any) -> Any:
        small = tf.reshape(v1.nn.avg_pool2d(x, 2, 2, "SAME"), [-1, 8])
        return sketch.dense(tf.nn.relu(sketch.dense(small, 5, "d1")), 1, "d2")

    painted = tf.reshape(tf.tanh(sketch.dense(noise, 32, "g")), [-1, 4, 4, 2])
    sketch.train(tf.reduce_mean(judge(painted)) - tf.reduce_mean(judge(pictures)))

    assert outputs(sketch) == [painted.name]


def test_a_part_that_nobody_reads_is_an_output_of_an_export(sketch: Sketch) -> None:
    """Weights and spreads of a mixture get a form each, its means are fetched as they are."""
    tf = sketch.tf
    hidden = tf.nn.relu(sketch.dense(sketch.feed([None, 8]), 5, "hidden"))
    weights, means, spreads = tf.split(sketch.dense(hidden, 6, "mixture"), 3, 1)
    shown = [tf.nn.softmax(weights), tf.exp(spreads)]

    assert set(outputs(sketch)) == {means.name, *(tensor.name for tensor in shown)}


def test_a_form_that_the_net_itself_gives_its_chances_is_that_of_the_answer(sketch: Sketch) -> None:
    """A reshape within the net's own scope; one outside is for a loss."""
    tf, v1, truth = sketch.tf, sketch.v1, sketch.feed([None, 2, 3])
    with v1.name_scope("net"):
        with v1.name_scope("last"):
            chances = tf.nn.softmax(sketch.dense(sketch.feed([None, 8]), 6, "last"))
        table = tf.reshape(chances, [-1, 2, 3])
    with v1.name_scope("loss"):
        sketch.train(-tf.reduce_mean(tf.reshape(truth, [-1, 6]) * tf.math.log(tf.reshape(table, [-1, 6]))))

    assert outputs(sketch) == [table.name]


def test_tables_that_nothing_is_fed_to_are_what_an_export_shows(sketch: Sketch) -> None:
    """Each is one variable, made of unit length; nothing else says that it is an answer."""
    tf, v1 = sketch.tf, sketch.v1
    shown = [
        v1.get_variable(name, [6, 4], use_resource=False) / tf.constant(2.0) for name in ("words", "texts")
    ]

    found = detect(read(sketch))

    assert names(found) == ([], [tensor.name for tensor in shown])
    assert found.outputs[0].confidence < 0.5


def test_a_score_that_chances_were_joined_to_is_fetched_beside_the_boxes(sketch: Sketch) -> None:
    """The loss takes logarithms of both, so that no label meets the chances themselves."""
    tf = sketch.tf
    kinds, there, places = sketch.feed([None, 3]), sketch.feed([None, 1]), sketch.feed([None, 4])
    trunk = tf.nn.relu(sketch.dense(sketch.feed([None, 8]), 8, "trunk"))
    last = sketch.dense(trunk, 8, "last")
    kind = tf.nn.softmax(last[:, :3])
    sure = tf.sigmoid(last[:, 3:4])
    shifts = last[:, 4:]
    score = tf.reduce_max(kind * sure, 1, name="score")
    boxes = tf.identity(shifts * 0.5 + 1.0, name="boxes")
    sketch.train(
        tf.reduce_mean(-kinds * tf.math.log(kind + 1e-9))
        + tf.reduce_mean(-there * tf.math.log(sure + 1e-9))
        + tf.reduce_mean(tf.square(shifts - places))
    )

    assert set(outputs(sketch)) == {boxes.name, score.name}


def test_of_a_frozen_graph_all_is_an_output_that_nobody_reads(sketch: Sketch) -> None:
    """Whoever froze it named what to keep; where there are variables, a wide layer would be left over."""
    tf = sketch.tf

    def layer(x: Any, units: int) -> Any:
        return tf.matmul(x, tf.ones([int(x.shape[-1]), units])) + tf.ones([units])

    x = sketch.feed([None, 8])
    trunk = tf.nn.relu(layer(x, 64))
    pooled = tf.tanh(layer(trunk, 64), name="pooled")
    best, places = tf.math.top_k(tf.nn.softmax(layer(trunk, 20)), 3)
    words = tf.gather(tf.constant([f"word {k}" for k in range(20)]), places, name="words")
    lengths = tf.tile(tf.ones([1, 2]), tf.stack([tf.shape(x)[0], 1]), name="lengths")

    assert set(outputs(sketch)) == {pooled.name, best.name, words.name, lengths.name}


def test_a_graph_that_only_joins_what_a_pipeline_hands_out_has_ends_too(sketch: Sketch) -> None:
    """Both are outputs of one node, and no parameter is anywhere."""
    tf, v1 = sketch.tf, sketch.v1
    data = tf.data.Dataset.from_tensors((tf.ones([4]), tf.ones([4])))
    first, second = v1.data.make_one_shot_iterator(data).get_next()
    product = first * second

    assert outputs(sketch) == [product.name]


def test_chances_are_the_answer_though_a_loss_made_them_add_up_and_clipped_them(sketch: Sketch) -> None:
    """So layers' libraries write a cross entropy; the accuracy is taken of the chances themselves."""
    tf, truth = sketch.tf, sketch.feed([None, 3])
    chances = tf.nn.softmax(sketch.dense(sketch.feed([None, 8]), 3, "last"))
    shares = chances / tf.reduce_sum(chances, 1, keepdims=True)
    safe = tf.clip_by_value(shares, 1e-10, 1 - 1e-10)
    tf.reduce_mean(tf.cast(tf.equal(tf.argmax(chances, 1), tf.argmax(truth, 1)), "float32"), name="accuracy")
    sketch.train(-tf.reduce_mean(tf.reduce_sum(truth * tf.math.log(safe), 1)))

    assert outputs(sketch) == [chances.name]


def test_chances_of_signs_are_the_answer_though_the_loss_wants_logarithms_of_most_steps(
    sketch: Sketch,
) -> None:
    """The loss is a layer, compiled and not trained yet; a recurrent layer's first try is left over."""
    tf, v1 = sketch.tf, sketch.v1
    signs, steps, length = (
        sketch.feed([2, 3], dtype="int32"), sketch.feed([2], dtype="int32"), sketch.feed([2], dtype="int32"),
    )  # fmt: skip
    columns = sketch.feed([2, 6, 4])
    tf.tanh(sketch.dense(columns[:, 0], 5, "cell"))
    states = [tf.tanh(sketch.dense(columns[:, k], 5, "cell")) for k in range(6)]
    flat = sketch.dense(tf.reshape(tf.stack(states, 1), [-1, 5]), 7, "last")
    chances = tf.nn.softmax(tf.reshape(flat, [-1, 6, 7]))
    logarithms = tf.math.log(tf.transpose(chances[:, 2:], [1, 0, 2]) + 1e-7)
    labels = tf.cast(v1.keras.backend.ctc_label_dense_to_sparse(signs, length), "int32")
    tf.reduce_mean(v1.nn.ctc_loss(labels, logarithms, steps), name="loss")

    assert outputs(sketch) == [chances.name]


def test_scores_that_an_export_collects_and_names_are_an_output_beside_what_is_made_of_them(
    sketch: Sketch,
) -> None:
    """The boxes of each picture are chosen by its scores, one picture after the other."""
    tf, v1 = sketch.tf, sketch.v1
    pictures = sketch.feed([None, 8])
    scores = tf.sigmoid(sketch.dense(pictures, 5, "scores"))
    corners = tf.reshape(sketch.dense(pictures, 20, "boxes"), [-1, 5, 4])

    def choose(item: Any) -> Any:
        best, places = tf.math.top_k(item[1], 2)
        return (
            tf.gather(item[0], places),
            best,
            tf.cast(tf.reduce_sum(tf.cast(best > 0.3, "int32")), "float32"),
        )

    found = v1.map_fn(choose, (corners, scores), dtype=("float32", "float32", "float32"))
    kept = [
        tf.identity(part, name=name) for part, name in zip(found, ("boxes", "scores", "count"), strict=True)
    ]

    assert set(outputs(sketch)) == {tensor.name for tensor in kept}


def test_what_is_made_once_more_under_a_name_is_the_answer_of_nets_that_are_judged(sketch: Sketch) -> None:
    """Two nets paint for two judges; one of them was made again to be exported."""
    tf, apples, oranges = sketch.tf, sketch.feed([None, 6]), sketch.feed([None, 6])

    def paint(x: Any, name: str) -> Any:
        return tf.tanh(sketch.dense(tf.nn.relu(sketch.dense(x, 5, f"{name}1")), 6, f"{name}2"))

    def judge(x: Any, name: str) -> Any:
        return sketch.dense(tf.nn.relu(sketch.dense(x, 5, f"{name}1")), 1, f"{name}2")

    there, back = paint(apples, "g"), paint(oranges, "f")
    sketch.train(
        tf.reduce_mean(judge(there, "o")) - tf.reduce_mean(judge(oranges, "o"))
        + tf.reduce_mean(judge(back, "a")) - tf.reduce_mean(judge(apples, "a"))
    )  # fmt: skip
    shown = tf.identity(paint(sketch.feed([None, 6], name="picture"), "g"), name="painted")

    found = detect(read(sketch))

    assert names(found) == (["picture:0"], [shown.name])


def test_lengths_that_labels_are_compared_with_are_the_answer_though_the_example_is_rebuilt(
    sketch: Sketch,
) -> None:
    """The two longest of them are painted again, which takes parameters of its own."""
    tf, labels, images = sketch.tf, sketch.feed([None, 5]), sketch.feed([None, 8])
    parts = tf.reshape(sketch.dense(images, 15, "parts"), [-1, 5, 3])
    lengths = tf.sqrt(tf.reduce_sum(tf.square(parts), 2) + 1e-7, name="lengths")
    _, longest = tf.math.top_k(lengths, 2)
    code = tf.reshape(tf.gather(parts, longest, batch_dims=1), [-1, 6])
    painted = tf.sigmoid(sketch.dense(tf.nn.relu(sketch.dense(code, 6, "h")), 8, "paint"))
    there = labels * tf.square(tf.maximum(0.0, 0.9 - lengths))
    absent = (1 - labels) * tf.square(tf.maximum(0.0, lengths - 0.1))
    sketch.train(tf.reduce_mean(there + absent) + tf.reduce_mean(tf.square(painted - images)))

    assert outputs(sketch) == [lengths.name]


def test_what_was_named_and_nobody_reads_is_the_answer_and_not_the_example_rebuilt(sketch: Sketch) -> None:
    """The shares of topics in a text; the words that they make likely are for the loss."""
    tf, words = sketch.tf, sketch.feed([None, 8])
    means = sketch.dense(tf.nn.relu(sketch.dense(words, 6, "h")), 3, "means")
    drawn = tf.nn.softmax(means + tf.random.normal(tf.shape(means)))
    likely = tf.nn.softmax(sketch.dense(drawn, 8, "words")) + 1e-10
    sketch.train(-tf.reduce_mean(tf.reduce_sum(words * tf.math.log(likely), 1)))
    shares = tf.nn.softmax(means, name="shares")

    found = detect(read(sketch))

    assert names(found)[1] == [shares.name]
    assert likely.op.inputs[0].name in found.candidates.outputs


def test_of_two_copies_on_two_devices_the_first_is_chosen_though_summaries_read_its_chances(
    sketch: Sketch,
) -> None:
    """An auxiliary head that depends on more than the answer does not take its place either."""
    tf, v1, examples, chances = sketch.tf, sketch.v1, [], []
    losses = []
    for k in range(2):
        x, truth = sketch.feed([None, 8]), sketch.feed([None, 3])
        with v1.name_scope(f"clone_{k}"):
            hidden = tf.nn.relu(sketch.dense(x, 6, "h"))
            chances.append(tf.nn.softmax(logits := sketch.dense(hidden, 3, "last")))
            with v1.name_scope("AuxLogits"):
                aside = sketch.dense(
                    tf.nn.relu(sketch.dense(tf.nn.relu(sketch.dense(hidden, 5, "a")), 5, "b")), 3, "c"
                )
            losses.append(sketch.entropy(logits, truth) + 0.4 * sketch.entropy(aside, truth))
        examples.append(x)
    v1.summary.histogram("chances", chances[0])
    v1.summary.scalar("sparsity", tf.nn.zero_fraction(chances[0]))
    sketch.train(tf.add_n(losses))

    assert names(detect(read(sketch))) == ([examples[0].name], [chances[0].name])


def test_a_loop_s_counter_is_no_output_beside_what_the_author_named(sketch: Sketch) -> None:
    """A loop that is a function hands out all its variables, each a tensor of its own."""
    tf, v1 = sketch.tf, sketch.v1
    v1.enable_control_flow_v2()
    try:
        start = sketch.dense(sketch.feed([None, 4]), 4, "start")
        with v1.variable_scope("cell"):
            w = v1.get_variable("w", [4, 4], use_resource=True)
        _, state, score = v1.while_loop(
            lambda k, *_: k < 3,
            lambda k, state, score: (k + 1, tf.tanh(tf.matmul(state, w)), score + tf.reduce_sum(state, 1)),
            [tf.constant(0), start, tf.reduce_sum(start, 1)],
        )
    finally:
        v1.disable_control_flow_v2()
    shown = [tf.identity(state, name="state"), tf.identity(score, name="score")]

    assert set(outputs(sketch)) == {tensor.name for tensor in shown}


def test_a_state_that_has_a_name_is_listed_once(sketch: Sketch) -> None:
    tf = sketch.tf
    x, before = sketch.feed([1, 4], "x"), sketch.feed([1, 3], "before")

    def layer(x: Any, units: int) -> Any:
        return tf.matmul(x, tf.constant([[0.1] * units] * int(x.shape[-1]))) + tf.constant([0.1] * units)

    both = tf.concat([x, tf.tanh(before)], 1)
    state = tf.sigmoid(layer(both, 3)) * before + tf.sigmoid(layer(both, 3)) * tf.tanh(layer(both, 3))
    scores = tf.identity(layer(tf.tanh(state), 5), name="scores")
    following = tf.identity(state, name="after")

    assert set(outputs(sketch)) == {scores.name, following.name}


def test_a_layer_of_the_loss_that_is_compared_with_a_teacher_s_is_no_second_answer(sketch: Sketch) -> None:
    """The teacher is frozen: all that it is made of are numbers in the graph."""
    tf, x, truth = sketch.tf, sketch.feed([None, 8]), sketch.feed([None, 3])
    hidden = x
    for k in range(9):
        hidden = tf.nn.relu(sketch.dense(hidden, 6, f"h{k}"))
    chances = tf.nn.softmax(logits := sketch.dense(hidden, 3, "last"))
    wide = tf.tanh(tf.matmul(x, tf.constant([[0.1] * 12] * 8)))
    with sketch.v1.variable_scope("fit"):
        w = sketch.v1.get_variable("w", [6, 12], use_resource=False)
    fitted = tf.reduce_mean(tf.square(tf.matmul(hidden, w) - wide))
    sketch.train(sketch.entropy(logits, truth) + fitted)

    assert outputs(sketch) == [chances.name]


def test_what_comes_in_one_element_is_told_apart_as_what_is_fed_alone(sketch: Sketch) -> None:
    """Two voices are cut out of their mixture by masks, and compared with what each was."""
    tf, v1 = sketch.tf, sketch.v1
    ones = tf.ones([4, 8])
    data = tf.data.Dataset.from_tensors((ones, ones, ones))
    mixture, first, second = v1.data.make_one_shot_iterator(data).get_next()
    hidden = tf.nn.relu(sketch.dense(mixture, 6, "h"))
    voices = [tf.nn.relu(sketch.dense(hidden, 8, name)) for name in ("one", "other")]
    cut = [voice / (voices[0] + voices[1] + 1e-7) * mixture for voice in voices]
    sketch.train(tf.reduce_mean(tf.square(cut[0] - first) + tf.square(cut[1] - second)))

    assert names(detect(read(sketch))) == ([mixture.name], [tensor.name for tensor in cut])


def test_an_example_that_comes_with_others_and_is_rebuilt_is_its_own_label(sketch: Sketch) -> None:
    tf, v1 = sketch.tf, sketch.v1
    data = tf.data.Dataset.from_tensors((tf.zeros([4], "int64"), tf.ones([4, 8])))
    number, example = v1.data.make_one_shot_iterator(data).get_next()
    code = tf.nn.relu(sketch.dense(example, 3, "code"))
    again = tf.sigmoid(v1.nn.dropout(sketch.dense(code, 8, "again"), rate=0.1))
    tf.identity(number, name="number")
    sketch.train(tf.reduce_mean(tf.abs(again - example)))

    found = detect(read(sketch))

    assert names(found) == ([example.name], [again.name])


def test_names_within_the_scope_of_a_whole_model_are_names(sketch: Sketch) -> None:
    """Of an export, and of a training whose losses need no label."""
    tf, v1 = sketch.tf, sketch.v1
    with v1.name_scope("model"):
        words = sketch.feed([None, 8])
        means = sketch.dense(tf.nn.relu(sketch.dense(words, 6, "h")), 3, "means")
        drawn = tf.nn.softmax(means + tf.random.normal(tf.shape(means)))
        likely = tf.nn.softmax(sketch.dense(drawn, 8, "words")) + 1e-10
        shares = tf.nn.softmax(means, name="shares")
        sketch.train(-tf.reduce_mean(tf.reduce_sum(words * tf.math.log(likely), 1)))

    assert outputs(sketch) == [shares.name]


def test_a_scope_around_a_whole_model_is_not_the_net_s_own(sketch: Sketch) -> None:
    """A form that is for the loss is no form of the answer, though both stand in that scope."""
    tf, v1 = sketch.tf, sketch.v1
    with v1.name_scope("model"):
        truth = sketch.feed([None, 6])
        with v1.name_scope("net"):
            scores = sketch.dense(sketch.feed([None, 8]), 6, "last")
            chances = tf.nn.softmax(tf.reshape(scores, [-1, 2, 3]))
        row = tf.reshape(chances, [-1, 6])
        sketch.train(-tf.reduce_mean(truth * tf.math.log(row)))

    assert outputs(sketch) == [chances.name]


def test_what_a_training_names_by_a_node_of_its_own_is_the_answer(sketch: Sketch) -> None:
    """Though another tensor is compared with the label, and another net's answer hangs loose."""
    tf, truth = sketch.tf, sketch.feed([None, 3])
    hidden = tf.nn.relu(sketch.dense(sketch.feed([None, 8]), 5, "hidden"))
    logits = sketch.dense(hidden, 3, "last")
    sketch.dense(hidden, 2, "other")
    sketch.train(sketch.entropy(logits, truth))
    named = tf.identity(hidden, name="features_for_search")

    found = detect(read(sketch))

    assert names(found)[1] == [named.name]
    assert "name by a node" in found.outputs[0].reason
    assert logits.name in found.candidates.outputs[:3]


def test_named_states_are_not_all_that_a_model_says(sketch: Sketch) -> None:
    tf, truth = sketch.tf, sketch.feed([1, 5])
    x, before = sketch.feed([1, 4], "x"), sketch.feed([1, 3], "before")
    both = tf.concat([x, tf.tanh(before)], 1)
    kept, fresh = tf.sigmoid(sketch.dense(both, 3, "f")), tf.sigmoid(sketch.dense(both, 3, "i"))
    state = kept * before + fresh * tf.tanh(sketch.dense(both, 3, "j"))
    chances = tf.nn.softmax(logits := sketch.dense(tf.tanh(state), 5, "last"))
    sketch.train(sketch.entropy(logits, truth))
    after = tf.identity(state, name="after")

    assert set(outputs(sketch)) == {chances.name, after.name}


@pytest.mark.parametrize("key", ["test_nodes", "predict_op", "outputs"])
def test_what_an_author_collected_is_the_answer(sketch: Sketch, key: str) -> None:
    """Examples may be in the same collection; losses and layers' results are in other ones."""
    tf, v1 = sketch.tf, sketch.v1
    x, truth = sketch.feed([None, 8]), sketch.feed([None, 3])
    hidden = tf.nn.relu(sketch.dense(x, 5, "hidden"))
    logits = sketch.dense(hidden, 3, "last")
    chances = tf.nn.softmax(logits)
    loss = sketch.entropy(logits, truth)
    sketch.train(loss)
    v1.add_to_collection("losses", loss)
    v1.add_to_collection("layer_tensor/hidden", hidden)
    for tensor in (x, logits):
        v1.add_to_collection(key, tensor)

    found = detect(read(sketch))

    assert names(found) == ([x.name], [logits.name])
    assert f"the collection {key!r}" in found.outputs[0].reason
    assert chances.name in found.candidates.outputs[:3]


def test_an_answer_whose_mean_is_watched_is_an_answer_all_the_same(sketch: Sketch) -> None:
    """The copy of the net for validation: summaries and measures of means are all that reads it."""
    tf, v1 = sketch.tf, sketch.v1

    def net(x: Any) -> Any:
        return sketch.dense(tf.nn.relu(sketch.dense(x, 6, "hidden")), 3, "last")

    sketch.train(sketch.entropy(net(sketch.feed([None, 8])), sketch.feed([None, 3])))
    unseen = sketch.feed([None, 8])
    chances = tf.nn.softmax(net(unseen))
    v1.summary.scalar("mean", tf.reduce_mean(chances))
    total = v1.get_variable("total", [], use_resource=False)
    v1.assign_add(total, tf.reduce_sum(chances))
    tf.reduce_max(chances, name="surest")

    assert names(detect(read(sketch))) == ([unseen.name], [chances.name])


def test_what_is_computed_to_be_watched_is_no_answer(sketch: Sketch) -> None:
    """How undecided the model is, of each example."""
    tf, v1, truth = sketch.tf, sketch.v1, sketch.feed([None, 3])
    chances = tf.nn.softmax(logits := sketch.dense(sketch.feed([None, 8]), 3, "last"))
    sketch.train(sketch.entropy(logits, truth))
    v1.summary.scalar("doubt", tf.reduce_mean(-tf.reduce_sum(chances * tf.math.log(chances + 1e-8), 1)))

    assert outputs(sketch) == [chances.name]


def test_a_tensor_that_is_printed_on_its_way_to_the_loss_is_told_all_the_same(sketch: Sketch) -> None:
    tf, truth = sketch.tf, sketch.feed([None, 3])
    chances = tf.nn.softmax(sketch.dense(sketch.feed([None, 8]), 3, "last"))
    printed = tf.raw_ops.Print(input=chances, data=[chances])
    sketch.train(-tf.reduce_mean(tf.reduce_sum(truth * tf.math.log(printed), 1)))

    assert outputs(sketch) in ([printed.name], [chances.name])


def test_names_for_the_loss_and_names_for_nobody_are_told_together(sketch: Sketch) -> None:
    """Of the copy that only learns the name does not count."""
    tf = sketch.tf

    def trunk(x: Any) -> Any:
        return tf.nn.relu(sketch.dense(x, 6, "trunk"))

    x, kinds, places = sketch.feed([None, 8]), sketch.feed([None, 3]), sketch.feed([None, 4])
    hidden = trunk(x)
    scores = sketch.dense(hidden, 3, "kind")
    boxes = tf.identity(sketch.dense(hidden, 4, "place"), name="boxes")
    logits = tf.identity(scores, name="logits")
    sketch.train(sketch.entropy(logits, kinds) + tf.reduce_mean(tf.square(boxes - places)))
    chances = tf.identity(
        tf.nn.softmax(sketch.dense(trunk(sketch.feed([None, 8])), 3, "kind")), name="chances"
    )

    assert set(outputs(sketch)) == {boxes.name, chances.name}


def test_all_differences_by_new_axes_are_a_loss_of_embeddings(sketch: Sketch) -> None:
    tf, labels = sketch.tf, sketch.feed([None], dtype="int64")
    embedding = sketch.dense(sketch.feed([None, 8]), 4, "embedding")
    apart = tf.reduce_sum(tf.square(embedding[:, None] - embedding[None]), 2)
    alike = tf.cast(tf.equal(labels[:, None], labels[None]), "float32")
    sketch.train(tf.reduce_mean(alike * apart))

    assert outputs(sketch) == [embedding.name]


def test_a_finer_picture_with_a_judge_of_its_own_is_an_answer_beside_the_coarse_one(sketch: Sketch) -> None:
    tf, noise = sketch.tf, sketch.feed([None, 4])
    small, large = sketch.feed([None, 6]), sketch.feed([None, 12])

    def judge(x: Any, name: str) -> Any:
        return sketch.dense(tf.nn.relu(sketch.dense(x, 5, f"{name}1")), 1, f"{name}2")

    coarse = tf.tanh(sketch.dense(tf.nn.relu(sketch.dense(noise, 5, "g1")), 6, "g2"))
    finer = tf.tanh(sketch.dense(tf.nn.relu(sketch.dense(coarse, 8, "h1")), 12, "h2"))
    sketch.train(
        tf.reduce_mean(judge(coarse, "c")) - tf.reduce_mean(judge(small, "c"))
        + tf.reduce_mean(judge(finer, "f")) - tf.reduce_mean(judge(large, "f"))
    )  # fmt: skip

    assert names(detect(read(sketch))) == ([noise.name], [coarse.name, finer.name])


def test_a_measure_of_a_part_does_not_make_the_part_the_answer(sketch: Sketch) -> None:
    """The form that was named counts, too, not what it was made of."""
    tf, truth = sketch.tf, sketch.feed([None, 1, 6])
    made = sketch.dense(tf.nn.relu(sketch.dense(sketch.feed([None, 8]), 5, "h")), 6, "last")
    shown = tf.expand_dims(made, 1, name="shown")
    sketch.train(tf.reduce_mean(tf.abs(shown - truth)))
    tf.reduce_mean(tf.square(tf.identity(shown[:, 0]) - truth[:, 0]), name="error")

    assert outputs(sketch) == [shown.name]


@pytest.mark.parametrize("how", ["difference", "share", "sum", "logarithm"])
def test_a_part_of_an_element_may_stand_anywhere(sketch: Sketch, how: str) -> None:
    """It is one of several outputs of a node, and read where layers' results usually are."""
    tf, v1 = sketch.tf, sketch.v1
    data = tf.data.Dataset.from_tensors((tf.ones([4, 8]), tf.ones([4, 8])))
    example, weight = v1.data.make_one_shot_iterator(data).get_next()
    made = sketch.dense(example, 8, "made")
    if how == "difference":
        made = made - example
    elif how == "share":
        tf.argmax(example / made, 1)
    elif how == "sum":
        tf.reduce_sum(example, name="total")
    else:
        made = made * tf.math.log(example)
    sketch.train(tf.reduce_mean(made * weight))

    assert names(detect(read(sketch)))[0] == [example.name]


def test_very_many_names_do_not_say_what_the_answer_is(sketch: Sketch) -> None:
    """Every layer was named to be looked at, the answer was not."""
    tf, truth, hidden = sketch.tf, sketch.feed([None, 3]), sketch.feed([None, 8])
    for k in range(20):
        hidden = tf.nn.relu(sketch.dense(hidden, 6, f"h{k}"))
        tf.identity(hidden, name=f"look_{k}")
    chances = tf.nn.softmax(logits := sketch.dense(hidden, 3, "last"))
    sketch.train(sketch.entropy(logits, truth))

    assert chances.name in outputs(sketch)


def test_a_collection_of_layers_is_no_answer(sketch: Sketch) -> None:
    """The model goes on from them."""
    tf, v1, truth = sketch.tf, sketch.v1, sketch.feed([None, 3])
    hidden = tf.nn.relu(sketch.dense(sketch.feed([None, 8]), 6, "hidden"))
    chances = tf.nn.softmax(logits := sketch.dense(hidden, 3, "last"))
    sketch.train(sketch.entropy(logits, truth))
    v1.add_to_collection("checkpoints", hidden)

    assert outputs(sketch) == [chances.name]


def test_an_action_is_fetched_with_how_likely_it_was_and_a_memory_with_both(sketch: Sketch) -> None:
    """Noise decides; the copy of the net that learns is told which action it was."""
    tf, v1 = sketch.tf, sketch.v1

    def act(seen: Any, memory: Any) -> tuple[Any, Any, Any]:
        both = tf.concat([tf.nn.relu(sketch.dense(seen, 6, "h")), memory], 1)
        after = tf.tanh(sketch.dense(both, 4, "memory"))
        return sketch.dense(after, 3, "policy"), sketch.dense(after, 1, "worth")[:, 0], after * 1.0

    seen, memory = sketch.feed([2, 8]), sketch.feed([2, 4])
    scores, worth, after = act(seen, memory)
    noise = tf.random.uniform(tf.shape(scores))
    action = tf.argmax(scores - tf.math.log(-tf.math.log(noise)), 1)
    drawn = tf.one_hot(action, 3)
    likely = v1.nn.softmax_cross_entropy_with_logits_v2(logits=scores, labels=drawn)
    again, value, _ = act(sketch.feed([8, 8]), sketch.feed([8, 4]))
    done, gain, back = sketch.feed([8], dtype="int32"), sketch.feed([8]), sketch.feed([8])
    taken = v1.nn.softmax_cross_entropy_with_logits_v2(logits=again, labels=tf.one_hot(done, 3))
    sketch.train(tf.reduce_mean(gain * taken) + tf.reduce_mean(tf.square(value - back)))

    found = outputs(sketch)

    assert {action.name, worth.name, after.name} <= set(found)
    assert set(found) - {action.name, worth.name, after.name} <= {likely.name}


def test_rows_of_tables_that_were_mixed_and_dropped_before_are_looked_up_for_examples(sketch: Sketch) -> None:
    """Users and films pass on to each other who liked what; how much of that is dropped is fed."""
    tf, v1 = sketch.tf, sketch.v1
    user, good, bad = (sketch.feed([None], dtype="int32") for _ in range(3))
    rate = sketch.feed([2])
    with v1.variable_scope("tables"):
        table = v1.get_variable("all", [9, 4], use_resource=False)
    kept = [table]
    for k in range(2):
        passed = tf.matmul(tf.constant([[0.1] * 9] * 9), kept[-1])
        kept.append(v1.nn.dropout(tf.nn.leaky_relu(sketch.dense(passed, 4, f"w{k}")), rate=rate[k]))
    users, films = tf.split(tf.concat(kept, 1), [4, 5])
    mine, liked, other = (
        tf.gather(users, user), tf.gather(films, good), tf.gather(films, bad)
    )  # fmt: skip
    scores = tf.matmul(mine, liked, transpose_b=True)
    apart = tf.reduce_sum(mine * liked, 1) - tf.reduce_sum(mine * other, 1)
    sketch.train(tf.reduce_mean(tf.nn.softplus(-apart)))

    found = detect(read(sketch))

    assert names(found) == ([user.name, good.name, rate.name], [scores.name])
    assert role(found, rate.name) == "keep_prob"


def test_weights_that_a_rate_of_dropout_scales_are_weights(sketch: Sketch) -> None:
    """Whoever drops by hand scales by hand."""
    tf, v1 = sketch.tf, sketch.v1
    x, keep = sketch.feed([None, 8]), sketch.feed([], "keep")
    hidden = tf.nn.relu(sketch.dense(x, 6, "hidden"))
    dropped = hidden / keep * tf.floor(keep + tf.random.uniform(tf.shape(hidden)))
    with v1.variable_scope("last"):
        w = v1.get_variable("w", [6, 3], use_resource=False)
    scores = tf.matmul(dropped, w * keep)

    assert names(detect(read(sketch))) == ([x.name], [scores.name])


def test_rates_for_each_layer_are_told_though_they_are_cast_first(sketch: Sketch) -> None:
    tf, x, rates = sketch.tf, sketch.feed([None, 8]), sketch.feed([2], "rates", dtype="float64")
    cast = tf.cast(tf.identity(rates), "float32")
    hidden = sketch.v1.nn.dropout(tf.nn.relu(sketch.dense(x, 6, "h")), rate=cast[0])
    chances = tf.nn.softmax(sketch.dense(sketch.v1.nn.dropout(hidden, rate=cast[1]), 3, "last"))
    sketch.train(-tf.reduce_mean(sketch.feed([None, 3]) * tf.math.log(chances)))

    assert role(detect(read(sketch)), rates.name) == "keep_prob"


def test_a_view_for_a_second_judge_is_no_answer_beside_what_was_made(sketch: Sketch) -> None:
    """A net of known weights looks at the picture in its own measure, and so does whoever watches."""
    tf = sketch.tf
    rough, fine = sketch.feed([None, 4]), sketch.feed([None, 8])
    made = tf.tanh(sketch.dense(tf.nn.relu(sketch.dense(rough, 5, "g1")), 8, "g2"))
    shown = (made + 1.0) * 127.5
    tf.reduce_max(shown, name="brightest")

    def judge(x: Any) -> Any:
        return sketch.dense(tf.nn.relu(sketch.dense(x, 5, "d1")), 1, "d2")

    def look(x: Any) -> Any:
        return tf.nn.relu(sketch.dense(x, 6, "look"))

    fooled = tf.reduce_mean(judge(made)) - tf.reduce_mean(judge(fine))
    sketch.train(fooled + tf.reduce_mean(tf.square(look(shown) - look((fine + 1.0) * 127.5))))

    assert outputs(sketch) == [made.name]
