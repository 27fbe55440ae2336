"""Graphs as large research groups write them: retrieval, video, audio, 3D, poses, agents, search."""

from __future__ import annotations

import collections
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from benchmarks.endpoints.cases import Truth, Truths, case, v1

Tensor = Any


# ------------------------------------------------------------------ deep retrieval
@case("recommender")
def retrieval_towers_with_candidate_cache() -> Truth:
    """Query and candidate towers, in-batch softmax with log-Q correction, a cache of candidate vectors.

    Serving reads top ids and scores for the query features alone; candidate features only train and index.
    """
    spec = {
        "query/user_id": v1.FixedLenFeature([], tf.string),
        "query/watched": v1.VarLenFeature(tf.int64),
        "query/age": v1.FixedLenFeature([], tf.float32, 0.0),
        "candidate/video_id": v1.FixedLenFeature([], tf.int64),
        "candidate/title": v1.FixedLenFeature([8], tf.int64),
        "label/weight": v1.FixedLenFeature([], tf.float32, 1.0),
    }

    def parse(batch: Tensor) -> dict[str, Tensor]:
        f = v1.parse_example(batch, spec)
        f["query/watched"] = tf.sparse.to_dense(f["query/watched"])
        return dict(f)

    data = v1.data.TFRecordDataset(["logs-0", "logs-1"]).shuffle(1000).batch(64).map(parse).prefetch(1)
    features = v1.data.make_one_shot_iterator(data).get_next()
    videos, dim = 500, 16

    def tower(x: Tensor, sizes: list[int], name: str) -> Tensor:
        with v1.variable_scope(name, reuse=v1.AUTO_REUSE):
            for i, n in enumerate(sizes):
                w = v1.get_variable(f"fc{i}/w", [x.shape[-1], n], initializer=v1.glorot_uniform_initializer())
                x = tf.matmul(x, w) + v1.get_variable(f"fc{i}/b", [n])
                x = tf.nn.relu(x) if i + 1 < len(sizes) else x
        return tf.nn.l2_normalize(x, 1)

    video_table = v1.get_variable("video_embeddings", [videos, dim], partitioner=v1.fixed_size_partitioner(4))
    user_table = v1.get_variable("user_embeddings", [1000, dim])
    token_table = v1.get_variable("token_embeddings", [300, dim])
    user = tf.gather(user_table, tf.strings.to_hash_bucket_fast(features["query/user_id"], 1000))
    watched = features["query/watched"]
    seen = tf.cast(tf.not_equal(watched, 0), tf.float32)[:, :, None]
    history = tf.reduce_sum(tf.nn.embedding_lookup(video_table, watched) * seen, 1)
    history = history / tf.maximum(tf.reduce_sum(seen, 1), 1.0)
    age = features["query/age"][:, None] / 100.0
    query = tower(tf.concat([user, history, age, tf.sqrt(age)], 1), [32, dim], "query_tower")

    def candidates(ids: Tensor, title: Tensor) -> Tensor:
        words = tf.reduce_mean(tf.gather(token_table, title), 1)
        return tower(
            tf.concat([tf.nn.embedding_lookup(video_table, ids), words], 1), [32, dim], "candidate_tower"
        )

    ids = features["candidate/video_id"]
    positive = candidates(ids, features["candidate/title"])
    step = v1.train.get_or_create_global_step()
    last_seen = v1.get_variable("freq/a", [videos], trainable=False, initializer=v1.zeros_initializer())
    gap = v1.get_variable("freq/b", [videos], trainable=False, initializer=v1.constant_initializer(100.0))
    now = tf.cast(step, tf.float32)
    new_gap = 0.99 * tf.gather(gap, ids) + 0.01 * (now - tf.gather(last_seen, ids))
    freq = v1.group(
        v1.scatter_update(gap, ids, new_gap), v1.scatter_update(last_seen, ids, now + 0.0 * new_gap)
    )
    logits = tf.matmul(query, positive, transpose_b=True) / 0.05 + tf.math.log(new_gap)[None]
    xent = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=tf.range(tf.shape(ids)[0]), logits=logits)
    loss = tf.reduce_sum(xent * features["label/weight"])
    v1.metrics.mean(
        tf.cast(tf.nn.in_top_k(tf.range(tf.shape(ids)[0]), logits, 5), tf.float32), name="recall_at_5"
    )
    with tf.control_dependencies([freq]):
        v1.train.AdagradOptimizer(0.05).minimize(loss, global_step=step)
    cache = v1.get_variable("index/vectors", [videos, dim], trainable=False)
    v1.scatter_update(cache, ids, positive, name="index/refresh")
    scores, items = tf.nn.top_k(tf.matmul(query, cache, transpose_b=True), 10, name="retrieve")
    return [features["query/user_id"], watched, features["query/age"]], [items, scores]


# ------------------------------------------------------------------ video tagging, towers, mixture of experts
@case("tagger")
def video_labels_vlad_mixture_of_experts() -> Truth:
    """Frame-level model on two towers: quantized features and frame counts from a queue; VLAD, then experts.

    Collections name predictions and input_batch_raw, as the inference script expects.
    """
    reader = v1.train.string_input_producer(["train*.tfrecord"], shuffle=True)
    _, serialized = v1.TFRecordReader().read(reader)
    contexts, feats = v1.parse_single_sequence_example(
        serialized,
        {"id": v1.FixedLenFeature([], tf.string), "labels": v1.VarLenFeature(tf.int64)},
        {"rgb": v1.FixedLenSequenceFeature([], tf.string)},
    )
    frames = tf.reshape(tf.cast(tf.io.decode_raw(feats["rgb"], tf.uint8), tf.float32), [-1, 24])
    count = tf.minimum(tf.shape(frames)[0], 30)
    frames = tf.ensure_shape(tf.pad(frames[:30], [[0, 30 - count], [0, 0]]), [30, 24])
    multi_hot = tf.cast(tf.sparse.to_indicator(contexts["labels"], 50), tf.float32)
    multi_hot = tf.ensure_shape(multi_hot, [50])
    ids, model_input_raw, labels, num_frames = v1.train.shuffle_batch(
        [contexts["id"], frames, multi_hot, count],
        32,
        320,
        160,
        num_threads=2,
        allow_smaller_final_batch=True,
    )
    v1.summary.histogram("model/input_raw", model_input_raw)
    dequantized = model_input_raw * (4.0 / 255.0) + ((4.0 / 512.0) - 2.0)
    model_input = tf.nn.l2_normalize(dequantized, 2)
    step = v1.train.get_or_create_global_step()
    rate = v1.train.exponential_decay(0.01, step * 64, 4000000, 0.95, staircase=True)
    optimizer = v1.train.AdamOptimizer(rate)

    def netvlad(x: Tensor, lengths: Tensor, clusters: int) -> Tensor:
        size = int(x.shape[2])
        cw = v1.get_variable(
            "cluster_weights", [size, clusters], initializer=v1.random_normal_initializer(0, 0.2)
        )
        act = tf.nn.softmax(tf.tensordot(x, cw, 1))
        act *= tf.sequence_mask(lengths, 30, tf.float32)[:, :, None]
        cw2 = v1.get_variable("cluster_weights2", [1, size, clusters])
        vlad = tf.matmul(x, act, transpose_a=True) - tf.reduce_sum(act, 1, keepdims=True) * cw2
        return tf.nn.l2_normalize(tf.reshape(tf.nn.l2_normalize(vlad, 1), [-1, size * clusters]), 1)

    def moe(x: Tensor, classes: int, mixtures: int) -> Tensor:
        gw = v1.get_variable("gates/weights", [x.shape[-1], classes * (mixtures + 1)])
        ew = v1.get_variable("experts/weights", [x.shape[-1], classes * mixtures])
        eb = v1.get_variable("experts/biases", [classes * mixtures], initializer=v1.zeros_initializer())
        gates = tf.nn.softmax(tf.reshape(tf.matmul(x, gw), [-1, mixtures + 1]))
        experts = tf.nn.sigmoid(tf.reshape(tf.matmul(x, ew) + eb, [-1, mixtures]))
        return tf.reshape(tf.reduce_sum(gates[:, :mixtures] * experts, 1), [-1, classes])

    half = tf.shape(model_input)[0] // 2
    tower_in = [model_input[:half], model_input[half:]]
    tower_len = [num_frames[:half], num_frames[half:]]
    tower_y = [labels[:half], labels[half:]]
    predictions, grads, losses = [], [], []
    for i in range(2):
        with (
            tf.device(f"/gpu:{i}"),
            v1.variable_scope("tower", reuse=True if i else None),
            v1.name_scope(f"tower_{i}"),
        ):
            hidden = netvlad(tower_in[i], tower_len[i], 6)
            w = v1.get_variable("hidden1_weights", [hidden.shape[-1], 32])
            p = moe(tf.nn.relu6(tf.matmul(hidden, w)), 50, 2)
            ce = tower_y[i] * tf.math.log(p + 1e-5) + (1 - tower_y[i]) * tf.math.log(1 - p + 1e-5)
            loss = tf.reduce_mean(tf.reduce_sum(-ce, 1))
            predictions.append(p)
            losses.append(loss)
            grads.append(optimizer.compute_gradients(loss, colocate_gradients_with_ops=False))
    v1.summary.scalar("label_loss", tf.reduce_mean(tf.stack(losses)))
    merged = [(tf.clip_by_norm(tf.add_n([g for g, _ in p]), 1.0), p[0][1]) for p in zip(*grads, strict=True)]
    train_op = optimizer.apply_gradients(merged, global_step=step)
    everything = tf.concat(predictions, 0)
    for name, value in (
        ("global_step", step),
        ("predictions", everything),
        ("input_batch_raw", model_input_raw),
        ("input_batch", model_input),
        ("num_frames", num_frames),
        ("labels", tf.cast(labels, tf.float32)),
        ("video_id", ids),
        ("train_op", train_op),
    ):
        v1.add_to_collection(name, value)
    return [model_input_raw, num_frames], [everything]


