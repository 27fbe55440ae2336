"""Nets that learn to be quantized, run with their ranges as they are stored.

Their original notes each range anew as it runs, see `zoo.freezing.ranges`: what it would read of the
assignments is fed instead, so that it is compared with what the checkpoint holds.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import tensorflow as tf

from zoo.graph import RANGES


def stored_ranges(graph: Any, session: Any, needed: Collection[str]) -> dict[str, Any]:
    """Tensor that an assignment gives to a range → the value that its variable has before anything ran.

    ``needed`` are the nodes that the outputs need: the variables of others may have no values.
    """
    noted: dict[str, tuple[Any, Any]] = {}
    for operation in graph.get_operations():
        if operation.type not in RANGES or operation.name not in needed:
            continue
        for tensor in operation.inputs[1:3]:
            maker = tensor.op
            waits = maker.type == "ReadVariableOp" and maker.control_inputs
            if maker.inputs and (maker.type.startswith("Assign") or waits):
                noted[tensor.name] = maker.inputs[0], tensor.dtype
    if not noted:
        return {}
    with graph.as_default():
        reads = {
            name: tf.raw_ops.ReadVariableOp(resource=variable, dtype=dtype)
            if variable.dtype == tf.resource
            else variable
            for name, (variable, dtype) in noted.items()
        }
    found: dict[str, Any] = session.run(reads)
    return found
