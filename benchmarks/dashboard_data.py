"""Finished searches of many trials, written into a data folder: the dashboard is measured on these."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import insert, select, update

from caviar.search.spec import SearchSpec
from caviar.service.config import read
from caviar.service.store import schema
from caviar.service.store.clock import SteadyClock
from caviar.service.store.curves import pack
from caviar.service.store.sqlite import Dialect
from caviar.service.store.tables import curve_columns, curves, revisions, searches, trials

SPACE = {
    "learning_rate": {"scale": "log", "low": 1e-4, "high": 1.0},
    "beta1": {"scale": "one_minus_log", "low": 0.9, "high": 0.999},
    "hidden_units": {"scale": "linear", "type": "int", "low": 32, "high": 128},
    "l2": {"scale": "log", "low": 1e-6, "high": 10, "zero": 0.2},
    "keep_prob": {"scale": "linear", "low": 0.5, "high": 1.0},
    "batch_size": {"choices": [32, 64, 128, 256]},
    "decay_rate": {"scale": "log", "low": 1e-3, "high": 1.0},
    "activation": {"choices": ["relu", "tanh"]},
}
METRICS = ["train_cost", "train_error", "dev_cost", "dev_error"]
EPOCHS = 10
AGENTS = [f"a-{index:016x}" for index in range(2)]


def spec(count: int) -> SearchSpec:
    """Return a search of 8 parameters and so many trials."""
    return SearchSpec.parse(
        {
            "name": f"{count:,} trials",
            "dataset": {"name": "digits"},
            "settings": {"epochs": EPOCHS, "optimizer": "adam"},
            "space": SPACE,
            "strategy": {"name": "coarse_to_fine"},
            "budget": {"trials": count},
            "parallel": 2,
            "seed": 7,
        }
    )


def generated(count: int) -> Iterator[dict[str, Any]]:
    """Return the trials of `write_search` without a database."""
    return _trials(spec(count), count, time.time())


def write_search(folder: Path, count: int) -> int:
    """Write a finished search of `count` trials into a data folder; its id."""
    folder.mkdir(parents=True, exist_ok=True)
    config = read(data=folder)
    dialect = Dialect(config.database_url, SteadyClock())
    dialect.open()
    try:
        schema.prepare(dialect, config.database_shown)
        return _write(dialect, count)
    finally:
        dialect.close()


def _write(dialect: Dialect, count: int) -> int:
    given = spec(count)
    now = time.time()
    rows = list(_trials(given, count, now))
    finite = [(row["value"], row["number"]) for row in rows if row["value"] is not None]
    with dialect.writer.connect() as connection, connection.begin():
        start = connection.execute(select(revisions.c.value)).scalar() or 0
        search = connection.execute(
            insert(searches).values(
                name=given.name,
                switch="active",
                mode="caviar",
                spec=json.dumps(given.submitted()),
                spec_version=1,
                version=1,
                parallel=2,
                lag=2,
                seed=7,
                total=count,
                by_hand=0,
                proposed=count,
                exhausted=True,
                completed=len(finite),
                diverged=count - len(finite),
                best_number=min(finite)[1],
                best_value=min(finite)[0],
                created=now - count,
                started=now - count,
                ended=now,
                revision=start + count + 1,
            )
        ).inserted_primary_key[0]
        columns = connection.execute(select(curve_columns.c.id)).scalar()
        if columns is None:
            names = json.dumps(METRICS)
            columns = connection.execute(
                insert(curve_columns).values(names=names, digest=hashlib.sha256(names.encode()).hexdigest())
            ).inserted_primary_key[0]
        pending = iter(rows)
        while batch := list(islice(pending, 5000)):
            connection.execute(
                insert(trials),
                [{**row, "search_id": search, "revision": start + row["number"] + 1} for row in batch],
            )
            connection.execute(insert(curves), [_curve(search, columns, row) for row in batch])
        connection.execute(update(revisions).values(value=start + count + 1))
    return int(search)


def _trials(given: SearchSpec, count: int, now: float) -> Iterator[dict[str, Any]]:
    """Return trials whose error has a valley over the learning rate and slopes over the rest."""
    random = np.random.default_rng(count)
    units = random.random((count, given.space.dimensions))
    valley = (units[:, 0] - 0.6) ** 2 * 2 + (units[:, 1] - 0.5) ** 2 * 0.2 + units[:, 3] * 0.05 + 0.01
    errors = np.clip(valley * np.exp(random.normal(0, 0.3, count)), 0.005, 0.9)
    shares = random.uniform(0.2, 0.9, count)
    for number in range(count):
        error = float(errors[number])
        diverged = units[number, 0] > 0.97
        begun = now - count + number
        metrics = {"train_error": error * shares[number], "dev_error": error, "epoch": EPOCHS}
        yield {
            "number": number,
            "state": "diverged" if diverged else "completed",
            "attempt": 1,
            "agent": AGENTS[number % len(AGENTS)],
            "params": json.dumps(given.space.from_unit(units[number])),
            "unit": units[number].tobytes(),
            "value": None if diverged else error,
            "metrics": "{}" if diverged else json.dumps(metrics),
            "epoch": EPOCHS,
            "epochs": EPOCHS,
            "origin": "random",
            "seed": number,
            "branch": 0,
            "created": begun,
            "started": begun,
            "ended": begun + 1.5,
        }


def _curve(search: int, columns: int, row: dict[str, Any]) -> dict[str, Any]:
    error = row["value"] or 0.9
    falling = error + 0.6 * np.exp(-np.arange(1, EPOCHS + 1) / 3)
    rows = [[2 * each, 0.8 * each, 2.5 * each, each] for each in falling.tolist()]
    return {
        "search_id": search,
        "number": row["number"],
        "branch": 0,
        "first": 1,
        "rows": EPOCHS,
        "columns_id": columns,
        "data": pack(rows),
    }
