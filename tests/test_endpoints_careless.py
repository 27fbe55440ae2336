"""Graphs as hurried people leave them, and as large programs make them: each was told wrongly once."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sketches import Sketch, names, read
from zoo.endpoints import detect


def found(sketch: Sketch) -> tuple[list[str], list[str]]:
    inputs, outputs = names(detect(read(sketch)))
    return sorted(inputs), sorted(outputs)


def squared(sketch: Sketch, difference: Any) -> Any:
    return sketch.tf.reduce_mean(sketch.tf.square(difference))


def clicked(sketch: Sketch, scores: Any, label: Any) -> Any:
    nn = sketch.tf.nn
    return sketch.tf.reduce_mean(nn.sigmoid_cross_entropy_with_logits(labels=label, logits=scores))


def test_a_net_that_learns_to_be_quantized_has_an_answer(sketch: Sketch) -> None:
    """Each range is noted where it is applied: an assignment stands between the layers."""
    tf, v1, x = sketch.tf, sketch.v1, sketch.feed([None, 8], "x")

    def quantized(value: Any, name: str) -> Any:
        with v1.variable_scope(name):
            low, high = (
                v1.get_variable(side, [], trainable=False, use_resource=False) for side in ("min", "max")
            )
            least = v1.assign_sub(low, 0.1 * (low - tf.reduce_min(value)))
            most = v1.assign_sub(high, 0.1 * (high - tf.reduce_max(value)))
            return tf.quantization.fake_quant_with_min_max_vars(value, least, most)

    hidden = quantized(tf.nn.relu(sketch.dense(quantized(x, "in"), 6, "first")), "middle")
    scores = quantized(sketch.dense(hidden, 3, "second"), "out")
    chances = tf.nn.softmax(scores)
    sketch.train(sketch.entropy(scores, sketch.feed([None, 3], "truth")))

    assert found(sketch) == (["x:0"], [chances.name])


def test_a_weight_for_each_feature_beside_vectors_in_parts_makes_no_labels_of_the_features(
    sketch: Sketch,
) -> None:
    """A factorization machine on parameter servers: no layer follows behind its tables."""
    tf, v1 = sketch.tf, sketch.v1
    ids, values = sketch.feed([None, 4], "ids", "int64"), sketch.feed([None, 4], "values")
    offset = v1.get_variable("offset", [1], use_resource=False)
    weights = v1.get_variable("weights", [20], use_resource=False)
    parts = v1.fixed_size_partitioner(2)
    vectors = v1.get_variable("vectors", [20, 3], partitioner=parts, use_resource=False)
    linear = tf.reduce_sum(v1.nn.embedding_lookup(weights, ids) * values, 1)
    rows = v1.nn.embedding_lookup(vectors, ids, partition_strategy="div") * values[..., None]
    pairs = tf.reduce_sum(tf.square(tf.reduce_sum(rows, 1)) - tf.reduce_sum(tf.square(rows), 1), 1)
    scores = offset + linear + pairs
    chance = tf.sigmoid(scores)
    sketch.train(clicked(sketch, scores, sketch.feed([None], "clicks")))

    assert found(sketch) == (["ids:0", "values:0"], [chance.name])


def test_an_averaged_net_that_a_measure_reads_is_the_one_to_use(sketch: Sketch) -> None:
    """Nobody named its scores, but they are compared with the truth."""
    tf, v1, x, truth = sketch.tf, sketch.v1, sketch.feed([None, 8], "x"), sketch.feed([None], "truth")

    def scores(getter: Any = None) -> Any:
        with v1.variable_scope("net", custom_getter=getter, reuse=v1.AUTO_REUSE):
            hidden = tf.nn.relu(tf.matmul(x, v1.get_variable("a", [8, 6], use_resource=False)))
            return tf.reshape(tf.matmul(hidden, v1.get_variable("b", [6, 1], use_resource=False)), [-1])

    sketch.train(squared(sketch, scores() - truth))
    average = tf.train.ExponentialMovingAverage(0.9)
    average.apply(v1.trainable_variables())

    def averaged(getter: Any, name: str, *args: Any, **kwargs: Any) -> Any:
        return average.average(getter(name, *args, **kwargs))

    told = scores(averaged)
    _, best = tf.nn.top_k(told, 2)
    v1.summary.scalar("gain", tf.reduce_sum(tf.gather(truth, best)))

    assert found(sketch) == (["x:0"], [told.name])


def test_forces_on_rows_that_were_looked_up_are_answers(sketch: Sketch) -> None:
    """Where places are gathered by pairs, their gradient comes in rows, and is summed up."""
    tf, v1 = sketch.tf, sketch.v1
    places, pairs = sketch.feed([None, 3], "places"), sketch.feed([None, 2], "pairs", "int32")
    ends = tf.gather(places, pairs)
    apart = tf.reduce_sum(tf.square(ends[:, 0] - ends[:, 1]), 1, keepdims=True)
    energy = tf.reduce_sum(sketch.dense(tf.tanh(sketch.dense(apart, 6, "first")), 1, "second"), 0)
    forces = -tf.convert_to_tensor(v1.gradients(energy, places)[0])
    loss = squared(sketch, energy - sketch.feed([1], "energy"))
    sketch.train(loss + squared(sketch, forces - sketch.feed([None, 3], "forces")))

    assert forces.name in found(sketch)[1]


def test_a_teacher_whose_chances_are_shown_is_no_answer_beside_its_pupil(sketch: Sketch) -> None:
    """Both learn at the same time, and what the larger says is a label for the smaller."""
    tf, v1, x, truth = sketch.tf, sketch.v1, sketch.feed([None, 8], "x"), sketch.feed([None, 3], "truth")
    deep = sketch.dense(tf.nn.relu(sketch.dense(x, 9, "teacher_a")), 3, "teacher_b")
    small = sketch.dense(x, 3, "pupil")
    shown, told = (tf.nn.softmax(scores) for scores in (deep, small))
    for chances in (shown, told):
        v1.summary.scalar("right", tf.reduce_mean(tf.cast(tf.equal(tf.argmax(chances, 1), 0), tf.float32)))
    soft = tf.stop_gradient(tf.nn.softmax(deep / 4.0))
    sketch.train(sketch.entropy(deep, truth))
    sketch.train(sketch.entropy(small, truth) + sketch.entropy(small / 4.0, soft))

    assert found(sketch) == (["x:0"], [told.name])


def test_a_measure_with_thresholds_makes_no_label_of_what_joins_late(sketch: Sketch) -> None:
    """The thresholds are repeated for each answer: only how many there are depends on the examples."""
    tf, v1 = sketch.tf, sketch.v1
    curve, length = sketch.feed([None, 12], "curve"), sketch.feed([None], "length")
    hidden = curve
    for k in range(5):
        hidden = tf.nn.relu(sketch.dense(hidden, 8, f"layer{k}"))
    joined = tf.concat([hidden, length[:, None]], 1)
    scores = sketch.dense(tf.nn.relu(sketch.dense(joined, 6, "c")), 1, "d")
    chance, truth = tf.sigmoid(scores, name="predictions"), sketch.feed([None, 1], "truth")
    sketch.train(clicked(sketch, scores, truth))
    v1.metrics.auc(truth, chance, num_thresholds=10)

    assert found(sketch) == (["curve:0", "length:0"], ["predictions:0"])


def test_a_number_that_says_which_of_several_layers_answers_is_an_input(sketch: Sketch) -> None:
    """It is no flag: no branch is that of inference."""
    tf, v1 = sketch.tf, sketch.v1
    x, which = sketch.feed([None, 8], "x"), sketch.feed([], "which", "int32")
    scores = v1.case(
        [(tf.equal(which, k), lambda k=k: sketch.dense(x, 1, f"net{k}")) for k in range(2)],
        default=lambda: sketch.dense(x, 1, "net2"),
    )
    sketch.train(clicked(sketch, scores, sketch.feed([None, 1], "truth")))

    assert found(sketch)[0] == ["which:0", "x:0"]


@pytest.mark.parametrize("named", [True, False])
def test_of_a_cell_that_ran_twice_the_last_net_is_the_answer(sketch: Sketch, named: bool) -> None:
    """They have nothing in common; who gives them names has two nets, and wants both."""
    tf, v1 = sketch.tf, sketch.v1
    answers = []
    for k in range(2):
        x, truth = sketch.feed([None, 8]), sketch.feed([None, 1])
        w, b = v1.Variable(tf.zeros([8, 1]), use_resource=False), v1.Variable([0.0], use_resource=False)
        name = f"price{k}" if named else None
        answers.append(tf.add(tf.matmul(x, w), b, name=name))
        sketch.train(squared(sketch, answers[-1] - truth))

    assert found(sketch)[1] == [tensor.name for tensor in (answers if named else answers[1:])]


def test_a_judge_that_tells_classes_by_labels_is_the_answer_of_half_labelled_pictures(
    sketch: Sketch,
) -> None:
    """The painter knows nothing of classes: it is there to make more examples."""
    tf, v1, x = sketch.tf, sketch.v1, sketch.feed([None, 8], "x")
    label, noise = sketch.feed([None], "label", "int32"), sketch.feed([None, 4], "noise")
    painted = tf.tanh(sketch.dense(tf.nn.relu(sketch.dense(noise, 6, "g_a")), 8, "g_b"))

    def judged(example: Any) -> Any:
        return sketch.dense(tf.nn.relu(sketch.dense(example, 6, "d_a")), 5, "d_b")

    told, fake = judged(x), judged(painted)
    loss = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=label, logits=told)
    d_loss = tf.reduce_mean(loss) + tf.reduce_mean(tf.nn.softplus(tf.reduce_logsumexp(fake, 1)))
    variables = v1.trainable_variables()
    steps = v1.train.GradientDescentOptimizer(0.1)
    steps.minimize(d_loss, var_list=[one for one in variables if one.name.startswith("d_")])
    g_loss = -tf.reduce_mean(tf.reduce_logsumexp(fake, 1))
    steps.minimize(g_loss, var_list=[one for one in variables if one.name.startswith("g_")])

    assert found(sketch) == (["x:0"], [told.name])


def test_telling_what_came_next_from_what_did_not_is_no_answer(sketch: Sketch) -> None:
    """Interest that evolves: a loss of its own teaches the layer inside, with no label at all."""
    tf, ids, there = sketch.tf, sketch.feed([None, 4], "ids", "int32"), sketch.feed([None, 4], "there")
    others = sketch.feed([None, 4], "others", "int32")
    table = sketch.v1.get_variable("table", [20, 6], use_resource=False)
    seen, other = tf.nn.embedding_lookup(table, ids), tf.nn.embedding_lookup(table, others)
    inner = tf.reshape(tf.nn.relu(sketch.dense(tf.reshape(seen, [-1, 6]), 6, "inner")), [-1, 4, 6])

    def follows(what: Any) -> Any:
        pairs = tf.reshape(tf.concat([inner[:, :-1], what[:, 1:]], 2), [-1, 12])
        hidden = tf.sigmoid(sketch.dense(pairs, 5, "tells_a"))
        told = tf.reshape(sketch.dense(hidden, 2, "tells_b"), [-1, 3, 2])
        return (tf.nn.softmax(told) + 1e-8)[:, :, 0]

    counts = there[:, 1:]
    helps = -tf.reduce_mean(tf.math.log(follows(seen)) * counts + tf.math.log(1.0 - follows(other)) * counts)
    whole = tf.concat([tf.reduce_sum(inner, 1), there], 1)
    scores = sketch.dense(tf.nn.relu(sketch.dense(whole, 5, "b")), 2, "c")
    chances = tf.nn.softmax(scores) + 1e-8
    truth = sketch.feed([None, 2], "truth")
    sketch.train(helps - tf.reduce_mean(tf.math.log(chances) * truth))

    assert found(sketch)[0] == ["ids:0", "there:0"]
    assert len(found(sketch)[1]) == 1


def test_what_dropouts_pick_their_rates_of_is_no_example(sketch: Sketch) -> None:
    """Nobody said how long it is."""
    tf, v1, x = sketch.tf, sketch.v1, sketch.feed([None, 8], "x")
    keeps = v1.placeholder("float32", name="keeps")
    hidden = x
    for k in range(2):
        hidden = v1.nn.dropout(tf.nn.relu(sketch.dense(hidden, 6, f"layer{k}")), keep_prob=keeps[k])
    scores = sketch.dense(hidden, 1, "last")
    sketch.train(clicked(sketch, scores, sketch.feed([None, 1], "truth")))

    assert {item.name: item.role for item in detect(read(sketch)).inputs}["keeps:0"] == "keep_prob"


def test_parts_that_labels_meet_are_an_answer_joined_or_not(sketch: Sketch) -> None:
    """Scale and form of a distribution, stacked to be fetched; a measure looks at their quotient."""
    tf, v1, x = sketch.tf, sketch.v1, sketch.feed([None, 8], "x")
    when = sketch.feed([None], "when")
    first, second = tf.unstack(sketch.dense(tf.tanh(sketch.dense(x, 6, "a")), 2, "b"), axis=1)
    scale, form = 9.0 * tf.exp(first), 2.0 * tf.sigmoid(second)
    both = tf.stack([scale, form], 1)
    sketch.train(tf.reduce_mean(tf.pow(when / scale, form) - tf.math.log(form)))
    mode = scale * tf.pow(form, 0.5)
    v1.summary.scalar("off", tf.sqrt(tf.reduce_mean(tf.square(mode - when))))

    assert found(sketch) == (["x:0"], [both.name])


def test_what_nobody_trains_is_no_answer_though_nobody_reads_it(sketch: Sketch) -> None:
    """The pooled word of a language model, where sentences are the mean of all words, and no label tells."""
    tf = sketch.tf
    words, near, far = (sketch.feed([None, 4], name, "int32") for name in ("words", "near", "far"))
    with sketch.v1.variable_scope("net", use_resource=False):
        table = sketch.v1.get_variable("table", [20, 6])

    def sentence(ids: Any) -> Any:
        rows = tf.nn.embedding_lookup(table, ids)
        for k in range(4):
            rows = tf.reshape(tf.tanh(sketch.dense(tf.reshape(rows, [-1, 6]), 6, f"layer{k}")), [-1, 4, 6])
        tf.tanh(sketch.dense(rows[:, 0], 6, "pooler"))
        return tf.nn.l2_normalize(sketch.dense(tf.reduce_mean(rows, 1), 5, "mean"), 1)

    told = sentence(words)
    close, apart = (tf.reduce_sum(told * sentence(ids), 1) for ids in (near, far))
    sketch.train(tf.reduce_mean(tf.maximum(0.2 - close + apart, 0.0)))

    assert all("Tanh" not in name for name in found(sketch)[1])


def test_a_layer_that_answers_on_what_labels_picked_answers_once_more_without(sketch: Sketch) -> None:
    """Regions are sampled by labels in training; the same layers run on all of them to be used."""
    tf, v1, x = sketch.tf, sketch.v1, sketch.feed([None, 8], "x")
    truth, picked = sketch.feed([None, 3], "truth"), sketch.feed([None], "picked", "int32")
    rows = tf.nn.relu(sketch.dense(x, 6, "first"))

    def answers(regions: Any) -> Any:
        return sketch.dense(tf.nn.relu(sketch.dense(regions, 6, "second")), 3, "third")

    scores = answers(tf.gather(rows, picked))
    v1.summary.histogram("chances", tf.nn.softmax(scores))
    sketch.train(sketch.entropy(scores, truth))
    where = sketch.dense(rows, 1, "where")
    sketch.train(clicked(sketch, where, sketch.feed([None, 1], "there")))
    used = tf.nn.softmax(answers(rows * tf.sigmoid(where)))

    assert found(sketch) == (["x:0"], [used.name])


def test_the_mean_that_a_spread_is_taken_around_is_an_answer_with_it(sketch: Sketch) -> None:
    """Several nets vote, each with a spread of its own; a measure reads the mean."""
    tf, v1, x, truth = sketch.tf, sketch.v1, sketch.feed([None, 8], "x"), sketch.feed([None, 1], "truth")
    means, spreads = [], []
    for k in range(3):
        mean, raw = tf.split(sketch.dense(tf.nn.relu(sketch.dense(x, 6, f"a{k}")), 2, f"b{k}"), 2, 1)
        spread = tf.nn.softplus(raw) + 1e-6
        sketch.train(tf.reduce_mean(tf.math.log(spread) + tf.square(truth - mean) / spread))
        means.append(mean)
        spreads.append(spread + tf.square(mean))
    middle = tf.add_n(means) / 3.0
    around = tf.sqrt(tf.add_n(spreads) / 3.0 - tf.square(middle))
    v1.summary.scalar("off", squared(sketch, middle - truth))

    assert found(sketch) == (["x:0"], sorted([middle.name, around.name]))


def test_features_before_the_last_layer_are_among_the_first_candidates(sketch: Sketch) -> None:
    """Of a net that tells speakers, the layer before is what is used."""
    tf, x = sketch.tf, sketch.feed([None, 8], "x")
    features = tf.nn.relu(sketch.dense(x, 6, "first"))
    scores = sketch.dense(features, 3, "second")
    tf.nn.softmax(scores)
    loss = tf.nn.sparse_softmax_cross_entropy_with_logits(
        labels=sketch.feed([None], "truth", "int32"), logits=scores
    )
    sketch.train(tf.reduce_mean(loss))

    assert features.name in detect(read(sketch)).candidates.outputs[:3]


def test_a_decision_is_a_candidate_in_the_form_that_its_author_gave_it(sketch: Sketch) -> None:
    tf, x, truth = sketch.tf, sketch.feed([None, 8], "x"), sketch.feed([None], "truth", "int32")
    scores = sketch.dense(tf.nn.relu(sketch.dense(x, 6, "first")), 3, "second")
    decided = tf.cast(tf.argmax(scores, 1), tf.int32)
    sketch.v1.summary.scalar("right", tf.reduce_mean(tf.cast(tf.equal(decided, truth), tf.float32)))
    sketch.train(tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels=truth, logits=scores)))

    assert detect(read(sketch)).candidates.outputs[1] == decided.name


def test_how_much_of_an_example_is_noise_is_nothing_to_use_the_model(sketch: Sketch) -> None:
    """A denoising autoencoder, whose author feeds the share of noise."""
    tf, x, share = sketch.tf, sketch.feed([None, 8], "x"), sketch.feed([], "share")
    noisy = x * tf.cast(sketch.v1.random_uniform(tf.shape(x), maxval=2, dtype="int32"), "float32")
    hidden = tf.nn.relu(sketch.dense(noisy * share + x * (1 - share), 6, "first"))
    rebuilt = sketch.dense(hidden, 8, "second")
    sketch.train(squared(sketch, rebuilt - x))

    assert found(sketch) == (["x:0"], [rebuilt.name])
    assert detect(read(sketch)).folds == {"share:0": 0.0}


def test_who_seeks_and_what_is_found_are_told_apart_where_each_is_compared_with_all(sketch: Sketch) -> None:
    """Two nets of their own, taught by the other examples of a batch; an index is made of the vectors."""
    tf, who, what = sketch.tf, sketch.feed([None, 8], "who"), sketch.feed([None, 6], "what")
    often = sketch.feed([None], "often")
    vectors = [
        tf.nn.l2_normalize(sketch.dense(tf.nn.relu(sketch.dense(one, 5, f"{name}_a")), 4, f"{name}_b"), 1)
        for name, one in (("who", who), ("what", what))
    ]
    scores = tf.matmul(*vectors, transpose_b=True) / 0.05 - often[None]
    right = tf.range(tf.shape(scores)[0])
    loss = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=right, logits=scores)
    sketch.train(tf.reduce_mean(loss))

    assert found(sketch) == (["what:0", "who:0"], sorted(vector.name for vector in vectors))
