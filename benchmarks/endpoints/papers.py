"""Graphs of papers' code: few examples, molecules, densities, adversaries, graphs, memories."""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf

from benchmarks.endpoints.bricks import (
    Lstm,
    bce,
    conv1,
    conv2d,
    deconv2d,
    embed,
    flat,
    halve,
    linear,
    norm,
    rnn,
    sparse_xent,
    within,
)
from benchmarks.endpoints.cases import Truth, Truths, case, v1

Tensor = Any


@case("few shot")
def relations_between_few_and_one() -> Truth:
    """Codes of supports and queries are joined in pairs and a second net scores each pair."""
    ways, shots = 4, 2
    support = v1.placeholder(tf.float32, [ways, shots, 16, 16, 1], name="sample_images")
    query = v1.placeholder(tf.float32, [None, 16, 16, 1], name="batch_images")
    one_hot = v1.placeholder(tf.float32, [None, ways], name="one_hot_labels")
    training = v1.placeholder_with_default(False, [], name="is_train")

    def encoder(x: Tensor, reuse: bool) -> Tensor:
        with v1.variable_scope("feature_encoder", reuse=reuse):
            for i in range(2):
                x = halve(tf.nn.relu(norm(conv2d(x, 8, act=None, name=f"conv{i}"), training, f"bn{i}")))
            return x

    samples = encoder(tf.reshape(support, [-1, 16, 16, 1]), False)
    samples = tf.reduce_sum(tf.reshape(samples, [ways, shots, 4, 4, 8]), 1)
    asked = encoder(query, True)
    count = tf.shape(query)[0]
    left = tf.tile(samples[None], [count, 1, 1, 1, 1])
    right = tf.tile(asked[:, None], [1, ways, 1, 1, 1])
    pairs = tf.reshape(tf.concat([left, right], 4), [-1, 4, 4, 16])
    with v1.variable_scope("relation_network"):
        h = linear(flat(halve(conv2d(pairs, 8))), 8, tf.nn.relu)
        relations = tf.reshape(linear(h, 1, tf.nn.sigmoid), [-1, ways])
    loss = tf.reduce_mean(tf.square(relations - one_hot))
    step = v1.train.get_or_create_global_step()
    optimizer = v1.train.AdamOptimizer(v1.train.exponential_decay(1e-3, step, 1000, 0.5))
    grads, variables = zip(*optimizer.compute_gradients(loss), strict=True)
    with tf.control_dependencies(v1.get_collection(v1.GraphKeys.UPDATE_OPS)):
        optimizer.apply_gradients(zip(tf.clip_by_global_norm(grads, 0.5)[0], variables, strict=True), step)
    return [support, query], [relations]


@case("neural process")
def curves_through_known_points() -> Truths:
    """A latent for the whole curve; the posterior sees targets in training, the prior what is known."""
    context_x = v1.placeholder(tf.float32, [None, None, 1], name="context_x")
    context_y = v1.placeholder(tf.float32, [None, None, 1], name="context_y")
    target_x = v1.placeholder(tf.float32, [None, None, 1], name="target_x")
    target_y = v1.placeholder(tf.float32, [None, None, 1], name="target_y")

    def latent(x: Tensor, y: Tensor) -> list[Tensor]:
        with v1.variable_scope("latent_encoder", reuse=v1.AUTO_REUSE):
            h = linear(tf.concat([x, y], -1), 16, tf.nn.relu, "h1")
            h = tf.reduce_mean(linear(h, 16, name="h2"), 1)
            return [linear(h, 8, name="mean"), 0.1 + 0.9 * linear(h, 8, tf.sigmoid, "std")]

    def decode(z: Tensor) -> list[Tensor]:
        with v1.variable_scope("decoder", reuse=v1.AUTO_REUSE):
            wide = tf.tile(z[:, None], [1, tf.shape(target_x)[1], 1])
            h = linear(tf.concat([wide, target_x], -1), 16, tf.nn.relu, "h1")
            return [linear(h, 1, name="mu"), 0.1 + 0.9 * tf.nn.softplus(linear(h, 1, name="sigma"))]

    prior, posterior = latent(context_x, context_y), latent(target_x, target_y)
    z = posterior[0] + posterior[1] * tf.random.normal(tf.shape(posterior[1]))
    mu, sigma = decode(z)
    log_p = -0.5 * tf.square((target_y - mu) / sigma) - v1.log(sigma)
    ratio = tf.square(posterior[1] / prior[1])
    kl = 0.5 * tf.reduce_sum(ratio + tf.square((posterior[0] - prior[0]) / prior[1]) - 1 - v1.log(ratio), -1)
    loss = -tf.reduce_mean(log_p) + tf.reduce_mean(kl) / 10.0
    v1.train.AdamOptimizer(1e-4).minimize(loss)
    test_mu, test_sigma = decode(prior[0] + prior[1] * tf.random.normal(tf.shape(prior[1])))
    fed = [context_x, context_y, target_x]
    return [(fed, [test_mu, test_sigma]), (fed, [test_mu])]


