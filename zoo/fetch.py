"""Sources fetched: a row's URLs become local files whose digests are known and checked.

    row ─► for each URL: cache? ─► first source that works ─► size, checksum, kind ─► cache ─► Fetched

Decided here: which source is taken, what counts as the right bytes, what is kept.  The bytes move in
`zoo.fetching.download`, over HTTP in `zoo.fetching.http`.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Literal
from urllib.parse import unquote, urlsplit
from zlib import error as ZlibError  # noqa: N812

from isal import igzip

from zoo import sniff
from zoo.errors import FetchError, TransientError
from zoo.fetching.cache import Cache, Known, Part, key_of
from zoo.fetching.download import Download, FetchOptions, Meter, Progress
from zoo.fetching.http import SourceChanged, redact
from zoo.paths import escaped, file_name
from zoo.records import Archive, Checksum, Row

__all__ = ["FetchOptions", "Fetched", "fetch", "redact"]

BUFFER = 1 << 20


@dataclass(frozen=True, kw_only=True, slots=True)
class Fetched:
    """One source of a row as a local file."""

    archive: Archive
    path: Path
    """The file: in the cache, or where it already was."""
    name: str
    """What to call it: the last part of its URL, safe to write."""
    cached: bool = False
    """No byte of it had to be fetched."""
    transferred: int = 0
    """Bytes that came over the network, those of failed tries included."""
    retries: int = 0
    notes: tuple[str, ...] = ()
    role: Literal["model", "graph"] = "model"
    """``graph``: the row's ``graph`` cell is a URL, and this is its file."""


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


def sources(row: Row) -> tuple[Source, ...]:
    """What a row wants fetched, in order: a file for each URL, and the graph if it has a URL."""
    count = len(row.urls)
    given = row.given.get("url", "").split()
    if len(given) != count:
        given = list(row.urls)
    found = [
        Source(
            urls=(url, *row.mirrors[i::count]),
            given=given[i],
            checksum=row.checksums[i] if i < len(row.checksums) else None,
            size=row.sizes[i] if i < len(row.sizes) else row.size if count == 1 else None,
        )
        for i, url in enumerate(row.urls)
    ]
    if row.graph is not None and ("://" in row.graph or Path(row.graph).is_absolute()):
        given_graph = row.given.get("graph", row.graph)
        found.append(Source(urls=(row.graph,), given=given_graph, role="graph"))
    return tuple(found)


def fetch(row: Row, cache: Path, *, options: FetchOptions, progress: Progress) -> tuple[Fetched, ...]:
    """The sources of a row as local files, checked against its checksums and sizes.

    Local files stay where they are.  All others are in ``cache`` afterwards, by their digest, and what
    is there already is not fetched again.  An interrupted download is carried on by the next call.

    Args:
        row: what to fetch.
        cache: folder of the download cache; any number of processes may share it.
        options: limits and patience.
        progress: called with the number of bytes that moved, read from a local disk or fetched.

    Raises:
        TransientError: a source cannot be had now; says what was tried.
        FetchError: a source cannot be had, or is not what the row says; nothing wrong is kept.
    """
    meter = Meter.start(options, progress)
    fetched = []
    for source in sources(row):
        moved, retries, noted = meter.moved, meter.retries, len(meter.notes)
        url, path, known, cached = _first_that_works(source, Cache(cache), meter)
        fetched.append(
            Fetched(
                archive=Archive(
                    url=redact(source.given if url == source.urls[0] else url),
                    sha256=known.sha256,
                    bytes=known.bytes,
                    verified=source.checksum is not None,
                ),
                path=path,
                name=file_name(url, known.name) if local_path(url) is None else escaped(path.name),
                cached=cached,
                transferred=0 if cached or local_path(url) is not None else meter.moved - moved,
                retries=meter.retries - retries,
                notes=tuple(meter.notes[noted:]),
                role=source.role,
            )
        )
    return tuple(fetched)


_Found = tuple[str, Path, Known, bool]
"""The URL that worked, the file, what is known of it, and whether it was in the cache."""


def _first_that_works(source: Source, cache: Cache, meter: Meter) -> _Found:
    if not meter.options.refresh:
        for url in source.urls:
            if local_path(url) is None and (known := in_cache(url, source, cache)) is not None:
                return url, cache.object(known.sha256), known, True
    errors: list[FetchError] = []
    for url in source.urls:
        try:
            path = local_path(url)
            found = (
                (url, path, _local(url, path, source, meter), False)
                if path is not None
                else _remote(url, source, cache, meter)
            )
        except FetchError as error:
            errors.append(error)
            continue
        meter.notes.extend(f"source {i + 1} failed: {error}" for i, error in enumerate(errors))
        return found
    if len(errors) == 1:
        raise errors[0]
    kind = TransientError if any(isinstance(error, TransientError) for error in errors) else FetchError
    said = "; ".join(error.message for error in errors)
    raise kind(f"none of {len(errors)} sources can be had: {said}", hint=errors[0].hint)


