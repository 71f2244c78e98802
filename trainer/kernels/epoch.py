"""The training loop: units of work, each a mini-batch or a chunk of the dev set, until a budget is used.

Many short epochs pass within one call. What a call did follows from counters and seed alone, so it does not
matter how a run is cut into calls.
"""

import numpy as np

from ..choices import Output
from ..metrics import EpochMetric
from .arrays import part
from .augment import KNOWN, augment
from .compile import inlined_kernel, is_finite, kernel
from .dropout import drop
from .elementwise import copy, count_small, gather, norm
from .losses import loss
from .optimizers import decayed, update
from .passes import backward, forward, layer_input, predict, regularize
from .random import DROPOUT, SHUFFLE, identity_order, key_of, shuffle_part
from .structs import (
    AVERAGED,
    BEST_AVERAGED,
    BEST_EPOCH,
    BEST_ERROR,
    COST,
    DEV_COST,
    DEV_ERRORS,
    DEV_POSITION,
    EPOCH,
    ERRORS,
    EVALUATING,
    LAST_COST,
    MOMENTS,
    NORMS,
    PHASE,
    POSITION,
    RATE,
    SEED,
    STATUS,
    STEP,
    SUMS,
    TRAINING,
    Status,
)

NEAR_ZERO_BOUND = 1e-3
FIRST = np.int64(0)  # not a literal: Numba would compile variants of what takes it


@kernel
def work(shape, examples, hyper, state, scratch, records, budget, until_step, until_epoch):
    """Do units of work worth about `budget` examples; return how many (evaluation counts a third).

    Unless a whole epoch fits, training and evaluation are not mixed: their costs may differ by far.
    """
    counters = state.counters
    begun_in, mixed = counters[PHASE], budget >= examples.m + examples.dev_m / 3.0
    done = 0.0
    while done < budget and counters[STATUS] == Status.running and (mixed or counters[PHASE] == begun_in):
        if counters[PHASE] == TRAINING:
            if counters[STEP] >= until_step or records.counts[0] >= records.costs.size:
                break
            done += train_mini_batch(shape, examples, hyper, state, scratch, records)
        else:
            done += evaluate_chunk(shape, examples, state, scratch) / 3.0
            if counters[DEV_POSITION] >= examples.dev_m and counters[STATUS] == Status.running:
                end_epoch(shape, examples, hyper, state, scratch, records)
                if counters[EPOCH] > until_epoch or records.counts[1] >= records.rows.shape[0]:
                    break
    return done


@kernel
def restore_order(counters, order):
    """Shuffle as far as the epoch under way has come."""
    identity_order(order)
    if counters[PHASE] == TRAINING:
        shuffle_part(order, key_of(counters[SEED], SHUFFLE, counters[EPOCH], FIRST), 0, counters[POSITION])


@inlined_kernel
def train_mini_batch(shape, examples, hyper, state, scratch, records):
    """One step: examples, forward, loss, backward, regulariser, update. Return the number of examples."""
    begin = state.counters[POSITION]
    m = min(hyper.batch_size, examples.m - begin)
    take_examples(shape, examples, hyper, state, scratch, begin, m)
    forward(shape, hyper, state, scratch, m)
    last = shape.weight.size
    Z = layer_input(shape, scratch, last, m)
    total, wrong = loss(
        shape.output,
        Z,
        examples.labels,
        examples.targets,
        scratch.order,
        begin,
        m,
        shape.sizes[last],
        scratch.D,
    )
    learn(shape, examples, hyper, state, scratch, records, total, wrong, begin, m)
    return m


