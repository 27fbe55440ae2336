"""Small nets of beginners and quick experiments: classifiers, regressions, pairs, games, many leftovers."""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf

from benchmarks.endpoints.cases import Truth, Truths, case, v1

Tensor = Any


@case("classifier")
def logits_called_output() -> Truths:
    """An MLP whose input is called ``y`` and whose labels are called ``x``; ``output`` are the logits.

    The softmax is what the author prints (its argmax is compared), the logits go to the loss only.
    """
    pixels = v1.placeholder("float", [None, 64], name="y")
    digit = v1.placeholder("float", [None, 10], name="x")
    v1.placeholder("float", name="input")  # first try, never used
    w1 = tf.Variable(tf.random.normal([64, 24]))
    b1 = tf.Variable(tf.random.normal([24]))
    w2 = tf.Variable(tf.random.normal([24, 16]))
    b2 = tf.Variable(tf.random.normal([16]))
    wo = tf.Variable(tf.random.normal([16, 10]))
    bo = tf.Variable(tf.random.normal([10]))
    layer = tf.nn.relu(tf.add(tf.matmul(pixels, w1), b1))
    layer = tf.nn.relu(tf.add(tf.matmul(layer, w2), b2))
    logits = tf.add(tf.matmul(layer, wo), bo, name="output")
    cost = tf.reduce_mean(v1.nn.softmax_cross_entropy_with_logits_v2(logits=logits, labels=digit))
    v1.train.AdamOptimizer(0.001).minimize(cost)
    probs = tf.nn.softmax(logits)
    classes = tf.argmax(probs, 1)
    correct = tf.equal(classes, tf.argmax(digit, 1))
    accuracy = tf.reduce_mean(tf.cast(correct, "float"))
    accuracy2 = tf.reduce_mean(tf.cast(v1.nn.in_top_k(logits, tf.argmax(digit, 1), 3), "float"))
    v1.summary.scalar("acc", accuracy)
    v1.summary.scalar("acc_top3", accuracy2)
    v1.summary.merge_all()
    return [([pixels], [probs]), ([pixels], [classes])]


@case("regression")
def house_prices_denormalized() -> Truth:
    """Raw features are standardized in the graph, and the net's output is brought back to dollars.

    The dollars are what one asks a price model for; the raw row is what one has.
    """
    mean = np.array([2000.0, 3.2, 35.0, 1.5, 0.4], np.float32)
    std = np.array([800.0, 0.8, 20.0, 0.6, 0.5], np.float32)
    raw = v1.placeholder(tf.float32, (None, 5))
    price = v1.placeholder(tf.float32, (None,))
    lr = v1.placeholder(tf.float32, ())
    x = (raw - mean) / std
    x = v1.Print(x, [tf.shape(x), tf.reduce_max(x)], "x after norm: ", summarize=5)
    y = (price - 340000.0) / 125000.0
    h = x
    size = 5
    for n in [16, 16, 8]:
        w = tf.Variable(v1.truncated_normal([size, n], stddev=float(np.sqrt(2.0 / size))))
        b = tf.Variable(tf.zeros([n]))
        h = tf.maximum(0.1 * (tf.matmul(h, w) + b), tf.matmul(h, w) + b)
        size = n
    out = tf.squeeze(tf.matmul(h, tf.Variable(v1.truncated_normal([8, 1], stddev=0.1))), 1)
    out = out + tf.Variable(0.0)
    dollars = out * 125000.0 + 340000.0
    loss = tf.reduce_sum((out - y) ** 2) / tf.cast(tf.shape(y)[0], tf.float32) / 2.0
    mape = 100.0 * tf.reduce_mean(tf.abs(dollars - price) / price)
    rsq = 1.0 - tf.reduce_sum((price - dollars) ** 2) / tf.reduce_sum((price - tf.reduce_mean(price)) ** 2)
    v1.summary.scalar("mape", mape)
    v1.summary.scalar("r2", rsq)
    v1.train.GradientDescentOptimizer(lr).minimize(loss)
    return [raw], [dollars]


