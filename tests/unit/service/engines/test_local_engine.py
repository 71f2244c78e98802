"""Agents are started, reported at once when they die, started again, and ended in good order."""

import asyncio
import gc
import itertools
import os
import signal
import sys
import time

import pytest

from caviar.service.engines import local
from caviar.service.engines.local import LocalEngine

AGENT = "import sys, time; time.sleep(60)"
STUBBORN = (
    "import pathlib, signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
    "pathlib.Path(%r).touch(); time.sleep(60)"
)


@pytest.fixture
def agents(monkeypatch):
    """Let the engine start another program in the place of an agent."""

    def use(program):
        create = asyncio.create_subprocess_exec

        async def exec_program(*_command, **options):
            return await create(sys.executable, "-c", program, **options)

        monkeypatch.setattr(local.asyncio, "create_subprocess_exec", exec_program)

    return use


async def until(condition, seconds=10.0):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "not in time"
        await asyncio.sleep(0.01)


def test_a_killed_agent_is_reported_at_once_and_replaced(agents):
    agents(AGENT)

    async def scenario():
        lost = []

        async def on_lost(agent):
            lost.append((agent.id, agent.end.reason))

        engine = LocalEngine("http://127.0.0.1:9", 2, on_lost)
        await engine.start()
        await until(lambda: len(engine.agents) == 2)
        victim, pid = next(iter(engine.agents.items()))
        began = time.monotonic()
        os.kill(pid, signal.SIGKILL)
        await until(lambda: lost)
        assert time.monotonic() - began < 2.0
        assert lost == [(victim, "was killed by SIGKILL")]
        await until(lambda: len(engine.agents) == 2)
        assert victim not in engine.agents, "an id is never used twice"
        await engine.stop(5.0)
        assert not engine.agents and len(lost) == 1

    asyncio.run(scenario())


def test_agents_that_keep_dying_are_restarted_ever_more_slowly(agents, monkeypatch):
    monkeypatch.setattr(local, "FIRST_BACKOFF", 0.01)
    agents("raise SystemExit(3)")

    async def scenario():
        times = []

        async def on_lost(agent):
            assert agent.end.reason == "ended with exit code 3"
            times.append(time.monotonic())

        engine = LocalEngine("http://127.0.0.1:9", 1, on_lost)
        await engine.start()
        await until(lambda: len(times) >= 6, 30.0)
        await engine.stop(5.0)
        gaps = [later - earlier for earlier, later in itertools.pairwise(times)]
        assert gaps[-1] > 0.3, "five doublings of .01 s"

    asyncio.run(scenario())


def test_the_end_does_not_wait_for_a_backoff(agents, monkeypatch):
    monkeypatch.setattr(local, "FIRST_BACKOFF", 60.0)
    monkeypatch.setattr(local, "LONGEST_BACKOFF", 60.0)
    agents("raise SystemExit(3)")

    async def scenario():
        lost = asyncio.Event()

        async def on_lost(_agent):
            lost.set()

        engine = LocalEngine("http://127.0.0.1:9", 1, on_lost)
        await engine.start()
        await lost.wait()
        async with asyncio.timeout(10.0):
            await engine.stop(30.0)

    asyncio.run(scenario())


def test_a_report_that_fails_does_not_end_the_supervision(agents):
    agents(AGENT)

    async def scenario():
        calls = []

        async def on_lost(agent):
            calls.append(agent)
            raise RuntimeError("the database is away")

        engine = LocalEngine("http://127.0.0.1:9", 1, on_lost)
        await engine.start()
        for count in (1, 2):
            await until(lambda: engine.agents)
            os.kill(next(iter(engine.agents.values())), signal.SIGKILL)
            await until(lambda count=count: len(calls) == count)
        await engine.stop(5.0)

    asyncio.run(scenario())


def test_an_agent_that_does_not_end_in_time_is_killed(agents, tmp_path):
    ready = tmp_path / "ready"
    agents(STUBBORN % str(ready))

    async def scenario():
        lost = []

        async def on_lost(agent):
            lost.append(agent)

        engine = LocalEngine("http://127.0.0.1:9", 1, on_lost)
        await engine.start()
        await until(ready.exists)
        [(agent, pid)] = engine.agents.items()
        began = time.monotonic()
        await engine.stop(0.5)
        assert time.monotonic() - began < 3.0
        # What it held is free at once, and none of it is blamed.
        assert [(one.id, one.end.cause) for one in lost] == [(agent, "outside")]
        with pytest.raises(ProcessLookupError):
            for _ in range(100):
                os.kill(pid, 0)
                await asyncio.sleep(0.02)

    asyncio.run(scenario())
    gc.collect()  # a transport that is still open would complain


def test_an_agent_that_stays_silent_after_its_lease_is_killed_and_replaced(agents):
    agents(AGENT)

    async def scenario():
        lost, quiet, asked = [], set(), []

        async def on_lost(agent):
            lost.append((agent.id, agent.end.reason))

        async def silent(among):
            asked.append(set(among))
            if len(asked) == 1:
                raise RuntimeError("the database is away")
            if len(asked) % 3 == 0:
                return {victim}  # which is heard of again before the grace is over
            return quiet

        engine = LocalEngine("http://127.0.0.1:9", 2, on_lost, silent=silent, grace=0.15)
        await engine.start()
        await until(lambda: len(engine.agents) == 2)
        victim, other = engine.agents
        await until(lambda: len(asked) > 12)
        assert not lost
        quiet |= {victim, "a-0123456789abcdef"}  # and one of another machine
        await until(lambda: lost)
        ((agent, why),) = lost
        assert agent == victim and "was killed: silent" in why
        await until(lambda: len(engine.agents) == 2)
        assert other in engine.agents and asked[-1] <= {victim, *engine.agents}
        await engine.stop(5.0)

    asyncio.run(scenario())


def test_agents_get_one_thread_each_and_the_token_in_the_environment():
    async def on_lost(_agent):
        pass

    engine = LocalEngine("http://127.0.0.1:9", 1, on_lost, token="secret")
    environment = engine._environment(None)
    assert environment["OMP_NUM_THREADS"] == environment["NUMBA_NUM_THREADS"] == "1"
    assert environment["CAVIAR_TOKEN"] == "secret"


def test_agents_of_a_server_without_tokens_get_none_of_another_server(monkeypatch):
    async def on_lost(_agent):
        pass

    names = ("CAVIAR_URL", "CAVIAR_TOKEN", "CAVIAR_TOKEN_FILE")
    for name in names:
        monkeypatch.setenv(name, "another server's")
    environment = LocalEngine("http://127.0.0.1:9", 1, on_lost)._environment(None)
    assert not environment.keys() & set(names)
