"""What tables of searches and trials say."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from caviar.cli.tables import print_audit, print_searches
from caviar.metric_text import change_text, metric_text
from caviar.records import Search


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.123456, "0.1235"),
        (0.999851, "0.999851"),
        (0.99990049, "0.9999005"),
        (0.99, "0.99"),
        (1.0, "1"),
        (0.99999999, "0.99999999"),
        ([0.760734968, 8], "[0.7607, 8]"),
        ([], "[]"),
        (None, "-"),
        (True, "True"),
    ],
)
def test_values_are_short_and_tell_neighbours_apart(value: object, text: str) -> None:
    assert metric_text("", value) == text


def test_a_list_of_searches_counts_forks_and_failures() -> None:
    one = Search(1, "a", "running", finished=3, total=6, budget={"trials": 4}, counts={"failed": 2})
    old = Search(2, "b", "completed", finished=4, budget={"trials": 4})
    out = io.StringIO()
    print_searches([one, old], Console(file=out, width=200))
    assert "3/6, 2 failed" in out.getvalue()
    assert "4/4 " in out.getvalue()


def test_the_audit_shows_what_differs() -> None:
    out = io.StringIO()
    space = {"space": {"learning_rate": {"low": 0.001, "high": 0.5}}}
    row = {"created": "2026-11-30T15:04:18Z", "who": None, "what": "edit", "search": 3, "trial": None}
    after = {"space": {"learning_rate": {"low": 0.001, "high": 0.3}}, "note": "x" * 200}
    print_audit([{**row, "subject": None, "before": space, "after": after}], Console(file=out, width=200))
    said = out.getvalue()
    assert "space.learning_rate.high: 0.5" in said and "0.001" not in said
    assert "unknown" in said and "search 3" in said and "x..." in said


@pytest.mark.parametrize(
    ("metric", "change", "text"),
    [
        ("dev_error", 0.0333, "+3.33 points"),
        ("dev_error", -0.005, "-0.50 points"),
        ("dev_error", 0.0, "+0.00 points"),
        ("dev_rmse", -1234.5, "-1234"),
    ],
)
def test_changes_are_written_in_the_units_of_their_metric(metric: str, change: float, text: str) -> None:
    assert change_text(metric, change) == text


def test_errors_of_a_regression_are_deviations_of_its_target() -> None:
    assert metric_text("dev_error", 0.8057, "regression") == "0.806 SD"
    assert metric_text("dev_error", 0.8057, "classification") == "80.57 %"
    assert change_text("dev_error", -0.1, "regression") == "-0.1 SD"