# ------------------------------------------------------------------ learned compression
class _Bottleneck:
    """Factorized prior: a small monotone network for each channel."""

    def __init__(self, channels: int) -> None:
        with v1.variable_scope("entropy_bottleneck"):
            self.h = v1.get_variable("matrix_0", [channels, 3], initializer=v1.constant_initializer(0.5))
            self.b = v1.get_variable(
                "bias_0", [channels, 3], initializer=v1.random_uniform_initializer(-0.5, 0.5)
            )
            self.m = v1.get_variable("quantiles", [channels], initializer=v1.zeros_initializer())

    def __call__(self, z: Tensor, training: bool) -> tuple[Tensor, Tensor]:
        noisy = z + tf.random.uniform(tf.shape(z), -0.5, 0.5) if training else tf.round(z - self.m) + self.m

        def cdf(v: Tensor) -> Tensor:
            return tf.reduce_mean(tf.sigmoid(v[..., None] * tf.nn.softplus(self.h) + self.b), -1)

        return noisy, tf.maximum(cdf(noisy + 0.5) - cdf(noisy - 0.5), 1e-9)


@case("autoencoder", modern=True)
def hyperprior_image_compression() -> Truth:
    """Analysis and synthesis with divisive normalization, scale hyperprior; noise or rounding.

    The patches of the data set are replaced by one's image; the rounded path's reconstruction is read.
    """
    n, m = 8, 12

    def gdn(x: Tensor, name: str, inverse: bool = False) -> Tensor:
        c = int(x.shape[-1])
        with v1.variable_scope(name):
            beta = v1.get_variable("reparam_beta", [c], initializer=v1.ones_initializer())
            gamma = v1.get_variable(
                "reparam_gamma", [c, c], initializer=v1.constant_initializer(np.eye(c) * 0.1)
            )
        pool = tf.nn.conv2d(x * x, tf.maximum(gamma, 0)[None, None], 1, "VALID") + tf.maximum(beta, 1e-6)
        return x * (tf.sqrt(pool) if inverse else tf.math.rsqrt(pool))

    def down(x: Tensor, depth: int, k: int, name: str, stride: int = 2) -> Tensor:
        w = v1.get_variable(name + "/kernel", [k, k, x.shape[-1], depth])
        return tf.nn.conv2d(x, w, stride, "SAME") + v1.get_variable(name + "/bias", [depth])

    def up(x: Tensor, depth: int, k: int, name: str) -> Tensor:
        return tf.nn.depth_to_space(down(x, 4 * depth, k, name, 1), 2)

    def analysis(x: Tensor) -> Tensor:
        with v1.variable_scope("analysis", reuse=v1.AUTO_REUSE):
            x = gdn(down(x, n, 5, "layer_0"), "gdn_0")
            return down(gdn(down(x, n, 5, "layer_1"), "gdn_1"), m, 5, "layer_2")

    def synthesis(y: Tensor) -> Tensor:
        with v1.variable_scope("synthesis", reuse=v1.AUTO_REUSE):
            y = gdn(up(y, n, 5, "layer_0"), "igdn_0", True)
            return up(gdn(up(y, n, 5, "layer_1"), "igdn_1", True), 3, 5, "layer_2")

    def hyper_synthesis(z: Tensor) -> Tensor:
        with v1.variable_scope("hyper_synthesis", reuse=v1.AUTO_REUSE):
            return tf.exp(
                down(tf.nn.relu(up(tf.nn.relu(up(z, n, 5, "layer_0")), n, 5, "layer_1")), m, 3, "out", 1)
            )

    def likelihood(y: Tensor, sigma: Tensor) -> Tensor:
        scale, v = tf.maximum(sigma, 0.11), tf.abs(y)
        c = 2.0**-0.5
        upper, lower = tf.math.erfc(-c * (0.5 - v) / scale), tf.math.erfc(-c * (-0.5 - v) / scale)
        return tf.maximum(0.5 * (upper - lower), 1e-9)

    with tf.device("/cpu:0"):
        files = v1.data.Dataset.from_tensor_slices(["a.png", "b.png"]).shuffle(2).repeat()
        read = files.map(lambda f: tf.image.decode_png(tf.io.read_file(f), channels=3), num_parallel_calls=4)
        crop = read.map(lambda im: tf.image.random_crop(tf.cast(im, tf.float32) / 255.0, (64, 64, 3)))
        x = v1.data.make_one_shot_iterator(crop.batch(8, drop_remainder=True).prefetch(8)).get_next()
    pixels = 8 * 64 * 64
    y = analysis(x)
    with v1.variable_scope("hyper_analysis"):
        z = down(tf.nn.relu(down(tf.abs(y), n, 5, "layer_0")), n, 5, "layer_1")
    bottleneck = _Bottleneck(n)
    z_tilde, z_p = bottleneck(z, True)
    y_tilde = y + tf.random.uniform(tf.shape(y), -0.5, 0.5)
    x_tilde = synthesis(y_tilde)
    y_p = likelihood(y_tilde, hyper_synthesis(z_tilde))
    train_bpp = (tf.reduce_sum(tf.math.log(y_p)) + tf.reduce_sum(tf.math.log(z_p))) / (-np.log(2) * pixels)
    train_mse = tf.reduce_mean(tf.math.squared_difference(x, x_tilde)) * 255**2
    loss = 0.01 * train_mse + train_bpp
    step = v1.train.create_global_step()
    main = v1.train.AdamOptimizer(1e-4).minimize(loss, global_step=step)
    aux = v1.train.AdamOptimizer(1e-3).minimize(tf.reduce_sum(tf.abs(bottleneck.m - tf.stop_gradient(z))))
    v1.group(main, aux, name="train_op")
    z_hat, z_q = bottleneck(z, False)
    y_hat = tf.round(y)
    x_hat = tf.clip_by_value(synthesis(y_hat), 0, 1, name="x_hat")
    y_q = likelihood(y_hat, hyper_synthesis(z_hat))
    bits = (tf.reduce_sum(tf.math.log(y_q)) + tf.reduce_sum(tf.math.log(z_q))) / -np.log(2)
    v1.summary.scalar("bpp", bits / pixels)
    v1.summary.scalar("psnr", tf.reduce_mean(tf.image.psnr(x, x_hat, 1.0)))
    v1.summary.image("original", x)
    v1.summary.image("reconstruction", x_hat)
    return [x], [x_hat]


# ------------------------------------------------------------------ video prediction
@case("forecast")
def robot_video_prediction_convlstm() -> Truth:
    """Action-conditioned frames: scheduled sampling while training, a second model of the validation queue.

    The validation model shares the weights and feeds on its own frames: its images, actions and states
    are given, its generated images read.
    """
    length, context, side = 5, 2, 16

    def build_input(training: bool) -> tuple[Tensor, Tensor, Tensor]:
        names = v1.train.string_input_producer(["train.tfr" if training else "val.tfr"], shuffle=True)
        _, value = v1.TFRecordReader().read(names)
        image_seq, state_seq, action_seq = [], [], []
        for i in range(length):
            f = v1.parse_single_example(
                value,
                {
                    f"move/{i}/image/encoded": v1.FixedLenFeature([1], tf.string),
                    f"move/{i}/commanded_pose/vec": v1.FixedLenFeature([4], tf.float32),
                    f"move/{i}/endeffector/vec": v1.FixedLenFeature([4], tf.float32),
                },
            )
            im = tf.image.decode_jpeg(f[f"move/{i}/image/encoded"][0], channels=3)
            im = tf.image.resize(tf.ensure_shape(im, [64, 64, 3])[None], [side, side])
            image_seq.append(im / 255.0)
            action_seq.append(f[f"move/{i}/commanded_pose/vec"][None])
            state_seq.append(f[f"move/{i}/endeffector/vec"][None])
        joined = [tf.concat(s, 0) for s in (image_seq, action_seq, state_seq)]
        a, b, c = v1.train.batch(joined, 8, num_threads=2, capacity=800)
        return a, b, c

    def conv(x: Tensor, n: int, k: int, scope: str) -> Tensor:
        with v1.variable_scope(scope):
            w = v1.get_variable("weights", [k, k, x.shape[-1], n])
            return tf.nn.conv2d(x, w, 1, "SAME") + v1.get_variable("biases", [n])

    class Model:
        def __init__(self, images: Tensor, actions: Tensor, states: Tensor, k: float, prefix: str) -> None:
            self.prefix = prefix
            self.iter_num = v1.placeholder(tf.float32, [], name=prefix + "_iter_num")
            self.summaries: list[Tensor] = []
            frames = [tf.squeeze(f, [1]) for f in tf.split(images, length, 1)]
            acts = [tf.squeeze(f, [1]) for f in tf.split(actions, length, 1)]
            poses = [tf.squeeze(f, [1]) for f in tf.split(states, length, 1)]
            share = k / (k + tf.exp(self.iter_num / k)) if k > 0 else None
            gen_images: list[Tensor] = []
            gen_states: list[Tensor] = []
            c = h = tf.zeros([8, side, side, 8])
            pose = poses[0]
            for t in range(length - 1):
                with v1.variable_scope("model", reuse=v1.AUTO_REUSE):
                    if t < context:
                        prev = frames[t]
                    elif share is None:
                        prev = gen_images[-1]
                    else:
                        pick = tf.random.uniform([8, 1, 1, 1]) < share
                        prev = tf.where(pick, frames[t], gen_images[-1])
                    sa = tf.concat([acts[t], pose], 1)
                    smear = tf.tile(sa[:, None, None], [1, side, side, 1])
                    z = conv(tf.concat([conv(prev, 8, 5, "scale1"), smear, h], 3), 32, 5, "conv_lstm")
                    i, j, f, o = tf.split(z, 4, 3)
                    c = tf.sigmoid(f + 1.0) * c + tf.sigmoid(i) * tf.tanh(j)
                    h = tf.sigmoid(o) * tf.tanh(c)
                    moved = tf.sigmoid(conv(h, 3, 1, "transform"))
                    masks = tf.nn.softmax(conv(h, 2, 1, "masks"))
                    gen_images.append(masks[..., :1] * prev + masks[..., 1:] * moved)
                    w = v1.get_variable("state_pred/weights", [8, 4])
                    pose = tf.matmul(sa, w)
                    gen_states.append(pose)
            self.gen_images = tf.stack(gen_images, 1, name=prefix + "_gen_images")
            loss: Tensor = 0.0
            for x, g in zip(frames[context:], gen_images[context - 1 :], strict=True):
                cost = tf.reduce_mean(tf.math.squared_difference(x, g))
                psnr = 10.0 * tf.math.log(1.0 / cost) / tf.math.log(10.0)
                self.summaries.append(v1.summary.scalar(prefix + "_psnr", psnr))
                loss += cost
            for s, g in zip(poses[context:], gen_states[context - 1 :], strict=True):
                loss += 1e-4 * tf.reduce_mean(tf.math.squared_difference(s, g))
            self.loss = loss / float(length - context)
            self.summaries.append(v1.summary.scalar(prefix + "_loss", self.loss))
            self.summ_op = v1.summary.merge(self.summaries)

    trained = Model(*build_input(True), 900.0, "train")
    lr = v1.placeholder_with_default(0.001, [], name="learning_rate")
    v1.train.AdamOptimizer(lr).minimize(trained.loss, name="train_op")
    images, actions, states = build_input(False)
    val = Model(images, actions, states, -1.0, "val")
    return [images, actions, states], [val.gen_images]


