"""A manifest from its rows to its catalog: the job, read top to bottom."""

from __future__ import annotations

import argparse
import platform
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

import msgspec

import zoo
from jobs import resume
from jobs.cluster import connect
from jobs.foreign import check_versions
from jobs.lock import locked
from jobs.pages import Pages
from jobs.remote import Mirror
from jobs.run import Crew, sweep
from jobs.screen import closing, progress
from jobs.settings import Ended, RunStoppedError, Settings
from jobs.stores import is_store
from zoo.fetching.stream import redact
from zoo.manifest import read_manifest, select
from zoo.records import Outcome, Row, RowRun, RunReport, catalog_entry, to_json
from zoo.store import write_if_changed

_VERSIONS = ("tensorflow", "dask", "numpy", "protobuf", "mkdocs", "mkdocs-material")


def check_manifest(path: Path) -> int:
    """Say whether a manifest is well formed; the exit code."""
    rows = read_manifest(path)
    print(f"{path}: {len(rows)} {'row' if len(rows) == 1 else 'rows'}, all well formed")
    return 0


def run_manifest(options: argparse.Namespace) -> int:
    """Bring the chosen rows of a manifest to their outcomes, and the catalog up to date; the exit code.

    Raises:
        ZooError: the manifest is bad, or the output folder cannot be used; nothing was processed.
        RunStoppedError: it could not go on; what had ended is in the catalog.
        KeyboardInterrupt: interrupted; what had ended is in the catalog.
    """
    started, start = datetime.now(UTC), time.perf_counter()
    rows = read_manifest(options.manifest)
    chosen = select(rows, only=options.only, family=options.family)
    if options.since is not None:
        chosen = changed(chosen, read_manifest(options.since))
    mirror = Mirror.of(options.output, _folder(options.cache)) if is_store(options.output) else None
    output = _folder(Path(options.output)) if mirror is None else mirror.folder
    settings = Settings(
        output=str(output),
        manifest=resume.manifest_name(options.manifest),
        cache=_cache(options),
        # Workers elsewhere unpack on their own disks, not on the one that all of them see.
        work=str(output / ".work") if options.scheduler is None else "",
        run=not options.no_run,
        keep=options.keep,
        store=options.output if mirror is not None else "",
        code=resume.job_version(),
        per_host=options.per_host,
        disk_limit=options.disk_limit,
        time_limit=options.time_limit,
        memory_limit=options.memory_limit,
    )
    with _locked(output, mirror):
        if mirror is not None:
            mirror.pull()
        sweep(settings, options.pages.resolve())
        _move_renamed(rows, settings, mirror)
        todo, runs = _split(chosen, settings, force=options.force)
        if mirror is not None:
            mirror.push_records()  # what they tell of their rows may have changed
        pages = Pages(output, options.pages.resolve(), options.manifest.name)
        stopped = _work(todo, runs, settings, pages, workers=options.workers, scheduler=options.scheduler)
        sweep(settings)
        if mirror is not None:
            mirror.pull()
        _remove_departed(rows, settings, mirror)
        outcomes = write_catalog(output, pages.outcome)
        report = RunReport(
            started=started.isoformat(timespec="seconds"),
            seconds=round(time.perf_counter() - start, 2),
            workers=options.workers,
            versions=versions(),
            manifest=options.manifest.name,
            interrupted=stopped is not None,
            rows=tuple(sorted(runs, key=lambda run: run.slug)),
        )
        write_if_changed(output / "run.json", to_json(report))
        if mirror is not None:
            mirror.push_lists()
        pages.publish()
    if stopped is not None:
        raise stopped
    slugs = {row.slug for row in chosen}
    shown = [outcome for outcome in outcomes if outcome.slug in slugs]
    print(
        closing(
            shown,
            runs,
            seconds=time.perf_counter() - start,
            output=redact(options.output),
            pages=options.pages,
            command=["python", "-m", "jobs.process", str(options.manifest)],
        )
    )
    return int(any(not outcome.expected for outcome in shown))


@contextmanager
def _locked(output: Path, mirror: Mirror | None) -> Iterator[None]:
    """Hold the output for this job: the folder, and the store that it mirrors.

    Raises:
        OutputInUseError: another job holds it.
    """
    with locked(output, name=None if mirror is None else redact(mirror.url)):
        if mirror is None:
            yield
            return
        with mirror.locked():
            yield


def changed(rows: Sequence[Row], before: Sequence[Row]) -> tuple[Row, ...]:
    """Those of ``rows`` that are not in an older manifest with the same cells, wherever they stood in it."""
    known = {row.name: row.given for row in before}
    return tuple(row for row in rows if known.get(row.name) != row.given)


def _cache(options: argparse.Namespace) -> str:
    """The folder of downloads that the options ask for; empty where each worker has its own."""
    if options.cache is None and options.scheduler is not None:
        return ""
    return str(_folder(options.cache))


