"""The sections of a report on what was searched and how: data, space, strategy, versions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import orjson

import caviar
from caviar.proof import machine
from caviar.search.parameters import Choice, Fixed, Range
from caviar.search.space import Space
from caviar.service.api.report_parts import Block, Paragraph, Table
from caviar.service.api.report_words import moment, number, short
from caviar.service.usecases.paper import Paper
from caviar.trainer.data.split import fractions

CUT = (
    *("split", "folds", "repeats", "groups", "split_groups", "ordered", "seed", "normalize", "dev", "test"),
    "more_training_data",
)


def data(paper: Paper) -> Iterator[Block]:
    """Say what was trained on, and how it was cut."""
    spec, source, known = paper.spec, paper.source or {}, paper.dataset
    rows: list[tuple[str, str]] = [("Data set", str(spec.dataset.get("name", "of the training script")))]
    if "upload" in source:
        rows.append(("Digest of the file", str(source["upload"]["digest"])))
    if known is not None:
        target = known.get("target") or {}
        rows.append(("Size", f"{known['rows']} rows, {len(known.get('features') or ())} features"))
        names = ", ".join(map(str, target.get("names") or ()))
        rows.append(("Target", f"{names} ({spec.dataset.get('task') or target.get('task', '')})"))
    rows += [(name, short(spec.dataset[name])) for name in CUT if spec.dataset.get(name) is not None]
    if known is not None and spec.trainer == "mlp" and not spec.dataset.get("folds"):
        rows.append(("Shares", _shares(spec.dataset, int(known["rows"]))))
    yield Table(rows)
    more = {name: value for name, value in spec.dataset.items() if name not in (*CUT, "name", "upload")}
    if more:
        yield Paragraph(f"Read with {short(more)}.")


def _shares(dataset: Mapping[str, Any], rows: int) -> str:
    """Return how the rows were cut, dev and test sets from other sources left out."""
    own = {part: dataset.get(part) is not None for part in ("dev", "test")}
    found = fractions(dataset.get("split") or {}, rows, own_dev=own["dev"], own_test=own["test"])
    shares = {name: getattr(found, name) for name in ("train", "train_dev", "dev", "test")}
    return ", ".join(f"{name} {100 * share:.3g} %" for name, share in shares.items() if share)


def space_of(paper: Paper) -> Iterator[Block]:
    """Say what was searched, on which scales."""
    yield Table(_parameters(paper.spec.space), ("Parameter", "Scale", "Values", "Only if"))
    relations = [str(one.written()) for one in paper.spec.space.relations]
    if relations:
        yield Paragraph(f"Relations: {'; '.join(relations)}.")
    if paper.spec.settings:
        yield Paragraph(f"Fixed settings: {short(paper.spec.settings)}.")
    limits = [
        f"{name} {short(one.model_dump(exclude_none=True))}" for name, one in paper.spec.subject_to.items()
    ]
    if limits:
        yield Paragraph(f"Constraints: {'; '.join(limits)}.")


def _parameters(space: Space) -> list[tuple[str, str, str, str]]:
    found = []
    for name, one in space.root.items():
        when = ", ".join(f"{other} {short(value)}" for other, value in (one.when or {}).items())
        match one:
            case Range():
                step = "" if one.step is None else f", step {number(one.step)}"
                kind = f"{one.scale}{', integer' if one.type == 'int' else ''}"
                found.append((name, kind, f"{number(one.low)} to {number(one.high)}{step}", when))
            case Choice():
                found.append((name, "choice", ", ".join(map(number, one.choices)), when))
            case Fixed():
                found.append((name, "fixed", number(one.value), when))
    return found


def strategy(paper: Paper) -> Iterator[Block]:
    """Say how it was searched, and what ended it."""
    spec, row = paper.spec, paper.summary.row
    seen = f"of trials at least {spec.resolved_lag()} before" if spec.uses_results else "none"
    over = orjson.loads(row.over)["text"] if row.over else None
    if over is None:
        over = "its trials had all ended" if row.ended and row.switch != "cancelled" else "–"
        over = "it was cancelled" if row.switch == "cancelled" else over
    yield Table(
        [
            ("Strategy", short(spec.strategy)),
            ("Stopping rule", short(spec.stopping)),
            ("Budget", short(spec.budget.model_dump(exclude_none=True, exclude={"at_end"}))),
            ("What ended it", over),
            ("Trials at the same time", f"up to {spec.parallel}"),
            ("Results seen", seen),
            ("Repeatable", "yes: seed and results say every trial" if spec.reproducible else "no"),
            ("Took", "–" if paper.summary.ran is None else f"{paper.summary.ran:.0f} s, pauses left out"),
        ]
    )
    if paper.edits:
        rows = [(moment(one.created), str(one.proposed), _edit(one.before, one.after)) for one in paper.edits]
        yield Paragraph("It was edited while it ran:")
        yield Table(rows, ("When", "Trials by then", "Change"))


def _edit(before: str, after: str) -> str:
    old, new = orjson.loads(before), orjson.loads(after)
    return "; ".join(f"{name}: {short(old.get(name))} → {short(value)}" for name, value in new.items())


def versions(paper: Paper) -> Iterator[Block]:
    """Say by which seeds and which code."""
    code = machine.code()
    packages = ", ".join(
        f"{name} {value}" for name, value in code.items() if name not in ("caviar", "source")
    )
    yield Table(
        [
            ("Seed of the search", str(paper.summary.row.seed)),
            ("Seeds of the trials", "from the search's seed and the trial's number; the leaders' are above"),
            ("Server", f"Caviar {caviar.__version__}, {packages}"),
            ("Source", str(code["source"])),
            ("Workers", "; ".join(paper.agents) or "–"),
        ]
    )
