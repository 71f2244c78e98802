"""A data set once more with some labels corrected: every other cell stays as it is."""

from __future__ import annotations

import csv
import zipfile
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib import format as npy_format

from caviar.trainer.data import builtin, files, npy
from caviar.trainer.data.file_request import FileRequest
from caviar.trainer.data.numerals import Style
from caviar.trainer.data.reading import Layout, Treatment
from caviar.trainer.data.table import Array, Category
from caviar.trainer.problem import DataError

Labels = Mapping[int, str]  # the right ones by row, counted from 1


def relabel(source: Mapping[str, Any], labels: Labels, out: Path) -> dict[str, Any]:
    """Write a source with these labels to a file: CSV stays CSV, arrays stay arrays, else it is Parquet.

    Parameters
    ----------
    source : mapping
        A built-in set's `name`, or `path`, with the options of its upload.
    labels : mapping of int to str
    out : path

    Returns
    -------
    dict
        The options for the new file.

    Raises
    ------
    DataError
        The source cannot be read, or cannot hold such a label.
    """
    if source.get("path") is None:
        return _builtin(source["name"], labels, out)
    path, wanted = Path(source["path"]), FileRequest.by(source, source, "dataset")
    options = {key: value for key, value in source.items() if key not in ("path", "name", "upload")}
    if files.is_arrays(path, wanted):
        _arrays(path, wanted, labels, out)
        return options
    layout = _cells(path, wanted, labels, out)
    if options.get("reading") is not None:
        options["reading"] = {**options["reading"], "layout": asdict(layout)}
    return options


def _builtin(name: str, labels: Labels, out: Path) -> dict[str, Any]:
    table = builtin.read(name)
    target = table.target
    if isinstance(target, Category):
        answers = [target.levels[code] for code in target.codes]
    else:
        assert target is not None
        answers = [repr(value) for value in target[:, 0].tolist()]
    for row, label in labels.items():
        answers[row - 1] = label
    columns = {n: list(map(_number, table.numbers[:, j])) for j, n in enumerate(table.number_names)}
    _write_csv({**columns, table.target_names[0]: answers}, out)
    options: dict[str, Any] = {"target": table.target_names[0], "task": table.task, "as_is": list(columns)}
    if table.image_shape:
        options["image_shape"] = list(table.image_shape)
    return options


def _number(value: Any) -> str:
    number = float(value)
    return str(int(number)) if number.is_integer() else repr(number)


def _cells(path: Path, wanted: FileRequest, labels: Labels, out: Path) -> Layout:
    import pyarrow.parquet as pa_parquet

    cells = files.cells_as_written(path, wanted)
    name = str(wanted.target[0])
    treatment = wanted.reading.of(name) if wanted.reading else None
    answers = cells.column(name)
    changed = answers.to_pylist()
    for row, label in labels.items():
        changed[row - 1] = _written(label, treatment, type(changed[row - 1]), path.name, row)
    kind = wanted.layout.kind if wanted.layout else files.kind_of(path, wanted)
    if kind == "csv":
        columns = {n: changed if n == name else cells.column(n).to_pylist() for n in cells.column_names}
        _write_csv(columns, out)
        return Layout("csv")
    import pyarrow as pa

    at = cells.column_names.index(name)
    new = cells.set_column(at, name, pa.chunked_array([pa.array(changed)]).cast(answers.type))
    pa_parquet.write_table(new, out)
    return Layout("parquet")


def _written(label: str, treatment: Treatment | None, kind: type, source: str, row: int) -> Any:
    """Write a label as its column has them. Raises DataError where that cannot be."""
    style = treatment.numbers if treatment else None
    if kind is str and style is not None:
        return _styled(label, style, source, row)
    try:
        if kind is bool:
            return {"true": True, "false": False, "1": True, "0": False}[label]
        if kind is int and not float(label).is_integer():
            raise ValueError(label)
        return label if kind is str else kind(float(label))
    except (ValueError, KeyError, TypeError) as error:
        message = f"{source}, row {row}: {label!r:.60} does not go into a column of {kind.__name__}"
        raise DataError.of("label", message, "mend the file yourself and upload it") from error


def _styled(label: str, style: Style, source: str, row: int) -> str:
    """Write a number as its column has them, such as 12,5 kg."""
    whole, point, rest = label.partition(".")
    if style.group and whole.lstrip("+-").isdecimal():
        whole = f"{int(whole):,}".replace(",", style.group)
    text = whole + (style.decimal if point else "") + rest + style.unit
    if style.parse(text) != float(label):
        message = f"{source}, row {row}: {label!r:.60} cannot be written as the numbers of its column are"
        raise DataError.of("label", message, "write it without an exponent")
    return text


def _write_csv(columns: Mapping[str, list[Any]], out: Path) -> None:
    with out.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(zip(*columns.values(), strict=True))


def _arrays(path: Path, wanted: FileRequest, labels: Labels, out: Path) -> None:
    """Change y in an archive, whose other members are copied as they are, or the column of one array."""
    if not zipfile.is_zipfile(path):
        array = np.load(path, allow_pickle=False)
        column = npy.target_column(array.shape[1], path.name, wanted)
        with out.open("wb") as file:
            array[:, column] = _changed(array[:, column], labels, path.name)
            npy_format.write_array(file, array, allow_pickle=False)
        return
    y = npy.pair(tuple(npy.headers(path, wanted)), path.name, replace(wanted, needs_target=True))[1]
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for member in old.infolist():
            if member.filename != f"{y}.npy":
                new.writestr(member, old.read(member))
                continue
            with old.open(member) as source, new.open(member.filename, "w") as made:
                answers = _changed(npy_format.read_array(source, allow_pickle=False), labels, path.name)
                npy_format.write_array(made, answers, allow_pickle=False)


def _changed(answers: Array, labels: Labels, source: str) -> Array:
    if answers.dtype.kind in "US":
        longest = max(map(len, labels.values()))
        wide = answers.astype("U") if answers.dtype.kind == "S" else answers
        answers = wide.astype(f"U{max(longest, wide.dtype.itemsize // 4)}")
    else:
        answers = answers.copy()
    for row, label in labels.items():
        value = label if answers.dtype.kind == "U" else _written(label, None, float, source, row)
        answers[row - 1] = value
        if answers.dtype.kind in "iub" and answers[row - 1].item() != value:
            message = f"{source}, row {row}: {label!r:.60} does not go into an array of {answers.dtype}"
            raise DataError.of("label", message, "mend the file yourself and upload it")
    return answers
