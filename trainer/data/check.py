"""What is wrong with a `dataset` object, before anything is trained: cheap enough for every submit."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from caviar.trainer.data import files
from caviar.trainer.data.description import problems_of
from caviar.trainer.data.file_request import FileRequest
from caviar.trainer.data.more_rows import other_sources
from caviar.trainer.data.options import READING
from caviar.trainer.problem import DataError, Problem


def check(dataset: object) -> list[Problem]:
    """Return what is wrong with a `dataset` object; an empty list if nothing is.

    Of files the header alone is read; what a cell can have wrong is found by `load`.
    """
    found = problems_of(dataset)
    if found or not isinstance(dataset, Mapping):
        return found
    if any(dataset.get(key) is not None for key in READING) and dataset.get("reading") is None:
        return found  # how the file is read is found when it is
    others = {f"dataset.{key}": source for key, source in other_sources(dataset).items()}
    sources = {"dataset": dataset, **others}
    for field, source in sources.items():
        if source and source.get("path") is not None and source.get("X") is None:
            found += _header(source, dataset, field)
    return found


def _header(source: Mapping[str, Any], options: Mapping[str, Any], field: str) -> list[Problem]:
    try:
        files.column_names(Path(source["path"]), FileRequest.by(options, source, field))
    except DataError as error:
        return error.problems
    return []
