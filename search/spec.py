"""A search as submitted: one frozen model for the domain, for JSON and YAML, and for OpenAPI."""

import math
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any, Literal, Self

import numpy as np
from pydantic import Field, JsonValue, TypeAdapter, ValidationError, field_validator, model_validator

from caviar.search.budgets import Budget
from caviar.search.checking import problems_of, refuse_all, refuse_boolean
from caviar.search.conditions import needs, problems_of_conditions
from caviar.search.curves import CurveTable
from caviar.search.folds import (
    problems_with_folds,
    problems_without_folds,
    trainings_of,
    with_defaults_of_folds,
)
from caviar.search.history import Floats
from caviar.search.labels import Project, Tags
from caviar.search.limits import Limits
from caviar.search.parameters import Between, Choice, Fixed, FrozenModel, Parameter, Range, plain
from caviar.search.population_rules import problems_of_population
from caviar.search.problem import Problem, SearchError
from caviar.search.resources import Resources
from caviar.search.settings import Objective, Reevaluate, ScheduledChange, WarmStart
from caviar.search.space import Space
from caviar.search.stopping import StopPlan
from caviar.search.stopping_rules import RULES, AnyStoppingRule, NoStopping
from caviar.search.strategy_settings import STRATEGIES, AnyStrategy, CoarseToFine, Population
from caviar.search.subject_to import GAP, Constraint, measured, sources

# What may hold something unknown, by the last part of pydantic's path that names it.
_HOLDERS: dict[str, type[FrozenModel]] = {
    **{"range": Range, "choice": Choice, "fixed": Fixed, "when": Between},
    **{one.key(): one for one in (*STRATEGIES, *RULES)},
    **{"objective": Objective, "budget": Budget, "reevaluate": Reevaluate},
    **{"warm_start": WarmStart, "schedule": ScheduledChange, "limits": Limits},
    "resources": Resources,
}
MOST_OBJECTIVES = 4
MOST_ENQUEUED = 10_000  # each is checked; more can be added while the search runs
_PARAMETER: TypeAdapter[Parameter] = TypeAdapter(Parameter)


