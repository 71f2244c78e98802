"""Verifying a search: proposals, results, a sample of trainings; and the report that comes of it."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from caviar import trainers
from caviar.agents.dataset_files import Fetch, FetchError
from caviar.errors import CaviarError
from caviar.proof import chain, machine
from caviar.proof import record as recorded
from caviar.proof.data import Examples, Kept, digests
from caviar.proof.findings import Finding, not_provable
from caviar.proof.proposals import check_proposals
from caviar.proof.record import Recorded
from caviar.proof.results import check_results
from caviar.proof.trainings import train_again, why_not

FORMAT = "caviar-report-1"
STUDY = "optuna"  # the trainer of a study, which no agent has
SAMPLE = 5  # trials trained again of a search that took long
QUICK = 60.0  # seconds of training, up to which all trials are trained again
Sample = int | Literal["all", "quick"]  # quick: all, or SAMPLE where that would take longer than QUICK
Say = Callable[[str], None]


@dataclass
class Verdict:
    """What a verification came to."""

    proposed: int = 0  # trials proposed again, as stored
    trained: list[int] = field(default_factory=list)  # trials trained again
    trials: int = 0
    findings: list[Finding] = field(default_factory=list)

    @property
    def differing(self) -> list[Finding]:
        """What is not as it should be."""
        return [one for one in self.findings if one.kind == "differs"]

    @property
    def open(self) -> list[Finding]:
        """What cannot be told."""
        return [one for one in self.findings if one.kind == "not provable"]

    @property
    def word(self) -> str:
        """failed, passed, or passed in part: where something cannot be proven."""
        if self.differing:
            return "failed"
        return "passed in part" if self.open else "passed"

    def counts(self) -> dict[str, Any]:
        """Return it without the findings."""
        return {
            "verdict": self.word,
            "trials": self.trials,
            "proposed_again": self.proposed,
            "trained_again": len(self.trained),
            "differs": len(self.differing),
            "not_provable": len(self.open),
        }

    def as_dict(self) -> dict[str, Any]:
        """Return it as a report has it."""
        return {
            "verdict": self.word,
            "trials": self.trials,
            "proposed_again": self.proposed,
            "trained_again": self.trained,
            "findings": [one.as_dict() for one in self.findings],
        }


def verify(
    record: Mapping[str, Any],
    fetch: Fetch,
    sample: Sample = "quick",
    say: Say = lambda _text: None,
    draw: Sequence[int] | None = None,
    kept: Kept | None = None,
) -> tuple[Verdict, dict[str, Any]]:
    """Verify a record; return the verdict and the digests of the data."""
    known = Recorded(record)
    verdict = Verdict(trials=len(known.trials))
    try:
        spec = known.spec
    except ValueError as error:
        raise CaviarError(f"This installation does not accept the search: {error}") from None
    if spec.trainer == STUDY:
        said = "it is a study of Optuna: a script chose its points, pruned them and trained them"
        verdict.findings.append(not_provable("search", "", said))
        return verdict, {}
    say(f"Proposing {len(known.trials)} trials again ({spec.strategy.name}) ...")
    for _, found in check_proposals(known):
        verdict.findings += found
        verdict.proposed += not found
    verdict.findings += check_results(known)
    data = _train(known, verdict, fetch, sample, say, draw, kept)
    verdict.findings.sort(key=_place)  # a proposal that saw a changed result comes after that result
    return verdict, data


def _place(found: Finding) -> tuple[int, int]:
    number = found.where.partition(".")[2]
    return (1, int(number)) if found.where.startswith("trial ") and number.isdecimal() else (0, 0)


def _train(
    record: Recorded,
    verdict: Verdict,
    fetch: Fetch,
    sample: Sample,
    say: Say,
    draw: Sequence[int] | None,
    kept: Kept | None,
) -> dict[str, Any]:
    """Train trials again into a verdict; return the digests of their data."""
    why = why_not(record)
    if why is not None:
        verdict.findings.append(not_provable("trainings", "", why))
        return {}
    examples = Examples(record.dataset or {}, fetch, trainers.get(record.spec.trainer), kept)
    try:
        data = examples.of({**record.spec.settings})
    except (CaviarError, RuntimeError, ValueError, LookupError) as error:
        wrong = isinstance(error, FetchError)
        said = str(error)
        verdict.findings.append(
            Finding("differs", "data", "", said) if wrong else not_provable("data", "", said)
        )
        examples.close()
        return {}
    try:
        numbers = list(draw) if draw is not None else _drawn(record, sample)
        say(f"Training {len(numbers)} of {len(record.trials)} trials again ...")
        for number in numbers:
            verdict.findings += train_again(record, number, examples)
            verdict.trained.append(number)
    finally:
        examples.close()
    return digests(data)


def _drawn(record: Recorded, sample: Sample) -> list[int]:
    """Draw the trials to train again: the best, and others by chance that nobody can foresee."""
    ended = [row["number"] for row in record.trials if recorded.ended(row) and _was_trained(row)]
    if sample == "quick":
        sample = "all" if _seconds(record, ended) <= QUICK else SAMPLE
    if sample == "all":
        return ended
    best = record.search["best_number"]
    first = [best] if best in ended and sample else []
    rest = [one for one in ended if one not in first]
    chosen = random.SystemRandom().sample(rest, min(max(sample - len(first), 0), len(rest)))
    return sorted([*first, *chosen])


def _seconds(record: Recorded, numbers: Sequence[int]) -> float:
    """Return how long the trainings of some trials took, as far as they tell."""
    told = 0.0
    for number in numbers:
        for curve in record.trials[number]["curves"].values():
            told += sum(float(one) for one in curve.get("seconds", ()) if one is not None)
    return told


def _was_trained(row: recorded.Row) -> bool:
    return bool(row["curves"]) or row["epoch"] > 0 or row["state"] != "cancelled"


def report(record: Mapping[str, Any], verdict: Verdict, data: Mapping[str, Any], made: str) -> dict[str, Any]:
    """Return a report with its hash chain, to be written as JSON."""
    body = {
        "format": FORMAT,
        "made": made,
        "code": machine.code(),
        "machine": machine.machine(),
        "data": dict(data),
        "record": {
            name: record[name] for name in ("search", "dataset", "dataset_problem", "edits", "trials")
        },
        "verification": verdict.as_dict(),
    }
    return {**body, "chain": chain.chained(parts_of(body))}


def parts_of(report: Mapping[str, Any]) -> Iterator[chain.Part]:
    """Return what the links of a report's chain cover, in turn."""
    record = report["record"]
    head = {name: report[name] for name in ("format", "made")}
    yield chain.Part("report", head)
    yield chain.Part("code", {"code": report["code"], "machine": report["machine"]})
    yield chain.Part(
        "data",
        {"digests": report["data"], "dataset": record["dataset"], "problem": record["dataset_problem"]},
    )
    edits = {str(place): one for place, one in enumerate(record["edits"])}
    yield chain.Part("search", {**record["search"], "edits": edits})
    for row in record["trials"]:
        yield chain.Part(f"trial {record['search']['id']}.{row['number']}", row)
    yield chain.Part("verification", report["verification"])


def head_of(report: Mapping[str, Any]) -> str:
    """Return the last link of a report's chain: what to write down, to know the report again."""
    return str(report["chain"][-1]["link"])
