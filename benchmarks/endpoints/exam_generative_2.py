"""Adversarial networks and diffusion, with samplers, pools, towers and averaged generators."""

# ruff: noqa: N802, N806 - names as their authors write them

from __future__ import annotations

import math
from typing import Any

import numpy as np
import tensorflow as tf

from benchmarks.endpoints.cases import Truth, Truths, case, v1

Tensor = Any


def lrelu(x: Tensor, leak: float = 0.2) -> Tensor:
    """Leaky rectifier the old way."""
    return tf.maximum(x, leak * x)


def linear(x: Tensor, size: int, scope: str) -> Tensor:
    """A matrix and a bias in a scope."""
    with v1.variable_scope(scope, reuse=v1.AUTO_REUSE):
        m = v1.get_variable(
            "Matrix", [int(x.shape[1]), size], tf.float32, v1.random_normal_initializer(stddev=0.02)
        )
        b = v1.get_variable("bias", [size], initializer=v1.constant_initializer(0.0))
        return tf.matmul(x, m) + b


def conv2d(x: Tensor, out: int, scope: str, k: int = 3, d: int = 1) -> Tensor:
    """A convolution in a scope."""
    with v1.variable_scope(scope, reuse=v1.AUTO_REUSE):
        w = v1.get_variable(
            "w", [k, k, int(x.shape[-1]), out], initializer=v1.truncated_normal_initializer(stddev=0.02)
        )
        b = v1.get_variable("biases", [out], initializer=v1.constant_initializer(0.0))
        return tf.nn.bias_add(v1.nn.conv2d(x, w, strides=[1, d, d, 1], padding="SAME"), b)


def deconv2d(x: Tensor, out: int, scope: str, k: int = 4) -> Tensor:
    """A transposed convolution of stride two."""
    with v1.variable_scope(scope, reuse=v1.AUTO_REUSE):
        w = v1.get_variable(
            "w", [k, k, out, int(x.shape[-1])], initializer=v1.random_normal_initializer(stddev=0.02)
        )
        s = tf.shape(x)
        y = v1.nn.conv2d_transpose(x, w, tf.stack([s[0], 2 * s[1], 2 * s[2], out]), [1, 2, 2, 1])
        static = x.shape.as_list()
        y.set_shape([static[0], *(2 * n if n else None for n in static[1:3]), out])
        return y


def instance_norm(x: Tensor, scope: str) -> Tensor:
    """Instance normalization."""
    with v1.variable_scope(scope, reuse=v1.AUTO_REUSE):
        scale = v1.get_variable("scale", [int(x.shape[-1])], initializer=v1.ones_initializer())
        offset = v1.get_variable("offset", [int(x.shape[-1])], initializer=v1.zeros_initializer())
        mean, variance = tf.nn.moments(x, axes=[1, 2], keepdims=True)
        return scale * (x - mean) * tf.math.rsqrt(variance + 1e-5) + offset


def bce(logits: Tensor, value: float) -> Tensor:
    """Sigmoid cross entropy against one value."""
    target = tf.ones_like(logits) * value
    return tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(logits=logits, labels=target))


@case("adversarial")
def vanilla_gan_in_one_short_script() -> Truth:
    """Global variables, two optimizers, nothing named but D's and G's weights."""
    X = v1.placeholder(tf.float32, shape=[None, 784])
    Z = v1.placeholder(tf.float32, shape=[None, 20])
    D_W1, D_b1 = v1.Variable(tf.random.normal([784, 32], stddev=0.05)), v1.Variable(tf.zeros([32]))
    D_W2, D_b2 = v1.Variable(tf.random.normal([32, 1], stddev=0.2)), v1.Variable(tf.zeros([1]))
    G_W1, G_b1 = v1.Variable(tf.random.normal([20, 32], stddev=0.2)), v1.Variable(tf.zeros([32]))
    G_W2, G_b2 = v1.Variable(tf.random.normal([32, 784], stddev=0.2)), v1.Variable(tf.zeros([784]))

    def generator(z: Tensor) -> Tensor:
        return tf.nn.sigmoid(tf.matmul(tf.nn.relu(tf.matmul(z, G_W1) + G_b1), G_W2) + G_b2)

    def discriminator(x: Tensor) -> tuple[Tensor, Tensor]:
        logit = tf.matmul(tf.nn.relu(tf.matmul(x, D_W1) + D_b1), D_W2) + D_b2
        return tf.nn.sigmoid(logit), logit

    G_sample = generator(Z)
    D_real, _ = discriminator(X)
    D_fake, _ = discriminator(G_sample)
    D_loss = -tf.reduce_mean(tf.math.log(D_real) + tf.math.log(1.0 - D_fake))
    G_loss = -tf.reduce_mean(tf.math.log(D_fake))
    v1.train.AdamOptimizer().minimize(D_loss, var_list=[D_W1, D_W2, D_b1, D_b2])
    v1.train.AdamOptimizer().minimize(G_loss, var_list=[G_W1, G_W2, G_b1, G_b2])
    return [Z], [G_sample]


class _Bn:
    """Batch norm as an object that is called, with an averager of its own."""

    def __init__(self, name: str, momentum: float = 0.9) -> None:
        self.name, self.momentum = name, momentum

    def __call__(self, x: Tensor, train: bool = True) -> Tensor:
        with v1.variable_scope(self.name, reuse=v1.AUTO_REUSE):
            n = int(x.shape[-1])
            beta = v1.get_variable("beta", [n], initializer=v1.zeros_initializer())
            gamma = v1.get_variable("gamma", [n], initializer=v1.random_normal_initializer(1.0, 0.02))
            mean = v1.get_variable("moving_mean", [n], initializer=v1.zeros_initializer(), trainable=False)
            var = v1.get_variable("moving_variance", [n], initializer=v1.ones_initializer(), trainable=False)
            if not train:
                return tf.nn.batch_normalization(x, mean, var, beta, gamma, 1e-5)
            m, v = tf.nn.moments(x, list(range(x.shape.rank - 1)))
            keep = self.momentum
            updates = [
                v1.assign(mean, keep * mean + (1 - keep) * m),
                v1.assign(var, keep * var + (1 - keep) * v),
            ]
            with tf.control_dependencies(updates):
                return tf.nn.batch_normalization(x, tf.identity(m), tf.identity(v), beta, gamma, 1e-5)


