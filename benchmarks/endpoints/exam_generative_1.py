"""Autoencoders, and generators that count likelihoods: written as scripts, classes and model functions."""

# ruff: noqa: N806 - names as their authors write them

from __future__ import annotations

import math
from typing import Any

import numpy as np
import tensorflow as tf

from benchmarks.endpoints.cases import Truth, Truths, case, v1

Tensor = Any


def _fc(x: Tensor, units: int, scope: str, act: Any = None) -> Tensor:
    with v1.variable_scope(scope, reuse=v1.AUTO_REUSE):
        w = v1.get_variable("w", [int(x.shape[-1]), units], initializer=v1.glorot_uniform_initializer())
        b = v1.get_variable("b", [units], initializer=v1.zeros_initializer())
        out = v1.nn.xw_plus_b(x, w, b)
        return out if act is None else act(out)


def _conv(x: Tensor, filters: int, k: int, scope: str, stride: int = 1, act: Any = tf.nn.relu) -> Tensor:
    with v1.variable_scope(scope, reuse=v1.AUTO_REUSE):
        w = v1.get_variable("filter", [k, k, int(x.shape[-1]), filters])
        b = v1.get_variable("bias", [filters], initializer=v1.zeros_initializer())
        out = tf.nn.bias_add(v1.nn.conv2d(x, w, [1, stride, stride, 1], "SAME"), b)
        return out if act is None else act(out)


def _up(x: Tensor, filters: int, k: int, scope: str, act: Any = tf.nn.relu) -> Tensor:
    with v1.variable_scope(scope, reuse=v1.AUTO_REUSE):
        w = v1.get_variable("filter", [k, k, filters, int(x.shape[-1])])
        s = tf.shape(x)
        out = v1.nn.conv2d_transpose(
            x, w, tf.stack([s[0], s[1] * 2, s[2] * 2, filters]), [1, 2, 2, 1], "SAME"
        )
        return out if act is None else act(out)


@case("autoencoder")
def denoising_autoencoder_of_the_course() -> Truth:
    """A course notebook: noisy digits go in, clean ones are the targets; nearest neighbour upsampling."""
    inputs_ = v1.placeholder(tf.float32, (None, 28, 28, 1), name="inputs")
    targets_ = v1.placeholder(tf.float32, (None, 28, 28, 1), name="targets")
    net = inputs_
    for i, depth in enumerate((16, 8, 8)):
        kernel = v1.Variable(tf.random.truncated_normal([3, 3, int(net.shape[-1]), depth], stddev=0.05))
        net = tf.nn.relu(
            v1.nn.conv2d(net, kernel, strides=[1, 1, 1, 1], padding="SAME") + v1.Variable(tf.zeros(depth))
        )
        net = v1.nn.max_pool(net, [1, 2, 2, 1], [1, 2, 2, 1], "SAME", name=f"maxpool{i + 1}")
    # now 4x4x8
    for side, depth in ((7, 8), (14, 8), (28, 16)):
        net = v1.image.resize_nearest_neighbor(net, (side, side))
        kernel = v1.Variable(tf.random.truncated_normal([3, 3, int(net.shape[-1]), depth], stddev=0.05))
        net = tf.nn.relu(
            v1.nn.conv2d(net, kernel, strides=[1, 1, 1, 1], padding="SAME") + v1.Variable(tf.zeros(depth))
        )
    kernel = v1.Variable(tf.random.truncated_normal([3, 3, 16, 1], stddev=0.05))
    logits = v1.nn.conv2d(net, kernel, strides=[1, 1, 1, 1], padding="SAME")
    decoded = tf.nn.sigmoid(logits, name="decoded")
    loss = tf.nn.sigmoid_cross_entropy_with_logits(labels=targets_, logits=logits)
    cost = tf.reduce_mean(loss)
    v1.train.AdamOptimizer(0.001).minimize(cost)
    return [inputs_], [decoded]


