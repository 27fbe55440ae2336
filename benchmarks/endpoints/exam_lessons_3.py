"""Models as tutorials, blog posts, courses and example repositories of 2016 to 2019 write them."""

# ruff: noqa: N802, N806 (the names are those of the authors)

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf

from benchmarks.endpoints.cases import Truth, Truths, case, v1

Tensor = Any


class BasicLSTMCell:
    """The cell of ``tf.nn.rnn_cell``, with its variables' names."""

    def __init__(self, num_units: int, forget_bias: float = 1.0, name: str = "basic_lstm_cell") -> None:
        self._n, self._bias, self._name = num_units, forget_bias, name

    @property
    def state_size(self) -> Any:
        """The size of the state."""
        return (self._n, self._n)

    @property
    def output_size(self) -> int:
        """The size of what the cell gives."""
        return self._n

    def zero_state(self, batch_size: Any, dtype: Any) -> Any:
        """Give the state to start from."""
        with tf.name_scope(type(self).__name__ + "ZeroState"):
            shape = tf.stack([batch_size, self._n]) if tf.is_tensor(batch_size) else [batch_size, self._n]
            return (tf.zeros(shape, dtype), tf.zeros(shape, dtype))

    def __call__(self, inputs: Tensor, state: Any, scope: Any = None) -> Any:
        """Take one step."""
        with v1.variable_scope(self._name, reuse=v1.AUTO_REUSE):
            c, h = state
            width = inputs.shape[-1]
            kernel = v1.get_variable("kernel", [int(width) + self._n, 4 * self._n])
            bias = v1.get_variable("bias", [4 * self._n], initializer=v1.zeros_initializer())
            gates = tf.nn.bias_add(tf.matmul(tf.concat([inputs, h], 1), kernel), bias)
            i, j, f, o = tf.split(gates, 4, axis=1)
            new_c = tf.add(
                tf.multiply(c, tf.sigmoid(tf.add(f, self._bias))), tf.multiply(tf.sigmoid(i), tf.tanh(j))
            )
            new_h = tf.multiply(tf.tanh(new_c), tf.sigmoid(o))
            return new_h, (new_c, new_h)


class GRUCell:
    """The other cell."""

    def __init__(self, num_units: int, name: str = "gru_cell") -> None:
        self._n, self._name = num_units, name

    @property
    def state_size(self) -> Any:
        """The size of the state."""
        return self._n

    @property
    def output_size(self) -> int:
        """The size of what the cell gives."""
        return self._n

    def zero_state(self, batch_size: Any, dtype: Any) -> Any:
        """Give the state to start from."""
        with tf.name_scope("GRUCellZeroState"):
            return tf.zeros(tf.stack([batch_size, self._n]), dtype)

    def __call__(self, inputs: Tensor, state: Tensor, scope: Any = None) -> Any:
        """Take one step."""
        with v1.variable_scope(self._name, reuse=v1.AUTO_REUSE):
            width = int(inputs.shape[-1])
            with v1.variable_scope("gates"):
                k = v1.get_variable("kernel", [width + self._n, 2 * self._n])
                b = v1.get_variable("bias", [2 * self._n], initializer=v1.ones_initializer())
            value = tf.sigmoid(tf.nn.bias_add(tf.matmul(tf.concat([inputs, state], 1), k), b))
            r, u = tf.split(value, 2, axis=1)
            with v1.variable_scope("candidate"):
                k = v1.get_variable("kernel", [width + self._n, self._n])
                b = v1.get_variable("bias", [self._n], initializer=v1.zeros_initializer())
            c = tf.tanh(tf.nn.bias_add(tf.matmul(tf.concat([inputs, r * state], 1), k), b))
            new_h = u * state + (1 - u) * c
            return new_h, new_h


class DropoutWrapper:
    """Dropout on what the cell gives."""

    def __init__(self, cell: Any, output_keep_prob: Any) -> None:
        self._cell, self._keep = cell, output_keep_prob
        self.state_size, self.output_size = cell.state_size, cell.output_size
        self.zero_state = cell.zero_state

    def __call__(self, inputs: Tensor, state: Any, scope: Any = None) -> Any:
        """Take one step."""
        out, state = self._cell(inputs, state)
        return v1.nn.dropout(out, keep_prob=self._keep), state


class MultiRNNCell:
    """Cells on each other."""

    def __init__(self, cells: list[Any]) -> None:
        self._cells = cells

    @property
    def state_size(self) -> Any:
        """The size of the state."""
        return tuple(cell.state_size for cell in self._cells)

    @property
    def output_size(self) -> int:
        """The size of what the cell gives."""
        return int(self._cells[-1].output_size)

    def zero_state(self, batch_size: Any, dtype: Any) -> Any:
        """Give the state to start from."""
        with tf.name_scope("MultiRNNCellZeroState"):
            return tuple(cell.zero_state(batch_size, dtype) for cell in self._cells)

    def __call__(self, inputs: Tensor, state: Any, scope: Any = None) -> Any:
        """Take one step."""
        with v1.variable_scope("multi_rnn_cell", reuse=v1.AUTO_REUSE):
            news = []
            for i, cell in enumerate(self._cells):
                with v1.variable_scope(f"cell_{i}"):
                    inputs, new = cell(inputs, state[i])
                    news.append(new)
            return inputs, tuple(news)


def _dense(x: Tensor, units: int, name: str, activation: Any = None) -> Tensor:
    """``tf.layers.dense`` as it names itself."""
    with v1.variable_scope(name, reuse=v1.AUTO_REUSE):
        kernel = v1.get_variable(
            "kernel", [int(x.shape[-1]), units], initializer=v1.glorot_uniform_initializer()
        )
        bias = v1.get_variable("bias", [units], initializer=v1.zeros_initializer())
        if x.shape.ndims > 2:
            y = tf.tensordot(x, kernel, [[x.shape.ndims - 1], [0]])
        else:
            y = tf.matmul(x, kernel, name="MatMul")
        y = tf.nn.bias_add(y, bias, name="BiasAdd")
        return activation(y) if activation else y


@case("embedding")
def word2vec_with_eval_graph() -> Truths:
    """models/tutorials/embedding/word2vec.py: `model.analogy` feeds three words, `model.nearby` one."""
    vocab_size, emb_dim, batch, num_samples = 60, 8, 16, 5
    queue = v1.FIFOQueue(32, [tf.int32, tf.int32], shapes=[[], []], name="skipgram_word2vec")
    words = v1.placeholder(tf.int32, [None])
    contexts = v1.placeholder(tf.int32, [None])
    queue.enqueue_many([words, contexts])
    examples, labels = queue.dequeue_many(batch)

    init_width = 0.5 / emb_dim
    emb = v1.Variable(v1.random_uniform([vocab_size, emb_dim], -init_width, init_width), name="emb")
    sm_w_t = v1.Variable(tf.zeros([vocab_size, emb_dim]), name="sm_w_t")
    sm_b = v1.Variable(tf.zeros([vocab_size]), name="sm_b")
    global_step = v1.Variable(0, name="global_step")
    labels_matrix = tf.reshape(tf.cast(labels, tf.int64), [batch, 1])
    sampled_ids, _, _ = tf.random.fixed_unigram_candidate_sampler(
        true_classes=labels_matrix,
        num_true=1,
        num_sampled=num_samples,
        unique=True,
        range_max=vocab_size,
        distortion=0.75,
        unigrams=list(range(vocab_size, 0, -1)),
    )
    example_emb = v1.nn.embedding_lookup(emb, examples)
    true_w = v1.nn.embedding_lookup(sm_w_t, labels)
    true_b = v1.nn.embedding_lookup(sm_b, labels)
    sampled_w = v1.nn.embedding_lookup(sm_w_t, sampled_ids)
    sampled_b = v1.nn.embedding_lookup(sm_b, sampled_ids)
    true_logits = tf.reduce_sum(tf.multiply(example_emb, true_w), 1) + true_b
    sampled_logits = tf.matmul(example_emb, sampled_w, transpose_b=True) + tf.reshape(
        sampled_b, [num_samples]
    )
    true_xent = tf.nn.sigmoid_cross_entropy_with_logits(labels=tf.ones_like(true_logits), logits=true_logits)
    sampled_xent = tf.nn.sigmoid_cross_entropy_with_logits(
        labels=tf.zeros_like(sampled_logits), logits=sampled_logits
    )
    loss = (tf.reduce_sum(true_xent) + tf.reduce_sum(sampled_xent)) / batch
    v1.summary.scalar("NCE loss", loss)
    words_to_train = 1e6
    lr = 0.2 * tf.maximum(0.0001, 1.0 - tf.cast(global_step, tf.float32) / words_to_train)
    optimizer = v1.train.GradientDescentOptimizer(lr)
    optimizer.minimize(loss, global_step=global_step, gate_gradients=optimizer.GATE_NONE)
    v1.summary.merge_all()

    analogy_a = v1.placeholder(dtype=tf.int32)
    analogy_b = v1.placeholder(dtype=tf.int32)
    analogy_c = v1.placeholder(dtype=tf.int32)
    nemb = v1.nn.l2_normalize(emb, 1)
    a_emb = tf.gather(nemb, analogy_a)
    b_emb = tf.gather(nemb, analogy_b)
    c_emb = tf.gather(nemb, analogy_c)
    target = c_emb + (b_emb - a_emb)
    dist = tf.matmul(target, nemb, transpose_b=True)
    _, pred_idx = tf.nn.top_k(dist, 4)
    nearby_word = v1.placeholder(dtype=tf.int32)
    nearby_emb = tf.gather(nemb, nearby_word)
    nearby_dist = tf.matmul(nearby_emb, nemb, transpose_b=True)
    nearby_val, nearby_idx = tf.nn.top_k(nearby_dist, min(1000, vocab_size))
    return [
        ([analogy_a, analogy_b, analogy_c, nearby_word], [pred_idx, nearby_val, nearby_idx]),
        ([analogy_a, analogy_b, analogy_c], [pred_idx]),
        ([nearby_word], [nearby_val, nearby_idx]),
    ]


