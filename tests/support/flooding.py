"""Floods from a process of its own, not to slow down who measures; loopback only.

`python -m tests.support.flooding KIND PORT SECONDS CONNECTIONS` reads a token, or an empty line, from
standard input and prints how many answers of which status came; 0 counts connections that ended without one.
"""

from __future__ import annotations

import asyncio
import collections
import contextlib
import json
import os
import resource
import sys
import time
from collections.abc import Awaitable, Callable

HEAD = "{} HTTP/1.1\r\nHost: 127.0.0.1\r\n{}"
Answers = collections.Counter[int]


class Flood:
    """So many connections at once, each of which does the same again and again until the end."""

    def __init__(self, port: int, seconds: float, token: str) -> None:
        self._port = port
        self._until = time.monotonic() + seconds
        self._authorization = f"Authorization: Bearer {token}\r\n" if token else ""
        self.answers: Answers = collections.Counter()

    async def run(self, kind: str, connections: int) -> None:
        work: Callable[[], Awaitable[None]] = getattr(self, kind)
        await asyncio.gather(*(self._again(work) for _ in range(connections)))

    async def _again(self, work: Callable[[], Awaitable[None]]) -> None:
        while time.monotonic() < self._until:
            try:
                async with asyncio.timeout(max(0.1, self._until - time.monotonic())):
                    await work()
            except (OSError, TimeoutError, asyncio.IncompleteReadError):
                self.answers[0] += 1
                await asyncio.sleep(0.01)

    @contextlib.asynccontextmanager
    async def _connected(self):  # type: ignore[no-untyped-def]
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        try:
            yield reader, writer
        finally:
            writer.transport.abort()

    def _head(self, line: str, *more: str) -> bytes:
        return HEAD.format(line, self._authorization + "".join(f"{one}\r\n" for one in more)).encode()

    async def _answer(self, reader: asyncio.StreamReader) -> None:
        """Read one answer with a length; count its status."""
        head = await reader.readuntil(b"\r\n\r\n")
        self.answers[int(head.split(b" ", 2)[1])] += 1
        for line in head.lower().split(b"\r\n"):
            if line.startswith(b"content-length:"):
                await reader.readexactly(int(line.partition(b":")[2]))

    async def heads(self) -> None:
        """Send half a head and hold on."""
        async with self._connected() as (reader, writer):
            writer.write(self._head("GET /livez"))
            await reader.read(1)

    async def bodies(self) -> None:
        """Send a byte of a body in seven seconds."""
        async with self._connected() as (reader, writer):
            kind = "Content-Type: application/json", "Content-Length: 100000"
            writer.write(self._head("POST /api/v1/searches/check", *kind) + b"\r\n{")
            answer = asyncio.ensure_future(self._answer(reader))
            try:
                while not (await asyncio.wait({answer}, timeout=7.0))[0]:
                    writer.write(b" ")
                await answer
            finally:
                answer.cancel()

    async def exchanges(self) -> None:
        """The same with the message of an agent."""
        async with self._connected() as (reader, writer):
            kind = "Content-Type: application/json", "Content-Length: 100000"
            writer.write(self._head("POST /api/v1/exchange", *kind) + b"\r\n{")
            await self._answer(reader)

    async def streams(self) -> None:
        """Open a stream of events and read what comes."""
        async with self._connected() as (reader, writer):
            writer.write(self._head("GET /api/v1/searches/1/events") + b"\r\n")
            head = await reader.readuntil(b"\r\n\r\n")
            self.answers[int(head.split(b" ", 2)[1])] += 1
            while await reader.read(65536):
                pass

    async def requests(self) -> None:
        """Ask again as soon as there is an answer."""
        async with self._connected() as (reader, writer):
            while time.monotonic() < self._until:
                writer.write(self._head("GET /api/v1/searches") + b"\r\n")
                await self._answer(reader)

    async def pipelines(self) -> None:
        """Ask for thousands of things at once; read whatever is answered."""
        await self._poured(
            b"", (self._head("GET /livez") + b"\r\n" + self._head("GET /api/v1/searches") + b"\r\n") * 500
        )

    async def unread(self) -> None:
        """The same of a server whose answers nobody reads."""
        async with self._connected() as (_, writer):
            writer.transport.pause_reading()
            while True:
                writer.write((self._head("GET /livez") + b"\r\n") * 1000)
                await writer.drain()

    async def chunks(self) -> None:
        """Send a body in chunks of one byte, as fast as it goes."""
        kind = "Content-Type: application/json", "Transfer-Encoding: chunked"
        await self._poured(self._head("POST /api/v1/searches/check", *kind) + b"\r\n", b"1\r\nx\r\n" * 10_000)

    async def _poured(self, first: bytes, again: bytes) -> None:
        """Send something once, then something again and again, until the server ends the connection."""
        async with self._connected() as (reader, writer):
            writer.write(first)

            async def read() -> None:
                while await reader.read(65536):
                    pass

            reading = asyncio.ensure_future(read())
            try:
                while not reading.done():
                    writer.write(again)
                    await writer.drain()
            finally:
                reading.cancel()

    async def logins(self) -> None:
        """Sign in again and again: with the token, or with one that nobody knows."""
        async with self._connected() as (reader, writer):
            while time.monotonic() < self._until:
                guess = "" if self._authorization else f"Authorization: Bearer cav_{os.urandom(8).hex()}\r\n"
                head = self._head("POST /api/v1/session", "Content-Length: 0")
                writer.write(head + guess.encode() + b"\r\n")
                await self._answer(reader)


def main() -> None:
    kind, port, seconds, connections = sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4])
    token = sys.stdin.readline().strip()
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 8192), hard))
    flood = Flood(port, seconds, token)
    asyncio.run(flood.run(kind, connections))
    print(json.dumps(flood.answers))


if __name__ == "__main__":
    main()