@case("autoencoder")
def stacked_sparse_autoencoder_then_softmax() -> Truth:
    """Greedy layerwise training with a KL sparsity penalty, then fine tuning as a classifier; no names."""
    x = v1.placeholder("float", [None, 64])
    y_ = v1.placeholder("float", [None, 10])
    rho, beta = 0.05, 3.0
    current = x
    pretraining = []
    stack = []
    for n_in, n_hidden in ((64, 32), (32, 16)):
        r = math.sqrt(6) / math.sqrt(n_in + n_hidden + 1)
        w1 = v1.Variable(tf.random.uniform([n_in, n_hidden], -r, r))
        b1 = v1.Variable(tf.zeros([n_hidden]))
        w2 = v1.Variable(tf.random.uniform([n_hidden, n_in], -r, r))
        b2 = v1.Variable(tf.zeros([n_in]))
        a = tf.sigmoid(tf.matmul(current, w1) + b1)
        back = tf.sigmoid(tf.matmul(a, w2) + b2)
        rho_hat = tf.reduce_mean(a, 0)
        kl = tf.reduce_sum(
            rho * tf.math.log(rho / rho_hat) + (1 - rho) * tf.math.log((1 - rho) / (1 - rho_hat))
        )
        decay = 1e-4 * (tf.nn.l2_loss(w1) + tf.nn.l2_loss(w2))
        loss = tf.reduce_mean(tf.reduce_sum((back - current) ** 2, 1)) / 2 + decay + beta * kl
        pretraining.append(v1.train.AdamOptimizer(1e-3).minimize(loss, var_list=[w1, b1, w2, b2]))
        stack += [w1, b1]
        current = a
    w = v1.Variable(tf.zeros([16, 10]))
    b = v1.Variable(tf.zeros([10]))
    y = tf.nn.softmax(tf.matmul(current, w) + b)
    cross_entropy = -tf.reduce_sum(y_ * tf.math.log(tf.clip_by_value(y, 1e-10, 1.0)))
    v1.train.GradientDescentOptimizer(0.01).minimize(cross_entropy, var_list=[w, b])
    v1.train.GradientDescentOptimizer(0.001).minimize(cross_entropy, var_list=[*stack, w, b])
    correct = tf.equal(tf.argmax(y, 1), tf.argmax(y_, 1))
    tf.reduce_mean(tf.cast(correct, "float"))
    v1.global_variables_initializer()
    return [x], [y]


@case("autoencoder")
def variational_autoencoder_with_a_second_decoder() -> Truths:
    """The decoder is applied twice: to the code of ``x`` and to ``z_in``, which only exists to generate."""
    x = v1.placeholder(tf.float32, [None, 784], "img")
    keep_prob = v1.placeholder(tf.float32, name="keep_prob")
    z_in = v1.placeholder(tf.float32, [None, 2], "latent_variable")

    def gaussian_encoder(x_in: Tensor) -> tuple[Tensor, Tensor]:
        with v1.variable_scope("gaussian_MLP_encoder"):
            h = v1.nn.dropout(_fc(x_in, 32, "h0", tf.nn.elu), keep_prob)
            h = v1.nn.dropout(_fc(h, 32, "h1", tf.nn.tanh), keep_prob)
            params = _fc(h, 4, "out")
            return params[:, :2], 1e-6 + tf.nn.softplus(params[:, 2:])

    def bernoulli_decoder(z: Tensor) -> Tensor:
        with v1.variable_scope("bernoulli_MLP_decoder"):
            h = v1.nn.dropout(_fc(z, 32, "h0", tf.nn.tanh), keep_prob)
            h = v1.nn.dropout(_fc(h, 32, "h1", tf.nn.elu), keep_prob)
            return tf.sigmoid(_fc(h, 784, "out"))

    mu, sigma = gaussian_encoder(x)
    z = mu + sigma * tf.random.normal(tf.shape(mu), 0, 1, dtype=tf.float32)
    y = tf.clip_by_value(bernoulli_decoder(z), 1e-8, 1 - 1e-8)
    marginal = tf.reduce_sum(x * tf.math.log(y) + (1 - x) * tf.math.log(1 - y), 1)
    kl = 0.5 * tf.reduce_sum(mu**2 + sigma**2 - tf.math.log(1e-8 + sigma**2) - 1, 1)
    loss = -(tf.reduce_mean(marginal) - tf.reduce_mean(kl))
    v1.train.AdamOptimizer(1e-3).minimize(loss)
    decoded = bernoulli_decoder(z_in)
    return [([z_in], [decoded]), ([x], [y])]


