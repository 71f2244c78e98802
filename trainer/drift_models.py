"""What two models tell of the relation of columns and target: one of older data, one of newer data."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from .data.columns import Encoding
from .data.load import Prepared
from .data.table import Array, Category, Table
from .data.types import Data
from .data_slices import fisher, rank_test
from .error_analysis import Judged, judge
from .final_test import standard_error
from .predict import Model

FEWEST = 20  # rows of each dev set
LARGEST = 10.0  # loss of a row that counts: a single one must not decide


@dataclass(frozen=True, eq=False)
class Models:
    """A model of older data and one of newer data, trained with the same settings."""

    model: Model
    later: Model
    old: Prepared
    new: Prepared

    @cached_property
    def _older(self) -> Data:
        """The older data, ready for training; each call of `Prepared.data` encodes all of its rows."""
        return self.old.data(0)

    def loss(self, rows: Array) -> dict[str, Any]:
        """Compare the older model on its dev set and on these rows of the newer data: before, after, p.

        `wrong` says that before and after are shares of wrong answers, else they are deviations.

        Wrong answers by R. A. Fisher's exact test, losses of a regression by that of Mann and Whitney.
        """
        origin = self.old.origin("dev")
        assert origin is not None
        sides = [(origin.table, origin.rows), (self.new.table, rows)]
        judged = [self._judged(self.model, *side) for side in sides]
        one, other = (
            np.asarray(side.losses if side.wrong is None else side.wrong, np.float64) for side in judged
        )
        inside = np.arange(len(one) + len(other)) >= len(one)
        both = np.concatenate([one, other])
        classes = bool(self.old.target.classes)
        p = 1.0 if not len(other) else fisher(both > 0, inside) if classes else rank_test(both, inside)
        means = [float(side.mean()) if len(side) else 0.0 for side in (one, other)]
        if not classes:
            means = [math.sqrt(mean) for mean in means]
        counts = [len(one), len(other)]
        return {"p": p, "before": means[0], "after": means[1], "wrong": classes, "rows": counts}

    def crossed(self, fresh: Array) -> float:
        """Return p of whether each model fits its own data better than the other model does.

        Of the rows of both dev sets, the loss of the other data's model less that of their own one. How good
        either model is cancels out, as does how hard either dev set is: without drift both means together
        are 0.
        """
        older, newer = self.old.origin("dev"), self.new.origin("dev")
        assert older is not None and newer is not None
        rows = newer.rows if newer.field != "dataset" else newer.rows[np.isin(newer.rows, fresh)]
        together, squares = 0.0, 0.0
        for table, chosen, own, other in (
            (older.table, older.rows, self.model, self.later),
            (newer.table, rows, self.later, self.model),
        ):
            known = chosen[self._known(table)[chosen]]
            if len(known) < FEWEST:
                return 1.0
            apart = self._losses(other, table, known) - self._losses(own, table, known)
            together += float(apart.mean())
            squares += float(apart.var(ddof=1)) / len(apart)
        return math.erfc(together / math.sqrt(2 * squares)) / 2 if squares > 0 else 1.0

    def noise(self, main: str) -> dict[str, float | None]:
        """Return the standard errors of a measure, which other rows would bring: on either data.

        What other training rows bring counts as a dev set of their number would (C. Nadeau and Y. Bengio
        2003, doi:10.1023/A:1024068626366).
        """
        found: dict[str, float | None] = {}
        for name, model in (("before", self.model), ("after", self.later)):
            data = self._older if name == "before" else self.new.data(0)
            error = standard_error(model, data, main)
            more = math.sqrt(1 + len(data.X_dev) / len(data.X_train))
            found[name] = None if error is None else error * more
        return found

    def _known(self, table: Table) -> Array:
        """Return which rows have a class that both models know."""
        known = np.ones(table.rows, dtype=bool)
        for model in (self.model, self.later):
            if model.info["class_names"]:
                known &= _category(table).coded_by(model.info["class_names"]) >= 0
        return known

    def _losses(self, model: Model, table: Table, rows: Array) -> Array:
        return np.minimum(self._judged(model, table, rows).losses, LARGEST)

    def _judged(self, model: Model, table: Table, rows: Array) -> Judged:
        """Judge rows of any table with the columns of training; losses in deviations of the older target."""
        encoding = Encoding.from_dict(model.info["preprocessing"]["encoding"])
        data = self._older
        if data.kind != "regression":
            codes = _category(table).coded_by(model.info["class_names"])[rows]
            rows, Y = rows[codes >= 0], codes[codes >= 0]
        part = replace(
            table,
            numbers=table.numbers[rows],
            categories={n: Category(c.codes[rows], c.levels) for n, c in table.categories.items()},
            target=None,
        )
        T, X = model.tensors, model.inputs_of(part, encoding)
        plain: dict[str, Any] = {"weights_dev": None, "groups_dev": None}
        if data.kind != "regression":
            return judge(model, replace(data, X_dev=X, Y_dev=Y, **plain), "dev")
        assert table.target is not None and not isinstance(table.target, Category)
        plain |= {"target_mu": T["target_mu"], "target_sigma": T["target_sigma"]}
        Y = (table.target[rows] - T["target_mu"]) / T["target_sigma"]
        judged = judge(model, replace(data, X_dev=X, Y_dev=Y, **plain), "dev")
        apart = (judged.truth - judged.answer) / data.target_sigma
        return replace(judged, losses=(apart**2).mean(axis=1))


def _category(table: Table) -> Category:
    target = table.target
    return target if isinstance(target, Category) else Category.of(np.asarray(target)[:, 0])
