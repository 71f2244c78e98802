"""What a re-test says: whether anything has drifted, why, and by how much the error has changed.

Four families of tests are asked, each corrected within by Holm's method, and all four by it again: did the
columns move, did the target, is an earlier model worse on the newer rows, is the error of the winners that
were trained again another one. So without any drift an alarm is raised in at most ALARM of all re-tests.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from scipy.stats import t as student

from caviar.metric_text import metric_text
from caviar.trainer.distance import holm

Write = Callable[[float], str]
ALARM = 0.01  # an alarm that is asked for every week must be rarer than a result that is called real
INTERVAL = 0.95
TOLD = 5  # columns that are named in words


@dataclass(frozen=True)
class Change:
    """By how much the mean of a winner's trainings has changed; lower is better in none of these.

    `low` and `high` bound its 95 % interval, None where nothing tells how much chance there is; so is `p`.
    """

    before: float
    after: float
    spread_before: float | None
    spread_after: float | None
    low: float | None
    high: float | None
    p: float | None


def change_of(before: Sequence[float], after: Sequence[float], noise: float | None) -> Change:
    """Compare the trainings of a point on two data sets: Welch's t-test, with the chance that rows bring.

    `noise` is the standard error of the distance that comes from the rows: 0 on the same data, None unknown.
    """
    one, other = (sum(values) / len(values) for values in (before, after))
    variances = _variance(before), _variance(after)
    sizes = len(before), len(after)
    shares = [(v / n, n) for v, n in zip(variances, sizes, strict=True) if v is not None]
    a, b = (None if v is None else math.sqrt(v) for v in variances)
    if noise is None or len(shares) < 2:
        return Change(one, other, a, b, None, None, None)
    of_seeds = sum(share for share, _ in shares)
    error = math.sqrt(of_seeds + noise**2)
    if error == 0:  # the trainings of each are alike to the last digit
        return Change(one, other, 0.0, 0.0, other - one, other - one, float(one == other))
    freedom = sum(share**2 / (n - 1) for share, n in shares)
    degrees = error**4 / freedom if freedom else math.inf
    reach = float(student.ppf((1 + INTERVAL) / 2, degrees)) * error
    p = 2 * float(student.sf(abs(other - one) / error, degrees))
    return Change(one, other, a, b, other - one - reach, other - one + reach, p)


def _variance(values: Sequence[float]) -> float | None:
    if len(values) < 2:
        return None
    mean = sum(values) / len(values)
    return sum((value - mean) ** 2 for value in values) / (len(values) - 1)


@dataclass(frozen=True)
class Verdict:
    """Whether something has drifted, and why.

    Attributes
    ----------
    drifted : bool
        Beyond chance, and not for the better alone.
    reasons : tuple of str
        Of columns, target, relation, error; the main one first.
    chances : mapping of str to float
        Of each family its p, corrected for the four.
    text : str
    """

    drifted: bool
    reasons: tuple[str, ...]
    chances: Mapping[str, float]
    text: str


def verdict(
    found: Mapping[str, Any] | None, changes: Sequence[Change], sign: float, write: Write = "{:.4g}".format
) -> Verdict:
    """Return what a re-test says.

    `found` is what `trainer.drift` finds, None where the data is the same or cannot be compared; `changes`
    are those of the winners, the best one first; `sign` is -1 where higher is better; `write` writes a value.
    """
    known = holm([one.p for one in changes if one.p is not None])
    raw = {"error": min(known, default=1.0)}
    if found is not None:
        raw |= {"columns": found["columns_p"], "target": found["target"]["p"], "model": _of_models(found)}
    chances = dict(zip(raw, holm(list(raw.values())), strict=True))
    sure = {name for name, p in chances.items() if p < ALARM}
    clearest = min((one for one in changes if one.p is not None), key=lambda one: one.p or 0.0, default=None)
    worse = clearest is not None and sign * (clearest.after - clearest.before) > 0
    reasons = _reasons(sure, found, worse)
    text = _text(reasons, sure, found, clearest, worse, write)
    return Verdict(bool(reasons), reasons, chances, text)


def _of_models(found: Mapping[str, Any]) -> float:
    """Return p of what models tell: the earlier one is worse on newer rows, or each is better on its own."""
    loss = found["loss"]
    worse = loss["p"] if loss["after"] > loss["before"] else 1.0
    return float(min(1.0, 2 * min(worse, found["crossed_p"])))


def _reasons(sure: set[str], found: Mapping[str, Any] | None, worse: bool) -> tuple[str, ...]:
    """Return the reasons of what is sure; see `trainer.drift` for how two that moved are told apart."""
    is_worse = "model" in sure or ("error" in sure and worse)
    columns, target = "columns" in sure, "target" in sure
    if columns and target and found is not None:
        of_target, of_columns = found["given_target"] or 0.0, found["given_columns"]
        of_columns = 0.5 if of_columns is None else of_columns  # so far off that no older row is like them
        if of_target >= ALARM and of_target >= of_columns:
            return ("target",)
        return ("columns",) if of_columns >= ALARM else ("columns", "target")
    if columns:
        return ("columns",)
    if target:
        return ("target", "relation") if is_worse else ("target",)
    if is_worse:
        return ("relation",) if found is not None else ("error",)
    return ()


def _text(
    reasons: Sequence[str],
    sure: set[str],
    found: Mapping[str, Any] | None,
    clearest: Change | None,
    worse: bool,
    write: Write,
) -> str:
    parts = [_said(reason, found, reasons, sure) for reason in reasons]
    if not parts:
        parts.append("Nothing has drifted beyond chance.")
    if "model" in sure and found is not None:
        loss = found["loss"]
        name = "dev_error" if loss.get("wrong") else ""
        after, before = (metric_text(name, loss[side]) for side in ("after", "before"))
        parts.append(
            f"The earlier model has an error of {after} on the newer rows, {before} on its own dev set."
        )
    if "error" in sure and clearest is not None:
        better = "worse" if worse else "better"
        after, before = (write(one) for one in (clearest.after, clearest.before))
        parts.append(f"Trained again, the error is {better}: {after}, before {before}.")
    elif reasons and clearest is not None:
        parts.append("Trained again on the newer data, no winner's error has changed beyond chance.")
    return " ".join(parts)


def _said(reason: str, found: Mapping[str, Any] | None, reasons: Sequence[str], sure: set[str]) -> str:
    if reason == "error" or found is None:
        return (
            "On the same data, the error is worse: look for what has changed in code, machine or libraries."
        )
    if reason == "columns":
        moved = [one for one in found["columns"] if one["p"] < ALARM] or found["columns"][:1]
        listed = "; ".join(f"{one['name']}: {one['what']}" for one in moved[:TOLD])
        names = ", ".join(dict.fromkeys(one["name"] for one in moved[:TOLD]))
        plural = "s" if len({one["name"] for one in moved}) > 1 else ""
        more = f" and {len(moved) - TOLD} more" if len(moved) > TOLD else ""
        along = ""
        if "target" in sure and "target" not in reasons:
            along = " The target moved with them, as it would by the columns alone."
        return f"Column{plural} {names}{more} moved (two-sample tests, corrected; {listed}).{along}"
    if reason == "target":
        along = ""
        if "columns" in sure and "columns" not in reasons:
            along = " The columns moved with it: within the classes they look the same."
        return f"The target's distribution changed ({found['target']['what']}).{along}"
    alike = "" if "target" in reasons else ": inputs look the same, error is worse"
    return f"The relation changed{alike}."
