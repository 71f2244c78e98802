"""An agent ends when its trainer does not come back from a trial that nobody wants, and only then."""

import contextlib
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from caviar.agents.watchdog import LOOKS, STUCK, Watchdog
from caviar.exchange.assigned_trial import AssignedTrial
from tests.support.assigned import assigned_trial


def trial(number: int = 0) -> AssignedTrial:
    return assigned_trial(f"3.{number}", attempt=2, number=number)


class Agent:
    """An agent whose server wants everything, until `unwanted` says otherwise; notes how it ended."""

    def __init__(self, grace: float = 30.0, trouble: Exception | None = None) -> None:
        self.failure: BaseException | None = None
        self.unwanted: dict[Any, str] = {}
        self.ending: list[Any] = []
        self.ended = threading.Event()
        self._trouble = trouble
        self.watch = Watchdog(self, self.leave, grace=grace, end=self.end)  # type: ignore[arg-type]

    def dropped(self, key: Any) -> str | None:
        return self.unwanted.get(key)

    def guard(self, work: Any) -> None:
        with contextlib.suppress(SystemExit):
            work()

    def leave(self) -> None:
        self.ending.append("left")
        if self._trouble:
            raise self._trouble

    def end(self, code: int) -> None:
        self.ending.append(code)
        self.ended.set()
        raise SystemExit(code)  # of the thread that looks

    def look(self, times: int) -> list[Any]:
        with contextlib.suppress(SystemExit):
            for _ in range(times):
                self.watch.look()
        return self.ending


def test_a_trial_that_is_wanted_is_waited_for_however_long_it_takes() -> None:
    agent = Agent()
    with agent.watch.over(trial()):
        assert agent.look(100 * LOOKS) == []


def test_the_agent_leaves_and_ends_after_the_grace_and_says_why(caplog: pytest.LogCaptureFixture) -> None:
    agent = Agent()
    agent.unwanted["3.0", 2] = "the trial is cancelled"

    def advance() -> None:
        with ThreadPoolExecutor(1) as another:
            assert another.submit(agent.look, LOOKS).result() == []
            assert another.submit(agent.look, 1).result() == ["left", STUCK]

    with agent.watch.over(trial()):
        advance()
    (said,) = caplog.records
    for part in (
        "trial 3.0",
        "the trial is cancelled",
        "trainer ridge",
        "for 30 s",
        "0.05 s",
        " advance (test_",
    ):
        assert part in said.getMessage()
    assert (said.trial, said.attempt) == ("3.0", 2)  # type: ignore[attr-defined]


def test_a_trainer_that_comes_back_in_time_keeps_its_agent_however_often() -> None:
    agent = Agent()
    for number in range(10):
        agent.unwanted[f"3.{number}", 2] = "the search was deleted"
        with agent.watch.over(trial(number)):
            assert agent.look(LOOKS) == []
    assert agent.look(2 * LOOKS) == []


def test_an_agent_whose_talk_has_ended_for_good_does_not_wait_for_its_trainer_either() -> None:
    agent = Agent()
    agent.failure = RuntimeError("the request was wrong")
    with agent.watch.over(trial()):
        assert agent.look(LOOKS + 1) == ["left", STUCK]


def test_the_agent_ends_though_it_cannot_leave_in_good_order() -> None:
    agent = Agent(trouble=OSError("no network"))
    agent.unwanted["3.0", 2] = "the lease ran out"
    with agent.watch.over(trial()):
        assert agent.look(LOOKS + 1) == ["left", STUCK]


def test_it_looks_by_itself() -> None:
    agent = Agent(grace=0.3)
    agent.watch.start()
    with agent.watch.over(trial()):
        assert not agent.ended.wait(0.6)
        agent.unwanted["3.0", 2] = "the trial is cancelled"
        assert agent.ended.wait(20)
    assert agent.ending == ["left", STUCK]


def test_it_looks_no_more_once_the_training_thread_is_back_for_good() -> None:
    agent = Agent(grace=0.1)
    agent.unwanted["3.0", 2] = "the trial is cancelled"
    agent.watch.start()
    agent.watch.stop()
    with agent.watch.over(trial()):
        assert not agent.ended.wait(0.5)
