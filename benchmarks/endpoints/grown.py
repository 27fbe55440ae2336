"""Graphs with what real programs leave in them: spare layers, fed states, losses written out, copies."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from benchmarks.endpoints.cases import Truth, Truths, case
from benchmarks.endpoints.layers import (
    Gru,
    Lstm,
    attention,
    conv,
    cross_entropy,
    deconv,
    dense,
    flatten,
    layer_norm,
    pool,
    v1,
    weight,
)

Tensor = Any


@case("transformer")
def encoder_with_all_layers() -> Truth:
    """No optimizer; every layer's result is also given in the form of a batch, and nobody reads that."""
    ids = v1.placeholder(tf.int32, [None, 12], name="tokens")
    mask = v1.placeholder(tf.int32, [None, 12], name="mask")
    x = tf.nn.embedding_lookup(weight("words", [90, 16]), ids)
    flat = tf.reshape(x, [-1, 16])
    for k in range(3):
        x = tf.reshape(flat, [-1, 12, 16])
        x = layer_norm(x + attention(x, 2, f"attention_{k}", mask), f"norm_{k}")
        flat = dense(tf.reshape(x, [-1, 16]), 16, f"out_{k}", tf.nn.relu)
        tf.reshape(flat, [tf.shape(ids)[0], 12, 16])
    first = tf.squeeze(tf.reshape(flat, [-1, 12, 16])[:, :1], axis=1)
    return [ids, mask], [tf.nn.softmax(dense(dense(first, 16, "pool", tf.tanh), 4, "topic"))]


@case("sequence")
def composer_with_fed_state() -> Truth:
    """The state comes in, and the state after the last note goes out to be fed again."""
    notes = v1.placeholder(tf.int32, [1, None], name="notes")
    following = v1.placeholder(tf.int32, [1, None], name="following")
    c = v1.placeholder(tf.float32, [1, 12], name="memory")
    h = v1.placeholder(tf.float32, [1, 12], name="hidden")
    x = tf.nn.embedding_lookup(weight("note_vectors", [50, 6]), notes)
    outputs, (new_c, new_h) = v1.nn.dynamic_rnn(Lstm(12), x, initial_state=(c, h))
    logits = dense(tf.reshape(outputs, [-1, 12]), 50, "to_note")
    loss = cross_entropy(logits, tf.reshape(following, [-1]))
    v1.train.AdamOptimizer().minimize(loss)
    return [notes, c, h], [tf.nn.softmax(logits), new_c, new_h]


@case("sequence")
def one_step_with_fed_state() -> Truth:
    """One step of a gated cell for each call; the caller keeps the state."""
    item = v1.placeholder(tf.int32, [4], name="clicked")
    target = v1.placeholder(tf.int32, [4], name="bought")
    state = v1.placeholder(tf.float32, [4, 10], name="session")
    x = tf.nn.embedding_lookup(weight("items", [60, 8]), item)
    _, new = Gru(10)(x, state)
    logits = dense(new, 60, "scores")
    v1.train.AdamOptimizer().minimize(cross_entropy(logits, target))
    return [item, state], [tf.nn.softmax(logits), new]


@case("regression")
def loss_in_another_precision() -> Truth:
    """The loss converts the prediction before it compares it."""
    x = v1.placeholder(tf.float64, [None, 3])
    y = v1.placeholder(tf.float64, [None, 1])
    with v1.variable_scope("net", dtype=tf.float64):
        w = v1.get_variable("w", [3, 1], dtype=tf.float64)
        b = v1.get_variable("b", [1], dtype=tf.float64)
    prediction = tf.matmul(x, w) + b
    difference = tf.cast(prediction, tf.float32) - tf.cast(y, tf.float32)
    v1.train.AdamOptimizer().minimize(tf.reduce_mean(difference**2))
    return [x], [prediction]


