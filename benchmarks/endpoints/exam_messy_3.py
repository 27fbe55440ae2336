"""Graphs as people leave them: names that mislead, leftovers, and several nets in one graph."""

# ruff: noqa: N806 (the names are those of the authors)

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf

from benchmarks.endpoints.cases import Truth, case, v1

Tensor = Any


@case("regression")
def notebook_cell_ran_twice_house_prices() -> Truth:
    """A notebook on house prices; the cell with the net was run a second time after changing the width.

    The python names point to the second net: `sess.run(pred, {X: test_x, keep: 1.0})`.
    """
    X = pred = None
    for width in (6, 9):  # the cell, as left by Shift-Enter twice
        X = v1.placeholder(tf.float32, [None, 13])
        Y = v1.placeholder(tf.float32, [None, 1])
        keep = v1.placeholder(tf.float32)
        W1 = v1.Variable(v1.random_normal([13, width], stddev=0.1))
        b1 = v1.Variable(tf.zeros([width]))
        W2 = v1.Variable(v1.random_normal([width, 4], stddev=0.1))
        b2 = v1.Variable(tf.zeros([4]))
        W3 = v1.Variable(v1.random_normal([4, 1], stddev=0.1))
        b3 = v1.Variable(tf.zeros([1]))
        h = tf.nn.relu(tf.matmul(X, W1) + b1)
        h = v1.nn.dropout(h, keep_prob=keep)
        h = tf.nn.relu(tf.matmul(h, W2) + b2)
        pred = tf.matmul(h, W3) + b3
        cost = tf.reduce_mean(tf.square(pred - Y))
        rmse = tf.sqrt(cost)
        step = v1.Variable(0, trainable=False)
        lr = v1.train.exponential_decay(0.01, step, 500, 0.9, staircase=True)
        v1.train.GradientDescentOptimizer(lr).minimize(cost, global_step=step)
        v1.summary.scalar("rmse", rmse)
        v1.summary.merge_all()
        v1.global_variables_initializer()
    return [X], [pred]


@case("text")
def nameless_sentence_cnn_dead_placeholders() -> Truth:
    """Spam filter copied from a blog; many placeholders were planned and not used, nothing has a name.

    predict.py: `sess.run(out, {tokens: batch, dropout: 1.0})`.
    """
    epoch_ph = v1.placeholder(tf.int32)
    pos_tags = v1.placeholder(tf.int32, [None, 20])  # never used
    dropout = v1.placeholder(tf.float32)
    tokens = v1.placeholder(tf.int32, [None, 20])
    lengths = v1.placeholder(tf.int32, [None])  # never used
    target = v1.placeholder(tf.int64, [None])
    weights = v1.placeholder(tf.float32, [None])
    emb_init = v1.placeholder(tf.float32, [50, 8])
    table = v1.Variable(v1.random_uniform([50, 8], -1.0, 1.0))
    table.assign(emb_init)
    seq = tf.expand_dims(tf.nn.embedding_lookup(table, tokens), -1)
    pieces = []
    for size in (2, 3, 4):
        f = v1.Variable(v1.truncated_normal([size, 8, 1, 5], stddev=0.1))
        b = v1.Variable(tf.constant(0.1, shape=[5]))
        c = tf.nn.relu(tf.nn.conv2d(seq, f, [1, 1, 1, 1], "VALID") + b)
        pieces.append(tf.nn.max_pool2d(c, [1, 20 - size + 1, 1, 1], [1, 1, 1, 1], "VALID"))
    flat = tf.reshape(tf.concat(pieces, 3), [-1, 15])
    flat = v1.nn.dropout(flat, keep_prob=dropout)
    w = v1.Variable(v1.truncated_normal([15, 2], stddev=0.1))
    z = tf.matmul(flat, w) + v1.Variable(tf.zeros([2]))
    out = tf.argmax(z, 1)
    xent = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=target, logits=z)
    loss = tf.reduce_mean(xent * weights) + 1e-3 * tf.nn.l2_loss(w)
    rate = 0.001 / (1.0 + tf.cast(epoch_ph, tf.float32))
    v1.train.AdamOptimizer(rate).minimize(loss)
    tf.reduce_mean(tf.cast(tf.equal(out, target), tf.float32))
    del pos_tags, lengths
    return [tokens], [out]


@case("classifier")
def flowers_tfrecords_three_towers() -> Truth:
    """Training and validation come out of queues of TFRecords; a third tower is for test images.

    The towers have the same weights.
    classify.py feeds the array of test images and fetches the test tower's softmax.
    """

    def read(names: list[str], shuffle: bool) -> Any:
        queue = v1.train.string_input_producer(names, num_epochs=None, shuffle=shuffle)
        _, record = v1.TFRecordReader().read(queue)
        parsed = v1.parse_single_example(
            record,
            {
                "image_raw": v1.FixedLenFeature([], tf.string),
                "label": v1.FixedLenFeature([], tf.int64),
            },
        )
        image = tf.image.decode_jpeg(parsed["image_raw"], channels=3)
        image = v1.image.resize_images(image, [20, 20])
        if shuffle:
            image = tf.image.random_flip_left_right(v1.random_crop(image, [16, 16, 3]))
            image = tf.image.random_brightness(image, 20.0)
        else:
            image = v1.image.resize_image_with_crop_or_pad(image, 16, 16)
        image = tf.image.per_image_standardization(image)
        image.set_shape([16, 16, 3])
        label = tf.cast(parsed["label"], tf.int32)
        if shuffle:
            return v1.train.shuffle_batch([image, label], 8, 200, 50, num_threads=2)
        return v1.train.batch([image, label], 8, num_threads=1, capacity=64)

    def inference(images: Tensor, train: bool) -> Tensor:
        net = images
        for i, (cin, cout) in enumerate([(3, 4), (4, 6)]):
            with v1.variable_scope(f"conv{i + 1}"):
                k = v1.get_variable("kernel", [3, 3, cin, cout])
                bias = v1.get_variable("bias", [cout], initializer=v1.zeros_initializer())
                net = tf.nn.relu(tf.nn.bias_add(tf.nn.conv2d(net, k, [1, 1, 1, 1], "SAME"), bias))
                net = tf.nn.max_pool2d(net, 2, 2, "SAME", name="pool")
        net = tf.reshape(net, [-1, 4 * 4 * 6])
        if train:
            net = v1.nn.dropout(net, rate=0.5)
        with v1.variable_scope("fc"):
            return v1.nn.xw_plus_b(
                net, v1.get_variable("w", [96, 5]), v1.get_variable("b", [5]), name="scores"
            )

    train_x, train_y = read(["train-0.tfr", "train-1.tfr"], True)
    val_x, val_y = read(["val.tfr"], False)
    test_x = v1.placeholder(tf.float32, [None, 16, 16, 3])
    with v1.variable_scope("model"):
        logits = inference(train_x, True)
    with v1.variable_scope("model", reuse=True):
        val_logits = inference(val_x, False)
    with v1.variable_scope("model", reuse=True):
        test_logits = inference(test_x, False)
    loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels=train_y, logits=logits))
    val_loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels=val_y, logits=val_logits))
    train_acc = tf.reduce_mean(tf.cast(tf.nn.in_top_k(train_y, logits, 1), tf.float32))
    val_acc = tf.reduce_mean(tf.cast(tf.nn.in_top_k(val_y, val_logits, 1), tf.float32))
    test_pred = tf.nn.softmax(test_logits)
    step = v1.train.get_or_create_global_step()
    lr = v1.train.piecewise_constant(step, [1000, 2000], [0.1, 0.01, 0.001])
    v1.train.MomentumOptimizer(lr, 0.9, use_nesterov=True).minimize(loss, global_step=step)
    for n, t in (
        ("loss", loss),
        ("val_loss", val_loss),
        ("acc", train_acc),
        ("val_acc", val_acc),
        ("lr", lr),
    ):
        v1.summary.scalar(n, t)
    v1.summary.image("train_images", train_x, 3)
    v1.summary.merge_all()
    return [test_x], [test_pred]


