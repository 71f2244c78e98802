"""Every trial of a search proposed again from seed and results, and compared with what is stored."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import orjson

from caviar import trainers
from caviar.proof import record as recorded
from caviar.proof.findings import Finding, broke, compared, differs, not_provable
from caviar.proof.record import Recorded, Row
from caviar.proof.seen import Era, Eras, NotRecordedError
from caviar.search.budgets import epochs_left
from caviar.search.problem import SearchError
from caviar.search.proposal import Proposal
from caviar.search.strategies import propose
from caviar.trial_settings import trial_epochs, trial_seed

AGAIN = "proposing it again"
OF_PARENT = {
    "fork": ("params", "seed", "round"),
    "rerun": ("params", "seed", "round", "stop", "continues", "change_log"),
}


def check_proposals(record: Recorded) -> Iterator[tuple[int, list[Finding]]]:
    """Propose each trial in turn; give its number and what is not as stored, or cannot be told."""
    eras = Eras(record)
    for number in range(len(record.trials)):
        try:
            yield number, list(_trial(record, eras, number))
        except NotRecordedError as error:
            yield number, [not_provable(f"trial {record.name(number)}", "proposal", str(error))]
        except SearchError as error:
            said = f"this installation cannot propose it: {error}"
            yield number, [not_provable(f"trial {record.name(number)}", "proposal", said)]
        except Exception as error:  # noqa: BLE001 - what is stored may be anything
            yield number, [broke(f"trial {record.name(number)}", AGAIN, error)]


def _trial(record: Recorded, eras: Eras, number: int) -> Iterator[Finding]:
    row, era = record.trials[number], eras.of(number)
    where = f"trial {record.name(number)}"
    if row["number"] != number:
        yield differs(where, "number", row["number"], number, "its place")
    if record.recoded(number) or row["origin"] == "enqueued":
        yield from _recoded(record, where, row)
    if row["origin"] in recorded.BY_HAND:
        yield from _of_parent(record, where, row)
        return
    place = number - int(record.by_hand[number])
    proposal = propose(era.spec, place, era.history(number))
    if _by_hand(era, place, row, proposal):
        if row["seed"] != (seed := trial_seed(era.spec.seed, number)):
            yield differs(where, "seed", row["seed"], seed, AGAIN)
        said = "a person enqueued this point: that it is stored as it was given rests on the chain alone"
        yield not_provable(where, "params", said)
        return
    yield from compared(where, row, _as_stored(record, era, number, proposal), AGAIN)
    yield from _stop(record, era, number, where, row)


def _by_hand(era: Era, place: int, row: Row, proposal: Proposal) -> bool:
    """Return whether a person enqueued a point while the search ran, rather than with its submission."""
    if row["origin"] != "enqueued":
        return False
    return place >= len(era.spec.enqueued) or (
        _plain(proposal.point) != row["params"] and bool(np.array_equal(_units(era, row), row["unit"]))
    )


def _units(era: Era, row: Row) -> Any:
    return [] if era.spec.space.check(row["params"]) else era.spec.space.to_unit(row["params"])


def _recoded(record: Recorded, where: str, row: Row) -> Iterator[Finding]:
    """Compare coordinates with those of the point in the space as it is now."""
    space = record.spec.space
    unit = None if space.check(row["params"]) else space.to_unit(row["params"]).tolist()
    yield from compared(where, row, {"unit": unit}, "its point")


def _number(name: str) -> int:
    return int(name.rpartition(".")[2])


def _of_parent(record: Recorded, where: str, row: Row) -> Iterator[Finding]:
    """Compare what a person's new trial has from the one that it was made of."""
    if row["parent"] is None or _number(row["parent"]) >= row["number"]:
        yield differs(where, "parent", row["parent"], "an earlier trial", "its origin")
        return
    parent, by = record.trials[_number(row["parent"])], f"its parent {row['parent']}"
    names = (*OF_PARENT[row["origin"]], *(() if record.recoded(row["number"]) else ("unit",)))
    member = row["origin"] == "fork" and "params" in (parent["change_log"] or {})
    expected = {name: parent[name] for name in names if not (member and name in ("params", "unit"))}
    yield from compared(where, row, expected, by)
    if member:
        yield from compared(where, row, {"params": _params_then(parent, row)}, by)
    if row["origin"] == "fork":
        log = row["change_log"] or {}
        branch = recorded.branches(parent).get(int((log.get("from") or {}).get("branch", -1)))
        if branch is None:
            yield differs(where, "change_log.from", log.get("from"), "a branch of its parent", "its origin")
            return
        changes = [one for one in branch["changes"] if one["epoch"] < log["epoch"]]
        yield from compared(f"{where}, change_log", log, {"changes": changes}, by)


def _params_then(parent: Row, row: Row) -> dict[str, Any]:
    """Return the parameters of a population's trial at the epoch that a fork left it: copies vary them."""
    log = row["change_log"] or {}
    branch = recorded.branches(parent).get(int((log.get("from") or {}).get("branch", -1)))
    found = dict(parent["change_log"]["params"])
    for change in [] if branch is None else branch["changes"]:
        if change["epoch"] < log["epoch"]:
            found |= {name: value for name, value in change["settings"].items() if name in found}
    return found


