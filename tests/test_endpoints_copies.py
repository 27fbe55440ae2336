"""Nets beside those that are trained, heads beside answers: averages, second runs, baselines."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sketches import Sketch, names, read, role
from zoo.endpoints import detect
from zoo.model import Endpoints


def found(sketch: Sketch) -> Endpoints:
    return detect(read(sketch))


def averaged_net(sketch: Sketch) -> tuple[Any, Any]:
    """A layer, and a getter of moving averages for its variables, once it was made."""
    tf, v1 = sketch.tf, sketch.v1
    average = v1.train.ExponentialMovingAverage(0.99)

    def net(x: Any, getter: Any = None) -> Any:
        with v1.variable_scope("net", reuse=v1.AUTO_REUSE, custom_getter=getter):
            made = tf.matmul(x, v1.get_variable("w", [8, 3], use_resource=False))
        if getter is None:
            average.apply(v1.trainable_variables("net"))
        return made

    def averages(getter: Any, name: str, *arguments: Any, **named: Any) -> Any:
        return average.average(getter(name, *arguments, **named))

    return net, averages


def test_a_teacher_of_averages_is_what_is_used(sketch: Sketch) -> None:
    """No gradient goes through it, and nothing but a measure reads its chances."""
    tf, x, truth = sketch.tf, sketch.feed([None, 8], "x"), sketch.feed([None, 3], "truth")
    net, averages = averaged_net(sketch)
    student = net(tf.nn.dropout(x, 0.5))
    teacher = tf.nn.softmax(net(x, averages), name="teacher")
    sketch.v1.metrics.auc(truth, teacher)
    sketch.train(sketch.entropy(student, truth))
    ends = found(sketch)

    assert names(ends) == (["x:0"], ["teacher:0"])
    assert "moving averages" in ends.outputs[0].reason


def test_averages_that_make_targets_for_the_loss_are_not_used(sketch: Sketch) -> None:
    """A slow copy that a loss is told by answers nobody."""
    tf, x, later = sketch.tf, sketch.feed([None, 8], "x"), sketch.feed([None, 8], "later")
    reward, taken = sketch.feed([None], "reward"), sketch.feed([None, 3], "taken")
    net, averages = averaged_net(sketch)
    values = net(x)
    best = tf.stop_gradient(reward + tf.reduce_max(net(later, averages), 1))
    sketch.train(tf.reduce_mean(tf.square(best - tf.reduce_sum(values * taken, 1))))

    assert names(found(sketch)) == (["x:0"], [values.name])


def test_a_run_with_what_was_seen_in_training_is_the_one_for_use(sketch: Sketch) -> None:
    """Statistics under any name, and scaled before an example meets them; the other run has a form."""
    tf, v1, x = sketch.tf, sketch.v1, sketch.feed([None, 4, 4, 3], "x")
    wanted = sketch.feed([2, 4, 4, 3], "wanted")

    def net(pictures: Any, *, training: bool) -> Any:
        with v1.variable_scope("net", reuse=v1.AUTO_REUSE):
            w = v1.get_variable("w", [3, 3, 3, 3], use_resource=False)
            mean = v1.get_variable("mean", [3], trainable=False, use_resource=False)
            spread = v1.get_variable("spread", [3], trainable=False, use_resource=False)
        made = tf.nn.conv2d(pictures, w, 1, "SAME")
        if training:
            now, apart = tf.nn.moments(made, [0, 1, 2])
            with tf.control_dependencies([v1.assign(mean, mean * 0.9 + now * 0.1), v1.assign(spread, apart)]):
                return tf.tanh(tf.nn.batch_normalization(made, now, apart, None, None, 1e-3))
        return tf.tanh(tf.nn.batch_normalization(made, mean, spread, None, None, 1e-3))

    taught = tf.ensure_shape(net(x, training=True), [2, 4, 4, 3])
    used = net(x, training=False)
    with v1.variable_scope("judge", reuse=v1.AUTO_REUSE):
        real, fake = (sketch.dense(tf.reshape(p, [2, 48]), 1, "d") for p in (wanted, taught))
    cross = tf.nn.sigmoid_cross_entropy_with_logits
    judges = [v for v in v1.trainable_variables() if "judge" in v.name]
    makers = [v for v in v1.trainable_variables() if "judge" not in v.name]
    descent = v1.train.GradientDescentOptimizer(0.1)
    told = cross(labels=tf.ones_like(real), logits=real) + cross(labels=tf.zeros_like(fake), logits=fake)
    descent.minimize(tf.reduce_mean(told), var_list=judges)
    descent.minimize(tf.reduce_mean(cross(labels=tf.ones_like(fake), logits=fake)), var_list=makers)

    assert names(found(sketch)) == (["x:0"], [used.name])


def test_a_placeholder_that_no_loss_needs_is_there_for_use(sketch: Sketch) -> None:
    """The net is run once more for it; what else nobody reads belongs to the training."""
    tf, x, truth = sketch.tf, sketch.feed([None, 8], "x"), sketch.feed([None, 3], "truth")
    own = sketch.feed([None, 8], "own")

    def net(examples: Any) -> tuple[Any, Any]:
        hidden = tf.nn.relu(sketch.dense(examples, 6, "hidden"))
        return sketch.dense(hidden, 2, "style"), sketch.dense(hidden, 3, "scores")

    style, scores = net(x)
    tf.tanh(style)
    chances = tf.nn.softmax(net(own)[1], name="chances")
    rebuilt = sketch.dense(style, 8, "rebuilt")
    sketch.train(sketch.entropy(scores, truth) + tf.reduce_mean(tf.square(rebuilt - x)))

    assert names(found(sketch)) == (["own:0"], [chances.name])


def test_an_encoder_run_once_more_without_chance_is_wanted(sketch: Sketch) -> None:
    """Two noisy views are told from those of all others; a third view, without noise, nobody reads."""
    tf, x = sketch.tf, sketch.feed([4, 8], "x")

    def code(examples: Any) -> Any:
        return tf.nn.relu(sketch.dense(examples, 6, "code"))

    views = [
        tf.nn.l2_normalize(sketch.dense(code(x + tf.random.normal([4, 8])), 5, "head"), 1) for _ in range(2)
    ]
    clean = code(x)
    sketch.train(-tf.reduce_sum(tf.linalg.diag_part(tf.nn.log_softmax(tf.matmul(*views, transpose_b=True)))))

    assert names(found(sketch)) == (["x:0"], [clean.name])


def test_whom_the_layers_mislead_answers_nobody(sketch: Sketch) -> None:
    """The gradient of the domain goes back with its sign changed."""
    tf, x = sketch.tf, sketch.feed([None, 8], "x")
    truth, domain = sketch.feed([None, 3], "truth"), sketch.feed([None, 2], "domain")

    @tf.custom_gradient  # type: ignore[untyped-decorator]
    def turned(features: Any) -> Any:
        return tf.identity(features), lambda slope: -slope

    features = tf.nn.relu(sketch.dense(x, 6, "features"))
    chances = tf.nn.softmax(sketch.dense(features, 3, "classes"))
    where = sketch.dense(turned(features), 2, "domains")
    tf.nn.softmax(where)
    loss = -tf.reduce_mean(truth * tf.math.log(chances))
    sketch.train(loss + sketch.entropy(where, domain))

    assert names(found(sketch)) == (["x:0"], [chances.name])


@pytest.mark.parametrize("apart", [True, False])
def test_a_baseline_of_its_own_is_no_answer_beside_a_drawn_action(sketch: Sketch, apart: bool) -> None:
    """A value that shares layers with the actor is answered beside the action."""
    tf, x = sketch.tf, sketch.feed([None, 8], "x")
    gain, taken = sketch.feed([None, 1], "gain"), sketch.feed([None, 2], "taken")
    shared = tf.nn.relu(sketch.dense(x, 6, "shared"))
    value = sketch.dense(tf.nn.relu(sketch.dense(x, 6, "own")) if apart else shared, 1, "value")
    mean = tf.tanh(sketch.dense(shared, 2, "mean"))
    action = tf.clip_by_value(mean + tf.random.normal(tf.shape(mean)), -1.0, 1.0)
    likely = -tf.reduce_sum(tf.square(taken - mean), 1, keepdims=True)
    sketch.train(tf.reduce_mean(tf.square(gain - value)) - tf.reduce_mean(likely * gain))

    outputs = [action.name] if apart else sorted([value.name, action.name])
    assert sorted(names(found(sketch))[1]) == outputs


def test_a_policy_whose_weights_are_fed_is_trained(sketch: Sketch) -> None:
    """Somebody fetches its gradients and feeds all weights in one row; only the critic has an optimizer."""
    tf, v1, x = sketch.tf, sketch.v1, sketch.feed([None, 4], "x")
    taken, gain = sketch.feed([None, 2], "taken"), sketch.feed([None], "gain")
    chances = tf.nn.softmax(sketch.dense(x, 2, "policy"))
    weights = v1.trainable_variables()
    tf.gradients(tf.reduce_sum(tf.math.log(tf.reduce_sum(chances * taken, 1)) * gain), weights)
    sizes = [int(variable.shape.num_elements()) for variable in weights]
    parts = tf.split(sketch.feed([sum(sizes)], "theta"), sizes)
    for variable, part in zip(weights, parts, strict=True):
        v1.assign(variable, tf.reshape(part, variable.shape))
    value = sketch.dense(x, 1, "critic")
    loss = tf.reduce_mean(tf.square(value[:, 0] - gain))
    v1.train.AdamOptimizer().minimize(
        loss, var_list=[v for v in v1.trainable_variables() if "critic" in v.name]
    )

    assert chances.name in names(found(sketch))[1]


def test_states_cut_out_of_all_steps_by_name_are_told_once(sketch: Sketch) -> None:
    """A loop hands its last states out as well."""
    tf, v1, x = sketch.tf, sketch.v1, sketch.feed([5, None, 4], "x")
    state = sketch.feed([None, 6], "state")
    w = v1.get_variable("w", [10, 6], use_resource=False)
    steps = tf.scan(lambda s, now: tf.tanh(tf.matmul(tf.concat([now, s], 1), w)), x, initializer=state)
    last = tf.identity(steps[-1], "last")
    scores = sketch.dense(tf.reshape(steps, [-1, 6]), 3, "scores")
    sketch.train(sketch.entropy(scores, sketch.feed([None, 3], "truth")))

    assert names(found(sketch)) == (["x:0", "state:0"], [last.name, scores.name])


def test_what_a_label_is_mixed_with_for_a_decoder_is_no_answer(sketch: Sketch) -> None:
    """Capsules: the label chooses one to rebuild the digit from; their lengths say which it is."""
    tf, x, truth = sketch.tf, sketch.feed([None, 8], "x"), sketch.feed([None], "truth", "int64")
    own = tf.one_hot(truth, 3)
    hidden = tf.nn.relu(sketch.dense(tf.nn.relu(sketch.dense(x, 6, "first")), 6, "second"))
    capsules = tf.reshape(sketch.dense(hidden, 12, "capsules"), [-1, 3, 4])
    lengths = tf.sqrt(tf.reduce_sum(tf.square(capsules), 2) + 1e-9)
    chosen = tf.reshape(tf.squeeze(capsules) * own[:, :, None], [-1, 12])
    rebuilt = sketch.dense(tf.nn.relu(sketch.dense(chosen, 6, "inner")), 8, "rebuilt")
    margin = tf.reduce_mean(own * tf.square(tf.maximum(0.0, 0.9 - lengths)))
    right = tf.equal(tf.argmax(lengths, 1), truth)
    tf.reduce_mean(tf.cast(right, tf.float32))
    sketch.train(margin + tf.reduce_mean(tf.square(tf.sigmoid(rebuilt) - x)))

    assert names(found(sketch)) == (["x:0"], [lengths.name])


def test_a_sampled_code_that_may_be_fed_is_no_input(sketch: Sketch) -> None:
    """The example has a default of its own, from a pipeline; the code's default is drawn around its mean."""
    tf, v1 = sketch.tf, sketch.v1
    pixels = v1.data.make_one_shot_iterator(tf.data.Dataset.from_tensors(tf.zeros([4, 8]))).get_next()
    x = v1.placeholder_with_default(pixels, [None, 8], name="x")
    mean = sketch.dense(x, 3, "mean")
    code = v1.placeholder_with_default(mean + tf.random.normal(tf.shape(mean)), [None, 3], name="code")
    rebuilt = tf.sigmoid(sketch.dense(code, 8, "decoder"))
    sketch.train(tf.reduce_mean(tf.square(rebuilt - x)) + tf.reduce_mean(tf.square(mean)))

    assert names(found(sketch)) == (["x:0"], [rebuilt.name])


