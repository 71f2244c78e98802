"""The one place where Optuna is imported: its samplers, its importance of parameters, its distributions.

Samplers see an in-memory study that is made anew for every proposal from a window of the visible trials.
Its parameters are unit coordinates, so that scales.py stays the only place of scale mathematics, and nothing
that a sampler writes is kept: CMA-ES would pickle itself into it.
"""

import json
import warnings
from collections.abc import Container, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from optuna import Study
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.importance import PedAnovaImportanceEvaluator
from optuna.samplers import BaseSampler, GPSampler, NSGAIISampler, TPESampler
from optuna.storages import InMemoryStorage
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

from caviar.search.axes import Axis
from caviar.search.history import LARGEST, Floats, History, Integers, finite_values
from caviar.search.parameters import Choice, Fixed, Parameter, Range, Value
from caviar.search.pareto import nondominated
from caviar.search.proposal import Proposal, propose_at, round_for_determinism
from caviar.search.random import draw
from caviar.search.randomness import counter
from caviar.search.space import NEUTRAL, Space
from caviar.search.spec import SearchSpec
from caviar.search.strategy_settings import Gp, Nsga2, Tpe

Coordinate = int | float
BEST, LATEST = 25, 45  # the window: what a sampler may see of a long history
MOST_FOR_IMPORTANCE = 5000
MOST_OF_SEVERAL = 120  # the window with several objectives
MOST_OF_GENERATIONS = 2000  # trials, for NSGA-II
ASKS = 8  # of TPE where its point breaks a relation; the last one is moved to where it does not


class _Window(InMemoryStorage):
    """Storage of one study whose trials are given and never change."""

    def __init__(self, trials: list[FrozenTrial], objectives: int = 1) -> None:
        super().__init__()
        self._trials = trials
        self._directions = [StudyDirection.MINIMIZE] * objectives
        self._notes: dict[str, Any] = {}

    def get_study_id_from_name(self, study_name: str) -> int:
        return 0

    def get_study_directions(self, study_id: int) -> list[StudyDirection]:
        return self._directions

    def get_all_trials(
        self, study_id: int, deepcopy: bool = True, states: Container[TrialState] | None = None
    ) -> list[FrozenTrial]:
        return [trial for trial in self._trials if states is None or trial.state in states]

    def set_trial_system_attr(self, trial_id: int, key: str, value: Any) -> None:
        """Keep nothing."""

    def get_study_system_attrs(self, study_id: int) -> dict[str, Any]:
        return self._notes

    def set_study_system_attr(self, study_id: int, key: str, value: Any) -> None:
        """Keep it as long as the proposal takes."""
        self._notes[key] = value


def _distribution(axis: Axis) -> BaseDistribution:
    """Distribution of a coordinate: an index where levels have equal cells, else the unit interval."""
    if axis.levels is None or not axis.even:
        return FloatDistribution(0.0, 1.0)
    if axis.ordered:
        return IntDistribution(0, axis.levels - 1)
    return CategoricalDistribution(range(axis.levels))


def _coordinates(axis: Axis, units: Floats) -> list[Coordinate]:
    if axis.levels is None or not axis.even:
        return list(units.tolist())
    return list(np.minimum((units * axis.levels).astype(np.int64), axis.levels - 1).tolist())


def _unit(axis: Axis, coordinate: Coordinate) -> float:
    if axis.levels is None or not axis.even:
        return float(coordinate)
    return (coordinate + 0.5) / axis.levels


def window(history: History) -> Integers:
    """Rows of the best and of the latest trials that have a value, in their order."""
    rows = np.flatnonzero(~np.isnan(history.values))
    if history.objectives is not None:
        return _front_and_latest(history.objectives, rows)
    if len(rows) <= BEST + LATEST:
        return rows
    best = rows[np.argpartition(history.values[rows], BEST)[:BEST]]
    return np.union1d(best, rows[-LATEST:])


