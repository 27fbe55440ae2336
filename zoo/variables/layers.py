"""Layers inferred from the names and shapes of weights, for checkpoints without a graph.

``conv1/weights [7, 7, 3, 64]`` is a convolution 7x7 from 3 to 64 channels; the names are those that
tf.layers, slim, contrib.layers, Keras, sonnet and the BERT family of projects give.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from math import prod

from zoo.model import Bindings, Layer, Variable
from zoo.variables.kinds import plain

_KERNELS = frozenset(
    """kernel kernels weight weights w filter filters conv_kernel depthwise_weights depthwise_kernel
    pointwise_weights pointwise_kernel recurrent_kernel weights_ih weights_hh matrix""".split()
)
_BIASES = frozenset(["bias", "biases", "b", "bias_ih", "bias_hh"])
_SCALES = frozenset(["gamma", "scale"])
_SHIFTS = frozenset(["beta", "offset", "shift"])
_MEANS = frozenset(["moving_mean", "mean", "pop_mean", "running_mean", "moving_average_mean"])
_VARIANCES = frozenset(
    ["moving_variance", "variance", "pop_variance", "running_var", "pop_var", "moving_var"]
)
_ALPHAS = frozenset(["alpha", "alphas"])
_EMBEDDING = re.compile(r"embed|lookup_table|word_vectors|token_table|vocab", re.IGNORECASE)
_RECURRENT = re.compile(r"(lstm|gru|(?:^|[/_])rnn|recurrent)", re.IGNORECASE)
_ATTENTION = re.compile(r"(?:^|[/_])(query|key|value|q|k|v|qkv|q_proj|k_proj|v_proj|c_attn)$", re.IGNORECASE)
_ATTENTION_SCOPE = re.compile(r"atten|attn|transformer|multihead|multi_head", re.IGNORECASE)
_DEPTHWISE = re.compile(r"depthwise|dw_conv|dwconv", re.IGNORECASE)
_TRANSPOSED = re.compile(r"transpose|deconv|upconv", re.IGNORECASE)
_CELLS = frozenset(["lstm_cell", "basic_lstm_cell", "gru_cell", "gates", "candidate", "cell", "cell_0"])

_Group = dict[str, Variable]


def infer_layers(bindings: Bindings) -> tuple[Layer, ...]:
    """One layer per group of model variables that belong together, by name, ``conv2`` before ``conv10``.

    A group that fits no pattern comes as ``Variables``: nothing is left out.
    """
    groups: dict[str, _Group] = {}
    for variable in bindings.variables:
        if variable.kind != "model" or variable.shape is None or None in variable.shape:
            continue
        scope, last = _split(variable.name)
        group = groups.setdefault(scope, {})
        group[last if last not in group else variable.name] = variable
    return tuple(_layer(scope, groups[scope]) for scope in sorted(groups, key=_natural))


def _natural(scope: str) -> list[tuple[int, int, str]]:
    """A sort key that puts ``conv2`` before ``conv10``."""
    parts = re.split(r"(\d{1,18})", scope)
    return [(0, int(part), "") if i % 2 else (1, 0, part) for i, part in enumerate(parts)]


def _split(name: str) -> tuple[str, str]:
    """(scope, own name): ``net/conv1/weights`` → (``net/conv1``, ``weights``)."""
    parts = re.sub(r"/part_\d+$", "", plain(name)).split("/")
    # Names without scopes carry their layer before a separator: conv1_w, W_fc1, f3.
    if len(parts) == 1:
        found = re.fullmatch(r"(.+?)[._](weights?|w|kernel|bias(?:es)?|b|gamma|beta|alpha)", parts[0])
        if found:
            return found.group(1), found.group(2)
        found = re.fullmatch(r"(W|w|b|f|weights?|bias(?:es)?|alpha)[._]?(\d.*|(?<=[._]).+)", parts[0])
        if found:
            return found.group(2), {"f": "filter"}.get(found.group(1), found.group(1))
        return parts[0], "weights"
    return "/".join(parts[:-1]), parts[-1]


def _layer(scope: str, group: _Group) -> Layer:
    kind, words = _judge(scope, group)
    return Layer(
        name=scope,
        type=kind,
        words=words,
        parameters=sum(prod(_sizes(variable)) for variable in group.values()),
        variables=tuple(variable.name for variable in group.values()),
    )


def _sizes(variable: Variable) -> tuple[int, ...]:
    return tuple(size or 0 for size in variable.shape or ())


def _pick(group: _Group, names: frozenset[str]) -> Variable | None:
    for last, variable in group.items():
        if last.rpartition("/")[2].lower() in names:
            return variable
    return None


def _judge(scope: str, group: _Group) -> tuple[str, str]:
    """(type, words) of a group."""
    numbered = [group[str(i)] for i in range(len(group)) if str(i) in group]
    if len(numbered) == len(group):  # Keras 3 numbers the weights of a layer
        return _numbered(scope, numbered)
    gamma, beta = _pick(group, _SCALES), _pick(group, _SHIFTS)
    mean, variance = _pick(group, _MEANS), _pick(group, _VARIANCES)
    if mean is not None and variance is not None:
        return (
            "BatchNormalization",
            f"batch normalization of {_sizes(mean)[-1] if mean.shape else 1} channels",
        )
    kernel = _pick(group, _KERNELS)
    if kernel is not None:
        bias = _pick(group, _BIASES)
        recurrent = group.get("recurrent_kernel")
        if recurrent is not None and (first := group.get("kernel")) is not None:
            return _recurrent_pair(scope, first, recurrent)
        depthwise, pointwise = _named(group, "depthwise"), _named(group, "pointwise")
        if depthwise is not None and pointwise is not None:
            size = _sizes(depthwise)
            before = size[-2] if len(size) > 1 else "?"
            after = _sizes(pointwise)[-1] if pointwise.shape else "?"
            return "SeparableConv2D", f"separable convolution {_times(size[:-2])}, {before} to {after}"
        return _kernel(scope, kernel, bias)
    embedding = next((v for last, v in group.items() if _EMBEDDING.search(last)), None)
    if embedding is not None and len(_sizes(embedding)) == 2:
        rows, width = _sizes(embedding)
        return "Embedding", f"embedding of {rows:,} entries in {width}"
    either = gamma or beta
    if either is not None:
        size = _sizes(either)[-1:]
        kind = "LayerNormalization" if gamma is not None and beta is not None else "Scale"
        name = "normalization" if kind == "LayerNormalization" else "scale or shift"
        return kind, f"{name} of {size[0] if size else 1} channels"
    alpha = _pick(group, _ALPHAS)
    if alpha is not None:
        return "PReLU", f"parametric ReLU of {prod(_sizes(alpha))} slopes"
    if (bias := _pick(group, _BIASES)) is not None and len(group) == 1:
        return "Bias", f"bias of {prod(_sizes(bias))}"
    if len(group) == 1:
        [variable] = group.values()
        size = _sizes(variable)
        if len(size) == 2 and _EMBEDDING.search(scope):
            return "Embedding", f"embedding of {size[0]:,} entries in {size[1]}"
        return "Variables", f"{_times(size) if size else 'a scalar'}"
    return "Variables", f"{len(group)} variables"


def _named(group: _Group, word: str) -> Variable | None:
    return next((variable for last, variable in group.items() if word in last.lower()), None)


def _kernel(scope: str, kernel: Variable, bias: Variable | None) -> tuple[str, str]:
    size = _sizes(kernel)
    name = plain(kernel.name)
    with_bias = "" if bias is not None else ", no bias"
    if _RECURRENT.search(scope) or scope.rpartition("/")[2].lower() in _CELLS:
        found = _cell(scope, kernel, bias)
        if found is not None:
            return found
    if len(size) == 2 and _EMBEDDING.search(name) and bias is None:
        return "Embedding", f"embedding of {size[0]:,} entries in {size[1]}"
    if len(size) in (2, 3) and _ATTENTION.search(scope) and _ATTENTION_SCOPE.search(scope):
        after = size[1] if len(size) == 2 else f"{size[1]} heads of {size[2]}"
        return "Attention projection", f"{scope.rpartition('/')[2]} projection, {size[0]} to {after}"
    if len(size) == 2:
        return "Dense", f"dense, {size[0]} to {size[1]}{with_bias}"
    if len(size) in (3, 4, 5):
        window, before, after = size[:-2], size[-2], size[-1]
        rank = len(window)
        if _DEPTHWISE.search(name):
            times = "" if after == 1 else f", {after} per channel"
            return (
                f"DepthwiseConv{rank}D",
                f"depthwise convolution {_times(window)} of {before} channels{times}",
            )
        if _TRANSPOSED.search(name):
            # Transposed kernels keep their output channels before their input channels.
            words = f"transposed convolution {_times(window)}, {after} to {before}{with_bias}"
            return f"Conv{rank}DTranspose", words
        return f"Conv{rank}D", f"convolution {_times(window)}, {before} to {after}{with_bias}"
    if len(size) == 1:
        return "Scale", f"weights of {size[0]}"
    return "Variables", _times(size) if size else "a scalar"


def _cell(scope: str, kernel: Variable, bias: Variable | None) -> tuple[str, str] | None:
    """A cell whose one kernel takes input and state together: [in + h, 4h] or [in + h, 2h]."""
    size = _sizes(kernel)
    if len(size) != 2:
        return None
    rows, columns = size
    lower = scope.lower()
    if "gru" in lower or lower.endswith(("gates", "candidate")):
        gates = 1 if lower.endswith("candidate") else 2
        units = columns // gates
        return "GRU", f"GRU cell, {max(0, rows - units)} to {units}"
    if "lstm" in lower and columns % 4 == 0:
        units = columns // 4
        return "LSTM", f"LSTM cell, {rows - units if rows > units else rows} to {units}"
    if rows > columns:
        return "RNN", f"recurrent cell, {rows - columns} to {columns}"
    return None


def _recurrent_pair(scope: str, kernel: Variable, recurrent: Variable) -> tuple[str, str]:
    """Keras: one kernel for the input, one for the state, [h, gates * h]."""
    size = _sizes(recurrent)
    before = _sizes(kernel)[0] if kernel.shape else 0
    if len(size) != 2 or not size[0]:
        return "RNN", "recurrent layer"
    gates = size[1] // size[0]
    kind = {4: "LSTM", 3: "GRU"}.get(gates, "RNN")
    return kind, f"{kind} layer, {before} to {size[0]}"


def _numbered(scope: str, weights: Sequence[Variable]) -> tuple[str, str]:
    sizes = [_sizes(variable) for variable in weights]
    if len(sizes) == 4 and len(set(sizes)) == 1 and len(sizes[0]) == 1:
        return "BatchNormalization", f"batch normalization of {sizes[0][0]} channels"
    if len(sizes) == 2 and sizes[0] == sizes[1] and len(sizes[0]) == 1:
        return "LayerNormalization", f"normalization of {sizes[0][0]} channels"
    if len(sizes) in (2, 3) and len(sizes[0]) == len(sizes[1]) == 2 and sizes[0][1] == sizes[1][1]:
        return _recurrent_pair(scope, weights[0], weights[1])
    bias = weights[1] if len(weights) > 1 and len(sizes[1]) == 1 else None
    return _kernel(scope, weights[0], bias)


def _times(sizes: Sequence[int]) -> str:
    return "x".join(map(str, sizes))