def test_lengths_that_mask_decisions_are_fed(sketch: Sketch) -> None:
    """No layer meets them; steps are counted up to them, and the masked tags have a name."""
    tf, v1 = sketch.tf, sketch.v1
    words, lengths = sketch.feed([None, 5], "words", "int32"), sketch.feed([None], "lengths", "int32")
    tags = sketch.feed([None, 5], "tags", "int32")
    table = v1.get_variable("table", [9, 6], use_resource=False)
    hidden = tf.reshape(tf.nn.embedding_lookup(table, words), [-1, 6])
    scores = tf.reshape(sketch.dense(hidden, 4, "scores"), [-1, 5, 4])
    mask = tf.sequence_mask(lengths, 5)
    best = tf.multiply(tf.argmax(scores, -1, output_type=tf.int32), tf.cast(mask, tf.int32), name="best")
    losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=tags, logits=scores)
    sketch.train(tf.reduce_mean(tf.boolean_mask(losses, mask)))
    tf.reduce_mean(tf.cast(tf.boolean_mask(tf.equal(best, tags), mask), tf.float32))
    ends = found(sketch)

    assert names(ends) == (["words:0", "lengths:0"], ["best:0"])
    assert ends.outputs[0].kind == "classes"
    assert role(ends, "tags:0") == "label"


