"""Graphs of papers' code that look at pictures, paint them, or find things in them."""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf

from benchmarks.endpoints.bricks import (
    bce,
    conv1,
    conv2d,
    deconv2d,
    flat,
    halve,
    linear,
    norm,
    sparse_xent,
    within,
    xent,
)
from benchmarks.endpoints.cases import Truth, Truths, case, v1

Tensor = Any


@case("pose")
def bodies_by_stacked_hourglasses() -> Truths:
    """Two hourglasses, each judged; all stages leave in one tensor, and the last one is squashed."""
    with tf.name_scope("inputs"):
        img = v1.placeholder(tf.float32, (None, 32, 32, 3), name="input_img")
        gt_maps = v1.placeholder(tf.float32, (None, 2, 8, 8, 5), name="gtMaps")

    def hourglass(x: Tensor, depth: int) -> Tensor:
        up_1 = conv2d(x, 12)
        low = conv2d(halve(x), 12)
        low = hourglass(low, depth - 1) if depth > 1 else conv2d(low, 12)
        return up_1 + v1.image.resize_nearest_neighbor(conv2d(low, 12), tf.shape(up_1)[1:3])

    with v1.variable_scope("model"):
        x = halve(conv2d(conv2d(img, 8, 7, 2), 12))
        outs = []
        for i in range(2):
            with v1.variable_scope(f"stage_{i}"):
                ll = conv2d(hourglass(x, 2), 12, 1)
                outs.append(conv2d(ll, 5, 1, act=None, name="out"))
                x = x + conv2d(ll, 12, 1, act=None) + conv2d(outs[-1], 12, 1, act=None)
        output = tf.stack(outs, axis=1, name="final_output")
    with tf.name_scope("loss"):
        each = v1.nn.sigmoid_cross_entropy_with_logits(logits=output, labels=gt_maps)
        loss = tf.reduce_mean(each, name="cross_entropy_loss")
    with tf.name_scope("accuracy"):
        for j in range(5):
            apart = tf.argmax(flat(output[:, 1, :, :, j]), 1) - tf.argmax(flat(gt_maps[:, 1, :, :, j]), 1)
            v1.summary.scalar(f"joint_{j}", tf.reduce_mean(tf.cast(tf.abs(apart), tf.float32)))
    step = tf.Variable(0, name="train_step", trainable=False)
    rate = v1.train.exponential_decay(2.5e-4, step, 1000, 0.96, staircase=True)
    v1.train.RMSPropOptimizer(learning_rate=rate).minimize(loss, step)
    pred_final = output[:, 1]
    pred_sigmoid = tf.nn.sigmoid(pred_final, name="pred_sigmoid")
    return [([img], [pred_sigmoid]), ([img], [pred_final]), ([img], [output])]


@case("super-resolution")
def finer_pictures_that_fool_a_critic() -> Truth:
    """A painter for training, the same weights once more for use; features of a fixed net, a critic."""
    t_image = v1.placeholder("float32", [4, 12, 12, 3], name="t_image_input_to_SRGAN_generator")
    t_target_image = v1.placeholder("float32", [4, 48, 48, 3], name="t_target_image")

    def srgan_g(x: Tensor, is_train: bool, reuse: bool) -> Tensor:
        with v1.variable_scope("SRGAN_g", reuse=reuse):
            n = temp = conv2d(x, 8, name="n64s1/c")
            for i in range(2):
                nn = tf.nn.relu(norm(conv2d(n, 8, act=None, name=f"c1/{i}"), is_train, f"b1/{i}"))
                n = n + norm(conv2d(nn, 8, act=None, name=f"c2/{i}"), is_train, f"b2/{i}")
            n = n + temp
            for i in range(2):
                n = tf.nn.relu(tf.nn.depth_to_space(conv2d(n, 16, act=None, name=f"n256s1/{i}"), 2))
            return conv2d(n, 3, 1, act=tf.nn.tanh, name="out")

    def srgan_d(x: Tensor, reuse: bool) -> Tensor:
        with v1.variable_scope("SRGAN_d", reuse=reuse):
            for i in range(3):
                x = conv2d(x, 8, 4, 2, tf.nn.leaky_relu, name=f"h{i}/c")
            return linear(flat(x), 1, name="ho/dense")

    def vgg(x: Tensor, reuse: bool) -> Tensor:
        with v1.variable_scope("VGG19", reuse=reuse):
            x = v1.image.resize_images(x, [24, 24]) * 127.5
            return halve(conv2d(halve(conv2d(x, 8, name="conv1_1")), 8, name="conv2_1"))

    net_g = srgan_g(t_image, True, False)
    logits_real, logits_fake = srgan_d(t_target_image, False), srgan_d(net_g, True)
    target_emb, predict_emb = vgg((t_target_image + 1) / 2, False), vgg((net_g + 1) / 2, True)
    net_g_test = srgan_g(t_image, False, True)
    d_loss = bce(logits_real, 1.0) + bce(logits_fake, 0.0)
    mse_loss = tf.reduce_mean(v1.squared_difference(net_g, t_target_image))
    g_loss = (
        mse_loss + 2e-6 * tf.reduce_mean(tf.square(predict_emb - target_emb)) + 1e-3 * bce(logits_fake, 1.0)
    )
    with v1.variable_scope("learning_rate"):
        lr_v = tf.Variable(1e-4, trainable=False)
    v1.train.AdamOptimizer(lr_v, beta1=0.9).minimize(mse_loss, var_list=within("SRGAN_g"))
    v1.train.AdamOptimizer(lr_v, beta1=0.9).minimize(g_loss, var_list=within("SRGAN_g"))
    v1.train.AdamOptimizer(lr_v, beta1=0.9).minimize(d_loss, var_list=within("SRGAN_d"))
    return [t_image], [net_g_test]


