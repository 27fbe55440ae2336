"""Graphs of engineers in companies: prices, sessions, inspection, biometrics, vehicles, robots, clinics."""

from __future__ import annotations

import math
from typing import Any

import tensorflow as tf

from benchmarks.endpoints.cases import Truth, Truths, case, v1

Tensor = Any


def linear(x: Tensor, units: int, name: str) -> Tensor:
    """Affine x W + b, with weights shared by name."""
    with v1.variable_scope(name, reuse=v1.AUTO_REUSE):
        kernel = v1.get_variable("kernel", [x.shape[-1], units])
        bias = v1.get_variable("bias", [units], initializer=v1.zeros_initializer())
    return tf.nn.bias_add(tf.tensordot(x, kernel, [[-1], [0]]), bias)


def conv(x: Tensor, filters: int, name: str, *, k: int = 3, s: int = 1) -> Tensor:
    """A convolution with bias, no activation."""
    with v1.variable_scope(name, reuse=v1.AUTO_REUSE):
        kernel = v1.get_variable("weights", [k, k, x.shape[-1], filters])
        bias = v1.get_variable("biases", [filters], initializer=v1.zeros_initializer())
    return tf.nn.bias_add(v1.nn.conv2d(x, kernel, strides=[1, s, s, 1], padding="SAME"), bias)


def bn(x: Tensor, flag: Tensor, name: str) -> Tensor:
    """Batch normalization that a fed flag switches."""
    with v1.variable_scope(name):
        c = int(x.shape[-1])
        gamma = v1.get_variable("gamma", [c], initializer=v1.ones_initializer())
        beta = v1.get_variable("beta", [c], initializer=v1.zeros_initializer())
        pop_mean = v1.get_variable("pop_mean", [c], initializer=v1.zeros_initializer(), trainable=False)
        pop_var = v1.get_variable("pop_var", [c], initializer=v1.ones_initializer(), trainable=False)

        def train() -> tuple[Tensor, Tensor]:
            m, v = tf.nn.moments(x, list(range(x.shape.rank - 1)))
            up_m = v1.assign(pop_mean, pop_mean * 0.95 + m * 0.05)
            up_v = v1.assign(pop_var, pop_var * 0.95 + v * 0.05)
            with tf.control_dependencies([up_m, up_v]):
                return tf.identity(m), tf.identity(v)

        m, v = v1.cond(flag, train, lambda: (tf.identity(pop_mean), tf.identity(pop_var)))
        return tf.nn.batch_normalization(x, m, v, beta, gamma, 1e-3)


@case("multi task")
def hotel_pricing_from_a_queue() -> Truth:
    """Hotel pricing from a queue.

    Threads push rows through placeholders into a shuffling queue; the network regresses log rate, nights
    sold and cancellations, and a vector in real units leaves. In place of the queue one feeds its two row
    parts.
    """
    push_num = v1.placeholder(tf.float32, [None, 12], name="push_numeric")
    push_cat = v1.placeholder(tf.int32, [None, 3], name="push_category")
    push_y = v1.placeholder(tf.float32, [None, 3], name="push_targets")
    queue = v1.RandomShuffleQueue(
        5000, 500, [tf.float32, tf.int32, tf.float32], [[12], [3], [3]], name="rows"
    )
    queue.enqueue_many([push_num, push_cat, push_y], name="push")
    queue.close(cancel_pending_enqueues=True)
    num, cat, y = queue.dequeue_many(128, name="pull")
    offset = tf.constant([3.1 + 0.2 * i for i in range(12)], name="train_mean")
    spread = tf.constant([1.0 + 0.05 * i for i in range(12)], name="train_std")
    pieces = [(num - offset) / spread]
    for i, n in enumerate((30, 7, 12)):
        pieces.append(tf.one_hot(cat[:, i], n))
    net = tf.concat(pieces, 1)
    for units in (32, 24):
        net = tf.nn.selu(linear(net, units, f"fc_{units}"))
    std_out = linear(net, 3, "targets")
    y_mean, y_std = tf.constant([4.6, 20.0, 2.0]), tf.constant([0.5, 11.0, 1.7])
    un = std_out * y_std + y_mean
    quote = tf.stack(
        [tf.exp(un[:, 0]), tf.nn.relu(un[:, 1]), tf.nn.relu(un[:, 2])], 1, name="rate_nights_cancels"
    )
    y_log = tf.concat([tf.math.log(y[:, :1]), y[:, 1:]], 1)
    per_target = tf.reduce_mean(tf.math.squared_difference((y_log - y_mean) / y_std, std_out), 0)
    loss = tf.reduce_sum(per_target * [2.0, 1.0, 0.5])
    for i, what in enumerate(["rate", "nights", "cancels"]):
        v1.summary.scalar("mse/" + what, per_target[i])
    v1.train.AdamOptimizer(0.002).minimize(loss)
    return [num, cat], [quote]


