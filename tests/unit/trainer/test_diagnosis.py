"""Bias, variance and mismatch: the course's examples, the recipe, and next searches that can be submitted."""

import numpy as np
import pytest

from caviar.search.spec import SearchSpec
from caviar.trainer.diagnosis import diagnose
from caviar.trainer.settings import make_settings

SEARCH = {
    "name": "digits",
    "dataset": {"name": "digits"},
    "settings": {"epochs": 30, "batch_size": 64},
    "space": {"learning_rate": {"scale": "log", "low": 1e-4, "high": 1}},
    "strategy": {"name": "coarse_to_fine", "rounds": 2, "epochs_per_round": [10, 30]},
    "budget": {"trials": 20},
    "objective": {"metric": "dev_error", "direction": "minimize"},
    "seed": 7,
}
TRIALS = [
    {"learning_rate": 0.01},
    {
        "learning_rate": 0.01,
        "hidden_units": [64, 32],
        "keep_prob": [0.8, 0.9],
        "l2": 0.5,
        "optimizer": "momentum",
    },
    {"hidden_units": 50, "hidden_layers": 0},
    {"hidden_units": [], "keep_prob": []},
    {"hidden_layers": 3, "hidden_units": 5000, "keep_prob": 0.5, "patience": 4, "batch_norm": True},
    {"learning_rate": 999.0, "l2": 5e8, "epochs": 10_000_000},
]


def errors(train, dev, train_dev=None):
    found = {"train_error": train, "dev_error": dev}
    return found if train_dev is None else {**found, "train_dev_error": train_dev}


@pytest.mark.parametrize(
    ("train", "dev", "base", "problems"),
    [
        (0.01, 0.11, 0.0, ("variance",)),
        (0.15, 0.16, 0.0, ("bias",)),
        (0.15, 0.30, 0.0, ("bias", "variance")),
        (0.005, 0.01, 0.0, ()),
        (0.15, 0.16, 0.15, ()),
    ],
)
def test_the_examples_of_the_course(train, dev, base, problems):
    found = diagnose(errors(train, dev), base)
    assert found.problems == problems
    assert found.avoidable_bias == pytest.approx(train - base)
    assert found.variance == pytest.approx(dev - train)
    assert found.mismatch is None


def test_a_train_dev_slice_separates_variance_from_mismatch():
    assert diagnose(errors(0.01, 0.10, 0.09)).problems == ("variance",)
    assert diagnose(errors(0.01, 0.10, 0.015)).problems == ("mismatch",)
    found = diagnose(errors(0.10, 0.20, 0.15), base_error=0.01)
    assert found.problems == ("bias", "variance", "mismatch")
    assert (found.avoidable_bias, found.variance, found.mismatch) == pytest.approx((0.09, 0.05, 0.05))


def test_the_recipe_treats_bias_first():
    names = [step.name for step in diagnose(errors(0.15, 0.30)).steps]
    assert names[:3] == ["bigger_network", "train_longer", "other_optimizer"]
    assert names.index("more_data") > names.index("train_longer")
    assert [step.name for step in diagnose(errors(0.01, 0.11)).steps][:2] == ["more_data", "regularise"]
    assert [step.name for step in diagnose(errors(0.01, 0.1, 0.01)).steps] == [
        "compare_data",
        "matching_data",
    ]
    assert diagnose(errors(0.001, 0.002)).steps[0].name == "zoom"


def test_the_summary_says_it_in_percent():
    assert diagnose(errors(0.01, 0.11)).summary == "High variance: avoidable bias 1 %, variance 10 %."
    assert "base_error" in diagnose(errors(0.15, 0.16)).summary
    assert "base_error" not in diagnose(errors(0.15, 0.16), base_error=0.05).summary


def test_the_threshold_can_be_moved():
    assert diagnose(errors(0.001, 0.006)).problems == ()
    assert diagnose(errors(0.001, 0.006), threshold=0.004).problems == ("variance",)


def test_a_small_dev_set_is_uncertain():
    assert diagnose(errors(0.1, 0.1), dev_examples=100).uncertainty == pytest.approx(0.06)
    assert diagnose(errors(0.1, 0.1), dev_examples=10_000).uncertainty == pytest.approx(0.006)
    assert diagnose(errors(0.0, 0.0), dev_examples=100).uncertainty == pytest.approx(0.02)
    assert diagnose(errors(0.1, 0.1)).uncertainty is None


@pytest.mark.parametrize("value", [None, float("nan"), float("inf")])
def test_a_diverged_trial_cannot_be_diagnosed(value):
    with pytest.raises(ValueError, match="dev_error"):
        diagnose(errors(0.1, value))


@pytest.mark.parametrize("trial", TRIALS, ids=str)
@pytest.mark.parametrize("measured", [(0.15, 0.16), (0.01, 0.11), (0.001, 0.002)], ids=str)
def test_the_next_search_can_be_submitted_and_trained(trial, measured):
    following = diagnose(errors(*measured), search=SEARCH, settings=trial).next_search
    spec = SearchSpec.parse(following)
    rng = np.random.default_rng(0)
    for _ in range(20):
        point = spec.space.from_unit(rng.random(spec.space.dimensions))
        make_settings({**spec.settings, **point})
    assert spec.dataset == SEARCH["dataset"]
    assert spec.seed == 8
    assert spec.budget.trials == 20
    assert spec.strategy.epochs_per_round is None


