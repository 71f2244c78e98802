"""What the planner of Postgres knows of the tables, kept true while they grow."""

from __future__ import annotations

from sqlalchemy import func, select, text

from caviar.service.store.snapshot import Snapshot
from caviar.service.store.tables import searches

LEAST = 200  # trials from which on a wrong plan is felt


class Statistics:
    """Has the tables analysed whenever the number of trials has doubled.

    Autovacuum does the same, but looks only once a minute. Until then a server keeps the plans that it made
    for empty tables, and finds a trial by reading a whole index: a search of 100,000 trials on a new database
    ended at a third of the rate with which it began. SQLite finds its plans without statistics.
    """

    def __init__(self) -> None:
        self._known = 0

    def refresh(self, snapshot: Snapshot) -> bool:
        """Analyse the tables if they have grown enough; tell whether they had."""
        if snapshot.dialect != "postgresql":
            return False
        found = int(snapshot.execute(select(func.coalesce(func.sum(searches.c.proposed), 0))).scalar_one())
        if found < max(LEAST, 2 * self._known):
            return False
        # Nobody commits what a reader does: most of what it found out would be rolled back.
        with snapshot.connection.engine.connect() as committing:
            committing.execution_options(isolation_level="AUTOCOMMIT", postgresql_readonly=False)
            for table in searches.metadata.sorted_tables:
                committing.execute(text(f"ANALYZE {table.name}"))
        self._known = found
        return True
