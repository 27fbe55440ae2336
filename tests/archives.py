"""Archives of every kind, and what comes out of them."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import random
import stat
import tarfile
import zipfile
from collections.abc import Callable, Iterable
from pathlib import Path

import zstandard

from zoo.fetch import Fetched
from zoo.records import Archive
from zoo.unpack import Limits, Unpacked, unpack


def random_numbers(seed: int) -> random.Random:
    """Numbers that are the same each time."""
    return random.Random(seed)  # noqa: S311 (the same bytes each time are the point)


INDEX = b"\x00\x01index" * 50
DATA = random_numbers(7).randbytes(70_000) + bytes(20_000)
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


SMALL = {"m/a.index": INDEX[:200], "m/b.data": random_numbers(1).randbytes(700)}
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