class _AuxiliaryDcgan:
    """An auxiliary classifier GAN grown out of the well known convolutional class."""

    def __init__(self, batch_size: int = 16, z_dim: int = 24, y_dim: int = 10, gf: int = 8) -> None:
        self.batch_size, self.z_dim, self.y_dim, self.gf = batch_size, z_dim, y_dim, gf
        self.g_bn0, self.g_bn1 = _Bn("g_bn0"), _Bn("g_bn1")
        self.d_bn1 = _Bn("d_bn1")
        self.build_model()

    def build_model(self) -> None:
        """All of it."""
        self.inputs = v1.placeholder(tf.float32, [self.batch_size, 16, 16, 3], name="real_images")
        self.y = v1.placeholder(tf.float32, [self.batch_size, self.y_dim], name="y")
        self.z = v1.placeholder(tf.float32, [None, self.z_dim], name="z")
        v1.summary.histogram("z", self.z)
        self.G = self.generator(self.z, self.y)
        self.D, d_logits, c_real = self.discriminator(self.inputs)
        self.sampler = self.generator(self.z, self.y, train=False)
        self.D_, d_logits_, c_fake = self.discriminator(self.G)
        v1.summary.image("G", self.G)
        aux = tf.reduce_mean(
            v1.nn.softmax_cross_entropy_with_logits(labels=self.y, logits=c_real)
            + v1.nn.softmax_cross_entropy_with_logits(labels=self.y, logits=c_fake)
        )
        self.d_loss = bce(d_logits, 0.9) + bce(d_logits_, 0.0) + aux
        self.g_loss = bce(d_logits_, 1.0) + aux
        t_vars = v1.trainable_variables()
        for loss, prefix in ((self.d_loss, "d_"), (self.g_loss, "g_")):
            v1.summary.scalar(prefix + "loss", loss)
            v1.train.AdamOptimizer(2e-4, beta1=0.5).minimize(
                loss, var_list=[v for v in t_vars if prefix in v.name]
            )
        self.summary = v1.summary.merge_all()

    def generator(self, z: Tensor, y: Tensor, train: bool = True) -> Tensor:
        """Noise and class to image; in and out of training."""
        with v1.variable_scope("generator", reuse=v1.AUTO_REUSE):
            h = linear(tf.concat([z, y], 1), self.gf * 2 * 16, "g_h0_lin")
            h0 = tf.nn.relu(self.g_bn0(tf.reshape(h, [-1, 4, 4, self.gf * 2]), train))
            h1 = tf.nn.relu(self.g_bn1(deconv2d(h0, self.gf, "g_h1"), train))
            return tf.nn.tanh(deconv2d(h1, 3, "g_h2"))

    def discriminator(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Is it real, and of which class?"""
        with v1.variable_scope("discriminator", reuse=v1.AUTO_REUSE):
            h0 = lrelu(conv2d(image, 8, "d_h0_conv", 5, 2))
            h1 = lrelu(self.d_bn1(conv2d(h0, 16, "d_h1_conv", 5, 2)))
            flat = tf.reshape(h1, [self.batch_size, 4 * 4 * 16])
            logit = linear(flat, 1, "d_h2_lin")
            return tf.nn.sigmoid(logit), logit, linear(flat, self.y_dim, "d_h2_cls")


@case("adversarial")
def auxiliary_classifier_dcgan_with_sampler() -> Truth:
    """The class has a sampler next to its generator, which runs with the moving averages."""
    dcgan = _AuxiliaryDcgan()
    return [dcgan.z, dcgan.y], [dcgan.sampler]


@case("adversarial")
def infogan_with_categorical_and_continuous_codes() -> Truth:
    """Three nameless placeholders are concatenated to the latent; Q shares the critic's body."""
    real = v1.placeholder(tf.float32, (None, 14, 14, 1))
    noise = v1.placeholder(tf.float32, (None, 16))
    category = v1.placeholder(tf.int32, (None,))
    continuous = v1.placeholder(tf.float32, (None, 2))
    is_training = v1.placeholder(tf.bool)

    def norm(x: Tensor, scope: str) -> Tensor:
        layer = _Bn(scope)
        return v1.cond(is_training, lambda: layer(x, True), lambda: layer(x, False))

    with v1.variable_scope("generator"):
        latent = tf.concat([noise, tf.one_hot(category, 10), continuous], 1)
        net = tf.nn.relu(norm(linear(latent, 32, "fc1"), "fc1_bn"))
        net = tf.nn.relu(linear(net, 7 * 7 * 8, "fc2"))
        generated = tf.sigmoid(deconv2d(tf.reshape(net, [-1, 7, 7, 8]), 1, "deconv"))

    def body(images: Tensor) -> tuple[Tensor, Tensor]:
        with v1.variable_scope("discriminator"):
            x = lrelu(conv2d(images, 8, "c1", 4, 2))
            x = lrelu(linear(tf.reshape(x, [-1, 7 * 7 * 8]), 32, "fc"))
            return linear(x, 1, "head"), x

    real_logits, _ = body(real)
    fake_logits, shared = body(generated)
    with v1.variable_scope("mutual_information"):
        q = lrelu(linear(shared, 16, "q_fc"))
        q_cat, q_mean = linear(q, 10, "q_category"), linear(q, 2, "q_continuous")
    info = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels=category, logits=q_cat))
    info += 0.1 * tf.reduce_mean(tf.reduce_sum(0.5 * (continuous - q_mean) ** 2, 1))
    loss_d = bce(real_logits, 1.0) + bce(fake_logits, 0.0)
    loss_g = bce(fake_logits, 1.0)

    def of(*prefixes: str) -> list[Any]:
        return [v for v in v1.trainable_variables() if v.name.startswith(prefixes)]

    v1.train.AdamOptimizer(2e-4, 0.5).minimize(loss_d, var_list=of("discriminator"))
    v1.train.AdamOptimizer(1e-3, 0.5).minimize(loss_g, var_list=of("generator"))
    v1.train.AdamOptimizer(1e-3, 0.5).minimize(info, var_list=of("generator", "discriminator", "mutual"))
    return [noise, category, continuous], [generated]


