"""The constant model, held against the dummies of scikit-learn."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.metrics import log_loss

from caviar.trainer.baseline import constant_classifier, constant_regressor

LABELS = np.array(["no"] * 70 + ["yes"] * 20 + ["maybe"] * 10)
DEV = np.array(["no"] * 5 + ["yes"] * 9 + ["maybe"] * 6)


def test_the_error_is_that_of_the_commonest_class() -> None:
    dummy = DummyClassifier(strategy="most_frequent").fit(np.zeros((100, 1)), LABELS)
    wanted = 1 - dummy.score(np.zeros((20, 1)), DEV)
    assert constant_classifier("dev_error", Counter(LABELS), Counter(DEV)) == pytest.approx(wanted)
    assert constant_classifier("dev_error", Counter(LABELS)) == pytest.approx(0.3)


def test_the_cost_is_that_of_the_shares_of_the_classes() -> None:
    dummy = DummyClassifier(strategy="prior").fit(np.zeros((100, 1)), LABELS)
    wanted = log_loss(DEV, dummy.predict_proba(np.zeros((20, 1))), labels=dummy.classes_)
    assert constant_classifier("dev_cost", Counter(LABELS), Counter(DEV)) == pytest.approx(wanted)


def test_what_cannot_be_told_is_none() -> None:
    assert constant_classifier("dev_cost", {"a": 3, "b": 0}, {"a": 1, "b": 1}) is None
    assert constant_classifier("epoch", {"a": 3}) is None
    assert constant_classifier("dev_error", {}) is None
    assert constant_regressor("dev_error") == 1.0
    assert constant_regressor("dev_cost") is None
