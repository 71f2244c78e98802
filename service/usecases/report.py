"""Taking in what agents report: epochs, results, acknowledgements. Idempotent, fenced by the attempt."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import orjson

from caviar.exchange.wire import Report, Result
from caviar.search.history import Floats
from caviar.search.spec import SearchSpec
from caviar.search.values import value_of
from caviar.service.ids import TrialId, trial_id
from caviar.service.store import attempts, checkpoints, measurements
from caviar.service.store import commands as command_rows
from caviar.service.store import searches as search_rows
from caviar.service.store.agent_records import MACHINE
from caviar.service.store.attempts import EndedAttempt, Outcome, Progress, Release
from caviar.service.store.measurements import CostPiece, CurvePiece
from caviar.service.store.rows import HeldTrial
from caviar.service.store.transaction import Transaction
from caviar.service.usecases import commands, continuing, lineage
from caviar.service.usecases.proposer import Proposer
from caviar.service.usecases.suspects import AgentOutcomes


class Verdict(NamedTuple):
    """What a result comes to; a value that breaks a limit is withheld."""

    state: str
    value: float | None
    reason: str | None
    withheld: float | None = None
    broken: str | None = None


@dataclass
class ReportedTrial:
    """A trial in an agent's hands, as its reports move it on."""

    trial: TrialId
    row: HeldTrial
    branch: int
    epoch: int
    started: float | None
    changed: bool = False
    over: bool = False  # ended, or handed back

    @property
    def progress(self) -> Progress:
        """Return how far it has come, for a write."""
        return Progress(*self.trial, self.row.attempt, self.branch, self.epoch, self.started)


@dataclass
class Batch:
    """The rows that the reports of an exchange come to, whichever agents sent them, written together."""

    agents: AgentOutcomes
    advances: list[Progress] = field(default_factory=list)
    outcomes: list[Outcome] = field(default_factory=list)
    releases: list[Release] = field(default_factory=list)
    curves: list[CurvePiece] = field(default_factory=list)
    costs: list[CostPiece] = field(default_factory=list)
    failures: list[EndedAttempt] = field(default_factory=list)
    bests: dict[int, tuple[float, int, str]] = field(default_factory=dict)  # value, number, direction
    ended: dict[TrialId, command_rows.Ended] = field(default_factory=dict)

    def improve(self, trial: TrialId, value: float, direction: str) -> None:
        """Keep the best result of each search; of equal values the lower number is better."""
        sign = -1.0 if direction == "maximize" else 1.0
        found = self.bests.get(trial.search)
        if found is None or (sign * value, trial.number) < (sign * found[0], found[1]):
            self.bests[trial.search] = value, trial.number, direction

    def course(self, tx: Transaction, one: ReportedTrial, metric: str) -> Floats:
        """Return a metric of a trial from epoch 1 to its end; curves are written first."""
        measurements.append_curves(tx, self.curves)
        self.curves.clear()
        return continuing.course(tx, one.row._replace(branch=one.branch, epoch=one.epoch), metric)

    def write(self, tx: Transaction) -> None:
        """Write all of it."""
        attempts.advance(tx, self.advances)
        attempts.finish(tx, self.outcomes)
        attempts.release(tx, self.releases)
        measurements.append_curves(tx, self.curves)
        measurements.append_costs(tx, self.costs)
        attempts.record(tx, self.failures)
        for search, (value, number, direction) in self.bests.items():
            search_rows.note_best(tx, search, number, value, direction)
        command_rows.refuse_waiting(tx, self.ended)
        self.agents.write(tx)


def take_reports(
    tx: Transaction,
    proposer: Proposer,
    batch: Batch,
    reports: Sequence[Report],
    held: Mapping[TrialId, HeldTrial],
    spec_of: Callable[[int], SearchSpec],
) -> set[TrialId]:
    """Take what an agent reported of the trials it still holds into a batch; name those it holds no more."""
    taken: dict[TrialId, ReportedTrial] = {}
    for report in reports:
        trial = trial_id(report.trial)
        row = held.get(trial)
        if row is None or row.attempt != report.attempt:
            continue
        one = taken.get(trial)
        if one is None:
            one = taken[trial] = ReportedTrial(trial, row, row.branch, row.epoch, row.started)
        if not one.over:
            _take(tx, proposer, batch, one, report, spec_of)
    for one in taken.values():
        if one.changed and not one.over:
            batch.advances.append(one.progress)
            tx.touched.add(one.trial.search)
    return {trial for trial, one in taken.items() if one.over}


def _take(
    tx: Transaction,
    proposer: Proposer,
    batch: Batch,
    one: ReportedTrial,
    report: Report,
    spec_of: Callable[[int], SearchSpec],
) -> None:
    if report.acknowledged:
        commands.acknowledge(tx, proposer, one.trial, report.branch, report.acknowledged)
    if report.age is not None and report.result is not None and one.epoch == 0 and one.row.attempt == 1:
        one.started, one.changed = tx.now - report.age, True
    if report.branch > one.branch:
        past = lineage.branch(lineage.history(tx, one.row), report.branch)
        one.branch, one.epoch, one.changed = report.branch, past.from_epoch, True
    if report.branch == one.branch:  # else: of a branch that was left meanwhile
        _take_epochs(tx, batch, one, report)
    if report.result is not None:
        one.over = True
        _take_result(tx, batch, one, report.result, spec_of(one.trial.search))
    elif report.state in ("paused", "released"):
        one.over = True
        state = "paused" if report.state == "paused" else "queued"
        _hand_back(tx, batch, one, state, report.age or 0.0)


