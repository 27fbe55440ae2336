"""The form that an answer has: by its name, in the author's units, with the states and lengths beside it."""

from __future__ import annotations

from typing import Any

from tests.sketches import Sketch, names, read, role
from zoo.endpoints import detect
from zoo.model import Endpoints


def found(sketch: Sketch) -> Endpoints:
    return detect(read(sketch))


def test_lengths_of_lines_are_fed_to_who_reads_letters_off(sketch: Sketch) -> None:
    """The decoder needs them as the loss does; the letters are read off into a table."""
    tf, v1, x = sketch.tf, sketch.v1, sketch.feed([5, 2, 8], "x")
    lengths, letters = sketch.feed([2], "lengths", "int32"), v1.sparse_placeholder(tf.int32, name="letters")
    scores = tf.reshape(sketch.dense(tf.reshape(x, [-1, 8]), 4, "scores"), [5, 2, 4])
    sketch.train(tf.reduce_mean(v1.nn.ctc_loss(letters, scores, lengths)))
    [decoded], _ = v1.nn.ctc_greedy_decoder(scores, lengths)
    dense = tf.sparse.to_dense(tf.cast(decoded, tf.int32), name="dense")
    tf.reduce_mean(tf.edit_distance(tf.cast(decoded, tf.int32), letters))

    assert names(found(sketch)) == (["x:0", "lengths:0"], [dense.name])


def test_which_atoms_belong_to_a_molecule_is_fed(sketch: Sketch) -> None:
    """The author answers in units of people; the loss compares what was scaled."""
    tf, v1, x = sketch.tf, sketch.v1, sketch.feed([None, 8], "x")
    owner, energy = sketch.feed([None], "owner", "int32"), sketch.feed([3], "energy")
    atoms = sketch.dense(tf.nn.relu(sketch.dense(x, 6, "first")), 1, "second")
    scaled = tf.squeeze(tf.math.unsorted_segment_sum(atoms, owner, 3), 1)
    mean, spread = (v1.get_variable(k, [], trainable=False, use_resource=False) for k in ("mean", "spread"))
    answer = scaled * spread + mean
    tf.reduce_mean(tf.abs(answer - energy), name="mae")
    sketch.train(tf.reduce_mean(tf.square(scaled - (energy - mean) / spread)))

    assert names(found(sketch)) == (["x:0", "owner:0"], [answer.name])


def test_scores_that_were_formed_under_a_name_are_fetched_so(sketch: Sketch) -> None:
    """A form without a name would be the loss's; this one has one, in whatever scope."""
    tf, v1, x = sketch.tf, sketch.v1, sketch.feed([6, 8], "x")
    letters = v1.sparse_placeholder(tf.int32, name="letters")
    with sketch.v1.name_scope("tower"):
        steps = tf.reshape(sketch.dense(x, 4, "scores"), [2, 3, 4], name="raw_logits")
        sketch.train(tf.reduce_mean(v1.nn.ctc_loss(letters, steps, [2, 2, 2])))

    assert names(found(sketch)) == (["x:0"], [steps.name])


def test_a_decision_is_fetched_by_its_last_name(sketch: Sketch) -> None:
    """Squeezed and named once more, and so compared with the label."""
    tf, x, truth = sketch.tf, sketch.feed([None, 8], "x"), sketch.feed([None], "truth", "int64")
    scores = sketch.dense(x, 3, "scores")
    best = tf.argmax(tf.reshape(scores, [-1, 1, 3]), 2, name="best_of_each")
    answer = tf.squeeze(best, 1, name="answer")
    tf.reduce_mean(tf.cast(tf.equal(answer, truth), tf.float32))
    sketch.train(tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels=truth, logits=scores)))

    assert names(found(sketch)) == (["x:0"], [answer.name])


def test_a_form_without_axes_of_one_is_the_authors(sketch: Sketch) -> None:
    """Nothing is flattened: each point keeps its scores."""
    tf, v1, x = sketch.tf, sketch.v1, sketch.feed([2, 5, 1, 3], "x")
    truth = sketch.feed([2, 5, 4], "truth")
    made = tf.nn.conv2d(x, v1.get_variable("w", [1, 1, 3, 4], use_resource=False), 1, "SAME")
    points = tf.reshape(made, [2, 5, 4])
    sketch.train(tf.reduce_mean(tf.square(points - truth)))

    assert names(found(sketch)) == (["x:0"], [points.name])


