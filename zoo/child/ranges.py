"""Nets that learn to be quantized, run with their ranges as they are stored.

Their original notes each range anew as it runs, see `zoo.freezing.ranges`: what it would read of the
assignments is fed instead, so that it is compared with what the checkpoint holds.
"""

from __future__ import annotations

import re
from typing import Any

import tensorflow as tf

from zoo.child.loading import Loaded

_APPLIES = re.compile(r"FakeQuantWithMinMaxVars(PerChannel)?").fullmatch


def stored_ranges(loaded: Loaded) -> dict[str, Any]:
    """Tensor that an assignment gives to a range → the value that its variable has before anything ran."""
    noted: dict[str, tuple[Any, Any]] = {}
    for operation in loaded.graph.get_operations():
        for tensor in list(operation.inputs)[1:3] if _APPLIES(operation.type) else ():
            maker = tensor.op
            assigned = maker.type.startswith("Assign")
            waits = maker.type == "ReadVariableOp" and maker.control_inputs
            if maker.inputs and (assigned or waits):
                noted[tensor.name] = maker.inputs[0], tensor.dtype
    if not noted:
        return {}
    with loaded.graph.as_default():
        reads = {
            name: tf.raw_ops.ReadVariableOp(resource=variable, dtype=dtype)
            if variable.dtype == tf.resource
            else variable
            for name, (variable, dtype) in noted.items()
        }
    found: dict[str, Any] = loaded.session.run(reads)
    return found
