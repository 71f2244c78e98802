"""What a search has found: the winner, what it is better than, what would mislead, and what to do next."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import orjson

from caviar.search.axes import Axis, Numbers
from caviar.search.spec import SearchSpec
from caviar.service.errors import NotFoundError
from caviar.service.ids import TrialId
from caviar.service.store import checkpoints as checkpoint_rows
from caviar.service.store import reads
from caviar.service.store import searches as search_rows
from caviar.service.store import summary as rows
from caviar.service.store import trials as trial_rows
from caviar.service.store.rows import StoredSearch
from caviar.service.store.snapshot import Snapshot
from caviar.service.usecases import analysis, baseline, diagnosing, studies
from caviar.service.usecases.findings import End, Finding, Limits, Situation, edge, findings, limits_of
from caviar.trainer.diagnosis import Diagnosis
from caviar.trial_fields import StoredTrial

ROUNDING = 1e-12  # of shares that are the same
SAMPLED = 500  # diverged trials, and others, that are compared for where they differ


@dataclass(frozen=True)
class Place:
    """Where the winner's value of a parameter lies in its range."""

    parameter: str
    value: Any
    second: Any  # of the second best trial
    low: float | None = None
    high: float | None = None
    at: float | None = None  # from 0, the low end, to 1 on the parameter's own scale
    edge: End | None = None


@dataclass(frozen=True)
class Winner:
    """The trial to take."""

    trial: str
    number: int
    value: float  # of the objective; by fresh seeds their mean
    by: Literal["value", "fresh seeds"]
    places: list[Place]
    model: bool  # is stored


@dataclass(frozen=True)
class RunnerUp:
    """The second best trial."""

    trial: str
    number: int
    value: float
    behind: float  # how much worse than the winner; 0: as good


@dataclass(frozen=True)
class Versus:
    """The winner against a trivial model."""

    value: float
    text: str
    better_by: float  # above 0: the winner is better


@dataclass(frozen=True)
class NextStep:
    """One thing to do now."""

    kind: Literal["widen", "next_search", "retrain", "test"]
    text: str
    trial: str | None = None


@dataclass(frozen=True)
class Summary:
    """What a search has found so far, or for good."""

    final: bool
    metric: str
    direction: Literal["minimize", "maximize"]
    valued: int  # trials with a value
    winner: Winner | None
    runner_up: RunnerUp | None
    trivial: Versus | None  # None: not known for this metric or data set
    diagnosis: str | None
    findings: list[Finding]
    next: list[NextStep]


def summarize(snapshot: Snapshot, search: int) -> Summary:
    """Return what a search has found. Raises NotFoundError."""
    row = search_rows.get(snapshot, search)
    spec = SearchSpec.parse(orjson.loads(row.spec))
    best = _best(snapshot, row, spec)
    now = _situation(snapshot, row, spec, best)
    found = findings(now)
    diagnosis = _diagnosis(snapshot, best)
    return Summary(
        final=row.ended is not None or row.switch == "cancelled",
        metric=spec.objective.metric,
        direction=spec.objective.direction,
        valued=now.valued,
        winner=_winner(snapshot, spec, best),
        runner_up=_runner_up(now),
        trivial=_versus(now),
        diagnosis=diagnosis.summary if diagnosis else None,
        findings=found,
        next=_next(now, found, diagnosis),
    )


def _best(snapshot: Snapshot, row: StoredSearch, spec: SearchSpec) -> list[tuple[StoredTrial, float]]:
    """Return the two best trials with their values: by fresh seeds where the leaders were trained again."""
    if spec.reevaluate.leaders:
        standings = analysis.read_standings(snapshot, row.id)
        if standings.winner:
            names = [(TrialId(row.id, int(one.trial.partition(".")[2])), one.mean) for one in standings.items]
            return [(trial_rows.get(snapshot, name), mean) for name, mean in names[:2]]
    return [(one, float(one.value)) for one in reads.best(snapshot, row.id, 2) if one.value is not None]


