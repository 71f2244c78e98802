"""Properties of every space, every scale and every strategy, whatever the history."""

import json
import math

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from caviar.search.history import STATES, History
from caviar.search.optuna_bridge import importance
from caviar.search.problem import SearchError
from caviar.search.remaining import remaining
from caviar.search.space import Space
from caviar.search.spec import SearchSpec
from caviar.search.strategies import propose

unit = st.floats(0, 1)
STRATEGIES = ["random", "sobol", "grid", "tpe", "cmaes", "coarse_to_fine"]
slow = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])


@st.composite
def ranges(draw):
    scale = draw(st.sampled_from(["linear", "log", "one_minus_log"]))
    definition = {"scale": scale}
    if scale == "one_minus_log":
        low = draw(st.floats(0, 0.9))
        definition |= {"low": low, "high": draw(st.floats(low + 0.01, 0.99999))}
    elif draw(st.booleans()):
        low = draw(st.integers(1 if scale == "log" else -50, 60))
        definition |= {"type": "int", "low": low, "high": low + draw(st.integers(1, 300))}
        if draw(st.booleans()):
            definition["step"] = draw(st.integers(1, definition["high"] - low))
    else:
        low = draw(st.floats(1e-9, 1e6) if scale == "log" else st.floats(-1e6, 1e6))
        high = low + draw(st.floats(1e-3, 1e6))
        definition |= {"low": low, "high": high}
        if draw(st.booleans()):
            definition["step"] = (high - low) / draw(st.integers(1, 20))
    if draw(st.integers(0, 3)) == 0:
        definition["zero"] = draw(st.floats(0.05, 0.9))
    return definition


choices = st.lists(
    st.one_of(
        st.text(max_size=4),
        st.integers(-3, 3),
        st.booleans(),
        st.none(),
        st.lists(st.integers(1, 9), max_size=2),
    ),
    min_size=1,
    max_size=5,
    unique_by=repr,
).map(lambda values: {"choices": values})
definitions = st.one_of(ranges(), ranges(), choices, st.integers(0, 9).map(lambda value: {"value": value}))


@st.composite
def spaces(draw, most=6):
    space = {f"p{k}": draw(definitions) for k in range(draw(st.integers(1, most)))}
    if draw(st.booleans()):
        space["kind"] = {"choices": ["a", "b", "c"], "ordered": draw(st.booleans())}
        for name in draw(
            st.lists(st.sampled_from([name for name in space if name != "kind"]), max_size=3, unique=True)
        ):
            space[name]["when"] = {"kind": draw(st.sampled_from(["a", ["b", "c"]]))}
        space["inner"] = {"low": 0, "high": 1, "when": {"kind": "b", "first": {"low": 0.5}}}
        space["first"] = {"low": 0, "high": 1, "when": {"kind": ["a", "b"]}}
    if draw(st.booleans()):
        space["layers"] = {"type": "int", "low": draw(st.integers(0, 2)), "high": 3}
        space["units"] = draw(ranges()) | {"each": "layers"}
    return space


def build(space):
    try:
        return Space.model_validate(space)
    except ValueError:  # choices such as 1 and 1.0 that JSON does not tell apart
        assume(False)


@given(spaces(), st.data())
@settings(slow, max_examples=150)
def test_points_and_coordinates_are_inverse(definition, data):
    space = build(definition)
    row = np.array(data.draw(st.lists(unit, min_size=space.dimensions, max_size=space.dimensions)))
    point = space.from_unit(row)
    assert space.check(point) == []
    assert space.canonical(point) == point
    units = space.to_unit(point)
    assert ((units >= 0) & (units <= 1)).all()
    assert space.key(space.from_unit(units)) == space.key(point)
    assert space.check(space.from_unit(units)) == []
    assert np.array_equal(space.active_at(row[None])[0], space.active(point))
    assert (units[~space.active(point)] == 0.5).all()
    assert json.loads(json.dumps(point)) == point


