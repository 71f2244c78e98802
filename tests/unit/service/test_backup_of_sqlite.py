"""A backup of SQLite ends while others write, and leaves nothing behind where there is nothing to copy."""

import sqlite3
import threading
import time
from contextlib import closing
from pathlib import Path

import pytest

from caviar.service.config import read
from caviar.service.store.backup import BackupError, backup


def test_it_ends_while_others_write(tmp_path: Path) -> None:
    config = read({}, data=tmp_path / "data")
    with closing(sqlite3.connect(config.data / "caviar.db")) as made, made:
        made.execute("PRAGMA journal_mode=WAL")
        made.execute("CREATE TABLE pieces (data BLOB)")
        made.executemany("INSERT INTO pieces VALUES (zeroblob(65536))", [()] * 200)
    copied, writing, in_vain = threading.Event(), threading.Event(), []

    def write() -> None:
        with closing(sqlite3.connect(config.data / "caviar.db")) as busy:
            until = time.monotonic() + 10.0
            while not (copied.is_set() or in_vain):
                with busy:
                    busy.execute("INSERT INTO pieces VALUES (zeroblob(10))")
                writing.set()
                if time.monotonic() > until:
                    in_vain.append(True)

    writer = threading.Thread(target=write)
    writer.start()
    writing.wait()
    target = backup(config, tmp_path / "copy")
    copied.set()
    writer.join()
    assert not in_vain, "the copy waited for the end of the writing"
    with closing(sqlite3.connect(target / "caviar.db")) as copy:
        assert copy.execute("SELECT count(*) FROM pieces").fetchone()[0] > 200


def test_a_wrong_folder_leaves_nothing_behind(tmp_path: Path) -> None:
    config = read({}, data=tmp_path / "wrong")
    with pytest.raises(BackupError, match="there is no database"):
        backup(config, tmp_path / "copy")
    assert not (tmp_path / "copy").exists()


def test_a_target_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    config = read({}, data=tmp_path / "data")
    sqlite3.connect(config.data / "caviar.db").close()
    (tmp_path / "file").touch()
    with pytest.raises(BackupError, match="cannot be made"):
        backup(config, tmp_path / "file" / "copy")
