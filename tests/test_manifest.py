"""Reading manifests: what is taken, what is refused, and how it is said."""

# ruff: noqa: E501 (whole messages, as a person reads them)

from __future__ import annotations

import csv
import io
import pickle
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zoo.errors import ManifestError
from zoo.manifest import COLUMNS, SHOWN_PROBLEMS, ManifestErrors, parse_manifest, read_manifest, select
from zoo.names import slug
from zoo.records import Checksum, Row, Status, from_json, to_json

HERE = Path("/zoo/manifest.csv")
SHA256 = "ab" * 32
MD5 = "cd" * 16


def parse(text: str | bytes) -> tuple[Row, ...]:
    return parse_manifest(text if isinstance(text, bytes) else text.encode(), HERE)


def one(**cells: str) -> Row:
    """The row with these cells, and a name and URL where none are given."""
    cells = {"name": "lenet", "url": "lenet.tar.gz", **cells}
    out = io.StringIO()
    csv.writer(out).writerows([cells.keys(), cells.values()])
    (row,) = parse(out.getvalue())
    return row


def problems(text: str | bytes) -> list[str]:
    """What is wrong with a manifest, line by line."""
    with pytest.raises(ManifestErrors) as caught:
        parse(text)
    return [str(problem) for problem in caught.value.problems]


def test_a_row_is_parsed_whole() -> None:
    """Every column becomes its field, and the cells are kept as they were given."""
    cells = {
        "name": "LeNet",
        "url": "https://example.org/lenet.tar.gz",
        "mirror": "s3://zoo/lenet.tar.gz ../mirror/le%20net.tar.gz",
        "checksum": f"SHA256:{SHA256.upper()}",
        "size": "1024",
        "member": "model/lenet.ckpt",
        "member_checksum": MD5,
        "inputs": "images, keep_prob:0",
        "outputs": "probabilities logits:1",
        "documented_inputs": "images",
        "documented_outputs": "probabilities:0",
        "graph": "model/graph.pbtxt",
        "weights": "ema",
        "task": "digits",
        "family": "LeNet",
        "license": "MIT",
        "paper": "arXiv:1998.1",
        "source": "https://example.org",
        "description": 'quoted, "twice",\nand on two lines',
        "expect": "frozen",
    }

    row = one(**cells)

    assert set(cells) == set(COLUMNS)
    assert row == Row(
        line=2,
        name="LeNet",
        slug=slug("LeNet"),
        urls=("https://example.org/lenet.tar.gz",),
        mirrors=("s3://zoo/lenet.tar.gz", "/zoo/../mirror/le net.tar.gz"),
        checksums=(Checksum(algorithm="sha256", value=SHA256),),
        size=1024,
        sizes=(1024,),
        member="model/lenet.ckpt",
        member_checksum=Checksum(algorithm="md5", value=MD5),
        inputs=("images:0", "keep_prob:0"),
        outputs=("probabilities:0", "logits:1"),
        documented_inputs=("images:0",),
        documented_outputs=("probabilities:0",),
        graph="model/graph.pbtxt",
        weights="ema",
        task="digits",
        family="LeNet",
        license="MIT",
        paper="arXiv:1998.1",
        source="https://example.org",
        description='quoted, "twice",\nand on two lines',
        expect=Status.FROZEN,
        given=cells,
    )
    assert from_json(to_json(row), Row) == row


SHAPES = {
    "plain": b"name,url\na,x\nb,y\n",
    "a byte order mark": b"\xef\xbb\xbfname,url\na,x\nb,y\n",
    "CRLF": b"name,url\r\na,x\r\nb,y\r\n",
    "CR": b"name,url\ra,x\rb,y\r",
    "no end of line": b"name,url\na,x\nb,y",
    "empty lines": b"\n\nname,url\n\na,x\n  \n,\nb,y\n\n",
    "blanks around cells": b" name , url \n a , x \nb ,y\n",
    "quotes": b'"name","url"\n"a","x"\n"b","y"\n',
    "upper-case header": b"Name,URL\na,x\nb,y\n",
    "columns turned around": b"url,name\nx,a\ny,b\n",
    "empty cells after the last": b"name,url\na,x,,\nb,y,\n",
}


