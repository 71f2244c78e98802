"""A stream of events ends when the token of its reader is revoked."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from caviar.service.api import events
from tests.support.inprocess import running
from tests.support.waiting import wait

SEARCH: dict[str, Any] = {
    "trainer": "external",
    "settings": {"epochs": 3},
    "space": {"a": {"scale": "linear", "low": 0.0, "high": 1.0}},
    "budget": {"trials": 1},
}


def test_a_stream_ends_when_its_token_is_revoked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = "/api/v1/searches/1/events"
    monkeypatch.setattr(events, "POLL_SECONDS", 0.05)
    with ThreadPoolExecutor(1) as thread, running(tmp_path, token_required=True) as app:
        _, admin = app.app.state.tokens.create("owner", "admin")
        headers = {"authorization": f"Bearer {admin}"}
        assert app.request("POST", "/api/v1/searches", json=SEARCH, headers=headers).is_success
        _, text = app.app.state.tokens.create("reader", "read")
        reading = {"authorization": f"Bearer {text}"}
        stream = thread.submit(app.request, "GET", path, headers=reading)
        readers = app.app.state.services.notifier._searches
        wait(lambda: readers.get(1), 10, "the stream")
        assert not stream.done()
        app.app.state.tokens.revoke("reader")
        assert "event: search" in stream.result(timeout=10).text
        assert app.request("GET", path, headers=reading).status_code == 401
