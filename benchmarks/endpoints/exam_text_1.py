"""Text graphs, first half: classification, tagging, language models, translation, summaries, chat."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from benchmarks.endpoints.cases import Truth, Truths, case, v1

Tensor = Any


class TextCNN:
    """Convolutions of three widths over words, as in a widely read blog post."""

    def __init__(self, sequence_length: int, num_classes: int, vocab_size: int, embedding_size: int) -> None:
        self.input_x = v1.placeholder(tf.int32, [None, sequence_length], name="input_x")
        self.input_y = v1.placeholder(tf.float32, [None, num_classes], name="input_y")
        self.dropout_keep_prob = v1.placeholder(tf.float32, name="dropout_keep_prob")
        l2_loss = tf.constant(0.0)
        with tf.name_scope("embedding"):
            self.W = tf.Variable(tf.random.uniform([vocab_size, embedding_size], -1.0, 1.0), name="W")
            chars = tf.nn.embedding_lookup(self.W, self.input_x)
            expanded = tf.expand_dims(chars, -1)
        pooled_outputs = []
        for size in (3, 4, 5):
            with tf.name_scope(f"conv-maxpool-{size}"):
                shape = [size, embedding_size, 1, 8]
                w = tf.Variable(tf.random.truncated_normal(shape, stddev=0.1), name="W")
                b = tf.Variable(tf.constant(0.1, shape=[8]), name="b")
                conv = v1.nn.conv2d(expanded, w, strides=[1, 1, 1, 1], padding="VALID", name="conv")
                h = tf.nn.relu(tf.nn.bias_add(conv, b), name="relu")
                window = [1, sequence_length - size + 1, 1, 1]
                pooled_outputs.append(v1.nn.max_pool(h, window, [1, 1, 1, 1], "VALID", name="pool"))
        flat = tf.reshape(tf.concat(pooled_outputs, 3), [-1, 24])
        with tf.name_scope("dropout"):
            drop = v1.nn.dropout(flat, self.dropout_keep_prob)
        with tf.name_scope("output"):
            w = v1.get_variable("W", [24, num_classes], initializer=v1.glorot_uniform_initializer())
            b = tf.Variable(tf.constant(0.1, shape=[num_classes]), name="b")
            l2_loss += tf.nn.l2_loss(w) + tf.nn.l2_loss(b)
            self.scores = v1.nn.xw_plus_b(drop, w, b, name="scores")
            self.predictions = tf.argmax(self.scores, 1, name="predictions")
        with tf.name_scope("loss"):
            losses = v1.nn.softmax_cross_entropy_with_logits_v2(logits=self.scores, labels=self.input_y)
            self.loss = tf.reduce_mean(losses) + 0.1 * l2_loss
        with tf.name_scope("accuracy"):
            right = tf.equal(self.predictions, tf.argmax(self.input_y, 1))
            self.accuracy = tf.reduce_mean(tf.cast(right, "float"), name="accuracy")


@case("classifier")
def sentence_cnn_with_three_filter_widths() -> Truths:
    """Movie reviews; eval.py of such code fetches ``output/predictions``, servers also ``output/scores``."""
    cnn = TextCNN(sequence_length=40, num_classes=2, vocab_size=500, embedding_size=16)
    global_step = tf.Variable(0, name="global_step", trainable=False)
    optimizer = v1.train.AdamOptimizer(1e-3)
    pairs = optimizer.compute_gradients(cnn.loss)
    train_op = optimizer.apply_gradients(pairs, global_step=global_step)
    shown = []
    for g, v in pairs:
        if g is not None:
            dense = tf.convert_to_tensor(g)
            shown.append(v1.summary.histogram(f"{v.op.name}/grad/hist", dense))
            shown.append(v1.summary.scalar(f"{v.op.name}/grad/sparsity", tf.nn.zero_fraction(dense)))
    shown += [v1.summary.scalar("loss", cnn.loss), v1.summary.scalar("accuracy", cnn.accuracy)]
    v1.summary.merge(shown)
    v1.add_to_collection("train_op", train_op)
    return [([cnn.input_x], [cnn.predictions]), ([cnn.input_x], [cnn.scores])]


@case("classifier")
def piecewise_cnn_for_relations_of_entity_pairs() -> Truth:
    """Distant supervision: a bag of sentences about two entities gives one relation.

    The positions, the piece mask and the bag of each sentence are as needed as the words.
    """
    n, length, rel = None, 30, 7
    word = v1.placeholder(tf.int32, [n, length], "input_word")
    pos1 = v1.placeholder(tf.int32, [n, length], "input_pos1")
    pos2 = v1.placeholder(tf.int32, [n, length], "input_pos2")
    mask = v1.placeholder(tf.float32, [n, length, 3], "piece_mask")
    bag = v1.placeholder(tf.int32, [n], "bag_of_sentence")
    label = v1.placeholder(tf.int32, [None], "input_label")
    keep = v1.placeholder_with_default(1.0, [], "keep_prob")
    with v1.variable_scope("word_position"):
        word_table = v1.get_variable("word_embedding", [400, 16])
        unk = tf.zeros([1, 16])
        words = tf.nn.embedding_lookup(tf.concat([word_table, unk], 0), word)
        p1 = tf.nn.embedding_lookup(v1.get_variable("pos1_embedding", [2 * length, 4]), pos1)
        p2 = tf.nn.embedding_lookup(v1.get_variable("pos2_embedding", [2 * length, 4]), pos2)
        x = tf.concat([words, p1, p2], -1)
    with v1.variable_scope("pcnn"):
        kernel = v1.get_variable("kernel", [3, 24, 12])
        conv = v1.nn.conv1d(x, kernel, stride=1, padding="SAME")
        pieces = tf.expand_dims(conv, 2) + 100.0 * tf.expand_dims(mask, 3)
        pooled = tf.reduce_max(pieces, 1) - 100.0
        sentence = tf.nn.tanh(tf.reshape(pooled, [-1, 36]))
    with v1.variable_scope("bag"):
        hidden = v1.nn.dropout(tf.math.segment_max(sentence, bag), keep_prob=keep)
        m = v1.get_variable("relation_matrix", [rel, 36])
        logits = tf.matmul(hidden, m, transpose_b=True) + v1.get_variable("bias", [rel])
    prob = tf.nn.softmax(logits)
    one_hot = tf.one_hot(label, rel)
    weights = tf.gather(tf.constant([0.1] + [1.0] * (rel - 1)), label)
    loss = v1.losses.softmax_cross_entropy(one_hot, logits, weights=weights)
    v1.summary.scalar("loss", loss)
    v1.train.GradientDescentOptimizer(0.5).minimize(loss)
    return [word, pos1, pos2, mask, bag], [prob]


def _conv_block(h: Tensor, filters: int, training: Tensor, index: int) -> Tensor:
    with v1.variable_scope(f"block_{index}"):
        init = v1.variance_scaling_initializer(2.0)
        k = v1.get_variable("k", [3, int(h.shape[-1]), filters], initializer=init)
        h = v1.nn.conv1d(h, k, 1, "SAME")
        zeros, ones = v1.zeros_initializer(), v1.ones_initializer()
        gamma = v1.get_variable("bn/gamma", [filters], initializer=ones)
        beta = v1.get_variable("bn/beta", [filters], initializer=zeros)
        mean = v1.get_variable("bn/moving_mean", [filters], initializer=zeros, trainable=False)
        var = v1.get_variable("bn/moving_var", [filters], initializer=ones, trainable=False)
        m, v = tf.nn.moments(h, [0, 1])
        v1.add_to_collection("updates", v1.assign(mean, mean * 0.99 + m * 0.01))
        v1.add_to_collection("updates", v1.assign(var, var * 0.99 + v * 0.01))
        m, v = v1.cond(training, lambda: (m, v), lambda: (tf.identity(mean), tf.identity(var)))
        return tf.nn.relu(tf.nn.batch_normalization(h, m, v, beta, gamma, 1e-5))


@case("classifier")
def very_deep_character_convolutions() -> Truths:
    """Characters to topic, with k-max pooling before the dense layers; probabilities are what one shows."""
    chars = v1.placeholder(tf.uint8, [None, 128], name="chars")
    target = v1.placeholder(tf.int64, [None], name="target")
    phase = v1.placeholder(tf.bool, name="phase_train")
    alphabet = v1.get_variable("alphabet", [70, 16])
    h = tf.gather(alphabet, tf.cast(chars, tf.int32) % 70)
    h = _conv_block(h, 16, phase, 0)
    for i, width in enumerate((16, 16, 24, 24, 32), start=1):
        shortcut = h
        h = _conv_block(h, width, phase, i)
        if int(shortcut.shape[-1]) == width:
            h += shortcut
        if i % 2 == 0:
            h = v1.nn.max_pool(h[:, :, None, :], [1, 3, 1, 1], [1, 2, 1, 1], "SAME")[:, :, 0, :]
    best = tf.nn.top_k(tf.transpose(h, [0, 2, 1]), k=8, sorted=False).values
    flat = tf.reshape(best, [-1, 32 * 8])
    for name, out, act in (("fc1", 32, tf.nn.relu), ("fc2", 32, tf.nn.relu), ("fc3", 4, tf.identity)):
        with v1.variable_scope(name):
            w = v1.get_variable("w", [int(flat.shape[1]), out])
            flat = act(tf.matmul(flat, w) + v1.get_variable("b", [out]))
    probs = tf.nn.softmax(flat, name="probs")
    label = tf.argmax(probs, 1, name="label")
    xent = v1.nn.sparse_softmax_cross_entropy_with_logits(labels=target, logits=flat)
    loss = tf.reduce_mean(xent, name="loss")
    accuracy, update = v1.metrics.accuracy(target, label)
    step = v1.train.get_or_create_global_step()
    lr = v1.train.exponential_decay(0.01, step, 10000, 0.5, staircase=True)
    opt = v1.train.MomentumOptimizer(lr, 0.9)
    with tf.control_dependencies([*v1.get_collection("updates"), update]):
        grads, variables = zip(*opt.compute_gradients(loss), strict=True)
        clipped, _ = tf.clip_by_global_norm([tf.convert_to_tensor(g) for g in grads], 7.0)
        opt.apply_gradients(zip(clipped, variables, strict=True), global_step=step)
    v1.summary.scalar("accuracy", accuracy)
    return [([chars], [probs]), ([chars], [label])]


@case("classifier", frozen=True)
def fasttext_bag_of_hashed_ngrams() -> Truth:
    """A flat script without one name; the mean of embeddings, padding left out, then softmax; frozen."""
    x = v1.placeholder(tf.int32, [None, None])
    y = v1.placeholder(tf.int32, [None])
    emb = tf.Variable(tf.random.uniform([1000, 10], -0.1, 0.1))
    w = tf.Variable(tf.zeros([10, 5]))
    b = tf.Variable(tf.zeros([5]))
    mask = tf.cast(tf.not_equal(x, 0), tf.float32)
    total = tf.reduce_sum(tf.nn.embedding_lookup(emb, x) * mask[:, :, None], 1)
    mean = total / tf.maximum(tf.reduce_sum(mask, 1, keepdims=True), 1.0)
    logits = tf.matmul(mean, w) + b
    p = tf.nn.softmax(logits)
    loss = tf.reduce_mean(v1.nn.sparse_softmax_cross_entropy_with_logits(labels=y, logits=logits))
    v1.train.AdagradOptimizer(0.5).minimize(loss)
    return [x], [p]


def _word_attention(h: Tensor, mask: Tensor, size: int, name: str) -> tuple[Tensor, Tensor]:
    u = tf.keras.layers.Dense(size, activation="tanh", name=f"{name}_projection")(h)
    init = v1.truncated_normal_initializer(stddev=0.1)
    context = v1.get_variable(f"{name}_context", [size], initializer=init)
    score = tf.reduce_sum(u * context, -1) + (1.0 - mask) * -1e9
    alpha = tf.nn.softmax(score, name=f"{name}_alpha")
    return tf.reduce_sum(h * alpha[..., None], 1), alpha


@case("classifier", modern=True)
def hierarchical_attention_with_keras_layers() -> Truth:
    """Documents of sentences of words with both kinds of lengths; the rating's distribution is served."""
    docs = v1.placeholder(tf.int32, [None, 6, 12], name="documents")
    words_in = v1.placeholder(tf.int32, [None, 6], name="word_counts")
    sentences_in = v1.placeholder(tf.int32, [None], name="sentence_counts")
    stars = v1.placeholder(tf.int64, [None], name="stars")
    train = v1.placeholder_with_default(False, [], name="is_training")
    emb = tf.keras.layers.Embedding(300, 12, name="words")(tf.reshape(docs, [-1, 12]))
    word_mask = tf.sequence_mask(tf.reshape(words_in, [-1]), 12)
    gru = tf.keras.layers.GRU(8, return_sequences=True, name="word_gru")
    vectors, _ = _word_attention(gru(emb, mask=word_mask), tf.cast(word_mask, tf.float32), 8, "word")
    rate = v1.cond(train, lambda: 0.5, lambda: 0.0)
    sentence_mask = tf.sequence_mask(sentences_in, 6)
    per_document = tf.reshape(v1.nn.dropout(vectors, rate=rate), [-1, 6, 8])
    states = tf.keras.layers.GRU(8, return_sequences=True, name="sent_gru")(per_document, mask=sentence_mask)
    doc, attention = _word_attention(states, tf.cast(sentence_mask, tf.float32), 8, "sentence")
    logits = tf.keras.layers.Dense(5, name="logits")(doc)
    probabilities = tf.nn.softmax(logits, name="rating_probabilities")
    loss = v1.losses.sparse_softmax_cross_entropy(stars, logits)
    v1.summary.histogram("sentence_attention", attention)
    v1.train.RMSPropOptimizer(1e-3).minimize(loss, global_step=v1.train.get_or_create_global_step())
    return [docs, words_in, sentences_in], [probabilities]


