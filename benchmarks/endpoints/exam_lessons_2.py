"""Graphs of courses, kernels, book chapters and video series."""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf

from benchmarks.endpoints.cases import Truth, Truths, case, v1

Tensor = Any


class _Qnetwork:
    """The network of the grid world post; main and target are two objects of one class."""

    def __init__(self, h_size: int) -> None:
        self.scalar_input = v1.placeholder(shape=[None, 6627], dtype=tf.float32)
        h = tf.reshape(self.scalar_input, shape=[-1, 47, 47, 3])
        for size, stride, n in [(5, 3, 8), (3, 2, 12), (7, 1, h_size)]:
            w = v1.Variable(v1.random_normal([size, size, int(h.shape[-1]), n], stddev=0.05))
            h = tf.nn.relu(v1.nn.conv2d(h, w, [1, stride, stride, 1], "VALID"))
        stream_ac, stream_vc = tf.split(h, 2, 3)
        stream_a = tf.reshape(stream_ac, [-1, h_size // 2])
        stream_v = tf.reshape(stream_vc, [-1, h_size // 2])
        aw = v1.Variable(v1.random_normal([h_size // 2, 4]))
        vw = v1.Variable(v1.random_normal([h_size // 2, 1]))
        advantage = tf.matmul(stream_a, aw)
        value = tf.matmul(stream_v, vw)
        self.q_out = value + tf.subtract(advantage, tf.reduce_mean(advantage, axis=1, keepdims=True))
        self.predict = tf.argmax(self.q_out, 1)
        target_q = v1.placeholder(shape=[None], dtype=tf.float32)
        actions = v1.placeholder(shape=[None], dtype=tf.int32)
        q = tf.reduce_sum(tf.multiply(self.q_out, tf.one_hot(actions, 4, dtype=tf.float32)), axis=1)
        loss = tf.reduce_mean(tf.square(target_q - q))
        self.update_model = v1.train.AdamOptimizer(learning_rate=0.0001).minimize(loss)


@case("agent")
def gridworld_dueling_double() -> Truths:
    """Two like networks; the second follows the first by assignments, so play asks the first."""
    main_qn = _Qnetwork(16)
    _Qnetwork(16)
    tvars = v1.trainable_variables()
    half = len(tvars) // 2
    for idx, var in enumerate(tvars[:half]):
        tvars[idx + half].assign((var.value() * 0.001) + ((1 - 0.001) * tvars[idx + half].value()))
    v1.train.Saver()
    return [([main_qn.scalar_input], [main_qn.predict]), ([main_qn.scalar_input], [main_qn.q_out])]


def _hidden(x: Tensor, n: int, act: Any, name: str | None = None, *, trainable: bool = True) -> Tensor:
    with v1.variable_scope(name, "dense"):
        w = v1.get_variable("kernel", [int(x.shape[-1]), n], trainable=trainable)
        b = v1.get_variable("bias", [n], initializer=v1.zeros_initializer(), trainable=trainable)
        y = tf.nn.bias_add(tf.matmul(x, w), b)
        return y if act is None else act(y)


@case("agent")
def pendulum_ppo_video() -> Truth:
    """Proximal policies: ``choose_action`` feeds the state and runs the sample of the new policy."""
    tfs = v1.placeholder(tf.float32, [None, 3], "state")
    with v1.variable_scope("critic"):
        v = _hidden(_hidden(tfs, 24, tf.nn.relu), 1, None)
        tfdc_r = v1.placeholder(tf.float32, [None, 1], "discounted_r")
        advantage = tfdc_r - v
        v1.train.AdamOptimizer(0.0002).minimize(tf.reduce_mean(tf.square(advantage)))

    def build_anet(name: str, *, trainable: bool) -> tuple[Tensor, Tensor, list[Any]]:
        with v1.variable_scope(name):
            l1 = _hidden(tfs, 24, tf.nn.relu, trainable=trainable)
            mu = 2 * _hidden(l1, 1, tf.nn.tanh, trainable=trainable)
            sigma = _hidden(l1, 1, tf.nn.softplus, trainable=trainable) + 1e-3
        return mu, sigma, v1.get_collection(v1.GraphKeys.GLOBAL_VARIABLES, scope=name)

    def log_prob(mu: Tensor, sigma: Tensor, a: Tensor) -> Tensor:
        return -0.5 * tf.square((a - mu) / sigma) - tf.math.log(sigma) - 0.5 * float(np.log(2 * np.pi))

    mu, sigma, pi_params = build_anet("pi", trainable=True)
    old_mu, old_sigma, oldpi_params = build_anet("oldpi", trainable=False)
    with v1.variable_scope("sample_action"):
        noise = v1.random_normal(tf.concat([[1], tf.shape(mu)], 0))
        sample_op = tf.squeeze(mu + sigma * noise, axis=0)
    with v1.variable_scope("update_oldpi"):
        for p, oldp in zip(pi_params, oldpi_params, strict=True):
            oldp.assign(p)
    tfa = v1.placeholder(tf.float32, [None, 1], "action")
    tfadv = v1.placeholder(tf.float32, [None, 1], "advantage")
    with v1.variable_scope("loss"):
        with v1.variable_scope("surrogate"):
            ratio = tf.exp(log_prob(mu, sigma, tfa) - log_prob(old_mu, old_sigma, tfa))
            surr = ratio * tfadv
        aloss = -tf.reduce_mean(tf.minimum(surr, tf.clip_by_value(ratio, 0.8, 1.2) * tfadv))
    with v1.variable_scope("atrain"):
        v1.train.AdamOptimizer(0.0001).minimize(aloss)
    return [tfs], [sample_op]


def _lin(x: Tensor, n: int, scope: str) -> Tensor:
    with v1.variable_scope(scope):
        w = v1.get_variable(
            "Matrix", [int(x.shape[-1]), n], initializer=v1.random_normal_initializer(stddev=0.02)
        )
        return tf.matmul(x, w) + v1.get_variable("bias", [n], initializer=v1.constant_initializer(0.0))


def _cond_concat(x: Tensor, yb: Tensor) -> Tensor:
    shape = x.shape.as_list()
    return tf.concat([x, yb * tf.ones([*shape[:3], int(yb.shape[-1])])], 3)


class _Dcgan:
    """Digits of a wished class, as in the much copied repository that a course explains line by line."""

    def __init__(self, batch_size: int) -> None:
        self.batch_size = batch_size
        self.y = v1.placeholder(tf.float32, [batch_size, 10], name="y")
        inputs = v1.placeholder(tf.float32, [batch_size, 28, 28, 1], name="real_images")
        self.z = v1.placeholder(tf.float32, [None, 20], name="z")
        z_sum = v1.summary.histogram("z", self.z)
        fake = self.generator(train=True)
        d_real, d_real_logits = self.discriminator(inputs, reuse=False)
        self.sampler = self.generator(train=False)
        d_fake, d_fake_logits = self.discriminator(fake, reuse=True)
        sums = [v1.summary.histogram("d", d_real), v1.summary.histogram("d_", d_fake), z_sum]
        v1.summary.merge([*sums, v1.summary.image("G", fake)])
        xent = tf.nn.sigmoid_cross_entropy_with_logits
        d_loss_real = tf.reduce_mean(xent(logits=d_real_logits, labels=tf.ones_like(d_real)))
        d_loss_fake = tf.reduce_mean(xent(logits=d_fake_logits, labels=tf.zeros_like(d_fake)))
        g_loss = tf.reduce_mean(xent(logits=d_fake_logits, labels=tf.ones_like(d_fake)))
        v1.summary.scalar("g_loss", g_loss)
        t_vars = v1.trainable_variables()
        adam = v1.train.AdamOptimizer
        adam(0.0002, beta1=0.5).minimize(
            d_loss_real + d_loss_fake, var_list=[w for w in t_vars if "d_" in w.name]
        )
        adam(0.0002, beta1=0.5).minimize(g_loss, var_list=[w for w in t_vars if "g_" in w.name])

    def norm(self, x: Tensor, name: str, *, train: bool) -> Tensor:
        """Batch norm, with moving averages kept when training."""
        with v1.variable_scope(name):
            n = int(x.shape[-1])
            beta, gamma = v1.get_variable("beta", [n]), v1.get_variable("gamma", [n])
            m = v1.get_variable("moving_mean", [n], trainable=False)
            s = v1.get_variable("moving_variance", [n], trainable=False)
            if not train:
                return tf.nn.batch_normalization(x, m, s, beta, gamma, 1e-5)
            mean, var = tf.nn.moments(x, list(range(x.shape.rank - 1)))
            with v1.control_dependencies([m.assign(0.9 * m + 0.1 * mean), s.assign(0.9 * s + 0.1 * var)]):
                return tf.nn.batch_normalization(x, mean, var, beta, gamma, 1e-5)

    def discriminator(self, image: Tensor, *, reuse: bool) -> tuple[Tensor, Tensor]:
        """The judge."""
        with v1.variable_scope("discriminator") as scope:
            if reuse:
                scope.reuse_variables()
            yb = tf.reshape(self.y, [self.batch_size, 1, 1, 10])
            x = _cond_concat(image, yb)
            h0 = tf.nn.leaky_relu(
                v1.nn.conv2d(x, v1.get_variable("d_h0_conv/w", [5, 5, 11, 11]), [1, 2, 2, 1], "SAME")
            )
            h1 = v1.nn.conv2d(
                _cond_concat(h0, yb), v1.get_variable("d_h1_conv/w", [5, 5, 21, 12]), [1, 2, 2, 1], "SAME"
            )
            h1 = tf.nn.leaky_relu(self.norm(h1, "d_bn1", train=True))
            h1 = tf.concat([tf.reshape(h1, [self.batch_size, -1]), self.y], 1)
            h3 = _lin(h1, 1, "d_h3_lin")
            return tf.nn.sigmoid(h3), h3

    def generator(self, *, train: bool) -> Tensor:
        """The maker; without ``train`` the one that draws the samples."""
        with v1.variable_scope("generator") as scope:
            if not train:
                scope.reuse_variables()
            yb = tf.reshape(self.y, [self.batch_size, 1, 1, 10])
            h0 = tf.nn.relu(
                self.norm(_lin(tf.concat([self.z, self.y], 1), 32, "g_h0_lin"), "g_bn0", train=train)
            )
            h1 = _lin(tf.concat([h0, self.y], 1), 7 * 7 * 8, "g_h1_lin")
            h1 = tf.nn.relu(self.norm(h1, "g_bn1", train=train))
            h = _cond_concat(tf.reshape(h1, [self.batch_size, 7, 7, 8]), yb)
            w2 = v1.get_variable("g_h2/w", [5, 5, 8, 18])
            h = v1.nn.conv2d_transpose(h, w2, [self.batch_size, 14, 14, 8], [1, 2, 2, 1])
            h = _cond_concat(tf.nn.relu(self.norm(h, "g_bn2", train=train)), yb)
            w3 = v1.get_variable("g_h3/w", [5, 5, 1, 18])
            return tf.nn.sigmoid(v1.nn.conv2d_transpose(h, w3, [self.batch_size, 28, 28, 1], [1, 2, 2, 1]))


@case("adversarial")
def conditional_dcgan_course() -> Truth:
    """Noise and the wished digit give an image; the sampler is the generator with its averages."""
    dcgan = _Dcgan(16)
    return [dcgan.z, dcgan.y], [dcgan.sampler]


class _VariationalAutoencoder:
    """The class of the blog post, with its three methods ``transform``, ``generate`` and ``reconstruct``."""

    def __init__(self, n_input: int = 784, n_z: int = 4, n_hidden: int = 24) -> None:
        def xavier_init(fan_in: int, fan_out: int) -> Tensor:
            low = -np.sqrt(6.0 / (fan_in + fan_out))
            return v1.random_uniform((fan_in, fan_out), minval=low, maxval=-low, dtype=tf.float32)

        self.x = v1.placeholder(tf.float32, [None, n_input])
        recog = {
            "h1": v1.Variable(xavier_init(n_input, n_hidden)),
            "h2": v1.Variable(xavier_init(n_hidden, n_hidden)),
            "out_mean": v1.Variable(xavier_init(n_hidden, n_z)),
            "out_log_sigma": v1.Variable(xavier_init(n_hidden, n_z)),
        }  # fmt: skip
        gener = {
            "h1": v1.Variable(xavier_init(n_z, n_hidden)), "h2": v1.Variable(xavier_init(n_hidden, n_hidden)),
            "out_mean": v1.Variable(xavier_init(n_hidden, n_input)),
        }  # fmt: skip
        layer = tf.nn.softplus(tf.matmul(self.x, recog["h1"]) + v1.Variable(tf.zeros([n_hidden])))
        layer = tf.nn.softplus(tf.matmul(layer, recog["h2"]) + v1.Variable(tf.zeros([n_hidden])))
        self.z_mean = tf.add(tf.matmul(layer, recog["out_mean"]), v1.Variable(tf.zeros([n_z])))
        log_sigma_sq = tf.add(tf.matmul(layer, recog["out_log_sigma"]), v1.Variable(tf.zeros([n_z])))
        eps = v1.random_normal((32, n_z), 0, 1, dtype=tf.float32)
        self.z = tf.add(self.z_mean, tf.multiply(tf.sqrt(tf.exp(log_sigma_sq)), eps))
        layer = tf.nn.softplus(tf.matmul(self.z, gener["h1"]) + v1.Variable(tf.zeros([n_hidden])))
        layer = tf.nn.softplus(tf.matmul(layer, gener["h2"]) + v1.Variable(tf.zeros([n_hidden])))
        out = tf.add(tf.matmul(layer, gener["out_mean"]), v1.Variable(tf.zeros([n_input])))
        self.x_reconstr_mean = tf.nn.sigmoid(out)
        reconstr_loss = -tf.reduce_sum(
            self.x * tf.math.log(1e-10 + self.x_reconstr_mean)
            + (1 - self.x) * tf.math.log(1e-10 + 1 - self.x_reconstr_mean), 1,
        )  # fmt: skip
        latent = -0.5 * tf.reduce_sum(1 + log_sigma_sq - tf.square(self.z_mean) - tf.exp(log_sigma_sq), 1)
        self.cost = tf.reduce_mean(reconstr_loss + latent)
        self.optimizer = v1.train.AdamOptimizer(learning_rate=0.001).minimize(self.cost)


@case("autoencoder")
def blog_variational_autoencoder() -> Truths:
    """Three methods, three answers: reconstruct, transform to codes, or generate from codes fed as z."""
    vae = _VariationalAutoencoder()
    return [([vae.x], [vae.x_reconstr_mean]), ([vae.x], [vae.z_mean]), ([vae.z], [vae.x_reconstr_mean])]


def _instance_norm(net: Tensor) -> Tensor:
    channels = int(net.shape[3])
    mu, sigma_sq = tf.nn.moments(net, [1, 2], keepdims=True)
    shift, scale = v1.Variable(tf.zeros([channels])), v1.Variable(tf.ones([channels]))
    return scale * (net - mu) / (sigma_sq + 1e-3) ** 0.5 + shift


def _conv_in(net: Tensor, n: int, size: int, stride: int, *, relu: bool = True) -> Tensor:
    init = v1.Variable(v1.truncated_normal([size, size, int(net.shape[3]), n], stddev=0.1, seed=1))
    net = _instance_norm(v1.nn.conv2d(net, init, [1, stride, stride, 1], padding="SAME"))
    return tf.nn.relu(net) if relu else net


def _vgg(image: Tensor) -> dict[str, Tensor]:
    net, layers = image - np.array([123.68, 116.779, 103.939], np.float32), {}
    for i, n in enumerate([8, 12, 16], 1):
        kernel = np.random.RandomState(i).normal(0, 0.1, [3, 3, int(net.shape[3]), n]).astype(np.float32)
        net = tf.nn.bias_add(
            v1.nn.conv2d(net, tf.constant(kernel), [1, 1, 1, 1], "SAME"), np.zeros(n, np.float32)
        )
        net = layers[f"relu{i}_1"] = tf.nn.relu(net)
        net = v1.nn.max_pool(net, [1, 2, 2, 1], [1, 2, 2, 1], "SAME")
    return layers


@case("style")
def fast_style_code_lab() -> Truth:
    """A transformer of pictures, judged by a fixed VGG; the painting is a constant of the training."""
    batch, side = 4, 64
    content = v1.placeholder(tf.float32, shape=(batch, side, side, 3), name="X_content")
    style = tf.constant(np.random.RandomState(9).uniform(0, 255, [1, side, side, 3]).astype(np.float32))
    style_grams = {}
    for name, feat in _vgg(style).items():
        flat = tf.reshape(feat, [-1, int(feat.shape[3])])
        style_grams[name] = tf.matmul(flat, flat, transpose_a=True) / float(np.prod(feat.shape[1:]))
    content_features = _vgg(content)["relu2_1"]
    net = _conv_in(content / 255.0, 8, 9, 1)
    net = _conv_in(net, 16, 3, 2)
    for _ in range(2):
        net = net + _conv_in(_conv_in(net, 16, 3, 1), 16, 3, 1, relu=False)
    up = v1.Variable(v1.truncated_normal([3, 3, 8, 16], stddev=0.1, seed=1))
    net = tf.nn.relu(_instance_norm(v1.nn.conv2d_transpose(net, up, [batch, side, side, 8], [1, 2, 2, 1])))
    preds = tf.nn.tanh(_conv_in(net, 3, 9, 1, relu=False)) * 150 + 255.0 / 2
    made = _vgg(preds)
    content_loss = 7.5 * (2 * tf.nn.l2_loss(made["relu2_1"] - content_features) / (batch * 32 * 32 * 12))
    style_losses = []
    for name, gram in style_grams.items():
        feat = tf.reshape(made[name], [batch, -1, int(made[name].shape[3])])
        grams = tf.matmul(feat, feat, transpose_a=True) / float(np.prod(made[name].shape[1:]))
        style_losses.append(2 * tf.nn.l2_loss(grams - gram) / float(np.prod(gram.shape)))
    y_tv = tf.nn.l2_loss(preds[:, 1:, :, :] - preds[:, : side - 1, :, :])
    x_tv = tf.nn.l2_loss(preds[:, :, 1:, :] - preds[:, :, : side - 1, :])
    loss = content_loss + 100.0 * tf.add_n(style_losses) / batch + 200.0 * 2 * (x_tv + y_tv) / batch
    v1.train.AdamOptimizer(1e-3).minimize(loss)
    return [content], [preds]


def _run_lstm(x: Tensor, lengths: Tensor, units: int, scope: str) -> tuple[Tensor, Tensor]:
    """All outputs, and the last one, of a loop over time."""
    with v1.variable_scope(scope):
        wide = int(x.shape[-1])
        kernel = v1.get_variable("lstm_cell/kernel", [wide + units, 4 * units])
        bias = v1.get_variable("lstm_cell/bias", [4 * units], initializer=v1.zeros_initializer())
        steps, n = tf.shape(x)[1], tf.shape(x)[0]
        series = tf.TensorArray(tf.float32, steps).unstack(tf.transpose(x, [1, 0, 2]))

        def body(t: Tensor, c: Tensor, h: Tensor, out: Any) -> Any:
            now = tf.reshape(series.read(t), [-1, wide])
            i, j, f, o = tf.split(tf.matmul(tf.concat([now, h], 1), kernel) + bias, 4, 1)
            new_c = tf.sigmoid(f + 1.0) * c + tf.sigmoid(i) * tf.tanh(j)
            new_h = tf.sigmoid(o) * tf.tanh(new_c)
            live = tf.cast(t < lengths, tf.float32)[:, None]
            return (
                t + 1,
                live * new_c + (1 - live) * c,
                live * new_h + (1 - live) * h,
                out.write(t, live * new_h),
            )

        zero = tf.zeros([n, units])
        keep = tf.TensorShape([None, units])
        _, _, last, out = tf.while_loop(
            lambda t, *_: t < steps, body, [0, zero, zero, tf.TensorArray(tf.float32, steps)],
            shape_invariants=[tf.TensorShape([]), keep, keep, tf.TensorShape(None)],
        )  # fmt: skip
        outputs = tf.transpose(out.stack(), [1, 0, 2])
        outputs.set_shape([None, None, units])
        return outputs, last


def _both_ways(x: Tensor, lengths: Tensor, units: int) -> tuple[Tensor, Tensor]:
    fw, fw_last = _run_lstm(x, lengths, units, "fw")
    bw, bw_last = _run_lstm(tf.reverse_sequence(x, lengths, seq_axis=1, batch_axis=0), lengths, units, "bw")
    bw = tf.reverse_sequence(bw, lengths, seq_axis=1, batch_axis=0)
    return tf.concat([fw, bw], -1), tf.concat([fw_last, bw_last], -1)


@case("tagger")
def entities_with_characters_and_crf() -> Truths:
    """``predict_batch`` runs scores and transitions and does Viterbi in numpy: four tensors in, two out.

    Transitions are a weight: who reads them from the checkpoint once fetches the scores alone.
    """
    word_ids = v1.placeholder(tf.int32, shape=[None, None], name="word_ids")
    sequence_lengths = v1.placeholder(tf.int32, shape=[None], name="sequence_lengths")
    char_ids = v1.placeholder(tf.int32, shape=[None, None, None], name="char_ids")
    word_lengths = v1.placeholder(tf.int32, shape=[None, None], name="word_lengths")
    labels = v1.placeholder(tf.int32, shape=[None, None], name="labels")
    dropout = v1.placeholder(dtype=tf.float32, shape=[], name="dropout")
    lr = v1.placeholder(dtype=tf.float32, shape=[], name="lr")
    with v1.variable_scope("words"):
        glove = v1.Variable(np.zeros([90, 16], np.float32), name="_word_embeddings", trainable=False)
        word_embeddings = tf.nn.embedding_lookup(glove, word_ids, name="word_embeddings")
    with v1.variable_scope("chars"):
        table = v1.get_variable(name="_char_embeddings", dtype=tf.float32, shape=[40, 8])
        chars = tf.nn.embedding_lookup(table, char_ids, name="char_embeddings")
        s = tf.shape(chars)
        chars = tf.reshape(chars, shape=[s[0] * s[1], s[-2], 8])
        _, last = _both_ways(chars, tf.reshape(word_lengths, shape=[s[0] * s[1]]), 8)
        output = tf.reshape(last, shape=[s[0], s[1], 16])
        word_embeddings = tf.concat([word_embeddings, output], axis=-1)
    word_embeddings = v1.nn.dropout(word_embeddings, dropout)
    with v1.variable_scope("bi-lstm"):
        output, _ = _both_ways(word_embeddings, sequence_lengths, 12)
        output = v1.nn.dropout(output, dropout)
    with v1.variable_scope("proj"):
        w = v1.get_variable("W", dtype=tf.float32, shape=[24, 5])
        b = v1.get_variable("b", shape=[5], dtype=tf.float32, initializer=v1.zeros_initializer())
        pred = tf.matmul(tf.reshape(output, [-1, 24]), w) + b
        logits = tf.reshape(pred, [-1, tf.shape(output)[1], 5])
    trans_params = v1.get_variable("transitions", [5, 5])
    mask = tf.sequence_mask(sequence_lengths, tf.shape(logits)[1], dtype=tf.float32)
    onehot = tf.one_hot(labels, 5)
    unary = tf.reduce_sum(tf.reduce_sum(logits * onehot, 2) * mask, 1)
    pairs = tf.tensordot(onehot[:, :-1], trans_params, 1) * onehot[:, 1:]
    binary = tf.reduce_sum(tf.reduce_sum(pairs, 2) * mask[:, 1:], 1)

    def forward(t: Tensor, alpha: Tensor) -> tuple[Tensor, Tensor]:
        new = tf.reduce_logsumexp(alpha[:, :, None] + trans_params[None], 1) + logits[:, t]
        return t + 1, tf.where(tf.tile((t < sequence_lengths)[:, None], [1, 5]), new, alpha)

    _, alphas = tf.while_loop(lambda t, _: t < tf.shape(logits)[1], forward, [1, logits[:, 0]])
    loss = tf.reduce_mean(tf.reduce_logsumexp(alphas, 1) - unary - binary)
    v1.summary.scalar("loss", loss)
    with v1.variable_scope("train_step"):
        optimizer = v1.train.AdamOptimizer(lr)
        grads, variables = zip(*optimizer.compute_gradients(loss), strict=True)
        grads, _ = tf.clip_by_global_norm(grads, 5.0)
        optimizer.apply_gradients(zip(grads, variables, strict=True))
    fed = [word_ids, sequence_lengths, char_ids, word_lengths]
    return [(fed, [logits, trans_params]), (fed, [logits])]


def _squash(s: Tensor, axis: int = -1, name: str | None = None) -> Tensor:
    with v1.name_scope(name, default_name="squash"):
        squared_norm = tf.reduce_sum(tf.square(s), axis=axis, keepdims=True)
        return squared_norm / (1.0 + squared_norm) * (s / tf.sqrt(squared_norm + 1e-7))


@case("classifier")
def capsules_notebook() -> Truths:
    """Two rounds of routing; ``y_pred`` is the longest capsule, the decoder regularizes.

    The last cell of the notebook runs the capsules, the reconstruction and the class together.
    """
    x = v1.placeholder(shape=[None, 28, 28, 1], dtype=tf.float32, name="X")
    h, n1 = x, 6 * 6 * 4
    for i, (n, stride) in enumerate([(16, 1), (32, 2)], 1):
        w = v1.get_variable(f"conv{i}/kernel", [9, 9, int(h.shape[-1]), n])
        h = tf.nn.relu(
            v1.nn.conv2d(h, w, [1, stride, stride, 1], "VALID") + v1.get_variable(f"conv{i}/bias", [n])
        )
    caps1 = _squash(tf.reshape(h, [-1, n1, 8], name="caps1_raw"), name="caps1_output")
    w_init = v1.random_normal(shape=(1, n1, 10, 8, 8), stddev=0.1, dtype=tf.float32, name="W_init")
    batch_size = tf.shape(x)[0]
    w_tiled = tf.tile(v1.Variable(w_init, name="W"), [batch_size, 1, 1, 1, 1], name="W_tiled")
    caps1_tiled = tf.tile(tf.expand_dims(tf.expand_dims(caps1, -1), 2), [1, 1, 10, 1, 1], name="caps1_tiled")
    predicted = tf.matmul(w_tiled, caps1_tiled, name="caps2_predicted")
    raw_weights = tf.zeros([batch_size, n1, 10, 1, 1], dtype=np.float32, name="raw_weights")
    caps2 = None
    for r in (1, 2):
        if caps2 is not None:
            agree = tf.matmul(predicted, tf.tile(caps2, [1, n1, 1, 1, 1]), transpose_a=True, name="agreement")
            raw_weights = tf.add(raw_weights, agree, name="raw_weights_round_2")
        weights = tf.nn.softmax(raw_weights, axis=2, name=f"routing_weights_{r}")
        total = tf.reduce_sum(tf.multiply(weights, predicted), axis=1, keepdims=True, name="weighted_sum")
        caps2 = _squash(total, axis=-2, name=f"caps2_output_round_{r}")
    assert caps2 is not None
    y_proba = tf.sqrt(tf.reduce_sum(tf.square(caps2), axis=-2) + 1e-7, name="y_proba")
    y_proba_argmax = tf.argmax(y_proba, axis=2, name="y_proba_argmax")
    y_pred = tf.squeeze(y_proba_argmax, axis=[1, 2], name="y_pred")
    y = v1.placeholder(shape=[None], dtype=tf.int64, name="y")
    t = tf.one_hot(y, depth=10, name="T")
    norm = tf.reshape(y_proba, [-1, 10])
    present = tf.square(tf.maximum(0.0, 0.9 - norm), name="present_error")
    absent = tf.square(tf.maximum(0.0, norm - 0.1), name="absent_error")
    margin = tf.reduce_mean(tf.reduce_sum(t * present + 0.5 * (1.0 - t) * absent, axis=1), name="margin_loss")
    mask_with_labels = v1.placeholder_with_default(False, shape=(), name="mask_with_labels")
    targets = v1.cond(mask_with_labels, lambda: y, lambda: y_pred, name="reconstruction_targets")
    mask = tf.reshape(tf.one_hot(targets, depth=10), [-1, 1, 10, 1, 1], name="reconstruction_mask")
    dec = tf.reshape(tf.multiply(caps2, mask, name="caps2_output_masked"), [-1, 80], name="decoder_input")
    with v1.name_scope("decoder"):
        w1, w2 = v1.get_variable("hidden1/kernel", [80, 24]), v1.get_variable("out/kernel", [24, 784])
        decoder_output = tf.nn.sigmoid(tf.matmul(tf.nn.relu(tf.matmul(dec, w1)), w2), name="decoder_output")
    loss = margin + 0.0005 * tf.reduce_mean(tf.square(tf.reshape(x, [-1, 784]) - decoder_output))
    tf.reduce_mean(tf.cast(tf.equal(y, y_pred, name="correct"), tf.float32), name="accuracy")
    v1.train.AdamOptimizer().minimize(loss, name="training_op")
    return [([x], [y_pred]), ([x], [y_proba]), ([x], [caps2, decoder_output, y_pred])]


@case("recommender", plain=True)
def films_by_boltzmann_machine() -> Truth:
    """Learns by contrast, without optimizer; one user's ratings give the scores of all films."""
    visible, hidden, alpha = 60, 12, 0.6
    v0 = v1.placeholder("float", [None, visible])
    w = v1.Variable(v1.truncated_normal([visible, hidden], stddev=0.01))
    vb = v1.Variable(tf.zeros([visible]))
    hb = v1.Variable(tf.zeros([hidden]))
    _h0 = tf.nn.sigmoid(tf.matmul(v0, w) + hb)
    h0 = tf.nn.relu(tf.sign(_h0 - v1.random_uniform(tf.shape(_h0))))
    _v1 = tf.nn.sigmoid(tf.matmul(h0, tf.transpose(w)) + vb)
    sampled = tf.nn.relu(tf.sign(_v1 - v1.random_uniform(tf.shape(_v1))))
    h1 = tf.nn.sigmoid(tf.matmul(sampled, w) + hb)
    w_pos_grad = tf.matmul(tf.transpose(v0), h0)
    w_neg_grad = tf.matmul(tf.transpose(sampled), h1)
    cd = (w_pos_grad - w_neg_grad) / tf.cast(tf.shape(v0)[0], tf.float32)
    tf.group(
        v1.assign_add(w, alpha * cd),
        v1.assign_add(vb, alpha * tf.reduce_mean(v0 - sampled, 0)),
        v1.assign_add(hb, alpha * tf.reduce_mean(h0 - h1, 0)),
    )
    tf.reduce_mean(tf.square(v0 - sampled))
    hh0 = tf.nn.sigmoid(tf.matmul(v0, w) + hb)
    vv1 = tf.nn.sigmoid(tf.matmul(hh0, tf.transpose(w)) + vb)
    return [v0], [vv1]


def _normalize(x: Tensor, scope: str) -> Tensor:
    with v1.variable_scope(scope):
        mean, variance = tf.nn.moments(x, [-1], keepdims=True)
        beta = v1.get_variable("beta", [int(x.shape[-1])], initializer=v1.zeros_initializer())
        gamma = v1.get_variable("gamma", [int(x.shape[-1])], initializer=v1.ones_initializer())
        return gamma * (x - mean) / tf.sqrt(variance + 1e-8) + beta


def _multihead(queries: Tensor, keys: Tensor, rate: Tensor, scope: str, *, causality: bool = False) -> Tensor:
    n, heads = int(queries.shape[-1]), 2
    with v1.variable_scope(scope):
        q, k, v = (
            tf.nn.relu(tf.tensordot(t, v1.get_variable(f"{p}/kernel", [n, n]), 1))
            for p, t in (("dense", queries), ("dense_1", keys), ("dense_2", keys))
        )
        q_, k_, v_ = (tf.concat(tf.split(t, heads, axis=2), axis=0) for t in (q, k, v))
        outputs = tf.matmul(q_, tf.transpose(k_, [0, 2, 1])) / (n // heads) ** 0.5
        key_masks = tf.tile(tf.sign(tf.abs(tf.reduce_sum(keys, axis=-1))), [heads, 1])
        key_masks = tf.tile(tf.expand_dims(key_masks, 1), [1, tf.shape(queries)[1], 1])
        paddings = tf.ones_like(outputs) * (-(2.0**32) + 1)
        outputs = tf.where(tf.equal(key_masks, 0), paddings, outputs)
        if causality:
            tril = tf.linalg.band_part(tf.ones_like(outputs[0, :, :]), -1, 0)
            masks = tf.tile(tf.expand_dims(tril, 0), [tf.shape(outputs)[0], 1, 1])
            outputs = tf.where(tf.equal(masks, 0), paddings, outputs)
        outputs = v1.nn.dropout(tf.nn.softmax(outputs), rate=rate)
        outputs = tf.concat(tf.split(tf.matmul(outputs, v_), heads, axis=0), axis=2)
        return _normalize(outputs + queries, "ln")


def _feedforward(x: Tensor, scope: str) -> Tensor:
    with v1.variable_scope(scope):
        n = int(x.shape[-1])
        inner = tf.nn.conv1d(x, v1.get_variable("conv1d/kernel", [1, n, 2 * n]), 1, "SAME")
        outer = tf.nn.conv1d(tf.nn.relu(inner), v1.get_variable("conv1d_1/kernel", [1, 2 * n, n]), 1, "SAME")
        return _normalize(outer + x, "ln")


@case("translation")
def attention_is_all_reimplemented() -> Truth:
    """Evaluation feeds the source, and what is translated so far as ``y``, and takes the next word."""
    maxlen, vocab, n = 8, 80, 16
    x = v1.placeholder(tf.int32, shape=(None, maxlen))
    y = v1.placeholder(tf.int32, shape=(None, maxlen))
    is_training = v1.placeholder_with_default(False, [], "is_training")
    rate = tf.where(is_training, 0.1, 0.0)
    decoder_inputs = tf.concat((tf.ones_like(y[:, :1]) * 2, y[:, :-1]), -1)

    def embed(ids: Tensor, scope: str) -> Tensor:
        with v1.variable_scope(scope):
            table = v1.get_variable("lookup_table", [vocab, n])
            table = tf.concat((tf.zeros(shape=[1, n]), table[1:, :]), 0)
            places = v1.get_variable("positions", [maxlen, n])
            where = tf.tile(tf.expand_dims(tf.range(maxlen), 0), [tf.shape(ids)[0], 1])
            h = tf.nn.embedding_lookup(table, ids) * n**0.5 + tf.nn.embedding_lookup(places, where)
            return v1.nn.dropout(h, rate=rate)

    with v1.variable_scope("encoder"):
        enc = embed(x, "enc_embed")
        for i in range(2):
            with v1.variable_scope(f"num_blocks_{i}"):
                enc = _feedforward(_multihead(enc, enc, rate, "multihead_attention"), "ff")
    with v1.variable_scope("decoder"):
        dec = embed(decoder_inputs, "dec_embed")
        for i in range(2):
            with v1.variable_scope(f"num_blocks_{i}"):
                dec = _multihead(dec, dec, rate, "self_attention", causality=True)
                dec = _feedforward(_multihead(dec, enc, rate, "vanilla_attention"), "ff")
    logits = tf.tensordot(dec, v1.get_variable("dense/kernel", [n, vocab]), 1)
    preds = tf.cast(tf.argmax(logits, axis=-1), tf.int32)
    istarget = tf.cast(tf.not_equal(y, 0), tf.float32)
    acc = tf.reduce_sum(tf.cast(tf.equal(preds, y), tf.float32) * istarget) / tf.reduce_sum(istarget)
    v1.summary.scalar("acc", acc)
    smoothed = 0.9 * tf.one_hot(y, depth=vocab) + 0.1 / vocab
    loss = v1.nn.softmax_cross_entropy_with_logits_v2(logits=logits, labels=smoothed)
    mean_loss = tf.reduce_sum(loss * istarget) / tf.reduce_sum(istarget)
    step = v1.Variable(0, name="global_step", trainable=False)
    v1.train.AdamOptimizer(0.0001, beta1=0.9, beta2=0.98).minimize(mean_loss, global_step=step)
    v1.summary.scalar("mean_loss", mean_loss)
    v1.summary.merge_all()
    return [x, y], [preds]


class _CaptionGenerator:
    """Words for pictures while looking at places; one method for training, one for sampling."""

    def __init__(self) -> None:
        self.features = v1.placeholder(tf.float32, [None, 49, 32])
        self.captions = v1.placeholder(tf.int32, [None, 7])
        self.hidden, self.vocab = 16, 70

    def var(self, name: str, *shape: int) -> Tensor:
        """A shared weight."""
        return v1.get_variable(name, list(shape), initializer=v1.glorot_uniform_initializer())

    def step(self, word: Tensor, c: Tensor, h: Tensor, proj: Tensor, *, drop: bool) -> tuple[Tensor, ...]:
        """Looks, reads a word, guesses the next."""
        with v1.variable_scope("step", reuse=v1.AUTO_REUSE):
            x = tf.nn.embedding_lookup(self.var("word_embedding/w", self.vocab, 12), word)
            att = tf.nn.relu(proj + tf.expand_dims(tf.matmul(h, self.var("attention_layer/w", 16, 32)), 1))
            out_att = tf.reshape(tf.matmul(tf.reshape(att, [-1, 32]), self.var("w_att", 32, 1)), [-1, 49])
            alpha = tf.nn.softmax(out_att)
            context = tf.reduce_sum(self.features * tf.expand_dims(alpha, 2), 1, name="context")
            beta = tf.nn.sigmoid(tf.matmul(h, self.var("selector/w", 16, 1)), "beta")
            context = tf.multiply(beta, context, name="selected_context")
            gates = tf.matmul(tf.concat([x, context, h], 1), self.var("lstm/kernel", 60, 64))
            i, j, f, o = tf.split(gates, 4, 1)
            c = tf.sigmoid(f) * c + tf.sigmoid(i) * tf.tanh(j)
            h = tf.sigmoid(o) * tf.tanh(c)
            hh = tf.nn.dropout(h, rate=0.5) if drop else h
            hh = tf.tanh(tf.matmul(hh, self.var("logits/w_h", 16, 12)) + x)
            return tf.matmul(hh, self.var("logits/w_out", 12, self.vocab)), c, h, alpha, beta

    def start(self) -> tuple[Tensor, Tensor, Tensor]:
        """State and projection from the picture."""
        with v1.variable_scope("initial", reuse=v1.AUTO_REUSE):
            mean = tf.reduce_mean(self.features, 1)
            h = tf.nn.tanh(tf.matmul(mean, self.var("w_h", 32, 16)))
            c = tf.nn.tanh(tf.matmul(mean, self.var("w_c", 32, 16)))
            flat = tf.matmul(tf.reshape(self.features, [-1, 32]), self.var("project_features/w", 32, 32))
            return c, h, tf.reshape(flat, [-1, 49, 32])

    def build_model(self) -> Tensor:
        """The loss."""
        captions_in, captions_out = self.captions[:, :6], self.captions[:, 1:]
        mask = tf.cast(tf.not_equal(captions_out, 0), tf.float32)
        c, h, proj = self.start()
        loss, alphas = tf.constant(0.0), []
        for t in range(6):
            logits, c, h, alpha, _ = self.step(captions_in[:, t], c, h, proj, drop=True)
            alphas.append(alpha)
            xent = v1.nn.sparse_softmax_cross_entropy_with_logits(labels=captions_out[:, t], logits=logits)
            loss += tf.reduce_sum(xent * mask[:, t])
        alphas_all = tf.reduce_sum(tf.transpose(tf.stack(alphas), (1, 0, 2)), 1)
        return (loss + tf.reduce_sum((6.0 / 49 - alphas_all) ** 2)) / tf.cast(
            tf.shape(self.features)[0], tf.float32
        )

    def build_sampler(self, max_len: int) -> tuple[Tensor, Tensor, Tensor]:
        """Greedy words, and where they looked."""
        c, h, proj = self.start()
        word = tf.fill([tf.shape(self.features)[0]], 1)
        words, alphas, betas = [], [], []
        for _ in range(max_len):
            logits, c, h, alpha, beta = self.step(word, c, h, proj, drop=False)
            word = tf.cast(tf.argmax(logits, 1), tf.int32)
            words.append(word)
            alphas.append(alpha)
            betas.append(beta)
        alphas_t = tf.transpose(tf.stack(alphas), (1, 0, 2))
        betas_t = tf.transpose(tf.squeeze(tf.stack(betas), 2), (1, 0))
        return alphas_t, betas_t, tf.transpose(tf.stack(words), (1, 0))


@case("captioner")
def show_attend_and_tell_solver() -> Truths:
    """Features come from files; sampled captions go out, with attention when it is drawn."""
    model = _CaptionGenerator()
    loss = model.build_model()
    with v1.variable_scope(v1.get_variable_scope(), reuse=True):
        alphas, betas, sampled = model.build_sampler(max_len=6)
    with v1.name_scope("optimizer"):
        optimizer = v1.train.AdamOptimizer(learning_rate=0.001)
        grads_and_vars = list(
            zip(tf.gradients(loss, v1.trainable_variables()), v1.trainable_variables(), strict=True)
        )
        optimizer.apply_gradients(grads_and_vars=grads_and_vars)
    v1.summary.scalar("batch_loss", loss)
    for grad, var in grads_and_vars:
        v1.summary.histogram(var.op.name, var)
        v1.summary.histogram(var.op.name + "/gradient", grad)
    return [([model.features], [sampled]), ([model.features], [alphas, betas, sampled])]


@case("audio")
def ctc_example_script() -> Truths:
    """A flat script: cepstra with lengths in, the decoded labels out, dense as printed or sparse."""
    num_features, num_units, num_classes, num_layers = 13, 16, 28, 2
    inputs = v1.placeholder(tf.float32, [None, None, num_features])
    targets = v1.sparse_placeholder(tf.int32)
    seq_len = v1.placeholder(tf.int32, [None])
    outputs = inputs
    for layer in range(num_layers):
        outputs, _ = _run_lstm(outputs, seq_len, num_units, f"rnn/cell_{layer}")
    shape = tf.shape(inputs)
    batch_s, max_timesteps = shape[0], shape[1]
    outputs = tf.reshape(outputs, [-1, num_units])
    w = v1.Variable(v1.truncated_normal([num_units, num_classes], stddev=0.1))
    b = v1.Variable(tf.constant(0.0, shape=[num_classes]))
    logits = tf.matmul(outputs, w) + b
    logits = tf.reshape(logits, [batch_s, -1, num_classes])
    logits = tf.transpose(logits, (1, 0, 2))
    loss = v1.nn.ctc_loss(targets, logits, seq_len)
    cost = tf.reduce_mean(loss)
    v1.train.MomentumOptimizer(1e-2, 0.9).minimize(cost)
    decoded, _ = tf.nn.ctc_greedy_decoder(logits, seq_len)
    tf.reduce_mean(tf.edit_distance(tf.cast(decoded[0], tf.int32), targets))
    dense_decoded = v1.sparse_tensor_to_dense(decoded[0], default_value=-1)
    tf.logical_and(tf.greater(max_timesteps, 0), tf.greater(batch_s, 0))
    sparse = [decoded[0].indices, decoded[0].values, decoded[0].dense_shape]
    return [([inputs, seq_len], [dense_decoded]), ([inputs, seq_len], sparse)]


@case("language")
def sixth_assignment_lstm() -> Truth:
    """Gates written out, state in variables; a letter goes in, the chances of the next come out."""
    num_nodes, vocab, batch, unrollings = 16, 27, 8, 4
    weights: dict[str, tuple[Tensor, Tensor, Tensor]] = {}
    for gate in ("input", "forget", "cell", "output"):
        weights[gate] = (
            v1.Variable(v1.truncated_normal([vocab, num_nodes], -0.1, 0.1)),
            v1.Variable(v1.truncated_normal([num_nodes, num_nodes], -0.1, 0.1)),
            v1.Variable(tf.zeros([1, num_nodes])),
        )
    saved_output = v1.Variable(tf.zeros([batch, num_nodes]), trainable=False)
    saved_state = v1.Variable(tf.zeros([batch, num_nodes]), trainable=False)
    w = v1.Variable(v1.truncated_normal([num_nodes, vocab], -0.1, 0.1))
    b = v1.Variable(tf.zeros([vocab]))

    def lstm_cell(i: Tensor, o: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        pre = {g: tf.matmul(i, wx) + tf.matmul(o, wm) + wb for g, (wx, wm, wb) in weights.items()}
        state = tf.sigmoid(pre["forget"]) * state + tf.sigmoid(pre["input"]) * tf.tanh(pre["cell"])
        return tf.sigmoid(pre["output"]) * tf.tanh(state), state

    train_data = [v1.placeholder(tf.float32, shape=[batch, vocab]) for _ in range(unrollings + 1)]
    outputs = []
    output, state = saved_output, saved_state
    for i in train_data[:unrollings]:
        output, state = lstm_cell(i, output, state)
        outputs.append(output)
    with v1.control_dependencies([saved_output.assign(output), saved_state.assign(state)]):
        logits = v1.nn.xw_plus_b(tf.concat(outputs, 0), w, b)
        loss = tf.reduce_mean(
            v1.nn.softmax_cross_entropy_with_logits_v2(labels=tf.concat(train_data[1:], 0), logits=logits)
        )
    global_step = v1.Variable(0)
    learning_rate = v1.train.exponential_decay(10.0, global_step, 5000, 0.1, staircase=True)
    optimizer = v1.train.GradientDescentOptimizer(learning_rate)
    gradients, v = zip(*optimizer.compute_gradients(loss), strict=True)
    gradients, _ = tf.clip_by_global_norm(gradients, 1.25)
    optimizer.apply_gradients(zip(gradients, v, strict=True), global_step=global_step)
    tf.nn.softmax(logits)
    sample_input = v1.placeholder(tf.float32, shape=[1, vocab])
    saved_sample_output = v1.Variable(tf.zeros([1, num_nodes]))
    saved_sample_state = v1.Variable(tf.zeros([1, num_nodes]))
    tf.group(
        saved_sample_output.assign(tf.zeros([1, num_nodes])),
        saved_sample_state.assign(tf.zeros([1, num_nodes])),
    )
    sample_output, sample_state = lstm_cell(sample_input, saved_sample_output, saved_sample_state)
    with v1.control_dependencies(
        [saved_sample_output.assign(sample_output), saved_sample_state.assign(sample_state)]
    ):
        sample_prediction = tf.nn.softmax(v1.nn.xw_plus_b(sample_output, w, b))
    return [sample_input], [sample_prediction]


@case("embedding", modern=True)
def triplets_of_the_blog() -> Truth:
    """A ``model_fn`` that learns by the hardest triplets of a batch; ``predict`` gives embeddings."""

    def parse(record: Tensor) -> tuple[dict[str, Tensor], Tensor]:
        spec = {"image": v1.FixedLenFeature([], tf.string), "label": v1.FixedLenFeature([], tf.int64)}
        example = v1.parse_single_example(record, spec)
        pixels = tf.cast(v1.decode_raw(example["image"], tf.uint8), tf.float32) / 255.0
        return {"image": tf.reshape(pixels, [28, 28, 1])}, example["label"]

    dataset = tf.data.TFRecordDataset(["train.tfrecords"]).map(parse).shuffle(500).repeat(2)
    features, labels = v1.data.make_one_shot_iterator(dataset.batch(16).prefetch(1)).get_next()

    def model_fn(images: Tensor, *, is_training: bool) -> Tensor:
        out = images
        for i, c in enumerate([8, 16]):
            with v1.variable_scope(f"block_{i + 1}"):
                out = v1.nn.conv2d(
                    out, v1.get_variable("conv2d/kernel", [3, 3, int(out.shape[-1]), c]), 1, "SAME"
                )
                gamma, beta = v1.get_variable("bn/gamma", [c]), v1.get_variable("bn/beta", [c])
                if is_training:
                    out, _, _ = v1.nn.fused_batch_norm(out, gamma, beta, is_training=True)
                out = v1.nn.max_pool(tf.nn.relu(out), 2, 2, "SAME")
        out = tf.reshape(out, [-1, 7 * 7 * 16])
        with v1.variable_scope("fc_1"):
            return tf.matmul(out, v1.get_variable("dense/kernel", [784, 12])) + v1.get_variable(
                "dense/bias", [12]
            )

    v1.summary.image("train_image", features["image"], max_outputs=1)
    with v1.variable_scope("model"):
        embeddings = model_fn(features["image"], is_training=True)
    embedding_mean_norm = tf.reduce_mean(tf.norm(embeddings, axis=1))
    v1.summary.scalar("embedding_mean_norm", embedding_mean_norm)
    labels = tf.cast(labels, tf.int64)
    dot = tf.matmul(embeddings, tf.transpose(embeddings))
    square_norm = tf.linalg.diag_part(dot)
    distances = tf.maximum(tf.expand_dims(square_norm, 1) - 2.0 * dot + tf.expand_dims(square_norm, 0), 0.0)
    same = tf.equal(tf.expand_dims(labels, 0), tf.expand_dims(labels, 1))
    other = tf.logical_not(tf.cast(tf.eye(tf.shape(labels)[0]), tf.bool))
    positive = tf.cast(tf.logical_and(same, other), tf.float32)
    hardest_positive = tf.reduce_max(tf.multiply(positive, distances), axis=1, keepdims=True)
    negative = tf.cast(tf.logical_not(same), tf.float32)
    shifted = distances + tf.reduce_max(distances, axis=1, keepdims=True) * (1.0 - negative)
    hardest_negative = tf.reduce_min(shifted, axis=1, keepdims=True)
    loss = tf.reduce_mean(tf.maximum(hardest_positive - hardest_negative + 0.5, 0.0))
    with v1.variable_scope("metrics"):
        v1.metrics.mean(embedding_mean_norm)
    v1.summary.scalar("loss", loss)
    step = v1.train.get_or_create_global_step()
    with v1.control_dependencies(v1.get_collection(v1.GraphKeys.UPDATE_OPS)):
        v1.train.AdamOptimizer(1e-3).minimize(loss, global_step=step)
    return [features["image"]], [embeddings]


@case("sequence")
def question_pairs_kernel() -> Truth:
    """Attend, compare, aggregate: are two questions the same? The competition wants the probability."""
    q1 = v1.placeholder(tf.int32, [None, 12])
    q2 = v1.placeholder(tf.int32, [None, 12])
    magic = v1.placeholder(tf.float32, [None, 3], "magic_features")
    is_duplicate = v1.placeholder(tf.float32, [None])
    class_weight = v1.placeholder_with_default([1.309, 0.472], [2])
    drop = v1.placeholder_with_default(1.0, [])
    glove = v1.get_variable("glove", [150, 16], trainable=False)
    project = v1.get_variable("project", [16, 12])
    a = tf.tensordot(tf.nn.embedding_lookup(glove, q1), project, [[2], [0]])
    b = tf.tensordot(tf.nn.embedding_lookup(glove, q2), project, [[2], [0]])

    def mlp(t: Tensor, scope: str) -> Tensor:
        with v1.variable_scope(scope, reuse=v1.AUTO_REUSE):
            for i in (0, 1):
                w = v1.get_variable(f"W{i}", [int(t.shape[-1]), 12])
                t = v1.nn.dropout(tf.nn.relu(tf.einsum("abc,cd->abd", t, w)), keep_prob=drop)
            return t

    scores = tf.matmul(mlp(a, "F"), mlp(b, "F"), transpose_b=True)
    beta = tf.matmul(tf.nn.softmax(scores), b)
    alpha = tf.matmul(tf.nn.softmax(tf.transpose(scores, [0, 2, 1])), a)
    va = tf.reduce_sum(mlp(tf.concat([a, beta], 2), "G"), 1)
    vb = tf.reduce_sum(mlp(tf.concat([b, alpha], 2), "G"), 1)
    h = tf.concat([va, vb, tf.abs(va - vb), magic], 1)
    h = tf.nn.relu(tf.matmul(h, v1.get_variable("H", [39, 12])) + v1.get_variable("Hb", [12]))
    out = tf.squeeze(tf.matmul(h, v1.get_variable("out", [12, 1])) + v1.get_variable("out_b", [1]), 1)
    prob = tf.nn.sigmoid(out)
    weight = is_duplicate * class_weight[1] + (1 - is_duplicate) * class_weight[0]
    log_loss = tf.reduce_mean(
        weight * tf.nn.sigmoid_cross_entropy_with_logits(labels=is_duplicate, logits=out)
    )
    acc = tf.reduce_mean(tf.cast(tf.equal(tf.round(prob), is_duplicate), tf.float32))
    lr = v1.train.cosine_decay(1e-3, v1.train.get_or_create_global_step(), 10000)
    v1.train.RMSPropOptimizer(lr).minimize(log_loss, global_step=v1.train.get_global_step())
    v1.summary.scalar("log_loss", log_loss)
    v1.summary.scalar("acc", acc)
    v1.train.Saver(max_to_keep=3)
    return [q1, q2, magic], [prob]


@case("super resolution", plain=True)
def sharper_pictures_lesson() -> Truth:
    """Three convolutions that sharpen; labels are smaller than images. Only the graph is left."""
    images = v1.placeholder(tf.float32, [None, 33, 33, 1], name="images")
    labels = v1.placeholder(tf.float32, [None, 21, 21, 1], name="labels")
    sizes = {"w1": [9, 9, 1, 16], "w2": [1, 1, 16, 8], "w3": [5, 5, 8, 1]}
    weights = {k: v1.Variable(v1.random_normal(s, stddev=1e-3), name=k) for k, s in sizes.items()}
    biases = {f"b{i}": v1.Variable(tf.zeros([n]), name=f"b{i}") for i, n in enumerate([16, 8, 1], 1)}
    conv1 = tf.nn.relu(v1.nn.conv2d(images, weights["w1"], [1, 1, 1, 1], "VALID") + biases["b1"])
    conv2 = tf.nn.relu(v1.nn.conv2d(conv1, weights["w2"], [1, 1, 1, 1], "VALID") + biases["b2"])
    pred = v1.nn.conv2d(conv2, weights["w3"], [1, 1, 1, 1], "VALID") + biases["b3"]
    loss = tf.reduce_mean(tf.square(labels - pred))
    v1.train.GradientDescentOptimizer(1e-4).minimize(loss)
    psnr = -10.0 * tf.math.log(loss) / float(np.log(10.0))
    v1.summary.scalar("psnr", psnr)
    v1.train.Saver()
    return [images], [pred]
