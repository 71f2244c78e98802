"""Columns in memory equal the rows, to the last bit, however the changes came."""

from __future__ import annotations

import random

import numpy as np
import orjson
import pytest

from caviar.service.store import memory
from caviar.service.store.fields import Field
from caviar.service.store.memory import PLAIN
from tests.support.stores import World, handed

TRIALS = 30
SPACE = {
    "a": {"scale": "log", "low": 1e-4, "high": 1.0},
    "kind": {"choices": ["x", "y", 3]},
    "widths": {"choices": [[4, 4], [8]]},
    "late": {"scale": "linear", "low": 0.0, "high": 1.0, "when": {"kind": "x"}},
}
FIELDS = [Field(name, name) for name in PLAIN]
FIELDS += [Field(f"params.{name}", "params", name) for name in SPACE]
FIELDS += [Field(f"metrics.{name}", "metrics", name) for name in ("dev_error", "size", "nobody")]


def in_rows(world: World, search: int, field: Field) -> list[object]:
    values = [getattr(row, field.column) for row in world.trials(search)]
    if field.member:
        values = [(orjson.loads(value or "{}") or {}).get(field.member) for value in values]
    return [orjson.dumps(one).decode() if isinstance(one, list) else one for one in values]


def same(column: memory.Column, wanted: list[object]) -> None:
    numbers = [np.nan if isinstance(one, str | None) else float(one) for one in wanted]  # type: ignore[arg-type]
    assert np.array_equal(column.numbers, numbers, equal_nan=True)
    for one in {one for one in wanted if isinstance(one, str)}:
        assert column.among([one]).tolist() == [one == other for other in wanted]
    assert column.texts().tolist() == [isinstance(one, str) for one in wanted]


def test_columns_follow_every_change(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "CHUNK", 7)
    draw = random.Random(1)
    search = world.submit(space=SPACE, budget={"trials": TRIALS}, parallel=1)
    followed, held = memory.Columns(), []
    for _ in range(6):
        held += handed(world.exchange(1, want=5, holding=held))
        world.clock.time += 1 / 3
        ended, held = held[:3], held[3:]
        metrics = {"dev_error": draw.random() / 3, "size": draw.choice([1, None])}
        results = [{"state": "completed", "metrics": metrics, "epoch": 1} for _ in ended]
        reports = [
            {"trial": trial, "attempt": attempt, "result": done}
            for (trial, attempt), done in zip(ended, results, strict=True)
        ]
        world.exchange(1, reports=reports, holding=held)
        for field in FIELDS:
            with world.store.reading() as connection:
                same(followed.get(connection, search, field), in_rows(world, search, field))


def test_large_searches_are_read_before_anybody_asks(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "LARGE", 3)
    large, small = world.submit(parallel=1), world.submit(parallel=1)
    world.exchange(1, want=4, searches=[large])
    world.exchange(2, want=2, searches=[small])
    columns = memory.Columns()
    world.read(columns.prepare)
    assert columns.held(large) == set(memory.SOURCES)
    assert columns.held(small) == set()


def test_what_is_least_used_goes_first(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "KEPT_BYTES", 3000)
    search = world.submit(parallel=1)
    world.exchange(1, want=4)
    columns = memory.Columns()
    with world.store.reading() as connection:
        for field in FIELDS:
            columns.get(connection, search, field)
    assert columns.held(search) == {"params", "metrics"}