class HandLSTM:
    """A cell for dynamic_rnn."""

    def __init__(self, num_units: int) -> None:
        self.output_size = num_units
        self.state_size = (num_units, num_units)

    def zero_state(self, batch_size: Tensor, dtype: Any) -> tuple[Tensor, Tensor]:
        """Two times zeros."""
        shape = [batch_size, self.output_size]
        return tf.zeros(shape, dtype), tf.zeros(shape, dtype)

    def get_initial_state(self, inputs: Any = None, batch_size: Any = None, dtype: Any = None) -> Any:
        """The name that later versions ask for."""
        return self.zero_state(batch_size, dtype)

    def __call__(self, x: Tensor, state: Any, scope: Any = None) -> Any:
        """One step."""
        with v1.variable_scope("lstm_cell", reuse=v1.AUTO_REUSE):
            kernel = v1.get_variable("kernel", [int(x.shape[-1]) + self.output_size, 4 * self.output_size])
            bias = v1.get_variable("bias", [4 * self.output_size], initializer=v1.zeros_initializer())
        c, h = state
        i, j, f, o = tf.split(tf.matmul(tf.concat([x, h], 1), kernel) + bias, 4, axis=1)
        c = tf.sigmoid(f + 1.0) * c + tf.sigmoid(i) * tf.tanh(j)
        h = tf.sigmoid(o) * tf.tanh(c)
        return h, (c, h)


