"""Graphs of papers on pictures, videos, points and volumes, as their repositories write them."""

# ruff: noqa: N806 (the names are those of the authors)

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf

from benchmarks.endpoints.cases import Truth, Truths, case, v1

Tensor = Any


@case("classifier")
def tensorpack_wide_resnet_svhn_queue_towers() -> Truth:
    """A tensorpack repository (wide ResNet).

    QueueInput, two training towers, an InferenceTower; OfflinePredictor takes 'input' to 'output'.
    """
    image = v1.placeholder(tf.uint8, [None, 32, 32, 3], name="input")
    label = v1.placeholder(tf.int32, [None], name="label")

    def conv(x: Tensor, out: int, k: int, s: int, scope: str) -> Tensor:
        with v1.variable_scope(scope):
            w = v1.get_variable(
                "W", [k, k, int(x.shape[3]), out], initializer=v1.variance_scaling_initializer(2.0, "fan_out")
            )
            return tf.nn.conv2d(x, w, s, "SAME")

    def bnrelu(x: Tensor, scope: str, training: Any) -> Tensor:
        with v1.variable_scope(scope):
            c = [int(x.shape[3])]
            beta = v1.get_variable("beta", c, initializer=v1.zeros_initializer())
            gamma = v1.get_variable("gamma", c, initializer=v1.ones_initializer())
            mm = v1.get_variable("mean/EMA", c, initializer=v1.zeros_initializer(), trainable=False)
            mv = v1.get_variable("variance/EMA", c, initializer=v1.ones_initializer(), trainable=False)
            if training:
                y, bm, bv = v1.nn.fused_batch_norm(x, gamma, beta, epsilon=1e-5, is_training=True)
                v1.add_to_collection(
                    v1.GraphKeys.UPDATE_OPS, v1.assign_sub(mm, 0.1 * (mm - bm), name="upd_mean")
                )
                v1.add_to_collection(
                    v1.GraphKeys.UPDATE_OPS, v1.assign_sub(mv, 0.1 * (mv - bv), name="upd_var")
                )
            else:
                y, _, _ = v1.nn.fused_batch_norm(
                    x, gamma, beta, mean=mm, variance=mv, epsilon=1e-5, is_training=False
                )
            return tf.nn.relu(y, name="output")

    def build_graph(img: Tensor, lab: Tensor, training: bool) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        x = tf.cast(img, tf.float32) / 128.0 - 1.0
        assert x.shape[3] == 3
        x = conv(x, 4, 3, 1, "conv0")
        for g, (f, s) in enumerate([(8, 1), (12, 2)]):
            for b in range(2):
                with v1.variable_scope(f"res{g}.{b}"):
                    stride = s if b == 0 else 1
                    pre = bnrelu(x, "bn1", training)
                    short = conv(pre, f, 1, stride, "shortcut") if int(x.shape[3]) != f else x
                    y = conv(pre, f, 3, stride, "conv1")
                    y = bnrelu(y, "bn2", training)
                    if training:
                        y = tf.nn.dropout(y, rate=0.3)
                    x = conv(y, f, 3, 1, "conv2") + short
        x = bnrelu(x, "bnlast", training)
        x = tf.reduce_mean(x, [1, 2], name="gap")
        with v1.variable_scope("linear"):
            w = v1.get_variable("W", [12, 10])
            b = v1.get_variable("b", [10], initializer=v1.zeros_initializer())
            logits = v1.nn.xw_plus_b(x, w, b, name="output")
        prob = tf.nn.softmax(logits, name="output")
        wrong = tf.cast(
            tf.logical_not(tf.nn.in_top_k(predictions=logits, targets=lab, k=1)),
            tf.float32,
            name="incorrect_vector",
        )
        err = tf.reduce_mean(wrong, name="train_error")
        ce = tf.reduce_mean(
            tf.nn.sparse_softmax_cross_entropy_with_logits(logits=logits, labels=lab),
            name="cross_entropy_loss",
        )
        wd = 5e-4 * tf.add_n([tf.nn.l2_loss(v) for v in v1.trainable_variables() if v.op.name.endswith("/W")])
        return prob, wrong, err, tf.add_n([ce, wd], name="cost")

    with v1.name_scope("QueueInput"):
        q = v1.FIFOQueue(50, [tf.uint8, tf.int32], name="input_queue")
        q.enqueue([image, label], name="enqueue_op")
        q.close(cancel_pending_enqueues=True)
        v1.summary.scalar("queue_size", tf.cast(q.size(), tf.float32))
    step = v1.train.get_or_create_global_step()
    lr = v1.get_variable("learning_rate", [], initializer=v1.constant_initializer(0.01), trainable=False)
    v1.summary.scalar("learning_rate-summary", lr)
    opt = v1.train.MomentumOptimizer(lr, 0.9, use_nesterov=True)
    grads, costs, errs = [], [], []
    for t in range(2):
        with v1.variable_scope(v1.get_variable_scope(), reuse=t > 0), v1.name_scope(f"tower{t}"):
            im, la = q.dequeue(name="input_deque")
            im.set_shape(image.shape)
            la.set_shape(label.shape)
            _, _, e, c = build_graph(im, la, True)
            grads.append(opt.compute_gradients(c, gate_gradients=1))
            costs.append(c)
            errs.append(e)
    with v1.name_scope("AvgGrad"):
        merged = [(tf.multiply(tf.add_n([a[0], b[0]]), 0.5), a[1]) for a, b in zip(*grads, strict=True)]
    ema = v1.train.ExponentialMovingAverage(0.95, name="EMA")
    with tf.control_dependencies(v1.get_collection(v1.GraphKeys.UPDATE_OPS)):
        train = opt.apply_gradients(merged, global_step=step, name="train_op")
    with tf.control_dependencies([train]):
        keep = ema.apply(costs + errs)
    for c in costs + errs:
        v1.summary.scalar(c.op.name + "-summary", ema.average(c))
    tf.group(train, keep, name="maintain")
    with v1.variable_scope(v1.get_variable_scope(), reuse=True), v1.name_scope("InferenceTower"):
        prob, _wrong, _, _ = build_graph(image, label, False)
    v1.summary.merge_all()
    return [image], [prob]