@case("sound")
def two_gpu_towers_audio_tagger() -> Truth:
    """Audio tagging on two GPUs: the batch is split, gradients averaged, probabilities joined again.

    tag.py: `sess.run(all_probs, {mel: spectrograms, phase: False})`.
    """
    with v1.device("/cpu:0"):
        mel = v1.placeholder(tf.float32, [None, 24, 16], "mel")
        tags = v1.placeholder(tf.float32, [None, 7], "tags")
        phase = v1.placeholder(tf.bool, [], "phase")
        step = v1.get_variable("global_step", [], tf.int32, v1.constant_initializer(0), trainable=False)
        warm = tf.minimum(1.0, tf.cast(step, tf.float32) / 100.0)
        opt = v1.train.AdamOptimizer(1e-3 * warm)
        xs, ys = tf.split(mel, 2), tf.split(tags, 2)

    def tower(x: Tensor) -> Tensor:
        net = x[..., tf.newaxis]
        for i, c in enumerate((3, 5)):
            with v1.variable_scope(f"block{i}"), v1.device("/cpu:0"):
                w = v1.get_variable("weights", [3, 3, net.shape[-1], c])
                gamma = v1.get_variable("gamma", [c], initializer=v1.ones_initializer())
                beta = v1.get_variable("beta", [c], initializer=v1.zeros_initializer())
                mm = v1.get_variable("moving_mean", [c], initializer=v1.zeros_initializer(), trainable=False)
                mv = v1.get_variable(
                    "moving_variance", [c], initializer=v1.ones_initializer(), trainable=False
                )
            net = tf.nn.conv2d(net, w, 1, "SAME")
            m, v = tf.nn.moments(net, [0, 1, 2])
            v1.add_to_collection(v1.GraphKeys.UPDATE_OPS, v1.assign_sub(mm, 0.01 * (mm - m)))
            v1.add_to_collection(v1.GraphKeys.UPDATE_OPS, v1.assign_sub(mv, 0.01 * (mv - v)))
            m, v = v1.cond(
                phase, lambda m=m, v=v: (m, v), lambda mm=mm, mv=mv: (tf.identity(mm), tf.identity(mv))
            )
            net = tf.nn.max_pool2d(
                tf.nn.relu(tf.nn.batch_normalization(net, m, v, beta, gamma, 1e-3)), 2, 2, "SAME"
            )
        net = tf.reduce_mean(net, [1, 2])
        with v1.variable_scope("out"), v1.device("/cpu:0"):
            return tf.matmul(net, v1.get_variable("w", [5, 7])) + v1.get_variable("b", [7])

    tower_grads, probs, losses = [], [], []
    with v1.variable_scope(v1.get_variable_scope()):
        for i in range(2):
            with v1.device(f"/gpu:{i}"), v1.name_scope(f"tower_{i}") as scope:
                logits = tower(xs[i])
                loss = tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(labels=ys[i], logits=logits))
                probs.append(tf.sigmoid(logits))
                losses.append(loss)
                v1.get_variable_scope().reuse_variables()
                updates = v1.get_collection(v1.GraphKeys.UPDATE_OPS, scope)
                tower_grads.append(opt.compute_gradients(loss))
    averaged = []
    for pairs in zip(*tower_grads, strict=True):
        g = tf.reduce_mean(tf.concat([tf.expand_dims(g, 0) for g, _ in pairs], 0), 0)
        averaged.append((g, pairs[0][1]))
    clipped, _ = tf.clip_by_global_norm([g for g, _ in averaged], 5.0)
    apply = opt.apply_gradients(zip(clipped, [v for _, v in averaged], strict=True), global_step=step)
    ema = v1.train.ExponentialMovingAverage(0.999, step)
    with tf.control_dependencies([apply, *updates]):
        ema.apply(v1.trainable_variables())
    all_probs = tf.concat(probs, 0)
    v1.summary.scalar("total_loss", tf.add_n(losses) / 2.0)
    hits = tf.equal(all_probs > 0.5, tags > 0.5)
    v1.summary.scalar("hamming", tf.reduce_mean(tf.cast(hits, tf.float32)))
    for g, v in averaged:
        v1.summary.histogram(v.op.name + "/gradients", g)
    return [mel], [all_probs]


@case("table")
def csv_queue_abalone_fed_at_batch() -> Truth:
    """Abalone ages from a CSV queue without a placeholder: the author overrides the dequeued batch.

    `sess.run(age, feed_dict={features: my_rows})`.
    """
    files = v1.train.string_input_producer(["abalone_train.csv"])
    reader = v1.TextLineReader(skip_header_lines=1)
    _, line = reader.read(files)
    columns = v1.decode_csv(line, record_defaults=[["M"]] + [[0.0]] * 7 + [[0]])
    male = tf.cast(tf.equal(columns[0], "M"), tf.float32)
    female = tf.cast(tf.equal(columns[0], "F"), tf.float32)
    row = tf.stack([male, female, *columns[1:8]])
    features, rings = v1.train.shuffle_batch(
        [row, tf.cast(columns[8], tf.float32)], batch_size=16, capacity=500, min_after_dequeue=100
    )
    mean = v1.Variable(tf.zeros([9]), trainable=False, name="mean")
    std = v1.Variable(tf.ones([9]), trainable=False, name="std")
    h = (features - mean) / std
    for i, (a, b) in enumerate([(9, 10), (10, 6)]):
        w = v1.Variable(v1.truncated_normal([a, b], stddev=0.2), name=f"w{i}")
        h = tf.nn.elu(tf.matmul(h, w) + v1.Variable(tf.zeros([b]), name=f"b{i}"))
        v1.add_to_collection("wd", tf.nn.l2_loss(w))
    w = v1.Variable(v1.truncated_normal([6, 1], stddev=0.2), name="w_out")
    age = tf.squeeze(tf.matmul(h, w), 1) + v1.Variable(1.5)
    mse = tf.reduce_mean(v1.squared_difference(age, rings + 1.5))
    total = mse + 1e-4 * tf.add_n(v1.get_collection("wd"))
    mae = tf.reduce_mean(tf.abs(age - rings - 1.5))
    v1.train.RMSPropOptimizer(0.005, momentum=0.5).minimize(total)
    v1.summary.scalar("mse", mse)
    v1.summary.scalar("mae", mae)
    v1.summary.merge_all()
    return [features], [age]


@case("segmentation", modern=True)
def lung_mask_unet_reinitializable_iterator() -> Truth:
    """A small U-net for chest films behind an iterator with train and validation datasets.

    It has IoU and a confusion matrix.
    The demo: `sess.run('masks:0', {'IteratorGetNext:0': films, 'Placeholder_4:0': False})`.
    """
    tx, ty = v1.placeholder(tf.float32, [None, 16, 16, 1]), v1.placeholder(tf.int32, [None, 16, 16])
    vx, vy = v1.placeholder(tf.float32, [None, 16, 16, 1]), v1.placeholder(tf.int32, [None, 16, 16])
    bn = v1.placeholder(tf.bool, [])
    train = v1.data.Dataset.from_tensor_slices((tx, ty)).shuffle(64).repeat().batch(4).prefetch(1)
    valid = v1.data.Dataset.from_tensor_slices((vx, vy)).batch(4)
    it = v1.data.Iterator.from_structure(v1.data.get_output_types(train), v1.data.get_output_shapes(train))
    it.make_initializer(train, name="train_init")
    it.make_initializer(valid, name="val_init")
    image, mask = it.get_next()

    def double(x: Tensor, c: int, scope: str) -> Tensor:
        with v1.variable_scope(scope):
            for i in (1, 2):
                k = v1.get_variable(
                    f"k{i}", [3, 3, x.shape[-1], c], initializer=v1.glorot_uniform_initializer()
                )
                x = tf.nn.conv2d(x, k, 1, "SAME")
                x = tf.nn.relu(x + v1.get_variable(f"b{i}", [c], initializer=v1.zeros_initializer()))
            return x

    d1 = double(image, 4, "down1")
    d2 = double(tf.nn.max_pool2d(d1, 2, 2, "SAME"), 6, "down2")
    mid = double(tf.nn.max_pool2d(d2, 2, 2, "SAME"), 8, "bottom")
    mid = tf.cond(bn, lambda: tf.nn.dropout(mid, rate=0.3), lambda: mid)

    def up(x: Tensor, skip: Tensor, c: int, scope: str) -> Tensor:
        with v1.variable_scope(scope):
            k = v1.get_variable("up", [2, 2, c, x.shape[-1]])
            s = tf.shape(skip)
            x = tf.nn.conv2d_transpose(x, k, tf.stack([s[0], s[1], s[2], c]), 2, "SAME")
            return double(tf.concat([x, skip], 3), c, "convs")

    u = up(up(mid, d2, 6, "up2"), d1, 4, "up1")
    logits = tf.nn.conv2d(u, v1.get_variable("head", [1, 1, 4, 2]), 1, "SAME", name="logits")
    masks = tf.argmax(logits, 3, output_type=tf.int32, name="masks")
    fg = tf.nn.softmax(logits)[..., 1]
    truth = tf.cast(mask, tf.float32)
    dice = 1.0 - (2.0 * tf.reduce_sum(fg * truth) + 1.0) / (tf.reduce_sum(fg) + tf.reduce_sum(truth) + 1.0)
    loss = dice + tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels=mask, logits=logits))
    with v1.name_scope("metrics"):
        iou, _ = v1.metrics.mean_iou(mask, masks, 2)
        confusion = tf.math.confusion_matrix(tf.reshape(mask, [-1]), tf.reshape(masks, [-1]), 2)
    step = v1.train.get_or_create_global_step()
    lr = v1.train.polynomial_decay(1e-3, step, 2000, 1e-5, power=0.9)
    v1.train.AdamOptimizer(lr).minimize(loss, step)
    v1.summary.scalar("iou", iou)
    v1.summary.image("confusion", tf.cast(confusion, tf.float32)[None, :, :, None])
    v1.summary.image("overlay", tf.concat([image, tf.cast(masks, tf.float32)[..., None]], 2))
    return [image], [masks]


