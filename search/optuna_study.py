"""Optuna's own storage, for export and import alone: a study in an SQLite file.

Parameters stand there as values, not as coordinates: Optuna's tools and dashboards show what was trained.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

import optuna
from optuna.distributions import BaseDistribution
from optuna.storages import RDBStorage
from optuna.trial import FrozenTrial, TrialState

from caviar.search.optuna_bridge import as_text, distribution, exported
from caviar.search.optuna_import import Inferred, infer, join_layers
from caviar.search.parameters import Choice
from caviar.search.problem import Problem, SearchError
from caviar.search.space import Point, Space

Direction = Literal["minimize", "maximize"]
SPACE = "caviar_space"  # the study's attribute with the space as it was
_CONSTRAINTS = "constraints"  # where Optuna keeps those of a trial
_STATES = {"completed": TrialState.COMPLETE, "stopped": TrialState.PRUNED}  # the others have failed


@dataclass(frozen=True)
class Finished:
    """A trial that has ended, as it goes into a study."""

    point: Point
    state: str
    value: float | None
    started: datetime | None
    ended: datetime
    curve: Mapping[int, float] = field(default_factory=dict)  # the objective by epoch, finite values
    notes: Mapping[str, Any] = field(default_factory=dict)  # what Optuna has no place for


@dataclass(frozen=True)
class Study:
    """What can be read of a study: a space, its best points first, and its direction."""

    name: str
    direction: str
    space: dict[str, Any]
    points: list[Point]
    values: list[float]  # of the points
    numbers: list[int]  # of their trials in the study
    told: list[str]  # what was concluded, and what a search has no place for
    lost: list[str]  # what could not be kept though it was asked for


def write(path: Path, name: str, direction: Direction, space: Space, trials: Iterable[Finished]) -> None:
    """Write a study into a new SQLite file. A point that the space does not hold goes into the notes."""
    with _storage(":memory:") as storage:  # Optuna commits every value: on a disk that takes minutes
        study = optuna.create_study(storage=storage, study_name=name, direction=direction)
        study.set_user_attr(SPACE, space.model_dump(mode="json", exclude_unset=True))
        for number, trial in enumerate(trials):
            study.add_trial(_frozen(number, space, trial))
        memory: Any = storage.engine.raw_connection().driver_connection
        with closing(sqlite3.connect(path)) as file:
            memory.backup(file)


def _frozen(number: int, space: Space, trial: Finished) -> FrozenTrial:
    inside = not space.check(trial.point)
    params, distributions = _flat(space, trial.point) if inside else ({}, {})
    notes = {**trial.notes, "state": trial.state} | ({} if inside else {"params": dict(trial.point)})
    state = _STATES.get(trial.state, TrialState.FAIL)
    return FrozenTrial(
        number=number,
        state=state,
        value=trial.value if state == TrialState.COMPLETE else None,
        datetime_start=trial.started or trial.ended,
        datetime_complete=trial.ended,
        params=params,
        distributions=distributions,
        user_attrs=notes,
        system_attrs={},
        intermediate_values=dict(trial.curve),
        trial_id=number,
    )


def _flat(space: Space, point: Point) -> tuple[dict[str, Any], dict[str, BaseDistribution]]:
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
            distributions[entry] = distribution(parameter)
    return params, distributions


def read(path: Path, name: str | None = None, points: int = 10) -> Study:
    """Read a study from an SQLite file.

    Raises SearchError when there is none of that name, several without a name, or nothing that caviar knows.
    """
    _expect_studies(path)
    with _storage(path) as storage:
        names = sorted(optuna.get_all_study_names(storage))
        if name is None and len(names) == 1:
            name = names[0]
        if name not in names:
            what = "names no study" if name is None else f"{name!r} is not in the file"
            raise SearchError([Problem("study", what, f"there are: {', '.join(names) or 'none'}")])
        study = optuna.load_study(study_name=name, storage=storage)
        if len(study.directions) > 1:
            remedy = "import a study with a single objective"
            raise SearchError([Problem("study", "has several objectives", remedy)])
        maximize = study.direction == optuna.study.StudyDirection.MAXIMIZE
        trials = study.get_trials(deepcopy=False)
        own = study.user_attrs.get(SPACE)
    if own is None and not any(one.distributions for one in trials):
        remedy = "import it once a trial has suggested parameters"
        raise SearchError([Problem("study", f"{name!r} has no trial that says what its space is", remedy)])
    done = [one for one in trials if one.state == TrialState.COMPLETE and one.value is not None]
    found = infer(trials, done) if own is None else Inferred(own, _layered(own))
    done.sort(key=lambda one: -one.values[0] if maximize else one.values[0])
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
            found.lost.append(f"the point of trial {trial.number}, value {trial.values[0]:.6g}: {why}")
        else:
            kept.append((point, trial))
    return Study(
        str(name),
        "maximize" if maximize else "minimize",
        found.space,
        [point for point, _ in kept],
        [trial.values[0] for _, trial in kept],
        [trial.number for _, trial in kept],
        found.told + _without_place(trials, len(done), len(kept), ours=own is not None),
        found.lost,
    )


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


@contextmanager
def _storage(path: Path | str) -> Iterator[RDBStorage]:
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    storage = RDBStorage(f"sqlite:///{path}")
    try:
        yield storage
    finally:
        storage.engine.dispose()
        optuna.logging.set_verbosity(before)
