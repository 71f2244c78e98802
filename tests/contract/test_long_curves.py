"""Curves of very many epochs are thinned on request; a stream goes on after them without gap or double."""

from __future__ import annotations

from typing import Any

import numpy as np

from caviar.service.ids import trial_id
from caviar.service.store import curves, streams
from tests.support.stores import World, epochs, handed

ROWS = np.random.default_rng(0).random((3000, 2)).astype(np.float32)


def trained(world: World) -> tuple[str, int]:
    """A trial of 3,000 epochs in reports of 100, with costs of mini-batches."""
    search = world.submit(settings={"epochs": 6000})
    [(trial, attempt)] = handed(world.exchange(1, want=1))
    for first in range(1, 3001, 100):
        report(world, trial, attempt, first, ROWS[first - 1 : first + 99].tolist())
    assert trial == f"{search}.0"
    return trial, attempt


def report(world: World, trial: str, attempt: int, first: int, rows: Any) -> None:
    costs = [[10 * (first + offset), 0.5] for offset in range(len(rows))]
    told = {**epochs(trial, attempt, first, []), "rows": rows, "costs": costs}
    world.exchange(1, reports=[told], holding=[(trial, attempt)])


def test_a_thinned_curve_is_part_of_the_whole(world: World) -> None:
    trial, _ = trained(world)
    search, number = map(int, trial.split("."))
    whole = world.read(lambda c: curves.read(c, search, number))
    some = world.read(lambda c: curves.read(c, search, number, 100, "dev_error"))
    [full], [short] = whole["branches"], some["branches"]
    assert full["epoch"] == list(range(1, 3001)) and full["dev_error"] == curves.floats(ROWS[:, 1])
    assert (whole["total"], some["total"]) == (3000, 3000)
    assert 90 <= len(short["epoch"]) <= 110 and len(some["costs"]["step"]) == 100
    assert (short["epoch"][0], short["epoch"][-1]) == (1, 3000)
    assert min(short["dev_error"]) == min(full["dev_error"])
    for name in ("train_cost", "dev_error"):
        assert short[name] == [full[name][epoch - 1] for epoch in short["epoch"]]
    assert some["costs"]["step"][-1] == whole["costs"]["step"][-1] == 30_000


def test_a_stream_goes_on_after_a_thinned_curve(world: World) -> None:
    trial, attempt = trained(world)
    search, number = map(int, trial.split("."))
    some = world.read(lambda c: curves.read(c, search, number, 100, "dev_error"))
    [short], costs = some["branches"], some["costs"]
    position = (
        f"0-{short['branch']}-{short['epoch'][-1]}-{costs['step'][-1] + 1}"  # as the page of a trial says it
    )
    report(world, trial, attempt, 3001, [[0.25, 0.5], [0.125, 0.25]])
    at = streams.Position.read(position)
    news = world.read(lambda c: streams.trial_news(c, trial_id(trial), at))
    assert [body["epoch"] for kind, body, _ in news if kind == "epoch"] == [3001, 3002]
    assert [body["step"] for kind, body, _ in news if kind == "cost"] == [[30_010, 30_020]]


def test_columns_that_come_and_go_are_missing_where_they_were_not_reported(world: World) -> None:
    search = world.submit(settings={"epochs": 9})
    [(trial, attempt)] = handed(world.exchange(1, want=1))
    for first, columns in ((1, ["a"]), (2, ["a"]), (3, ["b", "a"]), (4, ["a"])):
        row = [[float(first) for _ in columns]]
        told = {"trial": trial, "attempt": attempt, "first": first, "columns": columns, "rows": row}
        world.exchange(1, reports=[told], holding=[(trial, attempt)])
    found = world.read(lambda c: curves.read(c, search, 0))
    assert found["columns"] == ["epoch", "a", "b"]
    assert found["branches"][0]["a"] == [1.0, 2.0, 3.0, 4.0]
    assert found["branches"][0]["b"] == [None, None, 3.0, None]