@case("restoration")
def base64_batch_upscaler_server() -> Truth:
    """A colleague's model behind an HTTP server: a batch of web-safe base64 JPEGs in, upscaled PNGs out.

    client.py posts strings to `b64_images` and reads `b64_outputs`.
    """
    strings = v1.placeholder(tf.string, [None], name="b64_images")

    def load(s: Tensor) -> Tensor:
        im = tf.image.decode_jpeg(tf.io.decode_base64(s), channels=3)
        im = tf.image.convert_image_dtype(im, tf.float32)
        im = v1.image.resize_bicubic(im[None], [12, 12])[0]
        im.set_shape([12, 12, 3])
        return im

    lr = tf.map_fn(load, strings, dtype=tf.float32)
    lr = tf.clip_by_value(lr, 0.0, 1.0)
    net = lr * 2.0 - 1.0
    with v1.variable_scope("srnet"):
        net = first = tf.nn.leaky_relu(tf.nn.conv2d(net, v1.get_variable("c0", [3, 3, 3, 8]), 1, "SAME"))
        for i in range(2):
            r = tf.nn.relu(tf.nn.conv2d(net, v1.get_variable(f"r{i}a", [3, 3, 8, 8]), 1, "SAME"))
            net = net + 0.1 * tf.nn.conv2d(r, v1.get_variable(f"r{i}b", [3, 3, 8, 8]), 1, "SAME")
        net = net + first
        net = tf.nn.depth_to_space(tf.nn.conv2d(net, v1.get_variable("up", [3, 3, 8, 12]), 1, "SAME"), 2)
        net = tf.tanh(net)
    hr = v1.image.resize_bilinear(lr, [24, 24]) + net * 0.5
    pixels = tf.image.convert_image_dtype(tf.clip_by_value(hr, 0.0, 1.0), tf.uint8, saturate=True)
    out = tf.map_fn(lambda p: tf.io.encode_base64(tf.image.encode_png(p)), pixels, dtype=tf.string)
    out = tf.identity(out, "b64_outputs")
    v1.train.get_or_create_global_step()
    return [strings], [out]


def _load_wav(path: bytes) -> np.ndarray:
    del path
    return np.zeros([1, 800], np.float32)


@case("sound")
def wav_path_through_py_func_keywords() -> Truth:
    """Keyword spotting where librosa is called within the graph by tf.py_func: one feeds a path.

    `sess.run([word, confidence], {wav_path: 'yes.wav'})`; for training, paths come as a batch of one too.
    """
    wav_path = v1.placeholder(tf.string, [])
    word_id = v1.placeholder(tf.int32, [None])
    samples = v1.py_func(_load_wav, [wav_path], tf.float32)
    samples.set_shape([1, 800])
    spec = tf.abs(tf.signal.stft(samples, 80, 40, fft_length=128))
    mel = tf.signal.linear_to_mel_weight_matrix(12, 65, 8000, 80.0, 3800.0)
    logmel = tf.math.log(tf.tensordot(spec, mel, 1) + 1e-6)
    mfcc = tf.signal.mfccs_from_log_mel_spectrograms(logmel)[..., :8]
    mfcc = tf.reshape(mfcc, [1, 19, 8])
    fw = v1.Variable(tf.random.normal([5, 8, 6], stddev=0.1), name="conv_w")
    net = tf.nn.relu(tf.nn.conv1d(mfcc, fw, 1, "SAME"))
    net = tf.reshape(tf.reduce_max(net, 1), [-1, 6])
    dw = v1.Variable(tf.random.normal([6, 4], stddev=0.1), name="dense_w")
    db = v1.Variable(tf.zeros([4]), name="dense_b")
    scores = tf.matmul(net, dw) + db
    prob = tf.nn.softmax(scores)
    vocabulary = tf.constant(["yes", "no", "stop", "go"])
    word = tf.gather(vocabulary, tf.argmax(prob, 1))
    confidence = tf.reduce_max(prob, 1)
    loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels=word_id, logits=scores))
    v1.train.AdagradOptimizer(0.05).minimize(loss)
    v1.summary.audio("heard", samples, 8000)
    v1.summary.scalar("loss", loss)
    return [wav_path], [word, confidence]


def _landmark_net(x: Tensor, training: Tensor) -> Tensor:
    for i, c in enumerate((4, 6, 8)):
        with v1.variable_scope(f"Conv_{i}"):
            w = v1.get_variable(
                "weights", [3, 3, x.shape[-1], c], initializer=v1.variance_scaling_initializer(2.0)
            )
            x = tf.nn.conv2d(x, w, [1, 2, 2, 1], "SAME")
            a = v1.get_variable("alpha", [c], initializer=v1.constant_initializer(0.25))
            x = tf.maximum(0.0, x) + a * tf.minimum(0.0, x)
    x = tf.reshape(x, [-1, 5 * 5 * 8])
    x = v1.cond(training, lambda: v1.nn.dropout(x, rate=0.4), lambda: tf.identity(x))
    with v1.variable_scope("fully_connected"):
        x = tf.nn.relu(
            v1.nn.xw_plus_b(x, v1.get_variable("weights", [200, 16]), v1.get_variable("biases", [16]))
        )
    with v1.variable_scope("fully_connected_1"):
        return v1.nn.xw_plus_b(x, v1.get_variable("weights", [16, 10]), v1.get_variable("biases", [10]))


@case("regression")
def cond_picks_queue_or_feed_landmarks() -> Truth:
    """Face landmarks: tf.cond takes either the file queue (training) or what is fed (validation, webcam).

    webcam.py: `sess.run(points, {is_train: False, feed_img: crop})`.
    """
    is_train = v1.placeholder(tf.bool, name="is_train")
    feed_img = v1.placeholder(tf.uint8, [None, 40, 40, 3], name="feed_img")
    feed_pts = v1.placeholder(tf.float32, [None, 10], name="feed_pts")
    listing = v1.train.string_input_producer(["list.txt"])
    _, line = v1.TextLineReader().read(listing)
    cols = v1.decode_csv(line, [[""]] + [[0.0]] * 10, field_delim=" ")
    img = tf.image.decode_png(tf.io.read_file(cols[0]), channels=3)
    img = tf.cast(v1.image.resize_images(img, [40, 40]), tf.uint8)
    img.set_shape([40, 40, 3])
    q_img, q_pts = v1.train.batch([img, tf.stack(cols[1:])], 8, capacity=128)
    images = v1.cond(is_train, lambda: q_img, lambda: feed_img)
    points_gt = v1.cond(is_train, lambda: q_pts, lambda: feed_pts)
    images.set_shape([None, 40, 40, 3])
    x = (tf.cast(images, tf.float32) - 127.5) / 128.0
    with v1.variable_scope("PNet"):
        out = _landmark_net(x, is_train)
    points = tf.reshape(out, [-1, 5, 2])
    gt = tf.reshape(points_gt, [-1, 5, 2])
    eyes = tf.norm(gt[:, 0] - gt[:, 1], axis=1) + 1e-6
    nme = tf.reduce_mean(tf.reduce_mean(tf.norm(points - gt, axis=2), 1) / eyes)
    diff = tf.abs(points - gt)
    wing = tf.where(diff < 10.0, 10.0 * tf.math.log(1.0 + diff / 2.0), diff - 4.0)
    loss = tf.reduce_mean(wing)
    reg = tf.add_n([tf.nn.l2_loss(v) for v in v1.trainable_variables() if "weights" in v.name])
    step = v1.Variable(0, trainable=False, name="step")
    rate = v1.train.inverse_time_decay(0.01, step, 1000, 0.5)
    v1.train.MomentumOptimizer(rate, 0.9).minimize(loss + 5e-5 * reg, step)
    v1.summary.scalar("NME", nme)
    v1.summary.image("faces", images)
    return [feed_img], [points]


@case("text", modern=True)
def case_over_domains_sentiment() -> Truth:
    """Reviews of three shops share a GRU; tf.case takes the head of the shop named by a fed number.

    `sess.run(sentiment, {ids: [...], n: [...], shop: 2})`.
    """
    ids = v1.placeholder(tf.int32, [None, None], "Placeholder")
    n = v1.placeholder(tf.int32, [None], "Placeholder")
    shop = v1.placeholder(tf.int32, [], "Placeholder")
    gold = v1.placeholder(tf.float32, [None], "Placeholder")
    emb = v1.get_variable("E", [60, 6])
    x = tf.nn.embedding_lookup(emb, ids)
    wz, wr, wh = (v1.get_variable(k, [11, 5]) for k in ("wz", "wr", "wh"))
    time_major = tf.transpose(x, [1, 0, 2])
    batch, steps = tf.shape(ids)[0], tf.shape(ids)[1]

    def body(t: Tensor, h: Tensor) -> tuple[Tensor, Tensor]:
        xt = time_major[t]
        both = tf.concat([xt, h], 1)
        z, r = tf.sigmoid(tf.matmul(both, wz)), tf.sigmoid(tf.matmul(both, wr))
        new = (1.0 - z) * h + z * tf.tanh(tf.matmul(tf.concat([xt, r * h], 1), wh))
        alive = tf.cast(t < n, tf.float32)[:, None]
        return t + 1, alive * new + (1.0 - alive) * h

    h0 = tf.zeros([batch, 5])
    _, h = tf.while_loop(
        lambda t, h: t < steps,
        body,
        [tf.constant(0), h0],
        shape_invariants=[tf.TensorShape([]), tf.TensorShape([None, 5])],
    )
    heads = []
    for name in ("books", "dvd", "kitchen"):
        with v1.variable_scope(name):
            heads.append((v1.get_variable("w", [5, 1]), v1.get_variable("b", [1])))

    def head(k: int) -> Any:
        return lambda: tf.matmul(h, heads[k][0]) + heads[k][1]

    score = tf.case([(tf.equal(shop, 0), head(0)), (tf.equal(shop, 1), head(1))], default=head(2))
    score = tf.reshape(score, [-1])
    sentiment = tf.sigmoid(score)
    loss = tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(labels=gold, logits=score))
    acc = tf.reduce_mean(tf.cast(tf.equal(tf.round(sentiment), gold), tf.float32))
    opt = v1.train.AdamOptimizer(0.002)
    opt.apply_gradients(
        [(tf.clip_by_norm(g, 1.0), v) for g, v in opt.compute_gradients(loss) if g is not None]
    )
    v1.summary.scalar("acc", acc)
    return [ids, n, shop], [sentiment]


