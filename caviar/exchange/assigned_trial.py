"""A trial as an agent holds it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from caviar.exchange.wire import Assignment, SearchSettings

if TYPE_CHECKING:
    from caviar.search.stopping import StopPlan
    from caviar.search.values import How

Key = tuple[str, int]  # trial and attempt: what every write names


class AssignedTrial(Assignment):
    """One attempt at a trial, with what the agent must know of its search."""

    search: SearchSettings

    @classmethod
    def of(cls, assignment: Assignment, search: SearchSettings) -> AssignedTrial:
        """Join a trial of an answer with its search."""
        return cls(**vars(assignment), search=search)

    @property
    def key(self) -> Key:
        """The trial and the attempt."""
        return self.trial, self.attempt

    @property
    def search_id(self) -> int:
        """The id of the search it belongs to."""
        return int(self.trial.partition(".")[0])

    @property
    def metric(self) -> str:
        """The name of the metric that its search makes best."""
        return str(self.search.objective.get("metric", "dev_error"))

    @property
    def direction(self) -> str:
        """Whether that is minimized or maximized."""
        return str(self.search.objective.get("direction", "minimize"))

    @property
    def how(self) -> How:
        """What of its curve is its value, as `objective.value` says."""
        written = self.search.objective.get("value")
        if written is None:
            return None
        from caviar.search.values import read_how  # brings NumPy, which a script may not need

        return read_how(written)

    def stop_plan(self) -> StopPlan | None:
        """Return the bounds of its stopping rule, None without one."""
        stop = self.stop
        if stop is None or not (stop.checks or stop.patience or stop.last):
            return None
        from caviar.search.stopping import StopPlan  # brings NumPy, which a script may not need

        return StopPlan(tuple(stop.checks), stop.patience, stop.warmup, stop.why, stop.last)
