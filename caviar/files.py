"""Files of a user: searches in YAML or JSON, read with errors that name the line; what is written here."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from caviar.errors import CaviarError


def read_search(path: Path) -> dict[str, Any]:
    """Read a search from a YAML or JSON file.

    Raises CaviarError that names the file, and the line where its syntax is wrong.
    """
    try:
        text = path.read_text("utf-8")
    except FileNotFoundError:
        raise CaviarError(f"There is no file {path}") from None
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise CaviarError(f"{path} cannot be read: {reason}") from None
    data = _parse_json(path, text) if path.suffix == ".json" else _parse_yaml(path, text)
    if not isinstance(data, dict):
        raise CaviarError(
            f"{path} does not hold a search: it must be a mapping with a space, a budget and so on"
        )
    return data


def read_secret(path: Path) -> str:
    """Return the secret that a file holds. Raises ValueError, which says what is wrong with the file.

    An empty file is none: whoever names a file wants what is in it, and would not be protected without.
    """
    try:
        text = path.read_text("utf-8").strip()
    except OSError as error:
        raise ValueError(f"cannot be read ({error.strerror})") from None
    except UnicodeDecodeError:
        raise ValueError("is not text") from None
    if not text:
        raise ValueError("is empty")
    if not text.isprintable():
        raise ValueError("holds more than one line of text")
    return text


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn what goes wrong while a file is written into a CaviarError that names it."""
    try:
        yield
    except OSError as error:
        raise CaviarError(f"{path} cannot be written: {error.strerror}") from None


def _parse_json(path: Path, text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise CaviarError(f"{path}, line {error.lineno}, column {error.colno}: {error.msg}") from None


def _parse_yaml(path: Path, text: str) -> Any:
    import yaml

    try:
        return yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = f", line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise CaviarError(f"{path}{where}: {error.problem or error.context or 'not YAML'}") from None
    except (yaml.YAMLError, ValueError) as error:  # a ValueError is that of a date such as 2026-13-01
        raise CaviarError(f"{path} is not YAML: {' '.join(str(error).split())}") from None
