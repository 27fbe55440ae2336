"""Graphs that companies train and ship: trackers, cameras, cars' eyes, plates, voices."""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf

from benchmarks.endpoints.bricks import (
    Gru,
    bce,
    both_ways,
    conv2d,
    deconv2d,
    flat,
    halve,
    linear,
    norm,
    rnn,
    sparse_xent,
    within,
)
from benchmarks.endpoints.cases import Truth, Truths, case, v1

Tensor = Any


@case("tracker", frozen=True)
def thing_followed_from_frame_to_frame() -> Truth:
    """What was marked is slid over the new frame as a filter; the map of answers is made larger."""
    z = v1.placeholder(tf.float32, [1, 31, 31, 3], name="template")
    x = v1.placeholder(tf.float32, [1, 63, 63, 3], name="search")

    def features(image: Tensor, reuse: bool) -> Tensor:
        with v1.variable_scope("siamese", reuse=reuse):
            h = halve(tf.nn.relu(norm(conv2d(image, 8, 5, 2, act=None, name="conv1"), False, "bn1")))
            return conv2d(h, 12, act=None, name="conv2")

    template = tf.transpose(features(z, False), [1, 2, 3, 0])
    scores = tf.nn.conv2d(features(x, True), template, 1, "VALID", name="xcorr")
    adjust = v1.get_variable("adjust_bias", [1], initializer=v1.zeros_initializer())
    scores = 0.001 * scores + adjust
    scores_up = v1.image.resize_bicubic(scores, [65, 65], align_corners=True, name="scores_up")
    return [z, x], [scores_up]


@case("enhancement")
def dark_photographs_lit_again() -> Truths:
    """A picture becomes colours and light; the light is raised; a bright twin is for training."""
    input_low = v1.placeholder(tf.float32, [None, 24, 24, 3], name="input_low")
    input_high = v1.placeholder(tf.float32, [None, 24, 24, 3], name="input_high")

    def decom(image: Tensor) -> tuple[Tensor, Tensor]:
        with v1.variable_scope("DecomNet", reuse=v1.AUTO_REUSE):
            h = tf.concat([tf.reduce_max(image, 3, keepdims=True), image], 3)
            h = conv2d(conv2d(h, 8, 5, act=None, name="shallow"), 8, name="activated")
            h = conv2d(h, 4, act=None, name="recon_layer")
            return tf.sigmoid(h[..., :3]), tf.sigmoid(h[..., 3:])

    r_low, i_low = decom(input_low)
    r_high, i_high = decom(input_high)
    with v1.variable_scope("RelightNet"):
        c0 = conv2d(tf.concat([r_low, i_low], 3), 8, act=None)
        c1 = conv2d(c0, 8, stride=2)
        up = conv2d(v1.image.resize_nearest_neighbor(c1, [24, 24]), 8) + c0
        i_delta = conv2d(conv2d(up, 8, 1, act=None), 1, act=None)
    i_low_3, i_high_3 = tf.tile(i_low, [1, 1, 1, 3]), tf.tile(i_high, [1, 1, 1, 3])
    output_s = r_low * tf.tile(i_delta, [1, 1, 1, 3])
    recon = tf.reduce_mean(tf.abs(r_low * i_low_3 - input_low)) + tf.reduce_mean(
        tf.abs(r_high * i_high_3 - input_high)
    )
    mutual = tf.reduce_mean(tf.abs(r_high * i_low_3 - input_low)) + tf.reduce_mean(tf.abs(r_low - r_high))
    smooth = tf.reduce_mean(tf.image.total_variation(i_low) + tf.image.total_variation(i_high))
    relight = tf.reduce_mean(tf.abs(output_s - input_high)) + 3 * tf.reduce_mean(
        tf.image.total_variation(i_delta)
    )
    lr = v1.placeholder(tf.float32, name="learning_rate")
    optimizer = v1.train.AdamOptimizer(lr, name="AdamOptimizer")
    optimizer.minimize(recon + 0.01 * mutual + 0.1 * smooth, var_list=within("DecomNet"))
    optimizer.minimize(relight, var_list=within("RelightNet"))
    return [([input_low], [output_s]), ([input_low], [r_low, i_low, i_delta, output_s])]