@inlined_kernel
def learn(shape, examples, hyper, state, scratch, records, total, wrong, begin, m):
    """From D = dZ[L] of a mini-batch, its sum of losses and its errors, to the next parameters."""
    counters, sums = state.counters, state.sums
    backward(shape, hyper, state, scratch, m)
    alpha = decayed(hyper, counters[EPOCH], counters[STEP] + 1)
    if wrong < 0:
        counters[STATUS] = Status.unknown_output
    elif alpha < 0:
        counters[STATUS] = Status.unknown_decay
    if counters[STATUS] != Status.running:
        return
    ends_epoch = begin + m >= examples.m
    if ends_epoch:
        note_norms(shape, state, scratch)
    cost = total / m + regularize(shape, hyper, state, scratch, m)
    counters[STEP] += 1
    records.costs[records.counts[0]] = cost
    records.counts[0] += 1
    if not is_finite(cost):
        counters[STATUS] = Status.diverged
        return
    counters[MOMENTS] += 1
    counters[AVERAGED] += 1
    first, size = shape.first, shape.learned - shape.first
    learned, gradient = part(state.weights, first, size), part(scratch.gradient, first, size)
    v, s = part(state.v, first, size), part(state.s, first, size)
    if not update(learned, gradient, v, s, hyper, alpha, counters[MOMENTS]):
        counters[STATUS] = Status.unknown_optimizer
        return
    sums[LAST_COST], sums[RATE] = cost, alpha
    sums[COST] += cost * m
    sums[ERRORS] += wrong
    counters[POSITION] += m
    if ends_epoch:
        counters[PHASE] = EVALUATING


@inlined_kernel
def note_norms(shape, state, scratch):
    """Keep the norms of the gradient at the last step of an epoch, of all parameters and of each W[l].

    Of the loss alone: lambda/m W does not vanish with depth, and would hide that what reaches W does.
    """
    state.sums[SUMS] = norm(part(scratch.gradient, 0, shape.learned))
    for layer in range(shape.weight.size):
        size = shape.sizes[layer] * shape.sizes[layer + 1]
        dW = part(scratch.gradient, shape.weight[layer], size)
        state.sums[SUMS + 1 + layer] = norm(dW)


@kernel
def gradient_at(shape, hyper, state, scratch, X, labels, targets, m):
    """Return the cost of m examples, regulariser included; leave its gradient in scratch.gradient."""
    last = shape.weight.size
    copy(part(X, 0, m * shape.sizes[0]), layer_input(shape, scratch, FIRST, m))
    forward(shape, hyper, state, scratch, m)
    Z = layer_input(shape, scratch, last, m)
    total, wrong = loss(
        shape.output, Z, labels, targets, scratch.identity, FIRST, m, shape.sizes[last], scratch.D
    )
    backward(shape, hyper, state, scratch, m)
    if wrong < 0:
        state.counters[STATUS] = Status.unknown_output
    return total / m + regularize(shape, hyper, state, scratch, m)


@inlined_kernel
def take_examples(shape, examples, hyper, state, scratch, begin, m):
    """Shuffle as far as needed and copy the next m examples to A[0]."""
    counters, order = state.counters, scratch.order
    n = shape.sizes[0]
    if begin == 0:
        identity_order(order)
    if hyper.batch_size < examples.m:
        shuffle_part(order, key_of(counters[SEED], SHUFFLE, counters[EPOCH], FIRST), begin, begin + m)
    A = layer_input(shape, scratch, FIRST, m)
    if hyper.augmentation & ~KNOWN:
        counters[STATUS] = Status.unknown_augmentation
    if hyper.augmentation:
        seed, epoch = counters[SEED], counters[EPOCH]
        augment(examples, order, begin, m, hyper.augmentation, hyper.strength, seed, epoch, A)
    else:
        gather(examples.X, order, begin, m, n, A)
    if hyper.keep[0] < 1.0:
        drop(A, hyper.keep[0], key_of(counters[SEED], DROPOUT, counters[STEP], FIRST))


