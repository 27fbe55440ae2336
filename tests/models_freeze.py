"""Real graphs of every construct that freezing meets, built and run by TensorFlow once a session."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import google_crc32c
import numpy as np
import tensorflow as tf

from zoo import protos
from zoo.graph import Graph, MetaGraph
from zoo.model import Bindings, Endpoints, Feed, Variable
from zoo.protos import DTYPE_SIZES
from zoo.records import Endpoint
from zoo.weights import StoredTensor, Weights

v1 = tf.compat.v1

Array = np.ndarray[Any, Any]


class Arrays:
    """A source of content from arrays in memory."""

    def __init__(self, arrays: Mapping[str, Array]) -> None:
        self.arrays = arrays

    def chunks(self, tensor: StoredTensor, *, size: int = 1 << 20) -> Iterator[memoryview]:
        content = memoryview(np.ascontiguousarray(self.arrays[tensor.key]).tobytes())
        for start in range(0, len(content), size):
            yield content[start : start + size]

    def strings(self, tensor: StoredTensor) -> list[bytes]:
        return [bytes(item) for item in self.arrays[tensor.key].ravel().tolist()]


def weights_of(values: Mapping[str, Array], dtypes: Mapping[str, str]) -> Weights:
    tensors = {}
    for key, value in values.items():
        content = value.tobytes() if dtypes[key] in DTYPE_SIZES else b""
        tensors[key] = StoredTensor(
            key=key,
            dtype=dtypes[key],
            shape=value.shape,
            bytes=len(content),
            crc32c=int(google_crc32c.value(content)) if content else None,
        )
    return Weights(tensors=tensors, source=Arrays(values))


@dataclass(kw_only=True)
class Built:
    """A graph, its variables' values, what it is fed, and what it answered."""

    graph_def: Any
    values: dict[str, Array]
    dtypes: dict[str, str]
    feeds: dict[str, Array]
    outputs: list[str]
    answers: list[Array]
    stock: Any = None
    """What stock freezing makes of it, or the exception it raised."""
    folds: dict[str, bool | int | float] = field(default_factory=dict)

    @property
    def meta(self) -> MetaGraph:
        return MetaGraph(
            graph=Graph.from_proto(protos.GraphDef.FromString(self.graph_def.SerializeToString()))
        )

    @property
    def weights(self) -> Weights:
        return weights_of(self.values, self.dtypes)

    @property
    def bindings(self) -> Bindings:
        return Bindings(
            variables=tuple(
                Variable(
                    name=name,
                    dtype=self.dtypes[name],
                    shape=value.shape,
                    bytes=value.nbytes,
                    kind="model",
                    node=name,
                    key=name,
                )
                for name, value in self.values.items()
            )
        )

    @property
    def endpoints(self) -> Endpoints:
        return endpoints(self.meta.graph, self.feeds, self.outputs, self.folds)


def endpoints(
    graph: Graph,
    feeds: Mapping[str, Array],
    outputs: Sequence[str],
    folds: Mapping[str, bool | int | float] | None = None,
) -> Endpoints:
    kept = [tensor for tensor in feeds if tensor not in (folds or {})]
    return Endpoints(
        inputs=tuple(
            Endpoint(name=name, dtype="float32", shape=None, confidence=1.0, reason="test") for name in feeds
        ),
        outputs=tuple(
            Endpoint(name=name, dtype="float32", shape=None, confidence=1.0, reason="test")
            for name in outputs
        ),
        feeds=tuple(
            Feed(
                tensor=tensor,
                dtype="string" if feeds[tensor].dtype == object else feeds[tensor].dtype.name,
                shape=(None, *feeds[tensor].shape[1:]) if feeds[tensor].ndim else (),
            )
            for tensor in kept
        ),
        folds=dict(folds or {}),
    )


