"""Webhooks, and for each search what they have been told of it and what they are still to be told."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import bindparam, delete, func, insert, select, update

from caviar.service.ids import PIECE
from caviar.service.store.people_tables import webhook_news, webhooks
from caviar.service.store.rows import StoredSearch
from caviar.service.store.snapshot import Snapshot
from caviar.service.store.tables import searches
from caviar.service.store.transaction import Transaction

w, n = webhooks.c, webhook_news.c
_CHANGED = select(searches.c.id, searches.c.revision).where(searches.c.revision > bindparam("after"))
_SEARCHES = select(*(searches.c[name] for name in StoredSearch._fields))


class StoredWebhook(NamedTuple):
    """A row of `webhooks`."""

    id: str
    url: str
    style: str  # json or slack
    events: str  # JSON
    project: str | None
    secret: str
    who: str | None
    created: float
    sent: float | None  # when something last arrived
    problem: str | None  # why the last try did not


class StoredNews(NamedTuple):
    """A row of `webhook_news`."""

    webhook: str
    search_id: int
    ended: bool
    problem: str | None
    failed: bool
    best: float | None
    drift: str | None
    waiting: str | None  # JSON: the list of what is still to be told, oldest first
    tries: int
    due: float


def add(tx: Transaction, row: StoredWebhook) -> None:
    """Store a webhook."""
    tx.execute(insert(webhooks).values(row._asdict()))


def remove(tx: Transaction, webhook: str) -> bool:
    """Remove a webhook with what it was still to be told; return whether there was such a one."""
    return bool(tx.execute(delete(webhooks).where(w.id == webhook)).rowcount)


def all_of_them(snapshot: Snapshot) -> list[StoredWebhook]:
    """Return the webhooks, oldest first."""
    return list(map(StoredWebhook._make, snapshot.execute(select(webhooks).order_by(w.created, w.id))))


def changed(snapshot: Snapshot, after: int) -> list[tuple[int, int]]:
    """Return the searches that have changed after a revision, each with its own."""
    return [(row.id, row.revision) for row in snapshot.execute(_CHANGED, {"after": after})]


def searches_by_id(snapshot: Snapshot, wanted: Sequence[int]) -> list[StoredSearch]:
    """Return searches; those that are gone are left out."""
    return [
        StoredSearch._make(row)
        for first in range(0, len(wanted), PIECE)
        for row in snapshot.execute(_SEARCHES.where(searches.c.id.in_(wanted[first : first + PIECE])))
    ]


def news_of(
    snapshot: Snapshot, hooks: Sequence[str], wanted: Sequence[int]
) -> dict[tuple[str, int], StoredNews]:
    """Return what webhooks have been told of searches, by webhook and search."""
    query = select(webhook_news).where(n.webhook.in_(hooks))
    return {
        (row.webhook, row.search_id): StoredNews._make(row)
        for first in range(0, len(wanted), PIECE)
        for row in snapshot.execute(query.where(n.search_id.in_(wanted[first : first + PIECE])))
    }


def put(tx: Transaction, row: StoredNews, known: bool) -> None:
    """Store what a webhook has been told of a search."""
    if not known:
        tx.execute(insert(webhook_news).values(row._asdict()))
        return
    this = (n.webhook == row.webhook, n.search_id == row.search_id)
    tx.execute(update(webhook_news).where(*this).values(row._asdict()))


def next_due(snapshot: Snapshot) -> float | None:
    """Return when the next message is to be sent; None while there is none."""
    found = snapshot.execute(select(func.min(n.due)).where(n.waiting.is_not(None))).scalar()
    return None if found is None else float(found)


def take_due(tx: Transaction, seconds: float, most: int) -> Sequence[tuple[StoredWebhook, StoredNews]]:
    """Take what is due to be told; nobody else gets it for so many seconds."""
    due = (
        select(webhooks, webhook_news)
        .join(webhook_news, n.webhook == w.id)
        .where(n.waiting.is_not(None), n.due <= tx.now)
        .order_by(n.due)
        .limit(most)
    )
    width = len(StoredWebhook._fields)
    found = [(StoredWebhook(*row[:width]), StoredNews(*row[width:])) for row in tx.execute(due)]
    for _, news in found:
        put(tx, news._replace(due=tx.now + seconds), known=True)
    return found


def note(tx: Transaction, webhook: str, sent: float | None, problem: str | None) -> None:
    """Write how the last try of a webhook went."""
    values = {"problem": problem} if sent is None else {"problem": problem, "sent": sent}
    tx.execute(update(webhooks).where(w.id == webhook).values(values))