@case("regression", modern=True)
def functions_inverse_kinematics_y_to_x() -> Truth:
    """Joint angles from a hand position; mathematician's names: y (position) goes in, x (angles) comes out.

    Net and forward kinematics are decorated functions. `sess.run(x_hat, {y: goals})`.
    """
    y = v1.placeholder(tf.float32, [None, 2], name="y")
    x = v1.placeholder(tf.float32, [None, 3], name="x")
    w1 = v1.get_variable("theta1", [2, 12])
    w2 = v1.get_variable("theta2", [12, 12])
    w3 = v1.get_variable("theta3", [12, 3])
    lengths = tf.constant([1.0, 0.8, 0.4])

    @tf.function  # type: ignore[untyped-decorator, unused-ignore]
    def network(inp: Tensor) -> Tensor:
        h = tf.nn.swish(tf.matmul(inp, w1))
        h = h + tf.nn.swish(tf.matmul(h, w2))
        return np.pi * tf.tanh(tf.matmul(h, w3))

    @tf.function  # type: ignore[untyped-decorator, unused-ignore]
    def forward(angles: Tensor) -> Tensor:
        a = tf.cumsum(angles, 1)
        return tf.stack([tf.reduce_sum(lengths * tf.cos(a), 1), tf.reduce_sum(lengths * tf.sin(a), 1)], 1)

    x_hat = tf.identity(network(y), name="f_inv")
    y_hat = tf.identity(forward(x_hat), name="y_hat")
    reach = tf.reduce_mean(tf.norm(y_hat - y, axis=1), name="reach_error")
    loss = tf.reduce_mean(1.0 - tf.cos(x_hat - x)) + 0.5 * reach
    step = v1.train.get_or_create_global_step()
    v1.train.AdamOptimizer(v1.train.cosine_decay(3e-3, step, 5000)).minimize(loss, step)
    v1.summary.scalar("reach", reach)
    return [y], [x_hat]


@case("classifier")
def fake_quant_person_in_view() -> Truth:
    """Quantization-aware training of a visual wake word net, with ranges as moving averages.

    freeze.py and the converter take `input` and `MobilenetV1/Predictions/Reshape_1`.
    """
    image = v1.placeholder(tf.float32, [1, 24, 24, 1], name="input")
    label = v1.placeholder(tf.int64, [1], name="label")

    def quant(x: Tensor, scope: str, weights: bool = False) -> Tensor:
        with v1.variable_scope(scope):
            lo = v1.get_variable("min", [], initializer=v1.constant_initializer(-6.0), trainable=False)
            hi = v1.get_variable("max", [], initializer=v1.constant_initializer(6.0), trainable=False)
            if weights:
                a, b = (
                    v1.assign(lo, tf.reduce_min(x), name="AssignMinLast"),
                    v1.assign(hi, tf.reduce_max(x), name="AssignMaxLast"),
                )
            else:
                a = v1.assign_sub(lo, 0.001 * (lo - tf.reduce_min(x)), name="AssignMinEma")
                b = v1.assign_sub(hi, 0.001 * (hi - tf.reduce_max(x)), name="AssignMaxEma")
            return tf.quantization.fake_quant_with_min_max_vars(
                x, a, b, num_bits=8, narrow_range=weights, name="FakeQuantWithMinMaxVars"
            )

    with v1.variable_scope("MobilenetV1"):
        net = quant(image, "input_quant")
        with v1.variable_scope("Conv2d_0"):
            w = v1.get_variable("weights", [3, 3, 1, 4])
            b = v1.get_variable("biases", [4], initializer=v1.zeros_initializer())
            net = quant(
                tf.nn.relu6(tf.nn.conv2d(net, quant(w, "weights_quant", True), 2, "SAME") + b), "act_quant"
            )
        for i, c in enumerate((6, 8), 1):
            with v1.variable_scope(f"Conv2d_{i}_depthwise"):
                cin = net.shape[-1]
                w = v1.get_variable("depthwise_weights", [3, 3, cin, 1])
                b = v1.get_variable("biases", [cin], initializer=v1.zeros_initializer())
                net = tf.nn.depthwise_conv2d(net, quant(w, "weights_quant", True), [1, 2, 2, 1], "SAME") + b
                net = quant(tf.nn.relu6(net), "act_quant")
            with v1.variable_scope(f"Conv2d_{i}_pointwise"):
                w = v1.get_variable("weights", [1, 1, cin, c])
                b = v1.get_variable("biases", [c], initializer=v1.zeros_initializer())
                net = tf.nn.conv2d(net, quant(w, "weights_quant", True), 1, "SAME") + b
                net = quant(tf.nn.relu6(net), "act_quant")
        with v1.variable_scope("Logits"):
            net = tf.nn.avg_pool2d(net, 3, 1, "VALID", name="AvgPool_1a")
            w = v1.get_variable("weights", [1, 1, 8, 2])
            net = tf.nn.conv2d(net, quant(w, "weights_quant", True), 1, "SAME")
            logits = tf.squeeze(quant(net, "act_quant"), [1, 2], name="SpatialSqueeze")
        with v1.name_scope("MobilenetV1/Predictions/"):
            flat = tf.reshape(logits, [-1, 2], name="Reshape")
            probs = tf.reshape(tf.nn.softmax(flat, name="Softmax"), tf.shape(logits), name="Reshape_1")
    loss = v1.losses.sparse_softmax_cross_entropy(label, logits)
    for v in v1.trainable_variables():
        if "weights" in v.name:
            v1.losses.add_loss(4e-5 * tf.nn.l2_loss(v))
    total = v1.losses.get_total_loss()
    step = v1.train.get_or_create_global_step()
    v1.train.RMSPropOptimizer(
        v1.train.exponential_decay(0.045, step, 1000, 0.98), momentum=0.9, epsilon=1.0
    ).minimize(total, step)
    v1.metrics.accuracy(label, tf.argmax(logits, 1), name="accuracy")
    v1.summary.scalar("losses/clone_loss", loss)
    return [image], [probs]


@case("sound")
def retrained_bottleneck_bird_calls() -> Truth:
    """Like retrain.py, for bird calls: a frozen trunk, `BottleneckInputPlaceholder`, a new layer.

    label_call.py loads the graph, feeds patches to the trunk's `vggish/input_features:0` and fetches
    `final_result:0`.
    """
    trunk = tf.Graph()
    rng = np.random.RandomState(3)
    with trunk.as_default(), v1.name_scope("vggish"):
        p = v1.placeholder(tf.float32, [None, 16, 12], name="input_features")
        n = tf.reshape(p, [-1, 16, 12, 1])
        for i, (a, b) in enumerate([(1, 4), (4, 6)], 1):
            with v1.name_scope(f"conv{i}"):
                k = tf.constant(rng.normal(size=[3, 3, a, b]).astype("f") * 0.2, name="weights")
                n = tf.nn.relu(
                    tf.nn.conv2d(n, tf.identity(k, "weights/read"), 1, "SAME", name="Conv"), name="Relu"
                )
            n = tf.nn.max_pool2d(n, 2, 2, "SAME", name=f"pool{i}/MaxPool")
        with v1.name_scope("fc2"):
            k = tf.constant(rng.normal(size=[72, 10]).astype("f") * 0.1, name="weights")
            tf.nn.relu(tf.matmul(tf.reshape(n, [-1, 72]), k), name="Relu")
    bottleneck, features = v1.import_graph_def(
        trunk.as_graph_def(), name="", return_elements=["vggish/fc2/Relu:0", "vggish/input_features:0"]
    )
    wav = v1.placeholder(tf.string, name="DecodeWavInput")
    pcm, _ = tf.audio.decode_wav(wav, desired_channels=1)
    tf.abs(tf.signal.stft(tf.transpose(pcm), 64, 32), name="spectrogram_for_numpy")
    with v1.name_scope("input"):
        b_in = v1.placeholder_with_default(bottleneck, [None, 10], name="BottleneckInputPlaceholder")
        truth = v1.placeholder(tf.int64, [None], name="GroundTruthInput")
    with v1.name_scope("final_training_ops"):
        with v1.name_scope("weights"):
            w = v1.Variable(v1.truncated_normal([10, 4], stddev=0.001), name="final_weights")
            v1.summary.scalar("mean", tf.reduce_mean(w))
            v1.summary.histogram("histogram", w)
        with v1.name_scope("biases"):
            b = v1.Variable(tf.zeros([4]), name="final_biases")
        with v1.name_scope("Wx_plus_b"):
            logits = tf.matmul(b_in, w) + b
            v1.summary.histogram("pre_activations", logits)
    final = tf.nn.softmax(logits, name="final_result")
    v1.summary.histogram("activations", final)
    with v1.name_scope("cross_entropy"):
        mean = v1.losses.sparse_softmax_cross_entropy(truth, logits)
    v1.summary.scalar("cross_entropy", mean)
    with v1.name_scope("train"):
        v1.train.GradientDescentOptimizer(0.01).minimize(mean)
    with v1.name_scope("accuracy"):
        guess = tf.argmax(final, 1)
        acc = tf.reduce_mean(tf.cast(tf.equal(guess, truth), tf.float32))
    v1.summary.scalar("accuracy", acc)
    return [features], [final]


