"""Nets that imagine pictures: adversaries with conditions, coders with random or counted codes."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from benchmarks.endpoints.cases import Truth, Truths, case
from benchmarks.endpoints.layers import batch_norm, conv, cross_entropy, deconv, dense, flatten, v1, weight

Tensor = Any


def _cross(logits: Tensor, real: bool, smooth: float = 0.0) -> Tensor:
    labels = tf.ones_like(logits) * (1.0 - smooth) if real else tf.zeros_like(logits)
    return tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(logits=logits, labels=labels))


@case("adversarial")
def digits_on_demand() -> Truth:
    """A conditional GAN of raw matrices: noise and the wanted digit go in."""
    x = v1.placeholder(tf.float32, shape=[None, 784])
    y = v1.placeholder(tf.float32, shape=[None, 10])
    z = v1.placeholder(tf.float32, shape=[None, 20])

    def xavier(size: list[int]) -> Tensor:
        return tf.Variable(tf.random.normal(shape=size, stddev=1.0 / (size[0] / 2.0) ** 0.5))

    d_w1, d_b1 = xavier([794, 32]), tf.Variable(tf.zeros(shape=[32]))
    d_w2, d_b2 = xavier([32, 1]), tf.Variable(tf.zeros(shape=[1]))
    g_w1, g_b1 = xavier([30, 32]), tf.Variable(tf.zeros(shape=[32]))
    g_w2, g_b2 = xavier([32, 784]), tf.Variable(tf.zeros(shape=[784]))

    def discriminator(pictures: Tensor) -> tuple[Tensor, Tensor]:
        h = tf.nn.relu(tf.matmul(tf.concat(axis=1, values=[pictures, y]), d_w1) + d_b1)
        logit = tf.matmul(h, d_w2) + d_b2
        return tf.nn.sigmoid(logit), logit

    h1 = tf.nn.relu(tf.matmul(tf.concat(axis=1, values=[z, y]), g_w1) + g_b1)
    sample = tf.nn.sigmoid(tf.matmul(h1, g_w2) + g_b2)
    (_, logit_real), (_, logit_fake) = discriminator(x), discriminator(sample)
    d_loss = _cross(logit_real, True) + _cross(logit_fake, False)
    g_loss = _cross(logit_fake, True)
    v1.train.AdamOptimizer().minimize(d_loss, var_list=[d_w1, d_b1, d_w2, d_b2])
    v1.train.AdamOptimizer().minimize(g_loss, var_list=[g_w1, g_b1, g_w2, g_b2])
    return [z, y], [sample]


@case("adversarial")
def critic_with_penalty_on_pictures() -> Truth:
    """Noise is drawn in training; a second generator with its own placeholder makes the samples."""
    real_int = v1.placeholder(tf.int32, shape=[8, 16 * 16 * 3])
    fixed = v1.placeholder(tf.float32, shape=[None, 12], name="noise")

    def generator(noise: Tensor) -> Tensor:
        with v1.variable_scope("Generator", reuse=v1.AUTO_REUSE):
            h = tf.reshape(dense(noise, 4 * 4 * 8, "Input", tf.nn.relu), [-1, 4, 4, 8])
            h = deconv(h, 8, 5, "2")
            h = deconv(tf.ensure_shape(h, [None, 8, 8, 8]), 3, 5, "5", activation=tf.tanh)
            return tf.reshape(h, [-1, 16 * 16 * 3])

    def critic(inputs: Tensor) -> Tensor:
        with v1.variable_scope("Discriminator", reuse=v1.AUTO_REUSE):
            h = tf.reshape(inputs, [-1, 16, 16, 3])
            h = conv(h, 8, 5, "1", stride=2, activation=tf.nn.leaky_relu)
            h = conv(h, 8, 5, "2", stride=2, activation=tf.nn.leaky_relu)
            return tf.reshape(dense(flatten(h), 1, "Output"), [-1])

    real = 2 * ((tf.cast(real_int, tf.float32) / 255.0) - 0.5)
    fake = generator(tf.random.normal([8, 12]))
    disc_cost = tf.reduce_mean(critic(fake)) - tf.reduce_mean(critic(real))
    alpha = tf.random.uniform(shape=[8, 1])
    between = real + alpha * (fake - real)
    gradients = tf.gradients(critic(between), [between])[0]
    slopes = tf.sqrt(tf.reduce_sum(tf.square(gradients), axis=[1]))
    disc_cost += 10 * tf.reduce_mean((slopes - 1.0) ** 2)
    gen_cost = -tf.reduce_mean(critic(fake))
    for cost, scope in ((gen_cost, "Generator"), (disc_cost, "Discriminator")):
        v1.train.AdamOptimizer(1e-4, 0.5, 0.9).minimize(cost, var_list=v1.trainable_variables(scope))
    return [fixed], [generator(fixed)]


@case("adversarial")
def codes_that_mean_something() -> Truth:
    """InfoGAN: noise and codes are joined; a second head reads the codes from the picture again."""
    z = v1.placeholder(tf.float32, [None, 16], name="z")
    c_cat = v1.placeholder(tf.float32, [None, 10], name="c_cat")
    c_cont = v1.placeholder(tf.float32, [None, 2], name="c_cont")
    images = v1.placeholder(tf.float32, [None, 16, 16, 1], name="images")
    is_train = v1.placeholder(tf.bool, name="is_train")
    with v1.variable_scope("gen"):
        h = dense(tf.concat([z, c_cat, c_cont], 1), 4 * 4 * 8, "fc")
        h = tf.nn.relu(batch_norm(tf.reshape(h, [-1, 4, 4, 8]), "bn", is_train))
        h = tf.ensure_shape(deconv(h, 6, 4, "up1"), [None, 8, 8, 6])
        g = deconv(h, 1, 4, "up2", activation=tf.sigmoid)

    def judge(x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        x = tf.ensure_shape(x, [None, 16, 16, 1])
        with v1.variable_scope("disc", reuse=v1.AUTO_REUSE):
            h = flatten(conv(x, 8, 4, "c1", stride=2, activation=tf.nn.leaky_relu))
            out = dense(h, 1, "out")
        with v1.variable_scope("q", reuse=v1.AUTO_REUSE):
            q = dense(h, 16, "fc", tf.nn.leaky_relu)
            return out, dense(q, 10, "cat"), dense(q, 2, "cont")

    d_real, _, _ = judge(images)
    d_fake, q_cat, q_cont = judge(g)
    information = cross_entropy(q_cat, c_cat) + 0.5 * tf.reduce_mean(tf.square(q_cont - c_cont))
    d_loss, g_loss = _cross(d_real, True, 0.1) + _cross(d_fake, False), _cross(d_fake, True)
    g_vars, d_vars, q_vars = (v1.trainable_variables(s) for s in ("gen", "disc", "q"))
    with tf.control_dependencies(v1.get_collection(v1.GraphKeys.UPDATE_OPS)):
        v1.train.AdamOptimizer(1e-3, beta1=0.5).minimize(g_loss + information, var_list=g_vars + q_vars)
        v1.train.AdamOptimizer(2e-4, beta1=0.5).minimize(d_loss + information, var_list=d_vars + q_vars)
    v1.summary.image("generated", g)
    return [z, c_cat, c_cont], [g]


@case("adversarial")
def horses_and_zebras_with_history() -> Truth:
    """Unpaired translation both ways, old fakes are fed again to the discriminators, test inputs apart."""
    real_data = v1.placeholder(tf.float32, [None, 16, 16, 6], name="real_A_and_B_images")
    real_a, real_b = real_data[:, :, :, :3], real_data[:, :, :, 3:6]

    def generator(x: Tensor, name: str) -> Tensor:
        with v1.variable_scope(name, reuse=v1.AUTO_REUSE):
            p = tf.pad(x, [[0, 0], [2, 2], [2, 2], [0, 0]], "REFLECT")
            h = conv(p, 6, 5, "g_e1_c", padding="VALID")
            mean, variance = tf.nn.moments(h, axes=[1, 2], keepdims=True)
            h = (h - mean) * tf.math.rsqrt(variance + 1e-5) * weight("scale", [6])
            return tf.nn.tanh(conv(h, 3, 3, "g_pred_c", activation=None))

    def discriminator(x: Tensor, name: str) -> Tensor:
        with v1.variable_scope(name, reuse=v1.AUTO_REUSE):
            return conv(
                conv(x, 6, 4, "d_h0", stride=2, activation=tf.nn.leaky_relu), 1, 4, "d_h3", activation=None
            )

    fake_b = generator(real_a, "generatorA2B")
    fake_a_ = generator(fake_b, "generatorB2A")
    fake_a = generator(real_b, "generatorB2A")
    fake_b_ = generator(fake_a, "generatorA2B")
    again = tf.reduce_mean(tf.abs(real_a - fake_a_)) + tf.reduce_mean(tf.abs(real_b - fake_b_))
    db_fake, da_fake = discriminator(fake_b, "discriminatorB"), discriminator(fake_a, "discriminatorA")
    g_loss = tf.reduce_mean((db_fake - 1) ** 2) + tf.reduce_mean((da_fake - 1) ** 2) + 10.0 * again
    old_a = v1.placeholder(tf.float32, [None, 16, 16, 3], name="fake_A_sample")
    old_b = v1.placeholder(tf.float32, [None, 16, 16, 3], name="fake_B_sample")
    d_loss: Tensor = 0.0
    for real, old, name in ((real_a, old_a, "discriminatorA"), (real_b, old_b, "discriminatorB")):
        on_real, on_old = discriminator(real, name), discriminator(old, name)
        d_loss += tf.reduce_mean((on_real - 1) ** 2) / 2 + tf.reduce_mean(on_old**2) / 2
    lr = v1.placeholder(tf.float32, None, name="learning_rate")
    t_vars = v1.trainable_variables()
    v1.train.AdamOptimizer(lr, beta1=0.5).minimize(d_loss, var_list=[v for v in t_vars if "discr" in v.name])
    v1.train.AdamOptimizer(lr, beta1=0.5).minimize(g_loss, var_list=[v for v in t_vars if "gener" in v.name])
    test_a = v1.placeholder(tf.float32, [None, 16, 16, 3], name="test_A")
    test_b = v1.placeholder(tf.float32, [None, 16, 16, 3], name="test_B")
    return [test_a, test_b], [generator(test_a, "generatorA2B"), generator(test_b, "generatorB2A")]


@case("adversarial")
def hole_filled_in() -> Truths:
    """Inpainting: picture and mask in; the known pixels are put back over what the net drew."""
    picture = v1.placeholder(tf.float32, [None, 32, 32, 3], "picture")
    mask = v1.placeholder(tf.float32, [None, 32, 32, 1], "mask")
    training = v1.placeholder(tf.bool, [], "is_training")
    holed = picture * (1 - mask) + mask * tf.constant([0.46, 0.44, 0.40])
    with v1.variable_scope("completion"):
        h = tf.nn.relu(
            batch_norm(conv(tf.concat([holed, mask], 3), 8, 5, "c1", activation=None), "b1", training)
        )
        h = tf.nn.relu(batch_norm(conv(h, 8, 3, "c2", stride=2, activation=None), "b2", training))
        h = conv(h, 8, 3, "dilated", dilation=2)
        drawn = deconv(h, 3, 4, "d1", activation=tf.sigmoid)
    completed = drawn * mask + holed * (1 - mask)

    def judge(x: Tensor) -> Tensor:
        with v1.variable_scope("judge", reuse=v1.AUTO_REUSE):
            x = tf.ensure_shape(x, [None, 32, 32, 3])
            return dense(flatten(conv(conv(x, 6, 5, "c1", stride=2), 6, 5, "c2", stride=2)), 1, "fc")

    l2 = tf.reduce_mean(tf.square((picture - drawn) * mask))
    on_real, on_fake = judge(picture), judge(completed)
    with tf.control_dependencies(v1.get_collection(v1.GraphKeys.UPDATE_OPS)):
        v1.train.AdadeltaOptimizer(1.0).minimize(
            l2 + 4e-4 * _cross(on_fake, True), var_list=v1.trainable_variables("completion")
        )
    v1.train.AdadeltaOptimizer(1.0).minimize(
        _cross(on_real, True) + _cross(on_fake, False), var_list=v1.trainable_variables("judge")
    )
    return [([picture, mask], [completed]), ([picture, mask], [drawn])]


@case("autoencoder")
def faces_with_random_codes() -> Truths:
    """A convolutional VAE; new faces come from codes that are fed over the drawn ones."""
    images = v1.placeholder(tf.float32, [None, 16, 16, 3], name="image")
    flat = flatten(conv(conv(images, 6, 4, "enc1", stride=2), 8, 4, "enc2", stride=2))
    mu, logvar = dense(flat, 6, "enc_fc_mu"), dense(flat, 6, "enc_fc_log_var")
    z = tf.add(mu, tf.exp(logvar / 2.0) * tf.random.normal(tf.shape(mu)), name="z")
    h = tf.reshape(dense(z, 4 * 4 * 8, "dec_fc"), [-1, 4, 4, 8])
    h = tf.ensure_shape(deconv(h, 6, 4, "dec1"), [None, 8, 8, 6])
    y = deconv(h, 3, 4, "dec2", activation=tf.nn.sigmoid)
    reconstruction = tf.reduce_sum(tf.square(y - images), axis=[1, 2, 3])
    reconstruction = tf.reduce_mean(reconstruction)
    kl = 0.5 * tf.reduce_sum(tf.square(mu) + tf.exp(logvar) - logvar - 1.0, axis=1)
    kl = tf.reduce_mean(tf.maximum(kl, 0.5 * 6))
    step = v1.get_variable("global_step", [], tf.int64, v1.zeros_initializer(), trainable=False)
    optimizer = v1.train.AdamOptimizer(v1.get_variable("lr", [], trainable=False))
    grads = [(tf.clip_by_value(g, -1.0, 1.0), v) for g, v in optimizer.compute_gradients(reconstruction + kl)]
    optimizer.apply_gradients(grads, global_step=step, name="train_step")
    return [([images], [y]), ([images], [mu]), ([z], [y])]


@case("autoencoder")
def conditioned_coder() -> Truths:
    """Label beside the picture on both sides; decoding again from fed codes shares the weights."""
    x_hat = v1.placeholder(tf.float32, shape=[None, 784], name="input_img")
    x = v1.placeholder(tf.float32, shape=[None, 784], name="target_img")
    y = v1.placeholder(tf.float32, shape=[None, 10], name="target_labels")
    keep_prob = v1.placeholder(tf.float32, name="keep_prob")
    z_in = v1.placeholder(tf.float32, shape=[None, 2], name="latent_variable")
    fack_id_in = v1.placeholder(tf.float32, shape=[None, 10], name="latent_labels")

    def decoder(code: Tensor, label: Tensor, keep: Tensor | float) -> Tensor:
        with v1.variable_scope("bernoulli_MLP_decoder", reuse=v1.AUTO_REUSE):
            h = dense(tf.concat([code, label], 1), 32, "h0", tf.nn.elu)
            h = v1.nn.dropout(h, keep_prob=keep)
            return dense(h, 784, "out", tf.sigmoid)

    with v1.variable_scope("gaussian_MLP_encoder"):
        e = v1.nn.dropout(dense(tf.concat([x_hat, y], 1), 32, "h0", tf.nn.elu), keep_prob=keep_prob)
        both = dense(e, 4, "out")
        mu, sigma = both[:, :2], 1e-6 + tf.nn.softplus(both[:, 2:])
    z = mu + sigma * tf.random.normal(tf.shape(mu), 0, 1, dtype=tf.float32)
    out = tf.clip_by_value(decoder(z, y, keep_prob), 1e-8, 1 - 1e-8)
    likelihood = tf.reduce_sum(x * v1.log(out) + (1 - x) * v1.log(1 - out), 1)
    divergence = 0.5 * tf.reduce_sum(mu**2 + sigma**2 - v1.log(1e-8 + sigma**2) - 1, 1)
    v1.train.AdamOptimizer(1e-3).minimize(tf.reduce_mean(divergence - likelihood))
    decoded = decoder(z_in, fack_id_in, 1.0)
    return [([x_hat, y], [out]), ([z_in, fack_id_in], [decoded])]


@case("autoencoder")
def codes_from_a_book() -> Truths:
    """Vector quantization: the nearest entries of a codebook, gradients passed straight through."""
    x = v1.placeholder(tf.float32, [None, 16, 16, 3], name="x")
    e = conv(conv(x, 8, 4, "enc/0", stride=2), 4, 4, "enc/1", stride=2, activation=None)
    book = v1.get_variable("embedding", [4, 16], initializer=v1.uniform_unit_scaling_initializer())
    flat = tf.reshape(e, [-1, 4])
    distances = (
        tf.reduce_sum(flat**2, 1, keepdims=True) - 2 * tf.matmul(flat, book) + tf.reduce_sum(book**2, 0)
    )
    indices = tf.reshape(tf.argmax(-distances, 1), [-1, 4, 4], name="indices")
    quantized = tf.nn.embedding_lookup(tf.transpose(book, [1, 0]), indices)
    e_loss = tf.reduce_mean((tf.stop_gradient(quantized) - e) ** 2)
    q_loss = tf.reduce_mean((quantized - tf.stop_gradient(e)) ** 2)
    straight = e + tf.stop_gradient(quantized - e)
    h = tf.ensure_shape(deconv(straight, 8, 4, "dec/0"), [None, 8, 8, 8])
    x_recon = deconv(h, 3, 4, "dec/1", activation=None)
    recon_error = tf.reduce_mean((x_recon - x) ** 2) / 0.06
    used = tf.reduce_mean(tf.one_hot(tf.reshape(indices, [-1]), 16), 0)
    v1.summary.scalar("perplexity", tf.exp(-tf.reduce_sum(used * v1.log(used + 1e-10))))
    v1.train.AdamOptimizer(2e-4).minimize(recon_error + q_loss + 0.25 * e_loss)
    return [([x], [x_recon]), ([x], [indices]), ([x], [x_recon, indices])]


@case("autoencoder")
def scratches_by_distance() -> Truths:
    """Trained on good parts only: the squared difference is the map, its mean the score of a part."""
    part = v1.placeholder(tf.float32, [None, 32, 32, 1], name="part")
    code = dense(flatten(conv(conv(part, 4, 3, "e1", stride=2), 6, 3, "e2", stride=2)), 12, "code")
    h = tf.reshape(dense(code, 8 * 8 * 6, "decode", tf.nn.relu), [-1, 8, 8, 6])
    h = conv(v1.image.resize_nearest_neighbor(h, [16, 16]), 4, 3, "d1")
    rebuilt = conv(v1.image.resize_nearest_neighbor(h, [32, 32]), 1, 3, "d2", activation=tf.sigmoid)
    difference = tf.square(part - rebuilt)
    heat = tf.nn.avg_pool2d(difference, 5, 1, "SAME", name="anomaly_map")
    score = tf.reduce_mean(difference, axis=[1, 2, 3], name="anomaly_score")
    loss = tf.reduce_mean(score) + 1e-4 * tf.reduce_mean(tf.abs(code))
    v1.summary.scalar("loss", loss)
    v1.train.AdamOptimizer(1e-3).minimize(loss, v1.train.get_or_create_global_step())
    return [([part], [score, heat]), ([part], [score]), ([part], [score, heat, rebuilt])]
