"""Graphs whose plumbing varies: Estimator modes, Keras in graph mode, iterators, queues, serving, towers."""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf

from benchmarks.endpoints.cases import Truth, Truths, case, v1

Tensor = Any


def _fc(x: Tensor, units: int, scope: str, act: Any = None) -> Tensor:
    with v1.variable_scope(scope, reuse=v1.AUTO_REUSE):
        kernel = v1.get_variable("kernel", [int(x.shape[-1]), units])
        bias = v1.get_variable("bias", [units], initializer=v1.zeros_initializer())
        out = tf.nn.bias_add(tf.matmul(x, kernel), bias)
        return act(out) if act else out


def _conv(
    x: Tensor, filters: int, scope: str, *, size: int = 3, stride: int = 1, act: Any = tf.nn.relu
) -> Tensor:
    with v1.variable_scope(scope, reuse=v1.AUTO_REUSE):
        kernel = v1.get_variable("weights", [size, size, int(x.shape[-1]), filters])
        bias = v1.get_variable("biases", [filters], initializer=v1.constant_initializer(0.1))
        out = tf.nn.bias_add(v1.nn.conv2d(x, kernel, [1, stride, stride, 1], "SAME"), bias)
        return act(out) if act else out


@case("classifier")
def estimator_train_graph_of_csv_columns() -> Truths:
    """What a DNNClassifier writes in TRAIN mode: a dict of columns from a one-shot iterator, and a head.

    A deployer feeds the columns in place of the iterator; the label is its last component.
    """
    columns = ["body_mass", "culmen_depth", "culmen_length", "flipper_length"]

    def parse(line: Tensor) -> Tensor:
        *values, species = tf.io.decode_csv(line, [[0.0]] * 4 + [[0]])
        return dict(zip(columns, values, strict=True)), species

    step = v1.train.get_or_create_global_step()
    data = v1.data.TextLineDataset(["penguins_train.csv"]).skip(1).map(parse).shuffle(300).repeat().batch(32)
    features, labels = v1.data.make_one_shot_iterator(data).get_next()
    with v1.variable_scope("dnn"):
        with v1.name_scope("input_from_feature_columns/input_layer"):
            parts = []
            for name in columns:
                with v1.name_scope(name):
                    parts.append(tf.reshape(tf.expand_dims(features[name], -1), [-1, 1]))
            net = tf.concat(parts, 1)
        for i, units in enumerate([16, 8]):
            net = _fc(net, units, f"hiddenlayer_{i}", tf.nn.relu)
            v1.summary.scalar(f"dnn/hiddenlayer_{i}/fraction_of_zero_values", tf.math.zero_fraction(net))
            v1.summary.histogram(f"dnn/hiddenlayer_{i}/activation", net)
        logits = _fc(net, 3, "logits")
    with v1.name_scope("dnn/head"):
        with v1.name_scope("predictions"):
            class_ids = tf.expand_dims(tf.argmax(logits, -1, name="class_ids"), -1)
            tf.as_string(class_ids, name="str_classes")
            probabilities = tf.nn.softmax(logits, name="probabilities")
        losses = v1.losses.sparse_softmax_cross_entropy(labels, logits, reduction=v1.losses.Reduction.NONE)
        loss = tf.reduce_mean(losses, name="weighted_loss")
        v1.train.AdagradOptimizer(0.05).minimize(loss, global_step=step)
    return [([features[n] for n in columns], [probabilities]), ([features[n] for n in columns], [class_ids])]


