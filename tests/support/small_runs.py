"""Small networks, trained in a moment."""

import numpy as np

from caviar.trainer.data.types import Data
from caviar.trainer.run import Run
from caviar.trainer.settings import make_settings

BASE = {"hidden_units": [5, 4], "epochs": 3, "batch_size": 8, "decay_epochs": 2}


def make_data(kind="multiclass"):
    generator = np.random.default_rng(3)
    X = generator.standard_normal((40, 9)).astype(np.float32)
    classes = {"binary": 2, "multiclass": 3, "regression": 0}[kind]
    Y = generator.standard_normal((40, 2)).astype(np.float32)
    if classes:
        Y = generator.integers(0, classes, 40).astype(np.int32)
    known = {"mu": np.zeros(9), "sigma": np.ones(9), "image_shape": (3, 3, 1)}
    known |= {"class_names": tuple("abc"[:classes]), "target_names": ("y",)}
    known |= {} if classes else {"target_mu": np.zeros(2), "target_sigma": np.ones(2)}
    return Data(kind, X[:32], Y[:32], X[32:], Y[32:], n_classes=classes, **known)


DATA = make_data()


def trained(data=DATA, **settings):
    run = Run(make_settings({**BASE, **settings}), data, 1)
    while run.status == "running":
        run.advance()
    return run
