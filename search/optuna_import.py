"""What the trials of a foreign Optuna study say of its space: conditions, per-layer parameters, points.

Optuna keeps no conditions: a trial simply lacks what its code did not ask for. What always goes with the
value of another parameter is taken for its condition, and each such conclusion is told.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from optuna.distributions import BaseDistribution, CategoricalDistribution, IntDistribution
from optuna.trial import FrozenTrial

from caviar.search.optuna_bridge import parameter_of
from caviar.search.parameters import identity
from caviar.search.problem import written

_LAYER = re.compile(r"(.+)\.(\d{1,3})")


@dataclass
class Inferred:
    """A space and what is to be known about it."""

    space: dict[str, Any] = field(default_factory=dict)
    layered: frozenset[str] = frozenset()
    told: list[str] = field(default_factory=list)  # conclusions from the trials
    lost: list[str] = field(default_factory=list)  # what could not be kept


def infer(trials: Sequence[FrozenTrial], whole: Sequence[FrozenTrial]) -> Inferred:
    """Return the space of all trials; conditions follow from those that are `whole`, the completed ones."""
    latest: dict[str, BaseDistribution] = {}
    for trial in trials:
        for name, found in trial.distributions.items():
            latest.pop(name, None)
            latest[name] = found
    result = Inferred()
    points = [trial.params for trial in whole]
    lengths = _lengths(latest, points)
    result.layered = frozenset(lengths)
    joined = [join_layers(point, result.layered) for point in points]
    for name, found in latest.items():
        match = _LAYER.fullmatch(name)
        base = match[1] if match and match[1] in lengths else name
        if base in result.space:
            continue
        entry = parameter_of(found).model_dump(mode="json", exclude_none=True, exclude_defaults=True)
        if base in lengths:
            entry["each"] = lengths[base]
        _note_condition(result, base, entry, latest, joined)
        result.space[base] = entry
    return result


def join_layers(point: Mapping[str, Any], layered: frozenset[str]) -> dict[str, Any]:
    """Return a point whose entries `units.0`, `units.1` are a list again."""
    joined: dict[str, Any] = {}
    lists: dict[str, dict[int, Any]] = {}
    for name, value in point.items():
        match = _LAYER.fullmatch(name)
        if match and match[1] in layered:
            lists.setdefault(match[1], {})[int(match[2])] = value
            joined[match[1]] = None  # its place
        else:
            joined[name] = value
    return joined | {name: [entries[layer] for layer in sorted(entries)] for name, entries in lists.items()}


def _lengths(latest: Mapping[str, BaseDistribution], points: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return for each per-layer parameter what sets its length: a number, or another parameter."""
    bases: dict[str, set[int]] = {}
    for name in latest:
        if match := _LAYER.fullmatch(name):
            bases.setdefault(match[1], set()).add(int(match[2]))
    found: dict[str, Any] = {}
    for base, layers in bases.items():
        alike = {repr(latest[f"{base}.{layer}"]) for layer in layers}
        if base in latest or layers != set(range(len(layers))) or len(alike) > 1:
            continue
        counts = [sum(f"{base}.{layer}" in point for layer in layers) for point in points]
        gapless = all(
            f"{base}.{layer}" in point
            for point, count in zip(points, counts, strict=True)
            for layer in range(count)
        )
        deciders = [
            name
            for name, one in latest.items()
            if isinstance(one, IntDistribution)
            and one.high == len(layers)
            and all(
                not count or point.get(name) == count for point, count in zip(points, counts, strict=True)
            )
        ]
        if gapless and deciders:
            found[base] = deciders[0]
        elif gapless and {*counts} - {0} == {len(layers)} and len(layers) > 1:
            found[base] = len(layers)
    return found


def _note_condition(
    result: Inferred,
    name: str,
    entry: dict[str, Any],
    latest: Mapping[str, BaseDistribution],
    points: Sequence[Mapping[str, Any]],
) -> None:
    """Add the condition of a parameter that some points lack."""
    has = [point for point in points if name in point]
    lacks = [point for point in points if name not in point]
    if not lacks or not has:
        return
    for decider in sorted(latest, key=lambda one: isinstance(latest[one], IntDistribution)):
        wanted = _separates(decider, latest[decider], has, lacks)
        if wanted is not None:
            entry["when"] = {decider: wanted}
            condition = f"{decider}: {written(wanted)}"
            result.told.append(f"{name} is there where {condition}, as in all {len(points)} completed trials")
            return
    result.lost.append(
        f"when {name} is there: {len(lacks)} of {len(points)} completed trials lack it, and no one parameter "
        "says why; give it a `when`"
    )


def _separates(
    name: str, kind: BaseDistribution, has: Sequence[Mapping[str, Any]], lacks: Sequence[Mapping[str, Any]]
) -> Any:
    """Return the values of a parameter that tell points apart: a list, a range, None where it does not."""
    if not all(name in point for point in has) or not any(name in point for point in lacks):
        return None
    inside = [point[name] for point in has]
    outside = [point[name] for point in lacks if name in point]
    if isinstance(kind, CategoricalDistribution):
        keys = {identity(value) for value in inside}
        if keys & {identity(value) for value in outside}:
            return None
        values = [value for value in kind.choices if identity(value) in keys]
        return values[0] if len(values) == 1 else values
    if isinstance(kind, IntDistribution) and min(inside) > max(outside):
        return {"low": min(inside)}
    if isinstance(kind, IntDistribution) and max(inside) < min(outside):
        return {"high": max(inside)}
    return None