@case("pointer net")
def shortest_tour_by_pointing() -> Truths:
    """Cities in, their order out: taught with true tours, and pointing by itself."""
    enc_seq = v1.placeholder(tf.float32, [None, 5, 2], name="enc_seq")
    target_seq = v1.placeholder(tf.int32, [None, 5], name="target_seq")
    batch = tf.shape(enc_seq)[0]
    cell = Lstm(12)
    with v1.variable_scope("encoder"):
        refs, last = rnn(Lstm(12), linear(enc_seq, 12, name="input_embed"))

    def point(taught: Tensor | None) -> tuple[Tensor, Tensor]:
        state, token, seen = last, tf.zeros([batch, 2]), tf.zeros([batch, 5])
        logits, ids = [], []
        for t in range(5):
            h, state = cell(token, state)
            mixed = tf.tanh(linear(refs, 12, name="W_ref") + linear(h, 12, name="W_q")[:, None])
            score = linear(mixed, 1, name="v")[:, :, 0] - 1e6 * seen
            v1.get_variable_scope().reuse_variables()
            chosen = tf.argmax(score, 1, output_type=tf.int32) if taught is None else taught[:, t]
            picked = tf.one_hot(chosen, 5)
            seen = seen + picked
            token = tf.einsum("bn,bnd->bd", picked, enc_seq)
            logits.append(score)
            ids.append(chosen)
        return tf.stack(logits, 1), tf.stack(ids, 1)

    with v1.variable_scope("decoder"):
        dec_pred_logits, _ = point(target_seq)
    with v1.variable_scope("decoder", reuse=True):
        dec_inference_logits, dec_inference = point(None)
    loss = sparse_xent(target_seq, dec_pred_logits)
    v1.train.AdamOptimizer(1e-3).minimize(loss)
    v1.summary.scalar("loss", loss)
    right = tf.cast(tf.reduce_all(tf.equal(dec_inference, target_seq), 1), tf.float32)
    v1.summary.scalar("accuracy", tf.reduce_mean(right))
    return [([enc_seq], [dec_inference]), ([enc_seq], [dec_inference_logits])]


