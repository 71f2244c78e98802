"""Several objectives: hypervolumes against a brute-force twin and Optuna's, fronts, and who finds them."""

import numpy as np
import pytest
from optuna._hypervolume import compute_hypervolume

from caviar.search.front_improvement import FrontImprovement
from caviar.search.pareto import hypervolume, hypervolumes, nondominated, reference_of
from caviar.search.problem import SearchError
from caviar.search.simulate import Simulated, simulate
from caviar.search.spec import SearchSpec
from caviar.search.surrogate import Kernel, Surrogate


@pytest.mark.parametrize("objectives", [1, 2, 3, 4])
def test_hypervolume_is_that_of_others(objectives: int) -> None:
    rng = np.random.default_rng(objectives)
    reference = np.ones(objectives)
    for count in (1, 2, 7, 20):
        points = rng.random((count, objectives)) * 1.2  # some lie beyond the reference
        found = hypervolume(points, reference)
        inside = points[(points <= 1.0).all(axis=1)]
        if objectives > 1 and len(inside):
            assert found == pytest.approx(compute_hypervolume(inside, reference), rel=1e-9, abs=1e-12)
        drawn = rng.random((200_000, objectives))
        covered = np.zeros(len(drawn), dtype=bool)
        for point in points:
            covered |= (point <= drawn).all(axis=1)
        assert found == pytest.approx(covered.mean(), abs=0.006)


def test_hypervolumes_over_trials_are_those_of_their_beginnings() -> None:
    rng = np.random.default_rng(5)
    points = rng.random((30, 3))
    points[[3, 9]] = [np.nan, 0.1, 0.2], [np.inf, 0.1, 0.1]
    points[12] = points[11]
    whole = hypervolumes(points, np.ones(3))
    assert np.allclose(whole, [hypervolume(points[: end + 1], np.ones(3)) for end in range(30)])


def test_the_front_is_what_no_other_dominates() -> None:
    rng = np.random.default_rng(1)
    points = rng.integers(0, 6, (60, 2)).astype(float)
    points[4] = [np.nan, 0.0]
    whole = [row for row in points if np.isfinite(row).all()]
    for point, kept in zip(points, nondominated(points), strict=True):
        beaten = any((row <= point).all() and (row < point).any() for row in whole)
        assert kept == (np.isfinite(point).all() and not beaten)


def test_a_reference_is_as_given_or_beyond_what_was_seen() -> None:
    points = np.array([[0.0, 4.0], [2.0, 1.0], [9.0, 9.0]])
    assert reference_of(points, np.array([np.nan, 7.0]), 1).tolist() == [2.2, 7.0]
    assert reference_of(points, np.array([np.nan, np.nan]), 3).tolist() == [9.0, 9.0]


