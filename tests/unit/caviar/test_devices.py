"""A device for each of several processes."""

import asyncio
import sys
from pathlib import Path

import pytest
import typer

from caviar.cli.options import devices_of
from caviar.exchange.device import own_device
from caviar.service.engines.local import LocalEngine


def test_devices_are_one_for_each_process() -> None:
    assert devices_of("0, 2,MIG-1", None, "--workers") == ["0", "2", "MIG-1"]
    assert devices_of("3", 1, "--workers") == ["3"]
    assert devices_of(None, 4, "--workers") == []


@pytest.mark.parametrize(
    ("text", "count", "said"),
    [
        ("0,,1", None, "does not name a device for each process"),
        ("", None, "does not name"),
        ("x" * 65, None, "does not name"),
        ("0,1", 3, "2 devices are for 2 processes, not 3; leave --workers out"),
    ],
)
def test_devices_that_are_not_one_for_each_are_refused(text: str, count: int | None, said: str) -> None:
    with pytest.raises(typer.BadParameter, match=said):
        devices_of(text, count, "--workers")


def test_a_process_tells_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert own_device() is None
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1")
    assert own_device() == "1"


def test_each_agent_of_an_engine_has_its_device(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An agent's successor has the same."""
    started: list[str | None] = []
    run = asyncio.create_subprocess_exec

    async def noted(*_words: str, **given: object) -> asyncio.subprocess.Process:
        started.append(given["env"].get("CUDA_VISIBLE_DEVICES"))  # type: ignore[attr-defined]
        return await run(sys.executable, "-c", "", stdin=asyncio.subprocess.PIPE)

    async def lives() -> None:
        async def lost(_agent: object) -> None:
            return

        engine = LocalEngine("http://127.0.0.1:9", 2, lost, devices=("4", "5"))
        await engine.start()
        while len(started) < 4:
            await asyncio.sleep(0.02)
        await engine.stop(5.0)

    monkeypatch.setattr(asyncio, "create_subprocess_exec", noted)
    asyncio.run(lives())
    assert sorted(map(str, started[:2])) == ["4", "5"] and {started.count("4"), started.count("5")} >= {2}
