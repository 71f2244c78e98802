"""What a trainer says of a search before anything is trained: settings, space, objective, schedule."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

from caviar import trainers
from caviar.search.spec import SearchSpec
from caviar.service.errors import FieldProblem

EXTERNAL = "external"  # no plugin: a user's own script trains


def trainer_problems(spec: SearchSpec) -> list[FieldProblem]:
    """Ask the trainer what is wrong with data set, settings, corners of the space, objective, schedule."""
    if spec.trainer == EXTERNAL:
        return []
    trainer = trainers.get(spec.trainer)
    if trainer is None:
        return [_not_installed(spec.trainer)]
    problems: dict[tuple[str, str], FieldProblem] = {}
    fixed = {k: v for k, v in spec.settings.items() if k not in spec.space.names}
    for settings in ({**fixed, **point} for point in corners(spec)):
        for problem in trainer.check(settings, spec.dataset):
            field = _field(problem.field, spec)
            problems.setdefault(
                (field, problem.message), FieldProblem(field, problem.message, problem.remedy)
            )
    found = [*problems.values(), *_metric_problems(trainer, spec)]
    for position, turn in enumerate(spec.schedule):
        for problem in _turn_problems(trainer, {**fixed, **turn.set}, turn.set, spec):
            place = f"schedule.{position}.set.{problem.field.removeprefix('settings.')}"
            found.append(FieldProblem(place, problem.message, problem.remedy))
        found += _late(f"schedule.{position}.epoch", turn.epoch, spec)
    return list(dict.fromkeys(found))


def _not_installed(name: str) -> FieldProblem:
    known = [*trainers.names(), EXTERNAL]
    near = get_close_matches(name, known, n=1)
    remedy = (
        f"{f'did you mean {near[0]!r}? ' if near else ''}known: {', '.join(known)} (a script of your own)"
    )
    return FieldProblem("trainer", f"{name!r} is not installed on this server", remedy)


def _metric_problems(trainer: Any, spec: SearchSpec) -> list[FieldProblem]:
    """Find an objective that no result will have; a trainer need not declare what it reports."""
    metric = spec.objective.metric
    declared = getattr(trainer, "metrics", None)
    known = [metric] if declared is None else list(declared(spec.dataset))
    if metric in known:
        return []
    near = get_close_matches(metric, known, n=1, cutoff=0.75)
    remedy = f"{f'did you mean {near[0]!r}? ' if near else ''}it reports {', '.join(known)}"
    return [FieldProblem("objective.metric", f"{spec.trainer} reports no metric {metric!r}", remedy)]


def _turn_problems(
    trainer: Any, settings: Mapping[str, Any], turn: Mapping[str, Any], spec: SearchSpec
) -> list[Any]:
    """Say what is wrong with one turn of a schedule: only what may change while a trial runs can be in it."""
    steerable = [info.name for info in trainer.settings() if getattr(info, "steerable", False)]
    remedy = f"changeable: {', '.join(steerable)}"
    found: list[Any] = [
        FieldProblem(name, "cannot change while a trial runs", remedy)
        for name in turn
        if name not in steerable
    ]
    wrong = trainer.check(settings, spec.dataset)
    return found + [one for one in wrong if one.field.removeprefix("settings.").split(".")[0] in turn]


def _late(field: str, epoch: int, spec: SearchSpec) -> list[FieldProblem]:
    """Find a turn that no trial lives to see: nothing is trained after the last epoch's end."""
    planned = trainers.most_epochs(spec)
    later = [more for turn in spec.schedule if isinstance(more := turn.set.get("epochs"), int)]
    if planned is None or epoch < (epochs := max([planned, *later])):
        return []
    remedy = f"give an epoch below {epochs}, or more epochs"
    return [
        FieldProblem(field, f"no trial trains on after epoch {epoch}: they have {epochs} at most", remedy)
    ]


def corners(spec: SearchSpec) -> list[dict[str, Any]]:
    """Give the points at both ends and in the middle of the space: where settings go out of range first."""
    dimensions = spec.space.dimensions
    return [spec.space.from_unit([share] * dimensions) for share in (0.0, 0.5, 1.0)]


def _field(field: str, spec: SearchSpec) -> str:
    """Name a setting where the user wrote it: in the space if it is searched."""
    name = field.removeprefix("settings.").split(".")[0].split("[")[0]
    if field.startswith("dataset"):
        return field
    return f"space.{name}" if name in spec.space.names else f"settings.{field.removeprefix('settings.')}"
