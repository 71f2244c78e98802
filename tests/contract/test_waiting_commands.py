"""Commands wait for trials that may still come to them; those of others cost an exchange nothing."""

from __future__ import annotations

import pytest
from sqlalchemy import insert, select

from caviar.service.store import commands as command_rows
from caviar.service.store.tables import commands
from caviar.service.usecases.leases import BLAMED
from caviar.service.usecases.steer_search import cancel
from tests.support.stores import World, handed

c = commands.c


def states(world: World, search: int) -> list[tuple[str, str | None]]:
    query = select(c.state, c.reason).where(c.search_id == search).order_by(c.id)
    return [tuple(row) for row in world.read(lambda connection: connection.execute(query).all())]


def wait(world: World, search: int, count: int) -> None:
    """Let commands wait for trial 0 of a search."""
    row = {"search_id": search, "number": 0, "kind": "set", "arguments": "{}", "at": "{}"}
    more = {"state": "waiting", "created": 0.0, "revision": 0}
    world.write(lambda tx: tx.connection.execute(insert(commands), [{**row, **more}] * count))


def test_those_of_cancelled_trials_are_refused(world: World) -> None:
    search, other = world.submit(), world.submit()
    for one in (search, other):
        world.exchange(1, want=1, searches=[one])
        wait(world, one, 3)
    world.write(lambda tx: cancel(tx, search))
    why = "the trial ended at epoch 0 (cancelled); fork or extend it"
    assert states(world, search) == [("refused", why)] * 3
    assert states(world, other) == [("waiting", None)] * 3


def test_those_of_a_trial_that_is_lost_too_often_are_refused(world: World) -> None:
    search = world.submit(budget={"trials": 1})
    for attempt in range(BLAMED):
        world.exchange(attempt, want=1)
        if attempt == 0:
            wait(world, search, 2)
        assert [state for state, _ in states(world, search)] == ["waiting"] * 2
        world.lose(attempt, cause="trial", training=(f"{search}.0", attempt + 1, 1.0))
    assert (
        states(world, search) == [("refused", "the trial ended at epoch 0 (failed); fork or extend it")] * 2
    )


@pytest.mark.parametrize("others", [command_rows.FEW - 2, command_rows.FEW + 50])
def test_an_exchange_gives_those_of_its_own_trials_in_their_order(world: World, others: int) -> None:
    mine, other = world.submit(), world.submit()
    world.exchange(1, want=1, searches=[other])
    held = handed(world.exchange(2, want=1, searches=[mine]))
    wait(world, other, others // 2)
    wait(world, mine, 2)
    wait(world, other, others - others // 2)
    given = world.exchange(2, holding=held)["commands"]
    assert [one["trial"] for one in given] == [held[0][0]] * 2
    assert given[0]["id"] < given[1]["id"]
