"""A broken event stream goes on after the last event seen, with no gap and no double."""

from http.server import BaseHTTPRequestHandler

import pytest

from caviar.errors import NotFoundError
from caviar.records import Event

EVENTS = 30


class Breaking(BaseHTTPRequestHandler):
    """Sends three events from where it is asked to, then breaks in the middle of the fourth."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        if "/nothing" in self.path:
            self.send_response(404)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        first = int(self.headers.get("Last-Event-ID", 0)) + 1
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        for number in range(first, first + 3):
            text = f': comment\nid: {number}\nevent: epoch\ndata: {{"n":\ndata: {number}}}\n\n'
            self.wfile.write(text.encode())
        self.wfile.write(f"id: {first + 3}\nevent: epoch\ndata: {{".encode())
        self.close_connection = True

    def log_message(self, *_):
        pass


@pytest.fixture
def handler():
    return Breaking


def test_events_resume_exactly(transport):
    stream = transport.events("/searches/1/events")
    seen = [next(stream) for _ in range(EVENTS)]
    stream.close()
    assert seen == [Event("epoch", {"n": number}, str(number)) for number in range(1, EVENTS + 1)]


def test_a_stream_of_nothing_is_refused(transport):
    with pytest.raises(NotFoundError):
        next(transport.events("/nothing"))