@case("classifier")
def resumed_meta_graph_with_new_head() -> Truth:
    """A clothes classifier, continued for other labels: import_meta_graph, stop_gradient, a new last layer.

    predict.py feeds the old `x:0` and fetches the new softmax.
    """
    old = tf.Graph()
    with old.as_default():
        x = v1.placeholder(tf.float32, [None, 14, 14, 1], name="x")
        y = v1.placeholder(tf.float32, [None, 10], name="y_true")
        keep = v1.placeholder(tf.float32, name="keep_prob")
        w = v1.Variable(v1.truncated_normal([5, 5, 1, 6], stddev=0.1), name="W_conv1")
        h = tf.nn.relu(tf.nn.conv2d(x, w, 1, "SAME"), name="h_conv1")
        h = tf.nn.max_pool2d(h, 2, 2, "SAME", name="h_pool1")
        wf = v1.Variable(v1.truncated_normal([294, 12], stddev=0.1), name="W_fc1")
        bf = v1.Variable(tf.constant(0.1, shape=[12]), name="b_fc1")
        h = tf.nn.relu(tf.matmul(tf.reshape(h, [-1, 294]), wf) + bf, name="h_fc1")
        h = v1.nn.dropout(h, keep_prob=keep, name="h_fc1_drop")
        wo = v1.Variable(v1.truncated_normal([12, 10], stddev=0.1), name="W_fc2")
        pred = tf.nn.softmax(tf.matmul(h, wo), name="prediction")
        loss = -tf.reduce_mean(y * tf.math.log(pred + 1e-9), name="loss")
        v1.train.AdamOptimizer(1e-4).minimize(loss, name="train_step")
        right = tf.equal(tf.argmax(pred, 1), tf.argmax(y, 1))
        tf.reduce_mean(tf.cast(right, tf.float32), name="accuracy")
        v1.train.Saver(max_to_keep=3)
        meta = v1.train.export_meta_graph(graph=old)
    v1.train.import_meta_graph(meta, clear_devices=True)
    g = v1.get_default_graph()
    x = g.get_tensor_by_name("x:0")
    trunk = tf.stop_gradient(g.get_tensor_by_name("h_fc1:0"))
    labels = v1.placeholder(tf.int32, [None])
    w2 = v1.Variable(v1.truncated_normal([12, 4], stddev=0.1), name="new_W")
    b2 = v1.Variable(tf.zeros([4]), name="new_b")
    logits = tf.matmul(trunk, w2) + b2
    new_pred = tf.nn.softmax(logits)
    new_loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits))
    v1.train.GradientDescentOptimizer(0.05).minimize(new_loss, var_list=[w2, b2])
    tf.reduce_mean(tf.cast(tf.nn.in_top_k(labels, logits, 1), tf.float32))
    return [x], [new_pred]


@case("recommender")
def parameter_server_factorization_machine() -> Truth:
    """Click rates by a factorization machine, two parameter servers, synchronous replicas.

    score.py: `sess.run(pctr, {feat_ids: ..., feat_vals: ...})`.
    """
    cluster = tf.train.ClusterSpec({"ps": ["a:2222", "b:2222"], "worker": ["c:2222", "d:2222"]})
    with v1.device(v1.train.replica_device_setter(worker_device="/job:worker/task:0", cluster=cluster)):
        step = v1.train.get_or_create_global_step()
        feat_ids = v1.placeholder(tf.int64, [None, 8], name="feat_ids")
        feat_vals = v1.placeholder(tf.float32, [None, 8], name="feat_vals")
        clicks = v1.placeholder(tf.float32, [None], name="clicks")
        part = v1.fixed_size_partitioner(2)
        bias = v1.get_variable("fm_bias", [1], initializer=v1.zeros_initializer())
        first = v1.get_variable("fm_w", [40], initializer=v1.zeros_initializer())
        factors = v1.get_variable(
            "fm_v", [40, 4], initializer=v1.random_normal_initializer(stddev=0.01), partitioner=part
        )
        linear = tf.reduce_sum(v1.nn.embedding_lookup(first, feat_ids) * feat_vals, 1)
        e = v1.nn.embedding_lookup(factors, feat_ids, partition_strategy="div") * feat_vals[..., None]
        pairs = 0.5 * tf.reduce_sum(tf.square(tf.reduce_sum(e, 1)) - tf.reduce_sum(tf.square(e), 1), 1)
        y = bias + linear + pairs
        pctr = tf.sigmoid(y)
        loss = tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(labels=clicks, logits=y))
        loss += 1e-5 * tf.nn.l2_loss(first)
        auc, auc_op = v1.metrics.auc(clicks, pctr, num_thresholds=20)
        opt = v1.train.SyncReplicasOptimizer(
            v1.train.FtrlOptimizer(0.05), replicas_to_aggregate=2, total_num_replicas=2
        )
        opt.minimize(loss, global_step=step)
        opt.get_init_tokens_op()
        v1.summary.scalar("auc", auc)
        v1.summary.scalar("loss", loss)
        del auc_op
    return [feat_ids, feat_vals], [pctr]


@case("table", modern=True)
def five_net_ensemble_concrete_strength() -> Truth:
    """A deep ensemble on the concrete strength table: five nets with mean and variance, mixed at the end.

    `mu, sd = sess.run([mix_mean, mix_std], {inp: rows})`.
    """
    inp = v1.placeholder(tf.float32, [None, 8], name="inp")
    tgt = v1.placeholder(tf.float32, [None, 1], name="tgt")
    eps = v1.placeholder_with_default(0.0, [], name="adversarial_eps")
    mus, variances = [], []
    for k in range(5):
        with v1.variable_scope(f"net{k}"):
            w1 = v1.get_variable("w1", [8, 10])
            b1 = v1.get_variable("b1", [10], initializer=v1.zeros_initializer())
            w2 = v1.get_variable("w2", [10, 2])
            b2 = v1.get_variable("b2", [2], initializer=v1.zeros_initializer())

            def net(
                t: Tensor, w1: Any = w1, b1: Any = b1, w2: Any = w2, b2: Any = b2
            ) -> tuple[Tensor, Tensor]:
                o = tf.matmul(tf.nn.relu(tf.matmul(t, w1) + b1), w2) + b2
                m, raw = tf.split(o, 2, 1)
                return m, tf.nn.softplus(raw) + 1e-6

            def nll(m: Tensor, v: Tensor) -> Tensor:
                return tf.reduce_mean(0.5 * tf.math.log(v) + 0.5 * tf.square(tgt - m) / v)

            mu, var = net(inp)
            plain = nll(mu, var)
            attack = inp + eps * tf.sign(v1.gradients(plain, inp)[0])
            loss = plain + nll(*net(tf.stop_gradient(attack)))
            v1.train.AdamOptimizer(0.01).minimize(loss, var_list=[w1, b1, w2, b2])
            v1.summary.scalar("nll", plain)
            mus.append(mu)
            variances.append(var)
    mix_mean = tf.add_n(mus) / 5.0
    mix_std = tf.sqrt(
        tf.add_n([v + tf.square(m) for m, v in zip(mus, variances, strict=True)]) / 5.0 - tf.square(mix_mean)
    )
    rmse = tf.sqrt(tf.reduce_mean(tf.square(mix_mean - tgt)))
    v1.summary.scalar("rmse", rmse)
    return [inp], [mix_mean, mix_std]


