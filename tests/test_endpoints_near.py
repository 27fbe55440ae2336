"""Graphs near a rule whose authors want something else: each was told wrongly by a rule that went too far."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.sketches import Sketch, names, read
from zoo.endpoints import detect


def found(sketch: Sketch) -> tuple[list[str], list[str]]:
    inputs, outputs = names(detect(read(sketch)))
    return sorted(inputs), sorted(outputs)


def gates(sketch: Sketch, joined: Any, memory: Any, name: str) -> tuple[Any, Any]:
    """One step of a cell with a memory: what it shows, and what it keeps."""
    tf = sketch.tf
    new, enter, forget, show = tf.split(sketch.dense(joined, 24, name), 4, 1)
    memory = tf.sigmoid(forget + 1.0) * memory + tf.sigmoid(enter) * tf.tanh(new)
    return tf.sigmoid(show) * tf.tanh(memory), memory


def chosen(sketch: Sketch, scores: Any, label: Any) -> Any:
    """The loss of what was right, by number."""
    nn = sketch.tf.nn
    loss = nn.sparse_softmax_cross_entropy_with_logits(labels=sketch.tf.reshape(label, [-1]), logits=scores)
    return sketch.tf.reduce_mean(loss)


def test_words_read_in_both_directions_have_no_states_to_feed(sketch: Sketch) -> None:
    """Words are corrected, each by all: the symbols told are those that are read."""
    tf, v1 = sketch.tf, sketch.v1
    words, right = sketch.feed([2, 3], "words", "int32"), sketch.feed([2, 3], "right", "int32")
    read_words = tf.nn.embedding_lookup(v1.get_variable("table", [9, 6], use_resource=False), words)
    sides = []
    for way, order in (("forward", (0, 1, 2)), ("backward", (2, 1, 0))):
        shown, kept, steps = tf.zeros([2, 6]), tf.zeros([2, 6]), {}
        for k in order:
            shown, kept = gates(sketch, tf.concat([read_words[:, k], shown], 1), kept, way)
            steps[k] = shown
        sides.append(tf.stack([steps[k] for k in range(3)], 1))
    scores = sketch.dense(tf.reshape(tf.concat(sides, 2), [-1, 12]), 9, "scores")
    chances = tf.nn.softmax(scores)
    sketch.train(chosen(sketch, scores, right))

    assert found(sketch) == (["words:0"], [chances.name])


def test_a_decoder_begins_where_the_encoder_ended(sketch: Sketch) -> None:
    """Its blank inputs are no states, and the encoder's zeros have no next ones."""
    tf, v1 = sketch.tf, sketch.v1
    words, right = sketch.feed([2, 3], "words", "int32"), sketch.feed([2, 3], "right", "int32")
    read_words = tf.nn.embedding_lookup(v1.get_variable("table", [9, 6], use_resource=False), words)
    shown, kept, steps = tf.zeros([2, 6]), tf.zeros([2, 6]), []
    for k in range(3):
        shown, kept = gates(sketch, tf.concat([read_words[:, k], shown], 1), kept, "encoder")
    for _ in range(3):
        shown, kept = gates(sketch, tf.concat([tf.zeros([2, 6]), shown], 1), kept, "decoder")
        steps.append(shown)
    scores = sketch.dense(tf.reshape(tf.stack(steps, 1), [-1, 6]), 9, "scores")
    chances = tf.nn.softmax(scores)
    sketch.train(chosen(sketch, scores, right))

    assert found(sketch) == (["words:0"], [chances.name])


@pytest.mark.parametrize("frozen", [True, False])
def test_an_answer_that_was_checked_under_a_name_is_the_answer(sketch: Sketch, frozen: bool) -> None:
    """Nothing but a group of ops waits for it."""
    tf, x = sketch.tf, sketch.feed([None, 8], "x")
    scores = tf.matmul(x, tf.constant([[1.0] * 3] * 8)) if frozen else sketch.dense(x, 3, "scores")
    answer = sketch.v1.check_numerics(tf.nn.softmax(scores) * 2.0, "answer", name="answer")
    with tf.control_dependencies([answer]):
        tf.no_op("ready")
    if not frozen:
        sketch.train(sketch.entropy(scores, sketch.feed([None, 3], "truth")))

    assert found(sketch) == (["x:0"], ["answer:0"])


def test_a_number_beside_chances_behind_a_dropout_is_an_answer(sketch: Sketch) -> None:
    """Age and gender, by a net each: nothing is drawn, and nobody is rewarded."""
    tf, x = sketch.tf, sketch.feed([None, 8], "x")
    hidden = tf.nn.dropout(tf.nn.relu(sketch.dense(x, 6, "first")), 0.5)
    scores = sketch.dense(hidden, 3, "second")
    tf.nn.softmax(scores, name="gender")
    age = sketch.dense(tf.nn.relu(sketch.dense(x, 6, "third")), 1, "fourth")
    told, years = sketch.feed([None, 3], "told"), sketch.feed([None, 1], "years")
    sketch.train(sketch.entropy(scores, told) + tf.reduce_mean(tf.square(age - years)))

    assert found(sketch) == (["x:0"], sorted(["gender:0", age.name]))