@case("language")
def ptb_tutorial_of_2016_with_sampling() -> Truth:
    """ptb_word_lm.py before queues, with one state tensor; a fork's sample() runs mtest step by step."""
    size, layers, vocab = 6, 2, 40

    def cell(inputs: Tensor, state: Tensor, keep: Any) -> tuple[Tensor, Tensor]:
        news = []
        cur = inputs
        for n in range(layers):
            with v1.variable_scope(f"MultiRNNCell/Cell{n}/BasicLSTMCell/Linear"):
                part = tf.slice(state, [0, n * 2 * size], [-1, 2 * size])
                c, h = tf.split(part, 2, 1)
                w = v1.get_variable("Matrix", [2 * size, 4 * size])
                b = v1.get_variable("Bias", [4 * size], initializer=v1.constant_initializer(0.0))
                i, j, f, o = tf.split(tf.matmul(tf.concat([cur, h], 1), w) + b, 4, 1)
                c = c * tf.sigmoid(f) + tf.sigmoid(i) * tf.tanh(j)
                cur = tf.tanh(c) * tf.sigmoid(o)
                if keep is not None:
                    cur = v1.nn.dropout(cur, keep_prob=keep)
                news.append(tf.concat([c, cur], 1))
        return cur, tf.concat(news, 1)

    class PTBModel:
        def __init__(self, is_training: bool, batch_size: int, num_steps: int) -> None:
            self.input_data = v1.placeholder(tf.int32, [batch_size, num_steps])
            self.targets = v1.placeholder(tf.int32, [batch_size, num_steps])
            self.initial_state = tf.zeros([batch_size, 2 * size * layers], tf.float32)
            with tf.device("/cpu:0"):
                embedding = v1.get_variable("embedding", [vocab, size])
                inputs = v1.nn.embedding_lookup(embedding, self.input_data)
            if is_training:
                inputs = v1.nn.dropout(inputs, keep_prob=0.5)
            outputs = []
            state = self.initial_state
            with v1.variable_scope("RNN"):
                for time_step in range(num_steps):
                    if time_step > 0:
                        v1.get_variable_scope().reuse_variables()
                    out, state = cell(inputs[:, time_step, :], state, 0.5 if is_training else None)
                    outputs.append(out)
            output = tf.reshape(tf.concat(outputs, 1), [-1, size])
            softmax_w = v1.get_variable("softmax_w", [size, vocab])
            softmax_b = v1.get_variable("softmax_b", [vocab])
            logits = tf.matmul(output, softmax_w) + softmax_b
            self.probs = tf.nn.softmax(logits)
            loss = tf.nn.sparse_softmax_cross_entropy_with_logits(
                labels=tf.reshape(self.targets, [-1]), logits=logits
            )
            self.cost = tf.reduce_sum(loss) / batch_size
            self.final_state = state
            if not is_training:
                return
            self.lr = v1.Variable(0.0, trainable=False)
            tvars = v1.trainable_variables()
            grads, _ = tf.clip_by_global_norm(tf.gradients(self.cost, tvars), 5)
            self.train_op = v1.train.GradientDescentOptimizer(self.lr).apply_gradients(
                zip(grads, tvars, strict=True)
            )

    initializer = v1.random_uniform_initializer(-0.1, 0.1)
    with v1.variable_scope("model", reuse=None, initializer=initializer):
        PTBModel(True, 4, 3)
    with v1.variable_scope("model", reuse=True, initializer=initializer):
        PTBModel(False, 4, 3)
        mtest = PTBModel(False, 1, 1)
    return [mtest.input_data, mtest.initial_state], [mtest.probs, mtest.final_state]


@case("translation")
def udacity_language_translation_project() -> Truth:
    """dlnd_language_translation: the last cell loads `input:0`, both lengths and `predictions:0` by name."""
    src_vocab, tgt_vocab, rnn_size, emb, layers, go, eos = 30, 32, 6, 5, 2, 1, 2
    input_data = v1.placeholder(tf.int32, [None, None], name="input")
    targets = v1.placeholder(tf.int32, [None, None], name="targets")
    lr = v1.placeholder(tf.float32, name="learning_rate")
    keep_prob = v1.placeholder(tf.float32, name="keep_prob")
    target_sequence_length = v1.placeholder(tf.int32, [None], name="target_sequence_length")
    max_target_sequence_length = tf.reduce_max(target_sequence_length, name="max_target_len")
    source_sequence_length = v1.placeholder(tf.int32, [None], name="source_sequence_length")
    batch_size = tf.shape(input_data)[0]

    def make_cells() -> Any:
        return MultiRNNCell(
            [DropoutWrapper(BasicLSTMCell(rnn_size, name="lstm_cell"), keep_prob) for _ in range(layers)]
        )

    flipped = tf.reverse(input_data, [-1])
    with v1.variable_scope("EmbedSequence"):
        table = v1.get_variable("embeddings", [src_vocab, emb])
        enc_embed = v1.nn.embedding_lookup(table, flipped)
    _, enc_state = v1.nn.dynamic_rnn(
        make_cells(), enc_embed, sequence_length=source_sequence_length, dtype=tf.float32
    )

    ending = v1.strided_slice(targets, [0, 0], [batch_size, -1], [1, 1])
    dec_input = tf.concat([tf.fill([batch_size, 1], go), ending], 1)
    dec_embeddings = v1.Variable(v1.random_uniform([tgt_vocab, emb]))
    dec_embed_input = v1.nn.embedding_lookup(dec_embeddings, dec_input)
    dec_cell = make_cells()
    with v1.variable_scope("decode"):
        with v1.variable_scope("decoder"):
            outs, _ = v1.nn.dynamic_rnn(
                dec_cell, dec_embed_input, target_sequence_length, enc_state, scope="rnn"
            )
        rnn_output = _dense(outs, tgt_vocab, "decoder/dense")
    with v1.variable_scope("decode", reuse=True):
        start_tokens = tf.tile(tf.constant([go], dtype=tf.int32), [batch_size], name="start_tokens")

        def cond(t: Tensor, ids: Tensor, done: Tensor, arr: Any, *state: Tensor) -> Tensor:
            return tf.logical_and(t < max_target_sequence_length, tf.logical_not(tf.reduce_all(done)))

        def body(t: Tensor, ids: Tensor, done: Tensor, arr: Any, *state: Tensor) -> Any:
            packed = tf.nest.pack_sequence_as(enc_state, list(state))
            with v1.variable_scope("decoder/rnn"):
                out, new = dec_cell(v1.nn.embedding_lookup(dec_embeddings, ids), packed)
            logits = _dense(out, tgt_vocab, "decoder/dense")
            sample = tf.argmax(logits, -1, output_type=tf.int32)
            return [
                t + 1,
                sample,
                tf.logical_or(done, tf.equal(sample, eos)),
                arr.write(t, sample),
                *tf.nest.flatten(new),
            ]

        array = v1.TensorArray(tf.int32, size=0, dynamic_size=True)
        start = [
            tf.constant(0),
            start_tokens,
            tf.zeros([batch_size], tf.bool),
            array,
            *tf.nest.flatten(enc_state),
        ]
        final = v1.while_loop(cond, body, start)
        sample_id = tf.transpose(final[3].stack(), [1, 0])

    training_logits = tf.identity(rnn_output, name="logits")
    inference_logits = tf.identity(sample_id, name="predictions")
    masks = tf.sequence_mask(
        target_sequence_length, max_target_sequence_length, dtype=tf.float32, name="masks"
    )
    with tf.name_scope("optimization"):
        crossent = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=targets, logits=training_logits)
        cost = tf.reduce_sum(crossent * masks) / (tf.reduce_sum(masks) + 1e-12)
        optimizer = v1.train.AdamOptimizer(lr)
        gradients = optimizer.compute_gradients(cost)
        capped = [(tf.clip_by_value(grad, -1.0, 1.0), var) for grad, var in gradients if grad is not None]
        optimizer.apply_gradients(capped)
    return [input_data, target_sequence_length, source_sequence_length], [inference_logits]


@case("tabular")
def wide_and_deep_census_of_serialized_examples() -> Truths:
    """The wide & deep tutorial by hand over a TFRecord queue; served with `input_example_tensor`."""
    filename_queue = v1.train.string_input_producer(["adult.tfrecord"], num_epochs=10)
    _, record = v1.TFRecordReader().read(filename_queue)
    queued = v1.train.shuffle_batch([record], batch_size=40, capacity=400, min_after_dequeue=100)
    serialized = v1.placeholder_with_default(queued, [None], name="input_example_tensor")
    numeric = ["age", "education_num", "capital_gain", "capital_loss", "hours_per_week"]
    categorical = {"workclass": 9, "education": 16, "occupation": 20, "relationship": 6}
    spec: dict[str, Any] = {key: v1.FixedLenFeature([1], tf.float32) for key in numeric}
    spec.update({key: v1.FixedLenFeature([1], tf.string, default_value="?") for key in categorical})
    features = v1.parse_example(serialized, spec)
    labels = v1.parse_example(queued, {"income_bracket": v1.FixedLenFeature([1], tf.float32)})[
        "income_bracket"
    ]
    ids = {key: tf.strings.to_hash_bucket_fast(features[key], size) for key, size in categorical.items()}

    with v1.variable_scope("dnn"):
        with v1.variable_scope("input_from_feature_columns/input_layer"):
            columns = [features[key] for key in numeric]
            for key, size in sorted(categorical.items()):
                with v1.variable_scope(key + "_embedding"):
                    weights = v1.get_variable(
                        "embedding_weights",
                        [size, 4],
                        initializer=v1.truncated_normal_initializer(stddev=0.5),
                    )
                    columns.append(tf.squeeze(v1.nn.embedding_lookup(weights, ids[key]), [1]))
            net = tf.concat(columns, 1)
        for i, units in enumerate([12, 8]):
            net = _dense(net, units, f"hiddenlayer_{i}", tf.nn.relu)
            v1.summary.scalar(f"hiddenlayer_{i}_fraction_of_zero_values", tf.nn.zero_fraction(net))
            v1.summary.histogram(f"hiddenlayer_{i}_activation", net)
        dnn_logits = _dense(net, 1, "logits")
    with v1.variable_scope("linear/linear_model"):
        terms = []
        for key, size in sorted(categorical.items()):
            w = v1.get_variable(key + "/weights", [size, 1], initializer=v1.zeros_initializer())
            terms.append(tf.squeeze(v1.nn.embedding_lookup(w, ids[key]), [1]))
        cross = tf.strings.to_hash_bucket_fast(
            tf.strings.join([features["education"], features["occupation"]], separator="_X_"), 100
        )
        w = v1.get_variable("education_X_occupation/weights", [100, 1], initializer=v1.zeros_initializer())
        terms.append(tf.squeeze(v1.nn.embedding_lookup(w, cross), [1]))
        bias = v1.get_variable("bias_weights", [1], initializer=v1.zeros_initializer())
        linear_logits = tf.nn.bias_add(
            tf.add_n(terms, name="weighted_sum_no_bias"), bias, name="weighted_sum"
        )
    logits = dnn_logits + linear_logits
    with v1.variable_scope("head"):
        with tf.name_scope("predictions"):
            logistic = tf.sigmoid(logits, name="logistic")
            two_class = tf.concat([tf.zeros_like(logits), logits], -1, name="two_class_logits")
            probabilities = tf.nn.softmax(two_class, name="probabilities")
            class_ids = tf.reshape(tf.argmax(two_class, -1), [-1, 1], name="classes")
            classes = tf.as_string(class_ids, name="str_classes")
        with tf.name_scope("loss"):
            loss = tf.reduce_sum(tf.nn.sigmoid_cross_entropy_with_logits(labels=labels, logits=logits))
        accuracy = tf.reduce_mean(tf.cast(tf.equal(tf.cast(class_ids, tf.float32), labels), tf.float32))
        v1.summary.scalar("accuracy", accuracy)
        v1.summary.scalar("loss", loss)
    step = v1.train.get_or_create_global_step()
    one = v1.train.AdagradOptimizer(0.05).minimize(
        loss, var_list=v1.get_collection("trainable_variables", "dnn")
    )
    two = v1.train.FtrlOptimizer(0.2, l1_regularization_strength=0.5).minimize(
        loss, var_list=v1.get_collection("trainable_variables", "linear")
    )
    with tf.control_dependencies([one, two]):
        v1.assign_add(step, 1)
    return [
        ([serialized], [probabilities]),
        ([serialized], [logits, logistic, probabilities, class_ids, classes]),
        ([serialized], [classes, probabilities]),
    ]


