"""What engineers and hobbyists left on disk: Keras in a session, estimators, exports, hand-made loops."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow.python import keras
from tensorflow.python.keras.layers import recurrent
from tensorflow.python.keras.layers.legacy_rnn import rnn_cell_impl as cells
from tensorflow.python.keras.legacy_tf_layers import convolutional, core

from benchmarks.endpoints.cases import Truth, Truths, case, v1

Tensor = Any
Act = Callable[[Any], Any] | None
L = keras.layers
K = keras.backend
fc = tf.feature_column


def _hush(build: Callable[[], Truths]) -> Callable[[], Truths]:
    """Old layers tell everybody that they are old; here that is the point."""

    @functools.wraps(build)
    def quiet() -> Truths:
        state = np.random.get_state()
        np.random.seed(1)  # where Keras takes its seeds from
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                return build()
        finally:
            np.random.set_state(state)

    return quiet


def _before(tensor: Tensor) -> Tensor:
    """What a last activation reads."""
    return tensor.op.inputs[0]


class BatchNormalization(keras.layers.Layer):  # type: ignore[misc]
    """The layer of that name, which looks at the learning phase."""

    def build(self, shape: Any) -> None:
        """Make the four variables."""
        depth = (int(shape[-1]),)
        self.gamma = self.add_weight("gamma", depth, initializer="ones")
        self.beta = self.add_weight("beta", depth, initializer="zeros")
        self.moving_mean = self.add_weight("moving_mean", depth, initializer="zeros", trainable=False)
        self.moving_variance = self.add_weight("moving_variance", depth, initializer="ones", trainable=False)
        super().build(shape)

    def call(self, x: Tensor, training: Any = None) -> Tensor:
        """Moments of the batch in training, moving ones otherwise."""
        mean, variance = tf.nn.moments(x, list(range(x.shape.rank - 1)))
        self.add_update(K.moving_average_update(self.moving_mean, mean, 0.99))
        self.add_update(K.moving_average_update(self.moving_variance, variance, 0.99))
        mean = K.in_train_phase(mean, tf.identity(self.moving_mean), training=training)
        variance = K.in_train_phase(variance, tf.identity(self.moving_variance), training=training)
        mean.set_shape(self.gamma.shape)
        variance.set_shape(self.gamma.shape)
        return tf.nn.batch_normalization(x, mean, variance, self.beta, self.gamma, 1e-3)


def _functions(model: Any) -> Any:
    """What fit, evaluate and predict add to the graph."""
    model._make_train_function()
    model._make_test_function()
    model._make_predict_function()
    return model


def _conv(
    x: Tensor, filters: int, size: Any, stride: Any = 1, act: Act = None, name: str | None = None
) -> Tensor:
    """A convolution of the old functional layers."""
    return convolutional.Conv2D(filters, size, stride, "same", activation=act, name=name)(x)


def _pool(x: Tensor) -> Tensor:
    return v1.nn.max_pool(x, [1, 2, 2, 1], [1, 2, 2, 1], "SAME")


def _dense(x: Tensor, units: int, act: Act = None, name: str | None = None) -> Tensor:
    return core.Dense(units, activation=act, name=name)(x)


# Queues, readers, exports


@case("classifier")
@_hush
def parts_on_a_belt_by_queue_or_by_hand() -> Truths:
    """Batches of a queue unless somebody feeds others: placeholders with default, three convolutions."""

    def weight_variable(shape: Sequence[int]) -> Tensor:
        return v1.Variable(tf.random.truncated_normal(list(shape), stddev=0.1))

    def bias_variable(shape: Sequence[int]) -> Tensor:
        return v1.Variable(tf.constant(0.1, shape=list(shape)))

    with tf.name_scope("input"):
        queue = v1.train.string_input_producer(["train.tfrecords"], num_epochs=30)
        _, example = v1.TFRecordReader().read(queue)
        spec = {
            "image_raw": v1.FixedLenFeature([], tf.string),
            "label": v1.FixedLenFeature([], tf.int64),
        }
        features = v1.parse_single_example(example, features=spec)
        image = tf.reshape(v1.decode_raw(features["image_raw"], tf.uint8), [32, 32, 1])
        image = tf.cast(image, tf.float32) * (1.0 / 255) - 0.5
        images, sparse_labels = v1.train.shuffle_batch(
            [image, tf.cast(features["label"], tf.int32)],
            batch_size=16,
            capacity=1064,
            min_after_dequeue=1000,
        )
    x = v1.placeholder_with_default(images, [None, 32, 32, 1], name="x")
    y_ = v1.placeholder_with_default(sparse_labels, [None], name="y_")
    keep_prob = v1.placeholder_with_default(1.0, [], name="keep_prob")
    h, depth = x, 1
    for filters in (8, 16, 16):
        h = tf.nn.conv2d(h, weight_variable([3, 3, depth, filters]), [1, 1, 1, 1], "SAME")
        h, depth = _pool(tf.nn.relu(h + bias_variable([filters]))), filters
    flat = tf.reshape(h, [-1, 4 * 4 * 16])
    h_fc1 = tf.nn.relu(tf.matmul(flat, weight_variable([256, 32])) + bias_variable([32]))
    h_fc1_drop = v1.nn.dropout(h_fc1, keep_prob)
    logits = tf.matmul(h_fc1_drop, weight_variable([32, 4])) + bias_variable([4])
    xent = v1.nn.sparse_softmax_cross_entropy_with_logits(labels=y_, logits=logits)
    loss = tf.reduce_mean(xent)
    train_step = v1.train.AdamOptimizer(1e-4).minimize(loss)
    y = tf.nn.softmax(logits)
    best = tf.argmax(y, 1)
    predicted = tf.cast(best, tf.int32)
    accuracy = tf.reduce_mean(tf.cast(tf.equal(predicted, y_), tf.float32))
    v1.summary.scalar("loss", loss)
    v1.summary.scalar("accuracy", accuracy)
    v1.summary.image("parts", x, 4)
    v1.summary.merge_all()
    tf.group(train_step, v1.local_variables_initializer())
    return [([x], [y]), ([x], [predicted]), ([x], [best]), ([x], [logits])]


@case("detector")
@_hush
def products_on_shelves_exported_with_encoded_pictures() -> Truth:
    """A detector's export with its checkpoint: strings decoded by a map, boxes suppressed by another."""
    v1.train.get_or_create_global_step()
    strings = v1.placeholder(tf.string, [None], name="encoded_image_string_tensor")

    def decode(encoded: Tensor) -> Tensor:
        picture = tf.image.decode_image(encoded, channels=3)
        picture.set_shape([None, None, 3])
        return picture

    images = v1.map_fn(decode, strings, dtype=tf.uint8, parallel_iterations=32, back_prop=False)
    inputs = v1.to_float(images)
    with tf.name_scope("Preprocessor"):

        def resize(picture: Tensor) -> tuple[Tensor, Tensor]:
            with tf.name_scope("ResizeImage"):
                small = v1.image.resize_images(picture, [64, 64])
                return small, tf.constant([64, 64, 3])

        resized, true_shapes = v1.map_fn(resize, inputs, dtype=(tf.float32, tf.int32), back_prop=False)
        resized = tf.subtract(tf.multiply(2.0 / 255.0, resized), 1.0)

    def conv(x: Tensor, filters: int, size: int, stride: int, scope: str, act: Act = tf.nn.relu6) -> Tensor:
        with v1.variable_scope(scope):
            w = v1.get_variable("weights", [size, size, int(x.shape[-1]), filters])
            y = tf.nn.conv2d(x, w, [1, stride, stride, 1], "SAME")
            if act is None:
                return tf.nn.bias_add(y, v1.get_variable("biases", [filters]))
            with v1.variable_scope("BatchNorm"):
                gamma, beta, mean, var = (
                    v1.get_variable(n, [filters]) for n in ("gamma", "beta", "moving_mean", "moving_variance")
                )
                y, *_ = v1.nn.fused_batch_norm(y, gamma, beta, mean, var, 1e-3, is_training=False)
            return act(y)

    with v1.variable_scope("FeatureExtractor"), v1.variable_scope("MobilenetV1"):
        net = conv(resized, 8, 3, 2, "Conv2d_0")
        net = conv(net, 12, 3, 2, "Conv2d_1_pointwise")
        net = conv(net, 16, 3, 2, "Conv2d_2_pointwise")
        maps = [net, conv(net, 16, 3, 2, "Conv2d_13_pointwise_2_Conv2d_2_3x3_s2_32")]
    boxes, classes = [], []
    batch = tf.shape(resized)[0]
    for k, feature in enumerate(maps):
        with v1.variable_scope(f"BoxPredictor_{k}"):
            code = conv(feature, 3 * 4, 1, 1, "BoxEncodingPredictor", None)
            boxes.append(tf.reshape(code, tf.stack([batch, -1, 1, 4])))
            score = conv(feature, 3 * 6, 3, 1, "ClassPredictor", None)
            classes.append(tf.reshape(score, tf.stack([batch, -1, 6])))
    encodings = tf.squeeze(tf.concat(boxes, 1, name="concat"), 2)
    scores_with_background = tf.concat(classes, 1, name="concat_1")
    with tf.name_scope("MultipleGridAnchorGenerator"):
        grids = []
        for side in (8, 4):
            y, x = tf.meshgrid((tf.range(side * 1.0) + 0.5) / side, (tf.range(side * 1.0) + 0.5) / side)
            centres = tf.reshape(tf.tile(tf.stack([y, x], -1)[:, :, None, :], [1, 1, 3, 1]), [-1, 2])
            sizes = tf.tile(tf.constant([[1.0, 1.0], [0.7, 1.4], [1.4, 0.7]]) * 1.5 / side, [side * side, 1])
            grids.append(tf.concat([centres, sizes], 1))
        anchors = tf.concat(grids, 0)
    with tf.name_scope("Postprocessor"):
        with tf.name_scope("Decode"):
            ty, tx, th, tw = tf.unstack(encodings, axis=-1)
            ya, xa, ha, wa = tf.unstack(anchors, axis=-1)
            h, w = tf.exp(th / 5.0) * ha, tf.exp(tw / 5.0) * wa
            cy, cx = ty / 10.0 * ha + ya, tx / 10.0 * wa + xa
            decoded = tf.stack([cy - h / 2.0, cx - w / 2.0, cy + h / 2.0, cx + w / 2.0], -1)
        class_scores = tf.sigmoid(scores_with_background, name="convert_scores")[:, :, 1:]
        with tf.name_scope("BatchMultiClassNonMaxSuppression"):

            def one(args: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
                of_image, points, shape = args
                kept_boxes, kept_scores, kept_classes = [], [], []
                for c in range(5):
                    chosen = tf.image.non_max_suppression(of_image, points[:, c], 10, 0.6)
                    kept_boxes.append(tf.gather(of_image, chosen))
                    kept_scores.append(tf.gather(points[:, c], chosen))
                    kept_classes.append(tf.ones_like(kept_scores[-1]) * c)
                best, order = tf.nn.top_k(tf.concat(kept_scores, 0), tf.minimum(20, tf.shape(of_image)[0]))
                window = tf.cast(shape[0], tf.float32) / 64.0
                top = tf.clip_by_value(tf.gather(tf.concat(kept_boxes, 0), order), 0.0, window)
                valid = tf.reduce_sum(tf.cast(best > 1e-8, tf.int32))
                return top, best, tf.gather(tf.concat(kept_classes, 0), order), valid

            found = v1.map_fn(
                one,
                (decoded, class_scores, true_shapes),
                dtype=(tf.float32, tf.float32, tf.float32, tf.int32),
                back_prop=False,
            )
    outputs = [
        tf.identity(found[0], name="detection_boxes"),
        tf.identity(found[1], name="detection_scores"),
        tf.identity(tf.add(found[2], 1.0, name="add"), name="detection_classes"),
        tf.identity(v1.to_float(found[3]), name="num_detections"),
    ]
    return [strings], outputs


@case("tabular")
@_hush
def leaving_customers_served_from_examples() -> Truths:
    """An estimator's export: serialized examples parsed into columns, a deep net, a class by its name."""
    serialized = v1.placeholder(tf.string, [None], name="input_example_tensor")
    columns = [
        fc.numeric_column("monthly_charges"),
        fc.bucketized_column(fc.numeric_column("tenure"), [6, 12, 24, 48]),
        fc.indicator_column(
            fc.categorical_column_with_vocabulary_list("contract", ["month", "year", "two years"])
        ),
        fc.embedding_column(fc.categorical_column_with_hash_bucket("region", 30), 4),
        fc.indicator_column(fc.categorical_column_with_identity("senior", 2)),
    ]
    with tf.name_scope("ParseExample"):
        features = v1.parse_example(serialized, v1.feature_column.make_parse_example_spec(columns))
    v1.train.get_or_create_global_step()
    net = v1.feature_column.input_layer(features, columns)
    for units in (16, 8):
        net = _dense(net, units, tf.nn.relu)
    logits = _dense(net, 1)
    probability = tf.sigmoid(logits, name="probability")
    class_ids = tf.cast(tf.greater(tf.squeeze(probability, 1), 0.4), tf.int64)
    names = tf.gather(tf.constant(["stays", "leaves"]), class_ids, name="class_name")
    tf.group(v1.tables_initializer(), name="init_all_tables")
    v1.train.Saver(sharded=True)
    several = [probability, class_ids, names]
    return [([serialized], several), *(([serialized], [t]) for t in several), ([serialized], [logits])]


@case("classifier", frozen=True)
@_hush
def leaves_by_a_keras_net_frozen_for_a_phone() -> Truths:
    """Depthwise blocks built in the test phase, the output renamed, then everything to constants."""
    K.set_learning_phase(0)
    picture = L.Input((32, 32, 3))

    def block(x: Tensor, filters: int, stride: int, k: int) -> Tensor:
        x = L.DepthwiseConv2D(3, padding="same", strides=stride, use_bias=False, name=f"conv_dw_{k}")(x)
        x = L.ReLU(6.0, name=f"conv_dw_{k}_relu")(BatchNormalization(name=f"conv_dw_{k}_bn")(x))
        x = L.Conv2D(filters, 1, padding="same", use_bias=False, name=f"conv_pw_{k}")(x)
        return L.ReLU(6.0, name=f"conv_pw_{k}_relu")(BatchNormalization(name=f"conv_pw_{k}_bn")(x))

    x = L.Conv2D(8, 3, strides=2, padding="same", use_bias=False, name="conv1")(picture)
    x = L.ReLU(6.0, name="conv1_relu")(BatchNormalization(name="conv1_bn")(x))
    for k, (filters, stride) in enumerate([(12, 1), (16, 2), (16, 1)], 1):
        x = block(x, filters, stride, k)
    x = L.Reshape((1, 1, 16), name="reshape_1")(L.GlobalAveragePooling2D()(x))
    x = L.Conv2D(9, 1, padding="same", name="conv_preds")(L.Dropout(0.001, name="dropout")(x))
    x = L.Reshape((9,), name="reshape_2")(L.Activation("softmax", name="act_softmax")(x))
    model = keras.models.Model(picture, x)
    output = tf.identity(model.outputs[0], name="output_node0")
    return [(model.inputs, [output]), (model.inputs, [model.outputs[0]])]


@case("classifier")
@_hush
def mushrooms_fine_tuned_on_two_clones() -> Truths:
    """Distorted pictures through two queues, a slim residual net on each clone, its last layer trained."""
    with tf.device("/device:CPU:0"):
        step = v1.train.create_global_step()
        with tf.name_scope("parallel_read"):
            files = v1.train.string_input_producer(["mushrooms_train_00000-of-00001.tfrecord"], capacity=16)
            common = v1.RandomShuffleQueue(256, 128, [tf.string, tf.string], name="common_queue")
            key, value = v1.TFRecordReader().read(files)
            v1.train.add_queue_runner(v1.train.QueueRunner(common, [common.enqueue([key, value])]))
            _, record = common.dequeue()
        parsed = v1.parse_single_example(
            record,
            {
                "image/encoded": v1.FixedLenFeature((), tf.string, ""),
                "image/class/label": v1.FixedLenFeature([], tf.int64, 0),
            },
        )
        with tf.name_scope("distort_image"):
            picture = tf.image.decode_jpeg(parsed["image/encoded"], channels=3)
            picture = tf.image.convert_image_dtype(picture, tf.float32)
            begin, size, _ = tf.image.sample_distorted_bounding_box(
                tf.shape(picture), tf.constant([0.0, 0.0, 1.0, 1.0], shape=[1, 1, 4]), min_object_covered=0.1
            )
            picture = v1.image.resize_images(tf.slice(picture, begin, size), [32, 32])
            picture.set_shape([32, 32, 3])
            picture = tf.image.random_flip_left_right(picture)
            picture = tf.clip_by_value(tf.image.random_brightness(picture, 32.0 / 255.0), 0.0, 1.0)
            picture = tf.multiply(tf.subtract(picture, 0.5), 2.0)
        images, labels = v1.train.batch(
            [picture, parsed["image/class/label"]], batch_size=8, num_threads=4, capacity=40
        )
        labels = tf.one_hot(labels, 6)
        prefetch = v1.FIFOQueue(2, [tf.float32, tf.float32], [[8, 32, 32, 3], [8, 6]], name="prefetch_queue")
        runner = v1.train.QueueRunner(prefetch, [prefetch.enqueue([images, labels])])
        v1.train.add_queue_runner(runner)

    def conv2d(
        x: Tensor, filters: int, size: int, scope: str, stride: int = 1, plain: bool = False
    ) -> Tensor:
        with v1.variable_scope(scope):
            w = v1.get_variable(
                "weights",
                [size, size, int(x.shape[-1]), filters],
                regularizer=keras.regularizers.l2(1e-4),
                initializer=v1.variance_scaling_initializer(),
            )
            y = tf.nn.conv2d(x, w, [1, stride, stride, 1], "SAME")
            if plain:
                return tf.nn.bias_add(y, v1.get_variable("biases", [filters]))
            with v1.variable_scope("BatchNorm"):
                gamma, beta = v1.get_variable("gamma", [filters]), v1.get_variable("beta", [filters])
                mean = v1.get_variable("moving_mean", [filters], trainable=False)
                var = v1.get_variable("moving_variance", [filters], trainable=False)
                y, now, spread = v1.nn.fused_batch_norm(y, gamma, beta, epsilon=1e-5)
                v1.add_to_collection("update_ops", v1.assign_sub(mean, (mean - now) * 0.003))
                v1.add_to_collection("update_ops", v1.assign_sub(var, (var - spread) * 0.003))
            return tf.nn.relu(y)

    def resnet(x: Tensor, reuse: bool) -> tuple[Tensor, dict[str, Tensor]]:
        points: dict[str, Tensor] = {}
        with v1.variable_scope("resnet_v1_50", reuse=reuse):
            net = _pool(conv2d(x, 8, 7, "conv1", 2))
            for k, filters in enumerate((8, 16), 1):
                with v1.variable_scope(f"block{k}"), v1.variable_scope("unit_1/bottleneck_v1"):
                    shortcut = conv2d(net, filters, 1, "shortcut", k)
                    res = conv2d(conv2d(net, 4, 1, "conv1"), 4, 3, "conv2", k)
                    net = tf.nn.relu(shortcut + conv2d(res, filters, 1, "conv3", plain=True))
                points[f"resnet_v1_50/block{k}"] = net
            net = tf.reduce_mean(net, [1, 2], name="pool5", keepdims=True)
            logits = tf.squeeze(conv2d(net, 6, 1, "logits", plain=True), [1, 2], name="SpatialSqueeze")
            points["predictions"] = tf.nn.softmax(logits, name="predictions")
        return logits, points

    truths: list[Truth] = []
    losses: list[Tensor] = []
    first: dict[str, Tensor] = {}
    for clone in range(2):
        with tf.name_scope(f"clone_{clone}"), tf.device(f"/device:GPU:{clone}"):
            with tf.device("/device:CPU:0"):
                x, y = prefetch.dequeue()
            logits, points = resnet(x, clone > 0)
            v1.losses.softmax_cross_entropy(y, logits, label_smoothing=0.0)
            scope = f"clone_{clone}/"
            losses.append(tf.divide(tf.add_n(v1.losses.get_losses(scope)), 2.0, name="scaled_clone_loss"))
            truths += [([x], [points["predictions"]]), ([x], [logits])]
            first = first or points
    for name, point in first.items():
        v1.summary.histogram("activations/" + name, point)
        v1.summary.scalar("sparsity/" + name, tf.nn.zero_fraction(point))
    total = tf.add_n([*losses, v1.losses.get_regularization_loss()], name="total_loss")
    rate = v1.train.exponential_decay(0.01, step, 500, 0.94, staircase=True)
    v1.summary.scalar("learning_rate", rate)
    optimizer = v1.train.RMSPropOptimizer(rate, 0.9, 0.9, 1.0)
    head = [v for v in v1.trainable_variables() if "logits" in v.op.name]
    update = optimizer.apply_gradients(optimizer.compute_gradients(total, head), global_step=step)
    updates = v1.get_collection("update_ops", "clone_0")
    with tf.control_dependencies([tf.group(*updates, update)]):
        tf.identity(total, name="train_op")
    return truths


@case("regression")
@_hush
def bikes_rented_by_an_estimator_from_lines() -> Truth:
    """The checkpoint of a canned regressor: lines of a file, feature columns, hidden layers, a head."""
    step = v1.train.get_or_create_global_step()
    numbers, defaults = ["temp", "humidity", "windspeed", "hour"], [[0.0]] * 4

    def parse(line: Tensor) -> tuple[dict[str, Tensor], Tensor]:
        fields = v1.decode_csv(line, [*defaults, [""], [""], [0.0]])
        return dict(zip([*numbers, "weekday", "station"], fields[:-1], strict=True)), fields[-1]

    lines = v1.data.TextLineDataset(["hour.csv"]).skip(1).map(parse)
    iterator = v1.data.make_initializable_iterator(lines.shuffle(1000).repeat().batch(64))
    v1.add_to_collection(v1.GraphKeys.TABLE_INITIALIZERS, iterator.initializer)
    features, labels = iterator.get_next()
    fed = [features[k] for k in sorted(features)]
    days = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
    columns = [
        *(fc.numeric_column(k) for k in numbers[:3]),
        fc.bucketized_column(fc.numeric_column("hour"), [6.0, 9.0, 12.0, 16.0, 19.0, 22.0]),
        fc.indicator_column(fc.categorical_column_with_vocabulary_list("weekday", days)),
        fc.embedding_column(fc.categorical_column_with_hash_bucket("station", 40), 5),
    ]
    with v1.variable_scope("dnn"):
        with v1.variable_scope("input_from_feature_columns"):
            net = v1.feature_column.input_layer(dict(features), columns)
        for k, units in enumerate((16, 8)):
            with v1.variable_scope(f"hiddenlayer_{k}") as scope:
                net = core.Dense(units, activation=tf.nn.relu, name=scope, _scope=scope)(net)
            v1.summary.scalar(f"hiddenlayer_{k}/fraction_of_zero_values", tf.nn.zero_fraction(net))
            v1.summary.histogram(f"hiddenlayer_{k}/activation", net)
        with v1.variable_scope("logits") as scope:
            logits = core.Dense(1, name=scope, _scope=scope)(net)
        with tf.name_scope("head"):
            wanted = tf.expand_dims(labels, -1)
            unweighted = v1.losses.mean_squared_error(wanted, logits, reduction="none")
            loss = v1.losses.compute_weighted_loss(unweighted, 1.0, reduction="weighted_sum")
            v1.summary.scalar("loss", loss)
            v1.summary.scalar("average_loss", tf.reduce_mean(unweighted))
            v1.train.AdagradOptimizer(0.05).minimize(loss, global_step=step)
    return fed, [logits]


# Keras in the session of version 1


@case("text", modern=True)
@_hush
def tickets_by_title_body_and_tags() -> Truths:
    """A functional model of three inputs and two outputs, compiled with a loss for each."""
    title = keras.Input((None,), name="title")
    body = keras.Input((None,), name="body")
    tags = keras.Input((12,), name="tags")
    title_features = recurrent.LSTM(8)(L.Embedding(100, 8)(title))
    body_features = recurrent.LSTM(6)(L.Embedding(100, 8)(body))
    x = L.concatenate([title_features, body_features, tags])
    priority = L.Dense(1, activation="sigmoid", name="priority")(x)
    department = L.Dense(4, activation="softmax", name="department")(x)
    model = keras.Model(inputs=[title, body, tags], outputs=[priority, department])
    model.compile(
        optimizer="rmsprop",
        loss={"priority": "binary_crossentropy", "department": "categorical_crossentropy"},
        loss_weights=[1.0, 0.2],
        metrics=["accuracy"],
    )
    _functions(model)
    return [(model.inputs, model.outputs), (model.inputs, [_before(t) for t in model.outputs])]


@case("classifier")
@_hush
def clothes_by_sequential_layers_in_two_phases() -> Truths:
    """Convolutions, normalization and dropout one after the other; the phase is fed by the library."""
    model = keras.models.Sequential()
    model.add(L.Conv2D(8, (3, 3), padding="same", input_shape=(28, 28, 1)))
    model.add(BatchNormalization())
    model.add(L.Activation("relu"))
    model.add(L.MaxPooling2D((2, 2)))
    model.add(L.Dropout(0.25))
    model.add(L.Conv2D(12, (3, 3), activation="relu"))
    model.add(L.MaxPooling2D((2, 2)))
    model.add(L.Flatten())
    model.add(L.Dense(32, activation="relu", kernel_regularizer=keras.regularizers.l2(1e-3)))
    model.add(BatchNormalization())
    model.add(L.Dropout(0.5))
    model.add(L.Dense(10, activation="softmax"))
    model.compile(loss="sparse_categorical_crossentropy", optimizer="adam", metrics=["accuracy"])
    _functions(model)
    return [(model.inputs, model.outputs), (model.inputs, [_before(model.output)])]


@case("classifier")
@_hush
def dogs_by_a_borrowed_base_and_a_new_head() -> Truths:
    """A residual base with an input of its own, called once more by a sequential model that adds a head."""
    borrowed = L.Input((32, 32, 3))
    x = L.Conv2D(8, 7, strides=2, padding="same", name="conv1")(
        L.ZeroPadding2D(3, name="conv1_pad")(borrowed)
    )
    x = L.MaxPooling2D(3, strides=2)(L.Activation("relu")(BatchNormalization(name="bn_conv1")(x)))

    def block(x: Tensor, name: str, filters: int, stride: int) -> Tensor:
        shortcut = L.Conv2D(filters, 1, strides=stride, name=f"res{name}_branch1")(x)
        shortcut = BatchNormalization(name=f"bn{name}_branch1")(shortcut)
        x = L.Conv2D(filters // 2, 1, strides=stride, name=f"res{name}_branch2a")(x)
        x = L.Activation("relu")(BatchNormalization(name=f"bn{name}_branch2a")(x))
        x = L.Conv2D(filters, 3, padding="same", name=f"res{name}_branch2b")(x)
        x = BatchNormalization(name=f"bn{name}_branch2b")(x)
        return L.Activation("relu")(L.add([x, shortcut]))

    x = block(block(x, "2a", 12, 1), "3a", 16, 2)
    base = keras.models.Model(borrowed, x, name="resnet50")
    base.trainable = False
    model = keras.models.Sequential()
    model.add(base)
    model.add(L.GlobalAveragePooling2D())
    model.add(L.Dense(16, activation="relu"))
    model.add(L.Dropout(0.5))
    model.add(L.Dense(5, activation="softmax"))
    model.compile(
        loss="categorical_crossentropy",
        optimizer=keras.optimizer_v1.SGD(lr=1e-4, momentum=0.9),
        metrics=["acc"],
    )
    _functions(model)
    return [(model.inputs, model.outputs), (model.inputs, [_before(model.output)])]


@case("anomalies")
@_hush
def pump_sensors_repeated_and_rebuilt() -> Truth:
    """A recurrent autoencoder of windows: one vector repeated, sequences again, absolute error as loss."""
    model = keras.models.Sequential()
    model.add(recurrent.LSTM(12, activation="relu", input_shape=(10, 6), return_sequences=True))
    model.add(recurrent.LSTM(4, activation="relu", return_sequences=False))
    model.add(L.RepeatVector(10))
    model.add(recurrent.LSTM(4, activation="relu", return_sequences=True))
    model.add(recurrent.LSTM(12, activation="relu", return_sequences=True))
    model.add(L.Dense(6))
    model.compile(optimizer="adam", loss="mae")
    _functions(model)
    return model.inputs, model.outputs


@case("ctc")
@_hush
def plates_by_keras_with_the_loss_in_a_lambda() -> Truths:
    """The loss of alignment is the compiled output; a function from picture to softmax is what reads."""
    picture = L.Input(name="the_input", shape=(32, 16, 1), dtype="float32")
    inner = L.Conv2D(4, 3, padding="same", activation="relu", name="conv1")(picture)
    inner = L.MaxPooling2D(2, name="max1")(inner)
    inner = L.Conv2D(4, 3, padding="same", activation="relu", name="conv2")(inner)
    inner = L.MaxPooling2D(2, name="max2")(inner)
    inner = L.Dense(8, activation="relu", name="dense1")(L.Reshape((8, 16), name="reshape")(inner))
    gru_1 = recurrent.GRU(8, return_sequences=True, name="gru1")(inner)
    gru_1b = recurrent.GRU(8, return_sequences=True, go_backwards=True, name="gru1_b")(inner)
    merged = L.add([gru_1, gru_1b])
    gru_2 = recurrent.GRU(8, return_sequences=True, name="gru2")(merged)
    gru_2b = recurrent.GRU(8, return_sequences=True, go_backwards=True, name="gru2_b")(merged)
    inner = L.Dense(38, name="dense2")(L.concatenate([gru_2, gru_2b]))
    y_pred = L.Activation("softmax", name="softmax")(inner)
    labels = L.Input(name="the_labels", shape=[7], dtype="float32")
    input_length = L.Input(name="input_length", shape=[1], dtype="int64")
    label_length = L.Input(name="label_length", shape=[1], dtype="int64")

    def ctc_lambda_func(args: Sequence[Tensor]) -> Tensor:
        pred, truth, steps, letters = args
        return K.ctc_batch_cost(truth, pred[:, 2:, :], steps, letters)

    loss_out = L.Lambda(ctc_lambda_func, output_shape=(1,), name="ctc")(
        [y_pred, labels, input_length, label_length]
    )
    model = keras.models.Model([picture, labels, input_length, label_length], loss_out)
    sgd = keras.optimizer_v1.SGD(lr=0.02, decay=1e-6, momentum=0.9, nesterov=True, clipnorm=5)
    model.compile(loss={"ctc": lambda y_true, y_pred: y_pred}, optimizer=sgd)
    model._make_train_function()
    K.function([picture], [y_pred])
    return [([picture], [y_pred]), ([picture], [_before(y_pred)])]


@case("regression")
@_hush
def wheel_angle_of_cropped_frames() -> Truth:
    """Frames scaled and cropped in the model, five convolutions, one number without activation."""
    model = keras.models.Sequential()
    model.add(L.Lambda(lambda x: x / 127.5 - 1.0, input_shape=(40, 80, 3)))
    model.add(L.Cropping2D(cropping=((12, 6), (0, 0))))
    for filters in (6, 8, 12):
        model.add(L.Conv2D(filters, (5, 5), strides=(2, 2), padding="same"))
        model.add(L.ELU())
    for filters in (12, 12):
        model.add(L.Conv2D(filters, (3, 3), activation="elu", padding="same"))
    model.add(L.Flatten())
    model.add(L.Dropout(0.5))
    for units in (20, 10, 5):
        model.add(L.Dense(units, activation="elu"))
    model.add(L.Dense(1))
    model.compile(loss="mse", optimizer=keras.optimizer_v1.Adam(lr=1e-4))
    _functions(model)
    return model.inputs, model.outputs


@case("classifier")
@_hush
def cells_of_blood_by_a_model_copied_to_two_cards() -> Truths:
    """The batch cut in slices for copies of a model on two cards, whose answers are joined again."""
    with tf.device("/cpu:0"):
        picture = L.Input((24, 24, 3))
        x = L.Conv2D(6, 3, activation="relu")(picture)
        x = L.Conv2D(8, 3, activation="relu")(L.MaxPooling2D()(x))
        x = L.Dropout(0.5)(L.Dense(16, activation="relu")(L.Flatten()(x)))
        model = keras.models.Model(picture, L.Dense(4, activation="softmax", name="predictions")(x))

    def get_slice(data: Tensor, i: int, parts: int) -> Tensor:
        shape = tf.shape(data)
        batch, rest = shape[:1], shape[1:]
        step = batch // parts
        size = tf.concat([batch - step * i if i == parts - 1 else step, rest], 0)
        return tf.slice(data, tf.concat([step, rest * 0], 0) * i, size)

    outputs = []
    for i in range(2):
        with tf.device(f"/gpu:{i}"), tf.name_scope(f"replica_{i}"):
            part = L.Lambda(get_slice, output_shape=(24, 24, 3), arguments={"i": i, "parts": 2})(picture)
            outputs.append(model(part))
    with tf.device("/cpu:0"):
        merged = L.concatenate(outputs, axis=0, name="predictions_1")
    parallel = keras.models.Model(picture, merged)
    parallel.compile(loss="categorical_crossentropy", optimizer="rmsprop", metrics=["accuracy"])
    _functions(parallel)
    return [(parallel.inputs, parallel.outputs), (model.inputs, model.outputs)]


@case("tagger")
@_hush
def names_in_sentences_weighed_by_word() -> Truths:
    """Words and their letters, read from both ends; each word's loss has a weight of its own."""
    words = L.Input((14,), name="words")
    letters = L.Input((14, 6), name="letters")
    w = L.Embedding(80, 10, name="word_embedding")(words)
    c = L.Embedding(30, 4, name="char_embedding")(letters)
    c = L.Lambda(lambda t: tf.reshape(t, [-1, 6, 4]))(c)
    c = recurrent.LSTM(5)(c)
    c = L.Lambda(lambda t: tf.reshape(t, [-1, 14, 5]), output_shape=(14, 5))(c)
    x = L.SpatialDropout1D(0.3)(L.concatenate([w, c]))
    ahead = recurrent.LSTM(8, return_sequences=True, recurrent_dropout=0.2, name="forward_lstm")(x)
    back = recurrent.LSTM(8, return_sequences=True, go_backwards=True, name="backward_lstm")(x)
    x = L.concatenate([ahead, L.Lambda(lambda t: K.reverse(t, 1))(back)])
    tags = L.Dense(9, activation="softmax", name="tags")(x)
    model = keras.models.Model([words, letters], tags)
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", sample_weight_mode="temporal")
    _functions(model)
    return [(model.inputs, model.outputs), (model.inputs, [_before(tags)])]


@case("embedding")
@_hush
def same_product_by_two_photographs() -> Truths:
    """One sequential encoder called twice, the difference of the codes, a chance that they are the same."""
    encoder = keras.models.Sequential(name="encoder")
    encoder.add(L.Conv2D(6, 5, activation="relu", input_shape=(28, 28, 3)))
    encoder.add(L.MaxPooling2D())
    encoder.add(L.Conv2D(8, 3, activation="relu", kernel_regularizer=keras.regularizers.l2(2e-4)))
    encoder.add(L.MaxPooling2D())
    encoder.add(L.Flatten())
    encoder.add(L.Dense(16, activation="sigmoid"))
    left, right = L.Input((28, 28, 3)), L.Input((28, 28, 3))
    distance = L.Lambda(lambda pair: K.abs(pair[0] - pair[1]))([encoder(left), encoder(right)])
    same = L.Dense(1, activation="sigmoid")(distance)
    model = keras.models.Model(inputs=[left, right], outputs=same)
    model.compile(loss="binary_crossentropy", optimizer=keras.optimizer_v1.Adam(6e-5))
    _functions(model)
    return [(model.inputs, model.outputs), (model.inputs, [_before(same)])]


@case("classifier")
@_hush
def wafers_by_keras_layers_in_a_loop_by_hand() -> Truths:
    """A Keras model called on a fed batch; loss, optimizer, summaries and session are the author's own."""
    inner = L.Input((26, 26, 1), name="wafer_map")
    x = L.Conv2D(6, 3, activation="relu", name="block1_conv")(inner)
    x = L.MaxPooling2D(name="block1_pool")(x)
    x = L.Dropout(0.3, name="drop")(L.Flatten(name="flatten")(x))
    x = L.Dense(8, name="scores")(L.Dense(16, activation="relu", name="fc1")(x))
    model = keras.models.Model(inner, x, name="wafer_net")
    images = v1.placeholder(tf.float32, [None, 26, 26, 1], name="images")
    labels = v1.placeholder(tf.int64, [None], name="labels")
    logits = model(images)
    with tf.name_scope("loss"):
        loss = v1.losses.sparse_softmax_cross_entropy(labels, logits)
    with tf.name_scope("eval"):
        probs = tf.nn.softmax(logits, name="probs")
        pred = tf.argmax(probs, 1, name="pred")
        accuracy = tf.reduce_mean(tf.cast(tf.equal(pred, labels), tf.float32))
    step = v1.train.get_or_create_global_step()
    optimizer = v1.train.AdamOptimizer(v1.train.polynomial_decay(1e-3, step, 1000))
    with tf.control_dependencies(model.updates):
        optimizer.minimize(loss, global_step=step, var_list=model.trainable_weights)
    v1.summary.scalar("loss", loss)
    v1.summary.scalar("accuracy", accuracy)
    v1.summary.merge_all()
    fed = [images]
    return [(fed, [probs]), (fed, [pred]), (fed, [logits]), (model.inputs, model.outputs)]


# Phones, bytes and sounds


@case("classifier")
@_hush
def birds_with_quantized_training_folded() -> Truths:
    """Normalization folded into kernels, fake quantization of kernels and activations with moving ranges."""
    images = v1.placeholder(tf.float32, [None, 32, 32, 3], name="input")
    labels = v1.placeholder(tf.int64, [None], name="labels")
    step = v1.train.get_or_create_global_step()

    def quant(x: Tensor, scope: str, moving: bool) -> Tensor:
        with v1.variable_scope(scope):
            low = v1.get_variable("min", [], initializer=v1.constant_initializer(-6.0), trainable=False)
            high = v1.get_variable("max", [], initializer=v1.constant_initializer(6.0), trainable=False)
            now_low = tf.minimum(tf.reduce_min(x, name="BatchMin"), 0.0)
            now_high = tf.maximum(tf.reduce_max(x, name="BatchMax"), 0.0)
            if moving:
                now_low, now_high = low + (now_low - low) * 0.001, high + (now_high - high) * 0.001
            low = v1.assign(low, now_low, name="AssignMinEma" if moving else "AssignMinLast")
            high = v1.assign(high, now_high, name="AssignMaxEma" if moving else "AssignMaxLast")
            return tf.quantization.fake_quant_with_min_max_vars(
                x, low, high, num_bits=8, narrow_range=not moving
            )

    def conv(
        x: Tensor, filters: int, scope: str, size: int = 1, stride: int = 1, depth: bool = False
    ) -> Tensor:
        channels = int(x.shape[-1])
        with v1.variable_scope(scope):
            name, last = ("depthwise_weights", 1) if depth else ("weights", filters)
            w = v1.get_variable(name, [size, size, channels, last])
            with v1.variable_scope("BatchNorm"):
                many = channels if depth else filters
                gamma = v1.get_variable("gamma", [many], initializer=v1.ones_initializer())
                beta = v1.get_variable("beta", [many], initializer=v1.zeros_initializer())
                mean = v1.get_variable("moving_mean", [many], trainable=False)
                var = v1.get_variable("moving_variance", [many], trainable=False)
            scale = tf.multiply(gamma, v1.rsqrt(var + 1e-3), name="BatchNorm_Fold/mul")
            shift = tf.subtract(beta, mean * scale, name="BatchNorm_Fold/bias")
            folded = tf.multiply(w, tf.reshape(scale, [-1, 1]) if depth else scale, name="mul_fold")
            folded = quant(folded, "weights_quant", False)
            if depth:
                y = v1.nn.depthwise_conv2d(x, folded, [1, stride, stride, 1], "SAME", name="depthwise_Fold")
            else:
                y = tf.nn.conv2d(x, folded, [1, stride, stride, 1], "SAME", name="Conv2D_Fold")
            return quant(tf.nn.relu6(tf.add(y, shift, name="add_fold")), "act_quant", True)

    with v1.variable_scope("MobilenetV1"):
        net = conv(images, 8, "Conv2d_0", 3, 2)
        for k, (filters, stride) in enumerate([(12, 1), (16, 2)], 1):
            net = conv(net, 0, f"Conv2d_{k}_depthwise", 3, stride, True)
            net = conv(net, filters, f"Conv2d_{k}_pointwise")
        with v1.variable_scope("Logits"):
            net = v1.nn.avg_pool(net, [1, 8, 8, 1], [1, 1, 1, 1], "VALID", name="AvgPool_1a")
            with v1.variable_scope("Conv2d_1c_1x1"):
                kernel = quant(v1.get_variable("weights", [1, 1, 16, 7]), "weights_quant", False)
                net = tf.nn.bias_add(tf.nn.conv2d(net, kernel, 1, "SAME"), v1.get_variable("biases", [7]))
                net = quant(net, "act_quant", True)
            logits = tf.squeeze(net, [1, 2], name="SpatialSqueeze")
        with tf.name_scope("Predictions"):
            flat = tf.reshape(logits, [-1, 7])
            predictions = tf.reshape(tf.nn.softmax(flat), tf.shape(logits), name="Reshape_1")
    loss = v1.losses.sparse_softmax_cross_entropy(labels, logits)
    rate = v1.train.exponential_decay(0.045, step, 1000, 0.94, staircase=True)
    v1.train.GradientDescentOptimizer(rate).minimize(loss, global_step=step)
    v1.summary.scalar("Losses/total_loss", loss)
    return [([images], [predictions]), ([images], [logits])]


@case("exported")
@_hush
def rooms_named_from_web_safe_strings() -> Truths:
    """Strings of base 64 to JPEG to pixels of one size, squeezed modules, names of the three best."""
    strings = v1.placeholder(tf.string, [None], name="b64_images")

    def prepare(text: Tensor) -> Tensor:
        picture = tf.image.decode_jpeg(tf.io.decode_base64(text), channels=3, dct_method="INTEGER_ACCURATE")
        picture = tf.image.central_crop(tf.image.convert_image_dtype(picture, tf.float32), 0.875)
        picture = v1.image.resize_bilinear(tf.expand_dims(picture, 0), [48, 48], align_corners=False)
        return tf.multiply(tf.subtract(tf.squeeze(picture, [0]), 0.5), 2.0)

    x = v1.map_fn(prepare, strings, dtype=tf.float32, back_prop=False)
    x = tf.reshape(x, [-1, 48, 48, 3], name="resized")

    def fire(x: Tensor, few: int, many: int, name: str) -> Tensor:
        with v1.variable_scope(name):
            s = _conv(x, few, 1, act=tf.nn.relu, name="squeeze")
            one = _conv(s, many, 1, act=tf.nn.relu, name="e1x1")
            return tf.concat([one, _conv(s, many, 3, act=tf.nn.relu, name="e3x3")], 3)

    x = _pool(_conv(x, 8, 3, 2, tf.nn.relu, "conv1"))
    x = _pool(fire(fire(x, 4, 8, "fire2"), 4, 8, "fire3"))
    x = tf.reduce_mean(_conv(fire(x, 6, 12, "fire4"), 8, 1, name="conv10"), [1, 2], name="logits")
    softmax = tf.nn.softmax(x, name="softmax_tensor")
    values, indices = tf.nn.top_k(softmax, 3)
    rooms = ["kitchen", "bath", "bedroom", "hall", "garden", "office", "garage", "balcony"]
    table = tf.lookup.StaticHashTable(
        tf.lookup.KeyValueTensorInitializer(tf.range(8, dtype=tf.int64), tf.constant(rooms)), "UNKNOWN"
    )
    classes = table.lookup(tf.cast(indices, tf.int64))
    tf.group(v1.tables_initializer(), name="legacy_init_op")
    fed = [strings]
    return [(fed, [classes, values]), (fed, [softmax]), (fed, [classes]), (fed, [x])]


@case("audio")
@_hush
def commands_from_files_beside_the_net() -> Truths:
    """A side graph turns a file into features with noise; the net is fed features and heeds some frames."""
    wav_filename = v1.placeholder(tf.string, [], name="wav_filename")
    wav = tf.audio.decode_wav(tf.io.read_file(wav_filename), desired_channels=1, desired_samples=16000)
    foreground_volume = v1.placeholder(tf.float32, [], name="foreground_volume")
    scaled = tf.multiply(wav.audio, foreground_volume)
    shift_padding = v1.placeholder(tf.int32, [2, 2], name="time_shift_padding")
    shift_offset = v1.placeholder(tf.int32, [2], name="time_shift_offset")
    shifted = tf.slice(tf.pad(scaled, shift_padding, mode="CONSTANT"), shift_offset, [16000, -1])
    background_data = v1.placeholder(tf.float32, [16000, 1], name="background_data")
    background_volume = v1.placeholder(tf.float32, [], name="background_volume")
    noisy = tf.clip_by_value(tf.add(tf.multiply(background_data, background_volume), shifted), -1.0, 1.0)
    spectrogram = tf.raw_ops.AudioSpectrogram(
        input=noisy, window_size=480, stride=320, magnitude_squared=True
    )
    tf.raw_ops.Mfcc(spectrogram=spectrogram, sample_rate=wav.sample_rate, dct_coefficient_count=10)
    fingerprint = v1.placeholder(tf.float32, [None, 490], name="fingerprint_input")
    dropout_prob = v1.placeholder(tf.float32, name="dropout_prob")
    frames = tf.reshape(fingerprint, [-1, 49, 10])
    ahead, back = cells.GRUCell(8), cells.GRUCell(8)
    both, _ = v1.nn.bidirectional_dynamic_rnn(ahead, back, frames, dtype=tf.float32)
    both = tf.concat(both, 2)
    query = core.Dense(16)(both[:, 24])
    heed = tf.nn.softmax(tf.squeeze(tf.matmul(both, query[:, :, None]), -1))
    net = tf.reduce_sum(both * heed[:, :, None], 1)
    net = v1.nn.dropout(_dense(net, 12, tf.nn.relu), dropout_prob)
    weights = v1.get_variable("final_fc_weights", [12, 6])
    logits = tf.matmul(net, weights) + v1.get_variable("final_fc_bias", [6])
    ground_truth = v1.placeholder(tf.int64, [None], name="groundtruth_input")
    with tf.name_scope("cross_entropy"):
        cross_entropy = v1.losses.sparse_softmax_cross_entropy(ground_truth, logits)
    with tf.name_scope("train"):
        rate = v1.placeholder(tf.float32, [], name="learning_rate_input")
        v1.train.GradientDescentOptimizer(rate).minimize(cross_entropy)
    predicted = tf.argmax(logits, 1)
    correct = tf.equal(predicted, ground_truth)
    tf.math.confusion_matrix(ground_truth, predicted, num_classes=6)
    with tf.name_scope("eval"):
        evaluation = tf.reduce_mean(tf.cast(correct, tf.float32))
        v1.summary.scalar("cross_entropy", cross_entropy)
        v1.summary.scalar("accuracy", evaluation)
    v1.assign(v1.train.get_or_create_global_step(), v1.train.get_or_create_global_step() + 1)
    v1.summary.merge_all(scope="eval")
    return [([fingerprint], [predicted]), ([fingerprint], [logits])]


# Tables, clicks, customers


@case("regression")
@_hush
def strength_of_concrete_without_names() -> Truth:
    """Layers of a sum and a product in dictionaries, nothing named, a score of how much is explained."""
    x = v1.placeholder("float", [None, 8])
    y = v1.placeholder("float", [None, 1])
    weights = {
        "h1": v1.Variable(tf.random.normal([8, 16])),
        "h2": v1.Variable(tf.random.normal([16, 8])),
        "out": v1.Variable(tf.random.normal([8, 1])),
    }
    biases = {
        "b1": v1.Variable(tf.random.normal([16])),
        "b2": v1.Variable(tf.random.normal([8])),
        "out": v1.Variable(tf.random.normal([1])),
    }
    layer_1 = tf.nn.relu(tf.add(tf.matmul(x, weights["h1"]), biases["b1"]))
    layer_2 = tf.nn.relu(tf.add(tf.matmul(layer_1, weights["h2"]), biases["b2"]))
    pred = tf.matmul(layer_2, weights["out"]) + biases["out"]
    cost = tf.reduce_mean(tf.square(tf.transpose(pred) - tf.transpose(y)))
    v1.train.AdamOptimizer(0.001).minimize(cost)
    unexplained = tf.reduce_sum(tf.square(tf.subtract(y, pred)))
    tf.subtract(1.0, tf.divide(unexplained, tf.reduce_sum(tf.square(y - tf.reduce_mean(y)))))
    return [x], [pred]


@case("recommender")
@_hush
def adverts_by_twenty_columns_served_raw() -> Truths:
    """Wide and deep with a placeholder for each column, as a raw receiver makes them; a binary head."""
    numbers = {f"I{k}": v1.placeholder(tf.float32, [None], name=f"I{k}") for k in range(1, 9)}
    kinds = {f"C{k}": v1.placeholder(tf.string, [None], name=f"C{k}") for k in range(1, 13)}
    features = {**numbers, **kinds}
    v1.train.get_or_create_global_step()

    def logged(x: Tensor) -> Tensor:
        return v1.log1p(tf.maximum(tf.cast(x, tf.float32), 0.0))

    numeric = [fc.numeric_column(k, normalizer_fn=logged) for k in numbers]
    hashed = [fc.categorical_column_with_hash_bucket(k, 20 + 3 * i) for i, k in enumerate(kinds)]
    crossed = [fc.crossed_column(["C1", "C2"], 50), fc.crossed_column(["C3", "C7", "C9"], 60)]
    with v1.variable_scope("dnn"):
        with v1.variable_scope("input_from_feature_columns"):
            net = v1.feature_column.input_layer(
                features, [*numeric, *(fc.embedding_column(c, 4, combiner="mean") for c in hashed)]
            )
        for k, units in enumerate((16, 8)):
            with v1.variable_scope(f"hiddenlayer_{k}") as scope:
                net = core.Dense(units, activation=tf.nn.relu, name=scope, _scope=scope)(net)
        with v1.variable_scope("logits") as scope:
            deep = core.Dense(1, name=scope, _scope=scope)(net)
    with v1.variable_scope("linear"):
        wide = v1.feature_column.linear_model(features, [*hashed, *crossed], sparse_combiner="sum")
    logits = tf.add(deep, wide)
    with tf.name_scope("head"), tf.name_scope("predictions"):
        logistic = tf.sigmoid(logits, name="logistic")
        two = tf.concat([tf.zeros_like(logits), logits], -1, name="two_class_logits")
        probabilities = tf.nn.softmax(two, name="probabilities")
        class_ids = tf.expand_dims(tf.argmax(two, -1, name="class_ids"), -1)
        classes = tf.strings.as_string(class_ids, name="str_classes")
    fed = list(features.values())
    everything = [logits, logistic, probabilities, class_ids, classes]
    classified = [classes, probabilities]
    return [(fed, everything), (fed, classified), *((fed, [t]) for t in everything)]


@case("embedding")
@_hush
def songs_near_the_songs_of_a_playlist() -> Truths:
    """Vectors by the company songs keep, noise against truth; the nearest to the mean of fed songs."""
    with tf.name_scope("train_data"):
        context = v1.placeholder(tf.int32, [32, 4], name="context_songs")
        target = v1.placeholder(tf.int64, [32, 1], name="target_song")
    playlist = v1.placeholder(tf.int32, [None], name="playlist")
    embeddings = v1.Variable(tf.random.uniform([90, 12], -1.0, 1.0), name="song_vectors")
    nce_weights = v1.Variable(tf.random.truncated_normal([90, 12], stddev=0.3), name="nce_weights")
    nce_biases = v1.Variable(tf.zeros([90]), name="nce_biases")
    embed = tf.reduce_mean(tf.nn.embedding_lookup(embeddings, context), 1)
    popular = [int(900 / (k + 1)) + 1 for k in range(90)]
    sampled = v1.nn.fixed_unigram_candidate_sampler(target, 1, 8, True, 90, distortion=0.75, unigrams=popular)
    each = v1.nn.nce_loss(nce_weights, nce_biases, target, embed, 8, 90, sampled_values=sampled)
    loss = tf.reduce_mean(each, name="nce_loss")
    step = v1.Variable(0, trainable=False, name="global_step")
    v1.train.AdagradOptimizer(0.5).minimize(loss, global_step=step)
    v1.summary.scalar("nce", loss)
    norm = tf.sqrt(tf.reduce_sum(tf.square(embeddings), 1, keepdims=True))
    normalized = embeddings / norm
    taste = tf.reduce_mean(tf.nn.embedding_lookup(normalized, playlist), 0, keepdims=True)
    similarity = tf.matmul(tf.nn.l2_normalize(taste, 1), normalized, transpose_b=True)
    heard = tf.reduce_max(tf.one_hot(playlist, 90), 0, keepdims=True)
    fresh = similarity - 2.0 * heard
    scores, songs = tf.nn.top_k(fresh, 10, name="nearest")
    fed = [playlist]
    return [(fed, [scores, songs]), (fed, [songs]), (fed, [fresh]), (fed, [similarity])]


@case("survival")
@_hush
def weeks_until_leaving_by_weibull() -> Truths:
    """A gated net over weeks of use gives scale and shape of the time that is left; some never left."""
    x = v1.placeholder(tf.float32, [None, None, 7], name="x")
    seq_len = v1.placeholder(tf.int32, [None], name="seq_len")
    tte = v1.placeholder(tf.float32, [None, None, 1], name="tte")
    uncensored = v1.placeholder(tf.float32, [None, None, 1], name="u")
    keep = v1.placeholder_with_default(1.0, [], name="keep_prob")
    cell = cells.MultiRNNCell(
        [cells.DropoutWrapper(cells.GRUCell(n, activation=tf.tanh), output_keep_prob=keep) for n in (10, 6)]
    )
    outputs, _ = v1.nn.dynamic_rnn(cell, x, sequence_length=seq_len, dtype=tf.float32)
    raw = _dense(outputs, 2, name="output")
    a_, b_ = tf.split(raw, 2, axis=2)
    alpha = tf.multiply(26.0, tf.exp(a_), name="alpha")
    beta = tf.nn.softplus(b_, name="beta")
    params = tf.concat([alpha, beta], 2, name="predicted_params")
    with tf.name_scope("weibull_loglik"):
        hazard0 = tf.pow((tte + 1e-9) / alpha, beta)
        hazard1 = tf.pow((tte + 1.0) / alpha, beta)
        loglik = uncensored * v1.log(tf.exp(hazard1 - hazard0) - 1.0 + 1e-9) - hazard1
        mask = tf.expand_dims(tf.sequence_mask(seq_len, dtype=tf.float32), -1)
        penalty = tf.maximum(tf.exp(10.0 * (beta / 4.0 - 1.0)), 0.0)
        loss = tf.reduce_sum(mask * (penalty - loglik)) / tf.reduce_sum(mask)
    optimizer = v1.train.AdamOptimizer(0.01)
    pairs = [(tf.clip_by_value(g, -0.5, 0.5), v) for g, v in optimizer.compute_gradients(loss)]
    optimizer.apply_gradients(pairs)
    return [([x, seq_len], [params]), ([x, seq_len], [alpha, beta])]


# Series and signals


@case("time series", modern=True)
@_hush
def sales_with_prices_and_holidays_known_ahead() -> Truth:
    """Past sales with what came with them are encoded; a loop decodes over what is known of days to come."""
    with v1.variable_scope("inputs"):
        past = v1.placeholder(tf.float32, [None, 20], name="past_sales")
        past_x = v1.placeholder(tf.float32, [None, 20, 3], name="past_exog")
        future_x = v1.placeholder(tf.float32, [None, 6, 3], name="future_exog")
        shop = v1.placeholder(tf.int32, [None], name="shop_id")
        target = v1.placeholder(tf.float32, [None, 6], name="target")
        rate = v1.placeholder(tf.float32, name="learning_rate")
    logged = v1.log1p(past)
    mean, var = tf.nn.moments(logged, [1], keepdims=True)
    std = tf.sqrt(var) + 0.01
    normed = (logged - mean) / std
    shops = v1.get_variable("shop_embedding", [25, 4])
    about = tf.nn.embedding_lookup(shops, shop)
    with v1.variable_scope("encoder"):
        tiled = tf.tile(about[:, None, :], [1, 20, 1])
        feed = tf.concat([normed[:, :, None], past_x, tiled], 2)
        _, state = v1.nn.dynamic_rnn(cells.GRUCell(12), feed, dtype=tf.float32)
    with v1.variable_scope("decoder"):
        cell = cells.GRUCell(12)
        projection = core.Dense(1, name="projection")
        by_time = tf.transpose(future_x, [1, 0, 2])
        store = tf.TensorArray(tf.float32, 6)
        days = tf.TensorArray(tf.float32, 6).unstack(by_time)
        cell.build(tf.TensorShape([None, 8]))
        projection.build(tf.TensorShape([None, 12]))

        def body(t: Tensor, last: Tensor, h: Tensor, out: Tensor) -> tuple[Tensor, ...]:
            y, h = cell(tf.concat([last, days.read(t), about], 1), h)
            last = projection(y)
            return t + 1, last, h, out.write(t, tf.squeeze(last, 1))

        first = normed[:, -1:]
        _, _, _, store = v1.while_loop(lambda t, *_: t < 6, body, (tf.constant(0), first, state, store))
        decoded = tf.transpose(store.stack(), [1, 0])
    forecast = tf.maximum(tf.exp(decoded * std + mean) - 1.0, 0.0, name="forecast")
    with tf.name_scope("loss"):
        wanted = (v1.log1p(target) - mean) / std
        loss = tf.reduce_mean(tf.abs(decoded - wanted))
        smape = tf.reduce_mean(2 * tf.abs(forecast - target) / tf.maximum(forecast + target, 0.5))
    v1.summary.scalar("mae", loss)
    v1.summary.scalar("smape", smape)
    optimizer = v1.train.AdamOptimizer(rate)
    gradients, variables = zip(*optimizer.compute_gradients(loss), strict=True)
    clipped, _ = tf.clip_by_global_norm(gradients, 1.0)
    with tf.control_dependencies([optimizer.apply_gradients(zip(clipped, variables, strict=True))]):
        averages = v1.train.ExponentialMovingAverage(0.99)
        averages.apply(v1.trainable_variables())
    return [past, past_x, future_x, shop], [forecast]


@case("time series")
@_hush
def motion_of_a_phone_in_batches_of_twenty() -> Truths:
    """Convolutions along time, then stacked cells unrolled from a zero state of a fixed batch."""
    batch_size, seq_len, n_channels, n_classes = 20, 32, 9, 6
    inputs_ = v1.placeholder(tf.float32, [batch_size, seq_len, n_channels], name="inputs")
    labels_ = v1.placeholder(tf.float32, [batch_size, n_classes], name="labels")
    keep_prob_ = v1.placeholder(tf.float32, name="keep")
    learning_rate_ = v1.placeholder(tf.float32, name="learning_rate")
    conv1 = convolutional.Conv1D(12, 2, 1, "same", activation=tf.nn.relu)(inputs_)
    conv2 = convolutional.Conv1D(16, 2, 2, "same", activation=tf.nn.relu)(conv1)
    lstm_in = tf.transpose(conv2, [1, 0, 2])
    lstm_in = core.Dense(10)(tf.reshape(lstm_in, [-1, 16]))
    lstm_in = tf.split(lstm_in, 16, 0)
    cell = cells.MultiRNNCell(
        [
            cells.DropoutWrapper(cells.BasicLSTMCell(10, forget_bias=0.8), output_keep_prob=keep_prob_)
            for _ in range(2)
        ]
    )
    initial_state = cell.zero_state(batch_size, tf.float32)
    outputs, _ = v1.nn.static_rnn(cell, lstm_in, dtype=tf.float32, initial_state=initial_state)
    logits = core.Dense(n_classes, name="logits")(outputs[-1])
    cost = tf.reduce_mean(v1.nn.softmax_cross_entropy_with_logits_v2(logits=logits, labels=labels_))
    train_op = v1.train.AdamOptimizer(learning_rate_)
    gradients = train_op.compute_gradients(cost)
    train_op.apply_gradients([(tf.clip_by_value(g, -1.0, 1.0), v) for g, v in gradients])
    predicted = tf.argmax(logits, 1)
    correct_pred = tf.equal(predicted, tf.argmax(labels_, 1))
    tf.reduce_mean(tf.cast(correct_pred, tf.float32), name="accuracy")
    return [([inputs_], [logits]), ([inputs_], [predicted])]


# Words


@case("tagger")
@_hush
def intent_opens_the_gate_of_the_slots() -> Truths:
    """A net to train and the same to infer on the same placeholders; the intent gates attention of slots."""
    input_data = v1.placeholder(tf.int32, [None, None], name="inputs")
    sequence_length = v1.placeholder(tf.int32, [None], name="sequence_length")
    step = v1.Variable(0, trainable=False, name="global_step")
    slots = v1.placeholder(tf.int32, [None, None], name="slots")
    slot_weights = v1.placeholder(tf.float32, [None, None], name="slot_weights")
    intent = v1.placeholder(tf.int32, [None], name="intent")

    def create_model(training: bool) -> tuple[Tensor, Tensor]:
        fw, bw = cells.BasicLSTMCell(8), cells.BasicLSTMCell(8)
        if training:
            fw, bw = (cells.DropoutWrapper(c, input_keep_prob=0.5, output_keep_prob=0.5) for c in (fw, bw))
        embedding = v1.get_variable("embedding", [60, 10])
        inputs = tf.nn.embedding_lookup(embedding, input_data)
        both, final = v1.nn.bidirectional_dynamic_rnn(
            fw, bw, inputs, sequence_length=sequence_length, dtype=tf.float32
        )
        state_outputs = tf.concat(both, 2)
        final_state = tf.concat([final[0].h, final[0].c, final[1].h, final[1].c], 1)
        with v1.variable_scope("attention"):
            hidden = tf.expand_dims(state_outputs, 1)
            with v1.variable_scope("slot_attn"):
                kernel = v1.get_variable("AttnW", [16, 16])
                keys = tf.expand_dims(tf.tensordot(state_outputs, kernel, 1), 1)
                queries = tf.expand_dims(_dense(state_outputs, 16), 2)
                v = v1.get_variable("AttnV", [16])
                s = tf.reduce_sum(v * tf.tanh(keys + queries), [3])
                slot_d = tf.reduce_sum(tf.expand_dims(tf.nn.softmax(s), -1) * hidden, [2])
            with v1.variable_scope("intent_attn"):
                query = tf.expand_dims(_dense(final_state, 16), 1)
                e = tf.reduce_sum(tf.tanh(_dense(state_outputs, 16) + query), 2)
                intent_d = tf.reduce_sum(tf.expand_dims(tf.nn.softmax(e), -1) * state_outputs, 1)
                intent_output = tf.concat([intent_d, final_state], 1)
        with v1.variable_scope("slot_gated"):
            gate = tf.expand_dims(_dense(intent_output, 16), 1)
            gate = tf.reduce_sum(v1.get_variable("gateV", [16]) * tf.tanh(slot_d + gate), 2, keepdims=True)
            slot_output = tf.concat([slot_d * gate, state_outputs], 2)
        with v1.variable_scope("intent_proj"):
            intent_logits = _dense(intent_output, 5)
        with v1.variable_scope("slot_proj"):
            slot_logits = _dense(tf.reshape(slot_output, [-1, 32]), 11)
        return slot_logits, intent_logits

    with v1.variable_scope("model"):
        slot_logits, intent_logits = create_model(True)
    flat = tf.reshape(slots, [-1])
    with v1.variable_scope("slot_loss"):
        each = v1.nn.sparse_softmax_cross_entropy_with_logits(labels=flat, logits=slot_logits)
        each = tf.reduce_sum(tf.reshape(each, tf.shape(slots)) * slot_weights, 1)
        slot_loss = each / (tf.reduce_sum(slot_weights, 1) + 1e-12)
    with v1.variable_scope("intent_loss"):
        intent_loss = v1.nn.sparse_softmax_cross_entropy_with_logits(labels=intent, logits=intent_logits)
    variables = v1.trainable_variables()
    optimizer = v1.train.AdamOptimizer()
    for loss, part in ((slot_loss, "intent_proj"), (intent_loss, "slot_proj")):
        of = [v for v in variables if part not in v.name]
        gradients = tf.gradients(loss, of)
        kept = [(g, v) for g, v in zip(gradients, of, strict=True) if g is not None]
        clipped, _ = tf.clip_by_global_norm([g for g, _ in kept], 5.0)
        optimizer.apply_gradients(zip(clipped, [v for _, v in kept], strict=True), global_step=step)
    with v1.variable_scope("model", reuse=True):
        slot_logits, intent_logits = create_model(False)
    slot_output = tf.nn.softmax(slot_logits, name="slot_output")
    intent_output = tf.nn.softmax(intent_logits, name="intent_output")
    fed = [input_data, sequence_length]
    return [(fed, [slot_output, intent_output]), (fed, [slot_logits, intent_logits])]


@case("text")
@_hush
def bag_of_words_bot_of_a_higher_library() -> Truths:
    """Three fully connected layers and a trainer with its own variables, targets, metrics and summaries."""
    with tf.name_scope("is_training"):
        is_training = v1.get_variable(
            "is_training",
            dtype=tf.bool,
            shape=[],
            initializer=v1.constant_initializer(False),
            trainable=False,
        )
        v1.assign(is_training, True)
        v1.assign(is_training, False)
    with tf.name_scope("InputData"):
        words = v1.placeholder(tf.float32, [None, 48], name="X")
    net, name = words, "FullyConnected"
    for k, (units, act) in enumerate([(8, None), (8, None), (9, tf.nn.softmax)]):
        with v1.variable_scope(name + (f"_{k}" if k else "")):
            w = v1.get_variable(
                "W", [int(net.shape[1]), units], initializer=v1.truncated_normal_initializer()
            )
            b = v1.get_variable("b", [units], initializer=v1.zeros_initializer())
            net = tf.nn.bias_add(tf.matmul(net, w), b)
            net = act(net) if act else net
    with tf.name_scope("TargetsData"):
        targets = v1.placeholder(tf.float32, [None, 9], name="Y")
    with tf.name_scope("Accuracy"):
        right = tf.equal(tf.argmax(net, 1), tf.argmax(targets, 1))
        accuracy = tf.reduce_mean(tf.cast(right, tf.float32))
    with tf.name_scope("Crossentropy"):
        clipped = net / tf.reduce_sum(net, axis=1, keepdims=True)
        clipped = tf.clip_by_value(clipped, 1e-10, 1.0 - 1e-10)
        loss = tf.reduce_mean(-tf.reduce_sum(targets * v1.log(clipped), axis=1))
    training_step = v1.Variable(0.0, name="Training_step", trainable=False)
    step = v1.Variable(0.0, name="Global_Step", trainable=False)
    v1.assign(step, tf.add(step, 1.0))
    with tf.name_scope("val_loss"):
        val_loss, val_acc = v1.placeholder(tf.float32, []), v1.placeholder(tf.float32, [])
    averages = v1.train.ExponentialMovingAverage(0.9, num_updates=training_step, name="moving_avg")
    averages.apply([loss, accuracy])
    for key, value in [("Loss", loss), ("Accuracy", accuracy), ("Loss/Val", val_loss), ("Acc/Val", val_acc)]:
        v1.summary.scalar(key, value)
    with tf.name_scope("Adam"):
        optimizer = v1.train.AdamOptimizer(0.001)
        optimizer.apply_gradients(optimizer.compute_gradients(loss), global_step=training_step)
    v1.add_to_collection("inputs", words)
    v1.add_to_collection("targets", targets)
    return [([words], [net]), ([words], [_before(net)])]


@case("seq2seq")
@_hush
def helpdesk_bot_that_trains_and_answers() -> Truths:
    """One decoder, taught with the true answer and let go by itself in a loop until all have ended."""
    input_data = v1.placeholder(tf.int32, [None, None], name="input")
    targets = v1.placeholder(tf.int32, [None, None], name="targets")
    lr = v1.placeholder(tf.float32, name="learning_rate")
    keep_prob = v1.placeholder(tf.float32, name="keep_prob")
    target_length = v1.placeholder(tf.int32, [None], name="target_sequence_length")
    max_target = tf.reduce_max(target_length, name="max_target_len")
    source_length = v1.placeholder(tf.int32, [None], name="source_sequence_length")
    reversed_data = tf.reverse(input_data, [-1])
    go, eos, vocab, units = 1, 2, 50, 12
    with v1.variable_scope("encoding"):
        table = v1.get_variable("embedding", [vocab, 10])
        cell = cells.DropoutWrapper(cells.LSTMCell(units), output_keep_prob=keep_prob)
        _, state = v1.nn.dynamic_rnn(
            cell,
            tf.nn.embedding_lookup(table, reversed_data),
            sequence_length=source_length,
            dtype=tf.float32,
        )
    batch = tf.shape(targets)[0]
    ending = tf.strided_slice(targets, [0, 0], [batch, -1], [1, 1])
    dec_input = tf.concat([tf.fill([batch, 1], go), ending], 1)
    dec_embeddings = v1.Variable(tf.random.uniform([vocab, 10]), name="dec_embeddings")
    output_layer = core.Dense(vocab, kernel_initializer=v1.truncated_normal_initializer(stddev=0.1))
    with v1.variable_scope("decode"):
        decoder = cells.LSTMCell(units)
        outputs, _ = v1.nn.dynamic_rnn(
            cells.DropoutWrapper(decoder, output_keep_prob=keep_prob),
            tf.nn.embedding_lookup(dec_embeddings, dec_input),
            target_length,
            initial_state=state,
        )
        train_logits = output_layer(outputs)
    with v1.variable_scope("decode", reuse=True):
        many = tf.shape(source_length)[0]

        def going(t: Tensor, ids: Tensor, c: Tensor, h: Tensor, done: Tensor, out: Tensor) -> Tensor:
            return tf.logical_and(t < 15, tf.logical_not(tf.reduce_all(done)))

        def turn(t: Tensor, ids: Tensor, c: Tensor, h: Tensor, done: Tensor, out: Tensor) -> tuple[Any, ...]:
            now = tf.nn.embedding_lookup(dec_embeddings, ids)
            y, (c, h) = decoder(now, cells.LSTMStateTuple(c, h))
            ids = tf.cast(tf.argmax(output_layer(y), -1), tf.int32)
            out = out.write(t, tf.where(done, tf.zeros_like(ids), ids))
            return t + 1, ids, c, h, tf.logical_or(done, tf.equal(ids, eos)), out

        store = tf.TensorArray(tf.int32, 0, dynamic_size=True, element_shape=[None])
        start = (tf.constant(0), tf.fill([many], go), state.c, state.h, tf.zeros([many], tf.bool), store)
        *_, store = v1.while_loop(going, turn, start)
        sample_id = tf.transpose(store.stack(), [1, 0])
    training_logits = tf.identity(train_logits, name="logits")
    inference = tf.identity(sample_id, name="predictions")
    masks = tf.sequence_mask(target_length, max_target, dtype=tf.float32, name="masks")
    with tf.name_scope("optimization"):
        xent = v1.nn.sparse_softmax_cross_entropy_with_logits(labels=targets, logits=training_logits)
        cost = tf.reduce_sum(xent * masks) / tf.reduce_sum(masks)
        optimizer = v1.train.AdamOptimizer(lr)
        gradients = optimizer.compute_gradients(cost)
        capped = [(tf.clip_by_value(g, -1.0, 1.0), v) for g, v in gradients if g is not None]
        optimizer.apply_gradients(capped)
    return [([input_data, source_length], [inference]), ([input_data, source_length], [sample_id])]


# Pictures


@case("faces", plain=True)
@_hush
def points_of_a_face_by_an_estimator_exported() -> Truth:
    """An estimator's graph for serving: whole bytes of pixels, eight convolutions, pairs in one vector."""
    image = v1.placeholder(tf.uint8, [None, 64, 64, 3], name="image_tensor")
    v1.train.get_or_create_global_step()
    inputs = v1.to_float(image, name="input_to_float")
    net = inputs
    for k, widths in enumerate([(4,), (8, 8), (8, 8), (12, 12)], 1):
        with v1.variable_scope(f"layer{k}"):
            for width in widths:
                net = convolutional.Conv2D(width, 3, padding="valid", activation=tf.nn.relu)(net)
            net = v1.nn.max_pool(net, [1, 2, 2, 1], [1, 2, 2, 1], "VALID", name="pool")
        if k == 3:
            net = tf.pad(net, [[0, 0], [1, 1], [1, 1], [0, 0]])
    with v1.variable_scope("layer5"):
        net = core.Dense(32, activation=tf.nn.relu, name="dense")(core.Flatten()(net))
    with v1.variable_scope("layer6"):
        logits = core.Dense(136, activation=None, use_bias=True, name="logits")(net)
    tf.group(name="legacy_init_op")
    v1.train.Saver(sharded=True)
    return [image], [logits]


@case("segmentation")
@_hush
def scratches_masked_and_then_decided() -> Truths:
    """A mask in low resolution and, from its maxima and means, whether the surface is bad; two trainers."""
    batch, height, width = 1, 64, 32
    image = v1.placeholder(tf.float32, (batch, height, width, 1), name="Image")
    label = v1.placeholder(tf.float32, (batch, 1), name="Label")
    pixel_label = v1.placeholder(tf.float32, (batch, height // 8, width // 8, 1), name="PixelLabel")

    def conv(x: Tensor, filters: int, size: int, scope: str, act: Act = tf.nn.relu) -> Tensor:
        with v1.variable_scope(scope):
            w = v1.get_variable("weights", [size, size, int(x.shape[-1]), filters])
            y = tf.nn.conv2d(x, w, 1, "SAME")
            mean, var = tf.nn.moments(y, [0, 1, 2])
            offset, scale = v1.get_variable("beta", [filters]), v1.get_variable("gamma", [filters])
            y = tf.nn.batch_normalization(y, mean, var, offset, scale, 1e-5)
            return y if act is None else act(y)

    with v1.variable_scope("segment"):
        net = image
        for k, (filters, times) in enumerate([(4, 2), (8, 3), (8, 4)], 1):
            for i in range(times):
                net = conv(net, filters, 5, f"conv{k}_{i}")
            net = _pool(net)
        features = conv(net, 16, 15, "conv4")
        logits_pixel = conv(features, 1, 1, "conv5", None)
    with v1.variable_scope("decision"):
        net = tf.concat([features, logits_pixel], 3)
        for k, filters in enumerate((4, 8, 12), 1):
            net = conv(v1.nn.max_pool(net, [1, 2, 2, 1], [1, 2, 2, 1], "SAME"), filters, 5, f"conv{k}")
        vector = tf.concat(
            [
                tf.reduce_mean(net, [1, 2]),
                tf.reduce_max(net, [1, 2]),
                tf.reduce_mean(logits_pixel, [1, 2]),
                tf.reduce_max(logits_pixel, [1, 2]),
            ],
            1,
        )
        logits_class = _dense(vector, 1, name="fc")
    mask_out = tf.sigmoid(logits_pixel)
    decision_out = tf.sigmoid(logits_class)
    with tf.name_scope("loss"):
        pixels = v1.nn.sigmoid_cross_entropy_with_logits(logits=logits_pixel, labels=pixel_label)
        segment_loss = tf.reduce_mean(pixels)
        decided = v1.nn.sigmoid_cross_entropy_with_logits(logits=logits_class, labels=label)
        decision_loss = tf.reduce_mean(decided)
    optimizer = v1.train.GradientDescentOptimizer(0.01)
    segment = v1.get_collection("trainable_variables", "segment")
    decision = v1.get_collection("trainable_variables", "decision")
    optimizer.minimize(segment_loss, var_list=segment)
    optimizer.minimize(decision_loss, var_list=decision)
    both = [mask_out, decision_out]
    return [([image], both), ([image], [logits_pixel, logits_class])]


@case("reader of pictures")
@_hush
def plates_of_seven_signs_in_one_long_vector() -> Truths:
    """Grey pixels to a presence and seven softmaxes laid end to end; which plate is right is counted."""
    chars, length = 20, 7

    def weight_variable(shape: Sequence[int]) -> Tensor:
        return v1.Variable(tf.random.truncated_normal(list(shape), stddev=0.1))

    x = v1.placeholder(tf.float32, [None, None, None])
    net, depth = tf.expand_dims(x, 3), 1
    for filters, stride in ((6, (2, 2)), (8, (2, 1)), (12, (2, 2))):
        kernel, bias = weight_variable([5, 5, depth, filters]), v1.Variable(tf.constant(0.1, shape=[filters]))
        net = tf.nn.relu(tf.nn.conv2d(net, kernel, [1, 1, 1, 1], "SAME") + bias)
        net = v1.nn.max_pool(net, [1, *stride, 1], [1, *stride, 1], "SAME")
        depth = filters
    flat = tf.reshape(net, [-1, 4 * 8 * 12])
    w_fc1, b_fc1 = weight_variable([4 * 8 * 12, 32]), v1.Variable(tf.constant(0.1, shape=[32]))
    h_fc1 = tf.nn.relu(tf.matmul(flat, w_fc1) + b_fc1)
    w_fc2 = weight_variable([32, 1 + length * chars])
    y = tf.matmul(h_fc1, w_fc2) + v1.Variable(tf.constant(0.1, shape=[1 + length * chars]))
    y_ = v1.placeholder(tf.float32, [None, length * chars + 1])
    digits = v1.nn.softmax_cross_entropy_with_logits_v2(
        logits=tf.reshape(y[:, 1:], [-1, chars]), labels=tf.reshape(y_[:, 1:], [-1, chars])
    )
    digits = tf.reduce_sum(tf.reshape(digits, [-1, length]), 1) * tf.cast(
        tf.not_equal(y_[:, 0], 0.0), tf.float32
    )
    presence = v1.nn.sigmoid_cross_entropy_with_logits(logits=y[:, :1], labels=y_[:, :1])
    loss = tf.reduce_sum(digits) + length * tf.reduce_sum(presence)
    v1.train.AdamOptimizer(0.001).minimize(loss)
    best = tf.argmax(tf.reshape(y[:, 1:], [-1, length, chars]), 2)
    correct = tf.argmax(tf.reshape(y_[:, 1:], [-1, length, chars]), 2)
    tf.reduce_all(tf.equal(best, correct), 1)
    return [([x], [y]), ([x], [best])]


# Players


@case("agent")
@_hush
def units_sent_by_screen_and_minimap() -> Truths:
    """Two maps and a vector of facts: what to do, where on the screen, and what the state is worth."""
    size = 16
    minimap = v1.placeholder(tf.float32, [None, 5, size, size], name="minimap")
    screen = v1.placeholder(tf.float32, [None, 9, size, size], name="screen")
    info = v1.placeholder(tf.float32, [None, 30], name="info")
    with v1.variable_scope("agent"):
        m = tf.transpose(minimap, [0, 2, 3, 1])
        m = _conv(_conv(m, 6, 5, 1, tf.nn.relu, "mconv1"), 8, 3, 1, tf.nn.relu, "mconv2")
        s = tf.transpose(screen, [0, 2, 3, 1])
        s = _conv(_conv(s, 6, 5, 1, tf.nn.relu, "sconv1"), 8, 3, 1, tf.nn.relu, "sconv2")
        facts = _dense(core.Flatten()(info), 12, tf.tanh, "info_fc")
        wide = tf.tile(tf.expand_dims(tf.expand_dims(facts, 1), 1), [1, size, size, 1])
        where = _conv(tf.concat([m, s, wide], 3), 1, 1, name="spatial_action")
        spatial_action = tf.nn.softmax(core.Flatten()(where))
        both = tf.concat([core.Flatten()(m), core.Flatten()(s), facts], 1)
        both = _dense(both, 24, tf.nn.relu, "feat_fc")
        non_spatial_action = _dense(both, 20, tf.nn.softmax, "non_spatial_action")
        value = tf.reshape(_dense(both, 1, name="value"), [-1])
    valid_spatial = v1.placeholder(tf.float32, [None], name="valid_spatial_action")
    spatial_selected = v1.placeholder(tf.float32, [None, size**2], name="spatial_action_selected")
    valid_non_spatial = v1.placeholder(tf.float32, [None, 20], name="valid_non_spatial_action")
    selected = v1.placeholder(tf.float32, [None, 20], name="non_spatial_action_selected")
    value_target = v1.placeholder(tf.float32, [None], name="value_target")
    chance = tf.reduce_sum(spatial_action * spatial_selected, 1)
    log_chance = v1.log(tf.clip_by_value(chance, 1e-10, 1.0))
    act = tf.reduce_sum(non_spatial_action * selected, 1)
    valid = tf.clip_by_value(tf.reduce_sum(non_spatial_action * valid_non_spatial, 1), 1e-10, 1.0)
    log_act = v1.log(tf.clip_by_value(act / valid, 1e-10, 1.0))
    advantage = tf.stop_gradient(value_target - value)
    log_prob = valid_spatial * log_chance + log_act
    policy_loss = -tf.reduce_mean(log_prob * advantage)
    value_loss = -tf.reduce_mean(value * advantage)
    v1.summary.scalar("policy_loss", policy_loss)
    v1.summary.scalar("value_loss", value_loss)
    rate = v1.placeholder(tf.float32, None, name="learning_rate")
    optimizer = v1.train.RMSPropOptimizer(rate, decay=0.99, epsilon=1e-10)
    capped = []
    for g, v in optimizer.compute_gradients(policy_loss + value_loss):
        v1.summary.histogram(v.op.name + "/grad", g)
        capped.append((tf.clip_by_norm(g, 10.0), v))
    optimizer.apply_gradients(capped)
    v1.summary.merge_all()
    fed, acts = [minimap, screen, info], [non_spatial_action, spatial_action]
    return [(fed, acts), (fed, [*acts, value])]
