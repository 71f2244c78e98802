"""What a trainer says of a population: which parameters a copy can vary while it trains."""

from __future__ import annotations

from caviar import trainers
from caviar.search.space import varying
from caviar.search.spec import SearchSpec
from caviar.search.strategy_settings import Population
from caviar.service.errors import FieldProblem


def steerable(trainer: str) -> list[str] | None:
    """Name the settings that may change in a running trial; None: any, or nobody knows (a script)."""
    found = trainers.get(trainer)
    if found is None:
        return None
    return [info.name for info in found.settings() if getattr(info, "steerable", False)]


def with_varied(spec: SearchSpec) -> SearchSpec:
    """Write down which parameters the copies of a population vary, where a search does not say.

    What is kept must not change with what a later version of the trainer can change.
    """
    strategy = spec.strategy
    if not isinstance(strategy, Population) or strategy.vary is not None:
        return spec
    able = steerable(spec.trainer)
    vary = [name for name in varying(spec.space) if able is None or name in able]
    return spec.model_copy(update={"strategy": strategy.model_copy(update={"vary": vary})})


def problems_of(spec: SearchSpec) -> list[FieldProblem]:
    """Return what a trainer cannot do for a population."""
    strategy, able = spec.strategy, steerable(spec.trainer)
    if not isinstance(strategy, Population) or able is None:
        return []
    remedy = f"changeable while a trial runs: {', '.join(able) or 'none'}"
    if strategy.vary is None:
        if set(varying(spec.space)) & set(able):
            return []
        return [FieldProblem("space", f"{spec.trainer} can change none of its parameters in a copy", remedy)]
    return [
        FieldProblem("strategy.vary", f"{name!r} cannot change while a trial runs", remedy)
        for name in strategy.vary
        if name not in able and name in varying(spec.space)
    ]
