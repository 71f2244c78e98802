"""A callback that makes the training of Keras 3 a trial.

from caviar.frameworks.keras import TrialCallback

for trial in Client().ask(search):
    model = build(**trial.params)  # compiled, and built: with an Input
    model.fit(X, y, epochs=trial.epochs, validation_data=dev, callbacks=[TrialCallback(trial)])
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras

from caviar.errors import CaviarError
from caviar.external_trial import ExternalTrial
from caviar.frameworks.steps import Scratch, Setter, Steps, renamed

WEIGHTS = "state.weights.h5"  # of model and optimizer; Keras reads the format from the name
FOLLOWS = "{} cannot change: the optimizer follows a LearningRateSchedule; compile it with a number"


class TrialCallback(keras.callbacks.Callback):  # type: ignore[misc]
    """Reports each epoch, resumes, keeps states, stops; `set` changes the learning rate of the optimizer.

    `names` has the search's names for those of Keras (learning_rate), `every` the epochs between two states.
    """

    def __init__(
        self, trial: ExternalTrial, *, names: Mapping[str, str] | None = None, every: int | None = None
    ) -> None:
        super().__init__()
        self._steps = Steps(trial, "Keras", every)
        self._names = names
        self._scratch = Scratch()
        self._left = False

    def on_train_begin(self, logs: Mapping[str, Any] | None = None) -> None:
        """Take up the last state, and name what can change. Raises CaviarError for a model without shapes."""
        trial, model = self._steps.trial, self.model
        path = self._scratch.restored(trial, WEIGHTS)
        if path is not None:
            if not model.built:
                raise CaviarError("the model has no weights to resume with yet: begin it with keras.Input")
            if not model.optimizer.built:
                model.optimizer.build(model.trainable_variables)
            model.load_weights(path)
            model._initial_epoch = trial.epoch  # as BackupAndRestore does
        scheduled = isinstance(
            model.optimizer._learning_rate, keras.optimizers.schedules.LearningRateSchedule
        )
        setters: dict[str, Setter] = {}
        if not scheduled:

            def change(value: Any) -> None:
                model.optimizer.learning_rate = value

            setters = renamed(dict.fromkeys(("learning_rate", "lr"), change), self._names)
        self._steps.begin(setters, FOLLOWS if scheduled else "")

    def on_train_batch_end(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Leave a long epoch for a stop."""
        if self._steps.left:
            self._left = self.model.stop_training = True

    def on_epoch_end(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Report the epoch."""
        if self._left:  # in its midst: its metrics are of a part
            return
        keep = lambda: self._scratch.packed(WEIGHTS, self.model.save_weights)  # noqa: E731
        if self._steps.ended(epoch + 1, logs or {}, keep):
            self.model.stop_training = True
