"""What trials need and what slots have: how it is written, what fits, what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from caviar.search.problem import SearchError
from caviar.search.resources import ONE_CPU, Resources
from caviar.search.spec import SearchSpec

SPACE = {"x": {"scale": "linear", "low": 0, "high": 1}}


def wanted(**resources: Any) -> Resources:
    return SearchSpec.parse({"space": SPACE, "budget": {"trials": 1}, "resources": resources}).resources


def test_a_search_needs_one_cpu_unless_it_says_more() -> None:
    assert wanted() == ONE_CPU and ONE_CPU.threads == 1
    assert wanted(cpus=0.5).threads == 1 and wanted(cpus=4).threads == 4
    assert str(wanted(cpus=2, gpus=1, custom={"disk": 2, "arm": 0.5})) == "cpus=2,gpus=1,arm=0.5,disk=2"


@pytest.mark.parametrize(
    ("needs", "has", "fits"),
    [
        ("", "cpus=1", True),
        ("cpus=2", "cpus=1", False),
        ("cpus=2", "cpus=4,gpus=1", True),
        ("gpus=0.5", "gpus=1", True),
        ("gpus=1", "cpus=64", False),
        ("disk=1", "cpus=1,disk=2", True),
        ("disk=1,arm=1", "cpus=1,disk=2", False),
        ("cpus=0.5", "", True),
    ],
)
def test_what_fits_a_slot(needs: str, has: str, fits: bool) -> None:
    assert Resources.of_text(needs).within(Resources.of_text(has)) is fits


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"cpus": 0}, "resources.cpus"),
        ({"cpus": 1.5}, "resources.cpus"),
        ({"cpus": True}, "resources.cpus"),
        ({"gpus": -1}, "resources.gpus"),
        ({"gpu": 1}, "resources.gpu"),
        ({"custom": {"GPU": 1}}, "resources.custom.GPU"),
        ({"custom": {"disk": 2.5}}, "resources.custom.disk"),
        ({"custom": {"disk": 0}}, "resources.custom.disk"),
        ({"custom": {"a b": 1}}, "resources.custom.a b"),
    ],
    ids=str,
)
def test_what_is_refused_names_the_field_and_a_remedy(given: dict[str, Any], field: str) -> None:
    with pytest.raises(SearchError) as caught:
        wanted(**given)
    (problem,) = caught.value.problems
    assert problem.field == field and problem.message and problem.remedy


@pytest.mark.parametrize(
    "text", ["cpus", "cpus=x", "cpus=2,cpus=3", "cpus=1.5", "memory=3", "a b=1", "cpus=nan", "disk=-1"]
)
def test_slots_that_cannot_be_read(text: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        Resources.of_text(text)
