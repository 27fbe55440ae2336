"""Outcomes to pages: the Markdown that MkDocs builds, and the data files beside it.

Nothing is written that is already there, and pages of rows that are gone are removed.  A page is
made again only when its outcome or this package has changed.
"""

from __future__ import annotations

import filecmp
import functools
import hashlib
import os
import shutil
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec
from markupsafe import Markup

from zoo.names import slug as safe_slug
from zoo.pages import across, escape, show, variables
from zoo.pages import model as model_page
from zoo.pages.model import View
from zoo.pages.render import model_bytes, render
from zoo.records import Outcome, RowRun, RunReport, load, to_json
from zoo.store import replacing, staging, write, write_if_changed

SMALL_ZOO = 200
"""Up to so many models, pages hold all their variables; beyond, the largest ones."""
INLINE = 400
INLINE_LARGE_ZOO = 12

SITE_LIMIT = 1 << 30
"""Bytes of all files that the site offers for download, together."""
FILE_LIMITS = (64 << 20, 16 << 20, 4 << 20, 1 << 20, 256 << 10, 64 << 10)
"""Only files up to one of these sizes are offered: the largest for which `SITE_LIMIT` holds."""

_RECORD = "model.json"
_OWN = ("model.js", "graph.js", "graph.json")
"""Not offered under their own names: what pages load, and ``graph.json``, which ``graph.js`` holds."""


class Published(msgspec.Struct, frozen=True, kw_only=True):
    """How many files were written, left as they were, and removed."""

    written: int
    unchanged: int
    removed: int


class _Known(msgspec.Struct, frozen=True):
    """What an earlier publishing found in one model, by the key of its outcome and the pages' code."""

    key: str
    tensors: tuple[across.Tensor, ...]


class _Memory(msgspec.Struct):
    """The cache beside the pages; it may be deleted at any time."""

    models: dict[str, _Known] = {}


def publish(output: Path, pages: Path) -> Published:
    """Write the pages of all outcomes in ``output`` to ``pages``, the docs_dir of MkDocs.

    Args:
        output: the job's output: ``models/<slug>/model.json`` and the files beside, ``run.json``.
        pages: where ``index.md``, ``models/<slug>.md`` and ``data/`` go.

    Raises:
        OSError: the disk is full or not writable.
    """
    return Publisher(output, pages).publish()


def _run(path: Path) -> RunReport | None:
    try:
        return load(path, RunReport)
    except (FileNotFoundError, msgspec.DecodeError):
        return None


@functools.cache
def _code() -> str:
    """A digest of what makes pages: this package and its templates."""
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.rglob("*")):
        if path.suffix in (".py", ".j2"):
            digest.update(path.read_bytes())
    return digest.hexdigest()


def _digest(record: bytes) -> bytes:
    return hashlib.sha256(record).digest()


