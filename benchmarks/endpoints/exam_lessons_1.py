"""Graphs of the official tutorials: digits, CIFAR-10, words, translation, census, flowers, speech, SSD."""

from __future__ import annotations

import math
from typing import Any

import tensorflow as tf

from benchmarks.endpoints.cases import Truth, Truths, case, v1

Tensor = Any


def _weight_variable(shape: list[int]) -> Tensor:
    return v1.Variable(v1.truncated_normal(shape, stddev=0.1))


def _bias_variable(shape: list[int]) -> Tensor:
    return v1.Variable(tf.constant(0.1, shape=shape))


@case("classifier")
def digits_for_experts() -> Truth:
    """The digits of the second lesson; the author never makes a softmax, ``y_conv`` is what is run."""
    x = v1.placeholder(tf.float32, [None, 784])
    y_ = v1.placeholder(tf.int64, [None])
    with v1.name_scope("reshape"):
        x_image = tf.reshape(x, [-1, 28, 28, 1])
    with v1.name_scope("conv1"):
        w_conv1 = _weight_variable([5, 5, 1, 8])
        h_conv1 = tf.nn.relu(v1.nn.conv2d(x_image, w_conv1, [1, 1, 1, 1], "SAME") + _bias_variable([8]))
    with v1.name_scope("pool1"):
        h_pool1 = v1.nn.max_pool(h_conv1, [1, 2, 2, 1], [1, 2, 2, 1], "SAME")
    with v1.name_scope("conv2"):
        w_conv2 = _weight_variable([5, 5, 8, 16])
        h_conv2 = tf.nn.relu(v1.nn.conv2d(h_pool1, w_conv2, [1, 1, 1, 1], "SAME") + _bias_variable([16]))
    with v1.name_scope("pool2"):
        h_pool2 = v1.nn.max_pool(h_conv2, [1, 2, 2, 1], [1, 2, 2, 1], "SAME")
    with v1.name_scope("fc1"):
        h_flat = tf.reshape(h_pool2, [-1, 7 * 7 * 16])
        h_fc1 = tf.nn.relu(tf.matmul(h_flat, _weight_variable([7 * 7 * 16, 32])) + _bias_variable([32]))
    with v1.name_scope("dropout"):
        keep_prob = v1.placeholder(tf.float32)
        h_drop = v1.nn.dropout(h_fc1, keep_prob)
    with v1.name_scope("fc2"):
        y_conv = tf.matmul(h_drop, _weight_variable([32, 10])) + _bias_variable([10])
    with v1.name_scope("loss"):
        cross_entropy = v1.losses.sparse_softmax_cross_entropy(labels=y_, logits=y_conv)
    cross_entropy = tf.reduce_mean(cross_entropy)
    with v1.name_scope("adam_optimizer"):
        v1.train.AdamOptimizer(1e-4).minimize(cross_entropy)
    with v1.name_scope("accuracy"):
        correct_prediction = tf.equal(tf.argmax(y_conv, 1), y_)
        correct_prediction = tf.cast(correct_prediction, tf.float32)
    tf.reduce_mean(correct_prediction)
    return [x], [y_conv]


def _decayed(name: str, shape: list[int], stddev: float, wd: float | None) -> Tensor:
    with tf.device("/cpu:0"):
        var = v1.get_variable(name, shape, initializer=v1.truncated_normal_initializer(stddev=stddev))
    if wd is not None:
        v1.add_to_collection("losses", tf.multiply(tf.nn.l2_loss(var), wd, name="weight_loss"))
    return var


def _activation_summary(x: Tensor) -> None:
    v1.summary.histogram(x.op.name + "/activations", x)
    v1.summary.scalar(x.op.name + "/sparsity", tf.nn.zero_fraction(x))


