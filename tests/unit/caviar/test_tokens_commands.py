"""`caviar token` says which data folder it means: a token made in another one opens no server."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from caviar.cli import app


def run(*arguments: str) -> tuple[str, str, str]:
    done = CliRunner().invoke(app, ["token", *arguments])
    return done.stdout, done.stderr, str(done.exception or "")


def test_the_folder_is_named_where_it_may_be_the_wrong_one(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    data = ("--data", str(folder))
    assert run("list", *data)[:2] == ("", f"There are no tokens in {folder}.\n")
    text, said, _ = run("new", "laptop", *data)
    assert text.startswith("cav_") and text.count("\n") == 1
    assert str(folder) in said and "--data" in said
    assert run("new", "desk", *data)[1] == ""
    assert run("list", *data)[0].startswith("laptop\tsubmit\t")
    assert run("revoke", "none", *data)[2] == f"There is no token named 'none' in {folder}"


def test_a_database_is_named_without_its_password(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'other.db'}"
    where = ("--data", str(tmp_path), "--database", url)
    assert run("new", "laptop", *where)[1].startswith(f"For a server on {url}")
    assert run("list", "--data", str(tmp_path))[0] == "", "the folder's own database has none"
    assert run("list", *where)[0].startswith("laptop\t")


def test_a_torn_file_of_tokens_is_refused_and_kept(tmp_path: Path) -> None:
    (tmp_path / "tokens.json").write_text('{"version": 1, "tok')
    said = run("list", "--data", str(tmp_path))[2]
    assert "tokens.json" in said and "caviar token new" in said
    assert (tmp_path / "tokens.json").read_text() == '{"version": 1, "tok'


def test_no_data_folder_is_made_where_none_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CAVIAR_DATA", raising=False)
    assert "there is no data folder caviar-data" in run("new", "laptop")[2]
    assert list(tmp_path.iterdir()) == []
