"""The course of a search: best so far, kept between requests, thinned without losing an improvement."""

import numpy as np
import pytest

from caviar.service.usecases import courses
from caviar.service.usecases.courses import Course


def course(
    monkeypatch: pytest.MonkeyPatch, *batches: list[tuple[int, float | None, float]], maximize: bool = False
) -> Course:
    """A course that catches up with one batch after another."""
    given = iter(batches)
    monkeypatch.setattr(courses.figures, "ended_since", lambda *_: (next(given), 1))
    made = Course(1, (1, None), maximize)
    for _ in batches:
        made.catch_up(None)
    return made


def test_best_so_far_goes_on_over_batches_and_ignores_trials_without_value(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shown = course(monkeypatch, [(0, None, 1.0), (1, 0.5, 2.0)], [], [(2, 0.7, 3.0), (3, 0.2, 4.0)]).part(
        None
    )
    assert shown.number.tolist() == [0, 1, 2, 3]
    np.testing.assert_array_equal(shown.best, [np.nan, 0.5, 0.5, 0.2])
    assert shown.ended[0] == 1.0


def test_where_more_is_better_the_best_rises(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = course(monkeypatch, [(0, 0.5, 1.0), (1, 0.4, 2.0)], [(2, 0.9, 3.0)], maximize=True).part(None)
    assert shown.best.tolist() == [0.5, 0.5, 0.9]


def test_a_thinned_course_keeps_both_ends_and_every_improvement(monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.random.default_rng(3).random(5000)
    rows = [(number, float(value), float(number)) for number, value in enumerate(values)]
    shown = course(monkeypatch, rows).part(50)
    best = np.minimum.accumulate(values)
    improvements = {0, *(np.flatnonzero(np.diff(best)) + 1).tolist()}
    assert improvements <= set(shown.number.tolist())
    assert shown.number[-1] == 4999
    assert shown.total == 5000
    assert len(shown.number) < 50 + len(improvements)
    np.testing.assert_array_equal(shown.best, best[shown.order - 1])
