"""Networks in the style of TensorFlow 1: graphs, sessions, Savers, SavedModel builders.

Each builder trains a network, writes what its author would have shipped below ``folder``, one
sub-folder an archive, and returns the accuracy on the test part of its data.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import tensorflow as tf
from packing import settle_protobuf
from tensorflow.core.framework import graph_pb2
from tensorflow.core.protobuf import meta_graph_pb2, saved_model_pb2

v1 = tf.compat.v1
Tensor = Any

ONE_THREAD = v1.ConfigProto(intra_op_parallelism_threads=1, inter_op_parallelism_threads=1)


@contextmanager
def training(seed: int = 1) -> Iterator[Any]:
    """A session on a fresh graph, with control flow and variables as TensorFlow 1 made them."""
    v1.disable_control_flow_v2()
    v1.disable_resource_variables()
    with tf.Graph().as_default() as graph, v1.Session(graph=graph, config=ONE_THREAD) as session:
        v1.set_random_seed(seed)
        yield session


def save(session: Any, saver: Any, prefix: Path, step: int | None = None, *, meta: bool = True) -> None:
    """Save a checkpoint, ``prefix[-step]``, whose bytes are the same each time."""
    prefix.parent.mkdir(parents=True, exist_ok=True)
    saver.save(session, str(prefix), global_step=step, write_meta_graph=meta, write_state=meta)
    if meta:
        whole = prefix if step is None else prefix.with_name(f"{prefix.name}-{step}")
        settle_protobuf(whole.with_name(whole.name + ".meta"), meta_graph_pb2.MetaGraphDef.FromString)


def save_saved_model(
    session: Any, folder: Path, inputs: dict[str, Tensor], outputs: dict[str, Tensor]
) -> None:
    """Save a SavedModel with the signature ``serving_default`` the way TensorFlow 1 did."""
    builder = v1.saved_model.builder.SavedModelBuilder(str(folder))
    signature = v1.saved_model.predict_signature_def(inputs=inputs, outputs=outputs)
    builder.add_meta_graph_and_variables(
        session, ["serve"], signature_def_map={"serving_default": signature}, strip_default_attrs=True
    )
    builder.save()
    (folder / "fingerprint.pb").unlink(missing_ok=True)  # holds a random id
    settle_protobuf(folder / "saved_model.pb", saved_model_pb2.SavedModel.FromString)


def frozen(session: Any, outputs: Sequence[str]) -> Any:
    """The GraphDef with constants in place of variables, as the field's tutorials freeze it."""
    return v1.graph_util.convert_variables_to_constants(session, session.graph.as_graph_def(), list(outputs))


def initial(fan_in: int) -> Any:
    """He's initial weights for a layer with ``fan_in`` inputs."""
    return v1.random_normal_initializer(stddev=(2 / fan_in) ** 0.5)


def conv(x: Tensor, size: int, channels: int, name: str, *, stride: int = 1, bias: bool = True) -> Tensor:
    """A convolution with weights and (mostly) biases; no activation."""
    with v1.variable_scope(name):
        depth = int(x.shape[-1])
        weights = v1.get_variable(
            "weights", [size, size, depth, channels], initializer=initial(size * size * depth)
        )
        y = tf.nn.conv2d(x, weights, strides=[1, stride, stride, 1], padding="SAME")
        if not bias:
            return y
        return tf.nn.bias_add(y, v1.get_variable("biases", [channels], initializer=v1.zeros_initializer()))


def dense(x: Tensor, width: int, name: str) -> Tensor:
    """A fully connected layer; no activation."""
    with v1.variable_scope(name):
        depth = int(x.shape[-1])
        weights = v1.get_variable("weights", [depth, width], initializer=initial(depth))
        biases = v1.get_variable("biases", [width], initializer=v1.zeros_initializer())
        return v1.nn.xw_plus_b(x, weights, biases)


