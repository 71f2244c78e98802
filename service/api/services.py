"""Everything a route needs, wired once by service/app.py."""

from __future__ import annotations

from dataclasses import dataclass

from caviar.service.api.metrics import Metrics
from caviar.service.config import Config
from caviar.service.store.blobs import FileBlobs
from caviar.service.store.database import Database
from caviar.service.store.memory import Columns
from caviar.service.store.notifier import Notifier
from caviar.service.usecases.proposer import Proposer


@dataclass(frozen=True)
class Services:
    """The adapters and what the use cases share."""

    config: Config
    store: Database
    proposer: Proposer
    notifier: Notifier
    metrics: Metrics
    blobs: FileBlobs
    columns: Columns