def test_a_look_at_what_is_near_is_no_answer_beside_a_classifier(sketch: Sketch) -> None:
    """Somebody wanted to see which words lie near each other."""
    tf, v1 = sketch.tf, sketch.v1
    words, look = sketch.feed([None, 5], "words", "int32"), sketch.feed([None], "look", "int32")
    table = v1.get_variable("table", [9, 6], use_resource=False)
    scores = sketch.dense(tf.reduce_mean(tf.nn.embedding_lookup(table, words), 1), 3, "scores")
    chances = tf.nn.softmax(scores, name="chances")
    sketch.train(sketch.entropy(scores, sketch.feed([None, 3], "truth")))
    norm = tf.nn.l2_normalize(table, 1)
    tf.nn.top_k(tf.matmul(tf.nn.embedding_lookup(norm, look), norm, transpose_b=True), 3)

    assert found(sketch) == (["words:0"], [chances.name])


@pytest.mark.parametrize("own", [True, False])
def test_averages_whose_values_python_reads_for_targets_are_not_used(sketch: Sketch, own: bool) -> None:
    """The target is fed; nothing in the graph reads the slow copy, which nobody named."""
    tf, v1, state = sketch.tf, sketch.v1, sketch.feed([None, 4], "state")
    after = sketch.feed([None, 4], "after") if own else state
    average = v1.train.ExponentialMovingAverage(0.99)

    def net(x: Any, getter: Any = None) -> Any:
        with v1.variable_scope("net", reuse=v1.AUTO_REUSE, custom_getter=getter):
            w = v1.get_variable("w", [4, 6], use_resource=False)
            return tf.matmul(tf.nn.relu(tf.matmul(x, w)), v1.get_variable("o", [6, 3], use_resource=False))

    def averages(getter: Any, name: str, *arguments: Any, **named: Any) -> Any:
        return average.average(getter(name, *arguments, **named))

    values = net(state)
    average.apply(v1.trainable_variables())
    net(after, averages)
    taken, target = sketch.feed([None], "taken", "int32"), sketch.feed([None], "target")
    of_action = tf.reduce_sum(values * tf.one_hot(taken, 3), 1)
    sketch.train(tf.reduce_mean(tf.square(target - of_action)))

    assert found(sketch) == (["state:0"], [values.name])


def test_the_time_of_an_event_is_a_label(sketch: Sketch) -> None:
    """It masks what comes before, and picks the moment itself."""
    tf, x = sketch.tf, sketch.feed([None, 8], "x")
    time, event = sketch.feed([None], "time", "int32"), sketch.feed([None], "event")
    hazard = tf.sigmoid(sketch.dense(tf.nn.relu(sketch.dense(x, 6, "a")), 5, "b"), name="hazard")
    before = tf.reduce_sum(tf.math.log(1.0 - hazard * tf.sequence_mask(time, 5, tf.float32) + 1e-7), 1)
    then = tf.reduce_sum(tf.one_hot(time, 5) * tf.math.log(hazard + 1e-7), 1)
    sketch.train(-tf.reduce_mean(before + event * then))

    assert found(sketch) == (["x:0"], [hazard.name])


def test_a_gradient_that_is_bounded_is_not_turned(sketch: Sketch) -> None:
    """Its sign changes twice."""
    tf, x = sketch.tf, sketch.feed([None, 8], "x")

    @tf.custom_gradient  # type: ignore[untyped-decorator]
    def bounded(value: Any) -> Any:
        return tf.identity(value), lambda slope: -tf.clip_by_value(-slope, -1.0, 1.0)

    hidden = tf.nn.relu(sketch.dense(x, 6, "hidden"))
    scores = [sketch.dense(hidden, 3, "first"), sketch.dense(bounded(hidden), 2, "second")]
    chances = [tf.nn.softmax(each) for each in scores]
    truths = [sketch.feed([None, 3], "one"), sketch.feed([None, 2], "other")]
    sketch.train(tf.add_n([sketch.entropy(*pair) for pair in zip(scores, truths, strict=True)]))

    assert found(sketch) == (["x:0"], sorted(each.name for each in chances))