def local_path(url: str) -> Path | None:
    """The path that a URL without a host, or no URL at all, stands for; None for anything else."""
    if "://" not in url and "::" not in url:
        return Path(url)
    parts = urlsplit(url)
    if parts.scheme.lower() not in ("file", "local") or "::" in url:
        return None
    # file://models/x is a slip for file:///models/x or models/x: what it names is not there, and said.
    host = "" if parts.netloc == "localhost" else parts.netloc
    return Path(host + unquote(parts.path))


def _local(url: str, path: Path, source: Source, meter: Meter) -> Known:
    """What is known of a local file, hashed where it is."""
    name = redact(source.given if url == source.urls[0] else url)
    try:
        if path.is_dir():
            raise FetchError(
                f"{name}: a folder, expected a file",
                hint="pack it, or give the path of each file, separated by blanks",
            )
        if not path.is_file():
            if not path.exists():
                raise FetchError(
                    f"{name}: there is no such file", hint="relative paths start at the manifest's folder"
                )
            raise FetchError(f"{name}: neither a file nor a folder")
        with path.open("rb", buffering=0) as file:
            size = os.fstat(file.fileno()).st_size
            meter.room(url, size)
            known = _hashed(file, name, source, meter)
            file.seek(0)
            check(name, file.read(sniff.HEAD), known, source)
    except OSError as error:
        raise FetchError(f"{name}: {(error.strerror or str(error)).lower()}") from error
    return known


def _algorithms(source: Source) -> tuple[str, ...]:
    return (source.checksum.algorithm,) if source.checksum is not None else ()


