"""Nets that measure pictures: how alike two are, what films show, what is written, how good they are."""

from __future__ import annotations

import math
from typing import Any

import tensorflow as tf

from benchmarks.endpoints.cases import Truth, Truths, case
from benchmarks.endpoints.layers import Gru, batch_norm, conv, cross_entropy, dense, flatten, pool, v1, weight

Tensor = Any


@case("embedding")
def twin_digits_contrastive() -> Truths:
    """Two placeholders, one net, contrastive loss; either twin embeds, the distance compares."""
    left = v1.placeholder(tf.float32, [None, 28, 28, 1], name="left")
    right = v1.placeholder(tf.float32, [None, 28, 28, 1], name="right")
    with tf.name_scope("similarity"):
        label = v1.placeholder(tf.int32, [None, 1], name="label")
        label_float = tf.cast(label, tf.float32)

    def model(x: Tensor, reuse: bool) -> Tensor:
        with v1.variable_scope("siamese", reuse=reuse):
            h = pool(conv(pool(conv(x, 6, 7, "conv1")), 8, 5, "conv2"), 4)
            return flatten(conv(h, 2, 1, "conv5", activation=None))

    left_output, right_output = model(left, False), model(right, True)
    d = tf.reduce_sum(tf.square(left_output - right_output), 1, keepdims=True)
    d_sqrt = tf.sqrt(d + 1e-9)
    loss = label_float * d + (1.0 - label_float) * tf.square(tf.maximum(0.0, 0.5 - d_sqrt))
    loss = 0.5 * tf.reduce_mean(loss)
    step = tf.Variable(0, trainable=False)
    v1.train.MomentumOptimizer(0.01, 0.99, use_nesterov=True).minimize(loss, global_step=step)
    v1.summary.scalar("loss", loss)
    return [([left], [left_output]), ([left, right], [left_output, right_output]), ([left, right], [d_sqrt])]


@case("embedding")
def angular_margin_faces() -> Truths:
    """ArcFace: the margin needs the label and is for training; the embedding is what is kept."""
    images = v1.placeholder(tf.float32, [None, 24, 24, 3], name="img_inputs")
    labels = v1.placeholder(tf.int64, [None], name="img_labels")
    dropout_rate = v1.placeholder(tf.float32, name="dropout_rate")
    train = v1.placeholder_with_default(False, [], name="train_phase")
    h = images
    for i, f in enumerate((8, 12)):
        h = batch_norm(conv(h, f, 3, f"resnet_v1/block{i}", stride=2, activation=None), f"bn{i}", train)
        h = tf.maximum(h, 0.25 * h)
    h = v1.nn.dropout(flatten(batch_norm(h, "E_BN1", train)), keep_prob=dropout_rate)
    embedding = batch_norm(dense(h, 16, "E_DenseLayer"), "E_BN2", train)
    with v1.variable_scope("arcface_loss"):
        unit = embedding / tf.norm(embedding, axis=1, keepdims=True)
        w = v1.get_variable("embedding_weights", [16, 40])
        cos_t = tf.matmul(unit, w / tf.norm(w, axis=0, keepdims=True), name="cos_t")
        sin_t = tf.sqrt(tf.maximum(1.0 - tf.square(cos_t), 1e-9), name="sin_t")
        moved = 64.0 * (cos_t * math.cos(0.5) - sin_t * math.sin(0.5))
        kept = tf.where(cos_t > math.cos(math.pi - 0.5), moved, 64.0 * (cos_t - 0.5 * math.sin(0.5)))
        mask = tf.one_hot(labels, depth=40, name="one_hot_mask")
        logit = 64.0 * cos_t * (1.0 - mask) + kept * mask
    inference_loss = cross_entropy(logit, labels)
    wd_loss = 5e-4 * tf.add_n([tf.nn.l2_loss(v) for v in v1.trainable_variables()])
    pred = tf.nn.softmax(logit)
    tf.reduce_mean(tf.cast(tf.equal(tf.argmax(pred, axis=1), labels), tf.float32))
    with tf.control_dependencies(v1.get_collection(v1.GraphKeys.UPDATE_OPS)):
        v1.train.MomentumOptimizer(0.001, 0.9).minimize(inference_loss + wd_loss)
    return [([images], [embedding]), ([images], [unit])]