@case("text")
def distilled_intent_student() -> Truth:
    """A big attention teacher and a small bag-of-embeddings student in one graph; the student is shipped.

    bot.py: `sess.run(s_intent, {sent: ids})`.
    """
    sent = v1.placeholder(tf.int32, [None, 12], name="sent")
    intent = v1.placeholder(tf.int32, [None], name="intent")
    temperature = v1.placeholder_with_default(4.0, [], name="T")
    alpha = v1.placeholder(tf.float32, [], name="alpha")
    drop = v1.placeholder_with_default(1.0, [], name="teacher_keep")
    with v1.variable_scope("teacher"):
        e = tf.nn.embedding_lookup(v1.get_variable("emb", [40, 8]), sent) + v1.get_variable("pos", [12, 8])
        pad = tf.cast(tf.equal(sent, 0), tf.float32)[:, None, :] * -1e9
        for i in range(2):
            with v1.variable_scope(f"layer_{i}"):
                q, k, v = (tf.tensordot(e, v1.get_variable(n, [8, 8]), 1) for n in "qkv")
                a = tf.nn.softmax(tf.matmul(q, k, transpose_b=True) / np.sqrt(8.0).astype("f") + pad)
                e = e + v1.nn.dropout(tf.matmul(a, v), keep_prob=drop)
                f = tf.nn.relu(tf.tensordot(e, v1.get_variable("ff1", [8, 16]), 1))
                e = e + tf.tensordot(f, v1.get_variable("ff2", [16, 8]), 1)
        t_logits = tf.matmul(
            tf.tanh(tf.matmul(e[:, 0], v1.get_variable("pool", [8, 8]))), v1.get_variable("cls", [8, 6])
        )
        t_prob = tf.nn.softmax(t_logits, name="prob")
    with v1.variable_scope("student"):
        e = tf.nn.embedding_lookup(v1.get_variable("emb", [40, 4]), sent)
        m = tf.cast(tf.not_equal(sent, 0), tf.float32)[..., None]
        bag = tf.reduce_sum(e * m, 1) / (tf.reduce_sum(m, 1) + 1e-6)
        s_logits = tf.matmul(bag, v1.get_variable("w", [4, 6])) + v1.get_variable(
            "b", [6], initializer=v1.zeros_initializer()
        )
        s_prob = tf.nn.softmax(s_logits, name="prob")
        s_intent = tf.argmax(s_prob, 1, name="intent")
    hard = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels=intent, logits=s_logits))
    soft_t = tf.stop_gradient(tf.nn.softmax(t_logits / temperature))
    soft = tf.reduce_mean(
        tf.nn.softmax_cross_entropy_with_logits(labels=soft_t, logits=s_logits / temperature)
    )
    s_loss = alpha * hard + (1.0 - alpha) * tf.square(temperature) * soft
    t_loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels=intent, logits=t_logits))
    t_vars = v1.trainable_variables("teacher")
    s_vars = v1.trainable_variables("student")
    v1.train.AdamOptimizer(1e-4, name="AdamT").minimize(t_loss, var_list=t_vars)
    v1.train.AdamOptimizer(1e-3, name="AdamS").minimize(s_loss, var_list=s_vars)
    agree = tf.reduce_mean(tf.cast(tf.equal(s_intent, tf.argmax(t_prob, 1)), tf.float32))
    v1.summary.scalar("agreement", agree)
    v1.summary.scalar(
        "student_accuracy", tf.reduce_mean(tf.cast(tf.nn.in_top_k(intent, s_logits, 1), tf.float32))
    )
    return [sent], [s_intent]


@case("table", plain=True)
def keras_backend_export_churn() -> Truth:
    """The session graph of old standalone Keras with two inputs, saved with targets, sample weights and all.

    The service feeds `input_1`, `input_2` and `dropout_1/keras_learning_phase` = 0 and fetches
    `output_node0`.
    """
    a = v1.placeholder(tf.float32, [None, 10], name="input_1")
    b = v1.placeholder(tf.float32, [None, 1], name="input_2")
    phase = v1.placeholder_with_default(False, [], name="dropout_1/keras_learning_phase")

    def dense(t: Tensor, units: int, name: str, activation: Any = None) -> Tensor:
        with v1.name_scope(name + "/"):
            with v1.name_scope("random_uniform"):
                init = v1.random_uniform([int(t.shape[-1]), units], -0.3, 0.3)
            k = v1.Variable(init, name="kernel")
            c = v1.Variable(tf.constant(0.0, shape=[units]), name="bias")
            t = tf.nn.bias_add(tf.matmul(t, k, name="MatMul"), c, name="BiasAdd")
            return activation(t) if activation else t

    with v1.name_scope("embedding_1"):
        table = v1.Variable(v1.random_uniform([7, 3], -0.05, 0.05), name="embeddings")
        e = tf.gather(table, tf.cast(b, tf.int32, name="Cast"))
    e = tf.reshape(e, [-1, 3], name="flatten_1/Reshape")
    m = tf.concat([a, e], -1, name="concatenate_1/concat")
    h = dense(m, 8, "dense_1", tf.nn.relu)
    with v1.name_scope("dropout_1/"):
        h = v1.cond(phase, lambda: v1.nn.dropout(h, rate=0.5), lambda: tf.identity(h))
    h.set_shape([None, 8])
    out = dense(h, 1, "dense_2", tf.sigmoid)
    weights_in = v1.placeholder(tf.float32, [None], name="dense_2_sample_weights")
    target = v1.placeholder(tf.float32, [None, None], name="dense_2_target")
    with v1.name_scope("loss"), v1.name_scope("dense_2_loss"):
        p = tf.clip_by_value(out, 1e-7, 1.0 - 1e-7)
        logit = tf.math.log(p / (1.0 - p))
        xe = tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(labels=target, logits=logit), -1)
        loss = tf.reduce_mean(
            xe * weights_in / tf.reduce_mean(tf.cast(tf.not_equal(weights_in, 0.0), tf.float32))
        )
    with v1.name_scope("metrics"), v1.name_scope("acc"):
        tf.reduce_mean(tf.cast(tf.equal(target, tf.round(out)), tf.float32))
    with v1.name_scope("training"), v1.name_scope("Adam"):
        it = v1.Variable(0, dtype=tf.int64, name="iterations", trainable=False)
        lr = v1.Variable(0.001, name="lr", trainable=False)
        params = v1.trainable_variables()
        for param, grad in zip(params, v1.gradients(loss, params), strict=True):
            grad = tf.convert_to_tensor(grad)
            mm = v1.Variable(tf.zeros(param.shape), trainable=False)
            vv = v1.Variable(tf.zeros(param.shape), trainable=False)
            m2, v2 = 0.9 * mm + 0.1 * grad, 0.999 * vv + 0.001 * tf.square(grad)
            v1.assign(mm, m2)
            v1.assign(vv, v2)
            v1.assign(param, param - lr * m2 / (tf.sqrt(v2) + 1e-7))
        v1.assign_add(it, 1)
    for v in params:  # set_weights and the check of initialization
        v1.assign(v, v1.placeholder(tf.float32, v.shape))
        _ = v1.is_variable_initialized(v)
    out0 = tf.identity(out, name="output_node0")
    return [a, b], [out0]


