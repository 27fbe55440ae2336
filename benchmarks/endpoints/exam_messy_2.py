"""Small nets of beginners and quick experiments: many heads, loops, queues, policies, transposes."""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf

from benchmarks.endpoints.cases import Truth, Truths, case, v1

Tensor = Any


@case("classifier")
def flowers_with_weights_through_placeholders() -> Truths:
    """Transfer learning: each pretrained kernel has a placeholder and an assign op; a new head is trained.

    Pictures of 0..255 are fed and centred in the graph; the new head's softmax is the answer.
    """
    imgs = v1.placeholder(tf.float32, [None, 32, 32, 3])
    mean = tf.constant([123.68, 116.779, 103.939], shape=[1, 1, 1, 3], name="img_mean")
    loaders = []
    parameters = []
    net = tf.reverse(imgs - mean, axis=[-1])  # RGB to BGR

    def old(shape: list[int]) -> Tensor:
        var = tf.Variable(tf.zeros(shape), trainable=False)
        feed = v1.placeholder(tf.float32, shape)
        loaders.append(v1.assign(var, feed))
        parameters.append(var)
        return var

    for block, (cin, cout) in enumerate([(3, 8), (8, 12), (12, 16)]):
        with v1.name_scope(f"conv{block + 1}_1"):
            net = v1.nn.conv2d(net, old([3, 3, cin, cout]), [1, 1, 1, 1], padding="SAME")
            net = tf.nn.relu(tf.nn.bias_add(net, old([cout])))
        net = v1.nn.max_pool(net, [1, 2, 2, 1], [1, 2, 2, 1], "SAME", name=f"pool{block + 1}")
    fc6 = tf.nn.relu(tf.matmul(tf.reshape(net, [-1, 256]), old([256, 24])))
    fc8 = tf.matmul(fc6, old([24, 100]))
    tf.nn.softmax(fc8, name="prob")  # of the thousand old classes, not wanted
    features = tf.stop_gradient(fc6)
    labels = v1.placeholder(tf.int32, [None])
    w = tf.Variable(v1.truncated_normal([24, 5], stddev=0.01))
    b = tf.Variable(tf.zeros([5]))
    logits = tf.matmul(features, w) + b
    flower = tf.nn.softmax(logits)
    loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits))
    v1.train.GradientDescentOptimizer(0.01).minimize(loss, var_list=[w, b])
    prediction = tf.argmax(flower, 1, output_type=tf.int32)
    v1.summary.scalar("acc", tf.reduce_mean(tf.cast(tf.equal(prediction, labels), tf.float32)))
    tf.group(*loaders)
    v1.train.Saver([w, b])
    return [([imgs], [flower]), ([imgs], [prediction])]


@case("multi task")
def age_and_gender_of_a_face() -> Truths:
    """Keras layers in a version 1 graph, two heads; the age is years/100 in the loss and years for people.

    Both heads are fetched: years, and the probability of two genders (or which).
    """
    layers = tf.keras.layers
    face = v1.placeholder(tf.float32, shape=(None, 24, 24, 3), name="image")
    age = v1.placeholder(tf.float32, shape=(None,), name="age_")
    gender = v1.placeholder(tf.int32, shape=(None,), name="gender_")
    lr = v1.placeholder(tf.float32, name="learning_rate")
    t = layers.Conv2D(8, 3, strides=2, activation="relu")(face)
    t = layers.Conv2D(12, 3, strides=2, activation="relu")(t)
    t = layers.Flatten()(t)
    t = layers.Dense(24, activation="relu")(t)
    a = layers.Dense(1)(layers.Dense(8, activation="relu")(t))
    g = layers.Dense(2)(layers.Dense(8, activation="relu")(t))
    fraction = tf.sigmoid(a[:, 0])
    years = fraction * 100.0
    both = tf.nn.softmax(g)
    which = tf.argmax(both, axis=1)
    age_loss = tf.reduce_mean(tf.abs(fraction - age / 100.0))
    picked = tf.reduce_sum(both * tf.one_hot(gender, 2), axis=1)
    gender_loss = -tf.reduce_mean(tf.math.log(picked + 1e-7))
    total = 2.0 * age_loss + gender_loss
    mae = tf.reduce_mean(tf.abs(years - age))
    v1.summary.scalar("mae", mae)
    v1.summary.scalar(
        "gender_acc", tf.reduce_mean(tf.cast(tf.equal(which, tf.cast(gender, tf.int64)), tf.float32))
    )
    variables = v1.trainable_variables()
    grads, _ = tf.clip_by_global_norm(tf.gradients(total, variables), 5.0)
    v1.train.AdamOptimizer(lr).apply_gradients(zip(grads, variables, strict=True))
    return [([face], [years, both]), ([face], [years, which])]


