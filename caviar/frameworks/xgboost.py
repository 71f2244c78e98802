"""A callback that makes the training of XGBoost a trial; its steps are boosting rounds.

from caviar.frameworks.xgboost import TrialCallback

for trial in Client().ask(search):
    callback = TrialCallback(trial)
    xgb.train(trial.params, train, callback.rounds(200), evals=[(dev, "dev")],
              xgb_model=callback.resume, callbacks=[callback])
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from xgboost import Booster
from xgboost.callback import TrainingCallback

from caviar.external_trial import ExternalTrial
from caviar.frameworks.steps import Steps, renamed

NAMES = ("learning_rate", "eta")


class TrialCallback(TrainingCallback):  # type: ignore[misc]
    """Reports the metrics of each round as dev_logloss, keeps the model, stops; `set` changes learning_rate.

    `names` has the search's names for those of XGBoost, `every` the rounds between two states.
    """

    def __init__(
        self, trial: ExternalTrial, *, names: Mapping[str, str] | None = None, every: int | None = None
    ) -> None:
        super().__init__()
        self._steps = Steps(trial, "XGBoost", every)
        self._names = names
        self.resume: bytearray | None = None if trial.resume is None else bytearray(trial.resume)

    def rounds(self, last: int) -> int:
        """Return how many rounds are left of so many."""
        return max(0, last - self._steps.trial.epoch)

    def before_training(self, model: Booster) -> Booster:
        """Name what can change."""

        def change(value: Any) -> None:
            model.set_param({"learning_rate": value})

        self._steps.begin(renamed(dict.fromkeys(NAMES, change), self._names))
        return model

    def after_iteration(self, model: Booster, epoch: int, evals_log: Mapping[str, Any]) -> bool:
        """Report the round; return whether to stop."""
        metrics = {
            f"{data}_{metric}": values[-1]
            for data, found in evals_log.items()
            for metric, values in found.items()
        }
        keep = lambda: bytes(model.save_raw())  # noqa: E731
        return self._steps.ended(model.num_boosted_rounds(), metrics, keep) is not None
