"""Results of earlier searches as evidence: trusted for as much as they predict, and never for good."""

from functools import cache

import numpy as np
import pytest

from caviar.search import coarse_to_fine
from caviar.search.encoding import encoding_of
from caviar.search.evidence import LEAST_RESULTS, MOST_RESULTS, frozen, source_of, sources_of
from caviar.search.history import Floats, History
from caviar.search.informed import weights_of
from caviar.search.problem import SearchError
from caviar.search.rounds import stage_of
from caviar.search.settings import Evidence
from caviar.search.simulate import Simulated, simulate
from caviar.search.space import Space
from caviar.search.spec import SearchSpec
from caviar.search.strategies import propose

SPACE = {name: {"low": 0.0, "high": 1.0} for name in "abcde"}
BEST = np.array([0.7, 0.2, 0.4, 0.8, 0.5])
WEIGHTS = np.array([4.0, 3.0, 2.0, 1.0, 0.5])


def bowl(units: Floats, moved: float = 0.0) -> Floats:
    return np.asarray(((units - BEST - moved) ** 2) @ WEIGHTS)


def spec_of(evidence: list[Evidence], seed: int, trials: int = 30, **changes: object) -> SearchSpec:
    told = {"space": SPACE, "budget": {"trials": trials}, "lag": 1, "seed": seed, **changes}
    warm = {"searches": [one.search for one in evidence], "evidence": evidence}
    return SearchSpec.parse({**told, "warm_start": warm} if evidence else told)


def searched(spec: SearchSpec) -> Simulated:
    return simulate(spec, lambda _, proposal: [float(bowl(proposal.unit))])


def evidence_from(values: str, seed: int, number: int = 3) -> Evidence:
    """Results of a search of a bowl moved a little, as they are, in any order, or upside down."""
    rng = np.random.default_rng(seed)
    units = np.vstack([rng.random((24, 5)), np.clip(BEST + 0.15 * rng.standard_normal((24, 5)), 0, 1)])
    told = bowl(units, 0.04)
    told = {"related": told, "unrelated": rng.permutation(told), "misleading": -told}[values]
    points = [dict(zip(SPACE, row, strict=True)) for row in units.tolist()]
    return frozen(number, list(zip(points, told.tolist(), strict=True)), list(SPACE))


@cache
def without(seed: int, trials: int) -> Floats:
    return np.log(np.minimum.accumulate(searched(spec_of([], seed, trials)).values))


def needed(evidence: str, seeds: range, count: int) -> float:
    """Share of trials that a search needs for what the one without has, in the geometric mean of values."""
    trials = count + count // 5
    specs = [spec_of([evidence_from(evidence, seed)], seed, trials) for seed in seeds]
    given = np.mean([np.log(np.minimum.accumulate(searched(one).values)) for one in specs], axis=0)
    reached = np.flatnonzero(given <= np.mean([without(seed, trials)[count - 1] for seed in seeds]))
    return (int(reached[0]) + 1) / count if len(reached) else np.inf


@pytest.mark.parametrize(("kind", "most"), [("related", 0.5), ("misleading", 1.1)])
def test_evidence_helps_or_costs_little(kind: str, most: float) -> None:
    assert needed(kind, range(2), 15) <= most


@pytest.mark.soak
@pytest.mark.parametrize(("kind", "most"), [("related", 0.5), ("unrelated", 1.1), ("misleading", 1.1)])
def test_evidence_helps_or_costs_little_on_many_seeds(kind: str, most: float) -> None:
    assert needed(kind, range(12), 24) <= most


def test_a_source_weighs_what_it_predicts() -> None:
    rng = np.random.default_rng(0)
    told = rng.standard_normal(40)
    noise = rng.standard_normal(40)
    good, bad, none = weights_of(np.column_stack([told + 0.1 * noise, -told, noise]), told)
    assert good > 0.7 and bad == 0 and none < 0.1
    [alone] = weights_of(noise[:, None], told)
    assert alone < 0.03


def test_proposals_follow_from_what_is_kept_alone() -> None:
    spec = spec_of([evidence_from("related", 1), evidence_from("misleading", 2, 7)], 5, 9)
    again = SearchSpec.parse(spec.submitted())
    assert again.warm_start == spec.warm_start
    for one in (again, again.model_copy(deep=True)):
        proposed = [each.point for each in searched(one).proposals]
        assert proposed == [each.point for each in searched(spec).proposals]
    assert proposed != [each.point for each in searched(spec_of([], 5, 9)).proposals]


def test_of_many_results_half_are_the_best_and_half_spread() -> None:
    results = [({"a": place / 200}, float(abs(place - 150))) for place in range(200)]
    found = frozen(4, [*results, ({"a": 0.5}, np.inf), ({"a": 0.6}, np.nan)], ["a", "b"])
    assert len(found.values) == MOST_RESULTS and list(found.params) == ["a"]
    assert None in found.values  # worse than every number
    kept = sorted(one for one in found.values if one is not None)
    assert kept[:32] == sorted(one for _, one in results)[:32] and kept[-1] > 120


def test_what_lies_outside_the_new_space_says_nothing() -> None:
    space = Space.model_validate({"a": {"low": 0.0, "high": 0.5}, "new": {"low": 0.0, "high": 1.0}})
    encoding = encoding_of(space)
    values = [float(place) for place in range(9)]
    outside = Evidence(search=1, params={"a": [0.6 + one / 100 for one in values]}, values=values)
    assert source_of(encoding, outside) is None
    inside = Evidence(search=1, params={"a": [0.05 * one for one in values]}, values=values)
    source = source_of(encoding, inside)
    assert source is not None and source.columns.tolist() == [0]
    low, high = source.expects(np.array([[0.05, 0.9], [0.8, 0.1]]))
    assert low < high
    alike = Evidence(search=1, params={"a": [0.1, 0.2, 0.3, 0.4]}, values=[1.0] * LEAST_RESULTS)
    assert source_of(encoding, alike) is None


def test_without_sources_everything_is_as_before() -> None:
    plain = spec_of([], 3)
    assert sources_of(plain) == ()
    few = Evidence(search=1, params={"a": [0.1]}, values=[1.0])
    nothing = History.empty(5)
    assert propose(spec_of([few], 3), 0, nothing).point == propose(plain, 0, nothing).point


@pytest.mark.parametrize(
    ("warm", "field"),
    [
        ({"search": 1, "searches": [2]}, "warm_start.searches"),
        ({}, "warm_start.searches"),
        ({"searches": [2, 2]}, "warm_start.searches"),
        ({"searches": [1], "evidence": [{"search": 1, "params": {"a": [1]}, "values": []}]}, "warm_start"),
    ],
)
def test_a_wrong_warm_start_is_refused(warm: dict[str, object], field: str) -> None:
    with pytest.raises(SearchError) as caught:
        SearchSpec.parse({"space": SPACE, "budget": {"trials": 3}, "warm_start": warm})
    [problem] = caught.value.problems
    assert problem.field.startswith(field) and problem.remedy


def test_searches_of_one_space_with_other_evidence_choose_each_for_itself() -> None:
    """Where several trials are chosen from one model, the choices are remembered."""
    plain = spec_of([], 1, 400)
    told = plain.model_copy(update={"warm_start": spec_of([evidence_from("related", 1)], 1).warm_start})
    units = np.random.default_rng(0).random((260, 5))
    history = History.of(range(260), units, bowl(units))
    stage = stage_of(plain, 260)
    keys = [coarse_to_fine._choose_several.cache_key(one, stage, 260, 2, 0, history) for one in (plain, told)]
    assert sources_of(told) and keys[0] != keys[1]
