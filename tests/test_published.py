"""What a manifest publishes of a model is held against the model."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from zoo.errors import UnpackError
from zoo.manifest import parse_manifest
from zoo.model import Endpoints
from zoo.pipeline import Options, process
from zoo.published import check_member, differences
from zoo.records import Checksum, Endpoint, Outcome, Row, Status
from zoo.trace import Trace

SAMPLES = Path(__file__).resolve().parent.parent / "samples" / "models"


def row(**cells: object) -> Row:
    return Row(line=2, name="model", slug="model", urls=("model.tar.gz",), **cells)  # type: ignore[arg-type]


def endpoint(name: str, role: str | None = None, folded: bool | None = None) -> Endpoint:
    return Endpoint(
        name=name, dtype="float32", shape=(None,), role=role, folded=folded, confidence=1.0, reason="a test"
    )


def sha1(data: bytes) -> Checksum:
    return Checksum(algorithm="sha1", value=hashlib.sha1(data, usedforsecurity=False).hexdigest())


def refusal(checked: Row, folder: Path) -> str | None:
    """Why the member of a row is refused; None if it passes."""
    try:
        check_member(checked, folder)
    except UnpackError as error:
        return str(error)
    return None


def test_a_member_with_its_published_checksum_passes(tmp_path: Path) -> None:
    """The file that member names is read and its digest agrees."""
    (tmp_path / "net").mkdir()
    (tmp_path / "net" / "frozen.pb").write_bytes(b"graph")

    assert refusal(row(member="net/frozen.pb", member_checksum=sha1(b"graph")), tmp_path) is None


def test_a_member_with_another_checksum_is_named(tmp_path: Path) -> None:
    """A flipped byte in the member is an UnpackError that names it."""
    (tmp_path / "frozen.pb").write_bytes(b"grapf")

    with pytest.raises(UnpackError, match=r"member 'frozen\.pb': expected sha1 [0-9a-f]{40}, found"):
        check_member(row(member="frozen.pb", member_checksum=sha1(b"graph")), tmp_path)


@pytest.mark.parametrize("member", ["../outside.pb", "absent.pb", None], ids=["outside", "absent", "none"])
def test_no_file_outside_the_archive_is_read(member: str | None, tmp_path: Path) -> None:
    """A member that leads out of the folder, or to nothing, is left to the choice of the model."""
    (tmp_path / "outside.pb").write_bytes(b"secret")
    (tmp_path / "root").mkdir()

    assert refusal(row(member=member, member_checksum=sha1(b"graph")), tmp_path / "root") is None


def test_names_that_agree_are_not_mentioned() -> None:
    """Documented names in another order, beside a folded feed, are no difference."""
    ends = Endpoints(
        inputs=(endpoint("image:0", "data"), endpoint("is_training:0", "training_flag", folded=False)),
        outputs=(endpoint("boxes:0"), endpoint("scores:0")),
    )
    documented = row(documented_inputs=("image:0",), documented_outputs=("scores:0", "boxes:0"))

    assert differences(documented, ends) == ()
    assert differences(row(), ends) == ()


def test_names_that_differ_are_told_with_both_sides() -> None:
    """The sentence gives what is documented and what was found."""
    ends = Endpoints(inputs=(endpoint("batch:0", "data"),), outputs=())

    assert differences(row(documented_inputs=("input:0",), documented_outputs=("prob:0",)), ends) == (
        "the documented inputs are input:0; found here: batch:0",
        "the documented outputs are prob:0; found here: none",
    )


def outcome(cells: str, folder: Path) -> Outcome:
    """What becomes of a sample with these columns and cells, separated by ``=``."""
    columns, values = zip(*(cell.split("=", 1) for cell in cells.split("; ")), strict=True)
    text = f"name,url,{','.join(columns)}\nmodel,iris-frozen.pb,{','.join(values)}\n"
    (row,) = parse_manifest(text.encode(), SAMPLES / "manifest.csv")
    (folder / "out").mkdir()
    options = Options(cache=folder / "cache", work=folder / "work")
    return process(row, folder / "out", options=options, trace=Trace())


def test_an_outcome_tells_where_documentation_differs(tmp_path: Path) -> None:
    """The model freezes with what was found, and a warning gives both names."""
    told = outcome("documented_inputs=features; documented_outputs=softmax:0", tmp_path)

    assert told.status is Status.FROZEN
    assert told.warnings == ("the documented outputs are softmax:0; found here: probabilities:0",)


def test_an_outcome_fails_when_the_member_is_another_file(tmp_path: Path) -> None:
    """A member with a published checksum that it has not is not read."""
    told = outcome(f"member=iris-frozen.pb; member_checksum=md5:{'0' * 32}", tmp_path)

    assert told.failure is not None
    assert (told.failure.stage, told.failure.kind) == ("unpack", "UnpackError")
    assert told.format is None