@case("sequence")
def next_symbol_of_its_own_input() -> Truth:
    """The labels are the input itself, one step on; the last step has none."""
    symbols = v1.placeholder(tf.int32, [2, None])
    x = tf.nn.embedding_lookup(weight("symbols", [70, 12]), symbols)
    x = layer_norm(x + attention(x, 2, "attention"), "norm")
    logits = dense(dense(x, 24, "wide", tf.nn.relu), 70, "symbol")
    entropy = v1.nn.sparse_softmax_cross_entropy_with_logits(labels=symbols[:, 1:], logits=logits[:, :-1])
    v1.train.AdamOptimizer().minimize(tf.reduce_mean(entropy))
    return [symbols], [logits]


@case("detector")
def grid_in_one_vector() -> Truth:
    """A fully connected layer makes all cells at once; the loss cuts and shapes its parts."""
    x = v1.placeholder(tf.float32, [None, 32, 32, 3], name="photo")
    cells = v1.placeholder(tf.float32, [None, 3, 3, 9], name="cells")
    h = flatten(pool(conv(pool(conv(x, 4, 3, "a")), 8, 3, "b"), 4))
    out = dense(dense(h, 20, "hidden", tf.nn.relu), 81, "cells_out")
    kinds = tf.reshape(out[:, :36], [-1, 3, 3, 4])
    sure = tf.reshape(out[:, 36:45], [-1, 3, 3, 1])
    boxes = tf.reshape(out[:, 45:], [-1, 3, 3, 4])
    there = cells[..., :1]
    loss = tf.reduce_sum(there * (kinds - cells[..., 5:]) ** 2) + tf.reduce_sum((sure - there) ** 2)
    loss += 5.0 * tf.reduce_sum(there * (boxes - cells[..., 1:5]) ** 2)
    v1.train.AdamOptimizer().minimize(loss)
    return [x], [out]


@case("sequence")
def writes_on_and_on() -> Truth:
    """A loop appends what it draws; it also keeps the last symbol, to go on from."""
    prompt = v1.placeholder(tf.int32, [1, None])
    table, w = weight("table", [40, 8]), weight("out", [8, 40])

    def body(last: Tensor, text: Tensor) -> tuple[Tensor, Tensor]:
        h = tf.tanh(tf.nn.embedding_lookup(table, last))
        drawn = v1.multinomial(tf.matmul(h, w), 1, output_dtype=tf.int32)
        return tf.reshape(drawn, [1]), tf.concat([text, drawn], 1)

    _, text = v1.while_loop(
        lambda last, text: tf.shape(text)[1] < 30, body, [prompt[:, -1], prompt],
        shape_invariants=[tf.TensorShape([1]), tf.TensorShape([1, None])],
    )  # fmt: skip
    return [prompt], [text]


@case("reinforcement")
def steering_one_car() -> Truth:
    """One example at a time: squeezed to single numbers, drawn from, and cut to what the car can do."""
    seen = v1.placeholder(tf.float32, [1, 6], name="sensors")
    done = v1.placeholder(tf.float32, None, name="steered")
    better = v1.placeholder(tf.float32, None, name="advantage")
    h = dense(seen, 16, "hidden", tf.nn.relu)
    mean = tf.squeeze(dense(h, 1, "mean", tf.tanh) * 2.0)
    spread = tf.squeeze(dense(h, 1, "spread", tf.nn.softplus) + 0.1)
    drawn = mean + spread * v1.random_normal([1])
    action = tf.clip_by_value(drawn, -2.0, 2.0)
    likely = -((done - mean) ** 2) / (2.0 * spread**2) - v1.log(spread)
    v1.train.AdamOptimizer().minimize(-tf.reduce_mean(likely * better))
    return [seen], [action]


@case("graph net")
def papers_with_sparse_words() -> Truth:
    """Sparse features whose shape the author knows, and a sparse neighbourhood whose shape is fed."""
    words = v1.sparse_placeholder(tf.float32, shape=[50, 30])
    links = v1.sparse_placeholder(tf.float32)
    label = v1.placeholder(tf.float32, [None, 5])
    h = v1.sparse_tensor_dense_matmul(words, weight("w1", [30, 8]))
    h = tf.nn.relu(v1.sparse_tensor_dense_matmul(links, h))
    logits = v1.sparse_tensor_dense_matmul(links, tf.matmul(h, weight("w2", [8, 5])))
    v1.train.AdamOptimizer().minimize(cross_entropy(logits, label))
    parts = [words.indices, words.values, links.indices, links.values, links.dense_shape]
    return parts, [tf.nn.softmax(logits)]


