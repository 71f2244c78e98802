"""When `caviar worker` ends by itself, and what its exit code says."""

import asyncio
import itertools
import signal
import time
from dataclasses import dataclass, field
from types import SimpleNamespace

import pytest
import typer

from caviar.cli import workers
from caviar.cli.options import duration
from caviar.service.engines import remote
from caviar.service.engines.remote import Limits


@dataclass
class Engine:
    """Agents that are idle at the looks that a test says."""

    looks: "itertools.chain[bool]"
    asked: int = 0
    told: list[signal.Signals] = field(default_factory=list)

    def idle(self) -> bool:
        self.asked += 1
        found = next(self.looks)
        if self.asked == 200:
            self.told.append(signal.SIGTERM)
        return found


def ending(limits: Limits, *looks: bool, elapsed: float = 0.0, monkeypatch: pytest.MonkeyPatch) -> int:
    """Run to the end, with a second between two looks and SIGTERM at the two hundredth."""
    clock = itertools.count(1000.0)
    monkeypatch.setattr(remote, "WATCH_SECONDS", 0.0)
    monkeypatch.setattr(remote, "time", SimpleNamespace(monotonic=lambda: float(next(clock))))
    engine = Engine(itertools.chain(looks, itertools.repeat(True)))
    engine.told = told = []
    reached = asyncio.run(remote.ending(engine, limits, 1000.0 - elapsed, lambda: bool(told)))  # type: ignore[arg-type]
    return workers.exit_code(reached, limits, told)


def test_the_exit_code_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    assert ending(Limits(), monkeypatch=monkeypatch) == 0  # the signal is its usual end
    assert ending(Limits(idle=1000.0), monkeypatch=monkeypatch) == 128 + signal.SIGTERM
    assert ending(Limits(idle=60.0), monkeypatch=monkeypatch) == 0
    assert ending(Limits(idle=60.0, lifetime=50.0), monkeypatch=monkeypatch) == 75
    assert ending(Limits(lifetime=3600.0), elapsed=3570.0, monkeypatch=monkeypatch) == 75


def test_whoever_trains_or_starts_is_not_idle(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote, "WATCH_SECONDS", 0.0)
    clock = itertools.count(0.0)
    monkeypatch.setattr(remote, "time", SimpleNamespace(monotonic=lambda: float(next(clock))))
    engine = Engine(itertools.chain([True] * 9, [False] * 30, itertools.repeat(True)))
    asyncio.run(remote.ending(engine, Limits(idle=10.0), 0.0, lambda: False))  # type: ignore[arg-type]
    assert 48 <= engine.asked <= 51, "ten seconds after the last training"


def test_agents_let_go_before_their_lifetime_is_over() -> None:
    assert Limits(lifetime=3600.0).letting_go == 3600.0 - remote.GRACE_SECONDS
    assert Limits(lifetime=10.0).letting_go == 5.0
    assert Limits().letting_go > time.monotonic() + 1e9


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90", 90), ("90s", 90), ("55m", 3300), ("1h30m", 5400), ("1.5h", 5400), ("2d", 172800)],
)
def test_durations(text: str, seconds: float) -> None:
    assert duration(text) == seconds


@pytest.mark.parametrize("text", ["", "0", "-5", "5x", "m", "1h30", "nan", "1e3", "inf", "9" * 20, "١m"])
def test_no_durations(text: str) -> None:
    with pytest.raises(typer.BadParameter, match="is not a duration"):
        duration(text)
