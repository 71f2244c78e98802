"""`caviar token` says which data folder it means: a token made in another one opens no server."""

from __future__ import annotations

from pathlib import Path

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