def test_a_named_point_is_fetched_though_a_map_is_learned(sketch: Sketch) -> None:
    """Who gives the point a name, and reads it nowhere, wants to know where it is."""
    tf, v1, x = sketch.tf, sketch.v1, sketch.feed([None, 8, 8, 3], "x")
    cell = sketch.feed([None], "cell", "int32")
    kernel = v1.get_variable("kernel", [3, 3, 3, 1], use_resource=False)
    flat = tf.reshape(tf.nn.conv2d(x, kernel, 1, "SAME"), [-1, 64])
    best = tf.argmax(flat, 1)
    tf.stack([best % 8, best // 8], 1, name="fixation")
    sketch.train(chosen(sketch, flat, cell))

    assert found(sketch) == (["x:0"], ["fixation:0"])


def test_pictures_that_only_a_loss_puts_together_are_no_inputs(sketch: Sketch) -> None:
    """How much of the foreground is seen: fore- and background are known in training."""
    tf, v1, x = sketch.tf, sketch.v1, sketch.feed([None, 8, 8, 3], "x")
    fore, back, truth = (sketch.feed([None, 8, 8, 1], name) for name in ("fore", "back", "truth"))
    kernel = v1.get_variable("kernel", [3, 3, 3, 1], use_resource=False)
    share = tf.sigmoid(tf.nn.conv2d(x, kernel, 1, "SAME"))
    made = share * fore + back
    sketch.train(tf.reduce_mean(tf.abs(share - truth)) + tf.reduce_mean(tf.abs(made - x[..., :1])))

    assert found(sketch) == (["x:0"], [share.name])


def _depth(sketch: Sketch, x: Any) -> tuple[Any, Any]:
    kernel = sketch.v1.get_variable("kernel", [3, 3, 3, 1], use_resource=False)
    depth = sketch.tf.nn.relu(sketch.tf.nn.conv2d(x, kernel, 1, "SAME"), name="depth")
    loss = sketch.tf.abs(sketch.tf.reshape(depth, [2, 8, 8]) - sketch.feed([2, 8, 8], "truth"))
    return depth, sketch.tf.reduce_mean(loss)


def _map(sketch: Sketch, x: Any) -> tuple[Any, Any]:
    tf, nn = sketch.tf, sketch.tf.nn
    scores = nn.conv2d(x, sketch.v1.get_variable("kernel", [3, 3, 3, 5], use_resource=False), 1, "SAME")
    flat = tf.reshape(scores, [-1, 5], name="flat_scores")
    truth = tf.reshape(sketch.feed([2, 8, 8, 5], "truth"), [-1, 5])
    return scores, tf.reduce_mean(nn.softmax_cross_entropy_with_logits(labels=truth, logits=flat))


@pytest.mark.parametrize("net", [_depth, _map])
def test_the_form_that_a_loss_takes_is_not_the_pictures(
    sketch: Sketch, net: Callable[[Sketch, Any], tuple[Any, Any]]
) -> None:
    """A last axis of one, and pixels of all examples in one row: whatever name the row has."""
    picture, loss = net(sketch, sketch.feed([2, 8, 8, 3], "x"))
    sketch.train(loss)

    assert found(sketch) == (["x:0"], [picture.name])


def test_a_named_loss_of_each_example_is_no_likelihood(sketch: Sketch) -> None:
    """It is told by one net more than the rebuilt example."""
    tf, x = sketch.tf, sketch.feed([None, 8], "x")
    code = sketch.dense(tf.nn.relu(sketch.dense(x, 6, "first")), 2, "code")
    again = tf.sigmoid(sketch.dense(tf.nn.relu(sketch.dense(code, 6, "inner")), 8, "again"))
    error = tf.reduce_sum(tf.square(x - again), 1, name="error")
    prior = tf.reduce_sum(tf.square(sketch.dense(code, 3, "prior")), 1)
    sketch.train(tf.reduce_mean(tf.add(error, prior, name="per_example")))

    assert found(sketch) == (["x:0"], [again.name])


def test_what_somebody_named_in_the_middle_is_among_the_first_three_candidates(sketch: Sketch) -> None:
    """A sentence tells its neighbours; in the end its vector alone is wanted, which has a name."""
    tf, x = sketch.tf, sketch.feed([None, 8], "x")
    vector = tf.identity(sketch.dense(x, 6, "first"), name="encoder/vector")
    for name in ("before", "after"):
        scores = sketch.dense(tf.tanh(sketch.dense(vector, 5, f"{name}_inner")), 4, name)
        tf.nn.softmax(scores, name=f"{name}/chances")
        sketch.train(sketch.entropy(scores, sketch.feed([None, 4], f"{name}_truth")))

    assert "encoder/vector:0" in detect(read(sketch)).candidates.outputs[:3]


def squared(sketch: Sketch, difference: Any) -> Any:
    """The loss of numbers."""
    return sketch.tf.reduce_mean(sketch.tf.square(difference))


def test_learned_slopes_are_answers_and_the_stream_that_they_are_of_is_none(sketch: Sketch) -> None:
    """Two speeds are learned, and the pressure comes with them: nobody measured that."""
    tf, v1 = sketch.tf, sketch.v1
    x, y = sketch.feed([None, 1], "x"), sketch.feed([None, 1], "y")
    right, up = sketch.feed([None, 1], "right"), sketch.feed([None, 1], "up")
    both = sketch.dense(tf.tanh(sketch.dense(tf.concat([x, y], 1), 6, "first")), 2, "second")
    stream, pressure = both[:, 0:1], both[:, 1:2]
    u, v = v1.gradients(stream, y)[0], -v1.gradients(stream, x)[0]
    balance = v1.gradients(u, x)[0] * u + v1.gradients(pressure, x)[0]
    sketch.train(squared(sketch, right - u) + squared(sketch, up - v) + squared(sketch, balance))

    assert found(sketch) == (["x:0", "y:0"], sorted([u.name, v.name, pressure.name]))


def test_forces_without_a_name_are_answers_beside_the_energy(sketch: Sketch) -> None:
    """Measured as both are."""
    tf, v1 = sketch.tf, sketch.v1
    places = sketch.feed([None, 6], "places")
    energy = sketch.dense(tf.tanh(sketch.dense(places, 6, "first")), 1, "second")
    forces = -v1.gradients(energy, places)[0]
    loss = squared(sketch, energy - sketch.feed([None, 1], "energy"))
    sketch.train(loss + squared(sketch, forces - sketch.feed([None, 6], "forces")))

    assert found(sketch) == (["places:0"], sorted([energy.name, forces.name]))


def test_which_of_given_examples_one_is_like_is_told_by_scores_if_somebody_says_which_is_right(
    sketch: Sketch,
) -> None:
    """Few shots: questions are compared with what is given, and the right ones are fed."""
    tf, ask, given = sketch.tf, sketch.feed([None, 8], "ask"), sketch.feed([None, 8], "given")
    first, second = (sketch.dense(tf.nn.relu(sketch.dense(one, 6, "a")), 4, "b") for one in (ask, given))
    scores = tf.matmul(first, second, transpose_b=True)
    chances = tf.nn.softmax(scores)
    sketch.train(chosen(sketch, scores, sketch.feed([None], "right", "int32")))

    assert found(sketch) == (["ask:0", "given:0"], [chances.name])


def test_two_nets_whose_inputs_have_names_are_two_answers(sketch: Sketch) -> None:
    """No cell ran twice: one is for men, the other for women."""
    answers = []
    for name in ("men", "women"):
        x, truth = sketch.feed([None, 8], name), sketch.feed([None, 1])
        answers.append(sketch.dense(x, 1, f"net_{name}"))
        sketch.train(squared(sketch, answers[-1] - truth))

    assert found(sketch) == (["men:0", "women:0"], [answer.name for answer in answers])


def test_a_number_that_says_how_to_drop_units_is_a_flag(sketch: Sketch) -> None:
    """Training, testing, using: no branch has a layer of its own."""
    tf, v1, x = sketch.tf, sketch.v1, sketch.feed([None, 8], "x")
    mode = sketch.feed([], "mode", "int32")
    hidden = tf.nn.relu(sketch.dense(x, 6, "first"))
    kept = v1.case(
        [(tf.equal(mode, 0), lambda: tf.nn.dropout(hidden, 0.5)), (tf.equal(mode, 1), lambda: hidden * 1.0)],
        default=lambda: hidden,
    )
    scores = sketch.dense(kept, 3, "second")
    chances = tf.nn.softmax(scores)
    sketch.train(sketch.entropy(scores, sketch.feed([None, 3], "truth")))

    assert found(sketch) == (["x:0"], [chances.name])


def test_a_judge_that_tells_classes_beside_true_from_painted_stays_a_judge(sketch: Sketch) -> None:
    """The painter is told a class by a feed of its own; labels of true pictures come by another."""
    tf, v1, x, label = sketch.tf, sketch.v1, sketch.feed([None, 8], "x"), sketch.feed([None, 5], "label")
    noise, wanted = sketch.feed([None, 4], "noise"), sketch.feed([None, 5], "wanted")
    hidden = tf.nn.relu(sketch.dense(tf.concat([noise, wanted], 1), 6, "g_a"))
    painted = tf.tanh(sketch.dense(hidden, 8, "g_b"))

    def judged(example: Any) -> tuple[Any, Any]:
        seen = tf.nn.relu(sketch.dense(example, 6, "d_a"))
        return sketch.dense(seen, 1, "d_true"), sketch.dense(seen, 5, "d_class")

    def is_true(scores: Any, one: float) -> Any:
        labels = tf.ones_like(scores) * one
        return tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(labels=labels, logits=scores))

    (real, told), (fake, said) = judged(x), judged(painted)
    steps, variables = v1.train.GradientDescentOptimizer(0.1), v1.trainable_variables()
    d_loss = (
        is_true(real, 1.0) + is_true(fake, 0.0) + sketch.entropy(told, label) + sketch.entropy(said, wanted)
    )
    g_loss = is_true(fake, 1.0) + sketch.entropy(said, wanted)
    steps.minimize(d_loss, var_list=[one for one in variables if one.name.startswith("d_")])
    steps.minimize(g_loss, var_list=[one for one in variables if one.name.startswith("g_")])

    assert found(sketch) == (["noise:0", "wanted:0"], [painted.name])


def test_a_law_that_an_answer_obeys_is_no_answer(sketch: Sketch) -> None:
    """The second slope equals what drives it, which is known and fed: the answer itself is measured."""
    tf, v1, x = sketch.tf, sketch.v1, sketch.feed([None, 1], "x")
    height = sketch.dense(tf.tanh(sketch.dense(x, 6, "first")), 1, "second")
    bend = v1.gradients(v1.gradients(height, x)[0], x)[0]
    law = squared(sketch, bend - sketch.feed([None, 1], "drive"))
    sketch.train(law + squared(sketch, height - sketch.feed([None, 1], "measured")))

    assert found(sketch) == (["x:0"], [height.name])


def test_what_a_measure_takes_of_joined_parts_is_an_answer_if_it_has_a_name(sketch: Sketch) -> None:
    """A click and what follows it, joined for whoever looks; both together have a name, and are measured."""
    tf, v1, x = sketch.tf, sketch.v1, sketch.feed([None, 8], "x")
    hidden = tf.nn.relu(sketch.dense(x, 6, "first"))
    raw = [sketch.dense(hidden, 1, name) for name in ("click", "follow")]
    chances = [tf.sigmoid(one) for one in raw]
    shown = tf.concat(chances, 1)
    both = tf.multiply(*chances, name="both")
    bought = sketch.feed([None, 1], "bought")
    for one in raw:
        nn = tf.nn.sigmoid_cross_entropy_with_logits(labels=sketch.feed([None, 1]), logits=one)
        sketch.train(tf.reduce_mean(nn))
    v1.summary.scalar("off", squared(sketch, both - bought))

    assert found(sketch) == (["x:0"], sorted([both.name, shown.name]))


def test_how_much_of_a_code_is_a_drawn_style_stays_an_input(sketch: Sketch) -> None:
    """It mixes what layers made, not the example with noise in it."""
    tf, x, strength = sketch.tf, sketch.feed([None, 8], "x"), sketch.feed([], "strength")
    code = sketch.dense(x, 4, "code")
    style = sketch.dense(sketch.v1.random_normal([1, 4]), 4, "style")
    mixed = strength * style + (1.0 - strength) * code
    rebuilt = sketch.dense(tf.nn.relu(sketch.dense(mixed, 6, "third")), 8, "fourth")
    sketch.train(squared(sketch, rebuilt - x))

    assert "strength:0" in found(sketch)[0]


def mean_of(sketch: Sketch, losses: Any) -> Any:
    return sketch.tf.reduce_mean(losses)


def is_one(sketch: Sketch, scores: Any, one: float) -> Any:
    """The loss of what says yes or no."""
    tf = sketch.tf
    labels = tf.ones_like(scores) * one
    return tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(labels=labels, logits=scores))


