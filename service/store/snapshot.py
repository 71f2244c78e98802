"""What reads go through: use cases pass it on, only the store puts statements to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, CursorResult, Executable


class Snapshot:
    """The store at one moment, read only; a transaction is one too, which also sees its own writes."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    @property
    def dialect(self) -> str:
        """Name the database: sqlite or postgresql."""
        return self.connection.dialect.name

    def execute(
        self, statement: Executable, values: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None = None
    ) -> CursorResult[*tuple[Any, ...]]:
        """Run a statement, once or for each of several values."""
        return self.connection.execute(statement, values)