@case("adversarial")
def wasserstein_gan_with_penalty_on_two_gpus() -> Truth:
    """Real data are split over devices, noise for training is drawn inside; samples come from fed noise."""
    BATCH, DIM, DEVICES = 8, 8, ["/gpu:0", "/gpu:1"]

    def Generator(n: Any, noise: Tensor | None = None) -> Tensor:
        if noise is None:
            noise = tf.random.normal([n, 16])
        out = tf.reshape(tf.nn.relu(linear(noise, 4 * 4 * DIM, "Generator.Input")), [-1, 4, 4, DIM])
        out = tf.nn.relu(deconv2d(out, DIM, "Generator.2", 5))
        out = tf.tanh(deconv2d(out, 3, "Generator.3", 5))
        return tf.reshape(out, [-1, 16 * 16 * 3])

    def Critic(x: Tensor) -> Tensor:
        out = lrelu(conv2d(tf.reshape(x, [-1, 16, 16, 3]), DIM, "Discriminator.1", 5, 2))
        out = lrelu(conv2d(out, DIM * 2, "Discriminator.2", 5, 2))
        return tf.reshape(linear(tf.reshape(out, [-1, 4 * 4 * DIM * 2]), 1, "Discriminator.Output"), [-1])

    all_real_data_conv = v1.placeholder(tf.int32, shape=[BATCH, 16, 16, 3])
    gen_costs, disc_costs = [], []
    for device, real_conv in zip(DEVICES, tf.split(all_real_data_conv, len(DEVICES)), strict=True):
        with tf.device(device):
            half = BATCH // len(DEVICES)
            real = tf.reshape(2 * ((tf.cast(real_conv, tf.float32) / 255.0) - 0.5), [half, 16 * 16 * 3])
            fake = Generator(half)
            disc_real, disc_fake = Critic(real), Critic(fake)
            alpha = tf.random.uniform(shape=[half, 1], minval=0.0, maxval=1.0)
            interpolates = real + alpha * (fake - real)
            gradients = v1.gradients(Critic(interpolates), [interpolates])[0]
            slopes = tf.sqrt(tf.reduce_sum(tf.square(gradients), axis=[1]))
            gen_costs.append(-tf.reduce_mean(disc_fake))
            penalty = 10.0 * tf.reduce_mean((slopes - 1.0) ** 2)
            disc_costs.append(tf.reduce_mean(disc_fake) - tf.reduce_mean(disc_real) + penalty)
    for costs, who in ((gen_costs, "Generator"), (disc_costs, "Discriminator")):
        v1.train.AdamOptimizer(1e-4, beta1=0.0, beta2=0.9).minimize(
            tf.add_n(costs) / len(DEVICES),
            var_list=[v for v in v1.trainable_variables() if v.name.startswith(who)],
            colocate_gradients_with_ops=True,
        )
    sample_noise = v1.placeholder(tf.float32, [None, 16])
    samples = tf.cast((Generator(None, sample_noise) + 1.0) * (255.99 / 2), tf.int32)
    return [sample_noise], [tf.reshape(samples, [-1, 16, 16, 3])]


@case("adversarial")
def boundary_equilibrium_gan_that_feeds_its_random_z() -> Truth:
    """Files come from a queue and z is drawn inside; for faces the author feeds that tensor and fetches G."""
    reader_out = tf.random.uniform([16, 16, 3], 0, 255, name="decoded_face")
    x = v1.train.shuffle_batch(
        [reader_out], batch_size=8, capacity=64, min_after_dequeue=16, name="synthetic"
    )
    x = x / 127.5 - 1.0
    z = tf.random.uniform((tf.shape(x)[0], 16), minval=-1.0, maxval=1.0)
    k_t = v1.Variable(0.0, trainable=False, name="k_t")

    def G_cnn(z: Tensor, scope: str) -> Tensor:
        with v1.variable_scope(scope, reuse=v1.AUTO_REUSE):
            h = tf.reshape(linear(z, 4 * 4 * 8, "fc"), [-1, 4, 4, 8])
            for i in range(2):
                h = tf.nn.elu(conv2d(tf.nn.elu(conv2d(h, 8, f"Conv_{i}a")), 8, f"Conv_{i}b"))
                h = v1.image.resize_nearest_neighbor(h, (8 * 2**i, 8 * 2**i))
            return conv2d(h, 3, "Conv_out")

    g = G_cnn(z, "G")
    with v1.variable_scope("D"):
        e = tf.nn.elu(conv2d(tf.concat([g, x], 0), 8, "enc_0"))
        e = tf.nn.elu(conv2d(e, 16, "enc_1", d=2))
        e = tf.nn.elu(conv2d(e, 16, "enc_2", d=2))
        code = linear(tf.reshape(e, [-1, 4 * 4 * 16]), 16, "code")
    AE_G, AE_x = tf.split(G_cnn(code, "D"), 2)

    def denorm_img(norm: Tensor) -> Tensor:
        return tf.clip_by_value((norm + 1) * 127.5, 0, 255)

    G_img = denorm_img(g)
    d_real, d_fake = tf.reduce_mean(tf.abs(AE_x - x)), tf.reduce_mean(tf.abs(AE_G - g))
    d_loss, g_loss = d_real - k_t * d_fake, d_fake
    g_lr = v1.Variable(8e-5, name="g_lr")
    v1.assign(g_lr, tf.maximum(g_lr * 0.5, 2e-5), name="g_lr_update")
    names = v1.trainable_variables()
    step = v1.Variable(0, name="step", trainable=False)
    d_opt = v1.train.AdamOptimizer(g_lr).minimize(d_loss, step, [v for v in names if v.name.startswith("D/")])
    g_opt = v1.train.AdamOptimizer(g_lr).minimize(g_loss, None, [v for v in names if v.name.startswith("G/")])
    balance = 0.5 * d_real - g_loss
    measure = d_real + tf.abs(balance)
    with tf.control_dependencies([d_opt, g_opt]):
        v1.assign(k_t, tf.clip_by_value(k_t + 0.001 * balance, 0, 1))
    v1.summary.merge(
        [
            v1.summary.image("G", G_img),
            v1.summary.image("AE_G", denorm_img(AE_G)),
            v1.summary.image("AE_x", denorm_img(AE_x)),
            v1.summary.scalar("misc/measure", measure),
        ]
    )
    return [z], [G_img]


