"""Graphs of research repositories and public model collections: trained from queues, tuned, exported."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from benchmarks.endpoints.cases import Truth, Truths, case, v1

Tensor = Any
Act = Callable[[Tensor], Tensor] | None


def _var(name: str, shape: list[int], decay: float = 0.0) -> Tensor:
    w = v1.get_variable(name, shape, initializer=v1.truncated_normal_initializer(stddev=0.05))
    if decay:
        v1.add_to_collection(v1.GraphKeys.REGULARIZATION_LOSSES, tf.multiply(tf.nn.l2_loss(w), decay))
    return w


def _bn(x: Tensor, training: Any, scope: str = "BatchNorm") -> Tensor:
    """Batch norm as slim writes it: moving averages by update ops; the flag a bool or a tensor."""
    n = int(x.shape[-1])
    with v1.variable_scope(scope):
        beta = v1.get_variable("beta", [n], initializer=v1.zeros_initializer())
        gamma = v1.get_variable("gamma", [n], initializer=v1.ones_initializer())
        mean = v1.get_variable("moving_mean", [n], initializer=v1.zeros_initializer(), trainable=False)
        var = v1.get_variable("moving_variance", [n], initializer=v1.ones_initializer(), trainable=False)
        if training is False:
            return tf.nn.batch_normalization(x, mean, var, beta, gamma, 0.001)
        now_mean, now_var = tf.nn.moments(x, list(range(len(x.shape) - 1)))
        for old, new in ((mean, now_mean), (var, now_var)):
            step = v1.assign_sub(old, (old - new) * 0.003, name="AssignMovingAvg")
            v1.add_to_collection(v1.GraphKeys.UPDATE_OPS, step)
        if training is not True:
            chosen = v1.cond(
                training, lambda: (now_mean, now_var), lambda: (tf.identity(mean), tf.identity(var))
            )
            now_mean, now_var = chosen
        return tf.nn.batch_normalization(x, now_mean, now_var, beta, gamma, 0.001)


def _conv(
    x: Tensor,
    n: int,
    k: int,
    scope: str,
    stride: int = 1,
    act: Act = tf.nn.relu,
    training: Any = None,
    rate: int = 1,
    decay: float = 0.0,
) -> Tensor:
    """A convolution with either a bias or, where a training flag is given, batch norm."""
    with v1.variable_scope(scope):
        w = _var("weights", [k, k, int(x.shape[-1]), n], decay)
        x = tf.nn.conv2d(x, w, [1, stride, stride, 1], "SAME", dilations=[1, rate, rate, 1])
        if training is None:
            x = tf.nn.bias_add(x, v1.get_variable("biases", [n], initializer=v1.zeros_initializer()))
        else:
            x = _bn(x, training)
        return x if act is None else act(x)


def _separable(
    x: Tensor, n: int, scope: str, stride: int = 1, training: Any = False, rate: int = 1
) -> Tensor:
    with v1.variable_scope(scope + "_depthwise"):
        w = _var("depthwise_weights", [3, 3, int(x.shape[-1]), 1])
        x = tf.nn.depthwise_conv2d(x, w, [1, stride, stride, 1], "SAME", dilations=[rate, rate])
        x = tf.nn.relu6(_bn(x, training))
    return _conv(x, n, 1, scope + "_pointwise", act=tf.nn.relu6, training=training)


def _fc(x: Tensor, n: int, scope: str, act: Act = None, decay: float = 0.0) -> Tensor:
    with v1.variable_scope(scope):
        w = _var("weights", [int(x.shape[-1]), n], decay)
        b = v1.get_variable("biases", [n], initializer=v1.zeros_initializer())
        x = tf.tensordot(x, w, 1) + b if len(x.shape) > 2 else v1.nn.xw_plus_b(x, w, b)
        return x if act is None else act(x)


@case("classifier")
def flowers_prefetched_for_two_clones() -> Truths:
    """Shards to a queue, distorted jpegs to batches, batches to a prefetch queue, and a clone a card."""
    with tf.device("/cpu:0"):
        global_step = v1.train.create_global_step()
        with tf.name_scope("parallel_read"):
            shards = v1.train.string_input_producer(["flowers-train-0", "flowers-train-1"], capacity=15)
            common = v1.RandomShuffleQueue(40, 10, [tf.string], shapes=[[]], name="common_queue")
            readers = [common.enqueue([v1.TFRecordReader().read(shards)[1]]) for _ in range(2)]
            v1.train.add_queue_runner(v1.train.QueueRunner(common, readers))
            record = common.dequeue()
        parsed = v1.parse_single_example(
            record,
            {
                "image/encoded": v1.FixedLenFeature((), tf.string, default_value=""),
                "image/class/label": v1.FixedLenFeature([], tf.int64),
            },
        )
        image = tf.image.convert_image_dtype(tf.io.decode_jpeg(parsed["image/encoded"], 3), tf.float32)
        with tf.name_scope("distorted_bounding_box_crop"):
            box = tf.constant([0.0, 0.0, 1.0, 1.0], shape=[1, 1, 4])
            begin, size, _ = tf.image.sample_distorted_bounding_box(
                tf.shape(image), box, min_object_covered=0.1, use_image_if_no_bounding_boxes=True
            )
            image = tf.slice(image, begin, size)
        image = tf.image.resize(image, [32, 32])
        image = tf.image.random_brightness(tf.image.random_flip_left_right(image), 32.0 / 255.0)
        image = (tf.clip_by_value(image, 0.0, 1.0) - 0.5) * 2.0
        image.set_shape([32, 32, 3])
        images, labels = v1.train.batch([image, parsed["image/class/label"]], 8, num_threads=4, capacity=40)
        labels = tf.one_hot(labels, 5)
        prefetch = v1.FIFOQueue(2, [tf.float32, tf.float32], [[8, 32, 32, 3], [8, 5]], name="prefetch_queue")
        v1.train.add_queue_runner(v1.train.QueueRunner(prefetch, [prefetch.enqueue([images, labels])]))

    def inception(x: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        ends: dict[str, Tensor] = {}
        with v1.variable_scope("InceptionV3", reuse=v1.AUTO_REUSE):
            x = ends["Conv2d_1a_3x3"] = _conv(x, 8, 3, "Conv2d_1a_3x3", 2, training=True, decay=4e-5)
            for name in ("Mixed_5b", "Mixed_6e"):
                with v1.variable_scope(name):
                    b0 = _conv(x, 6, 1, "Branch_0", training=True, decay=4e-5)
                    b1 = _conv(_conv(x, 4, 1, "Branch_1a", training=True), 6, 3, "Branch_1b", training=True)
                    b2 = _conv(tf.nn.avg_pool2d(x, 3, 1, "SAME"), 4, 1, "Branch_2", training=True)
                    x = ends[name] = tf.concat([b0, b1, b2], 3)
                x = tf.nn.max_pool2d(x, 3, 2, "SAME")
            with v1.variable_scope("AuxLogits"):
                aux = tf.nn.avg_pool2d(ends["Mixed_6e"], 5, 3, "VALID")
                aux = _conv(_conv(aux, 6, 1, "Conv2d_1b", training=True), 5, 1, "Conv2d_2b", act=None)
                ends["AuxLogits"] = tf.reduce_mean(aux, [1, 2], name="SpatialSqueeze")
            with v1.variable_scope("Logits"):
                pooled = tf.reduce_mean(x, [1, 2], keepdims=True, name="GlobalPool")
                x = _conv(v1.nn.dropout(pooled, keep_prob=0.8), 5, 1, "Conv2d_1c_1x1", act=None)
                logits = ends["Logits"] = tf.squeeze(x, [1, 2], name="SpatialSqueeze")
            ends["Predictions"] = tf.nn.softmax(logits, name="Predictions")
        return logits, ends

    decay_rate = v1.train.exponential_decay(0.01, global_step, 500, 0.94, staircase=True)
    optimizer = v1.train.RMSPropOptimizer(decay_rate, decay=0.9, momentum=0.9, epsilon=1.0)
    read, scores, predictions, grads = [], [], [], []
    for i in range(2):
        with tf.name_scope(f"clone_{i}"), tf.device(f"/gpu:{i}"):
            x, y = prefetch.dequeue()
            logits, ends = inception(x)
            v1.losses.softmax_cross_entropy(y, ends["AuxLogits"], weights=0.4, scope="aux_loss")
            v1.losses.softmax_cross_entropy(y, logits, label_smoothing=0.1)
            scope = f"clone_{i}/"
            loss = tf.add_n(v1.get_collection(v1.GraphKeys.LOSSES, scope), name="clone_loss") / 2.0
            if i == 0:
                for end, value in ends.items():
                    v1.summary.histogram("activations/" + end, value)
                    v1.summary.scalar("sparsity/" + end, tf.nn.zero_fraction(value))
                loss += tf.add_n(v1.get_collection(v1.GraphKeys.REGULARIZATION_LOSSES))
            grads.append(optimizer.compute_gradients(loss))
            read.append(x)
            scores.append(logits)
            predictions.append(ends["Predictions"])
    averages = tf.train.ExponentialMovingAverage(0.9999, global_step)
    summed = [(tf.add_n([a[0], b[0]]), a[1]) for a, b in zip(*grads, strict=True)]
    updates = [optimizer.apply_gradients(summed, global_step=global_step)]
    updates += [*v1.get_collection(v1.GraphKeys.UPDATE_OPS), averages.apply(v1.trainable_variables())]
    with tf.control_dependencies([tf.group(*updates)]):
        tf.identity(loss, name="train_op")
    v1.summary.merge_all()
    return [
        (read[:1], predictions[:1]),
        (read[:1], scores[:1]),
        (read, predictions),
        (read, scores),
    ]


@case("detector", frozen=True)
def pets_by_an_image_tensor_exported() -> Truth:
    """A detector as an exporter leaves it: resizing in a map, box coder, suppression by class in a map."""
    image_tensor = v1.placeholder(tf.uint8, [None, None, None, 3], name="image_tensor")
    inputs = tf.cast(image_tensor, tf.float32, name="ToFloat")
    with tf.name_scope("Preprocessor"):
        resized = tf.map_fn(lambda i: tf.image.resize(i, [64, 64]), inputs)
        x = (2.0 / 255.0) * tf.reshape(resized, [-1, 64, 64, 3]) - 1.0
    with v1.variable_scope("FeatureExtractor/MobilenetV1"):
        x = _conv(x, 8, 3, "Conv2d_0", 2, tf.nn.relu6, False)
        x = _separable(x, 12, "Conv2d_1", 2)
        first = _separable(x, 12, "Conv2d_11", 2)
        second = _separable(first, 16, "Conv2d_13", 2)
        third = _conv(
            _conv(second, 8, 1, "Conv2d_13_1", training=False), 16, 3, "Conv2d_13_2", 2, training=False
        )
    boxes, classes, anchors = [], [], []
    for i, feature in enumerate((first, second, third)):
        n = int(feature.shape[1])
        with v1.variable_scope(f"BoxPredictor_{i}"):
            boxes.append(
                tf.reshape(_conv(feature, 12, 1, "BoxEncodingPredictor", act=None), [-1, n * n * 3, 4])
            )
            raw = _conv(feature, 9, 1, "ClassPredictor", act=None)
            classes.append(tf.reshape(raw, [-1, n * n * 3, 3]))
        with tf.name_scope("MultipleGridAnchorGenerator"):
            ys, xs = tf.meshgrid(tf.range(n), tf.range(n), indexing="ij")
            centers = (tf.cast(tf.stack([ys, xs], -1), tf.float32) + 0.5) / float(n)
            centers = tf.reshape(tf.tile(centers[:, :, None], [1, 1, 3, 1]), [-1, 2])
            sizes = tf.tile(tf.constant([[1.0, 1.0], [0.7, 1.4], [1.4, 0.7]]) * 1.5 / n, [n * n, 1])
            anchors.append(tf.concat([centers, sizes], 1))
    encodings = tf.concat(boxes, 1, name="concat")
    logits = tf.concat(classes, 1, name="concat_1")
    with tf.name_scope("Postprocessor"):
        anchor = tf.concat(anchors, 0, name="Concatenate")
        mid = encodings[..., :2] / 10.0 * anchor[:, 2:] + anchor[:, :2]
        half = tf.exp(encodings[..., 2:] / 5.0) * anchor[:, 2:] / 2.0
        decoded = tf.concat([mid - half, mid + half], 2)
        scores = tf.sigmoid(logits, name="convert_scores")[:, :, 1:]

        def suppressed(pair: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor, Tensor, Tensor]:
            box, score = pair
            kept, marks, kinds = [], [], []
            for c in range(2):
                chosen = tf.image.non_max_suppression(box, score[:, c], 10, 0.6, 0.01)
                kept.append(tf.gather(box, chosen))
                marks.append(tf.gather(score[:, c], chosen))
                kinds.append(tf.fill(tf.shape(chosen), float(c)))
            found = tf.minimum(tf.size(tf.concat(marks, 0)), 10)
            best, order = tf.nn.top_k(tf.concat(marks, 0), found)
            fill = 10 - found
            return (
                tf.pad(tf.clip_by_value(tf.gather(tf.concat(kept, 0), order), 0.0, 1.0), [[0, fill], [0, 0]]),
                tf.pad(best, [[0, fill]]),
                tf.pad(tf.gather(tf.concat(kinds, 0), order), [[0, fill]]),
                tf.cast(found, tf.float32),
            )

        with tf.name_scope("BatchMultiClassNonMaxSuppression"):
            kinds = (tf.float32, tf.float32, tf.float32, tf.float32)
            found_boxes, found_scores, found_classes, found = tf.map_fn(
                suppressed, (decoded, scores), dtype=kinds, parallel_iterations=32
            )
    detection_boxes = tf.identity(found_boxes, name="detection_boxes")
    detection_scores = tf.identity(found_scores, name="detection_scores")
    detection_classes = tf.add(found_classes, 1.0, name="detection_classes")
    num_detections = tf.identity(found, name="num_detections")
    return [image_tensor], [num_detections, detection_boxes, detection_scores, detection_classes]


@case("segmentation", frozen=True)
def scenes_by_atrous_rates_exported_for_any_size() -> Truth:
    """One picture of any size, padded to the crop, atrous pyramid with a decoder, labels cut back to size."""
    image = v1.placeholder(tf.uint8, [1, None, None, 3], name="ImageTensor")
    original = tf.shape(image)[1:3]
    with tf.name_scope("preprocess"):
        scale = 65.0 / tf.cast(tf.reduce_max(original), tf.float32)
        small = tf.cast(tf.cast(original, tf.float32) * scale, tf.int32)
        x = v1.image.resize_bilinear(tf.cast(image, tf.float32), small, align_corners=True)
        mean = tf.reshape(tf.constant([127.5, 127.5, 127.5]), [1, 1, 1, 3])
        x = tf.image.pad_to_bounding_box(x - mean, 0, 0, 65, 65) + mean
    x = (2.0 / 255.0) * tf.ensure_shape(x, [1, 65, 65, 3]) - 1.0
    with v1.variable_scope("MobilenetV2"):
        x = _conv(x, 8, 3, "Conv", 2, tf.nn.relu6, False)
        low = _separable(x, 8, "expanded_conv", 2)
        x = _separable(low, 12, "expanded_conv_1", 2)
        for i in range(2):
            x += _separable(x, 12, f"expanded_conv_{i + 2}", rate=2)
    pooled = tf.reduce_mean(x, [1, 2], keepdims=True, name="AvgPool2D")
    pooled = _conv(pooled, 8, 1, "image_pooling", training=False)
    branches = [
        v1.image.resize_bilinear(pooled, [9, 9], align_corners=True),
        _conv(x, 8, 1, "aspp0", training=False),
    ]
    branches += [_separable(x, 8, f"aspp{i}", rate=r) for i, r in ((1, 2), (2, 4), (3, 6))]
    x = _conv(tf.concat(branches, 3), 12, 1, "concat_projection", training=False)
    with v1.variable_scope("decoder"):
        skip = _conv(low, 6, 1, "feature_projection0", training=False)
        x = v1.image.resize_bilinear(x, tf.shape(skip)[1:3], align_corners=True)
        x = _separable(tf.concat([x, skip], 3), 12, "decoder_conv0")
    logits = _conv(x, 21, 1, "logits/semantic", act=None)
    logits = v1.image.resize_bilinear(logits, [65, 65], align_corners=True, name="ResizeBilinear_3")
    labels = tf.argmax(logits, 3, name="ArgMax")
    cut = tf.slice(labels, [0, 0, 0], [1, small[0], small[1]])
    grown = v1.image.resize_nearest_neighbor(tf.cast(cut, tf.int32)[..., None], original, align_corners=True)
    answer = tf.identity(tf.cast(tf.squeeze(grown, 3), tf.int64), name="SemanticPredictions")
    return [image], [answer]


@case("faces")
def faces_from_paths_in_triplets_with_phase_train() -> Truths:
    """Paths fed to a queue, pictures read by four threads, triplets beside each other, averages of all."""
    learning_rate = v1.placeholder(tf.float32, name="learning_rate")
    batch_size = v1.placeholder(tf.int32, name="batch_size")
    phase_train = v1.placeholder(tf.bool, name="phase_train")
    image_paths = v1.placeholder(tf.string, shape=(None, 3), name="image_paths")
    labels = v1.placeholder(tf.int64, shape=(None, 3), name="labels")
    input_queue = v1.FIFOQueue(1000, dtypes=[tf.string, tf.int64], shapes=[(3,), (3,)])
    input_queue.enqueue_many([image_paths, labels])
    images_and_labels = []
    for _ in range(4):
        filenames, label = input_queue.dequeue()
        images = []
        for filename in tf.unstack(filenames):
            image = tf.io.decode_image(tf.io.read_file(filename), channels=3, expand_animations=False)
            image.set_shape((None, None, 3))
            image = tf.image.random_flip_left_right(tf.image.random_crop(image, [40, 40, 3]))
            images.append(tf.image.per_image_standardization(image))
        images_and_labels.append([images, label])
    joined, labels_batch = v1.train.batch_join(
        images_and_labels,
        batch_size=batch_size,
        shapes=[(40, 40, 3), ()],
        enqueue_many=True,
        capacity=360,
        allow_smaller_final_batch=True,
    )
    image_batch = tf.identity(joined, "image_batch")
    net = fed = tf.identity(image_batch, "input")
    tf.identity(labels_batch, "label_batch")
    with v1.variable_scope("InceptionResnetV1"):
        net = _conv(net, 8, 3, "Conv2d_1a_3x3", 2, training=phase_train)
        net = tf.nn.max_pool2d(_conv(net, 12, 3, "Conv2d_2a_3x3", training=phase_train), 3, 2, "VALID")
        for i in range(2):
            with v1.variable_scope(f"block35_{i + 1}"):
                b0 = _conv(net, 4, 1, "Branch_0", training=phase_train)
                b1 = _conv(
                    _conv(net, 4, 1, "Branch_1a", training=phase_train), 4, 3, "b", training=phase_train
                )
                net = tf.nn.relu(net + 0.17 * _conv(tf.concat([b0, b1], 3), 12, 1, "Conv2d_1x1", act=None))
        net = _conv(net, 16, 3, "Conv2d_4b_3x3", 2, training=phase_train)
        net = tf.reduce_mean(net, [1, 2])
        dropped = v1.nn.dropout(net, keep_prob=0.8)
        net = v1.cond(phase_train, lambda: dropped, lambda: net)
        prelogits = _fc(net, 16, "Bottleneck", decay=1e-4)
    embeddings = tf.nn.l2_normalize(prelogits, 1, 1e-10, name="embeddings")
    anchor, positive, negative = tf.unstack(tf.reshape(embeddings, [-1, 3, 16]), 3, 1)
    with v1.variable_scope("triplet_loss"):
        pos_dist = tf.reduce_sum(tf.square(tf.subtract(anchor, positive)), 1)
        neg_dist = tf.reduce_sum(tf.square(tf.subtract(anchor, negative)), 1)
        triplet_loss = tf.reduce_mean(tf.maximum(pos_dist - neg_dist + 0.2, 0.0), 0)
    global_step = v1.Variable(0, trainable=False)
    rate = v1.train.exponential_decay(learning_rate, global_step, 400, 1.0, staircase=True)
    v1.summary.scalar("learning_rate", rate)
    penalties = v1.get_collection(v1.GraphKeys.REGULARIZATION_LOSSES)
    total_loss = tf.add_n([triplet_loss, *penalties], name="total_loss")
    loss_averages = tf.train.ExponentialMovingAverage(0.9, name="avg")
    averaged = loss_averages.apply([total_loss, triplet_loss])
    v1.summary.scalar("total_loss (raw)", total_loss)
    with tf.control_dependencies([averaged]):
        opt = v1.train.AdagradOptimizer(rate)
        grads = opt.compute_gradients(total_loss, v1.trainable_variables())
    applied = opt.apply_gradients([g for g in grads if g[0] is not None], global_step=global_step)
    kept = tf.train.ExponentialMovingAverage(0.9999, global_step).apply(v1.trainable_variables())
    with tf.control_dependencies([applied, kept]):
        tf.no_op(name="train")
    return [([fed], [embeddings]), ([image_batch], [embeddings]), ([joined], [embeddings])]


@case("pose")
def crowded_joints_by_a_pyramid_and_a_refiner() -> Truth:
    """A global net over a pyramid and a refiner that minds the hardest joints; labels at four widths."""
    image = v1.placeholder(tf.float32, [None, 64, 48, 3], name="images_0")
    targets = [v1.placeholder(tf.float32, [None, 16, 12, 17], name=f"label{k}_0") for k in (15, 11, 9, 7)]
    valids = v1.placeholder(tf.float32, [None, 17], name="valids_0")
    net = _conv(image, 8, 7, "conv1", 2, training=True)
    net = tf.nn.max_pool2d(net, 3, 2, "SAME")
    feats = []
    for i, width in enumerate((8, 12, 16, 24)):
        with v1.variable_scope(f"block{i + 1}/unit_1/bottleneck_v1"):
            stride = 1 if i == 0 else 2
            shortcut = _conv(net, width, 1, "shortcut", stride, None, True)
            residual = _conv(_conv(net, 6, 1, "conv1", training=True), 6, 3, "conv2", stride, training=True)
            net = tf.nn.relu(shortcut + _conv(residual, width, 1, "conv3", act=None, training=True))
        feats.append(net)
    global_fms, global_outs = [], []
    last: Tensor = None
    for i, feat in enumerate(reversed(feats)):
        lateral = _conv(feat, 12, 1, f"lateral/res{5 - i}", training=True)
        if last is not None:
            upsample = v1.image.resize_bilinear(last, tf.shape(lateral)[1:3], name=f"upsample/res{5 - i}")
            lateral += _conv(upsample, 12, 1, f"merge/res{5 - i}", act=None, training=True)
        last = lateral
        tmp = _conv(lateral, 12, 1, f"tmp/res{5 - i}", training=True)
        out = _conv(tmp, 17, 3, f"pyramid/res{5 - i}", act=None, training=True)
        global_fms.append(last)
        global_outs.append(v1.image.resize_bilinear(out, (16, 12)))
    refine_fms = []
    for i, fm in enumerate(reversed(global_fms)):
        for j in range(i):
            with v1.variable_scope(f"upblock{i}_{j}"):
                bottle = _conv(_conv(fm, 6, 1, "a", training=True), 12, 3, "b", act=None, training=True)
                fm = tf.nn.relu(fm + bottle)
        refine_fms.append(v1.image.resize_bilinear(fm, (16, 12), name=f"upsample_conv/res{2 + i}"))
    with v1.variable_scope("final_bottleneck"):
        joined = tf.concat(refine_fms, axis=3)
        mid = _conv(joined, 12, 3, "conv2", training=True) + _conv(joined, 12, 1, "shortcut", act=None)
    refine_out = _conv(mid, 17, 3, "refine_out", act=None, training=True)
    present = tf.cast(tf.greater(valids, 1.1), tf.float32)[:, None, None, :]
    global_loss = 0.0
    for out, target in zip(global_outs, targets, strict=True):
        global_loss += tf.reduce_mean(tf.square(out - target) * present) / 4.0
    seen = tf.cast(tf.greater(valids, 0.1), tf.float32)
    refine_loss = tf.reduce_mean(tf.square(refine_out - targets[-1]), (1, 2)) * seen
    hardest, _ = tf.nn.top_k(refine_loss, 8, sorted=False, name="ohkm")
    refine_loss = tf.reduce_mean(tf.reduce_sum(hardest, 1) / 8.0)
    v1.summary.scalar("global_loss", global_loss)
    v1.summary.scalar("refine_loss", refine_loss)
    lr = v1.get_variable("learning_rate", initializer=5e-4, trainable=False)
    optimizer = v1.train.AdamOptimizer(lr)
    grads = [(tf.clip_by_norm(g, 1.0), v) for g, v in optimizer.compute_gradients(global_loss + refine_loss)]
    with tf.control_dependencies(v1.get_collection(v1.GraphKeys.UPDATE_OPS)):
        optimizer.apply_gradients(grads)
    return [image], [refine_out]


@case("pose")
def joints_lifted_from_a_flat_figure() -> Truth:
    """Residual linear blocks on flat joints with norms of weights held; errors shown by placeholders."""
    isTraining = v1.placeholder(tf.bool, name="isTrainingflag")  # noqa: N806
    dropout_keep_prob = v1.placeholder(tf.float32, name="dropout_keep_prob")
    learning_rate = v1.Variable(1e-3, trainable=False, dtype=tf.float32, name="learning_rate")
    global_step = v1.Variable(0, trainable=False, name="global_step")
    decay_step = v1.train.exponential_decay(learning_rate, global_step, 100000, 0.96)
    he = v1.initializers.he_normal()
    with v1.variable_scope("inputs"):
        enc_in = v1.placeholder(tf.float32, shape=[None, 32], name="enc_in")
        dec_out = v1.placeholder(tf.float32, shape=[None, 48], name="dec_out")
    with v1.variable_scope("linear_model"):
        w1 = v1.get_variable("w1", [32, 24], initializer=he)
        w1 = tf.clip_by_norm(w1, 1)
        y = tf.matmul(enc_in, w1) + v1.get_variable("b1", [24], initializer=v1.zeros_initializer())
        y = tf.nn.dropout(tf.nn.relu(_bn(y, isTraining, "batch_normalization")), rate=1 - dropout_keep_prob)
        for idx in range(2):
            with v1.variable_scope(f"two_linear_{idx}"):
                xin = y
                for k in (2, 3):
                    w = tf.clip_by_norm(v1.get_variable(f"w{k}_{idx}", [24, 24], initializer=he), 1)
                    y = tf.matmul(y, w) + v1.get_variable(
                        f"b{k}_{idx}", [24], initializer=v1.zeros_initializer()
                    )
                    y = _bn(y, isTraining, f"batch_normalization{k}{idx}")
                    y = tf.nn.dropout(tf.nn.relu(y), rate=1 - dropout_keep_prob)
                y = xin + y
        w4 = tf.clip_by_norm(v1.get_variable("w4", [24, 48], initializer=he), 1)
        outputs = tf.matmul(y, w4) + v1.get_variable("b4", [48], initializer=v1.zeros_initializer())
    loss = tf.reduce_mean(tf.square(outputs - dec_out))
    v1.summary.scalar("loss", loss, collections=["train"])
    for action in ("Directions", "Eating", "Walking"):
        err = v1.placeholder(tf.float32, name=f"error_{action}")
        v1.summary.scalar(f"error_{action}", err, collections=["test"])
    opt = v1.train.AdamOptimizer(decay_step)
    with tf.control_dependencies(v1.get_collection(v1.GraphKeys.UPDATE_OPS)):
        gradients = opt.compute_gradients(loss)
        opt.apply_gradients(gradients, global_step=global_step)
    v1.summary.scalar("learning_rate", learning_rate, collections=["train"])
    return [enc_in], [outputs]


@case("depth")
def depth_and_own_motion_without_any_truth() -> Truths:
    """Three frames of a drive: depth of the middle one, two motions, the other frames warped onto it."""
    height, width, batch = 32, 64, 4
    with tf.name_scope("data_loading"):
        paths = v1.train.string_input_producer(["0/000.jpg", "0/001.jpg"], shuffle=True, seed=1)
        cams = v1.train.string_input_producer(["0/000_cam.txt", "0/001_cam.txt"], shuffle=True, seed=1)
        strip = tf.io.decode_jpeg(v1.WholeFileReader().read(paths)[1])
        strip.set_shape([height, width * 3, 3])
        numbers = v1.decode_csv(v1.WholeFileReader().read(cams)[1], [[1.0]] * 9)
        camera = tf.reshape(tf.stack(numbers), [3, 3])
        tgt = strip[:, width : 2 * width]
        src = tf.concat([strip[:, :width], strip[:, 2 * width :]], 2)
        src_image_stack, tgt_image, intrinsics = v1.train.batch([src, tgt, camera], batch_size=batch)
        tgt_float = tf.image.convert_image_dtype(tgt_image, tf.float32) * 2.0 - 1.0
        src_float = tf.image.convert_image_dtype(src_image_stack, tf.float32) * 2.0 - 1.0
    with tf.name_scope("depth_prediction"), v1.variable_scope("depth_net"):
        c1 = _conv(tgt_float, 8, 7, "cnv1", 2)
        c2 = _conv(c1, 12, 5, "cnv2", 2)
        c3 = _conv(_conv(c2, 16, 3, "cnv3", 2), 16, 3, "cnv3b")
        x = c3
        disps: list[Tensor] = []
        for i, skip in ((2, c2), (1, c1), (0, None)):
            x = v1.image.resize_nearest_neighbor(x, [int(x.shape[1]) * 2, int(x.shape[2]) * 2])
            parts = [x] if skip is None else [x, skip]
            if disps:
                parts.append(v1.image.resize_bilinear(disps[0], [int(x.shape[1]), int(x.shape[2])]))
            x = _conv(tf.concat(parts, 3), 8, 3, f"icnv{i + 1}")
            disps.insert(0, 10.0 * _conv(x, 1, 3, f"disp{i + 1}", act=tf.sigmoid) + 0.01)
        pred_depth = [1.0 / d for d in disps]
    with tf.name_scope("pose_and_explainability_prediction"), v1.variable_scope("pose_exp_net"):
        p = _conv(_conv(tf.concat([tgt_float, src_float], 3), 8, 7, "cnv1", 2), 12, 5, "cnv2", 2)
        pose_avg = tf.reduce_mean(_conv(p, 12, 1, "pose/pred", act=None), [1, 2])
        pred_poses = 0.01 * tf.reshape(pose_avg, [-1, 2, 6])
        up = v1.image.resize_nearest_neighbor(p, [height, width])
        mask = tf.nn.softmax(tf.reshape(_conv(up, 4, 3, "exp/mask1", act=None), [batch, height, width, 2, 2]))
    with tf.name_scope("compute_loss"):
        ys, xs = tf.meshgrid(tf.range(height), tf.range(width), indexing="ij")
        grid = tf.cast(tf.reshape(tf.stack([xs, ys, tf.ones_like(xs)], 0), [3, -1]), tf.float32)
        pixel_loss, exp_loss, smooth_loss = 0.0, 0.0, 0.0
        rays = tf.matmul(tf.linalg.inv(intrinsics), tf.tile(grid[None], [batch, 1, 1]))
        points = rays * tf.reshape(pred_depth[0], [batch, 1, -1])
        for i in range(2):
            r, t = pred_poses[:, i, 3:], pred_poses[:, i, :3]
            zero = tf.zeros([batch])
            skew = tf.stack([zero, -r[:, 2], r[:, 1], r[:, 2], zero, -r[:, 0], -r[:, 1], r[:, 0], zero], 1)
            moved = points + tf.matmul(tf.reshape(skew, [batch, 3, 3]), points) + t[:, :, None]
            seen = tf.matmul(intrinsics, moved)
            u = tf.clip_by_value(seen[:, 0] / (seen[:, 2] + 1e-10), 0.0, width - 1.001)
            v = tf.clip_by_value(seen[:, 1] / (seen[:, 2] + 1e-10), 0.0, height - 1.001)
            u0, v0 = tf.floor(u), tf.floor(v)
            flat = tf.reshape(src_float[..., 3 * i : 3 * i + 3], [-1, 3])
            base = tf.range(batch)[:, None] * height * width
            warped = 0.0
            for du in (0.0, 1.0):
                for dv in (0.0, 1.0):
                    weight = (1 - tf.abs(u - u0 - du)) * (1 - tf.abs(v - v0 - dv))
                    at = base + tf.cast((v0 + dv) * width + u0 + du, tf.int32)
                    warped += weight[..., None] * tf.gather(flat, at)
            curr = tf.abs(tf.reshape(warped, [batch, height, width, 3]) - tgt_float)
            v1.summary.image(f"proj_error_{i}", curr)
            pixel_loss += tf.reduce_mean(curr * mask[:, :, :, i, 1:])
            exp_loss += -tf.reduce_mean(v1.log(mask[:, :, :, i, 1] + 1e-8))
        for s, d in enumerate(disps):
            dx, dy = d[:, :, 1:] - d[:, :, :-1], d[:, 1:] - d[:, :-1]
            smooth_loss += (tf.reduce_mean(tf.abs(dx)) + tf.reduce_mean(tf.abs(dy))) / 2.0**s
            v1.summary.image(f"scale{s}_disparity_image", d)
        total_loss = pixel_loss + 0.2 * exp_loss + 0.5 * smooth_loss
    with tf.name_scope("train_op"):
        step = v1.Variable(0, name="global_step", trainable=False)
        optim = v1.train.AdamOptimizer(2e-4, 0.9)
        optim.apply_gradients(optim.compute_gradients(total_loss), global_step=step)
    v1.summary.scalar("total_loss", total_loss)
    v1.summary.histogram("tx", pred_poses[:, :, 0])
    both = [tgt_image, src_image_stack]
    return [
        ([tgt_image], [pred_depth[0]]),
        ([tgt_float], [pred_depth[0]]),
        ([tgt_image], [disps[0]]),
        (both, [pred_depth[0], pred_poses]),
    ]


@case("flow of pictures")
def motion_by_warped_pyramids_and_correlation() -> Truths:
    """Two frames in one tensor; from coarse to fine, features are warped, correlated, the flow is refined."""
    x_tnsr = v1.placeholder(tf.float32, [4, 2, 64, 64, 3], "x_tnsr0")
    y_tnsr = v1.placeholder(tf.float32, [4, 64, 64, 2], "y_tnsr0")
    x_adapt = tf.divide(x_tnsr, 255.0, name="x_adapted")
    y_adapt = tf.identity(y_tnsr, name="y_adapted")

    def leaky(t: Tensor) -> Tensor:
        return tf.nn.leaky_relu(t, alpha=0.1)

    def warp(c2: Tensor, flow: Tensor, name: str) -> Tensor:
        with tf.name_scope(name):
            b, h, w, c = (int(d) for d in c2.shape)
            gx, gy = tf.meshgrid(tf.range(w), tf.range(h))
            at = tf.cast(tf.stack([gx, gy], 2)[None], tf.float32) + flow
            x = tf.clip_by_value(at[..., 0], 0.0, w - 1.001)
            y = tf.clip_by_value(at[..., 1], 0.0, h - 1.001)
            x0, y0 = tf.floor(x), tf.floor(y)
            flat, base = tf.reshape(c2, [-1, c]), tf.reshape(tf.range(b) * h * w, [b, 1, 1])
            total = 0.0
            for i in range(2):
                for j in range(2):
                    part = tf.gather(flat, base + tf.cast((y0 + i) * w + x0 + j, tf.int32))
                    total += part * ((1 - tf.abs(x - x0 - j)) * (1 - tf.abs(y - y0 - i)))[..., None]
            return total

    def cost_volume(c1: Tensor, warped: Tensor, name: str) -> Tensor:
        padded = tf.pad(warped, [[0, 0], [2, 2], [2, 2], [0, 0]])
        h, w = int(c1.shape[1]), int(c1.shape[2])
        slices = [padded[:, y : y + h, x : x + w] for y in range(5) for x in range(5)]
        costs = [tf.reduce_mean(c1 * s, 3, keepdims=True) for s in slices]
        return tf.nn.leaky_relu(tf.concat(costs, 3), alpha=0.1, name=name)

    with v1.variable_scope("pwcnet"):
        pyramids = []
        for k, frame in enumerate(tf.unstack(x_adapt, axis=1)):
            levels = []
            with v1.variable_scope("featpyr", reuse=k > 0):
                for lvl in range(1, 5):
                    frame = _conv(frame, 4 + 4 * lvl, 3, f"conv{lvl}a", 2, leaky)
                    frame = _conv(frame, 4 + 4 * lvl, 3, f"conv{lvl}aa", 1, leaky)
                    levels.append(frame)
            pyramids.append(levels)
        flow_pyr: list[Tensor] = []
        up_flow = up_feat = None
        for lvl in (4, 3, 2):
            c1, c2 = pyramids[0][lvl - 1], pyramids[1][lvl - 1]
            if up_flow is None:
                upfeat = corr = cost_volume(c1, c2, f"corr{lvl}")
            else:
                corr = cost_volume(c1, warp(c2, up_flow * 20.0 / 2.0**lvl, f"warp{lvl}"), f"corr{lvl}")
                upfeat = tf.concat([corr, c1, up_flow, up_feat], 3)
            for i, width in enumerate((16, 12, 8)):
                act = _conv(upfeat, width, 3, f"flow{lvl}/conv{lvl}_{i}", 1, leaky)
                upfeat = tf.concat([act, upfeat], 3)
            flow = _conv(upfeat, 2, 3, f"flow{lvl}/flow", act=None)
            context = upfeat
            for i, rate in enumerate((1, 2, 4)):
                context = _conv(context, 8, 3, f"refine{lvl}/dc_conv{lvl}{i}", 1, leaky, rate=rate)
            flow = tf.add(
                flow, _conv(context, 2, 3, f"refine{lvl}/dc_last", act=None), name=f"refined_flow{lvl}"
            )
            flow_pyr.append(flow)
            size = [4, 2 * int(flow.shape[1]), 2 * int(flow.shape[2]), 2]
            kernels = [
                _var(f"up{lvl}/{n}", [4, 4, 2, c]) for n, c in (("flow", 2), ("feat", int(upfeat.shape[-1])))
            ]
            up_flow = tf.nn.conv2d_transpose(flow, kernels[0], size, [1, 2, 2, 1])
            up_feat = tf.nn.conv2d_transpose(upfeat, kernels[1], size, [1, 2, 2, 1])
        scaled = v1.image.resize_bilinear(flow_pyr[-1], (64, 64))
        flow_pred = tf.multiply(scaled, 20.0 / 4, name="flow_pred")
    with tf.name_scope("loss"):
        loss = 0.0
        for alpha, flow in zip((0.08, 0.02, 0.01), flow_pyr, strict=True):
            gt = v1.image.resize_bilinear(y_adapt / 20.0, tf.shape(flow)[1:3])
            loss += alpha * tf.reduce_mean(tf.reduce_sum(tf.norm(gt - flow, ord=2, axis=3), (1, 2)))
        loss += 4e-4 * tf.add_n([tf.nn.l2_loss(v) for v in v1.trainable_variables()])
    epe = tf.reduce_mean(tf.norm(flow_pred - y_tnsr, ord=2, axis=-1), name="average_epe")
    g_step = v1.train.get_or_create_global_step()
    lr = v1.train.piecewise_constant(g_step, [20000, 40000, 60000], [1e-4, 5e-5, 2.5e-5, 1e-5])
    optim = v1.train.AdamOptimizer(lr)
    optim.apply_gradients(optim.compute_gradients(loss), global_step=g_step)
    v1.summary.scalar("loss", loss)
    v1.summary.scalar("epe", epe)
    return [([x_tnsr], [flow_pred]), ([x_tnsr], [flow_pred, *flow_pyr])]


@case("point clouds")
def boxes_in_frustums_of_points() -> Truth:
    """Points of a frustum are masked, centred by a small net, and a box with binned heading is told."""
    batch, points = 4, 64
    pointclouds_pl = v1.placeholder(tf.float32, shape=(batch, points, 4))
    one_hot_vec_pl = v1.placeholder(tf.float32, shape=(batch, 3))
    labels_pl = v1.placeholder(tf.int32, shape=(batch, points))
    centers_pl = v1.placeholder(tf.float32, shape=(batch, 3))
    heading_class_label_pl = v1.placeholder(tf.int32, shape=(batch,))
    heading_residual_label_pl = v1.placeholder(tf.float32, shape=(batch,))
    size_class_label_pl = v1.placeholder(tf.int32, shape=(batch,))
    size_residual_label_pl = v1.placeholder(tf.float32, shape=(batch, 3))
    is_training_pl = v1.placeholder(tf.bool, shape=())
    global_step = v1.Variable(0, trainable=False)
    v1.summary.scalar("bn_decay", tf.minimum(0.99, 1 - v1.train.exponential_decay(0.5, global_step, 20, 0.5)))
    end_points: dict[str, Tensor] = {}

    def shared(net: Tensor, widths: list[int], prefix: str) -> Tensor:
        for i, width in enumerate(widths):
            net = _conv(net, width, 1, f"{prefix}{i + 1}", training=is_training_pl)
        return net

    net = tf.expand_dims(pointclouds_pl, 2)
    point_feat = shared(net, [8, 12], "conv")
    global_feat = tf.reduce_max(shared(point_feat, [16], "conv_g"), 1, keepdims=True)
    global_feat = tf.concat([global_feat, one_hot_vec_pl[:, None, None]], axis=3)
    concat_feat = tf.concat([point_feat, tf.tile(global_feat, [1, points, 1, 1])], 3)
    net = shared(concat_feat, [12, 8], "conv_s")
    dropped = tf.nn.dropout(net, rate=0.5)
    net = v1.cond(is_training_pl, lambda: dropped, lambda: net)
    logits = tf.squeeze(_conv(net, 2, 1, "conv10", act=None), [2])
    end_points["mask_logits"] = logits
    mask = tf.cast(logits[:, :, :1] < logits[:, :, 1:], tf.float32)
    count = tf.tile(tf.reduce_sum(mask, 1, keepdims=True), [1, 1, 3])
    xyz = pointclouds_pl[:, :, :3]
    mask_xyz_mean = tf.reduce_sum(mask * xyz, 1, keepdims=True) / tf.maximum(count, 1)
    moved = xyz - mask_xyz_mean

    def indices_of(marks: Any) -> Any:
        found = np.zeros((marks.shape[0], 32, 2), np.int32)
        for i in range(marks.shape[0]):
            where = np.where(marks[i] > 0.5)[0]
            found[i, :, 0] = i
            if len(where):
                found[i, :, 1] = where[np.arange(32) % len(where)]
        return found

    indices = v1.py_func(indices_of, [tf.squeeze(mask, 2)], tf.int32)
    object_point_cloud = tf.ensure_shape(tf.gather_nd(moved, indices), [batch, 32, 3])
    with v1.variable_scope("center_reg"):
        net = tf.reduce_max(shared(object_point_cloud[:, :, None], [8, 12], "conv-reg"), [1, 2])
        delta = _fc(_fc(tf.concat([net, one_hot_vec_pl], 1), 8, "fc1", tf.nn.relu), 3, "fc3-stage1")
    stage1_center = delta + tf.squeeze(mask_xyz_mean, axis=1)
    centred = object_point_cloud - tf.expand_dims(delta, 1)
    net = tf.reduce_max(shared(centred[:, :, None], [8, 16], "conv-box"), [1, 2])
    net = _fc(tf.concat([net, one_hot_vec_pl], 1), 12, "fc-box", tf.nn.relu)
    output = _fc(net, 3 + 4 * 2 + 3 * 4, "fc3")
    end_points["center"] = output[:, :3] + stage1_center
    end_points["heading_scores"] = tf.slice(output, [0, 3], [-1, 4])
    heading_residuals_normalized = tf.slice(output, [0, 7], [-1, 4])
    end_points["heading_residuals"] = heading_residuals_normalized * (np.pi / 4)
    end_points["size_scores"] = tf.slice(output, [0, 11], [-1, 3])
    size_residuals_normalized = tf.reshape(tf.slice(output, [0, 14], [-1, 9]), [batch, 3, 3])
    mean_sizes = tf.constant([[3.9, 1.6, 1.6], [0.8, 0.6, 1.7], [1.8, 0.6, 1.7]])
    end_points["size_residuals"] = size_residuals_normalized * mean_sizes[None]

    def huber(error: Tensor, delta: float) -> Tensor:
        quadratic = tf.minimum(tf.abs(error), delta)
        return tf.reduce_mean(0.5 * quadratic**2 + delta * (tf.abs(error) - quadratic))

    xent = v1.nn.sparse_softmax_cross_entropy_with_logits
    mask_loss = tf.reduce_mean(xent(logits=logits, labels=labels_pl))
    v1.summary.scalar("3d mask loss", mask_loss)
    center_loss = huber(tf.norm(centers_pl - end_points["center"], axis=-1), 2.0)
    stage1_loss = huber(tf.norm(centers_pl - stage1_center, axis=-1), 1.0)
    heading_loss = tf.reduce_mean(xent(logits=end_points["heading_scores"], labels=heading_class_label_pl))
    hot = tf.one_hot(heading_class_label_pl, 4)
    picked = tf.reduce_sum(heading_residuals_normalized * hot, 1)
    residual_loss = huber(picked - heading_residual_label_pl / (np.pi / 4), 1.0)
    size_loss = tf.reduce_mean(xent(logits=end_points["size_scores"], labels=size_class_label_pl))
    size_hot = tf.one_hot(size_class_label_pl, 3)[..., None]
    predicted_size = tf.reduce_sum(size_residuals_normalized * size_hot, 1)
    wanted_size = size_residual_label_pl / tf.reduce_sum(mean_sizes[None] * size_hot, 1)
    size_residual_loss = huber(tf.norm(predicted_size - wanted_size, axis=-1), 1.0)
    bins = heading_loss + size_loss + 20 * (residual_loss + size_residual_loss)
    v1.add_to_collection("losses", mask_loss + center_loss + stage1_loss + bins)
    total_loss = tf.add_n(v1.get_collection("losses"), name="total_loss")
    correct = tf.equal(tf.argmax(logits, 2), tf.cast(labels_pl, tf.int64))
    v1.summary.scalar("segmentation accuracy", tf.reduce_mean(tf.cast(correct, tf.float32)))
    with tf.control_dependencies(v1.get_collection(v1.GraphKeys.UPDATE_OPS)):
        v1.train.AdamOptimizer(1e-3).minimize(total_loss, global_step=global_step)
    fetched = [
        "mask_logits",
        "center",
        "heading_scores",
        "heading_residuals",
        "size_scores",
        "size_residuals",
    ]
    return [pointclouds_pl, one_hot_vec_pl], [end_points[name] for name in fetched]


@case("graph net")
def mesh_pulled_onto_a_photograph() -> Truth:
    """An ellipsoid's vertices take features from the picture where they fall, and sparse graphs move them."""
    img_inp = v1.placeholder(tf.float32, shape=(48, 48, 3))
    features = v1.placeholder(tf.float32, shape=(None, 3))
    labels = v1.placeholder(tf.float32, shape=(None, 6))
    supports = [[v1.sparse_placeholder(tf.float32) for _ in range(2)] for _ in range(2)]
    edges = [v1.placeholder(tf.int32, shape=(None, 2)) for _ in range(2)]
    lape_idx = [v1.placeholder(tf.int32, shape=(None, 10)) for _ in range(2)]
    pool_idx = v1.placeholder(tf.int32, shape=(None, 2))

    def graph_conv(x: Tensor, n: int, support: list[Any], scope: str, act: Act = tf.nn.relu) -> Tensor:
        with v1.variable_scope(scope):
            ways = []
            for i, s in enumerate(support):
                pre = tf.matmul(x, _var(f"weights_{i}", [int(x.shape[-1]), n]))
                ways.append(v1.sparse_tensor_dense_matmul(s, pre))
            x = tf.add_n(ways) + v1.get_variable("bias", [n], initializer=v1.zeros_initializer())
            return x if act is None else act(x)

    with v1.variable_scope("gcn"):
        x, img_feat = tf.expand_dims(img_inp, 0), []
        for i, n in enumerate((8, 12, 16)):
            x = _conv(_conv(x, n, 3, f"cnn{i}a", decay=5e-6), n, 3, f"cnn{i}b", 2, decay=5e-6)
            img_feat.append(tf.squeeze(x))

        def projected(coord: Tensor) -> Tensor:
            parts = [coord]
            h = 24.0 * tf.divide(-coord[:, 1], -coord[:, 2]) + 24.0
            w = 24.0 * tf.divide(coord[:, 0], -coord[:, 2]) + 24.0
            h, w = (tf.minimum(tf.maximum(t, 0), 47) for t in (h, w))
            for feat in img_feat:
                side = int(feat.shape[0])
                x, y = h * side / 48.0, w * side / 48.0
                x1, y1 = tf.floor(x), tf.floor(y)
                x2, y2 = tf.minimum(tf.math.ceil(x), side - 1), tf.minimum(tf.math.ceil(y), side - 1)
                for a, b, wa, wb in ((x1, y1, x2 - x, y2 - y), (x2, y2, x - x1, y - y1)):
                    at = tf.gather_nd(feat, tf.stack([tf.cast(a, tf.int32), tf.cast(b, tf.int32)], 1))
                    parts.append(tf.multiply(at, tf.expand_dims(wa * wb, 1)))
            return tf.concat(parts, 1)

        coord, hidden, coords = features, None, []
        for block in range(2):
            if block:
                middle = 0.5 * tf.reduce_sum(tf.gather(coord, pool_idx), 1)
                coord = tf.concat([coord, middle], 0)
                hidden = tf.concat([hidden, 0.5 * tf.reduce_sum(tf.gather(hidden, pool_idx), 1)], 0)
            inputs = projected(coord)
            inputs = inputs if hidden is None else tf.concat([inputs, hidden], 1)
            hidden = graph_conv(inputs, 12, supports[block], f"graphconvolution_{block}_in")
            for i in range(2):
                hidden = 0.5 * (
                    hidden + graph_conv(hidden, 12, supports[block], f"graphconvolution_{block}_{i}")
                )
            coord = graph_conv(hidden, 3, supports[block], f"graphconvolution_{block}_out", None)
            coords.append(coord)
    loss = 0.0
    for i, pred in enumerate(coords):
        gt = labels[:, :3]
        apart = tf.reduce_sum(tf.square(pred[:, None] - gt[None]), 2)
        dist1, nearest = tf.reduce_min(apart, 0), tf.argmin(apart, 1)
        loss += 3000 * tf.reduce_mean(dist1) + 3000 * 0.55 * tf.reduce_mean(tf.reduce_min(apart, 1))
        edge = tf.gather(pred, edges[i][:, 0]) - tf.gather(pred, edges[i][:, 1])
        loss += 300 * tf.reduce_mean(tf.reduce_sum(tf.square(edge), 1))
        normal = tf.gather(tf.gather(labels[:, 3:], nearest), edges[i][:, 0])
        cosine = tf.abs(tf.reduce_sum(tf.nn.l2_normalize(normal, 1) * tf.nn.l2_normalize(edge, 1), 1))
        loss += 0.5 * tf.reduce_mean(cosine)
        around = tf.concat([pred, tf.zeros([1, 3])], 0)
        laplace = pred - tf.reduce_sum(tf.gather(around, lape_idx[i][:, :8]), 1) / 8.0
        loss += 1500 * tf.reduce_mean(tf.reduce_sum(tf.square(laplace), 1))
    loss += tf.add_n(v1.get_collection(v1.GraphKeys.REGULARIZATION_LOSSES))
    v1.train.AdamOptimizer(learning_rate=3e-5).minimize(loss)
    parts = [t for stage in supports for s in stage for t in (s.indices, s.values, s.dense_shape)]
    return [img_inp, features, *parts, pool_idx], [coords[-1]]


