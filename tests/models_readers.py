"""Small real models in every format, written by TensorFlow once a session, and tables by hand."""

from __future__ import annotations

import os
import shutil
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import google_crc32c
import numpy as np
import pytest

from zoo import find, variables
from zoo.model import Bindings, Model
from zoo.readers.crc import mask
from zoo.records import Weights as Prefer

Entries = Sequence[tuple[bytes, bytes]]

CORPUS = Path(os.environ.get("ZOO_CORPUS", Path(__file__).parents[2] / "shared" / "corpus"))
needs_corpus = pytest.mark.skipif(
    not CORPUS.is_dir(), reason="the corpus of real models is not here (set ZOO_CORPUS)"
)


def number(value: int) -> bytes:
    """A varint."""
    out = bytearray()
    while value >= 128:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes((*out, value))


def table(blocks: Sequence[Entries], *, pack: Callable[[bytes], bytes] | None = None) -> bytes:
    """A table file of these blocks of sorted entries; ``pack`` compresses them (snappy)."""
    out = bytearray()

    def write(content: bytes, kind: int) -> bytes:
        handle = number(len(out)) + number(len(content))
        out.extend(content + bytes([kind]))
        out.extend(mask(google_crc32c.value(content + bytes([kind]))).to_bytes(4, "little"))
        return handle

    index = []
    for entries in blocks:
        content = block(entries)
        handle = write(content if pack is None else pack(content), int(pack is not None))
        index.append((entries[-1][0], handle))
    meta_handle = write(block([]), 0)
    index_handle = write(block(index), 0)
    footer = (meta_handle + index_handle).ljust(40, b"\0")
    return bytes(out) + footer + bytes.fromhex("57fb808b247547db")


def block(entries: Entries) -> bytes:
    """A block with prefix-compressed keys and one restart."""
    out = bytearray()
    last = b""
    for key, value in entries:
        shared = next((i for i, (a, b) in enumerate(zip(last, key, strict=False)) if a != b), len(last))
        out += number(shared) + number(len(key) - shared) + number(len(value)) + key[shared:] + value
        last = key
    return bytes(out) + (0).to_bytes(4, "little") + (1).to_bytes(4, "little")


def field(tag: int, value: bytes | int) -> bytes:
    """A protobuf field: a varint or bytes."""
    if isinstance(value, int):
        return number(tag << 3) + number(value)
    return number(tag << 3 | 2) + number(len(value)) + value


def read(root: Path, member: str | None = None) -> Model:
    """The model that is found in ``root``, as the job reads it."""
    artifact, others, why = find.choose(find.find(root), member)
    return find.read(root, artifact, others=others, why=why)


def bind(model: Model, prefer: Prefer = "raw") -> Bindings:
    """The bindings of a model."""
    return variables.bind(model.meta, model.weights, prefer=prefer)


def keys(bindings: Bindings) -> dict[str, str | None]:
    """Variable name → checkpoint key."""
    return {item.name: item.key for item in bindings.variables}


def copy(source: Path, target: Path, names: Mapping[str, str] | None = None) -> Path:
    """``target`` as a copy of a folder; ``names`` says what its files are called there."""
    target.mkdir(parents=True, exist_ok=True)
    for path in sorted(source.rglob("*")):
        if path.is_file():
            relative = path.relative_to(source).as_posix()
            if names is not None and relative not in names:
                continue
            place = target / (relative if names is None else names[relative])
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, place)
    return target


POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 1234\n"

DTYPES: dict[str, np.ndarray[Any, Any]] = {
    "float32": np.array([[1.5, -2.0], [0.0, np.inf]], np.float32),
    "float64": np.array([1e300, -0.0]),
    "int32": np.array([-1, 2**31 - 1, -(2**31)], np.int32),
    "uint8": np.array([0, 255], np.uint8),
    "int16": np.array([-32768, 5], np.int16),
    "int8": np.array([-128, 127], np.int8),
    "complex64": np.array([1 + 2j, -3j], np.complex64),
    "complex128": np.array([1 + 2j]),
    "int64": np.array([-(2**63), 2**63 - 1, 0], np.int64),
    "bool": np.array([True, False, True]),
    "uint16": np.array([65535], np.uint16),
    "uint32": np.array([2**32 - 1], np.uint32),
    "uint64": np.array([2**64 - 1], np.uint64),
    "float16": np.array([1.5, -2.0, 65504], np.float16),
    "scalar": np.array(7.0, np.float32),
    "empty": np.empty((0, 3), np.float32),
}
QUANTIZED = {"qint8": "int8", "quint8": "uint8", "qint32": "int32", "qint16": "int16", "quint16": "uint16"}
V1_DTYPES = (
    "float32 float64 int32 uint8 int16 int8 complex64 int64 bool float16 scalar qint8 quint8 qint32 string"
).split()


