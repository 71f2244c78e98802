"""What a person should know of how a file is read; told with the description of the data set."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from caviar.trainer.data.columns import MOST_ONCE
from caviar.trainer.data.numerals import plain
from caviar.trainer.data.reading import Layout, Treatment
from caviar.trainer.data.spelling import folded
from caviar.trainer.data.table import Array

MOST_SHOWN = 5
_MOST_MARKERS = 3  # texts among numbers that may mean a missing cell
_EXACT = 2.0**53  # whole numbers beyond it have neighbours that are the same float64
_SENTINELS = (-9, -99, -999, -9999, -99999, 999, 9999, 99999)


@dataclass(frozen=True)
class Note:
    """One thing that was found.

    Attributes
    ----------
    kind : {"left out", "changed", "doubtful"}
    column : str
        Empty where it is the whole file.
    message, remedy : str
    """

    kind: str
    column: str
    message: str
    remedy: str = ""


def text_note(name: str, levels: Sequence[str], counts: Array) -> tuple[Treatment | None, Note | None]:
    """Return the spellings of a column's texts, and a note where a text has several.

    The most frequent spelling stands for all. Texts of one letter keep their case: a and A may be codes.
    """
    spellings: dict[str, dict[str, int]] = {}
    for level, count in zip(levels, counts, strict=True):
        key = folded(level) if len(level) > 1 else level
        spellings.setdefault(key, {})[level] = int(count)
    several = {
        key: max(one, key=lambda text, one=one: (one[text], text))  # type: ignore[misc]
        for key, one in spellings.items()
        if len(one) > 1
    }
    if not several:
        return Treatment(texts={}), None
    merged = [", ".join(map(repr, spellings[key])) for key in several]
    more = f" and {len(merged) - MOST_SHOWN} more" * (len(merged) > MOST_SHOWN)
    what = f"{' / '.join(merged[:MOST_SHOWN])}{more} are one text each"
    return Treatment(texts=several), Note("changed", name, what, "list it in as_is if they differ")


def markers(levels: Sequence[str], counts: Array) -> tuple[list[str], int]:
    """Return the few texts among numbers, and how often they occur; none where texts are many or the most."""
    texts = {level: int(n) for level, n in zip(levels, counts, strict=True) if plain(level) is None}
    often = sum(texts.values())
    if len(texts) > _MOST_MARKERS or 2 * often > counts.sum():
        return [], 0
    return sorted(texts, key=lambda text: (-texts[text], text)), often


def mixed(name: str, levels: Sequence[str], counts: Array) -> Note | None:
    """Return a doubt about a category that has mostly numbers."""
    texts, often = markers(levels, counts)
    if not texts:
        return None
    marks = ", ".join(map(repr, texts))
    what = f"it has numbers and, {often} times, {marks}: each is a category"
    return Note("doubtful", name, what, f"set missing_values: [{marks}] if that means missing")


def of_layout(form: Layout) -> list[Note]:
    """Return what is to be said of the file as a whole."""
    notes = []
    if form.compression:
        notes.append(Note("changed", "", f"the file is unpacked ({form.compression})"))
    if form.encoding not in ("utf-8", "utf-16"):
        notes.append(
            Note("changed", "", f"its texts are read as {form.encoding}", "set encoding if that is wrong")
        )
    elif form.encoding == "utf-16":
        notes.append(Note("changed", "", "its texts are read as utf-16"))
    if form.skip:
        notes.append(Note("left out", "", f"{form.skip} lines before the header"))
    if not form.header:
        notes.append(Note("changed", "", "the file has no header: its columns are column_1, column_2, ..."))
    return notes


def left_out(name: str, why: str, more: str = "") -> tuple[Treatment, Note]:
    """Leave a column out, and say why."""
    remedy = "list it in as_is to learn from it all the same"
    return Treatment(left_out=why), Note("left out", name, f"{why}; {more}" if more else why, remedy)


def hint(name: str, present: Array, whole: bool, counts: bool, called: bool) -> Note | None:
    """Return a doubt about a column of numbers: row numbers, identifiers, a number that means missing."""
    if counts and len(present) > MOST_ONCE:
        return Note("doubtful", name, "it counts the rows", "ignore it unless that means something")
    if called and whole and len(present) > MOST_ONCE and len(np.unique(present)) == len(present):
        return Note(
            "doubtful", name, "its numbers are called and look like identifiers", "ignore it if they are"
        )
    if whole and (np.abs(present) > _EXACT).any():
        what = "it has integers of more than 15 digits, the last of which are lost"
        return Note("doubtful", name, what, "list it in categorical or ignore if these are codes")
    for marker in _SENTINELS:
        if (
            (present == marker).sum() > 1
            and marker in (present.min(), present.max())
            and _is_far(present, marker)
        ):
            what = f"{marker} occurs {int((present == marker).sum())} times, far from the others"
            return Note("doubtful", name, what, f"set missing_values: [{marker}] if it means missing")
    return None


def _is_far(present: Array, marker: float) -> bool:
    others = present[present != marker]
    reach = others.max() - others.min() if len(others) else 0.0
    return bool(len(others)) and float(np.abs(others - marker).min()) > 2 * reach > 0
