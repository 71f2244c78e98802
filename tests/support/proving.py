"""Records of searches for tests of proofs, and ways to change one value in them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from copy import deepcopy
from typing import Any

import numpy as np

from tests.support.inprocess import App
from tests.support.inprocess_agents import transport

Path = tuple[str, ...]


def record_of(app: App, search: int) -> dict[str, Any]:
    """Return the record of a search."""
    found = app.request("GET", f"/api/v1/searches/{search}/record")
    assert found.status_code == 200, found.text
    assert found.json()["next"] is None
    return {name: value for name, value in found.json().items() if name != "next"}


def fetching(app: App) -> Any:
    """Return how uploaded data sets are fetched from an application."""
    return lambda number: transport(app).pieces(f"/datasets/{number}/content")


def kept_files(app: App) -> Any:
    """Return how checkpoints and models are read from an application."""
    return lambda number: app.request("GET", f"/api/v1/checkpoints/{number}").content


def leaves(of: Mapping[str, Any], before: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Go through the single values of a part of a record."""
    for name, value in of.items():
        if isinstance(value, dict) and value:
            yield from leaves(value, (*before, name))
        else:
            yield (*before, name), value


def changed(record: Mapping[str, Any], trial: int | None, path: Path, value: Any) -> dict[str, Any]:
    """Return a record in which one value of a trial, or of the search, is another one."""
    other = deepcopy(dict(record))
    place = other["search"] if trial is None else other["trials"][trial]
    for name in path[:-1]:
        place = place[name]
    place[path[-1]] = value
    return other


def another(value: Any, single: bool = False) -> Any:
    """Return a value that differs by as little as can be; `single`: of 32 bits."""
    match value:
        case None:
            return 1
        case bool():
            return not value
        case int():
            return value + 1
        case float():
            up = (
                np.nextafter(np.float32(value), np.float32(math.inf))
                if single
                else math.nextafter(value, math.inf)
            )
            return float(str(up)) if single else up
        case str():
            return f"{value[:-1]}{'x' if value[-1:] != 'x' else 'y'}"
        case list():
            return [*value[:-1], another(value[-1], single)] if value else [1]
        case _:
            return {"x": 1}
