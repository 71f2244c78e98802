"""Pausing, resuming, cancelling, deleting and editing a search while it runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from caviar.search.labels import LABELS
from caviar.search.proposal import Proposal
from caviar.search.spec import SearchSpec
from caviar.search.strategy_settings import Population
from caviar.service.errors import ChangedError, ConflictError, RefusedError
from caviar.service.store import audit, search_labels
from caviar.service.store import searches as search_rows
from caviar.service.store import trials as trial_rows
from caviar.service.store.audit import Action
from caviar.service.store.rows import StoredSearch
from caviar.service.store.transaction import Transaction
from caviar.service.usecases import budgets, datasets, studies
from caviar.service.usecases.claim import schedule
from caviar.service.usecases.names import name_problems
from caviar.service.usecases.proposer import Proposer, new_trial
from caviar.service.usecases.submit import check_change, refused
from caviar.service.usecases.submit_checks import spec_names

EMPTIED = ("note", "base_error_source", *LABELS)  # what null takes away
# What trials to come depend on.
TRAINED = ("parallel", "budget", "limits", "resources", "space", "reevaluate")
EDITABLE = ("name", "note", "base_error", "base_error_source", *LABELS, *TRAINED)
POPULATION = "submit another search; points for its members go into `enqueued`"


def switch(tx: Transaction, search: int, to: str) -> None:
    """Pause or resume a search. Raises NotFoundError, ConflictError when it was cancelled."""
    row = search_rows.get(tx, search)
    if row.switch == "cancelled":
        raise ConflictError(f"search {search} was cancelled; submit it again to run it")
    if row.switch == to:
        return
    _record(tx, row, "pause" if to == "paused" else "resume", {"switch": row.switch}, {"switch": to})
    clock: dict[str, Any] = {}
    if to == "active":
        clock["archived"] = None
    if to == "paused":
        clock = search_rows.clock_off(row, tx.now)
    elif row.started is not None and row.ended is None:
        seconds = None if row.over is not None else (orjson.loads(row.spec)["budget"]).get("seconds")
        clock |= search_rows.clock_on(row, tx.now, seconds)
    search_rows.change(tx, search, switch=to, problem=None, version=row.version + 1, **clock)
    tx.wake = True


def cancel(tx: Transaction, search: int) -> None:
    """Cancel a search: queued and running trials end as cancelled; agents are told to drop theirs."""
    row = search_rows.get(tx, search)
    if row.switch == "cancelled" or row.ended is not None:
        return
    _record(tx, row, "cancel", {"switch": row.switch}, {"switch": "cancelled"})
    search_rows.change(tx, search, switch="cancelled", version=row.version + 1)
    trial_rows.cancel(tx, search, "the search was cancelled")
    tx.settle()
    if search_rows.get(tx, search).ended is None:  # there was no trial to cancel
        search_rows.change(tx, search, ended=tx.now)
    tx.wake = True


def archive(tx: Transaction, search: int, aside: bool) -> None:
    """Have lists leave a search out, or have it back in them; nothing else of it changes.

    What nobody sees must not train: while it may go on, a search is not archived, and one that goes on again
    is back. Raises NotFoundError, ConflictError.
    """
    row = search_rows.get(tx, search)
    if (row.archived is not None) == aside:
        return
    if aside and row.switch == "active" and row.ended is None:
        raise ConflictError(f"search {search} still runs: pause or cancel it first, or wait for its end")
    audit.record(tx, "archive" if aside else "unarchive", search)
    search_rows.change(tx, search, archived=tx.now if aside else None)


def delete(tx: Transaction, proposer: Proposer, search: int) -> None:
    """Remove a search and everything that belongs to it. Raises NotFoundError."""
    row = search_rows.get(tx, search)
    audit.record(tx, "delete", search, before={"name": row.name, "trials": row.proposed})
    search_rows.remove(tx, search)
    proposer.forget(search)
    tx.wake = True


def edit(
    tx: Transaction, proposer: Proposer, search: int, changes: Mapping[str, Any], match: int | None
) -> None:
    """Change what is `EDITABLE` of a search; later proposals follow.

    Of a cancelled search nothing that trials depend on: it trains nothing any more.

    Raises NotFoundError, ChangedError when `match` is not the search's version, ConflictError when it was
    cancelled, RefusedError.
    """
    row = search_rows.get(tx, search)
    if match is not None and match != row.version:
        raise ChangedError(
            f"search {search} has version {row.version}, not {match}: read it again, then repeat the change"
        )
    unknown = sorted(set(changes) - set(EDITABLE))
    if unknown:
        raise RefusedError.of(unknown[0], "cannot be edited", f"editable: {', '.join(EDITABLE)}")
    if set(changes) & set(TRAINED):
        studies.refuse_steering(tx, search, "only its name, note, project and tags can be edited here")
    before = orjson.loads(row.spec)
    after = {**before, **{k: v for k, v in changes.items() if v is not None or k in EMPTIED}}
    if after == before:
        return
    if "space" in changes and row.proposed - row.by_hand >= len(after.get("enqueued", ())):
        after.pop("enqueued", None)  # all of them were tried: they need not lie in the new space
    old = proposer.spec(tx, row)
    if "space" in changes and isinstance(old.strategy, Population):
        raise RefusedError.of("space", "members of a population go on in the space they began in", POPULATION)
    spec = check_change(before, after, lambda dataset: datasets.resolve(tx, dataset))
    labels = {label: getattr(spec, label) for label in LABELS}  # as they are written; none is left out
    after = {key: labels.get(key, value) for key, value in after.items() if labels.get(key, True)}
    known = set(spec_names(old))  # those of an old search stay what they are
    if wrong := list(name_problems(one for one in spec_names(spec) if one not in known)):
        raise refused(wrong)
    if row.switch == "cancelled" and any(getattr(spec, key) != getattr(old, key) for key in TRAINED):
        raise ConflictError(
            f"search {search} was cancelled: only its name, note, project and tags can be changed; "
            "to go on, submit a copy of it as a new search"
        )
    if spec.budget.trials + row.by_hand < row.proposed and spec.budget != old.budget:
        raise RefusedError.of(
            "budget.trials",
            f"{spec.budget.trials} is below the {row.proposed} trials proposed already",
            f"give at least {row.proposed}, or pause or cancel the search",
        )
    begun = row.proposed - row.by_hand > old.budget.trials
    if begun and old.reevaluate.leaders not in (0, spec.reevaluate.leaders):
        raise RefusedError.of(
            "reevaluate.leaders",
            f"{old.reevaluate.leaders} leaders are trained again already",
            "leave their number as it is; reevaluate.seeds can be raised",
        )
    changed = {key: after.get(key) for key in before | after if before.get(key) != after.get(key)}
    if not changed:
        return
    _record(tx, row, "edit", {key: before.get(key) for key in changed}, changed)
    # Else both stay: a cancelled search that woke up for a few trials must not take up all its budget again.
    planned = spec.total != old.total or spec.budget != old.budget
    total = spec.total + row.by_hand if planned else row.total
    ended = _ended(tx, row, total) if planned else row.ended
    search_rows.change(
        tx,
        search,
        name=spec.name,
        note=spec.note,
        project=spec.project,
        words=search_labels.words_of({**after, "name": spec.name}, row.owner),
        parallel=spec.parallel,
        total=total,
        spec=orjson.dumps(after).decode(),
        version=row.version + 1,
        ended=ended,
        over=None if planned else row.over,
        archived=row.archived if ended == row.ended else None,
        **_clock(tx, row, spec, ended),
    )
    if "tags" in changed:
        search_labels.set_tags(tx, search, spec.tags)
    if "space" in changed:
        trial_rows.recode(tx, search, spec.space)
    proposer.forget(search)
    budgets.enforce(tx, proposer, [search])
    tx.wake = True


def _clock(tx: Transaction, row: StoredSearch, spec: SearchSpec, ended: float | None) -> dict[str, Any]:
    """Return the clock of an edited search: it may have seconds now, or go on after its end."""
    if row.started is None or row.switch != "active" or ended is not None:
        return {}
    return search_rows.clock_on(row, tx.now, spec.budget.seconds)


def _ended(tx: Transaction, row: StoredSearch, total: int) -> float | None:
    """Return when a search has ended, now that its trials are to be `total`: a lower budget may end it."""
    if total > row.proposed or row.queued + row.running + row.paused:
        return None
    return tx.now if row.ended is None else row.ended


def _record(
    tx: Transaction, row: StoredSearch, what: Action, before: Mapping[str, Any], after: Mapping[str, Any]
) -> None:
    audit.record(tx, what, row.id, before=before, after=after, version=row.version + 1, proposed=row.proposed)


def enqueue(
    tx: Transaction, proposer: Proposer, search: int, points: Sequence[Mapping[str, Any]]
) -> list[int]:
    """Add points by hand, to be trained before the next proposals; give their numbers.

    Raises NotFoundError, ConflictError when the search was cancelled, RefusedError naming each bad point.
    """
    row = search_rows.get(tx, search)
    if row.switch == "cancelled":
        raise ConflictError(f"search {search} was cancelled")
    studies.refuse_steering(tx, search, "add a point there with study.enqueue_trial")
    spec = proposer.spec(tx, row)
    if isinstance(spec.strategy, Population):
        raise RefusedError.of("points", "the members of a population are there from its start", POPULATION)
    left = max(0, min(spec.budget.trials + row.by_hand, row.total) - row.proposed)
    if len(points) > left:
        remedy = "raise the budget first: edit the search and increase budget.trials"
        raise RefusedError.of("points", f"the budget leaves {left} trials", remedy)
    problems = [
        type(problem)(f"points.{position}.{problem.field}", problem.message, problem.remedy)
        for position, point in enumerate(points)
        for problem in spec.space.check(point)
    ]
    if problems:
        raise refused(problems)
    made = []
    for number, given in enumerate(points, row.proposed):
        point = spec.space.canonical(given)
        proposal = Proposal(point, spec.space.to_unit(point), "enqueued", "enqueued by hand")
        made.append(new_trial(tx, search, number, proposal, spec))
    trial_rows.insert_trials(tx, made)
    audit.record(tx, "enqueue", search, after={"first": row.proposed, "trials": len(points)})
    search_rows.change(tx, search, proposed=row.proposed + len(points))
    schedule(tx, proposer, row, made)
    proposer.forget(search)  # what was proposed ahead had these numbers
    tx.wake = True
    return [trial.number for trial in made]