@case("video")
def sports_in_clips_on_two_cards() -> Truths:
    """Convolutions over time; each card has its slice of the clips, the logits are joined for the answer."""
    images = v1.placeholder(tf.float32, (4, 8, 16, 16, 3))
    labels = v1.placeholder(tf.int64, (4))
    with v1.variable_scope("var_name"):
        wc1 = v1.get_variable("wc1", [3, 3, 3, 3, 6])
        wc2 = v1.get_variable("wc2", [3, 3, 3, 6, 8])
        wd1, out_w = v1.get_variable("wd1", [512, 16]), v1.get_variable("wout", [16, 9])
        bd1, out_b = v1.get_variable("bd1", [16]), v1.get_variable("bout", [9])
    for w in (wd1, out_w):
        v1.add_to_collection("weightdecay_losses", tf.nn.l2_loss(w) * 0.0005)
    opt_stable, opt_finetuning = v1.train.AdamOptimizer(1e-4), v1.train.AdamOptimizer(1e-3)
    grads1, grads2, logits = [], [], []
    for gpu in range(2):
        with tf.device(f"/gpu:{gpu}"):
            x = images[gpu * 2 : (gpu + 1) * 2]
            conv = tf.nn.relu(tf.nn.conv3d(x, wc1, [1, 1, 1, 1, 1], "SAME"))
            conv = tf.nn.max_pool3d(conv, [1, 1, 2, 2, 1], [1, 1, 2, 2, 1], "SAME")
            conv = tf.nn.relu(tf.nn.conv3d(conv, wc2, [1, 1, 1, 1, 1], "SAME"))
            conv = tf.nn.max_pool3d(conv, [1, 2, 2, 2, 1], [1, 2, 2, 2, 1], "SAME")
            dense = v1.nn.dropout(tf.nn.relu(tf.matmul(tf.reshape(conv, [2, 512]), wd1) + bd1), 0.5)
            logit = tf.matmul(dense, out_w) + out_b
            loss_name_scope = f"gpud_{gpu}_loss"
            xent = sparse_xent(labels[gpu * 2 : (gpu + 1) * 2], logit)
            v1.summary.scalar(loss_name_scope + "_cross_entropy", xent)
            loss = xent + tf.add_n(v1.get_collection("weightdecay_losses"))
            grads1.append(opt_stable.compute_gradients(loss, [wc1, wc2, wd1, bd1]))
            grads2.append(opt_finetuning.compute_gradients(loss, [out_w, out_b]))
            logits.append(logit)
    together = tf.concat(logits, 0)
    right = tf.cast(tf.equal(tf.argmax(together, 1), labels), tf.float32)
    v1.summary.scalar("accuracy", tf.reduce_mean(right))
    applied = []
    for optimizer, towers in ((opt_stable, grads1), (opt_finetuning, grads2)):
        mean = [((a[0] + b[0]) / 2, a[1]) for a, b in zip(*towers, strict=True)]
        applied.append(optimizer.apply_gradients(mean))
    averages = tf.train.ExponentialMovingAverage(0.9999).apply(v1.trainable_variables())
    tf.group(*applied, averages)
    norm_score = tf.nn.softmax(together)
    return [([images], [together]), ([images], [norm_score])]


