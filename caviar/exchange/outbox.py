"""What an agent has to tell the server, kept in order until the server has acknowledged it."""

import time
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Literal

from pydantic import TypeAdapter

from caviar.exchange.assigned_trial import Key
from caviar.exchange.prefetch import RESULTS_SECONDS, ROWS_SECONDS
from caviar.exchange.wire import Acknowledgement, Columns, Report, Result

ROWS_AT_ONCE = 5000  # of one request: about half a megabyte; after an outage the rest follows in the next
_COLUMNS = TypeAdapter(Columns)
COSTS_AT_ONCE = 50  # mini-batch costs of one report; they are for the eye, the curve does not need them


class Outbox:
    """Reports by trial, attempt and branch. Not thread-safe: the exchange holds its lock."""

    def __init__(self) -> None:
        self._reports: list[Report] = []  # oldest first; those in flight come first
        self._open: dict[Key, Report] = {}  # the report of each attempt that still takes more
        self._in_flight = 0
        self.due = float("inf")  # when, on the monotonic clock, the next exchange should carry them

    def __len__(self) -> int:
        return len(self._reports)

    def epochs(
        self, key: Key, branch: int, columns: Sequence[str], first: int, rows: list[list[Any]]
    ) -> None:
        """Add epochs in a row, the first of them numbered `first`."""
        report, columns = self._report(key, branch), list(columns)
        if not report.rows:
            _begin_rows(report, columns, first)
        elif report.columns != columns or report.first + len(report.rows) != first:
            report = self._renew(key, branch)
            _begin_rows(report, columns, first)
        report.rows += rows
        self._hurry(ROWS_SECONDS)

    def replace(self, key: Key, branch: int, first: int) -> None:
        """Tell that the epochs from `first` on are trained again: what is known of them is forgotten."""
        self._renew(key, branch).replace_from = first

    def costs(self, key: Key, branch: int, costs: Sequence[Sequence[float]]) -> None:
        """Add costs of mini-batches, thinned out."""
        known = self._report(key, branch).costs
        known += [(step, cost) for step, cost in costs]
        if len(known) > COSTS_AT_ONCE:
            known[:] = known[:: 1 + len(known) // COSTS_AT_ONCE]
        self._hurry(ROWS_SECONDS)

    def acknowledge(self, key: Key, branch: int, acknowledged: Sequence[Acknowledgement]) -> None:
        """Add acknowledgements of commands."""
        self._report(key, branch).acknowledged += acknowledged
        self._hurry(0)

    def state(
        self, key: Key, branch: int, state: Literal["paused", "released"], seconds: float | None = None
    ) -> None:
        """Report that the agent lets go of the trial: paused or released."""
        report = self._report(key, branch)
        report.state, report.age = state, seconds
        self._open.pop(key, None)
        self._hurry(0)

    def result(self, key: Key, branch: int, result: Result, seconds: float | None) -> None:
        """Report how the trial ended, after so many seconds of training."""
        report = self._report(key, branch)
        report.result, report.age = result, seconds
        self._open.pop(key, None)
        self._hurry(RESULTS_SECONDS)

    def forget(self, key: Key) -> None:
        """Drop what has not been sent of an attempt that the server does not want any more."""
        self._open.pop(key, None)
        waiting = self._reports[self._in_flight :]
        self._reports[self._in_flight :] = [one for one in waiting if key_of(one) != key]

    def take(self) -> list[Report]:
        """Return the reports of the next request; they stay until `sent`."""
        self._coalesce()
        rows = 0
        self._in_flight = 0
        for report in self._reports:
            if rows > ROWS_AT_ONCE:
                break
            rows += len(report.rows) + 1
            self._in_flight += 1
        for report in self._reports[: self._in_flight]:
            self._open.pop(key_of(report), None)
        self.due = 0.0 if self._in_flight < len(self._reports) else float("inf")
        return self._reports[: self._in_flight]

    def sent(self) -> list[Report]:
        """Remove and give what the last `take` gave: the server has it."""
        done, self._reports = self._reports[: self._in_flight], self._reports[self._in_flight :]
        self._in_flight = 0
        return done

    def _coalesce(self) -> None:
        """After a request that failed, join what was in it with what followed on the same branch."""
        if not self._in_flight:
            return
        joined: dict[tuple[Key, int], Report] = {}
        reports = []
        for report in self._reports:
            key = key_of(report)
            before = joined.get((key, report.branch))
            if before is not None and _follows(before, report):
                _join(before, report)
                if self._open.get(key) is report:
                    self._open[key] = before
            else:
                joined[key, report.branch] = report
                reports.append(report)
        self._reports = reports

    def _report(self, key: Key, branch: int) -> Report:
        """Return the report that takes more of this attempt and branch; a new one if there is none."""
        report = self._open.get(key)
        return report if report is not None and report.branch == branch else self._renew(key, branch)

    def _renew(self, key: Key, branch: int) -> Report:
        trial, attempt = key
        # With its own lists: pydantic makes a deep copy of each that is a default.
        empty: dict[str, Any] = {"columns": [], "rows": [], "costs": [], "acknowledged": []}
        report = Report(trial=trial, attempt=attempt, branch=branch, **empty)
        self._open[key] = report
        self._reports.append(report)
        return report

    def _hurry(self, seconds: float) -> None:
        self.due = min(self.due, time.monotonic() + seconds)


def key_of(report: Report) -> Key:
    """Return the trial and the attempt that a report is of."""
    return report.trial, report.attempt


def _begin_rows(report: Report, columns: list[str], first: int) -> None:
    """Raise ValueError for columns that the server would not take, the whole request with them."""
    report.columns, report.first = _checked(tuple(columns)), first


@lru_cache(maxsize=64)
def _checked(columns: tuple[str, ...]) -> list[str]:
    """Return columns as they are sent; all trials of a search have the same. Nobody changes the list."""
    return _COLUMNS.validate_python(list(columns))


def _join(before: Report, after: Report) -> None:
    """Add to a report what another one tells of the time after it."""
    if not before.rows:
        _begin_rows(before, after.columns, after.first)
    before.rows += after.rows
    before.costs += after.costs
    before.acknowledged += after.acknowledged
    before.state = after.state or before.state
    before.age = after.age if after.age is not None else before.age
    if after.result is not None:
        before.result, before.age = after.result, after.age


def _follows(before: Report, after: Report) -> bool:
    """Return whether the epochs of two reports go on without a gap, in the same columns."""
    if not before.rows or not after.rows:
        return True
    return before.first + len(before.rows) == after.first and before.columns == after.columns
