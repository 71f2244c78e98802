"""Tokens and sessions in the database, as hashes alone. A writer calls these; nothing here is cached."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from sqlalchemy import delete, func, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from caviar.service.errors import ConflictError, TooManyError
from caviar.service.store.people_tables import sessions, tokens
from caviar.service.store.snapshot import Snapshot

t, s = tokens.c, sessions.c
LOGINS = 30  # of one token in a minute
SESSIONS = 50  # of one token that live at once; a new one ends the oldest


@dataclass(frozen=True)
class StoredToken:
    """What is kept of a token; times are seconds since 1970."""

    id: str
    name: str
    scope: str
    digest: str
    created: float


@dataclass(frozen=True)
class StoredSession:
    """A browser that is signed in: the digests of its cookie and of its token, and the token's name."""

    digest: str
    token: str
    name: str
    created: float
    expires: float


def live(tx: Snapshot) -> tuple[StoredToken, ...]:
    """Return the tokens that were not revoked, oldest first."""
    query = select(t.id, t.name, t.scope, t.digest, t.created).where(t.revoked.is_(None))
    return tuple(StoredToken(*row) for row in tx.execute(query.order_by(t.created, t.name)))


def digests(tx: Snapshot) -> set[str]:
    """Return the digests of all tokens that ever were, the revoked ones too."""
    return set(tx.execute(select(t.digest)).scalars())


def add(tx: Snapshot, token: StoredToken) -> None:
    """Store a token. Raises ConflictError when a live one has its name."""
    try:
        tx.execute(insert(tokens).values(**asdict(token)))
    except IntegrityError:
        raise ConflictError(f"there is a token named {token.name!r}") from None


def revoke(tx: Snapshot, name: str, now: float) -> bool:
    """Revoke the live token of this name and end its sessions; tell whether there was one."""
    query = update(tokens).where(t.name == name, t.revoked.is_(None)).values(revoked=now)
    revoked = tx.execute(query.returning(t.digest)).scalars().all()
    tx.execute(delete(sessions).where(s.token.in_(revoked)))
    return bool(revoked)


def live_sessions(tx: Snapshot, now: float) -> tuple[StoredSession, ...]:
    """Return the sessions that have not expired."""
    query = select(s.digest, s.token, s.name, s.created, s.expires).where(s.expires > now)
    return tuple(StoredSession(*row) for row in tx.execute(query))


def open_session(tx: Snapshot, session: StoredSession) -> None:
    """Store a session; those that have expired, and the oldest beyond SESSIONS of its token, are removed.

    Raises TooManyError after LOGINS of one token within a minute.
    """
    recent = select(func.count()).where(s.token == session.token, s.created > session.created - 60.0)
    if tx.execute(recent.select_from(sessions)).scalar_one() >= LOGINS:
        raise TooManyError(f"{LOGINS} sessions were opened with this token within a minute: keep one open")
    tx.execute(insert(sessions).values(**asdict(session)))
    mine = select(s.digest).where(s.token == session.token).order_by(s.created.desc()).offset(SESSIONS)
    surplus: Sequence[str] = tx.execute(mine).scalars().all()
    tx.execute(delete(sessions).where(or_(s.expires <= session.created, s.digest.in_(surplus))))


def end_session(tx: Snapshot, digest: str) -> None:
    """End a session; one that is gone already is fine."""
    tx.execute(delete(sessions).where(s.digest == digest))