@case("classifier")
def multigpu_cnn_example_for_cifar() -> Truth:
    """Aymericdamien's 6_MultiGPU/multigpu_cnn.py: the testing network of tower 1, softmax only there."""
    num_gpus, batch_size, num_input, classes = 2, 8, 32 * 32 * 3, 10

    def conv_net(x: Tensor, is_training: bool, reuse: bool) -> Tensor:
        with v1.variable_scope("ConvNet", reuse=reuse):
            x = tf.reshape(x, shape=[-1, 32, 32, 3])
            for i, filters in enumerate([4, 6]):
                with v1.variable_scope("conv2d" + (f"_{i}" if i else "")):
                    k = v1.get_variable("kernel", [5 - 2 * i, 5 - 2 * i, x.shape[-1], filters])
                    b = v1.get_variable("bias", [filters], initializer=v1.zeros_initializer())
                    x = tf.nn.relu(tf.nn.bias_add(tf.nn.conv2d(x, k, 1, "VALID"), b))
                x = v1.nn.max_pool(x, [1, 2, 2, 1], [1, 2, 2, 1], "VALID")
            x = tf.reshape(x, [-1, int(np.prod(x.shape[1:]))])
            x = _dense(x, 16, "dense", tf.nn.relu)
            if is_training:
                x = v1.nn.dropout(x, keep_prob=0.75)
            out = _dense(x, classes, "dense_1")
            return out if is_training else tf.nn.softmax(out)

    with tf.device("/cpu:0"):
        tower_grads = []
        reuse_vars = False
        X = v1.placeholder(tf.float32, [None, num_input])
        Y = v1.placeholder(tf.float32, [None, classes])
        tested = []
        for i in range(num_gpus):
            with tf.device(f"/gpu:{i}"):
                _x = X[i * batch_size : (i + 1) * batch_size]
                _y = Y[i * batch_size : (i + 1) * batch_size]
                logits_train = conv_net(_x, True, reuse_vars)
                logits_test = conv_net(_x, False, True)
                loss_op = tf.reduce_mean(
                    tf.nn.softmax_cross_entropy_with_logits(logits=logits_train, labels=_y)
                )
                optimizer = v1.train.AdamOptimizer(learning_rate=0.001)
                grads = optimizer.compute_gradients(loss_op)
                if i == 0:
                    correct_pred = tf.equal(tf.argmax(logits_test, 1), tf.argmax(_y, 1))
                    tf.reduce_mean(tf.cast(correct_pred, tf.float32))
                reuse_vars = True
                tower_grads.append(grads)
                tested.append(logits_test)
        average_grads = []
        for pairs in zip(*tower_grads, strict=True):
            grad = tf.reduce_mean(tf.concat([tf.expand_dims(g, 0) for g, _ in pairs], 0), 0)
            average_grads.append((grad, pairs[0][1]))
        optimizer.apply_gradients(average_grads)
    return [X], [tested[0]]


@case("transfer", plain=True)
def image_retraining_onto_inception() -> Truth:
    """TensorFlow for Poets: label_image.py feeds `DecodeJpeg/contents:0`, fetches `final_result:0`."""
    rng = np.random.RandomState(3)
    contents = tf.constant("", name="DecodeJpeg/contents")
    decoded = tf.io.decode_jpeg(contents, channels=3, name="DecodeJpeg")
    floats = tf.cast(decoded, tf.float32, name="Cast")
    dims = tf.expand_dims(floats, 0, name="ExpandDims")
    resized = v1.image.resize_bilinear(
        dims, tf.constant([299, 299], name="ResizeBilinear/size"), name="ResizeBilinear"
    )
    net = tf.multiply(tf.subtract(resized, 128.0, name="Sub"), 0.0078125, name="Mul")
    for i, (size, filters, stride) in enumerate([(3, 4, 2), (3, 6, 2), (1, 8, 1)]):
        scope = "conv" if i == 0 else f"conv_{i}"
        kernel = tf.constant(
            rng.randn(size, size, int(net.shape[-1]), filters).astype("f"), name=scope + "/conv2d_params"
        )
        net = tf.nn.conv2d(net, kernel, stride, "VALID", name=scope + "/Conv2D")
        net = v1.nn.batch_normalization(
            net,
            tf.constant(rng.randn(filters).astype("f")),
            tf.constant(np.ones(filters, "f")),
            tf.constant(np.zeros(filters, "f")),
            None,
            0.001,
            name=scope + "/batchnorm",
        )
        net = tf.nn.relu(net, name=scope)
    branches = [
        net,
        tf.nn.relu(
            tf.nn.conv2d(net, tf.constant(rng.randn(3, 3, 8, 4).astype("f")), 1, "SAME"), name="mixed/conv"
        ),
    ]
    net = tf.concat(branches, 3, name="mixed/join")
    net = v1.nn.avg_pool(
        net, [1, int(net.shape[1]), int(net.shape[2]), 1], [1, 1, 1, 1], "VALID", name="pool_3"
    )
    bottleneck = tf.reshape(net, [1, 12], name="pool_3/_reshape")
    old = tf.matmul(
        bottleneck,
        tf.constant(rng.randn(12, 20).astype("f"), name="softmax/weights"),
        name="softmax/logits/MatMul",
    )
    tf.nn.softmax(
        tf.add(old, tf.constant(np.zeros(20, "f"), name="softmax/biases"), name="softmax/logits"),
        name="softmax",
    )

    jpeg_data = v1.placeholder(tf.string, name="DistortJPGInput")
    image = tf.expand_dims(tf.cast(tf.io.decode_jpeg(jpeg_data, channels=3), tf.float32), 0)
    scale = tf.multiply(tf.constant(1.1), v1.random_uniform([], 1.0, 1.2))
    shape = tf.cast(tf.multiply(scale, [299.0, 299.0]), tf.int32)
    big = tf.squeeze(v1.image.resize_bilinear(image, shape), [0])
    cropped = v1.random_crop(big, [299, 299, 3])
    flipped = tf.image.random_flip_left_right(cropped)
    bright = tf.multiply(flipped, v1.random_uniform([], 0.9, 1.1))
    tf.expand_dims(bright, 0, name="DistortResult")

    class_count = 5
    with tf.name_scope("input"):
        bottleneck_input = v1.placeholder_with_default(
            bottleneck, [None, 12], name="BottleneckInputPlaceholder"
        )
        ground_truth = v1.placeholder(tf.float32, [None, class_count], name="GroundTruthInput")
    with tf.name_scope("final_training_ops"):
        with tf.name_scope("weights"):
            weights = v1.Variable(v1.truncated_normal([12, class_count], stddev=0.001), name="final_weights")
            v1.summary.histogram("histogram", weights)
        with tf.name_scope("biases"):
            biases = v1.Variable(tf.zeros([class_count]), name="final_biases")
        with tf.name_scope("Wx_plus_b"):
            logits = tf.matmul(bottleneck_input, weights) + biases
            v1.summary.histogram("pre_activations", logits)
    final = tf.nn.softmax(logits, name="final_result")
    v1.summary.histogram("activations", final)
    with tf.name_scope("cross_entropy"):
        xent = tf.nn.softmax_cross_entropy_with_logits(labels=ground_truth, logits=logits)
        with tf.name_scope("total"):
            mean = tf.reduce_mean(xent)
    v1.summary.scalar("cross_entropy", mean)
    with tf.name_scope("train"):
        v1.train.GradientDescentOptimizer(0.01).minimize(mean)
    with tf.name_scope("accuracy"):
        prediction = tf.argmax(final, 1)
        right = tf.equal(prediction, tf.argmax(ground_truth, 1))
        v1.summary.scalar("accuracy", tf.reduce_mean(tf.cast(right, tf.float32)))
    v1.summary.merge_all()
    return [contents], [final]


@case("audio", frozen=True)
def speech_commands_frozen() -> Truth:
    """The audio recognition tutorial; label_wav.py feeds `wav_data:0`, fetches `labels_softmax:0`."""
    wav_data = v1.placeholder(tf.string, [], name="wav_data")
    decoded = tf.audio.decode_wav(
        wav_data, desired_channels=1, desired_samples=16000, name="decoded_sample_data"
    )
    spectrogram = tf.raw_ops.AudioSpectrogram(
        input=decoded.audio, window_size=480, stride=160, magnitude_squared=True
    )
    fingerprint = tf.raw_ops.Mfcc(
        spectrogram=spectrogram, sample_rate=decoded.sample_rate, dct_coefficient_count=40
    )
    reshaped = tf.reshape(fingerprint, [-1, 98 * 40])
    inp = tf.reshape(reshaped, [-1, 98, 40, 1])
    w1 = v1.get_variable(
        "first_weights", [20, 8, 1, 4], initializer=v1.truncated_normal_initializer(stddev=0.01)
    )
    b1 = v1.get_variable("first_bias", [4], initializer=v1.zeros_initializer)
    relu = tf.nn.relu(tf.nn.conv2d(inp, w1, [1, 1, 1, 1], "SAME") + b1)
    pool = v1.nn.max_pool(relu, [1, 2, 2, 1], [1, 2, 2, 1], "SAME")
    w2 = v1.get_variable(
        "second_weights", [10, 4, 4, 4], initializer=v1.truncated_normal_initializer(stddev=0.01)
    )
    b2 = v1.get_variable("second_bias", [4], initializer=v1.zeros_initializer)
    relu2 = tf.nn.relu(tf.nn.conv2d(pool, w2, [1, 1, 1, 1], "SAME") + b2)
    flat = tf.reshape(relu2, [-1, 49 * 20 * 4])
    wf = v1.get_variable(
        "final_fc_weights", [49 * 20 * 4, 12], initializer=v1.truncated_normal_initializer(stddev=0.01)
    )
    bf = v1.get_variable("final_fc_bias", [12], initializer=v1.zeros_initializer)
    logits = tf.matmul(flat, wf) + bf
    softmax = tf.nn.softmax(logits, name="labels_softmax")
    return [wav_data], [softmax]


@case("sketch", modern=True)
def quickdraw_rnn_tutorial() -> Truths:
    """quickdraw/train_model.py: model_fn predicts logits and their argmax out of ink and shape."""
    batch_size, num_classes = 4, 7

    def parse(example: Tensor) -> Any:
        parsed = v1.parse_single_example(
            example,
            {
                "ink": v1.VarLenFeature(tf.float32),
                "shape": v1.FixedLenFeature([2], tf.int64),
                "class_index": v1.FixedLenFeature([1], tf.int64),
            },
        )
        labels = parsed.pop("class_index")
        parsed["ink"] = tf.sparse.to_dense(parsed["ink"])
        return parsed, labels

    dataset = v1.data.TFRecordDataset(["training.tfrecord-00000"]).repeat().shuffle(10).map(parse)
    dataset = dataset.padded_batch(
        batch_size, padded_shapes=({"ink": [None], "shape": [2]}, [1]), drop_remainder=True
    )
    features, labels = v1.data.make_initializable_iterator(dataset).get_next()

    shapes = features["shape"]
    lengths = tf.squeeze(tf.slice(shapes, begin=[0, 0], size=[batch_size, 1]))
    inks = tf.reshape(features["ink"], [batch_size, -1, 3])
    labels = tf.squeeze(labels)
    convolved = inks
    for i, (filters, length) in enumerate([(4, 5), (6, 5), (6, 3)]):
        with v1.variable_scope(f"conv1d_{i}"):
            if i > 0:
                convolved = v1.nn.dropout(convolved, rate=0.3)
            k = v1.get_variable("kernel", [length, int(convolved.shape[-1]), filters])
            b = v1.get_variable("bias", [filters], initializer=v1.zeros_initializer())
            convolved = tf.nn.bias_add(tf.nn.conv1d(convolved, k, 1, "SAME"), b)
    outputs = convolved
    for layer in range(2):
        with v1.variable_scope(f"rnn_classification/cell_{layer}"):
            (fw, bw), _ = v1.nn.bidirectional_dynamic_rnn(
                BasicLSTMCell(5), BasicLSTMCell(5), outputs, sequence_length=lengths, dtype=tf.float32
            )
            outputs = tf.concat([fw, bw], 2)
    mask = tf.tile(
        tf.expand_dims(tf.sequence_mask(lengths, tf.shape(outputs)[1]), 2), [1, 1, tf.shape(outputs)[2]]
    )
    zero_outside = v1.where(mask, outputs, tf.zeros_like(outputs))
    summed = tf.reduce_sum(zero_outside, axis=1)
    summed.set_shape([batch_size, 10])
    logits = _dense(summed, num_classes, "dense")
    cross_entropy = tf.reduce_mean(
        tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits)
    )
    step = v1.train.get_or_create_global_step()
    with v1.variable_scope("OptimizeLoss"):
        optimizer = v1.train.AdamOptimizer(0.0001)
        grads, tvars = zip(*optimizer.compute_gradients(cross_entropy), strict=True)
        clipped, norm = tf.clip_by_global_norm(grads, 9.0)
        v1.summary.scalar("global_norm/gradient_norm", norm)
        v1.summary.scalar("loss", cross_entropy)
        optimizer.apply_gradients(zip(clipped, tvars, strict=True), global_step=step)
    predictions = tf.argmax(logits, axis=1)
    v1.metrics.accuracy(labels, predictions)
    ins = [features["ink"], features["shape"]]
    return [(ins, [logits, predictions]), (ins, [predictions]), (ins, [logits])]