@case("embedding")
def many_pairs_of_products() -> Truth:
    """N-pair loss over anchors and positives that are cut from one batch."""
    batch = v1.placeholder(tf.float32, [None, 16, 16, 3], name="product_images")
    h = conv(conv(batch / 255.0, 8, 3, "conv_a", stride=2), 12, 3, "conv_b", stride=2)
    embeddings = dense(tf.reduce_mean(h, axis=[1, 2]), 10, "embedding")
    anchors, positives = embeddings[0::2], embeddings[1::2]
    similar = tf.matmul(anchors, positives, transpose_b=True)
    which = tf.range(tf.shape(anchors)[0])
    xent = v1.nn.sparse_softmax_cross_entropy_with_logits(logits=similar, labels=which)
    size = tf.reduce_mean(tf.reduce_sum(tf.square(anchors), 1)) + tf.reduce_mean(
        tf.reduce_sum(tf.square(positives), 1)
    )
    loss = tf.reduce_mean(xent) + 0.25 * 0.002 * size
    hits = tf.equal(tf.argmax(similar, 1, output_type=tf.int32), which)
    v1.summary.scalar("recall_at_1", tf.reduce_mean(tf.cast(hits, tf.float32)))
    v1.train.AdagradOptimizer(0.05).minimize(loss)
    return [batch], [embeddings]


@case("embedding")
def prototypes_of_few() -> Truths:
    """Few-shot: the mean of each class's support is its prototype, queries go to the nearest."""
    x = v1.placeholder(tf.float32, [None, None, 16, 16, 1])
    q = v1.placeholder(tf.float32, [None, None, 16, 16, 1])
    y = v1.placeholder(tf.int64, [None, None])
    x_shape, q_shape = tf.shape(x), tf.shape(q)
    num_classes, num_support = x_shape[0], x_shape[1]
    num_queries = q_shape[1]

    def encoder(t: Tensor, reuse: bool = False) -> Tensor:
        with v1.variable_scope("encoder", reuse=reuse):
            for i in range(3):
                with v1.variable_scope(f"conv_{i + 1}"):
                    t = pool(tf.nn.relu(batch_norm(conv(t, 6, 3, "conv", activation=None), "bn", True)))
            return flatten(t)

    emb_x = encoder(tf.reshape(x, [num_classes * num_support, 16, 16, 1]))
    emb_dim = tf.shape(emb_x)[-1]
    emb_x = tf.reduce_mean(tf.reshape(emb_x, [num_classes, num_support, emb_dim]), axis=1)
    emb_q = encoder(tf.reshape(q, [num_classes * num_queries, 16, 16, 1]), reuse=True)
    dists = tf.reduce_mean(tf.square(emb_q[:, None, :] - emb_x[None, :, :]), axis=2)
    log_p_y = tf.reshape(tf.nn.log_softmax(-dists), [num_classes, num_queries, -1])
    picked = tf.reduce_sum(tf.one_hot(y, depth=num_classes) * log_p_y, axis=-1)
    ce_loss = -tf.reduce_mean(tf.reshape(picked, [-1]))
    tf.reduce_mean(tf.cast(tf.equal(tf.argmax(log_p_y, axis=-1), y), tf.float32))
    v1.train.AdamOptimizer().minimize(ce_loss)
    return [([x, q], [log_p_y]), ([x, q], [emb_x, emb_q])]


@case("classifier")
def films_in_three_dimensions() -> Truth:
    """Clips of eight frames, half of the batch on each of two devices; one softmax over what both say."""
    clips = v1.placeholder(tf.float32, shape=(4, 8, 16, 16, 3), name="images_placeholder")
    labels = v1.placeholder(tf.int64, shape=(4,), name="labels_placeholder")
    with v1.variable_scope("var_name"):
        wc1, bc1 = weight("wc1", [3, 3, 3, 3, 4]), weight("bc1", [4])
        wc2, bc2 = weight("wc2", [3, 3, 3, 4, 8]), weight("bc2", [8])
        wd1, bd1 = weight("wd1", [4 * 4 * 4 * 8, 16]), weight("bd1", [16])
        wout, bout = weight("out", [16, 9]), weight("bout", [9])
    logits, losses = [], []
    for gpu in range(2):
        with tf.name_scope(f"gpu_{gpu}"):
            part = clips[gpu * 2 : (gpu + 1) * 2]
            h = tf.nn.relu(tf.nn.bias_add(tf.nn.conv3d(part, wc1, [1, 1, 1, 1, 1], "SAME"), bc1))
            h = tf.nn.max_pool3d(h, [1, 1, 2, 2, 1], [1, 1, 2, 2, 1], "SAME", name="pool1")
            h = tf.nn.relu(tf.nn.bias_add(tf.nn.conv3d(h, wc2, [1, 1, 1, 1, 1], "SAME"), bc2))
            h = tf.nn.max_pool3d(h, [1, 2, 2, 2, 1], [1, 2, 2, 2, 1], "SAME", name="pool2")
            h = tf.nn.relu(tf.matmul(tf.reshape(h, [2, 4 * 4 * 4 * 8]), wd1) + bd1, name="fc1")
            h = v1.nn.dropout(h, keep_prob=0.5)
            logits.append(tf.matmul(h, wout) + bout)
            losses.append(cross_entropy(logits[-1], labels[gpu * 2 : (gpu + 1) * 2]))
    norm_score = tf.nn.softmax(tf.concat(logits, 0))
    decay = 5e-4 * tf.add_n([tf.nn.l2_loss(v) for v in (wc1, wc2, wd1, wout)])
    v1.train.AdamOptimizer(1e-4).minimize(tf.add_n(losses) / 2 + decay)
    return [clips], [norm_score]


