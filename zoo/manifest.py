"""The manifest: a CSV file with one model a row, parsed once into `Row` records.

A bad row never hides another: all problems of a file are raised together, each with its line, its
column, what was expected and what was found.

A cell that takes several values (``url``, ``mirror``, ``checksum``, ``size``) separates them by
blanks.  A blank inside a relative path is written ``%20``, as in a URL.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast, get_args
from urllib.parse import unquote, urlsplit

from zoo.errors import ManifestError
from zoo.fetching.stream import redact
from zoo.names import nearest, slug
from zoo.records import Checksum, Row, Status, Weights

COLUMNS: Mapping[str, str] = {
    "name": "what the model is called; unique",
    "url": "one URL or relative path, or several separated by blanks that make up one model",
    "mirror": "tried in order when the first source fails; with several URLs, one full set after the other",
    "checksum": "sha256:…, sha384:…, sha1:…, md5:… or bare hex; with several URLs one each, - for none",
    "size": "bytes; with several URLs one each, - for none",
    "member": "which model inside an archive that holds several: a path or prefix",
    "member_checksum": "of the file that member names, unpacked: as in checksum",
    "inputs": "tensor names that override detection, separated by blanks or commas",
    "outputs": "tensor names that override detection, separated by blanks or commas",
    "documented_inputs": "tensor names that the model's makers give; the page tells where ours differ",
    "documented_outputs": "tensor names that the model's makers give; the page tells where ours differ",
    "graph": "URL or member of the graph for a weights-only checkpoint",
    "weights": "raw (default) or ema: which values to freeze where moving averages are stored",
    "task": "what the model does",
    "family": "what it is a variant of",
    "license": "its license",
    "paper": "link to, or name of, the paper",
    "source": "link to, or name of, where it comes from",
    "description": "free text",
    "expect": "frozen, read or failed: how the row should end (default: not failed)",
}
"""Every column of a manifest, in the order of the docs, and what it holds."""

REQUIRED = ("name", "url")
NAME_LENGTH = 1000
SHOWN_PROBLEMS = 50

_DIGEST_LENGTHS = {32: "md5", 40: "sha1", 64: "sha256", 96: "sha384"}
_LENGTHS = {algorithm: length for length, algorithm in _DIGEST_LENGTHS.items()}
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):(?=//|:)|([A-Za-z][A-Za-z0-9+.-]+)::")
_SCRIPT_SCHEME = re.compile(r"\s*(?:javascript|vbscript|data|file)\s*:", re.IGNORECASE)
_PLAIN_URL = re.compile(r"https?://[A-Za-z0-9][A-Za-z0-9.-]*(?::[1-9][0-9]{0,3})?(?:/|$)")
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029]")
_HEX = re.compile(r"[0-9a-fA-F]+")
_DIGITS = re.compile(r"[0-9]{1,18}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Problem:
    """One thing that keeps a manifest from being used."""

    line: int
    """Line in the file, from 1; 0 for the file as a whole."""
    column: str | None
    """Name of the column, None for the row as a whole."""
    expected: str
    found: str

    def __str__(self) -> str:
        where = f"line {self.line}" if self.line else "file"
        if self.column is not None:
            where += f": {self.column}"
        return f"{where}: expected {self.expected}, found {self.found}"


class ManifestErrors(ManifestError):  # noqa: N818 (several errors in one)
    """A manifest cannot be used; ``problems`` holds every reason, in the order of the file."""

    def __init__(self, path: Path | str, problems: Sequence[Problem]) -> None:
        self.path = str(path)
        self.problems = tuple(problems)
        lines = [str(problem) for problem in self.problems[:SHOWN_PROBLEMS]]
        if len(self.problems) > SHOWN_PROBLEMS:
            lines.append(f"and {len(self.problems) - SHOWN_PROBLEMS:,} more")
        count = f"{len(self.problems):,} problem{'s' if len(self.problems) > 1 else ''}"
        super().__init__("\n  ".join([f"{self.path}: {count}", *lines]))

    def __reduce__(self) -> tuple[object, ...]:
        return (ManifestErrors, (self.path, self.problems))


class _Bad(Exception):  # noqa: N818 (it never leaves this module)
    """A cell that does not parse: what was expected and what was found."""

    def __init__(self, expected: str, found: str) -> None:
        super().__init__(expected, found)
        self.expected = expected
        self.found = found


def read_manifest(path: Path) -> tuple[Row, ...]:
    """The rows of a manifest, in order; relative paths are resolved against its folder.

    The file is UTF-8 (a byte order mark is fine) with any line ends; empty lines are skipped.

    Raises:
        ManifestErrors: the file or any row of it cannot be used; holds every reason.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise ManifestErrors(path, [_whole("a manifest that can be read", reason)]) from error
    return parse_manifest(data, path)


