"""The first tokens reach their owner and nobody else, or it is said that they are lost."""

import logging
from pathlib import Path

import pytest

from caviar.service.security.announce import FILE, LOST, announce

MADE = {"admin": "cav_" + "a" * 43, "agents": "cav_" + "b" * 43}


@pytest.fixture(autouse=True)
def without_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: False)


def test_the_file_is_its_owners_alone_even_where_one_lay_open(tmp_path: Path) -> None:
    file = tmp_path / FILE
    file.write_text("torn")
    file.chmod(0o644)
    announce(MADE, tmp_path)
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.read_text() == "".join(f"{name}: {text}\n" for name, text in MADE.items())


def test_a_file_that_cannot_be_written_stops_no_server(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR):
        announce(MADE, tmp_path / "none")
    [line] = caplog.messages
    assert LOST in line and "No such file" in line
    assert not any(text in line for text in MADE.values())
