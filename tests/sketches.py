"""Training graphs in the making, for tests of inputs and outputs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from zoo import protos
from zoo.graph import MetaGraph
from zoo.model import Endpoints
from zoo.readers.metagraph import meta_graph


class Sketch:
    """A training graph in the making, with layers as people wrote them for TensorFlow 1."""

    def __init__(self, tf: Any) -> None:
        self.tf, self.v1 = tf, tf.compat.v1

    def feed(
        self, shape: Sequence[int | None] | None, name: str | None = None, dtype: str = "float32"
    ) -> Any:
        return self.v1.placeholder(dtype, shape, name=name)

    def dense(self, x: Any, units: int, name: str) -> Any:
        with self.v1.variable_scope(name, reuse=self.v1.AUTO_REUSE):
            w = self.v1.get_variable("w", [int(x.shape[-1]), units], use_resource=False)
            b = self.v1.get_variable("b", [units], use_resource=False)
        return self.tf.matmul(x, w) + b

    def train(self, loss: Any) -> None:
        self.v1.train.GradientDescentOptimizer(0.1).minimize(loss)

    def entropy(self, logits: Any, labels: Any) -> Any:
        nn = self.v1.nn
        return self.tf.reduce_mean(nn.softmax_cross_entropy_with_logits_v2(labels=labels, logits=logits))


def read(sketch: Sketch) -> MetaGraph:
    """The graph as a Saver would have written it."""
    graph = sketch.v1.get_default_graph()
    proto = sketch.v1.train.export_meta_graph(graph=graph, graph_def=graph.as_graph_def(add_shapes=True))
    return meta_graph(protos.MetaGraphDef.FromString(proto.SerializeToString()), "test")


def names(found: Endpoints) -> tuple[list[str], list[str]]:
    """Inputs that the frozen graph needs, and outputs."""
    return [feed.tensor for feed in found.feeds], [item.name for item in found.outputs]


def role(found: Endpoints, name: str) -> str | None:
    return next(item.role for item in found.inputs if item.name == name)
