"""Publishing: which pages there are, what they say, what is written again and what is removed."""

from __future__ import annotations

import ast
import shutil
from pathlib import Path

import msgspec
import pytest

from tests.hostile import NAMES
from tests.make_zoo import make
from zoo import records
from zoo.pages import across, escape, publish, show, snippets, svg, variables
from zoo.pages.publish import Publisher, file_limit
from zoo.pages.render import environment
from zoo.records import Outcome, to_json
from zoo.store import replace


@pytest.fixture(scope="module")
def zoo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The output of a job with ten rows."""
    folder = tmp_path_factory.mktemp("zoo")
    make(folder, 10)
    return folder


@pytest.fixture
def output(zoo: Path, tmp_path: Path) -> Path:
    """A copy of it that a test may change."""
    return shutil.copytree(zoo, tmp_path / "zoo")


def change(output: Path, folder: str, **fields: object) -> None:
    path = output / "models" / folder / "model.json"
    # As a job does it: the page's own copy of the record is the same file under another name.
    replace(path, to_json(msgspec.structs.replace(records.load(path, Outcome), **fields)))


def test_every_row_has_a_page_and_a_line(output: Path, tmp_path: Path) -> None:
    """Failed rows too."""
    publish.publish(output, tmp_path / "docs")

    slugs = sorted(path.name for path in (output / "models").iterdir())
    assert sorted(path.stem for path in (tmp_path / "docs" / "models").glob("*.md")) == slugs
    index = (tmp_path / "docs" / "index.md").read_text(encoding="utf-8")
    assert all(f'href="models/{slug}.html"' in index for slug in slugs)


def test_ops_that_no_processor_here_runs_are_told_on_the_page(output: Path, tmp_path: Path) -> None:
    """TensorFlow loads such a graph, and fails when it is run."""
    slug = sorted(path.name for path in (output / "models").iterdir())[0]
    outcome = records.load(output / "models" / slug / "model.json", Outcome)
    assert outcome.graph is not None
    change(
        output,
        slug,
        graph=msgspec.structs.replace(outcome.graph, ops_without_kernel=("BoostedTreesPredict",)),
    )

    publish.publish(output, tmp_path / "docs")

    page = (tmp_path / "docs" / "models" / f"{slug}.md").read_text()
    assert "1 op that TensorFlow 2.21 loads and cannot run on a CPU" in page
    assert "BoostedTreesPredict" in page


def test_ops_that_no_processor_here_runs_are_told_of_the_whole_zoo(output: Path) -> None:
    outcomes = [records.load(path, Outcome) for path in sorted((output / "models").glob("*/model.json"))]
    graph = next(outcome.graph for outcome in outcomes if outcome.graph is not None)
    op, other = list(graph.op_counts)[:2]
    one = next(outcome for outcome in outcomes if outcome.graph is graph)
    told = msgspec.structs.replace(graph, op_counts={op: 1, other: 1}, ops_without_kernel=(op,))

    uses = across._ops([msgspec.structs.replace(one, graph=told)])

    assert {use.op: use.runs for use in uses} == {op: False, other: True}


def test_a_second_publishing_writes_nothing(output: Path, tmp_path: Path) -> None:
    """Time stamps stay, so that MkDocs builds nothing again."""
    publish.publish(output, tmp_path / "docs")

    again = publish.publish(output, tmp_path / "docs")

    assert (again.written, again.removed) == (0, 0)


def test_two_publishings_give_the_same_bytes(output: Path, tmp_path: Path) -> None:
    """Nothing of the machine or the moment is on a page, but on the one about the run."""
    for name in ("one", "two"):
        publish.publish(output, tmp_path / name)

    one, two = (
        {path.relative_to(tmp_path / name): path.read_bytes() for path in (tmp_path / name).rglob("*.md")}
        for name in ("one", "two")
    )
    assert one == two


def test_only_the_changed_model_is_written(output: Path, tmp_path: Path) -> None:
    """One changed outcome changes its page and its record."""
    publish.publish(output, tmp_path / "docs")
    slug = next(path.name for path in sorted((output / "models").iterdir()) if path.name.startswith("vgg"))
    change(output, slug, warnings=("the moon is full",))

    again = publish.publish(output, tmp_path / "docs")

    assert "moon" in (tmp_path / "docs" / "models" / f"{slug}.md").read_text(encoding="utf-8")
    assert again.written == 2


def written(docs: Path) -> dict[str, tuple[bytes, int]]:
    """All files below ``docs``: what is in them, and when they changed."""
    return {
        str(path.relative_to(docs)): (path.read_bytes(), path.stat().st_mtime_ns)
        for path in sorted(docs.rglob("*"))
        if path.is_file()
    }


@pytest.mark.parametrize("models", [10, 1000], ids=["right", "wrong"])
def test_pages_made_early_are_those_that_are_published(models: int, output: Path, tmp_path: Path) -> None:
    """In any order, whatever was expected: only what had to be guessed and came otherwise is made again."""
    publish.publish(output, tmp_path / "docs")
    publisher = Publisher(output, tmp_path / "early")
    for folder in sorted((output / "models").iterdir(), reverse=True):
        publisher.early(folder.name, models=models, manifest="manifest.csv")
    publisher.early("absent", models=models, manifest="manifest.csv")
    before = written(tmp_path / "early")

    publisher.publish()

    after = written(tmp_path / "early")
    assert {name: content for name, (content, _) in after.items()} == {
        name: content for name, (content, _) in written(tmp_path / "docs").items()
    }
    assert len(before) > 50
    if models == 10:
        assert all(after[name] == known for name, known in before.items())


def test_a_page_made_early_is_not_taken_for_an_older_one(output: Path, tmp_path: Path) -> None:
    """A run that is killed after a page and before the lists leaves pages that are looked at again."""
    publish.publish(output, tmp_path / "docs")
    slug = next(path.name for path in sorted((output / "models").iterdir()) if path.name.startswith("vgg"))
    record = (output / "models" / slug / "model.json").read_bytes()
    change(output, slug, warnings=("the moon is full",))
    killed = Publisher(output, tmp_path / "docs")
    killed.begin([slug])
    killed.early(slug, models=10, manifest="manifest.csv")
    page = tmp_path / "docs" / "models" / f"{slug}.md"
    assert "moon" in page.read_text(encoding="utf-8")
    (output / "models" / slug / "model.json").write_bytes(record)

    publish.publish(output, tmp_path / "docs")

    assert "moon" not in page.read_text(encoding="utf-8")


def test_the_data_of_a_model_appear_together(
    output: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A publishing that dies half-way through a model leaves nothing that looks like one."""
    docs = tmp_path / "docs"

    def full(path: str, data: bytes) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(publish, "write", full)
    with pytest.raises(OSError, match="No space"):
        publish.publish(output, docs)

    assert not list((docs / "data").iterdir())


