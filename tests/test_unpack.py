"""Unpacking every kind of archive, strange names, and every cut and flipped byte."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import stat
import struct
import tarfile
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.archives import (
    CUT,
    DATA,
    FILES,
    INDEX,
    PACKED,
    contents,
    fetched,
    member,
    random_numbers,
    tar,
    tar_of,
    unpacked,
    zip_member,
    zip_of,
)
from zoo.errors import UnpackError, ZooError
from zoo.unpack import Limits, unpack


@pytest.mark.parametrize("pack", PACKED.values(), ids=PACKED.keys())
def test_archives_are_told_by_content(pack: Callable[[], bytes], tmp_path: Path) -> None:
    """Every kind of archive gives its files, whatever its name says."""
    found = unpacked(pack(), tmp_path, "weights.bin")

    assert contents(found.root) == FILES
    assert found.root == tmp_path / "out"
    assert found.files == 3
    assert found.bytes >= sum(map(len, FILES.values()))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["download", "out"]


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress, zstandard.compress])
def test_a_compressed_file_is_inflated(pack: Callable[[bytes], bytes], tmp_path: Path) -> None:
    """A single compressed file loses the ending of its name."""
    ending = {"gzip": "gz", "bz2": "bz2", "lzma": "xz"}.get(pack.__module__, "zst")

    found = unpacked(pack(DATA), tmp_path, f"frozen.pb.{ending}")

    assert contents(found.root) == {"frozen.pb": DATA}


def test_single_files_make_one_folder(tmp_path: Path) -> None:
    """Files that are no archives keep their names, and lie side by side."""
    names = [".index", ".data-00000-of-00001", "-model.meta"]
    for name in names:
        (tmp_path / name).write_bytes(name.encode() * 100)

    found = unpack([fetched(tmp_path / name) for name in names], tmp_path / "out", limits=Limits())

    assert contents(found.root) == {name: name.encode() * 100 for name in sorted(names)}
    assert (found.files, found.notes) == (3, ())


def test_a_name_of_two_sources_is_kept_apart(tmp_path: Path) -> None:
    """What two sources both hold is in two folders, and a note says so."""
    (tmp_path / "a.tar").write_bytes(tar({"README": b"one", "m.index": INDEX}))
    (tmp_path / "b.zip").write_bytes(zip_of([("README", b"two"), ("m.data", DATA)]))

    found = unpack(
        [fetched(tmp_path / "a.tar"), fetched(tmp_path / "b.zip")], tmp_path / "out", limits=Limits()
    )

    expected = {"README": b"one", "m.data": DATA, "m.index": INDEX, "source-2/README": b"two"}
    assert contents(found.root) == expected
    assert found.notes == ("'README' is in more than one source: that of 'b.zip' is in 'source-2/'",)


def test_the_folder_is_replaced_as_a_whole(tmp_path: Path) -> None:
    """A folder of a former run is gone after a good run, and untouched by a bad one."""
    unpacked(tar({"old": b"old"}), tmp_path)
    with pytest.raises(UnpackError):
        unpacked(tar({"new": DATA})[:3000], tmp_path)
    assert contents(tmp_path / "out") == {"old": b"old"}

    unpacked(tar({"new": b"new"}), tmp_path)

    assert contents(tmp_path / "out") == {"new": b"new"}


def test_an_uncompressed_tar_called_tar_gz_is_noted(tmp_path: Path) -> None:
    """The wrong name of an archive does not matter, and is told."""
    assert unpacked(tar(), tmp_path, "hey.tar.gz").notes == (
        "'hey.tar.gz' is an uncompressed tar archive, whatever its name says",
    )


def test_a_keras_file_stays_whole(tmp_path: Path) -> None:
    """A .keras file is a zip and a model: it is not taken apart."""
    keras = zip_of([("metadata.json", b"{}"), ("config.json", b"{}"), ("model.weights.h5", b"x")])

    assert contents(unpacked(keras, tmp_path, "m.keras").root) == {"m.keras": keras}
    assert contents(unpacked(tar({"a/m.keras": keras}), tmp_path).root) == {"a/m.keras": keras}


def test_inner_archives_are_unpacked_once(tmp_path: Path) -> None:
    """An archive two levels down, or beside other files, stays as it is."""
    inner = tar({"f": b"x"})
    deep = tar({"b.tar": tar({"c.tar": inner})})
    beside = tar({"a.tar": inner, "readme": b"x"})

    assert list(contents(unpacked(deep, tmp_path).root)) == ["c.tar"]
    assert list(contents(unpacked(beside, tmp_path).root)) == ["a.tar", "readme"]


def test_files_of_macos_are_left_out(tmp_path: Path) -> None:
    """AppleDouble files and __MACOSX never look like models, and a note counts them."""
    files = {
        "m/._m.meta": b"x",
        "__MACOSX/m/._m.meta": b"x",
        "m/.DS_Store": b"x",
        "m/Icon\r": b"",
        "m/m.meta": b"y",
    }

    found = unpacked(tar(files), tmp_path)

    assert contents(found.root) == {"m/m.meta": b"y"}
    assert found.notes == ("left out 4 files of macOS's own (._*, __MACOSX, .DS_Store)",)


NAMES = {
    "a Windows path": ("..\\..\\Data_sets\\MNIST_data/f", "..%5C..%5CData_sets%5CMNIST_data/f"),
    "a Windows drive": ("C:\\f", "C:%5Cf"),
    "a leading dash": ("-hey-auto.pb", "-hey-auto.pb"),
    "Chinese with blanks": ("5. MNIST最佳实践/模型", "5. MNIST最佳实践/模型"),
    "dots": (".../f..", ".../f.."),
    "single dots": ("./a/./f", "a/f"),
    "double slashes": ("a//f", "a/f"),
    "a hidden prefix": (".meta", ".meta"),
    "markup": ("<script>|`{{x}}", "<script>|`{{x}}"),
    "long": ("d" * 200 + "/" + "f" * 200, "d" * 200 + "/" + "f" * 200),
    "right to left": ("\u202egnp.exe", "\u202egnp.exe"),
}


@pytest.mark.parametrize(("name", "path"), NAMES.values(), ids=NAMES.keys())
@pytest.mark.parametrize("kind", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT], ids=["pax", "GNU"])
def test_strange_names_are_survived(name: str, path: str, kind: int, tmp_path: Path) -> None:
    """A name that is strange and does no harm is kept, backslashes percent-escaped."""
    assert contents(unpacked(tar({name: DATA}, kind=kind), tmp_path).root) == {path: DATA}


def test_a_name_that_is_no_utf8_is_escaped(tmp_path: Path) -> None:
    """Bytes of another encoding are kept as %XX."""
    packed = tar_of([(member("mod\udce8le", size=1), b"x")], kind=tarfile.GNU_FORMAT)

    found = unpacked(packed, tmp_path)

    assert contents(found.root) == {"mod%E8le": b"x"}


def test_zip_names_are_decoded_as_their_writers_meant(tmp_path: Path) -> None:
    """Names are UTF-8 with or without the flag, else of the old code page; DOS programs write backslashes."""
    utf8 = zip_of([("模型/f", b"x")]).replace(b"\x00\x08\x08\x00", b"\x00\x00\x08\x00")
    dos = zip_of([(zip_member("model\\sub\\f", host=0), b"x")])
    old = zip_of([("mod_le", b"x")]).replace(b"mod_le", b"mod\x8ale")

    assert list(contents(unpacked(utf8, tmp_path).root)) == ["模型/f"]
    assert list(contents(unpacked(dos, tmp_path).root)) == ["model/sub/f"]
    assert list(contents(unpacked(old, tmp_path).root)) == ["modèle"]


def test_links_become_the_files_they_lead_to(tmp_path: Path) -> None:
    """Links inside the archive are files afterwards, also links to links; others are left out and noted."""
    packed = tar_of(
        [
            (member("m/first", tarfile.SYMTYPE, "second"), b""),
            (member("m/second", tarfile.SYMTYPE, "../d/./f"), b""),
            (member("d/f", size=4), b"data"),
            (member("hard", tarfile.LNKTYPE, "d/f"), b""),
            (member("folder", tarfile.SYMTYPE, "d"), b""),
            (member("dangling", tarfile.SYMTYPE, "nowhere"), b""),
        ]
    )

    found = unpacked(packed, tmp_path)

    assert contents(found.root) == dict.fromkeys(["d/f", "hard", "m/first", "m/second"], b"data")
    assert not [path for path in found.root.rglob("*") if path.is_symlink()]
    assert found.notes == (
        "left out the link 'folder': it leads to a folder",
        "left out the link 'dangling': it leads to nothing in the archive",
    )


def test_zip_backslashes_of_unix_are_part_of_the_name(tmp_path: Path) -> None:
    r"""A folder literally called ..\..\Data, zipped on Unix, is kept under an escaped name."""
    packed = zip_of([(zip_member("..\\..\\Data/f"), b"x")])

    found = unpacked(packed, tmp_path)

    assert contents(found.root) == {"..%5C..%5CData/f": b"x"}
    assert found.notes == (r"the name '..\\..\\Data' is kept as '..%5C..%5CData'",)


def test_zip_links_become_files(tmp_path: Path) -> None:
    """A symbolic link in a zip becomes the file it leads to."""
    packed = zip_of([(zip_member("s", mode=stat.S_IFLNK | 0o777), b"f"), ("f", b"data")])

    assert contents(unpacked(packed, tmp_path).root) == {"f": b"data", "s": b"data"}


def test_a_zip_of_the_large_form_is_read(tmp_path: Path) -> None:
    """Sizes and counts in 64 bits are read, also behind other bytes."""
    out = io.BytesIO()
    with (
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("f", "w", force_zip64=True) as f,
    ):
        f.write(DATA)
    plain = out.getvalue()
    end = plain.rindex(b"PK\x05\x06")
    directory = plain.index(b"PK\x01\x02")
    record = struct.pack("<4sQ2H2L4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, 1, 1, end - directory, directory)
    locator = struct.pack("<4sLQL", b"PK\x06\x07", 0, end, 1)
    large = (
        plain[:end]
        + record
        + locator
        + struct.pack("<4s4H2LH", b"PK\x05\x06", *[0xFFFF] * 4, *[0xFFFFFFFF] * 2, 0)
    )

    assert contents(unpacked(large, tmp_path).root) == {"f": DATA}


FOREIGN = {
    "7z": (b"7z\xbc\xaf\x27\x1c" + DATA, "a 7z archive"),
    "rar": (b"Rar!\x1a\x07\x01\x00" + DATA, "a RAR archive"),
    "cab": (b"MSCF\x00\x00\x00\x00" + DATA, "a Windows cabinet archive"),
    "lz4": (b"\x04\x22\x4d\x18" + DATA, "LZ4 data"),
}


@pytest.mark.parametrize(("data", "words"), FOREIGN.values(), ids=FOREIGN.keys())
def test_archives_of_other_kinds_are_named(data: bytes, words: str, tmp_path: Path) -> None:
    """An archive that cannot be unpacked is named as what it is, with what to do."""
    with pytest.raises(UnpackError, match=f"m.rar: {words}, expected tar, zip") as caught:
        unpacked(data, tmp_path, "m.rar")

    assert "unpack it yourself" in (caught.value.hint or "")


@pytest.mark.parametrize("pack", CUT.values(), ids=CUT.keys())
def test_a_truncated_archive_is_never_taken_for_whole(pack: Callable[[], bytes], tmp_path: Path) -> None:
    """Cut anywhere, an archive is an error; where only padding is gone, its files are all there."""
    data = pack()
    whole = contents(unpacked(data, tmp_path).root)
    header = 40  # what is left of less has no kind any more, and is a file like any other

    for keep in sorted({*range(header, len(data), 31), *range(max(header, len(data) - 30), len(data))}):
        try:
            found = contents(unpacked(data[:keep], tmp_path, "m").root)
        except UnpackError:
            continue
        assert found in (whole, {"m": data[:keep]}), f"cut to {keep} of {len(data)}"
        assert found == whole or keep < 512, f"cut to {keep} of {len(data)}"


@pytest.mark.parametrize("pack", CUT.values(), ids=CUT.keys())
def test_a_flipped_bit_never_changes_a_file(pack: Callable[[], bytes], tmp_path: Path) -> None:
    """With one bit flipped an archive is an error, or every byte that comes out is right.

    A plain tar has no checksum over its data, only one over each header.
    """
    data = pack()
    plain = data == CUT["tar"]()
    whole = contents(unpacked(data, tmp_path).root)
    right = set(whole.values())
    picks = random_numbers(3)

    for _ in range(60):
        position, bit = picks.randrange(len(data)), picks.randrange(8)
        flipped = bytearray(data)
        flipped[position] ^= 1 << bit
        try:
            found = contents(unpacked(bytes(flipped), tmp_path, "m").root)
        except UnpackError:
            continue
        came_whole = found == {"m": bytes(flipped)}  # its first bytes say no kind any more
        assert came_whole or plain or set(found.values()) <= right, f"bit {bit} of byte {position}"


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    kind=st.sampled_from(sorted(CUT)),
    edits=st.lists(st.tuples(st.integers(0, 1 << 16), st.binary(min_size=1, max_size=40)), max_size=4),
    cut=st.integers(0, 1 << 16),
)
def test_only_our_errors_come_out(
    kind: str, edits: Sequence[tuple[int, bytes]], cut: int, tmp_path: Path
) -> None:
    """Whatever is done to an archive, the result is files below the folder or an error of ours."""
    data = bytearray(CUT[kind]())
    for position, value in edits:
        at = position % len(data)
        data[at : at + len(value)] = value
    try:
        unpacked(bytes(data[: cut % (2 * len(data)) + 1]), tmp_path, limits=Limits(bytes=10 << 20, files=100))
    except ZooError as error:
        words = str(error)
    else:
        words = "fine"

    assert words
    assert {path.name for path in tmp_path.iterdir()} <= {"download", "out"}


def test_a_disk_that_cannot_be_written_is_not_the_archives_fault(tmp_path: Path) -> None:
    """An error of our own disk says so."""
    (tmp_path / "file").write_bytes(b"")
    (tmp_path / "m.tar").write_bytes(tar())

    with pytest.raises(UnpackError, match="the unpacked files cannot be written: "):
        unpack([fetched(tmp_path / "m.tar")], tmp_path / "file" / "out", limits=Limits())


def test_many_small_files_are_unpacked(tmp_path: Path) -> None:
    """Two thousand members are unpacked, and all of them are there."""
    files = {f"d{i % 50}/f{i}": b"x" for i in range(2_000)}

    assert unpacked(tar(files), tmp_path).files == 2_000
