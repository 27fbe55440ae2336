"""Nets whose answer is a picture: masks for each pixel, and pictures drawn anew."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from benchmarks.endpoints.cases import Truth, Truths, case
from benchmarks.endpoints.layers import batch_norm, conv, cross_entropy, deconv, pool, v1, weight

Tensor = Any


@case("segmentation")
def nuclei_soft_dice() -> Truth:
    """A small U-Net of a competition: sigmoid mask, soft dice, a running mean of the overlap."""
    images = v1.placeholder(tf.float32, [None, 32, 32, 3], name="X")
    y = v1.placeholder(tf.float32, [None, 32, 32, 1], name="y")
    mode = v1.placeholder(tf.bool, name="mode")

    def conv_conv(x: Tensor, f: int, name: str) -> Tensor:
        for i in (1, 2):
            x = tf.nn.relu(batch_norm(conv(x, f, 3, f"{name}_{i}", activation=None), f"{name}_{i}_bn", mode))
        v1.summary.histogram(name, x)
        return x

    c1 = conv_conv(images / 127.5 - 1, 4, "1")
    c2 = conv_conv(pool(c1), 8, "2")
    c3 = conv_conv(pool(c2), 8, "3")
    u4 = tf.ensure_shape(deconv(c3, 8, 2, "upsample_4"), [None, 16, 16, 8])
    c4 = conv_conv(tf.concat([u4, c2], -1), 8, "4")
    u5 = tf.ensure_shape(deconv(c4, 4, 2, "upsample_5"), [None, 32, 32, 4])
    c5 = conv_conv(tf.concat([u5, c1], -1), 4, "5")
    pred = conv(c5, 1, 1, "final", activation=tf.nn.sigmoid)
    v1.add_to_collection("inputs", images)
    v1.add_to_collection("outputs", pred)
    flat_pred, flat_true = tf.reshape(pred, [-1, 1024]), tf.reshape(y, [-1, 1024])
    both = 2 * tf.reduce_sum(flat_pred * flat_true, 1) + 1e-7
    dice = both / (tf.reduce_sum(flat_pred, 1) + tf.reduce_sum(flat_true, 1) + 1e-7)
    with tf.control_dependencies(v1.get_collection(v1.GraphKeys.UPDATE_OPS)):
        v1.train.AdamOptimizer().minimize(-tf.reduce_mean(dice), global_step=v1.train.create_global_step())
    mean_iou, _ = v1.metrics.mean_iou(tf.cast(y, tf.int32), tf.cast(pred > 0.5, tf.int32), 2)
    v1.summary.scalar("IOU", mean_iou)
    return [images], [pred]


@case("segmentation", frozen=True)
def street_scene_dilated() -> Truth:
    """Dilated branches over one picture of bytes, the largest class of each pixel; frozen for export."""
    image_tensor = v1.placeholder(tf.uint8, [1, None, None, 3], name="ImageTensor")
    image = tf.cast(image_tensor, tf.float32)
    size = tf.shape(image)[1:3]
    image = v1.image.resize_bilinear(image, [33, 33], align_corners=True) * (2.0 / 255.0) - 1.0
    h = conv(conv(image, 6, 3, "entry1", stride=2), 8, 3, "entry2", stride=2)
    branches = [conv(h, 4, 1, "aspp0")] + [conv(h, 4, 3, f"aspp{r}", dilation=r) for r in (2, 3)]
    overall = conv(tf.reduce_mean(h, [1, 2], keepdims=True), 4, 1, "image_pooling")
    branches.append(v1.image.resize_bilinear(overall, [9, 9], align_corners=True))
    h = conv(tf.concat(branches, 3), 8, 1, "concat_projection")
    logits = conv(h, 6, 1, "semantic", activation=None)
    logits = v1.image.resize_bilinear(logits, [33, 33], align_corners=True, name="ResizeBilinear_2")
    classes = tf.cast(tf.argmax(logits, 3), tf.int32)[..., tf.newaxis]
    resized = v1.image.resize_nearest_neighbor(classes, size)
    return [image_tensor], [tf.squeeze(resized, 3, name="SemanticPredictions")]


@case("segmentation")
def road_or_not() -> Truths:
    """A course's project: a VGG's layers are tapped, scores are flattened, softmax is added outside."""
    image_input = v1.placeholder(tf.float32, [None, 32, 64, 3], name="image_input")
    keep_prob = v1.placeholder(tf.float32, name="keep_prob")
    correct_label = v1.placeholder(tf.int32, [None, None, None, 2], name="correct_label")
    learning_rate = v1.placeholder(tf.float32, name="learning_rate")
    layer3_out = pool(conv(pool(conv(image_input, 4, 3, "conv1_1")), 6, 3, "conv2_1"), 4)
    layer4_out = pool(conv(layer3_out, 8, 3, "conv4_1"))
    layer7_out = v1.nn.dropout(conv(layer4_out, 12, 3, "fc6"), keep_prob=keep_prob)
    h = deconv(conv(layer7_out, 2, 1, "score7", activation=None), 2, 4, "up7", activation=None)
    h = tf.add(h, conv(layer3_out, 2, 1, "score3", activation=None))
    nn_last_layer = deconv(h, 2, 16, "up8", stride=8, activation=None)
    logits = tf.reshape(nn_last_layer, (-1, 2), name="logits")
    labels = tf.reshape(correct_label, (-1, 2))
    loss = cross_entropy(logits, labels)
    v1.train.AdamOptimizer(learning_rate).minimize(loss)
    return [([image_input], [logits]), ([image_input], [nn_last_layer])]


@case("segmentation")
def lanes_and_their_pixels() -> Truth:
    """Two decoders: which pixels are lane, and a vector for each that tells the lanes apart."""
    src = v1.placeholder(tf.float32, [1, 32, 64, 3], name="input_tensor")
    binary_label = v1.placeholder(tf.int64, [1, 32, 64, 1], name="binary_input_label")
    instance_label = v1.placeholder(tf.float32, [1, 32, 64, 1], name="instance_input_label")
    with v1.variable_scope("lanenet_model"):
        enc = pool(conv(pool(conv(src, 6, 3, "conv1")), 8, 3, "conv2"))
        with v1.variable_scope("binary"):
            b = deconv(deconv(enc, 6, 4, "d1"), 6, 4, "d2")
            b = conv(tf.ensure_shape(b, [1, 32, 64, 6]), 2, 1, "logits", activation=None)
        with v1.variable_scope("instance"):
            e = deconv(deconv(enc, 6, 4, "d1"), 6, 4, "d2")
            e = conv(tf.ensure_shape(e, [1, 32, 64, 6]), 4, 1, "pix_embedding", activation=None)
        binary_out = tf.argmax(tf.nn.softmax(b), axis=-1)
    share = tf.reduce_mean(tf.cast(binary_label, tf.float32))
    weights = tf.where(
        binary_label[..., 0] > 0, 1.0 / v1.log(share + 1.02) * tf.ones([1, 32, 64]), tf.ones([1, 32, 64])
    )
    binary_loss = v1.losses.sparse_softmax_cross_entropy(binary_label[..., 0], b, weights=weights)
    lane = tf.cast(tf.equal(instance_label, 1.0), tf.float32)
    centre = tf.reduce_sum(e * lane, [1, 2], keepdims=True) / (tf.reduce_sum(lane) + 1e-6)
    distance = tf.norm(e - centre + 1e-8, axis=3, keepdims=True)
    pull = tf.reduce_sum(lane * tf.square(tf.nn.relu(distance - 0.5))) / (tf.reduce_sum(lane) + 1e-6)
    decay = 1e-4 * tf.add_n([tf.nn.l2_loss(v) for v in v1.trainable_variables() if "bias" not in v.name])
    v1.train.MomentumOptimizer(5e-4, 0.9).minimize(binary_loss + pull + decay)
    return [src], [binary_out, e]


@case("segmentation")
def scans_in_three_dimensions() -> Truths:
    """A volume of four modalities; softmax volume and labels are both named."""
    images_placeholder = v1.placeholder(tf.float32, shape=(1, 8, 16, 16, 4), name="images_placeholder")
    labels_placeholder = v1.placeholder(tf.int32, shape=(1, 8, 16, 16, 1), name="labels_placeholder")

    def conv3(x: Tensor, f: int, name: str, stride: int = 1) -> Tensor:
        w = weight(name + "/w", [3, 3, 3, int(x.shape[-1]), f])
        return tf.nn.conv3d(x, w, [1, stride, stride, stride, 1], "SAME") + weight(name + "/b", [f])

    with v1.variable_scope("vnet"):
        a = tf.nn.relu(conv3(images_placeholder, 4, "input_layer"))
        b = tf.nn.relu(conv3(a, 8, "down", 2))
        b = b + tf.nn.relu(conv3(b, 8, "bottom"))
        up = tf.nn.conv3d_transpose(b, weight("up/w", [2, 2, 2, 4, 8]), [1, 8, 16, 16, 4], [1, 2, 2, 2, 1])
        logits = conv3(tf.concat([tf.nn.relu(up), a], -1), 3, "output_layer")
    with tf.name_scope("softmax"):
        softmax_op = tf.nn.softmax(logits, name="softmax")
    with tf.name_scope("predicted_label"):
        pred_op = tf.argmax(logits, axis=4, name="prediction")
    v1.summary.image("pred", tf.cast(pred_op[:, 4, :, :, None], tf.float32))
    one_hot = tf.one_hot(labels_placeholder[..., 0], depth=3)
    sorensen = (
        2
        * tf.reduce_sum(softmax_op * one_hot, [1, 2, 3])
        / (tf.reduce_sum(softmax_op, [1, 2, 3]) + tf.reduce_sum(one_hot, [1, 2, 3]) + 1e-5)
    )
    v1.summary.scalar("dice", tf.reduce_mean(sorensen))
    v1.train.AdamOptimizer(1e-3).minimize(1.0 - tf.reduce_mean(sorensen))
    return [
        ([images_placeholder], [softmax_op]),
        ([images_placeholder], [pred_op]),
        ([images_placeholder], [softmax_op, pred_op]),
    ]


@case("image to image")
def enhanced_residual_blocks() -> Truth:
    """Super resolution: the mean is taken off and put on again, depth to space, values cut to bytes."""
    x = inp = v1.placeholder(tf.float32, [None, 12, 12, 3])
    y = target = v1.placeholder(tf.float32, [None, 24, 24, 3])
    mean_x, mean_y = 127.0, 127.0
    x = conv(inp - mean_x, 8, 3, "conv", activation=None)
    first = x
    for i in range(2):
        x = x + 0.1 * conv(conv(x, 8, 3, f"res{i}a"), 8, 3, f"res{i}b", activation=None)
    x = conv(x, 8, 3, "conv_1", activation=None) + first
    output = conv(tf.nn.depth_to_space(conv(x, 12, 3, "conv_2"), 2), 3, 3, "conv_3", activation=None)
    out = tf.clip_by_value(output + mean_x, 0.0, 255.0)
    loss = tf.reduce_mean(v1.losses.absolute_difference(target - mean_y, output))
    mse = tf.reduce_mean(tf.math.squared_difference(y, out))
    psnr = 10 * v1.log(255.0**2 / mse) / v1.log(10.0)
    v1.summary.scalar("PSNR", psnr)
    v1.summary.image("output_image", tf.cast(out, tf.uint8))
    v1.train.AdamOptimizer().minimize(loss)
    return [inp], [out]


@case("image to image")
def colours_from_lightness() -> Truths:
    """The two colour planes come from the first; the three are joined for those who look."""
    with v1.variable_scope("colorize"):
        l_in = v1.placeholder(tf.float32, [None, 16, 16, 1], "L")
        ab_in = v1.placeholder(tf.float32, [None, 16, 16, 2], "ab")
        low = conv(conv(l_in / 50.0 - 1.0, 8, 3, "low1", stride=2), 8, 3, "low2", stride=2)
        overall = tf.reduce_mean(conv(low, 8, 3, "glob", stride=2), [1, 2], keepdims=True)
        fused = conv(tf.concat([low, tf.tile(overall, [1, 4, 4, 1])], 3), 8, 1, "fusion")
        up = v1.image.resize_nearest_neighbor(fused, [8, 8])
        up = v1.image.resize_nearest_neighbor(conv(up, 6, 3, "up1"), [16, 16])
        ab = tf.tanh(conv(up, 2, 3, "out", activation=None)) * 110.0
        lab = tf.concat([l_in, ab], axis=3, name="lab")
    loss = tf.reduce_mean(tf.math.squared_difference(ab / 110.0, ab_in / 110.0))
    v1.summary.scalar("mse", loss)
    v1.train.RMSPropOptimizer(1e-3).minimize(loss)
    return [([l_in], [lab]), ([l_in], [ab])]


@case("image to image")
def depth_from_one_eye() -> Truths:
    """Trained on pairs: each eye is drawn from the other; only the left picture is needed later."""
    left = v1.placeholder(tf.float32, [2, 16, 32, 3], "left")
    right = v1.placeholder(tf.float32, [2, 16, 32, 3], "right")
    with v1.variable_scope("model"):
        c1 = conv(left, 6, 7, "conv1", stride=2, activation=tf.nn.elu)
        c2 = conv(c1, 8, 5, "conv2", stride=2, activation=tf.nn.elu)
        u2 = conv(v1.image.resize_nearest_neighbor(c2, [8, 16]), 6, 3, "upconv2", activation=tf.nn.elu)
        disp2 = 0.3 * conv(tf.concat([u2, c1], 3), 2, 3, "disp2", activation=tf.nn.sigmoid)
        u1 = conv(v1.image.resize_nearest_neighbor(u2, [16, 32]), 6, 3, "upconv1", activation=tf.nn.elu)
        up_disp2 = v1.image.resize_bilinear(disp2, [16, 32])
        disp1 = 0.3 * conv(tf.concat([u1, up_disp2], 3), 2, 3, "disp1", activation=tf.nn.sigmoid)
    with v1.variable_scope("disparities"):
        disp_left = tf.expand_dims(disp1[:, :, :, 0], 3, name="disp_left_est")
        disp_right = tf.expand_dims(disp1[:, :, :, 1], 3)

    def shifted(picture: Tensor, disparity: Tensor) -> Tensor:
        place = tf.cast(tf.range(32), tf.float32)[None, None, :] + disparity[..., 0] * 32.0
        floor = tf.floor(place)
        part = (place - floor)[..., None]
        a, b = (tf.cast(tf.clip_by_value(floor + k, 0.0, 31.0), tf.int32) for k in (0, 1))
        near, far = (tf.gather(picture, index, batch_dims=2) for index in (a, b))
        return near * (1 - part) + far * part

    losses = tf.reduce_mean(tf.abs(shifted(right, -disp_left) - left))
    losses += tf.reduce_mean(tf.abs(shifted(left, disp_right) - right))
    losses += 0.1 * tf.reduce_mean(tf.abs(disp_left[:, :, :-1] - disp_left[:, :, 1:]))
    v1.summary.image("disp_left", disp_left, max_outputs=2)
    v1.train.AdamOptimizer(1e-4).minimize(losses)
    return [([left], [disp_left]), ([left], [disp1])]


@case("image to image")
def flow_between_frames() -> Truth:
    """Two frames stacked; flow is predicted small, then larger, and compared at each size."""
    image_a = v1.placeholder(tf.float32, [None, 32, 32, 3], name="image_a")
    image_b = v1.placeholder(tf.float32, [None, 32, 32, 3], name="image_b")
    gt = v1.placeholder(tf.float32, [None, 32, 32, 2], name="flow")
    with v1.variable_scope("FlowNetS"):
        c1 = conv(tf.concat([image_a, image_b], axis=3), 6, 7, "conv1", stride=2, activation=tf.nn.leaky_relu)
        c2 = conv(c1, 8, 5, "conv2", stride=2, activation=tf.nn.leaky_relu)
        c3 = conv(c2, 12, 3, "conv3", stride=2, activation=tf.nn.leaky_relu)
        predict3 = conv(c3, 2, 3, "predict_flow3", activation=None)
        up3 = deconv(predict3, 2, 4, "upsample_flow3to2", activation=None)
        d2 = deconv(c3, 6, 4, "deconv2", activation=tf.nn.leaky_relu)
        joined = tf.ensure_shape(tf.concat([c2, d2, up3], axis=3), [None, 8, 8, 16])
        predict2 = conv(joined, 2, 3, "predict_flow2", activation=None)
        flow = v1.image.resize_bilinear(predict2 * 20.0, tf.stack([32, 32]), align_corners=True)
    losses = []
    for each in (predict3, predict2):
        small = v1.image.resize_area(gt * 0.05, [int(each.shape[1] or 8), int(each.shape[2] or 8)])
        losses.append(tf.reduce_mean(tf.norm(small - each + 1e-9, axis=3)))
    v1.losses.add_loss(tf.add_n(losses))
    v1.train.AdamOptimizer(1e-4, 0.9, 0.999).minimize(v1.losses.get_total_loss())
    return [image_a, image_b], [flow]


@case("image to image")
def style_by_statistics() -> Truths:
    """The content's features take the style's mean and deviation; an encoder compares the result."""
    content = v1.placeholder(tf.float32, [None, 16, 16, 3], name="content")
    style = v1.placeholder(tf.float32, [None, 16, 16, 3], name="style")
    alpha = v1.placeholder_with_default(1.0, [], name="alpha")

    def encode(x: Tensor) -> tuple[Tensor, Tensor]:
        with v1.variable_scope("encoder", reuse=v1.AUTO_REUSE):
            h1 = conv(x - 120.0, 6, 3, "conv1_1")
            return h1, conv(pool(h1), 8, 3, "conv2_1")

    (_, c), (s1, s) = encode(content), encode(style)
    c_mean, c_var = tf.nn.moments(c, [1, 2], keepdims=True)
    s_mean, s_var = tf.nn.moments(s, [1, 2], keepdims=True)
    t = tf.nn.batch_normalization(c, c_mean, c_var, s_mean, tf.sqrt(s_var + 1e-5), 1e-5)
    t = alpha * t + (1 - alpha) * c
    with v1.variable_scope("decoder"):
        h = v1.image.resize_nearest_neighbor(conv(t, 6, 3, "conv2_1"), [16, 16])
        generated = tf.clip_by_value(conv(h, 3, 3, "conv1_1", activation=None) + 120.0, 0.0, 255.0)
    g1, g = encode(generated)
    loss = tf.reduce_mean(tf.square(g - t))
    for a, b in ((g1, s1), (g, s)):
        for one, two in zip(tf.nn.moments(a, [1, 2]), tf.nn.moments(b, [1, 2]), strict=True):
            loss += 2.0 * tf.reduce_mean(tf.square(one - two))
    v1.train.AdamOptimizer(1e-4).minimize(loss, var_list=v1.trainable_variables("decoder"))
    return [([content, style], [generated]), ([content, style, alpha], [generated])]


@case("image to image", modern=True)
def blur_removed_coarse_to_fine() -> Truth:
    """One net at three sizes, each given the one below; a queue's place is taken by a data set."""
    sharp_and_blurred = tf.data.Dataset.from_tensor_slices(tf.zeros([4, 16, 32, 3])).repeat().batch(2)
    pair = v1.data.make_one_shot_iterator(sharp_and_blurred).get_next()
    gt, fed = tf.split(pair, 2, axis=2)
    blurred = v1.placeholder_with_default(fed, [None, 16, 16, 3], name="blurred")
    result, outputs = blurred, []
    for i, side in enumerate((4, 8, 16)):
        with v1.variable_scope("g_net", reuse=i > 0):
            here = v1.image.resize_bilinear(blurred, [side, side])
            below = tf.stop_gradient(v1.image.resize_bilinear(result, [side, side]))
            h = conv(tf.concat([here, below], axis=3), 8, 5, "enc1_1")
            h = h + conv(conv(h, 8, 5, "enc1_2"), 8, 5, "enc1_3", activation=None)
            result = conv(h, 3, 5, "dec1_0", activation=None)
            outputs.append(result)
    loss = tf.add_n(
        [tf.reduce_mean((v1.image.resize_bilinear(gt, [int(o.shape[1])] * 2) - o) ** 2) for o in outputs]
    )
    v1.summary.scalar("loss_total", loss)
    v1.train.AdamOptimizer(1e-4).minimize(loss, global_step=v1.train.get_or_create_global_step())
    return [blurred], [result]
