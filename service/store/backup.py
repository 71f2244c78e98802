"""A backup of everything a server keeps, taken while it works.

SQLite is copied through its own backup interface in one step: one consistent moment, whatever is written
meanwhile, and no writer waits for it. Files are named by content or by number and never change, so they are
copied after the database: every row of the copy has its file, except for checkpoints pruned in between: their
trials have older ones.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

from caviar.service.config import Config
from caviar.service.errors import ServiceError

FOLDERS = ("datasets", "checkpoints")
FILES = ("tokens.json",)


class BackupError(ServiceError):
    """The backup cannot be made; the text says why and what to do."""


def backup(config: Config, target: Path) -> Path:
    """Copy database and files into a new folder, which `caviar serve --data FOLDER` could serve as it is.

    On Postgres the database is left to pg_dump, and what is in a bucket to the bucket's own tools.

    Raises BackupError when there is nothing to copy, when the folder exists or cannot be written, or for a
    bad copy.
    """
    source = Path(str(config.database_url.database))
    if config.sqlite and not source.exists():
        raise BackupError(f"there is no database {source}; name its folder with --data")
    try:
        target.mkdir(parents=True, mode=0o700)
    except FileExistsError:
        raise BackupError(f"{target} exists: a backup never overwrites one; choose a new folder") from None
    except OSError as error:
        raise BackupError(f"{target} cannot be made ({error.strerror}); choose another folder") from None
    try:
        if config.sqlite:
            _copy_database(source, target / "caviar.db")
        for name in FILES:
            if (config.data / name).exists():
                shutil.copy2(config.data / name, target / name)
        for name in FOLDERS if config.store is None else ():
            if (config.data / name).is_dir():
                _copy_files(config.data / name, target / name)
    except (OSError, sqlite3.Error) as error:
        raise BackupError(f"the copy in {target} is not whole ({error}); remove it and try again") from error
    return target


def _copy_database(source: Path, target: Path) -> None:
    with (
        closing(sqlite3.connect(f"file:{source}?mode=ro", uri=True)) as live,
        closing(sqlite3.connect(target)) as copy,
    ):
        live.backup(copy)  # in several steps it would begin anew after every commit of another process
        verdict = copy.execute("PRAGMA integrity_check").fetchone()[0]
    if verdict != "ok":
        raise BackupError(f"the copy is not sound ({verdict}); look at the disk of {source}")


def _copy_files(source: Path, target: Path) -> None:
    """Copy files; those that vanish meanwhile were pruned."""
    for folder, _, names in os.walk(source):
        place = target / Path(folder).relative_to(source)
        place.mkdir(parents=True, exist_ok=True, mode=0o700)
        for name in names:
            if name.endswith((".part", ".new", ".tmp")):
                continue
            try:
                shutil.copy2(Path(folder) / name, place / name)
            except FileNotFoundError:
                continue
