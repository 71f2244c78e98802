"""The tables of people: who may come in, what they are told, what they had trained again or changed.

Those of what they work on are in tables.py.
"""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Double, ForeignKey, Index, Integer, String, Table, Text, text

from caviar.service.store.tables import BigId, metadata

__all__ = ["metadata"]  # which has all tables only once this is imported; and the tables

UNTOLD = text("waiting IS NOT NULL")
LIVE = text("revoked IS NULL")
RUNNING = text("state = 'running'")

tokens = Table(
    "tokens",
    metadata,
    Column("id", String(8), primary_key=True),
    Column("name", String(60), nullable=False),
    Column("scope", String(6), nullable=False),
    Column("digest", String(64), nullable=False, unique=True),  # of the text, which is kept nowhere
    Column("created", Double, nullable=False),
    Column("revoked", Double),  # it stays, so that an old file of tokens never brings it back
    Index("tokens_name", "name", unique=True, sqlite_where=LIVE, postgresql_where=LIVE),
)

sessions = Table(
    "sessions",  # browsers that are signed in
    metadata,
    Column("digest", String(64), primary_key=True),  # of what the cookie holds
    Column("token", String(64), nullable=False),  # digest of the token; an operator's has no row
    Column("name", String(60), nullable=False),
    Column("created", Double, nullable=False),
    Column("expires", Double, nullable=False),
    Index("sessions_token", "token", "created"),
)

webhooks = Table(
    "webhooks",  # addresses that are told what happens to searches
    metadata,
    Column("id", String(8), primary_key=True),
    Column("url", Text, nullable=False),
    Column("style", String(5), nullable=False),
    Column("events", Text, nullable=False),  # JSON
    Column("project", Text),  # of whose searches; NULL: of all
    Column("secret", String(64), nullable=False),  # by which what is sent is signed
    Column("who", String(200)),
    Column("created", Double, nullable=False),
    Column("sent", Double),
    Column("problem", Text),
)

webhook_news = Table(
    "webhook_news",  # what a webhook has been told of a search, and what it is still to be told
    metadata,
    Column("webhook", String(8), ForeignKey("webhooks.id", ondelete="CASCADE"), primary_key=True),
    Column("search_id", Integer, ForeignKey("searches.id", ondelete="CASCADE"), primary_key=True),
    Column("ended", Boolean, nullable=False),
    Column("problem", Text),
    Column("failed", Boolean, nullable=False),
    Column("best", Double),
    Column("drift", Text),
    Column("waiting", Text),  # JSON
    Column("tries", Integer, nullable=False),
    Column("due", Double, nullable=False),
    Index("webhook_news_due", "due", sqlite_where=UNTOLD, postgresql_where=UNTOLD),
)

links = Table(
    "links",  # each opens one search to whoever has it; gone once revoked
    metadata,
    Column("id", String(8), primary_key=True),
    Column("search_id", Integer, ForeignKey("searches.id", ondelete="CASCADE"), nullable=False),
    Column("digest", String(64), nullable=False, unique=True),  # of the text, which is kept nowhere
    Column("who", String(200)),
    Column("created", Double, nullable=False),
    Column("expires", Double, nullable=False),
    Index("links_search", "search_id"),
)

retests = Table(
    "retests",  # winners trained again: on the data of their search, and on newer data
    metadata,
    Column("id", BigId, primary_key=True),
    Column("search_id", Integer, ForeignKey("searches.id", ondelete="CASCADE"), nullable=False),
    Column("nth", Integer, nullable=False),  # of its search, from 1
    Column("created", Double, nullable=False),
    Column("who", String(200)),
    Column("data", Text),  # JSON, a dataset object; NULL: the same data
    Column("winners", Text, nullable=False),  # JSON: trial and params of each, the best one first
    Column("seeds", Integer, nullable=False),
    Column("baseline", Integer, nullable=False),  # the search that trained them again on the earlier data
    Column("again", Integer, nullable=False),  # the one on the newer data
    Column("fresh", Integer),  # a search of its own on the newer data
    Column("state", String(9), nullable=False),  # running, ended, failed
    Column("taken", Double),  # since when a server judges it
    Column("ended", Double),
    Column("drifted", Boolean),
    Column("report", Text),  # JSON
    Column("problem", Text),  # why it failed
    Index("retests_search", "search_id", "nth", unique=True),
    Index("retests_running", "id", sqlite_where=RUNNING, postgresql_where=RUNNING),
    sqlite_autoincrement=True,
)

retest_schedules = Table(
    "retest_schedules",
    metadata,
    Column("search_id", Integer, ForeignKey("searches.id", ondelete="CASCADE"), primary_key=True),
    Column("seconds", Double, nullable=False),  # between two
    Column("due", Double, nullable=False),
    Column("wish", Text, nullable=False),  # JSON, what to re-test
    Column("who", String(200)),
    Column("problem", Text),  # why the last one could not begin
)

audit = Table(
    "audit",  # what people changed: rows are added, never changed or removed, and outlive their search
    metadata,
    Column("id", BigId, primary_key=True),
    Column("created", Double, nullable=False),
    Column("who", String(200)),  # NULL: the server itself, or before this was recorded
    Column("what", String(20), nullable=False),
    Column("search_id", Integer),
    Column("number", Integer),
    Column("subject", String(200)),  # data set, token, agent, link, webhook; kind of a command; a verdict
    Column("version", Integer),  # of an edit of a search
    Column("proposed", Integer),  # of an edit: trials numbered from here on follow it
    Column("before", Text),  # JSON
    Column("after", Text),
    Index("audit_search", "search_id", "id"),
    sqlite_autoincrement=True,
)