@case("detector", frozen=True)
def detection_api_encoded_strings() -> Truth:
    """export_inference_graph.py --input_type encoded_image_string_tensor of a single-shot detector, frozen.

    The client feeds JPEG bytes and fetches the four detection tensors.
    """
    encoded = v1.placeholder(tf.string, [None], name="encoded_image_string_tensor")

    def decode(s: Tensor) -> Tensor:
        im = tf.image.decode_image(s, channels=3)
        im.set_shape([None, None, 3])
        return im

    images = v1.map_fn(decode, encoded, dtype=tf.uint8, parallel_iterations=32, back_prop=False)
    images.set_shape([None, None, None, 3])
    floats = v1.cast(images, tf.float32, name="ToFloat")
    with v1.name_scope("Preprocessor"):

        def resize(im: Tensor) -> Tensor:
            r = tf.squeeze(v1.image.resize_bilinear(im[None], [32, 32]), 0)
            r.set_shape([32, 32, 3])
            return r

        x = v1.map_fn(resize, floats, dtype=tf.float32)
        x = x * 0.007843 - 1.0
    maps = []
    with v1.variable_scope("FeatureExtractor"):
        for i, c in enumerate((4, 6, 8)):
            w = v1.get_variable(f"Conv2d_{i}/weights", [3, 3, x.shape[-1], c])
            x = tf.nn.relu6(tf.nn.conv2d(x, w, 2, "SAME"))
            if i:
                maps.append(x)
    boxes, classes = [], []
    anchors: list[Any] = []
    for i, f in enumerate(maps):
        c, n = int(f.shape[-1]), int(f.shape[1])
        with v1.variable_scope(f"BoxPredictor_{i}"):
            with v1.variable_scope("BoxEncodingPredictor"):
                t = tf.nn.conv2d(f, v1.get_variable("weights", [1, 1, c, 8]), 1, "SAME")
                boxes.append(tf.reshape(t, [-1, n * n * 2, 4]))
            with v1.variable_scope("ClassPredictor"):
                t = tf.nn.conv2d(f, v1.get_variable("weights", [1, 1, c, 2 * 4]), 1, "SAME")
                classes.append(tf.reshape(t, [-1, n * n * 2, 4]))
        ys, xs = np.meshgrid((np.arange(n) + 0.5) / n, (np.arange(n) + 0.5) / n, indexing="ij")
        anchors.extend(
            np.stack([ys, xs, np.full_like(ys, s), np.full_like(ys, s)], -1).reshape(-1, 4)
            for s in (0.2, 0.4)
        )
    enc, cls = tf.concat(boxes, 1, name="concat"), tf.concat(classes, 1, name="concat_1")
    anchor = tf.constant(np.concatenate(anchors).astype("f"), name="MultipleGridAnchorGenerator/anchors")
    with v1.name_scope("Postprocessor"):
        with v1.name_scope("Decode"):
            cy, cx, h, w = tf.unstack(enc, axis=2)
            ay, ax, ah, aw = tf.unstack(anchor, axis=1)
            cy, cx, h, w = (
                cy / 10.0 * ah + ay,
                cx / 10.0 * aw + ax,
                tf.exp(h / 5.0) * ah,
                tf.exp(w / 5.0) * aw,
            )
            decoded = tf.stack([cy - h / 2, cx - w / 2, cy + h / 2, cx + w / 2], 2)
        scores = tf.sigmoid(cls, name="convert_scores")[..., 1:]
        with v1.name_scope("BatchMultiClassNonMaxSuppression"):

            def nms(pair: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor, Tensor, Tensor]:
                bx, sc = pair
                best, which = tf.reduce_max(sc, 1), tf.cast(tf.argmax(sc, 1), tf.float32)
                keep = v1.image.non_max_suppression(bx, best, 10, 0.6, 0.05)
                n = tf.shape(keep)[0]
                pad = 10 - n
                return (
                    tf.pad(tf.gather(bx, keep), [[0, pad], [0, 0]]),
                    tf.pad(tf.gather(best, keep), [[0, pad]]),
                    tf.pad(tf.gather(which, keep), [[0, pad]]),
                    tf.cast(n, tf.float32),
                )

            found = v1.map_fn(nms, (decoded, scores), dtype=(tf.float32,) * 4)
    with v1.name_scope("add"):
        label = found[2] + 1.0
    out = [
        tf.identity(found[0], "detection_boxes"),
        tf.identity(found[1], "detection_scores"),
        tf.identity(label, "detection_classes"),
        tf.identity(found[3], "num_detections"),
    ]
    return [encoded], out


@case("anomaly")
def pump_anomaly_under_names_of_a_classifier() -> Truth:
    """An autoencoder on pump vibrations, made out of a classifier's file.

    The scopes stayed: labels, softmax, accuracy.
    watch.py fetches the error of each window: `sess.run(err, {windows: w, noise: 0.})`.
    """
    windows = v1.placeholder(tf.float32, [None, 30], name="labels")
    noise = v1.placeholder(tf.float32, [], name="keep_prob")
    with v1.variable_scope("softmax_linear"):
        dirty = windows + noise * tf.random.normal(tf.shape(windows))
        w1 = v1.get_variable("W", [30, 12], initializer=v1.glorot_normal_initializer())
        b1 = v1.get_variable("b", [12], initializer=v1.zeros_initializer())
        code = tf.nn.tanh(tf.matmul(dirty, w1) + b1)
        w2 = v1.get_variable("W2", [12, 3], initializer=v1.glorot_normal_initializer())
        code = tf.nn.tanh(tf.matmul(code, w2))
        w3 = v1.get_variable("W3", [3, 12], initializer=v1.glorot_normal_initializer())
        back = tf.nn.tanh(tf.matmul(code, w3))
        logits = tf.add(
            tf.matmul(back, w1, transpose_b=True),
            v1.get_variable("b4", [30], initializer=v1.zeros_initializer()),
            name="logits",
        )
    with v1.name_scope("accuracy"):
        err = tf.reduce_mean(tf.square(logits - windows), 1, name="accuracy")
        v1.summary.histogram("accuracy", err)
    with v1.name_scope("cross_entropy"):
        cost = tf.reduce_mean(err)
        sparse = tf.reduce_mean(tf.abs(code))
        total = cost + 0.01 * sparse
    with v1.name_scope("prediction"):
        step = v1.Variable(0, trainable=False)
        opt = v1.train.AdamOptimizer(v1.train.natural_exp_decay(0.002, step, 100, 0.05))
        grads, tvars = zip(*opt.compute_gradients(total), strict=True)
        grads, norm = tf.clip_by_global_norm(grads, 1.0)
        opt.apply_gradients(zip(grads, tvars, strict=True), step)
    v1.summary.scalar("grad_norm", norm)
    v1.summary.scalar("cross_entropy", cost)
    v1.summary.merge_all()
    return [windows], [err]


@case("classifier")
def semi_supervised_gan_two_optimizers() -> Truth:
    """Improved-GAN for digits of a meter: a generator, a discriminator with classes, two optimizers.

    read_meter.py wants only the digit: `sess.run(digit, {x_lab: crops})`.
    """
    x_lab = v1.placeholder(tf.float32, [None, 12, 12, 1])
    y_lab = v1.placeholder(tf.int32, [None])
    x_unl = v1.placeholder(tf.float32, [None, 12, 12, 1])
    z = v1.placeholder(tf.float32, [None, 6])

    def gen(z: Tensor) -> Tensor:
        with v1.variable_scope("g"):
            h = tf.nn.relu(tf.matmul(z, v1.get_variable("p", [6, 3 * 3 * 8])))
            h = tf.reshape(h, [-1, 3, 3, 8])
            n = tf.shape(z)[0]
            h = tf.nn.relu(
                tf.nn.conv2d_transpose(h, v1.get_variable("t1", [3, 3, 4, 8]), tf.stack([n, 6, 6, 4]), 2)
            )
            return tf.tanh(
                tf.nn.conv2d_transpose(h, v1.get_variable("t2", [3, 3, 1, 4]), tf.stack([n, 12, 12, 1]), 2)
            )

    def disc(x: Tensor) -> tuple[Tensor, Tensor]:
        with v1.variable_scope("d", reuse=v1.AUTO_REUSE):
            h = tf.nn.leaky_relu(tf.nn.conv2d(x, v1.get_variable("c1", [3, 3, 1, 4]), 2, "SAME"))
            h = tf.nn.leaky_relu(tf.nn.conv2d(h, v1.get_variable("c2", [3, 3, 4, 8]), 2, "SAME"))
            f = tf.reduce_mean(h, [1, 2])
            return f, tf.matmul(f, v1.get_variable("o", [8, 10])) + v1.get_variable("ob", [10])

    fake = gen(z)
    _, l_lab = disc(x_lab)
    f_unl, l_unl = disc(x_unl)
    f_fake, l_fake = disc(fake)
    lse_u, lse_f = tf.reduce_logsumexp(l_unl, 1), tf.reduce_logsumexp(l_fake, 1)
    sup = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels=y_lab, logits=l_lab))
    unsup = -0.5 * tf.reduce_mean(lse_u - tf.nn.softplus(lse_u)) + 0.5 * tf.reduce_mean(tf.nn.softplus(lse_f))
    d_loss = sup + unsup
    g_loss = tf.reduce_mean(tf.abs(tf.reduce_mean(f_unl, 0) - tf.reduce_mean(f_fake, 0)))
    digit = tf.argmax(l_lab, 1)
    err = tf.reduce_mean(tf.cast(tf.not_equal(tf.cast(digit, tf.int32), y_lab), tf.float32))
    d_train = v1.train.AdamOptimizer(3e-4, 0.5).minimize(d_loss, var_list=v1.trainable_variables("d"))
    v1.train.AdamOptimizer(3e-4, 0.5).minimize(g_loss, var_list=v1.trainable_variables("g"))
    ema = v1.train.ExponentialMovingAverage(0.99)
    with tf.control_dependencies([d_train]):
        ema.apply(v1.trainable_variables("d"))
    v1.summary.image("samples", fake)
    for n, t in (("d", d_loss), ("g", g_loss), ("err", err)):
        v1.summary.scalar(n, t)
    return [x_lab], [digit]