@case("multi task")
def estimator_eval_graph_with_two_heads() -> Truth:
    """The graph of Estimator.evaluate: streaming metrics and no optimizer; age and gender from one face.

    The images of the initializable iterator are fed, and both heads answer.
    """
    v1.train.get_or_create_global_step()
    files = v1.data.Dataset.from_tensor_slices(["faces-0.tfrecord", "faces-1.tfrecord"])

    def parse(record: Tensor) -> Tensor:
        spec = {
            "image/raw": tf.io.FixedLenFeature([], tf.string),
            "age": tf.io.FixedLenFeature([], tf.float32),
            "gender": tf.io.FixedLenFeature([], tf.int64),
        }
        row = tf.io.parse_single_example(record, spec)
        image = tf.reshape(tf.io.decode_raw(row["image/raw"], tf.uint8), [32, 32, 3])
        return {"image": tf.cast(image, tf.float32) / 127.5 - 1.0}, (row["age"], row["gender"])

    faces = files.flat_map(tf.data.TFRecordDataset).map(parse).batch(16)
    iterator = v1.data.make_initializable_iterator(faces)
    v1.add_to_collection(v1.GraphKeys.TABLE_INITIALIZERS, iterator.initializer)
    features, (age_label, gender_label) = iterator.get_next()
    net = features["image"]
    for i, width in enumerate([8, 16, 16]):
        net = _conv(net, width, f"trunk/block{i + 1}", stride=2)
    net = tf.reduce_mean(net, [1, 2])
    with v1.variable_scope("age_head"):
        age = tf.squeeze(_fc(net, 1, "out", tf.nn.softplus), -1, name="predicted_age")
    with v1.variable_scope("gender_head"):
        logits = _fc(net, 2, "out")
        gender = tf.nn.softmax(logits)
    loss = v1.losses.huber_loss(age_label, age, weights=0.1)
    loss += v1.losses.sparse_softmax_cross_entropy(gender_label, logits)
    v1.metrics.mean(loss, name="eval_loss")
    v1.metrics.mean_absolute_error(age_label, age, name="age_mae")
    v1.metrics.accuracy(gender_label, tf.argmax(logits, 1), name="gender_accuracy")
    eval_step = v1.get_variable(
        "eval_step", [], tf.int64, v1.zeros_initializer(), trainable=False, collections=["local_variables"]
    )
    v1.assign_add(eval_step, 1)
    return [features["image"]], [age, gender]


@case("recommender")
def estimator_predict_graph_of_wide_and_deep() -> Truths:
    """PREDICT mode with a parsing serving receiver: serialized examples go in, the binary head answers.

    The classification signature has scores and classes; the predict signature has all of the head.
    """
    v1.train.get_or_create_global_step()
    serialized = v1.placeholder(tf.string, [None], name="input_example_tensor")
    spec = {
        "genres": tf.io.VarLenFeature(tf.string),
        "user": tf.io.FixedLenFeature([1], tf.string, ""),
        "hour": tf.io.FixedLenFeature([1], tf.float32, 0.0),
    }
    parsed = v1.io.parse_example(serialized, spec, name="ParseExample/ParseExample")
    with v1.variable_scope("dnn"):
        genre_ids = tf.SparseTensor(
            parsed["genres"].indices,
            tf.strings.to_hash_bucket_fast(parsed["genres"].values, 50, name="genres_lookup"),
            parsed["genres"].dense_shape,
        )
        genres = v1.nn.safe_embedding_lookup_sparse(v1.get_variable("genres_weights", [50, 8]), genre_ids)
        user_ids = tf.strings.to_hash_bucket_fast(tf.squeeze(parsed["user"], 1), 100)
        user = v1.nn.embedding_lookup(v1.get_variable("user_weights", [100, 8]), user_ids)
        net = _fc(tf.concat([genres, parsed["hour"] / 24.0, user], 1), 16, "hiddenlayer_0", tf.nn.relu)
        deep = _fc(net, 1, "logits")
    with v1.variable_scope("linear/linear_model"):
        wide = tf.gather(v1.get_variable("user/weights", [100, 1]), user_ids)
        wide += v1.get_variable("bias_weights", [1])
    logits = tf.add(deep, wide, name="add")
    with v1.name_scope("head/predictions"):
        logistic = tf.sigmoid(logits, name="logistic")
        two = tf.concat([tf.zeros_like(logits), logits], -1, name="two_class_logits")
        probabilities = tf.nn.softmax(two, name="probabilities")
        tf.expand_dims(tf.argmax(two, -1, name="class_ids"), -1)
    with v1.name_scope("head"):
        names = tf.as_string(tf.range(2), name="AsString")
        classes = tf.tile(tf.expand_dims(names, 0), [tf.shape(probabilities)[0], 1], name="Tile")
    feeds = [serialized]
    return [(feeds, [probabilities, classes]), (feeds, [probabilities]), (feeds, [logistic])]