class NerModel:
    """Characters, words, a CRF whose partition function is summed by hand."""

    def add_placeholders(self) -> None:
        """All that is fed."""
        self.word_ids = v1.placeholder(tf.int32, [None, None], name="word_ids")
        self.sequence_lengths = v1.placeholder(tf.int32, [None], name="sequence_lengths")
        self.char_ids = v1.placeholder(tf.int32, [None, None, None], name="char_ids")
        self.word_lengths = v1.placeholder(tf.int32, [None, None], name="word_lengths")
        self.labels = v1.placeholder(tf.int32, [None, None], name="labels")
        self.dropout = v1.placeholder(tf.float32, [], name="dropout")
        self.lr = v1.placeholder(tf.float32, [], name="lr")

    def add_logits(self, tags: int) -> None:
        """Embeddings and the two networks."""
        with v1.variable_scope("words"):
            words = tf.nn.embedding_lookup(v1.get_variable("_word_embeddings", [300, 12]), self.word_ids)
        with v1.variable_scope("chars"):
            chars = tf.nn.embedding_lookup(v1.get_variable("_char_embeddings", [60, 6]), self.char_ids)
            s = tf.shape(chars)
            chars = tf.reshape(chars, [s[0] * s[1], s[-2], 6])
            lengths = tf.reshape(self.word_lengths, [s[0] * s[1]])
            _, ((_, fw), (_, bw)) = v1.nn.bidirectional_dynamic_rnn(
                HandLSTM(6), HandLSTM(6), chars, sequence_length=lengths, dtype=tf.float32)  # fmt: skip
            of_chars = tf.reshape(tf.concat([fw, bw], -1), [s[0], s[1], 12])
        x = v1.nn.dropout(tf.concat([words, of_chars], -1), self.dropout)
        with v1.variable_scope("bi-lstm"):
            (fw, bw), _ = v1.nn.bidirectional_dynamic_rnn(
                HandLSTM(8), HandLSTM(8), x, self.sequence_lengths, dtype=tf.float32)  # fmt: skip
            output = v1.nn.dropout(tf.concat([fw, bw], -1), self.dropout)
        with v1.variable_scope("proj"):
            w = v1.get_variable("W", [16, tags])
            b = v1.get_variable("b", [tags], initializer=v1.zeros_initializer())
            flat = tf.matmul(tf.reshape(output, [-1, 16]), w) + b
            self.logits = tf.reshape(flat, [-1, tf.shape(output)[1], tags])

    def add_crf(self, tags: int) -> None:
        """Score of the path minus the logarithm of the sum over all paths."""
        self.transitions = v1.get_variable("transitions", [tags, tags])
        mask = tf.sequence_mask(self.sequence_lengths, tf.shape(self.labels)[1], tf.float32)
        unary = tf.reduce_sum(self.logits * tf.one_hot(self.labels, tags), -1)
        pairs = tf.gather_nd(self.transitions, tf.stack([self.labels[:, :-1], self.labels[:, 1:]], -1))
        score = tf.reduce_sum(unary * mask, 1) + tf.reduce_sum(pairs * mask[:, 1:], 1)

        def forward(alpha: Tensor, step: tuple[Tensor, Tensor]) -> Tensor:
            emission, alive = step
            new = tf.reduce_logsumexp(alpha[:, :, None] + self.transitions[None], 1) + emission
            return tf.where(alive > 0, new, alpha)

        rest = (tf.transpose(self.logits[:, 1:], [1, 0, 2]), tf.transpose(mask[:, 1:])[:, :, None])
        alphas = tf.scan(forward, rest, initializer=self.logits[:, 0])
        log_norm = tf.reduce_logsumexp(alphas[-1], 1)
        self.loss = tf.reduce_mean(log_norm - score)


