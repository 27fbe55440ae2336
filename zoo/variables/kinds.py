"""Tells from names what a stored variable is: model, optimizer state, moving average, counter."""

from __future__ import annotations

import re
from collections.abc import Mapping
from math import prod

import msgspec

from zoo.model import Kind
from zoo.protos import Shape

ATTRIBUTE = "/.ATTRIBUTES/VARIABLE_VALUE"
_NUMBER = re.compile(r"(?:_\d+)+$")
_OBJECT_SLOT = re.compile(r"^(.*)/\.OPTIMIZER_SLOT/(?:.*/)?([^/]+)$")

# What TensorFlow's optimizers call their slots; the number behind tells several apart.
_SLOTS = {
    "adam": "Adam", "adamax": "AdaMax", "nadam": "Nadam", "adamw": "AdamW", "lazyadam": "Adam",
    "adamweightdecay": "Adam", "adam_m": "Adam", "adam_v": "Adam", "lamb_m": "LAMB", "lamb_v": "LAMB",
    "lambweightdecay": "LAMB", "lars": "LARS", "momentum": "Momentum", "rmsprop": "RMSProp",
    "adagrad": "Adagrad", "adagradda": "AdagradDA", "proximaladagrad": "Adagrad", "adadelta": "Adadelta",
    "ftrl": "Ftrl", "adafactor": "Adafactor", "yogi": "Yogi", "radam": "RAdam", "amsgrad": "AMSGrad",
    "adabound": "AdaBound", "powersign": "PowerSign", "addsign": "AddSign",
    "adagraddecay": "Adagrad", "larsoptimizer": "LARS", "adamoptimizer": "Adam",
    "adamweightdecayoptimizer": "Adam", "weightdecayoptimizer": "Adam",
}  # fmt: skip
# Slots that are called by what they hold, under or beside the name of their optimizer.
_PARTS = frozenset(
    """m v vhat v_hat velocity momentum mom rms mg accumulator accum accum_grad accum_var accumulated_grad
    accumulated_delta_var accumulated_gradient linear delta slow slot trace acc vr vc ms
    momentums velocities squared_accumulator""".split()
)
_SCOPES = {
    "adam": "Adam", "sgd": "SGD", "rmsprop": "RMSProp", "adagrad": "Adagrad", "adadelta": "Adadelta",
    "adamax": "AdaMax", "nadam": "Nadam", "ftrl": "Ftrl", "adamw": "AdamW", "lion": "Lion",
    "adafactor": "Adafactor", "optimizer": "optimizer", "optimizers": "optimizer", "_optimizer": "optimizer",
    "optimizeloss": "optimizer", "momentum_optimizer": "Momentum", "optimizer_weights": "optimizer",
    "loss_scale_optimizer": "optimizer", "adamweightdecay": "Adam", "lamb": "LAMB",
}  # fmt: skip
_POWERS = re.compile(r"^beta_?[12]?_?(?:power|_t|_[12])?$|^beta_?[12]$|^beta[12]_power$")
_HYPER = frozenset(
    """iter iterations learning_rate current_learning_rate lr decay rho momentum epsilon momentum_cache
    loss_scale current_loss_scale good_steps m_schedule""".split()
)
_COUNTERS = re.compile(
    r"^(?:.*_)?(?:global_step|step|steps|counter|epoch|epochs|iteration|iterations|num_updates|train_step|"
    r"eval_step|local_step|save_counter|cur_epoch|global_epoch|sample_count|num_batches_tracked)$"
)
_METRICS = frozenset(
    """total count true_positives true_negatives false_positives false_negatives total_confusion_matrix
    accumulator_count""".split()
)
_AVERAGES = frozenset(
    ["exponentialmovingaverage", "movingaverage", "moving_average", "ema", "average", "swa", "shadow"]
)
_RANDOM = frozenset(["seed_generator_state", "statevar"])
"""What Keras' and TensorFlow's generators of random numbers keep."""
_DEBIAS = frozenset(["biased", "local_step"])


class Judgement(msgspec.Struct, frozen=True):
    """What a variable is, by its name."""

    kind: Kind
    slot: str | None = None
    """The optimizer whose state it is."""
    of: str | None = None
    """The variable it belongs to."""


_MODEL = Judgement("model")
_OTHER = Judgement("other")


