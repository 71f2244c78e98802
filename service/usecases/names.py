"""Which names are taken: those that show what they are.

A name has a character that one sees, and none that is never seen: no control characters, no marks of
direction or of width zero, no ends of lines. Else two names look alike, and one mark turns round what stands
behind it. Blanks may stand between the others. Names of tokens and data sets are of few characters anyway.
What agents report is never refused; such characters are replaced there (exchange/wire.py).
"""

import unicodedata
from collections.abc import Iterable, Iterator
from itertools import pairwise

from caviar.service.errors import FieldProblem

_UNSEEN = {"Cc", "Cf", "Cs", "Zl", "Zp"}  # categories of Unicode
_JOINERS = "\u200c\u200d"  # within words of some scripts, and within emoji
_FILLERS = str.maketrans("", "", "\u2800\u3164\u115f\u1160\uffa0")  # letters that are blank


def name_problems(names: Iterable[tuple[str, str]]) -> Iterator[FieldProblem]:
    """Find names that are not taken; each comes with the field in which it stands."""
    for field, name in names:
        unseen = next(_unseen(name), None)
        if unseen is not None:
            message = f"has an invisible character in its name: U+{ord(unseen):04X}"
            yield FieldProblem(field, message, "leave it out")
        elif not name.translate(_FILLERS).strip():
            yield FieldProblem(field, "has a blank name", "write a visible name")


def _unseen(name: str) -> Iterator[str]:
    for before, one in pairwise(f" {name}"):
        joins = one in _JOINERS and not before.isascii()
        if unicodedata.category(one) in _UNSEEN and not joins:
            yield one
