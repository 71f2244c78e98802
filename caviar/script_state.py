"""The state of an earlier attempt at a trial, from which a script goes on once it has asked for it."""

from functools import cached_property, partial

from caviar.exchange.assigned_trial import AssignedTrial
from caviar.exchange.checkpoint_downloads import newest_usable
from caviar.script_reports import OF_CURVES
from caviar.transport import Transport, retry_while_away


class EarlierState:
    """What the server has kept of a trial; fetched when it is first asked for."""

    def __init__(self, assignment: AssignedTrial, transport: Transport) -> None:
        self._assignment = assignment
        self._transport = transport

    @property
    def asked(self) -> bool:
        """Return whether the script has asked for it."""
        return "taken" in self.__dict__

    @property
    def epoch(self) -> int:
        """Return the last epoch behind the state that was taken up; 0 where none was."""
        return self.taken[1] if self.asked and self.taken else 0

    @cached_property
    def taken(self) -> tuple[bytes, int] | None:
        """The state to go on from, and its epoch."""
        found = newest_usable(self._assignment, self._assignment.resume, self._transport, bytes)
        return None if found is None else (found[0], found[1].epoch)

    @property
    def course(self) -> list[float | None]:
        """Return the objective's metric of the epochs behind it."""
        resume = self._assignment.resume
        return [] if resume is None else resume.curve[: self.epoch]

    def metrics(self, branch: int) -> dict[str, float]:
        """Return the metrics of its last epoch, as the server has them."""
        ask = partial(self._transport.call, "GET", f"/trials/{self._assignment.trial}/curve")
        for one in retry_while_away(ask)["branches"]:
            if one["branch"] == branch and self.epoch in one["epoch"]:
                place = one["epoch"].index(self.epoch)
                named = {name: values[place] for name, values in one.items() if name not in OF_CURVES}
                return {name: value for name, value in named.items() if value is not None}
        return {}
