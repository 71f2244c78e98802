"""Whether a re-test trains on the earlier data, and which models it compares."""

from __future__ import annotations

from typing import Any

import pytest

from caviar.service.ids import TrialId
from caviar.service.usecases.retesting import _identity, _pair


def upload(name: str, content: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "upload": {"id": len(name), "digest": f"sha256:{content}", "kind": "csv"}, **more}


OLD = upload("old", "aa", target="y", reading={"sheet": "May"})
DEV, MORE = upload("dev", "bb"), upload("more", "cc", share=0.2)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (OLD, upload("a copy", "aa", target="y", reading={"sheet": "May"}), True),
        (OLD, upload("old", "ab", target="y", reading={"sheet": "May"}), False),
        (OLD, {**OLD, "target": "z"}, False),
        (OLD, {**OLD, "reading": {"sheet": "June"}}, False),
        ({"name": "iris"}, {"name": "iris"}, True),
        ({"name": "iris"}, {"name": "digits"}, False),
        ({**OLD, "dev": DEV}, {**OLD, "dev": upload("its copy", "bb")}, True),
        ({**OLD, "dev": DEV}, {**OLD, "test": DEV}, False),
        ({**OLD, "more_training_data": [MORE]}, {**OLD, "more_training_data": [MORE]}, True),
        ({**OLD, "more_training_data": [MORE]}, OLD, False),
        ({**OLD, "more_training_data": [MORE]}, {**OLD, "more_training_data": [DEV]}, False),
        ({**OLD, "more_training_data": [MORE]}, {**OLD, "more_training_data": [{**MORE, "share": 1}]}, False),
    ],
)
def test_the_same_data_is_known_by_its_content(
    one: dict[str, Any], other: dict[str, Any], same: bool
) -> None:
    assert (_identity(one) == _identity(other)) is same


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ({0: 0, 1: 4}, {1: 1, 2: 2}, (4, 1)),  # of the best winner that has a model on either side
        ({0: 0, 2: 2}, {0: 3}, (0, 3)),
        ({1: 4}, {2: 2}, (4, 2)),
        ({}, {0: 0}, None),
    ],
)
def test_models_of_one_winner_are_compared_where_there_are_any(before, after, expected):
    found = _pair(*({place: TrialId(7, number) for place, number in one.items()} for one in (before, after)))
    assert (found and tuple(one.number for one in found)) == expected
