"""Graphs as homework, courses and re-run notebooks left them."""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf

from benchmarks.endpoints.bricks import (
    Gru,
    Lstm,
    both_ways,
    conv2d,
    embed,
    flat,
    halve,
    linear,
    norm,
    rnn,
    sparse_xent,
)
from benchmarks.endpoints.cases import Truth, Truths, case, v1

Tensor = Any


@case("classifier")
def hand_signs_in_columns() -> Truth:
    """A course's assignment: each example is a column, and only the cost turns them."""
    x = v1.placeholder(tf.float32, [192, None], name="X")
    y = v1.placeholder(tf.float32, [6, None], name="Y")
    sizes = [192, 25, 12, 6]
    z = a = x
    for i in range(1, 4):
        w = v1.get_variable(
            f"W{i}", [sizes[i], sizes[i - 1]], initializer=v1.glorot_uniform_initializer(seed=1)
        )
        b = v1.get_variable(f"b{i}", [sizes[i], 1], initializer=v1.zeros_initializer())
        z = tf.add(tf.matmul(w, a), b)
        a = tf.nn.relu(z) if i < 3 else z
    logits, labels = tf.transpose(z), tf.transpose(y)
    cost = tf.reduce_mean(v1.nn.softmax_cross_entropy_with_logits(logits=logits, labels=labels))
    v1.train.AdamOptimizer(1e-4).minimize(cost)
    tf.reduce_mean(tf.cast(tf.equal(tf.argmax(z), tf.argmax(y)), "float"))
    return [x], [z]


@case("kernel machine")
def two_rings_by_support_vectors() -> Truths:
    """A cookbook's dual with a Gaussian kernel: the known points are fed with the grid to be told."""
    x_data = v1.placeholder(shape=[None, 2], dtype=tf.float32)
    y_target = v1.placeholder(shape=[None, 1], dtype=tf.float32)
    prediction_grid = v1.placeholder(shape=[None, 2], dtype=tf.float32)
    b = tf.Variable(tf.random.normal(shape=[1, 150]))
    gamma = tf.constant(-50.0)

    def kernel(left: Tensor, right: Tensor) -> Tensor:
        r_a = tf.reshape(tf.reduce_sum(tf.square(left), 1), [-1, 1])
        r_b = tf.reshape(tf.reduce_sum(tf.square(right), 1), [-1, 1])
        dist = tf.add(tf.subtract(r_a, 2.0 * tf.matmul(left, tf.transpose(right))), tf.transpose(r_b))
        return tf.exp(tf.multiply(gamma, tf.abs(dist)))

    my_kernel = kernel(x_data, x_data)
    first_term = tf.reduce_sum(b)
    b_cross = tf.matmul(tf.transpose(b), b)
    y_cross = tf.matmul(y_target, tf.transpose(y_target))
    second_term = tf.reduce_sum(tf.multiply(my_kernel, tf.multiply(b_cross, y_cross)))
    loss = tf.negative(tf.subtract(first_term, second_term))
    prediction_output = tf.matmul(tf.multiply(tf.transpose(y_target), b), kernel(x_data, prediction_grid))
    prediction = tf.sign(prediction_output - tf.reduce_mean(prediction_output))
    tf.reduce_mean(tf.cast(tf.equal(tf.squeeze(prediction), tf.squeeze(y_target)), tf.float32))
    v1.train.GradientDescentOptimizer(0.002).minimize(loss)
    fed = [x_data, y_target, prediction_grid]
    return [(fed, [prediction]), (fed, [prediction_output])]


@case("energy model")
def films_by_a_boltzmann_machine() -> Truth:
    """Contrastive divergence by assignments, no optimizer; the visitor's ratings are made anew."""
    v0 = v1.placeholder("float", [None, 40])
    w = tf.Variable(tf.random.normal([40, 12], stddev=0.01))
    vb, hb = tf.Variable(tf.zeros([40])), tf.Variable(tf.zeros([12]))

    def sample(p: Tensor) -> Tensor:
        return tf.nn.relu(tf.sign(p - v1.random_uniform(tf.shape(p))))

    h0 = sample(tf.nn.sigmoid(tf.matmul(v0, w) + hb))
    v1_ = sample(tf.nn.sigmoid(tf.matmul(h0, tf.transpose(w)) + vb))
    h1 = tf.nn.sigmoid(tf.matmul(v1_, w) + hb)
    grad = tf.matmul(tf.transpose(v0), h0) - tf.matmul(tf.transpose(v1_), h1)
    v1.assign_add(w, 0.1 * grad / tf.cast(tf.shape(v0)[0], tf.float32))
    v1.assign_add(vb, 0.1 * tf.reduce_mean(v0 - v1_, 0))
    v1.assign_add(hb, 0.1 * tf.reduce_mean(h0 - h1, 0))
    tf.reduce_mean((v0 - v1_) * (v0 - v1_))
    hh0 = tf.nn.sigmoid(tf.matmul(v0, w) + hb)
    vv1 = tf.nn.sigmoid(tf.matmul(hh0, tf.transpose(w)) + vb)
    return [v0], [vv1]


