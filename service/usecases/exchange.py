"""Exchanges with agents: reports in; drops, commands and new trials out; in one piece of writing."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from caviar.exchange.wire import ExchangeRequest
from caviar.service.ids import TrialId, trial_id
from caviar.service.store import agents as agent_rows
from caviar.service.store import attempts
from caviar.service.store import commands as command_rows
from caviar.service.store import trials as trial_rows
from caviar.service.store.agents import Standing
from caviar.service.store.rows import HeldTrial, StoredCommand
from caviar.service.store.transaction import Transaction
from caviar.service.usecases import agent_identity, budgets, leases, lineage
from caviar.service.usecases.claim import Claimant, assignment, claim
from caviar.service.usecases.proposer import Proposer
from caviar.service.usecases.report import Batch, take_reports
from caviar.service.usecases.specs_in_use import SpecsInUse
from caviar.service.usecases.suspects import STREAK, AgentOutcomes
from caviar.trial_fields import StoredTrial

log = logging.getLogger(__name__)
Ask = tuple[ExchangeRequest, str]  # with the credential that its agent shows
_NOTHING: dict[str, Any] = {"searches": {}, "trials": [], "commands": [], "drop": []}


@dataclass(frozen=True)
class Answer:
    """The answer to an agent, and how many trials were begun with it."""

    body: dict[str, Any]
    proposed: int


@dataclass
class _Party:
    """One agent's part in an exchange."""

    request: ExchangeRequest
    standing: Standing
    named: set[tuple[TrialId, int]]  # the attempts that it speaks of, as in its hands
    held: Mapping[TrialId, HeldTrial]
    ended: set[TrialId] = field(default_factory=set)
    drops: list[dict[str, Any]] = field(default_factory=list)
    again: Sequence[StoredTrial] = ()
    claimed: Sequence[StoredTrial] = ()

    @property
    def agent(self) -> str:
        return self.request.agent.id

    @property
    def in_hand(self) -> dict[TrialId, HeldTrial]:
        return {trial: row for trial, row in self.held.items() if trial not in self.ended}

    @property
    def given(self) -> list[StoredTrial]:
        return [*self.again, *self.claimed]


def exchange(
    tx: Transaction, proposer: Proposer, asks: Sequence[Ask], lease: float, interval: float
) -> list[Answer]:
    """Carry out the exchanges of all agents that have asked meanwhile; see docs/interfaces.md, section 5.

    Each step is done for all of them before the next: what many agents report, and what they are given, is
    read and written by as few statements as for one. An agent that asks twice, because it has given its first
    request up, is answered twice, in that order. Raises ForbiddenError for an id that is another's.
    """
    rounds: list[dict[str, Ask]] = [{}]
    for ask in asks:
        agent = ask[0].agent.id
        if agent in rounds[-1]:
            rounds.append({})
        rounds[-1][agent] = ask
    timing = {"lease": lease, "interval": interval}
    return [answer for some in rounds for answer in _exchange(tx, proposer, some, timing)]


def _exchange(
    tx: Transaction, proposer: Proposer, asks: Mapping[str, Ask], timing: dict[str, float]
) -> list[Answer]:
    requests = {agent: request for agent, (request, _) in asks.items()}
    alive = [(request.agent, request.training) for request in requests.values()]
    standings = agent_rows.renew(tx, alive, timing["lease"])
    agent_identity.admit(tx, standings, {agent: credential for agent, (_, credential) in asks.items()})
    named = {agent: _named(request) for agent, request in requests.items()}
    held = _held(tx, named)
    parties = [
        _Party(request, standings[agent], named[agent], held[agent]) for agent, request in requests.items()
    ]
    specs = SpecsInUse(
        tx, proposer, {t.search: row.version for party in parties for t, row in party.held.items()}
    )
    outcomes = AgentOutcomes({party.agent: party.standing.streak for party in parties})
    _report(tx, proposer, parties, specs, outcomes)
    staying = [party for party in parties if not party.request.leaving]
    for party in staying:
        party.drops = _drops(tx, party)
        party.again = _undelivered(tx, party)
    _claim(tx, proposer, staying, specs, outcomes)
    commands = _commands(tx, staying, specs)
    answers = []
    for party in parties:
        body = {**_NOTHING, **timing, "revision": tx.newest}
        if not party.request.leaving:
            body |= {
                "searches": specs.settings({t.search_id for t in party.given} - set(party.request.known)),
                "trials": [assignment(tx, trial, specs.of(trial.search_id)) for trial in party.given],
                "commands": commands[party.agent],
                "drop": party.drops,
            }
        answers.append(Answer(body, sum(1 for trial in party.claimed if trial.attempt == 1)))
    return answers


def _held(
    tx: Transaction, named: Mapping[str, set[tuple[TrialId, int]]]
) -> dict[str, dict[TrialId, HeldTrial]]:
    """Return what is in the agents' hands, with what they lost while they were silent and nobody has taken.

    A script whose training holds the interpreter is not heard of for longer than its lease, and yet it works.
    """
    held = attempts.held_by(tx, named)
    retaken = [
        attempts.retake(tx, agent, trial, attempt)
        for agent, its in named.items()
        for trial, attempt in sorted(one for one in its if one[0] not in held[agent])
    ]
    return attempts.held_by(tx, named) if any(retaken) else held


