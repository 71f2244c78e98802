"""What is wrong with a setting or a data set: the field, what is the matter, and what to do about it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Self


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
    fixes : tuple of mappings
        The same for a machine: options of the data set, each of which by itself ends the problem, such as
        ``{"ignore": ["day"]}``. Lists and mappings add to what was given before.
    """

    field: str
    message: str
    remedy: str
    fixes: tuple[Mapping[str, Any], ...] = ()

    def __str__(self) -> str:
        return f"{self.field}: {self.message} ({self.remedy})"

    def of_file(self, path: str) -> Self:
        """Return the problem as it is told of a file whose path means nothing to a user."""
        message, remedy = (text.replace(path, "the file") for text in (self.message, self.remedy))
        return replace(self, message=message, remedy=remedy)

    def as_dict(self) -> dict[str, Any]:
        """Return plain JSON: the three texts, and the fixes where there are some."""
        texts = {"field": self.field, "message": self.message, "remedy": self.remedy}
        return texts | ({"fixes": list(self.fixes)} if self.fixes else {})


class ProblemsError(ValueError):
    """Something cannot be trained; ``problems`` says what, each with its field and remedy."""

    def __init__(self, problems: Problem | Iterable[Problem]):
        self.problems = [problems] if isinstance(problems, Problem) else list(problems)
        super().__init__("; ".join(str(problem) for problem in self.problems))

    def __reduce__(self) -> tuple[type[Self], tuple[list[Problem]]]:
        return type(self), (self.problems,)  # an error may have to cross to another process

    @classmethod
    def of(cls, field: str, message: str, remedy: str, *fixes: Mapping[str, Any]) -> Self:
        """Make the error of a single problem."""
        return cls(Problem(field, message, remedy, fixes))


class SettingError(ProblemsError):
    """Settings that cannot be trained with."""


class DataError(ProblemsError):
    """Data that cannot be read or trained on."""


class AskedError(ProblemsError):
    """What is asked of a model or trial cannot be answered: there is no such column, or it is too much."""
