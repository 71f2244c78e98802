"""A record compared with an earlier one of the same search: what was recorded once must not change.

What people may do to a search later is no change of what was recorded: edits, exclusions, new trials and
commands, files that were not kept.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from caviar.proof import record as recorded
from caviar.proof.chain import equal
from caviar.proof.findings import Finding, compared, differs
from caviar.proof.record import Recorded, Row

THEN = "the earlier report"
OF_SEARCH = ("id", "created", "seed", "lag")
OF_PROPOSAL = (
    "params", "seed", "origin", "round", "parent", "why", "stop", "continues", "change_log", "created",
    "unseen",
)  # fmt: skip
OF_EXCLUSION = ("value", "withheld", "excluded", "excluded_by", "excluded_at")
OF_DISCOUNT = ("state", "value", "withheld", "reason")


def check_against(earlier: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[Finding]:
    """Compare what an earlier report recorded with a record of now."""
    old, new = Recorded(earlier), Recorded(now)
    yield from compared("search", new.search, {name: old.search[name] for name in OF_SEARCH}, THEN)
    for place, edit in enumerate(old.edits):
        there = new.edits[place] if place < len(new.edits) else {}
        yield from compared("search", {f"edits.{place}": there}, {f"edits.{place}": edit}, THEN)
    if len(new.edits) >= len(old.edits):
        yield from _specs(old, new)
    yield from compared("data", {"dataset": new.dataset}, {"dataset": old.dataset}, THEN)
    for number, row in enumerate(old.trials):
        if number >= len(new.trials):
            yield differs(f"trial {old.name(number)}", "", "nothing", "a trial", THEN)
        else:
            yield from _trial(old, new, number, row)


def _specs(old: Recorded, new: Recorded) -> Iterator[Finding]:
    edited = {name for edit in new.edits[len(old.edits) :] for name in edit["before"]}
    before = dict(new.search["spec"])
    for edit in reversed(new.edits[len(old.edits) :]):
        before |= {name: value for name, value in edit["before"].items() if value is not None}
    told, there = old.search["spec"], before
    names = [name for name in told if name not in edited or told[name] is not None]
    yield from compared("search", {"spec": {n: there.get(n) for n in names}}, {"spec": told}, THEN)


def _trial(old: Recorded, new: Recorded, number: int, row: Row) -> Iterator[Finding]:
    where, now = f"trial {old.name(number)}", new.trials[number]
    if not recorded.ended(row):
        yield from compared(where, now, {name: row[name] for name in OF_PROPOSAL}, THEN)
        return
    later = new.edits[len(old.edits) :]
    allowed = {"commands", "curves", "files"}
    if any(f"trial {number}" in edit["after"] for edit in later):
        allowed |= set(OF_EXCLUSION)
    if any("space" in edit["after"] for edit in later):
        allowed.add("unit")
    if new.search["over"] != old.search["over"]:
        allowed |= set(OF_DISCOUNT)
    yield from compared(where, now, {name: row[name] for name in row if name not in allowed}, THEN)
    for key, command in row["commands"].items():
        if command["state"] != "waiting":
            found = now["commands"].get(key, {})
            yield from compared(where, {f"commands.{key}": found}, {f"commands.{key}": command}, THEN)
    for key in now["files"].keys() - row["files"].keys():  # one that has ended gets no more of them
        yield differs(where, f"files.{key}", now["files"][key], "no such file", THEN)
    for key, file in row["files"].items():
        if key in now["files"]:
            yield from compared(where, {f"files.{key}": now["files"][key]}, {f"files.{key}": file}, THEN)
    yield from _curves(where, row, now)


def _curves(where: str, row: Row, now: Row) -> Iterator[Finding]:
    for branch in sorted({*row["curves"], *now["curves"]}):
        one, other = row["curves"].get(branch, {}), now["curves"].get(branch, {})
        for name in sorted({*one, *other}):
            if equal(one.get(name), other.get(name)):
                continue
            if len(one.get(name, ())) != len(other.get(name, ())):
                yield differs(where, f"curves.{branch}.{name}", other.get(name), one.get(name), THEN)
                continue
            for epoch, was, is_now in zip(one["epoch"], one[name], other[name], strict=True):
                if not equal(was, is_now):
                    yield differs(where, f"curves.{branch}.{name}, epoch {epoch}", is_now, was, THEN)
