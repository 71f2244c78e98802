"""Agents on which trials fail that would not fail elsewhere: one broken machine must not burn a search.

Two steps. After STREAK failures in a row an agent is on probation: each further failure of it is tried once
elsewhere before it counts, and until that has ended the agent is given no more. A trial that fails there too
follows its point, not the machine; one that does not counts against the agent. An agent is suspended when, of
the newest trials of a search, more failed on it than chance would bring if all agents were alike: Fisher's
exact test, one-sided, below LEVEL divided by the number of agents that it is compared among (Bonferroni).
"""

from __future__ import annotations

import logging
from collections.abc import Mapping

from scipy.stats import hypergeom

from caviar.search.spec import SearchSpec
from caviar.service.ids import TrialId
from caviar.service.store import agent_records as rows
from caviar.service.store.agent_records import Record
from caviar.service.store.transaction import Transaction

STREAK = 3  # failures in a row, the last of which is the first to be tried elsewhere
LEAST = 4  # failures, below which nobody is suspended
LEVEL = 1e-3  # of a sound agent to be suspended by chance, at any one look
log = logging.getLogger(__name__)


def chance(mine: Record, others: Record) -> float:
    """Return how likely at least so many failures are on an agent, if all agents fail alike."""
    trials, failures = mine.trials + others.trials, mine.failures + others.failures
    return float(hypergeom.sf(mine.failures - 1, trials, failures, mine.trials))


def is_suspect(agent: str, records: Mapping[str, Record]) -> bool:
    """Return whether more trials fail on an agent than on the others, by the test above."""
    mine = records.get(agent, Record(0, 0))
    rest = [record for name, record in records.items() if name != agent]
    others = Record(sum(one.trials for one in rest), sum(one.failures for one in rest))
    return mine.failures >= LEAST and chance(mine, others) < LEVEL / max(2, len(records))


class AgentOutcomes:
    """How the trials of an exchange came out on their agents."""

    def __init__(self, streaks: Mapping[str, int]) -> None:
        """Begin with how many trials in a row have failed on each so far."""
        self._stored = streaks
        self._streaks: dict[str, int] = {}  # that have changed
        self._searches: set[int] = set()  # in which somebody may stand out now

    @property
    def changed(self) -> bool:
        """Return whether an agent may stand otherwise than before; most trials pass."""
        return bool(self._streaks or self._searches)

    def passed(self, tx: Transaction, agent: str, trial: TrialId, attempt: int) -> None:
        """Take in a trial that came to an end on an agent."""
        if self._streak(agent):
            self._streaks[agent] = 0
        if attempt > 1 and rows.failed_on(tx, *trial):
            self._searches.add(trial.search)

    def failed(self, tx: Transaction, agent: str, trial: TrialId, attempt: int, spec: SearchSpec) -> bool:
        """Take in a trial that failed on an agent; return whether it is to be tried elsewhere first."""
        before = set(rows.failed_on(tx, *trial)) if attempt > 1 else set()
        if before - {agent}:  # it fails everywhere: that follows the trial
            self._streaks.update(dict.fromkeys(before, 0))
            return False
        self._streaks[agent] = self._streak(agent) + 1
        self._searches.add(trial.search)
        if before or self._streaks[agent] < STREAK:
            return False
        return rows.others_can(tx, agent, spec.trainer, spec.resources)

    def write(self, tx: Transaction) -> None:
        """Write how many trials in a row have failed on each, and suspend those who stand out."""
        rows.set_streaks(tx, self._streaks)
        for search in sorted(self._searches):
            records = rows.records(tx, search)
            for agent in sorted(records):
                if is_suspect(agent, records):
                    _suspend(tx, agent, search, records)

    def _streak(self, agent: str) -> int:
        return self._streaks[agent] if agent in self._streaks else self._stored[agent]


def _suspend(tx: Transaction, agent: str, search: int, records: Mapping[str, Record]) -> None:
    mine = records[agent]
    others = [record for name, record in records.items() if name != agent]
    rest = f"{sum(one.failures for one in others)} of {sum(one.trials for one in others)} on the others"
    why = f"{mine.failures} of {mine.trials} trials of search {search} failed on it, {rest}"
    if rows.suspend(tx, agent, why):
        log.warning("agent %s is given no more trials: %s", agent, why, extra={"search": search})