@case("reinforcement")
def slow_copy_with_its_own_trainer() -> Truth:
    """The slow net is made by the same function, trainer and all, and set to the fast one now and then."""
    values, states = [], []
    for scope in ("fast", "slow"):
        with v1.variable_scope(scope):
            state = v1.placeholder(tf.float32, [None, 5], name="state")
            goal = v1.placeholder(tf.float32, [None], name="goal")
            taken = v1.placeholder(tf.int32, [None], name="taken")
            q = dense(dense(state, 12, "h", tf.nn.relu), 3, "q")
            chosen = tf.reduce_sum(q * tf.one_hot(taken, 3), 1)
            v1.train.RMSPropOptimizer(0.01).minimize(tf.reduce_mean((goal - chosen) ** 2))
            values.append(q)
            states.append(state)
    fast, slow = (v1.trainable_variables(scope) for scope in ("fast", "slow"))
    tf.group(*(v1.assign(s, f) for f, s in zip(fast, slow, strict=True)))
    return [states[0]], [values[0]]


@case("autoencoder")
def decoder_for_chosen_codes() -> Truth:
    """The decoder is made twice: behind the encoder, and for codes that somebody feeds."""
    x = v1.placeholder(tf.float32, [None, 40], name="seen")
    wanted = v1.placeholder(tf.float32, [None, 40], name="wanted")
    code = v1.placeholder(tf.float32, [None, 3], name="code")
    h = dense(x, 16, "encoder", tf.nn.elu)
    mean, spread = dense(h, 3, "mean"), tf.nn.softplus(dense(h, 3, "spread"))
    z = mean + spread * v1.random_normal(tf.shape(mean))
    shown = dense(dense(z, 16, "decoder", tf.tanh), 40, "pixels", tf.sigmoid)
    dense(dense(code, 16, "decoder", tf.tanh), 40, "pixels", tf.sigmoid)
    like = wanted * v1.log(1e-8 + shown) + (1 - wanted) * v1.log(1e-8 + 1 - shown)
    apart = 0.5 * tf.reduce_sum(mean**2 + spread**2 - v1.log(1e-8 + spread**2) - 1, 1)
    v1.train.AdamOptimizer().minimize(tf.reduce_mean(apart - tf.reduce_sum(like, 1)))
    return [x], [shown]


def _painter(x: Tensor, scope: str) -> Tensor:
    with v1.variable_scope(scope, reuse=v1.AUTO_REUSE):
        return deconv(conv(x, 6, 3, "down", stride=2), 3, 4, "up", activation=tf.tanh)


def _critic(x: Tensor, scope: str) -> Tensor:
    with v1.variable_scope(scope, reuse=v1.AUTO_REUSE):
        return conv(conv(x, 6, 3, "c1", stride=2), 1, 3, "c2", activation=None)


@case("adversarial")
def summer_and_winter() -> Truth:
    """Two painters in a circle, each judged, and a copy of each for pictures that somebody feeds."""
    both = v1.placeholder(tf.float32, [None, 16, 16, 6], name="pairs")
    summer, winter = both[..., :3], both[..., 3:]
    fake_winter, fake_summer = _painter(summer, "to_winter"), _painter(winter, "to_summer")
    circle = tf.reduce_mean(tf.abs(_painter(fake_winter, "to_summer") - summer))
    circle += tf.reduce_mean(tf.abs(_painter(fake_summer, "to_winter") - winter))
    fool = tf.reduce_mean((_critic(fake_winter, "is_winter") - 1) ** 2)
    fool += tf.reduce_mean((_critic(fake_summer, "is_summer") - 1) ** 2)
    judge = tf.reduce_mean((_critic(winter, "is_winter") - 1) ** 2 + _critic(fake_winter, "is_winter") ** 2)
    judge += tf.reduce_mean((_critic(summer, "is_summer") - 1) ** 2 + _critic(fake_summer, "is_summer") ** 2)
    painters = v1.trainable_variables("to_")
    judges = v1.trainable_variables("is_")
    v1.train.AdamOptimizer(1e-3).minimize(fool + 10.0 * circle, var_list=painters)
    v1.train.AdamOptimizer(1e-3).minimize(judge, var_list=judges)
    a = v1.placeholder(tf.float32, [None, 16, 16, 3])
    b = v1.placeholder(tf.float32, [None, 16, 16, 3])
    return [a, b], [_painter(a, "to_winter"), _painter(b, "to_summer")]


