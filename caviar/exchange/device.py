"""The device on which a process trains: what CUDA and its libraries let it see."""

import os

DEVICE_VARIABLE = "CUDA_VISIBLE_DEVICES"
DEVICE_LIMIT = 64  # characters that are told of it


def own_device() -> str | None:
    """Return the device of this process, None where it was given none."""
    return os.environ.get(DEVICE_VARIABLE, "")[:DEVICE_LIMIT] or None
