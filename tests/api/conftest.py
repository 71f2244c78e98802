"""What tests of the API share."""

from collections.abc import Iterator

import pytest

from caviar import Client
from tests.support.commandline import serving
from tests.support.inprocess import App
from tests.support.inprocess import running as running_app


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The module's server, without workers."""
    with serving(tmp_path_factory.mktemp("server"), workers=0) as url:
        yield url


@pytest.fixture
def client(server: str) -> Iterator[Client]:
    """A client of the module's server."""
    with Client(server) as client:
        yield client


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    """The module's application, with nothing in it yet."""
    with running_app(tmp_path_factory.mktemp("data")) as app:
        yield app