class _Known:
    """A model that expects what it is told."""

    def __init__(self, mean: np.ndarray, deviation: np.ndarray) -> None:
        self.mean, self.deviation = mean, deviation

    def predict(self, columns: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        rows = columns[:, 0].astype(int)
        return self.mean[rows], self.deviation[rows]


@pytest.mark.parametrize("objectives", [2, 3])
def test_expected_improvement_is_what_draws_give(objectives: int) -> None:
    rng = np.random.default_rng(3)
    mean, deviation = rng.random((14, objectives)), np.full((14, objectives), 0.2)
    deviation[:8] = 1e-6  # known ones
    models = [_Known(*columns) for columns in zip(mean.T, deviation.T, strict=True)]
    reference = np.full(objectives, 1.2)
    rows = np.arange(14, dtype=float)[:, None]
    improvement = FrontImprovement(models, rows[:8], reference, None, rng)  # type: ignore[arg-type]
    scores = np.exp(improvement.at(rows[8:], rows[8:]))
    before = hypervolume(mean[:8], reference)
    expected = [
        np.mean(
            [
                hypervolume(np.vstack([mean[:8], rng.normal(mean[row], deviation[row])]), reference) - before
                for _ in range(400)
            ]
        )
        for row in range(8, 14)
    ]
    if objectives == 2:  # exact
        assert np.allclose(scores, expected, rtol=0.3, atol=4e-3)
    else:  # up to a factor, and roughly
        assert np.corrcoef(scores, expected)[0, 1] > 0.95


@pytest.mark.parametrize("objectives", [2, 3])
def test_several_points_are_chosen_as_if_each_were_tried(objectives: int) -> None:
    rng = np.random.default_rng(5)
    known, units = rng.random((12, 2)), rng.random((60, 2))
    values = np.column_stack([((known - rng.random(2)) ** 2).sum(axis=1) for _ in range(objectives)])
    kernel, axes, reference = Kernel((0.5, 0.5), 1e-3), np.arange(2), np.full(objectives, 1.5)

    def improvement(tried: np.ndarray) -> FrontImprovement:
        models = [Surrogate(kernel, axes, known, column, tried) for column in values.T]
        told = np.vstack([known, tried])
        return FrontImprovement(models, told, reference, None, np.random.default_rng(1))

    expected: list[int] = []
    for _ in range(4):
        scores = improvement(units[expected]).at(units, units)
        scores[expected] = -np.inf
        expected.append(int(np.argmax(scores)))
    assert improvement(units[:0]).choose(units, units, 4).tolist() == expected
    assert len(set(expected)) == 4


def zdt1(unit: np.ndarray) -> tuple[float, float]:
    g = 1 + 9 * float(unit[1:].mean())
    return float(unit[0]), g * (1 - float(np.sqrt(unit[0] / g)))


def searched(
    strategy: object, seed: int = 0, trials: int = 40, workers: int = 1, **fields: object
) -> Simulated:
    spec = SearchSpec.parse(
        {
            "space": {f"x{axis}": {"low": 0, "high": 1} for axis in range(4)},
            "objective": [{"metric": "a"}, {"metric": "b"}],
            "budget": {"trials": trials},
            "strategy": strategy,
            "seed": seed,
            "lag": 3,
            **fields,
        }
    )
    return simulate(
        spec,
        lambda _number, proposal: [zdt1(proposal.unit)[0]],
        workers,
        lambda number, _length: 1.0 + number % 3,
        lambda _number, proposal: {"b": zdt1(proposal.unit)[1]},
    )


def reached(found: Simulated) -> float:
    return hypervolume(found.objectives, np.array([1.1, 1.1]))


def test_coarse_to_fine_widens_the_front() -> None:
    found = searched("coarse_to_fine")
    assert reached(found) > 0.75  # of 0.877
    assert reached(found) > reached(searched("sobol")) + 0.3


@pytest.mark.parametrize("strategy", ["tpe", {"name": "nsga2", "population": 8}])
def test_optunas_samplers_take_several_too(strategy: object) -> None:
    wide = np.array([1.1, 8.0])
    found = [hypervolume(searched(strategy, seed, 60).objectives, wide) for seed in (0, 1)]
    blind = [hypervolume(searched("random", seed, 60).objectives, wide) for seed in (0, 1)]
    assert np.mean(found) > np.mean(blind)


@pytest.mark.parametrize("strategy", ["coarse_to_fine", {"name": "nsga2", "population": 8}])
def test_trials_are_the_same_for_any_number_of_workers(strategy: object) -> None:
    points = [[one.point for one in searched(strategy, 1, 24, workers).proposals] for workers in (1, 2, 8)]
    assert points[0] == points[1] == points[2]


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"objective": []}, "objective: is empty"),
        ({"objective": [{"metric": str(k)} for k in range(5)]}, "objective: has 5 entries"),
        ({"objective": [{"metric": "a"}, {"metric": "a"}]}, "objective.1.metric: 'a' is listed already"),
        ({"objective": [{"metric": "a"}, {"metrik": "b"}]}, "objective.1.metrik: 'metrik' is not known"),
        ({"objective": [{"metric": "a"}, {"metric": "b", "value": "best"}]}, "objective.1.value: only works"),
        ({"strategy": "cmaes"}, "strategy.name: cmaes takes only one objective"),
        ({"reevaluate": {"leaders": 2}}, "reevaluate: works with one objective only"),
    ],
)
def test_what_does_not_go_is_refused(fields: dict[str, object], said: str) -> None:
    with pytest.raises(SearchError) as error:
        searched(
            fields.get("strategy", "random"), trials=1, **{k: v for k, v in fields.items() if k != "strategy"}
        )
    assert str(error.value).startswith(said)
