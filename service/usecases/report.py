"""Taking in what agents report: epochs, results, acknowledgements. Idempotent, fenced by the attempt."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import orjson
from sqlalchemy import Row, and_, or_, update

from search.spec import SearchSpec
from service.ids import TrialId, trial_id
from service.protocol import Report, Result
from service.store import curves
from service.store import trials as trial_rows
from service.store.tables import commands, searches
from service.store.transaction import Transaction


@dataclass
class Batch:
    """The rows that the reports of one exchange come to, written together."""

    advances: list[dict[str, Any]] = field(default_factory=list)
    finishes: list[dict[str, Any]] = field(default_factory=list)
    releases: list[dict[str, Any]] = field(default_factory=list)
    curves: list[dict[str, Any]] = field(default_factory=list)
    costs: list[trial_rows.CostPiece] = field(default_factory=list)
    attempts: list[dict[str, Any]] = field(default_factory=list)
    best: dict[int, tuple[float, int]] = field(default_factory=dict)  # search: signed value, number


def take_reports(
    tx: Transaction,
    reports: list[Report],
    held: dict[TrialId, Row[Any]],
    spec_of: Callable[[int], SearchSpec],
    agent: str,
) -> set[TrialId]:
    """Write what was reported of the trials that the agent still holds; name those that ended with it."""
    batch, ended = Batch(), set[TrialId]()
    columns: dict[tuple[str, ...], int] = {}
    for report in reports:
        trial = trial_id(report.trial)
        row = held.get(trial)
        if row is None or row.attempt != report.attempt or trial in ended:
            continue
        branch, epoch = _take_curve(tx, batch, columns, trial, row, report)
        started = tx.now - report.age if report.age is not None else row.started
        if report.acknowledged:
            _acknowledge(tx, trial, branch, report)
        if report.result is not None:
            _take_result(tx, batch, trial, row, report.result, spec_of(trial.search), agent)
            batch.finishes[-1].update(
                new_branch=branch, new_epoch=max(epoch, report.result.epoch), new_started=started
            )
            ended.add(trial)
        elif report.state == "released":
            _release(tx, batch, trial, row, (branch, epoch, started))
            ended.add(trial)
        elif (report.state or row.state, branch, epoch, started) != (
            row.state,
            row.branch,
            row.epoch,
            row.started,
        ):
            _advance(tx, batch, trial, row, report, (branch, epoch, started))
    _write(tx, batch)
    for search, best in batch.best.items():
        keep_best(tx, search, -1.0 if spec_of(search).objective.direction == "maximize" else 1.0, best)
    return ended


def _take_curve(
    tx: Transaction,
    batch: Batch,
    columns: dict[tuple[str, ...], int],
    trial: TrialId,
    row: Row[Any],
    report: Report,
) -> tuple[int, int]:
    """Keep the epochs that the server does not have yet; give branch and epoch after them."""
    branch, known = row.branch, row.epoch
    if report.branch > branch:
        branch, known = report.branch, report.from_epoch or report.first - 1
        trial_rows.add_branch(
            tx,
            {
                "search_id": trial.search,
                "number": trial.number,
                "branch": branch,
                "parent": row.branch if report.parent is None else report.parent,
                "from_epoch": known,
            },
        )
    elif report.branch < branch:
        return branch, known  # of a line that was left meanwhile
    key = {"search_id": trial.search, "number": trial.number, "branch": branch}
    rows = report.rows[max(0, known + 1 - report.first) :]
    if rows and report.columns:
        names = tuple(report.columns)
        if names not in columns:
            columns[names] = trial_rows.columns_id(tx, orjson.dumps(names).decode())
        first = max(report.first, known + 1)
        batch.curves.append(
            {
                **key,
                "first": first,
                "rows": len(rows),
                "columns_id": columns[names],
                "data": curves.pack(rows),
            }
        )
        known = first + len(rows) - 1
    if report.costs:
        batch.costs.append(trial_rows.CostPiece((trial.search, trial.number, branch), report.costs))
    return branch, known


def _advance(
    tx: Transaction,
    batch: Batch,
    trial: TrialId,
    row: Row[Any],
    report: Report,
    come: tuple[int, int, float | None],
) -> None:
    state = report.state or row.state
    if state != row.state:
        tx.move(trial.search, row.state, state)
    tx.touched.add(trial.search)
    batch.advances.append(_come(trial, row, state, come))


def _come(trial: TrialId, row: Row[Any], state: str, come: tuple[int, int, float | None]) -> dict[str, Any]:
    return {
        "b_search": trial.search,
        "b_number": trial.number,
        "b_attempt": row.attempt,
        "new_state": state,
        "new_branch": come[0],
        "new_epoch": come[1],
        "new_started": come[2],
    }


def _release(
    tx: Transaction, batch: Batch, trial: TrialId, row: Row[Any], come: tuple[int, int, float | None]
) -> None:
    """Take back a trial that its agent hands back; this does not count as a lost attempt."""
    tx.move(trial.search, row.state, "queued")
    batch.advances.append(_come(trial, row, row.state, come))
    batch.releases.append(
        {
            "b_search": trial.search,
            "b_number": trial.number,
            "b_attempt": row.attempt,
            "new_state": "queued",
            "new_reason": None,
            "new_ended": None,
        }
    )


def _take_result(
    tx: Transaction,
    batch: Batch,
    trial: TrialId,
    row: Row[Any],
    result: Result,
    spec: SearchSpec,
    agent: str,
) -> None:
    state, value, reason = judge(result, spec)
    tx.move(trial.search, row.state, state)
    batch.finishes.append(
        {
            "b_search": trial.search,
            "b_number": trial.number,
            "b_attempt": row.attempt,
            "new_state": state,
            "new_value": value,
            "new_metrics": orjson.dumps(result.metrics).decode() if result.metrics else None,
            "new_reason": reason,
            "new_ended": tx.now,
        }
    )
    if state == "failed":
        batch.attempts.append(
            {
                "search_id": trial.search,
                "number": trial.number,
                "attempt": row.attempt,
                "agent": agent,
                "epoch": max(row.epoch, result.epoch),
                "started": row.started,
                "ended": tx.now,
                "reason": reason,
                "log": result.log,
            }
        )
    if value is not None and state in ("completed", "stopped"):
        signed = -value if spec.objective.direction == "maximize" else value
        best = batch.best.get(trial.search)
        if best is None or (signed, trial.number) < best:
            batch.best[trial.search] = signed, trial.number


def judge(result: Result, spec: SearchSpec) -> tuple[str, float | None, str | None]:
    """Give state, value and reason of a result: without a finite objective nothing is completed."""
    metric = spec.objective.metric
    value = result.metrics.get(metric)
    finite = value is not None and math.isfinite(value)
    if result.state in ("completed", "stopped") and not finite:
        if metric in result.metrics:
            return "diverged", None, result.reason or f"{metric} is not finite"
        known = ", ".join(sorted(result.metrics)) or "none"
        return "failed", None, f"the trainer reported no metric {metric!r}; it reported: {known}"
    if result.state in ("completed", "stopped"):
        return result.state, value, result.reason
    return result.state, None, result.reason or result.state


def _write(tx: Transaction, batch: Batch) -> None:
    trial_rows.advance(tx, batch.advances)
    trial_rows.finish(tx, batch.finishes)
    trial_rows.release(tx, batch.releases)
    trial_rows.append_curves(tx, batch.curves)
    trial_rows.append_costs(tx, batch.costs)
    trial_rows.record_attempts(tx, batch.attempts)


def keep_best(tx: Transaction, search: int, sign: float, best: tuple[float, int]) -> None:
    """Note the best trial of a search if it is better than the one noted; equal values: the lower number."""
    value, number = sign * best[0], best[1]
    c = searches.c
    better = c.best_value > value if sign > 0 else c.best_value < value
    tx.connection.execute(
        update(searches)
        .where(
            c.id == search,
            or_(c.best_value.is_(None), better, and_(c.best_value == value, c.best_number > number)),
        )
        .values(best_value=value, best_number=number)
    )


def _acknowledge(tx: Transaction, trial: TrialId, branch: int, report: Report) -> None:
    """Note that commands took effect; a second acknowledgement changes nothing."""
    c = commands.c
    for done in report.acknowledged:
        tx.connection.execute(
            update(commands)
            .where(
                c.id == done.command,
                c.search_id == trial.search,
                c.number == trial.number,
                c.state == "waiting",
            )
            .values(
                state="applied" if done.refused is None else "refused",
                branch=branch,
                step=done.step,
                epoch=done.epoch,
                before=orjson.dumps(done.before).decode(),
                after=orjson.dumps(done.after).decode(),
                reason=done.refused,
                answered=tx.now,
                revision=tx.revision(),
            )
        )
    tx.touched.add(trial.search)
