"""How many agents a Ray cluster is asked for, what the server refuses to start with, and who imports Ray."""

from __future__ import annotations

import ast
import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from caviar.search.resources import ONE_CPU, Resources
from caviar.service import config
from caviar.service.engines import ray as engine
from caviar.service.engines.local import LostAgent
from caviar.service.engines.ray import RayEngine, shared
from caviar.service.setting_source import ConfigError
from tests.unit.test_house import imported, sources

GPU = Resources(gpus=1)
DISK = Resources(custom={"disk": 1})


@pytest.mark.parametrize(
    ("most", "wanted", "busy", "expected"),
    [
        (8, {}, {}, {}),
        (8, {ONE_CPU: 3}, {ONE_CPU: 2}, {ONE_CPU: 5}),
        (4, {ONE_CPU: 1000}, {ONE_CPU: 1}, {ONE_CPU: 4}),
        (8, {ONE_CPU: 1000, GPU: 1000}, {}, {ONE_CPU: 4, GPU: 4}),
        (8, {ONE_CPU: 1000, GPU: 2}, {GPU: 1}, {ONE_CPU: 5, GPU: 3}),
        (9, {ONE_CPU: 99, GPU: 1, DISK: 99}, {}, {ONE_CPU: 4, GPU: 1, DISK: 4}),
        (2, {ONE_CPU: 5}, {GPU: 3}, {GPU: 3}),
    ],
    ids=str,
)
def test_the_places_left_are_shared(most: int, wanted: Any, busy: Any, expected: Any) -> None:
    assert shared(most, wanted, busy) == expected


@pytest.mark.parametrize(
    ("arguments", "setting"),
    [
        ({"engine": "slurm"}, "--engine"),
        ({"ray_address": "10.0.0.5:6379"}, "--ray-address"),
        ({"agent_url": "http://10.0.0.5:8000"}, "--agent-url"),
        ({"engine": "ray", "resources": "cpus=2"}, "--resources"),
        ({"engine": "ray", "ray_address": "10.0.0.5:6379"}, "--workers"),
        ({"engine": "ray", "workers": 2, "ray_address": "ray://h:10001"}, "--ray-address"),
        ({"engine": "ray", "agent_url": "10.0.0.5:8000"}, "--agent-url"),
        ({"engine": "ray", "token_required": False}, "--token-required"),
        ({"resources": "cpus=two"}, "--resources"),
    ],
    ids=str,
)
def test_what_does_not_go_together_is_refused(
    tmp_path: Path, arguments: dict[str, Any], setting: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        config.read({}, data=tmp_path, **arguments)
    assert caught.value.setting == setting and caught.value.remedy


def test_tokens_are_required_and_parallel_follows_from_the_most(tmp_path: Path) -> None:
    found = config.read({}, data=tmp_path, engine="ray", workers=32)
    assert found.token_required and found.workers_for(GPU) == 32
    local = config.read({}, data=tmp_path, workers=32, resources="cpus=2")
    assert not local.token_required
    assert local.workers_for(Resources(cpus=2)) == 32 and local.workers_for(GPU) == 0


def test_a_driver_that_ends_is_started_again_and_told_everything(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A driver of the test's own: it notes what it reads, and ends the first time."""
    program = f"""
import json, pathlib, sys
notes = pathlib.Path({str(tmp_path)!r})
run = len(list(notes.glob("run-*")))
with (notes / f"run-{{run}}").open("w") as note:
    print(json.dumps({{"event": "joined", "url": "u"}}), flush=True)
    for line in sys.stdin:
        print(line, file=note, end="", flush=True)
        if run == 0 and "cpus" in line:
            print(json.dumps({{"event": "problem", "text": "no head"}}), flush=True)
            print(json.dumps({{"event": "lost", "agent": "a-1"}}), flush=True)
            sys.exit("it is gone")
"""
    (tmp_path / "driver_of_test.py").write_text(program, encoding="utf-8")
    monkeypatch.setattr(engine, "DRIVER", "driver_of_test")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setattr(engine, "FIRST_PAUSE", 0.01)
    monkeypatch.setattr(engine, "LOOK_SECONDS", 0.01)
    asked = iter([RuntimeError("the database is away")])

    async def look() -> Any:
        for error in asked:
            raise error
        return {ONE_CPU: 5}, {}

    lost = []

    async def note(agent: LostAgent) -> None:
        lost.append(agent.id)

    async def scenario() -> None:
        settings = config.read({}, data=tmp_path / "d", engine="ray", workers=3)
        made = RayEngine(settings, look, note, "secret")
        await made.start()
        second = tmp_path / "run-1"
        while not second.exists() or second.read_text("utf-8").count("\n") < 2:
            await asyncio.sleep(0.02)
        await made.stop(10.0)

    with caplog.at_level("INFO"):
        asyncio.run(asyncio.wait_for(scenario(), 60))
    for run in range(2):
        first, *rest = (tmp_path / f"run-{run}").read_text("utf-8").splitlines()
        assert json.loads(first)["order"]["token"] == "secret"
        assert [json.loads(line) for line in rest[:1]] == [{ONE_CPU.model_dump_json(): 3}]
    assert lost == ["a-1"]
    assert "Ray: no head" in caplog.text and "it is gone; it is started again" in caplog.text
    assert not (tmp_path / "run-2").exists(), "it is not started again at the end"


def test_without_ray_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    engine.require_ray()
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"pip install 'caviar\[ray\]'"):
        engine.require_ray()


def test_one_file_imports_ray() -> None:
    found = {
        path.name
        for path in sources()
        if "tests" not in path.parts and "benchmarks" not in path.parts
        for line, name in imported(ast.parse(path.read_text("utf-8")))
        if name.partition(".")[0] == "ray" and path.name != "ray.py"
    }
    assert found == {"ray_driver.py"}