@case("autoencoder")
def conditional_vae_whose_latent_is_overridden() -> Truths:
    """``z`` is a placeholder with the sampled code as its default: to draw a digit, feed z and the class."""
    dataset = tf.data.Dataset.from_tensor_slices((np.zeros([8, 196], np.float32), np.zeros([8], np.int64)))
    pixels, digit = v1.data.make_one_shot_iterator(dataset.repeat().batch(4)).get_next()
    x = v1.placeholder_with_default(pixels, [None, 196], name="x")
    c = v1.placeholder_with_default(tf.one_hot(digit, 10), [None, 10], name="c")
    with v1.variable_scope("q_z_given_x_c"):
        q = _fc(tf.concat([x, c], 1), 32, "fc1", tf.nn.relu)
        z_mean = _fc(q, 6, "mean")
        z_log_var = _fc(q, 6, "log_var")
    noise = tf.random.normal(tf.shape(z_mean))
    z = v1.placeholder_with_default(z_mean + tf.exp(z_log_var / 2) * noise, [None, 6], name="z")
    with v1.variable_scope("p_x_given_z_c"):
        p = _fc(tf.concat([z, c], 1), 32, "fc1", tf.nn.relu)
        logits = _fc(p, 196, "logits")
        x_hat = tf.nn.sigmoid(logits, name="x_hat")
    rec = tf.reduce_sum(tf.nn.sigmoid_cross_entropy_with_logits(labels=x, logits=logits), 1)
    kl = 0.5 * tf.reduce_sum(tf.exp(z_log_var) + z_mean**2 - 1.0 - z_log_var, 1)
    elbo = tf.reduce_mean(rec + kl, name="neg_elbo")
    v1.summary.scalar("neg_elbo", elbo)
    v1.summary.image("reconstruction", tf.reshape(x_hat, [-1, 14, 14, 1]), 4)
    step = v1.train.get_or_create_global_step()
    v1.train.RMSPropOptimizer(1e-3).minimize(elbo, global_step=step)
    v1.summary.merge_all()
    return [([z, c], [x_hat]), ([x, c], [x_hat])]


@case("autoencoder", modern=True)
def vector_quantised_autoencoder_with_ema_codebook() -> Truths:
    """Nearest codes with the straight through gradient; the codebook is kept by moving averages."""
    ds = tf.data.Dataset.from_tensor_slices({"image": np.zeros([8, 32, 32, 3], np.uint8)})
    ds = (
        ds.map(lambda d: {"image": tf.cast(d["image"], tf.float32) / 255.0 - 0.5})
        .shuffle(8)
        .repeat()
        .batch(4)
    )
    x = v1.data.make_one_shot_iterator(ds).get_next()["image"]
    dim, k, decay = 8, 16, 0.99

    def residual(h: Tensor, scope: str) -> Tensor:
        return h + _conv(
            _conv(tf.nn.relu(h), 8, 3, scope + "/res3x3"), dim * 2, 1, scope + "/res1x1", act=None
        )

    h = _conv(_conv(x, 8, 4, "encoder/enc_1", 2), dim * 2, 4, "encoder/enc_2", 2)
    z = _conv(tf.nn.relu(residual(h, "encoder/stack")), dim, 1, "to_vq", act=None)
    with v1.variable_scope("vq_ema"):
        w = v1.get_variable("embedding", [dim, k], trainable=False)
        counts = v1.get_variable("ema_cluster_size", [k], trainable=False, initializer=v1.zeros_initializer())
        sums = v1.get_variable("ema_dw", [dim, k], initializer=v1.zeros_initializer(), trainable=False)
        flat = tf.reshape(z, [-1, dim])
        distances = (
            tf.reduce_sum(flat**2, 1, keepdims=True) - 2 * tf.matmul(flat, w) + tf.reduce_sum(w**2, 0, True)
        )
        indices = tf.argmax(-distances, 1)
        onehot = tf.one_hot(indices, k)
        indices = tf.reshape(indices, tf.shape(z)[:-1])
        quantized = tf.nn.embedding_lookup(tf.transpose(w), indices)
        e_latent = tf.reduce_mean((tf.stop_gradient(quantized) - z) ** 2)
        new_counts = v1.assign(counts, decay * counts + (1 - decay) * tf.reduce_sum(onehot, 0))
        new_sums = v1.assign(sums, decay * sums + (1 - decay) * tf.matmul(flat, onehot, transpose_a=True))
        total = tf.reduce_sum(new_counts)
        smoothed = (new_counts + 1e-5) / (total + k * 1e-5) * total
        update = v1.assign(w, new_sums / smoothed[tf.newaxis])
        quantized = z + tf.stop_gradient(quantized - z)
        usage = tf.reduce_mean(onehot, 0)
        perplexity = tf.exp(-tf.reduce_sum(usage * tf.math.log(usage + 1e-10)))
    h = residual(_conv(quantized, dim * 2, 3, "decoder/dec_1"), "decoder/stack")
    x_recon = _up(_up(tf.nn.relu(h), 8, 4, "decoder/dec_2"), 3, 4, "decoder/dec_3", None)
    loss = tf.reduce_mean((x_recon - x) ** 2) / 0.06 + 0.25 * e_latent
    with tf.control_dependencies([update]):
        v1.train.AdamOptimizer(3e-4).minimize(loss)
    v1.summary.scalar("perplexity", perplexity)
    return [([x], [x_recon]), ([x], [indices])]


