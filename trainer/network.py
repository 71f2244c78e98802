"""The layout of a network: one flat buffer of parameters, and views of it in the course's shapes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from .choices import Activation, Output
from .data.types import Data
from .kernels import structs
from .settings import Settings

# Offsets are multiples of a cache line of float32; the tail lets the product read past the last column.
_LINE = 16
SLACK = 64


@dataclass(frozen=True)
class Network:
    """The shape of a network and its place in memory.

    Attributes
    ----------
    sizes : tuple of int
        n[0] .. n[L], inputs and outputs included.
    kind : {"binary", "multiclass", "regression"}
    frozen : int
        So many of the first layers keep their parameters and, of batch norm, their averages.
    learned, total : int
        Elements of the flat buffer that are learned, and all: with batch norm's averages and some slack.
    """

    sizes: tuple[int, ...]
    kind: str
    activation: str
    slope: float
    batch_norm: bool
    batch_norm_momentum: float
    batch_norm_epsilon: float
    frozen: int = 0

    @classmethod
    def of(cls, settings: Settings, data: Data) -> Network:
        """Make the network that the settings ask for on this data."""
        return cls(
            (data.n_features, *settings.widths, data.n_outputs),
            data.kind,
            settings.activation,
            settings.leaky_slope if settings.activation == Activation.leaky_relu.name else 0.0,
            settings.batch_norm and bool(settings.widths),
            settings.batch_norm_momentum,
            settings.batch_norm_epsilon,
            settings.frozen_layers,
        )

    @property
    def layers(self) -> int:
        """L, the output layer included."""
        return len(self.sizes) - 1

    def entries(self) -> Iterator[tuple[str, int, tuple[int, ...]]]:
        """Yield name, offset and stored shape: W1, b1 or gamma1 and beta1, ..., then mean1, variance1, ... .

        W[l] is stored (n[l-1], n[l]), the course's W transposed.
        """
        offset = 0
        for name, shape in self._names():
            yield name, offset, shape
            offset += _aligned(int(np.prod(shape)))

    @property
    def learned(self) -> int:
        """Length of the learned part of the buffer."""
        return next((offset for name, offset, _ in self.entries() if name == "mean1"), self._end())

    @property
    def parameters(self) -> int:
        """How many numbers are learned, without the gaps between them in the buffer."""
        learned = self.learned
        return sum(int(np.prod(shape)) for _, offset, shape in self.entries() if offset < learned)

    @property
    def total(self) -> int:
        """Length of the whole buffer."""
        return self._end() + SLACK

    def tensors(self, buffer: np.ndarray[Any, Any]) -> dict[str, np.ndarray[Any, Any]]:
        """View a flat buffer of parameters, averages or gradients as arrays in the course's shapes.

        Parameters
        ----------
        buffer : ndarray(float32 or float64, (learned,) or (total,))

        Returns
        -------
        tensors : dict
            Views: ``W1`` (n[1], n[0]), ``b1`` (n[1],) or ``gamma1``, ``beta1`` (n[1],), and so on; with a
            whole buffer also the averages ``mean1``, ``variance1``.
        """
        views = {}
        for name, offset, shape in self.entries():
            if offset + int(np.prod(shape)) <= buffer.size:
                view = buffer[offset : offset + int(np.prod(shape))].reshape(shape)
                views[name] = view.T
        return views

    def shape(self) -> structs.Shape:
        """Return what the kernels need to know."""
        offsets = {name: offset for name, offset, _ in self.entries()}

        def of(*names: str) -> np.ndarray[Any, Any]:
            found = [
                next((offsets[f"{name}{layer}"] for name in names if f"{name}{layer}" in offsets), -1)
                for layer in range(1, self.layers + 1)
            ]
            return np.array(found, np.int64)

        sizes = np.array(self.sizes, np.int64)
        aligned = [_aligned(size) for size in self.sizes]
        return structs.Shape(
            sizes, np.concatenate(([0], np.cumsum(aligned))).astype(np.int64),
            of("W"), of("b", "beta"), of("gamma"), of("mean"), of("variance"),
            self.learned, int(Activation[self.activation]), self.slope, int(Output[self.kind]),
            int(self.batch_norm), self.batch_norm_momentum, self.batch_norm_epsilon,
            self.frozen, offsets[f"W{self.frozen + 1}"],
        )  # fmt: skip

    def _names(self) -> Iterator[tuple[str, tuple[int, ...]]]:
        for layer in range(1, self.layers + 1):
            n = self.sizes[layer]
            yield f"W{layer}", (self.sizes[layer - 1], n)
            if self.batch_norm and layer < self.layers:
                yield f"gamma{layer}", (n,)
                yield f"beta{layer}", (n,)
            else:
                yield f"b{layer}", (n,)
        if self.batch_norm:
            for layer in range(1, self.layers):
                yield f"mean{layer}", (self.sizes[layer],)
                yield f"variance{layer}", (self.sizes[layer],)

    def _end(self) -> int:
        return sum(_aligned(int(np.prod(shape))) for _, shape in self._names())


def _aligned(size: int) -> int:
    return -(-size // _LINE) * _LINE
