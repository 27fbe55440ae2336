"""What older versions of Keras wrote differently, put the way Keras 3 reads it.

Only differences whose meaning is certain are repaired, and each is noted.  Pure functions on JSON.
"""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Iterator
from typing import Any

# Layer → arguments that older versions wrote and Keras 3 no longer takes, with the only values
# under which leaving them out changes nothing.  () stands for any value.
_ONE_GROUP: dict[str, tuple[Any, ...]] = {"groups": (1,)}
_SEPARABLE = {**_ONE_GROUP, "kernel_initializer": (), "kernel_regularizer": (), "kernel_constraint": ()}
_RECURRENT = {"implementation": (), "time_major": (False,), "input_dim": (), "input_length": ()}
_DROPPED: dict[str, dict[str, tuple[Any, ...]]] = {
    "DepthwiseConv2D": {**_ONE_GROUP, "filters": (), "kernel_regularizer": (), "kernel_constraint": ()},
    "SeparableConv2D": _SEPARABLE,
    "SeparableConv1D": _SEPARABLE,
    "Conv2DTranspose": _ONE_GROUP,
    "LSTM": _RECURRENT,
    "GRU": _RECURRENT,
    "SimpleRNN": _RECURRENT,
    "BatchNormalization": {"renorm": (False,), "fused": (), "virtual_batch_size": (None,), "mode": (0,)},
    "Embedding": {"input_length": (), "dropout": (0, 0.0)},
    "InputLayer": {"ragged": (False,)},
}


def modernize(config: dict[str, Any], keras_version: str) -> tuple[dict[str, Any], list[str]]:
    """The configuration as Keras 3 reads it, and a sentence on each kind of change."""
    if keras_version.startswith("3"):
        return config, []
    config = copy.deepcopy(config)
    changes: Counter[str] = Counter()
    for layer in _layers(config):
        _modernize_layer(layer, changes)
    notes = [
        f"{what} ({count} {'layer' if count == 1 else 'layers'})" for what, count in sorted(changes.items())
    ]
    return config, notes


def _layers(value: Any) -> Iterator[dict[str, Any]]:
    """Every object with ``class_name`` and a ``config`` object."""
    todo = [value]
    while todo:
        one = todo.pop()
        if isinstance(one, dict):
            if isinstance(one.get("class_name"), str) and isinstance(one.get("config"), dict):
                yield one
            todo.extend(one.values())
        elif isinstance(one, list):
            todo.extend(one)


def _modernize_layer(layer: dict[str, Any], changes: Counter[str]) -> None:
    kind, config = layer["class_name"], layer["config"]
    for argument, values in _DROPPED.get(kind, {}).items():
        if argument not in config:
            continue
        value = config[argument]
        if not values or value in values:
            del config[argument]
            shown = f"={value!r}" if values else ""
            changes[f"{kind}: argument {argument}{shown} of an older Keras left out"] += 1
