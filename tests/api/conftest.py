"""What tests of the API share."""

from collections.abc import Iterator

import pytest

from caviar import Client


@pytest.fixture
def client(server: str) -> Iterator[Client]:
    """A client of the module's server."""
    with Client(server) as client:
        yield client