@given(ranges())
@settings(slow, max_examples=300)
def test_ends_are_exact_and_values_never_fall(definition):
    axis = build({"x": definition}).axes[0]
    grid = np.linspace(0, 1, 201)
    values = [axis.from_unit(float(place)) for place in grid]
    rest = [value for place, value in zip(grid, values, strict=True) if place >= axis.zero]
    assert rest == sorted(rest)
    assert min(rest) >= definition["low"] and max(rest) <= definition["high"]
    assert rest[0] == definition["low"] or axis.zero
    if axis.levels is None:
        assert values[-1] == definition["high"]
        assert axis.to_unit(definition["high"]) == 1.0
        assert axis.from_unit(axis.to_unit(definition["low"])) == pytest.approx(
            definition["low"], rel=1e-12, abs=1e-12
        )
    else:
        step = definition.get("step", 1)
        assert definition["high"] - values[-1] < step * (1 + 1e-6)
        assert len(set(rest)) <= axis.levels
        assert all(axis.from_unit(axis.to_unit(value)) == value for value in values)
    units = [axis.to_unit(value) for value in rest if not (axis.zero and value == 0)]
    assert units == sorted(units)
    assert all(not axis.zero or axis.from_unit(axis.zero * share) == 0 for share in (0, 0.5, 0.99))


@given(ranges(), unit)
@settings(slow, max_examples=300)
def test_a_continuum_comes_back_to_its_coordinate(definition, place):
    axis = build({"x": definition}).axes[0]
    assume(axis.levels is None and place >= axis.zero)
    value = axis.from_unit(place)
    assume(value != 0)
    low, high = definition["low"], definition["high"]
    # A coordinate can be no finer than the values: neighbours of a narrow range far from 0 are far apart.
    if definition["scale"] == "linear":
        grain = max(abs(low), abs(high)) / (high - low)
    elif definition["scale"] == "log":
        grain = 1 / math.log(high / low)
    else:
        grain = 1 / ((1 - high) * math.log((1 - low) / (1 - high)))
    assert axis.to_unit(value) == pytest.approx(place, abs=1e-14 + 1e-15 * grain * 8)


def search(space, strategy, **rest):
    return SearchSpec.parse(
        {"space": space, "strategy": strategy, "budget": {"trials": 50}, "seed": 5, **rest}
    )


@given(spaces(), st.sampled_from(STRATEGIES), st.sampled_from(["none", "median", "hyperband"]))
@settings(slow, max_examples=100)
def test_json_round_trip_is_the_identity(space, strategy, stopping):
    build(space)
    spec = search(space, strategy, stopping=stopping)
    assert SearchSpec.parse(json.loads(spec.model_dump_json())) == spec
    assert SearchSpec.parse(json.loads(json.dumps(spec.submitted()))) == spec


number = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False),
    st.integers(-(2**54), 2**54),
    st.sampled_from([0, 1, 0.1, 1 - 2**-53, 2**53, 1e300, -1e300, 1e308, 5e-324, 1e-300]),
)


@st.composite
def extreme_ranges(draw):
    """Any range that can be written, mostly one whose ends are nearly the same or as far apart as can be."""
    scale = draw(st.sampled_from(["linear", "log", "one_minus_log"]))
    ends = {"linear": number, "log": number.map(abs), "one_minus_log": st.floats(0, 1)}[scale]
    low, high = sorted([draw(ends), draw(ends)])
    if draw(st.booleans()):
        high = low + draw(st.integers(1, 5)) * math.ulp(float(low))
    definition = {"scale": scale, "type": draw(st.sampled_from(["float", "int"])), "low": low, "high": high}
    if draw(st.booleans()):
        width = high - low
        definition["step"] = draw(st.sampled_from([1, width, width / 3, width / 1e10, 1e-10]))
    if draw(st.integers(0, 3)) == 0:
        definition["zero"] = draw(st.one_of(st.floats(0, 1), st.sampled_from([5e-324, 1e-9, 1 - 2**-53])))
    return definition


@given(extreme_ranges(), st.integers(0, 99))
@settings(slow, max_examples=100)
def test_every_space_that_is_accepted_can_be_proposed_from(definition, seed):
    try:
        space = Space.model_validate({"x": definition})
    except ValueError:
        assume(False)
    seen = history(space, "random", 12, seed)
    for name in STRATEGIES:
        proposal = propose(search({"x": definition}, name), 30, seen)
        assert space.check(proposal.point) == []
        assert proposal.unit == pytest.approx(space.to_unit(proposal.point), abs=1e-9)
        again = space.from_unit(proposal.unit)
        assert space.check(again) == []
        # Of a range that is a few floats wide, a coordinate may be rounded to the float next to the point.
        beside = abs(again["x"] - proposal.point["x"]) <= 2 * math.ulp(proposal.point["x"])
        assert beside or space.to_unit(again) == pytest.approx(proposal.unit, abs=1e-9)
        if space.axes[0].levels is not None and space.axes[0].levels <= 10**9:
            assert again == proposal.point


