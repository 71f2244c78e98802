"""Settings of the strategies, the stopping rules and the objective, as a user writes them."""

from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import BeforeValidator, Field, JsonValue, field_validator, model_validator

from caviar.search.checking import no_truth, refuse_all
from caviar.search.parameters import Model, refuse
from caviar.search.problem import Problem, unknown


class Method(Model):
    """A strategy or a stopping rule."""

    uses_results: ClassVar[bool] = False  # whether it looks at the results of other trials


class Random(Method):
    """Every point by itself, uniform on the scales."""

    name: Literal["random"] = "random"


class Sobol(Method):
    """Scrambled Sobol sequence: random, but evenly spread."""

    name: Literal["sobol"] = "sobol"


class Grid(Method):
    """Every combination of a few values per axis; for comparison."""

    name: Literal["grid"] = "grid"


class CoarseToFine(Method):
    """Rounds of boxes, each around the good points of the one before."""

    uses_results: ClassVar[bool] = True

    name: Literal["coarse_to_fine"] = "coarse_to_fine"
    rounds: int | None = Field(default=None, ge=1, le=100, description="Default: by the budget.")
    epochs_per_round: list[Annotated[int, Field(ge=1)]] | None = Field(
        default=None,
        description="Coarse in time too: epochs of the first trials, of later ones, of the last.",
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


class Tpe(Method):
    """Tree-structured Parzen estimator, by Optuna."""

    uses_results: ClassVar[bool] = True

    name: Literal["tpe"] = "tpe"
    startup: int = Field(default=10, ge=1, description="Random trials before the estimator begins.")


class Gp(Method):
    """Gaussian process, by Optuna."""

    uses_results: ClassVar[bool] = True

    name: Literal["gp"] = "gp"
    startup: int = Field(default=10, ge=1, description="Random trials before the process begins.")


class Cmaes(Method):
    """Covariance matrix adaptation, by the package `cmaes`."""

    uses_results: ClassVar[bool] = True

    name: Literal["cmaes"] = "cmaes"
    startup: int = Field(default=1, ge=1, description="Random trials before the adaptation begins.")


class NoStopping(Method):
    """Every trial runs to its end."""

    name: Literal["none"] = "none"


class Rule(Method):
    """What all stopping rules have."""

    warmup: int = Field(default=0, ge=0, description="Epochs before which nothing is stopped.")


class Median(Rule):
    """Stop below the median of the others at the same epoch."""

    uses_results: ClassVar[bool] = True

    name: Literal["median"] = "median"
    interval: int = Field(default=1, ge=1, description="Epochs between checks.")
    least: int = Field(default=4, ge=1, description="Curves needed for a comparison.")


class SuccessiveHalving(Rule):
    """Only the best 1/factor at a rung goes on to the next, which is factor times further; asynchronous."""

    uses_results: ClassVar[bool] = True

    name: Literal["successive_halving"] = "successive_halving"
    factor: int = Field(default=3, ge=2, le=10)
    first: int | None = Field(
        default=None, ge=1, description="Epoch of the first rung; default: epochs // factor^3, at least 1."
    )


class Hyperband(Rule):
    """Successive halving with several first rungs, in turn."""

    uses_results: ClassVar[bool] = True

    name: Literal["hyperband"] = "hyperband"
    factor: int = Field(default=3, ge=2, le=10)
    first: int | None = Field(
        default=None, ge=1, description="Epoch of the lowest rung; default: epochs // factor^3, at least 1."
    )


class Patience(Rule):
    """Stop a trial that has not improved on itself for some epochs."""

    name: Literal["patience"] = "patience"
    epochs: int = Field(default=10, ge=1)


class Threshold(Rule):
    """Stop a trial that is not as good as this by the end of the warm-up."""

    name: Literal["threshold"] = "threshold"
    bound: float


class Objective(Model):
    """What is to be made small or large."""

    metric: str = Field(default="dev_error", min_length=1)
    direction: Literal["minimize", "maximize"] = "minimize"

    @model_validator(mode="before")
    @classmethod
    def _known(cls, value: Any) -> Any:
        known = ["minimize", "maximize"]
        if isinstance(value, dict) and value.get("direction", known[0]) not in known:
            raise refuse_all([unknown("direction", value["direction"], known)])
        return value


class Budget(Model):
    """How much may be spent."""

    trials: int = Field(ge=1, le=10_000_000)

    _numbers = field_validator("trials", mode="before")(no_truth)


class Reevaluate(Model):
    """Train the leaders again with fresh seeds before a winner is named, so that luck does not name it."""

    leaders: int = Field(default=0, ge=0, le=1000)
    seeds: int = Field(default=2, ge=1, le=1000, description="Further trainings of each leader.")


class WarmStart(Model):
    """Begin with the best points of an earlier search; its space may be another one."""

    search: int = Field(ge=1)
    points: int = Field(default=5, ge=1, le=1000)


def _by_name(known: list[str]) -> BeforeValidator:
    """Accept a bare name for {name: ...}, and say which names there are when one is not known."""

    def check(value: Any) -> Any:
        given = {"name": value} if isinstance(value, str) else value
        if isinstance(given, dict):
            if "name" not in given:
                problem = Problem("name", "is missing", f"known: {', '.join(known)}")
                raise refuse_all([problem])
            if given["name"] not in known:
                raise refuse_all([unknown("name", given["name"], known)])
        return given

    return BeforeValidator(check)


STRATEGIES = ["random", "sobol", "grid", "coarse_to_fine", "tpe", "gp", "cmaes"]
RULES = ["none", "median", "successive_halving", "hyperband", "patience", "threshold"]
Strategy = Annotated[
    Annotated[Random | Sobol | Grid | CoarseToFine | Tpe | Gp | Cmaes, Field(discriminator="name")],
    _by_name(STRATEGIES),
]
Stopping = Annotated[
    Annotated[
        NoStopping | Median | SuccessiveHalving | Hyperband | Patience | Threshold,
        Field(discriminator="name"),
    ],
    _by_name(RULES),
]


class Turn(Model):
    """Settings that change in a running trial, at the end of an epoch (0: from the beginning)."""

    epoch: int = Field(ge=0, lt=10**9)
    set: dict[str, JsonValue] = Field(min_length=1)
