"""Random numbers by counter: even, independent from key to key, and the same however they are asked for."""

import numpy as np

from caviar.trainer.kernels import dropout, random
from caviar.trainer.kernels.compile import entry
from caviar.trainer.kernels.random import DROPOUT, SHUFFLE

drop, key_of, below = entry(dropout.drop), entry(random.key_of), entry(random.below)
identity_order, shuffle_part = entry(random.identity_order), entry(random.shuffle_part)
uniform = entry(random.uniform)


def key(*values):
    return np.uint64(key_of(*values))


def mask(step, layer, size, keep):
    A = np.ones(size, "f4")
    drop(A, keep, key(0, DROPOUT, step, layer))
    return A


def test_a_shuffle_in_parts_is_the_whole_shuffle():
    whole, parts = np.empty(1000, "i4"), np.empty(1000, "i4")
    identity_order(whole)
    identity_order(parts)
    shuffle_part(whole, key(5, SHUFFLE, 1, 0), 0, 1000)
    for begin in range(0, 1000, 64):
        shuffle_part(parts, key(5, SHUFFLE, 1, 0), begin, min(begin + 64, 1000))
    assert (whole == parts).all()
    assert (np.sort(whole) == np.arange(1000)).all()


def test_every_place_is_as_likely():
    places = np.zeros((6, 6))
    for seed in range(6000):
        order = np.empty(6, "i4")
        identity_order(order)
        shuffle_part(order, key(seed, SHUFFLE, 1, 0), 0, 6)
        places[np.arange(6), order] += 1
    chi_square = ((places - 1000) ** 2 / 1000).sum()
    assert chi_square < 60  # 25 degrees of freedom: exceeded once in 10,000


def test_numbers_are_even():
    numbers = np.array([uniform(key(1, 1, 1, 1), i) for i in range(20_000)])
    counts = np.histogram(numbers, 20, (0, 1))[0]
    assert ((counts - 1000) ** 2 / 1000).sum() < 50  # 19 degrees of freedom
    assert {below(key(1, 1, 1, 1), i, 3) for i in range(100)} == {0, 1, 2}


def test_dropout_keeps_its_share_and_divides_by_it():
    A = mask(1, 1, 100_000, 0.8)
    assert abs((A > 0).mean() - 0.8) < 5 * np.sqrt(0.8 * 0.2 / 100_000)
    assert set(np.unique(A)) == {np.float32(0), np.float32(1.25)}


def test_masks_of_steps_and_layers_are_independent():
    masks = np.array([mask(step, layer, 4096, 0.5) > 0 for step in range(20) for layer in (1, 2)], float)
    correlations = np.corrcoef(masks) - np.eye(len(masks))
    assert np.abs(correlations).max() < 5 / np.sqrt(4096)


def test_a_mask_is_its_own_backward_pass():
    A = mask(3, 1, 1000, 0.7)
    D = np.full(1000, 2, "f4")
    drop(D, 0.7, key(0, DROPOUT, 3, 1))
    assert ((D > 0) == (A > 0)).all()
