"""What an agent has to tell the server, kept in order until the server has acknowledged it."""

import time
from collections.abc import Mapping, Sequence
from typing import Any

from caviar.exchange.assignment import Key
from caviar.exchange.pace import RESULTS_SECONDS, ROWS_SECONDS

ROWS_AT_ONCE = 5000  # of one request: about half a megabyte; after an outage the rest follows in the next
COSTS_AT_ONCE = 50  # mini-batch costs of one report; they are for the eye, the curve does not need them


class Outbox:
    """Reports by trial, attempt and branch. Not thread-safe: the exchange holds its lock."""

    def __init__(self) -> None:
        self._reports: list[dict[str, Any]] = []  # oldest first; those in flight come first
        self._open: dict[Key, dict[str, Any]] = {}  # the report of each attempt that still takes more
        self._in_flight = 0
        self.due = float("inf")  # when, on the monotonic clock, the next exchange should carry them

    def __len__(self) -> int:
        return len(self._reports)

    def epochs(
        self, key: Key, branch: int, columns: Sequence[str], first: int, rows: list[list[Any]]
    ) -> None:
        """Add epochs in a row, the first of them numbered `first`."""
        report = self._report(key, branch)
        if not report["rows"]:
            report |= {"first": first, "columns": list(columns)}
        elif report["columns"] != list(columns) or report["first"] + len(report["rows"]) != first:
            report = self._renew(key, branch) | {"first": first, "columns": list(columns)}
            self._replace(key, report)
        report["rows"] += rows
        self._hurry(ROWS_SECONDS)

    def costs(self, key: Key, branch: int, costs: Sequence[Sequence[float]]) -> None:
        """Add costs of mini-batches, thinned out."""
        known = self._report(key, branch)["costs"]
        known += costs
        if len(known) > COSTS_AT_ONCE:
            known[:] = known[:: 1 + len(known) // COSTS_AT_ONCE]
        self._hurry(ROWS_SECONDS)

    def acknowledge(self, key: Key, branch: int, acknowledged: Sequence[Mapping[str, Any]]) -> None:
        """Add acknowledgements of commands."""
        self._report(key, branch)["acknowledged"] += acknowledged
        self._hurry(0)

    def state(self, key: Key, branch: int, state: str) -> None:
        """Tell that the agent lets go of the trial: paused or released."""
        self._report(key, branch)["state"] = state
        self._open.pop(key, None)
        self._hurry(0)

    def result(self, key: Key, branch: int, result: Mapping[str, Any], seconds: float | None) -> None:
        """Tell how the trial ended, after so many seconds of training."""
        self._report(key, branch).update(result=dict(result), age=seconds)
        self._open.pop(key, None)
        self._hurry(RESULTS_SECONDS)

    def forget(self, key: Key) -> None:
        """Drop what has not been sent of an attempt that the server does not want any more."""
        self._open.pop(key, None)
        waiting = self._reports[self._in_flight :]
        self._reports[self._in_flight :] = [one for one in waiting if (one["trial"], one["attempt"]) != key]

    def take(self) -> list[dict[str, Any]]:
        """Give the reports of the next request; they stay until `sent`."""
        self._coalesce()
        rows = 0
        self._in_flight = 0
        for report in self._reports:
            if rows > ROWS_AT_ONCE:
                break
            rows += len(report["rows"]) + 1
            self._in_flight += 1
        for report in self._reports[: self._in_flight]:
            self._open.pop((report["trial"], report["attempt"]), None)
        self.due = 0.0 if self._in_flight < len(self._reports) else float("inf")
        return self._reports[: self._in_flight]

    def sent(self) -> list[dict[str, Any]]:
        """Remove and give what the last `take` gave: the server has it."""
        done, self._reports = self._reports[: self._in_flight], self._reports[self._in_flight :]
        self._in_flight = 0
        return done

    def _coalesce(self) -> None:
        """After a request that failed, join what was in it with what followed on the same branch."""
        if not self._in_flight:
            return
        joined: dict[tuple[Any, ...], dict[str, Any]] = {}
        reports = []
        for report in self._reports:
            key = report["trial"], report["attempt"], report["branch"]
            before = joined.get(key)
            if before is not None and _follows(before, report):
                rows, costs = before["rows"] + report["rows"], before["costs"] + report["costs"]
                acknowledged = before["acknowledged"] + report["acknowledged"]
                columns = {name: before[name] for name in ("first", "columns") if before["rows"]}
                before |= report | columns | {"rows": rows, "costs": costs, "acknowledged": acknowledged}
                if self._open.get(key[:2]) is report:
                    self._open[key[:2]] = before
            else:
                joined[key] = report
                reports.append(report)
        self._reports = reports

    def _report(self, key: Key, branch: int) -> dict[str, Any]:
        report = self._open.get(key)
        if report is None or report["branch"] != branch:
            report = self._renew(key, branch)
            self._replace(key, report)
        return report

    def _renew(self, key: Key, branch: int) -> dict[str, Any]:
        trial, attempt = key
        return {
            "trial": trial,
            "attempt": attempt,
            "branch": branch,
            "rows": [],
            "costs": [],
            "acknowledged": [],
        }

    def _replace(self, key: Key, report: dict[str, Any]) -> None:
        self._open[key] = report
        self._reports.append(report)

    def _hurry(self, seconds: float) -> None:
        self.due = min(self.due, time.monotonic() + seconds)


def _follows(before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    """Tell whether the epochs of two reports go on without a gap, in the same columns."""
    if not before["rows"] or not after["rows"]:
        return True
    contiguous = before["first"] + len(before["rows"]) == after["first"]
    return bool(contiguous and before["columns"] == after["columns"])
