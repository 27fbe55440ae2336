"""Compares the FLOPs that are counted here with published figures, architecture by architecture.

    python -m benchmarks.flops

Random weights; figures that their sources give as multiply-adds are doubled, since a
multiply-accumulate counts as two operations here.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")

import tensorflow as tf

from benchmarks.endpoints.layers import Lstm, attention, dense, layer_norm, v1, weight
from zoo import protos
from zoo.compute import compute
from zoo.graph import Graph
from zoo.records import Endpoint


@dataclass(frozen=True)
class Figure:
    """A published figure, in floating-point operations of one inference."""

    name: str
    flops: float
    source: str
    build: Callable[[], tuple[bytes, dict[str, tuple[int, ...]]]]


def _application(name: str, side: int) -> Callable[[], tuple[bytes, dict[str, tuple[int, ...]]]]:
    def build() -> tuple[bytes, dict[str, tuple[int, ...]]]:
        model = getattr(tf.keras.applications, name)(weights=None, input_shape=(side, side, 3))
        function = tf.function(lambda x: model(x, training=False))
        traced = function.get_concrete_function(tf.TensorSpec([1, side, side, 3], tf.float32, name="x"))
        proto = traced.graph.as_graph_def(add_shapes=True)
        tf.keras.backend.clear_session()
        return proto.SerializeToString(), {"x:0": (1, side, side, 3)}

    return build


def _graph(make: Callable[[], Any]) -> bytes:
    with tf.Graph().as_default() as graph:
        make()
        return bytes(graph.as_graph_def(add_shapes=True).SerializeToString())


def _bert() -> tuple[bytes, dict[str, tuple[int, ...]]]:
    def make() -> Any:
        ids = v1.placeholder(tf.int32, [1, 128], name="ids")
        h = tf.nn.embedding_lookup(weight("word", [1000, 768]), ids)
        for k in range(12):
            with v1.variable_scope(f"layer_{k}"):
                h = layer_norm(h + attention(h, 12, "attention"), "ln1")
                h = layer_norm(h + dense(dense(h, 3072, "up", tf.nn.gelu), 768, "down"), "ln2")
        return dense(h[:, 0], 768, "pooler", tf.tanh)

    return _graph(make), {"ids:0": (1, 128)}


def _keyword_lstm() -> tuple[bytes, dict[str, tuple[int, ...]]]:
    def make() -> Any:
        x = v1.placeholder(tf.float32, [1, 49, 10], name="x")
        outputs, _ = v1.nn.dynamic_rnn(Lstm(118), x, dtype=tf.float32)
        return dense(outputs[:, -1], 12, "fc")

    return _graph(make), {"x:0": (1, 49, 10)}


FIGURES = (
    Figure(
        "MobileNet v1",
        2 * 569e6,
        "Howard et al. 2017, table 4: 569 M mult-adds",
        _application("MobileNet", 224),
    ),
    Figure(
        "MobileNet v2",
        2 * 300e6,
        "Sandler et al. 2018, table 4: 300 M mult-adds",
        _application("MobileNetV2", 224),
    ),
    Figure(
        "Inception v3",
        2 * 5.72e9,
        "Zoph et al. 2018, table 2: 5.72 B mult-adds at 299",
        _application("InceptionV3", 299),
    ),
    Figure(
        "Xception",
        2 * 8.38e9,
        "Zoph et al. 2018, table 2: 8.38 B mult-adds at 299",
        _application("Xception", 299),
    ),
    Figure(
        "Inception ResNet v2",
        2 * 13.2e9,
        "Zoph et al. 2018, table 2: 13.2 B mult-adds at 299",
        _application("InceptionResNetV2", 299),
    ),
    Figure(
        "NASNet mobile",
        2 * 564e6,
        "Zoph et al. 2018, table 3: 564 M mult-adds",
        _application("NASNetMobile", 224),
    ),
    Figure(
        "ResNet 50",
        2 * 3.8e9,
        "He et al. 2016, table 1: 3.8 x 10^9 multiply-adds",
        _application("ResNet50", 224),
    ),
    Figure(
        "ResNet 152",
        2 * 11.3e9,
        "He et al. 2016, table 1: 11.3 x 10^9 multiply-adds",
        _application("ResNet152", 224),
    ),
    Figure("VGG 16", 2 * 15.3e9, "He et al. 2016, section 4.1: 15.3 billion", _application("VGG16", 224)),
    Figure("VGG 19", 2 * 19.6e9, "He et al. 2016, section 3.3: 19.6 billion", _application("VGG19", 224)),
    Figure(
        "DenseNet 121",
        2 * 2.83e9,
        "torchvision model listing: 2.83 G multiply-adds",
        _application("DenseNet121", 224),
    ),
    Figure(
        "EfficientNet B0",
        2 * 0.39e9,
        "Tan and Le 2019, table 2: 0.39 B multiply-adds",
        _application("EfficientNetB0", 224),
    ),
    Figure(
        "BERT base, 128 tokens", 22.5e9, "Jiao et al. 2020 (TinyBERT), BERT base: 22.5 B operations", _bert
    ),
    Figure(
        "LSTM for keywords",
        5.9e6,
        "Zhang et al. 2017 (Hello Edge), basic LSTM, small: 5.9 M operations",
        _keyword_lstm,
    ),
)


def main() -> int:
    """Print the table; 1 if a figure is off by more than 2 %."""
    v1.disable_resource_variables()
    v1.disable_control_flow_v2()
    worst = 0.0
    print(f"{'architecture':24}{'published':>12}{'counted':>12}{'off by':>9}  source")
    for figure in FIGURES:
        data, inputs = figure.build()
        graph = Graph.from_proto(protos.GraphDef.FromString(data))
        ends = [
            Endpoint(name=name, dtype="float32", shape=shape, role="data", confidence=1.0, reason="")
            for name, shape in inputs.items()
        ]
        found = compute(graph, ends).flops or 0
        off = found / figure.flops - 1
        worst = max(worst, abs(off))
        print(
            f"{figure.name:24}{figure.flops / 1e9:10.3f} G{found / 1e9:10.3f} G{off:9.2%}  {figure.source}",
            flush=True,
        )
    return int(worst > 0.02)


if __name__ == "__main__":
    raise SystemExit(main())
