"""The parts that a report is made of: paragraphs, tables and pictures, whatever it is written as."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Paragraph:
    """Some sentences."""

    text: str


@dataclass(frozen=True)
class Table:
    """Rows of texts under their names; without names a list of facts, each a name and what it is."""

    rows: Sequence[Sequence[str]]
    names: Sequence[str] = ()


@dataclass(frozen=True)
class Picture:
    """An SVG document, and what it shows in words."""

    svg: str
    caption: str


@dataclass(frozen=True)
class Code:
    """Lines that a reader may copy."""

    text: str


Block = Paragraph | Table | Picture | Code


@dataclass(frozen=True)
class Section:
    """A part of a report under its heading."""

    title: str
    blocks: list[Block] = field(default_factory=list)


@dataclass(frozen=True)
class Document:
    """A report."""

    title: str
    lead: str
    sections: list[Section]