@case("adversarial")
def semi_supervised_adversarial_autoencoder() -> Truths:
    """The encoder gives a class and a style; critics shape both. Later one classifies with it."""
    unlabelled = v1.placeholder(tf.float32, [64, 100], "Input")
    labelled = v1.placeholder(tf.float32, [64, 100], "Labeled_Input")
    labels = v1.placeholder(tf.float32, [64, 10], "Labels")
    images = v1.placeholder(tf.float32, [None, 100], "test_images")
    prior_z = v1.placeholder(tf.float32, [64, 4], "Real_distribution")
    prior_y = v1.placeholder(tf.float32, [64, 10], "Categorical_distribution")

    def encoder(x: Tensor) -> tuple[Tensor, Tensor]:
        with v1.variable_scope("Encoder", reuse=v1.AUTO_REUSE):
            h = _fc(_fc(x, 32, "e_dense_1", tf.nn.relu), 32, "e_dense_2", tf.nn.relu)
            return _fc(h, 10, "e_label"), _fc(h, 4, "e_latent_variable")

    def critic(x: Tensor, which: str) -> Tensor:
        return _fc(_fc(x, 32, f"dc_{which}_den1", tf.nn.relu), 1, f"dc_{which}_output")

    y_logits, style = encoder(unlabelled)
    y_soft = tf.nn.softmax(y_logits)
    with v1.variable_scope("Decoder"):
        restored = _fc(
            _fc(tf.concat([y_soft, style], 1), 32, "d_dense_1", tf.nn.relu), 100, "d_output", tf.sigmoid
        )
    reconstruction = tf.reduce_mean(tf.square(unlabelled - restored))

    def bce(logits: Tensor, ones: bool) -> Tensor:
        target = tf.ones_like(logits) if ones else tf.zeros_like(logits)
        return tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(labels=target, logits=logits))

    dc_g = bce(critic(prior_z, "g"), True) + bce(critic(style, "g"), False)
    dc_c = bce(critic(prior_y, "c"), True) + bce(critic(y_soft, "c"), False)
    fool = bce(critic(style, "g"), True) + bce(critic(y_soft, "c"), True)
    known, _ = encoder(labelled)
    supervised = tf.reduce_mean(v1.nn.softmax_cross_entropy_with_logits_v2(labels=labels, logits=known))
    names = v1.trainable_variables()
    en = [v for v in names if v.name.startswith("Encoder")]
    for loss, variables in (
        (reconstruction, [v for v in names if "dc_" not in v.name]),
        (dc_g, [v for v in names if "dc_g" in v.name]),
        (dc_c, [v for v in names if "dc_c" in v.name]),
        (fool, en),
        (supervised, en),
    ):
        v1.train.AdamOptimizer(1e-3, beta1=0.9).minimize(loss, var_list=variables)
    test_logits, _ = encoder(images)
    probabilities = tf.nn.softmax(test_logits, name="class_probabilities")
    return [([images], [probabilities]), ([images], [test_logits])]