@case("graph net")
def citations_heeded_by_neighbours() -> Truths:
    """Graph attention: all nodes at once, neighbours as a bias of attention, a mask for the loss."""
    with tf.name_scope("input"):
        ftr_in = v1.placeholder(dtype=tf.float32, shape=(1, 60, 30))
        bias_in = v1.placeholder(dtype=tf.float32, shape=(1, 60, 60))
        lbl_in = v1.placeholder(dtype=tf.int32, shape=(1, 60, 7))
        msk_in = v1.placeholder(dtype=tf.int32, shape=(1, 60))
        attn_drop = v1.placeholder(dtype=tf.float32, shape=())
        ffd_drop = v1.placeholder(dtype=tf.float32, shape=())
        v1.placeholder(dtype=tf.bool, shape=())

    def attn_head(seq: Tensor, size: int, act: Any) -> Tensor:
        fts = conv1(v1.nn.dropout(seq, rate=ffd_drop), size, 1, None)
        scores = conv1(fts, 1, 1, None) + tf.transpose(conv1(fts, 1, 1, None), [0, 2, 1])
        coefs = tf.nn.softmax(tf.nn.leaky_relu(scores) + bias_in)
        coefs = v1.nn.dropout(coefs, rate=attn_drop)
        return act(tf.matmul(coefs, v1.nn.dropout(fts, rate=ffd_drop)))

    h_1 = tf.concat([attn_head(ftr_in, 8, tf.nn.elu) for _ in range(4)], -1)
    logits = tf.add_n([attn_head(h_1, 7, tf.identity)]) / 1.0
    log_resh = tf.reshape(logits, [-1, 7])
    lab_resh = tf.reshape(lbl_in, [-1, 7])
    mask = tf.cast(tf.reshape(msk_in, [-1]), tf.float32)
    mask /= tf.reduce_mean(mask)
    each = v1.nn.softmax_cross_entropy_with_logits(logits=log_resh, labels=lab_resh)
    loss = tf.reduce_mean(each * mask)
    right = tf.cast(tf.equal(tf.argmax(log_resh, 1), tf.argmax(lab_resh, 1)), tf.float32)
    tf.reduce_mean(right * mask)
    decay = tf.add_n([tf.nn.l2_loss(v) for v in v1.trainable_variables() if "bias" not in v.name]) * 5e-4
    v1.train.AdamOptimizer(learning_rate=5e-3).minimize(loss + decay)
    return [([ftr_in, bias_in], [log_resh]), ([ftr_in, bias_in], [logits])]


@case("molecules")
def energy_and_its_slope() -> Truth:
    """Continuous filters between atoms; forces are the negative gradient by the places."""
    numbers = v1.placeholder(tf.int32, [None, 9], name="numbers")
    positions = v1.placeholder(tf.float32, [None, 9, 3], name="positions")
    energy_ref = v1.placeholder(tf.float32, [None, 1], name="energy")
    forces_ref = v1.placeholder(tf.float32, [None, 9, 3], name="forces")
    real = tf.cast(numbers > 0, tf.float32)
    apart = positions[:, :, None] - positions[:, None]
    distances = tf.sqrt(tf.reduce_sum(tf.square(apart), 3) + 1e-8)
    bases = tf.exp(-4.0 * tf.square(distances[..., None] - tf.constant(np.linspace(0, 5, 8), tf.float32)))
    pair = real[:, :, None] * real[:, None] * (1.0 - tf.eye(9))

    def softplus(x: Tensor) -> Tensor:
        return tf.nn.softplus(x) - np.log(2.0)

    x = embed(numbers, 20, 12, "atom_embedding")
    for i in range(2):
        with v1.variable_scope(f"interaction_{i}"):
            filters = linear(linear(bases, 12, softplus), 12) * pair[..., None]
            v = tf.einsum("bijf,bjf->bif", filters, linear(x, 12))
            x += linear(linear(v, 12, softplus), 12)
    with v1.variable_scope("output"):
        each = linear(linear(x, 6, softplus), 1)[:, :, 0] * real
        energy = tf.reduce_sum(each, 1, keepdims=True, name="energy_prediction")
    forces = tf.negative(tf.gradients(energy, positions)[0], name="forces_prediction")
    e_loss, f_loss = tf.nn.l2_loss(energy - energy_ref), tf.nn.l2_loss(forces - forces_ref)
    v1.summary.scalar("e_loss", e_loss)
    v1.summary.scalar("f_loss", f_loss)
    step = v1.train.get_or_create_global_step()
    rate = v1.train.exponential_decay(1e-3, step, 100000, 0.96)
    train = v1.train.AdamOptimizer(rate).minimize(0.01 * e_loss + 0.99 * f_loss, global_step=step)
    with tf.control_dependencies([train]):
        tf.train.ExponentialMovingAverage(0.99).apply(v1.trainable_variables())
    return [numbers, positions], [energy, forces]