@case("classifier")
def cifar_from_binary_files() -> Truth:
    """Records, distortions, a shuffling queue; a deployer puts images where the queue gives them."""
    queue = v1.train.string_input_producer([f"cifar10_data/data_batch_{i}.bin" for i in range(1, 6)])
    _, value = v1.FixedLengthRecordReader(record_bytes=1 + 32 * 32 * 3).read(queue)
    record = v1.decode_raw(value, tf.uint8)
    label = tf.reshape(tf.cast(tf.strided_slice(record, [0], [1]), tf.int32), [1])
    depth_major = tf.reshape(tf.strided_slice(record, [1], [1 + 32 * 32 * 3]), [3, 32, 32])
    image = tf.cast(tf.transpose(depth_major, [1, 2, 0]), tf.float32)
    with v1.name_scope("data_augmentation"):
        image = v1.random_crop(image, [24, 24, 3])
        image = tf.image.random_flip_left_right(image)
        image = tf.image.random_brightness(image, max_delta=63)
        image = tf.image.random_contrast(image, lower=0.2, upper=1.8)
        image = tf.image.per_image_standardization(image)
    images, label_batch = v1.train.shuffle_batch(
        [image, label], batch_size=32, num_threads=4, capacity=500, min_after_dequeue=200
    )
    v1.summary.image("images", images)
    labels = tf.reshape(label_batch, [32])
    h = images
    for i, width in enumerate([8, 16], 1):
        with v1.variable_scope(f"conv{i}") as scope:
            kernel = _decayed("weights", [5, 5, int(h.shape[-1]), width], 5e-2, None)
            biases = v1.get_variable("biases", [width], initializer=v1.constant_initializer(0.1))
            pre = tf.nn.bias_add(v1.nn.conv2d(h, kernel, [1, 1, 1, 1], padding="SAME"), biases)
            h = tf.nn.relu(pre, name=scope.name)
            _activation_summary(h)
        if i == 1:
            h = v1.nn.max_pool(h, [1, 3, 3, 1], [1, 2, 2, 1], "SAME", name="pool1")
            h = v1.nn.lrn(h, 4, bias=1.0, alpha=0.001 / 9.0, beta=0.75, name="norm1")
        else:
            h = v1.nn.lrn(h, 4, bias=1.0, alpha=0.001 / 9.0, beta=0.75, name="norm2")
            h = v1.nn.max_pool(h, [1, 3, 3, 1], [1, 2, 2, 1], "SAME", name="pool2")
    h = tf.reshape(h, [32, -1])
    for i, width in enumerate([32, 24], 3):
        with v1.variable_scope(f"local{i}") as scope:
            weights = _decayed("weights", [int(h.shape[1]), width], 0.04, 0.004)
            biases = v1.get_variable("biases", [width], initializer=v1.constant_initializer(0.1))
            h = tf.nn.relu(tf.matmul(h, weights) + biases, name=scope.name)
            _activation_summary(h)
    with v1.variable_scope("softmax_linear") as scope:
        weights = _decayed("weights", [24, 10], 1 / 24.0, None)
        logits = tf.add(tf.matmul(h, weights), v1.get_variable("biases", [10]), name=scope.name)
    losses = v1.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits, name="per_example")
    v1.add_to_collection("losses", tf.reduce_mean(losses, name="cross_entropy"))
    total = tf.add_n(v1.get_collection("losses"), name="total_loss")
    loss_averages = v1.train.ExponentialMovingAverage(0.9, name="avg")
    averages_op = loss_averages.apply([*v1.get_collection("losses"), total])
    v1.summary.scalar("total_loss (raw)", total)
    step = v1.train.get_or_create_global_step()
    with v1.control_dependencies([averages_op]):
        opt = v1.train.GradientDescentOptimizer(v1.train.exponential_decay(0.1, step, 5000, 0.1, True))
        grads = opt.compute_gradients(total)
    apply = opt.apply_gradients(grads, global_step=step)
    averages = v1.train.ExponentialMovingAverage(0.9999, step)
    with v1.control_dependencies([apply]):
        averages.apply(v1.trainable_variables())
    v1.math.in_top_k(logits, labels, 1)
    return [images], [logits]


@case("embedding")
def skipgram_with_analogies() -> Truths:
    """Skip-grams with noise; the questions are *a is to b as c is to ?*, or the neighbours of a word."""
    vocab, dim, batch = 200, 16, 32
    examples = v1.placeholder(tf.int32, [batch], name="examples")
    labels = v1.placeholder(tf.int64, [batch], name="labels")
    words_done = v1.placeholder(tf.float32, [], name="words_done")
    emb = v1.Variable(v1.random_uniform([vocab, dim], -0.5 / dim, 0.5 / dim), name="emb")
    sm_w_t = v1.Variable(tf.zeros([vocab, dim]), name="sm_w_t")
    sm_b = v1.Variable(tf.zeros([vocab]), name="sm_b")
    global_step = v1.Variable(0, name="global_step", trainable=False)
    sampled_ids, _, _ = v1.nn.fixed_unigram_candidate_sampler(
        true_classes=tf.reshape(labels, [batch, 1]), num_true=1, num_sampled=8, unique=True,
        range_max=vocab, distortion=0.75, unigrams=[1 + i % 9 for i in range(vocab)],
    )  # fmt: skip
    example_emb = v1.nn.embedding_lookup(emb, examples)
    true_w, true_b = v1.nn.embedding_lookup(sm_w_t, labels), v1.nn.embedding_lookup(sm_b, labels)
    noise_w, noise_b = v1.nn.embedding_lookup(sm_w_t, sampled_ids), v1.nn.embedding_lookup(sm_b, sampled_ids)
    true_logits = tf.reduce_sum(tf.multiply(example_emb, true_w), 1) + true_b
    noise_logits = tf.matmul(example_emb, noise_w, transpose_b=True) + tf.reshape(noise_b, [8])
    true_xent = tf.nn.sigmoid_cross_entropy_with_logits(labels=tf.ones_like(true_logits), logits=true_logits)
    noise_xent = tf.nn.sigmoid_cross_entropy_with_logits(
        labels=tf.zeros_like(noise_logits), logits=noise_logits
    )
    loss = (tf.reduce_sum(true_xent) + tf.reduce_sum(noise_xent)) / batch
    v1.summary.scalar("NCE loss", loss)
    lr = 0.2 * tf.maximum(0.0001, 1.0 - words_done / 1e6)
    v1.train.GradientDescentOptimizer(lr).minimize(
        loss, global_step=global_step, gate_gradients=v1.train.GradientDescentOptimizer.GATE_NONE
    )
    analogy_a = v1.placeholder(dtype=tf.int32)
    analogy_b = v1.placeholder(dtype=tf.int32)
    analogy_c = v1.placeholder(dtype=tf.int32)
    nemb = tf.nn.l2_normalize(emb, 1)
    a_emb, b_emb, c_emb = tf.gather(nemb, analogy_a), tf.gather(nemb, analogy_b), tf.gather(nemb, analogy_c)
    target = c_emb + (b_emb - a_emb)
    _, pred_idx = tf.nn.top_k(tf.matmul(target, nemb, transpose_b=True), 4)
    nearby_word = v1.placeholder(dtype=tf.int32)
    nearby_dist = tf.matmul(tf.gather(nemb, nearby_word), nemb, transpose_b=True)
    nearby_val, nearby_idx = tf.nn.top_k(nearby_dist, min(100, vocab))
    return [([analogy_a, analogy_b, analogy_c], [pred_idx]), ([nearby_word], [nearby_val, nearby_idx])]


