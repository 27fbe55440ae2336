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
    "BatchNormalization": {"fused": (), "virtual_batch_size": (None,), "mode": (0,)},
    "Embedding": {"input_length": (), "dropout": (0, 0.0)},
}


OLD_HARD_SIGMOID = "keras_2_hard_sigmoid"
"""Name of the activation ``clip(0.2 x + 0.5, 0, 1)``, which Keras 3 replaced by another of its name."""

_ACTIVATIONS = ("activation", "recurrent_activation")


def modernize(config: dict[str, Any], keras_version: str) -> tuple[dict[str, Any], list[str]]:
    """The configuration as Keras 3 reads it, and a sentence on each kind of change."""
    if keras_version.startswith("3"):
        return config, []
    config = copy.deepcopy(config)
    changes: Counter[str] = Counter()
    for layer in _layers(config):
        _modernize_layer(layer, changes)
    return config, [
        f"{what} ({count} {'layer' if count == 1 else 'layers'})" for what, count in sorted(changes.items())
    ]


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
    if kind == "BatchNormalization" and isinstance(config.get("axis"), list) and len(config["axis"]) == 1:
        [config["axis"]] = config["axis"]
        changes[f"{kind}: axis given as a list of one"] += 1
    if kind == "GRU" and "reset_after" not in config:
        # The argument came with Keras 2.1.3; what there was before it is its value False.
        config["reset_after"] = False
        changes[f"{kind}: reset_after=False, as before Keras had that argument"] += 1
    for argument in _ACTIVATIONS:
        if config.get(argument) == "hard_sigmoid":
            config[argument] = OLD_HARD_SIGMOID
            changes[f"{kind}: {argument} hard_sigmoid as Keras 2 defined it"] += 1
    policy = config.get("dtype")
    if isinstance(policy, dict) and policy.get("class_name") == "Policy":
        name = policy.get("config", {}).get("name")
        if isinstance(name, str):
            config["dtype"] = name
            changes["dtype policies by their name"] += 1