@case("tagger")
def names_by_bilstm_and_crf_decoded_outside() -> Truths:
    """Viterbi is done in numpy: the author fetches emission scores together with the transition matrix."""
    model = NerModel()
    model.add_placeholders()
    model.add_logits(9)
    model.add_crf(9)
    v1.summary.scalar("loss", model.loss)
    with v1.variable_scope("train_step"):
        optimizer = v1.train.AdamOptimizer(model.lr)
        grads, vs = zip(*optimizer.compute_gradients(model.loss), strict=True)
        grads, _ = tf.clip_by_global_norm(grads, 5.0)
        optimizer.apply_gradients(zip(grads, vs, strict=True))
    fed = [model.word_ids, model.sequence_lengths, model.char_ids, model.word_lengths]
    return [(fed, [model.logits, model.transitions]), (fed, [model.logits])]


class PTB:
    """A word model, unrolled; made twice with shared weights."""

    def __init__(self, words: Tensor, targets: Tensor | None, steps: int, keep: float) -> None:
        vocab, size, layers = 200, 16, 2
        batch = words.shape[0]
        self.initial_state = []
        for i in range(layers):
            c = v1.placeholder_with_default(tf.zeros([batch, size]), [batch, size], f"c{i}")
            h = v1.placeholder_with_default(tf.zeros([batch, size]), [batch, size], f"h{i}")
            self.initial_state.append((c, h))
        embedding = v1.get_variable("embedding", [vocab, size])
        inputs = tf.nn.embedding_lookup(embedding, words)
        if keep < 1:
            inputs = v1.nn.dropout(inputs, keep)
        state, outputs = list(self.initial_state), []
        with v1.variable_scope("RNN"):
            for t in range(steps):
                if t > 0:
                    v1.get_variable_scope().reuse_variables()
                x = inputs[:, t, :]
                for i in range(layers):
                    with v1.variable_scope(f"multi_rnn_cell/cell_{i}"):
                        x, state[i] = HandLSTM(size)(x, state[i])
                        x = v1.nn.dropout(x, keep) if keep < 1 else x
                outputs.append(x)
        output = tf.reshape(tf.concat(outputs, 1), [-1, size])
        logits = tf.matmul(output, v1.get_variable("softmax_w", [size, vocab]))
        logits += v1.get_variable("softmax_b", [vocab])
        self.final_state = [tf.identity(part) for layer in state for part in layer]
        self.probabilities = tf.nn.softmax(logits)
        if targets is not None:
            flat = tf.reshape(targets, [-1])
            losses = v1.nn.sparse_softmax_cross_entropy_with_logits(labels=flat, logits=logits)
            self.cost = tf.reduce_sum(losses) / float(words.shape[0])