class Publisher:
    """One publishing: where from, where to, and what was done so far."""

    def __init__(self, output: Path, pages: Path) -> None:
        self.output = output
        self.pages = pages
        self.written = self.unchanged = self.removed = 0
        self.tensors: dict[str, tuple[across.Tensor, ...]] = {}
        self._memory = self._remembered()
        self._read: dict[str, tuple[bytes, Outcome]] = {}
        """By slug: the digest of a record, and the outcome in it."""
        self._sizes = _Sizes()

    def publish(self) -> Published:
        """See `publish`; pages that `early` has made as they must be are not made again."""
        outcomes = self.outcomes()
        run = _run(self.output / "run.json")
        self.models(outcomes, manifest=run.manifest if run else "manifest.csv")
        self.lists(outcomes, run)
        self.sweep({outcome.slug for outcome in outcomes})
        return Published(written=self.written, unchanged=self.unchanged, removed=self.removed)

    def begin(self, slugs: Iterable[str]) -> None:
        """Forget what is known of pages whose outcomes are about to change, however this ends."""
        for slug in slugs:
            self._memory.models.pop(slug, None)
        if self._index.exists():
            write_if_changed(self._index, msgspec.json.encode(self._memory))

    def early(self, slug: str, *, models: int, manifest: str) -> None:
        """Make the page of one outcome before all are there, as it will most likely have to be.

        Whatever is wrong with it is for `publish` to say, which makes the page anew then.

        Args:
            slug: of the outcome.
            models: how many outcomes there will be.
            manifest: file name of the manifest, as the report of the run will have it.
        """
        # Whoever calls has better things to do than pages, and goes on without this one.
        with suppress(Exception):
            outcome = self._outcome(self.output / "models" / slug / "model.json")
            if outcome is not None:
                self._sizes.add(outcome)
                self._page(
                    outcome, inline=_inline(models), limit=self._sizes.limit(models), manifest=manifest
                )

    def put(self, path: Path, content: bytes) -> None:
        """Make the file hold ``content``."""
        if write_if_changed(path, content):
            self.written += 1
        else:
            self.unchanged += 1

    def outcomes(self) -> list[Outcome]:
        """All outcomes that can be read, in the order of the manifest."""
        paths = sorted((self.output / "models").glob("*/model.json"))
        found = [outcome for outcome in map(self._outcome, paths) if outcome is not None]
        return sorted(found, key=lambda outcome: (_line(outcome), outcome.name))

    def known(self, slug: str, record: bytes) -> Outcome | None:
        """The outcome in a record, if it was read already, as most are when their rows end."""
        digest, outcome = self._read.get(slug, (b"", None))
        return outcome if outcome is not None and digest == _digest(record) else None

    def _outcome(self, path: Path) -> Outcome | None:
        """The outcome in a file; None where it is of another version, which the job makes again."""
        content = path.read_bytes()
        known = self.known(path.parent.name, content)
        if known is not None:
            return known
        try:
            outcome = msgspec.json.decode(content, type=Outcome)
        except msgspec.DecodeError:
            return None
        # The slug becomes a path: it is taken from the folder, and only if it is one of ours.
        if outcome.slug != path.parent.name or safe_slug(outcome.slug) != outcome.slug:
            return None
        self._read[outcome.slug] = _digest(content), outcome
        return outcome

    def models(self, outcomes: Sequence[Outcome], *, manifest: str) -> None:
        """The page and the data of every model."""
        inline, limit = _inline(len(outcomes)), file_limit(outcomes)
        for outcome in outcomes:
            self._page(outcome, inline=inline, limit=limit, manifest=manifest)
        known = self._memory.models
        self._memory = _Memory({outcome.slug: known[outcome.slug] for outcome in outcomes})
        write_if_changed(self._index, msgspec.json.encode(self._memory))

    def _page(self, outcome: Outcome, *, inline: int, limit: int, manifest: str) -> None:
        """The page and the data of one model, if they are not as they must be."""
        slug = outcome.slug
        key = hashlib.sha256(
            b"\0".join((self._read[slug][0], _code().encode(), f"{inline} {limit} {manifest}".encode()))
        ).hexdigest()
        before = self._memory.models.get(slug)
        if before is not None and before.key == key and (self.pages / "models" / f"{slug}.md").exists():
            self.tensors[slug] = before.tensors
            self.unchanged += 1
            return
        self.tensors[slug] = self._model(outcome, inline=inline, limit=limit, manifest=manifest)
        self._memory.models[slug] = _Known(key, self.tensors[slug])

    @property
    def _index(self) -> Path:
        return self.pages / "data" / ".published.json"

    def _remembered(self) -> _Memory:
        try:
            return load(self._index, _Memory)
        except (FileNotFoundError, msgspec.DecodeError):
            return _Memory()

    def _model(
        self, outcome: Outcome, *, inline: int, limit: int, manifest: str
    ) -> tuple[across.Tensor, ...]:
        folder = self.output / "models" / outcome.slug
        record = (folder / _RECORD).read_bytes()
        lines = variables.read(folder / "variables.csv")
        graph = self._graph(folder / "graph.json")
        drawn = graph[1] if graph else None
        linked = {file.path for file in outcome.files if file.bytes <= limit and _plain(file.path)}
        made = {
            _RECORD: record,
            "model.js": model_page.data(outcome, lines, drawn),
        }
        if graph is not None and graph[1].nodes:
            made["graph.js"] = escape.script("zooData", f"{outcome.slug}/graph", graph[0])
        self._data(self.pages / "data" / outcome.slug, made, folder, sorted(linked))
        self.put(
            self.pages / "models" / f"{outcome.slug}.md",
            model_page.page(
                outcome,
                folder,
                lines=lines,
                drawn=drawn,
                inline=inline,
                linked=frozenset(linked),
                record=record,
                manifest=manifest,
            ),
        )
        return across.tensors(lines)

    def _data(self, data: Path, made: Mapping[str, bytes], source: Path, linked: Sequence[str]) -> None:
        """Have ``data`` hold the files ``made``, those of ``source`` that are ``linked``, and no others."""
        if not data.exists():
            # Whole or absent, like a file: none of them has to be made beside its place.
            with staging(data) as staged:
                for name, content in made.items():
                    if name != _RECORD:
                        write(f"{staged}/{name}", content)
                        self.written += 1
                for name in (_RECORD, *linked):
                    self._offer(f"{source}/{name}", f"{staged}/{name}", new=True)
            return
        for name, content in made.items():
            self.put(data / name, content)
        for name in linked:
            self._offer(f"{source}/{name}", f"{data}/{name}")
        for path in data.iterdir():
            if path.name not in made and path.name not in linked:
                path.unlink()
                self.removed += 1

    def _graph(self, path: Path) -> tuple[bytes, model_page.Drawn] | None:
        """A ``graph.json`` as it is, and what the page tells of it."""
        try:
            content = path.read_bytes()
            return content, msgspec.json.decode(content, type=model_page.Drawn)
        except (FileNotFoundError, msgspec.DecodeError):
            return None

    def _offer(self, source: str, target: str, *, new: bool = False) -> None:
        """Put a file on the site: the same file under a second name where the disk can do that."""
        # Not by Path: there are six of them a page, which take as long as the links.
        try:
            if not new and os.path.exists(target):  # noqa: PTH110
                if os.path.samefile(target, source):  # noqa: PTH121
                    self.unchanged += 1
                    return
                os.unlink(target)  # noqa: PTH108
            os.link(source, target)
        except FileNotFoundError:
            return  # the outcome names a file that somebody removed
        except OSError:
            # Another disk, or one without links.
            with replacing(Path(target)) as partial:
                shutil.copyfile(source, partial)
        self.written += 1

    def _copy(self, source: Path, target: Path) -> None:
        """Make the file hold what another one does, which may be too much for memory."""
        if target.exists() and filecmp.cmp(source, target, shallow=False):
            self.unchanged += 1
            return
        with replacing(target) as partial:
            shutil.copyfile(source, partial)
        self.written += 1

    def lists(self, outcomes: Sequence[Outcome], run: RunReport | None) -> None:
        """The pages over all models: catalog, across the zoo, failures, run; and their data."""
        views = [View(outcome) for outcome in outcomes]
        self.put(self.pages / "index.md", render("index.md.j2", outcomes=views, **_totals(outcomes)))
        self.put(self.pages / "failures.md", self._failures(views))
        self.put(self.pages / "across.md", render("across.md.j2", **across.facts(outcomes, self.tensors)))
        self.put(self.pages / "run.md", _run_page(run, views))
        self.put(self.pages / "data" / "catalog.js", escape.script("zooData", "catalog", _catalog(outcomes)))
        catalog = self.output / "catalog.json"
        if catalog.exists():
            self._copy(catalog, self.pages / "data" / "catalog.json")
        else:
            self.put(
                self.pages / "data" / "catalog.json",
                to_json([{"slug": o.slug, "name": o.name} for o in outcomes]),
            )
        if run is not None:
            self.put(self.pages / "data" / "run.json", to_json(run))
            when = {"started": show.moment(run.started), "seconds": run.seconds, "rows": len(run.rows)}
            self.put(self.pages / "data" / "run.js", escape.script("zooData", "run", when))

    def _failures(self, views: Sequence[View]) -> bytes:
        failed = [view for view in views if view.failure is not None]
        stages = Counter(view.failure.stage for view in failed)
        order = {stage: i for i, stage in enumerate(model_page.STAGES)}
        failed.sort(key=lambda view: (view.expected, order.get(view.failure.stage, 99)))
        return render(
            "failures.md.j2",
            total=len(views),
            failed=[(view, _partial(view.outcome)) for view in failed],
            stages=sorted(stages.items(), key=lambda item: order.get(item[0], 99)),
            unexpected_reads=[view for view in views if view.failure is None and not view.expected],
        )

    def sweep(self, slugs: set[str]) -> None:
        """Remove pages and data of models that are no longer there."""
        for path in (self.pages / "models").glob("*.md"):
            if path.stem not in slugs:
                path.unlink()
                self.removed += 1
        data = self.pages / "data"
        for folder in [path for path in data.iterdir() if path.is_dir() and path.name not in slugs]:
            shutil.rmtree(folder)
            self.removed += 1