@case("adversarial")
def cycle_gan_with_image_pools() -> Truths:
    """Pairs share one placeholder, old fakes come from a pool; two more placeholders are for testing."""

    def resnet(image: Tensor, name: str) -> Tensor:
        with v1.variable_scope(name, reuse=v1.AUTO_REUSE):
            c0 = tf.pad(image, [[0, 0], [3, 3], [3, 3], [0, 0]], "REFLECT")
            c1 = tf.nn.relu(instance_norm(conv2d(c0, 8, "g_e1_c", 7), "g_e1_bn"))[:, 3:-3, 3:-3]
            y = tf.nn.relu(instance_norm(conv2d(c1, 16, "g_e2_c", 3, 2), "g_e2_bn"))
            r = tf.nn.relu(instance_norm(conv2d(y, 16, "g_r1_c1"), "g_r1_bn1"))
            y = y + conv2d(r, 16, "g_r1_c2")
            d1 = tf.nn.relu(deconv2d(y, 8, "g_d1_dc", 3))
            return tf.nn.tanh(conv2d(d1, 3, "g_pred_c", 7))

    def patch(image: Tensor, name: str) -> Tensor:
        with v1.variable_scope(name, reuse=v1.AUTO_REUSE):
            h0 = lrelu(conv2d(image, 8, "d_h0_conv", 4, 2))
            return conv2d(lrelu(conv2d(h0, 16, "d_h1_conv", 4, 2)), 1, "d_h3_pred", 4)

    def mae(a: Tensor, b: Tensor) -> Tensor:
        return tf.reduce_mean(tf.abs(a - b))

    def sce(a: Tensor, value: float) -> Tensor:
        return tf.reduce_mean((a - value) ** 2)

    real_data = v1.placeholder(tf.float32, [None, 32, 32, 6], name="real_A_and_B_images")
    real_A, real_B = real_data[:, :, :, :3], real_data[:, :, :, 3:6]
    fake_B = resnet(real_A, "generatorA2B")
    fake_A_ = resnet(fake_B, "generatorB2A")
    fake_A = resnet(real_B, "generatorB2A")
    fake_B_ = resnet(fake_A, "generatorA2B")
    cycle = 10.0 * mae(real_A, fake_A_) + 10.0 * mae(real_B, fake_B_)
    g_loss = sce(patch(fake_A, "discriminatorA"), 1.0) + sce(patch(fake_B, "discriminatorB"), 1.0) + cycle
    fake_A_sample = v1.placeholder(tf.float32, [None, 32, 32, 3], name="fake_A_sample")
    fake_B_sample = v1.placeholder(tf.float32, [None, 32, 32, 3], name="fake_B_sample")
    d_loss = (
        sce(patch(real_B, "discriminatorB"), 1.0) + sce(patch(fake_B_sample, "discriminatorB"), 0.0)
    ) / 2
    d_loss += (
        sce(patch(real_A, "discriminatorA"), 1.0) + sce(patch(fake_A_sample, "discriminatorA"), 0.0)
    ) / 2
    test_A = v1.placeholder(tf.float32, [None, 32, 32, 3], name="test_A")
    test_B = v1.placeholder(tf.float32, [None, 32, 32, 3], name="test_B")
    testB = resnet(test_A, "generatorA2B")
    testA = resnet(test_B, "generatorB2A")
    lr = v1.placeholder(tf.float32, None, name="learning_rate")
    t_vars = v1.trainable_variables()
    v1.train.AdamOptimizer(lr, beta1=0.5).minimize(
        d_loss, var_list=[v for v in t_vars if "discriminator" in v.name]
    )
    v1.train.AdamOptimizer(lr, beta1=0.5).minimize(
        g_loss, var_list=[v for v in t_vars if "generator" in v.name]
    )
    v1.summary.merge([v1.summary.scalar("g_loss", g_loss), v1.summary.scalar("d_loss", d_loss)])
    return [([test_A], [testB]), ([test_B], [testA]), ([test_A, test_B], [testB, testA])]


@case("adversarial", frozen=True)
def pix2pix_exported_for_a_web_page() -> Truth:
    """A PNG or JPEG as base64 goes in, and one comes out; the batch of one is normalized by itself."""
    string = v1.placeholder(tf.string, shape=[1])
    raw = tf.io.decode_base64(string[0])
    picture = tf.image.decode_png(raw)
    rgba = v1.cond(tf.equal(tf.shape(picture)[2], 4), lambda: picture[:, :, :3], lambda: picture)
    rgb = v1.cond(tf.equal(tf.shape(rgba)[2], 1), lambda: tf.image.grayscale_to_rgb(rgba), lambda: rgba)
    pixels = tf.image.convert_image_dtype(rgb, tf.float32)
    pixels.set_shape([None, None, 3])
    batch = tf.expand_dims(v1.image.resize_images(pixels, [32, 32]), 0)

    def batchnorm(inputs: Tensor) -> Tensor:
        with v1.variable_scope("batchnorm"):
            c = int(inputs.shape[3])
            offset = v1.get_variable("offset", [c], initializer=v1.zeros_initializer())
            scale = v1.get_variable("scale", [c], initializer=v1.random_normal_initializer(1.0, 0.02))
            mean, variance = tf.nn.moments(inputs, axes=[0, 1, 2], keepdims=False)
            return tf.nn.batch_normalization(inputs, mean, variance, offset, scale, 1e-5)

    with v1.variable_scope("generator"):
        layers = [conv2d(batch * 2 - 1, 8, "encoder_1", 4, 2)]
        for i, width in enumerate((16, 16, 24)):
            with v1.variable_scope(f"encoder_{i + 2}"):
                layers.append(batchnorm(conv2d(lrelu(layers[-1]), width, "conv", 4, 2)))
        out = layers[-1]
        for i, (width, keep) in enumerate(((16, 0.5), (16, 1.0), (8, 1.0))):
            with v1.variable_scope(f"decoder_{4 - i}"):
                out = batchnorm(deconv2d(tf.nn.relu(out), width, "deconv"))
                if keep < 1:
                    out = v1.nn.dropout(out, keep_prob=keep)
                out = tf.concat([out, layers[2 - i]], 3)
        with v1.variable_scope("decoder_1"):
            out = tf.tanh(deconv2d(tf.nn.relu(out), 3, "deconv"))
    eight = tf.image.convert_image_dtype((out + 1) / 2, dtype=tf.uint8)[0]
    data = tf.image.encode_png(eight)
    output = tf.convert_to_tensor([tf.io.encode_base64(data)])
    return [string], [output]


