"""HTTP to a server: one connection pool, one way to fail, event streams that resume where they broke."""

import json
import math
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from copy import copy
from pathlib import Path
from typing import Any, Self, TypeVar

import httpx
import orjson
from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception,
    retry_if_exception_type,
    retry_if_result,
    stop_after_attempt,
    stop_after_delay,
    stop_before_delay,
    wait_exponential,
    wait_fixed,
)

from caviar.errors import CaviarError, RefusedError, UnreachableError
from caviar.files import read_secret
from caviar.json_body import write_body
from caviar.records import Event

T = TypeVar("T")
DEFAULT_URL = "http://127.0.0.1:8000"
TRIES = 3  # of a call that may be repeated without harm, when the network fails
FIRST_PAUSE = 0.2  # seconds between two of them; the next is twice as long
BUSY = (429, 503)  # answers that ask to come back
BUSY_SECONDS = 30.0  # how long a call that may be repeated comes back to a server that is too busy
STREAM_SECONDS = 60.0  # a stream silent for so long is broken: a quiet one shows every 15 that it lives
RESUME_SECONDS = 0.5  # before a broken stream is opened again
REMEDY = "check the address (--url, CAVIAR_URL)"
PATIENCE = 60.0  # seconds to wait for a server that was there before


class Transport:
    """The calls of `/api/v1`, as JSON in and JSON out."""

    def __init__(self, url: str | None = None, token: str | None = None, timeout: float = 30.0) -> None:
        self.url = (url or os.environ.get("CAVIAR_URL") or DEFAULT_URL).rstrip("/")
        if not self.url.startswith(("http://", "https://")):
            raise CaviarError(f"{self.url!r} is not an address: it must begin with http:// or https://")
        self.token = token or _token()
        self._headers: Mapping[str, str] = {}
        if self.token and not (self.token.isascii() and self.token.isprintable()):
            raise CaviarError("The token has characters that no token has: check --token or CAVIAR_TOKEN")
        self._timeout = httpx.Timeout(timeout, connect=5.0)
        self._inherited: list[httpx.Client] = []
        try:
            self._open()
        except httpx.InvalidURL as error:
            raise CaviarError(f"{self.url!r} is not an address: {error}") from None

    def _open(self) -> None:
        self._client = httpx.Client(
            base_url=f"{self.url}/api/v1", headers=self.headers, timeout=self._timeout
        )
        self._process = os.getpid()

    @property
    def _http(self) -> httpx.Client:
        """Return the connections of this process: a forked one would read its parent's answers."""
        if os.getpid() != self._process:
            self._inherited.append(self._client)  # open they stay: to close them is not for this process
            self._open()
        return self._client

    @property
    def headers(self) -> dict[str, str]:
        """Give what every request carries, the token too: for a process that calls on its own."""
        bearer = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        return {**bearer, **self._headers}

    def with_headers(self, headers: Mapping[str, str]) -> Self:
        """Return a transport on the same connections that sends these headers with every request."""
        other = copy(self)
        other._headers = {**self._headers, **headers}
        return other

    def call(self, method: str, path: str, *, timeout: float | None = None, **arguments: Any) -> Any:
        """Make one call and give its JSON; calls that may be repeated are, when the network fails.

        Raises UnreachableError when nobody answers, RefusedError (or a kind of it) when the server says no,
        CaviarError when what answers is no Caviar server.
        """
        response = self.request(method, path, timeout=timeout, **arguments)
        try:
            return orjson.loads(response.content) if response.content else None
        except orjson.JSONDecodeError:
            raise CaviarError(f"What answers at {self.url} is no Caviar server: {REMEDY}") from None

    def request(
        self,
        method: str,
        path: str,
        *,
        timeout: float | None = None,
        tries: int | None = None,
        missing: bool = False,
        **arguments: Any,
    ) -> httpx.Response:
        """Make one call and give its whole response; with `missing`, NaN may be sent and arrives as null.

        Raises UnreachableError and RefusedError, as `call` does; InvalidError for a NaN without `missing`.
        """
        if "json" in arguments:
            data = arguments.pop("json")
            numbers = orjson.OPT_SERIALIZE_NUMPY
            arguments["content"] = orjson.dumps(data, option=numbers) if missing else write_body(data)
            arguments["headers"] = {"Content-Type": "application/json"} | dict(arguments.get("headers") or {})
        if timeout is not None:
            arguments["timeout"] = timeout
        if self._headers:
            arguments["headers"] = {**self._headers, **(arguments.get("headers") or {})}
        repeatable = method in ("GET", "PUT", "DELETE") or "Idempotency-Key" in arguments.get("headers", {})
        tries = tries or (TRIES if repeatable else 1)
        return self._accepted(self._answer(lambda: self._http.request(method, path, **arguments), tries))

    def pages(self, path: str, query: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        """Go through the items of a list, page by page, of `limit` each."""
        asked = dict(query)
        while True:
            page = self.call("GET", path, params=asked)
            yield from page["items"]
            if not page.get("next"):
                return
            asked["cursor"] = page["next"]

    def pieces(self, path: str) -> Iterator[bytes]:
        """Return the body of an answer in pieces.

        Raises UnreachableError and RefusedError, as `call` does.
        """
        with self._opened(path, {}) as response:
            yield from response.iter_bytes()

    def events(self, path: str, *, last: str | None = None) -> Iterator[Event]:
        """Follow a stream of events without end; a broken connection resumes after the last event seen.

        Raises UnreachableError when the server stays away for a minute, RefusedError when it says no.
        """
        heard = time.monotonic()
        while True:
            try:
                for event in self._stream(path, last):
                    heard = time.monotonic()
                    if event is not None:
                        last = event.id or last
                        yield event
            except CaviarError as error:
                if not error.may_pass or time.monotonic() - heard > PATIENCE:
                    raise
            time.sleep(RESUME_SECONDS)

    def _stream(self, path: str, last: str | None) -> Iterator[Event | None]:
        """Return the events of one connection, and None for what shows no more than that it lives."""
        headers = {"Accept": "text/event-stream"} | ({"Last-Event-ID": last} if last else {})
        with self._opened(path, headers) as response:
            yield None
            yield from _parse(response.iter_lines())

    @contextmanager
    def _opened(self, path: str, headers: Mapping[str, str]) -> Iterator[httpx.Response]:
        """Return an answer whose body is read bit by bit."""
        timeout = httpx.Timeout(STREAM_SECONDS, connect=5.0)
        request = self._http.build_request("GET", path, headers={**self._headers, **headers}, timeout=timeout)
        try:
            with closing(self._answer(lambda: self._http.send(request, stream=True), TRIES)) as response:
                yield self._accepted(response)
        except httpx.TransportError as error:
            raise self._unreachable(error) from None

    def _answer(self, send: Callable[[], httpx.Response], tries: int) -> httpx.Response:
        """Send until there is an answer; one that says to come back is taken only when time is up.

        Raises UnreachableError.
        """
        connected = Retrying(
            retry=retry_if_exception_type(httpx.TransportError),
            wait=wait_exponential(FIRST_PAUSE),
            stop=stop_after_attempt(tries),
            reraise=True,
        )
        answered = Retrying(
            retry=retry_if_result(lambda response: response.status_code in BUSY),
            wait=lambda state: _seconds_to_wait(_response(state)),
            stop=stop_after_attempt(1) if tries == 1 else stop_before_delay(BUSY_SECONDS),
            before_sleep=_free_connection,
            retry_error_callback=_response,
        )
        try:
            return answered(lambda: connected(send))
        except httpx.TransportError as error:
            raise self._unreachable(error) from None

    def _accepted(self, response: httpx.Response) -> httpx.Response:
        """Return an answer that brings what was asked for.

        Raises RefusedError (or a kind of it) for one that says no, CaviarError for one that sends elsewhere.
        """
        if response.is_redirect:
            elsewhere = response.headers.get("Location")
            raise CaviarError(f"{self.url} sends its callers on to {elsewhere}: use the address there")
        if response.is_error:
            body = _json(response.read())
            if "title" not in body:
                said = f"{self.url} answered {response.status_code} and gave no reason"
                body = {"title": f"{said}; is it a Caviar server? If not, {REMEDY}"}
            raise RefusedError.of(response.status_code, body)
        return response

    def _unreachable(self, error: httpx.TransportError) -> UnreachableError:
        timed_out = isinstance(error, httpx.TimeoutException)
        reason = "it does not answer" if timed_out else "no connection"
        return UnreachableError(
            f"There is no Caviar server at {self.url} ({reason}). Start one with: caviar serve",
            timed_out=timed_out,
        )

    def close(self) -> None:
        """Close the connections."""
        if os.getpid() == self._process:
            self._client.close()


@contextmanager
def opened(url: str | None = None, token: str | None = None) -> Iterator[Transport]:
    """Return a transport for a while."""
    transport = Transport(url, token)
    try:
        yield transport
    finally:
        transport.close()


def retry_while_away(call: Callable[[], T], until: float = math.inf) -> T:
    """Make a call of a server that was there before; while it is away, again, for a minute at most.

    Raises what the call raises, when that will not pass or the server stays away; the latest at `until`.
    """
    patient = Retrying(
        retry=retry_if_exception(lambda error: isinstance(error, CaviarError) and error.may_pass),
        wait=wait_fixed(RESUME_SECONDS),
        stop=stop_after_delay(min(PATIENCE, until - time.monotonic())),
        reraise=True,
    )
    return patient(call)


def _response(state: RetryCallState) -> httpx.Response:
    """Return the answer to the try before."""
    assert state.outcome is not None
    response: httpx.Response = state.outcome.result()
    return response


def _free_connection(state: RetryCallState) -> None:
    """Read the answer to the try before to its end."""
    _response(state).read()


def _json(content: bytes) -> Mapping[str, Any]:
    try:
        body = orjson.loads(content)
    except orjson.JSONDecodeError:
        return {}
    return body if isinstance(body, dict) else {}


def _seconds_to_wait(response: httpx.Response) -> float:
    """Return how long an answer asks to wait; a second where it does not say, or says it as a date."""
    asked = response.headers.get("Retry-After", "")
    return max(0.1, float(asked)) if asked.isdecimal() else 1.0


def _parse(lines: Iterator[str]) -> Iterator[Event | None]:
    """Read server-sent events: fields up to an empty line; None for a comment."""
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
        if not name:
            yield None
        if name == "event":
            kind = value
        elif name == "data":
            data.append(value)
        elif name == "id":
            number = value


def _token() -> str | None:
    """Return the token of CAVIAR_TOKEN, or of the file that CAVIAR_TOKEN_FILE names."""
    path = os.environ.get("CAVIAR_TOKEN_FILE")
    if os.environ.get("CAVIAR_TOKEN") or not path:
        return os.environ.get("CAVIAR_TOKEN")
    try:
        return read_secret(Path(path))
    except ValueError as error:
        raise CaviarError(f"CAVIAR_TOKEN_FILE: {path} {error}") from None
