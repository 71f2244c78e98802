"""Data frames of whatever library: all that speak Arrow's protocol of streams, as pandas and polars do."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Protocol, TypeGuard

if TYPE_CHECKING:
    import pyarrow

_INDEX = "__index_level_"  # columns that pandas makes of an index with labels


class Frame(Protocol):
    """A data frame."""

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """Return its columns as a stream of Arrow's."""


def is_frame(value: object) -> TypeGuard[Frame]:
    """Return whether something is a data frame."""
    return hasattr(value, "__arrow_c_stream__")


def arrow_of(frame: Frame) -> pyarrow.Table:
    """Return the columns of a data frame, without the index of pandas."""
    import pyarrow

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The DataFrame has column names of mixed type", UserWarning)
        table = pyarrow.table(frame)
    return table.drop_columns([name for name in table.column_names if name.startswith(_INDEX)])
