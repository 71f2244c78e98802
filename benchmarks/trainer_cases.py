"""The three cases of the speed comparison, and one trainer of each kind for them.

Every trainer runs whole epochs: shuffle, mini-batches, Adam; float32; a cost is read at the end.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Case:
    """A data set and a network."""

    name: str
    X: Array
    Y: Array
    sizes: tuple[int, ...]
    batch: int

    @property
    def flops(self) -> float:
        """Multiply-adds of an epoch, counted twice: Z = A W, dW = A^T dZ, dA = dZ W^T but for layer 1."""
        layers = list(pairwise(self.sizes))
        per_example = sum(4 * k * n for k, n in layers) + sum(2 * k * n for k, n in layers[1:])
        return float(per_example * len(self.X))


def cases() -> list[Case]:
    """Digits, a made-up MNIST of 20,000 examples, breast cancer."""
    from sklearn.datasets import load_breast_cancer, load_digits

    generator = np.random.default_rng(0)
    digits, cancer = load_digits(), load_breast_cancer()
    big = generator.standard_normal((20_000, 784), dtype=np.float32)
    return [
        Case("1 digits 64-64-64-10", *_standard(digits.data, digits.target), (64, 64, 64, 10), 64),
        Case("2 20,000 x 784-256-128-10", big, generator.integers(0, 10, 20_000).astype(np.int32),
             (784, 256, 128, 10), 128),
        Case("3 breast cancer 30-16-1", *_standard(cancer.data, cancer.target), (30, 16, 1), 32),
    ]  # fmt: skip


def ours(case: Case, dev: int = 1, **settings: Any) -> Callable[[int], float]:
    """Return a function that trains one epoch; the dev set is as small as it can be, peers have none."""
    from caviar.trainer.data.types import Data
    from caviar.trainer.run import Run
    from caviar.trainer.settings import make_settings

    kind = "binary" if case.sizes[-1] == 1 else "multiclass"
    data = Data(
        kind, case.X, case.Y, case.X[:dev], case.Y[:dev], n_classes=max(2, case.sizes[-1]),
        mu=np.zeros(case.sizes[0]),        sigma=np.ones(case.sizes[0]),
    )  # fmt: skip
    values = {
        "hidden_units": case.sizes[1:-1],
        "batch_size": case.batch,
        "epochs": 10_000_000,
        "learning_rate": 1e-3,
    }
    run = Run(make_settings({**values, **settings}), data, seed=0)

    def epochs(count: int) -> float:
        piece = run.advance(seconds=1e9, until_epoch=run.epoch + count)
        return piece.epochs[-1]["train_cost"]

    return epochs


def jax_scan(case: Case) -> Callable[[int], float]:
    """JAX: one jitted call per epoch, mini-batches by lax.scan, donated buffers, single-threaded Eigen."""
    import jax
    import jax.numpy as jnp

    m, batch, sizes = len(case.X), case.batch, case.sizes
    steps = m // batch
    X, Y = jnp.asarray(case.X), jnp.asarray(case.Y)
    generator = np.random.default_rng(0)
    params = [
        (
            jnp.asarray(generator.standard_normal((k, n), dtype=np.float32) * np.sqrt(2 / k)),
            jnp.zeros(n, jnp.float32),
        )
        for k, n in pairwise(sizes)
    ]

    def cost(params: Any, x: Any, y: Any) -> Any:
        for W, b in params[:-1]:
            x = jax.nn.relu(x @ W + b)
        z = x @ params[-1][0] + params[-1][1]
        if sizes[-1] == 1:
            z = z[:, 0]
            return jnp.mean(jnp.maximum(z, 0) - z * y + jnp.log1p(jnp.exp(-jnp.abs(z))))
        return jnp.mean(jax.nn.logsumexp(z, axis=1) - z[jnp.arange(len(y)), y])

    def step(state: Any, chosen: Any) -> Any:
        params, v, s, t = state
        value, gradient = jax.value_and_grad(cost)(params, X[chosen], Y[chosen])
        t = t + 1
        v = jax.tree.map(lambda a, g: 0.9 * a + 0.1 * g, v, gradient)
        s = jax.tree.map(lambda a, g: 0.999 * a + 0.001 * g * g, s, gradient)
        rate = 1e-3 * jnp.sqrt(1 - 0.999**t) / (1 - 0.9**t)
        params = jax.tree.map(lambda p, a, b: p - rate * a / (jnp.sqrt(b) + 1e-8), params, v, s)
        return (params, v, s, t), value

    def epoch(state: Any, key: Any) -> Any:
        order = jax.random.permutation(key, m)
        state, values = jax.lax.scan(step, state, order[: steps * batch].reshape(steps, batch))
        if m % batch:
            state, _ = step(state, order[steps * batch :])
        return state, values.mean()

    compiled = jax.jit(epoch, donate_argnums=0)
    zeros = jax.tree.map(jnp.zeros_like, params)
    state: list[Any] = [
        (params, zeros, jax.tree.map(jnp.zeros_like, params), jnp.float32(0)),
        jax.random.key(0),
    ]

    def epochs(count: int) -> float:
        for _ in range(count):
            state[1], key = jax.random.split(state[1])
            state[0], value = compiled(state[0], key)
        return float(value)

    return epochs


def _standard(X: Array, Y: Array) -> tuple[Array, Array]:
    deviation = X.std(axis=0)
    scaled = (X - X.mean(axis=0)) / np.where(deviation > 0, deviation, 1)
    return np.ascontiguousarray(scaled, np.float32), Y.astype(np.int32)


def torch_eager(case: Case) -> Callable[[int], float]:
    """PyTorch: eager, fused Adam, one thread, data as one tensor indexed by the permutation."""
    import torch

    torch.set_num_threads(1)
    torch.manual_seed(0)
    X, Y = torch.from_numpy(case.X), torch.from_numpy(case.Y.astype(np.int64))
    binary = case.sizes[-1] == 1
    layers: list[Any] = []
    for k, n in pairwise(case.sizes):
        layers += [torch.nn.Linear(k, n), torch.nn.ReLU()]
    net = torch.nn.Sequential(*layers[:-1])
    adam = torch.optim.Adam(net.parameters(), lr=1e-3, fused=True)
    measure = torch.nn.BCEWithLogitsLoss() if binary else torch.nn.CrossEntropyLoss()
    targets = Y.float() if binary else Y

    def epochs(count: int) -> float:
        for _ in range(count):
            order = torch.randperm(len(X))
            for chosen in order.split(case.batch):
                adam.zero_grad(set_to_none=True)
                z = net(X[chosen])
                cost = measure(z[:, 0] if binary else z, targets[chosen])
                cost.backward()
                adam.step()
        return cost.item()

    return epochs


def scikit_learn(case: Case) -> Callable[[int], float]:
    """scikit-learn: MLPClassifier.fit with one BLAS thread; no validation set, no early end."""
    import warnings

    from sklearn.neural_network import MLPClassifier

    def epochs(count: int) -> float:
        net = MLPClassifier(
            case.sizes[1:-1], batch_size=case.batch, alpha=0.0, max_iter=count, tol=0.0,
            n_iter_no_change=10**9, random_state=0,
        )  # fmt: skip
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            net.fit(case.X, case.Y)
        return float(net.loss_)

    return epochs