class SearchSpec(FrozenModel):
    """One job: data set, trainer, fixed settings, space, strategy, stopping rule, objective, budget, seed."""

    name: str = Field(default="search", min_length=1, max_length=200)
    note: str | None = Field(default=None, max_length=10_000)
    project: Project = Field(default=None, description="What it belongs to; lists of searches filter by it.")
    tags: Tags = Field(default_factory=list, description="Words to find it by, without commas.")
    dataset: dict[str, JsonValue] = Field(default_factory=dict)
    trainer: str = Field(default="mlp", min_length=1, max_length=100)
    settings: dict[str, JsonValue] = Field(default_factory=dict)
    space: Space
    strategy: AnyStrategy = Field(default_factory=CoarseToFine)
    stopping: AnyStoppingRule = Field(default_factory=NoStopping)
    objective: Objective = Field(default_factory=Objective)
    further: list[Objective] = Field(
        default_factory=list,
        max_length=MOST_OBJECTIVES - 1,
        description="Further objectives; `objective` may be a list that begins with the first one.",
    )
    metrics: list[str] = Field(
        default_factory=list, max_length=50, description="Further metrics to compute, each epoch."
    )
    mode: Literal["caviar", "panda"] = "caviar"
    parallel: int = Field(
        default=1,
        ge=1,
        le=10_000,
        description="Trials in training at the same time. The server takes as many as it has agents for.",
    )
    budget: Budget
    limits: Limits = Field(default_factory=Limits, description="What one trial may take.")
    resources: Resources = Field(
        default_factory=Resources, description="What its agent must have for each trial."
    )
    seed: int = Field(default=0, ge=0, lt=2**63)
    lag: int | None = Field(default=None, ge=0, description="Trial n sees the trials below n - lag.")
    reproducible: bool = True
    failures: Literal["learn", "ignore"] = Field(
        default="learn",
        description="Whether strategies keep away from where trials failed.",
    )
    subject_to: dict[str, Constraint] = Field(
        default_factory=dict,
        max_length=20,
        description="Constraints by metric; a trial that breaks one does not count. gap: dev minus train.",
    )
    enqueued: list[dict[str, JsonValue]] = Field(
        default_factory=list, max_length=MOST_ENQUEUED, description="Points to try first."
    )
    warm_start: WarmStart | None = Field(
        default=None,
        description="Resolved at submission: results are kept in it, or points appended to `enqueued`.",
    )
    schedule: list[ScheduledChange] = Field(
        default_factory=list,
        max_length=1000,
        description="Settings that change in every trial, each at the end of an epoch.",
    )
    base_error: float = Field(default=0.0, ge=0, description="Human or Bayes error, for the diagnosis.")
    base_error_source: str | None = Field(
        default=None,
        max_length=200,
        description="Whose error `base_error` is: two doctors, the last model.",
    )
    reevaluate: Reevaluate = Field(default_factory=Reevaluate)

    @classmethod
    def parse(cls, data: Any) -> Self:
        """Read a search from what JSON or YAML gave.

        Raises SearchError with all problems if it cannot be accepted.
        """
        try:
            spec = cls.model_validate(data)
        except ValidationError as error:
            problems = [*problems_of(error, _names_at), *_conditions_apart(data, error)]
            raise SearchError(_as_listed(data, problems)) from None
        problems = list(spec.strategy.problems(spec.space.dimensions))
        if problems:
            raise SearchError([replace(one, field=f"strategy.{one.field}") for one in problems])
        return spec

    @model_validator(mode="before")
    @classmethod
    def _defaults_of_folds(cls, data: Any) -> Any:
        return with_defaults_of_folds(data)

    _no_booleans = field_validator("parallel", "seed", "lag", "base_error", mode="before")(refuse_boolean)

    @field_validator("settings", "dataset", "enqueued", "schedule", "resources", mode="before")
    @classmethod
    def _numbers(cls, value: Any) -> Any:
        return plain(value)

    @field_validator(
        "strategy", "stopping", "budget", "limits", "objective", "reevaluate", "lag", mode="before"
    )
    @classmethod
    def _numbers_inside(cls, value: Any) -> Any:
        return plain(value)

    @model_validator(mode="before")
    @classmethod
    def _first_of_several(cls, value: Any) -> Any:
        """Take a list of objectives apart: the first is the one that stopping rules look at."""
        if not isinstance(value, dict) or not isinstance(value.get("objective"), list):
            return value
        first, *rest = value["objective"] or [None]
        if first is None or value.get("further"):
            said = "is empty" if first is None else "is a list, and there are further ones"
            raise refuse_all(
                [Problem("objective", said, "write [{metric: dev_error}, {metric: parameters}]")]
            )
        if len(rest) > MOST_OBJECTIVES - 1:
            said, remedy = f"has {len(rest) + 1} entries", f"give at most {MOST_OBJECTIVES}"
            raise refuse_all([Problem("objective", said, remedy)])
        return {**value, "objective": first, **({"further": rest} if rest else {})}

    @model_validator(mode="after")
    def _rules(self) -> Self:
        problems = [
            Problem(
                f"settings.{name}", "is fixed here and searched in the space", "remove it from one of the two"
            )
            for name in self.settings
            if name in self.space.root
        ]
        lacks_gap = GAP in self.subject_to and len(sources(GAP, self.objective.metric)) == 1
        if lacks_gap and self.trainer != "external":
            said = f"cannot be computed for {self.objective.metric!r}, which is not a dev metric"
            problems.append(Problem(f"subject_to.{GAP}", said, "take an objective such as dev_error"))
        problems += _problems_of_several(self)
        for position, point in enumerate(self.enqueued):
            problems += [
                Problem(f"enqueued.{position}.{one.field}", one.message, one.remedy)
                for one in self.space.check(point)
            ]
        if self.reevaluate.leaders and self.budget.others:
            other = self.budget.others[0]
            message = f"begins after {self.budget.trials} trials; budget.{other} may end the search before"
            problems.append(Problem("reevaluate.leaders", message, f"remove reevaluate or budget.{other}"))
        problems += problems_with_folds(self) if self.trainings > 1 else problems_without_folds(self.stopping)
        problems += problems_of_population(self)
        if problems:
            raise refuse_all(problems)
        return self

    def submitted(self) -> dict[str, Any]:
        """Return the search as it was submitted, defaults left out."""
        return self.model_dump(mode="json", exclude_unset=True)

    @property
    def total(self) -> int:
        """Trials in all: the budget, and the re-evaluations of the leaders after it."""
        return self.budget.trials + self.reevaluate.leaders * self.reevaluate.seeds

    @property
    def takes_evidence(self) -> bool:
        """Whether proposals use the results of earlier searches; else their best points are tried first."""
        return self.strategy.takes_evidence and not self.further

    @property
    def uses_results(self) -> bool:
        """Whether proposals or stopping rules look at other trials at all."""
        return self.strategy.uses_results or self.stopping.uses_results

    def named_metrics(self) -> list[str]:
        """Name all metrics that the search asks for, the objective's first, each once."""
        constrained = [one for name in self.subject_to for one in sources(name, self.objective.metric)]
        wanted = [one.metric for one in self.objectives]
        return list(dict.fromkeys([*wanted, *self.metrics, *constrained]))

    @property
    def objectives(self) -> tuple[Objective, ...]:
        """All objectives, the first one first."""
        return self.objective, *self.further

    @property
    def references(self) -> Floats:
        """The reference point, lower is better; NaN where none is given."""
        given = [(one.sign, one.reference) for one in self.objectives]
        return np.array([np.nan if at is None else sign * at for sign, at in given])

    def scored(self, value: float, metrics: Mapping[str, float | None]) -> list[float]:
        """Return a result in all objectives, lower is better; NaN for none. `value`: of the first."""
        told = [metrics.get(one.metric) for one in self.further]
        rest = [
            np.nan if number is None else one.sign * number
            for one, number in zip(self.further, told, strict=True)
        ]
        return [self.objective.sign * value, *rest]

    def constrained(self, metrics: Mapping[str, float | None]) -> dict[str, float | None]:
        """Return what the constraints look at in a result; None where it does not have it."""
        objective = self.objective
        return {
            name: measured(name, objective.metric, objective.direction, metrics) for name in self.subject_to
        }

    def slacks(self, metrics: Mapping[str, float | None]) -> list[float]:
        """Return by how much a result breaks each constraint: at most 0 where it is kept."""
        found = self.constrained(metrics)
        return [
            math.inf if (value := found[name]) is None else constraint.slack(value)
            for name, constraint in self.subject_to.items()
        ]

    def broken(self, metrics: Mapping[str, float | None]) -> str | None:
        """Name the constraints that a result breaks; None where it keeps all."""
        if not self.subject_to:
            return None
        found = self.constrained(metrics)
        said = [
            constraint.broken(name, math.nan if (value := found[name]) is None else value)
            for name, constraint in self.subject_to.items()
        ]
        return "; ".join(filter(None, said)) or None

    def resolved_lag(self) -> int:
        """How far behind a trial looks; the default is recorded when the search is submitted.

        Why these defaults: docs/decisions/lag.md.
        """
        if self.lag is not None:
            return self.lag
        if isinstance(self.strategy, Population):
            return self.strategy.default_lag(self.parallel)
        others, trials = self.parallel - 1, self.budget.trials
        # What a lag of up to a sixth of the budget costs is within the noise of the measurements.
        patient = min(8 * others, max(3 * others, trials // 6))
        wanted = 6 * others if self.stopping.uses_results else patient
        return max(1, min(wanted, max(others, trials // 3)))

    def horizon(self, number: int) -> int:
        """Trial `number` may use the results of trials numbered below this, all of which must have ended."""
        if number >= self.budget.trials:
            return self.budget.trials
        if not self.uses_results:
            return 0
        if isinstance(self.strategy, Population):
            return self.strategy.sees_below(number, self.resolved_lag())
        return first_unseen(number, self.resolved_lag(), self.stopping.uses_results)

    def settled_below(self, number: int) -> int:
        """Trial `number` may start once the budgets know what the trials below this came to."""
        if not self.budget.settled:
            return 0
        return self.horizon(number) if self.uses_results else max(0, number - self.resolved_lag())

    def most_in_flight(self, number: int) -> int | None:
        """How many trials may be in flight when trial `number` is handed out; None: as many as there are."""
        if not (self.reproducible and (self.uses_results or self.budget.settled)):
            return None
        if isinstance(self.strategy, Population):
            return self.strategy.members
        return 1 + _lag_at(number, self.resolved_lag(), self.stopping.uses_results)

    def rungs(self, epochs: int) -> tuple[int, ...]:
        """Return the epochs at which the stopping rule compares trials that train for `epochs`."""
        return self.stopping.rungs_of(epochs, self.trainings)

    @property
    def trainings(self) -> int:
        """How often a trial trains: once for each fold of each repeat, one after the other."""
        return trainings_of(self.trainer, self.dataset)

    def stop_plan(self, number: int, curves: CurveTable) -> StopPlan:
        """Fix by which bounds trial `number` may be stopped; a pure function of its arguments.

        The table holds the trials below `horizon(number)`, at the rungs of `rungs`.
        """
        return self.stopping.plan(number, curves, self.objective.direction)


def first_unseen(number: int, lag: int, growing: bool) -> int:
    """Number of the first trial that trial `number` does not see."""
    return max(0, number - _lag_at(number, lag, growing))


def _lag_at(number: int, lag: int, growing: bool) -> int:
    """A growing lag begins at a third, so that a stopping rule has something to compare with early on."""
    return min(lag, max(-(-lag // 3), number // 2)) if growing else lag


def _problems_of_several(spec: SearchSpec) -> list[Problem]:
    """Find what does not go with several objectives."""
    found, names = [], [one.metric for one in spec.objectives]
    for place, one in enumerate(spec.further):
        if one.metric in names[: place + 1]:
            remedy = "list each metric once"
            found.append(Problem(f"further.{place}.metric", f"{one.metric!r} is listed already", remedy))
        if one.value is not None:
            said = "only works for the first objective; the others count as in the result"
            found.append(Problem(f"further.{place}.value", said, "leave it out"))
    if spec.further and not spec.strategy.several:
        remedy = "take coarse_to_fine, tpe, gp, nsga2, sobol, random or grid"
        found.append(Problem("strategy.name", f"{spec.strategy.name} takes only one objective", remedy))
    if spec.further and getattr(spec.strategy, "epochs_per_round", None):
        found.append(Problem("strategy.epochs_per_round", "works with one objective only", "leave it out"))
    if spec.further and spec.reevaluate.leaders:
        found.append(Problem("reevaluate", "works with one objective only", "leave it out"))
    return found


def _as_listed(data: Any, problems: list[Problem]) -> list[Problem]:
    """Name objectives as they were written: in a list, the first one in it too."""
    if not isinstance(data, dict) or not isinstance(data.get("objective"), list):
        return problems
    named = []
    for one in problems:
        head, _, rest = one.field.partition(".")
        if head == "further" and rest:
            place, _, rest = rest.partition(".")
            named.append(replace(one, field=f"objective.{int(place) + 1}" + (f".{rest}" if rest else "")))
        else:
            field = f"objective.0.{rest}" if head == "objective" and rest else one.field
            named.append(replace(one, field=field))
    return named


def _names_at(path: Sequence[str]) -> list[str]:
    """Name what may stand where something unknown stands."""
    holder = next((_HOLDERS[part] for part in reversed(path[:-1]) if part in _HOLDERS), SearchSpec)
    return list(holder.model_fields)


def _conditions_apart(data: Any, error: ValidationError) -> list[Problem]:
    """Problems between the sound parameters of a space; its unsound ones hide them from pydantic."""
    whole = any(detail["loc"] == ("space",) for detail in error.errors())
    if whole or not isinstance(data, dict) or not isinstance(data.get("space"), dict):
        return []
    sound: dict[str, Parameter] = {}
    for name, definition in data["space"].items():
        with suppress(ValidationError):
            sound[str(name)] = _PARAMETER.validate_python(definition)
    unsound = set(map(str, data["space"])) - set(sound)
    if not unsound:
        return []
    hidden = {name for name, one in sound.items() if unsound.intersection(needs(one))}
    found = problems_of_conditions({name: one for name, one in sound.items() if name not in hidden})
    return [Problem(f"space.{one.field}", one.message, one.remedy) for one in found]