def test_of_two_classes_the_chances_of_both_are_fetched(sketch: Sketch) -> None:
    """Who serves columns shows the chance of one class, of both, the class, and the class as text."""
    tf, x, truth = sketch.tf, sketch.feed([None, 8], "x"), sketch.feed([None, 1], "truth")
    logits = sketch.dense(x, 1, "logits")
    tf.sigmoid(logits, name="logistic")
    both = tf.concat([tf.zeros_like(logits), logits], -1)
    chances = tf.nn.softmax(both, name="probabilities")
    tf.strings.as_string(tf.expand_dims(tf.argmax(both, -1), -1), name="classes")
    loss = tf.nn.sigmoid_cross_entropy_with_logits(labels=truth, logits=logits)
    sketch.train(tf.reduce_mean(loss))

    assert names(found(sketch)) == (["x:0"], [chances.name])


def test_a_named_chance_is_preferred_to_what_it_was_calibrated_from(sketch: Sketch) -> None:
    """A measure reads the chance as it is learned; what is served was corrected."""
    tf, v1, x = sketch.tf, sketch.v1, sketch.feed([None, 8], "x")
    truth = sketch.feed([None, 1], "truth")
    logits = sketch.dense(tf.nn.relu(sketch.dense(x, 6, "first")), 1, "second")
    v1.metrics.auc(truth, tf.sigmoid(logits))
    slope = v1.get_variable("slope", [], trainable=False, use_resource=False)
    score = tf.sigmoid(logits * slope - 0.5, name="score")
    loss = tf.nn.sigmoid_cross_entropy_with_logits(labels=truth, logits=logits)
    sketch.train(tf.reduce_mean(loss))

    assert names(found(sketch)) == (["x:0"], [score.name])


def test_a_last_state_with_a_name_is_left_over(sketch: Sketch) -> None:
    """A forecast needs none: the loop's state begins with zeros of its own, and nobody feeds them."""
    tf, v1, x = sketch.tf, sketch.v1, sketch.feed([5, None, 4], "x")
    truth = sketch.feed([None, 1], "truth")
    w = v1.get_variable("w", [10, 6], use_resource=False)

    def step(i: Any, state: Any) -> tuple[Any, Any]:
        return i + 1, tf.tanh(tf.matmul(tf.concat([x[i], state], 1), w))

    _, last = tf.while_loop(lambda i, _: i < 5, step, [0, tf.zeros([tf.shape(x)[1], 6])])
    tf.identity(last, name="final_state")
    forecast = sketch.dense(last, 1, "forecast")
    sketch.train(tf.reduce_mean(tf.square(forecast - truth)))

    assert names(found(sketch)) == (["x:0"], [forecast.name])


def gates(sketch: Sketch, joined: Any, memory: Any) -> tuple[Any, Any]:
    """One step of a cell with a memory: what it shows, and what it keeps."""
    tf = sketch.tf
    new, enter, forget, show = tf.split(sketch.dense(joined, 24, "cell"), 4, 1)
    memory = tf.sigmoid(forget + 1.0) * memory + tf.sigmoid(enter) * tf.tanh(new)
    return tf.sigmoid(show) * tf.tanh(memory), memory


def text_that_goes_on(sketch: Sketch, *, symbols: int, every: bool = True) -> tuple[list[Any], list[Any]]:
    """Zeros, and the answer with the states behind it, of an unrolled net that tells the next symbol."""
    tf, v1 = sketch.tf, sketch.v1
    words = sketch.feed([2, 3], "words", "int32")
    following = sketch.feed([2, 3] if every else [2], "next", "int32")
    table = v1.get_variable("table", [9, 6], use_resource=False)
    looked_up = tf.nn.embedding_lookup(table, words)
    zeros = [tf.zeros([2, 6], name=name) for name in ("shown", "kept")]
    shown, kept = zeros
    steps = []
    for k in range(3):
        shown, kept = gates(sketch, tf.concat([looked_up[:, k], shown], 1), kept)
        steps.append(shown)
    told = tf.reshape(tf.stack(steps, 1), [-1, 6]) if every else shown
    scores = sketch.dense(told, symbols, "scores")
    chances = tf.nn.softmax(scores)
    truth = tf.reshape(following, [-1])
    loss = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=truth, logits=scores)
    sketch.train(tf.reduce_mean(loss))
    return zeros, [chances, shown, kept]


