"""Trials trained again from their seeds and change logs, and compared bit for bit with what is stored."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import orjson

from caviar import trainers
from caviar.agents.best_epoch import BestEpoch
from caviar.exchange.result import failure
from caviar.proof import record as recorded
from caviar.proof.chain import equal
from caviar.proof.data import Examples
from caviar.proof.findings import Finding, broke, compared, differs, guarded, not_provable
from caviar.proof.record import Recorded, Row
from caviar.proof.results import DISCOUNTED
from caviar.search.stopping import as_stored
from caviar.search.values import read_how
from caviar.trainer.metrics import TIMINGS
from caviar.trainer.replay import differences
from caviar.trial_settings import trial_epochs, trial_settings

AGAIN = "training it again"
CLOCKED = ("seconds", *TIMINGS)  # differ from run to run
SLICE_SECONDS = 0.25
FINISHED = ("completed", "stopped", "diverged")


def why_not(record: Recorded) -> str | None:
    """Say why no trial of a search can be trained again here; None: they can."""
    spec = record.spec
    if spec.trainer == "external":
        return "its trials were trained by a script of one's own: only that can train them again"
    if trainers.get(spec.trainer) is None:
        return f"the trainer {spec.trainer!r} is not installed here"
    if record.dataset is None:
        return f"its data is gone: {record.dataset_problem}"
    return None


def train_again(record: Recorded, number: int, examples: Examples) -> list[Finding]:
    """Train a trial again, all its branches, and return what is not as stored, or cannot be told."""
    row = record.trials[number]
    where = f"trial {record.name(number)}"
    try:
        return list(guarded(where, AGAIN, _Retraining(record, row, examples).findings()))
    except Exception as error:  # noqa: BLE001 - what is stored may be anything
        return [broke(where, AGAIN, error)]


class _Retraining:
    """One trial that is trained again."""

    def __init__(self, record: Recorded, row: Row, examples: Examples) -> None:
        self._record, self._row = record, row
        self._where = f"trial {record.name(row['number'])}"
        spec = record.spec
        self._objective = spec.objective
        self._trainer: Any = trainers.get(spec.trainer)
        log: Mapping[str, Any] = row["change_log"] or {}
        first_params: Mapping[str, Any] = log["params"] if "params" in log else row["params"]
        measuring = trainers.settings_for(spec.trainer, spec.named_metrics())
        self._settings = trial_settings(
            spec.settings, first_params, self._first_epochs(), row["seed"], measuring
        )
        self._examples = examples

    def _first_epochs(self) -> int | None:
        """Return the epochs with which the training began: the commands on its way may have changed them."""
        row, spec = self._row, self._record.spec
        log = row["change_log"] or {}
        told: int | None = log.get("epochs", row["epochs"])
        if "epochs" in log:
            return told
        if "epochs" in (row["changed"] or {}) and spec.trainings == 1:
            return trial_epochs(spec.settings, row["params"], None)
        return told

    def findings(self) -> Iterator[Finding]:
        row = self._row
        state = _state(row)
        data = self._examples.of(self._settings)
        for number in sorted(recorded.branches(row)):
            current = number == row["branch"]
            if not current and str(number) not in row["curves"]:
                continue
            try:
                run = self._trainer.start(self._settings, data, row["seed"])
                yield from self._branch(run, data, number, state if current else "left")
            except Exception as error:
                if not (current and state == "failed"):
                    raise
                yield from compared(self._where, row, {"reason": failure(error).reason}, AGAIN)
                return
        if state == "failed":
            said = f"it failed where it was trained ({row['reason']}), and did not here"
            yield not_provable(self._where, "reason", said)

    def _branch(self, run: Any, data: Any, number: int, state: str) -> Iterator[Finding]:
        """Train along one branch and compare its curve, its changes and, at its end, the result."""
        row, branch = self._row, recorded.branches(self._row)[number]
        stored = row["curves"].get(str(number), {"epoch": []})
        last = row["epoch"] if number == row["branch"] else max(stored["epoch"], default=0)
        changes = list(branch["changes"])
        if number != row["branch"]:
            changes = [one for one in changes if one["epoch"] <= last]
        best = BestEpoch(self._objective.direction, None) if self._follows_best(state) else None
        training = _Training(run, self._objective.metric, best)
        own = _commands_changing(row, number)
        for place, change in enumerate(changes):
            training.to(step=int(change["step"]))
            done = run.change(change["settings"])
            if place >= len(branch["base"]):
                yield from self._change(own[place - len(branch["base"])], done)
        if state == "completed" or state == "diverged":
            training.to()
        elif state == "stopped" and (step := _stopped_at(row, number)) is not None:
            training.to(step=step)
            run.stop()
            training.to()
        else:
            training.to(epoch=last)
        yield from self._curve(number, stored, training.rows)
        if state in FINISHED:
            yield from self._result(run, data, training, state)

    def _follows_best(self, state: str) -> bool:
        return state in ("completed", "stopped") and read_how(self._objective.how) == "best"

    def _change(self, command: tuple[str, Row], done: Any) -> Iterator[Finding]:
        key, told = command
        for side in ("before", "after"):
            stored, found = told[side] or {}, _plain(getattr(done, side))
            for name in sorted(stored):
                if not equal(stored[name], found.get(name)):
                    field = f"commands.{key}.{side}.{name}"
                    yield differs(self._where, field, stored[name], found.get(name), AGAIN)

    def _curve(self, number: int, stored: Row, rows: Mapping[int, Mapping[str, float]]) -> Iterator[Finding]:
        names = [name for name in stored if name != "epoch" and name not in CLOCKED]
        for place, epoch in enumerate(stored["epoch"]):
            trained = rows.get(epoch)
            if trained is None:
                said = "no such epoch"
                yield differs(self._where, f"curves.{number}, epoch {epoch}", "an epoch", said, AGAIN)
                return
            for name in names:
                if stored[name][place] is None:
                    continue
                if not _same_bits(stored[name][place], trained.get(name)):
                    field = f"curves.{number}.{name}, epoch {epoch}"
                    yield differs(self._where, field, stored[name][place], trained.get(name), AGAIN)
        missing = sorted(set(rows) - set(stored["epoch"]))
        first = recorded.branches(self._row)[number]["from_epoch"]
        if missing := [epoch for epoch in missing if epoch > first]:
            yield differs(self._where, f"curves.{number}", "nothing", f"epoch {missing[0]} too", AGAIN)

    def _result(self, run: Any, data: Any, training: _Training, state: str) -> Iterator[Finding]:
        row, told = self._row, self._row["metrics"] or {}
        status = "stopped" if state == "stopped" else run.status
        yield from compared(self._where, {"state": state}, {"state": status}, AGAIN)
        if state != "stopped" or training.reason is not None:
            reason = training.reason
            if not (state == "diverged" and reason is None) and state == _state(row) == row["state"]:
                yield from compared(self._where, row, {"reason": reason}, AGAIN)
        if (row["reason"] or "").startswith("stopped, as"):
            yield from self._last_row(told)
            return
        kept, metrics = run, run.result()
        best = training.best
        if best is not None and best.found.epoch:
            kept = self._trainer.restore(best.found.state, data)
            if hasattr(kept, "describe_last"):
                kept.describe_last()
            metrics = best.result(metrics, kept.result())
        yield from self._metrics(told, _plain(metrics))
        yield from self._model(kept, state)

    def _metrics(self, told: Mapping[str, Any], found: Mapping[str, Any]) -> Iterator[Finding]:
        for name in sorted({*told, *found} - set(CLOCKED)):
            if told.get(name) != found.get(name):  # 4 and 4.0 are one result: counts are sent as 64 bits
                yield differs(self._where, f"metrics.{name}", told.get(name), found.get(name), AGAIN)

    def _last_row(self, told: Mapping[str, Any]) -> Iterator[Finding]:
        """Compare the metrics of a trial that the end of its search stopped: they are its last epoch's."""
        curve = self._row["curves"].get(str(self._row["branch"]), {})
        for name, value in told.items():
            if name in curve and name not in CLOCKED and not _near(curve[name][-1], value):
                yield differs(self._where, f"metrics.{name}", value, curve[name][-1], "its last epoch")

    def _model(self, kept: Any, state: str) -> Iterator[Finding]:
        """Compare the model that the server has, if it has one: its bytes, else what it has learned."""
        told = [(key, one) for key, one in self._row["files"].items() if one["kind"] == "model"]
        if state == "diverged" or not told:
            return
        model = kept.model()
        digest = _digest(model)
        for key, one in told:
            if one["digest"] == digest:
                continue
            stored = self._examples.file(int(key))
            field = f"files.{key}.digest"
            if stored is None:
                said = "its file is not here, and one with the same weights may be written otherwise today"
                yield not_provable(
                    self._where, field, f"stored is {one['digest']}, {AGAIN} gives {digest}; {said}"
                )
            elif one["digest"] != _digest(stored):
                yield differs(self._where, field, one["digest"], _digest(stored), "its file")
            elif apart := differences(model, stored):
                yield Finding(
                    "differs", self._where, f"files.{key}", f"{AGAIN} gives other weights: {apart[0]}"
                )


