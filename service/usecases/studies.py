"""Studies of Optuna: searches whose trials a script makes, with Optuna's samplers and pruners.

Here a study is a search that proposes nothing by itself (docs/decisions/optuna-storage.md). Its spec says
what Caviar can show: the objectives, and the space, which grows with what its trials suggest.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from caviar.search.spec import MOST_OBJECTIVES, SearchSpec
from caviar.service.errors import ConflictError
from caviar.service.store import audit
from caviar.service.store import searches as search_rows
from caviar.service.store import studies as study_rows
from caviar.service.store.rows import StoredSearch
from caviar.service.store.snapshot import Snapshot
from caviar.service.store.tables import SPEC_VERSION
from caviar.service.store.transaction import Transaction
from caviar.service.usecases.names import name_problems

OPTUNA = "optuna"  # the trainer of a study: no agent has it
ENDLESS = 10_000_000  # trials: a script says when it has had enough
METRIC_NAMES = "study:metric_names"  # where Optuna keeps them


def create(tx: Transaction, name: str, directions: Sequence[str], key: str) -> int | None:
    """Store a new study; give its id, None where the name is taken. A repeated call has the same key."""
    for known in study_rows.named(tx, name):
        return known.search_id if orjson.loads(known.document)["key"] == key else None
    spec = _spec(name, directions)
    search = search_rows.insert_search(
        tx,
        name=spec["name"],
        note=None,
        switch="active",
        mode="caviar",
        spec=orjson.dumps(spec).decode(),
        spec_version=SPEC_VERSION,
        version=1,
        parallel=1,
        lag=1,
        total=1,
        by_hand=0,
        seed=0,
        proposed=0,
        exhausted=False,
        created=tx.now,
    )
    document = {"key": key, "directions": list(directions), "user": {}, "system": {}}
    study_rows.insert_study(tx, search, name, orjson.dumps(document).decode())
    audit.record(tx, "submit", search, after={"name": spec["name"], "study": name})
    return search


def _spec(name: str, directions: Sequence[str]) -> dict[str, Any]:
    shown = "study" if any(name_problems([("name", name)])) else name[:200]
    objectives = [
        {"metric": metric, "direction": direction}
        for metric, direction in zip(metric_names(len(directions)), directions, strict=True)
    ][:MOST_OBJECTIVES]
    spec = {
        "name": shown,
        "trainer": OPTUNA,
        "space": {},
        "strategy": {"name": "random"},  # never asked
        "objective": objectives[0] if len(objectives) == 1 else objectives,
        "budget": {"trials": ENDLESS},
        "lag": 1,
        "reproducible": False,
    }
    return SearchSpec.parse(spec).submitted()


def metric_names(count: int, told: Any = None) -> list[str]:
    """Return what the results of a study are called: as its script says, else value, or value_0, value_1."""
    if isinstance(told, list) and len(told) == count and all(isinstance(one, str) and one for one in told):
        return told
    return ["value"] if count == 1 else [f"value_{place}" for place in range(count)]


def metrics_of(study: Mapping[str, Any]) -> list[str]:
    """Return the names of all objectives of a study, from its document."""
    text = study["system"].get(METRIC_NAMES, "null")
    return metric_names(len(study["directions"]), json.loads(text))


def set_attributes(tx: Transaction, search: int, user: Mapping[str, str], system: Mapping[str, str]) -> None:
    """Write attributes of a study, as the JSON texts they are. Raises NotFoundError."""
    study = orjson.loads(study_rows.get(tx, search).document)
    study["user"] |= user
    study["system"] |= system
    study_rows.describe(tx, search, orjson.dumps(study).decode())
    if METRIC_NAMES in system:
        _name_objectives(tx, search_rows.get(tx, search), metrics_of(study))
    tx.touched.add(search)


def _name_objectives(tx: Transaction, row: StoredSearch, names: Sequence[str]) -> None:
    spec = orjson.loads(row.spec)
    for objective, name in zip([spec["objective"], *spec.get("further", [])], names, strict=False):
        objective["metric"] = name
    SearchSpec.parse(spec)
    search_rows.change(tx, row.id, spec=orjson.dumps(spec).decode(), version=row.version + 1)


def rest(tx: Transaction, search: int) -> None:
    """Note that a script's loop is over: with nothing in training its study has ended, until it goes on.

    Raises NotFoundError.
    """
    study_rows.get(tx, search)
    row = search_rows.get(tx, search)
    if row.proposed and row.ended is None and not row.queued + row.running:
        search_rows.change(tx, search, total=row.proposed, ended=tx.now)


def is_study(snapshot: Snapshot, search: int) -> bool:
    """Return whether a search is a study."""
    return study_rows.find(snapshot, search) is not None


def refuse_steering(snapshot: Snapshot, search: int, instead: str) -> None:
    """Raise ConflictError where a search is a study: what is asked can only be done in its script."""
    if is_study(snapshot, search):
        raise ConflictError(f"search {search} is a study of Optuna, whose script makes its trials: {instead}")