class _PtbModel:
    """The language model of the recurrent lesson, unrolled; the state is carried by the loop that runs it."""

    def __init__(self, batch: int, steps: int, *, is_training: bool) -> None:
        size, vocab = 16, 100
        self.input_data = v1.placeholder(tf.int32, [batch, steps])
        self.targets = v1.placeholder(tf.int32, [batch, steps])
        self.initial_state = [(tf.zeros([batch, size]), tf.zeros([batch, size])) for _ in range(2)]
        with tf.device("/cpu:0"):
            embedding = v1.get_variable("embedding", [vocab, size])
            inputs = v1.nn.embedding_lookup(embedding, self.input_data)
        if is_training:
            inputs = v1.nn.dropout(inputs, keep_prob=0.8)
        outputs = []
        state = list(self.initial_state)
        with v1.variable_scope("RNN"):
            for t in range(steps):
                if t > 0:
                    v1.get_variable_scope().reuse_variables()
                y = inputs[:, t, :]
                for i, (c, h) in enumerate(state):
                    with v1.variable_scope(f"multi_rnn_cell/cell_{i}/basic_lstm_cell"):
                        kernel = v1.get_variable("kernel", [2 * size, 4 * size])
                        bias = v1.get_variable("bias", [4 * size], initializer=v1.zeros_initializer())
                        gates = tf.nn.bias_add(tf.matmul(tf.concat([y, h], 1), kernel), bias)
                        g_i, g_j, g_f, g_o = tf.split(gates, 4, 1)
                        c = c * tf.sigmoid(g_f) + tf.sigmoid(g_i) * tf.tanh(g_j)
                        h = tf.tanh(c) * tf.sigmoid(g_o)
                    state[i] = (c, h)
                    y = v1.nn.dropout(h, keep_prob=0.8) if is_training else h
                outputs.append(y)
        output = tf.reshape(tf.concat(outputs, 1), [-1, size])
        logits = tf.matmul(output, v1.get_variable("softmax_w", [size, vocab])) + v1.get_variable(
            "softmax_b", [vocab]
        )
        self.proba = tf.nn.softmax(logits)
        loss = v1.nn.sparse_softmax_cross_entropy_with_logits(
            labels=tf.reshape(self.targets, [-1]), logits=logits
        )
        self.cost = tf.reduce_sum(loss) / batch
        self.final_state = state
        if is_training:
            lr = v1.Variable(0.0, trainable=False)
            tvars = v1.trainable_variables()
            grads, _ = tf.clip_by_global_norm(tf.gradients(self.cost, tvars), 5)
            v1.train.GradientDescentOptimizer(lr).apply_gradients(
                zip(grads, tvars, strict=True), global_step=v1.train.get_or_create_global_step()
            )
            new_lr = v1.placeholder(tf.float32, shape=[], name="new_learning_rate")
            v1.assign(lr, new_lr)


@case("language")
def penn_treebank_lesson() -> Truth:
    """The model of training and that of one word at a time; words are made with the second."""
    initializer = v1.random_uniform_initializer(-0.1, 0.1)
    with v1.name_scope("Train"), v1.variable_scope("Model", reuse=None, initializer=initializer):
        m = _PtbModel(8, 5, is_training=True)
        v1.summary.scalar("Training Loss", m.cost)
    with v1.name_scope("Test"), v1.variable_scope("Model", reuse=True, initializer=initializer):
        mtest = _PtbModel(1, 1, is_training=False)
    fed = [mtest.input_data, *(part for state in mtest.initial_state for part in state)]
    return fed, [mtest.proba, *(part for state in mtest.final_state for part in state)]


def _gru_step(x: Tensor, h: Tensor, units: int) -> Tensor:
    with v1.variable_scope("gru_cell", reuse=v1.AUTO_REUSE):
        wide = int(x.shape[-1]) + units
        gates = tf.matmul(tf.concat([x, h], 1), v1.get_variable("gates/kernel", [wide, 2 * units]))
        gates += v1.get_variable("gates/bias", [2 * units], initializer=v1.ones_initializer())
        r, u = tf.split(tf.sigmoid(gates), 2, 1)
        c = tf.tanh(
            tf.matmul(tf.concat([x, r * h], 1), v1.get_variable("candidate/kernel", [wide, units]))
            + v1.get_variable("candidate/bias", [units], initializer=v1.zeros_initializer())
        )
    return u * h + (1 - u) * c