@case("graph net")
def edges_nodes_and_globals_in_turn() -> Truths:
    """Encode, process some steps, decode at every step; graphs of a batch joined in one, paths as classes."""
    with tf.name_scope("placeholders_from_data_dicts"):
        nodes = v1.placeholder(tf.float32, [None, 5], name="nodes")
        edges = v1.placeholder(tf.float32, [None, 1], name="edges")
        receivers = v1.placeholder(tf.int32, [None], name="receivers")
        senders = v1.placeholder(tf.int32, [None], name="senders")
        globs = v1.placeholder(tf.float32, [None, 1], name="globals")
        n_node = v1.placeholder(tf.int32, [None], name="n_node")
        n_edge = v1.placeholder(tf.int32, [None], name="n_edge")
    with tf.name_scope("placeholders_from_data_dicts_1"):
        target_nodes = v1.placeholder(tf.float32, [None, 2], name="nodes")
        target_edges = v1.placeholder(tf.float32, [None, 2], name="edges")

    def mlp(x: Tensor, scope: str) -> Tensor:
        with v1.variable_scope(scope, reuse=v1.AUTO_REUSE):
            x = _fc(_fc(x, 12, "linear_0", tf.nn.relu), 12, "linear_1", tf.nn.relu)
            mean, var = tf.nn.moments(x, [-1], keepdims=True)
            with v1.variable_scope("layer_norm"):
                scale = v1.get_variable("gamma", [12], initializer=v1.ones_initializer())
                offset = v1.get_variable("beta", [12], initializer=v1.zeros_initializer())
            return tf.nn.batch_normalization(x, mean, var, offset, scale, 1e-5)

    def independent(graph: list[Tensor], scope: str) -> list[Tensor]:
        return [
            mlp(x, f"{scope}/{kind}_model") for x, kind in zip(graph, ("edge", "node", "global"), strict=True)
        ]

    graphs, all_nodes = tf.shape(n_node)[0], tf.shape(nodes)[0]
    of_edge = tf.repeat(tf.range(graphs), n_edge, name="broadcast_globals_to_edges")
    of_node = tf.repeat(tf.range(graphs), n_node, name="broadcast_globals_to_nodes")

    def core(graph: list[Tensor]) -> list[Tensor]:
        e, n, g = graph
        e = mlp(
            tf.concat([e, tf.gather(n, receivers), tf.gather(n, senders), tf.gather(g, of_edge)], -1),
            "core/edge",
        )
        received = tf.math.unsorted_segment_sum(e, receivers, all_nodes)
        n = mlp(tf.concat([received, n, tf.gather(g, of_node)], -1), "core/node")
        of_all = [tf.math.unsorted_segment_sum(t, at, graphs) for t, at in ((e, of_edge), (n, of_node))]
        return [e, n, mlp(tf.concat([*of_all, g], -1), "core/global")]

    latent = latent0 = independent([edges, nodes, globs], "encoder")
    outputs = []
    for _ in range(3):
        joined = [tf.concat([a, b], 1) for a, b in zip(latent0, latent, strict=True)]
        latent = core(joined)
        decoded = independent(latent, "decoder")
        with v1.variable_scope("output", reuse=v1.AUTO_REUSE):
            outputs.append(
                [_fc(t, 2, k) for t, k in zip(decoded, ("edge_output", "node_output", "g"), strict=True)]
            )
    losses = [
        v1.losses.softmax_cross_entropy(target_nodes, n) + v1.losses.softmax_cross_entropy(target_edges, e)
        for e, n, _ in outputs
    ]
    loss_op = sum(losses) / len(losses)
    v1.train.AdamOptimizer(1e-3).minimize(loss_op)
    fed = [nodes, edges, receivers, senders, globs, n_node, n_edge]
    e, n, g = outputs[-1]
    return [(fed, [n, e]), (fed, [n, e, g])]