def test_text_that_goes_on_is_fed_the_states_of_the_call_before(sketch: Sketch) -> None:
    """The zeros that an unrolled net begins with; what it shows and keeps in the end is fetched beside."""
    zeros, wanted = text_that_goes_on(sketch, symbols=9)
    inputs, outputs = names(found(sketch))

    assert sorted(inputs) == sorted(["words:0", *(zero.name for zero in zeros)])
    assert sorted(outputs) == sorted(tensor.name for tensor in wanted)


def test_who_tells_something_else_than_what_it_reads_goes_on_from_zeros(sketch: Sketch) -> None:
    """The tags of words: each sentence begins anew."""
    _, [chances, *_] = text_that_goes_on(sketch, symbols=4)

    assert names(found(sketch)) == (["words:0"], [chances.name])


def test_who_tells_what_comes_after_all_that_it_read_goes_on_from_zeros(sketch: Sketch) -> None:
    """What somebody buys next: the whole history is read at each call."""
    _, [chances, *_] = text_that_goes_on(sketch, symbols=9, every=False)

    assert names(found(sketch)) == (["words:0"], [chances.name])


def test_what_a_loss_masks_is_fetched_without_the_mask(sketch: Sketch) -> None:
    """Both sides are multiplied with it: lengths are no inputs for that."""
    tf, x = sketch.tf, sketch.feed([None, 5, 4], "x")
    lengths, truth = sketch.feed([None], "lengths", "int32"), sketch.feed([None, 5], "truth")
    values = tf.reshape(sketch.dense(tf.reshape(x, [-1, 4]), 1, "values"), [-1, 5])
    mask = tf.sequence_mask(lengths, 5, tf.float32)
    sketch.train(tf.reduce_sum(tf.square(values * mask - truth * mask)))

    assert names(found(sketch)) == (["x:0"], [values.name])


def test_a_row_made_of_a_column_is_for_the_loss(sketch: Sketch) -> None:
    """Labels come as a row of numbers; the layer's one column is what is fetched."""
    tf, x, truth = sketch.tf, sketch.feed([None, 8], "x"), sketch.feed([None], "truth")
    value = sketch.dense(tf.nn.relu(sketch.dense(x, 6, "first")), 1, "second")
    sketch.train(tf.reduce_mean(tf.square(tf.reshape(value, [-1]) - truth)))

    assert names(found(sketch)) == (["x:0"], [value.name])


def test_a_cell_of_a_table_is_told_by_its_row_and_column(sketch: Sketch) -> None:
    """The chances are of cells, one after the other, and no map."""
    tf, x, truth = sketch.tf, sketch.feed([None, 8], "x"), sketch.feed([None], "truth", "int64")
    scores = sketch.dense(x, 12, "scores")
    best = tf.argmax(tf.nn.softmax(scores), 1)
    cell = tf.stack([best // 4, best % 4], 1, name="cell")
    sketch.train(tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels=truth, logits=scores)))

    assert names(found(sketch)) == (["x:0"], [cell.name])


def test_pairs_of_tags_that_are_looked_up_make_labels_of_them(sketch: Sketch) -> None:
    """A random field by hand, whose mask has the form of the tags; both directions' last states are left."""
    tf, v1, x = sketch.tf, sketch.v1, sketch.feed([None, None, 4], "x")
    lengths, tags = sketch.feed([None], "lengths", "int32"), sketch.feed([None, None], "tags", "int32")
    scores = sketch.dense(
        tf.reshape(tf.nn.relu(sketch.dense(tf.reshape(x, [-1, 4]), 6, "a")), [-1, 6]), 3, "b"
    )
    scores = tf.reshape(scores, [-1, tf.shape(x)[1], 3])
    pairs = v1.get_variable("pairs", [3, 3], use_resource=False)
    mask = tf.sequence_mask(lengths, tf.shape(tags)[1], tf.float32)
    alone = tf.reduce_sum(tf.reduce_sum(scores * tf.one_hot(tags, 3), 2) * mask, 1)
    beside = tf.gather_nd(pairs, tf.stack([tags[:, :-1], tags[:, 1:]], 2))

    def forward(alpha: Any, step: Any) -> Any:
        new = tf.reduce_logsumexp(alpha[:, :, None] + pairs[None], 1) + step[0]
        return tf.where(step[1] > 0, new, alpha)

    rest = (tf.transpose(scores[:, 1:], [1, 0, 2]), tf.transpose(mask[:, 1:])[:, :, None])
    total = tf.reduce_logsumexp(tf.scan(forward, rest, initializer=scores[:, 0])[-1], 1)
    sketch.train(tf.reduce_mean(total - alone - tf.reduce_sum(beside * mask[:, 1:], 1)))
    ends = found(sketch)

    assert names(ends) == (["x:0"], [scores.name, "pairs:0"])
    assert role(ends, "tags:0") == "label"