@case("classifier")
def keras_functional_text_and_metadata() -> Truth:
    """A functional Keras model in graph mode, with targets, sample weights and scopes as fit() makes.

    The title and the numbers are fed; the sigmoid of the last layer is the model's output.
    """
    layers = tf.keras.layers
    title_in, meta_in = tf.keras.Input((12,), dtype="int32"), tf.keras.Input((5,))
    embedded = layers.Embedding(60, 8, name="word_embedding")(title_in)
    pooled = layers.GlobalMaxPooling1D(name="pool")(layers.Conv1D(16, 3, name="ngram")(embedded))
    dense_meta = layers.Dense(8, activation="relu", name="meta_dense")(meta_in)
    joined = layers.Concatenate(name="join")([pooled, dense_meta])
    body = tf.keras.Model([title_in, meta_in], joined, name="body")
    title = v1.placeholder(tf.int32, [None, 12], name="title")
    meta = v1.placeholder(tf.float32, [None, 5], name="meta")
    phase = v1.placeholder_with_default(False, [], name="keras_learning_phase")
    hidden = body([title, meta])
    with v1.name_scope("dropout_1"):
        hidden = v1.cond(phase, lambda: v1.nn.dropout(hidden, rate=0.4), lambda: tf.identity(hidden))
    clickbait = layers.Dense(1, activation="sigmoid", name="clickbait")(hidden)
    target = v1.placeholder(tf.float32, [None, None], name="clickbait_target")
    weights = v1.placeholder(tf.float32, [None], name="clickbait_sample_weights")
    with v1.name_scope("loss/clickbait_loss"):
        clipped = tf.clip_by_value(clickbait, 1e-7, 1.0 - 1e-7)
        entropy = -(target * tf.math.log(clipped) + (1.0 - target) * tf.math.log(1.0 - clipped))
        loss = tf.reduce_mean(tf.reduce_mean(entropy, -1) * weights)
    with v1.name_scope("metrics/acc"):
        tf.reduce_mean(tf.cast(tf.equal(target, tf.round(clickbait)), tf.float32))
    with v1.name_scope("training/Adam"):
        v1.train.AdamOptimizer(1e-3).minimize(loss, var_list=v1.trainable_variables())
    return [title, meta], [clickbait]


@case("classifier", frozen=True)
def keras_sequential_frozen_with_learning_phase() -> Truth:
    """A Sequential convnet of leaves, frozen for a phone: the learning phase survives with its default.

    The image is fed; the last softmax, which was renamed by an identity as people do, is fetched.
    """
    layers = tf.keras.layers
    features = tf.keras.Sequential(
        [
            layers.Conv2D(8, 3, padding="same", name="conv2d_1"),
            layers.BatchNormalization(name="bn_1"),
            layers.ReLU(name="relu_1"),
            layers.MaxPooling2D(name="pool_1"),
            layers.SeparableConv2D(16, 3, name="sep_1"),
            layers.GlobalAveragePooling2D(name="gap"),
        ],
        name="features",
    )
    picture = v1.placeholder(tf.float32, [None, 32, 32, 3], name="conv2d_1_input")
    phase = v1.placeholder_with_default(False, [], name="keras_learning_phase")
    flat = features(picture, training=False)
    flat = v1.cond(phase, lambda: v1.nn.dropout(flat, rate=0.5), lambda: flat)
    softmax = layers.Dense(7, activation="softmax", name="leaf")(flat)
    output = tf.identity(softmax, name="output_node0")
    labels = v1.placeholder(tf.float32, [None, 7], name="leaf_target")
    loss = -tf.reduce_mean(tf.reduce_sum(labels * tf.math.log(softmax + 1e-7), 1))
    v1.train.RMSPropOptimizer(1e-3).minimize(loss)
    return [picture], [output]


class _Ranker(tf.keras.Model):  # type: ignore[misc]
    def __init__(self) -> None:
        super().__init__(name="ranker")
        self.embed = tf.keras.layers.Embedding(80, 8, name="item_embedding")
        self.query = tf.keras.layers.Dense(16, activation="tanh", name="query")
        self.norm = tf.keras.layers.LayerNormalization(name="norm")
        self.score = tf.keras.layers.Dense(1, name="score")

    def call(self, inputs: Tensor) -> Tensor:
        history, candidate = inputs
        profile = self.query(tf.reduce_mean(self.embed(history), 1))
        joined = tf.concat([self.norm(profile), self.embed(candidate)], -1)
        return tf.squeeze(self.score(joined), -1)


