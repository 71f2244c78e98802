"""What is wrong with a `dataset` object, before anything is trained: cheap enough for every submit."""

from __future__ import annotations

from trainer.data.description import problems_of
from trainer.problem import Problem


def check(dataset: object) -> list[Problem]:
    """Return what is wrong with a `dataset` object; an empty list if nothing is."""
    return problems_of(dataset)
