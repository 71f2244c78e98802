"""Where settings of a server come from: arguments over environment, with errors that name the source."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from caviar.files import read_secret

T = TypeVar("T")
YES, NO = {"1", "true", "yes", "on"}, {"0", "false", "no", "off"}


class ConfigError(ValueError):
    """A setting the server cannot start with; names the setting and the remedy."""

    def __init__(self, setting: str, message: str, remedy: str) -> None:
        super().__init__(f"{setting}: {message}. {remedy}")
        self.setting = setting
        self.message = message
        self.remedy = remedy


@dataclass(frozen=True)
class Source:
    """Arguments over environment, with errors that name where a value came from."""

    environment: Mapping[str, str]
    arguments: Mapping[str, Any]

    def get(self, argument: str, variable: str, default: Any) -> Any:
        """Return the argument, else what the variable says, else the default."""
        given = self.arguments.get(argument)
        return given if given is not None else self.environment.get(variable) or default

    def label(self, argument: str, variable: str) -> str:
        """Name what a value came from."""
        return f"--{argument.replace('_', '-')}" if self.arguments.get(argument) is not None else variable

    def number(self, argument: str, variable: str, default: float, low: float, high: float) -> float:
        """Read a number; an integer where the default is one. Raises ConfigError."""
        value = self.get(argument, variable, default)
        try:
            number = float(value)
        except (TypeError, ValueError):
            number = float("nan")
        if not low <= number <= high or (isinstance(default, int) and number != int(number)):
            kind = "an integer" if isinstance(default, int) else "a number"
            remedy = f"Give {kind} from {low:g} to {high:g}"
            raise ConfigError(self.label(argument, variable), f"{value!r} is out of range", remedy)
        return number

    def choice(self, argument: str, variable: str, choices: tuple[str, ...]) -> str:
        """Read one of some words, the first of which is the default. Raises ConfigError."""
        value = str(self.get(argument, variable, choices[0])).lower()
        if value not in choices:
            remedy = f"Choose one of {', '.join(choices)}"
            raise ConfigError(self.label(argument, variable), f"{value!r} is unknown", remedy)
        return value

    def flag(self, argument: str, variable: str, default: bool) -> bool:
        """Read yes or no. Raises ConfigError."""
        value = str(self.get(argument, variable, default)).strip().lower()
        if value not in YES | NO:
            remedy = f"Choose one of {', '.join(sorted(YES))} or {', '.join(sorted(NO))}"
            raise ConfigError(self.label(argument, variable), f"{value!r} is neither yes nor no", remedy)
        return value in YES

    def names(self, argument: str, variable: str) -> tuple[str, ...]:
        """Read a list, in small letters, parted by commas."""
        value = self.get(argument, variable, ())
        parts = value.split(",") if isinstance(value, str) else value
        return tuple(part.strip().lower() for part in parts if part.strip())

    def secret(self, variable: str) -> str | None:
        """Read a secret from VARIABLE, or from the file that VARIABLE_FILE names."""
        path = self.environment.get(f"{variable}_FILE")
        if not path:
            return self.environment.get(variable) or None
        try:
            return read_secret(Path(path))
        except ValueError as error:
            remedy = "Give the server a readable file with the secret alone, or unset the variable"
            raise ConfigError(f"{variable}_FILE", f"{path} {error}", remedy) from None