def test_pages_of_rows_that_are_gone_are_removed(output: Path, tmp_path: Path) -> None:
    """Nothing of a removed row is left on the site."""
    publish.publish(output, tmp_path / "docs")
    gone = next((output / "models").iterdir())
    shutil.rmtree(gone)

    publish.publish(output, tmp_path / "docs")

    assert not (tmp_path / "docs" / "models" / f"{gone.name}.md").exists()
    assert not (tmp_path / "docs" / "data" / gone.name).exists()


def test_a_folder_whose_record_names_another_slug_is_left_out(output: Path, tmp_path: Path) -> None:
    """A slug becomes a path: what claims to be elsewhere is not believed."""
    folder = next(path for path in sorted((output / "models").iterdir()))
    change(output, folder.name, slug="../../escaped")

    publish.publish(output, tmp_path / "docs")

    assert not list(tmp_path.rglob("escaped*"))


def test_a_broken_record_does_not_stop_the_others(output: Path, tmp_path: Path) -> None:
    """A record of another version is passed over; the job makes it again."""
    next((output / "models").glob("*/model.json")).write_bytes(b'{"schema": 9')

    publish.publish(output, tmp_path / "docs")

    assert len(list((tmp_path / "docs" / "models").glob("*.md"))) == 9


def test_large_zoos_offer_small_files_only(output: Path) -> None:
    """The site of a zoo of large models stays within its limit."""
    outcome = next(
        o
        for o in (records.load(path, Outcome) for path in sorted((output / "models").glob("*/model.json")))
        if o.frozen
    )
    large = msgspec.structs.replace(
        outcome, files=(records.File(path="frozen.pb", bytes=60 << 20, sha256="0" * 64),)
    )

    assert file_limit([large]) == 64 << 20
    assert file_limit([large] * 20) == 16 << 20


def test_an_empty_output_gives_pages_that_say_so(tmp_path: Path) -> None:
    """No outcomes, no report: still pages."""
    (tmp_path / "zoo").mkdir()

    publish.publish(tmp_path / "zoo", tmp_path / "docs")

    assert "0 models" in (tmp_path / "docs" / "index.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", NAMES, ids=[escape.visible(name, 24) for name in NAMES])
