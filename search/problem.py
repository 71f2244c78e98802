"""What is wrong with what somebody submitted, and how to put it right."""

from dataclasses import dataclass
from difflib import get_close_matches


@dataclass(frozen=True)
class Problem:
    """One thing wrong: where it stands, what is wrong with it, what to do about it."""

    field: str
    message: str
    remedy: str = ""

    def __str__(self) -> str:
        return f"{self.field}: {self.message}" + (f" ({self.remedy})" if self.remedy else "")


class SearchError(ValueError):
    """A search cannot be accepted; `problems` names every reason at once."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = tuple(problems)


def written(value: object) -> str:
    """Write a value as in JSON and YAML where Python has a word of its own for it, also one in a list."""
    if isinstance(value, list):  # one level: what is nested deeply is wrong anyway, and must not recurse
        return f"[{', '.join(_word(item) for item in value)}]"
    return _word(value)


def _word(value: object) -> str:
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return repr(value)


def unknown(field: str, name: object, known: list[str], meant: str | None = None) -> Problem:
    """Report a name that does not exist, with the one that is `meant`, or else the nearest."""
    near = [meant] if meant else get_close_matches(str(name), known, n=1, cutoff=0.6)
    hint = f"did you mean {near[0]!r}? " if near else ""
    return Problem(field, f"{written(name)} is not known", f"{hint}known: {', '.join(known)}")
