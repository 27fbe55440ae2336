"""What a row wants fetched, and whether a file is that."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import IO, Literal

from zoo import sniff
from zoo.errors import FetchError
from zoo.fetching.cache import Known
from zoo.fetching.download import Meter
from zoo.records import Checksum

BUFFER = 1 << 20


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """What to fetch as one file: where it may be, and what it must be."""

    urls: tuple[str, ...]
    """The first one, then its mirrors."""
    given: str
    """The first one as the manifest has it."""
    checksum: Checksum | None = None
    size: int | None = None
    role: Literal["model", "graph"] = "model"

    @property
    def algorithms(self) -> tuple[str, ...]:
        """The digest to compute beside sha256, if there is one."""
        return (self.checksum.algorithm,) if self.checksum is not None else ()


def hashed(file: IO[bytes], name: str, source: Source, meter: Meter | None) -> Known:
    """The digests of an open file; ``meter`` is None where its bytes were counted before."""
    hashes = {
        algorithm: hashlib.new(algorithm, usedforsecurity=False)
        for algorithm in ("sha256", *source.algorithms)
    }
    buffer = memoryview(bytearray(BUFFER))
    size = 0
    while count := file.readinto(buffer):  # type: ignore[attr-defined]
        for state in hashes.values():
            state.update(buffer[:count])
        size += count
        if meter is not None:
            meter.count(name, count)
    digests = {algorithm: state.hexdigest() for algorithm, state in hashes.items()}
    return Known(url=name, sha256=digests["sha256"], bytes=size, digests=digests)


def check(name: str, head: bytes, known: Known, source: Source) -> None:
    """Compare a file with what the row says of it.

    Raises:
        FetchError: it is empty, a page or a pointer in place of a file, or has another size or checksum.
    """
    kind = sniff.identify(head)
    if kind == "empty" and source.size != 0:
        raise FetchError(f"{name}: the file is empty (0 bytes)", hint="find another source, or add a mirror")
    if kind == "html" or (kind == "xml" and b"<Error>" in head):
        raise FetchError(
            f"{name}: {sniff.WORDS[kind]}, expected a model or an archive",
            hint="the link leads to a page (a login, an error, a preview): "
            "give the link of the download itself",
        )
    if kind == "lfs_pointer":
        size = sniff.lfs_size(head)
        of = f" of {size:,} bytes" if size is not None else ""
        raise FetchError(
            f"{name}: {sniff.WORDS[kind]}{of}",
            hint="fetch the file itself: `git lfs pull` in a clone, "
            "or the repository's media or resolve link",
        )
    if source.size is not None and known.bytes != source.size:
        raise FetchError(
            f"{name}: {known.bytes:,} bytes ({sniff.describe(head)}), expected {source.size:,}",
            hint="the file was replaced or cut short, or the manifest's size is wrong",
        )
    checksum = source.checksum
    if checksum is not None and (found := known.digests[checksum.algorithm]) != checksum.value:
        raise FetchError(
            f"{name}: {checksum.algorithm} is {found}, expected {checksum.value}",
            hint="the file was replaced or damaged, or the manifest's checksum is wrong: "
            "do not use it before you know which",
        )