def _inline(models: int) -> int:
    """How many variables a page holds, in a zoo of so many models."""
    return INLINE if models <= SMALL_ZOO else INLINE_LARGE_ZOO


def file_limit(outcomes: Iterable[Outcome]) -> int:
    """Up to which size files are offered for download, so that the site stays within `SITE_LIMIT`."""
    sizes = _Sizes()
    for outcome in outcomes:
        sizes.add(outcome)
    return sizes.limit(sizes.models)


class _Sizes:
    """How much the files are that may be offered for download, by limit."""

    def __init__(self) -> None:
        self.models = 0
        self._sums = [0] * len(FILE_LIMITS)

    def add(self, outcome: Outcome) -> None:
        self.models += 1
        for file in outcome.files:
            for i, limit in enumerate(FILE_LIMITS):
                if file.bytes > limit:
                    break
                self._sums[i] += file.bytes

    def limit(self, models: int) -> int:
        """The limit for so many models in all, if the others are like these."""
        for limit, total in zip(FILE_LIMITS, self._sums, strict=True):
            if total * models <= SITE_LIMIT * self.models:
                return limit
        return 0


def _plain(name: str) -> bool:
    return (
        name not in _OWN and not name.startswith(".") and Path(name).name == name and not name.endswith(".md")
    )