@case("adversarial")
def star_gan_of_facial_attributes() -> Truth:
    """tf.data gives faces and attributes for training; a test image and the wanted attributes are fed."""
    c_dim = 5
    pairs = tf.data.Dataset.from_tensor_slices(
        (
            np.zeros([16, 32, 32, 3], np.float32),
            np.zeros([16, c_dim], np.float32),
            np.ones([16, c_dim], np.float32),
        )
    )
    pairs = pairs.shuffle(16).repeat().batch(4, drop_remainder=True).prefetch(1)
    x_real, label_org, label_trg = v1.data.make_one_shot_iterator(pairs).get_next()

    def generator(image: Tensor, c: Tensor) -> Tensor:
        with v1.variable_scope("generator", reuse=v1.AUTO_REUSE):
            c = tf.tile(tf.reshape(c, [-1, 1, 1, c_dim]), [1, tf.shape(image)[1], tf.shape(image)[2], 1])
            x = tf.concat([image, c], axis=-1)
            for i, ch in enumerate((8, 16)):
                x = tf.nn.relu(instance_norm(conv2d(x, ch, f"down_conv_{i}", 4, i + 1), f"down_ins_{i}"))
            with v1.variable_scope("resblock_0", reuse=v1.AUTO_REUSE):
                x += instance_norm(
                    conv2d(tf.nn.relu(instance_norm(conv2d(x, 16, "c0"), "i0")), 16, "c1"), "i1"
                )
            x = tf.nn.relu(instance_norm(deconv2d(x, 8, "up_conv_0"), "up_ins_0"))
            return tf.tanh(conv2d(x, 3, "G_logit", 7))

    def discriminator(image: Tensor) -> tuple[Tensor, Tensor]:
        with v1.variable_scope("discriminator", reuse=v1.AUTO_REUSE):
            x = lrelu(conv2d(lrelu(conv2d(image, 8, "conv_0", 4, 2), 0.01), 16, "conv_1", 4, 2), 0.01)
            c = tf.reshape(conv2d(x, c_dim, "D_label", 1), [4, -1, c_dim])
            return conv2d(x, 1, "D_logit"), tf.reduce_mean(c, 1)

    x_fake = generator(x_real, label_trg)
    x_recon = generator(x_fake, label_org)
    real_logit, real_cls = discriminator(x_real)
    fake_logit, fake_cls = discriminator(x_fake)
    eps = tf.random.uniform([4, 1, 1, 1])
    mixed = eps * x_real + (1 - eps) * x_fake
    slope = v1.gradients(discriminator(mixed)[0], mixed)[0]
    gp = tf.reduce_mean((tf.norm(tf.reshape(slope, [4, -1]), axis=1) - 1.0) ** 2)

    def cls_loss(labels: Tensor, logits: Tensor) -> Tensor:
        return tf.reduce_mean(
            tf.reduce_sum(tf.nn.sigmoid_cross_entropy_with_logits(labels=labels, logits=logits), 1)
        )

    d_loss = (
        tf.reduce_mean(fake_logit) - tf.reduce_mean(real_logit) + 10.0 * gp + cls_loss(label_org, real_cls)
    )
    g_loss = (
        -tf.reduce_mean(fake_logit)
        + cls_loss(label_trg, fake_cls)
        + 10 * tf.reduce_mean(tf.abs(x_recon - x_real))
    )
    lr = v1.placeholder(tf.float32, name="learning_rate")
    for name, loss in (("generator", g_loss), ("discriminator", d_loss)):
        v1.train.AdamOptimizer(lr, 0.5, 0.999, name=f"Adam_{name}").minimize(
            loss, var_list=[v for v in v1.trainable_variables() if name in v.name]
        )
    custom_image = v1.placeholder(tf.float32, [1, 32, 32, 3], name="custom_image")
    custom_label = v1.placeholder(tf.float32, [1, c_dim], name="custom_label")
    custom_fake_image = generator(custom_image, custom_label)
    return [custom_image, custom_label], [custom_fake_image]


@case("image")
def super_resolution_gan_with_vgg_loss() -> Truth:
    """t_image is fed to the training generator, and to one with moving averages for evaluation."""
    t_image = v1.placeholder("float32", [None, None, None, 3], name="t_image_input_to_SRGAN_generator")
    t_target_image = v1.placeholder("float32", [4, 32, 32, 3], name="t_target_image")

    def prelu(x: Tensor, scope: str) -> Tensor:
        with v1.variable_scope(scope, reuse=v1.AUTO_REUSE):
            a = v1.get_variable("alpha", [int(x.shape[-1])], initializer=v1.constant_initializer(0.2))
            return tf.nn.relu(x) + a * (x - tf.abs(x)) * 0.5

    def SRGAN_g(image: Tensor, is_train: bool) -> Tensor:
        with v1.variable_scope("SRGAN_g", reuse=v1.AUTO_REUSE):
            n = temp = prelu(conv2d(image, 8, "n64s1/c", 9), "n64s1/p")
            for i in range(2):
                nn = _Bn(f"n64s1/b1/{i}")(conv2d(n, 8, f"n64s1/c1/{i}"), is_train)
                nn = _Bn(f"n64s1/b2/{i}")(conv2d(prelu(nn, f"n64s1/p/{i}"), 8, f"n64s1/c2/{i}"), is_train)
                n = n + nn
            n = conv2d(n, 8, "n64s1/c/m") + temp
            for i in range(2):
                n = prelu(v1.depth_to_space(conv2d(n, 32, f"n256s1/{i}"), 2), f"n256s1/p/{i}")
            return tf.nn.tanh(conv2d(n, 3, "out", 1))

    def SRGAN_d(image: Tensor) -> Tensor:
        with v1.variable_scope("SRGAN_d", reuse=v1.AUTO_REUSE):
            h = image
            for i, width in enumerate((8, 16)):
                h = lrelu(_Bn(f"bn{i}")(conv2d(h, width, f"h{i}/c", 4, 2)))
            return linear(tf.reshape(h, [-1, 8 * 8 * 16]), 1, "ho/dense")

    def vgg(image: Tensor) -> Tensor:
        with v1.variable_scope("VGG19", reuse=v1.AUTO_REUSE):
            h = ((image + 1) / 2) * 255.0 - tf.constant([123.68, 116.779, 103.939])
            for block, width in enumerate((8, 16)):
                h = tf.nn.relu(conv2d(h, width, f"conv{block + 1}_1"))
                h = v1.nn.max_pool(h, [1, 2, 2, 1], [1, 2, 2, 1], "SAME", name=f"pool{block + 1}")
            return h

    net_g = tf.ensure_shape(SRGAN_g(t_image, True), [4, 32, 32, 3])
    logits_real, logits_fake = SRGAN_d(t_target_image), SRGAN_d(net_g)
    net_g_test = SRGAN_g(t_image, False)
    mse_loss = tf.reduce_mean(tf.math.squared_difference(net_g, t_target_image))
    vgg_loss = 2e-6 * tf.reduce_mean(tf.math.squared_difference(vgg(net_g), vgg(t_target_image)))
    d_loss = bce(logits_real, 1.0) + bce(logits_fake, 0.0)
    g_loss = mse_loss + vgg_loss + 1e-3 * bce(logits_fake, 1.0)
    g_vars = [v for v in v1.trainable_variables() if v.name.startswith("SRGAN_g")]
    d_vars = [v for v in v1.trainable_variables() if v.name.startswith("SRGAN_d")]
    with v1.variable_scope("learning_rate"):
        lr_v = v1.Variable(1e-4, trainable=False)
    v1.train.AdamOptimizer(lr_v, beta1=0.9).minimize(mse_loss, var_list=g_vars)  # pretraining
    v1.train.AdamOptimizer(lr_v, beta1=0.9).minimize(g_loss, var_list=g_vars)
    v1.train.AdamOptimizer(lr_v, beta1=0.9).minimize(d_loss, var_list=d_vars)
    return [t_image], [net_g_test]


