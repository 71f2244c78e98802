"""The same trials in Optuna's own SQLite storage, written in bulk through its table models."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import optuna
from optuna.storages._rdb import models
from sqlalchemy import create_engine, insert

from benchmarks.dashboard_data import SPACE, generated


def distribution(definition: dict[str, Any]) -> optuna.distributions.BaseDistribution:
    """Return the nearest distribution that Optuna has: it has no one-minus-log."""
    if "choices" in definition:
        return optuna.distributions.CategoricalDistribution(definition["choices"])
    low, high = definition["low"], definition["high"]
    if definition.get("type") == "int":
        return optuna.distributions.IntDistribution(low, high)
    log = definition["scale"] == "log" and not definition.get("zero")
    return optuna.distributions.FloatDistribution(0.0 if definition.get("zero") else low, high, log=log)


def export_to_optuna(path: Path, count: int) -> None:
    """Write a study of the trials of benchmarks.dashboard_data."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    optuna.create_study(storage=f"sqlite:///{path}", study_name="same", direction="minimize")
    distributions = {name: distribution(definition) for name, definition in SPACE.items()}
    described = {
        name: optuna.distributions.distribution_to_json(each) for name, each in distributions.items()
    }
    trials, params, values = [], [], []
    for row in generated(count):
        number = row["number"]
        key = number + 1
        state = "COMPLETE" if row["value"] is not None else "FAIL"
        start, end = (
            datetime.fromtimestamp(row[name], UTC).replace(tzinfo=None) for name in ("started", "ended")
        )
        trials.append(
            {
                "trial_id": key,
                "number": number,
                "study_id": 1,
                "state": state,
                "datetime_start": start,
                "datetime_complete": end,
            }
        )
        for name, value in json.loads(row["params"]).items():
            internal = distributions[name].to_internal_repr(value)
            params.append(
                {
                    "trial_id": key,
                    "param_name": name,
                    "param_value": internal,
                    "distribution_json": described[name],
                }
            )
        if row["value"] is not None and math.isfinite(row["value"]):
            values.append({"trial_id": key, "objective": 0, "value": row["value"], "value_type": "FINITE"})
    engine = create_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        connection.execute(insert(models.TrialModel), trials)
        connection.execute(insert(models.TrialParamModel), params)
        connection.execute(insert(models.TrialValueModel), values)
    engine.dispose()
