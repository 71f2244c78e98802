"""What records of a search and of trials show and give in a notebook: read from the server when asked."""

from __future__ import annotations

import importlib
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

from caviar.errors import CaviarError
from caviar.notebook import data, figures, html, svg
from caviar.records import Search, Trial
from caviar.transport import Transport

LEADING, OTHERS, BEST = 5, 20, 5  # curves and trials that a search shows
MOST_PICTURES = 4  # curves that a trial shows
NO_CURVES = {"trial", "number", "epoch", "step", "seconds"}
PAGE = 1000
REDRAW_SECONDS = 1.0


class View:
    """Shows records, by what the server tells of them now."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def search(self, search: Search) -> str:
        """Return a search as HTML: progress, learning curves, the best trials; or why there are none."""
        try:
            return html.search_head(search) + self._results(search)
        except CaviarError as error:
            return html.search_head(search) + html.sentence(str(error))

    def _results(self, search: Search) -> str:
        told = self._transport.call(
            "GET", f"/searches/{search.id}/curves", params={"leading": LEADING, "others": OTHERS}
        )
        lines = [
            svg.Line(one["epoch"], one["values"], one["leading"], f"trial {one['trial']}")
            for one in told["items"]
        ]
        best = self._transport.call("GET", f"/searches/{search.id}/best", params={"k": BEST})["items"]
        drawn = svg.draw(lines, f"{told['metric']} by epoch")
        return drawn + html.trials_table([Trial.of(one) for one in best])

    def trial(self, trial: Trial) -> str:
        """Return a trial as HTML: state, curves, point and metrics; or why there are no curves."""
        try:
            return html.trial_head(trial) + self._curves(trial)
        except CaviarError as error:
            return html.trial_head(trial) + html.sentence(str(error))

    def _curves(self, trial: Trial) -> str:
        columns = self._curve(trial)
        names = [name for name in columns if name not in NO_CURVES]
        epochs = columns.get("epoch", [])
        pictures = [
            svg.draw([svg.Line(epochs, columns[name], leading=True, title=name)], f"{name} by epoch")
            for name in names[:MOST_PICTURES]
        ]
        return "".join(pictures)

    def trials(self, trials: Sequence[Trial]) -> str:
        """Return trials as HTML: a table."""
        return html.trials_table(trials)

    def trials_frame(self, search: Search, library: str | None) -> Any:
        """Return all trials of a search as a data frame."""
        return data.frame(data.trials_columns(self._all(search)), library)

    def curves_frame(self, search: Search, library: str | None) -> Any:
        """Return the learning curves of all trials of a search as a data frame, a row for each epoch."""
        return data.frame(data.joined([self._curve(one) for one in self._all(search) if one.epoch]), library)

    def curve_frame(self, trial: Trial, library: str | None) -> Any:
        """Return the learning curve of a trial as a data frame, a row for each epoch."""
        return data.frame(self._curve(trial), library)

    def figure(self, search: Search, kind: str) -> Any:
        """Return a figure of a search. Raises CaviarError."""
        figures.need_plotly()
        make = figures.FIGURES.get(kind)
        if make is None:
            raise CaviarError(f"There is no figure {kind!r}: take one of {', '.join(figures.FIGURES)}")
        trials = self._all(search) if kind == "parallel" else ()
        return make(search, lambda part: self._part(search, part), trials)

    def _part(self, search: Search, part: str) -> Any:
        return self._transport.call("GET", f"/searches/{search.id}/{part}")

    def _curve(self, trial: Trial) -> data.Columns:
        told = self._transport.call("GET", f"/trials/{trial.id}/curve")
        return data.curve_columns(trial.id, trial.number, told)

    def _all(self, search: Search) -> list[Trial]:
        found = self._transport.pages(f"/searches/{search.id}/trials", {"limit": PAGE})
        return [Trial.of(one) for one in found]


def live() -> Callable[[Search], None]:
    """Return what shows a search in the running cell, again and again; elsewhere it does nothing."""
    ipython = sys.modules.get("IPython")
    shell = None if ipython is None else ipython.get_ipython()
    if shell is None or not hasattr(shell, "kernel"):
        return lambda search: None
    display: Any = importlib.import_module("IPython.display")
    handle = display.display(display.HTML(""), display_id=True)
    drawn = 0.0

    def show(search: Search) -> None:
        nonlocal drawn
        if search.done or time.monotonic() - drawn >= REDRAW_SECONDS:
            handle.update(display.HTML(search._repr_html_()))
            drawn = time.monotonic()

    return show