@case("language")
def sequence_gan_with_policy_gradient() -> Truth:
    """Tokens are drawn in a loop from a start token; fed rewards of a critic train it, after likelihood."""
    vocab, emb, hid, length, batch = 30, 8, 16, 10, 4
    with v1.variable_scope("generator"):
        table = v1.get_variable("g_embeddings", [vocab, emb])
        gates = v1.get_variable("gru/gates", [emb + hid, 2 * hid])
        candidate = v1.get_variable("gru/candidate", [emb + hid, hid])
        out_w, out_b = v1.get_variable("Wo", [hid, vocab]), v1.get_variable("bo", [vocab])
    x = v1.placeholder(tf.int32, shape=[batch, length])
    rewards = v1.placeholder(tf.float32, shape=[batch, length])
    start_token = v1.placeholder(tf.int32, shape=[None])

    def unit(x_t: Tensor, h: Tensor) -> Tensor:
        r, u = tf.split(tf.sigmoid(tf.matmul(tf.concat([x_t, h], 1), gates)), 2, 1)
        return u * h + (1 - u) * tf.tanh(tf.matmul(tf.concat([x_t, r * h], 1), candidate))

    def _g_recurrence(i: Tensor, token: Tensor, h: Tensor, gen_x: Tensor) -> tuple[Tensor, ...]:
        h = unit(tf.nn.embedding_lookup(table, token), h)
        nxt = tf.cast(tf.reshape(v1.multinomial(tf.matmul(h, out_w) + out_b, 1), [-1]), tf.int32)
        return i + 1, nxt, h, gen_x.write(i, nxt)

    gen_array = tf.TensorArray(tf.int32, size=length, dynamic_size=False, infer_shape=True)
    h0 = tf.zeros([tf.shape(start_token)[0], hid])
    _, _, _, gen_array = v1.while_loop(
        lambda i, *_: i < length, _g_recurrence, (tf.constant(0), start_token, h0, gen_array)
    )
    gen_x = tf.transpose(gen_array.stack(), perm=[1, 0])
    inputs = tf.nn.embedding_lookup(table, tf.concat([tf.zeros([batch, 1], tf.int32), x[:, :-1]], 1))
    h, logits = tf.zeros([batch, hid]), []
    for t in range(length):
        h = unit(inputs[:, t], h)
        logits.append(tf.matmul(h, out_w) + out_b)
    g_predictions = tf.nn.softmax(tf.stack(logits, 1))
    picked = tf.reduce_sum(
        tf.one_hot(x, vocab) * tf.math.log(tf.clip_by_value(g_predictions, 1e-20, 1.0)), -1
    )
    pretrain_loss, g_loss = -tf.reduce_mean(picked), -tf.reduce_sum(picked * rewards)
    g_params = v1.trainable_variables()
    for loss, rate in ((pretrain_loss, 0.01), (g_loss, 0.001)):
        opt = v1.train.AdamOptimizer(rate)
        grad, _ = tf.clip_by_global_norm(v1.gradients(loss, g_params), 5.0)
        opt.apply_gradients(zip(grad, g_params, strict=True))
    with v1.variable_scope("discriminator"):
        input_x = v1.placeholder(tf.int32, [None, length], name="input_x")
        input_y = v1.placeholder(tf.float32, [None, 2], name="input_y")
        keep = v1.placeholder(tf.float32, name="dropout_keep_prob")
        chars = tf.expand_dims(tf.nn.embedding_lookup(v1.get_variable("W", [vocab, emb]), input_x), -1)
        pooled = []
        for size in (2, 3):
            kernel = v1.get_variable(f"conv{size}", [size, emb, 1, 8])
            pooled.append(
                tf.reduce_max(tf.nn.relu(v1.nn.conv2d(chars, kernel, [1, 1, 1, 1], "VALID")), [1, 2])
            )
        scores = linear(v1.nn.dropout(tf.concat(pooled, 1), keep), 2, "output")
        tf.nn.softmax(scores, name="ypred_for_auc")
        d_loss = tf.reduce_mean(v1.nn.softmax_cross_entropy_with_logits(logits=scores, labels=input_y))
        d_params = [v for v in v1.trainable_variables() if "discriminator" in v.name]
        v1.train.AdamOptimizer(1e-4).minimize(d_loss, var_list=d_params)
    return [start_token], [gen_x]