@case("detection")
def yolo_three_handle_iterator_with_nms() -> Truth:
    """YOLOv3 with darknet blocks.

    Feedable iterator of padded label maps; the detect script feeds the image and takes boxes, scores, labels.
    """
    anchors = np.array([[10, 13], [16, 30], [33, 23], [30, 61], [62, 45], [59, 119]], np.float32)
    num_class = 3
    is_training = v1.placeholder(tf.bool, name="phase_train")
    handle_flag = v1.placeholder(tf.string, [], name="iterator_handle_flag")

    def parse(line: Tensor) -> Tensor:
        def load(text: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
            return (
                np.zeros([64, 64, 3], np.float32),
                np.zeros([2, 2, 3, 8], np.float32),
                np.zeros([4, 4, 3, 8], np.float32),
                np.int64(0),
            )

        return v1.py_func(load, [line], [tf.float32, tf.float32, tf.float32, tf.int64])

    train_set = (
        v1.data.TextLineDataset("./data/my_data/train.txt")
        .shuffle(100)
        .map(parse, num_parallel_calls=4)
        .batch(4)
        .prefetch(2)
    )
    val_set = v1.data.TextLineDataset("./data/my_data/val.txt").map(parse).batch(1)
    v1.data.make_initializable_iterator(train_set).string_handle()
    v1.data.make_initializable_iterator(val_set).string_handle()
    iterator = v1.data.Iterator.from_string_handle(
        handle_flag, v1.data.get_output_types(train_set), v1.data.get_output_shapes(train_set)
    )
    image, y_true_32, y_true_16, _image_ids = iterator.get_next()
    image.set_shape([None, None, None, 3])
    y_true_32.set_shape([None, None, None, 3, 5 + num_class])
    y_true_16.set_shape([None, None, None, 3, 5 + num_class])
    n = [0]

    def conv2d(x: Tensor, f: int, k: int, s: int = 1) -> Tensor:
        name = "Conv" if n[0] == 0 else f"Conv_{n[0]}"
        n[0] += 1
        with v1.variable_scope(name):
            w = v1.get_variable(
                "weights", [k, k, int(x.shape[-1]), f], regularizer=lambda v: 5e-4 * tf.nn.l2_loss(v)
            )
            if s > 1:
                x = tf.pad(x, [[0, 0], [1, 1], [1, 1], [0, 0]])
            x = tf.nn.conv2d(x, w, s, "SAME" if s == 1 else "VALID")
            with v1.variable_scope("BatchNorm"):
                ga = v1.get_variable("gamma", [f], initializer=v1.ones_initializer())
                be = v1.get_variable("beta", [f], initializer=v1.zeros_initializer())
                mm = v1.get_variable("moving_mean", [f], initializer=v1.zeros_initializer(), trainable=False)
                mv = v1.get_variable(
                    "moving_variance", [f], initializer=v1.ones_initializer(), trainable=False
                )
                bm, bv = tf.nn.moments(x, [0, 1, 2])
                v1.add_to_collection(v1.GraphKeys.UPDATE_OPS, v1.assign(mm, mm * 0.99 + bm * 0.01))
                v1.add_to_collection(v1.GraphKeys.UPDATE_OPS, v1.assign(mv, mv * 0.99 + bv * 0.01))
                m = tf.cond(is_training, lambda: bm, lambda: tf.identity(mm))
                va = tf.cond(is_training, lambda: bv, lambda: tf.identity(mv))
                x = tf.nn.batch_normalization(x, m, va, be, ga, 1e-5)
            return tf.nn.leaky_relu(x, 0.1)

    def head(x: Tensor, i: int) -> Tensor:
        with v1.variable_scope(f"Conv_{n[0]}"):
            n[0] += 1
            w = v1.get_variable("weights", [1, 1, int(x.shape[-1]), 3 * (5 + num_class)])
            b = v1.get_variable("biases", [3 * (5 + num_class)], initializer=v1.zeros_initializer())
            return tf.identity(tf.nn.bias_add(tf.nn.conv2d(x, w, 1, "SAME"), b), name=f"feature_map_{i}")

    with v1.variable_scope("yolov3"):
        img_size = tf.shape(image)[1:3]
        with v1.variable_scope("darknet_body"):
            net = conv2d(image, 4, 3)
            net = conv2d(net, 6, 3, 2)
            net = net + conv2d(conv2d(net, 3, 1), 6, 3)
            net = conv2d(net, 8, 3, 2)
            net = conv2d(net, 8, 3, 2)
            route_1 = net = conv2d(net, 8, 3, 2)
            net = conv2d(net, 12, 3, 2)
            route_2 = net + conv2d(conv2d(net, 6, 1), 12, 3)
        n[0] = 0
        with v1.variable_scope("yolov3_head"):
            inter = conv2d(route_2, 6, 1)
            f1 = head(conv2d(inter, 12, 3), 1)
            up = v1.image.resize_nearest_neighbor(
                conv2d(inter, 4, 1), tf.shape(route_1)[1:3], name="upsampled"
            )
            f2 = head(conv2d(tf.concat([up, route_1], 3), 8, 3), 2)

    def reorg(fm: Tensor, anc: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        grid = tf.shape(fm)[1:3]
        ratio = tf.cast(img_size / grid, tf.float32)
        fm = tf.reshape(fm, [-1, grid[0], grid[1], 3, 5 + num_class])
        xy, wh, conf, prob = tf.split(fm, [2, 2, 1, num_class], axis=-1)
        gx, gy = tf.meshgrid(tf.range(grid[1]), tf.range(grid[0]))
        off = tf.cast(tf.reshape(tf.stack([gx, gy], -1), [grid[0], grid[1], 1, 2]), tf.float32)
        xy = (tf.sigmoid(xy) + off) * ratio[::-1]
        wh = tf.exp(wh) * anc
        return off, tf.concat([xy, wh], -1), conf, prob

    losses, boxes_l, confs_l, probs_l = [], [], [], []
    for fm, yt, anc in ((f1, y_true_32, anchors[3:]), (f2, y_true_16, anchors[:3])):
        _off, bx, cf, pr = reorg(fm, anc)
        mask = yt[..., 4:5]
        wt = tf.stop_gradient(2.0 - yt[..., 2:3] * yt[..., 3:4] / 4096.0)
        lx = tf.reduce_sum(tf.square(bx - yt[..., :4]) * mask * wt)
        lc = tf.reduce_sum(tf.nn.sigmoid_cross_entropy_with_logits(labels=mask, logits=cf))
        lp = tf.reduce_sum(mask * tf.nn.sigmoid_cross_entropy_with_logits(labels=yt[..., 5:], logits=pr))
        losses.append([lx, lc, lp])
        boxes_l.append(tf.reshape(bx, [tf.shape(bx)[0], -1, 4]))
        confs_l.append(tf.reshape(tf.sigmoid(cf), [tf.shape(bx)[0], -1, 1]))
        probs_l.append(tf.reshape(tf.sigmoid(pr), [tf.shape(bx)[0], -1, num_class]))
    loss = [tf.add_n(list(c)) for c in zip(*losses, strict=True)]
    l2 = tf.add_n(v1.losses.get_regularization_losses())
    for nm, lo in zip(("xy_wh", "conf", "class"), loss, strict=True):
        v1.summary.scalar("train_batch_statistics/loss_" + nm, lo)
    v1.summary.scalar("train_batch_statistics/loss_l2", l2)
    total = tf.add_n(loss)
    pred_boxes, pred_confs, pred_probs = tf.concat(boxes_l, 1), tf.concat(confs_l, 1), tf.concat(probs_l, 1)
    cx, cy, ww, hh = tf.split(pred_boxes, 4, axis=-1)
    pred_boxes = tf.concat([cx - ww / 2, cy - hh / 2, cx + ww / 2, cy + hh / 2], -1)
    pred_scores = pred_confs * pred_probs
    flat_b, flat_s = tf.reshape(pred_boxes, [-1, 4]), tf.reshape(pred_scores, [-1, num_class])
    bl, sl, ll = [], [], []
    for i in range(num_class):
        ok = flat_s[:, i] >= 0.3
        fb, fs = tf.boolean_mask(flat_b, ok), tf.boolean_mask(flat_s[:, i], ok)
        ind = tf.image.non_max_suppression(fb, fs, 50, 0.45, name="nms_indices")
        ll.append(tf.ones_like(tf.gather(fs, ind), tf.int32) * i)
        bl.append(tf.gather(fb, ind))
        sl.append(tf.gather(fs, ind))
    boxes, score, labels = tf.concat(bl, 0), tf.concat(sl, 0), tf.concat(ll, 0)
    gstep = v1.Variable(0.0, trainable=False, collections=[v1.GraphKeys.LOCAL_VARIABLES])
    rate = v1.train.exponential_decay(1e-3, gstep, 100, 0.96)
    opt = v1.train.MomentumOptimizer(rate, 0.9)
    with tf.control_dependencies(v1.get_collection(v1.GraphKeys.UPDATE_OPS)):
        gvs = opt.compute_gradients(total + l2)
        opt.apply_gradients(
            [gv if gv[0] is None else (tf.clip_by_norm(gv[0], 100.0), gv[1]) for gv in gvs], global_step=gstep
        )
    v1.summary.merge_all()
    return [image], [boxes, score, labels]


@case("detection")
def faster_rcnn_region_proposals_train_and_test() -> Truths:
    """Like tf-faster-rcnn (slim, VGG).

    Train and test halves on the same placeholders; test_image feeds image and im_info.
    """
    _image = v1.placeholder(tf.float32, shape=[1, None, None, 3])
    _im_info = v1.placeholder(tf.float32, shape=[3])
    _gt_boxes = v1.placeholder(tf.float32, shape=[None, 5])
    num_classes, num_anchors = 4, 3

    def conv(x: Tensor, f: int, k: int, scope: str, act: bool = True, init: float = 0.01) -> Tensor:
        with v1.variable_scope(scope):
            w = v1.get_variable(
                "weights", [k, k, int(x.shape[-1]), f], initializer=v1.truncated_normal_initializer(0.0, init)
            )
            b = v1.get_variable("biases", [f], initializer=v1.zeros_initializer())
            y = tf.nn.bias_add(tf.nn.conv2d(x, w, 1, "SAME"), b, name="BiasAdd")
            return tf.nn.relu(y, name="Relu") if act else y

    def fc(x: Tensor, f: int, scope: str, act: Any = None) -> Tensor:
        with v1.variable_scope(scope):
            w = v1.get_variable(
                "weights", [int(x.shape[-1]), f], initializer=v1.truncated_normal_initializer(0.0, 0.01)
            )
            b = v1.get_variable("biases", [f], initializer=v1.zeros_initializer())
            y = tf.nn.bias_add(tf.matmul(x, w), b, name="BiasAdd")
            return act(y) if act else y

    def build(mode: str, reuse: bool | None) -> Tensor:
        train = mode == "TRAIN"
        pred, tgt = {}, {}
        with v1.variable_scope("vgg_16", reuse=reuse):
            net = conv(_image, 4, 3, "conv1/conv1_1")
            net = tf.nn.max_pool2d(net, 2, 2, "SAME", name="pool1")
            net = conv(net, 6, 3, "conv2/conv2_1")
            net = tf.nn.max_pool2d(net, 2, 2, "SAME", name="pool2")
            net = conv(net, 8, 3, "conv5/conv5_3")
            with v1.variable_scope("ANCHOR_default"):
                h = tf.cast(tf.math.ceil(_im_info[0] / 4.0), tf.int32)
                w = tf.cast(tf.math.ceil(_im_info[1] / 4.0), tf.int32)
                sx, sy = tf.meshgrid(tf.range(w) * 4, tf.range(h) * 4)
                shifts = tf.cast(tf.stack([tf.reshape(t, [-1]) for t in (sx, sy, sx, sy)], 1), tf.float32)
                base = tf.constant([[-8, -8, 11, 11], [-4, -4, 7, 7], [-2, -6, 5, 9]], tf.float32)
                anchors = tf.reshape(tf.expand_dims(shifts, 1) + tf.expand_dims(base, 0), [-1, 4])
            rpn = conv(net, 8, 3, "rpn_conv/3x3")
            score = conv(rpn, num_anchors * 2, 1, "rpn_cls_score", False)
            prob = tf.nn.softmax(tf.reshape(score, [-1, 2]), name="rpn_cls_prob")
            bbox = conv(rpn, num_anchors * 4, 1, "rpn_bbox_pred", False)
            with v1.variable_scope("rois"):
                d = tf.reshape(bbox, [-1, 4])
                aw, ah = anchors[:, 2] - anchors[:, 0] + 1.0, anchors[:, 3] - anchors[:, 1] + 1.0
                x, y = anchors[:, 0] + aw / 2 + d[:, 0] * aw, anchors[:, 1] + ah / 2 + d[:, 1] * ah
                pw, ph = tf.exp(d[:, 2]) * aw, tf.exp(d[:, 3]) * ah
                prop = tf.stack(
                    [
                        tf.clip_by_value(x - pw / 2, 0.0, _im_info[1] - 1),
                        tf.clip_by_value(y - ph / 2, 0.0, _im_info[0] - 1),
                        tf.clip_by_value(x + pw / 2, 0.0, _im_info[1] - 1),
                        tf.clip_by_value(y + ph / 2, 0.0, _im_info[0] - 1),
                    ],
                    1,
                )
                keep = tf.image.non_max_suppression(prop, prob[:, 1], 40 if train else 20, 0.7)
                blobs = tf.gather(prop, keep)
                rois = tf.concat([tf.zeros([tf.shape(blobs)[0], 1]), blobs], 1)
            if train:
                with v1.variable_scope("anchor"):
                    tgt["rpn_labels"], tgt["rpn_bbox"] = v1.py_func(
                        lambda s, g, a: (np.zeros([len(a)], np.int32), np.zeros([len(a), 4], np.float32)),
                        [score, _gt_boxes, anchors],
                        [tf.int32, tf.float32],
                        name="anchor_target",
                    )
                    tgt["rpn_labels"].set_shape([None])
                with v1.variable_scope("rpn_rois"):
                    rois, labels, tgt["bbox"] = v1.py_func(
                        lambda r, g: (
                            r,
                            np.zeros([len(r)], np.int32),
                            np.zeros([len(r), 4 * num_classes], np.float32),
                        ),
                        [rois, _gt_boxes],
                        [tf.float32, tf.int32, tf.float32],
                        name="proposal_target",
                    )
                    rois.set_shape([None, 5])
                    labels.set_shape([None])
                    tgt["bbox"].set_shape([None, 4 * num_classes])
                    tgt["labels"] = labels
            with v1.variable_scope("pool5"):
                ids = tf.cast(rois[:, 0], tf.int32)
                sh = tf.cast(tf.shape(net)[1:3], tf.float32) * 4.0
                norm = tf.stack(
                    [rois[:, 2] / sh[0], rois[:, 1] / sh[1], rois[:, 4] / sh[0], rois[:, 3] / sh[1]], 1
                )
                crops = tf.image.crop_and_resize(net, tf.stop_gradient(norm), ids, [6, 6], name="crops")
                pooled = tf.nn.max_pool2d(crops, 2, 2, "SAME")
            flat = tf.reshape(pooled, [-1, 72], name="flatten")
            f6 = fc(flat, 16, "fc6", tf.nn.relu)
            if train:
                f6 = tf.nn.dropout(f6, rate=0.5, name="dropout6")
            f7 = fc(f6, 16, "fc7", tf.nn.relu)
            pred["cls_score"] = fc(f7, num_classes, "cls_score")
            pred["cls_prob"] = tf.nn.softmax(pred["cls_score"], name="cls_prob")
            pred["bbox_pred"] = fc(f7, num_classes * 4, "bbox_pred")
        pred["rois"] = rois
        if train:
            lab = tgt["rpn_labels"]
            sel = tf.reshape(tf.where(tf.not_equal(lab, -1)), [-1])
            l1 = tf.reduce_mean(
                tf.nn.sparse_softmax_cross_entropy_with_logits(
                    logits=tf.gather(tf.reshape(score, [-1, 2]), sel), labels=tf.gather(lab, sel)
                )
            )
            l2 = tf.reduce_mean(tf.abs(d - tgt["rpn_bbox"]))
            l3 = tf.reduce_mean(
                tf.nn.sparse_softmax_cross_entropy_with_logits(logits=pred["cls_score"], labels=tgt["labels"])
            )
            diff = pred["bbox_pred"] - tgt["bbox"]
            l4 = tf.reduce_mean(tf.where(tf.abs(diff) < 1.0, 0.5 * diff * diff, tf.abs(diff) - 0.5))
            for nm, lo in (
                ("rpn_cross_entropy", l1),
                ("rpn_loss_box", l2),
                ("cross_entropy", l3),
                ("loss_box", l4),
            ):
                v1.summary.scalar(nm, lo)
            pred["loss"] = l1 + l2 + l3 + l4
            v1.summary.histogram("SCORE/rpn_cls_score/scores", score)
            v1.summary.image(
                "ground_truth",
                v1.py_func(
                    lambda im, g: im,
                    [_image + np.array([[[103.9, 116.8, 123.7]]], np.float32), _gt_boxes],
                    tf.float32,
                ),
            )
        else:
            stds, means = (
                np.tile([0.1, 0.1, 0.2, 0.2], num_classes),
                np.tile([0.0, 0.0, 0.0, 0.0], num_classes),
            )
            pred["bbox_pred"] = pred["bbox_pred"] * stds.astype(np.float32) + means.astype(np.float32)
        return pred

    tr = build("TRAIN", None)
    loss = tr["loss"] + tf.add_n(
        [1e-4 * tf.nn.l2_loss(v) for v in v1.trainable_variables() if "biases" not in v.name]
    )
    v1.summary.scalar("total_loss", loss)
    lr = v1.Variable(0.001, trainable=False)
    opt = v1.train.MomentumOptimizer(lr, 0.9)
    gvs = opt.compute_gradients(loss)
    with v1.variable_scope("Gradient_Mult"):
        gvs = [(g * 2.0 if "/biases:" in v.name else g, v) for g, v in gvs if g is not None]
    opt.apply_gradients(gvs)
    te = build("TEST", True)
    v1.summary.merge_all()
    return [
        ([_image, _im_info], [te["cls_score"], te["cls_prob"], te["bbox_pred"], te["rois"]]),
        ([_image, _im_info], [te["cls_prob"], te["bbox_pred"], te["rois"]]),
    ]


@case("segmentation")
def deeplab_atrous_kaffe_accumulated_gradients() -> Truth:
    """Like tensorflow-deeplab-resnet.

    Kaffe layers, ImageReader with batch queue, gradient accumulation; inference puts images in place of the
    queue and takes pred.
    """
    with v1.name_scope("create_inputs"):
        files = tf.constant(["a.jpg", "b.jpg"])
        masks = tf.constant(["a.png", "b.png"])
        queue = v1.train.slice_input_producer([files, masks], shuffle=True)
        img = tf.image.decode_jpeg(tf.io.read_file(queue[0]), channels=3)
        r, g, b = tf.split(axis=2, num_or_size_splits=3, value=img)
        img = tf.cast(tf.concat(axis=2, values=[b, g, r]), tf.float32) - np.array(
            [104.0, 116.7, 122.7], np.float32
        )
        lab = tf.image.decode_png(tf.io.read_file(queue[1]), channels=1)
        scale = v1.random_uniform([1], 0.5, 1.5)
        new = tf.stack(
            [
                tf.cast(tf.cast(tf.shape(img)[0], tf.float32) * scale[0], tf.int32),
                tf.cast(tf.cast(tf.shape(img)[1], tf.float32) * scale[0], tf.int32),
            ]
        )
        img = tf.squeeze(v1.image.resize_bilinear(tf.expand_dims(img, 0), new), [0])
        lab = tf.squeeze(v1.image.resize_nearest_neighbor(tf.expand_dims(lab, 0), new), [0])
        both = tf.image.resize_with_crop_or_pad(tf.concat([img, tf.cast(lab, tf.float32) - 255.0], 2), 65, 65)
        img, lab = both[:, :, :3], tf.cast(both[:, :, 3:] + 255.0, tf.uint8)
        img.set_shape([65, 65, 3])
        lab.set_shape([65, 65, 1])
        image_batch, label_batch = v1.train.batch([img, lab], 4)

    def conv(x: Tensor, k: int, c: int, s: int, name: str, rate: int = 1, biased: bool = False) -> Tensor:
        with v1.variable_scope(name):
            kern = v1.get_variable("weights", [k, k, int(x.shape[-1]), c])
            y = tf.nn.conv2d(x, kern, s, "SAME") if rate == 1 else tf.nn.atrous_conv2d(x, kern, rate, "SAME")
            if biased:
                y = tf.nn.bias_add(y, v1.get_variable("biases", [c], initializer=v1.zeros_initializer()))
            return y

    def bn(x: Tensor, name: str, relu: bool = True) -> Tensor:
        with v1.variable_scope(name):
            c = [int(x.shape[-1])]
            ga = v1.get_variable("gamma", c, initializer=v1.ones_initializer())
            be = v1.get_variable("beta", c, initializer=v1.zeros_initializer())
            m = v1.get_variable("moving_mean", c, initializer=v1.zeros_initializer(), trainable=False)
            v = v1.get_variable("moving_variance", c, initializer=v1.ones_initializer(), trainable=False)
            y, _, _ = v1.nn.fused_batch_norm(x, ga, be, m, v, is_training=False)
            return tf.nn.relu(y) if relu else y

    x = bn(conv(image_batch, 7, 6, 2, "conv1"), "bn_conv1")
    x = tf.nn.max_pool2d(x, 3, 2, "SAME", name="pool1")
    for blk, (f, s, rate) in (("2a", (8, 1, 1)), ("3a", (8, 2, 1)), ("4a", (12, 1, 2))):
        br1 = bn(conv(x, 1, f, s, f"res{blk}_branch1"), f"bn{blk}_branch1", False)
        y = bn(conv(x, 1, f // 2, s, f"res{blk}_branch2a"), f"bn{blk}_branch2a")
        y = bn(conv(y, 3, f // 2, 1, f"res{blk}_branch2b", rate), f"bn{blk}_branch2b")
        y = bn(conv(y, 1, f, 1, f"res{blk}_branch2c"), f"bn{blk}_branch2c", False)
        x = tf.nn.relu(tf.add_n([br1, y], name=f"res{blk}"), name=f"res{blk}_relu")
    raw_output = tf.add_n(
        [conv(x, 3, 5, 1, f"fc1_voc12_c{i}", rate, True) for i, rate in enumerate((2, 3, 4))],
        name="fc1_voc12",
    )
    allv = v1.trainable_variables()
    fc_w = [v for v in allv if "fc" in v.name and "weights" in v.name]
    fc_b = [v for v in allv if "fc" in v.name and "biases" in v.name]
    conv_v = [v for v in allv if "fc" not in v.name]
    raw_prediction = tf.reshape(raw_output, [-1, 5])
    with v1.name_scope("label_encode"):
        small = v1.image.resize_nearest_neighbor(label_batch, tf.stack(raw_output.get_shape()[1:3]))
        raw_gt = tf.reshape(tf.squeeze(small, axis=[3]), [-1])
    idx = tf.squeeze(tf.where(tf.less_equal(raw_gt, 4)), 1)
    loss = tf.nn.sparse_softmax_cross_entropy_with_logits(
        logits=tf.gather(raw_prediction, idx), labels=tf.cast(tf.gather(raw_gt, idx), tf.int32)
    )
    l2 = [0.0005 * tf.nn.l2_loss(v) for v in v1.trainable_variables() if "weights" in v.name]
    reduced = tf.reduce_mean(loss) + tf.add_n(l2)
    raw_up = v1.image.resize_bilinear(raw_output, tf.shape(image_batch)[1:3])
    raw_up = tf.argmax(raw_up, axis=3)
    pred = tf.expand_dims(raw_up, axis=3)
    ims = v1.py_func(lambda t: t[:2].astype(np.uint8), [image_batch], tf.uint8)
    las = v1.py_func(lambda t: np.repeat(t[:2], 3, 3).astype(np.uint8), [label_batch], tf.uint8)
    pds = v1.py_func(lambda t: np.repeat(t[:2], 3, 3).astype(np.uint8), [pred], tf.uint8)
    v1.summary.image("images", tf.concat(axis=2, values=[ims, las, pds]), max_outputs=2)
    base = tf.constant(2.5e-4)
    step_ph = v1.placeholder(dtype=tf.float32, shape=())
    lr = tf.scalar_mul(base, tf.pow((1 - step_ph / 20000), 0.9))
    opts = [v1.train.MomentumOptimizer(lr * m, 0.9) for m in (1.0, 10.0, 20.0)]
    order = conv_v + fc_w + fc_b
    acc = [v1.Variable(tf.zeros_like(v.initialized_value()), trainable=False) for v in order]
    [a.assign(tf.zeros_like(a)) for a in acc]
    grads = tf.gradients(reduced, order)
    [a.assign_add(gr / 2.0) for a, gr in zip(acc, grads, strict=True)]
    n1, n2 = len(conv_v), len(conv_v) + len(fc_w)
    tf.group(
        opts[0].apply_gradients(zip(acc[:n1], conv_v, strict=True)),
        opts[1].apply_gradients(zip(acc[n1:n2], fc_w, strict=True)),
        opts[2].apply_gradients(zip(acc[n2:], fc_b, strict=True)),
    )
    return [image_batch], [pred]


@case("depth", modern=True)
def monodepth_left_right_disparities() -> Truth:
    """Like monodepth.

    Stereo pairs from a shuffle queue; the simple demo feeds the left pair and takes the finest left
    disparity.
    """
    lines = v1.train.string_input_producer(["kitti_train_files.txt"], shuffle=False)
    _, line = v1.TextLineReader().read(lines)
    parts = tf.strings.split([line]).values

    def read_image(path: Tensor) -> Tensor:
        im = tf.image.convert_image_dtype(tf.image.decode_jpeg(tf.io.read_file(path), channels=3), tf.float32)
        return v1.image.resize_images(im, [64, 96], v1.image.ResizeMethod.AREA)

    left_o, right_o = (
        read_image(tf.strings.join(["data/", parts[0]])),
        read_image(tf.strings.join(["data/", parts[1]])),
    )
    flip = v1.random_uniform([], 0, 1)
    left = tf.cond(flip > 0.5, lambda: tf.image.flip_left_right(right_o), lambda: left_o)
    right = tf.cond(flip > 0.5, lambda: tf.image.flip_left_right(left_o), lambda: right_o)
    gamma = v1.random_uniform([], 0.8, 1.2)
    left, right = tf.clip_by_value(left**gamma, 0, 1), tf.clip_by_value(right**gamma, 0, 1)
    left.set_shape([64, 96, 3])
    right.set_shape([64, 96, 3])
    left_b, right_b = v1.train.shuffle_batch([left, right], 4, 40, 20, 2)

    def conv(x: Tensor, f: int, k: int, s: int, act: Any = tf.nn.elu) -> Tensor:
        with v1.variable_scope(None, "Conv"):
            p = (k - 1) // 2
            x = tf.pad(x, [[0, 0], [p, p], [p, p], [0, 0]])
            w = v1.get_variable("weights", [k, k, int(x.shape[3]), f])
            b = v1.get_variable("biases", [f], initializer=v1.zeros_initializer())
            return act(tf.nn.conv2d(x, w, s, "VALID") + b)

    def up(x: Tensor, ratio: int = 2) -> Tensor:
        return v1.image.resize_nearest_neighbor(x, [int(x.shape[1]) * ratio, int(x.shape[2]) * ratio])

    def pyramid(im: Tensor) -> Tensor:
        return [im] + [v1.image.resize_area(im, [64 // s, 96 // s]) for s in (2, 4)]

    def warp(im: Tensor, disp: Tensor) -> Tensor:
        b, h, w = tf.shape(im)[0], int(im.shape[1]), int(im.shape[2])
        gx = tf.tile(tf.reshape(tf.range(w), [1, 1, w]), [b, h, 1])
        x = tf.clip_by_value(tf.cast(gx, tf.float32) + disp[..., 0] * w, 0.0, w - 1.0)
        x0 = tf.floor(x)
        x1 = tf.minimum(x0 + 1, w - 1.0)
        a = tf.gather(im, tf.cast(x0, tf.int32), axis=2, batch_dims=2)
        c = tf.gather(im, tf.cast(x1, tf.int32), axis=2, batch_dims=2)
        return tf.expand_dims(x1 - x, 3) * a + tf.expand_dims(x - x0, 3) * c

    def ssim(x: Tensor, y: Tensor) -> Tensor:
        def pool(t: Tensor) -> Tensor:
            return tf.nn.avg_pool2d(t, 3, 1, "VALID")

        mx, my = pool(x), pool(y)
        sx, sy, sxy = pool(x**2) - mx**2, pool(y**2) - my**2, pool(x * y) - mx * my
        n = (2 * mx * my + 0.0001) * (2 * sxy + 0.0009)
        d = (mx**2 + my**2 + 0.0001) * (sx + sy + 0.0009)
        return tf.clip_by_value((1 - n / d) / 2, 0, 1)

    with v1.variable_scope("model"):
        lp, rp = pyramid(left_b), pyramid(right_b)

        def disp_of(x: Tensor) -> Tensor:
            return 0.3 * conv(x, 2, 3, 1, tf.sigmoid)

        with v1.variable_scope("encoder"):
            c1 = conv(conv(left_b, 4, 7, 1), 4, 7, 2)
            c2 = conv(conv(c1, 6, 5, 1), 6, 5, 2)
            c3 = conv(conv(c2, 8, 3, 1), 8, 3, 2)
        with v1.variable_scope("decoder"):
            u3 = conv(up(c3), 6, 3, 1)
            i3 = conv(tf.concat([u3, c2], 3), 6, 3, 1)
            disp3 = disp_of(i3)
            u2 = conv(up(i3), 6, 3, 1)
            i2 = conv(tf.concat([u2, c1, up(disp3)], 3), 4, 3, 1)
            disp2 = disp_of(i2)
            u1 = conv(up(i2), 4, 3, 1)
            disp1 = disp_of(conv(tf.concat([u1, up(disp2)], 3), 4, 3, 1))
    with v1.variable_scope("disparities"):
        ests = [disp1, disp2, disp3]
        dl = [tf.expand_dims(d[:, :, :, 0], 3) for d in ests]
        dr = [tf.expand_dims(d[:, :, :, 1], 3) for d in ests]
    with v1.variable_scope("images"):
        le = [warp(rp[i], -dl[i]) for i in range(3)]
        re = [warp(lp[i], dr[i]) for i in range(3)]
    with v1.variable_scope("losses"):
        img, lr_l, smooth = [], [], []
        for i in range(3):
            for e, p in ((le[i], lp[i]), (re[i], rp[i])):
                img.append(0.85 * tf.reduce_mean(ssim(e, p)) + 0.15 * tf.reduce_mean(tf.abs(e - p)))
            lr_l.append(
                tf.reduce_mean(tf.abs(warp(dr[i], -dl[i]) - dl[i]))
                + tf.reduce_mean(tf.abs(warp(dl[i], dr[i]) - dr[i]))
            )
            gx = tf.abs(dl[i][:, :, :-1] - dl[i][:, :, 1:]) * tf.exp(
                -tf.reduce_mean(tf.abs(lp[i][:, :, :-1] - lp[i][:, :, 1:]), 3, keepdims=True)
            )
            smooth.append(tf.reduce_mean(gx) / 2**i)
        total = tf.add_n(img) + 0.1 * tf.add_n(smooth) + tf.add_n(lr_l)
    for i in range(3):
        v1.summary.scalar(f"ssim_{i}", img[i], collections=["model_0"])
        v1.summary.image(f"disp_left_est_{i}", dl[i], max_outputs=4, collections=["model_0"])
        v1.summary.image(f"left_est_{i}", le[i], max_outputs=4, collections=["model_0"])
    step = v1.Variable(0, trainable=False)
    rate = v1.train.piecewise_constant(step, [300, 400], [1e-4, 5e-5, 2.5e-5])
    opt = v1.train.AdamOptimizer(rate)
    opt.apply_gradients(opt.compute_gradients(total), global_step=step)
    v1.summary.scalar("learning_rate", rate, ["model_0"])
    v1.summary.scalar("total_loss", total, ["model_0"])
    v1.summary.merge_all("model_0")
    return [left_b], [dl[0]]


@case("flow")
def pwcnet_cost_volume_pyramid() -> Truths:
    """Like tfoptflow (PWC-Net).

    Image pairs stacked in one tensor, loss scaling, EPE metric; predict_from_img_pairs runs y_hat_test.
    """
    with v1.name_scope("placeholders"):
        x_tnsr = v1.placeholder(tf.float32, [None, 2, 64, 64, 3], "x_tnsr")
        y_tnsr = v1.placeholder(tf.float32, [None, 64, 64, 2], "y_tnsr")
        g_step = v1.Variable(0, trainable=False, dtype=tf.int64, name="g_step")
    chans = [None, 4, 6, 8, 10]

    def conv(
        x: Tensor,
        f: int | None,
        k: int,
        s: int,
        name: str,
        act: bool = True,
        reuse: Any = None,
        rate: int = 1,
    ) -> Tensor:
        with v1.variable_scope(name, reuse=reuse):
            kern = v1.get_variable(
                "kernel", [k, k, int(x.shape[-1]), f], initializer=v1.variance_scaling_initializer(2.0)
            )
            bias = v1.get_variable("bias", [f], initializer=v1.zeros_initializer())
            y = tf.nn.bias_add(tf.nn.conv2d(x, kern, s, "SAME", dilations=rate), bias)
            return tf.nn.leaky_relu(y, alpha=0.1) if act else y

    def deconv(x: Tensor, name: str) -> Tensor:
        with v1.variable_scope(name):
            kern = v1.get_variable("kernel", [4, 4, 2, int(x.shape[-1])])
            s = x.shape
            return tf.nn.conv2d_transpose(
                x, kern, [tf.shape(x)[0], int(s[1]) * 2, int(s[2]) * 2, 2], 2, "SAME", name=name
            )

    def warp(im: Tensor, flow: Tensor, name: str) -> Tensor:
        with v1.name_scope(name):
            b, h, w = tf.shape(im)[0], int(im.shape[1]), int(im.shape[2])
            gx, gy = tf.meshgrid(tf.range(w), tf.range(h))
            grid = tf.cast(tf.stack([gy, gx], 2), tf.float32)
            q = tf.expand_dims(grid, 0) + flow
            fl = tf.clip_by_value(tf.floor(q), 0.0, [[[[h - 2.0, w - 2.0]]]])
            al = tf.clip_by_value(q - fl, 0.0, 1.0)
            fi = tf.cast(fl, tf.int32)

            def at(dy: int, dx: int) -> Tensor:
                bi = tf.tile(tf.reshape(tf.range(b), [-1, 1, 1, 1]), [1, h, w, 1])
                offset = [dy, dx]
                return tf.gather_nd(im, tf.concat([bi, fi + offset], 3))

            ay, ax = al[..., :1], al[..., 1:]
            top = ax * (at(0, 1) - at(0, 0)) + at(0, 0)
            bot = ax * (at(1, 1) - at(1, 0)) + at(1, 0)
            return ay * (bot - top) + top

    def cost_volume(c1: Tensor, wr: Tensor, r: int, name: str) -> Tensor:
        with v1.name_scope(name):
            pad = tf.pad(wr, [[0, 0], [r, r], [r, r], [0, 0]])
            _, h, w, _ = c1.shape.as_list()
            cv = [
                tf.reduce_mean(c1 * tf.slice(pad, [0, y, x, 0], [-1, h, w, -1]), axis=3, keepdims=True)
                for y in range(2 * r + 1)
                for x in range(2 * r + 1)
            ]
            return tf.nn.leaky_relu(tf.concat(cv, 3), alpha=0.1)

    with v1.variable_scope("pwcnet"):
        c1, c2 = [None], [None]
        with v1.variable_scope("featpyr"):
            for pyr, x, reuse in ((c1, x_tnsr[:, 0], None), (c2, x_tnsr[:, 1], True)):
                for lvl in range(1, 5):
                    x = conv(x, chans[lvl], 3, 2, f"conv{lvl}a", reuse=reuse)
                    x = conv(x, chans[lvl], 3, 1, f"conv{lvl}b", reuse=reuse)
                    pyr.append(x)
        flow_pyr: list[Tensor] = []
        up_flow: Tensor = None
        up_feat: Tensor = None
        for lvl in (4, 3, 2):
            if lvl == 4:
                corr = cost_volume(c1[lvl], c2[lvl], 1, "corr4")
                feat = corr
            else:
                wr = warp(c2[lvl], up_flow * 20.0 / 2**lvl, f"warp{lvl}")
                corr = cost_volume(c1[lvl], wr, 1, f"corr{lvl}")
                feat = tf.concat([corr, c1[lvl], up_flow, up_feat], 3)
            with v1.variable_scope(f"predict_flow{lvl}"):
                a = tf.concat([conv(feat, 8, 3, 1, "conv0"), feat], 3)
                upfeat = tf.concat([conv(a, 6, 3, 1, "conv1"), a], 3)
                flow = conv(upfeat, 2, 3, 1, "flow", False)
            if lvl == 2:
                with v1.variable_scope("ctxt"):
                    c = conv(upfeat, 8, 3, 1, "dc_conv21")
                    c = conv(c, 8, 3, 1, "dc_conv22", rate=2)
                    c = conv(c, 2, 3, 1, "dc_conv27", False)
                    flow = tf.add(flow, c, name="refined_flow2")
                flow_pyr.append(flow)
            else:
                flow_pyr.append(flow)
                up_flow, up_feat = deconv(flow, f"up_flow{lvl}"), deconv(upfeat, f"up_feat{lvl}")
        flow_pred = tf.multiply(v1.image.resize_bilinear(flow, [64, 64]), 20.0, name="flow_pred")
    with v1.name_scope("loss"):
        loss = 0.0
        for wgt, fl in zip((0.32, 0.08, 0.02), flow_pyr, strict=True):
            gt = v1.image.resize_nearest_neighbor(y_tnsr / 20.0, fl.shape[1:3])
            loss += wgt * tf.reduce_mean(tf.reduce_sum(tf.norm(gt - fl, axis=3), axis=(1, 2)))
        loss += 4e-4 * tf.add_n([tf.nn.l2_loss(v) for v in v1.trainable_variables() if "kernel" in v.name])
        metric = tf.reduce_mean(tf.norm(y_tnsr - flow_pred, axis=3), name="epe")
    lr = v1.train.piecewise_constant(g_step, [400, 600], [1e-4, 5e-5, 2.5e-5])
    opt = v1.train.AdamOptimizer(lr)
    gv = [(g / 128.0, v) for g, v in opt.compute_gradients(loss * 128.0) if g is not None]
    opt.apply_gradients(gv, global_step=g_step)
    with v1.name_scope("logs"):
        v1.summary.scalar("loss", loss)
        v1.summary.scalar("lr", lr)
        v1.summary.scalar("metrics/epe", metric)
        for p in flow_pyr:
            v1.summary.histogram("flow", p)
    v1.summary.merge_all()
    return [([x_tnsr], [flow_pred]), ([x_tnsr], [flow_pred, *flow_pyr])]


@case("pose")
def convolutional_pose_machine_center_map() -> Truth:
    """A CPM repository.

    TFRecord batches are run and fed by hand; the demo feeds the box and a Gaussian centre map, and takes the
    last stage's heatmap.
    """
    queue = v1.train.string_input_producer(["cpm_sample_dataset.tfrecords"], num_epochs=None, shuffle=True)
    _, ser = v1.TFRecordReader().read(queue)
    f = v1.parse_single_example(
        ser,
        {
            "image": v1.FixedLenFeature([], tf.string),
            "heatmaps": v1.FixedLenFeature([8 * 8 * 5], tf.float32),
            "center": v1.FixedLenFeature([2], tf.float32),
        },
    )
    raw = tf.reshape(tf.cast(tf.io.decode_raw(f["image"], tf.uint8), tf.float32), [64, 64, 3])
    _batch_x, _batch_c, _batch_y = v1.train.shuffle_batch(
        [raw / 255.0 - 0.5, f["center"], tf.reshape(f["heatmaps"], [8, 8, 5])],
        batch_size=4,
        capacity=60,
        min_after_dequeue=30,
    )

    input_placeholder = v1.placeholder(dtype=tf.float32, shape=(None, 64, 64, 3), name="input_placeholder")
    cmap_placeholder = v1.placeholder(dtype=tf.float32, shape=(None, 64, 64, 1), name="cmap_placeholder")
    hmap_placeholder = v1.placeholder(dtype=tf.float32, shape=(None, 8, 8, 5), name="hmap_placeholder")

    def layer(x: Tensor, n: int, k: Any, name: str, act: Any = tf.nn.relu) -> Tensor:
        with v1.variable_scope(name):
            W = v1.get_variable("kernel", [k, k, x.shape[-1], n], initializer=v1.glorot_uniform_initializer())
            b = v1.get_variable("bias", [n], initializer=v1.zeros_initializer())
            o = tf.nn.bias_add(tf.nn.conv2d(x, W, [1, 1, 1, 1], "SAME"), b)
            return act(o) if act else o

    with v1.variable_scope("pooled_center_map"):
        center_map = v1.nn.avg_pool2d(cmap_placeholder, 9, 8, "SAME", name="center_map")
    with v1.variable_scope("sub_stages"):
        s = layer(input_placeholder, 4, 3, "sub_conv1")
        s = tf.nn.max_pool2d(s, 2, 2, "VALID", name="sub_pool1")
        s = layer(s, 6, 3, "sub_conv3")
        s = tf.nn.max_pool2d(s, 2, 2, "VALID", name="sub_pool2")
        s = layer(s, 8, 3, "sub_conv5")
        s = tf.nn.max_pool2d(s, 2, 2, "VALID", name="sub_pool3")
        feat = layer(s, 8, 3, "sub_conv9")
    heat = []
    with v1.variable_scope("stage_1"):
        c = layer(feat, 12, 1, "conv1")
        heat.append(layer(c, 5, 1, "stage_heatmap", None))
    for st in (2, 3):
        with v1.variable_scope(f"stage_{st}"):
            c = tf.concat([heat[-1], feat, center_map], axis=3)
            for i in range(1, 4):
                c = layer(c, 8, 7 if i < 3 else 1, f"mid_conv{i}")
            heat.append(layer(c, 5, 1, "mid_conv7", None))
    stage_loss = [0.0] * 3
    total_loss = 0.0
    for st in range(3):
        with v1.variable_scope("stage" + str(st + 1) + "_loss"):
            stage_loss[st] = tf.nn.l2_loss(heat[st] - hmap_placeholder, name="l2_loss") / 4.0
        v1.summary.scalar("stage" + str(st + 1) + "_loss", stage_loss[st])
    with v1.variable_scope("total_loss"):
        for st in range(3):
            total_loss += stage_loss[st]
        v1.summary.scalar("total loss", total_loss)
    with v1.variable_scope("train"):
        global_step = v1.train.get_or_create_global_step()
        lr = v1.train.exponential_decay(1e-3, global_step=global_step, decay_rate=0.5, decay_steps=10000)
        v1.summary.scalar("learning rate", lr)
        opt = v1.train.AdamOptimizer(learning_rate=lr)
        gv = opt.compute_gradients(total_loss)
        for g, v in gv:
            v1.summary.histogram(v.op.name + "/gradients", g)
        opt.apply_gradients(gv, global_step=global_step)
    v1.summary.merge_all()
    return [input_placeholder, cmap_placeholder], [heat[-1]]


@case("face")
def arcface_tensorlayer_train_and_test_nets() -> Truth:
    """Like InsightFace_TF (tensorlayer).

    The batches of a record iterator are fed by hand; verification runs the second net's embeddings.
    """
    images = v1.placeholder(name="img_inputs", shape=[None, 56, 56, 3], dtype=tf.float32)
    labels = v1.placeholder(name="img_labels", shape=[None], dtype=tf.int64)
    dropout_rate = v1.placeholder(name="dropout_rate", dtype=tf.float32)

    def parse_function(example: Tensor) -> tuple[Tensor, Tensor]:
        f = v1.parse_single_example(
            example,
            {"image_raw": v1.FixedLenFeature([], tf.string), "label": v1.FixedLenFeature([], tf.int64)},
        )
        im = tf.reshape(tf.image.decode_jpeg(f["image_raw"]), [56, 56, 3])
        im = (tf.cast(im, tf.float32) - 127.5) * 0.0078125
        return tf.image.random_flip_left_right(im), f["label"]

    ds = v1.data.TFRecordDataset("tran.tfrecords").map(parse_function).shuffle(1000).batch(16)
    it = v1.data.make_initializable_iterator(ds)
    it.get_next()
    w_init = v1.variance_scaling_initializer(2.0, "fan_out")

    def bn(x: Tensor, name: str, is_train: Tensor, act: Any = None) -> Tensor:
        with v1.variable_scope(name):
            shp = [int(x.shape[-1])]
            beta = v1.get_variable("beta", shp, initializer=v1.zeros_initializer())
            gamma = v1.get_variable("gamma", shp, initializer=v1.ones_initializer())
            mm = v1.get_variable("moving_mean", shp, initializer=v1.zeros_initializer(), trainable=False)
            mv = v1.get_variable("moving_variance", shp, initializer=v1.ones_initializer(), trainable=False)
            if is_train:
                mean, var = tf.nn.moments(x, list(range(len(x.shape) - 1)))
                with tf.control_dependencies(
                    [v1.assign(mm, mm * 0.9 + mean * 0.1), v1.assign(mv, mv * 0.9 + var * 0.1)]
                ):
                    mean, var = tf.identity(mean), tf.identity(var)
            else:
                mean, var = mm, mv
            y = tf.nn.batch_normalization(x, mean, var, beta, gamma, 2e-5)
            return act(y) if act else y

    def cv(x: Tensor, n: int, k: int, s: int, name: str) -> Tensor:
        with v1.variable_scope(name):
            return tf.nn.conv2d(
                x, v1.get_variable("W_conv2d", [k, k, int(x.shape[-1]), n], initializer=w_init), s, "SAME"
            )

    def prelu(x: Tensor, name: str) -> Tensor:
        with v1.variable_scope(name):
            al = v1.get_variable("alphas", [int(x.shape[-1])], initializer=v1.constant_initializer(0.25))
            return tf.nn.relu(x) + al * (x - tf.abs(x)) * 0.5

    def get_resnet(x: Tensor, is_train: bool, reuse: bool | None) -> Tensor:
        with v1.variable_scope("resnet_v1_50", reuse=reuse):
            x = prelu(bn(cv(x, 4, 3, 1, "conv1"), "bn0", is_train), "prelu0")
            for i, f in enumerate((4, 8)):
                with v1.variable_scope(f"block{i + 1}/unit_1/bottleneck_v1"):
                    sc = bn(cv(x, f, 1, 2, "shortcut_conv"), "shortcut_bn/BatchNorm", is_train)
                    y = bn(x, "conv1_bn1", is_train)
                    y = prelu(bn(cv(y, f, 3, 1, "conv1"), "conv1_bn2", is_train), "prelu")
                    y = bn(cv(y, f, 3, 2, "conv2"), "conv2_bn/BatchNorm", is_train)
                    se = tf.reduce_mean(y, [1, 2], keepdims=True)
                    se = tf.sigmoid(cv(prelu(cv(se, 2, 1, 1, "se_fc1"), "se_p"), f, 1, 1, "se_fc2"))
                    x = y * se + sc
            x = bn(x, "E_BN1", is_train)
            x = tf.nn.dropout(x, rate=1.0 - dropout_rate)
            x = tf.reshape(x, [-1, 14 * 14 * 8])
            with v1.variable_scope("E_DenseLayer"):
                x = tf.matmul(
                    x, v1.get_variable("W", [14 * 14 * 8, 16], initializer=w_init)
                ) + v1.get_variable("b", [16])
            return bn(x, "E_BN2", is_train)

    net = get_resnet(images, True, None)
    with v1.variable_scope("arcface_loss"):
        cos_m, sin_m, s = np.cos(0.5), np.sin(0.5), 64.0
        emb = tf.divide(net, tf.norm(net, axis=1, keepdims=True), name="norm_embedding")
        weights = v1.get_variable("embedding_weights", [16, 20], initializer=w_init)
        weights = tf.divide(weights, tf.norm(weights, axis=0, keepdims=True), name="norm_weights")
        cos_t = tf.matmul(emb, weights, name="cos_t")
        sin_t = tf.sqrt(tf.maximum(1.0 - tf.square(cos_t), 1e-6), name="sin_t")
        cos_mt = s * (cos_t * cos_m - sin_t * sin_m)
        cond = tf.cast(tf.nn.relu(cos_t - np.cos(np.pi - 0.5).astype(np.float32)), tf.bool)
        cos_mt = tf.where(cond, cos_mt, s * (cos_t - sin_m * 0.5))
        mask = tf.one_hot(labels, 20, name="one_hot_mask")
        logit = tf.add(s * cos_t * (1.0 - mask), cos_mt * mask, name="arcface_loss_output")
    inference_loss = tf.reduce_mean(
        tf.nn.sparse_softmax_cross_entropy_with_logits(logits=logit, labels=labels)
    )
    wd_loss = 0
    for v in v1.trainable_variables():
        if "W_conv2d" in v.name or v.name.endswith("/W:0") or "embedding_weights" in v.name:
            wd_loss += 5e-4 * tf.nn.l2_loss(v)
    total_loss = inference_loss + wd_loss
    test_net = get_resnet(images, False, True)
    embedding_tensor = test_net
    gs = v1.Variable(0, name="global_step", trainable=False)
    lr = v1.train.piecewise_constant(
        gs, boundaries=[40, 60], values=[0.001, 0.0005, 0.0003], name="lr_schedule"
    )
    opt = v1.train.MomentumOptimizer(learning_rate=lr, momentum=0.9)
    grads = opt.compute_gradients(total_loss)
    with tf.control_dependencies(v1.get_collection(v1.GraphKeys.UPDATE_OPS)):
        opt.apply_gradients(grads, global_step=gs)
    acc = tf.reduce_mean(tf.cast(tf.equal(tf.argmax(tf.nn.softmax(logit), axis=1), labels), tf.float32))
    for g, v in grads:
        v1.summary.histogram(v.op.name + "/gradients", g)
    for nm, t in (
        ("inference_loss", inference_loss),
        ("wd_loss", wd_loss),
        ("total_loss", total_loss),
        ("leraning_rate", lr),
        ("acc", acc),
    ):
        v1.summary.scalar(nm, t)
    v1.summary.merge_all()
    return [images], [embedding_tensor]


@case("reidentification", modern=True)
def triplet_reid_pk_batches_dataset() -> Truth:
    """Like triplet-reid.

    PK batches from a dataset, batch-hard soft-margin loss; embed.py evaluates endpoints['emb'] on its images.
    """
    pids_all = np.array(["0001", "0002", "0003", "0004"])
    unique = v1.data.Dataset.from_tensor_slices(pids_all).shuffle(4).repeat(None)

    def sample_k(pid: Tensor) -> tuple[Tensor, Tensor]:
        fids = tf.random.shuffle(tf.constant(["a.jpg", "b.jpg", "c.jpg"]))[:2]
        return fids, tf.fill([2], pid)

    def to_image(fid: Tensor, pid: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        im = tf.image.decode_jpeg(tf.io.read_file(tf.strings.join(["/data/market/", fid])), channels=3)
        im = tf.image.resize(im, [72, 36])
        im = tf.image.random_flip_left_right(tf.image.random_crop(im, [64, 32, 3]))
        return im, fid, pid

    ds = unique.map(sample_k).unbatch().map(to_image).batch(8).prefetch(1)
    images, _fids, pids = v1.data.make_one_shot_iterator(ds).get_next()
    endpoints = {}

    def conv_bn(x: Tensor, f: int, k: int, s: int, scope: str, act: bool = True) -> Tensor:
        with v1.variable_scope(scope):
            w = v1.get_variable("weights", [k, k, int(x.shape[-1]), f])
            x = tf.nn.conv2d(x, w, s, "SAME")
            with v1.variable_scope("BatchNorm"):
                g = v1.get_variable("gamma", [f], initializer=v1.ones_initializer())
                b = v1.get_variable("beta", [f], initializer=v1.zeros_initializer())
                mm = v1.get_variable("moving_mean", [f], initializer=v1.zeros_initializer(), trainable=False)
                mv = v1.get_variable(
                    "moving_variance", [f], initializer=v1.ones_initializer(), trainable=False
                )
                x, m, v = v1.nn.fused_batch_norm(x, g, b, is_training=True)
                v1.add_to_collection(v1.GraphKeys.UPDATE_OPS, mm.assign(0.9 * mm + 0.1 * m))
                v1.add_to_collection(v1.GraphKeys.UPDATE_OPS, mv.assign(0.9 * mv + 0.1 * v))
            return tf.nn.relu(x) if act else x

    with v1.name_scope("model"):
        mean = tf.constant([123.68, 116.779, 103.939], dtype=tf.float32, shape=(1, 1, 1, 3))
        with v1.variable_scope("resnet_v1_50"):
            x = conv_bn(images - mean, 4, 7, 2, "conv1")
            x = tf.nn.max_pool2d(x, 3, 2, "SAME")
            for i, f in enumerate((8, 12)):
                sc = conv_bn(x, f, 1, 2, f"block{i + 1}/unit_1/shortcut", False)
                y = conv_bn(
                    conv_bn(x, f // 2, 3, 2, f"block{i + 1}/unit_1/conv1"),
                    f,
                    3,
                    1,
                    f"block{i + 1}/unit_1/conv2",
                    False,
                )
                x = tf.nn.relu(sc + y)
            endpoints["model_output"] = endpoints["global_pool"] = tf.reduce_mean(
                x, [1, 2], name="global_pool"
            )
    with v1.name_scope("head"):
        w = v1.get_variable("fc1/weights", [12, 16])
        h = tf.matmul(endpoints["model_output"], w)
        m, v = tf.nn.moments(h, [0])
        h = tf.nn.relu(
            tf.nn.batch_normalization(
                h,
                m,
                v,
                v1.get_variable("fc1/BatchNorm/beta", [16], initializer=v1.zeros_initializer()),
                None,
                1e-3,
            )
        )
        w2 = v1.get_variable("emb/weights", [16, 8], initializer=v1.orthogonal_initializer())
        b2 = v1.get_variable("emb/biases", [8], initializer=v1.zeros_initializer())
        endpoints["emb"] = endpoints["emb_raw"] = tf.nn.bias_add(tf.matmul(h, w2), b2, name="emb")
    diffs = tf.expand_dims(endpoints["emb"], 1) - tf.expand_dims(endpoints["emb"], 0)
    dists = tf.sqrt(tf.reduce_sum(tf.square(diffs), -1) + 1e-12)
    with v1.name_scope("batch_hard"):
        same = tf.equal(tf.expand_dims(pids, 1), tf.expand_dims(pids, 0))
        pos = tf.math.logical_xor(same, tf.eye(tf.shape(pids)[0], dtype=tf.bool))
        furthest = tf.reduce_max(dists * tf.cast(pos, tf.float32), axis=1)
        closest = tf.map_fn(
            lambda z: tf.reduce_min(tf.boolean_mask(z[0], z[1])), (dists, tf.logical_not(same)), tf.float32
        )
        losses = tf.nn.softplus(furthest - closest)
        _, top = tf.nn.top_k(-dists, k=2)
        hit = tf.reduce_any(tf.gather_nd(same, tf.stack([tf.range(tf.shape(top)[0]), top[:, 1]], 1)), axis=0)
        prec = tf.reduce_mean(tf.cast(hit, tf.float32))
    num_active = tf.reduce_sum(tf.cast(tf.greater(losses, 1e-5), tf.float32))
    loss_mean = tf.reduce_mean(losses)
    reg = tf.add_n([1e-4 * tf.nn.l2_loss(q) for q in v1.trainable_variables() if "weights" in q.name])
    total = loss_mean + reg
    for nm, t in (
        ("loss", loss_mean),
        ("batch_top1", prec),
        ("num_active", num_active),
        ("embedding_pos_dist", tf.reduce_mean(furthest)),
    ):
        v1.summary.scalar(nm, t)
    v1.summary.histogram("loss_distribution", losses)
    v1.summary.histogram("embedding_dists", dists)
    v1.summary.histogram("embedding_lengths", tf.norm(endpoints["emb_raw"], axis=1))
    gstep = v1.Variable(0, name="global_step", trainable=False)
    lr = v1.train.exponential_decay(3e-4, tf.maximum(0, gstep - 15000), 10000, 0.001)
    v1.summary.scalar("learning_rate", lr)
    with tf.control_dependencies(v1.get_collection(v1.GraphKeys.UPDATE_OPS)):
        v1.train.AdamOptimizer(lr, epsilon=1e-3).minimize(total, global_step=gstep)
    v1.summary.merge_all()
    return [images], [endpoints["emb"]]


@case("superresolution", plain=True)
def lapsrn_two_levels_charbonnier() -> Truth:
    """LapSRN with home-made ops.

    Y channel in, both levels trained; test.py upsamples and takes the picture of the last level.
    """
    I_lr = v1.placeholder(tf.float32, [None, None, None, 1])
    gt_2 = v1.placeholder(tf.float32, [None, None, None, 1])
    gt_4 = v1.placeholder(tf.float32, [None, None, None, 1])
    rate = v1.placeholder(tf.float32, [])

    def leaky(x: Tensor) -> Tensor:
        return tf.maximum(0.2 * x, x)

    def conv2d(x: Tensor, shape: list[int], name: str, reuse: bool | None = False) -> Tensor:
        with v1.variable_scope(name, reuse=reuse):
            w = v1.get_variable("w", shape, initializer=v1.truncated_normal_initializer(stddev=0.05))
            b = v1.get_variable("b", [shape[-1]], initializer=v1.constant_initializer(0.0))
            return tf.nn.conv2d(x, w, [1, 1, 1, 1], "SAME") + b

    def bilinear(c: int) -> Tensor:
        k = np.zeros([4, 4, c, c], np.float32)
        f = np.outer([0.25, 0.75, 0.75, 0.25], [0.25, 0.75, 0.75, 0.25])
        for i in range(c):
            k[:, :, i, i] = f
        return k

    def up2(x: Tensor, c: int, name: str, reuse: bool | None = False) -> Tensor:
        with v1.variable_scope(name, reuse=reuse):
            w = v1.get_variable("w", [4, 4, c, c], initializer=v1.constant_initializer(bilinear(c)))
            s = tf.shape(x)
            y = tf.nn.conv2d_transpose(x, w, tf.stack([s[0], s[1] * 2, s[2] * 2, c]), [1, 2, 2, 1], "SAME")
            return tf.reshape(y, tf.stack([s[0], s[1] * 2, s[2] * 2, c]))

    def level(feat: Tensor, pic: Tensor, reuse: bool | None) -> tuple[Tensor, Tensor]:
        with v1.variable_scope("embed"):
            f0 = feat
            for r in range(2):
                x = feat
                for d in range(3):
                    x = conv2d(leaky(x), [3, 3, 6, 6], f"conv{d}", reuse or r > 0)
                feat = x + f0
            feat = up2(leaky(feat), 6, "up", reuse)
            feat.set_shape([None, None, None, 6])
        with v1.variable_scope("reconstruct"):
            res = conv2d(feat, [3, 3, 6, 1], "res", reuse)
            base = up2(pic, 1, "img_up", reuse)
            return feat, base + res

    f = leaky(conv2d(I_lr, [3, 3, 1, 6], "head"))
    f, out2 = level(f, I_lr, False)
    f, out4 = level(f, out2, True)
    loss2 = tf.reduce_mean(tf.sqrt(tf.square(gt_2 - out2) + 1e-6))
    loss4 = tf.reduce_mean(tf.sqrt(tf.square(gt_4 - out4) + 1e-6))
    loss = (
        loss2
        + loss4
        + 1e-4 * tf.add_n([tf.nn.l2_loss(v) for v in v1.trainable_variables() if v.name.endswith("w:0")])
    )
    psnr2 = tf.reduce_mean(tf.image.psnr(tf.clip_by_value(out2, 0, 1), gt_2, 1.0))
    psnr4 = tf.reduce_mean(tf.image.psnr(tf.clip_by_value(out4, 0, 1), gt_4, 1.0))
    v1.summary.scalar("loss_x2", loss2)
    v1.summary.scalar("loss_x4", loss4)
    v1.summary.scalar("psnr_x2", psnr2)
    v1.summary.scalar("psnr_x4", psnr4)
    v1.summary.image("sr", tf.clip_by_value(out4, 0, 1), 2)
    count = v1.Variable(0, trainable=False)
    opt = v1.train.AdamOptimizer(rate)
    gr, vs = zip(*opt.compute_gradients(loss), strict=True)
    gr, _ = tf.clip_by_global_norm(gr, 1.0)
    opt.apply_gradients(zip(gr, vs, strict=True), count)
    v1.summary.merge_all()
    v1.global_variables_initializer()
    return [I_lr], [out4]


@case("denoising")
def ffdnet_noise_level_map_unshuffle() -> Truth:
    """FFDNet as a class of a student.

    Noisy colour picture and its sigma go in; test.py takes the denoised picture of the averaged weights' net.
    """
    with v1.name_scope("inputs"):
        noisy = v1.placeholder(tf.float32, [None, None, None, 3])
        clean = v1.placeholder(tf.float32, [None, None, None, 3])
        sigma = v1.placeholder(tf.float32, [None])
        isT = v1.placeholder_with_default(False, [], name="isT")

    def make_patch(path: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        im = tf.cast(tf.image.decode_png(tf.io.read_file(path), channels=3), tf.float32) / 255.0
        c = tf.image.random_crop(im, [50, 50, 3])
        s = v1.random_uniform([], 0.0, 75.0 / 255.0)
        return c, c + s * v1.random_normal([50, 50, 3]), s

    data = (
        v1.data.Dataset.list_files("/data/WaterlooED/*.png", shuffle=True).map(make_patch).repeat().batch(16)
    )
    v1.data.make_initializable_iterator(data).get_next("next_patches")
    upd = []

    def layer(x: Tensor, i: int, out: int, normed: bool = True, act: bool = True) -> Tensor:
        with v1.variable_scope(f"layer{i}"):
            w = v1.get_variable(
                "conv/kernel", [3, 3, int(x.shape[3]), out], initializer=v1.orthogonal_initializer()
            )
            h = tf.nn.conv2d(x, w, 1, "SAME")
            if normed:
                g = v1.get_variable("bn/gamma", [out], initializer=v1.ones_initializer())
                b = v1.get_variable("bn/beta", [out], initializer=v1.zeros_initializer())
                m = v1.get_variable(
                    "bn/moving_mean", [out], initializer=v1.zeros_initializer(), trainable=False
                )
                v = v1.get_variable(
                    "bn/moving_variance", [out], initializer=v1.ones_initializer(), trainable=False
                )

                def train() -> tuple[Tensor, Tensor, Tensor]:
                    y, bm, bv = v1.nn.fused_batch_norm(h, g, b, is_training=True)
                    return y, bm, bv

                def test() -> tuple[Tensor, Tensor, Tensor]:
                    y, _, _ = v1.nn.fused_batch_norm(h, g, b, m, v, is_training=False)
                    return y, tf.identity(m), tf.identity(v)

                h, bm, bv = tf.cond(isT, train, test)
                upd.extend([v1.assign_sub(m, (m - bm) * 0.01), v1.assign_sub(v, (v - bv) * 0.01)])
            else:
                h = h + v1.get_variable("conv/bias", [out], initializer=v1.zeros_initializer())
            return tf.nn.relu(h) if act else h

    with v1.variable_scope("FFDNet"):
        low = tf.nn.space_to_depth(noisy, 2)
        shp = tf.shape(low)
        smap = tf.reshape(sigma, [-1, 1, 1, 1]) * tf.ones(tf.stack([shp[0], shp[1], shp[2], 1]))
        h = tf.concat([smap, low], axis=3)
        h = layer(h, 1, 8, False)
        for i in range(2, 5):
            h = layer(h, i, 8)
        h = layer(h, 5, 12, False, False)
        denoised = tf.nn.depth_to_space(h, 2)
    mse = tf.reduce_sum(tf.square(denoised - clean)) / (2.0 * tf.cast(tf.shape(noisy)[0], tf.float32))
    ortho = []
    for v in v1.trainable_variables():
        if "kernel" in v.name:
            m2 = tf.reshape(v, [-1, int(v.shape[-1])])
            ortho.append(
                tf.reduce_sum(tf.square(tf.matmul(m2, m2, transpose_a=True) - tf.eye(int(v.shape[-1]))))
            )
    loss = mse + 1e-4 * tf.add_n(ortho)
    psnr = tf.reduce_mean(tf.image.psnr(tf.clip_by_value(denoised, 0, 1), clean, max_val=1.0))
    ss = tf.reduce_mean(tf.image.ssim(tf.clip_by_value(denoised, 0, 1), clean, max_val=1.0))
    gs = v1.train.get_or_create_global_step()
    lr = tf.where(gs < 50000, 1e-3, 1e-4)
    with tf.control_dependencies(upd):
        step = v1.train.AdamOptimizer(lr).minimize(loss, global_step=gs)
    avg = v1.train.ExponentialMovingAverage(0.999, gs)
    with tf.control_dependencies([step]):
        avg.apply(v1.trainable_variables())
    for k, t in {"mse": mse, "loss": loss, "PSNR": psnr, "SSIM": ss, "lr": lr}.items():
        v1.summary.scalar(k, t)
    v1.summary.image("triple", tf.concat([noisy, denoised, clean], 2), 3)
    v1.summary.merge_all()
    return [noisy, sigma], [denoised]


@case("inpainting")
def gated_convolution_free_form_server_graph() -> Truth:
    """Like generative_inpainting v2 (neuralgym).

    Queue of pictures, random masks, SN-PatchGAN; test.py builds the server graph on picture and mask side by
    side.
    """
    feed = v1.placeholder(tf.float32, [None, 32, 32, 3], name="data_feed")
    q = v1.FIFOQueue(128, tf.float32, shapes=[[32, 32, 3]])
    v1.train.add_queue_runner(v1.train.QueueRunner(q, [q.enqueue_many(feed)] * 2))
    batch_data = q.dequeue_many(4)

    def gen_conv(
        x: Tensor, cnum: int, k: int, s: int = 1, rate: int = 1, name: str = "conv", act: Any = tf.nn.elu
    ) -> Tensor:
        with v1.variable_scope(name):
            w = v1.get_variable("kernel", [k, k, int(x.shape[-1]), cnum])
            b = v1.get_variable("bias", [cnum], initializer=v1.zeros_initializer())
            y = tf.nn.conv2d(x, w, s, "SAME", dilations=rate) + b
            if cnum == 3 or act is None:
                return y
            y, g = tf.split(y, 2, 3)
            return act(y) * tf.nn.sigmoid(g)

    def deconv(x: Tensor, cnum: int, name: str) -> Tensor:
        with v1.variable_scope(name):
            x = v1.image.resize_nearest_neighbor(x, [int(x.shape[1]) * 2, int(x.shape[2]) * 2])
            return gen_conv(x, cnum, 3, name=name + "_conv")

    def attention(f: Tensor, mask: Tensor) -> Tensor:
        tf.shape(f)[0]
        h, w, c = f.shape.as_list()[1:]
        flat = tf.reshape(f, [-1, h * w, c])
        nrm = flat / tf.maximum(tf.sqrt(tf.reduce_sum(tf.square(flat), 2, keepdims=True)), 1e-4)
        sim = tf.matmul(nrm, nrm, transpose_b=True)
        mm = tf.reshape(v1.image.resize_nearest_neighbor(mask, [h, w]), [-1, 1, h * w])
        sim = tf.nn.softmax(sim * 10.0 * (1.0 - mm), 2) * (1.0 - mm)
        return tf.reshape(tf.matmul(sim, flat), [-1, h, w, c])

    def inpaint_net(
        x: Tensor, mask: Tensor, reuse: bool = False, name: str = "inpaint_net"
    ) -> tuple[Tensor, Tensor]:
        xin = x
        ones = tf.ones_like(x)[:, :, :, 0:1]
        x = tf.concat([x, ones, ones * mask], axis=3)
        with v1.variable_scope(name, reuse=reuse):
            x = gen_conv(x, 8, 5, name="conv1")
            x = gen_conv(x, 12, 3, 2, name="conv2_downsample")
            x = gen_conv(x, 12, 3, rate=2, name="conv7_atrous")
            x = deconv(x, 8, "conv13_upsample")
            x1 = tf.nn.tanh(gen_conv(x, 3, 3, act=None, name="conv17"))
            x = x1 * mask + xin[:, :, :, 0:3] * (1.0 - mask)
            now = tf.concat([x, ones, ones * mask], axis=3)
            hallu = gen_conv(gen_conv(now, 8, 5, name="xconv1"), 12, 3, 2, name="xconv2_downsample")
            hallu = gen_conv(hallu, 12, 3, rate=2, name="xconv7_atrous")
            pm = gen_conv(gen_conv(now, 8, 5, name="pmconv1"), 12, 3, 2, name="pmconv2_downsample")
            pm = attention(pm, mask)
            pm = gen_conv(pm, 12, 3, name="pmconv9")
            x = deconv(tf.concat([hallu, pm], 3), 8, "allconv13_upsample")
            x2 = tf.nn.tanh(gen_conv(x, 3, 3, act=None, name="allconv17"))
        return x1, x2

    def sn_conv(x: Tensor, f: int, name: str) -> Tensor:
        with v1.variable_scope(name):
            w = v1.get_variable("kernel", [5, 5, int(x.shape[-1]), f])
            u = v1.get_variable("u", [1, f], initializer=v1.truncated_normal_initializer(), trainable=False)
            m = tf.reshape(w, [-1, f])
            vv = tf.nn.l2_normalize(tf.matmul(u, m, transpose_b=True))
            uu = tf.nn.l2_normalize(tf.matmul(vv, m))
            sg = tf.matmul(tf.matmul(vv, m), uu, transpose_b=True)
            if not v1.get_variable_scope().reuse:
                v1.add_to_collection(v1.GraphKeys.UPDATE_OPS, u.assign(uu))
            return tf.nn.leaky_relu(tf.nn.conv2d(x, w / sg[0, 0], 2, "SAME"))

    def discriminator(x: Tensor, reuse: bool | None = False) -> Tensor:
        with v1.variable_scope("discriminator/sn_patch_gan", reuse=reuse):
            for i, f in enumerate((6, 8, 8)):
                x = sn_conv(x, f, f"conv{i + 1}")
            return tf.reshape(x, [-1, 4 * 4 * 8])

    batch_pos = batch_data / 127.5 - 1.0
    top = v1.random_uniform([], 0, 16, dtype=tf.int32)
    lef = v1.random_uniform([], 0, 16, dtype=tf.int32)
    regular = v1.py_func(
        lambda y, x: np.pad(np.ones([1, 16, 16, 1], np.float32), [[0, 0], [y, 16 - y], [x, 16 - x], [0, 0]]),
        [top, lef],
        tf.float32,
        stateful=False,
    )
    irregular = v1.py_func(
        lambda: (np.random.rand(1, 32, 32, 1) > 0.7).astype(np.float32), [], tf.float32, stateful=True
    )
    mask = tf.cast(tf.logical_or(tf.cast(irregular, tf.bool), tf.cast(regular, tf.bool)), tf.float32)
    mask.set_shape([1, 32, 32, 1])
    incomplete = batch_pos * (1.0 - mask)
    x1, x2 = inpaint_net(incomplete, mask)
    complete = x2 * mask + incomplete * (1.0 - mask)
    ae = tf.reduce_mean(tf.abs(batch_pos - x1)) + tf.reduce_mean(tf.abs(batch_pos - x2))
    v1.summary.scalar("losses/ae_loss", ae)
    v1.summary.image("raw_incomplete_complete", tf.concat([batch_pos, incomplete, complete], axis=2), 4)
    pos_neg = tf.concat([tf.concat([batch_pos, complete], 0), tf.tile(mask, [8, 1, 1, 1])], 3)
    pos, neg = tf.split(discriminator(pos_neg), 2)
    d_loss = 0.5 * (tf.reduce_mean(tf.nn.relu(1 - pos)) + tf.reduce_mean(tf.nn.relu(1 + neg)))
    g_loss = -tf.reduce_mean(neg) + ae
    v1.summary.scalar("gan_hinge_loss/d", d_loss)
    g_vars = v1.get_collection(v1.GraphKeys.TRAINABLE_VARIABLES, "inpaint_net")
    d_vars = v1.get_collection(v1.GraphKeys.TRAINABLE_VARIABLES, "discriminator")
    lr = v1.get_variable("lr", shape=[], trainable=False, initializer=v1.constant_initializer(1e-4))
    g_opt = v1.train.AdamOptimizer(lr, beta1=0.5, beta2=0.999)
    with tf.control_dependencies(v1.get_collection(v1.GraphKeys.UPDATE_OPS)):
        g_opt.minimize(d_loss, var_list=d_vars)
    g_opt.minimize(g_loss, var_list=g_vars)
    # static validation picture, and the graph of test.py
    static = tf.constant(np.full([1, 32, 32, 3], 0.3, np.float32))
    _s1, s2 = inpaint_net(static * (1.0 - mask), mask, reuse=True)
    v1.summary.image("val/static_complete", s2 * mask + static * (1.0 - mask), 1)
    input_image_ph = v1.placeholder(tf.float32, shape=(1, 32, 64, 3))
    batch_raw, masks_raw = tf.split(input_image_ph, 2, axis=2)
    masks = tf.cast(masks_raw[0:1, :, :, 0:1] > 127.5, tf.float32)
    bp = batch_raw / 127.5 - 1.0
    binc = bp * (1.0 - masks)
    _, pr = inpaint_net(binc, masks, reuse=True)
    output = pr * masks + binc * (1 - masks)
    output = (output + 1.0) * 127.5
    output = tf.reverse(output, [-1])
    output = tf.saturate_cast(output, tf.uint8)
    v1.summary.merge_all()
    return [input_image_ph], [output]


@case("fewshot")
def relation_network_sonnet_modules() -> Truth:
    """Few-shot relation network in the style of sonnet modules.

    classify.py feeds the support pictures and the queries, and takes the predicted ways.
    """
    n_way, k_shot = 5, 2
    support = v1.placeholder(tf.float32, [n_way, k_shot, 28, 28, 1])
    query = v1.placeholder(tf.float32, [None, 28, 28, 1])
    query_way = v1.placeholder(tf.int32, [None])

    class Conv2D:
        def __init__(self, out: int, k: int, name: str) -> None:
            self.out, self.k, self.name, self.done = out, k, name, False

        def __call__(self, x: Tensor) -> Tensor:
            with v1.variable_scope(self.name, reuse=self.done):
                self.done = True
                w = v1.get_variable(
                    "w",
                    [self.k, self.k, int(x.shape[-1]), self.out],
                    initializer=v1.truncated_normal_initializer(stddev=0.1),
                )
                b = v1.get_variable("b", [self.out], initializer=v1.zeros_initializer())
                return tf.nn.convolution(x, w, padding="SAME") + b

    class Linear:
        def __init__(self, out: int, name: str) -> None:
            self.out, self.name = out, name

        def __call__(self, x: Tensor) -> Tensor:
            with v1.variable_scope(self.name):
                w = v1.get_variable("w", [int(x.shape[-1]), self.out])
                b = v1.get_variable("b", [self.out], initializer=v1.zeros_initializer())
                return tf.add(tf.matmul(x, w), b)

    class LayerNorm:
        def __init__(self, name: str) -> None:
            self.name, self.done = name, False

        def __call__(self, x: Tensor) -> Tensor:
            with v1.variable_scope(self.name, reuse=self.done):
                self.done = True
                g = v1.get_variable("gamma", [int(x.shape[-1])], initializer=v1.ones_initializer())
                b = v1.get_variable("beta", [int(x.shape[-1])], initializer=v1.zeros_initializer())
                m, v = tf.nn.moments(x, [1, 2, 3], keepdims=True)
                return tf.nn.batch_normalization(x, m, v, b, g, 1e-5)

    with v1.variable_scope("relation_net"):
        blocks = [
            (Conv2D(8, 3, f"encoder/conv_2d_{i}"), LayerNorm(f"encoder/layer_norm_{i}")) for i in range(3)
        ]

        def encode(x: Tensor) -> Tensor:
            for i, (c, n) in enumerate(blocks):
                x = tf.nn.relu(n(c(x)))
                if i < 2:
                    x = tf.nn.max_pool2d(x, 2, 2, "VALID")
            return x

        # snt.BatchApply
        s = tf.reshape(encode(tf.reshape(support, [-1, 28, 28, 1])), [n_way, k_shot, 7, 7, 8])
        s = tf.reduce_sum(s, 1)
        qf = encode(query)
        nq = tf.shape(qf)[0]
        pairs = tf.concat(
            [
                tf.tile(tf.expand_dims(s, 0), [nq, 1, 1, 1, 1]),
                tf.tile(tf.expand_dims(qf, 1), [1, n_way, 1, 1, 1]),
            ],
            4,
        )
        h = tf.reshape(pairs, [-1, 7, 7, 16])
        for i in range(2):
            h = tf.nn.max_pool2d(
                tf.nn.relu(LayerNorm(f"relation/layer_norm_{i}")(Conv2D(8, 3, f"relation/conv_2d_{i}")(h))),
                2,
                2,
                "SAME",
            )
        h = tf.nn.relu(Linear(8, "relation/linear")(tf.reshape(h, [-1, 32])))
        relations = tf.reshape(tf.sigmoid(Linear(1, "relation/linear_1")(h)), [-1, n_way])
    prediction = tf.argmax(relations, axis=1, output_type=tf.int32)
    target = tf.one_hot(query_way, n_way)
    mse = tf.reduce_mean(v1.squared_difference(relations, target))
    acc = tf.reduce_mean(tf.cast(tf.equal(prediction, query_way), tf.float32))
    gs = v1.train.get_or_create_global_step()
    lr = v1.train.exponential_decay(1e-3, gs, 100000, 0.5, staircase=True)
    opt = v1.train.AdamOptimizer(lr)
    tv = v1.trainable_variables()
    gr, gn = tf.clip_by_global_norm(tf.gradients(mse, tv), 0.5)
    opt.apply_gradients(zip(gr, tv, strict=True), gs)
    v1.summary.scalar("train/mse", mse)
    v1.summary.scalar("train/acc", acc)
    v1.summary.scalar("train/grad_norm", gn)
    v1.summary.image("support", support[:, 0])
    v1.summary.merge_all()
    return [support, query], [prediction]


@case("translation", modern=True)
def munit_content_style_codes_edges() -> Truths:
    """Like MUNIT of taki0112.

    Domains from iterators; test feeds a picture and a style code, and takes the other domain's picture (one
    or both ways).
    """

    def image_processing(name: str) -> Tensor:
        x = tf.image.resize(tf.image.decode_jpeg(tf.io.read_file(name), channels=3), [32, 32])
        return tf.image.random_flip_left_right(tf.cast(x, tf.float32) / 127.5 - 1)

    def domain(d: str) -> Tensor:
        files = v1.data.Dataset.list_files(f"./dataset/edges2shoes/{d}/*.*")
        return v1.data.make_one_shot_iterator(
            files.shuffle(10).repeat().map(image_processing).batch(1, drop_remainder=True)
        ).get_next()

    def conv(x: Tensor, c: int, k: int = 3, s: int = 1, scope: str = "conv_0") -> Tensor:
        with v1.variable_scope(scope):
            p = (k - 1) // 2
            x = tf.pad(x, [[0, 0], [p, p], [p, p], [0, 0]], "REFLECT")
            w = v1.get_variable(
                "kernel", [k, k, int(x.shape[-1]), c], initializer=v1.variance_scaling_initializer(2.0)
            )
            b = v1.get_variable("bias", [c], initializer=v1.zeros_initializer())
            return tf.nn.conv2d(x, w, s, "VALID") + b

    def dense(x: Tensor, n: int, scope: str) -> Tensor:
        with v1.variable_scope(scope):
            return tf.matmul(x, v1.get_variable("kernel", [int(x.shape[-1]), n])) + v1.get_variable(
                "bias", [n], initializer=v1.zeros_initializer()
            )

    def inorm(x: Tensor) -> Tensor:
        m, v = tf.nn.moments(x, [1, 2], keepdims=True)
        return (x - m) / tf.sqrt(v + 1e-5)

    def content_encoder(x: Tensor, scope: str, reuse: bool | None) -> Tensor:
        with v1.variable_scope(scope, reuse=reuse):
            x = tf.nn.relu(inorm(conv(x, 4, 7)))
            x = tf.nn.relu(inorm(conv(x, 8, 3, 2, "conv_1")))
            return x + inorm(conv(tf.nn.relu(inorm(conv(x, 8, scope="res1"))), 8, scope="res2"))

    def style_encoder(x: Tensor, scope: str, reuse: bool | None) -> Tensor:
        with v1.variable_scope(scope, reuse=reuse):
            x = tf.nn.relu(conv(x, 4, 7))
            x = tf.nn.relu(conv(x, 8, 3, 2, "conv_1"))
            x = tf.reduce_mean(x, [1, 2], keepdims=True)
            return conv(x, 4, 1, 1, "SE_logit")

    def generator(content: Tensor, style: Tensor, scope: str, reuse: bool | None) -> Tensor:
        with v1.variable_scope(scope, reuse=reuse):
            z = tf.nn.relu(dense(tf.reshape(style, [-1, 4]), 8, "MLP_0"))
            mu, var = dense(z, 8, "mu"), dense(z, 8, "var")
            x = conv(content, 8, scope="ada0")
            x = tf.nn.relu(inorm(x) * tf.reshape(var, [-1, 1, 1, 8]) + tf.reshape(mu, [-1, 1, 1, 8]))
            x = tf.image.resize(x + content, [32, 32], method="nearest")
            m, v = tf.nn.moments(x, [1, 2, 3], keepdims=True)
            x = tf.nn.relu(conv((x - m) / tf.sqrt(v + 1e-5), 4, 5, scope="up1"))
            return tf.tanh(conv(x, 3, 7, scope="G_logit"))

    def discriminator(x: Tensor, scope: str, reuse: bool | None) -> Tensor:
        out = []
        with v1.variable_scope(scope, reuse=reuse):
            for s in range(2):
                h = tf.nn.leaky_relu(conv(x, 4, 4, 2, f"ms_{s}/conv_0"), 0.2)
                out.append(conv(h, 1, 1, 1, f"ms_{s}/D_logit"))
                x = tf.nn.avg_pool2d(x, 3, 2, "SAME")
        return out

    def enc(x: Tensor, d: str, reuse: bool | None = False) -> tuple[Tensor, Tensor]:
        return content_encoder(x, "content_encoder_" + d, reuse), style_encoder(
            x, "style_encoder_" + d, reuse
        )

    def dec(c: Tensor, s: Tensor, d: str, reuse: bool | None = False) -> Tensor:
        return generator(c, s, "generator_" + d, reuse)

    lr = v1.placeholder(tf.float32, name="learning_rate")
    style_a = v1.placeholder(tf.float32, shape=[1, 1, 1, 4], name="style_a")
    style_b = v1.placeholder(tf.float32, shape=[1, 1, 1, 4], name="style_b")
    A, B = domain("trainA"), domain("trainB")
    ca, sa_ = enc(A, "A")
    cb, sb_ = enc(B, "B")
    x_aa, x_bb = dec(ca, sa_, "A"), dec(cb, sb_, "B")
    x_ba, x_ab = dec(cb, style_a, "A", True), dec(ca, style_b, "B", True)
    cb2, sa2 = enc(x_ba, "A", True)
    ca2, sb2 = enc(x_ab, "B", True)
    x_aba, x_bab = dec(ca2, sa_, "A", True), dec(cb2, sb_, "B", True)

    def l1(x: Tensor, y: Tensor) -> Tensor:
        return tf.reduce_mean(tf.abs(x - y))

    def lsq(xs: list[Tensor], t: float) -> Tensor:
        return tf.add_n([tf.reduce_mean(v1.squared_difference(x, t)) for x in xs])

    ra, rb = discriminator(A, "discriminator_A", False), discriminator(B, "discriminator_B", False)
    fa, fb = discriminator(x_ba, "discriminator_A", True), discriminator(x_ab, "discriminator_B", True)
    G_A = lsq(fa, 1.0) + 10 * l1(x_aa, A) + l1(sa2, style_a) + l1(ca2, ca) + 10 * l1(x_aba, A)
    G_B = lsq(fb, 1.0) + 10 * l1(x_bb, B) + l1(sb2, style_b) + l1(cb2, cb) + 10 * l1(x_bab, B)
    D_A, D_B = lsq(ra, 1.0) + lsq(fa, 0.0), lsq(rb, 1.0) + lsq(fb, 0.0)
    tv = v1.trainable_variables()
    reg = 1e-4 * tf.add_n([tf.nn.l2_loss(v) for v in tv if "kernel" in v.name])
    Gl, Dl = G_A + G_B + reg, D_A + D_B + reg
    v1.train.AdamOptimizer(lr, beta1=0.5, beta2=0.999).minimize(
        Gl, var_list=[v for v in tv if "discriminator" not in v.name]
    )
    v1.train.AdamOptimizer(lr, beta1=0.5, beta2=0.999).minimize(
        Dl, var_list=[v for v in tv if "discriminator" in v.name]
    )
    g_s = [v1.summary.scalar(n, t) for n, t in (("Generator_loss", Gl), ("G_A_loss", G_A), ("G_B_loss", G_B))]
    d_s = [
        v1.summary.scalar(n, t) for n, t in (("Discriminator_loss", Dl), ("D_A_loss", D_A), ("D_B_loss", D_B))
    ]
    v1.summary.merge(g_s)
    v1.summary.merge(d_s)
    # Test
    test_image = v1.placeholder(tf.float32, [1, 32, 32, 3], name="test_image")
    test_style = v1.placeholder(tf.float32, [1, 1, 1, 4], name="test_style")
    tca, _ = enc(test_image, "A", True)
    tcb, _ = enc(test_image, "B", True)
    test_fake_A = dec(tcb, test_style, "A", True)
    test_fake_B = dec(tca, test_style, "B", True)
    return [
        ([test_image, test_style], [test_fake_B]),
        ([test_image, test_style], [test_fake_A, test_fake_B]),
    ]


@case("video")
def c3d_ucf_towers_with_weight_decay() -> Truth:
    """Like C3D-tensorflow.

    Clips cut over two towers, two learning rates, averages of the weights; predict takes norm_score.
    """
    batch, gpus = 4, 2
    images_placeholder = v1.placeholder(tf.float32, shape=(batch * gpus, 8, 28, 28, 3))
    labels_placeholder = v1.placeholder(tf.int64, shape=(batch * gpus))

    def var(name: str, shape: list[int], wd: float) -> Tensor:
        with v1.device("/cpu:0"):
            v = v1.get_variable(name, shape, initializer=v1.glorot_uniform_initializer())
        if wd is not None:
            v1.add_to_collection("weightdecay_losses", tf.multiply(tf.nn.l2_loss(v), wd))
        return v

    with v1.variable_scope("var_name"):
        weights = {
            "wc1": var("wc1", [3, 3, 3, 3, 4], 0.0005),
            "wc2": var("wc2", [3, 3, 3, 4, 6], 0.0005),
            "wc3a": var("wc3a", [3, 3, 3, 6, 8], 0.0005),
            "wd1": var("wd1", [1 * 4 * 4 * 8, 16], 0.0005),
            "wd2": var("wd2", [16, 16], 0.0005),
            "out": var("wout", [16, 7], 0.0005),
        }
        biases = {
            k: var("b" + k[1:] if k != "out" else "bout", [int(w.shape[-1])], 0.0) for k, w in weights.items()
        }

    def inference_c3d(x: Tensor, dropout: Tensor) -> Tensor:
        def conv3d(n: str, t: Tensor, w: Tensor, b: Tensor) -> Tensor:
            return tf.nn.bias_add(tf.nn.conv3d(t, w, strides=[1, 1, 1, 1, 1], padding="SAME"), b)

        def pool(t: Tensor, k: int) -> Tensor:
            return tf.nn.max_pool3d(t, ksize=[1, k, 2, 2, 1], strides=[1, k, 2, 2, 1], padding="SAME")

        c = pool(tf.nn.relu(conv3d("conv1", x, weights["wc1"], biases["wc1"]), "relu1"), 1)
        c = pool(tf.nn.relu(conv3d("conv2", c, weights["wc2"], biases["wc2"]), "relu2"), 2)
        c = pool(tf.nn.relu(conv3d("conv3a", c, weights["wc3a"], biases["wc3a"]), "relu3a"), 4)
        c = tf.transpose(c, perm=[0, 1, 4, 2, 3])
        d = tf.reshape(c, [batch, 128])
        d = tf.nn.relu(tf.matmul(d, weights["wd1"]) + biases["wd1"], name="fc1")
        d = tf.nn.dropout(d, rate=1 - dropout)
        d = tf.nn.relu(tf.matmul(d, weights["wd2"]) + biases["wd2"], name="fc2")
        d = tf.nn.dropout(d, rate=1 - dropout)
        return tf.matmul(d, weights["out"]) + biases["out"]

    keep = v1.placeholder_with_default(1.0, [])
    global_step = v1.get_variable("global_step", [], initializer=v1.constant_initializer(0), trainable=False)
    opt_stable, opt_fine = v1.train.AdamOptimizer(1e-4), v1.train.AdamOptimizer(1e-3)
    logits, g1, g2 = [], [], []
    for i in range(gpus):
        with v1.device(f"/gpu:{i}"), v1.name_scope(f"dextro-research_{i}"):
            logit = inference_c3d(images_placeholder[i * batch : (i + 1) * batch, :, :, :, :], keep)
            ce = tf.reduce_mean(
                tf.nn.sparse_softmax_cross_entropy_with_logits(
                    labels=labels_placeholder[i * batch : (i + 1) * batch], logits=logit
                )
            )
            v1.summary.scalar("_cross_entropy", ce)
            wl = tf.add_n(v1.get_collection("weightdecay_losses"))
            total = ce + wl
            v1.summary.scalar("_total_loss", total)
            v1.add_to_collection("losses", total)
            fine = [weights["out"], biases["out"]]
            stable = [v for v in v1.trainable_variables() if all(v is not f for f in fine)]
            g1.append(opt_stable.compute_gradients(total, stable))
            g2.append(opt_fine.compute_gradients(total, fine))
            logits.append(logit)
    logits = tf.concat(logits, 0)
    norm_score = tf.nn.softmax(logits)
    accuracy = tf.reduce_mean(tf.cast(tf.equal(tf.argmax(logits, 1), labels_placeholder), tf.float32))
    v1.summary.scalar("accuracy", accuracy)

    def average_gradients(tower: Tensor) -> Tensor:
        out = []
        for gv in zip(*tower, strict=True):
            g = tf.reduce_mean(tf.concat([tf.expand_dims(t, 0) for t, _ in gv], 0), 0)
            out.append((g, gv[0][1]))
        return out

    a1 = opt_stable.apply_gradients(average_gradients(g1))
    a2 = opt_fine.apply_gradients(average_gradients(g2), global_step=global_step)
    variable_averages = v1.train.ExponentialMovingAverage(0.9999)
    tf.group(a1, a2, variable_averages.apply(v1.trainable_variables()))
    tf.group(a1, a2)
    v1.summary.merge_all()
    return [images_placeholder], [norm_score]


@case("pointcloud")
def dgcnn_part_segmentation_with_category() -> Truth:
    """Like the part_seg code of DGCNN.

    Points and the object's one-hot category are fed; test.py takes seg_pred and does the argmax itself.
    """
    n_pts, n_cat, n_part, bs = 32, 4, 9, 2
    pointclouds_ph = v1.placeholder(tf.float32, shape=(bs, n_pts, 3))
    v1.placeholder(tf.int32, shape=(bs))
    input_label_ph = v1.placeholder(tf.float32, shape=(bs, n_cat))
    seg_ph = v1.placeholder(tf.int32, shape=(bs, n_pts))
    is_training_ph = v1.placeholder(tf.bool, shape=())
    batch = v1.Variable(0, trainable=False)
    learning_rate = tf.maximum(
        v1.train.exponential_decay(0.003, batch * bs, 16881 * 20, 0.5, staircase=True), 1e-5
    )
    bn_momentum = v1.train.exponential_decay(0.5, batch * bs, 33762, 0.5, staircase=True)
    bn_decay = tf.minimum(0.99, 1 - bn_momentum)
    v1.summary.scalar("bn_decay", bn_decay)

    def batch_norm(x: Tensor, scope: str, axes: Tensor) -> Tensor:
        with v1.variable_scope(scope):
            c = int(x.shape[-1])
            beta = v1.get_variable("beta", [c], initializer=v1.zeros_initializer())
            gamma = v1.get_variable("gamma", [c], initializer=v1.ones_initializer())
            pm = v1.get_variable("pop_mean", [c], initializer=v1.zeros_initializer(), trainable=False)
            pv = v1.get_variable("pop_var", [c], initializer=v1.ones_initializer(), trainable=False)

            def train_bn_op() -> Tensor:
                m, v = tf.nn.moments(x, axes, name="moments")
                with tf.control_dependencies(
                    [
                        v1.assign(pm, pm * bn_decay + m * (1 - bn_decay)),
                        v1.assign(pv, pv * bn_decay + v * (1 - bn_decay)),
                    ]
                ):
                    return tf.nn.batch_normalization(x, m, v, beta, gamma, 1e-3)

            def test_bn_op() -> Tensor:
                return tf.nn.batch_normalization(x, pm, pv, beta, gamma, 1e-3)

            return tf.cond(is_training_ph, train_bn_op, test_bn_op)

    def conv2d(
        x: Tensor, f: int, k: int, scope: str, act: Any = tf.nn.relu, bn: bool = True, wd: float = 0.0
    ) -> Tensor:
        with v1.variable_scope(scope):
            with v1.device("/cpu:0"):
                w = v1.get_variable(
                    "weights", [1, k, int(x.shape[-1]), f], initializer=v1.glorot_uniform_initializer()
                )
                b = v1.get_variable("biases", [f], initializer=v1.constant_initializer(0.0))
            if wd:
                v1.add_to_collection("losses", tf.multiply(tf.nn.l2_loss(w), wd, name="weight_loss"))
            y = tf.nn.bias_add(tf.nn.conv2d(x, w, [1, 1, 1, 1], padding="VALID"), b)
            if bn:
                y = batch_norm(y, "bn", [0, 1, 2])
            return act(y) if act is not None else y

    def edge_feature(pc: Tensor, k: int) -> Tensor:
        pc = tf.reshape(pc, [bs, n_pts, -1]) if len(pc.shape) == 4 else pc
        d = int(pc.shape[-1]) if pc.shape[-1] is not None else 8
        inner = -2 * tf.matmul(pc, tf.transpose(pc, perm=[0, 2, 1]))
        sq = tf.reduce_sum(tf.square(pc), axis=-1, keepdims=True)
        _, nn_idx = tf.nn.top_k(-(sq + inner + tf.transpose(sq, perm=[0, 2, 1])), k=k)
        idx = tf.reshape(tf.range(bs) * n_pts, [bs, 1, 1])
        nb = tf.gather(tf.reshape(pc, [-1, d]), nn_idx + idx)
        center = tf.tile(tf.expand_dims(pc, axis=-2), [1, 1, k, 1])
        out = tf.concat([center, nb - center], axis=-1)
        out.set_shape([bs, n_pts, k, 2 * d])
        return out

    with v1.variable_scope("transform_net1"):
        t = conv2d(edge_feature(pointclouds_ph, 4), 6, 1, "tconv1")
        t = tf.reduce_max(t, axis=[1, 2])
        w = v1.get_variable("transform_XYZ/weights", [6, 9], initializer=v1.constant_initializer(0.0))
        b = v1.get_variable("transform_XYZ/biases", [9], initializer=v1.constant_initializer(0.0))
        transform = tf.reshape(tf.matmul(t, w) + b + tf.constant(np.eye(3).flatten(), tf.float32), [bs, 3, 3])
    pct = tf.matmul(pointclouds_ph, transform)
    net = conv2d(edge_feature(pct, 4), 8, 1, "adj_conv1")
    net1 = tf.reduce_max(net, axis=-2, keepdims=True)
    net = conv2d(edge_feature(tf.reshape(net1, [bs, n_pts, 8]), 4), 8, 1, "adj_conv3")
    net2 = tf.reduce_max(net, axis=-2, keepdims=True)
    out7 = conv2d(tf.concat([net1, net2], axis=-1), 16, 1, "adj_conv7")
    out_max = tf.nn.max_pool2d(out7, [n_pts, 1], 1, padding="VALID", name="maxpool")
    one_hot_expand = conv2d(tf.reshape(input_label_ph, [bs, 1, 1, n_cat]), 6, 1, "one_hot_label_expand")
    out_max = tf.tile(tf.concat(axis=3, values=[out_max, one_hot_expand]), [1, n_pts, 1, 1])
    cat = tf.concat(axis=3, values=[out_max, net1, net2])
    cat.set_shape([bs, n_pts, 1, 38])
    net2 = conv2d(cat, 16, 1, "seg/conv1", wd=0.001)
    keep = tf.where(is_training_ph, 0.6, 1.0)
    net2 = v1.nn.dropout(net2, keep_prob=keep, name="seg/dp1")
    net2 = conv2d(net2, n_part, 1, "seg/conv4", act=None, bn=False, wd=0.001)
    seg_pred = tf.reshape(net2, [bs, n_pts, n_part])
    per_instance_seg_loss = tf.reduce_mean(
        tf.nn.sparse_softmax_cross_entropy_with_logits(logits=seg_pred, labels=seg_ph), axis=1
    )
    seg_loss = tf.reduce_mean(per_instance_seg_loss)
    per_instance_seg_pred_res = tf.argmax(seg_pred, 2)
    acc = tf.reduce_mean(tf.cast(tf.equal(tf.cast(per_instance_seg_pred_res, tf.int32), seg_ph), tf.float32))
    total = seg_loss + tf.add_n(v1.get_collection("losses"))
    for nm, shape in (
        ("total_training_loss", ()),
        ("seg_training_acc", ()),
        ("total_testing_loss", ()),
        ("seg_testing_acc", ()),
    ):
        v1.summary.scalar(nm, v1.placeholder(tf.float32, shape=shape))
    for c in range(n_cat):
        v1.summary.scalar(f"seg_acc_cat_{c}", v1.placeholder(tf.float32, shape=()))
    trainer = v1.train.AdamOptimizer(learning_rate)
    grads = trainer.compute_gradients(total)
    for g, v in grads:
        if g is not None:
            v1.summary.histogram(v.op.name + "/grad", g)
    trainer.apply_gradients([gv for gv in grads if gv[0] is not None], global_step=batch)
    tf.reduce_mean(acc)
    return [pointclouds_ph, input_label_ph], [seg_pred]


@case("medical")
def deepmedic_two_pathways_three_modes() -> Truth:
    """Like DeepMedic.

    The net applied for train, val and test, each with its own inputs (normal and subsampled segments);
    inference takes the test probabilities.
    """
    n_classes, n_ch = 3, 2
    L, upd = [], []
    plc = {}
    with v1.variable_scope("net"):
        for mode, nrm, sub in (("train", 15, 9), ("val", 13, 9), ("test", 19, 11)):
            plc[mode] = {
                "x": v1.placeholder(dtype="float32", shape=[None, n_ch, nrm, nrm, nrm], name="inp_x_" + mode),
                "x_sub_0": v1.placeholder(
                    dtype="float32", shape=[None, n_ch, sub, sub, sub], name="inp_x_sub_0_" + mode
                ),
            }
        y_gt_train = v1.placeholder(dtype="int32", shape=[None, 7, 7, 7], name="y_train")
        y_gt_val = v1.placeholder(dtype="int32", shape=[None, 5, 5, 5], name="y_val")

        def make_block(cin: int, cout: int, k: int, idx: str, act: bool = True) -> Tensor:
            with v1.variable_scope(idx):
                w = v1.get_variable(
                    "w", [k, k, k, cin, cout], initializer=v1.random_normal_initializer(stddev=0.1)
                )
                L.append(w)
                b = v1.get_variable("b", [cout], initializer=v1.zeros_initializer())
                al = v1.get_variable("aPrelu", [cin], initializer=v1.constant_initializer(0.01))
                g = v1.get_variable("gBn", [cin], initializer=v1.ones_initializer())
                be = v1.get_variable("bBn", [cin], initializer=v1.zeros_initializer())
                mu = v1.get_variable(
                    "muBnsArrayForRollingAverage", [cin], initializer=v1.zeros_initializer(), trainable=False
                )
                va = v1.get_variable(
                    "varBnsArrayForRollingAverage", [cin], initializer=v1.ones_initializer(), trainable=False
                )

            def apply(x: Tensor, mode: str, drop: Tensor) -> Tensor:
                if mode == "train":
                    m, v = tf.nn.moments(x, [0, 2, 3, 4])
                    upd.extend([v1.assign(mu, 0.9 * mu + 0.1 * m), v1.assign(va, 0.9 * va + 0.1 * v)])
                else:
                    m, v = mu, va

                def r(t: Tensor) -> Tensor:
                    return tf.reshape(t, [1, -1, 1, 1, 1])

                x = r(g) * (x - r(m)) / tf.sqrt(r(v) + 1e-4) + r(be)
                if act:
                    x = tf.maximum(x, 0.0) + r(al) * (x - tf.abs(x)) * 0.5
                if mode == "train" and drop:
                    x = x * tf.cast(v1.random_uniform(tf.shape(x)) > drop, tf.float32)
                x = tf.transpose(x, [0, 2, 3, 4, 1])
                x = tf.nn.bias_add(tf.nn.conv3d(x, w, [1, 1, 1, 1, 1], "VALID"), b)
                return tf.transpose(x, [0, 4, 1, 2, 3])

            return apply

        paths = {}
        for p in ("pathway_NORMAL", "pathway_SUBSAMPLED"):
            with v1.variable_scope(p):
                chans = [n_ch, 4, 4, 6, 6]
                paths[p] = [
                    make_block(chans[i], chans[i + 1], 3, f"block_{i}", act=i > 0)
                    for i in range(4 if p[8] == "N" else 3)
                ]
        fc = [make_block(12, 8, 1, "pathway_FC/block_0"), make_block(8, n_classes, 1, "pathway_FC/block_1")]

        def forward(mode: str) -> tuple[Tensor, Tensor, Tensor, Tensor]:
            a = plc[mode]["x"]
            for blk in paths["pathway_NORMAL"]:
                a = blk(a, mode, 0.0)
            s = plc[mode]["x_sub_0"]
            for blk in paths["pathway_SUBSAMPLED"]:
                s = blk(s, mode, 0.0)
            side = int(a.shape[2])
            for ax in (2, 3, 4):
                s = tf.repeat(s, 3, axis=ax)
            s = s[:, :, :side, :side, :side]
            h = tf.concat([a, s], axis=1)
            h = fc[0](h, mode, 0.5)
            logits = fc[1](h, mode, 0.5)
            with v1.name_scope("softmax_" + mode):
                return logits, tf.nn.softmax(logits, axis=1), a, s

        _tr_logits, p_train, _, _ = forward("train")
        _, p_val, _, _ = forward("val")
        _, p_test, _fm_n, _fm_s = forward("test")
    with v1.variable_scope("trainer"):
        oh = tf.one_hot(y_gt_train, n_classes, axis=1)
        wce = tf.reduce_mean(-tf.reduce_sum(oh * tf.math.log(p_train * 0.999 + 0.0005), 1))
        l1 = 1e-6 * tf.add_n([tf.reduce_sum(tf.abs(w)) for w in L])
        l2 = 1e-4 * tf.add_n([tf.reduce_sum(w**2) for w in L])
        cost = wce + l1 + l2
        lr = v1.get_variable(
            "curr_learning_rate_tfv", [], initializer=v1.constant_initializer(0.001), trainable=False
        )
        new_lr = v1.placeholder(tf.float32, [], name="value")
        lr.assign(new_lr)
        epochs = v1.get_variable(
            "num_epochs_trained_tfv", [], tf.int32, initializer=v1.zeros_initializer(), trainable=False
        )
        epochs.assign_add(1)
        opt = v1.train.RMSPropOptimizer(lr, 0.9, 0.6, 1e-4)
        with tf.control_dependencies(upd):
            opt.minimize(cost)
    with v1.name_scope("accuracy"):
        for p, y in ((p_train, y_gt_train), (p_val, y_gt_val)):
            pr = tf.argmax(p, axis=1, output_type=tf.int32)
            for c in range(n_classes):
                tf.reduce_sum(tf.cast(tf.logical_and(tf.equal(pr, c), tf.equal(y, c)), tf.int32))
                tf.reduce_sum(tf.cast(tf.equal(y, c), tf.int32))
                tf.reduce_sum(tf.cast(tf.equal(pr, c), tf.int32))
    return [plc["test"]["x"], plc["test"]["x_sub_0"]], [p_test]


@case("ocr", frozen=True)
def attention_ocr_image_bytes_to_word() -> Truth:
    """Like attention-ocr (aocr).

    The export takes the bytes of pictures and gives the word and its probability.
    """
    chars = ["", "", "", *list("0123456789abc")]
    n_cls, H, E, steps = len(chars), 8, 6, 5
    img_pl = v1.placeholder(tf.string, shape=[None], name="input_image_as_bytes")
    targets = [v1.placeholder(tf.int32, shape=(None,), name=f"decoder{i}") for i in range(steps + 1)]
    weights = [v1.placeholder(tf.float32, shape=(None,), name=f"weight{i}") for i in range(steps)]

    def _prepare_image(image: Tensor) -> Tensor:
        im = tf.image.decode_png(image, channels=1)
        dims = tf.cast(tf.shape(im), tf.float32)
        width = tf.cast(tf.math.ceil(tf.minimum(64.0, dims[1] / dims[0] * 16.0)), tf.int32)
        im = v1.image.resize_images(im, [16, width], method=v1.image.ResizeMethod.BICUBIC)
        return tf.image.pad_to_bounding_box(im, 0, 0, 16, 64)

    img_data = tf.map_fn(_prepare_image, img_pl, dtype=tf.float32)
    img_data.set_shape([None, 16, 64, 1])
    with v1.variable_scope("conv"):
        x = img_data / 127.5 - 1.0
        for i, (f, ph, pw) in enumerate([(4, 2, 2), (6, 2, 2), (8, 4, 1)]):
            with v1.variable_scope(f"conv_conv{i + 1}"):
                w = v1.get_variable("weights", [3, 3, int(x.shape[3]), f])
                b = v1.get_variable("biases", [f], initializer=v1.zeros_initializer())
                x = tf.nn.max_pool2d(
                    tf.nn.relu(tf.nn.conv2d(x, w, 1, "SAME") + b), [ph, pw], [ph, pw], "SAME"
                )
        feats = tf.squeeze(x, [1])

    def lstm(x: Tensor, c: Tensor, h: Tensor, scope: str, reuse: bool | None) -> tuple[Tensor, Tensor]:
        with v1.variable_scope(scope, reuse=reuse):
            k = v1.get_variable("kernel", [int(x.shape[-1]) + H, 4 * H])
            b = v1.get_variable("bias", [4 * H], initializer=v1.zeros_initializer())
            i, j, f, o = tf.split(tf.matmul(tf.concat([x, h], 1), k) + b, 4, 1)
            c = c * tf.sigmoid(f + 1.0) + tf.sigmoid(i) * tf.tanh(j)
            return c, tf.tanh(c) * tf.sigmoid(o)

    n = tf.shape(feats)[0]
    zero = tf.zeros([n, H])
    enc = {}
    with v1.variable_scope("bidirectional_rnn"):
        for d, seq in (("fw", range(16)), ("bw", range(15, -1, -1))):
            c, h = zero, zero
            outs = {}
            for j, t in enumerate(seq):
                c, h = lstm(feats[:, t], c, h, d, j > 0)
                outs[t] = h
            enc[d] = tf.stack([outs[t] for t in range(16)], 1)
    memory = tf.concat([enc["fw"], enc["bw"]], 2)

    def decode(feed_previous: bool, reuse: bool | None) -> Tensor:
        with v1.variable_scope("embedding_attention_decoder", reuse=reuse):
            emb = v1.get_variable("embedding", [n_cls, E])
            wa = v1.get_variable("AttnW_0", [2 * H, H])
            va = v1.get_variable("AttnV_0", [H])
            wq = v1.get_variable("Attention_0/Linear/Matrix", [H, H])
            wo = v1.get_variable("AttnOutputProjection/Linear/Matrix", [3 * H, n_cls])
            bo = v1.get_variable(
                "AttnOutputProjection/Linear/Bias", [n_cls], initializer=v1.zeros_initializer()
            )
        c, h, ctx = zero, zero, tf.zeros([n, 2 * H])
        prev = tf.fill([n], 1)
        outs = []
        for t in range(steps):
            sym = prev if feed_previous else targets[t]
            c, h = lstm(
                tf.concat([tf.nn.embedding_lookup(emb, sym), ctx], 1),
                c,
                h,
                "attention_decoder_cell",
                reuse or t > 0,
            )
            s = tf.reduce_sum(
                va * tf.tanh(tf.tensordot(memory, wa, 1) + tf.expand_dims(tf.matmul(h, wq), 1)), 2
            )
            ctx = tf.reduce_sum(tf.expand_dims(tf.nn.softmax(s), 2) * memory, 1)
            lo = tf.matmul(tf.concat([h, ctx], 1), wo) + bo
            prev = tf.stop_gradient(tf.argmax(lo, 1, output_type=tf.int32))
            outs.append(lo)
        return outs

    train_out = decode(False, False)
    losses = [
        tf.nn.sparse_softmax_cross_entropy_with_logits(logits=o, labels=t) * w
        for o, t, w in zip(train_out, targets[1:], weights, strict=True)
    ]
    loss = tf.reduce_mean(tf.add_n(losses) / (tf.add_n(weights) + 1e-12))
    gs = v1.Variable(0, trainable=False)
    opt = v1.train.AdadeltaOptimizer(learning_rate=1.0, rho=0.95, epsilon=1e-8)
    params = v1.trainable_variables()
    grads, norm = tf.clip_by_global_norm(tf.gradients(loss, params), 5.0)
    opt.apply_gradients(zip(grads, params, strict=True), global_step=gs)
    v1.summary.scalar("loss", loss)
    v1.summary.scalar("total_gradient_norm", norm)
    table = tf.lookup.StaticHashTable(
        tf.lookup.KeyValueTensorInitializer(tf.range(n_cls, dtype=tf.int64), tf.constant(chars)),
        default_value="",
    )
    out = decode(True, True)
    arrayed, probs = [], []
    for o in out:
        sm = tf.nn.softmax(o)
        probs.append(tf.reduce_max(sm, axis=1))
        arrayed.append(table.lookup(tf.cast(tf.argmax(sm, 1), tf.int64)))
    insert = tf.transpose(tf.stack(arrayed))
    joined = tf.foldr(lambda a, b: tf.strings.join([a, b]), tf.reverse(tf.transpose(insert), [0]))
    prediction = tf.identity(joined, name="prediction")
    probability = tf.identity(tf.reduce_prod(tf.stack(probs), 0), name="probability")
    return [img_pl], [prediction, probability]


@case("captioning")
def show_attend_tell_model_and_sampler() -> Truths:
    """Like show-attend-and-tell of yunjey.

    Conv features are fed; the sampler (built after the loss, shared weights) gives alphas, betas and sampled
    captions.
    """
    V, M, H, L, D, T = 30, 6, 8, 9, 10, 7
    w_init, c_init, e_init = (
        v1.glorot_uniform_initializer(),
        v1.constant_initializer(0.0),
        v1.random_uniform_initializer(-1.0, 1.0),
    )
    features = v1.placeholder(tf.float32, [None, L, D])
    captions = v1.placeholder(tf.int32, [None, T + 1])

    def initial(f: Tensor) -> tuple[Tensor, Tensor]:
        with v1.variable_scope("initial_lstm", reuse=v1.AUTO_REUSE):
            m = tf.reduce_mean(f, 1)
            out = []
            for k in "hc":
                w = v1.get_variable("w_" + k, [D, H], initializer=w_init)
                b = v1.get_variable("b_" + k, [H], initializer=c_init)
                out.append(tf.nn.tanh(tf.matmul(m, w) + b))
            return out[1], out[0]

    def project(f: Tensor) -> Tensor:
        with v1.variable_scope("project_features", reuse=v1.AUTO_REUSE):
            w = v1.get_variable("w", [D, D], initializer=w_init)
            return tf.reshape(tf.matmul(tf.reshape(f, [-1, D]), w), [-1, L, D])

    def word_emb(ids: Tensor, reuse: bool | None = False) -> Tensor:
        with v1.variable_scope("word_embedding", reuse=reuse):
            return tf.nn.embedding_lookup(
                v1.get_variable("w", [V, M], initializer=e_init), ids, name="word_vector"
            )

    def attention(f: Tensor, fp: Tensor, h: Tensor, reuse: bool | None) -> tuple[Tensor, Tensor]:
        with v1.variable_scope("attention_layer", reuse=reuse):
            w = v1.get_variable("w", [H, D], initializer=w_init)
            b = v1.get_variable("b", [D], initializer=c_init)
            wa = v1.get_variable("w_att", [D, 1], initializer=w_init)
            ha = tf.nn.relu(fp + tf.expand_dims(tf.matmul(h, w), 1) + b)
            alpha = tf.nn.softmax(tf.reshape(tf.matmul(tf.reshape(ha, [-1, D]), wa), [-1, L]))
            return tf.reduce_sum(f * tf.expand_dims(alpha, 2), 1, name="context"), alpha

    def selector(ctx: Tensor, h: Tensor, reuse: bool | None) -> tuple[Tensor, Tensor]:
        with v1.variable_scope("selector", reuse=reuse):
            w = v1.get_variable("w", [H, 1], initializer=w_init)
            b = v1.get_variable("b", [1], initializer=c_init)
            beta = tf.nn.sigmoid(tf.matmul(h, w) + b, "beta")
            return tf.multiply(beta, ctx, name="selected_context"), beta

    def cell(x: Tensor, c: Tensor, h: Tensor, reuse: bool | None) -> tuple[Tensor, Tensor]:
        with v1.variable_scope("lstm/basic_lstm_cell", reuse=reuse):
            k = v1.get_variable("kernel", [M + D + H, 4 * H])
            b = v1.get_variable("bias", [4 * H], initializer=c_init)
            i, j, f, o = tf.split(tf.nn.bias_add(tf.matmul(tf.concat([x, h], 1), k), b), 4, 1)
            c = tf.sigmoid(f + 1.0) * c + tf.sigmoid(i) * tf.tanh(j)
            return c, tf.sigmoid(o) * tf.tanh(c)

    def logit_of(x: Tensor, h: Tensor, ctx: Tensor, dropout: bool, reuse: bool | None) -> Tensor:
        with v1.variable_scope("logits", reuse=reuse):
            wh = v1.get_variable("w_h", [H, M], initializer=w_init)
            bh = v1.get_variable("b_h", [M], initializer=c_init)
            wo = v1.get_variable("w_out", [M, V], initializer=w_init)
            bo = v1.get_variable("b_out", [V], initializer=c_init)
            if dropout:
                h = tf.nn.dropout(h, rate=0.5)
            hl = tf.matmul(h, wh) + bh
            hl += tf.matmul(ctx, v1.get_variable("w_ctx2out", [D, M], initializer=w_init))
            hl = tf.nn.tanh(hl + x)
            if dropout:
                hl = tf.nn.dropout(hl, rate=0.5)
            return tf.matmul(hl, wo) + bo

    def bn(f: Tensor, mode: str) -> Tensor:
        with v1.variable_scope("conv_featuresbatch_norm", reuse=mode != "train"):
            mm = v1.get_variable("moving_mean", [D], initializer=v1.zeros_initializer(), trainable=False)
            mv = v1.get_variable("moving_variance", [D], initializer=v1.ones_initializer(), trainable=False)
            be = v1.get_variable("beta", [D], initializer=v1.zeros_initializer())
            if mode == "train":
                m, v = tf.nn.moments(f, [0, 1])
                v1.add_to_collection(v1.GraphKeys.UPDATE_OPS, v1.assign(mm, mm * 0.95 + m * 0.05))
                v1.add_to_collection(v1.GraphKeys.UPDATE_OPS, v1.assign(mv, mv * 0.95 + v * 0.05))
                return tf.nn.batch_normalization(f, m, v, be, None, 1e-3)
            return tf.nn.batch_normalization(f, mm, mv, be, None, 1e-3)

    # build_model
    f = bn(features, "train")
    cin, cout = captions[:, :T], captions[:, 1:]
    mask = tf.cast(tf.not_equal(cout, 0), tf.float32)
    c, h = initial(f)
    x, fp = word_emb(cin), project(f)
    loss, alpha_list = 0.0, []
    for t in range(T):
        ctx, alpha = attention(f, fp, h, t != 0)
        alpha_list.append(alpha)
        ctx, _ = selector(ctx, h, t != 0)
        c, h = cell(tf.concat([x[:, t, :], ctx], 1), c, h, t != 0)
        lo = logit_of(x[:, t, :], h, ctx, True, t != 0)
        loss += tf.reduce_sum(
            tf.nn.sparse_softmax_cross_entropy_with_logits(labels=cout[:, t], logits=lo) * mask[:, t]
        )
    alphas_all = tf.reduce_sum(tf.transpose(tf.stack(alpha_list), (1, 0, 2)), 1)
    loss += 1.0 * tf.reduce_sum((T / 196.0 - alphas_all) ** 2)
    loss = loss / tf.cast(tf.shape(features)[0], tf.float32)
    # build_sampler
    f = bn(features, "test")
    c, h = initial(f)
    fp = project(f)
    words: list[Tensor] = []
    al: list[Tensor] = []
    be: list[Tensor] = []
    sampled: Tensor = None
    for t in range(5):
        x = word_emb(tf.fill([tf.shape(f)[0]], 1), True) if t == 0 else word_emb(sampled, True)
        ctx, alpha = attention(f, fp, h, True)
        al.append(alpha)
        ctx, beta = selector(ctx, h, True)
        be.append(beta)
        c, h = cell(tf.concat([x, ctx], 1), c, h, True)
        sampled = tf.argmax(logit_of(x, h, ctx, False, True), 1)
        words.append(sampled)
    alphas = tf.transpose(tf.stack(al), (1, 0, 2))
    betas = tf.transpose(tf.squeeze(tf.stack(be), axis=2), (1, 0))
    sampled_captions = tf.transpose(tf.stack(words), (1, 0))
    with v1.variable_scope(v1.get_variable_scope(), reuse=False):
        optimizer = v1.train.AdamOptimizer(learning_rate=0.001)
        gv = list(zip(tf.gradients(loss, v1.trainable_variables()), v1.trainable_variables(), strict=True))
        optimizer.apply_gradients(grads_and_vars=gv)
    v1.summary.scalar("batch_loss", loss)
    for v in v1.trainable_variables():
        v1.summary.histogram(v.op.name, v)
    for g, v in gv:
        v1.summary.histogram(v.op.name + "/gradient", g)
    v1.summary.merge_all()
    return [([features], [alphas, betas, sampled_captions]), ([features], [sampled_captions])]


@case("tracking", modern=True)
def siamese_fc_pairs_and_three_scales() -> Truth:
    """SiamFC.

    Pairs from a dataset, balanced logistic loss, validation tower; the tracker feeds the exemplar and its
    scaled search crops, and takes the upsampled response.
    """

    def load(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
        def one(name: str, size: int) -> Tensor:
            im = tf.cast(tf.image.decode_jpeg(tf.io.read_file(name), channels=3), tf.float32)
            return tf.ensure_shape(tf.image.resize_with_crop_or_pad(im, size, size), [size, size, 3])

        return one(a, 47), one(b, 79)

    def pipeline(split: str, shuffle: bool) -> Tensor:
        ds = v1.data.TextLineDataset(f"data/{split}_pairs.txt")
        ds = ds.map(lambda ln: tf.unstack(tf.ensure_shape(tf.strings.split([ln], " ").values, [2])))
        ds = ds.map(load)
        if shuffle:
            ds = ds.shuffle(100)
        return v1.data.make_one_shot_iterator(ds.repeat().batch(4, drop_remainder=True).prefetch(2)).get_next(
            split + "_next"
        )

    def embed(x: Tensor, training: bool, reuse: bool | None) -> Tensor:
        with v1.variable_scope("convolutional_alexnet", reuse=reuse):
            for i, (k, f, s, pool) in enumerate([(7, 4, 2, True), (3, 8, 1, False), (3, 8, 1, False)]):
                with v1.variable_scope(f"conv{i + 1}"):
                    w = v1.get_variable(
                        "weights",
                        [k, k, int(x.shape[-1]), f],
                        initializer=v1.variance_scaling_initializer(2.0),
                    )
                    x = tf.nn.conv2d(x, w, s, "VALID")
                    if i < 2:
                        g = v1.get_variable("BatchNorm/gamma", [f], initializer=v1.ones_initializer())
                        b = v1.get_variable("BatchNorm/beta", [f], initializer=v1.zeros_initializer())
                        m = v1.get_variable(
                            "BatchNorm/moving_mean", [f], initializer=v1.zeros_initializer(), trainable=False
                        )
                        v = v1.get_variable(
                            "BatchNorm/moving_variance",
                            [f],
                            initializer=v1.ones_initializer(),
                            trainable=False,
                        )
                        if training:
                            x, bm, bv = v1.nn.fused_batch_norm(x, g, b, is_training=True)
                            v1.add_to_collection(v1.GraphKeys.UPDATE_OPS, m.assign_sub(3e-4 * (m - bm)))
                            v1.add_to_collection(v1.GraphKeys.UPDATE_OPS, v.assign_sub(3e-4 * (v - bv)))
                        else:
                            x, _, _ = v1.nn.fused_batch_norm(x, g, b, m, v, is_training=False)
                        x = tf.nn.relu(x)
                    else:
                        x = x + v1.get_variable("biases", [f], initializer=v1.zeros_initializer())
                    if pool:
                        x = tf.nn.max_pool2d(x, 3, 2, "VALID")
            return x

    def correlate(z: Tensor, x: Tensor, reuse: bool | None) -> Tensor:
        with v1.variable_scope("detection", reuse=reuse):
            out = tf.map_fn(
                lambda p: tf.nn.conv2d(tf.expand_dims(p[0], 0), tf.expand_dims(p[1], 3), 1, "VALID")[0],
                (x, z),
                fn_output_signature=tf.float32,
            )
            bias = v1.get_variable("biases", [1], initializer=v1.zeros_initializer())
            return tf.squeeze(out, 3) * 0.001 + bias

    def losses(resp: Tensor) -> tuple[Tensor, Tensor]:
        n = 9
        yy, xx = np.mgrid[:n, :n] - n // 2
        gt = (np.abs(yy) + np.abs(xx) <= 2).astype(np.float32)
        wt = np.where(gt > 0, 0.5 / gt.sum(), 0.5 / (1 - gt).sum()).astype(np.float32)
        ls = tf.nn.sigmoid_cross_entropy_with_logits(labels=tf.broadcast_to(gt, tf.shape(resp)), logits=resp)
        best = tf.argmax(tf.reshape(resp, [-1, n * n]), 1)
        cy, cx = tf.cast(best // n, tf.float32), tf.cast(best % n, tf.float32)
        dist = tf.reduce_mean(tf.sqrt((cy - 4.0) ** 2 + (cx - 4.0) ** 2))
        return tf.reduce_mean(tf.reduce_sum(ls * wt, [1, 2])), dist

    with v1.name_scope("train"):
        z, x = pipeline("train", True)
        resp = correlate(embed(z, True, None), embed(x, True, True), None)
        batch_loss, center = losses(resp)
    reg = 5e-4 * tf.add_n([tf.nn.l2_loss(v) for v in v1.trainable_variables() if "weights" in v.name])
    total = batch_loss + reg
    v1.summary.image("exemplar", z, family="train")
    v1.summary.image("instance", x, family="train")
    v1.summary.image("response", tf.expand_dims(tf.sigmoid(resp), -1), family="train")
    v1.summary.scalar("total_loss", total, family="train")
    v1.summary.scalar("center_score_error", center, family="train")
    with v1.name_scope("validation"):
        vz, vx = pipeline("val", False)
        vl, vc = losses(correlate(embed(vz, False, True), embed(vx, False, True), True))
        v1.summary.scalar("batch_loss", vl, family="val")
        v1.summary.scalar("center_score_error", vc, family="val")
    gs = v1.train.get_or_create_global_step()
    lr = v1.train.exponential_decay(0.01, gs, 6650, 0.8685, staircase=True)
    opt = v1.train.MomentumOptimizer(lr, 0.9)
    with tf.control_dependencies(v1.get_collection(v1.GraphKeys.UPDATE_OPS)):
        gv = [(tf.clip_by_norm(g, 10.0), v) for g, v in opt.compute_gradients(total)]
        opt.apply_gradients(gv, gs)
    with v1.name_scope("track"):
        exemplar = v1.placeholder(tf.float32, [1, 47, 47, 3], "exemplar")
        search = v1.placeholder(tf.float32, [3, 79, 79, 3], "scaled_search_area")
        tz = tf.tile(embed(exemplar, False, True), [3, 1, 1, 1])
        r = correlate(tz, embed(search, False, True), True)
        up = tf.squeeze(
            tf.image.resize(tf.expand_dims(r, -1), [36, 36], method="bicubic"), [3], name="response_up"
        )
    v1.summary.merge_all()
    return [exemplar, search], [up]
