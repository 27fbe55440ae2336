"""Segmentation, landmarks, reading, pose, depth, flow, saliency, captions and video, as people train them."""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf

from benchmarks.endpoints.cases import Truth, Truths, case, v1

Tensor = Any


@case("detector")
def output_net_of_the_face_cascade() -> Truth:
    """O-Net of MTCNN: PReLU, hard example mining for faces, boxes and ten landmark coordinates by label.

    The detector fetches the three heads for a batch of crops.
    """
    input_image = v1.placeholder(tf.float32, shape=[None, 48, 48, 3], name="input_image")
    label = v1.placeholder(tf.float32, shape=[None], name="label")
    bbox_target = v1.placeholder(tf.float32, shape=[None, 4], name="bbox_target")
    landmark_target = v1.placeholder(tf.float32, shape=[None, 10], name="landmark_target")

    def prelu(inputs: Tensor) -> Tensor:
        alphas = v1.get_variable("alphas", [int(inputs.shape[-1])], initializer=v1.constant_initializer(0.25))
        return tf.nn.relu(inputs) + alphas * (inputs - abs(inputs)) * 0.5

    def conv(x: Tensor, k: int, n: int, name: str) -> Tensor:
        with v1.variable_scope(name):
            w = v1.get_variable(
                "weights", [k, k, int(x.shape[-1]), n], regularizer=lambda t: 0.0005 * tf.nn.l2_loss(t)
            )
            return prelu(v1.nn.conv2d(x, w, 1, "VALID") + v1.get_variable("biases", [n]))

    def fc(x: Tensor, n: int, name: str) -> Tensor:
        with v1.variable_scope(name):
            return tf.matmul(x, v1.get_variable("weights", [int(x.shape[-1]), n])) + v1.get_variable(
                "biases", [n]
            )

    with v1.variable_scope("ONet"):
        net = v1.nn.max_pool(conv(input_image, 3, 8, "conv1"), [1, 3, 3, 1], [1, 2, 2, 1], "SAME")
        net = v1.nn.max_pool(conv(net, 3, 16, "conv2"), [1, 3, 3, 1], [1, 2, 2, 1], "VALID")
        net = v1.nn.max_pool(conv(net, 3, 16, "conv3"), [1, 2, 2, 1], [1, 2, 2, 1], "SAME")
        net = conv(net, 2, 32, "conv4")
        flat = tf.reshape(net, [-1, int(np.prod(net.shape.as_list()[1:]))])
        with v1.variable_scope("fc1"):
            fc1 = prelu(fc(flat, 32, "fully_connected"))
        cls_prob = tf.nn.softmax(fc(fc1, 2, "cls_fc"))
        bbox_pred = fc(fc1, 4, "bbox_fc")
        landmark_pred = fc(fc1, 10, "landmark_fc")

    zeros = tf.zeros_like(label)
    label_int = tf.cast(tf.where(tf.less(label, 0), zeros, label), tf.int32)
    rows = tf.range(tf.shape(cls_prob)[0]) * 2
    label_prob = tf.gather(tf.reshape(cls_prob, [-1]), rows + label_int)
    loss = -tf.math.log(label_prob + 1e-10)
    valid = tf.where(label < zeros, zeros, tf.ones_like(label))
    keep_num = tf.cast(tf.reduce_sum(valid) * 0.7, tf.int32)
    loss, _ = tf.nn.top_k(loss * valid, k=keep_num)
    cls_loss = tf.reduce_mean(loss)

    def mined(pred: Tensor, target: Tensor, chosen: Tensor) -> Tensor:
        error = tf.reduce_sum(tf.square(pred - target), axis=1) * chosen
        _, k_index = tf.nn.top_k(error, k=tf.cast(tf.reduce_sum(chosen), tf.int32))
        return tf.reduce_mean(tf.gather(error, k_index))

    bbox_loss = mined(bbox_pred, bbox_target, tf.cast(tf.equal(tf.abs(label), 1), tf.float32))
    landmark_loss = mined(landmark_pred, landmark_target, tf.cast(tf.equal(label, -2), tf.float32))
    cond = tf.where(tf.greater_equal(label, 0))
    picked = tf.squeeze(cond)
    right = tf.equal(
        tf.gather(tf.argmax(cls_prob, axis=1), picked), tf.gather(tf.cast(label, tf.int64), picked)
    )
    accuracy = tf.reduce_mean(tf.cast(right, tf.float32))
    l2 = tf.add_n(v1.losses.get_regularization_losses())
    total = 1.0 * cls_loss + 0.5 * bbox_loss + 1.0 * landmark_loss + l2
    global_step = v1.Variable(0, trainable=False)
    lr_op = v1.train.piecewise_constant(global_step, [6000, 14000], [0.01, 0.001, 0.0001])
    v1.train.MomentumOptimizer(lr_op, 0.9).minimize(total, global_step)
    for name, value in (("cls_loss", cls_loss), ("landmark_loss", landmark_loss), ("cls_accuracy", accuracy)):
        v1.summary.scalar(name, value)
    return [input_image], [cls_prob, bbox_pred, landmark_pred]


@case("segmentation")
def fully_convolutional_net_on_downloaded_weights() -> Truth:
    """FCN-8s: a VGG from a .mat file, skips and transposed convolutions; the annotation gets drawn."""
    rng = np.random.RandomState(3)
    keep_probability = v1.placeholder(tf.float32, name="keep_probability")
    image = v1.placeholder(tf.float32, shape=[None, 64, 64, 3], name="input_image")
    annotation = v1.placeholder(tf.int32, shape=[None, 64, 64, 1], name="annotation")

    def weight_variable(shape: list[int], name: str) -> Tensor:
        return v1.Variable(v1.truncated_normal(shape, stddev=0.02), name=name)

    def bias_variable(shape: list[int], name: str) -> Tensor:
        return v1.Variable(tf.constant(0.0, shape=shape), name=name)

    def transpose_strided(x: Tensor, w: Tensor, b: Tensor, output_shape: Any, stride: int) -> Tensor:
        conv = v1.nn.conv2d_transpose(x, w, output_shape, strides=[1, stride, stride, 1], padding="SAME")
        return tf.nn.bias_add(conv, b)

    with v1.variable_scope("inference"):
        current = image - np.array([123.68, 116.78, 103.94], np.float32)
        net: dict[str, Tensor] = {}
        for i, n in enumerate((4, 8, 8, 16, 16), 1):
            kernels = rng.normal(0, 0.1, [3, 3, int(current.shape[-1]), n]).astype(np.float32)
            k = v1.get_variable(f"conv{i}_1_w", initializer=tf.constant(kernels))
            b = v1.get_variable(f"conv{i}_1_b", initializer=tf.zeros([n]))
            current = tf.nn.relu(tf.nn.bias_add(v1.nn.conv2d(current, k, 1, "SAME"), b), name=f"relu{i}_1")
            current = v1.nn.avg_pool(current, [1, 2, 2, 1], [1, 2, 2, 1], "SAME")
            net[f"pool{i}"] = current
        for j, size in ((6, 7), (7, 1)):
            w = weight_variable([size, size, int(current.shape[-1]), 32], f"W{j}")
            current = tf.nn.relu(
                v1.nn.conv2d(current, w, 1, "SAME") + bias_variable([32], f"b{j}"), name=f"relu{j}"
            )
            current = v1.nn.dropout(current, keep_prob=keep_probability)
        w8, b8 = weight_variable([1, 1, 32, 21], "W8"), bias_variable([21], "b8")
        conv8 = tf.nn.bias_add(v1.nn.conv2d(current, w8, 1, "SAME"), b8)
        t1 = transpose_strided(
            conv8,
            weight_variable([4, 4, 16, 21], "W_t1"),
            bias_variable([16], "b_t1"),
            tf.shape(net["pool4"]),
            2,
        )
        fuse_1 = tf.add(t1, net["pool4"], name="fuse_1")
        t2 = transpose_strided(
            fuse_1,
            weight_variable([4, 4, 8, 16], "W_t2"),
            bias_variable([8], "b_t2"),
            tf.shape(net["pool3"]),
            2,
        )
        fuse_2 = tf.add(t2, net["pool3"], name="fuse_2")
        shape = tf.shape(image)
        deconv_shape3 = tf.stack([shape[0], shape[1], shape[2], 21])
        W_t3, b_t3 = weight_variable([16, 16, 21, 8], "W_t3"), bias_variable([21], "b_t3")  # noqa: N806
        conv_t3 = transpose_strided(fuse_2, W_t3, b_t3, deconv_shape3, 8)
        annotation_pred = tf.argmax(conv_t3, axis=3, name="prediction")
    pred_annotation, logits = tf.expand_dims(annotation_pred, axis=3), conv_t3
    v1.summary.image("input_image", image, max_outputs=2)
    v1.summary.image("ground_truth", tf.cast(annotation, tf.uint8), max_outputs=2)
    v1.summary.image("pred_annotation", tf.cast(pred_annotation, tf.uint8), max_outputs=2)
    entropy = v1.nn.sparse_softmax_cross_entropy_with_logits(
        logits=logits, labels=tf.squeeze(annotation, [3])
    )
    loss = tf.reduce_mean(entropy, name="entropy")
    v1.summary.scalar("entropy", loss)
    for var in v1.trainable_variables():
        v1.summary.histogram(var.op.name, var)
        v1.add_to_collection("reg_loss", tf.nn.l2_loss(var))
    optimizer = v1.train.AdamOptimizer(1e-4)
    grads = optimizer.compute_gradients(loss, var_list=v1.trainable_variables())
    for grad, var in grads:
        v1.summary.histogram(var.op.name + "/gradient", grad)
    optimizer.apply_gradients(grads)
    v1.summary.merge_all()
    return [image], [pred_annotation]