@case("language")
def word_model_with_queue_and_a_model_for_generation() -> Truth:
    """Train reads windows from a producer queue; Generate is fed one word and the two layers' states."""
    raw = tf.constant(list(range(200)) * 3, tf.int32, name="raw_data")
    data = tf.reshape(raw, [4, 150])
    with tf.name_scope("PTBProducer"):
        i = v1.train.range_input_producer(20, shuffle=False).dequeue()
        x = tf.strided_slice(data, [0, i * 7], [4, (i + 1) * 7])
        x.set_shape([4, 7])
        y = tf.strided_slice(data, [0, i * 7 + 1], [4, (i + 1) * 7 + 1])
        y.set_shape([4, 7])
    init = v1.random_uniform_initializer(-0.1, 0.1)
    with tf.name_scope("Train"), v1.variable_scope("Model", initializer=init):
        m = PTB(x, y, 7, 0.65)
        v1.summary.scalar("Training_Loss", m.cost)
    lr = tf.Variable(0.0, trainable=False)
    new_lr = v1.placeholder(tf.float32, shape=[], name="new_learning_rate")
    v1.assign(lr, new_lr)
    grads, _ = tf.clip_by_global_norm(tf.gradients(m.cost, v1.trainable_variables()), 5)
    pairs = zip(grads, v1.trainable_variables(), strict=True)
    step = v1.train.get_or_create_global_step()
    v1.train.GradientDescentOptimizer(lr).apply_gradients(pairs, global_step=step)
    with tf.name_scope("Generate"), v1.variable_scope("Model", reuse=True):
        word = v1.placeholder(tf.int32, [1, 1], name="word")
        g = PTB(word, None, 1, 1.0)
    states = [part for layer in g.initial_state for part in layer]
    return [word, *states], [g.probabilities, *g.final_state]


class CharRNN:
    """The little Shakespeare, with attributes where the state is a tensor of zeros that gets fed over."""

    def __init__(self, batch_size: int, seq_length: int, vocab_size: int, rnn_size: int) -> None:
        self.input_data = v1.placeholder(tf.int32, [batch_size, seq_length])
        self.targets = v1.placeholder(tf.int32, [batch_size, seq_length])
        self.initial_state = tf.zeros([batch_size, rnn_size], name="rnnlm/zero_state")
        with v1.variable_scope("rnnlm"):
            softmax_w = v1.get_variable("softmax_w", [rnn_size, vocab_size])
            softmax_b = v1.get_variable("softmax_b", [vocab_size])
            embedding = v1.get_variable("embedding", [vocab_size, rnn_size])
            gates = v1.get_variable("gru/gates", [2 * rnn_size, 2 * rnn_size])
            candidate = v1.get_variable("gru/candidate", [2 * rnn_size, rnn_size])
        inputs = tf.split(tf.nn.embedding_lookup(embedding, self.input_data), seq_length, 1)
        h = self.initial_state
        outputs = []
        for piece in inputs:
            x = tf.squeeze(piece, [1])
            r, u = tf.split(tf.sigmoid(tf.matmul(tf.concat([x, h], 1), gates)), 2, 1)
            h = u * h + (1 - u) * tf.tanh(tf.matmul(tf.concat([x, r * h], 1), candidate))
            outputs.append(h)
        self.final_state = h
        output = tf.reshape(tf.concat(outputs, 1), [-1, rnn_size])
        self.logits = tf.matmul(output, softmax_w) + softmax_b
        self.probs = tf.nn.softmax(self.logits)
        loss = v1.nn.sparse_softmax_cross_entropy_with_logits(
            labels=tf.reshape(self.targets, [-1]), logits=self.logits)  # fmt: skip
        with tf.name_scope("cost"):
            self.cost = tf.reduce_sum(loss) / batch_size / seq_length
        self.lr = tf.Variable(0.0, trainable=False)
        tvars = v1.trainable_variables()
        grads, _ = tf.clip_by_global_norm(tf.gradients(self.cost, tvars), 5.0)
        with tf.name_scope("optimizer"):
            optimizer = v1.train.AdamOptimizer(self.lr)
        self.train_op = optimizer.apply_gradients(zip(grads, tvars, strict=True))
        v1.summary.histogram("logits", self.logits)
        v1.summary.scalar("train_loss", self.cost)


@case("language")
def little_shakespeare_whose_zero_state_is_fed() -> Truth:
    """``sample`` feeds {input_data, initial_state} and fetches [probs, final_state], again and again."""
    model = CharRNN(batch_size=1, seq_length=8, vocab_size=65, rnn_size=16)
    return [model.input_data, model.initial_state], [model.probs, model.final_state]


