"""Graphs whose plumbing varies: averages, precision, partitions, debugging, tables, loops, several models."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from benchmarks.endpoints.cases import Truth, Truths, case, v1

Tensor = Any


def _linear(x: Tensor, size: int, name: str) -> Tensor:
    with v1.variable_scope(name):
        w = v1.get_variable("w", [int(x.shape[-1]), size])
        b = v1.get_variable("b", [size], initializer=v1.zeros_initializer())
        return tf.tensordot(x, w, 1) + b if x.shape.rank > 2 else v1.nn.xw_plus_b(x, w, b)


def _conv2d(x: Tensor, filters: int, name: str, *, strides: int = 1, size: int = 3) -> Tensor:
    with v1.variable_scope(name):
        w = v1.get_variable("w", [size, size, int(x.shape[-1]), filters])
        b = v1.get_variable("b", [filters], initializer=v1.zeros_initializer())
        return v1.nn.conv2d(x, w, strides=[1, strides, strides, 1], padding="SAME") + b


@case("classifier")
def mean_teacher_by_a_custom_getter() -> Truths:
    """Semi-supervised: a noisy student, and a teacher that reads moving averages through a custom getter.

    The teacher's answer for the clean images is what gets evaluated and deployed.
    """
    images = v1.placeholder(tf.float32, [None, 28, 28, 1], "images")
    labels = v1.placeholder(tf.int64, [None], "labels")
    ramp_up = v1.placeholder_with_default(0.0, [], "consistency_weight")
    average = tf.train.ExponentialMovingAverage(0.99)

    def averaged(getter: Callable[..., Tensor], name: str, *args: Any, **kwargs: Any) -> Tensor:
        return average.average(getter(name, *args, **kwargs))

    def tower(x: Tensor, getter: Any = None) -> Tensor:
        with v1.variable_scope("tower", reuse=getter is not None, custom_getter=getter):
            x = tf.nn.leaky_relu(_conv2d(x, 8, "c1", strides=2), 0.1)
            x = tf.nn.leaky_relu(_conv2d(x, 16, "c2", strides=2), 0.1)
            return _linear(tf.reduce_mean(x, [1, 2]), 10, "top")

    with v1.name_scope("student"):
        noise = tf.random.normal(tf.shape(images), stddev=0.15)
        student = tower(tf.image.random_flip_left_right(images + noise))
    update_averages = average.apply(v1.trainable_variables("tower"))
    with v1.name_scope("teacher"):
        teacher = tower(images, averaged)
        prediction = tf.nn.softmax(teacher, name="prediction")
    labelled = tf.cast(tf.not_equal(labels, -1), tf.float32)
    xent = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=tf.maximum(labels, 0), logits=student)
    consistency = tf.reduce_mean(tf.square(tf.nn.softmax(student) - tf.stop_gradient(prediction)), -1)
    cost = tf.reduce_mean(xent * labelled) + ramp_up * tf.reduce_mean(consistency)
    v1.metrics.mean(tf.not_equal(tf.argmax(student, 1), labels), name="error_student")
    v1.metrics.mean(tf.not_equal(tf.argmax(teacher, 1), labels), name="error_teacher")
    step = v1.train.AdamOptimizer(0.003, beta2=0.99).minimize(cost)
    with tf.control_dependencies([step]):
        tf.group(update_averages, name="train_and_average")
    return [([images], [prediction]), ([images], [teacher])]


@case("language")
def entailment_in_half_precision_with_accumulation() -> Truth:
    """Float16 with float32 masters, a scaled loss, gradients gathered over several batches before a step.

    Premise and hypothesis are fed; the float32 softmax is the answer.
    """

    def masters(getter: Callable[..., Tensor], name: str, *args: Any, **kwargs: Any) -> Tensor:
        return tf.cast(getter(name, *args, **{**kwargs, "dtype": tf.float32}), tf.float16)

    premise = v1.placeholder(tf.int32, [None, 16], "premise_x")
    hypothesis = v1.placeholder(tf.int32, [None, 16], "hypothesis_x")
    y = v1.placeholder(tf.int32, [None], "label_y")
    keep_rate = v1.placeholder(tf.float32, [], "keep_rate_ph")
    with v1.variable_scope("fp32_storage", custom_getter=masters, dtype=tf.float16):
        emb = v1.get_variable("embeddings", [60, 16], tf.float16)
        p, h = tf.nn.embedding_lookup(emb, premise), tf.nn.embedding_lookup(emb, hypothesis)
        attention = tf.matmul(p, h, transpose_b=True)
        beta = tf.matmul(tf.nn.softmax(attention), h)
        alpha = tf.matmul(tf.nn.softmax(tf.transpose(attention, [0, 2, 1])), p)
        m_p, m_h = tf.concat([p, beta, p - beta, p * beta], 2), tf.concat([h, alpha, h - alpha], 2)
        v_p = tf.reduce_sum(tf.nn.relu(_linear(m_p, 16, "compare_p")), 1)
        v_h = tf.reduce_sum(tf.nn.relu(_linear(m_h, 16, "compare_h")), 1)
        hidden = tf.nn.relu(_linear(tf.concat([v_p, v_h], 1), 16, "aggregate"))
        hidden = v1.nn.dropout(hidden, rate=tf.cast(1.0 - keep_rate, tf.float16))
        logits = tf.cast(_linear(hidden, 3, "cls"), tf.float32)
    probs = tf.nn.softmax(logits)
    loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels=y, logits=logits))
    scale = v1.get_variable("loss_scale", [], initializer=v1.constant_initializer(1024.0), trainable=False)
    tvars = v1.trainable_variables()
    grads = [tf.cast(g, tf.float32) / scale for g in tf.gradients(loss * scale, tvars)]
    finite = tf.reduce_all([tf.reduce_all(tf.math.is_finite(g)) for g in grads])
    accumulators = [v1.Variable(tf.zeros(v.shape), trainable=False, name=v.op.name + "/accum") for v in tvars]
    tf.group(*[v1.assign(a, tf.zeros_like(a)) for a in accumulators], name="zero_grads")
    tf.group(*[v1.assign_add(a, g) for a, g in zip(accumulators, grads, strict=True)], name="accumulate")
    new_scale = v1.cond(finite, lambda: tf.minimum(scale * 1.001, 65504.0), lambda: scale / 2.0)
    with tf.control_dependencies([v1.assign(scale, new_scale)]):
        mean_grads = [tf.identity(a) / 4.0 for a in accumulators]
        v1.train.AdamOptimizer(4e-4).apply_gradients(zip(mean_grads, tvars, strict=True), name="apply")
    return [premise, hypothesis], [probs]


@case("recommender")
def click_model_with_partitioned_embeddings() -> Truths:
    """Advertising: hashed ids as strings, a sparse placeholder of categories, variables in partitions.

    Both ids and the three parts of the sparse tensor are fed; the calibrated click rate is fetched.
    """
    with v1.name_scope("inputs"):
        user_id, ad_id = v1.placeholder(tf.string, [None]), v1.placeholder(tf.string, [None])
        categories = v1.sparse_placeholder(tf.int64, name="categories")
    clicked = v1.placeholder(tf.float32, [None], name="clicked")
    with v1.variable_scope("ctr", partitioner=v1.fixed_size_partitioner(2)):
        normal = v1.random_normal_initializer(0.0, 0.01)
        user_table = v1.get_variable("user_emb", [200, 8], initializer=normal)
        ad_table = v1.get_variable("ad_emb", [100, 8], initializer=normal)
        category_table = v1.get_variable("category_emb", [30, 8])
        user = v1.nn.embedding_lookup(user_table, tf.strings.to_hash_bucket_fast(user_id, 200), "div")
        ad = v1.nn.embedding_lookup(ad_table, tf.strings.to_hash_bucket_fast(ad_id, 100), "div")
        interest = v1.nn.embedding_lookup_sparse(category_table, categories, None, "div", combiner="mean")
        crossed = tf.reduce_sum(user * ad, 1) + tf.reduce_sum(user * interest, 1)
    with v1.variable_scope("dnn"):
        deep = tf.nn.relu(_linear(tf.concat([user, ad, interest], 1), 16, "fc_0"))
        deep = tf.squeeze(_linear(deep, 1, "fc_1"), 1)
    logit = crossed + deep
    prob = tf.sigmoid(logit)
    sampling = tf.constant(0.1, name="negative_sampling_rate")
    p_ctr = tf.divide(prob, prob + (1.0 - prob) / sampling, name="p_ctr")
    losses = tf.nn.sigmoid_cross_entropy_with_logits(labels=clicked, logits=logit)
    loss = tf.reduce_mean(losses, name="logloss")
    _, auc_update = v1.metrics.auc(clicked, prob, num_thresholds=50)
    v1.summary.scalar("auc", auc_update)
    ftrl = v1.train.FtrlOptimizer(0.1, l1_regularization_strength=0.01)
    ftrl.minimize(loss, var_list=v1.trainable_variables("ctr"))
    v1.train.AdagradOptimizer(0.01).minimize(loss, var_list=v1.trainable_variables("dnn"))
    feeds = [user_id, ad_id, categories.indices, categories.values, categories.dense_shape]
    return [(feeds, [p_ctr]), (feeds, [prob])]


@case("science", plain=True)
def heartbeats_with_batch_norm_of_a_blog() -> Truths:
    """A flat script: raw variables, a phase placeholder, batch norm by tf.cond and averages, names x and y_.

    The beat is fed as x, and y is the softmax over rhythms; only the GraphDef was kept.
    """
    x = v1.placeholder(tf.float32, [None, 180], name="x")
    y_ = v1.placeholder(tf.float32, [None, 5], name="y_")
    phase_train = v1.placeholder(tf.bool, name="phase_train")
    averages = tf.train.ExponentialMovingAverage(decay=0.5)

    def batch_norm(z: Tensor, n_out: int) -> Tensor:
        beta, gamma = tf.Variable(tf.zeros([n_out])), tf.Variable(tf.ones([n_out]))
        batch_mean, batch_var = tf.nn.moments(z, [0, 1], name="moments")
        update = averages.apply([batch_mean, batch_var])

        def mean_var_with_update() -> Tensor:
            with tf.control_dependencies([update]):
                return tf.identity(batch_mean), tf.identity(batch_var)

        mean, var = v1.cond(
            phase_train,
            mean_var_with_update,
            lambda: (averages.average(batch_mean), averages.average(batch_var)),
        )
        return tf.nn.batch_normalization(z, mean, var, beta, gamma, 1e-3)

    h = tf.expand_dims(x, 2)
    for n_in, n_out in ((1, 8), (8, 16)):
        w = tf.Variable(tf.random.truncated_normal([7, n_in, n_out], stddev=0.1))
        h = tf.nn.relu(batch_norm(tf.nn.conv1d(h, w, 3, "VALID"), n_out))
    flat = tf.reshape(h, [-1, 18 * 16])
    w1 = tf.Variable(tf.random.truncated_normal([18 * 16, 5], stddev=0.1))
    b1 = tf.Variable(tf.constant(0.1, shape=[5]))
    z = tf.matmul(flat, w1) + b1
    y = tf.nn.softmax(z)
    cross_entropy = -tf.reduce_sum(y_ * tf.math.log(tf.clip_by_value(y, 1e-10, 1.0)))
    v1.train.AdamOptimizer(1e-4).minimize(cross_entropy)
    tf.reduce_mean(tf.cast(tf.equal(tf.argmax(y, 1), tf.argmax(y_, 1)), tf.float32))
    return [([x], [y]), ([x], [z])]


@case("segmentation")
def cell_segmentation_that_summarizes_everything() -> Truths:
    """Pixel labels for microscopy; images, masks, histograms and a confusion matrix all go to TensorBoard.

    The image is fed; the mask of best classes is the result, or the probabilities under it.
    """
    image = v1.placeholder(tf.uint8, [None, 64, 64, 1], name="image")
    annotation = v1.placeholder(tf.int32, [None, 64, 64], name="annotation")
    colours = tf.constant([[0, 0, 0], [255, 0, 0], [0, 255, 0]], tf.uint8, name="palette")
    down1 = tf.nn.relu(_conv2d(tf.cast(image, tf.float32) / 255.0, 8, "down1"))
    down2 = tf.nn.relu(_conv2d(down1, 16, "down2", strides=2))
    down3 = tf.nn.relu(_conv2d(down2, 16, "down3", strides=2))
    up = tf.concat([v1.image.resize_nearest_neighbor(down3, [32, 32]), down2], 3)
    up = tf.nn.relu(_conv2d(up, 16, "up2"))
    up = tf.concat([v1.image.resize_nearest_neighbor(up, [64, 64]), down1], 3)
    logits = _conv2d(tf.nn.relu(_conv2d(up, 8, "up1")), 3, "score", size=1)
    soft = tf.nn.softmax(logits)
    mask = tf.argmax(logits, 3, output_type=tf.int32)
    v1.summary.image("input", image, max_outputs=2)
    v1.summary.image("ground_truth", tf.gather(colours, annotation), max_outputs=2)
    v1.summary.image("prediction", tf.gather(colours, mask), max_outputs=2)
    for layer in (down1, down2, down3, up):
        v1.summary.histogram(layer.op.name + "/activations", layer)
    for i in range(8):
        v1.summary.image(f"down1_map{i}", down1[:1, :, :, i : i + 1])
    flat_truth, flat_mask = tf.reshape(annotation, [-1]), tf.reshape(mask, [-1])
    confusion = tf.math.confusion_matrix(flat_truth, flat_mask, 3, dtype=tf.float32)
    shares = confusion / tf.reduce_sum(confusion, 1, keepdims=True)
    v1.summary.image("confusion", tf.reshape(shares, [1, 3, 3, 1]))
    union = tf.reduce_sum(confusion, 0) + tf.reduce_sum(confusion, 1) - tf.linalg.diag_part(confusion)
    iou = tf.linalg.diag_part(confusion) / (union + 1e-6)
    for i, name in enumerate(["background", "membrane", "nucleus"]):
        v1.summary.scalar(f"iou/{name}", iou[i])
    class_weight = tf.gather(tf.constant([0.2, 1.0, 0.7]), annotation)
    loss = v1.losses.sparse_softmax_cross_entropy(annotation, logits, class_weight)
    optimizer = v1.train.RMSPropOptimizer(1e-3)
    grads = optimizer.compute_gradients(loss)
    for grad, var in grads:
        v1.summary.histogram(var.op.name + "/gradient", grad)
        v1.summary.scalar(var.op.name + "/norm", tf.norm(var))
    optimizer.apply_gradients(grads, v1.train.get_or_create_global_step())
    v1.summary.merge_all()
    return [([image], [mask]), ([image], [soft])]


@case("autoencoder")
def anomaly_detector_full_of_debugging() -> Truths:
    """An autoencoder of sensor windows with prints, assertions and numerics checks wherever one may stand.

    The reading is fed; what the operators look at is the error of each window, and whether it is an alarm.
    """
    reading = v1.placeholder(tf.float32, [None, 40], name="reading")
    checks = [
        v1.assert_greater(tf.shape(reading)[0], 0, message="empty batch"),
        v1.Assert(tf.reduce_all(tf.abs(reading) < 1e4), [tf.reduce_max(reading)], name="sane"),
    ]
    with tf.control_dependencies(checks):
        x = v1.check_numerics(reading, "reading is NaN")
    mean = v1.get_variable("sensor_mean", [40], initializer=v1.zeros_initializer(), trainable=False)
    std = v1.get_variable("sensor_std", [40], initializer=v1.ones_initializer(), trainable=False)
    x = (x - mean) / std
    code = tf.nn.elu(_linear(tf.nn.elu(_linear(x, 20, "enc1")), 6, "enc2"))
    code = v1.Print(code, [tf.reduce_mean(code), tf.shape(code)], "code: ", first_n=5, summarize=6)
    sparsity = v1.check_numerics(tf.reduce_mean(tf.abs(code)), "code exploded")
    decoded = _linear(tf.nn.elu(_linear(code, 20, "dec1")), 40, "dec2")
    with tf.control_dependencies([v1.assert_equal(tf.shape(decoded), tf.shape(reading))]):
        decoded = tf.identity(decoded)
    errors = tf.reduce_mean(tf.square(decoded - x), 1, name="window_error")
    limit = v1.get_variable("error_limit", [], initializer=v1.constant_initializer(1.0), trainable=False)
    alarm = tf.greater(errors, limit, name="alarm")
    loss = tf.reduce_mean(errors) + 0.01 * sparsity
    with tf.control_dependencies([tf.print("loss", loss, "code", sparsity)]):
        loss = tf.identity(loss)
    v1.assign(limit, 0.99 * limit + 0.01 * tf.reduce_max(errors), name="follow_limit")
    optimizer = v1.train.AdamOptimizer(name="train")
    optimizer.apply_gradients(
        [(v1.check_numerics(g, "bad"), v) for g, v in optimizer.compute_gradients(loss)]
    )
    weights_are_fine = [v1.check_numerics(v, v.op.name) for v in v1.trainable_variables()]
    tf.group(*weights_are_fine, v1.check_numerics(decoded, "decoded"), name="check_all_numerics")
    return [([reading], [errors, alarm]), ([reading], [errors]), ([reading], [alarm])]


@case("forecast")
def house_prices_with_the_preprocessing_inside() -> Truth:
    """Raw columns go in: a vocabulary table, hashed streets, one-hot months, scaling; out come euros.

    Training is on standardized logarithms, but what the author prints is the price.
    """
    city = v1.placeholder(tf.string, [None], name="city")
    street = v1.placeholder(tf.string, [None], name="street")
    month = v1.placeholder(tf.int32, [None], name="month_of_sale")
    area = v1.placeholder(tf.float32, [None], name="area")
    sold_for = v1.placeholder(tf.float32, [None], name="sold_for")
    with v1.name_scope("preprocess"):
        cities = tf.constant(["Delft", "Gouda", "Leiden", "Utrecht"])
        init = tf.lookup.KeyValueTensorInitializer(cities, tf.range(4, dtype=tf.int64))
        known = tf.lookup.StaticVocabularyTable(init, num_oov_buckets=2)
        city_hot = tf.one_hot(known.lookup(tf.strings.lower(city)), 6)
        street_ids = tf.strings.to_hash_bucket_strong(tf.strings.strip(street), 40, key=[7, 11])
        month_hot = tf.one_hot(tf.math.floormod(month - 1, 12), 12)
        area_scaled = (tf.math.log1p(tf.maximum(area, 0.0)) - 4.6) / 0.5
        bins = tf.raw_ops.Bucketize(input=area, boundaries=[50.0, 80.0, 120.0, 200.0])
        columns = [city_hot, month_hot, tf.expand_dims(area_scaled, 1), tf.one_hot(bins, 5)]
    with v1.variable_scope("model"):
        streets = v1.get_variable("streets", [40, 6])
        net = tf.concat([*columns, tf.nn.embedding_lookup(streets, street_ids)], axis=1)
        net = tf.nn.selu(_linear(net, 24, "layer1"))
        net = tf.nn.selu(_linear(net, 12, "layer2"))
        normalized = tf.squeeze(_linear(net, 1, "layer3"), [1])
    price = tf.exp(normalized * 0.43 + 12.6, name="price_in_euro")
    target = (tf.math.log(sold_for) - 12.6) / 0.43
    loss = v1.losses.mean_squared_error(target, normalized) + 1e-4 * tf.nn.l2_loss(streets)
    v1.summary.scalar("off_by", tf.reduce_mean(tf.abs(price - sold_for) / sold_for))
    v1.train.ProximalAdagradOptimizer(0.05, l2_regularization_strength=0.001).minimize(loss)
    return [city, street, month, area], [price]


@case("translation", modern=True)
def spelling_to_sound_with_two_while_loops() -> Truth:
    """Letters to phonemes: one loop with TensorArrays is taught by the truth, another decodes greedily.

    Letters and their lengths are fed; the phonemes that the greedy loop has written are fetched.
    """
    letters = v1.placeholder(tf.int32, [None, None], name="letters")
    n_letters = v1.placeholder(tf.int32, [None], name="n_letters")
    phonemes = v1.placeholder(tf.int32, [None, None], name="phonemes")
    n_phonemes = v1.placeholder(tf.int32, [None], name="n_phonemes")
    sampling = v1.placeholder_with_default(0.0, [], name="sampling_probability")
    letter_emb, sound_emb = v1.get_variable("letter_emb", [30, 16]), v1.get_variable("sound_emb", [45, 16])
    weights = {k: v1.get_variable(k, [32, 16]) for k in ("update", "reset", "candidate")}
    query, project = v1.get_variable("query", [16, 16]), v1.get_variable("project", [32, 45])
    embedded = tf.nn.embedding_lookup(letter_emb, letters)
    memory = tf.nn.relu(tf.nn.conv1d(embedded, v1.get_variable("conv", [5, 16, 16]), 1, "SAME"))
    mask = tf.sequence_mask(n_letters, tf.shape(letters)[1], tf.float32)

    def step(token: Tensor, state: Tensor) -> Tensor:
        x = tf.nn.embedding_lookup(sound_emb, token)
        both = tf.concat([x, state], 1)
        z, r = tf.sigmoid(both @ weights["update"]), tf.sigmoid(both @ weights["reset"])
        state = z * state + (1.0 - z) * tf.tanh(tf.concat([x, r * state], 1) @ weights["candidate"])
        energy = tf.einsum("bth,bh->bt", memory, state @ query) - 1e9 * (1.0 - mask)
        context = tf.einsum("bt,bth->bh", tf.nn.softmax(energy), memory)
        return tf.concat([state, context], 1) @ project, state

    batch, start = tf.shape(letters)[0], tf.zeros_like(letters[:, 0])
    state0 = tf.reduce_mean(memory, 1)

    def taught(t: Tensor, token: Tensor, state: Tensor, rows: Tensor) -> Tensor:
        logits, state = step(token, state)
        own = tf.argmax(logits, 1, output_type=tf.int32)
        chosen = tf.where(tf.random.uniform([batch]) < sampling, own, phonemes[:, t])
        return t + 1, chosen, state, rows.write(t, logits)

    steps = tf.shape(phonemes)[1]
    rows = tf.TensorArray(tf.float32, steps, element_shape=[None, 45])
    first = (0, start, state0, rows)
    *_, rows = tf.while_loop(lambda t, *_: t < steps, taught, first, name="training_decoder")
    logits = tf.transpose(rows.stack(), [1, 0, 2])
    losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=phonemes, logits=logits)
    weight = tf.sequence_mask(n_phonemes, steps, tf.float32)
    loss = tf.reduce_sum(losses * weight) / tf.reduce_sum(weight)

    def greedy(t: Tensor, token: Tensor, state: Tensor, done: Tensor, rows: Tensor) -> Tensor:
        logits, state = step(token, state)
        token = tf.where(done, tf.ones_like(token), tf.argmax(logits, 1, output_type=tf.int32))
        return t + 1, token, state, done | tf.equal(token, 1), rows.write(t, token)

    written = tf.TensorArray(tf.int32, 0, dynamic_size=True, element_shape=[None])
    *_, written = tf.while_loop(
        lambda t, _token, _state, done, _rows: (t < 30) & ~tf.reduce_all(done),
        greedy,
        (0, start, state0, tf.fill([batch], False), written),
        name="inference_decoder",
    )
    sounds = tf.transpose(written.stack(), name="decoded_phonemes")
    v1.train.AdamOptimizer(2e-3).minimize(loss, v1.train.get_or_create_global_step())
    return [letters, n_letters], [sounds]


@case("classifier")
def distilled_student_with_endpoint_collections() -> Truths:
    """A large fixed teacher and a small student of it in one graph; endpoints are put into collections.

    The author marks x and the student's softmax as "inputs" and "outputs"; temperature is for training.
    """
    x = v1.placeholder(tf.float32, (None, 32, 32, 3), name="x")
    y = v1.placeholder(tf.float32, (None, 10), name="y")
    temperature = v1.placeholder_with_default(4.0, (), name="T")
    training = v1.placeholder_with_default(False, (), name="training")
    with v1.variable_scope("teacher"):
        net = tf.nn.relu(_conv2d(x, 16, "stem"))
        for i in range(3):
            inner = tf.nn.relu(_conv2d(net, 16, f"block{i}_a"))
            net = tf.nn.relu(net + _conv2d(inner, 16, f"block{i}_b"))
        teacher_logits = _linear(tf.reduce_mean(net, axis=[1, 2]), 10, "fc")
        tf.nn.softmax(teacher_logits, name="probs")
    with v1.variable_scope("student"):
        net = tf.nn.relu(_conv2d(x, 8, "c1", strides=2))
        net = tf.nn.relu(_conv2d(net, 8, "c2", strides=2))
        net = tf.reduce_mean(net, axis=[1, 2])
        dropped = v1.nn.dropout(net, rate=0.2)
        student_logits = _linear(tf.where(training, dropped, net), 10, "fc")
        student_probs = tf.nn.softmax(student_logits, name="probs")
    soft_targets = tf.stop_gradient(tf.nn.softmax(teacher_logits / temperature))
    soft = v1.nn.softmax_cross_entropy_with_logits_v2(soft_targets, student_logits / temperature)
    hard = v1.nn.softmax_cross_entropy_with_logits_v2(y, student_logits)
    loss = tf.reduce_mean(0.9 * tf.square(temperature) * soft + 0.1 * hard)
    optimizer = v1.train.MomentumOptimizer(0.05, 0.9)
    optimizer.minimize(loss, var_list=v1.trainable_variables(scope="student"))
    pretraining = tf.reduce_mean(v1.nn.softmax_cross_entropy_with_logits_v2(y, teacher_logits))
    optimizer.minimize(pretraining, var_list=v1.trainable_variables(scope="teacher"), name="TrainTeacher")
    for logits, name in ((teacher_logits, "teacher_acc"), (student_logits, "student_acc")):
        hit = tf.equal(tf.argmax(logits, 1), tf.argmax(y, 1))
        v1.summary.scalar(name, tf.reduce_mean(tf.cast(hit, tf.float32)))
    v1.add_to_collection("inputs", x)
    v1.add_to_collection("outputs", student_probs)
    return [x], [student_probs]


@case("forecast", frozen=True)
def solar_ensemble_of_three_unrelated_nets() -> Truth:
    """A perceptron, a convolution and a hand-made recurrence forecast solar power; their average is frozen.

    The weather of a day is fed; each member has its own loss, and the clipped mean of the members is used.
    """
    weather = v1.placeholder(tf.float32, [None, 24, 4], name="weather")
    power = v1.placeholder(tf.float32, [None, 6], name="power")
    seen = v1.placeholder_with_default(tf.ones([3], tf.float32), [3], name="bootstrap_weights")
    with v1.variable_scope("perceptron"):
        hidden = tf.nn.relu(_linear(tf.reshape(weather, [-1, 96]), 24, "hidden"))
        members = [_linear(hidden, 6, "out")]
    with v1.variable_scope("temporal_conv"):
        kernel = v1.get_variable("kernel", [5, 4, 8])
        hidden = tf.nn.relu(tf.nn.conv1d(weather, kernel, stride=2, padding="VALID"))
        members.append(_linear(tf.reshape(hidden, [-1, 80]), 6, "out"))
    with v1.variable_scope("elman"):
        w_in, w_rec = v1.get_variable("w_in", [4, 12]), v1.get_variable("w_rec", [12, 12])
        state = tf.zeros([tf.shape(weather)[0], 12])
        for at in tf.unstack(weather, axis=1):
            state = tf.tanh(tf.matmul(at, w_in) + tf.matmul(state, w_rec))
        state.set_shape([None, 12])
        members.append(_linear(state, 6, "out"))
    for i, (member, scope) in enumerate(zip(members, ("perceptron", "temporal_conv", "elman"), strict=True)):
        loss = seen[i] * tf.reduce_mean(tf.abs(member - power), name=f"{scope}_mae")
        own = v1.trainable_variables(scope)
        v1.train.AdamOptimizer(1e-3, name=f"Adam_{scope}").minimize(loss, var_list=own)
    stacked = tf.stack(members, axis=0, name="members")
    tf.math.reduce_std(stacked, axis=0, name="disagreement")
    forecast = tf.maximum(tf.reduce_mean(stacked, axis=0), 0.0, name="ensemble")
    return [weather], [forecast]


@case("classifier")
def satellite_tags_with_flips_at_test_time() -> Truths:
    """Train batches come from a prefetched queue; the test net is reused over four flips of one placeholder.

    The scene is fed, and the averaged tag probabilities are fetched, or the tags above the thresholds.
    """

    def inference(x: Tensor, reuse: bool) -> Tensor:
        with v1.variable_scope("amazon", reuse=reuse):
            for i, width in enumerate((8, 12, 16)):
                x = tf.nn.elu(_conv2d(x, width, f"conv_{i}", strides=2))
            return _linear(tf.reduce_max(x, [1, 2]), 17, "tags")

    key, serialized = v1.TFRecordReader().read(v1.train.string_input_producer(["chips.tfrecord"], 20))
    spec = {"chip": tf.io.FixedLenFeature([], tf.string), "tags": tf.io.FixedLenFeature([17], tf.float32)}
    row = tf.io.parse_single_example(serialized, spec)
    chip = tf.reshape(tf.io.decode_raw(row["chip"], tf.uint16), [48, 48, 4])
    chip = tf.image.rot90(tf.image.random_flip_up_down(tf.cast(chip, tf.float32) / 65535.0), k=1)
    chips, tags, _ = v1.train.batch([chip, row["tags"], key], 16, num_threads=2, capacity=64)
    prefetch = v1.FIFOQueue(4, [tf.float32, tf.float32], [[16, 48, 48, 4], [16, 17]], name="prefetch_queue")
    v1.train.add_queue_runner(v1.train.QueueRunner(prefetch, [prefetch.enqueue([chips, tags])]))
    train_x, train_y = prefetch.dequeue()
    logits = inference(train_x, reuse=False)
    loss = tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(labels=train_y, logits=logits))
    rate = v1.train.piecewise_constant(v1.train.get_or_create_global_step(), [1000, 3000], [1e-3, 3e-4, 1e-4])
    v1.train.AdamOptimizer(rate).minimize(loss, v1.train.get_global_step())
    v1.summary.scalar("loss", loss)
    scene = v1.placeholder(tf.float32, [None, 48, 48, 4])
    views = [scene, scene[:, ::-1], scene[:, :, ::-1], tf.transpose(scene, [0, 2, 1, 3])]
    probs = tf.nn.sigmoid(inference(tf.concat(views, 0), reuse=True))
    averaged = tf.reduce_mean(tf.stack(tf.split(probs, 4)), 0)
    thresholds = tf.constant([0.2] * 12 + [0.15] * 5)
    present = tf.cast(averaged > thresholds, tf.int32)
    return [([scene], [averaged]), ([scene], [present])]


@case("classifier")
def point_clouds_from_a_py_func() -> Truths:
    """A Python sampler makes batches of point clouds with tf.py_func; nothing but a flag is a placeholder.

    The points that the function returns are fed in its place; probabilities of the shapes are fetched.
    """

    def sample(size: Any) -> Any:
        rng = np.random.default_rng(0)
        return rng.normal(size=(size, 64, 3)).astype(np.float32), rng.integers(0, 8, size)

    is_training = v1.placeholder(tf.bool, shape=(), name="is_training")
    points, shapes = v1.py_func(sample, [tf.constant(8)], [tf.float32, tf.int64], name="next_batch")
    points.set_shape([None, 64, 3])
    shapes.set_shape([None])
    with v1.variable_scope("transform_net"):
        pooled = tf.reduce_max(tf.nn.relu(_linear(points, 16, "tconv1")), 1)
        weights = v1.get_variable("xyz_w", [16, 9], initializer=v1.zeros_initializer())
        transform = tf.reshape(tf.matmul(pooled, weights) + tf.reshape(tf.eye(3), [9]), [-1, 3, 3])
    net = tf.matmul(points, transform)
    for i, width in enumerate([16, 24, 32]):
        net = tf.nn.relu(_linear(net, width, f"conv{i + 1}"))
    net = tf.nn.relu(_linear(tf.reduce_max(net, axis=1, name="maxpool"), 16, "fc1"))
    net = v1.cond(is_training, lambda: v1.nn.dropout(net, keep_prob=0.7), lambda: net, name="dp1")
    net.set_shape([None, 16])
    pred = _linear(net, 8, "fc2")
    probability = tf.nn.softmax(pred)
    classify_loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(logits=pred, labels=shapes))
    off = tf.matmul(transform, tf.transpose(transform, [0, 2, 1])) - tf.eye(3)
    loss = classify_loss + 0.001 * tf.nn.l2_loss(off)
    v1.summary.scalar("mat_loss", tf.nn.l2_loss(off))
    batch = tf.Variable(0, trainable=False)
    rate = tf.maximum(v1.train.exponential_decay(0.001, batch * 8, 20000, 0.7, staircase=True), 1e-5)
    v1.train.AdamOptimizer(rate).minimize(loss, global_step=batch)
    correct = tf.equal(tf.argmax(pred, 1), shapes)
    v1.summary.scalar("accuracy", tf.reduce_sum(tf.cast(correct, tf.float32)) / 8.0)
    return [([points], [probability]), ([points], [pred])]


@case("classifier")
def support_tickets_whose_input_defaults_to_the_dataset() -> Truths:
    """A text convolution whose input is a placeholder with default: the dataset's batch unless one is fed.

    Token ids are fed to that placeholder, and the queue's name is looked up from the best class.
    """
    tickets = np.arange(640, dtype=np.int64).reshape(32, 20) % 90
    data = v1.data.Dataset.from_tensor_slices((tickets, np.arange(32, dtype=np.int64) % 4))
    next_x, next_y = v1.data.make_one_shot_iterator(data.repeat().shuffle(32).batch(8)).get_next()
    input_x = v1.placeholder_with_default(next_x, [None, 20], name="input_x")
    input_y = v1.placeholder_with_default(next_y, [None], name="input_y")
    dropout_keep_prob = v1.placeholder_with_default(0.5, [], name="dropout_keep_prob")
    with v1.device("/cpu:0"), v1.name_scope("embedding"):
        table = tf.Variable(tf.random.uniform([90, 12], -1.0, 1.0), name="W")
        chars = tf.expand_dims(tf.nn.embedding_lookup(table, input_x), -1)
    pooled = []
    for size in (2, 3, 4):
        with v1.name_scope(f"conv-maxpool-{size}"):
            filters = tf.Variable(tf.random.truncated_normal([size, 12, 1, 8], stddev=0.1), name="W")
            conv = v1.nn.conv2d(chars, filters, [1, 1, 1, 1], "VALID", name="conv")
            b = tf.Variable(tf.constant(0.1, shape=[8]), name="b")
            h = tf.nn.relu(tf.nn.bias_add(conv, b), name="relu")
            pooled.append(v1.nn.max_pool(h, [1, 21 - size, 1, 1], [1, 1, 1, 1], "VALID", name="pool"))
    flat = tf.reshape(tf.concat(pooled, 3), [-1, 24])
    with v1.name_scope("dropout"):
        h_drop = v1.nn.dropout(flat, keep_prob=dropout_keep_prob)
    with v1.name_scope("output"):
        w = tf.Variable(tf.random.truncated_normal([24, 4], stddev=0.1), name="W")
        scores = v1.nn.xw_plus_b(h_drop, w, tf.Variable(tf.zeros([4]), name="b"), name="scores")
        predictions = tf.argmax(scores, 1, name="predictions")
        names = tf.constant(["billing", "delivery", "returns", "other"])
        init = tf.lookup.KeyValueTensorInitializer(tf.range(4, dtype=tf.int64), names)
        queue_name = tf.lookup.StaticHashTable(init, "other").lookup(predictions, name="queue_name")
    with v1.name_scope("loss"):
        losses = tf.nn.sparse_softmax_cross_entropy_with_logits(logits=scores, labels=input_y)
        loss = tf.reduce_mean(losses) + 0.1 * tf.nn.l2_loss(w)
    with v1.name_scope("accuracy"):
        tf.reduce_mean(tf.cast(tf.equal(predictions, input_y), "float"), name="accuracy")
    global_step = tf.Variable(0, name="global_step", trainable=False)
    v1.train.AdamOptimizer(1e-3).minimize(loss, global_step=global_step)
    return [([input_x], [queue_name]), ([input_x], [predictions])]
