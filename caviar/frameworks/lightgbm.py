"""A callback that makes the training of LightGBM a trial; its steps are boosting rounds.

from caviar.frameworks.lightgbm import TrialCallback

for trial in Client().ask(search):
    callback = TrialCallback(trial)
    lightgbm.train(trial.params, train, callback.rounds(200), valid_sets=[dev], valid_names=["dev"],
                   init_model=callback.resume, callbacks=[callback])
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lightgbm import Booster
from lightgbm.callback import CallbackEnv, EarlyStopException

from caviar.external_trial import ExternalTrial
from caviar.frameworks.steps import Steps, renamed

NAMES = ("learning_rate", "eta")


class TrialCallback:
    """Reports the metrics of each round as dev_auc, keeps the model, stops; `set` changes the learning rate.

    `names` has the search's names for those of LightGBM, `every` the rounds between two states.
    """

    order = 40  # after what LightGBM logs, stops and records itself
    before_iteration = False

    def __init__(
        self, trial: ExternalTrial, *, names: Mapping[str, str] | None = None, every: int | None = None
    ) -> None:
        self._steps = Steps(trial, "LightGBM", every)
        self._names = names
        self._began = False
        state = trial.resume
        self.resume = None if state is None else Booster(model_str=state.decode())  # for init_model=

    def rounds(self, last: int) -> int:
        """Return how many rounds are left of so many."""
        return max(0, last - self._steps.trial.epoch)

    def __call__(self, env: CallbackEnv) -> None:
        """Report a round. Raises EarlyStopException, as LightGBM wants it, to stop."""
        if not self._began:
            self._began = True

            def change(value: Any) -> None:
                env.model.reset_parameter({"learning_rate": value})

            self._steps.begin(renamed(dict.fromkeys(NAMES, change), self._names))
        results = env.evaluation_result_list or []
        metrics = {f"{data}_{metric}": value for data, metric, value, *_ in results}
        keep = lambda: env.model.model_to_string(num_iteration=-1).encode()  # noqa: E731
        if self._steps.ended(env.iteration + 1, metrics, keep):
            raise EarlyStopException(env.iteration, results)
