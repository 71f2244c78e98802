"""A copy of the source tree that a test extends as CONTRIBUTING.md says, noting which files it touched."""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.commandline import ROOT

FOLDERS = ("caviar", "search", "trainer", "service", "db_migrations", "docs")
_CLUTTER = shutil.ignore_patterns("__pycache__", "*.png", "*.pyc")
_RECIPE = re.compile(r"^### Add an? ([a-z ]+) \((\d+) files?\)\n(.*?)(?=^##)", re.MULTILINE | re.DOTALL)


@dataclass
class House:
    """The copy; `touched` are the files of the recipe that is being followed."""

    folder: Path
    touched: set[str] = field(default_factory=set)

    @classmethod
    def copied(cls, folder: Path) -> House:
        """Copy what the product is made of, links as links."""
        for name in FOLDERS:
            shutil.copytree(ROOT / name, folder / name, symlinks=True, ignore=_CLUTTER)
        shutil.copy(ROOT / "pyproject.toml", folder)
        return cls(folder)

    def add(self, path: str, text: str) -> None:
        """Write a new file."""
        assert not (self.folder / path).exists(), f"{path} is there already"
        (self.folder / path).write_text(text, "utf-8")
        self.touched.add(path)

    def replace(self, path: str, old: str, new: str) -> None:
        """Replace a passage that stands in a file once."""
        text = (self.folder / path).read_text("utf-8")
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {path}"
        (self.folder / path).write_text(text.replace(old, new), "utf-8")
        self.touched.add(path)

    def append(self, path: str, text: str) -> None:
        """Write a passage at the end of a file."""
        with (self.folder / path).open("a", encoding="utf-8") as file:
            file.write(text)
        self.touched.add(path)

    def before(self, path: str, anchor: str, text: str) -> None:
        """Insert a passage before one that stands in a file once."""
        self.replace(path, anchor, text + anchor)


@dataclass(frozen=True)
class Recipe:
    """What CONTRIBUTING.md promises for one kind of change."""

    files: int
    text: str

    def names(self, path: str) -> bool:
        """Return whether the recipe sends its reader to a file, or tells how to name a new one."""
        folder, _, name = path.rpartition("/")
        new = f"`{folder}/NAME.{name.rpartition('.')[2]}`"
        return f"`{path}`" in self.text or new in self.text


def recipes() -> dict[str, Recipe]:
    """Read the recipes by what each adds."""
    text = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    return {found[1]: Recipe(int(found[2]), found[3]) for found in _RECIPE.finditer(text)}
