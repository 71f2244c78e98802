"""Learning curves as a small picture in SVG, with no package but Python's own library."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape
from typing import NamedTuple

WIDTH, HEIGHT = 560, 180
LEFT, RIGHT, TOP, BOTTOM = 64, 8, 10, 24  # margins, for the labels


class Line(NamedTuple):
    """A curve: its points, whether it leads, and what a pointer over it reads."""

    xs: Sequence[float]
    ys: Sequence[float | None]  # None where not finite
    leading: bool
    title: str


def draw(lines: Sequence[Line], label: str) -> str:
    """Return the lines as SVG; nothing where there is no point to draw."""
    points = [[(x, y) for x, y in zip(one.xs, one.ys, strict=True) if _finite(y)] for one in lines]
    xs = [x for some in points for x, _ in some]
    ys = [y for some in points for _, y in some if y is not None]
    if not ys:
        return ""
    (low, high), (first, last) = _ends(ys), _ends(xs)

    def place(x: float, y: float) -> str:
        across = LEFT + (WIDTH - LEFT - RIGHT) * (x - first) / (last - first)
        down = TOP + (HEIGHT - TOP - BOTTOM) * (high - y) / (high - low)
        return f"{across:.1f},{down:.1f}"

    drawn = [
        _line(" ".join(place(x, y) for x, y in some if y is not None), one)
        for one, some in sorted(zip(lines, points, strict=True), key=lambda pair: pair[0].leading)
        if some
    ]
    bottom = HEIGHT - BOTTOM
    texts = [
        _text(LEFT - 6, TOP + 8, f"{high:.4g}", "end"),
        _text(LEFT - 6, bottom, f"{low:.4g}", "end"),
        _text(LEFT, HEIGHT - 6, f"{first:.6g}", "start"),
        _text(WIDTH - RIGHT, HEIGHT - 6, f"{last:.6g}", "end"),
        _text((LEFT + WIDTH) / 2, HEIGHT - 6, label, "middle"),
    ]
    frame = (
        f'<path d="M{LEFT},{TOP}V{bottom}H{WIDTH - RIGHT}" fill="none" stroke="currentColor" opacity=".4"/>'
    )
    size = f'viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}"'
    inside = "".join([frame, *drawn, *texts])
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img">{inside}</svg>'


def _finite(value: float | None) -> bool:
    return value is not None and math.isfinite(value)


def _ends(values: Sequence[float]) -> tuple[float, float]:
    """Return the ends of an axis, apart even where all values are one."""
    low, high = min(values), max(values)
    return (low, high) if high > low else (low - 0.5, low + 0.5)


def _line(points: str, one: Line) -> str:
    colour, width, opacity = ("#2563eb", 1.8, 1) if one.leading else ("#9ca3af", 1, 0.6)
    title = f"<title>{escape(one.title, quote=False)}</title>"
    if " " not in points:
        x, y = points.split(",")
        return f'<circle cx="{x}" cy="{y}" r="2.5" fill="{colour}">{title}</circle>'
    look = f'stroke="{colour}" stroke-width="{width}" opacity="{opacity}"'
    return f'<polyline points="{points}" fill="none" {look}>{title}</polyline>'


def _text(x: float, y: float, text: str, anchor: str) -> str:
    look = 'font-size="11" font-family="sans-serif" fill="currentColor"'
    return f'<text x="{x}" y="{y}" text-anchor="{anchor}" {look}>{escape(text, quote=False)}</text>'
