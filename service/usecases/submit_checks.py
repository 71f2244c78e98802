"""What a trainer says of a search before anything is trained: settings, space, objective, schedule."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from caviar import trainers
from caviar.search.settings import Objective
from caviar.search.spec import SearchSpec
from caviar.search.subject_to import sources
from caviar.service.errors import FieldProblem
from caviar.service.usecases import populations, submit_effects
from caviar.trainer.metrics import direction_of

EXTERNAL = "external"  # no plugin: a user's own script trains


def trainer_problems(spec: SearchSpec) -> list[FieldProblem]:
    """Ask the trainer what is wrong with data set, settings, corners of the space, objective, schedule."""
    if spec.trainer == EXTERNAL:
        return [*_script_problems(spec), *_budget_problems(spec)]
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
    found = [*problems.values(), *submit_effects.problems_of(spec), *populations.problems_of(spec)]
    found += [*_metric_problems(trainer, spec), *_budget_problems(spec)]
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


def named_at(spec: SearchSpec) -> dict[str, str]:
    """Return the metrics that a search names, by the field where each stands."""
    further = {f"metrics.{place}": name for place, name in enumerate(spec.metrics)}
    constrained = {
        f"subject_to.{name}": source
        for name in spec.subject_to
        for source in sources(name, spec.objective.metric)
    }
    several = {f"further.{place}.metric": one.metric for place, one in enumerate(spec.further)}
    return {"objective.metric": spec.objective.metric, **several, **further, **constrained}


def spec_names(spec: SearchSpec) -> Iterator[tuple[str, str]]:
    """Give the names that a search brings into the world, with the fields where they stand."""
    yield "name", spec.name
    if spec.project is not None:
        yield "project", spec.project
    for place, tag in enumerate(spec.tags):
        yield f"tags.{place}", tag
    for part, names in (("space", spec.space.names), ("settings", spec.settings)):
        for name in names:
            yield f"{part}.{name}", name
    yield from named_at(spec).items()


def _metric_problems(trainer: Any, spec: SearchSpec) -> list[FieldProblem]:
    """Find metrics that no result will have; a trainer need not declare what it reports."""
    declared = getattr(trainer, "metrics", None)
    found = _direction_problems(spec)
    if "metrics" in spec.settings:
        remedy = "write `metrics` beside `settings`, not in it"
        found.append(FieldProblem("settings.metrics", "is a part of the search", remedy))
    if declared is None:
        return found
    known = list(declared(spec.dataset))
    for field, metric in named_at(spec).items():
        if metric not in known:
            near = get_close_matches(metric, known, n=1, cutoff=0.75)
            lacking = getattr(trainer, "lacking", lambda metric: None)(metric)
            remedy = (
                lacking or f"{f'did you mean {near[0]!r}? ' if near else ''}it reports {', '.join(known)}"
            )
            found.append(FieldProblem(field, f"{spec.trainer} reports no metric {metric!r}", remedy))
    return found


def _direction_problems(spec: SearchSpec) -> list[FieldProblem]:
    """Refuse the direction in which the worst trial would be the best."""
    found = []
    for place, one in objectives_at(spec).items():
        better = trainers.direction(spec.trainer, one.metric)
        if better is not None and one.direction != better and "direction" in one.model_fields_set:
            remedy = f"leave it out, or write direction: {better}"
            found.append(FieldProblem(f"{place}.direction", f"makes {one.metric} worse", remedy))
    return found


def _script_problems(spec: SearchSpec) -> list[FieldProblem]:
    """Ask for the direction of a metric that only a script knows."""
    remedy = "write direction: minimize or direction: maximize"
    return [
        FieldProblem(f"{place}.direction", f"nothing says whether more {one.metric} is better", remedy)
        for place, one in objectives_at(spec).items()
        if "direction" not in one.model_fields_set and direction_of(one.metric) is None
    ]


def objectives_at(spec: SearchSpec) -> dict[str, Objective]:
    """Return the objectives by the field where each stands."""
    return {"objective": spec.objective, **{f"further.{k}": one for k, one in enumerate(spec.further)}}


def with_direction(spec: SearchSpec) -> SearchSpec:
    """Return a search whose objectives go the way in which their metrics are better, if nobody said which."""

    def directed(one: Objective) -> Objective:
        if "direction" in one.model_fields_set:
            return one
        ours = spec.trainer == EXTERNAL
        better = direction_of(one.metric) if ours else trainers.direction(spec.trainer, one.metric)
        # Minimize is what an objective says by itself.
        return one.model_copy(update={"direction": better}) if better == "maximize" else one

    changed: dict[str, Any] = (
        {"objective": directed(spec.objective)} if directed(spec.objective) is not spec.objective else {}
    )
    further = [directed(one) for one in spec.further]
    if further != spec.further:
        changed["further"] = further
    return spec.model_copy(update=changed) if changed else spec


def _budget_problems(spec: SearchSpec) -> list[FieldProblem]:
    """Find a budget of epochs that no trial fits into, and limits that a script cannot be held to."""
    found, epochs = [], spec.budget.epochs
    if epochs is not None:
        fewest = trainers.fewest_epochs(spec)
        if fewest is None:
            message = "needs the number of epochs of a trial, which nothing sets"
            found.append(FieldProblem("budget.epochs", message, "write settings: {epochs: 30}"))
        elif epochs < fewest:
            message = f"{epochs} epochs are fewer than one trial has, {fewest}"
            remedy = f"give at least {fewest}, or let trials train for fewer epochs"
            found.append(FieldProblem("budget.epochs", message, remedy))
    if spec.limits.memory is not None and spec.trainer == EXTERNAL:
        message = "cannot be enforced for a script: you start its process yourself"
        found.append(FieldProblem("limits.memory", message, "leave it out, or limit the process itself"))
    return found


def target_problems(spec: SearchSpec, classes: Sequence[str], task: str | None) -> list[FieldProblem]:
    """Find metrics, and settings of classes, that do not fit what is known of the target."""
    says = getattr(trainers.get(spec.trainer), "metric_problems", None) if spec.trainer != EXTERNAL else None
    if says is None:
        return []
    found = says(named_at(spec), spec.settings, classes, task)
    return [FieldProblem(one.field, one.message, one.remedy) for one in found]


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
    """Return the points at both ends and in the middle of the space: where settings go out of range first."""
    dimensions = spec.space.dimensions
    return [spec.space.from_unit([share] * dimensions) for share in (0.0, 0.5, 1.0)]


def _field(field: str, spec: SearchSpec) -> str:
    """Name a setting where the user wrote it: in the space if it is searched."""
    name = field.removeprefix("settings.").split(".")[0].split("[")[0]
    if field.startswith("dataset"):
        return field
    return f"space.{name}" if name in spec.space.names else f"settings.{field.removeprefix('settings.')}"