@case("embeddings")
def faces_by_cosine_margins_in_towers() -> Truth:
    """The batch is split over two towers, each with the margin; only the unit vectors are of use."""
    images = v1.placeholder(tf.float32, [8, 24, 24, 3], name="image_inputs")
    labels = v1.placeholder(tf.int64, [8], name="labels_inputs")
    phase = v1.placeholder_with_default(False, None, name="phase_train")
    opt = v1.train.MomentumOptimizer(v1.placeholder(tf.float32, [], name="lr"), 0.9)
    tower_grads, embeddings = [], []
    for i, (part, who) in enumerate(zip(tf.split(images, 2), tf.split(labels, 2), strict=True)):
        with tf.device(f"/gpu:{i}"), tf.name_scope(f"tower_{i}"), v1.variable_scope("net", reuse=i > 0):
            x = (part - 127.5) * 0.0078125
            for j in range(2):
                x = norm(conv2d(x, 8, stride=2, name=f"conv{j}"), phase, f"bn{j}")
            embedding = tf.nn.l2_normalize(linear(flat(x), 16, name="fc"), 1)
            centers = v1.get_variable("cos_weights", [16, 20])
            cos = tf.matmul(embedding, tf.nn.l2_normalize(centers, 0))
            one_hot = tf.one_hot(who, 20)
            loss = xent(one_hot, 64.0 * (cos - 0.35 * one_hot))
            loss += 5e-4 * tf.add_n([tf.nn.l2_loss(v) for v in within("net") if "kernel" in v.name])
            embeddings.append(embedding)
            tower_grads.append(opt.compute_gradients(loss))
            v1.summary.scalar("loss", loss)
    grads = [(tf.add_n([g for g, _ in pairs]) / 2, pairs[0][1]) for pairs in zip(*tower_grads, strict=True)]
    with tf.control_dependencies(v1.get_collection(v1.GraphKeys.UPDATE_OPS)):
        opt.apply_gradients(grads, global_step=v1.train.get_or_create_global_step())
    together = tf.concat(embeddings, 0, name="embeddings")
    return [images], [together]