@case("gan")
def infogan_in_one_page() -> Truth:
    """Wiseodd's generative-models, infogan_tensorflow.py: samples are G_sample of noise and a chosen code."""

    def xavier_init(size: list[int]) -> Tensor:
        return v1.random_normal(shape=size, stddev=1.0 / np.sqrt(size[0] / 2.0))

    X = v1.placeholder(tf.float32, shape=[None, 196])
    D_W1, D_b1 = v1.Variable(xavier_init([196, 16])), v1.Variable(tf.zeros(shape=[16]))
    D_W2, D_b2 = v1.Variable(xavier_init([16, 1])), v1.Variable(tf.zeros(shape=[1]))
    theta_D = [D_W1, D_W2, D_b1, D_b2]
    Z = v1.placeholder(tf.float32, shape=[None, 8])
    c = v1.placeholder(tf.float32, shape=[None, 10])
    G_W1, G_b1 = v1.Variable(xavier_init([18, 24])), v1.Variable(tf.zeros(shape=[24]))
    G_W2, G_b2 = v1.Variable(xavier_init([24, 196])), v1.Variable(tf.zeros(shape=[196]))
    theta_G = [G_W1, G_W2, G_b1, G_b2]
    Q_W1, Q_b1 = v1.Variable(xavier_init([196, 16])), v1.Variable(tf.zeros(shape=[16]))
    Q_W2, Q_b2 = v1.Variable(xavier_init([16, 10])), v1.Variable(tf.zeros(shape=[10]))
    theta_Q = [Q_W1, Q_W2, Q_b1, Q_b2]

    def generator(z: Tensor, code: Tensor) -> Tensor:
        inputs = tf.concat(axis=1, values=[z, code])
        return tf.nn.sigmoid(tf.matmul(tf.nn.relu(tf.matmul(inputs, G_W1) + G_b1), G_W2) + G_b2)

    def discriminator(x: Tensor) -> Tensor:
        return tf.nn.sigmoid(tf.matmul(tf.nn.relu(tf.matmul(x, D_W1) + D_b1), D_W2) + D_b2)

    def Q(x: Tensor) -> Tensor:
        return tf.nn.softmax(tf.matmul(tf.nn.relu(tf.matmul(x, Q_W1) + Q_b1), Q_W2) + Q_b2)

    G_sample = generator(Z, c)
    D_real = discriminator(X)
    D_fake = discriminator(G_sample)
    Q_c_given_x = Q(G_sample)
    D_loss = -tf.reduce_mean(v1.log(D_real + 1e-8) + v1.log(1 - D_fake + 1e-8))
    G_loss = -tf.reduce_mean(v1.log(D_fake + 1e-8))
    cross_ent = tf.reduce_mean(-tf.reduce_sum(v1.log(Q_c_given_x + 1e-8) * c, 1))
    ent = tf.reduce_mean(-tf.reduce_sum(v1.log(c + 1e-8) * c, 1))
    Q_loss = cross_ent + ent
    v1.train.AdamOptimizer().minimize(D_loss, var_list=theta_D)
    v1.train.AdamOptimizer().minimize(G_loss, var_list=theta_G)
    v1.train.AdamOptimizer().minimize(Q_loss, var_list=theta_G + theta_Q)
    return [Z, c], [G_sample]


@case("classifier")
def hvass_tutorial_06_cifar() -> Truths:
    """Hvass 06: images distorted with map_fn to train, cropped to test; plots use y_pred and y_pred_cls."""
    cropped, classes = 24, 10
    x = v1.placeholder(tf.float32, shape=[None, 32, 32, 3], name="x")
    y_true = v1.placeholder(tf.float32, shape=[None, classes], name="y_true")
    y_true_cls = v1.argmax(y_true, dimension=1)

    def pre_process_image(image: Tensor, training: bool) -> Tensor:
        if training:
            image = v1.random_crop(image, size=[cropped, cropped, 3])
            image = tf.image.random_flip_left_right(image)
            image = tf.image.random_hue(image, max_delta=0.05)
            image = tf.image.random_contrast(image, lower=0.3, upper=1.0)
            image = tf.image.random_brightness(image, max_delta=0.2)
            image = tf.minimum(image, 1.0)
            image = tf.maximum(image, 0.0)
        else:
            image = tf.image.resize_with_crop_or_pad(image, target_height=cropped, target_width=cropped)
        return image

    def pre_process(images: Tensor, training: bool) -> Tensor:
        return v1.map_fn(lambda image: pre_process_image(image, training), images)

    distorted_images = pre_process(images=x, training=True)

    def main_network(images: Tensor, training: bool) -> tuple[Tensor, Tensor]:
        net = images
        for name, depth in (("layer_conv1", 4), ("layer_conv2", 4)):
            with v1.variable_scope(name):
                w = v1.get_variable("weights", [5, 5, int(net.shape[-1]), depth])
                net = tf.nn.conv2d(net, w, 1, "SAME")
                if name == "layer_conv1":
                    beta = v1.get_variable("beta", [depth], initializer=v1.zeros_initializer())
                    gamma = v1.get_variable("gamma", [depth], initializer=v1.ones_initializer())
                    mm = v1.get_variable(
                        "moving_mean", [depth], initializer=v1.zeros_initializer(), trainable=False
                    )
                    mv = v1.get_variable(
                        "moving_variance", [depth], initializer=v1.ones_initializer(), trainable=False
                    )
                    if training:
                        mean, variance = tf.nn.moments(net, [0, 1, 2])
                        for moving, now in ((mm, mean), (mv, variance)):
                            v1.add_to_collection("update_ops", v1.assign_sub(moving, 0.001 * (moving - now)))
                    else:
                        mean, variance = mm, mv
                    net = v1.nn.batch_normalization(net, mean, variance, beta, gamma, 0.001)
                else:
                    net = net + v1.get_variable("bias", [depth], initializer=v1.zeros_initializer())
                net = v1.nn.max_pool(tf.nn.relu(net), [1, 2, 2, 1], [1, 2, 2, 1], "SAME")
        net = tf.reshape(net, [-1, 6 * 6 * 4])
        net = _dense(net, 16, "layer_fc1", tf.nn.relu)
        net = _dense(net, 8, "layer_fc2", tf.nn.relu)
        logits = _dense(net, classes, "softmax_classifier")
        return tf.nn.softmax(logits), tf.reduce_mean(
            tf.nn.softmax_cross_entropy_with_logits(labels=y_true, logits=logits)
        )

    def create_network(training: bool) -> tuple[Tensor, Tensor]:
        with v1.variable_scope("network", reuse=not training):
            return main_network(pre_process(images=x, training=training), training)

    global_step = v1.Variable(initial_value=0, name="global_step", trainable=False)
    _, loss = create_network(training=True)
    with tf.control_dependencies(v1.get_collection("update_ops")):
        v1.train.AdamOptimizer(learning_rate=1e-4).minimize(loss, global_step=global_step)
    y_pred, _ = create_network(training=False)
    y_pred_cls = v1.argmax(y_pred, dimension=1)
    correct_prediction = tf.equal(y_pred_cls, y_true_cls)
    tf.reduce_mean(tf.cast(correct_prediction, tf.float32))
    del distorted_images
    return [([x], [y_pred_cls]), ([x], [y_pred]), ([x], [y_pred_cls, y_pred])]


@case("recommender")
def svd_for_movielens() -> Truth:
    """Songgc's TF-recomm, svd_train_val.py: feeds user and item ids, fetches infer and clips it in numpy."""
    user_num, item_num, dim = 50, 70, 5
    user_batch = v1.placeholder(tf.int32, shape=[None], name="id_user")
    item_batch = v1.placeholder(tf.int32, shape=[None], name="id_item")
    rate_batch = v1.placeholder(tf.float32, shape=[None])
    with tf.device("/cpu:0"):
        bias_global = v1.get_variable("bias_global", shape=[])
        w_bias_user = v1.get_variable("embd_bias_user", shape=[user_num])
        w_bias_item = v1.get_variable("embd_bias_item", shape=[item_num])
        bias_user = v1.nn.embedding_lookup(w_bias_user, user_batch, name="bias_user")
        bias_item = v1.nn.embedding_lookup(w_bias_item, item_batch, name="bias_item")
        w_user = v1.get_variable(
            "embd_user", [user_num, dim], initializer=v1.truncated_normal_initializer(stddev=0.02)
        )
        w_item = v1.get_variable(
            "embd_item", [item_num, dim], initializer=v1.truncated_normal_initializer(stddev=0.02)
        )
        embd_user = v1.nn.embedding_lookup(w_user, user_batch, name="embedding_user")
        embd_item = v1.nn.embedding_lookup(w_item, item_batch, name="embedding_item")
    with tf.device("/gpu:0"):
        infer = tf.reduce_sum(tf.multiply(embd_user, embd_item), 1)
        infer = tf.add(infer, bias_global)
        infer = tf.add(infer, bias_user)
        infer = tf.add(infer, bias_item, name="svd_inference")
        regularizer = tf.add(tf.nn.l2_loss(embd_user), tf.nn.l2_loss(embd_item), name="svd_regularizer")
    global_step = v1.train.get_or_create_global_step()
    with tf.device("/gpu:0"):
        cost_l2 = tf.nn.l2_loss(tf.subtract(infer, rate_batch))
        penalty = tf.constant(0.05, dtype=tf.float32, shape=[], name="l2")
        cost = tf.add(cost_l2, tf.multiply(regularizer, penalty))
        v1.train.AdamOptimizer(0.001).minimize(cost, global_step=global_step)
    return [user_batch, item_batch], [infer]