@case("clustering")
def colours_on_a_map_of_neighbours() -> Truths:
    """A self-organizing map: one colour at a time, the best unit and those near it move."""
    rows, columns = 8, 8
    weights = tf.Variable(tf.random.normal([rows * columns, 3]))
    places = tf.constant(np.array([[i, j] for i in range(rows) for j in range(columns)]))
    vect_input = v1.placeholder("float", [3])
    iter_input = v1.placeholder("float")
    stacked = tf.stack([vect_input for _ in range(rows * columns)])
    bmu_index = tf.argmin(tf.sqrt(tf.reduce_sum(tf.pow(tf.subtract(weights, stacked), 2), 1)), 0)
    slice_input = tf.pad(tf.reshape(bmu_index, [1]), np.array([[0, 1]]))
    bmu_loc = tf.reshape(tf.slice(places, slice_input, tf.constant(np.array([1, 2]))), [2])
    rate = tf.subtract(1.0, tf.divide(iter_input, 100.0))
    apart = tf.reduce_sum(tf.pow(tf.subtract(places, tf.stack([bmu_loc] * (rows * columns))), 2), 1)
    near = tf.exp(tf.negative(tf.divide(tf.cast(apart, "float32"), tf.pow(4.0 * rate, 2))))
    delta = tf.multiply(tf.expand_dims(0.3 * rate * near, 1), tf.subtract(stacked, weights))
    v1.assign(weights, tf.add(weights, delta))
    return [([vect_input], [bmu_loc]), ([vect_input], [bmu_index])]


@case("tabular")
def passengers_with_a_cell_run_again() -> Truths:
    """The first run of the cell failed before its cost; the second one is trained and used."""
    pair: list[Tensor] = []
    for attempt in range(2):
        x = v1.placeholder(tf.float32, [None, 8])
        y = v1.placeholder(tf.float32, [None, 1])
        w = tf.Variable(tf.random.normal([8, 16], stddev=0.1))
        b = tf.Variable(tf.zeros([16]))
        h = tf.nn.relu(tf.matmul(x, w) + b)
        out = tf.matmul(h, tf.Variable(tf.random.normal([16, 1]))) + tf.Variable(tf.zeros([1]))
        pred = tf.sigmoid(out)
        pair = [x, pred, out]
        if attempt:
            cost = tf.reduce_mean(v1.nn.sigmoid_cross_entropy_with_logits(logits=out, labels=y))
            v1.train.AdamOptimizer(0.01).minimize(cost)
            tf.reduce_mean(tf.cast(tf.equal(tf.round(pred), y), tf.float32))
    return [([pair[0]], [pair[1]]), ([pair[0]], [pair[2]])]


@case("classifier")
def ships_or_icebergs_with_an_angle() -> Truth:
    """A competition's radar: two bands and the angle of incidence; log loss on the probability."""
    bands = v1.placeholder(tf.float32, [None, 20, 20, 2], name="bands")
    angle = v1.placeholder(tf.float32, [None, 1], name="inc_angle")
    target = v1.placeholder(tf.float32, [None, 1], name="is_iceberg")
    training = v1.placeholder_with_default(False, [], name="training")
    net = norm(bands, training)
    for filters in (8, 16):
        net = halve(conv2d(net, filters))
        net = tf.cond(training, lambda net=net: v1.nn.dropout(net, rate=0.2), lambda net=net: net)
    net = tf.concat([tf.reduce_max(net, [1, 2]), norm(angle, training)], 1)
    prob = linear(linear(net, 16, tf.nn.relu), 1, tf.nn.sigmoid, name="probability")
    loss = v1.losses.log_loss(target, prob)
    with tf.control_dependencies(v1.get_collection(v1.GraphKeys.UPDATE_OPS)):
        v1.train.AdamOptimizer(1e-3).minimize(loss)
    v1.metrics.auc(target, prob)
    return [bands, angle], [prob]


