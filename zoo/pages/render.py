"""Templates to Markdown: Jinja2 with escaping on, every printed value through `escape.esc`."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import jinja2
from jinja2 import nodes
from jinja2.compiler import CodeGenerator, Frame
from jinja2.runtime import Context

from zoo.pages import escape, parts, rows, show

# Labels for the catalog's table, where the whole one is too long.
_FORMATS = {
    "checkpoint_v2": "checkpoint V2",
    "checkpoint_v1": "checkpoint V1",
    "object_checkpoint": "TF 2 checkpoint",
    "saved_model": "SavedModel",
    "graph_def": "GraphDef",
    "meta_graph": "MetaGraphDef",
    "keras": "Keras",
    "tflite": "TFLite",
}


def short_format(outcome: Any) -> str:
    """The format in a word or two; empty where none was recognized."""
    return "" if outcome.format is None else _FORMATS.get(outcome.format.id, outcome.format.id)


def model_bytes(outcome: Any) -> int:
    """Bytes of the model's own weights, optimizer state left out."""
    kind = outcome.variables.by_kind.get("model")
    return int(outcome.variables.bytes if kind is None else kind.bytes)


def sentence(text: str, *, stop: bool = True) -> str:
    """A message as a sentence: a capital first letter, a full stop at the end."""
    text = text.strip()
    if not text:
        return text
    # A name in quotes or with capitals of its own is left alone.
    first = text.split(" ", 1)[0]
    if first.isalpha() and first.islower():
        text = text[0].upper() + text[1:]
    return text + "." if stop and text[-1] not in ".!?:…" else text


class _Once(CodeGenerator):
    """Templates whose values are escaped once, by ``finalize``, and not looked at by Jinja2 again.

    That second look, which finds Markup and lets it pass, was a fifth of the time of a page.
    """

    def _output_child_pre(
        self, node: nodes.Expr, frame: Frame, finalize: CodeGenerator._FinalizeInfo
    ) -> None:
        self.write("environment.finalize(")

    def _output_child_post(
        self, node: nodes.Expr, frame: Frame, finalize: CodeGenerator._FinalizeInfo
    ) -> None:
        self.write(")")


class _Plain(Context):
    """A context whose calls are plain ones: nothing that our templates call asks for the context."""

    def call(__self, __obj: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:  # noqa: N805
        """The value of ``__obj(…)``; Jinja2 looks six times at what is called before it does that."""
        kwargs.pop("_loop_vars", None)
        kwargs.pop("_block_vars", None)
        return __obj(*args, **kwargs)


class _Environment(jinja2.Environment):
    code_generator_class = _Once
    context_class = _Plain


@functools.cache
def environment() -> jinja2.Environment:
    """The templates of this package, and what they may call."""
    made = _Environment(
        loader=jinja2.PackageLoader("zoo.pages"),
        auto_reload=False,
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        finalize=escape.esc,
        trim_blocks=False,
        lstrip_blocks=False,
        keep_trailing_newline=True,
    )
    made.globals |= {
        "data_inputs": show.data_inputs,
        "endpoint_rows": rows.endpoint_rows,
        "file_rows": rows.file_rows,
        "front_matter": escape.front_matter,
        "heading": escape.heading,
        "link": escape.link,
        "layer_rows": rows.layer_rows,
        "model_bytes": model_bytes,
        "name": escape.name,
        "op_bars": rows.op_bars,
        "op_names": rows.op_names,
        "parts": parts,
        "plural": show.plural,
        "prose": escape.prose,
        "sentence": sentence,
        "short_format": short_format,
        "show": show,
        "status_label": show.status_label,
        "variable_rows": rows.variable_rows,
        "whole": escape.whole,
    }
    return made


def render(template: str, **values: Any) -> bytes:
    """The Markdown of a template."""
    return environment().get_template(template).render(**values).encode("utf-8")


class Cells(dict[str, Any]):
    """The manifest's cells; one that the row does not have reads as empty."""

    def __missing__(self, key: str) -> str:
        return ""