def _digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


class _Training:
    """A run on its way, with the rows of its epochs."""

    def __init__(self, run: Any, metric: str, best: BestEpoch | None) -> None:
        self._run, self._metric, self.best = run, metric, best
        self.rows: dict[int, Mapping[str, float]] = {}
        self.reason: str | None = None

    def to(self, step: int | None = None, epoch: int | None = None) -> None:
        """Train to a step, to the end of an epoch, or to the end."""
        run = self._run
        while run.status == "running" and not _there(run, step, epoch):
            until = epoch if self.best is None else run.epoch + 1
            piece = run.advance(SLICE_SECONDS, step, until)
            for row in piece.epochs:
                self.rows[int(row["epoch"])] = row
                if self.best is not None:
                    self.best.look(run, as_stored(row.get(self._metric, math.nan)))
            self.reason = piece.reason
        if run.status != "running":
            self.reason = run.advance(0.0).reason


def _there(run: Any, step: int | None, epoch: int | None) -> bool:
    return (step is not None and run.step >= step) or (epoch is not None and run.epoch >= epoch)


def _state(row: Row) -> str:
    """Return how the training of a trial ended, also of one that does not count any more."""
    reason = row["reason"] or ""
    if row["state"] == "cancelled" and reason.startswith(DISCOUNTED):
        return str(reason.removeprefix(DISCOUNTED).partition(":")[0])
    return str(row["state"])