@case("recommender", modern=True)
def keras_subclass_on_reinitializable_iterator() -> Truths:
    """A subclassed Keras model on an iterator that is reinitialized for training and validation.

    History and candidate of the iterator are fed in its place; the click label is not. A score is what ranks.
    """
    rows = np.arange(400, dtype=np.int32).reshape(40, 10) % 80
    clicks = (np.arange(40) % 2).astype(np.float32)
    train = v1.data.Dataset.from_tensor_slices(((rows, rows[:, 0]), clicks)).shuffle(40).repeat().batch(8)
    valid = v1.data.Dataset.from_tensor_slices(((rows[:8], rows[:8, 1]), clicks[:8])).batch(8)
    iterator = v1.data.Iterator.from_structure(
        v1.data.get_output_types(train), v1.data.get_output_shapes(train)
    )
    iterator.make_initializer(train, name="train_init")
    iterator.make_initializer(valid, name="valid_init")
    (history, candidate), clicked = iterator.get_next()
    model = _Ranker()
    scores = model((history, candidate))
    probability = tf.sigmoid(scores, name="p_click")
    loss = tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(labels=clicked, logits=scores))
    v1.metrics.auc(clicked, probability, num_thresholds=20)
    optimizer = v1.train.AdamOptimizer(0.01)
    grads, tvars = zip(*optimizer.compute_gradients(loss, v1.trainable_variables()), strict=True)
    clipped, _ = tf.clip_by_global_norm(grads, 5.0)
    optimizer.apply_gradients(zip(clipped, tvars, strict=True))
    return [([history, candidate], [probability]), ([history, candidate], [scores])]


@case("tagger")
def tagger_on_a_feedable_string_handle() -> Truth:
    """A dilated convolution tagger; a string handle chooses among the iterators of train, dev and test.

    Words and lengths come of the iterator with the tags; the masked best tags are what is printed.
    """
    handle = v1.placeholder(tf.string, shape=[], name="iterator_handle")
    keep_prob = v1.placeholder_with_default(1.0, [], name="keep_prob")

    def padded(path: str) -> Tensor:
        lines = v1.data.TextLineDataset([f"{path}.words", f"{path}.tags"]).batch(2, drop_remainder=True)

        def split(pair: Tensor) -> Tensor:
            words = tf.strings.to_hash_bucket_fast(v1.string_split([pair[0]]).values, 100)
            tags = tf.strings.to_number(v1.string_split([pair[1]]).values, tf.int32)
            return words, tf.size(words), tags

        return lines.map(split).padded_batch(16, ([None], [], [None]))

    trainset, devset = padded("train").repeat(), padded("dev")
    iterator = v1.data.Iterator.from_string_handle(
        handle, v1.data.get_output_types(trainset), v1.data.get_output_shapes(trainset)
    )
    v1.data.make_initializable_iterator(trainset).string_handle("train_handle")
    v1.data.make_initializable_iterator(devset).string_handle("dev_handle")
    words, lengths, tags = iterator.get_next()
    net = tf.gather(tf.Variable(tf.random.uniform([100, 16], -0.1, 0.1), name="E"), words)
    for dilation in (1, 2, 4):
        filters = tf.Variable(tf.random.truncated_normal([3, 16, 16], stddev=0.1), name=f"W_dil{dilation}")
        net += tf.nn.relu(tf.nn.convolution(net, filters, padding="SAME", dilations=[dilation]))
        net = v1.nn.dropout(net, keep_prob=keep_prob)
    logits = tf.tensordot(net, tf.Variable(tf.random.truncated_normal([16, 9]), name="W_out"), 1)
    mask = tf.sequence_mask(lengths, tf.shape(words)[1])
    best = tf.multiply(tf.argmax(logits, -1, output_type=tf.int32), tf.cast(mask, tf.int32), name="best_tags")
    losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=tags, logits=logits)
    loss = tf.reduce_mean(tf.boolean_mask(losses, mask))
    correct = tf.boolean_mask(tf.equal(best, tags), mask)
    v1.summary.scalar("token_accuracy", tf.reduce_mean(tf.cast(correct, tf.float32)))
    v1.train.MomentumOptimizer(0.01, 0.9, use_nesterov=True).minimize(loss)
    v1.summary.merge_all()
    return [words, lengths], [best]


