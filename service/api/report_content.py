"""What a report of a search says, section by section, from the facts that `paper` gathers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import orjson

from caviar.metric_text import metric_text
from caviar.search.values import values_along
from caviar.service.api import report_setup, report_svg
from caviar.service.api.report_parts import Block, Code, Document, Paragraph, Picture, Section, Table
from caviar.service.api.report_words import as_yaml, moment, number
from caviar.service.ids import TrialId
from caviar.service.store.looks import StoredLook
from caviar.service.usecases.final_tests import said
from caviar.service.usecases.paper import Paper
from caviar.trial_fields import STATES

METRICS = ("dev_error", "dev_cost", "train_error", "train_cost")


def document(paper: Paper, tests_shown: bool) -> Document:
    """Return the report of a search; without `tests_shown` what looks at the test set came to is left out."""
    row, spec = paper.summary.row, paper.spec
    best = paper.best[0] if paper.best else None
    found = "No trial has a value yet."
    if best is not None:
        found = f"Best: trial {TrialId.of(best)} with {spec.objective.metric} {_value(paper, best.value)}."
    lead = (
        f"Search {row.id}, {row.proposed} trials, submitted {moment(row.created)}"
        f"{f', ended {moment(row.ended)}' if row.ended else ', not ended yet'}. {found}"
    )
    sections = [
        Section("Result", list(_result(paper))),
        Section("Data and split", list(report_setup.data(paper))),
        Section("Space", list(report_setup.space_of(paper))),
        Section("Strategy and budget", list(report_setup.strategy(paper))),
        Section("Leaders", list(_leaders(paper))),
        Section("Importance of the parameters", list(_importance(paper))),
        Section("Test set", list(_tests(paper, tests_shown))),
        Section("Failures and exclusions", list(_failures(paper))),
        Section("Diagnosis of the best trial", list(_diagnosis(paper))),
        Section("Seeds and versions", list(report_setup.versions(paper))),
        Section("Verification", list(_verification(paper))),
        Section("The search as it was submitted", [Code(as_yaml(orjson.loads(row.spec)))]),
    ]
    return Document(spec.name, lead, sections)


def _value(paper: Paper, value: float | None, metric: str | None = None) -> str:
    """Write a value of a metric, that of the objective without a name."""
    if value is None:
        return number(None)
    return metric_text(metric or paper.spec.objective.metric, value, paper.summary.target.task)


def _result(paper: Paper) -> Iterator[Block]:
    spec, best = paper.spec, paper.best[0] if paper.best else None
    if paper.spec.note:
        yield Paragraph(paper.spec.note)
    if best is not None:
        params = orjson.loads(best.params)
        yield Table(
            [
                ("Objective", ", ".join(f"{one.direction} {one.metric}" for one in spec.objectives)),
                ("Best trial", f"{TrialId.of(best)}: {_value(paper, best.value)}"),
                ("Its parameters", ", ".join(f"{name} {number(value)}" for name, value in params.items())),
            ]
        )
    winner = paper.standings.winner
    if winner is not None:
        spread = "" if winner.spread is None else f" ± {_value(paper, winner.spread)}"
        mean = f"a mean of {_value(paper, winner.mean)}{spread} over {len(winner.trainings)} trainings"
        said_of = f"Trained again with fresh seeds, trial {winner.trial} leads with {mean}."
        yield Paragraph(f"{said_of} {paper.standings.text or ''}")
    elif best is not None:
        said = "The best of many trials is partly lucky: no leader was trained again with fresh seeds."
        yield Paragraph(said)
    yield from _course(paper)


def _course(paper: Paper) -> Iterator[Block]:
    numbers, values = paper.course
    along = values_along(values, "best", paper.spec.objective.direction)
    order = list(range(1, len(numbers) + 1))
    svg = report_svg.lines(
        [
            report_svg.Line("best so far", order, along.tolist()),
            report_svg.Line("trials", order, values.tolist(), dots=True),
        ],
        "trials ended",
        paper.spec.objective.metric,
        partial(_value, paper),
    )
    if svg:
        yield Picture(svg, "Each trial's value in the order in which they ended, and the best so far.")


def _leaders(paper: Paper) -> Iterator[Block]:
    if not paper.best:
        yield Paragraph("No trial has a value.")
        return
    results = [orjson.loads(one.metrics or "{}") for one in paper.best]
    wanted = dict.fromkeys([*(one.metric for one in paper.spec.further), *METRICS])
    wanted.pop(paper.spec.objective.metric, None)
    metrics = [name for name in wanted if any(result.get(name) is not None for result in results)]
    names = list(dict.fromkeys(name for one in paper.best for name in orjson.loads(one.params)))
    rows = []
    for one, result in zip(paper.best, results, strict=True):
        params = orjson.loads(one.params)
        cells = [_value(paper, result.get(name), name) for name in metrics] + [
            number(params.get(name, "–")) for name in names
        ]
        rows.append([str(TrialId.of(one)), _value(paper, one.value), *cells, str(one.epoch), str(one.seed)])
    yield Table(rows, ["Trial", paper.spec.objective.metric, *metrics, *names, "epochs", "seed"])
    lines = [
        report_svg.Line(f"{paper.summary.row.id}.{place}", range(1, len(curve) + 1), curve.tolist())
        for place, curve in paper.curves.items()
    ]
    svg = report_svg.lines(lines, "epoch", paper.spec.objective.metric, partial(_value, paper))
    if svg:
        shown = ", ".join(line.name for line in lines)
        yield Picture(svg, f"Learning curves of the best trials, the best one first: {shown}.")


def _importance(paper: Paper) -> Iterator[Block]:
    found = paper.importance
    if found.reason is not None or not found.shares:
        yield Paragraph(found.reason or "Nothing varies.")
        return
    caption = f"Share of each parameter in being good (PED-ANOVA), from {found.trials} trials with a value."
    yield Picture(report_svg.bars(found.shares), caption)
    shares = ", ".join(f"{name} {100 * share:.0f} %" for name, share in found.shares.items())
    yield Paragraph(f"Shares: {shares}.")


def _tests(paper: Paper, shown: bool) -> Iterator[Block]:
    if not paper.looks:
        yield Paragraph("Nobody has looked at the test set with a trial of this search.")
        return
    rows = [_look(paper, one, shown) for one in paper.looks]
    yield Table(rows, ("Trial", "Look", "When", "Who", "Why", "Result, 95 % interval", "Dev set"))
    if not shown:
        yield Paragraph("Whoever may only read sees no result of a test set.")
        return
    for one in paper.looks:
        sentences, warning = said(one)
        yield Paragraph(" ".join([f"Trial {one.search_id}.{one.number}:", *sentences, warning or ""]))


def _look(paper: Paper, one: StoredLook, shown: bool) -> list[str]:
    metrics = orjson.loads(one.result)["metrics"] if shown else []
    told = [
        (m["name"], *(_value(paper, m[key], f"test_{m['name']}") for key in ("value", "low", "high", "dev")))
        for m in metrics
    ]
    results = [f"{name} {value} ({low} to {high})" for name, value, low, high, _ in told]
    dev = [f"{name} {at_dev}" for name, *_, at_dev in told]
    trial = f"{one.search_id}.{one.number}"
    head = [trial, f"number {one.nth} at this set", moment(one.created), one.who, one.why or "–"]
    return [*head, "; ".join(results) or "not shown", "; ".join(dev) or "not shown"]


def _failures(paper: Paper) -> Iterator[Block]:
    row = paper.summary.row
    counts = [f"{getattr(row, state)} {state}" for state in STATES if getattr(row, state)]
    yield Paragraph(f"Of {row.proposed} trials: {', '.join(counts) or 'none began'}.")
    if paper.summary.failures:
        yield Table([(str(count), why) for why, count in paper.summary.failures], ("Failed", "Reason"))
    if not paper.aside:
        yield Paragraph("No result was set aside.")
        return
    rows = [
        (
            str(TrialId.of(one)),
            _value(paper, one.withheld),
            f"excluded by {one.excluded_by}: {one.excluded}" if one.excluded else one.broken or "",
        )
        for one in paper.aside
    ]
    yield Table(rows, ("Set aside", "Value", "Why"))


def _diagnosis(paper: Paper) -> Iterator[Block]:
    found = paper.diagnosis
    if found is None:
        yield Paragraph("Its trainer reports no train and dev error to diagnose.")
        return
    yield Paragraph(found.summary)
    steps: Sequence[Any] = found.steps
    if steps:
        yield Table([(f"{place}.", step.text) for place, step in enumerate(steps, 1)])


def _verification(paper: Paper) -> Iterator[Block]:
    found, row = paper.verification, paper.summary.row
    if found is None:
        yield Paragraph("Not verified yet:")
        yield Code(f"caviar verify {row.id}")
        return
    told, who = found.result, found.who or "the server"
    yield Table(
        [
            (
                "Verdict",
                f"{told['verdict']}, as told by {who} on {moment(found.created)}",
            ),
            ("Proposed again as stored", f"{told['proposed_again']} of {told['trials']} trials"),
            ("Trained again", f"{told['trained_again']} trials, compared bit for bit"),
            ("Differs", str(told["differs"])),
            ("Not provable", str(told["not_provable"])),
            ("Last link of its report", str(told["last_link"])),
        ]
    )