@case("sequence")
def echo_rnn_with_a_list_of_predictions() -> Truths:
    """A plain RNN unrolled over six steps with static batch, the state is fed from the last run.

    The author keeps the list of softmaxes (one for each step) and the last state, and feeds the state again.
    """
    batch, state_size, steps, num_classes = 5, 4, 6, 2
    batch_x = v1.placeholder(tf.float32, [batch, steps])
    batch_y = v1.placeholder(tf.int32, [batch, steps])
    init_state = v1.placeholder(tf.float32, [batch, state_size])
    w = tf.Variable(np.random.RandomState(0).rand(state_size + 1, state_size), dtype=tf.float32)
    b = tf.Variable(np.zeros((1, state_size)), dtype=tf.float32)
    w2 = tf.Variable(np.random.RandomState(1).rand(state_size, num_classes), dtype=tf.float32)
    b2 = tf.Variable(np.zeros((1, num_classes)), dtype=tf.float32)
    state = init_state
    states = []
    for current in tf.unstack(batch_x, axis=1):
        column = tf.reshape(current, [batch, 1])
        state = tf.tanh(tf.matmul(tf.concat([column, state], 1), w) + b)
        states.append(state)
    logits = [tf.matmul(s, w2) + b2 for s in states]
    predictions = [tf.nn.softmax(logit) for logit in logits]
    losses = [
        tf.nn.sparse_softmax_cross_entropy_with_logits(logits=logit, labels=label)
        for logit, label in zip(logits, tf.unstack(batch_y, axis=1), strict=True)
    ]
    total = tf.reduce_mean(losses)
    v1.train.AdagradOptimizer(0.3).minimize(total)
    return [([batch_x, init_state], [*predictions, state]), ([batch_x, init_state], predictions)]


@case("embedding")
def word_vectors_with_queries() -> Truths:
    """Skip-gram with negative samples drawn by hand; a second placeholder asks for the nearest words.

    ``inputs``/``labels`` are the training pairs. After training, words are asked for by ``query``.
    """
    vocab, dim, negatives = 500, 16, 8
    inputs = v1.placeholder(tf.int32, shape=[None], name="inputs")
    labels = v1.placeholder(tf.int32, shape=[None, None], name="labels")
    query = v1.placeholder(tf.int32, shape=[None], name="Placeholder")
    emb_in = tf.Variable(tf.random.uniform((vocab, dim), -1, 1))
    emb_out = tf.Variable(v1.truncated_normal((vocab, dim), stddev=0.1))
    v = tf.nn.embedding_lookup(emb_in, inputs)
    u = tf.nn.embedding_lookup(emb_out, tf.reshape(labels, [-1]))
    noise_ids, _, _ = v1.random.log_uniform_candidate_sampler(
        tf.cast(labels, tf.int64)[:, :1], 1, negatives, True, vocab
    )
    noise = tf.gather(emb_out, noise_ids)
    good = tf.math.log(tf.sigmoid(tf.reduce_sum(v * u, 1)) + 1e-9)
    bad = tf.math.log(1.0 - tf.sigmoid(tf.matmul(v, noise, transpose_b=True)) + 1e-9)
    cost = -tf.reduce_mean(good + tf.reduce_sum(bad, 1))
    v1.train.AdamOptimizer().minimize(cost)
    norm = tf.sqrt(tf.reduce_sum(tf.square(emb_in), 1, keepdims=True))
    normalized = emb_in / norm
    similarity = tf.matmul(tf.nn.embedding_lookup(normalized, query), tf.transpose(normalized))
    best = tf.nn.top_k(similarity, 9)
    return [([query], [best.values, best.indices]), ([query], [best.indices]), ([query], [similarity])]


