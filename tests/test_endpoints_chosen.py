"""Which of the tensors at a model's end are its answer, where many could be."""

from __future__ import annotations

from typing import Any

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
