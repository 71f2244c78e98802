"""Searches of every kind are proven: proposed again, trained again, and the same to the last bit."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from caviar.proof.verify import verify
from caviar.search.strategy_settings import STRATEGIES
from tests.support.inprocess import App
from tests.support.inprocess_agents import searched
from tests.support.proving import fetching, record_of

RATE = {"scale": "log", "low": 0.003, "high": 0.3}
UNITS = {"scale": "log", "type": "int", "low": 4, "high": 24}
SEARCH: dict[str, Any] = {
    "dataset": {"name": "iris"},
    "settings": {"epochs": 2, "hidden_layers": 1},
    "space": {"learning_rate": RATE, "hidden_units": UNITS},
    "budget": {"trials": 9},
    "seed": 3,
    "parallel": 2,
}
STARTUP = {
    "tpe": {"startup": 4},
    "gp": {"startup": 4},
    "nsga2": {"population": 4},
    "population": {"members": 3, "epochs_per_turn": 1},
}
FURTHER: dict[str, dict[str, Any]] = {
    "a condition": {
        "strategy": {"name": "tpe", "startup": 3},
        "space": {
            "optimizer": {"choices": ["adam", "momentum"]},
            "momentum": {
                "scale": "one_minus_log",
                "low": 0.5,
                "high": 0.99,
                "when": {"optimizer": "momentum"},
            },
            "learning_rate": RATE,
        },
    },
    "a relation": {
        "space": {
            "learning_rate": RATE,
            "beta1": {"low": 0.5, "high": 0.9},
            "beta2": {"low": 0.5, "high": 0.99},
            "relations": ["beta1 < beta2"],
        }
    },
    "rounds of epochs": {"strategy": {"name": "coarse_to_fine", "epochs_per_round": [1, 2, 4]}},
    "a stopping rule": {"stopping": {"name": "median"}, "settings": {"epochs": 8}, "budget": {"trials": 14}},
    "folds": {"dataset": {"name": "iris", "folds": 2}},
    "several objectives": {"objective": [{"metric": "dev_error"}, {"metric": "parameters"}]},
    "a constraint": {"subject_to": {"parameters": {"max": 100}}, "strategy": {"name": "tpe", "startup": 4}},
    "the best epoch": {"objective": {"metric": "dev_cost", "value": "best"}, "settings": {"epochs": 5}},
    "leaders again": {"reevaluate": {"leaders": 2, "seeds": 2}},
    "a schedule": {"schedule": [{"epoch": 1, "set": {"l2": 0.1}}]},
    "a budget of epochs": {"budget": {"trials": 20, "epochs": 21, "at_end": "stop"}},
    "a budget of seconds": {"budget": {"trials": 6, "seconds": 600}},
    "no repeatability": {"reproducible": False, "strategy": {"name": "tpe", "startup": 3}},
    "rates that diverge": {"space": {"learning_rate": {"scale": "log", "low": 1, "high": 1000}}},
}
OFTEN = ("a stopping rule", "several objectives", "a schedule", "no repeatability")  # the others: make soak


def cases() -> Iterator[Any]:
    for one in STRATEGIES:
        fields: dict[str, Any] = {"strategy": {"name": one.key(), **STARTUP.get(one.key(), {})}}
        if one.takes_parents:
            fields["settings"] = {"hidden_layers": 1}
        marks = [pytest.mark.torch, pytest.mark.soak] if one.package == "torch" else []
        yield pytest.param(fields, id=one.key(), marks=marks)
    for name, fields in FURTHER.items():
        yield pytest.param(fields, id=name, marks=() if name in OFTEN else pytest.mark.soak)


@pytest.mark.parametrize("fields", list(cases()))
def test_a_search_is_proposed_and_trained_again_bit_for_bit(app: App, fields: dict[str, Any]) -> None:
    trials = searched(app, {**SEARCH, **fields}, 2)
    verdict, data = verify(record_of(app, trials[0]["search"]), fetching(app), "all")
    assert [str(one) for one in verdict.findings] == []
    assert verdict.word == "passed"
    assert verdict.proposed == verdict.trials > 5
    assert len(verdict.trained) > 5
    assert data["training"].startswith("sha256:")