def batch_norm(x: Tensor, is_training: Tensor, name: str) -> Tensor:
    """Batch normalization that a boolean tensor switches, updates in the UPDATE_OPS collection."""
    with v1.variable_scope(name):
        shape = [int(x.shape[-1])]
        gamma = v1.get_variable("gamma", shape, initializer=v1.ones_initializer())
        beta = v1.get_variable("beta", shape, initializer=v1.zeros_initializer())
        mean = v1.get_variable("moving_mean", shape, initializer=v1.zeros_initializer(), trainable=False)
        variance = v1.get_variable(
            "moving_variance", shape, initializer=v1.ones_initializer(), trainable=False
        )
        y, batch_mean, batch_variance = v1.cond(
            is_training,
            lambda: v1.nn.fused_batch_norm(x, gamma, beta, epsilon=1e-3, is_training=True),
            lambda: v1.nn.fused_batch_norm(x, gamma, beta, mean, variance, epsilon=1e-3, is_training=False),
        )
        rate = v1.cond(is_training, lambda: tf.constant(0.1), lambda: tf.constant(0.0))
        for moving, batch in ((mean, batch_mean), (variance, batch_variance)):
            update = v1.assign_sub(moving, (moving - batch) * rate)
            v1.add_to_collection(v1.GraphKeys.UPDATE_OPS, update)
        return y


def cross_entropy(logits: Tensor, labels: Tensor, name: str = "loss") -> Tensor:
    """The mean loss, also as a scalar summary."""
    loss = tf.reduce_mean(
        tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits), name=name
    )
    v1.summary.scalar(f"summaries/{name}", loss)
    return loss


def accuracy_of(logits: Tensor, labels: Tensor, name: str = "accuracy") -> Tensor:
    """The share of rows whose largest logit is at the label."""
    with v1.name_scope(name):
        hits = tf.equal(tf.argmax(logits, 1, name="predictions"), labels)
        return tf.reduce_mean(tf.cast(hits, tf.float32), name="value")


def run(
    session: Any,
    train: Any,
    feeds: Callable[[Any, Any], dict[Tensor, Any]],
    data: datasets.Split,
    *,
    steps: int,
    at: Callable[[int], None] = lambda _: None,
) -> None:
    """Take ``steps`` training steps on batches of 64; ``at`` is told the number of each."""
    for step, (features, labels) in enumerate(data.batches(steps, 64), start=1):
        session.run(train, feeds(features, labels))
        at(step)


def lenet(folder: Path) -> float:
    """LeNet on digits: Adam, moving averages, summaries, dropout; four ways to ship it."""
    data = datasets.digits()
    with training() as session:
        images = v1.placeholder(tf.float32, [None, 8, 8, 1], name="input")
        labels = v1.placeholder(tf.int64, [None], name="label")
        keep_prob = v1.placeholder(tf.float32, [], name="keep_prob")
        with v1.variable_scope("LeNet"):
            x = tf.nn.max_pool2d(tf.nn.relu(conv(images, 3, 8, "conv1")), 2, 2, "SAME", name="pool1")
            x = tf.nn.max_pool2d(tf.nn.relu(conv(x, 3, 16, "conv2")), 2, 2, "SAME", name="pool2")
            x = tf.nn.relu(dense(tf.reshape(x, [-1, 64], name="flatten"), 32, "fc3"))
            logits = dense(v1.nn.dropout(x, keep_prob=keep_prob), 10, "logits")
            tf.nn.softmax(logits, name="prob")
        loss = cross_entropy(logits, labels)
        accuracy = accuracy_of(logits, labels)
        for variable in v1.trainable_variables():
            v1.summary.histogram(variable.op.name, variable)
        v1.summary.merge_all(name="merged")
        step = v1.train.get_or_create_global_step()
        minimize = v1.train.AdamOptimizer(3e-3).minimize(loss, global_step=step)
        averages = tf.train.ExponentialMovingAverage(0.98, step)
        with tf.control_dependencies([minimize]):
            train = averages.apply(v1.trainable_variables())
        init = v1.global_variables_initializer()
        saver = v1.train.Saver(save_relative_paths=True)
        session.run(init)

        def at(step: int) -> None:
            if step in (900, 1000):
                save(session, saver, folder / "steps" / "lenet" / "model.ckpt", step)

        def feeds(x: Any, y: Any) -> dict[Tensor, Any]:
            return {images: x, labels: y, keep_prob: 0.5}

        run(session, train, feeds, data, steps=1000, at=at)
        saver = v1.train.Saver(v1.trainable_variables(), save_relative_paths=True)
        save(session, saver, folder / "weights" / "lenet.ckpt", meta=False)
        text = v1.graph_util.extract_sub_graph(session.graph.as_graph_def(), ["LeNet/prob"])
        v1.train.write_graph(text, str(folder), "lenet-graph.pbtxt")
        no_data = folder / "no-data" / "lenet"
        save(session, v1.train.Saver(save_relative_paths=True), no_data / "model.ckpt", 1000)
        for shard in no_data.glob("*.data-*"):
            shard.unlink()
        return float(session.run(accuracy, {**feeds(data.test, data.test_labels), keep_prob: 1.0}))


