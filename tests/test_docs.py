"""The documentation is complete: what the code offers, the pages name."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest

from jobs.process import parser
from zoo import errors, records
from zoo.manifest import COLUMNS

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "site" / "docs"


def page(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


def error_classes() -> list[str]:
    return [
        name
        for name, value in vars(errors).items()
        if isinstance(value, type) and issubclass(value, errors.ZooError)
    ]


def options() -> list[str]:
    return [
        option
        for action in parser()._actions
        if not isinstance(action, argparse._HelpAction)
        for option in action.option_strings
    ]


def fields(kind: Any, seen: set[Any]) -> Iterator[str]:
    """Names of all fields of a record and of the records in it."""
    if kind in seen:
        return
    seen.add(kind)
    for field in msgspec.structs.fields(kind):
        yield field.name
        todo = [field.type]
        while todo:
            inner = todo.pop()
            todo.extend(get_args(inner))
            if isinstance(inner, type) and issubclass(inner, msgspec.Struct):
                yield from fields(inner, seen)


@pytest.mark.parametrize("option", options())
def test_every_option_of_the_job_is_documented(option: str) -> None:
    """``--help`` and the page agree on what there is."""
    assert f"`{option}" in page("command-line.md")


@pytest.mark.parametrize("name", error_classes())
def test_every_error_is_documented(name: str) -> None:
    """Who sees an error finds its page."""
    assert f"`{name}`" in page("errors.md")


@pytest.mark.parametrize("column", sorted(COLUMNS))
def test_every_column_of_the_manifest_is_documented(column: str) -> None:
    """Who adds a row finds all it can say."""
    assert f"`{column}`" in page("add.md")


@pytest.mark.parametrize(
    "kind",
    get_args(records.Format.__annotations__["id"])
    or get_args(msgspec.structs.fields(records.Format)[0].type),
)
def test_every_format_is_documented(kind: str) -> None:
    """Each format has its bytes described."""
    assert f"`{kind}`" in page("formats.md")


@pytest.mark.parametrize("name", sorted(set(fields(records.Outcome, set()))))
def test_every_field_of_an_outcome_is_documented(name: str) -> None:
    """Tools that read ``model.json`` find what a field means."""
    assert re.search(rf"[`\"]{name}[`\"]", page("contract.md"))


def test_every_target_of_the_makefile_says_what_it_does() -> None:
    """A bare ``make`` lists them all."""
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    phony = re.search(r"^\.PHONY: (.*)$", text, re.MULTILINE)

    assert phony is not None
    for target in phony.group(1).split():
        assert re.search(rf"^{target}:.*## \S", text, re.MULTILINE), target


def test_the_readme_names_only_commands_that_exist() -> None:
    """Each ``make`` line of the README is a target, each picture is there."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")

    for target in re.findall(r"\bmake ([a-z]+)\b", readme):
        assert f"\n{target}:" in makefile, target
    for picture in re.findall(r"!\[[^]]*\]\(([^)]+)\)", readme):
        assert (ROOT / picture).exists(), picture
    for link in re.findall(r"(?<!!)\[[^]]*\]\(([^)#]+)\)", readme):
        assert link.startswith("https://") or (ROOT / link).exists(), link
