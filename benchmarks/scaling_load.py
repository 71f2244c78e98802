"""Agents that train nothing, in numbers: they speak to servers as agents do, and time answers."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import orjson

PAUSE = 0.02  # of an agent that was given nothing


@dataclass
class Seen:
    """What came of a load: who was given what, and how long each answer took."""

    given: Counter[str] = field(default_factory=Counter)  # trials at their first attempt
    ended: int = 0
    seconds: list[float] = field(default_factory=list)
    took: float = 0.0

    @property
    def exchanges(self) -> int:
        """Return how many exchanges were answered."""
        return len(self.seconds)

    @property
    def rate(self) -> float:
        """Return trials a second."""
        return self.ended / self.took

    @property
    def median(self) -> float:
        """Return the median of the time that an answer took, in seconds."""
        return sorted(self.seconds)[len(self.seconds) // 2]


def drive(servers: Sequence[str], search: int, trials: int, agents: int, length: float, beat: float) -> Seen:
    """Train all trials of a search, each `length` seconds long, with a sign of life each `beat` seconds.

    Each exchange of an agent goes to the next server, as behind a balancer.
    """
    return asyncio.run(_drive(servers, search, trials, agents, length, beat))


async def _drive(
    servers: Sequence[str], search: int, trials: int, agents: int, length: float, beat: float
) -> Seen:
    seen = Seen()
    began = time.perf_counter()
    await asyncio.gather(
        *(_agent(number, servers, search, trials, length, beat, seen) for number in range(agents))
    )
    seen.took = time.perf_counter() - began
    return seen


async def _agent(
    number: int, servers: Sequence[str], search: int, trials: int, length: float, beat: float, seen: Seen
) -> None:
    links = [await _Link.to(server) for server in servers]
    who = {"id": f"a-{random.getrandbits(64):016x}", "engine": "script", "trainers": ["external"]}
    who |= {"searches": [search], "host": "load", "pid": number}
    turn, reports = number, []
    while seen.ended < trials:
        request = {"agent": who, "want": 1, "known": [search], "holding": [], "reports": reports}
        began = time.perf_counter()
        answer = await links[turn % len(links)].post("/api/v1/exchange", request)
        seen.seconds.append(time.perf_counter() - began)
        turn += 1
        seen.ended += sum("result" in report for report in reports)
        reports = []
        for trial in answer["trials"]:
            seen.given[trial["trial"]] += trial["attempt"] == 1
            await _train(links, who, trial, length, beat, seen)
            reports.append(_report(trial))
        if not answer["trials"] and seen.ended < trials:
            await asyncio.sleep(PAUSE)
    for link in links:
        link.close()


async def _train(links: list[_Link], who: Any, trial: Any, length: float, beat: float, seen: Seen) -> None:
    """Let the time of a trial pass, with a sign of life now and then."""
    left = length
    while left > beat:
        await asyncio.sleep(beat)
        left -= beat
        holding = [(trial["trial"], trial["attempt"])]
        request = {"agent": who, "want": 0, "known": who["searches"], "holding": holding, "reports": []}
        began = time.perf_counter()
        await links[0].post("/api/v1/exchange", request)
        seen.seconds.append(time.perf_counter() - began)
    if left > 0:
        await asyncio.sleep(left)


def _report(trial: Any) -> dict[str, Any]:
    value = trial["params"]["p0"]
    return {
        **{"trial": trial["trial"], "attempt": trial["attempt"], "columns": ["dev_error"], "rows": [[value]]},
        "result": {"state": "completed", "metrics": {"dev_error": value}, "epoch": 1},
    }


async def _connected(host: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    name, _, port = host.partition(":")
    return await asyncio.open_connection(name, int(port))


class _Link:
    """A connection that stays open."""

    def __init__(self, host: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._host, self._reader, self._writer = host, reader, writer

    @classmethod
    async def to(cls, server: str) -> _Link:
        """Connect to a server."""
        host = urlsplit(server).netloc
        return cls(host, *await _connected(host))

    async def post(self, path: str, said: Any) -> Any:
        """Send JSON and return what is answered; raise where that is an error.

        A server closes connections that were not used for some seconds: then on another one.
        """
        try:
            return await self._post(path, said)
        except (EOFError, ConnectionError):
            self.close()
            self._reader, self._writer = await _connected(self._host)
            return await self._post(path, said)

    async def _post(self, path: str, said: Any) -> Any:
        body = orjson.dumps(said)
        head = f"POST {path} HTTP/1.1\r\nHost: {self._host}\r\nContent-Type: application/json\r\n"
        self._writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        answered = (await self._reader.readuntil(b"\r\n\r\n")).decode().lower()
        length = int(answered.partition("content-length: ")[2].partition("\r\n")[0])
        content = await self._reader.readexactly(length)
        if " 200 " not in answered.partition("\r\n")[0]:
            raise RuntimeError(content.decode())
        return orjson.loads(content)

    def close(self) -> None:
        """Close the connection."""
        self._writer.close()
