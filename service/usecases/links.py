"""Links that show one search to people without a token, until they expire or are revoked."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime

from caviar.service.errors import ConflictError, NotFoundError
from caviar.service.store import audit
from caviar.service.store import links as rows
from caviar.service.store import searches as search_rows
from caviar.service.store.links import StoredLink
from caviar.service.store.transaction import Transaction

MOST = 100  # of one search that work at once


def create(tx: Transaction, search: int, digest: str, seconds: float) -> StoredLink:
    """Store a link by the digest of its text.

    Raises NotFoundError, ConflictError when the search has MOST of them.
    """
    search_rows.get(tx, search)
    if len(rows.of_search(tx, search, tx.now)) >= MOST:
        raise ConflictError(f"search {search} has {MOST} links that work; revoke some, then make another one")
    link = StoredLink(secrets.token_hex(4), search, digest, tx.who, tx.now, tx.now + seconds)
    rows.add(tx, link)
    until = datetime.fromtimestamp(link.expires, UTC).isoformat(timespec="seconds")
    audit.record(tx, "create link", search, link.id, after={"expires": until})
    return link


def revoke(tx: Transaction, search: int, link: str) -> None:
    """End a link. Raises NotFoundError for one that does not work any more."""
    if not rows.remove(tx, search, link):
        raise NotFoundError(f"search {search} has no link {link!r} that works")
    audit.record(tx, "revoke link", search, link)
