"""The training loop of runs with weights of examples, a threshold or named metrics.

That of epoch.py, and more. A loop of its own: with more in it, the compiler would round all other runs
differently.
"""

import numpy as np

from .arrays import part
from .compile import inlined_kernel, inner_kernel, kernel
from .epoch import FIRST, end_epoch, learn, take_examples
from .losses import loss
from .passes import backward, forward, layer_input, predict, regularize
from .random import identity_order
from .structs import (
    DEV_COST,
    DEV_ERRORS,
    DEV_POSITION,
    EPOCH,
    PHASE,
    POSITION,
    STATUS,
    STEP,
    TRAINING,
    Status,
)
from .weighted_losses import weighted_loss


@kernel
def work(shape, examples, extras, hyper, state, scratch, records, budget, until_step, until_epoch):
    """Do as `epoch.work` does."""
    counters = state.counters
    begun_in, mixed = counters[PHASE], budget >= examples.m + examples.dev_m / 3.0
    done = 0.0
    while done < budget and counters[STATUS] == Status.running and (mixed or counters[PHASE] == begun_in):
        if counters[PHASE] == TRAINING:
            if counters[STEP] >= until_step or records.counts[0] >= records.costs.size:
                break
            done += train_mini_batch(shape, examples, extras, hyper, state, scratch, records)
        else:
            done += evaluate_chunk(shape, examples, extras, state, scratch, records) / 3.0
            if counters[DEV_POSITION] >= examples.dev_m and counters[STATUS] == Status.running:
                end_epoch(shape, examples, hyper, state, scratch, records)
                if counters[EPOCH] > until_epoch or records.counts[1] >= records.rows.shape[0]:
                    break
    return done


@inlined_kernel
def train_mini_batch(shape, examples, extras, hyper, state, scratch, records):
    """One step, and its outputs kept; return the number of examples."""
    begin = state.counters[POSITION]
    m = min(hyper.batch_size, examples.m - begin)
    take_examples(shape, examples, hyper, state, scratch, begin, m)
    forward(shape, hyper, state, scratch, m)
    last = shape.weight.size
    Z, n = layer_input(shape, scratch, last, m), shape.sizes[last]
    if extras.cost_weights.size > 0 or extras.limit != 0.0:
        total, wrong = weighted_loss(
            shape.output, Z, examples.labels, examples.targets, scratch.order, begin, m, n, scratch.D,
            extras.cost_weights, extras.weights, extras.limit,
        )  # fmt: skip
    else:
        total, wrong = loss(
            shape.output, Z, examples.labels, examples.targets, scratch.order, begin, m, n, scratch.D
        )
    if extras.outputs.size > 0:
        keep_outputs(Z, scratch.order, begin, m, n, extras.outputs, records.counts[1] * examples.m)
    learn(shape, examples, hyper, state, scratch, records, total, wrong, begin, m)
    return m


@inlined_kernel
def evaluate_chunk(shape, examples, extras, state, scratch, records):
    """Add cost and errors of the next chunk of the dev set, keep its outputs; return their number."""
    begin = state.counters[DEV_POSITION]
    m = min(scratch.rows, examples.dev_m - begin)
    cost, wrong = evaluate(
        shape, state, scratch, examples.dev_X, examples.dev_labels, examples.dev_targets, extras.dev_weights,
        extras.limit, begin, m,
    )  # fmt: skip
    if extras.dev_outputs.size > 0:
        last = shape.weight.size
        Z, n = layer_input(shape, scratch, last, m), shape.sizes[last]
        first = records.counts[1] * examples.dev_m + begin
        keep_outputs(Z, scratch.identity, FIRST, m, n, extras.dev_outputs, first)
    state.sums[DEV_COST] += cost
    state.sums[DEV_ERRORS] += wrong
    state.counters[DEV_POSITION] += m
    return m


@kernel
def evaluate(shape, state, scratch, X, labels, targets, weights, limit, begin, m):
    """Return the sums of losses and of errors of the examples begin .. begin + m - 1; m <= scratch.rows."""
    n, last = shape.sizes[0], shape.weight.size
    predict(shape, state, scratch, part(X, begin * n, m * n), m)
    Z, k = layer_input(shape, scratch, last, m), shape.sizes[last]
    identity_order(part(scratch.identity, 0, m))
    if targets.size > 0:
        targets = part(targets, begin * k, m * k)
    else:
        labels = part(labels, begin, m)
    if weights.size > 0:
        weights = part(weights, begin, m)
    if weights.size > 0 or limit != 0.0:
        total, wrong = weighted_loss(
            shape.output,
            Z,
            labels,
            targets,
            scratch.identity,
            FIRST,
            m,
            k,
            scratch.D,
            weights,
            weights,
            limit,
        )
    else:
        total, wrong = loss(shape.output, Z, labels, targets, scratch.identity, FIRST, m, k, scratch.D)
    if wrong < 0:
        state.counters[STATUS] = Status.unknown_output
    return total, wrong


@kernel
def gradient_at(shape, hyper, state, scratch, X, labels, targets, cost_weights, m):
    """Return the cost of m weighted examples, regulariser included; its gradient is in scratch.gradient."""
    last = shape.weight.size
    A, n = layer_input(shape, scratch, FIRST, m), shape.sizes[last]
    for i in range(A.size):
        A[i] = X[i]
    forward(shape, hyper, state, scratch, m)
    Z = layer_input(shape, scratch, last, m)
    total, wrong = weighted_loss(
        shape.output, Z, labels, targets, scratch.identity, FIRST, m, n, scratch.D,
        cost_weights, cost_weights, 0.0,
    )  # fmt: skip
    backward(shape, hyper, state, scratch, m)
    if wrong < 0:
        state.counters[STATUS] = Status.unknown_output
    return total / m + regularize(shape, hyper, state, scratch, m)


@inner_kernel
def keep_outputs(Z, order, begin, m, n, outputs, first):
    """Copy Z of the examples order[begin:] to their places in outputs, the first of which is `first`."""
    if n == 1:  # most of the cost of metrics of a small network
        for i in range(m):
            outputs[first + np.int64(order[begin + i])] = Z[i]
        return
    for i in range(m):
        place = (first + np.int64(order[begin + i])) * n
        for j in range(n):
            outputs[place + j] = Z[i * n + j]