class Built:
    """What `build` wrote, by folder."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def __getattr__(self, name: str) -> Path:
        path: Path = self.root / name
        if not path.exists():
            raise AttributeError(name)
        return path


def build(root: Path) -> Built:
    """All models, each in its folder."""
    import tensorflow as tf

    _tensors(tf, root)
    _training(tf, root)
    _renamed(tf, root)
    _partitioned(tf, root)
    _optimizers(tf, root)
    _saved_models(tf, root)
    _objects(tf, root)
    _keras(root)
    _tflite(tf, root)
    return Built(root)


def _tensors(tf: Any, root: Path) -> None:
    """Every dtype, without a graph; two shards; slices of one tensor."""
    values = {name: tf.constant(value) for name, value in DTYPES.items()}
    values |= {name: tf.bitcast(tf.constant([1, 2, 3], plain), name) for name, plain in QUANTIZED.items()}
    values["bfloat16"] = tf.constant([1.0, -2.5], tf.bfloat16)
    values["string"] = tf.constant([b"", b"two words", b"\xff\x00" * 200])
    for folder in ("dtypes", "dtypes_v1", "shards", "slices"):
        (root / folder).mkdir(parents=True)
    prefix = str(root / "dtypes" / "model.ckpt")
    names = list(values)
    tf.raw_ops.SaveV2(
        prefix=prefix, tensor_names=names, shape_and_slices=[""] * len(names), tensors=list(values.values())
    )
    old = [name for name in names if name in V1_DTYPES]
    tf.raw_ops.Save(
        filename=str(root / "dtypes_v1" / "dd"), tensor_names=old, data=[values[name] for name in old]
    )
    parts = []
    for i, name in enumerate(("first", "second")):
        part = str(root / "shards" / f"part{i}")
        tf.raw_ops.SaveV2(
            prefix=part, tensor_names=[name], shape_and_slices=[""], tensors=[tf.fill([4, 3], float(i + 1))]
        )
        parts.append(part)
    tf.raw_ops.MergeV2Checkpoints(
        checkpoint_prefixes=parts, destination_prefix=str(root / "shards" / "model"), delete_old_dirs=False
    )
    whole = tf.reshape(tf.range(24.0), [4, 6])
    rows = str(root / "slices" / "rows")
    tf.raw_ops.SaveV2(
        prefix=rows,
        tensor_names=["w", "w", "v\xe9\0"],
        shape_and_slices=["4 6 0,1:-", "4 6 1,3:-", ""],
        tensors=[whole[:1], whole[1:], tf.constant(1.0)],
    )
    tf.raw_ops.SaveV2(
        prefix=str(root / "slices" / "columns"),
        tensor_names=["w", "w"],
        shape_and_slices=["4 6 -:0,2", "4 6 -:2,4"],
        tensors=[whole[:, :2], whole[:, 2:]],
    )
    tf.raw_ops.SaveSlices(
        filename=str(root / "slices" / "old"),
        tensor_names=["w", "w"],
        shapes_and_slices=["4 6 -:0,2", "4 6 -:2,4"],
        data=[whole[:, :2], whole[:, 2:]],
    )


def net(tf: Any) -> tuple[Any, Any]:
    """(logits, loss) of a small convolution net, in the default graph."""
    v1 = tf.compat.v1
    image = v1.placeholder(tf.float32, [None, 4, 4, 1], name="image")
    with v1.variable_scope("conv1"):
        kernel = v1.get_variable("weights", [3, 3, 1, 2])
        bias = v1.get_variable("biases", [2], initializer=v1.zeros_initializer())
    hidden = tf.nn.relu(tf.nn.conv2d(image, kernel, 1, "VALID") + bias)
    with v1.variable_scope("fc"):
        weights = v1.get_variable("weights", [8, 3])
    logits = tf.matmul(tf.reshape(hidden, [-1, 8]), weights, name="logits")
    return logits, tf.reduce_sum(logits**2)


def _training(tf: Any, root: Path) -> None:
    """A training graph with Adam and moving averages: three steps in V2, one in V1."""
    v1 = tf.compat.v1
    (root / "training").mkdir()
    (root / "training_v1").mkdir()
    with tf.Graph().as_default(), v1.Session() as session:
        v1.set_random_seed(1)
        _, loss = net(tf)
        step = v1.train.get_or_create_global_step()
        train = v1.train.AdamOptimizer().minimize(loss, step)
        average = v1.train.ExponentialMovingAverage(0.9)
        averaged = average.apply(v1.trainable_variables())
        session.run(v1.global_variables_initializer())
        feeds = {"image:0": np.ones((1, 4, 4, 1), np.float32)}
        saver = v1.train.Saver(max_to_keep=5)
        for number in (9, 10, 11):
            session.run([train, averaged], feeds)
            saver.save(session, str(root / "training" / "model.ckpt"), number, write_meta_graph=number == 9)
        old = v1.train.Saver(write_version=v1.train.SaverDef.V1)
        old.save(session, str(root / "training_v1" / "model.ckpt"))


def _renamed(tf: Any, root: Path) -> None:
    """Keys that are not the variables' names; resource and reference variables in one graph."""
    v1 = tf.compat.v1
    (root / "renamed").mkdir()
    with tf.Graph().as_default(), v1.Session() as session:
        a = v1.get_variable("a", [2], use_resource=False)
        b = v1.get_variable("scope/b", [3], use_resource=True)
        c = v1.get_variable("unsaved", [3], use_resource=True)
        tf.add(tf.reduce_sum(a) + tf.reduce_sum(b), tf.reduce_sum(c), name="out")
        session.run(v1.global_variables_initializer())
        saver = v1.train.Saver({"old/name/of/a": a, "b": b})
        saver.save(session, str(root / "renamed" / "-fsrcnn [x2] 模型"))


