"""A model file to a graph of ONNX that takes the user's own columns and answers as `Model.predict` does.

Inputs: `numbers` (rows, p) float64, NaN where missing, or of images `image` (rows, height, width, channels);
`texts` (rows, q), "" where missing. Outputs: `label` (rows,) and `probabilities` (rows, classes), or `value`
(rows, k) in the user's units. A graph raises no errors: a row that `predict` refuses has NaN in its numbers
and "" as its label. Metadata key "caviar", JSON: the columns of each input in order, levels, classes and
targets.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from .choices import Activation, Output
from .data.columns import Encoding
from .data.numerals import plain
from .data.reading import Reading
from .onnx_graph import ML, Graph
from .predict import Model
from .problem import DataError, Problem, ProblemsError


def export_onnx(saved: bytes | str | Path, path: str | Path) -> None:
    """Write a model file, or the bytes of one, as a graph of ONNX.

    Raises
    ------
    ProblemsError
        The package onnx is missing, the model is damaged, or it has a column that no graph can prepare.
    DataError
        There is no such model, or `path` cannot be written.
    """
    graph = to_onnx(Model.load(saved))
    try:
        Path(path).write_bytes(graph)
    except OSError as error:
        message = f"cannot write {path}: {error.strerror}"
        raise DataError.of("onnx", message, "name a file in a folder that can be written to") from error


def to_onnx(model: Model) -> bytes:
    """Return a model as a graph of ONNX.

    Raises
    ------
    ProblemsError
        The package onnx is missing, or the model has a column that no graph can prepare.
    """
    encoding, reading = _columns_of(model)
    _refuse_what_no_node_does(encoding, reading)
    graph = Graph()
    dtype = model.tensors["W1"].dtype
    cells = _encoded(graph, model, encoding, reading.missing if reading else ())
    X = graph.add("Sub", cells, graph.constant(model.tensors["mu"]))
    X = graph.cast(graph.add("Div", X, graph.constant(model.tensors["sigma"])), dtype)
    Z = _last_layer(graph, model, X)
    # 0, but NaN in a row with an infinite or missing number, which an activation may turn into a finite one
    zero = graph.add("Mul", X, graph.constant(np.zeros(1, dtype)))
    zero = graph.add("ReduceSum", zero, graph.constant(np.array([1])), keepdims=1)
    if Output[model.info["kind"]] == Output.regression:
        _add_value(graph, model, graph.add("Add", Z, zero))
    else:
        _add_classes(graph, model, graph.add("Add", _probabilities(graph, model, Z), zero))
    meaning = (
        f"Predicts {', '.join(model.info['target_names'])}; the metadata key caviar describes the columns"
    )
    return graph.saved(meaning, {"caviar": json.dumps(_description(model, encoding, reading))})


def _columns_of(model: Model) -> tuple[Encoding, Reading | None]:
    told = model.info["preprocessing"].get("reading")
    reading = None if told is None else Reading.from_dict(told)
    return Encoding.from_dict(model.info["preprocessing"]["encoding"]), reading


def _description(model: Model, encoding: Encoding, reading: Reading | None) -> dict[str, Any]:
    """Return what a program must know to fill the inputs, as plain JSON."""
    return {
        "numbers": list(encoding.numbers),
        "texts": list(encoding.levels),
        "levels": {name: list(levels) for name, levels in encoding.levels.items()},
        "missing_values": list(reading.missing) if reading else [],
        "classes": list(model.info["class_names"]),
        "targets": list(model.info["target_names"]),
    }


def _refuse_what_no_node_does(encoding: Encoding, reading: Reading | None) -> None:
    """Raise ProblemsError, all problems in one, for columns that a graph cannot prepare as `predict` does."""
    problems = []
    for name in (name for name, levels in encoding.levels.items() if "" in levels):
        message = f"column {name!r} has the empty text as a category, but in ONNX it marks a missing cell"
        problems.append(Problem("model", message, "write a word instead and train again"))
    for name, treatment in (reading.columns if reading else {}).items():
        assert reading is not None
        if treatment.dates and {*reading.made_of(name)} & {*encoding.numbers}:
            message = f"column {name!r} has dates, and ONNX has no node that reads them"
            remedy = "give numbers made of the dates as columns of their own, and train again"
            problems.append(Problem("model", message, remedy))
        elif treatment.texts and name in encoding.levels:
            message = f"column {name!r} has texts that are spelled in several ways, which ONNX cannot unite"
            remedy = "spell each text in one way, or list the column in as_is, and train again"
            problems.append(Problem("model", message, remedy))
    if problems:
        raise ProblemsError(problems)


def _encoded(graph: Graph, model: Model, encoding: Encoding, missing: Sequence[str]) -> str:
    """Add inputs and what `Encoding.transform` does with them; return the columns (rows, n[0]) in float64."""
    parts, gaps = [], ""
    if encoding.numbers:
        numbers = _with_gaps(graph, _numbers(graph, model, encoding), missing)
        gaps = graph.add("IsNaN", numbers)
        if encoding.fills:
            numbers = graph.add("Where", gaps, graph.constant(np.array(encoding.fills)), numbers)
        parts.append(numbers)
    names = list(encoding.levels)
    texts = graph.input("texts", str, len(names)) if names else ""
    column = {name: graph.add("Gather", texts, graph.constant(j), axis=1) for j, name in enumerate(names)}
    for name in encoding.indicators:
        if name in column:
            ones = _one_hot(graph, column[name], ("", *missing))
            ones = graph.add("ReduceSum", ones, graph.constant(np.array([1])), keepdims=1)
        else:
            j = graph.constant(np.array([encoding.numbers.index(name)]))
            ones = graph.cast(graph.add("Gather", gaps, j, axis=1), np.float64)
        parts.append(ones)
    parts += [_one_hot(graph, column[name], levels) for name, levels in encoding.levels.items()]
    return graph.add("Concat", *parts, axis=1)


def _numbers(graph: Graph, model: Model, encoding: Encoding) -> str:
    """Add the input of numbers, or of images (rows, height, width, channels); return float64 (rows, p)."""
    shape = model.info["preprocessing"].get("image_shape")
    if not shape:
        return graph.input("numbers", np.float64, len(encoding.numbers))
    image = graph.input("image", np.float64, *shape)
    return graph.add("Flatten", image, axis=1)


def _with_gaps(graph: Graph, numbers: str, missing: Sequence[str]) -> str:
    """Add NaN in place of the numbers that mean a missing cell, such as -999."""
    for number in map(plain, missing):
        if number is not None and np.isfinite(number):
            marked = graph.add("Equal", numbers, graph.constant(np.float64(number)))
            numbers = graph.add("Where", marked, graph.constant(np.float64("nan")), numbers)
    return numbers


def _one_hot(graph: Graph, texts: str, levels: Sequence[str]) -> str:
    """Add a column for each level, float64 (rows, levels): 1 where the text is it; another text has none."""
    found = graph.add("OneHotEncoder", texts, domain=ML, cats_strings=list(levels), zeros=1)
    return graph.cast(found, np.float64)


def _last_layer(graph: Graph, model: Model, A: str) -> str:
    """Add Z[L] (rows, n[L]) of A[0] (rows, n[0]), as `Model.logits` computes it."""
    tensors, info = model.tensors, model.info
    L = len(info["sizes"]) - 1
    for layer in range(1, L + 1):
        W = graph.constant(tensors[f"W{layer}"])
        if info["batch_norm"] and layer < L:
            names = (f"gamma{layer}", f"beta{layer}", f"mean{layer}", f"variance{layer}")
            of_layer = [graph.constant(tensors[name]) for name in names]
            Z = graph.add("Gemm", A, W, transB=1)
            Z = graph.add("BatchNormalization", Z, *of_layer, epsilon=info["batch_norm_epsilon"])
        else:
            Z = graph.add("Gemm", A, W, graph.constant(tensors[f"b{layer}"]), transB=1)
        A = _activated(graph, model, Z) if layer < L else Z
    return A


def _activated(graph: Graph, model: Model, Z: str) -> str:
    match Activation[model.info["activation"]]:
        case Activation.relu | Activation.leaky_relu:
            return graph.add("LeakyRelu", Z, alpha=float(model.info["leaky_slope"]))
        case Activation.tanh:
            return graph.add("Tanh", Z)
        case Activation.sigmoid:
            return graph.add("Sigmoid", Z)
    raise NotImplementedError(f"onnx_export.py does not know the activation {model.info['activation']}")


def _probabilities(graph: Graph, model: Model, Z: str) -> str:
    """Add the probability of each class, (rows, classes)."""
    match Output[model.info["kind"]]:
        case Output.binary:
            second = graph.add("Sigmoid", Z)
            one = graph.constant(np.ones(1, model.tensors["W1"].dtype))
            return graph.add("Concat", graph.add("Sub", one, second), second, axis=1)
        case Output.multiclass:
            return graph.add("Softmax", Z, axis=1)
    raise NotImplementedError(f"onnx_export.py does not know the output {model.info['kind']}")


def _add_classes(graph: Graph, model: Model, probabilities: str) -> None:
    """Add the outputs of a classification; the label follows the rule of `Prediction.numbers`."""
    dtype, names = model.tensors["W1"].dtype, [*model.info["class_names"]]
    if Output[model.info["kind"]] == Output.binary:
        second = graph.add("Gather", probabilities, graph.constant(1), axis=1)
        limit = graph.constant(np.array(model.info.get("threshold", 0.5), dtype))
        number = graph.cast(graph.add("Greater", second, limit), np.int64)
    else:
        number = graph.add("ArgMax", probabilities, axis=1, keepdims=0)
    label = graph.add("Gather", graph.constant(np.array(names, object)), number, axis=0)
    first = graph.add("Gather", probabilities, graph.constant(0), axis=1)
    label = graph.add("Where", graph.add("IsNaN", first), graph.constant(np.array([""], object)), label)
    graph.output(label, "label", str)
    graph.output(probabilities, "probabilities", dtype, len(names))


def _add_value(graph: Graph, model: Model, Z: str) -> None:
    """Add the output of a regression, float64, in the user's units."""
    scaled = graph.add("Mul", graph.cast(Z, np.float64), graph.constant(model.tensors["target_sigma"]))
    value = graph.add("Add", scaled, graph.constant(model.tensors["target_mu"]))
    graph.output(value, "value", np.float64, model.info["sizes"][-1])
