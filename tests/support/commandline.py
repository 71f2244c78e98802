"""The command line as a user types it, and a server to type at."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

import pytest

from caviar.cli import main
from tests.support.balancer import balanced
from tests.support.two_servers import DATABASES, SEED, TWO_SERVERS

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
    """Run a server of a source tree on a free port, or two of them in turn; gives the address."""
    if not TWO_SERVERS:
        with _process(folder, "log", workers, env or {}, root) as url:
            yield url
        return
    database = {"CAVIAR_DATABASE_URL": DATABASES.of(folder), **(env or {})}
    with ExitStack() as running:
        urls = [
            running.enter_context(_process(folder, log, own, database, root))
            for log, own in (("log", workers), ("neighbour.log", 0))
        ]
        ports = [int(url.rsplit(":", 1)[1]) for url in urls]
        yield running.enter_context(balanced(ports, SEED, each_request=True))


@contextmanager
def _process(folder: Path, log: str, workers: int, env: dict[str, str], root: Path) -> Iterator[str]:
    """Run a server on a free port, which it says itself; gives its address."""
    options = ("--port", "0", "--workers", str(workers), "--data", str(folder))
    with (folder / log).open("wb") as said:
        process = subprocess.Popen(
            [sys.executable, "-m", "caviar", "serve", *options],
            stdout=subprocess.PIPE, stderr=said, text=True, cwd=root, env={**os.environ, **env},
        )  # fmt: skip
    line = process.stdout.readline()
    assert line.startswith("Caviar is ready: http://127.0.0.1:"), (folder / log).read_text()
    try:
        yield line.split()[3]
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0, (folder / log).read_text()
        process.stdout.close()
