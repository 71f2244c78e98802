"""Tests of the API import their helpers by name."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from caviar import Client

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture
def client(server: str) -> Iterator[Client]:
    """A client of the module's server."""
    with Client(server) as client:
        yield client
