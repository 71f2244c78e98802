"""What the store promises, the same on SQLite and Postgres (docs/interfaces.md, section 5; I1-I7, I11)."""

from __future__ import annotations

import orjson
import pytest
from sqlalchemy import select

from caviar.service.api import records
from caviar.service.errors import ChangedError, ConflictError, NotFoundError, RefusedError
from caviar.service.store import audit, curves, reads
from caviar.service.store.tables import trials
from caviar.service.usecases import steer_search
from tests.support.stores import LEASE, World, epochs, handed, result


def test_a_submitted_search_is_there(world: World) -> None:
    search = world.submit(name="mine")
    found = world.read(lambda connection: reads.search(connection, search, world.clock.now()))
    shown = records.search(found)
    assert shown["name"] == "mine"
    assert shown["state"] == "queued"
    assert shown["spec"]["lag"] >= 1


def test_an_idempotency_key_gives_the_same_search(world: World) -> None:
    first = world.submit(key="k")
    assert world.submit(key="k") == first
    with pytest.raises(ConflictError, match="used for another search"):
        world.submit(key="k", name="other")


def test_ids_are_never_used_twice(world: World) -> None:
    search = world.submit()
    world.write(lambda tx: steer_search.delete(tx, world.proposer, search))
    assert world.submit() > search


def test_a_trial_has_one_owner(world: World) -> None:
    search = world.submit(budget={"trials": 7})
    given = [handed(world.exchange(agent, want=3)) for agent in range(4)]
    names = [name for one in given for name in one]
    assert sorted(names) == [(f"{search}.{n}", 1) for n in range(7)]


def test_agents_share_what_is_left_evenly(world: World) -> None:
    world.submit(parallel=3, budget={"trials": 22})
    held = {agent: handed(world.exchange(agent, want=1)) for agent in (1, 2)}
    parts = []
    for agent in (1, 2, 1, 2, 1, 2):
        given = handed(world.exchange(agent, want=100, holding=held[agent]))
        held[agent] += given
        parts.append(len(given))
    assert parts == [10, 5, 3, 1, 1, 0]


def test_no_agent_takes_all_trials_that_its_own_results_make_possible(world: World) -> None:
    world.submit(parallel=2, budget={"trials": 60}, strategy="coarse_to_fine", lag=7)
    held = {agent: handed(world.exchange(agent, want=100)) for agent in (1, 2)}
    assert [len(given) for given in held.values()] == [4, 4]  # eight can be in flight
    for agent in (1, 2, 1, 1):
        reports = [result(*one, 0.5) for one in held[agent]]
        held[agent] = handed(world.exchange(agent, want=100, reports=reports))
        assert len(held[agent]) <= 4
    assert held[2]


def test_parallel_limits_the_agents_not_their_prefetch(world: World) -> None:
    world.submit(parallel=2, budget={"trials": 20})
    assert len(handed(world.exchange(1, want=3))) == 3
    assert len(handed(world.exchange(2, want=3))) == 3
    assert handed(world.exchange(3, want=3)) == []


def test_searches_share_the_agents(world: World) -> None:
    first, second = world.submit(), world.submit()
    given = handed(world.exchange(1, want=4))
    assert sorted(name.split(".")[0] for name, _ in given) == [str(first)] * 2 + [str(second)] * 2


def test_an_answer_that_was_lost_is_given_again(world: World) -> None:
    world.submit()
    given = handed(world.exchange(1, want=2))
    assert handed(world.exchange(1)) == given
    assert handed(world.exchange(1, holding=given)) == []


def test_an_agent_that_leaves_gives_back_what_it_holds_and_loses_no_attempt(world: World) -> None:
    world.submit()
    given = handed(world.exchange(1, want=2))
    answer = world.exchange(1, reports=[result(*given[0], 0.5)], leaving=True)
    assert not answer["trials"] and not answer["drop"]
    assert world.trial(given[0][0]).state == "completed"
    assert world.trial(given[1][0]).state == "queued"
    assert world.attempts(given[1][0]) == []
    world.clock.time += 2 * LEASE
    assert world.sweep() == 0
    seen = world.read(lambda connection: reads.agents_seen(connection, 0.0))
    assert [(agent.state, agent.reason) for agent in seen] == [("left", "it ended")]
    assert handed(world.exchange(2, want=1)) == [(given[1][0], 2)]