@case("translation")
def translation_tutorial_with_iterator() -> Truth:
    """Sentence pairs from files, a taught and a greedy decoder: translating takes ids and lengths."""
    units, vocab, sos, eos = 16, 120, 1, 2
    src_set, tgt_set = tf.data.TextLineDataset("train.vi"), tf.data.TextLineDataset("train.en")

    def ids(line: Tensor) -> Tensor:
        return tf.cast(
            tf.strings.to_hash_bucket_fast(v1.string_split([line]).values, vocab - 3) + 3, tf.int32
        )

    pairs = tf.data.Dataset.zip((src_set, tgt_set)).shuffle(100)
    pairs = pairs.map(lambda s, t: (ids(s), ids(t)))
    pairs = pairs.map(lambda s, t: (s, tf.concat([[sos], t], 0), tf.concat([t, [eos]], 0)))
    pairs = pairs.map(lambda s, a, b: (s, a, b, tf.size(s), tf.size(a)))
    pairs = pairs.padded_batch(16, padded_shapes=([None], [None], [None], [], []))
    iterator = v1.data.make_initializable_iterator(pairs)
    src, tgt_in, tgt_out, src_len, tgt_len = iterator.get_next()
    with v1.variable_scope("dynamic_seq2seq"):
        with v1.variable_scope("embeddings"):
            emb_enc = v1.get_variable("embedding_encoder", [vocab, units])
            emb_dec = v1.get_variable("embedding_decoder", [vocab, units])
        batch = tf.size(src_len)
        with v1.variable_scope("encoder"):
            x = tf.transpose(tf.nn.embedding_lookup(emb_enc, src), [1, 0, 2])
            steps = tf.shape(x)[0]
            store = tf.TensorArray(tf.float32, steps)

            def encode(t: Tensor, h: Tensor, out: Any) -> Any:
                new = tf.where(tf.less(t, src_len)[:, tf.newaxis], _gru_step(x[t], h, units), h)
                return t + 1, new, out.write(t, new)

            x.set_shape([None, None, units])
            zero = tf.zeros([batch, units])
            _, last, store = tf.while_loop(lambda t, *_: t < steps, encode, [0, zero, store],
                                           shape_invariants=[
                    tf.TensorShape([]), tf.TensorShape([None, units]), tf.TensorShape(None)
                ])  # fmt: skip
            memory = tf.transpose(store.stack(), [1, 0, 2])
        mask = tf.sequence_mask(src_len, steps)
        with v1.variable_scope("decoder"):
            proj = v1.get_variable("output_projection/kernel", [units, vocab])
            memory_w = v1.get_variable("memory_layer/kernel", [units, units])
            attend_w = v1.get_variable("attention/attention_layer/kernel", [2 * units, units])
            keys = tf.tensordot(memory, memory_w, 1)

            def step(token: Tensor, h: Tensor) -> tuple[Tensor, Tensor]:
                h = _gru_step(tf.nn.embedding_lookup(emb_dec, token), h, units)
                score = tf.reduce_sum(keys * h[:, tf.newaxis], 2)
                weights = tf.nn.softmax(tf.where(mask, score, tf.fill(tf.shape(score), -1e9)))
                context = tf.reduce_sum(memory * weights[:, :, tf.newaxis], 1)
                return tf.tanh(tf.matmul(tf.concat([context, h], 1), attend_w)), h

            length = tf.reduce_max(tgt_len)

            def teach(t: Tensor, h: Tensor, out: Any) -> Any:
                attention, h = step(tgt_in[:, t], h)
                return t + 1, h, out.write(t, attention)

            taught = tf.while_loop(
                lambda t, *_: t < length, teach, [0, last, tf.TensorArray(tf.float32, length)]
            )[2].stack()
            logits = tf.tensordot(tf.reshape(taught, [length, batch, units]), proj, 1)

            def greedy(t: Tensor, token: Tensor, done: Tensor, h: Tensor, out: Any) -> Any:
                attention, h = step(token, h)
                best = tf.argmax(tf.matmul(attention, proj), 1, output_type=tf.int32)
                best = tf.where(done, tf.fill([batch], eos), best)
                return t + 1, best, tf.logical_or(done, tf.equal(best, eos)), h, out.write(t, best)

            longest = 2 * tf.reduce_max(src_len)
            found = tf.while_loop(
                lambda t, _, done, *__: tf.logical_and(t < longest, tf.logical_not(tf.reduce_all(done))),
                greedy,
                [0, tf.fill([batch], sos), tf.fill([batch], False), last,
                 tf.TensorArray(tf.int32, 0, dynamic_size=True)],
            )  # fmt: skip
            sample_id = tf.transpose(found[4].stack())
    crossent = v1.nn.sparse_softmax_cross_entropy_with_logits(labels=tf.transpose(tgt_out), logits=logits)
    weights = tf.transpose(tf.sequence_mask(tgt_len, length, dtype=tf.float32))
    loss = tf.reduce_sum(crossent * weights) / tf.cast(batch, tf.float32)
    params = v1.trainable_variables()
    clipped, norm = tf.clip_by_global_norm(tf.gradients(loss, params), 5.0)
    step_count = v1.Variable(0, trainable=False, name="global_step")
    v1.train.AdamOptimizer(0.001).apply_gradients(zip(clipped, params, strict=True), global_step=step_count)
    v1.summary.scalar("train_loss", loss)
    v1.summary.scalar("grad_norm", norm)
    return [src, src_len], [sample_id]