@case("sequence")
def frames_to_come() -> Truth:
    """A convolutional recurrent cell unrolled by hand: six frames are read, three are drawn."""
    frames = v1.placeholder(tf.float32, [2, 9, 16, 16, 1], name="frames")
    seen = frames[:, :6]

    def cell(x: Tensor, c: Tensor, h: Tensor) -> tuple[Tensor, Tensor]:
        with v1.variable_scope("conv_lstm", reuse=v1.AUTO_REUSE):
            gates = conv(tf.concat([x, h], 3), 16, 3, "gates", activation=None)
        i, j, f, o = tf.split(gates, 4, 3)
        c = c * tf.sigmoid(f + 1.0) + tf.sigmoid(i) * tf.tanh(j)
        return c, tf.tanh(c) * tf.sigmoid(o)

    c = h = tf.zeros([2, 16, 16, 4])
    drawn: list[Tensor] = []
    for t in range(9):
        c, h = cell(seen[:, t] if t < 6 else drawn[-1], c, h)
        if t >= 5:
            drawn.append(conv(h, 1, 1, "to_frame", activation=tf.sigmoid))
    future = tf.stack(drawn[:3], axis=1, name="predicted_frames")
    loss = tf.reduce_mean(tf.reduce_sum(tf.abs(future - frames[:, 6:]), [2, 3, 4]))
    v1.summary.image("real", frames[:, 6])
    v1.summary.image("predicted", future[:, 0])
    variables = v1.trainable_variables()
    grads, norm = tf.clip_by_global_norm(tf.gradients(loss, variables), 5.0)
    v1.summary.scalar("grad_norm", norm)
    v1.train.AdamOptimizer(1e-3).apply_gradients(zip(grads, variables, strict=True))
    return [frames], [future]


@case("reader")
def lines_of_writing() -> Truths:
    """Convolutions, a recurrent pass over the columns, CTC; the beam's best path comes out."""
    inputs = v1.placeholder(tf.float32, [None, 32, None, 1], name="inputs")
    seq_len = v1.placeholder(tf.int32, [None], name="seq_len")
    targets = v1.sparse_placeholder(tf.int32, name="targets")
    h = pool(conv(pool(conv(inputs, 6, 3, "cnn-1")), 8, 3, "cnn-2"))
    shape = tf.shape(h)
    columns = tf.reshape(tf.transpose(h, [0, 2, 1, 3]), [shape[0], shape[2], 8 * 8])
    outputs, _ = v1.nn.dynamic_rnn(Gru(12), columns, sequence_length=seq_len, dtype=tf.float32)
    logits = tf.reshape(
        tf.matmul(tf.reshape(outputs, [-1, 12]), weight("W_out", [12, 20])), [shape[0], -1, 20]
    )
    logits = tf.transpose(logits + weight("b_out", [20]), (1, 0, 2))
    cost = tf.reduce_mean(v1.nn.ctc_loss(labels=targets, inputs=logits, sequence_length=seq_len))
    v1.summary.scalar("cost", cost)
    optimizer = v1.train.AdamOptimizer(1e-3, beta1=0.9, beta2=0.999)
    optimizer.minimize(cost, global_step=v1.train.get_or_create_global_step())
    decoded, log_prob = tf.nn.ctc_beam_search_decoder(logits, seq_len, beam_width=10)
    dense_decoded = tf.sparse.to_dense(decoded[0], default_value=-1, name="dense_decoded")
    tf.reduce_mean(tf.edit_distance(tf.cast(decoded[0], tf.int32), targets))
    return [([inputs, seq_len], [dense_decoded]), ([inputs, seq_len], [dense_decoded, log_prob])]