def test_last_states_of_both_directions_are_left_over(sketch: Sketch) -> None:
    """A layer hands them out beside all its steps, and its author joins both."""
    tf, v1, x = sketch.tf, sketch.v1, sketch.feed([5, None, 4], "x")
    truth = sketch.feed([5, None, 3], "truth")
    every, last = [], []
    for way in ("forward", "backward"):
        with v1.name_scope(way):
            w = v1.get_variable(way, [10, 6], use_resource=False)
            b = v1.get_variable(f"{way}_bias", [6], use_resource=False)

            def step(i: Any, state: Any, pile: Any, w: Any = w, b: Any = b) -> tuple[Any, Any, Any]:
                state = tf.tanh(tf.matmul(tf.concat([x[i], state], 1), w) + b)
                return i + 1, state, pile.write(i, state)

            start = [0, tf.zeros([tf.shape(x)[1], 6]), tf.TensorArray(tf.float32, 5)]
            _, state, pile = tf.while_loop(lambda i, *_: i < 5, step, start)
            every.append(pile.stack())
            last.append(state)
    tf.concat(last, 1)
    scores = sketch.dense(tf.reshape(tf.concat(every, 2), [-1, 12]), 3, "scores")
    sketch.train(tf.reduce_mean(tf.square(scores - tf.reshape(truth, [-1, 3]))))

    assert names(found(sketch)) == (["x:0"], [scores.name])


def test_a_mean_is_fetched_beside_the_spread_made_of_the_other_part(sketch: Sketch) -> None:
    """The copy in training meets its label; of this one nobody reads either."""
    tf, x, truth = sketch.tf, sketch.feed([None, 8], "x"), sketch.feed([None, 2], "truth")
    other = sketch.feed([None, 8], "other")

    def curve(points: Any) -> tuple[Any, Any]:
        mean, spread = tf.split(sketch.dense(tf.nn.relu(sketch.dense(points, 6, "a")), 4, "b"), 2, 1)
        return mean, 0.1 + 0.9 * tf.nn.softplus(spread)

    mean, spread = curve(x)
    sketch.train(tf.reduce_mean(tf.square((truth - mean) / spread) + tf.math.log(spread)))
    mean, spread = curve(other)

    assert names(found(sketch)) == (["other:0"], [mean.name, spread.name])


def test_a_named_likelihood_is_the_answer_of_a_density(sketch: Sketch) -> None:
    """The layers in between compare parts of an example with themselves, and rebuild nothing."""
    tf, x = sketch.tf, sketch.feed([None, 4], "x")
    likely, z = 0.0, x
    for k in range(2):
        mask = tf.constant([[1.0, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 1.0]][k])
        scale = tf.tanh(sketch.dense(z * mask, 4, f"scale{k}"))
        z = z * mask + (1.0 - mask) * (z - sketch.dense(z * mask, 4, f"move{k}")) * tf.exp(-scale)
        likely -= tf.reduce_sum((1.0 - mask) * scale, 1)
    log_px = tf.subtract(likely, 0.5 * tf.reduce_sum(tf.square(z), 1), name="log_px")
    sketch.train(-tf.reduce_mean(log_px))

    assert names(found(sketch)) == (["x:0"], ["log_px:0"])


def test_states_are_fetched_joined_where_they_are_fed_joined(sketch: Sketch) -> None:
    """What is kept and what is shown come in one row, and go out so."""
    tf, x, state = sketch.tf, sketch.feed([None, 4], "x"), sketch.feed([None, 12], "state")
    kept, shown = tf.split(state, 2, 1)
    shown, kept = gates(sketch, tf.concat([x, shown], 1), kept)
    after = tf.concat([kept, shown], 1, name="after")
    chances = tf.nn.softmax(sketch.dense(shown, 3, "scores"), name="chances")

    assert sorted(names(found(sketch))[1]) == sorted([after.name, chances.name])
