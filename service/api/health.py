"""Whether the process lives (livez) and whether it can work (readyz)."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

from anyio import CapacityLimiter, fail_after, to_thread
from fastapi import APIRouter, Request, Response
from pydantic import BaseModel

ANSWER_SECONDS = 2.0
LEAST_ROOM = 8 << 20  # bytes on the disk below which a commit may fail at any moment
LOOK_SECONDS = 0.5  # between two looks of the server itself
KNOWN_SECONDS = 1.5  # for which such a look answers probes
REMEMBER_SECONDS = 0.25  # probes in a storm share one look at the database


class NotReadyError(Exception):
    """A check that failed, with what to do about it."""

    def __init__(self, remedy: str) -> None:
        super().__init__(remedy)
        self.remedy = remedy


class Check(BaseModel):
    """One thing that must hold, and why it does not, or for how long it will."""

    ok: bool
    detail: str = ""


class Readiness(BaseModel):
    """Whether this server can take work, and what each check said."""

    ready: bool
    checks: dict[str, Check]


@dataclass(frozen=True)
class Beat:
    """A loop that must keep turning, such as the sweep of leases."""

    last: float
    within: float


class Health:
    """The checks of one server: callables that say what is to be told or raise; loops report their beats."""

    def __init__(
        self, checks: Mapping[str, Callable[[], str | None]], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._checks = checks
        self._clock = clock
        self._beats: dict[str, Beat] = {}
        self._draining = False
        self._lock = Lock()
        # Threads of its own: requests that wait for the database must not keep a probe from being answered.
        self.limiter = CapacityLimiter(2)
        self._answer: Readiness | None = None
        self._answered = float("-inf")

    def beat(self, name: str, within: float = 30.0) -> None:
        """Note that this loop turned; not ready when it does not turn again in time."""
        self._beats[name] = Beat(self._clock(), within)

    def drain(self) -> None:
        """Be not ready from now on: the server is about to stop."""
        self._draining = True
        self.forget()

    def forget(self) -> None:
        """Look afresh when asked next: something has happened that what was seen last does not show."""
        self._answered = float("-inf")

    def recent(self) -> Readiness | None:
        """Return the answer of a moment ago, if there is one."""
        return self._answer if self._clock() - self._answered <= REMEMBER_SECONDS else None

    def known(self) -> tuple[int, bytes] | None:
        """Return the status and body of an answer that is young enough for a probe, if there is one."""
        if self._answer is None or self._clock() - self._answered > KNOWN_SECONDS:
            return None
        return 200 if self._answer.ready else 503, self._answer.model_dump_json().encode()

    def read(self) -> Readiness:
        """Run the checks, or give the answer of a moment ago."""
        with self._lock:
            readiness = self.recent()
            if readiness is None:
                self._answer = readiness = self._look(self._clock())
                self._answered = self._clock()
            return readiness

    def _look(self, now: float) -> Readiness:
        found = {name: _run(check) for name, check in self._checks.items()}
        for name, beat in list(self._beats.items()):
            late = now - beat.last
            found[name] = Check(ok=late <= beat.within, detail=f"last turned {late:.1f} s ago")
        if self._draining:
            found["draining"] = Check(ok=False, detail="the server is stopping")
        return Readiness(ready=all(check.ok for check in found.values()), checks=found)


def has_room(folder: Path) -> None:
    """Check that a folder can be written and that there is room on its disk. Raises NotReadyError."""
    if os.statvfs(folder).f_flag & os.ST_RDONLY or not os.access(folder, os.W_OK):
        raise NotReadyError("the data folder is read only: mount it for writing, or let the server write")
    if shutil.disk_usage(folder).free < LEAST_ROOM:
        raise NotReadyError("the disk of the data folder is full: free some space")


def _run(check: Callable[[], str | None]) -> Check:
    try:
        said = check()
    except Exception as error:  # noqa: BLE001 - whatever a check raises is its answer
        # The kind alone: a driver's message may hold the address and the user of the database.
        return Check(ok=False, detail=getattr(error, "remedy", None) or type(error).__name__)
    return Check(ok=True, detail=said or "")


router = APIRouter(tags=["operations"])


@router.get("/livez", summary="The process answers")
async def livez() -> dict[str, bool]:
    return {"alive": True}


@router.get("/readyz", summary="The server can take work", responses={503: {"model": Readiness}})
async def readyz(request: Request, response: Response) -> Readiness:
    health: Health = request.app.state.services.health
    readiness = health.recent()
    if readiness is None:
        try:
            with fail_after(ANSWER_SECONDS):
                readiness = await to_thread.run_sync(
                    health.read, abandon_on_cancel=True, limiter=health.limiter
                )
        except TimeoutError:
            late = Check(ok=False, detail=f"no answer within {ANSWER_SECONDS:g} s")
            readiness = Readiness(ready=False, checks={"database": late})
    response.status_code = 200 if readiness.ready else 503
    return readiness
