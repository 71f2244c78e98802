"""What metrics.MEASURES names, of many epochs in one call: from Z of the output layer to numbers.

Arithmetic is exact, as written: a replay compares these numbers bit for bit. Where nothing defines a measure
it is NaN; where 0/0 has a usual value it is that, as in scikit-learn (docs/trainer/metrics.md).
"""

import math

import numpy as np

from ..metrics import MEASURES
from .areas import both_areas, softmax_of
from .compile import as_written

ERROR = MEASURES["error"].code
PRICE = MEASURES["price"].code
LOG_LOSS, BRIER = MEASURES["log_loss"].code, MEASURES["brier"].code
CALIBRATION_ERROR = MEASURES["calibration_error"].code
ROC_AUC, AVERAGE_PRECISION = MEASURES["roc_auc"].code, MEASURES["average_precision"].code
FIRST_OF_CLASS = MEASURES["precision"].code  # three of one class, the same three as means, and by shares
BALANCED, MACRO = MEASURES["balanced_accuracy"].code, MEASURES["precision_macro"].code
SHARES = MEASURES["precision_weighted"].code
ACCURACY = MEASURES["accuracy"].code
MSE, RMSE, MAE = MEASURES["mse"].code, MEASURES["rmse"].code, MEASURES["mae"].code
MEDIAN, R2 = MEASURES["median_absolute_error"].code, MEASURES["r2"].code
BINS = 10
_SMALLEST = 2.220446049250313e-16


@as_written
def of_classes(Z, labels, weights, codes, positive, limits, price, n, epochs, out):
    """Measure classes.

    Parameters
    ----------
    Z : ndarray(float32 or float64, (epochs * m * k,))
        Of the output layer: k is 1 for two classes, else n.
    labels : ndarray(int32, (m,))
    weights : ndarray(float64, (m,) or (0,))
        Of the rows; of none: 1 each.
    codes : ndarray(int64, (c,))
    positive : int
    limits : ndarray(float64, (epochs,))
        With two classes the second one is predicted where z is above.
    price : ndarray(float64, (n * n,) or (0,))
    n, epochs : int
        Classes; epochs that are measured.
    out : ndarray(float64, (epochs, c))
    """
    m = labels.size
    k = 1 if n == 2 else n
    deciding, ranking, judging, losing = False, False, False, False
    for code in codes:
        deciding |= code < LOG_LOSS
        ranking |= code >= ROC_AUC
        judging |= code in (BRIER, CALIBRATION_ERROR)
        losing |= code == LOG_LOSS
    counts, room = np.zeros((n, n)), np.zeros((2, max(n, BINS)))
    for e in range(epochs):
        z = Z[e * m * k : (e + 1) * m * k]
        if deciding:
            _count(z, labels, weights, limits[e], n, counts)
        if judging or losing:
            found = _of_probabilities(z, labels, weights, n, losing, judging, room)
        else:
            found = (math.nan, math.nan, math.nan)
        areas = both_areas(z, labels, weights, n, positive) if ranking else (math.nan, math.nan)
        for c in range(codes.size):
            code = codes[c]
            if code < LOG_LOSS:
                out[e, c] = _of_counts(counts, code, positive, price, n)
            elif code < ROC_AUC:
                out[e, c] = found[code - LOG_LOSS]
            else:
                out[e, c] = areas[code - ROC_AUC]


@as_written
def _count(z, labels, weights, limit, n, counts):
    """Fill counts[actual, predicted] with weights of rows."""
    counts[:] = 0.0
    weighted = weights.size > 0
    for i in range(labels.size):
        if n == 2:
            predicted = 1 if z[i] > limit else 0
        else:
            predicted, largest = 0, z[i * n]
            for j in range(1, n):  # without branches, which no processor could predict
                larger = z[i * n + j] > largest
                predicted = j if larger else predicted
                largest = z[i * n + j] if larger else largest
        counts[labels[i], predicted] += weights[i] if weighted else 1.0