@case("classifier")
def captcha_of_four_letters() -> Truths:
    """A captcha reader: a Python loop makes four heads, their logits are concatenated and reshaped.

    Training is a sigmoid loss on the flat 4x26 vector; the text is the argmax of each letter.
    """
    X = v1.placeholder(tf.float32, [None, 20 * 48])  # noqa: N806
    Y = v1.placeholder(tf.float32, [None, 4 * 26])  # noqa: N806
    keep_prob = v1.placeholder(tf.float32)
    alpha = 0.01
    x = tf.reshape(X, shape=[-1, 20, 48, 1])
    for cin, cout in [(1, 8), (8, 8)]:
        w_c = tf.Variable(alpha * tf.random.normal([3, 3, cin, cout]))
        b_c = tf.Variable(alpha * tf.random.normal([cout]))
        x = tf.nn.relu(tf.nn.bias_add(v1.nn.conv2d(x, w_c, [1, 1, 1, 1], "SAME"), b_c))
        x = v1.nn.max_pool(x, [1, 2, 2, 1], [1, 2, 2, 1], "SAME")
        x = v1.nn.dropout(x, keep_prob=keep_prob)
    dense = tf.reshape(x, [-1, 5 * 12 * 8])
    heads = []
    for letter in range(4):
        w = tf.Variable(alpha * tf.random.normal([480, 26]), name=f"w_letter{letter}")
        heads.append(tf.add(tf.matmul(dense, w), tf.Variable(tf.zeros([26])), name=f"letter{letter}"))
        tf.nn.softmax(heads[-1])  # looked at while debugging
    out = tf.concat(heads, 1)
    loss = tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(logits=out, labels=Y))
    v1.train.AdamOptimizer(0.001).minimize(loss)
    predict = tf.reshape(out, [-1, 4, 26])
    text = tf.argmax(predict, 2)
    wanted = tf.argmax(tf.reshape(Y, [-1, 4, 26]), 2)
    per_letter = tf.equal(text, wanted)
    tf.reduce_mean(tf.cast(per_letter, tf.float32))
    tf.reduce_mean(tf.cast(tf.reduce_all(per_letter, 1), tf.float32))
    return [([X], [text]), ([X], [predict])]


