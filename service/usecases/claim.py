"""Handing out trials: requeued ones first, then points enqueued by hand, then new proposals."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import orjson

from caviar.exchange.wire import Agent
from caviar.search.spec import SearchSpec
from caviar.service.ids import TrialId
from caviar.service.store import agent_records, attempts
from caviar.service.store import searches as search_rows
from caviar.service.store import trials as trial_rows
from caviar.service.store.rows import StoredSearch
from caviar.service.store.slots import has_slot
from caviar.service.store.transaction import Transaction
from caviar.service.usecases import continuing, failing, lineage, scheduling
from caviar.service.usecases.proposer import ProposalError, Proposer
from caviar.service.usecases.suspects import STREAK
from caviar.trial_fields import StoredTrial

log = logging.getLogger(__name__)


@dataclass
class OpenSearch:
    """A search that may have work, and what the claims of an exchange leave of it."""

    row: StoredSearch
    spec: SearchSpec
    queued: int
    proposed: int
    running: int
    agents: int  # that have trials of it in hand
    open: bool = True
    made: list[StoredTrial] = field(default_factory=list)

    @property
    def new(self) -> int:
        """Return how many trials may still be proposed."""
        return max(0, self.row.total - self.proposed)

    def part(self, own: int) -> int:
        """Return how many trials an agent with `own` in hand may take, so that none keeps a store for itself.

        Where trials look back, only so many can be in flight: the one who reports would take each trial that
        its own results make possible, before anybody else could ask.
        """
        part = -(-(self.queued + self.new) // (self.agents + (not own)))
        flight = self.spec.most_in_flight(self.proposed)
        return part if flight is None else min(part, -(-flight // self.row.parallel) - own)


@dataclass
class Claimant:
    """An agent that asks for trials, and how many it has in hand of each search."""

    agent: Agent
    want: int
    own: Counter[int]
    doubtful: bool  # whether it may be given nothing for what became of its trials

    def may_take(self, search: OpenSearch) -> bool:
        """Return whether a search has something for this agent.

        `parallel` of a search limits the agents that train for it: an agent trains one trial at a time, the
        others in its hands only wait there to save round trips. In panda mode it sets no bound: a fork is
        wanted beside its parent.
        """
        row, agent = search.row, self.agent
        if not (self.own[row.id] or search.agents < row.parallel or row.mode == "panda"):
            return False
        if agent.searches is not None and row.id not in agent.searches:
            return False
        if agent.trainers and search.spec.trainer not in agent.trainers:
            return False
        if not has_slot(agent, search.spec.resources):
            return False
        return search.open and (search.queued > 0 or search.new > 0)


def claim(
    tx: Transaction,
    proposer: Proposer,
    claimants: Sequence[Claimant],
    spec_of: Callable[[StoredSearch], SearchSpec],
) -> list[list[StoredTrial]]:
    """Claim for each agent in turn the trials that it wants, shared evenly between the open searches."""
    rows = search_rows.open_searches(tx)
    proposer.make_room(len(rows))
    searches = [
        OpenSearch(row, spec_of(row), row.queued, row.proposed, row.running, agents) for row, agents in rows
    ]
    nothing = agent_records.given_nothing(tx, [one.agent.id for one in claimants if one.doubtful], STREAK)
    taken = [
        [] if claimant.agent.id in nothing else _claim(tx, proposer, searches, claimant)
        for claimant in claimants
    ]
    trial_rows.insert_trials(tx, [trial for search in searches for trial in search.made])
    for search in searches:
        schedule(tx, proposer, search.row, search.made)
        if search.made:
            tx.propose(search.row.id, len(search.made))
        if search.row.started is None and search.running > search.row.running:
            clock = search_rows.clock_on(search.row, tx.now, search.spec.budget.seconds)
            search_rows.change(tx, search.row.id, started=tx.now, **clock)
    return taken


def _claim(
    tx: Transaction, proposer: Proposer, searches: Sequence[OpenSearch], claimant: Claimant
) -> list[StoredTrial]:
    """Claim for one agent; the searches with the fewest running trials give first.

    What few agents have goes first to those who ask for it: an agent with a GPU trains for the searches that
    need one, and for the others only while there is nothing else.
    """
    groups: dict[tuple[float, ...], list[OpenSearch]] = {}
    for search in sorted(searches, key=lambda one: one.running):
        if claimant.may_take(search):
            groups.setdefault(search.spec.resources.rare, []).append(search)
    taken: list[StoredTrial] = []
    for _, possible in sorted(groups.items(), reverse=True):
        for position, search in enumerate(possible):
            left = claimant.want - len(taken)
            share = -(-left // (len(possible) - position))
            part = search.part(claimant.own[search.row.id])
            taken += _take(tx, proposer, search, min(share, part), claimant)
    return taken


def _take(
    tx: Transaction, proposer: Proposer, search: OpenSearch, count: int, claimant: Claimant
) -> list[StoredTrial]:
    """Take up to `count` trials of one search: from the queue, then new ones, which are inserted later."""
    row, agent = search.row, claimant.agent.id
    if count <= 0:
        return []
    if failing.pause_if_all_fail(tx, row):
        search.open = False
        return []
    taken: list[StoredTrial] = []
    if search.queued:
        taken = attempts.claim(tx, agent, row.id, count)
        search.queued -= len(taken)
    made = _proposed(tx, proposer, search, count - len(taken), agent)
    search.made += made
    search.proposed += len(made)
    taken += made
    search.running += len(taken)
    search.agents += bool(taken) and not claimant.own[row.id]
    return taken


def schedule(tx: Transaction, proposer: Proposer, row: StoredSearch, made: Sequence[StoredTrial]) -> None:
    """Order for new trials the changes that their search has planned, as commands like any other."""
    spec = proposer.spec(tx, row)
    for trial in made:
        scheduling.order(tx, spec, TrialId.of(trial))


def _proposed(
    tx: Transaction, proposer: Proposer, search: OpenSearch, count: int, agent: str
) -> list[StoredTrial]:
    """Propose; a search whose strategy breaks is paused with the reason, and harms no other."""
    row, first = search.row, search.proposed
    try:
        return proposer.propose(tx, row, range(first, first + min(count, search.new)), agent)
    except ProposalError as error:
        log.exception("no proposal for search %d", row.id, extra={"search": row.id})
        search_rows.pause(tx, row, str(error))
        search.open = False
        return []


def assignment(tx: Transaction, trial: StoredTrial, spec: SearchSpec) -> dict[str, Any]:
    """Write a claimed trial as the agent reads it; its stopping rule looks at the objective's curve."""
    return {
        "trial": str(TrialId.of(trial)),
        "attempt": trial.attempt,
        "number": trial.number,
        "params": orjson.Fragment(trial.params) if trial.change_log is None else _first_params(trial),
        "seed": trial.seed,
        "epochs": trial.epochs,
        "stop": None if trial.stop is None else orjson.Fragment(trial.stop),
        **({} if (limits := trial_limits(spec, trial.trained)) is None else {"limits": limits}),
        **_past(tx, trial, spec.objective.metric),
    }


