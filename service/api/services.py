"""Everything a route needs, wired once by service/app.py."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Annotated, TypeVar

from cachetools import TTLCache
from fastapi import Depends, Request

from caviar.service.api.answer_cache import AnswerCache
from caviar.service.api.health import Health
from caviar.service.api.metrics import Metrics
from caviar.service.config import Config
from caviar.service.security.scopes import Token
from caviar.service.security.tokens import TokenBook
from caviar.service.store.blobs import Blobs
from caviar.service.store.database import Database
from caviar.service.store.memory import Columns
from caviar.service.store.notifier import Notifier
from caviar.service.store.transaction import Transaction
from caviar.service.store.uploads import Uploads
from caviar.service.usecases.analysis import RoundsReader
from caviar.service.usecases.courses import Courses
from caviar.service.usecases.datasets import Datasets
from caviar.service.usecases.loss_planes import LossPlanes
from caviar.service.usecases.predictions import Evaluator
from caviar.service.usecases.proposer import Proposer

T = TypeVar("T")
KNOWN, KNOWN_SECONDS = 10_000, 60.0  # agents whose credentials need not be looked up for a hint
LARGE_AT_ONCE = 4  # checkpoints in memory, each up to `Limits.checkpoint`; the others wait


@dataclass(frozen=True)
class Services:
    """The adapters and what the use cases share."""

    config: Config
    store: Database
    proposer: Proposer
    notifier: Notifier
    metrics: Metrics
    blobs: Blobs
    uploads: Uploads
    datasets: Datasets
    evaluator: Evaluator
    loss_planes: LossPlanes
    tokens: TokenBook
    health: Health
    columns: Columns = field(default_factory=Columns)
    answers: AnswerCache = field(default_factory=AnswerCache)
    courses: Courses = field(default_factory=Courses)
    large_checkpoints: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(LARGE_AT_ONCE))
    known_agents: TTLCache[tuple[str, str], bool] = field(
        default_factory=lambda: TTLCache(KNOWN, KNOWN_SECONDS)
    )
    rounds: RoundsReader = field(default_factory=RoundsReader)

    async def write(self, request: Request, work: Callable[[Transaction], T]) -> T:
        """Write a change in the name of the person who asks for it."""
        caller: Token = request.state.caller
        return await self.store.write(work, caller.name)


async def services_of(request: Request) -> Services:
    """Return the services of the application that a request came to."""
    services: Services = request.app.state.services
    return services


App = Annotated[Services, Depends(services_of)]  # the first parameter of a route
