"""What people find searches by: project, tags, owner, and the words of all of these with name and data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, delete, func, insert, select

from caviar.service.store.snapshot import Snapshot
from caviar.service.store.tables import search_tags, searches
from caviar.service.store.transaction import Transaction

s, g = searches.c, search_tags.c
Counted = list[tuple[str, int]]  # names, each with how many searches have it


class Labels(NamedTuple):
    """The projects, tags and owners of the searches that are not archived, by name."""

    projects: Counted
    tags: Counted
    owners: Counted


def words_of(spec: Mapping[str, Any], owner: str | None) -> str:
    """Return what a search by text looks through, a line for each name; a migration once wrote it too."""
    dataset = spec.get("dataset") or {}
    names = (spec["name"], spec.get("project"), *spec.get("tags", ()), owner, dataset.get("name"))
    return "\n".join(str(one) for one in names if one).casefold()


def has_words(text: str) -> list[ColumnElement[bool]]:
    """Return the conditions that each word of a text is in a name of a search, or is part of one."""
    return [s.words.contains(word, autoescape=True) for word in text.casefold().split()]


def has_tag(tag: str) -> ColumnElement[bool]:
    """Return the condition that a search has a tag."""
    return select(g.tag).where(g.search_id == s.id, g.tag == tag).exists()


def set_tags(tx: Transaction, search: int, tags: Sequence[str]) -> None:
    """Have a search found by these tags and no others."""
    tx.execute(delete(search_tags).where(g.search_id == search))
    if tags:
        tx.execute(insert(search_tags), [{"search_id": search, "tag": tag} for tag in tags])


def labels(snapshot: Snapshot) -> Labels:
    """Return what lists of searches may be filtered by."""
    tagged = select(g.tag, func.count()).join_from(search_tags, searches, g.search_id == s.id)
    return Labels(
        _counted(snapshot, select(s.project, func.count()), s.project),
        _counted(snapshot, tagged, g.tag),
        _counted(snapshot, select(s.owner, func.count()), s.owner),
    )


def _counted(snapshot: Snapshot, query: Select[Any], by: ColumnElement[Any]) -> Counted:
    listed = query.where(s.archived.is_(None), by.is_not(None)).group_by(by).order_by(by)
    return [(str(name), int(count)) for name, count in snapshot.execute(listed)]
