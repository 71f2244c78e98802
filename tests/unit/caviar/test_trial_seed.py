"""Trials of a search train with seeds of their own."""

from caviar.trial_settings import trial_seed


def test_seeds_of_trainings_differ():
    assert len({trial_seed(0, number) for number in range(10_000)}) > 9_990
    assert all(0 <= trial_seed(2**63 - 1, number) < 2**31 for number in range(100))


def test_the_seeds_are_those_of_stored_searches():
    assert [trial_seed(seed, number) for seed, number in ((0, 0), (0, 1), (2**63 - 1, 9))] == [
        1607770444,
        656268352,
        76767315,
    ]