@case("adversarial")
def style_based_gan_with_averaged_generator() -> Truth:
    """G and D train on latents drawn inside; Gs, the moving average of G, makes pictures of fed ones."""

    def wscale(shape: list[int], name: str, gain: float = math.sqrt(2)) -> Tensor:
        w = v1.get_variable(name, shape, initializer=v1.random_normal_initializer())
        return w * (gain / math.sqrt(float(np.prod(shape[:-1]))))

    def mapping(latents: Tensor, labels: Tensor) -> Tensor:
        with v1.variable_scope("G_mapping"):
            x = tf.concat([latents, tf.matmul(labels, v1.get_variable("LabelConcat/weight", [3, 8]))], 1)
            x *= tf.math.rsqrt(tf.reduce_mean(tf.square(x), axis=1, keepdims=True) + 1e-8)
            for layer in range(3):
                with v1.variable_scope(f"Dense{layer}"):
                    x = tf.nn.leaky_relu(tf.matmul(x, wscale([int(x.shape[1]), 16], "weight")))
            return x

    def synthesis(w: Tensor) -> Tensor:
        with v1.variable_scope("G_synthesis"):
            x = tf.tile(v1.get_variable("4x4/Const/const", [1, 8, 4, 4]), [tf.shape(w)[0], 1, 1, 1])
            for res in (4, 8, 16):
                with v1.variable_scope(f"{res}x{res}"):
                    if res > 4:
                        x = tf.repeat(tf.repeat(x, 2, axis=2), 2, axis=3)
                    x = v1.nn.conv2d(
                        x, wscale([3, 3, 8, 8], "Conv/weight"), [1, 1, 1, 1], "SAME", data_format="NCHW"
                    )
                    noise = tf.random.normal([tf.shape(x)[0], 1, res, res])
                    x += noise * tf.reshape(v1.get_variable("Noise/weight", [8]), [1, -1, 1, 1])
                    x = tf.nn.leaky_relu(x)
                    x -= tf.reduce_mean(x, axis=[2, 3], keepdims=True)
                    x *= tf.math.rsqrt(tf.reduce_mean(tf.square(x), axis=[2, 3], keepdims=True) + 1e-8)
                    s = tf.reshape(tf.matmul(w, wscale([16, 16], "StyleMod/weight", 1.0)), [-1, 2, 8, 1, 1])
                    x = x * (s[:, 0] + 1) + s[:, 1]
            w_rgb = wscale([1, 1, 8, 3], "ToRGB/weight", 1.0)
            return v1.nn.conv2d(x, w_rgb, [1, 1, 1, 1], "SAME", data_format="NCHW")

    def critic(images: Tensor, labels: Tensor) -> Tensor:
        with v1.variable_scope("D", reuse=v1.AUTO_REUSE):
            x = tf.nn.leaky_relu(
                v1.nn.conv2d(images, wscale([3, 3, 3, 8], "c0"), [1, 1, 2, 2], "SAME", data_format="NCHW")
            )
            x = tf.nn.leaky_relu(
                v1.nn.conv2d(x, wscale([3, 3, 8, 8], "c1"), [1, 1, 2, 2], "SAME", data_format="NCHW")
            )
            scores = tf.matmul(tf.reshape(x, [-1, 8 * 16]), wscale([128, 3], "dense", 1.0))
            return tf.reduce_sum(scores * labels, axis=1, keepdims=True)

    ds = (
        tf.data.Dataset.from_tensors((np.zeros([3, 16, 16], np.uint8), np.zeros([3], np.float32)))
        .repeat()
        .batch(8)
    )
    reals, real_labels = v1.data.make_initializable_iterator(ds).get_next()
    with v1.name_scope("Inputs"):
        lrate_in = v1.placeholder(tf.float32, name="lrate_in", shape=[])
    with v1.variable_scope("G"):
        fake_labels = tf.one_hot(tf.random.uniform([8], 0, 3, tf.int32), 3)
        dlat = mapping(tf.random.normal([8, 8]), fake_labels)
        average = v1.get_variable("dlatent_avg", [16], initializer=v1.zeros_initializer(), trainable=False)
        track = v1.assign(average, 0.995 * average + 0.005 * tf.reduce_mean(dlat, 0))
        with tf.control_dependencies([track]):
            fakes = synthesis(tf.identity(dlat))
    reals_f = tf.cast(reals, tf.float32) / 127.5 - 1
    real_scores, fake_scores = critic(reals_f, real_labels), critic(fakes, fake_labels)
    r1 = tf.reduce_sum(tf.square(v1.gradients(tf.reduce_sum(real_scores), [reals_f])[0]), axis=[1, 2, 3])
    D_loss = tf.reduce_mean(
        tf.nn.softplus(fake_scores) + tf.nn.softplus(-real_scores) + 5.0 * r1[:, tf.newaxis]
    )
    G_loss = tf.reduce_mean(tf.nn.softplus(-fake_scores))
    for net, loss in (("G/", G_loss), ("D/", D_loss)):
        variables = [v for v in v1.trainable_variables() if v.name.startswith(net)]
        v1.train.AdamOptimizer(lrate_in, 0.0, 0.99, name="Train" + net[0]).minimize(loss, var_list=variables)
    with v1.variable_scope("Gs"):
        latents_in = v1.placeholder(tf.float32, [None, 8], name="latents_in")
        labels_in = v1.placeholder(tf.float32, [None, 3], name="labels_in")
        psi = v1.placeholder_with_default(0.7, [], name="truncation_psi")
        avg = v1.get_variable("dlatent_avg", [16], initializer=v1.zeros_initializer(), trainable=False)
        w = mapping(latents_in, labels_in)
        images_out = synthesis(avg + (w - avg) * psi)
        images_out = tf.transpose(images_out, [0, 2, 3, 1]) * 127.5 + 128.0
        images_out = tf.saturate_cast(images_out, tf.uint8, name="images_out")
    pairs = {v.name[3:]: v for v in v1.global_variables() if v.name.startswith("Gs/")}
    with v1.name_scope("SetupEMA"):
        sources = {v.name[2:]: v for v in v1.global_variables() if v.name.startswith("G/")}
        tf.group(*(v1.assign(dst, sources[n] + (dst - sources[n]) * 0.999) for n, dst in pairs.items()))
    return [latents_in, labels_in], [images_out]