@case("classifier", modern=True)
def wide_and_deep_on_the_census() -> Truths:
    """Columns from CSV lines; crossed, bucketed and embedded: the head gives probabilities."""
    names = [
        "age",
        "workclass",
        "education",
        "occupation",
        "hours_per_week",
        "capital_gain",
        "income_bracket",
    ]
    defaults: list[list[Any]] = [[0], [""], [""], [""], [0], [0], [""]]

    def parse_csv(value: Tensor) -> tuple[dict[str, Tensor], Tensor]:
        columns = v1.decode_csv(value, record_defaults=defaults)
        features = dict(zip(names, columns, strict=True))
        return features, tf.equal(features.pop("income_bracket"), ">50K")

    dataset = tf.data.TextLineDataset("adult.data").shuffle(1000).map(parse_csv, num_parallel_calls=5)
    features, labels = v1.data.make_one_shot_iterator(dataset.repeat(40).batch(40)).get_next()
    step = v1.train.get_or_create_global_step()

    def hashed(*keys: Tensor) -> Tensor:
        return tf.strings.to_hash_bucket_fast(tf.strings.join(list(keys), "_X_"), 50)

    edges = [18.0, 25.0, 30.0, 35.0, 40.0, 45.0, 50.0, 55.0, 60.0, 65.0]
    age_bucket = tf.raw_ops.Bucketize(input=features["age"], boundaries=edges)
    with v1.variable_scope("dnn"):
        parts = [tf.cast(features[k], tf.float32)[:, None] for k in ("age", "hours_per_week", "capital_gain")]
        parts.append(tf.one_hot(hashed(features["workclass"]), 50))
        parts.append(tf.one_hot(hashed(features["education"]), 50))
        table = v1.get_variable("input_from_feature_columns/occupation_embedding/embedding_weights", [50, 8])
        parts.append(tf.nn.embedding_lookup(table, hashed(features["occupation"])))
        net = tf.concat(parts, 1)
        for i, units in enumerate([32, 16]):
            with v1.variable_scope(f"hiddenlayer_{i}"):
                kernel = v1.get_variable("kernel", [int(net.shape[1]), units])
                net = tf.nn.relu(tf.matmul(net, kernel) + v1.get_variable("bias", [units]))
                v1.summary.scalar("fraction_of_zero_values", tf.nn.zero_fraction(net))
        with v1.variable_scope("logits"):
            dnn_logits = tf.matmul(net, v1.get_variable("kernel", [16, 1])) + v1.get_variable("bias", [1])
    with v1.variable_scope("linear/linear_model"):
        linear_logits = v1.get_variable("bias_weights", [1], initializer=v1.zeros_initializer())
        crosses = {
            "age_bucketized": age_bucket,
            "education_X_occupation": hashed(features["education"], features["occupation"]),
            "age_X_education_X_occupation": hashed(
                tf.strings.as_string(age_bucket), features["education"], features["occupation"]
            ),
        }
        for key, bucket in crosses.items():
            w = v1.get_variable(f"{key}/weights", [50, 1], initializer=v1.zeros_initializer())
            linear_logits = linear_logits + tf.nn.embedding_lookup(w, bucket)
    logits = dnn_logits + linear_logits
    with v1.name_scope("head/predictions"):
        logistic = tf.sigmoid(logits, name="logistic")
        two = tf.concat([tf.zeros_like(logits), logits], -1, name="two_class_logits")
        probabilities = tf.nn.softmax(two, name="probabilities")
        class_ids = tf.expand_dims(tf.argmax(two, axis=-1), -1, name="class_ids")
        tf.strings.as_string(class_ids, name="str_classes")
    target = tf.cast(labels, tf.float32)[:, None]
    loss = v1.losses.sigmoid_cross_entropy(target, logits, reduction="weighted_sum")
    v1.metrics.accuracy(target, class_ids)
    v1.metrics.auc(target, logistic, num_thresholds=20)
    v1.metrics.mean(logistic, name="prediction/mean")
    deep = v1.get_collection(v1.GraphKeys.TRAINABLE_VARIABLES, "dnn")
    wide = v1.get_collection(v1.GraphKeys.TRAINABLE_VARIABLES, "linear")
    train = tf.group(
        v1.train.AdagradOptimizer(0.05).minimize(loss, var_list=deep),
        v1.train.FtrlOptimizer(0.2).minimize(loss, var_list=wide),
    )
    with v1.control_dependencies([train]):
        v1.assign_add(step, 1)
    fed = [features[k] for k in sorted(features)]
    return [(fed, [probabilities]), (fed, [class_ids])]


