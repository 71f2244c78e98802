"""The data sets that come with scikit-learn, read without importing it.

Importing `sklearn.datasets` takes longer (1.5 s) than the training that most searches do first, so the files
are read from the installed package directly; a test compares them with scikit-learn's own loaders.
"""

from __future__ import annotations

import gzip
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from caviar.trainer.data.table import Array, Category, Table
from caviar.trainer.problem import DataError

_CELL = (
    "radius", "texture", "perimeter", "area", "smoothness",
    "compactness", "concavity", "concave points", "symmetry", "fractal dimension",
)  # fmt: skip
_WINE = (
    "alcohol", "malic_acid", "ash", "alcalinity_of_ash", "magnesium", "total_phenols", "flavanoids",
    "nonflavanoid_phenols", "proanthocyanins", "color_intensity", "hue",
    "od280/od315_of_diluted_wines", "proline",
)  # fmt: skip
_IRIS = ("sepal length (cm)", "sepal width (cm)", "petal length (cm)", "petal width (cm)")
_CANCER = (*(f"mean {n}" for n in _CELL), *(f"{n} error" for n in _CELL), *(f"worst {n}" for n in _CELL))
_DIABETES = ("age", "sex", "bmi", "bp", "s1", "s2", "s3", "s4", "s5", "s6")


def read(name: str) -> Table:
    """Read a built-in data set.

    Raises
    ------
    DataError
        There is none of that name, or the installed scikit-learn lacks its file.
    """
    if name not in BUILTIN:
        raise DataError.of(
            "dataset.name", f"no data set is called {name!r}", f"use one of {', '.join(BUILTIN)}"
        )
    try:
        return BUILTIN[name]()
    except OSError as error:
        remedy = "install a scikit-learn between 1.8 and 1.9, or give the data as a file (dataset.path)"
        raise DataError.of("dataset.name", f"cannot read {name}: {error}", remedy) from error


def _folder() -> Path:
    spec = find_spec("sklearn")
    if spec is None or spec.origin is None:
        raise FileNotFoundError("scikit-learn is not installed")
    return Path(spec.origin).parent / "datasets" / "data"


def _digits() -> Table:
    with gzip.open(_folder() / "digits.csv.gz", "rt") as file:
        cells = np.loadtxt(file, delimiter=",")
    names = tuple(f"pixel_{i}_{j}" for i in range(8) for j in range(8))
    return _classes("digits", cells[:, :-1], names, cells[:, -1], range(10), (8, 8, 1))


def _labelled(name: str, file: str, names: tuple[str, ...]) -> Table:
    """Read one of the files whose first line is: rows, columns, names of the classes."""
    path = _folder() / file
    with path.open() as lines:
        classes = lines.readline().strip().split(",")[2:]
        cells = np.loadtxt(lines, delimiter=",")
    return _classes(name, cells[:, :-1], names, cells[:, -1], classes)


def _diabetes() -> Table:
    with gzip.open(_folder() / "diabetes_data_raw.csv.gz", "rt") as file:
        numbers = np.loadtxt(file)
    with gzip.open(_folder() / "diabetes_target.csv.gz", "rt") as file:
        target = np.loadtxt(file)[:, None]
    return Table(
        "diabetes", numbers, _DIABETES, target=target, target_names=("progression",), task="regression"
    )


def _classes(
    name: str,
    numbers: Array,
    names: tuple[str, ...],
    labels: Array,
    classes: range | list[str],
    image_shape: tuple[int, int, int] | None = None,
) -> Table:
    target = Category(labels.astype(np.int32), tuple(map(str, classes)))
    numbers = np.ascontiguousarray(numbers)
    return Table(name, numbers, names, {}, target, ("class",), "classification", image_shape)


BUILTIN: dict[str, Callable[[], Table]] = {
    "digits": _digits,
    "breast_cancer": lambda: _labelled("breast_cancer", "breast_cancer.csv", _CANCER),
    "wine": lambda: _labelled("wine", "wine_data.csv", _WINE),
    "iris": lambda: _labelled("iris", "iris.csv", _IRIS),
    "diabetes": _diabetes,
}

REGRESSIONS = frozenset({"diabetes"})  # the others are classifications