@case("language")
def song_lyrics_sampled_in_the_graph() -> Truths:
    """A prime text is read and N more characters are drawn by a while loop; temperature and N may be fed."""
    files = tf.data.Dataset.from_tensor_slices(tf.zeros([64, 21], tf.int32))
    batch = v1.data.make_one_shot_iterator(files.shuffle(64).repeat().batch(8)).get_next()
    table = v1.get_variable("char_embedding", [80, 12])
    wx = v1.get_variable("wx", [12, 64])
    wh = v1.get_variable("wh", [16, 64], initializer=v1.orthogonal_initializer())
    b = v1.get_variable("b", [64], initializer=v1.zeros_initializer())
    wo = v1.get_variable("wo", [16, 80])

    def cell(state: Tensor, ids: Tensor) -> Tensor:
        c, h = tf.unstack(state)
        z = tf.matmul(tf.gather(table, ids), wx) + tf.matmul(h, wh) + b
        i, f, o, g = tf.split(z, 4, 1)
        c = tf.sigmoid(f) * c + tf.sigmoid(i) * tf.tanh(g)
        return tf.stack([c, tf.sigmoid(o) * tf.tanh(c)])

    with tf.name_scope("train"):
        states = tf.scan(cell, tf.transpose(batch[:, :-1]), tf.zeros([2, tf.shape(batch)[0], 16]))
        logits = tf.tensordot(states[:, 1], wo, 1)
        loss = tf.reduce_mean(
            v1.nn.sparse_softmax_cross_entropy_with_logits(labels=tf.transpose(batch[:, 1:]), logits=logits)
        )
        perplexity = tf.exp(loss)
        v1.summary.scalar("perplexity", perplexity)
        v1.train.AdamOptimizer(2e-3).minimize(loss)
    with tf.name_scope("sample"):
        prime = v1.placeholder(tf.int32, [1, None], "prime")
        temperature = v1.placeholder_with_default(0.8, [], "temperature")
        count = v1.placeholder_with_default(200, [], "num_chars")
        warm = tf.scan(cell, tf.transpose(prime), tf.zeros([2, 1, 16]))[-1]

        def draw(i: Tensor, state: Tensor, text: Tensor) -> tuple[Tensor, Tensor, Tensor]:
            scores = tf.matmul(state[1], wo) / temperature
            char = v1.multinomial(scores, 1, output_dtype=tf.int32)
            return i + 1, cell(state, char[:, 0]), tf.concat([text, char], 1)

        shapes = [tf.TensorShape([]), tf.TensorShape([2, 1, 16]), tf.TensorShape([1, None])]
        loop = v1.while_loop(lambda i, *_: i < count, draw, [0, warm, prime], shapes, back_prop=False)
        text = tf.identity(loop[2], "text")
    return [([prime], [text]), ([prime, temperature, count], [text])]


