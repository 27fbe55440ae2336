"""Unpacking what strangers pack: every kind, every attack, every cut and flipped byte."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import random
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from zoo.errors import UnpackError, ZooError
from zoo.fetch import Fetched
from zoo.records import Archive
from zoo.unpack import Limits, Unpacked, unpack


def _random(seed: int) -> random.Random:
    return random.Random(seed)  # noqa: S311 (the same bytes each time are the point)


INDEX = b"\x00\x01index" * 50
DATA = _random(7).randbytes(70_000) + bytes(20_000)
FILES = {"model/lenet.index": INDEX, "model/lenet.data-00000-of-00001": DATA, "model/empty": b""}


def fetched(path: Path, name: str | None = None) -> Fetched:
    """A local file as if it had been fetched."""
    size = path.stat().st_size
    return Fetched(archive=Archive(url=path.name, sha256="", bytes=size), path=path, name=name or path.name)


def unpacked(data: bytes, folder: Path, name: str = "m.tar", *, limits: Limits | None = None) -> Unpacked:
    """What comes out of ``data``, unpacked below ``folder``."""
    path = folder / "download"
    path.write_bytes(data)
    return unpack([fetched(path, name)], folder / "out", limits=limits or Limits())


def contents(root: Path) -> dict[str, bytes]:
    """The files below a folder, by relative path."""
    return {
        str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()
    }


def member(name: str, kind: bytes = tarfile.REGTYPE, target: str = "", size: int = 0) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.size = kind, target, size
    return info


def tar_of(members: Iterable[tuple[tarfile.TarInfo, bytes]], *, kind: int = tarfile.PAX_FORMAT) -> bytes:
    """A tar archive with exactly these headers."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=kind) as archive:
        for info, data in members:
            archive.addfile(info, io.BytesIO(data))
    return out.getvalue()


def tar(files: dict[str, bytes] = FILES, *, kind: int = tarfile.PAX_FORMAT) -> bytes:
    return tar_of(((member(name, size=len(data)), data) for name, data in files.items()), kind=kind)


def zip_of(
    members: Iterable[tuple[zipfile.ZipInfo | str, bytes]], method: int = zipfile.ZIP_DEFLATED
) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for info, data in members:
            archive.writestr(info, data, method)
    return out.getvalue()


def zip_member(name: str, *, mode: int = stat.S_IFREG | 0o644, host: int = 3) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo("x")
    info.filename = name  # the constructor would tidy the name
    info.external_attr, info.create_system = mode << 16, host
    return info


