"""What stands for settings that are left out, where it depends on the data and on other settings.

Stored searches mean what they meant: what changes here gets a new `settings.DEFAULTS`, the values of before
stay below, and a migration writes the version of before into the searches that are stored.

- 1: alpha .1 for gd and momentum on all data, beta2 .999 for RMSprop too
- 2: lower rates for a regression by gd and momentum, beta2 .9 for RMSprop
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from .choices import Optimizer
from .data.types import Data
from .problem import SettingError
from .settings import Settings

FIRST_RATES = {"gd": 0.1, "momentum": 0.1}
FIRST_BETA2 = 0.999


def batch_size_of(settings: Settings, m: int) -> int:
    """Return the mini-batch size; by default all examples up to 2000, else a power of two, 64 .. 512.

    Raises
    ------
    SettingError
        batch_size is larger than the training set.
    """
    if settings.batch_size is None:
        return usual_batch_size(m)
    if settings.batch_size > m:
        raise SettingError.of(
            "settings.batch_size", f"{settings.batch_size} is more than the {m} training examples",
            f"at most {m}; leave it out for the default",
        )  # fmt: skip
    return settings.batch_size


def usual_batch_size(m: int) -> int:
    """Return the mini-batch size of m training examples if nobody says."""
    return m if m <= 2000 else min(512, max(64, 1 << int(np.log2(m / 500))))


def learning_rate_of(settings: Settings, whole_batch: bool, regression: bool) -> float:
    """Return alpha0; without one that of the optimiser."""
    if settings.learning_rate is not None:
        return settings.learning_rate
    facts = Optimizer[settings.optimizer].facts
    if settings.defaults < 2 and settings.optimizer in FIRST_RATES:
        return FIRST_RATES[settings.optimizer]
    if whole_batch and facts.whole_batch_rates:
        return facts.whole_batch_rates[regression]
    if regression and facts.regression_rate:
        return facts.regression_rate
    return facts.rate


def beta2_of(settings: Settings) -> float:
    """Return beta2; without one that of the optimiser."""
    if settings.beta2 is not None:
        return settings.beta2
    if settings.defaults < 2:
        return FIRST_BETA2
    return Optimizer[settings.optimizer].facts.beta2 or FIRST_BETA2


def l2_of(settings: Settings, whole_batch: bool) -> float:
    """Return lambda of L2; without one: 1 on the whole batch, a standard normal prior of W, else 0."""
    return settings.l2 if settings.l2 is not None else float(whole_batch)


def with_defaults(settings: Settings, data: Data) -> Settings:
    """Put numbers in the place of defaults that depend on the data and on each other.

    A run does this once, at its beginning: a change of batch_size then changes neither alpha nor lambda.
    """
    m = data.X_train.shape[0]
    batch_size = batch_size_of(settings, m)
    whole_batch = batch_size == m
    return replace(
        settings,
        batch_size=batch_size,
        learning_rate=learning_rate_of(settings, whole_batch, data.kind == "regression"),
        l2=l2_of(settings, whole_batch),
        beta2=beta2_of(settings),
    )
