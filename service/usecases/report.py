"""Taking in what agents report: epochs, results, acknowledgements. Idempotent, fenced by the attempt."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
from sqlalchemy import Row

from caviar.exchange.wire import Report, Result
from caviar.search.spec import SearchSpec
from caviar.service.ids import TrialId, trial_id
from caviar.service.store import commands as command_rows
from caviar.service.store import curves
from caviar.service.store import trials as trial_rows
from caviar.service.store.transaction import Transaction
from caviar.service.usecases import commands, lineage, results
from caviar.service.usecases.board import Board


@dataclass
class Hand:
    """A trial in an agent's hands, as its reports move it on."""

    trial: TrialId
    row: Row[Any]
    branch: int
    epoch: int
    started: float
    changed: bool = False
    over: bool = False  # ended, or handed back

    @property
    def key(self) -> dict[str, int]:
        """Name the attempt for a fenced write."""
        return {
            "b_search": self.trial.search,
            "b_number": self.trial.number,
            "b_attempt": self.row.attempt,
        }

    @property
    def come(self) -> dict[str, Any]:
        """Give how far it has come, for a write."""
        return {"new_branch": self.branch, "new_epoch": self.epoch, "new_started": self.started}


@dataclass
class Batch:
    """The rows that the reports of an exchange come to, whichever agents sent them, written together."""

    advances: list[dict[str, Any]] = field(default_factory=list)
    finishes: list[dict[str, Any]] = field(default_factory=list)
    releases: list[dict[str, Any]] = field(default_factory=list)
    curves: list[dict[str, Any]] = field(default_factory=list)
    costs: list[trial_rows.CostPiece] = field(default_factory=list)
    attempts: list[dict[str, Any]] = field(default_factory=list)
    columns: dict[tuple[str, ...], int] = field(default_factory=dict)
    bests: results.Bests = field(default_factory=results.Bests)
    ended: dict[TrialId, str] = field(default_factory=dict)

    def write(self, tx: Transaction) -> None:
        """Write all of it."""
        trial_rows.advance(tx, self.advances)
        trial_rows.finish(tx, self.finishes)
        trial_rows.release(tx, self.releases)
        trial_rows.append_curves(tx, self.curves)
        trial_rows.append_costs(tx, self.costs)
        trial_rows.record_attempts(tx, self.attempts)
        self.bests.write(tx)
        command_rows.refuse_waiting(tx, self.ended)


def take_reports(
    tx: Transaction,
    board: Board,
    batch: Batch,
    reports: Sequence[Report],
    held: Mapping[TrialId, Row[Any]],
    spec_of: Callable[[int], SearchSpec],
) -> set[TrialId]:
    """Take what an agent reported of the trials it still holds into a batch; name those it holds no more."""
    hands: dict[TrialId, Hand] = {}
    for report in reports:
        trial = trial_id(report.trial)
        row = held.get(trial)
        if row is None or row.attempt != report.attempt:
            continue
        hand = hands.get(trial)
        if hand is None:
            hand = hands[trial] = Hand(trial, row, row.branch, row.epoch, row.started)
        if not hand.over:
            _take(tx, board, batch, hand, report, spec_of)
    for hand in hands.values():
        if hand.changed and not hand.over:
            batch.advances.append({**hand.key, "new_state": "running", **hand.come})
            tx.touched.add(hand.trial.search)
    return {trial for trial, hand in hands.items() if hand.over}


def _take(
    tx: Transaction,
    board: Board,
    batch: Batch,
    hand: Hand,
    report: Report,
    spec_of: Callable[[int], SearchSpec],
) -> None:
    if report.acknowledged:
        commands.acknowledge(tx, board, hand.row, report.branch, report.acknowledged)
    if report.age is not None and hand.epoch == 0 and hand.row.attempt == 1:
        hand.started, hand.changed = tx.now - report.age, True
    if report.branch > hand.branch:
        past = lineage.branch(lineage.history(tx, hand.row), report.branch)
        hand.branch, hand.epoch, hand.changed = report.branch, past.from_epoch, True
    if report.branch == hand.branch:  # else: of a line that was left meanwhile
        _take_epochs(tx, batch, hand, report)
    if report.result is not None:
        hand.over = True
        _take_result(tx, batch, hand, report.result, spec_of(hand.trial.search))
    elif report.state in ("paused", "released"):
        hand.over = True
        _hand_back(tx, batch, hand, "paused" if report.state == "paused" else "queued")


def _take_epochs(tx: Transaction, batch: Batch, hand: Hand, report: Report) -> None:
    """Keep the epochs and costs that the server does not have yet."""
    rows = report.rows[max(0, hand.epoch + 1 - report.first) :]
    if rows and report.columns:
        names = tuple(report.columns)
        if names not in batch.columns:
            batch.columns[names] = trial_rows.columns_id(tx, orjson.dumps(names).decode())
        first = max(report.first, hand.epoch + 1)
        batch.curves.append(
            {
                "search_id": hand.trial.search,
                "number": hand.trial.number,
                "branch": hand.branch,
                "first": first,
                "rows": len(rows),
                "columns_id": batch.columns[names],
                "data": curves.pack(rows),
            }
        )
        hand.epoch, hand.changed = first + len(rows) - 1, True
    if report.costs:
        key = (hand.trial.search, hand.trial.number, hand.branch)
        batch.costs.append(trial_rows.CostPiece(key, report.costs))
        tx.touched.add(hand.trial.search)


def _hand_back(tx: Transaction, batch: Batch, hand: Hand, state: str) -> None:
    """Take back a trial that its agent lets go of; this does not count as a lost attempt."""
    tx.move(hand.trial.search, "running", state)
    batch.advances.append({**hand.key, "new_state": "running", **hand.come})
    batch.releases.append({**hand.key, "new_state": state, "new_reason": None, "new_ended": None})
    tx.wake |= state == "queued"


def _take_result(tx: Transaction, batch: Batch, hand: Hand, result: Result, spec: SearchSpec) -> None:
    trial = hand.trial
    verdict = state, value, reason = results.judge(result, spec)
    hand.epoch = max(hand.epoch, result.epoch)
    tx.move(trial.search, "running", state)
    batch.finishes.append({**hand.key, **results.columns(verdict, result, tx.now), **hand.come})
    batch.ended[trial] = state
    if value is not None:
        batch.bests.take(trial.search, trial.number, value, spec.objective.direction)
    if state == "failed":
        batch.attempts.append(
            {
                "search_id": trial.search,
                "number": trial.number,
                "attempt": hand.row.attempt,
                "agent": hand.row.agent,
                "epoch": hand.epoch,
                "started": hand.started,
                "ended": tx.now,
                "reason": reason,
                "log": result.log,
            }
        )
