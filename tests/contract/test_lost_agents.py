"""Which trial a lost agent counts against: the one in training, and only where that can be the cause."""

from __future__ import annotations

import itertools
import random

import pytest

from caviar.service.store.attempts import PATIENCE, SERVER_ENDED
from caviar.service.usecases.leases import BLAMED, SUDDEN
from tests.support.stores import LEASE, World, epochs, handed, result, spec


def take(world: World, agent: int, want: int = 1) -> list[tuple[str, int]]:
    """An agent that has just started takes trials."""
    world.exchange(agent)
    return handed(world.exchange(agent, want=want))


def test_a_trial_that_crashes_its_agents_fails_after_a_few(world: World) -> None:
    search = world.submit(budget={"trials": 1})
    for agent in range(BLAMED):
        [(name, attempt)] = take(world, agent)
        world.lose(agent, "was killed by SIGSEGV", "trial", (name, attempt, 5.0))
    trial = world.trial(name)
    assert trial.state == "failed" and trial.reason.endswith("was killed by SIGSEGV")
    assert [one.cause for one in world.attempts(name)] == ["trial"] * BLAMED
    assert world.search(search).ended is not None


def test_what_waits_in_hand_goes_back_uncounted(world: World) -> None:
    """The poison alone fails; those that waited beside it are trained in the end."""
    search = world.submit(budget={"trials": 6}, parallel=9)
    for agent in range(30):
        given = take(world, agent, want=4)
        for name, attempt in given:
            if name == f"{search}.2":
                world.lose(agent, "was killed by SIGSEGV", "trial", (name, attempt, 0.1))
                break
            world.exchange(agent, reports=[result(name, attempt, 0.5)])
    states = [row.state for row in world.trials(search)]
    assert states == [*["completed"] * 2, "failed", *["completed"] * 3]


def test_progress_between_losses_starts_the_count_again(world: World) -> None:
    world.submit(budget={"trials": 1})
    for agent in range(1, 3 * BLAMED):
        [(name, attempt)] = take(world, agent)
        world.exchange(agent, reports=[epochs(name, attempt, agent, [1.0])], holding=[(name, attempt)])
        world.lose(agent, "was killed by SIGSEGV", "trial", (name, attempt, 5.0))
    assert world.trial("1.0").state == "queued"


LIVES = {
    "long": lambda rng: rng.expovariate(1 / 300),
    "short": lambda rng: rng.expovariate(1 / 10),
    "tiny": lambda rng: rng.expovariate(2),
    "of one length": lambda rng: 3.0,
    "of any length": lambda rng: rng.choice([0.3, 3.0, 30.0, 90.0]) * rng.uniform(0.5, 1.5),
}


@pytest.mark.parametrize("reason", ["was killed by SIGKILL", SERVER_ENDED, "the lease ran out"])
@pytest.mark.parametrize("kind", [pytest.param("long", marks=pytest.mark.soak), *list(LIVES)[1:]])
def test_kills_that_know_nothing_of_the_trial_fail_nothing(world: World, reason: str, kind: str) -> None:
    """Two hundred lives that end when they end, whatever the agent does then; the trial gets no further."""
    world.submit(budget={"trials": 1})
    rng = random.Random(kind)
    tried = 0
    for agent in range(200):
        born, life = world.clock.time, LIVES[kind](rng)
        world.exchange(agent)
        training = None
        while world.clock.time < born + life:
            given = handed(world.exchange(agent, want=1))
            if given:
                [training] = given
                tried += 1
                break
            world.clock.time += 1.0  # agents ask every second
        begun = world.clock.time
        world.clock.time = max(begun, born + life)
        if training is not None:
            world.exchange(agent, holding=[training], training=(*training, world.clock.time - begun))
        told = None if training is None else (*training, world.clock.time - begun)
        world.lose(agent, reason, training=told if reason == "was killed by SIGKILL" else None)
        world.clock.time += 2.0  # its successor starts
        assert world.trial("1.0").state == "queued", agent
    assert tried >= 8, "it must be tried again and again"


@pytest.mark.parametrize("tells", [True, False])
def test_a_trial_that_kills_its_agents_silently_is_found_all_the_same(world: World, tells: bool) -> None:
    """Its agents live as long as it is not theirs, and die as soon as it is."""
    world.submit(budget={"trials": 1})
    began = world.clock.time
    for agent in itertools.count():
        world.exchange(agent)
        while not (given := handed(world.exchange(agent, want=1))):
            world.clock.time += 1.0
        [(name, attempt)] = given
        world.exchange(agent, holding=given, training=(name, attempt, 0.0))
        world.clock.time += 0.3
        if tells:
            world.lose(agent, "was killed by SIGKILL", "unknown", (name, attempt, 0.3))
        else:
            world.clock.time += LEASE + 1
            assert world.sweep() == 1
        if world.trial(name).state == "failed":
            break
        assert agent < 3 * SUDDEN
    assert world.clock.time - began < (SUDDEN + 2) * (LEASE + PATIENCE)
    assert world.trial(name).reason.startswith(f"given up: {SUDDEN} agents were lost")


