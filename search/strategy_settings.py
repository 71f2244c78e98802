"""The strategies: name, settings, what each needs, and where its function is.

A strategy is a class in `STRATEGIES`. Checks, error messages, forms, the REST document and the table in
docs/strategies.md follow from it.
"""

from collections.abc import Iterator
from importlib.util import find_spec
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self, TypeAlias, Union

from pydantic import Field, model_validator

from caviar.search.methods import Method, by_name
from caviar.search.parameters import refuse
from caviar.search.problem import Problem
from caviar.search.space import Space, varying


class Strategy(Method):
    """Proposes points."""

    function: ClassVar[str]  # module:function, imported when first asked for
    slow: ClassVar[bool] = False  # proposed ahead, in a thread of its own
    package: ClassVar[str | None] = None  # which must be installed, as Python imports it
    extra: ClassVar[str | None] = None  # of caviar, that brings the package
    instead: ClassVar[str] = "coarse_to_fine"  # what to take where this one cannot work
    most_dimensions: ClassVar[int | None] = None
    several: ClassVar[bool] = True  # whether it takes several objectives
    takes_enqueued: ClassVar[bool] = False  # whether it proposes the points given by hand itself
    takes_evidence: ClassVar[bool] = False  # whether it uses results of earlier searches
    takes_parents: ClassVar[bool] = False  # whether it looks at which trial each one goes on from

    @classmethod
    def describe(cls, schema: dict[str, Any]) -> None:
        """Add to its schema what forms need to know beside its settings."""
        super().describe(schema)
        schema["x-slow"] = cls.slow
        if cls.extra is not None:
            schema["x-extra"] = cls.extra

    @classmethod
    def installed(cls) -> bool:
        """Return whether the package it needs is there."""
        return cls.package is None or find_spec(cls.package) is not None

    def problems(self, dimensions: int) -> Iterator[Problem]:
        """Return what keeps it from searching a space of so many coordinates here."""
        if not self.installed():
            said = f"{self.name} needs the package {self.package}"
            yield Problem("name", said, f"install caviar[{self.extra}], or take {self.instead}")
        if self.most_dimensions is not None and dimensions > self.most_dimensions:
            said = f"{self.name} takes {self.most_dimensions} coordinates at most, the space has {dimensions}"
            yield Problem("name", said, f"take {self.instead}")


class Random(Strategy):
    """Every point by itself, uniform on the scales."""

    function = "caviar.search.random:propose"

    name: Literal["random"] = "random"


class Sobol(Strategy):
    """Scrambled Sobol sequence: random, but evenly spread."""

    title = "Sobol (random, evenly spread)"
    function = "caviar.search.sobol:propose"

    name: Literal["sobol"] = "sobol"


class Grid(Strategy):
    """Every combination of a few values per axis; for comparison."""

    function = "caviar.search.grid:propose"

    name: Literal["grid"] = "grid"


class CoarseToFine(Strategy):
    """Rounds of boxes, each around the good points of the one before."""

    function = "caviar.search.coarse_to_fine:propose"
    uses_results = True
    takes_evidence = True

    name: Literal["coarse_to_fine"] = "coarse_to_fine"
    rounds: int | None = Field(default=None, ge=1, le=100, description="Default: by the budget.")
    epochs_per_round: list[Annotated[int, Field(ge=1)]] | None = Field(
        default=None,
        description="Coarse in time too: epochs of the first trials, of later ones, of the last.",
    )
    version: Literal[1, 2] = Field(
        default=2, description="A search keeps the one it began with; 1 never tries a point again."
    )

    @model_validator(mode="after")
    def _epochs(self) -> Self:
        epochs = self.epochs_per_round
        if epochs is None:
            return self
        if not epochs or sorted(epochs) != epochs:
            raise refuse(
                "epochs_per_round", f"{epochs} does not grow", "give ascending epochs, say [3, 10, 30]"
            )
        if self.rounds is not None and self.rounds != len(epochs):
            raise refuse("epochs_per_round", f"{len(epochs)} for {self.rounds} rounds", "give one per round")
        return self


class Tpe(Strategy):
    """Tree-structured Parzen estimator, by Optuna."""

    title = "TPE"
    function = "caviar.search.optuna_bridge:tpe"
    uses_results = True
    slow = True

    name: Literal["tpe"] = "tpe"
    startup: int = Field(default=10, ge=1, description="Random trials before the estimator begins.")


class Gp(Strategy):
    """Gaussian process, by Optuna."""

    title = "Gaussian process"
    function = "caviar.search.optuna_bridge:gp"
    uses_results = True
    slow = True
    package = "torch"
    extra = "gp"
    instead = "tpe"

    name: Literal["gp"] = "gp"
    startup: int = Field(default=10, ge=1, description="Random trials before the process begins.")


class Cmaes(Strategy):
    """Covariance matrix adaptation, by the package `cmaes`."""

    title = "CMA-ES"
    function = "caviar.search.cmaes:propose"
    uses_results = True
    slow = True
    several = False
    most_dimensions = 200  # the work grows with their third power
    instead = "coarse_to_fine or sobol"

    name: Literal["cmaes"] = "cmaes"
    startup: int = Field(default=1, ge=1, description="Random trials before the adaptation begins.")


class Nsga2(Strategy):
    """Genetic algorithm for several objectives, by Optuna."""

    title = "NSGA-II"
    function = "caviar.search.optuna_bridge:nsga2"
    uses_results = True
    slow = True

    name: Literal["nsga2"] = "nsga2"
    population: int = Field(default=20, ge=4, le=1000, description="Trials per generation.")


class Population(Strategy):
    """A fleet that trains in turns: the weak copy the strong and vary their settings."""

    title = "population (schedules)"
    function = "caviar.search.population:propose"
    uses_results = True
    several = False
    takes_enqueued = True
    takes_parents = True

    name: Literal["population"] = "population"
    members: int = Field(default=8, ge=2, le=10_000, description="Trainings that go on side by side.")
    epochs_per_turn: int = Field(
        default=5,
        ge=1,
        le=10**6,
        description="Epochs between two comparisons; a trial is one turn of a member.",
    )
    share: float = Field(
        default=0.25, gt=0, le=0.5, description="Share of the members that copy one of as many of the best."
    )
    explore: Literal["perturb", "model"] = Field(
        default="perturb",
        description="How a copy's settings vary: times 1.2 or 0.8, or by a model of what turns gain (PB2).",
    )
    vary: list[str] | None = Field(
        default=None,
        description="Parameters that a copy varies; the others stay what a member began with. Default: those "
        "that the trainer can change in a running trial.",
    )

    def varied(self, space: Space) -> frozenset[str]:
        """Name the parameters that vary; those that others hang on never do."""
        names = varying(space) if self.vary is None else self.vary
        return frozenset(names)

    def sees_below(self, number: int, lag: int) -> int:
        """Return the number below which a turn sees results: those of the turn before, but for the last."""
        if number < self.members:
            return 0
        return min(number - lag, number // self.members * self.members)

    def default_lag(self, parallel: int) -> int:
        """Return for how many of the last members a turn does not wait: as many as train beside it."""
        return min(parallel - 1, self.members // 2)


STRATEGIES: tuple[type[Strategy], ...] = (
    CoarseToFine,
    Random,
    Sobol,
    Grid,
    Tpe,
    Gp,
    Cmaes,
    Nsga2,
    Population,
)
if TYPE_CHECKING:
    AnyStrategy: TypeAlias = Strategy
else:
    AnyStrategy = Annotated[
        Annotated[Union[STRATEGIES], Field(discriminator="name")],  # noqa: UP007
        by_name(STRATEGIES),
    ]