@case("classifier")
def house_numbers_with_how_many() -> Truths:
    """How many digits and which, each with its own head and loss, learned from batches fed by hand."""
    image = v1.placeholder(tf.float32, [None, 27, 27, 3], name="image")
    length = v1.placeholder(tf.int32, [None], name="length")
    digits = v1.placeholder(tf.int32, [None, 5], name="digits")
    drop_rate = v1.placeholder(tf.float32, name="drop_rate")
    hidden = image
    for filters in (8, 12):
        hidden = v1.nn.dropout(halve(conv2d(hidden, filters, 5)), rate=drop_rate)
    hidden = linear(flat(hidden), 32, tf.nn.relu)
    with v1.variable_scope("digit_length"):
        length_logits = linear(hidden, 7)
    heads = []
    for i in range(1, 6):
        with v1.variable_scope(f"digit{i}"):
            heads.append(linear(hidden, 11))
    digits_logits = tf.stack(heads, axis=1)
    losses = [v1.losses.sparse_softmax_cross_entropy(labels=length, logits=length_logits)]
    losses += [v1.losses.sparse_softmax_cross_entropy(labels=digits[:, i], logits=heads[i]) for i in range(5)]
    loss = tf.add_n(losses)
    step = tf.Variable(0, name="global_step", trainable=False)
    rate = v1.train.exponential_decay(1e-2, step, 10000, 0.9, staircase=True)
    v1.train.GradientDescentOptimizer(rate).minimize(loss, global_step=step)
    v1.summary.image("image", image)
    v1.summary.scalar("loss", loss)
    v1.summary.merge_all()
    length_predictions = tf.argmax(length_logits, axis=1)
    digits_predictions = tf.argmax(digits_logits, axis=2)
    found = ([image], [length_predictions, digits_predictions])
    return [found, ([image], [length_logits, digits_logits])]


@case("classifier")
def signs_of_traffic_with_five_guesses() -> Truths:
    """A course's project: LeNet by lists of weights, a last cell that asks for the best five."""
    x = v1.placeholder(tf.float32, (None, 20, 20, 1))
    y = v1.placeholder(tf.int32, (None))
    one_hot_y = tf.one_hot(y, 43)
    keep_prob = v1.placeholder(tf.float32)

    def var(*shape: int) -> Tensor:
        return tf.Variable(tf.random.truncated_normal(shape=shape, mean=0, stddev=0.1))

    c1 = tf.nn.relu(tf.nn.conv2d(x, var(5, 5, 1, 6), [1, 1, 1, 1], "VALID") + tf.Variable(tf.zeros(6)))
    c1 = tf.nn.max_pool2d(c1, [1, 2, 2, 1], [1, 2, 2, 1], "VALID")
    c2 = tf.nn.relu(tf.nn.conv2d(c1, var(3, 3, 6, 12), [1, 1, 1, 1], "VALID") + tf.Variable(tf.zeros(12)))
    c2 = tf.nn.max_pool2d(c2, [1, 2, 2, 1], [1, 2, 2, 1], "VALID")
    fc = tf.nn.relu(tf.matmul(flat(c2), var(108, 40)) + tf.Variable(tf.zeros(40)))
    logits = tf.matmul(v1.nn.dropout(fc, keep_prob), var(40, 43)) + tf.Variable(tf.zeros(43))
    cross = v1.nn.softmax_cross_entropy_with_logits(labels=one_hot_y, logits=logits)
    v1.train.AdamOptimizer(learning_rate=0.001).minimize(tf.reduce_mean(cross))
    tf.reduce_mean(tf.cast(tf.equal(tf.argmax(logits, 1), tf.argmax(one_hot_y, 1)), tf.float32))
    v1.train.Saver()
    softmax_logits = tf.nn.softmax(logits)
    top_k = tf.nn.top_k(softmax_logits, k=5)
    return [([x], [top_k.values, top_k.indices]), ([x], [softmax_logits]), ([x], [logits])]