@case("video")
def actions_by_colour_and_by_inflated_flow() -> Truths:
    """Two nets with kernels in time, one for colour and one for flow; logits added; only for evaluation."""

    def unit(x: Tensor, n: int, k: int, name: str, stride: int = 1, plain: bool = False) -> Tensor:
        with v1.variable_scope(name):
            w = v1.get_variable("conv_3d/w", [k, k, k, int(x.shape[-1]), n])
            x = tf.nn.conv3d(x, w, [1, stride, stride, stride, 1], "SAME")
            if plain:
                return x + v1.get_variable("conv_3d/b", [n], initializer=v1.zeros_initializer())
            return tf.nn.relu(_bn(x, False, "batch_norm"))

    def pool(x: Tensor, t: int, s: int, name: str) -> Tensor:
        return tf.nn.max_pool3d(x, [1, t, 3, 3, 1], [1, t, s, s, 1], "SAME", name=name)

    def inception_i3d(x: Tensor, keep: float) -> Tensor:
        with v1.variable_scope("inception_i3d"):
            x = pool(unit(x, 8, 7, "Conv3d_1a_7x7", 2), 1, 2, "MaxPool3d_2a_3x3")
            x = pool(unit(unit(x, 8, 1, "Conv3d_2b_1x1"), 12, 3, "Conv3d_2c_3x3"), 1, 2, "MaxPool3d_3a_3x3")
            for end_point in ("Mixed_3b", "Mixed_4b"):
                with v1.variable_scope(end_point):
                    b0 = unit(x, 6, 1, "Branch_0/Conv3d_0a_1x1")
                    b1 = unit(unit(x, 4, 1, "Branch_1/Conv3d_0a_1x1"), 6, 3, "Branch_1/Conv3d_0b_3x3")
                    b3 = tf.nn.max_pool3d(x, 3, 1, "SAME", name="Branch_3/MaxPool3d_0a_3x3")
                    x = tf.concat([b0, b1, unit(b3, 4, 1, "Branch_3/Conv3d_0b_1x1")], 4)
            with v1.variable_scope("Logits"):
                h, w = int(x.shape[2]), int(x.shape[3])
                net = tf.nn.avg_pool3d(x, [1, 2, h, w, 1], [1, 1, 1, 1, 1], "VALID")
                net = unit(v1.nn.dropout(net, keep_prob=keep), 20, 1, "Conv3d_0c_1x1", plain=True)
                return tf.reduce_mean(tf.squeeze(net, [2, 3], name="SpatialSqueeze"), axis=1)

    rgb_input = v1.placeholder(tf.float32, shape=(1, 16, 32, 32, 3))
    with v1.variable_scope("RGB"):
        rgb_logits = inception_i3d(rgb_input, 1.0)
    flow_input = v1.placeholder(tf.float32, shape=(1, 16, 32, 32, 2))
    with v1.variable_scope("Flow"):
        flow_logits = inception_i3d(flow_input, 1.0)
    v1.train.Saver(var_list={v.name[4:-2]: v for v in v1.global_variables() if v.name.startswith("RGB")})
    model_logits = rgb_logits + flow_logits
    model_predictions = tf.nn.softmax(model_logits)
    fed = [rgb_input, flow_input]
    return [(fed, [model_logits, model_predictions]), (fed, [model_predictions]), (fed, [model_logits])]


