"""Bodies of requests: JSON has no NaN and no infinity, and a setting must not become null on its way."""

import math
from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from caviar.errors import CaviarError, InvalidError, Problem

REMEDY = "give a finite one, or leave it out"


def write_body(data: Any) -> bytes:
    """Write data as JSON, arrays as lists.

    Raises InvalidError that names every number that is not finite, CaviarError for what JSON cannot hold.
    """
    given = plain(data)
    problems = [Problem(place, f"{value} is not a finite number", REMEDY) for place, value in _odd(given)]
    if problems:
        raise InvalidError(422, "Numbers that are not finite cannot be sent", problems=problems)
    try:
        return orjson.dumps(given)
    except TypeError as error:
        raise CaviarError(f"This cannot be sent as JSON: {error}") from None


def plain(value: Any) -> Any:
    """Return a copy in which arrays and numbers of NumPy and the like are lists and numbers of Python."""
    if isinstance(value, Mapping):
        return {plain(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value.tolist() if hasattr(value, "tolist") else value


def _odd(value: Any, place: str = "") -> Iterator[tuple[str, float]]:
    """Find the numbers that are not finite, with their places."""
    if isinstance(value, float) and not math.isfinite(value):
        yield place, value
    elif isinstance(value, Mapping):
        for name, item in value.items():
            yield from _odd(item, f"{place}.{name}" if place else str(name))
    elif isinstance(value, list):
        for position, item in enumerate(value):
            yield from _odd(item, f"{place}.{position}" if place else str(position))
