"""What the kernels are given: named tuples of flat arrays, so that no kernel takes 26 arguments.

Examples are rows: A[l] is stored (m, n[l]), row by row, and W[l] is stored (n[l-1], n[l]), the course's W
transposed, so that Z = A W runs along memory.
"""

from enum import IntEnum
from typing import Any, NamedTuple

from ..metrics import EpochMetric

# what a run is doing
TRAINING, EVALUATING = range(2)


class Status(IntEnum):
    """How a run stands. Checkpoints hold the numbers: they never change."""

    running = 0
    completed = 1
    early = 2
    diverged = 3
    diverged_dev = 4
    stopped = 5
    unknown_optimizer = 6  # these end a run that was given a code of choices.py without a kernel
    unknown_decay = 7
    unknown_activation = 8
    unknown_output = 9
    unknown_augmentation = 10


UNKNOWN = -1.0  # returned for what is never negative, where a code has no kernel

# State.counters: integers that a checkpoint carries
STEP, EPOCH, POSITION, PHASE, DEV_POSITION, MOMENTS, AVERAGED, BEST_EPOCH, STATUS, SEED, BEST_AVERAGED = (
    range(11)
)
COUNTERS = 11
# State.sums: real numbers that a checkpoint carries
COST, ERRORS, DEV_COST, DEV_ERRORS, BEST_ERROR, LAST_COST, RATE = range(7)
SUMS = 7
# Records.rows: columns of EpochMetric, then the gradient norms of the layers
NORMS = len(EpochMetric)

Array = Any


class Shape(NamedTuple):
    """The network. L layers, the output one included; sizes[l] = n[l]."""

    sizes: Array  # int64 (L + 1,)
    columns: Array  # int64 (L + 1,): A[l] begins at columns[l] * rows of Scratch.A
    weight: Array  # int64 (L,): where W[l+1] begins in State.weights
    bias: Array  # int64 (L,): b, or batch norm's beta
    gamma: Array  # int64 (L,): batch norm's gamma; -1 without
    mean: Array  # int64 (L,): batch norm's average mu; -1 without
    variance: Array  # int64 (L,): and average sigma^2
    learned: int  # State.weights[:learned] is learned, the averages follow
    activation: int
    slope: float
    output: int
    batch_norm: int
    batch_norm_momentum: float
    batch_norm_epsilon: float
    frozen: int  # so many of the first layers keep their parameters
    first: int  # State.weights[first:learned] changes


class Examples(NamedTuple):
    """The data. Either labels or targets is used."""

    X: Array  # (m * n,)
    labels: Array  # int32 (m,)
    targets: Array  # (m * k,)
    dev_X: Array  # noqa: N815
    dev_labels: Array
    dev_targets: Array
    m: int
    dev_m: int
    target_deviation: float  # standard deviation of the training targets, 1 for classes
    mu: Array  # (n,) of the normalisation, for augmentation
    sigma: Array
    image: Array  # int64 (3,): height, width, channels


class Hyper(NamedTuple):
    """Settings that may change while a run is in progress, as numbers."""

    learning_rate: float
    optimizer: int
    momentum: float
    beta1: float
    beta2: float
    epsilon: float
    decay: int
    decay_rate: float
    decay_epochs: int
    batch_size: int
    epochs: int
    l1: float
    l2: float
    patience: int
    keep: Array  # float64 (L,): keep_prob of A[0] .. A[L-1]
    augmentation: int
    strength: float


class Extras(NamedTuple):
    """What only runs with weights, a threshold or named metrics have; arrays that a run has not are empty."""

    cost_weights: Array  # float64 (m,), mean 1: what each example counts in J; empty: 1
    weights: Array  # float64 (m,), mean 1: and in errors
    dev_weights: Array  # float64 (dev_m,), mean 1: in cost and errors of the dev set
    limit: float  # of two classes the second one is predicted where z is above
    outputs: Array  # (capacity * m * n[L],) Z[L] of each example as it was trained, by epochs
    dev_outputs: Array  # (capacity * dev_m * n[L],) and of the dev set


class State(NamedTuple):
    """All that a checkpoint must hold; everything else follows from it."""

    weights: Array  # W, b, gamma, beta of every layer, then the averages of batch norm
    v: Array  # (learned,) average of the gradient
    s: Array  # (learned,) average of its square
    best: Array  # like weights, or empty without early stopping
    counters: Array  # int64 (COUNTERS,)
    sums: Array  # float64 (SUMS + 1 + L,): the last are norms of the loss's gradient, of all and of each W[l]


class Scratch(NamedTuple):
    """Room to work in; nothing outlives a mini-batch but `order`, which follows from seed and epoch."""

    product: int  # address of gemm.product_of(dtype)
    rows: int  # largest number of examples handled at once
    A: Array  # A[0] .. A[L], each (rows, n[l])
    normal: Array  # Z_norm of batch norm, laid out like A
    deviation: Array  # 1 / sqrt(sigma^2 + epsilon) per unit, by columns
    D: Array  # (rows, max n): dZ of a layer
    E: Array  # and of the layer before it
    gradient: Array  # (learned,)
    pack: Array  # panels of the matrix product
    order: Array  # int32 (m,): the shuffled examples
    identity: Array  # int32 (rows,): 0, 1, 2, ...


class Records(NamedTuple):
    """What a call to the kernels has to tell."""

    costs: Array  # float64: cost of each mini-batch
    rows: Array  # float64 (capacity, columns): finished epochs
    counts: Array  # int64 (2,): how many of each