@case("classifier")
def tiny_pictures_by_shuffle_batch() -> Truth:
    """The old tutorial manner: a filename queue, a fixed-length reader, distortions, shuffle_batch, averages.

    There is no placeholder; a deployer feeds the images of shuffle_batch and fetches the last linear layer.
    """
    filenames = v1.train.string_input_producer([f"data_batch_{i}.bin" for i in range(1, 6)])
    _, value = v1.FixedLengthRecordReader(record_bytes=1 + 32 * 32 * 3).read(filenames)
    record = tf.io.decode_raw(value, tf.uint8)
    label = tf.reshape(tf.cast(tf.strided_slice(record, [0], [1]), tf.int32), [1])
    depth_major = tf.reshape(tf.strided_slice(record, [1], [1 + 3072]), [3, 32, 32])
    picture = tf.cast(tf.transpose(depth_major, [1, 2, 0]), tf.float32)
    distorted = tf.image.random_flip_left_right(v1.random_crop(picture, [24, 24, 3]))
    distorted = tf.image.random_contrast(tf.image.random_brightness(distorted, 63), 0.2, 1.8)
    whitened = tf.image.per_image_standardization(distorted)
    images, labels = v1.train.shuffle_batch([whitened, label], 32, 500, 100, num_threads=4)
    v1.summary.image("images", images)
    net = v1.nn.max_pool(_conv(images, 16, "conv1", size=5), [1, 3, 3, 1], [1, 2, 2, 1], "SAME")
    net = v1.nn.lrn(net, 4, bias=1.0, alpha=0.001 / 9.0, beta=0.75, name="norm1")
    net = v1.nn.max_pool(_conv(net, 16, "conv2", size=5), [1, 3, 3, 1], [1, 2, 2, 1], "SAME")
    net = _fc(tf.reshape(net, [32, 6 * 6 * 16]), 24, "local3", tf.nn.relu)
    softmax_linear = _fc(net, 10, "softmax_linear")
    labels = tf.reshape(tf.cast(labels, tf.int64), [32])
    cross = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=softmax_linear)
    v1.add_to_collection("losses", tf.reduce_mean(cross, name="cross_entropy"))
    for var in v1.trainable_variables():
        v1.summary.histogram(var.op.name, var)
        if "weights" in var.op.name:
            v1.add_to_collection("losses", tf.multiply(tf.nn.l2_loss(var), 0.004, name="weight_loss"))
    total = tf.add_n(v1.get_collection("losses"), name="total_loss")
    step = v1.train.get_or_create_global_step()
    averages_of_losses = tf.train.ExponentialMovingAverage(0.9, name="avg").apply([total])
    with tf.control_dependencies([averages_of_losses]):
        rate = v1.train.exponential_decay(0.1, step, 1000, 0.1, staircase=True)
        optimizer = v1.train.GradientDescentOptimizer(rate)
        grads = optimizer.compute_gradients(total)
    applied = optimizer.apply_gradients(grads, global_step=step)
    averages = tf.train.ExponentialMovingAverage(0.9999, step)
    with tf.control_dependencies([applied, averages.apply(v1.trainable_variables())]):
        tf.no_op(name="train")
    return [images], [softmax_linear]