def resnet(folder: Path) -> float:
    """A residual network on digits: batch normalization by ``cond``, dropout, Momentum, weight decay."""
    data = datasets.digits()
    with training() as session:
        images = v1.placeholder(tf.float32, [None, 8, 8, 1], name="images")
        labels = v1.placeholder(tf.int64, [None], name="labels")
        is_training = v1.placeholder_with_default(False, [], name="is_training")
        with v1.variable_scope("resnet"):
            x = tf.nn.relu(batch_norm(conv(images, 3, 8, "conv0", bias=False), is_training, "bn0"))
            for block, (width, stride) in enumerate([(8, 1), (16, 2), (16, 1)], start=1):
                with v1.variable_scope(f"block{block}"):
                    y = conv(x, 3, width, "conv1", stride=stride, bias=False)
                    y = tf.nn.relu(batch_norm(y, is_training, "bn1"))
                    y = batch_norm(conv(y, 3, width, "conv2", bias=False), is_training, "bn2")
                    if stride > 1:
                        x = conv(x, 1, width, "shortcut", stride=stride, bias=False)
                    x = tf.nn.relu(tf.add(x, y, name="add"))
            x = tf.reduce_mean(x, [1, 2], name="pool")
            x = v1.cond(is_training, lambda: v1.nn.dropout(x, keep_prob=0.8), lambda: tf.identity(x))
            logits = dense(x, 10, "logits")
            tf.nn.softmax(logits, name="predictions")
        decay = tf.add_n([tf.nn.l2_loss(w) for w in v1.trainable_variables() if "weights" in w.op.name])
        loss = tf.add(cross_entropy(logits, labels), 1e-4 * decay, name="total_loss")
        accuracy = accuracy_of(logits, labels)
        step = v1.train.get_or_create_global_step()
        with tf.control_dependencies(v1.get_collection(v1.GraphKeys.UPDATE_OPS)):
            train = v1.train.MomentumOptimizer(0.05, 0.9).minimize(loss, global_step=step)
        session.run(v1.global_variables_initializer())

        def feeds(x: Any, y: Any) -> dict[Tensor, Any]:
            return {images: x, labels: y, is_training: True}

        run(session, train, feeds, data, steps=300)
        save(session, v1.train.Saver(save_relative_paths=True), folder / "resnet" / "model.ckpt", 300)
        return float(session.run(accuracy, {images: data.test, labels: data.test_labels}))


def lstm(folder: Path) -> float:
    """An LSTM that reads a digit row by row in a dynamic while loop; RMSProp, clipped gradients."""
    data = datasets.digits()
    units = 24
    with training() as session:
        rows = v1.placeholder(tf.float32, [None, 8, 8], name="sequence")
        labels = v1.placeholder(tf.int64, [None], name="targets")
        with v1.variable_scope("rnn/lstm_cell"):
            kernel = v1.get_variable("kernel", [8 + units, 4 * units], initializer=initial(8 + units))
            bias = v1.get_variable("bias", [4 * units], initializer=v1.zeros_initializer())
        with v1.name_scope("rnn"):
            by_time = tf.transpose(rows, [1, 0, 2])
            length, batch = tf.shape(by_time)[0], tf.shape(by_time)[1]
            steps = tf.TensorArray(tf.float32, length, tensor_array_name="input").unstack(by_time)
            zeros = tf.zeros([batch, units], name="zero_state")

            def cell(time: Tensor, c: Tensor, h: Tensor) -> tuple[Tensor, Tensor, Tensor]:
                both = tf.concat([steps.read(time), h], 1)
                i, j, f, o = tf.split(tf.nn.bias_add(tf.matmul(both, kernel), bias), 4, axis=1)
                c = tf.sigmoid(f + 1.0) * c + tf.sigmoid(i) * tf.tanh(j)
                return time + 1, c, tf.sigmoid(o) * tf.tanh(c)

            _, _, h = v1.while_loop(lambda time, *_: time < length, cell, (tf.constant(0), zeros, zeros))
            h.set_shape([None, units])
        logits = dense(h, 10, "output")
        tf.nn.softmax(logits, name="scores")
        loss, accuracy = cross_entropy(logits, labels), accuracy_of(logits, labels)
        variables = v1.trainable_variables()
        gradients, _ = tf.clip_by_global_norm(v1.gradients(loss, variables), 5.0)
        optimizer = v1.train.RMSPropOptimizer(3e-3)
        step = v1.train.get_or_create_global_step()
        train = optimizer.apply_gradients(zip(gradients, variables, strict=True), global_step=step)
        session.run(v1.global_variables_initializer())

        def feeds(x: Any, y: Any) -> dict[Tensor, Any]:
            return {rows: x[..., 0], labels: y}

        run(session, train, feeds, data, steps=500)
        save(session, v1.train.Saver(save_relative_paths=True), folder / "lstm" / "lstm.ckpt")
        return float(session.run(accuracy, feeds(data.test, data.test_labels)))