def _variable_summaries(var: Tensor) -> None:
    with v1.name_scope("summaries"):
        mean = tf.reduce_mean(var)
        v1.summary.scalar("mean", mean)
        with v1.name_scope("stddev"):
            stddev = tf.sqrt(tf.reduce_mean(tf.square(var - mean)))
        v1.summary.scalar("stddev", stddev)
        v1.summary.histogram("histogram", var)


@case("classifier")
def retrained_flowers() -> Truth:
    """A frozen body and a new last layer whose bottlenecks are cached; the label script feeds resized images.

    The decoders of JPEG files beside it serve the cache of the training, and are not connected.
    """
    with v1.variable_scope("module"):
        images = v1.placeholder(tf.float32, [None, 96, 96, 3])
        net = images * 2.0 - 1.0
        for i, width in enumerate([8, 16, 24]):
            with v1.variable_scope(f"MobilenetV1/Conv2d_{i}"):
                shape = [3, 3, int(net.shape[-1]), 1]
                depthwise = v1.get_variable("depthwise_weights", shape, trainable=False)
                net = v1.nn.depthwise_conv2d(net, depthwise, [1, 2, 2, 1], "SAME")
                pointwise = v1.get_variable("weights", [1, 1, int(net.shape[-1]), width], trainable=False)
                net = tf.nn.relu6(v1.nn.conv2d(net, pointwise, [1, 1, 1, 1], "SAME"))
        bottleneck = tf.reduce_mean(net, [1, 2], name="hub_output/feature_vector/SpatialSqueeze")
    with v1.name_scope("input"):
        bottleneck_input = v1.placeholder_with_default(
            bottleneck, shape=[None, 24], name="BottleneckInputPlaceholder"
        )
        ground_truth = v1.placeholder(tf.int64, [None], name="GroundTruthInput")
    with v1.name_scope("final_retrain_ops"):
        with v1.name_scope("weights"):
            layer_weights = v1.Variable(v1.truncated_normal([24, 5], stddev=0.001), name="final_weights")
            _variable_summaries(layer_weights)
        with v1.name_scope("biases"):
            layer_biases = v1.Variable(tf.zeros([5]), name="final_biases")
            _variable_summaries(layer_biases)
        with v1.name_scope("Wx_plus_b"):
            logits = tf.matmul(bottleneck_input, layer_weights) + layer_biases
            v1.summary.histogram("pre_activations", logits)
    final_tensor = tf.nn.softmax(logits, name="final_result")
    v1.summary.histogram("activations", final_tensor)
    with v1.name_scope("cross_entropy"):
        xent = v1.losses.sparse_softmax_cross_entropy(labels=ground_truth, logits=logits)
    v1.summary.scalar("cross_entropy", xent)
    with v1.name_scope("train"):
        v1.train.GradientDescentOptimizer(0.01).minimize(xent)
    with v1.name_scope("accuracy"):
        with v1.name_scope("correct_prediction"):
            prediction = tf.argmax(final_tensor, 1)
            correct = tf.equal(prediction, ground_truth)
        with v1.name_scope("accuracy"):
            v1.summary.scalar("accuracy", tf.reduce_mean(tf.cast(correct, tf.float32)))
    jpeg_data = v1.placeholder(tf.string, name="DecodeJPGInput")
    decoded = tf.image.convert_image_dtype(tf.image.decode_jpeg(jpeg_data, channels=3), tf.float32)
    v1.image.resize_bilinear(tf.expand_dims(decoded, 0), tf.stack([96, 96]))
    distort_data = v1.placeholder(tf.string, name="DistortJPGInput")
    wild = tf.image.convert_image_dtype(tf.image.decode_jpeg(distort_data, channels=3), tf.float32)
    scaled = tf.squeeze(v1.image.resize_bilinear(tf.expand_dims(wild, 0), [110, 110]), [0])
    flipped = tf.image.random_flip_left_right(v1.random_crop(scaled, [96, 96, 3]))
    brighter = tf.multiply(flipped, v1.random_uniform([], 0.9, 1.1))
    tf.expand_dims(brighter, 0, name="DistortResult")
    v1.summary.merge_all()
    return [images], [final_tensor]