@case("segmentation", modern=True)
def u_net_with_channels_first() -> Truths:
    """A two-level U-Net: pictures come channels last and are transposed to channels first and back.

    A dice loss by hand. The mask of probabilities is the answer, or the mask cut at a half.
    """
    pics = v1.placeholder(tf.uint8, [None, 32, 32, 3], name="inp")
    truth = v1.placeholder(tf.float32, [None, 32, 32, 1], name="gt_mask")
    v1.placeholder(tf.float32, [None, 32, 32, 1], name="weights_map")  # weighted loss is commented out

    def block(t: Tensor, filters: int, name: str) -> Tensor:
        for i in (1, 2):
            w = v1.get_variable(f"{name}_{i}/w", [3, 3, int(t.shape[1]), filters])
            b = v1.get_variable(f"{name}_{i}/b", [filters])
            t = v1.nn.conv2d(t, w, [1, 1, 1, 1], "SAME", data_format="NCHW")
            t = tf.nn.leaky_relu(tf.nn.bias_add(t, b, data_format="NCHW"))
        return t

    def up(t: Tensor) -> Tensor:
        t = tf.transpose(t, [0, 2, 3, 1])
        size = tf.shape(t)[1:3] * 2
        return tf.transpose(v1.image.resize_nearest_neighbor(t, size), [0, 3, 1, 2])

    x = tf.transpose(tf.cast(pics, tf.float32) / 127.5 - 1.0, [0, 3, 1, 2])
    c1 = block(x, 8, "c1")
    c2 = block(v1.nn.max_pool(c1, [1, 1, 2, 2], [1, 1, 2, 2], "SAME", data_format="NCHW"), 12, "c2")
    c3 = block(v1.nn.max_pool(c2, [1, 1, 2, 2], [1, 1, 2, 2], "SAME", data_format="NCHW"), 16, "c3")
    c4 = block(tf.concat([up(c3), c2], 1), 12, "c4")
    c5 = block(tf.concat([up(c4), c1], 1), 8, "c5")
    last = v1.nn.conv2d(c5, v1.get_variable("out/w", [1, 1, 8, 1]), [1, 1, 1, 1], "SAME", data_format="NCHW")
    mask = tf.sigmoid(tf.transpose(last, [0, 2, 3, 1]))
    inter = tf.reduce_sum(mask * truth, [1, 2, 3])
    dice = (2 * inter + 1.0) / (tf.reduce_sum(mask, [1, 2, 3]) + tf.reduce_sum(truth, [1, 2, 3]) + 1.0)
    loss = -tf.math.log(tf.reduce_mean(dice))
    cut = tf.cast(mask > 0.5, tf.float32)
    iou = tf.reduce_sum(cut * truth) / (tf.reduce_sum(tf.maximum(cut, truth)) + 1e-6)
    v1.summary.scalar("iou", iou)
    v1.summary.image("overlay", tf.cast(pics, tf.float32) * 0.7 + 76.0 * cut)
    v1.summary.image("gt", truth)
    v1.train.AdamOptimizer(1e-4).minimize(loss)
    return [([pics], [mask]), ([pics], [cut])]