@case("autoencoder")
def recurrent_autoencoder_that_scores_anomalies() -> Truths:
    """An LSTM reads a window of sensors, another replays it backwards; the error has a limit."""
    steps, channels, units = 12, 3, 16
    window = v1.placeholder(tf.float32, [None, steps, channels], name="sensor_window")
    limit_value = v1.placeholder(tf.float32, [], name="new_limit")
    batch = tf.shape(window)[0]

    def cell(inp: Tensor, c: Tensor, h: Tensor, scope: str) -> tuple[Tensor, Tensor]:
        i, j, f, o = tf.split(_fc(tf.concat([inp, h], 1), 4 * units, scope), 4, 1)
        c = tf.sigmoid(f + 1.0) * c + tf.sigmoid(i) * tf.tanh(j)
        return c, tf.sigmoid(o) * tf.tanh(c)

    c = h = tf.zeros([batch, units])
    for t in range(steps):
        c, h = cell(window[:, t], c, h, "encoder/lstm_cell")
    replayed = []
    previous = tf.zeros([batch, channels])
    for _ in range(steps):
        c, h = cell(previous, c, h, "decoder/lstm_cell")
        previous = _fc(h, channels, "decoder/projection")
        replayed.append(previous)
    reconstruction = tf.stack(replayed[::-1], axis=1)
    error = tf.reduce_mean(tf.square(window - reconstruction), axis=[1, 2], name="anomaly_score")
    limit = v1.get_variable("limit", [], initializer=v1.ones_initializer(), trainable=False)
    v1.assign(limit, limit_value, name="set_limit")
    alarm = tf.greater(error, limit, name="is_anomaly")
    loss = tf.reduce_mean(error)
    optimizer = v1.train.AdamOptimizer(
        v1.train.exponential_decay(1e-3, v1.train.get_or_create_global_step(), 500, 0.9)
    )
    grads, variables = zip(*optimizer.compute_gradients(loss), strict=True)
    clipped, _ = tf.clip_by_global_norm(grads, 5.0)
    optimizer.apply_gradients(zip(clipped, variables, strict=True), v1.train.get_global_step())
    return [([window], [error]), ([window], [alarm]), ([window], [error, alarm])]


@case("recommender")
def restricted_boltzmann_machine_with_fed_weights() -> Truth:
    """Weights live in numpy and are fed with each call, as in old notebooks: films liked to films to see."""
    n_movies, n_hidden, alpha = 40, 12, 0.9
    vb = v1.placeholder("float", [n_movies])
    hb = v1.placeholder("float", [n_hidden])
    W = v1.placeholder("float", [n_movies, n_hidden])
    v0 = v1.placeholder("float", [None, n_movies])
    _h0 = tf.nn.sigmoid(tf.matmul(v0, W) + hb)
    h0 = tf.nn.relu(tf.sign(_h0 - tf.random.uniform(tf.shape(_h0))))
    _v1 = tf.nn.sigmoid(tf.matmul(h0, tf.transpose(W)) + vb)
    visible1 = tf.nn.relu(tf.sign(_v1 - tf.random.uniform(tf.shape(_v1))))
    h1 = tf.nn.sigmoid(tf.matmul(visible1, W) + hb)
    w_pos_grad = tf.matmul(tf.transpose(v0), h0)
    w_neg_grad = tf.matmul(tf.transpose(visible1), h1)
    cd = (w_pos_grad - w_neg_grad) / tf.cast(tf.shape(v0)[0], tf.float32)
    tf.add(W, alpha * cd)
    tf.add(vb, alpha * tf.reduce_mean(v0 - visible1, 0))
    tf.add(hb, alpha * tf.reduce_mean(h0 - h1, 0))
    err = v0 - visible1
    tf.reduce_mean(err * err)
    # recommending: no sampling, only the means
    hh0 = tf.nn.sigmoid(tf.matmul(v0, W) + hb)
    vv1 = tf.nn.sigmoid(tf.matmul(hh0, tf.transpose(W)) + vb)
    return [v0, W, hb, vb], [vv1]