def git_archive() -> bytes:
    """A tar archive that begins with a comment, as `git archive` writes it."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", pax_headers={"comment": "0" * 40}) as archive:
        for name, data in FILES.items():
            archive.addfile(member(name, size=len(data)), io.BytesIO(data))
    return out.getvalue()


class _Pipe(io.BytesIO):
    def seekable(self) -> bool:
        return False

    def seek(self, offset: int, whence: int = 0, /) -> int:
        raise OSError("a pipe")


def piped_zip() -> bytes:
    """A zip written to a pipe: sizes stand behind the data, and in the directory."""
    out = _Pipe()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in FILES.items():
            archive.writestr(name, data)
    return out.getvalue()


PACKED: dict[str, Callable[[], bytes]] = {
    "tar, git archive": git_archive,
    "zip, from a pipe": piped_zip,
    "tar, pax": tar,
    "tar, GNU": lambda: tar(kind=tarfile.GNU_FORMAT),
    "tar, ustar": lambda: tar(kind=tarfile.USTAR_FORMAT),
    "tar.gz": lambda: gzip.compress(tar()),
    "tar.gz of several gzip members": lambda: b"".join(
        gzip.compress(tar()[i : i + 30_000]) for i in range(0, len(tar()), 30_000)
    ),
    "tar.gz with zeros after it": lambda: gzip.compress(tar()) + bytes(512),
    "tar.bz2": lambda: bz2.compress(tar()),
    "tar.bz2 of two streams": lambda: bz2.compress(tar()[:5000]) + bz2.compress(tar()[5000:]),
    "tar.xz": lambda: lzma.compress(tar()),
    "tar.xz of two streams, padded": lambda: (
        lzma.compress(tar()[:5000]) + bytes(8) + lzma.compress(tar()[5000:]) + bytes(4)
    ),
    "tar.lzma": lambda: lzma.compress(tar(), format=lzma.FORMAT_ALONE),
    "tar.zst": lambda: zstandard.compress(tar()),
    "tar.zst of two frames": lambda: zstandard.compress(tar()[:5000]) + zstandard.compress(tar()[5000:]),
    "zip, stored": lambda: zip_of(FILES.items(), zipfile.ZIP_STORED),
    "zip, deflated": lambda: zip_of(FILES.items()),
    "zip, bzip2": lambda: zip_of(FILES.items(), zipfile.ZIP_BZIP2),
    "zip.gz": lambda: gzip.compress(zip_of(FILES.items())),
    "tar.gz in a zip": lambda: zip_of([("folder/m.tar.gz", gzip.compress(tar()))]),
    "tar in a tar": lambda: tar({"m.tar": tar()}),
    "tar.gz.gz": lambda: gzip.compress(gzip.compress(tar())),
}


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


def evil(*members: tarfile.TarInfo) -> bytes:
    return tar_of([(info, bytes(info.size)) for info in (member("good", size=1), *members)])


def sparse() -> bytes:
    """A GNU sparse file of 8 TB without data, as an old-style header."""
    info = member("sparse")
    info.size = 0
    block = bytearray(info.tobuf(tarfile.GNU_FORMAT))
    block[156:157] = tarfile.GNUTYPE_SPARSE
    block[483:495] = b"\x80" + (8 << 40).to_bytes(11, "big")
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\x00 " % sum(block)
    return bytes(block) + bytes(1024)


def pax_sparse() -> bytes:
    info = member("sparse", size=512)
    info.pax_headers = {
        "GNU.sparse.major": "1",
        "GNU.sparse.minor": "0",
        "GNU.sparse.realsize": "8796093022208",
    }
    return tar_of([(info, bytes(512))])


def pax_bomb() -> bytes:
    """An extended header that wants 2 GB of memory."""
    info = member("././@PaxHeader", tarfile.XHDTYPE)
    info.size = 2 << 30
    return info.tobuf() + bytes(4096)


def pax_with(text: bytes) -> bytes:
    info = member("././@PaxHeader", tarfile.XHDTYPE)
    info.size = len(text)
    return info.tobuf() + text.ljust(512, b"\x00") + member("f").tobuf() + bytes(1024)


TARS: dict[str, tuple[Callable[[], bytes], str]] = {
    "parent folder": (lambda: evil(member("../evil")), r"member '\.\./evil' leads out of the archive"),
    "parent folder inside": (lambda: evil(member("a/../../evil")), "leads out"),
    "parent folder at the end": (lambda: evil(member("a/..", tarfile.DIRTYPE)), "leads out"),
    "absolute": (lambda: evil(member("/evil")), "has an absolute path"),
    "absolute in a pax header": (lambda: evil(member("/" + "x" * 150 + "/evil")), "has an absolute path"),
    "absolute folder": (lambda: evil(member("/evil/d/", tarfile.DIRTYPE)), "has an absolute path"),
    "symlink out": (
        lambda: evil(member("s", tarfile.SYMTYPE, "../../etc")),
        r"a link to '\.\./\.\./etc', outside",
    ),
    "absolute symlink": (lambda: evil(member("s", tarfile.SYMTYPE, "/etc/passwd")), "outside the archive"),
    "hard link out": (lambda: evil(member("h", tarfile.LNKTYPE, "../evil")), "outside the archive"),
    "absolute hard link": (lambda: evil(member("h", tarfile.LNKTYPE, "/etc/passwd")), "outside the archive"),
    "through a symlink": (
        lambda: evil(member("s", tarfile.SYMTYPE, "."), member("s/evil", size=3)),
        "member 's/evil' lies below 's', which is no folder",
    ),
    "link to itself": (lambda: evil(member("s", tarfile.SYMTYPE, "s")), "is a link in a circle"),
    "links in a circle": (
        lambda: evil(member("a", tarfile.SYMTYPE, "b"), member("b", tarfile.SYMTYPE, "a")),
        "is a link in a circle",
    ),
    "character device": (lambda: evil(member("d", tarfile.CHRTYPE)), "is a character device"),
    "block device": (lambda: evil(member("d", tarfile.BLKTYPE)), "is a block device"),
    "fifo": (lambda: evil(member("p", tarfile.FIFOTYPE)), "is a named pipe"),
    "unknown type": (lambda: evil(member("u", b"q")), "is of the unknown type b'q'"),
    "GNU sparse file": (sparse, "is a sparse file"),
    "pax sparse file": (pax_sparse, "is a sparse file"),
    "pax header without end": (pax_bomb, "an extended header of 2,147,483,648 bytes"),
    "pax header of nonsense": (lambda: pax_with(b"what is this"), "extended header that cannot be read"),
    "pax header of length 0": (lambda: pax_with(b"0 a=b\n"), "extended header that cannot be read"),
    "pax header of huge length": (lambda: pax_with(b"9999999 a=b\n"), "extended header that cannot be read"),
    "pax header without value": (lambda: pax_with(b"7 abcd\n"), "extended header without a value"),
    "pax size of nonsense": (lambda: pax_with(b"11 size=-5\n"), "a size of '-5'"),
    "pax size beyond the end": (
        lambda: pax_with(b"20 size=99999999999\n"),
        "ends 99,999,998,975 bytes early",
    ),
    "twice": (lambda: evil(member("a/f"), member("a/f")), "member 'a/f' is in the archive twice"),
    "twice, spelled otherwise": (lambda: evil(member("a/f"), member("./a//f")), "is in the archive twice"),
    "other case": (
        lambda: evil(member("a/F"), member("a/f")),
        "differs from 'a/F' in upper and lower case only",
    ),
    "folder of other case": (
        lambda: evil(member("A/f"), member("a/g")),
        "differs from 'A' in upper and lower",
    ),
    "file below a file": (lambda: evil(member("f"), member("f/g")), "lies below 'f', which is no folder"),
    "file in place of a folder": (lambda: evil(member("f/g"), member("f")), "is in the archive twice"),
    "newline": (lambda: evil(member("a\nb")), r"has the control character U\+000A in its name"),
    "escape": (lambda: evil(member("a\x1b[31mb")), r"has the control character U\+001B in its name"),
    "10,000 characters": (lambda: evil(member("x" * 10_000)), "has a name of 10,000 characters"),
    "a part of 300 characters": (lambda: evil(member("x" * 300)), "has a name of 300 characters"),
    "1,000 folders": (lambda: evil(member("a/" * 400 + "f")), "lies 401 folders deep"),
    "no name": (lambda: evil(member("./")), "has no name"),
    "only a folder": (lambda: tar_of([(member("d", tarfile.DIRTYPE), b"")]), "an archive without files"),
    "negative size": (lambda: negative_size(), "damaged tar archive"),
}


def negative_size() -> bytes:
    info = member("f")
    block = bytearray(info.tobuf(tarfile.GNU_FORMAT))
    block[124:136] = b"\xff" * 12
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\x00 " % sum(block)
    return bytes(block) + bytes(1024)


@pytest.mark.parametrize(("make", "words"), TARS.values(), ids=TARS.keys())
@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["tar", "tar.gz"])
def test_an_unsafe_tar_is_refused(
    make: Callable[[], bytes], words: str, pack: Callable[[bytes], bytes], tmp_path: Path
) -> None:
    """An attack is an error that names archive and member, and leaves nothing behind."""
    home = tmp_path / "a" / "b"
    home.mkdir(parents=True)

    with pytest.raises(UnpackError, match=words) as caught:
        unpacked(pack(make()), home, "models.tgz")

    assert "models.tgz" in str(caught.value)
    assert list(contents(tmp_path)) == ["a/b/download"]
    assert [path.name for path in home.iterdir()] == ["download"]


def lying_zip(**fields: int) -> bytes:
    """A zip of one deflated member whose directory and header say other sizes or crcs."""
    data = bytearray(zip_of([("f", DATA)]))
    directory = data.rindex(b"PK\x01\x02")
    for field, value in fields.items():
        in_local, in_directory = {"crc": (14, 16), "packed": (18, 20), "size": (22, 24)}[field]
        data[in_local : in_local + 4] = struct.pack("<L", value)
        data[directory + in_directory : directory + in_directory + 4] = struct.pack("<L", value)
    return bytes(data)


def patched(data: bytes, where: bytes, offset: int, value: bytes, *, last: bool = False) -> bytes:
    """``data`` with ``value`` put ``offset`` bytes after the first (or last) ``where``."""
    at = (data.rindex(where) if last else data.index(where)) + offset
    return data[:at] + value + data[at + len(value) :]


def overlapping_zip() -> bytes:
    """Two entries of the directory that share one member's bytes, as in a zip bomb without recursion."""
    data = zip_of([("a", DATA), ("b", DATA)])
    second = data.rindex(b"PK\x01\x02")
    return patched(data, b"PK\x01\x02", 42, struct.pack("<L", 0), last=True) if second else data


