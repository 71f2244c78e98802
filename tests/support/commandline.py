"""The command line as a user types it, and a server to type at."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

import pytest

from caviar.cli import main

ROOT = Path(__file__).resolve().parents[2]


def caviar(*arguments, env=None, timeout=60, root=ROOT):
    kept = {name: value for name, value in os.environ.items() if not name.startswith("CAVIAR_")}
    return subprocess.run(
        [sys.executable, "-m", "caviar", *map(str, arguments)],
        capture_output=True, text=True, timeout=timeout, env=kept | (env or {}), cwd=root, check=False,
        stdin=subprocess.DEVNULL,
    )  # fmt: skip


@dataclass(frozen=True)
class Typed:
    """What a command answered."""

    returncode: int
    stdout: str
    stderr: str


def typed(capsys, *words) -> Typed:
    """Run a command in this process, which takes no second to begin."""
    with patch("sys.argv", ["caviar", *map(str, words)]), pytest.raises(SystemExit) as ended:
        main()
        sys.exit(0)
    return Typed(ended.value.code or 0, *capsys.readouterr())


@contextmanager
def serving(
    folder: Path, workers: int = 1, env: dict[str, str] | None = None, root: Path = ROOT
) -> Iterator[str]:
    """Run a server of a source tree on a free port, which it says itself; gives its address."""
    options = ("--port", "0", "--workers", str(workers), "--data", str(folder))
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "caviar", "serve", *options],
            stdout=subprocess.PIPE, stderr=log, text=True, cwd=root, env={**os.environ, **(env or {})},
        )  # fmt: skip
    line = process.stdout.readline()
    assert line.startswith("Caviar is ready: http://127.0.0.1:"), (folder / "log").read_text()
    try:
        yield line.split()[3]
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0, (folder / "log").read_text()
        process.stdout.close()
