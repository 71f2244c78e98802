"""Behind a proxy on this machine each caller has an own count of failed logins."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest

from caviar.service.security.failed_logins import MOST
from tests.support.server_process import Server


@pytest.mark.one_server("each counts failed logins for itself")
def test_one_that_guesses_keeps_nobody_else_out(make_server: Callable[..., Server]) -> None:
    admin = "owner-" + "7c" * 20
    server = make_server(
        workers=0, environment={"CAVIAR_ADMIN_TOKEN": admin}, arguments=("--token-required",)
    )
    server.start()

    def status(address: str, token: str | None = None) -> int:
        guess = token or f"cav_{os.urandom(16).hex()}"
        headers = {"Authorization": f"Bearer {guess}", "X-Forwarded-For": address}
        return server.client.get("/api/v1/searches", headers=headers).status_code

    assert {status("203.0.113.7") for _ in range(MOST)} == {401}
    assert status("203.0.113.7") == 429
    assert status("203.0.113.8") == 401
    assert status("203.0.113.7", admin) == 200
