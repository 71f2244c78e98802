"""Checkpoints of a babysat trial are thinned evenly and within their bounds."""

import itertools
import random

import pytest

from caviar.service.store.rows import StoredCheckpoint
from caviar.service.usecases.checkpoint_spacing import MOST, NEWEST, superfluous


def kept(number: int, step: int, size: int = 10, kind: str = "schedule", branch: int = 0) -> StoredCheckpoint:
    place = {"epoch": step, "step": step, "position": 0, "branch": branch}
    file = {"name": f"{number}", "digest": "", "size": size, "created": 0.0, "revision": number}
    return StoredCheckpoint(id=number, search_id=1, number=0, attempt=1, kind=kind, **place, **file)


def grown(count: int, budget: int, size: int = 10) -> list[StoredCheckpoint]:
    """The checkpoints that are left when they came one after the other, a step apart."""
    there: list[StoredCheckpoint] = []
    for number in range(1, count + 1):
        there.append(kept(number, number, size))
        gone = set(superfluous(there, budget))
        there = [one for one in there if one not in gone]
        assert sum(one.size for one in there) <= budget
    return there


def test_within_the_bounds_all_stay() -> None:
    assert superfluous([kept(number, number) for number in range(1, 101)], 1000) == []


@pytest.mark.parametrize("count", [101, 500, 5000])
def test_what_stays_is_spread_evenly_over_the_whole_way(count: int) -> None:
    steps = [one.step for one in grown(count, 1000)]
    gaps = [after - before for before, after in itertools.pairwise([0, *steps])]
    assert max(gaps) <= 4 * count / 100  # 100 fit into the budget, each gap at most four times an even one
    assert steps[-NEWEST:] == list(range(count - NEWEST + 1, count + 1))


def test_there_are_never_too_many() -> None:
    assert len(superfluous([kept(number, number, 1) for number in range(1, MOST + 2)], 10**9)) > 0


def test_what_a_person_asked_for_stays_and_takes_room() -> None:
    asked = [kept(number, number, 10, "command") for number in range(1, 51)]
    rest = [kept(number, number, 10) for number in range(51, 151)]
    gone = superfluous([*asked, *rest], 1000)
    assert not set(gone) & set(asked)
    assert len(gone) == 60  # to nine tenths of the budget


def test_more_than_the_budget_allows_is_kept_only_by_a_person() -> None:
    asked = [kept(number, number, 10, "command") for number in range(1, 201)]
    assert superfluous(asked, 1000) == []


def test_branches_that_were_left_are_thinned_too() -> None:
    draw = random.Random(3)
    there = [kept(number, draw.randrange(1, 10_000), 10, branch=number // 10) for number in range(1, 400)]
    gone = superfluous(there, 1000)
    assert sum(one.size for one in there) - sum(one.size for one in gone) <= 1000
    assert not {one.id for one in gone} & {397, 398, 399}
