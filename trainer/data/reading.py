"""How a file is read, as its upload found it: a search, a model and a prediction all go by the same words.

A data set without one (of an older version, or named by its path) is read plainly: csv_and_parquet.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from caviar.trainer.data.dates import DateFeatures
from caviar.trainer.data.numerals import Style

VERSION = 1
KINDS = ("csv", "parquet", "jsonl", "feather", "excel")  # files of cells


@dataclass(frozen=True)
class Layout:
    """How the cells stand in a file.

    Attributes
    ----------
    kind : {"csv", "parquet", "jsonl", "feather", "excel"}
    compression : {"", "gzip", "bz2", "xz", "zip"}
    encoding, delimiter : str
        Of a CSV file.
    skip : int
        Lines before the header.
    header : bool
        Whether the first line names the columns; else they are column_1, column_2, ...
    sheet : str
        Of an Excel workbook; empty for its only one.
    """

    kind: str
    compression: str = ""
    encoding: str = "utf-8"
    delimiter: str = ","
    skip: int = 0
    header: bool = True
    sheet: str = ""


@dataclass(frozen=True)
class Treatment:
    """What is done with a column; one of these.

    Attributes
    ----------
    left_out : str
        Why it is not learned from.
    numbers : Style or None
        It has numbers that are written in a way.
    texts : mapping of str to str or None
        It is a category; spellings in small letters to the one that stands for them.
    dates : DateFeatures or None
        It has dates, which become columns of numbers.
    """

    left_out: str = ""
    numbers: Style | None = None
    texts: Mapping[str, str] | None = None
    dates: DateFeatures | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return plain JSON."""
        if self.left_out:
            return {"left_out": self.left_out}
        if self.numbers:
            return {"numbers": self.numbers.as_dict()}
        return {"dates": self.dates.as_dict()} if self.dates else {"texts": dict(self.texts or {})}

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> Treatment:
        """Make a treatment of what `as_dict` returned."""
        numbers, dates = plain.get("numbers"), plain.get("dates")
        return cls(
            plain.get("left_out", ""),
            Style(**numbers) if numbers else None,
            plain.get("texts"),
            DateFeatures(dates["format"], tuple(dates["ways"]), dates["timed"], dates["origin"])
            if dates
            else None,
        )


@dataclass(frozen=True)
class Reading:
    """The layout of a file and what is done with its columns; the others are read as they stand."""

    layout: Layout
    columns: Mapping[str, Treatment] = field(default_factory=dict)
    missing: tuple[str, ...] = ()  # texts and numbers that mean a missing cell, beside the usual ones

    def of(self, name: str) -> Treatment | None:
        """Return what is done with a column."""
        return self.columns.get(name)

    def made_of(self, name: str) -> tuple[str, ...]:
        """Return the names of the features a column becomes."""
        treatment = self.columns.get(name)
        return treatment.dates.names(name) if treatment and treatment.dates else (name,)

    def without(self, names: tuple[str, ...], keep_all: bool) -> Reading:
        """Return a reading that takes these columns as they stand; with `keep_all` none is left out."""
        columns = {
            name: one
            for name, one in self.columns.items()
            if name not in names and not (keep_all and one.left_out)
        }
        return replace(self, columns=columns)

    def as_dict(self) -> dict[str, Any]:
        """Return plain JSON."""
        return {
            "version": VERSION,
            "layout": dict(vars(self.layout)),
            "columns": {name: one.as_dict() for name, one in self.columns.items()},
            "missing": list(self.missing),
        }

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> Reading:
        """Make a reading of what `as_dict` returned.

        Raises
        ------
        ValueError
            It is none, or of a later version.
        """
        try:
            if plain["version"] > VERSION:
                raise ValueError(f"it is of version {plain['version']}, {VERSION} is known")
            columns = {name: Treatment.from_dict(one) for name, one in plain["columns"].items()}
            return cls(Layout(**plain["layout"]), columns, tuple(plain["missing"]))
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"it is no description of a reading: {error}") from error
