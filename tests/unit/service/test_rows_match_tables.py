"""The rows that the store gives have the columns of their tables: names, order, types, NULLs."""

from __future__ import annotations

import types
from typing import Any, get_args, get_type_hints

import pytest
from sqlalchemy import Table

from caviar.service.store import rows, tables
from caviar.service.store.attempts import EndedAttempt
from caviar.trial_fields import StoredTrial

WHOLE = [
    (rows.StoredSearch, tables.searches),
    (StoredTrial, tables.trials),
    (rows.StoredCommand, tables.commands),
    (rows.StoredCheckpoint, tables.checkpoints),
    (EndedAttempt, tables.attempts),
]
SELECTED = [
    (rows.HeldTrial, tables.trials, ("version",)),
    (rows.LostTrial, tables.trials, ("step", "blamed", "sudden")),
    (rows.TrialNews, tables.trials, ()),
]


def _kinds(hint: Any) -> tuple[Any, ...]:
    return get_args(hint) if isinstance(hint, types.UnionType) else (hint,)


def _agree(row: Any, table: Table, name: str) -> bool:
    kinds, column = _kinds(get_type_hints(row)[name]), table.c[name]
    return (column.type.python_type is kinds[0]) and (column.nullable or type(None) not in kinds)


@pytest.mark.parametrize(("row", "table"), WHOLE)
def test_a_whole_row_is_its_table(row: Any, table: Table) -> None:
    assert row._fields == tuple(table.c.keys())
    for name in row._fields:
        assert _agree(row, table, name), name
        assert table.c[name].nullable == (type(None) in _kinds(get_type_hints(row)[name])), name


@pytest.mark.parametrize(("row", "table", "others"), SELECTED)
def test_a_part_of_a_row_has_columns_of_its_table(row: Any, table: Table, others: tuple[str, ...]) -> None:
    assert row._fields[len(row._fields) - len(others) :] == others
    for name in set(row._fields) - set(others):
        assert _agree(row, table, name), name
