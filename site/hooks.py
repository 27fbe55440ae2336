"""MkDocs hooks: stand-ins for pages that are not made yet, and a short way for large tables.

Both can be left out: without the second one the site is the same, and takes ten times as long to
build.  Markdown and the search parse raw HTML tag by tag, and leave it as it is.
"""

from __future__ import annotations

import re
from typing import Any

from mkdocs.structure.files import File, Files

EMPTY = """---
title: {title}
hide: [navigation, toc]
---

# {title} {{ #top }}

<div class="z-empty" markdown="0">
<p class="z-lead">{sentence}</p>
<p>The catalog has not been made yet. Run the job on a manifest, then reload:</p>
<pre><code>python -m jobs.process manifest.csv --workers 8
mkdocs serve</code></pre>
<p>It downloads, freezes, proves and describes every model that the manifest lists, and fills these pages.
<a href="add.html">How to write a manifest</a></p>
</div>
"""

PAGES = {
    "index.md": ("Catalog", "No models yet."),
    "across.md": ("Across the zoo", "Nothing to compare yet."),
    "failures.md": ("Failures", "No failures: nothing has run yet."),
    "run.md": ("Last run", "No run yet."),
}


def on_files(files: Files, *, config: Any, **_: object) -> Files:
    """The files of the site, with a stand-in for each generated page that is not there."""
    for path, (title, sentence) in PAGES.items():
        if files.get_file_from_path(path) is None:
            files.append(File.generated(config, path, content=EMPTY.format(title=title, sentence=sentence)))
    return files


_PLACE = re.compile(r'<div data-zoo-block="(\d+)"></div>')
_blocks: dict[str, list[str]] = {}
"""Per page what was taken out of it, from when it is read until it is written."""


def on_page_markdown(markdown: str, *, page: Any, **_: object) -> str:
    """The page without the raw blocks that the search leaves out."""
    text, blocks = take_out(markdown)
    if blocks:
        _blocks[page.file.src_uri] = blocks
    return text


def on_post_page(output: str, *, page: Any, **_: object) -> str:
    """The page with its blocks back in place."""
    blocks = _blocks.pop(page.file.src_uri, [])
    return _PLACE.sub(lambda match: blocks[int(match[1])], output) if blocks else output


def take_out(markdown: str) -> tuple[str, list[str]]:
    """(``markdown`` with a short stand-in for each block marked data-search-exclude, the blocks).

    A block starts and ends at the start of a line.  Names in it are escaped, so that every ``<div``
    is one of the template's.
    """
    if "data-search-exclude" not in markdown:
        return markdown, []
    kept: list[str] = []
    blocks: list[list[str]] = []
    depth = 0
    for line in markdown.split("\n"):
        if depth == 0 and not (line.startswith("<div") and "data-search-exclude" in line):
            kept.append(line)
            continue
        if depth == 0:
            kept.append(f'<div data-zoo-block="{len(blocks)}"></div>')
            blocks.append([])
        blocks[-1].append(line)
        depth += line.count("<div") - line.count("</div")
    return "\n".join(kept), ["\n".join(block) for block in blocks]
