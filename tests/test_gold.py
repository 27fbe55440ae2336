"""Pages come out word for word as they are known to be right.

After a change that is meant, ``ZOO_ACCEPT=1 pytest tests/test_gold.py`` writes the new pages to
``tests/gold``; read their difference before committing it.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from zoo.manifest import read_manifest, select
from zoo.pages.publish import publish
from zoo.pipeline import Options, process
from zoo.records import to_json
from zoo.trace import Trace

ROOT = Path(__file__).parent.parent
GOLD = Path(__file__).parent / "gold"
MODELS = ("two-heads", "lenet-without-data", "lenet-weights")
PAGES = ("index.md", "failures.md", *(f"models/{name}.md" for name in MODELS))


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The pages of a frozen, a failed and a read sample; nothing was run."""
    folder = tmp_path_factory.mktemp("gold")
    options = Options(cache=folder / "cache", work=folder / "work")
    for row in select(read_manifest(ROOT / "manifest.csv"), only=MODELS):
        home = folder / "zoo" / "models" / row.slug
        home.mkdir(parents=True)
        (home / "model.json").write_bytes(to_json(process(row, home, options=options, trace=Trace())))
    publish(folder / "zoo", folder / "pages")
    return folder / "pages"


@pytest.mark.parametrize("page", PAGES)
def test_a_page_is_word_for_word_the_one_known_to_be_right(pages: Path, page: str) -> None:
    """A change of a template, of escaping or of a fact shows as a difference here."""
    actual = (pages / page).read_text(encoding="utf-8")
    gold = GOLD / page.replace("/", "-")
    if os.environ.get("ZOO_ACCEPT"):
        gold.write_text(actual, encoding="utf-8")

    assert actual == gold.read_text(encoding="utf-8")
