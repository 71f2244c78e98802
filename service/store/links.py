"""Links that open one search to whoever has them, as hashes alone. A row is there while its link works."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import delete, insert, select

from caviar.service.store.people_tables import links
from caviar.service.store.snapshot import Snapshot
from caviar.service.store.transaction import Transaction

c = links.c


class StoredLink(NamedTuple):
    """A row of `links`; times are seconds since 1970."""

    id: str
    search_id: int
    digest: str  # of the text, which is kept nowhere
    who: str | None  # made it
    created: float
    expires: float


def add(tx: Transaction, link: StoredLink) -> None:
    """Store a link; those of all searches that have expired are removed."""
    tx.execute(delete(links).where(c.expires <= link.created))
    tx.execute(insert(links).values(link._asdict()))


def remove(tx: Transaction, search: int, link: str) -> bool:
    """Remove a link of a search; return whether there was such a one."""
    gone = tx.execute(delete(links).where(c.search_id == search, c.id == link).returning(c.id))
    return bool(gone.scalars().all())


def live(snapshot: Snapshot, now: float) -> list[StoredLink]:
    """Return the links of all searches that work."""
    return list(map(StoredLink._make, snapshot.execute(select(links).where(c.expires > now))))


def of_search(snapshot: Snapshot, search: int, now: float) -> list[StoredLink]:
    """Return the links of a search that work, oldest first."""
    query = select(links).where(c.search_id == search, c.expires > now).order_by(c.created, c.id)
    return list(map(StoredLink._make, snapshot.execute(query)))