def _situation(
    snapshot: Snapshot, row: StoredSearch, spec: SearchSpec, best: list[tuple[StoredTrial, float]]
) -> Situation:
    tied = rows.tied(snapshot, row.id, best[0][0].value) if best else 0
    agents, idle = rows.agents_and_idle(snapshot, spec.trainer, spec.resources)
    diverged = rows.params_of(snapshot, row.id, ("diverged",), SAMPLED) if row.diverged else []
    return Situation(
        row=row,
        spec=spec,
        best=best,
        valued=row.completed + row.stopped,
        tied=tied,
        baseline=baseline.of_search(snapshot, spec),
        dev_rows=diagnosing.dev_examples(snapshot, spec.dataset),
        agents=agents,
        idle=idle,
        diverged=diverged,
        sound=rows.params_of(snapshot, row.id, ("completed", "stopped"), SAMPLED) if diverged else [],
        failure=rows.commonest_failure(snapshot, row.id) if row.failed else None,
    )


def _winner(snapshot: Snapshot, spec: SearchSpec, best: list[tuple[StoredTrial, float]]) -> Winner | None:
    if not best:
        return None
    trial, value = best[0]
    second = orjson.loads(best[1][0].params) if len(best) > 1 else {}
    name = TrialId(trial.search_id, trial.number)
    return Winner(
        trial=str(name),
        number=trial.number,
        value=value,
        by="value" if value == trial.value else "fresh seeds",
        places=_places(spec, orjson.loads(trial.params), second),
        model=checkpoint_rows.newest_model(snapshot, name) is not None,
    )


def _places(spec: SearchSpec, params: dict[str, Any], second: dict[str, Any]) -> list[Place]:
    axes, limits = {axis.name: axis for axis in spec.space.axes}, limits_of(spec)
    return [
        _place(name, value, second.get(name), axes.get(name), limits.get(name, (None, None)))
        for name, value in params.items()
    ]


def _place(name: str, value: Any, second: Any, axis: Axis | None, limits: Limits) -> Place:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or axis is None or not isinstance(axis.domain, Numbers):
        return Place(name, value, second)
    definition = axis.domain.definition
    end = edge(axis, float(value), limits)
    return Place(name, value, second, definition.low, definition.high, axis.to_unit(value), end)


def _runner_up(now: Situation) -> RunnerUp | None:
    if len(now.best) < 2:
        return None
    (_, first), (trial, value) = now.best[:2]
    return RunnerUp(
        trial=f"{trial.search_id}.{trial.number}",
        number=trial.number,
        value=value,
        behind=now.sign * (value - first),
    )


def _versus(now: Situation) -> Versus | None:
    if now.baseline is None or not now.best:
        return None
    base = now.baseline
    gain = now.sign * (base.value - now.best[0][1])
    return Versus(base.value, base.text, 0.0 if abs(gain) < ROUNDING else gain)


def _diagnosis(snapshot: Snapshot, best: list[tuple[StoredTrial, float]]) -> Diagnosis | None:
    if not best:
        return None
    try:
        return diagnosing.diagnose(snapshot, TrialId(best[0][0].search_id, best[0][0].number))
    except NotFoundError:  # a trainer that reports no train and dev error
        return None


def _next(now: Situation, found: list[Finding], diagnosis: Diagnosis | None) -> list[NextStep]:
    """Return what to do once the search has ended, the most useful first."""
    if not now.best:
        return []
    winner = f"{now.best[0][0].search_id}.{now.best[0][0].number}"
    steps = []
    ends = [one.parameter for one in found if one.kind == "edge" and one.parameter]
    if ends:
        steps.append(
            NextStep(kind="widen", text=f"Widen the range of {' and '.join(ends)} and search again.")
        )
    if diagnosis and diagnosis.next_search:
        aim = (
            f"against {diagnosis.problems[0].replace('_', ' ')}"
            if diagnosis.problems
            else "closer around the winner"
        )
        text = f"Run the next search, {aim}; it is ready to submit."
        steps.append(NextStep(kind="next_search", text=text, trial=winner))
    if not now.spec.reevaluate.leaders and now.valued >= 2 and now.spec.trainer != studies.OPTUNA:
        text = "Retrain the leaders with fresh seeds: the best of many trials is partly lucky."
        steps.append(NextStep(kind="retrain", text=text))
    if now.spec.trainer == "mlp":
        steps.append(
            NextStep(
                kind="test",
                text="When the choice is final, measure the winner once on the test set.",
                trial=winner,
            )
        )
    return steps