@case("ctc")
def plates_read_along_their_width() -> Truths:
    """Columns are moments; a search with beams decodes, and the letters are made dense with -1."""
    inputs = v1.placeholder(tf.float32, [None, 16, 48, 1], name="inputs")
    targets = v1.sparse_placeholder(tf.int32, name="targets")
    seq_len = v1.placeholder(tf.int32, [None], name="seq_len")
    is_train = v1.placeholder_with_default(False, [], name="is_train")
    x = halve(norm(conv2d(inputs, 8), is_train))
    x = halve(norm(conv2d(x, 8), is_train))
    x = tf.reshape(tf.transpose(x, [0, 2, 1, 3]), [-1, 12, 32])
    outputs = tf.reshape(both_ways(12, x, seq_len), [-1, 24])
    w = tf.Variable(tf.random.truncated_normal([24, 20], stddev=0.1), name="W")
    b = tf.Variable(tf.constant(0.0, shape=[20]), name="b")
    logits = tf.transpose(tf.reshape(tf.matmul(outputs, w) + b, [-1, 12, 20]), (1, 0, 2))
    loss = v1.nn.ctc_loss(labels=targets, inputs=logits, sequence_length=seq_len)
    cost = tf.reduce_mean(loss, name="cost")
    step = tf.Variable(0, trainable=False)
    rate = v1.train.exponential_decay(1e-3, step, 3000, 0.9, staircase=True)
    with tf.control_dependencies(v1.get_collection(v1.GraphKeys.UPDATE_OPS)):
        v1.train.AdamOptimizer(rate).minimize(cost, global_step=step)
    decoded, log_prob = v1.nn.ctc_beam_search_decoder(logits, seq_len, merge_repeated=False)
    tf.reduce_mean(tf.edit_distance(tf.cast(decoded[0], tf.int32), targets), name="lerr")
    dense_decoded = v1.sparse_tensor_to_dense(decoded[0], default_value=-1, name="dense_decoded")
    v1.summary.scalar("cost", cost)
    fed = [inputs, seq_len]
    sparse = [decoded[0].indices, decoded[0].values, decoded[0].dense_shape]
    return [
        (fed, [dense_decoded]),
        (fed, [dense_decoded, log_prob]),
        (fed, sparse),
        (fed, [*sparse, log_prob]),
    ]


@case("segmentation", frozen=True)
def any_picture_to_a_map_of_classes() -> Truth:
    """A shipped graph: bytes of any size are scaled and padded inside; classes leave at the fed size."""
    image = v1.placeholder(tf.uint8, [1, None, None, 3], name="ImageTensor")
    size = tf.shape(image)[1:3]
    scale = 48.0 / tf.cast(tf.reduce_max(size), tf.float32)
    new = tf.cast(tf.cast(size, tf.float32) * scale, tf.int32)
    x = v1.image.resize_bilinear(tf.cast(image, tf.float32), new, align_corners=True) - 127.5
    x = tf.pad(x, tf.stack([[0, 0], [0, 48 - new[0]], [0, 48 - new[1]], [0, 0]]))
    x = tf.reshape(x / 127.5, [1, 48, 48, 3])
    with v1.variable_scope("MobilenetV2"):
        low = norm(conv2d(x, 8, stride=2), False)
        x = norm(conv2d(low, 12, stride=2), False)
    with v1.variable_scope("aspp"):
        pooled = tf.tile(conv2d(tf.reduce_mean(x, [1, 2], keepdims=True), 8, 1), [1, 12, 12, 1])
        x = conv2d(tf.concat([conv2d(x, 8, 1), conv2d(x, 8, rate=2), pooled], 3), 8, 1)
    with v1.variable_scope("decoder"):
        x = conv2d(tf.concat([v1.image.resize_bilinear(x, [24, 24], align_corners=True), low], 3), 8)
    x = v1.image.resize_bilinear(conv2d(x, 21, 1, act=None, name="logits"), [48, 48], align_corners=True)
    classes = tf.slice(tf.argmax(x, 3), [0, 0, 0], [1, new[0], new[1]])
    classes = tf.expand_dims(tf.cast(classes, tf.int32), 3)
    classes = v1.image.resize_nearest_neighbor(classes, size, align_corners=True)
    return [image], [tf.squeeze(tf.cast(classes, tf.int64), 3, name="SemanticPredictions")]


@case("speech", frozen=True)
def where_somebody_speaks() -> Truth:
    """Samples to frames, mel bands and a recurrent net: the chance of speech in each frame."""
    pcm = v1.placeholder(tf.float32, [None, 1600], name="audio/pcm")
    power = tf.square(tf.abs(tf.signal.stft(pcm, 256, 160, 256)))
    mel = tf.signal.linear_to_mel_weight_matrix(16, 129, 16000, 60.0, 7600.0)
    bands = v1.log(tf.tensordot(power, mel, 1) + 1e-6)
    bands.set_shape([None, 9, 16])
    mean, var = tf.nn.moments(bands, [1], keepdims=True)
    hidden, _ = rnn(Gru(12), (bands - mean) * tf.math.rsqrt(var + 1e-6), scope="vad")
    probability = tf.sigmoid(linear(hidden, 1, name="score")[:, :, 0], name="speech_probability")
    return [pcm], [probability]


