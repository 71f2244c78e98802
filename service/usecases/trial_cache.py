"""What a strategy may see of a search, kept in memory and caught up with the store by revision.

It is a cache and nothing else: thrown away at any doubt, built again from the rows. Its arrays only grow,
and what a proposal sees (trials below its horizon) has ended and never changes, so that a proposal may run in
another thread.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import orjson

from caviar.search.budgets import Ended, Ledger, epochs_left
from caviar.search.curves import CurveTable, rung_values
from caviar.search.history import BY_HAND, NOBODY, History, Kept, worst_states
from caviar.search.proposal import Proposal
from caviar.search.spec import SearchSpec
from caviar.search.stopping import StopPlan
from caviar.service.ids import trial_id
from caviar.service.store import curves, trials
from caviar.service.store.rows import TrialNews
from caviar.service.store.snapshot import Snapshot
from caviar.service.usecases import continuing
from caviar.trial_fields import ENDED

_ENDED = frozenset(ENDED)


class Answer(NamedTuple):
    """A proposal, its stopping rule, and the trials that it did not see, where its number does not say it."""

    proposal: Proposal
    stop: StopPlan
    unseen: list[int] | None = None


class Visible(NamedTuple):
    """Selectors of the trials whose results a proposal may see, and of those that are pending for it."""

    seen: Any
    pending: Any


class TrialCache:
    """Columns of one search's trials, by number."""

    def __init__(
        self, search: int, version: int, spec: SearchSpec, epochs: int | None, by_hand: int = 0
    ) -> None:
        self.search = search
        self.version = version
        self.spec = spec
        self.sign = -1.0 if spec.objective.direction == "maximize" else 1.0
        self.rungs = spec.rungs(epochs) if epochs is not None else ()
        self.count = 0  # trials there are
        self.frontier = 0  # all trials below it have ended
        self.ready: dict[int, Answer | Exception] = {}  # proposed ahead by a slow strategy
        self.asked: set[int] = set()  # being proposed
        self.ahead: dict[int, Any] = {}  # coordinates of what was proposed ahead
        self.by_hand = by_hand  # trials that a person made; they do not count for the strategy
        self.epochs = epochs  # of a trial that says nothing of its own
        self.ledger = Ledger(spec.budget, spec.objective.direction)
        self._revision = 0
        self._outside = False  # some points lie outside the edited space
        self._dimensions = spec.space.dimensions
        self._allocate(64)

    def _allocate(self, size: int) -> None:
        old = self.count
        kept = getattr(self, "_columns", None)
        self._columns = {
            "units": np.full((size, self._dimensions), np.nan),
            "values": np.full(size, np.nan),
            "states": np.full(size, "", dtype="<U9"),
            "epochs": np.zeros(size, dtype=np.int64),
            "planned": np.zeros(size, dtype=np.int64),  # epochs of its own, not of one it goes on from
            "spent": np.zeros(size, dtype=np.int64),  # of these, trained when it had ended
            "ended": np.zeros(size, dtype=np.bool_),
            "out": np.zeros(size, dtype=np.bool_),  # excluded by a person
            "rungs": np.full((size, len(self.rungs)), np.nan),
            **self._columns_of_limits(size),
        }
        if kept is not None:
            for name, column in self._columns.items():
                column[:old] = kept[name][:old]
        self._numbers = np.arange(size, dtype=np.int64)

    def _columns_of_limits(self, size: int) -> dict[str, Any]:
        """Make the columns that only a search with limits, a population or several objectives has."""
        found: dict[str, Any] = {}
        if self.spec.subject_to:
            found["slacks"] = np.full((size, len(self.spec.subject_to)), np.nan)
            found["withheld"] = np.full(size, np.nan)
        if self.spec.strategy.takes_parents:
            found["continues"] = np.full(size, NOBODY, dtype=np.int64)
        if self.spec.further:
            found["objectives"] = np.full((size, len(self.spec.objectives)), np.nan)
        return found

    def put(self, number: int, unit: Any, planned: int | None = None) -> None:
        """Add a trial that was just proposed, and how many epochs of its own it plans."""
        self._grow(number + 1)
        self._columns["units"][number] = unit
        self._columns["planned"][number] = planned or 0

    def _grow(self, count: int) -> None:
        if count > len(self._numbers):
            self._allocate(max(2 * len(self._numbers), count))
        self.count = max(self.count, count)

    def catch_up(self, snapshot: Snapshot) -> None:
        """Take in what changed in the store since the last time."""
        rows = trials.news(snapshot, self.search, self._revision)
        self._revision = max((row.revision for row in rows), default=self._revision)
        known = self._columns["ended"]
        fresh = [row for row in rows if row.number >= self.count or not known[row.number]]
        if not fresh:
            return
        self._grow(max(row.number for row in fresh) + 1)
        self._place(fresh)
        ended = [row for row in fresh if row.state in _ENDED]
        if not ended:
            return
        if self.rungs:
            self._take_curves(snapshot, [row for row in ended if row.excluded is None])
        self._end(snapshot, ended)
        done, before = self._columns["ended"], self.frontier
        while self.frontier < self.count and done[self.frontier]:
            self.frontier += 1
        if self.spec.budget.settled:
            as_they_came = [row.number for row in sorted(ended, key=lambda row: row.revision)]
            numbers = range(before, self.frontier) if self.spec.reproducible else as_they_came
            self.ledger.take(map(self._ended, numbers))

    def _ended(self, number: int) -> Ended:
        """Return a trial that has ended as the budgets see it."""
        columns = self._columns
        value, state = float(columns["values"][number]), str(columns["states"][number])
        known = None if not np.isfinite(value) else self.sign * value
        return Ended(
            number, known, int(columns["spent"][number]), state != "cancelled" and not columns["out"][number]
        )

    def epochs_left(self, number: int, planned: int | None) -> Any:
        """Return what a proposed trial may train of the epochs that it plans, as `epochs_left` of budgets."""
        spent = 0 if self.spec.budget.epochs is None else self._spent_below(number)  # a sum over all trials
        return epochs_left(self.spec.budget, spent, planned, self.frontier >= number)

    def _spent_below(self, number: int) -> int:
        """Return the epochs of the trials below a number, those planned of trials that may not be looked at.

        Of a search that is to be repeated another run may not see yet what they came to.
        """
        spent, planned, ended = (self._columns[name][:number] for name in ("spent", "planned", "ended"))
        if self.spec.reproducible and self.frontier < number:
            ended = self._numbers[:number] < self._settled_below(number)
        return int(np.where(ended, spent, planned).sum())

    def _settled_below(self, number: int) -> int:
        below = self.spec.settled_below(number - self.by_hand)
        return below + self.by_hand if below else 0

    def _place(self, rows: Sequence[TrialNews]) -> None:
        """Take in where trials lie; those outside an edited space lie nowhere."""
        nowhere = np.full(self._dimensions, np.nan).tobytes()
        self._outside |= any(row.unit is None for row in rows)
        packed = b"".join(nowhere if row.unit is None else row.unit for row in rows)
        units = np.frombuffer(packed, count=len(packed) // 8).reshape(len(rows), self._dimensions)
        numbers = [row.number for row in rows]
        self._columns["units"][numbers] = units
        self._columns["planned"][numbers] = [
            max(0, (row.epochs or self.epochs or 0) - _behind(row)) for row in rows
        ]
        if self.spec.strategy.takes_parents:
            self._columns["continues"][numbers] = [_parent(row) for row in rows]

    def _take_limits(self, snapshot: Snapshot, rows: Sequence[TrialNews]) -> Any:
        """Take in how trials stand to the limits; return which of them count as the worst for it."""
        counting = [row for row in rows if row.excluded is None]
        results = trials.metrics_of(snapshot, self.search, [row.number for row in counting])
        for row in counting:
            if row.number in results and row.state in ("completed", "stopped"):
                self._columns["slacks"][row.number] = self.spec.slacks(results[row.number])
                if row.withheld is not None:
                    self._columns["withheld"][row.number] = self.sign * row.withheld
        broken = ~np.isnan(self._columns["withheld"][[row.number for row in rows]])
        return broken & (self.spec.failures == "learn")

    def _take_objectives(self, snapshot: Snapshot, rows: Sequence[TrialNews]) -> None:
        counting = [row for row in rows if row.value is not None]
        results = trials.metrics_of(snapshot, self.search, [row.number for row in counting])
        for row in counting:
            value = row.value if row.value is not None else np.nan
            self._columns["objectives"][row.number] = self.spec.scored(value, results.get(row.number, {}))

    def _end(self, snapshot: Snapshot, rows: Sequence[TrialNews]) -> None:
        """Take in what trials came to."""
        columns, numbers = self._columns, [row.number for row in rows]
        values = np.array([row.value for row in rows], dtype=np.float64)  # None becomes NaN
        states = np.array([row.state for row in rows])
        excluded = np.array([row.excluded is not None for row in rows])
        worst = np.isin(states, worst_states(self.spec.failures)) & ~excluded
        if self.spec.further:
            self._take_objectives(snapshot, rows)
        if self.spec.subject_to:
            worst |= self._take_limits(snapshot, rows)
        columns["values"][numbers] = np.where(worst, np.inf, self.sign * values)
        columns["states"][numbers] = states
        columns["out"][numbers] = excluded
        known = [0 if row.given_up else row.epoch for row in rows]
        columns["epochs"][numbers] = known
        behind = [_behind(row) for row in rows]
        columns["spent"][numbers] = [max(0, k - b) for k, b in zip(known, behind, strict=True)]
        columns["ended"][numbers] = True

    def _take_curves(self, snapshot: Snapshot, ended: Sequence[TrialNews]) -> None:
        """Take in the curves of ended trials; how far one came before it was given up is luck."""
        objective = self.spec.objective
        metric = objective.metric
        ended = [row for row in ended if not row.given_up]
        found = curves.metric_of(snapshot, self.search, [(r.number, r.branch) for r in ended], metric)
        for row in ended:
            if row.change_log is not None:  # it began where another trial had come to
                found[row.number] = continuing.course(snapshot, row, metric)
        for number, curve in found.items():
            values = rung_values(curve, self.rungs, objective.direction, objective.how)
            self._columns["rungs"][number] = values

    def needs_history(self, number: int) -> bool:
        """Return whether proposals below this number look back at all, be it at points that are pending."""
        looks = self.spec.uses_results or self.spec.budget.settled
        return not self.spec.reproducible or looks or self._horizon(number) > 0

    def may_propose(self, number: int) -> bool:
        """Return whether everything that the proposal of this trial sees has ended."""
        return not self.spec.reproducible or ended_before(self.spec, number, self.by_hand) <= self.frontier

    def _horizon(self, number: int) -> int:
        """Return the number below which results are seen; trials made by hand shift the strategy's count."""
        horizon = self.spec.horizon(number - self.by_hand)
        return horizon + self.by_hand if horizon else 0

    def visible(self, number: int) -> Visible:
        """Return what the proposal of a trial may see; slices, where possible, copy nothing."""
        if self.spec.reproducible:
            horizon = min(self._horizon(number), self.count)
            seen: Any = slice(0, horizon)
            pending: Any = slice(horizon, min(number, self.count))
        else:
            ended = self._columns["ended"][: self.count].copy()
            seen, pending = np.flatnonzero(ended), np.flatnonzero(~ended)
        if not self._outside:
            return Visible(seen, pending)
        inside = ~np.isnan(self._columns["units"]).any(axis=1)
        seen, pending = self._numbers[seen], self._numbers[pending]
        return Visible(seen[inside[seen]], pending[inside[pending]])

    def unseen(self, number: int) -> list[int] | None:
        """Return the trials below a number that have not ended, where which ones is a matter of luck."""
        if self.spec.reproducible or not (self.spec.uses_results or self._horizon(number) > 0):
            return None
        open_ones = np.flatnonzero(~self._columns["ended"][: min(number, self.count)])
        return [*open_ones.tolist(), *range(self.count, number)]

    def history(self, visible: Visible) -> History:
        """Return the trials that are visible to a proposal; views of the arrays where possible, no copies."""
        seen, pending = visible
        columns = self._columns
        return History(
            numbers=self._numbers[seen],
            units=columns["units"][seen],
            values=columns["values"][seen],
            states=columns["states"][seen],
            epochs=columns["epochs"][seen],
            pending=columns["units"][pending],
            kept=Kept(columns["slacks"][seen], columns["withheld"][seen]) if self.spec.subject_to else None,
            objectives=columns["objectives"][seen] if self.spec.further else None,
            continues=columns["continues"][seen] if self.spec.strategy.takes_parents else None,
        )

    def curve_table(self, visible: Visible) -> CurveTable:
        """Return the curves that the stopping rule of a trial may see, at the rungs."""
        seen = visible.seen
        return CurveTable(self.rungs, self._numbers[seen], self._columns["rungs"][seen])


def _behind(row: TrialNews) -> int:
    """Return the epochs that were trained before a trial began, by the one that it goes on from."""
    return int(orjson.loads(row.change_log).get("epoch", 0)) if row.change_log is not None else 0


def _parent(row: TrialNews) -> int:
    """Return the number of the trial that a member's turn goes on from, else why there is none."""
    if row.origin in trials.BY_HAND:
        return BY_HAND
    return NOBODY if row.continues is None else trial_id(row.continues).number


def ended_before(spec: SearchSpec, number: int, by_hand: int) -> int:
    """Return below which number all trials must have ended before a repeatable search proposes this one.

    Trials made by hand shift the strategy's count.
    """
    below = max(spec.horizon(number - by_hand), spec.settled_below(number - by_hand))
    return below + by_hand if below else 0


def stop_json(plan: StopPlan) -> str | None:
    """Write a stopping rule's table for the agent; None when there is nothing to check."""
    table = plan.table()
    return None if table is None else orjson.dumps(table).decode()