@case("style")
def fast_style_transfer_training() -> Truth:
    """Lengstrom's fast-style-transfer: evaluate.py feeds images, fetches the net's output."""
    rng = np.random.RandomState(1)
    batch, size = 2, 32

    def vgg(image: Tensor) -> dict[str, Tensor]:
        net, current = {}, image
        for name, depth in (
            ("conv1_1", 3),
            ("relu1_1", 0),
            ("pool1", 0),
            ("conv2_1", 4),
            ("relu2_1", 0),
            ("conv3_1", 4),
            ("relu3_1", 0),
        ):
            if name.startswith("conv"):
                kernels = tf.constant(rng.randn(3, 3, int(current.shape[-1]), depth).astype("f"))
                conv = tf.nn.conv2d(current, kernels, strides=(1, 1, 1, 1), padding="SAME")
                current = tf.nn.bias_add(conv, tf.constant(np.zeros(depth, "f")))
            elif name.startswith("relu"):
                current = tf.nn.relu(current)
            else:
                current = v1.nn.max_pool(current, ksize=(1, 2, 2, 1), strides=(1, 2, 2, 1), padding="SAME")
            net[name] = current
        return net

    def preprocess(image: Tensor) -> Tensor:
        return image - np.array([123.68, 116.779, 103.939], "f")

    def norm(net: Tensor) -> Tensor:
        shape = [int(net.shape[3])]
        mu, sigma_sq = tf.nn.moments(net, [1, 2], keepdims=True)
        shift = v1.Variable(tf.zeros(shape))
        scale = v1.Variable(tf.ones(shape))
        normalized = (net - mu) / (sigma_sq + 1e-3) ** 0.5
        return scale * normalized + shift

    def conv_layer(net: Tensor, filters: int, f: int, stride: int, relu: bool = True) -> Tensor:
        w = v1.Variable(
            v1.truncated_normal([f, f, int(net.shape[3]), filters], stddev=0.1, seed=1), dtype=tf.float32
        )
        net = norm(tf.nn.conv2d(net, w, [1, stride, stride, 1], "SAME"))
        return tf.nn.relu(net) if relu else net

    def up(net: Tensor, filters: int) -> Tensor:
        w = v1.Variable(
            v1.truncated_normal([3, 3, filters, int(net.shape[3])], stddev=0.1, seed=1), dtype=tf.float32
        )
        b, rows, cols, _ = [int(i) for i in net.shape]
        net = v1.nn.conv2d_transpose(
            net, w, tf.stack([b, rows * 2, cols * 2, filters]), [1, 2, 2, 1], padding="SAME"
        )
        net.set_shape([b, rows * 2, cols * 2, filters])
        return tf.nn.relu(norm(net))

    style_gram = {layer: rng.randn(d, d).astype("f") for layer, d in (("relu1_1", 3), ("relu2_1", 4))}
    X_content = v1.placeholder(tf.float32, shape=(batch, size, size, 3), name="X_content")
    content_net = vgg(preprocess(X_content))
    image = X_content / 255.0
    net = conv_layer(conv_layer(conv_layer(image, 4, 9, 1), 6, 3, 2), 8, 3, 2)
    for _ in range(2):
        net = net + conv_layer(conv_layer(net, 8, 3, 1), 8, 3, 1, relu=False)
    net = conv_layer(up(up(net, 6), 4), 3, 9, 1, relu=False)
    preds = tf.nn.tanh(net) * 150 + 255.0 / 2
    after = vgg(preprocess(preds))
    content_loss = 7.5 * (2 * tf.nn.l2_loss(after["relu3_1"] - content_net["relu3_1"]) / (batch * 256 * 4))
    style_losses = []
    for layer, gram in style_gram.items():
        feats = after[layer]
        b, h, w, d = [int(i) for i in feats.shape]
        feats = tf.reshape(feats, (b, h * w, d))
        grams = tf.matmul(tf.transpose(feats, perm=[0, 2, 1]), feats) / (h * w * d)
        style_losses.append(2 * tf.nn.l2_loss(grams - gram) / gram.size)
    style_loss = 100.0 * tf.add_n(style_losses) / batch
    y_tv = tf.nn.l2_loss(preds[:, 1:, :, :] - preds[:, : size - 1, :, :])
    x_tv = tf.nn.l2_loss(preds[:, :, 1:, :] - preds[:, :, : size - 1, :])
    loss = content_loss + style_loss + 200 * 2 * (x_tv + y_tv) / batch
    v1.train.AdamOptimizer(1e-3).minimize(loss)
    return [X_content], [preds]


@case("language")
def cs20_char_rnn() -> Truth:
    """Stanford CS 20, 11_char_rnn.py: online_infer feeds a character and states, fetches both anew."""
    vocab, hidden_sizes = 20, [6, 5]
    seq = v1.placeholder(tf.int32, [None, None])
    temp = tf.constant(1.5)
    onehot = tf.one_hot(seq, vocab)
    cells = MultiRNNCell([GRUCell(size) for size in hidden_sizes])
    batch = tf.shape(onehot)[0]
    zero_states = cells.zero_state(batch, dtype=tf.float32)
    in_state = tuple([v1.placeholder_with_default(state, [None, state.shape[1]]) for state in zero_states])
    length = tf.reduce_sum(tf.reduce_max(tf.sign(onehot), 2), 1)
    output, out_state = v1.nn.dynamic_rnn(cells, onehot, tf.cast(length, tf.int32), in_state)
    with v1.variable_scope("fully_connected"):
        weights = v1.get_variable("weights", [hidden_sizes[-1], vocab])
        biases = v1.get_variable("biases", [vocab], initializer=v1.zeros_initializer())
        logits = tf.nn.bias_add(tf.tensordot(output, weights, [[2], [0]]), biases)
    loss = tf.reduce_sum(tf.nn.softmax_cross_entropy_with_logits(logits=logits[:, :-1], labels=onehot[:, 1:]))
    sample = v1.multinomial(tf.exp(logits[:, -1] / temp), 1)[:, 0]
    gstep = v1.Variable(0, dtype=tf.int32, trainable=False, name="global_step")
    v1.train.AdamOptimizer(0.0003).minimize(loss, global_step=gstep)
    return [seq, *in_state], [sample, *out_state]


@case("reading", modern=True)
def cs224n_squad_baseline() -> Truth:
    """cs224n-win18-squad, qa_model.py: get_prob_dists feeds ids and masks and fetches both distributions."""
    context_len, question_len, hidden = 14, 6, 5
    emb = np.random.RandomState(0).randn(30, 6).astype("f")
    context_ids = v1.placeholder(tf.int32, shape=[None, context_len])
    context_mask = v1.placeholder(tf.int32, shape=[None, context_len])
    qn_ids = v1.placeholder(tf.int32, shape=[None, question_len])
    qn_mask = v1.placeholder(tf.int32, shape=[None, question_len])
    ans_span = v1.placeholder(tf.int32, shape=[None, 2])
    keep_prob = v1.placeholder_with_default(1.0, shape=())

    def masked_softmax(logits: Tensor, mask: Tensor, dim: int) -> tuple[Tensor, Tensor]:
        masked = tf.add(logits, (1 - tf.cast(mask, "float")) * (-1e30))
        return masked, tf.nn.softmax(masked, dim)

    with v1.variable_scope("QAModel", initializer=v1.variance_scaling_initializer(1.0, "fan_avg", "uniform")):
        with v1.variable_scope("embeddings"):
            embedding_matrix = tf.constant(emb, dtype=tf.float32, name="emb_matrix")
            context_embs = v1.nn.embedding_lookup(embedding_matrix, context_ids)
            qn_embs = v1.nn.embedding_lookup(embedding_matrix, qn_ids)

        fw_cell, bw_cell = (DropoutWrapper(GRUCell(hidden), keep_prob) for _ in range(2))

        def encode(inputs: Tensor, masks: Tensor) -> Tensor:
            with v1.variable_scope("RNNEncoder", reuse=v1.AUTO_REUSE):
                (fw_out, bw_out), _ = v1.nn.bidirectional_dynamic_rnn(
                    fw_cell, bw_cell, inputs, tf.reduce_sum(masks, axis=1), dtype=tf.float32
                )
                return v1.nn.dropout(tf.concat([fw_out, bw_out], 2), keep_prob=keep_prob)

        context_hiddens = encode(context_embs, context_mask)
        question_hiddens = encode(qn_embs, qn_mask)
        with v1.variable_scope("BasicAttn"):
            attn_logits = tf.matmul(context_hiddens, tf.transpose(question_hiddens, perm=[0, 2, 1]))
            _, attn_dist = masked_softmax(attn_logits, tf.expand_dims(qn_mask, 1), 2)
            attn_output = v1.nn.dropout(tf.matmul(attn_dist, question_hiddens), keep_prob=keep_prob)
        blended = _dense(
            tf.concat([context_hiddens, attn_output], axis=2), hidden, "fully_connected", tf.nn.relu
        )
        ends = []
        for scope in ("StartDist", "EndDist"):
            with v1.variable_scope(scope):
                logits = tf.squeeze(_dense(blended, 1, "fully_connected"), axis=[2])
                ends.append(masked_softmax(logits, context_mask, 1))
        (logits_start, probdist_start), (logits_end, probdist_end) = ends
        with v1.variable_scope("loss"):
            loss_start = tf.reduce_mean(
                tf.nn.sparse_softmax_cross_entropy_with_logits(logits=logits_start, labels=ans_span[:, 0])
            )
            v1.summary.scalar("loss_start", loss_start)
            loss_end = tf.reduce_mean(
                tf.nn.sparse_softmax_cross_entropy_with_logits(logits=logits_end, labels=ans_span[:, 1])
            )
            v1.summary.scalar("loss_end", loss_end)
            loss = loss_start + loss_end
            v1.summary.scalar("loss", loss)
    params = v1.trainable_variables()
    gradients = tf.gradients(loss, params)
    v1.summary.scalar("gradient_norm", v1.global_norm(gradients))
    clipped, _ = tf.clip_by_global_norm(gradients, 5.0)
    v1.summary.scalar("param_norm", v1.global_norm(params))
    global_step = v1.Variable(0, name="global_step", trainable=False)
    v1.train.AdamOptimizer(learning_rate=0.001).apply_gradients(
        zip(clipped, params, strict=True), global_step=global_step
    )
    v1.summary.merge_all()
    return [context_ids, context_mask, qn_ids, qn_mask], [probdist_start, probdist_end]


@case("dialogue")
def dual_encoder_for_retrieval_chatbots() -> Truth:
    """Dennybritz's chatbot-retrieval on records; udc_predict.py gives four features, takes probs."""
    max_context, max_utterance, vocab, emb, rnn = 12, 10, 40, 6, 5
    with tf.name_scope("read_batch_features_train"):
        files = v1.train.string_input_producer(["train.tfrecords"], shuffle=True)
        _, serialized = v1.TFRecordReader().read_up_to(files, 4)
        queue = v1.RandomShuffleQueue(64, 16, [tf.string], shapes=[[]], name="random_shuffle_queue")
        v1.train.add_queue_runner(v1.train.QueueRunner(queue, [queue.enqueue_many(serialized)]))
        features = v1.parse_example(
            queue.dequeue_many(4),
            {
                "context": v1.FixedLenFeature([max_context], tf.int64),
                "context_len": v1.FixedLenFeature([1], tf.int64),
                "utterance": v1.FixedLenFeature([max_utterance], tf.int64),
                "utterance_len": v1.FixedLenFeature([1], tf.int64),
                "label": v1.FixedLenFeature([1], tf.int64),
            },
        )
    target = features.pop("label")
    context, utterance = features["context"], features["utterance"]
    context_len = tf.squeeze(features["context_len"], [1])
    utterance_len = tf.squeeze(features["utterance_len"], [1])
    embeddings_W = v1.get_variable(
        "word_embeddings", shape=[vocab, emb], initializer=v1.random_uniform_initializer(-0.25, 0.25)
    )
    padded = tf.pad(utterance, [[0, 0], [0, max_context - max_utterance]])
    context_embedded = v1.nn.embedding_lookup(embeddings_W, context, name="embed_context")
    utterance_embedded = v1.nn.embedding_lookup(embeddings_W, padded, name="embed_utterance")
    with v1.variable_scope("rnn"):
        _, states = v1.nn.dynamic_rnn(
            BasicLSTMCell(rnn, forget_bias=2.0, name="lstm_cell"),
            tf.concat([context_embedded, utterance_embedded], 0),
            sequence_length=tf.concat([context_len, utterance_len], 0),
            dtype=tf.float32,
        )
        encoding_context, encoding_utterance = tf.split(states[1], 2, 0)
    with v1.variable_scope("prediction"):
        M = v1.get_variable("M", shape=[rnn, rnn], initializer=v1.truncated_normal_initializer())
        generated_response = tf.expand_dims(tf.matmul(encoding_context, M), 2)
        encoding_utterance = tf.expand_dims(encoding_utterance, 2)
        logits = tf.squeeze(tf.matmul(generated_response, encoding_utterance, True), [2])
        probs = tf.sigmoid(logits)
        losses = tf.nn.sigmoid_cross_entropy_with_logits(logits=logits, labels=tf.cast(target, tf.float32))
    mean_loss = tf.reduce_mean(losses, name="mean_loss")
    step = v1.train.get_or_create_global_step()
    optimizer = v1.train.AdamOptimizer(0.001)
    grads = [(tf.clip_by_norm(g, 10.0), v) for g, v in optimizer.compute_gradients(mean_loss)]
    for g, v in grads:
        v1.summary.histogram("gradients/" + v.op.name, g)
    optimizer.apply_gradients(grads, global_step=step)
    names = ["context", "context_len", "utterance", "utterance_len"]
    return [features[name] for name in names], [probs]


