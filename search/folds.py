"""What a search means where its data set has folds: trials train once for each, one after the other."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from caviar.search.methods import Method
from caviar.search.problem import Problem
from caviar.search.stopping_rules import Patience, Race

if TYPE_CHECKING:
    from caviar.search.spec import SearchSpec

FOLDING = "mlp"  # the trainer that knows folds; others may mean something else by the word


def trainings_of(trainer: str, dataset: Mapping[str, Any]) -> int:
    """Return how often a trial trains: folds times repeats, 1 without folds."""
    if trainer != FOLDING:
        return 1
    return _whole(dataset.get("folds")) * _whole(dataset.get("repeats"))


def _whole(value: Any) -> int:
    """Return a whole number as it is, 1 for what is none: the trainer says what is wrong with it."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 1 else 1


def with_defaults_of_folds(data: Any) -> Any:
    """Return a submission in which a search with folds says what goes without saying: race, value last."""
    if not isinstance(data, Mapping) or not isinstance(data.get("dataset"), Mapping):
        return data
    if trainings_of(data.get("trainer", FOLDING), data["dataset"]) == 1:
        return data
    objective = data.get("objective", {})
    several = data.get("further") or (isinstance(objective, list) and len(objective) > 1)
    # What is hopeless by the first of several objectives may be the best by another.
    found = dict(data) if several else {"stopping": {"name": "race"}, **data}
    if isinstance(objective, Mapping) and objective.get("value") is None:
        found["objective"] = {**objective, "value": "last"}
    return found


def problems_without_folds(stopping: Method) -> list[Problem]:
    """Return what needs folds where there are none."""
    if not isinstance(stopping, Race):
        return []
    return [
        Problem("stopping.name", "race compares folds, but has none", "add dataset.folds, or take median")
    ]


def problems_with_folds(spec: "SearchSpec") -> list[Problem]:
    """Return what cannot be where each trial trains several times."""
    found = []
    if spec.objective.value != "last":
        said = "with folds a value is the mean of all folds at their last epoch"
        found.append(Problem("objective.value", said, "leave it out, or write last"))
    if getattr(spec.strategy, "epochs_per_round", None):
        said = "trials with folds cannot be continued"
        found.append(Problem("strategy.epochs_per_round", said, "leave it out, or the folds"))
    if "epochs" in spec.space.names:
        said = "folds of different lengths cannot be compared"
        found.append(Problem("space.epochs", said, "fix it in settings; settings.patience ends folds early"))
    if isinstance(spec.stopping, Patience):
        said = "the epochs of a trial with folds start over with each fold"
        found.append(Problem("stopping.name", said, "take race; settings.patience ends folds early"))
    if spec.schedule:
        found.append(Problem("schedule", "settings cannot change in a trial with folds", "leave it out"))
    if spec.mode == "panda":
        found.append(Problem("mode", "a trial with folds cannot be steered", "use mode caviar, or no folds"))
    return found