@case("translation of pictures")
def one_painter_for_many_hairs() -> Truth:
    """A face and the traits it shall have; the critic also names traits; a face goes there and back."""
    x_real = v1.placeholder(tf.float32, [None, 24, 24, 3], name="x_real")
    c_org = v1.placeholder(tf.float32, [None, 5], name="c_org")
    c_trg = v1.placeholder(tf.float32, [None, 5], name="c_trg")

    def generator(x: Tensor, c: Tensor) -> Tensor:
        with v1.variable_scope("generator", reuse=v1.AUTO_REUSE):
            spread = tf.tile(tf.reshape(c, [-1, 1, 1, 5]), [1, 24, 24, 1])
            h = conv2d(tf.concat([x, spread], -1), 8, 7, name="c0")
            h = conv2d(h, 12, 4, 2, name="c1")
            h = h + conv2d(h, 12, name="r0")
            return conv2d(deconv2d(h, 8, name="d1"), 3, 7, act=tf.tanh, name="out")

    def discriminator(x: Tensor) -> tuple[Tensor, Tensor]:
        with v1.variable_scope("discriminator", reuse=v1.AUTO_REUSE):
            for i in range(3):
                x = conv2d(x, 8, 4, 2, tf.nn.leaky_relu, name=f"c{i}")
            return conv2d(x, 1, act=None, name="src"), linear(flat(x), 5, name="cls")

    x_fake = generator(x_real, c_trg)
    x_recon = generator(x_fake, c_org)
    real_logit, real_cls = discriminator(x_real)
    fake_logit, fake_cls = discriminator(x_fake)
    alpha = v1.random_uniform([tf.shape(x_real)[0], 1, 1, 1])
    mixed = x_real * alpha + x_fake * (1 - alpha)
    slope = tf.norm(flat(tf.gradients(discriminator(mixed)[0], mixed)[0]), axis=1)
    gp = 10 * tf.reduce_mean(tf.square(slope - 1.0))
    g_loss = (
        -tf.reduce_mean(fake_logit) + bce(fake_cls, c_trg) + 10 * tf.reduce_mean(tf.abs(x_real - x_recon))
    )
    d_loss = tf.reduce_mean(fake_logit) - tf.reduce_mean(real_logit) + gp + bce(real_cls, c_org)
    lr = v1.placeholder(tf.float32, name="learning_rate")
    v1.train.AdamOptimizer(lr, beta1=0.5).minimize(g_loss, var_list=within("generator"))
    v1.train.AdamOptimizer(lr, beta1=0.5).minimize(d_loss, var_list=within("discriminator"))
    v1.summary.merge([v1.summary.scalar("g_loss", g_loss), v1.summary.scalar("d_loss", d_loss)])
    return [x_real, c_trg], [x_fake]


@case("gan")
def faces_in_equilibrium() -> Truths:
    """The critic is an autoencoder, its errors are balanced by a variable; pictures leave as 0 to 255."""
    x = v1.placeholder(tf.float32, [None, 16, 16, 3])
    z = v1.placeholder(tf.float32, [None, 12])
    k_t = tf.Variable(0.0, trainable=False, name="k_t")
    x_norm = x / 127.5 - 1.0

    def decoder(h: Tensor) -> Tensor:
        h = tf.reshape(linear(h, 4 * 4 * 8), [-1, 4, 4, 8])
        for side in (8, 16):
            h = v1.image.resize_nearest_neighbor(conv2d(h, 8, act=tf.nn.elu), [side, side])
        return conv2d(h, 3, act=None)

    with v1.variable_scope("G"):
        g = decoder(z)
    with v1.variable_scope("D"):
        h = conv2d(tf.concat([g, x_norm], 0), 8, stride=2, act=tf.nn.elu)
        d_z = linear(flat(conv2d(h, 8, stride=2, act=tf.nn.elu)), 12)
        d_out = decoder(d_z)
    ae_g, ae_x = tf.split(d_out, 2)

    def denorm(y: Tensor) -> Tensor:
        return tf.clip_by_value((y + 1) * 127.5, 0, 255)

    img_g, img_ae_g, img_ae_x = denorm(g), denorm(ae_g), denorm(ae_x)
    d_loss_real, d_loss_fake = tf.reduce_mean(tf.abs(ae_x - x_norm)), tf.reduce_mean(tf.abs(ae_g - g))
    g_lr = tf.Variable(8e-5, name="g_lr")
    d_loss, g_loss = d_loss_real - k_t * d_loss_fake, tf.reduce_mean(tf.abs(ae_g - g))
    v1.train.AdamOptimizer(g_lr).minimize(d_loss, var_list=within("D"))
    v1.train.AdamOptimizer(g_lr).minimize(g_loss, var_list=within("G"))
    balance = 0.5 * d_loss_real - g_loss
    v1.assign(k_t, tf.clip_by_value(k_t + 0.001 * balance, 0, 1))
    v1.summary.image("G", img_g)
    v1.summary.image("AE_G", img_ae_g)
    v1.summary.image("AE_x", img_ae_x)
    v1.summary.scalar("misc/measure", d_loss_real + tf.abs(balance))
    return [([z], [img_g]), ([z], [g])]


