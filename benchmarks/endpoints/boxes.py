"""Nets that find things in pictures: boxes, faces, words, joints."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from benchmarks.endpoints.cases import Truth, case
from benchmarks.endpoints.layers import batch_norm, conv, cross_entropy, deconv, dense, flatten, pool, v1

Tensor = Any


@case("detector")
def grid_of_boxes_raw() -> Truth:
    """The second YOLO as a port writes it: the raw grid leaves the net, the loss decodes it."""
    inp = v1.placeholder(tf.float32, [None, 32, 32, 3], "input")
    h = inp
    for i, f in enumerate((6, 8, 12)):
        h = tf.pad(h, [[0, 0], [1, 1], [1, 1], [0, 0]])
        h = batch_norm(
            conv(h, f, 3, f"{i}-convolutional", activation=None, bias=False, padding="VALID"), f"n{i}", False
        )
        h = tf.maximum(0.1 * h, h, name=f"{i}-leaky")
        h = pool(h)
    net_out = tf.identity(conv(h, 2 * (5 + 3), 1, "final", activation=None), name="output")
    probs = v1.placeholder(tf.float32, [None, 16, 2, 3])
    confs = v1.placeholder(tf.float32, [None, 16, 2])
    coord = v1.placeholder(tf.float32, [None, 16, 2, 4])
    out = tf.reshape(net_out, [-1, 4, 4, 2, 8])
    coords = tf.reshape(out[..., :4], [-1, 16, 2, 4])
    xy = tf.sigmoid(coords[..., 0:2])
    wh = tf.sqrt(tf.exp(coords[..., 2:4]) * tf.constant([[1.0, 1.5], [2.0, 3.0]]) / 4.0)
    c = tf.reshape(tf.sigmoid(out[..., 4]), [-1, 16, 2, 1])
    p = tf.reshape(tf.nn.softmax(out[..., 5:]), [-1, 16, 2, 3])
    adjusted = tf.concat([xy, wh, c, p], 3)
    true = tf.concat([coord, tf.expand_dims(confs, 3), probs], 3)
    loss = tf.reduce_mean(0.5 * tf.reduce_sum(tf.square(adjusted - true) * confs[..., None], [1, 2, 3]))
    v1.summary.scalar("loss", loss)
    optimizer = v1.train.RMSPropOptimizer(1e-5)
    optimizer.apply_gradients(optimizer.compute_gradients(loss))
    return [inp], [net_out]


@case("detector")
def three_scales_then_suppression() -> Truth:
    """The third YOLO with its evaluation inside: boxes of two scales, suppressed class by class."""
    image = v1.placeholder(tf.float32, [1, 32, 32, 3], "input_data")
    gold = v1.placeholder(tf.float32, [1, 4, 4, 3, 7], "label_sbbox")
    trainable = v1.placeholder(tf.bool, name="training")

    def block(x: Tensor, f: int, name: str, stride: int = 1) -> Tensor:
        x = conv(x, f, 3, name, stride=stride, activation=None, bias=False)
        return tf.nn.leaky_relu(batch_norm(x, name + "/bn", trainable), alpha=0.1)

    fine = block(block(block(image, 6, "c0", 2), 8, "c1", 2), 8, "c2", 2)
    coarse = block(fine, 12, "c3", 2)
    large = conv(coarse, 3 * 7, 1, "conv_lbbox", activation=None)
    up = v1.image.resize_nearest_neighbor(block(coarse, 8, "c4"), [4, 4])
    small = conv(block(tf.concat([up, fine], 3), 8, "c5"), 3 * 7, 1, "conv_sbbox", activation=None)

    def decode(x: Tensor, side: int, name: str) -> Tensor:
        with v1.variable_scope(name):
            x = tf.reshape(x, [1, side, side, 3, 7])
            xs, ys = tf.meshgrid(tf.range(side), tf.range(side))
            grid = tf.cast(tf.stack([xs, ys], -1)[None, :, :, None, :], tf.float32)
            xy = (tf.sigmoid(x[..., :2]) + grid) * (32 / side)
            wh = tf.exp(x[..., 2:4]) * 8.0
            return tf.concat([xy, wh, tf.sigmoid(x[..., 4:5]), tf.sigmoid(x[..., 5:])], -1)

    pred_l, pred_s = decode(large, 2, "pred_lbbox"), decode(small, 4, "pred_sbbox")
    raw = tf.reshape(small, [1, 4, 4, 3, 7])
    conf = tf.nn.sigmoid_cross_entropy_with_logits(labels=gold[..., 4:], logits=raw[..., 4:])
    loss = tf.reduce_sum(conf) + tf.reduce_sum(gold[..., 4:5] * tf.square(pred_s[..., :4] - gold[..., :4]))
    every = tf.concat([tf.reshape(p, [-1, 7]) for p in (pred_l, pred_s)], 0)
    low, high = every[:, :2] - every[:, 2:4] / 2, every[:, :2] + every[:, 2:4] / 2
    boxes, scores = tf.concat([low, high], 1), every[:, 4:5] * every[:, 5:]
    kept_boxes, kept_scores, kept_labels = [], [], []
    for k in range(2):
        strong = tf.greater_equal(scores[:, k], 0.3)
        b, s = tf.boolean_mask(boxes, strong), tf.boolean_mask(scores[:, k], strong)
        index = tf.image.non_max_suppression(b, s, 20, 0.5)
        kept_boxes.append(tf.gather(b, index))
        kept_scores.append(tf.gather(s, index))
        kept_labels.append(tf.ones_like(kept_scores[-1], tf.int32) * k)
    found = [tf.concat(kept_boxes, 0), tf.concat(kept_scores, 0), tf.concat(kept_labels, 0)]
    with tf.control_dependencies(v1.get_collection(v1.GraphKeys.UPDATE_OPS)):
        v1.train.AdamOptimizer(1e-4).minimize(loss)
    return [image], found


@case("detector")
def focal_pyramid() -> Truth:
    """RetinaNet: two subnets shared by the levels of a pyramid; sigmoid scores and box deltas."""
    images = v1.placeholder(tf.float32, [None, 32, 32, 3], name="images")
    cls_target = v1.placeholder(tf.float32, [None, 160, 4], name="cls_target")
    box_target = v1.placeholder(tf.float32, [None, 160, 4], name="box_target")
    c3 = conv(conv(images, 6, 3, "c2", stride=2), 8, 3, "c3", stride=2)
    c4 = conv(c3, 12, 3, "c4", stride=2)
    p4 = conv(c4, 8, 1, "p4", activation=None)
    p3 = conv(c3, 8, 1, "p3", activation=None) + v1.image.resize_nearest_neighbor(p4, [8, 8])
    classes, boxes = [], []
    for level in (p3, p4):
        with v1.variable_scope("class_net", reuse=v1.AUTO_REUSE):
            h = conv(conv(level, 8, 3, "0"), 8, 3, "1")
            classes.append(
                tf.reshape(
                    conv(h, 2 * 4, 3, "predict", activation=None), [-1, int(level.shape[1]) ** 2 * 2, 4]
                )
            )
        with v1.variable_scope("box_net", reuse=v1.AUTO_REUSE):
            h = conv(conv(level, 8, 3, "0"), 8, 3, "1")
            boxes.append(
                tf.reshape(
                    conv(h, 2 * 4, 3, "predict", activation=None), [-1, int(level.shape[1]) ** 2 * 2, 4]
                )
            )
    logits, deltas = tf.concat(classes, 1), tf.concat(boxes, 1)
    probs = tf.sigmoid(logits)
    pt = tf.where(tf.equal(cls_target, 1.0), probs, 1.0 - probs)
    xent = tf.nn.sigmoid_cross_entropy_with_logits(labels=cls_target, logits=logits)
    positives = tf.maximum(tf.reduce_sum(cls_target), 1.0)
    focal = tf.reduce_sum(0.25 * tf.pow(1.0 - pt, 2.0) * xent) / positives
    huber = v1.losses.huber_loss(box_target, deltas, weights=0.1)
    total = focal + 50.0 * huber
    v1.summary.scalar("focal", focal)
    v1.train.MomentumOptimizer(0.08, 0.9).minimize(total, v1.train.get_or_create_global_step())
    return [images], [probs, deltas]


@case("detector")
def proposals_then_regions() -> Truth:
    """Two stages: proposals are suppressed in the graph, regions are cropped, classed and refined."""
    image = v1.placeholder(tf.float32, shape=[1, None, None, 3])
    im_info = v1.placeholder(tf.float32, shape=[3])
    gt_labels = v1.placeholder(tf.int32, shape=[None], name="gt_labels")
    rpn_labels = v1.placeholder(tf.int32, shape=[None], name="rpn_labels")
    mean = tf.constant([102.98, 115.95, 122.77])
    head = conv(
        conv(conv(image - mean, 6, 3, "conv1", stride=2), 8, 3, "conv2", stride=2), 8, 3, "conv3", stride=2
    )
    rpn = conv(head, 12, 3, "rpn_conv/3x3")
    score = tf.reshape(conv(rpn, 2, 1, "rpn_cls_score", activation=None), [-1, 2])
    prob = tf.nn.softmax(score, name="rpn_cls_prob")
    deltas = tf.reshape(conv(rpn, 4, 1, "rpn_bbox_pred", activation=None), [-1, 4])
    rows, columns = tf.shape(head)[1], tf.shape(head)[2]
    ys, xs = tf.meshgrid(tf.range(rows) * 8, tf.range(columns) * 8, indexing="ij")
    corner = tf.cast(tf.reshape(tf.stack([ys, xs], -1), [-1, 2]), tf.float32)
    anchors = tf.concat([corner, corner + 16.0], 1)
    limit = tf.stack([im_info[0], im_info[1], im_info[0], im_info[1]]) - 1.0
    moved = tf.minimum(tf.maximum(anchors + deltas * 16.0, 0.0), limit)
    kept = tf.image.non_max_suppression(moved, prob[:, 1], 12, 0.7)
    rois = tf.stop_gradient(tf.gather(moved, kept), name="rois")
    with v1.variable_scope("region"):
        unit = rois / limit
        crops = tf.image.crop_and_resize(head, unit, tf.zeros([tf.shape(rois)[0]], tf.int32), [4, 4])
        crops = tf.reshape(crops, [-1, 4 * 4 * 8])
        fc7 = dense(dense(crops, 16, "fc6", tf.nn.relu), 16, "fc7", tf.nn.relu)
        cls_score = dense(fc7, 5, "cls_score")
        cls_prob = tf.nn.softmax(cls_score, name="cls_prob")
        bbox_pred = dense(fc7, 20, "bbox_pred")
    box_targets = v1.placeholder(tf.float32, [None, 20])
    loss = cross_entropy(score, rpn_labels) + cross_entropy(cls_score, gt_labels)
    loss += tf.reduce_mean(tf.abs(bbox_pred - box_targets))
    v1.add_to_collection("losses", loss)
    optimizer = v1.train.MomentumOptimizer(0.001, 0.9)
    optimizer.apply_gradients(optimizer.compute_gradients(loss))
    v1.summary.histogram("SCORE/cls_prob", cls_prob)
    return [image, im_info], [rois, cls_prob, bbox_pred]


@case("detector")
def anchors_hard_negatives() -> Truth:
    """SSD with mined negatives: predictions and localisations of each layer, kept apart as lists."""
    img = v1.placeholder(tf.float32, [None, 32, 32, 3], name="img")
    classes = [v1.placeholder(tf.int64, [None, s, s, 2], name=f"gclasses_{s}") for s in (8, 4)]
    boxes = [v1.placeholder(tf.float32, [None, s, s, 2, 4], name=f"glocal_{s}") for s in (8, 4)]
    first = conv(pool(conv(pool(conv(img, 6, 3, "conv1")), 8, 3, "conv2")), 8, 3, "conv3")
    second = conv(first, 12, 3, "conv4", stride=2)
    predictions, logits, localisations = [], [], []
    for name, layer in (("block3", first), ("block4", second)):
        side = int(layer.shape[1])
        with v1.variable_scope(name + "_box"):
            places = conv(layer, 8, 3, "conv_loc", activation=None)
            localisations.append(tf.reshape(places, [-1, side, side, 2, 4]))
            scores = tf.reshape(conv(layer, 6, 3, "conv_cls", activation=None), [-1, side, side, 2, 3])
            logits.append(scores)
            predictions.append(tf.nn.softmax(scores))
    flat = tf.concat([tf.reshape(t, [-1, 3]) for t in logits], 0)
    gold = tf.concat([tf.reshape(t, [-1]) for t in classes], 0)
    difference = tf.concat([tf.reshape(a - b, [-1, 4]) for a, b in zip(localisations, boxes, strict=True)], 0)
    positive = tf.cast(gold > 0, tf.float32)
    background = tf.where(gold > 0, tf.ones_like(positive), tf.nn.softmax(flat)[:, 0])
    hardest, _ = tf.nn.top_k(-background, k=10)
    negative = tf.cast(background < -hardest[-1], tf.float32)
    xent = v1.nn.sparse_softmax_cross_entropy_with_logits(logits=flat, labels=gold)
    v1.losses.compute_weighted_loss(xent, positive + negative)
    smooth = tf.reduce_sum(tf.minimum(0.5 * tf.square(difference), tf.abs(difference)), 1)
    v1.losses.compute_weighted_loss(smooth, positive)
    v1.train.AdamOptimizer(0.001).minimize(v1.losses.get_total_loss())
    return [img], predictions + localisations


@case("detector")
def faces_proposal_net() -> Truth:
    """The first of three cascaded nets: any size, face probability and offsets at each place."""
    data = v1.placeholder(tf.float32, [None, None, None, 3], "pnet/input")

    def prelu(x: Tensor, name: str) -> Tensor:
        with v1.variable_scope(name):
            alpha = v1.get_variable("alpha", [int(x.shape[-1])])
        return tf.nn.relu(x) + alpha * -tf.nn.relu(-x)

    with v1.variable_scope("pnet"):
        h = prelu(conv(data, 6, 3, "conv1", activation=None, padding="VALID"), "PReLU1")
        h = prelu(conv(pool(h), 8, 3, "conv2", activation=None, padding="VALID"), "PReLU2")
        h = prelu(conv(h, 8, 3, "conv3", activation=None, padding="VALID"), "PReLU3")
        face = conv(h, 2, 1, "conv4-1", activation=None)
        target = tf.exp(face - tf.reduce_max(face, 3, keepdims=True))
        prob1 = tf.divide(target, tf.reduce_sum(target, 3, keepdims=True), name="prob1")
        box = conv(h, 4, 1, "conv4-2", activation=None)
    return [data], [box, prob1]


@case("detector")
def words_in_the_wild() -> Truth:
    """EAST: a score and a rotated box at each fourth pixel, dice loss, masks that ignore small words."""
    input_images = v1.placeholder(tf.float32, shape=[None, None, None, 3], name="input_images")
    score_maps = v1.placeholder(tf.float32, shape=[None, None, None, 1], name="input_score_maps")
    geo_maps = v1.placeholder(tf.float32, shape=[None, None, None, 5], name="input_geo_maps")
    masks = v1.placeholder(tf.float32, shape=[None, None, None, 1], name="input_training_masks")
    step = v1.get_variable("global_step", [], initializer=v1.zeros_initializer(), trainable=False)
    rate = v1.train.exponential_decay(1e-4, step, 10000, 0.94, staircase=True)
    with v1.variable_scope("model_0"):
        f4 = conv(conv(input_images - 120.0, 6, 3, "c1", stride=2), 8, 3, "c2", stride=2)
        f3 = conv(f4, 12, 3, "c3", stride=2)
        with v1.variable_scope("feature_fusion"):
            up = v1.image.resize_bilinear(f3, size=[tf.shape(f3)[1] * 2, tf.shape(f3)[2] * 2])
            g = conv(conv(tf.concat([up, f4], -1), 8, 1, "Conv"), 8, 3, "Conv_1")
            f_score = conv(g, 1, 1, "Conv_2", activation=tf.nn.sigmoid)
            geo_map = conv(g, 4, 1, "Conv_3", activation=tf.nn.sigmoid) * 512
            angle_map = (conv(g, 1, 1, "Conv_4", activation=tf.nn.sigmoid) - 0.5) * 3.14159 / 2
            f_geometry = tf.concat([geo_map, angle_map], axis=-1)
    both = tf.reduce_sum(score_maps * f_score * masks)
    dice = 1.0 - 2 * both / (tf.reduce_sum(score_maps * masks) + tf.reduce_sum(f_score * masks) + 1e-5)
    v1.summary.scalar("classification_dice_loss", dice)
    d1, d2, d3, d4, theta = tf.split(geo_maps, 5, axis=3)
    p1, p2, p3, p4, p_theta = tf.split(f_geometry, 5, axis=3)
    meet = (tf.minimum(d2, p2) + tf.minimum(d4, p4)) * (tf.minimum(d1, p1) + tf.minimum(d3, p3))
    union = (d1 + d3) * (d2 + d4) + (p1 + p3) * (p2 + p4) - meet
    overlap = -v1.log((meet + 1.0) / (union + 1.0)) + 20 * (1 - tf.cos(p_theta - theta))
    total = tf.reduce_mean(overlap * score_maps * masks) + dice * 0.01
    v1.summary.image("score_map_pred", f_score * 255)
    v1.summary.image("geo_map_0_pred", geo_map[:, :, :, 0:1])
    train = v1.train.AdamOptimizer(rate).minimize(total, global_step=step)
    with tf.control_dependencies([train]):
        tf.train.ExponentialMovingAverage(0.997, step).apply(v1.trainable_variables())
        tf.no_op(name="train_op")
    return [input_images], [f_score, f_geometry]


@case("detector")
def joints_in_stages() -> Truth:
    """A pose machine: each stage refines the belief maps of the one before; the last one counts."""
    input_placeholder = v1.placeholder(tf.float32, [None, 32, 32, 3], name="input_placeholder")
    cmap = v1.placeholder(tf.float32, [None, 32, 32, 1], name="cmap_placeholder")
    gt_hmap = v1.placeholder(tf.float32, [None, 8, 8, 6], name="gt_hmap_placeholder")
    center = tf.nn.avg_pool2d(cmap, 9, 4, "SAME", name="center_map")
    with v1.variable_scope("sub_stages"):
        features = conv(pool(conv(pool(conv(input_placeholder, 6, 3, "c1")), 8, 3, "c2")), 8, 3, "c3")
    with v1.variable_scope("stage_1"):
        maps = [conv(conv(features, 8, 1, "conv1"), 6, 1, "stage_heatmap", activation=None)]
    for stage in (2, 3):
        with v1.variable_scope(f"stage_{stage}"):
            joined = tf.concat([maps[-1], features, center], axis=3)
            maps.append(conv(conv(joined, 8, 7, "mid_conv1"), 6, 1, "mid_conv7", activation=None))
    losses = []
    for i, each in enumerate(maps):
        losses.append(tf.nn.l2_loss(each - gt_hmap, name=f"l2_loss_{i}") / 8.0)
        v1.summary.scalar(f"stage{i}_loss", losses[-1])
    rate = v1.train.exponential_decay(1e-3, v1.train.get_or_create_global_step(), 500, 0.9)
    variables = v1.trainable_variables()
    grads, _ = tf.clip_by_global_norm(tf.gradients(tf.add_n(losses), variables), 1.0)
    v1.train.AdamOptimizer(rate).apply_gradients(zip(grads, variables, strict=True))
    return [input_placeholder, cmap], [maps[-1]]


@case("detector", modern=True)
def objects_as_points() -> Truth:
    """Centres are peaks of a heat map; the best are taken in the graph with their sizes and offsets."""
    images = v1.placeholder(tf.float32, [None, 32, 32, 3], "images")
    heat_true = v1.placeholder(tf.float32, [None, 8, 8, 3], "heat_true")
    size_true = v1.placeholder(tf.float32, [None, 8, 8, 2], "size_true")
    shift_true = v1.placeholder(tf.float32, [None, 8, 8, 2], "shift_true")
    body = deconv(
        conv(conv(conv(images, 6, 3, "a", stride=2), 8, 3, "b", stride=2), 12, 3, "c", stride=2), 8, 4, "up"
    )
    body = tf.ensure_shape(body, [None, 8, 8, 8])
    heat = conv(conv(body, 8, 3, "hm1"), 3, 1, "hm2", activation=tf.sigmoid)
    size, shift = conv(body, 2, 3, "wh", activation=None), conv(body, 2, 3, "reg", activation=None)
    centre = tf.cast(tf.equal(heat_true, 1.0), tf.float32)
    clipped = tf.clip_by_value(heat, 1e-4, 1 - 1e-4)
    focal = centre * v1.log(clipped) * (1 - clipped) ** 2
    focal += (1 - centre) * v1.log(1 - clipped) * clipped**2 * (1 - heat_true) ** 4
    any_centre = tf.reduce_max(centre, -1, keepdims=True)
    l1 = tf.abs(size - size_true) * 0.1 + tf.abs(shift - shift_true)
    v1.train.AdamOptimizer(1e-3).minimize(tf.reduce_mean(l1 * any_centre) - tf.reduce_mean(focal))
    with tf.name_scope("decode"):
        peak = tf.cast(tf.equal(heat, tf.nn.max_pool2d(heat, 3, 1, "SAME")), tf.float32)
        scores, index = tf.nn.top_k(tf.reshape(heat * peak, [-1, 8 * 8 * 3]), k=10)
        classes, place = index % 3, index // 3
        wide = tf.gather(tf.reshape(size, [-1, 64, 2]), place, batch_dims=1)
        moved = tf.gather(tf.reshape(shift, [-1, 64, 2]), place, batch_dims=1)
        at = tf.cast(tf.stack([place % 8, place // 8], -1), tf.float32) + moved
        boxes = tf.concat([at - wide / 2, at + wide / 2], -1) * 4.0
        found = [tf.identity(boxes, "boxes"), tf.identity(scores, "scores"), tf.identity(classes, "classes")]
    return [images], found


@case("detector")
def face_points_with_angles() -> Truth:
    """Landmarks for the product; head angles from a second branch only weigh the loss."""
    image_batch = v1.placeholder(tf.float32, [None, 24, 24, 3], name="image_batch")
    landmark_batch = v1.placeholder(tf.float32, [None, 10], name="landmark_batch")
    angle_batch = v1.placeholder(tf.float32, [None, 3], name="euler_angle_batch")
    phase_train = v1.placeholder(tf.bool, name="phase_train")
    h = tf.nn.relu6(
        batch_norm(conv(image_batch, 8, 3, "conv_1", stride=2, activation=None), "bn1", phase_train)
    )
    features = tf.nn.relu6(
        batch_norm(conv(h, 12, 3, "conv_2", stride=2, activation=None), "bn2", phase_train)
    )
    last = conv(features, 12, 3, "conv_3", stride=2)
    many = tf.concat([tf.reduce_mean(features, [1, 2]), flatten(last)], 1)
    landmarks_pre = dense(many, 10, "fc")
    with v1.variable_scope("auxiliary"):
        a = dense(flatten(conv(features, 8, 3, "pose_conv1", stride=2)), 8, "pose_fc1", tf.nn.relu)
        angles_pre = dense(a, 3, "pose_fc2")
    weights = tf.reduce_sum(1 - tf.cos(tf.abs(angle_batch - angles_pre)), axis=1)
    square = tf.reduce_sum(tf.square(landmark_batch - landmarks_pre), axis=1)
    loss = tf.reduce_mean(square * weights)
    decay = 5e-5 * tf.add_n([tf.nn.l2_loss(v) for v in v1.trainable_variables() if "kernel" in v.name])
    with tf.control_dependencies(v1.get_collection(v1.GraphKeys.UPDATE_OPS)):
        v1.train.AdamOptimizer(1e-4).minimize(loss + decay)
    return [image_batch], [landmarks_pre]