def two_inputs(folder: Path) -> float:
    """Two towers, means and worst values of a biopsy, joined: a SavedModel with a signature."""
    data = datasets.breast_cancer()
    with training() as session, v1.variable_scope("", use_resource=True):
        means = v1.placeholder(tf.float32, [None, 10], name="mean_features")
        worst = v1.placeholder(tf.float32, [None, 10], name="worst_features")
        labels = v1.placeholder(tf.int64, [None], name="diagnosis")
        left, right = (
            tf.nn.tanh(dense(x, 8, name)) for x, name in ((means, "mean_tower"), (worst, "worst_tower"))
        )
        logits = dense(tf.concat([left, right], 1, name="joined"), 2, "head")
        probability = tf.nn.softmax(logits, name="probability")
        loss, accuracy = cross_entropy(logits, labels), accuracy_of(logits, labels)
        train = v1.train.AdamOptimizer(1e-2).minimize(loss)
        session.run(v1.global_variables_initializer())

        def feeds(x: Any, y: Any) -> dict[Tensor, Any]:
            return {means: x[:, :10], worst: x[:, 20:], labels: y}

        run(session, train, feeds, data, steps=200)
        inputs = {"mean_features": means, "worst_features": worst}
        (folder / "two-inputs").mkdir()
        save_saved_model(session, folder / "two-inputs" / "1", inputs, {"probability": probability})
        return float(session.run(accuracy, feeds(data.test, data.test_labels)))


def two_heads(folder: Path) -> float:
    """One trunk, two heads: which digit it is, and whether it has a closed loop; resource variables."""
    data = datasets.digits()
    with training() as session, v1.variable_scope("", use_resource=True):
        images = v1.placeholder(tf.float32, [None, 8, 8, 1], name="image")
        digit = v1.placeholder(tf.int64, [None], name="digit_label")
        loop = v1.placeholder(tf.int64, [None], name="loop_label")
        x = tf.nn.relu(conv(images, 3, 8, "trunk/conv1", stride=2))
        x = tf.reshape(tf.nn.relu(conv(x, 3, 8, "trunk/conv2", stride=2)), [-1, 32])
        digit_logits, loop_logits = dense(x, 10, "digit_head"), dense(x, 2, "loop_head")
        tf.nn.softmax(digit_logits, name="digit_head/probabilities")
        tf.nn.softmax(loop_logits, name="loop_head/probabilities")
        losses = [
            cross_entropy(digit_logits, digit, "digit_loss"),
            cross_entropy(loop_logits, loop, "loop_loss"),
        ]
        total = tf.add_n(losses, name="total_loss")
        accuracy = tf.minimum(accuracy_of(digit_logits, digit), accuracy_of(loop_logits, loop))
        step = v1.train.get_or_create_global_step()
        train = v1.train.AdamOptimizer(5e-3).minimize(total, global_step=step)
        session.run(v1.global_variables_initializer())

        def feeds(x: Any, y: Any) -> dict[Tensor, Any]:
            return {images: x, digit: y, loop: np.isin(y, [0, 6, 8, 9]).astype(np.int64)}

        run(session, train, feeds, data, steps=500)
        save(session, v1.train.Saver(save_relative_paths=True), folder / "two-heads.ckpt")
        return float(session.run(accuracy, feeds(data.test, data.test_labels)))