@case("audio")
def keywords_from_a_padding_queue() -> Truths:
    """A loader thread puts one spectrogram at a time into a padding queue, and the net takes eight out.

    The enqueue placeholders are the loader's; batches are fed in place of what is dequeued.
    """
    one = v1.placeholder(tf.float32, [None, 20], name="spectrogram")
    one_length = v1.placeholder(tf.int32, [], name="frames")
    one_label = v1.placeholder(tf.int32, [], name="keyword")
    queue = v1.PaddingFIFOQueue(64, [tf.float32, tf.int32, tf.int32], [[None, 20], [], []], name="loader")
    queue.enqueue([one, one_length, one_label], name="put")
    queue.close(cancel_pending_enqueues=True)
    mels, lengths, labels = queue.dequeue_many(8, name="take")
    net = mels
    for i in range(3):
        with v1.variable_scope(f"tdnn{i}"):
            taps = v1.get_variable("taps", [3, int(net.shape[-1]), 24])
            net = tf.nn.relu(tf.nn.conv1d(net, taps, 1, "SAME") + v1.get_variable("b", [24]))
    mask = tf.expand_dims(tf.sequence_mask(lengths, tf.shape(mels)[1], tf.float32), -1)
    mean = tf.reduce_sum(net * mask, 1) / tf.maximum(tf.reduce_sum(mask, 1), 1.0)
    deviation = tf.sqrt(tf.reduce_sum(tf.square(net - mean[:, None]) * mask, 1) + 1e-6)
    logits = _fc(tf.concat([mean, deviation], 1), 12, "keywords")
    posterior = tf.nn.softmax(logits, name="posterior")
    loss = v1.losses.sparse_softmax_cross_entropy(labels, logits)
    v1.summary.scalar("queue_size", queue.size())
    v1.train.AdadeltaOptimizer(1.0).minimize(loss, global_step=v1.train.create_global_step())
    return [([mels, lengths], [posterior]), ([mels, lengths], [logits])]


@case("classifier", plain=True)
def jpeg_bytes_to_named_plants() -> Truth:
    """A serving graph with its training still in it: bytes are decoded by map_fn, the best three are named.

    Training reads records, with shared weights; bytes of pictures are fed, names and scores fetched.
    """

    def prepared(data: Tensor) -> Tensor:
        picture = tf.image.convert_image_dtype(tf.image.decode_jpeg(data, channels=3), tf.float32)
        picture = v1.image.resize_bilinear(tf.expand_dims(picture, 0), [40, 40])[0]
        return tf.reshape((picture - 0.5) * 2.0, [40, 40, 3])

    def net(x: Tensor) -> Tensor:
        for i, width in enumerate([8, 12, 16]):
            x = _conv(x, width, f"plant/conv_{i}", stride=2)
        return _fc(tf.reduce_mean(x, [1, 2]), 11, "plant/fc")

    def record(example: Tensor) -> Tensor:
        spec = {"jpeg": tf.io.FixedLenFeature([], tf.string), "label": tf.io.FixedLenFeature([], tf.int64)}
        row = tf.io.parse_single_example(example, spec)
        return tf.image.random_flip_left_right(prepared(row["jpeg"])), row["label"]

    pairs = v1.data.TFRecordDataset("plants.tfrecord").map(record).shuffle(64).repeat().batch(16)
    train_images, train_labels = v1.data.make_one_shot_iterator(pairs).get_next()
    loss = v1.losses.sparse_softmax_cross_entropy(train_labels, net(train_images))
    v1.train.FtrlOptimizer(0.05).minimize(loss)
    image_bytes = v1.placeholder(tf.string, [None], name="image_bytes")
    images = tf.map_fn(prepared, image_bytes, fn_output_signature=tf.float32, back_prop=False)
    scores, indices = tf.nn.top_k(tf.nn.softmax(net(images)), 3)
    names = tf.constant([f"plant {i}" for i in range(11)])
    init = tf.lookup.KeyValueTensorInitializer(tf.range(11, dtype=tf.int64), names)
    table = tf.lookup.StaticHashTable(init, "UNKNOWN", name="names")
    classes = table.lookup(tf.cast(indices, tf.int64), name="classes")
    return [image_bytes], [classes, scores]