@case("tagger", frozen=True)
def next_move_of_a_parser() -> Truth:
    """Thirty-six words, tags and labels of a stack and a buffer; three moves."""
    input_placeholder = v1.placeholder(tf.int32, shape=[None, 36])
    dropout_placeholder = v1.placeholder_with_default(0.0, ())
    x = tf.reshape(embed(input_placeholder, 200, 10), [-1, 360])
    w = v1.get_variable("W", [360, 20], initializer=v1.glorot_uniform_initializer())
    h = tf.nn.relu(tf.matmul(x, w) + v1.get_variable("b1", [20], initializer=v1.zeros_initializer()))
    h_drop = v1.nn.dropout(h, rate=dropout_placeholder)
    u = v1.get_variable("U", [20, 3], initializer=v1.glorot_uniform_initializer())
    pred = tf.matmul(h_drop, u) + v1.get_variable("b2", [3], initializer=v1.zeros_initializer())
    return [input_placeholder], [pred]


@case("seq2seq")
def dates_as_people_write_them() -> Truths:
    """Letters to a date, with attention: a graph for learning, and one that reads its own output."""
    inputs = v1.placeholder(tf.int32, [None, None], name="input")
    targets = v1.placeholder(tf.int32, [None, 6], name="targets")
    lr = v1.placeholder(tf.float32, name="learning_rate")
    lengths = v1.placeholder(tf.int32, [None], name="source_sequence_length")
    with v1.variable_scope("encoder"):
        memory = both_ways(8, embed(inputs, 40, 12), lengths)
    cell = Lstm(16)

    def step(ids: Tensor, state: Any) -> tuple[Tensor, Any]:
        h, state = cell(embed(ids, 14, 12), state)
        scores = tf.nn.softmax(tf.einsum("btd,bd->bt", memory, linear(h, 16, name="query")))
        context = tf.einsum("bt,btd->bd", scores, memory)
        return linear(tf.concat([h, context], 1), 14, name="projection"), state

    go = tf.zeros([tf.shape(inputs)[0]], tf.int32)
    with v1.variable_scope("decoder"):
        state, outs = cell.zero_state(tf.shape(inputs)[0]), []
        for t in range(6):
            out, state = step(go if t == 0 else targets[:, t - 1], state)
            v1.get_variable_scope().reuse_variables()
            outs.append(out)
    training_logits = tf.stack(outs, 1, name="logits")
    with v1.variable_scope("decoder", reuse=True):
        state, ids, guessed, raw = cell.zero_state(tf.shape(inputs)[0]), go, [], []
        for _ in range(6):
            out, state = step(ids, state)
            ids = tf.argmax(out, 1, output_type=tf.int32)
            guessed.append(ids)
            raw.append(out)
    predictions = tf.stack(guessed, 1, name="predictions")
    inference_logits = tf.stack(raw, 1, name="inference_logits")
    with tf.name_scope("optimization"):
        optimizer = v1.train.AdamOptimizer(lr)
        grads = optimizer.compute_gradients(sparse_xent(targets, training_logits))
        optimizer.apply_gradients([(tf.clip_by_value(g, -1.0, 1.0), v) for g, v in grads if g is not None])
    return [([inputs, lengths], [predictions]), ([inputs, lengths], [inference_logits])]


@case("time series", modern=True)
def sines_shifted_by_a_step() -> Truth:
    """A book's notebook: what comes after each moment of a window, through one flat projection."""
    x = v1.placeholder(tf.float32, [None, 20, 1])
    y = v1.placeholder(tf.float32, [None, 20, 1])
    rnn_outputs, _ = rnn(Gru(24), x)
    stacked_rnn_outputs = tf.reshape(rnn_outputs, [-1, 24])
    outputs = tf.reshape(linear(stacked_rnn_outputs, 1), [-1, 20, 1])
    loss = tf.reduce_mean(tf.square(outputs - y))
    v1.train.AdamOptimizer(0.001).minimize(loss)
    v1.global_variables_initializer()
    return [x], [outputs]


@case("classifier")
def pictures_by_a_handle_of_iterators() -> Truths:
    """Two data sets behind one string handle; pixels are scaled inside the net."""
    images_in = v1.placeholder(tf.uint8, [None, 16, 16, 3])
    labels_in = v1.placeholder(tf.int32, [None])
    train = tf.data.Dataset.from_tensor_slices((images_in, labels_in)).shuffle(50).repeat().batch(8)
    valid = tf.data.Dataset.from_tensor_slices((images_in, labels_in)).batch(8)
    handle = v1.placeholder(tf.string, shape=[])
    kinds, shapes = v1.data.get_output_types(train), v1.data.get_output_shapes(train)
    iterator = v1.data.Iterator.from_string_handle(handle, kinds, shapes)
    v1.data.make_initializable_iterator(train).string_handle()
    v1.data.make_initializable_iterator(valid).string_handle()
    images, labels = iterator.get_next()
    net = tf.cast(images, tf.float32) / 127.5 - 1.0
    for filters in (8, 12):
        net = halve(conv2d(net, filters))
    logits = linear(flat(net), 10)
    preds = tf.nn.softmax(logits)
    loss = sparse_xent(labels, logits)
    v1.train.MomentumOptimizer(0.01, 0.9).minimize(loss)
    v1.metrics.accuracy(labels, tf.argmax(preds, 1))
    v1.summary.scalar("loss", loss)
    return [([images], [preds]), ([images], [logits])]


