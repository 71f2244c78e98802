"""Caviar for scripts of Optuna: a storage on a Caviar server, and our strategies as samplers.

study = optuna.create_study(storage=CaviarStorage("http://127.0.0.1:8000"))  # all else stays as it is
study = optuna.create_study(sampler=CoarseToFineSampler(n_trials=60, seed=1))  # no server needed
"""

from caviar.extras import of_extra

with of_extra("optuna"):
    from caviar.optuna_samplers import CoarseToFineSampler, SobolSampler
    from caviar.optuna_storage import CaviarStorage

__all__ = ["CaviarStorage", "CoarseToFineSampler", "SobolSampler"]