class _Scribe:
    """A mixture density network over pen strokes that keeps its state between calls."""

    def __init__(self, batch: int, length: int, units: int = 16, mixtures: int = 3) -> None:
        self.units, self.mixtures = units, mixtures
        self.lr = v1.Variable(0.0, trainable=False, name="learning_rate")
        self.input_data = v1.placeholder(tf.float32, [batch, length, 3], name="data_in")
        self.target_data = v1.placeholder(tf.float32, [batch, length, 3], name="targets")
        self.state_in = tf.identity(tf.zeros([2, batch, units]), name="state_in")
        self._run(length)
        self._head()
        self._loss()

    def _run(self, length: int) -> None:
        c, h = tf.unstack(self.state_in)
        with v1.variable_scope("rnnlm/rnn/basic_lstm_cell"):
            w = v1.get_variable("kernel", [3 + self.units, 4 * self.units])
            b = v1.get_variable("bias", [4 * self.units])
        outs = []
        for part in tf.split(self.input_data, length, 1):
            i, j, f, o = tf.split(tf.matmul(tf.concat([tf.squeeze(part, [1]), h], 1), w) + b, 4, 1)
            c = c * tf.sigmoid(f + 1) + tf.sigmoid(i) * tf.tanh(j)
            h = tf.tanh(c) * tf.sigmoid(o)
            outs.append(h)
        self.state_out = tf.identity(tf.stack([c, h]), name="state_out")
        self.flat = tf.reshape(tf.concat(outs, 1), [-1, self.units])

    def _head(self) -> None:
        with v1.variable_scope("rnnlm"):
            w = v1.get_variable("output_w", [self.units, 1 + self.mixtures * 6])
            b = v1.get_variable("output_b", [1 + self.mixtures * 6])
        out = v1.nn.xw_plus_b(self.flat, w, b)
        self.eos = tf.sigmoid(-out[:, :1])
        pi, self.mu1, self.mu2, s1, s2, corr = tf.split(out[:, 1:], 6, 1)
        self.pi = tf.nn.softmax(pi)
        self.sigma1, self.sigma2, self.corr = tf.exp(s1), tf.exp(s2), tf.tanh(corr)

    def _loss(self) -> None:
        end, dx, dy = tf.split(tf.reshape(self.target_data, [-1, 3])[:, ::-1], 3, 1)
        n1, n2 = (dx - self.mu1) / self.sigma1, (dy - self.mu2) / self.sigma2
        rest = 1 - tf.square(self.corr)
        z = tf.square(n1) + tf.square(n2) - 2 * self.corr * n1 * n2
        density = tf.exp(-z / (2 * rest)) / (2 * np.pi * self.sigma1 * self.sigma2 * tf.sqrt(rest))
        nll = -tf.math.log(tf.maximum(tf.reduce_sum(density * self.pi, 1, keepdims=True), 1e-20))
        pen = -tf.math.log(self.eos * end + (1 - self.eos) * (1 - end))
        self.cost = tf.reduce_sum(nll + pen) / (int(self.input_data.shape[0]) * int(self.input_data.shape[1]))
        grads, _ = tf.clip_by_global_norm(v1.gradients(self.cost, v1.trainable_variables()), 10.0)
        self.train_op = v1.train.AdamOptimizer(self.lr).apply_gradients(
            zip(grads, v1.trainable_variables(), strict=True)
        )


@case("sequence")
def handwriting_mixture_density_network() -> Truth:
    """Stroke by stroke: the last one and the state go in, the mixture and the new state come out."""
    m = _Scribe(batch=4, length=6)
    mixture = [m.pi, m.mu1, m.mu2, m.sigma1, m.sigma2, m.corr, m.eos]
    return [m.input_data, m.state_in], [*mixture, m.state_out]


@case("image", frozen=True)
def gated_pixelcnn_conditioned_on_classes() -> Truth:
    """Pixels are drawn in numpy one by one from these probabilities; the image so far is fed anew."""
    X = v1.placeholder(tf.float32, shape=[None, 12, 12, 1])
    h = v1.placeholder(tf.float32, shape=[None, 10])

    def masked(x: Tensor, size: int, out: int, kind: str) -> Tensor:
        mask = np.ones((size, size, int(x.shape[-1]), out), np.float32)
        mid = size // 2
        mask[mid, mid + (kind == "b") :] = 0.0
        mask[mid + 1 :] = 0.0
        w = v1.get_variable("W", mask.shape) * tf.constant(mask)
        return tf.nn.bias_add(v1.nn.conv2d(x, w, [1, 1, 1, 1], "SAME"), v1.get_variable("b", [out]))

    fan = X
    for i in range(3):
        with v1.variable_scope(f"h{i}"):
            both = masked(fan, 7 if i == 0 else 3, 16, "a" if i == 0 else "b")
            both += tf.reshape(tf.matmul(h, v1.get_variable("V", [10, 16])), [-1, 1, 1, 16])
            left, right = tf.split(both, 2, 3)
            gated = tf.tanh(left) * tf.sigmoid(right)
        with v1.variable_scope(f"h{i}_residual"):
            fan = masked(gated, 1, 8, "b") + (fan if i else 0.0)
    with v1.variable_scope("fc_1"):
        fan = tf.nn.relu(masked(fan, 1, 8, "b"))
    with v1.variable_scope("fc_2"):
        fc2 = masked(fan, 1, 1, "b")
    pred = tf.nn.sigmoid(fc2)
    loss = tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(logits=fc2, labels=X))
    trainer = v1.train.RMSPropOptimizer(1e-3)
    trainer.apply_gradients([(tf.clip_by_value(g, -1, 1), v) for g, v in trainer.compute_gradients(loss)])
    return [X, h], [pred]


