"""Random search: each point by itself, uniform on the scales."""

from functools import lru_cache

from search.history import History
from search.proposal import Proposal
from search.randomness import Salts, salts, uniforms
from search.space import Units
from search.spec import SearchSpec


@lru_cache(maxsize=256)
def _salts(names: tuple[str, ...]) -> Salts:
    return salts(list(names))


def draw(spec: SearchSpec, number: int, purpose: str = "") -> Units:
    """Uniform coordinates of a trial, one per axis."""
    return uniforms(spec.seed, number, _salts(tuple(axis.name for axis in spec.space.axes)), purpose)


def propose(spec: SearchSpec, number: int, history: History) -> Proposal:
    """Draw a point; the history plays no part."""
    unit = draw(spec, number)
    return Proposal(spec.space.from_unit(unit), unit, "random", "drawn at random")