@case("detector")
def stages_with_one_too_many() -> Truth:
    """Each stage gets what the last one found; the last one's is put together for nobody."""
    x = v1.placeholder(tf.float32, [None, 32, 32, 3], name="person")
    joints = v1.placeholder(tf.float32, [None, 16, 16, 4], name="joints")
    limbs = v1.placeholder(tf.float32, [None, 16, 16, 6], name="limbs")
    features = conv(x, 8, 3, "features", stride=2)
    h, loss = features, 0.0
    for k in range(2):
        a = conv(conv(h, 8, 3, f"stage{k}"), 4, 1, f"joints{k}", activation=None)
        b = conv(conv(h, 8, 3, f"stage{k}"), 6, 1, f"limbs{k}", activation=None)
        loss += tf.nn.l2_loss(a - joints) + tf.nn.l2_loss(b - limbs)
        h = tf.concat([a, b, features], 3)
    v1.train.AdamOptimizer().minimize(loss)
    return [x], [tf.concat([a, b], 3, name="found")]


@case("classifier")
def averages_start_from_first_values() -> Truth:
    """Moving averages start where the weights do: each has a conditional on whether there are values."""
    x = v1.placeholder(tf.float32, [None, 16, 16, 1], name="digit")
    y = v1.placeholder(tf.int64, [None], name="which")
    logits = dense(flatten(pool(conv(x, 4, 3, "c1"), 4)), 10, "fc")
    variables = v1.trainable_variables()
    step = v1.train.AdamOptimizer().minimize(cross_entropy(logits, y))
    averages = v1.train.ExponentialMovingAverage(0.99)
    with v1.control_dependencies([step]):
        averages.apply(variables)
    return [x], [logits]


@case("adversarial")
def painter_shown_as_file() -> Truth:
    """Saved without its optimizers: nets on stored noise for the losses, and one that writes a file."""
    kept = v1.placeholder(tf.float32, [1, 16, 16, 3], name="earlier")
    real = v1.random_uniform([1, 16, 16, 3])
    fake = _painter(real, "painter")
    v1.summary.scalar("fool", tf.reduce_mean((_critic(fake, "critic") - 0.9) ** 2))
    judge = tf.reduce_mean((_critic(real, "critic") - 0.9) ** 2) + tf.reduce_mean(
        _critic(kept, "critic") ** 2
    )
    v1.summary.scalar("judge", judge / 2.0)
    photo = v1.placeholder(tf.float32, [16, 16, 3], name="photo")
    painted = tf.squeeze(_painter(photo[tf.newaxis], "painter"), [0])
    jpeg = tf.image.encode_jpeg(tf.image.convert_image_dtype((painted + 1.0) / 2.0, tf.uint8))
    return [photo], [tf.identity(jpeg, name="file")]