@pytest.mark.parametrize("data", SHAPES.values(), ids=SHAPES.keys())
def test_a_manifest_may_be_written_by_any_program(data: bytes) -> None:
    """Line ends, byte order mark, blanks, quotes and order of columns do not matter."""
    rows = parse(data)

    assert [(row.name, row.urls) for row in rows] == [("a", ("/zoo/x",)), ("b", ("/zoo/y",))]


def test_lines_are_counted_as_an_editor_does() -> None:
    """The line of a row is where it begins, also after empty lines and cells of several lines."""
    rows = parse('name,url,description\n\na,x,"1\n2\n3"\n\nb,y,\n')

    assert [row.line for row in rows] == [3, 7]


def test_several_urls_have_several_checksums_and_sizes() -> None:
    """Checksums, sizes and mirrors of several URLs come in the same order, - for none."""
    row = one(
        url="m.index m.data",
        checksum=f"- {SHA256}",
        size="- 7",
        mirror="a/m.index a/m.data b/m.index b/m.data",
    )
    full = one(url="m.index m.data", size="5 7")

    assert row.urls == ("/zoo/m.index", "/zoo/m.data")
    assert row.checksums == (None, Checksum(algorithm="sha256", value=SHA256))
    assert (row.sizes, row.size) == ((None, 7), None)
    assert len(row.mirrors) == 4
    assert (full.sizes, full.size) == ((5, 7), 12)


@pytest.mark.parametrize(("length", "algorithm"), [(32, "md5"), (40, "sha1"), (64, "sha256"), (96, "sha384")])
def test_bare_checksums_are_told_by_their_length(length: int, algorithm: str) -> None:
    """Hex digits without a label are of the algorithm that has so many."""
    (checksum,) = one(checksum="A" * length).checksums

    assert checksum is not None
    assert (checksum.algorithm, checksum.value) == (algorithm, "a" * length)


URLS = {
    "https://example.org/a.tar.gz?x=1#y": "https://example.org/a.tar.gz?x=1#y",
    "HTTP://example.org": "HTTP://example.org",
    "https://me:pw@[::1]:8080/a": "https://me:pw@[::1]:8080/a",
    "https://例え.jp/模型": "https://例え.jp/模型",
    "file:///data/a.pb": "file:///data/a.pb",
    "s3://bucket/a": "s3://bucket/a",
    "gs://bucket/a": "gs://bucket/a",
    "hf://org/model/a": "hf://org/model/a",
    "zip://a.pb::https://example.org/a.zip": "zip://a.pb::https://example.org/a.zip",
    "/data/a.pb": "/data/a.pb",
    "a%20b/c%25.pb": "/zoo/a b/c%.pb",
    "C:/models/a.pb": "/zoo/C:/models/a.pb",
    "model:0.pb": "/zoo/model:0.pb",
    "-dash.pb": "/zoo/-dash.pb",
}


@pytest.mark.parametrize(("given", "url"), URLS.items())
def test_urls_and_paths_are_told_apart(given: str, url: str) -> None:
    """What has a protocol is a URL; all else is a path, percent-decoded, beside the manifest."""
    assert one(url=given).urls == (url,)


@pytest.mark.parametrize(
    "name",
    [
        "<script>alert(1)</script>",
        "{{ x }}",
        "a|b`c`",
        "../../etc",
        "模型",
        "con",
        "-x",
        "\u202eabc",
        "a" * 1000,
        "📦",
    ],
)
def test_hostile_names_get_safe_slugs(name: str) -> None:
    """A name may be anything that can be printed; its slug is a safe file name."""
    row = one(name=name)

    assert row.name == name
    assert row.slug == slug(name)
    assert set(row.slug) <= set("abcdefghijklmnopqrstuvwxyz0123456789._-")


