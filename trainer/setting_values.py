"""What settings of a form of their own become; a ValueError where they have another form."""

from __future__ import annotations

import math
from typing import Any

from .metrics import only_asked


def read_class_weight(value: Any) -> str | dict[str, float]:
    """Return "balanced", or weights by the names of classes."""
    if value == "balanced":
        return "balanced"
    if not isinstance(value, dict) or not value:
        raise ValueError(value)
    from .data.table import text_of

    return {text_of(name): _number(weight, 0.0) for name, weight in value.items()}


def read_name(value: Any) -> str:
    """Return the name of a class as data sets have it: "3" for 3."""
    if not isinstance(value, str | int | float):
        raise ValueError(value)
    from .data.table import text_of

    return text_of(value)


def read_model(value: Any) -> str:
    """Return the name of a trial or the path of a file."""
    if not isinstance(value, str) or not 0 < len(value) <= 4096:
        raise ValueError(value)
    return value


def read_threshold(value: Any) -> float | str:
    """Return a number in (0, 1), or "dev"."""
    if value == "dev":
        return "dev"
    share = _number(value, 0.0)
    if not 0 < share < 1:
        raise ValueError(value)
    return share


def read_price(value: Any) -> tuple[tuple[float, ...], ...]:
    """Return a square of numbers."""
    if not isinstance(value, list | tuple) or len(value) < 2:
        raise ValueError(value)
    if any(not isinstance(row, list | tuple) or len(row) != len(value) for row in value):
        raise ValueError(value)
    return tuple(tuple(_number(price, -math.inf) for price in row) for row in value)


def read_metrics(value: Any) -> tuple[str, ...]:
    """Return names of metrics that are computed only where they are named."""
    if not isinstance(value, list | tuple) or not all(isinstance(name, str) for name in value):
        raise ValueError(value)
    if list(value) != only_asked(value):
        raise ValueError(value)
    return tuple(value)


def _number(value: Any, low: float) -> float:
    if isinstance(value, bool | str) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(value)
    if value < low:
        raise ValueError(value)
    return float(value)