@case("reinforcement")
def pilot_and_its_critic() -> Truth:
    """The critic learns from what happened; the pilot goes up what the critic says of its action."""
    seen = v1.placeholder(tf.float32, [None, 5], name="now")
    seen_next = v1.placeholder(tf.float32, [None, 5], name="next")
    gain = v1.placeholder(tf.float32, [None, 1], name="gain")

    def pilot(x: Tensor, scope: str) -> Tensor:
        with v1.variable_scope(scope):
            return dense(dense(x, 12, "h", tf.nn.relu), 2, "a", tf.tanh) * 3.0

    def critic(x: Tensor, a: Tensor, scope: str) -> Tensor:
        with v1.variable_scope(scope):
            h = tf.nn.relu(
                tf.matmul(x, weight("of_seen", [5, 12])) + tf.matmul(a, weight("of_done", [2, 12]))
            )
            return dense(h, 1, "worth")

    action = pilot(seen, "pilot")
    worth = critic(seen, action, "critic")
    later = critic(seen_next, pilot(seen_next, "slow_pilot"), "slow_critic")
    own, judge = v1.trainable_variables("pilot"), v1.trainable_variables("critic")
    v1.train.AdamOptimizer().minimize(tf.reduce_mean((gain + 0.9 * later - worth) ** 2), var_list=judge)
    v1.train.AdamOptimizer().minimize(-tf.reduce_mean(worth), var_list=own)
    for slow, fast in (("slow_pilot", own), ("slow_critic", judge)):
        for s, f in zip(v1.trainable_variables(slow), fast, strict=True):
            v1.assign(s, 0.99 * s + 0.01 * f)
    return [seen], [action]


@case("image to image")
def sharpened_for_fixed_eyes() -> Truth:
    """A net for photos is trained by what fixed layers see in them; their weights are constants."""
    photo = v1.placeholder(tf.float32, [None, 24, 24, 3], name="blurred")
    sharp = 127.5 * (conv(conv(photo, 8, 3, "a"), 3, 3, "b", activation=tf.tanh) + 1.0)

    def see(x: Tensor) -> Tensor:
        x = x - 120.0
        for width, depth in ((3, 6), (6, 9)):
            eyes = tf.constant([0.01 * (k % 7) for k in range(9 * width * depth)], shape=[3, 3, width, depth])
            x = pool(tf.nn.relu(v1.nn.conv2d(x, eyes, [1, 1, 1, 1], "SAME")))
        return x

    loss = tf.reduce_mean((see(sharp) - see(photo)) ** 2)
    loss += tf.reduce_sum(tf.abs(sharp[:, 1:] - sharp[:, :-1]))
    v1.train.AdamOptimizer().minimize(loss)
    return [photo], [sharp]


@case("transformer")
def first_and_last_word() -> Truth:
    """Where an answer begins and where it ends, taken apart by whoever fetches them."""
    ids = v1.placeholder(tf.int32, [None, 10], name="words")
    x = tf.nn.embedding_lookup(weight("vectors", [60, 8]), ids)
    both = tf.transpose(dense(layer_norm(x + attention(x, 2, "look"), "norm"), 2, "ends"), [2, 0, 1])
    first, last = tf.unstack(both, axis=0)
    return [ids], [first, last]


@case("sequence")
def tags_with_scored_pairs() -> Truths:
    """Tags are scored by themselves and by pairs: the table of pairs is a parameter that labels meet."""
    words = v1.placeholder(tf.int32, [None, 9], name="sentence")
    tags = v1.placeholder(tf.int32, [None, 9], name="tags")
    x = tf.nn.embedding_lookup(weight("vectors", [80, 10]), words)
    outputs, _ = v1.nn.dynamic_rnn(Gru(12), x, dtype=tf.float32)
    scores = dense(outputs, 6, "tag")
    pairs = weight("pairs", [6, 6])
    said = tf.reduce_sum(scores * tf.one_hot(tags, 6), [1, 2])
    said += tf.reduce_sum(tf.gather(tf.reshape(pairs, [-1]), tags[:, :-1] * 6 + tags[:, 1:]), 1)
    alpha = scores[:, 0]
    for k in range(1, 9):
        alpha = tf.reduce_logsumexp(alpha[:, :, tf.newaxis] + pairs, 1) + scores[:, k]
    v1.train.AdamOptimizer().minimize(tf.reduce_mean(tf.reduce_logsumexp(alpha, 1) - said))
    return [([words], [scores]), ([words], [scores, pairs])]