def test_escaped_names_hold_only_plain_characters(name: str) -> None:
    """What Markdown, Jinja or a browser could give a meaning is a number."""
    for text in (escape.esc(name), escape.whole(name), escape.heading(name)):
        bare = str(text)
        assert bare.isascii()
        assert not set(bare) & set("<>\"'`*[]{}|\\$%~^=+!@:()?\n\r\t\x00")


@pytest.mark.parametrize(
    "template",
    [
        "{{ x }}",
        "{% for i in [x] %}{{ i }}{% endfor %}",
        "{% macro m(i) %}{{ i }}{% endmacro %}{{ m(x) }}",
        "{% set y %}{{ x }}{% endset %}{{ y }}",
        "{{ x ~ '' }}",
        "{{ x|replace('q', 'r') }}",
        "{{ x|default('q') }}",
    ],
)
def test_all_that_a_template_prints_is_escaped_once(template: str) -> None:
    """Whichever way a name takes through a template, it stands on the page as `escape.esc` has it."""
    name = '<b>&"{{ 7 }}'

    assert environment().from_string(template).render(x=name) == escape.esc(name)


def test_data_scripts_cannot_end_their_element() -> None:
    """No name in a data file closes a script or opens one."""
    content = escape.script("zooData", "key", list(NAMES))

    assert not set(content) & set(b"<>")
    assert content.isascii()


@pytest.mark.parametrize(
    ("url", "taken"),
    [
        ("https://example.org/a?b=c#d", True),
        ("http://example.org", True),
        ("javascript:alert(1)", False),
        ("https://example.org/a b", False),
        ('https://example.org/"onclick=x', False),
        ("//example.org", False),
        ("data:text/html,x", False),
        ("https://example.org/\n", False),
    ],
)
def test_only_plain_web_addresses_become_links(url: str, taken: bool) -> None:
    """Everything else is shown as text."""
    assert (escape.link(url) is not None) is taken


def test_numbers_read_well() -> None:
    """Three digits and a unit."""
    assert [show.count(n) for n in (0, 9_999, 4_253_864, 999_600)] == ["0", "9,999", "4.25 M", "1 M"]
    assert [show.size(n) for n in (12, 1023, 17_025_792)] == ["12 B", "1.02 kB", "17 MB"]
    assert show.seconds(75.2) == "1 min 15 s"
    assert show.shape((None, 224, 3)) == "[?, 224, 3]"


def test_snippets_are_programs_whatever_tensors_are_called(output: Path) -> None:
    """Names that hold quotes do not end a string."""
    outcome = next(
        o
        for o in (records.load(path, Outcome) for path in sorted((output / "models").glob("*/model.json")))
        if o.frozen
    )
    odd = msgspec.structs.replace(
        outcome, outputs=(msgspec.structs.replace(outcome.outputs[0], name="a'b\"\\c\n:0"),)
    )

    said = {
        item.value
        for _, code in snippets.snippets(odd)
        for item in ast.walk(ast.parse(code))
        if isinstance(item, ast.Constant)
    }
    assert odd.outputs[0].name in said


def test_treemap_tiles_fill_the_picture_without_overlap() -> None:
    """Areas are as values."""
    tiles = svg.treemap([(str(n), n) for n in (6, 6, 4, 3, 2, 2, 1)], width=600, height=400)

    assert sum(tile.width * tile.height for tile in tiles) == pytest.approx(600 * 400)
    for tile in tiles:
        assert tile.width * tile.height == pytest.approx(600 * 400 * tile.value / 24)


def test_scopes_that_hold_one_scope_are_merged() -> None:
    """InceptionV3/InceptionV3 is one level."""
    lines = [
        variables.Line(
            name=f"Net/Net/{part}/weights",
            dtype="float32",
            shape="2",
            elements=2,
            bytes=8,
            kind="model",
            checksum="",
        )
        for part in ("a", "b")
    ]

    root = variables.scopes(lines)

    assert [child.label for child in root.children] == ["Net/Net"]
    assert [label for label, _ in variables.tiles(root)] == ["a", "b"]


def test_models_that_share_tensors_are_found() -> None:
    """A copy and a fine-tuned model hang together, a stranger does not."""
    base = [across.Tensor(str(n), 100) for n in range(10)]
    tuned = [*base[:7], *(across.Tensor(f"t{n}", 100) for n in range(3))]
    other = [across.Tensor(f"o{n}", 100) for n in range(10)]

    found = across.pairs([base, tuned, other, base])

    assert [(pair.a, pair.b, pair.count) for pair in found] == [(0, 3, 10), (0, 1, 7), (1, 3, 7)]
    assert across.groups(found) == [[0, 1, 3]]
