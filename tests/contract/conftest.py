"""The contract of the store is tested on SQLite and on Postgres."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy.engine import URL

from tests.support.babysat import Babysat
from tests.support.stores import World, open_world


@pytest.fixture
def world(built_url: URL) -> Iterator[World]:
    world = open_world(built_url)
    yield world
    world.check()
    world.proposer.close()
    world.store.close()


@pytest.fixture
def babysat(world: World) -> Babysat:
    return Babysat(world)
