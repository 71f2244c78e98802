"""Servers on one Postgres with different settings: the one that starts later says so."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.engine import URL

from caviar.service import config
from caviar.service.store.shared_settings import connection_name
from tests.support.inprocess import running

pytestmark = pytest.mark.postgres
TOKENS = {"CAVIAR_ADMIN_TOKEN": "a" * 40, "CAVIAR_AGENT_TOKEN": "b" * 40}


@pytest.mark.parametrize(
    ("folder", "arguments", "words"),
    [
        ("one", {}, []),
        ("two", {}, ["--store, or one data folder"]),
        ("one", {"token_required": True, "lease": 7.0}, ["CAVIAR_TOKEN_REQUIRED", "CAVIAR_LEASE"]),
    ],
)
def test_what_differs_is_told_at_the_start(
    built_postgres_url: URL,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    folder: str,
    arguments: dict[str, Any],
    words: list[str],
) -> None:
    database = built_postgres_url.render_as_string(hide_password=False)
    with running(tmp_path / "one", database=database):
        caplog.clear()
        with running(tmp_path / folder, database=database, **arguments):
            said = [one.message for one in caplog.records if one.levelno == logging.WARNING]
    assert len(said) == len(words) and all(word in line for word, line in zip(words, said, strict=True)), said


def test_the_name_of_a_connection_fits_and_keeps_secrets(tmp_path: Path) -> None:
    def name(**changed: str) -> str:
        told = {**TOKENS, "CAVIAR_DATABASE_URL": "postgresql://h/d", **changed}
        return connection_name(config.read(told, data=tmp_path, token_required=True, lease=86400.0))

    assert len(name()) <= 63
    assert name() == name() != name(CAVIAR_ADMIN_TOKEN="c" * 40)
    assert not any(token[:5] in name() for token in TOKENS.values())