@case("embedding", plain=True)
def siamese_pairs_in_a_loop() -> Truths:
    """Two images through one little convnet made in a Python loop; a contrastive loss written out.

    The distance of the pair is the answer, or its comparison with a half, which makes the accuracy.
    """
    pair = [v1.placeholder(tf.float32, [None, 28, 28, 1], name=n) for n in ("x", "x_p")]
    label = v1.placeholder(tf.float32, [None], name="gt")
    keep = v1.placeholder_with_default(1.0, (), name="p")
    codes = []
    for i, im in enumerate(pair):
        with v1.variable_scope("siam", reuse=i > 0):
            k1 = v1.get_variable("k1", [5, 5, 1, 8])
            k2 = v1.get_variable("k2", [5, 5, 8, 8])
            fc = v1.get_variable("fc", [4 * 4 * 8, 16])
            n = tf.nn.relu(v1.nn.conv2d(im, k1, [1, 1, 1, 1], "VALID"))
            n = v1.nn.max_pool(n, [1, 2, 2, 1], [1, 2, 2, 1], "VALID")
            n = tf.nn.relu(v1.nn.conv2d(n, k2, [1, 1, 1, 1], "VALID"))
            n = v1.nn.max_pool(n, [1, 2, 2, 1], [1, 2, 2, 1], "VALID")
            n = v1.nn.dropout(tf.reshape(n, [-1, 128]), keep_prob=keep)
            codes.append(tf.matmul(n, fc))
    d2 = tf.reduce_sum(tf.pow(codes[0] - codes[1], 2), 1)
    d = tf.sqrt(d2 + 1e-6, name="eucd")
    same = tf.less(d, 0.5)
    pos = label * d2
    neg = (1.0 - label) * tf.pow(tf.maximum(1.0 - d, 0.0), 2)
    loss = tf.reduce_mean(pos + neg)
    accuracy = tf.reduce_mean(tf.cast(tf.equal(same, label > 0.5), tf.float32), name="output")
    v1.summary.scalar("accuracy", accuracy)
    step = tf.Variable(0, trainable=False)
    v1.train.MomentumOptimizer(0.01, 0.99, use_nesterov=True).minimize(loss, global_step=step)
    return [(pair, [d]), (pair, [same])]


@case("adversarial")
def conditional_gan_of_digits() -> Truth:
    """A conditional GAN with dicts of raw variables; ``y`` is the condition, and fed to sample.

    Samples are the sigmoid image of the generator for a noise and a wanted class.
    """
    x = v1.placeholder(tf.float32, shape=[None, 64])
    y = v1.placeholder(tf.float32, shape=[None, 10])
    z = v1.placeholder(tf.float32, shape=[None, 12])
    v1.placeholder(tf.float32, shape=[None, 1])  # "d_labels", for the old loss

    def xavier(a: int, b: int) -> Tensor:
        return tf.Variable(tf.random.normal([a, b], stddev=1.0 / float(np.sqrt(a / 2.0))))

    dw = {"h": xavier(74, 24), "o": xavier(24, 1)}
    db = {"h": tf.Variable(tf.zeros([24])), "o": tf.Variable(tf.zeros([1]))}
    gw = {"h": xavier(22, 24), "o": xavier(24, 64)}
    gb = {"h": tf.Variable(tf.zeros([24])), "o": tf.Variable(tf.zeros([64]))}
    theta_d = [*dw.values(), *db.values()]
    theta_g = [*gw.values(), *gb.values()]

    def disc(image: Tensor, cond: Tensor) -> tuple[Tensor, Tensor]:
        h = tf.nn.relu(tf.matmul(tf.concat([image, cond], 1), dw["h"]) + db["h"])
        logit = tf.matmul(h, dw["o"]) + db["o"]
        return tf.nn.sigmoid(logit), logit

    h = tf.nn.relu(tf.matmul(tf.concat([z, y], 1), gw["h"]) + gb["h"])
    g_sample = tf.nn.sigmoid(tf.matmul(h, gw["o"]) + gb["o"])
    d_real, _ = disc(x, y)
    d_fake, _ = disc(g_sample, y)
    d_loss = -tf.reduce_mean(tf.math.log(d_real + 1e-8) + tf.math.log(1.0 - d_fake + 1e-8))
    d_loss = v1.Print(d_loss, [d_loss, tf.reduce_mean(d_real), tf.reduce_mean(d_fake)], "D: ")
    g_loss = -tf.reduce_mean(tf.math.log(d_fake + 1e-8))
    v1.train.AdamOptimizer().minimize(d_loss, var_list=theta_d)
    v1.train.AdamOptimizer().minimize(g_loss, var_list=theta_g)
    for p in theta_d:
        p.assign(tf.clip_by_value(p, -0.01, 0.01))
    v1.summary.image("sample", tf.reshape(g_sample, [-1, 8, 8, 1]), 4)
    return [z, y], [g_sample]