def learn(sketch: Sketch, loss: Any, *scopes: str) -> None:
    """A step of the variables whose names begin so."""
    variables = [one for one in sketch.v1.trainable_variables() if one.name.startswith(scopes)]
    sketch.v1.train.GradientDescentOptimizer(0.1).minimize(loss, var_list=variables)


def test_a_class_that_is_read_off_painted_examples_is_no_answer(sketch: Sketch) -> None:
    """A classifier of its own looks at what is painted, to see how much of each class there is."""
    tf, x, noise = sketch.tf, sketch.feed([None, 8], "x"), sketch.feed([None, 4], "noise")

    def judged(example: Any) -> Any:
        return sketch.dense(tf.nn.relu(sketch.dense(example, 6, "d_a")), 1, "d_b")

    def classified(example: Any) -> Any:
        return sketch.dense(tf.nn.relu(sketch.dense(example, 6, "c_a")), 3, "c_b")

    painted = tf.tanh(sketch.dense(tf.nn.relu(sketch.dense(noise, 6, "g_a")), 8, "g_b"))
    learn(sketch, is_one(sketch, judged(x), 1.0) + is_one(sketch, judged(painted), 0.0), "d_")
    learn(sketch, is_one(sketch, judged(painted), 1.0), "g_")
    learn(sketch, sketch.entropy(classified(x), sketch.feed([None, 3], "truth")), "c_")
    tf.argmax(classified(painted), 1)

    assert found(sketch)[1] == [painted.name]