def _folder(path: Path | None) -> Path:
    return (path or Path("build/cache")).resolve()


def _split(rows: Sequence[Row], settings: Settings, *, force: bool) -> tuple[list[Row], list[RowRun]]:
    """The rows to work on, and the runs of those whose outcome stands."""
    todo, standing = [], []
    for row in rows:
        key = resume.key(row, run=settings.run)
        if not force and _stands(row, key, settings):
            resume.claim(settings.folder(row), settings.manifest)
            standing.append(RowRun(slug=row.slug, resumed=True))
        else:
            todo.append(row)
    return todo, standing


def _stands(row: Row, key: str, settings: Settings) -> bool:
    return (
        resume.finished(settings.folder(row), row, key, limits=settings.limits, files=not settings.store)
        is not None
    )


def _work(
    todo: Sequence[Row],
    runs: list[RowRun],
    settings: Settings,
    pages: Pages,
    *,
    workers: int,
    scheduler: str | None,
) -> BaseException | None:
    """Bring rows to their outcomes and add what they cost to ``runs``; what stopped it, if anything did."""
    if not todo:
        return None
    pages.begin(todo)
    with (
        _client(settings, workers=min(workers, len(todo)), scheduler=scheduler) as client,
        progress(len(todo) + len(runs), len(runs), client) as bar,
    ):

        def ended(row: Ended) -> None:
            runs.append(row.run)
            bar.ended(row)
            if not settings.store:  # else the outcome is not here yet
                pages.ended(row.run.slug)

        for row in todo:
            # From here on it counts as not done, however this run ends: --force may find one that was.
            resume.claim(settings.folder(row), settings.manifest, retry=True)
        try:
            Crew(client=client, settings=settings, ended=ended, spare=pages.make_one).run(todo)
        except (KeyboardInterrupt, RunStoppedError) as error:
            return error
    return None


@contextmanager
def _client(settings: Settings, *, workers: int, scheduler: str | None) -> Iterator[Any]:
    with connect(workers=workers, scheduler=scheduler, scratch=settings.work) as client:
        if scheduler is not None:
            check_versions(client, settings.code)
        yield client


def _move_renamed(rows: Sequence[Row], settings: Settings, mirror: Mirror | None) -> None:
    """Give an outcome whose row was renamed to the row that asks for the same under a new name."""
    models = Path(settings.output) / "models"
    slugs = {row.slug for row in rows}
    homeless = [row for row in rows if not settings.folder(row).exists()]
    if not homeless or not models.exists():
        return
    stamps = {}
    for folder in sorted(models.glob("[!.]*")):
        stamp = resume.stamp_of(folder) if folder.name not in slugs else None
        if stamp is not None and stamp.manifest == settings.manifest:
            stamps[stamp.key] = folder
    for row in homeless:
        found = stamps.pop(resume.key(row, run=settings.run), None) if stamps else None
        if found is not None:
            if mirror is not None:
                mirror.rename(found.name, row.slug)
            found.rename(settings.folder(row))


def _remove_departed(rows: Sequence[Row], settings: Settings, mirror: Mirror | None) -> None:
    """Remove the outcomes of rows that are no longer in the manifest.

    Outcomes that another manifest has left in the same folder stay.
    """
    slugs = {row.slug for row in rows}
    for folder in sorted((Path(settings.output) / "models").glob("[!.]*")):
        stamp = resume.stamp_of(folder) if folder.name not in slugs else None
        if stamp is not None and stamp.manifest == settings.manifest:
            if mirror is not None:
                mirror.remove(folder.name)
            shutil.rmtree(folder)


def write_catalog(output: Path, outcome_in: Callable[[Path], Outcome]) -> list[Outcome]:
    """Write ``catalog.json``: all outcomes, manifest by manifest and in their order; the outcomes in it.

    Rows that have no outcome yet (``--only``, an interrupted run) are not in it.
    """
    found = []
    for path in (output / "models").glob("[!.]*/model.json"):
        stamp = resume.stamp_of(path.parent)
        try:
            outcome = outcome_in(path)
        except (OSError, msgspec.DecodeError):
            continue  # of another version of the contract, and of a manifest that has not been run since
        line = outcome.manifest.get("line", 0)
        found.append((stamp.manifest if stamp else "", int(line), outcome.slug, outcome))
    outcomes = [entry[-1] for entry in sorted(found, key=lambda entry: entry[:3])]
    # One after the other: as Python objects all entries together take three times as much memory.
    catalog = [msgspec.Raw(msgspec.json.encode(catalog_entry(outcome))) for outcome in outcomes]
    write_if_changed(output / "catalog.json", to_json(catalog))
    return outcomes


def versions() -> dict[str, str]:
    """Versions of what made the outcomes."""
    known = {"python": platform.python_version(), "zoo": zoo.__version__}
    return known | {name: metadata.version(name) for name in _VERSIONS}
