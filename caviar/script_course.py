"""How far a script has come with a trial: where it began, what it has told, what its stopping rule says."""

from typing import SupportsIndex

from caviar.errors import CaviarError
from caviar.exchange.assigned_trial import AssignedTrial
from caviar.exchange.exchange import Exchange
from caviar.exchange.outbox import Outbox
from caviar.script_reports import ScriptCurve, as_step
from caviar.script_state import EarlierState

NOT_TAKEN_UP = (
    "trial {} of a population goes on from the state of another one, at epoch {}: load trial.resume, and "
    "train from trial.epoch + 1 to trial.epochs"
)


class ScriptCourse:
    """The course of one attempt at a trial, from the state that the script takes up to its last report."""

    def __init__(self, assignment: AssignedTrial, exchange: Exchange) -> None:
        self.epoch = 0  # the last one told
        self.metrics: dict[str, float] = {}  # told of it
        self.replaces = assignment.attempt > 1  # the first report says from where it is trained again
        self.stop: str | None = None  # by the stopping rule
        self._assignment = assignment
        self._exchange = exchange
        self._earlier = EarlierState(assignment, exchange.transport)
        self._curve = ScriptCurve(assignment)

    @property
    def last_epoch(self) -> int:
        """The last epoch behind the training: that of the state which was taken up, until one is told."""
        return self.epoch or self._earlier.epoch

    def take_up(self) -> tuple[bytes, int] | None:
        """Return the state to go on from, and its epoch."""
        first = not self._earlier.asked
        taken = self._earlier.taken
        if first and taken and not self.epoch:
            self._curve.begin_with(self._earlier.course)
        return taken

    def take_metrics(self, branch: int) -> None:
        """Take the metrics of the state that was taken up for the last ones, where none have been told."""
        if not self.metrics and self.last_epoch:
            self.metrics = self._earlier.metrics(branch)

    def report(self, step: SupportsIndex | None, told: dict[str, float], branch: int) -> int:
        """Tell the metrics of an epoch; return the number of the report."""
        last = self.last_epoch
        epoch = last + 1 if step is None else as_step(step)
        replaces = self.replaces or epoch <= last
        self.replaces = False
        self._expect_taken_up()
        self.epoch = epoch
        self.metrics = told
        key, columns, row = self._assignment.key, list(told), list(told.values())

        def write(outbox: Outbox) -> None:
            if replaces:
                outbox.replace(key, branch, epoch)
            outbox.epochs(key, branch, columns, epoch, [row])

        written = self._exchange.report(write)
        self.stop = self._curve.judge(epoch, told, last) or self.stop
        return written

    def _expect_taken_up(self) -> None:
        """Raise CaviarError where a script goes on from nothing, while its search takes it for a copy."""
        assignment = self._assignment
        if assignment.search.population and assignment.resume and not self._earlier.asked:
            raise CaviarError(NOT_TAKEN_UP.format(assignment.trial, assignment.resume.epoch))