class Seq2Seq:
    """Luong attention; teacher forcing and greedy search share weights."""

    def __init__(self, hidden: int, vocab_src: int, vocab_tgt: int) -> None:
        self.hidden = hidden
        self.src_embed = v1.get_variable("encoder/embedding", [vocab_src, hidden])
        self.tgt_embed = v1.get_variable("decoder/embedding", [vocab_tgt, hidden])
        sizes = {"encoder": (2, 4), "decoder": (3, 4), "attention": (2, 1), "score": (1, 1)}
        self.w = {
            part: v1.get_variable(f"{part}/kernel", [rows * hidden, cols * hidden])
            for part, (rows, cols) in sizes.items()
        }
        self.out = v1.get_variable("projection/kernel", [hidden, vocab_tgt])

    def lstm(self, part: str, x: Tensor, c: Tensor, h: Tensor) -> tuple[Tensor, Tensor]:
        """One step of either side."""
        i, j, f, o = tf.split(tf.matmul(tf.concat([x, h], 1), self.w[part]), 4, 1)
        c = c * tf.sigmoid(f + 1.0) + tf.sigmoid(i) * tf.tanh(j)
        return c, tf.tanh(c) * tf.sigmoid(o)

    def encode(self, source: Tensor, length: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """A while loop with a TensorArray, old states where the sentence has ended."""
        x = tf.transpose(tf.nn.embedding_lookup(self.src_embed, source), [1, 0, 2])
        steps, batch = tf.shape(x)[0], tf.shape(x)[1]
        reads = tf.TensorArray(tf.float32, steps).unstack(x)
        zero = tf.zeros([batch, self.hidden])

        def body(t: Tensor, c: Tensor, h: Tensor, outs: Any) -> Any:
            new_c, new_h = self.lstm("encoder", tf.ensure_shape(reads.read(t), [None, self.hidden]), c, h)
            going = (t < length)[:, None]
            c, h = tf.where(going, new_c, c), tf.where(going, new_h, h)
            return t + 1, c, h, outs.write(t, h)

        start = (0, zero, zero, tf.TensorArray(tf.float32, steps))
        _, c, h, outs = v1.while_loop(lambda t, *_: t < steps, body, start, swap_memory=True)
        memory = tf.transpose(outs.stack(), [1, 0, 2])
        return tf.ensure_shape(memory, [None, None, self.hidden]), c, h

    def step(self, word: Tensor, c: Tensor, h: Tensor, feed: Tensor, memory: Tensor, mask: Tensor) -> Any:
        """One target word with attention and input feeding."""
        x = tf.concat([tf.nn.embedding_lookup(self.tgt_embed, word), feed], 1)
        c, h = self.lstm("decoder", x, c, h)
        score = tf.einsum("bsh,bh->bs", memory, tf.matmul(h, self.w["score"])) + (1.0 - mask) * -1e9
        context = tf.einsum("bs,bsh->bh", tf.nn.softmax(score), memory)
        feed = tf.tanh(tf.matmul(tf.concat([context, h], 1), self.w["attention"]))
        return c, h, feed, tf.matmul(feed, self.out)


@case("translation")
def luong_attention_with_greedy_while_loop() -> Truth:
    """Source ids and lengths in, target ids out of the greedy loop; target side only for training."""
    source = v1.placeholder(tf.int32, [None, None], "source")
    source_len = v1.placeholder(tf.int32, [None], "source_len")
    target_in = v1.placeholder(tf.int32, [None, None], "target_in")
    target_out = v1.placeholder(tf.int32, [None, None], "target_out")
    with v1.variable_scope("seq2seq", initializer=v1.random_uniform_initializer(-0.1, 0.1)):
        net = Seq2Seq(16, 120, 130)
    memory, c, h = net.encode(source, source_len)
    mask = tf.sequence_mask(source_len, tf.shape(source)[1], tf.float32)
    feed0 = tf.zeros_like(h)

    def forced(state: Any, word: Tensor) -> Any:
        return net.step(word, state[0], state[1], state[2], memory, mask)

    blank = tf.zeros([tf.shape(source)[0], 130])
    logits = tf.scan(forced, tf.transpose(target_in), (c, h, feed0, blank))[3]
    xent = v1.nn.sparse_softmax_cross_entropy_with_logits(labels=tf.transpose(target_out), logits=logits)
    weights = tf.transpose(tf.cast(target_out > 0, tf.float32))
    loss = tf.reduce_sum(xent * weights) / tf.reduce_sum(weights)
    opt = v1.train.GradientDescentOptimizer(1.0)
    gv = [(tf.clip_by_norm(g, 5.0), v) for g, v in opt.compute_gradients(loss)]
    opt.apply_gradients(gv, global_step=v1.train.get_or_create_global_step())

    limit = 2 * tf.reduce_max(source_len)
    go = tf.ones_like(source_len)

    def greedy(t: Tensor, word: Tensor, c: Tensor, h: Tensor, feed: Tensor, done: Tensor, ids: Any) -> Any:
        c, h, feed, scores = net.step(word, c, h, feed, memory, mask)
        best = tf.where(done, tf.zeros_like(word), tf.argmax(scores, 1, output_type=tf.int32))
        return t + 1, best, c, h, feed, done | tf.equal(best, 2), ids.write(t, best)

    ids = tf.TensorArray(tf.int32, 0, dynamic_size=True)
    first = (0, go, c, h, feed0, tf.zeros_like(go, tf.bool), ids)
    end = v1.while_loop(lambda t, w, c, h, f, done, i: (t < limit) & ~tf.reduce_all(done), greedy, first)
    translations = tf.transpose(end[-1].stack(), name="translations")
    return [source, source_len], [translations]


@case("translation")
def pointer_generator_for_headlines() -> Truth:
    """Copying needs the ids in the extended vocabulary and how many unknown words the articles have."""
    hidden, vocab, steps = 12, 90, 4
    enc_batch = v1.placeholder(tf.int32, [None, 20], name="enc_batch")
    enc_mask = v1.placeholder(tf.float32, [None, 20], name="enc_padding_mask")
    extend = v1.placeholder(tf.int32, [None, 20], name="enc_batch_extend_vocab")
    oovs = v1.placeholder(tf.int32, [], name="max_art_oovs")
    dec_batch = v1.placeholder(tf.int32, [None, steps], name="dec_batch")
    target_batch = v1.placeholder(tf.int32, [None, steps], name="target_batch")
    dec_mask = v1.placeholder(tf.float32, [None, steps], name="dec_padding_mask")

    def linear(args: list[Tensor], size: int, scope: str) -> Tensor:
        with v1.variable_scope(scope, reuse=v1.AUTO_REUSE):
            joined = tf.concat(args, 1)
            m = v1.get_variable("Matrix", [int(joined.shape[1]), size])
            return tf.matmul(joined, m) + v1.get_variable("Bias", [size], initializer=v1.zeros_initializer())

    with v1.variable_scope("embedding"):
        embedding = v1.get_variable("embedding", [vocab, hidden])
    with v1.variable_scope("encoder"):
        x = tf.nn.embedding_lookup(embedding, tf.minimum(enc_batch, vocab - 1))
        (fw, bw), (st_fw, st_bw) = v1.nn.bidirectional_dynamic_rnn(
            HandLSTM(hidden), HandLSTM(hidden), x, dtype=tf.float32,
            sequence_length=tf.cast(tf.reduce_sum(enc_mask, 1), tf.int32))  # fmt: skip
        enc_states = tf.concat([fw, bw], 2)
    with v1.variable_scope("reduce_final_st"):
        state0 = tuple(tf.nn.relu(linear([st_fw[i], st_bw[i]], hidden, f"reduce_{i}")) for i in range(2))
    batch = tf.shape(enc_batch)[0]
    rows = tf.tile(tf.range(batch)[:, None], [1, 20])

    def decode(word: Tensor, state: Any, coverage: Tensor) -> Any:
        with v1.variable_scope("attention_decoder", reuse=v1.AUTO_REUSE):
            inp = tf.nn.embedding_lookup(embedding, tf.minimum(word, vocab - 1))
            out, state = HandLSTM(hidden)(inp, state)
            w_h = v1.get_variable("W_h", [2 * hidden, hidden])
            v, w_c = v1.get_variable("v", [hidden]), v1.get_variable("w_c", [hidden])
            feats = tf.tensordot(enc_states, w_h, 1) + linear([*state], hidden, "Attention")[:, None]
            e = tf.reduce_sum(v * tf.tanh(feats + coverage[:, :, None] * w_c), 2)
            a = tf.nn.softmax(e) * enc_mask
            a /= tf.reduce_sum(a, 1, keepdims=True)
            context = tf.reduce_sum(a[:, :, None] * enc_states, 1)
            p_gen = tf.sigmoid(linear([context, *state, inp], 1, "calculate_pgen"))
            scores = linear([out, context], vocab, "output_projection")
            vocab_dist = p_gen * tf.nn.softmax(scores)
            padded = tf.concat([vocab_dist, tf.zeros([batch, oovs])], 1)
            copied = tf.scatter_nd(tf.stack([rows, extend], 2), (1 - p_gen) * a, tf.shape(padded))
        return padded + copied, state, a

    nll, cov, state, covloss = [], tf.zeros_like(enc_mask), state0, 0.0
    for t in range(steps):
        dist, state, a = decode(dec_batch[:, t], state, cov)
        gold = tf.gather_nd(dist, tf.stack([tf.range(batch), target_batch[:, t]], 1))
        nll.append(-tf.math.log(gold + 1e-9) * dec_mask[:, t])
        covloss += tf.reduce_mean(tf.reduce_sum(tf.minimum(a, cov), 1) * dec_mask[:, t])
        cov += a
    loss = tf.reduce_mean(tf.add_n(nll) / tf.reduce_sum(dec_mask, 1))
    total = loss + 1.0 * covloss
    v1.summary.scalar("total_loss", total)
    grads, norm = tf.clip_by_global_norm(tf.gradients(total, v1.trainable_variables()), 2.0)
    v1.summary.scalar("global_norm", norm)
    v1.train.AdagradOptimizer(0.15, 0.1).apply_gradients(zip(grads, v1.trainable_variables(), strict=True))
    words, cov, state = [], tf.zeros_like(enc_mask), state0
    token = tf.fill([batch], 2)
    for _ in range(steps):
        dist, state, a = decode(token, state, cov)
        cov += a
        token = tf.argmax(dist, 1, output_type=tf.int32)
        words.append(token)
    summary = tf.stack(words, 1, name="decoded_ids")
    return [enc_batch, enc_mask, extend, oovs], [summary]


@case("language")
def chatbot_with_a_placeholder_for_each_word() -> Truth:
    """Lists of time-major placeholders; ``predict`` feeds only the encoder's and stacks the logits."""
    n, hidden, vocab = 6, 16, 150
    enc_ip = [v1.placeholder(tf.int64, [None], name=f"ei_{t}") for t in range(n)]
    labels = [v1.placeholder(tf.int64, [None], name=f"ei_{t}") for t in range(n)]
    dec_ip = [tf.zeros_like(enc_ip[0], dtype=tf.int64, name="GO"), *labels[:-1]]
    keep_prob = v1.placeholder(tf.float32)

    def run(feed_previous: bool) -> list[Tensor]:
        enc_embedding = v1.get_variable("enc_embedding", [vocab, hidden])
        dec_embedding = v1.get_variable("dec_embedding", [vocab, hidden])
        w, b = v1.get_variable("proj_w", [hidden, vocab]), v1.get_variable("proj_b", [vocab])
        zero = tf.zeros([tf.shape(enc_ip[0])[0], hidden])
        state = (zero, zero)
        outs: list[Tensor] = []
        for ids in enc_ip:
            with v1.variable_scope("encoder"):
                out, state = HandLSTM(hidden)(tf.nn.embedding_lookup(enc_embedding, ids), state)
        for t, ids in enumerate(dec_ip):
            word = tf.argmax(outs[-1], 1) if feed_previous and t else ids
            with v1.variable_scope("decoder"):
                out, state = HandLSTM(hidden)(tf.nn.embedding_lookup(dec_embedding, word), state)
            outs.append(tf.matmul(v1.nn.dropout(out, keep_prob), w) + b)
        return outs

    with v1.variable_scope("decoder") as scope:
        decode_outputs = run(feed_previous=False)
        scope.reuse_variables()
        decode_outputs_test = run(feed_previous=True)
    loss = tf.add_n([
        tf.reduce_mean(v1.nn.sparse_softmax_cross_entropy_with_logits(labels=label, logits=out))
        for label, out in zip(labels, decode_outputs, strict=True)
    ]) / n  # fmt: skip
    v1.train.AdamOptimizer(learning_rate=1e-4).minimize(loss)
    return [*enc_ip], [*decode_outputs_test]
