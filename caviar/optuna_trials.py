"""Trials between Optuna and a server: how they are sent and read, and a study's trials as last read."""

from __future__ import annotations

import json
import math
from collections.abc import Container, Mapping
from copy import copy
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any

from optuna.distributions import BaseDistribution, distribution_to_json, json_to_distribution
from optuna.trial import FrozenTrial, TrialState

SPACING = 10_000_000  # ids of trials are 30000017 for trial 17 of study 3
_read_distribution = lru_cache(maxsize=4096)(json_to_distribution)


def write_number(value: float) -> float | str:
    """Return a number as JSON takes it: one that is not finite as text."""
    number = float(value)
    return number if math.isfinite(number) else str(number)


@dataclass
class Change:
    """What is to be written of a trial; later changes join earlier ones."""

    params: dict[str, tuple[float, BaseDistribution]] = field(default_factory=dict)  # as Optuna codes them
    user: dict[str, Any] = field(default_factory=dict)
    system: dict[str, Any] = field(default_factory=dict)
    steps: dict[int, float] = field(default_factory=dict)
    alive: bool = False

    def join(self, later: Change) -> None:
        """Take a later change in."""
        self.params |= later.params
        self.user |= later.user
        self.system |= later.system
        self.steps |= later.steps
        self.alive |= later.alive

    def apply(self, trial: FrozenTrial) -> FrozenTrial:
        """Return a changed copy of a trial: what was read before stays as it is."""
        trial = copy(trial)
        if self.params:
            values = {name: found.to_external_repr(code) for name, (code, found) in self.params.items()}
            trial.params = {**trial.params, **values}
            kinds = {name: found for name, (_, found) in self.params.items()}
            trial.distributions = {**trial.distributions, **kinds}
        if self.user:
            trial.user_attrs = {**trial.user_attrs, **self.user}
        if self.system:
            trial.system_attrs = {**trial.system_attrs, **self.system}
        if self.steps:
            trial.intermediate_values = {**trial.intermediate_values, **self.steps}
        return trial

    def written(self) -> dict[str, Any]:
        """Return what is sent."""
        return {
            "params": {
                name: [float(code), distribution_to_json(kind)] for name, (code, kind) in self.params.items()
            },
            "user": {name: json.dumps(value) for name, value in self.user.items()},
            "system": {name: json.dumps(value) for name, value in self.system.items()},
            "steps": {str(step): write_number(value) for step, value in self.steps.items()},
        }


def write_trial(trial: FrozenTrial) -> dict[str, Any]:
    """Return a whole trial as it is sent."""
    codes = {
        name: (kind.to_internal_repr(trial.params[name]), kind) for name, kind in trial.distributions.items()
    }
    content = Change(codes, trial.user_attrs, trial.system_attrs, trial.intermediate_values).written()
    return {
        **content,
        "state": trial.state.name,
        "values": None if trial.values is None else [write_number(one) for one in trial.values],
        "started": _seconds(trial.datetime_start),
        "ended": _seconds(trial.datetime_complete),
    }


def read_trial(study: int, told: Mapping[str, Any]) -> FrozenTrial:
    """Return a trial that the server told."""
    document, number = told["document"], int(told["number"])
    kinds = {name: _read_distribution(text) for name, (_, text) in document["params"].items()}
    values = document["values"]
    return FrozenTrial(
        number=number,
        trial_id=study * SPACING + number,
        state=TrialState[told["state"]],
        value=None,
        values=None if values is None else [float(one) for one in values],
        datetime_start=_moment(told["started"]),
        datetime_complete=_moment(told["ended"]),
        params={name: kinds[name].to_external_repr(code) for name, (code, _) in document["params"].items()},
        distributions=kinds,
        user_attrs={name: json.loads(text) for name, text in document["user"].items()},
        system_attrs={name: json.loads(text) for name, text in document["system"].items()},
        intermediate_values={int(step): float(value) for step, value in document["steps"].items()},
    )


def _seconds(moment: datetime | None) -> float | None:
    return None if moment is None else moment.timestamp()


def _moment(seconds: float | None) -> datetime | None:
    """Return a time as Optuna has it: local, without a zone."""
    return None if seconds is None else datetime.fromtimestamp(seconds)


class StudyCopy:
    """The trials of a study as last read; `revision` is what the next reading asks from."""

    def __init__(self, study: int) -> None:
        self.study = study
        self.revision = 0
        self.trials: list[FrozenTrial] = []  # by number
        self.distributions: dict[str, BaseDistribution] = {}
        self._unfinished: set[int] = set()

    def take(self, trial: FrozenTrial) -> None:
        """Take in a trial; those below it are there already."""
        if trial.number == len(self.trials):
            self.trials.append(trial)
        else:
            self.trials[trial.number] = trial
        for name, kind in trial.distributions.items():
            self.distributions.setdefault(name, kind)
        if trial.state.is_finished():
            self._unfinished.discard(trial.number)
        else:
            self._unfinished.add(trial.number)

    def find(self, number: int) -> FrozenTrial | None:
        """Return a trial, or None."""
        return self.trials[number] if 0 <= number < len(self.trials) else None

    def select(self, states: Container[TrialState] | None) -> list[FrozenTrial]:
        """Return the trials in some states by number."""
        if states is None:
            return list(self.trials)
        if not any(state in states for state in TrialState if state.is_finished()):
            return [t for number in sorted(self._unfinished) if (t := self.trials[number]).state in states]
        return [trial for trial in self.trials if trial.state in states]
