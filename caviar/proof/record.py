"""A search as it was recorded, and as it stood when each of its trials was proposed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from caviar.search.spec import SearchSpec
from caviar.trial_fields import ENDED, GIVEN_UP

Row = Mapping[str, Any]
BY_HAND = ("fork", "rerun")  # origins of trials that a person made beyond the budget
CHANGING = ("set", "extend")


class Recorded:
    """The record of one search; trials by number."""

    def __init__(self, record: Mapping[str, Any]) -> None:
        self.search: Row = record["search"]
        self.dataset: Row | None = record["dataset"]
        self.dataset_problem: str | None = record["dataset_problem"]
        self.edits: Sequence[Row] = record["edits"]
        self.trials: Sequence[Row] = record["trials"]
        self._specs: dict[int, SearchSpec] = {}
        self._spent = [0]  # epochs of the trials below each number

    def name(self, number: int) -> str:
        """Return the name of a trial, such as 3.17."""
        return f"{self.search['id']}.{number}"

    @property
    def spec(self) -> SearchSpec:
        """The search as it is now. Raises SearchError where this installation does not accept it."""
        return self.spec_after(len(self.edits))

    def edits_before(self, number: int) -> int:
        """Return how many edits a trial's proposal followed."""
        return sum(1 for one in self.edits if one["proposed"] <= number)

    def spec_after(self, edits: int) -> SearchSpec:
        """Return the search as it was after so many of its edits. Raises SearchError."""
        if edits not in self._specs:
            data = dict(self.search["spec"])
            for edit in reversed(self.edits[edits:]):
                for name, value in edit["before"].items():
                    if name not in SearchSpec.model_fields:
                        continue
                    if value is None:
                        data.pop(name, None)
                    else:
                        data[name] = value
            self._specs[edits] = SearchSpec.parse(data)
        return self._specs[edits]

    def recoded(self, number: int) -> bool:
        """Return whether the space was edited after a trial was made: its coordinates are of the new one."""
        return any("space" in edit["after"] for edit in self.edits[self.edits_before(number) :])

    def excluded_after(self, edits: int) -> frozenset[int]:
        """Return the trials that a person had taken out after so many edits."""
        out: set[int] = set()
        for edit in self.edits[:edits]:
            for name, value in edit["after"].items():
                if not name.startswith("trial "):
                    continue
                number = int(name.removeprefix("trial "))
                out.discard(number)
                if not value.get("included"):
                    out.add(number)
        return frozenset(out)

    @cached_property
    def by_hand(self) -> npt.NDArray[np.int64]:
        """How many trials below each number a person made beyond the budget."""
        made = [row["origin"] in BY_HAND for row in self.trials]
        return np.concatenate([[0], np.cumsum(made, dtype=np.int64)])

    def spent_before(self, number: int) -> int:
        """Return how many epochs of a budget the trials below a number took."""
        while len(self._spent) <= number:
            self._spent.append(self._spent[-1] + epochs_spent(self.trials[len(self._spent) - 1]))
        return self._spent[number]

    def course(self, row: Row, metric: str) -> npt.NDArray[np.float64]:
        """Return a metric of a trial from epoch 1 on, with what lies behind its branch; NaN: unknown."""
        whole = np.full(row["epoch"], np.nan)
        number, end = row["branch"], row["epoch"]
        while True:
            branch = branches(row).get(number)
            if branch is None:
                return whole
            curve = own_curve(row, number, metric)[branch["from_epoch"] : end]
            whole[branch["from_epoch"] : branch["from_epoch"] + len(curve)] = curve
            end = min(end, branch["from_epoch"])
            if branch["parent"] is not None:
                number = branch["parent"]
            elif branch["origin"] is not None and end:
                there = branch["origin"]["trial"][1]
                if there >= len(self.trials):
                    return whole
                number, row = branch["origin"]["branch"], self.trials[there]
            else:
                return whole


def own_curve(row: Row, branch: int, metric: str) -> npt.NDArray[np.float64]:
    """Return a metric of one branch of a trial, epoch 1 first; NaN where it has no such epoch."""
    curve = row["curves"].get(str(branch), {})
    if metric not in curve:
        return np.empty(0)
    values = np.full(max(curve["epoch"], default=0), np.nan)
    for epoch, value in zip(curve["epoch"], curve[metric], strict=True):
        values[epoch - 1] = np.nan if value is None else float(np.float32(value))
    return values


def branches(row: Row) -> dict[int, dict[str, Any]]:
    """Return the lines of history of a trial: parent, from_epoch, base and changes, the trial they left."""
    applied = [one for one in row["commands"].values() if one["state"] == "applied"]
    applied.sort(key=lambda one: one["revision"])
    log = row["change_log"] or {}
    found = {0: _branch(0, None, int(log.get("epoch", 0)), log, applied)}
    for one in applied:
        if one["kind"] == "rewind":
            told = one["arguments"]
            log = told["change_log" if "change_log" in told else "line"]
            number = int(told["branch"])
            found[number] = _branch(number, int(told["parent"]), int(told["epoch"]), log, applied)
    return found


def _branch(number: int, parent: int | None, epoch: int, log: Row, applied: Sequence[Row]) -> dict[str, Any]:
    base = list(log.get("changes", ()))
    own = [
        {"step": one["step"], "epoch": one["epoch"], "settings": one["after"] or {}}
        for one in applied
        if one["kind"] in CHANGING and one["branch"] == number and one["step"] is not None
    ]
    origin = log.get("from")
    return {"parent": parent, "from_epoch": epoch, "base": base, "changes": base + own, "origin": origin}


def ended(row: Row) -> bool:
    """Return whether a trial has reached a state that never changes again."""
    return row["state"] in ENDED


def given_up(row: Row) -> bool:
    """Return whether a trial failed because it cost too many agents."""
    return row["state"] == "failed" and (row["reason"] or "").startswith(GIVEN_UP)


def begun_at(row: Row) -> int:
    """Return the epoch at which a trial began, above 0 where it goes on from another one."""
    return int((row["change_log"] or {}).get("epoch", 0))


def epochs_spent(row: Row) -> int:
    """Return how many epochs of a budget a trial took; one that cost too many agents took none."""
    return 0 if given_up(row) else max(0, row["epoch"] - begun_at(row))


def told_value(row: Row) -> float | None:
    """Return what a trial came to, whether it counts or not."""
    found: float | None = row["value"] if row["withheld"] is None else row["withheld"]
    return found