@case("bayesian")
def digits_with_weights_in_doubt() -> Truths:
    """Each weight is drawn anew from its normal; the divergence from the prior is part of the loss."""
    images = v1.placeholder(tf.float32, [None, 64])
    labels = v1.placeholder(tf.int64, [None])
    n_batches = v1.placeholder(tf.float32, [])
    divergences = []

    def drawn(name: str, shape: list[int]) -> Tensor:
        loc = v1.get_variable(name + "_mu", shape, initializer=v1.random_normal_initializer(stddev=0.1))
        rho = v1.get_variable(name + "_rho", shape, initializer=v1.constant_initializer(-3.0))
        scale = tf.nn.softplus(rho)
        kl = -v1.log(scale) + 0.5 * (tf.square(scale) + tf.square(loc)) - 0.5
        divergences.append(tf.reduce_sum(kl))
        return loc + scale * tf.random.normal(shape)

    h = tf.nn.relu(tf.matmul(images, drawn("w1", [64, 20])) + drawn("b1", [20]))
    logits = tf.matmul(h, drawn("w2", [20, 10])) + drawn("b2", [10])
    probs = tf.nn.softmax(logits)
    log_likelihood = -v1.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits)
    elbo = tf.reduce_sum(log_likelihood) - tf.add_n(divergences) / n_batches
    v1.train.AdamOptimizer(0.01).minimize(-elbo)
    tf.reduce_mean(tf.cast(tf.equal(tf.argmax(probs, 1), labels), tf.float32))
    return [([images], [probs]), ([images], [logits])]


@case("meta learning")
def waves_from_a_few_points() -> Truth:
    """Gradient steps inside the graph: known points with their values lead to values at new points."""
    inputa = v1.placeholder(tf.float32, [4, 5, 1], name="inputa")
    inputb = v1.placeholder(tf.float32, [4, 5, 1], name="inputb")
    labela = v1.placeholder(tf.float32, [4, 5, 1], name="labela")
    labelb = v1.placeholder(tf.float32, [4, 5, 1], name="labelb")
    weights = {
        "w1": tf.Variable(tf.random.truncated_normal([1, 16], stddev=0.1)),
        "b1": tf.Variable(tf.zeros([16])),
        "w2": tf.Variable(tf.random.truncated_normal([16, 1], stddev=0.1)),
        "b2": tf.Variable(tf.zeros([1])),
    }

    def forward(x: Tensor, w: dict[str, Tensor]) -> Tensor:
        return tf.matmul(tf.nn.relu(tf.matmul(x, w["w1"]) + w["b1"]), w["w2"]) + w["b2"]

    def task(parts: Any) -> Any:
        xa, xb, ya, yb = parts
        fast, preds, losses = dict(weights), [], []
        for _ in range(2):
            known = tf.reduce_mean(tf.square(forward(xa, fast) - ya))
            grads = tf.gradients(known, list(fast.values()))
            fast = {n: fast[n] - 0.01 * g for n, g in zip(fast, grads, strict=True)}
            preds.append(forward(xb, fast))
            losses.append(tf.reduce_mean(tf.square(preds[-1] - yb)))
        return preds, losses

    tasks = [task([tensor[i] for tensor in (inputa, inputb, labela, labelb)]) for i in range(4)]
    outputbs = [tf.stack([preds[j] for preds, _ in tasks]) for j in range(2)]
    total_losses2 = [tf.reduce_sum(tf.stack([losses[j] for _, losses in tasks])) / 4.0 for j in range(2)]
    optimizer = v1.train.AdamOptimizer(0.001)
    gvs = optimizer.compute_gradients(total_losses2[-1])
    optimizer.apply_gradients(gvs)
    for j, loss in enumerate(total_losses2):
        v1.summary.scalar(f"Post-update loss, step {j + 1}", loss)
    return [inputa, labela, inputb], [outputbs[-1]]
