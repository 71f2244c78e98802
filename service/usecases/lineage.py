"""How every state of a trial is reached again: the log of changes behind it, and the checkpoints on it.

A branch is the snapshot it began with (a rewind's or a fork's log) and the changes applied on it since
(docs/decisions/steering-by-replay.md). A change is `{"step", "epoch", "settings"}`: made after so many
mini-batches, when so many epochs had ended.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import orjson

from caviar.service.errors import RefusedError
from caviar.service.ids import OfTrial, TrialId
from caviar.service.store import checkpoints, measurements, trials
from caviar.service.store import commands as command_rows
from caviar.service.store.rows import StoredCheckpoint, StoredCommand
from caviar.service.store.snapshot import Snapshot

Change = Mapping[str, Any]
CHANGING = ("set", "extend")
CANDIDATES = 5  # checkpoints named to an agent: the newest may be damaged


class Traced(OfTrial, Protocol):
    """What the history of a trial is read by."""

    @property
    def change_log(self) -> str | None:
        """The changes it began with, as JSON; None where it began with nothing."""


class Reached(Traced, Protocol):
    """A trial and how far it has come."""

    @property
    def branch(self) -> int:
        """The current branch."""

    @property
    def epoch(self) -> int:
        """Epochs ended on it."""


@dataclass(frozen=True)
class Branch:
    """One way that a trial's history took."""

    number: int
    parent: int | None  # None: the first, or a fork's first
    from_epoch: int
    base: tuple[Change, ...]  # the changes it began with
    changes: tuple[Change, ...]  # all of them, the base first
    origin: Mapping[str, Any] | None  # of a fork: the trial and branch it left


@dataclass(frozen=True)
class BranchHistory:
    """All branches of a trial."""

    trial: TrialId
    branches: Mapping[int, Branch]

    def at(self, branch: int, epoch: int) -> tuple[Change, ...]:
        """Return the changes made on a branch before the end of an epoch, those at that very end left out."""
        return tuple(change for change in self.branches[branch].changes if change["epoch"] < epoch)

    @property
    def next_branch(self) -> int:
        """Return the number of the next branch."""
        return max(self.branches) + 1


def history(snapshot: Snapshot, row: Traced) -> BranchHistory:
    """Read the branches of a trial from its commands."""
    trial = TrialId.of(row)
    applied = command_rows.applied(snapshot, trial)
    log = orjson.loads(row.change_log) if row.change_log else {}
    found = {0: _branch(0, None, int(log.get("epoch", 0)), log, applied)}
    for command in applied:
        if command.kind == "rewind":
            arguments = orjson.loads(command.arguments)
            number = int(arguments["branch"])
            found[number] = _branch(
                number, int(arguments["parent"]), int(arguments["epoch"]), logged(arguments), applied
            )
    return BranchHistory(trial, found)


