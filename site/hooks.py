"""MkDocs hook: before the first run, the generated pages are stand-ins that say what to run."""

from __future__ import annotations

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
