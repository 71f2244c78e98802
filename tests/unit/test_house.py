"""What holds for every file of the house: names of imports, lines of docs, subjects of commits."""

from __future__ import annotations

import ast
import re
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BARE = {"search", "trainer", "service", "db_migrations"}
FOLDERS = (
    "search",
    "trainer",
    "service",
    "caviar",
    "db_migrations",
    "tests",
    "benchmarks",
    "examples",
    "docs",
)


def sources() -> list[Path]:
    """Return our Python files; caviar/ links to the other folders, which are not entered twice."""
    found = [path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py")]
    return [path for path in found if "node_modules" not in path.parts]


def imported(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Yield line and full name of every import, those inside functions and by name too."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield node.lineno, node.module or ""
        elif isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if called in ("import_module", "find_spec") and isinstance(node.args[0].value, str):
                yield node.lineno, node.args[0].value


def bare(text: str) -> list[str]:
    """Return the imports of names that only exist below `caviar`."""
    found = imported(ast.parse(text))
    return [f"{line}: {name}" for line, name in found if name.partition(".")[0] in BARE]


def test_nothing_imports_a_bare_name() -> None:
    """They would land in site-packages, and die beside a script called search.py."""
    files = sources()
    assert len(files) > 400
    wrong = [f"{path.relative_to(ROOT)}:{each}" for path in files for each in bare(path.read_text("utf-8"))]
    assert wrong == []


@pytest.mark.parametrize(
    "text",
    [
        "import search",
        "from trainer.run import Run",
        "def f():\n    import service.app",
        'import_module("search.x")',
    ],
)
def test_a_bare_name_is_found(text: str) -> None:
    assert bare(text)
    assert not bare(text.replace("search", "caviar.search").replace("trainer", "a").replace("service", "b"))


@pytest.mark.parametrize(
    ("message", "good"),
    [
        ("store: one table of trial fields\n\nIt stood in eight places.\n", True),
        ("tests, docs: lines of at most 100 characters\n", True),
        ("Merge branch 'a'\n", True),
        ("One table of trial fields\n", False),
        ("store: " + "x" * 66 + "\n", False),
        ("store:\n", False),
        ("store: one table\nof trial fields\n", False),
    ],
)
def test_a_subject_names_the_place_and_the_change(tmp_path: Path, message: str, good: bool) -> None:
    file = tmp_path / "message"
    file.write_text(message)
    done = subprocess.run([ROOT / ".ci" / "commit-msg", file], capture_output=True, text=True, check=False)
    assert (done.returncode == 0) == good, done.stderr
    assert good or done.stderr.strip()


LONGEST = 100  # characters of a line of docs
PAGES = [*(ROOT / "docs").rglob("*.md")]
PAGES += [ROOT / name for name in ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md")]


def breakable(line: str) -> bool:
    """Return whether a line could be shorter: rows of tables cannot, nor one word, link or code alone."""
    words = re.sub(r"\[[^\]]*\]\([^)]*\)|`[^`]*`", "one", line).split()
    return not line.startswith("|") and len(words) > 1


@pytest.mark.parametrize("page", sorted(PAGES), ids=lambda page: str(page.relative_to(ROOT)))
def test_lines_of_docs_are_short(page: Path) -> None:
    lines = enumerate(page.read_text("utf-8").splitlines(), 1)
    assert [number for number, line in lines if len(line) > LONGEST and breakable(line)] == []


def test_architecture_draws_the_layers_that_import_linter_holds() -> None:
    """Every line of a drawing begins with a layer of the contract, in its order."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    drawings = re.findall(r"```\n(.*?)```", (ROOT / "ARCHITECTURE.md").read_text("utf-8"), re.DOTALL)
    held = [contract["layers"] for contract in contracts if contract["type"] == "layers"]
    assert len(held) == 2
    for layers, drawing in zip(held, drawings, strict=False):
        assert [re.split(r"  +", line)[0] for line in drawing.splitlines()] == layers


@pytest.mark.parametrize("name", ["ARCHITECTURE.md", "CONTRIBUTING.md"])
def test_the_places_that_a_page_names_are_there(name: str) -> None:
    path = r"(?<![\w/])(?:[\w.]+/)+[\w-]+\.(?:py|md|js|json|toml)\b"
    named = re.findall(path, (ROOT / name).read_text("utf-8"))
    places = [ROOT, ROOT / "tests", ROOT / "service" / "dashboard" / "static"]
    away = [one for one in named if "NAME" not in one and not any((at / one).exists() for at in places)]
    assert len(named) > 10 and away == []


LOCKS = [*ROOT.glob("requirements*.lock"), *(ROOT / "benchmarks" / "peers" / "requirements").iterdir()]
LOCKS += [ROOT / name / "requirements.txt" for name in ("benchmarks", "examples")]


@pytest.mark.parametrize("lock", sorted(LOCKS), ids=lambda lock: str(lock.relative_to(ROOT)))
def test_lock_files_name_packages_and_no_place(lock: Path) -> None:
    lines = [line for line in lock.read_text("utf-8").splitlines() if not line.startswith("#")]
    assert lines
    assert not [line for line in lines if "://" in line or line.startswith("-") or " @ " in line]