# ------------------------------------------------------------------ audio events
@case("audio", plain=True)
def audio_event_net_over_waveform() -> Truth:
    """Waveform to mel patches to depthwise network: frame scores, clip scores, embedding; tuned with Adam.

    The author gives scores and embeddings of all patches for a waveform.
    """
    waveform = v1.placeholder(tf.float32, [None], name="waveform")
    clip_labels = v1.placeholder(tf.float32, [None, 21], name="clip_labels")
    with v1.name_scope("features"):
        padded = tf.concat([waveform, tf.zeros([15600])], 0)
        magnitude = tf.abs(tf.signal.stft(padded, 400, 160, 512))
        matrix = tf.signal.linear_to_mel_weight_matrix(16, 257, 16000, 125.0, 3800.0)
        log_mel = tf.math.log(tf.matmul(magnitude, matrix) + 0.001)
        patches = tf.signal.frame(log_mel, 48, 24, axis=0)
    net = tf.ensure_shape(patches, [None, 48, 16])[..., None]
    ups = []
    for i, (kind, stride, filters) in enumerate([("c", 2, 8), ("s", 1, 16), ("s", 2, 16), ("s", 2, 32)], 1):
        with v1.variable_scope(f"layer{i}"):
            c = int(net.shape[-1])
            if kind == "s":
                net = tf.nn.depthwise_conv2d(
                    net,
                    v1.get_variable("depthwise_conv/kernel", [3, 3, c, 1]),
                    [1, stride, stride, 1],
                    "SAME",
                )
                net = tf.nn.relu(net)
                stride = 1
            size = 1 if kind == "s" else 3
            net = tf.nn.conv2d(net, v1.get_variable("conv/kernel", [size, size, c, filters]), stride, "SAME")
            beta = v1.get_variable("bn/beta", [filters], initializer=v1.zeros_initializer())
            mm = v1.get_variable(
                "bn/moving_mean", [filters], trainable=False, initializer=v1.zeros_initializer()
            )
            mv = v1.get_variable(
                "bn/moving_variance", [filters], trainable=False, initializer=v1.ones_initializer()
            )
            m, v = tf.nn.moments(net, [0, 1, 2])
            ups += [v1.assign(mm, 0.99 * mm + 0.01 * m), v1.assign(mv, 0.99 * mv + 0.01 * v)]
            net = tf.nn.relu(tf.nn.batch_normalization(net, mm, mv, beta, None, 1e-4))
    embeddings = tf.reduce_mean(net, [1, 2], name="embeddings")
    with v1.variable_scope("logits"):
        logits = tf.matmul(embeddings, v1.get_variable("kernel", [32, 21])) + v1.get_variable("bias", [21])
    scores = tf.sigmoid(logits, name="scores")
    with v1.name_scope("finetune"):
        clip = tf.reduce_mean(logits, 0, keepdims=True)
        xent = tf.nn.sigmoid_cross_entropy_with_logits(labels=clip_labels, logits=clip)
        with tf.control_dependencies(ups):
            v1.train.AdamOptimizer(1e-4, epsilon=1e-8).minimize(tf.reduce_mean(xent), name="train_op")
    return [waveform], [scores, embeddings]


