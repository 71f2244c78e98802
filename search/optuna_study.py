"""A search as a study of Optuna and back: for export and import alone.

Parameters stand there as values, not as coordinates: Optuna's tools and dashboards show what was trained.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import optuna
from optuna.distributions import BaseDistribution
from optuna.trial import FrozenTrial, TrialState

from caviar.search.optuna_bridge import as_text, distribution, exported
from caviar.search.optuna_file import opened, write_study
from caviar.search.optuna_import import Inferred, infer, join_layers
from caviar.search.parameters import Choice
from caviar.search.pareto import nondominated
from caviar.search.problem import Problem, SearchError
from caviar.search.space import Point, Space

SPACE = "caviar_space"  # the study's attribute with the space as it was
METRIC_NAMES = "study:metric_names"  # where Optuna keeps what the objectives are called
MOST_POINTS = 1000  # that are put in order
_CONSTRAINTS = "constraints"  # where Optuna keeps those of a trial, or how such names begin
_STATES = {
    "queued": TrialState.WAITING,
    "paused": TrialState.WAITING,
    "running": TrialState.RUNNING,
    "completed": TrialState.COMPLETE,
    "stopped": TrialState.PRUNED,
}  # the others have failed


@dataclass(frozen=True)
class Trained:
    """A trial as it goes into a study; without all values a completed one counts as failed."""

    point: Point
    state: str
    values: Sequence[float]  # of the objectives
    started: datetime | None
    ended: datetime | None
    curve: Mapping[int, float] = field(default_factory=dict)  # the objective by epoch, finite values
    notes: Mapping[str, Any] = field(default_factory=dict)  # what Optuna has no place for
    slacks: Mapping[str, float] = field(default_factory=dict)  # by how much it breaks each constraint


@dataclass(frozen=True)
class Study:
    """What can be read of a study: a space, its best points first, and its objectives."""

    name: str
    objectives: list[dict[str, str]]  # metric and direction
    space: dict[str, Any]
    points: list[Point]
    values: list[list[float]]  # of the points
    numbers: list[int]  # of their trials in the study
    told: list[str]  # what was concluded, and what a search has no place for
    lost: list[str]  # what could not be kept though it was asked for


def write(
    path: Path, name: str, objectives: Mapping[str, str], space: Space, trials: Iterable[Trained]
) -> None:
    """Write a study into a new SQLite file; `objectives` are directions by metric.

    A point that the space does not hold goes into the notes.
    """
    kinds = {name: distribution(parameter) for name, parameter in space.root.items()}
    frozen = (_frozen(space, kinds, trial, len(objectives)) for trial in trials)
    user = {SPACE: space.model_dump(mode="json", exclude_unset=True)}
    write_study(path, name, list(objectives.values()), frozen, user, {METRIC_NAMES: list(objectives)})


def _frozen(
    space: Space, kinds: Mapping[str, BaseDistribution], trial: Trained, objectives: int
) -> FrozenTrial:
    inside = not space.check(trial.point)
    params, distributions = _flat(space, kinds, trial.point) if inside else ({}, {})
    notes = {**trial.notes, "state": trial.state} | ({} if inside else {"params": dict(trial.point)})
    state = _STATES.get(trial.state, TrialState.FAIL)
    if state == TrialState.COMPLETE and len(trial.values) < objectives:
        state = TrialState.FAIL
    system: dict[str, Any] = {f"{_CONSTRAINTS}:{name}": slack for name, slack in trial.slacks.items()}
    if state == TrialState.WAITING:  # Optuna itself draws what it then trains
        system["fixed_params"] = params
        params, distributions = {}, {}
    return FrozenTrial(
        number=0,  # told by its place
        trial_id=0,
        state=state,
        value=None,
        values=list(trial.values) if state == TrialState.COMPLETE else None,
        datetime_start=None if state == TrialState.WAITING else trial.started or trial.ended,
        datetime_complete=trial.ended,
        params=params,
        distributions=distributions,
        user_attrs=notes,
        system_attrs=system,
        intermediate_values=dict(trial.curve),
    )


def _flat(
    space: Space, kinds: Mapping[str, BaseDistribution], point: Point
) -> tuple[dict[str, Any], dict[str, BaseDistribution]]:
    """One entry for each value; of a per-layer parameter, one for each layer."""
    params: dict[str, Any] = {}
    distributions: dict[str, BaseDistribution] = {}
    for name, value in point.items():
        parameter = space.root[name]
        entries = {name: value}
        if parameter.each is not None and isinstance(value, list):
            entries = {f"{name}.{layer}": item for layer, item in enumerate(value)}
        for entry, item in entries.items():
            params[entry] = exported(parameter, item)
            distributions[entry] = kinds[name]
    return params, distributions


@contextmanager
def opened_study(path: Path, name: str | None = None) -> Iterator[optuna.Study]:
    """Open a study of an SQLite file.

    Raises SearchError when there is none of that name, or several without a name.
    """
    _expect_studies(path)
    with opened(path) as storage:
        names = sorted(optuna.get_all_study_names(storage))
        if name is None and len(names) == 1:
            name = names[0]
        if name not in names:
            what = "names no study" if name is None else f"{name!r} is not in the file"
            raise SearchError([Problem("study", what, f"there are: {', '.join(names) or 'none'}")])
        yield optuna.load_study(study_name=name, storage=storage)


def read(path: Path, name: str | None = None, points: int = 10) -> Study:
    """Read a study from an SQLite file.

    Raises SearchError when there is none of that name, several without a name, or nothing that caviar knows.
    """
    with opened_study(path, name) as study:
        name = study.study_name
        objectives = _objectives(study)
        trials = study.get_trials(deepcopy=False)
        own = study.user_attrs.get(SPACE)
    if own is None and not any(one.distributions for one in trials):
        remedy = "import it once a trial has suggested parameters"
        raise SearchError([Problem("study", f"{name!r} has no trial that says what its space is", remedy)])
    done = [one for one in trials if one.state == TrialState.COMPLETE]
    found = infer(trials, done) if own is None else Inferred(own, _layered(own))
    done = _best_first(done, [-1.0 if one["direction"] == "maximize" else 1.0 for one in objectives])
    space = Space.model_validate(found.space)
    kept: list[tuple[Point, FrozenTrial]] = []
    for trial in done:
        if len(kept) == points:
            break
        joined = join_layers(trial.params, found.layered)
        point = joined if own is None else _restored(space, joined)  # only ours have choices as texts
        problems = space.check(point)
        if problems:
            why = "; ".join(f"{one.field} {one.message}" for one in problems[:3])
            found.lost.append(f"the point of trial {trial.number}, value {shown(trial.values)}: {why}")
        else:
            kept.append((point, trial))
    return Study(
        str(name),
        objectives,
        found.space,
        [point for point, _ in kept],
        [list(trial.values) for _, trial in kept],
        [trial.number for _, trial in kept],
        found.told + _without_place(trials, len(done), len(kept), ours=own is not None),
        found.lost,
    )


def shown(values: Sequence[float]) -> str:
    """Return values as a person reads them."""
    return ", ".join(f"{one:.6g}" for one in values)


def _objectives(study: optuna.Study) -> list[dict[str, str]]:
    """Return metric and direction of each objective; without names of their own they are numbered."""
    several = len(study.directions) > 1
    names = study.metric_names or [
        f"value_{place}" if several else "value" for place in range(len(study.directions))
    ]
    return [
        {"metric": name, "direction": direction.name.lower()}
        for name, direction in zip(names, study.directions, strict=True)
    ]


def _best_first(done: Sequence[FrozenTrial], signs: Sequence[float]) -> list[FrozenTrial]:
    """Return trials by value; with several objectives front after front, each by the first value."""
    left = sorted(done, key=lambda one: signs[0] * one.values[0])
    if len(signs) == 1:
        return left
    ordered: list[FrozenTrial] = []
    while left and len(ordered) < MOST_POINTS:
        leads = nondominated(np.array([one.values for one in left]) * signs)
        if not leads.any():  # what is left is not finite
            break
        ordered += [one for one, leading in zip(left, leads, strict=True) if leading]
        left = [one for one, leading in zip(left, leads, strict=True) if not leading]
    return ordered + left


def _layered(space: Mapping[str, Any]) -> frozenset[str]:
    return frozenset(
        name for name, one in space.items() if isinstance(one, Mapping) and one.get("each") is not None
    )


def _restored(space: Space, point: Mapping[str, Any]) -> Point:
    """Return a point whose choices are what they were before they were written as texts."""
    restored: Point = dict(point)
    for name, value in point.items():
        parameter = space.root[name]
        if not isinstance(parameter, Choice):
            continue
        known = {exported(parameter, one): one for one in parameter.choices}
        if as_text(parameter) or any(isinstance(one, list) for one in parameter.choices):
            several = parameter.each is not None and isinstance(value, list)
            restored[name] = [known[one] for one in value] if several else known[value]
    return restored


def _without_place(trials: Sequence[FrozenTrial], done: int, kept: int, *, ours: bool) -> list[str]:
    """Say what a new search does not take over."""
    told = [f"{kept} of {done} completed trials are enqueued as points, with their values as comments"]
    others = sorted(one.state.name.lower() for one in trials if one.state != TrialState.COMPLETE)
    if others:
        counts = ", ".join(f"{others.count(state)} {state}" for state in dict.fromkeys(others))
        told.append(f"not taken over: {counts}")
    if any(one.intermediate_values for one in trials):
        told.append("not taken over: intermediate values")
    names = sorted({name for one in trials for name in one.user_attrs})
    if names and not ours:
        told.append(f"not taken over: user attributes ({', '.join(names[:5])}{' ...' * (len(names) > 5)})")
    if any(_CONSTRAINTS in one.system_attrs for one in trials):
        told.append("not taken over: constraints; trainer: external may report them as metrics")
    return told


def _expect_studies(path: Path) -> None:
    """Raise SearchError unless a file holds studies: Optuna would add its tables to any other database."""
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as file:
            file.execute("SELECT 1 FROM studies")
    except sqlite3.Error as error:
        remedy = "name the SQLite file of Optuna's storage"
        raise SearchError([Problem("file", f"{path} holds no study of Optuna ({error})", remedy)]) from None