def _front_and_latest(objectives: Floats, rows: Integers) -> Integers:
    """Rows of the front and of the latest trials: with several objectives there is no one best."""
    if len(rows) <= MOST_OF_SEVERAL:
        return rows
    front = rows[nondominated(objectives[rows])][-MOST_OF_SEVERAL // 2 :]
    rest = rows[~np.isin(rows, front)]
    return np.union1d(front, rest[-(MOST_OF_SEVERAL - len(front)) :])


def _frozen(
    number: int,
    state: TrialState,
    value: float | list[float] | None,
    params: dict[str, Any],
    step: int,
    constraints: Sequence[float] = (),
) -> FrozenTrial:
    steps = {step: value} if state == TrialState.PRUNED and isinstance(value, float) else {}
    one, each = (None, value) if isinstance(value, list) else (value, None)
    trial = FrozenTrial(number, state, one, None, None, params, {}, {}, {}, steps, number, values=each)
    for place, slack in enumerate(constraints):
        trial.set_constraint(f"constraint {place}", slack)
    return trial


def _trials(space: Space, history: History, rows: Integers, neutral: bool) -> list[FrozenTrial]:
    """Trials of the window and the pending ones; with `neutral` they have inactive coordinates too."""
    values: list[Any] = finite_values(_told(history)[rows]).tolist()
    if history.objectives is not None:
        columns_of = [finite_values(column) for column in history.objectives[rows].T[1:]]
        values = np.column_stack([values, *columns_of]).tolist()
    constraints = constraints_of(history, rows)
    states = [
        TrialState.PRUNED if state == "stopped" and history.objectives is None else TrialState.COMPLETE
        for state in history.states[rows]
    ]
    epochs = history.epochs[rows].tolist()
    units = np.concatenate([history.units[rows], history.pending])
    active = np.ones(units.shape, dtype=np.bool_) if neutral else space.active_at(units)
    columns = [_coordinates(axis, column) for axis, column in zip(space.axes, units.T, strict=True)]
    trials = []
    for number, (row, flags) in enumerate(zip(zip(*columns, strict=True), active.tolist(), strict=True)):
        params = {axis.name: at for axis, at, flag in zip(space.axes, row, flags, strict=True) if flag}
        if number < len(rows):
            trials.append(
                _frozen(number, states[number], values[number], params, epochs[number], constraints[number])
            )
        else:
            trials.append(_frozen(number, TrialState.RUNNING, None, params, 0))
    return trials


def _told(history: History) -> Floats:
    """Return the values that a sampler with constraints is told: trials that break one have theirs too."""
    if history.kept is None:
        return history.values
    return np.where(history.kept.broken & ~np.isnan(history.values), history.kept.withheld, history.values)


def constraints_of(history: History, rows: Integers) -> Sequence[Sequence[float]]:
    """Return by how much each trial breaks each constraint; one that failed breaks all."""
    if history.kept is None:
        return [()] * len(rows)
    slacks = np.clip(history.kept.slacks[rows], -LARGEST, np.inf)
    known = np.where(np.isfinite(slacks), slacks, 0.0)
    worst = np.maximum(known.max(axis=0, initial=0.0), 1e-9)  # of the size of what the samplers have seen
    broken = np.isposinf(slacks) | (history.states[rows] == "failed")[:, None]
    return list(np.where(broken, worst, np.nan_to_num(slacks, nan=0.0, posinf=0.0)).tolist())


def _seed(spec: SearchSpec, number: int, purpose: str) -> int:
    return counter(spec.seed, number, purpose) >> 33


def _ask(
    sampler: BaseSampler, trials: list[FrozenTrial], axes: Sequence[Axis], objectives: int = 1
) -> tuple[Study, FrozenTrial, dict[str, Any]]:
    """Coordinates of the next trial, all axes together."""
    study = Study("window", _Window(trials, objectives), sampler)
    trial = _frozen(len(trials), TrialState.RUNNING, None, {}, 0)
    distributions = {axis.name: _distribution(axis) for axis in sorted(axes, key=lambda axis: axis.name)}
    distributions = {name: one for name, one in distributions.items() if not one.single()}
    with np.errstate(divide="ignore", invalid="ignore"):  # TPE meets intervals without width
        return study, trial, sampler.sample_relative(study, trial, distributions)


def _startup(spec: SearchSpec, number: int, origin: str) -> Proposal:
    return propose_at(spec.space, draw(spec, number), origin, "drawn at random: too few results yet")


def tpe(spec: SearchSpec, number: int, history: History) -> Proposal:
    """Propose by Optuna's TPE: where good results are dense and bad ones are not."""
    assert isinstance(spec.strategy, Tpe)
    space, rows = spec.space, window(history)
    if len(rows) < spec.strategy.startup or not space.dimensions:
        return _startup(spec, number, "tpe")
    trials = _trials(space, history, rows, neutral=False)
    why = f"estimated from {len(rows)} results"
    for again in range(ASKS):
        sampler = TPESampler(seed=_seed(spec, number, f"tpe {again}" if again else "tpe"), n_startup_trials=0)
        unit = round_for_determinism(_sampled(space, sampler, trials, len(spec.objectives)))
        if np.array_equal(space.settle(unit), unit):
            break
    return propose_at(space, unit, "tpe", why)


def _sampled(space: Space, sampler: BaseSampler, trials: list[FrozenTrial], objectives: int) -> Floats:
    always = [axis for axis in space.axes if axis.parameter not in space.conditional]
    study, trial, found = _ask(sampler, trials, always, objectives)
    while True:
        # What hangs on a condition is sampled by itself, once the parameters it hangs on are known.
        row = [_unit(axis, found[axis.name]) if axis.name in found else NEUTRAL for axis in space.axes]
        active = space.active_at(np.array([row]))[0]
        missing = [
            axis
            for axis, flag in zip(space.axes, active, strict=True)
            if flag and axis.name not in found and _sampled_alone(space, axis)
        ]
        if not missing:
            return np.array(row)
        with np.errstate(divide="ignore", invalid="ignore"):
            for axis in missing:
                found[axis.name] = sampler.sample_independent(study, trial, axis.name, _distribution(axis))


def gp(spec: SearchSpec, number: int, history: History) -> Proposal:
    """Propose by Optuna's Gaussian process: the largest expected improvement."""
    assert isinstance(spec.strategy, Gp)
    space, rows = spec.space, window(history)
    if len(rows) < max(spec.strategy.startup, 2) or not space.dimensions:
        return _startup(spec, number, "gp")
    import torch  # an extra; the submission has made sure of it

    torch.set_num_threads(1)  # matrices this small only wait for each other
    sampler = GPSampler(seed=_seed(spec, number, "gp"), n_startup_trials=0, warn_independent_sampling=False)
    trials = _trials(space, history, rows, neutral=True)
    for trial in trials:
        if trial.state == TrialState.PRUNED:  # which the process would not look at
            trial.state = TrialState.COMPLETE
    _, _, found = _ask(sampler, trials, space.axes, len(spec.objectives))
    row = [_unit(axis, found[axis.name]) if axis.name in found else NEUTRAL for axis in space.axes]
    return propose_at(
        space,
        round_for_determinism(np.array(row)),
        "gp",
        f"largest expected improvement, from {len(rows)} results",
    )


def _sampled_alone(space: Space, axis: Axis) -> bool:
    """Tell whether a sampler draws a coordinate that it left out by itself, as mutations are."""
    return axis.parameter in space.conditional or not _distribution(axis).single()


def nsga2(spec: SearchSpec, number: int, history: History) -> Proposal:
    """Propose by Optuna's NSGA-II: children of the best of the generations that are visible."""
    assert isinstance(spec.strategy, Nsga2)
    space, size = spec.space, spec.strategy.population
    rows = np.flatnonzero(~np.isnan(history.values))[-MOST_OF_GENERATIONS:]
    if len(rows) < size or not space.dimensions:
        return _startup(spec, number, "nsga2")
    visible = replace(history, pending=history.pending[:0])
    trials = _trials(space, visible, rows, neutral=True)
    for place, trial in enumerate(trials):
        trial._system_attrs[NSGAIISampler._get_generation_key()] = place // size
    seed = _seed(spec, number, "nsga2")
    sampler = NSGAIISampler(population_size=size, seed=seed)
    unit = round_for_determinism(_sampled(space, sampler, trials, len(spec.objectives)))
    why = f"a child of generation {len(rows) // size}"
    return propose_at(space, unit, "nsga2", why)


def importance(space: Space, history: History) -> dict[str, float]:
    """Share of each parameter in being good (PED-ANOVA), in all 1; all 0 if too little is known."""
    names = list(dict.fromkeys(axis.parameter for axis in space.axes))
    shares = dict.fromkeys(names, 0.0)
    rows = np.flatnonzero(~np.isnan(history.values))[-MOST_FOR_IMPORTANCE:]
    if not space.dimensions or len(rows) < 5 or np.ptp(finite_values(history.values[rows])) == 0:
        return shares
    states, nothing = np.full(len(history), "completed"), np.empty((0, space.dimensions))
    known = replace(history, states=states, pending=nothing, kept=None, objectives=None)
    trials = _trials(space, known, rows, neutral=False)
    distributions = {axis.name: _distribution(axis) for axis in space.axes}
    for trial in trials:
        trial._distributions = {name: distributions[name] for name in trial.params}
    study = Study("window", _Window(trials), TPESampler(seed=0))
    evaluator = PedAnovaImportanceEvaluator(target_quantile=min(0.5, max(0.1, 5 / len(rows))))
    with warnings.catch_warnings():
        # A condition rarely met and values mostly equal have little to say: small shares say it.
        warnings.filterwarnings("ignore", "Some regimes|Target and region", UserWarning)
        found = evaluator.evaluate(study)
    for name, share in found.items():
        shares[name.rsplit(".", 1)[0] if name not in shares else name] += share
    total = sum(shares.values())
    return {name: share / total for name, share in shares.items()} if total > 0 else shares


def distribution(parameter: Parameter) -> BaseDistribution:
    """Optuna's distribution of a parameter's values; it has no one_minus_log and no `zero`."""
    if isinstance(parameter, Fixed):
        return CategoricalDistribution([_scalar(parameter.value)])
    if isinstance(parameter, Choice):
        return CategoricalDistribution([exported(parameter, choice) for choice in parameter.choices])
    low = min(parameter.low, 0.0) if parameter.zero else parameter.low
    log = parameter.scale == "log" and not parameter.zero
    if parameter.type == "int":
        step = 1 if log or parameter.zero else int(parameter.step or 1)
        return IntDistribution(int(low), int(parameter.high), log=log, step=step)
    step_or_none = None if log or parameter.zero else parameter.step
    return FloatDistribution(low, parameter.high, log=log, step=step_or_none)


def exported(parameter: Parameter, value: Value) -> bool | int | float | str | None:
    """Return a value as Optuna holds it: as text where it would take it for another choice, as 1 for true."""
    if isinstance(parameter, Choice) and as_text(parameter):
        return json.dumps(value)
    return _scalar(value)


def as_text(choice: Choice) -> bool:
    """Return whether all choices are exported as JSON texts: some are equal for Python, or read alike."""
    return len({_scalar(one) for one in choice.choices}) < len(choice.choices)


def _scalar(value: Value) -> bool | int | float | str | None:
    """Lists as text: Optuna's choices are single values."""
    return json.dumps(value) if isinstance(value, list) else value


def parameter_of(found: BaseDistribution) -> Parameter:
    """Parameter with the values of one of Optuna's distributions, for import."""
    if isinstance(found, CategoricalDistribution):
        return Choice(choices=list(found.choices))
    if not isinstance(found, FloatDistribution | IntDistribution):
        raise TypeError(f"Optuna has no distribution {found!r}")
    if found.single():
        return Fixed(value=found.low)
    kind = "int" if isinstance(found, IntDistribution) else "float"
    step = None if found.log or (kind == "int" and found.step == 1) else found.step
    return Range(scale="log" if found.log else "linear", type=kind, low=found.low, high=found.high, step=step)
