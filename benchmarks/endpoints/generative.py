"""Autoencoders, adversarial nets, and other nets that make what they are compared with."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from benchmarks.endpoints.cases import Truth, case
from benchmarks.endpoints.layers import batch_norm, conv, deconv, dense, flatten, v1, weight

Tensor = Any


@case("autoencoder")
def autoencoder() -> Truth:
    """The classic: sigmoid layers, squared error against the input."""
    x = v1.placeholder("float", [None, 784])
    w = {
        k: v1.Variable(tf.random.normal(s))
        for k, s in (("e1", [784, 64]), ("e2", [64, 16]), ("d1", [16, 64]), ("d2", [64, 784]))
    }
    b = {k: v1.Variable(tf.random.normal([s])) for k, s in (("e1", 64), ("e2", 16), ("d1", 64), ("d2", 784))}
    h = x
    for key in ("e1", "e2", "d1", "d2"):
        h = tf.nn.sigmoid(tf.add(tf.matmul(h, w[key]), b[key]))
    v1.train.RMSPropOptimizer(0.01).minimize(tf.reduce_mean(tf.pow(x - h, 2)))
    return [x], [h]


@case("autoencoder")
def convolutional_autoencoder_logits() -> Truth:
    """The loss takes logits and the input; the decoded images are their sigmoid."""
    inputs = v1.placeholder(tf.float32, [None, 28, 28, 1], name="inputs")
    targets = v1.placeholder(tf.float32, [None, 28, 28, 1], name="targets")
    h = conv(conv(inputs, 8, 3, "e1", stride=2), 4, 3, "e2", stride=2)
    logits = conv(deconv(deconv(h, 8, 3, "d1"), 8, 3, "d2"), 1, 3, "out", activation=None)
    decoded = tf.nn.sigmoid(logits, name="decoded")
    loss = tf.nn.sigmoid_cross_entropy_with_logits(labels=targets, logits=logits)
    v1.train.AdamOptimizer(0.001).minimize(tf.reduce_mean(loss))
    return [inputs], [decoded]


@case("autoencoder")
def variational_autoencoder() -> Truth:
    """Random latent code, Bernoulli likelihood written out, Kullback-Leibler term."""
    x = v1.placeholder(tf.float32, [None, 784], name="x")
    h = dense(x, 32, "enc", tf.nn.softplus)
    mean, log_variance = dense(h, 4, "mean"), dense(h, 4, "log_var")
    z = mean + tf.sqrt(tf.exp(log_variance)) * tf.random.normal(tf.shape(mean))
    out = dense(dense(z, 32, "dec", tf.nn.softplus), 784, "recon", tf.nn.sigmoid)
    likelihood = -tf.reduce_sum(x * v1.log(1e-10 + out) + (1 - x) * v1.log(1e-10 + 1 - out), 1)
    divergence = -0.5 * tf.reduce_sum(1 + log_variance - tf.square(mean) - tf.exp(log_variance), 1)
    v1.train.AdamOptimizer().minimize(tf.reduce_mean(likelihood + divergence))
    return [x], [out]


@case("autoencoder")
def denoising_autoencoder_noise_inside() -> Truth:
    """Noise is added in the graph, scaled by a placeholder."""
    x = v1.placeholder(tf.float32, [None, 100])
    scale = v1.placeholder(tf.float32)
    noisy = x + scale * tf.random.normal((100,))
    h = tf.nn.softplus(tf.matmul(noisy, weight("w1", [100, 20])) + weight("b1", [20]))
    out = tf.matmul(h, weight("w2", [20, 100])) + weight("b2", [100])
    v1.train.AdamOptimizer().minimize(0.5 * tf.reduce_sum(tf.pow(out - x, 2.0)))
    return [x, scale], [out]


@case("autoencoder")
def tied_weights_batched_labels() -> Truth:
    """Tied weights, and a classifier on the code: two answers."""
    x = v1.placeholder(tf.float32, [None, 64], name="features")
    y = v1.placeholder(tf.float32, [None, 4], name="labels")
    w = weight("w", [64, 16])
    code = tf.nn.relu(tf.matmul(x, w) + weight("b", [16]))
    out = tf.nn.sigmoid(tf.matmul(code, w, transpose_b=True) + weight("c", [64]))
    logits = dense(code, 4, "classify")
    loss = tf.reduce_mean(tf.square(x - out)) + tf.reduce_mean(
        v1.nn.softmax_cross_entropy_with_logits_v2(labels=y, logits=logits)
    )
    v1.train.AdamOptimizer().minimize(loss)
    return [x], [out, logits]


def _minimize(loss: Tensor, scope: str, optimizer: Any = None) -> None:
    variables = [v for v in v1.trainable_variables() if v.name.startswith(scope)]
    (optimizer or v1.train.AdamOptimizer(2e-4)).minimize(loss, var_list=variables)


def _bce(logits: Tensor, value: float) -> Tensor:
    labels = tf.ones_like(logits) * value
    return tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(logits=logits, labels=labels))


@case("adversarial")
def gan_dense() -> Truth:
    """The first GAN of most tutorials: log losses on probabilities."""
    z = v1.placeholder(tf.float32, [None, 16], name="gen_input")
    real = v1.placeholder(tf.float32, [None, 784], name="disc_input")

    def generator(x: Tensor) -> Tensor:
        with v1.variable_scope("gen"):
            return dense(dense(x, 32, "h", tf.nn.relu), 784, "o", tf.nn.sigmoid)

    def discriminator(x: Tensor) -> Tensor:
        with v1.variable_scope("disc", reuse=v1.AUTO_REUSE):
            return dense(dense(x, 32, "h", tf.nn.relu), 1, "o", tf.nn.sigmoid)

    sample = generator(z)
    on_real, on_fake = discriminator(real), discriminator(sample)
    _minimize(-tf.reduce_mean(v1.log(on_fake)), "gen")
    _minimize(-tf.reduce_mean(v1.log(on_real) + v1.log(1.0 - on_fake)), "disc")
    return [z], [sample]


@case("adversarial")
def dcgan_with_sampler() -> Truth:
    """DCGAN: a sampler shares the generator's weights and uses moving averages."""
    z = v1.placeholder(tf.float32, [8, 16], name="z")
    real = v1.placeholder(tf.float32, [8, 16, 16, 3], name="real_images")

    def generator(x: Tensor, training: bool) -> Tensor:
        with v1.variable_scope("generator", reuse=v1.AUTO_REUSE):
            h = tf.reshape(dense(x, 4 * 4 * 16, "g_h0_lin"), [-1, 4, 4, 16])
            h = tf.nn.relu(batch_norm(h, "g_bn0", training))
            h = deconv(h, 8, 5, "g_h1", activation=None)
            h.set_shape([8, 8, 8, 8])
            h = tf.nn.relu(batch_norm(h, "g_bn1", training))
            return tf.nn.tanh(deconv(h, 3, 5, "g_h2", activation=None))

    def discriminator(x: Tensor) -> tuple[Tensor, Tensor]:
        with v1.variable_scope("discriminator", reuse=v1.AUTO_REUSE):
            x.set_shape([8, 16, 16, 3])
            h = tf.nn.leaky_relu(conv(x, 8, 5, "d_h0", stride=2, activation=None))
            h = dense(flatten(h), 1, "d_h1")
            return tf.nn.sigmoid(h), h

    fake = generator(z, True)
    p_real, real_logits = discriminator(real)
    p_fake, fake_logits = discriminator(fake)
    sampler = generator(z, False)
    v1.summary.histogram("d", p_real)
    v1.summary.histogram("d_", p_fake)
    v1.summary.image("G", fake)
    _minimize(_bce(real_logits, 1.0) + _bce(fake_logits, 0.0), "discriminator")
    _minimize(_bce(fake_logits, 1.0), "generator")
    return [z], [sampler]