def test_a_painter_of_classes_that_are_wanted_is_the_answer(sketch: Sketch) -> None:
    """The judge has one more class for what is painted; classes come by two feeds."""
    tf, x, noise = sketch.tf, sketch.feed([None, 8], "x"), sketch.feed([None, 4], "noise")
    label, wanted = (sketch.feed([None], name, "int32") for name in ("label", "wanted"))
    hidden = tf.nn.relu(sketch.dense(tf.concat([noise, tf.one_hot(wanted, 5)], 1), 6, "g_a"))
    painted = tf.tanh(sketch.dense(hidden, 8, "g_b"))

    def judged(example: Any) -> Any:
        return sketch.dense(tf.nn.relu(sketch.dense(example, 6, "d_a")), 6, "d_b")

    fake = tf.ones_like(wanted) * 5
    learn(sketch, chosen(sketch, judged(x), label) + chosen(sketch, judged(painted), fake), "d_")
    learn(sketch, chosen(sketch, judged(painted), wanted), "g_")

    assert found(sketch) == (["noise:0", "wanted:0"], [painted.name])


def test_examples_that_are_changed_to_fool_a_classifier_are_the_answer(sketch: Sketch) -> None:
    """A voice that tells nobody, near to what was said: the classifier is there to be fooled."""
    tf, x = sketch.tf, sketch.feed([None, 8], "x")
    changed = sketch.dense(tf.nn.relu(sketch.dense(x, 6, "g_a")), 8, "g_b")

    def told(example: Any) -> Any:
        return sketch.dense(tf.nn.relu(sketch.dense(example, 6, "d_a")), 5, "d_b")

    learn(sketch, sketch.entropy(told(x), sketch.feed([None, 5], "who")), "d_")
    chances = tf.nn.softmax(told(changed))
    flat = mean_of(sketch, chances * tf.math.log(chances + 1e-8))
    learn(sketch, flat + squared(sketch, changed - x), "g_")

    assert found(sketch) == (["x:0"], [changed.name])