@case("gan")
def faces_grown_level_by_level() -> Truths:
    """A painter, its average and a critic, each with own placeholders, blended between widths by a level."""
    dataset = tf.data.TFRecordDataset(["faces-r05.tfrecords"])

    def parsed(record: Tensor) -> tuple[Tensor, Tensor]:
        fs = v1.parse_single_example(
            record,
            {
                "shape": v1.FixedLenFeature([3], tf.int64),
                "data": v1.FixedLenFeature([], tf.string),
                "label": v1.FixedLenFeature([4], tf.float32),
            },
        )
        return tf.reshape(tf.io.decode_raw(fs["data"], tf.uint8), fs["shape"]), fs["label"]

    with tf.name_scope("Dataset"):
        iterator = v1.data.make_initializable_iterator(dataset.map(parsed).repeat().batch(8))
        raw, reals_labels = iterator.get_next()
    lod_in = v1.placeholder(tf.float32, name="lod_in", shape=[])
    lrate_in = v1.placeholder(tf.float32, name="lrate_in", shape=[])
    with tf.name_scope("ProcessReals"):
        reals = tf.reshape(tf.cast(raw, tf.float32) / 127.5 - 1.0, [-1, 3, 16, 16])
        coarse = tf.reduce_mean(tf.reshape(reals, [-1, 3, 8, 2, 8, 2]), [3, 5], keepdims=True)
        coarse = tf.reshape(tf.tile(coarse, [1, 1, 1, 2, 1, 2]), [-1, 3, 16, 16])
        reals = reals + (coarse - reals) * (lod_in - tf.floor(lod_in))

    def conv(x: Tensor, n: int, k: int, name: str, gain: float = 1.41) -> Tensor:
        with v1.variable_scope(name):
            fan = k * k * int(x.shape[1])
            w = v1.get_variable(
                "weight", [k, k, int(x.shape[1]), n], initializer=v1.random_normal_initializer()
            )
            b = v1.get_variable("bias", [n], initializer=v1.zeros_initializer())
            x = tf.nn.conv2d(x, w * np.float32(gain / np.sqrt(fan)), 1, "SAME", data_format="NCHW")
            return x + tf.reshape(b, [1, -1, 1, 1])

    def up(x: Tensor) -> Tensor:
        c, h, w = (int(d) for d in x.shape[1:])
        x = tf.tile(tf.reshape(x, [-1, c, h, 1, w, 1]), [1, 1, 1, 2, 1, 2])
        return tf.reshape(x, [-1, c, h * 2, w * 2])

    def pixel_norm(x: Tensor) -> Tensor:
        return x * v1.rsqrt(tf.reduce_mean(tf.square(x), axis=1, keepdims=True) + 1e-8)

    def painter(scope: str, latents: Tensor, labels: Tensor) -> Tensor:
        with v1.variable_scope(scope, reuse=v1.AUTO_REUSE):
            lod = v1.get_variable("lod", initializer=np.float32(0.0), trainable=False)
            x = _fc(pixel_norm(tf.concat([latents, labels], 1)), 12 * 16, "4x4/Dense")
            x = pixel_norm(tf.nn.leaky_relu(tf.reshape(x, [-1, 12, 4, 4])))
            images = conv(x, 3, 1, "ToRGB_lod2", 1.0)
            for res in (3, 4):
                x = pixel_norm(tf.nn.leaky_relu(conv(up(x), 8, 3, f"{2**res}x{2**res}/Conv0")))
                img = conv(x, 3, 1, f"ToRGB_lod{4 - res}", 1.0)
                with tf.name_scope("LerpClip"):
                    images = img + (up(images) - img) * tf.clip_by_value(lod - (4 - res), 0.0, 1.0)
            return tf.identity(images, name="images_out")

    def critic(images: Tensor) -> tuple[Tensor, Tensor]:
        with v1.variable_scope("D", reuse=v1.AUTO_REUSE):
            lod = v1.get_variable("lod", initializer=np.float32(0.0), trainable=False)
            img, x = images, tf.nn.leaky_relu(conv(images, 8, 1, "FromRGB_lod0"))
            for res in (4, 3):
                x = tf.nn.leaky_relu(conv(x, 8, 3, f"{2**res}x{2**res}/Conv0"))
                x = tf.nn.avg_pool2d(x, 2, 2, "VALID", data_format="NCHW")
                img = tf.nn.avg_pool2d(img, 2, 2, "VALID", data_format="NCHW")
                y = tf.nn.leaky_relu(conv(img, 8, 1, f"FromRGB_lod{5 - res}"))
                x = x + (y - x) * tf.clip_by_value(lod - (4 - res), 0.0, 1.0)
            spread = tf.sqrt(tf.reduce_mean(tf.square(x - tf.reduce_mean(x, 0, keepdims=True)), 0) + 1e-8)
            spread = tf.reduce_mean(spread) * tf.ones_like(x[:, :1])
            x = tf.nn.leaky_relu(conv(tf.concat([x, spread], 1), 8, 3, "4x4/Conv"))
            x = _fc(tf.reshape(x, [-1, 8 * 16]), 5, "4x4/Dense1")
            return tf.identity(x[:, :1], name="scores_out"), tf.identity(x[:, 1:], name="labels_out")

    templates = {}
    for scope in ("G", "Gs"):
        with tf.name_scope(scope + "/"):
            latents_in = v1.placeholder(tf.float32, [None, 16], name="latents_in")
            labels_in = v1.placeholder(tf.float32, [None, 4], name="labels_in")
        templates[scope] = ([latents_in, labels_in], [painter(scope, latents_in, labels_in)])
    with tf.name_scope("D/"):
        images_in = v1.placeholder(tf.float32, [None, 3, 16, 16], name="images_in")
    critic(images_in)
    with tf.name_scope("GPU0"), tf.device("/gpu:0"):
        latents = tf.random.normal([8, 16])
        with tf.name_scope("G_loss"):
            fake = painter("G", latents, reals_labels)
            scores, said = critic(fake)
            label_loss = v1.nn.softmax_cross_entropy_with_logits_v2(labels=reals_labels, logits=said)
            g_loss = tf.reduce_mean(-scores + label_loss[:, None])
        with tf.name_scope("D_loss"):
            real_scores, _ = critic(reals)
            d_loss = tf.reduce_mean(critic(fake)[0] - real_scores + 0.001 * tf.square(real_scores))
            mixed = reals + (fake - reals) * v1.random_uniform([8, 1, 1, 1], 0.0, 1.0)
            slope = tf.gradients(tf.reduce_sum(critic(mixed)[0]), [mixed])[0]
            norms = tf.sqrt(tf.reduce_sum(tf.square(slope), axis=[1, 2, 3]))
            d_loss += 10.0 * tf.reduce_mean(tf.square(norms - 1.0))
    for name, loss in (("G", g_loss), ("D", d_loss)):
        own = [v for v in v1.trainable_variables() if v.name.startswith(name + "/")]
        v1.train.AdamOptimizer(lrate_in, 0.0, 0.99, name=f"Train{name}").minimize(loss, var_list=own)
    pairs = {v.op.name[3:]: v for v in v1.global_variables() if v.op.name.startswith("Gs/")}
    with tf.name_scope("MovingAverage"):
        for v in v1.trainable_variables():
            if v.op.name.startswith("G/"):
                v1.assign(pairs[v.op.name[2:]], v + (pairs[v.op.name[2:]] - v) * 0.999)
    return [templates["Gs"], templates["G"]]


@case("captions")
def caption_word_by_word_from_a_state_in_one_tensor() -> Truths:
    """Inference only: a jpeg gives the first state, then word and state in, chances and state out."""
    image_feed = v1.placeholder(dtype=tf.string, shape=[], name="image_feed")
    input_feed = v1.placeholder(dtype=tf.int64, shape=[None], name="input_feed")
    with tf.name_scope("decode"):
        image = tf.image.convert_image_dtype(tf.io.decode_jpeg(image_feed, channels=3), tf.float32)
        image = tf.image.resize(image, [36, 36])
        image = tf.image.resize_with_crop_or_pad(image, 32, 32)
        images = tf.expand_dims(tf.multiply(tf.subtract(image, 0.5), 2.0), 0)
    input_seqs = tf.expand_dims(input_feed, 1)
    with v1.variable_scope("InceptionV3"):
        net = _conv(_conv(images, 8, 3, "Conv2d_1a", 2, training=False), 12, 3, "Mixed_7c", 2, training=False)
        net = tf.reshape(tf.nn.avg_pool2d(net, 8, 1, "VALID", name="pool"), [-1, 12])
    with v1.variable_scope("image_embedding"):
        image_embeddings = _fc(net, 16, "fully_connected")
    with v1.variable_scope("seq_embedding"), tf.device("/cpu:0"):
        table = v1.get_variable("map", [60, 16], initializer=v1.random_uniform_initializer(-0.08, 0.08))
        seq_embeddings = tf.nn.embedding_lookup(table, input_seqs)

    def cell(x: Tensor, c: Tensor, h: Tensor) -> tuple[Tensor, Tensor]:
        with v1.variable_scope("basic_lstm_cell", reuse=v1.AUTO_REUSE):
            kernel = v1.get_variable("kernel", [32, 64])
            bias = v1.get_variable("bias", [64], initializer=v1.zeros_initializer())
            i, j, f, o = tf.split(tf.nn.bias_add(tf.matmul(tf.concat([x, h], 1), kernel), bias), 4, 1)
            c = c * tf.sigmoid(f + 1.0) + tf.sigmoid(i) * tf.tanh(j)
            return c, tf.tanh(c) * tf.sigmoid(o)

    with v1.variable_scope("lstm", initializer=v1.random_uniform_initializer(-0.08, 0.08)):
        zero = tf.zeros([tf.shape(image_embeddings)[0], 16])
        initial_state = tf.concat(cell(image_embeddings, zero, zero), axis=1, name="initial_state")
        state_feed = v1.placeholder(dtype=tf.float32, shape=[None, 32], name="state_feed")
        c, h = tf.split(state_feed, 2, 1)
        c, h = cell(tf.squeeze(seq_embeddings, axis=[1]), c, h)
        state = tf.concat((c, h), axis=1, name="state")
    with v1.variable_scope("logits"):
        logits = v1.nn.xw_plus_b(h, v1.get_variable("weights", [16, 60]), v1.get_variable("biases", [60]))
    softmax = tf.nn.softmax(logits, name="softmax")
    v1.train.get_or_create_global_step()
    return [
        ([image_feed, input_feed, state_feed], [initial_state, softmax, state]),
        ([input_feed, state_feed], [softmax, state]),
    ]


def _lstm(
    x: Tensor, n: int, scope: str, lengths: Tensor = None, backwards: bool = False
) -> tuple[Tensor, Tensor]:
    """A loop over time written by hand; beyond its length a row keeps its state and tells zeros."""
    time, width = tf.shape(x)[1], int(x.shape[-1])
    with v1.variable_scope(scope, reuse=v1.AUTO_REUSE):
        kernel = v1.get_variable("kernel", [width + n, 4 * n])
        bias = v1.get_variable("bias", [4 * n], initializer=v1.zeros_initializer())
    if backwards:
        x = tf.reverse(x, [1]) if lengths is None else tf.reverse_sequence(x, lengths, seq_axis=1)
    steps = tf.TensorArray(tf.float32, time).unstack(tf.transpose(x, [1, 0, 2]))
    zero = tf.zeros([tf.shape(x)[0], n])

    def body(t: Tensor, c: Tensor, h: Tensor, told: Any) -> tuple[Tensor, Tensor, Tensor, Any]:
        step = tf.ensure_shape(steps.read(t), [None, width])
        i, j, f, o = tf.split(tf.matmul(tf.concat([step, h], 1), kernel) + bias, 4, 1)
        new_c = tf.sigmoid(f + 1.0) * c + tf.sigmoid(i) * tf.tanh(j)
        new_h = out = tf.sigmoid(o) * tf.tanh(new_c)
        if lengths is not None:
            live = tf.cast(t < tf.cast(lengths, tf.int32), tf.float32)[:, None]
            new_c, new_h, out = live * new_c + (1 - live) * c, live * new_h + (1 - live) * h, live * out
        return t + 1, new_c, new_h, told.write(t, out)

    start = (tf.constant(0), zero, zero, tf.TensorArray(tf.float32, time))
    _, _, last, told = v1.while_loop(lambda t, *_: t < time, body, start, name=scope + "_while")
    out = tf.transpose(told.stack(), [1, 0, 2])
    if backwards:
        out = tf.reverse(out, [1]) if lengths is None else tf.reverse_sequence(out, lengths, seq_axis=1)
    return tf.ensure_shape(out, [None, None, n]), last


