"""What many agents ask at once is answered as if each had asked alone, one after the other."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any

import orjson
import pytest
from sqlalchemy.engine import URL

from caviar.service.errors import ForbiddenError
from caviar.service.store.transaction import Transaction
from caviar.service.usecases import claim, datasets
from caviar.service.usecases.exchange import exchange
from tests.support.stores import LEASE, World, epochs, handed, open_world, request, result

AGENTS = range(1, 9)


def told(world: World, search: int) -> list[tuple[Any, ...]]:
    """What the database holds of each trial."""
    return [(t.number, t.state, t.agent, t.params, t.value, t.epoch) for t in world.trials(search)]


@pytest.mark.parametrize("strategy", ["random", "coarse_to_fine"])
def test_together_comes_to_the_same_as_one_by_one(databases: Callable[[], URL], strategy: str) -> None:
    """Eight agents, three times: results of every second one, epochs of the others, new trials for all."""
    worlds = open_world(databases()), open_world(databases())
    searches = [
        world.submit(parallel=8, budget={"trials": 40}, strategy=strategy, lag=16, seed=3) for world in worlds
    ]
    held: dict[int, list[tuple[str, int]]] = {agent: [] for agent in AGENTS}
    for turn in range(3):
        asked = []
        for agent, some in held.items():
            done = some[:1] if agent % 2 else []
            reports = [result(*one, 0.1 * agent) for one in done]
            reports += [epochs(*one, turn, [0.5]) for one in some if one not in done and turn]
            held[agent] = [one for one in some if one not in done]
            asked.append({"agent": agent, "want": 2, "reports": reports, "holding": held[agent]})
        together = worlds[0].exchange_together([request(**one) for one in asked])
        alone = [worlds[1].exchange(**one) for one in asked]
        for one, other, agent in zip(together, alone, AGENTS, strict=True):
            assert orjson.dumps({**one, "revision": 0}) == orjson.dumps({**other, "revision": 0})
            held[agent] += handed(one)
    assert told(worlds[0], searches[0]) == told(worlds[1], searches[1])
    for world in worlds:
        world.check()
        world.proposer.close()
        world.store.close()


def test_no_more_agents_than_a_search_may_have(world: World) -> None:
    world.submit(parallel=3, budget={"trials": 30})
    answers = world.exchange_together([request(agent, want=2) for agent in AGENTS])
    assert [len(handed(answer)) for answer in answers] == [2, 2, 2, 0, 0, 0, 0, 0]


def test_what_some_hand_back_others_are_given(world: World) -> None:
    search = world.submit(parallel=2, budget={"trials": 2})
    first = handed(world.exchange(1, want=2))
    leaving, answer = world.exchange_together([request(1, leaving=True), request(2, want=2)])
    assert leaving["trials"] == []
    assert handed(answer) == [(name, 2) for name, _ in first]
    assert world.search(search).running == 2


def test_an_agent_that_asks_twice_is_given_the_same(world: World) -> None:
    """It has given its first request up: what that was answered with it never heard of."""
    world.submit(budget={"trials": 10})
    first, other, second = world.exchange_together(
        [request(1, want=2), request(2, want=2), request(1, want=2, holding=[])]
    )
    assert handed(second)[:2] == handed(first)
    assert not set(handed(second)) & set(handed(other))


def test_a_result_of_a_trial_that_another_agent_holds_is_refused(world: World) -> None:
    world.submit(budget={"trials": 2})
    [[mine], [yours]] = [handed(world.exchange(agent, want=1)) for agent in (1, 2)]
    one, other = world.exchange_together(
        [request(1, reports=[result(*yours, 0.1)], holding=[mine]), request(2, holding=[yours])]
    )
    assert [drop["trial"] for drop in one["drop"]] == [yours[0]]
    assert other["drop"] == []
    assert world.trial(yours[0]).state == "running"


def test_a_search_whose_data_are_gone_is_paused_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    search = world.submit(budget={"trials": 10})
    other = world.submit(budget={"trials": 10})
    resolve = datasets.resolve

    def gone(connection: Any, dataset: Any) -> Any:
        if len(asked) < 1:
            asked.append(dataset)
            raise datasets.RefusedError("the data set is gone")
        return resolve(connection, dataset)

    asked: list[Any] = []
    monkeypatch.setattr(datasets, "resolve", gone)
    answers = world.exchange_together([request(agent, want=2) for agent in (1, 2)])
    assert {name.split(".")[0] for one in answers for name, _ in handed(one)} == {str(other)}
    row = world.search(search)
    assert (row.switch, row.problem, row.version) == ("paused", "the data set is gone", 2)
    assert (row.queued, row.running) == (2, 0)


def test_one_request_that_fails_fails_alone(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The writer is kept busy until all wait, so that they are one piece; alone, each but one succeeds."""
    search = world.submit(parallel=9, budget={"trials": 40})
    may_take, pieces = claim.Claimant.may_take, []

    def breaks(claimant: Any, offer: Any) -> bool:
        if claimant.want == 3:
            raise ValueError("this one")
        return bool(may_take(claimant, offer))

    def counted(tx: Transaction, requests: Sequence[Any]) -> Any:
        pieces.append(len(requests))
        return world._exchange(tx, requests)

    monkeypatch.setattr(claim.Claimant, "may_take", breaks)
    go_on = threading.Event()
    world.store.submit(lambda tx: go_on.wait(60.0))
    waiting = [
        world.store.submit_shared(counted, request(agent, want=3 if agent == 5 else 2)) for agent in AGENTS
    ]
    go_on.set()
    for agent, one in zip(AGENTS, waiting, strict=True):
        if agent == 5:
            with pytest.raises(ValueError, match="this one"):
                one.result(60.0)
        else:
            assert len(handed(one.result(60.0).body)) == 2
    assert pieces == [8, *[1] * 8]
    assert world.search(search).running == 14


def test_who_asks_under_an_id_that_is_another_s_in_the_same_piece_is_refused(world: World) -> None:
    search = world.submit(budget={"trials": 40})
    asks = [(request(1, want=1), "of the first"), (request(1, want=1), "of another")]
    with pytest.raises(ForbiddenError, match="another process"):
        world.write(lambda tx: exchange(tx, world.proposer, asks, LEASE, 1.0))
    assert world.trials(search) == []
    world.write(lambda tx: exchange(tx, world.proposer, asks[1:], LEASE, 1.0))  # nothing was bound
    with pytest.raises(ForbiddenError, match="another process"):
        world.write(lambda tx: exchange(tx, world.proposer, asks[:1], LEASE, 1.0))
    assert world.search(search).running == 1
