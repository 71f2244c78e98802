"""Attributes and artifacts of a trial: an attempt in hand sets them, everybody may read them."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Any

import orjson

from caviar.exchange.attachment_limits import (
    MOST_OF_A_TRIAL,
    problem_of_key,
    problem_of_name,
    problem_of_value,
)
from caviar.service.errors import ConflictError, NotFoundError, RefusedError, UnavailableError
from caviar.service.ids import TrialId
from caviar.service.store import attachments as rows
from caviar.service.store import trials as trial_rows
from caviar.service.store.blobs import Blobs, DigestError, digest_of, in_thread
from caviar.service.store.database import Database
from caviar.service.store.rows import StoredArtifact, StoredAttribute
from caviar.service.store.snapshot import Snapshot
from caviar.service.store.transaction import Transaction
from caviar.service.usecases.checkpoints import fence, folder_of

FULL = "has {} already", "note or attach under a name that is there, which replaces it"


def note(tx: Transaction, trial: TrialId, attempt: int, key: str, value: Any) -> None:
    """Set an attribute of a trial in hand.

    Raises RefusedError for what cannot be kept, ConflictError for an attempt that is over.
    """
    written = orjson.dumps(value).decode()
    _refuse("key", problem_of_key(key), "choose another one")
    _refuse("value", problem_of_value(written), "attach a file")
    fence(trial, attempt, trial_rows.states_of(tx, [trial]).get(trial))
    known = {one.key for one in rows.attributes_of(tx, trial)}
    if key not in known and len(known) >= MOST_OF_A_TRIAL:
        _refuse("key", f"trial {trial} {FULL[0].format(f'{MOST_OF_A_TRIAL} attributes')}", FULL[1])
    rows.note(tx, trial, key, written)


async def attach(
    store: Database, blobs: Blobs, trial: TrialId, attempt: int, name: str, pieces: Sequence[bytes]
) -> None:
    """Store a file of a trial in hand; one of the same name is replaced.

    Raises RefusedError for what cannot be kept, ConflictError for an attempt that is over, UnavailableError
    when the disk or the database cannot be written.
    """
    _refuse("name", problem_of_name(name), "choose another one")
    file = f"{folder_of(store, trial.search)}/{trial.number}-{secrets.token_hex(8)}"
    digest = digest_of(*pieces)
    try:
        await in_thread(blobs.write, file, pieces, digest)
    except OSError as error:
        raise UnavailableError(f"the artifact cannot be written: {error.strerror or error}") from error
    size = sum(map(len, pieces))

    def record(tx: Transaction) -> str | None:
        fence(trial, attempt, trial_rows.states_of(tx, [trial]).get(trial))
        if rows.counted(tx, trial, name) >= MOST_OF_A_TRIAL:
            _refuse("name", f"trial {trial} {FULL[0].format(f'{MOST_OF_A_TRIAL} artifacts')}", FULL[1])
        return rows.attach(tx, StoredArtifact(*trial, name, attempt, file, digest, size, tx.now))

    try:
        stale = await store.write(record)
    except (ConflictError, RefusedError):
        await in_thread(blobs.remove, file)
        raise
    if stale is not None:
        await in_thread(blobs.remove, stale)


def attributes_of(snapshot: Snapshot, trial: TrialId) -> list[StoredAttribute]:
    """Return the attributes of a trial. Raises NotFoundError."""
    trial_rows.get(snapshot, trial)
    return rows.attributes_of(snapshot, trial)


def artifacts_of(snapshot: Snapshot, trial: TrialId) -> list[StoredArtifact]:
    """Return the artifacts of a trial. Raises NotFoundError."""
    trial_rows.get(snapshot, trial)
    return rows.artifacts_of(snapshot, trial)


async def load(store: Database, blobs: Blobs, trial: TrialId, name: str) -> tuple[bytes, StoredArtifact]:
    """Return the bytes of an artifact. Raises NotFoundError, also for a file that is damaged or gone."""
    found = await store.read(lambda snapshot: artifacts_of(snapshot, trial))
    wanted = next((one for one in found if one.name == name), None)
    if wanted is None:
        there = ", ".join(one.name for one in found) or "none"
        raise NotFoundError(f"trial {trial} has no artifact {name!r}; there is {there}")
    try:
        return await in_thread(blobs.read, wanted.file, wanted.digest), wanted
    except (DigestError, OSError) as error:
        raise NotFoundError(f"the file of artifact {name!r} of trial {trial} is damaged: {error}") from None


def _refuse(field: str, problem: str | None, remedy: str) -> None:
    if problem is not None:
        raise RefusedError.of(field, problem, remedy)