def checkpoint_v1(folder: Path) -> float:
    """A perceptron on wines in the checkpoint format of before 2016: one table file, and its graph."""
    data = datasets.wine()
    with training() as session:
        features = v1.placeholder(tf.float32, [None, 13], name="x")
        labels = v1.placeholder(tf.int64, [None], name="y_")
        logits = dense(tf.nn.sigmoid(dense(features, 16, "hidden")), 3, "out")
        tf.nn.softmax(logits, name="y")
        loss, accuracy = cross_entropy(logits, labels), accuracy_of(logits, labels)
        train = v1.train.MomentumOptimizer(0.1, 0.9).minimize(loss)
        session.run(v1.global_variables_initializer())
        run(session, train, lambda x, y: {features: x, labels: y}, data, steps=200)
        saver = v1.train.Saver(write_version=v1.train.SaverDef.V1, save_relative_paths=True)
        save(session, saver, folder / "wine" / "model", 200)
        return float(session.run(accuracy, {features: data.test, labels: data.test_labels}))


def iris(folder: Path) -> float:
    """A perceptron on flowers, frozen: the GraphDef as binary and as text."""
    data = datasets.iris()
    with training() as session:
        features = v1.placeholder(tf.float32, [None, 4], name="features")
        labels = v1.placeholder(tf.int64, [None], name="species")
        logits = dense(tf.nn.relu(dense(features, 16, "hidden")), 3, "logits")
        tf.nn.softmax(logits, name="probabilities")
        loss, accuracy = cross_entropy(logits, labels), accuracy_of(logits, labels)
        train = v1.train.GradientDescentOptimizer(0.1).minimize(loss)
        session.run(v1.global_variables_initializer())
        run(session, train, lambda x, y: {features: x, labels: y}, data, steps=400)
        graph = frozen(session, ["probabilities"])
        v1.train.write_graph(graph, str(folder), "iris-frozen.pb", as_text=False)
        v1.train.write_graph(graph, str(folder), "iris-frozen.pbtxt")
        settle_protobuf(folder / "iris-frozen.pb", graph_pb2.GraphDef.FromString)
        return float(session.run(accuracy, {features: data.test, labels: data.test_labels}))


def partitioned(folder: Path) -> float:
    """A perceptron on digits whose large variables are cut in pieces, as parameter servers did; FTRL."""
    data = datasets.digits()
    with training() as session:
        features = v1.placeholder(tf.float32, [None, 64], name="pixels")
        labels = v1.placeholder(tf.int64, [None], name="labels")
        with v1.variable_scope("dnn", partitioner=v1.fixed_size_partitioner(3)):
            hidden = tf.nn.relu(dense(features, 24, "hiddenlayer_0"))
        logits = dense(hidden, 10, "dnn/logits")
        tf.nn.softmax(logits, name="dnn/probabilities")
        loss, accuracy = cross_entropy(logits, labels), accuracy_of(logits, labels)
        train = v1.train.FtrlOptimizer(0.2).minimize(loss)
        session.run(v1.global_variables_initializer())
        run(session, train, lambda x, y: {features: x.reshape(-1, 64), labels: y}, data, steps=400)
        save(session, v1.train.Saver(save_relative_paths=True), folder / "dnn" / "model.ckpt", 400)
        test = {features: data.test.reshape(-1, 64), labels: data.test_labels}
        return float(session.run(accuracy, test))


def iterator(folder: Path) -> float:
    """A network fed by a tf.data iterator: there is no placeholder for the images at all."""
    data = datasets.digits()
    with training() as session:
        # Placeholders, for constants would put all the pixels into the graph.
        pixels = v1.placeholder(tf.float32, [None, 8, 8, 1], name="data/pixels")
        digits = v1.placeholder(tf.int64, [None], name="data/digits")
        dataset = tf.data.Dataset.from_tensor_slices((pixels, digits))
        dataset = dataset.shuffle(2000, seed=3).repeat().batch(64)
        source = v1.data.make_initializable_iterator(dataset)
        images, labels = source.get_next()
        x = tf.nn.relu(conv(images, 3, 8, "conv1", stride=2))
        x = tf.reshape(tf.nn.relu(conv(x, 3, 16, "conv2", stride=2)), [-1, 64])
        logits = dense(x, 10, "classifier")
        tf.nn.softmax(logits, name="Softmax")
        loss, accuracy = cross_entropy(logits, labels), accuracy_of(logits, labels)
        train = v1.train.AdamOptimizer(5e-3).minimize(loss)
        saver = v1.train.Saver(save_relative_paths=True)
        session.run(v1.global_variables_initializer())
        session.run(source.initializer, {pixels: data.train, digits: data.train_labels})
        for _ in range(400):
            session.run(train)
        save(session, saver, folder / "iterator" / "model.ckpt", 400)
        return float(session.run(accuracy, {images: data.test, labels: data.test_labels}))
