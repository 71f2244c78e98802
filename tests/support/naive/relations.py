"""Uniform draws under relations the obvious way: draw from the whole space, leave out what breaks one."""

import numpy as np

from caviar.search.space import Space


def rejected(parameters, holds, count, seed, solve=None):
    """Points (count) of a space without relations for which `holds` is true.

    With `solve`, a function of the point, the drawn value of one part gives way to what a sum demands.
    """
    space, rng, found = Space.model_validate(parameters), np.random.default_rng(seed), []
    while len(found) < count:
        point = space.from_unit(rng.random(space.dimensions))
        if solve is not None:
            name, value = solve(point)
            point[name] = value
        if not space.check(point) and holds(point):
            found.append(point)
    return found
