"""Callers who want to hurt: endless heads and bodies, lying lengths, floods. The server stays small."""

import contextlib
import http.client
import re
import socket
import threading
import time
from collections.abc import Iterator

import psutil
import pytest

from caviar.service.config import Limits
from caviar.service.security.concurrency_limit import OF_LOCAL
from caviar.service.security.protocol import HEAD_SECONDS
from tests.support.server_process import Server
from tests.support.waiting import wait

MIB = 1 << 20


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    made = Server(tmp_path_factory.mktemp("hostile"), workers=0)
    try:
        made.start()
        yield made
    finally:
        made.close()


@contextlib.contextmanager
def small(server: Server) -> Iterator[None]:
    """Alive afterwards, and at most 256 MiB larger at any moment between."""
    assert server.process is not None
    process = psutil.Process(server.process.pid)
    before, peak, done = process.memory_info().rss, 0, threading.Event()

    def watch() -> None:
        nonlocal peak
        while not done.wait(0.02):
            peak = max(peak, process.memory_info().rss)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield
    finally:
        done.set()
        watcher.join()
    assert peak - before < 256 * MIB, f"{(peak - before) / MIB:.0f} MiB"
    assert server.client.get("/livez", timeout=5).status_code == 200


def talk(server: Server, pieces: Iterator[bytes], seconds: float = 10.0) -> bytes:
    """Send pieces until the server has had enough; gives what it answered."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=seconds) as connection:
        with contextlib.suppress(OSError):
            for piece in pieces:
                connection.sendall(piece)
        with contextlib.suppress(OSError):
            return connection.recv(65536)
    return b""


def head(method: str, path: str, *more: str) -> bytes:
    return "\r\n".join([f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", *more, "", ""]).encode()


def many(start: bytes, piece: bytes, times: int) -> Iterator[bytes]:
    yield start
    for _ in range(times):
        yield piece


def test_a_head_that_never_ends_is_cut(server: Server) -> None:
    began = time.monotonic()
    with small(server):
        start = b"GET /livez HTTP/1.1\r\nHost: 127.0.0.1\r\nX: "
        assert b" 200 " not in talk(server, many(start, b"x" * 65536, 4000))
        lines = b"".join(b"X-%d: y\r\n" % i for i in range(5000))
        assert b" 200 " not in talk(server, many(b"GET /livez HTTP/1.1\r\nHost: 127.0.0.1\r\n", lines, 1000))
        assert b" 200 " not in talk(server, many(b"GET /" + b"a" * 60000, b"a" * 65536, 4000))
    assert time.monotonic() - began < 30


@pytest.mark.parametrize("piece", [b"X-i: " + b"y" * 8000 + b"\r\n", b"y" * 8192], ids=["lines", "one line"])
def test_a_trailer_that_never_ends_is_cut(server: Server, piece: bytes) -> None:
    start = head("GET", "/livez", "Transfer-Encoding: chunked") + b"1\r\nx\r\n0\r\nX: "
    sent = 0

    def pieces() -> Iterator[bytes]:
        nonlocal sent
        for one in many(start, piece * 16, 400):  # 50 MiB
            yield one
            sent += 1

    with small(server):
        talk(server, pieces())
    assert sent < 400


def test_a_short_trailer_is_taken(server: Server) -> None:
    request = head("GET", "/livez", "Transfer-Encoding: chunked") + b"1\r\nx\r\n0\r\nX-Sum: 1\r\n\r\n"
    answer = talk(server, iter([request, head("GET", "/readyz", "Connection: close")]))
    assert b" 200 " in answer


@pytest.mark.parametrize("path", ["/api/v1/searches", "/api/v1/exchange", "/api/v1/searches/check"])
def test_an_endless_body_is_answered_413(server: Server, path: str) -> None:
    chunk = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
    with small(server):
        answer = talk(
            server,
            many(
                head("POST", path, "Content-Type: application/json", "Transfer-Encoding: chunked"),
                chunk,
                10_000,
            ),
        )
    assert answer == b"" or b" 413 " in answer


def test_a_length_that_lies_is_refused_at_once(server: Server) -> None:
    for length in ("999999999999", "-1", "1e9", "5, 5", "0x10"):
        began = time.monotonic()
        answer = talk(server, iter([head("POST", "/api/v1/searches", f"Content-Length: {length}"), b"{}"]), 5)
        assert b" 413 " in answer or b" 400 " in answer, (length, answer)
        assert time.monotonic() - began < 4


def test_what_is_not_http_is_refused(server: Server) -> None:
    double = head("POST", "/api/v1/searches", "Content-Length: 2", "Content-Length: 3") + b"{}x"
    both = head("POST", "/api/v1/searches", "Content-Length: 2", "Transfer-Encoding: chunked") + b"0\r\n\r\n"
    rest = [b"\0" * 100, b"\x16\x03\x01" + b"\0" * 200, b"GET / HTTP/9.9\r\n\r\n", b"GET\r\n\r\n"]
    bare = [b"GET /livez HTTP/1.1\r\n\r\n", b"GET /livez HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"]
    for payload in (double, both, *rest, *bare):
        answer = talk(server, iter([payload, b""]), 5)
        assert b" 2" not in answer[:14], (payload, answer)
    assert server.client.get("/livez").status_code == 200


def test_deep_and_huge_json_is_an_error_of_the_caller(server: Server) -> None:
    bodies = [
        b"[" * 1_000_000,
        b'{"a":' * 200_000,
        b"1" * 5_000_000,
        b'{"name": "' + b"x" * 7_000_000 + b'"}',
    ]
    bodies += [
        b"\xff\xfe",
        b'{"budget": {"trials": 1e400}}',
        b'{"seed": ' + b"9" * 5000 + b"}",
        b"NaN",
        b"null",
    ]
    with small(server):
        for body in bodies:
            for path in ("/api/v1/searches", "/api/v1/exchange"):
                answer = server.client.post(path, content=body, headers={"content-type": "application/json"})
                assert 400 <= answer.status_code < 500, (path, body[:40], answer.status_code)


def test_filters_and_pages_take_what_they_know(server: Server) -> None:
    search = server.submit(5)
    base = f"/searches/{search}/trials"
    for name in ("filter", "sort", "cursor", "limit", "state"):
        for text in (
            "'; DROP TABLE trials; --",
            "1 OR 1=1",
            "params.x<0) UNION SELECT",
            "-value,(SELECT 1)",
            "\0",
            "9" * 400,
        ):
            answer = server.call("GET", base, params={name: text})
            assert answer.status_code in (400, 422), (name, text, answer.text)
            assert answer.json()["errors"], answer.text
    assert server.call("GET", base, params={"limit": "1000000"}).status_code == 422
    assert server.get(base)["items"] == [] or server.get(base)["total"] >= 0


def test_more_streams_than_the_server_holds_are_refused_and_the_rest_is_served(server: Server) -> None:
    search = server.submit(1)
    request = head("GET", f"/api/v1/searches/{search}/events")
    with contextlib.ExitStack() as stack:
        answers = []
        for _ in range(int(Limits().streams * OF_LOCAL) + 3):
            connection = stack.enter_context(socket.create_connection(("127.0.0.1", server.port), 20))
            connection.sendall(request)
            answers.append(connection.recv(4096).split(b"\r\n\r\n")[0])
        full = [answer for answer in answers if b" 503 " in answer]
        assert len(full) == 3 and all(b"retry-after: 1" in answer for answer in full), full
        assert server.client.get("/readyz", timeout=5).status_code == 200
        assert server.get(f"/searches/{search}")["id"] == search
    wait(lambda: served(server, search), 20, "streams once the others have gone")


def served(server: Server, search: int) -> bool:
    with server.client.stream("GET", f"/api/v1/searches/{search}/events") as response:
        return response.status_code == 200


@pytest.mark.soak
def test_a_request_in_progress_is_not_taken_for_a_head_that_does_not_come(
    server: Server,
) -> None:
    """Only what has sent nothing whole is cut: a stream may be quiet for long."""
    search = server.submit(1)
    with socket.create_connection(("127.0.0.1", server.port), 40) as connection:
        connection.sendall(head("GET", f"/api/v1/searches/{search}/events"))
        until = time.monotonic() + HEAD_SECONDS + 5
        while time.monotonic() < until:
            connection.settimeout(until + 20 - time.monotonic())
            assert connection.recv(65536), "the stream was cut"


def test_probes_are_answered_on_one_connection_and_their_host_is_looked_at(server: Server) -> None:
    with socket.create_connection(("127.0.0.1", server.port), 10) as connection:
        for path in ("/livez", "/readyz", "/api/v1/session", "/livez", "/livez?x=1"):
            connection.sendall(head("GET", path))
            answer = http.client.HTTPResponse(connection)
            answer.begin()
            assert answer.status == 200, path
            assert answer.read(), path
        connection.sendall(head("GET", "/livez") + head("GET", "/api/v1/session") + head("GET", "/readyz"))
        answers, until = b"", time.monotonic() + 10
        while b"ready" not in answers and time.monotonic() < until:
            answers += connection.recv(65536)
        assert answers.index(b"alive") < answers.index(b"token_required") < answers.index(b"ready")
        connection.sendall(head("HEAD", "/livez", "Connection: close"))
        assert b"".join(iter(lambda: connection.recv(65536), b"")).endswith(b"\r\n\r\n"), "a body"
    for more in ("Host: evil.example", "Origin: http://evil.example"):
        answer = talk(server, iter([b"GET /livez HTTP/1.1\r\n" + more.encode() + b"\r\n\r\n"]), 5)
        assert b" 400 " in answer or b" 403 " in answer, (more, answer)


def test_a_body_that_was_answered_before_its_end_must_come_soon(server: Server) -> None:
    """A refusal does not read the body: who then sends a byte now and then held a connection for ever."""
    start = head("POST", "/api/v1/searches", "Content-Type: text/plain", "Content-Length: 1000")
    with socket.create_connection(("127.0.0.1", server.port), 10) as connection:
        connection.sendall(start)
        assert b" 415 " in connection.recv(65536)
        began = time.monotonic()
        with contextlib.suppress(OSError):
            while time.monotonic() - began < 8:
                connection.sendall(b"x")
                time.sleep(0.2)
        assert time.monotonic() - began < 8


@contextlib.contextmanager
def pouring(server: Server, first: bytes, again: bytes, connections: int) -> Iterator[None]:
    """Send something again and again on several connections, without reading, for the length of a block."""
    over = threading.Event()

    def pour() -> None:
        while not over.is_set():
            with (
                contextlib.suppress(OSError),
                socket.create_connection(("127.0.0.1", server.port), 0.2) as it,
            ):
                it.sendall(first)
                while not over.is_set():
                    with contextlib.suppress(TimeoutError):
                        it.sendall(again)

    threads = [threading.Thread(target=pour) for _ in range(connections)]
    for one in threads:
        one.start()
    try:
        yield
    finally:
        over.set()
        for one in threads:
            one.join()


@pytest.mark.parametrize(
    ("first", "again"),
    [
        (b"", head("GET", "/livez") * 1000),
        (b"", head("GET", "/api/v1/searches") * 1000),
        (head("GET", "/api/v1/events"), head("GET", "/") * 1000),
        (head("POST", "/api/v1/searches/check", "Transfer-Encoding: chunked"), b"1\r\nx\r\n" * 10_000),
    ],
    ids=["probes", "requests", "behind a stream", "chunks of a byte"],
)
def test_who_sends_all_at_once_keeps_nobody_waiting(server: Server, first: bytes, again: bytes) -> None:
    """The probes of others are answered one after the other meanwhile."""
    with small(server), pouring(server, first, again, 12):
        for _ in range(10):
            began = time.monotonic()
            assert server.client.get("/livez", timeout=5).status_code == 200
            assert time.monotonic() - began < 3.0


def test_requests_sent_at_once_are_answered_in_their_order(server: Server) -> None:
    body, kind = b'{"name": "x"}', "Content-Type: application/json"
    check = "/api/v1/searches/check"
    sent = head("GET", "/livez") + head("POST", check, kind, "Content-Length: 13") + body
    sent += head("POST", check, kind, "Transfer-Encoding: chunked") + b"d\r\n" + body + b"\r\n0\r\n\r\n"
    sent += head("GET", "/nothing") + head("GET", "/readyz", "Connection: close")
    for size in (1, 7, len(sent)):
        with socket.create_connection(("127.0.0.1", server.port), timeout=10.0) as connection:
            for first in range(0, len(sent), size):
                connection.sendall(sent[first : first + size])
            answer = b"".join(iter(lambda: connection.recv(65536), b""))
        assert re.findall(rb"HTTP/1.1 (\d+)", answer) == [b"200", b"200", b"200", b"404", b"200"]


@pytest.mark.soak  # it is noticed when the stream says again that it lives
def test_a_stream_ends_with_its_client_whatever_came_behind_it(server: Server) -> None:
    assert server.process is not None
    process = psutil.Process(server.process.pid)
    search = server.submit(1)
    before = process.num_fds()
    for _ in range(20):
        with socket.create_connection(("127.0.0.1", server.port), timeout=10.0) as connection:
            connection.sendall(head("GET", f"/api/v1/searches/{search}/events") + head("GET", "/nothing"))
            assert b" 200 " in connection.recv(65536)
    wait(lambda: process.num_fds() <= before + 2, 40, lambda: f"{process.num_fds()} files, not {before}")


def test_too_many_headers_are_refused(server: Server) -> None:
    lines = [f"X-{number}: y" for number in range(1000)]
    assert b" 400 " in talk(server, iter([head("GET", "/livez", *lines)]))
    assert server.client.get("/" + "a" * 4000).status_code == 400