@case("recommender")
def session_gru_with_fed_states() -> Truth:
    """Session gru with fed states.

    Session-parallel next-click model: one click per session and step, the state of each layer goes in and
    comes out. Training scores only the batch's items; prediction scores the whole catalogue.
    """

    class SessionModel:
        def __init__(self, n_items: int, rnn_size: int, layers: int) -> None:
            self.n_items, self.rnn_size, self.layers = n_items, rnn_size, layers
            self.X = v1.placeholder(tf.int32, [None], name="input")
            self.Y = v1.placeholder(tf.int32, [None], name="output")
            self.state = [
                v1.placeholder(tf.float32, [None, rnn_size], name=f"rnn_state_{i}") for i in range(layers)
            ]
            self.final_state: list[Tensor] = []
            self.build()

        def gru(self, x: Tensor, h: Tensor, i: int) -> Tensor:
            with v1.variable_scope(f"rnn/cell_{i}/gru_cell"):
                ru = tf.sigmoid(linear(tf.concat([x, h], 1), 2 * self.rnn_size, "gates"))
                r, u = tf.split(ru, 2, 1)
                c = tf.tanh(linear(tf.concat([x, r * h], 1), self.rnn_size, "candidate"))
            return u * h + (1.0 - u) * c

        def build(self) -> None:
            with v1.variable_scope("gru_layer"):
                embedding = v1.get_variable("embedding", [self.n_items, self.rnn_size])
                softmax_w = v1.get_variable("softmax_w", [self.n_items, self.rnn_size])
                softmax_b = v1.get_variable("softmax_b", [self.n_items], initializer=v1.zeros_initializer())
                out = tf.nn.embedding_lookup(embedding, self.X)
                for i in range(self.layers):
                    out = self.gru(out, self.state[i], i)
                    self.final_state.append(out)
            sampled_w = tf.nn.embedding_lookup(softmax_w, self.Y)
            sampled_b = tf.nn.embedding_lookup(softmax_b, self.Y)
            yhat_batch = tf.tanh(tf.matmul(out, sampled_w, transpose_b=True) + sampled_b)
            term = tf.sigmoid(-tf.linalg.diag_part(yhat_batch)[:, None] + yhat_batch)
            self.cost = tf.reduce_mean(term + tf.sigmoid(tf.square(yhat_batch)))
            self.yhat = tf.tanh(tf.matmul(out, softmax_w, transpose_b=True) + softmax_b)
            self.global_step = tf.Variable(0, name="global_step", trainable=False)
            rate = tf.maximum(1e-5, v1.train.exponential_decay(1e-3, self.global_step, 10000, 0.96, True))
            opt = v1.train.AdamOptimizer(rate)
            self.train_op = opt.apply_gradients(opt.compute_gradients(self.cost), self.global_step)

    m = SessionModel(500, 16, 2)
    return [m.X, *m.state], [m.yhat, *m.final_state]


