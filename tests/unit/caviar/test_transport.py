"""A server that is busy, away for a while, or no Caviar server at all."""

import time
from http.server import BaseHTTPRequestHandler

import orjson
import pytest

from caviar import Client
from caviar.errors import CaviarError, NotFoundError, RefusedError

BUSY = (503, {"Retry-After": "0"}, {"title": "Too busy", "detail": "try again in a moment"})
RUNNING = {"id": 1, "name": "s", "state": "running"}


class Scripted(BaseHTTPRequestHandler):
    """Return the answers of a list, the last one for ever; one that is None breaks the connection."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        answers = self.server.answers
        self.server.calls += 1
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        self.close_connection = True
        if answer is None:
            return
        status, headers, body = answer
        content = body if isinstance(body, bytes) else orjson.dumps(body)
        self.send_response(status)
        for name, value in {"Content-Length": str(len(content)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    do_POST = do_GET

    def log_message(self, *_):
        pass


@pytest.fixture
def handler():
    return Scripted


def test_a_call_that_may_be_repeated_comes_back_to_a_busy_server(server, transport):
    server.answers = [BUSY, BUSY, BUSY, BUSY, (429, {}, {"title": "Too many"}), (200, {}, {"fine": True})]
    assert transport.call("GET", "/searches/1") == {"fine": True}
    server.answers = [BUSY, (200, {}, b"whole")]
    assert b"".join(transport.pieces("/datasets/1/content")) == b"whole"


def test_a_call_that_may_not_be_repeated_is_made_once(server, transport):
    server.answers = [BUSY]
    with pytest.raises(RefusedError, match="try again"):
        transport.call("POST", "/searches/1/points")
    assert server.calls == 1


def test_a_server_that_stays_busy_is_given_up(server, transport, monkeypatch):
    monkeypatch.setattr("caviar.transport.BUSY_SECONDS", 0.2)
    server.answers = [BUSY]
    with pytest.raises(RefusedError, match="try again"):
        transport.call("GET", "/searches/1")
    server.answers, server.calls = [(503, {"Retry-After": "3600"}, {"title": "Closed"})], 0
    with pytest.raises(RefusedError, match="Closed"):
        transport.call("GET", "/searches/1")
    assert server.calls == 1


def test_a_quiet_stream_that_lives_is_resumed_after_a_cut(server, transport, monkeypatch):
    monkeypatch.setattr("caviar.transport.PATIENCE", 0.3)
    quiet = (200, {"Content-Length": "99"}, b": keep-alive\n\n")
    event = (200, {}, b'id: 1\nevent: trial\ndata: {"n": 1}\n\n')
    server.answers = [*[quiet] * 100, BUSY, (502, {}, b"<html>"), None, event]
    assert next(transport.events("/searches/1/events")).data == {"n": 1}


def test_wait_outlives_a_restart_of_the_server(server, transport, monkeypatch):
    monkeypatch.setattr("caviar.transport.TRIES", 1)
    down = [None, None, (500, {}, {"title": "Internal error"})]
    server.answers = [(200, {}, RUNNING), *down, (200, {}, RUNNING | {"state": "completed"})]
    with Client(transport.url) as client:
        assert client.wait(1, timeout=10).done


def test_a_server_that_stays_away_is_not_waited_for_beyond_the_time_given(server, transport):
    server.answers = [(200, {}, RUNNING), (500, {}, {"title": "Internal error"})]
    began = time.monotonic()
    with Client(transport.url) as client, pytest.raises(RefusedError, match="Internal error"):
        client.wait(1, timeout=0.2)
    assert time.monotonic() - began < 20


@pytest.mark.parametrize(
    ("answer", "kind", "said"),
    [
        ((200, {}, b"<html>Welcome</html>"), CaviarError, "no Caviar server: check the address"),
        ((404, {}, b"<html>no such page</html>"), NotFoundError, "answered 404 .* is it a Caviar server"),
        ((404, {}, {"detail": "Not Found"}), NotFoundError, "answered 404 .* is it a Caviar server"),
        ((301, {"Location": "https://lab/"}, b""), CaviarError, "on to https://lab/: use the address there"),
    ],
)
def test_what_is_no_caviar_server_is_said(server, transport, answer, kind, said):
    server.answers = [answer]
    with pytest.raises(kind, match=said):
        transport.call("GET", "/searches/1")
