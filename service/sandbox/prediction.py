"""Predict on a few rows with a stored model, in a process of its own, under limits.

`python -I -m caviar.service.sandbox.prediction MEMORY SECONDS` reads a line of JSON, the rows, and a model on
standard input. It prints JSON: the predictions; `refused`, with message and remedy, for rows that cannot be
predicted on; or `problem` for a file that is no model.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from caviar.service.sandbox.evaluation import bound_memory, bound_work


def main(arguments: list[str]) -> int:
    """Predict with one model."""
    memory, seconds = arguments
    os.environ.update(OPENBLAS_NUM_THREADS="1", OMP_NUM_THREADS="1", ARROW_DEFAULT_MEMORY_POOL="system")
    rows, saved = json.loads(sys.stdin.buffer.readline()), sys.stdin.buffer.read()
    bound_work(float(seconds))
    import caviar.trainer.predict  # noqa: F401 - loaded before its address space is bounded

    bound_memory(int(memory))
    sys.stdout.write(json.dumps(_found(saved, rows)))
    return 0


def _found(saved: bytes, rows: list[Any]) -> dict[str, Any]:
    """Return what is printed."""
    from caviar.trainer.predict import Model
    from caviar.trainer.problem import ProblemsError

    try:
        model = Model.load(saved)
    except ProblemsError as error:
        return {"problem": error.problems[0].as_dict()}
    try:
        found = model.predict(_source(rows))
    except ProblemsError as error:
        return {"refused": error.problems[0].as_dict()}
    told = {"kind": model.info["kind"], **_distance(found)}
    if found.probabilities is None:
        assert found.values is not None
        return {**told, "targets": found.targets, "values": found.values.tolist()}
    probabilities = found.probabilities.tolist()
    return {**told, "classes": found.classes, "labels": found.labels, "probabilities": probabilities}


def _distance(found: Any) -> dict[str, Any]:
    """Return what lies far from training; null where the model does not know, or the rows are too few."""
    return {
        name: None if listed is None else [{**asdict(one), "text": str(one)} for one in listed]
        for name, listed in (("far", found.far), ("moved", found.moved))
    }


def _source(rows: list[Any]) -> Any:
    """Return rows by name as columns, rows of numbers as a matrix.

    Raises
    ------
    DataError
        A row has other columns, or another number of them, than the first one.
    """
    import numpy as np

    from caviar.trainer.problem import DataError

    by_name = isinstance(rows[0], Mapping)
    for number, row in enumerate(rows, start=1):
        if len(row) != len(rows[0]) or (by_name and row.keys() != rows[0].keys()):
            message = f"row {number} has other columns than row 1"
            raise DataError.of(
                "rows", message, "give each row the same columns, null where a cell is missing"
            )
    if by_name:
        return {name: [row[name] for row in rows] for name in rows[0]}
    return np.array(rows, dtype=np.float64)  # null becomes NaN


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
