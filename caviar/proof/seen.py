"""What the proposal of each trial saw, found again from the record alone.

The server keeps this in memory as it goes (service/usecases/trial_cache.py); here it is rebuilt by other
code, from the definition: the trials below the horizon, or those that a search which is not repeatable had
noted, with what counted of them then.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np

from caviar import trainers
from caviar.proof import record as recorded
from caviar.proof.record import Recorded, Row
from caviar.search.curves import CurveTable, rung_values
from caviar.search.history import BY_HAND, NOBODY, History, Integers, Kept, worst_states
from caviar.search.spec import SearchSpec


class NotRecordedError(Exception):
    """What a proposal saw was not written down."""


class Era:
    """The trials of a search as they counted between two of its edits."""

    def __init__(self, record: Recorded, edits: int) -> None:
        self.record = record
        self.spec = record.spec_after(edits)
        self._out = record.excluded_after(edits)
        self._sign = self.spec.objective.sign
        self._same_space = self.spec.space == record.spec.space

    @cached_property
    def units(self) -> Any:
        """Coordinates (n, d); NaN for points outside the space."""
        found = np.full((len(self.record.trials), self.spec.space.dimensions), np.nan)
        for number, row in enumerate(self.record.trials):
            if self._same_space:
                unit = row["unit"]
            else:
                outside = self.spec.space.check(row["params"])
                unit = None if outside else self.spec.space.to_unit(row["params"])
            if unit is not None and len(unit) == found.shape[1]:
                found[number] = unit
        return found

    @cached_property
    def parents(self) -> Integers:
        """Numbers of the trials that members of a population go on from."""
        found = [
            BY_HAND
            if row["origin"] in recorded.BY_HAND
            else NOBODY
            if row["continues"] is None
            else int(row["continues"].rpartition(".")[2])
            for row in self.record.trials
        ]
        return np.array(found, dtype=np.int64)

    @cached_property
    def results(self) -> dict[str, Any]:
        """Columns of what trials came to: values, states, epochs, slacks, withheld, objectives."""
        spec, rows = self.spec, self.record.trials
        columns: dict[str, Any] = {
            "values": np.full(len(rows), np.nan),
            "states": np.array([row["state"] for row in rows], dtype="<U9"),
            "epochs": np.array(
                [0 if recorded.given_up(row) else row["epoch"] for row in rows], dtype=np.int64
            ),
            "slacks": np.full((len(rows), len(spec.subject_to)), np.nan),
            "withheld": np.full(len(rows), np.nan),
            "objectives": np.full((len(rows), len(spec.objectives)), np.nan),
        }
        for number, row in enumerate(rows):
            if recorded.ended(row):
                self._result(columns, number, row)
        return columns

    def _result(self, columns: dict[str, Any], number: int, row: Row) -> None:
        spec, out = self.spec, number in self._out
        told, metrics = recorded.told_value(row), row["metrics"] or {}
        counts = not out and row["broken"] is None and told is not None
        worst = row["state"] in worst_states(spec.failures) and not out
        if counts and told is not None:
            columns["values"][number] = self._sign * told
            if spec.further:
                columns["objectives"][number] = spec.scored(told, metrics)
        if spec.subject_to and not out and metrics and row["state"] in ("completed", "stopped"):
            columns["slacks"][number] = spec.slacks(metrics)
            if row["broken"] is not None and told is not None:
                columns["withheld"][number] = self._sign * told
                worst |= spec.failures == "learn"
        if worst:
            columns["values"][number] = np.inf

    @cached_property
    def rungs(self) -> tuple[int, ...]:
        """Epochs at which the stopping rule compares."""
        epochs = trainers.epochs_in_all(self.spec)
        return self.spec.rungs(epochs) if epochs is not None else ()

    @cached_property
    def at_rungs(self) -> Any:
        """Values of the trials at the rungs (n, r)."""
        objective, rows = self.spec.objective, self.record.trials
        found = np.full((len(rows), len(self.rungs)), np.nan)
        for number, row in enumerate(rows):
            if not recorded.ended(row) or number in self._out or recorded.given_up(row):
                continue
            if row["change_log"] is not None:
                curve = self.record.course(row, objective.metric)
            else:
                curve = recorded.own_curve(row, row["branch"], objective.metric)
                if not len(curve):
                    continue
            found[number] = rung_values(curve, self.rungs, objective.direction, objective.how)
        return found

    def seen(self, number: int) -> tuple[Integers, Integers]:
        """Return the trials whose results a proposal saw, and the others before it, inside the space.

        Raises NotRecordedError.
        """
        before = np.arange(number, dtype=np.int64)
        known = before < self._horizon(number)
        if not self.spec.reproducible:
            known = ~np.isin(before, self._unseen(number))
        inside = ~np.isnan(self.units[:number]).any(axis=1)
        return before[known & inside], before[~known & inside]

    def _unseen(self, number: int) -> Sequence[int]:
        unseen = self.record.trials[number]["unseen"]
        if unseen is None:
            if self.spec.uses_results or self._horizon(number) > 0:
                said = "the search is not repeatable (reproducible: false), and which results it knew"
                raise NotRecordedError(
                    f"{said} was not recorded: it was made by an earlier version of Caviar"
                )
            return range(number)
        return list(unseen)

    def _horizon(self, number: int) -> int:
        shift = int(self.record.by_hand[number])
        horizon = self.spec.horizon(number - shift)
        return min(horizon + shift if horizon else 0, number)

    def history(self, number: int) -> History:
        """Return what the strategy saw. Raises NotRecordedError."""
        seen, pending = self.seen(number)
        columns = self.results
        return History(
            numbers=seen,
            units=self.units[seen],
            values=columns["values"][seen],
            states=columns["states"][seen],
            epochs=columns["epochs"][seen],
            pending=self.units[pending],
            kept=Kept(columns["slacks"][seen], columns["withheld"][seen]) if self.spec.subject_to else None,
            objectives=columns["objectives"][seen] if self.spec.further else None,
            continues=self.parents[seen] if self.spec.strategy.takes_parents else None,
        )

    def curves(self, number: int) -> CurveTable:
        """Return what the stopping rule saw. Raises NotRecordedError."""
        seen, _ = self.seen(number)
        return CurveTable(self.rungs, seen, self.at_rungs[seen])


class Eras:
    """The eras of a search, one for each state of its edits that a trial was proposed in."""

    def __init__(self, record: Recorded) -> None:
        self._record = record
        self._eras: dict[int, Era] = {}

    def of(self, number: int) -> Era:
        """Return the era in which a trial was proposed. Raises SearchError."""
        edits = self._record.edits_before(number)
        if edits not in self._eras:
            self._eras[edits] = Era(self._record, edits)
        return self._eras[edits]

    def spec(self, number: int) -> SearchSpec:
        """Return the search as it was when a trial was proposed. Raises SearchError."""
        return self.of(number).spec