@case("flow")
def density_by_masks_in_order() -> Truth:
    """Masked autoregressive layers with reversals between; what it tells is the log density of each row."""
    v_input = v1.placeholder(dtype=tf.float32, shape=[None, 6], name="x")
    u, logdet = v_input, 0.0
    rng = np.random.RandomState(0)
    for i in range(3):
        with v1.variable_scope(f"made_{i}"):
            degrees = [np.arange(1, 7), rng.randint(1, 6, 16), np.arange(1, 7)]
            mask_h = (degrees[0][:, None] <= degrees[1][None]).astype("float32")
            mask_o = (degrees[1][:, None] < degrees[2][None]).astype("float32")
            w = v1.get_variable("W", [6, 16])
            h = tf.nn.relu(tf.matmul(u, w * mask_h) + v1.get_variable("b", [16]))
            m = tf.matmul(h, v1.get_variable("Wm", [16, 6]) * mask_o) + v1.get_variable("bm", [6])
            logp = tf.matmul(h, v1.get_variable("Wp", [16, 6]) * mask_o) + v1.get_variable("bp", [6])
        u = tf.exp(0.5 * logp) * (u - m)
        logdet += 0.5 * tf.reduce_sum(logp, axis=1)
        u = tf.reverse(u, [1])
    log_density = -0.5 * 6 * np.log(2 * np.pi) - 0.5 * tf.reduce_sum(u**2, axis=1)
    log_density = tf.add(log_density, logdet, name="L")
    trn_loss = tf.negative(tf.reduce_mean(log_density), name="trn_loss")
    v1.train.AdamOptimizer(1e-4).minimize(trn_loss)
    return [v_input], [log_density]


@case("semi-supervised")
def classes_by_a_critic_of_fakes() -> Truths:
    """The critic gives classes; the painter matches its features; the answer is the class of a real one."""
    x_lab = v1.placeholder(tf.float32, [None, 16, 16, 1], name="labeled")
    labels = v1.placeholder(tf.int32, [None], name="labels")
    x_unl = v1.placeholder(tf.float32, [None, 16, 16, 1], name="unlabeled")
    is_training = v1.placeholder(tf.bool, [], name="is_training")

    def discriminator(x: Tensor) -> tuple[Tensor, Tensor]:
        with v1.variable_scope("discriminator", reuse=v1.AUTO_REUSE):
            rate = 0.3 * tf.cast(is_training, tf.float32)
            h = conv2d(x, 8, stride=2, act=tf.nn.leaky_relu, name="c1")
            h = conv2d(v1.nn.dropout(h, rate=rate), 12, stride=2, act=tf.nn.leaky_relu, name="c2")
            features = tf.reduce_mean(h, [1, 2])
            return linear(features, 10, name="out"), features

    with v1.variable_scope("generator"):
        z = v1.random_uniform([tf.shape(x_unl)[0], 16])
        h = tf.reshape(tf.nn.relu(norm(linear(z, 4 * 4 * 12), is_training)), [-1, 4, 4, 12])
        fake = deconv2d(tf.nn.relu(norm(deconv2d(h, 8, act=None), is_training)), 1, act=tf.tanh)
    l_lab, _ = discriminator(x_lab)
    l_unl, feat_unl = discriminator(x_unl)
    l_fake, feat_fake = discriminator(fake)
    probs = tf.nn.softmax(l_lab)
    unl, gen = tf.reduce_logsumexp(l_unl, 1), tf.reduce_logsumexp(l_fake, 1)
    loss_unl = -0.5 * tf.reduce_mean(unl - tf.nn.softplus(unl)) + 0.5 * tf.reduce_mean(tf.nn.softplus(gen))
    loss_lab = sparse_xent(labels, l_lab)
    loss_gen = tf.reduce_mean(tf.abs(tf.reduce_mean(feat_unl, 0) - tf.reduce_mean(feat_fake, 0)))
    v1.train.AdamOptimizer(3e-4, 0.5).minimize(loss_unl + loss_lab, var_list=within("discriminator"))
    with tf.control_dependencies(v1.get_collection(v1.GraphKeys.UPDATE_OPS)):
        v1.train.AdamOptimizer(3e-4, 0.5).minimize(loss_gen, var_list=within("generator"))
    right = tf.equal(tf.argmax(probs, 1, output_type=tf.int32), labels)
    v1.summary.scalar("accuracy", tf.reduce_mean(tf.cast(right, tf.float32)))
    v1.summary.image("gen_images", fake)
    return [([x_lab], [l_lab]), ([x_lab], [probs])]