@case("image", modern=True)
def denoising_diffusion_with_averaged_weights() -> Truths:
    """Noise is predicted at random times; a reverse step is run again and again from Python."""
    T, ch = 50, 16
    betas = np.linspace(1e-4, 0.02, T).astype(np.float32)
    bars = np.cumprod(1 - betas)
    ds = tf.data.Dataset.from_tensor_slices(np.zeros([8, 16, 16, 3], np.uint8)).shuffle(8).repeat()
    x_start = v1.data.make_one_shot_iterator(ds.batch(4, drop_remainder=True)).get_next()
    x_start = tf.cast(x_start, tf.float32) / 127.5 - 1.0

    def extract(values: Any, t: Tensor) -> Tensor:
        return tf.reshape(tf.gather(tf.constant(values, tf.float32), t), [-1, 1, 1, 1])

    def group_norm(x: Tensor, name: str) -> Tensor:
        with v1.variable_scope(name):
            c, s = int(x.shape[-1]), int(x.shape[1])
            g = tf.reshape(x, [-1, s, s, 4, c // 4])
            mean, var = tf.nn.moments(g, [1, 2, 4], keepdims=True)
            g = tf.reshape((g - mean) * tf.math.rsqrt(var + 1e-6), [-1, s, s, c])
            return g * v1.get_variable("gamma", [c]) + v1.get_variable("beta", [c])

    def nin(x: Tensor, name: str, units: int) -> Tensor:
        with v1.variable_scope(name):
            return tf.tensordot(x, v1.get_variable("W", [int(x.shape[-1]), units]), 1) + v1.get_variable(
                "b", [units]
            )

    def block(x: Tensor, temb: Tensor, name: str, out: int) -> Tensor:
        with v1.variable_scope(name):
            h = conv2d(tf.nn.swish(group_norm(x, "norm1")), out, "conv1")
            h += nin(tf.nn.swish(temb), "temb_proj", out)[:, tf.newaxis, tf.newaxis]
            h = conv2d(tf.nn.swish(h), out, "conv2")
            return h + (x if int(x.shape[-1]) == out else nin(x, "nin_shortcut", out))

    def attend(x: Tensor, name: str) -> Tensor:
        with v1.variable_scope(name):
            h = group_norm(x, "norm")
            q, k, v = (tf.reshape(nin(h, n, 2 * ch), [-1, 64, 2 * ch]) for n in "qkv")
            a = tf.nn.softmax(tf.matmul(q, k, transpose_b=True) * (2 * ch) ** -0.5)
            return x + tf.reshape(nin(tf.matmul(a, v), "proj_out", 2 * ch), [-1, 8, 8, 2 * ch])

    def unet(x: Tensor, t: Tensor, getter: Any = None) -> Tensor:
        with v1.variable_scope("model", reuse=v1.AUTO_REUSE, custom_getter=getter):
            freq = tf.exp(tf.range(4, dtype=tf.float32) * -(math.log(10000) / 3))
            angle = tf.cast(t, tf.float32)[:, tf.newaxis] * freq[tf.newaxis]
            temb = nin(tf.concat([tf.sin(angle), tf.cos(angle)], 1), "temb/dense0", 2 * ch)
            temb = nin(tf.nn.swish(temb), "temb/dense1", 2 * ch)
            h0 = block(conv2d(x, ch, "conv_in"), temb, "down_0", ch)
            h1 = attend(block(conv2d(h0, ch, "downsample", 3, 2), temb, "down_1", 2 * ch), "mid_attn")
            up = v1.image.resize_nearest_neighbor(h1, [16, 16])
            h = block(tf.concat([up, h0], -1), temb, "up_0", ch)
            return conv2d(tf.nn.swish(group_norm(h, "norm_out")), 3, "conv_out")

    t_train = tf.random.uniform([4], 0, T, dtype=tf.int32)
    noise = tf.random.normal(tf.shape(x_start))
    x_noisy = extract(np.sqrt(bars), t_train) * x_start + extract(np.sqrt(1 - bars), t_train) * noise
    loss = tf.reduce_mean(tf.math.squared_difference(noise, unet(x_noisy, t_train)))
    step = v1.train.get_or_create_global_step()
    warm = tf.minimum(tf.cast(step, tf.float32) / 5000.0, 1.0) * 2e-4
    optimizer = v1.train.AdamOptimizer(warm)
    trainable = v1.trainable_variables()
    gs, _ = tf.clip_by_global_norm(v1.gradients(loss, trainable), 1.0)
    train = optimizer.apply_gradients(zip(gs, trainable, strict=True), global_step=step)
    ema = v1.train.ExponentialMovingAverage(decay=0.9999)
    with tf.control_dependencies([train]):
        ema.apply(trainable)

    def averaged(getter: Any, name: str, *args: Any, **kwargs: Any) -> Tensor:
        found = getter(name, *args, **kwargs)
        return ema.average(found) if ema.average(found) is not None else found

    x_t = v1.placeholder(tf.float32, [None, 16, 16, 3], name="x_t")
    t = v1.placeholder(tf.int32, [None], name="t")
    eps = unet(x_t, t, averaged)
    mean = (x_t - extract(betas / np.sqrt(1 - bars), t) * eps) * extract(1 / np.sqrt(1 - betas), t)
    alive = tf.reshape(tf.cast(t > 0, tf.float32), [-1, 1, 1, 1])
    x_prev = mean + alive * extract(np.sqrt(betas), t) * tf.random.normal(tf.shape(x_t))
    return [([x_t, t], [x_prev]), ([x_t, t], [eps])]


@case("image", plain=True)
def inpainting_in_two_stages_with_gates() -> Truth:
    """Holes are cut by a fed mask, filled coarsely, then finely; what was seen is pasted back at the end."""
    images = v1.placeholder(tf.float32, [None, 32, 32, 3], "images")
    masks = v1.placeholder(tf.float32, [None, 32, 32, 1], "masks")

    def gated(x: Tensor, out: int, name: str, k: int = 3, d: int = 1) -> Tensor:
        feature, gate = tf.split(conv2d(x, 2 * out, name, k, d), 2, axis=3)
        return tf.nn.elu(feature) * tf.nn.sigmoid(gate)

    def stage(x: Tensor, name: str) -> Tensor:
        with v1.variable_scope(name):
            x = gated(gated(x, 8, "conv1", 5), 16, "conv2_downsample", 3, 2)
            x = gated(gated(x, 16, "conv3"), 16, "conv4")
            x = gated(v1.image.resize_nearest_neighbor(x, [32, 32]), 8, "conv15_upsample")
            return tf.clip_by_value(conv2d(x, 3, "conv17"), -1.0, 1.0)

    incomplete = images * (1.0 - masks)
    ones = tf.ones_like(masks)
    with v1.variable_scope("inpaint_net"):
        coarse = stage(tf.concat([incomplete, ones, ones * masks], axis=3), "coarse")
        pasted = coarse * masks + incomplete
        fine = stage(tf.concat([pasted, ones, ones * masks], axis=3), "refine")
    complete = fine * masks + incomplete * (1.0 - masks)
    both = tf.concat([tf.concat([images, complete], 0), tf.tile(masks, [2, 1, 1, 1])], 3)
    with v1.variable_scope("discriminator"):
        h = both
        for i, width in enumerate((8, 16, 16)):
            with v1.variable_scope(f"conv{i}"):
                w = v1.get_variable("w", [5, 5, int(h.shape[-1]), width])
                u = v1.get_variable("u", [1, width], trainable=False)
                flat = tf.reshape(w, [-1, width])
                v_hat = tf.math.l2_normalize(tf.matmul(u, flat, transpose_b=True))
                u_hat = tf.math.l2_normalize(tf.matmul(v_hat, flat))
                sigma = tf.matmul(tf.matmul(v_hat, flat), u_hat, transpose_b=True)
                with tf.control_dependencies([v1.assign(u, u_hat)]):
                    h = lrelu(v1.nn.conv2d(h, w / sigma[0, 0], [1, 2, 2, 1], "SAME"))
        positive, negative = tf.split(tf.reshape(h, [-1, 4 * 4 * 16]), 2)
    d_loss = tf.reduce_mean(tf.nn.relu(1 - positive)) + tf.reduce_mean(tf.nn.relu(1 + negative))
    ae_loss = tf.reduce_mean(tf.abs(images - coarse)) + tf.reduce_mean(tf.abs(images - fine))
    g_loss = -tf.reduce_mean(negative) + ae_loss
    v1.summary.image("raw_incomplete_complete", tf.concat([images, incomplete, complete], 2), 4)
    v1.summary.scalar("losses/d_loss", d_loss)
    for scope, loss in (("inpaint_net", g_loss), ("discriminator", d_loss)):
        tv = v1.get_collection(v1.GraphKeys.TRAINABLE_VARIABLES, scope)
        v1.train.AdamOptimizer(1e-4, beta1=0.5, beta2=0.999).minimize(loss, var_list=tv)
    return [images, masks], [complete]
