"""A callback that makes the training of Lightning a trial.

from caviar.frameworks.lightning import TrialCallback

for trial in Client().ask(search):
    callback = TrialCallback(trial)
    trainer = Trainer(max_epochs=trial.epochs, callbacks=[callback])
    trainer.fit(Model(**trial.params), train, dev, ckpt_path=callback.resume)
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.callbacks import Checkpoint

from caviar.external_trial import ExternalTrial
from caviar.frameworks.learning_rates import optimizer_setters
from caviar.frameworks.steps import Scratch, Steps, renamed


class TrialCallback(Checkpoint):  # type: ignore[misc]
    """Reports what each epoch logs, keeps states, stops; `set` changes the numbers of the optimizer.

    It is a Checkpoint, so that Lightning calls it last, and keeps no files of its own beside it. `names` has
    the search's names for those of the optimizer, `every` the epochs between two states.
    """

    def __init__(
        self, trial: ExternalTrial, *, names: Mapping[str, str] | None = None, every: int | None = None
    ) -> None:
        self._steps = Steps(trial, "Lightning", every)
        self._names = names
        self._left = False
        self._scratch = Scratch()
        self.resume: Path | None = self._scratch.restored(trial, "resume.ckpt")  # for fit(ckpt_path=...)

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Name what can change."""
        schedulers = [one.scheduler for one in trainer.lr_scheduler_configs]
        setters = renamed(optimizer_setters(trainer.optimizers, schedulers), self._names)

        def extend(epochs: Any) -> None:
            trainer.fit_loop.max_epochs = int(epochs)

        self._steps.begin({**setters, "epochs": extend})

    def on_train_batch_end(self, trainer: Trainer, pl_module: LightningModule, *_: Any) -> None:
        """Leave a long epoch for a stop."""
        if self._steps.left:
            self._left = trainer.should_stop = True

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Report the epoch; validation is over by now."""
        if self._left:  # in its midst: its metrics are of a part
            return
        write = trainer.save_checkpoint
        keep = lambda: self._scratch.packed("state.ckpt", write)  # noqa: E731
        if self._steps.ended(trainer.current_epoch + 1, trainer.callback_metrics, keep):
            trainer.should_stop = True