def test_a_discriminator_of_labels_of_its_own_is_an_answer(sketch: Sketch) -> None:
    """In physics it tells one kind of particle from another, beside a net for their energy."""
    tf, v1, x = sketch.tf, sketch.v1, sketch.feed([None, 8], "x")
    with v1.variable_scope("discriminator"):
        kind = sketch.dense(tf.nn.relu(sketch.dense(x, 6, "first")), 1, "second")
    with v1.variable_scope("energy"):
        energy = sketch.dense(tf.nn.relu(sketch.dense(x, 6, "first")), 1, "second")
    chance, truth = tf.sigmoid(kind), sketch.feed([None, 1], "truth")
    entropy = tf.nn.sigmoid_cross_entropy_with_logits(labels=truth, logits=kind)
    sketch.train(mean_of(sketch, entropy) + squared(sketch, energy - sketch.feed([None, 1], "measured")))

    assert found(sketch) == (["x:0"], sorted([chance.name, energy.name]))


def test_a_slope_that_a_law_gives_is_no_answer(sketch: Sketch) -> None:
    """How fast something grows is known; how large it is at the beginning is measured."""
    v1, x = sketch.v1, sketch.feed([None, 1], "x")
    size = sketch.dense(sketch.tf.tanh(sketch.dense(x, 6, "first")), 1, "second")
    law = squared(sketch, v1.gradients(size, x)[0] - sketch.feed([None, 1], "rate"))
    sketch.train(law + squared(sketch, size - sketch.feed([None, 1], "measured")))

    assert found(sketch) == (["x:0"], [size.name])


def test_a_surface_of_which_slopes_are_learned_is_the_answer(sketch: Sketch) -> None:
    """Depth from the directions that a surface looks in."""
    tf, v1 = sketch.tf, sketch.v1
    x, y = sketch.feed([None, 1], "x"), sketch.feed([None, 1], "y")
    depth = sketch.dense(tf.tanh(sketch.dense(tf.concat([x, y], 1), 6, "first")), 1, "second")
    slopes = [v1.gradients(depth, one)[0] for one in (x, y)]
    seen = [sketch.feed([None, 1], name) for name in ("right", "up")]
    sketch.train(sum(squared(sketch, a - b) for a, b in zip(slopes, seen, strict=True)))

    assert found(sketch) == (["x:0", "y:0"], [depth.name])


def test_forces_on_two_kinds_of_atoms_come_with_their_energy_and_its_inputs(sketch: Sketch) -> None:
    """Only forces are measured; both have the sign changed."""
    tf, v1 = sketch.tf, sketch.v1
    places = [sketch.feed([None, 3], name) for name in ("carbon", "oxygen")]
    energy = sketch.dense(tf.tanh(sketch.dense(tf.concat(places, 1), 6, "first")), 1, "second")
    forces = [-slope for slope in v1.gradients(energy, places)]
    pulled = [sketch.feed([None, 3], name) for name in ("on_carbon", "on_oxygen")]
    sketch.train(sum(squared(sketch, a - b) for a, b in zip(forces, pulled, strict=True)))

    inputs, outputs = found(sketch)
    assert inputs == ["carbon:0", "oxygen:0"]
    assert set(outputs) == {energy.name, *(force.name for force in forces)}