def parse_manifest(data: bytes, path: Path) -> tuple[Row, ...]:
    """The rows in the bytes of a manifest that stands, or would stand, at ``path``.

    Raises:
        ManifestErrors: see `read_manifest`.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        start = error.start + (3 if data.startswith(b"\xef\xbb\xbf") else 0)
        line = data.count(b"\n", 0, start) + 1
        position = start - data.rfind(b"\n", 0, start)
        found = f"byte 0x{data[start]:02x}, byte {position} of the line"
        if data.startswith((b"\xff\xfe", b"\xfe\xff")):
            found = "UTF-16 (save the file as UTF-8)"
        raise ManifestErrors(path, [_problem(line, None, "UTF-8", found)]) from error

    problems: list[Problem] = []
    records = _records(text, problems)
    header = next(records, None)
    if header is None:
        expected = "a header line with the columns name and url"
        raise ManifestErrors(path, problems or [_whole(expected, "an empty file")])
    columns = _columns(*header, problems)
    if columns is None:
        raise ManifestErrors(path, problems)

    folder = path.absolute().parent
    plan = [
        (columns.index(column), column, _FIELDS.get(column, column), parser)
        for column, parser in _PARSERS.items()  # name and url first: others count the URLs
        if column in columns
    ]
    rows: list[Row] = []
    names: dict[str, int] = {}
    slugs: dict[str, tuple[int, str]] = {}
    for line, cells in records:
        row = _row(line, cells, len(columns), plan, folder, problems)
        if row is None or not (name := row.name):
            continue
        if (first := names.setdefault(name, line)) != line:
            problems.append(_problem(line, "name", "a name used once", f"{name!r}, also on line {first}"))
            continue
        taken, other = slugs.setdefault(row.slug, (line, name))
        if taken != line:
            found = f"{name!r}, which shares the page {row.slug!r} with {other!r} on line {taken}"
            problems.append(_problem(line, "name", "a name with a page of its own", found))
        rows.append(row)
    if problems:
        raise ManifestErrors(path, problems)
    return tuple(rows)


def select(
    rows: Sequence[Row], *, only: Sequence[str] = (), family: Sequence[str] | str | None = None
) -> tuple[Row, ...]:
    """The rows named in ``only`` (a name or slug each) and of one of the families, in manifest order.

    An empty ``only`` and no family choose every row.

    Raises:
        ManifestError: a name or family is not in the manifest; says which ones are like it.
    """
    families = [family] if isinstance(family, str) else list(family or ())
    known = {key: row.line for row in rows for key in (row.slug, row.name)}
    missing = [_missing("model", name, known) for name in only if name not in known]
    known_families = {row.family for row in rows if row.family}
    missing += [_missing("family", name, known_families) for name in families if name not in known_families]
    if missing:
        raise ManifestError("; ".join(missing))
    lines = {known[name] for name in only}
    return tuple(
        row for row in rows if (not only or row.line in lines) and (not families or row.family in families)
    )


def _missing(kind: str, name: str, known: Mapping[str, int] | set[str]) -> str:
    close = nearest(name, known)
    instead = f", the nearest is {' or '.join(map(repr, close))}" if close else ""
    return f"no {kind} {name!r} in the manifest{instead}"


def _problem(line: int, column: str | None, expected: str, found: str) -> Problem:
    return Problem(line=line, column=column, expected=expected, found=found)


def _whole(expected: str, found: str) -> Problem:
    return _problem(0, None, expected, found)


def _shown(text: str) -> str:
    """``text`` quoted, cut to a length that fits a line."""
    return repr(text if len(text) <= 100 else f"{text[:80]}…{text[-16:]}")


def _records(text: str, problems: list[Problem]) -> Iterator[tuple[int, list[str]]]:
    """Line number and cells of each record that is not empty; what is no CSV is noted and skipped."""
    # csv takes lines that end in \r, \n or both; splitlines() would also split at form feeds.
    reader = csv.reader(_lines(text), strict=True)
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            found = "a quoted cell that never ends" if "end of data" in str(error) else str(error)
            expected = 'cells separated by commas, with "" for a quote inside a quoted cell'
            problems.append(_problem(line, None, expected, found))
            continue
        if any(cell.strip() for cell in cells):
            yield line, cells


def _lines(text: str) -> Iterator[str]:
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    start = 0
    while start < len(text):
        end = text.find("\n", start) + 1 or len(text)
        yield text[start:end]
        start = end


def _columns(line: int, cells: Sequence[str], problems: list[Problem]) -> list[str] | None:
    """The column names of the header, or None when the rows cannot be read with it."""
    columns = [cell.strip().lower() for cell in cells]
    if "name" not in columns and "url" not in columns:
        found = _shown(",".join(cells))
        problems.append(_problem(line, None, "a header line with the columns name and url", found))
        return None
    usable = True
    for i, column in enumerate(columns):
        if column not in COLUMNS:
            close = nearest(column, COLUMNS, count=1)
            known = (
                f"a known column, the nearest is {close[0]!r}" if close else f"one of {', '.join(COLUMNS)}"
            )
            problems.append(_problem(line, None, known, f"column {_shown(column)}"))
        elif column in columns[:i]:
            problems.append(_problem(line, column, "each column once", "it twice"))
            usable = False
    for column in REQUIRED:
        if column not in columns:
            problems.append(_problem(line, None, f"a column {column!r}", ", ".join(columns)[:200]))
            usable = False
    return columns if usable else None


_Plan = Sequence[tuple[int, str, str, Callable[[str, Path, int], Any]]]
"""For each known column: its place in a line, its name, the field of a row, and how it is parsed."""


def _row(
    line: int, cells: Sequence[str], count: int, plan: _Plan, folder: Path, problems: list[Problem]
) -> Row | None:
    """The record of one line; problems are noted, and then the record is good for its name only."""
    if len(cells) > count and not any(cell.strip() for cell in cells[count:]):
        cells = cells[:count]  # spreadsheets pad lines with empty cells
    if len(cells) != count:
        expected = f"{count} cells, as in the header"
        problems.append(_problem(line, None, expected, f"{len(cells)} (is a comma outside quotes?)"))
        return None
    given: dict[str, str] = {}
    parsed: dict[str, Any] = {"name": "", "slug": "", "urls": ()}
    for i, column, field, parser in plan:
        cell = cells[i].strip()
        if not cell:
            if column in REQUIRED:
                problems.append(_problem(line, column, "a value", "an empty cell"))
            continue
        given[column] = cells[i]
        try:
            if not cell.isprintable() and (control := _CONTROL.search(cell)):
                raise _Bad("no control characters", f"U+{ord(control.group()):04X} in {_shown(cell)}")
            parsed[field] = parser(cell, folder, len(parsed["urls"]))
        except _Bad as bad:
            problems.append(_problem(line, column, bad.expected, bad.found))
    if parsed["name"]:
        parsed["slug"] = slug(parsed["name"])
    sizes = parsed.get("sizes", ())
    size = sum(sizes) if sizes and None not in sizes else None
    return Row(line=line, given=given, size=size, **parsed)


_FIELDS = {"url": "urls", "mirror": "mirrors", "checksum": "checksums", "size": "sizes"}


def _name(cell: str, folder: Path, count: int) -> str:
    if len(cell) > NAME_LENGTH:
        raise _Bad(f"at most {NAME_LENGTH:,} characters", f"{len(cell):,}")
    if "\n" in cell or "\t" in cell:
        raise _Bad("a name on one line, without tabs", _shown(cell))
    return cell


def _urls(cell: str, folder: Path, count: int) -> tuple[str, ...]:
    urls = tuple([_url(text, folder) for text in cell.split()])
    if len(urls) == 1:
        return urls
    for i, url in enumerate(urls):
        if url in urls[:i]:
            raise _Bad("different URLs", f"{_shown(url)} twice")
    return urls


def _url(text: str, folder: Path) -> str:
    if _PLAIN_URL.match(text):
        return text
    scheme = _SCHEME.match(text)
    if scheme is None:
        if "\x00" in (path := unquote(text)):
            raise _Bad("a path", _shown(text))
        return str(folder / path)
    name = (scheme.group(1) or scheme.group(2)).lower()
    if name in ("http", "https"):
        try:
            parts = urlsplit(text)
            port_is_fine = parts.port is None or parts.port > 0
        except ValueError as error:
            raise _Bad("a URL", f"{_shown(text)} ({error})") from error
        if not parts.hostname or not port_is_fine:
            raise _Bad("a URL with a host", _shown(text))
    elif name not in (protocols := _protocols()):
        close = nearest(name, ["https", *protocols], count=1)
        like = f", the nearest is {close[0]}://" if close else ""
        raise _Bad(f"http(s)://, file://, a relative path or a protocol of fsspec{like}", _shown(text))
    return text


def _protocols() -> list[str]:
    from fsspec.registry import known_implementations  # 0.1 s that a list of http URLs does not need

    return list(known_implementations)


def _mirrors(cell: str, folder: Path, count: int) -> tuple[str, ...]:
    mirrors = tuple(_url(text, folder) for text in cell.split())
    if count > 1 and len(mirrors) % count:
        raise _Bad(f"one mirror for each of the {count} URLs", f"{len(mirrors)}")
    return mirrors


def _checksums(cell: str, folder: Path, count: int) -> tuple[Checksum | None, ...]:
    checksums = tuple(_checksum(text) for text in cell.replace(",", " ").split())
    if count and len(checksums) != count:
        raise _Bad(f"{count} checksum{'s' if count > 1 else ''}, one a URL", f"{len(checksums)}")
    return checksums


def _one_checksum(cell: str, folder: Path, count: int) -> Checksum | None:
    return _checksum(cell)


def _checksum(text: str) -> Checksum | None:
    if text == "-":
        return None
    label, colon, value = text.rpartition(":")
    algorithm = label.lower().replace("-", "")
    if colon and algorithm not in _LENGTHS:
        close = nearest(algorithm, _LENGTHS, count=1)
        like = f", the nearest is {close[0]}" if close else ""
        raise _Bad(f"sha256:…, sha384:…, sha1:… or md5:…{like}", _shown(text))
    if not colon and len(value) not in _DIGEST_LENGTHS:
        lengths = "32, 40, 64 or 96 hex digits (md5, sha1, sha256, sha384)"
        raise _Bad(lengths, f"{len(value)}, {_shown(value)}")
    algorithm = algorithm or _DIGEST_LENGTHS[len(value)]
    if not _HEX.fullmatch(value) or len(value) != _LENGTHS[algorithm]:
        raise _Bad(f"{_LENGTHS[algorithm]} hex digits after {algorithm}", f"{len(value)}, {_shown(value)}")
    return Checksum(
        algorithm=cast("Literal['md5', 'sha1', 'sha256', 'sha384']", algorithm), value=value.lower()
    )


def _sizes(cell: str, folder: Path, count: int) -> tuple[int | None, ...]:
    texts = cell.split()
    for text in texts:
        if text != "-" and not _DIGITS.fullmatch(text):
            raise _Bad("a whole number of bytes, digits only", _shown(text))
    if count and len(texts) != count:
        raise _Bad(f"{count} size{'s' if count > 1 else ''}, one a URL", f"{len(texts)}")
    return tuple(None if text == "-" else int(text) for text in texts)


def _tensors(cell: str, folder: Path, count: int) -> tuple[str, ...]:
    names: list[str] = []
    for text in cell.replace(",", " ").split():
        name, colon, index = text.rpartition(":")
        if not colon:
            name, index = text, "0"
        if text.startswith("^") or not name or not (index.isascii() and index.isdigit()):
            raise _Bad("tensor names such as input:0", _shown(text))
        tensor = f"{name}:{int(index[:9])}"
        if tensor in names:
            raise _Bad("different tensor names", f"{_shown(tensor)} twice")
        names.append(tensor)
    return tuple(names)


def _graph(cell: str, folder: Path, count: int) -> str:
    # A path beside the manifest, or else a member of the archive.
    return _url(cell, folder) if _SCHEME.match(cell) or (folder / cell).is_file() else cell


def _weights(cell: str, folder: Path, count: int) -> Weights:
    if cell.lower() not in get_args(Weights):
        raise _Bad("raw or ema", _shown(cell))
    return cast("Weights", cell.lower())


def _expect(cell: str, folder: Path, count: int) -> Status:
    if cell.lower() not in [*Status]:
        raise _Bad("frozen, read or failed", _shown(cell))
    return Status(cell.lower())


def _link(cell: str, folder: Path, count: int) -> str:
    if _SCRIPT_SCHEME.match(cell) or (
        "://" in cell and not re.match(r"https?://[^/\s]", cell, re.IGNORECASE)
    ):
        raise _Bad("an http(s):// link or plain text", _shown(cell))
    return cell


def _text(cell: str, folder: Path, count: int) -> str:
    return cell


_PARSERS: Mapping[str, Callable[[str, Path, int], Any]] = {
    "name": _name,
    "url": _urls,
    "mirror": _mirrors,
    "checksum": _checksums,
    "size": _sizes,
    "member": _text,
    "member_checksum": _one_checksum,
    "inputs": _tensors,
    "outputs": _tensors,
    "documented_inputs": _tensors,
    "documented_outputs": _tensors,
    "graph": _graph,
    "weights": _weights,
    "task": _text,
    "family": _text,
    "license": _text,
    "paper": _link,
    "source": _link,
    "description": _text,
    "expect": _expect,
}


def told(row: Row) -> dict[str, str | int]:
    """What an outcome says of its row; secrets in URLs struck out."""
    return {"line": row.line, **{column: redact(cell) for column, cell in row.given.items()}}


def as_expected(row: Row, status: Status) -> bool:
    """Whether a row ended as the manifest expects; without a word of it: not failed."""
    return status is row.expect if row.expect is not None else status is not Status.FAILED
