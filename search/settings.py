"""What a search has besides its space and its methods, as a user writes it."""

from typing import Annotated, Any, Literal, Self

from pydantic import Field, JsonValue, model_validator

from caviar.search.checking import refuse_all
from caviar.search.parameters import FrozenModel
from caviar.search.problem import Problem, unknown, written
from caviar.search.values import How

MOST_SOURCES = 10  # earlier searches as evidence
MOST_EPOCHS = 10_000  # that a mean is made of


class MeanOfLast(FrozenModel):
    """The mean of a trial's last epochs."""

    mean_of_last: int = Field(ge=1, le=MOST_EPOCHS)


class Objective(FrozenModel):
    """What is to be made small or large."""

    metric: str = Field(default="dev_error", min_length=1)
    direction: Literal["minimize", "maximize"] = "minimize"
    value: Literal["last", "best"] | MeanOfLast | None = Field(
        default=None,
        description="How a trial's value follows from its curve; default: the last epoch. "
        "With best the model of the best epoch is kept.",
    )
    reference: float | None = Field(
        default=None,
        allow_inf_nan=False,
        description="With several objectives: where the hypervolume begins; default: from the results.",
    )

    @property
    def sign(self) -> float:
        """By which lower becomes better."""
        return -1.0 if self.direction == "maximize" else 1.0

    @property
    def how(self) -> How:
        """What of a curve counts, as `values_along` takes it."""
        return self.value.mean_of_last if isinstance(self.value, MeanOfLast) else self.value

    @model_validator(mode="before")
    @classmethod
    def _known(cls, value: Any) -> Any:
        known = ["minimize", "maximize"]
        if isinstance(value, dict) and value.get("direction", known[0]) not in known:
            raise refuse_all([unknown("direction", value["direction"], known)])
        if isinstance(value, dict):
            _check_value(value.get("value"))
        return value


def _check_value(value: Any) -> None:
    """Refuse what is not a value of a trial, in words that pydantic's union has not."""
    if value is None or value in ("last", "best") or isinstance(value, MeanOfLast):
        return
    if not isinstance(value, dict) or set(value) != {"mean_of_last"}:
        said = f"{written(value)} is not a value of a trial"
        raise refuse_all([Problem("value", said, "write last, best, or {mean_of_last: 5}")])
    epochs = value["mean_of_last"]
    if isinstance(epochs, bool) or not isinstance(epochs, int) or not 1 <= epochs <= MOST_EPOCHS:
        said = f"{written(epochs)} is not a number of epochs"
        raise refuse_all([Problem("value.mean_of_last", said, f"give an integer from 1 to {MOST_EPOCHS}")])


class Reevaluate(FrozenModel):
    """Train the leaders again with fresh seeds before a winner is named, so that luck does not name it."""

    leaders: int = Field(default=0, ge=0, le=1000)
    seeds: int = Field(default=2, ge=1, le=1000, description="Further trainings of each leader.")


class Evidence(FrozenModel):
    """Results of an earlier search, as they were when the new one was submitted."""

    search: int = Field(ge=1)
    params: dict[str, list[JsonValue]] = Field(description="By parameter, an entry per result.")
    values: list[float | None] = Field(description="Lower is better; null is worse than every number.")

    @model_validator(mode="after")
    def _as_long(self) -> Self:
        for name, entries in self.params.items():
            if len(entries) != len(self.values):
                said = f"has {len(entries)} entries for {len(self.values)} values"
                raise refuse_all([Problem(f"params.{name}", said, "leave evidence out: the server fills it")])
        return self


class WarmStart(FrozenModel):
    """Begin with what earlier searches found; their spaces may be others."""

    search: int | None = Field(default=None, ge=1, lt=2**31, description="Try its best points first.")
    searches: list[Annotated[int, Field(ge=1, lt=2**31)]] = Field(
        default_factory=list,
        max_length=MOST_SOURCES,
        description="Use all their results, each search for as much as it predicts.",
    )
    points: int = Field(default=5, ge=1, le=1000, description="Points of each search to try first.")
    evidence: list[Evidence] = Field(
        default_factory=list,
        max_length=MOST_SOURCES,
        description="Filled at submission: their results as they were then.",
    )

    @model_validator(mode="after")
    def _one_of_two(self) -> Self:
        if (self.search is None) == (not self.searches):
            said = "is missing" if self.search is None else "is given, and search too"
            raise refuse_all([Problem("searches", said, "write {searches: [3, 7]}, or {search: 3}")])
        twice = {one for one in self.searches if self.searches.count(one) > 1}
        if twice:
            raise refuse_all([Problem("searches", f"lists {min(twice)} twice", "list each search once")])
        return self


class ScheduledChange(FrozenModel):
    """Settings that change in a running trial, at the end of an epoch (0: from the beginning)."""

    epoch: int = Field(ge=0, lt=10**9)
    set: dict[str, JsonValue] = Field(min_length=1)
