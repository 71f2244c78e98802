"""An HTTP server in this process, for what a client does when answers are odd."""

import threading
from http.server import ThreadingHTTPServer

import pytest

from caviar.transport import Transport


@pytest.fixture
def server(handler):
    """A server that answers as the module's fixture `handler` says, a class."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.calls = 0
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def transport(server, monkeypatch):
    monkeypatch.setattr("caviar.transport.RESUME_SECONDS", 0.01)
    transport = Transport(f"http://127.0.0.1:{server.server_port}")
    yield transport
    transport.close()
