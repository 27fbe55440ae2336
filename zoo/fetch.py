"""Sources fetched: a row's URLs become local files whose digests are known and checked.

    row ─► for each URL: cache? ─► first source that works ─► size, checksum, kind ─► cache ─► Fetched

Decided here: which source is taken, what counts as the right bytes, what is kept.  The bytes move in
`zoo.fetching.download`, over HTTP in `zoo.fetching.http`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal
from urllib.parse import unquote, urlsplit

from zoo import sniff
from zoo.errors import FetchError, TransientError
from zoo.fetching.cache import Cache, Known, key_of
from zoo.fetching.copy import Copy, Sink, accepted, keep_or_drop
from zoo.fetching.download import Download, FetchOptions, Meter, Progress
from zoo.fetching.slots import turn
from zoo.fetching.source import Source, check, hashed
from zoo.fetching.stream import redact
from zoo.paths import escaped, file_name, folders
from zoo.records import Archive, Row

__all__ = ["FetchOptions", "Fetched", "fetch", "redact"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Fetched:
    """One source of a row as a local file."""

    archive: Archive
    path: Path
    """The file: in the cache, or where it already was."""
    name: str
    """What to call it: the last part of its URL, safe to write; in a SavedModel, below its folder."""
    cached: bool = False
    """No byte of it had to be fetched."""
    transferred: int = 0
    """Bytes that came over the network, those of failed tries included."""
    retries: int = 0
    log: tuple[str, ...] = ()
    """What happened on the way (retries, mirrors): differs from run to run, so never in an outcome."""
    notes: tuple[str, ...] = ()
    """What is worth telling about the file itself; equal for equal files."""
    role: Literal["model", "graph"] = "model"
    """``graph``: the row's ``graph`` cell is a URL, and this is its file."""


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
    return fetch_through(row, cache, None, options=options, progress=progress)


def fetch_through(
    row: Row, cache: Path, sink: Sink | None, *, options: FetchOptions, progress: Progress
) -> tuple[Fetched, ...]:
    """The same as `fetch`; ``sink``, if it wants to, takes the bytes of the only source on their way.

    Raises:
        ZooError: what `fetch` raises, or what the sink does.
    """
    meter = Meter.start(options, progress)
    wanted = sources(row)
    if len(wanted) > 1:
        sink = None
    places = (*folders([source.urls[0] for source in wanted if source.role == "model"]), "")
    found = (_fetched(source, Cache(cache), meter, sink) for source in wanted)
    return tuple(replace(one, name=place + one.name) for one, place in zip(found, places, strict=False))


def _fetched(source: Source, cache: Cache, meter: Meter, sink: Sink | None) -> Fetched:
    moved, retries, noted = meter.moved, meter.retries, len(meter.log)
    found = _first_that_works(source, cache, meter, sink)
    known, is_local = found.known, local_path(found.url) is not None
    return Fetched(
        archive=Archive(
            url=redact(source.given if found.url == source.urls[0] else found.url),
            sha256=known.sha256,
            bytes=known.bytes,
            verified=source.checksum is not None,
        ),
        path=found.path,
        name=escaped(found.path.name) if is_local else file_name(found.url, known.name),
        cached=found.cached,
        transferred=0 if found.cached or is_local else meter.moved - moved,
        retries=meter.retries - retries,
        log=tuple(meter.log[noted:]),
        role=source.role,
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class _Found:
    """A source that was had."""

    url: str
    path: Path
    known: Known
    cached: bool = False


def _first_that_works(source: Source, cache: Cache, meter: Meter, sink: Sink | None) -> _Found:
    if not meter.options.refresh:
        for url in source.urls:
            if local_path(url) is None and (known := in_cache(url, source, cache)) is not None:
                return _Found(url=url, path=cache.object(known.sha256), known=known, cached=True)
    errors: list[FetchError] = []
    for url in source.urls:
        try:
            path = local_path(url)
            if path is None:
                found = _remote(url, source, cache, meter, sink)
            else:
                found = _Found(url=url, path=path, known=_local(url, path, source, meter))
        except FetchError as error:
            errors.append(error)
            if sink is not None:
                sink.reset()
            continue
        meter.log.extend(f"source {i + 1} failed: {error}" for i, error in enumerate(errors))
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
            if source.checksum is None and not meter.options.digests:
                known = Known(url=name, sha256="", bytes=size)
            else:
                known = hashed(file, name, source, meter)
                file.seek(0)
            check(name, file.read(sniff.HEAD), known, source)
    except OSError as error:
        raise FetchError(f"{name}: {(error.strerror or str(error)).lower()}") from error
    return known


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
                digests = hashed(file, redact(url), source, None).digests
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


def _remote(url: str, source: Source, cache: Cache, meter: Meter, sink: Sink | None) -> _Found:
    """A file that is not on this machine, put into the cache or through the sink."""
    key = key_of(url)
    limit, deadline = meter.options.per_host, meter.deadline
    with (
        _disk(cache.folder),
        cache.locked(key, name=redact(url), deadline=deadline),
        turn(cache.folder, url, limit=limit, deadline=deadline),
    ):
        if not meter.options.refresh and (known := in_cache(url, source, cache)) is not None:
            # Another process was faster.
            return _Found(url=url, path=cache.object(known.sha256), known=known, cached=True)
        for attempt in (1, 2):
            download = Download(url, meter, algorithms=source.algorithms, checked=source.checksum is not None)
            copy = Copy(download, key, source, cache, meter, sink)
            try:
                before = cache.known(key) if meter.options.refresh else None
                if before is not None and _is_unchanged(download, before):
                    return _Found(url=url, path=cache.object(before.sha256), known=before, cached=True)
                copy.run()
            except BaseException:
                keep_or_drop(key, source, cache)
                raise
            finally:
                download.close()
            try:
                known = accepted(download, copy.head, key, source, cache)
            except FetchError as error:
                cache.forget(key)
                if not copy.resumed or attempt == 2:
                    raise
                meter.log.append(f"started again from the first byte: {error}")
                continue
            path = cache.object(known.sha256)
            if copy.kept:
                cache.publish(cache.part(key), known.sha256)
                cache.remember(key, known)
            cache.forget(key)
            return _Found(url=url, path=path, known=known)
    raise AssertionError("the second attempt returns or raises")


def _is_unchanged(download: Download, before: Known) -> bool:
    download.open()
    return before.validator is not None and (download.validator, download.total) == (
        before.validator,
        before.bytes,
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