def test_boxes_from_elsewhere_say_where_the_model_goes_on(sketch: Sketch) -> None:
    """True masks are cut by the same boxes, which are no labels for that."""
    tf, v1, x = sketch.tf, sketch.v1, sketch.feed([1, 16, 16, 3], "x")
    boxes, masks = sketch.feed([None, 4], "boxes"), sketch.feed([1, 16, 16, 1], "masks")
    first = v1.get_variable("first", [3, 3, 3, 4], use_resource=False)
    second = v1.get_variable("second", [3, 3, 4, 1], use_resource=False)
    which = tf.zeros([tf.shape(boxes)[0]], tf.int32)
    parts = tf.image.crop_and_resize(tf.nn.relu(tf.nn.conv2d(x, first, 1, "SAME")), boxes, which, [4, 4])
    scores = tf.nn.conv2d(parts, second, 1, "SAME")
    truth = tf.round(tf.image.crop_and_resize(masks, boxes, which, [4, 4]))
    chances = tf.sigmoid(scores)
    tf.reduce_mean(tf.round(chances) * truth)
    loss = tf.nn.sigmoid_cross_entropy_with_logits(labels=truth, logits=scores)
    sketch.train(tf.reduce_mean(loss))

    assert names(found(sketch)) == (["x:0", "boxes:0"], [chances.name])


