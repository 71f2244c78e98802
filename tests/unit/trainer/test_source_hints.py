"""Dev and test sets of different sources get a hint, and those that a model may have learned from."""

import pytest

from caviar.trainer.data.source_hints import seen_hints, source_hints

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


@pytest.mark.parametrize(
    ("dataset", "earlier", "fields"),
    [
        ({"name": "web"}, {"name": "web", "ignore": ["id"]}, []),  # the same rows are held out
        ({"name": "web", "seed": 0}, {"name": "web"}, []),
        ({"name": "web", "seed": 1}, {"name": "web"}, ["dataset.split", "dataset.split"]),
        ({"name": "web", "split": {"train": 0.5, "dev": 0.5}}, {"name": "web"}, ["dataset.split"]),
        ({"name": "web", "folds": 5}, {"name": "web", "folds": 5}, ["dataset.split"]),
        ({"name": "phones", "seed": 1}, {"name": "web"}, []),
        ({"name": "phones", "dev": {"name": "web"}}, {"name": "web"}, ["dataset.dev"]),
        ({"name": "phones"}, {"name": "web", "more_training_data": [OTHER]}, ["dataset.split"] * 2),
        ({"name": "web", "dev": OTHER}, {"name": "web", "dev": OTHER}, []),
        (
            {"name": "web", "dev": OTHER, "split": {"dev": 0.5, "test": 0.5}},
            OTHER,
            ["dataset.dev", "dataset.split"],
        ),
    ],
)
def test_rows_that_a_model_may_have_learned_from(dataset, earlier, fields):
    found = seen_hints(dataset, earlier, "3.17")
    assert [one.field for one in found] == fields
    assert all("trial 3.17 learned from rows of" in one.message and one.remedy for one in found)