@case("segmentation", frozen=True)
def cast_parts_defects_frozen() -> Truth:
    """Cast parts defects frozen.

    Line camera pictures of cast parts: where the defect is (a map) and whether the part is scrap, in one
    frozen graph for the edge box; the grey values are normalized inside, the batch norm flag has a
    default.
    """
    img = v1.placeholder(tf.uint8, [None, 64, 64, 1], name="camera")
    flag = v1.placeholder_with_default(False, [], name="is_training")
    gt = v1.placeholder(tf.float32, [None, 64, 64, 1], name="mask_gt")
    scrap_gt = v1.placeholder(tf.float32, [None, 1], name="scrap_gt")
    x = tf.image.convert_image_dtype(img, tf.float32)
    x = (x - 0.45) / 0.22
    skips = []
    for i, c in enumerate((8, 12, 16)):
        x = tf.nn.relu(bn(conv(x, c, f"down{i}/conv"), flag, f"down{i}/bn"))
        skips.append(x)
        x = v1.nn.max_pool(x, [1, 2, 2, 1], [1, 2, 2, 1], "VALID")
    bottleneck = tf.nn.relu(conv(x, 24, "bottleneck"))
    y = bottleneck
    for i, skip in reversed(list(enumerate(skips))):
        y = v1.image.resize_nearest_neighbor(y, tf.shape(skip)[1:3])
        y = tf.nn.relu(conv(tf.concat([y, skip], 3), int(skip.shape[-1]), f"up{i}/conv"))
    seg_logits = conv(y, 1, "seg_head", k=1)
    defect_map = tf.sigmoid(seg_logits, name="defect_map")
    peak = tf.reduce_max(seg_logits, [1, 2])
    pooled = tf.concat([tf.reduce_mean(bottleneck, [1, 2]), peak], 1)
    scrap_logit = linear(pooled, 1, "scrap_head")
    scrap = tf.sigmoid(scrap_logit, name="scrap_probability")
    inter = tf.reduce_sum(defect_map * gt, [1, 2, 3])
    dice = 1.0 - (2 * inter + 1) / (tf.reduce_sum(defect_map, [1, 2, 3]) + tf.reduce_sum(gt, [1, 2, 3]) + 1)
    bce = tf.nn.sigmoid_cross_entropy_with_logits(labels=scrap_gt, logits=scrap_logit)
    v1.train.AdamOptimizer(1e-3).minimize(tf.reduce_mean(dice) + tf.reduce_mean(bce))
    return [img], [defect_map, scrap]


