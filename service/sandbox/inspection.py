"""Read an uploaded file in a process of its own, under limits, and say on standard output what is in it.

`python -I -m caviar.service.sandbox.inspection PATH MEMORY SECONDS OPTIONS` prints one line of JSON:
a description, or `problems`, each with field, message, remedy and fixes. A file that asks for too much
memory or time ends this process and nothing else.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from caviar.service.sandbox.evaluation import bound_memory, bound_work

BASE_BYTES = 256 << 20  # beyond what the libraries take: enough for any small file
BYTES_PER_BYTE = 12  # parsed tables are larger than their text
MOST_COLUMNS = 200  # described one by one
MOST_LETTERS = 1 << 20  # of names of columns that are kept beyond those
MOST_CLASSES = 100
MOST_NOTES = 200
MOST_PROBLEMS = 100
PACKED = (b"\x1f\x8b", b"BZh", b"\xfd7zXZ", b"PK\x03\x04", b"ARROW1")
PREVIEW_ROWS, PREVIEW_COLUMNS = 20, 50


def main(arguments: list[str]) -> int:
    """Inspect one file."""
    path, memory, seconds, options = arguments
    os.environ.update(OPENBLAS_NUM_THREADS="1", OMP_NUM_THREADS="1", ARROW_DEFAULT_MEMORY_POOL="system")
    bound_work(float(seconds))
    import numpy  # noqa: F401 - loaded before its address space is bounded

    if not _is_arrays(path):
        import caviar.trainer.data.inference
        import caviar.trainer.data.treat  # noqa: F401

        with suppress(ImportError):  # an extra, without which its files are refused by name
            import openpyxl  # type: ignore[import-untyped]  # noqa: F401
    from caviar.trainer.data import npy, sources, targets  # noqa: F401
    from caviar.trainer.problem import DataError

    bound_memory(_needed(Path(path), int(memory)))
    try:
        answer = describe(path, json.loads(options))
    except DataError as error:
        # The name of the file is ours, and means nothing to a user.
        told = [one.of_file(path).of_file(Path(path).name) for one in error.problems[:MOST_PROBLEMS]]
        answer = {"problems": [one.as_dict() for one in told]}
    except MemoryError:
        fault = {"field": "body", "message": "the file needs too much memory", "remedy": "Send less"}
        answer = {"problems": [fault]}
    sys.stdout.write(json.dumps(answer))
    return 0


def _needed(path: Path, largest: int) -> int:
    """Return the bytes of memory that this file may reasonably need."""
    with path.open("rb") as file:
        packed = file.read(6).startswith(PACKED)  # what it unpacks to is bounded by its reader, and by this
    return largest if packed else min(largest, BASE_BYTES + BYTES_PER_BYTE * path.stat().st_size)


def _is_arrays(path: str) -> bool:
    with Path(path).open("rb") as file:
        return file.read(2) == b"\x93N"


def describe(path: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """Describe the table in a file: kind, shape, columns, missing cells, classes, and its first rows.

    Where nobody names a target, it is the column that is called like one, or else the last. How a file of
    cells is read becomes one of its options: searches and models go by it from then on.
    """
    from caviar.trainer.data import files, npy, sources
    from caviar.trainer.data.file_request import FileRequest

    if not files.is_arrays(Path(path), FileRequest()):
        return _cells(Path(path), options)
    table = sources.read({"path": path}, {**options, "path": path, "missing": "impute"})
    table = replace(table, task=options.get("task") or table.task)
    kind = files.kind_of(Path(path), FileRequest())
    described = {"kind": kind, "options": dict(options), "notes": [], **describe_table(table)}
    if kind == "npz":
        found = npy.headers(Path(path), FileRequest(needs_target=False))
        shapes = {name: {"shape": one.shape, "type": one.dtype.str} for name, one in found.items()}
        described["arrays"] = shapes
    return described


def _cells(path: Path, options: Mapping[str, Any]) -> dict[str, Any]:
    """Describe a file of cells, and how it is read."""
    from caviar.trainer.data import inference, sources, treat
    from caviar.trainer.data.description import problems_of
    from caviar.trainer.data.file_request import FileRequest
    from caviar.trainer.problem import DataError

    if problems := problems_of({**options, "path": path}):
        raise DataError(problems)
    if options.get("reading") is not None:  # of an earlier version of these data
        return _as_read(path, options)
    found = inference.infer(path, FileRequest.by(options, options, "dataset"), options)
    chosen = {**options, "reading": found.reading.as_dict()}
    if not chosen.get("target"):
        chosen["target"] = found.target()
    wanted = FileRequest.by(chosen, chosen, "dataset")
    assert wanted.reading is not None
    table = treat.table_of(found.cells, path.name, wanted, wanted.reading)
    table = sources.chosen(table, {"path": path}, {**chosen, "missing": "impute"}, "dataset")
    table = replace(table, task=chosen.get("task") or table.task)
    described = {"kind": found.reading.layout.kind, "options": chosen, **describe_table(table)}
    described["notes"] = _notes(found.notes, wanted)
    if len(found.names) > MOST_COLUMNS and sum(map(len, found.names)) <= MOST_LETTERS:
        described["names"] = list(found.names)
    return described


def _as_read(path: Path, options: Mapping[str, Any]) -> dict[str, Any]:
    """Describe a file of cells by a reading that is known."""
    from caviar.trainer.data import sources
    from caviar.trainer.data.reading import Reading

    table = sources.read({**options, "path": path}, {**options, "path": path, "missing": "impute"})
    table = replace(table, task=options.get("task") or table.task)
    kind = Reading.from_dict(options["reading"]).layout.kind
    return {"kind": kind, "options": dict(options), "notes": [], **describe_table(table)}


def _notes(notes: Sequence[Any], wanted: Any) -> list[dict[str, str]]:
    """Return what holds of this data set: a target is not left out."""
    told = [dict(vars(note)) for note in notes if note.kind != "left out" or note.column not in wanted.target]
    rest = len(told) - MOST_NOTES
    more = {"kind": "changed", "column": "", "message": f"{rest} more such notes", "remedy": ""}
    return [*told[:MOST_NOTES], more] if rest > 0 else told


def describe_table(table: Any) -> dict[str, Any]:
    """Describe a table as plain JSON."""
    import numpy as np

    numbers = np.asarray(table.numbers)
    gaps = np.isnan(numbers) if numbers.dtype.kind == "f" else np.zeros(numbers.shape, dtype=bool)
    columns: list[dict[str, Any]] = []
    for j, name in enumerate(table.number_names[:MOST_COLUMNS]):
        present = numbers[~gaps[:, j], j].astype(np.float64)
        low, high, mean = (present.min(), present.max(), present.mean()) if len(present) else (np.nan,) * 3
        columns.append(
            {"name": name, "kind": "number", "missing": int(gaps[:, j].sum()), "low": _plain(low)}
            | {"high": _plain(high), "mean": _plain(mean), **_alike(present)}
        )
    for name, category in list(table.categories.items())[: max(0, MOST_COLUMNS - len(columns))]:
        missing = int((category.codes < 0).sum())
        told = {"name": name, "kind": "category", "missing": missing, "levels": len(category.levels)}
        columns.append(told | _alike(category.codes[category.codes >= 0]))
    return {
        "rows": table.rows,
        "columns": len(table.number_names) + len(table.categories),
        "features": columns,
        "missing": int(gaps.sum()) + sum(int((c.codes < 0).sum()) for c in table.categories.values()),
        "target": _target(table),
        "image_shape": list(table.image_shape) if table.image_shape else None,
        "preview": _preview(table),
    }


def _alike(present: Any) -> dict[str, int]:
    """Count different values and the rows of the most frequent one, of a column that may tell groups."""
    import numpy as np

    if present.dtype.kind == "f" and not (present == np.floor(present)).all():
        return {}
    counts = np.unique(present, return_counts=True)[1]
    return {"different": len(counts), "most": int(counts.max(initial=0))}


def _target(table: Any) -> dict[str, Any] | None:
    """Describe what is to be predicted, by the rule that training itself goes by."""
    import numpy as np

    from caviar.trainer.data.targets import Target
    from caviar.trainer.problem import DataError

    if table.target is None:
        return None
    try:
        target = Target.of(table, table.task)
        encoded = target.encode(table)
    except DataError as error:  # the file may still do for another target, or as a dev set
        fault = error.problems[0].of_file(table.source)
        return {"names": list(table.target_names), "problem": str(fault), "fault": fault.as_dict()}
    described: dict[str, Any] = {"names": list(table.target_names), "task": target.task}
    if target.task == "classification":
        counts = np.bincount(encoded, minlength=len(target.classes))[:MOST_CLASSES]
        pairs = zip(target.classes, counts, strict=False)
        return described | {"classes": [{"name": name, "count": int(count)} for name, count in pairs]}
    ranges = [{"low": _plain(column.min()), "high": _plain(column.max())} for column in np.asarray(encoded).T]
    return described | {"ranges": ranges}


def _preview(table: Any) -> dict[str, Any]:
    """Return the first rows as they stand in the file, the target last."""
    head = min(table.rows, PREVIEW_ROWS)
    names: list[str] = []
    columns: list[list[Any]] = []
    for j, name in enumerate(table.number_names[:PREVIEW_COLUMNS]):
        names.append(name)
        columns.append([_plain(value) for value in table.numbers[:head, j]])
    for name, category in list(table.categories.items())[: PREVIEW_COLUMNS - len(names)]:
        names.append(name)
        columns.append(_texts(category, head))
    if hasattr(table.target, "codes"):
        names += table.target_names
        columns.append(_texts(table.target, head))
    elif table.target is not None:
        names += table.target_names
        columns += [[_plain(value) for value in column] for column in table.target[:head].T]
    return {"columns": names, "rows": [list(row) for row in zip(*columns, strict=True)]}


def _texts(category: Any, head: int) -> list[str | None]:
    return [category.levels[code][:200] if code >= 0 else None for code in category.codes[:head]]


def _plain(value: Any) -> float | int | None:
    """Make a number fit for JSON: whole ones without a point, those that are not finite null."""
    number = float(value)
    if number != number or number in {float("inf"), float("-inf")}:
        return None
    return int(number) if number.is_integer() and abs(number) < 1e15 else number


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