def plain(name: str) -> str:
    """A name without what object checkpoints and tensors append: ``a/kernel``."""
    return name.removesuffix(ATTRIBUTE).removesuffix(":0")


def unnumbered(part: str) -> str:
    """``Adam_1`` → ``Adam``."""
    return _NUMBER.sub("", part) if part[-1:].isdigit() else part


def judge(name: str, dtype: str, shape: Shape, known: Mapping[str, Shape]) -> Judgement:
    """What the variable ``name`` is; ``known`` holds all (plain) names with their shapes."""
    name = plain(name)
    parts = name.split("/")
    last = parts[-1].lower()
    bare = unnumbered(last)
    parent = name.rpartition("/")[0]
    if name == "_CHECKPOINTABLE_OBJECT_GRAPH" or dtype == "string":
        return _OTHER
    if "/.OPTIMIZER_SLOT/" in name and (slot := _OBJECT_SLOT.match(name)):
        if slot.group(2) in ("average", "ema"):
            return Judgement("moving_average", of=slot.group(1))
        return Judgement("optimizer", slot_title(slot.group(2)), slot.group(1))
    if bare in _AVERAGES and (parent in known or "average" in bare):
        return Judgement("moving_average", of=_owner(parent, known))
    if bare in _DEBIAS and parent in known:
        return Judgement("moving_average", of=parent)
    if bare in _SLOTS and (len(parts) > 1 or shape == ()):
        return Judgement("optimizer", _SLOTS[bare], _owner(parent, known))
    scope = _scope(parts[:-1])
    if scope is not None:
        return Judgement("optimizer", scope, _scoped_owner(parts, known))
    if _POWERS.match(bare) and shape == () and bare.startswith("beta") and ("power" in bare or len(bare) > 4):
        return Judgement("optimizer", "beta powers")
    if _COUNTERS.match(bare) and _scalar(shape):
        return _OTHER
    if bare in _RANDOM:
        return _OTHER
    if bare in _HYPER and _scalar(shape):
        return Judgement("optimizer", "settings") if bare not in ("momentum", "decay", "epsilon") else _OTHER
    if "metrics" in (part.lower() for part in parts[:-1]) or (bare in _METRICS and len(parts) > 1):
        return _OTHER
    # Same shape as the variable above it in the name: an optimizer with a name of its own.
    if parent in known and shape is not None and known[parent] == shape and shape != ():
        own = unnumbered(parts[-1])
        return Judgement("optimizer", slot_title(own), parent)
    if dtype == "bool" or (dtype in ("int32", "int64") and _scalar(shape)):
        return _OTHER
    return _MODEL


def _scalar(shape: Shape) -> bool:
    return shape is not None and None not in shape and prod(size or 0 for size in shape) <= 1


def slot_title(slot: str) -> str:
    """The optimizer that calls a slot so, where only one does; else the slot's own name."""
    return {"m": "Adam", "v": "Adam", "vhat": "Adam", "rms": "RMSProp", "momentum": "Momentum"}.get(
        slot, slot
    )


def _scope(parts: list[str]) -> str | None:
    """The optimizer whose name scope a variable lies in; only an outer scope counts."""
    for depth, part in enumerate(parts[:2]):
        word = unnumbered(part.lower())
        if word in _SCOPES and (
            depth == 0 or parts[0].lower() in ("training", "train", "optimizer", "root", "model")
        ):
            return _SCOPES[word]
    return None


def _owner(name: str, known: Mapping[str, Shape]) -> str | None:
    """The variable that a slot called ``name`` + slot belongs to.

    Partitioned scopes mangle slot names (``…/biases/ayer_0/biases/part_0/RMSProp``), and optimizer
    scopes go in front; so parts are taken off the end, then off the front.
    """
    if name in known:
        return name
    parts = name.split("/")
    for end in range(len(parts) - 1, 0, -1):
        if (head := "/".join(parts[:end])) in known:
            return head
    for start in range(1, min(len(parts), 4)):
        if (tail := "/".join(parts[start:])) in known:
            return tail
    return None


def _scoped_owner(parts: list[str], known: Mapping[str, Shape]) -> str | None:
    """``Adam/m/dense/kernel``, ``Adam/dense/kernel/m`` → ``dense/kernel``."""
    for start in (1, 2, 3):
        for end in (len(parts), len(parts) - 1):
            if start < end and (name := "/".join(parts[start:end])) in known:
                return name
    return None
