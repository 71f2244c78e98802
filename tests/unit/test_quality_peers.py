"""The quality bench: peers hear through their pipes what they would hear in a study of their own."""

from __future__ import annotations

import sys

import numpy as np
import optuna
import pytest

from benchmarks.peer_environments import HERE
from benchmarks.quality import rank
from benchmarks.quality_grids import Grid, grid_of
from benchmarks.quality_peers import Conversation, axes_of, run
from benchmarks.quality_problems import Formula, formulas
from caviar.search.encoding import encoding_of
from caviar.search.space import Space

CONDITIONAL: Formula = next(one for one in formulas() if one.name == "conditions")
COUNTED = Space.model_validate(
    {
        "model": {"choices": ["one", "two"]},
        "depth": {"type": "int", "low": 1, "high": 3, "when": {"model": "one"}},
        "rate": {"choices": [0.1, 0.2], "ordered": True},
    }
)


def in_a_study(seed: int, trials: int, lag: int) -> list[list[float]]:
    """Ask Optuna directly, as somebody who tunes the function by hand does."""
    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=seed))
    waiting, points = [], []
    for _ in range(trials):
        trial = study.ask()
        point = [0.5] * 5
        point[0] = [0.25, 0.75][trial.suggest_categorical("0", [0, 1])]
        point[1] = trial.suggest_float("1", 0.0, 1.0)
        own = 2 if point[0] < 0.5 else 3
        point[own] = trial.suggest_float(str(own), 0.0, 1.0)
        point[4] = (trial.suggest_int("4", 0, 7) + 0.5) / 8
        points.append(point)
        waiting.append((trial, float(CONDITIONAL.formula(np.array([point]))[0])))
        if len(waiting) > lag:
            study.tell(*waiting.pop(0))
    return points


def test_a_peer_is_told_what_a_study_would_be() -> None:
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    peer = Conversation([sys.executable, str(HERE / "optuna_peer.py"), "tpe"])
    try:
        outcomes, seconds = run("optuna_tpe", CONDITIONAL, seed=4, trials=16, lag=2, peer=peer)
    finally:
        peer.end()
    asked = np.array([outcome.unit for outcome in outcomes])
    assert asked == pytest.approx(np.array(in_a_study(4, 16, 2)))
    assert len(seconds) == 16


def test_a_peer_that_ends_says_why() -> None:
    peer = Conversation([sys.executable, "-c", "raise SystemExit('no such sampler')"])
    with pytest.raises(RuntimeError, match="no such sampler"):
        peer.say(begin={})
    peer.end()


def test_axes_name_what_they_hang_on() -> None:
    axes = {axis["name"]: axis for axis in axes_of(encoding_of(COUNTED))}
    assert axes["1"] == {"name": "1", "kind": "int", "levels": 3, "when": ("0", [0])}
    assert axes["0"]["when"] is None and axes["2"]["levels"] == 2


def test_a_grid_has_every_point_once() -> None:
    points = grid_of(COUNTED)
    assert len(points) == (3 + 1) * 2  # the depth of one of two models, times the rates
    assert len(np.unique(points, axis=0)) == len(points)


def test_a_point_tried_again_gives_another_of_its_trainings() -> None:
    values = np.array([[0.0, 8.0]] + [[3.0, 4.0]] + [[5.0, 5.0]] * 6)
    grid = Grid("noisy", True, "noisy", COUNTED, values, noisy=True)
    train, points = grid.start(0), grid_of(COUNTED)
    outcomes = [train(points[0]), train(points[1]), train(points[0])]
    common = np.median(values, axis=0)  # what all points have of a training is no noise of one
    assert sorted(one.observed for one in outcomes[::2]) == sorted(values[0] - common + common.mean())
    assert rank(grid, outcomes[1:2]) == 0.0


def test_ranks_are_shares_of_the_others() -> None:
    grid = Grid("plain", True, "trees", COUNTED, np.arange(8.0)[:, None].repeat(2, axis=1))
    train, points = grid.start(0), grid_of(COUNTED)
    assert [rank(grid, [train(point)]) for point in points] == pytest.approx(np.arange(8) / 8)
