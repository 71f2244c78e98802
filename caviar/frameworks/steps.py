"""What the callback of any framework does with its trial: it reports steps, keeps states, obeys."""

from __future__ import annotations

import contextlib
import logging
import math
import shutil
import tempfile
import time
import weakref
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from caviar.checkpoint_files import State
from caviar.errors import CaviarError
from caviar.external_trial import ExternalTrial

logger = logging.getLogger(__name__)

LEAST_SECONDS = 1.0  # between two states that nobody asked for
SHARE = 10.0  # training takes at least so many times what keeping states takes
NOT_METRICS = ("epoch", "step")  # what frameworks log beside their metrics
Setter = Callable[[Any], None]


class Steps:
    """The steps of a training, whatever a framework calls them: epochs, boosting rounds, evaluations."""

    def __init__(self, trial: ExternalTrial, framework: str, every: int | None = None) -> None:
        """`every`: after how many steps a state is kept; by default once a second, if that costs little."""
        if every is not None and every < 1:
            raise CaviarError(f"every={every}: give the number of steps between two checkpoints, from 1 on")
        self.trial = trial
        self._framework = framework
        self._every = every
        self._setters: Mapping[str, Setter] = {}
        self._saved = time.monotonic()
        self._saving = 0.0  # seconds that the last state took
        # Clocks differ from rank to rank: all of them keep a state, or none.
        self._agreed: Callable[[bool], bool] = getattr(trial, "agreed", bool)

    def begin(self, setters: Mapping[str, Setter], why_not: str = "") -> None:
        """Name the settings that can change from here on, and put those in force that people have changed.

        `why_not` is the sentence for all others, where there is more to say than their names.
        """
        can = f"it can change {', '.join(setters)}" if setters else "nothing can change while it trains"
        refused = why_not or f"{self._framework} cannot change {{}} in training; {can}"
        self._setters = setters
        self.trial.steered_by_callback(lambda name: None if name in setters else refused.format(name))
        self._put_in_force(self.trial.changed)
        self._saved = time.monotonic()

    def ended(self, step: int, metrics: Mapping[str, Any], save: Callable[[], State]) -> str | None:
        """Report a step, keep what `save` gives if it is time; return why to stop."""
        reason = self.tell(step, metrics)
        if self.due(step, reason):
            self.keep(step, save)
        return reason

    def tell(self, step: int, metrics: Mapping[str, Any]) -> str | None:
        """Report a step, put changes in force; return why to stop."""
        told = scalars(metrics)
        if told:
            self.trial.report(step, **told)
        self._put_in_force(self.trial.changes())
        return self.trial.should_stop

    def due(self, step: int, reason: str | None) -> bool:
        """Return whether a state is to be kept after a step: somebody waits for it, or it is time."""
        if self.trial.state_wanted:
            return True
        if reason is not None:
            return False
        if self._every is not None:
            return step % self._every == 0
        return self._agreed(time.monotonic() - self._saved >= max(LEAST_SECONDS, SHARE * self._saving))

    def keep(self, step: int, save: Callable[[], State]) -> None:
        """Keep a state after a step."""
        began = time.monotonic()
        self.trial.checkpoint(save(), step)
        self._saved = time.monotonic()
        self._saving = self._saved - began

    @property
    def left(self) -> bool:
        """Return whether to leave in the midst of a step; before a pause it is trained to its end."""
        return self.trial.should_stop is not None and not self.trial.state_wanted

    def _put_in_force(self, changes: Mapping[str, Any]) -> None:
        for name, value in changes.items():
            if name in self._setters:
                self._setters[name](value)
                logger.info("trial %s: %s is %r from here on", self.trial.id, name, value)


def epochs_of(steps: Steps, last: int | None, save: Callable[[], State]) -> Iterator[int]:
    """Go through the epochs that a trial still has to train; each ends with the body of the loop.

    Raises CaviarError where neither the caller nor the search says how many there are.
    """
    trial = steps.trial
    epoch = trial.epoch
    while epoch < _last_epoch(trial, last):
        epoch += 1
        yield epoch
        if steps.ended(epoch, {}, save):
            return


def _last_epoch(trial: ExternalTrial, last: int | None) -> int:
    extended = trial.changed.get("epochs")
    epochs = extended or last or trial.epochs
    if epochs is None:
        raise CaviarError(
            "how many epochs? Say so in the search (settings: {epochs: 30}), or here: epochs(..., last=30)"
        )
    return int(epochs)


def scalars(metrics: Mapping[str, Any]) -> dict[str, float]:
    """Return the metrics that are numbers; frameworks log other things beside them."""
    found = {}
    for name, value in metrics.items():
        with contextlib.suppress(TypeError, ValueError):
            if name not in NOT_METRICS:
                found[name] = math.nan if value is None else float(value)
    return found


def renamed(setters: Mapping[str, Setter], names: Mapping[str, str] | None) -> dict[str, Setter]:
    """Return what changes each setting, by the names of the search: `names` has ours for theirs.

    Raises CaviarError for a name that the framework does not know.
    """
    found = dict(setters)
    for ours, theirs in (names or {}).items():
        if theirs not in setters:
            raise CaviarError(f"names: {ours!r} is to be {theirs!r}, which is none of {', '.join(setters)}")
        found[ours] = setters[theirs]
    return found


class Scratch:
    """A folder for files of states, gone with the callback that has it."""

    def __init__(self) -> None:
        self.path = Path(tempfile.mkdtemp(prefix="caviar-"))
        self._end = weakref.finalize(self, shutil.rmtree, self.path, ignore_errors=True)

    def restored(self, trial: ExternalTrial, name: str) -> Path | None:
        """Write the state to resume from to a path here and return that, None where training begins."""
        path = self.path / name
        return path if trial.restore(path) else None

    def packed(self, name: str, write: Callable[[str], object]) -> bytes:
        """Return what `write` writes to a path that it is given."""
        path = self.path / name
        write(str(path))
        content = path.read_bytes()
        path.unlink()
        return content
