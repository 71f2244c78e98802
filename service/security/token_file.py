"""Take over tokens.json, in which a data folder kept its tokens before they were in the database."""

from __future__ import annotations

import fcntl
import json
import logging
import re
from collections.abc import Callable
from datetime import datetime
from itertools import chain, count
from pathlib import Path

from caviar.service.security.scopes import NAME, SCOPES
from caviar.service.setting_source import ConfigError
from caviar.service.store import tokens as rows
from caviar.service.store.snapshot import Snapshot
from caviar.service.store.tokens import StoredToken

logger = logging.getLogger(__name__)
FILE = "tokens.json"
_DIGEST = re.compile(r"[0-9a-f]{64}")
TAKEN_OVER = "tokens.json.imported"
Write = Callable[[Callable[[Snapshot], int]], int]


def take_over(folder: Path, write: Write) -> None:
    """Store the tokens of a folder's file, then rename it; where there is none, do nothing.

    After a crash in between it is done again, which changes nothing: a token that was stored before stays
    as it is, even revoked. Of several servers that start at once, one does it. Raises ConfigError, and leaves
    all as it is, when the file cannot be read.
    """
    path = folder / FILE
    if not path.exists():
        return
    with path.with_suffix(".lock").open("w") as lock:  # the lock of those who wrote the file
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not path.exists():
            return
        tokens = _read(path)
        added = write(lambda tx: _add_missing(tx, tokens))
        path.replace(folder / TAKEN_OVER)
    logger.info("%d tokens of %s are in the database now; the file is kept as %s", added, path, TAKEN_OVER)


def _read(path: Path) -> list[StoredToken]:
    try:
        return [_token(one) for one in json.loads(path.read_text("utf-8"))["tokens"]]
    except (OSError, ValueError, LookupError, TypeError) as error:
        remedy = (
            "Put back the file of a backup, or move it away and make new tokens with `caviar token new`; "
            "nothing was changed"
        )
        raise ConfigError(FILE, f"{path} cannot be read ({error})", remedy) from None


def _token(row: dict[str, str]) -> StoredToken:
    """Read a token. Raises LookupError, TypeError or ValueError for what is none."""
    if row["scope"] not in SCOPES or not NAME.fullmatch(row["name"]) or not _DIGEST.fullmatch(row["digest"]):
        raise ValueError("it holds something that is no token")
    created = datetime.fromisoformat(row["created"]).timestamp()
    return StoredToken(row["id"], row["name"], row["scope"], row["digest"], created)


def _add_missing(tx: Snapshot, tokens: list[StoredToken]) -> int:
    """Store the tokens whose digests are new, under names that are free; tell how many."""
    known = rows.digests(tx)
    taken = {token.name for token in rows.live(tx)}
    missing = [token for token in tokens if token.digest not in known]
    for token in missing:
        name = free_name(token.name, taken)
        taken.add(name)
        rows.add(tx, StoredToken(token.id, name, token.scope, token.digest, token.created))
    return len(missing)


def free_name(wish: str, taken: set[str]) -> str:
    """Return a name that no token has: the name itself, or with the first number that is free."""
    candidates = chain([wish], (f"{wish}-{number}" for number in count(2)))
    return next(name for name in candidates if name not in taken)