@case("point clouds", frozen=True)
def parts_of_a_thing_by_its_points() -> Truths:
    """Points and the known kind of the thing; which part each point belongs to, and the kind guessed."""
    points = v1.placeholder(tf.float32, [None, 32, 3], name="pointclouds_ph")
    kind = v1.placeholder(tf.float32, [None, 4], name="input_label_ph")
    with v1.variable_scope("transform_net1"):
        net = tf.reduce_max(conv1(conv1(points, 8, 1), 16, 1), 1)
        with v1.variable_scope("transform_XYZ"):
            transform = tf.reshape(linear(linear(net, 8, tf.nn.relu), 9), [-1, 3, 3]) + tf.eye(3)
    out1 = norm(conv1(tf.matmul(points, transform), 8, 1), False)
    out2 = norm(conv1(out1, 16, 1), False)
    top = tf.reduce_max(out2, 1)
    with v1.variable_scope("cla"):
        labels_pred = linear(linear(top, 12, tf.nn.relu), 4)
    wide = tf.tile(tf.expand_dims(tf.concat([top, kind], 1), 1), [1, 32, 1])
    with v1.variable_scope("seg"):
        seg_pred = conv1(conv1(tf.concat([wide, out1, out2], 2), 16, 1), 10, 1, None)
    return [([points, kind], [seg_pred, labels_pred]), ([points, kind], [seg_pred])]


