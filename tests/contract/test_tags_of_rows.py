"""Tags of rows: set as a whole, kept with who said them first, copied to a version, gone with their data."""

from __future__ import annotations

from typing import Any

from caviar.service.store import datasets, row_tags
from tests.support.stores import World


def said(world: World, data: str) -> dict[tuple[int, str], tuple[str | None, str]]:
    found = world.read(lambda snapshot: row_tags.of_data(snapshot, data))
    return {(tag.row, tag.tag): (tag.label, tag.who) for tag in found}


def put(world: World, data: str, row: int, who: str, **tags: str | None) -> None:
    world.write(lambda tx: row_tags.replace(tx, data, row, tags, who))


def test_what_is_said_of_a_row_is_replaced_as_a_whole(world: World) -> None:
    put(world, "upload:1", 3, "ann", blurry=None, wrong="8")
    put(world, "upload:1", 4, "ann", blurry=None)
    put(world, "upload:2", 3, "ann", other=None)
    put(world, "upload:1", 3, "bob", blurry=None, wrong="9", cut=None)
    assert said(world, "upload:1") == {
        (3, "blurry"): (None, "ann"),
        (3, "wrong"): ("9", "bob"),
        (3, "cut"): (None, "bob"),
        (4, "blurry"): (None, "ann"),
    }
    put(world, "upload:1", 3, "bob")
    assert said(world, "upload:1") == {(4, "blurry"): (None, "ann")}
    assert said(world, "upload:2") == {(3, "other"): (None, "ann")}


def test_a_version_has_the_tags_of_its_rows_and_they_go_with_it(world: World) -> None:
    meta: dict[str, Any] = {"rows": 9, "columns": 2}
    number = world.write(lambda tx: datasets.add(tx, "v2", "sha256:0", "csv", meta))
    put(world, "builtin:digits", 3, "ann", blurry=None, wrong="8")
    put(world, f"upload:{number}", 3, "bob", blurry=None)
    for _ in range(2):
        world.write(lambda tx: row_tags.copy(tx, "builtin:digits", f"upload:{number}", "wrong"))
        assert said(world, f"upload:{number}") == {(3, "blurry"): (None, "bob")}
    put(world, "builtin:digits", 5, "ann", cut=None)
    world.write(lambda tx: row_tags.copy(tx, "builtin:digits", f"upload:{number}", "wrong"))
    assert said(world, f"upload:{number}")[5, "cut"] == (None, "ann")
    world.write(lambda tx: datasets.remove(tx, number))
    assert said(world, f"upload:{number}") == {}
    assert len(said(world, "builtin:digits")) == 3