def build(
    make: Callable[[], tuple[dict[Any, Any], list[Any]]],
    *,
    folds: dict[str, bool | int | float] | None = None,
    control_flow_v2: bool = False,
    stock: bool = True,
    prepare: Callable[[Any], None] | None = None,
) -> Built:
    """Build in a fresh graph, give the variables seeded values, run, and freeze the stock way."""
    if control_flow_v2:
        v1.enable_control_flow_v2()
    else:
        v1.disable_control_flow_v2()
    with tf.Graph().as_default() as graph:
        v1.set_random_seed(1)
        feeds, fetches = make()
        variables = v1.global_variables()
        with v1.Session(graph=graph, config=plain_config()) as session:
            session.run([v1.global_variables_initializer(), v1.tables_initializer()])
            if prepare is not None:
                prepare(session)
            names = [variable.op.name for variable in variables]
            dtypes = {
                name: variable.dtype.base_dtype.name for name, variable in zip(names, variables, strict=True)
            }
            values = dict(zip(names, session.run(variables), strict=True))
            for name, value in values.items():
                if not isinstance(value, np.ndarray):
                    values[name] = np.array(value, dtype=object if isinstance(value, bytes) else None)
            answers = session.run(fetches, feeds)
            graph_def = graph.as_graph_def(add_shapes=True)
            frozen = None
            if stock:
                try:
                    frozen = v1.graph_util.convert_variables_to_constants(
                        session, graph.as_graph_def(), sorted({fetch.op.name for fetch in fetches})
                    )
                except Exception as error:
                    frozen = error
    return Built(
        graph_def=graph_def,
        values=values,
        dtypes=dtypes,
        feeds={tensor.name: np.asarray(value) for tensor, value in feeds.items()},
        outputs=[fetch.name for fetch in fetches],
        answers=answers,
        stock=frozen,
        folds=folds or {},
    )


def run_frozen(
    path: Path, feeds: Mapping[str, Array], outputs: Sequence[str], *, before: Sequence[str] = ()
) -> list[Any]:
    """The answers of a frozen graph file, imported the stock way."""
    graph_def = v1.GraphDef.FromString(path.read_bytes())
    with tf.Graph().as_default() as graph:
        tf.import_graph_def(graph_def, name="")
        with v1.Session(graph=graph, config=plain_config()) as session:
            for name in before:
                session.run(name, {key: value for key, value in feeds.items() if "asset" in key})
            return list(session.run(list(outputs), dict(feeds)))


def plain_config() -> Any:
    """A session that runs the graph as it stands: constants would let the optimizer fuse more ops."""
    config = v1.ConfigProto(intra_op_parallelism_threads=1)
    config.graph_options.rewrite_options.disable_meta_optimizer = True
    return config


def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def images(count: int = 2) -> Array:
    return rng().normal(size=(count, 8, 8, 3)).astype(np.float32)


# Graphs.


def batch_norm_by_cond(x: Any, training: Any) -> Any:
    """Batch norm as slim writes it: the training branch also updates the moving averages."""
    depth = x.shape[-1]
    gamma = v1.get_variable("gamma", [depth], initializer=v1.random_uniform_initializer(0.5, 1.5))
    beta = v1.get_variable("beta", [depth], initializer=v1.random_normal_initializer())
    mean = v1.get_variable(
        "moving_mean", [depth], initializer=v1.random_normal_initializer(), trainable=False
    )
    variance = v1.get_variable(
        "moving_variance", [depth], initializer=v1.random_uniform_initializer(0.5, 1.5), trainable=False
    )

    def train() -> Any:
        out, batch_mean, batch_variance = v1.nn.fused_batch_norm(x, gamma, beta, is_training=True)
        update = [
            v1.assign_sub(mean, (mean - batch_mean) * 0.1),
            v1.assign_sub(variance, (variance - batch_variance) * 0.1),
        ]
        with tf.control_dependencies(update):
            return tf.identity(out)

    def infer() -> Any:
        return v1.nn.fused_batch_norm(x, gamma, beta, mean, variance, is_training=False)[0]

    return v1.cond(training, train, infer)


