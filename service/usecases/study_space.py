"""The space of a study, as Caviar shows it: what its trials have suggested so far."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

import orjson

from caviar.search.problem import SearchError
from caviar.search.spec import SearchSpec
from caviar.service.errors import RefusedError
from caviar.service.store import searches as search_rows
from caviar.service.store.transaction import Transaction

Suggested = Mapping[str, tuple[float, str]]  # by name: the value as Optuna codes it, its distribution as JSON
REMEDY = "send what optuna.distributions.distribution_to_json gives"


@lru_cache(maxsize=4096)
def distribution_of(text: str) -> Any:
    """Return a distribution of Optuna. Raises RefusedError."""
    from optuna.distributions import json_to_distribution  # Optuna takes a second to load

    try:
        return json_to_distribution(text)
    except (ValueError, KeyError, TypeError) as error:
        raise RefusedError.of(
            "params", f"{text[:200]!r} is no distribution of Optuna: {error}", REMEDY
        ) from None


def shown(suggested: Suggested) -> dict[str, Any]:
    """Return a point as people read it; what JSON cannot hold is text. Raises RefusedError."""
    return {name: _value(distribution_of(text), code) for name, (code, text) in suggested.items()}


def _value(distribution: Any, code: float) -> Any:
    try:
        value = distribution.to_external_repr(code)
        return json.loads(json.dumps(value), parse_constant=str)
    except (ValueError, TypeError, IndexError, OverflowError) as error:
        remedy = "send the internal representation of the value"
        raise RefusedError.of("params", f"{code!r} is no value of {distribution}: {error}", remedy) from None


@lru_cache(maxsize=4096)
def _entry(text: str) -> dict[str, Any] | None:
    """Return the definition of a parameter; None where a space has no place for it."""
    from caviar.search.optuna_bridge import parameter_of

    try:
        found = parameter_of(distribution_of(text)).model_dump(
            mode="json", exclude_none=True, exclude_defaults=True
        )
        SearchSpec.parse({"space": {"it": found}, "trainer": "external", "budget": {"trials": 1}})
    except (ValueError, SearchError):
        return None
    return found


def learn(tx: Transaction, search: int, points: Iterable[Suggested]) -> None:
    """Widen the space of a study by what trials have suggested."""
    row = search_rows.get(tx, search)
    spec = orjson.loads(row.spec)
    space, before = spec["space"], dict(spec["space"])
    for name, text in dict.fromkeys((name, text) for point in points for name, (_, text) in point.items()):
        found = _entry(text)
        if found is not None:
            space[name] = _wider(space.get(name), found)
    if space == before:
        return
    try:
        SearchSpec.parse(spec)
    except SearchError:  # a name or a number of parameters that a space does not take
        return
    search_rows.change(tx, search, spec=orjson.dumps(spec).decode(), version=row.version + 1)


def _wider(known: dict[str, Any] | None, found: dict[str, Any]) -> dict[str, Any]:
    """Return a definition that holds what two hold, if both are ranges of a kind; else the first one."""
    if known is None or "value" in known:
        return found
    if any("low" not in one for one in (known, found)):
        return known
    ends = {"low": min(known["low"], found["low"]), "high": max(known["high"], found["high"])}
    alike = {**known, **ends} == {**found, **ends}
    return {**known, **ends} if alike else known