@case("classifier")
def retrained_last_layer_over_bottlenecks() -> Truth:
    """A new last layer over a fixed net: bottlenecks have a placeholder with default; JPEGs come aside.

    Decoded and resized pictures are fed to the net itself when it labels, and final_result is fetched.
    """
    picture = v1.placeholder(tf.float32, [None, 48, 48, 3], name="Placeholder")
    with v1.variable_scope("module"):
        net = picture
        for i in range(3):
            kernel = v1.get_variable(f"conv{i}/w", [3, 3, int(net.shape[-1]), 16], trainable=False)
            net = tf.nn.relu6(v1.nn.conv2d(net, kernel, [1, 2, 2, 1], "SAME"), name=f"conv{i}/Relu6")
        bottleneck = tf.reduce_mean(net, [1, 2], name="hub_output/feature_vector/SpatialSqueeze")
    with v1.name_scope("input"):
        fed = v1.placeholder_with_default(bottleneck, [None, 16], name="BottleneckInputPlaceholder")
        truth = v1.placeholder(tf.int64, [None], name="GroundTruthInput")
    with v1.name_scope("final_retrain_ops"):
        with v1.name_scope("weights"):
            weights = tf.Variable(tf.random.truncated_normal([16, 5], stddev=0.001), name="final_weights")
            v1.summary.scalar("stddev", tf.math.reduce_std(weights))
        with v1.name_scope("biases"):
            biases = tf.Variable(tf.zeros([5]), name="final_biases")
        with v1.name_scope("Wx_plus_b"):
            logits = tf.matmul(fed, weights) + biases
            v1.summary.histogram("pre_activations", logits)
    final = tf.nn.softmax(logits, name="final_result")
    with v1.name_scope("cross_entropy"):
        loss = v1.losses.sparse_softmax_cross_entropy(truth, logits)
    with v1.name_scope("train"):
        v1.train.GradientDescentOptimizer(0.01).minimize(loss)
    with v1.name_scope("accuracy"):
        right = tf.equal(tf.argmax(final, 1), truth)
        v1.summary.scalar("accuracy", tf.reduce_mean(tf.cast(right, tf.float32)))
    jpeg = v1.placeholder(tf.string, name="DecodeJPGInput")
    decoded = tf.expand_dims(tf.image.convert_image_dtype(tf.image.decode_jpeg(jpeg, 3), tf.float32), 0)
    v1.image.resize_bilinear(decoded, [48, 48])
    other = v1.placeholder(tf.string, name="DistortJPGInput")
    raw = tf.expand_dims(tf.cast(tf.image.decode_jpeg(other, 3), tf.float32), 0)
    scaled = v1.image.resize_bilinear(raw, [56, 56])
    cropped = tf.image.random_flip_left_right(v1.random_crop(tf.squeeze(scaled, [0]), [48, 48, 3]))
    tf.expand_dims(cropped * tf.random.uniform([], 0.9, 1.1), 0, name="DistortResult")
    return [picture], [final]


@case("detector")
def grid_detector_on_two_gpus_with_a_test_tower() -> Truth:
    """Two towers share weights and average their gradients; a third, reused, decodes boxes of one test image.

    The iterator is for the towers; the test image is fed, boxes, scores, classes after NMS are fetched.
    """
    pictures, grids = np.zeros([16, 64, 64, 3], np.float32), np.zeros([16, 8, 8, 8], np.float32)
    batch = v1.data.make_one_shot_iterator(
        v1.data.Dataset.from_tensors((pictures, grids)).repeat()
    ).get_next()

    def backbone(x: Tensor) -> Tensor:
        for i, width in enumerate([8, 16, 24]):
            x = _conv(x, width, f"darknet/conv{i}", stride=2, act=tf.nn.leaky_relu)
        return _conv(x, 8, "head", size=1, act=None)

    optimizer = v1.train.AdamOptimizer(1e-4)
    tower_grads = []
    for gpu in range(2):
        with v1.device(f"/gpu:{gpu}"), v1.name_scope(f"tower_{gpu}"):
            image, truth = (tf.split(part, 2)[gpu] for part in batch)
            out = backbone(image)
            has = truth[..., 4:5]
            loss = tf.reduce_sum(has * tf.square(out[..., :4] - truth[..., :4]))
            loss += tf.reduce_sum(tf.nn.sigmoid_cross_entropy_with_logits(labels=has, logits=out[..., 4:5]))
            loss += tf.reduce_sum(v1.nn.softmax_cross_entropy_with_logits_v2(truth[..., 5:], out[..., 5:]))
            v1.summary.scalar("loss", loss)
            tower_grads.append(optimizer.compute_gradients(loss))
    averaged = []
    for pairs in zip(*tower_grads, strict=True):
        grad = tf.reduce_mean(tf.concat([tf.expand_dims(g, 0) for g, _ in pairs], 0), 0)
        averaged.append((grad, pairs[0][1]))
    optimizer.apply_gradients(averaged, global_step=v1.train.get_or_create_global_step())
    with v1.device("/gpu:0"), v1.name_scope("test_tower"):
        test_image = v1.placeholder(tf.float32, [1, 64, 64, 3], name="input_data")
        raw = backbone(test_image)[0]
        cells = tf.cast(tf.stack(tf.meshgrid(tf.range(8), tf.range(8)), -1), tf.float32)
        centre, size = (tf.sigmoid(raw[..., :2]) + cells) / 8.0, tf.exp(raw[..., 2:4]) * 0.3
        boxes = tf.reshape(tf.concat([centre - size / 2.0, centre + size / 2.0], -1), [-1, 4])
        scores = tf.reshape(tf.sigmoid(raw[..., 4:5]) * tf.nn.softmax(raw[..., 5:]), [-1, 3])
        best = tf.reduce_max(scores, 1)
        keep = tf.image.non_max_suppression(boxes, best, 20, iou_threshold=0.45)
        kept_boxes = tf.gather(boxes, keep, name="pred_boxes")
        kept_scores = tf.gather(best, keep, name="pred_scores")
        kept_classes = tf.gather(tf.argmax(scores, 1), keep, name="pred_classes")
    return [test_image], [kept_boxes, kept_scores, kept_classes]