# ------------------------------------------------------------------ point pillars
@case("detector")
def pillars_birdseye_detector() -> Truth:
    """Pillars (voxels, counts, coordinates) scattered to a bird's-eye map; class, box, direction heads.

    Targets are placeholders too; without them, the three heads' predictions are what the evaluator decodes.
    """

    class PointPillars:
        def __init__(self, nx: int = 32, ny: int = 32, anchors: int = 2) -> None:
            self.voxels = v1.placeholder(tf.float32, [None, 20, 4], name="voxels")
            self.num_points = v1.placeholder(tf.int32, [None], name="num_points")
            self.coors = v1.placeholder(tf.int32, [None, 4], name="coordinates")
            self.cls_targets = v1.placeholder(tf.float32, [1, ny // 2, nx // 2, anchors], name="labels")
            self.reg_targets = v1.placeholder(
                tf.float32, [1, ny // 2, nx // 2, anchors * 7], name="reg_targets"
            )
            self.dir_targets = v1.placeholder(tf.int32, [1, ny // 2, nx // 2, anchors], name="dir_targets")
            self.nx, self.ny, self.anchors = nx, ny, anchors
            self.is_training = v1.placeholder_with_default(False, [], name="is_training")
            self.bn_ops: list[Tensor] = []
            self.spatial = self.scatter(self.feature_net())
            self.rpn()
            self.add_loss()

        def norm(self, x: Tensor, name: str) -> Tensor:
            with v1.variable_scope(name):
                c = [int(x.shape[-1])]
                mm = v1.get_variable("mean", c, trainable=False, initializer=v1.zeros_initializer())
                mv = v1.get_variable("var", c, trainable=False, initializer=v1.ones_initializer())
                g = v1.get_variable("gamma", c, initializer=v1.ones_initializer())
            m, v = tf.nn.moments(x, list(range(len(x.shape) - 1)))
            self.bn_ops += [v1.assign_add(mm, 0.01 * (m - mm)), v1.assign_add(mv, 0.01 * (v - mv))]
            m, v = tf.cond(self.is_training, lambda: (m, v), lambda: (tf.identity(mm), tf.identity(mv)))
            return tf.nn.batch_normalization(x, m, v, None, g, 1e-3)

        def feature_net(self) -> Tensor:
            count = tf.cast(tf.maximum(self.num_points, 1), tf.float32)[:, None, None]
            mean = tf.reduce_sum(self.voxels[:, :, :3], 1, keepdims=True) / count
            centre = (tf.cast(self.coors[:, 3:1:-1], tf.float32) * 0.16 + 0.08)[:, None]
            x = tf.concat([self.voxels, self.voxels[:, :, :3] - mean, self.voxels[:, :, :2] - centre], 2)
            x *= tf.sequence_mask(self.num_points, 20, tf.float32)[:, :, None]
            w = v1.get_variable("pfn/kernel", [9, 16])
            return tf.reduce_max(tf.nn.relu(self.norm(tf.tensordot(x, w, 1), "pfn/bn")), 1)

        def scatter(self, pillars: Tensor) -> Tensor:
            where = tf.gather(self.coors, [0, 2, 3], axis=1)
            return tf.scatter_nd(where, pillars, [1, self.ny, self.nx, 16])

        def rpn(self) -> None:
            x = self.spatial
            for i, s in enumerate((2, 1, 1)):
                x = tf.nn.conv2d(x, v1.get_variable(f"rpn/conv{i}", [3, 3, 16, 16]), s, "SAME")
                x = tf.nn.relu(self.norm(x, f"rpn/bn{i}"))

            def head(n: int, name: str) -> Tensor:
                w = v1.get_variable(name + "/kernel", [1, 1, 16, n])
                return tf.nn.bias_add(tf.nn.conv2d(x, w, 1, "SAME"), v1.get_variable(name + "/bias", [n]))

            self.box_preds = head(self.anchors * 7, "conv_box")
            self.cls_preds = head(self.anchors, "conv_cls")
            self.dir_preds = head(self.anchors * 2, "conv_dir_cls")

        def add_loss(self) -> None:
            p = tf.sigmoid(self.cls_preds)
            ce = tf.nn.sigmoid_cross_entropy_with_logits(labels=self.cls_targets, logits=self.cls_preds)
            pos = tf.maximum(tf.reduce_sum(self.cls_targets), 1.0)
            self.cls_loss = tf.reduce_sum(tf.square(self.cls_targets - p) * ce) / pos
            mask = tf.repeat(self.cls_targets, 7, 3)
            diff = tf.abs(self.box_preds - self.reg_targets)
            smooth = tf.where(diff < 1 / 9, 4.5 * diff * diff, diff - 1 / 18)
            self.loc_loss = tf.reduce_sum(smooth * mask) / pos
            d = tf.reshape(self.dir_preds, [1, self.ny // 2, self.nx // 2, self.anchors, 2])
            dl = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=self.dir_targets, logits=d)
            self.dir_loss = tf.reduce_sum(dl * self.cls_targets) / pos
            self.loss = self.cls_loss + 2.0 * self.loc_loss + 0.2 * self.dir_loss
            step = v1.train.get_or_create_global_step()
            lr = v1.train.exponential_decay(2e-4, step, 27840, 0.8, staircase=True)
            with tf.control_dependencies(self.bn_ops):
                self.train_op = v1.train.AdamOptimizer(lr).minimize(self.loss, step)

    net = PointPillars()
    return [net.voxels, net.num_points, net.coors], [net.box_preds, net.cls_preds, net.dir_preds]


# ------------------------------------------------------------------ point net, parts
@case("segmentation")
def pointnet_parts_with_category() -> Truths:
    """Point clouds and the one-hot category, input transform net, category and part heads, two losses.

    The category is given at test time too, as in the evaluation script, which reads category and part scores.
    """
    batch, points, cats, parts = 8, 128, 6, 20
    pointclouds_ph = v1.placeholder(tf.float32, shape=(batch, points, 3))
    input_label_ph = v1.placeholder(tf.float32, shape=(batch, cats))
    labels_ph = v1.placeholder(tf.int32, shape=(batch,))
    seg_ph = v1.placeholder(tf.int32, shape=(batch, points))
    is_training_ph = v1.placeholder(tf.bool, shape=())
    step = v1.Variable(0, trainable=False)
    bn_decay = tf.minimum(
        0.99, 1 - v1.train.exponential_decay(0.5, step * batch, 135272, 0.5, staircase=True)
    )

    def variable_with_weight_decay(name: str, shape: list[int], wd: float) -> Tensor:
        var = v1.get_variable(name, shape, initializer=v1.glorot_uniform_initializer())
        v1.add_to_collection("losses", tf.nn.l2_loss(var) * wd)
        return var

    def batch_norm(x: Tensor, scope: str) -> Tensor:
        with v1.variable_scope(scope):
            c = int(x.shape[-1])
            beta = v1.Variable(tf.constant(0.0, shape=[c]), name="beta")
            gamma = v1.Variable(tf.constant(1.0, shape=[c]), name="gamma")
            mean, var = tf.nn.moments(x, list(range(len(x.shape) - 1)), name="moments")
            em = v1.Variable(tf.zeros([c]), trainable=False, name="pop_mean")
            ev = v1.Variable(tf.ones([c]), trainable=False, name="pop_var")

            def updated() -> tuple[Tensor, Tensor]:
                a = v1.assign(em, bn_decay * em + (1 - bn_decay) * mean)
                b = v1.assign(ev, bn_decay * ev + (1 - bn_decay) * var)
                with tf.control_dependencies([a, b]):
                    return tf.identity(mean), tf.identity(var)

            m, v = tf.cond(is_training_ph, updated, lambda: (tf.identity(em), tf.identity(ev)))
            return tf.nn.batch_normalization(x, m, v, beta, gamma, 1e-3)

    def layer(x: Tensor, n: int, scope: str, kernel: list[int] | None = None, last: bool = False) -> Tensor:
        with v1.variable_scope(scope):
            w = variable_with_weight_decay("weights", [*(kernel or []), int(x.shape[-1]), n], 1e-4)
            y = tf.nn.conv2d(x, w, [1, 1, 1, 1], "VALID") if kernel else tf.matmul(x, w)
            y = tf.nn.bias_add(y, v1.get_variable("biases", [n], initializer=v1.zeros_initializer()))
            return y if last else tf.nn.relu(batch_norm(y, "bn"))

    with v1.variable_scope("transform_net1"):
        t = layer(pointclouds_ph[..., None], 16, "tconv1", [1, 3])
        t = tf.nn.max_pool2d(t, [points, 1], [2, 2], "VALID")
        t = layer(tf.reshape(t, [batch, -1]), 16, "tfc1")
        wt = v1.get_variable("weights", [16, 9], initializer=v1.zeros_initializer())
        bt = v1.Variable([1.0, 0, 0, 0, 1, 0, 0, 0, 1], name="biases")
        transform = tf.reshape(tf.matmul(t, wt) + bt, [batch, 3, 3])
    net = tf.matmul(pointclouds_ph, transform)[..., None]
    out1 = layer(net, 16, "conv1", [1, 3])
    out2 = layer(out1, 32, "conv2", [1, 1])
    out_max = tf.nn.max_pool2d(out2, [points, 1], [2, 2], "VALID")
    flat = layer(tf.reshape(out_max, [batch, -1]), 16, "cla/fc1")
    flat = tf.cond(is_training_ph, lambda: tf.nn.dropout(flat, 0.3), lambda: flat)
    cls = layer(flat, cats, "cla/fc3", last=True)
    cond = tf.reshape(input_label_ph, [batch, 1, 1, cats])
    expand = tf.tile(tf.concat([out_max, cond], 3), [1, points, 1, 1])
    seg = layer(tf.concat([expand, out1, out2], 3), 32, "seg/conv1", [1, 1])
    seg = tf.cond(is_training_ph, lambda: tf.nn.dropout(seg, 0.2), lambda: seg)
    seg = tf.reshape(layer(seg, parts, "seg/conv4", [1, 1], last=True), [batch, points, parts])
    seg_loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(logits=seg, labels=seg_ph))
    label_loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(logits=cls, labels=labels_ph))
    diff = tf.matmul(transform, tf.transpose(transform, [0, 2, 1])) - tf.eye(3)
    total = 0.9 * seg_loss + 0.1 * label_loss + tf.nn.l2_loss(diff) * 1e-3
    total_label_acc = v1.placeholder(tf.float32, shape=())
    v1.summary.scalar("total_testing_acc", total_label_acc)
    rate = tf.maximum(v1.train.exponential_decay(0.001, step * batch, 337180, 0.5, staircase=True), 1e-5)
    v1.train.AdamOptimizer(rate).minimize(total, global_step=step)
    fed = [pointclouds_ph, input_label_ph]
    return [(fed, [cls, seg]), (fed, [seg])]


# ------------------------------------------------------------------ poses
@case("multi task")
def openpose_two_branches_behind_a_queue() -> Truth:
    """Placeholders enqueue; two towers take halves of the dequeued batch; parts and limbs over three stages.

    Validation replaces the dequeued images and reads the concatenated last stage of all towers.
    """
    shape = [8, 64, 64, 3]
    with tf.device("/cpu:0"):
        input_node = v1.placeholder(tf.float32, shape=shape, name="image")
        vectmap_node = v1.placeholder(tf.float32, shape=[8, 8, 8, 38], name="vectmap")
        heatmap_node = v1.placeholder(tf.float32, shape=[8, 8, 8, 19], name="heatmap")
        dims = [n.shape for n in (input_node, heatmap_node, vectmap_node)]
        queue = tf.queue.FIFOQueue(100, [tf.float32] * 3, dims)
        queue.enqueue([input_node, heatmap_node, vectmap_node], name="enqueue_op")
        queue.size(name="queue_size")
        queue.close(cancel_pending_enqueues=True, name="close_op")
        q_inp, q_heat, q_vect = queue.dequeue()
    halves = [tf.split(q, 2) for q in (q_inp, q_heat, q_vect)]

    def conv(x: Tensor, k: int, n: int, name: str, relu: bool = True, stride: int = 1) -> Tensor:
        with v1.variable_scope(name):
            kernel = v1.get_variable("weights", [k, k, x.shape[-1], n], trainable=True)
            y = tf.nn.bias_add(tf.nn.conv2d(x, kernel, stride, "SAME"), v1.get_variable("biases", [n]))
            return tf.nn.relu(y, name=name) if relu else y

    towers, last_l1s, last_l2s, losses = [], [], [], []
    for gpu_id in range(2):
        with tf.device(f"/GPU:{gpu_id}"), v1.variable_scope(v1.get_variable_scope(), reuse=gpu_id > 0):
            x = halves[0][gpu_id] / 255.0 - 0.5
            for i, n in enumerate((8, 16, 16), 1):
                x = conv(x, 3, n, f"conv{i}", stride=2)
            stage = base = x
            for s in (1, 2, 3):
                branches = []
                for branch, n in ((1, 38), (2, 19)):
                    y = conv(stage, 3, 16, f"Mconv1_stage{s}_L{branch}")
                    branches.append(conv(y, 1, n, f"Mconv2_stage{s}_L{branch}", relu=False))
                stage = tf.concat([*branches, base], 3, name=f"concat_stage{s + 1}")
                losses.append(
                    tf.nn.l2_loss(branches[0] - halves[2][gpu_id], name=f"loss_l1_stage{s}_tower{gpu_id}")
                )
                losses.append(
                    tf.nn.l2_loss(branches[1] - halves[1][gpu_id], name=f"loss_l2_stage{s}_tower{gpu_id}")
                )
            last_l1s.append(losses[-2])
            last_l2s.append(losses[-1])
            towers.append(tf.concat([branches[1], branches[0]], 3))
    with tf.device("/GPU:0"):
        outputs = tf.concat(towers, axis=0)
        total_loss = tf.add_n(losses) / 8.0
        total_loss_ll = tf.reduce_sum(tf.stack(last_l1s + last_l2s))
        global_step = v1.Variable(0, trainable=False)
        rate = v1.train.cosine_decay(0.001, global_step, 100000, alpha=0.0)
    optimizer = v1.train.AdamOptimizer(rate, epsilon=1e-8)
    optimizer.minimize(total_loss, global_step, colocate_gradients_with_ops=True)
    v1.summary.scalar("loss", total_loss)
    v1.summary.scalar("queue_loss_lastlayer", total_loss_ll)
    valid_loss = v1.placeholder(tf.float32, shape=[])
    sample_train = v1.placeholder(tf.float32, shape=(4, 640, 640, 3))
    v1.summary.image("training sample", sample_train, 4)
    v1.summary.scalar("loss_valid", valid_loss)
    return [q_inp], [outputs]


# ------------------------------------------------------------------ distillation of a sentence encoder
@case("embedding")
def sentence_encoder_distilled_from_teacher() -> Truth:
    """model_fn in TRAIN mode: a frozen English teacher, a student that reads the translation; cosine and MSE.

    The student's normalized sentence vector is the product; the teacher and its features are not deployed.
    """

    def input_fn() -> dict[str, Tensor]:
        names = ["student_ids", "student_mask", "teacher_ids", "teacher_mask"]

        def parse(record: Tensor) -> dict[str, Tensor]:
            f = v1.parse_single_example(record, {n: v1.FixedLenFeature([24], tf.int64) for n in names})
            return {n: tf.cast(v, tf.int32) for n, v in f.items()}

        d = v1.data.TFRecordDataset("pairs.tfrecord").repeat().shuffle(100).map(parse)
        nxt = v1.data.make_one_shot_iterator(d.batch(32, drop_remainder=True)).get_next()
        return dict(nxt)

    def encoder(ids: Tensor, mask: Tensor, hidden: int, layers: int, scope: str, trainable: bool) -> Tensor:
        def var(name: str, shape: list[int]) -> Tensor:
            init = v1.truncated_normal_initializer(stddev=0.02)
            return v1.get_variable(name, shape, initializer=init, trainable=trainable)

        keep = tf.cast(mask, tf.float32)
        with v1.variable_scope(scope):
            x = tf.gather(var("embeddings/word_embeddings", [400, hidden]), ids)
            x += var("embeddings/position_embeddings", [24, hidden])
            for i in range(layers):
                with v1.variable_scope(f"layer_{i}"):
                    q, k, v = (
                        tf.tensordot(x, var(f"attention/{n}/kernel", [hidden, hidden]), 1) for n in "qkv"
                    )
                    score = tf.matmul(q, k, transpose_b=True) / hidden**0.5 - 1e4 * (1 - keep[:, None])
                    x += tf.matmul(tf.nn.softmax(score), v)
                    m, s = tf.nn.moments(x, [-1], keepdims=True)
                    x = (x - m) * tf.math.rsqrt(s + 1e-12)
                    up = tf.nn.gelu(tf.tensordot(x, var("intermediate/kernel", [hidden, 2 * hidden]), 1))
                    x += tf.tensordot(up, var("output/kernel", [2 * hidden, hidden]), 1)
            pooled = tf.reduce_sum(x * keep[..., None], 1) / tf.maximum(
                tf.reduce_sum(keep, 1, keepdims=True), 1e-9
            )
            return tf.matmul(pooled, var("pooler/dense/kernel", [hidden, 24]))

    features = input_fn()
    ids, mask = features["student_ids"], features["student_mask"]
    teacher = encoder(features["teacher_ids"], features["teacher_mask"], 24, 2, "teacher/bert", False)
    target = tf.nn.l2_normalize(tf.stop_gradient(teacher), 1)
    student = encoder(ids, mask, 16, 1, "student/bert", True)
    sentence_embedding = tf.nn.l2_normalize(student, axis=1, name="sentence_embedding")
    mse = v1.losses.mean_squared_error(target, sentence_embedding, scope="distill")
    sim = tf.matmul(sentence_embedding, target, transpose_b=True) * 20.0
    rank = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels=tf.range(32), logits=sim))
    loss = mse + 0.1 * rank
    warm = {v.op.name.replace("teacher/", ""): v for v in v1.global_variables("teacher/")}
    v1.train.Saver(warm, name="warm_start")
    step = v1.train.get_or_create_global_step()
    rate = v1.train.polynomial_decay(2e-5, step, 100000, 0.0)
    tvars = v1.trainable_variables()
    grads, _ = tf.clip_by_global_norm(tf.gradients(loss, tvars), 1.0)
    m_and_v = v1.train.AdamOptimizer(rate, 0.9, 0.999, 1e-6)
    m_and_v.apply_gradients(zip(grads, tvars, strict=True), global_step=step)
    return [ids, mask], [sentence_embedding]


# ------------------------------------------------------------------ adversarial framework
class GANModel(NamedTuple):
    """What the framework knows of a model."""

    generator_inputs: Tensor
    generated_data: Tensor
    generator_variables: list[Tensor]
    generator_scope: Any
    real_data: Tensor
    discriminator_real_outputs: Tensor
    discriminator_gen_outputs: Tensor
    discriminator_variables: list[Tensor]


@case("adversarial")
def gan_estimator_train_head() -> Truth:
    """Framework with a model tuple; the input_fn gives (noise, images), as GAN estimators want; a penalty.

    In PREDICT the estimator returns generated data for the noise features: the same two tensors.
    """

    def input_fn(batch: int, dims: int) -> tuple[Tensor, Tensor]:
        images = v1.data.FixedLengthRecordDataset(["train-images"], 784, header_bytes=16)
        images = images.map(
            lambda r: tf.reshape(tf.cast(tf.io.decode_raw(r, tf.uint8), tf.float32), [28, 28, 1])
        )
        images = images.map(lambda im: im / 127.5 - 1.0).cache().repeat().shuffle(1000)
        noise = v1.data.Dataset.from_tensors(0).repeat().map(lambda _: tf.random.normal([dims]))
        zipped = v1.data.Dataset.zip((noise, images)).batch(batch, drop_remainder=True).prefetch(4)
        a, b = v1.data.make_one_shot_iterator(zipped).get_next()
        return a, b

    def fc(x: Tensor, n: int, name: str) -> Tensor:
        with v1.variable_scope(name):
            w = v1.get_variable("weights", [x.shape[-1], n], initializer=v1.glorot_uniform_initializer())
            return tf.matmul(x, w) + v1.get_variable("biases", [n], initializer=v1.zeros_initializer())

    def generator_fn(noise: Tensor) -> Tensor:
        net = tf.nn.relu(fc(noise, 7 * 7 * 16, "fully_connected"))
        net = tf.reshape(net, [-1, 7, 7, 16])
        for i, (side, n) in enumerate(((14, 8), (28, 8))):
            w = v1.get_variable(f"Conv2d_transpose_{i}/weights", [4, 4, n, net.shape[-1]])
            net = tf.nn.relu(tf.nn.conv2d_transpose(net, w, [tf.shape(net)[0], side, side, n], 2))
        return tf.tanh(tf.nn.conv2d(net, v1.get_variable("Conv/weights", [4, 4, 8, 1]), 1, "SAME"))

    def discriminator_fn(img: Tensor, unused_conditioning: Tensor) -> Tensor:
        net = img
        for i, n in enumerate((8, 16)):
            w = v1.get_variable(f"Conv_{i}/weights", [4, 4, net.shape[-1], n])
            net = tf.nn.leaky_relu(tf.nn.conv2d(net, w, 2, "SAME"), 0.01)
        return fc(tf.reshape(net, [-1, 7 * 7 * 16]), 1, "linear")

    def gan_model(real_data: Tensor, generator_inputs: Tensor) -> GANModel:
        with v1.variable_scope("Generator") as gen_scope:
            generated = generator_fn(generator_inputs)
        with v1.variable_scope("Discriminator") as dis_scope, v1.name_scope(dis_scope.original_name_scope):
            fake = discriminator_fn(generated, generator_inputs)
        with v1.variable_scope(dis_scope, reuse=True), v1.name_scope("Discriminator_real/"):
            real = discriminator_fn(real_data, generator_inputs)
        return GANModel(
            generator_inputs,
            generated,
            v1.trainable_variables("Generator"),
            gen_scope,
            real_data,
            real,
            fake,
            v1.trainable_variables("Discriminator"),
        )

    features, labels = input_fn(16, 32)
    model = gan_model(labels, features)
    with v1.name_scope("losses"):
        gen_loss = -tf.reduce_mean(model.discriminator_gen_outputs)
        dis_loss = tf.reduce_mean(model.discriminator_gen_outputs) - tf.reduce_mean(
            model.discriminator_real_outputs
        )
        alpha = tf.random.uniform([16, 1, 1, 1])
        mixed = model.real_data + alpha * (model.generated_data - model.real_data)
        with v1.variable_scope("Discriminator", reuse=True):
            mixed_out = discriminator_fn(mixed, features)
        slope = tf.norm(tf.reshape(tf.gradients(mixed_out, mixed)[0], [16, -1]) + 1e-10, axis=1)
        dis_loss += 10.0 * tf.reduce_mean(tf.square(slope - 1.0))
    v1.summary.scalar("generator_loss", gen_loss)
    v1.summary.scalar("discriminator_loss", dis_loss)
    v1.summary.image("generated_data", model.generated_data, 9)
    v1.summary.image("real_data", model.real_data, 9)
    step = v1.train.get_or_create_global_step()
    d_op = v1.train.AdamOptimizer(1e-4, 0.5).minimize(dis_loss, var_list=model.discriminator_variables)
    with tf.control_dependencies([d_op]):
        v1.train.AdamOptimizer(1e-3, 0.5).minimize(
            gen_loss, step, model.generator_variables, name="generator_train"
        )
    return [model.generator_inputs], [model.generated_data]


# ------------------------------------------------------------------ architecture search
@case("classifier")
def searched_cells_child_network() -> Truth:
    """Child of an architecture search with a fixed arc: train, valid and test pipelines over shared weights.

    The test pipeline has neither augmentation nor dropout: its images are given, its predictions read.
    """

    class GeneralChild:
        def __init__(
            self, images: dict[str, np.ndarray], labels: dict[str, np.ndarray], arc: list[list[int]]
        ) -> None:
            self.arc, self.filters, self.keep_prob, self.batch_size = arc, 8, 0.9, 10
            self.name, self.global_step = "child", v1.train.get_or_create_global_step()
            with tf.device("/cpu:0"):
                x, self.y_train = v1.train.shuffle_batch(
                    [images["train"], labels["train"]], 10, 60, 20, enqueue_many=True, seed=7, num_threads=2
                )
                self.lr = v1.train.exponential_decay(0.1, self.global_step, 1000, 0.1, staircase=True)

                def _pre_process(im: Tensor) -> Tensor:
                    im = tf.image.random_crop(tf.pad(im, [[4, 4], [4, 4], [0, 0]]), [16, 16, 3])
                    return tf.image.random_flip_left_right(im)

                self.x_train = tf.map_fn(_pre_process, x)
                self.x_valid, self.y_valid = v1.train.batch(
                    [images["valid"], labels["valid"]], 10, enqueue_many=True, allow_smaller_final_batch=True
                )
                self.x_test, self.y_test = v1.train.batch(
                    [images["test"], labels["test"]], 10, enqueue_many=True, allow_smaller_final_batch=True
                )

        def _bn(self, x: Tensor, training: bool) -> Tensor:
            with v1.variable_scope("bn", reuse=v1.AUTO_REUSE):
                c = [int(x.shape[-1])]
                off = v1.get_variable("offset", c, initializer=v1.zeros_initializer())
                scale = v1.get_variable("scale", c, initializer=v1.ones_initializer())
                mm = v1.get_variable("moving_mean", c, trainable=False, initializer=v1.zeros_initializer())
                mv = v1.get_variable("moving_variance", c, trainable=False, initializer=v1.ones_initializer())
            if not training:
                return v1.nn.fused_batch_norm(x, scale, off, mm, mv, 1e-5, is_training=False)[0]
            y, m, v, *_ = v1.nn.fused_batch_norm(x, scale, off, epsilon=1e-5, is_training=True)
            up = [v1.assign_sub(mm, 0.1 * (mm - m)), v1.assign_sub(mv, 0.1 * (mv - v))]
            with tf.control_dependencies(up):
                return tf.identity(y)

        def _op(self, x: Tensor, kind: int, training: bool, name: str) -> Tensor:
            with v1.variable_scope(name):
                f = int(x.shape[-1])
                if kind == 0:
                    return x
                if kind < 3:
                    pool = tf.nn.avg_pool2d if kind == 1 else tf.nn.max_pool2d
                    return pool(x, 3, 1, "SAME")
                k = 3 if kind == 3 else 5
                wd = v1.get_variable(
                    "w_depth", [k, k, f, 1], initializer=v1.variance_scaling_initializer(2.0)
                )
                wp = v1.get_variable(
                    "w_point", [1, 1, f, f], initializer=v1.variance_scaling_initializer(2.0)
                )
                y = tf.nn.separable_conv2d(tf.nn.relu(x), wd, wp, [1, 1, 1, 1], "SAME")
                return self._bn(y, training)

        def _cell(self, prev: list[Tensor], training: bool, stride: int) -> Tensor:
            states, f = [], self.filters
            for i, x in enumerate(prev):
                with v1.variable_scope(f"calibrate_{i}"):
                    w = v1.get_variable(
                        "w", [1, 1, x.shape[-1], f], initializer=v1.variance_scaling_initializer(2.0)
                    )
                    x = self._bn(tf.nn.conv2d(tf.nn.relu(x), w, 1, "SAME"), training)
                    states.append(tf.nn.avg_pool2d(x, stride, stride, "VALID") if stride > 1 else x)
            used = set()
            for i, (xi, xo, yi, yo) in enumerate(self.arc):
                used |= {xi, yi}
                a = self._op(states[xi], xo, training, f"cell_{i}_x")
                states.append(a + self._op(states[yi], yo, training, f"cell_{i}_y"))
            return tf.concat([s for i, s in enumerate(states) if i not in used], 3)

        def _model(self, images: Tensor, training: bool, reuse: bool = False) -> Tensor:
            with v1.variable_scope(self.name, reuse=reuse):
                w = v1.get_variable(
                    "stem_conv/w", [3, 3, 3, 12], initializer=v1.variance_scaling_initializer(2.0)
                )
                with v1.variable_scope("stem_conv"):
                    x = self._bn(tf.nn.conv2d(images, w, 1, "SAME"), training)
                layers = [x, x]
                for i, stride in enumerate((1, 2, 1)):
                    with v1.variable_scope(f"layer_{i}"):
                        x = self._cell(layers, training, stride)
                    before = tf.nn.avg_pool2d(layers[1], stride, stride, "VALID") if stride > 1 else layers[1]
                    layers = [before, x]
                x = tf.reduce_mean(tf.nn.relu(x), [1, 2])
                x = tf.nn.dropout(x, 1 - self.keep_prob) if training else x
                return tf.matmul(x, v1.get_variable("fc/w", [x.shape[-1], 10]))

        def build(self) -> None:
            logits = self._model(self.x_train, True)
            xent = tf.nn.sparse_softmax_cross_entropy_with_logits(logits=logits, labels=self.y_train)
            self.loss = tf.reduce_mean(xent)
            self.train_acc = tf.reduce_sum(
                tf.cast(tf.equal(tf.argmax(logits, 1, tf.int32), self.y_train), tf.int32)
            )
            l2 = 1e-4 * tf.add_n([tf.nn.l2_loss(v) for v in v1.trainable_variables()])
            opt = v1.train.MomentumOptimizer(self.lr, 0.9, use_nesterov=True)
            self.train_op = opt.minimize(self.loss + l2, global_step=self.global_step)
            logits = self._model(self.x_valid, False, True)
            self.valid_preds = tf.cast(tf.argmax(logits, axis=1), tf.int32)
            self.valid_acc = tf.reduce_sum(tf.cast(tf.equal(self.valid_preds, self.y_valid), tf.int32))
            logits = self._model(self.x_test, False, True)
            self.test_preds = tf.cast(tf.argmax(logits, axis=1), tf.int32)
            self.test_acc = tf.reduce_sum(tf.cast(tf.equal(self.test_preds, self.y_test), tf.int32))

    splits = ("train", "valid", "test")
    images = {k: np.zeros([20, 16, 16, 3], np.float32) for k in splits}
    child = GeneralChild(images, {k: np.zeros([20], np.int32) for k in splits}, [[0, 3, 1, 4], [1, 0, 2, 2]])
    child.build()
    return [child.x_test], [child.test_preds]


# ------------------------------------------------------------------ agents
@case("agent")
def distributional_agent_with_staged_replay() -> Truths:
    """Categorical value agent: online and target networks, a replay that samples in Python and stages.

    Acting feeds state_ph and runs the arg-max over the online network's expected values.
    """
    actions, atoms, stack, gamma = 4, 21, 4, 0.99
    support = tf.linspace(-10.0, 10.0, atoms)
    net_type = collections.namedtuple("net_type", ["q_values", "logits", "probabilities"])

    class Network:
        def __init__(self, name: str) -> None:
            self.template = v1.make_template(name, self.call)

        def call(self, state: Tensor) -> Any:
            net = tf.cast(state, tf.float32) / 255.0
            for i, (n, k, s) in enumerate(((8, 8, 4), (16, 4, 2))):
                w = v1.get_variable(f"Conv_{i}/weights", [k, k, net.shape[-1], n])
                net = tf.nn.relu(tf.nn.conv2d(net, w, s, "SAME") + v1.get_variable(f"Conv_{i}/biases", [n]))
            net = tf.reshape(net, [-1, 6 * 6 * 16])
            net = tf.matmul(net, v1.get_variable("fully_connected/weights", [6 * 6 * 16, actions * atoms]))
            logits = tf.reshape(net, [-1, actions, atoms])
            probs = tf.nn.softmax(logits)
            return net_type(tf.reduce_sum(support * probs, 2), logits, probs)

        def __call__(self, state: Tensor) -> Any:
            return self.template(state)

    class Replay:
        def __init__(self, batch: int) -> None:
            shapes = [[batch, 48, 48, stack], [batch], [batch], [batch, 48, 48, stack], [batch], [batch]]
            types = [tf.uint8, tf.int32, tf.float32, tf.uint8, tf.uint8, tf.float32]

            def sample() -> list[np.ndarray]:
                return [np.zeros(s, t.as_numpy_dtype) for s, t in zip(shapes, types, strict=True)]

            fresh = tf.numpy_function(sample, [], types, name="replay_sample_py_func")
            self.prefetch_op = tf.raw_ops.Stage(values=fresh, capacity=1, shared_name="replay")
            got = tf.raw_ops.Unstage(dtypes=types, capacity=1, shared_name="replay")
            for t, s in zip(got, shapes, strict=True):
                t.set_shape(s)
            self.states, self.actions, self.rewards, self.next_states, self.terminals, self.prob = got

    with tf.device("/cpu:0"):
        state_ph = v1.placeholder(tf.uint8, (1, 48, 48, stack), name="state_ph")
        online, target = Network("Online"), Network("Target")
        acting = online(state_ph)
        q_argmax = tf.argmax(acting.q_values, axis=1)[0]
        replay = Replay(16)
        outputs, nxt = online(replay.states), target(replay.next_states)
        best = tf.argmax(nxt.q_values, 1, output_type=tf.int32)
        next_probs = tf.gather(nxt.probabilities, best, batch_dims=1)
        alive = 1.0 - tf.cast(replay.terminals, tf.float32)
        moved = replay.rewards[:, None] + gamma * alive[:, None] * support[None]
        moved = tf.clip_by_value(moved, -10.0, 10.0)
        near = tf.clip_by_value(1 - tf.abs(moved[:, None] - support[None, :, None]), 0, 1)
        projected = tf.stop_gradient(tf.reduce_sum(near * next_probs[:, None], 2))
        chosen = tf.gather(outputs.logits, replay.actions, batch_dims=1)
        loss = tf.nn.softmax_cross_entropy_with_logits(labels=projected, logits=chosen)
        weights = 1.0 / tf.sqrt(replay.prob + 1e-10)
        priority = tf.numpy_function(
            lambda p: p, [tf.sqrt(loss + 1e-10)], tf.float32, name="prioritize_py_func"
        )
        with tf.control_dependencies([priority]):
            v1.train.AdamOptimizer(0.00025, epsilon=0.0003125).minimize(
                tf.reduce_mean(loss * weights / tf.reduce_max(weights))
            )
        v1.summary.scalar("Losses/CrossEntropyLoss", tf.reduce_mean(loss))
        pairs = zip(v1.trainable_variables("Online"), v1.trainable_variables("Target"), strict=True)
        v1.group(*[v1.assign(t, o, use_locking=True) for o, t in pairs], name="sync_qt_ops")
    return [([state_ph], [q_argmax]), ([state_ph], [acting.q_values])]


@case("agent")
def importance_weighted_actor_learner() -> Truths:
    """Recurrent actor with placeholders for one step; learner unrolls what the queue of trajectories gives.

    The actor's session feeds frame, reward, done, last action and the core state, and keeps the new state.
    """
    num_actions, unroll, batch, core = 6, 5, 4, 16

    class Agent:
        def _torso(self, last_action: Tensor, reward: Tensor, frame: Tensor) -> Tensor:
            x = tf.cast(frame, tf.float32) / 255.0
            for i, n in enumerate((8, 16)):
                w = v1.get_variable(f"convnet/conv_{i}/w", [3, 3, x.shape[-1], n])
                x = tf.nn.relu(tf.nn.conv2d(x, w, 2, "SAME"))
                w = v1.get_variable(f"convnet/residual_{i}/w", [3, 3, n, n])
                x += tf.nn.conv2d(tf.nn.relu(x), w, 1, "SAME")
            x = tf.reshape(tf.nn.relu(x), [-1, 6 * 8 * 16])
            x = tf.nn.relu(tf.matmul(x, v1.get_variable("linear/w", [6 * 8 * 16, 24])))
            r = tf.clip_by_value(reward, -1, 1)[:, None]
            return tf.concat([x, r, tf.one_hot(last_action, num_actions)], 1)

        def _core(
            self, x: Tensor, done: Tensor, state: tuple[Tensor, Tensor]
        ) -> tuple[Tensor, tuple[Tensor, Tensor]]:
            keep = 1.0 - tf.cast(done, tf.float32)[:, None]
            h, c = state[0] * keep, state[1] * keep
            z = tf.matmul(tf.concat([x, h], 1), v1.get_variable("lstm/w_gates", [24 + 7 + core, 4 * core]))
            i, j, f, o = tf.split(z + v1.get_variable("lstm/b_gates", [4 * core]), 4, 1)
            c = tf.sigmoid(f + 1) * c + tf.sigmoid(i) * tf.tanh(j)
            h = tf.sigmoid(o) * tf.tanh(c)
            return h, (h, c)

        def _head(self, h: Tensor) -> tuple[Tensor, Tensor, Tensor]:
            logits = tf.matmul(h, v1.get_variable("policy_logits/w", [core, num_actions]))
            baseline = tf.squeeze(tf.matmul(h, v1.get_variable("baseline/w", [core, 1])), axis=-1)
            action = tf.squeeze(tf.random.categorical(logits, 1, dtype=tf.int32), 1, name="new_action")
            return action, logits, baseline

        def step(self, action: Tensor, env: tuple[Tensor, Tensor, Tensor], state: Any) -> tuple[Any, Any]:
            with v1.variable_scope("agent", reuse=v1.AUTO_REUSE):
                reward, done, frame = env
                h, state = self._core(self._torso(action, reward, frame), done, state)
                return self._head(h), state

    agent = Agent()
    with v1.name_scope("actor"):
        last_action = v1.placeholder(tf.int32, [1], name="last_action")
        reward = v1.placeholder(tf.float32, [1], name="reward")
        done = v1.placeholder(tf.bool, [1], name="done")
        frame = v1.placeholder(tf.uint8, [1, 24, 32, 3], name="frame")
        state_in = tuple(v1.placeholder(tf.float32, [1, core], name=n) for n in ("core_h", "core_c"))
        (action, logits, _), state_out = agent.step(last_action, (reward, done, frame), state_in)
    shapes = [
        [unroll + 1],
        [unroll + 1],
        [unroll + 1],
        [unroll + 1, 24, 32, 3],
        [unroll + 1, num_actions],
        [core],
        [core],
    ]
    types = [tf.int32, tf.float32, tf.bool, tf.uint8, tf.float32, tf.float32, tf.float32]
    queue = tf.queue.FIFOQueue(1, types, shapes, shared_name="buffer")
    record = [v1.placeholder(t, s) for t, s in zip(types, shapes, strict=True)]
    queue.enqueue(record, name="enqueue_trajectory")
    acts, rews, dones, frames, behaviour, h0, c0 = queue.dequeue_many(batch)
    outs, state = [], (h0, c0)
    with v1.name_scope("learner"):
        for t in range(unroll + 1):
            out, state = agent.step(acts[:, t], (rews[:, t], dones[:, t], frames[:, t]), state)
            outs.append(out)
        target_logits = tf.stack([o[1] for o in outs[:-1]], 1)
        values = tf.stack([o[2] for o in outs], 1)
        taken, r = acts[:, 1:], tf.clip_by_value(rews[:, 1:], -1, 1)
        disc = 0.99 * (1.0 - tf.cast(dones[:, 1:], tf.float32))

        def log_prob(z: Tensor) -> Tensor:
            return -tf.nn.sparse_softmax_cross_entropy_with_logits(labels=taken, logits=z)

        rho = tf.minimum(1.0, tf.exp(log_prob(target_logits) - log_prob(behaviour[:, 1:])))
        delta = rho * (r + disc * values[:, 1:] - values[:, :-1])
        vs: list[Tensor] = []
        acc = tf.zeros([batch])
        for t in reversed(range(unroll)):
            acc = delta[:, t] + disc[:, t] * rho[:, t] * acc
            vs.insert(0, acc + values[:, t])
        vtrace = tf.stop_gradient(tf.stack(vs, 1))
        nxt = tf.concat([vtrace[:, 1:], values[:, -1:]], 1)
        advantage = tf.stop_gradient(rho * (r + disc * nxt - values[:, :-1]))
        policy = tf.nn.softmax(target_logits)
        entropy = tf.reduce_sum(policy * tf.nn.log_softmax(target_logits))
        loss = -tf.reduce_sum(log_prob(target_logits) * advantage)
        loss += 0.5 * tf.reduce_sum(tf.square(vtrace - values[:, :-1])) + 0.00025 * entropy
        env_frames = v1.train.get_or_create_global_step()
        rate = v1.train.polynomial_decay(0.00048, env_frames, 1000000000, 0)
        train = v1.train.RMSPropOptimizer(rate, 0.99, 0.0, 0.1).minimize(loss)
        with tf.control_dependencies([train]):
            v1.assign_add(env_frames, batch * unroll, name="num_env_frames")
    fed = [last_action, reward, done, frame, *state_in]
    return [(fed, [action, logits, *state_out]), (fed, [action, *state_out])]


# ------------------------------------------------------------------ segmentation, exported
@case("segmentation", plain=True)
def atrous_segmentation_export_graph() -> Truth:
    """Export script: ImageTensor resized and padded, atrous pyramid, decoder, crop back, SemanticPredictions.

    Two scales are averaged; the label map in the original size is what is read.
    """
    options: dict[str, Any] = collections.OrderedDict(crop=65, rates=(2, 4), stride=8, classes=21)
    input_image = v1.placeholder(tf.uint8, [1, None, None, 3], name="ImageTensor")
    original = tf.shape(input_image)[1:3]
    image = tf.squeeze(input_image, axis=0)
    ratio = 65.0 / tf.cast(tf.reduce_max(original), tf.float32)
    new_size = tf.cast(tf.round(tf.cast(original, tf.float32) * ratio), tf.int32)
    image = tf.image.resize(tf.cast(image, tf.float32), new_size, name="resize_image")
    image -= 127.5
    pad = [[0, 65 - new_size[0]], [0, 65 - new_size[1]], [0, 0]]
    image = tf.ensure_shape(tf.pad(image, pad), [65, 65, 3]) / 127.5
    is_training = tf.constant(False, name="is_training")

    def conv(x: Tensor, n: int, k: int, scope: str, stride: int = 1, rate: int = 1) -> Tensor:
        with v1.variable_scope(scope):
            w = v1.get_variable("weights", [k, k, x.shape[-1], n])
            x = tf.nn.conv2d(x, w, stride, "SAME", dilations=rate)
            names = ("gamma", "beta", "moving_mean", "moving_variance")
            g, b, m, v = (
                v1.get_variable("BatchNorm/" + i, [n], initializer=v1.ones_initializer()) for i in names
            )
            return tf.nn.relu(v1.nn.fused_batch_norm(x, g, b, m, v, 1e-5, is_training=False)[0])

    def logits_of(x: Tensor, size: int) -> Tensor:
        x = conv(x, 8, 3, "xception_41/entry_flow/conv1", 2)
        low = conv(x, 16, 3, "xception_41/entry_flow/conv2", 2)
        x = conv(low, 16, 3, "xception_41/exit_flow/conv", 2)
        side = int(x.shape[1])
        pooled = conv(tf.reduce_mean(x, [1, 2], keepdims=True), 8, 1, "image_pooling")
        branches = [tf.image.resize(pooled, [side, side]), conv(x, 8, 1, "aspp0")]
        for i, r in enumerate(options["rates"], 1):
            branches.append(conv(x, 8, 3, f"aspp{i}", rate=r))
        x = conv(tf.concat(branches, 3), 16, 1, "concat_projection")
        x = tf.cond(is_training, lambda: tf.nn.dropout(x, 0.1), lambda: x)
        x = tf.image.resize(tf.ensure_shape(x, [1, side, side, 16]), low.shape[1:3])
        x = conv(
            tf.concat([x, conv(low, 8, 1, "decoder/feature_projection0")], 3), 16, 3, "decoder/decoder_conv0"
        )
        with v1.variable_scope("logits/semantic"):
            x = tf.nn.conv2d(x, v1.get_variable("weights", [1, 1, 16, 21]), 1, "SAME")
            return tf.image.resize(x + v1.get_variable("biases", [21]), [size, size])

    probabilities = []
    for i, scale in enumerate((1.0, 0.5)):
        size = int((65 - 1) * scale + 1)
        scaled = tf.image.resize(image[None], [size, size])
        with v1.variable_scope("", reuse=bool(i)):
            up = tf.image.resize(logits_of(scaled, size), [65, 65])
        probabilities.append(tf.nn.softmax(up))
    mean = tf.reduce_mean(tf.stack(probabilities, 4), 4, name="mean_probabilities")
    predictions = tf.argmax(mean, 3)
    predictions = tf.slice(predictions, [0, 0, 0], [1, new_size[0], new_size[1]])
    labels = v1.image.resize_images(
        tf.expand_dims(tf.cast(predictions, tf.int32), 3), original, v1.image.ResizeMethod.NEAREST_NEIGHBOR
    )
    semantic = tf.identity(tf.squeeze(labels, 3), name="SemanticPredictions")
    return [input_image], [semantic]


# ------------------------------------------------------------------ fine-tuning under a TPUEstimator
@case("classifier")
def pretrained_encoder_finetuned_tpu_estimator() -> Truth:
    """model_fn in EVAL mode of a sentence-pair classifier: warm-started, metrics over is_real_example.

    Ids, mask and segments are features; label_ids and is_real_example belong to evaluation only.
    """
    config = {"hidden_size": 16, "layers": 2, "heads": 2, "vocab_size": 300, "intermediate": 32, "seq": 24}

    def file_based_input_fn() -> dict[str, Tensor]:
        spec = {
            n: v1.FixedLenFeature([config["seq"]], tf.int64)
            for n in ("input_ids", "input_mask", "segment_ids")
        }
        spec |= {n: v1.FixedLenFeature([], tf.int64) for n in ("label_ids", "is_real_example")}

        def decode(record: Tensor) -> dict[str, Tensor]:
            example = v1.parse_single_example(record, spec)
            return {k: tf.cast(v, tf.int32) for k, v in example.items()}

        d = v1.data.TFRecordDataset("eval.tf_record").map(decode).batch(8, drop_remainder=True)
        return dict(v1.data.make_initializable_iterator(d).get_next())

    def layer_norm(x: Tensor, name: str = "LayerNorm") -> Tensor:
        with v1.variable_scope(name):
            n = [int(x.shape[-1])]
            beta = v1.get_variable("beta", n, initializer=v1.zeros_initializer())
            gamma = v1.get_variable("gamma", n, initializer=v1.ones_initializer())
        mean, variance = tf.nn.moments(x, [-1], keepdims=True)
        return tf.nn.batch_normalization(x, mean, variance, beta, gamma, 1e-12)

    def dense(x: Tensor, n: int, name: str, act: Any = None) -> Tensor:
        with v1.variable_scope(name):
            w = v1.get_variable(
                "kernel", [int(x.shape[-1]), n], initializer=v1.truncated_normal_initializer(0, 0.02)
            )
            y = tf.matmul(x, w) + v1.get_variable("bias", [n], initializer=v1.zeros_initializer())
            return act(y) if act else y

    def bert(ids: Tensor, mask: Tensor, segments: Tensor) -> Tensor:
        b, t, h = 8, config["seq"], config["hidden_size"]
        with v1.variable_scope("bert"):
            with v1.variable_scope("embeddings"):
                table = v1.get_variable("word_embeddings", [config["vocab_size"], h])
                x = tf.reshape(tf.gather(table, tf.reshape(ids, [-1])), [b, t, h])
                types = v1.get_variable("token_type_embeddings", [2, h])
                x += tf.reshape(tf.matmul(tf.one_hot(tf.reshape(segments, [-1]), 2), types), [b, t, h])
                x = layer_norm(x + v1.get_variable("position_embeddings", [64, h])[:t])
            to = tf.cast(tf.reshape(mask, [b, 1, t]), tf.float32)
            adder = (1.0 - tf.ones([b, t, 1]) * to)[:, None] * -10000.0
            flat = tf.reshape(x, [-1, h])
            for i in range(config["layers"]):
                with v1.variable_scope(f"encoder/layer_{i}"):
                    q, k, v = (
                        tf.transpose(
                            tf.reshape(dense(flat, h, f"attention/self/{n}"), [b, t, 2, h // 2]), [0, 2, 1, 3]
                        )
                        for n in ("query", "key", "value")
                    )
                    probs = tf.nn.softmax(tf.matmul(q, k, transpose_b=True) * (h // 2) ** -0.5 + adder)
                    ctx = tf.reshape(tf.transpose(tf.matmul(probs, v), [0, 2, 1, 3]), [-1, h])
                    flat = layer_norm(
                        dense(ctx, h, "attention/output/dense") + flat, "attention/output/LayerNorm"
                    )
                    mid = dense(flat, config["intermediate"], "intermediate/dense", tf.nn.gelu)
                    flat = layer_norm(dense(mid, h, "output/dense") + flat, "output/LayerNorm")
            first = tf.squeeze(tf.reshape(flat, [b, t, h])[:, 0:1, :], axis=1)
            return dense(first, h, "pooler/dense", tf.tanh)

    features = file_based_input_fn()
    output_layer = bert(features["input_ids"], features["input_mask"], features["segment_ids"])
    weights = v1.get_variable("output_weights", [3, config["hidden_size"]])
    bias = v1.get_variable("output_bias", [3], initializer=v1.zeros_initializer())
    with v1.variable_scope("loss"):
        logits = tf.nn.bias_add(tf.matmul(output_layer, weights, transpose_b=True), bias)
        probabilities = tf.nn.softmax(logits, axis=-1)
        one_hot = tf.one_hot(features["label_ids"], depth=3, dtype=tf.float32)
        per_example_loss = -tf.reduce_sum(one_hot * tf.nn.log_softmax(logits, axis=-1), axis=-1)
        loss = tf.reduce_mean(per_example_loss)
    v1.train.Saver({v.op.name: v for v in v1.trainable_variables("bert")}, name="init_checkpoint")
    real = tf.cast(features["is_real_example"], tf.float32)
    predictions = tf.argmax(logits, axis=-1, output_type=tf.int32)
    v1.metrics.accuracy(features["label_ids"], predictions, weights=real, name="eval_accuracy")
    v1.metrics.mean(per_example_loss, weights=real, name="eval_loss")
    v1.metrics.mean(loss, name="loss")
    return [features["input_ids"], features["input_mask"], features["segment_ids"]], [probabilities]