@case("audio")
def spoken_commands_in_training() -> Truths:
    """Sounds are read, shifted and mixed in one part; their features are fed to the model in the other."""
    wav_filename = v1.placeholder(tf.string, [], name="wav_filename")
    wav = tf.audio.decode_wav(v1.read_file(wav_filename), desired_channels=1, desired_samples=16000)
    foreground_volume = v1.placeholder(tf.float32, [], name="foreground_volume")
    padding = v1.placeholder(tf.int32, [2, 2], name="time_shift_padding")
    offset = v1.placeholder(tf.int32, [2], name="time_shift_offset")
    padded = tf.pad(tf.multiply(wav.audio, foreground_volume), padding, mode="CONSTANT")
    sliced = tf.slice(padded, offset, [16000, -1])
    background = v1.placeholder(tf.float32, [16000, 1], name="background_data")
    background_volume = v1.placeholder(tf.float32, [], name="background_volume")
    mixed = tf.clip_by_value(tf.add(tf.multiply(background, background_volume), sliced), -1.0, 1.0)
    spectrogram = tf.raw_ops.AudioSpectrogram(
        input=mixed, window_size=480, stride=320, magnitude_squared=True
    )
    v1.summary.image("spectrogram", tf.expand_dims(spectrogram, -1), max_outputs=1)
    tf.raw_ops.Mfcc(spectrogram=spectrogram, sample_rate=wav.sample_rate, dct_coefficient_count=20)
    fingerprint_size = 49 * 20
    fingerprint = v1.placeholder(tf.float32, [None, fingerprint_size], name="fingerprint_input")
    dropout_prob = v1.placeholder(tf.float32, name="dropout_prob")
    net = tf.reshape(fingerprint, [-1, 49, 20, 1])
    first_w = v1.get_variable("first_weights", [20, 8, 1, 8])
    net = v1.nn.conv2d(net, first_w, [1, 1, 1, 1], "SAME") + v1.get_variable("first_bias", [8])
    net = v1.nn.max_pool(v1.nn.dropout(tf.nn.relu(net), dropout_prob), [1, 2, 2, 1], [1, 2, 2, 1], "SAME")
    second_w = v1.get_variable("second_weights", [10, 4, 8, 8])
    net = v1.nn.conv2d(net, second_w, [1, 1, 1, 1], "SAME") + v1.get_variable("second_bias", [8])
    net = v1.nn.dropout(tf.nn.relu(net), dropout_prob)
    flat = tf.reshape(net, [-1, 25 * 10 * 8])
    logits = tf.matmul(flat, v1.get_variable("final_fc_weights", [25 * 10 * 8, 12]))
    logits = logits + v1.get_variable("final_fc_bias", [12])
    ground_truth = v1.placeholder(tf.int64, [None], name="groundtruth_input")
    checks = [v1.add_check_numerics_ops()]
    with v1.name_scope("cross_entropy"):
        mean = v1.losses.sparse_softmax_cross_entropy(labels=ground_truth, logits=logits)
    with v1.name_scope("train"), v1.control_dependencies(checks):
        rate = v1.placeholder(tf.float32, [], name="learning_rate_input")
        v1.train.GradientDescentOptimizer(rate).minimize(mean)
    predicted = tf.argmax(logits, 1)
    correct = tf.equal(predicted, ground_truth)
    tf.math.confusion_matrix(ground_truth, predicted, num_classes=12)
    with v1.name_scope("eval"):
        v1.summary.scalar("cross_entropy", mean)
        v1.summary.scalar("accuracy", tf.reduce_mean(tf.cast(correct, tf.float32)))
    step = v1.train.get_or_create_global_step()
    v1.assign(step, step + 1)
    return [([fingerprint], [logits]), ([fingerprint], [predicted])]


@case("detector", frozen=True)
def detection_walk_through() -> Truth:
    """The frozen graph of the notebook: any number of byte images in, the four detection tensors out."""
    image_tensor = v1.placeholder(tf.uint8, [None, None, None, 3], name="image_tensor")
    with v1.name_scope("Preprocessor"):
        resized = tf.map_fn(
            lambda im: v1.image.resize_images(im, [64, 64]), tf.cast(image_tensor, tf.float32), tf.float32
        )
        net = resized * (2.0 / 255.0) - 1.0
    net.set_shape([None, 64, 64, 3])
    boxes, classes, centres = [], [], []
    for i, width in enumerate([8, 16, 16, 16]):
        with v1.variable_scope(f"FeatureExtractor/Conv_{i}"):
            w = v1.get_variable("weights", [3, 3, int(net.shape[-1]), width])
            net = tf.nn.relu6(v1.nn.conv2d(net, w, [1, 2, 2, 1], "SAME") + v1.get_variable("biases", [width]))
        if i < 2:
            continue
        side = int(net.shape[1])
        with v1.variable_scope(f"BoxPredictor_{i - 2}"):
            wb = v1.get_variable("BoxEncodingPredictor/weights", [1, 1, width, 2 * 4])
            wc = v1.get_variable("ClassPredictor/weights", [1, 1, width, 2 * 7])
            boxes.append(tf.reshape(v1.nn.conv2d(net, wb, [1, 1, 1, 1], "SAME"), [-1, side * side * 2, 4]))
            classes.append(tf.reshape(v1.nn.conv2d(net, wc, [1, 1, 1, 1], "SAME"), [-1, side * side * 2, 7]))
        grid = [[(y + 0.5) / side, (x + 0.5) / side, s, s] for y in range(side) for x in range(side)
                for s in (1 / side, math.sqrt(2) / side)]  # fmt: skip
        centres.append(tf.constant(grid))
    with v1.name_scope("Postprocessor"):
        anchors = tf.concat(centres, 0)
        ty, tx, th, tw = tf.unstack(tf.concat(boxes, 1), axis=2)
        yc, xc = ty / 10.0 * anchors[:, 2] + anchors[:, 0], tx / 10.0 * anchors[:, 3] + anchors[:, 1]
        h, w = tf.exp(th / 5.0) * anchors[:, 2], tf.exp(tw / 5.0) * anchors[:, 3]
        decoded = tf.stack([yc - h / 2.0, xc - w / 2.0, yc + h / 2.0, xc + w / 2.0], 2)
        scores = tf.sigmoid(tf.concat(classes, 1), name="convert_scores")[:, :, 1:]

        def suppress(args: tuple[Tensor, Tensor]) -> tuple[Tensor, ...]:
            box, score = args
            best, label = tf.reduce_max(score, 1), tf.cast(tf.argmax(score, 1), tf.float32)
            keep = tf.image.non_max_suppression(box, best, 10, 0.6)
            pad = [[0, 10 - tf.size(keep)]]
            kept_boxes = tf.pad(tf.gather(box, keep), [*pad, [0, 0]])
            return (tf.reshape(kept_boxes, [10, 4]), tf.reshape(tf.pad(tf.gather(best, keep), pad), [10]),
                    tf.reshape(tf.pad(tf.gather(label, keep), pad), [10]),
                    tf.cast(tf.size(keep), tf.float32))  # fmt: skip

        found = tf.map_fn(suppress, (decoded, scores), dtype=(tf.float32, tf.float32, tf.float32, tf.float32))
    detections = [
        tf.identity(found[0], name="detection_boxes"),
        tf.identity(found[1], name="detection_scores"),
        tf.add(found[2], 1.0, name="detection_classes"),
        tf.identity(found[3], name="num_detections"),
    ]
    return [image_tensor], detections


