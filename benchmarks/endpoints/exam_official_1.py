"""Graphs as large research groups write them: images, detection, captions, language, translation."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import tensorflow as tf

from benchmarks.endpoints.cases import Truth, case, v1

Tensor = Any


class ModeKeys:
    """The three modes of a model_fn."""

    TRAIN, EVAL, PREDICT = "train", "eval", "infer"


class HParams:
    """A bag of hyper-parameters."""

    def __init__(self, **values: Any) -> None:
        self.__dict__.update(values)

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(name)


# ------------------------------------------------------------------ a model library with argument scopes
_ARGS: list[dict[str, Any]] = [{}]


@contextlib.contextmanager
def _arg_scope(**values: Any) -> Iterator[None]:
    _ARGS.append({**_ARGS[-1], **values})
    try:
        yield
    finally:
        _ARGS.pop()


def _scoped_conv2d(net: Tensor, depth: int, size: int, scope: str, stride: int = 1) -> Tensor:
    args = _ARGS[-1]
    with v1.variable_scope(scope):
        shape = [size, size, net.shape[-1], depth]
        init = v1.truncated_normal_initializer(stddev=0.09)
        w = v1.get_variable("weights", shape, initializer=init, regularizer=args.get("regularizer"))
        net = tf.nn.conv2d(net, w, stride, args.get("padding", "SAME"), name="Conv2D")
        with v1.variable_scope("BatchNorm"):
            ones, zeros = v1.ones_initializer(), v1.zeros_initializer()
            beta = v1.get_variable("beta", [depth], initializer=zeros)
            mean = v1.get_variable("moving_mean", [depth], initializer=zeros, trainable=False)
            var = v1.get_variable("moving_variance", [depth], initializer=ones, trainable=False)
            if args.get("is_training"):
                fixed = tf.ones([depth])
                net, m, v, *_ = v1.nn.fused_batch_norm(net, fixed, beta, epsilon=1e-3, is_training=True)
                for moving, value in ((mean, m), (var, v)):
                    step = v1.assign_sub(moving, (moving - value) * 0.0003, name="AssignMovingAvg")
                    v1.add_to_collection(v1.GraphKeys.UPDATE_OPS, step)
            else:
                net = tf.nn.batch_normalization(net, mean, var, beta, None, 1e-3)
        return tf.nn.relu(net, name="Relu") if args.get("activate", True) else net


def _tiny_inception(images: Tensor, classes: int, keep: float = 0.8) -> tuple[Tensor, dict[str, Tensor]]:
    end_points: dict[str, Tensor] = {}
    with v1.variable_scope("TinyInception", values=[images]):
        net = _scoped_conv2d(images, 8, 3, "Conv2d_1a_3x3", stride=2)
        end_points["Conv2d_1a_3x3"] = net
        for block in ("Mixed_5b", "Mixed_5c"):
            with v1.variable_scope(block):
                with v1.variable_scope("Branch_0"):
                    b0 = _scoped_conv2d(net, 8, 1, "Conv2d_0a_1x1")
                with v1.variable_scope("Branch_1"):
                    b1 = _scoped_conv2d(net, 4, 1, "Conv2d_0a_1x1")
                    b1 = _scoped_conv2d(b1, 8, 3, "Conv2d_0b_3x3")
                with v1.variable_scope("Branch_2"):
                    b2 = tf.nn.max_pool2d(net, 3, 1, "SAME", name="MaxPool_0a_3x3")
                    b2 = _scoped_conv2d(b2, 4, 1, "Conv2d_0b_1x1")
                net = tf.concat([b0, b1, b2], 3)
                end_points[block] = net
        with v1.variable_scope("AuxLogits"):
            aux = tf.nn.avg_pool2d(end_points["Mixed_5b"], 5, 3, "VALID")
            aux = tf.reduce_mean(_scoped_conv2d(aux, 16, 1, "Conv2d_1b_1x1"), [1, 2])
            w = v1.get_variable("Conv2d_2b/weights", [16, classes])
            end_points["AuxLogits"] = tf.matmul(aux, w, name="SpatialSqueeze")
        with v1.variable_scope("Logits"):
            net = tf.nn.avg_pool2d(net, net.shape[1], 1, "VALID", name="AvgPool_1a_8x8")
            net = v1.nn.dropout(net, rate=1 - keep) if _ARGS[-1].get("is_training") else net
            end_points["PreLogits"] = net
            w = v1.get_variable("Conv2d_1c_1x1/weights", [1, 1, net.shape[-1], classes])
            b = v1.get_variable("Conv2d_1c_1x1/biases", [classes], initializer=v1.zeros_initializer())
            logits = tf.squeeze(tf.nn.conv2d(net, w, 1, "SAME") + b, [1, 2], name="SpatialSqueeze")
        end_points["Logits"] = logits
        end_points["Predictions"] = tf.nn.softmax(logits, name="Predictions")
    return logits, end_points


@case("classifier")
def inception_clones_on_a_prefetch_queue() -> Truth:
    """Library training script: records, batch queue, prefetch queue, two clones; auxiliary head.

    The images of the first clone are what one replaces, end_points["Predictions"] what one reads.
    """
    with tf.device("/cpu:0"):
        names = v1.train.string_input_producer(["train-00000-of-00002", "train-00001-of-00002"])
        _, record = v1.TFRecordReader().read(names)
        fields = {
            "image/encoded": v1.FixedLenFeature([], tf.string, ""),
            "image/class/label": v1.FixedLenFeature([], tf.int64, -1),
        }
        parsed = v1.parse_single_example(record, fields)
        image = tf.image.decode_jpeg(parsed["image/encoded"], channels=3)
        image = tf.image.resize_with_crop_or_pad(tf.image.convert_image_dtype(image, tf.float32), 36, 36)
        image = tf.image.random_flip_left_right(tf.image.random_crop(image, [32, 32, 3]))
        image = tf.image.random_brightness((image - 0.5) * 2.0, 0.1)
        label = parsed["image/class/label"] - 1
        images, labels = v1.train.batch([image, label], 32, num_threads=4, capacity=160)
        queue = tf.queue.FIFOQueue(
            4, [tf.float32, tf.float32], [[32, 32, 32, 3], [32, 10]], name="prefetch_queue"
        )
        v1.train.add_queue_runner(
            v1.train.QueueRunner(queue, [queue.enqueue([images, tf.one_hot(labels, 10)])])
        )
        step = v1.train.get_or_create_global_step()
        rate = v1.train.exponential_decay(0.01, step, 5000, 0.94, staircase=True)
        optimizer = v1.train.RMSPropOptimizer(rate, 0.9, 0.9, 1.0)
    grads, inputs, predictions = [], [], []
    for i in range(2):
        with v1.name_scope(f"clone_{i}"), tf.device(f"/gpu:{i}"), v1.variable_scope("", reuse=bool(i)):
            x, y = queue.dequeue()
            with _arg_scope(is_training=True, regularizer=lambda w: 4e-5 * tf.nn.l2_loss(w)):
                logits, end_points = _tiny_inception(x, 10)
            v1.losses.softmax_cross_entropy(y, end_points["AuxLogits"], 0.4, 0.1, scope="aux_loss")
            v1.losses.softmax_cross_entropy(y, logits, 1.0, 0.1)
            losses = v1.losses.get_losses(scope=f"clone_{i}") + v1.losses.get_regularization_losses()
            grads.append(optimizer.compute_gradients(tf.add_n(losses) / 2))
            inputs.append(x)
            predictions.append(end_points["Predictions"])
            for name, value in end_points.items():
                v1.summary.histogram("activations/" + name, value)
                v1.summary.scalar("sparsity/" + name, tf.nn.zero_fraction(value))
    summed = [(tf.add_n([g for g, _ in pairs]), pairs[0][1]) for pairs in zip(*grads, strict=True)]
    updates = v1.get_collection(v1.GraphKeys.UPDATE_OPS, "clone_0")
    with tf.control_dependencies([optimizer.apply_gradients(summed, global_step=step), *updates]):
        tf.identity(v1.losses.get_total_loss(), name="train_op")
    return [inputs[0]], [predictions[0]]


# ------------------------------------------------------------------ quantization-aware, PREDICT
@case("classifier", frozen=True)
def mobilenet_quantized_predict_model_fn() -> Truth:
    """model_fn in PREDICT mode with FakeQuant on weights and activations, frozen for the phone.

    The serving placeholder is float; predictions are the probabilities and their arg-max.
    """

    def quant(x: Tensor, name: str, low: float, high: float, narrow: bool = False) -> Tensor:
        with v1.variable_scope(name, reuse=v1.AUTO_REUSE):
            a = v1.get_variable("min", [], initializer=v1.constant_initializer(low), trainable=False)
            b = v1.get_variable("max", [], initializer=v1.constant_initializer(high), trainable=False)
            return tf.quantization.fake_quant_with_min_max_vars(
                x, a, b, 8, narrow, name="FakeQuantWithMinMaxVars"
            )

    def separable(x: Tensor, depth: int, stride: int, scope: str) -> Tensor:
        with v1.variable_scope(scope + "_depthwise"):
            w = v1.get_variable("depthwise_weights", [3, 3, x.shape[-1], 1])
            x = tf.nn.depthwise_conv2d(
                x, quant(w, "weights_quant", -1, 1, True), [1, stride, stride, 1], "SAME"
            )
            x = quant(tf.nn.relu6(x + v1.get_variable("fold_bias", [x.shape[-1]])), "act_quant", 0, 6)
        with v1.variable_scope(scope + "_pointwise"):
            w = v1.get_variable("weights", [1, 1, x.shape[-1], depth])
            x = tf.nn.conv2d(x, quant(w, "weights_quant", -1, 1, True), 1, "SAME")
            return quant(tf.nn.relu6(x + v1.get_variable("fold_bias", [depth])), "act_quant", 0, 6)

    def model_fn(features: dict[str, Tensor], mode: str, params: HParams) -> dict[str, Tensor]:
        with v1.variable_scope("MobilenetV1"):
            net = quant(features["input"], "input_quant", -1, 1)
            for i, (depth, stride) in enumerate(params.layers):
                net = separable(net, depth, stride, f"Conv2d_{i}")
            net = tf.reduce_mean(net, [1, 2], keepdims=True)
            if mode == ModeKeys.TRAIN:
                net = tf.nn.dropout(net, 0.001)
            w = quant(v1.get_variable("Logits/weights", [1, 1, net.shape[-1], 12]), "wq", -1, 1, True)
            logits = tf.squeeze(quant(tf.nn.conv2d(net, w, 1, "SAME"), "act_quant", -8, 8), [1, 2])
            probabilities = tf.nn.softmax(logits, name="Predictions/Reshape_1")
        return {"probabilities": probabilities, "classes": tf.argmax(probabilities, 1, name="classes")}

    image = v1.placeholder(tf.float32, [1, 48, 48, 3], name="input")
    out = model_fn({"input": image}, ModeKeys.PREDICT, HParams(layers=[(8, 2), (16, 2), (16, 1), (32, 2)]))
    return [image], [out["probabilities"], out["classes"]]


# ------------------------------------------------------------------ semi-supervised with averaged weights
@case("classifier")
def semi_supervised_with_averaged_weights() -> Truth:
    """Labelled batch, weak and strong views of the unlabelled; evaluation through an EMA getter.

    Three placeholders are of training; `x` goes through the averaged weights to `classify_op`.
    """

    class Semi:
        def classifier(
            self, x: Tensor, training: bool, getter: Callable[..., Tensor] | None = None
        ) -> Tensor:
            with v1.variable_scope("classify", reuse=v1.AUTO_REUSE, custom_getter=getter):
                for i, n in enumerate((8, 16, 16)):
                    w = v1.get_variable(f"c{i}/kernel", [3, 3, x.shape[-1], n])
                    x = tf.nn.conv2d(x, w, 1 if i == 0 else 2, "SAME")
                    g = v1.get_variable(f"b{i}/gamma", [n], initializer=v1.ones_initializer())
                    m, v = tf.nn.moments(x, [0, 1, 2])
                    mm = v1.get_variable(f"b{i}/mm", [n], trainable=False, initializer=v1.zeros_initializer())
                    mv = v1.get_variable(f"b{i}/mv", [n], trainable=False, initializer=v1.ones_initializer())
                    if training:
                        for a, b in ((mm, m), (mv, v)):
                            v1.add_to_collection("bn", v1.assign(a, 0.999 * a + 0.001 * b))
                        x = tf.nn.batch_normalization(x, m, v, None, g, 1e-3)
                    else:
                        x = tf.nn.batch_normalization(x, mm, mv, None, g, 1e-3)
                    x = tf.nn.leaky_relu(x, 0.1)
                return tf.matmul(tf.reduce_mean(x, [1, 2]), v1.get_variable("dense/kernel", [16, 10]))

        def model(self, wd: float, wu: float, confidence: float, ema: float) -> dict[str, Tensor]:
            xt_in = v1.placeholder(tf.float32, [64, 32, 32, 3], "xt")
            x_in = v1.placeholder(tf.float32, [None, 32, 32, 3], "x")
            y_in = v1.placeholder(tf.float32, [64, 2, 32, 32, 3], "y")
            l_in = v1.placeholder(tf.int32, [64], "labels")
            step = v1.train.get_or_create_global_step()
            lr = 0.03 * tf.cos(tf.cast(step, tf.float32) * (7 * 3.1415927 / (16 * 1e5)))
            both = tf.concat([xt_in, y_in[:, 0], y_in[:, 1]], 0)
            logits = self.classifier(both, True)
            sup, weak, strong = tf.split(logits, 3)
            bn = v1.get_collection("bn")
            xe = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(l_in, sup))
            pseudo = tf.stop_gradient(tf.nn.softmax(weak))
            xeu = tf.nn.sparse_softmax_cross_entropy_with_logits(tf.argmax(pseudo, 1), strong)
            mask = tf.cast(tf.reduce_max(pseudo, 1) >= confidence, tf.float32)
            v1.summary.scalar("monitors/mask", tf.reduce_mean(mask))
            l2 = tf.add_n([tf.nn.l2_loss(v) for v in v1.trainable_variables() if "kernel" in v.name])
            average = tf.train.ExponentialMovingAverage(ema, name="ema")
            track = average.apply(v1.trainable_variables())

            def ema_getter(getter: Callable[..., Tensor], name: str, *args: Any, **kw: Any) -> Tensor:
                var = getter(name, *args, **kw)
                shadow = average.average(var)
                return var if shadow is None else shadow

            loss = xe + wu * tf.reduce_mean(xeu * mask) + wd * l2
            train = v1.train.MomentumOptimizer(lr, 0.9, use_nesterov=True).minimize(loss, step)
            with tf.control_dependencies([train, *bn, track]):
                train_op = tf.no_op("train_op")
            return {
                "x": x_in,
                "xt": xt_in,
                "y": y_in,
                "train_op": train_op,
                "classify_raw": tf.nn.softmax(self.classifier(x_in, False)),
                "classify_op": tf.nn.softmax(self.classifier(x_in, False, ema_getter)),
            }

    ops = Semi().model(wd=5e-4, wu=1.0, confidence=0.95, ema=0.999)
    return [ops["x"]], [ops["classify_op"]]


# ------------------------------------------------------------------ single shot detector, frozen export
@case("detector", frozen=True)
def single_shot_detector_exported() -> Truth:
    """Detection framework: image_tensor, preprocessor, anchors, box coder, per-class suppression.

    The four tensors of the export are what everybody fetches.
    """
    image_tensor = v1.placeholder(tf.uint8, [1, None, None, 3], "image_tensor")
    with v1.name_scope("Preprocessor"):
        x = tf.image.resize(tf.cast(image_tensor, tf.float32), [64, 64])
        x = (2.0 / 255.0) * x - 1.0
    maps = []
    with v1.variable_scope("FeatureExtractor/MobilenetV2"):
        for i, n in enumerate((8, 16, 16, 24)):
            w = v1.get_variable(f"Conv_{i}/weights", [3, 3, x.shape[-1], n])
            x = tf.nn.relu6(tf.nn.conv2d(x, w, 2, "SAME") + v1.get_variable(f"Conv_{i}/biases", [n]))
            if i > 1:
                maps.append(x)
    with v1.name_scope("MultipleGridAnchorGenerator"):
        grids = []
        for feature, scale in zip(maps, (0.2, 0.6), strict=True):
            n = int(feature.shape[1])
            centre = (tf.cast(tf.range(n), tf.float32) + 0.5) / n
            yc, xc = tf.meshgrid(centre, centre, indexing="ij")
            for ratio in (0.5, 1.0, 2.0):
                h, wd = scale / ratio**0.5, scale * ratio**0.5
                grids.append(tf.stack([yc, xc, tf.fill([n, n], h), tf.fill([n, n], wd)], -1))
        anchors = tf.concat([tf.reshape(g, [-1, 4]) for g in grids], 0)
    codes, scores = [], []
    for i, feature in enumerate(maps):
        with v1.variable_scope(f"BoxPredictor_{i}"):
            c = int(feature.shape[-1])
            enc = tf.nn.conv2d(
                feature, v1.get_variable("BoxEncodingPredictor/weights", [1, 1, c, 12]), 1, "SAME"
            )
            cls = tf.nn.conv2d(
                feature, v1.get_variable("ClassPredictor/weights", [1, 1, c, 3 * 6]), 1, "SAME"
            )
            codes.append(tf.reshape(enc, [1, -1, 4]))
            scores.append(tf.reshape(cls, [1, -1, 6]))
    box_encodings = tf.concat(codes, 1, name="concat")
    class_predictions = tf.concat(scores, 1, name="concat_1")
    with v1.name_scope("Postprocessor"):
        ty, tx, th, tw = tf.unstack(box_encodings[0] / [10.0, 10.0, 5.0, 5.0], axis=1)
        ya, xa, ha, wa = tf.unstack(anchors, axis=1)
        y, x = ty * ha + ya, tx * wa + xa
        h, wd = tf.exp(th) * ha, tf.exp(tw) * wa
        boxes = tf.stack([y - h / 2, x - wd / 2, y + h / 2, x + wd / 2], 1, name="Decode")
        probs = tf.sigmoid(class_predictions, name="convert_scores")[0, :, 1:]
        parts = []
        for k in range(5):
            keep = tf.image.non_max_suppression(boxes, probs[:, k], 20, 0.6, 1e-8)
            one = tf.ones_like(keep, tf.float32)
            parts.append((tf.gather(boxes, keep), tf.gather(probs[:, k], keep), one * k))
        b, s, c = (tf.concat(list(p), 0) for p in zip(*parts, strict=True))
        count = tf.minimum(tf.shape(s)[0], 20)
        top, order = tf.nn.top_k(s, count)
        pad = 20 - count
        b = tf.pad(tf.gather(b, order), [[0, pad], [0, 0]])
        c, top = tf.pad(tf.gather(c, order), [[0, pad]]), tf.pad(top, [[0, pad]])
    out = [
        tf.identity(b[None], "detection_boxes"),
        tf.identity(top[None], "detection_scores"),
        tf.identity(c[None] + 1, "detection_classes"),
        tf.identity(tf.cast(count, tf.float32)[None], "num_detections"),
    ]
    return [image_tensor], out


# ------------------------------------------------------------------ TPUEstimator, TRAIN
@case("detector", modern=True)
def pyramid_detector_tpu_train() -> Truth:
    """TPUEstimator model_fn in TRAIN mode: pyramid of features, shared heads, targets for each level.

    In PREDICT the same model_fn returns cls_outputs_<level> and box_outputs_<level>: those are read.
    """
    params = {"classes": 5, "anchors": 3, "levels": (3, 4), "momentum": 0.9, "decay": 0.99}

    def input_fn() -> tuple[Tensor, dict[str, Tensor]]:
        def parse(record: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
            spec = {"image": v1.FixedLenFeature([], tf.string)}
            for k, n in ((3, 8), (4, 4)):
                spec[f"cls_targets_{k}"] = v1.FixedLenFeature([n, n, 3], tf.int64)
                spec[f"box_targets_{k}"] = v1.FixedLenFeature([n, n, 12], tf.float32)
            spec["mean_num_positives"] = v1.FixedLenFeature([1], tf.float32)
            labels = v1.parse_single_example(record, spec)
            image = tf.reshape(tf.io.decode_raw(labels.pop("image"), tf.uint8), [64, 64, 3])
            return (tf.cast(image, tf.float32) - 127.0) / 58.0, labels

        data = v1.data.TFRecordDataset(["coco-train.tfrecord"]).map(parse).shuffle(64).repeat()
        nxt = v1.data.make_one_shot_iterator(data.batch(8, drop_remainder=True).prefetch(2)).get_next()
        return nxt[0], nxt[1]

    def conv(x: Tensor, n: int, k: int, name: str, stride: int = 1) -> Tensor:
        with v1.variable_scope(name, reuse=v1.AUTO_REUSE):
            w = v1.get_variable("kernel", [k, k, x.shape[-1], n], initializer=v1.glorot_normal_initializer())
            return tf.nn.conv2d(x, w, stride, "SAME") + v1.get_variable("bias", [n])

    def retinanet(x: Tensor) -> tuple[dict[int, Tensor], dict[int, Tensor]]:
        feats = {}
        with v1.variable_scope("resnet"):
            for level in (1, 2, 3, 4):
                x = tf.nn.relu(conv(x, 8 * min(level, 2), 3, f"block{level}", 2))
                feats[level] = x
        with v1.variable_scope("fpn"):
            top = conv(feats[4], 16, 1, "l4")
            up = v1.image.resize_nearest_neighbor(top, [8, 8])
            pyramid = {
                4: conv(top, 16, 3, "post4"),
                3: conv(conv(feats[3], 16, 1, "l3") + up, 16, 3, "post3"),
            }
        cls, box = {}, {}
        with v1.variable_scope("retinanet"):
            for level, f in sorted(pyramid.items()):
                c = b = f
                for i in range(2):
                    c = tf.nn.relu(conv(c, 16, 3, f"class-{i}"))
                    b = tf.nn.relu(conv(b, 16, 3, f"box-{i}"))
                cls[level], box[level] = conv(c, 15, 3, "class-predict"), conv(b, 12, 3, "box-predict")
        return cls, box

    features, labels = input_fn()
    cls_outputs, box_outputs = retinanet(features)
    normalizer = tf.reduce_sum(labels["mean_num_positives"]) + 1.0
    cls_losses, box_losses = [], []
    for level in (3, 4):
        y = tf.one_hot(labels[f"cls_targets_{level}"], 5)
        z = tf.reshape(cls_outputs[level], tf.shape(y))
        ce = tf.nn.sigmoid_cross_entropy_with_logits(labels=y, logits=z)
        p = tf.sigmoid(z)
        pt = y * p + (1 - y) * (1 - p)
        cls_losses.append(tf.reduce_sum(0.25 * tf.pow(1 - pt, 1.5) * ce) / normalizer)
        t = labels[f"box_targets_{level}"]
        weight = tf.cast(tf.not_equal(t, 0.0), tf.float32)
        huber = v1.losses.huber_loss(t, box_outputs[level], weight, delta=0.1, reduction="weighted_sum")
        box_losses.append(huber / (normalizer * 4.0))
    total = tf.add_n(cls_losses) + 50.0 * tf.add_n(box_losses)
    step = v1.train.get_or_create_global_step()
    frac = tf.cast(step, tf.float32) / 500.0
    rate = v1.where(step < 500, 0.008 * frac, v1.train.piecewise_constant(step, [9000], [0.08, 0.008]))
    grads, tvars = zip(*v1.train.MomentumOptimizer(rate, 0.9).compute_gradients(total), strict=True)
    clipped, _ = tf.clip_by_global_norm(grads, 10.0)
    train = v1.train.MomentumOptimizer(rate, params["momentum"]).apply_gradients(
        zip(clipped, tvars, strict=True), global_step=step
    )
    with tf.control_dependencies([train]):
        tf.train.ExponentialMovingAverage(params["decay"], num_updates=step).apply(v1.trainable_variables())
    return [features], [cls_outputs[3], cls_outputs[4], box_outputs[3], box_outputs[4]]


# ------------------------------------------------------------------ image captions
@case("sequence")
def caption_generator_inference_mode() -> Truth:
    """Show-and-tell wrapper built in "inference" mode: image_feed, input_feed, lstm/state_feed.

    The beam search outside runs lstm/initial_state once, then softmax and lstm/state word by word.
    """

    class ShowAndTell:
        def __init__(self, config: HParams, mode: str) -> None:
            self.config, self.mode = config, mode
            self.global_step: Tensor = None

        def build_inputs(self) -> None:
            self.image_feed = v1.placeholder(tf.string, [], name="image_feed")
            self.input_feed = v1.placeholder(tf.int64, [None], name="input_feed")
            image = tf.image.decode_jpeg(self.image_feed, channels=3, name="decode")
            image = tf.image.resize(tf.image.convert_image_dtype(image, tf.float32), [48, 48])
            self.images = tf.expand_dims((image - 0.5) * 2.0, 0)
            self.input_seqs = tf.expand_dims(self.input_feed, 1)

        def build_image_embeddings(self) -> None:
            net = self.images
            with v1.variable_scope("InceptionV3"):
                for i, n in enumerate((8, 16)):
                    w = v1.get_variable(f"Conv2d_{i}a/weights", [3, 3, net.shape[-1], n], trainable=False)
                    net = tf.nn.relu(tf.nn.conv2d(net, w, 2, "VALID"))
            with v1.variable_scope("image_embedding"):
                w = v1.get_variable("weights", [16, self.config.size])
                self.image_embeddings = tf.matmul(tf.reduce_mean(net, [1, 2]), w)
            tf.constant(self.config.size, name="embedding_size")

        def build_seq_embeddings(self) -> None:
            with v1.variable_scope("seq_embedding"), tf.device("/cpu:0"):
                table = v1.get_variable("map", [self.config.vocab, self.config.size])
                self.seq_embeddings = tf.nn.embedding_lookup(table, self.input_seqs)

        def cell(self, x: Tensor, state: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
            with v1.variable_scope("basic_lstm_cell", reuse=v1.AUTO_REUSE):
                n = self.config.size
                k = v1.get_variable("kernel", [2 * n, 4 * n])
                z = tf.matmul(tf.concat([x, state[1]], 1), k) + v1.get_variable("bias", [4 * n])
                i, j, f, o = tf.split(z, 4, axis=1)
                c = state[0] * tf.sigmoid(f + 1.0) + tf.sigmoid(i) * tf.tanh(j)
                return c, tf.tanh(c) * tf.sigmoid(o)

        def build_model(self) -> None:
            n = self.config.size
            with v1.variable_scope("lstm", initializer=v1.random_uniform_initializer(-0.08, 0.08)):
                zero = tf.zeros([tf.shape(self.image_embeddings)[0], n])
                first = self.cell(self.image_embeddings, (zero, zero))
                self.initial_state = tf.concat(first, 1, name="initial_state")
                self.state_feed = v1.placeholder(tf.float32, [None, 2 * n], name="state_feed")
                c, h = tf.split(self.state_feed, 2, axis=1)
                c, h = self.cell(tf.squeeze(self.seq_embeddings, axis=[1]), (c, h))
                self.state = tf.concat([c, h], 1, name="state")
            with v1.variable_scope("logits"):
                w = v1.get_variable("weights", [n, self.config.vocab])
                logits = tf.matmul(h, w) + v1.get_variable("biases", [self.config.vocab])
            self.softmax = tf.nn.softmax(logits, name="softmax")

        def build(self) -> ShowAndTell:
            self.build_inputs()
            self.build_image_embeddings()
            self.build_seq_embeddings()
            self.build_model()
            self.global_step = v1.train.get_or_create_global_step()
            return self

    m = ShowAndTell(HParams(size=24, vocab=200), "inference").build()
    return [m.image_feed, m.input_feed, m.state_feed], [m.initial_state, m.softmax, m.state]


# ------------------------------------------------------------------ skip-thought
@case("embedding")
def skip_thoughts_from_a_record_queue() -> Truth:
    """Encoder and two decoders in training; ids and masks come out of a parsed batch of records.

    A sentence is encoded by feeding its ids and mask and reading thought_vectors.
    """
    dim, vocab, uniform = 24, 300, v1.random_uniform_initializer(-0.1, 0.1)
    files = v1.train.string_input_producer(["train-?????-of-00100"], capacity=16, name="filename_queue")
    values = tf.queue.RandomShuffleQueue(640, 320, [tf.string], name="random_input_queue")
    _, value = v1.TFRecordReader().read(files)
    v1.train.queue_runner.add_queue_runner(
        v1.train.queue_runner.QueueRunner(values, [values.enqueue([value])])
    )
    serialized = values.dequeue_many(32)
    features = v1.parse_example(
        serialized, {k: v1.VarLenFeature(tf.int64) for k in ("encode", "decode_pre", "decode_post")}
    )

    def to_batch(sparse: Tensor) -> tuple[Tensor, Tensor]:
        ids = tf.sparse.to_dense(sparse)
        ones = tf.ones_like(sparse.values, tf.int32)
        return ids, tf.sparse.to_dense(tf.SparseTensor(sparse.indices, ones, sparse.dense_shape))

    encode_ids, encode_mask = to_batch(features["encode"])
    pre_ids, pre_mask = to_batch(features["decode_pre"])
    post_ids, post_mask = to_batch(features["decode_post"])
    word_emb = v1.get_variable("word_embedding", [vocab, dim], initializer=uniform)

    def gru(inputs: Tensor, mask: Tensor, state: Tensor, scope: str) -> tuple[Tensor, Tensor]:
        with v1.variable_scope(scope):
            wx = v1.get_variable("W/gates", [dim, 2 * dim], initializer=v1.orthogonal_initializer())
            wh = v1.get_variable("U/gates", [dim, 2 * dim], initializer=v1.orthogonal_initializer())
            cx = v1.get_variable("W/candidate", [dim, dim], initializer=uniform)
            ch = v1.get_variable("U/candidate", [dim, dim], initializer=uniform)
        steps = tf.shape(inputs)[1]
        length = tf.reduce_sum(mask, 1)
        array = tf.TensorArray(tf.float32, steps).unstack(tf.transpose(inputs, [1, 0, 2]))

        def body(t: Tensor, h: Tensor, out: Tensor) -> tuple[Tensor, Tensor, Tensor]:
            x = array.read(t)
            r, u = tf.split(tf.sigmoid(tf.matmul(x, wx) + tf.matmul(h, wh)), 2, 1)
            new = u * h + (1 - u) * tf.tanh(tf.matmul(x, cx) + r * tf.matmul(h, ch))
            new = v1.where(t < length, new, h)
            return t + 1, new, out.write(t, new)

        loop = [tf.constant(0), state, tf.TensorArray(tf.float32, steps)]
        _, last, outs = tf.while_loop(lambda t, *_: t < steps, body, loop)
        seq = tf.transpose(outs.stack(), [1, 0, 2])
        seq.set_shape([None, None, dim])
        last.set_shape([None, dim])
        return seq, last

    with v1.variable_scope("encoder"):
        emb = tf.nn.embedding_lookup(word_emb, encode_ids)
        _, state = gru(emb, encode_mask, tf.zeros([tf.shape(encode_ids)[0], dim]), "gru_cell")
        thought_vectors = tf.identity(state, name="thought_vectors")
    losses = []
    for name, ids, mask in (("decoder_pre", pre_ids, pre_mask), ("decoder_post", post_ids, post_mask)):
        emb = tf.pad(tf.nn.embedding_lookup(word_emb, ids)[:, :-1, :], [[0, 0], [1, 0], [0, 0]])
        emb.set_shape([None, None, dim])
        with v1.variable_scope(name):
            out, _ = gru(emb, mask, thought_vectors, "gru_cell")
        with v1.variable_scope("logits", reuse=v1.AUTO_REUSE):
            w = v1.get_variable("weights", [dim, vocab], initializer=uniform)
            logits = tf.matmul(tf.reshape(out, [-1, dim]), w)
        ce = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=tf.reshape(ids, [-1]), logits=logits)
        loss = tf.reduce_sum(ce * tf.cast(tf.reshape(mask, [-1]), tf.float32))
        v1.losses.add_loss(loss)
        losses.append(loss)
        v1.summary.scalar("losses/" + name, loss)
    step = v1.train.create_global_step()
    rate = v1.train.exponential_decay(0.0008, step, 400000, 0.5)
    opt = v1.train.AdamOptimizer(rate)
    pairs = opt.compute_gradients(v1.losses.get_total_loss())
    opt.apply_gradients([(tf.clip_by_norm(g, 5.0), v) for g, v in pairs if g is not None], step)
    return [encode_ids, encode_mask], [thought_vectors]


# ------------------------------------------------------------------ language model
@case("language")
def word_lm_sharded_embeddings_sampled_softmax() -> Truth:
    """Large-vocabulary model: eight embedding shards, projected LSTM, states kept in variables.

    Training samples the softmax; the evaluation script feeds inputs_in and reads softmax_out.
    """
    hps = HParams(batch=4, steps=5, vocab=800, emb=16, state=32, projected=16, shards=8, samples=64, keep=0.9)

    def sharded_variable(name: str, shape: list[int], shards: int) -> list[Tensor]:
        init = v1.uniform_unit_scaling_initializer()
        part = [shape[0] // shards, shape[1]]
        return [v1.get_variable(f"{name}_{i}", part, initializer=init) for i in range(shards)]

    xs = v1.placeholder(tf.int32, [hps.batch, hps.steps], name="inputs_in")
    ys = v1.placeholder(tf.int32, [hps.batch, hps.steps], name="targets_in")
    ws = v1.placeholder(tf.float32, [hps.batch, hps.steps], name="target_weights_in")
    with v1.variable_scope("model"):
        emb_vars = sharded_variable("emb", [hps.vocab, hps.emb], hps.shards)
        initial = [
            v1.get_variable(
                "state_c", [hps.batch, hps.state], trainable=False, collections=["local_variables"]
            ),
            v1.get_variable(
                "state_h", [hps.batch, hps.projected], trainable=False, collections=["local_variables"]
            ),
        ]
        v1.group(*[v1.assign(s, tf.zeros_like(s)) for s in initial], name="states_init")
        x = tf.nn.embedding_lookup(emb_vars, xs, name="embedding_lookup")
        inputs = [tf.squeeze(v, [1]) for v in tf.split(x, hps.steps, 1)]
        with v1.variable_scope("lstm"):
            kernel = v1.get_variable("W_0", [hps.emb + hps.projected, 4 * hps.state])
            bias = v1.get_variable("B", [4 * hps.state], initializer=v1.zeros_initializer())
            w_p = v1.get_variable("W_P_0", [hps.state, hps.projected])

        def unroll(keep: float) -> tuple[list[Tensor], Tensor, Tensor]:
            c, h = tf.identity(initial[0]), tf.identity(initial[1])
            outs = []
            for inp in inputs:
                inp = tf.nn.dropout(inp, rate=1 - keep) if keep < 1 else inp
                i, j, f, o = tf.split(tf.matmul(tf.concat([inp, h], 1), kernel) + bias, 4, 1)
                c = tf.sigmoid(f + 1.0) * c + tf.sigmoid(i) * tf.tanh(j)
                h = tf.matmul(tf.sigmoid(o) * tf.tanh(c), w_p)
                outs.append(h)
            return outs, c, h

        softmax_w = sharded_variable("softmax_w", [hps.vocab, hps.projected], hps.shards)
        softmax_b = v1.get_variable("softmax_b", [hps.vocab])
        with v1.name_scope("train"):
            outs, c, h = unroll(hps.keep)
            with tf.control_dependencies([v1.assign(initial[0], c), v1.assign(initial[1], h)]):
                flat = tf.reshape(tf.concat(outs, 1), [-1, hps.projected])
            target = tf.reshape(ys, [-1, 1])
            sampled = tf.nn.sampled_softmax_loss(softmax_w, softmax_b, target, flat, hps.samples, hps.vocab)
            loss = tf.reduce_mean(sampled * tf.reshape(ws, [-1]))
        with v1.name_scope("eval"):
            outs, c, h = unroll(1.0)
            with tf.control_dependencies([v1.assign(initial[0], c), v1.assign(initial[1], h)]):
                flat = tf.reshape(tf.stack(outs, 1), [-1, hps.projected])
            full = tf.reshape(tf.stack(softmax_w, 1), [hps.vocab, hps.projected])
            logits = tf.matmul(flat, full, transpose_b=True) + softmax_b
    softmax = tf.nn.softmax(logits, name="softmax_out")
    nll = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=tf.reshape(ys, [-1]), logits=logits)
    log_perplexity = tf.reduce_sum(nll * tf.reshape(ws, [-1])) / tf.reduce_sum(ws)
    tf.identity(log_perplexity, name="log_perplexity_out")
    step = v1.train.get_or_create_global_step()
    lstm_vars = [v for v in v1.trainable_variables() if "lstm" in v.name]
    others = [v for v in v1.trainable_variables() if "lstm" not in v.name]
    grads = tf.gradients(loss, others + lstm_vars)
    clipped, norm = tf.clip_by_global_norm(grads[len(others) :], 10.0)
    v1.summary.scalar("model/lstm_grad_norm", norm)
    pairs = zip(grads[: len(others)] + clipped, others + lstm_vars, strict=True)
    v1.train.AdagradOptimizer(0.2, initial_accumulator_value=1.0).apply_gradients(pairs, step)
    v1.summary.scalar("model/loss", loss)
    return [xs], [softmax]


# ------------------------------------------------------------------ attention-based translation
@case("translation")
def attention_nmt_iterator_with_greedy_decoder() -> Truth:
    """Batched iterator with source, target input, target output and lengths; Luong attention.

    The training decoder reads targets; the greedy one loops to its end of sentence and gives ids.
    """
    units, vsrc, vtgt = 16, 90, 80
    src_table = tf.lookup.StaticVocabularyTable(
        tf.lookup.KeyValueTensorInitializer([str(i) for i in range(20)], tf.range(20, dtype=tf.int64)), vsrc
    )

    def make(src: Tensor, tgt: Tensor) -> tuple[Tensor, ...]:
        s = tf.cast(src_table.lookup(v1.string_split([src]).values), tf.int32)
        t = tf.cast(src_table.lookup(v1.string_split([tgt]).values), tf.int32) % vtgt
        return s, tf.concat([[1], t], 0), tf.concat([t, [2]], 0), tf.size(s), tf.size(t) + 1

    text = v1.data.Dataset.zip((v1.data.TextLineDataset("train.vi"), v1.data.TextLineDataset("train.en")))
    data = text.shuffle(100).map(make).prefetch(10)
    data = data.padded_batch(16, ([None], [None], [None], [], []), (0, 0, 0, 0, 0))
    iterator = v1.data.make_initializable_iterator(data)
    v1.add_to_collection(v1.GraphKeys.TABLE_INITIALIZERS, iterator.initializer)
    source, target_input, target_output, source_len, target_len = iterator.get_next()
    batch = tf.shape(source)[0]
    with v1.variable_scope("dynamic_seq2seq", initializer=v1.random_uniform_initializer(-0.1, 0.1)):
        with v1.variable_scope("embeddings"):
            enc_emb = v1.get_variable("encoder/embedding_encoder", [vsrc, units])
            dec_emb = v1.get_variable("decoder/embedding_decoder", [vtgt, units])
        with v1.variable_scope("encoder/rnn/basic_lstm_cell"):
            ek = v1.get_variable("kernel", [2 * units, 4 * units])
            eb = v1.get_variable("bias", [4 * units])
        with v1.variable_scope("decoder/attention"):
            dk = v1.get_variable("luong_attention/basic_lstm_cell/kernel", [3 * units, 4 * units])
            db = v1.get_variable("luong_attention/basic_lstm_cell/bias", [4 * units])
            wm = v1.get_variable("memory_layer/kernel", [units, units])
            wa = v1.get_variable("attention_layer/kernel", [2 * units, units])
        out_w = v1.get_variable("decoder/output_projection/kernel", [units, vtgt])

    def lstm(x: Tensor, c: Tensor, h: Tensor, k: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
        i, j, f, o = tf.split(tf.matmul(tf.concat([x, h], 1), k) + b, 4, 1)
        c = tf.sigmoid(f + 1.0) * c + tf.sigmoid(i) * tf.tanh(j)
        return c, tf.sigmoid(o) * tf.tanh(c)

    inp = tf.transpose(tf.nn.embedding_lookup(enc_emb, source), [1, 0, 2])
    steps = tf.shape(inp)[0]

    def encode(t: Tensor, c: Tensor, h: Tensor, ta: Tensor) -> tuple[Tensor, ...]:
        c2, h2 = lstm(tf.ensure_shape(inp[t], [None, units]), c, h, ek, eb)
        going = t < source_len
        c2, h2 = v1.where(going, c2, c), v1.where(going, h2, h)
        return t + 1, c2, h2, ta.write(t, h2)

    zero = tf.zeros([batch, units])
    shape = tf.TensorShape([None, units])
    _, c0, h0, ta = tf.while_loop(
        lambda t, *_: t < steps,
        encode,
        [tf.constant(0), zero, zero, tf.TensorArray(tf.float32, steps)],
        shape_invariants=[tf.TensorShape([]), shape, shape, tf.TensorShape(None)],
    )
    memory = tf.ensure_shape(tf.transpose(ta.stack(), [1, 0, 2]), [None, None, units])
    keys = tf.tensordot(memory, wm, 1)
    bad = (1.0 - tf.sequence_mask(source_len, steps, tf.float32)) * -1e9

    def decode(x: Tensor, c: Tensor, h: Tensor, attn: Tensor) -> tuple[Tensor, ...]:
        c, h = lstm(tf.concat([x, attn], 1), c, h, dk, db)
        align = tf.nn.softmax(tf.reduce_sum(keys * h[:, None], 2) + bad)
        context = tf.reduce_sum(align[:, :, None] * memory, 1)
        attn = tf.tanh(tf.matmul(tf.concat([context, h], 1), wa))
        return tf.matmul(attn, out_w), c, h, attn

    with v1.name_scope("train_decoder"):
        tin = tf.transpose(tf.nn.embedding_lookup(dec_emb, target_input), [1, 0, 2])
        tin = tf.nn.dropout(tin, 0.2)
        tsteps = tf.shape(tin)[0]

        def teach(t: Tensor, c: Tensor, h: Tensor, a: Tensor, ta: Tensor) -> tuple[Tensor, ...]:
            logits, c, h, a = decode(tf.ensure_shape(tin[t], [None, units]), c, h, a)
            return t + 1, c, h, a, ta.write(t, logits)

        first = [tf.constant(0), c0, h0, zero, tf.TensorArray(tf.float32, tsteps)]
        inv = [tf.TensorShape([]), shape, shape, shape, tf.TensorShape(None)]
        ta = tf.while_loop(lambda t, *_: t < tsteps, teach, first, shape_invariants=inv)[-1]
        logits = tf.transpose(ta.stack(), [1, 0, 2])
    with v1.name_scope("greedy_decoder"):
        limit = tf.reduce_max(source_len) * 2

        def greedy(t: Tensor, ids: Tensor, done: Tensor, c: Tensor, h: Tensor, a: Tensor, ta: Tensor) -> Any:
            z, c, h, a = decode(tf.nn.embedding_lookup(dec_emb, ids), c, h, a)
            ids = v1.where(done, tf.fill([batch], 2), tf.argmax(z, 1, output_type=tf.int32))
            return t + 1, ids, tf.logical_or(done, tf.equal(ids, 2)), c, h, a, ta.write(t, ids)

        start = tf.fill([batch], 1)
        ta = tf.TensorArray(tf.int32, 0, dynamic_size=True)
        many = tf.TensorShape([None])
        ta = tf.while_loop(
            lambda t, ids, done, *_: tf.logical_and(t < limit, tf.logical_not(tf.reduce_all(done))),
            greedy,
            [tf.constant(0), start, tf.fill([batch], False), c0, h0, zero, ta],
            shape_invariants=[tf.TensorShape([]), many, many, shape, shape, shape, tf.TensorShape(None)],
        )[-1]
        sample_id = tf.transpose(ta.stack())
    ce = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=target_output, logits=logits)
    weights = tf.sequence_mask(target_len, tf.shape(target_output)[1], tf.float32)
    loss = tf.reduce_sum(ce * weights) / tf.cast(batch, tf.float32)
    step = v1.train.get_or_create_global_step()
    tvars = v1.trainable_variables()
    grads, norm = tf.clip_by_global_norm(tf.gradients(loss, tvars), 5.0)
    v1.train.GradientDescentOptimizer(1.0).apply_gradients(zip(grads, tvars, strict=True), step)
    v1.summary.scalar("grad_norm", norm)
    v1.summary.scalar("train_loss", loss)
    return [source, source_len], [sample_id]


@case("translation", modern=True)
def transformer_beam_search_with_hparams() -> Truth:
    """Problem, modality and hyper-parameter set; PREDICT mode, inputs of rank four, beam search.

    predictions = {"outputs": best beams, "scores": their log-probabilities}.
    """
    hp = HParams(hidden=16, heads=2, filter=32, vocab=64, shards=4, beam=3, alpha=0.6, extra=6, layers=2)
    inputs = v1.placeholder(tf.int32, [None, None, 1, 1], name="inputs")

    def norm(x: Tensor, name: str) -> Tensor:
        with v1.variable_scope(name, reuse=v1.AUTO_REUSE):
            s = v1.get_variable("layer_norm_scale", [hp.hidden], initializer=v1.ones_initializer())
            b = v1.get_variable("layer_norm_bias", [hp.hidden], initializer=v1.zeros_initializer())
        m, v = tf.nn.moments(x, [-1], keepdims=True)
        return (x - m) * tf.math.rsqrt(v + 1e-6) * s + b

    def dense(x: Tensor, n: int, name: str) -> Tensor:
        with v1.variable_scope(name, reuse=v1.AUTO_REUSE):
            return tf.tensordot(x, v1.get_variable("kernel", [x.shape[-1], n]), 1)

    def heads(x: Tensor) -> Tensor:
        b, t = tf.shape(x)[0], tf.shape(x)[1]
        return tf.transpose(tf.reshape(x, [b, t, hp.heads, hp.hidden // hp.heads]), [0, 2, 1, 3])

    def attend(q: Tensor, m: Tensor, bias: Tensor, name: str) -> Tensor:
        with v1.variable_scope(name, reuse=v1.AUTO_REUSE):
            a, k, v = (
                heads(dense(q, hp.hidden, "q")),
                heads(dense(m, hp.hidden, "k")),
                heads(dense(m, hp.hidden, "v")),
            )
            weights = tf.nn.softmax(tf.matmul(a * 8**-0.5, k, transpose_b=True) + bias)
            y = tf.transpose(tf.matmul(weights, v), [0, 2, 1, 3])
            return dense(tf.reshape(y, tf.shape(q)), hp.hidden, "output_transform")

    def block(x: Tensor, bias: Tensor, name: str, memory: Tensor = None, mbias: Tensor = None) -> Tensor:
        with v1.variable_scope(name, reuse=v1.AUTO_REUSE):
            y = norm(x, "n1")
            x = tf.ensure_shape(x + attend(y, y, bias, "self_attention"), [None, None, hp.hidden])
            if memory is not None:
                x = x + attend(norm(x, "n2"), memory, mbias, "encdec_attention")
                x = tf.ensure_shape(x, [None, None, hp.hidden])
            return x + dense(tf.nn.relu(dense(norm(x, "n3"), hp.filter, "conv1")), hp.hidden, "conv2")

    def timing(x: Tensor) -> Tensor:
        pos = tf.cast(tf.range(tf.shape(x)[1]), tf.float32)[:, None]
        rate = tf.exp(tf.cast(tf.range(hp.hidden // 2), tf.float32) * -(9.21 / 7))[None]
        return x + tf.concat([tf.sin(pos * rate), tf.cos(pos * rate)], 1)[None]

    with v1.variable_scope("transformer"):
        part = [hp.vocab // hp.shards, hp.hidden]
        with v1.variable_scope("symbol_modality_64_16/shared"):
            table = tf.concat([v1.get_variable(f"weights_{i}", part) for i in range(hp.shards)], 0)
        ids = tf.squeeze(inputs, [2, 3])
        pad = tf.cast(tf.equal(ids, 0), tf.float32)
        mbias = (pad * -1e9)[:, None, None]
        x = timing(tf.gather(table, ids) * hp.hidden**0.5 * (1 - pad)[:, :, None])
        for i in range(hp.layers):
            x = block(x, mbias, f"body/encoder/layer_{i}")
        memory = norm(x, "body/encoder/layer_prepostprocess")
        memory, mb = tf.repeat(memory, hp.beam, 0), tf.repeat(mbias, hp.beam, 0)

        def symbols_to_logits(seq: Tensor) -> Tensor:
            t = tf.shape(seq)[1]
            y = timing(tf.pad(tf.gather(table, seq)[:, 1:], [[0, 0], [1, 0], [0, 0]]))
            causal = (1 - tf.linalg.band_part(tf.ones([t, t]), -1, 0)) * -1e9
            y = block(y, causal[None, None], "body/decoder/layer_0", memory, mb)
            return tf.matmul(norm(y, "body/decoder/out")[:, -1], table, transpose_b=True)

        batch = tf.shape(ids)[0]
        length = tf.shape(ids)[1] + hp.extra

        def grow(i: Tensor, seq: Tensor, scores: Tensor, done: Tensor) -> tuple[Tensor, ...]:
            logp = tf.nn.log_softmax(symbols_to_logits(tf.reshape(seq, [-1, i + 1])))
            logp = tf.reshape(logp, [batch, hp.beam, hp.vocab])
            stay = tf.one_hot([0], hp.vocab, 0.0, -1e9)[None]
            logp = tf.where(done[:, :, None], tf.broadcast_to(stay, tf.shape(logp)), logp)
            total = tf.reshape(scores[:, :, None] + logp, [batch, -1])
            scores, index = tf.nn.top_k(total, hp.beam)
            parent, word = index // hp.vocab, index % hp.vocab
            seq = tf.concat([tf.gather(seq, parent, batch_dims=1), word[:, :, None]], 2)
            done = tf.logical_or(tf.gather(done, parent, batch_dims=1), tf.equal(word, 1))
            return i + 1, seq, scores, done

        start = tf.zeros([batch, hp.beam, 1], tf.int32)
        first = tf.tile([[0.0] + [-1e9] * (hp.beam - 1)], [batch, 1])
        many = tf.TensorShape([None, None])
        begun = grow(tf.constant(0), start, first, tf.fill([batch, hp.beam], False))
        count, seq, scores, _ = tf.while_loop(
            lambda i, s, p, done: tf.logical_and(i < length, tf.logical_not(tf.reduce_all(done))),
            grow,
            list(begun),
            shape_invariants=[tf.TensorShape([]), tf.TensorShape([None, None, None]), many, many],
        )
        penalty = tf.pow((5.0 + tf.cast(count, tf.float32)) / 6.0, hp.alpha)
    outputs = tf.identity(seq[:, 0, 1:], name="outputs")
    best = tf.identity(scores[:, 0] / penalty, name="scores")
    return [inputs], [outputs, best]
