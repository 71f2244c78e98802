"""searches of before keep the defaults of before: `mlp` has others now for gd, momentum and RMSprop"""

import json
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
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
    """Return the search with the version of the defaults it was stored with; None for other trainers."""
    settings = spec.get("settings") or {}
    if spec.get("trainer", "mlp") != "mlp" or "defaults" in settings:
        return None
    return json.dumps({**spec, "settings": {**settings, "defaults": 1}})


def downgrade() -> None:
    raise NotImplementedError("restore the backup made before the upgrade")