def test_epochs_that_are_known_are_ignored(world: World) -> None:
    search = world.submit()
    [(name, attempt)] = handed(world.exchange(1, want=1))
    world.exchange(1, reports=[epochs(name, attempt, 1, [4.0, 3.0])], holding=[(name, 1)])
    world.exchange(1, reports=[epochs(name, attempt, 2, [9.0, 2.0])], holding=[(name, 1)])
    world.exchange(1, reports=[epochs(name, attempt, 1, [4.0, 3.0])], holding=[(name, 1)])
    curve = world.read(lambda connection: curves.read(connection, search, 0))
    assert curve["branches"][0]["epoch"] == [1, 2, 3]
    assert curve["branches"][0]["train_cost"] == [4.0, 3.0, 2.0]
    assert world.trial(name).epoch == 3


def test_several_reports_of_a_trial_count_in_order(world: World) -> None:
    search = world.submit()
    [(name, attempt)] = handed(world.exchange(1, want=1))
    reports = [epochs(name, attempt, 1, [4.0]), epochs(name, attempt, 2, [3.0]), result(name, attempt, 0.5)]
    world.exchange(1, reports=reports)
    curve = world.read(lambda connection: curves.read(connection, search, 0))
    assert curve["branches"][0]["train_cost"] == [4.0, 3.0]
    assert world.trial(name).state == "completed"


def test_costs_are_kept_once(world: World) -> None:
    search = world.submit()
    [(name, attempt)] = handed(world.exchange(1, want=1))
    costs = [[1, 0.5], [2, None], [3, 0.25]]
    for given in (costs[:2], costs, costs):
        world.exchange(1, reports=[{"trial": name, "attempt": attempt, "costs": given}], holding=[(name, 1)])
    kept = world.read(lambda connection: curves.read_costs(connection, search, 0))
    assert kept == {"step": [1, 2, 3], "cost": [0.5, None, 0.25]}


def test_a_result_is_committed_once(world: World) -> None:
    world.submit()
    [(name, attempt)] = handed(world.exchange(1, want=1))
    world.exchange(1, reports=[result(name, attempt, 0.5)])
    answer = world.exchange(1, reports=[result(name, attempt, 0.1)])
    assert world.trial(name).value == 0.5
    assert [one["trial"] for one in answer["drop"]] == [name]


def test_a_stale_attempt_is_refused(world: World) -> None:
    world.submit()
    [(name, _)] = handed(world.exchange(1, want=1))
    world.lose(1)
    assert handed(world.exchange(2, want=1)) == [(name, 2)]
    late = [epochs(name, 1, 1, [9.0]), result(name, 1, 0.9)]
    answer = world.exchange(1, reports=late, holding=[(name, 1)])
    assert answer["drop"] == [{"trial": name, "attempt": 1, "why": "the lease ran out"}]
    assert (world.trial(name).state, world.trial(name).epoch) == ("running", 0)
    world.exchange(2, reports=[result(name, 2, 0.2)])
    assert world.trial(name).value == 0.2


def test_a_late_result_is_taken_while_nobody_else_has_the_trial(world: World) -> None:
    world.submit()
    [(name, _)] = handed(world.exchange(1, want=1))
    world.lose(1)
    late = [epochs(name, 1, 1, [0.5]), result(name, 1, 0.25)]
    assert world.exchange(1, reports=late, holding=[(name, 1)])["drop"] == []
    trial = world.trial(name)
    assert (trial.state, trial.value, trial.attempt) == ("completed", 0.25, 1)
    assert world.attempts(name) == []


def test_an_agent_that_comes_back_goes_on_with_its_trial(world: World) -> None:
    search = world.submit(budget={"trials": 1})
    [(name, _)] = handed(world.exchange(1, want=1))
    for _ in range(4):  # one more than a trial may be lost
        world.lose(1)
        assert world.exchange(1, holding=[(name, 1)])["drop"] == []
    assert (world.trial(name).state, world.trial(name).attempt) == ("running", 1)
    assert handed(world.exchange(2, want=1)) == []
    world.exchange(1, reports=[result(name, 1, 0.25)])
    assert world.search(search).ended is not None and world.search(search).completed == 1


def test_nobody_takes_back_what_another_lost_or_what_was_handed_back(world: World) -> None:
    world.submit()
    lost, released = handed(world.exchange(1, want=2))
    world.exchange(1, reports=[epochs(*released, 1, [1.0], state="released")], holding=[lost])
    world.lose(1)
    for agent, key in ((2, lost), (1, released)):
        answer = world.exchange(agent, reports=[result(*key, 0.1)], holding=[key])
        assert [one["trial"] for one in answer["drop"]] == [key[0]]
        assert world.trial(key[0]).state == "queued"