@case("agent")
def dqn_of_cart_pole() -> Truths:
    """A class with an evaluated and a target net and a list of copies; reward and terminal are fed to train.

    The agent runs ``q_eval`` with one observation and takes the argmax in numpy; one is in the graph too.
    """

    class Dqn:
        """The agent of a blog post."""

        def __init__(self, n_actions: int, n_features: int) -> None:
            self.n_actions = n_actions
            self.s = v1.placeholder(tf.float32, [None, n_features], name="s")
            self.s_ = v1.placeholder(tf.float32, [None, n_features], name="s_")
            self.r = v1.placeholder(tf.float32, [None], name="r")
            self.done = v1.placeholder(tf.float32, [None], name="done")
            self.a = v1.placeholder(tf.int32, [None], name="a")
            self.score = v1.placeholder(tf.float32, [], name="episode_reward")
            self.q_eval = self.net(self.s, "eval_net")
            self.q_next = self.net(self.s_, "target_net")
            self.best = tf.argmax(self.q_eval, axis=1)
            q_target = self.r + 0.9 * (1.0 - self.done) * tf.reduce_max(self.q_next, axis=1, name="Qmax_s_")
            picked = tf.stack([tf.range(tf.shape(self.a)[0], dtype=tf.int32), self.a], axis=1)
            q_wrt_a = tf.gather_nd(params=self.q_eval, indices=picked)
            error = tf.stop_gradient(q_target) - q_wrt_a
            loss = tf.reduce_mean(tf.where(tf.abs(error) < 1.0, 0.5 * error * error, tf.abs(error) - 0.5))
            self.train = v1.train.RMSPropOptimizer(0.01).minimize(loss)
            t = v1.get_collection(v1.GraphKeys.GLOBAL_VARIABLES, scope="target_net")
            e = v1.get_collection(v1.GraphKeys.GLOBAL_VARIABLES, scope="eval_net")
            self.copy = [v1.assign(a, b) for a, b in zip(t, e[: len(t)], strict=True)]
            v1.summary.scalar("reward", self.score)

        def net(self, obs: Tensor, name: str) -> Tensor:
            with v1.variable_scope(name):
                w1 = v1.get_variable(
                    "w1", [int(obs.shape[1]), 20], initializer=v1.random_normal_initializer(0.0, 0.3)
                )
                b1 = v1.get_variable("b1", [1, 20], initializer=v1.constant_initializer(0.1))
                w2 = v1.get_variable("w2", [20, self.n_actions])
                b2 = v1.get_variable("b2", [1, self.n_actions])
                return tf.matmul(tf.nn.relu(tf.matmul(obs, w1) + b1), w2) + b2

    agent = Dqn(2, 4)
    return [([agent.s], [agent.q_eval]), ([agent.s], [agent.best])]


