"""An agent is who its secret says: what it writes and fetches under an id comes from its own process.

At its first exchange an agent shows a secret, of which the digest is kept; from then on nothing is taken
from anyone else under its id, whatever their token. One of an earlier version has none: its token serves.
"""

from __future__ import annotations

from collections.abc import Mapping

import orjson

from caviar.service.errors import ForbiddenError
from caviar.service.ids import TrialId
from caviar.service.store import agents, checkpoints
from caviar.service.store.agents import Standing
from caviar.service.store.snapshot import Snapshot
from caviar.service.store.transaction import Transaction


def admit(tx: Transaction, known: Mapping[str, Standing], shown: Mapping[str, str]) -> None:
    """Let agents, each with the credential it shows, exchange; what one shows first is kept.

    Raises ForbiddenError for an id that is another's.
    """
    new: dict[str, str] = {}
    for agent, credential in shown.items():
        bound = known[agent].credential
        if bound is None:
            new[agent] = credential
        else:
            _same(agent, bound, credential)
    if new:
        agents.bind(tx, new)


def check(snapshot: Snapshot, agent: str, credential: str) -> bool:
    """Check that an id is its bearer's; tell whether it is known at all.

    Raises ForbiddenError for an id that is another's.
    """
    known = agents.credentials(snapshot, {agent}).get(agent)
    _same(agent, known or credential, credential)
    return known is not None


def check_holder(snapshot: Snapshot, trial: TrialId, credential: str) -> None:
    """Check that a trial that is running is in the hands of who shows this credential.

    Raises ForbiddenError where it is in another's.
    """
    holder = agents.holder(snapshot, trial)
    if holder is not None and holder[1] is not None:
        _same(holder[0], holder[1], credential)


def check_fetch(snapshot: Snapshot, checkpoint: int, credential: str) -> None:
    """Check that a checkpoint is of a trial in the bearer's hands, or of one that such a trial goes on from.

    Raises ForbiddenError for any other's.
    """
    found = checkpoints.find(snapshot, checkpoint)
    if found is None:
        return
    wanted = TrialId(found.search_id, found.number)
    for trial, log in agents.held(snapshot, credential):
        if wanted in _ancestry(snapshot, trial, log):
            return
    raise ForbiddenError(
        f"checkpoint {checkpoint} is of trial {wanted}, which none of your agents holds or goes on from"
    )


def _ancestry(snapshot: Snapshot, trial: TrialId, log: str | None) -> set[TrialId]:
    """Return a trial and those that it branched off from, one after the other."""
    found = {trial}
    while log is not None and (origin := orjson.loads(log).get("from")):
        trial = TrialId(*origin["trial"])
        if trial in found:
            break
        found.add(trial)
        log = agents.change_log_of(snapshot, trial)
    return found


def _same(agent: str, known: str, shown: str) -> None:
    if known != shown:
        raise ForbiddenError(
            f"agent {agent} is another process: what it writes is taken from that one alone; "
            "an agent draws an id of its own when it starts"
        )