def test_a_filled_hole_is_shown_in_its_picture(sketch: Sketch) -> None:
    """What was seen is pasted back; a mask that is drawn, between two pictures, is another thing."""
    tf, v1 = sketch.tf, sketch.v1
    x, mask = sketch.feed([None, 8, 8, 3], "x"), sketch.feed([None, 8, 8, 1], "mask")
    w = v1.get_variable("w", [3, 3, 4, 3], use_resource=False)
    seen = x * (1.0 - mask)
    filled = tf.tanh(tf.nn.conv2d(tf.concat([seen, mask], 3), w, 1, "SAME"))
    whole = filled * mask + seen
    v1.summary.image("whole", whole)
    sketch.train(tf.reduce_mean(tf.abs(filled - x)))

    assert names(found(sketch)) == (["x:0", "mask:0"], [whole.name])


def test_scales_joined_for_one_loss_are_all_answers(sketch: Sketch) -> None:
    """Each scale's boxes go into one comparison; the last does not stand for the others."""
    tf, v1, x = sketch.tf, sketch.v1, sketch.feed([2, 8, 8, 3], "x")
    truth, net, boxes = sketch.feed([2, 20, 4], "truth"), x, []
    for k in range(2):
        net = tf.nn.relu(
            tf.nn.conv2d(net, v1.get_variable(f"w{k}", [3, 3, 3, 3], use_resource=False), 2, "SAME")
        )
        made = tf.nn.conv2d(net, v1.get_variable(f"b{k}", [1, 1, 3, 4], use_resource=False), 1, "SAME")
        boxes.append(tf.reshape(made, [2, *made.shape[1:3], 1, 4]))
    with v1.name_scope("losses"):
        joined = tf.concat([tf.reshape(scale, [2, -1, 4]) for scale in boxes], 1)
        sketch.train(tf.reduce_mean(tf.abs(joined - truth)))

    assert names(found(sketch)) == (["x:0"], [scale.name for scale in boxes])


