"""What of a trial's result follows from the rest of it: value, verdicts, commands, the search's counts."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any

import numpy as np

from caviar.proof import record as recorded
from caviar.proof.findings import Finding, compared, differs, guarded, not_provable
from caviar.proof.record import Recorded, Row
from caviar.search.budgets import Ended, Ledger
from caviar.search.spec import SearchSpec
from caviar.search.stopping import StopPlan, verdict
from caviar.search.values import value_of
from caviar.trial_fields import STATES

RESULT = "its result"
DISCOUNTED = "it does not count, though it had "


def check_results(record: Recorded) -> Iterator[Finding]:
    """Compare what follows from other stored values, for the search and for each of its trials."""
    spec, out = record.spec, record.excluded_after(len(record.edits))
    for number, row in enumerate(record.trials):
        where = f"trial {record.name(number)}"
        checks = _trial(record, spec, where, row, number in out)
        yield from guarded(where, "checking its result", checks)
    yield from guarded("search", "checking its counts", _search(record, spec))


def _trial(record: Recorded, spec: SearchSpec, where: str, row: Row, out: bool) -> Iterator[Finding]:
    yield from _times(record, where, row)
    yield from compared(where, row, _exclusion(record, row), "the search's edits")
    if spec.reproducible and row["unseen"] is not None:
        yield differs(where, "unseen", row["unseen"], None, "a search that is repeatable")
    known = recorded.branches(row)
    if row["branch"] not in known:
        yield differs(where, "branch", row["branch"], max(known), "its commands")
    if recorded.ended(row):
        yield from _value(record, spec, where, row, out)
        yield from _verdict(record, spec, where, row)
    yield from _changed(where, row)


def _exclusion(record: Recorded, row: Row) -> dict[str, Any]:
    """Return what an exclusion has written into a trial; nothing where it is not excluded now."""
    found: dict[str, Any] = {"excluded": None, "excluded_by": None}
    for edit in record.edits:
        told = edit["after"].get(f"trial {row['number']}")
        if told is not None:
            found = {"excluded": told.get("why"), "excluded_by": None if "included" in told else told["by"]}
    if found["excluded"] is None:
        found["excluded_at"] = None
    return found


def _times(record: Recorded, where: str, row: Row) -> Iterator[Finding]:
    """Compare the order of times, which is all that can be said of them."""
    known = [(name, row[name]) for name in ("created", "ended") if row[name] is not None]
    known.insert(0, ("created of the search", record.search["created"]))
    for (before, one), (name, other) in pairwise(known):
        if other < one:
            yield differs(where, name, other, f"at least {one}", before)


def _value(record: Recorded, spec: SearchSpec, where: str, row: Row, out: bool) -> Iterator[Finding]:
    """Compare value, withheld value and broken constraints with what metrics and curve give."""
    found: dict[str, Any] = {"value": None, "withheld": None, "broken": None}
    metrics = row["metrics"] or {}
    if row["state"] in ("completed", "stopped"):
        objective = spec.objective
        curve = np.empty(0)
        if objective.how not in (None, "last"):
            curve = record.course(row, objective.metric)
        value = value_of(curve, objective.how, objective.direction, metrics.get(objective.metric))
        if value is None or not math.isfinite(value):
            yield differs(
                where, "state", row["state"], "diverged or failed", "a result without a finite value"
            )
            return
        broken = spec.broken(metrics)
        aside = out or broken is not None
        found = {"value": None if aside else value, "withheld": value if aside else None, "broken": broken}
    elif (
        row["state"] in ("failed", "cancelled")
        and spec.trainer != "external"
        and metrics.get(spec.objective.metric) is not None
        and not (row["reason"] or "").startswith((DISCOUNTED, "the trainer reported no metric"))
    ):
        yield differs(where, "state", row["state"], "completed or stopped", RESULT)
    yield from compared(where, row, found, RESULT)
    if row["state"] in ("failed", "cancelled") and spec.trainer != "external" and not metrics:
        curve = row["curves"].get(str(row["branch"]), {})
        last = max(curve.get("epoch", ()), default=recorded.begun_at(row))
        yield from compared(where, row, {"epoch": max(last, _branched_at(row))}, "its curve")
    told = metrics.get("epoch")
    if told is not None and row["state"] in ("completed", "stopped", "diverged") and told != row["epoch"]:
        yield differs(where, "epoch", row["epoch"], told, RESULT)


def _branched_at(row: Row) -> int:
    """Return the epoch at which the current branch of a trial began."""
    found = recorded.branches(row).get(row["branch"])
    return 0 if found is None else int(found["from_epoch"])


def _verdict(record: Recorded, spec: SearchSpec, where: str, row: Row) -> Iterator[Finding]:
    """Compare the end of a trial with what its stopping rule says of its curve."""
    told = row["stop"]
    if told is None or spec.trainer == "external" or row["state"] not in ("completed", "stopped"):
        return
    checks = tuple((epoch, bound) for epoch, bound in told["checks"])
    plan = StopPlan(checks, told["patience"], told["warmup"], told["why"], told.get("last"))
    curve = record.course(row, spec.objective.metric).tolist()
    start, objective = recorded.begun_at(row), spec.objective
    for epoch in range(start + 1, len(curve) + 1):
        reason = verdict(plan, curve[:epoch], objective.direction, objective.how)
        if reason is None:
            continue
        found = {"state": "stopped", "epoch": epoch, "reason": reason}
        yield from compared(where, row, found, "its stopping rule")
        return
    if row["state"] == "stopped" and not _by_person(row):
        yield differs(where, "state", "stopped", "no reason to stop", "its stopping rule")


def _by_person(row: Row) -> bool:
    stops = any(one["kind"] == "stop" and one["state"] == "applied" for one in row["commands"].values())
    return stops or (row["reason"] or "").startswith("stopped, as")


def _changed(where: str, row: Row) -> Iterator[Finding]:
    """Compare commands with what they did, and the settings that are in force with the commands."""
    applied = [(key, one) for key, one in row["commands"].items() if one["state"] == "applied"]
    for key, one in applied:
        if one["kind"] != "set" or one["step"] is None:
            continue
        wanted, done = one["arguments"], one["after"] or {}
        for name in sorted({*wanted, *done}):
            if name not in done or name not in wanted or not _same(wanted[name], done[name]):
                field = f"commands.{key}.arguments.{name}"
                yield differs(where, field, wanted.get(name), done.get(name), "what it did")
    done = [one for _, one in applied if one["kind"] in (*recorded.CHANGING, "rewind")]
    if row["change_log"] is not None and not any(one["step"] is not None for one in done):
        return  # what it began with may be written there already, or not
    known = recorded.branches(row)
    changes = known.get(row["branch"], known[0])["changes"]
    force = {name: value for change in changes for name, value in change["settings"].items()}
    yield from compared(where, {"changed": row["changed"] or {}}, {"changed": force}, "its commands")


def _same(wanted: Any, done: Any) -> bool:
    """Return whether a setting was set as asked; null chooses by the data, texts may stand for numbers."""
    if wanted is None or isinstance(wanted, str) != isinstance(done, str):
        return True
    return bool(wanted == done)


def _search(record: Recorded, spec: SearchSpec) -> Iterator[Finding]:
    row, trials = record.search, record.trials
    best: tuple[float, int] | None = None
    for number, one in enumerate(trials):
        if one["value"] is not None and one["state"] in ("completed", "stopped"):
            ranked = (spec.objective.sign * one["value"], number)
            best = ranked if best is None or ranked < best else best
    found: dict[str, Any] = {
        "best_number": None if best is None else best[1],
        "best_value": None if best is None else trials[best[1]]["value"],
        "proposed": len(trials),
        "by_hand": int(record.by_hand[-1]),
        "seed": spec.seed,
        "lag": spec.resolved_lag(),
        "parallel": spec.parallel,
        "mode": spec.mode,
        "name": spec.name,
        "note": spec.note,
        **{state: sum(one["state"] == state for one in trials) for state in STATES},
    }
    yield from compared("search", row, found, "its trials and its spec")
    yield from _end(record, spec)


def _end(record: Recorded, spec: SearchSpec) -> Iterator[Finding]:
    """Compare which budget ended the search with what its trials had used up."""
    over: Mapping[str, Any] | None = record.search["over"]
    if over is None:
        return
    if over["budget"] == "seconds":
        yield not_provable("search", "over", "its seconds were measured: no other run ends at the same trial")
        return
    if not spec.reproducible or any(set(one["after"]) - {"name", "note"} for one in record.edits):
        said = "the end depended on when results came in, or on edits at that moment"
        yield not_provable("search", "over", said)
        return
    ledger = Ledger(spec.budget, spec.objective.direction)
    ledger.take(_ended(one, number) for number, one in enumerate(record.trials))
    decision = ledger.decision
    told = None if decision is None else record.name(decision.number)
    found = {} if decision is None else {"budget": decision.budget, "text": decision.text, "trial": told}
    yield from compared("search", {"over": over}, {"over": found}, "its trials")


def _ended(row: Row, number: int) -> Ended:
    counts = row["state"] != "cancelled" and row["excluded"] is None
    return Ended(number, row["value"], recorded.epochs_spent(row), counts)