def test_an_agents_lease_holds_until_its_end(world: World) -> None:
    world.submit()
    [(name, _)] = handed(world.exchange(1, want=1))
    world.clock.time += LEASE - 0.1
    assert world.sweep() == 0
    world.exchange(1, holding=[(name, 1)])
    world.clock.time += LEASE - 0.1
    assert world.sweep() == 0
    assert world.trial(name).state == "running"
    world.clock.time += 0.2
    assert world.sweep() == 1
    assert (world.trial(name).state, world.trial(name).agent) == ("queued", None)
    assert world.attempts(name)[0].reason == "the lease ran out"


def test_losing_an_agent_leaves_what_has_ended(world: World) -> None:
    world.submit()
    first, second = handed(world.exchange(1, want=2))
    world.exchange(1, reports=[result(*first, 0.5)], holding=[second])
    assert world.lose(1) == 1
    assert world.trial(first[0]).state == "completed"
    assert world.trial(second[0]).state == "queued"


@pytest.mark.parametrize(("handed_back", "state"), [("released", "queued"), ("paused", "paused")])
def test_a_trial_handed_back_is_no_lost_attempt(world: World, handed_back: str, state: str) -> None:
    world.submit()
    [(name, _)] = handed(world.exchange(1, want=1))
    world.exchange(1, reports=[epochs(name, 1, 1, [1.0], state=handed_back)])
    trial = world.trial(name)
    assert (trial.state, trial.agent, trial.epoch) == (state, None, 1)
    assert world.attempts(name) == []


def test_values_that_are_not_finite_diverge(world: World) -> None:
    world.submit()
    one, two, three = handed(world.exchange(1, want=3))
    reports = [
        result(*one, None),
        result(*two, None, state="diverged"),
        {"trial": three[0], "attempt": 1, "result": {"state": "completed", "metrics": {"other": 1.0}}},
    ]
    world.exchange(1, reports=reports)
    assert [world.trial(name).state for name, _ in (one, two, three)] == ["diverged", "diverged", "failed"]
    assert "dev_error" in world.trial(three[0]).reason
    assert world.search(1).best_number is None


@pytest.mark.parametrize(("direction", "best"), [("minimize", [1, 3, 0, 2]), ("maximize", [2, 0, 1, 3])])
def test_best_trials(world: World, direction: str, best: list[int]) -> None:
    search = world.submit(objective={"metric": "dev_error", "direction": direction})
    given = handed(world.exchange(1, want=5))
    values = [0.5, 0.1, 0.7, 0.1, None]
    for name, value in zip(given, values, strict=True):
        world.exchange(1, reports=[result(*name, value)], holding=given)
    rows = world.read(lambda connection: reads.best(connection, search, 10))
    assert [row.number for row in rows] == best
    assert world.search(search).best_number == best[0]


def test_a_search_ends_with_its_last_trial(world: World) -> None:
    search = world.submit(budget={"trials": 2})
    one, two = handed(world.exchange(1, want=5))
    world.exchange(1, reports=[result(*one, 0.5)], holding=[two])
    assert world.search(search).ended is None
    world.clock.time += 5
    world.exchange(1, reports=[result(*two, 0.5)])
    assert world.search(search).ended == world.clock.time


def test_cancelling_ends_every_trial_and_agents_drop_theirs(world: World) -> None:
    search = world.submit()
    given = handed(world.exchange(1, want=2))
    world.write(lambda tx: steer_search.cancel(tx, search))
    assert {row.state for row in world.trials(search)} == {"cancelled"}
    answer = world.exchange(1, want=3, holding=given)
    assert [one["why"] for one in answer["drop"]] == ["the trial is cancelled"] * 2
    assert answer["trials"] == []
    assert world.search(search).ended is not None


def test_a_paused_search_hands_out_nothing_but_takes_results(world: World) -> None:
    search = world.submit()
    [one] = handed(world.exchange(1, want=1))
    world.write(lambda tx: steer_search.switch(tx, search, "paused"))
    assert handed(world.exchange(1, want=1, reports=[result(*one, 0.5)])) == []
    assert world.trial(one[0]).state == "completed"
    world.write(lambda tx: steer_search.switch(tx, search, "active"))
    assert len(handed(world.exchange(1, want=1))) == 1