@case("embedding", plain=True)
def face_gate_triplets_and_identities() -> Truth:
    """Face gate triplets and identities.

    Faces at the office gate: trained with triplets and a helper classification over the known people; at
    the gate one compares the unit vectors, so images in, embeddings out; the identity head only helps
    training.
    """
    images = v1.placeholder(tf.float32, (None, 48, 48, 3), name="image_batch")
    phase = v1.placeholder(tf.bool, (), name="phase_train")
    person = v1.placeholder(tf.int32, (None,), name="person_id")
    lr = v1.placeholder(tf.float32, (), name="learning_rate")
    net = tf.map_fn(tf.image.per_image_standardization, images)
    net.set_shape([None, 48, 48, 3])
    for stage, width in enumerate((8, 16, 32)):
        with v1.variable_scope(f"stage{stage}"):
            net = tf.nn.relu(bn(conv(net, width, "entry", s=2), phase, "entry_bn"))
            with v1.variable_scope("residual"):
                branch = tf.nn.relu(conv(net, width // 2, "a", k=1))
                branch = conv(branch, width, "b")
            net = tf.nn.relu(net + 0.2 * branch)
    pooled = tf.reduce_mean(net, axis=[1, 2])
    prelogits = linear(pooled, 24, "Bottleneck")
    embeddings = tf.nn.l2_normalize(prelogits, 1, 1e-10, name="embeddings")
    anchor, positive, negative = tf.unstack(tf.reshape(embeddings, [-1, 3, 24]), 3, 1)
    pos_dist = tf.reduce_sum(tf.square(anchor - positive), 1)
    neg_dist = tf.reduce_sum(tf.square(anchor - negative), 1)
    triplet = tf.reduce_mean(tf.maximum(pos_dist - neg_dist + 0.2, 0.0), name="triplet_loss")
    logits = linear(prelogits, 80, "Logits")
    xent = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=person, logits=logits)
    id_acc = tf.reduce_mean(tf.cast(tf.nn.in_top_k(person, logits, 1), tf.float32))
    decay = 5e-4 * tf.add_n([tf.nn.l2_loss(v) for v in v1.trainable_variables() if "weights" in v.name])
    total = tf.add_n([triplet, 0.1 * tf.reduce_mean(xent), decay], name="total_loss")
    v1.summary.scalar("identity_accuracy", id_acc)
    step = v1.train.get_or_create_global_step()
    ema = v1.train.ExponentialMovingAverage(0.999, step)
    apply = v1.train.AdamOptimizer(lr, epsilon=0.1).minimize(total, step)
    with tf.control_dependencies([apply]):
        ema.apply(v1.trainable_variables())
    return [images], [embeddings]


@case("embedding")
def fingerprint_door_lock_siamese() -> Truths:
    """Fingerprint door lock siamese.

    Enrolled and presented print through the same small net, contrastive loss; the lock takes the distance
    and compares it itself, or takes the comparison with half the margin that the accuracy uses.
    """
    side, margin = 56, 1.0
    left = v1.placeholder(tf.float32, [None, side * side], name="x1")
    right = v1.placeholder(tf.float32, [None, side * side], name="x2")
    y_ = v1.placeholder(tf.float32, [None], name="y")

    class Siamese:
        def __init__(self) -> None:
            with v1.variable_scope("siamese") as scope:
                self.o1 = self.network(left)
                scope.reuse_variables()
                self.o2 = self.network(right)

        def network(self, x: Tensor) -> Tensor:
            x = tf.reshape(x, [-1, side, side, 1])
            x = tf.nn.leaky_relu(conv(x, 8, "c1", k=7, s=2))
            x = v1.nn.avg_pool(x, [1, 2, 2, 1], [1, 2, 2, 1], "SAME")
            x = tf.nn.leaky_relu(conv(x, 12, "c2", s=2))
            return linear(tf.reshape(x, [-1, 7 * 7 * 12]), 16, "fc")

    s = Siamese()
    eucd = tf.sqrt(tf.reduce_sum(tf.pow(s.o1 - s.o2, 2), 1) + 1e-6, name="eucd")
    pos = y_ * tf.square(eucd)
    neg = (1.0 - y_) * tf.square(tf.maximum(margin - eucd, 0.0))
    losses = tf.reduce_mean(pos + neg, name="losses")
    same = tf.less(eucd, 0.5 * margin, name="same_finger")
    far = tf.reduce_sum(tf.cast(same, tf.float32) * (1 - y_)) / (tf.reduce_sum(1 - y_) + 1e-6)
    v1.summary.scalar("false_accept_rate", far)
    v1.train.MomentumOptimizer(0.01, 0.9).minimize(losses)
    return [([left, right], [eucd]), ([left, right], [same])]


@case("audio", frozen=True)
def wake_word_on_device_frozen() -> Truth:
    """Wake word on device frozen.

    One second of 16 bit samples, log mel spectrum in the graph, depthwise separable convolutions, softmax
    over twelve words; frozen for the device, where samples go in and the word probabilities come out.
    """
    pcm = v1.placeholder(tf.int16, [None, 16000], name="pcm16")
    keep = v1.placeholder_with_default(1.0, (), name="dropout_prob")
    truth = v1.placeholder(tf.int64, [None], name="groundtruth_input")
    wave = tf.cast(pcm, tf.float32) / 32768.0
    with v1.name_scope("frontend"):
        power = tf.abs(tf.signal.stft(wave, 640, 320, 1024)) ** 2
        mel = tf.signal.linear_to_mel_weight_matrix(20, 513, 16000, 20.0, 4000.0)
        logmel = tf.math.log(tf.tensordot(power, mel, 1) + 1e-6)
    fp = tf.expand_dims(tf.reshape(logmel, [-1, 49, 20]), -1)
    net = tf.nn.relu(conv(fp, 16, "conv_1", k=5, s=2))
    for i in range(3):
        with v1.variable_scope(f"conv_ds_{i + 1}"):
            dw = v1.get_variable("dw_conv/depthwise_weights", [3, 3, 16, 1])
            net = tf.nn.relu(v1.nn.depthwise_conv2d(net, dw, [1, 1, 1, 1], "SAME"))
            net = tf.nn.relu(conv(net, 16, "pw_conv", k=1))
    net = v1.nn.dropout(tf.reduce_mean(net, [1, 2]), keep_prob=keep)
    logits = linear(net, 12, "fc1")
    labels_softmax = tf.nn.softmax(logits, name="labels_softmax")
    ce = v1.losses.sparse_softmax_cross_entropy(labels=truth, logits=logits)
    predicted = tf.argmax(logits, 1)
    v1.math.confusion_matrix(truth, predicted, num_classes=12)
    v1.train.GradientDescentOptimizer(0.01).minimize(ce)
    return [pcm], [labels_softmax]


@case("multi task")
def lane_and_steering_two_gpus() -> Truth:
    """Lane and steering two gpus.

    Camera frames and speed are split over two GPUs, gradients averaged, outputs joined again on the CPU:
    the lane probability map and the steering angle, which the vehicle's node fetches.
    """
    n_gpus = 2
    frames = v1.placeholder(tf.uint8, [None, 48, 96, 3], name="frames")
    speed = v1.placeholder(tf.float32, [None, 1], name="speed_kmh")
    lane_gt = v1.placeholder(tf.int32, [None, 48, 96], name="lane_gt")
    angle_gt = v1.placeholder(tf.float32, [None, 1], name="angle_gt")
    keep_prob = v1.placeholder(tf.float32, name="keep_prob")

    def model(img: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
        x = tf.cast(img, tf.float32) / 127.5 - 1.0
        c1 = tf.nn.elu(conv(x, 8, "conv1", k=5, s=2))
        c2 = tf.nn.elu(conv(c1, 12, "conv2", k=5, s=2))
        c3 = tf.nn.elu(conv(c2, 16, "conv3", s=2))
        up = v1.image.resize_bilinear(conv(c3, 12, "score3", k=1), [12, 24]) + c2
        lane = v1.image.resize_bilinear(conv(up, 2, "lane", k=1), [48, 96])
        flat = tf.reshape(c3, [-1, 6 * 12 * 16])
        h = tf.concat([v1.nn.dropout(tf.nn.elu(linear(flat, 24, "fc1")), keep_prob=keep_prob), v / 100.0], 1)
        return lane, tf.multiply(tf.atan(linear(tf.nn.elu(linear(h, 10, "fc2")), 1, "fc3")), 2.0)

    opt = v1.train.AdamOptimizer(1e-4)
    pieces = [_halves(t) for t in (frames, speed, lane_gt, angle_gt)]
    tower_grads, lanes, angles = [], [], []
    for g in range(n_gpus):
        with tf.device(f"/gpu:{g}"), v1.name_scope(f"tower_{g}"), v1.variable_scope("net", reuse=g > 0):
            lane, angle = model(pieces[0][g], pieces[1][g])
            seg = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=pieces[2][g], logits=lane)
            loss = tf.reduce_mean(seg) + 5.0 * tf.reduce_mean(tf.square(angle - pieces[3][g]))
            v1.summary.scalar("loss", loss)
            tower_grads.append(opt.compute_gradients(loss))
            lanes.append(tf.nn.softmax(lane)[..., 1])
            angles.append(angle)
    with tf.device("/cpu:0"):
        averaged = [
            (tf.reduce_mean(tf.stack([g for g, _ in pair]), 0), pair[0][1])
            for pair in zip(*tower_grads, strict=True)
        ]
        opt.apply_gradients(averaged, v1.train.get_or_create_global_step())
        lane_map = tf.concat(lanes, 0, name="lane_map")
        steering = tf.concat(angles, 0, name="steering")
    return [frames, speed], [lane_map, steering]


def _halves(t: Tensor) -> list[Tensor]:
    """The first and the second half of a batch."""
    half = tf.shape(t)[0] // 2
    return [t[:half], t[half:]]


@case("agent")
def bin_picking_grasp_maps() -> Truth:
    """Bin picking grasp maps.

    Depth image of a bin to grasp quality, angle and jaw width at each pixel; the net regresses sine and
    cosine of the doubled angle, the robot's node takes the angle that is computed from them.
    """
    depth = v1.placeholder(tf.float32, [None, 72, 72, 1], name="input")
    with v1.name_scope("clean"):
        valid = tf.cast(depth > 0.05, tf.float32)
        mean = tf.reduce_sum(depth * valid, [1, 2, 3], keepdims=True) / (
            tf.reduce_sum(valid, [1, 2, 3], keepdims=True) + 1.0
        )
        x = tf.clip_by_value((depth - mean) * valid, -1.0, 1.0)
    x = tf.nn.relu(conv(x, 8, "c1", k=9, s=3))
    x = tf.nn.relu(conv(x, 12, "c2", k=5, s=2))
    for i, (f, stride) in enumerate([(12, 2), (8, 3)]):
        w = v1.get_variable(f"t{i}/w", [5, 5, f, x.shape[-1]])
        n, side = tf.shape(x)[0], int(x.shape[1]) * stride
        x = tf.nn.relu(v1.nn.conv2d_transpose(x, w, [n, side, side, f], [1, stride, stride, 1], "SAME"))
    heads = {h: conv(x, 1, "head_" + h, k=2) for h in ("pos", "cos", "sin", "width")}
    gt = {h: v1.placeholder(tf.float32, [None, 72, 72, 1], name=h + "_gt") for h in heads}
    loss = tf.add_n([v1.losses.mean_squared_error(gt[h], heads[h]) for h in heads])
    v1.train.AdamOptimizer().minimize(loss)
    quality = tf.clip_by_value(heads["pos"], 0.0, 1.0, name="quality")
    angle = tf.multiply(0.5, tf.atan2(heads["sin"], heads["cos"]), name="angle")
    width = tf.multiply(heads["width"], 150.0, name="width_px")
    v1.summary.image("depth", depth)
    v1.summary.image("quality", quality)
    v1.summary.merge_all()
    return [depth], [quality, angle, width]


@case("classifier")
def emergency_triage_notes_and_vitals() -> Truths:
    """Emergency triage notes and vitals.

    Nurse's note (words, 0 is padding) and vitals with NaN where nobody measured; an ordinal model of five
    levels. The ward's screen shows the level; the audit wants the level probabilities, made just before.
    """
    note = v1.placeholder(tf.int32, [None, 40], name="note_ids")
    vitals = v1.placeholder(tf.float32, [None, 8], name="vitals")
    target = v1.placeholder(tf.int32, [None], name="esi_level")
    training = v1.placeholder_with_default(False, [], name="training")
    missing = v1.is_nan(vitals)
    centre = tf.constant([37.0, 80.0, 125.0, 75.0, 16.0, 97.0, 110.0, 50.0])
    width = tf.constant([0.8, 20.0, 22.0, 13.0, 4.0, 3.0, 50.0, 22.0])
    z = tf.where(missing, tf.zeros_like(vitals), (vitals - centre) / width)
    v_in = tf.concat([z, tf.cast(missing, tf.float32)], 1)
    v_h = tf.nn.relu(bn(linear(v_in, 16, "vitals/fc"), training, "vitals/bn"))
    e = tf.nn.embedding_lookup(v1.get_variable("words", [700, 16]), note)
    word_rate = tf.where(training, 0.2, 0.0)
    e = tf.nn.dropout(e, rate=word_rate, noise_shape=[tf.shape(note)[0], 40, 1])
    pad = tf.cast(tf.equal(note, 0), tf.float32)
    with v1.variable_scope("attention"):
        query = linear(v_h, 16, "query")[:, None, :]
        energy = tf.reduce_sum(tf.tanh(linear(e, 16, "key") + query), 2) - 1e9 * pad
        alpha = tf.nn.softmax(energy, name="alpha")
        text = tf.reduce_sum(e * alpha[:, :, None], 1)
    h = tf.nn.relu(linear(tf.concat([text, v_h], 1), 16, "joint"))
    severity = linear(h, 1, "severity")
    cuts = tf.cumsum(tf.nn.softplus(v1.get_variable("cuts", [4], initializer=v1.zeros_initializer()))) - 2.0
    cum = tf.sigmoid(cuts - severity)
    ones = tf.ones_like(severity)
    level_probs = tf.subtract(tf.concat([cum, ones], 1), tf.concat([0.0 * ones, cum], 1), name="level_probs")
    level = tf.add(tf.argmax(level_probs, 1, output_type=tf.int32), 1, name="level")
    picked = tf.reduce_sum(level_probs * tf.one_hot(target - 1, 5), 1)
    nll = -tf.reduce_mean(tf.math.log(picked + 1e-8))
    undertriage = tf.reduce_mean(tf.cast(level > target, tf.float32))
    v1.summary.scalar("undertriage", undertriage)
    v1.summary.histogram("alpha", alpha)
    v1.train.AdamOptimizer(1e-3).minimize(nll)
    return [([note, vitals], [level]), ([note, vitals], [level_probs])]


@case("recommender")
def ad_creative_image_and_headline() -> Truth:
    """Ad creative image and headline.

    Banner and headline from an old queue pipeline of TFRecords; placeholders that default to the queue's
    batch let the same graph train and serve. Fed are those two, fetched the click rate corrected for
    negative sampling.
    """
    names = v1.train.string_input_producer(["gs://ads/creatives-0.tfrecord"], shuffle=True)
    _, record = v1.TFRecordReader().read(names)
    ex = v1.parse_single_example(record, {
        "jpeg": v1.FixedLenFeature([], tf.string),
        "headline": v1.FixedLenFeature([12], tf.int64),
        "clicked": v1.FixedLenFeature([], tf.float32),
    })  # fmt: skip
    one = tf.image.resize(tf.image.decode_jpeg(ex["jpeg"], channels=3), [40, 40])
    one = tf.image.random_flip_left_right(tf.reshape(one, [40, 40, 3]))
    batch = v1.train.shuffle_batch([one, ex["headline"], ex["clicked"]], 64, 2000, 500, num_threads=2)
    banner = v1.placeholder_with_default(batch[0], [None, 40, 40, 3], name="banner")
    headline = v1.placeholder_with_default(batch[1], [None, 12], name="headline")
    clicked = v1.placeholder_with_default(batch[2], [None], name="clicked")
    k = tf.keras.layers
    x = k.Rescaling(1 / 127.5, -1.0)(banner)
    for f in (8, 16):
        x = k.MaxPooling2D()(k.Conv2D(f, 3, activation="relu", padding="same")(x))
    img_vec = k.Dense(16, activation="relu")(k.GlobalAveragePooling2D()(x))
    txt_vec = k.Dense(16, activation="relu")(tf.reduce_mean(k.Embedding(900, 16)(headline), 1))
    joint = tf.concat([img_vec, txt_vec, img_vec * txt_vec], 1)
    logit = tf.squeeze(k.Dense(1)(joint), 1)
    p = tf.sigmoid(logit)
    rate = 0.05
    ctr = tf.divide(p, p + (1.0 - p) / rate, name="ctr")
    loss = tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(labels=clicked, logits=logit))
    entropy = v1.metrics.mean(loss, name="ne")
    v1.summary.scalar("normalized_entropy", entropy[1])
    v1.summary.image("banners", banner, max_outputs=4)
    v1.train.AdamOptimizer(1e-3).minimize(loss)
    return [banner, headline], [ctr]