@case("forecast")
def stock_prices_with_an_rmse_of_placeholders() -> Truth:
    """An LSTM in a ``tf.while_loop`` over seven days; ``targets`` and ``predictions`` only feed an RMSE.

    The last output times a matrix is tomorrow's price; its scaling is undone in numpy.
    """
    days, columns, hidden = 7, 5, 10
    X = v1.placeholder(tf.float32, [None, days, columns])  # noqa: N806
    Y = v1.placeholder(tf.float32, [None, 1])  # noqa: N806
    kernel = v1.get_variable("rnn/basic_lstm_cell/kernel", [columns + hidden, 4 * hidden])
    bias = v1.get_variable("rnn/basic_lstm_cell/bias", [4 * hidden], initializer=v1.zeros_initializer())
    series = tf.TensorArray(tf.float32, size=days).unstack(tf.transpose(X, [1, 0, 2]))
    outs = tf.TensorArray(tf.float32, size=days)
    zeros = tf.zeros([tf.shape(X)[0], hidden])

    def body(t: Tensor, c: Tensor, h: Tensor, out: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        gates = tf.matmul(tf.concat([series.read(t), h], 1), kernel) + bias
        i, j, f, o = tf.split(gates, 4, axis=1)
        c = c * tf.sigmoid(f + 1.0) + tf.sigmoid(i) * tf.tanh(j)
        h = tf.tanh(c) * tf.sigmoid(o)
        return t + 1, c, h, out.write(t, h)

    _, _, state_h, outs = v1.while_loop(lambda t, *_: t < days, body, [0, zeros, zeros, outs])
    outputs = tf.transpose(outs.stack(), [1, 0, 2])
    outputs = v1.Print(outputs, [tf.shape(outputs)], "rnn outputs ")
    w = v1.get_variable("w", [hidden, 1])
    b = v1.get_variable("b", [1])
    y_pred = tf.matmul(outputs[:, -1], w) + b
    tf.identity(state_h, name="final_state")
    loss = tf.reduce_sum(tf.square(y_pred - Y))
    v1.train.AdamOptimizer(0.01).minimize(loss)
    targets = v1.placeholder(tf.float32, [None, 1])
    predictions = v1.placeholder(tf.float32, [None, 1])
    tf.sqrt(tf.reduce_mean(tf.square(targets - predictions)), name="rmse")
    return [X], [y_pred]


@case("classifier")
def queues_chosen_by_a_cond() -> Truth:
    """Two queues of examples, a ``tf.cond`` chooses the batch, and another one the dropout.

    A deployer feeds the chosen images in place of the queues; their softmax is fetched.
    """
    rng = np.random.RandomState(5)
    training = v1.placeholder(tf.bool, [], name="phase")
    batches = []
    for name, n in (("train", 64), ("test", 32)):
        with v1.name_scope(name):
            data = tf.constant(rng.rand(n, 8, 8, 1).astype(np.float32))
            ids = tf.constant(rng.randint(0, 3, n).astype(np.int32))
            one, label = v1.train.slice_input_producer([data, ids], shuffle=name == "train")
            batches.append(v1.train.batch([one, label], batch_size=8, capacity=32))
    images, labels = v1.cond(training, lambda: tuple(batches[0]), lambda: tuple(batches[1]))
    w = tf.Variable(tf.random.normal([3, 3, 1, 8], stddev=0.1))
    a = tf.nn.relu(v1.nn.conv2d(images, w, [1, 2, 2, 1], "SAME"))
    a = tf.reshape(a, [8, -1])
    a = v1.cond(training, lambda: v1.nn.dropout(a, rate=0.4), lambda: a)
    logits = tf.matmul(a, tf.Variable(tf.random.normal([128, 3], stddev=0.1))) + tf.Variable(tf.zeros([3]))
    onehot = v1.sparse_to_dense(
        tf.stack([tf.range(8), labels], axis=1), tf.stack([8, 3]), 1.0, 0.0, name="onehot_labels"
    )
    loss = tf.reduce_mean(
        v1.nn.softmax_cross_entropy_with_logits_v2(labels=onehot, logits=logits), name="xentropy"
    )
    v1.add_to_collection("losses", loss)
    v1.train.GradientDescentOptimizer(0.1).minimize(loss)
    softmax = tf.nn.softmax(logits)
    hit = tf.reduce_sum(tf.cast(v1.nn.in_top_k(logits, labels, 1), tf.int32))
    v1.summary.scalar("hits", hit)
    v1.summary.image("batch", images)
    return [images], [softmax]


@case("agent")
def pong_by_hand_fetched_gradients() -> Truth:
    """REINFORCE: gradients are fetched, summed in numpy and fed again through placeholders.

    The observation is fed and the probability of going up fetched; its uniform sampling is done in numpy,
    although a sampled action is left in the graph.
    """
    observations = v1.placeholder(tf.float32, [None, 80], name="input_x")
    input_y = v1.placeholder(tf.float32, [None, 1], name="input_y")
    advantages = v1.placeholder(tf.float32, name="reward_signal")
    W1 = v1.get_variable("W1", shape=[80, 12])  # noqa: N806
    layer1 = tf.nn.relu(tf.matmul(observations, W1))
    W2 = v1.get_variable("W2", shape=[12, 1])  # noqa: N806
    probability = tf.nn.sigmoid(tf.matmul(layer1, W2))
    tf.cast(tf.random.uniform([]) < probability, tf.int32, name="action")
    tvars = v1.trainable_variables()
    loglik = tf.math.log(input_y * (input_y - probability) + (1 - input_y) * (input_y + probability))
    loss = -tf.reduce_mean(loglik * advantages)
    tf.gradients(loss, tvars, name="newGrads")
    w1_grad = v1.placeholder(tf.float32, name="batch_grad1")
    w2_grad = v1.placeholder(tf.float32, name="batch_grad2")
    adam = v1.train.AdamOptimizer(learning_rate=1e-2)
    adam.apply_gradients(zip([w1_grad, w2_grad], tvars, strict=True))
    running = v1.placeholder(tf.float32, name="running_reward")
    v1.summary.scalar("running_reward", running)
    return [observations], [probability]


@case("language")
def letters_sampled_one_by_one() -> Truth:
    """A character GRU: a training unroll of static size, and the same weights for one sampled letter.

    To write, the author feeds one letter and the state, and fetches the probabilities and the next state.
    """
    vocab, units, batch, steps = 40, 16, 4, 5

    class Gru:
        """Weights of a cell, called many times."""

        def __init__(self) -> None:
            self.wz = tf.Variable(tf.random.normal([vocab + units, units], stddev=0.1), name="Wz")
            self.wr = tf.Variable(tf.random.normal([vocab + units, units], stddev=0.1), name="Wr")
            self.wh = tf.Variable(tf.random.normal([vocab + units, units], stddev=0.1), name="Wh")
            self.out = tf.Variable(tf.random.normal([units, vocab], stddev=0.1), name="Why")
            self.by = tf.Variable(tf.zeros([vocab]), name="by")

        def __call__(self, x: Tensor, h: Tensor) -> Tensor:
            xh = tf.concat([x, h], 1)
            z = tf.sigmoid(tf.matmul(xh, self.wz))
            r = tf.sigmoid(tf.matmul(xh, self.wr))
            return (1 - z) * h + z * tf.tanh(tf.matmul(tf.concat([x, r * h], 1), self.wh))

    cell = Gru()
    chunk = v1.placeholder(tf.int32, [batch, steps + 1])
    h = saved = tf.Variable(tf.zeros([batch, units]), trainable=False)
    loss: Tensor = 0.0
    for i in range(steps):
        h = cell(tf.one_hot(chunk[:, i], vocab), h)
        logit = tf.matmul(h, cell.out) + cell.by
        loss += tf.reduce_mean(
            tf.nn.sparse_softmax_cross_entropy_with_logits(labels=chunk[:, i + 1], logits=logit)
        )
    keep_state = saved.assign(h)
    with tf.control_dependencies([keep_state]):
        perplexity = tf.exp(loss / steps)
    opt = v1.train.AdamOptimizer(2e-3)
    pairs = opt.compute_gradients(loss)
    opt.apply_gradients([(tf.clip_by_value(g, -5.0, 5.0), v) for g, v in pairs])
    v1.summary.scalar("perplexity", perplexity)
    v1.group(v1.assign(saved, tf.zeros([batch, units])), name="reset")
    letter = v1.placeholder(tf.int32, [1])
    state = v1.placeholder(tf.float32, [1, units])
    new_state = cell(tf.one_hot(letter, vocab), state)
    probs = tf.nn.softmax(tf.matmul(new_state, cell.out) + cell.by)
    return [letter, state], [probs, new_state]


@case("classifier")
def toxic_comments_sigmoid_and_softmax() -> Truths:
    """A bag of words with six labels that do not exclude each other; a softmax of them is left over.

    The loss and the rounded labels use the sigmoid. The softmax called ``predictions`` is from the older
    single-label version; only a histogram has it.
    """
    bow = v1.placeholder(tf.float32, shape=[None, 200])
    tags = v1.placeholder(tf.float32, shape=[None, 6])
    dropout = v1.placeholder_with_default(0.0, shape=(), name="dropout_rate")
    logged = tf.math.log(1.0 + bow)
    gamma = tf.Variable(tf.ones([200]))
    m = tf.reduce_mean(logged, axis=1, keepdims=True)
    s = tf.sqrt(tf.reduce_mean(tf.square(logged - m), axis=1, keepdims=True) + 1e-5)
    normed = (logged - m) / s * gamma
    hidden = tf.nn.relu(tf.matmul(normed, tf.Variable(v1.truncated_normal([200, 16], stddev=0.05))))
    hidden = v1.nn.dropout(hidden, rate=dropout)
    scores = tf.matmul(hidden, tf.Variable(v1.truncated_normal([16, 6], stddev=0.05))) + tf.Variable(
        tf.zeros([6])
    )
    v1.summary.histogram("softmax", tf.nn.softmax(scores, name="predictions"))
    each = tf.sigmoid(scores)
    weight = tf.constant([1.0, 4.0, 1.0, 8.0, 1.0, 4.0])
    bce = -(weight * tags * tf.math.log(each + 1e-6) + (1.0 - tags) * tf.math.log(1.0 - each + 1e-6))
    loss = tf.reduce_mean(tf.reduce_sum(bce, axis=1))
    hard = tf.cast(tf.greater_equal(each, 0.5), tf.float32)
    hamming = tf.reduce_mean(tf.abs(hard - tags))
    exact = tf.reduce_mean(tf.cast(tf.reduce_all(tf.equal(hard, tags), 1), tf.float32))
    v1.summary.scalar("hamming", hamming)
    v1.summary.scalar("exact", exact)
    v1.train.AdadeltaOptimizer(1.0).minimize(loss)
    return [([bow], [each]), ([bow], [hard])]


@case("classifier", modern=True)
def iris_from_an_initializable_iterator() -> Truths:
    """Placeholders hold the whole data set for ``from_tensor_slices``; Keras layers on the iterator's output.

    The placeholders only fill the iterator; a deployer feeds rows in place of ``get_next``.
    """
    features_placeholder = v1.placeholder(tf.float32, [None, 4], name="features_placeholder")
    labels_placeholder = v1.placeholder(tf.int64, [None], name="labels_placeholder")
    dataset = tf.data.Dataset.from_tensor_slices((features_placeholder, labels_placeholder))
    dataset = dataset.shuffle(150).batch(30).repeat()
    iterator = v1.data.make_initializable_iterator(dataset)
    next_features, next_labels = iterator.get_next()
    net = next_features
    for _ in range(2):
        net = tf.keras.layers.Dense(10, activation="tanh")(net)
    net = tf.keras.layers.Dense(3)(net)
    target = tf.one_hot(next_labels, 3)
    log_p = net - tf.reduce_logsumexp(net, axis=1, keepdims=True)
    loss = -tf.reduce_mean(tf.reduce_sum(target * log_p, axis=1))
    prob = tf.nn.softmax(net)
    species = tf.argmax(net, axis=1)
    _, update = v1.metrics.accuracy(next_labels, species, name="acc")
    tf.math.confusion_matrix(next_labels, species, num_classes=3)
    v1.summary.scalar("loss", loss)
    with tf.control_dependencies([update]):
        v1.train.AdamOptimizer(0.01).minimize(loss, global_step=v1.train.get_or_create_global_step())
    return [([next_features], [prob]), ([next_features], [species])]


@case("classifier", plain=True)
def churn_with_every_metric() -> Truths:
    """Numbers and one category fed apart; averages of the loss, metrics with local variables, a clipped norm.

    A ``model_fn``-like function gives back a dict; ``probabilities`` of the two classes are served.
    """

    def model(feats: dict[str, Tensor], labels: Tensor, params: dict[str, Tensor]) -> dict[str, Tensor]:
        with v1.variable_scope("churn"):
            table = v1.get_variable("plan_emb", [6, 4])
            plan = tf.nn.embedding_lookup(table, feats["plan"])
            x = tf.concat([tf.math.log1p(tf.maximum(feats["numbers"], 0.0)), plan], axis=1)
            for i, n in enumerate((16, 8)):
                x = tf.nn.relu(tf.matmul(x, v1.get_variable(f"w{i}", [x.shape[1], n])))
            logits = tf.matmul(x, v1.get_variable("w_out", [8, 2]))
        p = tf.nn.softmax(logits)
        xent = v1.losses.sparse_softmax_cross_entropy(labels, logits)
        ema = v1.train.ExponentialMovingAverage(0.9, name="avg")
        apply_avg = ema.apply([xent])
        v1.summary.scalar("loss_raw", xent)
        v1.summary.scalar("loss_avg", ema.average(xent))
        cls = tf.argmax(p, 1)
        auc = v1.metrics.auc(labels, p[:, 1], num_thresholds=20)
        precision = v1.metrics.precision(labels, cls)
        opt = v1.train.AdamOptimizer(params["lr"])
        grads, tvars = zip(*opt.compute_gradients(xent), strict=True)
        clipped, norm = tf.clip_by_global_norm(grads, params["clip"])
        v1.summary.scalar("gradient_norm", norm)
        with tf.control_dependencies([apply_avg]):
            train = opt.apply_gradients(zip(clipped, tvars, strict=True))
        return {"p": p, "cls": cls, "train": train, "auc": auc[1], "precision": precision[1]}

    feats = {
        "numbers": v1.placeholder(tf.float32, [None, 11], name="Placeholder_7"),
        "plan": v1.placeholder(tf.int32, [None], name="plan_type"),
    }
    params = {"lr": v1.placeholder(tf.float32, []), "clip": v1.placeholder_with_default(1.0, [])}
    spec = model(feats, v1.placeholder(tf.int64, [None]), params)
    fed = [feats["numbers"], feats["plan"]]
    return [(fed, [spec["p"]]), (fed, [spec["cls"]])]


@case("regression")
def polynomial_without_names() -> Truth:
    """The question "why is my loss nan": powers of x in a Python loop, nothing has a name, a normal equation.

    ``X`` is one number for each example; ``Y_pred`` sums the powers. The closed form is there to compare.
    """
    X = v1.placeholder(tf.float32)  # noqa: N806
    Y = v1.placeholder(tf.float32)  # noqa: N806
    Y_pred = tf.Variable(0.3, name="bias") * 1.0  # noqa: N806
    ws = []
    for power in range(1, 5):
        w = tf.Variable(tf.random.normal([1]), name=f"weight_{power}")
        ws.append(w)
        Y_pred = tf.add(tf.multiply(tf.pow(X, power), w), Y_pred)  # noqa: N806
    n_observations = 100
    cost = tf.reduce_sum(tf.pow(Y_pred - Y, 2)) / (n_observations - 1)
    for w in ws:
        cost = tf.add(cost, 1e-6 * tf.reduce_sum(tf.abs(w)))
    v1.verify_tensor_all_finite(cost, "loss is nan")
    column = tf.reshape(X, [-1, 1])
    design = tf.concat([tf.ones_like(column), column, column**2, column**3, column**4], 1)
    normal = tf.linalg.inv(tf.matmul(design, design, transpose_a=True) + 1e-3 * tf.eye(5))
    tf.matmul(normal, tf.matmul(design, tf.reshape(Y, [-1, 1]), transpose_a=True))
    lr = tf.Variable(0.01, trainable=False)
    new_lr = v1.placeholder(tf.float32, [])
    lr.assign(new_lr)
    optimizer = v1.train.GradientDescentOptimizer(lr)
    gvs = optimizer.compute_gradients(cost)
    for g, v in gvs:
        v1.summary.histogram(v.op.name + "_grad", g)
    optimizer.apply_gradients([(tf.clip_by_value(g, -1.0, 1.0), v) for g, v in gvs])
    return [X], [Y_pred]