def test_an_edit_is_recorded_and_followed(world: World) -> None:
    search = world.submit(budget={"trials": 1})
    world.exchange(1, want=5)
    edit = {
        "budget": {"trials": 3},
        "space": {"a": {"low": 0.5, "high": 0.6}, "b": {"low": 0.0, "high": 1.0}},
    }
    world.write(lambda tx: steer_search.edit(tx, world.proposer, search, edit, 1))
    given = world.exchange(1, want=5, holding=[(f"{search}.0", 1)])["trials"]
    assert len(given) == 2
    params = [row.params for row in world.trials(search)[1:]]
    assert all(0.5 <= float(text.split(":")[1].split(",")[0]) <= 0.6 for text in params)
    [kept] = world.read(lambda connection: audit.edits_of(connection, search))
    assert orjson.loads(kept.after)["budget"] == {"trials": 3}
    assert kept.proposed == 1
    with pytest.raises(ChangedError):
        world.write(lambda tx: steer_search.edit(tx, world.proposer, search, {"parallel": 1}, 1))
    with pytest.raises(RefusedError, match="below the 3"):
        world.write(lambda tx: steer_search.edit(tx, world.proposer, search, {"budget": {"trials": 2}}, None))


def test_points_by_hand_come_before_proposals(world: World) -> None:
    search = world.submit(budget={"trials": 3})
    with pytest.raises(RefusedError, match=r"points\.0\.a"):
        world.write(lambda tx: steer_search.enqueue(tx, world.proposer, search, [{"a": 5.0, "b": 0.5}]))
    numbers = world.write(
        lambda tx: steer_search.enqueue(
            tx, world.proposer, search, [{"a": 0.25, "b": 0.5}, {"a": 0.5, "b": 0.5}]
        )
    )
    assert numbers == [0, 1]
    given = world.exchange(1, want=5)["trials"]
    assert [trial["number"] for trial in given] == [0, 1, 2]
    assert world.trial(f"{search}.0").origin == "enqueued"
    with pytest.raises(RefusedError, match="budget"):
        world.write(lambda tx: steer_search.enqueue(tx, world.proposer, search, [{"a": 0.5, "b": 0.5}]))


def test_deleting_removes_all_of_it(world: World) -> None:
    search = world.submit()
    [one] = handed(world.exchange(1, want=1))
    world.exchange(1, reports=[epochs(*one, 1, [1.0]), result(*one, 0.5)])
    world.write(lambda tx: steer_search.delete(tx, world.proposer, search))
    with pytest.raises(NotFoundError):
        world.read(lambda connection: reads.search(connection, search, 0.0))
    assert world.trials(search) == []
    late = world.exchange(1, reports=[result(*one, 0.5)], holding=[one])
    assert late["drop"][0]["why"] == "the trial was deleted"


def test_revisions_only_grow_and_name_every_change(world: World) -> None:
    search = world.submit()
    seen = 0
    for agent in range(3):
        given = handed(world.exchange(agent, want=2))
        world.exchange(agent, reports=[result(*given[0], 0.5)], holding=given[1:])
        rows = world.read(lambda connection: reads.changed_trials(connection, search, seen, 100))  # noqa: B023
        assert [row.number for row in rows] == sorted(
            {int(name.split(".")[1]) for name, _ in given},
            key=lambda n: world.trial(f"{search}.{n}").revision,
        )
        seen = rows[-1].revision
    revisions = world.read(lambda connection: connection.execute(select(trials.c.revision)).scalars().all())
    assert len(set(revisions)) == len(revisions)


def test_the_same_seed_gives_the_same_trials_for_any_number_of_agents(world: World) -> None:
    changes = {"strategy": "coarse_to_fine", "budget": {"trials": 24}, "parallel": 3, "lag": 3, "seed": 5}
    one, many = world.submit(**changes), world.submit(**changes)
    _finish(world, one, [1])
    _finish(world, many, [2, 3, 4])
    first, second = world.trials(one), world.trials(many)
    assert [row.params for row in first] == [row.params for row in second]
    assert [row.value for row in first] == [row.value for row in second]


def _finish(world: World, search: int, agents: list[int]) -> None:
    """Train with agents that end their trials out of step."""
    held: dict[int, list[tuple[str, int]]] = {agent: [] for agent in agents}
    turn = 0
    while world.search(search).ended is None:
        turn += 1
        assert turn < 500
        agent = agents[turn % len(agents)]
        done = held[agent][: 1 + turn % 2]
        left = held[agent][len(done) :]
        values = [float(world.trial(name).params.split(":")[1].split(",")[0]) for name, _ in done]
        reports = [result(*name, value) for name, value in zip(done, values, strict=True)]
        answer = world.exchange(agent, want=2, reports=reports, holding=left, searches=[search])
        held[agent] = left + handed(answer)
