"""The trials of a search as a file: CSV, Parquet, JSON, or a study in Optuna's own SQLite form."""

from __future__ import annotations

import io
import json
import math
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson

from caviar.search.history import Floats
from caviar.search.settings import Objective
from caviar.search.spec import SearchSpec
from caviar.search.values import values_along
from caviar.service.errors import RefusedError
from caviar.service.ids import TrialId
from caviar.service.store import curves, reads
from caviar.service.store import searches as search_rows
from caviar.service.store import studies as study_rows
from caviar.service.store.clock import iso
from caviar.service.store.rows import StoredSearch
from caviar.service.store.snapshot import Snapshot
from caviar.service.usecases import fronts, study_trials
from caviar.spreadsheets import escaped, write_csv
from caviar.trial_fields import FIELDS, StoredTrial, Use

FORMATS = {
    "csv": "text/csv",
    "parquet": "application/vnd.apache.parquet",
    "json": "application/json",
    "optuna": "application/vnd.sqlite3",
}
MOST_FOR_OPTUNA = 50_000  # some ten seconds


def export(snapshot: Snapshot, search: int, kind: str) -> bytes:
    """Return the trials of a search as the bytes of a file; JSON is written where JSON is shaped.

    Raises NotFoundError, RefusedError for a format that is not known or too small for so many trials.
    """
    if kind not in FORMATS:
        raise RefusedError.of("format", f"{kind!r} is no format", f"one of: {', '.join(FORMATS)}")
    row, rows = search_rows.get(snapshot, search), reads.all_trials(snapshot, search)
    if kind == "optuna":
        return _optuna(snapshot, row, rows)
    columns = table(rows)
    if orjson.loads(row.spec).get("further"):
        found = fronts.read_front(snapshot, search)
        best = {found.numbers[place] for place in found.best}
        columns["front"] = [one.number in best for one in rows]
    return write_csv(columns).encode() if kind == "csv" else _parquet(escaped(columns))


def table(rows: Sequence[StoredTrial]) -> dict[str, list[Any]]:
    """Return trials as columns, a parameter or a metric each; a list (one value per layer) as JSON."""
    columns: dict[str, list[Any]] = {}
    for one in FIELDS:
        if Use.EXPORT not in one.use:
            continue
        values = [getattr(row, one.column) for row in rows]
        if one.members:
            found = [orjson.loads(text) if text else {} for text in values]
            for name in dict.fromkeys(name for members in found for name in members):
                columns[f"{one.column}.{name}"] = _one_type([members.get(name) for members in found])
        else:
            times = one.form == "time"
            columns[one.column] = [v if v is None else iso(v) for v in values] if times else values
    return columns


def _one_type(values: list[Any]) -> list[Any]:
    """Numbers stay numbers if all are; whatever else is mixed becomes text."""
    known = [value for value in values if value is not None]
    if all(isinstance(value, int | float) and not isinstance(value, bool) for value in known):
        whole = all(isinstance(value, int) for value in known)
        return values if whole else [None if value is None else float(value) for value in values]
    if len({type(value) for value in known}) == 1 and isinstance(known[0], bool | str):
        return values
    return [
        value if value is None or isinstance(value, str) else orjson.dumps(value).decode() for value in values
    ]


def _parquet(columns: dict[str, list[Any]]) -> bytes:
    import pyarrow.parquet  # 30 MB of memory, for those who want such a file

    file = io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.table(columns), file)
    return file.getvalue()


def _optuna(snapshot: Snapshot, search: StoredSearch, rows: Sequence[StoredTrial]) -> bytes:
    if len(rows) > MOST_FOR_OPTUNA:
        raise RefusedError.of(
            "format",
            f"{len(rows)} trials are too many for Optuna's storage",
            f"at most {MOST_FOR_OPTUNA}; csv and parquet take any number",
        )
    with tempfile.TemporaryDirectory(prefix="caviar-export-") as folder:
        file = Path(folder) / "study.db"
        if study_rows.find(snapshot, search.id) is not None:
            _write_study(snapshot, search.id, file)
        else:
            _write_search(snapshot, search, rows, file)
        return file.read_bytes()


def _write_study(snapshot: Snapshot, search: int, file: Path) -> None:
    """Write a study as its script knows it, to the last bit."""
    from caviar.optuna_trials import read_trial  # Optuna takes a second to import
    from caviar.search.optuna_file import write_study

    row = study_rows.get(snapshot, search)
    study = orjson.loads(row.document)
    _, found = study_rows.changed(snapshot, search, 0)
    trials = [
        read_trial(search, {**study_trials.told(one), "document": orjson.loads(one.document)})
        for one in sorted(found, key=lambda one: one.number)
    ]
    user, system = ({k: json.loads(text) for k, text in study[part].items()} for part in ("user", "system"))
    write_study(file, row.name, study["directions"], trials, user, system)


def _write_search(snapshot: Snapshot, search: StoredSearch, rows: Sequence[StoredTrial], file: Path) -> None:
    from caviar.search import optuna_study  # Optuna takes a second to import

    spec = SearchSpec.parse(orjson.loads(search.spec))
    metric = spec.objective.metric
    courses = curves.metric_of(snapshot, search.id, [(row.number, row.branch) for row in rows], metric)
    trained = (_trained(spec, row, courses.get(row.number, ())) for row in rows)
    objectives = {one.metric: one.direction for one in spec.objectives}
    optuna_study.write(file, f"{search.name} ({search.id})", objectives, spec.space, trained)


def _trained(spec: SearchSpec, row: StoredTrial, curve: Sequence[float] | Floats) -> Any:
    """Return a trial as it goes into a study; a result that a person excluded has no value there either."""
    from caviar.search.optuna_study import Trained

    metrics = orjson.loads(row.metrics) if row.metrics else {}
    value = row.withheld if row.value is None and row.excluded is None else row.value
    told = [value, *(metrics.get(one.metric) for one in spec.further)]
    values = [float(one) for one in told if one is not None]
    along = enumerate(_along(curve, spec.objective), 1)
    notes = {
        "trial": str(TrialId.of(row)),
        "seed": row.seed,
        "origin": row.origin,
        "reason": row.reason,
        "excluded": row.excluded,
        "metrics": metrics,
    }
    slacks = zip(spec.subject_to, spec.slacks(metrics) if metrics else (), strict=False)
    return Trained(
        orjson.loads(row.params),
        row.state,
        values,
        None if row.started is None else _local(row.started),
        None if row.ended is None else _local(row.ended),
        {epoch: value for epoch, value in along if math.isfinite(value)},
        {name: note for name, note in notes.items() if note is not None},
        {name: slack for name, slack in slacks if math.isfinite(slack)},
    )


def _along(curve: Sequence[float] | Floats, objective: Objective) -> list[float]:
    """Return what an epoch's value would be, as Optuna's intermediate values have it."""
    return list(values_along(curve, objective.how, objective.direction).tolist())


def _local(seconds: float) -> datetime:
    """Optuna's times are local and bear no zone."""
    return datetime.fromtimestamp(seconds, UTC).astimezone().replace(tzinfo=None)
