"""searches of before do not learn from failures: their trials stay those that they would have been"""

import json

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

SEARCHES = sa.table("searches", sa.column("id", sa.Integer), sa.column("spec", sa.Text))


def upgrade() -> None:
    connection = op.get_bind()
    for search, spec in connection.execute(sa.select(SEARCHES.c.id, SEARCHES.c.spec)).all():
        kept = json.dumps({**json.loads(spec), "failures": "ignore"}, ensure_ascii=False)
        connection.execute(SEARCHES.update().where(SEARCHES.c.id == search).values(spec=kept))


def downgrade() -> None:
    raise NotImplementedError("restore the backup made before the upgrade")
