"""searches of before go on as they began: coarse_to_fine now tries some points again"""

import json
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

AT_ONCE = 500


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
    """Return the search with the version of the strategy that it began with; None for other strategies."""
    given = spec.get("strategy") or "coarse_to_fine"
    strategy = {"name": given} if isinstance(given, str) else given
    if strategy.get("name") != "coarse_to_fine" or "version" in strategy:
        return None
    return json.dumps({**spec, "strategy": {**strategy, "version": 1}}, ensure_ascii=False)


def downgrade() -> None:
    raise NotImplementedError("restore the backup made before the upgrade")
