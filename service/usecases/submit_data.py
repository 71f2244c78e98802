"""What is wrong with the data sets of a search, by what is known of them since their upload.

Nothing is opened here: names, kinds and missing cells of the columns, the number of rows and those of each
class were kept when the file was read, and the shapes of arrays (submit_arrays.py).
What that does not tell is found by the first trials (service/usecases/failing.py).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

from caviar.service.errors import FieldProblem
from caviar.service.sandbox.inspection import MOST_CLASSES
from caviar.service.store import datasets as rows
from caviar.service.store.snapshot import Snapshot
from caviar.service.usecases import datasets, submit_arrays, submit_columns, submit_folds, submit_more
from caviar.trainer.data import description, more_rows, reading
from caviar.trainer.data.cuts import is_stratified
from caviar.trainer.data.options import READING
from caviar.trainer.data.split import check_classes, check_rows, fractions, halves_of_dev
from caviar.trainer.problem import DataError

MLP = "mlp"  # other trainers may cut rows by rules of their own
CELLS = reading.KINDS  # kinds of files whose columns have names
MOST_NAMED = 12
MOST_COMPARED = 5000  # names among which one that is like another is looked for
Known = Mapping[str, Any]  # a data set as its upload described it


def problems_of(snapshot: Snapshot, dataset: Mapping[str, Any], trainer: str) -> list[FieldProblem]:
    """Say what is wrong with a `dataset` object, resolved: it has the options of the upload already."""
    main = _known(snapshot, dataset)
    more = _more(snapshot, dataset, main) if trainer == MLP else []
    return [*_own_problems(snapshot, dataset, trainer, main), *more]


def _more(snapshot: Snapshot, dataset: Mapping[str, Any], main: Known | None) -> list[FieldProblem]:
    """Find what is wrong with further sources of training rows."""
    named = dataset.get(more_rows.KEY)
    main = main or datasets.described(snapshot, str(dataset.get("name")))
    if not named or main is None or more_rows.problems_of(more_rows.KEY, named):
        return []
    told = {place: _known(snapshot, one) or _builtin(snapshot, one) for place, one in enumerate(named)}
    more = {place: one for place, one in told.items() if one is not None}
    own, classes = class_counts(dataset, main), {}
    for place, other in more.items():
        others = class_counts({**dataset, **named[place]}, other)
        if all_known(own) and all_known(others):
            classes[place] = ({*own}, {*others})
    return submit_more.problems_of(dataset, main, more, classes)


def _builtin(snapshot: Snapshot, source: Any) -> Known | None:
    return datasets.described(snapshot, str(source.get("name"))) if isinstance(source, Mapping) else None


def _own_problems(
    snapshot: Snapshot, dataset: Mapping[str, Any], trainer: str, main: Known | None
) -> list[FieldProblem]:
    """Say what is wrong with the data set itself and its dev and test sources."""
    if main is None:
        builtin = datasets.described(snapshot, str(dataset.get("name")))
        found = submit_columns.of_builtin(dataset, builtin)
        if found or builtin is None or trainer != MLP or not dataset.get("folds"):
            return found
        return _cut(dataset, builtin, None)
    others = {part: _known(snapshot, dataset.get(part)) for part in ("dev", "test")}
    known = {part: other for part, other in others.items() if other is not None}
    problems = (
        _reading(dataset, main) or _columns(dataset, main) or submit_arrays.problems_of(dataset, main, known)
    )
    if problems:
        return problems
    problems = [*_target(dataset, main), *_empty(dataset, main), *submit_columns.problems_of(dataset, main)]
    if trainer == MLP:
        problems += _cut(dataset, main, known.get("dev"))
    for part, other in known.items():
        problems += _like_training(part, dataset, main, other)
    return problems


def target_of(snapshot: Snapshot, dataset: Mapping[str, Any]) -> tuple[list[str], str | None]:
    """Return the classes of a resolved `dataset` object, empty where not all are known, and its task."""
    main = _known(snapshot, dataset) or datasets.described(snapshot, str(dataset.get("name")))
    if main is None:
        return [], dataset.get("task")
    classes, task = class_counts(dataset, main), dataset.get("task")
    if task is None and _as_described(dataset, main):
        task = (main.get("target") or {}).get("task")
    return (list(classes) if all_known(classes) else []), task


def _known(snapshot: Snapshot, source: Any) -> Known | None:
    """Return what an upload was described as; None for what comes with the trainer."""
    if not isinstance(source, Mapping) or "upload" not in source:
        return None
    row = rows.by_name(snapshot, str(source["name"]))
    return None if row is None else {**json.loads(row.meta), "name": row.name, "kind": row.kind}


def _names(known: Known) -> list[str] | None:
    """Name the columns of a file of cells; None where they have no names, or these were not kept."""
    if "names" in known:
        return list(known["names"])
    features = [column["name"] for column in known["features"]]
    if known["kind"] not in CELLS or len(features) < known["columns"]:
        return None
    target = (known.get("target") or {}).get("names", [])
    made = {name for one in _dates(known).values() for name in one}
    plain = [name for name in features if name not in made]
    unread = [*_dates(known), *_left_out(known), *(known["options"].get("ignore") or ())]
    return list(dict.fromkeys([*plain, *target, *unread]))


def feature_names(snapshot: Snapshot, dataset: Mapping[str, Any]) -> list[str] | None:
    """Name the columns that a resolved `dataset` object is learned from; None where they are not known."""
    main = _known(snapshot, dataset)
    if main is None:
        builtin = datasets.described(snapshot, str(dataset.get("name")))
        return None if builtin is None else [column["name"] for column in builtin["features"]]
    names = _names(main)
    if names is None:
        return None
    unread = {*submit_columns.targets(dataset, main), *submit_columns.named_in(dataset.get("ignore"))}
    unread |= {dataset[key] for key in submit_columns.OF_ROWS if isinstance(dataset.get(key), str)}
    return [name for name in names if name not in unread | set(_left_out(main))]


def _reading(dataset: Mapping[str, Any], known: Known) -> list[FieldProblem]:
    """Find options that counted when the file was read, and are others now."""
    return [
        FieldProblem(
            f"dataset.{key}",
            f"{known['name']} was read with {known['options'].get(key)!r:.60} when it was uploaded",
            f"upload it again with this {key}, under another name",
        )
        for key in READING
        if key != "as_is" and dataset.get(key) is not None and dataset[key] != known["options"].get(key)
    ]


def _dates(known: Known) -> dict[str, tuple[str, ...]]:
    """Name the columns of dates, and the features that each became."""
    told = known["options"].get("reading")
    if not told:
        return {}
    found = reading.Reading.from_dict(told)
    return {name: found.made_of(name) for name, one in found.columns.items() if one.dates}


def _left_out(known: Known) -> list[str]:
    """Name the columns that its upload found nothing in."""
    columns = (known["options"].get("reading") or {}).get("columns", {})
    return [name for name, treatment in columns.items() if treatment.get("left_out")]


def _listed(value: Any) -> list[Any]:
    return [] if value is None else list(value) if isinstance(value, list | tuple) else [value]


def _columns(dataset: Mapping[str, Any], known: Known) -> list[FieldProblem]:
    """Find columns that are named and are not there."""
    names = _names(known)
    if names is None:
        return []
    there = set(names)
    unknown = [
        (key, name)
        for key in ("target", "ignore", "categorical", "weights", "groups", "split_groups", "as_is")
        for name in _listed(dataset.get(key))
        if not isinstance(name, str) or name not in there
    ]
    return [
        FieldProblem(
            f"dataset.{key}",
            f"{known['name']} has no column {name!r}",
            _did_you_mean(name, names, place < MOST_NAMED and len(names) <= MOST_COMPARED),
        )
        for place, (key, name) in enumerate(unknown)
    ]


def _did_you_mean(name: Any, names: list[str], compare: bool) -> str:
    near = get_close_matches(str(name), names, n=1) if compare else []
    more = f" ... ({len(names)} in all)" if len(names) > MOST_NAMED else ""
    return f"{f'did you mean {near[0]!r}? ' if near else ''}it has {', '.join(names[:MOST_NAMED])}{more}"


def _target(dataset: Mapping[str, Any], known: Known) -> list[FieldProblem]:
    """Find a target with missing cells, with one class, or with texts where numbers are wanted."""
    described, same = known.get("target") or {}, _as_described(dataset, known)
    wanted = described.get("names", []) if same else _listed(dataset.get("target"))
    if same and "fault" in described and dataset.get("task") == known["options"].get("task"):
        return [FieldProblem(**described["fault"])]
    found = []
    for column in known["features"]:
        if column["name"] in wanted and column["missing"]:
            message = f"the target {column['name']!r} has {column['missing']} missing cells"
            found.append(FieldProblem("dataset.target", message, "fill them in, or drop these rows"))
    texts = {column["name"] for column in known["features"] if column["kind"] == "category"}
    if same and not all(_is_number(one["name"]) for one in described.get("classes", ())):
        texts |= set(wanted)
    if dataset.get("task") == "regression":
        remedy = "set dataset.task to classification, or name a column of numbers as dataset.target"
        found += [
            FieldProblem(
                "dataset.task", f"the target {name!r} has texts, which regression cannot predict", remedy
            )
            for name in wanted
            if name in texts
        ]
    return found


def _as_described(dataset: Mapping[str, Any], known: Known) -> bool:
    """Return whether the target is the one that the upload was described with."""
    if known["kind"] in CELLS:
        return _listed(dataset.get("target")) == (known.get("target") or {}).get("names")
    asked = ("arrays",) if known["kind"] == "npz" else ("target",)
    return all(dataset.get(key) == known["options"].get(key) for key in asked)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _empty(dataset: Mapping[str, Any], known: Known) -> list[FieldProblem]:
    """Find columns without any value, from which nothing can be learned."""
    unused = [name for key in ("target", "ignore", "weights") for name in _listed(dataset.get(key))]
    return [
        FieldProblem(
            "dataset.ignore",
            f"column {column['name']!r} of {known['name']} has no value in any row",
            "list the column in dataset.ignore",
        )
        for column in known["features"]
        if column["missing"] == known["rows"] and column["name"] not in unused
    ]


def _like_training(part: str, dataset: Mapping[str, Any], main: Known, other: Known) -> list[FieldProblem]:
    """Find what another source lacks of the columns and classes that training has."""
    field, names, there = f"dataset.{part}.name", _names(main), _names(other)
    ignored = [name for name in _listed(dataset.get("ignore")) if isinstance(name, str)]
    known = {*there, *ignored} if there is not None else set(names or ())
    lacking = [name for name in names or () if name not in known]
    if lacking:
        message = f"{other['name']} lacks the columns {', '.join(lacking[:MOST_NAMED])} of {main['name']}"
        return [FieldProblem(field, message, "give both the same columns, or list these in dataset.ignore")]
    classes, others = class_counts(dataset, main), class_counts({**dataset, **dataset[part]}, other)
    new = [name for name in others if name not in classes]
    if not all_known(classes) or not all_known(others) or not new:
        return []
    message = f"{other['name']} has the class {new[0]!r}, which {main['name']} does not have"
    return [FieldProblem(field, message, "give training examples of it, or drop these rows")]


def _cut(dataset: Mapping[str, Any], main: Known, dev: Known | None) -> list[FieldProblem]:
    """Find too few rows, or too few of a class, for the parts that the trainer cuts a source into."""
    if any(one.field.startswith("dataset.split") for one in description.problems_of(dataset)):
        return []
    if dataset.get("folds"):
        return submit_folds.problems_of(dataset, main, class_counts(dataset, main))
    split, own_test, classes = (
        dataset.get("split") or {},
        bool(dataset.get("test")),
        class_counts(dataset, main),
    )
    cuts = [(main, fractions(split, main["rows"], bool(dataset.get("dev")), own_test), classes)]
    halves = halves_of_dev(split, own_test)
    if dev is not None and halves.dev:
        others = class_counts({**dataset, **dataset["dev"]}, dev)
        sure = all_known(classes) and all_known(others)
        cuts.append((dev, halves, {name: others.get(name, 0) for name in classes} if sure else {}))
    found = []
    for known, shares, counts in cuts:
        try:
            check_rows(shares, known["rows"])
            if is_stratified(dataset):
                check_classes(shares, list(counts.values()), list(counts))
        except DataError as error:
            found += [
                FieldProblem(one.field, f"{known['name']}: {one.message}", one.remedy)
                for one in error.problems
            ]
    return found


def class_counts(dataset: Mapping[str, Any], known: Known) -> dict[str, int]:
    """Return the rows of each class that was kept; none where the target may be no classes, or other ones."""
    described, options = known.get("target") or {}, known["options"]
    forced = [name for name in described.get("names", ()) if name in _listed(options.get("categorical"))]
    same = (
        _as_described(dataset, known)
        and dataset.get("task") in ("classification", options.get("task"))
        and all(name in _listed(dataset.get("categorical")) for name in forced)
    )
    return {one["name"]: one["count"] for one in described.get("classes", ())} if same else {}


def all_known(classes: Mapping[str, int]) -> bool:
    """Return whether these are classes, and all of them: of very many not all were kept."""
    return 0 < len(classes) < MOST_CLASSES