def _as_stored(record: Recorded, era: Era, number: int, proposal: Proposal) -> dict[str, Any]:
    """Return the columns that follow from a proposal."""
    spec, row = era.spec, record.trials[number]
    parent = proposal.parent if proposal.parent is not None else proposal.continue_from
    epochs = trial_epochs(spec.settings, proposal.point, proposal.epochs) if spec.trainings == 1 else None
    found: dict[str, Any] = {
        "params": _plain(proposal.point),
        "seed": trial_seed(spec.seed, number),
        "origin": proposal.origin,
        "why": proposal.why,
        "round": proposal.round,
        "parent": None if parent is None else record.name(parent),
        "continues": None,
        "change_log": None,
    }
    if not record.recoded(number):
        found["unit"] = np.asarray(proposal.unit, dtype=np.float64).tolist()
    if "epochs" not in (row["changed"] or {}):
        found["epochs"] = epochs
    if proposal.continue_from is not None:
        turn = spec.strategy.takes_parents
        found |= _next_turn(record, era, row, proposal) if turn else _continued(record, proposal)
    return found


def _continued(record: Recorded, proposal: Proposal) -> dict[str, Any]:
    """Return what a trial has that goes on where another one ended."""
    assert proposal.continue_from is not None
    parent = record.trials[proposal.continue_from]
    found = {"seed": parent["seed"], "continues": record.name(proposal.continue_from)}
    step = (parent["metrics"] or {}).get("step")
    if step is None or proposal.epochs is None:
        return found
    before = parent["change_log"] or {}
    changes = recorded.branches(parent)[parent["branch"]]["changes"]
    longer = {"step": int(step), "epoch": parent["epoch"], "settings": {"epochs": proposal.epochs}}
    log = {
        "changes": [*changes, longer],
        "epoch": parent["epoch"],
        "from": {"trial": [record.search["id"], proposal.continue_from], "branch": parent["branch"]},
        "epochs": before.get("epochs", parent["epochs"]),
    }
    return {**found, "change_log": log}


def _next_turn(record: Recorded, era: Era, row: Row, proposal: Proposal) -> dict[str, Any]:
    """Return what the next turn of a population's member has from the turn that it goes on from."""
    assert proposal.continue_from is not None
    parent, space = record.trials[proposal.continue_from], era.spec.space
    moved = {
        axis.parameter
        for axis, now, then in zip(space.axes, proposal.unit.tolist(), parent["unit"], strict=True)
        if now != then
    }
    changes = {name: _plain(proposal.point[name]) for name in space.names if name in moved}
    scripted, told = era.spec.trainer == "external", row["change_log"] or {"changes": []}
    settings = changes if scripted else {"epochs": proposal.epochs, **changes}
    before, past = parent["change_log"] or {}, recorded.branches(parent)[parent["branch"]]["changes"]
    step = None if scripted else (parent["metrics"] or {}).get("step")
    if step is None and told["changes"]:  # of the checkpoint that it went on from
        step = told["changes"][-1]["step"]
    change = {"step": None if step is None else int(step), "epoch": parent["epoch"], "settings": settings}
    log = {
        "changes": [*past, change] if settings else past,
        "epoch": parent["epoch"],
        "from": {"trial": [record.search["id"], proposal.continue_from], "branch": parent["branch"]},
        "epochs": proposal.epochs if scripted else before.get("epochs", parent["epochs"]),
        "params": before.get("params", parent["params"]),
    }
    return {
        "seed": parent["seed"],
        "continues": record.name(proposal.continue_from),
        "params": {**parent["params"], **changes},
        "change_log": log,
    }


def _stop(record: Recorded, era: Era, number: int, where: str, row: Row) -> Iterator[Finding]:
    """Compare the stopping rule's bounds, and the last epoch that a budget of epochs allowed."""
    spec = era.spec
    table = None
    if spec.stopping.name != "none":
        table = _plain(spec.stop_plan(number, era.curves(number)).table())
    told = row["stop"]
    if spec.budget.epochs is not None:
        if not spec.reproducible:
            said = "which epochs were spent when it began was not recorded: the search is not repeatable"
            yield not_provable(where, "stop.last", said)
            return
        last = _last(record, era, number, row)
        if last is not None:
            table = {**(table or {"checks": [], "patience": None, "warmup": 0, "why": "runs to its end"})}
            table["last"] = last
    yield from compared(where, {"stop": told}, {"stop": table}, "its stopping rule")


def _last(record: Recorded, era: Era, number: int, row: Row) -> int | None:
    """Return the last epoch that the budget left to a trial; None: as many as it planned."""
    usual = trainers.epochs_in_all(era.spec)
    start = recorded.begun_at(row)
    epochs = row["epochs"] if row["epochs"] is not None else usual
    planned = None if epochs is None else epochs - start
    left = epochs_left(era.spec.budget, record.spent_before(number), planned, True)
    return start + left if isinstance(left, int) else None


def _plain(value: Any) -> Any:
    """Return a value as JSON reads it back."""
    return orjson.loads(orjson.dumps(value, option=orjson.OPT_SERIALIZE_NUMPY))