def test_a_check_that_nobody_reads_is_no_answer(sketch: Sketch) -> None:
    """It stops the step where numbers are none; its result goes nowhere."""
    tf, x = sketch.tf, sketch.feed([None, 8], "x")
    rebuilt = sketch.dense(tf.nn.relu(sketch.dense(x, 3, "code")), 8, "rebuilt")
    errors = tf.reduce_mean(tf.square(rebuilt - x), 1, name="errors")
    check = sketch.v1.check_numerics(rebuilt + 1.0, "rebuilt")
    with tf.control_dependencies([check]):
        loss = tf.reduce_mean(errors)
    sketch.train(loss)

    assert check.name not in names(found(sketch))[1]


def test_a_map_is_fetched_where_the_chances_are_for_the_loss_alone(sketch: Sketch) -> None:
    """The softmax is of flattened scores; the map is measured, and drawn with an axis more."""
    tf, v1, x = sketch.tf, sketch.v1, sketch.feed([2, 8, 8, 3], "x")
    truth = sketch.feed([2, 8, 8], "truth", "int64")
    scores = tf.nn.conv2d(x, v1.get_variable("w", [3, 3, 3, 5], use_resource=False), 1, "SAME")
    chances = tf.nn.softmax(tf.reshape(scores, [-1, 5]) + 1e-10)
    told = tf.one_hot(tf.reshape(truth, [-1]), 5) * tf.math.log(chances + 1e-10) * [1.0, 2.0, 1.0, 1.0, 3.0]
    best = tf.argmax(scores, 3)
    v1.metrics.mean_iou(truth, best, 5)
    v1.summary.image("best", tf.cast(tf.expand_dims(best, 3) * 40, tf.uint8))
    sketch.train(-tf.reduce_mean(tf.reduce_sum(told, 1)))

    assert names(found(sketch)) == (["x:0"], [best.name])


