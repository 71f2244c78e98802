"""Figures of a search as objects of plotly, from the extra caviar[plot]."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from importlib.util import find_spec
from typing import Any, TypeAlias

from caviar.errors import CaviarError
from caviar.records import Search, Trial

Figure: TypeAlias = Any  # of plotly, which has no types
Read = Callable[[str], Any]  # of the search: history, curves, importance, front


def need_plotly() -> None:
    """Raise CaviarError where plotly is not installed."""
    if find_spec("plotly") is None:
        raise CaviarError("Figures need plotly: pip install caviar[plot]")


def history(search: Search, read: Read, trials: Sequence[Trial]) -> Figure:
    """Return values in the order of completion, and the best so far."""
    found = read("history")
    figure = _figure("trials ended", search.metric)
    names = [f"trial {search.id}.{number}" for number in found["number"]]
    figure.add_scatter(x=found["order"], y=found["value"], mode="markers", name="value", text=names)
    figure.add_scatter(x=found["order"], y=found["best"], mode="lines", name="best so far", line_shape="hv")
    return figure


def curves(search: Search, read: Read, trials: Sequence[Trial]) -> Figure:
    """Return learning curves of the objective, those of the leaders in colour."""
    figure = _figure("epoch", search.metric)
    for one in reversed(read("curves")["items"]):
        look = {} if one["leading"] else {"line_color": "lightgray", "showlegend": False}
        figure.add_scatter(x=one["epoch"], y=one["values"], mode="lines", name=one["trial"], **look)
    return figure


def importance(search: Search, read: Read, trials: Sequence[Trial]) -> Figure:
    """Return the share of each parameter in being good."""
    found = read("importance")
    figure = _figure("importance", "")
    items = found["items"][::-1]
    figure.add_bar(
        x=[one["importance"] for one in items], y=[one["parameter"] for one in items], orientation="h"
    )
    if found.get("reason"):
        figure.update_layout(title=found["reason"])
    return figure


def parallel(search: Search, read: Read, trials: Sequence[Trial]) -> Figure:
    """Return the points of the trials with a value, each a line through its parameters."""
    valued = [one for one in trials if one.value is not None]
    figure = _figure("", "")
    names = list(dict.fromkeys(name for one in valued for name in one.params))
    dimensions = [_dimension(name, [one.params.get(name) for one in valued]) for name in names]
    values = [one.value for one in valued]
    dimensions.append({"label": search.metric, "values": values})
    figure.add_parcoords(
        line={"color": values, "colorscale": "Viridis", "showscale": True}, dimensions=dimensions
    )
    return figure


def front(search: Search, read: Read, trials: Sequence[Trial]) -> Figure:
    """Return the first two objectives of all trials, with the Pareto front."""
    found = read("front")
    if len(found["objectives"]) < 2:
        raise CaviarError(f"Search {search.id} has no front: {found['reason']}")
    first, second = (one["metric"] for one in found["objectives"][:2])
    figure = _figure(first, second)
    figure.add_scatter(
        x=_column(found["values"], 0), y=_column(found["values"], 1), mode="markers", name="trials"
    )
    best = [one["values"] for one in found["items"]]
    names = [one["trial"] for one in found["items"]]
    figure.add_scatter(x=_column(best, 0), y=_column(best, 1), mode="lines+markers", name="front", text=names)
    return figure


FIGURES: Mapping[str, Callable[[Search, Read, Sequence[Trial]], Figure]] = {
    one.__name__: one for one in (history, curves, importance, parallel, front)
}


def _figure(across: str, up: str) -> Figure:
    return import_module("plotly.graph_objects").Figure(
        layout={"xaxis_title": across, "yaxis_title": up, "template": "plotly_white"}
    )


def _column(rows: Sequence[Sequence[float]], place: int) -> list[float]:
    return [row[place] for row in rows]


def _dimension(name: str, values: Sequence[Any]) -> dict[str, Any]:
    """Return an axis: numbers as they are, anything else by the place of its text."""
    if all(isinstance(one, int | float) and not isinstance(one, bool) for one in values):
        return {"label": name, "values": list(values)}
    texts = sorted({str(one) for one in values})
    return {
        "label": name,
        "values": [texts.index(str(one)) for one in values],
        "tickvals": list(range(len(texts))),
        "ticktext": texts,
    }
