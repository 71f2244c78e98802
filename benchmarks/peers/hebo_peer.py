"""HEBO with its defaults; it knows no conditions, so it always names all axes."""

import numpy as np
import pandas as pd
import torch
from hebo.design_space.design_space import DesignSpace
from hebo.optimizers.hebo import HEBO
from protocol import PeerAxis, Point, Worst, serve


def parameter(axis: PeerAxis) -> dict[str, object]:
    """Return an axis as HEBO has it."""
    if axis.kind == "float":
        return {"name": axis.name, "type": "num", "lb": 0.0, "ub": 1.0}
    if axis.kind == "choice":
        return {"name": axis.name, "type": "cat", "categories": list(range(axis.levels))}
    return {"name": axis.name, "type": "int", "lb": 0, "ub": axis.levels - 1}


class HeboPeer:
    """Suggestions one by one; those that still run are not told to it, for it has no place for them."""

    def __init__(self, axes: list[PeerAxis], seed: int, trials: int) -> None:
        np.random.seed(seed)
        torch.manual_seed(seed)
        torch.set_num_threads(1)
        self._axes = axes
        self._optimizer = HEBO(DesignSpace().parse([parameter(axis) for axis in axes]), scramble_seed=seed)
        self._asked: dict[int, Point] = {}
        self._worst = Worst(self._tell)
        self.tell = self._worst.tell

    def ask(self, number: int) -> Point:
        """Return the next suggestion."""
        row = self._optimizer.suggest(n_suggestions=1).iloc[0]
        point: Point = {}
        for axis in self._axes:
            point[axis.name] = float(row[axis.name]) if axis.kind == "float" else int(row[axis.name])
        self._asked[number] = point
        return point

    def _tell(self, number: int, point: Point, value: float) -> None:
        whole = {**self._asked.pop(number), **point}
        self._optimizer.observe(pd.DataFrame([whole]), np.array([[value]]))


if __name__ == "__main__":
    serve(HeboPeer)
