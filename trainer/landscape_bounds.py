"""How much of a plane of the cost may be asked for: apart from `landscape`, which loads Numba.

A server states these bounds and computes no plane in its own process.
"""

LEAST_PLACES, MOST_PLACES = 5, 81  # of either axis
LEAST_ROWS, MOST_ROWS = 16, 2048  # of the training set
