"""What is wrong with a setting or a data set: the field, what is the matter, and what to do about it."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Self


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong.

    Attributes
    ----------
    field : str
        Where, as the user wrote it: ``settings.keep_prob``, ``dataset.split.dev``.
    message : str
        What is the matter, with the offending value.
    remedy : str
        What to do about it.
    """

    field: str
    message: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.field}: {self.message} ({self.remedy})"

    def as_dict(self) -> dict[str, str]:
        """Return the three texts as a plain dict."""
        return asdict(self)


class ProblemsError(ValueError):
    """Something cannot be trained; ``problems`` says what, each with its field and remedy."""

    def __init__(self, problems: Problem | Iterable[Problem]):
        self.problems = [problems] if isinstance(problems, Problem) else list(problems)
        super().__init__("; ".join(str(problem) for problem in self.problems))

    def __reduce__(self) -> tuple[type[Self], tuple[list[Problem]]]:
        return type(self), (self.problems,)  # an error may have to cross to another process

    @classmethod
    def of(cls, field: str, message: str, remedy: str) -> Self:
        """Make the error of a single problem."""
        return cls(Problem(field, message, remedy))


class SettingError(ProblemsError):
    """Settings that cannot be trained with."""


class DataError(ProblemsError):
    """Data that cannot be read or trained on."""
