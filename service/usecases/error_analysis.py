"""Error analysis: people look at what a model got wrong and tag it; what mending each cause would bring.

A tag belongs to a row of a data set, so another trial on the same data shows it, too. Only rows of the dev
set, and of the train-dev set, are shown and tagged: whoever knew rows of the test set would choose by them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from caviar.service.errors import ConflictError, NotFoundError, RefusedError
from caviar.service.ids import TrialId
from caviar.service.store import audit
from caviar.service.store import row_tags as rows
from caviar.service.store import trials as trial_rows
from caviar.service.store.database import Database
from caviar.service.store.datasets import UPLOAD
from caviar.service.store.row_tags import StoredTag
from caviar.service.store.snapshot import Snapshot
from caviar.service.store.transaction import Transaction
from caviar.service.usecases.examples import Example, Examples, PartExamples
from caviar.service.usecases.names import name_problems
from caviar.service.usecases.predictions import Evaluator, find_model

WRONG_LABEL = "label is wrong"
MOST_TAGS = 20  # of a row
LONGEST_TAG = 60
Part = Literal["dev", "train_dev"]
Shown = Literal["wrong", "all"]


@dataclass(frozen=True, eq=False)
class Analysis:
    """The examples of a part under a trial's model, and what people said of them."""

    trial: TrialId
    name: Part
    whole: Examples
    part: PartExamples
    dataset: Mapping[str, Any]  # of the search, resolved
    data: str  # whose rows they are: "upload:3" or "builtin:digits"
    data_name: str
    tags: Mapping[int, list[StoredTag]] = field(default_factory=dict)  # by row

    def chosen(self, shown: Shown | None, tag: str | None) -> list[Example]:
        """Return the examples that are wrong (or all), and have a tag; of a regression all.

        Raises RefusedError for the wrong ones of a regression.
        """
        regression = self.whole.kind == "regression"
        if regression and shown == "wrong":
            message = "no answer of a regression is right or wrong"
            raise RefusedError.of("show", message, "show all: they are sorted by their loss")
        found = self.part.examples
        if not regression and shown != "all":
            found = [one for one in found if one.wrong]
        if tag is not None:
            found = [one for one in found if any(each.tag == tag for each in self.tags.get(one.row, ()))]
        return found


async def analyse(store: Database, evaluator: Evaluator, trial: TrialId, part: Part) -> Analysis:
    """Judge a part of the data by a trial's model.

    Raises NotFoundError without a stored model or of a trainer that is not ours, ConflictError for a trial
    that has not ended and for data that are gone, RefusedError for a part that there is not, and what
    `Evaluator.examples` raises.
    """
    dataset = await store.read(lambda snapshot: _dataset(snapshot, trial))
    whole = await evaluator.examples(trial)
    found = whole.part(part)
    source = dataset if found.source == "dataset" else dataset[found.source.removeprefix("dataset.")]
    data = f"{UPLOAD}{source['upload']['id']}" if source.get("upload") else f"builtin:{source['name']}"
    by_row: dict[int, list[StoredTag]] = {}
    for tag in await store.read(lambda snapshot: rows.of_data(snapshot, data)):
        by_row.setdefault(tag.row, []).append(tag)
    return Analysis(trial, part, whole, found, dataset, data, str(source["name"]), by_row)


def _dataset(snapshot: Snapshot, trial: TrialId) -> dict[str, Any]:
    """Return the resolved data set of a trial whose answers can be computed."""
    row = trial_rows.get(snapshot, trial)
    if row.ended is None:
        raise ConflictError(f"trial {trial} is {row.state}; its errors are shown once it has ended")
    try:
        return find_model(snapshot, trial).dataset
    except RefusedError as error:
        message = f"the data set of search {trial.search} is gone ({error.detail})"
        raise ConflictError(f"{message}; upload it again under its name") from error


