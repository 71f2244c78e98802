"""Parameters of a space that have no effect with the settings beside them, and what cannot train."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from caviar import trainers
from caviar.search.conditions import when_holds
from caviar.search.parameters import Choice, Fixed, Range
from caviar.search.problem import written
from caviar.search.spec import SearchSpec
from caviar.service.errors import FieldProblem
from caviar.trainer import effects

MLP = "mlp"
MOST_LEVELS = 1000  # of a range that are looked at one by one


def problems_of(spec: SearchSpec) -> list[FieldProblem]:
    """Find parameters that some or all trials would vary without any effect."""
    if spec.trainer != MLP:
        return []
    found = []
    for name, parameter in spec.space.root.items():
        one = isinstance(parameter, Fixed) or len(getattr(parameter, "choices", "12")) == 1
        if one or isinstance(getattr(parameter, "each", None), str):
            continue  # it does not vary, or is of as many entries as there are layers: none of none
        for other in effects.needs(name):
            found += _without_effect(spec, name, other)
    return found


def augmentation_problems(
    spec: SearchSpec, dataset: Mapping[str, Any], known: Mapping[str, Any] | None
) -> list[FieldProblem]:
    """Find an augmentation of what is no image, by what is known of a resolved data set."""
    if spec.trainer != MLP or known is None or dataset.get("image_shape") or known.get("image_shape"):
        return []
    if dataset.get("arrays") != (known.get("options") or {}).get("arrays"):
        return []  # others than were looked at
    kinds = [one for one in values_of(spec, "augmentation") if one not in (None, "none")]
    if not kinds:
        return []
    field = "space.augmentation" if "augmentation" in spec.space.root else "settings.augmentation"
    remedy = "give dataset.image_shape, or leave augmentation out"
    return [FieldProblem(field, f"{kinds[0]}: {known.get('name') or 'the data set'} has no images", remedy)]


def matter(spec: SearchSpec) -> list[str]:
    """Return the parameters that can have an effect in some trial."""
    if spec.trainer != MLP:
        return list(spec.space.root)
    known = {other: values_of(spec, other) for name in spec.space.root for other in effects.needs(name)}
    return [name for name in spec.space.root if effects.matters(name, known)]


def _without_effect(spec: SearchSpec, name: str, other: str) -> list[FieldProblem]:
    when = spec.space.root[name].when or {}
    scheduled = [turn.set[other] for turn in spec.schedule if other in turn.set]
    if any(effects.works_with(name, other, value) for value in scheduled):
        return []
    values = values_of(spec, other)
    if other in when:
        values = [value for value in values if when_holds({other: when[other]}, {other: value})]
    idle = [value for value in values if not effects.works_with(name, other, value)]
    if not idle:
        return []
    working = effects.working(name, other)
    if len(idle) < len(values):
        remedy = f"give it the condition when: {{{other}: {working}}}"
    else:
        remedy = f"take it out of the space, or set {other}: {working.replace('{low: 1}', '1 or more')}"
    shown = ", ".join(dict.fromkeys(written(value) for value in idle))
    return [FieldProblem(f"space.{name}", f"has no effect with {other}: {shown}", remedy)]


def values_of(spec: SearchSpec, setting: str) -> list[Any]:
    """Return the values that a setting may have in a trial; None stands for any."""
    parameter = spec.space.root.get(setting)
    if parameter is None:
        return [spec.settings.get(setting, _default(setting))]
    match parameter:
        case Choice(choices=choices):
            values: list[Any] = list(choices)
        case Fixed(value=value):
            values = [value]
        case Range(type="int", low=low, high=high) if high - low < MOST_LEVELS:
            values = list(range(int(low), int(high) + 1))
        case _:
            values = [None]
    return values if parameter.when is None else [*values, _default(setting)]


def _default(setting: str) -> Any:
    trainer = trainers.get(MLP)
    infos = trainer.settings() if trainer else ()
    return next((info.default for info in infos if info.name == setting), None)
