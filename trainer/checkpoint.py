"""Checkpoints: everything a run needs to go on bit for bit, as safetensors with JSON metadata. No pickle."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

import numpy as np

from .choices import Optimizer
from .data.types import Data
from .kernels import structs
from .problem import DataError, ProblemsError
from .settings import Settings, make_settings

FORMAT = "caviar-checkpoint-1"
Array = np.ndarray[Any, Any]
_OUTPUTS: tuple[str, ...] = ("outputs", "dev_outputs")
_AVERAGES = ("v", "s")  # those that the optimizer does not keep stay zero


class Begun(NamedTuple):
    """What metrics and probes need of the epoch under way, and of the time before.

    Attributes
    ----------
    seconds : float or None
        Spent in the kernels.
    outputs : dict of str to ndarray
        `outputs` and `dev_outputs` of structs.Extras.
    watching : dict
        Of the epochs before, what `Watching.told` returns.
    """

    seconds: float | None
    outputs: dict[str, Array]
    watching: dict[str, Any] = {}  # noqa: RUF012 - never changed


def save(
    settings: Settings, seed: int, data: Data, state: structs.State, begun: Begun | None = None
) -> bytes:
    """Return a checkpoint of a run."""
    from safetensors.numpy import save as write

    metadata = {"format": FORMAT, "settings": settings.as_dict(), "seed": seed, "data": data.digest}
    kept = Optimizer[settings.optimizer].facts.averages
    begun = begun or Begun(None, {})
    if begun.seconds is not None:
        metadata["seconds"] = begun.seconds
    if begun.watching:
        metadata["watching"] = begun.watching
    tensors = {n: array for n, array in state._asdict().items() if n in kept or n not in _AVERAGES}
    return write({**tensors, **begun.outputs}, metadata={"caviar": json.dumps(metadata)})


def load(saved: bytes, data: Data) -> tuple[Settings, int, dict[str, Array], Begun]:
    """Return settings, seed, the arrays of `structs.State`, and what belongs to the epoch under way.

    Raises
    ------
    ProblemsError
        The bytes are damaged, no checkpoint, or of a later version.
    DataError
        The checkpoint belongs to other data.
    """
    metadata, tensors = read(saved, FORMAT)
    if metadata["data"] != data.digest:
        raise DataError.of(
            "dataset", "the checkpoint was made with other data, or with another split or precision",
            "use the data set and settings of the trial that it belongs to",
        )  # fmt: skip
    outputs: dict[str, Array] = {name: tensors.pop(name) for name in _OUTPUTS if name in tensors}
    begun = Begun(metadata.get("seconds"), outputs, metadata.get("watching", {}))
    return make_settings({"defaults": 1, **metadata["settings"]}), int(metadata["seed"]), tensors, begun


def read(saved: bytes, expected: str) -> tuple[dict[str, Any], dict[str, Array]]:
    """Return metadata and tensors of a file of this package.

    Raises
    ------
    ProblemsError
        It cannot be read or is of another format.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load as read_tensors

    try:
        tensors = read_tensors(saved)
        length = int.from_bytes(saved[:8], "little")
        metadata = json.loads(json.loads(saved[8 : 8 + length])["__metadata__"]["caviar"])
        found = metadata["format"]
    except (SafetensorError, ValueError, KeyError, TypeError) as error:
        raise ProblemsError.of(
            "file",
            f"cannot be read as {expected}: {error}",
            "use a file written by caviar; this one may be damaged",
        ) from error
    if found != expected:
        raise ProblemsError.of(
            "file", f"is {found}, not {expected}", "use a file of the right kind and version"
        )
    return metadata, tensors