def _named(request: ExchangeRequest) -> set[tuple[TrialId, int]]:
    named = [(trial_id(trial), attempt) for trial, attempt in request.holding]
    return {*named, *((trial_id(report.trial), report.attempt) for report in request.reports)}


def _report(
    tx: Transaction,
    proposer: Proposer,
    parties: Sequence[_Party],
    specs: SpecsInUse,
    outcomes: AgentOutcomes,
) -> None:
    """Take in what was reported; the claims must see what these reports have ended."""
    batch = Batch(outcomes)
    for party in parties:
        party.ended = take_reports(tx, proposer, batch, party.request.reports, party.held, specs.of)
    batch.write(tx)
    for party in parties:
        if party.request.ended is not None:
            leases.agent_lost(tx, party.agent, party.request.ended)
        elif party.request.leaving:
            leases.agent_left(tx, party.agent)
        # Its place is free for another agent, and others may go on to trials that waited for its results.
        tx.wake |= party.request.leaving or bool(party.ended)
    tx.settle()
    over = {trial.search for trial in batch.ended}
    budgets.enforce(tx, proposer, sorted(search for search in over if specs.of(search).budget.settled))


def _claim(
    tx: Transaction,
    proposer: Proposer,
    parties: Sequence[_Party],
    specs: SpecsInUse,
    outcomes: AgentOutcomes,
) -> None:
    """Hand trials to those who want some; a search of which nothing can be said to an agent gives none."""
    wanting = [party for party in parties if party.request.want]
    if wanting:
        claimants = [
            Claimant(
                party.request.agent,
                party.request.want,
                Counter(trial.search for trial in party.in_hand),
                outcomes.changed or party.standing.suspended is not None or party.standing.streak >= STREAK,
            )
            for party in wanting
        ]
        for party, claimed in zip(wanting, claim(tx, proposer, claimants, specs.of_row), strict=True):
            party.claimed = claimed
    for party in parties:
        broken = specs.broken({t.search_id for t in party.given} - set(party.request.known))
        if broken:
            lost = {TrialId.of(trial): trial.attempt for trial in party.given if trial.search_id in broken}
            leases.hand_back(tx, lost)
            party.ended |= set(lost)
            party.again = [trial for trial in party.again if TrialId.of(trial) not in lost]
            party.claimed = [trial for trial in party.claimed if TrialId.of(trial) not in lost]


def _drops(tx: Transaction, party: _Party) -> list[dict[str, Any]]:
    """Name what an agent must let go of, with the reason."""
    held = party.held
    lost = [
        (trial, attempt)
        for trial, attempt in party.named
        if trial not in held or held[trial].attempt != attempt
    ]
    if not lost:
        return []
    found = {TrialId.of(row): row for row in trial_rows.several(tx, {trial for trial, _ in lost})}
    return [
        {"trial": str(trial), "attempt": attempt, "why": _why(found.get(trial), attempt)}
        for trial, attempt in sorted(lost)
    ]


def _why(found: StoredTrial | None, attempt: int) -> str:
    if found is None:
        return "the trial was deleted"
    if found.attempt != attempt or found.state in ("queued", "running"):
        return "the lease ran out"
    return f"the trial is {found.state}" + (f": {found.reason}" if found.state == "failed" else "")


def _undelivered(tx: Transaction, party: _Party) -> list[StoredTrial]:
    """Hand out again what an agent was given but does not name: the answer that held it was lost."""
    request, in_hand = party.request, party.in_hand
    if len(in_hand) <= len(request.holding) - len(party.drops):
        return []
    named = {trial_id(trial) for trial, _ in request.holding}
    named |= {trial_id(report.trial) for report in request.reports}
    missing = [trial for trial in in_hand if trial not in named]
    return trial_rows.several(tx, missing)


def _commands(
    tx: Transaction, parties: Sequence[_Party], specs: SpecsInUse
) -> dict[str, list[dict[str, Any]]]:
    """Return for each agent the commands waiting for trials in its hands, new ones too.

    Of the new ones only those from the queue, or with a schedule, may have some.
    """
    waiting: dict[TrialId, tuple[str, int]] = {}  # agent and attempt
    for party in parties:
        waiting |= {trial: (party.agent, row.attempt) for trial, row in party.in_hand.items()}
        for one in party.claimed:
            if one.state == "queued" or specs.of(one.search_id).schedule:
                waiting[TrialId.of(one)] = party.agent, one.attempt
    found: dict[str, list[dict[str, Any]]] = {party.agent: [] for party in parties}
    for row in command_rows.waiting_in(tx, waiting) if waiting else ():
        agent, attempt = waiting[TrialId.of(row)]
        found[agent].append(
            {
                "id": row.id,
                "trial": str(TrialId.of(row)),
                "attempt": attempt,
                "kind": row.kind,
                "arguments": _arguments(row),
                "when": orjson.Fragment(row.at),
            }
        )
    return found


def _arguments(row: StoredCommand) -> Any:
    """Return a command's arguments; agents of earlier versions know a rewind's change log as `line`."""
    if row.kind != "rewind":
        return orjson.Fragment(row.arguments)
    arguments = orjson.loads(row.arguments)
    log = lineage.logged(arguments)
    return {**arguments, "change_log": log, "line": log}