def cnn(*, resource: bool, trained: bool = True) -> tuple[dict[Any, Any], list[Any]]:
    """Convolution, batch norm and dropout behind placeholders, a loss and Adam."""
    with v1.variable_scope("net", use_resource=resource):
        x = v1.placeholder(tf.float32, [None, 8, 8, 3], name="x")
        training = v1.placeholder(tf.bool, [], name="is_training")
        keep = v1.placeholder(tf.float32, [], name="keep_prob")
        w = v1.get_variable("conv/weights", [3, 3, 3, 4])
        y = v1.nn.conv2d(x, w, [1, 1, 1, 1], "SAME")
        y = batch_norm_by_cond(y, training)
        y = tf.reshape(tf.nn.relu(y), [-1, 256])
        y = v1.nn.dropout(y, keep_prob=keep)
        d = v1.get_variable("dense/weights", [256, 5])
        b = v1.get_variable("dense/biases", [5], initializer=v1.random_normal_initializer())
        logits = tf.matmul(y, d) + b
        prob = tf.nn.softmax(logits, name="prob")
    if trained:
        label = v1.placeholder(tf.int32, [None], name="label")
        loss = tf.reduce_mean(v1.nn.sparse_softmax_cross_entropy_with_logits(labels=label, logits=logits))
        v1.train.AdamOptimizer().minimize(loss)
        v1.summary.scalar("loss", loss)
        v1.summary.merge_all()
        v1.train.Saver()
    return {x: images(), training: False, keep: 1.0}, [prob]


def cnn_keep_half() -> tuple[dict[Any, Any], list[Any]]:
    return cnn(resource=False)


def plain_ref() -> tuple[dict[Any, Any], list[Any]]:
    x = v1.placeholder(tf.float32, [None, 3], name="x")
    w = v1.get_variable("w", [3, 2], use_resource=False)
    return {x: rng().normal(size=(2, 3)).astype(np.float32)}, [tf.tanh(tf.matmul(x, w), name="y")]


def old_while(*, resource: bool) -> tuple[dict[Any, Any], list[Any]]:
    """A loop of the first kind that reads a variable inside, and a constant too."""
    x = v1.placeholder(tf.float32, [None, 3], name="x")
    w = v1.get_variable("w", [3, 3], use_resource=resource)

    def body(i: Any, h: Any) -> tuple[Any, Any]:
        return i + 1, tf.tanh(tf.matmul(h, w)) + tf.constant(0.5)

    _, out = v1.while_loop(lambda i, h: i < 3, body, [0, x])
    return {x: rng().normal(size=(2, 3)).astype(np.float32)}, [tf.identity(out, name="y")]


def old_cond_reads(*, resource: bool) -> tuple[dict[Any, Any], list[Any]]:
    """A conditional on data, each branch with a variable of its own, and assert in one."""
    x = v1.placeholder(tf.float32, [None, 3], name="x")
    w = v1.get_variable("w", [3, 3], use_resource=resource)
    u = v1.get_variable("u", [3, 3], use_resource=resource)

    def first() -> Any:
        with tf.control_dependencies([v1.assert_positive(tf.reduce_sum(x * x))]):
            return tf.matmul(x, w) + tf.constant(1.0)

    out = v1.cond(tf.reduce_sum(x) > 0, first, lambda: tf.matmul(x, u) * tf.constant(3.0))
    return {x: rng().normal(size=(2, 3)).astype(np.float32)}, [tf.identity(out, name="y")]


def switch_of_references() -> tuple[dict[Any, Any], list[Any]]:
    """RefSwitch and RefMerge, as old control flow makes them from references."""
    from tensorflow.python.ops import control_flow_ops, gen_control_flow_ops

    p = v1.placeholder(tf.bool, [], name="p")
    w = v1.get_variable("w", [2], use_resource=False, initializer=v1.random_normal_initializer())
    raw = w._ref()
    off, on = gen_control_flow_ops.ref_switch(raw, p)
    merged, _ = control_flow_ops.merge([tf.identity(off) * 2.0, tf.identity(on) + 1.0])
    both = gen_control_flow_ops.ref_merge(list(gen_control_flow_ops.ref_switch(raw, p)))[0]
    return {p: True}, [tf.identity(merged, name="y"), tf.identity(both, name="z")]


