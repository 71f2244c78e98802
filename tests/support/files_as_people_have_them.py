"""Files of a few columns, written as people write them, and what an upload says of them."""

import numpy as np
import pytest

from caviar.trainer.problem import DataError

ROWS = 60
RNG = np.random.default_rng(0)
NUMBERS = [f"{value:.3f}" for value in RNG.normal(size=ROWS)]
LABELS = ["no", "yes"]


def table(columns, delimiter=",", header=True):
    """Return the text of a file: these columns, a column of numbers before them and the label behind."""
    all_columns = {"size": NUMBERS, **columns}
    lines = [delimiter.join([*all_columns, "label"])] if header else []
    for row in range(ROWS):
        lines.append(delimiter.join([*(str(c[row]) for c in all_columns.values()), LABELS[row % 2]]))
    return "\n".join(lines)


def refusal(upload, content, **options):
    with pytest.raises(DataError) as raised:
        upload(content, **options)
    return raised.value.problems[0]


def noted(found):
    return {note["column"]: (note["kind"], note["message"]) for note in found["notes"]}


def cycle(*values):
    return [values[row % len(values)] for row in range(ROWS)]


CSV = table({"k": cycle("a", "b", "c")})
