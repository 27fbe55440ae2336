"""Pictures drawn into the page as SVG: no script, and colours that follow light and dark."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import floor, log10

from markupsafe import Markup

from zoo.pages import show
from zoo.pages.escape import esc


@dataclass(frozen=True)
class Tile:
    """A rectangle of a treemap: its label, its value, where it lies."""

    label: str
    value: float
    x: float
    y: float
    width: float
    height: float


def sparkline(counts: Sequence[int], *, width: int = 96, height: int = 18) -> Markup:
    """A histogram as one path; empty for a histogram without counts."""
    top = max(counts, default=0)
    if top <= 0:
        return Markup("")
    path = [f"M0 {height}"]
    level = 0
    for place, count in zip(_places(len(counts), width), counts, strict=True):
        # A bin that holds anything shows: at least one unit high.
        tall = (round(count / top * height) or 1) if count else 0
        if tall != level:
            path.append(f"{place}{height - tall}")
            level = tall
    path.append(f"H{width}V{height}z")
    return Markup(  # noqa: S704 - numbers only
        f'<svg class="z-spark" viewBox="0 0 {width} {height}" aria-hidden="true">'
        f'<path d="{"".join(path)}"/></svg>'
    )


@functools.lru_cache(maxsize=64)
def _places(number: int, width: int) -> tuple[str, ...]:
    """The way to the left edge of each of ``number`` bins, up to its height."""
    return tuple(f"H{i * (width / number):.4g}V" for i in range(number))


def treemap(
    parts: Sequence[tuple[str, float]], *, width: float = 960, height: float = 260
) -> tuple[Tile, ...]:
    """The parts as rectangles whose areas are as their values (squarified, largest first).

    Bruls, Huizing, van Wijk: Squarified Treemaps, 2000.
    """
    left = sorted(((label, value) for label, value in parts if value > 0), key=lambda part: -part[1])
    total = sum(value for _, value in left)
    tiles: list[Tile] = []
    x = y = 0.0
    while left and total > 0:
        side = min(width, height)
        scale = width * height / total
        row, rest = _row(left, side, scale)
        area = sum(value for _, value in row) * scale
        thick = area / side
        at = 0.0
        for label, value in row:
            long = value * scale / thick
            if width >= height:
                tiles.append(Tile(label, value, x, y + at, thick, long))
            else:
                tiles.append(Tile(label, value, x + at, y, long, thick))
            at += long
        if width >= height:
            x, width = x + thick, width - thick
        else:
            y, height = y + thick, height - thick
        total -= sum(value for _, value in row)
        left = rest
        if width < 0.01 or height < 0.01:
            break
    return tuple(tiles)


def _row(
    parts: list[tuple[str, float]], side: float, scale: float
) -> tuple[list[tuple[str, float]], list[tuple[str, float]]]:
    """As many parts as keep the worst aspect ratio of the row falling, and the rest."""
    worst = float("inf")
    total = 0.0
    largest = parts[0][1]
    for i, (_, value) in enumerate(parts):
        total += value
        area = total * scale
        ratio = max(side * side * largest * scale / area**2, area**2 / (side * side * value * scale))
        if ratio > worst:
            return parts[:i], parts[i:]
        worst = ratio
    return parts, []


def treemap_svg(parts: Sequence[tuple[str, float]], *, title: str, unit: str = "parameters") -> Markup:
    """A treemap of (label, value); labels stand where they fit, every tile has its tooltip."""
    total = sum(value for _, value in parts)
    shapes = []
    for i, tile in enumerate(treemap(parts)):
        if min(tile.width, tile.height) < 4:
            continue  # a speck that nobody can point at; the tree has it
        text = f"{tile.label}: {show.count(int(tile.value))} {unit}, {show.percent(tile.value, total)}"
        label = ""
        if tile.height > 18 and tile.width > 44:
            fits = int((tile.width - 12) / 7.4)
            shown = tile.label if len(tile.label) <= fits else f"{tile.label[: max(1, fits - 1)]}…"
            label = f'<text x="{tile.x + 7:.1f}" y="{tile.y + 17:.1f}">{esc(shown)}</text>'
            if tile.height > 36 and tile.width > 60:
                label += (
                    f'<text class="z-sub" x="{tile.x + 7:.1f}" y="{tile.y + 32:.1f}">'
                    f"{esc(show.percent(tile.value, total))}</text>"
                )
        shapes.append(
            f'<g><title>{esc(text)}</title><rect class="z-c{i % 6}" x="{tile.x:.1f}" y="{tile.y:.1f}" '
            f'width="{max(0.0, tile.width - 2):.1f}" height="{max(0.0, tile.height - 2):.1f}" rx="3"/>'
            f"{label}</g>"
        )
    return _figure("z-treemap", 960, 260, title, shapes)


@dataclass(frozen=True)
class Point:
    """A dot of a scatter plot."""

    x: float
    y: float
    label: str
    group: int | None
    """The number of its colour; None for none of its own."""
    href: str | None = None


def scatter_svg(points: Sequence[Point], *, title: str, x: str, y: str) -> Markup:
    """Points on two logarithmic axes, each a link with its tooltip; both coordinates are above 0."""
    width, height, left, bottom, top, right = 960, 400, 64, 46, 14, 14
    low_x, high_x = _decades(point.x for point in points)
    low_y, high_y = _decades(point.y for point in points)

    def at(value: float, low: int, high: int, start: float, length: float) -> float:
        return start + (log10(value) - low) / (high - low) * length

    across, up = width - left - right, height - top - bottom
    shapes = []
    for power in range(low_x, high_x + 1):
        gx = at(10.0**power, low_x, high_x, left, across)
        shapes.append(
            f'<path class="z-grid" d="M{gx:.1f} {top}V{top + up}"/>'
            f'<text class="z-tick" x="{gx:.1f}" y="{top + up + 18}" text-anchor="middle">'
            f"{_power(power)}</text>"
        )
    for power in range(low_y, high_y + 1):
        gy = top + up - (at(10.0**power, low_y, high_y, 0, up))
        shapes.append(
            f'<path class="z-grid" d="M{left} {gy:.1f}H{left + across}"/>'
            f'<text class="z-tick" x="{left - 8}" y="{gy + 4:.1f}" text-anchor="end">{_power(power)}</text>'
        )
    shapes.append(
        f'<text class="z-axis" x="{left + across / 2}" y="{height - 6}" text-anchor="middle">{esc(x)}</text>'
        f'<text class="z-axis" x="14" y="{top + up / 2}" text-anchor="middle" '
        f'transform="rotate(-90 14 {top + up / 2})">{esc(y)}</text>'
    )
    for point in points:
        px = at(point.x, low_x, high_x, left, across)
        py = top + up - at(point.y, low_y, high_y, 0, up)
        colour = "" if point.group is None else f' class="z-c{point.group % 6}"'
        dot = f'<circle{colour} cx="{px:.1f}" cy="{py:.1f}" r="6"/>'
        text = f"<title>{esc(point.label)}</title>"
        if point.href:
            dot = f'<a href="{esc(point.href)}" aria-label="{esc(point.label)}">{text}{dot}</a>'
        else:
            dot = f"<g>{text}{dot}</g>"
        shapes.append(dot)
    return _figure("z-scatter", width, height, title, shapes)


def _decades(values: Iterable[float]) -> tuple[int, int]:
    logs = [log10(value) for value in values]
    low, high = floor(min(logs)), floor(max(logs)) + 1
    return low, high


def _power(power: int) -> str:
    return show.count(10**power) if power >= 0 else f"0.{'0' * (-power - 1)}1"


def _figure(kind: str, width: int, height: int, title: str, shapes: Sequence[str]) -> Markup:
    # A group of links cannot be role=img: its children would be hidden from readers.
    return Markup(  # noqa: S704 - all text in it is escaped above
        f'<svg class="{kind}" viewBox="0 0 {width} {height}" role="group" aria-label="{esc(title)}">'
        + "".join(shapes)
        + "</svg>"
    )
