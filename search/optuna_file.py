"""Optuna's own database as a file of SQLite, written at once: Optuna itself commits every value."""

import json
import math
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import optuna
from optuna.distributions import BaseDistribution, distribution_to_json
from optuna.storages import RDBStorage
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial

_TABLES = {
    "trials": "trial_id, number, study_id, state, datetime_start, datetime_complete",
    "trial_params": "trial_id, param_name, param_value, distribution_json",
    "trial_values": "trial_id, objective, value, value_type",
    "trial_intermediate_values": "trial_id, step, intermediate_value, intermediate_value_type",
    "trial_user_attributes": "trial_id, key, value_json",
    "trial_system_attributes": "trial_id, key, value_json",
}


def write_study(
    path: Path,
    name: str,
    directions: Sequence[str],
    trials: Iterable[FrozenTrial],
    user: Mapping[str, Any],
    system: Mapping[str, Any],
) -> None:
    """Write a study with its attributes into a new file; trials are numbered in their order."""
    with opened(":memory:") as storage:
        ways = [StudyDirection[one.upper()] for one in directions]
        study = optuna.create_study(storage=storage, study_name=name, directions=ways)
        for key, value in user.items():
            study.set_user_attr(key, value)
        for key, value in system.items():
            storage.set_study_system_attr(study._study_id, key, value)
        memory: Any = storage.engine.raw_connection().driver_connection
        rows = _rows(study._study_id, trials)
        for table, columns in _TABLES.items():
            places = ", ".join("?" for _ in columns.split(", "))
            statement = f"INSERT INTO {table} ({columns}) VALUES ({places})"  # noqa: S608
            memory.executemany(statement, rows[table])
        memory.commit()
        with closing(sqlite3.connect(path)) as file:
            memory.backup(file)


def _rows(study: int, trials: Iterable[FrozenTrial]) -> dict[str, list[tuple[Any, ...]]]:
    rows: dict[str, list[tuple[Any, ...]]] = {table: [] for table in _TABLES}
    written: dict[int, tuple[BaseDistribution, str]] = {}  # by identity, which lasts as long as they are kept
    for number, trial in enumerate(trials):
        key = number + 1
        times = (_utc(trial.datetime_start), _utc(trial.datetime_complete))
        rows["trials"].append((key, number, study, trial.state.name, *times))
        for name, kind in trial.distributions.items():
            if id(kind) not in written:
                written[id(kind)] = kind, distribution_to_json(kind)
            code = kind.to_internal_repr(trial.params[name])
            rows["trial_params"].append((key, name, float(code), written[id(kind)][1]))
        for place, value in enumerate(trial.values or ()):
            rows["trial_values"].append((key, place, *_number(value)))
        for step, value in trial.intermediate_values.items():
            rows["trial_intermediate_values"].append((key, step, *_number(value)))
        for table, attributes in (("user", trial.user_attrs), ("system", trial.system_attrs)):
            texts = [(key, name, json.dumps(value)) for name, value in attributes.items()]
            rows[f"trial_{table}_attributes"] += texts
    return rows


def _number(value: float) -> tuple[float | None, str]:
    if math.isfinite(value):
        return value, "FINITE"
    return None, "NAN" if math.isnan(value) else "INF_POS" if value > 0 else "INF_NEG"


def _utc(moment: datetime | None) -> str | None:
    """Return a local time without a zone as Optuna stores it."""
    if moment is None:
        return None
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(" ", "microseconds")


@contextmanager
def opened(path: Path | str) -> Iterator[RDBStorage]:
    """Open a file as a storage of Optuna, which says nothing meanwhile."""
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    storage = RDBStorage(f"sqlite:///{path}")
    try:
        yield storage
    finally:
        storage.engine.dispose()
        optuna.logging.set_verbosity(before)
