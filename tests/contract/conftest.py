"""The contract of the store is tested on SQLite and on Postgres."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy.engine import URL

from tests.support.babysat import Babysat
from tests.support.stores import World, WorldOfTwo, open_world
from tests.support.two_servers import TWO_SERVERS


@pytest.fixture
def world(built_url: URL) -> Iterator[World]:
    two = TWO_SERVERS and built_url.get_backend_name() == "postgresql"
    world = WorldOfTwo(built_url) if two else open_world(built_url)
    yield world
    world.check()
    world.close()


@pytest.fixture
def babysat(world: World) -> Babysat:
    return Babysat(world)