def lstm(*, dynamic: bool, resource: bool, dropout: bool = False) -> tuple[dict[Any, Any], list[Any]]:
    """An LSTM written out by hand (contrib and rnn_cell are gone from TensorFlow)."""
    x = v1.placeholder(tf.float32, [None, 4, 3], name="x")
    keep = v1.placeholder(tf.float32, [], name="keep_prob")
    kernel = v1.get_variable("rnn/lstm_cell/kernel", [3 + 5, 20], use_resource=resource)
    bias = v1.get_variable("rnn/lstm_cell/bias", [20], use_resource=resource)

    def cell(step: Any, c: Any, h: Any) -> tuple[Any, Any]:
        i, j, f, o = tf.split(tf.matmul(tf.concat([step, h], 1), kernel) + bias, 4, axis=1)
        c = tf.sigmoid(f + 1.0) * c + tf.sigmoid(i) * tf.tanh(j)
        h = tf.sigmoid(o) * tf.tanh(c)
        return c, v1.nn.dropout(h, keep_prob=keep) if dropout else h

    zero = tf.zeros(tf.stack([tf.shape(x)[0], 5]))
    if dynamic:
        array = tf.TensorArray(tf.float32, 4).unstack(tf.transpose(x, [1, 0, 2]))
        out = tf.TensorArray(tf.float32, 4)

        def body(t: Any, c: Any, h: Any, out: Any) -> tuple[Any, ...]:
            c, h = cell(array.read(t), c, h)
            return t + 1, c, h, out.write(t, h)

        _, _, last, out = v1.while_loop(lambda t, *_: t < 4, body, [0, zero, zero, out])
        outputs = [tf.identity(last, name="last"), tf.identity(out.stack(), name="all")]
    else:
        c = h = zero
        for t in range(4):
            c, h = cell(x[:, t], c, h)
        outputs = [tf.identity(h, name="last")]
    feeds: dict[Any, Any] = {x: rng().normal(size=(2, 4, 3)).astype(np.float32)}
    if dropout:
        feeds[keep] = 1.0
    return feeds, outputs


def new_control_flow() -> tuple[dict[Any, Any], list[Any]]:
    """While and If as functions, nested, with captured resource variables."""
    x = v1.placeholder(tf.float32, [None, 3], name="x")
    w = v1.get_variable("w", [3, 3], use_resource=True)
    u = v1.get_variable("u", [3], use_resource=True)
    table = v1.get_variable("table", [7, 3], use_resource=True)

    def body(i: Any, h: Any) -> tuple[Any, Any]:
        step = v1.cond(
            tf.equal(i % 2, 0),
            lambda: tf.matmul(h, w) + tf.nn.embedding_lookup(table, i),
            lambda: h * u + tf.cast(tf.shape(w)[0], tf.float32),
        )
        return i + 1, tf.tanh(step)

    _, out = v1.while_loop(lambda i, h: tf.logical_and(i < 4, tf.reduce_sum(u) < 1e9), body, [0, x])
    return {x: rng().normal(size=(2, 3)).astype(np.float32)}, [tf.identity(out, name="y")]


def new_cond_training() -> tuple[dict[Any, Any], list[Any]]:
    """If on is_training with batch norm in both branches; the training one writes."""
    x = v1.placeholder(tf.float32, [None, 3], name="x")
    training = v1.placeholder(tf.bool, [], name="is_training")
    w = v1.get_variable("w", [3], use_resource=True)
    count = v1.get_variable("count", [], use_resource=True, trainable=False)

    def train() -> Any:
        with tf.control_dependencies([count.assign_add(1.0)]):
            return x * w + tf.random.uniform(tf.shape(x))

    def nested() -> Any:
        return v1.cond(training, lambda: x * 7.0, lambda: x * w)

    return {x: rng().normal(size=(2, 3)).astype(np.float32), training: False}, [
        tf.identity(v1.cond(training, train, nested), name="y")
    ]