@case("forecast")
def stock_rnn_with_symbol_embeddings() -> Truth:
    """Lilian Weng's stock-rnn, model_rnn.py: tests feed windows and stock labels and fetch pred."""
    count, num_steps, input_size, lstm_size, embed_size = 12, 5, 2, 6, 3
    learning_rate = v1.placeholder(tf.float32, None, name="learning_rate")
    keep_prob = v1.placeholder(tf.float32, None, name="keep_prob")
    symbols = v1.placeholder(tf.int32, [None, 1], name="stock_labels")
    inputs = v1.placeholder(tf.float32, [None, num_steps, input_size], name="inputs")
    targets = v1.placeholder(tf.float32, [None, input_size], name="targets")
    cell = MultiRNNCell(
        [DropoutWrapper(BasicLSTMCell(lstm_size, name="lstm_cell"), keep_prob) for _ in range(2)]
    )
    embed_matrix = v1.Variable(v1.random_uniform([count, embed_size], -1.0, 1.0), name="embed_matrix")
    stacked_symbols = tf.tile(symbols, [1, num_steps], name="stacked_stock_labels")
    stacked_embeds = v1.nn.embedding_lookup(embed_matrix, stacked_symbols)
    inputs_with_embed = tf.concat([inputs, stacked_embeds], axis=2, name="inputs_with_embed")
    val, _ = v1.nn.dynamic_rnn(cell, inputs_with_embed, dtype=tf.float32, scope="dynamic_rnn")
    val = tf.transpose(val, [1, 0, 2])
    last = tf.gather(val, int(val.shape[0]) - 1, name="lstm_state")
    ws = v1.Variable(v1.truncated_normal([lstm_size, input_size]), name="w")
    bias = v1.Variable(tf.constant(0.1, shape=[input_size]), name="b")
    pred = tf.matmul(last, ws) + bias
    v1.summary.histogram("lstm_state", last)
    v1.summary.histogram("w", ws)
    v1.summary.histogram("pred", pred)
    loss = tf.reduce_mean(tf.square(pred - targets), name="loss_mse_train")
    v1.train.RMSPropOptimizer(learning_rate).minimize(loss, name="rmsprop_optim")
    loss_test = tf.reduce_mean(tf.square(pred - targets), name="loss_mse_test")
    v1.summary.scalar("loss_mse_train", loss)
    v1.summary.scalar("loss_mse_test", loss_test)
    v1.summary.merge_all()
    return [inputs, symbols], [pred]


@case("segmentation")
def udacity_semantic_segmentation_fcn8() -> Truths:
    """CarND-Semantic-Segmentation on a VGG saved model: softmax(logits) is run on `image_input`."""
    classes = 2
    image_input = v1.placeholder(tf.float32, [None, None, None, 3], name="image_input")
    keep_prob = v1.placeholder(tf.float32, name="keep_prob")
    with tf.name_scope("Processing"):
        red, green, blue = tf.split(image_input, 3, 3)
        net = tf.concat([blue - 103.939, green - 116.779, red - 123.68], 3)

    def vgg_conv(x: Tensor, name: str, depth: int, size: int = 3) -> Tensor:
        with tf.name_scope(name):
            f = v1.Variable(
                v1.truncated_normal([size, size, int(x.shape[-1]), depth], stddev=0.1), name="filter"
            )
            b = v1.Variable(tf.zeros([depth]), name="biases")
            return tf.nn.relu(tf.nn.bias_add(tf.nn.conv2d(x, f, 1, "SAME"), b))

    outs = {}
    for i, depth in enumerate([2, 3, 4, 5, 6], 1):
        net = vgg_conv(net, f"conv{i}_1", depth)
        net = v1.nn.max_pool(net, [1, 2, 2, 1], [1, 2, 2, 1], "SAME", name=f"pool{i}")
        if i in (3, 4):
            outs[i] = tf.identity(net, name=f"layer{i}_out")
    net = v1.nn.dropout(vgg_conv(net, "fc6", 8, 7), keep_prob=keep_prob)
    net = v1.nn.dropout(vgg_conv(net, "fc7", 8, 1), keep_prob=keep_prob)
    outs[7] = tf.identity(net, name="layer7_out")

    def one_by_one(x: Tensor, name: str) -> Tensor:
        with v1.variable_scope(name):
            k = v1.get_variable(
                "kernel",
                [1, 1, int(x.shape[-1]), classes],
                initializer=v1.random_normal_initializer(stddev=0.01),
            )
            b = v1.get_variable("bias", [classes], initializer=v1.zeros_initializer())
            v1.add_to_collection("regularization_losses", 1e-3 * tf.nn.l2_loss(k))
            return tf.nn.bias_add(tf.nn.conv2d(x, k, 1, "SAME"), b)

    def upsample(x: Tensor, size: int, stride: int, name: str) -> Tensor:
        with v1.variable_scope(name):
            k = v1.get_variable(
                "kernel",
                [size, size, classes, classes],
                initializer=v1.random_normal_initializer(stddev=0.01),
            )
            b = v1.get_variable("bias", [classes], initializer=v1.zeros_initializer())
            shape = tf.shape(x)
            new = tf.stack([shape[0], shape[1] * stride, shape[2] * stride, classes])
            y = v1.nn.conv2d_transpose(x, k, new, [1, stride, stride, 1], "SAME")
            v1.add_to_collection("regularization_losses", 1e-3 * tf.nn.l2_loss(k))
            return tf.nn.bias_add(y, b)

    x7 = upsample(one_by_one(outs[7], "conv2d"), 4, 2, "conv2d_transpose")
    x4 = tf.add(x7, one_by_one(outs[4], "conv2d_1"))
    x3 = tf.add(upsample(x4, 4, 2, "conv2d_transpose_1"), one_by_one(outs[3], "conv2d_2"))
    nn_last_layer = upsample(x3, 16, 8, "conv2d_transpose_2")
    correct_label = v1.placeholder(tf.int32, [None, None, None, classes], name="correct_label")
    learning_rate = v1.placeholder(tf.float32, name="learning_rate")
    logits = tf.reshape(nn_last_layer, (-1, classes))
    cross_entropy_loss = tf.reduce_mean(
        tf.nn.softmax_cross_entropy_with_logits(
            logits=logits, labels=tf.reshape(correct_label, (-1, classes))
        )
    )
    loss = cross_entropy_loss + tf.add_n(v1.get_collection("regularization_losses"))
    v1.train.AdamOptimizer(learning_rate).minimize(loss)
    softmax = tf.nn.softmax(logits)
    return [([image_input], [softmax]), ([image_input], [logits])]


@case("tabular", modern=True)
def taxi_fare_with_feature_engineering() -> Truth:
    """Coursera's GCP specialization by hand: trains from a CSV dataset, serves unnamed placeholders."""
    defaults = [[0.0], ["Sun"], [0], [-74.0], [40.0], [-74.0], [40.7], [1.0]]
    columns = [
        "fare_amount",
        "dayofweek",
        "hourofday",
        "pickuplon",
        "pickuplat",
        "dropofflon",
        "dropofflat",
        "passengers",
    ]

    def decode(line: Tensor) -> Any:
        features = dict(zip(columns, v1.decode_csv(line, record_defaults=defaults), strict=True))
        return features, features.pop("fare_amount")

    dataset = v1.data.TextLineDataset(["taxi-train.csv"]).map(decode).shuffle(100).repeat().batch(16)
    features, label = v1.data.make_initializable_iterator(dataset).get_next()

    def add_more_features(feats: dict[str, Tensor]) -> dict[str, Tensor]:
        feats = dict(feats)
        feats["latdiff"] = feats["pickuplat"] - feats["dropofflat"]
        feats["londiff"] = feats["pickuplon"] - feats["dropofflon"]
        feats["euclidean"] = tf.sqrt(feats["latdiff"] ** 2 + feats["londiff"] ** 2)
        return feats

    def model(feats: dict[str, Tensor], reuse: bool) -> Tensor:
        with v1.variable_scope("model", reuse=reuse):
            feats = add_more_features(feats)
            day = tf.strings.to_hash_bucket_fast(feats["dayofweek"], 7)
            day_hour = day * 24 + tf.cast(feats["hourofday"], tf.int64)
            edges = list(np.linspace(38.0, 42.0, 5))
            buckets = tf.raw_ops.Bucketize(input=feats["pickuplat"], boundaries=edges)
            to = tf.raw_ops.Bucketize(input=feats["dropofflat"], boundaries=edges)
            with v1.variable_scope("linear"):
                w = v1.get_variable("day_hr/weights", [168, 1], initializer=v1.zeros_initializer())
                wide = v1.nn.embedding_lookup(w, day_hour)
                w = v1.get_variable("ploc_X_dloc/weights", [36, 1], initializer=v1.zeros_initializer())
                wide = wide + v1.nn.embedding_lookup(w, buckets * 6 + to)
                wide = wide + v1.get_variable("bias", [1], initializer=v1.zeros_initializer())
            with v1.variable_scope("dnn"):
                table = v1.get_variable("day_hr_embedding", [168, 4])
                floats = ["latdiff", "londiff", "euclidean", "pickuplon", "passengers"]
                net = tf.concat(
                    [tf.stack([feats[k] for k in floats], 1), v1.nn.embedding_lookup(table, day_hour)], 1
                )
                net = _dense(net, 10, "hiddenlayer_0", tf.nn.relu)
                net = _dense(net, 6, "hiddenlayer_1", tf.nn.relu)
                deep = _dense(net, 1, "logits")
            return tf.squeeze(wide + deep, axis=1)

    predicted = model(features, reuse=False)
    loss = tf.reduce_mean(tf.math.squared_difference(predicted, label))
    rmse = v1.metrics.root_mean_squared_error(label, predicted)
    v1.summary.scalar("rmse", rmse[0])
    step = v1.train.get_or_create_global_step()
    train = v1.train.AdagradOptimizer(0.01).minimize(
        loss, global_step=step, var_list=v1.get_collection("trainable_variables", "model/dnn")
    )
    v1.train.FtrlOptimizer(0.05).minimize(
        loss, var_list=v1.get_collection("trainable_variables", "model/linear")
    )
    del train

    receiver = {"dayofweek": v1.placeholder(tf.string, [None]), "hourofday": v1.placeholder(tf.int32, [None])}
    for name in columns[3:]:
        receiver[name] = v1.placeholder(tf.float32, [None])
    fares = model(receiver, reuse=True)
    return list(receiver.values()), [fares]