@as_written
def _of_counts(counts, code, positive, price, n):
    total, right = 0.0, 0.0
    for i in range(n):
        right += counts[i, i]
        for j in range(n):
            total += counts[i, j]
    if code == ERROR:
        return (total - right) / total
    if code == ACCURACY:
        return right / total
    if code == PRICE:
        if price.size == 0:
            return math.nan
        sum_ = 0.0
        for i in range(n):
            for j in range(n):
                sum_ += counts[i, j] * price[i * n + j]
        return sum_ / total
    if code == BALANCED:
        found, classes = 0.0, 0
        for i in range(n):
            actual = counts[i].sum()
            if actual > 0.0:
                found += counts[i, i] / actual
                classes += 1
        return found / classes
    if code < MACRO:
        return _of_class(counts, positive, code - FIRST_OF_CLASS, n)
    by_shares = code >= SHARES
    which = code - (SHARES if by_shares else MACRO)
    sum_, weight = 0.0, 0.0
    for i in range(n):
        actual, predicted = counts[i].sum(), counts[:, i].sum()
        share = actual if by_shares else (1.0 if actual > 0.0 or predicted > 0.0 else 0.0)
        sum_ += share * _of_class(counts, i, which, n)
        weight += share
    return sum_ / weight


@as_written
def _of_class(counts, j, which, n):
    """Precision, recall or F1 of class j; 0 where it is 0/0."""
    hits, actual, predicted = counts[j, j], 0.0, 0.0
    for i in range(n):
        actual += counts[j, i]
        predicted += counts[i, j]
    below = predicted if which == 0 else actual if which == 1 else actual + predicted
    above = 2.0 * hits if which == 2 else hits
    return above / below if below > 0.0 else 0.0


@as_written
def _of_probabilities(z, labels, weights, n, losing, judging, room):
    """Return log loss, if `losing`, Brier score and calibration error, if `judging`."""
    loss, squares, total = 0.0, 0.0, 0.0
    a, away_from, mass = room[0], room[1], 0.0
    away_from[:] = 0.0  # of each bin: sum of w (probability - right)
    for i in range(labels.size):
        w = weights[i] if weights.size else 1.0
        y = labels[i]
        total += w
        if n == 2:
            s = np.float64(z[i])
            e = math.exp(-abs(s))
            if losing:
                loss += w * (max(-s if y == 1 else s, 0.0) + math.log1p(e))
            if judging:
                top, hit = 1.0 / (1.0 + e) if s > 0.0 else e / (1.0 + e), np.float64(y)
                squares += w * (top - hit) ** 2
        else:
            row = z[i * n : (i + 1) * n]
            best, sum_ = softmax_of(row, n, a)
            if losing:
                loss -= w * (np.float64(row[y]) - np.float64(row[best]) - math.log(sum_))
            if judging:
                top, hit = a[best], 1.0 if best == y else 0.0
                for j in range(n):
                    squares += w * (a[j] - (1.0 if j == y else 0.0)) ** 2
        if judging:
            if top == top:
                away_from[min(BINS - 1, int(top * BINS))] += w * (top - hit)
            else:
                mass = math.nan
    for place in range(BINS):
        mass += abs(away_from[place])
    return loss / total, squares / total, mass / total


@as_written
def best_limit(z, labels, weights, code, positive, price):
    """Return the limit of z with the best of a measure of decisions on two classes.

    Between two neighbouring z it lies in the middle; of equally good ones it is that nearest to 0.
    """
    m = labels.size
    order = np.argsort(z)
    counts = np.zeros((2, 2))  # at first all are above the limit
    for i in range(m):
        counts[labels[i], 1] += weights[i] if weights.size else 1.0
    sign = 1.0 if code in (ERROR, PRICE) else -1.0
    best, limit = math.inf, 0.0
    for place in range(m + 1):
        if place > 0:
            row = order[place - 1]
            w = weights[row] if weights.size else 1.0
            counts[labels[row], 1] -= w
            counts[labels[row], 0] += w
        below = np.float64(z[order[place - 1]]) if place > 0 else -math.inf
        above = np.float64(z[order[place]]) if place < m else math.inf
        if not below < above:
            continue
        if below <= 0.0 < above:
            here = 0.0
        elif place == 0:
            here = above - 1.0
        elif place == m:
            here = below + 1.0
        else:
            here = 0.5 * (below + above)
        value = sign * _of_counts(counts, code, positive, price, 2)
        if value < best - 1e-12 or (value <= best + 1e-12 and abs(here) < abs(limit)):
            best, limit = min(best, value), here
    return limit


