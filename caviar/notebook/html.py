"""Searches and trials as HTML, in the colours of whoever shows it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

from caviar.metric_text import metric_text
from caviar.records import Search, Trial

_CELL = 'style="text-align:left;padding:2px 10px 2px 0"'


def table(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """Return a table; numbers are shortened, None is left empty."""
    top = "".join(f"<th {_CELL}>{escape(name)}</th>" for name in head)
    body = "".join(
        "<tr>" + "".join(f"<td {_CELL}>{_shown(cell)}</td>" for cell in row) + "</tr>" for row in rows
    )
    return f"<table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table>"


def sentence(text: str) -> str:
    """Return a sentence of its own."""
    return f"<div>{escape(text)}</div>"


def _shown(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:.6g}" if isinstance(value, float) else escape(str(value))


def trials_table(trials: Sequence[Trial]) -> str:
    """Return trials with their values and points, a column for each parameter."""
    names = list(dict.fromkeys(name for one in trials for name in one.params))
    rows = ([one.id, one.state, one.value, *(one.params.get(name) for name in names)] for one in trials)
    return table(["trial", "state", "value", *names], rows)


def search_head(search: Search) -> str:
    """Return a search's name, state, progress and best value."""
    best = ""
    if search.best is not None:
        metric = escape(search.metric)
        trial = escape(str(search.best.get("trial")))
        value = metric_text(search.metric, search.best.get("value"), search.task)
        best = f"; best {metric} {escape(value)} in trial {trial}"
    failed = f", {search.counts['failed']} failed" if search.counts.get("failed") else ""
    said = f"{search.finished} of {search.trials} trials{failed}{best}"
    bar = f'<progress value="{search.finished}" max="{max(search.trials, 1)}" style="width:320px"></progress>'
    warnings = "".join(f"<div>{escape(str(_message(one)))}</div>" for one in search.warnings)
    head = f"<div><b>Search {search.id}: {escape(search.name)}</b> ({search.state})</div>"
    return f"{head}<div>{bar} {said}</div>{warnings}"


def _message(warning: Any) -> Any:
    return warning.get("message", warning) if isinstance(warning, Mapping) else warning


def trial_head(trial: Trial) -> str:
    """Return a trial's name, state, epochs, point and metrics."""
    value = "" if trial.value is None else f", value {_shown(trial.value)}"
    said = f"<div><b>Trial {escape(trial.id)}</b> ({trial.state}), epoch {trial.epoch}{value}</div>"
    bar = ""
    if trial.epochs and not trial.done:
        bar = f'<progress value="{trial.epoch}" max="{trial.epochs}" style="width:320px"></progress>'
    reason = f"<div>{escape(trial.reason)}</div>" if trial.reason else ""
    rows = [*trial.params.items(), *trial.metrics.items()]
    return said + bar + reason + table(["parameter or metric", "value"], rows)