def _bn(x: Tensor, training: Tensor, name: str) -> Tensor:
    with v1.variable_scope(name):
        n = int(x.shape[-1])
        gamma = v1.get_variable("gamma", [n], initializer=v1.ones_initializer())
        beta = v1.get_variable("beta", [n], initializer=v1.zeros_initializer())
        ema = v1.train.ExponentialMovingAverage(decay=0.9)
        mean, var = tf.nn.moments(x, [0, 1, 2], name="moments")
        with tf.device("/cpu:0"):
            moved = ema.apply([mean, var])

        def update() -> tuple[Tensor, Tensor]:
            with v1.control_dependencies([moved]):
                return tf.identity(mean), tf.identity(var)

        m, v = v1.cond(training, update, lambda: (ema.average(mean), ema.average(var)))
        return tf.nn.batch_normalization(x, m, v, beta, gamma, 1e-3)


@case("segmentation")
def salt_kernel_unet() -> Truth:
    """Salt under the sea: masks are cut by numpy at a threshold found later, so chances are run."""
    x = v1.placeholder(tf.float32, [None, 64, 64, 1], name="X")
    depth = v1.placeholder(tf.float32, [None, 1], name="z_depth")
    y = v1.placeholder(tf.float32, [None, 64, 64, 1], name="Y")
    lr = v1.placeholder(tf.float32, [], name="lr")
    training = v1.placeholder(tf.bool, [], name="mode")

    def block(h: Tensor, width: int, name: str) -> Tensor:
        with v1.variable_scope(name):
            for i in (1, 2):
                w = v1.get_variable(f"w{i}", [3, 3, int(h.shape[-1]), width])
                h = tf.nn.elu(_bn(v1.nn.conv2d(h, w, [1, 1, 1, 1], "SAME"), training, f"bn{i}"))
            return h

    skips, h = [], tf.subtract(tf.divide(x, 255.0), 0.5)
    for i, width in enumerate([8, 12]):
        h = block(h, width, f"down{i}")
        skips.append(h)
        h = v1.nn.max_pool(h, [1, 2, 2, 1], [1, 2, 2, 1], "VALID")
    h = block(h, 16, "middle")
    deep = tf.tile(tf.reshape(depth, [-1, 1, 1, 1]), [1, 16, 16, 1])
    h = tf.concat([h, deep], 3)
    for i, skip in reversed(list(enumerate(skips))):
        h = v1.image.resize_nearest_neighbor(h, skip.shape.as_list()[1:3])
        h = block(tf.concat([h, skip], 3), int(skip.shape[-1]), f"up{i}")
    logits = v1.nn.conv2d(h, v1.get_variable("w_out", [1, 1, 8, 1]), [1, 1, 1, 1], "SAME")
    pred = tf.nn.sigmoid(logits)
    inter = 2 * tf.reduce_sum(pred * y, [1, 2, 3]) + 1.0
    dice = 1 - tf.reduce_mean(inter / (tf.reduce_sum(pred, [1, 2, 3]) + tf.reduce_sum(y, [1, 2, 3]) + 1.0))
    loss = tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(labels=y, logits=logits)) + dice
    with v1.variable_scope("metric"):
        _, iou_update = v1.metrics.mean_iou(tf.cast(y, tf.int32), tf.cast(pred > 0.5, tf.int32), 2)
    v1.summary.scalar("dice", 1 - dice)
    v1.summary.image("pred", pred)
    v1.summary.image("mask", y)
    with v1.control_dependencies([iou_update]):
        v1.train.AdamOptimizer(lr).minimize(loss)
    return [x, depth], [pred]
