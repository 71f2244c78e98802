"""Random search: each point by itself, uniform on the scales."""

from caviar.search.history import History
from caviar.search.proposal import Proposal, propose_at
from caviar.search.randomness import generator, uniforms
from caviar.search.space import Units
from caviar.search.spec import SearchSpec


def draw(spec: SearchSpec, number: int, purpose: str = "") -> Units:
    """Uniform coordinates of a trial, one per axis."""
    units, region = uniforms(spec.seed, number, spec.space.salts, purpose), spec.space.region
    if region is not None:
        units[region.columns] = region.draw(generator(spec.seed, number, f"{purpose} relations"), 1)[0]
    return units


def propose(spec: SearchSpec, number: int, history: History) -> Proposal:
    """Draw a point; the history plays no part."""
    return propose_at(spec.space, draw(spec, number), "random", "drawn at random")