@case("adversarial")
def wgan_gradient_penalty() -> Truth:
    """A critic on interpolations, whose gradient is penalized."""
    z = v1.placeholder(tf.float32, [None, 8])
    real = v1.placeholder(tf.float32, [None, 20])

    def critic(x: Tensor) -> Tensor:
        with v1.variable_scope("critic", reuse=v1.AUTO_REUSE):
            return dense(dense(x, 16, "h", tf.nn.relu), 1, "o")

    with v1.variable_scope("maker"):
        fake = dense(dense(z, 16, "h", tf.nn.relu), 20, "o")
    mix = tf.random.uniform([tf.shape(real)[0], 1])
    between = mix * real + (1 - mix) * fake
    slope = tf.gradients(critic(between), between)[0]
    penalty = tf.reduce_mean((tf.sqrt(tf.reduce_sum(slope**2, 1)) - 1.0) ** 2)
    _minimize(tf.reduce_mean(critic(fake)) - tf.reduce_mean(critic(real)) + 10.0 * penalty, "critic")
    _minimize(-tf.reduce_mean(critic(fake)), "maker")
    return [z], [fake]


@case("adversarial")
def pix2pix_conditional() -> Truth:
    """An image to image generator, judged together with its input."""
    source = v1.placeholder(tf.float32, [1, 32, 32, 3], name="input_A")
    target = v1.placeholder(tf.float32, [1, 32, 32, 3], name="input_B")
    with v1.variable_scope("generator"):
        h = conv(source, 8, 4, "e1", stride=2)
        out = tf.tanh(deconv(conv(h, 8, 3, "e2"), 3, 4, "d1", activation=None))

    def judge(x: Tensor) -> Tensor:
        with v1.variable_scope("discriminator", reuse=v1.AUTO_REUSE):
            x.set_shape([1, 32, 32, 6])
            return conv(conv(x, 8, 4, "c1", stride=2), 1, 4, "c2", activation=None)

    on_real, on_fake = judge(tf.concat([source, target], 3)), judge(tf.concat([source, out], 3))
    _minimize(_bce(on_real, 1.0) + _bce(on_fake, 0.0), "discriminator")
    _minimize(_bce(on_fake, 1.0) + 100 * tf.reduce_mean(tf.abs(target - out)), "generator")
    return [source], [out]


