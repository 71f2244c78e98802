"""Seeds of the trainings that the figures in docs/ are made of."""

from caviar.search.randomness import counter


def training_seed(seed: int, number: int) -> int:
    """Return the seed of a training, below 2^31; searches have that of caviar.trial_settings."""
    return counter(seed, number, "training") >> 33
