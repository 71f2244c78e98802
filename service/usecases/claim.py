"""Handing out trials: requeued ones first, then points enqueued by hand, then new proposals."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import orjson
from sqlalchemy import Row

from search.spec import SearchSpec
from service.ids import TrialId
from service.protocol import ExchangeRequest
from service.store import commands as command_rows
from service.store import searches as search_rows
from service.store import trials as trial_rows
from service.store.transaction import Transaction
from service.usecases import continuing, failing, lineage
from service.usecases.board import Board, ProposalError

log = logging.getLogger(__name__)


def claim(
    tx: Transaction, board: Board, request: ExchangeRequest, spec_of: Callable[[Row[Any]], SearchSpec]
) -> list[Mapping[str, Any]]:
    """Claim up to `want` trials for an agent, shared evenly between the open searches.

    `parallel` of a search limits the agents that train for it: an agent trains one trial at a time,
    the others in its hands only wait there to save round trips. In panda mode it limits nothing: a fork
    is wanted beside its parent.
    """
    agent = request.agent.id
    switched_on = search_rows.open_searches(tx, agent)
    board.make_room(len(switched_on))
    open_rows = [
        row
        for row in switched_on
        if (row.own or row.agents < row.parallel or row.mode == "panda")
        and _trainable(row, spec_of(row), request)
        and (row.queued or row.proposed < row.total)
    ]
    open_rows.sort(key=lambda row: int(row.running))
    taken: list[Mapping[str, Any]] = []
    for position, row in enumerate(open_rows):
        left = request.want - len(taken)
        share = -(-left // (len(open_rows) - position))
        taken += _take(tx, board, row, min(share, _part(row, spec_of(row))), agent)
    return taken


def _part(row: Row[Any], spec: SearchSpec) -> int:
    """Give how many trials an agent may take, so that it has no store while another one waits.

    Where trials look back, only so many can be in flight: the one who reports would take each trial that its
    own results make possible, before anybody else could ask.
    """
    left = int(row.queued) + max(0, int(row.total) - int(row.proposed))
    part = -(-left // (int(row.agents) + (not row.own)))
    flight = spec.most_in_flight(row.proposed)
    return part if flight is None else min(part, -(-flight // int(row.parallel)) - int(row.own))


def _trainable(row: Row[Any], spec: SearchSpec, request: ExchangeRequest) -> bool:
    agent = request.agent
    if agent.searches is not None and row.id not in agent.searches:
        return False
    return not agent.trainers or spec.trainer in agent.trainers


def _take(tx: Transaction, board: Board, row: Row[Any], count: int, agent: str) -> list[Mapping[str, Any]]:
    if count <= 0 or failing.paused(tx, row):
        return []
    taken: list[Mapping[str, Any]] = []
    if row.queued:
        again = trial_rows.queued(tx, row.id, count)
        trial_rows.claim(tx, agent, again)
        taken += [{**one._mapping, "attempt": one.attempt + 1} for one in again]
    made = _proposed(tx, board, row, count - len(taken), agent)
    trial_rows.insert_trials(tx, made)
    schedule(tx, board, row, made)
    if made:
        tx.propose(row.id, len(made))
    if row.started is None and (taken or made):
        search_rows.change(tx, row.id, started=tx.now)
    return taken + made


def schedule(tx: Transaction, board: Board, row: Row[Any], made: list[dict[str, Any]]) -> None:
    """Give new trials the changes that their search has planned, as commands like any other."""
    for turn in board.spec(tx, row).schedule:
        at = {"at": f"epoch:{turn.epoch}" if turn.epoch else "now"}
        values = {"kind": "set", "arguments": orjson.dumps(turn.set).decode(), "state": "waiting"}
        for trial in made:
            name = TrialId(row.id, trial["number"])
            command_rows.add(tx, name, {**values, "at": orjson.dumps(at).decode()})


def _proposed(tx: Transaction, board: Board, row: Row[Any], count: int, agent: str) -> list[dict[str, Any]]:
    """Propose; a search whose strategy breaks is paused with the reason, and harms no other."""
    try:
        return board.propose(tx, row, count, agent)
    except ProposalError as error:
        log.exception("no proposal for search %d", row.id, extra={"search": row.id})
        search_rows.pause(tx, row, f"the strategy broke: {error}")
        return []


def assignment(tx: Transaction, trial: Mapping[str, Any], metric: str) -> dict[str, Any]:
    """Write a claimed trial as the agent reads it; `metric` is what its stopping rule looks at."""
    return {
        "trial": f"{trial['search_id']}.{trial['number']}",
        "attempt": trial["attempt"],
        "number": trial["number"],
        "params": orjson.Fragment(trial["params"]),
        "seed": trial["seed"],
        "epochs": trial["epochs"],
        "stop": None if trial["stop"] is None else orjson.Fragment(trial["stop"]),
        **_past(tx, trial, metric),
    }


def _past(tx: Transaction, trial: Mapping[str, Any], metric: str) -> dict[str, Any]:
    """Give what a trial goes on from; one that begins has nothing behind it."""
    if trial["attempt"] == 1 and trial["line"] is None:
        return {"resume": None, "line": None}
    row = command_rows.trial(tx.connection, TrialId(trial["search_id"], trial["number"]))
    past = lineage.resumption(tx.connection, row)
    epochs = continuing.first_epochs(trial["line"], trial["epochs"])
    if past["resume"] is not None and trial["stop"] is not None:
        # For a stopping rule that looks back, and to the last bit: the verdict must not hang on a resumption.
        course = continuing.course(tx.connection, row, metric)[: past["resume"]["epoch"]]
        past["resume"]["curve"] = [value if np.isfinite(value) else None for value in course.tolist()]
    return {**past, "epochs": epochs}
