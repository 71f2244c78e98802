"""The table of a trial's fields agrees with the shapes that follow from it."""

from typing import get_type_hints

import pytest
from sqlalchemy import Double, Integer, LargeBinary, String

from caviar import trial_fields
from caviar.service.api import records
from caviar.service.store.tables import trials
from caviar.trial_fields import FIELDS, StoredTrial, Use

STORED = StoredTrial(
    search_id=3,
    number=17,
    state="completed",
    value=0.5,
    epoch=4,
    epochs=30,
    seed=9,
    attempt=2,
    origin="random",
    round=None,
    parent=None,
    params='{"l2":0.1}',
    metrics=None,
    changed='{"epochs":4}',
    reason=None,
    created=0.25,
    started=None,
    ended=86400.0,
    agent="a-1",
    why="as drawn",
    branch=1,
    unit=b"",
    stop=None,
    continues=None,
    change_log=None,
    unseen=None,
    trained=None,
    withheld=None,
    broken=None,
    excluded=None,
    excluded_by=None,
    excluded_at=None,
    revision=12,
)


def test_every_shown_path_is_a_field_of_the_clients_trial():
    shown = {one.path.partition(".")[0] for one in FIELDS if one.path}
    assert shown | {"id", "from_epoch"} == set(get_type_hints(trial_fields.Trial))
    inside = {one.path.removeprefix("origin.") for one in FIELDS if one.path.startswith("origin.")}
    assert inside == set(get_type_hints(trial_fields.Origin))


@pytest.mark.parametrize("one", FIELDS, ids=lambda one: one.column)
def test_what_is_compared_in_memory_or_plotted_is_a_value_or_a_document(one):
    assert one.form != "document" or one.members or not one.use & Use.FIND


def test_columns_have_the_types_of_the_table():
    kinds = {int: Integer, float: Double, str: String, bytes: LargeBinary}
    for one in FIELDS:
        column = trials.c[one.column]
        assert isinstance(column.type, kinds[one.type])
        assert (column.nullable, column.primary_key) == (one.null, one.key)
    assert trials.c.state.type.length == 9
    assert trials.c.search_id.foreign_keys


def test_a_row_is_shown_as_the_models_say():
    shown = records.trial(STORED)
    assert list(shown) == list(records.Trial.model_fields)
    assert shown["id"] == "3.17"
    assert shown["origin"] == {"kind": "random", "round": None, "parent": None, "why": "as drawn"}
    assert (shown["created"], shown["started"], shown["ended"]) == (
        "1970-01-01T00:00:00.250Z",
        None,
        "1970-01-02T00:00:00.000Z",
    )
    assert (shown["epochs"], shown["changed"], shown["metrics"]) == (4, {"epochs": 4}, {})
    assert "unit" not in shown
    assert "revision" not in shown
