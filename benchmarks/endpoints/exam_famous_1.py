"""Graphs of well-known repositories that look at images or make them."""

# ruff: noqa: N806 (the names are those of the authors)

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf

from benchmarks.endpoints.cases import Truth, Truths, case, v1

Tensor = Any


def _variable(name: str, shape: list[int], value: float | None = None, trainable: bool = True) -> Tensor:
    initializer = (
        v1.constant_initializer(value) if value is not None else v1.truncated_normal_initializer(stddev=0.02)
    )
    return v1.get_variable(name, shape, initializer=initializer, trainable=trainable)


def _bn_cond(x: Tensor, training: Tensor, scope: str = "batch_normalization") -> Tensor:
    """What tf.layers.batch_normalization makes of a boolean placeholder."""
    with v1.variable_scope(scope):
        n = int(x.shape[-1])
        gamma, beta = _variable("gamma", [n], 1.0), _variable("beta", [n], 0.0)
        mean, var = _variable("moving_mean", [n], 0.0, False), _variable("moving_variance", [n], 1.0, False)
        y, m, v = v1.cond(
            training,
            lambda: v1.nn.fused_batch_norm(x, gamma, beta, epsilon=1e-3, is_training=True)[:3],
            lambda: v1.nn.fused_batch_norm(x, gamma, beta, mean, var, epsilon=1e-3, is_training=False)[:3],
        )
        momentum = v1.cond(training, lambda: tf.constant(0.99), lambda: tf.constant(1.0))
        for moving, new in ((mean, m), (var, v)):
            v1.add_to_collection(
                v1.GraphKeys.UPDATE_OPS,
                v1.assign_sub(moving, (moving - new) * (1.0 - momentum), name="AssignMovingAvg"),
            )
        return y


def _slim_conv(x: Tensor, n: int, k: int, scope: str, stride: int = 1, rate: int = 1, bn: bool = True,
               relu: bool = True, training: bool = True) -> Tensor:  # fmt: skip
    """slim.conv2d with a normalizer: names are those of slim."""
    with v1.variable_scope(scope, reuse=v1.AUTO_REUSE):
        w = _variable("weights", [k, k, int(x.shape[-1]), n])
        y = tf.nn.conv2d(x, w, strides=stride, padding="SAME", dilations=rate, name="Conv2D")
        if not bn:
            y = tf.nn.bias_add(y, _variable("biases", [n], 0.0), name="BiasAdd")
        else:
            with v1.variable_scope("BatchNorm", reuse=v1.AUTO_REUSE):
                gamma, beta = _variable("gamma", [n], 1.0), _variable("beta", [n], 0.0)
                mean = _variable("moving_mean", [n], 0.0, False)
                var = _variable("moving_variance", [n], 1.0, False)
                if training:
                    y, m, v = v1.nn.fused_batch_norm(y, gamma, beta, epsilon=1e-3, is_training=True)[:3]
                    for moving, new in ((mean, m), (var, v)):
                        v1.add_to_collection(
                            v1.GraphKeys.UPDATE_OPS,
                            v1.assign_sub(moving, (moving - new) * 0.003, name="AssignMovingAvg"),
                        )
                else:
                    y = v1.nn.fused_batch_norm(y, gamma, beta, mean, var, epsilon=1e-3, is_training=False)[0]
        return tf.nn.relu(y) if relu else y