@case("sound")
def wake_word_stream_identity_nodes() -> Truth:
    """A wake word GRU: trained over whole clips, exported as one step with tf.identity names for the phone.

    The app: run `wake_prob`, `state_out` with `frame_in` and `state_in` from the last call.
    """
    clips = v1.placeholder(tf.float32, [None, 15, 9], name="clips")
    is_wake = v1.placeholder(tf.float32, [None], name="is_wake")
    cell_w = v1.get_variable("rnn/gates", [9 + 7, 14])
    cell_b = v1.get_variable("rnn/gates_b", [14], initializer=v1.ones_initializer())
    cand_w = v1.get_variable("rnn/cand", [9 + 7, 7])
    proj = v1.get_variable("proj/w", [7, 1])
    proj_b = v1.get_variable("proj/b", [1], initializer=v1.constant_initializer(-2.0))

    def cell(h: Tensor, x: Tensor) -> Tensor:
        r, u = tf.split(tf.sigmoid(tf.matmul(tf.concat([x, h], 1), cell_w) + cell_b), 2, 1)
        c = tf.tanh(tf.matmul(tf.concat([x, r * h], 1), cand_w))
        return u * h + (1.0 - u) * c

    init = tf.zeros([tf.shape(clips)[0], 7])
    states = v1.scan(cell, tf.transpose(clips, [1, 0, 2]), initializer=init)
    per_frame = tf.tensordot(states, proj, 1)[..., 0] + proj_b
    clip_logit = tf.reduce_max(per_frame, 0)
    loss = tf.reduce_mean(
        tf.nn.weighted_cross_entropy_with_logits(labels=is_wake, logits=clip_logit, pos_weight=5.0)
    )
    step = v1.train.get_or_create_global_step()
    opt = v1.train.AdamOptimizer(1e-3)
    gv = [(tf.clip_by_value(g, -1.0, 1.0), v) for g, v in opt.compute_gradients(loss)]
    opt.apply_gradients(gv, step)
    prob = tf.sigmoid(clip_logit)
    v1.metrics.recall(is_wake > 0.5, prob > 0.5, name="recall")
    v1.metrics.precision(is_wake > 0.5, prob > 0.5, name="precision")
    # streaming
    frame_in = v1.placeholder(tf.float32, [1, 9], name="frame_in")
    state_in = v1.placeholder(tf.float32, [1, 7], name="state_in")
    new = cell(state_in, frame_in)
    wake = tf.identity(tf.sigmoid(tf.matmul(new, proj) + proj_b), name="wake_prob")
    state_out = tf.identity(new, name="state_out")
    return [frame_in, state_in], [wake, state_out]


@case("ranking")
def ema_shadow_tower_ranker() -> Truth:
    """ListNet on web search features; the scores are of a second tower whose weights are moving averages.

    rank.py: `sess.run(score_ema, {docs: feats})`.
    """
    docs = v1.placeholder(tf.float32, [None, 20])
    rel = v1.placeholder(tf.float32, [None])
    rate = v1.placeholder(tf.float32, [])

    def scorer(t: Tensor, getter: Any = None) -> Tensor:
        with v1.variable_scope("scorer", custom_getter=getter, reuse=v1.AUTO_REUSE):
            for i, n in enumerate((12, 8)):
                w = v1.get_variable(f"W{i}", [t.shape[-1], n])
                b = v1.get_variable(f"b{i}", [n], initializer=v1.zeros_initializer())
                t = tf.nn.relu(tf.matmul(t, w) + b)
            return tf.reshape(tf.matmul(t, v1.get_variable("out", [8, 1])), [-1])

    score = scorer(docs)
    loss = -tf.reduce_sum(tf.nn.softmax(rel) * tf.nn.log_softmax(score))
    step = v1.train.get_or_create_global_step()
    train = v1.train.MomentumOptimizer(rate, 0.9).minimize(loss, step)
    ema = v1.train.ExponentialMovingAverage(0.995, num_updates=step)
    params = v1.trainable_variables("scorer")
    with tf.control_dependencies([train]):
        ema.apply(params)

    def averaged(getter: Any, name: str, *args: Any, **kwargs: Any) -> Tensor:
        var = getter(name, *args, **kwargs)
        return ema.average(var) if ema.average(var) is not None else var

    score_ema = scorer(docs, averaged)
    k = tf.minimum(5, tf.size(score_ema))
    _, top = tf.nn.top_k(score_ema, k)
    gains = tf.pow(2.0, tf.gather(rel, top)) - 1.0
    dcg = tf.reduce_sum(gains / tf.math.log(tf.cast(tf.range(k), tf.float32) + 2.0))
    v1.summary.scalar("dcg_at_5", dcg)
    v1.summary.scalar("listnet", loss)
    return [docs], [score_ema]


@case("embedding")
def triplet_three_towers_shoes() -> Truth:
    """Similar shoes by triplets: three towers with shared weights; the index is made with the anchor's one.

    index.py: `sess.run(anchor_out, {anchor_input: photos, dropout_keep: 1.0})`.
    """
    anchor_input = v1.placeholder(tf.float32, [None, 20, 20, 3], name="anchor_input")
    positive_input = v1.placeholder(tf.float32, [None, 20, 20, 3], name="positive_input")
    negative_input = v1.placeholder(tf.float32, [None, 20, 20, 3], name="negative_input")
    dropout_keep = v1.placeholder(tf.float32, name="dropout_keep")
    margin = tf.constant(0.2)

    def model(x: Tensor, reuse: bool) -> Tensor:
        with v1.name_scope("model"):
            for i, (k, c) in enumerate([(5, 4), (3, 6), (3, 8)], 1):
                with v1.variable_scope(f"conv{i}", reuse=reuse):
                    w = v1.get_variable("weights", [k, k, x.shape[-1], c])
                    b = v1.get_variable("biases", [c], initializer=v1.zeros_initializer())
                    x = tf.nn.relu(tf.nn.conv2d(x, w, 1, "SAME") + b)
                    x = tf.nn.max_pool2d(x, 2, 2, "SAME")
            x = v1.nn.dropout(tf.reshape(x, [-1, 3 * 3 * 8]), keep_prob=dropout_keep)
            with v1.variable_scope("embed", reuse=reuse):
                x = tf.matmul(x, v1.get_variable("weights", [72, 16]))
            return tf.nn.l2_normalize(x, 1)

    anchor_out = model(anchor_input, False)
    positive_out = model(positive_input, True)
    negative_out = model(negative_input, True)
    d_pos = tf.reduce_sum(tf.square(anchor_out - positive_out), 1)
    d_neg = tf.reduce_sum(tf.square(anchor_out - negative_out), 1)
    loss = tf.reduce_mean(tf.maximum(0.0, margin + d_pos - d_neg))
    good = tf.reduce_mean(tf.cast(d_pos < d_neg, tf.float32))
    step = v1.Variable(0, trainable=False)
    v1.train.AdamOptimizer(v1.train.cosine_decay_restarts(1e-3, step, 500)).minimize(loss, global_step=step)
    v1.summary.scalar("loss", loss)
    v1.summary.scalar("triplet_accuracy", good)
    v1.summary.scalar("pos", tf.reduce_mean(d_pos))
    v1.summary.scalar("neg", tf.reduce_mean(d_neg))
    v1.summary.merge_all()
    return [anchor_input], [anchor_out]


@case("generator", modern=True)
def cellular_automaton_in_while_loop() -> Truth:
    """Growing a picture by a neural cellular automaton in tf.while_loop.

    The net runs for a random count of steps.
    grow.py: `sess.run(picture, {seed: one_cell})`.
    """
    seed = v1.placeholder(tf.float32, [None, 12, 12, 8])
    goal = v1.placeholder(tf.float32, [12, 12, 4])
    n_iter = v1.placeholder_with_default(tf.random.uniform([], 8, 16, tf.int32), [])
    sobel = np.outer([1, 2, 1], [-1, 0, 1]).astype("f") / 8.0
    ident = np.outer([0, 1, 0], [0, 1, 0]).astype("f")
    kernel = tf.tile(tf.constant(np.stack([ident, sobel, sobel.T], -1))[:, :, None, :], [1, 1, 8, 1])
    w1 = v1.get_variable("w1", [24, 16])
    b1 = v1.get_variable("b1", [16], initializer=v1.zeros_initializer())
    w2 = v1.get_variable("w2", [16, 8], initializer=v1.zeros_initializer())

    def alive(s: Tensor) -> Tensor:
        return tf.nn.max_pool2d(s[..., 3:4], 3, 1, "SAME") > 0.1

    def grow(i: Tensor, s: Tensor) -> tuple[Tensor, Tensor]:
        before = alive(s)
        p = tf.nn.depthwise_conv2d(s, kernel, [1, 1, 1, 1], "SAME")
        d = tf.tensordot(tf.nn.relu(tf.tensordot(p, w1, 1) + b1), w2, 1)
        fire = tf.random.uniform(tf.shape(s[..., :1])) <= 0.5
        s = s + d * tf.cast(fire, tf.float32)
        s = s * tf.cast(tf.logical_and(before, alive(s)), tf.float32)
        return i + 1, tf.reshape(s, [-1, 12, 12, 8])

    _, final = tf.while_loop(lambda i, s: i < n_iter, grow, [tf.constant(0), seed])
    rgba = final[..., :4]
    loss = tf.reduce_mean(tf.square(rgba - goal))
    rgb, a = rgba[..., :3], tf.clip_by_value(rgba[..., 3:4], 0.0, 1.0)
    picture = tf.cast(255.0 * tf.clip_by_value(1.0 - a + rgb, 0.0, 1.0), tf.uint8)
    step = v1.train.get_or_create_global_step()
    opt = v1.train.AdamOptimizer(v1.train.piecewise_constant(step, [2000], [2e-3, 2e-4]))
    gv = [(g / (tf.norm(g) + 1e-8), v) for g, v in opt.compute_gradients(loss)]
    opt.apply_gradients(gv, step)
    v1.summary.image("grown", picture)
    v1.summary.scalar("log_loss", tf.math.log(loss))
    return [seed], [picture]
