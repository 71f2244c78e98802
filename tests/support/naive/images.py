"""Slow twin of augmentation: a matrix, a grid of coordinates and SciPy's interpolation."""

import math

import numpy as np
from scipy.ndimage import map_coordinates

from tests.support.naive import draws

AUGMENT = 3


def variant(image, kinds, strength, seed, epoch, example):
    """One random variant of an image (height, width, channels) as the user had it."""
    height, width, channels = image.shape
    key = draws.key_of(seed, AUGMENT, epoch, example)
    u = [draws.uniform(key, i) for i in range(9)]
    zoom = 1 + strength * (2 * u[1] - 1) if "zoom" in kinds else 1
    angle = math.pi / 2 * strength * (2 * u[2] - 1) if "rotate" in kinds else 0
    mirror = -1 if "flip" in kinds and u[3] < 0.5 else 1
    turn = np.array([[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]])
    matrix = zoom * turn @ np.diag([1, mirror])
    shift = strength * np.array([height * (2 * u[4] - 1), width * (2 * u[5] - 1)]) if "shift" in kinds else 0
    rows, columns = np.mgrid[:height, :width].astype(float)
    middle = np.array([(height - 1) / 2, (width - 1) / 2])
    moved = (
        np.einsum("ij,jyx->yxi", matrix, np.array([rows - middle[0], columns - middle[1]])) + middle + shift
    )
    if "distort" in kinds:
        wave = strength / 2 * min(height, width) * u[6]
        moved[..., 0] += wave * np.sin(2 * math.pi * columns / width + 2 * math.pi * u[7])
        moved[..., 1] += wave * np.sin(2 * math.pi * rows / height + 2 * math.pi * u[8])
    where = [moved[..., 0], moved[..., 1]]
    layers = [map_coordinates(image[..., c], where, order=1, mode="nearest") for c in range(channels)]
    return np.stack(layers, axis=-1)