def _first_params(trial: StoredTrial) -> Any:
    """Return the parameters that the training of a trial began with: the change log leads on from there."""
    return continuing.first_params(trial.change_log, orjson.loads(trial.params))


def trial_limits(spec: SearchSpec, trained: float | None) -> dict[str, Any] | None:
    """Return what a trial may take, of its seconds those that earlier attempts have left; None: anything."""
    limits = spec.limits.given
    if not limits:
        return None
    left = {} if spec.limits.seconds is None else {"left": max(0.0, spec.limits.seconds - (trained or 0.0))}
    return limits | left


def _past(tx: Transaction, trial: StoredTrial, metric: str) -> dict[str, Any]:
    """Return what a trial goes on from; one that begins has nothing behind it."""
    if trial.attempt == 1 and trial.change_log is None:
        return {"resume": None, "change_log": None}
    past = lineage.resumption(tx, trial)
    epochs = continuing.first_epochs(trial.change_log, trial.epochs)
    if past["resume"] is not None and trial.stop is not None:
        # For a stopping rule that looks back, and to the last bit: the verdict must not hang on a resumption.
        course = continuing.course(tx, trial, metric)[: past["resume"]["epoch"]]
        past["resume"]["curve"] = [value if np.isfinite(value) else None for value in course.tolist()]
    # Agents of earlier versions know the change log as `line`.
    return {**past, "line": past["change_log"], "epochs": epochs}
