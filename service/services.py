"""Everything a route needs, wired once by service/app.py."""

from __future__ import annotations

from dataclasses import dataclass

from service.config import Config
from service.metrics import Metrics
from service.notifier import Notifier
from service.ports import Blobs
from service.store.database import Database
from service.store.memory import Columns
from service.usecases.board import Board


@dataclass(frozen=True)
class Services:
    """The adapters and what the use cases share."""

    config: Config
    store: Database
    board: Board
    notifier: Notifier
    metrics: Metrics
    blobs: Blobs
    columns: Columns
