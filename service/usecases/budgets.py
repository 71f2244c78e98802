"""The end of a search whose budget is used up: no trial begins any more, and what trains is dealt with.

Which trial decides is settled in search/budgets.py; when seconds are used up, here by the store's clock.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
import orjson

from caviar import trainers
from caviar.exchange.wire import Result
from caviar.search.budgets import Decision
from caviar.search.spec import SearchSpec
from caviar.service.ids import TrialId
from caviar.service.store import attempts, audit, commands, curves
from caviar.service.store import searches as search_rows
from caviar.service.store import trials as trial_rows
from caviar.service.store.attempts import Outcome, Progress
from caviar.service.store.commands import Ended
from caviar.service.store.rows import StoredSearch
from caviar.service.store.transaction import Transaction
from caviar.service.usecases import continuing
from caviar.service.usecases.proposer import Proposer
from caviar.service.usecases.report import judge
from caviar.trial_fields import StoredTrial

log = logging.getLogger(__name__)


def enforce(tx: Transaction, proposer: Proposer, searches: Iterable[int]) -> None:
    """End those of these searches whose trials have used up a budget."""
    for search in searches:
        row = search_rows.find(tx, search)
        if row is None or row.over is not None or row.switch == "cancelled":
            continue
        spec = proposer.spec(tx, row)
        decision = proposer.decision(tx, row) if spec.budget.settled else None
        if decision is not None:
            _end(tx, proposer, row, decision)


def end_by_time(tx: Transaction, proposer: Proposer) -> int:
    """End the searches whose seconds are used up; return how many."""
    rows = search_rows.past_deadline(tx, tx.now)
    for row in rows:
        seconds = proposer.spec(tx, row).budget.seconds
        _end(tx, proposer, row, Decision("seconds", row.proposed - 1, f"its {seconds:g} seconds are over"))
    return len(rows)


def _end(tx: Transaction, proposer: Proposer, row: StoredSearch, decision: Decision) -> None:
    """Let no further trial of a search begin, and deal with those that have."""
    spec = proposer.spec(tx, row)
    by_number = decision.budget != "seconds" and spec.reproducible
    shown = {"budget": decision.budget, "text": decision.text}
    if decision.budget != "seconds":
        shown["trial"] = str(TrialId(row.id, decision.number))
    log.info("search %d ends: %s", row.id, decision.text, extra={"search": row.id})
    search_rows.change(tx, row.id, over=orjson.dumps(shown).decode(), total=row.proposed, deadline=None)
    reason = f"the search has ended: {decision.text}"
    if by_number:
        # What was there when a person changed the budget counts, whatever the new one says of it.
        last = max(decision.number, audit.proposed_under_another_budget(tx, row.id) - 1)
        trial_rows.cancel(tx, row.id, reason, above=last)
        if trial_rows.discount(tx, row.id, last, reason):
            search_rows.renew_best(tx, row.id, spec.objective.direction)
    else:
        trial_rows.cancel(tx, row.id, reason, only_unbegun=True)
        if spec.budget.at_end == "stop":
            _stop(tx, row, spec, reason)
    tx.settle()
    now = search_rows.get(tx, row.id)
    if now.ended is None and not now.queued + now.running + now.paused:
        search_rows.change(tx, row.id, ended=tx.now)
    tx.wake = True


def _stop(tx: Transaction, row: StoredSearch, spec: SearchSpec, reason: str) -> None:
    """End the trials that have begun with the value that they have come to; cancel those without one.

    Among them are those that wait for another attempt, because their agent or the server was lost.
    """
    held: list[Outcome] = []
    others: list[Outcome] = []
    for trial in trial_rows.begun(tx, row.id):
        course = _counting(spec, continuing.course(tx, trial, spec.objective.metric))
        result = Result(
            state="stopped", metrics=_so_far(tx, trial, spec, course), reason=f"stopped, as {reason}"
        )
        judged = judge(result, spec, course)
        if judged.state != "stopped":
            continue
        progress = Progress(*TrialId.of(trial), trial.attempt, trial.branch, trial.epoch, trial.started)
        text = orjson.dumps(result.metrics).decode()
        outcome = Outcome(progress, "stopped", judged.value, text, *judged[2:])
        (held if trial.state == "running" else others).append(outcome)
        if judged.value is not None:
            search_rows.note_best(tx, row.id, trial.number, judged.value, spec.objective.direction)
        tx.move(row.id, trial.state, "stopped")
    attempts.finish(tx, held)
    attempts.conclude(tx, others)
    progress_of = [one.progress for one in held + others]
    ended = {TrialId(row.id, one.number): Ended("stopped", one.epoch) for one in progress_of}
    commands.refuse_waiting(tx, ended)
    trial_rows.cancel(tx, row.id, reason, above=-1)


def _counting(spec: SearchSpec, course: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return the part of a course by which a trial is judged: with folds that of the whole ones.

    Within a fold a row is the mean at the epoch of that fold. Within the first one there is nothing better.
    """
    epochs = trainers.epochs_in_all(spec)
    if spec.trainings == 1 or epochs is None:
        return course
    fold = epochs // spec.trainings
    return course[: len(course) // fold * fold or len(course)]


def _so_far(
    tx: Transaction, trial: StoredTrial, spec: SearchSpec, course: npt.NDArray[np.float64]
) -> dict[str, float | None]:
    """Return the metrics of a trial after the last epoch of its course; none where it has not ended one."""
    if not len(course):
        return {}
    row = curves.row_at(tx, *TrialId.of(trial), trial.branch, len(course))
    return row | {spec.objective.metric: float(course[-1])}
