"""A curve in a terminal: two by four dots per character."""

import itertools
import math
from collections.abc import Sequence

BASE = 0x2800
DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))  # by row, then column, of one character


def plot(values: Sequence[float], width: int, height: int, log: bool = False) -> list[str]:
    """Draw values from left to right, the largest at the top; gives `height` lines of `width` characters.

    More values than dots are thinned to the mean of each column; values that are not finite are left out.
    """
    columns = _columns([_scaled(value, log) for value in values], 2 * width)
    finite = [value for value in columns if math.isfinite(value)]
    cells = [[BASE] * width for _ in range(height)]
    if finite:
        low, high = min(finite), max(finite)
        for column, value in enumerate(columns):
            if math.isfinite(value):
                share = (high - value) / (high - low) if high > low else 0.5
                row = min(4 * height - 1, int(share * (4 * height - 1) + 0.5))
                cells[row // 4][column // 2] |= DOTS[row % 4][column % 2]
    return ["".join(map(chr, line)) for line in cells]


def _scaled(value: float, log: bool) -> float:
    if value is None or not math.isfinite(value) or (log and value <= 0):
        return math.nan
    return math.log10(value) if log else value


def _columns(values: Sequence[float], count: int) -> list[float]:
    if len(values) <= count:
        return list(values)
    edges = [len(values) * place // count for place in range(count + 1)]
    means = []
    for begin, end in itertools.pairwise(edges):
        finite = [value for value in values[begin:end] if math.isfinite(value)]
        means.append(sum(finite) / len(finite) if finite else math.nan)
    return means
