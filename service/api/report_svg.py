"""Pictures of a report as SVG: lines over numbers, and bars. Colours come from the page they stand in."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT = 720, 280
LEFT, RIGHT, TOP, BOTTOM = 64, 12, 10, 40
MOST_POINTS = 600  # of a line; more are not seen
TICKS = 5


@dataclass(frozen=True)
class Line:
    """A series; NaN leaves a gap. `dots` draws points that are not joined."""

    name: str
    x: Sequence[float]
    y: Sequence[float]
    dots: bool = False


def lines(
    series: Sequence[Line], x_name: str, y_name: str, write: Callable[[float], str] = "{:.4g}".format
) -> str:
    """Return a chart of some series, the first one in the first colour; `write` writes values of y."""
    shown = [(one, _points(one)) for one in series]
    points = [point for _, some in shown for point in some]
    if not points:
        return ""
    x_low, x_high = _span([x for x, _ in points])
    y_low, y_high = _span([y for _, y in points])
    wide, high = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM

    def place(point: tuple[float, float]) -> tuple[float, float]:
        x, y = point
        return LEFT + wide * (x - x_low) / (x_high - x_low), TOP + high * (y_high - y) / (y_high - y_low)

    parts = []
    for tick in ticks(y_low, y_high):
        _, y = place((x_low, tick))
        parts.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{write(tick)}</text>')
    for tick in ticks(x_low, x_high):
        x, _ = place((tick, y_low))
        parts.append(f'<text x="{x:.1f}" y="{HEIGHT - BOTTOM + 16}" text-anchor="middle">{tick:.4g}</text>')
    for number, (one, some) in enumerate(shown):
        row = f'x="{WIDTH - RIGHT}" y="{TOP + 12 + 15 * number}" text-anchor="end"'
        parts.append(f'<text class="k{number}" {row}>{escape(one.name)}</text>')
        parts.append(_series(one, [place(point) for point in some], number))
    parts.append(
        f'<text x="{LEFT + wide / 2:.0f}" y="{HEIGHT - 6}" text-anchor="middle">{escape(x_name)}</text>'
    )
    middle = TOP + high / 2
    parts.append(
        f'<text x="12" y="{middle:.0f}" text-anchor="middle" transform="rotate(-90 12 {middle:.0f})">'
        f"{escape(y_name)}</text>"
    )
    named = f"{y_name} by {x_name}: {', '.join(one.name for one in series)}"
    return _document(WIDTH, HEIGHT, named, parts)


def _series(one: Line, places: Sequence[tuple[float, float]], number: int) -> str:
    name = f"<title>{escape(one.name)}</title>"
    if one.dots:
        dots = "".join(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.5"/>' for x, y in places)
        return f'<g class="dots s{number}">{name}{dots}</g>'
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    return f'<polyline class="s{number}" points="{path}">{name}</polyline>'


def bars(shares: Mapping[str, float]) -> str:
    """Return horizontal bars of shares of 1, in the order given."""
    if not shares:
        return ""
    row, left = 24, 190
    most = max(*shares.values(), 1e-9)
    parts = []
    for place, (name, share) in enumerate(shares.items()):
        y = 6 + row * place
        wide = (WIDTH - left - 70) * max(share, 0.0) / most
        shown = name if len(name) <= 26 else f"{name[:25]}…"
        parts.append(f'<text x="{left - 8}" y="{y + 13}" text-anchor="end">{escape(shown)}</text>')
        parts.append(f'<rect class="s0" x="{left}" y="{y}" width="{wide:.1f}" height="16" rx="2"/>')
        parts.append(f'<text x="{left + wide + 6:.1f}" y="{y + 13}">{100 * share:.0f} %</text>')
    return _document(WIDTH, 12 + row * len(shares), f"Shares: {', '.join(shares)}", parts)


def ticks(low: float, high: float) -> list[float]:
    """Return round numbers between two others."""
    raw = (high - low) / TICKS
    unit = 10.0 ** math.floor(math.log10(raw))
    step = next(unit * factor for factor in (1, 2, 5, 10) if unit * factor >= raw)
    first = math.ceil(low / step - 1e-9)
    return [step * one for one in range(first, math.floor(high / step + 1e-9) + 1)]


def _points(one: Line) -> list[tuple[float, float]]:
    """Return the points of a series that there are, of very many an even spread."""
    known = [(float(x), float(y)) for x, y in zip(one.x, one.y, strict=True) if math.isfinite(y)]
    if len(known) <= MOST_POINTS:
        return known
    step = (len(known) - 1) / (MOST_POINTS - 1)
    return [known[round(place * step)] for place in range(MOST_POINTS)]


def _span(values: Sequence[float]) -> tuple[float, float]:
    low, high = min(values), max(values)
    if high - low <= 1e-12 * max(abs(low), abs(high), 1e-300):
        half = abs(low) / 2 or 0.5
        return low - half, high + half
    return low, high


def _document(width: int, height: int, name: str, parts: Sequence[str]) -> str:
    return (
        f'<svg viewBox="0 0 {width} {height}" role="img" aria-label="{escape(name, quote=True)}" '
        f'xmlns="http://www.w3.org/2000/svg">{"".join(parts)}</svg>'
    )
