"""What is to be read from a file: columns or arrays, as what, and how large it may be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from caviar.trainer.data.reading import Layout, Reading
from caviar.trainer.problem import DataError

LARGEST = 4 << 30  # bytes of a file, or of what its header says it unpacks to


@dataclass(frozen=True)
class FileRequest:
    """Which columns of a file are wanted, and as what.

    Attributes
    ----------
    target : tuple of str or int
        Columns to predict; an index in an npy file. Empty: nobody said.
    needs_target : bool
        False when the table is only predicted on.
    ignore, categorical : tuple of str
    numbers : tuple of str or None
        At prediction: columns that must be numbers; then all but these and `categorical` are left out.
    arrays : (str, str) or None
        Names of X and y in an npz file; at prediction those of training.
    reading : Reading or None
        What the upload found of the columns; None for a file that is read plainly.
    layout : Layout or None
        Of this file, where its own upload found it; else it is found again.
    field : str
        Where the source stands in what the user wrote.
    """

    target: tuple[str | int, ...] = ()
    needs_target: bool = True
    ignore: tuple[str, ...] = ()
    categorical: tuple[str, ...] = ()
    numbers: tuple[str, ...] | None = None
    arrays: tuple[str, str] | None = None
    field: str = "dataset"
    reading: Reading | None = None
    layout: Layout | None = None

    @classmethod
    def by(cls, options: Mapping[str, Any], source: Mapping[str, Any], field: str) -> FileRequest:
        """Read what a `dataset` object wants of a source: itself, or its `dev` or `test`."""
        reading, layout = _reading(options, source)
        options = {**options, **source}
        target = options.get("target")
        names = () if target is None else (target,) if isinstance(target, str | int) else tuple(target)
        ignore, categorical = (tuple(options.get(key) or ()) for key in ("ignore", "categorical"))
        arrays = options.get("arrays")
        return cls(
            names, True, ignore, categorical, None, tuple(arrays) if arrays else None, field, reading, layout
        )

    def refuse(self, key: str, message: str, remedy: str, *fixes: Mapping[str, Any]) -> DataError:
        """Make the error that names a key of this source; fixes are told of a training source alone."""
        if self.field != "dataset" or self.numbers is not None:
            fixes = ()
        possible = [one for one in fixes if not set(one.get("ignore", ())) & set(self.target)]
        return DataError.of(f"{self.field}.{key}", message, remedy, *possible)


def _reading(options: Mapping[str, Any], source: Mapping[str, Any]) -> tuple[Reading | None, Layout | None]:
    """Return what is done with the columns, as in training, and the layout of this source if it is known."""
    if options.get("reading") is None:
        return None, None
    found = Reading.from_dict(options["reading"])
    wanted = [options.get(key) for key in ("weights", "groups", "split_groups")]
    needed = [name for name, how in found.columns.items() if how.left_out and name in wanted]
    as_is = (*(options.get("as_is") or ()), *needed)
    columns = found.without(as_is, options.get("image_shape") is not None)
    if source is options:
        return columns, found.layout
    own = source.get("reading")
    return columns, Reading.from_dict(own).layout if own else None
