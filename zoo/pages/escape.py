"""Names from files of strangers, made safe for pages: the one place where that is done.

A page goes through Jinja2, Python-Markdown, MkDocs' own templates and a browser; a name must come
out of all of them as it went in, and do nothing on the way.  So nothing but a short list of plain
characters is left as it is: everything else becomes a numeric character reference, which none of
the four gives a meaning.
"""

from __future__ import annotations

import codecs
import functools
import json
import re
import unicodedata
from typing import Any

from markupsafe import Markup

LIMIT = 240
"""Characters of a name that a page shows; the whole of it stands in the data files."""

_LINK = re.compile(r"https?://[^\s\"'<>\\^`{|}\x00-\x20\x7f-\x9f]+", re.IGNORECASE)
_PLAIN = re.compile(r"[^A-Za-z0-9 _./,-]")
_ALPHANUMERIC = re.compile(r"[^A-Za-z0-9]")
_LINES = re.compile(r"[ -~\n]*\Z")
_ORDINARY = re.compile(r"[ -~]*\Z")


def visible(text: str, limit: int | None = LIMIT) -> str:
    """``text`` with every character shown that would hide, reorder or break a line.

    A newline becomes ``␊``; control, format (bidi, zero-width), surrogate, private and unassigned
    characters become ``⟨U+202E⟩``.  What is longer than ``limit`` is cut, and ends in ``…``.
    """
    cut = limit is not None and len(text) > limit
    if cut:
        text = text[:limit]
    if not _ORDINARY.match(text):
        text = "".join(map(_visible, text))
    return f"{text}…" if cut else text


def _visible(character: str) -> str:
    if character == "\n":
        return "␊"
    category = unicodedata.category(character)
    if category[0] == "C" or category in ("Zl", "Zp"):
        return f"⟨U+{ord(character):04X}⟩"
    return character


_ASCII = {chr(number): f"&#{number};" for number in range(128)}


def _reference(match: re.Match[str]) -> str:
    character = match[0]
    return _ASCII.get(character) or f"&#{ord(character)};"


def esc(value: Any) -> Markup:
    """``value`` for the text or an attribute of a raw HTML block; Markup passes unchanged."""
    return value if isinstance(value, Markup) else _escaped(str(value))


def safe(text: str) -> Markup:
    """``text``, all of which was escaped, as Markup; its own constructor looks whether it is that already."""
    return str.__new__(Markup, text)


@functools.lru_cache(maxsize=1 << 14)
def _escaped(text: str) -> Markup:
    # Pages of models say the same words, types and shapes again and again.
    return safe(_PLAIN.sub(_reference, visible(text)))


def whole(value: str) -> Markup:
    """``value`` as `esc` has it, at full length and to the letter: for what is to be copied.

    Where a text cannot be told exactly (lone surrogates, NUL), the visible form stands in.
    """
    exact = value if _LINES.match(value) or all(map(_copyable, value)) else visible(value, None)
    return safe(_PLAIN.sub(_reference, exact))


def _copyable(character: str) -> bool:
    # HTML has no reference for these: a browser replaces them.
    number = ord(character)
    return not (
        number < 0x20 or 0x7F <= number <= 0x9F or 0xD800 <= number <= 0xDFFF or number & 0xFFFE == 0xFFFE
    )


def prose(text: str) -> Markup:
    """A sentence as `esc` has it, and not cut where a name would be."""
    return safe(_PLAIN.sub(_reference, visible(text, 4000)))


def heading(value: str) -> Markup:
    """``value`` for a Markdown heading: not even a blank or a hyphen keeps its meaning."""
    return safe(_ALPHANUMERIC.sub(_reference, visible(value)))


def front_matter(**fields: Any) -> Markup:
    """YAML front matter; the theme prints titles without escaping them, so they come escaped."""
    lines = (
        f"{key}: {json.dumps(str(heading(value)) if isinstance(value, str) else value)}\n"
        for key, value in fields.items()
    )
    return Markup("---\n" + "".join(lines) + "---\n")  # noqa: S704 - JSON of escaped text


def link(url: str) -> Markup | None:
    """``url`` for an href if it is http or https and of plain make; else None."""
    return whole(url) if len(url) <= 2000 and _LINK.fullmatch(url) else None


def name(text: str) -> Markup:
    """A name in code type, kept from reordering what stands around it."""
    return safe(f'<code><bdi dir="ltr">{_escaped(text)}</bdi></code>')


def script(call: str, *arguments: Any) -> bytes:
    """``call(arguments…);`` as a script file: how pages get their data, also from ``file://``.

    The arguments become JSON, or are it if they are bytes; in ASCII, with nothing in it that could
    end a script element.
    """
    return b"%s(%s);\n" % (call.encode("ascii"), b",".join(map(_json, arguments)))


def _json_escapes(error: UnicodeError) -> tuple[str, int]:
    """Characters that are not ASCII as JSON has them, in pairs of surrogates where needed."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return _json_escape(error.object[error.start : error.end]), error.end


@functools.lru_cache(maxsize=1 << 10)
def _json_escape(text: str) -> str:
    return json.dumps(text)[1:-1]


codecs.register_error("json", _json_escapes)


def _json(argument: Any) -> bytes:
    """``argument`` as JSON; bytes are taken for JSON already."""
    if isinstance(argument, bytes):
        text = argument.strip().decode("utf-8").encode("ascii", "json")
    else:
        text = json.dumps(argument, ensure_ascii=True, separators=(",", ":")).encode("ascii")
    return text.replace(b"<", b"\\u003c").replace(b">", b"\\u003e").replace(b"&", b"\\u0026")
