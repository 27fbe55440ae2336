"""Code published with papers, second part: domains, uncertainty, vision, language, physics, control."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import tensorflow as tf

from benchmarks.endpoints.cases import Truth, case, v1

Tensor = Any


class _Dann:
    """Digits of two domains with Keras layers inside a graph of version 1."""

    def __init__(self) -> None:
        self.X = v1.placeholder(tf.uint8, [None, 28, 28, 3])
        self.y = v1.placeholder(tf.float32, [None, 10])
        self.domain = v1.placeholder(tf.float32, [None, 2])
        self.l = v1.placeholder(tf.float32, [])
        self.train = v1.placeholder(tf.bool, [])
        self.layers, self.init = tf.keras.layers, tf.keras.initializers.GlorotUniform(seed=7)
        scaled = (tf.cast(self.X, tf.float32) - tf.constant([81.0, 79.0, 75.0])) / 255.0
        with v1.variable_scope("feature_extractor"):
            h = scaled
            for i, n in enumerate((8, 12)):
                h = self.layers.Conv2D(
                    n,
                    5,
                    padding="same",
                    activation="relu",
                    kernel_initializer=self.init,
                    name=f"dann_conv{i}",
                )(h)
                h = v1.nn.max_pool(h, [1, 2, 2, 1], [1, 2, 2, 1], "SAME")
            self.feature = tf.reshape(h, [-1, 7 * 7 * 12])
        with v1.variable_scope("label_predictor"):
            half = tf.shape(self.feature)[0] // 2
            source = v1.cond(self.train, lambda: self.feature[:half], lambda: self.feature)
            labels = v1.cond(self.train, lambda: self.y[:half], lambda: self.y)
            logits = self.fc(tf.nn.relu(self.fc(source, 16, "dann_fc0")), 10, "dann_fc1")
            self.pred = tf.nn.softmax(logits)
            self.pred_loss = tf.nn.softmax_cross_entropy_with_logits(logits=logits, labels=labels)
        with v1.variable_scope("domain_predictor"):
            feat = (
                tf.stop_gradient((1.0 + self.l) * self.feature) - self.l * self.feature
            )  # reversed gradient
            d_logits = self.fc(tf.nn.relu(self.fc(feat, 16, "dann_d0")), 2, "dann_d1")
            self.domain_pred = tf.nn.softmax(d_logits)
            self.domain_loss = tf.nn.softmax_cross_entropy_with_logits(logits=d_logits, labels=self.domain)
        self.labels = labels

    def fc(self, x: Tensor, n: int, name: str) -> Tensor:
        return self.layers.Dense(n, kernel_initializer=self.init, name=name)(x)


@case("classifier")
def dann_from_digits_to_photos() -> Truth:
    """A domain-adversarial network.

    ``train`` cuts the batch in half and ``l`` scales the reversed gradient; the label predictor serves, the
    domain predictor only regularizes.
    """
    model = _Dann()
    learning_rate = v1.placeholder(tf.float32, [])
    pred_loss, domain_loss = tf.reduce_mean(model.pred_loss), tf.reduce_mean(model.domain_loss)
    v1.train.MomentumOptimizer(learning_rate, 0.9).minimize(pred_loss)
    v1.train.MomentumOptimizer(learning_rate, 0.9).minimize(pred_loss + domain_loss)
    right = tf.equal(tf.argmax(model.labels, 1), tf.argmax(model.pred, 1))
    tf.reduce_mean(tf.cast(right, tf.float32))
    right = tf.equal(tf.argmax(model.domain, 1), tf.argmax(model.domain_pred, 1))
    tf.reduce_mean(tf.cast(right, tf.float32))
    return [model.X], [model.pred]


@case("classifier")
def mixmatch_with_averaged_weights() -> Truth:
    """Semi-supervised learning with guessed and sharpened labels and mixed examples.

    The author evaluates by ``classify_op``, the network with averaged weights, on the very placeholder
    ``x`` that takes labelled images while training (those come from NumPy); the raw one only supervises
    itself.
    """
    hwc, nclass, augmented = [16, 16, 3], 4, 2
    x_in = v1.placeholder(tf.float32, [None, *hwc], "x")
    y_in = v1.placeholder(tf.float32, [None, augmented, *hwc], "y")
    l_in = v1.placeholder(tf.int32, [None], "labels")
    wd, w_match = 0.02, v1.placeholder_with_default(75.0, [], "w_match")
    step = v1.train.get_or_create_global_step()

    def classifier(x: Tensor, getter: Any = None) -> Tensor:
        with v1.variable_scope("classify", reuse=v1.AUTO_REUSE, custom_getter=getter):
            for i, n in enumerate((8, 12)):
                w = v1.get_variable(f"conv{i}/kernel", [3, 3, int(x.shape[-1]), n])
                b = v1.get_variable(f"conv{i}/bias", [n], initializer=v1.zeros_initializer())
                x = tf.nn.leaky_relu(v1.nn.conv2d(x, w, [1, 2, 2, 1], "SAME") + b, 0.1)
            x = tf.reduce_mean(x, [1, 2])
            return tf.matmul(x, v1.get_variable("dense/kernel", [12, nclass])) + v1.get_variable(
                "dense/bias", [nclass]
            )

    def mix(*pairs: Tensor) -> list[Tensor]:
        lam = v1.random_uniform([tf.shape(pairs[0])[0], 1, 1, 1], 0.5, 1.0)
        index = v1.random_shuffle(tf.range(tf.shape(pairs[0])[0]))
        lams = [lam if len(p.shape) == 4 else lam[:, :, 0, 0] for p in pairs]
        return [p * a + tf.gather(p, index) * (1 - a) for p, a in zip(pairs, lams, strict=True)]

    y = tf.reshape(tf.transpose(y_in, [1, 0, 2, 3, 4]), [-1, *hwc])
    guess = tf.reduce_mean(tf.reshape(tf.nn.softmax(classifier(y)), [augmented, -1, nclass]), 0)
    sharp = guess ** (1 / 0.5)
    sharp = tf.stop_gradient(sharp / tf.reduce_sum(sharp, 1, keepdims=True))
    all_x = tf.concat([x_in, y], 0)
    all_l = tf.concat([tf.one_hot(l_in, nclass), tf.tile(sharp, [augmented, 1])], 0)
    mixed_x, mixed_l = mix(all_x, all_l)
    logits, n = classifier(mixed_x), tf.shape(x_in)[0]
    loss_xe = tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(labels=mixed_l[:n], logits=logits[:n]))
    loss_l2u = tf.reduce_mean(tf.square(mixed_l[n:] - tf.nn.softmax(logits[n:])))
    v1.summary.scalar("losses/xe", loss_xe)
    v1.summary.scalar("losses/l2u", loss_l2u)
    variables = v1.trainable_variables("classify")
    ema = v1.train.ExponentialMovingAverage(decay=0.999)
    ema_op = ema.apply(variables)

    def ema_getter(getter: Callable[..., Any], name: str, *args: Any, **kwargs: Any) -> Tensor:
        var = getter(name, *args, **kwargs)
        return ema.average(var) or var

    post_ops = [ema_op] + [v1.assign(v, v * (1 - wd * 0.002)) for v in variables if "kernel" in v.name]
    train_op = v1.train.AdamOptimizer(0.002).minimize(
        loss_xe + w_match * loss_l2u, step, colocate_gradients_with_ops=True
    )
    with tf.control_dependencies([train_op]):
        tf.group(*post_ops)
    tf.nn.softmax(classifier(x_in), name="classify_raw")
    classify_op = tf.nn.softmax(classifier(x_in, ema_getter), name="classify_op")
    return [x_in], [classify_op]


class _Spec(NamedTuple):
    mode: str
    predictions: dict[str, Tensor]
    loss: Tensor
    train_op: Any


def _bayes_model_fn(features: dict[str, Tensor], labels: Tensor, mode: str, params: dict[str, Any]) -> _Spec:
    x = (features["measurements"] - params["mean"]) / params["std"]
    kl: list[Tensor] = []

    def variational(name: str, shape: Sequence[int]) -> tuple[Tensor, Tensor]:
        mu = v1.get_variable(name + "/mu", shape, initializer=v1.random_normal_initializer(stddev=0.1))
        rho = v1.get_variable(name + "/rho", shape, initializer=v1.constant_initializer(-4.0))
        sigma = tf.math.softplus(rho)
        kl.append(tf.reduce_sum(0.5 * (sigma**2 + mu**2) - tf.math.log(sigma) - 0.5))
        return mu, sigma

    sizes = [6, 16, 16, 2]
    posterior = [
        (variational(f"layer{i}/w", [a, b]), variational(f"layer{i}/b", [b]))
        for i, (a, b) in enumerate(pairwise(sizes))
    ]
    draws = []
    for s in range(params["samples"]):
        h = x
        with v1.name_scope(f"draw_{s}"):
            for i, ((w_mu, w_s), (b_mu, b_s)) in enumerate(posterior):
                w = w_mu + w_s * v1.random_normal(w_mu.shape)
                h = tf.matmul(h, w) + b_mu + b_s * v1.random_normal(b_mu.shape)
                h = tf.nn.elu(h) if i < 2 else h
        draws.append(h)
    mu, log_var = tf.unstack(tf.stack(draws), axis=-1)
    mean, between = tf.nn.moments(mu, [0])
    std = tf.sqrt(between + tf.reduce_mean(tf.exp(log_var), 0))
    predictions = {"yield": mean, "uncertainty": std}
    nll = 0.5 * tf.reduce_mean(log_var + (labels[None] - mu) ** 2 * tf.exp(-log_var))
    loss = nll + tf.add_n(kl) / params["n_train"]
    step = v1.train.get_or_create_global_step()
    rate = v1.train.exponential_decay(1e-2, step, 500, 0.9)
    train_op = v1.train.RMSPropOptimizer(rate).minimize(loss, step)
    v1.metrics.mean_absolute_error(labels, mean)
    return _Spec(mode, predictions, loss, train_op)


@case("science", modern=True)
def bayes_by_backprop_with_uncertainty() -> Truth:
    """A ``model_fn`` with sampled weights, fed by a CSV dataset.

    Ten networks are drawn from the posterior; their mean and the total deviation are the predictions, and
    the measurements that the iterator hands out are what one feeds in its place.
    """

    def split(*row: Tensor) -> tuple[dict[str, Tensor], Tensor]:
        return {"measurements": tf.stack(row[:-1])}, row[-1]

    data = tf.data.experimental.CsvDataset("yields.csv", [tf.float32] * 7, header=True)
    data = data.map(split).cache().shuffle(1000).repeat().batch(32)
    features, labels = v1.data.make_one_shot_iterator(data).get_next()
    mean, std = [0.3, 1.2, 5.0, 0.0, 2.5, 7.7], [0.1, 0.4, 2.0, 1.0, 0.7, 3.1]
    params = {"mean": mean, "std": std, "samples": 10, "n_train": 1000.0}
    spec = _bayes_model_fn(features, labels, "train", params)
    return [features["measurements"]], [spec.predictions["yield"], spec.predictions["uncertainty"]]


class _Handwriting:
    def __init__(self, tsteps: int = 4, rnn: int = 16, kmix: int = 3, nmix: int = 4, chars: int = 20) -> None:
        self.input_data = v1.placeholder(tf.float32, [None, tsteps, 3])
        self.target_data = v1.placeholder(tf.float32, [None, tsteps, 3])
        self.char_seq = v1.placeholder(tf.float32, [None, None, chars])
        self.init_kappa = v1.placeholder(tf.float32, [None, kmix, 1])
        self.istates = [[v1.placeholder(tf.float32, [None, rnn]) for _ in "ch"] for _ in range(2)]
        init = v1.truncated_normal_initializer(stddev=0.075)

        def var(name: str, shape: Sequence[int]) -> Tensor:
            with v1.variable_scope("rnn", reuse=v1.AUTO_REUSE):
                return v1.get_variable(name, shape, initializer=init)

        def cell(x: Tensor, state: Sequence[Tensor], name: str) -> list[Tensor]:
            c, h = state
            gates = tf.matmul(tf.concat([x, h], 1), var(name + "/kernel", [int(x.shape[1]) + rnn, 4 * rnn]))
            i, j, f, o = tf.split(gates + var(name + "/bias", [4 * rnn]), 4, 1)
            c = tf.sigmoid(f + 1.0) * c + tf.sigmoid(i) * tf.tanh(j)
            return [c, tf.sigmoid(o) * tf.tanh(c)]

        self.fstates, kappa, outs = [list(s) for s in self.istates], self.init_kappa, []
        u = tf.cast(tf.range(tf.shape(self.char_seq)[1]), tf.float32)[None, None, :]
        for t in range(tsteps):
            x = self.input_data[:, t]
            self.fstates[0] = cell(x, self.fstates[0], "cell0")
            abk = tf.exp(
                tf.matmul(self.fstates[0][1], var("window_w", [rnn, 3 * kmix])) + var("window_b", [3 * kmix])
            )
            alpha, beta, dk = tf.split(abk[:, :, None], 3, 1)
            kappa = kappa + dk
            phi = tf.reduce_sum(alpha * tf.exp(-beta * tf.square(kappa - u)), 1, keepdims=True)
            window = tf.squeeze(tf.matmul(phi, self.char_seq), [1])
            self.fstates[1] = cell(tf.concat([x, self.fstates[0][1], window], 1), self.fstates[1], "cell1")
            outs.append(self.fstates[1][1])
        self.new_kappa = kappa
        flat = tf.reshape(tf.stack(outs, 1), [-1, rnn])
        z = tf.matmul(flat, var("mdn_w", [rnn, 1 + nmix * 6])) + var("mdn_b", [1 + nmix * 6])
        self.eos = tf.sigmoid(-z[:, :1])
        pi, self.mu1, self.mu2, s1, s2, rho = tf.split(z[:, 1:], 6, 1)
        self.pi = tf.nn.softmax(pi)
        self.sigma1, self.sigma2, self.rho = tf.exp(s1), tf.exp(s2), tf.tanh(rho)
        x1, x2, eos = tf.split(tf.reshape(self.target_data, [-1, 3]), 3, 1)
        d1, d2 = (x1 - self.mu1) / self.sigma1, (x2 - self.mu2) / self.sigma2
        one = 1 - tf.square(self.rho)
        gauss = tf.exp(-(d1**2 + d2**2 - 2 * self.rho * d1 * d2) / (2 * one))
        gauss /= 2 * math.pi * self.sigma1 * self.sigma2 * tf.sqrt(one)
        t1 = -tf.math.log(tf.maximum(tf.reduce_sum(gauss * self.pi, 1, keepdims=True), 1e-20))
        t2 = -tf.math.log(self.eos * eos + (1 - self.eos) * (1 - eos))
        self.cost = tf.reduce_mean(t1 + t2)
        self.learning_rate = tf.Variable(0.0, trainable=False)
        tvars = v1.trainable_variables()
        grads, _ = tf.clip_by_global_norm(tf.gradients(self.cost, tvars), 10.0)
        self.train_op = v1.train.RMSPropOptimizer(self.learning_rate, 0.95, 0.9).apply_gradients(
            zip(grads, tvars, strict=True)
        )


@case("sequence")
def handwriting_by_mixture_densities() -> Truth:
    """Handwriting synthesis with a soft window over the text.

    The writer samples in Python: each step feeds the last stroke, the text, the window's position and the
    states, and fetches the mixture and what is to be fed next; targets only train.
    """
    m = _Handwriting()
    states = [s for cell in m.istates for s in cell]
    new_states = [s for cell in m.fstates for s in cell]
    mixture = [m.pi, m.mu1, m.mu2, m.sigma1, m.sigma2, m.rho, m.eos]
    return [m.input_data, m.char_seq, m.init_kappa, *states], [*mixture, m.new_kappa, *new_states]


@case("adversarial")
def energy_model_with_langevin_steps() -> Truth:
    """An implicit generator: an energy function for labelled images, on two GPUs.

    Noise (or older samples of the replay buffer) and labels are fed, Langevin steps run in a loop within
    the graph, and ``x_mod`` is the sample which training contrasts and the sampling script saves.
    """
    step_lr = v1.placeholder_with_default(10.0, (), name="step_lr")
    x_noise = v1.placeholder(tf.float32, (None, 16, 16, 3), name="X_NOISE")
    x = v1.placeholder(tf.float32, (None, 16, 16, 3))
    label = v1.placeholder(tf.float32, (None, 4))
    label_pos = v1.placeholder(tf.float32, (None, 4))
    weights: dict[str, Tensor] = {}
    with v1.variable_scope("ebm"):
        for name, shape in (
            ("c0", (3, 3, 3, 8)),
            ("c1", (3, 3, 8, 16)),
            ("c2", (3, 3, 16, 16)),
            ("fc", (16, 1)),
        ):
            weights[name] = v1.get_variable(name, shape)
        weights["gain"] = v1.get_variable("gain", (4, 8))

    def energy(inp: Tensor, lab: Tensor) -> Tensor:
        h = tf.nn.swish(v1.nn.conv2d(inp, weights["c0"], [1, 1, 1, 1], "SAME"))
        h *= 1.0 + tf.matmul(lab, weights["gain"])[:, None, None, :]
        for name in ("c1", "c2"):
            h = tf.nn.swish(v1.nn.conv2d(h, weights[name], [1, 2, 2, 1], "SAME"))
        return tf.matmul(tf.reduce_sum(h, [1, 2]), weights["fc"])

    splits = [tf.split(t, 2) for t in (x, x_noise, label, label_pos)]
    optimizer, tower_grads, x_mods = v1.train.AdamOptimizer(1e-4, beta1=0.0, beta2=0.999), [], []
    for gpu, (xs, noise, lab, lab_pos) in enumerate(zip(*splits, strict=True)):
        with tf.device(f"/gpu:{gpu}"), v1.name_scope(f"tower_{gpu}"):

            def langevin(i: Tensor, x_mod: Tensor, lab: Tensor = lab) -> tuple[Tensor, Tensor]:
                x_mod += v1.random_normal(tf.shape(x_mod), stddev=0.005)
                grad = tf.gradients(energy(x_mod, lab), [x_mod])[0]
                return i + 1, tf.clip_by_value(
                    x_mod - step_lr * tf.clip_by_value(grad, -0.01, 0.01), 0.0, 1.0
                )

            _, x_mod = v1.while_loop(lambda i, _: i < 20, langevin, (tf.constant(0), noise), back_prop=False)
            x_mod = tf.stop_gradient(x_mod)
            pos, neg = energy(xs, lab_pos), energy(x_mod, lab)
            ml = tf.reduce_mean(pos) - tf.reduce_mean(neg)
            loss = ml + tf.reduce_mean(tf.square(pos)) + tf.reduce_mean(tf.square(neg))
            tower_grads.append(optimizer.compute_gradients(loss, list(weights.values())))
            x_mods.append(x_mod)
    grads = [
        (tf.reduce_mean(tf.stack([g for g, _ in gv]), 0), gv[0][1]) for gv in zip(*tower_grads, strict=True)
    ]
    optimizer.apply_gradients(grads)
    all_mods = tf.concat(x_mods, 0)
    return [x_noise, label], [all_mods]


@case("science")
def monocular_depth_from_video() -> Truth:
    """Depth and motion of the camera learnt from video by warping neighbours onto the target frame.

    Neighbours and intrinsics exist for the loss alone; a single frame (the queue's target image) yields the
    depth, the inverse of the finest disparity.
    """
    b, h, w, seq = 4, 32, 64, 2
    names = v1.train.string_input_producer(["kitti/0001.jpg", "kitti/0002.jpg"], shuffle=True)
    _, contents = v1.WholeFileReader().read(names)
    strip = tf.reshape(tf.image.decode_jpeg(contents), [h, w * (seq + 1), 3])
    tgt = tf.slice(strip, [0, w, 0], [h, w, 3])
    src = tf.concat([tf.slice(strip, [0, 0, 0], [h, w, 3]), tf.slice(strip, [0, 2 * w, 0], [h, w, 3])], 2)
    intrinsics = tf.constant([[40.0, 0, 32.0], [0, 40.0, 16.0], [0, 0, 1.0]])
    tgt_image, src_stack, k = v1.train.batch([tgt, src, intrinsics], batch_size=b)

    def conv(x: Tensor, n: int, scope: str, s: int = 2, act: Any = tf.nn.relu) -> Tensor:
        with v1.variable_scope(scope):
            x = v1.nn.conv2d(x, v1.get_variable("weights", [3, 3, int(x.shape[-1]), n]), [1, s, s, 1], "SAME")
            x = tf.nn.bias_add(x, v1.get_variable("biases", [n], initializer=v1.zeros_initializer()))
            return act(x) if act else x

    tgt_f, src_f = (tf.image.convert_image_dtype(i, tf.float32) * 2.0 - 1.0 for i in (tgt_image, src_stack))
    with v1.variable_scope("depth_net"):
        c1 = conv(tgt_f, 8, "cnv1")
        c2 = conv(c1, 12, "cnv2")
        c3 = conv(c2, 16, "cnv3")
        u2 = conv(tf.concat([v1.image.resize_bilinear(c3, [h // 4, w // 4]), c2], 3), 12, "icnv2", 1)
        disp2 = 10 * conv(u2, 1, "disp2", 1, tf.sigmoid) + 0.01
        u1 = conv(tf.concat([v1.image.resize_bilinear(u2, [h // 2, w // 2]), c1], 3), 8, "icnv1", 1)
        up = v1.image.resize_bilinear(
            tf.concat([u1, v1.image.resize_bilinear(disp2, [h // 2, w // 2])], 3), [h, w]
        )
        disp1 = 10 * conv(up, 1, "disp1", 1, tf.sigmoid) + 0.01
    pred_depth = [1.0 / d for d in (disp1, disp2)]
    with v1.variable_scope("pose_exp_net"):
        pose_feat = conv(conv(tf.concat([tgt_f, src_f], 3), 8, "cnv1"), 16, "cnv2")
        pose = 0.01 * tf.reshape(
            tf.reduce_mean(conv(pose_feat, 3 * seq, "pred", 1, None), [1, 2]), [-1, seq, 3]
        )
    xs, ys = tf.meshgrid(tf.range(float(w)), tf.range(float(h)))
    grid = tf.tile(tf.stack([tf.reshape(v, [-1]) for v in (xs, ys, tf.ones_like(xs))])[None], [b, 1, 1])
    pixel_loss, smooth = 0.0, 0.0
    for scale, depth in enumerate(pred_depth):
        flat = tf.reshape(v1.image.resize_bilinear(depth, [h, w]), [b, 1, -1])
        for s in range(seq):
            cam = tf.matmul(tf.linalg.inv(k), grid) * flat + pose[:, s, :, None]
            proj = tf.matmul(k, cam)
            px, py = tf.unstack(proj[:, :2] / (proj[:, 2:] + 1e-6), axis=1)
            image = tf.reshape(src_f[..., 3 * s : 3 * s + 3], [b, h * w, 3])
            warped = tf.zeros_like(image)
            for dx, dy in ((0, 0), (0, 1), (1, 0), (1, 1)):
                x0, y0 = tf.floor(px) + dx, tf.floor(py) + dy
                weight = tf.nn.relu(1 - tf.abs(px - x0)) * tf.nn.relu(1 - tf.abs(py - y0))
                at = tf.clip_by_value(y0, 0, h - 1) * w + tf.clip_by_value(x0, 0, w - 1)
                warped += weight[:, :, None] * tf.gather(image, tf.cast(at, tf.int32), batch_dims=1)
            warped = tf.reshape(warped, [b, h, w, 3])
            pixel_loss += tf.reduce_mean(tf.abs(warped - tgt_f)) / (seq * 2**scale)
        smooth += tf.reduce_mean(tf.abs(depth[:, :, 1:] - depth[:, :, :-1])) / 2**scale
    total = pixel_loss + 0.5 * smooth
    step = tf.Variable(0, name="global_step", trainable=False)
    v1.train.AdamOptimizer(2e-4, 0.9).minimize(total, global_step=step, var_list=v1.trainable_variables())
    v1.summary.image("target_image", tgt_image)
    v1.summary.image("disparity", disp1)
    v1.summary.histogram("tx", pose[:, :, 0])
    return [tgt_image], [pred_depth[0]]


class _VideoModel:
    def __init__(
        self, images: Tensor, actions: Tensor, states: Tensor, iter_num: Tensor, reuse: bool, k: float
    ) -> None:  # fmt: skip
        context, steps = 2, 5
        gen_images: list[Tensor] = []
        gen_states: list[Tensor] = []
        with v1.variable_scope("model", reuse=reuse):
            state, lstm_h, lstm_c = states[:, 0], None, None
            for t in range(steps - 1):
                with v1.variable_scope("step", reuse=reuse or t > 0):
                    if t < context:
                        prev = images[:, t]
                    elif k < 0:
                        prev = gen_images[-1]
                    else:
                        chance = k / (k + tf.exp(iter_num / k))
                        pick = v1.random_uniform([tf.shape(images)[0]]) < chance
                        prev = v1.where(pick, images[:, t], gen_images[-1])
                    enc = tf.nn.relu(self.conv(prev, 8, "enc0", 2))
                    extra = tf.concat([actions[:, t], state], 1)
                    smear = tf.tile(extra[:, None, None, :], [1, 8, 8, 1])
                    enc = tf.concat([enc, smear], 3)
                    lstm_h = tf.zeros_like(enc[..., :8]) if lstm_h is None else lstm_h
                    lstm_c = tf.zeros_like(enc[..., :8]) if lstm_c is None else lstm_c
                    i, j, f, o = tf.split(self.conv(tf.concat([enc, lstm_h], 3), 32, "lstm", 1), 4, 3)
                    lstm_c = tf.sigmoid(f + 1) * lstm_c + tf.sigmoid(i) * tf.tanh(j)
                    lstm_h = tf.sigmoid(o) * tf.tanh(lstm_c)
                    up = v1.image.resize_nearest_neighbor(lstm_h, [16, 16])
                    kernels = tf.nn.relu(self.conv(up, 9, "dna", 1)) + 1e-12
                    kernels /= tf.reduce_sum(kernels, 3, keepdims=True)
                    pad = tf.pad(prev, [[0, 0], [1, 1], [1, 1], [0, 0]])
                    moved = [pad[:, y : y + 16, x : x + 16] for y in range(3) for x in range(3)]
                    gen_images.append(tf.add_n([m * kernels[..., n : n + 1] for n, m in enumerate(moved)]))
                    state = tf.matmul(extra, v1.get_variable("state_pred/w", [int(extra.shape[1]), 3]))
                    gen_states.append(state)
        self.gen_images = tf.stack(gen_images, 1)
        self.loss = tf.reduce_mean(tf.square(images[:, context:steps] - self.gen_images[:, context - 1 :]))
        self.loss += 1e-4 * tf.reduce_mean(tf.square(states[:, context:steps] - tf.stack(gen_states[1:], 1)))
        if not reuse:
            self.lr = v1.placeholder_with_default(0.001, ())
            self.train_op = v1.train.AdamOptimizer(self.lr).minimize(self.loss)
        prefix = "val_model" if reuse else "train_model"
        self.summ_op = v1.summary.merge([v1.summary.scalar(prefix + "/loss", self.loss)])

    @staticmethod
    def conv(x: Tensor, n: int, name: str, stride: int) -> Tensor:
        w = v1.get_variable(name + "/w", [3, 3, int(x.shape[-1]), n])
        return v1.nn.conv2d(x, w, [1, stride, stride, 1], "SAME")


@case("forecast")
def video_of_the_pushing_robot() -> Truth:
    """Action-conditioned prediction of video: a model to train (scheduled sampling), one to validate.

    The second, which goes on from its own frames, is the one to deploy: first frames, actions and the first
    state go in (whole arrays are fed), the predicted frames come out; ``iter_num`` only schedules.
    """
    images = v1.placeholder(tf.float32, [None, 5, 16, 16, 3])
    actions = v1.placeholder(tf.float32, [None, 5, 4])
    states = v1.placeholder(tf.float32, [None, 5, 3])
    iter_num = v1.placeholder(tf.float32, [])
    _VideoModel(images, actions, states, iter_num, reuse=False, k=900.0)
    val_model = _VideoModel(images, actions, states, iter_num, reuse=True, k=-1)
    return [images, actions, states], [val_model.gen_images]


@case("autoencoder", modern=True)
def implicit_field_of_shapes() -> Truth:
    """An implicit decoder: voxels are encoded, and any point in space is asked for its occupancy.

    ``sG`` is the evaluation part with moving statistics and shared weights; marching cubes is run outside
    on the values at the points which one feeds.
    """
    ef, z_dim = 4, 8
    vox3d = v1.placeholder(tf.float32, [1, 16, 16, 16, 1])
    point_coord = v1.placeholder(tf.float32, [None, 3])
    point_value = v1.placeholder(tf.float32, [None, 1])

    def bn(x: Tensor, scope: str, train: bool) -> Tensor:
        n = [int(x.shape[-1])]
        with v1.variable_scope(scope):
            gamma, beta = v1.get_variable("gamma", n), v1.get_variable("beta", n)
            mm = v1.get_variable("moving_mean", n, trainable=False)
            mv = v1.get_variable("moving_variance", n, trainable=False, initializer=v1.ones_initializer())
        if not train:
            return tf.nn.batch_normalization(x, mm, mv, beta, gamma, 1e-5)
        m, v = tf.nn.moments(x, [0, 1, 2, 3])
        with tf.control_dependencies([mm.assign(mm * 0.999 + m * 0.001), mv.assign(mv * 0.999 + v * 0.001)]):
            return tf.nn.batch_normalization(x, m, v, beta, gamma, 1e-5)

    def encoder(x: Tensor, phase_train: bool, reuse: bool) -> Tensor:
        with v1.variable_scope("encoder", reuse=reuse):
            for i in range(1, 4):
                w = v1.get_variable(f"conv_{i}/filter", [4, 4, 4, int(x.shape[-1]), ef * 2 ** (i - 1)])
                x = bn(v1.nn.conv3d(x, w, [1, 2, 2, 2, 1], "SAME"), f"bn_{i}", phase_train)
                x = tf.maximum(x, x * 0.02)
            w = v1.get_variable("conv_5/filter", [2, 2, 2, int(x.shape[-1]), z_dim])
            return tf.nn.sigmoid(tf.reshape(v1.nn.conv3d(x, w, [1, 1, 1, 1, 1], "VALID"), [1, z_dim]))

    def generator(points: Tensor, z: Tensor, reuse: bool) -> Tensor:
        with v1.variable_scope("simple_net", reuse=reuse):
            h = tf.concat([points, tf.tile(z, [tf.shape(points)[0], 1])], 1)
            for i, n in enumerate((32, 16, 1), 1):
                w = v1.get_variable(f"h{i}_lin/Matrix", [int(h.shape[1]), n])
                h = tf.matmul(h, w) + v1.get_variable(f"h{i}_lin/bias", [n])
                h = tf.maximum(h, h * 0.02) if n > 1 else tf.maximum(tf.minimum(h, h * 0.01 + 0.99), h * 0.01)
            return h

    e = encoder(vox3d, phase_train=True, reuse=False)
    g = generator(point_coord, e, reuse=False)
    s_e = encoder(vox3d, phase_train=False, reuse=True)
    s_g = generator(point_coord, s_e, reuse=True)
    loss = tf.reduce_mean(tf.square(point_value - g))
    v1.train.AdamOptimizer(5e-5, beta1=0.5, beta2=0.999).minimize(loss)
    return [vox3d, point_coord], [s_g]


@case("language")
def caption_step_with_attention() -> Truth:
    """Captions with attention over image regions: an unrolled part to train and one step for the beam search.

    The search is Python: it feeds the regions, the states and the last words, and fetches the next words'
    probabilities and both states, beginning with zeros.
    """
    vocab, dim, ctx, length, regions = 50, 16, 12, 5, 9
    contexts = v1.placeholder(tf.float32, [None, regions, ctx], name="contexts")
    sentences = v1.placeholder(tf.int32, [None, length], name="sentences")
    masks = v1.placeholder(tf.float32, [None, length], name="masks")
    last_memory = v1.placeholder(tf.float32, [None, dim], name="last_memory")
    last_output = v1.placeholder(tf.float32, [None, dim], name="last_output")
    last_word = v1.placeholder(tf.int32, [None], name="last_word")
    keep = v1.placeholder_with_default(1.0, [], name="fc_keep")

    def fc(x: Tensor, n: int, name: str, activation: Any = None) -> Tensor:
        w = v1.get_variable(name + "/kernel", [int(x.shape[-1]), n])
        y = tf.tensordot(x, w, 1) + v1.get_variable(name + "/bias", [n])
        return activation(y) if activation else y

    def step(word: Tensor, memory: Tensor, output: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        with v1.variable_scope("decode_step", reuse=v1.AUTO_REUSE):
            t1 = (
                fc(contexts, dim, "attend/fc_1a", tf.tanh) + fc(output, dim, "attend/fc_1b", tf.tanh)[:, None]
            )
            alpha = tf.nn.softmax(tf.squeeze(fc(tf.nn.dropout(t1, rate=1 - keep), 1, "attend/fc_2"), 2))
            context = tf.reduce_sum(contexts * alpha[:, :, None], axis=1)
            embedded = tf.nn.embedding_lookup(v1.get_variable("word_embedding", [vocab, dim]), word)
            i, j, f, o = tf.split(fc(tf.concat([context, embedded, output], 1), 4 * dim, "lstm"), 4, 1)
            memory = tf.sigmoid(f) * memory + tf.sigmoid(i) * tf.tanh(j)
            output = tf.sigmoid(o) * tf.tanh(memory)
            expanded = tf.nn.dropout(tf.concat([output, context, embedded], 1), rate=1 - keep)
            return fc(expanded, vocab, "decode/fc"), memory, output, alpha

    memory = output = tf.zeros([tf.shape(contexts)[0], dim])
    word, entropies, hits, alphas = tf.zeros_like(sentences[:, 0]), [], [], []
    for t in range(length):
        logits, memory, output, alpha = step(word, memory, output)
        ce = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=sentences[:, t], logits=logits)
        entropies.append(ce * masks[:, t])
        alphas.append(alpha * masks[:, t, None])
        prediction = tf.argmax(logits, 1, output_type=tf.int32)
        hits.append(tf.cast(tf.equal(prediction, sentences[:, t]), tf.float32) * masks[:, t])
        word = sentences[:, t]
    total = tf.reduce_sum(tf.stack(entropies)) / tf.reduce_sum(masks)
    attention = tf.nn.l2_loss(1.0 - tf.add_n(alphas)) * 0.01 / regions
    accuracy = tf.reduce_sum(tf.stack(hits)) / tf.reduce_sum(masks)
    for name, value in (("cross_entropy", total), ("attention", attention), ("accuracy", accuracy)):
        v1.summary.scalar(name, value)
    step_count = tf.Variable(0, trainable=False, name="global_step")
    optimizer = v1.train.AdamOptimizer(v1.train.exponential_decay(1e-4, step_count, 1000, 0.9))
    gvs = optimizer.compute_gradients(total + attention)
    clipped, _ = tf.clip_by_global_norm([g for g, _ in gvs], 5.0)
    optimizer.apply_gradients([(g, v) for g, (_, v) in zip(clipped, gvs, strict=True)], step_count)
    logits, new_memory, new_output, _ = step(last_word, last_memory, last_output)
    probs = tf.nn.softmax(logits, name="probs")
    return [contexts, last_memory, last_output, last_word], [probs, new_memory, new_output]


class _Coref:
    def __init__(self) -> None:
        props = [
            (tf.float32, [None, None, 12]),  # word vectors: sentences, words, size
            (tf.int32, [None]),  # lengths of the sentences
            (tf.int32, [None]),  # speakers
            (tf.int32, []),  # genre
            (tf.bool, []),  # is training
            (tf.int32, [None]),  # gold starts
            (tf.int32, [None]),  # gold ends
            (tf.int32, [None]),  # cluster ids
        ]
        self.queue_input_tensors = [v1.placeholder(dtype, shape) for dtype, shape in props]
        dtypes, shapes = zip(*props, strict=True)
        queue = v1.PaddingFIFOQueue(capacity=10, dtypes=dtypes, shapes=shapes)
        self.enqueue_op = queue.enqueue(self.queue_input_tensors)
        self.input_tensors = queue.dequeue()
        self.predictions, self.loss = self.predict(*self.input_tensors)
        self.global_step = tf.Variable(0, name="global_step", trainable=False)
        rate = v1.train.exponential_decay(0.001, self.global_step, 100, 0.999, staircase=True)
        params = v1.trainable_variables()
        gradients, _ = tf.clip_by_global_norm(tf.gradients(self.loss, params), 5.0)
        self.train_op = v1.train.AdamOptimizer(rate).apply_gradients(
            zip(gradients, params, strict=True), global_step=self.global_step
        )

    @staticmethod
    def ffnn(x: Tensor, n: int, scope: str, dropout: Tensor) -> Tensor:
        with v1.variable_scope(scope):
            w0 = v1.get_variable("hidden_weights_0", [int(x.shape[-1]), 16])
            hidden = tf.nn.relu(tf.tensordot(x, w0, 1) + v1.get_variable("hidden_bias_0", [16]))
            hidden = tf.nn.dropout(hidden, rate=1 - dropout)
            return tf.tensordot(hidden, v1.get_variable("output_weights", [16, n]), 1)

    def predict(
        self, words: Tensor, lens: Tensor, speakers: Tensor, genre: Tensor, training: Tensor,
        gold_starts: Tensor, gold_ends: Tensor, cluster_ids: Tensor,
    ) -> tuple[list[Tensor], Tensor]:  # fmt: skip
        keep = 1 - tf.cast(training, tf.float32) * 0.2
        x = tf.nn.dropout(words, rate=1 - keep)
        k = v1.get_variable("context/filter", [3, 12, 16])
        out = tf.nn.relu(v1.nn.conv1d(x, k, 1, "SAME"))
        real = tf.sequence_mask(lens, maxlen=tf.shape(words)[1])
        flat = tf.boolean_mask(out, real)
        n = tf.shape(flat)[0]
        sentence = tf.tile(tf.range(tf.shape(lens)[0])[:, None], [1, tf.shape(words)[1]])
        sentence = tf.boolean_mask(sentence, real)
        starts = tf.tile(tf.range(n)[:, None], [1, 5])
        ends = starts + tf.range(5)[None]
        same = tf.equal(tf.gather(sentence, starts), tf.gather(sentence, tf.minimum(ends, n - 1)))
        valid = tf.logical_and(ends < n, same)
        c_starts, c_ends = tf.boolean_mask(starts, valid), tf.boolean_mask(ends, valid)
        width = tf.gather(v1.get_variable("span_width_embeddings", [5, 4]), c_ends - c_starts)
        emb = tf.concat([tf.gather(flat, c_starts), tf.gather(flat, c_ends), width], 1)
        mention_scores = tf.squeeze(self.ffnn(emb, 1, "mention_scores", keep), 1)
        count = tf.minimum(tf.shape(mention_scores)[0], tf.cast(tf.cast(n, tf.float32) * 0.4, tf.int32))
        _, top = tf.nn.top_k(mention_scores, count)
        top = tf.gather(top, tf.argsort(tf.gather(c_starts, top)))
        top_starts, top_ends, top_emb = (tf.gather(t, top) for t in (c_starts, c_ends, emb))
        top_scores, top_speaker = tf.gather(mention_scores, top), tf.gather(speakers, top_starts)
        hit = tf.logical_and(
            tf.equal(top_starts[:, None], gold_starts[None]), tf.equal(top_ends[:, None], gold_ends[None])
        )
        top_cluster = tf.squeeze(tf.matmul(tf.cast(hit, tf.int32), cluster_ids[:, None]), 1)
        antecedents = tf.maximum(tf.range(count)[:, None] - tf.range(1, 6)[None], 0)
        mask = (tf.range(count)[:, None] - tf.range(1, 6)[None]) >= 0
        a_emb = tf.gather(top_emb, antecedents)
        t_emb = tf.tile(top_emb[:, None], [1, 5, 1])
        same_speaker = tf.cast(tf.equal(top_speaker[:, None], tf.gather(top_speaker, antecedents)), tf.int32)
        speaker_emb = tf.gather(v1.get_variable("same_speaker_emb", [2, 4]), same_speaker)
        genre_emb = tf.gather(v1.get_variable("genre_embeddings", [7, 4]), genre)
        genre_emb = tf.tile(genre_emb[None, None], [count, 5, 1])
        pair = tf.concat([t_emb, a_emb, t_emb * a_emb, speaker_emb, genre_emb], 2)
        slow = tf.squeeze(self.ffnn(pair, 1, "slow_antecedent_scores", keep), 2)
        scores = slow + top_scores[:, None] + tf.gather(top_scores, antecedents)
        scores += tf.math.log(tf.cast(mask, tf.float32))
        scores = tf.concat([tf.zeros([count, 1]), scores], 1)
        a_cluster = tf.gather(top_cluster, antecedents) * tf.cast(mask, tf.int32)
        labels = tf.logical_and(tf.equal(a_cluster, top_cluster[:, None]), (top_cluster > 0)[:, None])
        dummy = tf.logical_not(tf.reduce_any(labels, 1, keepdims=True))
        gold = scores + tf.math.log(tf.cast(tf.concat([dummy, labels], 1), tf.float32))
        loss = tf.reduce_sum(tf.reduce_logsumexp(scores, [1]) - tf.reduce_logsumexp(gold, [1]))
        return [top_starts, top_ends, antecedents, scores], loss


@case("tagger")
def coreference_end_to_end() -> Truth:
    """Coreference over spans, trained from a padding queue.

    At prediction the author feeds the dequeued tensors themselves; gold mentions go into the loss alone,
    and clusters are made in Python out of the top spans, their antecedents and the scores.
    """
    model = _Coref()
    return model.input_tensors[:4], model.predictions


class _FlowByPhysics:
    def __init__(self, layers: Sequence[int]) -> None:
        self.weights = [
            (
                tf.Variable(v1.truncated_normal([a, b], stddev=math.sqrt(2 / (a + b)))),
                tf.Variable(tf.zeros([1, b])),
            )
            for a, b in pairwise(layers)
        ]
        self.lambda_1, self.lambda_2 = tf.Variable([0.0]), tf.Variable([0.0])
        self.x_tf, self.y_tf, self.t_tf, self.u_tf, self.v_tf = (
            v1.placeholder(tf.float32, shape=[None, 1]) for _ in range(5)
        )
        self.u_pred, self.v_pred, self.p_pred, f_u, f_v = self.net_ns(self.x_tf, self.y_tf, self.t_tf)
        residuals = (self.u_tf - self.u_pred, self.v_tf - self.v_pred, f_u, f_v)
        self.loss = tf.add_n([tf.reduce_sum(tf.square(r)) for r in residuals])
        self.train_op_adam = v1.train.AdamOptimizer().minimize(self.loss)

    def net_ns(self, x: Tensor, y: Tensor, t: Tensor) -> tuple[Tensor, ...]:
        h = 2.0 * tf.concat([x, y, t], 1) / [8.0, 4.0, 20.0] - 1.0
        for w, b in self.weights[:-1]:
            h = tf.tanh(tf.add(tf.matmul(h, w), b))
        psi_and_p = tf.add(tf.matmul(h, self.weights[-1][0]), self.weights[-1][1])
        psi, p = psi_and_p[:, 0:1], psi_and_p[:, 1:2]
        u, v = tf.gradients(psi, y)[0], -tf.gradients(psi, x)[0]
        (u_t, u_x, u_y), (v_t, v_x, v_y) = tf.gradients(u, [t, x, y]), tf.gradients(v, [t, x, y])
        p_x, p_y = tf.gradients(p, [x, y])
        laplace_u = tf.gradients(u_x, x)[0] + tf.gradients(u_y, y)[0]
        laplace_v = tf.gradients(v_x, x)[0] + tf.gradients(v_y, y)[0]
        f_u = u_t + self.lambda_1 * (u * u_x + v * u_y) + p_x - self.lambda_2 * laplace_u
        f_v = v_t + self.lambda_1 * (u * v_x + v * v_y) + p_y - self.lambda_2 * laplace_v
        return u, v, p, f_u, f_v


@case("science")
def physics_informed_wake() -> Truth:
    """Flow behind a cylinder from a stream function which a network learns under the Navier-Stokes equations.

    ``predict`` feeds coordinates and time and fetches both velocities, which are themselves gradients, and
    the pressure; residuals are for the loss.
    """
    model = _FlowByPhysics([3, 12, 12, 2])
    return [model.x_tf, model.y_tf, model.t_tf], [model.u_pred, model.v_pred, model.p_pred]


@case("science", plain=True)
def ensemble_of_dynamics_models() -> Truth:
    """Probabilistic ensembles for model-based control: five networks in tensors of rank three.

    Training has its own placeholders with an axis for the networks; the planner feeds observation and
    action in one row and fetches the mean and variance over the ensemble.
    """
    nets, d_in, d_out = 5, 6, 4
    with v1.variable_scope("dynamics"):
        mu = v1.get_variable(
            "scaler_mu", [1, d_in], initializer=v1.constant_initializer(0.0), trainable=False
        )
        sigma = v1.get_variable(
            "scaler_std", [1, d_in], initializer=v1.constant_initializer(1.0), trainable=False
        )
        max_logvar = tf.Variable(tf.ones([1, d_out]) / 2.0, name="max_log_var")
        min_logvar = tf.Variable(-tf.ones([1, d_out]) * 10.0, name="min_log_var")
        sizes = [d_in, 16, 16, 2 * d_out]
        params = [
            (
                v1.get_variable(f"Layer{i}/FC_weights", [nets, a, b]),
                v1.get_variable(f"Layer{i}/FC_biases", [nets, 1, b]),
            )
            for i, (a, b) in enumerate(pairwise(sizes))
        ]

    def compile_outputs(inputs: Tensor) -> tuple[Tensor, Tensor]:
        cur = (inputs - mu) / sigma
        for i, (w, b) in enumerate(params):
            cur = (tf.einsum("ij,ajk->aik", cur, w) if cur.shape.rank == 2 else tf.matmul(cur, w)) + b
            cur = tf.nn.swish(cur) if i < len(params) - 1 else cur
        logvar = max_logvar - tf.nn.softplus(max_logvar - cur[:, :, d_out:])
        return cur[:, :, :d_out], min_logvar + tf.nn.softplus(logvar - min_logvar)

    sy_train_in = v1.placeholder(tf.float32, [nets, None, d_in], name="training_inputs")
    sy_train_targ = v1.placeholder(tf.float32, [nets, None, d_out], name="training_targets")
    mean, log_var = compile_outputs(sy_train_in)
    loss = tf.reduce_sum(tf.reduce_mean(tf.square(mean - sy_train_targ) * tf.exp(-log_var) + log_var, [1, 2]))
    loss += 0.01 * (tf.reduce_sum(max_logvar) - tf.reduce_sum(min_logvar))
    loss += tf.add_n([0.0005 * tf.nn.l2_loss(w) for w, _ in params])
    v1.train.AdamOptimizer(0.001).minimize(loss)
    tf.reduce_mean(tf.square(mean - sy_train_targ), [1, 2], name="mse_of_each")
    sy_pred_in2d = v1.placeholder(tf.float32, [None, d_in], name="2D_training_inputs")
    means, logvars = compile_outputs(sy_pred_in2d)
    sy_pred_mean2d = tf.reduce_mean(means, 0)
    between = tf.reduce_mean(tf.square(means - sy_pred_mean2d), 0)
    sy_pred_var2d = tf.reduce_mean(tf.exp(logvars), 0) + between
    return [sy_pred_in2d], [sy_pred_mean2d, sy_pred_var2d]


class _Qmix:
    def __init__(self, agents: int = 3, obs: int = 8, state: int = 10, acts: int = 5, hid: int = 12) -> None:
        self.n, self.acts, self.hid, steps = agents, acts, hid, 4
        # acting
        self.o = v1.placeholder(tf.float32, [None, obs], name="o")
        self.u_last = v1.placeholder(tf.float32, [None, acts], name="u_last")
        self.h_in = v1.placeholder(tf.float32, [None, hid], name="hidden_in")
        # learning
        self.s = v1.placeholder(tf.float32, [None, steps + 1, state], name="s")
        self.os = v1.placeholder(tf.float32, [None, steps + 1, agents, obs], name="o_batch")
        self.us = v1.placeholder(tf.int32, [None, steps + 1, agents], name="u")
        self.r = v1.placeholder(tf.float32, [None, steps], name="r")
        self.mask = v1.placeholder(tf.float32, [None, steps], name="mask")
        self.avail_u_next = v1.placeholder(tf.float32, [None, steps, agents, acts], name="avail_u_next")
        self.q_evals, self.h_out = self.agent(self.o, self.u_last, self.h_in, "eval")
        chosen = tf.one_hot(self.us, acts)
        totals = []
        for scope in ("eval", "target"):
            h, qs = tf.zeros([tf.shape(self.r)[0] * agents, hid]), []
            for t in range(steps + 1):
                last = chosen[:, t - 1] if t else tf.zeros_like(chosen[:, 0])
                q, h = self.agent(
                    tf.reshape(self.os[:, t], [-1, obs]), tf.reshape(last, [-1, acts]), h, scope
                )
                qs.append(tf.reshape(q, [-1, agents, acts]))
            if scope == "eval":
                taken = [tf.reduce_sum(q * chosen[:, t], 2) for t, q in enumerate(qs[:-1])]
                states = self.s[:, :-1]
            else:
                taken = [
                    tf.reduce_max(q - 1e7 * (1 - self.avail_u_next[:, t]), 2) for t, q in enumerate(qs[1:])
                ]
                states = self.s[:, 1:]
            totals.append(self.mixer(tf.stack(taken, 1), states, scope))
        target = self.r + 0.99 * tf.stop_gradient(totals[1])
        self.loss = tf.reduce_sum(tf.square((target - totals[0]) * self.mask)) / tf.reduce_sum(self.mask)
        e, t_ = v1.trainable_variables("eval"), v1.trainable_variables("target")
        grads, _ = tf.clip_by_global_norm(tf.gradients(self.loss, e), 10.0)
        self.train_op = v1.train.RMSPropOptimizer(5e-4).apply_gradients(zip(grads, e, strict=True))
        self.replace = [v1.assign(b, a) for a, b in zip(e, t_, strict=True)]

    def agent(self, o: Tensor, last: Tensor, h: Tensor, scope: str) -> tuple[Tensor, Tensor]:
        with v1.variable_scope(scope + "/rnn", reuse=v1.AUTO_REUSE):
            x = tf.concat([o, last], 1)
            x = tf.nn.relu(tf.matmul(x, v1.get_variable("fc1", [int(x.shape[1]), self.hid])))
            zr = tf.sigmoid(
                tf.matmul(tf.concat([x, h], 1), v1.get_variable("gru_zr", [2 * self.hid, 2 * self.hid]))
            )
            z, r = tf.split(zr, 2, 1)
            new = tf.tanh(
                tf.matmul(tf.concat([x, r * h], 1), v1.get_variable("gru_n", [2 * self.hid, self.hid]))
            )
            h = z * h + (1 - z) * new
            return tf.matmul(h, v1.get_variable("fc2", [self.hid, self.acts])), h

    def mixer(self, q: Tensor, s: Tensor, scope: str) -> Tensor:
        with v1.variable_scope(scope + "/mixer", reuse=v1.AUTO_REUSE):
            size, steps = int(s.shape[2]), int(s.shape[1])
            w1 = tf.abs(tf.tensordot(s, v1.get_variable("hyper_w1", [size, self.n * 8]), 1))
            w1 = tf.reshape(w1, [-1, steps, self.n, 8])
            b1 = tf.tensordot(s, v1.get_variable("hyper_b1", [size, 8]), 1)
            hidden = tf.nn.elu(tf.squeeze(tf.matmul(q[:, :, None], w1), 2) + b1)
            w2 = tf.abs(tf.tensordot(s, v1.get_variable("hyper_w2", [size, 8]), 1))
            return tf.reduce_sum(hidden * w2, 2) + tf.tensordot(s, v1.get_variable("hyper_b2", [size]), 1)


@case("agent")
def qmix_of_recurrent_agents() -> Truth:
    """Cooperating agents with mixed values.

    State, mixers and target networks belong to learning; acting feeds each agent's observation, last action
    and hidden state and fetches its values (epsilon and available actions are NumPy) and the new hidden
    state.
    """
    model = _Qmix()
    return [model.o, model.u_last, model.h_in], [model.q_evals, model.h_out]