@case("tagging")
def sequence_tagging_with_chars_and_crf() -> Truth:
    """Guillaumegenthial's sequence_tagging: predict_batch fetches logits and trans_params for numpy."""
    nwords, nchars, ntags, dim_word, dim_char, hc, hw = 40, 20, 5, 6, 4, 3, 5
    word_ids = v1.placeholder(tf.int32, shape=[None, None], name="word_ids")
    sequence_lengths = v1.placeholder(tf.int32, shape=[None], name="sequence_lengths")
    char_ids = v1.placeholder(tf.int32, shape=[None, None, None], name="char_ids")
    word_lengths = v1.placeholder(tf.int32, shape=[None, None], name="word_lengths")
    labels = v1.placeholder(tf.int32, shape=[None, None], name="labels")
    dropout = v1.placeholder(dtype=tf.float32, shape=[], name="dropout")
    lr = v1.placeholder(dtype=tf.float32, shape=[], name="lr")
    with v1.variable_scope("words"):
        glove = np.random.RandomState(0).randn(nwords, dim_word)
        _word_embeddings = v1.Variable(glove, name="_word_embeddings", dtype=tf.float32, trainable=False)
        word_embeddings = v1.nn.embedding_lookup(_word_embeddings, word_ids, name="word_embeddings")
    with v1.variable_scope("chars"):
        _char_embeddings = v1.get_variable(
            name="_char_embeddings", dtype=tf.float32, shape=[nchars, dim_char]
        )
        char_embeddings = v1.nn.embedding_lookup(_char_embeddings, char_ids, name="char_embeddings")
        s = tf.shape(char_embeddings)
        char_embeddings = tf.reshape(char_embeddings, shape=[s[0] * s[1], s[-2], dim_char])
        lengths = tf.reshape(word_lengths, shape=[s[0] * s[1]])
        _, ((_, output_fw), (_, output_bw)) = v1.nn.bidirectional_dynamic_rnn(
            BasicLSTMCell(hc, name="lstm_cell"),
            BasicLSTMCell(hc, name="lstm_cell"),
            char_embeddings,
            sequence_length=lengths,
            dtype=tf.float32,
        )
        output = tf.reshape(tf.concat([output_fw, output_bw], axis=-1), shape=[s[0], s[1], 2 * hc])
        word_embeddings = tf.concat([word_embeddings, output], axis=-1)
    word_embeddings = v1.nn.dropout(word_embeddings, dropout)
    with v1.variable_scope("bi-lstm"):
        (fw, bw), _ = v1.nn.bidirectional_dynamic_rnn(
            BasicLSTMCell(hw, name="lstm_cell"),
            BasicLSTMCell(hw, name="lstm_cell"),
            word_embeddings,
            sequence_length=sequence_lengths,
            dtype=tf.float32,
        )
        output = v1.nn.dropout(tf.concat([fw, bw], axis=-1), dropout)
    with v1.variable_scope("proj"):
        W = v1.get_variable("W", dtype=tf.float32, shape=[2 * hw, ntags])
        b = v1.get_variable("b", shape=[ntags], dtype=tf.float32, initializer=v1.zeros_initializer())
        nsteps = tf.shape(output)[1]
        pred = tf.matmul(tf.reshape(output, [-1, 2 * hw]), W) + b
        logits = tf.reshape(pred, [-1, nsteps, ntags])
    trans_params = v1.get_variable("transitions", shape=[ntags, ntags])
    with tf.name_scope("crf_log_likelihood"):
        mask = tf.sequence_mask(sequence_lengths, nsteps, dtype=tf.float32)
        unary = tf.reduce_sum(tf.one_hot(labels, ntags) * logits, 2)
        pairs = tf.gather_nd(trans_params, tf.stack([labels[:, :-1], labels[:, 1:]], 2))
        score = tf.reduce_sum(unary * mask, 1) + tf.reduce_sum(pairs * mask[:, 1:], 1)
        by_time = tf.transpose(logits, [1, 0, 2])
        keep = tf.transpose(mask, [1, 0])

        def forward(alpha: Tensor, now: Any) -> Tensor:
            scores, k = now
            new = tf.reduce_logsumexp(tf.expand_dims(alpha, 2) + trans_params, 1) + scores
            k = tf.expand_dims(k, 1)
            return k * new + (1 - k) * alpha

        alphas = v1.scan(forward, (by_time[1:], keep[1:]), initializer=by_time[0])
        log_norm = tf.reduce_logsumexp(alphas[-1], 1)
        loss = tf.reduce_mean(log_norm - score)
    v1.summary.scalar("loss", loss)
    with v1.variable_scope("train_step"):
        optimizer = v1.train.AdamOptimizer(lr)
        grads, vs = zip(*optimizer.compute_gradients(loss), strict=True)
        grads, _ = tf.clip_by_global_norm(grads, 5.0)
        optimizer.apply_gradients(zip(grads, vs, strict=True))
    v1.summary.merge_all()
    return [word_ids, sequence_lengths, char_ids, word_lengths], [logits, trans_params]


@case("speech")
def ctc_lstm_blog_post() -> Truth:
    """Igormq's ctc_tensorflow_example: decodes with `session.run(decoded[0], feed)`, a sparse value."""
    num_features, num_hidden, num_layers, num_classes = 13, 6, 1, 28
    inputs = v1.placeholder(tf.float32, [None, None, num_features])
    targets = v1.sparse_placeholder(tf.int32)
    seq_len = v1.placeholder(tf.int32, [None])
    stack = MultiRNNCell([BasicLSTMCell(num_hidden, name="lstm_cell") for _ in range(num_layers)])
    outputs, _ = v1.nn.dynamic_rnn(stack, inputs, seq_len, dtype=tf.float32)
    shape = tf.shape(inputs)
    batch_s, max_timesteps = shape[0], shape[1]
    outputs = tf.reshape(outputs, [-1, num_hidden])
    W = v1.Variable(v1.truncated_normal([num_hidden, num_classes], stddev=0.1))
    b = v1.Variable(tf.constant(0.0, shape=[num_classes]))
    logits = tf.matmul(outputs, W) + b
    logits = tf.reshape(logits, [batch_s, -1, num_classes])
    logits = tf.transpose(logits, (1, 0, 2))
    loss = v1.nn.ctc_loss(targets, logits, seq_len)
    cost = tf.reduce_mean(loss)
    v1.train.MomentumOptimizer(0.005, 0.9).minimize(cost)
    decoded, _ = v1.nn.ctc_greedy_decoder(logits, seq_len)
    tf.reduce_mean(v1.edit_distance(tf.cast(decoded[0], tf.int32), targets))
    del max_timesteps
    return [inputs, seq_len], [decoded[0].indices, decoded[0].values, decoded[0].dense_shape]


@case("captioning")
def show_attend_and_tell_unrolled() -> Truth:
    """Jazzsaxmafia's show_attend_and_tell: build_generator's list of words, step by step."""
    n_words, dim_embed, dim_ctx, dim_hidden, ctx_shape, steps, batch = 25, 4, 6, 5, 9, 4, 3
    with tf.device("/cpu:0"):
        Wemb = v1.Variable(v1.random_uniform([n_words, dim_embed], -1.0, 1.0), name="Wemb")

    def weight(rows: int, cols: int, name: str) -> Any:
        return v1.Variable(v1.truncated_normal([rows, cols], stddev=1.0 / np.sqrt(rows)), name=name)

    def zeros(n: int, name: str) -> Any:
        return v1.Variable(tf.zeros([n]), name=name)

    init_hidden_W, init_hidden_b = (
        weight(dim_ctx, dim_hidden, "init_hidden_W"),
        zeros(dim_hidden, "init_hidden_b"),
    )
    init_memory_W, init_memory_b = (
        weight(dim_ctx, dim_hidden, "init_memory_W"),
        zeros(dim_hidden, "init_memory_b"),
    )
    lstm_W, lstm_U = weight(dim_embed, dim_hidden * 4, "lstm_W"), weight(dim_hidden, dim_hidden * 4, "lstm_U")
    lstm_b = zeros(dim_hidden * 4, "lstm_b")
    image_encode_W, image_att_W = (
        weight(dim_ctx, dim_hidden * 4, "image_encode_W"),
        weight(dim_ctx, dim_ctx, "image_att_W"),
    )
    hidden_att_W, pre_att_b = weight(dim_hidden, dim_ctx, "hidden_att_W"), zeros(dim_ctx, "pre_att_b")
    att_W, att_b = weight(dim_ctx, 1, "att_W"), zeros(1, "att_b")
    decode_lstm_W, decode_lstm_b = (
        weight(dim_hidden, dim_embed, "decode_lstm_W"),
        zeros(dim_embed, "decode_lstm_b"),
    )
    decode_word_W, decode_word_b = (
        weight(dim_embed, n_words, "decode_word_W"),
        zeros(n_words, "decode_word_b"),
    )

    def step(h: Tensor, c: Tensor, emb: Tensor, context: Tensor, encoded: Tensor) -> Any:
        attended = tf.nn.tanh(encoded + tf.expand_dims(tf.matmul(h, hidden_att_W), 1) + pre_att_b)
        alpha = tf.matmul(tf.reshape(attended, [-1, dim_ctx]), att_W) + att_b
        alpha = tf.nn.softmax(tf.reshape(alpha, [-1, ctx_shape]))
        weighted = tf.reduce_sum(context * tf.expand_dims(alpha, 2), 1)
        preactive = (
            tf.matmul(h, lstm_U) + tf.matmul(emb, lstm_W) + lstm_b + tf.matmul(weighted, image_encode_W)
        )
        i, f, o, new_c = tf.split(preactive, 4, 1)
        c = tf.nn.sigmoid(f) * c + tf.nn.sigmoid(i) * tf.nn.tanh(new_c)
        return tf.nn.sigmoid(o) * tf.nn.tanh(c), c, alpha

    def start(context: Tensor) -> Any:
        mean = tf.reduce_mean(context, 1)
        h = tf.nn.tanh(tf.matmul(mean, init_hidden_W) + init_hidden_b)
        c = tf.nn.tanh(tf.matmul(mean, init_memory_W) + init_memory_b)
        encoded = tf.reshape(
            tf.matmul(tf.reshape(context, [-1, dim_ctx]), image_att_W), [-1, ctx_shape, dim_ctx]
        )
        return h, c, encoded

    context = v1.placeholder("float32", [batch, ctx_shape, dim_ctx])
    sentence = v1.placeholder("int32", [batch, steps])
    mask = v1.placeholder("float32", [batch, steps])
    h, c, encoded = start(context)
    loss = 0.0
    for ind in range(steps):
        if ind == 0:
            word_emb = tf.zeros([batch, dim_embed])
        else:
            word_emb = v1.nn.embedding_lookup(Wemb, sentence[:, ind - 1])
        h, c, _ = step(h, c, word_emb, context, encoded)
        logits = tf.nn.relu(tf.matmul(h, decode_lstm_W) + decode_lstm_b)
        logit_words = tf.matmul(v1.nn.dropout(logits, keep_prob=0.5), decode_word_W) + decode_word_b
        onehot = tf.one_hot(sentence[:, ind], n_words)
        cross_entropy = (
            tf.nn.softmax_cross_entropy_with_logits(logits=logit_words, labels=onehot) * mask[:, ind]
        )
        loss = loss + tf.reduce_sum(cross_entropy)
    loss = loss / tf.reduce_sum(mask)
    v1.train.AdamOptimizer(0.001).minimize(loss)

    context_g = v1.placeholder("float32", [1, ctx_shape, dim_ctx])
    h, c, encoded = start(context_g)
    generated_words, logit_list, alpha_list = [], [], []
    word_emb = tf.zeros([1, dim_embed])
    for _ in range(steps):
        h, c, alpha = step(h, c, word_emb, context_g, encoded)
        logits = tf.nn.relu(tf.matmul(h, decode_lstm_W) + decode_lstm_b)
        logit_words = tf.matmul(logits, decode_word_W) + decode_word_b
        max_prob_word = tf.argmax(logit_words, 1)
        word_emb = v1.nn.embedding_lookup(Wemb, max_prob_word)
        generated_words.append(max_prob_word)
        logit_list.append(logit_words)
        alpha_list.append(alpha)
    return [context_g], generated_words