def logged(arguments: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the change log of a rewind's arguments; those stored by earlier versions call it `line`."""
    found: Mapping[str, Any] = arguments["change_log" if "change_log" in arguments else "line"]
    return found


def _branch(
    number: int, parent: int | None, epoch: int, log: Mapping[str, Any], applied: Sequence[StoredCommand]
) -> Branch:
    base = tuple(log.get("changes", ()))
    own = tuple(
        {"step": one.step, "epoch": one.epoch, "settings": orjson.loads(one.after or "{}")}
        for one in applied
        if one.kind in CHANGING and one.branch == number and one.step is not None  # else it made a new trial
    )
    return Branch(number, parent, epoch, base, base + own, log.get("from"))


def branch(past: BranchHistory, number: int) -> Branch:
    """Return a branch by number. Raises RefusedError naming those there are."""
    if number not in past.branches:
        known = ", ".join(str(one) for one in sorted(past.branches))
        raise RefusedError.of("branch", f"there is no branch {number}", f"branches: {known}")
    return past.branches[number]


def in_force(changes: Sequence[Change]) -> dict[str, Any]:
    """Return what a number of changes come to."""
    return {name: value for change in changes for name, value in change["settings"].items()}


def resumption(snapshot: Snapshot, row: Reached) -> dict[str, Any]:
    """Return what an agent needs to go on where the server last saw a trial: `resume` and `change_log`."""
    past = history(snapshot, row)
    branch = past.branches.get(row.branch, past.branches[0])
    log = {
        "changes": list(branch.changes),
        "step": last_step(snapshot, past.trial, branch),
        "epoch": row.epoch,
        "branch": branch.number,
    }
    return {"resume": candidates(snapshot, past, branch.number, row.epoch), "change_log": log}


def last_step(snapshot: Snapshot, trial: TrialId, branch: Branch) -> int:
    """Return the last step that the server has seen of a branch, by a change or a mini-batch's cost."""
    changed = branch.changes[-1]["step"] if branch.changes else 0
    return max(measurements.last_step(snapshot, trial, branch.number), int(changed))


def candidates(
    snapshot: Snapshot, past: BranchHistory, branch: int, epoch: int, step: int | None = None
) -> dict[str, Any] | None:
    """Return the checkpoints from which a state can be reached: the newest, with the `older` ones inside."""
    found = [
        {
            "checkpoint": one.id,
            "digest": one.digest,
            "epoch": one.epoch,
            "branch": branch,
            "position": one.position,
        }
        for one in _usable(snapshot, past, branch, epoch, step)
    ][:CANDIDATES]
    return {**found[0], "older": found[1:]} if found else None


def _usable(
    snapshot: Snapshot, past: BranchHistory, number: int, epoch: int, step: int | None
) -> list[StoredCheckpoint]:
    """Walk from a branch to its ancestors, other trials' too, and gather checkpoints not beyond the point.

    It stops where there are as many as an agent is told of: the lineages of populations are long.
    """
    found: list[StoredCheckpoint] = []
    trial, branches, position = past.trial, past.branches, None
    while True:
        branch = branches[number]
        kept = len(branch.changes) if position is None else position
        for one in checkpoints.resumable(snapshot, trial, number):
            here = one.epoch < epoch or (one.epoch == epoch and (step is None or one.step <= step))
            if here and one.position <= kept:
                found.append(one)
        if len(found) >= CANDIDATES:
            return found
        epoch, step, position = min(epoch, branch.from_epoch), None, min(kept, len(branch.base))
        if branch.parent is not None:
            number = branch.parent
        elif branch.origin is not None:
            trial = TrialId(*branch.origin["trial"])
            row = trials.find(snapshot, trial)
            if row is None:
                return found
            number, branches = int(branch.origin["branch"]), history(snapshot, row).branches
        else:
            return found


@dataclass(frozen=True)
class Point:
    """A state of a trial that a person names: the end of an epoch, or a checkpoint."""

    branch: int
    epoch: int
    step: int | None  # None: the end of the epoch
    changes: tuple[Change, ...]


def point(
    snapshot: Snapshot, past: BranchHistory, row: Reached, arguments: Mapping[str, Any], place: str
) -> Point:
    """Find the point that arguments name: `epoch` (of `branch`, default the current one) or `checkpoint`.

    Raises RefusedError when there is no such point, naming the nearest.
    """
    if "checkpoint" in arguments:
        return _checkpoint(snapshot, past, int(arguments["checkpoint"]), place)
    branch, epoch = int(arguments.get("branch", row.branch)), int(arguments["epoch"])
    if branch not in past.branches:
        known = ", ".join(str(number) for number in sorted(past.branches))
        raise RefusedError.of(f"{place}.branch", f"there is no branch {branch}", f"branches: {known}")
    last = row.epoch if branch == row.branch else last_epoch(snapshot, past, branch)
    if epoch > last:
        raise RefusedError.of(
            f"{place}.epoch",
            f"branch {branch} has come to epoch {last}, not {epoch}",
            f"name an epoch from 0 (the start) to {last}",
        )
    return Point(branch, epoch, None, past.at(branch, epoch))


def _checkpoint(snapshot: Snapshot, past: BranchHistory, number: int, place: str) -> Point:
    kept = checkpoints.resumable(snapshot, past.trial)
    for one in kept:
        if one.id == number:
            changes = past.branches[one.branch].changes[: one.position]
            return Point(one.branch, one.epoch, one.step, changes)
    names = ", ".join(f"{one.id} (epoch {one.epoch})" for one in kept[:CANDIDATES])
    nearest = f"kept: {names}; or " if kept else ""
    raise RefusedError.of(
        f"{place}.checkpoint",
        f"trial {past.trial} has no checkpoint {number}; it may have been pruned",
        f"{nearest}name an epoch: the end of any epoch can be reached again",
    )


def last_epoch(snapshot: Snapshot, past: BranchHistory, branch: int) -> int:
    """Return how far a branch has come that was left since."""
    seen = measurements.last_epoch(snapshot, past.trial, branch)
    return max(seen, past.branches[branch].from_epoch)
