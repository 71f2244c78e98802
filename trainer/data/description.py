"""The `dataset` object of a search: what may stand in it, and what is wrong with one."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from caviar.trainer.data import folding, more_rows, options
from caviar.trainer.data.builtin import BUILTIN
from caviar.trainer.data.split import PARTS
from caviar.trainer.problem import Problem

SOURCE_KEYS = ("name", "path", "X", "y", "arrays", "reading", "relabelled")
KEYS: dict[str, str] = {
    "name": f"a built-in data set ({', '.join(BUILTIN)}) or what to call the file",
    "path": "a CSV, Parquet, npz or npy file",
    "arrays": "for an npz file: the names of its two arrays, as [X, y]",
    "X": "features as an array, instead of a file (from Python only)",
    "y": "classes or targets as an array",
    "target": "the column to predict, or a list of columns (regression)",
    "task": "classification or regression; without it the target decides",
    "categorical": "columns that are categories although they look like numbers",
    "ignore": "columns to leave out",
    "weights": "the column with what each row counts in cost, gradient and metrics; it is no feature",
    "groups": "the column of groups for metrics such as dev_error_worst_group; it is no feature",
    "groups_are_features": "true: learn from the column of groups, too",
    "missing": "impute or refuse missing numbers (files of cells are imputed, arrays refused)",
    **options.READING,
    "reading": "how the file is read, as its upload found it; the server fills it in",
    "relabelled": "rows with corrected labels, and the labels they are split by; the server fills it in",
    "init_from": "the model that runs start from; the server fills it in",
    "image_shape": "[height, width] or [height, width, channels] of a row that is an image",
    "split": "shares of train, dev and test, adding up to 1, and train_dev, a share of the training part",
    "stratify": "the same mix of classes in every part (default: for classes yes)",
    "folds": "k: a trial trains k times, each time judged by the fold that it did not see",
    "repeats": "how often the rows are cut into folds, each time differently (default 1)",
    "split_groups": "the column whose groups stay together in one part or fold; it is no feature",
    "ordered": "true: rows stand in order of time; the past is for training, what follows for dev and test",
    "seed": "of the split (default 0)",
    "normalize": "(x - mu) / sigma with mu and sigma of the training set (default: as the settings say)",
    "dev": "another source for the dev set: name, path or arrays",
    "test": "another source for the test set",
    more_rows.KEY: "further sources, for training alone: [{name: made-up, share: 0.3}], a share of the "
    "training set; without a share all rows",
}
_BOOLEANS = ("stratify", "normalize", "header", "groups_are_features", "ordered")
_CHOICES = {"task": ("classification", "regression"), "missing": ("impute", "refuse")}
MOST_PIXELS = 1 << 20


def problems_of(dataset: object) -> list[Problem]:
    """Return what is wrong with a `dataset` object by its own words, without opening any file."""
    if not isinstance(dataset, Mapping):
        return [Problem("dataset", f"{dataset!r:.60} is not an object", "write {name: digits}, for example")]
    found = [_unknown(f"dataset.{key}", key, KEYS) for key in dataset if key not in KEYS]
    found += _source("dataset", dataset)
    for key, check in _CHECKS.items():
        if dataset.get(key) is not None and not (key == "split" and dataset.get("folds")):
            found += check(f"dataset.{key}", dataset[key])
    for key in ("dev", "test"):
        if dataset.get(key) is not None:
            found += _other_source(f"dataset.{key}", dataset[key])
    found += _more(dataset)
    if dataset.get("groups_are_features") and dataset.get("groups") is None:
        remedy = "name the column as dataset.groups, or leave this out"
        found.append(Problem("dataset.groups_are_features", "there is no column of groups", remedy))
    # Where a source is unknown here it may be known elsewhere; its split is judged all the same.
    split_wrong = any(one.field.startswith("dataset.split") for one in found)
    if not any(one.field in ("dataset.folds", "dataset.repeats") for one in found):
        found += folding.problems_of(dataset)
    return found if split_wrong or dataset.get("folds") else [*found, *_parts(dataset)]


def _unknown(field: str, key: object, known: Mapping[str, str] | tuple[str, ...]) -> Problem:
    close = difflib.get_close_matches(str(key), list(known), 1)
    return Problem(
        field, f"there is no {key!r}", f"did you mean {close[0]}?" if close else f"use {', '.join(known)}"
    )


def _source(field: str, source: Mapping[str, Any]) -> list[Problem]:
    if source.get("X") is not None:
        if source.get("y") is None:
            return [Problem(f"{field}.y", "X is given without y", "give the classes or targets as y")]
        return []
    path, name = source.get("path"), source.get("name")
    if path is not None:
        if not isinstance(path, str | Path):
            return [Problem(f"{field}.path", f"{path!r:.60} is not a path", "give the path of a file")]
        if not Path(path).is_file():
            return [
                Problem(
                    f"{field}.path", f"there is no file {path}", "give a file that exists on this machine"
                )
            ]
        return []
    if name is None:
        return [Problem(f"{field}.name", "no data is named", f"use {', '.join(BUILTIN)}, or give a path")]
    if str(name) not in BUILTIN:
        close = difflib.get_close_matches(str(name), BUILTIN, 1)
        remedy = f"did you mean {close[0]}?" if close else f"use {', '.join(BUILTIN)}, or upload a file"
        return [Problem(f"{field}.name", f"no data set is called {name!r}", remedy)]
    return []


def _other_source(field: str, source: object) -> list[Problem]:
    if not isinstance(source, Mapping):
        return [Problem(field, f"{source!r:.60} is not a source", "write {path: FILE} or {name: NAME}")]
    found = [_unknown(f"{field}.{key}", key, SOURCE_KEYS) for key in source if key not in SOURCE_KEYS]
    return found + _source(field, source)


def _more(dataset: Mapping[str, Any]) -> list[Problem]:
    value = dataset.get(more_rows.KEY)
    found = [] if value is None else more_rows.problems_of(f"dataset.{more_rows.KEY}", value)
    if value is None or found:
        return found
    for place, one in enumerate(value):
        source = {key: said for key, said in one.items() if key != "share"}
        found += _other_source(f"dataset.{more_rows.KEY}.{place}", source)
        for key in ("name", "path"):
            kept = [
                part[key]
                for part in (dataset, dataset.get("dev"), dataset.get("test"))
                if part and key in part
            ]
            if source.get(key) is not None and source[key] in kept:
                message = f"{source[key]} has the rows of the dev or test set, which would be trained on"
                field = f"dataset.{more_rows.KEY}.{place}.{key}"
                found.append(Problem(field, message, "name another source"))
                break
    return found


def _split(field: str, split: object) -> list[Problem]:
    if not isinstance(split, Mapping):
        remedy = "write {train: 0.7, dev: 0.15, test: 0.15}"
        return [Problem(field, f"{split!r:.60} is not a set of shares", remedy)]
    found = []
    for part, share in split.items():
        if part not in PARTS:
            found.append(_unknown(f"{field}.{part}", part, PARTS))
        elif not _is_number(share) or not 0 <= share < (1.000001 if part == "train" else 1):
            found.append(
                Problem(f"{field}.{part}", f"{share!r:.40} is not a share", "use a number from 0 to below 1")
            )
    if found:
        return found
    if any(part in split for part in PARTS[:3]):
        total = sum(split.get(part, 0.0) for part in PARTS[:3])
        if abs(total - 1) > 1e-6:
            message = f"train, dev and test add up to {total:g}"
            return [Problem(field, message, "make them add up to 1; a part that is left out is 0")]
    return found


def _parts(dataset: Mapping[str, Any]) -> list[Problem]:
    """Refuse a split that leaves nothing to train on or to choose by, or rows to nobody."""
    split = dataset.get("split") or {}
    if split.get("test") and dataset.get("test") is not None:
        remedy = "give that share to train or dev, or leave the other source out"
        return [Problem("dataset.split.test", "the test set has another source already", remedy)]
    named = any(part in split for part in PARTS[:3])
    if not named or dataset.get("dev") is not None:
        return []
    empty = [part for part in ("train", "dev") if not split.get(part)]
    remedy = "give train and dev a share above 0, or name another source for the dev set"
    return [Problem("dataset.split", f"there is no {part} set", remedy) for part in empty]


def _names(field: str, names: object) -> list[Problem]:
    if isinstance(names, list | tuple) and all(isinstance(name, str | int) for name in names):
        return []
    return [Problem(field, f"{names!r:.60} is not a list of columns", "write a list of column names")]


def _target(field: str, target: object) -> list[Problem]:
    return [] if isinstance(target, str | int) else _names(field, target)


def _name(field: str, name: object) -> list[Problem]:
    if isinstance(name, str) and name:
        return []
    return [Problem(field, f"{name!r:.60} is not a column", "write the name of one column")]


def _image_shape(field: str, shape: object) -> list[Problem]:
    sides = shape if isinstance(shape, list | tuple) and len(shape) in (2, 3) else (0,)
    if all(_is_int(side) and side >= 1 for side in sides) and np.prod(sides, dtype=float) <= MOST_PIXELS:
        return []
    remedy = "write [height, width] or [height, width, channels], integers of at least 1"
    return [Problem(field, f"{shape!r:.60} is not the shape of an image", remedy)]


def _arrays(field: str, names: object) -> list[Problem]:
    if isinstance(names, list | tuple) and len(names) == 2 and all(isinstance(name, str) for name in names):
        return []
    return [
        Problem(field, f"{names!r:.60} does not name two arrays", "write [X, y] with the names in the file")
    ]


def _seed(field: str, seed: object) -> list[Problem]:
    if _is_int(seed) and 0 <= seed < 1 << 63:  # type: ignore[operator]
        return []
    return [Problem(field, f"{seed!r:.40} is not a seed", "use an integer from 0 to 2**63 - 1")]


def _boolean(field: str, value: object) -> list[Problem]:
    return (
        []
        if isinstance(value, bool)
        else [Problem(field, f"{value!r:.40} is not true or false", "write true or false")]
    )


def _choice(field: str, value: object) -> list[Problem]:
    choices = _CHOICES[field.rpartition(".")[2]]
    return (
        []
        if value in choices
        else [Problem(field, f"{value!r:.40} is not known", f"use {' or '.join(choices)}")]
    )


def _is_int(value: object) -> bool:
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


def _is_number(value: object) -> bool:
    return _is_int(value) or (isinstance(value, float | np.floating) and bool(np.isfinite(value)))


_CHECKS: dict[str, Callable[[str, object], list[Problem]]] = {
    "split": _split,
    "categorical": _names,
    "ignore": _names,
    "weights": _name,
    "groups": _name,
    "split_groups": _name,
    "folds": folding.folds,
    "repeats": folding.repeats,
    "as_is": _names,
    "encoding": options.encoding,
    "sheet": options.sheet,
    "decimal": options.decimal,
    "dates": options.dates,
    "missing_values": options.missing_values,
    "reading": options.reading,
    "relabelled": options.relabelled,
    "target": _target,
    "image_shape": _image_shape,
    "arrays": _arrays,
    "seed": _seed,
    **dict.fromkeys(_BOOLEANS, _boolean),
    **dict.fromkeys(_CHOICES, _choice),
}