@case("classifier", frozen=True)
def cnn_with_dropout_by_hand() -> Truth:
    """Flat pixels reshaped; labels are ids and made one-hot in the graph; the dropout is a floor of noise.

    Frozen up to the softmax, which the question asked how to get from the file.
    """
    x = v1.placeholder(tf.float32, [None, 784])
    y = v1.placeholder(tf.int64, [None])
    keep = v1.placeholder(tf.float32)
    img = tf.reshape(x / 255.0, [-1, 28, 28, 1])
    f1 = tf.Variable(v1.truncated_normal([5, 5, 1, 8], stddev=0.1))
    f2 = tf.Variable(v1.truncated_normal([5, 5, 8, 12], stddev=0.1))
    a = tf.nn.relu(v1.nn.conv2d(img, f1, [1, 2, 2, 1], "SAME") + tf.Variable(tf.constant(0.1, shape=[8])))
    a = tf.nn.relu(v1.nn.conv2d(a, f2, [1, 2, 2, 1], "SAME") + tf.Variable(tf.constant(0.1, shape=[12])))
    flat = tf.reshape(a, [-1, 7 * 7 * 12])
    fc = tf.nn.relu(tf.matmul(flat, tf.Variable(v1.truncated_normal([588, 32], stddev=0.1))))
    mask = tf.floor(keep + tf.random.uniform(tf.shape(fc)))
    fc = fc * mask / keep
    z = tf.matmul(fc, tf.Variable(v1.truncated_normal([32, 10], stddev=0.1))) + tf.Variable(tf.zeros([10]))
    p = tf.exp(z) / tf.reduce_sum(tf.exp(z), 1, keepdims=True)
    one_hot = tf.cast(
        tf.equal(tf.expand_dims(y, 1), tf.expand_dims(tf.range(10, dtype=tf.int64), 0)), tf.float32
    )
    cost = tf.reduce_mean(-tf.reduce_sum(one_hot * tf.math.log(tf.clip_by_value(p, 1e-10, 1.0)), axis=[1]))
    v1.train.AdamOptimizer(1e-4).minimize(cost)
    tf.reduce_mean(tf.cast(tf.equal(tf.argmax(p, 1), y), tf.float32))
    return [x], [p]


@case("classifier")
def train_batch_and_test_branch() -> Truth:
    """The homework: a training placeholder of static batch, and the same weights for another placeholder.

    The training branch uses the batch's moments, the test branch the averages; one predicts with the latter.
    """
    batch = 16
    tf_train_dataset = v1.placeholder(tf.float32, shape=(batch, 36))
    tf_train_labels = v1.placeholder(tf.float32, shape=(batch, 4))
    tf_test_dataset = v1.placeholder(tf.float32, shape=(None, 36))
    w1 = tf.Variable(v1.truncated_normal([36, 20]))
    w2 = tf.Variable(v1.truncated_normal([20, 4]))
    b2 = tf.Variable(tf.zeros([4]))
    scale = tf.Variable(tf.ones([20]))
    beta = tf.Variable(tf.zeros([20]))
    pop_mean = tf.Variable(tf.zeros([20]), trainable=False)
    pop_var = tf.Variable(tf.ones([20]), trainable=False)
    z = tf.matmul(tf_train_dataset, w1)
    mu, var = tf.nn.moments(z, [0])
    up1 = v1.assign(pop_mean, pop_mean * 0.99 + mu * 0.01)
    up2 = v1.assign(pop_var, pop_var * 0.99 + var * 0.01)
    with tf.control_dependencies([up1, up2]):
        hidden = tf.nn.relu(scale * (z - mu) / tf.sqrt(var + 1e-3) + beta)
    logits = tf.matmul(v1.nn.dropout(hidden, rate=0.5), w2) + b2
    loss = tf.reduce_mean(v1.nn.softmax_cross_entropy_with_logits(labels=tf_train_labels, logits=logits))
    loss += 5e-4 * (tf.nn.l2_loss(w1) + tf.nn.l2_loss(w2))
    step = tf.Variable(0)
    rate = v1.train.exponential_decay(0.5, step, 1000, 0.9)
    v1.train.GradientDescentOptimizer(rate).minimize(loss, global_step=step)
    tf.nn.softmax(logits)  # train_prediction
    z_test = tf.matmul(tf_test_dataset, w1)
    h_test = tf.nn.relu(scale * (z_test - pop_mean) / tf.sqrt(pop_var + 1e-3) + beta)
    test_prediction = tf.nn.softmax(tf.matmul(h_test, w2) + b2)
    return [tf_test_dataset], [test_prediction]


