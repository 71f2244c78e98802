"""Looks at the test set: a person takes one, it is recorded, and its result is reached in no other way."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import orjson

from caviar.service.errors import ConflictError
from caviar.service.ids import TrialId
from caviar.service.store import audit
from caviar.service.store import looks as rows
from caviar.service.store import searches as search_rows
from caviar.service.store import trials as trial_rows
from caviar.service.store.database import Database
from caviar.service.store.looks import StoredLook
from caviar.service.store.snapshot import Snapshot
from caviar.service.store.transaction import Transaction
from caviar.service.usecases.predictions import Evaluator, find_model
from caviar.trainer.data.builtin import BUILTIN
from caviar.trainer.metrics import named


async def take(
    store: Database, evaluator: Evaluator, trial: TrialId, who: str, why: str | None
) -> StoredLook:
    """Test a finished trial's model and record the look; nothing is shown that is not recorded.

    Raises NotFoundError without a stored model or of a trainer that is not ours, ConflictError for a trial
    that has not ended and for data without a test set, UnavailableError when it took too much memory or time.
    """
    test_set, main, measures, compared = await store.read(lambda snapshot: _wanted(snapshot, trial))
    found = await evaluator.final_test(trial, main, measures)
    result = orjson.dumps({**found, "compared": compared}).decode()

    def record(tx: Transaction) -> StoredLook:
        look = rows.add(tx, trial, test_set, who, why, result)
        audit.record(tx, "test", trial, after={"nth": look.nth})  # the rest is among the looks
        return look

    return await store.write(record, who)


def _wanted(snapshot: Snapshot, trial: TrialId) -> tuple[str, str, list[str], int]:
    """Return the test set, the measure the trial was chosen by, others that were named, trials compared."""
    row = trial_rows.get(snapshot, trial)
    if row.ended is None:
        raise ConflictError(f"trial {trial} is {row.state}; the test set is for trials that have ended")
    stored = find_model(snapshot, trial)
    measures = [found.measure for name in stored.spec.named_metrics() if (found := named(name))]
    search = search_rows.get(snapshot, trial.search)
    return (
        test_set_of(stored.dataset),
        (measures or ["error"])[0],
        measures,
        search.completed + search.stopped,
    )


def test_set_of(dataset: Mapping[str, Any]) -> str:
    """Return the identity of the test set of a resolved `dataset` object, 64 hexadecimal digits.

    Searches with the same rows in it share it: those that name the same test source, or that cut it in the
    same way from the same data, whatever columns they learn from. Data with corrected labels are still the
    same rows.
    """
    own = dataset.get("test")
    sources = {"test": own} if own else {"": dataset, "dev": dataset.get("dev")}
    facts: dict[str, Any] = {name: _source(one) for name, one in sources.items() if one}
    if not own:
        if _source(dataset) in BUILTIN:  # of a version with corrected labels: a built-in set names no target
            dataset = {**dataset, "target": None}
        by_chance = () if dataset.get("ordered") else ("seed", "stratify")
        facts["cut"] = {key: dataset.get(key) for key in ("split", "target", *by_chance)}
        # Left out where they are not given: looks taken so far keep the identity of their test set.
        facts["cut"] |= {key: dataset[key] for key in ("ordered", "split_groups") if dataset.get(key)}
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def _source(source: Any) -> Any:
    if not isinstance(source, Mapping):
        return source
    upload = source.get("upload")
    return upload.get("root") or upload["digest"] if upload else source.get("name")


def said(look: StoredLook) -> tuple[list[str], str | None]:
    """Return what a look tells, in sentences, and a warning, None for the first look at its test set."""
    result = orjson.loads(look.result)
    main, compared = result["main"].replace("_", " "), result["compared"]
    lines = {
        "agrees": [f"The {main} on the test set agrees with the dev set: the difference is within chance."],
        "worse": [
            f"The {main} is worse than on the dev set by more than chance.",
            f"The dev set chose among {compared} trials: the search overfits to it, or the two sets come "
            "from different sources. Choose by a larger dev set.",
        ],
        "better": [
            f"The {main} is better than on the dev set by more than chance.",
            "Dev and test set may come from different sources: look at how they were made.",
        ],
    }[result["verdict"]]
    if look.nth == 1:
        return lines, None
    return lines, (
        f"This was the {ordinal(look.nth)} look at this test set. Once models are chosen by it, its "
        "figures are too good: collect a new test set for honest ones."
    )


def ordinal(number: int) -> str:
    """Return a number as an English ordinal, such as 3rd."""
    words = {1: "first", 2: "second", 3: "third", 4: "fourth", 5: "fifth"}
    if number in words:
        return words[number]
    ending = "th" if number % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"