@case("music")
def rbm_music_generation_blog() -> Truth:
    """Dan Shiebler's RBM music post: learns with assign_add only; a Gibbs sample from zeros is the song."""
    n_visible, n_hidden = 30, 8
    x = v1.placeholder(tf.float32, [None, n_visible], name="x")
    W = v1.Variable(v1.random_normal([n_visible, n_hidden], 0.01), name="W")
    bh = v1.Variable(tf.zeros([1, n_hidden], tf.float32, name="bh"))
    bv = v1.Variable(tf.zeros([1, n_visible], tf.float32, name="bv"))
    lr = tf.constant(0.005, tf.float32)

    def sample(probs: Tensor) -> Tensor:
        return tf.floor(probs + v1.random_uniform(tf.shape(probs), 0, 1))

    def gibbs_sample(k: int) -> Tensor:
        def gibbs_step(count: Tensor, k: Any, xk: Tensor) -> Any:
            hk = sample(tf.sigmoid(tf.matmul(xk, W) + bh))
            xk = sample(tf.sigmoid(tf.matmul(hk, tf.transpose(W)) + bv))
            return count + 1, k, xk

        ct = tf.constant(0)
        _, _, x_sample = v1.while_loop(
            lambda count, num_iter, *args: count < num_iter, gibbs_step, [ct, tf.constant(k), x]
        )
        return tf.stop_gradient(x_sample)

    x_sample = gibbs_sample(1)
    h = sample(tf.sigmoid(tf.matmul(x, W) + bh))
    h_sample = sample(tf.sigmoid(tf.matmul(x_sample, W) + bh))
    size_bt = tf.cast(tf.shape(x)[0], tf.float32)
    W_adder = tf.multiply(
        lr / size_bt, tf.subtract(tf.matmul(tf.transpose(x), h), tf.matmul(tf.transpose(x_sample), h_sample))
    )
    bv_adder = tf.multiply(lr / size_bt, tf.reduce_sum(tf.subtract(x, x_sample), 0, True))
    bh_adder = tf.multiply(lr / size_bt, tf.reduce_sum(tf.subtract(h, h_sample), 0, True))
    updt = [W.assign_add(W_adder), bv.assign_add(bv_adder), bh.assign_add(bh_adder)]
    del updt
    generated = gibbs_sample(15)
    return [x], [generated]


@case("density", modern=True)
def mixture_density_network_notebook() -> Truth:
    """The blog of otoro: `sess.run(get_mixture_coef(output), {x: x_test})` gives pi, sigma and mu."""
    NHIDDEN, STDEV, KMIX = 12, 0.5, 6
    NOUT = KMIX * 3
    x = v1.placeholder(dtype=tf.float32, shape=[None, 1], name="x")
    y = v1.placeholder(dtype=tf.float32, shape=[None, 1], name="y")
    Wh = v1.Variable(v1.random_normal([1, NHIDDEN], stddev=STDEV, dtype=tf.float32))
    bh = v1.Variable(v1.random_normal([1, NHIDDEN], stddev=STDEV, dtype=tf.float32))
    Wo = v1.Variable(v1.random_normal([NHIDDEN, NOUT], stddev=STDEV, dtype=tf.float32))
    bo = v1.Variable(v1.random_normal([1, NOUT], stddev=STDEV, dtype=tf.float32))
    hidden_layer = tf.nn.tanh(tf.matmul(x, Wh) + bh)
    output = tf.matmul(hidden_layer, Wo) + bo

    def get_mixture_coef(output: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        out_pi, out_sigma, out_mu = tf.split(output, 3, 1)
        max_pi = v1.reduce_max(out_pi, 1, keepdims=True)
        out_pi = tf.subtract(out_pi, max_pi)
        out_pi = tf.exp(out_pi)
        normalize_pi = v1.reciprocal(v1.reduce_sum(out_pi, 1, keepdims=True))
        out_pi = tf.multiply(normalize_pi, out_pi)
        out_sigma = tf.exp(out_sigma)
        return out_pi, out_sigma, out_mu

    out_pi, out_sigma, out_mu = get_mixture_coef(output)
    oneDivSqrtTwoPI = 1 / np.sqrt(2 * np.pi)

    def tf_normal(y: Tensor, mu: Tensor, sigma: Tensor) -> Tensor:
        result = tf.subtract(y, mu)
        result = tf.multiply(result, v1.reciprocal(sigma))
        result = -tf.square(result) / 2
        return tf.multiply(tf.exp(result), v1.reciprocal(sigma)) * oneDivSqrtTwoPI

    result = tf.multiply(tf_normal(y, out_mu, out_sigma), out_pi)
    result = -v1.log(v1.reduce_sum(result, 1, keepdims=True))
    lossfunc = tf.reduce_mean(result)
    v1.train.AdamOptimizer().minimize(lossfunc)
    return [x], [out_pi, out_sigma, out_mu]


@case("text", modern=True)
def headline_source_classifier_on_strings() -> Truths:
    """Lak's text classification post: titles are split, looked up, convolved; predicts a dictionary."""
    targets, maxlen, emb = ["nytimes", "github", "techcrunch"], 8, 5
    titles = v1.placeholder(tf.string, [None])
    sources = v1.placeholder(tf.string, [None])
    vocabulary = ["ZYXW"] + [f"word{i}" for i in range(30)]
    table = v1.lookup.StaticVocabularyTable(
        v1.lookup.KeyValueTensorInitializer(
            tf.constant(vocabulary), tf.constant(list(range(len(vocabulary))), tf.int64)
        ),
        num_oov_buckets=1,
    )
    classes = v1.lookup.StaticHashTable(
        v1.lookup.KeyValueTensorInitializer(tf.constant(targets), tf.constant([0, 1, 2], tf.int64)), -1
    )
    words = v1.string_split(titles)
    densewords = v1.sparse_tensor_to_dense(words, default_value="ZYXW")
    numbers = table.lookup(densewords)
    padding = tf.constant([[0, 0], [0, maxlen]])
    padded = tf.pad(numbers, padding)
    sliced = tf.slice(padded, [0, 0], [-1, maxlen])
    with v1.variable_scope("EmbedSequence"):
        embeds = v1.nn.embedding_lookup(v1.get_variable("embeddings", [len(vocabulary) + 1, emb]), sliced)
    with v1.variable_scope("conv"):
        k = v1.get_variable("kernel", [4, 1, emb, 1])
        b = v1.get_variable("bias", [1], initializer=v1.zeros_initializer())
        conv = tf.nn.relu(tf.nn.bias_add(tf.nn.conv2d(tf.expand_dims(embeds, 2), k, [1, 2, 1, 1], "SAME"), b))
        flat = tf.reshape(conv, [-1, maxlen // 2])
    logits = _dense(flat, len(targets), "dense")
    labels = classes.lookup(sources)
    loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(logits=logits, labels=labels))
    step = v1.train.get_or_create_global_step()
    lr = v1.train.exponential_decay(0.01, step, 100, 0.9)
    v1.train.AdamOptimizer(lr).minimize(loss, global_step=step)
    predicted = tf.argmax(logits, 1)
    v1.metrics.accuracy(labels, predicted, name="acc")
    source = tf.gather(tf.constant(targets), predicted)
    prob = tf.nn.softmax(logits)
    return [([titles], [source, predicted, prob]), ([titles], [prob]), ([titles], [source])]


@case("autoencoder")
def creative_applications_course_vae() -> Truths:
    """Parag Mital's CADL, libs/vae.py: a dictionary of x, z, y; reconstructs x, or decodes a grid of z."""
    n_code, side = 3, 16
    x = v1.placeholder(tf.float32, [None, side, side, 3], "x")
    phase_train = v1.placeholder(tf.bool, name="phase_train")
    corrupt_rec = v1.placeholder(tf.float32, name="corrupt_rec")
    corrupt = v1.placeholder(tf.float32, name="corrupt")
    keep_prob = v1.placeholder(tf.float32, name="keep_prob")
    noisy = tf.multiply(
        x, tf.cast(v1.random_uniform(shape=tf.shape(x), minval=0, maxval=2, dtype=tf.int32), tf.float32)
    )
    current = tf.reshape(noisy * corrupt + x * (1 - corrupt), [-1, side, side, 3])
    target = x * (1 - corrupt_rec) + noisy * corrupt_rec

    def batch_norm(h: Tensor, name: str) -> Tensor:
        n = int(h.shape[-1])
        with v1.variable_scope(name):
            beta = v1.get_variable("beta", [n], initializer=v1.zeros_initializer())
            gamma = v1.get_variable("gamma", [n], initializer=v1.random_normal_initializer(1.0, 0.02))
            mean, var = tf.nn.moments(h, [0, 1, 2], name="moments")
            ema = v1.train.ExponentialMovingAverage(decay=0.9)

            def mean_var_with_update() -> Any:
                with tf.control_dependencies([applied]):
                    return tf.identity(mean), tf.identity(var)

            applied = ema.apply([mean, var])
            m, v = v1.cond(phase_train, mean_var_with_update, lambda: (ema.average(mean), ema.average(var)))
            m.set_shape([n])
            v.set_shape([n])
            return v1.nn.batch_normalization(h, m, v, beta, gamma, 1e-3)

    depths = [4, 6]
    with v1.variable_scope("encoder"):
        for i, depth in enumerate(depths):
            with v1.variable_scope(f"encoder/{i}"):
                W = v1.get_variable("W", [3, 3, int(current.shape[-1]), depth])
                h = batch_norm(tf.nn.conv2d(current, W, 2, "SAME"), "bn")
                current = v1.nn.dropout(tf.nn.elu(h), keep_prob=keep_prob)
    with v1.variable_scope("variational"):
        flat = tf.reshape(current, [-1, 4 * 4 * 6])
        h = _dense(flat, 10, "fc", tf.nn.elu)
        z_mu = _dense(h, n_code, "mu")
        z_log_sigma = 0.5 * _dense(h, n_code, "log_sigma")
        epsilon = v1.random_normal(tf.stack([tf.shape(x)[0], n_code]))
        z = tf.add(z_mu, tf.multiply(epsilon, tf.exp(z_log_sigma)), name="z")
    with v1.variable_scope("decoder"):
        h = _dense(z, 10, "fc", tf.nn.elu)
        h = tf.reshape(_dense(h, 4 * 4 * 6, "fc_1", tf.nn.elu), [-1, 4, 4, 6])
        for i, (depth, size) in enumerate([(4, 8), (3, 16)]):
            with v1.variable_scope(f"decoder/{i}"):
                W = v1.get_variable("W", [3, 3, depth, int(h.shape[-1])])
                h = v1.nn.conv2d_transpose(
                    h, W, tf.stack([tf.shape(z)[0], size, size, depth]), [1, 2, 2, 1], "SAME"
                )
                h = tf.nn.elu(batch_norm(h, "bn")) if i == 0 else tf.nn.sigmoid(h)
    y = tf.identity(h, name="y")
    loss_x = tf.reduce_sum(
        tf.math.squared_difference(tf.reshape(target, [-1, 768]), tf.reshape(y, [-1, 768])), 1
    )
    loss_z = -0.5 * tf.reduce_sum(1.0 + 2.0 * z_log_sigma - tf.square(z_mu) - tf.exp(2.0 * z_log_sigma), 1)
    cost = tf.reduce_mean(loss_x + loss_z)
    v1.train.AdamOptimizer(learning_rate=0.0001).minimize(cost)
    return [([x], [y]), ([z], [y])]
