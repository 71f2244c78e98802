"""HTTP to a server: one connection pool, one way to fail, event streams that resume where they broke."""

import json
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import orjson

from caviar.errors import CaviarError, RefusedError, UnreachableError
from caviar.records import Event

DEFAULT_URL = "http://127.0.0.1:8000"
TRIES = 3  # of a call that may be repeated without harm
RESUME_SECONDS = 0.5  # before a broken stream is opened again
STREAM_PATIENCE = 60.0  # seconds without any answer before a broken stream is given up


class Transport:
    """The calls of `/api/v1`, as JSON in and JSON out."""

    def __init__(self, url: str | None = None, token: str | None = None, timeout: float = 30.0) -> None:
        self.url = (url or os.environ.get("CAVIAR_URL") or DEFAULT_URL).rstrip("/")
        token = token or _token()
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        try:
            self._http = httpx.Client(
                base_url=f"{self.url}/api/v1", headers=headers, timeout=httpx.Timeout(timeout, connect=5.0)
            )
        except httpx.InvalidURL as error:
            raise CaviarError(f"{self.url!r} is not an address: {error}") from None

    def call(self, method: str, path: str, *, timeout: float | None = None, **arguments: Any) -> Any:
        """Make one call and give its JSON; calls that may be repeated are, when the network fails.

        Raises UnreachableError when nobody answers, RefusedError (or a kind of it) when the server says no.
        """
        response = self.request(method, path, timeout=timeout, **arguments)
        return orjson.loads(response.content) if response.content else None

    def request(
        self,
        method: str,
        path: str,
        *,
        timeout: float | None = None,
        tries: int | None = None,
        **arguments: Any,
    ) -> httpx.Response:
        """Make one call and give its whole response.

        Raises UnreachableError and RefusedError, as `call` does.
        """
        if "json" in arguments:
            arguments["content"] = orjson.dumps(arguments.pop("json"), option=orjson.OPT_SERIALIZE_NUMPY)
            arguments["headers"] = {"Content-Type": "application/json"} | dict(arguments.get("headers") or {})
        if timeout is not None:
            arguments["timeout"] = timeout
        repeatable = method in ("GET", "PUT", "DELETE") or "Idempotency-Key" in arguments.get("headers", {})
        tries = tries or (TRIES if repeatable else 1)
        for remaining in reversed(range(tries)):
            try:
                response = self._http.request(method, path, **arguments)
                break
            except httpx.TransportError as error:
                if not remaining or isinstance(error, httpx.UnsupportedProtocol):
                    raise self._unreachable(error) from None
                time.sleep(0.1 * 2 ** (tries - remaining))
        if response.is_error:
            raise RefusedError.of(response.status_code, _json(response.content))
        return response

    def pieces(self, path: str) -> Iterator[bytes]:
        """Give the body of an answer in pieces.

        Raises UnreachableError and RefusedError, as `call` does.
        """
        try:
            with self._http.stream("GET", path, timeout=60.0) as response:
                if response.is_error:
                    raise RefusedError.of(response.status_code, _json(response.read()))
                yield from response.iter_bytes()
        except httpx.TransportError as error:
            raise self._unreachable(error) from None

    def events(self, path: str, *, last: str | None = None) -> Iterator[Event]:
        """Follow a stream of events without end; a broken connection resumes after the last event seen.

        Raises UnreachableError when the server stays away for a minute, RefusedError when it says no.
        """
        silent_since = time.monotonic()
        while True:
            try:
                for event in self._stream(path, last):
                    silent_since = time.monotonic()
                    last = event.id or last
                    yield event
            except httpx.TransportError as error:
                if time.monotonic() - silent_since > STREAM_PATIENCE:
                    raise self._unreachable(error) from None
            time.sleep(RESUME_SECONDS)

    def _stream(self, path: str, last: str | None) -> Iterator[Event]:
        headers = {"Accept": "text/event-stream"} | ({"Last-Event-ID": last} if last else {})
        with self._http.stream(
            "GET", path, headers=headers, timeout=httpx.Timeout(60.0, connect=5.0)
        ) as response:
            if response.is_error:
                raise RefusedError.of(response.status_code, _json(response.read()))
            yield from _parse(response.iter_lines())

    def _unreachable(self, error: httpx.HTTPError) -> UnreachableError:
        if isinstance(error, httpx.UnsupportedProtocol):
            return UnreachableError(f"{self.url!r} is not an address: it must begin with http:// or https://")
        reason = "it does not answer" if isinstance(error, httpx.TimeoutException) else "no connection"
        return UnreachableError(
            f"There is no Caviar server at {self.url} ({reason}). Start one with: caviar serve"
        )

    def close(self) -> None:
        """Close the connections."""
        self._http.close()


@contextmanager
def opened(url: str | None = None, token: str | None = None) -> Iterator[Transport]:
    """Give a transport for a while."""
    transport = Transport(url, token)
    try:
        yield transport
    finally:
        transport.close()


def _json(content: bytes) -> Mapping[str, Any]:
    try:
        body = orjson.loads(content)
    except orjson.JSONDecodeError:
        return {}
    return body if isinstance(body, dict) else {}


def _parse(lines: Iterator[str]) -> Iterator[Event]:
    """Read server-sent events: fields up to an empty line, comments left out."""
    kind, number = "message", None
    data: list[str] = []
    for line in lines:
        if not line:
            if data:
                yield Event(kind, json.loads("\n".join(data)), number)
            kind, data = "message", []
            continue
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "event":
            kind = value
        elif name == "data":
            data.append(value)
        elif name == "id":
            number = value


def _token() -> str | None:
    """Give the token of CAVIAR_TOKEN, or of the file that CAVIAR_TOKEN_FILE names."""
    path = os.environ.get("CAVIAR_TOKEN_FILE")
    if os.environ.get("CAVIAR_TOKEN") or not path:
        return os.environ.get("CAVIAR_TOKEN")
    try:
        return Path(path).read_text("utf-8").strip() or None
    except OSError as error:
        raise CaviarError(f"CAVIAR_TOKEN_FILE: {path} cannot be read: {error.strerror}") from None
