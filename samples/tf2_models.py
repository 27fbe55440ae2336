"""Networks in the style of TensorFlow 2: modules, object checkpoints, Keras, TensorFlow Lite.

The builders do what those of ``tf1_models`` do.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import datasets
import keras
import numpy as np
import tensorflow as tf
from packing import settle_keras, settle_protobuf
from tensorflow.core.protobuf import saved_model_pb2

IMAGES = tf.TensorSpec([None, 8, 8, 1], tf.float32, name="images")


class Perceptron(tf.Module):  # type: ignore[misc]  # TensorFlow ships no types
    """Two dense layers on 64 pixels, written by hand, with its signature."""

    def __init__(self, seed: int = 5) -> None:
        super().__init__(name="perceptron")
        random = np.random.RandomState(seed)
        self.w1 = tf.Variable(random.normal(0, 0.2, [64, 32]).astype(np.float32), name="w1")
        self.b1 = tf.Variable(tf.zeros([32]), name="b1")
        self.w2 = tf.Variable(random.normal(0, 0.2, [32, 10]).astype(np.float32), name="w2")
        self.b2 = tf.Variable(tf.zeros([10]), name="b2")

    def logits(self, images: Any) -> Any:
        """What the network says about images [batch, 8, 8, 1], before the softmax."""
        flat = tf.reshape(images, [-1, 64])
        return tf.matmul(tf.nn.relu(tf.matmul(flat, self.w1) + self.b1), self.w2) + self.b2

    @tf.function(input_signature=[IMAGES])  # type: ignore[untyped-decorator]
    def serve(self, images: Any) -> dict[str, Any]:
        """The signature: probabilities and the most likely digit."""
        probabilities = tf.nn.softmax(self.logits(images))
        return {"probabilities": probabilities, "digit": tf.argmax(probabilities, 1)}


def module(folder: Path) -> float:
    """A tf.Module as SavedModel, and its training state as object-based checkpoint."""
    data = datasets.digits()
    model = Perceptron()
    optimizer = keras.optimizers.Adam(5e-3)
    optimizer.build(model.trainable_variables)

    @tf.function  # type: ignore[untyped-decorator]
    def train(images: Any, labels: Any) -> None:
        with tf.GradientTape() as tape:
            loss = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=model.logits(images))
            mean = tf.reduce_mean(loss)
        optimizer.apply(tape.gradient(mean, model.trainable_variables), model.trainable_variables)

    for images, labels in data.batches(300, 64):
        train(tf.constant(images), tf.constant(labels))
    saved = folder / "module" / "perceptron"
    tf.saved_model.save(model, str(saved), signatures={"serving_default": model.serve})
    _settle_saved_model(saved)
    state = folder / "objects" / "checkpoints"
    checkpoint = tf.train.Checkpoint(model=model, optimizer=optimizer, step=tf.Variable(300, dtype=tf.int64))
    checkpoint.write(str(state / "ckpt-300"))
    (state / "checkpoint").write_text('model_checkpoint_path: "ckpt-300"\n')
    guesses = model.serve(tf.constant(data.test))["digit"].numpy()
    return float((guesses == data.test_labels).mean())


def keras_cnn(folder: Path) -> float:
    """A Keras network in its own three formats, exported, and converted to TensorFlow Lite."""
    data = datasets.digits()
    keras.utils.set_random_seed(4)
    model = keras.Sequential(
        [
            keras.Input([8, 8, 1], name="image"),
            keras.layers.Conv2D(8, 3, padding="same", activation="relu", name="conv1"),
            keras.layers.MaxPooling2D(name="pool1"),
            keras.layers.Conv2D(16, 3, padding="same", use_bias=False, name="conv2"),
            keras.layers.BatchNormalization(name="bn2", momentum=0.8),
            keras.layers.ReLU(name="relu2"),
            keras.layers.GlobalAveragePooling2D(name="pool2"),
            keras.layers.Dropout(0.1, seed=7, name="dropout"),
            keras.layers.Dense(10, activation="softmax", name="digit"),
        ],
        name="digits_cnn",
    )
    model.compile(keras.optimizers.Adam(1e-2), "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(data.train, data.train_labels, batch_size=64, epochs=16, shuffle=False, verbose=0)
    model.save(folder / "keras-cnn.keras")
    settle_keras(folder / "keras-cnn.keras")
    model.save(folder / "keras-cnn.h5")
    model.save_weights(folder / "keras-cnn.weights.h5")
    exported = folder / "export" / "digits_cnn"
    _export(model, exported)
    (folder / "keras-cnn.tflite").write_bytes(_tflite(exported, data))
    return float((model(data.test).numpy().argmax(1) == data.test_labels).mean())


def _export(model: Any, folder: Path) -> None:
    """What ``model.export`` does, with the variables in the order of their names.

    TensorFlow keeps those that a function reads in a set that is ordered by their addresses.
    """
    archive = keras.export.ExportArchive()
    serve = archive.track_and_add_endpoint("serve", model, [IMAGES])
    graph = serve.get_concrete_function().graph
    graph.variables = sorted(graph.variables, key=lambda variable: str(variable.name))
    archive.write_out(str(folder), verbose=False)
    _settle_saved_model(folder)


def _tflite(exported: Path, data: datasets.Split) -> bytes:
    """The exported network with weights and activations as 8-bit integers."""
    converter = tf.lite.TFLiteConverter.from_saved_model(str(exported))
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: ([image[None]] for image in data.train[:100])
    converted: bytes = converter.convert()
    return converted


def _settle_saved_model(folder: Path) -> None:
    (folder / "fingerprint.pb").unlink(missing_ok=True)  # holds a random id
    settle_protobuf(folder / "saved_model.pb", saved_model_pb2.SavedModel.FromString)
    if not any((folder / "assets").iterdir()):
        shutil.rmtree(folder / "assets")  # archives of files hold no empty folders