BAD_CELLS = {
    "name empty": ({"name": " "}, "line 2: name: expected a value, found an empty cell"),
    "name with a control character": (
        {"name": "a\x1bb"},
        "line 2: name: expected no control characters, found U+001B in 'a\\x1bb'",
    ),
    "name with NUL": ({"name": "a\x00b"}, "expected no control characters, found U+0000"),
    "name with a line separator": ({"name": "a\u2028b"}, "expected no control characters, found U+2028"),
    "name of two lines": ({"name": "a\nb"}, "expected a name on one line, without tabs, found 'a\\nb'"),
    "name too long": ({"name": "a" * 1001}, "expected at most 1,000 characters, found 1,001"),
    "url empty": ({"url": ""}, "line 2: url: expected a value, found an empty cell"),
    "url without host": ({"url": "https:///a"}, "url: expected a URL with a host, found 'https:///a'"),
    "url with a bad port": ({"url": "http://h:99999/a"}, "url: expected a URL, found 'http://h:99999/a'"),
    "url with a bad address": ({"url": "http://[::1/a"}, "url: expected a URL, found 'http://[::1/a'"),
    "url of an unknown protocol": (
        {"url": "htps://h/a"},
        "or a protocol of fsspec, the nearest is https://, found 'htps://h/a'",
    ),
    "url twice": ({"url": "a a"}, "expected different URLs, found '/zoo/a' twice"),
    "mirrors of some URLs": (
        {"url": "a b", "mirror": "c"},
        "mirror: expected one mirror for each of the 2 URLs, found 1",
    ),
    "mirror of an unknown protocol": ({"mirror": "what://x"}, "mirror: expected http(s)://"),
    "checksum too short": (
        {"checksum": "ab12"},
        "checksum: expected 32, 40, 64 or 96 hex digits (md5, sha1, sha256, sha384), found 4, 'ab12'",
    ),
    "checksum of another length": (
        {"checksum": "sha256:ab12"},
        "expected 64 hex digits after sha256, found 4, 'ab12'",
    ),
    "checksum that is no hex": ({"checksum": "z" * 64}, "expected 64 hex digits after sha256, found 64"),
    "checksum of an unknown kind": ({"checksum": "sha265:" + SHA256}, "the nearest is sha256"),
    "checksums of some URLs": (
        {"url": "a b", "checksum": SHA256},
        "expected 2 checksums, one a URL, found 1",
    ),
    "size with a unit": (
        {"size": "10 MB"},
        "size: expected a whole number of bytes, digits only, found 'MB'",
    ),
    "size below zero": ({"size": "-5"}, "digits only, found '-5'"),
    "size with separators": ({"size": "1,024"}, "digits only, found '1,024'"),
    "sizes of some URLs": ({"url": "a b", "size": "5"}, "expected 2 sizes, one a URL, found 1"),
    "control input as input": ({"inputs": "^a"}, "inputs: expected tensor names such as input:0, found '^a'"),
    "tensor without node": ({"outputs": ":0"}, "outputs: expected tensor names such as input:0, found ':0'"),
    "tensor of output x": ({"outputs": "a:x"}, "expected tensor names such as input:0, found 'a:x'"),
    "tensor twice": ({"inputs": "a a:0"}, "expected different tensor names, found 'a:0' twice"),
    "weights": ({"weights": "averaged"}, "weights: expected raw or ema, found 'averaged'"),
    "expect": ({"expect": "ok"}, "expect: expected frozen, read or failed, found 'ok'"),
    "graph of an unknown protocol": ({"graph": "what://x"}, "graph: expected http(s)://"),
    "paper as a script": (
        {"paper": "javascript:alert(1)"},
        "paper: expected an http(s):// link or plain text",
    ),
    "source as a file": (
        {"source": "file:///etc/passwd"},
        "source: expected an http(s):// link or plain text",
    ),
    "source on another protocol": (
        {"source": "ftp://h/x"},
        "source: expected an http(s):// link or plain text",
    ),
    "description with a control character": (
        {"description": "a\x07"},
        "description: expected no control characters",
    ),
}