def embeddings(*, resource: bool) -> tuple[dict[Any, Any], list[Any]]:
    """embedding_lookup, gather_nd, the shape of a variable, and a partitioned table."""
    ids = v1.placeholder(tf.int64, [None], name="ids")
    where = v1.placeholder(tf.int32, [None, 2], name="where")
    table = v1.get_variable("table", [6, 4], use_resource=resource)
    outputs = [
        tf.nn.embedding_lookup(table, ids, name="rows"),
        tf.gather_nd(table, where, name="cells"),
        tf.identity(tf.cast(tf.shape(table), tf.int64), name="shape"),
    ]
    if resource:
        batched = v1.get_variable("batched", [2, 3, 4], use_resource=True)
        picks = v1.placeholder(tf.int32, [2, None], name="picks")
        from tensorflow.python.ops import gen_resource_variable_ops

        outputs.append(
            gen_resource_variable_ops.resource_gather(
                batched.handle, picks, dtype=tf.float32, batch_dims=1, name="batch_rows"
            )
        )
        return {ids: [0, 5], where: [[1, 1], [2, 3]], picks: [[0, 2], [1, 1]]}, outputs
    return {ids: [0, 5], where: [[1, 1], [2, 3]]}, outputs


def partitioned(*, axis: int) -> tuple[dict[Any, Any], list[Any]]:
    ids = v1.placeholder(tf.float32, [None, 7], name="x")
    parts = v1.get_variable(
        "w",
        [7, 5],
        use_resource=False,
        partitioner=v1.fixed_size_partitioner(3, axis=axis),
    )
    return {ids: np.ones((2, 7), np.float32)}, [tf.matmul(ids, tf.convert_to_tensor(parts), name="y")]


def every_dtype() -> tuple[dict[Any, Any], list[Any]]:
    """Variables of every dtype that TensorFlow can hold, both kinds."""
    p = v1.placeholder(tf.float32, [], name="p")
    outputs = []
    names = (
        "float16 bfloat16 float32 float64 int8 int16 int32 int64 uint8 uint16 uint32 uint64 bool complex64 "
        "complex128 string qint8 quint8 qint32"
    )
    for name in names.split():
        dtype = tf.as_dtype(name)
        plain = {"qint8": "int8", "quint8": "uint8", "qint32": "int32"}.get(name, name)
        kind = tf.as_dtype(plain).as_numpy_dtype
        value: Any
        if name == "string":
            value = np.array([[b"a", b""], [b"caf\xc3\xa9", b"x" * 200]], dtype=object)
        elif name == "bool":
            value = np.array([[True, False], [False, False]])
        else:
            value = np.abs(rng().normal(size=(2, 3)) * 10).astype(kind)
        quantized = name.startswith("q")
        initial = tf.bitcast(tf.constant(value), dtype) if quantized else tf.constant(value, dtype)
        variable = v1.Variable(initial, name=f"v_{name}", use_resource=name in ("float16", "bool", "string"))
        out = tf.bitcast(variable.read_value(), plain) if quantized else variable
        outputs.append(tf.identity(out, name=f"out_{name}"))
    empty = v1.Variable(tf.zeros([0, 4]), name="v_empty", use_resource=False)
    outputs += [tf.identity(empty, name="out_empty"), tf.identity(p, name="out_p")]
    return {p: 1.0}, outputs


def forces() -> tuple[dict[Any, Any], list[Any]]:
    """A potential: the gradient of the energy by the coordinates is an output."""
    x = v1.placeholder(tf.float32, [None, 3], name="coord")
    w = v1.get_variable("w", [3, 8], use_resource=False)
    u = v1.get_variable("u", [8, 1], use_resource=False)
    energy = tf.reduce_sum(tf.matmul(tf.tanh(tf.matmul(x, w)), u), 1, name="energy")
    force = tf.negative(tf.gradients(energy, x)[0], name="force")
    v1.train.GradientDescentOptimizer(0.1).minimize(tf.reduce_mean(energy))
    return {x: rng().normal(size=(4, 3)).astype(np.float32)}, [energy, force]