def test_a_difference_from_a_square_has_no_mean_beside_it(sketch: Sketch) -> None:
    """A score less how far off something is: run once more on what is new."""
    tf, x, new = sketch.tf, sketch.feed([None, 8], "x"), sketch.feed([None, 8], "new")

    def score(example: Any) -> Any:
        hidden = tf.nn.relu(sketch.dense(example, 6, "first"))
        return sketch.dense(hidden, 1, "gain") - tf.square(sketch.dense(hidden, 1, "off"))

    sketch.train(squared(sketch, score(x) - sketch.feed([None, 1], "truth")))
    told = score(new)

    assert found(sketch) == (["new:0"], [told.name])


def test_the_last_of_several_steps_that_is_scaled_by_itself_is_alone(sketch: Sketch) -> None:
    """A frame that follows, between zero and one to be looked at: the earlier ones are not."""
    tf, x = sketch.tf, sketch.feed([None, 8], "x")
    told = tf.reshape(sketch.dense(tf.nn.relu(sketch.dense(x, 6, "first")), 12, "second"), [-1, 3, 4])
    sketch.train(squared(sketch, told - sketch.feed([None, 3, 4], "truth")))
    last = tf.unstack(told, axis=1)[-1]
    tf.divide(last - tf.reduce_min(last), tf.reduce_max(last) - tf.reduce_min(last))

    assert not any("unstack" in name for name in found(sketch)[1])


def test_a_loop_that_dreams_beside_an_answer_with_labels_is_no_answer(sketch: Sketch) -> None:
    tf, v1, x = sketch.tf, sketch.v1, sketch.feed([4, 6], "x")

    def told(example: Any) -> Any:
        return sketch.dense(tf.tanh(sketch.dense(example, 8, "first")), 6, "second")

    answer = told(x)
    sketch.train(squared(sketch, answer - sketch.feed([4, 6], "truth")))
    v1.while_loop(
        lambda step, _: step > 0,
        lambda step, example: (step - 1, told(example) + v1.random_normal([4, 6])),
        [tf.constant(5), v1.random_normal([4, 6])],
        back_prop=False,
    )

    assert found(sketch) == (["x:0"], [answer.name])


def test_what_a_function_returns_and_swish_reads_is_an_answer(sketch: Sketch) -> None:
    """TensorFlow 2 calls what a function returns Identity; swish calls so what it leaves in its scope."""
    tf, x = sketch.tf, sketch.feed([None, 8], "x")
    features = tf.matmul(x, tf.constant([[1.0] * 6] * 8))
    with tf.name_scope("model/act"):
        active = tf.nn.swish(features)
    scores = tf.matmul(active, tf.constant([[1.0] * 3] * 6))
    tf.identity(scores, name="Identity")
    tf.identity(features, name="Identity_1")

    assert found(sketch) == (["x:0"], ["Identity:0", "Identity_1:0"])


def test_what_somebody_feels_about_a_target_is_an_answer(sketch: Sketch) -> None:
    """It has a label of its own, and helps to tell the other."""
    tf, x = sketch.tf, sketch.feed([None, 8], "x")
    hidden = tf.nn.relu(sketch.dense(x, 6, "first"))
    feels = sketch.dense(hidden, 3, "feels")
    says = sketch.dense(tf.concat([hidden, feels], 1), 4, "says")
    tf.nn.softmax(feels, name="target_emotion")
    tf.nn.softmax(says, name="stance")
    sketch.train(sketch.entropy(feels, sketch.feed([None, 3], "a")))
    sketch.train(sketch.entropy(says, sketch.feed([None, 4], "b")))

    assert found(sketch) == (["x:0"], ["stance:0", "target_emotion:0"])


def test_the_slow_copy_of_a_net_whose_best_value_python_reads_is_no_answer(sketch: Sketch) -> None:
    """What it says of the next state becomes a target, which is fed: no measure reads it."""
    tf, v1 = sketch.tf, sketch.v1
    now, then = sketch.feed([None, 6], "now"), sketch.feed([None, 6], "then")

    def values(state: Any, getter: Any = None) -> Any:
        with v1.variable_scope("net", custom_getter=getter, reuse=v1.AUTO_REUSE):
            hidden = tf.nn.relu(tf.matmul(state, v1.get_variable("a", [6, 5], use_resource=False)))
            return tf.matmul(hidden, v1.get_variable("b", [5, 3], use_resource=False))

    quick = values(now)
    done, target = sketch.feed([None, 3], "done"), sketch.feed([None], "target")
    sketch.train(squared(sketch, tf.reduce_sum(quick * done, 1) - target))
    average = tf.train.ExponentialMovingAverage(0.9)
    average.apply(v1.trainable_variables())
    tf.reduce_max(values(then, lambda getter, **given: average.average(getter(**given))), 1)

    assert found(sketch) == (["now:0"], [quick.name])


