"""``run``: a frozen graph on inputs that a person gives."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from zoo.runner import RunError, Value


def feeds(texts: Sequence[str]) -> dict[str, npt.NDArray[Any] | Value]:
    """``TENSOR=VALUE`` texts as what `zoo.runner.Runner.run` takes.

    Raises:
        RunError: a text is not of that form, or its file cannot be read.
    """
    result: dict[str, npt.NDArray[Any] | Value] = {}
    for text in texts:
        tensor, equals, value = text.partition("=")
        if not equals or not tensor or not value:
            raise RunError(
                f"feed {text!r}: expected TENSOR=VALUE", hint="as in --feed input:0=photo.jpg, or =random"
            )
        result[tensor] = feed(tensor, value)
    return result


def feed(tensor: str, text: str) -> npt.NDArray[Any] | Value:
    """What one value means: ``random``, a file, a number, ``true``, a list, or a text."""
    if text == "random":
        return Value(tensor=tensor, random=True)
    name, _, key = text.partition("#")
    path = Path(name)
    if path.suffix in (".npy", ".npz"):
        return _array(tensor, path, key)
    if path.is_file():
        return Value(tensor=tensor, file=str(path))
    try:
        value = json.loads(text)
    except ValueError:
        value = text
    if isinstance(value, str):
        if path.suffix.lower() in (".jpg", ".jpeg", ".png", ".gif", ".bmp", ".wav", ".txt"):
            raise RunError(f"feed {tensor!r}: no such file: {text}")
        return Value(tensor=tensor, text=value)
    if isinstance(value, dict) or value is None:
        raise RunError(f"feed {tensor!r}: expected a number, a list, a file or random, found {text}")
    try:
        return np.asarray(value)
    except ValueError as error:
        raise RunError(f"feed {tensor!r}: expected lists of one length, found {text}") from error


def _array(tensor: str, path: Path, key: str) -> npt.NDArray[Any]:
    try:
        loaded = np.load(path, allow_pickle=False)
        if isinstance(loaded, np.ndarray):
            return loaded
        with loaded:
            names = list(loaded.files)
            if key not in names and len(names) != 1:
                raise RunError(
                    f"feed {tensor!r}: {path} holds {', '.join(names)}", hint=f"name one: {path}#{names[0]}"
                )
            array: npt.NDArray[Any] = loaded[key if key in names else names[0]]
            return array
    except OSError as error:
        raise RunError(f"feed {tensor!r}: {path}: {(error.strerror or str(error)).lower()}") from error
    except (ValueError, EOFError) as error:
        raise RunError(f"feed {tensor!r}: {path} is no plain numpy file: {error}") from error


def labels(path: Path | None) -> list[str]:
    """The names of the classes, one a line."""
    return [] if path is None else path.read_text("utf-8", "replace").splitlines()


def save(path: Path, values: Mapping[str, npt.NDArray[Any]]) -> None:
    """Write the values to a ``.npz`` under their tensors' names."""
    from zoo.store import replacing

    with replacing(path) as partial, partial.open("wb") as file:
        np.savez(file, allow_pickle=False, **dict(values))