@case("question and picture")
def reasons_in_control_and_memory() -> Truths:
    """Steps that each choose words, read the picture by them and write a memory; an answer at the end."""
    with tf.name_scope("placeholders"):
        questionsIndicesAll = v1.placeholder(tf.int32, shape=(None, None))  # noqa: N806
        questionLengthsAll = v1.placeholder(tf.int32, shape=(None,))  # noqa: N806
        imagesPlaceholder = v1.placeholder(tf.float32, shape=(None, 16, 6, 6))  # noqa: N806
        answersIndicesAll = v1.placeholder(tf.int32, shape=(None,))  # noqa: N806
        lr = v1.placeholder(tf.float32, shape=())
        train = v1.placeholder(tf.bool, shape=())
        dropouts = {
            k: v1.placeholder(tf.float32, shape=()) for k in ("encInput", "question", "read", "output")
        }
    images = tf.transpose(imagesPlaceholder, (0, 2, 3, 1))
    batch = tf.shape(questionsIndicesAll)[0]
    with v1.variable_scope("macModel"):
        with v1.variable_scope("stem"):
            x = images
            for i in range(2):
                x = _conv(v1.nn.dropout(x, dropouts["read"]), 12, 2, f"cnn_{i}", act=tf.nn.elu)
            kb = tf.reshape(x, [-1, 36, 12])
        with v1.variable_scope("embeddings"):
            table = v1.get_variable("emb", [40, 12], initializer=v1.random_uniform_initializer(-1, 1))
            questions = tf.nn.embedding_lookup(tf.concat([tf.zeros((1, 12)), table], 0), questionsIndicesAll)
        with v1.variable_scope("encoder"):
            questions = v1.nn.dropout(questions, dropouts["encInput"])
            fw, fw_last = _lstm(questions, 6, "fw", questionLengthsAll)
            bw, bw_last = _lstm(questions, 6, "bw", questionLengthsAll, True)
            words = _fc(tf.concat([fw, bw], 2), 12, "projCW")
            vec = v1.nn.dropout(tf.concat([fw_last, bw_last], 1), dropouts["question"])
        with v1.variable_scope("MACnetwork"):
            control = tf.tile(v1.get_variable("initControl", [1, 12]), [batch, 1])
            memory = tf.tile(v1.get_variable("initMemory", [1, 12]), [batch, 1])
            mask = tf.sequence_mask(questionLengthsAll, tf.shape(words)[1])
            attentions: dict[str, list[Tensor]] = {"question": [], "kb": []}
            for step in range(3):
                with v1.variable_scope("MACCell", reuse=v1.AUTO_REUSE):
                    c = _fc(
                        tf.concat([control, _fc(vec, 12, f"qInput{step}", tf.tanh)], 1), 12, "contControl"
                    )
                    scores = tf.squeeze(_fc(c[:, None] * words, 1, "control/inter2att"), 2)
                    att = tf.nn.softmax(tf.where(mask, scores, -1e30 * tf.ones_like(scores)))
                    attentions["question"].append(att)
                    control = tf.reduce_sum(att[..., None] * words, 1)
                    near = _fc(kb, 12, "read/kb") * _fc(memory, 12, "read/mem")[:, None]
                    near = _fc(tf.concat([near, kb], 2), 12, "read/concat", tf.nn.elu)
                    looks = tf.nn.softmax(
                        tf.squeeze(_fc(tf.nn.elu(near * control[:, None]), 1, "read/att"), 2)
                    )
                    attentions["kb"].append(looks)
                    info = tf.reduce_sum(looks[..., None] * kb, 1)
                    memory = _fc(tf.concat([memory, info], 1), 12, "write/newMemory")
        with v1.variable_scope("outputUnit"):
            features = tf.concat([memory, _fc(vec, 12, "outQuestion")], 1)
            features = v1.nn.dropout(features, dropouts["output"])
            logits = _fc(_fc(features, 12, "fc_0", tf.nn.elu), 8, "fc_1")
    losses = v1.nn.sparse_softmax_cross_entropy_with_logits(labels=answersIndicesAll, logits=logits)
    loss = tf.reduce_mean(losses)
    preds = v1.to_int32(tf.argmax(logits, axis=-1))
    tf.reduce_sum(v1.to_float(tf.equal(preds, answersIndicesAll)), name="correct")
    tf.cast(train, tf.float32, name="trainFlag")
    optimizer = v1.train.AdamOptimizer(learning_rate=lr)
    gradients, variables = zip(*optimizer.compute_gradients(loss), strict=True)
    clipped, _ = tf.clip_by_global_norm(gradients, 8.0)
    step_op = optimizer.apply_gradients(zip(clipped, variables, strict=True))
    ema = tf.train.ExponentialMovingAverage(decay=0.999)
    with tf.control_dependencies([step_op]):
        ema.apply(v1.trainable_variables())
    fed = [questionsIndicesAll, questionLengthsAll, imagesPlaceholder]
    seen = attentions["question"] + attentions["kb"]
    return [(fed, [preds]), (fed, [preds, *seen]), (fed, [logits])]


@case("reader")
def answer_between_two_ends_by_flow_both_ways() -> Truths:
    """Sentences of a page and a question, letters and words, highways, attention in both directions."""
    n, w = 4, 5
    x = v1.placeholder("int32", [n, None, None], name="x")
    cx = v1.placeholder("int32", [n, None, None, w], name="cx")
    x_mask = v1.placeholder("bool", [n, None, None], name="x_mask")
    q = v1.placeholder("int32", [n, None], name="q")
    cq = v1.placeholder("int32", [n, None, w], name="cq")
    q_mask = v1.placeholder("bool", [n, None], name="q_mask")
    y = v1.placeholder("bool", [n, None, None], name="y")
    y2 = v1.placeholder("bool", [n, None, None], name="y2")
    is_train = v1.placeholder("bool", [], name="is_train")
    new_emb_mat = v1.placeholder("float", [None, 8], name="new_emb_mat")
    global_step = v1.get_variable(
        "global_step", shape=[], dtype="int32", initializer=v1.zeros_initializer(), trainable=False
    )

    def drop(t: Tensor) -> Tensor:
        worse = v1.nn.dropout(t, keep_prob=0.8)
        return v1.cond(is_train, lambda: worse, lambda: t)

    with v1.variable_scope("emb"):
        char_mat = v1.get_variable("char_emb_mat", shape=[30, 6], dtype="float")
        word_mat = v1.get_variable("word_emb_mat", dtype="float", shape=[50, 8])
        word_mat = tf.concat([word_mat, new_emb_mat], 0)

        def embedded(words: Tensor, chars: Tensor) -> Tensor:
            a = tf.nn.embedding_lookup(char_mat, chars)
            flat = tf.reshape(a, [-1, w, 6])
            with v1.variable_scope("conv", reuse=v1.AUTO_REUSE):
                flat = tf.nn.conv1d(drop(flat), v1.get_variable("filter", [3, 6, 8]), 1, "VALID")
                flat = tf.reduce_max(tf.nn.relu(flat + v1.get_variable("bias", [8])), 1)
            pooled = tf.reshape(flat, tf.concat([tf.shape(words), [8]], 0))
            both = tf.concat([pooled, tf.nn.embedding_lookup(word_mat, words)], -1)
            for i in range(2):
                with v1.variable_scope(f"highway_{i}", reuse=v1.AUTO_REUSE):
                    gate = tf.sigmoid(_fc(both, 16, "gate"))
                    both = gate * _fc(both, 16, "trans", tf.nn.relu) + (1 - gate) * both
            return both

        xx, qq = embedded(x, cx), embedded(q, cq)

    m, long = tf.shape(x)[1], tf.shape(x)[2]
    x_len = tf.reshape(tf.reduce_sum(tf.cast(x_mask, "int32"), 2), [-1])
    q_len = tf.reduce_sum(tf.cast(q_mask, "int32"), 1)

    def both_ways(t: Tensor, lengths: Tensor, scope: str) -> Tensor:
        return tf.concat([_lstm(drop(t), 6, f"{scope}/{d}", lengths, d == "bw")[0] for d in ("fw", "bw")], 2)

    h = both_ways(tf.reshape(xx, [-1, long, 16]), x_len, "prepro/u1")
    u = both_ways(qq, q_len, "prepro/u1")
    h, hm = tf.reshape(h, [n, -1, 12]), tf.reshape(x_mask, [n, -1])
    with v1.variable_scope("main"):
        shape = [1, 1, tf.shape(u)[1], 1]
        wide_h, wide_u = tf.tile(h[:, :, None], shape), tf.tile(u[:, None], [1, tf.shape(h)[1], 1, 1])
        tri = tf.squeeze(_fc(tf.concat([wide_h, wide_u, wide_h * wide_u], 3), 1, "att_logits"), 3)
        tri += -1e30 * (1 - tf.cast(hm[:, :, None] & q_mask[:, None], "float"))
        u_a = tf.reduce_sum(tf.nn.softmax(tri)[..., None] * wide_u, 2)
        h_a = tf.reduce_sum(tf.nn.softmax(tf.reduce_max(tri, 2))[..., None] * h, 1, keepdims=True)
        p0 = tf.concat([h, u_a, h * u_a, h * h_a], 2)
        flat_len = tf.reduce_sum(tf.cast(hm, "int32"), 1)
        g1 = both_ways(both_ways(p0, flat_len, "g0"), flat_len, "g1")
        logits = tf.squeeze(_fc(drop(tf.concat([g1, p0], 2)), 1, "logits1"), 2)
        logits += -1e30 * (1 - tf.cast(hm, "float"))
        a1i = tf.reduce_sum(tf.nn.softmax(logits)[..., None] * g1, 1, keepdims=True)
        a1i = tf.tile(a1i, [1, tf.shape(g1)[1], 1])
        g2 = both_ways(tf.concat([p0, g1, a1i, g1 * a1i], 2), flat_len, "g2")
        logits2 = tf.squeeze(_fc(drop(tf.concat([g2, p0], 2)), 1, "logits2"), 2)
        logits2 += -1e30 * (1 - tf.cast(hm, "float"))
        yp = tf.reshape(tf.nn.softmax(logits), [-1, m, long])
        yp2 = tf.reshape(tf.nn.softmax(logits2), [-1, m, long])
    with tf.name_scope("loss"):
        for told, true in ((logits, y), (logits2, y2)):
            labels = tf.cast(tf.reshape(true, [n, -1]), "float")
            losses = v1.nn.softmax_cross_entropy_with_logits(logits=told, labels=labels)
            v1.add_to_collection("losses", tf.reduce_mean(losses))
        loss = tf.add_n(v1.get_collection("losses"), name="loss")
    v1.summary.scalar("loss", loss)
    ema = tf.train.ExponentialMovingAverage(0.999)
    ema.apply(v1.trainable_variables())
    with tf.control_dependencies([ema.apply(v1.get_collection("losses"))]):
        kept = tf.identity(loss)
    opt = v1.train.AdadeltaOptimizer(0.5)
    opt.apply_gradients(opt.compute_gradients(kept, v1.trainable_variables()), global_step=global_step)
    fed = [x, cx, x_mask, q, cq, q_mask, new_emb_mat]
    return [(fed, [yp, yp2]), (fed, [logits, logits2])]