def test_scores_of_a_layer_that_python_fills_are_an_answer(sketch: Sketch) -> None:
    """Features are learned by pairs; a classifier on them is fitted outside of the graph."""
    tf, x, near = sketch.tf, sketch.feed([None, 8], "x"), sketch.feed([None, 8], "near")

    def features(example: Any) -> Any:
        for k in range(4):
            example = tf.nn.relu(sketch.dense(example, 6, f"layer{k}"))
        return example

    scores = sketch.dense(features(x), 3, "probe")
    sketch.train(squared(sketch, features(x) - features(near)))

    assert found(sketch) == (["x:0"], [scores.name])


def test_ratings_that_are_fed_are_answers_though_a_diagonal_is_looked_at(sketch: Sketch) -> None:
    tf, who, what = sketch.tf, sketch.feed([None, 8], "who"), sketch.feed([None, 6], "what")
    rated = sketch.feed([None, None], "rated")
    scores = tf.matmul(sketch.dense(who, 4, "a"), sketch.dense(what, 4, "b"), transpose_b=True)
    entropy = tf.nn.softmax_cross_entropy_with_logits(labels=rated, logits=scores)
    sketch.train(mean_of(sketch, entropy) - mean_of(sketch, tf.linalg.diag_part(scores)))

    assert found(sketch) == (["what:0", "who:0"], [scores.name])


def test_a_judge_that_rebuilds_pictures_is_not_what_a_class_is_read_off(sketch: Sketch) -> None:
    """A classifier of its own looks at what is painted; the judge rebuilds what it sees."""
    tf, x, noise = sketch.tf, sketch.feed([None, 8], "x"), sketch.feed([None, 4], "noise")
    painted = tf.tanh(sketch.dense(tf.nn.relu(sketch.dense(noise, 6, "g_a")), 8, "g_b"))

    def off(example: Any) -> Any:
        again = sketch.dense(tf.nn.relu(sketch.dense(example, 4, "d_a")), 8, "d_b")
        return mean_of(sketch, tf.abs(again - example))

    def classified(example: Any) -> Any:
        return sketch.dense(tf.nn.relu(sketch.dense(example, 6, "c_a")), 3, "c_b")

    real, fake = off(x), off(painted)
    learn(sketch, real - 0.3 * fake, "d_")
    learn(sketch, fake, "g_")
    learn(sketch, sketch.entropy(classified(x), sketch.feed([None, 3], "truth")), "c_")
    tf.argmax(classified(painted), 1)

    assert found(sketch) == (["noise:0"], [painted.name])


def test_a_painter_of_classes_in_small_ops_is_the_answer(sketch: Sketch) -> None:
    """Its loss is written out, with the class that is wanted."""
    tf, x, noise = sketch.tf, sketch.feed([None, 8], "x"), sketch.feed([None, 4], "noise")
    label, wanted = (sketch.feed([None, 5], name) for name in ("label", "wanted"))
    hidden = tf.nn.relu(sketch.dense(tf.concat([noise, wanted], 1), 6, "g_a"))
    painted = tf.tanh(sketch.dense(hidden, 8, "g_b"))

    def off(example: Any, truth: Any) -> Any:
        scores = sketch.dense(tf.nn.relu(sketch.dense(example, 6, "d_a")), 5, "d_b")
        return -mean_of(sketch, tf.reduce_sum(truth * tf.math.log(tf.nn.softmax(scores) + 1e-8), 1))

    learn(sketch, off(x, label) - 0.1 * off(painted, wanted), "d_")
    learn(sketch, off(painted, wanted), "g_")

    assert found(sketch) == (["noise:0", "wanted:0"], [painted.name])


def test_a_player_that_is_called_adversary_acts_like_the_others(sketch: Sketch) -> None:
    """Two players of a game, each with what it sees; both draw what they do."""
    tf, v1, acts = sketch.tf, sketch.v1, []
    for name in ("agent", "adversary"):
        with v1.variable_scope(name):
            seen = sketch.feed([None, 6], "seen")
            scores = sketch.dense(tf.nn.relu(sketch.dense(seen, 5, "first")), 2, "second")
        acts.append(tf.squeeze(v1.multinomial(scores, 1), 1))
        sketch.train(mean_of(sketch, sketch.entropy(scores, sketch.feed([None, 2]))))

    assert found(sketch)[1] == [act.name for act in acts]
