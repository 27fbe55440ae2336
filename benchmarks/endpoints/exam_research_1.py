"""Code published with papers, first part: generative models, sets and graphs, few-shot learning."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf

from benchmarks.endpoints.cases import Truth, Truths, case, v1

Tensor = Any


def _xavier(size: Sequence[int]) -> Tensor:
    return v1.random_normal(size, stddev=1.0 / math.sqrt(size[0] / 2.0))


@case("autoencoder")
def conditional_vae_of_digits() -> Truth:
    """The flat script of a conditional VAE.

    One decoder is run on the encoder's sample to train and on a fed ``z`` to draw digits of the wanted
    class, so ``z`` and the condition go in and the drawn images come out.
    """
    mb, z_dim, x_dim, y_dim, h_dim = 64, 8, 784, 10, 32
    x = v1.placeholder(tf.float32, shape=[None, x_dim])
    c = v1.placeholder(tf.float32, shape=[None, y_dim])
    z = v1.placeholder(tf.float32, shape=[None, z_dim])
    q_w1, q_b1 = tf.Variable(_xavier([x_dim + y_dim, h_dim])), tf.Variable(tf.zeros([h_dim]))
    q_wmu, q_bmu = tf.Variable(_xavier([h_dim, z_dim])), tf.Variable(tf.zeros([z_dim]))
    q_wsig, q_bsig = tf.Variable(_xavier([h_dim, z_dim])), tf.Variable(tf.zeros([z_dim]))
    p_w1, p_b1 = tf.Variable(_xavier([z_dim + y_dim, h_dim])), tf.Variable(tf.zeros([h_dim]))
    p_w2, p_b2 = tf.Variable(_xavier([h_dim, x_dim])), tf.Variable(tf.zeros([x_dim]))

    def q(x: Tensor, c: Tensor) -> tuple[Tensor, Tensor]:
        h = tf.nn.relu(tf.matmul(tf.concat([x, c], 1), q_w1) + q_b1)
        return tf.matmul(h, q_wmu) + q_bmu, tf.matmul(h, q_wsig) + q_bsig

    def p(z: Tensor, c: Tensor) -> tuple[Tensor, Tensor]:
        h = tf.nn.relu(tf.matmul(tf.concat([z, c], 1), p_w1) + p_b1)
        logits = tf.matmul(h, p_w2) + p_b2
        return tf.nn.sigmoid(logits), logits

    z_mu, z_logvar = q(x, c)
    z_sample = z_mu + tf.exp(z_logvar / 2) * v1.random_normal(tf.shape(z_mu))
    _, logits = p(z_sample, c)
    x_samples, _ = p(z, c)
    recon_loss = tf.reduce_sum(tf.nn.sigmoid_cross_entropy_with_logits(logits=logits, labels=x), 1)
    kl_loss = 0.5 * tf.reduce_sum(tf.exp(z_logvar) + z_mu**2 - 1.0 - z_logvar, 1)
    vae_loss = tf.reduce_mean(recon_loss + kl_loss)
    v1.train.AdamOptimizer(1e-3 * mb / 64).minimize(vae_loss)
    return [z, c], [x_samples]


@case("science", plain=True)
def realnvp_density_of_tables() -> Truth:
    """A flow of masked couplings on the rows of a table.

    The training maximizes ``log_px``, and the density of new rows is what the paper's evaluation asks for;
    no sampler is built.
    """
    d = 8
    x_in = v1.placeholder(tf.float32, [None, d], name="batch_rows")
    lr = v1.placeholder(tf.float32, [], name="lr")

    def net(inputs: Tensor, scope: str, last: Callable[..., Tensor]) -> Tensor:
        with v1.variable_scope(scope):
            h = inputs
            for i, n in enumerate([16, 16, d]):
                w = v1.get_variable(f"w{i}", [int(h.shape[1]), n])
                h = tf.matmul(h, w) + v1.get_variable(f"b{i}", [n], initializer=v1.zeros_initializer())
                h = tf.nn.relu(h) if i < 2 else last(h)
            return h

    u, log_det = x_in, tf.zeros([tf.shape(x_in)[0]])
    for k in range(4):
        mask = tf.constant([float((i + k) % 2) for i in range(d)], name=f"mask_{k}")
        with v1.variable_scope(f"coupling_{k}"):
            s = net(u * mask, "scale", tf.tanh) * (1 - mask)
            t = net(u * mask, "translate", tf.identity) * (1 - mask)
            u = mask * u + (1 - mask) * (u - t) * tf.exp(-s)
            log_det -= tf.reduce_sum(s, axis=1)
    prior = -0.5 * tf.reduce_sum(tf.square(u) + math.log(2 * math.pi), axis=1)
    log_px = tf.add(prior, log_det, name="log_px")
    nll = -tf.reduce_mean(log_px, name="nll")
    optimizer = v1.train.AdamOptimizer(lr)
    pairs = [(tf.clip_by_norm(g, 5.0), v) for g, v in optimizer.compute_gradients(nll) if g is not None]
    optimizer.apply_gradients(pairs, v1.train.get_or_create_global_step())
    return [x_in], [log_px]


def _dense(x: Tensor, units: int, name: str, getter: Any = None) -> Tensor:
    with v1.variable_scope(name, reuse=v1.AUTO_REUSE, custom_getter=getter):
        kernel = v1.get_variable("kernel", [int(x.shape[-1]), units])
        bias = v1.get_variable("bias", [units], initializer=v1.zeros_initializer())
        return tf.nn.bias_add(tf.matmul(x, kernel), bias)


@case("adversarial")
def bigan_for_intrusion_scores() -> Truth:
    """Anomalies by a bidirectional GAN.

    The testing part takes averaged weights and mixes the reconstruction with the discriminator's features
    into one score for each record.
    """
    latent, wide = 8, 24
    input_pl = v1.placeholder(tf.float32, shape=(None, 41), name="input")
    is_training_pl = v1.placeholder(tf.bool, [], name="is_training_pl")
    learning_rate = v1.placeholder(tf.float32, shape=(), name="lr_pl")

    def drop(h: Tensor) -> Tensor:
        return v1.cond(is_training_pl, lambda: tf.nn.dropout(h, rate=0.2), lambda: h)

    def enc(x: Tensor, getter: Any = None) -> Tensor:
        with v1.variable_scope("encoder", reuse=v1.AUTO_REUSE):
            return _dense(
                tf.nn.leaky_relu(_dense(x, wide, "layer_1", getter), 0.1), latent, "layer_2", getter
            )

    def gen(z: Tensor, getter: Any = None) -> Tensor:
        with v1.variable_scope("generator", reuse=v1.AUTO_REUSE):
            return _dense(tf.nn.relu(_dense(z, wide, "layer_1", getter)), 41, "layer_2", getter)

    def dis(z: Tensor, x: Tensor, getter: Any = None) -> tuple[Tensor, Tensor]:
        with v1.variable_scope("discriminator", reuse=v1.AUTO_REUSE):
            hx = tf.nn.leaky_relu(_dense(x, wide, "x_layer_1", getter), 0.1)
            hz = drop(tf.nn.leaky_relu(_dense(z, wide, "z_fc_1", getter), 0.1))
            inter = drop(tf.nn.leaky_relu(_dense(tf.concat([hx, hz], 1), wide, "y_fc_1", getter), 0.1))
            return _dense(inter, 1, "y_fc_logits", getter)[:, 0], inter

    with v1.variable_scope("encoder_model"):
        z_gen = enc(input_pl)
    z = v1.random_normal([tf.shape(input_pl)[0], latent])
    with v1.variable_scope("generator_model"):
        x_gen = gen(z)
    with v1.variable_scope("discriminator_model", reuse=v1.AUTO_REUSE):
        l_encoder, _ = dis(z_gen, input_pl)
        l_generator, _ = dis(z, x_gen)
    bce = tf.nn.sigmoid_cross_entropy_with_logits
    loss_dis = tf.reduce_mean(bce(labels=tf.ones_like(l_encoder), logits=l_encoder)) + tf.reduce_mean(
        bce(labels=tf.zeros_like(l_generator), logits=l_generator)
    )
    loss_gen = tf.reduce_mean(bce(labels=tf.ones_like(l_generator), logits=l_generator))
    loss_enc = tf.reduce_mean(bce(labels=tf.zeros_like(l_encoder), logits=l_encoder))
    ema = v1.train.ExponentialMovingAverage(decay=0.999)
    for loss, scope in ((loss_dis, "discriminator"), (loss_gen, "generator"), (loss_enc, "encoder")):
        variables = v1.trainable_variables(f"{scope}_model")
        step = v1.train.AdamOptimizer(learning_rate, beta1=0.5).minimize(loss, var_list=variables)
        with tf.control_dependencies([step]):
            ema.apply(variables)
        v1.summary.scalar(f"loss_{scope}", loss, ["dis"])

    def averaged(getter: Callable[..., Any], name: str, *args: Any, **kwargs: Any) -> Tensor:
        return ema.average(getter(name, *args, **kwargs))

    with v1.variable_scope("encoder_model", reuse=True):
        z_ema = enc(input_pl, averaged)
    with v1.variable_scope("generator_model", reuse=True):
        reconstruct_ema = gen(z_ema, averaged)
    with v1.variable_scope("discriminator_model", reuse=True):
        _, inter_real = dis(z_ema, input_pl, averaged)
        _, inter_fake = dis(z_ema, reconstruct_ema, averaged)
    with v1.name_scope("Testing"):
        delta = tf.reshape(input_pl - reconstruct_ema, [-1, 41])
        gen_score = tf.reduce_sum(tf.abs(delta), axis=1)
        dis_score = tf.reduce_sum(tf.abs(inter_real - inter_fake), axis=1)
        list_scores = 0.9 * gen_score + 0.1 * dis_score
    return [input_pl], [list_scores]


class _StarGan:
    def __init__(self, files: Sequence[str], c_dim: int = 5, ch: int = 8) -> None:
        self.c_dim, self.ch, self.size = c_dim, ch, 32
        self.files = list(files)

    def parse(self, serialized: Tensor) -> tuple[Tensor, Tensor]:
        spec = {
            "jpeg": v1.FixedLenFeature([], tf.string),
            "attributes": v1.FixedLenFeature([self.c_dim], tf.float32),
        }
        features = v1.parse_single_example(serialized, spec)
        image = v1.image.resize_images(tf.image.decode_jpeg(features["jpeg"], 3), [self.size, self.size])
        return v1.image.random_flip_left_right(image) / 127.5 - 1, features["attributes"]

    def conv(self, x: Tensor, n: int, k: int, s: int, scope: str, norm: bool = True) -> Tensor:
        with v1.variable_scope(scope):
            w = v1.get_variable("w", [k, k, int(x.shape[-1]), n])
            x = v1.nn.conv2d(tf.pad(x, [[0, 0], [1, 1], [1, 1], [0, 0]], "REFLECT"), w, [1, s, s, 1], "VALID")
            if norm:
                mean, var = tf.nn.moments(x, [1, 2], keepdims=True)
                gamma = v1.get_variable("gamma", [n], initializer=v1.ones_initializer())
                beta = v1.get_variable("beta", [n], initializer=v1.zeros_initializer())
                x = (x - mean) * v1.rsqrt(var + 1e-5) * gamma + beta
            return x

    def generator(self, x: Tensor, c: Tensor, reuse: bool = False) -> Tensor:
        with v1.variable_scope("generator", reuse=reuse):
            c = tf.cast(tf.reshape(c, [-1, 1, 1, self.c_dim]), tf.float32)
            x = tf.concat([x, tf.tile(c, [1, self.size, self.size, 1])], -1)
            x = tf.nn.relu(self.conv(x, self.ch, 3, 1, "stem"))
            x = tf.nn.relu(self.conv(x, self.ch * 2, 4, 2, "down"))
            for i in range(2):
                x += self.conv(
                    tf.nn.relu(self.conv(x, self.ch * 2, 3, 1, f"res{i}_a")), self.ch * 2, 3, 1, f"res{i}_b"
                )
            x = v1.image.resize_nearest_neighbor(x, [self.size, self.size])
            x = tf.nn.relu(self.conv(x, self.ch, 3, 1, "up"))
            return tf.tanh(self.conv(x, 3, 3, 1, "last", norm=False))

    def discriminator(self, x: Tensor, reuse: bool = False) -> tuple[Tensor, Tensor]:
        with v1.variable_scope("discriminator", reuse=reuse):
            for i in range(3):
                x = tf.nn.leaky_relu(self.conv(x, self.ch * 2**i, 4, 2, f"conv_{i}", norm=False), 0.01)
            logit = self.conv(x, 1, 3, 1, "D_logit", norm=False)
            return logit, tf.reduce_mean(self.conv(x, self.c_dim, 3, 1, "D_label", norm=False), [1, 2])

    def build_model(self) -> None:
        self.lr = v1.placeholder(tf.float32, name="learning_rate")
        data = tf.data.TFRecordDataset(self.files).map(self.parse).shuffle(100).repeat().batch(4)
        self.x_real, label_org = v1.data.make_one_shot_iterator(data.prefetch(1)).get_next()
        label_trg = v1.random_shuffle(label_org)
        x_fake = self.generator(self.x_real, label_trg)
        x_rec = self.generator(x_fake, label_org, reuse=True)
        real_logit, real_cls = self.discriminator(self.x_real)
        fake_logit, fake_cls = self.discriminator(x_fake, reuse=True)
        alpha = v1.random_uniform([4, 1, 1, 1])
        mixed = alpha * self.x_real + (1 - alpha) * x_fake
        slope = tf.gradients(self.discriminator(mixed, reuse=True)[0], mixed)[0]
        gp = tf.reduce_mean((tf.norm(tf.reshape(slope, [4, -1]), axis=1) - 1) ** 2)
        bce = tf.nn.sigmoid_cross_entropy_with_logits
        d_cls, g_cls = (
            tf.reduce_mean(tf.reduce_sum(bce(labels=label, logits=logit), 1))
            for label, logit in ((label_org, real_cls), (label_trg, fake_cls))
        )
        self.d_loss = tf.reduce_mean(fake_logit) - tf.reduce_mean(real_logit) + 10 * gp + d_cls
        self.g_loss = g_cls - tf.reduce_mean(fake_logit) + 10 * tf.reduce_mean(tf.abs(self.x_real - x_rec))
        for loss, scope in ((self.g_loss, "generator"), (self.d_loss, "discriminator")):
            v1.train.AdamOptimizer(self.lr, 0.5, 0.999).minimize(loss, var_list=v1.trainable_variables(scope))
            v1.summary.scalar(scope + "_loss", loss)
        self.custom_image = v1.placeholder(tf.float32, [None, self.size, self.size, 3], name="custom_image")
        self.custom_label = v1.placeholder(tf.float32, [None, self.c_dim], name="custom_label")
        self.custom_fake_image = self.generator(self.custom_image, self.custom_label, reuse=True)
        v1.summary.merge_all()


@case("adversarial")
def stargan_changes_attributes() -> Truth:
    """Faces to faces of other attributes.

    Records train it, and the author's test feeds an own image and the wanted attributes to the generator's
    third use.
    """
    gan = _StarGan(["celeba-00.tfrecord", "celeba-01.tfrecord"])
    gan.build_model()
    return [gan.custom_image, gan.custom_label], [gan.custom_fake_image]


@case("adversarial")
def flowers_from_captions() -> Truth:
    """Text to image with matching-aware discrimination.

    Caption vectors and noise make pictures; the sampler is the generator with the moving statistics of
    batch norm, and what the author draws with.
    """
    b, gf, df, t_dim = 16, 8, 8, 12
    t_real_image = v1.placeholder(tf.float32, [b, 16, 16, 3], name="real_image")
    t_wrong_image = v1.placeholder(tf.float32, [b, 16, 16, 3], name="wrong_image")
    t_real_caption = v1.placeholder(tf.float32, [b, 48], name="real_caption_input")
    t_z = v1.placeholder(tf.float32, [b, 10])

    def linear(x: Tensor, n: int, scope: str) -> Tensor:
        with v1.variable_scope(scope):
            w = v1.get_variable(
                "Matrix", [int(x.shape[1]), n], initializer=v1.random_normal_initializer(0, 0.02)
            )
            return tf.matmul(x, w) + v1.get_variable("bias", [n], initializer=v1.constant_initializer(0.0))

    def bn(x: Tensor, name: str, train: bool) -> Tensor:
        with v1.variable_scope(name):
            n = [int(x.shape[-1])]
            beta = v1.get_variable("beta", n, initializer=v1.zeros_initializer())
            gamma = v1.get_variable("gamma", n, initializer=v1.ones_initializer())
            mean = v1.get_variable("moving_mean", n, trainable=False, initializer=v1.zeros_initializer())
            var = v1.get_variable("moving_variance", n, trainable=False, initializer=v1.ones_initializer())
            if not train:
                return v1.nn.fused_batch_norm(x, gamma, beta, mean, var, 1e-5, is_training=False)[0]
            y, m, v = v1.nn.fused_batch_norm(x, gamma, beta, epsilon=1e-5)
            v1.add_to_collection("update_ops", v1.assign(mean, mean * 0.9 + m * 0.1))
            v1.add_to_collection("update_ops", v1.assign(var, var * 0.9 + v * 0.1))
            return y

    def generator(z: Tensor, text: Tensor, train: bool, reuse: bool) -> Tensor:
        with v1.variable_scope("g", reuse=reuse):
            reduced = tf.nn.leaky_relu(linear(text, t_dim, "g_embedding"))
            h = tf.reshape(linear(tf.concat([z, reduced], 1), gf * 2 * 16, "g_h0_lin"), [-1, 4, 4, gf * 2])
            h = tf.nn.relu(bn(h, "g_bn0", train))
            for i, n in enumerate([gf, 3]):
                k = v1.get_variable(f"g_h{i + 1}/w", [5, 5, n, int(h.shape[-1])])
                h = v1.nn.conv2d_transpose(h, k, [b, 8 * 2**i, 8 * 2**i, n], [1, 2, 2, 1])
                h = tf.nn.relu(bn(h, f"g_bn{i + 1}", train)) if i == 0 else h
            return tf.tanh(h) / 2.0 + 0.5

    def discriminator(image: Tensor, text: Tensor, reuse: bool) -> Tensor:
        with v1.variable_scope("d", reuse=reuse):
            h = image
            for i, n in enumerate([df, df * 2]):
                k = v1.get_variable(f"d_h{i}/w", [5, 5, int(h.shape[-1]), n])
                h = tf.nn.leaky_relu(bn(v1.nn.conv2d(h, k, [1, 2, 2, 1], "SAME"), f"d_bn{i}", True))
            said = tf.nn.leaky_relu(linear(text, t_dim, "d_embedding"))
            tiled = tf.tile(said[:, None, None, :], [1, 4, 4, 1], name="tiled_embeddings")
            return linear(tf.reshape(tf.concat([h, tiled], 3), [b, -1]), 1, "d_h3_lin")

    fake_image = generator(t_z, t_real_caption, train=True, reuse=False)
    real, wrong, fake = (
        discriminator(image, t_real_caption, reuse=i > 0)
        for i, image in enumerate([t_real_image, t_wrong_image, fake_image])
    )
    ce = tf.nn.sigmoid_cross_entropy_with_logits
    g_loss = tf.reduce_mean(ce(logits=fake, labels=tf.ones_like(fake)))
    d_loss = sum(
        tf.reduce_mean(ce(logits=x, labels=y(x)))
        for x, y in ((real, tf.ones_like), (wrong, tf.zeros_like), (fake, tf.zeros_like))
    )
    t_vars = v1.trainable_variables()
    v1.train.AdamOptimizer(2e-4, 0.5).minimize(d_loss, var_list=[v for v in t_vars if "d_" in v.name])
    v1.train.AdamOptimizer(2e-4, 0.5).minimize(g_loss, var_list=[v for v in t_vars if "g_" in v.name])
    sampler = generator(t_z, t_real_caption, train=False, reuse=True)
    return [t_real_caption, t_z], [sampler]


def _mlp(x: Tensor, sizes: Sequence[int], scope: str) -> Tensor:
    with v1.variable_scope(scope, reuse=v1.AUTO_REUSE):
        for i, n in enumerate(sizes):
            w = v1.get_variable(f"layer_{i}/kernel", [int(x.shape[-1]), n])
            x = tf.tensordot(x, w, [[x.shape.rank - 1], [0]]) + v1.get_variable(f"layer_{i}/bias", [n])
            x = tf.nn.relu(x) if i < len(sizes) - 1 else x
        return x


@case("science")
def neural_process_of_curves() -> Truth:
    """Regression by a latent neural process.

    The posterior sees the targets while training; for new curves the context points and the new abscissas
    are fed, and mean and deviation come from the ``z`` of the context alone.
    """
    ds = v1.distributions
    x_context = v1.placeholder(tf.float32, (None, None, 1), "x_context")
    y_context = v1.placeholder(tf.float32, (None, None, 1), "y_context")
    x_target = v1.placeholder(tf.float32, (None, None, 1), "x_target")
    y_target = v1.placeholder(tf.float32, (None, None, 1), "y_target")

    def latent(x: Tensor, y: Tensor) -> Any:
        r = tf.reduce_mean(_mlp(tf.concat([x, y], -1), [16, 16], "h_encoder"), axis=1)
        mu, s = tf.split(_mlp(r, [16, 2 * 6], "z_params"), 2, axis=-1)
        return ds.Normal(mu, 0.1 + 0.9 * tf.sigmoid(s))

    def decode(z: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
        many = tf.tile(z[:, None, :], [1, tf.shape(x)[1], 1])
        mu, log_sigma = tf.split(_mlp(tf.concat([many, x], -1), [16, 16, 2], "g_decoder"), 2, axis=-1)
        return mu, 0.1 + 0.9 * tf.nn.softplus(log_sigma)

    prior = latent(x_context, y_context)
    x_all, y_all = tf.concat([x_context, x_target], 1), tf.concat([y_context, y_target], 1)
    posterior = latent(x_all, y_all)
    mu, sigma = decode(posterior.sample(), x_target)
    log_lik = tf.reduce_sum(ds.Normal(mu, sigma).log_prob(y_target), [1, 2])
    kl = tf.reduce_sum(ds.kl_divergence(posterior, prior), -1)
    elbo = tf.reduce_mean(log_lik - kl)
    v1.train.AdamOptimizer(1e-3).minimize(-elbo, global_step=v1.train.get_or_create_global_step())
    v1.summary.scalar("elbo", elbo)
    v1.summary.histogram("posterior_scale", posterior.scale)
    mu_star, sigma_star = decode(prior.sample(), x_target)
    return [x_context, y_context, x_target], [mu_star, sigma_star]


@case("science", frozen=True)
def set_transformer_of_mixtures() -> Truth:
    """Amortized clustering by a set transformer.

    A set of points goes in, and weights, means and deviations of the mixture come out; what is frozen here
    is what the demo of the paper loads.
    """
    d, heads, k = 16, 4, 4
    points = v1.placeholder(tf.float32, [None, None, 2])

    def fc(x: Tensor, n: int, name: str) -> Tensor:
        w = v1.get_variable(name + "_W", [int(x.shape[-1]), n])
        return tf.einsum("bni,io->bno", x, w) + v1.get_variable(name + "_b", [n])

    def mab(q_in: Tensor, kv: Tensor, scope: str) -> Tensor:
        with v1.variable_scope(scope):
            q, key, val = fc(q_in, d, "q"), fc(kv, d, "k"), fc(kv, d, "v")
            qs, ks, vs = (tf.concat(tf.split(t, heads, 2), 0) for t in (q, key, val))
            a = tf.nn.softmax(tf.matmul(qs, ks, transpose_b=True) / math.sqrt(d), -1)
            o = tf.concat(tf.split(qs + tf.matmul(a, vs), heads, 0), 2)
            return o + tf.nn.relu(fc(o, d, "o"))

    def tiled(name: str, n: int) -> Tensor:
        return tf.tile(v1.get_variable(name, [1, n, d]), [tf.shape(points)[0], 1, 1])

    h = fc(points, d, "embed")
    for i in range(2):
        h = mab(h, mab(tiled(f"I{i}", 6), h, f"isab{i}_0"), f"isab{i}_1")
    h = mab(tiled("S", k), h, "pma")
    h = mab(h, h, "sab")
    out = fc(h, 1 + 2 * 2, "out")
    pi = tf.nn.softmax(out[:, :, 0], name="pi")
    mu = tf.identity(out[:, :, 1:3], name="mu")
    sigma = tf.nn.softplus(out[:, :, 3:], name="sigma")
    diff = (points[:, :, None, :] - mu[:, None]) / sigma[:, None]
    ll = -0.5 * tf.reduce_sum(diff**2 + 2 * tf.math.log(sigma[:, None]) + math.log(2 * math.pi), -1)
    loss = -tf.reduce_mean(tf.reduce_logsumexp(ll + tf.math.log(pi + 1e-10)[:, None], -1))
    v1.train.AdamOptimizer(
        v1.train.piecewise_constant(v1.train.get_or_create_global_step(), [100], [1e-3, 1e-4])
    ).minimize(loss)
    return [points], [pi, mu, sigma]


@case("graph net")
def molecule_property_by_passed_messages() -> Truth:
    """Messages along bonds and a sum for each molecule.

    The network learns standardized energies, and the prediction is turned back to the unit of the data set,
    which is the value that chemists fetch.
    """
    hidden = 12
    params: dict[str, Tensor] = {
        "target_mean": tf.Variable(0.0, trainable=False, name="target_mean"),
        "target_std": tf.Variable(1.0, trainable=False, name="target_std"),
    }
    ph: dict[str, Tensor] = {
        "atoms": v1.placeholder(tf.float32, [None, 11], name="atom_features"),
        "bonds": v1.placeholder(tf.float32, [None, 5], name="bond_features"),
        "src_dst": v1.placeholder(tf.int32, [None, 2], name="bond_ends"),
        "mol": v1.placeholder(tf.int32, [None], name="graph_nodes_list"),
        "targets": v1.placeholder(tf.float32, [None], name="targets"),
        "out_keep": v1.placeholder(tf.float32, [], name="out_layer_dropout_keep_prob"),
    }

    def weights(name: str, *shape: int) -> Tensor:
        params[name] = tf.Variable(_xavier(shape), name=name)
        return params[name]

    h = tf.tanh(tf.matmul(ph["atoms"], weights("embed", 11, hidden)))
    edge_network = tf.reshape(
        tf.matmul(ph["bonds"], weights("edge", 5, hidden * hidden)), [-1, hidden, hidden]
    )
    wz, wr, wh = (weights("gru_" + gate, 2 * hidden, hidden) for gate in "zrh")
    for _ in range(3):
        sent = tf.nn.embedding_lookup(h, ph["src_dst"][:, 0])
        message = tf.squeeze(tf.matmul(edge_network, sent[:, :, None]), -1)
        m = v1.unsorted_segment_sum(message, ph["src_dst"][:, 1], tf.shape(h)[0])
        z = tf.sigmoid(tf.matmul(tf.concat([m, h], 1), wz))
        r = tf.sigmoid(tf.matmul(tf.concat([m, h], 1), wr))
        h = (1 - z) * h + z * tf.tanh(tf.matmul(tf.concat([m, r * h], 1), wh))
    gated = tf.sigmoid(tf.matmul(tf.concat([h, ph["atoms"]], 1), weights("gate", hidden + 11, 8)))
    dropped = tf.nn.dropout(h, rate=1 - ph["out_keep"])
    per_atom = tf.matmul(gated * tf.matmul(dropped, weights("transform", hidden, 8)), weights("last", 8, 1))
    normalized = v1.segment_sum(tf.squeeze(per_atom, 1), ph["mol"])
    standard = (ph["targets"] - params["target_mean"]) / params["target_std"]
    loss = 0.5 * tf.reduce_mean(tf.square(normalized - standard))
    energies = normalized * params["target_std"] + params["target_mean"]
    mae = tf.reduce_mean(tf.abs(energies - ph["targets"]), name="mae")
    optimizer = v1.train.AdamOptimizer(1e-3)
    grads = [(tf.clip_by_norm(g, 1.0), v) for g, v in optimizer.compute_gradients(loss) if g is not None]
    optimizer.apply_gradients(grads)
    v1.summary.scalar("accuracy_mae", mae)
    return [ph["atoms"], ph["bonds"], ph["src_dst"], ph["mol"]], [energies]


class _LinkModel:
    def __init__(self, n_features: int, h1: int, h2: int) -> None:
        self.ph = {
            "features": v1.sparse_placeholder(tf.float32, name="features"),
            "adj": v1.sparse_placeholder(tf.float32, name="adj_norm"),
            "adj_orig": v1.sparse_placeholder(tf.float32, name="adj_orig"),
            "dropout": v1.placeholder_with_default(0.0, shape=(), name="dropout"),
            "edges": v1.placeholder(tf.int64, [None, 2], name="candidate_edges"),
        }
        self.vars: dict[str, Tensor] = {}
        features, adj = self.ph["features"], self.ph["adj"]
        hidden = tf.nn.relu(v1.sparse_tensor_dense_matmul(adj, v1.sparse_tensor_dense_matmul(
            features, self.glorot("gc_dense_1", n_features, h1))))  # fmt: skip
        hidden = tf.nn.dropout(hidden, rate=self.ph["dropout"])
        self.z_mean, self.z_log_std = (
            v1.sparse_tensor_dense_matmul(adj, tf.matmul(hidden, self.glorot(name, h1, h2)))
            for name in ("gc_mean", "gc_log_std")
        )
        self.z = self.z_mean + v1.random_normal(tf.shape(self.z_mean)) * tf.exp(self.z_log_std)
        self.reconstructions = tf.reshape(tf.matmul(self.z, self.z, transpose_b=True), [-1])
        heads, tails = (tf.gather(self.z_mean, self.ph["edges"][:, i]) for i in (0, 1))
        self.edge_probability = tf.sigmoid(tf.reduce_sum(heads * tails, axis=1))

    def glorot(self, name: str, n_in: int, n_out: int) -> Tensor:
        r = math.sqrt(6.0 / (n_in + n_out))
        with v1.variable_scope("linkmodel_vars"):
            self.vars[name] = tf.Variable(v1.random_uniform([n_in, n_out], -r, r), name=name + "_weights")
        return self.vars[name]

    def optimize(self, pos_weight: float, norm: float) -> None:
        labels = tf.reshape(v1.sparse_tensor_to_dense(self.ph["adj_orig"], validate_indices=False), [-1])
        self.cost = norm * tf.reduce_mean(
            tf.nn.weighted_cross_entropy_with_logits(labels, self.reconstructions, pos_weight)
        )
        n = tf.cast(tf.shape(self.z)[0], tf.float32)
        kl = 1 + 2 * self.z_log_std - tf.square(self.z_mean) - tf.square(tf.exp(self.z_log_std))
        self.cost -= (0.5 / n) * tf.reduce_mean(tf.reduce_sum(kl, 1))
        self.opt_op = v1.train.AdamOptimizer(0.01).minimize(self.cost)
        right = tf.equal(
            tf.cast(tf.greater_equal(tf.sigmoid(self.reconstructions), 0.5), tf.int32),
            tf.cast(labels, tf.int32),
        )
        self.accuracy = tf.reduce_mean(tf.cast(right, tf.float32))


@case("graph net")
def link_prediction_by_graph_vae() -> Truth:
    """A variational graph autoencoder with sparse inputs.

    To judge held-out pairs the author feeds the graph, its features and the pairs, and fetches the
    probability of each pair (from means, not from samples).
    """
    model = _LinkModel(40, 16, 8)
    model.optimize(9.0, 0.6)
    features, adj = model.ph["features"], model.ph["adj"]
    fed = [t for sparse in (features, adj) for t in (sparse.indices, sparse.values, sparse.dense_shape)]
    return [*fed, model.ph["edges"]], [model.edge_probability]


@case("classifier")
def capsules_with_routing() -> Truths:
    """Capsules with three rounds of routing.

    The reconstruction is only a regularizer; the longest of the digit capsules, or all their lengths, is
    the answer.
    """
    x = v1.placeholder(shape=[None, 28, 28, 1], dtype=tf.float32, name="X")
    y = v1.placeholder(shape=[None], dtype=tf.int64, name="y")
    mask_with_labels = v1.placeholder_with_default(False, shape=(), name="mask_with_labels")

    def squash(s: Tensor, axis: int = -1, name: str | None = None) -> Tensor:
        with v1.name_scope(name, default_name="squash"):
            sq = tf.reduce_sum(tf.square(s), axis=axis, keepdims=True)
            return sq / (1.0 + sq) * s / tf.sqrt(sq + 1e-7)

    k1 = v1.get_variable("conv1/kernel", [9, 9, 1, 8])
    k2 = v1.get_variable("conv2/kernel", [9, 9, 8, 4 * 8])
    conv1 = tf.nn.relu(v1.nn.conv2d(x, k1, [1, 1, 1, 1], "VALID"), name="conv1_relu")
    conv2 = tf.nn.relu(v1.nn.conv2d(conv1, k2, [1, 2, 2, 1], "VALID"))
    n1 = 4 * 6 * 6
    caps1_output = squash(tf.reshape(conv2, [-1, n1, 8], name="caps1_raw"), name="caps1_output")
    w = tf.Variable(v1.random_normal((1, n1, 10, 16, 8), stddev=0.1), name="W")
    batch_size = tf.shape(x)[0]
    w_tiled = tf.tile(w, [batch_size, 1, 1, 1, 1], name="W_tiled")
    tile = tf.tile(caps1_output[:, :, None, :, None], [1, 1, 10, 1, 1], name="caps1_output_tiled")
    caps2_predicted = tf.matmul(w_tiled, tile, name="caps2_predicted")
    raw_weights = tf.zeros([batch_size, n1, 10, 1, 1], name="raw_weights")
    for r in range(3):
        routing = tf.nn.softmax(raw_weights, axis=2)
        weighted_sum = tf.reduce_sum(routing * caps2_predicted, axis=1, keepdims=True)
        caps2 = squash(weighted_sum, axis=-2, name=f"caps2_output_round_{r + 1}")
        if r < 2:
            agreement = tf.matmul(caps2_predicted, tf.tile(caps2, [1, n1, 1, 1, 1]), transpose_a=True)
            raw_weights = tf.add(raw_weights, agreement)
    y_proba = tf.sqrt(tf.reduce_sum(tf.square(caps2[:, 0, :, :, 0]), axis=-1) + 1e-7, name="y_proba")
    y_pred = tf.argmax(y_proba, axis=1, name="y_pred")
    t = tf.one_hot(y, depth=10, name="T")
    margin = t * tf.square(tf.maximum(0.0, 0.9 - y_proba)) + 0.5 * (1 - t) * tf.square(
        tf.maximum(0.0, y_proba - 0.1)
    )
    margin_loss = tf.reduce_mean(tf.reduce_sum(margin, axis=1), name="margin_loss")
    targets = v1.cond(mask_with_labels, lambda: y, lambda: y_pred, name="reconstruction_targets")
    masked = caps2[:, 0, :, :, 0] * tf.one_hot(targets, depth=10)[:, :, None]
    hidden = tf.nn.relu(_dense(tf.reshape(masked, [-1, 160]), 24, "decoder_hidden"))
    decoder_output = tf.nn.sigmoid(_dense(hidden, 784, "decoder_output"))
    reconstruction_loss = tf.reduce_mean(tf.square(tf.reshape(x, [-1, 784]) - decoder_output))
    loss = tf.add(margin_loss, 0.0005 * reconstruction_loss, name="loss")
    tf.reduce_mean(tf.cast(tf.equal(y, y_pred), tf.float32), name="accuracy")
    v1.train.AdamOptimizer().minimize(loss, name="training_op")
    return [([x], [y_pred]), ([x], [y_proba])]


@case("science")
def maml_on_sinusoids() -> Truth:
    """Model-agnostic meta-learning of sinusoids.

    A few labelled points of a new task (``inputa``, ``labela``) adapt the weights in the graph, and the
    adapted network is asked at ``inputb``; the last update is the one plotted.
    """
    n, meta_lr, updates = 10, v1.placeholder_with_default(1e-3, ()), 3
    inputa = v1.placeholder(tf.float32, [None, n, 1])
    inputb = v1.placeholder(tf.float32, [None, n, 1])
    labela = v1.placeholder(tf.float32, [None, n, 1])
    labelb = v1.placeholder(tf.float32, [None, n, 1])
    weights: dict[str, Tensor] = {}
    with v1.variable_scope("model"):
        for i, (a, b) in enumerate([(1, 16), (16, 16), (16, 1)], 1):
            weights[f"w{i}"] = tf.Variable(v1.truncated_normal([a, b], stddev=0.01), name=f"w{i}")
            weights[f"b{i}"] = tf.Variable(tf.zeros([b]), name=f"b{i}")

    def forward(inp: Tensor, ws: dict[str, Tensor]) -> Tensor:
        hidden = tf.nn.relu(tf.matmul(inp, ws["w1"]) + ws["b1"])
        hidden = tf.nn.relu(tf.matmul(hidden, ws["w2"]) + ws["b2"])
        return tf.matmul(hidden, ws["w3"]) + ws["b3"]

    def mse(pred: Tensor, label: Tensor) -> Tensor:
        return tf.reduce_mean(tf.square(tf.reshape(pred, [-1]) - tf.reshape(label, [-1])))

    def task_metalearn(inp: tuple[Tensor, ...]) -> list[Any]:
        xa, xb, ya, yb = inp
        task_outputa = forward(xa, weights)
        loss_a, fast = mse(task_outputa, ya), dict(weights)
        outputbs, lossesb = [], []
        for _ in range(updates):
            grads = tf.gradients(mse(forward(xa, fast), ya), list(fast.values()))
            fast = {k: v - 0.01 * g for (k, v), g in zip(fast.items(), grads, strict=True)}
            outputbs.append(forward(xb, fast))
            lossesb.append(mse(outputbs[-1], yb))
        return [task_outputa, outputbs, loss_a, lossesb]

    kinds = [tf.float32, [tf.float32] * updates, tf.float32, [tf.float32] * updates]
    result = v1.map_fn(task_metalearn, (inputa, inputb, labela, labelb), dtype=kinds, parallel_iterations=8)
    _, outputbs, lossesa, lossesb = result
    total_loss1 = tf.reduce_mean(lossesa)
    total_losses2 = [tf.reduce_mean(loss) for loss in lossesb]
    v1.train.AdamOptimizer(1e-3, name="pretrain").minimize(total_loss1)
    optimizer = v1.train.AdamOptimizer(meta_lr)
    gvs = optimizer.compute_gradients(total_losses2[0])
    optimizer.apply_gradients([(tf.clip_by_value(g, -10, 10), v) for g, v in gvs])
    v1.summary.scalar("Pre-update loss", total_loss1)
    for j, loss in enumerate(total_losses2):
        v1.summary.scalar(f"Post-update loss, step {j + 1}", loss)
    return [inputa, labela, inputb], [outputbs[-1]]


@case("language")
def sentences_of_another_style() -> Truth:
    """Non-parallel style transfer with a cross-aligned autoencoder.

    Gumbel softmax feeds the soft generator for the adversary; to rewrite, sentences and their style are fed
    and the greedy words of the other style are read.
    """
    vocab, emb, dim_y, dim_z, steps = 60, 12, 4, 12, 5
    dropout = v1.placeholder(tf.float32, name="dropout")
    batch_len = v1.placeholder(tf.int32, name="batch_len")
    enc_inputs = v1.placeholder(tf.int32, [None, steps], name="enc_inputs")
    dec_inputs = v1.placeholder(tf.int32, [None, steps], name="dec_inputs")
    targets = v1.placeholder(tf.int32, [None, steps], name="targets")
    tw = v1.placeholder(tf.float32, [None, steps], name="weights")
    labels = v1.placeholder(tf.float32, [None], name="labels")
    table = v1.get_variable("embedding", [vocab, emb])
    proj_w, proj_b = v1.get_variable("proj_W", [dim_y + dim_z, vocab]), v1.get_variable("proj_b", [vocab])

    def gru(x: Tensor, h: Tensor, scope: str) -> Tensor:
        n = int(h.shape[1])
        with v1.variable_scope(scope + "/gru_cell", reuse=v1.AUTO_REUSE):
            wg = v1.get_variable("gates/kernel", [int(x.shape[1]) + n, 2 * n])
            wc = v1.get_variable("candidate/kernel", [int(x.shape[1]) + n, n])
        r, u = tf.split(tf.sigmoid(tf.matmul(tf.concat([x, h], 1), wg) + 1.0), 2, 1)
        return u * h + (1 - u) * tf.tanh(tf.matmul(tf.concat([x, r * h], 1), wc))

    with v1.variable_scope("style"):
        wy, by = v1.get_variable("w", [1, dim_y]), v1.get_variable("b", [dim_y])
    y_ori, y_tsf = (tf.matmul(s[:, None], wy) + by for s in (labels, 1 - labels))
    words = tf.nn.embedding_lookup(table, enc_inputs)
    h = tf.concat([y_ori, tf.zeros([tf.shape(labels)[0], dim_z])], 1)
    for t in range(steps):
        h = gru(tf.nn.dropout(words[:, t], rate=dropout), h, "encoder")
    z = h[:, dim_y:]
    h_ori, h_tsf = tf.concat([y_ori, z], 1), tf.concat([y_tsf, z], 1)
    g, teach_h, logits = tf.nn.embedding_lookup(table, dec_inputs), [], []
    h = h_ori
    for t in range(steps):
        h = gru(tf.nn.dropout(g[:, t], rate=dropout), h, "generator")
        teach_h.append(h)
        logits.append(tf.matmul(h, proj_w) + proj_b)
    ce = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=targets, logits=tf.stack(logits, 1))
    loss_g = tf.reduce_sum(ce * tw) / tf.cast(batch_len, tf.float32)

    def free(h: Tensor, soft: bool) -> tuple[Tensor, Tensor]:
        x, hs, ids = tf.tile(table[1:2], [tf.shape(h)[0], 1]), [], []  # begins with <go>
        for _ in range(steps):
            h = gru(x, h, "generator")
            scores = tf.matmul(h, proj_w) + proj_b
            noise = -v1.log(-v1.log(v1.random_uniform(tf.shape(scores), 1e-9, 1.0)))
            ids.append(tf.argmax(scores, 1))
            x = tf.matmul(tf.nn.softmax((scores + noise) / 0.1), table) if soft else tf.gather(table, ids[-1])
            hs.append(h)
        return tf.stack(hs, 1), tf.stack(ids, 1)

    soft_h, _ = free(h_tsf, soft=True)
    _, tsf_ids = free(h_tsf, soft=False)

    def critic(x: Tensor) -> Tensor:
        return _mlp(tf.reshape(x, [-1, steps * (dim_y + dim_z)]), [16, 1], "discriminator")

    real, fake = critic(tf.stack(teach_h, 1)), critic(soft_h)
    bce = tf.nn.sigmoid_cross_entropy_with_logits
    loss_d = tf.reduce_mean(
        bce(logits=real, labels=tf.ones_like(real)) + bce(logits=fake, labels=tf.zeros_like(fake))
    )
    theta_d = v1.trainable_variables("discriminator")
    theta_eg = [v for v in v1.trainable_variables() if all(v is not w for w in theta_d)]
    v1.train.AdamOptimizer(5e-4, 0.5).minimize(loss_g - loss_d, var_list=theta_eg)
    v1.train.AdamOptimizer(5e-4, 0.5).minimize(loss_d, var_list=theta_d)
    return [enc_inputs, labels], [tsf_ids]
