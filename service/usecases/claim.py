"""Handing out trials: requeued ones first, then points enqueued by hand, then new proposals."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import orjson
from sqlalchemy import Row

from caviar.exchange.wire import Agent
from caviar.search.spec import SearchSpec
from caviar.service.ids import TrialId
from caviar.service.store import commands as command_rows
from caviar.service.store import searches as search_rows
from caviar.service.store import trials as trial_rows
from caviar.service.store.transaction import Transaction
from caviar.service.usecases import continuing, failing, lineage
from caviar.service.usecases.board import Board, ProposalError

log = logging.getLogger(__name__)


@dataclass
class Offer:
    """A search that may have work, and what the claims of an exchange leave of it."""

    row: Row[Any]
    spec: SearchSpec
    queued: int
    proposed: int
    running: int
    agents: int  # that have trials of it in hand
    open: bool = True
    made: list[dict[str, Any]] = field(default_factory=list)

    @property
    def new(self) -> int:
        """Give how many trials may still be proposed."""
        return max(0, int(self.row.total) - self.proposed)

    def part(self, own: int) -> int:
        """Give how many trials an agent with `own` in hand may take, so that none keeps a store for itself.

        Where trials look back, only so many can be in flight: the one who reports would take each trial that
        its own results make possible, before anybody else could ask.
        """
        part = -(-(self.queued + self.new) // (self.agents + (not own)))
        flight = self.spec.most_in_flight(self.proposed)
        return part if flight is None else min(part, -(-flight // int(self.row.parallel)) - own)


@dataclass
class Claimant:
    """An agent that asks for trials, and how many it has in hand of each search."""

    agent: Agent
    want: int
    own: Counter[int]

    def may_take(self, offer: Offer) -> bool:
        """Tell whether a search has something for this agent.

        `parallel` of a search limits the agents that train for it: an agent trains one trial at a time, the
        others in its hands only wait there to save round trips. In panda mode it limits nothing: a fork is
        wanted beside its parent.
        """
        row, agent = offer.row, self.agent
        if not (self.own[row.id] or offer.agents < row.parallel or row.mode == "panda"):
            return False
        if agent.searches is not None and row.id not in agent.searches:
            return False
        if agent.trainers and offer.spec.trainer not in agent.trainers:
            return False
        return offer.open and (offer.queued > 0 or offer.new > 0)


def claim(
    tx: Transaction, board: Board, claimants: Sequence[Claimant], spec_of: Callable[[Row[Any]], SearchSpec]
) -> list[list[Mapping[str, Any]]]:
    """Claim for each agent in turn the trials that it wants, shared evenly between the open searches."""
    rows = search_rows.open_searches(tx)
    board.make_room(len(rows))
    offers = [Offer(row, spec_of(row), row.queued, row.proposed, row.running, row.agents) for row in rows]
    taken = [_claim(tx, board, offers, claimant) for claimant in claimants]
    trial_rows.insert_trials(tx, [trial for offer in offers for trial in offer.made])
    for offer in offers:
        schedule(tx, board, offer.row, offer.made)
        if offer.made:
            tx.propose(offer.row.id, len(offer.made))
        if offer.row.started is None and offer.running > offer.row.running:
            search_rows.change(tx, offer.row.id, started=tx.now)
    return taken


def _claim(
    tx: Transaction, board: Board, offers: Sequence[Offer], claimant: Claimant
) -> list[Mapping[str, Any]]:
    """Claim for one agent; searches with the fewest running trials give first."""
    possible = sorted((offer for offer in offers if claimant.may_take(offer)), key=lambda one: one.running)
    taken: list[Mapping[str, Any]] = []
    for position, offer in enumerate(possible):
        left = claimant.want - len(taken)
        share = -(-left // (len(possible) - position))
        taken += _take(tx, board, offer, min(share, offer.part(claimant.own[offer.row.id])), claimant)
    return taken


def _take(
    tx: Transaction, board: Board, offer: Offer, count: int, claimant: Claimant
) -> list[Mapping[str, Any]]:
    """Take up to `count` trials of one search: from the queue, then new ones, which are inserted later."""
    row, agent = offer.row, claimant.agent.id
    if count <= 0:
        return []
    if failing.paused(tx, row):
        offer.open = False
        return []
    again: Sequence[Row[Any]] = []
    if offer.queued:
        again = trial_rows.queued(tx, row.id, count)
        trial_rows.claim(tx, agent, again)
        offer.queued -= len(again)
    made = _proposed(tx, board, offer, count - len(again), agent)
    offer.made += made
    offer.proposed += len(made)
    taken: list[Mapping[str, Any]] = [{**one._mapping, "attempt": one.attempt + 1} for one in again]
    taken += made
    offer.running += len(taken)
    offer.agents += bool(taken) and not claimant.own[row.id]
    return taken


def schedule(tx: Transaction, board: Board, row: Row[Any], made: list[dict[str, Any]]) -> None:
    """Give new trials the changes that their search has planned, as commands like any other."""
    for turn in board.spec(tx, row).schedule:
        at = {"at": f"epoch:{turn.epoch}" if turn.epoch else "now"}
        values = {"kind": "set", "arguments": orjson.dumps(turn.set).decode(), "state": "waiting"}
        for trial in made:
            name = TrialId(row.id, trial["number"])
            command_rows.add(tx, name, {**values, "at": orjson.dumps(at).decode()})


def _proposed(tx: Transaction, board: Board, offer: Offer, count: int, agent: str) -> list[dict[str, Any]]:
    """Propose; a search whose strategy breaks is paused with the reason, and harms no other."""
    row, first = offer.row, offer.proposed
    try:
        return board.propose(tx, row, range(first, first + min(count, offer.new)), agent)
    except ProposalError as error:
        log.exception("no proposal for search %d", row.id, extra={"search": row.id})
        search_rows.pause(tx, row, f"the strategy broke: {error}")
        offer.open = False
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
    row = command_rows.trial(tx, TrialId(trial["search_id"], trial["number"]))
    past = lineage.resumption(tx, row)
    epochs = continuing.first_epochs(trial["line"], trial["epochs"])
    if past["resume"] is not None and trial["stop"] is not None:
        # For a stopping rule that looks back, and to the last bit: the verdict must not hang on a resumption.
        course = continuing.course(tx, row, metric)[: past["resume"]["epoch"]]
        past["resume"]["curve"] = [value if np.isfinite(value) else None for value in course.tolist()]
    return {**past, "epochs": epochs}