@case("detector")
def three_scales_each_decoded() -> Truth:
    """Raw maps for the loss, decoded boxes for use, at three scales; true boxes are fed six times."""
    with tf.name_scope("define_input"):
        input_data = v1.placeholder(dtype=tf.float32, shape=[None, 64, 64, 3], name="input_data")
        label_boxes = [
            v1.placeholder(tf.float32, [None, 64 // s, 64 // s, 3, 8], name=f"label_{n}bbox")
            for n, s in (("s", 4), ("m", 8), ("l", 16))
        ]
        true_boxes = [v1.placeholder(tf.float32, [None, 20, 4], name=f"{n}bboxes") for n in "sml"]
        trainable = v1.placeholder(dtype=tf.bool, name="training")
    with v1.variable_scope("darknet"):
        route_1 = halve(halve(norm(conv2d(input_data, 8), trainable)))
        route_2 = halve(norm(conv2d(route_1, 8), trainable))
        x = halve(norm(conv2d(route_2, 12), trainable))
    convs = [conv2d(x, 24, 1, act=None, name="conv_lbbox")]
    for n, route in (("m", route_2), ("s", route_1)):
        x = v1.image.resize_nearest_neighbor(conv2d(x, 8, 1), tf.shape(route)[1:3])
        x = tf.concat([x, route], -1)
        convs.append(conv2d(x, 24, 1, act=None, name=f"conv_{n}bbox"))
    preds, losses = [], []
    for n, stride, raw, label, true in zip(
        "sml", (4, 8, 16), convs[::-1], label_boxes, true_boxes, strict=True
    ):
        with v1.variable_scope(f"pred_{n}bbox"):
            side = 64 // stride
            out = tf.reshape(raw, [tf.shape(raw)[0], side, side, 3, 8])
            rows = tf.cast(tf.range(side), tf.float32)
            grid = tf.stack(tf.meshgrid(rows, rows), -1)[None, :, :, None]
            pred_xy = (tf.sigmoid(out[..., :2]) + grid) * stride
            pred_wh = tf.exp(out[..., 2:4]) * tf.constant([[10.0, 13], [16, 30], [33, 23]])
            conf, prob = tf.sigmoid(out[..., 4:5]), tf.sigmoid(out[..., 5:])
            pred = tf.concat([pred_xy, pred_wh, conf, prob], -1)
            preds.append(pred)
        with tf.name_scope(n + "box_loss"):
            apart = tf.abs(pred[..., None, :2] - true[:, None, None, None, :, :2])
            near = tf.reduce_min(tf.reduce_sum(apart, -1), -1, keepdims=True)
            there = label[..., 4:5]
            ignored = (1 - there) * tf.cast(near > stride, tf.float32)
            xywh = there * tf.square(pred[..., :4] - label[..., :4])
            each = v1.nn.sigmoid_cross_entropy_with_logits(labels=label[..., 4:], logits=out[..., 4:])
            losses.append(tf.reduce_mean(xywh) + tf.reduce_mean((there + ignored) * each))
    loss = tf.add_n(losses)
    step = tf.Variable(1.0, dtype=tf.float64, trainable=False, name="global_step")
    rate = tf.cond(step < 100, lambda: step / 100 * 1e-4, lambda: 1e-6 + 5e-5 * (1 + tf.cos(step / 1e4)))
    averages = tf.train.ExponentialMovingAverage(0.9995).apply(v1.trainable_variables())
    first = v1.train.AdamOptimizer(tf.cast(rate, tf.float32)).minimize(loss, var_list=within("conv_"))
    with (
        tf.control_dependencies(
            [*v1.get_collection(v1.GraphKeys.UPDATE_OPS), first, v1.assign_add(step, 1.0)]
        ),
        tf.control_dependencies([averages]),
    ):
        tf.no_op()
    v1.summary.scalar("total_loss", loss)
    return [input_data], preds


@case("edges")
def edges_at_each_depth_and_fused() -> Truths:
    """Side outputs at each depth and a learned mix of them, each with a balanced loss."""
    images = v1.placeholder(tf.float32, [None, 32, 32, 3], name="images")
    edgemaps = v1.placeholder(tf.float32, [None, 32, 32, 1], name="edgemaps")
    x, sides = images - tf.constant([104.0, 117.0, 123.0]), []
    for i, filters in enumerate([8, 12, 16]):
        with v1.variable_scope(f"conv{i + 1}"):
            x = conv2d(halve(x) if i else x, filters)
        with v1.variable_scope(f"side_{i + 1}"):
            score = conv2d(x, 1, 1, act=None)
            sides.append(v1.image.resize_bilinear(score, [32, 32]))
    fuse = conv2d(tf.concat(sides, 3), 1, 1, act=None, name="fuse")
    negatives, positives = tf.reduce_sum(1.0 - edgemaps), tf.reduce_sum(edgemaps)
    beta = negatives / (negatives + positives)
    loss = 0.0
    for out in [*sides, fuse]:
        each = v1.nn.weighted_cross_entropy_with_logits(
            logits=out, labels=edgemaps, pos_weight=beta / (1 - beta)
        )
        loss += tf.reduce_mean(each * (1 - beta))
    v1.summary.scalar("loss", loss)
    predictions = [tf.sigmoid(out, name=f"output{i}") for i, out in enumerate([*sides, fuse])]
    wrong = tf.cast(tf.not_equal(predictions[-1] > 0.5, edgemaps > 0.5), tf.float32)
    v1.summary.scalar("error", tf.reduce_mean(wrong))
    v1.train.AdamOptimizer(1e-4).minimize(loss)
    return [([images], predictions), ([images], [predictions[-1]]), ([images], [fuse])]


@case("detector")
def lines_of_words_by_narrow_anchors() -> Truths:
    """A convolution, an LSTM's worth of context along rows, then offsets and classes of ten anchors."""
    image = v1.placeholder(tf.float32, [1, 32, 48, 3], name="input_image")
    im_info = v1.placeholder(tf.float32, [None, 3], name="input_im_info")
    bbox = v1.placeholder(tf.float32, [None, 5], name="input_bbox")
    x = image - [123.68, 116.78, 103.94]
    for filters in (8, 12, 12):
        x = halve(conv2d(x, filters))
    x = tf.reshape(conv1(tf.reshape(x, [-1, 6, 12]), 16, 5, tf.tanh), [1, 4, 6, 16])
    bbox_pred = linear(x, 40, name="bbox_pred")
    cls_pred = linear(x, 20, name="cls_pred")
    cls_pred_reshape = tf.reshape(cls_pred, [1, 4, 60, 2])
    cls_prob = tf.reshape(tf.nn.softmax(cls_pred_reshape), [1, 4, 6, 20], name="cls_prob")

    def anchors(boxes: Any, info: Any) -> tuple[Any, Any]:
        return np.zeros([240], np.int32) - np.int32(len(boxes) == 0), np.zeros([240, 4], np.float32) * info[
            0, 2
        ]

    labels, targets = v1.py_func(anchors, [bbox, im_info], [tf.int32, tf.float32], name="anchor_target_layer")
    kept = tf.where(tf.not_equal(labels, -1))[:, 0]
    score = tf.gather(tf.reshape(cls_pred_reshape, [-1, 2]), kept)
    cls_loss = sparse_xent(tf.gather(labels, kept), score)
    apart = tf.gather(tf.reshape(bbox_pred, [-1, 4]) - tf.reshape(targets, [240, 4]), kept)
    box_loss = tf.reduce_mean(tf.where(tf.abs(apart) < 1, 0.5 * tf.square(apart), tf.abs(apart) - 0.5))
    v1.summary.scalar("rpn_cross_entropy", cls_loss)
    v1.summary.scalar("rpn_loss_box", box_loss)
    step = v1.get_variable("global_step", [], initializer=v1.constant_initializer(0), trainable=False)
    optimizer = v1.train.AdamOptimizer(1e-5)
    grads = optimizer.compute_gradients(cls_loss + box_loss)
    trained = optimizer.apply_gradients(grads, global_step=step)
    with tf.control_dependencies(
        [trained, tf.train.ExponentialMovingAverage(0.997).apply(within("conv", "bbox"))]
    ):
        tf.no_op(name="train_op")
    return [([image], [bbox_pred, cls_prob]), ([image], [bbox_pred, cls_pred])]
