"""Rows of what people say of rows of data sets: a tag each, one of them with the right label."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from sqlalchemy import delete, insert, select, update

from caviar.service.store.snapshot import Snapshot
from caviar.service.store.tables import row_tags
from caviar.service.store.transaction import Transaction

c = row_tags.c


class StoredTag(NamedTuple):
    """A row of `row_tags`; `label` is the right one where the tag says that it is wrong."""

    row: int
    tag: str
    label: str | None
    who: str
    created: float


_ALL = select(*(c[name] for name in StoredTag._fields)).order_by(c.row, c.id)


def of_data(snapshot: Snapshot, data: str) -> list[StoredTag]:
    """Return all tags of a data set, by row, oldest first."""
    return list(map(StoredTag._make, snapshot.execute(_ALL.where(c.data == data))))


def of_row(snapshot: Snapshot, data: str, row: int) -> list[StoredTag]:
    """Return the tags of one row, oldest first."""
    return list(map(StoredTag._make, snapshot.execute(_ALL.where(c.data == data, c.row == row))))


def replace(tx: Transaction, data: str, row: int, tags: Mapping[str, str | None], who: str) -> None:
    """Make these the tags of a row, each with its label; those that stay keep who set them, and when."""
    old = {tag.tag: tag.label for tag in of_row(tx, data, row)}
    here = (c.data == data, c.row == row)
    tx.execute(delete(row_tags).where(*here, c.tag.not_in(list(tags))))
    by = {"who": who, "created": tx.now}
    for tag, label in tags.items():
        if tag not in old:
            tx.execute(insert(row_tags).values(data=data, row=row, tag=tag, label=label, **by))
        elif old[tag] != label:
            tx.execute(update(row_tags).where(*here, c.tag == tag).values(label=label, **by))


def copy(tx: Transaction, data: str, new: str, but: str) -> None:
    """Say the same of the rows of another data set, one tag excepted; what is said there already stays."""
    said = {(tag.row, tag.tag) for tag in of_data(tx, new)}
    fresh = [tag for tag in of_data(tx, data) if tag.tag != but and (tag.row, tag.tag) not in said]
    if fresh:
        tx.execute(insert(row_tags), [{"data": new, **tag._asdict()} for tag in fresh])


def remove(tx: Transaction, data: str) -> None:
    """Forget what was said of a data set that is deleted."""
    tx.execute(delete(row_tags).where(c.data == data))
