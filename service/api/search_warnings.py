"""What is allowed in a search but worth saying: what keeps it from going on, or is most likely not meant."""

from __future__ import annotations

from collections.abc import Sequence, Set
from typing import Any

from caviar import trainers
from caviar.exchange.wire import Slot
from caviar.search.resources import Resources
from caviar.service.api import ends
from caviar.service.api.sizes import of_its_size
from caviar.service.store import slots
from caviar.service.store.reads import SearchSummary
from caviar.service.usecases.studies import OPTUNA
from caviar.trainer.data.source_hints import seen_hints, source_hints
from caviar.trainer.effects import scale_hints
from caviar.trainer.metric_checks import metric_hints
from caviar.trainer.metrics import TIMINGS

_PAUSED_ITSELF = {
    "field": "search",
    "message": "",
    "remedy": "fix the cause and resume the search, or submit a corrected copy",
}


def of_search(found: SearchSummary, spec: dict[str, Any], state: str) -> list[dict[str, str]]:
    """Say what keeps a search from going on, or is most likely not meant."""
    row = found.row
    if state == "paused":  # clients take a warning for why it paused itself
        return [{**_PAUSED_ITSELF, "message": row.problem}] if row.problem is not None else []
    told = _of_its_trainer(spec, found.trainers) or _of_its_resources(spec, found.slots)
    trainer, objective = spec.get("trainer") or "mlp", spec.get("objective") or {}
    metric, target = objective.get("metric") or "dev_error", found.target
    if objective.get("direction") == "maximize" and trainers.direction(trainer, metric) == "minimize":
        message = f"the search maximizes {metric}: its best trial is the worst network"
        remedy = "unless you intend this, submit a copy with direction: minimize"
        told.append({"field": "objective.direction", "message": message, "remedy": remedy})
    told += _of_its_limits(spec) + of_its_size(row.total, spec)
    hints = metric_hints(metric, spec.get("settings") or {}, target.classes, target.rows)
    told += [one.as_dict() for one in hints]
    if trainer == "mlp":
        dataset = spec.get("dataset") or {}
        more = [*scale_hints(spec.get("space") or {}), *source_hints(dataset)]
        more += seen_hints(dataset, found.start.dataset, found.start.trial) if found.start else []
        told += [one.as_dict() for one in more]
    return told + ends.unrepeatable(row, spec)


def _of_its_limits(spec: dict[str, Any]) -> list[dict[str, str]]:
    """Say that limits on measured times keep a search from being repeated."""
    timed = [name for name in spec.get("subject_to") or {} if name in TIMINGS]
    if not timed or not spec.get("reproducible", True):
        return []
    message = f"{timed[0]} is measured by a clock: the same search may come to other trials next time"
    remedy = "limit parameters or model_bytes instead if it has to be repeated"
    return [{"field": f"subject_to.{timed[0]}", "message": message, "remedy": remedy}]


def _of_its_trainer(spec: dict[str, Any], can: Set[str]) -> list[dict[str, str]]:
    trainer = spec.get("trainer") or "mlp"
    of_a_script = trainer in ("external", OPTUNA)  # which comes when it likes
    if not can or trainer in can or of_a_script:
        return []
    message = f"no agent has the trainer {trainer!r}, so none of its trials can run"
    remedy = f"install it where the agents run and restart them; they have: {', '.join(sorted(can))}"
    return [{"field": "trainer", "message": message, "remedy": remedy}]


def _of_its_resources(spec: dict[str, Any], alive: Sequence[Slot | None]) -> list[dict[str, str]]:
    wanted = Resources.model_validate(spec.get("resources") or {})
    if not alive or any(slots.fits(one, wanted) for one in alive) or spec.get("trainer") == "external":
        return []
    message = f"no agent has {wanted}, so none of its trials can run"
    have = ", or ".join(sorted({str(slots.resources_of(one)) for one in alive}))
    remedy = f"ask for less, or start agents with --resources {wanted}; those there are have {have}"
    return [{"field": "resources", "message": message, "remedy": remedy}]
