"""Checkpoints and models: a row exists only after its file is written, synced and renamed."""

from __future__ import annotations

import secrets
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from caviar.service.config import CHECKPOINT_BUDGET as BUDGET
from caviar.service.errors import ConflictError, NotFoundError, RefusedError, UnavailableError
from caviar.service.ids import TrialId
from caviar.service.store import attachments, faults, starting_models
from caviar.service.store import checkpoints as rows
from caviar.service.store import searches as search_rows
from caviar.service.store import trials as trial_rows
from caviar.service.store.blobs import Blobs, DigestError, in_thread
from caviar.service.store.database import Database
from caviar.service.store.rows import StoredCheckpoint
from caviar.service.store.snapshot import Snapshot
from caviar.service.store.transaction import Transaction
from caviar.service.usecases import agent_identity
from caviar.service.usecases.checkpoint_spacing import superfluous

ORPHAN_SECONDS = 3600.0
KEEP = 3  # scheduled checkpoints of a branch that stay where nobody is expected to go back


@dataclass(frozen=True)
class Given:
    """What an agent says of the bytes it sends."""

    attempt: int
    branch: int
    epoch: int
    step: int
    position: int
    kind: str
    digest: str


async def admit(store: Database, trial: TrialId, attempt: int, credential: str) -> None:
    """Let an attempt that is in hand send a checkpoint, before its bytes are read.

    Raises NotFoundError, ConflictError for an attempt that was lost, ForbiddenError for one in other hands.
    """

    def look(snapshot: Snapshot) -> None:
        row = trial_rows.get(snapshot, trial)
        fence(trial, attempt, (row.state, row.attempt))
        agent_identity.check_holder(snapshot, trial, credential)

    await store.read(look)


async def keep(
    store: Database,
    blobs: Blobs,
    trial: TrialId,
    given: Given,
    pieces: Sequence[bytes],
    budget: int = BUDGET,
) -> int:
    """Store a checkpoint of an attempt that is in hand; return its id.

    Those of a trial in panda mode are thinned when they take more bytes than `budget`.

    A file whose row may or may not have been committed stays: `remove_orphans` finds it if nothing names it.

    Raises NotFoundError, ConflictError for an attempt that was lost, RefusedError for a wrong digest,
    UnavailableError when the disk or the database cannot be written.
    """
    name = f"{folder_of(store, trial.search)}/{trial.number}-{secrets.token_hex(8)}"
    try:
        await in_thread(blobs.write, name, pieces, given.digest)
    except DigestError as error:
        raise RefusedError.of("digest", str(error), "send the bytes again") from None
    except OSError as error:
        raise UnavailableError(f"the checkpoint cannot be written: {error.strerror or error}") from error
    faults.point("blobs.row.before")
    size = sum(map(len, pieces))
    try:
        stored, stale = await store.write(lambda tx: _record(tx, trial, given, name, size, budget))
    except ConflictError:
        await in_thread(blobs.remove, name)
        raise
    faults.point("blobs.row.after")
    for old in stale:
        await in_thread(blobs.remove, old)
    return stored


def folder_of(store: Database, search: int) -> str:
    """Name the folder of a search's files: every database numbers its searches from 1."""
    return f"{store.identity}/{search}"


def outside(store: Database, snapshot: Snapshot, search: int) -> list[str]:
    """Name the files of a search that lie outside its folder.

    Those from before databases had an identity, and the model that its trials start from.
    """
    return [
        name
        for name in [*rows.names(snapshot, search), *starting_models.files(snapshot, search)]
        if not name.startswith(f"{folder_of(store, search)}/")
    ]


def fence(trial: TrialId, attempt: int, found: tuple[str, int] | None) -> None:
    """Raise ConflictError for an attempt that is over."""
    if found != ("running", attempt):
        raise ConflictError(f"attempt {attempt} at trial {trial} is over; drop it")


def _record(
    tx: Transaction, trial: TrialId, given: Given, name: str, size: int, budget: int
) -> tuple[int, list[str]]:
    fence(trial, given.attempt, trial_rows.states_of(tx, [trial]).get(trial))
    new = rows.NewCheckpoint(*trial, name=name, size=size, **asdict(given))
    added = rows.add(tx, new)
    if search_rows.get(tx, trial.search).mode != "panda":
        return added, rows.prune(tx, trial, given.branch, KEEP)
    return added, rows.remove(tx, superfluous(rows.resumable(tx, trial), budget))


async def load(store: Database, blobs: Blobs, checkpoint: int) -> tuple[bytes, str]:
    """Return the bytes of a checkpoint and their digest.

    Raises NotFoundError, ConflictError when the file is damaged or cannot be read (an older one may serve).
    """

    row = await store.read(lambda snapshot: rows.find(snapshot, checkpoint))
    if row is None:
        raise NotFoundError(f"there is no checkpoint {checkpoint}")
    try:
        return await in_thread(blobs.read, row.name, row.digest), row.digest
    except DigestError as error:
        await store.write(lambda tx: rows.discard(tx, checkpoint))  # the next attempt takes an older one
        raise ConflictError(f"checkpoint {checkpoint} cannot be used: {error}") from None
    except OSError as error:
        # It stays listed: its file may lie in another folder, on a disk that is not there, or come later.
        raise ConflictError(
            f"the file of checkpoint {checkpoint} cannot be read ({error.strerror or error}); "
            "is the data folder (--data) the one it was written to?"
        ) from None


async def remove_orphans(store: Database, blobs: Blobs) -> int:
    """Remove the files of crashes that no row names, once they are too old to get one; tell how many.

    Those of other databases in the same data folder are none of them, nor is what lies in no database's
    folder: before databases had an identity all wrote there; what this one does not name may be another's.
    """
    names = await in_thread(blobs.names, store.identity, time.time() - ORPHAN_SECONDS)
    if not names:
        return 0

    def kept(snapshot: Snapshot) -> set[str]:
        return {*rows.names(snapshot), *attachments.files(snapshot), *starting_models.files(snapshot)}

    known = await store.read(kept)
    orphans = [name for name in names if name not in known]
    for name in orphans:
        await in_thread(blobs.remove, name)
    return len(orphans)


def listed(snapshot: Snapshot, trial: TrialId) -> list[StoredCheckpoint]:
    """Return the checkpoints of a trial, oldest first. Raises NotFoundError."""
    trial_rows.get(snapshot, trial)
    return rows.of_trial(snapshot, trial)


def model_of(snapshot: Snapshot, trial: TrialId) -> int:
    """Return the id of a trial's newest model. Raises NotFoundError."""
    trial_rows.get(snapshot, trial)
    found = rows.newest_model(snapshot, trial)
    if found is None:
        kept = "one is kept of trials that were the best when they ended, and of long ones"
        raise NotFoundError(f"trial {trial} has no stored model: {kept}; train it again (caviar rerun)")
    return found