@case("image")
def learned_image_compression_with_gdn() -> Truth:
    """Noise stands for rounding while training on crops; a whole picture is then rounded and restored."""
    crops = tf.data.Dataset.from_tensor_slices(np.zeros([8, 32, 32, 3], np.uint8)).repeat().batch(4)
    x = tf.cast(v1.data.make_one_shot_iterator(crops).get_next(), tf.float32) / 255.0

    def gdn(t: Tensor, name: str, inverse: bool = False) -> Tensor:
        with v1.variable_scope(name, reuse=v1.AUTO_REUSE):
            n = int(t.shape[-1])
            beta = v1.get_variable("reparam_beta", [n], initializer=v1.ones_initializer())
            gamma = v1.get_variable("reparam_gamma", initializer=0.1 * np.eye(n, dtype=np.float32))
            norm = v1.nn.conv2d(t**2, tf.maximum(gamma, 0.0)[tf.newaxis, tf.newaxis], [1, 1, 1, 1], "SAME")
            norm = tf.sqrt(norm + tf.maximum(beta, 1e-6))
            return t * norm if inverse else t / norm

    def analysis(t: Tensor) -> Tensor:
        with v1.name_scope("analysis"):
            t = gdn(_conv(t, 8, 9, "analysis/layer_0", 4, None), "analysis/gdn_0")
            return _conv(
                gdn(_conv(t, 8, 5, "analysis/layer_1", 2, None), "analysis/gdn_1"),
                8,
                5,
                "analysis/layer_2",
                2,
                None,
            )

    def synthesis(t: Tensor) -> Tensor:
        with v1.name_scope("synthesis"):
            t = gdn(_up(t, 8, 5, "synthesis/layer_0", None), "synthesis/igdn_0", True)
            t = gdn(_up(t, 8, 5, "synthesis/layer_1", None), "synthesis/igdn_1", True)
            return _up(_up(t, 8, 5, "synthesis/layer_2", None), 3, 9, "synthesis/layer_3", None)

    y = analysis(x)
    y_tilde = y + tf.random.uniform(tf.shape(y), -0.5, 0.5)
    scale = tf.nn.softplus(v1.get_variable("entropy_bottleneck/scale", [8]))

    def cdf(v: Tensor) -> Tensor:
        return tf.sigmoid(v / scale)

    likelihoods = tf.maximum(cdf(y_tilde + 0.5) - cdf(y_tilde - 0.5), 1e-9)
    bpp = tf.reduce_sum(tf.math.log(likelihoods)) / (-np.log(2) * 4 * 32 * 32)
    mse = tf.reduce_mean(tf.math.squared_difference(x, synthesis(y_tilde))) * 255**2
    v1.train.AdamOptimizer(1e-4).minimize(0.01 * mse + bpp, global_step=v1.train.create_global_step())
    for name, value in (("bpp", bpp), ("mse", mse)):
        v1.summary.scalar(name, value)
    picture = v1.placeholder(tf.uint8, [None, None, 3], name="picture")
    y_hat = tf.round(analysis(tf.cast(picture, tf.float32)[tf.newaxis] / 255.0))
    size = tf.shape(picture)
    x_hat = synthesis(y_hat)[0, : size[0], : size[1]]
    restored = tf.saturate_cast(tf.round(tf.clip_by_value(x_hat, 0, 1) * 255.0), tf.uint8, name="restored")
    tf.reduce_mean(tf.image.psnr(restored, picture, 255), name="psnr")
    return [picture], [restored]


