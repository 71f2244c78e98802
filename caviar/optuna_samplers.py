"""Our strategies inside Optuna: samplers for a study that runs without a server.

import optuna
from caviar.optuna import CoarseToFineSampler

study = optuna.create_study(sampler=CoarseToFineSampler(n_trials=60, seed=1))
study.optimize(objective, n_trials=60)

A study's distributions become a Caviar space, whose strategy proposes. Optuna keeps no conditions: that a
parameter is there only with some value of another one is concluded from the trials that have ended.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
from cachetools import LRUCache
from optuna import Study
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution
from optuna.samplers import BaseSampler
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

from caviar.search.history import History
from caviar.search.optuna_bridge import parameter_of
from caviar.search.optuna_import import infer
from caviar.search.spec import SearchSpec
from caviar.search.strategies import propose

Distributions = Mapping[str, BaseDistribution]
Constraints = Callable[[FrozenTrial], Sequence[float]]
KNOWN = (TrialState.COMPLETE, TrialState.PRUNED)
SPECS = 64  # spaces whose parsed specs are kept


class _StrategySampler(BaseSampler):
    """A sampler that asks a strategy of caviar.search.

    Parameters
    ----------
    n_trials : int
        How many trials the study is to have: early ones explore, late ones refine. More do no harm.
    seed : int, optional
        The same seed and the same results give the same proposals. By default it is drawn.
    one_minus_log : iterable of str
        Parameters such as momentum or beta whose distance from 1 is searched on a log scale: floats below 1
        without log and step.
    constraints_func : callable, optional
        Given a finished trial, returns numbers; it is feasible where all are at most 0.
    """

    strategy: ClassVar[str]

    def __init__(
        self,
        *,
        n_trials: int = 100,
        seed: int | None = None,
        one_minus_log: Iterable[str] = (),
        constraints_func: Constraints | None = None,
    ) -> None:
        self._n_trials = n_trials
        self._seed = secrets.randbits(32) if seed is None else seed
        self._one_minus_log = frozenset(one_minus_log)
        self._constraints = constraints_func
        self._specs: LRUCache[str, SearchSpec] = LRUCache(SPECS)
        self._proposed: LRUCache[tuple[str, int], dict[str, Any]] = LRUCache(10_000)

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        """Return every parameter that a trial has had, with its latest distribution."""
        latest: dict[str, BaseDistribution] = {}
        for one in study.get_trials(deepcopy=False, states=KNOWN):
            latest.update(one.distributions)
        return {name: found for name, found in sorted(latest.items()) if not found.single()}

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """Propose values for all parameters together; one whose condition does not hold is left out."""
        self._raise_error_if_multi_objective(study)
        if not search_space:
            return {}
        found = self._propose(study, trial, search_space, self._seed)
        self._proposed[study.study_name, trial.number] = found
        return found

    def sample_independent(
        self, study: Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:
        """Propose a value for a parameter that is new, or whose distribution has changed."""
        self._raise_error_if_multi_objective(study)
        if param_distribution.single():
            return _value(param_distribution, parameter_of(param_distribution).value)  # type: ignore[union-attr]
        # With one seed for all, the first trials would lie on a diagonal.
        own = hashlib.sha256(f"{self._seed} {param_name}".encode()).digest()
        found = self._propose(study, trial, {param_name: param_distribution}, int.from_bytes(own[:4]))
        return found[param_name]

    def _propose(self, study: Study, trial: FrozenTrial, space: Distributions, seed: int) -> dict[str, Any]:
        names = {name: f"p{place}" for place, name in enumerate(space)}
        trials = [one for one in study.get_trials(deepcopy=False) if one.number < trial.number]
        coded = {one.number: _coded(one, space, names) for one in trials}
        spec = self._spec(space, names, [coded[one.number] for one in trials if one.state in KNOWN], seed)
        proposal = propose(spec, trial.number, self._history(study, spec, trials, coded, space, names))
        return {
            name: _value(space[name], proposal.point[own])
            for name, own in names.items()
            if own in proposal.point
        }

    def _spec(
        self, space: Distributions, names: Mapping[str, str], known: Sequence[dict[str, Any]], seed: int
    ) -> SearchSpec:
        """Return the search that stands for the study, with the conditions that its trials show."""
        kinds = {names[name]: _kind(found) for name, found in space.items()}
        entries: dict[str, Any] = {}
        if any(len(point) < len(kinds) for point in known):
            points = [_frozen(point, kinds) for point in known]
            entries = infer(points, points).space
        full = {own: entries.get(own) or _entry(kind) for own, kind in kinds.items()}
        for name in self._one_minus_log & names.keys():
            full[names[name]] = _distance_from_one(name, space[name], full[names[name]])
        key = f"{seed} {full}"
        spec = self._specs.get(key)
        if spec is None:
            asked = {
                "trainer": "external",
                "space": full,
                "strategy": self.strategy,
                "budget": {"trials": self._n_trials},
                "seed": seed,
            }
            spec = self._specs[key] = SearchSpec.parse(asked)
        return spec

    def _history(
        self,
        study: Study,
        spec: SearchSpec,
        trials: Sequence[FrozenTrial],
        coded: Mapping[int, dict[str, Any]],
        space: Distributions,
        names: Mapping[str, str],
    ) -> History:
        """Return what the strategy may see: results, failures, and the points still in training."""
        sign = -1.0 if study.direction == StudyDirection.MAXIMIZE else 1.0
        numbers, values, states, pending = [], [], [], []
        for one in trials:
            if one.state in (TrialState.RUNNING, TrialState.WAITING):
                guess = self._proposed.get((study.study_name, one.number), {})
                point = {
                    names[name]: _code(space[name], value) for name, value in guess.items() if name in names
                }
                point |= coded[one.number]
                if point:
                    pending.append(spec.space.to_unit(point))
                continue
            if not coded[one.number]:
                continue
            state, value = self._outcome(one)
            numbers.append(one.number)
            states.append(state)
            values.append(sign * value if state in ("completed", "stopped") else value)
        units = [spec.space.to_unit(coded[number]) for number in numbers]
        d = spec.space.dimensions
        return History.of(
            numbers,
            np.array(units).reshape(-1, d),
            values,
            states,
            pending=np.array(pending).reshape(-1, d),
        )

    def _outcome(self, trial: FrozenTrial) -> tuple[str, float]:
        """Return the state of a trial that has ended, and its value."""
        if trial.state == TrialState.FAIL:
            return "failed", np.inf
        if self._constraints is not None and any(not one <= 0 for one in self._constraints(trial)):
            return "failed", np.inf
        if trial.state == TrialState.PRUNED:
            step = trial.last_step
            return "stopped", np.nan if step is None else trial.intermediate_values[step]
        assert trial.value is not None
        return "completed", trial.value


class CoarseToFineSampler(_StrategySampler):
    """Look everywhere, see where it was good, look closer there, and again (docs/strategies.md)."""

    strategy = "coarse_to_fine"


class SobolSampler(_StrategySampler):
    """Points of a scrambled Sobol sequence: random, but evenly spread, whatever the results."""

    strategy = "sobol"


def _kind(found: BaseDistribution) -> BaseDistribution:
    """Return the distribution of a parameter's code: the place of a choice, else the number itself."""
    return (
        CategoricalDistribution(range(len(found.choices)))
        if isinstance(found, CategoricalDistribution)
        else found
    )


