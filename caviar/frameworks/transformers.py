"""A callback that makes the training of a Trainer of Hugging Face a trial.

from caviar.frameworks.transformers import TrialCallback

for trial in Client().ask(search):
    callback = TrialCallback(trial)
    trainer = Trainer(model, TrainingArguments(..., eval_strategy="epoch"), callbacks=[callback])
    trainer.train(resume_from_checkpoint=callback.resume)
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments
from transformers.trainer_utils import PREFIX_CHECKPOINT_DIR, IntervalStrategy, SaveStrategy

from caviar.errors import CaviarError
from caviar.external_trial import ExternalTrial
from caviar.frameworks.learning_rates import optimizer_setters
from caviar.frameworks.steps import Scratch, Steps, renamed


class TrialCallback(TrainerCallback):  # type: ignore[misc]
    """Reports each evaluation as a step, keeps states, stops; `set` changes the rates of the optimizer.

    With `save_strategy="no"` it keeps no files of its own. `names` has the search's names for those of the
    optimizer, `every` the evaluations between two states.
    """

    def __init__(
        self, trial: ExternalTrial, *, names: Mapping[str, str] | None = None, every: int | None = None
    ) -> None:
        self._steps = Steps(trial, "the Trainer", every)
        self._names = names
        self._scratch = Scratch()
        self._trains = self._left = False
        self._kept_after: int | None = None  # the step whose state the Trainer is to save
        found = self._scratch.restored(trial, f"{PREFIX_CHECKPOINT_DIR}-resume")
        self.resume: str | None = None if found is None else str(found)  # for train(resume_from_checkpoint=)

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **given: Any
    ) -> None:
        """Name what can change. Raises CaviarError where the Trainer is to evaluate nothing."""
        if args.eval_strategy == IntervalStrategy.NO:
            raise CaviarError('the Trainer evaluates nothing to report: eval_strategy="epoch" or "steps"')
        self._trains = True
        schedulers = [given["lr_scheduler"]] if given.get("lr_scheduler") else []
        self._steps.begin(renamed(optimizer_setters([given["optimizer"]], schedulers), self._names))

    def on_train_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **given: Any
    ) -> None:
        """Report no evaluation that comes later."""
        self._trains = False

    def on_evaluate(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        metrics: Mapping[str, float] | None = None,
        **given: Any,
    ) -> None:
        """Report a step; a state that is due is saved by the Trainer next."""
        if not self._trains or self._left or not state.global_step:
            return
        step = _step(args, state)
        reason = self._steps.tell(step, metrics or {})
        if self._steps.due(step, reason):
            self._kept_after = step
            control.should_save = True
        control.should_training_stop |= reason is not None

    def on_save(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **given: Any
    ) -> None:
        """Keep the state that the Trainer has just written."""
        if self._kept_after is None:
            return
        folder = Path(args.output_dir) / f"{PREFIX_CHECKPOINT_DIR}-{state.global_step}"
        self._steps.keep(self._kept_after, lambda: folder)
        self._kept_after = None
        if args.save_strategy == SaveStrategy.NO:
            shutil.rmtree(folder)

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **given: Any
    ) -> None:
        """Leave a long epoch for a stop; an evaluation that follows is of a part of it."""
        if self._steps.left:
            self._left = control.should_training_stop = True


def _step(args: TrainingArguments, state: TrainerState) -> int:
    """Return the number of an evaluation."""
    if args.eval_strategy == IntervalStrategy.EPOCH:
        return max(1, round(state.epoch or 0))
    return max(1, int(state.global_step) // int(state.eval_steps))