def test_one_that_hangs_its_agents_is_found_when_their_supervisor_kills_them(world: World) -> None:
    """First the lease runs out, of which nobody can tell why; then it is known."""
    world.submit(budget={"trials": 1})
    for agent in range(BLAMED + 1):
        [(name, attempt)] = take(world, agent)
        world.exchange(agent, holding=[(name, attempt)], training=(name, attempt, 0.0))
        world.clock.time += LEASE + 1
        assert world.sweep() == 1
        if world.trial(name).state == "failed":
            break
        world.lose(agent, "was killed: silent", "trial", (name, attempt, 60.0))
    assert world.trial(name).state == "failed"
    assert [one.cause for one in world.attempts(name)][:BLAMED] == ["trial"] * BLAMED


def test_one_whose_agent_somebody_stopped_is_not_blamed(world: World) -> None:
    world.submit(budget={"trials": 1})
    for agent in range(3 * SUDDEN):
        world.exchange(agent)
        world.clock.time += PATIENCE
        [(name, attempt)] = handed(world.exchange(agent, want=1))
        world.exchange(agent, holding=[(name, attempt)], training=(name, attempt, 0.0))
        world.clock.time += LEASE + 1
        world.sweep()
        world.lose(agent, "was killed: somebody had stopped it", "outside", (name, attempt, 60.0))
        assert world.trial(name).state == "queued"


def test_a_trial_trained_to_its_end_never_fails_for_a_lost_report(world: World) -> None:
    """Nothing is in training while the result waits to be sent."""
    world.submit(budget={"trials": 1})
    for agent in range(3 * SUDDEN):
        [(name, attempt)] = take(world, agent)
        rows = [epochs(name, attempt, 1, [1.0, 0.5, 0.25])]
        world.exchange(agent, reports=rows, holding=[(name, attempt)])
        world.lose(agent, "was killed by SIGKILL", "unknown")
        assert world.trial(name).state == "queued"
    [(name, attempt)] = take(world, 999)
    world.exchange(999, reports=[result(name, attempt, 0.25)])
    assert world.trial(name).state == "completed"


def test_a_suspect_does_not_wait_after_one_kill(world: World) -> None:
    world.submit(budget={"trials": 1})
    [(name, attempt)] = take(world, 1)
    world.lose(1, "was killed by SIGKILL", "unknown", (name, attempt, 20.0))
    assert take(world, 2) == [(name, attempt + 1)]


def test_kills_change_nothing_of_what_a_repeatable_search_proposes(world: World) -> None:
    """The points of two searches of one seed, the second under kills: the same, one for one."""
    settings = spec(strategy="coarse_to_fine", seed=3, parallel=2, budget={"trials": 12})
    fields = {name: value for name, value in settings.submitted().items() if name != "name"}
    points = []
    for kills in (0, 5):
        search = world.submit(name=f"kills {kills}", **fields)
        agent = 1000 * (kills + 1)
        for _ in range(400):
            if world.search(search).ended is not None:
                break
            agent += 1
            for name, attempt in take(world, agent, want=2):
                if attempt <= kills:
                    world.lose(agent, "was killed by SIGKILL", "unknown", (name, attempt, 1.0))
                    world.clock.time += 200.0
                    break
                value = int(name.partition(".")[2]) / 100 + 0.01
                world.exchange(agent, reports=[result(name, attempt, value)])
        rows = world.trials(search)
        assert [row.state for row in rows] == ["completed"] * 12
        points.append([row.params for row in rows])
    assert points[0] == points[1]


@pytest.mark.parametrize("strategy", ["random", "coarse_to_fine"])
def test_how_far_a_trial_came_before_it_was_given_up_changes_nothing(world: World, strategy: str) -> None:
    """Whether its last epochs arrived before its agent died is luck, which no repeatable search may see."""
    fields = {
        "budget": {"trials": 14},
        "settings": {"epochs": 9},
        "stopping": {"name": "successive_halving"},
        "lag": 2,
        "seed": 4,
    }
    proposed = []
    for told in (0, 1, 5):
        search = world.submit(strategy=strategy, **fields)
        agent = itertools.count(100 * told)
        while not world.search(search).ended:
            one = next(agent)
            world.exchange(one)
            [(name, attempt)] = handed(world.exchange(one, want=1, searches=[search]))
            if name == f"{search}.2":
                reports = [epochs(name, attempt, 1, [0.0] * told)] if told and attempt == 1 else []
                world.exchange(one, holding=[(name, attempt)], reports=reports)
                world.lose(one, "was killed by SIGSEGV", "trial", (name, attempt, 0.1))
            else:
                curve = [random.Random(f"{world.trial(name).number} {e}").random() for e in range(9)]
                done = result(name, attempt, curve[-1])
                world.exchange(one, reports=[epochs(name, attempt, 1, curve), {**done, "epoch": 9}])
        assert world.trial(f"{search}.2").state == "failed"
        proposed.append([(row.params, row.stop) for row in world.trials(search)])
    assert any(stop for _, stop in proposed[0])
    assert proposed[0] == proposed[1] == proposed[2]