@pytest.mark.parametrize(("cells", "words"), BAD_CELLS.values(), ids=BAD_CELLS.keys())
def test_a_bad_cell_is_named(cells: dict[str, str], words: str) -> None:
    """A cell that cannot be used is an error with line, column, what was expected and what was found."""
    with pytest.raises(ManifestErrors) as caught:
        one(**cells)

    assert len(caught.value.problems) == 1
    assert words in str(caught.value)


BAD_FILES: dict[str, tuple[str | bytes, list[str]]] = {
    "nothing": ("", ["file: expected a header line with the columns name and url, found an empty file"]),
    "only empty lines": (
        "\n\n",
        ["file: expected a header line with the columns name and url, found an empty file"],
    ),
    "no header": (
        "a,b\nc,d\n",
        ["line 1: expected a header line with the columns name and url, found 'a,b'"],
    ),
    "no url": ("name,task\na,b\n", ["line 1: expected a column 'url', found name, task"]),
    "unknown column": (
        "name,url,chksum\n",
        ["line 1: expected a known column, the nearest is 'checksum', found column 'chksum'"],
    ),
    "column that is like none": (
        "name,url,qqq\n",
        [f"line 1: expected one of {', '.join(COLUMNS)}, found column 'qqq'"],
    ),
    "column without a name": (
        "name,url,\n",
        [f"line 1: expected one of {', '.join(COLUMNS)}, found column ''"],
    ),
    "column twice": ("name,url,url\n", ["line 1: url: expected each column once, found it twice"]),
    "too many cells": (
        "name,url\na,b,c\n",
        ["line 2: expected 2 cells, as in the header, found 3 (is a comma outside quotes?)"],
    ),
    "too few cells": (
        "name,url\na\n",
        ["line 2: expected 2 cells, as in the header, found 1 (is a comma outside quotes?)"],
    ),
    "name twice": (
        "name,url\na,x\nb,y\na,z\n",
        ["line 4: name: expected a name used once, found 'a', also on line 2"],
    ),
    "page twice": (
        "name,url\nLeNet,x\nlenet,y\n",
        [
            "line 3: name: expected a name with a page of its own, found 'lenet', which shares the page 'lenet' with 'LeNet' on line 2"
        ],
    ),
    "Latin-1": (
        "name,url\na,x\nmodèle,y\n".encode("latin-1"),
        ["line 3: expected UTF-8, found byte 0xe8, byte 4 of the line"],
    ),
    "UTF-16": (
        "name,url\n".encode("utf-16"),
        ["line 1: expected UTF-8, found UTF-16 (save the file as UTF-8)"],
    ),
    "quote that never ends": (
        'name,url\na,"x\nb,y\n',
        [
            'line 2: expected cells separated by commas, with "" for a quote inside a quoted cell, found a quoted cell that never ends'
        ],
    ),
    "text after a quote": (
        'name,url\na,"x"y\nb,z\n',
        [
            "line 2: expected cells separated by commas, with \"\" for a quote inside a quoted cell, found ',' expected after '\"'"
        ],
    ),
}


@pytest.mark.parametrize(("data", "found"), BAD_FILES.values(), ids=BAD_FILES.keys())
def test_a_bad_file_is_named(data: str | bytes, found: list[str]) -> None:
    """What keeps a file from being read as a table is said with its place."""
    assert problems(data) == found


def test_all_problems_come_at_once() -> None:
    """No bad row hides another one, and the good ones do not matter."""
    found = problems("name,url,sise,expect\na,x,,ok\n,,,\nb,,,\nc,x\nd,what://x,,maybe\na,y,,\n")

    assert [problem.split(": expected")[0] for problem in found] == [
        "line 1",
        "line 2: expect",
        "line 4: url",
        "line 5",
        "line 6: url",
        "line 6: expect",
        "line 7: name",
    ]