ZIPS: dict[str, tuple[Callable[[], bytes], str]] = {
    "parent folder": (lambda: zip_of([(zip_member("../evil"), b"x")]), r"member '\.\./evil' leads out"),
    "absolute": (lambda: zip_of([(zip_member("/evil"), b"x")]), "has an absolute path"),
    "Windows parent": (lambda: zip_of([(zip_member("..\\evil", host=0), b"x")]), "leads out of the archive"),
    "Windows drive": (lambda: zip_of([(zip_member("C:\\evil", host=0), b"x")]), "has an absolute path"),
    "Windows share": (lambda: zip_of([(zip_member("\\\\host\\evil", host=0), b"x")]), "has an absolute path"),
    "symlink out": (
        lambda: zip_of([(zip_member("s", mode=stat.S_IFLNK | 0o777), b"../../etc/passwd")]),
        "is a link to '../../etc/passwd', outside",
    ),
    "symlink of a megabyte": (
        lambda: zip_of([(zip_member("s", mode=stat.S_IFLNK | 0o777), b"x" * 1_000_000)]),
        "is a link with a target of 1,000,000 bytes",
    ),
    "device": (
        lambda: zip_of([(zip_member("d", mode=stat.S_IFCHR | 0o666), b"")]),
        "is a device, pipe or socket",
    ),
    "encrypted": (
        lambda: patched(patched(zip_of([("f", DATA)]), b"PK\x03\x04", 6, b"\x01"), b"PK\x01\x02", 8, b"\x01"),
        "member 'f' is encrypted",
    ),
    "LZMA": (lambda: zip_of([("f", DATA)], zipfile.ZIP_LZMA), "is packed with LZMA, expected Deflate"),
    "twice": (
        lambda: zip_of([("f", b"x"), ("g", b"x")]).replace(b"g", b"f"),
        "member 'f' is in the archive twice",
    ),
    "other case": (lambda: zip_of([("f", b"x"), ("F", b"x")]), "differs from 'f' in upper and lower case"),
    "overlapping": (overlapping_zip, "overlaps the next member"),
    "overlapping by its packed size": (
        lambda: lying_zip(packed=1 << 30),
        "overlaps the next member or the directory",
    ),
    "longer than it says": (lambda: lying_zip(size=100), "holds more than the 100 bytes it says"),
    "shorter than it says": (lambda: lying_zip(size=1 << 31), "ends 2,147,393,648 bytes early"),
    "wrong crc": (lambda: lying_zip(crc=1), "has the crc [0-9a-f]{8}, expected 00000001"),
    "stored in another size": (
        lambda: patched(zip_of([("f", DATA)], zipfile.ZIP_STORED), b"PK\x01\x02", 24, struct.pack("<L", 5)),
        "is stored as 90,000 bytes and says 5",
    ),
    "other names in header and directory": (
        lambda: patched(zip_of([("f", b"x")]), b"PK\x03\x04", 30, b"g"),
        "is something else in its own header",
    ),
    "no directory": (lambda: zip_of([("f", DATA)])[:-100], "truncated zip archive"),
    "directory elsewhere": (
        lambda: patched(zip_of([("f", DATA)]), b"PK\x05\x06", 16, struct.pack("<L", 1 << 30)),
        "its directory is not where it says",
    ),
    "other count": (
        lambda: patched(zip_of([("f", DATA)]), b"PK\x05\x06", 8, b"\x02\x00\x02\x00"),
        "its directory holds 1 members and says 2",
    ),
    "second part": (
        lambda: patched(zip_of([("f", DATA)]), b"PK\x05\x06", 4, b"\x01\x00"),
        "part 2 of a zip archive in several files",
    ),
    "large form missing": (
        lambda: patched(zip_of([("f", DATA)]), b"PK\x05\x06", 16, b"\xff" * 4),
        "the large form of its end record is not there",
    ),
    "no members": (lambda: zip_of([]), "an archive without files"),
}