def _hashed(file: IO[bytes], name: str, source: Source, meter: Meter | None) -> Known:
    """The digests of an open file; ``meter`` is None where its bytes were counted before."""
    hashes = {
        algorithm: hashlib.new(algorithm, usedforsecurity=False)
        for algorithm in ("sha256", *_algorithms(source))
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


def in_cache(url: str, source: Source, cache: Cache) -> Known | None:
    """What the cache has for a source: the very bytes it must be, or else what ``url`` gave before."""
    checksum = source.checksum
    known = cache.known(key_of(url))
    if checksum is not None and checksum.algorithm == "sha256":
        size = cache.size(checksum.value)
        if size is None:
            return None
        if known is None or known.sha256 != checksum.value:
            known = Known(url=redact(url), sha256=checksum.value, bytes=size)
    elif checksum is not None and known is not None:
        if checksum.algorithm not in known.digests:
            with cache.object(known.sha256).open("rb", buffering=0) as file:
                digests = _hashed(file, redact(url), source, None).digests
            known = Known(
                url=known.url, sha256=known.sha256, bytes=known.bytes, name=known.name,
                validator=known.validator, digests={**known.digests, **digests},
            )  # fmt: skip
            cache.remember(key_of(url), known)
        if known.digests[checksum.algorithm] != checksum.value:
            return None
    if known is None or (source.size is not None and known.bytes != source.size):
        return None
    return known


def _remote(url: str, source: Source, cache: Cache, meter: Meter) -> _Found:
    """A file that is not on this machine, put into the cache."""
    key = key_of(url)
    with _disk(cache.folder), cache.locked(key, deadline=meter.deadline):
        if not meter.options.refresh and (known := in_cache(url, source, cache)) is not None:
            return url, cache.object(known.sha256), known, True  # another process was faster
        for attempt in (1, 2):
            download = Download(
                url, meter, algorithms=_algorithms(source), checked=source.checksum is not None
            )
            try:
                before = cache.known(key) if meter.options.refresh else None
                if before is not None and _is_unchanged(download, before, source):
                    return url, cache.object(before.sha256), before, True
                resumed = _copy(download, key, source, cache, meter)
            except BaseException:
                _keep_or_drop(key, source, cache)
                raise
            finally:
                download.close()
            try:
                known = _accepted(download, key, source, cache)
            except FetchError as error:
                cache.forget(key)
                if not resumed or attempt == 2:
                    raise
                meter.notes.append(f"started again from the first byte: {error}")
                continue
            path = cache.publish(cache.part(key), known.sha256)
            cache.remember(key, known)
            cache.forget(key)
            return url, path, known, False
    raise AssertionError("the second attempt returns or raises")


def _is_unchanged(download: Download, before: Known, source: Source) -> bool:
    download.open()
    return before.validator is not None and (download.validator, download.total) == (
        before.validator,
        before.bytes,
    )


def _copy(download: Download, key: str, source: Source, cache: Cache, meter: Meter) -> bool:
    """Bring the part of a download in the cache up to the whole; whether it was put together."""
    resumed = False
    path, part = cache.part(key), cache.unfinished(key)
    with path.open("r+b" if part is not None else "wb", buffering=0) as file:
        if part is not None:
            resumed = _take_up(download, file, part, source)
            if resumed:
                meter.notes.append(f"carried on after {download.offset:,} bytes")
            if resumed and download.offset == part.total:
                return True
        buffer = memoryview(bytearray(BUFFER))
        retries = meter.retries
        while True:
            try:
                start = download.offset
                count = download.readinto(buffer)
                if start == 0:
                    _refuse_early(download, source)
                    cache.begin(key, Part(
                        url=redact(download.url), validator=download.validator, total=download.total,
                        name=download.name, encoding=download.encoding,
                    ))  # fmt: skip
                if not count:
                    return resumed or meter.retries > retries
                file.write(buffer[:count])
            except SourceChanged as reason:
                download.restart(reason)
                file.seek(0)
                file.truncate()
                resumed = False


def _keep_or_drop(key: str, source: Source, cache: Cache) -> None:
    """Keep the part of a failed download only where the next run could carry it on."""
    part = cache.unfinished(key)
    if part is None or not cache.part(key).stat().st_size or not (part.validator or source.checksum):
        cache.forget(key)


def _take_up(download: Download, file: IO[bytes], part: Part, source: Source) -> bool:
    """Whether the bytes of a former run are worth carrying on; if not, they are cut off."""
    size = os.fstat(file.fileno()).st_size
    if size and (part.validator or source.checksum) and (part.total is None or size <= part.total):
        download.resume(file, validator=part.validator, total=part.total)
        download.name, download.encoding = part.name, part.encoding
        return True
    file.seek(0)
    file.truncate()
    return False


def _refuse_early(download: Download, source: Source) -> None:
    """Do not fetch gigabytes whose size says already that they are the wrong ones."""
    total = download.total
    if source.size is None or total is None or download.encoding != "identity":
        return
    if total > max(source.size, BUFFER):
        raise FetchError(
            f"{redact(download.url)}: the source holds {total:,} bytes, expected {source.size:,}",
            hint="the file was replaced, or the manifest's size is wrong",
        )


def _accepted(download: Download, key: str, source: Source, cache: Cache) -> Known:
    """What is known of a whole download, after it was compared with what the row says."""
    path, url = cache.part(key), redact(download.url)
    digests = download.digests()
    known = Known(
        url=url, sha256=digests["sha256"], bytes=download.offset, name=download.name,
        validator=download.validator, digests=digests,
    )  # fmt: skip
    head = _head(path)
    if download.encoding not in ("", "identity", "gzip", "x-gzip"):
        raise FetchError(
            f"{url}: sent with content coding {download.encoding[:40]!r}, expected the file as it is",
            hint="the server ignores what it is asked for; add a mirror",
        )
    if download.encoding in ("gzip", "x-gzip") and sniff.is_gzip(head):
        known, head = _decoded(path, known, source)
    check(url, head, known, source)
    return known


def _decoded(path: Path, known: Known, source: Source) -> tuple[Known, bytes]:
    """A file that was sent compressed, decoded in place, unless the coding is the file's own.

    Servers label ``x.tar.gz`` with the content coding gzip though that is what the file is.  So the
    coding is taken off when the checksum says so, or when the name promises something else.
    """
    checksum = source.checksum
    if checksum is not None and known.digests.get(checksum.algorithm) == checksum.value:
        return known, _head(path)
    decoded = path.with_suffix(".decoded")
    try:
        with path.open("rb") as raw, igzip.open(raw, "rb") as file, decoded.open("wb") as out:
            size = 0
            while data := file.read(BUFFER):
                out.write(data)
                size += len(data)
                if size > max(64 * known.bytes, 1 << 30):
                    raise FetchError(f"{known.url}: sent compressed, and grows more than 64 times")
        head = _head(decoded)
        with decoded.open("rb") as file:
            other = _hashed(file, known.url, source, None)
    except (OSError, EOFError, ZlibError, igzip.BadGzipFile) as error:
        decoded.unlink(missing_ok=True)
        raise FetchError(f"{known.url}: sent compressed, and damaged: {error}") from error
    matches = checksum is not None and other.digests[checksum.algorithm] == checksum.value
    own = file_name(known.url, known.name).lower().endswith((".gz", ".tgz")) and not sniff.is_gzip(head)
    if own and not matches:
        decoded.unlink()
        return known, _head(path)
    decoded.replace(path)
    return Known(
        url=known.url, sha256=other.sha256, bytes=other.bytes, name=known.name, digests=other.digests
    ), head


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(sniff.HEAD)


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


@contextmanager
def _disk(folder: Path) -> Iterator[None]:
    """Turn what goes wrong with the cache's own files into an error that names them."""
    try:
        yield
    except OSError as error:
        raise FetchError(
            f"the download cache {folder.name!r} cannot be used: {(error.strerror or str(error)).lower()}",
            hint="free some space or choose another folder; what was fetched so far is kept",
        ) from error