@case("classifier")
def two_models_one_trained() -> Truths:
    """A logistic regression of yesterday stays in the graph; only the net with a hidden layer is trained.

    The old model has the good names (``prediction``), but nothing minimizes its cost any more.
    """
    features = v1.placeholder(tf.float64, [None, 9], name="features")
    target = v1.placeholder(tf.float64, [None, 1], name="target")
    old_w = tf.Variable(np.zeros((9, 1)), name="W")
    old_b = tf.Variable(np.zeros((1,)), name="b")
    old = tf.sigmoid(tf.matmul(features, old_w) + old_b, name="prediction")
    old_cost = -tf.reduce_mean(target * tf.math.log(old) + (1 - target) * tf.math.log(1 - old))
    # v1.train.GradientDescentOptimizer(0.1).minimize(old_cost)  # noqa: ERA001
    v1.summary.scalar("old_cost", old_cost)
    init = np.random.RandomState(3).randn
    w1 = tf.Variable(init(9, 12) * 0.3)
    w2 = tf.Variable(init(12, 1) * 0.3)
    a1 = tf.tanh(tf.matmul(features, w1) + tf.Variable(np.zeros((12,))))
    a2 = tf.sigmoid(tf.matmul(a1, w2) + tf.Variable(np.zeros((1,))))
    cost = tf.reduce_mean(-target * tf.math.log(a2 + 1e-12) - (1 - target) * tf.math.log(1 - a2 + 1e-12))
    v1.train.FtrlOptimizer(0.05).minimize(cost)
    yes = tf.cast(a2 > 0.5, tf.float64)
    tf.reduce_mean(tf.cast(tf.equal(yes, target), tf.float64), name="acc")
    tp = tf.math.count_nonzero(yes * target)
    v1.summary.scalar("recall", tp / tf.math.count_nonzero(target))
    return [([features], [a2]), ([features], [yes])]


@case("autoencoder")
def denoising_with_a_dangling_layer() -> Truth:
    """A denoising autoencoder: noisy images are fed, clean ones are the target; one layer is left over.

    ``decoder_3`` was taken out of the chain and never deleted; the sigmoid of the second is what is drawn.
    """

    def full(value: Tensor, n_out: int, scope: str) -> Tensor:
        with v1.name_scope(scope):
            n_in = value.get_shape().as_list()[1]
            w = tf.Variable(tf.random.uniform([n_in, n_out], -0.2, 0.2), name="w")
            return tf.matmul(value, w, name="mm") + tf.Variable(tf.zeros([n_out]), name="b")

    clean = v1.placeholder(tf.float32, [None, 100], name="target_img")
    noisy = v1.placeholder(tf.float32, [None, 100], name="img")
    v1.placeholder(tf.bool, name="is_train")
    enc1 = tf.nn.elu(full(noisy, 32, "encoder_1"))
    code = tf.nn.elu(full(enc1, 8, "encoder_2"))
    dec1 = tf.nn.elu(full(code, 32, "decoder_1"))
    dec2 = full(dec1, 100, "decoder_2")
    tf.nn.sigmoid(full(dec2, 100, "decoder_3"), name="output")
    # dec2 = dec3  # noqa: ERA001
    cleaned = tf.nn.sigmoid(dec2)
    cost = tf.reduce_mean(
        tf.reduce_sum(tf.maximum(dec2, 0) - dec2 * clean + tf.math.log(1 + tf.exp(-tf.abs(dec2))), 1)
    )
    sparsity = 1e-4 * tf.reduce_sum(tf.abs(code))
    v1.train.AdamOptimizer(0.002).minimize(cost + sparsity)
    v1.summary.image("in", tf.reshape(noisy, [-1, 10, 10, 1]))
    v1.summary.image("out", tf.reshape(cleaned, [-1, 10, 10, 1]))
    v1.summary.histogram("code", code)
    return [noisy], [cleaned]