@pytest.mark.parametrize(("make", "words"), ZIPS.values(), ids=ZIPS.keys())
def test_an_unsafe_zip_is_refused(make: Callable[[], bytes], words: str, tmp_path: Path) -> None:
    """An attack is an error that names archive and member, and leaves nothing behind."""
    home = tmp_path / "a" / "b"
    home.mkdir(parents=True)

    with pytest.raises(UnpackError, match=words) as caught:
        unpacked(make(), home, "models.zip")

    assert "models.zip" in str(caught.value)
    assert list(contents(tmp_path)) == ["a/b/download"]


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


BOMBS: dict[str, tuple[Callable[[], bytes], Limits, str]] = {
    "gzip, ratio": (
        lambda: gzip.compress(bytes(5_000_000)),
        Limits(ratio=100, ratio_from=1_000_000),
        "brings .* packed bytes to .*, more than 100 times as much",
    ),
    "tar.gz, ratio": (
        lambda: gzip.compress(tar({"zeros": bytes(5_000_000)})),
        Limits(ratio=100, ratio_from=1_000_000),
        "more than 100 times as much",
    ),
    "zip, ratio": (
        lambda: zip_of([("zeros", bytes(5_000_000))]),
        Limits(ratio=100, ratio_from=1_000_000),
        "more than 100 times as much",
    ),
    "bzip2, ratio": (
        lambda: bz2.compress(bytes(5_000_000)),
        Limits(ratio=100, ratio_from=1_000_000),
        "more than 100 times as much",
    ),
    "zstd, ratio": (
        lambda: zstandard.compress(bytes(5_000_000)),
        Limits(ratio=100, ratio_from=1_000_000),
        "more than 100 times as much",
    ),
    "gzip in gzip, ratio": (
        lambda: gzip.compress(gzip.compress(bytes(5_000_000))),
        Limits(ratio=1000, ratio_from=1_000_000),
        "more than 1000 times as much",
    ),
    "tar, total": (lambda: tar(), Limits(bytes=50_000), "brings the total to more than 50,000 bytes"),
    "zip, total": (
        lambda: zip_of(FILES.items()),
        Limits(bytes=50_000),
        "brings the total to more than 50,000",
    ),
    "left out files, total": (
        lambda: tar({"._x": DATA}),
        Limits(bytes=50_000),
        "brings the total to more than 50,000",
    ),
    "file, total": (lambda: DATA, Limits(bytes=50_000), "brings the total to more than 50,000 bytes"),
    "tar, count": (
        lambda: tar({str(i): b"" for i in range(300)}),
        Limits(files=200),
        "more than 200 members",
    ),
    "tar, links count": (
        lambda: tar_of([(member(str(i), tarfile.SYMTYPE, "x"), b"") for i in range(300)]),
        Limits(files=200),
        "more than 200 members",
    ),
    "tar, folders count": (
        lambda: tar_of([(member(str(i), tarfile.DIRTYPE), b"") for i in range(300)]),
        Limits(files=200),
        "more than 200 members",
    ),
    "zip, count": (
        lambda: zip_of([(str(i), b"") for i in range(300)]),
        Limits(files=200),
        "a zip archive of 300 members",
    ),
    "zip, count denied": (
        lambda: patched(zip_of([(str(i), b"") for i in range(300)]), b"PK\x05\x06", 8, b"\x02\x00\x02\x00"),
        Limits(files=200),
        "a zip archive of more than 200 members",
    ),
}