@case("semi-supervised", modern=True)
def rungs_of_a_ladder() -> Truth:
    """A clean and a noisy path up, one path down that cleans; the clean path's classes are the answer."""
    inputs = v1.placeholder(tf.float32, shape=(None, 64))
    outputs = v1.placeholder(tf.float32, shape=(None, 10))
    sizes = [64, 24, 16, 10]
    weights = [v1.get_variable(f"W{i}", sizes[i : i + 2]) for i in range(3)]
    back = [v1.get_variable(f"V{i}", sizes[i : i + 2][::-1]) for i in range(3)]
    beta = [tf.Variable(tf.zeros([n]), name="beta") for n in sizes[1:]]
    gamma = tf.Variable(tf.ones([10]), name="gamma")

    def up(h: Tensor, noise: float) -> tuple[Tensor, list[Tensor]]:
        h = h + tf.random.normal(tf.shape(h)) * noise if noise else h
        zs = [h]
        for i in range(3):
            mean, var = tf.nn.moments(tf.matmul(h, weights[i]), [0])
            z = (tf.matmul(h, weights[i]) - mean) / tf.sqrt(var + 1e-10)
            z = z + tf.random.normal(tf.shape(z)) * noise if noise else z
            zs.append(z)
            h = tf.nn.softmax(gamma * (z + beta[i])) if i == 2 else tf.nn.relu(z + beta[i])
        return h, zs

    y_c, corrupted = up(inputs, 0.3)
    y, clean = up(inputs, 0.0)
    u, costs = y_c, []
    for i, weight in ((3, 0.1), (2, 0.1), (1, 10.0), (0, 1000.0)):
        u = tf.matmul(u, back[i]) if i < 3 else u
        gate = tf.sigmoid(u * tf.Variable(tf.ones([sizes[i]])) + tf.Variable(tf.zeros([sizes[i]])))
        z_est = corrupted[i] * gate + u * (1 - gate)
        costs.append(weight * tf.reduce_mean(tf.square(z_est - clean[i])))
        u = z_est
    cost = -tf.reduce_mean(tf.reduce_sum(outputs * v1.log(y_c), 1))
    -tf.reduce_mean(tf.reduce_sum(outputs * v1.log(y), 1))
    right = tf.equal(tf.argmax(y, 1), tf.argmax(outputs, 1))
    tf.reduce_mean(tf.cast(right, "float")) * tf.constant(100.0)
    v1.train.AdamOptimizer(0.02).minimize(cost + tf.add_n(costs))
    return [inputs], [y]


@case("semi-supervised")
def pupil_and_the_mean_of_its_past() -> Truths:
    """A teacher that is the moving average of the pupil; both are made to agree, either is evaluated."""
    images = v1.placeholder(tf.float32, (None, 16, 16, 3), name="images")
    labels = v1.placeholder(tf.int32, (None,), name="labels")
    is_training = v1.placeholder_with_default(True, (), name="is_training")
    weight = v1.placeholder(tf.float32, (), name="consistency_coefficient")

    def tower(getter: Any = None) -> Tensor:
        with v1.variable_scope("tower", reuse=v1.AUTO_REUSE, custom_getter=getter):
            noise = 0.15 * tf.random.normal(tf.shape(images)) * tf.cast(is_training, tf.float32)
            h = halve(conv2d(images + noise, 8, act=tf.nn.leaky_relu, name="conv1"))
            h = v1.nn.dropout(h, rate=0.5 * tf.cast(is_training, tf.float32))
            h = conv2d(h, 12, act=tf.nn.leaky_relu, name="conv2")
            return linear(tf.reduce_mean(h, [1, 2]), 10, name="fc")

    ema = tf.train.ExponentialMovingAverage(0.99)
    class_logits_1 = tower()
    update = ema.apply(within("tower"))
    class_logits_ema = tower(lambda getter, *a, **k: ema.average(getter(*a, **k)))
    known = tf.cast(labels >= 0, tf.float32)
    each = v1.nn.sparse_softmax_cross_entropy_with_logits(labels=tf.maximum(labels, 0), logits=class_logits_1)
    prob_1, prob_ema = tf.nn.softmax(class_logits_1), tf.nn.softmax(class_logits_ema)
    consistency = tf.reduce_mean(tf.square(prob_1 - tf.stop_gradient(prob_ema)))
    cost = tf.reduce_mean(each * known) + weight * consistency
    with tf.control_dependencies([update]):
        v1.train.AdamOptimizer(3e-3).minimize(cost)
    for name, logits in (("error/1", class_logits_1), ("error/ema", class_logits_ema)):
        wrong = tf.not_equal(tf.argmax(logits, 1, output_type=tf.int32), labels)
        v1.summary.scalar(name, tf.reduce_mean(tf.cast(wrong, tf.float32)))
    return [([images], [out]) for out in (class_logits_ema, prob_ema, class_logits_1, prob_1)]