@case("detector", frozen=True)
def things_cut_out_by_masks() -> Truth:
    """Boxes of a grid of anchors, the best ones of each class kept, and a small mask for each of them."""
    image = v1.placeholder(tf.uint8, [1, 64, 64, 3], name="image_tensor")
    x = tf.cast(image, tf.float32) / 127.5 - 1.0
    for filters in (8, 12, 16):
        x = norm(conv2d(x, filters, stride=2), False)
    rows = np.stack(np.meshgrid(np.arange(8), np.arange(8), indexing="ij"), -1).reshape(64, 2) / 8.0
    anchors = tf.constant(np.concatenate([rows, rows + 0.25], 1), tf.float32)
    raw = tf.reshape(conv2d(x, 4, act=None, name="box_net"), [64, 4])
    boxes = tf.clip_by_value(anchors + 0.1 * raw, 0.0, 1.0)
    probs = tf.sigmoid(tf.reshape(conv2d(x, 5, act=None, name="class_net"), [64, 5]))
    found: list[list[Tensor]] = [[], [], []]
    for k in range(5):
        kept = tf.image.non_max_suppression(boxes, probs[:, k], 10, 0.5, 0.3)
        found[0].append(tf.gather(boxes, kept))
        found[1].append(tf.gather(probs[:, k], kept))
        found[2].append(tf.ones_like(kept) * (k + 1))
    some_boxes, some_scores, some_classes = (tf.concat(part, 0) for part in found)
    best = tf.nn.top_k(some_scores, tf.minimum(tf.size(some_scores), 20))
    chosen = tf.gather(some_boxes, best.indices)
    crops = v1.image.crop_and_resize(x, chosen, tf.zeros_like(best.indices), [7, 7])
    masks = conv2d(deconv2d(crops, 8), 1, 1, act=tf.sigmoid, name="mask_net")
    outputs = [
        tf.expand_dims(chosen, 0, name="detection_boxes"),
        tf.expand_dims(best.values, 0, name="detection_scores"),
        tf.cast(tf.gather(some_classes, best.indices)[None], tf.float32, name="detection_classes"),
        tf.expand_dims(masks[..., 0], 0, name="detection_masks"),
        tf.cast(tf.shape(chosen)[:1], tf.float32, name="num_detections"),
    ]
    return [image], outputs


@case("anomalies")
def strange_by_encoder_and_painter() -> Truth:
    """A bidirectional GAN for odd rows: averaged copies rebuild and judge, one score for each row."""
    x = v1.placeholder(tf.float32, [None, 30], name="input")
    is_training = v1.placeholder(tf.bool, [], name="is_training_pl")
    rate = v1.placeholder(tf.float32, (), name="lr_pl")

    def net(scope: str, x: Tensor, sizes: list[int], getter: Any = None) -> list[Tensor]:
        with v1.variable_scope(scope, reuse=v1.AUTO_REUSE, custom_getter=getter):
            h = linear(x, sizes[0], tf.nn.leaky_relu, "fc1")
            kept = v1.nn.dropout(h, rate=0.2 * tf.cast(is_training, tf.float32))
            return [linear(kept, sizes[1], name="fc2"), h]

    z = tf.random.normal([tf.shape(x)[0], 8])
    z_gen = net("encoder_model", x, [16, 8])[0]
    x_gen = net("generator_model", z, [16, 30])[0]
    l_encoder = net("discriminator_model", tf.concat([x, z_gen], 1), [16, 1])[0]
    l_generator = net("discriminator_model", tf.concat([x_gen, z], 1), [16, 1])[0]
    loss_dis = bce(l_encoder, 1.0) + bce(l_generator, 0.0)
    loss_gen, loss_enc = bce(l_generator, 1.0), bce(l_encoder, 0.0)
    v1.summary.scalar("loss_discriminator", loss_dis)
    trained = []
    losses = {"discriminator_model": loss_dis, "generator_model": loss_gen, "encoder_model": loss_enc}
    for scope, loss in losses.items():
        averages = tf.train.ExponentialMovingAverage(0.999)
        step = v1.train.AdamOptimizer(rate, 0.5).minimize(loss, var_list=within(scope))
        with tf.control_dependencies([step]):
            averages.apply(within(scope))
        trained.append(averages)

    def getter(averages: Any) -> Any:
        return lambda getter, name, *a, **k: averages.average(getter(name, *a, **k))

    dis_ema, gen_ema, enc_ema = (getter(averages) for averages in trained)
    z_ema = net("encoder_model", x, [16, 8], enc_ema)[0]
    rebuilt = net("generator_model", z_ema, [16, 30], gen_ema)[0]
    real, mid_real = net("discriminator_model", tf.concat([x, z_ema], 1), [16, 1], dis_ema)
    _, mid_rebuilt = net("discriminator_model", tf.concat([rebuilt, z_ema], 1), [16, 1], dis_ema)
    with v1.variable_scope("Testing"):
        gen_score = tf.norm(flat(x - rebuilt), ord=1, axis=1)
        dis_score = tf.norm(mid_real - mid_rebuilt, ord=2, axis=1)
        list_scores = 0.9 * gen_score + 0.1 * dis_score
    tf.identity(real)
    return [x], [list_scores]