@pytest.mark.parametrize(("make", "limits", "words"), BOMBS.values(), ids=BOMBS.keys())
def test_bombs_are_refused(make: Callable[[], bytes], limits: Limits, words: str, tmp_path: Path) -> None:
    """What grows beyond a limit is refused while it grows."""
    with pytest.raises(UnpackError, match=words):
        unpacked(make(), tmp_path, limits=limits)

    assert [path.name for path in tmp_path.iterdir()] == ["download"]


def test_zeros_behind_the_end_mark_have_a_limit(tmp_path: Path) -> None:
    """A tar.gz that goes on with gigabytes of nothing after its end is refused, not read to its end."""
    packed = gzip.compress(tar() + bytes(30 << 20))

    with pytest.raises(UnpackError, match="more than 100 times as much"):
        unpacked(packed, tmp_path, limits=Limits(ratio=100, ratio_from=1_000_000))


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


def xz_bomb() -> bytes:
    """An .xz stream whose header asks for a dictionary of 4 GiB."""
    data = bytearray(lzma.compress(b"x"))
    end = 12 + (data[12] + 1) * 4  # the block header, its crc last
    data[data.index(b"\x21\x01", 12) + 2] = 40
    data[end - 4 : end] = struct.pack("<L", zlib.crc32(data[12 : end - 4]))
    return bytes(data)