def test_points_are_told_by_the_maps_that_they_are_read_off(sketch: Sketch) -> None:
    """A measure takes places in pictures; what is fetched are the chances of each place."""
    tf, v1, x = sketch.tf, sketch.v1, sketch.feed([None, 8, 8, 3], "x")
    maps = sketch.feed([None, 8, 8, 2], "maps")
    scores = tf.nn.conv2d(x, v1.get_variable("w", [3, 3, 3, 2], use_resource=False), 1, "SAME")

    def points(heat: Any) -> Any:
        place = tf.argmax(tf.reshape(heat, [-1, 64, 2]), 1)
        return tf.cast(tf.stack([place % 8, place // 8], -1), tf.float32)

    heat = tf.sigmoid(scores, name="heat")
    tf.reduce_mean(tf.norm(points(heat) - points(maps), axis=-1))
    loss = tf.nn.sigmoid_cross_entropy_with_logits(labels=maps, logits=tf.stack([scores], 1)[:, 0])
    sketch.train(tf.reduce_mean(loss))

    assert names(found(sketch)) == (["x:0"], [heat.name])


def test_a_softmax_over_an_inner_axis_is_fetched_turned_back(sketch: Sketch) -> None:
    """TensorFlow turns the axis to the end for it, and back."""
    tf, x, truth = sketch.tf, sketch.feed([None, 8], "x"), sketch.feed([None, 3, 2], "truth")
    scores = tf.reshape(sketch.dense(x, 6, "scores"), [-1, 3, 2])
    chances = tf.nn.softmax(scores, axis=1)
    sketch.train(-tf.reduce_mean(truth * tf.math.log(chances)))

    assert chances.op.type == "Transpose"
    assert names(found(sketch)) == (["x:0"], [chances.name])


def test_embeddings_dealt_out_by_threes_are_fetched_as_they_were(sketch: Sketch) -> None:
    """The form with an axis of three is for the loss of triplets."""
    tf, x = sketch.tf, sketch.feed([None, 8], "x")
    codes = tf.nn.l2_normalize(sketch.dense(x, 4, "code"), 1, name="codes")
    anchor, same, other = tf.unstack(tf.reshape(codes, [-1, 3, 4]), 3, 1)
    near, far = (tf.reduce_sum(tf.square(anchor - one), 1) for one in (same, other))
    sketch.train(tf.reduce_mean(tf.maximum(near - far + 0.2, 0.0)))

    assert names(found(sketch)) == (["x:0"], [codes.name])


def test_a_search_among_all_words_is_what_is_used(sketch: Sketch) -> None:
    """Words are learned from pairs; who asks for neighbours feeds a placeholder that no loss needs."""
    tf, v1 = sketch.tf, sketch.v1
    words, near = sketch.feed([None], "words", "int32"), sketch.feed([None], "near", "int32")
    query = sketch.feed([None], "query", "int32")
    table, context = (v1.get_variable(name, [9, 4], use_resource=False) for name in ("table", "context"))
    pairs = tf.nn.embedding_lookup(table, words) * tf.nn.embedding_lookup(context, near)
    told = sketch.feed([None], "told")
    loss = tf.nn.sigmoid_cross_entropy_with_logits(labels=told, logits=tf.reduce_sum(pairs, 1))
    sketch.train(tf.reduce_mean(loss))
    norm = tf.nn.l2_normalize(table, 1)
    alike = tf.matmul(tf.nn.embedding_lookup(norm, query), norm, transpose_b=True)
    best = tf.nn.top_k(alike, 3)

    assert names(found(sketch)) == (["query:0"], [best.values.name, best.indices.name])


def test_words_that_a_loop_writes_in_a_training_are_the_answer(sketch: Sketch) -> None:
    """The scores of the true words are for the loss; nothing inside of the loop can be fetched."""
    tf, v1 = sketch.tf, sketch.v1
    words = sketch.feed([2, 4], "words", "int32")
    table = v1.get_variable("table", [9, 6], use_resource=False)

    def scores(ids: Any) -> Any:
        hidden = tf.nn.relu(
            sketch.dense(tf.reshape(tf.nn.embedding_lookup(table, ids), [-1, 6]), 6, "hidden")
        )
        return tf.reshape(sketch.dense(hidden, 9, "scores"), [2, -1, 9])

    told = scores(words)[:, :-1]
    loss = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=words[:, 1:], logits=told)
    sketch.train(tf.reduce_mean(loss))

    def step(i: Any, last: Any, so_far: Any) -> tuple[Any, Any, Any]:
        drawn = tf.random.categorical(scores(last)[:, -1], 1, dtype=tf.int32)
        return i + 1, drawn, tf.concat([so_far, drawn], 1)

    form = [tf.TensorShape([]), tf.TensorShape([2, 1]), tf.TensorShape([2, None])]
    start = [0, words[:, -1:], words]
    _, _, written = tf.while_loop(lambda i, *_: i < 3, step, start, shape_invariants=form)

    assert names(found(sketch)) == (["words:0"], [written.name])