NASTY = st.sampled_from(["random", "equal", "nan", "inf", "mixed", "one", "none", "huge", "minus_inf"])


def history(space, kind, count, seed):
    random = np.random.default_rng(seed)
    count = {"one": 1, "none": 0}.get(kind, count)
    units = np.array(
        [space.to_unit(space.from_unit(row)) for row in random.random((count + 3, space.dimensions))]
    )
    units = units.reshape(count + 3, space.dimensions)
    values = {
        "equal": np.full(count, 0.3),
        "nan": np.full(count, np.nan),
        "inf": np.full(count, np.inf),
        "mixed": random.choice([np.nan, np.inf, 0.1, 0.1, 0.7, -3.0], count),
        "huge": random.choice([-1.7e308, 1.7e308, 0.0], count),
        "minus_inf": random.choice([-np.inf, 0.5], count),
    }.get(kind, random.random(count))
    states = random.choice(STATES, count) if count else np.empty(0, dtype=np.str_)
    return History.of(
        range(count), units[:count], values, states, random.integers(0, 30, count), units[count:]
    )


@pytest.mark.parametrize("strategy", STRATEGIES)
@given(space=spaces(4), kind=NASTY, count=st.integers(2, 60), seed=st.integers(0, 99), far=st.booleans())
@settings(slow, max_examples=25)
def test_every_proposal_lies_in_its_space(strategy, space, kind, count, seed, far):
    shape = build(space)
    seen = history(shape, kind, count, seed)
    spec = search(
        space, strategy, reevaluate={"leaders": 2}, budget={"trials": 10**6 if far else len(seen) + 5}
    )
    for number in (len(seen) + 3, 999_999 if far else len(seen) + 5):
        proposal = propose(spec, number, seen)
        assert shape.check(proposal.point) == []
        assert proposal.unit == pytest.approx(shape.to_unit(proposal.point), abs=1e-9)
        again = propose(spec, number, seen)
        assert again.point == proposal.point and again.why == proposal.why


@pytest.mark.torch
@pytest.mark.parametrize("kind", ["random", "equal", "inf", "mixed", "huge", "one"])
def test_the_gaussian_process_lies_in_its_space_too(kind):
    space = {
        "x": {"low": 0, "high": 1},
        "n": {"type": "int", "low": 1, "high": 9},
        "k": {"choices": ["a", "b"]},
    }
    space["y"] = {"low": 0, "high": 1, "when": {"k": "a"}}
    spec = search(space, {"name": "gp", "startup": 2})
    proposal = propose(spec, 20, history(spec.space, kind, 15, 0))
    assert spec.space.check(proposal.point) == []


@given(spaces(4), NASTY, st.integers(2, 60), st.integers(0, 99))
@settings(slow, max_examples=40)
def test_importance_is_a_set_of_shares(space, kind, count, seed):
    shape = build(space)
    shares = importance(shape, history(shape, kind, count, seed))
    assert list(shares) == [name for name in shape.names if "value" not in space[name]]
    assert all(0 <= share <= 1 for share in shares.values())
    assert sum(shares.values()) == pytest.approx(1) or not any(shares.values())


@given(NASTY, st.integers(2, 200), st.integers(0, 10_000))
@settings(slow, max_examples=60)
def test_what_remains_is_finite(kind, count, left):
    found = remaining(history(Space.model_validate({"x": {"low": 0, "high": 1}}), kind, count, 1), left)
    assert 0 <= found.probability <= 1 and 0 <= found.share <= 1
    assert found.improvement >= 0 and not math.isnan(found.improvement)


json_values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
fields = st.sampled_from(
    [
        "space",
        "strategy",
        "stopping",
        "objective",
        "budget",
        "seed",
        "lag",
        "enqueued",
        "reevaluate",
        "settings",
        "name",
    ]
)
words = st.sampled_from(
    ["low", "high", "scale", "choices", "when", "each", "zero", "step", "value", "type", "name", "x"]
)


@given(
    st.dictionaries(fields, json_values, max_size=4),
    st.dictionaries(words, st.dictionaries(words, json_values, max_size=4), max_size=3),
)
@settings(slow, max_examples=300)
def test_any_json_is_accepted_or_answered_with_problems(data, space):
    whole = {"space": space or {"x": {"low": 0, "high": 1}}, "budget": {"trials": 5}, **data}
    try:
        SearchSpec.parse(whole)
    except SearchError as error:
        assert error.problems and all(problem.message for problem in error.problems)