def _code(found: BaseDistribution, value: Any) -> Any:
    """Return the code of a value: choices may be equal for Python, their places are not."""
    return int(found.to_internal_repr(value)) if isinstance(found, CategoricalDistribution) else value


def _value(found: BaseDistribution, code: Any) -> Any:
    """Return the value that a code stands for."""
    if isinstance(found, CategoricalDistribution):
        return found.choices[code]
    return float(code) if isinstance(found, FloatDistribution) else int(code)


def _coded(trial: FrozenTrial, space: Distributions, names: Mapping[str, str]) -> dict[str, Any]:
    """Return the point of a trial by the names of the space; empty where it lies outside."""
    point = {}
    for name, value in trial.params.items():
        if name not in names:
            continue
        found = space[name]
        if type(trial.distributions[name]) is not type(found) or not found._contains(
            found.to_internal_repr(value)
        ):
            return {}
        point[names[name]] = _code(found, value)
    return point


def _frozen(point: dict[str, Any], kinds: Distributions) -> FrozenTrial:
    """Return a completed trial of codes."""
    distributions = {name: kinds[name] for name in point}
    return FrozenTrial(0, TrialState.COMPLETE, 0.0, None, None, point, distributions, {}, {}, {}, 0)


def _entry(found: BaseDistribution) -> dict[str, Any]:
    return parameter_of(found).model_dump(mode="json", exclude_none=True, exclude_defaults=True)


def _distance_from_one(name: str, found: BaseDistribution, entry: Mapping[str, Any]) -> dict[str, Any]:
    """Return the definition of a parameter on the scale one_minus_log. Raises ValueError."""
    fits = isinstance(found, FloatDistribution) and not found.log and found.step is None and found.high < 1
    if not fits:
        needed = "it needs suggest_float with high below 1, without log and step"
        raise ValueError(f"{name!r} is in one_minus_log and has {found}: {needed}")
    return {**entry, "scale": "one_minus_log"}
