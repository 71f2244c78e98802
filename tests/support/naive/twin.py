"""The course in plain NumPy, in its own letters and shapes, nothing done for speed: the trainer's slow twin.

Examples are columns: X is (n[0], m), W[l] is (n[l], n[l-1]), b[l] is (n[l], 1), Z[l] = W[l] A[l-1] + b[l].
"""

import math
from dataclasses import dataclass, field

import numpy as np

from tests.support.naive import draws, images


@dataclass
class Twin:
    """A network in training; `params` holds W1, b1 or gamma1, beta1, and so on."""

    params: dict
    kind: str
    settings: object
    seed: int
    L: int
    step: int = 0
    epoch: int = 0
    v: dict = field(default_factory=dict)
    s: dict = field(default_factory=dict)
    averages: dict = field(default_factory=dict)
    costs: list = field(default_factory=list)
    norms: dict = field(default_factory=dict)  # of the gradient of the loss, without the regulariser
    rows: list = field(default_factory=list)
    best: tuple = (math.inf, 0, None)
    l2: float = 0.0  # lambda in force
    images: tuple | None = None  # mu, sigma and shape of the images, for augmentation
    counts: dict = field(default_factory=dict)  # what rows count: "cost" and "train" of training, "dev"
    limit: float = 0.0  # of z, above which the second of two classes is predicted

    def train(self, X, Y, X_dev, Y_dev, epochs, batch_size, alpha0, decay_rate):
        """Mini-batch training with early stopping; returns the status."""
        m = X.shape[1]
        self.l2 = (1.0 if batch_size == m else 0.0) if self.settings.l2 is None else self.settings.l2
        deviation = math.sqrt(np.mean(np.var(Y, axis=1))) if self.kind == "regression" else 1.0
        while self.epoch < epochs:
            self.epoch += 1
            order = draws.order(self.seed, self.epoch, m) if batch_size < m else range(m)
            order = np.array(order)
            cost = wrong = 0.0
            for begin in range(0, m, batch_size):
                batch = order[begin : begin + batch_size]
                c, w = self.count("cost", batch), self.count("train", batch)
                J, errors, alpha = self.train_mini_batch(
                    self.take(X, batch), Y[:, batch], alpha0, decay_rate, c, w
                )
                cost += J * len(batch)
                wrong += errors
            dev_cost, dev_errors = self.evaluate(X_dev, Y_dev)
            row = {
                "epoch": self.epoch,
                "step": self.step,
                "train_cost": cost / m,
                "train_error": error_of(self.kind, wrong, m, deviation),
                "dev_cost": dev_cost / X_dev.shape[1],
                "dev_error": error_of(self.kind, dev_errors, X_dev.shape[1], deviation),
                "learning_rate": alpha,
                "near_zero_weights": near_zero([self.params[f"W{layer}"] for layer in self.layers]),
                "gradient_norm": np.linalg.norm(list(self.norms.values())),
            }
            row |= {f"gradient_norm_{layer}": self.norms[f"W{layer}"] for layer in self.layers}
            self.rows.append(row)
            if row["dev_error"] < self.best[0]:
                kept = {name: value.copy() for name, value in self.params.items()}
                self.best = (row["dev_error"], self.epoch, kept)
            patience = self.settings.patience
            if patience and self.epoch - self.best[1] >= patience:
                self.params = self.best[2]
                return "stopped early"
        if self.settings.patience:
            self.params = self.best[2]
        return "completed"

    def count(self, name, batch):
        """What the examples of a mini-batch count."""
        return self.counts[name][batch] if name in self.counts else 1.0

    def take(self, X, batch):
        """The examples of a mini-batch, as fresh variants if they are augmented."""
        if self.settings.augmentation == "none":
            return X[:, batch]
        mu, sigma, shape = self.images
        kinds, strength = self.settings.augmentation.split("+"), self.settings.augmentation_strength
        variants = []
        for example in batch:
            image = (X[:, example] * sigma + mu).reshape(shape)
            new = images.variant(image, kinds, strength, self.seed, self.epoch, int(example))
            variants.append((new.ravel() - mu) / sigma)
        return np.array(variants).T

    @property
    def layers(self):
        return range(1, self.L + 1)

    def keep_prob(self, layer):
        """keep_prob of A[layer]; the output layer never drops."""
        if layer == 0:
            return self.settings.input_keep_prob
        return self.settings.keep_probs[layer - 1] if layer < self.L else 1.0

    def train_mini_batch(self, X, Y, alpha0, decay_rate, c, w):
        cost, errors, grads = self.cost_and_gradients(X, Y, c, w)
        self.step += 1
        self.costs.append(cost)
        alpha = learning_rate(
            self.settings.decay, alpha0, decay_rate, self.settings.decay_epochs, self.epoch, self.step
        )
        self.update(grads, alpha)
        return cost, errors, alpha

    def cost_and_gradients(self, X, Y, c=1.0, w=1.0):
        """Forward and backward through one mini-batch, whose rows count c in J and w in errors."""
        p, m = self.params, X.shape[1]
        A, Z_norm, deviation, D = {0: X}, {}, {}, {}
        if self.keep_prob(0) < 1:
            D[0] = self.mask(0, X.shape)
            A[0] = X * D[0] / self.keep_prob(0)
        for layer in self.layers:
            Z = p[f"W{layer}"] @ A[layer - 1]
            if f"gamma{layer}" in p:
                mu, variance = Z.mean(axis=1, keepdims=True), Z.var(axis=1, keepdims=True)
                self.average(f"mean{layer}", mu)
                self.average(f"variance{layer}", variance)
                deviation[layer] = np.sqrt(variance + self.settings.batch_norm_epsilon)
                Z_norm[layer] = (Z - mu) / deviation[layer]
                Z = p[f"gamma{layer}"] * Z_norm[layer] + p[f"beta{layer}"]
            else:
                Z = Z + p[f"b{layer}"]
            A[layer] = self.g(Z) if layer < self.L else Z
            D[f"Z{layer}"] = Z
            if self.keep_prob(layer) < 1:
                D[layer] = self.mask(layer, Z.shape)
                A[layer] = A[layer] * D[layer] / self.keep_prob(layer)
        losses, wrong, dZ = loss(self.kind, A[self.L], Y, self.limit)
        losses, errors, dZ = c * losses, float((w * wrong).sum()), c * dZ
        cost = losses.sum() / m
        grads = {}
        for layer in reversed(self.layers):
            if layer < self.L:
                dA = p[f"W{layer + 1}"].T @ dZ
                if layer in D:
                    dA = dA * D[layer] / self.keep_prob(layer)
                dZ = dA * self.g_prime(D[f"Z{layer}"])
                if layer in Z_norm:
                    grads[f"gamma{layer}"] = (dZ * Z_norm[layer]).sum(axis=1, keepdims=True)
                    grads[f"beta{layer}"] = dZ.sum(axis=1, keepdims=True)
                    dZ = batch_norm_backward(dZ, Z_norm[layer], p[f"gamma{layer}"], deviation[layer])
            grads[f"W{layer}"] = dZ @ A[layer - 1].T
            if f"b{layer}" in p:
                grads[f"b{layer}"] = dZ.sum(axis=1, keepdims=True)
        self.norms = {name: np.linalg.norm(g) for name, g in grads.items()}
        for layer in self.layers:
            W = p[f"W{layer}"]
            cost += self.l2 / (2 * m) * (W**2).sum() + self.settings.l1 / (2 * m) * np.abs(W).sum()
            grads[f"W{layer}"] += self.l2 / m * W + self.settings.l1 / (2 * m) * np.sign(W)
        return cost, errors, grads

    def mask(self, layer, shape):
        return np.array(draws.mask(self.seed, self.step, layer, self.keep_prob(layer), *shape), float)

    def average(self, name, value):
        beta = self.settings.batch_norm_momentum
        self.averages[name] = beta * self.averages.get(name, 0.0) + (1 - beta) * value

    def outputs(self, X):
        """Z[L] as at test time: no dropout, averages for batch norm, their start at 0 corrected."""
        A = X
        for layer in self.layers:
            Z = self.params[f"W{layer}"] @ A
            if f"gamma{layer}" in self.params:
                correction = 1 - self.settings.batch_norm_momentum**self.step
                mu = self.averages[f"mean{layer}"] / correction
                variance = self.averages[f"variance{layer}"] / correction
                Z = (Z - mu) / np.sqrt(variance + self.settings.batch_norm_epsilon)
                Z = self.params[f"gamma{layer}"] * Z + self.params[f"beta{layer}"]
            else:
                Z = Z + self.params[f"b{layer}"]
            A = self.g(Z) if layer < self.L else Z
        return A

    def evaluate(self, X, Y):
        losses, wrong, _ = loss(self.kind, self.outputs(X), Y, self.limit)
        w = self.counts.get("dev", 1.0)
        return (w * losses).sum(), float((w * wrong).sum())

    def g(self, Z):
        name, slope = self.settings.activation, self.settings.leaky_slope
        if name in ("relu", "leaky_relu"):
            return np.where(Z > 0, Z, (slope if name == "leaky_relu" else 0) * Z)
        return np.tanh(Z) if name == "tanh" else 1 / (1 + np.exp(-Z))

    def g_prime(self, Z):
        name, slope = self.settings.activation, self.settings.leaky_slope
        if name in ("relu", "leaky_relu"):
            return np.where(Z > 0, 1.0, slope if name == "leaky_relu" else 0.0)
        return 1 - np.tanh(Z) ** 2 if name == "tanh" else self.g(Z) * (1 - self.g(Z))

    def update(self, grads, alpha):
        """One step of the chosen optimiser for every parameter."""
        o, t = self.settings, self.step
        for name, dW in grads.items():
            v, s = self.v.get(name, 0.0), self.s.get(name, 0.0)
            if o.optimizer == "gd":
                change = dW
            elif o.optimizer == "momentum":
                v = o.momentum * v + (1 - o.momentum) * dW
                change = v
            elif o.optimizer == "rmsprop":
                s = o.beta2 * s + (1 - o.beta2) * dW**2
                change = dW / (np.sqrt(s) + o.epsilon)
            else:
                v = o.beta1 * v + (1 - o.beta1) * dW
                s = o.beta2 * s + (1 - o.beta2) * dW**2
                change = v / (1 - o.beta1**t) / (np.sqrt(s / (1 - o.beta2**t)) + o.epsilon)
            self.v[name], self.s[name] = v, s
            self.params[name] = self.params[name] - alpha * change