@case("detector")
def yolo_v3_with_three_branches() -> Truth:
    """YunYang's YOLOv3: the three decoded ``pred_*bbox`` are what the frozen graph of the author gives."""
    classes = 5
    anchors = np.array([[[1.2, 1.6], [2.0, 3.7], [4.1, 2.8]]] * 3, np.float32)
    with tf.name_scope("define_input"):
        input_data = v1.placeholder(tf.float32, [None, 96, 96, 3], name="input_data")
        labels = [
            v1.placeholder(tf.float32, [None, s, s, 3, 5 + classes], name=f"label_{n}bbox")
            for n, s in (("s", 12), ("m", 6), ("l", 3))
        ]
        true_boxes = [v1.placeholder(tf.float32, [None, 150, 4], name=f"{n}bboxes") for n in "sml"]
        trainable = v1.placeholder(tf.bool, name="training")

    def convolutional(x: Tensor, n: int, k: int, name: str, down: bool = False, bn: bool = True) -> Tensor:
        with v1.variable_scope(name):
            if down:
                x = tf.pad(x, [[0, 0], [1, 1], [1, 1], [0, 0]])
            w = _variable("weight", [k, k, int(x.shape[-1]), n])
            y = tf.nn.conv2d(x, w, 2 if down else 1, "VALID" if down else "SAME")
            if not bn:
                return tf.nn.bias_add(y, _variable("bias", [n], 0.0))
            return tf.nn.leaky_relu(_bn_cond(y, trainable), 0.1)

    def residual(x: Tensor, name: str) -> Tensor:
        n = int(x.shape[-1])
        with v1.variable_scope(name):
            return x + convolutional(convolutional(x, n // 2, 1, "conv1"), n, 3, "conv2")

    def upsample(x: Tensor) -> Tensor:
        shape = tf.shape(x)
        return v1.image.resize_nearest_neighbor(x, (shape[1] * 2, shape[2] * 2))

    def decode(raw: Tensor, anchor: Tensor, stride: int, name: str) -> Tensor:
        with v1.variable_scope(name):
            shape = tf.shape(raw)
            batch, size = shape[0], shape[1]
            raw = tf.reshape(raw, (batch, size, size, 3, 5 + classes))
            y = tf.tile(tf.range(size)[:, tf.newaxis], [1, size])
            x = tf.tile(tf.range(size)[tf.newaxis, :], [size, 1])
            grid = tf.concat([x[:, :, tf.newaxis], y[:, :, tf.newaxis]], -1)
            grid = tf.cast(tf.tile(grid[tf.newaxis, :, :, tf.newaxis, :], [batch, 1, 1, 3, 1]), tf.float32)
            xy = (tf.sigmoid(raw[..., 0:2]) + grid) * stride
            wh = tf.exp(raw[..., 2:4]) * anchor * stride
            return tf.concat([xy, wh, tf.sigmoid(raw[..., 4:5]), tf.sigmoid(raw[..., 5:])], -1)

    with v1.variable_scope("darknet"):
        x = convolutional(input_data, 8, 3, "conv0", down=True)
        x = convolutional(x, 12, 3, "conv1", down=True)
        route1 = residual(convolutional(x, 16, 3, "conv4", down=True), "residual1")
        route2 = residual(convolutional(route1, 16, 3, "conv9", down=True), "residual3")
        x = convolutional(route2, 16, 3, "conv26", down=True)
    raws = []
    for name, route, n in (("lobj_branch", None, "l"), ("mobj", route2, "m"), ("sobj", route1, "s")):
        if route is not None:
            x = tf.concat([upsample(convolutional(x, 8, 1, "conv_up_" + n)), route], -1)
        deep = convolutional(x, 16, 3, f"conv_{name}")
        raws.append(convolutional(deep, 3 * (5 + classes), 1, f"conv_{n}bbox", bn=False))
    raws.reverse()
    pred = [
        decode(r, a, s, f"pred_{n}bbox") for r, a, s, n in zip(raws, anchors, (8, 16, 32), "sml", strict=True)
    ]
    loss = tf.constant(0.0)
    with tf.name_scope("define_loss"):
        for r, p, label, boxes in zip(raws, pred, labels, true_boxes, strict=True):
            raw = tf.reshape(r, tf.shape(label))
            near = tf.reduce_max(
                tf.abs(p[:, :, :, :, tf.newaxis, 0:2] - boxes[:, tf.newaxis, tf.newaxis, tf.newaxis, :, :2]),
                -1,
            )
            background = (1 - label[..., 4:5]) * tf.cast(tf.reduce_min(near, -1) > 8.0, tf.float32)[
                ..., tf.newaxis
            ]
            ce = tf.nn.sigmoid_cross_entropy_with_logits(labels=label[..., 4:], logits=raw[..., 4:])
            loss += tf.reduce_mean(tf.reduce_sum((label[..., 4:5] + background) * ce, [1, 2, 3, 4]))
            loss += tf.reduce_mean(label[..., 4:5] * tf.square(p[..., :4] - label[..., :4]))
    with tf.name_scope("learn_rate"):
        step = tf.Variable(1.0, dtype=tf.float64, trainable=False, name="global_step")
        warm = tf.constant(100.0, tf.float64)
        rate = v1.cond(
            step < warm, lambda: step / warm * 1e-4, lambda: 1e-6 + 0.5e-4 * (1 + tf.cos(step / 1e4 * np.pi))
        )
        update = v1.assign_add(step, 1.0)
    with tf.name_scope("define_weight_decay"):
        moving_ave = v1.train.ExponentialMovingAverage(0.9995).apply(v1.trainable_variables())
    optimizer = v1.train.AdamOptimizer(rate).minimize(loss)
    with v1.control_dependencies(
        [*v1.get_collection(v1.GraphKeys.UPDATE_OPS), optimizer, update, moving_ave]
    ):
        tf.no_op(name="train_op_with_all_variables")
    v1.summary.scalar("total_loss", loss)
    v1.summary.merge_all()
    return [input_data], pred


@case("detector")
def faster_rcnn_train_and_test_nets() -> Truth:
    """tf-faster-rcnn.

    The TEST network shares weights with TRAIN; ``im_detect`` takes cls_prob, bbox_pred and rois.
    """
    classes, anchors_per_cell = 6, 3
    image = v1.placeholder(tf.float32, [1, None, None, 3])
    im_info = v1.placeholder(tf.float32, [3])
    gt_boxes = v1.placeholder(tf.float32, [None, 5])

    def anchors(height: Any, width: Any) -> Any:
        y, x = np.mgrid[: int(height), : int(width)] * 16
        base = np.array([[-8, -8, 23, 23], [-24, -8, 39, 23], [-8, -24, 23, 39]], np.float32)
        return (np.stack([x, y, x, y], -1).reshape(-1, 1, 4) + base).reshape(-1, 4).astype(np.float32)

    def targets(rois: Any, gt: Any) -> Any:
        return rois[:32], np.zeros([32], np.int32), np.zeros([32, classes * 4], np.float32)

    def linear(x: Tensor, n: int, name: str) -> Tensor:
        with v1.variable_scope(name):
            return v1.nn.xw_plus_b(
                x, _variable("weights", [int(x.shape[-1]), n]), _variable("biases", [n], 0.0)
            )

    def create_architecture(mode: str) -> dict[str, Tensor]:
        with v1.variable_scope("vgg_16", reuse=mode == "TEST"):
            net = image
            for i, n in enumerate((8, 8, 12, 16), 1):
                net = _slim_conv(net, n, 3, f"conv{i}/conv{i}_1", bn=False)
                net = v1.nn.max_pool(net, [1, 2, 2, 1], [1, 2, 2, 1], "SAME", name=f"pool{i}")
            with tf.name_scope(f"ANCHOR_{mode}"):
                height = tf.cast(tf.math.ceil(im_info[0] / 16.0), tf.int32)
                width = tf.cast(tf.math.ceil(im_info[1] / 16.0), tf.int32)
                boxes = v1.py_func(anchors, [height, width], tf.float32, name="generate_anchors")
                boxes.set_shape([None, 4])
            rpn = _slim_conv(net, 16, 3, "rpn_conv/3x3", bn=False)
            score = _slim_conv(rpn, anchors_per_cell * 2, 1, "rpn_cls_score", bn=False, relu=False)
            score = tf.reshape(score, [-1, 2])
            prob = tf.nn.softmax(score, name="rpn_cls_prob")
            delta = tf.reshape(
                _slim_conv(rpn, anchors_per_cell * 4, 1, "rpn_bbox_pred", bn=False, relu=False), [-1, 4]
            )
            with v1.variable_scope("rois"):
                size = boxes[:, 2:] - boxes[:, :2] + 1.0
                centre = boxes[:, :2] + 0.5 * size + delta[:, :2] * size
                size = tf.exp(delta[:, 2:]) * size
                limit = tf.stack([im_info[1], im_info[0]]) - 1
                proposals = tf.concat(
                    [
                        tf.maximum(tf.minimum(centre - size / 2, limit), 0.0),
                        tf.maximum(tf.minimum(centre + size / 2, limit), 0.0),
                    ],
                    1,
                )
                keep = tf.image.non_max_suppression(
                    proposals, prob[:, 1], 2000 if mode == "TRAIN" else 300, 0.7
                )
                rois = tf.gather(proposals, keep)
                rois = tf.concat([tf.zeros([tf.shape(rois)[0], 1]), rois], 1)
            out: dict[str, Tensor] = {}
            if mode == "TRAIN":
                rois, out["labels"], out["bbox_targets"] = v1.py_func(
                    targets, [rois, gt_boxes], [tf.float32, tf.int32, tf.float32], name="proposal_target"
                )
                rois.set_shape([32, 5])
                out["labels"].set_shape([32])
                out["bbox_targets"].set_shape([32, classes * 4])
            with tf.name_scope("pool5"):
                full = tf.cast(tf.shape(net), tf.float32)[1:3] * 16.0
                crop = tf.stack(
                    [rois[:, 2] / full[0], rois[:, 1] / full[1], rois[:, 4] / full[0], rois[:, 3] / full[1]],
                    1,
                )
                crops = tf.image.crop_and_resize(
                    net, tf.stop_gradient(crop), tf.cast(rois[:, 0], tf.int32), [6, 6]
                )
                pooled = v1.nn.max_pool(crops, [1, 2, 2, 1], [1, 2, 2, 1], "SAME")
            fc = tf.nn.relu(linear(tf.reshape(pooled, [-1, 3 * 3 * 16]), 32, "fc6"))
            if mode == "TRAIN":
                fc = v1.nn.dropout(fc, keep_prob=0.5)
            cls_score = linear(fc, classes, "cls_score")
            out["rpn"], out["delta"], out["cls_score"], out["rois"] = score, delta, cls_score, rois
            out["cls_prob"] = tf.nn.softmax(cls_score, name="cls_prob")
            out["bbox_pred"] = linear(fc, classes * 4, "bbox_pred")
        return out

    train = create_architecture("TRAIN")
    with v1.variable_scope("LOSS_default"):
        cross_entropy = tf.reduce_mean(
            v1.nn.sparse_softmax_cross_entropy_with_logits(labels=train["labels"], logits=train["cls_score"])
        )
        box = tf.reduce_mean(tf.abs(train["bbox_pred"] - train["bbox_targets"]))
        loss = cross_entropy + box + 1e-4 * tf.add_n([tf.nn.l2_loss(v) for v in v1.trainable_variables()])
        loss += 1e-3 * tf.reduce_mean(tf.square(train["rpn"])) + 1e-3 * tf.reduce_mean(
            tf.square(train["delta"])
        )
    lr = tf.Variable(0.001, trainable=False)
    optimizer = v1.train.MomentumOptimizer(lr, 0.9)
    final = [
        (tf.multiply(g, 2.0) if "biases" in v.name else g, v)
        for g, v in optimizer.compute_gradients(loss)
        if g is not None
    ]
    optimizer.apply_gradients(final)
    test = create_architecture("TEST")
    test["bbox_pred"] = test["bbox_pred"] * np.tile([0.1, 0.1, 0.2, 0.2], classes).astype(
        np.float32
    ) + np.zeros([classes * 4], np.float32)
    v1.summary.image("GROUND_TRUTH", image)
    for var in v1.trainable_variables():
        v1.summary.histogram("TRAIN/" + var.op.name, var)
    v1.summary.merge_all()
    return [image, im_info], [test["cls_prob"], test["bbox_pred"], test["rois"]]


@case("detector")
def ssd_vgg_behind_the_prefetch_queue() -> Truth:
    """SSD-Tensorflow.

    Records, encoded boxes and a prefetch queue; the notebook fetches predictions and localisations.
    """
    classes, cells = 7, ((8, 4), (4, 6))
    box_keys = ("ymin", "xmin", "ymax", "xmax")
    with tf.device("/cpu:0"):
        names = v1.train.string_input_producer(["voc_2007_train_000.tfrecord", "voc_2007_train_001.tfrecord"])
        _, record = v1.TFRecordReader().read(names)
        parsed = v1.parse_single_example(record, {
            "image/encoded": v1.FixedLenFeature([], tf.string),
            **{f"image/object/bbox/{k}": v1.VarLenFeature(tf.float32) for k in box_keys},
            "image/object/bbox/label": v1.VarLenFeature(tf.int64),
        })  # fmt: skip
        image = tf.image.convert_image_dtype(tf.image.decode_jpeg(parsed["image/encoded"], 3), tf.float32)
        with tf.name_scope("ssd_preprocessing_train"):
            image = tf.image.random_flip_left_right(tf.image.random_brightness(image, 0.12))
            image = v1.image.resize_images(image, [64, 64]) * 255.0 - tf.constant([123.0, 117.0, 104.0])
        glabels = v1.sparse_tensor_to_dense(parsed["image/object/bbox/label"])
        gbboxes = tf.stack(
            [
                v1.sparse_tensor_to_dense(parsed[f"image/object/bbox/{k}"])
                for k in ("ymin", "xmin", "ymax", "xmax")
            ],
            1,
        )
        flat = [image]
        for size, per in cells:
            y, x = np.mgrid[:size, :size]
            centre = np.repeat((np.stack([y, x], -1).reshape(-1, 2).astype(np.float32) + 0.5) / size, per, 0)
            mid = (gbboxes[:, :2] + gbboxes[:, 2:]) / 2
            distance = tf.reduce_sum(tf.abs(centre[:, None, :] - mid[None]), -1)
            best = tf.argmin(distance, 1)
            gscores = tf.reshape(tf.exp(-tf.reduce_min(distance, 1)), [size, size, per])
            glocal = tf.reshape(tf.gather(gbboxes, best), [size, size, per, 4])
            flat += [tf.reshape(tf.gather(glabels, best), [size, size, per]), glocal, gscores]
        batch = v1.train.batch(flat, batch_size=4, num_threads=4, capacity=20)
        with tf.name_scope("prefetch_queue"):
            queue = v1.FIFOQueue(2, [t.dtype for t in batch], [t.shape for t in batch], name="fifo_queue")
            v1.train.add_queue_runner(v1.train.QueueRunner(queue, [queue.enqueue(batch)]))
    items = queue.dequeue()
    b_image = items[0]
    net, layers = b_image, []
    with v1.variable_scope("ssd_300_vgg"):
        for i, n in enumerate((8, 12, 16, 16), 1):
            net = _slim_conv(net, n, 3, f"conv{i}/conv{i}_1", bn=False)
            layers.append(net := v1.nn.max_pool(net, [1, 2, 2, 1], [1, 2, 2, 1], "SAME", name=f"pool{i}"))
        predictions, logits, localisations = [], [], []
        for i, (size, per) in enumerate(cells):
            layer = layers[2 + i]
            with v1.variable_scope(f"block{4 + i}_box"):
                if i == 0:
                    layer = tf.nn.l2_normalize(layer, -1) * _variable("L2Normalization/gamma", [16], 20.0)
                loc = _slim_conv(layer, per * 4, 3, "conv_loc", bn=False, relu=False)
                localisations.append(tf.reshape(loc, [4, size, size, per, 4]))
                cls = _slim_conv(layer, per * classes, 3, "conv_cls", bn=False, relu=False)
                logits.append(tf.reshape(cls, [4, size, size, per, classes]))
            predictions.append(tf.nn.softmax(logits[-1]))
    with tf.name_scope("ssd_losses"):
        for i in range(len(cells)):
            gclass, gloc, gscore = items[1 + 3 * i : 4 + 3 * i]
            positive = gscore > 0.5
            weight = tf.cast(positive, tf.float32)
            negatives = tf.where(positive, tf.zeros_like(gscore), 1.0 - predictions[i][..., 0])
            worst, _ = tf.nn.top_k(tf.reshape(negatives, [-1]), k=32)
            weight += tf.cast(negatives > worst[-1], tf.float32)
            ce = v1.nn.sparse_softmax_cross_entropy_with_logits(labels=gclass, logits=logits[i])
            v1.losses.add_loss(tf.reduce_sum(ce * weight) / 4)
            v1.losses.add_loss(tf.reduce_sum(tf.abs(localisations[i] - gloc) * weight[..., None]) / 4)
    for p in predictions:
        v1.summary.scalar("sparsity/" + p.op.name, tf.nn.zero_fraction(p))
    rate = v1.train.exponential_decay(0.01, v1.train.get_or_create_global_step(), 1000, 0.94, staircase=True)
    v1.train.RMSPropOptimizer(rate).minimize(
        v1.losses.get_total_loss(), v1.train.get_global_step(), name="train_op"
    )
    return [b_image], [*predictions, *localisations]


@case("detector")
def east_on_one_gpu() -> Truth:
    """EAST: images are split over the towers; eval.py fetches the score map and the geometry."""
    input_images = v1.placeholder(tf.float32, [None, None, None, 3], name="input_images")
    input_score_maps = v1.placeholder(tf.float32, [None, None, None, 1], name="input_score_maps")
    input_geo_maps = v1.placeholder(tf.float32, [None, None, None, 5], name="input_geo_maps")
    input_masks = v1.placeholder(tf.float32, [None, None, None, 1], name="input_training_masks")
    global_step = v1.get_variable("global_step", [], initializer=tf.constant_initializer(0), trainable=False)
    lr = v1.train.exponential_decay(1e-4, global_step, 10000, 0.94, staircase=True)
    opt = v1.train.AdamOptimizer(lr)
    gpus = ["0"]
    splits = [tf.split(t, len(gpus)) for t in (input_images, input_score_maps, input_geo_maps, input_masks)]

    def unpool(x: Tensor) -> Tensor:
        return v1.image.resize_bilinear(x, size=[tf.shape(x)[1] * 2, tf.shape(x)[2] * 2])

    tower_grads = []
    for i, _ in enumerate(gpus):
        with tf.device("/gpu:0"), tf.name_scope(f"model_{i}") as scope:
            images, scores, geos, masks = (s[i] for s in splits)
            channels = tf.split(images, 3, axis=3)
            centred = tf.concat([c - m for c, m in zip(channels, (123.68, 116.78, 103.94), strict=True)], 3)
            ends, net = [], centred
            with v1.variable_scope("resnet_v1_50"):
                for b, n in enumerate((8, 12, 16, 16), 1):
                    net = _slim_conv(net, n, 3, f"block{b}/unit_1/bottleneck_v1/conv1", stride=2)
                    cut = _slim_conv(net, n, 3, f"block{b}/unit_1/bottleneck_v1/conv2", relu=False)
                    ends.append(net := tf.nn.relu(net + cut))
            with v1.variable_scope("feature_fusion"):
                h = g = ends[3]
                for j, f in enumerate(reversed(ends[:3])):
                    g = unpool(h)
                    h = _slim_conv(tf.concat([g, f], -1), 16, 1, f"Conv_{2 * j}")
                    h = _slim_conv(h, 16, 3, f"Conv_{2 * j + 1}")
                heads = [_slim_conv(h, n, 1, f"Conv_{7 + n}", bn=False, relu=False) for n in (1, 4, 2)]
                f_score = tf.nn.sigmoid(heads[0])
                geo_map = tf.nn.sigmoid(heads[1]) * 512
                angle_map = (tf.nn.sigmoid(heads[2][..., :1]) - 0.5) * np.pi / 2
                f_geometry = tf.concat([geo_map, angle_map], axis=-1)
            inter = tf.reduce_sum(scores * f_score * masks)
            dice = 1.0 - 2 * inter / (tf.reduce_sum(scores * masks) + tf.reduce_sum(f_score * masks) + 1e-5)
            d = [tf.split(t, 5, 3) for t in (geos, f_geometry)]
            area = [(s[0] + s[2]) * (s[1] + s[3]) for s in d]
            wide = tf.minimum(d[0][1], d[1][1]) + tf.minimum(d[0][3], d[1][3])
            high = tf.minimum(d[0][0], d[1][0]) + tf.minimum(d[0][2], d[1][2])
            iou = (wide * high + 1.0) / (area[0] + area[1] - wide * high + 1.0)
            geometry = -tf.math.log(iou) + 20 * (1 - tf.cos(d[1][4] - d[0][4]))
            total_loss = tf.reduce_mean(geometry * scores * masks) + dice * 0.01
            if i == 0:
                v1.summary.image("input", images)
                v1.summary.image("score_map_pred", f_score * 255)
                v1.summary.image("geo_map_0_pred", f_geometry[:, :, :, 0:1])
                v1.summary.scalar("total_loss", total_loss)
            updates = tf.group(*v1.get_collection(v1.GraphKeys.UPDATE_OPS, scope))
            tower_grads.append(opt.compute_gradients(total_loss))
    averaged = []
    for pairs in zip(*tower_grads, strict=True):
        grad = tf.reduce_mean(tf.concat([tf.expand_dims(g, 0) for g, _ in pairs], 0), 0)
        averaged.append((grad, pairs[0][1]))
    apply_gradient_op = opt.apply_gradients(averaged, global_step=global_step)
    averages = v1.train.ExponentialMovingAverage(0.997, global_step).apply(v1.trainable_variables())
    with v1.control_dependencies([averages, apply_gradient_op, updates]):
        tf.no_op(name="train_op")
    v1.summary.merge_all()
    return [input_images], [f_score, f_geometry]


@case("sequence")
def crnn_of_belval() -> Truth:
    """CRNN with CTC: the class feeds inputs and lengths, and fetches the dense decoding."""
    width, classes = 64, 37
    inputs = v1.placeholder(tf.float32, [None, width, 32, 1], name="input")
    targets = v1.sparse_placeholder(tf.int32, name="targets")
    seq_len = v1.placeholder(tf.int32, [None], name="seq_len")

    def conv2d(x: Tensor, n: int, i: int) -> Tensor:
        w = tf.Variable(v1.truncated_normal([3, 3, int(x.shape[-1]), n], stddev=0.1), name=f"w{i}")
        return tf.nn.relu(tf.nn.conv2d(x, w, 1, "SAME") + tf.Variable(tf.constant(0.1, shape=[n])))

    def lstm(xs: Tensor, units: int, name: str, backward: bool) -> Tensor:
        if backward:
            xs = tf.reverse_sequence(xs, seq_len, seq_axis=1, batch_axis=0)
        with v1.variable_scope(name):
            kernel = _variable("basic_lstm_cell/kernel", [int(xs.shape[-1]) + units, 4 * units])
            bias = _variable("basic_lstm_cell/bias", [4 * units], 0.0)

        def step(state: tuple[Tensor, Tensor], x: Tensor) -> tuple[Tensor, Tensor]:
            c, h = state
            i, j, f, o = tf.split(tf.matmul(tf.concat([x, h], 1), kernel) + bias, 4, 1)
            c = c * tf.sigmoid(f + 1.0) + tf.sigmoid(i) * tf.tanh(j)
            return c, tf.tanh(c) * tf.sigmoid(o)

        zero = tf.zeros([tf.shape(xs)[0], units])
        hs = tf.transpose(tf.scan(step, tf.transpose(xs, [1, 0, 2]), (zero, zero))[1], [1, 0, 2])
        return tf.reverse_sequence(hs, seq_len, seq_axis=1, batch_axis=0) if backward else hs

    net = inputs
    for i, n in enumerate((8, 12, 16)):
        net = conv2d(net, n, i)
        net = v1.nn.max_pool(net, [1, 2 if i < 2 else 1, 2, 1], [1, 2 if i < 2 else 1, 2, 1], "SAME")
    reshaped = tf.reshape(net, [-1, width // 4, 4 * 16])
    with tf.name_scope("BidirectionalLSTM"):
        both = tf.concat([lstm(reshaped, 16, "fw", False), lstm(reshaped, 16, "bw", True)], 2)
        both.set_shape([None, width // 4, 32])
    logits = tf.reshape(both, [-1, 32])
    w = tf.Variable(v1.truncated_normal([32, classes], stddev=0.1), name="W")
    b = tf.Variable(tf.constant(0.0, shape=[classes]), name="b")
    logits = tf.reshape(tf.matmul(logits, w) + b, [tf.shape(inputs)[0], -1, classes])
    logits = tf.transpose(logits, (1, 0, 2))
    loss = v1.nn.ctc_loss(targets, logits, seq_len, ignore_longer_outputs_than_inputs=True)
    cost = tf.reduce_mean(loss)
    decoded, _ = v1.nn.ctc_beam_search_decoder(logits, seq_len, merge_repeated=False)
    dense_decoded = v1.sparse_tensor_to_dense(decoded[0], default_value=-1, name="dense_decoded")
    acc = tf.reduce_mean(v1.edit_distance(tf.cast(decoded[0], tf.int32), targets))
    v1.train.AdamOptimizer(learning_rate=0.0001).minimize(cost)
    v1.summary.scalar("label_error", acc)
    return [inputs, seq_len], [dense_decoded]


@case("detector")
def pose_with_two_towers_and_a_queue() -> Truth:
    """tf-pose-estimation's train.py.

    Its own validation feeds the dequeued ``q_inp`` and fetches both concatenated maps.
    """
    with tf.device("/cpu:0"):
        input_node = v1.placeholder(tf.float32, [8, 64, 64, 3], name="image")
        vectmap_node = v1.placeholder(tf.float32, [8, 8, 8, 38], name="vectmap")
        heatmap_node = v1.placeholder(tf.float32, [8, 8, 8, 19], name="heatmap")
        queue = v1.FIFOQueue(100, [tf.float32] * 3, [[8, 64, 64, 3], [8, 8, 8, 19], [8, 8, 8, 38]])
        queue.enqueue([input_node, heatmap_node, vectmap_node], name="enqueue")
        queue.close()
        q_inp, q_heat, q_vect = queue.dequeue()
        v1.summary.scalar("queued", queue.size())
    q_inp_split, q_heat_split, q_vect_split = tf.split(q_inp, 2), tf.split(q_heat, 2), tf.split(q_vect, 2)

    def separable(x: Tensor, k: int, n: int, name: str, relu: bool = True) -> Tensor:
        with v1.variable_scope(name):
            deep = _variable("depthwise_weights", [k, k, int(x.shape[-1]), 1])
            x = v1.nn.depthwise_conv2d(x, deep, [1, 1, 1, 1], "SAME")
            return _slim_conv(x, n, 1, "pointwise", bn=relu, relu=relu)

    output_vectmap, output_heatmap, losses, last = [], [], [], []
    for gpu in range(2):
        with tf.device(f"/gpu:{gpu}"), v1.variable_scope(v1.get_variable_scope(), reuse=gpu > 0):
            net = q_inp_split[gpu]
            with v1.variable_scope("MobilenetV1"):
                for i, n in enumerate((8, 12, 16)):
                    net = _slim_conv(net, n, 3, f"Conv2d_{i}", stride=2)
            feature, stages = net, []
            for stage in range(1, 4):
                with v1.variable_scope(f"Openpose/MConv_Stage{stage}"):
                    l1, l2 = (
                        separable(separable(net, 3, 16, f"{b}_1"), 1, n, f"{b}_5", False)
                        for b, n in (("L1", 38), ("L2", 19))
                    )
                stages.append((l1, l2))
                net = tf.concat([l1, l2, feature], 3)
            output_vectmap.append(stages[-1][0])
            output_heatmap.append(stages[-1][1])
            for idx, (l1, l2) in enumerate(stages):
                loss1 = tf.nn.l2_loss(l1 - q_vect_split[gpu], name=f"loss_l1_stage{idx}_tower{gpu}")
                loss2 = tf.nn.l2_loss(l2 - q_heat_split[gpu], name=f"loss_l2_stage{idx}_tower{gpu}")
                losses.append(tf.reduce_mean([loss1, loss2]))
            last.append(losses[-1])
    with tf.device("/gpu:0"):
        total_loss = tf.reduce_sum(losses) / 8
        total_loss_ll = tf.reduce_mean(last) / 8
        output_vect = tf.concat(output_vectmap, axis=0)
        output_heat = tf.concat(output_heatmap, axis=0)
        global_step = tf.Variable(0, trainable=False)
        rate = v1.train.cosine_decay(0.001, global_step, 10000)
        optimizer = v1.train.AdamOptimizer(rate, epsilon=1e-8)
        with v1.control_dependencies(v1.get_collection(v1.GraphKeys.UPDATE_OPS)):
            optimizer.minimize(total_loss, global_step, colocate_gradients_with_ops=True)
    v1.summary.scalar("loss", total_loss)
    v1.summary.scalar("loss_lastlayer", total_loss_ll)
    v1.summary.merge_all()
    valid_loss = v1.placeholder(tf.float32, shape=[])
    sample_train = v1.placeholder(tf.float32, shape=(4, 640, 640, 3))
    v1.summary.merge(
        [v1.summary.image("training sample", sample_train, 4), v1.summary.scalar("loss_valid", valid_loss)]
    )
    return [q_inp], [output_heat, output_vect]


@case("embedding")
def facenet_with_triplets() -> Truth:
    """FaceNet: paths go in by a queue of their own; compare.py feeds ``input`` and fetches ``embeddings``."""
    step = v1.train.get_or_create_global_step()
    learning_rate = v1.placeholder(tf.float32, name="learning_rate")
    batch_size = v1.placeholder(tf.int32, name="batch_size")
    phase_train = v1.placeholder(tf.bool, name="phase_train")
    image_paths = v1.placeholder(tf.string, shape=(None, 3), name="image_paths")
    labels_ph = v1.placeholder(tf.int64, shape=(None, 3), name="labels")
    queue = v1.FIFOQueue(100000, [tf.string, tf.int64], shapes=[(3,), (3,)], shared_name=None, name=None)
    queue.enqueue_many([image_paths, labels_ph])
    ready = []
    for _ in range(2):
        filenames, label = queue.dequeue()
        images = []
        for filename in tf.unstack(filenames):
            picture = tf.image.decode_image(v1.read_file(filename), channels=3, expand_animations=False)
            picture = v1.random_crop(picture, [32, 32, 3])
            picture = tf.image.random_flip_left_right(picture)
            picture.set_shape((32, 32, 3))
            images.append(tf.image.per_image_standardization(picture))
        ready.append([images, label])
    image_batch, labels_batch = v1.train.batch_join(
        ready,
        batch_size=batch_size,
        shapes=[(32, 32, 3), ()],
        enqueue_many=True,
        capacity=400,
        allow_smaller_final_batch=True,
    )
    image_batch = tf.identity(image_batch, "image_batch")
    image_batch = tf.identity(image_batch, "input")
    labels_batch = tf.identity(labels_batch, "label_batch")

    def conv(x: Tensor, n: int, k: int, name: str, stride: int = 1) -> Tensor:
        with v1.variable_scope(name):
            w = _variable("weights", [k, k, int(x.shape[-1]), n])
            return tf.nn.relu(_bn_cond(tf.nn.conv2d(x, w, stride, "SAME"), phase_train, "BatchNorm"))

    with v1.variable_scope("InceptionResnetV1"):
        net = conv(conv(image_batch, 8, 3, "Conv2d_1a_3x3", 2), 16, 3, "Conv2d_2a_3x3", 2)
        for i in range(2):
            with v1.variable_scope(f"Repeat/block35_{i + 1}"):
                mixed = tf.concat(
                    [
                        conv(net, 8, 1, "Branch_0/Conv2d_1x1"),
                        conv(conv(net, 8, 1, "Branch_1/Conv2d_0a"), 8, 3, "Branch_1/Conv2d_0b"),
                    ],
                    3,
                )
                up = _slim_conv(mixed, 16, 1, "Conv2d_1x1", bn=False, relu=False)
                net = tf.nn.relu(net + 0.17 * up)
        with v1.variable_scope("Logits"):
            net = tf.reshape(tf.nn.avg_pool(net, [1, 8, 8, 1], [1, 8, 8, 1], "VALID"), [-1, 16])
            keep = v1.cond(phase_train, lambda: tf.constant(0.8), lambda: tf.constant(1.0))
            net = v1.nn.dropout(net, keep_prob=keep)
        prelogits = tf.matmul(net, _variable("Bottleneck/weights", [16, 24]))
    embeddings = tf.nn.l2_normalize(prelogits, 1, 1e-10, name="embeddings")
    anchor, positive, negative = tf.unstack(tf.reshape(embeddings, [-1, 3, 24]), 3, 1)
    with v1.variable_scope("triplet_loss"):
        pos_dist = tf.reduce_sum(tf.square(anchor - positive), 1)
        neg_dist = tf.reduce_sum(tf.square(anchor - negative), 1)
        triplet_loss = tf.reduce_mean(tf.maximum(pos_dist - neg_dist + 0.2, 0.0), 0)
    decayed = v1.train.exponential_decay(learning_rate, step, 1000, 1.0, staircase=True)
    v1.summary.scalar("learning_rate", decayed)
    total_loss = tf.add_n(
        [triplet_loss, *[1e-4 * tf.nn.l2_loss(v) for v in v1.trainable_variables()]], name="total_loss"
    )
    averages = v1.train.ExponentialMovingAverage(0.9, name="avg").apply([total_loss])
    with v1.control_dependencies([averages, *v1.get_collection(v1.GraphKeys.UPDATE_OPS)]):
        grads = v1.train.AdagradOptimizer(decayed).compute_gradients(total_loss)
    v1.train.AdagradOptimizer(decayed).apply_gradients(grads, global_step=step)
    v1.summary.merge_all()
    return [image_batch], [embeddings]


@case("segmentation")
def deeplab_with_decoder_and_clones() -> Truths:
    """DeepLab v3+.

    Samples of an iterator renamed ``image``, logits named ``semantic``; classes only in a summary.
    """
    files = tf.data.Dataset.list_files("/data/pascal_voc/train-*.tfrecord", shuffle=False)

    def parse(record: Tensor) -> dict[str, Tensor]:
        keys = {
            k: v1.FixedLenFeature((), tf.string, "")
            for k in ("image/encoded", "image/segmentation/class/encoded")
        }
        parsed = v1.parse_single_example(record, keys)
        image = tf.cast(tf.image.decode_jpeg(parsed["image/encoded"], 3), tf.float32)
        label = tf.cast(tf.image.decode_png(parsed["image/segmentation/class/encoded"], 1), tf.float32)
        both = v1.random_crop(tf.concat([image, label], 2), [65, 65, 4])
        return {
            "image": both[..., :3],
            "label": tf.cast(both[..., 3:], tf.int32),
            "height": tf.shape(image)[0],
        }

    data = tf.data.TFRecordDataset(files).map(parse).shuffle(100).repeat().batch(4, drop_remainder=True)
    samples = v1.data.make_initializable_iterator(data.prefetch(2)).get_next()
    v1.train.get_or_create_global_step()
    with tf.name_scope("clone_0"):
        image = tf.identity(samples["image"], name="image")
        label = tf.identity(samples["label"], name="label")
        net = (2.0 / 255.0) * image - 1.0
        low = None
        with v1.variable_scope("xception_65/entry_flow"):
            for i, n in enumerate((8, 12, 16)):
                net = _slim_conv(net, n, 3, f"block{i}/unit_1/separable_conv", stride=2)
                low = net if i == 1 else low
        branches = [_slim_conv(net, 12, 1, "aspp0")]
        branches += [_slim_conv(net, 12, 3, f"aspp{i}", rate=r) for i, r in enumerate((2, 4, 6), 1)]
        pooled = _slim_conv(tf.reduce_mean(net, [1, 2], keepdims=True), 12, 1, "image_pooling")
        branches.append(v1.image.resize_bilinear(pooled, [9, 9], align_corners=True))
        net = _slim_conv(tf.concat(branches, 3), 16, 1, "concat_projection")
        net = v1.nn.dropout(net, keep_prob=0.9, name="concat_projection_dropout")
        with v1.variable_scope("decoder"):
            low = _slim_conv(low, 8, 1, "feature_projection0")
            net = tf.concat([v1.image.resize_bilinear(net, [17, 17], align_corners=True), low], 3)
            net = _slim_conv(net, 16, 3, "decoder_conv0")
        with v1.variable_scope("logits"):
            logits = _slim_conv(net, 21, 1, "semantic", bn=False, relu=False)
        semantic = tf.identity(logits, name="semantic")
        scaled = v1.image.resize_bilinear(logits, tf.shape(label)[1:3], align_corners=True)
        flat = tf.reshape(label, [-1])
        weights = tf.cast(tf.not_equal(flat, 255), tf.float32)
        one_hot = tf.one_hot(flat, 21, on_value=1.0, off_value=0.0)
        v1.losses.softmax_cross_entropy(
            one_hot, tf.reshape(scaled, [-1, 21]), weights=weights, scope="semantic_loss"
        )
    v1.summary.image("samples/image", image)
    v1.summary.image("samples/label", tf.cast(label * 12, tf.uint8))
    predictions = tf.cast(tf.expand_dims(tf.argmax(semantic, 3), -1), tf.int32)
    v1.summary.image("samples/semantic_predictions", tf.cast(predictions * 12, tf.uint8))
    rate = v1.train.polynomial_decay(0.007, v1.train.get_global_step(), 30000, 0, 0.9)
    optimizer = v1.train.MomentumOptimizer(rate, 0.9)
    total = tf.debugging.check_numerics(v1.losses.get_total_loss(), "Loss is inf or nan.")
    grads = optimizer.compute_gradients(total)
    grads = [(g * 10.0 if v.op.name.startswith("logits") else g, v) for g, v in grads]
    update = optimizer.apply_gradients(grads, global_step=v1.train.get_global_step())
    with v1.control_dependencies([update, *v1.get_collection(v1.GraphKeys.UPDATE_OPS)]):
        tf.identity(total, name="train_op")
    return [([image], [semantic]), ([image], [predictions])]


@case("adversarial")
def fast_style_transfer_with_vgg_constants() -> Truth:
    """Engstrom's style transfer: ``preds`` is the picture; what follows is a constant VGG for the losses."""
    rng = np.random.RandomState(0)
    style_gram = rng.rand(12, 12).astype(np.float32)
    X_content = v1.placeholder(tf.float32, shape=(4, 64, 64, 3), name="X_content")
    vgg_weights = [
        (rng.randn(3, 3, a, b).astype(np.float32), rng.randn(b).astype(np.float32))
        for a, b in ((3, 8), (8, 12))
    ]

    def vgg(x: Tensor) -> list[Tensor]:
        layers = []
        for kernel, bias in vgg_weights:
            x = tf.nn.relu(tf.nn.bias_add(tf.nn.conv2d(x, tf.constant(kernel), 1, "SAME"), bias))
            layers.append(x)
            x = v1.nn.max_pool(x, ksize=(1, 2, 2, 1), strides=(1, 2, 2, 1), padding="SAME")
        return layers

    def instance_norm(x: Tensor) -> Tensor:
        mu, sigma_sq = tf.nn.moments(x, [1, 2], keepdims=True)
        shift = tf.Variable(tf.zeros([int(x.shape[-1])]))
        scale = tf.Variable(tf.ones([int(x.shape[-1])]))
        return scale * (x - mu) / (sigma_sq + 1e-3) ** 0.5 + shift

    def conv_layer(x: Tensor, n: int, k: int, stride: int, relu: bool = True) -> Tensor:
        w = tf.Variable(
            v1.truncated_normal([k, k, int(x.shape[-1]), n], stddev=0.1, seed=1), dtype=tf.float32
        )
        x = instance_norm(tf.nn.conv2d(x, w, stride, "SAME"))
        return tf.nn.relu(x) if relu else x

    def conv_tranpose_layer(x: Tensor, n: int) -> Tensor:
        w = tf.Variable(
            v1.truncated_normal([3, 3, n, int(x.shape[-1])], stddev=0.1, seed=1), dtype=tf.float32
        )
        batch, rows, cols, _ = (int(i) for i in x.shape)
        return tf.nn.relu(
            instance_norm(tf.nn.conv2d_transpose(x, w, [batch, rows * 2, cols * 2, n], 2, "SAME"))
        )

    content_features = vgg(X_content - np.array([123.68, 116.779, 103.939], np.float32))
    net = conv_layer(conv_layer(conv_layer(X_content / 255.0, 8, 9, 1), 12, 3, 2), 16, 3, 2)
    for _ in range(2):
        net = net + conv_layer(conv_layer(net, 16, 3, 1), 16, 3, 1, relu=False)
    net = conv_layer(conv_tranpose_layer(conv_tranpose_layer(net, 12), 8), 3, 9, 1, relu=False)
    preds = tf.nn.tanh(net) * 150 + 255.0 / 2
    generated = vgg(preds - np.array([123.68, 116.779, 103.939], np.float32))
    content_loss = 7.5 * 2 * tf.nn.l2_loss(generated[1] - content_features[1]) / (4 * 32 * 32 * 12)
    feats = tf.reshape(generated[1], (4, 32 * 32, 12))
    grams = tf.matmul(tf.transpose(feats, [0, 2, 1]), feats) / (32 * 32 * 12)
    style_loss = 100.0 * 2 * tf.nn.l2_loss(grams - style_gram) / style_gram.size
    y_tv = tf.nn.l2_loss(preds[:, 1:, :, :] - preds[:, :63, :, :])
    x_tv = tf.nn.l2_loss(preds[:, :, 1:, :] - preds[:, :, :63, :])
    loss = content_loss + style_loss + 200.0 * 2 * (x_tv + y_tv) / 4
    v1.train.AdamOptimizer(1e-3).minimize(loss)
    return [X_content], [preds]


@case("adversarial")
def pix2pix_from_paired_files() -> Truths:
    """pix2pix of affinelayer.

    Test mode fetches the PNGs; the pictures before (uint8, or tanh) get served just as well.
    """
    paths = v1.train.string_input_producer([f"facades/train/{i}.jpg" for i in range(1, 9)], shuffle=True)
    with tf.name_scope("load_images"):
        path, contents = v1.WholeFileReader().read(paths)
        raw = tf.image.convert_image_dtype(tf.image.decode_jpeg(contents), dtype=tf.float32)
        check = v1.assert_equal(tf.shape(raw)[2], 3, message="image does not have 3 channels")
        with v1.control_dependencies([check]):
            raw = tf.identity(raw)
        raw.set_shape([None, None, 3])
        width = tf.shape(raw)[1]
        a_images = raw[:, : width // 2, :] * 2 - 1
        b_images = raw[:, width // 2 :, :] * 2 - 1

    def transform(image: Tensor) -> Tensor:
        r = tf.image.random_flip_left_right(image, seed=7)
        r = v1.image.resize_images(r, [36, 36], method=v1.image.ResizeMethod.AREA)
        offset = tf.cast(tf.floor(v1.random_uniform([2], 0, 5, seed=7)), dtype=tf.int32)
        return tf.image.crop_to_bounding_box(r, offset[0], offset[1], 32, 32)

    with tf.name_scope("input_images"):
        input_images = transform(b_images)
    with tf.name_scope("target_images"):
        target_images = transform(a_images)
    paths_batch, inputs, targets = v1.train.batch([path, input_images, target_images], batch_size=1)

    def batchnorm(x: Tensor) -> Tensor:
        with v1.variable_scope("batchnorm"):
            n = int(x.shape[3])
            offset, scale = _variable("offset", [n], 0.0), _variable("scale", [n], 1.0)
            mean, variance = tf.nn.moments(x, axes=[0, 1, 2], keepdims=False)
            return tf.nn.batch_normalization(x, mean, variance, offset, scale, variance_epsilon=1e-5)

    def lrelu(x: Tensor, a: float) -> Tensor:
        with tf.name_scope("lrelu"):
            x = tf.identity(x)
            return (0.5 * (1 + a)) * x + (0.5 * (1 - a)) * tf.abs(x)

    def conv(x: Tensor, n: int, stride: int) -> Tensor:
        with v1.variable_scope("conv"):
            padded = tf.pad(x, [[0, 0], [1, 1], [1, 1], [0, 0]], mode="CONSTANT")
            return tf.nn.conv2d(padded, _variable("filter", [4, 4, int(x.shape[3]), n]), stride, "VALID")

    def deconv(x: Tensor, n: int) -> Tensor:
        with v1.variable_scope("deconv"):
            b, h, w, c = (int(d) for d in x.shape)
            return tf.nn.conv2d_transpose(
                x, _variable("filter", [4, 4, n, c]), [b, h * 2, w * 2, n], 2, "SAME"
            )

    def create_discriminator(one: Tensor, two: Tensor) -> Tensor:
        x = tf.concat([one, two], axis=3)
        for i, (n, s) in enumerate(((8, 2), (16, 2), (1, 1)), 1):
            with v1.variable_scope(f"layer_{i}"):
                x = conv(x, n, s)
                x = tf.sigmoid(x) if n == 1 else lrelu(x if i == 1 else batchnorm(x), 0.2)
        return x

    with v1.variable_scope("generator"):
        with v1.variable_scope("encoder_1"):
            layers = [conv(inputs, 8, 2)]
        for i, n in enumerate((12, 16, 16), 2):
            with v1.variable_scope(f"encoder_{i}"):
                layers.append(batchnorm(conv(lrelu(layers[-1], 0.2), n, 2)))
        x = layers[-1]
        for i, (n, drop) in enumerate(((16, 0.5), (12, 0.5), (8, 0.0))):
            with v1.variable_scope(f"decoder_{4 - i}"):
                x = x if i == 0 else tf.concat([x, layers[3 - i]], axis=3)
                x = batchnorm(deconv(tf.nn.relu(x), n))
                x = v1.nn.dropout(x, keep_prob=1 - drop) if drop else x
        with v1.variable_scope("decoder_1"):
            outputs = tf.tanh(deconv(tf.nn.relu(tf.concat([x, layers[0]], axis=3)), 3))
    with tf.name_scope("real_discriminator"), v1.variable_scope("discriminator"):
        predict_real = create_discriminator(inputs, targets)
    with tf.name_scope("fake_discriminator"), v1.variable_scope("discriminator", reuse=True):
        predict_fake = create_discriminator(inputs, outputs)
    with tf.name_scope("discriminator_loss"):
        discrim_loss = tf.reduce_mean(
            -(tf.math.log(predict_real + 1e-12) + tf.math.log(1 - predict_fake + 1e-12))
        )
    with tf.name_scope("generator_loss"):
        gen_gan = tf.reduce_mean(-tf.math.log(predict_fake + 1e-12))
        gen_l1 = tf.reduce_mean(tf.abs(targets - outputs))
        gen_loss = gen_gan + gen_l1 * 100.0
    with tf.name_scope("discriminator_train"):
        tvars = [v for v in v1.trainable_variables() if v.name.startswith("discriminator")]
        discrim_train = v1.train.AdamOptimizer(2e-4, 0.5).minimize(discrim_loss, var_list=tvars)
    with tf.name_scope("generator_train"), v1.control_dependencies([discrim_train]):
        tvars = [v for v in v1.trainable_variables() if v.name.startswith("generator")]
        gen_train = v1.train.AdamOptimizer(2e-4, 0.5).minimize(gen_loss, var_list=tvars)
    ema = v1.train.ExponentialMovingAverage(decay=0.99)
    update_losses = ema.apply([discrim_loss, gen_gan, gen_l1])
    incr = v1.assign(v1.train.get_or_create_global_step(), v1.train.get_or_create_global_step() + 1)
    tf.group(update_losses, incr, gen_train)
    shown = {}
    for name, picture in (("inputs", inputs), ("targets", targets), ("outputs", outputs)):
        with tf.name_scope(f"deprocess_{name}"):
            picture = (picture + 1) / 2
        with tf.name_scope(f"convert_{name}"):
            shown[name] = tf.image.convert_image_dtype(picture, dtype=tf.uint8, saturate=True)
    with tf.name_scope("encode_images"):
        pngs = {
            k: tf.map_fn(tf.image.encode_png, v, dtype=tf.string, name=f"{k[:-1]}_pngs")
            for k, v in shown.items()
        }
    for name, picture in shown.items():
        with tf.name_scope(f"{name}_summary"):
            v1.summary.image(name, picture)
    v1.summary.scalar("discriminator_loss", ema.average(discrim_loss))
    tf.strings.length(paths_batch)
    return [([inputs], [shown["outputs"]]), ([inputs], [pngs["outputs"]]), ([inputs], [outputs])]


@case("adversarial")
def cyclegan_with_test_placeholders() -> Truths:
    """Xhujoy's CycleGAN.

    ``test_A`` and ``test_B`` exist for testing only; the test takes one direction at a time.
    """

    def norm(x: Tensor, name: str) -> Tensor:
        with v1.variable_scope(name):
            scale, offset = (
                _variable("scale", [int(x.shape[-1])], 1.0),
                _variable("offset", [int(x.shape[-1])], 0.0),
            )
            mean, variance = tf.nn.moments(x, axes=[1, 2], keepdims=True)
            return scale * (x - mean) * v1.rsqrt(variance + 1e-5) + offset

    def conv2d(x: Tensor, n: int, k: int, s: int, name: str, padding: str = "SAME") -> Tensor:
        with v1.variable_scope(name):
            return tf.nn.conv2d(x, _variable("Conv/weights", [k, k, int(x.shape[-1]), n]), s, padding)

    def generator(image: Tensor, reuse: bool, name: str) -> Tensor:
        with v1.variable_scope(name, reuse=reuse):
            c = tf.pad(image, [[0, 0], [3, 3], [3, 3], [0, 0]], "REFLECT")
            c = tf.nn.relu(norm(conv2d(c, 8, 7, 1, "g_e1_c", "VALID"), "g_e1_bn"))
            c = tf.nn.relu(norm(conv2d(c, 16, 3, 2, "g_e2_c"), "g_e2_bn"))
            for i in range(2):
                y = tf.pad(c, [[0, 0], [1, 1], [1, 1], [0, 0]], "REFLECT")
                c = c + norm(conv2d(y, 16, 3, 1, f"g_r{i}_c", "VALID"), f"g_r{i}_bn")
            with v1.variable_scope("g_d1_dc"):
                shape = tf.shape(c)
                size = tf.stack([shape[0], shape[1] * 2, shape[2] * 2, 8])
                d = tf.nn.conv2d_transpose(c, _variable("weights", [3, 3, 8, 16]), size, 2, "SAME")
            d = tf.nn.relu(norm(tf.reshape(d, [-1, 32, 32, 8]), "g_d1_bn"))
            d = tf.pad(d, [[0, 0], [3, 3], [3, 3], [0, 0]], "REFLECT")
            return tf.nn.tanh(conv2d(d, 3, 7, 1, "g_pred_c", "VALID"))

    def discriminator(image: Tensor, reuse: bool, name: str) -> Tensor:
        with v1.variable_scope(name, reuse=reuse):
            h0 = tf.nn.leaky_relu(conv2d(image, 8, 4, 2, "d_h0_conv"))
            h1 = tf.nn.leaky_relu(norm(conv2d(h0, 16, 4, 2, "d_h1_conv"), "d_bn1"))
            return conv2d(h1, 1, 4, 1, "d_h3_pred")

    def mae(x: Tensor, target: Tensor) -> Tensor:
        return tf.reduce_mean((x - target) ** 2)

    real_data = v1.placeholder(tf.float32, [None, 32, 32, 6], name="real_A_and_B_images")
    real_A, real_B = real_data[:, :, :, :3], real_data[:, :, :, 3:6]
    fake_B = generator(real_A, False, "generatorA2B")
    fake_A_ = generator(fake_B, False, "generatorB2A")
    fake_A = generator(real_B, True, "generatorB2A")
    fake_B_ = generator(fake_A, True, "generatorA2B")
    DB_fake = discriminator(fake_B, False, "discriminatorB")
    DA_fake = discriminator(fake_A, False, "discriminatorA")
    cycle = 10.0 * (tf.reduce_mean(tf.abs(real_A - fake_A_)) + tf.reduce_mean(tf.abs(real_B - fake_B_)))
    g_loss = mae(DA_fake, tf.ones_like(DA_fake)) + mae(DB_fake, tf.ones_like(DB_fake)) + cycle
    fake_A_sample = v1.placeholder(tf.float32, [None, 32, 32, 3], name="fake_A_sample")
    fake_B_sample = v1.placeholder(tf.float32, [None, 32, 32, 3], name="fake_B_sample")
    d_loss = tf.constant(0.0)
    for real, sample, name in (
        (real_B, fake_B_sample, "discriminatorB"),
        (real_A, fake_A_sample, "discriminatorA"),
    ):
        on_real, on_fake = discriminator(real, True, name), discriminator(sample, True, name)
        d_loss += (mae(on_real, tf.ones_like(on_real)) + mae(on_fake, tf.zeros_like(on_fake))) / 2
    v1.summary.merge([v1.summary.scalar("g_loss", g_loss)])
    v1.summary.merge([v1.summary.scalar("d_loss", d_loss)])
    test_A = v1.placeholder(tf.float32, [None, 32, 32, 3], name="test_A")
    test_B = v1.placeholder(tf.float32, [None, 32, 32, 3], name="test_B")
    testB = generator(test_A, True, "generatorA2B")
    testA = generator(test_B, True, "generatorB2A")
    lr = v1.placeholder(tf.float32, None, name="learning_rate")
    t_vars = v1.trainable_variables()
    v1.train.AdamOptimizer(lr, beta1=0.5).minimize(
        d_loss, var_list=[v for v in t_vars if "discriminator" in v.name]
    )
    v1.train.AdamOptimizer(lr, beta1=0.5).minimize(
        g_loss, var_list=[v for v in t_vars if "generator" in v.name]
    )
    return [([test_A, test_B], [testB, testA]), ([test_A], [testB]), ([test_B], [testA])]


@case("adversarial", plain=True)
def dcgan_conditioned_on_digits() -> Truth:
    """carpedm20's DCGAN on MNIST: samples come from ``sampler``, which is fed z and the one-hot digit."""
    batch = 16
    y = v1.placeholder(tf.float32, [batch, 10], name="y")
    inputs = v1.placeholder(tf.float32, [batch, 28, 28, 1], name="real_images")
    z = v1.placeholder(tf.float32, [None, 20], name="z")
    ema_updates: list[Tensor] = []

    def linear(x: Tensor, n: int, scope: str) -> Tensor:
        with v1.variable_scope(scope):
            matrix = _variable("Matrix", [int(x.shape[1]), n])
            return tf.matmul(x, matrix) + _variable("bias", [n], 0.0)

    def bn(x: Tensor, name: str, train: bool = True) -> Tensor:
        with v1.variable_scope(name):
            n = int(x.shape[-1])
            beta, gamma = _variable("beta", [n], 0.0), _variable("gamma", [n], 1.0)
            mean, var = (
                _variable("moving_mean", [n], 0.0, False),
                _variable("moving_variance", [n], 1.0, False),
            )
            if not train:
                return tf.nn.batch_normalization(x, mean, var, beta, gamma, 1e-5)
            m, v = tf.nn.moments(x, list(range(x.shape.rank - 1)))
            ups = [v1.assign(mean, mean * 0.9 + m * 0.1), v1.assign(var, var * 0.9 + v * 0.1)]
            ema_updates.extend(ups)
            with v1.control_dependencies(ups):
                return tf.nn.batch_normalization(x, tf.identity(m), tf.identity(v), beta, gamma, 1e-5)

    def conv_cond_concat(x: Tensor, yb: Tensor) -> Tensor:
        return tf.concat([x, yb * tf.ones([int(x.shape[0]), int(x.shape[1]), int(x.shape[2]), 10])], 3)

    def deconv2d(x: Tensor, shape: list[int], name: str) -> Tensor:
        with v1.variable_scope(name):
            out = tf.nn.conv2d_transpose(x, _variable("w", [5, 5, shape[-1], int(x.shape[-1])]), shape, 2)
            return tf.reshape(tf.nn.bias_add(out, _variable("biases", [shape[-1]], 0.0)), shape)

    def generate(train: bool) -> Tensor:
        with v1.variable_scope("generator") as scope:
            if not train:
                scope.reuse_variables()
            yb = tf.reshape(y, [batch, 1, 1, 10])
            h0 = tf.nn.relu(bn(linear(tf.concat([z, y], 1), 32, "g_h0_lin"), "g_bn0", train))
            h1 = tf.nn.relu(bn(linear(tf.concat([h0, y], 1), 8 * 49, "g_h1_lin"), "g_bn1", train))
            h1 = conv_cond_concat(tf.reshape(h1, [batch, 7, 7, 8]), yb)
            h2 = tf.nn.relu(bn(deconv2d(h1, [batch, 14, 14, 8], "g_h2"), "g_bn2", train))
            return tf.nn.sigmoid(deconv2d(conv_cond_concat(h2, yb), [batch, 28, 28, 1], "g_h3"))

    def discriminate(image: Tensor, reuse: bool) -> tuple[Tensor, Tensor]:
        with v1.variable_scope("discriminator") as scope:
            if reuse:
                scope.reuse_variables()
            x = conv_cond_concat(image, tf.reshape(y, [batch, 1, 1, 10]))
            with v1.variable_scope("d_h0_conv"):
                w = _variable("w", [5, 5, 11, 11])
                h0 = tf.nn.leaky_relu(tf.nn.conv2d(x, w, 2, "SAME"))
            h0 = tf.concat([tf.reshape(h0, [batch, -1]), y], 1)
            h0.set_shape([batch, 14 * 14 * 11 + 10])
            h1 = tf.concat([tf.nn.leaky_relu(bn(linear(h0, 16, "d_h2_lin"), "d_bn2")), y], 1)
            h3 = linear(h1, 1, "d_h3_lin")
            return tf.nn.sigmoid(h3), h3

    v1.summary.histogram("z", z)
    G = generate(True)
    D, D_logits = discriminate(inputs, False)
    sampler = generate(False)
    D_, D_logits_ = discriminate(G, True)
    v1.summary.histogram("d", D)
    v1.summary.histogram("d_", D_)
    v1.summary.image("G", G)

    def ce(x: Tensor, target: Tensor) -> Tensor:
        return tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(logits=x, labels=target))

    d_loss = ce(D_logits, tf.ones_like(D)) + ce(D_logits_, tf.zeros_like(D_))
    g_loss = ce(D_logits_, tf.ones_like(D_))
    t_vars = v1.trainable_variables()
    v1.train.AdamOptimizer(2e-4, 0.5).minimize(d_loss, var_list=[v for v in t_vars if "d_" in v.name])
    v1.train.AdamOptimizer(2e-4, 0.5).minimize(g_loss, var_list=[v for v in t_vars if "g_" in v.name])
    return [z, y], [sampler]


class _Edsr:
    """Enhanced deep super resolution, everything in the constructor."""

    def __init__(self, layers: int, features: int, scale: int) -> None:
        self.input = x = v1.placeholder(tf.float32, [None, None, None, 3])
        self.target = y = v1.placeholder(tf.float32, [None, None, None, 3])
        image_input = x - 127.0
        image_target = y - 127.0
        x = conv_1 = self.conv(image_input, features)
        for _ in range(layers):
            x = x + 0.1 * self.conv(tf.nn.relu(self.conv(x, features)), features)
        x = self.conv(x, features) + conv_1
        x = v1.depth_to_space(tf.nn.relu(self.conv(x, 3 * scale * scale * 4)), scale)
        output = self.conv(x, 3)
        self.out = tf.clip_by_value(output + 127.0, 0.0, 255.0)
        self.loss = loss = tf.reduce_mean(v1.losses.absolute_difference(image_target, output))
        mse = tf.reduce_mean(tf.math.squared_difference(image_target, output))
        psnr = 10 * tf.math.log(tf.constant(255.0**2) / mse) / tf.math.log(10.0)
        v1.summary.scalar("loss", loss)
        v1.summary.scalar("PSNR", psnr)
        v1.summary.image("output_image", tf.cast(self.out, tf.uint8))
        self.train_op = v1.train.AdamOptimizer().minimize(loss)

    @staticmethod
    def conv(x: Tensor, n: int) -> Tensor:
        w = tf.Variable(tf.random.normal([3, 3, int(x.shape[-1]), n], stddev=0.05, seed=3))
        return tf.nn.conv2d(x, w, 1, "SAME") + tf.Variable(tf.zeros([n]))


@case("autoencoder", frozen=True)
def edsr_without_names() -> Truth:
    """EDSR of jmiller: predict feeds the nameless first placeholder and fetches the clipped output."""
    network = _Edsr(layers=3, features=12, scale=2)
    return [network.input], [network.out]
