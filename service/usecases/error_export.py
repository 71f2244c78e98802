"""Rows of an error analysis as a file for spreadsheet programs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from caviar import spreadsheets
from caviar.service.usecases.error_analysis import WRONG_LABEL, Analysis
from caviar.service.usecases.examples import Example


def as_csv(analysis: Analysis, examples: Sequence[Example]) -> str:
    """Return CSV: what the model made of each row, what people said of it, then the cells of its input.

    A column of the file that is called like one of ours gets "input " before its name. Pixels are left out:
    `row` tells which image it is.
    """
    targets, tags = analysis.whole.targets, analysis.tags
    regression = analysis.whole.kind == "regression"
    columns: dict[str, list[Any]] = {"row": [one.row for one in examples]}
    for what in ("truth", "answer"):
        values = [getattr(one, what) for one in examples]
        if len(targets) > 1:
            columns |= {f"{what} {name}": [each[j] for each in values] for j, name in enumerate(targets)}
        else:
            columns[what] = values
    if not regression:
        columns["wrong"] = ["yes" if one.wrong else "no" for one in examples]
        columns["confidence"] = [one.confidence for one in examples]
    columns |= {"loss": [one.loss for one in examples], "weight": [one.weight for one in examples]}
    of_rows = [tags.get(one.row, []) for one in examples]
    columns["tags"] = ["; ".join(each.tag for each in of_row) for of_row in of_rows]
    right = [[each.label for each in of_row if each.tag == WRONG_LABEL] for of_row in of_rows]
    columns["right label"] = [labels[0] if labels else None for labels in right]
    inputs = [one.cells for one in examples]
    for j, name in enumerate(analysis.part.columns):
        cells = [None if one is None else one[j] for one in inputs]
        columns[f"input {name}" if name in columns else name] = cells
    return spreadsheets.write_csv(columns)
