"""What is wrong with the metrics that a search names, before anything is trained."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from .metrics import MEASURES, ResultMetric, named
from .problem import Problem
from .setting_values import read_name

COMMON = 0.9  # share of the rows from which on one class makes errors alike
_ALIKE = ("error", "accuracy")
_TASKS = {"classification": ("binary", "multiclass"), "regression": ("regression",)}


def metric_problems(
    metrics: Mapping[str, str], settings: Mapping[str, Any], classes: Sequence[str], task: str | None
) -> list[Problem]:
    """Return what is wrong with metrics, by the field that names each; see `MLP.metric_problems`."""
    kinds = _TASKS.get(task, ()) if isinstance(task, str) else ()
    if classes:
        kinds = ("binary",) if len(classes) == 2 else ("multiclass",)
    found = [one for field, name in metrics.items() for one in _of_metric(field, name, settings, kinds)]
    return found + _of_settings(settings, classes, kinds)


def instead(metric: ResultMetric) -> str:
    """Return the metrics of all classes that stand for one of a single class."""
    return " or ".join(
        replace(metric, measure=f"{metric.measure}_{how}").name for how in ("macro", "weighted")
    )


def metric_hints(
    metric: str, settings: Mapping[str, Any], classes: Mapping[str, int], rows: int
) -> list[Problem]:
    """Return what tells models apart where the search goes by errors and nearly all rows are of one class.

    `classes` gives the rows of each class, `rows` those in all.
    """
    found = named(metric)
    largest = max(classes, key=lambda name: classes[name], default=None)
    if largest is None or found is None or found.measure not in _ALIKE or classes[largest] <= COMMON * rows:
        return []
    share = classes[largest] / rows
    usual = f"an error of {1 - share:.2%}" if found.measure == "error" else f"an accuracy of {share:.2%}"
    message = (
        f"{share:.2%} of the rows are of the class {largest!r}: always answering it has {usual}, "
        f"and {metric} hardly tells models apart"
    )
    two = ("average_precision", "f1", "balanced_accuracy")
    better = two if len(classes) == 2 else ("balanced_accuracy", "f1_macro", "average_precision")
    names = [f"{found.part}_{measure}" for measure in better]
    remedy = f"submit a copy with objective.metric {names[0]}, {names[1]} or {names[2]}"
    rare = [name for name in classes if name != largest]
    positive = settings.get("positive_class") or list(classes)[-1]
    if len(classes) == 2 and str(positive) == largest:
        remedy += f", and settings.positive_class: {rare[0]}"
    return [Problem("objective.metric", message, remedy)]


def _of_metric(field: str, name: str, settings: Mapping[str, Any], kinds: Sequence[str]) -> list[Problem]:
    metric = named(name)
    if metric is None:
        return []
    measure = MEASURES[metric.measure]
    if kinds and not set(kinds) & set(measure.kinds):
        usable = ", ".join(one for one, facts in MEASURES.items() if set(kinds) & set(facts.kinds))
        task = "a regression" if kinds == ("regression",) else "classes"
        return [Problem(field, f"{name} does not fit {task}", f"after {metric.part}_: {usable}")]
    if measure.positive and kinds == ("multiclass",) and settings.get("positive_class") is None:
        remedy = f"name it as settings.positive_class, or use {instead(metric)}"
        return [Problem(field, f"{name} is of one class, and there are more than two", remedy)]
    if metric.measure == "price" and settings.get("price") is None:
        remedy = "give settings.price, a row of numbers for each class"
        return [Problem(field, f"{name}: nobody said what a mistake costs", remedy)]
    return []


def _of_settings(settings: Mapping[str, Any], classes: Sequence[str], kinds: Sequence[str]) -> list[Problem]:
    """Return what does not fit the classes in settings that weigh or choose between them."""
    found = []
    given = [name for name in ("positive_class", "class_weight", "price", "threshold") if settings.get(name)]
    if kinds == ("regression",):
        return [Problem(f"settings.{name}", "a regression has no classes", "leave it out") for name in given]
    if "threshold" in given and kinds == ("multiclass",):
        found.append(Problem("settings.threshold", "is for two classes; there are more", "leave it out"))
    if not classes:
        return found
    shown = ", ".join(classes[:20])
    names = {}
    if "positive_class" in given:
        names["positive_class"] = [settings["positive_class"]]
    if isinstance(settings.get("class_weight"), Mapping):
        names["class_weight"] = list(settings["class_weight"])
    for setting, wanted in names.items():
        texts = [name for name in wanted if isinstance(name, str | int | float)]  # others are refused as such
        unknown = [name for name in texts if read_name(name) not in classes]
        if unknown:
            message = f"no class is called {str(unknown[0])!r:.60}"
            found.append(Problem(f"settings.{setting}", message, f"the classes are {shown}"))
    price = settings.get("price")
    if isinstance(price, list | tuple) and len(price) != len(classes):
        message = f"{len(price)} rows of prices for {len(classes)} classes"
        remedy = f"give {len(classes)} rows of {len(classes)}, [actual][predicted], in the order {shown}"
        found.append(Problem("settings.price", message, remedy))
    return found
