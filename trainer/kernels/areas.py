"""Areas under the ROC curve and under the curve of precision over recall, class by class.

Rows of equal score are one step of either curve. Without weights all sums but that of precision are of whole
or half numbers, so that both ways to them give the same bits.
"""

import math

import numpy as np

from .compile import as_written


@as_written
def softmax_of(row, n, a):
    """Write the probabilities of a row into a; return the most probable class and sum e^(z - max z)."""
    best, sum_ = 0, 0.0
    for j in range(1, n):
        if row[j] > row[best]:
            best = j
    for j in range(n):
        a[j] = math.exp(np.float64(row[j]) - np.float64(row[best]))
        sum_ += a[j]
    for j in range(n):
        a[j] /= sum_
    return best, sum_


@as_written
def both_areas(z, labels, weights, n, positive):
    """Return the areas under the ROC curve and under precision over recall."""
    m = labels.size
    scores = np.empty(m)
    if n == 2:
        for i in range(m):
            scores[i] = z[i] if positive == 1 else -z[i]
        return _areas_of(scores, labels, weights, positive)
    shares = _softmax(z, m, n)
    roc, precision, defined, there = 0.0, 0.0, 0, 0
    for j in range(n):
        for i in range(m):
            scores[i] = shares[i, j]
        one, other = _areas_of(scores, labels, weights, j)
        if one == one:
            roc += one
            defined += 1
        precision += other
        there += 1
    return roc / defined if defined else math.nan, precision / there


@as_written
def _softmax(z, m, n):
    shares = np.empty((m, n))
    for i in range(m):
        softmax_of(z[i * n : (i + 1) * n], n, shares[i])
    return shares


@as_written
def _areas_of(scores, labels, weights, j):
    """Return both areas of one class; NaN and 0 where it, or all else, is missing."""
    for i in range(labels.size):
        if scores[i] != scores[i]:
            return math.nan, math.nan
    if weights.size:
        return _areas_of_weighted(scores, labels, weights, j)
    return _areas_of_counted(scores, labels, j)


@as_written
def _areas_of_weighted(scores, labels, weights, j):
    order = np.argsort(scores)[::-1]
    m = labels.size
    hits, others, roc, precision = 0.0, 0.0, 0.0, 0.0
    begin = 0
    while begin < m:
        end, hits_here, others_here = begin, 0.0, 0.0
        while end < m and scores[order[end]] == scores[order[begin]]:
            row = order[end]
            if labels[row] == j:
                hits_here += weights[row]
            else:
                others_here += weights[row]
            end += 1
        roc += others_here * (hits + 0.5 * hits_here)
        hits += hits_here
        others += others_here
        if hits_here > 0.0:
            precision += hits_here * hits / (hits + others)
        begin = end
    return _shares_of(roc, precision, hits, others)


@as_written
def _areas_of_counted(scores, labels, j):
    """Do the same by the ranks of all others among the scores of the class: only these are sorted."""
    m = labels.size
    levels, of_class = np.empty(m), 0
    for i in range(m):
        levels[of_class] = scores[i]
        of_class += labels[i] == j
    levels = np.sort(levels[:of_class])
    ties, between = np.zeros(of_class), np.zeros(of_class + 1)  # at a level, and below it
    for i in range(m):
        if labels[i] != j:
            place, size = 0, of_class
            while size > 0:  # the first level that is not below this score
                half = size // 2
                below = levels[place + half] < scores[i]
                place = place + half + 1 if below else place
                size = size - half - 1 if below else half
            if place < of_class and levels[place] == scores[i]:
                ties[place] += 1.0
            else:
                between[place] += 1.0
    hits, roc, precision = 0.0, 0.0, 0.0
    others, end = between[of_class], of_class
    while end > 0:
        begin = end - 1
        while begin > 0 and levels[begin - 1] == levels[end - 1]:
            begin -= 1
        hits_here, others_here = np.float64(end - begin), ties[begin]
        roc += others_here * (hits + 0.5 * hits_here)
        hits += hits_here
        others += others_here
        precision += hits_here * hits / (hits + others)
        roc += between[begin] * hits
        others += between[begin]
        end = begin
    return _shares_of(roc, precision, hits, others)


@as_written
def _shares_of(roc, precision, hits, others):
    roc = roc / hits / others if hits > 0.0 and others > 0.0 else math.nan
    return roc, precision / hits if hits > 0.0 else 0.0