@case("transformer")
def endings_by_a_tuned_language_model_on_two_cards() -> Truths:
    """Two endings each as tokens and places; towers share weights, an optimizer by hand, one more to ask."""
    n_vocab, n_ctx, n_embd, n_head, clf_token = 60, 14, 12, 3, 49
    X_train = v1.placeholder(tf.int32, [4, 2, n_ctx, 2])  # noqa: N806
    M_train = v1.placeholder(tf.float32, [4, 2, n_ctx])  # noqa: N806
    X = v1.placeholder(tf.int32, [None, 2, n_ctx, 2])  # noqa: N806
    M = v1.placeholder(tf.float32, [None, 2, n_ctx])  # noqa: N806
    Y_train = v1.placeholder(tf.int32, [4])  # noqa: N806
    Y = v1.placeholder(tf.int32, [None])  # noqa: N806

    def conv1d(x: Tensor, scope: str, nf: int) -> Tensor:
        with v1.variable_scope(scope):
            nx = int(x.shape[-1])
            w = v1.get_variable("w", [1, nx, nf], initializer=v1.random_normal_initializer(stddev=0.02))
            b = v1.get_variable("b", [nf], initializer=v1.constant_initializer(0))
            c = tf.matmul(tf.reshape(x, [-1, nx]), tf.reshape(w, [-1, nf])) + b
            return tf.reshape(c, tf.concat([tf.shape(x)[:-1], [nf]], 0))

    def norm(x: Tensor, scope: str) -> Tensor:
        with v1.variable_scope(scope):
            g = v1.get_variable("g", [n_embd], initializer=v1.constant_initializer(1))
            b = v1.get_variable("b", [n_embd], initializer=v1.constant_initializer(0))
            u = tf.reduce_mean(x, axis=[-1], keepdims=True)
            s = tf.reduce_mean(tf.square(x - u), axis=[-1], keepdims=True)
            return (x - u) * v1.rsqrt(s + 1e-5) * g + b

    def dropout(x: Tensor, train: bool) -> Tensor:
        return v1.nn.dropout(x, 1 - 0.1) if train else x

    def gelu(x: Tensor) -> Tensor:
        return 0.5 * x * (1 + tf.tanh(np.sqrt(2 / np.pi).astype("f") * (x + 0.044715 * tf.pow(x, 3))))

    def block(x: Tensor, scope: str, train: bool) -> Tensor:
        with v1.variable_scope(scope):
            with v1.variable_scope("attn"):
                qkv = tf.reshape(conv1d(x, "c_attn", 3 * n_embd), [-1, n_ctx, 3, n_head, n_embd // n_head])
                q, k, v = (tf.transpose(t, [0, 2, 1, 3]) for t in tf.unstack(qkv, axis=2))
                w = tf.matmul(q, k, transpose_b=True) * v1.rsqrt(float(n_embd // n_head))
                b = tf.reshape(tf.linalg.band_part(tf.ones([n_ctx, n_ctx]), -1, 0), [1, 1, n_ctx, n_ctx])
                w = dropout(tf.nn.softmax(w * b + -1e9 * (1 - b)), train)
                a = tf.reshape(tf.transpose(tf.matmul(w, v), [0, 2, 1, 3]), [-1, n_ctx, n_embd])
                a = dropout(conv1d(a, "c_proj", n_embd), train)
            n = norm(x + a, "ln_1")
            with v1.variable_scope("mlp"):
                m = dropout(conv1d(gelu(conv1d(n, "c_fc", 4 * n_embd)), "c_proj", n_embd), train)
            return norm(n + m, "ln_2")

    def model(X: Tensor, M: Tensor, Y: Tensor, train: bool, reuse: bool) -> list[Tensor]:  # noqa: N803
        with v1.variable_scope("model", reuse=reuse):
            we = v1.get_variable(
                "we", [n_vocab, n_embd], initializer=v1.random_normal_initializer(stddev=0.02)
            )
            X = tf.reshape(X, [-1, n_ctx, 2])  # noqa: N806
            h = tf.reduce_sum(tf.gather(dropout(we, train), X), 2)
            for layer in range(2):
                h = block(h, f"h{layer}", train)
            lm_logits = tf.matmul(tf.reshape(h[:, :-1], [-1, n_embd]), we, transpose_b=True)
            targets = tf.reshape(X[:, 1:, 0], [-1])
            lm = v1.nn.sparse_softmax_cross_entropy_with_logits(logits=lm_logits, labels=targets)
            lm = tf.reshape(lm, [tf.shape(X)[0], n_ctx - 1])
            mask = tf.reshape(M, [-1, n_ctx])[:, 1:]
            lm_losses = tf.reduce_sum(lm * mask, 1) / tf.reduce_sum(mask, 1)
            pool_idx = tf.argmax(
                tf.cast(tf.equal(X[:, :, 0], clf_token), tf.float32), 1, output_type=tf.int32
            )
            clf_h = tf.gather(tf.reshape(h, [-1, n_embd]), tf.range(tf.shape(X)[0]) * n_ctx + pool_idx)
            clf_h = tf.reshape(dropout(clf_h, train), [-1, n_embd])
            clf_logits = tf.reshape(conv1d(clf_h, "clf", 1), [-1, 2])
            clf_losses = v1.nn.sparse_softmax_cross_entropy_with_logits(logits=clf_logits, labels=Y)
            return [clf_logits, clf_losses, lm_losses]

    gpu_grads, told = [], []
    for i, xs in enumerate(zip(*(tf.split(t, 2, 0) for t in (X_train, M_train, Y_train)), strict=True)):
        with tf.device(f"/gpu:{i}"):
            _, clf_losses, lm_losses = model(xs[0], xs[1], xs[2], True, i > 0)
            params = v1.trainable_variables("model")
            gpu_grads.append(
                tf.gradients(tf.reduce_mean(clf_losses) + 0.5 * tf.reduce_mean(lm_losses), params)
            )
    for i, xs in enumerate(zip(*(tf.split(t, 2, 0) for t in (X_train, M_train, Y_train)), strict=True)):
        with tf.device(f"/gpu:{i}"):
            told.append(model(xs[0], xs[1], xs[2], False, True))
    t = v1.Variable(0, dtype=tf.float32, trainable=False)
    lr = 6.25e-5 * tf.maximum((t / 1000.0 - 1.0) / (0.002 - 1.0), 0)
    updates = [t.assign_add(1)]
    for p, *gs in zip(params, *gpu_grads, strict=True):
        g = tf.clip_by_norm(tf.add_n([tf.convert_to_tensor(g) for g in gs]) / 2.0, 1.0)
        m, v = (v1.Variable(tf.zeros(p.shape), dtype=tf.float32, trainable=False) for _ in range(2))
        mt, vt = m.assign(0.9 * m + 0.1 * g), v.assign(0.999 * v + 0.001 * g * g)
        updates.append(p.assign(p - lr * (mt / (tf.sqrt(vt) + 1e-8) + 0.01 * p)))
    tf.group(*updates)
    eval_mgpu_logits = tf.concat([each[0] for each in told], 0)
    tf.reduce_mean(tf.concat([each[1] for each in told], 0))
    eval_logits, eval_clf_losses, _ = model(X, M, Y, train=False, reuse=True)
    tf.reduce_mean(eval_clf_losses)
    return [
        ([X], [eval_logits]),
        ([X, M], [eval_logits]),
        ([X_train], [eval_mgpu_logits]),
        ([X_train, M_train], [eval_mgpu_logits]),
    ]


@case("bert")
def small_reader_taught_by_the_layers_of_a_large_one() -> Truths:
    """Distilling of a tuned encoder: the small net follows the large one's layers, looks and chances."""

    def described(record: Tensor) -> dict[str, Tensor]:
        names = {k: v1.FixedLenFeature([16], tf.int64) for k in ("input_ids", "input_mask", "segment_ids")}
        example = v1.parse_single_example(record, {**names, "label_ids": v1.FixedLenFeature([], tf.int64)})
        return {name: tf.cast(t, tf.int32) for name, t in example.items()}

    d = tf.data.TFRecordDataset("train.tf_record").repeat().shuffle(100).map(described)
    features = v1.data.make_one_shot_iterator(d.batch(8, drop_remainder=True)).get_next()
    input_ids, input_mask = features["input_ids"], features["input_mask"]
    segment_ids, label_ids = features["segment_ids"], features["label_ids"]

    def norm(x: Tensor) -> Tensor:
        with v1.variable_scope("LayerNorm"):
            n = int(x.shape[-1])
            beta = v1.get_variable("beta", [n], initializer=v1.zeros_initializer())
            gamma = v1.get_variable("gamma", [n], initializer=v1.ones_initializer())
        mean, var = tf.nn.moments(x, [-1], keepdims=True)
        return tf.nn.batch_normalization(x, mean, var, beta, gamma, 1e-12)

    def bert(scope: str, size: int, layers: int, training: bool) -> tuple[Tensor, list[Tensor], list[Tensor]]:
        def drop(t: Tensor) -> Tensor:
            return v1.nn.dropout(t, rate=0.1) if training else t

        with v1.variable_scope(scope + "/bert"):
            with v1.variable_scope("embeddings"):
                x = tf.gather(_var("word_embeddings", [60, size]), input_ids)
                kinds = tf.matmul(
                    tf.one_hot(tf.reshape(segment_ids, [-1]), 2), _var("token_type_embeddings", [2, size])
                )
                x += tf.reshape(kinds, [8, 16, size]) + _var("position_embeddings", [16, size])
                x = drop(norm(x))
            adder = (1.0 - tf.cast(input_mask[:, None, None, :], tf.float32)) * -10000.0
            hidden, looks = [x], []
            for i in range(layers):
                with v1.variable_scope(f"encoder/layer_{i}"):
                    q, k, v = (
                        tf.transpose(
                            tf.reshape(_fc(x, size, f"attention/self/{n}"), [8, 16, 2, size // 2]),
                            [0, 2, 1, 3],
                        )
                        for n in ("query", "key", "value")
                    )
                    scores = tf.matmul(q, k, transpose_b=True) / float(np.sqrt(size / 2)) + adder
                    looks.append(scores)
                    mixed = tf.matmul(drop(tf.nn.softmax(scores)), v)
                    mixed = tf.reshape(tf.transpose(mixed, [0, 2, 1, 3]), [8, 16, size])
                    with v1.variable_scope("attention/output"):
                        x = norm(x + drop(_fc(mixed, size, "dense")))
                    h = _fc(x, 2 * size, "intermediate/dense")
                    h = h * 0.5 * (1.0 + tf.math.erf(h / float(np.sqrt(2.0))))
                    with v1.variable_scope("output"):
                        x = norm(x + drop(_fc(h, size, "dense")))
                    hidden.append(x)
            pooled = _fc(tf.squeeze(x[:, 0:1, :], axis=1), size, "pooler/dense", tf.tanh)
        with v1.variable_scope(scope):
            return _fc(drop(pooled), 3, "classifier"), hidden, looks

    teacher_logits, teacher_hidden, teacher_looks = bert("teacher", 16, 4, False)
    logits, hidden, looks = bert("student", 8, 2, True)
    probabilities = tf.nn.softmax(logits, axis=-1)
    predictions = tf.argmax(logits, axis=-1, output_type=tf.int32)
    with v1.variable_scope("loss"):
        rep_loss, att_loss = 0.0, 0.0
        for i, own in enumerate(hidden):
            with v1.variable_scope("fit_dense", reuse=v1.AUTO_REUSE):
                fitted = _fc(own, 16, "dense")
            rep_loss += tf.reduce_mean(tf.square(fitted - tf.stop_gradient(teacher_hidden[2 * i])))
        for i, own in enumerate(looks):
            att_loss += tf.reduce_mean(tf.square(own - tf.stop_gradient(teacher_looks[2 * i + 1])))
        soft = tf.stop_gradient(tf.nn.softmax(teacher_logits / 2.0))
        soft_loss = tf.reduce_mean(-tf.reduce_sum(soft * tf.nn.log_softmax(logits / 2.0), axis=-1))
        one_hot = tf.one_hot(label_ids, depth=3)
        hard_loss = tf.reduce_mean(-tf.reduce_sum(one_hot * tf.nn.log_softmax(logits), axis=-1))
        loss = rep_loss + att_loss + 0.9 * soft_loss + 0.1 * hard_loss
    tf.reduce_mean(tf.cast(tf.equal(predictions, label_ids), tf.float32), name="accuracy")
    global_step = v1.train.get_or_create_global_step()
    rate = v1.train.polynomial_decay(5e-5, global_step, 1000, end_learning_rate=0.0)
    warm = tf.cast(global_step < 100, tf.float32)
    rate = (1.0 - warm) * rate + warm * 5e-5 * tf.cast(global_step, tf.float32) / 100.0
    tvars = [v for v in v1.trainable_variables() if not v.name.startswith("teacher")]
    grads, _ = tf.clip_by_global_norm(tf.gradients(loss, tvars), clip_norm=1.0)
    v1.train.AdamOptimizer(rate).apply_gradients(zip(grads, tvars, strict=True), global_step=global_step)
    fed = [input_ids, input_mask, segment_ids]
    return [(fed, [probabilities]), (fed, [logits]), (fed, [predictions])]


@case("translation", modern=True)
def translations_of_serialized_examples_with_a_cache() -> Truths:
    """Served: protos of examples to padded ids, an encoder, a loop that keeps keys and values."""
    serialized = v1.placeholder(tf.string, [None], name="serialized_example")
    parsed = v1.parse_example(serialized, {"inputs": v1.VarLenFeature(tf.int64)})
    inputs = tf.cast(tf.sparse.to_dense(parsed["inputs"]), tf.int32)
    size, heads, vocab = 12, 2, 50

    def norm(x: Tensor) -> Tensor:
        with v1.variable_scope("layer_prepostprocess/layer_norm", reuse=v1.AUTO_REUSE):
            scale = v1.get_variable("layer_norm_scale", [size], initializer=v1.ones_initializer())
            bias = v1.get_variable("layer_norm_bias", [size], initializer=v1.zeros_initializer())
        mean = tf.reduce_mean(x, axis=[-1], keepdims=True)
        variance = tf.reduce_mean(tf.math.squared_difference(x, mean), axis=[-1], keepdims=True)
        return (x - mean) * v1.rsqrt(variance + 1e-6) * scale + bias

    def timing(length: Tensor) -> Tensor:
        position = tf.cast(tf.range(length), tf.float32)
        scales = tf.exp(tf.cast(tf.range(size // 2), tf.float32) * -(np.log(1e4) / (size // 2 - 1)))
        scaled = position[:, None] * scales[None]
        return tf.concat([tf.sin(scaled), tf.cos(scaled)], 1)[None]

    def split(x: Tensor) -> Tensor:
        return tf.transpose(tf.reshape(x, [tf.shape(x)[0], -1, heads, size // heads]), [0, 2, 1, 3])

    def attend(q: Tensor, k: Tensor, v: Tensor, bias: Tensor | None, scope: str) -> Tensor:
        with v1.variable_scope(scope, reuse=v1.AUTO_REUSE):
            weights = tf.matmul(split(q) * (size // heads) ** -0.5, split(k), transpose_b=True)
            weights = tf.nn.softmax(weights if bias is None else weights + bias, name="attention_weights")
            out = tf.transpose(tf.matmul(weights, split(v)), [0, 2, 1, 3])
            return _fc(tf.reshape(out, [tf.shape(out)[0], -1, size]), size, "output_transform")

    def feed_forward(x: Tensor) -> Tensor:
        with v1.variable_scope("ffn", reuse=v1.AUTO_REUSE):
            return x + _fc(_fc(norm(x), 2 * size, "conv1", tf.nn.relu), size, "conv2")

    with v1.variable_scope("transformer/symbol_modality"):
        table = v1.get_variable(
            "shared/weights", [vocab, size], initializer=v1.random_normal_initializer(0.0, size**-0.5)
        )
    with v1.variable_scope("transformer/body"):
        padding = tf.cast(tf.equal(inputs, 0), tf.float32)
        bias = padding[:, None, None] * -1e9
        x = tf.gather(table, inputs) * size**0.5 * (1.0 - padding)[..., None] + timing(tf.shape(inputs)[1])
        for i in range(2):
            with v1.variable_scope(f"encoder/layer_{i}"):
                y = norm(x)
                q, k, v = (_fc(y, size, f"self_attention/{n}") for n in "qkv")
                x = feed_forward(x + attend(q, k, v, bias, "self_attention"))
        with v1.variable_scope("encoder"):
            encoded = norm(x)
        batch, length = tf.shape(inputs)[0], tf.shape(inputs)[1] + 10
        positions = timing(length)
        cache: dict[str, Tensor] = {}
        for i in range(2):
            with v1.variable_scope(f"decoder/layer_{i}/encdec_attention"):
                cache[f"{i}/encdec_k"], cache[f"{i}/encdec_v"] = (_fc(encoded, size, n) for n in "kv")
            cache[f"{i}/k"], cache[f"{i}/v"] = tf.zeros([batch, 0, size]), tf.zeros([batch, 0, size])

        def logits_of(ids: Tensor, at: Tensor, kept: dict[str, Tensor]) -> tuple[Tensor, dict[str, Tensor]]:
            y = tf.gather(table, ids) * size**0.5 * tf.cast(tf.not_equal(ids, 0), tf.float32)[..., None]
            y += tf.slice(positions, [0, at, 0], [1, 1, size])
            kept = dict(kept)
            for i in range(2):
                with v1.variable_scope(f"decoder/layer_{i}", reuse=v1.AUTO_REUSE):
                    z = norm(y)
                    q, k, v = (_fc(z, size, f"self_attention/{n}") for n in "qkv")
                    kept[f"{i}/k"] = tf.concat([kept[f"{i}/k"], k], 1)
                    kept[f"{i}/v"] = tf.concat([kept[f"{i}/v"], v], 1)
                    y += attend(q, kept[f"{i}/k"], kept[f"{i}/v"], None, "self_attention")
                    q = _fc(norm(y), size, "encdec_attention/q")
                    y += attend(q, kept[f"{i}/encdec_k"], kept[f"{i}/encdec_v"], bias, "encdec_attention")
                    y = feed_forward(y)
            with v1.variable_scope("decoder", reuse=v1.AUTO_REUSE):
                return tf.matmul(norm(y)[:, 0], table, transpose_b=True), kept

        def inner(i: Tensor, over: Tensor, nxt: Tensor, ids: Tensor, kept: Any, log_prob: Tensor) -> Any:
            logits, kept = logits_of(nxt, i, kept)
            log_probs = logits - tf.reduce_logsumexp(logits, axis=1, keepdims=True)
            chosen = tf.argmax(logits, 1, output_type=tf.int32)
            picked = tf.gather(log_probs, chosen, batch_dims=1)
            log_prob += picked * (1 - tf.cast(over, tf.float32))
            chosen = tf.where(over, tf.zeros_like(chosen), chosen)
            over = tf.logical_or(over, tf.equal(chosen, 1))
            return i + 1, over, chosen[:, None], tf.concat([ids, chosen[:, None]], 1), kept, log_prob

        free = {name: tf.TensorShape([None, None, size]) for name in cache}
        anything = [
            tf.TensorShape([]),
            tf.TensorShape([None]),
            tf.TensorShape([None, 1]),
            tf.TensorShape([None, None]),
        ]
        start = [tf.constant(0), tf.fill([batch], False), tf.zeros([batch, 1], tf.int32)]
        _, _, _, decoded_ids, _, log_prob = v1.while_loop(
            lambda i, over, *_: tf.logical_and(i < length, tf.logical_not(tf.reduce_all(over))),
            inner,
            [*start, tf.zeros([batch, 0], tf.int32), cache, tf.zeros([batch])],
            shape_invariants=[*anything, free, tf.TensorShape([None])],
            back_prop=False,
        )
    outputs = tf.identity(decoded_ids, name="outputs")
    scores = tf.identity(log_prob, name="scores")
    return [
        ([serialized], [outputs, scores]),
        ([serialized], [outputs]),
        ([inputs], [outputs, scores]),
        ([inputs], [outputs]),
    ]


@case("speech")
def voice_from_mel_by_invertible_layers() -> Truth:
    """Waves to noise by couplings and mixed channels to train; from fed frames back to waves by inverses."""
    hop, groups, flows = 8, 4, 3

    def numbers() -> Any:
        rng = np.random.RandomState(0)
        while True:
            yield rng.randn(64).astype("float32"), rng.randn(8, 6).astype("float32")

    data = tf.data.Dataset.from_generator(numbers, (tf.float32, tf.float32), ((64,), (8, 6)))
    audio, mel = v1.data.make_one_shot_iterator(data.batch(4).prefetch(2)).get_next()
    lc_infer = v1.placeholder(tf.float32, [None, None, 6], name="local_condition")

    def conv(x: Tensor, n: int, k: int, scope: str, dilation: int = 1, zeros: bool = False) -> Tensor:
        with v1.variable_scope(scope, reuse=v1.AUTO_REUSE):
            first = v1.zeros_initializer() if zeros else v1.random_normal_initializer(stddev=0.05)
            w = v1.get_variable("kernel", [k, int(x.shape[-1]), n], initializer=first)
            b = v1.get_variable("bias", [n], initializer=v1.zeros_initializer())
            return tf.nn.conv1d(x, w, 1, "SAME", dilations=dilation) + b

    def upsampled(frames: Tensor) -> Tensor:
        with v1.variable_scope("upsample", reuse=v1.AUTO_REUSE):
            w = v1.get_variable("kernel", [2 * hop, 6, 6])
            batch, time = tf.shape(frames)[0], tf.shape(frames)[1]
            up = tf.nn.conv1d_transpose(frames, w, tf.stack([batch, time * hop, 6]), hop)
            return tf.reshape(up, [batch, -1, groups * 6])

    def coupling(half: Tensor, cond: Tensor, k: int) -> tuple[Tensor, Tensor]:
        with v1.variable_scope(f"wavenet_{k}"):
            x, skips = conv(half, 8, 1, "start"), 0.0
            for i in range(2):
                a = conv(x, 16, 3, f"in_{i}", 2**i) + conv(cond, 16, 1, f"cond_{i}")
                z = tf.tanh(a[..., :8]) * tf.sigmoid(a[..., 8:])
                both = conv(z, 16, 1, f"res_skip_{i}")
                x, skips = x + both[..., :8], skips + both[..., 8:]
            out = conv(skips, groups, 1, "end", zeros=True)
        return out[..., : groups // 2], out[..., groups // 2 :]

    def mixing(k: int) -> Tensor:
        with v1.variable_scope(f"inv1x1_{k}", reuse=v1.AUTO_REUSE):
            start = np.linalg.qr(np.random.RandomState(k).randn(groups, groups))[0].astype("float32")
            return v1.get_variable("W", initializer=start)

    with v1.variable_scope("glow"):
        cond = upsampled(mel)
        x, log_det = tf.reshape(audio, [4, -1, groups]), 0.0
        for k in range(flows):
            w = mixing(k)
            x = tf.matmul(x, tf.tile(w[None], [4, 1, 1]))
            log_det += tf.cast(tf.size(x[:, :, 0]), tf.float32) * v1.log(tf.abs(tf.linalg.det(w)))
            a, b = tf.split(x, 2, 2)
            log_s, t = coupling(a, cond, k)
            x = tf.concat([a, tf.exp(log_s) * b + t], 2)
            log_det += tf.reduce_sum(log_s)
        loss = (tf.reduce_sum(x * x) / (2 * 0.49) - log_det) / tf.cast(tf.size(x), tf.float32)
    with v1.variable_scope("glow", reuse=True), tf.name_scope("infer"):
        cond = upsampled(lc_infer)
        shape = tf.stack([tf.shape(cond)[0], tf.shape(cond)[1], groups])
        y = v1.random_normal(shape, stddev=0.6)
        y = tf.ensure_shape(y, [None, None, groups])
        for k in reversed(range(flows)):
            a, b = tf.split(y, 2, 2)
            log_s, t = coupling(a, cond, k)
            y = tf.concat([a, (b - t) / tf.exp(log_s)], 2)
            back = tf.linalg.inv(mixing(k))
            y = tf.reshape(tf.matmul(tf.reshape(y, [-1, groups]), back), tf.shape(y))
        audio_output = tf.reshape(y, [tf.shape(y)[0], -1])
    global_step = v1.train.get_or_create_global_step()
    lr = v1.train.exponential_decay(1e-3, global_step, 1000, 0.5)
    opt = v1.train.AdamOptimizer(lr)
    grads, variables = zip(*opt.compute_gradients(loss), strict=True)
    grads, norm = tf.clip_by_global_norm(grads, 1.0)
    opt.apply_gradients(zip(grads, variables, strict=True), global_step=global_step)
    v1.summary.scalar("grad_norm", norm)
    v1.summary.scalar("loss", loss)
    v1.summary.audio("truth", audio, 16000)
    return [lc_infer], [audio_output]


@case("speech")
def letters_to_mel_by_convolutions_and_guided_glances() -> Truths:
    """Queued sentences and frames, highways of convolutions, one softmax between, a guide to the diagonal."""
    with tf.device("/cpu:0"):
        fpath, text = v1.train.slice_input_producer(
            [["a.npy", "b.npy"], [b"\x01\x02", b"\x03\x04"]], shuffle=True
        )
        text = tf.io.decode_raw(text, tf.int32)
        mel = v1.numpy_function(lambda p: np.zeros((20, 8), "float32") + len(p), [fpath], tf.float32)
        text.set_shape((None,))
        mel.set_shape((None, 8))
        L, mels = v1.train.batch([text, mel], 4, num_threads=8, capacity=128, dynamic_pad=True)  # noqa: N806

    def normed(x: Tensor, scope: str) -> Tensor:
        with v1.variable_scope(scope):
            n = int(x.shape[-1])
            beta = v1.get_variable("beta", [n], initializer=v1.zeros_initializer())
            gamma = v1.get_variable("gamma", [n], initializer=v1.ones_initializer())
        mean, var = tf.nn.moments(x, [2], keepdims=True)
        return tf.nn.batch_normalization(x, mean, var, beta, gamma, 1e-12)

    def conv(
        x: Tensor, n: int, scope: str, k: int = 1, rate: int = 1, causal: bool = False, act: Act = None
    ) -> Tensor:
        with v1.variable_scope(scope):
            if causal:
                x = tf.pad(x, [[0, 0], [(k - 1) * rate, 0], [0, 0]])
            w = _var("kernel", [k, int(x.shape[-1]), n])
            x = tf.nn.conv1d(x, w, 1, "VALID" if causal else "SAME", dilations=rate)
            x = normed(x, "normalize")
            return tf.nn.dropout(x if act is None else act(x), rate=0.05)

    def highway(x: Tensor, scope: str, k: int, rate: int, causal: bool = False) -> Tensor:
        with v1.variable_scope(scope):
            n = int(x.shape[-1])
            padded = tf.pad(x, [[0, 0], [(k - 1) * rate, 0], [0, 0]]) if causal else x
            w = _var("kernel", [k, n, 2 * n])
            both = tf.nn.conv1d(padded, w, 1, "VALID" if causal else "SAME", dilations=rate)
            h1, h2 = tf.split(both, 2, axis=-1)
            gate = tf.nn.sigmoid(normed(h1, "H1"), "gate")
            return tf.nn.dropout(gate * normed(h2, "H2") + (1.0 - gate) * x, rate=0.05)

    S = tf.concat((tf.zeros_like(mels[:, :1, :]), mels[:, :-1, :]), 1)  # noqa: N806
    with v1.variable_scope("Text2Mel"):
        with v1.variable_scope("TextEnc"):
            table = _var("embed_1/lookup_table", [32, 8])
            x = tf.nn.embedding_lookup(tf.concat([tf.zeros([1, 8]), table[1:]], 0), L)
            x = conv(conv(x, 16, "C_2", act=tf.nn.relu), 16, "C_3")
            for i, rate in enumerate((1, 3)):
                x = highway(x, f"HC_{i + 4}", 3, rate)
            K, V = tf.split(highway(x, "HC_6", 1, 1), 2, -1)  # noqa: N806
        with v1.variable_scope("AudioEnc"):
            x = conv(conv(S, 8, "C_1", causal=True, act=tf.nn.relu), 8, "C_2", causal=True)
            for i, rate in enumerate((1, 3)):
                x = highway(x, f"HC_{i + 3}", 3, rate, True)
            Q = x  # noqa: N806
        with v1.variable_scope("Attention"):
            A = tf.matmul(Q, K, transpose_b=True) * v1.rsqrt(tf.cast(8, tf.float32))  # noqa: N806
            A = tf.nn.softmax(A)  # noqa: N806
            max_attentions = tf.argmax(A, -1)
            R = tf.concat((tf.matmul(A, V), Q), -1)  # noqa: N806
            alignments = tf.transpose(A, [0, 2, 1])
        with v1.variable_scope("AudioDec"):
            x = conv(R, 8, "C_1", causal=True)
            for i, rate in enumerate((1, 3)):
                x = highway(x, f"HC_{i + 2}", 3, rate, True)
            logits = conv(conv(x, 8, "C_8", causal=True, act=tf.nn.relu), 8, "C_11", causal=True)
            Y = tf.nn.sigmoid(logits)  # noqa: N806
    global_step = v1.Variable(0, name="global_step", trainable=False)
    loss_mels = tf.reduce_mean(tf.abs(Y - mels))
    loss_bd1 = tf.reduce_mean(v1.nn.sigmoid_cross_entropy_with_logits(logits=logits, labels=mels))
    n, t = tf.shape(A)[2], tf.shape(A)[1]
    across = tf.range(n)[None] / n - tf.range(t)[:, None] / t
    guide = 1.0 - tf.exp(-tf.cast(tf.square(across), tf.float32) / (2 * 0.2 * 0.2))
    loss_att = tf.reduce_mean(tf.abs(A * guide))
    loss = loss_mels + loss_bd1 + loss_att
    for name, value in (("loss_mels", loss_mels), ("loss_bd1", loss_bd1), ("loss_att", loss_att)):
        v1.summary.scalar(f"train/{name}", value)
    v1.summary.image("train/mel_gt", tf.expand_dims(tf.transpose(mels[:1], [0, 2, 1]), -1))
    v1.summary.image("train/mel_hat", tf.expand_dims(tf.transpose(Y[:1], [0, 2, 1]), -1))
    v1.summary.histogram("train/max_attentions", max_attentions)
    step = tf.cast(global_step + 1, dtype=tf.float32)
    optimizer = v1.train.AdamOptimizer(
        learning_rate=0.001 * 4000.0**0.5 * tf.minimum(step * 4000.0**-1.5, step**-0.5)
    )
    clipped = [(tf.clip_by_value(g, -1.0, 1.0), v) for g, v in optimizer.compute_gradients(loss)]
    optimizer.apply_gradients(clipped, global_step=global_step)
    v1.summary.merge_all()
    return [([L, mels], [Y]), ([L, mels], [Y, alignments]), ([L, mels], [Y, max_attentions, alignments])]


@case("ctc", frozen=True)
def slices_of_speech_with_kept_state_and_own_features() -> Truths:
    """Exported to stream: windows of features and a state in, chances and state out, features beside."""
    steps, n = 8, 16
    input_samples = v1.placeholder(tf.float32, [512], "input_samples")
    spectrogram = tf.raw_ops.AudioSpectrogram(
        input=tf.expand_dims(input_samples, -1), window_size=512, stride=320, magnitude_squared=True
    )
    mfcc = tf.raw_ops.Mfcc(
        spectrogram=spectrogram, sample_rate=16000, upper_frequency_limit=8000, dct_coefficient_count=10
    )
    mfccs = tf.identity(tf.reshape(mfcc, [-1, 10]), name="mfccs")
    input_tensor = v1.placeholder(tf.float32, [1, steps, 7, 10], name="input_node")
    previous_state_c = v1.placeholder(tf.float32, [1, n], name="previous_state_c")
    previous_state_h = v1.placeholder(tf.float32, [1, n], name="previous_state_h")

    def layer(name: str, x: Tensor, units: int, clip: bool = True) -> Tensor:
        with v1.variable_scope(name):
            bias = v1.get_variable("bias", shape=[units], initializer=v1.zeros_initializer())
            weights = v1.get_variable("weights", shape=[int(x.shape[-1]), units])
        x = tf.nn.bias_add(tf.matmul(x, weights), bias)
        return tf.minimum(tf.nn.relu(x), 20.0) if clip else x

    x = tf.reshape(tf.transpose(input_tensor, [1, 0, 2, 3]), [-1, 70])
    for name in ("layer_1", "layer_2", "layer_3"):
        x = layer(name, x, n)
    x = tf.reshape(x, [steps, 1, n])
    with v1.variable_scope("cudnn_lstm/rnn/multi_rnn_cell/cell_0/cudnn_compatible_lstm_cell"):
        kernel = v1.get_variable("kernel", [2 * n, 4 * n])
        bias = v1.get_variable("bias", [4 * n], initializer=v1.zeros_initializer())
    c, h, told = previous_state_c, previous_state_h, []
    for step in tf.unstack(x, axis=0):
        i, j, f, o = tf.split(tf.nn.bias_add(tf.matmul(tf.concat([step, h], 1), kernel), bias), 4, 1)
        c = tf.sigmoid(f) * c + tf.sigmoid(i) * tf.tanh(j)
        h = tf.sigmoid(o) * tf.tanh(c)
        told.append(h)
    x = layer("layer_5", tf.reshape(tf.concat(told, 0), [-1, n]), n)
    x = tf.reshape(layer("layer_6", x, 29, clip=False), [-1, 1, 29], name="raw_logits")
    probs = tf.squeeze(tf.nn.softmax(x), [1])
    logits = tf.identity(probs, name="logits")
    new_state_c = tf.identity(c, name="new_state_c")
    new_state_h = tf.identity(h, name="new_state_h")
    fed = [input_tensor, previous_state_c, previous_state_h]
    return [
        ([*fed, input_samples], [logits, new_state_c, new_state_h, mfccs]),
        (fed, [logits, new_state_c, new_state_h]),
    ]


@case("audio")
def two_speakers_apart_by_masks_of_learned_frames() -> Truths:
    """Learned frames of a wave, dilated separable blocks, a mask a speaker, the better order counts."""
    kernel, hop = 8, 4

    def described(record: Tensor) -> Any:
        return v1.parse_single_example(
            record,
            {name: v1.FixedLenFeature([64], tf.float32) for name in ("input_mix", "input_s1", "input_s2")},
        )

    dataset = tf.data.TFRecordDataset("tr.tfr").map(described).shuffle(20).batch(4, drop_remainder=True)
    iterator = v1.data.make_initializable_iterator(dataset)
    element = iterator.get_next()
    mix = element["input_mix"]
    sources = tf.stack([element["input_s1"], element["input_s2"]], 1)

    def conv(x: Tensor, n: int, scope: str) -> Tensor:
        with v1.variable_scope(scope):
            return tf.nn.conv1d(x, _var("kernel", [1, int(x.shape[-1]), n]), 1, "SAME")

    def prelu_norm(x: Tensor, scope: str) -> Tensor:
        with v1.variable_scope(scope):
            alpha = v1.get_variable("alpha", [int(x.shape[-1])], initializer=v1.zeros_initializer())
            x = tf.maximum(x, 0.0) + alpha * tf.minimum(x, 0.0)
            gamma = v1.get_variable("gamma", [int(x.shape[-1])], initializer=v1.ones_initializer())
            beta = v1.get_variable("beta", [int(x.shape[-1])], initializer=v1.zeros_initializer())
            mean, var = tf.nn.moments(x, [1, 2], keepdims=True)
            return gamma * (x - mean) / tf.sqrt(var + 1e-8) + beta

    with v1.variable_scope("TasNet"):
        with v1.variable_scope("encoder"):
            basis = _var("kernel", [kernel, 1, 16])
            encoded = tf.nn.relu(tf.nn.conv1d(mix[:, :, None], basis, hop, "VALID"))
        with v1.variable_scope("separator"):
            x = conv(prelu_norm(encoded, "layer_norm"), 8, "bottle_neck")
            skips = 0.0
            for r in range(2):
                for i in range(3):
                    with v1.variable_scope(f"conv1d_block_{r}_{i}"):
                        y = prelu_norm(conv(x, 12, "first_1x1"), "first")
                        depthwise = _var("depthwise", [1, 3, 12, 1])
                        y = tf.nn.depthwise_conv2d(
                            y[:, None], depthwise, [1] * 4, "SAME", dilations=[1, 2**i]
                        )
                        y = prelu_norm(tf.squeeze(y, 1), "second")
                        skips += conv(y, 8, "skip_1x1")
                        x += conv(y, 8, "residual_1x1")
            masks = tf.reshape(conv(tf.nn.relu(skips), 32, "mask_1x1"), [4, -1, 2, 16])
            masks = tf.nn.softmax(masks, axis=2)
        with v1.variable_scope("decoder"):
            separate = masks * encoded[:, :, None]
            frames = tf.tensordot(separate, _var("kernel", [16, kernel]), 1)
            estimated = tf.signal.overlap_and_add(tf.transpose(frames, [0, 2, 1, 3]), hop)
    outputs = tf.unstack(estimated, axis=1)
    with v1.variable_scope("SI_SNR"):

        def snr(told: Tensor, true: Tensor) -> Tensor:
            told -= tf.reduce_mean(told, -1, keepdims=True)
            true -= tf.reduce_mean(true, -1, keepdims=True)
            dot = tf.reduce_sum(told * true, -1, keepdims=True)
            along = dot * true / (tf.reduce_sum(true**2, -1, keepdims=True) + 1e-8)
            ratio = tf.reduce_sum(along**2, -1) / (tf.reduce_sum((told - along) ** 2, -1) + 1e-8)
            return 10.0 * v1.log(ratio + 1e-8) / float(np.log(10.0))

        s1, s2 = tf.unstack(sources, axis=1)
        straight = snr(outputs[0], s1) + snr(outputs[1], s2)
        crossed = snr(outputs[0], s2) + snr(outputs[1], s1)
        si_snr = tf.reduce_mean(tf.maximum(straight, crossed)) / 2.0
    loss = -si_snr
    lr = v1.placeholder(tf.float32, [], "learning_rate")
    optimizer = v1.train.AdamOptimizer(lr)
    gradients = [(tf.clip_by_norm(g, 5.0), v) for g, v in optimizer.compute_gradients(loss) if g is not None]
    optimizer.apply_gradients(gradients, global_step=v1.train.get_or_create_global_step())
    v1.summary.scalar("si_snr", si_snr)
    return [([mix], outputs), ([mix], [estimated])]


@case("agent")
def rollouts_and_steps_by_one_policy_with_masks_and_states() -> Truths:
    """A model that steps and one that learns share weights; ends of games reset the memory."""
    nenvs, nsteps, nlstm, nact = 4, 3, 12, 5

    def ortho(scope: str, x: Tensor, n: int, scale: float = 1.0) -> Tensor:
        with v1.variable_scope(scope):
            w = v1.get_variable("w", [int(x.shape[1]), n], initializer=v1.orthogonal_initializer(scale))
            return tf.matmul(x, w) + v1.get_variable("b", [n], initializer=v1.constant_initializer(0.0))

    def conv(scope: str, x: Tensor, nf: int, rf: int, stride: int) -> Tensor:
        with v1.variable_scope(scope):
            shape = [rf, rf, int(x.shape[3]), nf]
            w = v1.get_variable("w", shape, initializer=v1.orthogonal_initializer(np.sqrt(2)))
            b = v1.get_variable("b", [1, nf, 1, 1], initializer=v1.constant_initializer(0.0))
            return tf.nn.relu(
                tf.nn.conv2d(x, w, [1, stride, stride, 1], "VALID") + tf.reshape(b, [1, 1, 1, nf])
            )

    def policy(nbatch: int, nstep: int) -> dict[str, Tensor]:
        X = v1.placeholder(tf.uint8, [nbatch, 24, 24, 4], name="Ob")  # noqa: N806
        M = v1.placeholder(tf.float32, [nbatch])  # noqa: N806
        S = v1.placeholder(tf.float32, [nenvs, nlstm * 2])  # noqa: N806
        with v1.variable_scope("ppo2_model", reuse=v1.AUTO_REUSE):
            h = conv("c2", conv("c1", tf.cast(X, tf.float32) / 255.0, 8, 8, 4), 8, 3, 1)
            h = tf.nn.relu(ortho("fc1", tf.reshape(h, [-1, int(np.prod(h.shape[1:]))]), 16, np.sqrt(2)))
            xs = [tf.squeeze(v, [1]) for v in tf.split(tf.reshape(h, [nenvs, nstep, -1]), nstep, 1)]
            ms = [tf.squeeze(v, [1]) for v in tf.split(tf.reshape(M, [nenvs, nstep, -1]), nstep, 1)]
            with v1.variable_scope("lstm1"):
                wx = v1.get_variable("wx", [16, nlstm * 4], initializer=v1.orthogonal_initializer(1.0))
                wh = v1.get_variable("wh", [nlstm, nlstm * 4], initializer=v1.orthogonal_initializer(1.0))
                b = v1.get_variable("b", [nlstm * 4], initializer=v1.constant_initializer(0.0))
            c, s = tf.split(axis=1, num_or_size_splits=2, value=S)
            told = []
            for x, m in zip(xs, ms, strict=True):
                c, s = c * (1 - m), s * (1 - m)
                i, f, o, u = tf.split(tf.matmul(x, wx) + tf.matmul(s, wh) + b, 4, 1)
                c = tf.nn.sigmoid(f) * c + tf.nn.sigmoid(i) * tf.tanh(u)
                s = tf.nn.sigmoid(o) * tf.tanh(c)
                told.append(s)
            snew = tf.concat(axis=1, values=[c, s])
            latent = tf.reshape(tf.concat(axis=1, values=told), [-1, nlstm])
            pi, vf = ortho("pi", latent, nact, 0.01), ortho("vf", latent, 1)[:, 0]
        u = v1.random_uniform(tf.shape(pi), dtype=pi.dtype)
        action = tf.argmax(pi - v1.log(-v1.log(u)), axis=-1)
        neglogp = v1.nn.softmax_cross_entropy_with_logits_v2(
            logits=pi, labels=tf.stop_gradient(tf.one_hot(action, nact))
        )
        return {"X": X, "M": M, "S": S, "pi": pi, "vf": vf, "a": action, "neglogp": neglogp, "state": snew}

    act_model, train_model = policy(nenvs, 1), policy(nenvs * nsteps, nsteps)
    A = v1.placeholder(tf.int32, [None], name="action")  # noqa: N806
    ADV, R, OLDNEGLOGPAC, OLDVPRED = (v1.placeholder(tf.float32, [None]) for _ in range(4))  # noqa: N806
    LR, CLIPRANGE = v1.placeholder(tf.float32, []), v1.placeholder(tf.float32, [])  # noqa: N806
    pi, vpred = train_model["pi"], train_model["vf"]
    neglogpac = v1.nn.softmax_cross_entropy_with_logits_v2(logits=pi, labels=tf.one_hot(A, nact))
    shifted = pi - tf.reduce_max(pi, axis=-1, keepdims=True)
    ea = tf.exp(shifted)
    z = tf.reduce_sum(ea, axis=-1, keepdims=True)
    entropy = tf.reduce_mean(tf.reduce_sum(ea / z * (v1.log(z) - shifted), axis=-1))
    vpredclipped = OLDVPRED + tf.clip_by_value(vpred - OLDVPRED, -CLIPRANGE, CLIPRANGE)
    vf_loss = 0.5 * tf.reduce_mean(tf.maximum(tf.square(vpred - R), tf.square(vpredclipped - R)))
    ratio = tf.exp(OLDNEGLOGPAC - neglogpac)
    pg_losses2 = -ADV * tf.clip_by_value(ratio, 1.0 - CLIPRANGE, 1.0 + CLIPRANGE)
    pg_loss = tf.reduce_mean(tf.maximum(-ADV * ratio, pg_losses2))
    tf.multiply(0.5, tf.reduce_mean(tf.square(neglogpac - OLDNEGLOGPAC)), name="approxkl")
    tf.reduce_mean(tf.cast(tf.greater(tf.abs(ratio - 1.0), CLIPRANGE), tf.float32), name="clipfrac")
    loss = pg_loss - entropy * 0.01 + vf_loss * 0.5
    params = v1.trainable_variables("ppo2_model")
    grads, _ = tf.clip_by_global_norm(tf.gradients(loss, params), 0.5)
    v1.train.AdamOptimizer(learning_rate=LR, epsilon=1e-5).apply_gradients(zip(grads, params, strict=True))
    fed = [act_model[k] for k in ("X", "S", "M")]
    action, value, state, chance = (act_model[k] for k in ("a", "vf", "state", "neglogp"))
    return [(fed, [action, value, state, chance]), (fed, [action, value, state]), (fed, [action, state])]


_flips: list[str] = []


@case("domain adaptation")
def digits_of_another_world_by_reversed_gradients() -> Truths:
    """Features that tell the digit and cannot tell the world; half of the batch has labels while training."""
    X = v1.placeholder(tf.uint8, [None, 28, 28, 3])  # noqa: N806
    y = v1.placeholder(tf.float32, [None, 10])
    domain = v1.placeholder(tf.float32, [None, 2])
    l = v1.placeholder(tf.float32, [])  # noqa: E741
    train = v1.placeholder(tf.bool, [])
    learning_rate = v1.placeholder(tf.float32, [])

    def weight_variable(shape: list[int]) -> Tensor:
        return v1.Variable(v1.truncated_normal(shape, stddev=0.1))

    def bias_variable(shape: list[int]) -> Tensor:
        return v1.Variable(tf.constant(0.1, shape=shape))

    def flip_gradient(x: Tensor, scale: Tensor) -> Tensor:
        grad_name = f"FlipGradient{len(_flips)}"
        _flips.append(grad_name)

        def flipped(_: Any, grad: Tensor) -> list[Tensor]:
            return [tf.negative(grad) * scale]

        tf.RegisterGradient(grad_name)(flipped)

        with v1.get_default_graph().gradient_override_map({"Identity": grad_name}):
            return tf.identity(x)

    X_input = (tf.cast(X, tf.float32) - 110.0) / 255.0  # noqa: N806
    with v1.variable_scope("feature_extractor"):
        h = tf.nn.conv2d(X_input, weight_variable([5, 5, 3, 8]), 1, "SAME")
        h = tf.nn.max_pool2d(tf.nn.relu(h + bias_variable([8])), 2, 2, "SAME")
        h = tf.nn.conv2d(h, weight_variable([5, 5, 8, 12]), 1, "SAME")
        h = tf.nn.max_pool2d(tf.nn.relu(h + bias_variable([12])), 2, 2, "SAME")
        feature = tf.reshape(h, [-1, 7 * 7 * 12])
    with v1.variable_scope("label_predictor"):
        half = tf.shape(feature)[0] // 2
        classify_feats = v1.cond(train, lambda: tf.slice(feature, [0, 0], [half, -1]), lambda: feature)
        classify_labels = v1.cond(train, lambda: tf.slice(y, [0, 0], [half, -1]), lambda: y)
        h_fc0 = tf.nn.relu(tf.matmul(classify_feats, weight_variable([588, 16])) + bias_variable([16]))
        h_fc1 = tf.nn.relu(tf.matmul(h_fc0, weight_variable([16, 16])) + bias_variable([16]))
        logits = tf.matmul(h_fc1, weight_variable([16, 10])) + bias_variable([10])
        pred = tf.nn.softmax(logits)
        pred_loss = v1.nn.softmax_cross_entropy_with_logits(logits=logits, labels=classify_labels)
    with v1.variable_scope("domain_predictor"):
        feat = flip_gradient(feature, l)
        d_h = tf.nn.relu(tf.matmul(feat, weight_variable([588, 16])) + bias_variable([16]))
        d_logits = tf.matmul(d_h, weight_variable([16, 2])) + bias_variable([2])
        domain_pred = tf.nn.softmax(d_logits)
        domain_loss = v1.nn.softmax_cross_entropy_with_logits(logits=d_logits, labels=domain)
    pred_loss, domain_loss = tf.reduce_mean(pred_loss), tf.reduce_mean(domain_loss)
    v1.train.MomentumOptimizer(learning_rate, 0.9).minimize(pred_loss)
    v1.train.MomentumOptimizer(learning_rate, 0.9).minimize(pred_loss + domain_loss)
    correct_label_pred = tf.equal(tf.argmax(classify_labels, 1), tf.argmax(pred, 1))
    tf.reduce_mean(tf.cast(correct_label_pred, tf.float32))
    tf.reduce_mean(tf.cast(tf.equal(tf.argmax(domain, 1), tf.argmax(domain_pred, 1)), tf.float32))
    return [([X], [pred]), ([X], [logits])]


@case("medical segmentation")
def lesions_by_two_pathways_of_resolution() -> Truths:
    """A path that sees finely and one that sees widely, small blocks to train, large to ask; no padding."""
    collected: dict[str, Tensor] = {}
    for mode, width in (("train", 13), ("infer", 19)):
        with tf.name_scope(f"inp_x/{mode}/"):
            collected[f"x_{mode}"] = v1.placeholder(tf.float32, [None, 4, width, width, width], name="x")
            small = width // 3 + 8
            shape = [None, 4, small, small, small]
            collected[f"sub_{mode}"] = v1.placeholder(tf.float32, shape, name="x_subs_0")
    y_true = v1.placeholder(tf.int32, [None, 5, 5, 5], name="y_true")
    lr = v1.get_variable("curr_lr", [], initializer=v1.constant_initializer(1e-3), trainable=False)

    def net(mode: str) -> tuple[Tensor, Tensor]:
        training = mode == "train"

        def conv(x: Tensor, n: int, k: int, scope: str) -> Tensor:
            with v1.variable_scope(scope):
                x = _bn(x, training) if scope != "L0" else x
                a = v1.get_variable("aPrelu", [int(x.shape[-1])], initializer=v1.constant_initializer(0.01))
                x = tf.maximum(0.0, x) + a * tf.minimum(0.0, x)
                return tf.nn.conv3d(x, _var("w", [k, k, k, int(x.shape[-1]), n], 1e-4), [1] * 5, "VALID")

        def crop(x: Tensor, like: Tensor) -> Tensor:
            cut = (int(x.shape[1]) - int(like.shape[1])) // 2
            return x[:, cut:-cut, cut:-cut, cut:-cut] if cut else x

        paths = []
        for name in ("x", "sub"):
            x = tf.transpose(collected[f"{name}_{mode}"], [0, 2, 3, 4, 1])
            with v1.variable_scope(f"pathway_{name}"):
                for i in range(4):
                    y = conv(x, 6 if i < 2 else 8, 3, f"L{i}")
                    if i == 3:
                        y += crop(x, y)
                    x = y
            paths.append(x)
        fine, wide = paths
        side = int(fine.shape[1])
        for axis in (1, 2, 3):
            wide = tf.repeat(wide, 3, axis=axis)
        wide = wide[:, :side, :side, :side]
        with v1.variable_scope("pathway_fc"):
            x = conv(tf.concat([fine, wide], 4), 10, 1, "L0fc")
            x = v1.nn.dropout(x, keep_prob=0.5) if training else x
            x = conv(x, 5, 1, "classification")
            x += v1.get_variable("b", [5], initializer=v1.zeros_initializer())
        return x, tf.nn.softmax(x, name=f"p_y_given_x_{mode}")

    with v1.variable_scope("net"):
        _, p_train = net("train")
    with v1.variable_scope("net", reuse=True):
        logits, p_infer = net("infer")
    with v1.variable_scope("COST"):
        log_p = v1.log(p_train + 1e-7)
        hot = tf.one_hot(y_true, 5)
        freq = tf.reduce_sum(hot, [0, 1, 2, 3])
        weights = tf.reduce_sum(freq) / (5.0 * tf.maximum(freq, 1.0))
        xentr = -tf.reduce_mean(tf.reduce_sum(hot * log_p * weights, -1))
        penalties = v1.get_collection(v1.GraphKeys.REGULARIZATION_LOSSES, "net/")
        cost = xentr + tf.add_n(penalties)
    guess = tf.argmax(p_train, -1, output_type=tf.int32)
    for c in range(5):
        real, told = tf.equal(y_true, c), tf.equal(guess, c)
        tf.reduce_sum(tf.cast(real & told, tf.int32), name=f"true_positives_{c}")
        tf.reduce_sum(tf.cast(real, tf.int32), name=f"real_positives_{c}")
    optimizer = v1.train.RMSPropOptimizer(lr, decay=0.9, momentum=0.6, epsilon=1e-4)
    with tf.control_dependencies(v1.get_collection(v1.GraphKeys.UPDATE_OPS)):
        optimizer.minimize(cost, global_step=v1.train.get_or_create_global_step())
    v1.assign(lr, v1.placeholder(tf.float32, [], name="lr_new"), name="op_assign_new_lr")
    fed = [collected["x_infer"], collected["sub_infer"]]
    return [(fed, [p_infer]), (fed, [logits])]


@case("language")
def few_experts_between_two_recurrences() -> Truths:
    """Words through a recurrence, to two of six experts by noisy gates, and through another."""
    vocab, size, count, k = 50, 12, 6, 2
    x = v1.placeholder(tf.int32, [None, None], name="inputs")
    y = v1.placeholder(tf.int32, [None, None], name="targets")
    is_training = v1.placeholder_with_default(False, shape=(), name="is_training")
    table = v1.get_variable("embedding", [vocab, size], initializer=v1.random_uniform_initializer(-0.1, 0.1))
    first, _ = _lstm(tf.nn.embedding_lookup(table, x), size, "lstm_0")
    flat = tf.reshape(first, [-1, size])
    with v1.variable_scope("moe"):
        clean = tf.matmul(flat, v1.get_variable("w_gate", [size, count], initializer=v1.zeros_initializer()))
        raw = tf.matmul(flat, v1.get_variable("w_noise", [size, count], initializer=v1.zeros_initializer()))
        stddev = (tf.nn.softplus(raw) + 1e-2) * tf.cast(is_training, tf.float32)
        noisy = clean + v1.random_normal(tf.shape(clean)) * stddev
        top, at = tf.nn.top_k(noisy, k + 1)
        chances = tf.nn.softmax(top[:, :k])
        gates = tf.reduce_sum(tf.one_hot(at[:, :k], count) * chances[..., None], 1, name="gates")
        with tf.name_scope("sparse_dispatcher"):
            where = v1.to_int32(tf.where(tf.transpose(gates) > 0))
            expert_index, batch_index = tf.unstack(where, num=2, axis=1)
            sizes = tf.reduce_sum(v1.to_int32(gates > 0), [0])
            nonzero = tf.gather(
                tf.reshape(tf.transpose(gates), [-1]), batch_index + expert_index * tf.shape(flat)[0]
            )
            sent = tf.split(tf.gather(flat, batch_index), sizes, 0, num=count)
        back = []
        for i, rows in enumerate(sent):
            with v1.variable_scope(f"expert_{i}"):
                rows = tf.ensure_shape(rows, [None, size])
                back.append(_fc(_fc(rows, 2 * size, "h1", tf.nn.relu), size, "h2"))
        stitched = tf.concat(back, 0) * nonzero[:, None]
        mixed = tf.math.unsorted_segment_sum(stitched, batch_index, tf.shape(flat)[0])
        importance = tf.reduce_sum(gates, 0)
        mean, variance = tf.nn.moments(importance, [0])
        balance = variance / (tf.square(mean) + 1e-10)
        v1.summary.histogram("importance", importance)
    middle = first + tf.nn.sigmoid(tf.reshape(mixed, tf.shape(first)))
    worse = v1.nn.dropout(middle, rate=0.1)
    middle = v1.cond(is_training, lambda: worse, lambda: middle)
    second, _ = _lstm(tf.ensure_shape(middle, [None, None, size]), size, "lstm_1")
    w = v1.get_variable("softmax_w", [size, vocab])
    flat_logits = tf.matmul(tf.reshape(second, [-1, size]), w) + v1.get_variable("softmax_b", [vocab])
    logits = tf.reshape(flat_logits, tf.concat([tf.shape(x), [vocab]], 0), name="logits")
    probs = tf.nn.softmax(logits, name="probs")
    xent = v1.nn.sparse_softmax_cross_entropy_with_logits(labels=y, logits=logits)
    loss = tf.reduce_mean(xent)
    tf.exp(loss, name="perplexity")
    step = v1.train.get_or_create_global_step()
    warm = tf.cast(step + 1, tf.float32)
    rate = 0.2 * tf.minimum(warm * 1000.0**-1.5, v1.rsqrt(warm))
    optimizer = v1.train.AdamOptimizer(rate)
    grads = [(tf.clip_by_norm(g, 1.0), v) for g, v in optimizer.compute_gradients(loss + 0.1 * balance)]
    optimizer.apply_gradients(grads, global_step=step)
    return [([x], [probs]), ([x], [logits])]


@case("few shot")
def class_by_looking_at_the_support_set() -> Truths:
    """Codes of the support set read in both directions, cosines to the target, attention over labels."""
    ways, batch = 5, 4
    support_set_images = v1.placeholder(tf.float32, [batch, ways, 1, 16, 16, 1], "support_set_images")
    support_set_labels = v1.placeholder(tf.int32, [batch, ways, 1], "support_set_labels")
    target_image = v1.placeholder(tf.float32, [batch, 16, 16, 1], "target_image")
    target_label = v1.placeholder(tf.int32, [batch], "target_label")
    training_phase = v1.placeholder(tf.bool, name="training-flag")
    keep_prob = v1.placeholder(tf.float32, name="dropout-prob")
    learning_rate = v1.placeholder(tf.float32, name="learning-rate-set")

    def g(image: Tensor) -> Tensor:
        with v1.variable_scope("g", reuse=v1.AUTO_REUSE):
            x = image
            for i in range(2):
                with v1.variable_scope(f"g_conv{i + 1}"):
                    x = tf.nn.leaky_relu(_conv(x, 8, 3, "conv", act=None, training=training_phase))
                    x = tf.nn.max_pool2d(x, 2, 2, "SAME")
                    x = v1.nn.dropout(x, keep_prob=keep_prob)
            return tf.reshape(x, [-1, 4 * 4 * 8])

    with tf.name_scope("losses"):
        hot = tf.one_hot(tf.reshape(support_set_labels, [batch, ways]), ways)
        images = tf.reshape(support_set_images, [batch, ways, 16, 16, 1])
        encoded = [g(image) for image in tf.unstack(images, axis=1)]
        encoded.append(g(target_image))
        outputs = tf.stack(encoded, axis=1)
        fw, _ = _lstm(outputs, 64, "lstm_fw")
        bw, _ = _lstm(outputs, 64, "lstm_bw", backwards=True)
        outputs = outputs + tf.concat([fw, bw], 2)
        support, target = outputs[:, :-1], outputs[:, -1]
        with tf.name_scope("distance-module"):
            size = tf.reduce_sum(tf.square(support), 2)
            magnitude = v1.rsqrt(tf.clip_by_value(size, 1e-10, float("inf")))
            dot = tf.squeeze(tf.matmul(target[:, None], support, transpose_b=True), [1])
            similarities = dot * magnitude
        with tf.name_scope("attentional-classification"):
            attention = tf.nn.softmax(similarities)
            preds = tf.squeeze(tf.matmul(tf.expand_dims(attention, 1), hot), [1])
        correct = tf.equal(tf.argmax(preds, 1), tf.cast(target_label, tf.int64))
        accuracy = tf.reduce_mean(tf.cast(correct, tf.float32))
        targets = tf.one_hot(target_label, ways)
        mean_loss = -tf.reduce_mean(tf.reduce_sum(targets * v1.log(tf.clip_by_value(preds, 1e-10, 1.0)), 1))
        v1.add_to_collection("crossentropy_losses", mean_loss)
        v1.add_to_collection("accuracy", accuracy)
    losses = tf.add_n(v1.get_collection("crossentropy_losses"), name="total_classification_loss")
    v1.summary.scalar("classification_loss", losses)
    v1.summary.scalar("accuracy", accuracy)
    c_opt = v1.train.AdamOptimizer(beta1=0.9, learning_rate=learning_rate)
    with tf.control_dependencies(v1.get_collection(v1.GraphKeys.UPDATE_OPS)):
        c_opt.minimize(losses)
    return [([support_set_images, support_set_labels, target_image], [preds])]
