"""The rows of long tables, as f-strings: a template takes ten times as long for each value."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from markupsafe import Markup

from zoo.pages import parts, show
from zoo.pages.escape import esc, name, safe
from zoo.pages.svg import sparkline
from zoo.pages.variables import Line, shape_text
from zoo.records import Endpoint, File


def variable_rows(lines: Iterable[Line], total: int) -> Markup:
    """A row for each variable; ``total``: bytes of all that there are."""
    return Markup("".join(_variable(line, total) for line in lines))  # noqa: S704 - names are escaped


def _variable(line: Line, total: int) -> str:
    held = line.bytes or 0
    zeros = show.percent(line.zeros, line.elements) if line.zeros and line.elements else ""
    none = f' data-v="{line.zeros}"' if line.zeros else ""
    alarm = f' class="z-alarm">{line.nan}' if line.nan else ">"
    figures = "".join(f"<td>{show.figure(text)}</td>" for text in (line.min, line.max, line.mean, line.std))
    return (
        f"<tr><td>{name(line.name)}</td><td>{esc(line.kind.replace('_', ' '))}</td>"
        f"<td>{esc(line.dtype)} {esc(shape_text(line.shape))}</td>"
        f'<td data-v="{held}">{show.size(line.bytes)}</td><td>{esc(show.percent(held, total))}</td>'
        f"<td>{sparkline(tuple(map(int, line.histogram.split())))}</td>"
        f"{figures}<td{none}>{esc(zeros)}</td><td{alarm}</td></tr>\n"
    )


def endpoint_rows(direction: str, items: Iterable[Endpoint]) -> Markup:
    """A row for each input or output."""
    return safe("".join(_endpoint(direction, item) for item in items))


def _endpoint(direction: str, item: Endpoint) -> str:
    off, fixed = "", ""
    if item.folded is not None:
        off, fixed = ' class="z-off"', f' <span class="z-muted">fixed to {esc(item.folded)}</span>'
    role = (item.role or item.kind or "").replace("_", " ")
    return (
        f'<tr{off}><td><span class="z-dir">{direction}</span></td><td>{parts.tensor(item)}</td>'
        f"<td>{esc(item.dtype)} {esc(show.shape(item.shape))}</td><td>{esc(role)}{fixed}</td>"
        f'<td class="z-n">{esc(show.confidence(item.confidence))}</td>'
        f'<td class="z-why">{esc(item.reason)}</td></tr>\n'
    )


def file_rows(slug: str, downloads: Iterable[tuple[File, str | None]]) -> Markup:
    """A row for each file of the model ``slug``, with a link to those that are on the site."""
    return safe("".join(_file(slug, file, href) for file, href in downloads))


def _file(slug: str, file: File, href: str | None) -> str:
    if href:
        named = f'<a href="{esc(href)}" download>{esc(file.path)}</a>'
    else:
        why = "" if file.path == "graph.json" else ": too large for the site"
        at = name(f"models/{slug}/{file.path}")
        named = f'{at} <span class="z-muted">in the output folder{why}</span>'
    digest = parts.digest(file.sha256) if file.sha256 else ""
    return f'<tr><td>{named}</td><td class="z-n">{esc(show.size(file.bytes))}</td><td>{digest}</td></tr>\n'


def layer_rows(layers: Sequence[Mapping[str, Any]]) -> Markup:
    """A row for each layer; a repeated block says how many times it stands there.

    Where no layer's output is known, rows have no cell for it.
    """
    rows = []
    sized = any(layer["shape"] for layer in layers)
    for layer in layers:
        times = f'<b class="z-times">× {layer["repeat"]}</b> ' if layer["repeat"] else ""
        inside = ' class="z-inside"' if layer["inside"] else ""
        rows.append(
            f"<tr{inside}><td>{times}{esc(layer['label'])}</td><td>{name(layer['name'])}</td>"
            + (f"<td>{esc(layer['shape'])}</td></tr>\n" if sized else "</tr>\n")
        )
    return Markup("".join(rows))  # noqa: S704 - names are escaped


def op_bars(ops: Sequence[tuple[str, int, str | None]]) -> Markup:
    """A bar for each op, the first being the longest."""
    most = ops[0][1] if ops else 1
    return Markup(  # noqa: S704 - names are escaped
        "".join(
            f'<div class="z-op"><span>{name(op)}{_flag(flag)}</span>'
            f'<span class="z-bar"><i style="width:{100 * count / most:.1f}%"></i></span>'
            f"<b>{show.count(count)}</b></div>\n"
            for op, count, flag in ops
        )
    )


def op_names(ops: Iterable[tuple[str, int, str | None]]) -> Markup:
    """Ops and their numbers, in running text."""
    return Markup(  # noqa: S704 - names are escaped
        ", ".join(f"{name(op)} × {count}{_flag(flag)}" for op, count, flag in ops)
    )


def _flag(flag: str | None) -> str:
    return f' <em class="z-flag">{esc(flag)}</em>' if flag else ""
