"""All problems of the quality bench, in families."""

from benchmarks.quality_grids import grids
from benchmarks.quality_kernels import weighted_kernels
from benchmarks.quality_problems import Problem, formulas, tables

FAMILIES = (
    "functions",
    "networks",
    "trees",
    "kernels",
    "conditional",
    "many parameters",
    "noisy",
    "failing",
    "small",
)


def problems() -> list[Problem]:
    """All of them."""
    return [*formulas(), *tables(), *grids(), *weighted_kernels()]