@case("image")
def colorization_by_classes_of_colour() -> Truths:
    """Lightness in, a distribution over colour bins out, whose annealed mean is the colour; queue trained."""
    lab = v1.train.batch([tf.random.uniform([32, 32, 3])], batch_size=4, capacity=16, name="lab_batch")
    prior = tf.constant(np.linspace(0.5, 2.0, 20, dtype=np.float32), name="rebalance")
    grid = tf.constant(np.stack([np.linspace(-90, 90, 20), np.linspace(80, -80, 20)], 1).astype(np.float32))

    def zhang(gray: Tensor) -> Tensor:
        with v1.variable_scope("colornet", reuse=v1.AUTO_REUSE):
            c1 = _conv(_conv(gray, 8, 3, "conv1_1"), 8, 3, "conv1_2", 2)
            c2 = _conv(_conv(c1, 16, 3, "conv2_1"), 16, 3, "conv2_2", 2)
            with v1.variable_scope("conv5", reuse=v1.AUTO_REUSE):
                w = v1.get_variable("filter", [3, 3, 16, 16])
                c5 = tf.nn.relu(v1.nn.conv2d(c2, w, [1, 1, 1, 1], "SAME", dilations=[1, 2, 2, 1]))
            return _conv(_up(c5, 16, 4, "conv8_1"), 20, 1, "conv8_313", act=None)

    data_l, data_ab = lab[..., :1] * 100.0 - 50.0, lab[..., 1:] * 220.0 - 110.0
    small = v1.image.resize_images(data_ab, [16, 16])
    d2 = tf.reduce_sum(tf.square(small[..., tf.newaxis, :] - grid), -1)
    target = tf.argmin(d2, -1)
    logits = zhang(data_l)
    xent = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=target, logits=logits)
    loss = tf.reduce_mean(xent * tf.gather(prior, target))
    step = v1.train.get_or_create_global_step()
    v1.train.AdamOptimizer(v1.train.piecewise_constant(step, [200, 400], [3e-5, 1e-5, 3e-6])).minimize(
        loss, step
    )

    gray = v1.placeholder(tf.float32, [None, None, None, 1], "gray")
    scores = zhang(gray - 50.0)
    annealed = tf.nn.softmax(scores / 0.38)
    ab = tf.tensordot(annealed, grid, 1)
    ab = v1.image.resize_bilinear(ab, tf.shape(gray)[1:3])
    colored = tf.concat([gray, ab], 3)
    return [([gray], [colored]), ([gray], [ab])]


@case("science")
def masked_autoregressive_flow_of_parameters() -> Truth:
    """Likelihood free inference: the density of simulator parameters given what was observed."""
    n, n_cond, units = 4, 6, 16
    rng = np.random.RandomState(0)
    theta = v1.placeholder(tf.float32, [None, n], name="x")
    observed = v1.placeholder(tf.float32, [None, n_cond], name="y")
    training = v1.placeholder_with_default(False, [], name="training")
    u, logdet = theta, tf.zeros([tf.shape(theta)[0]])
    order = np.arange(1, n + 1)
    for made in range(3):
        hidden = rng.randint(1, n, size=units)
        m_in = (order[:, None] <= hidden[None]).astype(np.float32)
        m_out = (hidden[:, None] < order[None]).astype(np.float32)
        with v1.variable_scope(f"made_{made}"):
            w1 = v1.get_variable("W1", [n, units])
            wx = v1.get_variable("Wx", [n_cond, units])
            hid = tf.nn.relu(
                tf.matmul(u, w1 * m_in) + tf.matmul(observed, wx) + v1.get_variable("b1", [units])
            )
            m = tf.matmul(hid, v1.get_variable("Wm", [units, n]) * m_out) + v1.get_variable("bm", [n])
            logp = tf.matmul(hid, v1.get_variable("Wp", [units, n]) * m_out) + v1.get_variable("bp", [n])
        u = tf.exp(0.5 * logp) * (u - m)
        logdet += 0.5 * tf.reduce_sum(logp, 1)
        order = order[::-1]
        with v1.variable_scope(f"bn_{made}"):
            log_gamma = v1.get_variable("log_gamma", [n], initializer=v1.zeros_initializer())
            beta = v1.get_variable("beta", [n], initializer=v1.zeros_initializer())
            mean = v1.get_variable("m", [n], initializer=v1.zeros_initializer(), trainable=False)
            var = v1.get_variable("v", [n], initializer=v1.ones_initializer(), trainable=False)
            bm, bv = tf.nn.moments(u, [0])
            v1.add_to_collection("bn_updates", v1.assign(mean, 0.9 * mean + 0.1 * bm))
            v1.add_to_collection("bn_updates", v1.assign(var, 0.9 * var + 0.1 * bv))
            mm, vv = tf.where(training, bm, mean), tf.where(training, bv, var) + 1e-5
            u = tf.exp(log_gamma) * (u - mm) / tf.sqrt(vv) + beta
            logdet += tf.reduce_sum(log_gamma - 0.5 * tf.math.log(vv))
    log_prob = tf.identity(-0.5 * tf.reduce_sum(u**2 + np.log(2 * np.pi), 1) + logdet, name="L")
    trn_loss = -tf.reduce_mean(log_prob, name="trn_loss")
    with tf.control_dependencies(v1.get_collection("bn_updates")):
        v1.train.AdamOptimizer(1e-4).minimize(trn_loss)
    return [theta, observed], [log_prob]
