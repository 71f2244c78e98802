"""A command line with places for the values of a trial."""

import json
import re
import shutil
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from caviar.errors import CaviarError

OWN = ("trial", "number", "seed", "epochs", "checkpoint")  # besides settings and parameters
_PLACE = re.compile(r"\{([A-Za-z_]\w*)\}")


def check(command: Sequence[str], space: Collection[str], settings: Collection[str]) -> list[str]:
    """Return the parameters of a space that a command has no place for.

    Raises CaviarError for a command that names what no trial has, or no program.
    """
    if not command:
        raise CaviarError(
            "there is no command: write it after --, as in caviar run --search 3 -- python train.py"
        )
    known = list(dict.fromkeys([*space, *settings, *OWN]))
    used = {name for word in command for name in _PLACE.findall(word)}
    unknown = [name for name in sorted(used) if name not in known]
    if unknown:
        places = ", ".join(f"{{{name}}}" for name in known)
        raise CaviarError(f"no trial has a value for {{{unknown[0]}}}; there are {places}")
    if not _PLACE.search(command[0]) and shutil.which(command[0]) is None:
        raise CaviarError(f"there is no program {command[0]!r} here; check its name, or give its path")
    return [name for name in space if name not in used]


def filled(command: Sequence[str], values: Mapping[str, Any]) -> list[str]:
    """Return the words of a command with the values of a trial in their places.

    A word whose value the trial does not have, since a condition of the space is not met, is left out, and
    with it the option before it.
    """
    words: list[str] = []
    for word in command:
        if any(name not in values for name in _PLACE.findall(word)):
            if words and words[-1].startswith("-") and "=" not in words[-1] and not word.startswith("-"):
                words.pop()
            continue
        words.append(_PLACE.sub(lambda match: _text(values[match[1]]), word))
    return words


def _text(value: Any) -> str:
    """Write a value as a program reads it: a number so that nothing is lost, a list as JSON."""
    return value if isinstance(value, str) else json.dumps(value)