def zstd_bomb() -> bytes:
    parameters = zstandard.ZstdCompressionParameters(window_log=30, enable_ldm=False, hash_log=6, chain_log=6)
    packer = zstandard.ZstdCompressor(compression_params=parameters).compressobj()  # of unknown length
    return packer.compress(b"x") + packer.flush()


@pytest.mark.parametrize(("make", "limit"), [(xz_bomb, 256), (zstd_bomb, 128)], ids=["xz", "zstd"])
def test_a_decoder_gets_only_so_much_memory(make: Callable[[], bytes], limit: int, tmp_path: Path) -> None:
    """A header that asks for gigabytes of memory is refused, with the limit."""
    with pytest.raises(UnpackError, match=f"takes more than {limit} MiB of memory to decode"):
        unpacked(make(), tmp_path)


SMALL = {"m/a.index": INDEX[:200], "m/b.data": _random(1).randbytes(700)}
CUT: dict[str, Callable[[], bytes]] = {
    "tar": lambda: tar(SMALL)[: 512 * 9],
    "tar.gz": lambda: gzip.compress(tar(SMALL)),
    "tar.bz2": lambda: bz2.compress(tar(SMALL)),
    "tar.xz": lambda: lzma.compress(tar(SMALL)),
    "tar.zst": lambda: zstandard.ZstdCompressor(write_checksum=True).compress(tar(SMALL)),
    "zip": lambda: zip_of(SMALL.items()),
    "file.gz": lambda: gzip.compress(SMALL["m/b.data"]),
    "file.bz2": lambda: bz2.compress(SMALL["m/b.data"]),
    "file.xz": lambda: lzma.compress(SMALL["m/b.data"]),
    "file.zst": lambda: zstandard.ZstdCompressor(write_checksum=True).compress(SMALL["m/b.data"]),
}


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
    picks = _random(3)

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


def test_files_are_readable_and_nothing_more(tmp_path: Path) -> None:
    """Modes of an archive are not taken over: no program, no setuid."""
    info = member("f", size=1)
    info.mode = 0o6777

    found = unpacked(tar_of([(info, b"x")]), tmp_path)

    assert stat.S_IMODE((found.root / "f").stat().st_mode) & 0o7133 == 0
    assert replace(found, files=1) == found
