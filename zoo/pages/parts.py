"""What several pages share, small and often: in Python, since a macro of Jinja2 takes five times as long."""

from __future__ import annotations

from typing import Any

from markupsafe import Markup

from zoo.pages import show
from zoo.pages.escape import esc, link, name, safe, whole


def chip(outcome: Any) -> Markup:
    """The status of a model, and that it is not the one that was expected."""
    unexpected = "" if outcome.expected else ' <span class="z-chip z-unexpected">unexpected</span>'
    return safe(
        f'<span class="z-chip z-{esc(outcome.status)}">{esc(show.status_label(outcome))}</span>{unexpected}'
    )


def copy(text: str, label: str) -> Markup:
    """A button that copies ``text``."""
    return safe(
        f'<button type="button" class="z-copy" data-copy="{whole(text)}" aria-label="Copy {esc(label)}" '
        'title="Copy"></button>'
    )


def tensor(item: Any) -> Markup:
    """The name of an input or output."""
    return safe(f"{name(item.name)}{copy(item.name, item.name)}")


def bar(part: float, total: float) -> Markup:
    """A bar as long as a share."""
    return safe(f'<span class="z-bar"><i style="width:{100 * part / total if total else 0:.1f}%"></i></span>')


def code(text: str, label: str) -> Markup:
    """A block of code, with a button that copies it."""
    return safe(
        f'<div class="z-code"><button type="button" class="z-copy" aria-label="Copy {esc(label)}" '
        f'title="Copy"></button><pre tabindex="0"><code>{whole(text)}</code></pre></div>'
    )


def digest(value: str) -> Markup:
    """The beginning of a SHA-256 digest, the whole of it in its tooltip."""
    button = copy(value, "the SHA-256 digest")
    return safe(f'<code class="z-digest" title="{esc(value)}">{esc(value[:12])}…</code>{button}')


def outside(url: str) -> Markup:
    """A link to another site where ``url`` is plain enough for one."""
    target = link(url)
    return name(url) if target is None else safe(f'<a href="{target}" rel="noreferrer">{esc(url)}</a>')