def tables() -> tuple[dict[Any, Any], list[Any]]:
    words = v1.placeholder(tf.string, [None], name="words")
    table = tf.lookup.StaticHashTable(
        tf.lookup.KeyValueTensorInitializer(tf.constant(["a", "b"]), tf.constant([1, 2], tf.int64)), 0
    )
    rows = v1.get_variable("rows", [3, 4], use_resource=False)
    out = tf.nn.embedding_lookup(rows, table.lookup(words), name="y")
    return {words: np.array([b"b", b"zz", b"a"], dtype=object)}, [out]


def queue_fed() -> tuple[dict[Any, Any], list[Any]]:
    """The model reads from a tf.data iterator; images and labels come from one node."""
    data = v1.data.make_one_shot_iterator(
        tf.data.Dataset.from_tensors((np.ones((2, 3), np.float32), np.zeros(2, np.int32))).repeat()
    )
    x, label = data.get_next()
    w = v1.get_variable("w", [3, 2], use_resource=False)
    logits = tf.matmul(x, w, name="logits")
    tf.reduce_mean(v1.nn.sparse_softmax_cross_entropy_with_logits(labels=label, logits=logits), name="loss")
    return {}, [tf.nn.softmax(logits, name="prob")]


def counts_itself(*, resource: bool) -> tuple[dict[Any, Any], list[Any]]:
    """A step counter that every run advances, and that the output does not read."""
    x = v1.placeholder(tf.float32, [None, 3], name="x")
    w = v1.get_variable("w", [3, 2], use_resource=resource)
    step = v1.get_variable("step", [], tf.int64, use_resource=resource, trainable=False)
    with tf.control_dependencies([step.assign_add(1)]):
        return {x: np.ones((2, 3), np.float32)}, [tf.matmul(x, w, name="y")]


def stateful(*, resource: bool) -> tuple[dict[Any, Any], list[Any]]:
    """A recurrent cell that keeps its state in a variable."""
    x = v1.placeholder(tf.float32, [1, 3], name="x")
    state = v1.get_variable("state", [1, 3], use_resource=resource, trainable=False)
    new = tf.tanh(x + state)
    with tf.control_dependencies([state.assign(new)]):
        return {x: np.ones((1, 3), np.float32)}, [tf.identity(new, name="y")]


def assigned_output() -> tuple[dict[Any, Any], list[Any]]:
    x = v1.placeholder(tf.float32, [], name="x")
    total = v1.get_variable("total", [], use_resource=False, trainable=False)
    return {x: 1.0}, [tf.multiply(v1.assign_add(total, x), 2.0, name="y")]


def initialized_value() -> tuple[dict[Any, Any], list[Any]]:
    """cond(is_variable_initialized(v), v, initial value), as old code reads a variable safely."""
    x = v1.placeholder(tf.float32, [2], name="x")
    w = v1.get_variable("w", [2], use_resource=False)
    return {x: np.ones(2, np.float32)}, [tf.add(x, w.initialized_value(), name="y")]


def quantized(*, resource: bool, momentum: float = 0.0) -> tuple[dict[Any, Any], list[Any]]:
    """A layer that learns to be quantized: its ranges are noted as they are applied.

    With the momentum 0 those of activations stay as they are; those of weights are noted anew each time.
    """
    x = v1.placeholder(tf.float32, [None, 3], name="x")

    def rounded(value: Any, name: str, *, last: bool = False) -> Any:
        with v1.variable_scope(name):
            sides = [
                v1.get_variable(side, [], initializer=v1.constant_initializer(first), trainable=False)
                for side, first in (("min", -2.0), ("max", 3.0))
            ]
            seen = [tf.reduce_min(value), tf.reduce_max(value)]
            noted = [
                v1.assign(side, tf.stop_gradient(now))
                if last
                else v1.assign_sub(side, (side - now) * momentum)
                for side, now in zip(sides, seen, strict=True)
            ]
            return tf.quantization.fake_quant_with_min_max_vars(value, *noted, narrow_range=last)

    with v1.variable_scope("net", use_resource=resource):
        w = v1.get_variable("w", [3, 2])
        y = tf.matmul(rounded(x, "in"), rounded(w, "weights", last=True))
        return {x: rng().normal(size=(2, 3)).astype(np.float32)}, [tf.identity(rounded(y, "out"), name="y")]