@case("forecast", modern=True)
def courier_route_eta() -> Truth:
    """Courier route eta.

    Padded road segments of a route, weather by name through a table, driver and departure minute; time
    per segment is learned with the sum only. Dispatch fetches the minutes to arrival.
    """
    seg = v1.placeholder(tf.int32, [None, 20], name="segment_ids")
    metres = v1.placeholder(tf.float32, [None, 20], name="segment_metres")
    n_seg = v1.placeholder(tf.int32, [None], name="n_segments")
    depart = v1.placeholder(tf.float32, [None], name="departure_minute")
    weather = v1.placeholder(tf.string, [None], name="weather")
    driver = v1.placeholder(tf.int32, [None], name="driver")
    took = v1.placeholder(tf.float32, [None], name="took_minutes")
    init = v1.lookup.KeyValueTensorInitializer(["dry", "rain", "snow"], [0, 1, 2], tf.string, tf.int32)
    sky = tf.one_hot(v1.lookup.StaticHashTable(init, 0).lookup(weather), 3)
    phase = depart * (2.0 * math.pi / 1440.0)
    common = tf.concat(
        [tf.sin(phase)[:, None], tf.cos(phase)[:, None], sky, tf.keras.layers.Embedding(200, 4)(driver)], 1
    )
    per = tf.concat([
        tf.keras.layers.Embedding(3000, 12)(seg),
        tf.math.log1p(metres)[:, :, None],
        tf.tile(common[:, None, :], [1, 20, 1]),
    ], 2)  # fmt: skip
    hidden = tf.keras.layers.GRU(16, return_sequences=True, unroll=True)(per)
    pace = tf.nn.softplus(tf.keras.layers.Dense(1)(hidden))[:, :, 0]
    used = tf.sequence_mask(n_seg, 20, tf.float32)
    moving = tf.reduce_sum(pace * metres / 1000.0 * used, axis=1)
    stop = tf.nn.softplus(tf.keras.layers.Dense(1)(common))[:, 0]
    eta = moving + stop
    mape = tf.reduce_mean(tf.abs(eta - took) / tf.maximum(took, 1.0))
    v1.summary.scalar("mape", mape)
    step = v1.train.get_or_create_global_step()
    boundaries = v1.train.piecewise_constant(step, [5000, 20000], [1e-2, 1e-3, 1e-4])
    v1.train.AdamOptimizer(boundaries).minimize(mape, step)
    return [seg, metres, n_seg, depart, weather, driver], [eta]