def _take_epochs(tx: Transaction, batch: Batch, one: ReportedTrial, report: Report) -> None:
    """Keep the epochs and costs that the server does not have yet."""
    if report.replace_from is not None and report.replace_from <= one.epoch:
        _forget(tx, batch, one, report.replace_from)
    rows = report.rows[max(0, one.epoch + 1 - report.first) :]
    branch = (*one.trial, one.branch)
    if rows and report.columns:
        first = max(report.first, one.epoch + 1)
        batch.curves.append(CurvePiece(branch, first, tuple(report.columns), rows))
        one.epoch, one.changed = first + len(rows) - 1, True
    if report.costs:
        batch.costs.append(CostPiece(branch, report.costs))
        tx.touched.add(one.trial.search)


def _forget(tx: Transaction, batch: Batch, one: ReportedTrial, first: int) -> None:
    """Forget the epochs from `first` on, and what was kept of them: a script trains them again."""
    branch = (*one.trial, one.branch)
    batch.curves = measurements.shortened(batch.curves, branch, first)
    measurements.cut(tx, branch, first)
    checkpoints.discard_from(tx, one.trial, one.branch, first)
    one.epoch, one.changed = first - 1, True


def _hand_back(tx: Transaction, batch: Batch, one: ReportedTrial, state: str, trained: float) -> None:
    """Take back a trial that its agent lets go of after so many seconds; this counts as no lost attempt."""
    tx.move(one.trial.search, "running", state)
    batch.advances.append(one.progress)
    batch.releases.append(Release(*one.trial, one.row.attempt, state, trained=trained))
    tx.wake |= state == "queued"


def _take_result(tx: Transaction, batch: Batch, one: ReportedTrial, result: Result, spec: SearchSpec) -> None:
    trial = one.trial
    told, objective = one.epoch, spec.objective
    one.epoch = max(one.epoch, result.epoch)
    curve: Floats = np.empty(0)
    if objective.how not in (None, "last") and told:
        curve = batch.course(tx, one, objective.metric)
    judged = judge(result, spec, curve)
    state, value, reason = judged[:3]
    who = (one.row.agent, trial, one.row.attempt)
    if state == "failed" and batch.agents.failed(tx, *who, spec):
        _try_elsewhere(tx, batch, one, reason or state, result.log)
        return
    if state in ("completed", "stopped", "diverged"):
        batch.agents.passed(tx, *who)
    tx.move(trial.search, "running", state)
    metrics = orjson.dumps(result.metrics).decode() if result.metrics else None
    batch.outcomes.append(Outcome(one.progress, state, value, metrics, *judged[2:]))
    batch.ended[trial] = command_rows.Ended(state, one.epoch)
    if value is not None:
        batch.improve(trial, value, spec.objective.direction)
    if state == "failed":
        batch.failures.append(_failure(tx, one, reason or state, result.log))


def _failure(tx: Transaction, one: ReportedTrial, reason: str, log: str | None) -> EndedAttempt:
    return EndedAttempt(
        *one.trial,
        attempt=one.row.attempt,
        agent=one.row.agent,
        epoch=one.epoch,
        started=one.started,
        ended=tx.now,
        reason=reason,
        log=log,
    )


def _try_elsewhere(tx: Transaction, batch: Batch, one: ReportedTrial, reason: str, log: str | None) -> None:
    """Queue a trial again that failed on an agent on which others did too; with all its seconds."""
    batch.failures.append(_failure(tx, one, reason, log)._replace(cause=MACHINE))
    tx.move(one.trial.search, "running", "queued")
    batch.advances.append(one.progress)
    why = f"it failed on {one.row.agent}, as others did, and is tried elsewhere: {reason}"
    batch.releases.append(Release(*one.trial, one.row.attempt, "queued", why))
    tx.wake = True


def judge(result: Result, spec: SearchSpec, curve: Floats) -> Verdict:
    """Return state, value and reason of a result: without a finite objective nothing is completed."""
    metric = spec.objective.metric
    value = value_of(curve, spec.objective.how, spec.objective.direction, result.metrics.get(metric))
    if result.state not in ("completed", "stopped"):
        return Verdict(result.state, None, result.reason or result.state)
    finite = value is not None and math.isfinite(value)
    if finite and not (spec.further or spec.subject_to):
        return Verdict(result.state, value, result.reason)
    further = {one.metric: result.metrics.get(one.metric) for one in spec.further}
    missing = [name for name, told in spec.constrained(result.metrics).items() if told is None]
    missing += [name for name in further if name not in result.metrics]
    endless = [name for name, told in further.items() if told is None or not math.isfinite(told)]
    if finite and not missing:
        if endless:
            return Verdict("diverged", None, result.reason or f"{endless[0]} is not finite")
        broken = spec.broken(result.metrics)
        if broken is not None:
            return Verdict(result.state, None, result.reason, value, broken)
        return Verdict(result.state, value, result.reason)
    if (value is not None and not finite) or (value is None and metric in result.metrics):
        return Verdict("diverged", None, result.reason or f"{metric} is not finite")
    known = ", ".join(sorted(result.metrics)) or "none"
    lacked = metric if value is None else missing[0]
    return Verdict("failed", None, f"the trainer reported no metric {lacked!r}; it reported: {known}")