async def tag(
    store: Database, analysis: Analysis, row: int, tags: Sequence[str], label: str | None, who: str
) -> list[StoredTag]:
    """Make these the tags of a row; with a label, its own one is said to be wrong.

    Raises NotFoundError for a row that is not in this part, RefusedError for tags and labels that are
    not taken.
    """
    found = next((one for one in analysis.part.examples if one.row == row), None)
    if found is None:
        raise NotFoundError(f"row {row} of {analysis.data_name!r} is not in the {analysis.name} set")
    wanted: dict[str, str | None] = {}
    for text in tags:
        wanted[_checked(text)] = None
    if len(wanted) > MOST_TAGS:
        raise RefusedError.of("tags", f"{len(wanted)} tags for one row", f"give at most {MOST_TAGS}")
    if label is not None:
        wanted[WRONG_LABEL] = _right_label(analysis.whole, found, label)
    elif WRONG_LABEL in wanted:
        raise RefusedError.of("label", f"{WRONG_LABEL!r} comes with the right label", "give it as `label`")

    def work(tx: Transaction) -> list[StoredTag]:
        before = rows.of_row(tx, analysis.data, row)
        if {one.tag: one.label for one in before} == wanted:
            return before
        said = {"row": row, "tags": sorted(wanted)}
        audit.record(tx, "tag rows", analysis.trial, analysis.data_name, after=said)
        rows.replace(tx, analysis.data, row, wanted, who)
        return rows.of_row(tx, analysis.data, row)

    return await store.write(work, who)


def _checked(text: str) -> str:
    tag = " ".join(text.split())
    if not tag or len(tag) > LONGEST_TAG:
        message = f"{text!r:.80} is no tag"
        raise RefusedError.of("tags", message, f"write 1 to {LONGEST_TAG} characters")
    for problem in name_problems([("tags", text)]):
        raise RefusedError.of("tags", f"{text!r:.80} {problem.message}", problem.remedy)
    return tag


def _right_label(whole: Examples, example: Example, label: str) -> str:
    """Return the right label as it is stored. Raises RefusedError."""
    if whole.kind == "regression":
        if len(whole.targets) > 1:
            raise RefusedError.of("label", "there are several targets", "mend the file and upload it again")
        try:
            number = float(label)
        except ValueError:
            number = math.nan
        if not math.isfinite(number):
            raise RefusedError.of("label", f"{label!r:.60} is not a number", "write the right value")
        return label.strip()
    if label not in whole.classes:
        known = ", ".join(whole.classes[:20])
        raise RefusedError.of("label", f"no class is called {label!r:.60}", f"use one of {known}")
    if label == example.truth:
        raise RefusedError.of("label", f"{label!r:.60} is the label it has", "give another class, or none")
    return label


@dataclass(frozen=True)
class Cause:
    """A tag in the table of causes."""

    tag: str
    rows: int  # that have it, right answers among them
    wrong: int | None  # of these answered wrongly; None for a regression
    share: float  # of the whole error: of wrong answers, or of the sum of losses
    ceiling: float  # the error if all these rows were answered perfectly
    share_of_examined: float | None  # the same of the rows that have any tag
    projected: float | None  # the error if that share were mended in all rows


@dataclass(frozen=True)
class Causes:
    """The table of an error analysis, largest share first."""

    error: float
    wrong: int | None
    examined: int  # rows with any tag: of wrong answers, or of all rows of a regression
    causes: list[Cause]


def causes(analysis: Analysis) -> Causes:
    """Return what mending each cause would bring at most.

    The share of a tag is that of its rows in all that goes wrong: their weight among the wrong answers, or of
    a regression their loss among all losses, whose root is the error.
    """
    regression = analysis.whole.kind == "regression"
    examples = analysis.part.examples
    mass = {one.row: one.weight * (one.loss if regression else one.wrong or 0.0) for one in examples}
    told = analysis.part.told
    error: float = told["error"]
    total = told["rows"] * (told["loss"] if regression else error)  # weights have mean 1
    here = {row: {each.tag for each in tags} for row, tags in analysis.tags.items() if row in mass}
    examined = {row for row in here if mass[row] > 0}
    of_examined = sum(mass[row] for row in examined)

    def without(share: float) -> float:
        left = max(0.0, 1.0 - share)
        return error * math.sqrt(left) if regression else error * left

    found = []
    for name in sorted(set().union(*here.values())):
        tagged = [row for row, tags in here.items() if name in tags]
        of_tag = sum(mass[row] for row in tagged)
        share = of_tag / total if total else 0.0
        among = of_tag / of_examined if of_examined else None
        wrong = None if regression else sum(mass[row] > 0 for row in tagged)
        projected = None if among is None else without(among)
        found.append(Cause(name, len(tagged), wrong, share, without(share), among, projected))
    found.sort(key=lambda cause: (-cause.share, cause.tag))
    return Causes(error, told["wrong"], len(examined), found)