def _partitioned(tf: Any, root: Path) -> None:
    v1 = tf.compat.v1
    (root / "partitioned").mkdir()
    with tf.Graph().as_default(), v1.Session() as session:
        rows = v1.get_variable("rows", [5, 2], partitioner=v1.fixed_size_partitioner(2), use_resource=False)
        columns = v1.get_variable(
            "columns", [2, 6], partitioner=v1.fixed_size_partitioner(3, axis=1), use_resource=True
        )
        loss = tf.reduce_sum(tf.matmul(rows, columns) ** 2, name="out")
        v1.train.RMSPropOptimizer(0.1).minimize(loss)
        session.run(v1.global_variables_initializer())
        v1.train.Saver().save(session, str(root / "partitioned" / "model.ckpt"))
        old = v1.train.Saver(write_version=v1.train.SaverDef.V1)
        (root / "partitioned_v1").mkdir()
        old.save(session, str(root / "partitioned_v1" / "model.ckpt"))


OPTIMIZERS = ("Adam", "Momentum", "RMSProp", "Adagrad", "Ftrl", "Adadelta")


def _optimizers(tf: Any, root: Path) -> None:
    v1 = tf.compat.v1
    made = {
        "Adam": v1.train.AdamOptimizer(),
        "Momentum": v1.train.MomentumOptimizer(0.1, 0.9),
        "RMSProp": v1.train.RMSPropOptimizer(0.1, centered=True),
        "Adagrad": v1.train.AdagradOptimizer(0.1),
        "Ftrl": v1.train.FtrlOptimizer(0.1),
        "Adadelta": v1.train.AdadeltaOptimizer(0.1),
        "Mine": v1.train.AdamOptimizer(name="Mine"),
    }
    for name, optimizer in made.items():
        folder = root / f"optimizer_{name}"
        folder.mkdir()
        with tf.Graph().as_default(), v1.Session() as session:
            _, loss = net(tf)
            optimizer.minimize(loss)
            session.run(v1.global_variables_initializer())
            v1.train.Saver().save(session, str(folder / "model"))


