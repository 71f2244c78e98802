"""Texts that people read use the terms of docs/terms.md."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TERMS = ROOT / "docs" / "terms.md"
READ = ("README.md", "docs/*.md", "service/dashboard/static/**/*.js", "caviar/cli/*.py", "service/api/*.py")
SAY = ("trainer/diagnosis.py", "service/usecases/submit*.py", "search/checking.py", "search/conditions.py")


def instead_of() -> dict[str, str]:
    """Return what not to write, and what to write for it."""
    rows = [line.strip("| \n").split("|") for line in TERMS.read_text(encoding="utf-8").splitlines()]
    table = [[cell.strip() for cell in row] for row in rows if len(row) == 3][2:]
    return {phrase.strip(): row[0] for row in table for phrase in row[2].split(";")}


def files() -> list[Path]:
    found = [path for pattern in (*READ, *SAY) for path in ROOT.glob(pattern)]
    return [path for path in found if path != TERMS]


def test_the_table_is_read() -> None:
    assert instead_of()["Take back"] == "undo" and len(instead_of()) > 20


@pytest.mark.parametrize(("phrase", "say"), instead_of().items())
def test_nothing_uses_another_word(phrase: str, say: str) -> None:
    wrong = re.compile(rf"\b{re.escape(phrase)}")
    found = [path.relative_to(ROOT) for path in files() if wrong.search(path.read_text(encoding="utf-8"))]
    assert not found, f"say {say!r} instead of {phrase!r}"
