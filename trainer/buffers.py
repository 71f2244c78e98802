"""Make what the kernels are given out of settings and data; refuse what does not fit into memory."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np
import psutil

from .choices import Augmentation, Decay, Optimizer
from .data.types import Data
from .defaults import batch_size_of, beta2_of, l2_of, learning_rate_of
from .initialization import aligned_zeros
from .kernels import structs
from .kernels.gemm import product_of
from .kernels.host import PACK_ELEMENTS
from .network import SLACK, Network
from .problem import SettingError
from .settings import Settings
from .weighing import cost_weights_of, fixed_limit, weights_of

Array = np.ndarray[Any, Any]
_EVALUATION_ROWS = 128
_COSTS = 8192
_ROWS = 256
_OUTPUTS = 1 << 20  # elements of Z kept between two looks at them, if an epoch has not more
NO_LABELS = np.zeros(0, np.int32)


def hyper_of(settings: Settings, data: Data) -> structs.Hyper:
    """Return the settings that may change, as numbers."""
    m, rate = data.X_train.shape[0], settings.decay_rate
    batch_size = batch_size_of(settings, m)
    whole_batch = batch_size == m
    decay = Decay[settings.decay]
    return structs.Hyper(
        learning_rate=learning_rate_of(settings, whole_batch, data.kind == "regression"),
        optimizer=int(Optimizer[settings.optimizer]),
        momentum=settings.momentum,
        beta1=settings.beta1,
        beta2=beta2_of(settings),
        epsilon=settings.epsilon,
        decay=int(decay),
        decay_rate=(decay.facts.rate or 1.0) if rate is None else rate,
        decay_epochs=settings.decay_epochs,
        batch_size=batch_size,
        epochs=settings.epochs,
        l1=settings.l1,
        l2=l2_of(settings, whole_batch),
        patience=settings.patience or 0,
        keep=np.array((settings.input_keep_prob, *settings.keep_probs), np.float64),
        augmentation=_augmentation_bits(settings, data),
        strength=settings.augmentation_strength,
    )


def _augmentation_bits(settings: Settings, data: Data) -> int:
    kinds = [] if settings.augmentation == "none" else settings.augmentation.split("+")
    if kinds and data.image_shape is None:
        raise SettingError.of(
            "settings.augmentation", f"{settings.augmentation}: the data set has no image shape",
            "give dataset.image_shape, or use augmentation: none",
        )  # fmt: skip
    return sum(Augmentation[kind] for kind in kinds)


def examples_of(data: Data) -> structs.Examples:
    """Return the data as flat arrays, without a copy."""
    regression = data.kind == "regression"
    nothing = np.zeros(0, data.dtype)
    train_y, dev_y = flat(data.Y_train), flat(data.Y_dev)
    return structs.Examples(
        X=flat(data.X_train),
        labels=NO_LABELS if regression else train_y,
        targets=train_y if regression else nothing,
        dev_X=flat(data.X_dev),
        dev_labels=NO_LABELS if regression else dev_y,
        dev_targets=dev_y if regression else nothing,
        m=data.X_train.shape[0],
        dev_m=data.X_dev.shape[0],
        target_deviation=data.target_deviation,
        mu=np.ascontiguousarray(data.mu, data.dtype),
        sigma=np.ascontiguousarray(data.sigma, data.dtype),
        image=np.array(data.image_shape or (0, 0, 0), np.int64),
    )


def scratch_of(network: Network, batch_size: int, m: int, dtype: Any) -> structs.Scratch:
    """Allocate the room to work in: the only allocation of a run."""
    rows = max(batch_size, min(m, _EVALUATION_ROWS))
    columns = int(network.shape().columns[-1])
    widest = max(network.sizes)
    return structs.Scratch(
        product=product_of(dtype).address,
        rows=rows,
        A=aligned_zeros(rows * columns + SLACK, dtype),
        normal=aligned_zeros(rows * columns + SLACK if network.batch_norm else 0, dtype),
        deviation=aligned_zeros(columns if network.batch_norm else 0, dtype),
        D=aligned_zeros(rows * widest + SLACK, dtype),
        E=aligned_zeros(rows * widest + SLACK, dtype),
        gradient=aligned_zeros(network.learned, dtype),
        pack=aligned_zeros(PACK_ELEMENTS, dtype),
        order=np.zeros(m, np.int32),
        identity=np.arange(rows, dtype=np.int32),
    )


def state_of(network: Network, weights: Array, seed: int) -> structs.State:
    """Return the state of a run that has not begun."""
    counters = np.zeros(structs.COUNTERS, np.int64)
    counters[structs.EPOCH] = 1
    counters[structs.SEED] = seed
    sums = np.zeros(structs.SUMS + 1 + network.layers)
    sums[structs.BEST_ERROR] = np.inf
    sums[structs.LAST_COST] = np.nan
    learned = network.learned
    v, s, best = (aligned_zeros(size, weights.dtype) for size in (learned, learned, network.total))
    return structs.State(weights, v, s, best, counters, sums)


def records_of(network: Network, rows: int = _ROWS) -> structs.Records:
    """Allocate what the kernels report into: so many epochs in one call."""
    return structs.Records(
        np.zeros(_COSTS), np.zeros((rows, structs.NORMS + network.layers)), np.zeros(2, np.int64)
    )


def extras_of(
    settings: Settings, data: Data, network: Network, kept: Collection[str]
) -> tuple[structs.Extras | None, int]:
    """Return what runs with weights, a threshold or named metrics have, and how many epochs a call may end.

    None for other runs. `kept` names the parts ("train", "dev") whose outputs are kept.
    """
    costs, weights, dev = cost_weights_of(settings, data), weights_of(data, "train"), weights_of(data, "dev")
    limit = fixed_limit(settings, data)
    if not (kept or costs.size or dev.size or limit):
        return None, _ROWS
    sizes = {part: getattr(data, f"X_{part}").shape[0] * network.sizes[-1] for part in kept}
    rows = max(2, min(_ROWS, _OUTPUTS // max(1, sum(sizes.values()))))
    outputs, dev_outputs = (np.zeros(rows * sizes.get(part, 0), data.dtype) for part in ("train", "dev"))
    return structs.Extras(flat(costs), flat(weights), flat(dev), limit, outputs, dev_outputs), rows


def of_epoch_begun(extras: structs.Extras | None, rows: int) -> dict[str, Array]:
    """View the outputs kept of the epoch under way, after `begin_again`."""
    if extras is None:
        return {}
    kept = {"outputs": extras.outputs, "dev_outputs": extras.dev_outputs}
    return {name: array[: array.size // rows] for name, array in kept.items() if array.size}


def begin_again(extras: structs.Extras, records: structs.Records) -> None:
    """Make the outputs of the epoch under way the first of those that are kept."""
    finished, rows = int(records.counts[1]), len(records.rows)
    for name, first in of_epoch_begun(extras, rows).items():
        if 0 < finished < rows:
            first[:] = getattr(extras, name)[finished * first.size : (finished + 1) * first.size]


def refuse_what_does_not_fit(settings: Settings, data: Data, network: Network) -> None:
    """Refuse a network that needs more than three quarters of the memory.

    Raises
    ------
    SettingError
        It does not fit, or batch_size is larger than the training set.
    """
    batch_size = batch_size_of(settings, data.X_train.shape[0])
    rows = max(batch_size, _EVALUATION_ROWS)
    activations = rows * (sum(network.sizes) * (2 if network.batch_norm else 1) + 2 * max(network.sizes))
    needed = (2 * network.total + 3 * network.learned + activations) * data.dtype.itemsize
    available = psutil.virtual_memory().available
    if needed > 0.75 * available:
        raise SettingError.of(
            "settings.hidden_units",
            f"a network {' x '.join(map(str, network.sizes))} with batches of {batch_size} needs "
            f"{needed / 2**30:.3g} GiB, and {available / 2**30:.3g} GiB are free",
            "use fewer or smaller layers, or a smaller batch_size",
        )


def refuse_unknown_codes(state: structs.State) -> None:
    """Raise a RuntimeError if a code of choices.py has no kernel: a fault of this program."""
    status = structs.Status(int(state.counters[structs.STATUS]))
    _, unknown, what = status.name.partition("unknown_")
    if unknown:
        raise RuntimeError(f"the {what} has no kernel: add it to trainer/kernels")


class _Memory:
    """Lends an array's memory under another flag; read-only arrays would need kernels of their own."""

    def __init__(self, array: Array):
        self.array = array
        self.__array_interface__ = {**array.__array_interface__, "data": (array.ctypes.data, False)}


def flat(array: Array) -> Array:
    """View an array as one row, writable to the eyes of Numba."""
    flat = array.reshape(-1)
    return flat if flat.flags.writeable else np.asarray(_Memory(flat))