@case("reader")
def four_letters_to_prove() -> Truths:
    """A captcha: four times thirty-six sigmoid units in a row; the largest of each four is the text."""
    pixels = v1.placeholder(tf.float32, [None, 16 * 40])
    letters = v1.placeholder(tf.float32, [None, 4 * 36])
    keep_prob = v1.placeholder(tf.float32)
    x = tf.reshape(pixels, shape=[-1, 16, 40, 1])
    for i, (before, after) in enumerate(((1, 6), (6, 8))):
        w_c = tf.Variable(0.01 * tf.random.normal([3, 3, before, after]), name=f"w_c{i}")
        b_c = tf.Variable(0.1 * tf.random.normal([after]))
        x = tf.nn.relu(tf.nn.bias_add(tf.nn.conv2d(x, w_c, strides=[1, 1, 1, 1], padding="SAME"), b_c))
        x = v1.nn.dropout(pool(x), keep_prob)
    w_d = tf.Variable(0.01 * tf.random.normal([4 * 10 * 8, 32]))
    b_d = tf.Variable(0.1 * tf.random.normal([32]))
    fc = v1.nn.dropout(tf.nn.relu(tf.add(tf.matmul(tf.reshape(x, [-1, 320]), w_d), b_d)), keep_prob)
    w_out = tf.Variable(0.01 * tf.random.normal([32, 4 * 36]))
    b_out = tf.Variable(0.1 * tf.random.normal([4 * 36]))
    output = tf.add(tf.matmul(fc, w_out), b_out)
    loss = tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(logits=output, labels=letters))
    v1.train.AdamOptimizer(learning_rate=0.001).minimize(loss)
    predict = tf.reshape(output, [-1, 4, 36])
    max_idx_p = tf.argmax(predict, 2)
    max_idx_l = tf.argmax(tf.reshape(letters, [-1, 4, 36]), 2)
    tf.reduce_mean(tf.cast(tf.equal(max_idx_p, max_idx_l), tf.float32))
    return [([pixels], [max_idx_p]), ([pixels], [output]), ([pixels], [predict])]


@case("multi-task")
def smile_sex_and_years() -> Truth:
    """Three heads on one face; index masks tell which head each picture of the mixed batch trains."""
    x = v1.placeholder(tf.float32, [None, 24, 24, 1], "input_image")
    y_ = v1.placeholder(tf.float32, [None, 7], "labels")
    task = v1.placeholder(tf.int32, [None], "task_index")
    phase = v1.placeholder(tf.bool, name="phase_train")
    drop = v1.placeholder(tf.float32, name="keep_prob")
    h = x
    for i, f in enumerate((6, 8)):
        h = pool(
            tf.nn.relu(batch_norm(conv(h, f, 3, f"Block{i}/conv", activation=None), f"Block{i}/bn", phase))
        )
    shared = flatten(h)
    heads, losses = [], []
    for number, (name, units) in enumerate((("smile", 2), ("gender", 2), ("age", 5))):
        with v1.variable_scope(name):
            fc = v1.nn.dropout(dense(shared, 16, "fc1", tf.nn.relu), keep_prob=drop)
            logits = dense(fc, units, "linear")
        heads.append(tf.nn.softmax(logits, name=f"{name}_prob"))
        mask = tf.cast(tf.equal(task, number), tf.float32)
        each = -tf.reduce_sum(y_[:, :units] * v1.log(tf.clip_by_value(heads[-1], 1e-10, 1.0)), axis=1)
        losses.append(tf.reduce_mean(mask * each))
        right = tf.equal(tf.argmax(heads[-1], 1), tf.argmax(y_[:, :units], 1))
        v1.summary.scalar(f"{name}_correct", tf.reduce_sum(tf.cast(right, tf.float32) * mask))
    l2 = 1e-4 * tf.add_n([tf.nn.l2_loss(v) for v in v1.trainable_variables() if "bias" not in v.name])
    with tf.control_dependencies(v1.get_collection(v1.GraphKeys.UPDATE_OPS)):
        v1.train.MomentumOptimizer(0.01, 0.9, use_nesterov=True).minimize(tf.add_n(losses) + l2)
    return [x], heads


@case("regression")
def how_good_a_photograph() -> Truths:
    """Votes from one to ten as a distribution, earth mover's loss; mean and deviation beside it."""
    photo = v1.placeholder(tf.float32, [None, 24, 24, 3], name="photo")
    votes = v1.placeholder(tf.float32, [None, 10], name="votes")
    keep = v1.placeholder_with_default(1.0, shape=(), name="keep")
    h = tf.reduce_mean(conv(conv(photo, 8, 3, "base1", stride=2), 12, 3, "base2", stride=2), [1, 2])
    scores = tf.nn.softmax(dense(v1.nn.dropout(h, keep_prob=keep), 10, "head"), name="scores")
    ranks = tf.range(1.0, 11.0)
    mean = tf.reduce_sum(scores * ranks, 1, name="mean_score")
    deviation = tf.sqrt(tf.reduce_sum(scores * tf.square(ranks - mean[:, None]), 1), name="std_score")
    emd = tf.sqrt(tf.reduce_mean(tf.square(tf.cumsum(votes, axis=1) - tf.cumsum(scores, axis=1)), 1))
    loss = tf.reduce_mean(emd)
    v1.summary.scalar("emd", loss)
    v1.train.AdamOptimizer(3e-6).minimize(loss, var_list=v1.trainable_variables("head"))
    return [
        ([photo], [scores]),
        ([photo], [mean, deviation]),
        ([photo], [scores, mean, deviation]),
        ([photo], [mean]),
    ]