@case("segmentation", plain=True)
def valid_unet_with_crops_of_raw_variables() -> Truth:
    """A U-Net of raw variables with cropped skips and dice loss; ``x`` and ``y``; only its GraphDef."""
    channels, n_class, features = 1, 2, 8
    x = v1.placeholder("float", shape=[None, None, None, channels])
    y = v1.placeholder("float", shape=[None, None, None, n_class])
    keep_prob = v1.placeholder(tf.float32)
    weights: list[Tensor] = []

    def conv(h: Tensor, k: int, a: int, b: int) -> Tensor:
        w = v1.Variable(v1.truncated_normal([k, k, a, b], stddev=np.sqrt(2 / (k * k * b))))
        weights.append(w)
        return v1.nn.dropout(v1.nn.conv2d(h, w, [1, 1, 1, 1], "VALID"), keep_prob) + v1.Variable(
            tf.fill([b], 0.1)
        )

    def crop_and_concat(big: Tensor, small: Tensor) -> Tensor:
        s1, s2 = tf.shape(big), tf.shape(small)
        offsets = [0, (s1[1] - s2[1]) // 2, (s1[2] - s2[2]) // 2, 0]
        return tf.concat([tf.slice(big, offsets, [-1, s2[1], s2[2], -1]), small], 3)

    nx, ny = tf.shape(x)[1], tf.shape(x)[2]
    node = tf.reshape(x, tf.stack([-1, nx, ny, channels]))
    down, depth = [], channels
    for layer in range(3):
        width = features * 2**layer
        node = tf.nn.relu(conv(tf.nn.relu(conv(node, 3, depth, width)), 3, width, width))
        depth = width
        if layer < 2:
            down.append(node)
            node = v1.nn.max_pool(node, [1, 2, 2, 1], [1, 2, 2, 1], "VALID")
    for layer in (1, 0):
        width = features * 2**layer
        wd = v1.Variable(v1.truncated_normal([2, 2, width, 2 * width], stddev=0.1))
        s = tf.shape(node)
        up = v1.nn.conv2d_transpose(
            node, wd, tf.stack([s[0], s[1] * 2, s[2] * 2, width]), [1, 2, 2, 1], "VALID"
        )
        node = crop_and_concat(down[layer], tf.nn.relu(up + v1.Variable(tf.fill([width], 0.1))))
        node = tf.nn.relu(conv(tf.nn.relu(conv(node, 3, 2 * width, width)), 3, width, width))
    logits = tf.nn.relu(conv(node, 1, features, n_class))

    exponential = tf.exp(logits - tf.reduce_max(logits, axis=3, keepdims=True))
    predicter = exponential / tf.reduce_sum(exponential, axis=3, keepdims=True)
    flat = tf.reshape(predicter, [-1, n_class])
    truth = tf.reshape(y, [-1, n_class])
    intersection = tf.reduce_sum(flat * truth)
    union = 1e-5 + tf.reduce_sum(flat) + tf.reduce_sum(truth)
    cost = -(2 * intersection / union) + 1e-3 * sum(tf.nn.l2_loss(w) for w in weights)
    correct = tf.equal(tf.argmax(predicter, 3), tf.argmax(y, 3))
    tf.reduce_mean(tf.cast(correct, tf.float32))
    step = v1.Variable(0, trainable=False)
    rate = v1.train.exponential_decay(0.2, step, 32, 0.95, staircase=True)
    v1.train.MomentumOptimizer(rate, 0.2).minimize(cost, global_step=step)
    return [x], [predicter]


@case("segmentation")
def atrous_net_at_three_scales_from_an_image_list() -> Truth:
    """DeepLab v2: an image list in a queue, the net at three scales with one set of weights, their maximum.

    Losses for each scale; the prediction drawn in the summary (maximum, upsampled, argmax) is evaluate.py's.
    """
    num_classes = 21
    with v1.name_scope("create_inputs"):
        paths = tf.constant(["JPEGImages/2007_000032.jpg"])
        masks = tf.constant(["SegmentationClassAug/2007_000032.png"])
        queue = v1.train.slice_input_producer([paths, masks], shuffle=True)
        img = tf.image.decode_jpeg(v1.read_file(queue[0]), channels=3)
        r, g, b = tf.split(axis=2, num_or_size_splits=3, value=img)
        img = tf.cast(tf.concat(axis=2, values=[b, g, r]), tf.float32) - [104.0, 116.7, 122.7]
        lab = tf.image.decode_png(v1.read_file(queue[1]), channels=1)
        scale = v1.random_uniform([1], minval=0.5, maxval=1.5)
        new = tf.cast(tf.cast(tf.shape(img)[:2], tf.float32) * scale, tf.int32)
        img = v1.image.resize_images(img, new)
        lab = tf.squeeze(v1.image.resize_nearest_neighbor(tf.expand_dims(lab, 0), new), [0])
        both = tf.concat([img, tf.cast(lab, tf.float32) - 255.0], 2)
        both = v1.random_crop(tf.image.pad_to_bounding_box(both, 0, 0, 129, 129), [65, 65, 4])
        image_batch, label_batch = v1.train.batch(
            [both[..., :3], tf.cast(both[..., 3:] + 255.0, tf.uint8)], 4
        )

    def atrous(x: Tensor, n: int, rate: int, name: str, relu: bool = True, biased: bool = False) -> Tensor:
        with v1.variable_scope(name, reuse=v1.AUTO_REUSE):
            kernel = v1.get_variable("weights", [3, 3, int(x.shape[-1]), n])
            out = (
                tf.nn.atrous_conv2d(x, kernel, rate, "SAME")
                if rate > 1
                else v1.nn.conv2d(x, kernel, 1, "SAME")
            )
            if biased:
                return tf.nn.bias_add(out, v1.get_variable("biases", [n]))
        with v1.variable_scope("bn_" + name, reuse=v1.AUTO_REUSE):
            gamma, beta = (
                v1.get_variable("gamma", [n], trainable=False),
                v1.get_variable("beta", [n], trainable=False),
            )
            mean = v1.get_variable("moving_mean", [n], trainable=False)
            var = v1.get_variable("moving_variance", [n], trainable=False)
            out = v1.nn.fused_batch_norm(out, gamma, beta, mean, var, is_training=False)[0]
        return tf.nn.relu(out) if relu else out

    def deeplab(data: Tensor) -> Tensor:
        h = v1.nn.max_pool(atrous(data, 8, 1, "conv1"), 3, 2, "SAME")
        h = v1.nn.max_pool(atrous(h, 16, 1, "res2a"), 3, 2, "SAME")
        h = tf.nn.relu(h + atrous(atrous(h, 8, 2, "res4a_branch2a"), 16, 2, "res4a_branch2c", relu=False))
        h = tf.nn.relu(h + atrous(atrous(h, 8, 4, "res5a_branch2a"), 16, 4, "res5a_branch2c", relu=False))
        heads = [atrous(h, num_classes, r, f"fc1_voc12_c{i}", biased=True) for i, r in enumerate((6, 12, 18))]
        return tf.add_n(heads, name="fc1_voc12")

    raw = [deeplab(image_batch)]
    for factor in (0.75, 0.5):
        side = int(65 * factor)
        raw.append(deeplab(v1.image.resize_images(image_batch, [side, side])))
    size = tf.shape(raw[0])[1:3]
    raw_output = tf.reduce_max(
        tf.stack([raw[0], *(v1.image.resize_images(t, size) for t in raw[1:])]), axis=0
    )
    losses = []
    for out in (raw_output, *raw):
        small = v1.image.resize_nearest_neighbor(label_batch, tf.stack(out.get_shape()[1:3]))
        gt = tf.reshape(tf.squeeze(small, axis=[3]), [-1])
        indices = tf.squeeze(tf.where(tf.less_equal(gt, num_classes - 1)), 1)
        gt = tf.cast(tf.gather(gt, indices), tf.int32)
        prediction = tf.gather(tf.reshape(out, [-1, num_classes]), indices)
        losses.append(
            tf.reduce_mean(v1.nn.sparse_softmax_cross_entropy_with_logits(logits=prediction, labels=gt))
        )
    l2 = [0.0005 * tf.nn.l2_loss(v) for v in v1.trainable_variables() if "weights" in v.name]
    reduced_loss = tf.add_n(losses) + tf.add_n(l2)
    raw_output_up = tf.argmax(v1.image.resize_bilinear(raw_output, tf.shape(image_batch)[1:3]), axis=3)
    pred = tf.expand_dims(raw_output_up, axis=3)
    drawn = v1.py_func(lambda a, b, c: a, [image_batch, label_batch, pred], tf.float32)
    v1.summary.image("images", drawn)
    step_ph = v1.placeholder(dtype=tf.float32, shape=())
    rate = 2.5e-4 * tf.pow(1 - step_ph / 20000, 0.9)
    head = [v for v in v1.trainable_variables() if "fc1" in v.name]
    body = [v for v in v1.trainable_variables() if "fc1" not in v.name]
    grads = tf.gradients(reduced_loss, body + head)
    op1 = v1.train.MomentumOptimizer(rate, 0.9).apply_gradients(zip(grads[: len(body)], body, strict=True))
    op2 = v1.train.MomentumOptimizer(rate * 10.0, 0.9).apply_gradients(
        zip(grads[len(body) :], head, strict=True)
    )
    tf.group(op1, op2)
    return [image_batch], [pred]


@case("segmentation")
def segnet_that_unpools_where_it_pooled() -> Truth:
    """SegNet on street scenes: pooling indices, median weighted loss, mean IoU; argmax is the map."""
    train_data_node = v1.placeholder(tf.float32, shape=[4, 48, 64, 3])
    train_labels_node = v1.placeholder(tf.int64, shape=[4, 48, 64, 1])
    phase_train = v1.placeholder(tf.bool, name="phase_train")
    average_pl = v1.placeholder(tf.float32)
    v1.summary.scalar("test_average_loss", average_pl)

    def batch_norm_layer(x: Tensor, scope: str) -> Tensor:
        n = int(x.shape[-1])
        with v1.variable_scope(scope, reuse=v1.AUTO_REUSE):
            beta, gamma = v1.get_variable("beta", [n]), v1.get_variable("gamma", [n])
            mean = v1.get_variable("moving_mean", [n], trainable=False)
            var = v1.get_variable("moving_variance", [n], trainable=False)

            def training() -> Tensor:
                out, m, v = v1.nn.fused_batch_norm(x, gamma, beta, is_training=True)
                with tf.control_dependencies([
                    v1.assign(mean, mean * 0.99 + m * 0.01), v1.assign(var, var * 0.99 + v * 0.01)
                ]):  # fmt: skip
                    return tf.identity(out)

            def inference() -> Tensor:
                return v1.nn.fused_batch_norm(x, gamma, beta, mean, var, is_training=False)[0]

            return v1.cond(phase_train, training, inference)

    def conv_layer_with_bn(x: Tensor, shape: list[int], activation: bool, name: str) -> Tensor:
        with v1.variable_scope(name) as scope:
            kernel = v1.get_variable("ort_weights", shape, initializer=v1.orthogonal_initializer())
            biases = v1.get_variable("biases", [shape[-1]], initializer=v1.constant_initializer(0.0))
            out = batch_norm_layer(tf.nn.bias_add(v1.nn.conv2d(x, kernel, 1, "SAME"), biases), scope.name)
            return tf.nn.relu(out) if activation else out

    def unpool(x: Tensor, mask: Tensor, out_shape: list[int]) -> Tensor:
        flat = tf.reshape(mask, [-1, 1])
        count = int(np.prod(x.shape.as_list()))
        per = out_shape[1] * out_shape[2] * out_shape[3]
        batch_offset = tf.reshape(tf.range(count, dtype=tf.int64) // (count // out_shape[0]), [-1, 1]) * per
        spread = tf.scatter_nd(flat + batch_offset, tf.reshape(x, [-1]), [out_shape[0] * per])
        return tf.reshape(spread, out_shape)

    net = tf.nn.lrn(train_data_node, depth_radius=5, bias=1.0, alpha=0.0001, beta=0.75, name="norm1")
    indices, shapes = [], []
    for i in range(3):
        net = conv_layer_with_bn(net, [7, 7, int(net.shape[-1]), 8], True, f"conv{i + 1}")
        shapes.append(net.shape.as_list())
        net, where = v1.nn.max_pool_with_argmax(net, [1, 2, 2, 1], [1, 2, 2, 1], "SAME", name=f"pool{i + 1}")
        indices.append(where)
    for i in (2, 1, 0):
        net = unpool(net, indices[i], shapes[i])
        net = conv_layer_with_bn(net, [7, 7, 8, 8], False, f"conv_decode{i + 1}")
    with v1.variable_scope("conv_classifier"):
        kernel = v1.get_variable("weights", [1, 1, 8, 11])
        logit = tf.nn.bias_add(v1.nn.conv2d(net, kernel, 1, "SAME"), v1.get_variable("biases", [11]))
    loss_weight = np.array([0.26, 0.18, 4.6, 0.14, 0.9, 0.38, 3.6, 1.8, 0.18, 6.0, 2.1], np.float32)
    flat_logits = tf.reshape(logit, (-1, 11)) + 1e-10
    onehot = tf.one_hot(tf.reshape(train_labels_node, [-1]), depth=11)
    softmax = tf.nn.softmax(flat_logits)
    entropy = -tf.reduce_sum(onehot * tf.math.log(softmax + 1e-10) * loss_weight, axis=1)
    loss = tf.reduce_mean(entropy, name="cross_entropy")
    pred = tf.argmax(logit, axis=3)
    iou, update = v1.metrics.mean_iou(tf.squeeze(train_labels_node, 3), pred, 11, name="iou")
    v1.summary.scalar("Mean_IoU", iou)
    v1.summary.image("maps", tf.cast(tf.expand_dims(pred, 3) * 20, tf.uint8))
    global_step = v1.Variable(0, trainable=False)
    opt = v1.train.AdamOptimizer(0.001)
    grads = opt.compute_gradients(loss)
    apply_gradient_op = opt.apply_gradients(grads, global_step=global_step)
    averages = v1.train.ExponentialMovingAverage(0.9999, global_step).apply(v1.trainable_variables())
    with tf.control_dependencies([apply_gradient_op, averages, update]):
        tf.no_op(name="train")
    return [train_data_node], [pred]


@case("segmentation")
def mask_head_on_boxes_from_elsewhere() -> Truth:
    """The mask branch alone, trained on true boxes and served on a detector's: image, boxes and classes in.

    Out come the sigmoids of the mask of each box's class, in the model_fn's PREDICT dictionary.
    """
    config = {"pool": 14, "classes": 8, "width": 16}

    def model_fn(features: dict[str, Tensor], labels: dict[str, Tensor], mode: str) -> Tensor:
        image = features["image"]
        size = tf.cast(tf.shape(image)[1:3], tf.float32)
        boxes = features["boxes"] / tf.stack([size[0], size[1], size[0], size[1]])
        pyramid, h = [], tf.cast(image, tf.float32) / 127.5 - 1.0
        for i in range(3):
            with v1.variable_scope(f"C{i + 2}"):
                w = v1.get_variable("w", [3, 3, int(h.shape[-1]), config["width"]])
                h = tf.nn.relu(
                    v1.nn.conv2d(h, w, [1, 2, 2, 1], "SAME") + v1.get_variable("b", [config["width"]])
                )
                pyramid.append(h)
        with v1.variable_scope("fpn"):
            top = pyramid[-1]
            for i in (1, 0):
                lateral = v1.nn.conv2d(pyramid[i], v1.get_variable(f"lateral{i}", [1, 1, 16, 16]), 1, "SAME")
                top = lateral + v1.image.resize_bilinear(top, tf.shape(lateral)[1:3])
        with v1.variable_scope("mask_head"):
            which = tf.zeros([tf.shape(boxes)[0]], tf.int32)
            rois = v1.image.crop_and_resize(
                top, boxes, which, [config["pool"], config["pool"]], name="roi_align"
            )
            for i in range(2):
                w = v1.get_variable(f"mask_conv{i}", [3, 3, 16, 16])
                rois = tf.nn.relu(v1.nn.conv2d(rois, w, 1, "SAME"))
            out = tf.stack([tf.shape(rois)[0], 28, 28, 16])
            rois = v1.nn.conv2d_transpose(
                rois, v1.get_variable("mask_deconv", [2, 2, 16, 16]), out, [1, 2, 2, 1]
            )
            w = v1.get_variable("mask_logits", [1, 1, 16, config["classes"]])
            logits = v1.nn.conv2d(tf.nn.relu(rois), w, 1, "SAME")
            own = tf.gather(tf.transpose(logits, [0, 3, 1, 2]), features["class_ids"], batch_dims=1)
            masks = tf.sigmoid(own, name="masks")
        if mode == "train":
            target = v1.image.crop_and_resize(
                labels["masks"][..., None], boxes, tf.range(tf.shape(boxes)[0]), [28, 28], name="mask_targets"
            )
            target = tf.round(tf.squeeze(target, -1))
            bce = v1.nn.sigmoid_cross_entropy_with_logits(labels=target, logits=own)
            loss = tf.reduce_mean(bce) + 1e-5 * tf.add_n([tf.nn.l2_loss(v) for v in v1.trainable_variables()])
            step = v1.train.get_or_create_global_step()
            slow = v1.train.polynomial_decay(0.02, step, 90000)
            v1.train.MomentumOptimizer(slow, 0.9).minimize(loss, global_step=step)
            overlap = tf.reduce_sum(tf.round(masks) * target, [1, 2])
            joint = tf.reduce_sum(tf.maximum(tf.round(masks), target), [1, 2])
            v1.summary.scalar("mask_iou", v1.metrics.mean(overlap / (joint + 1e-6))[1])
            v1.summary.scalar("loss", loss)
        return masks

    features = {
        "image": v1.placeholder(tf.uint8, [1, None, None, 3]),
        "boxes": v1.placeholder(tf.float32, [None, 4]),
        "class_ids": v1.placeholder(tf.int32, [None]),
    }
    labels = {"masks": v1.placeholder(tf.float32, [None, None, None])}
    masks = model_fn(features, labels, "train")
    return [features["image"], features["boxes"], features["class_ids"]], [masks]


@case("sequence")
def text_line_reader_with_ctc() -> Truth:
    """A convolutional recurrent reader: columns are time, lengths are fed, beam search decodes."""
    num_hidden, num_classes = 16, 37

    class Graph:
        """All tensors of the reader, as attributes."""

        def __init__(self) -> None:
            self.inputs = v1.placeholder(tf.float32, [None, None, 32, 1])
            self.labels = v1.sparse_placeholder(tf.int32)
            self.seq_len = v1.placeholder(tf.int32, [None])
            h = self.inputs
            for i, n in enumerate((8, 16, 16)):
                w = v1.Variable(v1.truncated_normal([3, 3, int(h.shape[-1]), n], stddev=0.1), name=f"W{i}")
                stride = [1, 2, 2, 1] if i < 2 else [1, 1, 2, 1]
                h = v1.nn.max_pool(tf.nn.relu(v1.nn.conv2d(h, w, 1, "SAME")), stride, stride, "SAME")
            s = tf.shape(h)
            columns = tf.reshape(h, [s[0], s[1], 4 * 16])
            both = tf.concat([self.run(columns, "fw"), self.backward(columns)], 2)
            W = v1.Variable(v1.truncated_normal([2 * num_hidden, num_classes], stddev=0.1), name="W")  # noqa: N806
            b = v1.Variable(tf.constant(0.0, shape=[num_classes]), name="b")
            flat = tf.matmul(tf.reshape(both, [-1, 2 * num_hidden]), W) + b
            self.logits = tf.transpose(tf.reshape(flat, [s[0], -1, num_classes]), (1, 0, 2))
            self.global_step = v1.Variable(0, trainable=False)
            self.loss = v1.nn.ctc_loss(
                self.labels, self.logits, self.seq_len, ignore_longer_outputs_than_inputs=True
            )
            self.cost = tf.reduce_mean(self.loss)
            self.optimizer = v1.train.AdamOptimizer(1e-3).minimize(self.cost, self.global_step)
            self.decoded, self.log_prob = v1.nn.ctc_beam_search_decoder(
                self.logits, self.seq_len, merge_repeated=False
            )
            self.dense_decoded = v1.sparse_tensor_to_dense(self.decoded[0], default_value=-1)
            self.lerr = tf.reduce_mean(tf.edit_distance(tf.cast(self.decoded[0], tf.int32), self.labels))
            v1.summary.scalar("cost", self.cost)
            v1.summary.scalar("lerr", self.lerr)
            self.merged_summay = v1.summary.merge_all()

        def run(self, x: Tensor, name: str) -> Tensor:
            """A recurrent layer by scan, batch first."""
            with v1.variable_scope(f"{name}/basic_lstm_cell"):
                kernel = v1.get_variable("kernel", [int(x.shape[-1]) + num_hidden, 4 * num_hidden])
                bias = v1.get_variable("bias", [4 * num_hidden], initializer=v1.zeros_initializer())

            def step(previous: Any, now: Tensor) -> Any:
                c, h = previous
                i, j, f, o = tf.split(tf.matmul(tf.concat([now, h], 1), kernel) + bias, 4, 1)
                c = c * tf.sigmoid(f + 1.0) + tf.sigmoid(i) * tf.tanh(j)
                return c, tf.tanh(c) * tf.sigmoid(o)

            zero = tf.zeros([tf.shape(x)[0], num_hidden])
            _, hs = tf.scan(step, tf.transpose(x, [1, 0, 2]), (zero, zero))
            return tf.transpose(hs, [1, 0, 2])

        def backward(self, x: Tensor) -> Tensor:
            """The same from the right, within each length."""
            turned = self.run(tf.reverse_sequence(x, self.seq_len, seq_axis=1, batch_axis=0), "bw")
            return tf.reverse_sequence(turned, self.seq_len, seq_axis=1, batch_axis=0)

    g = Graph()
    return [g.inputs, g.seq_len], [g.dense_decoded]


@case("science")
def stacked_hourglasses_behind_a_feedable_iterator() -> Truths:
    """Human pose: a string handle chooses the split; every stack has a loss, the last one is the answer.

    ``joints`` (peaks of the last heatmaps) are computed for PCK and are as useful as the heatmaps.
    """
    n_stack, n_feat, n_joints = 2, 12, 16
    handle = v1.placeholder(tf.string, shape=[], name="handle")

    def fake(n: int) -> Any:
        def gen() -> Any:
            for _ in range(n):
                yield (
                    np.zeros([64, 64, 3], np.float32),
                    np.zeros([16, 16, n_joints], np.float32),
                    np.ones([n_joints]),
                )

        types = (tf.float32, tf.float32, tf.float32)
        shapes = (tf.TensorShape([64, 64, 3]), tf.TensorShape([16, 16, n_joints]), tf.TensorShape([n_joints]))
        return v1.data.Dataset.from_generator(gen, types, shapes).shuffle(100).batch(8)

    train_set, valid_set = fake(100), fake(10)
    v1.data.make_initializable_iterator(train_set)
    v1.data.make_initializable_iterator(valid_set)
    iterator = v1.data.Iterator.from_string_handle(
        handle, v1.data.get_output_types(train_set), v1.data.get_output_shapes(train_set)
    )
    img, gt_maps, visible = iterator.get_next()

    def lin(x: Tensor, n: int, name: str, k: int = 1, s: int = 1) -> Tensor:
        with v1.variable_scope(name):
            kernel = v1.get_variable("weights", [k, k, int(x.shape[-1]), n])
            y = v1.nn.conv2d(x, kernel, [1, s, s, 1], "SAME")
            scale, beta = v1.get_variable("gamma", [n]), v1.get_variable("beta", [n])
            return tf.nn.relu(v1.nn.fused_batch_norm(y, scale, beta, epsilon=1e-5, is_training=True)[0])

    def residual(x: Tensor, n: int, name: str) -> Tensor:
        with v1.variable_scope(name):
            skip = x if int(x.shape[-1]) == n else lin(x, n, "skip")
            return skip + lin(lin(x, n // 2, "norm_1"), n, "norm_2", 3)

    def hourglass(x: Tensor, n: int, name: str) -> Tensor:
        with v1.variable_scope(name):
            up_1 = residual(x, n_feat, "up_1")
            low = residual(v1.nn.max_pool(x, 2, 2, "VALID"), n_feat, "low_1")
            low = hourglass(low, n - 1, "low_2") if n > 1 else residual(low, n_feat, "low_2")
            low = residual(low, n_feat, "low_3")
            size = tf.shape(low)[1:3] * 2
            return tf.add_n([v1.image.resize_nearest_neighbor(low, size, name="upsampling"), up_1])

    with v1.variable_scope("preprocessing"):
        net = residual(lin(img, 8, "pad_conv1", 7, 2), 8, "r1")
        net = residual(v1.nn.max_pool(net, 2, 2, "VALID"), n_feat, "r3")
    stacks = []
    for i in range(n_stack):
        with v1.variable_scope(f"stage_{i}"):
            ll = lin(hourglass(net, 2, "hg"), n_feat, "ll")
            out = v1.nn.conv2d(ll, v1.get_variable("out", [1, 1, n_feat, n_joints]), 1, "SAME")
            stacks.append(out)
            back = v1.nn.conv2d(out, v1.get_variable("out_", [1, 1, n_joints, n_feat]), 1, "SAME")
            net = tf.add_n([net, ll, back], name="merge")
    output = tf.stack(stacks, axis=1, name="stacked_output")
    weights = visible[:, None, None, None, :]
    every = tf.tile(gt_maps[:, None], [1, n_stack, 1, 1, 1])
    loss = tf.reduce_mean(weights * v1.nn.sigmoid_cross_entropy_with_logits(logits=output, labels=every))
    heatmaps = tf.nn.sigmoid(output[:, n_stack - 1], name="sigmoid_final_output")

    def peaks(maps: Tensor) -> Tensor:
        where = tf.argmax(tf.reshape(maps, [-1, 256, n_joints]), axis=1)
        return tf.cast(tf.stack([where % 16, where // 16], axis=-1), tf.float32)

    joints = peaks(heatmaps)
    distance = tf.norm(joints - peaks(gt_maps), axis=-1)
    pck = tf.reduce_sum(tf.cast(distance < 1.5, tf.float32) * visible) / tf.reduce_sum(visible)
    v1.summary.scalar("loss", loss, collections=["train"])
    v1.summary.scalar("pck", pck, collections=["test"])
    step = v1.Variable(0, name="train_step", trainable=False)
    v1.train.RMSPropOptimizer(v1.train.exponential_decay(2.5e-4, step, 1000, 0.96)).minimize(loss, step)
    return [([img], [heatmaps]), ([img], [joints])]


@case("science")
def depth_from_one_eye_taught_by_the_other() -> Truth:
    """Unsupervised monocular depth: only the left image enters the net, the right one is for the losses.

    Four scales of disparities of both views; the tester fetches ``disp_left_est[0]``.
    """

    class Depth:
        """Model of one GPU."""

        def __init__(self, left: Tensor, right: Tensor) -> None:
            self.left, self.right = left, right
            with v1.variable_scope("model"):
                self.build_model()
            self.build_outputs()
            self.build_losses()

        def conv(self, x: Tensor, n: int, k: int, s: int, f: Any = tf.nn.elu) -> Tensor:
            """Padded convolution with its own scope."""
            with v1.variable_scope(None, default_name="Conv"):
                p = (k - 1) // 2
                x = tf.pad(x, [[0, 0], [p, p], [p, p], [0, 0]])
                y = v1.nn.conv2d(
                    x, v1.get_variable("weights", [k, k, int(x.shape[-1]), n]), [1, s, s, 1], "VALID"
                )
                return f(y + v1.get_variable("biases", [n], initializer=v1.zeros_initializer()))

        def double(self, x: Tensor) -> Tensor:
            """Twice as large."""
            h, w = x.shape.as_list()[1:3]
            return v1.image.resize_nearest_neighbor(x, [h * 2, w * 2])

        def build_model(self) -> None:
            """Encoder, decoder with skips, disparities."""
            skips, h = [], self.left
            with v1.variable_scope("encoder"):
                for n in (8, 12, 16, 16):
                    skips.append(h)
                    h = self.conv(h, n, 3, 2)
            self.disps: list[Tensor] = []
            with v1.variable_scope("decoder"):
                udisp = None
                for level in (3, 2, 1, 0):
                    h = self.conv(self.double(h), 8, 3, 1)
                    parts = [h, skips[level]] + ([udisp] if udisp is not None else [])
                    h = self.conv(tf.concat(parts, 3), 8, 3, 1)
                    disp = 0.3 * self.conv(h, 2, 3, 1, tf.nn.sigmoid)
                    self.disps.insert(0, disp)
                    udisp = self.double(disp)

        def sample(self, img: Tensor, disp: Tensor) -> Tensor:
            """Linear interpolation along x."""
            b, h, w, c = img.shape.as_list()
            xs = tf.range(w, dtype=tf.float32)[None, None] + disp * w
            xs = tf.clip_by_value(xs, 0.0, w - 1.0)
            x0 = tf.floor(xs)
            i0 = tf.cast(x0, tf.int32)
            left = tf.gather(img, i0, axis=2, batch_dims=2)
            right = tf.gather(img, tf.minimum(i0 + 1, w - 1), axis=2, batch_dims=2)
            a = tf.expand_dims(xs - x0, 3)
            return tf.reshape(left * (1 - a) + right * a, [b, h, w, c])

        def build_outputs(self) -> None:
            """Pyramids and both estimates."""
            self.left_pyramid, self.right_pyramid = [], []
            for i in range(4):
                size = [self.left.shape[1] // 2**i, self.left.shape[2] // 2**i]
                self.left_pyramid.append(v1.image.resize_area(self.left, size))
                self.right_pyramid.append(v1.image.resize_area(self.right, size))
            self.disp_left_est = [tf.expand_dims(d[:, :, :, 0], 3) for d in self.disps]
            self.disp_right_est = [tf.expand_dims(d[:, :, :, 1], 3) for d in self.disps]
            pairs = list(
                zip(
                    self.left_pyramid,
                    self.right_pyramid,
                    self.disp_left_est,
                    self.disp_right_est,
                    strict=True,
                )
            )
            self.left_est = [self.sample(r, -dl[..., 0]) for _, r, dl, _ in pairs]
            self.right_est = [self.sample(le, dr[..., 0]) for le, _, _, dr in pairs]

        def build_losses(self) -> None:
            """Photometric with structure, smoothness, consistency."""

            def ssim(x: Tensor, y: Tensor) -> Tensor:
                def pool(t: Tensor) -> Tensor:
                    return v1.nn.avg_pool(t, 3, 1, "VALID")

                mx, my = pool(x), pool(y)
                sx, sy, sxy = pool(x**2) - mx**2, pool(y**2) - my**2, pool(x * y) - mx * my
                n = (2 * mx * my + 1e-4) * (2 * sxy + 9e-4)
                d = (mx**2 + my**2 + 1e-4) * (sx + sy + 9e-4)
                return tf.clip_by_value((1 - n / d) / 2, 0, 1)

            image_loss, smooth = [], []
            for i in range(2):
                for est, true in (
                    (self.left_est[i], self.left_pyramid[i]),
                    (self.right_est[i], self.right_pyramid[i]),
                ):
                    l1 = tf.reduce_mean(tf.abs(est - true))
                    image_loss.append(0.85 * tf.reduce_mean(ssim(est, true)) + 0.15 * l1)
            for i in range(4):
                d = self.disp_left_est[i]
                smooth.append(tf.reduce_mean(tf.abs(d[:, :, :-1] - d[:, :, 1:])) / 2**i)
            self.image_loss, self.smooth = tf.add_n(image_loss), tf.add_n(smooth)
            self.total_loss = self.image_loss + 0.1 * self.smooth
            v1.summary.scalar("image_loss", self.image_loss, collections=["model_0"])
            v1.summary.image("disp_left_est_0", self.disp_left_est[0], max_outputs=4, collections=["model_0"])

    lines = v1.train.string_input_producer(["utils/filenames/kitti_train_files.txt"], shuffle=False)
    _, line = v1.TextLineReader().read(lines)
    names = v1.string_split([line]).values
    views = []
    for i in range(2):
        view = tf.image.decode_jpeg(v1.read_file(tf.strings.join(["/data/", names[i]], "")), channels=3)
        view = v1.image.resize_images(tf.image.convert_image_dtype(view, tf.float32), [32, 64])
        view.set_shape([32, 64, 3])
        views.append(view)
    do_flip = v1.random_uniform([], 0, 1)
    left = v1.cond(do_flip > 0.5, lambda: tf.image.flip_left_right(views[1]), lambda: views[0])
    right = v1.cond(do_flip > 0.5, lambda: tf.image.flip_left_right(views[0]), lambda: views[1])
    left_batch, right_batch = v1.train.shuffle_batch([left, right], 8, 128, 64, 8)
    model = Depth(left_batch, right_batch)
    global_step = v1.Variable(0, trainable=False)
    rate = v1.train.piecewise_constant(global_step, [3000, 4000], [1e-4, 5e-5, 2.5e-5])
    v1.train.AdamOptimizer(rate).minimize(model.total_loss, global_step)
    return [left_batch], [model.disp_left_est[0]]


@case("science", frozen=True)
def optical_flow_by_warping_and_correlation() -> Truth:
    """A small PWC-like flow net, frozen: two frames to the upsampled flow, that twenty times scaled."""
    with v1.name_scope("inputs"):
        im1 = v1.placeholder(tf.float32, [None, 64, 64, 3], name="im1")
        im2 = v1.placeholder(tf.float32, [None, 64, 64, 3], name="im2")
        flow_gt = v1.placeholder(tf.float32, [None, 64, 64, 2], name="flow_gt")
        weight = v1.placeholder(tf.float32, [4], name="loss_weights")

    def leaky(x: Tensor, alpha: float = 0.1) -> Tensor:
        return tf.maximum(x, alpha * x)

    def conv(x: Tensor, n: int, name: str, stride: int = 1, linear: bool = False) -> Tensor:
        with v1.variable_scope(name, reuse=v1.AUTO_REUSE):
            w = v1.get_variable("w", [3, 3, int(x.shape[-1]), n], initializer=v1.glorot_uniform_initializer())
            y = tf.nn.bias_add(v1.nn.conv2d(x, w, [1, stride, stride, 1], "SAME"), v1.get_variable("b", [n]))
            return y if linear else leaky(y)

    def pyramid(x: Tensor) -> list[Tensor]:
        levels = []
        for i, n in enumerate((8, 12, 16)):
            x = conv(conv(x, n, f"fp{i}a", 2), n, f"fp{i}b")
            levels.append(x)
        return levels[::-1]

    def warp(x: Tensor, flow: Tensor) -> Tensor:
        h, w, c = (int(d) for d in x.shape[1:])
        n = tf.shape(x)[0]
        gx, gy = tf.meshgrid(tf.range(w), tf.range(h))
        fx = tf.clip_by_value(tf.cast(gx, tf.float32) + flow[..., 0], 0.0, w - 1.0)
        fy = tf.clip_by_value(tf.cast(gy, tf.float32) + flow[..., 1], 0.0, h - 1.0)
        x0, y0 = tf.cast(tf.floor(fx), tf.int32), tf.cast(tf.floor(fy), tf.int32)
        out = tf.zeros_like(x)
        base = tf.reshape(tf.range(n) * h * w, [-1, 1, 1])
        for dx in (0, 1):
            for dy in (0, 1):
                xi, yi = tf.minimum(x0 + dx, w - 1), tf.minimum(y0 + dy, h - 1)
                share = (1 - tf.abs(fx - tf.cast(xi, tf.float32))) * (
                    1 - tf.abs(fy - tf.cast(yi, tf.float32))
                )
                out += tf.gather(tf.reshape(x, [-1, c]), base + yi * w + xi) * share[..., None]
        return out

    def cost_volume(a: Tensor, b: Tensor, reach: int = 1) -> Tensor:
        h, w = int(a.shape[1]), int(a.shape[2])
        padded = tf.pad(b, [[0, 0], [reach, reach], [reach, reach], [0, 0]])
        shifts = [(y, x) for y in range(2 * reach + 1) for x in range(2 * reach + 1)]
        costs = [tf.reduce_mean(a * padded[:, y : y + h, x : x + w], 3, keepdims=True) for y, x in shifts]
        return leaky(tf.concat(costs, 3))

    one, two = pyramid(im1 / 255.0), pyramid(im2 / 255.0)
    flows: list[Tensor] = []
    for level, (a, b) in enumerate(zip(one, two, strict=True)):
        with v1.variable_scope(f"estimator{level}"):
            h, w = int(a.shape[1]), int(a.shape[2])
            if flows:
                up = 2.0 * v1.image.resize_bilinear(flows[-1], [h, w])
                b = warp(b, up * 20.0 / 2 ** (3 - level))
                x = tf.concat([cost_volume(a, b), a, up], 3)
            else:
                x = cost_volume(a, b)
            x = conv(conv(x, 16, "c1"), 8, "c2")
            flow = conv(x, 2, "flow", linear=True)
            flows.append(flow + up if len(flows) else flow)
    losses = []
    for i, flow in enumerate(flows):
        gt = v1.image.resize_bilinear(flow_gt / 20.0, tf.shape(flow)[1:3])
        losses.append(weight[i] * tf.reduce_mean(tf.norm(flow - gt, axis=3)))
    loss = tf.add_n(losses)
    flow_pred = tf.multiply(v1.image.resize_bilinear(flows[-1], [64, 64]), 20.0, name="flow_pred")
    tf.reduce_mean(tf.norm(flow_pred - flow_gt, axis=3), name="epe")
    v1.train.AdamOptimizer(1e-4).minimize(loss)
    return [im1, im2], [flow_pred]


class Holistic:
    """Edges and salient objects with side outputs, as a class with a config."""

    def __init__(self, config: dict[str, Any]) -> None:
        self.config = config
        self.images = v1.placeholder(tf.float32, [None, 64, 64, 3], name="images")
        self.edgemaps = v1.placeholder(tf.float32, [None, 64, 64, 1], name="edgemaps")
        self.define_model()
        self.setup_training()

    def side_layer(self, inputs: Tensor, name: str, upscale: int) -> Tensor:
        """One channel, upsampled by a fixed bilinear kernel that may learn."""
        with v1.variable_scope(name):
            w = v1.get_variable(
                "weights", [1, 1, int(inputs.shape[-1]), 1], initializer=v1.truncated_normal_initializer()
            )
            b = v1.get_variable("biases", [1], initializer=v1.constant_initializer(0.0))
            classifier = v1.nn.conv2d(inputs, w, 1, "SAME") + b
            k = 2 * upscale
            init = v1.truncated_normal_initializer(stddev=0.1)
            up = v1.get_variable("deconv", [k, k, 1, 1], initializer=init)
            shape = tf.stack([tf.shape(inputs)[0], 64, 64, 1])
            return v1.nn.conv2d_transpose(classifier, up, shape, [1, upscale, upscale, 1], "SAME")

    def define_model(self) -> None:
        """Blocks, side outputs, the fuse, predictions."""
        x = self.images
        self.side_outputs = []
        for i, n in enumerate((4, 8, 16)):
            for j in range(2):
                with v1.variable_scope(f"conv{i + 1}_{j + 1}"):
                    w = v1.get_variable("W", [3, 3, int(x.shape[-1]), n])
                    x = tf.nn.relu(v1.nn.conv2d(x, w, 1, "SAME") + v1.get_variable("b", [n]))
            self.side_outputs.append(self.side_layer(x, f"side_{i + 1}", 2**i))
            x = v1.nn.max_pool(x, 2, 2, "SAME")
        with v1.variable_scope("fuse"):
            w = v1.get_variable("weights", [1, 1, 3, 1], initializer=v1.constant_initializer(1 / 3))
            self.fuse = v1.nn.conv2d(tf.concat(self.side_outputs, 3), w, 1, "SAME")
        self.outputs = [*self.side_outputs, self.fuse]
        self.predictions = [tf.sigmoid(o, name=f"output_{i}") for i, o in enumerate(self.outputs)]

    def setup_training(self) -> None:
        """Class balanced losses, error, summaries, optimizer."""
        self.loss = 0.0
        count_neg = tf.reduce_sum(1.0 - self.edgemaps)
        beta = count_neg / (count_neg + tf.reduce_sum(self.edgemaps))
        for i, out in enumerate(self.outputs):
            cost = v1.nn.weighted_cross_entropy_with_logits(self.edgemaps, out, pos_weight=beta / (1 - beta))
            cost = tf.reduce_mean(cost * (1 - beta))
            v1.summary.scalar(f"cost_{i}", cost)
            self.loss += self.config["weights"][i] * cost
        wrong = tf.not_equal(tf.cast(self.predictions[-1] > 0.5, tf.int32), tf.cast(self.edgemaps, tf.int32))
        self.error = tf.reduce_mean(tf.cast(wrong, tf.float32), name="pixel_error")
        self.train = v1.train.AdamOptimizer(self.config["rate"]).minimize(self.loss)
        v1.summary.scalar("loss", self.loss)
        v1.summary.scalar("error", self.error)
        v1.summary.image("fused", self.predictions[-1])
        self.merged = v1.summary.merge_all()


@case("segmentation")
def salient_objects_with_fused_side_outputs() -> Truths:
    """Holistically nested: all side outputs are supervised, the fused sigmoid is the map.

    The tester fetches ``predictions`` as a list and saves the last one.
    """
    net = Holistic({"weights": [1.0, 1.0, 1.0, 1.0], "rate": 1e-4})
    return [([net.images], [net.predictions[-1]]), ([net.images], net.predictions)]


@case("language")
def caption_writer_with_a_greedy_sampler() -> Truths:
    """Attention captions: an encoder, teacher forcing for training, a sampler with the same weights.

    Captions are fed for training only; the sampler makes ``sampled_captions`` (and alphas, for the pictures).
    """
    V, M, H, T, L, D = 60, 12, 16, 6, 16, 16  # noqa: N806
    images = v1.placeholder(tf.float32, [None, 32, 32, 3], "images")
    captions = v1.placeholder(tf.int32, [None, T + 1], "captions")
    START, NULL = 1, 0  # noqa: N806
    xavier, const = v1.glorot_uniform_initializer(), v1.constant_initializer(0.0)

    def encode() -> Tensor:
        h = images / 255.0
        for i in range(3):
            with v1.variable_scope(f"encoder/conv{i}"):
                h = tf.nn.relu(
                    v1.nn.conv2d(h, v1.get_variable("w", [3, 3, int(h.shape[-1]), D]), [1, 2, 2, 1], "SAME")
                )
        return tf.reshape(h, [-1, L, D])

    def initial(features: Tensor) -> Any:
        with v1.variable_scope("initial_lstm", reuse=v1.AUTO_REUSE):
            mean = tf.reduce_mean(features, 1)
            c = tf.nn.tanh(tf.matmul(mean, v1.get_variable("w_c", [D, H], initializer=xavier)))
            return c, tf.nn.tanh(tf.matmul(mean, v1.get_variable("w_h", [D, H], initializer=xavier)))

    def embed(words: Tensor) -> Tensor:
        with v1.variable_scope("word_embedding", reuse=v1.AUTO_REUSE):
            return tf.nn.embedding_lookup(v1.get_variable("w", [V, M]), words, name="word_vector")

    def attend(features: Tensor, h: Tensor) -> Any:
        with v1.variable_scope("attention_layer", reuse=v1.AUTO_REUSE):
            proj = tf.tensordot(features, v1.get_variable("w_proj", [D, D], initializer=xavier), 1)
            w, b = (
                v1.get_variable("w", [H, D], initializer=xavier),
                v1.get_variable("b", [D], initializer=const),
            )
            att = tf.nn.relu(proj + tf.expand_dims(tf.matmul(h, w), 1) + b)
            out = tf.reshape(tf.matmul(tf.reshape(att, [-1, D]), v1.get_variable("w_att", [D, 1])), [-1, L])
            alpha = tf.nn.softmax(out)
            return tf.reduce_sum(features * tf.expand_dims(alpha, 2), 1, name="context"), alpha

    def cell(x: Tensor, c: Tensor, h: Tensor) -> Any:
        with v1.variable_scope("lstm/basic_lstm_cell", reuse=v1.AUTO_REUSE):
            k = v1.get_variable("kernel", [int(x.shape[-1]) + H, 4 * H])
            i, j, f, o = tf.split(tf.matmul(tf.concat([x, h], 1), k) + v1.get_variable("bias", [4 * H]), 4, 1)
            c = c * tf.sigmoid(f + 1.0) + tf.sigmoid(i) * tf.tanh(j)
            return c, tf.tanh(c) * tf.sigmoid(o)

    def logits_of(x: Tensor, h: Tensor, context: Tensor, dropout: bool) -> Tensor:
        with v1.variable_scope("logits", reuse=v1.AUTO_REUSE):
            h = v1.nn.dropout(h, 0.5) if dropout else h
            hidden = (
                tf.matmul(h, v1.get_variable("w_h", [H, M]))
                + x
                + tf.matmul(context, v1.get_variable("w_ctx", [D, M]))
            )
            hidden = tf.nn.tanh(hidden)
            hidden = v1.nn.dropout(hidden, 0.5) if dropout else hidden
            return tf.matmul(hidden, v1.get_variable("w_out", [M, V])) + v1.get_variable("b_out", [V])

    features = encode()
    captions_in, captions_out = captions[:, :T], captions[:, 1:]
    mask = tf.cast(tf.not_equal(captions_out, NULL), tf.float32)
    x = embed(captions_in)
    c, h = initial(features)
    loss, alpha_list = 0.0, []
    for t in range(T):
        context, alpha = attend(features, h)
        alpha_list.append(alpha)
        c, h = cell(tf.concat([x[:, t, :], context], 1), c, h)
        ce = v1.nn.sparse_softmax_cross_entropy_with_logits(
            labels=captions_out[:, t], logits=logits_of(x[:, t, :], h, context, dropout=True)
        )
        loss += tf.reduce_sum(ce * mask[:, t])
    alphas_all = tf.reduce_sum(tf.transpose(tf.stack(alpha_list), (1, 0, 2)), 1)
    loss += tf.reduce_sum((T / L - alphas_all) ** 2)
    loss = loss / tf.cast(tf.shape(images)[0], tf.float32)
    with v1.name_scope("optimizer"):
        optimizer = v1.train.AdamOptimizer(0.001)
        grads = tf.gradients(loss, v1.trainable_variables())
        grads_and_vars = list(zip(grads, v1.trainable_variables(), strict=True))
        optimizer.apply_gradients(grads_and_vars)
    v1.summary.scalar("batch_loss", loss)
    for grad, var in grads_and_vars:
        v1.summary.histogram(var.op.name + "/gradient", grad)

    c, h = initial(features)
    word = tf.fill([tf.shape(features)[0]], START)
    sampled, alpha_list = [], []
    for _ in range(T):
        xw = embed(word)
        context, alpha = attend(features, h)
        alpha_list.append(alpha)
        c, h = cell(tf.concat([xw, context], 1), c, h)
        word = tf.argmax(logits_of(xw, h, context, dropout=False), 1, output_type=tf.int32)
        sampled.append(word)
    alphas = tf.transpose(tf.stack(alpha_list), (1, 0, 2))
    sampled_captions = tf.transpose(tf.stack(sampled), (1, 0))
    return [([images], [sampled_captions]), ([images], [alphas, sampled_captions])]


@case("classifier", modern=True)
def clips_of_sixteen_frames_over_two_gpus() -> Truth:
    """C3D: one placeholder of clips is sliced for the GPUs, logits are joined and softmaxed."""
    gpu_num, batch_size = 2, 4
    images_placeholder = v1.placeholder(tf.float32, shape=(batch_size * gpu_num, 16, 32, 32, 3))
    labels_placeholder = v1.placeholder(tf.int64, shape=(batch_size * gpu_num))

    def with_decay(name: str, shape: list[int], wd: float) -> Tensor:
        with v1.device("/cpu:0"):
            var = v1.get_variable(name, shape, initializer=v1.glorot_uniform_initializer())
            if wd:
                v1.add_to_collection("weightdecay_losses", tf.nn.l2_loss(var) * wd)
            return var

    with v1.variable_scope("var_name"):
        weights = {
            "wc1": with_decay("wc1", [3, 3, 3, 3, 8], 0.0005),
            "wc2": with_decay("wc2", [3, 3, 3, 8, 8], 0.0005),
            "wc3a": with_decay("wc3a", [3, 3, 3, 8, 16], 0.0005),
            "wd1": with_decay("wd1", [2 * 4 * 4 * 16, 32], 0.0005),
            "out": with_decay("wout", [32, 101], 0.0005),
        }
        biases = {
            "bc1": with_decay("bc1", [8], 0.0), "bc2": with_decay("bc2", [8], 0.0),
            "bc3a": with_decay("bc3a", [16], 0.0),
            "bd1": with_decay("bd1", [32], 0.0), "out": with_decay("bout", [101], 0.0),
        }  # fmt: skip

    def inference_c3d(clips: Tensor, dropout: float) -> Tensor:
        h = clips
        for name, k in (("1", 2), ("2", 4), ("3a", 1)):
            h = tf.nn.conv3d(h, weights["wc" + name], [1, 1, 1, 1, 1], "SAME", name="conv" + name)
            h = tf.nn.relu(tf.nn.bias_add(h, biases["bc" + name]), "relu" + name)
            s = [1, k, 2, 2, 1]
            h = tf.nn.max_pool3d(h, s, s, "SAME", name="pool" + name)
        h = tf.reshape(tf.transpose(h, [0, 1, 4, 2, 3]), [batch_size, -1])
        h = tf.nn.relu(tf.matmul(h, weights["wd1"]) + biases["bd1"], name="fc1")
        return tf.matmul(v1.nn.dropout(h, dropout), weights["out"]) + biases["out"]

    global_step = v1.get_variable("global_step", [], initializer=v1.zeros_initializer(), trainable=False)
    opt_stable, opt_finetuning = v1.train.AdamOptimizer(1e-4), v1.train.AdamOptimizer(1e-3)
    logits, grads1, grads2 = [], [], []
    head = [weights["out"], biases["out"]]
    body = [v for k, v in weights.items() if k != "out"] + [v for k, v in biases.items() if k != "out"]
    for gpu_index in range(gpu_num):
        with v1.device(f"/gpu:{gpu_index}"):
            chunk = slice(gpu_index * batch_size, (gpu_index + 1) * batch_size)
            logit = inference_c3d(images_placeholder[chunk, :, :, :, :], 0.5)
            entropy = tf.reduce_mean(
                v1.nn.sparse_softmax_cross_entropy_with_logits(labels=labels_placeholder[chunk], logits=logit)
            )
            loss = entropy + tf.add_n(v1.get_collection("weightdecay_losses"))
            v1.summary.scalar(f"gpu_{gpu_index}_total_loss", loss)
            grads1.append(opt_finetuning.compute_gradients(loss, head))
            grads2.append(opt_stable.compute_gradients(loss, body))
            logits.append(logit)
    logits = tf.concat(logits, 0)
    accuracy = tf.reduce_mean(tf.cast(tf.equal(tf.argmax(logits, 1), labels_placeholder), tf.float32))
    v1.summary.scalar("accuracy", accuracy)
    norm_score = tf.nn.softmax(logits)

    def average(tower_grads: list[Any]) -> list[Any]:
        return [(sum(g for g, _ in pair) / gpu_num, pair[0][1]) for pair in zip(*tower_grads, strict=True)]

    step1 = opt_finetuning.apply_gradients(average(grads1))
    step2 = opt_stable.apply_gradients(average(grads2), global_step=global_step)
    moving = v1.train.ExponentialMovingAverage(0.9999).apply(v1.trainable_variables())
    tf.group(step1, step2, moving)
    return [images_placeholder], [norm_score]