def test_against_bias_the_network_grows_and_trains_longer():
    following = diagnose(
        errors(0.15, 0.16), search=SEARCH, settings={"hidden_units": 64, "l2": 1.0}
    ).next_search
    assert following["settings"]["epochs"] == 60
    assert following["settings"]["batch_size"] == 64
    assert following["space"]["hidden_units"] == {"scale": "log", "type": "int", "low": 64, "high": 256}
    assert following["space"]["hidden_layers"]["high"] == 3
    assert following["space"]["l2"]["high"] == 1.0


def test_against_variance_it_is_regularised():
    following = diagnose(errors(0.01, 0.11), search=SEARCH, settings={"hidden_units": [64, 32]}).next_search
    assert set(following["space"]) == {"learning_rate", "l2", "keep_prob", "augmentation"}
    assert following["settings"]["hidden_units"] == [64, 32]
    assert following["settings"]["patience"] == 6
    tabular = {**SEARCH, "dataset": {"name": "wine"}}
    following = diagnose(errors(0.01, 0.11), search=tabular).next_search
    assert "augmentation" not in following["space"]
    assert "augment" not in [step.name for step in diagnose(errors(0.01, 0.11), search=tabular).steps]


def test_what_a_step_says_of_the_next_search_is_true():
    steps = {step.name: step.in_search for step in diagnose(errors(0.15, 0.30), search=SEARCH).steps}
    assert steps["bigger_network"]
    assert not steps["regularise"]
    assert not any(step.in_search for step in diagnose(errors(0.15, 0.30)).steps)


FOREIGN = {**SEARCH, "dataset": {"name": "mine", "dev": {"name": "theirs"}, "split": {"test": 0.1}}}


def test_a_dev_set_of_another_source_leaves_variance_or_mismatch_and_offers_the_slice_that_tells():
    found = diagnose(errors(0.01, 0.11), search=FOREIGN, settings={"learning_rate": 0.01})
    assert found.problems == ("variance_or_mismatch",)
    assert found.summary.startswith("High variance or mismatch of the data: avoidable bias 1 %")
    assert (found.steps[0].name, found.steps[0].in_search) == ("train_dev", True)
    assert {"more_data", "compare_data"} < {step.name for step in found.steps}
    assert found.next_search["dataset"] == {**FOREIGN["dataset"], "split": {"test": 0.1, "train_dev": 0.1}}
    SearchSpec.parse(found.next_search)
    assert diagnose(errors(0.01, 0.11, 0.1), search=FOREIGN).problems == ("variance",)
    same = {**SEARCH, "dataset": {"name": "mine", "dev": {"name": "mine"}}}
    assert diagnose(errors(0.01, 0.11), search=same).problems == ("variance",)


def test_the_default_l2_is_lowered_where_it_is_in_force():
    """On the whole batch it is 1; what was announced was missing in the search."""
    for rows, given, searched in [(1258, {}, True), (5000, {}, False), (1258, {"batch_size": 64}, False)]:
        search = {**SEARCH, "settings": {"epochs": 30, **given}}
        found = diagnose(errors(0.15, 0.16), search=search, train_examples=rows)
        assert ("l2" in found.next_search["space"]) is searched
        step = next(step for step in found.steps if step.name == "less_regularisation")
        assert step.in_search is searched
    found = diagnose(errors(0.15, 0.16), search={**SEARCH, "settings": {}}, train_examples=1258)
    assert found.next_search["space"]["l2"]["high"] == 1.0


def test_the_recipe_has_all_that_helps():
    names = {step.name for step in diagnose(errors(0.15, 0.16)).steps}
    assert {"smaller_batches", "other_initialisation", "better_features"} < names


def test_a_regression_without_a_base_error_has_no_share_of_bias():
    found = diagnose(errors(0.5, 0.7), base_error=None, search=SEARCH)
    assert found.avoidable_bias is None
    assert found.problems == ("variance",)
    assert "%" not in found.summary and "set base_error" in found.summary
    low = diagnose(errors(0.5, 0.51), base_error=None)
    assert low.problems == () and low.summary.startswith("No high variance: variance 0.01 standard")


def test_no_search_helps_against_mismatch_nor_for_another_trainer():
    assert diagnose(errors(0.01, 0.1, 0.01), search=SEARCH).next_search is None
    assert diagnose(errors(0.15, 0.16), search={**SEARCH, "trainer": "mine"}).next_search is None


def test_it_is_plain_json():
    import json

    found = diagnose(errors(0.15, 0.30, 0.2), search=SEARCH, settings=TRIALS[1], dev_examples=100)
    assert json.loads(json.dumps(found.as_dict()))["problems"] == ["bias", "variance", "mismatch"]