@case("faces")
def shape_of_a_face_put_right_in_stages() -> Truth:
    """A first guess moves a mean face; the second stage sees a map of it; each stage has its trainer."""
    image = v1.placeholder(tf.float32, [None, 24, 24, 1])
    truth = v1.placeholder(tf.float32, [None, 10])
    s1_train, s2_train = v1.placeholder(tf.bool), v1.placeholder(tf.bool)
    mean_shape = tf.constant(np.linspace(4, 20, 10), tf.float32)

    def error(points: Tensor) -> Tensor:
        apart = tf.reshape(truth, [-1, 5, 2]) - tf.reshape(points, [-1, 5, 2])
        return tf.reduce_mean(tf.sqrt(tf.reduce_sum(tf.square(apart), 2) + 1e-8))

    def stage(x: Tensor, training: Tensor) -> tuple[Tensor, Tensor]:
        x = halve(norm(conv2d(x, 8), training))
        x = halve(norm(conv2d(x, 8), training))
        fc = norm(
            linear(v1.nn.dropout(flat(x), rate=0.5 * tf.cast(training, tf.float32)), 16, tf.nn.relu), training
        )
        return linear(fc, 10), fc

    with v1.variable_scope("Stage1"):
        moved, fc1 = stage(image, s1_train)
        s1_ret = moved + mean_shape
        s1_cost = error(s1_ret)
        s1_update = v1.get_collection(v1.GraphKeys.UPDATE_OPS, "Stage1")
        with tf.control_dependencies(s1_update):
            v1.train.AdamOptimizer(0.001).minimize(s1_cost, var_list=within("Stage1"))
    with v1.variable_scope("Stage2"):
        feature = tf.reshape(linear(fc1, 144, tf.nn.relu), [-1, 12, 12, 1])
        feature = v1.image.resize_bilinear(feature, [24, 24])
        rows = tf.range(24, dtype=tf.float32)
        points = tf.reshape(s1_ret, [-1, 1, 1, 5, 2])
        apart = tf.square(points[..., 0] - rows[None, :, None, None])
        apart += tf.square(points[..., 1] - rows[None, None, :, None])
        heat = 1.0 / (tf.sqrt(tf.reduce_min(apart, 3)) + 1.0)
        joined = norm(tf.concat([image, heat[..., None], feature], 3), s2_train)
        moved, _ = stage(joined, s2_train)
        s2_ret = moved + s1_ret
        s2_cost = error(s2_ret)
        with tf.control_dependencies(v1.get_collection(v1.GraphKeys.UPDATE_OPS, "Stage2")):
            v1.train.AdamOptimizer(0.001).minimize(s2_cost, var_list=within("Stage2"))
    return [image], [s2_ret]