def loss(kind, Z, Y, limit=0.0):
    """Losses (m,), errors (m,), dZ of the mean cost; Y is (1, m) of classes, or (k, m) of targets."""
    m = Z.shape[1]
    if kind == "regression":
        k = Z.shape[0]
        squares = ((Z - Y) ** 2).mean(axis=0)
        return squares, squares, 2 * (Z - Y) / (k * m)
    y = Y[0]
    if kind == "binary":
        A = 1 / (1 + np.exp(-Z))
        losses = -(y * np.log(A) + (1 - y) * np.log(1 - A))[0]
        return losses, (A[0] > 1 / (1 + math.exp(-limit))) != y, (A - y) / m
    t = np.exp(Z - Z.max(axis=0))
    A = t / t.sum(axis=0)
    one_hot = np.eye(Z.shape[0])[:, y]
    return -np.log(A[y, np.arange(m)]), A.argmax(axis=0) != y, (A - one_hot) / m


def batch_norm_backward(dZ_tilde, Z_norm, gamma, deviation):
    """dZ of Z~ = gamma (Z - mu)/sqrt(sigma^2 + eps) + beta: the chain rule through mu and sigma^2."""
    m = dZ_tilde.shape[1]
    dZ_norm = dZ_tilde * gamma
    centred = Z_norm * deviation
    dvariance = (dZ_norm * centred).sum(axis=1, keepdims=True) * -0.5 / deviation**3
    dmu = -dZ_norm.sum(axis=1, keepdims=True) / deviation - 2 * dvariance * centred.mean(
        axis=1, keepdims=True
    )
    return dZ_norm / deviation + dvariance * 2 * centred / m + dmu / m


def learning_rate(decay, alpha0, rate, width, epoch, t):
    """alpha of an epoch (1, 2, ...) and step t (1, 2, ...)."""
    return {
        "none": alpha0,
        "inverse": alpha0 / (1 + rate * epoch),
        "exponential": rate**epoch * alpha0,
        "inverse_sqrt": rate / math.sqrt(epoch) * alpha0,
        "inverse_sqrt_step": rate / math.sqrt(t) * alpha0,
        "staircase": alpha0 * rate ** math.floor((epoch - 1) / width),
    }[decay]


def error_of(kind, errors, m, deviation):
    return math.sqrt(errors / m) / deviation if kind == "regression" else errors / m


def near_zero(weights):
    return sum((np.abs(W) < 1e-3).sum() for W in weights) / sum(W.size for W in weights)
