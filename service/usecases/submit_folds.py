"""What is known of a data set since its upload that speaks against the folds of a search."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from caviar.service.errors import FieldProblem
from caviar.trainer.data import description
from caviar.trainer.data.cuts import is_stratified
from caviar.trainer.data.folds import Folds, check_folds
from caviar.trainer.problem import DataError

Known = Mapping[str, Any]  # a data set as its upload described it


def problems_of(dataset: Mapping[str, Any], known: Known, classes: Mapping[str, int]) -> list[FieldProblem]:
    """Find more folds than rows, than rows of a class, or than groups; `classes` as far as they are known."""
    told = {one.field.split(".")[1] for one in description.problems_of(dataset) if "." in one.field}
    if told & {"folds", "repeats", "split", "split_groups", "ordered"}:
        return []  # the trainer tells
    kept = 1.0 - float((dataset.get("split") or {}).get("test") or 0.0)
    folds = Folds(int(dataset["folds"]), ordered=bool(dataset.get("ordered")))
    rows = math.ceil(known["rows"] * kept)
    column = next((one for one in known["features"] if one["name"] == dataset.get("split_groups")), None)
    try:
        folds.check_rows(rows)
        if classes and is_stratified(dataset):
            counts = [math.ceil(count * kept) for count in classes.values()]
            check_folds(folds.folds, counts, list(classes))
        if column is not None and column.get("different") is not None:
            folds.check_groups(known["rows"], column["different"], column["most"])
    except DataError as error:
        return [
            FieldProblem(one.field, f"{known['name']}: {one.message}", one.remedy) for one in error.problems
        ]
    return []
