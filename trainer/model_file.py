"""Model files: a trained network with all that prediction needs, as safetensors with JSON metadata.

Tensors, in the course's shapes: W1 (n[1], n[0]), b1 (n[1],), or with batch norm gamma1, beta1, mean1,
variance1 (the averages, corrected, ready for use); and so on to W[L], b[L]; mu, sigma (n[0],) and for
regression target_mu, target_sigma (n[L],); what the columns of training looked like (`Profile`), in files
of today. Metadata key "caviar", JSON: format, kind, sizes, activation,
leaky_slope, batch_norm, batch_norm_epsilon, class_names, feature_names, target_names, preprocessing,
settings, seed, and threshold (of the probability of the second of two classes) where it is not one half.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from .data.types import Data
from .network import Network
from .settings import Settings
from .weighing import threshold_at

FORMAT = "caviar-model-1"


def network_of(info: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings that say what the network of a model is, by the metadata of its file."""
    hidden, told = list(info["sizes"][1:-1]), info["settings"]
    return {
        "hidden_units": hidden or 1,
        "hidden_layers": len(hidden),
        "activation": info["activation"],
        "leaky_slope": told["leaky_slope"],
        "batch_norm": info["batch_norm"],
        "batch_norm_epsilon": info["batch_norm_epsilon"],
        "precision": told["precision"],
    }


def save(
    network: Network,
    weights: np.ndarray[Any, Any],
    correction: float,
    settings: Settings,
    data: Data,
    seed: int,
    limit: float = 0.0,
) -> bytes:
    """Return a model file; averages of batch norm are divided by `correction`.

    The second of two classes is predicted where z > `limit`: written as a probability, if it is not one half.
    """
    from safetensors.numpy import save as write

    tensors = {name: np.ascontiguousarray(tensor) for name, tensor in network.tensors(weights).items()}
    for name, tensor in tensors.items():
        if name.startswith(("mean", "variance")):
            tensors[name] = tensor / tensor.dtype.type(correction)
    for name in ("mu", "sigma", "target_mu", "target_sigma"):
        if getattr(data, name).size:
            tensors[name] = np.ascontiguousarray(getattr(data, name))
    if data.profile is not None:
        tensors |= data.profile.tensors()
    metadata = {
        "format": FORMAT,
        "kind": network.kind,
        "sizes": network.sizes,
        "activation": network.activation,
        "leaky_slope": network.slope,
        "batch_norm": network.batch_norm,
        "batch_norm_epsilon": network.batch_norm_epsilon,
        "class_names": data.class_names,
        "feature_names": data.feature_names,
        "target_names": data.target_names,
        "preprocessing": dict(data.preprocessing),
        "settings": settings.as_dict(),
        "seed": seed,
    }
    if limit != 0.0:
        metadata["threshold"] = threshold_at(limit)
    return write(tensors, metadata={"caviar": json.dumps(metadata)})