@as_written
def of_quantities(Z, targets, weights, codes, mu, sigma, deviation, epochs, out):
    """Measure a regression in the targets' own units.

    Parameters
    ----------
    Z, targets : ndarray(float32 or float64, (epochs * m * k,) and (m * k,))
        (y - mu)/sigma.
    weights, codes, epochs, out
        As in `of_classes`.
    mu, sigma : ndarray(float64, (k,))
    deviation : float
        By which `error` is divided.
    """
    k = mu.size
    m = targets.size // k
    distances = np.empty(m)
    for e in range(epochs):
        z = Z[e * m * k : (e + 1) * m * k]
        for c in range(codes.size):
            if codes[c] == ERROR:
                out[e, c] = _root_mean_square(z, targets, weights, k) / deviation
                continue
            sum_ = 0.0
            for j in range(k):
                sum_ += _of_quantity(z, targets, weights, codes[c], mu[j], sigma[j], j, k, distances)
            out[e, c] = sum_ / k


@as_written
def _root_mean_square(z, targets, weights, k):
    sum_, total = 0.0, 0.0
    for i in range(targets.size):
        w = weights[i // k] if weights.size else 1.0
        difference = np.float64(z[i]) - np.float64(targets[i])
        sum_ += w * difference * difference
        total += w
    return math.sqrt(sum_ / total)


@as_written
def _of_quantity(z, targets, weights, code, mu, sigma, j, k, distances):
    m = distances.size
    if code == R2:  # the same in all units: without rounding, a constant target stays constant
        mu, sigma = 0.0, 1.0
    total, sum_, level = 0.0, 0.0, 0.0
    for i in range(m):
        w = weights[i] if weights.size else 1.0
        y = np.float64(targets[i * k + j]) * sigma + mu
        distance = abs(np.float64(z[i * k + j]) * sigma + mu - y)
        distances[i] = distance
        if code in (MSE, RMSE, R2):
            sum_ += w * distance * distance
        elif code == MAE:
            sum_ += w * distance
        elif code != MEDIAN:
            sum_ += w * distance / max(abs(y), _SMALLEST)
        total += w
        level += w * y
    if code == MEDIAN:
        return _median(distances, weights)
    if code == RMSE:
        return math.sqrt(sum_ / total)
    if code != R2:
        return sum_ / total
    level /= total
    spread = 0.0
    for i in range(m):
        y = np.float64(targets[i * k + j]) * sigma + mu
        spread += (weights[i] if weights.size else 1.0) * (y - level) ** 2
    if m < 2:
        return math.nan
    if spread == 0.0:
        return 1.0 if sum_ == 0.0 else 0.0
    return 1.0 - sum_ / spread


@as_written
def _median(values, weights):
    """Return the value at which half of the weight is reached, the mean of two where it is exactly half."""
    order = np.argsort(values)
    total = weights.sum() if weights.size else float(values.size)
    reached, place = 0.0, 0
    while place < values.size:
        reached += weights[order[place]] if weights.size else 1.0
        if reached >= 0.5 * total:
            break
        place += 1
    place = min(place, values.size - 1)
    here = values[order[place]]
    if reached - 0.5 * total > _SMALLEST:
        return here
    after = place + 1
    while after < values.size - 1 and weights.size and weights[order[after]] == 0.0:
        after += 1
    if after >= values.size or (weights.size and weights[order[after]] == 0.0):
        return here
    return 0.5 * (here + values[order[after]])
