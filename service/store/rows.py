"""Rows as the store gives them: frozen, column by column as in `tables` (a test compares the two).

A row of trials is `caviar.trial_fields.StoredTrial`. Documents are JSON text, times seconds since 1970.
"""

from __future__ import annotations

from typing import NamedTuple

from caviar.trial_fields import GIVEN_UP

Edition = tuple[int, str | None]


class StoredSearch(NamedTuple):
    """A row of `searches`."""

    id: int
    name: str
    note: str | None
    switch: str
    mode: str
    spec: str
    spec_version: int
    version: int
    parallel: int
    lag: int
    seed: int
    total: int
    by_hand: int
    proposed: int
    exhausted: bool
    problem: str | None
    queued: int
    running: int
    paused: int
    completed: int
    stopped: int
    diverged: int
    failed: int
    cancelled: int
    best_number: int | None
    best_value: float | None
    created: float
    started: float | None
    ended: float | None
    ran: float
    ran_since: float | None
    deadline: float | None
    over: str | None
    project: str | None
    owner: str | None
    archived: float | None
    words: str
    retest_of: int | None
    drift: str | None
    revision: int

    @property
    def edition(self) -> Edition:
        """Return what is new when results may count no more: after an edit, or the end by a budget."""
        return self.version, self.over


class StoredCommand(NamedTuple):
    """A row of `commands`."""

    id: int
    search_id: int
    number: int
    branch: int | None
    kind: str
    arguments: str
    at: str
    state: str
    step: int | None
    epoch: int | None
    before: str | None
    after: str | None
    reason: str | None
    idempotency: str | None
    created: float
    answered: float | None
    revision: int


class StoredAttribute(NamedTuple):
    """A row of `attributes`; `value` is JSON."""

    search_id: int
    number: int
    key: str
    value: str
    changed: float


class StoredArtifact(NamedTuple):
    """A row of `artifacts`."""

    search_id: int
    number: int
    name: str
    attempt: int
    file: str
    digest: str
    size: int
    created: float


class StoredCheckpoint(NamedTuple):
    """A row of `checkpoints`."""

    id: int
    search_id: int
    number: int
    attempt: int
    branch: int
    epoch: int
    step: int
    position: int
    kind: str
    name: str
    digest: str
    size: int
    created: float
    revision: int


class HeldTrial(NamedTuple):
    """What an exchange reads of a trial in an agent's hands, with the version of its search's spec."""

    search_id: int
    number: int
    attempt: int
    agent: str
    branch: int
    epoch: int
    started: float | None
    change_log: str | None
    continues: str | None
    version: int


class LostTrial(NamedTuple):
    """A trial whose agent is gone, with its earlier losses in training since it last got any further."""

    search_id: int
    number: int
    attempt: int
    agent: str
    branch: int
    epoch: int
    started: float | None
    step: int  # of its newest checkpoint
    blamed: int  # losses that it caused
    sudden: int  # losses of unknown cause, each soon after the training began in an agent that had lived long


class TrialNews(NamedTuple):
    """What a cache of trials takes in of one that has changed."""

    search_id: int
    number: int
    state: str
    unit: bytes | None
    value: float | None
    epoch: int
    epochs: int | None
    branch: int
    change_log: str | None
    withheld: float | None
    excluded: str | None
    revision: int
    reason: str | None
    origin: str
    continues: str | None

    @property
    def given_up(self) -> bool:
        """Return whether it failed because it cost too many agents: then how far it came is luck."""
        return self.state == "failed" and (self.reason or "").startswith(GIVEN_UP)