class _LanguageModel:
    def __init__(self, training: bool, batch: int, steps: int) -> None:
        self.input_data = v1.placeholder(tf.int32, [batch, steps], name="input_data")
        self.targets = v1.placeholder(tf.int32, [batch, steps], name="targets")
        self.c, self.h = tf.zeros([batch, 16], name="c"), tf.zeros([batch, 16], name="h")
        embedding = v1.get_variable("embedding", [50, 16])
        inputs = tf.nn.embedding_lookup(embedding, self.input_data)
        if training:
            inputs = v1.nn.dropout(inputs, keep_prob=0.7)
        c, h, outputs = self.c, self.h, []
        with v1.variable_scope("RNN"):
            for step in range(steps):
                if step > 0:
                    v1.get_variable_scope().reuse_variables()
                gates = _fc(tf.concat([inputs[:, step], h], 1), 64, "basic_lstm_cell")
                i, j, f, o = tf.split(gates, 4, 1)
                c = c * tf.sigmoid(f + 1.0) + tf.sigmoid(i) * tf.tanh(j)
                h = tf.tanh(c) * tf.sigmoid(o)
                outputs.append(h)
        self.final_c, self.final_h = c, h
        output = tf.reshape(tf.stack(outputs, 1), [-1, 16])
        softmax_w, softmax_b = v1.get_variable("softmax_w", [16, 50]), v1.get_variable("softmax_b", [50])
        self.logits = tf.matmul(output, softmax_w) + softmax_b
        self.probs = tf.nn.softmax(self.logits, name="probs")
        flat = tf.reshape(self.targets, [-1])
        loss = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=flat, logits=self.logits)
        self.cost = tf.reduce_sum(loss) / batch
        if training:
            self.lr = tf.Variable(0.0, trainable=False, name="lr")
            grads, _ = tf.clip_by_global_norm(tf.gradients(self.cost, v1.trainable_variables()), 5.0)
            optimizer = v1.train.GradientDescentOptimizer(self.lr)
            optimizer.apply_gradients(zip(grads, v1.trainable_variables(), strict=True))
            self.lr.assign(v1.placeholder(tf.float32, [], name="new_learning_rate"))


@case("language")
def three_language_models_that_share_weights() -> Truths:
    """Train, Valid and Test nets in one graph with reused variables; each has its own placeholders and state.

    The test net goes word by word: its word and state are fed, the distribution and the new state fetched.
    """
    init = v1.random_uniform_initializer(-0.1, 0.1)
    with v1.name_scope("Train"), v1.variable_scope("Model", initializer=init):
        train = _LanguageModel(training=True, batch=8, steps=5)
        v1.summary.scalar("Training_Loss", train.cost)
    with v1.name_scope("Valid"), v1.variable_scope("Model", reuse=True, initializer=init):
        v1.summary.scalar("Validation_Loss", _LanguageModel(training=False, batch=8, steps=5).cost)
    with v1.name_scope("Test"), v1.variable_scope("Model", reuse=True, initializer=init):
        test = _LanguageModel(training=False, batch=1, steps=1)
    feeds, state = [test.input_data, test.c, test.h], [test.final_c, test.final_h]
    return [(feeds, [test.probs, *state]), (feeds, [test.logits, *state])]