@case("memory net")
def copies_through_an_outer_memory() -> Truths:
    """A controller reads and writes rows of a memory by likeness, then says what it was told."""
    x = v1.placeholder(tf.float32, [None, 4, 5], name="x")
    y = v1.placeholder(tf.float32, [None, 2, 5], name="y")
    batch = tf.shape(x)[0]
    cell, state = Lstm(16), Lstm(16).zero_state(batch)
    memory, read, outs = tf.fill([batch, 8, 6], 0.01), tf.zeros([batch, 6]), []
    with v1.variable_scope("ntm"):
        for t in range(4):
            h, state = cell(tf.concat([x[:, t], read], 1), state)
            heads = []
            for head in ("read", "write"):
                key = linear(h, 6, tf.tanh, head + "_key")
                like = tf.einsum("bnm,bm->bn", tf.nn.l2_normalize(memory, 2), tf.nn.l2_normalize(key, 1))
                heads.append(tf.nn.softmax(like * linear(h, 1, tf.nn.softplus, head + "_beta")))
            gone, new = linear(h, 6, tf.sigmoid, "erase"), linear(h, 6, tf.tanh, "add")
            write = heads[1][:, :, None]
            memory = memory * (1 - write * gone[:, None]) + write * new[:, None]
            read = tf.einsum("bn,bnm->bm", heads[0], memory)
            outs.append(linear(tf.concat([h, read], 1), 5, name="output"))
            v1.get_variable_scope().reuse_variables()
    logits = tf.stack(outs[2:], 1)
    outputs = tf.sigmoid(logits)
    loss = bce(logits, y)
    optimizer = v1.train.RMSPropOptimizer(1e-4, momentum=0.9)
    gvs = optimizer.compute_gradients(loss)
    optimizer.apply_gradients([(tf.clip_by_norm(grad, 10), var) for grad, var in gvs])
    tf.reduce_mean(tf.reduce_sum(tf.abs(y - tf.round(outputs)), [1, 2]))
    return [([x], [outputs]), ([x], [logits])]


@case("clustering")
def digits_gathered_without_labels() -> Truths:
    """An autoencoder first; then its code is drawn to learned centres by a sharpened target."""
    x = v1.placeholder(tf.float32, [None, 64], name="x")
    p = v1.placeholder(tf.float32, [None, 10], name="p")
    h = x
    for i, units in enumerate([24, 16]):
        h = linear(h, units, tf.nn.relu, f"encoder_{i}")
    z = linear(h, 5, name="embedding")
    h = z
    for i, units in enumerate([16, 24]):
        h = linear(h, units, tf.nn.relu, f"decoder_{i}")
    recon_loss = tf.reduce_mean(tf.square(linear(h, 64, name="decoder_2") - x))
    v1.train.AdamOptimizer(1e-3).minimize(recon_loss, name="pretrain")
    centres = v1.get_variable("centers", [10, 5])
    distance = tf.reduce_sum(tf.square(tf.expand_dims(z, 1) - centres), 2)
    q = 1.0 / (1.0 + distance)
    q = q / tf.reduce_sum(q, 1, keepdims=True)
    kl_loss = tf.reduce_mean(tf.reduce_sum(p * v1.log(p / q), 1))
    v1.train.MomentumOptimizer(0.01, 0.9).minimize(
        kl_loss, var_list=within("encoder", "embedding", "centers")
    )
    pred = tf.argmax(q, 1)
    return [([x], [pred]), ([x], [q])]
