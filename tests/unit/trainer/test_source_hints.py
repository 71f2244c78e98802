"""Dev and test sets of different sources get a hint."""

import pytest

from caviar.trainer.data.source_hints import source_hints

OTHER, THIRD = {"name": "phones"}, {"name": "cameras"}


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({}, None),
        ({"dev": OTHER}, None),  # no test set
        ({"dev": OTHER, "split": {"dev": 0.5, "test": 0.5}}, None),  # both cut from it
        ({"dev": OTHER, "test": OTHER}, None),
        ({"dev": OTHER, "test": THIRD}, "dataset.test"),
        ({"test": THIRD}, "dataset.test"),
        ({"dev": OTHER, "split": {"train": 0.8, "test": 0.2}}, "dataset.dev"),
        ({"dev": OTHER, "test": {"name": "web"}}, "dataset.test"),
    ],
)
def test_dev_and_test_of_different_sources(more, field):
    found = source_hints({"name": "web", **more})
    assert [one.field for one in found] == ([field] if field else [])
    assert all("the dev set is from" in one.message and one.remedy for one in found)