@case("multi task", plain=True)
def spam_and_language_of_messages() -> Truth:
    """Spam and language of messages.

    A flat script without names: hashed character n-grams (made outside) as a sparse matrix, two linear
    heads, whether it is spam and which language it is; both go to the moderation service.
    """
    sp = v1.sparse_placeholder(tf.float32)
    y1 = v1.placeholder(tf.float32, [None, 1])
    y2 = v1.placeholder(tf.float32, [None, 9])
    norm = tf.sqrt(tf.sparse.reduce_sum(tf.square(sp), 1, keepdims=True) + 1e-9)
    w = tf.Variable(tf.random.normal([4096, 20], stddev=0.01))
    b = tf.Variable(tf.zeros([20]))
    h = tf.nn.relu(tf.sparse.sparse_dense_matmul(sp, w) / norm + b)
    w1, b1 = tf.Variable(tf.zeros([20, 1])), tf.Variable(tf.zeros([1]))
    w2, b2 = tf.Variable(tf.zeros([20, 9])), tf.Variable(tf.zeros([9]))
    o1 = tf.matmul(h, w1) + b1
    o2 = tf.matmul(h, w2) + b2
    p1 = tf.sigmoid(o1)
    p2 = tf.nn.softmax(o2)
    c = tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(labels=y1, logits=o1))
    c += tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(labels=y2, logits=o2))
    c += 1e-4 * tf.nn.l2_loss(w)
    v1.train.AdamOptimizer(0.01).minimize(c)
    tf.reduce_mean(tf.cast(tf.equal(p1 > 0.5, y1 > 0.5), tf.float32))
    tf.reduce_mean(tf.cast(tf.equal(tf.argmax(p2, 1), tf.argmax(y2, 1)), tf.float32))
    return [sp.indices, sp.values, sp.dense_shape], [p1, p2]
