"""searches of before go on as they began: a race over folds now ends trials with a smaller chance"""

import json
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

AT_ONCE = 500
CHANCE = 0.005


def upgrade() -> None:
    connection = op.get_bind()
    ids = connection.execute(sa.text("SELECT id FROM searches ORDER BY id")).scalars().all()
    read = sa.text("SELECT id, spec FROM searches WHERE id >= :first AND id <= :last")
    for at in range(0, len(ids), AT_ONCE):
        part = ids[at : at + AT_ONCE]
        rows = connection.execute(read, {"first": part[0], "last": part[-1]}).all()
        kept = [{"id": row.id, "spec": spec} for row in rows if (spec := _kept(json.loads(row.spec)))]
        if kept:
            connection.execute(sa.text("UPDATE searches SET spec = :spec WHERE id = :id"), kept)


def _kept(spec: dict[str, Any]) -> str | None:
    """Return the search with the chance that its race began with; None without a race, or with its own."""
    given = spec.get("stopping")
    if given is None:
        given = "race" if _folded(spec) else "none"
    stopping = {"name": given} if isinstance(given, str) else given
    if stopping.get("name") != "race" or "chance" in stopping:
        return None
    return json.dumps({**spec, "stopping": {**stopping, "chance": CHANCE}}, ensure_ascii=False)


def _folded(spec: dict[str, Any]) -> bool:
    """Return whether a search has folds and one objective, of which race is the default."""
    dataset = spec.get("dataset")
    folds = dataset.get("folds") if isinstance(dataset, dict) else None
    return (
        isinstance(folds, int)
        and folds > 1
        and spec.get("trainer", "mlp") == "mlp"
        and not spec.get("further")
    )


def downgrade() -> None:
    raise NotImplementedError("restore the backup made before the upgrade")
