"""Fault tests give each server a folder of its own."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.server_process import Server, in_two


@pytest.fixture
def make_server(tmp_path: Path) -> Iterator[Callable[..., Server]]:
    """Make servers that are gone when the test is over."""
    made: list[Server] = []

    def make(**arguments: Any) -> Server:
        folder = tmp_path / f"server-{len(made)}"
        folder.mkdir()
        folder = arguments.pop("folder", folder)
        made.append(Server(folder, **in_two(folder, arguments)))
        return made[-1]

    yield make
    for server in made:
        server.close()