def test_many_problems_are_shown_in_part() -> None:
    """The message of a hopeless file stays readable; the list of problems is complete."""
    with pytest.raises(ManifestErrors) as caught:
        parse("name,url\n" + "a\n" * 1000)

    error = caught.value
    assert len(error.problems) == 1000
    assert str(error).startswith("/zoo/manifest.csv: 1,000 problems\n  line 2: expected 2 cells")
    assert str(error).endswith("and 950 more")
    assert len(str(error).splitlines()) == SHOWN_PROBLEMS + 2
    assert isinstance(error, ManifestError)
    assert pickle.loads(pickle.dumps(error)).problems == error.problems  # noqa: S301 (our own bytes)


def test_a_manifest_is_read_from_its_file(tmp_path: Path) -> None:
    """Paths are resolved beside the file; a file that is not there is an error that names it."""
    path = tmp_path / "manifest.csv"
    path.write_text("name,url\na,models/a.pb\n")

    assert read_manifest(path)[0].urls == (str(tmp_path / "models" / "a.pb"),)
    with pytest.raises(ManifestErrors, match=r"no\.csv: 1 problem\n  file: expected .* found no such file"):
        read_manifest(tmp_path / "no.csv")
    with pytest.raises(ManifestErrors, match="found is a directory"):
        read_manifest(tmp_path)


def test_a_hundred_thousand_rows_are_read_in_seconds() -> None:
    """Time grows with the rows: ten times as many take about ten times as long, not a hundred."""

    def seconds(count: int) -> float:
        lines = (f"Model {i},https://example.org/m{i}.tar.gz,{i:064x},{i},task" for i in range(count))
        data = "\n".join(["name,url,checksum,size,task", *lines]).encode()
        start = time.process_time()
        assert len(parse(data)) == count
        return time.process_time() - start

    assert seconds(20_000) < 25 * max(seconds(2_000), 0.02)


def test_rows_are_selected_by_name_slug_and_family() -> None:
    """A selection keeps the order of the manifest; what is not there is an error with what is like it."""
    rows = parse("name,url,family\nLe Net,a,small\nResNet,b,big\nVGG,c,big\n")

    def names(**chosen: list[str]) -> list[str]:
        return [row.name for row in select(rows, **chosen)]

    assert names() == ["Le Net", "ResNet", "VGG"]
    assert names(only=["VGG", rows[0].slug]) == ["Le Net", "VGG"]
    assert names(family=["big"]) == ["ResNet", "VGG"]
    assert names(family=["big"], only=["VGG", "Le Net"]) == ["VGG"]
    with pytest.raises(ManifestError, match="no model 'resnt' in the manifest, the nearest is 'resnet'"):
        names(only=["resnt"])
    with pytest.raises(
        ManifestError, match="no model 'q' in the manifest; no family 'bigg' in the manifest, the"
    ):
        names(only=["q"], family=["bigg"])


@given(st.binary(max_size=300))
def test_any_bytes_give_rows_or_our_error(data: bytes) -> None:
    """No input brings anything else out of the parser."""
    try:
        rows = parse(data)
    except ManifestErrors as error:
        assert error.problems  # noqa: PT017 (rows are as good an answer)
    else:
        assert all(row.name and row.urls and row.slug for row in rows)


cell = st.text(max_size=12) | st.sampled_from(["a", "http://h/a", "a b", SHA256, "7", "frozen", "raw", ""])


@given(
    st.lists(st.sampled_from(sorted(COLUMNS)), unique=True, max_size=8),
    st.lists(st.lists(cell, max_size=10), max_size=5),
)
def test_any_table_gives_rows_or_our_error(columns: list[str], lines: list[list[str]]) -> None:
    """Whatever the cells hold, rows have unique names and slugs and as many sizes as URLs."""
    out = io.StringIO()
    csv.writer(out).writerows([["name", "url", *columns], *lines])
    try:
        rows = parse(out.getvalue().encode("utf-8", "replace"))
    except ManifestErrors as error:
        assert str(error)  # noqa: PT017 (rows are as good an answer)
    else:
        assert len({row.name for row in rows}) == len({row.slug for row in rows}) == len(rows)
        assert all(len(row.sizes) in (0, len(row.urls)) for row in rows)