@case("adversarial")
def cycle_gan() -> Truth:
    """Two generators and two discriminators; both translations are answers."""
    a = v1.placeholder(tf.float32, [1, 16, 16, 3], name="real_A")
    b = v1.placeholder(tf.float32, [1, 16, 16, 3], name="real_B")

    def generator(x: Tensor, name: str) -> Tensor:
        with v1.variable_scope(name, reuse=v1.AUTO_REUSE):
            return tf.tanh(conv(conv(x, 8, 3, "c1"), 3, 3, "c2", activation=None))

    def judge(x: Tensor, name: str) -> Tensor:
        with v1.variable_scope(name, reuse=v1.AUTO_REUSE):
            return conv(conv(x, 8, 3, "c1", stride=2), 1, 3, "c2", activation=None)

    fake_b, fake_a = generator(a, "g_A"), generator(b, "g_B")
    cycle = tf.reduce_mean(tf.abs(generator(fake_b, "g_B") - a)) + tf.reduce_mean(
        tf.abs(generator(fake_a, "g_A") - b)
    )
    for real, fake, name in ((a, fake_a, "d_A"), (b, fake_b, "d_B")):
        loss = tf.reduce_mean(tf.math.squared_difference(judge(real, name), 1.0))
        _minimize(loss + tf.reduce_mean(tf.square(judge(fake, name))), name)
    both = tf.reduce_mean(tf.math.squared_difference(judge(fake_a, "d_A"), 1.0)) + tf.reduce_mean(
        tf.math.squared_difference(judge(fake_b, "d_B"), 1.0)
    )
    _minimize(both + 10 * cycle, "g_")
    return [a, b], [fake_a, fake_b]


@case("adversarial")
def gan_noise_inside() -> Truth:
    """The generator's noise is drawn in the graph; real images come from a queue."""
    real = v1.train.batch([tf.zeros([784])], 16)
    z = tf.random.normal([16, 8])
    with v1.variable_scope("G"):
        fake = dense(dense(z, 16, "h", tf.nn.relu), 784, "o", tf.tanh)

    def judge(x: Tensor) -> Tensor:
        with v1.variable_scope("D", reuse=v1.AUTO_REUSE):
            return dense(dense(x, 16, "h", tf.nn.relu), 1, "o")

    on_real, on_fake = judge(real), judge(fake)
    _minimize(_bce(on_real, 1.0) + _bce(on_fake, 0.0), "D")
    _minimize(_bce(on_fake, 1.0), "G")
    return [], [fake]
