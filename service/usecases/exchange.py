"""One exchange with an agent: reports in; drops, commands and new trials out; in one piece of writing."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import Row

from search.spec import SearchSpec
from service.errors import RefusedError
from service.ids import TrialId, trial_id
from service.protocol import ExchangeRequest
from service.store import agents as agent_rows
from service.store import commands as command_rows
from service.store import searches as search_rows
from service.store import trials as trial_rows
from service.store.transaction import Transaction
from service.usecases import continuing, datasets, leases
from service.usecases.board import Board
from service.usecases.claim import assignment, claim
from service.usecases.report import take_reports

log = logging.getLogger(__name__)
_NOTHING: dict[str, Any] = {"searches": {}, "trials": [], "commands": [], "drop": []}


@dataclass(frozen=True)
class Answer:
    """The answer to an agent, and how many trials were begun with it."""

    body: dict[str, Any]
    proposed: int


def exchange(
    tx: Transaction, board: Board, request: ExchangeRequest, lease: float, interval: float
) -> Answer:
    """Carry out one exchange; see docs/interfaces.md, section 5."""
    agent = request.agent.id
    _renew(tx, request, lease)
    held = trial_rows.held_by(tx, agent)
    specs = _Specs(tx, board, {trial.search: row.version for trial, row in held.items()})
    ended = take_reports(tx, board, request.reports, held, specs.of) if request.reports else set()
    if request.leaving:
        leases.agent_left(tx, agent)
        tx.wake = True  # its place is free for another agent
        return Answer({**_NOTHING, "revision": tx.newest, "lease": lease, "interval": interval}, 0)
    in_hand = {trial: row for trial, row in held.items() if trial not in ended}
    drops = _drops(tx, request, held, ended)
    again = _undelivered(tx, in_hand, request) if len(in_hand) > len(request.holding) - len(drops) else []
    tx.settle()  # the claim must see what these reports have ended
    claimed = claim(tx, board, request, specs.of_row) if request.want else []
    if ended:
        tx.wake = True  # others may go on to trials that waited for these results
    given = [*again, *claimed]
    searches, broken = specs.settings({t["search_id"] for t in given} - set(request.known))
    if broken:
        lost = {_id(trial): trial["attempt"] for trial in given if trial["search_id"] in broken}
        leases.hand_back(tx, lost)
        given, claimed = ([t for t in some if _id(t) not in lost] for some in (given, claimed))
        in_hand = {trial: row for trial, row in in_hand.items() if trial not in lost}
    return Answer(
        {
            "revision": tx.newest,
            "lease": lease,
            "interval": interval,
            "searches": searches,
            "trials": [assignment(tx, t, specs.of(t["search_id"]).objective.metric) for t in given],
            "commands": _commands(tx, in_hand, claimed, lambda search: bool(specs.of(search).schedule)),
            "drop": drops,
        },
        sum(1 for trial in claimed if trial["attempt"] == 1),
    )


def _id(trial: Mapping[str, Any]) -> TrialId:
    return TrialId(trial["search_id"], trial["number"])


class _Specs:
    """The specs that this exchange touches; most are known by the version that came with a trial or a row."""

    def __init__(self, tx: Transaction, board: Board, versions: Mapping[int, int]) -> None:
        self._tx = tx
        self._board = board
        self._versions = versions
        self._found: dict[int, SearchSpec] = {}

    def of(self, search: int) -> SearchSpec:
        found = self._found.get(search) or self._board.known(search, self._versions.get(search))
        return found or self.of_row(search_rows.get(self._tx, search))

    def of_row(self, row: Row[Any]) -> SearchSpec:
        self._found[row.id] = self._board.spec(self._tx, row)
        return self._found[row.id]

    def settings(self, wanted: Iterable[int]) -> tuple[dict[str, dict[str, Any]], set[int]]:
        """Give what an agent must know of searches that are new to it, and those of which it cannot be said.

        A search whose data sets are gone is paused with the reason, and harms no other.
        """
        known, broken = {}, set()
        for search in wanted:
            spec = self.of(search)
            try:
                dataset = datasets.resolve(self._tx.connection, spec.dataset)
            except RefusedError as error:
                log.warning("search %d cannot go on: %s", search, error, extra={"search": search})
                search_rows.pause(self._tx, search_rows.get(self._tx, search), str(error))
                broken.add(search)
                continue
            known[str(search)] = {
                "name": spec.name,
                "trainer": spec.trainer,
                "dataset": dataset,
                "settings": spec.settings,
                "objective": spec.objective.model_dump(),
                "mode": spec.mode,
                "continued_below": continuing.continued_below(spec),
            }
        return known, broken


def _renew(tx: Transaction, request: ExchangeRequest, lease: float) -> None:
    agent = request.agent
    row = {
        "id": agent.id,
        "host": agent.host,
        "pid": agent.pid,
        "engine": agent.engine,
        "version": agent.version,
        "trainers": orjson.dumps(agent.trainers).decode(),
    }
    agent_rows.renew(tx, row, lease)


def _drops(
    tx: Transaction,
    request: ExchangeRequest,
    held: Mapping[TrialId, Row[Any]],
    ended: set[TrialId],
) -> list[dict[str, Any]]:
    """Name what the agent must let go of, with the reason."""
    named = {(trial_id(trial), attempt) for trial, attempt in request.holding}
    named |= {(trial_id(report.trial), report.attempt) for report in request.reports}
    lost = [
        (trial, attempt) for trial, attempt in named if trial not in held or held[trial].attempt != attempt
    ]
    if not lost:
        return []
    states = trial_rows.states_of(tx, {trial for trial, _ in lost})
    return [
        {"trial": str(trial), "attempt": attempt, "why": _why(states.get(trial), attempt)}
        for trial, attempt in sorted(lost)
    ]


def _why(found: tuple[str, int] | None, attempt: int) -> str:
    if found is None:
        return "the trial was deleted"
    state, newest = found
    if newest != attempt or state in ("queued", "running"):
        return "the lease ran out"
    return f"the trial is {state}"


def _undelivered(
    tx: Transaction, in_hand: Mapping[TrialId, Row[Any]], request: ExchangeRequest
) -> list[Mapping[str, Any]]:
    """Give again what this agent was given but does not name: the answer that held it was lost."""
    named = {trial_id(trial) for trial, _ in request.holding}
    named |= {trial_id(report.trial) for report in request.reports}
    missing = [trial for trial in in_hand if trial not in named]
    return [dict(row._mapping) for row in trial_rows.rows_of(tx, missing)]


def _commands(
    tx: Transaction,
    in_hand: Mapping[TrialId, Row[Any]],
    claimed: Iterable[Mapping[str, Any]],
    scheduled: Callable[[int], bool],
) -> list[dict[str, Any]]:
    """Give the commands waiting for trials in hand; one from the queue, or with a schedule, may have some."""
    attempts = {trial: int(row.attempt) for trial, row in in_hand.items()}
    for one in claimed:
        if one["state"] == "queued" or scheduled(one["search_id"]):
            attempts[TrialId(one["search_id"], one["number"])] = one["attempt"]
    if not attempts:
        return []
    rows = command_rows.waiting_in(tx.connection, attempts)
    return [
        {
            "id": row.id,
            "trial": f"{row.search_id}.{row.number}",
            "attempt": attempts[TrialId(row.search_id, row.number)],
            "kind": row.kind,
            "arguments": orjson.Fragment(row.arguments),
            "when": orjson.Fragment(row.at),
        }
        for row in rows
    ]
