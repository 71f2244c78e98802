"""Results of trials: what they come to, and the best of a search."""

from __future__ import annotations

import math
from typing import Any

import orjson
from sqlalchemy import BindParameter, ColumnElement, Update, and_, bindparam, or_, update

from caviar.exchange.wire import Result
from caviar.search.spec import SearchSpec
from caviar.service.store.tables import searches
from caviar.service.store.transaction import Transaction

c = searches.c
_VALUE: BindParameter[Any] = bindparam("b_value")
_NUMBER: BindParameter[Any] = bindparam("b_number")


def _best(better: ColumnElement[bool]) -> Update:
    """Write the best result of a search, where it is better than the best so far."""
    equal = and_(c.best_value == _VALUE, c.best_number > _NUMBER)
    wanted = and_(c.id == bindparam("b_search"), or_(c.best_value.is_(None), better, equal))
    return update(searches).where(wanted).values(best_value=_VALUE, best_number=_NUMBER)


_LOWER, _HIGHER = _best(c.best_value > _VALUE), _best(c.best_value < _VALUE)
Verdict = tuple[str, float | None, str | None]  # state, value, reason


def judge(result: Result, spec: SearchSpec) -> Verdict:
    """Give state, value and reason of a result: without a finite objective nothing is completed."""
    metric = spec.objective.metric
    value = result.metrics.get(metric)
    if result.state not in ("completed", "stopped"):
        return result.state, None, result.reason or result.state
    if value is not None and math.isfinite(value):
        return result.state, value, result.reason
    if metric in result.metrics:
        return "diverged", None, result.reason or f"{metric} is not finite"
    known = ", ".join(sorted(result.metrics)) or "none"
    return "failed", None, f"the trainer reported no metric {metric!r}; it reported: {known}"


def columns(verdict: Verdict, result: Result, now: float) -> dict[str, Any]:
    """Give the columns of a trial that its result fills."""
    return {
        "new_state": verdict[0],
        "new_value": verdict[1],
        "new_metrics": orjson.dumps(result.metrics).decode() if result.metrics else None,
        "new_reason": verdict[2],
        "new_ended": now,
    }


class Bests:
    """The best results of one batch, by search."""

    def __init__(self) -> None:
        self._found: dict[int, tuple[float, int, float]] = {}  # signed value, number, sign

    def take(self, search: int, number: int, value: float, direction: str) -> None:
        """Consider a result; of equal values the lower number is better."""
        sign = -1.0 if direction == "maximize" else 1.0
        found = self._found.get(search)
        if found is None or (sign * value, number) < found[:2]:
            self._found[search] = sign * value, number, sign

    def write(self, tx: Transaction) -> None:
        """Note them where they are better than the best so far."""
        for search, (signed, number, sign) in self._found.items():
            better = {"b_search": search, "b_value": sign * signed, "b_number": number}
            tx.execute(_LOWER if sign > 0 else _HIGHER, better)
