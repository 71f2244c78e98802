"""What servers on one Postgres have to agree on.

Each tells its settings by the name of its connections, where the others read them: only those that run count.
"""

from __future__ import annotations

import contextlib
import hashlib
import secrets
from pathlib import Path

from sqlalchemy import text

from caviar.service.config import Config
from caviar.service.store.snapshot import Snapshot

PROGRAM = "caviar"
ID_FILE = "folder-id"
_NAMES = text(
    "SELECT DISTINCT application_name FROM pg_stat_activity"
    " WHERE datname = current_database() AND application_name LIKE 'caviar %'"
)
_WORDS = {
    "store": "keeps files elsewhere, so what is stored by one is missing at the other: "
    "give both one --store, or one data folder",
    "open": "does not agree on whether a token is required: set CAVIAR_TOKEN_REQUIRED for both",
    "admin": "has another CAVIAR_ADMIN_TOKEN, which this one refuses: give both the same",
    "agent": "has another CAVIAR_AGENT_TOKEN, which this one refuses: give both the same",
    "lease": "has leases of another length: set CAVIAR_LEASE to the same for both",
}


def connection_name(config: Config) -> str:
    """Return the name of a server's connections, of up to 63 characters; of secrets 16 bits of a hash."""
    if config.sqlite:
        return PROGRAM
    told = {
        "store": _short(f"{config.store} {config.store_endpoint}") if config.store else _id_of(config.data),
        "open": str(int(not config.token_required)),
        "admin": _short(config.admin_token),
        "agent": _short(config.agent_token),
        "lease": f"{config.lease:g}",
    }
    return f"{PROGRAM} {' '.join(f'{name}={value}' for name, value in told.items())}"


def differences(snapshot: Snapshot, own: str) -> list[str]:
    """Return in words where servers that run on this database differ from one with a connection name."""
    if snapshot.dialect == "sqlite":
        return []
    mine = _read(own)
    others = [_read(str(row.application_name)) for row in snapshot.execute(_NAMES)]
    return [
        f"another server on this database {words}"
        for name, words in _WORDS.items()
        if any(other.get(name, mine[name]) != mine[name] for other in others)
    ]


def _read(name: str) -> dict[str, str]:
    return dict(part.split("=", 1) for part in name.split() if "=" in part)


def _short(secret: str | None) -> str:
    return "none" if secret is None else hashlib.sha256(secret.encode()).hexdigest()[:4]


def _id_of(folder: Path) -> str:
    """Return what tells a data folder from others, wherever it is mounted; drawn at the first start."""
    path = folder / ID_FILE
    with contextlib.suppress(FileExistsError), path.open("x", encoding="ascii") as file:
        file.write(secrets.token_hex(4))
    return path.read_text("ascii")[:8]