def _line(outcome: Outcome) -> int:
    line = outcome.manifest.get("line", 0)
    return line if isinstance(line, int) else 0


def _totals(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    statuses = Counter(str(outcome.status) for outcome in outcomes)
    held = [outcome for outcome in outcomes if outcome.variables is not None]
    return {
        "counts": {
            "frozen": statuses["frozen"],
            "read": statuses["read"],
            "failed": statuses["failed"],
            "unexpected": sum(not outcome.expected for outcome in outcomes),
        },
        "totals": {
            "parameters": sum(outcome.variables.parameters for outcome in held if outcome.variables),
            "bytes": sum(model_bytes(outcome) for outcome in held),
            "archives": sum(archive.bytes for outcome in outcomes for archive in outcome.archives),
        },
    }


def _partial(outcome: Outcome) -> str:
    """What was learned before a failure, in a few words."""
    known = []
    if outcome.archives:
        known.append(f"archive of {show.size(sum(archive.bytes for archive in outcome.archives))}")
    if outcome.format is not None:
        known.append(outcome.format.label)
    if outcome.graph is not None:
        known.append(show.plural(outcome.graph.nodes, "op"))
    if outcome.variables is not None and outcome.variables.count:
        known.append(show.plural(outcome.variables.count, "variable"))
    return ", ".join(known)


def _catalog(outcomes: Sequence[Outcome]) -> list[dict[str, Any]]:
    """The facts that pages compare, by model."""
    rows = []
    for outcome in outcomes:
        variables_, frozen, compute = outcome.variables, outcome.frozen, outcome.compute
        rows.append(
            {
                "slug": outcome.slug,
                "name": escape.visible(outcome.name),
                "status": show.status_label(outcome),
                "format": outcome.format.label if outcome.format else None,
                "family": escape.visible(str(outcome.manifest.get("family", ""))),
                "task": escape.visible(str(outcome.manifest.get("task", ""))),
                "parameters": variables_.parameters if variables_ else None,
                "variables": variables_.count if variables_ else None,
                "weights": model_bytes(outcome) if variables_ else None,
                "flops": compute.flops if compute else None,
                "ops": outcome.graph.nodes + outcome.graph.nodes_in_functions if outcome.graph else None,
                "frozen_ops": frozen.nodes if frozen else None,
                "frozen_bytes": frozen.bytes if frozen else None,
                "archive": sum(archive.bytes for archive in outcome.archives) or None,
                "inputs": [
                    f"{item.name} {item.dtype} {show.shape(item.shape)}" for item in show.data_inputs(outcome)
                ],
                "outputs": [f"{item.name} {item.dtype} {show.shape(item.shape)}" for item in outcome.outputs],
                "producer": outcome.format.producer if outcome.format else None,
            }
        )
    return rows


def _run_page(run: RunReport | None, views: Sequence[View]) -> bytes:
    if run is None:
        return render("run.md.j2", run=None)
    by_slug: Mapping[str, View] = {view.slug: view for view in views}
    spent: Counter[str] = Counter()
    for row in run.rows:
        if not row.resumed:
            spent.update(row.stages)
    fresh = [row for row in run.rows if not row.resumed]
    return render(
        "run.md.j2",
        run=run,
        done={
            "fresh": len(fresh),
            "resumed": len(run.rows) - len(fresh),
            "downloaded": sum(row.downloaded for row in run.rows),
            "cached": sum(row.cached for row in fresh),
            "retries": sum(row.retries for row in run.rows),
            "lost": sum(row.lost_workers for row in run.rows),
            "seconds": sum(spent.values()),
        },
        stages=[item for item in spent.most_common() if item[1] > 0],
        rows=[(row, by_slug.get(row.slug)) for row in sorted(run.rows, key=lambda row: -row.seconds)],
        stage_class=_stage_class,
        stage_bar=functools.partial(_stage_bar, longest=max((row.seconds for row in fresh), default=0.0)),
    )


def _stage_class(stage: str) -> str:
    """The colour of a stage."""
    return f"z-c{model_page.STAGES.index(stage)}" if stage in model_page.STAGES else ""


def _stage_bar(row: RowRun, *, longest: float) -> Any:
    """The stages of a row as one bar, as long as its share of the slowest row."""
    parts = "".join(
        f'<i class="{_stage_class(stage)}" style="width:{100 * spent / longest:.2f}%"'
        f' title="{escape.esc(f"{stage} {show.seconds(spent)}")}"></i>'
        for stage, spent in row.stages.items()
        if longest and spent / longest > 0.002 and not row.resumed
    )
    return Markup(f'<span class="z-stack">{parts}</span>')  # noqa: S704 - escaped above
