"""New versions of data sets: the same rows with corrected labels, and who corrected what, and when."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from caviar.service.errors import ConflictError
from caviar.service.store import row_tags
from caviar.service.store import searches as search_rows
from caviar.service.store.database import Database
from caviar.service.store.datasets import CHOOSING, UPLOAD
from caviar.service.store.snapshot import Snapshot
from caviar.service.store.uploads import Uploads
from caviar.service.usecases import datasets
from caviar.service.usecases.datasets import Datasets
from caviar.service.usecases.error_analysis import WRONG_LABEL, Analysis

LONGEST_NAME = 200  # of a search


async def correct_labels(
    store: Database, uploads: Uploads, sets: Datasets, analysis: Analysis, name: str, who: str
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Make a data set of the analysed one with the labels that were said to be right in this part.

    Its parts have the same rows as before: they are cut by the labels that they had. The other tags are those
    of the new rows, too. Gives the data set, and the search of the trial on it, ready to be submitted.

    Raises ConflictError without any correction and for a name that is taken, RefusedError for a name or a
    label that will not do.
    """
    datasets.check_name(name)
    history = corrections(analysis)
    if not history:
        message = f"no label of the {analysis.name} set of trial {analysis.trial} is said to be wrong"
        raise ConflictError(f"{message}; tag the rows with the right label first")
    source, options, root = await store.read(lambda snapshot: _parent(snapshot, analysis))
    received, new = await uploads.relabelled(
        await uploads.local(source), {one["row"]: one["new"] for one in history}
    )
    try:
        new |= {key: options[key] for key in CHOOSING if key in options}  # the search may predict another
        if analysis.whole.kind != "regression":
            new["relabelled"] = _earlier_labels(options.get("relabelled"), history)
        meta = await uploads.inspect(received, new)
        version = {"of": analysis.data_name, "root": root, "by": who, "corrections": history}
        version["trial"] = str(analysis.trial)
        made, _ = await sets.keep(name, received, {**meta, "size": received.size, "version": version}, who)
    finally:
        uploads.discard(received)
    await store.write(lambda tx: row_tags.copy(tx, analysis.data, f"{UPLOAD}{made['id']}", WRONG_LABEL))
    return made, await store.read(lambda snapshot: _search_on(snapshot, analysis, name))


def corrections(analysis: Analysis) -> list[dict[str, Any]]:
    """Return the labels that are said to be wrong: row, old, new, who, when (seconds since 1970)."""
    truth = {one.row: one.truth for one in analysis.part.examples}
    return [
        {"row": row, "old": str(truth[row]), "new": tag.label, "who": tag.who, "when": tag.created}
        for row, tags in sorted(analysis.tags.items())
        for tag in tags
        if row in truth and tag.tag == WRONG_LABEL
    ]


def _parent(snapshot: Snapshot, analysis: Analysis) -> tuple[dict[str, Any], dict[str, Any], str]:
    """Return the source to be corrected, for `Uploads.local`, its options, and what it goes back to."""
    found = datasets.resolve(snapshot, {"name": analysis.data_name})
    upload = found.get("upload")
    if upload is None:
        return found, {}, analysis.data_name
    predicted = {key: analysis.dataset[key] for key in CHOOSING if analysis.dataset.get(key) is not None}
    return {**found, **predicted}, found, str(upload.get("root") or upload["digest"])


def _earlier_labels(before: Mapping[str, Any] | None, history: list[dict[str, Any]]) -> dict[str, Any]:
    """Return by which labels rows are split: those of the first version."""
    labels = {one["row"]: one["old"] for one in history}
    if before:
        labels |= dict(zip(before["rows"], before["labels"], strict=True))
    return {"rows": list(labels), "labels": list(labels.values())}


def _search_on(snapshot: Snapshot, analysis: Analysis, name: str) -> dict[str, Any]:
    """Return the trial's search as it was submitted, on the new data."""
    spec: dict[str, Any] = orjson.loads(search_rows.get(snapshot, analysis.trial.search).spec)
    dataset = dict(spec["dataset"])
    if analysis.part.source == "dataset":
        dataset["name"] = name
    else:
        part = analysis.part.source.removeprefix("dataset.")
        dataset[part] = {**dataset[part], "name": name}
    kept = {key: value for key, value in spec.items() if key not in ("lag", "warm_start")}
    return {**kept, "name": f"{spec['name']} on {name}"[:LONGEST_NAME], "dataset": dataset}
