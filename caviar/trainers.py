"""Trainers by registered name: entry points of the group caviar.trainers. REST never carries code."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from importlib.metadata import entry_points
from typing import Any, Protocol

from caviar.old_names import resolve_old_names
from caviar.search.parameters import Choice, Fixed, Range
from caviar.search.spec import SearchSpec

GROUP = "caviar.trainers"
# As the process found them: what is installed while a server runs is not taken for one that its agents have.
INSTALLED = {entry.name: entry for entry in entry_points(group=GROUP)}


class TrainerProblem(Protocol):
    """What a trainer says is wrong."""

    field: str
    message: str
    remedy: str


class TrainerSetting(Protocol):
    """What a trainer says about one of its settings."""

    name: str
    default: Any


class Trainer(Protocol):
    """The part of a trainer plugin that the server uses; agents use the rest.

    A trainer may also have `metrics(dataset)`, the names in its results: then an objective that is none of
    them is refused when a search is submitted. And `direction(metric)`, which way one of them is better: a
    search that goes the other way is refused, and one that says nothing goes that way.

    Of a trainer that computes some metrics only where they are named, `settings_for(metrics)` gives the
    settings by which a run does; `metric_problems(metrics, settings, classes, task)` says which of them do
    not fit, and `lacking(metric)` what a data set needs for one that is no metric of this one.
    """

    def settings(self) -> Iterable[TrainerSetting]:
        """Describe the settings."""

    def check(self, settings: Mapping[str, Any], dataset: Mapping[str, Any]) -> Iterable[TrainerProblem]:
        """Say what is wrong with settings and data set."""


def names() -> list[str]:
    """Name the trainers that were installed here when this process began."""
    return sorted(INSTALLED)


@cache
def get(name: str) -> Trainer | None:
    """Return a trainer by name; None if it is not installed here (an agent elsewhere may have it)."""
    found = INSTALLED.get(name)
    if found is None:
        return None
    if not found.value.startswith("caviar."):  # somebody else's, perhaps written for the names of before
        resolve_old_names()
    plugin: Trainer = found.load()()
    return plugin


def direction(name: str, metric: str) -> str | None:
    """Return which way a metric of a trainer is better, as far as it is installed here and says so."""
    says = getattr(get(name), "direction", None)
    return says(metric) if says else None


def settings_for(name: str, metrics: Iterable[str]) -> dict[str, Any]:
    """Return the settings by which a run of a trainer computes the metrics that a search names."""
    says = getattr(get(name), "settings_for", None)
    return dict(says(metrics)) if says else {}


def default_epochs(spec: SearchSpec) -> int | None:
    """Return how many epochs the trials of a search train, as far as settings or the trainer say."""
    epochs = spec.settings.get("epochs")
    if isinstance(epochs, int):
        return epochs
    trainer = get(spec.trainer)
    if trainer is None:
        return None
    default = next((info.default for info in trainer.settings() if info.name == "epochs"), None)
    return default if isinstance(default, int) else None


def epochs_in_all(spec: SearchSpec) -> int | None:
    """Return how many epochs a trial has that trains as the settings say: those of all its folds together."""
    epochs = default_epochs(spec)
    return None if epochs is None else epochs * spec.trainings


def most_epochs(spec: SearchSpec) -> int | None:
    """Return how many epochs the longest trials of a search train, as far as that is known."""
    return max(_epochs(spec), default=None)


def fewest_epochs(spec: SearchSpec) -> int | None:
    """Return how many epochs the shortest trials of a search train, as far as that is known."""
    return min(_epochs(spec), default=None)


def _epochs(spec: SearchSpec) -> list[int]:
    """Return numbers of epochs that trials of a search may have, the fewest and the most among them."""
    per_turn = getattr(spec.strategy, "epochs_per_turn", None)
    if per_turn:
        return [per_turn, per_turn * (spec.budget.trials // spec.strategy.members)]  # type: ignore[attr-defined]
    per_round = getattr(spec.strategy, "epochs_per_round", None)
    if per_round:
        return [int(epochs) for epochs in per_round]
    known: list[Any] = []
    match spec.space.root.get("epochs"):
        case None:
            known = [default_epochs(spec)]
        case Range(low=low, high=high):
            known = [int(low), int(high)]
        case Choice(choices=choices):
            known = list(choices)
        case Fixed(value=value):
            known = [value]
    return [one for one in known if isinstance(one, int)]