@case("classifier")
def review_sentiment_with_loaded_vectors() -> Truths:
    """Word vectors come through a placeholder into an untrained variable; three filter sizes; one sigmoid.

    ``embedding_placeholder`` is fed once for the assignment. The sigmoid (or its rounding) is the sentiment.
    """
    ids = v1.placeholder(tf.int32, [None, 20], name="input_data")
    labels = v1.placeholder(tf.float32, [None], name="input_labels")
    keep = v1.placeholder(tf.float32, name="keep")
    vectors = tf.Variable(tf.constant(0.0, shape=[300, 16]), trainable=False, name="vectors")
    embedding_placeholder = v1.placeholder(tf.float32, [300, 16])
    vectors.assign(embedding_placeholder)
    words = tf.nn.embedding_lookup(vectors, ids)
    pooled = []
    for i, size in enumerate([2, 3, 4]):
        kernel = v1.get_variable(f"kernel{i}", [size, 16, 8])
        bias = v1.get_variable(f"bias{i}", [8])
        c = tf.nn.relu(v1.nn.conv1d(words, kernel, 1, "VALID") + bias)
        pooled.append(tf.reduce_max(c, axis=1))
    both = tf.concat(pooled, 1)
    both = v1.Print(both, [tf.shape(both)], first_n=1)
    dropped = v1.nn.dropout(both, keep_prob=keep)
    score = tf.reshape(
        tf.matmul(dropped, v1.get_variable("out_w", [24, 1])) + v1.get_variable("out_b", [1]), [-1]
    )
    positive = tf.sigmoid(score)
    rounded = tf.round(positive)
    loss = tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(labels=labels, logits=score))
    right = tf.equal(rounded, labels)
    accuracy = tf.reduce_mean(tf.cast(right, tf.float32), name="accuracy")
    wrong = tf.where(tf.logical_not(right), name="wrong_ones")
    v1.summary.scalar("n_wrong", tf.shape(wrong)[0])
    opt = v1.train.AdamOptimizer(1e-3)
    grads = opt.compute_gradients(loss)
    opt.apply_gradients([(tf.clip_by_norm(g, 3.0), v) for g, v in grads if g is not None])
    v1.summary.scalar("train_acc", accuracy)
    return [([ids], [positive]), ([ids], [rounded])]


@case("recommender")
def ratings_of_users_and_movies() -> Truth:
    """Matrix factorization with biases; ratings are clipped to 1..5 for the answer, not for the loss.

    User and movie are fed; the clipped stars are what is shown.
    """
    n_users, n_movies, k = 60, 90, 8
    u = v1.placeholder(tf.int32, [None])
    m = v1.placeholder(tf.int32, [None])
    r = v1.placeholder(tf.float32, [None])
    v1.placeholder(tf.int32, [None])  # timestamps, maybe later
    lam = v1.placeholder_with_default(0.02, [])
    mu = tf.constant(3.58)
    p = tf.Variable(tf.random.normal([n_users, k], stddev=0.02))
    q = tf.Variable(tf.random.normal([k, n_movies], stddev=0.02))
    bu = tf.Variable(tf.zeros([n_users]))
    bm = tf.Variable(tf.zeros([n_movies]))
    tf.matmul(p, q)  # the full table, too large to print
    pu = tf.gather(p, u)
    qm = tf.transpose(tf.gather(tf.transpose(q), m))
    dot = tf.reduce_sum(pu * tf.transpose(qm), 1)
    rating = mu + tf.gather(bu, u) + tf.gather(bm, m) + dot
    stars = tf.minimum(5.0, tf.maximum(1.0, rating))
    reg = lam * (tf.reduce_sum(pu**2) + tf.reduce_sum(qm**2) + tf.reduce_sum(tf.gather(bu, u) ** 2))
    cost = tf.reduce_sum(tf.square(r - rating)) + reg
    rmse = tf.sqrt(tf.reduce_mean(tf.square(r - stars)))
    mae = tf.reduce_mean(tf.abs(r - stars))
    v1.train.GradientDescentOptimizer(0.005).minimize(cost)
    v1.summary.scalar("rmse", rmse)
    v1.summary.scalar("mae", mae)
    return [u, m], [stars]
