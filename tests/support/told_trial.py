"""A trial without a server: it keeps what a callback tells it, and asks what a test wants asked."""

from collections.abc import Callable
from typing import Any

from caviar.checkpoint_files import State, packed, unpack


class ToldTrial:
    """What a callback needs of a trial. `changes_at` has the settings that a person changes after a step."""

    id = "1.0"
    seed = 1

    def __init__(self, epochs: int | None = None, metric: str = "loss", direction: str = "minimize") -> None:
        self.epochs = epochs
        self.objective = metric, direction
        self.told: list[tuple[int, dict[str, float]]] = []
        self.states: dict[int, bytes] = {}
        self.changed: dict[str, Any] = {}
        self.changes_at: dict[int, dict[str, Any]] = {}
        self.refused: dict[str, str] = {}
        self.stops_after: int | None = None
        self.epoch = 0
        self.resume: bytes | None = None
        self._fixed: Callable[[str], str | None] = lambda _name: None

    @property
    def steps(self) -> list[int]:
        return [step for step, _ in self.told]

    @property
    def should_stop(self) -> str | None:
        reached = self.stops_after is not None and self.steps and self.steps[-1] >= self.stops_after
        return "paused by a person" if reached else None

    @property
    def state_wanted(self) -> bool:
        return self.should_stop is not None  # as before a pause

    def resumed(self) -> "ToldTrial":
        """Make the next attempt, which goes on from the last state."""
        again = ToldTrial(self.epochs, *self.objective)
        again.epoch = max(self.states)
        again.resume, again.changed = self.states[again.epoch], dict(self.changed)
        again.told = [one for one in self.told if one[0] <= again.epoch]
        return again

    def restore(self, path: Any) -> bool:
        if self.resume is not None:
            unpack(self.resume, path)
        return self.resume is not None

    def steered_by_callback(self, fixed: Callable[[str], str | None]) -> None:
        self._fixed = fixed

    def report(self, step: int, **metrics: float) -> None:
        assert step not in self.steps, f"step {step} was told already"
        self.told.append((step, {name: float(value) for name, value in metrics.items()}))

    def checkpoint(self, state: State, step: int) -> None:
        self.states[step] = packed(state)

    def changes(self) -> dict[str, Any]:
        taken = {}
        for name, value in self.changes_at.pop(self.steps[-1] if self.told else 0, {}).items():
            if why := self._fixed(name):
                self.refused[name] = why
            else:
                taken[name] = value
        self.changed |= taken
        return taken