def _stopped_at(row: Row, branch: int) -> int | None:
    """Return the step at which a person stopped a branch; None: nobody did."""
    for one in row["commands"].values():
        if one["kind"] == "stop" and one["state"] == "applied" and one["branch"] == branch:
            return None if one["step"] is None else int(one["step"])
    return None


def _commands_changing(row: Row, branch: int) -> Sequence[tuple[str, Row]]:
    """Return the commands that changed settings on a branch, in the order in which they did."""
    applied = [
        (key, one)
        for key, one in row["commands"].items()
        if one["state"] == "applied"
        and one["kind"] in recorded.CHANGING
        and one["branch"] == branch
        and one["step"] is not None
    ]
    return sorted(applied, key=lambda pair: pair[1]["revision"])


def _same_bits(stored: Any, trained: float | None) -> bool:
    """Return whether a stored number of 32 bits is what was trained; all that is not finite is alike."""
    if trained is None:
        return False
    with np.errstate(over="ignore"):
        one, other = np.float32(stored), np.float32(trained)
    if not math.isfinite(trained):
        return not math.isfinite(float(one))
    return bool(one.view(np.uint32) == other.view(np.uint32))


def _near(stored: Any, told: Any) -> bool:
    """Return whether a metric is that of a curve, which has seven digits of it."""
    if told is None:
        return not math.isfinite(float(stored))
    return math.isclose(float(stored), float(told), rel_tol=1e-6)


def _plain(value: Any) -> Any:
    """Return a value as it is stored: JSON, in which what is not finite is null."""
    return orjson.loads(orjson.dumps(value, option=orjson.OPT_SERIALIZE_NUMPY))
