"""What tests of the API share."""

import os
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from caviar import Client
from tests.support.balancer import balanced
from tests.support.commandline import serving
from tests.support.inprocess import App
from tests.support.inprocess import running as running_app
from tests.support.stores import drop_database, empty_database

TWO_SERVERS = bool(os.environ.get("CAVIAR_TEST_TWO_SERVERS"))


@pytest.fixture(scope="module")
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The module's server, without workers; or two on one Postgres, each connection to one of them."""
    folder = tmp_path_factory.mktemp("server")
    if not TWO_SERVERS:
        with serving(folder, workers=0) as url:
            yield url
        return
    postgres = request.getfixturevalue("postgres_server")
    database = empty_database(postgres, request.getfixturevalue("postgres_template"))
    shown = database.set(drivername="postgresql").render_as_string(hide_password=False)
    with ExitStack() as running:
        running.callback(drop_database, postgres, database)
        urls = [
            running.enter_context(serving(folder, workers=0, env={"CAVIAR_DATABASE_URL": shown}))
            for _ in range(2)
        ]
        yield running.enter_context(balanced([int(url.rsplit(":", 1)[1]) for url in urls], seed=1))


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