def _saved_models(tf: Any, root: Path) -> None:
    v1 = tf.compat.v1
    for version in (2, 10):
        folder = root / "versions" / str(version)
        with tf.Graph().as_default(), v1.Session() as session:
            logits, _ = net(tf)
            session.run(v1.global_variables_initializer())
            builder = v1.saved_model.Builder(str(folder))
            image = session.graph.get_tensor_by_name("image:0")
            signature = v1.saved_model.predict_signature_def({"image": image}, {"logits": logits})
            builder.add_meta_graph_and_variables(session, ["serve"], {"serving_default": signature})
            builder.add_meta_graph(["train"])
            builder.save()
    with tf.Graph().as_default(), v1.Session() as session:
        x = v1.placeholder(tf.float32, [None], name="x")
        tf.identity(x * 2, name="y")
        builder = v1.saved_model.Builder(str(root / "no_variables"))
        builder.add_meta_graph_and_variables(session, ["serve"])
        builder.save(as_text=True)


def _objects(tf: Any, root: Path) -> None:
    """A SavedModel of TensorFlow 2 and object checkpoints; two variables share a name."""

    class Twins(tf.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.left = tf.Variable(tf.ones([2, 3]), name="kernel")
            self.right = tf.Variable(tf.fill([2, 3], 2.0), name="kernel")
            self.count = tf.Variable(0, dtype=tf.int64, trainable=False, name="count")

        @tf.function(input_signature=[tf.TensorSpec([None, 2], name="x")])  # type: ignore[untyped-decorator]
        def call(self, x: Any) -> Any:
            return {"y": tf.matmul(x, self.left) - tf.matmul(x, self.right)}

    twins = Twins()
    tf.saved_model.save(twins, str(root / "saved_model_2"), signatures=twins.call)
    (root / "objects").mkdir()
    optimizer = tf.keras.optimizers.Adam()
    optimizer.build([twins.left, twins.right])
    tf.train.Checkpoint(model=twins, optimizer=optimizer).write(str(root / "objects" / "model.ckpt"))


def _keras(root: Path) -> None:
    import keras

    (root / "keras").mkdir()
    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input((6, 6, 1), name="image"),
            layers.Conv2D(2, 3, name="conv"),
            layers.BatchNormalization(name="norm"),
            layers.Flatten(),
            layers.Lambda(lambda x: x * 2, name="double"),
            layers.Dense(4, activation="softmax", name="classes"),
        ]
    )
    model.compile("adam", "categorical_crossentropy")
    model.optimizer.build(model.trainable_variables)
    model.save(root / "keras" / "model.keras")
    model.save_weights(root / "keras" / "only.weights.h5")
    a, b = keras.Input((4,), name="a"), keras.Input((5,), name="b")
    joined = layers.Concatenate(name="join")([a, layers.Dense(3, name="inner")(b)])
    heads = [layers.Dense(2, name="two")(joined), layers.Dense(3, name="three")(joined)]
    keras.Model([a, b], heads).save(root / "keras" / "hey-mycroft.train.net.h5")
    inner = [layers.Dense(4, name="a"), layers.Dropout(0.1), layers.Dense(3, name="b")]
    served = keras.Sequential([keras.Input((8,)), *inner], name="net")
    served.export(root / "keras_export", verbose=False)


def _tflite(tf: Any, root: Path) -> None:
    @tf.function(input_signature=[tf.TensorSpec([1, 4], name="x")])  # type: ignore[untyped-decorator]
    def double(x: Any) -> Any:
        return tf.nn.softmax(tf.matmul(x, tf.reshape(tf.range(12.0), [4, 3])), name="y")

    converter = tf.lite.TFLiteConverter.from_concrete_functions([double.get_concrete_function()])
    (root / "tflite").mkdir()
    (root / "tflite" / "model.bin").write_bytes(converter.convert())


_made: list[Built] = []


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """All models of `build`, made once, however many files use the fixture."""
    if not _made:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what TensorFlow and Keras say about themselves
            _made.append(build(tmp_path_factory.mktemp("models")))
    return _made[0]
