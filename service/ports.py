"""What the use cases need from the world; service/app.py chooses the adapters."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol, TypeVar

from caviar.service.store.snapshot import Snapshot
from caviar.service.store.transaction import Transaction

T = TypeVar("T")
A = TypeVar("A")


class Store(Protocol):
    """Durable state. A write that was answered is on the disk; one that failed left nothing behind."""

    identity: str  # what tells this store from all others; its files are named by it

    def submit(self, work: Callable[[Transaction], T]) -> Future[T]:
        """Queue a piece of work for the writer; the future ends after its commit.

        Raises (in the future) UnavailableError when the database cannot be written, and what `work` raises.
        """

    async def write(self, work: Callable[[Transaction], T]) -> T:
        """Run a piece of work in the writer and wait for its commit."""

    async def write_shared(self, work: Callable[[Transaction, Sequence[A]], Sequence[T]], ask: A) -> T:
        """Run in the writer a work that takes together what several ask; wait for the commit.

        Items are the same work's if the functions are equal. Where it raises, each item is run by itself.
        """

    async def read(self, query: Callable[[Snapshot], T]) -> T:
        """Run a query on a snapshot, in a thread of its own."""

    def reading(self) -> AbstractContextManager[Snapshot]:
        """Open a snapshot: a reader's connection, consistent and read only."""


class Clock(Protocol):
    """Time in seconds since 1970."""

    def now(self) -> float:
        """Give the time."""


class Blobs(Protocol):
    """Files of checkpoints and models, addressed by ids that the server made."""

    def write(self, name: str, pieces: Sequence[bytes], digest: str) -> None:
        """Store a file durably under a name. Raises DigestError, OSError."""

    def read(self, name: str, digest: str) -> bytes:
        """Give a file's bytes. Raises DigestError when they are not those that were written, OSError."""

    def path(self, name: str) -> Path:
        """Give the place of a file."""

    def names(self, store: str, before: float) -> list[str]:
        """Name the files of a store that were last written before a time of the wall clock."""

    def remove(self, name: str) -> None:
        """Remove a file; one that is gone already is fine."""

    def remove_all(self, folder: str) -> None:
        """Remove the files of a folder, those of a search that was deleted."""