@inlined_kernel
def evaluate_chunk(shape, examples, state, scratch):
    """Add cost and errors of the next chunk of the dev set; return the number of examples."""
    begin = state.counters[DEV_POSITION]
    m = min(scratch.rows, examples.dev_m - begin)
    cost, wrong = evaluate(
        shape, state, scratch, examples.dev_X, examples.dev_labels, examples.dev_targets, begin, m
    )
    state.sums[DEV_COST] += cost
    state.sums[DEV_ERRORS] += wrong
    state.counters[DEV_POSITION] += m
    return m


@kernel
def evaluate(shape, state, scratch, X, labels, targets, begin, m):
    """Return the sums of losses and of errors of the examples begin .. begin + m - 1; m <= scratch.rows."""
    n, last = shape.sizes[0], shape.weight.size
    predict(shape, state, scratch, part(X, begin * n, m * n), m)
    Z = layer_input(shape, scratch, last, m)
    identity_order(part(scratch.identity, 0, m))
    k = shape.sizes[last]
    if shape.output == Output.regression:
        targets = part(targets, begin * k, m * k)
    else:
        labels = part(labels, begin, m)
    total, wrong = loss(shape.output, Z, labels, targets, scratch.identity, FIRST, m, k, scratch.D)
    if wrong < 0:
        state.counters[STATUS] = Status.unknown_output
    return total, wrong


@inlined_kernel
def end_epoch(shape, examples, hyper, state, scratch, records):
    """Write the epoch's row, keep the best weights, decide whether to go on."""
    counters, sums = state.counters, state.sums
    row = records.rows[records.counts[1]]
    records.counts[1] += 1
    write_row(shape, examples, state, row)
    error = row[EpochMetric.dev_error]
    if not is_finite(sums[DEV_COST]):
        counters[STATUS] = Status.diverged_dev
        return
    if error < sums[BEST_ERROR]:
        sums[BEST_ERROR] = error
        counters[BEST_EPOCH] = counters[EPOCH]
        counters[BEST_AVERAGED] = counters[AVERAGED]
        copy(state.weights, state.best)  # whoever stops it, or sets patience later, wants them
    if hyper.patience > 0 and counters[EPOCH] - counters[BEST_EPOCH] >= hyper.patience:
        counters[STATUS] = Status.early
    elif counters[EPOCH] >= hyper.epochs:
        counters[STATUS] = Status.completed
    counters[EPOCH] += 1
    counters[POSITION] = counters[DEV_POSITION] = 0
    counters[PHASE] = TRAINING
    sums[COST] = sums[ERRORS] = sums[DEV_COST] = sums[DEV_ERRORS] = 0.0


@inlined_kernel
def write_row(shape, examples, state, row):
    """Fill one row of Records.rows."""
    counters, sums = state.counters, state.sums
    row[EpochMetric.epoch], row[EpochMetric.step] = counters[EPOCH], counters[STEP]
    row[EpochMetric.train_cost] = sums[COST] / examples.m
    row[EpochMetric.train_error] = error_of(shape, examples, sums[ERRORS], examples.m)
    row[EpochMetric.dev_cost] = sums[DEV_COST] / examples.dev_m
    row[EpochMetric.dev_error] = error_of(shape, examples, sums[DEV_ERRORS], examples.dev_m)
    row[EpochMetric.learning_rate] = sums[RATE]
    small, weights = 0, 0
    for layer in range(shape.weight.size):
        size = shape.sizes[layer] * shape.sizes[layer + 1]
        small += count_small(part(state.weights, shape.weight[layer], size), NEAR_ZERO_BOUND)
        weights += size
        row[NORMS + layer] = sums[SUMS + 1 + layer]
    row[EpochMetric.near_zero_weights] = small / weights
    row[EpochMetric.gradient_norm] = sums[SUMS]


@kernel
def error_of(shape, examples, errors, m):
    """Share of wrong classes, or root mean square in standard deviations of the training targets."""
    if shape.output == Output.regression:
        return np.sqrt(errors / m) / examples.target_deviation
    return errors / m
